/* SPDX-License-Identifier: MIT */
/* Whoever wakes a waiter takes the permit for it, so that nobody can snatch it before that one
 * runs. */

#include "waiter.h"

#include <errno.h>
#include <weft/semaphore.h>

WAITER_OBJECT(semaphore_of, struct weft_semaphore, waiters)

static const struct weft_future_ops semaphore_ops = {.name = "semaphore", .object = semaphore_of};

bool weft_semaphore_locked(const struct weft_semaphore *semaphore)
{
	if (semaphore->value == 0)
		return true;
	for (const struct weft_waiter *w = semaphore->waiters.first; w; w = w->next)
		if (w->future.state != FUTURE_CANCELLED)
			return true;
	return false;
}

/* Gives the permits that are free to the first who have none, one each, at most `n`. */
static void hand_out(struct weft_semaphore *semaphore, size_t n)
{
	semaphore->value -= waiters_wake(&semaphore->waiters, n);
}

/* A function of its own, so that an acquire that need not wait has no frame. */
static __attribute__((noinline)) int wait_for_permit(struct weft_semaphore *semaphore)
{
	struct weft_waiter waiter;
	int r = waiters_wait(&semaphore->waiters, &waiter, &semaphore_ops);

	waiter_done(&waiter);
	if (r == -ECANCELED && waiter_woken(&waiter))
		semaphore->value++; /* it came with a permit */
	/* Those who came while permits were free, but had to queue behind this one. */
	hand_out(semaphore, semaphore->value);
	return r;
}

int weft_semaphore_acquire(struct weft_semaphore *semaphore)
{
	if (!task_here)
		return -EPERM;
	if (weft_semaphore_locked(semaphore))
		return wait_for_permit(semaphore);
	semaphore->value--;
	return 0;
}

int weft_semaphore_acquire_nowait(struct weft_semaphore *semaphore)
{
	if (weft_semaphore_locked(semaphore))
		return -EAGAIN;
	semaphore->value--;
	return 0;
}

int weft_semaphore_release(struct weft_semaphore *semaphore)
{
	size_t most = semaphore->bound > 0 ? semaphore->bound : SIZE_MAX;

	if (semaphore->value >= most)
		return -EOVERFLOW;
	semaphore->value++;
	hand_out(semaphore, 1);
	return 0;
}

bool weft_permit_block_once_(struct weft_permit_block *block)
{
	if (block->entered)
		return false;
	block->entered = true;
	*block->r = weft_semaphore_acquire(block->semaphore);
	block->held = *block->r == 0;
	return block->held;
}

void weft_permit_block_leave_(struct weft_permit_block *block)
{
	int r = block->held ? weft_semaphore_release(block->semaphore) : 0;

	if (r < 0)
		*block->r = r;
}
