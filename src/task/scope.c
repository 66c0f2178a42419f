/* SPDX-License-Identifier: MIT */
/* Blocks around a task's calls: timeouts and shields. */

#include "task.h"

#include <errno.h>
#include <weft/scope.h>

enum timeout_state {
	TIMEOUT_CREATED,
	TIMEOUT_ENTERED,
	TIMEOUT_EXPIRING, /* has cancelled the task; the block has not ended yet */
	TIMEOUT_EXPIRED,
	TIMEOUT_EXITED,
};

static void expire(void *arg)
{
	struct weft_timeout *timeout = arg;

	timeout->state = TIMEOUT_EXPIRING;
	task_cancel_from(timeout->task, NULL, timeout->depth);
}

weft_task *timeout_task(const struct weft_handle *handle)
{
	return handle->fn == expire ? ((const struct weft_timeout *)handle->arg)->task : NULL;
}

int weft_timeout_reschedule(struct weft_timeout *timeout, weft_ns when)
{
	weft_loop *loop;

	if (timeout->state != TIMEOUT_ENTERED)
		return -EINVAL;
	loop = timeout->task->future.loop;
	timeout->when = when;
	weft_handle_cancel(&timeout->timer);
	if (when == WEFT_NEVER)
		return 0;
	if (when <= weft_loop_time(loop))
		weft_call_soon(loop, &timeout->timer, expire, timeout);
	else
		weft_call_at(loop, &timeout->timer, when, expire, timeout);
	return 0;
}

int weft_timeout_enter(struct weft_timeout *timeout, weft_ns when)
{
	if (!task_here)
		return -EPERM;
	if (timeout->state != TIMEOUT_CREATED)
		return -EALREADY;
	timeout->state = TIMEOUT_ENTERED;
	timeout->task = task_here;
	timeout->cancelling = task_cancelling(task_here);
	timeout->depth = task_here->shield_depth;
	return weft_timeout_reschedule(timeout, when);
}

ssize_t weft_timeout_exit(struct weft_timeout *timeout, ssize_t r)
{
	weft_handle_cancel(&timeout->timer);
	if (timeout->state == TIMEOUT_EXPIRING) {
		timeout->state = TIMEOUT_EXPIRED;
		weft_uncancel(timeout->task);
		if (task_cancelling(timeout->task) <= timeout->cancelling && r == -ECANCELED)
			return -ETIMEDOUT;
	} else if (timeout->state == TIMEOUT_ENTERED) {
		timeout->state = TIMEOUT_EXITED;
	}
	return r;
}

weft_ns weft_timeout_when(const struct weft_timeout *timeout)
{
	return timeout->when;
}

bool weft_timeout_expired(const struct weft_timeout *timeout)
{
	return timeout->state == TIMEOUT_EXPIRING || timeout->state == TIMEOUT_EXPIRED;
}

weft_ns weft_deadline_(weft_ns delay)
{
	weft_ns when;

	if (delay == WEFT_NEVER || !loop_here ||
		__builtin_add_overflow(weft_loop_time(loop_here), delay, &when))
		return delay < 0 ? 0 : WEFT_NEVER;
	return when;
}

static ssize_t read_result(const struct weft_timeout_block *block)
{
	return block->r_bytes == sizeof(int) ? *(const int *)block->r : *(const ssize_t *)block->r;
}

static void write_result(struct weft_timeout_block *block, ssize_t r)
{
	if (block->r_bytes == sizeof(int))
		*(int *)block->r = (int)r;
	else
		*(ssize_t *)block->r = r;
}

bool weft_timeout_block_once_(struct weft_timeout_block *block)
{
	int r;

	if (block->entered)
		return false;
	block->entered = true;
	r = weft_timeout_enter(&block->timeout, block->when);
	if (r < 0) { /* outside of a task: the block must not run unbounded */
		write_result(block, r);
		return false;
	}
	return true;
}

void weft_timeout_block_leave_(struct weft_timeout_block *block)
{
	ssize_t before, after;

	if (block->timeout.state == TIMEOUT_CREATED)
		return;
	before = read_result(block);
	after = weft_timeout_exit(&block->timeout, before);
	if (after != before)
		write_result(block, after);
}

int weft_shield_enter(void)
{
	if (!task_here)
		return -EPERM;
	if (task_here->shield_depth >= 31)
		return -EOVERFLOW;
	/* A request that no call has delivered yet would cut the block's first one short. */
	if (task_here->must_cancel) {
		task_here->must_cancel = false;
		task_here->shielded |= UINT32_C(1) << task_here->shield_depth;
	}
	task_here->shield_depth++;
	return 0;
}

void weft_shield_leave(void)
{
	weft_task *task = task_here;
	uint32_t due;

	assert(task && task->shield_depth > 0);
	task->shield_depth--;
	/* What the blocks that remain do not keep off is the next suspension's. */
	due = task->shielded & ~((UINT32_C(1) << task->shield_depth) - 1);
	task->shielded &= ~due;
	if (!task->shielded)
		task->held = 0;
	if (due)
		task->must_cancel = true;
}

bool weft_shield_block_once_(struct weft_shield_block *block)
{
	if (block->depth)
		return false;
	block->depth = weft_shield_enter() == 0 ? 1 : -1;
	return true;
}

void weft_shield_block_leave_(struct weft_shield_block *block)
{
	if (block->depth == 1)
		weft_shield_leave();
}
