/* SPDX-License-Identifier: MIT */
#ifndef WEFT_GENERATOR_H
#define WEFT_GENERATOR_H

/* Generators: coroutines that are driven by hand (PEP 342, PEP 380).
 *
 *	static int count(void *limit)
 *	{
 *		for (intptr_t i = 0; i < (intptr_t)limit; i++) {
 *			int r = weft_yield((void *)i, NULL);
 *			if (r < 0)
 *				return r;
 *		}
 *		return 0;
 *	}
 *
 *	WEFT_AUTO(generator) g = NULL;
 *	r = weft_generator_open(count, (void *)3, NULL, &g);
 *	while (r >= 0 && (r = weft_generator_next(g, &value)) > 0)
 *		...
 *
 * They need no loop, and work beside one: in a task, in a callback, in a thread that has none. The
 * body cannot suspend the task that drives it: WEFT_ASYNC calls return -EPERM there (asynchronous
 * generators can: <weft/agen.h>). A generator belongs to the thread that opened it: in others all
 * calls that drive it return -EPERM, and one that frees it does nothing but report that.
 *
 * Values are pointers, NULL is None. Each call that drives a generator returns
 *	1	it has yielded: *ret_value is the value
 *	0	it has returned (StopIteration): *ret_value is what weft_return() gave, or NULL;
 *		weft_generator_result() what the body returned
 *	< 0	its body ended with this error, with the message of its weft_raise()
 * or, where the call was wrong, -EBUSY ("generator already executing", ValueError) or -EPERM (in
 * another thread). `ret_value` may be NULL. */

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_generator weft_generator;

/* What a yield returns in a generator that is to end (GeneratorExit). Is no errno. */
#define WEFT_GENERATOR_EXIT (-1001)

/* Zero-initialised: the defaults. */
struct weft_generator_options {
	size_t stack_bytes; /* of the body; 0: the loop's, 64 KiB where there is none */
};

/* inspect.getgeneratorstate() */
enum weft_generator_state {
	WEFT_GENERATOR_CREATED,
	WEFT_GENERATOR_RUNNING,
	WEFT_GENERATOR_SUSPENDED,
	WEFT_GENERATOR_CLOSED,
};

/* A generator over `fn(arg)`, which the first weft_generator_next() starts. `options` may be NULL.
 * -ENOMEM; -EINVAL: stack_bytes below 16 KiB. */
WEFT_API int weft_generator_open(weft_fn fn, void *arg,
	const struct weft_generator_options *options, weft_generator **ret_generator);

/* Closes it where it has begun and not ended, and gives its memory back; what its body makes of
 * that is told to the loop's exception handler, or on standard error. One that runs ends first.
 * Takes NULL. Nobody may delegate to it meanwhile. */
WEFT_API void weft_generator_free(weft_generator *generator);

/* Goes on to its next yield, where NULL arrives. */
WEFT_API int weft_generator_next(weft_generator *generator, void **ret_value);

/* The same, and `value` arrives. -EINVAL: it has not begun, and `value` is not NULL (TypeError). */
WEFT_API int weft_generator_send(weft_generator *generator, void *value, void **ret_value);

/* The same, but the yield returns the error `code`, with the message of a weft_raise() just before:
 *	weft_generator_throw(g, weft_raise(-EPROTO, "bad"), &value)
 * One that has not begun, or has ended, does not run: it is closed, and the call returns `code`.
 * -EINVAL: `code` is none. */
WEFT_API int weft_generator_throw(weft_generator *generator, int code, void **ret_value);

/* Throws WEFT_GENERATOR_EXIT into it, where it has begun and not ended. 0: it ended with that, or
 * had ended. > 0 or *ret_value: what it returned instead. -EPERM: it yielded instead ("generator
 * ignored GeneratorExit", RuntimeError), and goes on. Else the error that its body ended with. */
WEFT_API int weft_generator_close(weft_generator *generator, void **ret_value);

WEFT_API enum weft_generator_state weft_generator_state(const weft_generator *generator);

/* What the body returned: >= 0 or its error. -EINPROGRESS: it has not ended. 0 where it was closed
 * before it began. */
WEFT_API int weft_generator_result(const weft_generator *generator);

/* --- in the body, at any depth --- */

/* Gives `value` to whoever drives the innermost generator that runs, and comes back when it is
 * driven on: 0, *ret_sent is what was sent (NULL: nothing); or < 0, the error that was thrown.
 * Works the same in asynchronous generators. `ret_sent` may be NULL. -EPERM: not in a generator;
 * from inside of a loop that the body runs; in a WEFT_SHIELD block that the body entered. */
WEFT_API int weft_yield(void *value, void **ret_sent);

/* Yields all that `inner` yields; what is sent or thrown goes to `inner`, a close closes it first.
 * Returns what the body of `inner` returned, *ret_value what it gave to weft_return(); or the error
 * that it ended with. A chain of generators that delegate costs each value no more than one.
 * `ret_value` may be NULL; `inner` stays the caller's and must be there until the call returns.
 * -EBUSY: `inner` runs, or is this generator; -EPERM as weft_yield(), and in asynchronous ones. */
WEFT_API int weft_yield_from(weft_generator *inner, void **ret_value);

/* return weft_return(value);
 * The generator's return value (StopIteration's); an asynchronous generator has none, there `value`
 * goes nowhere. Evaluates to 0; -EPERM: not in a generator. */
WEFT_API int weft_return(void *value);

static inline void weft_generator_cleanup(weft_generator **generator)
{
	weft_generator_free(*generator);
}

#ifdef __cplusplus
}
#endif
#endif
