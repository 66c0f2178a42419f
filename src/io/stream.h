/* SPDX-License-Identifier: MIT */
#pragma once

/* A connection's state, shared by its life (stream.c), its input and its output.
 *
 * Input: a multishot receive stays armed while somebody may want more; data arrives in one of the
 * ring's buffers, which the stream keeps until it is read, so an idle connection holds no memory.
 * Who reads much at a time
 * (`bulk`) gets the bytes straight into his own memory by single receives instead.
 * Output: what is written is copied to `pending` and sent once per iteration; what is being sent
 * belongs to the kernel until its completion. */

#include "streams.h"

#include <weft/stream.h>

struct output {
	char *data;
	size_t bytes, room;
};

struct weft_stream {
	struct list link; /* streams->all */
	struct streams *streams;
	int fd;
	int error;	 /* -errno: the connection is lost */
	bool closing;	 /* given back by its owner */
	bool eof;	 /* the peer has ended its side */
	bool eof_wanted; /* ours is to end when all is sent */
	bool eof_sent;
	bool aborted; /* nothing more is to be sent */
	bool bulk;
	bool starved;  /* the ring had no buffer for it */
	uint8_t small; /* direct receives in a row that were small */

	/* input */
	struct ring_op receive;
	struct weft_future *reader;	  /* on its task's stack, while it waits */
	bool reading;			  /* a task is in a read call */
	char *in;			  /* a ring buffer, or our own memory */
	size_t in_start, in_end, in_room; /* in_room 0: a ring buffer */
	int in_buffer;
	size_t limit;
	size_t partial;
	size_t wants; /* how much the waiting reader could take at once */

	/* output */
	struct ring_op send;
	struct loop_hook flush;
	struct output pending, sending;
	size_t sent; /* of `sending` */
	size_t high, low;
	bool writing;		    /* a task is in a writing call */
	bool sending_directly;	    /* ... which is sending from its own memory */
	struct weft_future *writer; /* on its task's stack, while it waits */
	size_t writer_wants;	    /* wakes when no more than this is unsent */

	weft_stream **holder; /* a server's pointer to it: NULL once the client has closed it */
	char *peer, *local;   /* made when asked for */
};

int stream_open(weft_loop *loop, int fd, size_t limit, weft_stream **ret_stream);

/* The connection is lost: whoever waits is told. */
void stream_lost(weft_stream *stream, int error);

/* Frees a stream that was given back as soon as nothing of it is with the ring, and all is sent. */
void stream_settle(weft_stream *stream);

/* input.c */

/* A read of this much is worth a receive into the reader's memory. */
enum { INPUT_BULK_BYTES = 8192 };

void input_init(weft_stream *stream);
/* Makes room for `bytes` more behind what is there, in memory of our own. -ENOMEM. */
int input_reserve(weft_stream *stream, size_t bytes);
/* Takes up to `n` bytes out; how many. */
size_t input_take(weft_stream *stream, void *buf, size_t n);
/* Drops the first `n`. */
void input_consume(weft_stream *stream, size_t n);
/* Puts bytes that a cancelled call had taken back to the front. */
void input_put_back(weft_stream *stream, const char *data, size_t n);
/* Gives the memory back: to the ring, to the spare buffers, or to the heap. */
void input_give_back(weft_stream *stream);
/* The ring is gone, and with it what it had lent. */
void input_forget_ring(weft_stream *stream);
void input_done(weft_stream *stream);

/* output.c */
void output_init(weft_stream *stream);
/* Forgets what is unsent. */
void output_drop(weft_stream *stream);
void output_done(weft_stream *stream);

/* A call on the stream that may suspend begins: only one of its kind at a time (`*busy`). 0 or
 * -errno. */
int stream_enter(weft_stream *stream, bool *busy);
void stream_leave(weft_stream *stream, bool *busy);

/* Suspends until somebody completes `*slot`; the stream may have been given back by then:
 * -ECONNABORTED. */
int stream_wait(weft_stream *stream, struct weft_future **slot, const struct weft_future_ops *what);
void stream_wake(struct weft_future **slot);

static inline size_t stream_buffered(const weft_stream *stream)
{
	return stream->in_end - stream->in_start;
}

static inline size_t stream_unsent(const weft_stream *stream)
{
	return stream->pending.bytes + stream->sending.bytes - stream->sent;
}

static inline struct ring *stream_ring(const weft_stream *stream)
{
	return stream->streams->loop->ring;
}
