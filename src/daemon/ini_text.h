/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_INI_TEXT_H
#define DAEMON_INI_TEXT_H

/* The text of an ini file: sections, keys and values with their lines. Syntax only; what they mean
 * is the configuration's business. */

#include <stddef.h>

#include "faults.h"

#define INI_LINE_BYTES 4096 /* a longer line is refused */
#define INI_FILE_BYTES (1 << 20)

struct ini_handler {
	void (*section)(void *arg, const char *name, struct place place);
	/* After the section that it stands in; `key` and `value` are not empty. */
	void (*value)(void *arg, const char *key, const char *value, struct place place);
	void *arg;
};

/* Calls the handler for all of `text` that has the right form, in order, and adds a fault for each
 * line that has not. */
void ini_read(const char *text, size_t length, const char *file, const struct ini_handler *handler,
	struct faults *faults);

#endif
