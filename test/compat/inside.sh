#!/bin/sh
# Runs a command in another system, whose root is a folder. The mounts that it takes are seen by nobody outside and end
# with the command, however it ends: it is started in a mount and a process namespace of its own.
# usage: unshare --mount --pid --fork --kill-child sh inside.sh ROOT COMMAND...
set -eu

root=$1
shift
mount --make-rprivate /
# A root that is a mount may have namespaces of its own made in it.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
# Of systemd 257 even the journal wants to know its control group.
mount -t cgroup2 -o ro cgroup2 "$root/sys/fs/cgroup"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
# Not exec: the shell is the first process in there and reaps what others leave, as init would.
chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    LANG=C.UTF-8 CI=true DEBIAN_FRONTEND=noninteractive NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$@" || exit $?
