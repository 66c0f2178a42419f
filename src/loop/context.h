/* SPDX-License-Identifier: MIT */
#pragma once

/* Contexts as the loop and the layers above it see them.
 *
 * The values are an immutable map with a count of references (struct weft_vars; NULL: empty), so
 * that copying a context is counting. It is changed in place where nobody else holds it.
 *
 * Nothing follows the context from step to step: which is the current one is found when somebody
 * asks. weft_loop.attended says whether anybody may: until then callbacks need not be given one. */

#include <stdatomic.h>
#include <weft/context.h>

struct weft_vars {
	atomic_size_t references;
	size_t count, capacity;
	struct var_entry {
		const struct weft_var *var;
		void *value;
		struct weft_value *owned; /* NULL: the value is the setter's */
	} entries[];			  /* by the address of the variable */
};

/* A place where values can be set. */
struct context {
	struct weft_vars *vars;
	uint32_t id;	  /* for tokens; 0: none was made yet */
	uint32_t entered; /* runs that have entered it, besides the one whose it is */
};

struct weft_context {
	struct context context; /* first */
	atomic_size_t references;
};

/* The choice of this thread where no task runs; NULL: the thread's own. */
extern _Thread_local struct context *context_here __attribute__((visibility("hidden")));

/* The current context. */
struct context *context_now(void);
/* Where the choice of the current context stands, to be changed for a while; NULL there: *ret_home.
 */
struct context **context_place(struct context **ret_home);

/* The current values, for somebody to keep. */
struct weft_vars *context_capture(void);
void vars_drop(struct weft_vars *vars);

static inline struct weft_vars *vars_keep(struct weft_vars *vars)
{
	if (vars)
		atomic_fetch_add_explicit(&vars->references, 1, memory_order_relaxed);
	return vars;
}

static inline void vars_release(struct weft_vars *vars)
{
	if (vars)
		vars_drop(vars);
}

/* Empties a place. */
static inline void context_clear(struct context *context)
{
	struct weft_vars *vars = context->vars;

	context->vars = NULL;
	context->id = 0;
	vars_release(vars);
}

static inline weft_context *context_keep(weft_context *context)
{
	if (context)
		atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
	return context;
}
