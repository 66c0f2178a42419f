/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

static void make_room(struct text *text, size_t bytes)
{
	size_t room = text->room ? text->room : 4096;

	while (room - text->n < bytes)
		room *= 2;
	if (room == text->room)
		return;
	text->bytes = realloc(text->bytes, room);
	if (!text->bytes)
		abort();
	text->room = room;
}

void text_add_list(struct text *text, const char *format, va_list arguments)
{
	va_list again;
	int r;

	make_room(text, 128);
	va_copy(again, arguments);
	r = vsnprintf(text->bytes + text->n, text->room - text->n, format, arguments);
	if (r < 0)
		abort();
	if ((size_t)r >= text->room - text->n) {
		make_room(text, (size_t)r + 1);
		vsnprintf(text->bytes + text->n, text->room - text->n, format, again);
	}
	va_end(again);
	text->n += (size_t)r;
}

void text_add(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text_add_list(text, format, arguments);
	va_end(arguments);
}

void text_clear(struct text *text)
{
	text->n = 0;
	make_room(text, 1);
	text->bytes[0] = '\0';
}

void text_done(struct text *text)
{
	free(text->bytes);
	*text = (struct text){0};
}
