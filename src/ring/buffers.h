/* SPDX-License-Identifier: MIT */
#pragma once

/* Memory that the kernel picks from when data arrives, so that a connection holds none while it is
 * idle. Few buffers are offered at first, which keeps them in the cache; more when they run out. */

#include <liburing.h>
#include <stdbool.h>

enum { BUFFER_BYTES = 4096, BUFFERS_MAX = 1024, BUFFERS_FIRST = 64, BUFFERS_GROUP = 0 };

struct buffers {
	struct io_uring_buf_ring *ring;
	char *memory;
	unsigned offered; /* how many have been given out for the first time */
};

/* -errno: there will be none, as on kernels without them. */
int buffers_open(struct buffers *buffers, struct io_uring *io);
void buffers_close(struct buffers *buffers);
/* Offers more than before; false: all are. */
bool buffers_grow(struct buffers *buffers);

static inline char *buffers_at(const struct buffers *buffers, int buffer)
{
	return buffers->memory + (size_t)buffer * BUFFER_BYTES;
}

static inline void buffers_release(struct buffers *buffers, int buffer)
{
	io_uring_buf_ring_add(buffers->ring, buffers_at(buffers, buffer), BUFFER_BYTES,
		(unsigned short)buffer, BUFFERS_MAX - 1, 0);
	io_uring_buf_ring_advance(buffers->ring, 1);
}
