/* SPDX-License-Identifier: MIT */

/* What a switch keeps: registers, stack, order. */

#include "coro/coro.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define STACK_BYTES ((size_t)64 << 10)

struct job {
	struct coro coro;
	void (*run)(struct job *job);
	struct coro *back; /* where the job switches to */
	struct job *peer;
	long result;
	bool entered, done;
	void *entered_with;
};

static struct coro_pool *pool;
static struct coro thread;

static void enter(void *head)
{
	struct job *job = head;

	job->entered = true;
	job->entered_with = head;
	job->run(job);
	job->done = true;
	coro_exit_to(&job->coro, job->back);
}

static struct job *open_job(void (*run)(struct job *job))
{
	void *head = NULL;
	struct job *job;

	if (coro_open(pool, 0, sizeof(*job), enter, &head) < 0)
		abort();
	job = head;
	job->run = run;
	job->back = &thread;
	job->peer = NULL;
	job->result = 0;
	job->entered = job->done = false;
	return job;
}

static void close_job(struct job *job)
{
	coro_close(pool, &job->coro);
}

static void resume(struct job *job)
{
	coro_switch(&thread, &job->coro);
}

static void suspend(struct job *job)
{
	coro_switch(&job->coro, job->back);
}

static void nothing(struct job *job)
{
	(void)job;
}

static void opening_does_not_run_it(void)
{
	struct job *job = open_job(nothing);

	CHECK(!job->entered);
	close_job(job);
}

static void entry_gets_the_head(void)
{
	struct job *job = open_job(nothing);

	resume(job);
	CHECK(job->entered_with == job);
	CHECK(job->done);
	close_job(job);
}

static void head_is_aligned_to_64(void)
{
	for (size_t bytes = sizeof(struct coro); bytes <= CORO_HEAD_BYTES_MOST; bytes += 8) {
		void *head = NULL;

		CHECK(coro_open(pool, 0, bytes, enter, &head) == 0);
		CHECK((uintptr_t)head % 64 == 0);
		coro_close(pool, head);
	}
}

static void count_to_three(struct job *job)
{
	for (int i = 0; i < 3; i++) {
		job->result++;
		suspend(job);
	}
}

static void continues_where_it_left_off(void)
{
	struct job *job = open_job(count_to_three);

	for (long i = 1; i <= 3; i++) {
		resume(job);
		CHECK(job->result == i && !job->done);
	}
	resume(job);
	CHECK(job->done);
	close_job(job);
}

/* More values than there are registers that a call keeps, all alive across the switch. The compiler
 * cannot know them, so it has to keep them, and both sides fill the same registers. */
static bool keeps_values(volatile long seed, void (*leave)(struct job *job), struct job *job)
{
	long a = seed + 1, b = seed + 2, c = seed + 3, d = seed + 4, e = seed + 5, f = seed + 6,
	     g = seed + 7, h = seed + 8, i = seed + 9, j = seed + 10, k = seed + 11, l = seed + 12;
	double p = (double)seed / 3, q = (double)seed / 5, r = (double)seed / 7,
	       s = (double)seed / 9, t = (double)seed / 11, u = (double)seed / 13,
	       v = (double)seed / 17, w = (double)seed / 19, x = (double)seed / 23;

	leave(job);
	return a == seed + 1 && b == seed + 2 && c == seed + 3 && d == seed + 4 && e == seed + 5 &&
	       f == seed + 6 && g == seed + 7 && h == seed + 8 && i == seed + 9 && j == seed + 10 &&
	       k == seed + 11 && l == seed + 12 && p == (double)seed / 3 && q == (double)seed / 5 &&
	       r == (double)seed / 7 && s == (double)seed / 9 && t == (double)seed / 11 &&
	       u == (double)seed / 13 && v == (double)seed / 17 && w == (double)seed / 19 &&
	       x == (double)seed / 23;
}

static void keep_own_values(struct job *job)
{
	job->result = keeps_values(2000, suspend, job);
}

static void registers_survive(void)
{
	struct job *job = open_job(keep_own_values);

	CHECK(keeps_values(1000, resume, job));
	CHECK(keeps_values(3000, resume, job));
	CHECK(job->done && job->result == 1);
	close_job(job);
}

static void print_a_double(struct job *job)
{
	char text[32];

	/* Takes aligned vector stores on the stack: faults where the entry's frame is not aligned.
	 */
	snprintf(text, sizeof(text), "%.3f %Lg", 2.5, 1.25L);
	job->result = strcmp(text, "2.500 1.25") == 0;
}

static void stack_is_aligned_for_calls(void)
{
	struct job *job = open_job(print_a_double);

	resume(job);
	CHECK(job->result == 1);
	close_job(job);
}

static long descend(volatile char *above, size_t left)
{
	volatile char frame[512];

	memset((void *)frame, (int)left, sizeof(frame));
	if (left == 0)
		return above[0];
	return descend(frame, left - 1) + (frame[1] == (char)left);
}

/* 48 frames of some 600 bytes; a sanitizer pads them. */
static void recurse(struct job *job)
{
	volatile char top[1] = {0};

	job->result = descend(top, 48);
	suspend(job);
	job->result += descend(top, 48);
}

static void deep_recursion_fits(void)
{
	struct job *job = open_job(recurse);

	resume(job);
	CHECK(job->result == 48 + 1);
	resume(job);
	CHECK(job->done && job->result == 2 * (48 + 1));
	close_job(job);
}

static void go_to_peer(struct job *job)
{
	coro_switch(&job->coro, &job->peer->coro);
	job->result = 1;
}

static void return_to_peer(struct job *job)
{
	job->result = 2;
	coro_switch(&job->coro, &job->peer->coro);
	job->result = 3;
}

static void coroutines_switch_to_each_other(void)
{
	struct job *first = open_job(go_to_peer), *second = open_job(return_to_peer);

	first->peer = second;
	second->peer = first;
	resume(first);
	CHECK(first->done && first->result == 1);
	CHECK(!second->done && second->result == 2);
	resume(second);
	CHECK(second->done && second->result == 3);
	close_job(first);
	close_job(second);
}

static void add_up(struct job *job)
{
	for (int i = 0; i < 3; i++)
		job->result += coro_switch_value(&job->coro, job->back, (int)job->result + 1);
}

static void a_switch_hands_a_value_over(void)
{
	struct job *job = open_job(add_up);

	CHECK(coro_switch_value(&thread, &job->coro, 1000) == 1); /* nobody gets the first */
	CHECK(coro_switch_value(&thread, &job->coro, 10) == 11);
	CHECK(coro_switch_value(&thread, &job->coro, -30) == -19);
	CHECK(coro_switch_value(&thread, &job->coro, -1) == 0); /* of coro_exit_to() */
	CHECK(job->result == 10 - 30 - 1);
	close_job(job);
}

static void spawn_from_within(struct job *job)
{
	struct job *inner = open_job(nothing);

	inner->back = &job->coro;
	coro_switch(&job->coro, &inner->coro);
	job->result = inner->done;
	close_job(inner);
}

static void a_coroutine_opens_and_closes_another(void)
{
	struct job *job = open_job(spawn_from_within);

	resume(job);
	CHECK(job->done && job->result == 1);
	close_job(job);
}

static void a_suspended_coroutine_can_be_closed(void)
{
	struct job *job = open_job(count_to_three);
	struct coro_stats stats;

	resume(job);
	close_job(job);
	coro_pool_stats(pool, &stats);
	CHECK(stats.live == 0);
}

static void many_interleave(void)
{
	enum { JOBS = 100 };
	struct job *jobs[JOBS];
	long sum = 0;

	for (int i = 0; i < JOBS; i++)
		jobs[i] = open_job(count_to_three);
	for (int round = 0; round < 4; round++)
		for (int i = JOBS; i-- > 0;)
			resume(jobs[i]);
	for (int i = 0; i < JOBS; i++) {
		CHECK(jobs[i]->done);
		sum += jobs[i]->result;
		close_job(jobs[i]);
	}
	CHECK(sum == 3L * JOBS);
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
		TEST(opening_does_not_run_it),
		TEST(entry_gets_the_head),
		TEST(head_is_aligned_to_64),
		TEST(continues_where_it_left_off),
		TEST(registers_survive),
		TEST(stack_is_aligned_for_calls),
		TEST(deep_recursion_fits),
		TEST(coroutines_switch_to_each_other),
		TEST(a_switch_hands_a_value_over),
		TEST(a_coroutine_opens_and_closes_another),
		TEST(a_suspended_coroutine_can_be_closed),
		TEST(many_interleave),
	};

	coro_thread_init(&thread);
	return tap_main(tests, sizeof(tests) / sizeof(tests[0]), open_pool, close_pool);
}
