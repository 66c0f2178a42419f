/* SPDX-License-Identifier: MIT */
/* Calls from another thread. */

#include "micro.h"

#include <pthread.h>
#include <semaphore.h>

/* --- threadsafe: another thread hands the loop `size` callbacks in a row, and the loop's task goes
 * on when the last of them has run; counted by callback --- */

static weft_loop *loop;
static sem_t wanted;
static bool over;
static long arrived;
static struct weft_future *all_arrived;

static void arrive(void *unused)
{
	(void)unused;
	if (++arrived == size)
		weft_future_set_result(all_arrived, 0);
}

static void *caller(void *unused)
{
	(void)unused;
	for (;;) {
		while (sem_wait(&wanted) < 0)
			;
		if (over)
			return NULL;
		for (long i = 0; i < size; i++) {
			int r = weft_call_soon_threadsafe(loop, arrive, NULL);

			if (r < 0)
				bench_die("weft_call_soon_threadsafe", -r);
		}
	}
}

static int receive(void *unused)
{
	(void)unused;
	for (long i = turns(); i > 0; i--) {
		struct weft_future future = {0};
		int r;

		arrived = 0;
		all_arrived = &future;
		sem_post(&wanted);
		r = weft_await(&future, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

int measure_threadsafe(void *unused)
{
	pthread_t thread;
	int r;

	(void)unused;
	loop = weft_running_loop();
	if (sem_init(&wanted, 0, 0) < 0)
		return -errno;
	r = -pthread_create(&thread, NULL, caller, NULL);
	if (r < 0)
		return r;
	r = each_round(receive, NULL, (double)turns() * (double)size);
	over = true;
	sem_post(&wanted);
	pthread_join(thread, NULL);
	sem_destroy(&wanted);
	return r;
}
