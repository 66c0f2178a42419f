/* SPDX-License-Identifier: MIT */
/* Greenlets. Whoever leaves does the work of the one that goes on, so that a switch can end in a
 * jump: see generator.h. */

#include "thread.h"

#include <errno.h>

static weft_greenlet *current(struct coro_thread *thread)
{
	if (!thread->greenlet) {
		thread->main.state = GREENLET_ACTIVE;
		thread->main.references = 1;
		thread->main.thread = thread;
		thread->greenlet = &thread->main;
	}
	return thread->greenlet;
}

/* One that has ended stands for its parent. */
static weft_greenlet *living(weft_greenlet *greenlet)
{
	while (greenlet->state == GREENLET_DEAD)
		greenlet = greenlet->parent;
	return greenlet;
}

static void bury(weft_greenlet *greenlet)
{
	greenlet->next = greenlet->thread->graves;
	greenlet->thread->graves = greenlet;
}

/* --- switching --- */

/* The thread goes on in `to`, with what is given or thrown. */
static void arrive(weft_greenlet *to, int code, void *value)
{
	struct coro_thread *thread = to->thread;

	thread->greenlet = to;
	if (to->state == GREENLET_CREATED) {
		to->state = GREENLET_ACTIVE;
		thread->value = value;
		thread->code = code;
		thread->running = NULL;
		return;
	}
	if (code == 0 && to->ret_value)
		*to->ret_value = value;
	thread->running = to->running;
	if (to->task) {
		task_here = to->task;
		task_behind = to->behind;
		to->task = NULL;
	}
}

/* One that nobody refers to leaves: it ends first, and then goes there. */
static int doom(weft_greenlet *from, weft_greenlet *to, int code, void *value)
{
	weft_greenlet *parent = from->parent;

	from->doomed = true;
	from->parent = to;
	to->references++;
	from->last_code = code;
	from->last_value = value;
	weft_greenlet_release(parent);
	return WEFT_GREENLET_EXIT;
}

/* From the one that runs to another, which is not dead. Inside of a task only the task's own place
 * may suspend. */
static int transfer(weft_greenlet *to, int code, void *value, void **ret_value)
{
	struct coro_thread *thread = to->thread;
	weft_greenlet *from = current(thread);

	if (to == from) {
		if (code == 0 && ret_value)
			*ret_value = value;
		return code;
	}
	if (from->references == 0) {
		if (!from->doomed)
			return doom(from, to, code, value);
		thread_report("a greenlet did not end when it was released", -EBUSY);
		bury(from);
	}
	from->ret_value = ret_value;
	from->running = thread->running;
	from->task = task_here;
	if (task_here) {
		from->behind = task_behind;
		task_behind = task_here;
		task_here = NULL;
	}
	arrive(to, code, value);
	coro_here(&from->context);
	return coro_switch_value(&from->context, &to->context, code);
}

static int refuse(void)
{
	return weft_raise(-EPERM, "cannot switch to a different thread");
}

static __attribute__((noinline)) int switch_slowly(
	weft_greenlet *greenlet, void *value, void **ret_value)
{
	if (greenlet->thread != &thread_here)
		return refuse();
	return transfer(living(greenlet), 0, value, ret_value);
}

/* What transfer() does, where little of it is needed. */
int weft_greenlet_switch(weft_greenlet *greenlet, void *value, void **ret_value)
{
	struct coro_thread *thread = &thread_here;
	weft_greenlet *from = thread->greenlet;

	if (__builtin_expect(greenlet->thread != thread || greenlet->state != GREENLET_ACTIVE ||
				     greenlet == from || from->references == 0 || task_here ||
				     greenlet->task,
		    false))
		return switch_slowly(greenlet, value, ret_value);

	from->ret_value = ret_value;
	from->running = thread->running;
	thread->running = greenlet->running;
	thread->greenlet = greenlet;
	if (greenlet->ret_value)
		*greenlet->ret_value = value;
	coro_here(&from->context);
	return coro_switch_value(&from->context, &greenlet->context, 0);
}

int weft_greenlet_throw(weft_greenlet *greenlet, int code, void **ret_value)
{
	if (code >= 0)
		return -EINVAL;
	if (greenlet->thread != &thread_here)
		return refuse();
	if (greenlet->state == GREENLET_DEAD && code == WEFT_GREENLET_EXIT)
		code = 0;
	return transfer(living(greenlet), code, NULL, ret_value);
}

/* --- its life --- */

static void greenlet_main(void *head)
{
	weft_greenlet *greenlet = head, *to;
	struct coro_thread *thread = greenlet->thread;
	void *value = NULL;
	int code = thread->code;

	if (code == 0)
		code = greenlet->fn(greenlet->arg, thread->value, &value);
	if (code >= 0 || code == WEFT_GREENLET_EXIT) {
		value = code < 0 ? NULL : value;
		code = 0;
	}
	if (greenlet->doomed) {
		if (code < 0)
			thread_report("Exception ignored while a greenlet was released", code);
		code = greenlet->last_code;
		value = greenlet->last_value;
	}
	greenlet->state = GREENLET_DEAD;
	if (greenlet->references == 0)
		bury(greenlet);
	to = living(greenlet->parent);
	arrive(to, code, value);
	coro_exit_value(&greenlet->coro, &to->context, code);
}

/* Ends one that is suspended and that nobody refers to: its parent is the running one meanwhile. */
static void put_down(weft_greenlet *greenlet)
{
	weft_greenlet *here = current(greenlet->thread), *parent = greenlet->parent;
	int r;

	greenlet->references++;
	greenlet->parent = here;
	here->references++;
	r = transfer(greenlet, WEFT_GREENLET_EXIT, NULL, NULL);
	if (r < 0)
		thread_report("Exception ignored while a greenlet was released", r);
	if (greenlet->state == GREENLET_ACTIVE)
		thread_report("a greenlet did not end when it was released", -EBUSY);
	here->references--;
	greenlet->parent = parent;
	greenlet->references--;
}

static void destroy(weft_greenlet *greenlet)
{
	coro_close(greenlet->pool, &greenlet->coro);
}

/* Down the line of parents, of which this may have been the last to be referred to. */
static void let_go(weft_greenlet *greenlet)
{
	while (greenlet && --greenlet->references == 0) {
		weft_greenlet *parent = greenlet->parent;

		if (greenlet == greenlet->thread->greenlet)
			return;
		if (greenlet->state == GREENLET_ACTIVE) {
			put_down(greenlet);
			if (greenlet->references > 0)
				return;
		}
		destroy(greenlet);
		greenlet = parent;
	}
}

static void clear_graves(void)
{
	weft_greenlet *greenlet;

	while ((greenlet = thread_here.graves)) {
		weft_greenlet *parent = greenlet->parent;

		thread_here.graves = greenlet->next;
		destroy(greenlet);
		let_go(parent);
	}
}

int weft_greenlet_open(weft_greenlet_fn fn, void *arg, const struct weft_greenlet_options *options,
	weft_greenlet **ret_greenlet)
{
	weft_greenlet *greenlet, *parent = options ? options->parent : NULL;
	struct coro_pool *pool;
	void *head;
	int r;

	clear_graves();
	if (parent && parent->thread != &thread_here)
		return weft_raise(-EPERM, "parent cannot be on a different thread");
	r = thread_coro(
		options ? options->stack_bytes : 0, sizeof(*greenlet), greenlet_main, &head, &pool);
	if (r < 0)
		return r;

	greenlet = head;
	greenlet->context = greenlet->coro;
	greenlet->ret_value = NULL;
	greenlet->running = NULL;
	greenlet->task = NULL;
	greenlet->doomed = false;
	greenlet->fn = fn;
	greenlet->arg = arg;
	greenlet->parent = parent ? parent : current(&thread_here);
	greenlet->parent->references++;
	greenlet->thread = &thread_here;
	greenlet->pool = pool;
	greenlet->references = 1;
	greenlet->state = GREENLET_CREATED;
	*ret_greenlet = greenlet;
	return 0;
}

void weft_greenlet_release(weft_greenlet *greenlet)
{
	clear_graves();
	if (greenlet && thread_may_release(greenlet->thread))
		let_go(greenlet);
}

weft_greenlet *weft_greenlet_current(void)
{
	return current(&thread_here);
}

weft_greenlet *weft_greenlet_parent(const weft_greenlet *greenlet)
{
	return greenlet->parent;
}

int weft_greenlet_set_parent(weft_greenlet *greenlet, weft_greenlet *parent)
{
	weft_greenlet *before = greenlet->parent;

	if (!before)
		return weft_raise(-EPERM, "cannot set the parent of a main greenlet");
	if (!parent || parent->thread != greenlet->thread)
		return weft_raise(-EPERM, "parent cannot be on a different thread");
	for (weft_greenlet *g = parent; g; g = g->parent)
		if (g == greenlet)
			return weft_raise(-EINVAL, "cyclic parent chain");
	parent->references++;
	greenlet->parent = parent;
	let_go(before);
	return 0;
}

bool weft_greenlet_active(const weft_greenlet *greenlet)
{
	return greenlet->state == GREENLET_ACTIVE;
}

bool weft_greenlet_dead(const weft_greenlet *greenlet)
{
	return greenlet->state == GREENLET_DEAD;
}
