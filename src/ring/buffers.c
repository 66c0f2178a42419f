/* SPDX-License-Identifier: MIT */
#include "buffers.h"

#include <errno.h>
#include <sys/mman.h>

static const size_t ring_bytes = BUFFERS_MAX * sizeof(struct io_uring_buf);
static const size_t memory_bytes = (size_t)BUFFERS_MAX * BUFFER_BYTES;

int buffers_open(struct buffers *buffers, struct io_uring *io)
{
	struct io_uring_buf_reg registration = {.ring_entries = BUFFERS_MAX, .bgid = BUFFERS_GROUP};
	void *map = mmap(NULL, ring_bytes + memory_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (map == MAP_FAILED)
		return -errno;
	registration.ring_addr = (uintptr_t)map;
	r = io_uring_register_buf_ring(io, &registration, 0);
	if (r < 0) {
		munmap(map, ring_bytes + memory_bytes);
		return r;
	}
	buffers->ring = map;
	buffers->memory = (char *)map + ring_bytes;
	io_uring_buf_ring_init(buffers->ring);
	buffers_grow(buffers);
	return 0;
}

void buffers_close(struct buffers *buffers)
{
	if (buffers->ring)
		munmap(buffers->ring, ring_bytes + memory_bytes);
	buffers->ring = NULL;
}

bool buffers_grow(struct buffers *buffers)
{
	unsigned target = buffers->offered ? buffers->offered * 2 : BUFFERS_FIRST;

	if (buffers->offered >= BUFFERS_MAX)
		return false;
	while (buffers->offered < target)
		buffers_release(buffers, (int)buffers->offered++);
	return true;
}
