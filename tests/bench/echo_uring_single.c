/* SPDX-License-Identifier: MIT */

/* An echo server written by hand on liburing, without buffers that the kernel picks: each
 * connection has one buffer and alternates between a receive into it and a send from it. The mark
 * for messages that fill a buffer.
 *
 *	echo_uring_single [BUFFER_BYTES]
 *
 * The invariant: a connection has exactly one operation in flight. */

#include "bench.h"

#include <liburing.h>
#include <unistd.h>

enum { ENTRIES = 4096 };

struct connection {
	int fd;
	bool sending;
	char buf[];
};

static struct io_uring ring;
static size_t buffer_bytes = 4096;

static struct io_uring_sqe *next_sqe(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	return sqe;
}

static void accept_more(int fd)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
	io_uring_sqe_set_data(sqe, NULL);
}

static void receive(struct connection *c)
{
	struct io_uring_sqe *sqe = next_sqe();

	c->sending = false;
	io_uring_prep_recv(sqe, c->fd, c->buf, buffer_bytes, 0);
	io_uring_sqe_set_data(sqe, c);
}

static void echo(struct connection *c, size_t bytes)
{
	struct io_uring_sqe *sqe = next_sqe();

	c->sending = true;
	io_uring_prep_send(sqe, c->fd, c->buf, bytes, MSG_NOSIGNAL | MSG_WAITALL);
	io_uring_sqe_set_data(sqe, c);
}

static void drop(struct connection *c)
{
	close(c->fd);
	free(c);
}

static void open_connection(int fd)
{
	struct connection *c = malloc(sizeof(*c) + buffer_bytes);

	if (!c)
		bench_die("malloc", ENOMEM);
	c->fd = fd;
	receive(c);
}

static void dispatch(const struct io_uring_cqe *cqe, int listener)
{
	struct connection *c = io_uring_cqe_get_data(cqe);

	if (!c) {
		if (cqe->res >= 0)
			open_connection(cqe->res);
		else
			fprintf(stderr, "accept: %s\n", strerror(-cqe->res));
		if (!(cqe->flags & IORING_CQE_F_MORE))
			accept_more(listener);
	} else if (cqe->res <= 0) {
		drop(c);
	} else if (c->sending) {
		receive(c);
	} else {
		echo(c, cqe->res);
	}
}

int main(int argc, char **argv)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
	int r, listener;

	if (argc > 1)
		buffer_bytes = bench_number(argv[1], "BUFFER_BYTES");
	bench_raise_nofile();
	r = io_uring_queue_init_params(ENTRIES, &ring, &params);
	if (r < 0)
		bench_die("io_uring_queue_init_params", -r);
	io_uring_register_ring_fd(&ring);
	listener = bench_listen(0);
	accept_more(listener);

	for (;;) {
		struct io_uring_cqe *cqe;
		unsigned head, n = 0;

		r = io_uring_submit_and_wait(&ring, 1);
		if (r < 0 && r != -EINTR)
			bench_die("io_uring_submit_and_wait", -r);
		io_uring_for_each_cqe(&ring, head, cqe)
		{
			dispatch(cqe, listener);
			n++;
		}
		io_uring_cq_advance(&ring, n);
	}
}
