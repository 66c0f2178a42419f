/* SPDX-License-Identifier: MIT */
/* Errors, with all that is known about them, in one line. */

#include "error_text.h"

#include <stdio.h>
#include <string.h>

const char *error_text(int code, const struct weft_error *error, char *text, size_t bytes)
{
	const char *name = strerrorname_np(code < 0 ? -code : code), *file;
	char number[16];

	if (!error || !error->message) {
		snprintf(text, bytes, "%s", weft_strerror(code));
		return text;
	}
	if (!name) {
		snprintf(number, sizeof(number), "%d", code);
		name = number;
	}

	/* A cancellation has a message, but no place. */
	file = error->file;
	if (!file) {
		snprintf(text, bytes, "%s [%s]", error->message, name);
		return text;
	}
	/* Places are as seen from the folder of the build, which is of no use to anybody. */
	while (strncmp(file, "../", 3) == 0)
		file += 3;
	snprintf(text, bytes, "%s [%s, %s:%d]", error->message, name, file, error->line);
	return text;
}
