/* SPDX-License-Identifier: MIT */
/* asyncio.as_completed: futures in the order in which they get done. Each has a done callback here,
 * which moves it to the list of those to be handed out; after the timeout there is nothing more to
 * move. */

#include "waiter.h"

#include <errno.h>
#include <stdlib.h>
#include <weft/wait.h>

struct member {
	struct weft_handle done;
	weft_as_completed *iterator;
	struct weft_future *future;
};

struct weft_as_completed {
	struct weft_waiters waiters;
	struct weft_handle timer;
	weft_loop *loop;
	size_t n;		/* different futures */
	size_t left;		/* calls of next that will have an answer */
	size_t n_done, n_taken; /* of `completed` */
	bool timed_out;
	struct weft_future **completed;
	struct member members[];
};

/* What a task in next waits on. */
struct next {
	struct weft_waiter waiter;
	weft_as_completed *iterator;
};

static struct weft_future *awaited(const struct weft_future *future, size_t i)
{
	const weft_as_completed *iterator =
		list_entry(future, struct next, waiter.future)->iterator;

	return i < iterator->n ? iterator->members[i].future : NULL;
}

static bool may_end(const struct weft_future *future)
{
	const weft_as_completed *iterator =
		list_entry(future, struct next, waiter.future)->iterator;

	if (weft_handle_scheduled(&iterator->timer))
		return true;
	for (size_t i = 0; i < iterator->n; i++)
		if (iterator->members[i].done.state == HANDLE_READY)
			return true;
	return false;
}

static const struct weft_future_ops next_ops = {
	.name = "as_completed", .awaits = awaited, .may_end = may_end};

/* Wakes the first that nobody has woken yet, and takes it out. */
static void wake_first(weft_as_completed *iterator)
{
	struct weft_waiter *waiter;

	while ((waiter = iterator->waiters.first) != NULL) {
		waiters_remove(waiter);
		if (waiter_wake(waiter))
			break;
	}
}

/* Something is there for a call of next: a future, or the news that none will come. */
static bool available(const weft_as_completed *iterator)
{
	return iterator->n_taken < iterator->n_done || iterator->timed_out;
}

static void member_done(void *arg)
{
	struct member *member = arg;
	weft_as_completed *iterator = member->iterator;

	iterator->completed[iterator->n_done++] = member->future;
	if (iterator->n_done == iterator->n)
		weft_handle_cancel(&iterator->timer);
	wake_first(iterator);
}

static void time_is_up(void *arg)
{
	weft_as_completed *iterator = arg;

	iterator->timed_out = true;
	for (size_t i = 0; i < iterator->n; i++)
		weft_handle_cancel(&iterator->members[i].done);
	for (size_t i = iterator->n_done; i < iterator->n; i++)
		wake_first(iterator);
}

/* Each once, however often it was given. */
static void take_members(weft_as_completed *iterator, weft_future *const futures[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (futures[i]->flags & FUTURE_SEEN)
			continue;
		futures[i]->flags |= FUTURE_SEEN;
		future_retain(futures[i]);
		iterator->members[iterator->n++] =
			(struct member){.iterator = iterator, .future = futures[i]};
	}
	for (size_t i = 0; i < n; i++)
		futures[i]->flags &= (uint8_t)~FUTURE_SEEN;
	iterator->left = iterator->n;
}

int weft_as_completed_open(
	weft_future *const futures[], size_t n, weft_ns timeout, weft_as_completed **ret_iterator)
{
	weft_as_completed *iterator;
	int r;

	if (!loop_here)
		return -EPERM;
	r = futures_bind(loop_here, futures, n);
	if (r < 0)
		return r;
	iterator = calloc(
		1, sizeof(*iterator) + n * (sizeof(struct member) + sizeof(struct weft_future *)));
	if (!iterator)
		return -ENOMEM;
	iterator->loop = loop_here;
	iterator->completed = (struct weft_future **)&iterator->members[n];
	take_members(iterator, futures, n);
	for (size_t i = 0; i < iterator->n; i++)
		weft_future_add_done_callback(iterator->members[i].future,
			&iterator->members[i].done, member_done, &iterator->members[i]);
	if (iterator->n > 0 && timeout != WEFT_NEVER)
		weft_call_later(iterator->loop, &iterator->timer, timeout, time_is_up, iterator);
	*ret_iterator = iterator;
	return 0;
}

static int wait_for_next(weft_as_completed *iterator)
{
	struct next next = {.iterator = iterator};
	int r = waiters_wait(&iterator->waiters, &next.waiter, &next_ops);

	waiter_done(&next.waiter);
	/* Woken, but not to go on: the next in line takes what there is. */
	if (r < 0 && available(iterator))
		wake_first(iterator);
	return r;
}

int weft_as_completed_next(weft_as_completed *iterator, weft_future **ret_future)
{
	int r;

	if (!task_here)
		return -EPERM;
	if (iterator->left == 0)
		return 0;
	iterator->left--;
	while (!available(iterator)) {
		r = wait_for_next(iterator);
		if (r < 0) {
			iterator->left++;
			return r;
		}
	}
	if (iterator->n_taken == iterator->n_done)
		return -ETIMEDOUT;
	*ret_future = iterator->completed[iterator->n_taken++];
	return 1;
}

void weft_as_completed_close(weft_as_completed *iterator)
{
	if (!iterator)
		return;
	assert(!iterator->waiters.first);
	weft_handle_cancel(&iterator->timer);
	for (size_t i = 0; i < iterator->n; i++) {
		weft_handle_cancel(&iterator->members[i].done);
		future_release(iterator->members[i].future);
	}
	free(iterator);
}
