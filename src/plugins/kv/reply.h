/* SPDX-License-Identifier: MIT */
#pragma once

/* Replies in RESP2, one after the other in one growing buffer.
 *
 * Writing a reply never fails: one that becomes longer than the limit, or for which there is no
 * memory, turns into an error reply when it ends. */

#include "text.h"

struct reply {
	char *data;
	size_t used;
	/* private */
	size_t capacity;
	size_t limit; /* of one reply */
	size_t start; /* of the reply that is being written */
	const char *problem;
};

/* -ENOMEM. */
int reply_open(struct reply *reply, size_t limit);
void reply_close(struct reply *reply);

/* Every reply is written between these two. */
void reply_begin(struct reply *reply);
void reply_end(struct reply *reply);
/* Forgets all replies (they are sent), and memory that only a few needed. */
void reply_reset(struct reply *reply);

void reply_status(struct reply *reply, const char *text);
/* The text begins with its kind, "ERR ..."; line ends within it become blanks. */
void reply_error(struct reply *reply, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));
/* Makes the reply this error, whatever else it has got or will. `text` is static, and short. */
void reply_fail(struct reply *reply, const char *text);
void reply_integer(struct reply *reply, int64_t value);
void reply_bulk(struct reply *reply, struct slice text);
void reply_null(struct reply *reply);
/* The `n` elements are to follow. */
void reply_array(struct reply *reply, size_t n);
/* The same for what has been written since `used` was `from`, when the number is known at last. */
void reply_array_before(struct reply *reply, size_t from, size_t n);
/* An array of statuses, for people. */
void reply_lines(struct reply *reply, const char *const lines[], size_t n);
