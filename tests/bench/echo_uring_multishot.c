/* SPDX-License-Identifier: MIT */

/* An echo server written by hand on liburing, with all that it offers: multishot accept, multishot
 * receive into a ring of buffers that the kernel picks from, sends straight from those buffers.
 *
 *	echo_uring_multishot [BUFFER_BYTES [BUFFERS]]
 *
 * The invariant: a buffer is the kernel's, or stands in exactly one connection's queue; the first
 * of a queue is the one being sent. */

#include "bench.h"

#include <liburing.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ENTRIES = 4096, COMPLETIONS = 16384, GROUP = 0, NONE = -1 };

/* In the low bits of the user data; the rest is the connection. */
enum kind { ACCEPT, RECEIVE, SEND, KIND_MASK = 3 };

struct connection {
	int fd;
	int first, last;	 /* buffers to be sent */
	struct connection *next; /* of those that wait for buffers to come back */
	bool receiving;
	bool ended;
};

static struct io_uring ring;
static struct io_uring_buf_ring *buffer_ring;
static char *buffers;
static struct {
	int next;
	unsigned bytes;
} * queued; /* by buffer */
static int buffer_count = 1024;
static size_t buffer_bytes = 4096;
static int given_back; /* buffers that wait to be published with one store */
static struct connection *starved;

static struct io_uring_sqe *next_sqe(struct connection *c, enum kind kind)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	/* The prep calls leave user_data alone. */
	io_uring_sqe_set_data64(sqe, (uintptr_t)c | kind);
	return sqe;
}

static void accept_more(int fd)
{
	io_uring_prep_multishot_accept(next_sqe(NULL, ACCEPT), fd, NULL, NULL, SOCK_CLOEXEC);
}

static void receive(struct connection *c)
{
	struct io_uring_sqe *sqe = next_sqe(c, RECEIVE);

	io_uring_prep_recv_multishot(sqe, c->fd, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	c->receiving = true;
}

static void give_back(int buffer)
{
	io_uring_buf_ring_add(buffer_ring, buffers + buffer * buffer_bytes, buffer_bytes, buffer,
		io_uring_buf_ring_mask(buffer_count), given_back++);
}

static void publish_buffers(void)
{
	if (!given_back)
		return;
	io_uring_buf_ring_advance(buffer_ring, given_back);
	given_back = 0;
	while (starved) {
		struct connection *c = starved;

		starved = c->next;
		receive(c);
	}
}

static void send_first(struct connection *c)
{
	io_uring_prep_send(next_sqe(c, SEND), c->fd, buffers + c->first * buffer_bytes,
		queued[c->first].bytes, MSG_NOSIGNAL | MSG_WAITALL);
}

/* Once neither direction is with the kernel any more. */
static void drop_if_over(struct connection *c)
{
	if (!c->ended || c->receiving || c->first != NONE)
		return;
	close(c->fd);
	free(c);
}

static void open_connection(int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		bench_die("calloc", ENOMEM);
	c->fd = fd;
	c->first = c->last = NONE;
	receive(c);
}

static void received(struct connection *c, const struct io_uring_cqe *cqe)
{
	if (!(cqe->flags & IORING_CQE_F_MORE))
		c->receiving = false;
	if (cqe->res > 0) {
		int buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

		queued[buffer].next = NONE;
		queued[buffer].bytes = cqe->res;
		if (c->first == NONE) {
			c->first = c->last = buffer;
			send_first(c);
		} else {
			queued[c->last].next = buffer;
			c->last = buffer;
		}
		if (!c->receiving)
			receive(c);
	} else if (cqe->res == -ENOBUFS) {
		c->next = starved;
		starved = c;
		c->receiving = true;
	} else {
		c->ended = true;
		drop_if_over(c);
	}
}

static void sent(struct connection *c, int result)
{
	int buffer = c->first;

	give_back(buffer);
	c->first = queued[buffer].next;
	if (result < 0) {
		/* The peer is gone; the receive ends by itself. */
		while (c->first != NONE) {
			give_back(c->first);
			c->first = queued[c->first].next;
		}
	}
	if (c->first != NONE)
		send_first(c);
	else
		drop_if_over(c);
}

static void dispatch(const struct io_uring_cqe *cqe, int listener)
{
	struct connection *c = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)KIND_MASK);

	switch ((enum kind)(cqe->user_data & KIND_MASK)) {
	case RECEIVE:
		received(c, cqe);
		break;
	case SEND:
		sent(c, cqe->res);
		break;
	default:
		if (cqe->res >= 0)
			open_connection(cqe->res);
		else
			fprintf(stderr, "accept: %s\n", strerror(-cqe->res));
		if (!(cqe->flags & IORING_CQE_F_MORE))
			accept_more(listener);
	}
}

static void open_buffers(void)
{
	struct io_uring_buf_reg registration = {.ring_entries = buffer_count, .bgid = GROUP};
	size_t ring_bytes = buffer_count * sizeof(struct io_uring_buf);
	char *memory = mmap(NULL, ring_bytes + buffer_count * buffer_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	queued = calloc(buffer_count, sizeof(*queued));
	if (memory == MAP_FAILED || !queued)
		bench_die("buffers", ENOMEM);
	buffer_ring = (void *)memory;
	buffers = memory + ring_bytes;
	registration.ring_addr = (uintptr_t)memory;
	r = io_uring_register_buf_ring(&ring, &registration, 0);
	if (r < 0)
		bench_die("io_uring_register_buf_ring", -r);
	io_uring_buf_ring_init(buffer_ring);
	for (int i = 0; i < buffer_count; i++)
		give_back(i);
	publish_buffers();
}

int main(int argc, char **argv)
{
	struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
						  IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
		.cq_entries = COMPLETIONS};
	int r, listener;

	if (argc > 1)
		buffer_bytes = bench_number(argv[1], "BUFFER_BYTES");
	if (argc > 2)
		buffer_count = bench_number(argv[2], "BUFFERS");
	bench_raise_nofile();
	r = io_uring_queue_init_params(ENTRIES, &ring, &params);
	if (r < 0)
		bench_die("io_uring_queue_init_params", -r);
	io_uring_register_ring_fd(&ring);
	open_buffers();
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
		publish_buffers();
	}
}
