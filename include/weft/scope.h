/* SPDX-License-Identifier: MIT */
#ifndef WEFT_SCOPE_H
#define WEFT_SCOPE_H

/* Blocks that bound what happens in them: timeouts, shields (asyncio.timeout; a block that
 * cancellation waits for). */

#include <string.h>

#include <weft/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* async with asyncio.timeout(delay): a block.
 *
 *	int r = 0;
 *	WEFT_TIMEOUT(r, WEFT_S(5))
 *		r = weft_stream_read(s, buf, n);
 *	// r == -ETIMEDOUT where the block ended with -ECANCELED because of the timeout
 *
 * `r` is a variable of type int or ssize_t declared outside. WEFT_NEVER never expires; 0 and less
 * expire at the first suspension. Leave the block at its end or with break; a return from inside
 * closes the scope too, but the value returned is not translated. Where somebody else cancelled as
 * well, r stays -ECANCELED. */
#define WEFT_TIMEOUT(r, delay) \
	WEFT_TIMEOUT_BLOCK_(r, weft_deadline_(delay), WEFT_UNIQUE_(weft_timeout_))
/* The same with a time of the loop's clock. */
#define WEFT_TIMEOUT_AT(r, when) WEFT_TIMEOUT_BLOCK_(r, when, WEFT_UNIQUE_(weft_timeout_))

/* The scope itself, for those who want to reschedule it or to ask whether it expired:
 * zero-initialised; enter, and exit in the same function on every path. */
struct weft_timeout {
	/* private */
	struct weft_handle timer;
	weft_task *task;
	weft_ns when;
	int cancelling;
	uint8_t state;
	uint8_t depth;
};

/* -EPERM: not in a task; -EALREADY: entered before. */
WEFT_API int weft_timeout_enter(struct weft_timeout *timeout, weft_ns when);
/* Translates `r`: -ETIMEDOUT for a -ECANCELED that the scope itself caused, else `r`. */
WEFT_API ssize_t weft_timeout_exit(struct weft_timeout *timeout, ssize_t r);
/* -EINVAL: it has expired, or is not entered. */
WEFT_API int weft_timeout_reschedule(struct weft_timeout *timeout, weft_ns when);
WEFT_API weft_ns weft_timeout_when(const struct weft_timeout *timeout);
WEFT_API bool weft_timeout_expired(const struct weft_timeout *timeout);

/* A block in which the task cannot be cancelled from outside: requests, also one that
 * was not delivered yet when the block was entered, are remembered and delivered at the first
 * suspension after the block. Timeouts and groups entered inside still cut short what
 * is inside them. For clean-up that must end; keep it short, with a timeout inside:
 *
 *	WEFT_SHIELD()
 *		WEFT_TIMEOUT(r, WEFT_S(1))
 *			r = say_goodbye(s);
 */
#define WEFT_SHIELD() WEFT_SHIELD_BLOCK_(WEFT_UNIQUE_(weft_shield_))

/* What a WEFT_SHIELD block does, for those who cannot use a block: every enter needs its leave, in
 * the same task. -EPERM: not in a task; -EOVERFLOW: more than 31 deep. */
WEFT_API int weft_shield_enter(void);
WEFT_API void weft_shield_leave(void);

/* --- the macros' other half; not for use by hand --- */

struct weft_timeout_block {
	struct weft_timeout timeout;
	weft_ns when;
	void *r;
	size_t r_bytes;
	bool entered;
};
WEFT_API weft_ns weft_deadline_(weft_ns delay);
WEFT_API bool weft_timeout_block_once_(struct weft_timeout_block *block);
WEFT_API void weft_timeout_block_leave_(struct weft_timeout_block *block);

static inline struct weft_timeout_block weft_timeout_block_(weft_ns when, void *r, size_t r_bytes)
{
	struct weft_timeout_block block;

	memset(&block, 0, sizeof(block));
	block.when = when;
	block.r = r;
	block.r_bytes = r_bytes;
	return block;
}

#define WEFT_TIMEOUT_BLOCK_(r, when, name)                                                        \
	for (struct weft_timeout_block name __attribute__((cleanup(weft_timeout_block_leave_))) = \
			weft_timeout_block_((when), &(r), sizeof(r));                             \
		weft_timeout_block_once_(&name);)

struct weft_shield_block {
	int depth;
};
WEFT_API bool weft_shield_block_once_(struct weft_shield_block *block);
WEFT_API void weft_shield_block_leave_(struct weft_shield_block *block);

#define WEFT_SHIELD_BLOCK_(name)                                          \
	for (struct weft_shield_block name                                \
		__attribute__((cleanup(weft_shield_block_leave_))) = {0}; \
		weft_shield_block_once_(&name);)

#ifdef __cplusplus
}
#endif
#endif
