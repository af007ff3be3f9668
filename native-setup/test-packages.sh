#!/bin/sh
# Installs the programs that the tests run inside and beside mounts; for developers and CI, not for users of plyfs.
# Run again it finds everything there and does nothing. Exit status 0: all are there, or this is no Debian.
#
# attr, acl, git, strace, build-essential: run inside a mount; fuse-overlayfs: uppers in its form; skopeo, umoci,
# docker-registry: the other end of images; sshfs, openssh-server, glusterfs-*: storage that is far away; e2fsprogs:
# volumes with size=; busybox-static, bzip2, xz-utils: what builds begin with;
# postgresql, redis-server, mariadb-server, sqlite3: databases that are killed. More are named by who calls it: docker.io
# for 'npm run test:docker' and 'test:long', buildah for 'npm run test:build' and 'test:long', chromium for 'test:long'.
set -u
packages="fuse3 fuse-overlayfs attr acl build-essential git strace
  skopeo umoci docker-registry openssl zstd libcap2-bin
  sshfs openssh-server glusterfs-server glusterfs-client e2fsprogs procps
  busybox-static bzip2 xz-utils postgresql redis-server mariadb-server sqlite3 $*"

say() { printf 'native-setup: %s\n' "$1" >&2; }

missing=''
if command -v dpkg-query >/dev/null 2>&1; then
  for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
else
  say "no dpkg here: install what the tests use yourself:" $packages
  exit 0
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  say "the tests need$missing; run: sudo apt-get install$missing"
  exit 1
fi

say "installing for the tests:$missing"
export DEBIAN_FRONTEND=noninteractive
# Servers must not start: tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
for try in 1 2 3; do
  # shellcheck disable=SC2086 # a list of words
  if apt-get -qq -o DPkg::Lock::Timeout=120 update &&
    apt-get -qq -y -o DPkg::Lock::Timeout=120 install --no-install-recommends $missing >/dev/null; then
    exit 0
  fi
  say "try $try failed"
  sleep 5
done
exit 1
