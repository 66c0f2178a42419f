/* SPDX-License-Identifier: MIT */
#ifndef WEFT_SEMAPHORE_H
#define WEFT_SEMAPHORE_H

/* A counter of permits (asyncio.Semaphore, asyncio.BoundedSemaphore). */

#include <weft/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The caller's memory. Zero-initialised: no permits; WEFT_SEMAPHORE(n) has n of them. Nobody may be
 * waiting for it when it goes out of scope. */
struct weft_semaphore {
	size_t value; /* permits; changed by the calls below only */
	size_t bound; /* of a bounded one: the most permits that there may be; 0: no bound */
	/* private */
	struct weft_waiters waiters;
};

/* Initialisers. A bound of 0 is none; asyncio's can then never be released. */
#define WEFT_SEMAPHORE(n)                      \
	{                                      \
		(n), 0,                        \
		{                              \
			NULL, NULL, NULL, NULL \
		}                              \
	}
#define WEFT_BOUNDED_SEMAPHORE(n)              \
	{                                      \
		(n), (n),                      \
		{                              \
			NULL, NULL, NULL, NULL \
		}                              \
	}

/* Takes a permit: at once where one is free and nobody waits, else first come, first served.
 * -ECANCELED: none taken, and none lost; -EINVAL: it would have to wait for a semaphore of another
 * loop. Never allocates. */
WEFT_ASYNC int weft_semaphore_acquire(struct weft_semaphore *semaphore);

/* The same where it would not wait. -EAGAIN: it would. */
WEFT_API int weft_semaphore_acquire_nowait(struct weft_semaphore *semaphore);

/* Gives a permit to the first who waits, or back. -EOVERFLOW: a bounded one has all its permits
 * already, or there are SIZE_MAX of them; nothing is changed (ValueError). */
WEFT_API int weft_semaphore_release(struct weft_semaphore *semaphore);

/* Whether an acquire would wait: there is no permit, or others wait. */
WEFT_API bool weft_semaphore_locked(const struct weft_semaphore *semaphore);

/* async with semaphore: a block that holds a permit.
 *
 *	int r;
 *	WEFT_PERMITTED(r, &semaphore)
 *		r = fetch(url);
 *
 * `r`, an int declared outside, is what weft_semaphore_acquire() returned; where that is < 0 the
 * block is left out. The permit goes back when the block is left, on any path; r is -EOVERFLOW
 * afterwards where a bounded semaphore had got it back already. */
#define WEFT_PERMITTED(r, semaphore) WEFT_PERMIT_BLOCK_(r, semaphore, WEFT_UNIQUE_(weft_permitted_))

/* --- the macro's other half; not for use by hand --- */

struct weft_permit_block {
	struct weft_semaphore *semaphore;
	int *r;
	bool entered, held;
};
WEFT_API bool weft_permit_block_once_(struct weft_permit_block *block);
WEFT_API void weft_permit_block_leave_(struct weft_permit_block *block);

#define WEFT_PERMIT_BLOCK_(r, semaphore, name)                                                \
	for (struct weft_permit_block name __attribute__((                                    \
		     cleanup(weft_permit_block_leave_))) = {(semaphore), &(r), false, false}; \
		weft_permit_block_once_(&name);)

#ifdef __cplusplus
}
#endif
#endif
