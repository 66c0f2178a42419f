/* SPDX-License-Identifier: MIT */
#ifndef WEFT_QUEUE_H
#define WEFT_QUEUE_H

/* Queues between tasks (asyncio.Queue, LifoQueue, PriorityQueue). Items have one size and are
 * copied in and out.
 *
 *	struct weft_queue jobs = WEFT_QUEUE(struct job, 100);
 *	r = weft_queue_put(&jobs, &job);	// waits while 100 are in it
 *	r = weft_queue_get(&jobs, &job);	// waits while it is empty
 *	weft_queue_done(&jobs);
 *
 * As in asyncio a waiting task is only woken to try again: an item can be taken by somebody else
 * before it runs, and it then queues again, last. */

#include <weft/future.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weft_queue_order {
	WEFT_QUEUE_FIFO,
	WEFT_QUEUE_LIFO,     /* the newest first */
	WEFT_QUEUE_PRIORITY, /* the least first, by `compare`; equal ones in no order to rely on */
};

/* The caller's memory: the first five are set by an initialiser below, the rest zero. Nobody may be
 * waiting for it when it goes out of scope. Room for items is allocated as they come, up to
 * `maxsize` of them, aligned as by malloc(), and kept until weft_queue_done(). The tasks that wait
 * for items or for room must be of one loop, and so must those that join. */
struct weft_queue {
	size_t item_bytes;
	size_t maxsize; /* most items; 0: no limit */
	enum weft_queue_order order;
	/* < 0: a comes first. Called by what puts and takes; may neither suspend nor use the queue.
	 */
	int (*compare)(const void *a, const void *b);
	void *storage; /* room for `maxsize` items, the caller's; NULL: it is allocated */
	/* private */
	struct weft_waiters getters, putters, joiners;
	char *items;
	size_t capacity, head, size;
	size_t room; /* `capacity`, where the shortest way to put an item is open; or 0 */
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
/* The items are kept in `array`, which is not a pointer and lives as long as the queue: nothing is
 * ever allocated. First in, first out; for another order set `order` and `compare`. */
#define WEFT_QUEUE_IN(array)                                                                     \
	{                                                                                        \
		.item_bytes = sizeof((array)[0]), .maxsize = sizeof(array) / sizeof((array)[0]), \
		.storage = (array)                                                               \
	}

/* Copies `*item` in, at the time when there is room; waits while the queue is full. -ESHUTDOWN: it
 * is shut down (QueueShutDown); -ECANCELED, -ENOMEM: nothing was put; -EINVAL: item_bytes is 0, a
 * priority queue without `compare`, storage without `maxsize`, or it would wait where tasks
 * of another loop have waited. */
WEFT_ASYNC int weft_queue_put(struct weft_queue *queue, const void *item);

/* The same where it would not wait. -EAGAIN: it would (QueueFull). */
WEFT_API int weft_queue_put_nowait(struct weft_queue *queue, const void *item);

/* Takes the next item out, into `*ret_item`; waits while the queue is empty. -ESHUTDOWN: it is shut
 * down and empty (QueueShutDown); -ECANCELED: nothing was taken, no item is lost; -EINVAL as above.
 * Never allocates. */
WEFT_ASYNC int weft_queue_get(struct weft_queue *queue, void *ret_item);

/* The same where it would not wait. -EAGAIN: it would (QueueEmpty). */
WEFT_API int weft_queue_get_nowait(struct weft_queue *queue, void *ret_item);

/* An item that was taken is done with. -EINVAL: more often than items were put (ValueError). */
WEFT_API int weft_queue_task_done(struct weft_queue *queue);

/* Waits until every item that was ever put is done with. -ECANCELED; -EINVAL: it would wait where
 * tasks of another loop have joined. */
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

/* Frees the room for items; what is still in the queue is dropped. Nobody may be waiting for it. It
 * is then as new: open, of no loop, and it can be used again. */
WEFT_API void weft_queue_done(struct weft_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
