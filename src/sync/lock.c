/* SPDX-License-Identifier: MIT */
/* Release wakes the first waiter and leaves the lock free; that one takes it when it runs. Nobody
 * overtakes it meanwhile, since a newcomer looks at the queue as well as at the lock. */

#include "waiter.h"

#include <errno.h>
#include <weft/lock.h>

static const void *lock_of(const struct weft_future *future, uint64_t *ret_holder)
{
	const struct weft_lock *lock =
		list_entry(waiter_of(future)->queue, struct weft_lock, waiters);

	if (lock->locked)
		*ret_holder = lock->holder;
	return lock;
}

static const struct weft_future_ops lock_ops = {.name = "lock", .object = lock_of};

/* Free, and nobody who was there before still wants it. */
static bool free_for_newcomers(const struct weft_lock *lock)
{
	if (lock->locked)
		return false;
	for (const struct weft_waiter *w = lock->waiters.first; w; w = w->next)
		if (w->future.state != FUTURE_CANCELLED)
			return false;
	return true;
}

static void take(struct weft_lock *lock)
{
	lock->locked = true;
	lock->holder = task_here ? task_here->id : 0;
}

/* Only ever the first: where that one is done already it looks after those behind it when it runs.
 */
static void wake_first(struct weft_lock *lock)
{
	if (lock->waiters.first)
		waiter_wake(lock->waiters.first);
}

/* A function of its own, so that an acquire that need not wait has no frame. */
static __attribute__((noinline)) int wait_for_lock(struct weft_lock *lock)
{
	struct weft_waiter waiter;
	int r = waiters_wait(&lock->waiters, &waiter, &lock_ops);

	waiter_done(&waiter);
	if (r == 0) {
		assert(!lock->locked);
		take(lock);
	} else if (r == -ECANCELED && !lock->locked) {
		wake_first(lock);
	}
	return r;
}

int weft_lock_acquire(struct weft_lock *lock)
{
	if (!task_here)
		return -EPERM;
	if (!free_for_newcomers(lock))
		return wait_for_lock(lock);
	take(lock);
	return 0;
}

int weft_lock_acquire_nowait(struct weft_lock *lock)
{
	if (!free_for_newcomers(lock))
		return -EAGAIN;
	take(lock);
	return 0;
}

int weft_lock_release(struct weft_lock *lock)
{
	if (!lock->locked)
		return -EPERM;
	lock->locked = false;
	lock->holder = 0;
	wake_first(lock);
	return 0;
}

bool weft_lock_locked(const struct weft_lock *lock)
{
	return lock->locked;
}

bool weft_lock_block_once_(struct weft_lock_block *block)
{
	if (block->entered)
		return false;
	block->entered = true;
	*block->r = weft_lock_acquire(block->lock);
	block->held = *block->r == 0;
	return block->held;
}

void weft_lock_block_leave_(struct weft_lock_block *block)
{
	int r = block->held ? weft_lock_release(block->lock) : 0;

	if (r < 0)
		*block->r = r;
}
