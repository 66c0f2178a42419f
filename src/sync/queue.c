/* SPDX-License-Identifier: MIT */
/* Queues. Who waits is woken to try again, and has no claim to an item or a place: that keeps the
 * calls that never wait free of any rule, and those that need not wait short.
 *
 * A wake-up must not be lost: a task that was woken and then cancelled passes it on. */

#include "items.h"
#include "waiter.h"

#include <errno.h>

WAITER_OBJECT(queue_of_getter, struct weft_queue, getters)
WAITER_OBJECT(queue_of_putter, struct weft_queue, putters)

/* Whoever joins waits for something else than those who get, often at the same time: for the end of
 * the work, which is known by this list. */
static const void *joiners_of(const struct weft_future *future, uint64_t *ret_holder)
{
	(void)ret_holder;
	return waiter_of(future)->queue;
}

static const struct weft_future_ops get_ops = {.name = "queue get", .object = queue_of_getter};
static const struct weft_future_ops put_ops = {.name = "queue put", .object = queue_of_putter};
static const struct weft_future_ops join_ops = {.name = "queue join", .object = joiners_of};

/* What a call that need not wait does is in the public function, and short; everything else is in a
 * function that it jumps to. */
#define SLOW	    static __attribute__((noinline))
#define LIKELY(x)   __builtin_expect((x), true)
#define UNLIKELY(x) __builtin_expect((x), false)

/* Wakes the first that nobody has woken or cancelled. Returns 0, which the compiler must not know:
 * a caller who has nothing left to do then jumps here. */
SLOW int wake_first(struct weft_waiters *waiters)
{
	struct weft_waiter *waiter;
	int r = 0;

	while ((waiter = waiters->first) != NULL) {
		waiters->first = waiters->pending = waiter->next;
		*(waiter->next ? &waiter->next->prev : &waiters->last) = NULL;
		waiter->queue = NULL;
		if (waiter_wake(waiter))
			break;
	}
	__asm__("" : "+r"(r));
	return r;
}

static void wake_all(struct weft_waiters *waiters)
{
	while (waiters->first)
		wake_first(waiters);
}

static int wait_turn(struct weft_queue *queue, struct weft_waiters *waiters,
	const struct weft_future_ops *ops, struct weft_waiter *waiter)
{
	/* Those who get and those who put are of one loop. */
	if (!waiters->loop)
		queue->getters.loop = queue->putters.loop = loop_here;
	return waiters_wait(waiters, waiter, ops);
}

bool weft_queue_full(const struct weft_queue *queue)
{
	return queue->maxsize > 0 && queue->size >= queue->maxsize;
}

/* --- put ----------------------------------------------------------------------------------------
 */

static inline int has_put(struct weft_queue *queue)
{
	queue->unfinished++;
	return queue->getters.first ? wake_first(&queue->getters) : 0;
}

/* -EAGAIN: it is full. */
static inline int put_any(struct weft_queue *queue, const void *item)
{
	int r;

	if (queue->shut_down)
		return -ESHUTDOWN;
	if (queue->size == queue->capacity) {
		if (weft_queue_full(queue))
			return -EAGAIN;
		r = items_grow(queue);
		if (r < 0)
			return r;
	}
	items_add(queue, item);
	return has_put(queue);
}

SLOW int put_slowly(struct weft_queue *queue, const void *item)
{
	return put_any(queue, item);
}

int weft_queue_put_nowait(struct weft_queue *queue, const void *item)
{
	return LIKELY(plain_add(queue, item)) ? has_put(queue) : put_slowly(queue, item);
}

SLOW int put_or_wait(struct weft_queue *queue, const void *item)
{
	struct weft_waiter waiter;
	int r = put_any(queue, item);

	while (r == -EAGAIN) {
		r = wait_turn(queue, &queue->putters, &put_ops, &waiter);
		waiter_done(&waiter);
		if (LIKELY(r == 0))
			r = weft_queue_put_nowait(queue, item);
		else if (waiter_woken(&waiter) && !weft_queue_full(queue))
			wake_first(&queue->putters);
	}
	return r;
}

int weft_queue_put(struct weft_queue *queue, const void *item)
{
	if (UNLIKELY(!task_here))
		return -EPERM;
	return LIKELY(plain_add(queue, item)) ? has_put(queue) : put_or_wait(queue, item);
}

/* --- get ----------------------------------------------------------------------------------------
 */

static inline int has_taken(struct weft_queue *queue)
{
	return queue->putters.first ? wake_first(&queue->putters) : 0;
}

/* -EAGAIN: it is empty. */
static inline int get_any(struct weft_queue *queue, void *ret_item)
{
	if (queue->size == 0) {
		if (queue->shut_down)
			return -ESHUTDOWN;
		return queue->capacity > 0 || items_set_up(queue) ? -EAGAIN : -EINVAL;
	}
	items_take(queue, ret_item);
	return has_taken(queue);
}

SLOW int get_slowly(struct weft_queue *queue, void *ret_item)
{
	return get_any(queue, ret_item);
}

int weft_queue_get_nowait(struct weft_queue *queue, void *ret_item)
{
	return LIKELY(plain_take(queue, ret_item)) ? has_taken(queue) : get_slowly(queue, ret_item);
}

SLOW int get_or_wait(struct weft_queue *queue, void *ret_item)
{
	struct weft_waiter waiter;
	int r = get_any(queue, ret_item);

	while (r == -EAGAIN) {
		r = wait_turn(queue, &queue->getters, &get_ops, &waiter);
		waiter_done(&waiter);
		if (LIKELY(r == 0))
			r = weft_queue_get_nowait(queue, ret_item);
		else if (waiter_woken(&waiter) && queue->size > 0)
			wake_first(&queue->getters);
	}
	return r;
}

int weft_queue_get(struct weft_queue *queue, void *ret_item)
{
	if (UNLIKELY(!task_here))
		return -EPERM;
	return LIKELY(plain_take(queue, ret_item)) ? has_taken(queue)
						   : get_or_wait(queue, ret_item);
}

/* --- join ---------------------------------------------------------------------------------------
 */

int weft_queue_task_done(struct weft_queue *queue)
{
	if (queue->unfinished == 0)
		return -EINVAL;
	if (--queue->unfinished == 0)
		wake_all(&queue->joiners);
	return 0;
}

/* Once only: who waited for the end has seen it, even where more has been put since. */
SLOW int join(struct weft_queue *queue)
{
	struct weft_waiter waiter;
	int r = waiters_wait(&queue->joiners, &waiter, &join_ops);

	waiter_done(&waiter);
	return r;
}

int weft_queue_join(struct weft_queue *queue)
{
	if (!task_here)
		return -EPERM;
	return queue->unfinished > 0 ? join(queue) : 0;
}

/* --- the rest -----------------------------------------------------------------------------------
 */

void weft_queue_shutdown(struct weft_queue *queue, bool immediate)
{
	queue->shut_down = true;
	queue->room = 0;
	if (immediate) {
		/* Fewer are unfinished than in it where task_done() was called for items that
		 * nobody has taken. */
		queue->unfinished -=
			queue->unfinished < queue->size ? queue->unfinished : queue->size;
		queue->size = queue->head = 0;
		if (queue->unfinished == 0)
			wake_all(&queue->joiners);
	}
	wake_all(&queue->getters);
	wake_all(&queue->putters);
}

size_t weft_queue_size(const struct weft_queue *queue)
{
	return queue->size;
}

bool weft_queue_empty(const struct weft_queue *queue)
{
	return queue->size == 0;
}

size_t weft_queue_unfinished(const struct weft_queue *queue)
{
	return queue->unfinished;
}

void weft_queue_done(struct weft_queue *queue)
{
	assert(!queue->getters.first && !queue->putters.first && !queue->joiners.first);
	items_free(queue);
	queue->getters.loop = queue->putters.loop = queue->joiners.loop = NULL;
	queue->unfinished = 0;
	queue->shut_down = false;
}
