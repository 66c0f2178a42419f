/* SPDX-License-Identifier: MIT */
#pragma once

/* What reaches the loop from outside its thread: calls and signals. The eventfd is written only
 * while the loop sleeps or is about to. */

#include "ring/ring.h"

#include <stdatomic.h>
#include <weft/loop.h>

enum { WAKEUP_SIGNALS = 65 };

/* A call on its way, from any thread. Without `drop` it is a block of its own, freed before it runs
 * or when it is dropped; else it is the caller's, who has to keep it until `fn` or `drop` is
 * called. */
struct remote_call {
	struct weft_handle handle; /* first */
	struct remote_call *next;
	void (*fn)(void *arg);
	void (*drop)(void *arg); /* in the place of `fn`, where the loop is closed before */
	void *arg;
};

struct wakeup {
	_Atomic(struct remote_call *) calls; /* newest first */
	_Atomic uint64_t signals;	     /* bit signo - 1: it was caught */
	atomic_bool asleep;
	atomic_uint callers; /* threads that are inside of wakeup_call() */
	int event_fd;
	struct ring_op op;
	uint64_t event;
	struct signal_watch *watches[WAKEUP_SIGNALS];
};

int wakeup_open(struct wakeup *wakeup, struct ring *ring);
void wakeup_close(weft_loop *loop, struct wakeup *wakeup);

/* Before and after a wait that may sleep. `before` returns true where the loop must not sleep. */
bool wakeup_before_wait(struct wakeup *wakeup);
void wakeup_after_wait(struct wakeup *wakeup);

/* Whether something has arrived; wakeup_collect() makes it ready, and returns whether that was
 * anything. */
static inline bool wakeup_arrived(const struct wakeup *wakeup)
{
	return atomic_load_explicit(&wakeup->calls, memory_order_relaxed) != NULL ||
	       atomic_load_explicit(&wakeup->signals, memory_order_relaxed) != 0;
}
bool wakeup_collect(weft_loop *loop, struct wakeup *wakeup);

/* weft_call_soon_threadsafe(); `fn`, `drop` and `arg` are set. */
void wakeup_call(weft_loop *loop, struct remote_call *call);
void remote_call_drop(struct weft_handle *handle);

/* Wakes a sleeping loop. From any thread, and from signal handlers. */
void wakeup_notify(struct wakeup *wakeup);
