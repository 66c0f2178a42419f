/* SPDX-License-Identifier: MIT */
#include "context.h"

#include "loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A value that `release` has to see in the end, counted by the maps and tokens that hold it. */
struct weft_value {
	atomic_size_t references;
	void *value;
};

_Thread_local struct context *context_here;
static _Thread_local struct context thread_context;

/* --- which one --- */

struct context **context_place(struct context **ret_home)
{
	struct context **place = NULL;

	*ret_home = &thread_context;
	if (loop_here && loop_here->task_context)
		place = loop_here->task_context(ret_home);
	return place ? place : &context_here;
}

struct context *context_now(void)
{
	struct context *home, **place = context_place(&home);

	return *place ? *place : home;
}

static pthread_key_t thread_end;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;

static void clear_thread(void *context)
{
	context_clear(context);
}

static void make_thread_end(void)
{
	if (pthread_key_create(&thread_end, clear_thread) != 0)
		abort();
}

/* What was set outside of loops ends with its thread. */
static void watch_thread_end(const struct context *context)
{
	if (context != &thread_context)
		return;
	pthread_once(&thread_end_once, make_thread_end);
	pthread_setspecific(thread_end, context);
}

/* --- values --- */

static void value_release(const struct weft_var *var, struct weft_value *owned)
{
	if (!owned || atomic_fetch_sub_explicit(&owned->references, 1, memory_order_acq_rel) > 1)
		return;
	var->release(owned->value);
	free(owned);
}

static struct weft_value *value_keep(struct weft_value *owned)
{
	if (owned)
		atomic_fetch_add_explicit(&owned->references, 1, memory_order_relaxed);
	return owned;
}

/* --- maps --- */

void vars_drop(struct weft_vars *vars)
{
	if (atomic_fetch_sub_explicit(&vars->references, 1, memory_order_acq_rel) > 1)
		return;
	for (size_t i = 0; i < vars->count; i++)
		value_release(vars->entries[i].var, vars->entries[i].owned);
	free(vars);
}

struct weft_vars *context_capture(void)
{
	return vars_keep(context_now()->vars);
}

/* Where the variable's entry is, or has to be. */
static size_t find(const struct weft_vars *vars, const struct weft_var *var, bool *ret_found)
{
	size_t low = 0, high = vars ? vars->count : 0;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if ((uintptr_t)vars->entries[middle].var < (uintptr_t)var)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = vars && low < vars->count && vars->entries[low].var == var;
	return low;
}

/* A map that is ours alone, with room for `more` entries besides those that it has. */
static struct weft_vars *own(struct weft_vars *vars, size_t more)
{
	size_t count = vars ? vars->count : 0, capacity = count + more;
	struct weft_vars *copy;

	if (vars && capacity <= vars->capacity &&
		atomic_load_explicit(&vars->references, memory_order_acquire) == 1)
		return vars;
	if (more > 0)
		capacity += capacity / 2 + 1;
	copy = malloc(sizeof(*copy) + capacity * sizeof(*copy->entries));
	if (!copy)
		return NULL;
	atomic_init(&copy->references, 1);
	copy->count = count;
	copy->capacity = capacity;
	for (size_t i = 0; i < count; i++) {
		copy->entries[i] = vars->entries[i];
		value_keep(copy->entries[i].owned);
	}
	return copy;
}

/* What own() gave takes the old map's place. */
static void replace(struct context *context, struct weft_vars *vars)
{
	struct weft_vars *before = context->vars;

	context->vars = vars;
	if (before && before != vars)
		vars_drop(before);
}

static void *look_up(const struct weft_vars *vars, const struct weft_var *var)
{
	bool found;
	size_t i = find(vars, var, &found);

	return found ? vars->entries[i].value : var->default_value;
}

/* --- variables --- */

void *weft_var_get(const struct weft_var *var)
{
	return look_up(context_now()->vars, var);
}

static uint32_t id_of(struct context *context)
{
	static _Atomic uint32_t last;

	while (context->id == 0)
		context->id = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
	return context->id;
}

/* Puts `entry` into the context. What it replaces is the caller's to let go of. -ENOMEM. */
static int put(struct context *context, struct var_entry entry, struct var_entry *ret_before)
{
	struct weft_vars *vars;
	bool found;
	size_t i = find(context->vars, entry.var, &found);

	vars = own(context->vars, !found);
	if (!vars)
		return -ENOMEM;
	*ret_before = found ? vars->entries[i] : (struct var_entry){0};
	if (!found) {
		memmove(&vars->entries[i + 1], &vars->entries[i],
			(vars->count - i) * sizeof(*vars->entries));
		vars->count++;
	}
	vars->entries[i] = entry;
	replace(context, vars);
	return 0;
}

int weft_var_set(const struct weft_var *var, void *value, struct weft_var_token *token)
{
	struct context *context = context_now();
	struct var_entry entry = {.var = var, .value = value}, before = {0};

	if (var->release) {
		entry.owned = malloc(sizeof(*entry.owned));
		if (!entry.owned)
			return -ENOMEM;
		atomic_init(&entry.owned->references, 1);
		entry.owned->value = value;
	}
	if (put(context, entry, &before) < 0) {
		free(entry.owned);
		return -ENOMEM;
	}
	watch_thread_end(context);
	if (loop_here)
		loop_here->attended = true;
	if (token)
		*token = (struct weft_var_token){
			.var = var,
			.value = before.value,
			.owned = before.owned,
			.context = id_of(context),
			.was_set = before.var != NULL,
		};
	else
		value_release(var, before.owned);
	return 0;
}

/* Takes the variable's entry out. What it held is the caller's to let go of. -ENOMEM. */
static int take(struct context *context, const struct weft_var *var, struct var_entry *ret_before)
{
	struct weft_vars *vars;
	bool found;
	size_t i = find(context->vars, var, &found);

	if (!found)
		return 0;
	vars = own(context->vars, 0);
	if (!vars)
		return -ENOMEM;
	*ret_before = vars->entries[i];
	vars->count--;
	memmove(&vars->entries[i], &vars->entries[i + 1],
		(vars->count - i) * sizeof(*vars->entries));
	replace(context, vars);
	return 0;
}

int weft_var_reset(const struct weft_var *var, struct weft_var_token *token)
{
	struct context *context = context_now();
	struct var_entry before = {0};
	int r;

	if (token->used)
		return -EPERM;
	if (token->var != var || token->context != context->id)
		return -EINVAL;
	if (token->was_set)
		r = put(context, (struct var_entry){var, token->value, token->owned}, &before);
	else
		r = take(context, var, &before);
	if (r < 0)
		return r;
	token->used = true;
	token->owned = NULL;
	value_release(var, before.owned);
	return 0;
}

void weft_var_token_release(struct weft_var_token *token)
{
	struct weft_value *owned = token->owned;

	if (!token->var)
		return;
	token->used = true;
	token->owned = NULL;
	value_release(token->var, owned);
}

/* --- contexts to hold --- */

static weft_context *new_context(struct weft_vars *vars)
{
	weft_context *context = calloc(1, sizeof(*context));

	if (!context)
		return NULL;
	atomic_init(&context->references, 1);
	context->context.vars = vars_keep(vars);
	return context;
}

weft_context *weft_copy_context(void)
{
	return new_context(context_now()->vars);
}

weft_context *weft_context_copy(const weft_context *context)
{
	return new_context(context ? context->context.vars : NULL);
}

void weft_context_release(weft_context *context)
{
	if (!context ||
		atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) > 1)
		return;
	context_clear(&context->context);
	free(context);
}

int weft_context_run(weft_context *context, weft_fn fn, void *arg)
{
	struct context *home, **place = context_place(&home), *before = *place;
	int r;

	if (context->context.entered > 0 || &context->context == (before ? before : home))
		return -EBUSY;
	context_keep(context);
	context->context.entered++;
	if (loop_here && context->context.vars)
		loop_here->attended = true;
	*place = &context->context;
	r = fn(arg);
	*place = before;
	context->context.entered--;
	weft_context_release(context);
	return r;
}

void *weft_context_get(const weft_context *context, const struct weft_var *var)
{
	return look_up(context->context.vars, var);
}

bool weft_context_has(const weft_context *context, const struct weft_var *var)
{
	bool found;

	find(context->context.vars, var, &found);
	return found;
}

size_t weft_context_count(const weft_context *context)
{
	return context->context.vars ? context->context.vars->count : 0;
}
