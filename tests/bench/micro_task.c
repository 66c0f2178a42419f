/* SPDX-License-Identifier: MIT */
/* Tasks and futures. */

#include "micro.h"

/* --- yield: a task gives way once, among `size` tasks that do nothing else --- */

static bool over;

static int yielder(void *unused)
{
	int r = 0;

	(void)unused;
	while (!over && r >= 0)
		r = weft_sleep(0);
	return r;
}

/* The queue is first in, first out: whenever this task's turn comes, every other has had its own.
 */
static int yield_all(void *unused)
{
	(void)unused;
	for (long i = turns(); i > 0; i--) {
		int r = weft_sleep(0);

		if (r < 0)
			return r;
	}
	return 0;
}

int measure_yield(void *unused)
{
	int r;

	(void)unused;
	for (long i = 1; i < size; i++) {
		r = weft_create_task(yielder, NULL, NULL);
		if (r < 0)
			return r;
	}
	r = each_round(yield_all, NULL, (double)turns() * (double)size);
	over = true;
	return r;
}

/* --- spawn: a task that returns at once is created, awaited and released --- */

static int trivial(void *unused)
{
	(void)unused;
	return 0;
}

static int spawn_and_await(void *unused)
{
	(void)unused;
	for (long i = 0; i < operations; i++) {
		weft_task *task;
		int r = weft_create_task(trivial, NULL, &task);

		if (r < 0)
			return r;
		r = weft_await_task(task, NULL);
		weft_task_release(task);
		if (r < 0)
			return r;
	}
	return 0;
}

int measure_spawn(void *unused)
{
	(void)unused;
	return each_round(spawn_and_await, NULL, (double)operations);
}

/* --- future: one is created, a callback of the loop sets it, and it is awaited --- */

static void set(void *future)
{
	weft_future_set_result(future, 1);
}

static int round_trips(void *unused)
{
	weft_loop *loop = weft_running_loop();
	struct weft_handle handle = {0};

	(void)unused;
	for (long i = 0; i < operations; i++) {
		struct weft_future future = {0};
		int r, result;

		weft_call_soon(loop, &handle, set, &future);
		r = weft_await(&future, &result);
		if (r < 0 || result != 1)
			return r < 0 ? r : -EPROTO;
	}
	return 0;
}

int measure_future(void *unused)
{
	(void)unused;
	return each_round(round_trips, NULL, (double)operations);
}

/* --- gather: `size` tasks that return at once are created and gathered; counted by task --- */

static int gather_all(void *unused)
{
	weft_future **futures = calloc((size_t)size, sizeof(weft_future *));
	weft_task **tasks = calloc((size_t)size, sizeof(weft_task *));
	int r = futures && tasks ? 0 : -ENOMEM;

	(void)unused;
	for (long turn = turns(); turn > 0 && r >= 0; turn--) {
		long created = 0;

		for (; created < size && r >= 0; created++) {
			r = weft_create_task(trivial, NULL, &tasks[created]);
			if (r < 0)
				break;
			futures[created] = weft_task_future(tasks[created]);
		}
		if (r >= 0)
			r = weft_gather(futures, (size_t)size, 0, NULL);
		while (created > 0)
			weft_task_release(tasks[--created]);
	}
	free(tasks);
	free(futures);
	return r;
}

int measure_gather(void *unused)
{
	(void)unused;
	return each_round(gather_all, NULL, (double)turns() * (double)size);
}
