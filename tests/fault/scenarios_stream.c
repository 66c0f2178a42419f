/* SPDX-License-Identifier: MIT */

/* Streams and servers. See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/weft.h>

#include "counted.h"

/* --- streams -----------------------------------------------------------------------------------
 */

enum { BLOCK = 150000 };

static int echo(weft_stream *s, void *unused)
{
	char buf[4096];
	ssize_t n;

	(void)unused;
	while ((n = weft_stream_read(s, buf, sizeof(buf))) > 0)
		if ((n = weft_stream_write(s, buf, (size_t)n)) < 0)
			break;
	return (int)n;
}

static int send_block(void *stream)
{
	static char block[BLOCK];

	for (size_t i = 0; i < BLOCK; i++)
		block[i] = (char)(i * 13);
	return weft_stream_write(stream, block, BLOCK);
}

static int receive_block(weft_stream *s)
{
	char buf[3000];
	size_t got = 0;

	while (got < BLOCK) {
		ssize_t n = weft_stream_read(s, buf, sizeof(buf));

		if (n <= 0)
			return n < 0 ? (int)n : -EPIPE;
		for (ssize_t i = 0; i < n; i++, got++)
			if (buf[i] != (char)(got * 13))
				scenario_broken = "a byte was lost or changed";
	}
	return 0;
}

static int talk(weft_stream *s)
{
	char line[32];
	ssize_t n = 0;
	int r = weft_stream_write(s, "hello\nwor", 9);

	if (r == 0)
		r = weft_stream_write_nowait(s, "ld\n", 3);
	if (r == 0)
		n = weft_stream_readline(s, line, sizeof(line));
	if (n > 0 && (n != 6 || memcmp(line, "hello\n", 6) != 0))
		scenario_broken = "a line came back changed";
	if (n > 0)
		n = weft_stream_readexactly(s, line, 6);
	if (n > 0 && memcmp(line, "world\n", 6) != 0)
		scenario_broken = "the rest came back changed";
	return r < 0 ? r : n > 0 ? 0 : n < 0 ? (int)n : -EPIPE;
}

static int send_and_receive_block(weft_stream *s)
{
	int r;
	WEFT_GROUP(g);

	r = weft_group_spawn(&g, "sender", send_block, s, NULL);
	if (r == 0)
		r = receive_block(s);
	return weft_group_join(&g, r);
}

int client_and_server(void *unused)
{
	WEFT_AUTO(server) server = NULL;
	WEFT_AUTO(stream) s = NULL;
	char address[64];
	static int n;
	int r;

	(void)unused;
	/* Never the same: a kernel that was left in the lurch gives the last one back later. */
	snprintf(address, sizeof(address), "unix:@weft-sweep-%d-%d", (int)getpid(), n++);
	r = weft_start_server(address, echo, NULL, &server);
	if (r == 0)
		r = weft_open_connection(address, NULL, &s);
	/* A connection that the server has to drop ends, and a stranded one is ended here. */
	WEFT_TIMEOUT(r, WEFT_S(600)) {
		if (r == 0)
			r = talk(s);
		if (r == 0)
			r = send_and_receive_block(s);
		if (r == 0)
			r = weft_stream_write_eof(s);
		if (r == 0)
			r = (int)weft_stream_read(s, address, 1);
	}
	if (r > 0)
		scenario_broken = "there is something after the end";
	return r;
}

/* A name to the library, which asks the resolver, and an address to that one: no file is needed. */
int by_name(void *unused)
{
	WEFT_AUTO(server) server = NULL;
	WEFT_AUTO(stream) s = NULL;
	char address[64];
	int r = weft_start_server("tcp:0x7f000001:0", echo, NULL, &server);

	(void)unused;
	if (r < 0)
		return r;
	snprintf(address, sizeof(address), "tcp:0x7f000001%s",
		strrchr(weft_server_address(server, 0), ':'));
	r = weft_open_connection(address, NULL, &s);
	if (r == 0)
		r = weft_stream_write(s, "x", 1);
	if (r == 0) {
		r = weft_stream_close_wait(s);
		s = NULL; /* given back on every path */
	}
	return r;
}

/* --- a server that is stopped ------------------------------------------------------------------
 */

enum { MUCH = 40000 };

static int send_much(weft_stream *stream, void *unused)
{
	static const char much[MUCH] = {[MUCH - 1] = '\n'};
	int r = weft_stream_set_write_limits(stream, 1000, 100);

	(void)unused;
	if (r == 0)
		r = weft_stream_write_nowait(stream, much, sizeof(much));
	if (r == 0)
		r = weft_stream_drain(stream);
	return r == 0 ? weft_stream_flush(stream) : r;
}

static int serve(void *server)
{
	return weft_server_serve_forever(server);
}

static int receive_much(const char *address)
{
	static char buf[MUCH];
	WEFT_AUTO(stream) stream = NULL;
	ssize_t n;
	int r = weft_open_connection(address, NULL, &stream);

	if (r < 0)
		return r;
	n = weft_stream_readuntil(stream, "\n", 1, buf, sizeof(buf));
	if (n > 0 && n != MUCH)
		scenario_broken = "not all of it was received";
	return n > 0 ? 0 : n < 0 ? (int)n : -EPIPE;
}

int stop_a_server(void *unused)
{
	static const struct weft_server_options options = {.backlog = 4};
	WEFT_AUTO(server) server = NULL;
	int r = weft_start_server_with("tcp:127.0.0.1:0", &options, send_much, NULL, &server);
	WEFT_GROUP(g);

	(void)unused;
	if (r < 0)
		return r;
	r = weft_group_spawn(&g, "server", serve, server, NULL);
	/* A client that was dropped for want of memory hears no more of it. */
	WEFT_TIMEOUT(r, WEFT_S(600))
		if (r == 0)
			r = receive_much(weft_server_address(server, 0));
	if (r == 0)
		weft_server_stop(server);
	if (r == 0)
		r = weft_server_wait_closed(server);
	return weft_group_join(&g, r);
}
