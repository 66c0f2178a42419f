/* SPDX-License-Identifier: MIT */

/* See faults.h. Calls may come from other threads too. */

#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct fault_plan current;
static atomic_uint calls, injected;
static atomic_long blocks, mappings;

void faults_begin(const struct fault_plan *plan)
{
	current = *plan;
	if (current.many == 0)
		current.many = 1;
	atomic_store(&calls, 0);
	atomic_store(&injected, 0);
}

unsigned faults_end(void)
{
	current.kinds = 0;
	return atomic_load(&injected);
}

unsigned faults_calls(void)
{
	return atomic_load(&calls);
}

static long open_files(void)
{
	long n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

struct fault_balance faults_balance(void)
{
	return (struct fault_balance){atomic_load(&blocks), atomic_load(&mappings), open_files()};
}

struct fault_balance faults_settle(struct fault_balance before)
{
	struct timespec start, now;

	clock_gettime(CLOCK_MONOTONIC, &start);
	now = start;
	while (atomic_load(&blocks) != before.blocks && now.tv_sec < start.tv_sec + 5) {
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	return faults_balance();
}

static bool fails(enum fault_kind kind)
{
	if (!(current.kinds & kind) || current.nth == 0)
		return false;

	unsigned call = atomic_fetch_add(&calls, 1) + 1;
	if (call < current.nth || call >= current.nth + current.many)
		return false;
	atomic_fetch_add(&injected, 1);
	return true;
}

/* --- memory -------------------------------------------------------------------------------------
 */

#define WRAP(result, name, ...)            \
	result __real_##name(__VA_ARGS__); \
	result __wrap_##name(__VA_ARGS__); \
	result __wrap_##name(__VA_ARGS__)

static void *counted(void *block)
{
	if (block)
		atomic_fetch_add(&blocks, 1);
	return block;
}

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

WRAP(void *, malloc, size_t bytes)
{
	return fails(FAULT_MEMORY) ? no_memory() : counted(__real_malloc(bytes));
}

WRAP(void *, calloc, size_t n, size_t bytes)
{
	return fails(FAULT_MEMORY) ? no_memory() : counted(__real_calloc(n, bytes));
}

WRAP(void *, realloc, void *block, size_t bytes)
{
	if (fails(FAULT_MEMORY))
		return no_memory();
	return block ? __real_realloc(block, bytes) : counted(__real_realloc(NULL, bytes));
}

WRAP(void *, reallocarray, void *block, size_t n, size_t bytes)
{
	if (fails(FAULT_MEMORY))
		return no_memory();
	return block ? __real_reallocarray(block, n, bytes)
		     : counted(__real_reallocarray(NULL, n, bytes));
}

WRAP(char *, strdup, const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = fails(FAULT_MEMORY) ? no_memory() : counted(__real_malloc(bytes));

	return copy ? memcpy(copy, text, bytes) : NULL;
}

WRAP(void, free, void *block)
{
	if (block)
		atomic_fetch_sub(&blocks, 1);
	__real_free(block);
}

/* --- mappings -----------------------------------------------------------------------------------
 */

WRAP(void *, mmap64, void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	if (fails(FAULT_MAPPING)) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	void *mapping = __real_mmap64(at, bytes, protection, flags, fd, offset);
	if (mapping != MAP_FAILED)
		atomic_fetch_add(&mappings, 1);
	return mapping;
}

WRAP(int, munmap, void *at, size_t bytes)
{
	atomic_fetch_sub(&mappings, 1);
	return __real_munmap(at, bytes);
}

static int failed(int error)
{
	errno = error;
	return -1;
}

WRAP(int, madvise, void *at, size_t bytes, int advice)
{
	return fails(FAULT_MAPPING) ? failed(ENOMEM) : __real_madvise(at, bytes, advice);
}

WRAP(int, mprotect, void *at, size_t bytes, int protection)
{
	return fails(FAULT_MAPPING) ? failed(ENOMEM) : __real_mprotect(at, bytes, protection);
}

/* --- files and threads --------------------------------------------------------------------------
 */

WRAP(int, socket, int domain, int type, int protocol)
{
	return fails(FAULT_FILE) ? failed(EMFILE) : __real_socket(domain, type, protocol);
}

WRAP(int, eventfd, unsigned value, int flags)
{
	return fails(FAULT_FILE) ? failed(EMFILE) : __real_eventfd(value, flags);
}

WRAP(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes,
	void *(*start)(void *), void *arg)
{
	return fails(FAULT_THREAD) ? EAGAIN : __real_pthread_create(thread, attributes, start, arg);
}

/* --- io_uring -----------------------------------------------------------------------------------
 */

WRAP(int, io_uring_queue_init_params, unsigned entries, struct io_uring *ring,
	struct io_uring_params *parameters)
{
	return fails(FAULT_RING) ? -ENOMEM
				 : __real_io_uring_queue_init_params(entries, ring, parameters);
}

WRAP(int, io_uring_register_buf_ring, struct io_uring *ring, struct io_uring_buf_reg *reg,
	unsigned flags)
{
	return fails(FAULT_RING) ? -ENOMEM : __real_io_uring_register_buf_ring(ring, reg, flags);
}

WRAP(int, io_uring_register_ring_fd, struct io_uring *ring)
{
	return fails(FAULT_RING) ? -EMFILE : __real_io_uring_register_ring_fd(ring);
}

WRAP(struct io_uring_probe *, io_uring_get_probe_ring, struct io_uring *ring)
{
	return fails(FAULT_RING) ? no_memory() : __real_io_uring_get_probe_ring(ring);
}

WRAP(int, io_uring_ring_dontfork, struct io_uring *ring)
{
	return fails(FAULT_RING) ? -ENOMEM : __real_io_uring_ring_dontfork(ring);
}

WRAP(int, io_uring_submit, struct io_uring *ring)
{
	return fails(FAULT_SUBMIT) ? current.submit_error : __real_io_uring_submit(ring);
}

WRAP(int, io_uring_submit_and_get_events, struct io_uring *ring)
{
	return fails(FAULT_SUBMIT) ? current.submit_error
				   : __real_io_uring_submit_and_get_events(ring);
}

WRAP(int, io_uring_submit_and_wait_timeout, struct io_uring *ring, struct io_uring_cqe **cqe,
	unsigned n, struct __kernel_timespec *timeout, sigset_t *mask)
{
	return fails(FAULT_SUBMIT)
		       ? current.submit_error
		       : __real_io_uring_submit_and_wait_timeout(ring, cqe, n, timeout, mask);
}
