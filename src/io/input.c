/* SPDX-License-Identifier: MIT */
/* What has arrived on a stream and was not read yet. The calls that read it are read.c's. */

#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- the memory --- */

static void forget(weft_stream *stream)
{
	stream->in = NULL;
	stream->in_start = stream->in_end = stream->in_room = 0;
	stream->in_buffer = -1;
}

/* Gives the memory back: to the ring, to the spare buffers, or to the heap. */
void input_give_back(weft_stream *stream)
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
int input_reserve(weft_stream *stream, size_t bytes)
{
	size_t have = stream_buffered(stream), room = OUTPUT_BYTES;
	char *memory;

	if (stream->in_room > 0 && stream->in_room - stream->in_end >= bytes)
		return 0;
	if (stream->in && stream->in_room >= have + bytes &&
		stream->in_start >= stream->in_room / 2) {
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
	if (have > 0) {
		assert(stream->in);
		memcpy(memory, stream->in + stream->in_start, have);
	}
	if (stream->in)
		input_give_back(stream);
	stream->in = memory;
	stream->in_end = have;
	stream->in_room = room;
	return 0;
}

void input_consume(weft_stream *stream, size_t n)
{
	stream->in_start += n;
	if (stream->in_start == stream->in_end && stream->in)
		input_give_back(stream);
}

size_t input_take(weft_stream *stream, void *buf, size_t n)
{
	size_t have = stream_buffered(stream);

	if (n > have)
		n = have;
	if (n == 0) /* there may be no buffer either */
		return 0;
	memcpy(buf, stream->in + stream->in_start, n);
	input_consume(stream, n);
	return n;
}

/* Puts bytes that a cancelled call had taken back to the front. */
void input_put_back(weft_stream *stream, const char *data, size_t n)
{
	size_t have = stream_buffered(stream);

	if (n == 0)
		return;
	if (input_reserve(stream, n) < 0) {
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
	r = input_reserve(stream, n);
	if (r == 0) {
		assert(stream->in);
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
	else if ((size_t)completion->result == ring->buffer_bytes &&
		 stream->wants >= INPUT_BULK_BYTES) {
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
		input_give_back(stream);
}
