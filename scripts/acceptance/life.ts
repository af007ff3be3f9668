/**
 * What is done to the tree, as bash scripts run in its root: first what a container does to its root file system, then
 * what hits each rule of a union.
 */

interface Step {
  readonly title: string;
  readonly script: string;
  readonly timeoutMs?: number;
}

const APT = 'DEBIAN_FRONTEND=noninteractive apt-get -q -y -o APT::Sandbox::User=root';

/** Small, and with all that packages do: alternatives, triggers, capabilities, setuid, services not started. */
const PACKAGES = [
  ...['acl', 'attr', 'bc', 'bzip2', 'ca-certificates', 'colordiff', 'cpio', 'dc', 'diffstat', 'dos2unix'],
  ...['ed', 'fdupes', 'figlet', 'file', 'gawk', 'gettext-base', 'hexedit', 'htop', 'indent', 'inotify-tools'],
  ...['iputils-ping', 'jq', 'less', 'libcap2-bin', 'lsof', 'lzip', 'make', 'mtools', 'nano', 'ncal'],
  ...['ncdu', 'netcat-openbsd', 'patch', 'pigz', 'procps', 'psmisc', 'pv', 'pwgen', 'screen', 'sqlite3'],
  ...['strace', 'sudo', 'telnet', 'tmux', 'traceroute', 'unzip', 'vim-tiny', 'wdiff', 'xxd', 'zip'],
];

export const life: readonly Step[] = [
  { title: 'dpkg --verify finds nothing changed', script: '[ -z "$(chroot . dpkg --verify)" ]' },
  {
    title: 'apt-get install, without proc',
    script: `cp /etc/resolv.conf etc/resolv.conf
      chroot . sh -c '${APT} update && ${APT} install --no-install-recommends tree'
      chroot . tree -L 1 / | grep etc >/dev/null`,
  },
  {
    title: 'apt-get upgrade, and install of fifty packages, with proc',
    script: `mount -t proc proc proc; trap 'umount proc' EXIT
      printf '#!/bin/sh\\nexit 101\\n' > usr/sbin/policy-rc.d; chmod 755 usr/sbin/policy-rc.d
      chroot . sh -c '${APT} upgrade && ${APT} install --no-install-recommends ${PACKAGES.join(' ')}'
      chroot . sh -c 'dpkg --configure -a && dpkg --audit && apt-get check'
      chroot . less --version | grep less >/dev/null; echo '2^70' | chroot . bc | grep 1180591620717411303424 >/dev/null
      chroot . sqlite3 /root/db "create table t(x); insert into t values(7); select x from t" | grep 7 >/dev/null
      [ "$(chroot . dpkg -l | grep -c '^ii')" -gt 130 ]`,
    timeoutMs: 900_000,
  },
  {
    title: 'dpkg --verify finds nothing changed after it',
    script: `[ -z "$(chroot . dpkg --verify)" ]; chroot . getcap bin/ping | grep cap_net_raw >/dev/null
      [ -u usr/bin/sudo ]; chroot . ls -L etc/alternatives/nc usr/bin/pager >/dev/null`,
  },
  { title: 'apt-get purge', script: `chroot . sh -c '${APT} purge tree && ! which tree'` },
  { title: 'rm -rf usr/share/doc', script: 'rm -rf usr/share/doc; [ ! -e usr/share/doc ]' },
  {
    title: 'tar out and in',
    script: `mkdir -p root/life/tar
      tar --xattrs --acls -cf - usr/lib etc | tar --xattrs --acls -xpf - -C root/life/tar
      diff -r --no-dereference etc root/life/tar/etc
      tar --xattrs --acls --compare -C root/life/tar -f <(tar --xattrs --acls -cf - etc)`,
  },
  { title: 'tar over what is there', script: '{ tar -cf - usr/sbin || [ $? = 1 ]; } | tar -xpf -' },
  {
    title: 'a directory removed and made again',
    script: 'rm -rf usr/share/locale; mkdir usr/share/locale; echo x > usr/share/locale/x',
  },
  {
    title: 'files renamed, removed, made again',
    script: `mv etc/debian_version etc/renamed; mv etc/issue etc/issue.net
      rm etc/shells; mkdir etc/shells; rm etc/networks 2>/dev/null || true; rm etc/fstab; echo new > etc/fstab
      ln -s nowhere etc/dangling; mv etc/dangling etc/host.conf`,
  },
  {
    title: 'attributes',
    script: `chmod 4711 usr/bin/find; chown 12:34 usr/bin/sort; touch -d '2001-02-03 04:05:06.123456789' usr/bin/cut
      setfattr -n user.note -v text usr/bin/head; setfattr -n trusted.note -v 0s//8A usr/bin
      setcap cap_net_raw+ep usr/bin/tail; setfacl -m u:12:rx usr/bin/wc; setfacl -d -m g:5:rwx srv
      mkdir srv/child; chmod 2775 opt; chown :50 opt; touch opt/inherits; chown -h 3:4 bin
      touch -h -d '2002-02-02 02:02:02.222222222' lib; chmod 700 usr/share/perl5 2>/dev/null || true`,
  },
  {
    title: 'data',
    script: `echo more >> etc/passwd; truncate -s 10 etc/group; truncate -s 100000 etc/profile
      printf X | dd of=usr/bin/stat bs=1 seek=1000 conv=notrunc status=none
      sed -i s/root/ROOT/ etc/shadow; fallocate -p -o 4096 -l 4096 usr/bin/dpkg
      dd if=/dev/zero of=var/synced bs=64k count=3 conv=fsync status=none`,
  },
  {
    title: 'special files and names',
    script: `mkdir -p root/life/special; cd root/life/special; mkfifo fifo; mknod disk b 7 200; mknod tty c 4 5
      python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")' 2>/dev/null || perl -MSocket -e \
      'socket(S,PF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un("socket")) or die'
      touch "$(printf 'a%.0s' {1..255})" $'\\x01\\xff\\xfe' 'new
line' .wh.plain; mkdir .wh..wh..opq`,
  },
  {
    title: 'hard links',
    script: `mkdir -p root/life/links; cp usr/bin/id root/life/links/one; ln root/life/links/one root/life/links/two
      ln usr/bin/env root/life/hard-env; chmod 711 root/life/hard-env; rm root/life/links/one`,
  },
  {
    title: 'directories renamed',
    script: `mv root/life/tar/etc root/life/etc2; mkdir root/life/a; mv root/life/a root/life/b
      mv usr/share/zoneinfo root/life/zones; mv usr/share/bash-completion usr/share/completion`,
  },
  {
    title: 'cp -a and rsync -aHAX',
    script: `cp -a etc root/life/cp; rsync -aHAX etc/ root/life/rsync/; rsync -aHAX etc/ root/life/rsync/
      [ -z "$(rsync -aHAXin --delete etc/ root/life/rsync/)" ]`,
  },
];
