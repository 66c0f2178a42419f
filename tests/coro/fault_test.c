/* SPDX-License-Identifier: MIT */

/* The n-th allocation fails, for every n: -ENOMEM, nothing changed, nothing lost. */

#include "coro/coro.h"
#include "coro/guard.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define STACK_BYTES ((size_t)64 << 10)
#define HEAD_BYTES  448
#define GUARD	    102 /* MADV_GUARD_INSTALL */

static int countdown; /* the call that brings it to 0 fails */
static bool fault_hit;
static bool without_guards; /* a kernel that does not know MADV_GUARD_INSTALL */
static size_t mapped_bytes;
static struct coro thread;

static bool fails(void)
{
	if (countdown == 0 || --countdown > 0)
		return false;
	fault_hit = true;
	errno = ENOMEM;
	return true;
}

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes)
{
	return fails() ? NULL : __real_calloc(n, bytes);
}

void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes)
{
	return fails() ? NULL : __real_realloc(memory, bytes);
}

/* With 64-bit file offsets, which is how all is built, mmap() is called by this name. */
void *__real_mmap64(void *address, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *address, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	void *mapped;

	if (fails())
		return MAP_FAILED;
	mapped = __real_mmap64(address, bytes, protection, flags, fd, offset);
	if (mapped != MAP_FAILED)
		mapped_bytes += bytes;
	return mapped;
}

int __real_munmap(void *address, size_t bytes);
int __wrap_munmap(void *address, size_t bytes);
int __wrap_munmap(void *address, size_t bytes)
{
	mapped_bytes -= bytes;
	return __real_munmap(address, bytes);
}

int __real_madvise(void *address, size_t bytes, int advice);
int __wrap_madvise(void *address, size_t bytes, int advice);
int __wrap_madvise(void *address, size_t bytes, int advice)
{
	if (advice == GUARD && without_guards) {
		errno = EINVAL;
		return -1;
	}
	/* Any other advice may be refused without harm, and is part of the sweep as well. */
	return fails() ? -1 : __real_madvise(address, bytes, advice);
}

int __real_mprotect(void *address, size_t bytes, int protection);
int __wrap_mprotect(void *address, size_t bytes, int protection);
int __wrap_mprotect(void *address, size_t bytes, int protection)
{
	return fails() ? -1 : __real_mprotect(address, bytes, protection);
}

static void block(void *head)
{
	coro_switch(head, &thread);
	coro_exit_to(head, &thread);
}

/* Opens a pool and coroutines of both kinds, more than the first slab holds, and closes all of it.
 * A call that fails must leave its out-parameter alone, and succeed when it is repeated. */
static void open_and_close(void)
{
	enum { COROS = 20 };
	struct coro *coros[COROS];
	struct coro_pool *pool = NULL;
	struct coro_stats stats;

	if (coro_pool_open(STACK_BYTES, &pool) < 0) {
		CHECK(!pool);
		CHECK(coro_pool_open(STACK_BYTES, &pool) == 0);
	}
	for (size_t i = 0; i < COROS; i++) {
		size_t stack_bytes = i % 4 == 3 ? 100000 : 0;
		void *head = NULL;
		int r = coro_open(pool, stack_bytes, HEAD_BYTES, block, &head);

		if (r < 0) {
			CHECK(r == -ENOMEM && !head);
			coro_pool_stats(pool, &stats);
			CHECK(stats.live == i && stats.mapped_bytes == mapped_bytes);
			CHECK(coro_open(pool, stack_bytes, HEAD_BYTES, block, &head) == 0);
		}
		coros[i] = head;
		coro_switch(&thread, coros[i]);
	}
	coro_pool_stats(pool, &stats);
	CHECK(stats.live == COROS && stats.mapped_bytes == mapped_bytes);
	for (size_t i = 0; i < COROS; i++) {
		coro_switch(&thread, coros[i]);
		coro_close(pool, coros[i]);
	}
	coro_pool_close(pool);
	CHECK(mapped_bytes == 0);
}

static void sweep(void)
{
	int n = 0;

	do {
		countdown = ++n;
		fault_hit = false;
		open_and_close();
	} while (fault_hit && n < 1000);
	countdown = 0;
	printf("# %d calls can fail\n", n - 1);
	CHECK(n > 20 && n < 1000);
}

static void every_allocation_can_fail(void)
{
	sweep();
}

static void every_allocation_can_fail_without_kernel_guards(void)
{
	bool saved = guard_by_mprotect;

	without_guards = true;
	sweep();
	CHECK(guard_by_mprotect);
	without_guards = false;
	guard_by_mprotect = saved;
}

static const struct coro *nobody(struct coro_name *ret_name)
{
	(void)ret_name;
	return NULL;
}

/* The first call in the thread: it has an alternate stack to map. Under ASan it has one already. */
static void watching_reports_that_there_is_no_memory(void)
{
	int r;

	mapped_bytes = 0;
	fault_hit = false;
	countdown = 1;
	r = coro_watch_overflow(nobody);
	countdown = 0;
	CHECK(fault_hit ? r == -ENOMEM && mapped_bytes == 0 : r == 0);
	CHECK(coro_watch_overflow(nobody) == 0);
}

static void nothing(void)
{
}

int main(void)
{
	static const struct tap_test tests[] = {
		TEST(every_allocation_can_fail),
		TEST(every_allocation_can_fail_without_kernel_guards),
		TEST(watching_reports_that_there_is_no_memory),
	};

	coro_thread_init(&thread);
	return tap_main(tests, sizeof(tests) / sizeof(tests[0]), nothing, nothing);
}
