/* SPDX-License-Identifier: MIT */

/* Where stacks come from and go to: guards, reuse, colours, sizes, memory, census. */

#include "coro/coro.h"
#include "coro/guard.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)64 << 10)
#define HEAD_BYTES  448

static struct coro_pool *pool; /* a new one for each test */
static struct coro thread;
static size_t page_bytes;

static void block(void *head)
{
	coro_switch(head, &thread);
	coro_exit_to(head, &thread);
}

static struct coro *open_coro(size_t stack_bytes)
{
	void *head = NULL;

	if (coro_open(pool, stack_bytes, HEAD_BYTES, block, &head) < 0)
		abort();
	return head;
}

/* ThreadSanitizer knows 8,000 fibers at most, and Valgrind searches its stacks one by one. */
static size_t many(void)
{
#ifdef SANITIZER_THREAD
	return 3000;
#endif
	return valgrind_runs() ? 3000 : 100000;
}

static bool has_own_mappings(void)
{
#if defined(SANITIZER_ADDRESS) || defined(SANITIZER_THREAD)
	return true;
#endif
	return valgrind_runs() || guard_by_mprotect;
}

static struct coro_stats stats(void)
{
	struct coro_stats stats;

	coro_pool_stats(pool, &stats);
	return stats;
}

/* A system call that is to write there says whether it could. */
static bool writable(void *memory)
{
	return uname(memory) == 0 || errno != EFAULT;
}

static bool resident(void *page)
{
	unsigned char in = 0;

	return mincore((void *)((uintptr_t)page & ~(page_bytes - 1)), 1, &in) == 0 && (in & 1);
}

static size_t lines_of(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t lines = 0;
	int c;

	if (!file)
		return 0;
	while ((c = getc(file)) != EOF)
		lines += c == '\n';
	fclose(file);
	return lines;
}

static size_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*s %zu", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * page_bytes;
}

static void check_guarded(void)
{
	struct coro *first = open_coro(0), *second = open_coro(0), *other = open_coro(100000);
	struct coro *all[] = {first, second, other};

	for (size_t i = 0; i < 3; i++) {
		CHECK(writable(all[i]->stack));
		CHECK(!writable(all[i]->stack - page_bytes));
		CHECK(!writable(all[i]->stack - 400));
		coro_close(pool, all[i]);
	}
}

static void guards_stop_a_write(void)
{
	check_guarded();
	printf("# guards are of the kind: %s\n",
		guard_by_mprotect ? "mprotect" : "MADV_GUARD_INSTALL");
}

static void guards_stop_a_write_by_mprotect(void)
{
	bool saved = guard_by_mprotect;

	guard_by_mprotect = true;
	check_guarded();
	guard_by_mprotect = saved;
}

static void check_guards_survive_giving_memory_back(void)
{
	enum { STACKS = 1500 };
	struct coro **coros = calloc(STACKS, sizeof(*coros));
	char *stack;

	for (size_t i = 0; i < STACKS; i++)
		coros[i] = open_coro(0);
	stack = coros[0]->stack;
	for (size_t i = 0; i < STACKS; i++)
		coro_close(pool, coros[i]);
	CHECK(!resident(stack + STACK_BYTES - 1));
	CHECK(!writable(stack - page_bytes));
	free(coros);
}

static void guards_survive_giving_memory_back(void)
{
	check_guards_survive_giving_memory_back();
}

static void mprotect_guards_survive_giving_memory_back(void)
{
	bool saved = guard_by_mprotect;

	guard_by_mprotect = true;
	check_guards_survive_giving_memory_back();
	guard_by_mprotect = saved;
}

static void latest_stack_is_reused_first(void)
{
	struct coro *first = open_coro(0), *second = open_coro(0);

	coro_close(pool, first);
	coro_close(pool, second);
	CHECK(open_coro(0) == second);
	CHECK(open_coro(0) == first);
	coro_close(pool, first);
	coro_close(pool, second);
}

static void a_reused_stack_runs(void)
{
	for (int i = 0; i < 100; i++) {
		struct coro *coro = open_coro(0);

		coro_switch(&thread, coro);
		coro_switch(&thread, coro);
		coro_close(pool, coro);
	}
	CHECK(stats().pooled == 1);
}

static void tops_have_eight_colours(void)
{
	enum { STACKS = 32 };
	struct coro *coros[STACKS];
	unsigned seen[8] = {0};

	for (size_t i = 0; i < STACKS; i++) {
		coros[i] = open_coro(0);
		size_t free_bytes =
			(size_t)(coros[i]->stack + STACK_BYTES - (char *)coros[i]) - HEAD_BYTES;

		CHECK(free_bytes % 128 == 0 && free_bytes / 128 < 8);
		seen[free_bytes / 128 % 8]++;
	}
	for (size_t i = 0; i < 8; i++)
		CHECK(seen[i] == 4);
	for (size_t i = 0; i < STACKS; i++)
		coro_close(pool, coros[i]);
}

static void a_reused_stack_keeps_its_colour(void)
{
	struct coro *coros[20];

	for (size_t i = 0; i < 20; i++)
		coros[i] = open_coro(0);
	for (size_t i = 0; i < 20; i++)
		coro_close(pool, coros[i]);
	for (size_t i = 20; i-- > 0;)
		CHECK(open_coro(0) == coros[i]);
	for (size_t i = 0; i < 20; i++)
		coro_close(pool, coros[i]);
}

static void other_sizes_are_rounded_up_to_pages(void)
{
	struct coro *coro = open_coro(100000);

	CHECK(coro->stack_bytes == (100000 + page_bytes - 1) / page_bytes * page_bytes);
	CHECK(writable(coro->stack));
	coro_close(pool, coro);
}

static void other_sizes_are_unmapped(void)
{
	struct coro *coro = open_coro(100000);
	char *stack = coro->stack;
	unsigned char in;

	CHECK(stats().mapped_bytes == coro->stack_bytes + page_bytes);
	coro_close(pool, coro);
	CHECK(stats().mapped_bytes == 0);
	CHECK(stats().pooled == 0);
	CHECK(mincore(stack, page_bytes, &in) < 0 && errno == ENOMEM);
}

static void a_size_that_rounds_to_the_pools_is_pooled(void)
{
	struct coro *coro = open_coro(STACK_BYTES - 1);

	coro_close(pool, coro);
	CHECK(stats().pooled == 1);
}

static void a_tiny_size_is_raised(void)
{
	struct coro *coro = open_coro(1);

	CHECK(coro->stack_bytes >= 8192);
	coro_switch(&thread, coro);
	coro_switch(&thread, coro);
	coro_close(pool, coro);
}

static void an_impossible_size_is_refused(void)
{
	void *head = &thread;

	CHECK(coro_open(pool, SIZE_MAX, HEAD_BYTES, block, &head) == -ENOMEM);
	CHECK(coro_open(pool, SIZE_MAX / 2, HEAD_BYTES, block, &head) == -ENOMEM);
	CHECK(head == &thread);
	CHECK(stats().live == 0 && stats().mapped_bytes == 0);
}

static void an_impossible_pool_is_refused(void)
{
	struct coro_pool *other = NULL;

	CHECK(coro_pool_open(SIZE_MAX, &other) == -ENOMEM);
	CHECK(!other);
}

static void census_counts(void)
{
	struct coro *first = open_coro(0), *second = open_coro(0), *other = open_coro(100000);

	CHECK(stats().live == 3 && stats().peak == 3 && stats().pooled == 0);
	CHECK(stats().mapped_bytes >=
		2 * (STACK_BYTES + page_bytes) + other->stack_bytes + page_bytes);
	coro_close(pool, first);
	coro_close(pool, other);
	CHECK(stats().live == 1 && stats().peak == 3 && stats().pooled == 1);
	coro_close(pool, second);
	CHECK(stats().live == 0 && stats().peak == 3 && stats().pooled == 2);
}

static void free_stacks_give_memory_back(void)
{
	enum { STACKS = 2000 };
	struct coro **coros = calloc(STACKS, sizeof(*coros));
	size_t kept = 0;

	for (size_t i = 0; i < STACKS; i++) {
		coros[i] = open_coro(0);
		coro_switch(&thread, coros[i]);
	}
	for (size_t i = 0; i < STACKS; i++)
		coro_close(pool, coros[i]);
	for (size_t i = 0; i < STACKS; i++)
		kept += resident(coros[i]);
	CHECK(kept >= 1024 && kept < 1024 + 64);
	CHECK(!resident(coros[0]));
	CHECK(resident(coros[STACKS - 1]));
	free(coros);
}

/* In an order in which hardly any two are neighbours. */
static void free_stacks_give_memory_back_in_any_order(void)
{
	enum { STACKS = 2048 };
	struct coro **coros = calloc(STACKS, sizeof(*coros));
	size_t kept = 0;

	for (size_t i = 0; i < STACKS; i++)
		coros[i] = open_coro(0);
	for (size_t i = 0; i < STACKS; i++)
		coro_close(pool, coros[i * 1021 % STACKS]);
	for (size_t i = 0; i < STACKS; i++)
		kept += resident(coros[i]);
	CHECK(kept >= 1024 && kept < 1024 + 64);
	CHECK(stats().pooled == STACKS);
	free(coros);
}

static void a_stack_without_memory_can_be_reused(void)
{
	enum { STACKS = 1500 };
	struct coro **coros = calloc(STACKS, sizeof(*coros));

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < STACKS; i++) {
			coros[i] = open_coro(0);
			coro_switch(&thread, coros[i]);
		}
		for (size_t i = 0; i < STACKS; i++) {
			coro_switch(&thread, coros[i]);
			coro_close(pool, coros[i]);
		}
	}
	CHECK(stats().pooled == STACKS);
	free(coros);
}

/* As many as there can be: with mprotect() for guards, vm.max_map_count is the limit. */
static size_t open_blocked(struct coro **coros, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		void *head = NULL;

		if (coro_open(pool, 0, HEAD_BYTES, block, &head) < 0)
			return i;
		coros[i] = head;
		coro_switch(&thread, coros[i]);
	}
	return n;
}

static void very_many_coroutines(void)
{
	size_t n = many(), opened;
	struct coro **coros = calloc(n, sizeof(*coros));

	opened = open_blocked(coros, n);
	printf("# %zu coroutines\n", opened);
	CHECK(opened == n || (guard_by_mprotect && opened > 1000));
	for (size_t i = 0; i < opened; i++) {
		coro_switch(&thread, coros[i]);
		coro_close(pool, coros[i]);
	}
	CHECK(stats().live == 0 && stats().peak == opened);
	free(coros);
}

static void very_many_stacks_are_few_mappings(void)
{
	enum { STACKS = 20000 };
	struct coro **coros;
	size_t before;

	if (has_own_mappings()) {
		SKIP("a sanitizer or emulator has mappings of its own for each stack");
		return;
	}
	coros = calloc(STACKS, sizeof(*coros));
	before = lines_of("/proc/self/maps");
	CHECK(open_blocked(coros, STACKS) == STACKS);
	CHECK(lines_of("/proc/self/maps") <= before + 20);
	for (size_t i = 0; i < STACKS; i++)
		coro_close(pool, coros[i]);
	free(coros);
}

/* One page, and a part of the pool's own memory. */
static void a_blocked_coroutine_costs_a_page(void)
{
	enum { STACKS = 10000 };
	struct coro **coros;
	size_t before, each;

	if (has_own_mappings()) {
		SKIP("a sanitizer or emulator has memory of its own for each stack");
		return;
	}
	coros = calloc(STACKS, sizeof(*coros));
	memset(coros, 1, STACKS * sizeof(*coros));
	before = resident_bytes();
	CHECK(open_blocked(coros, STACKS) == STACKS);
	each = (resident_bytes() - before) / STACKS;
	printf("# %zu bytes each\n", each);
	CHECK(each >= page_bytes && each < page_bytes + CONTEXT_BYTES);
	for (size_t i = 0; i < STACKS; i++)
		coro_close(pool, coros[i]);
	free(coros);
}

static void closing_no_pool_does_nothing(void)
{
	coro_pool_close(NULL);
}

static void open_pool(void)
{
	if (coro_pool_open(STACK_BYTES, &pool) < 0)
		abort();
}

static void close_pool(void)
{
	coro_pool_close(pool);
}

int main(void)
{
	static const struct tap_test tests[] = {
		TEST(guards_stop_a_write),
		TEST(guards_stop_a_write_by_mprotect),
		TEST(guards_survive_giving_memory_back),
		TEST(mprotect_guards_survive_giving_memory_back),
		TEST(latest_stack_is_reused_first),
		TEST(a_reused_stack_runs),
		TEST(tops_have_eight_colours),
		TEST(a_reused_stack_keeps_its_colour),
		TEST(other_sizes_are_rounded_up_to_pages),
		TEST(other_sizes_are_unmapped),
		TEST(a_size_that_rounds_to_the_pools_is_pooled),
		TEST(a_tiny_size_is_raised),
		TEST(an_impossible_size_is_refused),
		TEST(an_impossible_pool_is_refused),
		TEST(census_counts),
		TEST(free_stacks_give_memory_back),
		TEST(free_stacks_give_memory_back_in_any_order),
		TEST(a_stack_without_memory_can_be_reused),
		TEST(very_many_coroutines),
		TEST(very_many_stacks_are_few_mappings),
		TEST(a_blocked_coroutine_costs_a_page),
		TEST(closing_no_pool_does_nothing),
	};

	page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	coro_thread_init(&thread);
	return tap_main(tests, sizeof(tests) / sizeof(tests[0]), open_pool, close_pool);
}
