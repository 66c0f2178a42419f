/* SPDX-License-Identifier: MIT */
#include "address.h"
#include "stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

static const struct weft_future_ops connect_ops = {.name = "connect", .cancel = io_cancel};

static int open_socket(const struct address *to, const struct address *local)
{
	int family = to->socket.any.sa_family, on = 1, r;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (local && bind(fd, &local->socket.any, local->bytes) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* The connected descriptor, or -errno. */
static int try_address(const struct address *to, const struct address *local)
{
	struct io_wait wait = {
		.op = {.kind = RING_CONNECT,
			.address = &to->socket.any,
			.address_bytes = to->bytes},
		.future.ops = &connect_ops,
	};
	int fd = open_socket(to, local), r;

	if (fd < 0)
		return fd;
	wait.op.fd = fd;
	r = io_run(&wait);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* Tries the addresses in turn; the error is the last one's. */
static int connect_any(const char *address, const struct weft_connect_options *options)
{
	struct address to[ADDRESSES_MAX], local[ADDRESSES_MAX];
	bool bound = options && options->local_address;
	int n, r = 0;

	if (bound) {
		r = address_resolve(options->local_address, true, local);
		if (r < 0)
			return r;
	}
	n = address_resolve(address, false, to);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		r = try_address(&to[i], bound ? &local[0] : NULL);
		if (r >= 0 || r == -ECANCELED)
			return r;
	}
	return weft_raise(r, "cannot connect to %s: %s", address, weft_strerror(r));
}

int weft_open_connection(
	const char *address, const struct weft_connect_options *options, weft_stream **ret_stream)
{
	int fd, r;

	if (!task_here)
		return -EPERM;
	fd = connect_any(address, options);
	if (fd < 0)
		return fd;
	r = stream_open(loop_here, fd, options ? options->limit : 0, ret_stream);
	if (r < 0)
		close(fd);
	return r;
}
