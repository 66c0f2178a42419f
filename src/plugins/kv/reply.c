/* SPDX-License-Identifier: MIT */
/* The encoder of RESP2. After the first failure of a reply the rest of it is dropped. */

#include "reply.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEEP_BYTES = 256 * 1024, /* never given back */
	ERROR_BYTES = 512,	 /* the longest error reply; there is always room for one */
	HEAD_BYTES = 1 + INTEGER_BYTES + 2,
};

int reply_open(struct reply *reply, size_t limit)
{
	char *data = malloc(KEEP_BYTES);

	if (!data)
		return -ENOMEM;
	*reply = (struct reply){.data = data, .capacity = KEEP_BYTES, .limit = limit};
	return 0;
}

void reply_close(struct reply *reply)
{
	free(reply->data);
	reply->data = NULL;
}

void reply_fail(struct reply *reply, const char *text)
{
	reply->problem = text;
}

static bool grow(struct reply *reply, size_t bytes)
{
	size_t capacity = reply->capacity;
	char *data;

	while (capacity - reply->used < bytes)
		capacity *= 2;
	data = realloc(reply->data, capacity);
	if (!data) {
		reply_fail(reply, "OOM not enough memory for the reply");
		return false;
	}
	reply->data = data;
	reply->capacity = capacity;
	return true;
}

/* Where `bytes` may be written, or NULL. */
static char *reserve(struct reply *reply, size_t bytes)
{
	if (reply->problem)
		return NULL;
	if (reply->used - reply->start + bytes > reply->limit) {
		reply_fail(reply, "ERR the reply exceeds the limit max_request");
		return NULL;
	}
	/* The error that may have to replace this reply will find room. */
	bytes += ERROR_BYTES;
	if (reply->capacity - reply->used < bytes && !grow(reply, bytes))
		return NULL;
	return reply->data + reply->used;
}

void reply_begin(struct reply *reply)
{
	reply->start = reply->used;
	reply->problem = NULL;
}

void reply_end(struct reply *reply)
{
	if (!reply->problem)
		return;
	reply->used = reply->start +
		      (size_t)sprintf(reply->data + reply->start, "-%s\r\n", reply->problem);
	reply->problem = NULL;
}

void reply_reset(struct reply *reply)
{
	reply->used = reply->start = 0;
	if (reply->capacity > KEEP_BYTES) {
		char *data = realloc(reply->data, KEEP_BYTES);
		if (data) {
			reply->data = data;
			reply->capacity = KEEP_BYTES;
		}
	}
}

static char *put_head(char *s, char kind, int64_t value)
{
	*s++ = kind;
	if (value >= 0 && value < 10)
		*s++ = (char)('0' + value);
	else
		s += integer_format(value, s);
	*s++ = '\r';
	*s++ = '\n';
	return s;
}

static void write_head(struct reply *reply, char kind, int64_t value)
{
	char *s = reserve(reply, HEAD_BYTES);

	if (s)
		reply->used = (size_t)(put_head(s, kind, value) - reply->data);
}

void reply_integer(struct reply *reply, int64_t value)
{
	write_head(reply, ':', value);
}

void reply_array(struct reply *reply, size_t n)
{
	write_head(reply, '*', (int64_t)n);
}

void reply_array_before(struct reply *reply, size_t from, size_t n)
{
	char head[HEAD_BYTES];
	const size_t bytes = (size_t)(put_head(head, '*', (int64_t)n) - head);

	if (!reserve(reply, bytes))
		return;
	memmove(reply->data + from + bytes, reply->data + from, reply->used - from);
	memcpy(reply->data + from, head, bytes);
	reply->used += bytes;
}

void reply_bulk(struct reply *reply, struct slice text)
{
	char *s = reserve(reply, HEAD_BYTES + text.bytes + 2);

	if (!s)
		return;
	s = put_head(s, '$', (int64_t)text.bytes);
	memcpy(s, text.data, text.bytes);
	s += text.bytes;
	*s++ = '\r';
	*s++ = '\n';
	reply->used = (size_t)(s - reply->data);
}

static void write_text(struct reply *reply, const char *text, size_t bytes)
{
	char *s = reserve(reply, bytes);

	if (!s)
		return;
	memcpy(s, text, bytes);
	reply->used += bytes;
}

void reply_null(struct reply *reply)
{
	write_text(reply, "$-1\r\n", 5);
}

void reply_status(struct reply *reply, const char *text)
{
	write_text(reply, "+", 1);
	write_text(reply, text, strlen(text));
	write_text(reply, "\r\n", 2);
}

void reply_lines(struct reply *reply, const char *const lines[], size_t n)
{
	reply_array(reply, n);
	for (size_t i = 0; i < n; i++)
		reply_status(reply, lines[i]);
}

void reply_error(struct reply *reply, const char *format, ...)
{
	char text[ERROR_BYTES];
	va_list arguments;

	va_start(arguments, format);
	int n = vsnprintf(text, sizeof text - 3, format, arguments);
	va_end(arguments);
	if (n > (int)sizeof text - 4)
		n = (int)sizeof text - 4;
	while (n > 0 && (text[n - 1] == '\r' || text[n - 1] == '\n'))
		n--;
	for (int i = 0; i < n; i++) {
		if (text[i] == '\r' || text[i] == '\n')
			text[i] = ' ';
	}
	write_text(reply, "-", 1);
	write_text(reply, text, (size_t)n);
	write_text(reply, "\r\n", 2);
}
