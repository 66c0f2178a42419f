/* SPDX-License-Identifier: MIT */

/* An echo server on libweft, as its users would write it: a task for each connection, read and
 * write.
 *
 *	echo_weft [raw | bulk | lines]
 *
 * raw: whatever has arrived, up to 1 KiB; bulk: the same with a buffer of 16 KiB, allocated; lines:
 * line by line. What a task has on its stack stays with it while it waits: 1 KiB still fits into
 * the page that it has anyway. */

#include "bench.h"

#include <weft/weft.h>

static int echo(weft_stream *stream, void *arg)
{
	char buf[1024];
	ssize_t n;

	(void)arg;
	while ((n = weft_stream_read(stream, buf, sizeof(buf))) > 0)
		if ((n = weft_stream_write(stream, buf, n)) < 0)
			break;
	return n;
}

static int echo_bulk(weft_stream *stream, void *arg)
{
	const size_t bytes = 16384;
	char *buf = malloc(bytes);
	ssize_t n;

	(void)arg;
	if (!buf)
		return -ENOMEM;
	while ((n = weft_stream_read(stream, buf, bytes)) > 0)
		if ((n = weft_stream_write(stream, buf, n)) < 0)
			break;
	free(buf);
	return n;
}

static int echo_lines(weft_stream *stream, void *arg)
{
	char line[1024];
	ssize_t n;

	(void)arg;
	while ((n = weft_stream_readuntil(stream, "\n", 1, line, sizeof(line))) > 0)
		if ((n = weft_stream_write(stream, line, n)) < 0)
			break;
	return n;
}

static int serve(void *arg)
{
	int (*client)(weft_stream * stream, void *arg) = echo;
	const char *mode = arg;
	WEFT_AUTO(server) server = NULL;
	int r;

	if (mode && !strcmp(mode, "bulk"))
		client = echo_bulk;
	else if (mode && !strcmp(mode, "lines"))
		client = echo_lines;
	r = weft_start_server("tcp:127.0.0.1:0", client, NULL, &server);
	if (r < 0)
		return r;
	bench_say_port(bench_number(strrchr(weft_server_address(server, 0), ':') + 1, "port"));
	return weft_server_serve_forever(server);
}

int main(int argc, char **argv)
{
	int r;

	bench_raise_nofile();
	r = weft_run(serve, argc > 1 ? argv[1] : NULL, NULL);
	if (r < 0)
		bench_die("weft_run", -r);
	return 0;
}
