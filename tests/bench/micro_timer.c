/* SPDX-License-Identifier: MIT */
/* Timers. */

#include "micro.h"

/* --- timer: one is added and an older one is cancelled, while `size` others are pending: what
 * timeouts do that never expire --- */

enum { YOUNG = 1024 };

static struct weft_handle young[YOUNG];

static void never(void *unused)
{
	(void)unused;
	bench_die("timer", EINVAL);
}

static int add_and_cancel(void *random)
{
	weft_loop *loop = weft_running_loop();

	for (long i = 0; i < operations; i++) {
		struct weft_handle *handle = &young[i % YOUNG];
		weft_ns delay = WEFT_S(500) + (weft_ns)random_next(random);

		weft_handle_cancel(handle);
		weft_call_later(loop, handle, delay, never, NULL);
	}
	return 0;
}

int measure_timer(void *unused)
{
	struct weft_handle *pending = calloc((size_t)size, sizeof(*pending));
	uint64_t random = 88172645463325252u;
	int r;

	(void)unused;
	if (!pending)
		return -ENOMEM;
	for (long i = 0; i < size; i++)
		weft_call_later(weft_running_loop(), &pending[i],
			WEFT_S(1000) + (weft_ns)random_next(&random), never, NULL);
	r = each_round(add_and_cancel, &random, (double)operations);
	for (long i = 0; i < YOUNG; i++)
		weft_handle_cancel(&young[i]);
	for (long i = 0; i < size; i++)
		weft_handle_cancel(&pending[i]);
	free(pending);
	return r;
}

/* --- fire: `size` timers with deadlines anywhere in the next `size` us, until the last has run:
 * the CPU time of that in ms --- */

static long left;

static void fired(void *last)
{
	if (--left == 0)
		weft_future_set_result(last, 0);
}

static int fire_all(struct weft_handle *timers, uint64_t *random)
{
	weft_loop *loop = weft_running_loop();
	struct weft_future last = {0};

	left = size;
	for (long i = 0; i < size; i++) {
		weft_ns delay = (weft_ns)(random_next(random) % (uint64_t)WEFT_US(size));

		weft_call_later(loop, &timers[i], delay, fired, &last);
	}
	return weft_await(&last, NULL);
}

int measure_fire(void *unused)
{
	struct weft_handle *timers = calloc((size_t)size, sizeof(*timers));
	uint64_t random = 88172645463325252u;
	int r = timers ? 0 : -ENOMEM;

	(void)unused;
	for (long round = 0; round < rounds && r >= 0; round++) {
		int64_t start = bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);

		r = fire_all(timers, &random);
		row[round] = (double)(bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e6;
	}
	free(timers);
	return r;
}
