/* SPDX-License-Identifier: MIT */
#ifndef WEFT_STREAM_H
#define WEFT_STREAM_H

/* Connections as streams of bytes (asyncio's StreamReader and StreamWriter in one).
 *
 * Addresses are strings: "tcp:127.0.0.1:7007", "tcp:[::1]:7007", "tcp:localhost:7007" (names are
 * resolved in a thread), "tcp::7007" or "tcp:*:7007" (servers: every interface), "unix:/path",
 * "unix:@abstract". Port 0: the kernel chooses.
 *
 * One task may read and one may write at a time: a second one gets -EBUSY. A cancelled read loses
 * nothing: what had arrived is returned by it (then the next suspending call is the one that is
 * cancelled) or by the next read. */

#include <weft/task.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_stream weft_stream;

/* Zero-initialised: the defaults. */
struct weft_connect_options {
	const char *local_address; /* to bind to first; NULL: none */
	size_t limit;		   /* bytes buffered for the reader, per stream; 0: 64 KiB */
};

/* Connects; tries the addresses of a name in turn. `options` may be NULL. -EINVAL: a malformed
 * address; -ENOENT: unknown name; else connect(2)'s error. */
WEFT_ASYNC int weft_open_connection(
	const char *address, const struct weft_connect_options *options, weft_stream **ret_stream);

/* Takes over a connected stream socket (asyncio's connect_accepted_socket). On failure the socket
 * stays the caller's. */
WEFT_API int weft_stream_from_fd(int fd, weft_stream **ret_stream);

/* Up to `n` bytes, at least one; 0 at the end of the stream. -EBUSY, -ECONNRESET, ... */
WEFT_ASYNC ssize_t weft_stream_read(weft_stream *stream, void *buf, size_t n);

/* Exactly `n` bytes. -ENODATA: the stream ended before (IncompleteReadError); what there was is in
 * `buf`, weft_stream_partial() bytes of it. */
WEFT_ASYNC ssize_t weft_stream_readexactly(weft_stream *stream, void *buf, size_t n);

/* Up to and including the first `separator`; returns the length. 0: the stream ended, nothing was
 * left. -ENODATA: it ended without a separator (IncompleteReadError): the rest is in `buf`,
 * weft_stream_partial() bytes. -EMSGSIZE: no separator within `n` bytes or the stream's limit
 * (LimitOverrunError): nothing is consumed. */
WEFT_ASYNC ssize_t weft_stream_readuntil(
	weft_stream *stream, const char *separator, size_t separator_length, void *buf, size_t n);

/* A line with its '\n'; the last one may lack it. 0 at the end. -EMSGSIZE: longer than `n` bytes or
 * the limit: what is buffered of it is dropped, up to its '\n' where that is there (ValueError). */
WEFT_ASYNC ssize_t weft_stream_readline(weft_stream *stream, void *buf, size_t n);

/* After -ENODATA: how many bytes the failed call has put into `buf`. */
WEFT_API size_t weft_stream_partial(const weft_stream *stream);

/* Nothing is buffered and the peer has ended its side. */
WEFT_API bool weft_stream_at_eof(const weft_stream *stream);

/* Bytes that can be read without waiting. */
WEFT_API size_t weft_stream_buffered(const weft_stream *stream);

/* asyncio's write() and drain() in one: takes all of `buf`, and waits only while more than the high
 * mark (64 KiB) is unsent, until no more than the low mark (16 KiB) is. Writes of one iteration of
 * the loop leave in one send. Returns 0. -ECANCELED: cancelled while waiting; all of `buf` has been
 * taken. -EPIPE: after write_eof or close; the connection's own error (-ECONNRESET, -EPIPE) once it
 * is lost, -ENOMEM: nothing was taken. */
WEFT_ASYNC int weft_stream_write(weft_stream *stream, const void *buf, size_t n);

/* write() without the drain: never suspends, whatever is unsent. */
WEFT_API int weft_stream_write_nowait(weft_stream *stream, const void *buf, size_t n);

/* Waits as write() does, writing nothing. */
WEFT_ASYNC int weft_stream_drain(weft_stream *stream);

/* Waits until all that was written has been handed to the kernel. */
WEFT_ASYNC int weft_stream_flush(weft_stream *stream);

/* Ends our side once all is sent (shutdown(SHUT_WR)); reading goes on. Never suspends. -EPIPE: done
 * before. */
WEFT_API int weft_stream_write_eof(weft_stream *stream);

/* Bytes not yet handed to the kernel. */
WEFT_API size_t weft_stream_unsent(const weft_stream *stream);

/* When to suspend a writer: above `high` bytes unsent, until `low` (asyncio's
 * set_write_buffer_limits). -EINVAL: low > high. */
WEFT_API int weft_stream_set_write_limits(weft_stream *stream, size_t high, size_t low);

/* Gives the stream back: what is unsent is still sent in the background, for as long as the peer
 * takes it and the loop runs; then the connection is closed. A task that waits in a call on it gets
 * -ECONNABORTED. Takes NULL. Never waits, never fails. */
WEFT_API void weft_stream_close(weft_stream *stream);

/* The same, but drops what is unsent and resets a TCP connection. */
WEFT_API void weft_stream_abort(weft_stream *stream);

/* Sends what is unsent, closes, and gives the stream back on every path. The connection's error, if
 * it was lost. */
WEFT_ASYNC int weft_stream_close_wait(weft_stream *stream);

/* "tcp:127.0.0.1:50312"; "unix:" for a peer without a name. Valid as long as the stream. */
WEFT_API const char *weft_stream_peer(weft_stream *stream);
WEFT_API const char *weft_stream_local(weft_stream *stream);

/* The descriptor, for getsockopt() and the like; it remains the stream's. */
WEFT_API int weft_stream_fd(const weft_stream *stream);

static inline void weft_stream_cleanup(weft_stream **stream)
{
	weft_stream_close(*stream);
}

#ifdef __cplusplus
}
#endif
#endif
