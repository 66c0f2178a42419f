/* SPDX-License-Identifier: MIT */
#include "waiter.h"

#include <errno.h>
#include <weft/condition.h>

WAITER_OBJECT(condition_of, struct weft_condition, waiters)

static const struct weft_future_ops condition_ops = {.name = "condition", .object = condition_of};

struct weft_lock *weft_condition_lock(struct weft_condition *condition)
{
	return condition->lock ? condition->lock : &condition->own;
}

/* Does not give up while it is cancelled: who waits with the lock shall have it afterwards, too.
 * `r` as it was, or what happened last. */
static int acquire_again(struct weft_condition *condition, int r)
{
	for (;;) {
		int acquired = weft_lock_acquire(weft_condition_lock(condition));

		if (acquired == 0)
			return r;
		r = acquired;
		if (r != -ECANCELED)
			return r;
	}
}

int weft_condition_wait(struct weft_condition *condition)
{
	struct weft_lock *lock = weft_condition_lock(condition);
	struct weft_waiter waiter;
	int r;

	if (!task_here || !weft_lock_locked(lock))
		return -EPERM;
	if (condition->waiters.loop && condition->waiters.loop != loop_here)
		return -EINVAL;

	weft_lock_release(lock);
	r = waiters_wait(&condition->waiters, &waiter, &condition_ops);
	waiter_done(&waiter);
	r = acquire_again(condition, r);
	/* It may have been notified before it failed: somebody else then has to know. */
	if (r < 0)
		waiters_wake(&condition->waiters, 1);
	return r;
}

int weft_condition_wait_for(
	struct weft_condition *condition, int (*predicate)(void *arg), void *arg)
{
	int result;

	while ((result = predicate(arg)) == 0) {
		int r = weft_condition_wait(condition);

		if (r < 0)
			return r;
	}
	return result;
}

int weft_condition_notify(struct weft_condition *condition, size_t n)
{
	if (!weft_lock_locked(weft_condition_lock(condition)))
		return -EPERM;
	waiters_wake(&condition->waiters, n);
	return 0;
}

int weft_condition_notify_all(struct weft_condition *condition)
{
	return weft_condition_notify(condition, SIZE_MAX);
}
