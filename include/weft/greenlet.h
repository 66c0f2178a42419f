/* SPDX-License-Identifier: MIT */
#ifndef WEFT_GREENLET_H
#define WEFT_GREENLET_H

/* Greenlets: coroutines that switch to each other, without any loop (the rules of the Python
 * library of that name).
 *
 * Where a thread is when it runs no greenlet is its main greenlet. Switching to a greenlet stops
 * the one that runs, in its call of weft_greenlet_switch(), which returns when somebody switches
 * back. A greenlet has a parent: what it returns, or fails with, goes there when it ends.
 *
 * They may be used inside of tasks, where the task takes the place of the main greenlet: only there
 * it can suspend, in the others WEFT_ASYNC calls return -EPERM. A greenlet belongs to the thread
 * that opened it: in others it cannot be switched to, and its release does nothing but report that.
 */

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_greenlet weft_greenlet;

/* What a switch returns in a greenlet that is to end (GreenletExit). Is no errno. */
#define WEFT_GREENLET_EXIT (-1002)

/* What a greenlet runs. `value` is what the first switch to it gave. 0: *ret_value, NULL before,
 * goes to the parent; so does NULL for WEFT_GREENLET_EXIT. < 0: the parent's switch fails with
 * this. */
typedef int (*weft_greenlet_fn)(void *arg, void *value, void **ret_value);

/* Zero-initialised: the defaults. */
struct weft_greenlet_options {
	size_t stack_bytes;    /* 0: the loop's, 64 KiB where there is none */
	weft_greenlet *parent; /* NULL: the one that runs */
};

/* A greenlet, not started. `options` may be NULL. -ENOMEM; -EINVAL: stack_bytes below 16 KiB;
 * -EPERM: the parent belongs to another thread. */
WEFT_API int weft_greenlet_open(weft_greenlet_fn fn, void *arg,
	const struct weft_greenlet_options *options, weft_greenlet **ret_greenlet);

/* Gives the caller's reference back; children refer to their parent, too. With the last one a
 * greenlet that is suspended is ended: WEFT_GREENLET_EXIT is thrown into it, its parent being the
 * running one. What it fails with is told to the loop's exception handler, or on standard error,
 * and so is that it switched instead of ending: it never runs again then. One that runs goes when
 * it is left. Takes NULL. */
WEFT_API void weft_greenlet_release(weft_greenlet *greenlet);

/* Switches to `greenlet`: starts it, or continues it. One that has ended stands for its parent.
 * Returns when somebody switches back: 0 and *ret_value, the value given, or < 0, an error that was
 * thrown or that a child ended with. To oneself: 0 and `value`. -EPERM: "cannot switch to a
 * different thread". `ret_value` may be NULL. */
WEFT_API int weft_greenlet_switch(weft_greenlet *greenlet, void *value, void **ret_value);

/* The same, but the switch in `greenlet` fails with `code` < 0, with the message of a weft_raise()
 * just before. One that was not started ends with it; one that has ended stands for its parent, for
 * which WEFT_GREENLET_EXIT is NULL then. -EINVAL: no error. */
WEFT_API int weft_greenlet_throw(weft_greenlet *greenlet, int code, void **ret_value);

/* The one that runs, never NULL. No reference is taken. */
WEFT_API weft_greenlet *weft_greenlet_current(void);

/* NULL: a main greenlet. */
WEFT_API weft_greenlet *weft_greenlet_parent(const weft_greenlet *greenlet);
/* -EINVAL: "cyclic parent chain"; -EPERM: a main greenlet has none, or another thread's. */
WEFT_API int weft_greenlet_set_parent(weft_greenlet *greenlet, weft_greenlet *parent);

/* Started and not ended. */
WEFT_API bool weft_greenlet_active(const weft_greenlet *greenlet);
/* Ended. */
WEFT_API bool weft_greenlet_dead(const weft_greenlet *greenlet);

static inline void weft_greenlet_cleanup(weft_greenlet **greenlet)
{
	weft_greenlet_release(*greenlet);
}

#ifdef __cplusplus
}
#endif
#endif
