/* SPDX-License-Identifier: MIT */
#ifndef WEFT_EVENT_H
#define WEFT_EVENT_H

/* A flag that tasks wait for (asyncio.Event). */

#include <weft/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's memory. Zero-initialised: not set. Nobody may be waiting for it when it goes out of
 * scope. */
struct weft_event {
	/* private */
	struct weft_waiters waiters;
	bool set;
};

/* Wakes all who wait now, first come, first served, even if it is cleared before they run. */
WEFT_API void weft_event_set(struct weft_event *event);
WEFT_API void weft_event_clear(struct weft_event *event);
WEFT_API bool weft_event_is_set(const struct weft_event *event);

/* Does not suspend while the event is set. -ECANCELED, also where it was set before the
 * cancellation but the caller has not run since; -EINVAL: it would have to wait for an event of
 * another loop. Never allocates. */
WEFT_ASYNC int weft_event_wait(struct weft_event *event);

#ifdef __cplusplus
}
#endif
#endif
