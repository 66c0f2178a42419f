#!/bin/bash
# SPDX-License-Identifier: MIT
# boot.sh PLACE TREE: becomes this machine's own systemd, as PID 1 of a throw-away system.
#
# Runs as the first process of fresh mount, pid, uts, ipc, net and cgroup namespaces, which box.py
# made. The root is an overlay of this machine's / whose upper layer is a tmpfs: it begins with a
# copy of TREE (what `meson install` put into a DESTDIR), takes every write, and is gone with the
# namespaces. Nothing on the machine itself is written, started or stopped.
set -eu
place=$1 tree=$2
umask 022

mount -t tmpfs -o size=512m,mode=755 tmpfs "$place"
mkdir "$place/upper" "$place/work" "$place/root"
cp -a "$tree/." "$place/upper/"
chown -R 0:0 "$place/upper"
chmod 755 "$place/upper"
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root"
root=$place/root
hostname box

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o nosuid,nodev,noexec,ro sysfs "$root/sys"
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero full random urandom tty; do
	: >"$root/dev/$node"
	mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

# Of the machine's own services only the journal is wanted: no unit is pulled in that we do not
# name here, whatever is installed and enabled.
for units in "$root"/{etc,run,lib,usr/lib,usr/local/lib}/systemd/system; do
	rm -rf "$units"/*.wants "$units"/*.requires
done
rm -rf "$root"/{etc,run,lib,usr/lib,usr/local/lib}/systemd/system-generators
: >"$root/etc/fstab"
printf '%032x\n' 2026 >"$root/etc/machine-id"
units=$root/etc/systemd/system
mkdir -p "$units/sysinit.target.wants" "$units/sockets.target.wants" \
	"$root/etc/systemd/journald.conf.d"
lib=/lib/systemd/system
ln -s $lib/systemd-journald.service "$units/sysinit.target.wants/"
ln -s $lib/systemd-journald.socket $lib/systemd-journald-dev-log.socket "$units/sockets.target.wants/"
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' \
	>"$root/etc/systemd/journald.conf.d/box.conf"
printf '[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n' >"$units/box.target"

cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
# systemd passes credentials and mounts on to its units; that takes a shared root.
mount --make-rshared /
exec env -i container=box LANG=C.UTF-8 \
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system --unit=box.target --log-target=journal --show-status=0 </dev/null
