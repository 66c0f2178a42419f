/* SPDX-License-Identifier: MIT */
/* A stream's output: what was written and is not with the kernel yet, and the calls that write it.
 */

#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECT_BYTES = 8192 }; /* a write of this much is worth a send from the writer's memory */

static const struct weft_future_ops write_ops = {.name = "stream write"};
static const struct weft_future_ops send_ops = {.name = "stream write", .cancel = io_cancel};

/* --- the memory --- */

static void output_free(weft_stream *stream, struct output *output)
{
	if (output->room == OUTPUT_BYTES)
		streams_give_buffer(stream->streams, output->data);
	else
		free(output->data);
	*output = (struct output){0};
}

static int reserve(weft_stream *stream, struct output *output, size_t bytes)
{
	size_t room = OUTPUT_BYTES;
	struct output larger;

	if (output->room - output->bytes >= bytes)
		return 0;
	while (room < output->bytes + bytes)
		room *= 2;
	larger.data = room == OUTPUT_BYTES ? streams_take_buffer(stream->streams) : malloc(room);
	if (!larger.data)
		return -ENOMEM;
	larger.bytes = output->bytes;
	larger.room = room;
	if (output->bytes > 0)
		memcpy(larger.data, output->data, output->bytes);
	if (output->data)
		output_free(stream, output);
	*output = larger;
	return 0;
}

static int append(weft_stream *stream, const void *buf, size_t n)
{
	struct output *pending = &stream->pending;
	int r = reserve(stream, pending, n);

	if (r < 0)
		return r;
	memcpy(pending->data + pending->bytes, buf, n);
	pending->bytes += n;
	if (stream->send.state == RING_IDLE && !stream->sending_directly)
		loop_hook_want(stream->streams->loop, &stream->flush);
	return 0;
}

/* --- sending --- */

static void send_rest(weft_stream *stream)
{
	size_t rest = stream->sending.bytes - stream->sent;

	stream->send.data = stream->sending.data + stream->sent;
	stream->send.bytes = rest > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)rest;
	ring_queue(stream_ring(stream), &stream->send);
}

static void end_output(weft_stream *stream)
{
	if (stream->eof_wanted && !stream->eof_sent) {
		stream->eof_sent = true;
		shutdown(stream->fd, SHUT_WR);
	}
}

/* All that has been written so far leaves in one send. */
static void send_pending(weft_stream *stream)
{
	if (stream->send.state != RING_IDLE || stream->sending_directly || stream->error)
		return;
	if (stream->pending.bytes == 0) {
		end_output(stream);
		return;
	}
	stream->sending = stream->pending;
	stream->pending = (struct output){0};
	stream->sent = 0;
	send_rest(stream);
}

static void flush(struct loop_hook *hook)
{
	send_pending(list_entry(hook, weft_stream, flush));
}

static void sent(struct ring_op *op, const struct ring_completion *completion)
{
	weft_stream *stream = list_entry(op, weft_stream, send);

	if (completion->result >= 0 && !stream->error && !stream->aborted) {
		stream->sent += (size_t)completion->result;
		if (stream->sent < stream->sending.bytes) {
			send_rest(stream);
		} else {
			output_free(stream, &stream->sending);
			stream->sent = 0;
			send_pending(stream);
		}
	} else {
		output_free(stream, &stream->sending);
		stream->sent = 0;
		if (completion->result < 0 && !stream->error && !stream->aborted)
			stream_lost(stream, completion->result);
	}
	if (stream->writer && stream_unsent(stream) <= stream->writer_wants)
		stream_wake(&stream->writer);
	stream_settle(stream);
}

void output_init(weft_stream *stream)
{
	stream->send.complete = sent;
	stream->send.kind = RING_SEND;
	stream->send.fd = stream->fd;
	stream->flush.fn = flush;
	list_init(&stream->flush.link);
}

void output_drop(weft_stream *stream)
{
	if (stream->pending.data)
		output_free(stream, &stream->pending);
	list_remove(&stream->flush.link);
}

void output_done(weft_stream *stream)
{
	output_drop(stream);
	if (stream->sending.data)
		output_free(stream, &stream->sending);
}

/* --- the calls --- */

static int writable(const weft_stream *stream)
{
	if (stream->error)
		return stream->error;
	return stream->eof_wanted || stream->closing ? -EPIPE : 0;
}

int weft_stream_write_nowait(weft_stream *stream, const void *buf, size_t n)
{
	int r = writable(stream);

	return r < 0 || n == 0 ? r : append(stream, buf, n);
}

/* Suspends while more than `low` bytes are unsent. */
static int wait_until_sent(weft_stream *stream, size_t low)
{
	while (!stream->error && stream_unsent(stream) > low) {
		int r;

		stream->writer_wants = low;
		r = stream_wait(stream, &stream->writer, &write_ops);
		if (r < 0)
			return r;
	}
	return stream->error;
}

static int drain(weft_stream *stream)
{
	return stream_unsent(stream) > stream->high ? wait_until_sent(stream, stream->low)
						    : stream->error;
}

/* What was written while a direct send was under way comes after the rest of that. */
static int put_before_pending(weft_stream *stream, const char *buf, size_t n)
{
	struct output later = stream->pending;
	int r;

	stream->pending = (struct output){0};
	r = n > 0 ? append(stream, buf, n) : 0;
	if (r == 0 && later.bytes > 0)
		r = append(stream, later.data, later.bytes);
	if (later.data)
		output_free(stream, &later);
	return r;
}

/* Sends from the caller's memory what goes at once, and keeps the rest. The task is suspended for
 * one iteration, whatever the peer does. */
static int write_directly(weft_stream *stream, const char *buf, size_t n)
{
	struct io_wait wait = {
		.op = {.kind = RING_SEND,
			.fd = stream->fd,
			.data = buf,
			.bytes = n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)n,
			.flags = RING_NOWAIT},
		.future.ops = &send_ops,
	};
	int r, result;

	stream->sending_directly = true;
	r = io_run(&wait);
	stream->sending_directly = false;
	if (stream->closing)
		return -ECONNABORTED;
	result = wait.future.result;
	if (result < 0 && result != -EAGAIN && result != -ECANCELED) {
		stream_lost(stream, result);
		return result;
	}
	if (result < 0)
		result = 0;
	if (put_before_pending(stream, buf + result, n - (size_t)result) < 0) {
		stream_lost(stream, -ENOMEM);
		return -ENOMEM;
	}
	return r == -ECANCELED ? r : 0;
}

static int write_some(weft_stream *stream, const void *buf, size_t n)
{
	int r = writable(stream);

	if (r < 0)
		return r;
	if (n >= DIRECT_BYTES && stream_unsent(stream) == 0)
		r = write_directly(stream, buf, n);
	else if (n > 0)
		r = append(stream, buf, n);
	return r < 0 ? r : drain(stream);
}

int weft_stream_write(weft_stream *stream, const void *buf, size_t n)
{
	int r = stream_enter(stream, &stream->writing);

	if (r < 0)
		return r;
	r = write_some(stream, buf, n);
	stream_leave(stream, &stream->writing);
	return r;
}

int weft_stream_drain(weft_stream *stream)
{
	int r = stream_enter(stream, &stream->writing);

	if (r < 0)
		return r;
	r = drain(stream);
	stream_leave(stream, &stream->writing);
	return r;
}

int weft_stream_flush(weft_stream *stream)
{
	int r = stream_enter(stream, &stream->writing);

	if (r < 0)
		return r;
	r = wait_until_sent(stream, 0);
	stream_leave(stream, &stream->writing);
	return r;
}

int weft_stream_write_eof(weft_stream *stream)
{
	int r = writable(stream);

	if (r < 0)
		return r;
	stream->eof_wanted = true;
	loop_hook_want(stream->streams->loop, &stream->flush);
	return 0;
}

size_t weft_stream_unsent(const weft_stream *stream)
{
	return stream_unsent(stream);
}

int weft_stream_set_write_limits(weft_stream *stream, size_t high, size_t low)
{
	if (low > high)
		return -EINVAL;
	stream->high = high;
	stream->low = low;
	return 0;
}
