/* SPDX-License-Identifier: MIT */
#pragma once

/* Tasks at a queue of int, which say what came of it: "a=3" an item, "a:-125" an error, "a:0". */

#include "api.h"

struct party {
	const char *name;
	struct weft_queue *queue;
	int item; /* to put */
};

#define PARTY(...) (&(struct party){__VA_ARGS__})

static inline int getter(void *arg)
{
	struct party *party = arg;
	int item = -1, r = weft_queue_get(party->queue, &item);

	if (r < 0)
		say("%s:%d", party->name, r);
	else
		say("%s=%d", party->name, item);
	return r < 0 ? r : item;
}

static inline int putter(void *arg)
{
	struct party *party = arg;
	int r = weft_queue_put(party->queue, &party->item);

	say("%s:%d", party->name, r);
	return r;
}

static inline int joiner(void *arg)
{
	struct party *party = arg;
	int r = weft_queue_join(party->queue);

	say("%s:%d", party->name, r);
	return r;
}

static inline int put_now(struct weft_queue *queue, int item)
{
	return weft_queue_put_nowait(queue, &item);
}

/* The item, which is >= 0, or the error. */
static inline int get_now(struct weft_queue *queue)
{
	int item = -1, r = weft_queue_get_nowait(queue, &item);

	return r < 0 ? r : item;
}

static inline int put(struct weft_queue *queue, int item)
{
	return weft_queue_put(queue, &item);
}

static inline int get(struct weft_queue *queue)
{
	int item = -1, r = weft_queue_get(queue, &item);

	return r < 0 ? r : item;
}

static inline int compare_ints(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A test for each kind of queue, in which `q` is a new one without a limit. */
#define OF_EACH_KIND(name)                                                       \
	static void name##_of(struct weft_queue *q);                             \
	IN_TASK(name##_fifo)                                                     \
	{                                                                        \
		struct weft_queue q = WEFT_QUEUE(int, 0);                        \
		name##_of(&q);                                                   \
		weft_queue_done(&q);                                             \
		return 0;                                                        \
	}                                                                        \
	IN_TASK(name##_lifo)                                                     \
	{                                                                        \
		struct weft_queue q = WEFT_LIFO_QUEUE(int, 0);                   \
		name##_of(&q);                                                   \
		weft_queue_done(&q);                                             \
		return 0;                                                        \
	}                                                                        \
	IN_TASK(name##_priority)                                                 \
	{                                                                        \
		struct weft_queue q = WEFT_PRIORITY_QUEUE(int, 0, compare_ints); \
		name##_of(&q);                                                   \
		weft_queue_done(&q);                                             \
		return 0;                                                        \
	}                                                                        \
	static void name##_of(struct weft_queue *q)

#define EACH_KIND(name)                                               \
	cmocka_unit_test(name##_fifo), cmocka_unit_test(name##_lifo), \
		cmocka_unit_test(name##_priority)
