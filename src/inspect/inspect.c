/* SPDX-License-Identifier: MIT */
/* One task: its state, and the calls that it is in. */

#include "base/symbol.h"
#include "coro/unwind.h"
#include "graph.h"

#include <errno.h>
#include <stdio.h>

/* It has created a task with eager_start, whose first step runs above its own. */
static bool starts_another(const weft_task *task)
{
	return task->started && !task->waiter && task->wake.state == HANDLE_IDLE;
}

static enum weft_task_state state_of(const weft_task *task)
{
	if (task->future.state != FUTURE_PENDING)
		return WEFT_TASK_DONE;
	if (task == task_now() || starts_another(task))
		return WEFT_TASK_RUNNING;
	if (!task->started)
		return WEFT_TASK_CREATED;
	return task->waiter && task->waiter->state == FUTURE_PENDING &&
			       task->wake.state != HANDLE_READY
		       ? WEFT_TASK_WAITING
		       : WEFT_TASK_READY;
}

void weft_task_inspect(weft_task *task, struct weft_task_info *ret_info)
{
	uint64_t holder;

	*ret_info = (struct weft_task_info){
		.id = task->id,
		.name = weft_task_name(task),
		.owner = task->owner,
		.state = state_of(task),
		.fn = task->fn,
		.arg = task->arg,
		.since = WEFT_NEVER,
		.result = -EINPROGRESS,
	};
	if (ret_info->state == WEFT_TASK_WAITING) {
		ret_info->waits_for = node_of(task->waiter, &holder);
		ret_info->since = task->since;
	} else if (ret_info->state == WEFT_TASK_DONE) {
		ret_info->result = task->future.result;
		ret_info->error = task->future.error;
	}
}

/* --- the stack --- */

struct walk {
	const void *caller; /* the first to be shown, or NULL: all */
	bool (*see)(void *arg, const struct weft_frame *frame);
	void *arg;
	size_t shown;
};

/* What a call returns to may lie behind the function's end: the byte before does not. */
static void describe(const void *pc, size_t back, struct weft_frame *ret_frame)
{
	struct symbol symbol;

	symbol_find((const char *)pc - back, &symbol);
	*ret_frame = (struct weft_frame){
		.pc = pc,
		.function = symbol.function,
		.module = symbol.module,
		.offset = symbol.offset + back,
	};
	snprintf(ret_frame->name, sizeof(ret_frame->name), "%s", symbol.name);
}

/* Ends where the task's own function was called from. */
static bool see_frame(void *arg, const struct coro_frame *coro_frame)
{
	struct walk *walk = arg;
	struct weft_frame frame;

	if (walk->caller && coro_frame->pc != walk->caller)
		return true;
	walk->caller = NULL;
	if (coro_frame->function == (const void *)task_main)
		return false;
	describe(coro_frame->pc, 1, &frame);
	if (!frame.function)
		frame.function = coro_frame->function;
	if (frame.function == (const void *)task_main)
		return false;
	walk->shown++;
	return walk->see(walk->arg, &frame);
}

/* While the step of a task that it starts runs, what takes the loop's place is its own stack. Only
 * the last of several that start each other is in that place: of the others the stack pointer is
 * not known, and their function has to do. */
static void walk_creator(weft_task *task, struct walk *walk)
{
	const struct tasks *tasks = (struct tasks *)task->future.loop->extensions[LOOP_TASKS];
	struct weft_frame frame;

	if (tasks->thread.stack == task->coro.stack) {
		coro_unwind(&tasks->thread, false, see_frame, walk);
		return;
	}
	describe((const void *)task->fn, 0, &frame);
	walk->see(walk->arg, &frame);
}

void task_walk_stack(weft_task *task, const void *caller,
	bool (*see)(void *arg, const struct weft_frame *frame), void *arg)
{
	struct walk walk = {.see = see, .arg = arg};
	struct weft_frame frame;

	switch (state_of(task)) {
	case WEFT_TASK_DONE:
		break;
	case WEFT_TASK_CREATED:
		describe((const void *)task->fn, 0, &frame);
		see(arg, &frame);
		break;
	case WEFT_TASK_RUNNING:
		if (task != task_now()) {
			walk_creator(task, &walk);
			break;
		}
		walk.caller = caller;
		coro_unwind(&task->coro, true, see_frame, &walk);
		if (walk.caller && walk.shown == 0) { /* not to be told from our own frames */
			walk.caller = NULL;
			coro_unwind(&task->coro, true, see_frame, &walk);
		}
		break;
	case WEFT_TASK_READY:
	case WEFT_TASK_WAITING:
		coro_unwind(&task->coro, false, see_frame, &walk);
		break;
	}
}

struct copy {
	struct weft_frame *frames;
	size_t n, found;
};

static bool copy_frame(void *arg, const struct weft_frame *frame)
{
	struct copy *copy = arg;

	if (copy->found < copy->n)
		copy->frames[copy->found] = *frame;
	copy->found++;
	return true;
}

int weft_task_stack(weft_task *task, struct weft_frame frames[], size_t n)
{
	struct copy copy = {frames, n, 0};

	if (task->future.loop != loop_here)
		return -EINVAL;
	task_walk_stack(task, __builtin_return_address(0), copy_frame, &copy);
	return (int)copy.found;
}
