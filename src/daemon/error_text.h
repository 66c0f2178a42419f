/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ERROR_TEXT_H
#define DAEMON_ERROR_TEXT_H

#include <stddef.h>
#include <weft/error.h>

/* An error for people, into `text`, which it returns: "bad length 9 [EPROTO, src/kv.c:120]"; only
 * the code's own text where `error` is NULL. */
const char *error_text(int code, const struct weft_error *error, char *text, size_t bytes);

#endif
