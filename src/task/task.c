/* SPDX-License-Identifier: MIT */
/* A task's life: created, stepped by the loop, ended. What happens while it is suspended is
 * park.c's. */

#include "task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Thread_local weft_task *task_here;
_Thread_local weft_task *task_behind;

const struct weft_future_ops task_future_ops = {.name = "task"};

/* --- end --- */

void task_report(weft_task *task, const char *message)
{
	weft_call_exception_handler(task->future.loop,
		&(struct weft_exception){
			.message = message,
			.code = task->future.state == FUTURE_PENDING ? 0 : task->future.result,
			.error = task->future.error,
			.task = weft_task_name(task),
			.owner = task->owner ? task->owner->name : NULL,
		});
}

static void destroy(weft_task *task)
{
	struct tasks *tasks = (struct tasks *)task->future.loop->extensions[LOOP_TASKS];

	assert(task->wake.state == HANDLE_IDLE);
	while (task->future.callbacks.first)
		weft_handle_cancel(task->future.callbacks.first);
	if (task->future.state == FUTURE_FINISHED && task->future.result < 0 &&
		!(task->future.flags & FUTURE_RETRIEVED))
		task_report(task, "Task exception was never retrieved");
	list_remove(&task->link);
	if (task->future.error || task->raised || task->cancel_error) {
		free(task->future.error);
		free(task->raised);
		free(task->cancel_error);
	}
	if (task->own_context.vars || task->given_context) {
		context_clear(&task->own_context);
		weft_context_release(task->given_context);
	}
	coro_close(tasks->pool, &task->coro);
}

weft_task *weft_task_retain(weft_task *task)
{
	task->references++;
	return task;
}

void weft_task_release(weft_task *task)
{
	if (!task)
		return;
	assert(task->references > 0);
	if (--task->references == 0)
		destroy(task);
}

/* weft_run()'s end goes on one iteration after the last task has ended: as if it had gathered them.
 */
static void closing_seen(void *arg)
{
	struct tasks *tasks = arg;

	future_complete(&tasks->closing, FUTURE_FINISHED, 0);
}

static void closing_ended(struct tasks *tasks)
{
	if (--tasks->closing_left == 0)
		weft_call_soon(tasks->loop, &tasks->closing_seen, closing_seen, tasks);
}

static void end(weft_task *task, int result)
{
	struct tasks *tasks = (struct tasks *)task->future.loop->extensions[LOOP_TASKS];
	struct weft_owner *owner = task->owner;
	bool closing = tasks->closing_left > 0 && task->id <= tasks->closing_id;

	if (!closing) { /* else it keeps its place, for the order of reports */
		list_remove(&task->link);
		list_append(&tasks->ended, &task->link);
	}

	if (result == -ECANCELED) {
		task->future.error = task_take_error(task, -ECANCELED);
		if (task->future.error)
			task->future.flags |= FUTURE_MESSAGE_ONCE;
		future_complete(&task->future, FUTURE_CANCELLED, -ECANCELED);
	} else if (result >= 0 && task->must_cancel) { /* a request that came too late to be seen */
		task->future.error = task->cancel_error;
		task->cancel_error = NULL;
		future_complete(&task->future, FUTURE_CANCELLED, -ECANCELED);
	} else {
		if (result < 0)
			task->future.error = task_take_error(task, result);
		future_complete(&task->future, FUTURE_FINISHED, result);
	}

	if (owner && --owner->tasks == 0 && owner->idle.callbacks.first)
		future_finish(&owner->idle);
	if (closing)
		closing_ended(tasks);
}

/* --- running --- */

/* On the loop's stack again: now the task's own can be given back. */
static void after_last_step(weft_loop *loop)
{
	struct tasks *tasks = (struct tasks *)loop->extensions[LOOP_TASKS];

	loop->after_step = NULL;
	weft_task_release(tasks->leaving);
}

/* Cancelled before its first step: the function is never called. */
static int cancelled_unstarted(weft_task *task)
{
	task->raised = task->cancel_error;
	task->cancel_error = NULL;
	return -ECANCELED;
}

void task_main(void *head)
{
	weft_task *task = head;
	struct tasks *tasks = (struct tasks *)task->future.loop->extensions[LOOP_TASKS];

	task->started = true;
	end(task, task->must_cancel ? cancelled_unstarted(task) : task->fn(task->arg));
	task_here = NULL;
	task->future.loop->after_step = after_last_step;
	tasks->leaving = task;
	coro_exit_to(&task->coro, &tasks->thread);
}

static void task_step(void *arg)
{
	weft_task *task = arg;
	struct tasks *tasks = (struct tasks *)task->future.loop->extensions[LOOP_TASKS];

	task_here = task;
	/* Last, so that it is a jump; see coro_switch_value(). What is left to do after a task's
	 * last step is after_last_step()'s, and leaving task_here is park()'s. */
	(void)coro_switch_value(&tasks->thread, &task->coro, task->started ? unpark(task) : 0);
}

/* --- creation --- */

static void run_in(weft_task *task, weft_context *context)
{
	task->given_context = context_keep(context);
	if (context->context.vars)
		task->future.loop->attended = true;
}

static inline __attribute__((always_inline)) int prepare(weft_loop *loop,
	const struct weft_task_options *options, weft_fn fn, void *arg, bool referenced,
	weft_task **ret_task)
{
	weft_task *creator = task_now();
	struct tasks *tasks;
	weft_task *task;
	size_t bytes;
	void *head;
	int r;

	if (options->stack_bytes != 0 && options->stack_bytes < 16384)
		return -EINVAL;
	if (__builtin_expect(options->eager_start, false) && options->context && loop->running &&
		(options->context->context.entered > 0 ||
			&options->context->context == context_now()))
		return -EBUSY;
	r = tasks_of(loop, &tasks);
	if (r < 0)
		return r;
	r = coro_open(tasks->pool, options->stack_bytes, sizeof(*task), task_main, &head);
	if (r < 0)
		return r;

	task = head;
	/* A size that the compiler cannot see: else it writes rep stos, at three times the cost. */
	bytes = sizeof(*task) - sizeof(task->coro);
	__asm__("" : "+r"(bytes));
	memset((char *)task + sizeof(task->coro), 0, bytes);
	task->future.ops = &task_future_ops;
	task->future.loop = loop;
	task->fn = fn;
	task->arg = arg;
	task->id = ++tasks->last_id;
	task->references = referenced ? 2 : 1;
	task->owner = options->owner ? options->owner : creator ? creator->owner : NULL;
	if (task->owner)
		task->owner->tasks++;
	if (options->name)
		weft_task_set_name(task, options->name);
	if (options->context)
		run_in(task, options->context);
	else if (__builtin_expect(loop->attended, false))
		task->own_context.vars = context_capture();
	task->wake.fn = task_step;
	task->wake.arg = task;
	task->wake.loop = loop;
	list_append(&tasks->all, &task->link);
	*ret_task = task;
	return 0;
}

/* The first step on top of whatever runs now. For its length the creator's stack is what park() and
 * the task's end take for the loop's, so that they come back here. */
static __attribute__((noinline, cold)) void step_now(weft_task *task)
{
	struct tasks *tasks = (struct tasks *)task->future.loop->extensions[LOOP_TASKS];
	struct coro thread = tasks->thread;
	weft_task *creator = task_here;

	coro_here(&tasks->thread);
	context_now()->entered++;
	task_here = task;
	coro_switch(&tasks->thread, &task->coro);
	task_here = creator;
	context_now()->entered--;
	tasks->thread = thread;
	if (tasks->loop->after_step == after_last_step)
		after_last_step(tasks->loop);
}

static inline void start(weft_task *task, const struct weft_task_options *options)
{
	if (__builtin_expect(options->eager_start, false) && task->future.loop->running)
		step_now(task);
	else
		loop_ready(task->future.loop, &task->wake);
}

int task_prepare(weft_loop *loop, const struct weft_task_options *options, weft_fn fn, void *arg,
	bool referenced, weft_task **ret_task)
{
	return prepare(loop, options, fn, arg, referenced, ret_task);
}

void task_start(weft_task *task, const struct weft_task_options *options)
{
	start(task, options);
}

int task_create(weft_loop *loop, const struct weft_task_options *options, weft_fn fn, void *arg,
	weft_task **ret_task)
{
	weft_task *task;
	int r = prepare(loop, options, fn, arg, ret_task != NULL, &task);

	if (r < 0)
		return r;
	start(task, options);
	if (ret_task)
		*ret_task = task;
	return 0;
}

int weft_create_task(weft_fn fn, void *arg, weft_task **ret_task)
{
	static const struct weft_task_options defaults;

	return loop_here ? task_create(loop_here, &defaults, fn, arg, ret_task) : -EPERM;
}

int weft_create_task_with(
	const struct weft_task_options *options, weft_fn fn, void *arg, weft_task **ret_task)
{
	if (!options)
		return weft_create_task(fn, arg, ret_task);
	return loop_here ? task_create(loop_here, options, fn, arg, ret_task) : -EPERM;
}

/* --- asking about it --- */

weft_future *weft_task_future(weft_task *task)
{
	return &task->future;
}

bool weft_task_done(const weft_task *task)
{
	return task->future.state != FUTURE_PENDING;
}

bool weft_task_cancelled(const weft_task *task)
{
	return task->future.state == FUTURE_CANCELLED;
}

weft_task *weft_current_task(void)
{
	return task_now();
}

const char *weft_task_name(weft_task *task)
{
	if (*task->name == '\0')
		snprintf(task->name, sizeof(task->name), "Task-%llu", (unsigned long long)task->id);
	return task->name;
}

void weft_task_set_name(weft_task *task, const char *name)
{
	size_t bytes = strnlen(name, sizeof(task->name) - 1);

	memcpy(task->name, name, bytes);
	task->name[bytes] = '\0';
}

const char *weft_task_waits_for(const weft_task *task)
{
	if (task->future.state != FUTURE_PENDING)
		return "done";
	if (task == task_now())
		return "running";
	if (!task->waiter || task->wake.state == HANDLE_READY)
		return "ready";
	return task->waiter->ops ? task->waiter->ops->name : "future";
}

weft_context *weft_task_context(weft_task *task)
{
	weft_context *context = task->given_context;

	if (context)
		return context;
	context = weft_context_copy(NULL);
	if (!context)
		return NULL;
	/* Its own becomes one that others can hold, with all that goes with it. */
	context->context = task->own_context;
	task->own_context = (struct context){0};
	task->given_context = context;
	return context;
}

/* --- for the loop --- */

struct context **task_context(struct context **ret_home)
{
	weft_task *task = task_now();

	if (!task)
		return NULL;
	*ret_home = task->given_context ? &task->given_context->context : &task->own_context;
	return &task->context;
}

const char *task_step_name(void (*fn)(void *arg), void *arg)
{
	return fn == task_step ? weft_task_name(arg) : NULL;
}

void task_drop(weft_task *task)
{
	if (task->future.state == FUTURE_PENDING)
		task_report(task, "Task was destroyed but it is pending!");
	weft_handle_cancel(&task->wake);
	weft_handle_cancel(&task->group_done);
	if (task->agen)
		((struct tasks *)task->future.loop->extensions[LOOP_TASKS])->agen_ops->drop(task);
	destroy(task);
}
