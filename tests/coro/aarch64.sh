#!/bin/sh
# SPDX-License-Identifier: MIT
# The tests of this folder on AArch64: cross-compiled, linked statically, run in qemu.
# Usage: aarch64.sh SOURCE_ROOT
set -u

compiler=aarch64-linux-gnu-gcc
emulator=qemu-aarch64
source=$1
subjects='switch pool overflow unwind'

echo 1..4
for tool in $compiler $emulator; do
	if ! command -v $tool >/dev/null; then
		n=0
		for subject in $subjects; do
			n=$((n + 1))
			echo "ok $n - $subject # SKIP there is no $tool"
		done
		exit 0
	fi
done

build=$(mktemp -d) || exit 1
trap 'rm -rf "$build"' EXIT

n=0
failures=0
for subject in $subjects; do
	n=$((n + 1))
	if $compiler -std=gnu17 -D_GNU_SOURCE -O2 -g -static -fno-omit-frame-pointer -Wall -Wextra -Werror \
		-DCONTEXT_BYTES=256 -I"$source/src" -o "$build/$subject" \
		"$source/tests/coro/${subject}_test.c" "$source"/src/coro/coro.c \
		"$source"/src/coro/guard.c "$source"/src/coro/overflow.c \
		"$source"/src/coro/pool.c "$source"/src/coro/unwind.c \
		"$source"/src/coro/saved_aarch64.c "$source"/src/coro/switch_aarch64.S \
		>"$build/log" 2>&1 && $emulator "$build/$subject" >"$build/log" 2>&1; then
		echo "ok $n - $subject"
	else
		echo "not ok $n - $subject"
		failures=$((failures + 1))
	fi
	sed 's/^/# /' "$build/log"
done
[ $failures -eq 0 ]
