/* SPDX-License-Identifier: MIT */
#ifndef WEFT_LOCK_H
#define WEFT_LOCK_H

/* Mutual exclusion between tasks (asyncio.Lock).
 *
 * Fair: first come, first served, and a newcomer queues behind those that wait even while the lock
 * is free for a moment. Not re-entrant; any task may release it. */

#include <weft/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's memory. Zero-initialised: unlocked. Bound to the loop of the first task that has to
 * wait. Nobody may be waiting for it when it goes out of scope. */
struct weft_lock {
	/* private */
	struct weft_waiters waiters;
	uint64_t holder; /* the id of the task that acquired it, for reports */
	bool locked;
};

/* 0: the lock is the caller's. Does not suspend while it is free and nobody waits for it.
 * -ECANCELED: not acquired, and nobody behind in the queue is forgotten; -EINVAL: it would have to
 * wait for a lock of another loop. Never allocates. */
WEFT_ASYNC int weft_lock_acquire(struct weft_lock *lock);

/* The same where it would not wait. -EAGAIN: it would. */
WEFT_API int weft_lock_acquire_nowait(struct weft_lock *lock);

/* Wakes the first who waits; the lock is free until that one runs. -EPERM: it is not locked
 * (RuntimeError). */
WEFT_API int weft_lock_release(struct weft_lock *lock);

WEFT_API bool weft_lock_locked(const struct weft_lock *lock);

/* async with lock: a block.
 *
 *	int r;
 *	WEFT_LOCKED(r, &lock)
 *		r = change_things();
 *
 * `r`, an int declared outside, is what weft_lock_acquire() returned; where that is < 0 the block
 * is left out. Released when the block is left, on any path; r is -EPERM afterwards where it was
 * released inside already. */
#define WEFT_LOCKED(r, lock) WEFT_LOCK_BLOCK_(r, lock, WEFT_UNIQUE_(weft_locked_))

/* --- the macro's other half; not for use by hand --- */

struct weft_lock_block {
	struct weft_lock *lock;
	int *r;
	bool entered, held;
};
WEFT_API bool weft_lock_block_once_(struct weft_lock_block *block);
WEFT_API void weft_lock_block_leave_(struct weft_lock_block *block);

#define WEFT_LOCK_BLOCK_(r, lock, name)                                                          \
	for (struct weft_lock_block name                                                         \
		__attribute__((cleanup(weft_lock_block_leave_))) = {(lock), &(r), false, false}; \
		weft_lock_block_once_(&name);)

#ifdef __cplusplus
}
#endif
#endif
