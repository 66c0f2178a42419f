/* SPDX-License-Identifier: MIT */
/* What tasks wait in line for. */

#include "micro.h"

/* --- queue: an item goes from one task to another, through a queue with room for `size` --- */

static int consume(void *queue)
{
	for (long i = 0; i < operations; i++) {
		long item;
		int r = weft_queue_get(queue, &item);

		if (r < 0 || item != i)
			return r < 0 ? r : -EPROTO;
	}
	return 0;
}

static int produce(void *queue)
{
	weft_task *consumer;
	int result = 0, r = weft_create_task(consume, queue, &consumer);

	if (r < 0)
		return r;
	for (long i = 0; i < operations && r >= 0; i++)
		r = weft_queue_put(queue, &i);
	if (r >= 0)
		r = weft_await_task(consumer, &result);
	weft_task_release(consumer);
	return r < 0 ? r : result;
}

int measure_queue(void *unused)
{
	struct weft_queue queue = WEFT_QUEUE(long, (size_t)size);
	int r;

	(void)unused;
	r = each_round(produce, &queue, (double)operations);
	weft_queue_done(&queue);
	return r;
}

/* --- lock: `size` tasks, each acquires it, yields and releases it, over and over --- */

static int contend(void *lock)
{
	for (long i = turns(); i > 0; i--) {
		int r = weft_lock_acquire(lock);

		if (r < 0)
			return r;
		r = weft_sleep(0);
		weft_lock_release(lock);
		if (r < 0)
			return r;
	}
	return 0;
}

static int contend_all(void *lock)
{
	WEFT_GROUP(group);

	for (long i = 0; i < size; i++) {
		int r = weft_group_spawn(&group, NULL, contend, lock, NULL);

		if (r < 0)
			return r;
	}
	return weft_group_join(&group, 0);
}

int measure_lock(void *unused)
{
	struct weft_lock lock = {0};

	(void)unused;
	return each_round(contend_all, &lock, (double)turns() * (double)size);
}
