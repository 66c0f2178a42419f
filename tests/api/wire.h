/* SPDX-License-Identifier: MIT */
#pragma once

/* The other end of a stream under test: a plain descriptor, served by hand from inside of a task.
 * Calls that find nothing to do let an iteration pass and try again; after very many of them the
 * test fails instead of hanging. */

#include "api.h"

/* A stream on one end of a pair of unix sockets, and the other end, which is non-blocking. */
void wire_pair(weft_stream **ret_stream, int *ret_peer);
/* The same over TCP. */
void wire_tcp_pair(weft_stream **ret_stream, int *ret_peer);

void wire_send(int peer, const void *data, size_t n);
static inline void wire_say(int peer, const char *text)
{
	wire_send(peer, text, strlen(text));
}
/* Exactly `n` bytes; how many there were before the end. */
size_t wire_receive(int peer, void *buf, size_t n);
/* The same to the end: counts, and whether all were wire_byte() of their positions. */
size_t wire_drain(int peer, bool *ret_as_expected);
/* Whether the peer sees the end, after whatever else it gets; -errno for an error. */
int wire_end(int peer);

/* Byte number `position` of a pattern that does not repeat soon. */
static inline char wire_byte(size_t position)
{
	return (char)(position * 31 + position / 255 + position / 65537);
}
/* malloc'ed */
char *wire_pattern(size_t n);

/* Makes both directions of a socket hold as little as the kernel allows. */
void wire_narrow(int fd);

/* Reads up to `n` bytes, says them: "abc", or "-125" for an error. Returns what the call did. */
ssize_t say_read(weft_stream *stream, size_t n);
/* As a coroutine: up to 100 bytes of the stream `arg`. */
int say_read_task(void *stream);
