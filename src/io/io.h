/* SPDX-License-Identifier: MIT */
#pragma once

/* One operation of the ring as a call that suspends. */

#include "task/task.h"

/* On the stack of the task that waits. Set op but for op.complete, and future.ops. */
struct io_wait {
	struct ring_op op;
	struct weft_future future;
};

/* Queues the operation and suspends the task until it has completed: its result. -ECANCELED: the
 * task was cancelled, and the operation has ended without a result; where it had one, that is
 * returned, and the next suspension is the one that is cancelled. */
int io_run(struct io_wait *wait);

/* weft_future_ops.cancel of such waits: asks the ring, and lets the completion end the wait. */
bool io_cancel(struct weft_future *future, const char *message);
