/* SPDX-License-Identifier: MIT */
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

/* What every other header needs: export and attribute macros, units of time, the type of a
 * coroutine.
 *
 * Conventions of the whole API:
 *  - A call returns >= 0, or -errno. An out-parameter (ret_x) comes last and is untouched on
 * failure.
 *  - `struct weft_x` is the caller's memory: zero-initialise it and use it; it must stay where it
 * is while the library uses it. A bare typedef `weft_x` is opaque and the library's: open, then
 * close.
 *  - A call marked WEFT_ASYNC may suspend the calling task and is a cancellation point: it returns
 *    -ECANCELED when the task was cancelled while it waited, and -EPERM outside of a task. A call
 *    without the mark never suspends.
 *  - Unless its comment says otherwise, a call belongs to the thread that runs the loop. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_VERSION_MAJOR 0
#define WEFT_VERSION_MINOR 1
#define WEFT_VERSION_PATCH 0
#define WEFT_VERSION	   "0.1.0"

#define WEFT_API		__attribute__((visibility("default")))
#define WEFT_ASYNC		WEFT_API __attribute__((warn_unused_result))
#define WEFT_PRINTF(nth, first) __attribute__((__format__(__printf__, nth, first)))

/* A duration, or a time of the loop's clock, in nanoseconds. */
typedef int64_t weft_ns;

#define WEFT_NS(n) ((weft_ns)(n))
#define WEFT_US(n) ((weft_ns)((n)*INT64_C(1000)))
#define WEFT_MS(n) ((weft_ns)((n)*INT64_C(1000000)))
#define WEFT_S(n)  ((weft_ns)((n)*INT64_C(1000000000)))
/* No deadline, no timeout: wait for ever. */
#define WEFT_NEVER INT64_MAX

/* A coroutine: returns >= 0 or -errno, like any other function. -ECANCELED is asyncio's
 * CancelledError. */
typedef int (*weft_fn)(void *arg);

#ifdef __cplusplus
#define WEFT_ZERO_ \
	{          \
	}
#else
#define WEFT_ZERO_ \
	{          \
		0  \
	}
#endif

/* A name of its own for what a block macro declares. */
#define WEFT_JOIN2_(a, b)    a##b
#define WEFT_JOIN_(a, b)     WEFT_JOIN2_(a, b)
#define WEFT_UNIQUE_(prefix) WEFT_JOIN_(prefix, __COUNTER__)

typedef struct weft_loop weft_loop;
typedef struct weft_task weft_task;

/* Declares a pointer that is given back when its scope is left: WEFT_AUTO(stream) s = NULL; */
#define WEFT_AUTO(noun) __attribute__((cleanup(weft_##noun##_cleanup), unused)) weft_##noun *

/* The version of the library in use, as "MAJOR.MINOR.PATCH"; a header's own is WEFT_VERSION. */
WEFT_API const char *weft_version(void);

#ifdef __cplusplus
}
#endif
#endif
