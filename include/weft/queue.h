/* SPDX-License-Identifier: MIT */
#ifndef WEFT_QUEUE_H
#define WEFT_QUEUE_H

/* Queues between tasks (asyncio.Queue, LifoQueue, PriorityQueue). Items have one size and are
 *copied in and out.
 *
 *	struct weft_queue jobs = WEFT_QUEUE(struct job, 100);
 *	r = weft_queue_put(&jobs, &job);	// waits while 100 are in it
 *	r = weft_queue_get(&jobs, &job);	// waits while it is empty
 *
 * As in asyncio a waiting task is only woken to try again: an item can be taken by somebody else
 * before it runs, and it then queues again, last. */

#include <weft/event.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weft_queue_order {
	WEFT_QUEUE_FIFO,
	WEFT_QUEUE_LIFO,     /* the newest first */
	WEFT_QUEUE_PRIORITY, /* the least first, by `compare`; equal ones in no order to rely on */
};

/* The caller's memory: the first four are set by an initialiser below, the rest zero. Nobody may be
 * waiting for it when it goes out of scope. Room for items is allocated as they come, up to
 * `maxsize` of them, and kept until weft_queue_done(). */
struct weft_queue {
	size_t item_bytes;
	size_t maxsize; /* most items; 0: no limit */
	enum weft_queue_order order;
	int (*compare)(const void *a, const void *b); /* < 0: a comes first */
	/* private */
	struct weft_waiters getters, putters;
	struct weft_event finished; /* the opposite of: items are unfinished */
	char *items;
	size_t capacity, head, size;
	size_t unfinished;
	bool shut_down;
};

#define WEFT_QUEUE(type, max)                                \
	{                                                    \
		.item_bytes = sizeof(type), .maxsize = (max) \
	}
#define WEFT_LIFO_QUEUE(type, max)                                                     \
	{                                                                              \
		.item_bytes = sizeof(type), .maxsize = (max), .order = WEFT_QUEUE_LIFO \
	}
#define WEFT_PRIORITY_QUEUE(type, max, less)                                                \
	{                                                                                   \
		.item_bytes = sizeof(type), .maxsize = (max), .order = WEFT_QUEUE_PRIORITY, \
		.compare = (less)                                                           \
	}

/* Copies `*item` in; waits while the queue is full. -ESHUTDOWN: it is shut down (QueueShutDown);
 * -ECANCELED, -ENOMEM: nothing was put; -EINVAL: item_bytes is 0, a priority queue without
 * `compare`, or a queue of another loop. */
WEFT_ASYNC int weft_queue_put(struct weft_queue *queue, const void *item);

/* The same where it would not wait. -EAGAIN: it would (QueueFull). */
WEFT_API int weft_queue_put_nowait(struct weft_queue *queue, const void *item);

/* Takes the next item out, into `*ret_item`; waits while the queue is empty. -ESHUTDOWN: it is shut
 * down and empty (QueueShutDown); -ECANCELED: nothing was taken, no item is lost; -EINVAL. Never
 * allocates. */
WEFT_ASYNC int weft_queue_get(struct weft_queue *queue, void *ret_item);

/* The same where it would not wait. -EAGAIN: it would (QueueEmpty). */
WEFT_API int weft_queue_get_nowait(struct weft_queue *queue, void *ret_item);

/* An item that was taken is done with. -EINVAL: more often than items were put (ValueError). */
WEFT_API int weft_queue_task_done(struct weft_queue *queue);

/* Waits until every item that was ever put is done with. -ECANCELED. */
WEFT_ASYNC int weft_queue_join(struct weft_queue *queue);

/* From now on a put fails with -ESHUTDOWN, and a get as soon as the queue is empty; tasks that wait
 * are woken to see that. `immediate`: what is in the queue is dropped, and counts as done. */
WEFT_API void weft_queue_shutdown(struct weft_queue *queue, bool immediate);

WEFT_API size_t weft_queue_size(const struct weft_queue *queue);
WEFT_API bool weft_queue_empty(const struct weft_queue *queue);
/* Never, where there is no limit. */
WEFT_API bool weft_queue_full(const struct weft_queue *queue);
/* Items put and not done with yet. */
WEFT_API size_t weft_queue_unfinished(const struct weft_queue *queue);

/* Frees the room for items; what is still in the queue is dropped. It can be used again. */
WEFT_API void weft_queue_done(struct weft_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
