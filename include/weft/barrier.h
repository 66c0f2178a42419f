/* SPDX-License-Identifier: MIT */
#ifndef WEFT_BARRIER_H
#define WEFT_BARRIER_H

/* A point where a number of tasks wait for each other (asyncio.Barrier). */

#include <weft/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's memory: zero-initialised but for `parties`, WEFT_BARRIER(n). It can be used again as
 * soon as all have passed. Nobody may be waiting for it when it goes out of scope. */
struct weft_barrier {
	size_t parties; /* how many tasks make a round; at least 1 */
	/* private */
	size_t count; /* tasks inside */
	struct weft_waiters waiters;
	uint8_t state;
};

/* An initialiser. */
#define WEFT_BARRIER(n)                             \
	{                                           \
		(n), 0, {NULL, NULL, NULL, NULL}, 0 \
	}

/* Waits until `parties` tasks do so. Returns which of them the caller is, in order of arrival: 0 to
 * parties - 1. The last one does not suspend. While a round leaves, newcomers wait for the next.
 * -ENOTRECOVERABLE: the barrier is broken, or was reset meanwhile (BrokenBarrierError); -ECANCELED:
 * the caller left, the others wait on; -EINVAL: `parties` is 0 (ValueError) or more than INT_MAX,
 * or a barrier of another loop. Never allocates. */
WEFT_ASYNC int weft_barrier_wait(struct weft_barrier *barrier);

/* Sends those who wait away with -ENOTRECOVERABLE and makes the barrier empty and whole again.
 * Unlike asyncio's, which never has to wait either, it is no coroutine: callbacks may call it.
 * -EINVAL: `parties` is 0. */
WEFT_API int weft_barrier_reset(struct weft_barrier *barrier);

/* Breaks the barrier: who waits, and who comes, gets -ENOTRECOVERABLE until a reset. Errors and
 * callers as for weft_barrier_reset(). */
WEFT_API int weft_barrier_abort(struct weft_barrier *barrier);

/* How many wait for the round to fill. */
WEFT_API size_t weft_barrier_n_waiting(const struct weft_barrier *barrier);
WEFT_API bool weft_barrier_broken(const struct weft_barrier *barrier);

#ifdef __cplusplus
}
#endif
#endif
