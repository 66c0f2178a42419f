/* SPDX-License-Identifier: MIT */
/* Groups of tasks, by the rules of asyncio.TaskGroup.
 *
 * A child stays linked until the group is joined, so that a task that group_spawn() handed out
 * stays valid; `running` counts those whose end has not been seen. As in asyncio an end is seen one
 * iteration later, by a done callback. */

#include "task.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum group_state {
	GROUP_CREATED,
	GROUP_ENTERED,
	GROUP_JOINING,
	GROUP_JOINED,
};

enum {
	GROUP_ABORTING = 1,	    /* the children have been cancelled */
	GROUP_CANCELLED_PARENT = 2, /* ... and the owner, by us: to be taken back */
	GROUP_CANCEL_WANTED = 4,    /* as soon as it is entered */
	GROUP_LACKS_A_CHILD = 16,   /* for want of memory: the join tells */
	GROUP_CUT_SHORT = 8,	    /* the wait was cancelled when the children had been already */
};

/* Cancels what is still running, oldest first. */
static void abort_children(struct weft_group *group)
{
	group->flags |= GROUP_ABORTING;
	for (weft_task *task = group->first; task; task = task->group_next)
		weft_cancel(task, NULL);
}

/* The owner as well: to be taken back when the group is joined. */
static void abort_group(struct weft_group *group)
{
	abort_children(group);
	group->flags |= GROUP_CANCELLED_PARENT;
	task_cancel_from(group->parent, NULL, group->depth);
}

void weft_group_cancel(struct weft_group *group)
{
	if (group->state == GROUP_CREATED)
		group->flags |= GROUP_CANCEL_WANTED;
	else if (group->state != GROUP_JOINED && !(group->flags & GROUP_ABORTING))
		abort_group(group);
}

/* Keeps an error with the others. Where memory is short the first one's code is kept at least. */
static void add_error(struct weft_group *group, int code, const struct weft_error *error)
{
	struct weft_error *errors;

	if (group->result == 0)
		group->result = code;
	errors = realloc(group->errors, (group->n_errors + 1) * sizeof(*errors));
	if (!errors)
		return;
	group->errors = errors;
	errors[group->n_errors++] = (struct weft_error){
		.code = code,
		.file = error ? error->file : NULL,
		.line = error ? error->line : 0,
		.message = error && error->message ? strdup(error->message) : NULL,
	};
}

static void child_done(void *arg)
{
	weft_task *task = arg;
	struct weft_group *group = task->group;

	group->running--;
	if (group->running == 0 && group->state == GROUP_JOINING)
		future_finish(&group->idle);
	task->future.flags |= FUTURE_RETRIEVED;
	if (task->future.state == FUTURE_CANCELLED || task->future.result >= 0)
		return;

	add_error(group, task->future.result, task->future.error);
	if (!(group->flags & (GROUP_ABORTING | GROUP_CANCELLED_PARENT)))
		abort_group(group);
}

int weft_group_enter(struct weft_group *group)
{
	if (!task_here)
		return -EPERM;
	if (group->state != GROUP_CREATED)
		return -EALREADY;
	group->parent = task_here;
	group->depth = task_here->shield_depth;
	group->cancelling = task_cancelling(task_here);
	group->idle.loop = task_here->future.loop;
	group->state = GROUP_ENTERED;
	if (group->flags & GROUP_CANCEL_WANTED)
		abort_group(group);
	return 0;
}

int weft_group_spawn_with(struct weft_group *group, const struct weft_task_options *options,
	weft_fn fn, void *arg, weft_task **ret_task)
{
	struct weft_task_options with = options ? *options : (struct weft_task_options){0};
	weft_task *task;
	int r;

	if (group->state == GROUP_CREATED || group->state == GROUP_JOINED ||
		(group->state == GROUP_JOINING && group->running == 0))
		return -EPERM;
	if (group->flags & GROUP_ABORTING)
		return -ECANCELED;
	if (!with.owner)
		with.owner = group->parent->owner;
	r = task_prepare(group->parent->future.loop, &with, fn, arg, true, &task);
	if (r < 0) {
		group->flags |= r == -ENOMEM ? GROUP_LACKS_A_CHILD : 0;
		return r;
	}

	/* Before its first step, which may end the group; but its end is told after that, so that
	 * callbacks which the step itself adds come first. */
	task->group = group;
	task->group_prev = group->last;
	if (group->last)
		group->last->group_next = task;
	else
		group->first = task;
	group->last = task;
	group->running++;
	task_start(task, &with);
	weft_future_add_done_callback(&task->future, &task->group_done, child_done, task);
	if (ret_task)
		*ret_task = task;
	return 0;
}

int weft_group_spawn(
	struct weft_group *group, const char *name, weft_fn fn, void *arg, weft_task **ret_task)
{
	return weft_group_spawn_with(
		group, &(struct weft_task_options){.name = name}, fn, arg, ret_task);
}

static bool may_end(const struct weft_future *future)
{
	const struct weft_group *group = list_entry(future, struct weft_group, idle);

	for (const weft_task *task = group->first; task; task = task->group_next)
		if (task->group_done.state == HANDLE_READY)
			return true;
	return false;
}

/* Who its members are each of them knows: graph.c. */
static const struct weft_future_ops group_ops = {.name = "group", .may_end = may_end};

/* Waits for the children; a cancellation from outside is theirs too. `*error` is how the body went,
 * and then that cancellation's. Returns whether the block is cancelled. */
static bool wait_for_children(struct weft_group *group, bool cancelled, struct weft_error **error)
{
	weft_task *parent = group->parent;

	while (group->running > 0) {
		free(group->idle.error);
		group->idle = (struct weft_future){.ops = &group_ops, .loop = parent->future.loop};
		if (park(&group->idle, NULL) == 0)
			continue;
		if (group->flags & GROUP_ABORTING) {
			group->flags |= GROUP_CUT_SHORT;
		} else {
			cancelled = true;
			free(*error);
			*error = task_take_error(parent, -ECANCELED);
			abort_children(group);
		}
	}
	free(group->idle.error);
	group->idle.error = NULL;
	return cancelled;
}

static void release_children(struct weft_group *group)
{
	while (group->first) {
		weft_task *task = group->first;

		group->first = task->group_next;
		weft_task_release(task);
	}
	group->last = NULL;
}

/* How the block ends when all children have. */
static int outcome_of(struct weft_group *group, int r, bool cancelled, struct weft_error *error)
{
	weft_task *parent = group->parent;

	/* Take our own request back; if it was the only one, nobody else wants the parent to end.
	 * If not, an outside one may have come when our own had ended the children already: it is
	 * not to be lost, unless the next suspension delivers it. */
	if (group->flags & GROUP_CANCELLED_PARENT) {
		if (weft_uncancel(parent) == 0)
			cancelled = false;
		else if (group->flags & GROUP_CUT_SHORT && !parent->must_cancel &&
			 task_cancelling(parent) > group->cancelling)
			cancelled = true;
	}
	if (cancelled && group->result == 0) {
		task_give_error(parent, -ECANCELED, error);
		return -ECANCELED;
	}
	if (r < 0 && r != -ECANCELED)
		add_error(group, r, error);
	free(error);
	if (group->result == 0)
		return r < 0 ? 0 : group->flags & GROUP_LACKS_A_CHILD ? -ENOMEM : r;

	/* The errors go first, but an outside request stays: at the next suspension. */
	if (parent->cancelling > 0) {
		weft_uncancel(parent);
		weft_cancel(parent, NULL);
	}
	if (group->n_errors > 0 && group->errors[0].message)
		task_give_error(parent, group->result, error_copy(&group->errors[0]));
	return group->result;
}

int weft_group_join(struct weft_group *group, int r)
{
	struct weft_error *error;
	bool cancelled;

	if (group->state != GROUP_ENTERED || task_here != group->parent)
		return -EPERM;
	group->state = GROUP_JOINING;
	error = r < 0 ? task_take_error(group->parent, r) : NULL;
	if (r < 0 && !(group->flags & GROUP_ABORTING))
		abort_children(group);
	cancelled = wait_for_children(group, r == -ECANCELED, &error);
	group->state = GROUP_JOINED;
	release_children(group);
	return outcome_of(group, r, cancelled, error);
}

size_t weft_group_errors(const struct weft_group *group, const struct weft_error **ret_errors)
{
	*ret_errors = group->errors;
	return group->n_errors;
}

void weft_group_done(struct weft_group *group)
{
	assert(group->running == 0);
	for (size_t i = 0; i < group->n_errors; i++)
		free((char *)group->errors[i].message);
	free(group->errors);
	*group = (struct weft_group){0};
}

/* Left without a join: the body did not end well. Its own way out is not ours to change, so what
 * went wrong in the children is told to the exception handler. */
void weft_group_leave_(struct weft_group *group)
{
	if (group->state == GROUP_ENTERED) {
		weft_loop *loop = group->parent->future.loop;

		if (weft_group_join(group, -ECANCELED) < 0)
			for (size_t i = 0; i < group->n_errors; i++)
				weft_call_exception_handler(
					loop, &(struct weft_exception){
						      .message = "a group was left without a join",
						      .code = group->errors[i].code,
						      .error = &group->errors[i],
						      .task = weft_task_name(group->parent),
					      });
	}
	weft_group_done(group);
}
