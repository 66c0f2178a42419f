/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <weft/loop.h>

/* Makes the handlers of the caught signals (bit signo - 1) ready. */
bool signals_collect(weft_loop *loop, uint64_t caught);

/* Gives back every signal that the loop still handles. */
void signals_forget(weft_loop *loop);
