/* SPDX-License-Identifier: MIT */
#ifndef WEFT_CONTEXT_H
#define WEFT_CONTEXT_H

/* Values that go with a task (contextvars, PEP 567): a request's id, its logger, its user.
 *
 *	static struct weft_var request_id = {.name = "request_id"};
 *
 *	weft_var_set(&request_id, "42", NULL);
 *	log("%s", (const char *)weft_var_get(&request_id));
 *
 * What runs, runs in a context: a map of variables to values. A task gets a copy of its creator's
 * when it is created; callbacks (weft_call_soon() and all that take a function for later) run in a
 * copy of the one in which they were scheduled. A copy costs nothing, and what its user sets is
 * seen by nobody else. Outside of a loop every thread has a context of its own.
 *
 * Where no variable was ever set, none of this costs anything. */

#include <weft/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One per value, static, never freed before all contexts that hold a value of it. Zero-initialised
 * but for what is wanted. */
struct weft_var {
	const char *name;    /* for people */
	void *default_value; /* where it was never set */
	/* Values are owned: called once when the last context or token that holds the value lets go
	 * of it, in whatever thread does. It must not suspend. NULL: values are the setter's. */
	void (*release)(void *value);
};

/* A context that somebody holds. It may be handed to another thread; one thread uses it at a time.
 */
typedef struct weft_context weft_context;

/* What a set replaced. Copied by nobody. */
struct weft_var_token {
	/* private */
	const struct weft_var *var;
	void *value;
	struct weft_value *owned;
	uint32_t context;
	bool was_set, used;
};

/* The value in the current context, else the default. */
WEFT_API void *weft_var_get(const struct weft_var *var);

/* Sets it in the current context. With `token` (may be NULL) weft_var_reset() can bring the old
 * value back; a token keeps an old value that is owned: each needs its reset, or
 * weft_var_token_release(). -ENOMEM: nothing has changed, and `value` is still the caller's. */
WEFT_API int weft_var_set(const struct weft_var *var, void *value, struct weft_var_token *token);

/* Brings back what the set that gave the token has replaced, also where that was no value at all.
 * -EPERM: the token was used already (RuntimeError); -EINVAL: it is another variable's, or was made
 * in another context (ValueError); -ENOMEM: the token can be used again. */
WEFT_API int weft_var_reset(const struct weft_var *var, struct weft_var_token *token);

/* Lets go of what a token keeps, without using it. One that was used, or that is zero, is left
 * alone. */
WEFT_API void weft_var_token_release(struct weft_var_token *token);

/* A copy of the current context, to be given back with weft_context_release(); NULL: no memory. */
WEFT_API weft_context *weft_copy_context(void);

/* A copy of `context`; of NULL: an empty one. NULL: no memory. */
WEFT_API weft_context *weft_context_copy(const weft_context *context);

/* Takes NULL. Tasks that run in it keep it. */
WEFT_API void weft_context_release(weft_context *context);

/* Calls fn(arg) with `context` as the current one: what that sets stays in it. Returns what `fn`
 * returned, or -EBUSY: it is somebody's current one already. Called by a task, `fn` may suspend;
 * it must not leave a generator or greenlet that it is called in before it returns (weft_yield(),
 * weft_greenlet_switch()): whoever goes on would be in `context`. */
WEFT_API int weft_context_run(weft_context *context, weft_fn fn, void *arg);

/* The value of a variable there, else the default. */
WEFT_API void *weft_context_get(const weft_context *context, const struct weft_var *var);
/* Whether it has a value there. */
WEFT_API bool weft_context_has(const weft_context *context, const struct weft_var *var);
/* How many variables have one. */
WEFT_API size_t weft_context_count(const weft_context *context);

static inline void weft_context_cleanup(weft_context **context)
{
	weft_context_release(*context);
}

#ifdef __cplusplus
}
#endif
#endif
