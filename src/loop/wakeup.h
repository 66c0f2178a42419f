/* SPDX-License-Identifier: MIT */
#pragma once

/* What reaches the loop from outside its thread: calls and signals. The eventfd is written only
 * while the loop sleeps or is about to. */

#include "ring/ring.h"

#include <stdatomic.h>
#include <weft/loop.h>

enum { WAKEUP_SIGNALS = 65 };

struct remote_call;

struct wakeup {
	_Atomic(struct remote_call *) calls; /* newest first */
	_Atomic uint64_t signals;	     /* bit signo - 1: it was caught */
	atomic_bool asleep;
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

/* Makes what has arrived ready. Returns whether there was anything. */
bool wakeup_collect(weft_loop *loop, struct wakeup *wakeup);

/* Wakes a sleeping loop. From any thread, and from signal handlers. */
void wakeup_notify(struct wakeup *wakeup);
