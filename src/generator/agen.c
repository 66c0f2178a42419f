/* SPDX-License-Identifier: MIT */
/* Asynchronous generators: driven, yielding, ended. */

#include "agen.h"

#include <errno.h>
#include <string.h>

/* --- the body's side --- */

/* The task is on its driver's stack again. */
static void leave(weft_agen *agen)
{
	weft_task *task = task_here;

	assert(task->agen == agen);
	coro_lend(&task->coro, &agen->driver);
	task->agen = agen->outer;
	agen->busy = false;
	if (agen->released && !agen->closer)
		agens_drop_soon(agen);
}

static void agen_main(void *head)
{
	weft_agen *agen = head;

	agen->result = agen->fn(agen->arg);
	agen->stage = AGEN_ENDED;
	agens_remove(agen);
	if (agen->result >= 0 && agen->ret_value)
		*agen->ret_value = NULL;
	leave(agen);
	coro_exit_value(&agen->coro, &agen->driver, agen->result < 0 ? agen->result : 0);
}

int agen_yield(weft_agen *self, void *value, void **ret_sent)
{
	if (task_here->shield_depth != self->shield_depth)
		return weft_raise(-EPERM, "yield inside of a shield");
	self->ret_sent = ret_sent;
	if (self->ret_value)
		*self->ret_value = value;
	leave(self);
	return coro_switch_value(&self->coro, &self->driver, 1);
}

/* --- the driver's side --- */

/* Runs the body until it yields or ends; it may park the task any number of times. */
static inline __attribute__((always_inline)) int resume(
	weft_agen *agen, int code, void *value, void **ret_value)
{
	weft_task *task = task_here;

	agen->busy = true;
	agen->stage = AGEN_STARTED;
	agen->shield_depth = task->shield_depth;
	agen->outer = task->agen;
	task->agen = agen;
	agen->ret_value = ret_value;
	if (agen->ret_sent && code == 0)
		*agen->ret_sent = value;
	coro_lend(&agen->driver, &task->coro);
	coro_lend(&task->coro, &agen->coro);
	return coro_switch_value(&agen->driver, &agen->coro, code);
}

static int take(weft_agen *agen, const char *call)
{
	if (!task_here)
		return -EPERM;
	if (agen->thread != &thread_here)
		return weft_raise(-EPERM, "the generator belongs to a different thread");
	if (agen->busy)
		return weft_raise(-EBUSY, "%s(): asynchronous generator is already running", call);
	if (!agen->loop)
		agens_add(agen);
	return 0;
}

static inline __attribute__((always_inline)) int drive(
	weft_agen *agen, const char *call, void *value, void **ret_value)
{
	int r = take(agen, call);

	if (r < 0)
		return r;
	if (agen->stage == AGEN_ENDED) {
		if (ret_value)
			*ret_value = NULL;
		return 0;
	}
	if (value && agen->stage == AGEN_CREATED)
		return weft_raise(
			-EINVAL, "can't send non-None value to a just-started async generator");
	return resume(agen, 0, value, ret_value);
}

int weft_agen_next(weft_agen *agen, void **ret_value)
{
	return drive(agen, "anext", NULL, ret_value);
}

int weft_agen_send(weft_agen *agen, void *value, void **ret_value)
{
	return drive(agen, "anext", value, ret_value);
}

/* One that has not begun ends without running. */
static bool ends_unborn(weft_agen *agen, int result)
{
	if (agen->stage != AGEN_CREATED)
		return false;
	agen->stage = AGEN_ENDED;
	agen->result = result;
	agens_remove(agen);
	return true;
}

int weft_agen_throw(weft_agen *agen, int code, void **ret_value)
{
	int r;

	if (code >= 0)
		return -EINVAL;
	r = take(agen, "athrow");
	if (r < 0)
		return r;
	if (agen->stage == AGEN_ENDED || agen->closing) {
		if (ret_value)
			*ret_value = NULL;
		return 0;
	}
	if (ends_unborn(agen, code))
		return code;
	return resume(agen, code, NULL, ret_value);
}

int agen_end(weft_agen *agen, int code)
{
	int r = take(agen, "aclose");

	if (r < 0)
		return r;
	if (agen->stage == AGEN_ENDED || agen->closing)
		return 0;
	agen->closing = true;
	if (ends_unborn(agen, 0))
		return 0;
	r = resume(agen, code, NULL, NULL);
	if (r > 0)
		r = weft_raise(-EPERM, "async generator ignored GeneratorExit");
	else if (r == WEFT_GENERATOR_EXIT)
		r = 0;
	return r;
}

int weft_agen_close(weft_agen *agen)
{
	return agen_end(agen, WEFT_GENERATOR_EXIT);
}

/* --- its life --- */

int weft_agen_open(
	weft_fn fn, void *arg, const struct weft_generator_options *options, weft_agen **ret_agen)
{
	struct coro_pool *pool;
	weft_agen *agen;
	void *head;
	int r;

	r = thread_coro(options ? options->stack_bytes : 0, sizeof(*agen), agen_main, &head, &pool);
	if (r < 0)
		return r;

	agen = head;
	memset((char *)agen + sizeof(agen->coro), 0, sizeof(*agen) - sizeof(agen->coro));
	agen->thread = &thread_here;
	agen->fn = fn;
	agen->arg = arg;
	agen->pool = pool;
	list_init(&agen->link);
	*ret_agen = agen;
	return 0;
}

void agen_destroy(weft_agen *agen)
{
	assert(!agen->busy);
	list_remove(&agen->link);
	weft_handle_cancel(&agen->handle);
	coro_close(agen->pool, &agen->coro);
}

void weft_agen_release(weft_agen *agen)
{
	if (!agen || !thread_may_release(agen->thread))
		return;
	agen->released = true;
	if (!agen->busy && !agen->closer)
		agens_drop(agen);
}

enum weft_generator_state weft_agen_state(const weft_agen *agen)
{
	if (agen->stage == AGEN_CREATED)
		return WEFT_GENERATOR_CREATED;
	if (agen->stage == AGEN_ENDED)
		return WEFT_GENERATOR_CLOSED;
	return agen->busy ? WEFT_GENERATOR_RUNNING : WEFT_GENERATOR_SUSPENDED;
}
