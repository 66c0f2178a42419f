/* SPDX-License-Identifier: MIT */
/* All the tasks of a loop, and those of an owner. */

#include "gathering.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t weft_all_tasks(weft_loop *loop, const struct weft_owner *owner, weft_task *list[], size_t n)
{
	struct tasks *tasks = (struct tasks *)loop->extensions[LOOP_TASKS];
	size_t found = 0;

	if (!tasks)
		return 0;
	list_for_each(link, &tasks->all) {
		weft_task *task = list_entry(link, weft_task, link);

		if ((owner && task->owner != owner) || weft_task_done(task))
			continue;
		if (found < n)
			list[found] = task;
		found++;
	}
	return found;
}

size_t weft_owner_cancel(weft_loop *loop, struct weft_owner *owner, const char *message)
{
	struct tasks *tasks = (struct tasks *)loop->extensions[LOOP_TASKS];
	size_t asked = 0;

	if (!tasks)
		return 0;
	list_for_each(link, &tasks->all) {
		weft_task *task = list_entry(link, weft_task, link);

		if (task->owner == owner && task != task_now())
			asked += (size_t)weft_cancel(task, message);
	}
	return asked;
}

/* Who its members are each of them knows: graph.c. */
static const struct weft_future_ops owner_ops = {.name = "owner"};

int weft_owner_wait(struct weft_owner *owner)
{
	if (!task_here)
		return -EPERM;
	if (task_here->owner == owner)
		return -EDEADLK;
	while (owner->tasks > 0) {
		int r;

		/* Others may be waiting for it already. */
		if (!owner->idle.ops || weft_future_done(&owner->idle))
			owner->idle = (struct weft_future){.ops = &owner_ops};
		r = weft_await(&owner->idle, NULL);
		/* Who was cancelled has had its message: nobody would free it. */
		if (weft_future_done(&owner->idle)) {
			free(owner->idle.error);
			owner->idle.error = NULL;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- the loop's tasks --- */

/* weft_task_name()'s work without stdio, which a signal handler may not use. */
static void name_by_id(weft_task *task)
{
	char digits[20];
	size_t n = 0, bytes = strlen("Task-");

	memcpy(task->name, "Task-", bytes);
	for (uint64_t id = task->id; id > 0; id /= 10)
		digits[n++] = (char)('0' + id % 10);
	while (n > 0)
		task->name[bytes++] = digits[--n];
	task->name[bytes] = '\0';
}

const struct coro *(*_Atomic tasks_guest)(struct coro_name *ret_name);

/* For the report of a stack overflow: read in a signal handler. */
static const struct coro *running_coro(struct coro_name *ret_name)
{
	if (!task_here)
		return tasks_guest ? tasks_guest(ret_name) : NULL;
	if (*task_here->name == '\0')
		name_by_id(task_here);
	ret_name->name = task_here->name;
	return &task_here->coro;
}

int tasks_watch_overflow(void)
{
	return coro_watch_overflow(running_coro);
}

static void tasks_close(struct loop_extension *extension)
{
	struct tasks *tasks = list_entry(extension, struct tasks, extension);

	notices_drop(tasks);
	while (!list_empty(&tasks->gatherings))
		gathering_drop(list_entry(tasks->gatherings.next, weft_gathering, link));
	while (!list_empty(&tasks->all))
		task_drop(list_entry(tasks->all.next, weft_task, link));
	while (!list_empty(&tasks->ended))
		task_drop(list_entry(tasks->ended.next, weft_task, link));
	if (tasks->agen_ops)
		tasks->agen_ops->close(&tasks->agens);
	coro_pool_close(tasks->pool);
	tasks->loop->task_context = NULL;
	tasks->loop->extensions[LOOP_TASKS] = NULL;
	free(tasks);
}

int tasks_open(weft_loop *loop, struct tasks **ret_tasks)
{
	struct tasks *tasks = calloc(1, sizeof(*tasks));
	int r;

	if (!tasks)
		return -ENOMEM;
	r = coro_pool_open(loop->stack_bytes, &tasks->pool);
	if (r < 0) {
		free(tasks);
		return r;
	}
	r = tasks_watch_overflow();
	if (r < 0) {
		coro_pool_close(tasks->pool);
		free(tasks);
		return r;
	}
	tasks->extension.close = tasks_close;
	tasks->loop = loop;
	coro_thread_init(&tasks->thread);
	list_init(&tasks->all);
	list_init(&tasks->ended);
	list_init(&tasks->gatherings);
	list_init(&tasks->notices);
	list_init(&tasks->agens);
	loop->step_name = task_step_name;
	loop->task_context = task_context;
	loop->extensions[LOOP_TASKS] = &tasks->extension;
	*ret_tasks = tasks;
	return 0;
}
