/* SPDX-License-Identifier: MIT */
#include "io.h"

#include <errno.h>

static void completed(struct ring_op *op, const struct ring_completion *completion)
{
	struct io_wait *wait = list_entry(op, struct io_wait, op);
	bool cancelled = completion->result == -ECANCELED;

	future_complete(
		&wait->future, cancelled ? FUTURE_CANCELLED : FUTURE_FINISHED, completion->result);
}

bool io_cancel(struct weft_future *future, const char *message)
{
	struct io_wait *wait = list_entry(future, struct io_wait, future);

	(void)message;
	ring_cancel(future->loop->ring, &wait->op);
	return true;
}

int io_run(struct io_wait *wait)
{
	weft_task *task = task_here;
	int r;

	if (!task)
		return -EPERM;
	wait->future.loop = task->future.loop;
	wait->future.flags = FUTURE_PRECIOUS;
	wait->op.complete = completed;
	ring_queue(task->future.loop->ring, &wait->op);
	r = park(&wait->future, NULL);
	return r < 0 ? r : wait->future.result;
}
