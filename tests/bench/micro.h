/* SPDX-License-Identifier: MIT */
#pragma once

/* What micro's files share. Each measurement is a coroutine, the program's main one, which fills
 * `row`. peers/ has the same measurements for others, operation by operation. */

#include "bench.h"

#include <weft/weft.h>

enum { ROUNDS_MOST = 1000 };

extern long rounds, operations;
extern long size; /* tasks, room or timers: what the measurement says */
extern double row[ROUNDS_MOST];

/* Runs fn(arg), which does `count` operations, once to warm up and then once for each round, and
 * notes the ns per operation. */
int each_round(weft_fn fn, void *arg, double count);

/* How often something of `size` parts is done to make `operations` of them. */
static inline long turns(void)
{
	return operations / size > 1 ? operations / size : 1;
}

/* The same numbers in every run, and none that a branch predictor learns. */
static inline uint64_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 24;
}

/* micro_task.c */
int measure_yield(void *unused);
int measure_spawn(void *unused);
int measure_future(void *unused);
int measure_gather(void *unused);
/* micro_sync.c */
int measure_queue(void *unused);
int measure_lock(void *unused);
/* micro_timer.c */
int measure_timer(void *unused);
int measure_fire(void *unused);
/* micro_thread.c */
int measure_threadsafe(void *unused);
