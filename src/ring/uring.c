/* SPDX-License-Identifier: MIT */
/* Completions by io_uring.
 *
 * An operation's address is its user data; a cancellation's is that with the lowest bit set, or
 * nothing, and nobody waits for it: what counts is the completion of what it cancels. One enter per
 * wait submits and reaps, and one more where we look for completions before we sleep. */

#include "uring.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { CANCELLATION = 1 }; /* in the user data */
enum {
	SPIN_NS = 20000,      /* about what it costs both sides when one sleeps and is woken */
	SPIN_LOOKS = 32,      /* between two looks at the clock */
	GAP_NS_MOST = 200000, /* so that a long sleep is forgotten after some short ones */
};

/* ThreadSanitizer holds a signal back until the next call that it knows, and io_uring_enter is
 * none: there a sleep must end for a signal to arrive. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLEEP_NS_MOST INT64_C(100000000)
#endif
#elif defined(__SANITIZE_THREAD__)
#define SLEEP_NS_MOST INT64_C(100000000)
#endif
#ifndef SLEEP_NS_MOST
#define SLEEP_NS_MOST INT64_MAX
#endif

static bool has(const struct uring *ring, enum feature feature)
{
	return ring->features & (1U << feature);
}

/* --- submission --- */

static struct io_uring_sqe *get_sqe(struct uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->io);

	ring->base.work = true;
	if (sqe)
		return sqe;
	ring->base.stats.enters++;
	io_uring_submit(&ring->io); /* if this fails, there is still no room, and that is seen */
	return io_uring_get_sqe(&ring->io);
}

static void prepare(struct uring *ring, struct io_uring_sqe *sqe, struct ring_op *op)
{
	int flags;

	switch (op->kind) {
	case RING_ACCEPT:
		if (has(ring, FEATURE_MULTISHOT_ACCEPT))
			io_uring_prep_multishot_accept(sqe, op->fd, NULL, NULL, SOCK_CLOEXEC);
		else
			io_uring_prep_accept(sqe, op->fd, NULL, NULL, SOCK_CLOEXEC);
		break;
	case RING_CONNECT:
		io_uring_prep_connect(sqe, op->fd, op->address, op->address_bytes);
		break;
	case RING_RECV:
		io_uring_prep_recv(sqe, op->fd, op->buf, op->bytes, 0);
		break;
	case RING_RECV_MULTISHOT:
		io_uring_prep_recv_multishot(sqe, op->fd, NULL, 0, 0);
		sqe->flags |= IOSQE_BUFFER_SELECT;
		sqe->buf_group = BUFFERS_GROUP;
		break;
	case RING_SEND:
		flags = MSG_NOSIGNAL | (op->flags & RING_NOWAIT ? MSG_DONTWAIT : 0);
		io_uring_prep_send(sqe, op->fd, op->data, op->bytes, flags);
		break;
	case RING_READ:
		io_uring_prep_read(sqe, op->fd, op->buf, op->bytes, (uint64_t)-1);
		break;
	case RING_POLL:
		io_uring_prep_poll_add(sqe, op->fd, op->poll_events);
		break;
	case RING_KINDS:
		abort();
	}
	io_uring_sqe_set_data(sqe, op);
}

/* Hands `op` to the kernel with the next enter; false: there is no room. */
static bool launch(struct uring *ring, struct ring_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(ring);

	if (!sqe)
		return false;
	prepare(ring, sqe, op);
	op->state = RING_FLYING;
	list_append(&ring->flying, &op->link);
	ring->base.stats.submitted++;
	return true;
}

static void uring_queue(struct ring *base, struct ring_op *op)
{
	struct uring *ring = (struct uring *)base;

	assert(op->state == RING_IDLE);
	if (!list_empty(&ring->waiting) || !launch(ring, op)) {
		op->state = RING_QUEUED;
		list_append(&ring->waiting, &op->link);
	}
}

/* Asks the kernel to end a flying operation; where there is no room for the request, with the next
 * wait. */
static void ask_to_end(struct uring *ring, struct ring_op *op)
{
	struct io_uring_sqe *sqe = get_sqe(ring);

	if (!sqe) {
		op->state = RING_CANCEL_WANTED;
		ring->cancels_wanted = true;
		return;
	}
	io_uring_prep_cancel(sqe, op, 0);
	io_uring_sqe_set_data64(sqe, (uintptr_t)op | CANCELLATION);
	op->state = RING_CANCELLING;
}

static void uring_cancel(struct ring *base, struct ring_op *op)
{
	if (op->state == RING_QUEUED)
		op->state = RING_WITHDRAWN;
	else if (op->state == RING_FLYING)
		ask_to_end((struct uring *)base, op);
}

static void uring_cancel_fd(struct ring *base, int fd)
{
	struct uring *ring = (struct uring *)base;
	struct io_uring_sqe *sqe;

	list_for_each(link, &ring->waiting) {
		struct ring_op *op = list_entry(link, struct ring_op, link);

		if (op->fd == fd)
			op->state = RING_WITHDRAWN;
	}
	sqe = has(ring, FEATURE_CANCEL_FD) ? get_sqe(ring) : NULL;
	if (sqe) {
		io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
		io_uring_sqe_set_data(sqe, NULL);
		return;
	}
	list_for_each(flying, &ring->flying) {
		struct ring_op *op = list_entry(flying, struct ring_op, link);

		if (op->fd == fd && op->state == RING_FLYING)
			ask_to_end(ring, op);
	}
}

/* --- completion --- */

static void finish(struct ring_op *op, int result)
{
	struct ring_completion completion = {.result = result, .buffer = -1};

	list_remove(&op->link);
	op->state = RING_IDLE;
	op->complete(op, &completion);
}

static void ask_all_to_end(struct uring *ring)
{
	ring->cancels_wanted = false;
	list_for_each(link, &ring->flying) {
		struct ring_op *op = list_entry(link, struct ring_op, link);

		if (op->state == RING_CANCEL_WANTED)
			ask_to_end(ring, op);
	}
}

/* What could not be submitted when it was asked for. */
static int catch_up(struct uring *ring)
{
	int finished = 0;

	while (!list_empty(&ring->waiting)) {
		struct ring_op *op = list_entry(ring->waiting.next, struct ring_op, link);

		if (op->state == RING_WITHDRAWN) {
			finish(op, -ECANCELED);
			finished++;
			continue;
		}
		list_remove(&op->link);
		if (!launch(ring, op)) {
			list_append(ring->waiting.next, &op->link); /* back to the front */
			break;
		}
	}
	if (ring->cancels_wanted) {
		ring->cancels_wanted = false;
		list_for_each(link, &ring->flying) {
			struct ring_op *op = list_entry(link, struct ring_op, link);

			if (op->state == RING_CANCEL_WANTED)
				ask_to_end(ring, op);
		}
	}
	return finished;
}

/* Without multishot accept one follows the other; to the owner it looks the same. */
static bool goes_on(struct uring *ring, const struct ring_op *op, const struct io_uring_cqe *cqe)
{
	return op->kind == RING_ACCEPT && !has(ring, FEATURE_MULTISHOT_ACCEPT) && cqe->res >= 0 &&
	       op->state == RING_FLYING;
}

/* What became of a request to end. -ENOENT is no answer: on its way to one of its threads the
 * kernel does not find an operation, which is then as much alive as before: ask again. */
static void cancellation_done(struct uring *ring, const struct io_uring_cqe *cqe)
{
	uintptr_t address = cqe->user_data & ~(uintptr_t)CANCELLATION;

	if (cqe->res != -ENOENT)
		return;
	/* Most often it has completed meanwhile, and may be anything by now: only compare. */
	list_for_each(link, &ring->flying) {
		struct ring_op *op = list_entry(link, struct ring_op, link);

		if ((uintptr_t)op == address && op->state == RING_CANCELLING) {
			op->state = RING_CANCEL_WANTED;
			ring->cancels_wanted = true;
		}
	}
}

static void dispatch(struct uring *ring, const struct io_uring_cqe *cqe)
{
	struct ring_op *op = (struct ring_op *)(uintptr_t)cqe->user_data;
	struct ring_completion completion = {.result = cqe->res, .buffer = -1};

	if (cqe->user_data & CANCELLATION) {
		cancellation_done(ring, cqe);
		return;
	}
	if (!op)
		return; /* of all on a descriptor */
	/* A thread of the kernel that waits is interrupted. */
	if (cqe->res == -EINTR && op->state == RING_CANCELLING)
		completion.result = -ECANCELED;
	ring->base.stats.completed++;
	if (cqe->flags & IORING_CQE_F_BUFFER)
		completion.buffer = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
	if (cqe->res == -ENOBUFS && op->kind == RING_RECV_MULTISHOT) {
		ring->base.stats.starved++;
		buffers_grow(&ring->buffers);
	}
	completion.more = cqe->flags & IORING_CQE_F_MORE;
	if (!completion.more) {
		list_remove(&op->link);
		if (goes_on(ring, op, cqe)) {
			op->state = RING_IDLE;
			uring_queue(&ring->base, op);
			completion.more = true;
		} else {
			op->state = RING_IDLE;
		}
	}
	op->complete(op, &completion);
}

/* Dispatches what is there now; what that adds is the next wait's. */
static int reap(struct uring *ring)
{
	unsigned n = io_uring_cq_ready(&ring->io);

	/* The kernel keeps what did not fit until the next enter, which kernel_has_more() sees to.
	 */
	if (__atomic_load_n(ring->io.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW)
		ring->base.stats.overflows++;
	for (unsigned i = 0; i < n; i++) {
		struct io_uring *io = &ring->io;
		struct io_uring_cqe cqe = io->cq.cqes[*io->cq.khead & *io->cq.kring_mask];

		io_uring_cq_advance(io, 1); /* first: a callback may have to submit */
		dispatch(ring, &cqe);
	}
	return (int)n;
}

/* Whether the kernel has something for us that only an enter brings. */
static bool kernel_has_more(struct uring *ring)
{
	unsigned flags = __atomic_load_n(ring->io.sq.kflags, __ATOMIC_RELAXED);

	if (flags & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN))
		return true;
	return !has(ring, FEATURE_TASKRUN_FLAG) && !list_empty(&ring->flying);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Looks until the kernel has something, for SPIN_NS at most: whether it had. */
static bool spin(struct uring *ring, int64_t start_ns)
{
	do
		for (int i = 0; i < SPIN_LOOKS; i++)
			if (kernel_has_more(ring))
				return true;
	while (now_ns() - start_ns < SPIN_NS);
	return false;
}

static int submit_and_wait(struct uring *ring, int64_t timeout_ns)
{
	struct __kernel_timespec timeout;
	struct io_uring_cqe *cqe;

	if (timeout_ns < 0 || timeout_ns > SLEEP_NS_MOST)
		timeout_ns = SLEEP_NS_MOST;
	timeout = (struct __kernel_timespec){timeout_ns / 1000000000, timeout_ns % 1000000000};
	ring->base.stats.enters++;
	return io_uring_submit_and_wait_timeout(
		&ring->io, &cqe, 1, timeout_ns == INT64_MAX ? NULL : &timeout, NULL);
}

static int submit(struct uring *ring)
{
	ring->base.stats.enters++;
	return io_uring_submit_and_get_events(&ring->io);
}

/* Going to sleep and being woken costs more than a short gap: us the way into the scheduler and
 * back, and whoever wakes us an interrupt to another processor, just when it is to do what we wait
 * for. So while gaps are short, we look before we sleep; a long one or two, and we no longer do. */
static int enter_and_wait(struct uring *ring, int64_t timeout_ns)
{
	bool patient = has(ring, FEATURE_SPIN) && ring->gap_ns < SPIN_NS &&
		       (timeout_ns < 0 || timeout_ns > SPIN_NS);
	int64_t start_ns, gap_ns;
	int r = 0;

	if (patient && io_uring_sq_ready(&ring->io) > 0) {
		r = submit(ring);
		if (r < 0 || io_uring_cq_ready(&ring->io) > 0)
			return r;
	}
	start_ns = now_ns();
	r = patient && spin(ring, start_ns) ? submit(ring) : submit_and_wait(ring, timeout_ns);
	gap_ns = now_ns() - start_ns;
	if (gap_ns > GAP_NS_MOST)
		gap_ns = GAP_NS_MOST;
	ring->gap_ns += (gap_ns - ring->gap_ns) / 8;
	return r;
}

static int wait_or_submit(struct uring *ring, int64_t timeout_ns)
{
	int r, finished = 0;

	if (!list_empty(&ring->waiting) || ring->cancels_wanted)
		finished = catch_up(ring);
	if (timeout_ns == 0 || finished > 0 || io_uring_cq_ready(&ring->io) > 0)
		r = submit(ring);
	else
		r = enter_and_wait(ring, timeout_ns);
	/* EBUSY, EAGAIN: the kernel wants completions reaped, or memory, before it takes more: what
	 * was not submitted stays in the queue. */
	if (r < 0 && r != -ETIME && r != -EINTR && r != -EBUSY && r != -EAGAIN && r != -ENOMEM)
		return r;
	return finished + reap(ring);
}

static int uring_wait(struct ring *base, int64_t timeout_ns)
{
	struct uring *ring = (struct uring *)base;
	int r;

	if (timeout_ns == 0 && ring_quiet(base))
		return 0;
	r = wait_or_submit(ring, timeout_ns);
	base->work = io_uring_sq_ready(&ring->io) > 0 || !list_empty(&ring->waiting) ||
		     ring->cancels_wanted;
	base->reaped = *ring->io.cq.khead;
	return r;
}

/* Whether the list holds nothing but `link`. */
static bool only(const struct list *list, const struct list *link)
{
	return list_empty(list) || (list->next == link && list->prev == link);
}

static bool uring_idle(const struct ring *base, const struct ring_op *but)
{
	const struct uring *ring = (const struct uring *)base;
	const struct list *link = but ? &but->link : NULL;

	return only(&ring->flying, link) && only(&ring->waiting, link);
}

/* --- life --- */

static char *uring_buffer(struct ring *base, int buffer)
{
	return buffers_at(&((struct uring *)base)->buffers, buffer);
}

static void uring_release(struct ring *base, int buffer)
{
	buffers_release(&((struct uring *)base)->buffers, buffer);
}

static void ground_one(struct uring *ring, const struct io_uring_cqe *cqe)
{
	struct ring_op *op = (struct ring_op *)(uintptr_t)cqe->user_data;

	if (cqe->user_data & CANCELLATION) {
		cancellation_done(ring, cqe);
	} else if (op) {
		if (op->kind == RING_ACCEPT && cqe->res >= 0)
			close(cqe->res);
		if (!(cqe->flags & IORING_CQE_F_MORE))
			list_remove(&op->link);
	}
}

/* Ends all that flies, telling nobody. */
static void ground(struct uring *ring)
{
	struct __kernel_timespec second = {.tv_sec = 1};
	struct io_uring_cqe *cqe;

	list_for_each(link, &ring->flying)
		list_entry(link, struct ring_op, link)->state = RING_CANCEL_WANTED;
	ring->cancels_wanted = true;
	while (!list_empty(&ring->flying)) {
		ask_all_to_end(ring);
		if (io_uring_submit_and_wait_timeout(&ring->io, &cqe, 1, &second, NULL) < 0 &&
			io_uring_cq_ready(&ring->io) == 0)
			break; /* the kernel is out of order; exiting the ring does the same */
		while (io_uring_cq_ready(&ring->io) > 0) {
			cqe = &ring->io.cq.cqes[*ring->io.cq.khead & *ring->io.cq.kring_mask];
			ground_one(ring, cqe);
			io_uring_cq_advance(&ring->io, 1);
		}
	}
}

static void uring_close(struct ring *base)
{
	struct uring *ring = (struct uring *)base;

	ground(ring);
	io_uring_queue_exit(&ring->io);
	buffers_close(&ring->buffers);
	free(ring);
}

static int uring_open(const struct ring_options *options, struct ring **ret_ring, char *problem,
	size_t problem_bytes)
{
	struct uring *ring;
	unsigned masked;
	int r;

	r = features_parse(options->mask, &masked, problem, problem_bytes);
	if (r < 0)
		return r;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	r = features_open(&ring->io, masked, &ring->features, problem, problem_bytes);
	if (r < 0) {
		free(ring);
		return r;
	}
	if (has(ring, FEATURE_MULTISHOT_RECV) && buffers_open(&ring->buffers, &ring->io) == 0)
		ring->base.buffer_bytes = BUFFER_BYTES;
	else
		ring->features &= ~((1U << FEATURE_MULTISHOT_RECV) | (1U << FEATURE_BUFFER_RING));
	list_init(&ring->flying);
	list_init(&ring->waiting);
	ring->base.backend = &uring_backend;
	if (has(ring, FEATURE_TASKRUN_FLAG)) {
		ring->base.completed = ring->io.cq.ktail;
		ring->base.flags = ring->io.sq.kflags;
		ring->base.attention = IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN;
	}
	features_describe(ring->features, ring->base.features, sizeof(ring->base.features));
	*ret_ring = &ring->base;
	return 0;
}

struct ring_backend uring_backend = {
	.name = "io_uring",
	.open = uring_open,
	.close = uring_close,
	.queue = uring_queue,
	.cancel = uring_cancel,
	.cancel_fd = uring_cancel_fd,
	.wait = uring_wait,
	.idle = uring_idle,
	.buffer = uring_buffer,
	.release = uring_release,
};
