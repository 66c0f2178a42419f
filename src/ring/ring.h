/* SPDX-License-Identifier: MIT */
#pragma once

/* Completions, and nothing else: an operation is queued, and completes exactly once (a multishot
 * one: several times, the last time without RING_MORE). What lies behind it (io_uring, later epoll,
 * a simulation in the tests) shows only in ring_features().
 *
 * Until its last completion an operation, and the memory that it names, belong to the ring:
 * cancelling asks for that completion, it does not replace it. */

#include "base/list.h"

#include <stdint.h>
#include <sys/socket.h>

enum ring_kind {
	RING_ACCEPT,	     /* multishot: result is the new descriptor, close-on-exec */
	RING_CONNECT,	     /* address, address_bytes */
	RING_RECV,	     /* buf, bytes */
	RING_RECV_MULTISHOT, /* into the ring's own buffers: completion.buffer, to be released */
	RING_SEND,	     /* buf, bytes; never raises SIGPIPE; may be short */
	RING_READ,	     /* buf, bytes */
	RING_POLL,	     /* poll_events; result is the events */
	RING_KINDS,
};

struct ring_op;

struct ring_completion {
	int result; /* >= 0, or -errno */
	bool more;  /* the operation goes on; this was not its last completion */
	int buffer; /* RING_RECV_MULTISHOT with result > 0: which of the ring's buffers, else -1 */
};

enum ring_op_flag {
	RING_NOWAIT = 1, /* RING_SEND: takes what goes at once; -EAGAIN where nothing does */
};

struct ring_op {
	void (*complete)(struct ring_op *op, const struct ring_completion *completion);
	enum ring_kind kind;
	int fd;
	union {
		void *buf;
		const void *data;
		const struct sockaddr *address;
	};
	union {
		uint32_t bytes;
		uint32_t address_bytes;
		uint32_t poll_events;
	};
	uint8_t flags; /* ring_op_flag */
	/* the ring's; zero-initialised */
	uint8_t state;
	struct list link;
};

/* The states of an operation, kept by the ring; an owner may ask whether it is idle. */
enum ring_op_state {
	RING_IDLE,	    /* not with the ring: the owner may free or queue it */
	RING_QUEUED,	    /* waits for room in the submission queue */
	RING_WITHDRAWN,	    /* was cancelled while it did: completes with the next wait */
	RING_FLYING,	    /* with the kernel */
	RING_CANCEL_WANTED, /* with the kernel; there was no room yet to ask it for the end */
	RING_CANCELLING,    /* with the kernel, which has been asked */
};

struct ring_stats {
	uint64_t enters; /* system calls that submitted or reaped */
	uint64_t submitted;
	uint64_t completed;
	uint64_t overflows; /* times that the completion queue was too small */
	uint64_t starved;   /* multishot receives that found no buffer */
};

struct ring;

struct ring_options {
	const char *name; /* a backend's name, or "auto" */
	const char *mask; /* features not to use, comma-separated, or NULL */
};

struct ring_backend {
	const char *name;
	struct ring_backend *next;
	int (*open)(const struct ring_options *options, struct ring **ret_ring, char *problem,
		size_t problem_bytes);
	void (*close)(struct ring *ring);
	void (*queue)(struct ring *ring, struct ring_op *op);
	void (*cancel)(struct ring *ring, struct ring_op *op);
	void (*cancel_fd)(struct ring *ring, int fd);
	int (*wait)(struct ring *ring, int64_t timeout_ns);
	bool (*idle)(const struct ring *ring, const struct ring_op *but);
	char *(*buffer)(struct ring *ring, int buffer);
	void (*release)(struct ring *ring, int buffer);
};

/* What every backend's ring begins with. */
struct ring {
	const struct ring_backend *backend;
	struct ring_stats stats;
	char features[256];  /* one line for people */
	size_t buffer_bytes; /* of each provided buffer; 0: there are none, RING_RECV_MULTISHOT is
				refused */

	/* For ring_quiet(). */
	bool work;		   /* something waits to be submitted */
	const unsigned *completed; /* counts completions; NULL: only ring_wait() knows */
	const unsigned *flags;	   /* of which some want ring_wait() to be called: */
	unsigned attention;
	unsigned reaped; /* what `completed` was when all had been dispatched */
};

/* Makes a backend known by its name; for backends outside of src/ring (the tests' simulation).
 * Before any ring is opened. */
void ring_backend_register(struct ring_backend *backend);

/* 0, or -errno with one line in `problem` that names the likely cause and what to do. -EINVAL: no
 * such backend or feature; -EPERM, -ENOSYS, -ENOMEM, -EMFILE. */
int ring_open(const struct ring_options *options, struct ring **ret_ring, char *problem,
	size_t problem_bytes);

/* Ends what is still flying, and returns when the ring owns no memory of anybody's: none of it
 * completes any more. Takes NULL. */
static inline void ring_close(struct ring *ring)
{
	if (ring)
		ring->backend->close(ring);
}

/* Hands `op` over; it is submitted with the next ring_wait(). Never fails, never completes inline.
 * The op must be idle. */
static inline void ring_queue(struct ring *ring, struct ring_op *op)
{
	ring->backend->queue(ring, op);
}

/* Asks for the end of `op`: it completes soon, with -ECANCELED or with what it had achieved by
 * then. Harmless on an idle op, and twice. */
static inline void ring_cancel(struct ring *ring, struct ring_op *op)
{
	ring->backend->cancel(ring, op);
}

/* The same for every operation on `fd`. */
static inline void ring_cancel_fd(struct ring *ring, int fd)
{
	ring->backend->cancel_fd(ring, fd);
}

/* Submits what is queued and dispatches completions, in one system call at most: waits up to
 * `timeout_ns` for the first (0: does not wait; < 0: for ever). Returns how many were dispatched; a
 * timeout and a signal are 0. -errno: the ring is beyond use. */
static inline int ring_wait(struct ring *ring, int64_t timeout_ns)
{
	return ring->backend->wait(ring, timeout_ns);
}

/* Nothing is to be submitted or dispatched: a ring_wait() that does not wait would do nothing. The
 * common case between two I/O events, and cheap to see. */
static inline bool ring_quiet(const struct ring *ring)
{
	return !ring->work && ring->completed &&
	       __atomic_load_n(ring->completed, __ATOMIC_ACQUIRE) == ring->reaped &&
	       !(__atomic_load_n(ring->flags, __ATOMIC_RELAXED) & ring->attention);
}

/* No operation is with the ring, but for one (may be NULL). */
static inline bool ring_idle(const struct ring *ring, const struct ring_op *but)
{
	return ring->backend->idle(ring, but);
}

/* The memory of a provided buffer, buffer_bytes long, from its completion until its release. */
static inline char *ring_buffer(struct ring *ring, int buffer)
{
	return ring->backend->buffer(ring, buffer);
}

static inline void ring_buffer_release(struct ring *ring, int buffer)
{
	ring->backend->release(ring, buffer);
}
