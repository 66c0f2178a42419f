/* SPDX-License-Identifier: MIT */
/* The parser of RESP2 arrays and inline commands. Its errors come in the order in which Redis finds
 * them, so that a client sees the same one. */

#include "request.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __attribute__((__format__(__printf__, 2, 3))) int fail(
	struct request *request, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(request->problem, sizeof request->problem, format, arguments);
	va_end(arguments);
	return -EPROTO;
}

static void begin(struct request *request)
{
	if (!request->args) {
		request->args = request->few;
		request->capacity = REQUEST_FEW;
	}
	request->n_args = 0;
	request->position = 0;
	request->missing = 0;
	request->bulk_bytes = -1;
}

static int add(struct request *request, const char *data, size_t bytes)
{
	if (request->n_args == request->capacity) {
		const size_t capacity = request->capacity * 4;
		struct slice *args = request->args == request->few ? NULL : request->args;

		assert(capacity > 0); /* begin() has been here */
		args = realloc(args, capacity * sizeof *args);
		if (!args)
			return -ENOMEM;
		if (request->args == request->few)
			memcpy(args, request->few, sizeof request->few);
		request->args = args;
		request->capacity = capacity;
	}
	request->args[request->n_args++] = (struct slice){data, bytes};
	return 0;
}

/* --- arrays --------------------------------------------------------------------------------- */

/* The number in the line at `position`, behind its first character. 1: `*ret_value` has it, and
 * `*ret_next` what follows the line; 0: the line is incomplete. */
static int read_length(struct request *request, const char *data, size_t bytes, const char *kind,
	bool *ret_valid, int64_t *ret_value, size_t *ret_next)
{
	const char *line = data + request->position;
	const char *end = memchr(line, '\r', bytes - request->position);

	if (!end && bytes - request->position > REQUEST_LINE_BYTES)
		return fail(request, "too big %s count string", kind);
	if (!end || end - data + 2 > (ssize_t)bytes)
		return 0;
	/* An empty line has not even the character that says its kind. */
	*ret_valid = end > line &&
		     slice_integer((struct slice){line + 1, (size_t)(end - line) - 1}, ret_value);
	*ret_next = (size_t)(end - data) + 2;
	return 1;
}

static int parse_array_length(struct request *request, const char *data, size_t bytes)
{
	int64_t length;
	size_t next = 0;
	bool valid = false;
	int r = read_length(request, data, bytes, "mbulk", &valid, &length, &next);

	if (r <= 0)
		return r;
	if (!valid || length > INT_MAX)
		return fail(request, "invalid multibulk length");
	request->position = next;
	request->missing = length > 0 ? (size_t)length : 0;
	return 1;
}

static int parse_bulk_length(struct request *request, const char *data, size_t bytes)
{
	int64_t length;
	size_t next = 0;
	bool valid = false;
	int r = read_length(request, data, bytes, "bulk", &valid, &length, &next);

	if (r <= 0)
		return r;
	if (data[request->position] != '$')
		return fail(request, "expected '$', got '%c'", data[request->position]);
	if (!valid || length < 0 || (uint64_t)length > request->max_bulk)
		return fail(request, "invalid bulk length");
	if (next + (size_t)length + 2 > request->max_bytes)
		return fail(request, "too big request");
	request->position = next;
	request->bulk_bytes = length;
	return 1;
}

static ssize_t parse_array(struct request *request, const char *data, size_t bytes)
{
	int r = request->missing > 0 ? 1 : parse_array_length(request, data, bytes);

	while (r > 0 && request->missing > 0) {
		if (request->bulk_bytes < 0) {
			if (request->position == bytes)
				return 0;
			r = parse_bulk_length(request, data, bytes);
			if (r <= 0)
				return r;
		}

		const size_t length = (size_t)request->bulk_bytes;
		if (bytes - request->position < length + 2)
			return 0;
		r = add(request, data + request->position, length);
		if (r < 0)
			return r;
		request->position += length + 2;
		request->bulk_bytes = -1;
		request->missing--;
		r = 1;
	}
	return r > 0 ? (ssize_t)request->position : r;
}

/* --- inline --------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that a '\' within quotes stands for; `*s` is behind the '\'. */
static char unescape(char quote, const char **s, const char *end)
{
	static const char from[] = "nrtba", to[] = "\n\r\t\b\a";
	const char *p = *s, *known;

	if (quote == '\'') {
		if (*p != '\'')
			return '\\';
		*s = p + 1;
		return *p;
	}
	if (*p == 'x' && end - p > 2 && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
		*s = p + 3;
		return (char)(hex_digit(p[1]) << 4 | hex_digit(p[2]));
	}
	*s = p + 1;
	known = memchr(from, *p, sizeof from - 1);
	return known ? to[known - from] : *p;
}

/* Splits a line into words, which may be quoted. They are written over the line: unescaping only
 * makes them shorter. */
static int split(struct request *request, char *line, const char *end)
{
	const char *s = line;

	for (;;) {
		char *word, *out, quote = '\0';

		while (s < end && isspace((unsigned char)*s))
			s++;
		if (s == end)
			return 0;
		word = out = line + (s - line);
		for (;;) {
			if (s == end && quote)
				return fail(request, "unbalanced quotes in request");
			if (s == end)
				break;

			const char c = *s++;
			if (!quote && (c == ' ' || c == '\t' || c == '\r'))
				break;
			if (!quote && (c == '"' || c == '\''))
				quote = c;
			else if (quote && c == quote) {
				if (s < end && !isspace((unsigned char)*s))
					return fail(request, "unbalanced quotes in request");
				break;
			} else if (quote && c == '\\' && s < end)
				*out++ = unescape(quote, &s, end);
			else
				*out++ = c;
		}
		int r = add(request, word, (size_t)(out - word));
		if (r < 0)
			return r;
	}
}

static ssize_t parse_inline(struct request *request, char *data, size_t bytes)
{
	char *end = memchr(data, '\n', bytes);

	if ((end ? (size_t)(end - data) : bytes) > REQUEST_LINE_BYTES)
		return fail(request, "too big inline request");
	if (!end)
		return 0;
	const size_t taken = (size_t)(end - data) + 1;
	if (end > data && end[-1] == '\r')
		end--;
	int r = split(request, data, end);
	return r < 0 ? r : (ssize_t)taken;
}

ssize_t request_parse(struct request *request, char *data, size_t bytes)
{
	ssize_t r;

	if (bytes == 0)
		return 0;
	if (request->missing == 0) {
		begin(request);
	} else if (request->data != data) {
		for (size_t i = 0; i < request->n_args; i++)
			request->args[i].data = data + (request->args[i].data - request->data);
	}
	request->data = data;

	r = *data == '*' ? parse_array(request, data, bytes) : parse_inline(request, data, bytes);
	if (r == 0 && bytes >= request->max_bytes)
		return fail(request, "too big request");
	return r;
}

void request_done(struct request *request)
{
	if (request->args != request->few)
		free(request->args);
	request->args = NULL;
	request->missing = 0;
}
