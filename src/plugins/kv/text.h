/* SPDX-License-Identifier: MIT */
#pragma once

/* Text that is not terminated: what requests and values are made of. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *data;
	size_t bytes;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

/* Whether it is this word, whatever the case of its letters. `word` is in lower case. */
bool slice_is(struct slice text, const char *word);

/* A decimal integer in the one way in which Redis writes it: no sign but '-', no zero in front, no
 * blanks. */
bool slice_integer(struct slice text, int64_t *ret_value);

/* Writes it that way, unterminated; returns the length. */
enum { INTEGER_BYTES = 20 };
size_t integer_format(int64_t value, char buf[INTEGER_BYTES]);

/* Whether `text` matches a pattern of * ? [a-z] [^a-z] \c. Takes at most about pattern x text
 * steps. */
bool slice_glob(struct slice pattern, struct slice text);
