#!/bin/sh
# Installs what lies below Node for plyfs: fuse3, whose fusermount3 mounts for ordinary users.
# Run again it finds everything there and does nothing. Exit status 0: all that is needed is there.
set -u

say() { printf 'native-setup: %s\n' "$1" >&2; }

if command -v fusermount3 >/dev/null 2>&1; then
  exit 0
fi

uid=$(id -u)
if [ "$uid" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
  say 'installing the package fuse3'
  export DEBIAN_FRONTEND=noninteractive
  if apt-get install -y -qq fuse3 >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get install -y -qq fuse3 >/dev/null; }; then
    exit 0
  fi
  say "apt-get could not install fuse3: see its message above; 'plyfs doctor' says what its absence costs"
  exit 1
fi

if [ "$uid" -eq 0 ]; then
  # Root mounts through mount(2) and does without fusermount3.
  say "fusermount3 not found: ordinary users cannot mount until the package fuse3 is installed"
  exit 0
fi
say "fusermount3 not found: install the package fuse3 (Debian, Ubuntu: sudo apt-get install fuse3)"
exit 1
