/* SPDX-License-Identifier: MIT */
/* A stream's life. It is freed when its owner has given it back, no task is in a call on it, and
 * the ring has nothing of it any more. */

#include "stream.h"

#include "address.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT = 65536, HIGH = 65536, LOW = HIGH / 4 };

int stream_open(weft_loop *loop, int fd, size_t limit, weft_stream **ret_stream)
{
	struct streams *streams;
	weft_stream *stream;
	int r;

	r = streams_of(loop, &streams);
	if (r < 0)
		return r;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->streams = streams;
	stream->fd = fd;
	stream->limit = limit ? limit : LIMIT;
	stream->high = HIGH;
	stream->low = LOW;
	input_init(stream);
	output_init(stream);
	list_append(&streams->all, &stream->link);
	*ret_stream = stream;
	return 0;
}

int weft_stream_from_fd(int fd, weft_stream **ret_stream)
{
	socklen_t bytes = sizeof(int);
	int type;

	if (!loop_here)
		return -EPERM;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) < 0)
		return -errno;
	if (type != SOCK_STREAM)
		return -EPROTOTYPE;
	return stream_open(loop_here, fd, 0, ret_stream);
}

/* The ring has no part of it any more. */
static void stream_free(weft_stream *stream)
{
	list_remove(&stream->link);
	input_done(stream);
	output_done(stream);
	close(stream->fd);
	free(stream->peer);
	free(stream->local);
	free(stream);
}

void stream_settle(weft_stream *stream)
{
	struct ring *ring = stream_ring(stream);

	if (!stream->closing || stream->reading || stream->writing)
		return;
	if (stream_unsent(stream) > 0 && !stream->error && !stream->aborted)
		return; /* still to be sent: output.c comes back */
	if (stream->receive.state != RING_IDLE || stream->send.state != RING_IDLE) {
		ring_cancel(ring, &stream->receive);
		ring_cancel(ring, &stream->send);
		return; /* their completions come back */
	}
	stream_free(stream);
}

void stream_lost(weft_stream *stream, int error)
{
	if (!stream->error)
		stream->error = error;
	output_drop(stream);
	stream_wake(&stream->reader);
	stream_wake(&stream->writer);
}

/* At the end of the loop, when the ring is closed already. */
void stream_drop_all(struct list *streams)
{
	while (!list_empty(streams)) {
		weft_stream *stream = list_entry(streams->next, weft_stream, link);

		list_remove(&stream->flush.link);
		input_forget_ring(stream);
		stream_free(stream);
	}
}

/* --- calls that suspend --- */

int stream_enter(weft_stream *stream, bool *busy)
{
	if (!task_here)
		return -EPERM;
	if (stream->closing)
		return -ECONNABORTED;
	if (*busy)
		return -EBUSY;
	*busy = true;
	return 0;
}

void stream_leave(weft_stream *stream, bool *busy)
{
	*busy = false;
	if (stream->closing)
		stream_settle(stream);
}

int stream_wait(weft_stream *stream, struct weft_future **slot, const struct weft_future_ops *what)
{
	struct weft_future future = {.ops = what, .loop = stream->streams->loop};
	int r;

	*slot = &future;
	r = park(&future, NULL);
	*slot = NULL;
	free(future.error);
	return r < 0 ? r : stream->closing ? -ECONNABORTED : 0;
}

void stream_wake(struct weft_future **slot)
{
	if (*slot)
		future_finish(*slot);
}

/* --- the end --- */

static void give_back(weft_stream *stream)
{
	stream->closing = true;
	if (stream->holder)
		*stream->holder = NULL;
	stream->holder = NULL;
	stream_wake(&stream->reader);
	stream_wake(&stream->writer);
	if (stream->reading || stream->writing) /* in an operation of their own, perhaps */
		ring_cancel_fd(stream_ring(stream), stream->fd);
	stream_settle(stream);
}

void weft_stream_close(weft_stream *stream)
{
	if (stream)
		give_back(stream);
}

void weft_stream_abort(weft_stream *stream)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	if (!stream)
		return;
	stream->aborted = true;
	output_drop(stream);
	setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	give_back(stream);
}

int weft_stream_close_wait(weft_stream *stream)
{
	int r = weft_stream_flush(stream);

	weft_stream_close(stream);
	return r;
}

/* --- asking about it --- */

static const char *name_of(
	weft_stream *stream, char **text, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct address address = {.bytes = sizeof(address.socket)};

	if (!*text)
		*text = malloc(ADDRESS_TEXT);
	if (!*text)
		return "unknown";
	if (get(stream->fd, &address.socket.any, &address.bytes) < 0)
		address.bytes = 0;
	address_format(&address, *text);
	return *text;
}

const char *weft_stream_peer(weft_stream *stream)
{
	return stream->peer ? stream->peer : name_of(stream, &stream->peer, getpeername);
}

const char *weft_stream_local(weft_stream *stream)
{
	return stream->local ? stream->local : name_of(stream, &stream->local, getsockname);
}

int weft_stream_fd(const weft_stream *stream)
{
	return stream->fd;
}
