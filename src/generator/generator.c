/* SPDX-License-Identifier: MIT */
/* Plain generators: driven, yielding, ended. */

#include "generator.h"

#include "agen.h"

#include <errno.h>

/* --- the body's side --- */

static void generator_main(void *head)
{
	weft_generator *generator = head;

	generator->result = generator->fn(generator->arg);
	if (generator->result < 0)
		generator->returned = NULL;
	generator->stage = GENERATOR_CLOSED;
	chain_end(generator);
}

int weft_yield(void *value, void **ret_sent)
{
	weft_generator *self = generator_yielding();

	if (self)
		return generator_yield(self, value, ret_sent);
	return task_here && task_here->agen ? agen_yield(task_here->agen, value, ret_sent) : -EPERM;
}

int weft_return(void *value)
{
	weft_generator *self = generator_yielding();

	if (!self)
		return task_here && task_here->agen ? 0 : -EPERM;
	self->returned = value;
	return 0;
}

/* --- the driver's side --- */

#define INLINE static inline __attribute__((always_inline))

bool generator_driven(const weft_generator *generator)
{
	while (generator->outer)
		generator = generator->outer;
	return generator->driven;
}

/* Runs the root's chain until its leaf yields or the root ends. */
INLINE int resume(weft_generator *root, int code, void *value, void **ret_value)
{
	struct coro_thread *thread = root->thread;
	weft_generator *leaf = root->leaf;

	coro_here(&root->driver);
	root->driven = true;
	root->loops = thread_loops();
	root->ret_value = ret_value;
	root->before = thread->running;
	root->task = task_here;
	if (root->task) {
		root->behind = task_behind;
		task_behind = root->task;
		task_here = NULL;
	}
	thread->running = leaf;
	leaf->root = root;
	leaf->stage = GENERATOR_STARTED;
	if (leaf->ret_sent && code == 0)
		*leaf->ret_sent = value;
	return coro_switch_value(&root->driver, &leaf->coro, code);
}

/* -EPERM, -EBUSY; 0: it is the caller's to drive. */
static __attribute__((noinline)) int take_slowly(weft_generator *generator)
{
	if (generator->thread != &thread_here)
		return weft_raise(-EPERM, "the generator belongs to a different thread");
	if (generator_driven(generator))
		return weft_raise(-EBUSY, "generator already executing");
	chain_cut(generator);
	return 0;
}

INLINE int take(weft_generator *generator)
{
	if (__builtin_expect(
		    generator->thread != &thread_here || generator->driven || generator->outer,
		    false))
		return take_slowly(generator);
	return 0;
}

static int throw(weft_generator * generator, int code, void **ret_value)
{
	int r;

	if (generator->stage == GENERATOR_CREATED) {
		generator->stage = GENERATOR_CLOSED;
		generator->result = code;
	}
	if (generator->stage == GENERATOR_CLOSED)
		return code;
	if (code == WEFT_GENERATOR_EXIT && generator->leaf != generator) {
		r = chain_close_inner(generator);
		if (r < 0)
			code = r;
		generator->thread->thrown_here = true;
	}
	return resume(generator, code, NULL, ret_value);
}

static __attribute__((noinline)) int push_slowly(
	weft_generator *generator, void *value, void **ret_value)
{
	if (generator->stage == GENERATOR_CLOSED) {
		if (ret_value)
			*ret_value = NULL;
		return 0;
	}
	if (value)
		return weft_raise(-EINVAL, "can't send non-None value to a just-started generator");
	return resume(generator, 0, value, ret_value);
}

/* Ends in a jump, as all that it calls: no function is left to return from. */
INLINE int push(weft_generator *generator, void *value, void **ret_value)
{
	int r = take(generator);

	if (r < 0)
		return r;
	if (__builtin_expect(generator->stage != GENERATOR_STARTED, false))
		return push_slowly(generator, value, ret_value);
	return resume(generator, 0, value, ret_value);
}

int generator_drive(weft_generator *generator, int code, void *value, void **ret_value)
{
	int r;

	if (code == 0)
		return push(generator, value, ret_value);
	r = take(generator);
	return r < 0 ? r : throw(generator, code, ret_value);
}

int weft_generator_next(weft_generator *generator, void **ret_value)
{
	return push(generator, NULL, ret_value);
}

int weft_generator_send(weft_generator *generator, void *value, void **ret_value)
{
	return push(generator, value, ret_value);
}

int weft_generator_throw(weft_generator *generator, int code, void **ret_value)
{
	return code < 0 ? generator_drive(generator, code, NULL, ret_value) : -EINVAL;
}

int weft_generator_close(weft_generator *generator, void **ret_value)
{
	void *value = NULL;
	int r = take(generator);

	if (r < 0)
		return r;
	if (generator->stage == GENERATOR_STARTED) {
		r = throw(generator, WEFT_GENERATOR_EXIT, &value);
		if (r > 0)
			return weft_raise(-EPERM, "generator ignored GeneratorExit");
		if (r < 0 && r != WEFT_GENERATOR_EXIT)
			return r;
		r = r == 0 ? generator->result : 0;
	} else {
		generator->stage = GENERATOR_CLOSED;
	}
	if (ret_value)
		*ret_value = value;
	return r;
}

/* --- its life --- */

static void destroy(weft_generator *generator)
{
	coro_close(generator->pool, &generator->coro);
}

static void clear_graves(void)
{
	weft_generator *generator;

	while ((generator = thread_here.generator_graves)) {
		thread_here.generator_graves = generator->outer;
		destroy(generator);
	}
}

int weft_generator_open(weft_fn fn, void *arg, const struct weft_generator_options *options,
	weft_generator **ret_generator)
{
	weft_generator *generator;
	struct coro_pool *pool;
	void *head;
	int r;

	clear_graves();
	r = thread_coro(options ? options->stack_bytes : 0, sizeof(*generator), generator_main,
		&head, &pool);
	if (r < 0)
		return r;

	generator = head;
	generator->ret_sent = NULL;
	generator->leaf = generator;
	generator->outer = NULL;
	generator->thread = &thread_here;
	generator->stage = GENERATOR_CREATED;
	generator->driven = generator->dropped = generator->inner_ended = false;
	generator->result = 0;
	generator->returned = NULL;
	generator->fn = fn;
	generator->arg = arg;
	generator->pool = pool;
	*ret_generator = generator;
	return 0;
}

void weft_generator_free(weft_generator *generator)
{
	int r;

	clear_graves();
	if (!generator || !thread_may_release(generator->thread))
		return;
	if (generator_driven(generator)) {
		generator->dropped = true;
		return;
	}
	if (generator->stage == GENERATOR_STARTED) {
		r = weft_generator_close(generator, NULL);
		if (r < 0)
			thread_report("Exception ignored while a generator was freed", r);
	}
	destroy(generator);
}

void generator_settle(weft_generator *generator)
{
	if (generator->dropped)
		destroy(generator);
}

enum weft_generator_state weft_generator_state(const weft_generator *generator)
{
	if (generator->stage == GENERATOR_CREATED)
		return WEFT_GENERATOR_CREATED;
	if (generator->stage == GENERATOR_CLOSED)
		return WEFT_GENERATOR_CLOSED;
	return generator_driven(generator) ? WEFT_GENERATOR_RUNNING : WEFT_GENERATOR_SUSPENDED;
}

int weft_generator_result(const weft_generator *generator)
{
	return generator->stage == GENERATOR_CLOSED ? generator->result : -EINPROGRESS;
}
