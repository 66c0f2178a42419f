/* SPDX-License-Identifier: MIT */
/* Errors, with all that is known about them, in one line. */

#include "error_text.h"

#include <stdio.h>
#include <string.h>

const char *error_text(int code, const struct weft_error *error, char *text, size_t bytes)
{
	const char *name = strerrorname_np(code < 0 ? -code : code);
	const char *file;

	if (!error) {
		snprintf(text, bytes, "%s", weft_strerror(code));
		return text;
	}

	/* As seen from the folder of the build; that folder is of no use to anybody. */
	file = error->file;
	while (strncmp(file, "../", 3) == 0)
		file += 3;
	if (name)
		snprintf(text, bytes, "%s [%s, %s:%d]", error->message, name, file, error->line);
	else
		snprintf(text, bytes, "%s [%d, %s:%d]", error->message, code, file, error->line);
	return text;
}
