/* SPDX-License-Identifier: MIT */

/* Queues. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <string.h>

#include <weft/weft.h>

#include "counted.h"

/* --- queues ------------------------------------------------------------------------------------
 */

enum { ITEMS = 100 };

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* What could not be put is not in it, and what was put comes out. */
static int fill_and_empty(struct weft_queue *queue)
{
	int r, ret = 0, n = 0, item;

	for (int i = 0; i < ITEMS; i++) {
		r = weft_queue_put_nowait(queue, &n);
		n += r == 0;
		if (r < 0)
			ret = r;
		if (r < 0 && r != -ENOMEM)
			scenario_broken = "a put failed for another reason than memory";
		if (weft_queue_size(queue) != (size_t)n ||
			weft_queue_unfinished(queue) != (size_t)n)
			scenario_broken = "a put that failed has put something";
	}
	for (int i = 0; i < n; i++) {
		r = weft_queue_get_nowait(queue, &item);
		if (r < 0 || item != (queue->order == WEFT_QUEUE_LIFO ? n - 1 - i : i))
			scenario_broken = "an item was lost";
	}
	weft_queue_done(queue);
	return ret;
}

int fill_queues(void *unused)
{
	struct weft_queue fifo = WEFT_QUEUE(int, 0), lifo = WEFT_LIFO_QUEUE(int, ITEMS),
			  priority = WEFT_PRIORITY_QUEUE(int, 0, compare_ints);
	int r = fill_and_empty(&fifo);

	(void)unused;
	if (r == 0)
		r = fill_and_empty(&lifo);
	return r == 0 ? fill_and_empty(&priority) : r;
}

/* --- items that go through a queue --------------------------------------------------------------
 */

enum { EACH = 15, PRODUCERS = 2, CONSUMERS = 2, THROUGH = EACH * PRODUCERS };

static struct {
	struct weft_queue queue;
	bool put[THROUGH], taken[THROUGH];
	int producers, consumers; /* that have not ended */
	int next;		  /* producer to start */
} exchange;

/* An item that was taken is told apart from one that was not, whatever happens to the taker. */
static void take(int item)
{
	if (item < 0 || item >= THROUGH || exchange.taken[item])
		scenario_broken = "an item came twice, or was never put";
	else
		exchange.taken[item] = true;
	if (weft_queue_task_done(&exchange.queue) < 0)
		scenario_broken = "more was taken than put";
}

static int put_items(void *unused)
{
	int first = EACH * exchange.next++, r = 0;

	(void)unused;
	for (int i = 0; r == 0 && i < EACH; i++) {
		int item = first + i;

		/* Before: the taker may be faster than we are. */
		exchange.put[item] = true;
		r = weft_queue_put(&exchange.queue, &item);
		if (r < 0)
			exchange.put[item] = false;
		if (r == 0 && i % 4 == 3)
			r = weft_sleep(0);
	}
	if (--exchange.producers == 0)
		weft_queue_shutdown(&exchange.queue, false);
	return r == -ESHUTDOWN ? 0 : r;
}

/* The last of them to end lets nobody wait for more. */
static int take_items(void *unused)
{
	int r = 0, item;

	(void)unused;
	while (r == 0) {
		r = weft_queue_get(&exchange.queue, &item);
		if (r == 0) {
			r = weft_sleep(0);
			take(item);
		}
	}
	if (--exchange.consumers == 0) {
		while (weft_queue_get_nowait(&exchange.queue, &item) == 0)
			take(item);
		weft_queue_shutdown(&exchange.queue, true);
	}
	return r == -ESHUTDOWN ? 0 : r;
}

static void every_item_is_somewhere(void)
{
	size_t size = weft_queue_size(&exchange.queue);
	int item;

	if (weft_queue_unfinished(&exchange.queue) != size)
		scenario_broken = "items are neither done with nor in the queue";
	while (weft_queue_get_nowait(&exchange.queue, &item) == 0)
		take(item);
	for (int i = 0; i < THROUGH; i++) {
		if (exchange.put[i] && !exchange.taken[i])
			scenario_broken = "an item that was put is neither taken nor there";
		if (!exchange.put[i] && exchange.taken[i])
			scenario_broken = "an item was taken whose put failed";
	}
}

/* Producers and consumers, while the caller joins. */
static int exchange_items(struct weft_queue queue)
{
	int r = 0;
	WEFT_GROUP(g);

	memset(&exchange, 0, sizeof(exchange));
	exchange.queue = queue;
	for (int i = 0; r == 0 && i < PRODUCERS + CONSUMERS; i++) {
		/* One that is cancelled before its first step could not tell the others. */
		struct weft_task_options at_once = {.eager_start = true};
		bool puts = i < PRODUCERS;

		*(puts ? &exchange.producers : &exchange.consumers) += 1;
		r = weft_group_spawn_with(&g, &at_once, puts ? put_items : take_items, NULL, NULL);
		if (r < 0)
			*(puts ? &exchange.producers : &exchange.consumers) -= 1;
	}
	if (r == 0)
		r = weft_queue_join(&exchange.queue);
	r = weft_group_join(&g, r);
	every_item_is_somewhere();
	weft_queue_done(&exchange.queue);
	return r;
}

int exchange_first_in(void *unused)
{
	(void)unused;
	return exchange_items((struct weft_queue)WEFT_QUEUE(int, 3));
}

int exchange_last_in(void *unused)
{
	(void)unused;
	return exchange_items((struct weft_queue)WEFT_LIFO_QUEUE(int, 2));
}

int exchange_by_priority(void *unused)
{
	(void)unused;
	return exchange_items((struct weft_queue)WEFT_PRIORITY_QUEUE(int, 1, compare_ints));
}

/* --- a shutdown in the middle -------------------------------------------------------------------
 */

static int put_one(void *queue)
{
	int r = weft_queue_put(queue, &(int){1});

	return r == -ESHUTDOWN ? 0 : r;
}

static int join_it(void *queue)
{
	return weft_queue_join(queue);
}

static int get_one(void *queue)
{
	int item, r = weft_queue_get(queue, &item);

	return r == -ESHUTDOWN ? 0 : r;
}

int shut_down_at_once(void *unused)
{
	struct weft_queue full = WEFT_QUEUE(int, 1), empty = WEFT_QUEUE(int, 1);
	int r;

	(void)unused;
	{
		WEFT_GROUP(g);

		r = weft_group_spawn(&g, NULL, put_one, &full, NULL);
		for (int i = 0; r == 0 && i < 3; i++)
			r = weft_group_spawn(&g, NULL, put_one, &full, NULL);
		if (r == 0)
			r = weft_group_spawn(&g, NULL, join_it, &full, NULL);
		for (int i = 0; r == 0 && i < 3; i++)
			r = weft_group_spawn(&g, NULL, get_one, &empty, NULL);
		if (r == 0)
			r = weft_sleep(0);
		if (r == 0)
			r = weft_sleep(0);
		weft_queue_shutdown(&full, true);
		weft_queue_shutdown(&empty, false);
		r = weft_group_join(&g, r);
	}
	if (weft_queue_size(&full) != 0 || weft_queue_unfinished(&full) != 0)
		scenario_broken = "a queue that was shut down at once has items";
	weft_queue_done(&full);
	weft_queue_done(&empty);
	return r;
}
