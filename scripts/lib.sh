# SPDX-License-Identifier: MIT
# What the scripts of this folder share; sourced by bash, not run. Leaves $root, the top of the
# tree, and makes it the working directory, so that every script works from anywhere.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
me=scripts/$(basename "$0")
cd "$root" || exit 1

say() { printf '%s: %s\n' "$me" "$*"; }
die() { printf '%s: %s\n' "$me" "$*" >&2; exit 1; }

# packages_of GROUP...: the names in these groups of scripts/packages, each once.
packages_of()
{
	local group
	for group; do
		awk -v group="$group" '$1 == group { print $2 }' scripts/packages
	done | sort -u
}

# missing_packages GROUP...: those of them that are not installed.
missing_packages()
{
	local name
	for name in $(packages_of "$@"); do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
			echo "$name"
	done
}

# need_packages GROUP...: installs what is missing, and asks nothing of the network otherwise.
need_packages()
{
	local missing
	if ! command -v dpkg-query >/dev/null; then
		say "this is not Debian: taking it that what scripts/packages lists is installed"
		return 0
	fi
	# shellcheck disable=SC2046 # a list of words
	missing=$(echo $(missing_packages "$@"))
	[ -n "$missing" ] || return 0

	if [ "$(id -u)" != 0 ]; then
		die "packages are missing, and only root can install them. As root, type:
    apt-get update && apt-get install --no-install-recommends $missing"
	fi
	say "installing $missing"
	# Questions and restarts of other people's services are not ours to raise. The run level
	# keeps packages with a service from starting it where no systemd runs, as in a chroot.
	export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
	apt-get -qq update ||
		say "apt-get update failed; trying with the package lists that are there"
	# shellcheck disable=SC2086 # a list of words
	RUNLEVEL=1 apt-get -qq -o Dpkg::Use-Pty=0 -y --no-install-recommends install $missing \
		</dev/null >"${TMPDIR:-/tmp}/weft-apt.$$" 2>&1 || {
		cat "${TMPDIR:-/tmp}/weft-apt.$$" >&2
		rm -f "${TMPDIR:-/tmp}/weft-apt.$$"
		die "apt-get could not install: $missing
    Its words are above. Without a network, install these packages by other means first."
	}
	rm -f "${TMPDIR:-/tmp}/weft-apt.$$"
}

# build DIRECTORY [meson's options...]: configures it once, anew when the options or the place of the
# tree changed, and builds it. A directory that somebody configured by hand is built as it is.
build()
{
	local dir=$1 log=$1.log wanted
	shift
	wanted="$root CC=${CC:-} $*"
	mkdir -p "$(dirname "$dir")"
	if [ -f "$dir/.options" ] && [ "$(cat "$dir/.options")" != "$wanted" ]; then
		rm -rf "$dir"
	fi
	if [ ! -f "$dir/build.ninja" ]; then
		rm -rf "$dir"
		if ! meson setup "$dir" "$@" >"$log" 2>&1; then
			tail -n 20 "$log" >&2
			die "could not configure $dir (meson setup $dir $*); meson's words are above"
		fi
		echo "$wanted" >"$dir/.options"
	fi
	if ! ninja -C "$dir" >"$log" 2>&1; then
		sed -n '/^FAILED:/,$p; /ERROR:/p' "$log" | grep -v '^\[[0-9]*/[0-9]*\]' >&2
		die "could not build $dir; the compiler's words are above. Should they be about $dir
    itself, remove it and try again."
	fi
	rm -f "$log"
}
