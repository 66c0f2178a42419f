/* SPDX-License-Identifier: MIT */
#ifndef WEFT_CONDITION_H
#define WEFT_CONDITION_H

/* Waiting for a change of what a lock protects (asyncio.Condition). */

#include <weft/lock.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's memory. Zero-initialised: with a lock of its own. Nobody may be waiting for it when
 * it goes out of scope. */
struct weft_condition {
	struct weft_lock *lock; /* one that several conditions share; NULL: its own */
	/* private */
	struct weft_lock own;
	struct weft_waiters waiters;
};

/* The lock that the condition belongs to: acquire it before any of the calls below. */
WEFT_API struct weft_lock *weft_condition_lock(struct weft_condition *condition);

/* Releases the lock, waits to be notified, and acquires the lock again before it returns, on every
 * path. It may wake without reason: ask again for what you wait for, or use
 * weft_condition_wait_for(). -ECANCELED: a notification that this task had got already goes on to
 * the next; the lock is held nevertheless; -EPERM: the lock is not locked (RuntimeError); -EINVAL:
 * a condition of another loop. Where the lock is another loop's and was taken meanwhile, -EINVAL
 * comes without it. Never allocates. */
WEFT_ASYNC int weft_condition_wait(struct weft_condition *condition);

/* Waits until predicate(arg) is not 0 and returns what it returned; < 0 ends the wait as well. */
WEFT_ASYNC int weft_condition_wait_for(
	struct weft_condition *condition, int (*predicate)(void *arg), void *arg);

/* Wakes the `n` who have waited longest; they run when they get the lock. -EPERM: the lock is not
 * locked (RuntimeError). */
WEFT_API int weft_condition_notify(struct weft_condition *condition, size_t n);
WEFT_API int weft_condition_notify_all(struct weft_condition *condition);

#ifdef __cplusplus
}
#endif
#endif
