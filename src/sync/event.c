/* SPDX-License-Identifier: MIT */
#include "waiter.h"

#include <weft/event.h>

#include <errno.h>

WAITER_OBJECT(event_of, struct weft_event, waiters)

static const struct weft_future_ops event_ops = {.name = "event", .object = event_of};

void weft_event_set(struct weft_event *event)
{
	if (event->set)
		return;
	event->set = true;
	waiters_wake(&event->waiters, SIZE_MAX);
}

void weft_event_clear(struct weft_event *event)
{
	event->set = false;
}

bool weft_event_is_set(const struct weft_event *event)
{
	return event->set;
}

/* A function of its own, so that a wait for an event that is set has no frame. */
static __attribute__((noinline)) int wait_for_event(struct weft_event *event)
{
	struct weft_waiter waiter;
	int r = waiters_wait(&event->waiters, &waiter, &event_ops);

	waiter_done(&waiter);
	return r;
}

int weft_event_wait(struct weft_event *event)
{
	if (!task_here)
		return -EPERM;
	return event->set ? 0 : wait_for_event(event);
}
