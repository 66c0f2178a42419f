/* SPDX-License-Identifier: MIT */
/* A round fills, then drains: the last to come opens the barrier, the last to leave closes it
 * behind all of them, and lets those in who waited outside for the next round.
 *
 * asyncio has a condition around this. Nobody ever suspends while he holds its lock, so the lock is
 * always free and can be left out; what remains is that a cancelled task passes its wake-up on. */

#include "waiter.h"

#include <errno.h>
#include <limits.h>
#include <weft/barrier.h>

enum barrier_state {
	BARRIER_FILLING,
	BARRIER_DRAINING,
	BARRIER_RESETTING,
	BARRIER_BROKEN,
};

WAITER_OBJECT(barrier_of, struct weft_barrier, waiters)

static const struct weft_future_ops barrier_ops = {.name = "barrier", .object = barrier_of};

static void change(struct weft_barrier *barrier, enum barrier_state state)
{
	barrier->state = state;
	waiters_wake(&barrier->waiters, SIZE_MAX);
}

static int wait_for_change(struct weft_barrier *barrier)
{
	struct weft_waiter waiter;
	int r = waiters_wait(&barrier->waiters, &waiter, &barrier_ops);

	waiter_done(&waiter);
	if (r == -ECANCELED)
		waiters_wake(&barrier->waiters, 1);
	return r;
}

/* While those of the last round leave. */
static int wait_outside(struct weft_barrier *barrier)
{
	while (barrier->state == BARRIER_DRAINING || barrier->state == BARRIER_RESETTING) {
		int r = wait_for_change(barrier);

		if (r < 0)
			return r;
	}
	return barrier->state == BARRIER_BROKEN ? -ENOTRECOVERABLE : 0;
}

static int wait_inside(struct weft_barrier *barrier)
{
	while (barrier->state == BARRIER_FILLING) {
		int r = wait_for_change(barrier);

		if (r < 0)
			return r;
	}
	return barrier->state == BARRIER_DRAINING ? 0 : -ENOTRECOVERABLE;
}

static void leave(struct weft_barrier *barrier)
{
	assert(barrier->count > 0);
	if (--barrier->count == 0)
		change(barrier,
			barrier->state == BARRIER_BROKEN ? BARRIER_BROKEN : BARRIER_FILLING);
}

int weft_barrier_wait(struct weft_barrier *barrier)
{
	size_t index;
	int r;

	if (!task_here)
		return -EPERM;
	if (barrier->parties == 0 || barrier->parties > INT_MAX)
		return -EINVAL;
	r = wait_outside(barrier);
	if (r < 0)
		return r;

	index = barrier->count++;
	if (barrier->count == barrier->parties)
		change(barrier, BARRIER_DRAINING);
	else
		r = wait_inside(barrier);
	leave(barrier);
	return r < 0 ? r : (int)index;
}

int weft_barrier_reset(struct weft_barrier *barrier)
{
	if (barrier->parties == 0)
		return -EINVAL;
	change(barrier, barrier->count > 0 ? BARRIER_RESETTING : BARRIER_FILLING);
	return 0;
}

int weft_barrier_abort(struct weft_barrier *barrier)
{
	if (barrier->parties == 0)
		return -EINVAL;
	change(barrier, BARRIER_BROKEN);
	return 0;
}

size_t weft_barrier_n_waiting(const struct weft_barrier *barrier)
{
	return barrier->state == BARRIER_FILLING ? barrier->count : 0;
}

bool weft_barrier_broken(const struct weft_barrier *barrier)
{
	return barrier->state == BARRIER_BROKEN;
}
