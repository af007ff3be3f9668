#!/bin/sh
# Makes a Debian package of plyfs: scripts/debian-package.sh PLYFS.tgz DIRECTORY writes DIRECTORY/plyfs_VERSION_ARCHITECTURE.deb.
# PLYFS.tgz is what `npm pack` made. Node is a dependency; nothing is compiled, no script runs when it is installed or removed.
set -eu
[ $# -eq 2 ] || { echo "usage: $0 PLYFS.tgz DIRECTORY" >&2; exit 2; }
tgz=$(realpath "$1")
out=$(realpath "$2")

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/root
npm install --global --prefix "$root/usr" --ignore-scripts --no-audit --no-fund --loglevel=error "$tgz" >/dev/null
package=$root/usr/lib/node_modules/plyfs
version=$(node -p 'require(process.argv[1]).version' "$package/package.json")
architecture=$(dpkg --print-architecture)

# npm links man pages; the links of a package are to what dpkg put there.
man=$root/usr/share/man/man1
rm -rf "$man" && mkdir -p "$man"
for page in "$package"/dist/man/*.1; do gzip -9n <"$page" >"$man/$(basename "$page").gz"; done
place() { mkdir -p "$root/$2" && cp "$package/dist/completions/$1" "$root/$2/"; }
place bash/plyfs usr/share/bash-completion/completions
place zsh/_plyfs usr/share/zsh/vendor-completions
place fish/plyfs.fish usr/share/fish/vendor_completions.d
mkdir -p "$root/usr/share/doc/plyfs" "$root/DEBIAN"
cp "$package/LICENSE" "$root/usr/share/doc/plyfs/copyright"

cat >"$root/DEBIAN/control" <<CONTROL
Package: plyfs
Version: $version
Architecture: $architecture
Maintainer: ${DEBFULLNAME:-plyfs} <${DEBEMAIL:-root@localhost}>
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: nodejs (>= 20.19), fuse3, util-linux
Section: utils
Priority: optional
Description: container file systems without Docker
 Read-only image layers, a writable layer on top with copy-on-write and whiteouts,
 volumes and bind mounts at their mount points, all as one real mount.
CONTROL
chmod -R go-w "$root"
dpkg-deb --root-owner-group --build "$root" "$out/plyfs_${version}_${architecture}.deb" >/dev/null
echo "$out/plyfs_${version}_${architecture}.deb"
