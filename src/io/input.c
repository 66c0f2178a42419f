/* SPDX-License-Identifier: MIT */
/* A stream's input: what has arrived and was not read yet, and the calls that read it. */

#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	BULK_BYTES = 8192,   /* a read of this much is worth a receive into the reader's memory */
	SMALL_BYTES = 2048,  /* ... unless what arrives is this little, */
	SMALL_IN_A_ROW = 16, /* ... so many times */
};

static const struct weft_future_ops read_ops = {.name = "stream read"};
static const struct weft_future_ops receive_ops = {.name = "stream read", .cancel = io_cancel};

/* --- the memory --- */

static void forget(weft_stream *stream)
{
	stream->in = NULL;
	stream->in_start = stream->in_end = stream->in_room = 0;
	stream->in_buffer = -1;
}

/* Gives the memory back: to the ring, to the spare buffers, or to the heap. */
static void give_back(weft_stream *stream)
{
	if (stream->in_buffer >= 0)
		ring_buffer_release(stream_ring(stream), stream->in_buffer);
	else if (stream->in_room == OUTPUT_BYTES)
		streams_give_buffer(stream->streams, stream->in);
	else
		free(stream->in);
	forget(stream);
}

static char *take_memory(weft_stream *stream, size_t bytes)
{
	return bytes == OUTPUT_BYTES ? streams_take_buffer(stream->streams) : malloc(bytes);
}

/* Makes room for `bytes` more, in memory of our own. */
static int reserve(weft_stream *stream, size_t bytes)
{
	size_t have = stream_buffered(stream), room = OUTPUT_BYTES;
	char *memory;

	if (stream->in_room - stream->in_end >= bytes && stream->in_room > 0)
		return 0;
	if (stream->in_room >= have + bytes && stream->in_start >= stream->in_room / 2) {
		memmove(stream->in, stream->in + stream->in_start, have);
		stream->in_start = 0;
		stream->in_end = have;
		return 0;
	}
	while (room < have + bytes)
		room *= 2;
	memory = take_memory(stream, room);
	if (!memory)
		return -ENOMEM;
	if (have > 0)
		memcpy(memory, stream->in + stream->in_start, have);
	if (stream->in)
		give_back(stream);
	stream->in = memory;
	stream->in_end = have;
	stream->in_room = room;
	return 0;
}

static void consume(weft_stream *stream, size_t n)
{
	stream->in_start += n;
	if (stream->in_start == stream->in_end && stream->in)
		give_back(stream);
}

static size_t take_out(weft_stream *stream, void *buf, size_t n)
{
	size_t have = stream_buffered(stream);

	if (n > have)
		n = have;
	memcpy(buf, stream->in + stream->in_start, n);
	consume(stream, n);
	return n;
}

/* Puts bytes that a cancelled call had taken back to the front. */
static void put_back(weft_stream *stream, const char *data, size_t n)
{
	size_t have = stream_buffered(stream);

	if (n == 0)
		return;
	if (reserve(stream, n) < 0) {
		stream_lost(stream, -ENOMEM);
		return;
	}
	memmove(stream->in + stream->in_start + n, stream->in + stream->in_start, have);
	memcpy(stream->in + stream->in_start, data, n);
	stream->in_end += n;
}

/* --- arrival --- */

/* Keeps what came in a buffer of the ring: the buffer itself where a reader is about to empty it,
 * else a copy, so that the others do not run out of buffers. */
static int keep(weft_stream *stream, int buffer, size_t n)
{
	struct ring *ring = stream_ring(stream);
	int r;

	if (!stream->in && stream->reader) {
		stream->in = ring_buffer(ring, buffer);
		stream->in_buffer = buffer;
		stream->in_end = n;
		return 0;
	}
	r = reserve(stream, n);
	if (r == 0) {
		memcpy(stream->in + stream->in_end, ring_buffer(ring, buffer), n);
		stream->in_end += n;
	}
	ring_buffer_release(ring, buffer);
	return r;
}

static void arrived(weft_stream *stream, const struct ring_completion *completion)
{
	struct ring *ring = stream_ring(stream);
	int r = keep(stream, completion->buffer, (size_t)completion->result);

	if (r < 0) {
		stream_lost(stream, r);
		return;
	}
	/* Enough for now, or more at a time than one buffer holds: no more of this. */
	if (stream_buffered(stream) > 2 * stream->limit)
		ring_cancel(ring, &stream->receive);
	else if ((size_t)completion->result == ring->buffer_bytes && stream->wants >= BULK_BYTES) {
		stream->bulk = true;
		stream->small = 0;
		ring_cancel(ring, &stream->receive);
	}
}

static void received(struct ring_op *op, const struct ring_completion *completion)
{
	weft_stream *stream = list_entry(op, weft_stream, receive);
	int result = completion->result;

	if (result > 0 && !stream->closing)
		arrived(stream, completion);
	else if (result > 0)
		ring_buffer_release(stream_ring(stream), completion->buffer);
	else if (result == 0)
		stream->eof = true;
	else if (result == -ENOBUFS)
		stream->starved = true;
	else if (result != -ECANCELED)
		stream_lost(stream, result);

	stream_wake(&stream->reader);
	if (!completion->more)
		stream_settle(stream);
}

void input_init(weft_stream *stream)
{
	stream->receive.complete = received;
	stream->receive.kind = RING_RECV_MULTISHOT;
	stream->receive.fd = stream->fd;
	stream->in_buffer = -1;
}

void input_forget_ring(weft_stream *stream)
{
	if (stream->in_buffer >= 0)
		forget(stream);
}

void input_done(weft_stream *stream)
{
	if (stream->in)
		give_back(stream);
}

/* --- waiting --- */

/* One receive into `buf`: how many bytes, 0 at the end, or -errno. */
static ssize_t receive_into(weft_stream *stream, void *buf, size_t n)
{
	struct io_wait wait = {
		.op = {.kind = RING_RECV,
			.fd = stream->fd,
			.buf = buf,
			.bytes = n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)n,
			.flags = RING_POLL_FIRST},
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
			r = reserve(stream, OUTPUT_BYTES / 2);
			if (r < 0)
				return r;
			n = receive_into(stream, stream->in + stream->in_end,
				stream->in_room - stream->in_end);
			stream->starved = false;
			if (n > 0)
				stream->in_end += (size_t)n;
			else if (stream->in_end == stream->in_start)
				give_back(stream);
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
	return n >= BULK_BYTES && stream_buffered(stream) == 0 &&
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
	return (ssize_t)take_out(stream, buf, n);
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
			put_back(stream, buf, got);
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
			stream->partial = take_out(stream, buf, have);
			return have ? -ENODATA : 0;
		}
	}
	if (found > limit || n < length) {
		*ret_found = found;
		return -EMSGSIZE;
	}
	return (ssize_t)take_out(stream, buf, found + length);
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
		consume(stream, found + 1);
	else
		consume(stream, have);
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
