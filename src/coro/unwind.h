/* SPDX-License-Identifier: MIT */
#pragma once

/* The calls that a coroutine is in. */

#include "coro/coro.h"

/* Of a frame: where it goes on. `function` is the first byte of the code that this belongs to, or
 * NULL where that is not known. */
struct coro_frame {
	const void *pc;
	const void *function;
};

/* Calls `see` for each frame, innermost first, until that returns false; its own frames, the
 * switch's and those of this call are left out, except where the coroutine runs: then the first
 * ones are those that lead here. `running`: the calling thread is on it.
 *
 * A coroutine that has not begun shows the frames of its beginning only. With libunwind at hand
 * (the build option `unwind`, and the library when first needed) all frames are found; without, the
 * calls of code that was built with frame pointers. On machines that are neither x86-64 nor AArch64
 * none are. The stack that this is called on needs some 8 KiB of room. */
void coro_unwind(const struct coro *coro, bool running,
	bool (*see)(void *arg, const struct coro_frame *frame), void *arg);
