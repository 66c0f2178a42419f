/* SPDX-License-Identifier: MIT */
/* The calls that read a stream, and how they wait for more of it. */

#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum {
	SMALL_BYTES = 2048,  /* direct receives that bring this little, */
	SMALL_IN_A_ROW = 16, /* so many times, end the direct receiving */
};

static const struct weft_future_ops read_ops = {.name = "stream read"};
static const struct weft_future_ops receive_ops = {.name = "stream read", .cancel = io_cancel};

/* --- waiting --- */

/* One receive into `buf`: how many bytes, 0 at the end, or -errno. */
static ssize_t receive_into(weft_stream *stream, void *buf, size_t n)
{
	struct io_wait wait = {
		.op = {.kind = RING_RECV,
			.fd = stream->fd,
			.buf = buf,
			.bytes = n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)n},
		.future.ops = &receive_ops,
	};
	int r = io_run(&wait);

	if (r > 0) {
		stream->small = r < SMALL_BYTES ? stream->small + 1 : 0;
		if (stream->small >= SMALL_IN_A_ROW)
			stream->bulk = false;
	} else if (r == 0) {
		stream->eof = true;
	} else if (stream->closing) {
		r = -ECONNABORTED;
	} else if (r != -ECANCELED) {
		stream_lost(stream, r);
	}
	return r;
}

/* Suspends until more has arrived: 1; 0 at the end; or -errno. `wants`: how much the caller could
 * take at once. */
static int wait_for_more(weft_stream *stream, size_t wants)
{
	struct ring *ring = stream_ring(stream);
	size_t have = stream_buffered(stream);
	ssize_t n;
	int r;

	while (!stream->error && !stream->eof && stream_buffered(stream) == have) {
		if (stream->receive.state == RING_IDLE &&
			(stream->starved || ring->buffer_bytes == 0)) {
			/* The ring has no memory for it: ours. */
			r = input_reserve(stream, OUTPUT_BYTES / 2);
			if (r < 0)
				return r;
			n = receive_into(stream, stream->in + stream->in_end,
				stream->in_room - stream->in_end);
			stream->starved = false;
			if (n > 0)
				stream->in_end += (size_t)n;
			else if (stream->in_end == stream->in_start)
				input_give_back(stream);
			if (n < 0)
				return (int)n;
			continue;
		}
		stream->wants = wants;
		if (stream->receive.state == RING_IDLE) {
			stream->bulk = false;
			ring_queue(ring, &stream->receive);
		}
		r = stream_wait(stream, &stream->reader, &read_ops);
		if (r < 0)
			return r;
	}
	return stream->error ? stream->error : stream_buffered(stream) > have;
}

/* Whether to receive straight into the memory of a reader who asks for `n`. */
static bool directly(const weft_stream *stream, size_t n)
{
	return n >= INPUT_BULK_BYTES && stream_buffered(stream) == 0 &&
	       stream->receive.state == RING_IDLE && !stream->eof && !stream->error &&
	       (stream->bulk || stream_ring(stream)->buffer_bytes == 0);
}

/* --- the calls --- */

static ssize_t read_some(weft_stream *stream, void *buf, size_t n)
{
	int r;

	if (stream->error)
		return stream->error;
	if (n == 0)
		return 0;
	if (stream_buffered(stream) == 0) {
		if (directly(stream, n))
			return receive_into(stream, buf, n);
		r = wait_for_more(stream, n);
		if (r <= 0)
			return r;
	}
	return (ssize_t)input_take(stream, buf, n);
}

ssize_t weft_stream_read(weft_stream *stream, void *buf, size_t n)
{
	ssize_t r = stream_enter(stream, &stream->reading);

	if (r < 0)
		return r;
	r = read_some(stream, buf, n);
	stream_leave(stream, &stream->reading);
	return r;
}

static ssize_t read_exactly(weft_stream *stream, char *buf, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = read_some(stream, buf + got, n - got);

		if (r == -ECANCELED)
			input_put_back(stream, buf, got);
		if (r < 0)
			return r;
		if (r == 0) {
			stream->partial = got;
			return -ENODATA;
		}
		got += (size_t)r;
	}
	return (ssize_t)n;
}

ssize_t weft_stream_readexactly(weft_stream *stream, void *buf, size_t n)
{
	ssize_t r = n > SSIZE_MAX ? -EINVAL : stream_enter(stream, &stream->reading);

	if (r < 0)
		return r;
	r = read_exactly(stream, buf, n);
	stream_leave(stream, &stream->reading);
	return r;
}

/* Where the separator begins, from `offset` on; `have` where it is not there. */
static size_t find(const weft_stream *stream, size_t offset, const char *separator, size_t length)
{
	size_t have = stream_buffered(stream);
	const char *start = stream->in + stream->in_start, *found;

	if (have < length || have - offset < length)
		return have;
	if (length == 1)
		found = memchr(start + offset, *separator, have - offset);
	else
		found = memmem(start + offset, have - offset, separator, length);
	return found ? (size_t)(found - start) : have;
}

/* What both kinds of reading up to a separator do. -EMSGSIZE: `*ret_found` bytes lie before the
 * separator, or are known to lack it. */
static ssize_t read_until(weft_stream *stream, const char *separator, size_t length, void *buf,
	size_t n, size_t *ret_found)
{
	size_t limit = n < length ? 0 : n - length;
	size_t offset = 0, found;
	int r;

	if (length == 0)
		return -EINVAL;
	if (stream->error)
		return stream->error;
	if (limit > stream->limit)
		limit = stream->limit;
	for (;;) {
		size_t have = stream_buffered(stream);

		found = find(stream, offset, separator, length);
		if (found < have)
			break;
		if (have >= length)
			offset = have + 1 - length;
		if (offset > limit || (stream->eof && have > n)) {
			*ret_found = offset;
			return -EMSGSIZE;
		}
		r = wait_for_more(stream, 0);
		if (r < 0)
			return r;
		if (r == 0) {
			stream->partial = input_take(stream, buf, have);
			return have ? -ENODATA : 0;
		}
	}
	if (found > limit || n < length) {
		*ret_found = found;
		return -EMSGSIZE;
	}
	return (ssize_t)input_take(stream, buf, found + length);
}

ssize_t weft_stream_readuntil(
	weft_stream *stream, const char *separator, size_t separator_length, void *buf, size_t n)
{
	ssize_t r = stream_enter(stream, &stream->reading);
	size_t found = 0;

	if (r < 0)
		return r;
	r = read_until(stream, separator, separator_length, buf, n, &found);
	stream_leave(stream, &stream->reading);
	return r;
}

/* A line that is too long is dropped: with its end, where that is there, else all that is buffered.
 */
static void drop_line(weft_stream *stream, size_t found)
{
	size_t have = stream_buffered(stream);

	if (found < have && stream->in[stream->in_start + found] == '\n')
		input_consume(stream, found + 1);
	else
		input_consume(stream, have);
}

ssize_t weft_stream_readline(weft_stream *stream, void *buf, size_t n)
{
	ssize_t r = stream_enter(stream, &stream->reading);
	size_t found = 0;

	if (r < 0)
		return r;
	r = read_until(stream, "\n", 1, buf, n, &found);
	if (r == -EMSGSIZE)
		drop_line(stream, found);
	else if (r == -ENODATA)
		r = (ssize_t)stream->partial;
	stream_leave(stream, &stream->reading);
	return r;
}

size_t weft_stream_partial(const weft_stream *stream)
{
	return stream->partial;
}

bool weft_stream_at_eof(const weft_stream *stream)
{
	return stream->eof && stream_buffered(stream) == 0;
}

size_t weft_stream_buffered(const weft_stream *stream)
{
	return stream_buffered(stream);
}
