/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <weft/loop.h>

/* Makes the handlers of the caught signals (bit signo - 1) ready. */
bool signals_collect(weft_loop *loop, uint64_t caught);

/* Whether this is the loop's handler of the signal. */
bool signals_handled_by(const weft_loop *loop, int signo, void (*fn)(void *arg), const void *arg);

/* Gives back every signal that the loop still handles. */
void signals_forget(weft_loop *loop);
