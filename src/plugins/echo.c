/* SPDX-License-Identifier: MIT */
/* echo: sends back what it gets, by lines or byte for byte.
 *
 * A connection that waits must cost one touched page of its task's stack. Hence the small buffers:
 * big ones stand in functions of their own, which are entered only once there is much to echo. */

#include <errno.h>
#include <stdio.h>

#include <weft/plugin.h>

enum {
	SMALL_BYTES = 1024,
	BULK_BYTES = 64 * 1024,
	LINE_MAX_BYTES = 64 * 1024,
	STACK_BYTES = BULK_BYTES + 32 * 1024,
};

enum mode { MODE_LINES, MODE_RAW };

struct echo {
	size_t limit; /* of a line */
};

/* Reads until the peer has no more to say than fits the small buffer. 0: so it is; < 0: the end. */
static __attribute__((noinline)) int echo_bulk(weft_stream *stream)
{
	char buf[BULK_BYTES];

	for (;;) {
		ssize_t n = weft_stream_read(stream, buf, sizeof buf);
		if (n <= 0)
			return n < 0 ? (int)n : -ENODATA;

		int r = weft_stream_write(stream, buf, (size_t)n);
		if (r < 0)
			return r;
		if (n < SMALL_BYTES)
			return 0;
	}
}

static int echo_raw(weft_stream *stream, void *arg)
{
	char buf[SMALL_BYTES];

	(void)arg;
	for (;;) {
		ssize_t n = weft_stream_read(stream, buf, sizeof buf);
		if (n <= 0)
			return (int)n;

		int r = weft_stream_write(stream, buf, (size_t)n);
		if (r == 0 && n == sizeof buf)
			r = echo_bulk(stream);
		if (r < 0)
			return r == -ENODATA ? 0 : r;
	}
}

/* Takes a line that is longer than the limit off the stream, up to its end or the stream's. */
static int skip_line(weft_stream *stream, char *buf, size_t n)
{
	ssize_t r;

	do {
		/* -EMSGSIZE has left the line where it was: at least `n` bytes of it are there. */
		r = weft_stream_readexactly(stream, buf, n);
		if (r >= 0)
			r = weft_stream_readuntil(stream, "\n", 1, buf, n);
	} while (r == -EMSGSIZE);
	return r < 0 ? (int)r : 0;
}

/* A line that did not fit the small buffer: echoed when it is within the limit, else answered with
 * an error and dropped, so that the peer can go on with the next one. */
static __attribute__((noinline)) int echo_long_line(weft_stream *stream, const struct echo *echo)
{
	char buf[LINE_MAX_BYTES];
	ssize_t n = weft_stream_readuntil(stream, "\n", 1, buf, echo->limit);
	int r;

	if (n == -EMSGSIZE) {
		r = skip_line(stream, buf, echo->limit);
		if (r < 0 && r != -ENODATA)
			return r;
		n = snprintf(buf, sizeof buf, "error: line longer than %zu bytes\n", echo->limit);
		int w = weft_stream_write(stream, buf, (size_t)n);
		return w < 0 ? w : r;
	}
	if (n == -ENODATA) {
		r = weft_stream_write(stream, buf, weft_stream_partial(stream));
		return r < 0 ? r : -ENODATA;
	}
	return n <= 0 ? (int)n : weft_stream_write(stream, buf, (size_t)n);
}

static int echo_lines(weft_stream *stream, void *arg)
{
	const struct echo *echo = arg;
	char buf[SMALL_BYTES];
	const size_t room = echo->limit < sizeof buf ? echo->limit : sizeof buf;

	for (;;) {
		int r;
		ssize_t n = weft_stream_readuntil(stream, "\n", 1, buf, room);
		if (n == 0)
			return 0;

		if (n > 0)
			r = weft_stream_write(stream, buf, (size_t)n);
		else if (n == -EMSGSIZE)
			r = echo_long_line(stream, echo);
		else if (n == -ENODATA) /* the last line lacks its '\n' */
			return weft_stream_write(stream, buf, weft_stream_partial(stream));
		else
			return (int)n;
		if (r < 0)
			return r == -ENODATA ? 0 : r;
	}
}

static int echo_main(weft_host *host)
{
	WEFT_AUTO(server) server = NULL;
	struct echo echo = {.limit = (size_t)weft_host_number(host, "limit")};
	const bool raw = weft_host_number(host, "mode") == MODE_RAW;
	const char *address;
	const struct weft_server_options options = {
		.name = weft_host_name(host),
		.limit = 2 * LINE_MAX_BYTES,
		.stack_bytes = STACK_BYTES,
	};

	int r = weft_start_server_with(weft_host_setting(host, "listen"), &options,
		raw ? echo_raw : echo_lines, &echo, &server);
	if (r < 0)
		return r;

	for (size_t i = 0; (address = weft_server_address(server, i)); i++)
		weft_host_log(host, WEFT_LOG_NOTICE, "listening on %s", address);
	weft_host_ready(host);
	r = weft_server_serve_forever(server);

	/* The clients use `echo`, which is about to go. */
	weft_server_cancel_clients(server);
	WEFT_SHIELD()
		(void)!weft_server_wait_closed(server);
	return r;
}

WEFT_PLUGIN(.name = "echo", .version = WEFT_VERSION, .doc = "sends back what it gets",
	.main = echo_main,
	.options = WEFT_OPTIONS(
		{"listen", WEFT_OPTION_ADDRESS, "tcp:127.0.0.1:7007", "where to listen"},
		{"mode", WEFT_OPTION_CHOICE, "lines",
			"lines: each line when it is complete; raw: bytes as they come",
			"lines|raw"},
		{"limit", WEFT_OPTION_SIZE, "4K", "longest line, with its end (mode = lines)", NULL,
			1, LINE_MAX_BYTES}));
