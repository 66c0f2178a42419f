/* SPDX-License-Identifier: MIT */

/* An echo server on libuv, tuned: one buffer for all reads, which is possible because uv_try_write
 * nearly always takes all of it at once; only what it leaves is copied and queued.
 *
 *	echo_uv [BUFFER_BYTES] */

#include "bench.h"

#include <uv.h>

struct rest {
	uv_write_t request;
	char bytes[];
};

static char *buffer;
static size_t buffer_bytes = 65536;

static void check(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "echo_uv: %s: %s\n", what, uv_strerror(r));
	exit(1);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void on_written(uv_write_t *request, int status)
{
	(void)status;
	free(request);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
	(void)handle;
	(void)suggested;
	*ret_buf = uv_buf_init(buffer, buffer_bytes);
}

static void write_rest(uv_stream_t *stream, const char *data, size_t bytes)
{
	struct rest *rest = malloc(sizeof(*rest) + bytes);
	uv_buf_t buf;

	if (!rest)
		bench_die("malloc", ENOMEM);
	memcpy(rest->bytes, data, bytes);
	buf = uv_buf_init(rest->bytes, bytes);
	if (uv_write(&rest->request, stream, &buf, 1, on_written) < 0)
		free(rest);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	uv_buf_t out;
	int r;

	if (n == 0)
		return;
	if (n < 0) {
		uv_close((uv_handle_t *)stream, on_closed);
		return;
	}
	out = uv_buf_init(buf->base, n);
	r = uv_try_write(stream, &out, 1);
	if (r == UV_EAGAIN)
		r = 0;
	if (r >= 0 && r < n)
		write_rest(stream, buf->base + r, n - r);
}

static void on_connection(uv_stream_t *server, int status)
{
	uv_tcp_t *client = malloc(sizeof(*client));

	check(status, "listen");
	if (!client)
		bench_die("malloc", ENOMEM);
	check(uv_tcp_init(server->loop, client), "uv_tcp_init");
	check(uv_accept(server, (uv_stream_t *)client), "uv_accept");
	check(uv_tcp_nodelay(client, 1), "uv_tcp_nodelay");
	check(uv_read_start((uv_stream_t *)client, on_alloc, on_read), "uv_read_start");
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	uv_tcp_t server;

	if (argc > 1)
		buffer_bytes = bench_number(argv[1], "BUFFER_BYTES");
	buffer = malloc(buffer_bytes);
	if (!buffer)
		bench_die("malloc", ENOMEM);
	bench_raise_nofile();
	check(uv_tcp_init(loop, &server), "uv_tcp_init");
	check(uv_tcp_open(&server, bench_listen(SOCK_NONBLOCK)), "uv_tcp_open");
	check(uv_listen((uv_stream_t *)&server, 4096, on_connection), "uv_listen");
	return uv_run(loop, UV_RUN_DEFAULT);
}
