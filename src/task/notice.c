/* SPDX-License-Identifier: MIT */
/* Outcomes that count as seen in a moment.
 *
 * Who waits in wait() or shield() looks at a task's error in a done callback. Where the wait ends
 * before that callback has its turn, asyncio runs it all the same. Ours lies in the frame that is
 * being left, so that a block of its own takes its place. */

#include "task.h"

#include <stdlib.h>

struct notice {
	struct weft_handle handle;
	struct list link;
	struct weft_future *future;
};

static void take_notice(void *arg)
{
	struct notice *notice = arg;

	notice->future->flags |= FUTURE_RETRIEVED;
	future_release(notice->future);
	list_remove(&notice->link);
	free(notice);
}

void future_notice_later(struct weft_future *future, struct weft_handle *handle)
{
	struct tasks *tasks = (struct tasks *)future->loop->extensions[LOOP_TASKS];
	struct notice *notice = NULL;

	if (future->ops == &task_future_ops)
		notice = calloc(1, sizeof(*notice));
	if (!notice) {
		future->flags |= FUTURE_RETRIEVED;
		weft_handle_cancel(handle);
		return;
	}
	notice->future = future;
	notice->handle.fn = take_notice;
	notice->handle.arg = notice;
	notice->handle.loop = future->loop;
	future_retain(future);
	list_append(&tasks->notices, &notice->link);
	ready_replace(&future->loop->ready, handle, &notice->handle);
	weft_handle_cancel(handle); /* the values of its context */
}

void notices_drop(struct tasks *tasks)
{
	while (!list_empty(&tasks->notices)) {
		struct notice *notice = list_entry(tasks->notices.next, struct notice, link);

		list_remove(&notice->link);
		free(notice);
	}
}
