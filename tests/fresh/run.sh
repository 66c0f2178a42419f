#!/bin/bash
# SPDX-License-Identifier: MIT
# Proves the two commands of the README on a machine that has nothing: a fresh Debian 12 in a
# directory of its own. Not one of the tests of scripts/test, because it needs root, a network and
# debootstrap.

usage()
{
	cat <<-'EOF'
	Usage: tests/fresh/run.sh [--base TARBALL] [--keep]

	Makes a minimal Debian 12 (debootstrap --variant=minbase) in a temporary directory, clones the
	last commit of this tree into it, and in there runs scripts/test, scripts/run, the two client
	commands, and both scripts once more without a network. The package mirror is the one
	that apt uses on this machine for bookworm.

	  --base TARBALL  keep the freshly made root in this file, and take it from there next time
	  --keep          leave the directory for a look
	EOF
}

set -eu
base= keep=
while [ $# -gt 0 ]; do
	case $1 in
	--base) base=$(realpath -m "${2:?--base needs a file}"); shift ;;
	--keep) keep=1 ;;
	-h | --help) usage; exit ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done

here=$(cd "$(dirname "$0")/../.." && pwd)
die() { echo "tests/fresh/run.sh: $*" >&2; exit 1; }
# What went wrong; the other steps are worth a look all the same.
failed=()
fault() { echo "tests/fresh/run.sh: $*" >&2; failed+=("$*"); }
step() { printf '\n=== %s (after %d s)\n' "$*" "$SECONDS"; }

[ "$(id -u)" = 0 ] || die "needs root: it makes and enters a root directory"
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
if [ -z "${WEFT_FRESH:-}" ]; then
	# Mounts and processes of the fresh root go away with these namespaces, however we end.
	export WEFT_FRESH=$(mktemp -d "${TMPDIR:-/var/tmp}/weft-fresh.XXXXXX")
	status=0
	unshare --mount --pid --fork --kill-child --propagation private \
		"$0" ${base:+--base "$base"} || status=$?
	if [ -n "$keep" ]; then
		echo "left in $WEFT_FRESH/root"
	else
		rm -rf --one-file-system "$WEFT_FRESH"
	fi
	exit $status
fi

# Inside of the namespaces.
root=$WEFT_FRESH/root
mkdir "$root"
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
	awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
if [ -n "$base" ] && [ -f "$base" ]; then
	step "unpacking $base"
	tar -C "$root" -xf "$base"
else
	[ -n "$mirror" ] || die "apt has no source for bookworm main on this machine: add one to /etc/apt"
	step "debootstrap"
	debootstrap --variant=minbase bookworm "$root" "$mirror" >"$WEFT_FRESH/debootstrap.log" 2>&1 ||
		{ tail -n 20 "$WEFT_FRESH/debootstrap.log" >&2; die "debootstrap failed"; }
	[ -z "$base" ] || tar -C "$root" -cf "$base" .
fi

# The root becomes a mount point: pivot_root and user namespaces need one.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
git clone -q --no-hardlinks "$here" "$root/srv/weft"
# What apt needs to reach its mirror from here goes in too, if this machine has it.
for file in /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf; do
	[ ! -f "$file" ] || cp "$file" "$root/etc/apt/apt.conf.d/99-$(basename "$file")"
done

inside()
{
	env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		LANG=C.UTF-8 TERM=dumb "$@"
}
enter() { inside chroot "$root" "$@"; }
# The same without a network: only a loopback device that is up.
enter_offline() { inside unshare --net sh -c 'ip link set lo up; exec chroot "$@"' - "$root" "$@"; }

# Runs a command in the fresh root and in the network of the daemon that runs there.
beside() { inside nsenter --net="/proc/$1/ns/net" chroot "$root" "${@:2}"; }

# try ENTER: scripts/run, and what it says to type.
try()
{
	local log=$WEFT_FRESH/run.log pid daemon reply waited=0
	(cd / && "$1" /srv/weft/scripts/run) >"$log" 2>&1 &
	pid=$!
	until daemon=$(pgrep -n -x weftd) && beside "$daemon" nc -z 127.0.0.1 7379 2>/dev/null; do
		kill -0 $pid 2>/dev/null || { cat "$log"; fault "scripts/run ended"; return 0; }
		waited=$((waited + 1))
		[ $waited -lt 3000 ] || { cat "$log"; die "scripts/run does not listen after 300 s"; }
		sleep 0.1
	done
	reply=$(beside "$daemon" sh -c "printf 'hello\n' | nc -N 127.0.0.1 7007")
	[ "$reply" = hello ] || fault "echo answered \"$reply\""
	reply=$(beside "$daemon" sh -c 'redis-cli -p 7379 set a 1; redis-cli -p 7379 incr a')
	[ "$reply" = "OK
2" ] || fault "kv answered \"$reply\""
	kill -TERM "$daemon"
	wait $pid || fault "weftd ended with status $?"
	cat "$log"
	echo "the two commands answered: hello, $(echo $reply)"
}

mount -t proc proc /proc
step "scripts/test"
enter /srv/weft/scripts/test || fault "scripts/test failed"
step "scripts/run"
try enter
step "scripts/test --quick, offline"
enter_offline /srv/weft/scripts/test --quick || fault "scripts/test failed offline"
step "scripts/run, offline"
try enter_offline
step "a clear word to those who are not root"
enter dpkg --remove --force-depends mandoc >/dev/null 2>&1
word=$(enter setpriv --reuid=65534 --regid=65534 --clear-groups /srv/weft/scripts/test 2>&1) || :
echo "$word"
[[ $word == *"apt-get install"*mandoc* ]] || fault "scripts/test did not name the command"
step "the end"
if [ ${#failed[@]} -gt 0 ]; then
	printf 'FAILED: %s\n' "${failed[@]}"
	exit 1
fi
echo "all is well"
