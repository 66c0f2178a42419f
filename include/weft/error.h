/* SPDX-License-Identifier: MIT */
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H

/* Errors are values (-errno); an error may also carry a message and the place where it was raised.
 */

#include <weft/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_error {
	int code;	  /* the -errno that was raised */
	const char *file; /* where; NULL for the message of a cancellation */
	int line;
	const char *message;
};

/* return weft_raise(-EPROTO, "bad length %u", n);
 * Evaluates to the code. The message is kept with the calling task until that raises another error;
 * when the task ends with this very code, message and place go into its outcome and are shown in
 * the report of an error that nobody retrieved. Longer messages are cut at 255 bytes. Outside of
 * tasks the thread keeps it. When memory is short only the code remains. Never suspends, never
 * fails. */
#define weft_raise(code, ...) weft_raise_at((code), __FILE__, __LINE__, __VA_ARGS__)
WEFT_API int weft_raise_at(int code, const char *file, int line, const char *format, ...)
	WEFT_PRINTF(4, 5);

/* What the calling task raised last, or received: what it awaited failed with, or the message of
 * its own cancellation; or NULL. Outside of tasks, what the thread raised last or what its last
 * weft_run() returned, where it came with a message. Valid until the task raises again or ends, or
 * until the thread raises again or calls weft_run(). */
WEFT_API const struct weft_error *weft_last_error(void);

/* A code's text with asyncio's word where there is one: "cancelled (CancelledError)". Takes
 * both signs; never NULL; static memory. */
WEFT_API const char *weft_strerror(int code);

#ifdef __cplusplus
}
#endif
#endif
