/* SPDX-License-Identifier: MIT */
/* asyncio.wait: until the first, or all, of several futures are done. Cancels none of them. */

#include "task.h"

#include <errno.h>
#include <stdlib.h>
#include <weft/wait.h>

struct member {
	struct weft_handle done;
	struct wait *wait;
	struct weft_future *future;
};

struct wait {
	struct weft_future enough; /* what the task is parked on */
	struct weft_handle timer;
	enum weft_when when;
	size_t n, left;
	struct member *members;
};

static struct weft_future *awaited(const struct weft_future *future, size_t i)
{
	const struct wait *wait = list_entry(future, struct wait, enough);

	return i < wait->n ? wait->members[i].future : NULL;
}

static bool may_end(const struct weft_future *future)
{
	const struct wait *wait = list_entry(future, struct wait, enough);

	if (weft_handle_scheduled(&wait->timer))
		return true;
	for (size_t i = 0; i < wait->n; i++)
		if (wait->members[i].done.state == HANDLE_READY)
			return true;
	return false;
}

static const struct weft_future_ops wait_ops = {
	.name = "wait", .awaits = awaited, .may_end = may_end};

/* Whether the end of `future` ends the wait. Looking at an error retrieves it. */
static bool counts(const struct wait *wait, struct weft_future *future)
{
	if (wait->left == 0 || wait->when == WEFT_FIRST_COMPLETED)
		return true;
	if (wait->when == WEFT_ALL_COMPLETED || future->state == FUTURE_CANCELLED)
		return false;
	future->flags |= FUTURE_RETRIEVED;
	return future->result < 0;
}

static void member_done(void *arg)
{
	struct member *member = arg;
	struct wait *wait = member->wait;

	wait->left--;
	if (!counts(wait, member->future))
		return;
	weft_handle_cancel(&wait->timer);
	future_finish(&wait->enough);
}

static void watch(struct wait *wait, weft_future *const futures[])
{
	for (size_t i = 0; i < wait->n; i++) {
		struct member *member = &wait->members[i];

		*member = (struct member){.wait = wait, .future = futures[i]};
		future_retain(futures[i]);
		weft_future_add_done_callback(futures[i], &member->done, member_done, member);
	}
}

/* The member whose end is the next on its way to member_done(), or NULL. */
static struct member *next_on_its_way(const struct wait *wait)
{
	struct member *next = NULL;

	for (size_t i = 0; i < wait->n; i++) {
		struct member *member = &wait->members[i];

		if (loop_is_ready(&member->done) &&
			(!next || member->done.position < next->done.position))
			next = member;
	}
	return next;
}

/* Of those whose end is on its way, an error that would have been looked at still will be. */
static void unwatch(struct wait *wait)
{
	struct member *member;

	while (wait->when == WEFT_FIRST_EXCEPTION && (member = next_on_its_way(wait)) != NULL) {
		if (--wait->left > 0 && member->future->state == FUTURE_FINISHED)
			future_notice_later(member->future, &member->done);
		else
			weft_handle_cancel(&member->done);
	}
	for (size_t i = 0; i < wait->n; i++)
		weft_handle_cancel(&wait->members[i].done);
}

static int count_and_release(struct wait *wait)
{
	int done = 0;

	for (size_t i = 0; i < wait->n; i++) {
		done += wait->members[i].future->state != FUTURE_PENDING;
		future_release(wait->members[i].future);
	}
	return done;
}

int weft_wait(weft_future *const futures[], size_t n, enum weft_when when, weft_ns timeout)
{
	struct wait wait = {.when = when, .n = n, .left = n};
	int r, done;

	if (!task_here)
		return -EPERM;
	if (n == 0 || when > WEFT_FIRST_EXCEPTION)
		return -EINVAL;
	r = futures_bind(loop_here, futures, n);
	if (r < 0)
		return r;
	wait.members = malloc(n * sizeof(*wait.members));
	if (!wait.members)
		return -ENOMEM;
	wait.enough = (struct weft_future){.ops = &wait_ops, .loop = loop_here};

	if (timeout != WEFT_NEVER)
		weft_call_later(
			loop_here, &wait.timer, timeout, future_finish_callback, &wait.enough);
	watch(&wait, futures);
	r = park(&wait.enough, NULL);
	weft_handle_cancel(&wait.timer);
	unwatch(&wait);
	done = count_and_release(&wait);
	free(wait.members);
	free(wait.enough.error);
	return r < 0 ? r : done;
}
