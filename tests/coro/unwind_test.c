/* SPDX-License-Identifier: MIT */

/* The calls that a coroutine is in. What a function notes of its caller,
 * __builtin_return_address(), is what has to be found. */

#include "coro/coro.h"
#include "coro/unwind.h"
#include "tap.h"

#include <stdlib.h>

enum { CALLS = 3, FRAMES = 64 };

static struct coro_pool *pool;
static struct coro thread, *coro;
static void (*innermost_does)(void);

static const void *noted[CALLS], *seen[FRAMES], *functions[FRAMES];
static size_t n_noted, n_seen, n_wanted;
static volatile int result;

static bool see(void *arg, const struct coro_frame *frame)
{
	CHECK(arg == &n_seen);
	seen[n_seen] = frame->pc;
	functions[n_seen++] = frame->function;
	return n_seen < n_wanted;
}

static void look(bool running)
{
	n_seen = 0;
	coro_unwind(coro, running, see, &n_seen);
}

static __attribute__((noinline)) void innermost(void)
{
	noted[n_noted++] = __builtin_return_address(0);
	innermost_does();
	result++;
}

static __attribute__((noinline)) void middle(void)
{
	innermost();
	noted[n_noted++] = __builtin_return_address(0);
	result++;
}

static __attribute__((noinline)) void outer(void)
{
	middle();
	noted[n_noted++] = __builtin_return_address(0);
	result++;
}

static void body(void *head)
{
	outer();
	result++;
	coro_exit_to(head, &thread);
}

static void suspend(void)
{
	coro_switch(coro, &thread);
	result++;
}

static void look_around(void)
{
	look(true);
	result++;
}

static void start(void (*action)(void))
{
	void *head = NULL;

	if (coro_open(pool, 0, sizeof(struct coro), body, &head) < 0)
		abort();
	coro = head;
	innermost_does = action;
	n_noted = 0;
	n_wanted = FRAMES;
	coro_switch(&thread, coro);
}

static void finish(void)
{
	coro_switch(&thread, coro);
	coro_close(pool, coro);
}

/* Where the calls that were noted begin among what was seen, or -1. */
static int find_noted(void)
{
	for (size_t i = 0; i + CALLS <= n_seen; i++) {
		size_t same = 0;

		while (same < CALLS && seen[i + same] == noted[same])
			same++;
		if (same == CALLS)
			return (int)i;
	}
	return -1;
}

static void calls_of_a_suspended_one(void)
{
	start(suspend);
	look(false);
	finish();
	CHECK(n_noted == CALLS);
	/* Before them come innermost(), suspend(), and what is inlined into that elsewhere. */
	CHECK(find_noted() >= 1 && find_noted() <= 6);
}

static void looking_does_not_disturb(void)
{
	start(suspend);
	result = 0;
	for (int i = 0; i < 100; i++)
		look(false);
	finish();
	CHECK(result == 5);
}

static void calls_of_a_running_one(void)
{
	start(look_around);
	coro_close(pool, coro);
	CHECK(n_noted == CALLS);
	CHECK(find_noted() > 0);
}

static void as_many_as_are_wanted(void)
{
	start(suspend);
	look(false);
	CHECK(n_seen > 3);
	n_wanted = 3;
	look(false);
	CHECK(n_seen == 3);
	finish();
}

/* Its frames are those of its beginning: nothing of ours, and an end. */
static void one_that_has_not_begun(void)
{
	void *head = NULL;

	if (coro_open(pool, 0, sizeof(struct coro), body, &head) < 0)
		abort();
	coro = head;
	n_wanted = FRAMES;
	look(false);
	CHECK(n_seen < 4);
	for (size_t i = 0; i < n_seen; i++)
		CHECK(functions[i] != (const void *)outer);
	coro_close(pool, coro);
}

static __attribute__((noinline)) void recurse(unsigned depth)
{
	if (depth > 0)
		recurse(depth - 1);
	else
		suspend();
	result++;
}

static void go_deep(void)
{
	recurse(200);
}

static size_t n_counted;

static bool count(void *arg, const struct coro_frame *frame)
{
	(void)arg, (void)frame;
	n_counted++;
	return true;
}

static void deep_stacks(void)
{
	start(go_deep);
	n_counted = 0;
	coro_unwind(coro, false, count, NULL);
	CHECK(n_counted >= 200 + CALLS);
	CHECK(n_counted < 200 + CALLS + 20);
	finish();
}

static void before(void)
{
	coro_thread_init(&thread);
	if (coro_pool_open((size_t)256 << 10, &pool) < 0)
		abort();
}

static void after(void)
{
	coro_pool_close(pool);
}

int main(void)
{
	static const struct tap_test tests[] = {
		TEST(calls_of_a_suspended_one),
		TEST(looking_does_not_disturb),
		TEST(calls_of_a_running_one),
		TEST(as_many_as_are_wanted),
		TEST(one_that_has_not_begun),
		TEST(deep_stacks),
	};

	return tap_main(tests, sizeof(tests) / sizeof(tests[0]), before, after);
}
