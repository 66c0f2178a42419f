/* SPDX-License-Identifier: MIT */

/* What is done all the time allocates nothing once it is under way: tasks that yield, sleep, wait
 * for each other, for locks and queues, with timers and timeouts. Every case runs its steps in one
 * task, where it waits for the partner's in another, to warm up (pools fill, rings grow), and then
 * again while each allocation and each mapping is counted. */

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <weft/weft.h>

#include "faults.h"

enum { WARM_UP = 300, COUNTED = 1000 };

struct pair {
	int (*step)(void);
	int (*partner)(void); /* NULL: it needs none */
};

/* Every step of a pair says that it was done, which also shows that both take part. */
static unsigned steps, partner_steps;

static int keep_on(void *arg)
{
	const struct pair *pair = arg;
	int r = 0;

	while (r >= 0) {
		r = pair->partner();
		partner_steps += r >= 0;
	}
	return r == -ECANCELED ? 0 : r;
}

static int do_steps(const struct pair *pair, unsigned n)
{
	for (; n > 0; n--) {
		int r = pair->step();

		if (r < 0)
			return r;
		steps++;
	}
	return 0;
}

static unsigned allocations;

/* Counts without failing: the call that would is never reached. */
static int count_allocations(const struct pair *pair)
{
	const struct fault_plan plan = {.kinds = FAULT_MEMORY | FAULT_MAPPING, .nth = UINT_MAX};
	int r;

	faults_begin(&plan);
	r = do_steps(pair, COUNTED);
	allocations = faults_calls();
	faults_end();
	return r;
}

static int measure(void *arg)
{
	const struct pair *pair = arg;
	weft_task *partner = NULL;
	int result = 0, r = 0;

	steps = partner_steps = 0;
	if (pair->partner)
		r = weft_create_task(keep_on, arg, &partner);
	if (r >= 0)
		r = do_steps(pair, WARM_UP);
	if (r >= 0)
		r = count_allocations(pair);
	if (partner) {
		weft_cancel(partner, NULL);
		if (r >= 0)
			r = weft_await_task(partner, &result);
		weft_task_release(partner);
	}
	return r < 0 ? r : result;
}

static void run_pair(const struct pair *pair)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};

	allocations = UINT_MAX;
	assert_int_equal(weft_run(measure, (void *)pair, &options), 0);
	assert_int_equal(steps, WARM_UP + COUNTED);
	if (pair->partner)
		assert_true(partner_steps >= (WARM_UP + COUNTED) / 2);
}

#define ALLOCATES_NOTHING(test, step, partner)                   \
	static void test(void **state)                           \
	{                                                        \
		static const struct pair pair = {step, partner}; \
                                                                 \
		(void)state;                                     \
		run_pair(&pair);                                 \
		assert_int_equal(allocations, 0);                \
	}

/* --- the loop and its timers ------------------------------------------------------------------ */

static int yield(void)
{
	return weft_sleep(0);
}
ALLOCATES_NOTHING(yielding_allocates_nothing, yield, yield)

static int sleep_briefly(void)
{
	return weft_sleep(WEFT_MS(1));
}
ALLOCATES_NOTHING(sleeping_allocates_nothing, sleep_briefly, sleep_briefly)

static void set_future(void *future)
{
	weft_future_set_result(future, 7);
}

static int await_future(void)
{
	struct weft_future future = {0};
	struct weft_handle handle = {0};
	int result = 0, r;

	weft_call_soon(weft_running_loop(), &handle, set_future, &future);
	r = weft_await(&future, &result);
	return r < 0 || result == 7 ? r : -EPROTO;
}
ALLOCATES_NOTHING(futures_allocate_nothing, await_future, await_future)

static void count_up(void *n)
{
	++*(unsigned *)n;
}

/* A future's callbacks: one runs, one is taken away before. */
static int call_back(void)
{
	struct weft_handle kept = {0}, removed = {0};
	struct weft_future future = {0};
	unsigned n = 0, never = 0;
	int r;

	weft_future_add_done_callback(&future, &kept, count_up, &n);
	weft_future_add_done_callback(&future, &removed, count_up, &never);
	weft_future_remove_done_callback(&future, count_up, &never);
	weft_future_set_result(&future, 0);
	r = weft_sleep(0);
	return r < 0 || (n == 1 && never == 0) ? r : -EPROTO;
}
ALLOCATES_NOTHING(callbacks_allocate_nothing, call_back, NULL)

static int use_timers(void)
{
	struct weft_handle fires = {0}, cancelled = {0};
	weft_loop *loop = weft_running_loop();
	unsigned n = 0, never = 0;
	int r;

	weft_call_later(loop, &fires, WEFT_MS(1), count_up, &n);
	weft_call_later(loop, &cancelled, WEFT_US(1), count_up, &never);
	weft_handle_cancel(&cancelled);
	r = weft_sleep(WEFT_MS(2));
	return r < 0 || (n == 1 && never == 0) ? r : -EPROTO;
}
ALLOCATES_NOTHING(timers_allocate_nothing, use_timers, NULL)

static int time_out(void)
{
	int r = 0;

	WEFT_TIMEOUT(r, WEFT_MS(1))
		r = weft_sleep(WEFT_S(1));
	if (r != -ETIMEDOUT)
		return r < 0 ? r : -EPROTO;
	r = 0;
	WEFT_TIMEOUT(r, WEFT_S(1))
		r = weft_sleep(0);
	return r;
}
ALLOCATES_NOTHING(timeouts_allocate_nothing, time_out, NULL)

/* --- tasks: their stacks are pooled ----------------------------------------------------------- */

static int return_at_once(void *unused)
{
	(void)unused;
	return 0;
}

static int spawn_and_await(void)
{
	weft_task *task;
	int r = weft_create_task(return_at_once, NULL, &task);

	if (r < 0)
		return r;
	r = weft_await_task(task, NULL);
	weft_task_release(task);
	return r;
}
ALLOCATES_NOTHING(tasks_allocate_nothing, spawn_and_await, NULL)

static int run_group(void)
{
	WEFT_GROUP(group);

	for (int i = 0; i < 3; i++) {
		int r = weft_group_spawn(&group, NULL, return_at_once, NULL, NULL);

		if (r < 0)
			return r;
	}
	return weft_group_join(&group, 0);
}
ALLOCATES_NOTHING(groups_allocate_nothing, run_group, NULL)

/* --- synchronisation: both tasks wait for each other in turn ---------------------------------- */

static struct weft_lock lock;

static int hold_lock(void)
{
	int r = weft_lock_acquire(&lock);

	if (r < 0)
		return r;
	r = weft_sleep(0);
	weft_lock_release(&lock);
	return r;
}
ALLOCATES_NOTHING(locks_allocate_nothing, hold_lock, hold_lock)

static struct weft_event event;

static int set_event(void)
{
	int r = weft_sleep(0);

	weft_event_set(&event);
	return r < 0 ? r : weft_sleep(0);
}

static int wait_for_event(void)
{
	int r = weft_event_wait(&event);

	weft_event_clear(&event);
	return r;
}
ALLOCATES_NOTHING(events_allocate_nothing, set_event, wait_for_event)

static struct weft_semaphore semaphore = WEFT_SEMAPHORE(1);

static int hold_semaphore(void)
{
	int r = weft_semaphore_acquire(&semaphore);

	if (r < 0)
		return r;
	r = weft_sleep(0);
	weft_semaphore_release(&semaphore);
	return r;
}
ALLOCATES_NOTHING(semaphores_allocate_nothing, hold_semaphore, hold_semaphore)

static struct weft_condition condition;

static int notify_condition(void)
{
	struct weft_lock *own = weft_condition_lock(&condition);
	int r = weft_lock_acquire(own);

	if (r < 0)
		return r;
	weft_condition_notify(&condition, 1);
	weft_lock_release(own);
	return weft_sleep(0);
}

static int wait_for_condition(void)
{
	struct weft_lock *own = weft_condition_lock(&condition);
	int r = weft_lock_acquire(own);

	if (r < 0)
		return r;
	r = weft_condition_wait(&condition);
	weft_lock_release(own);
	return r;
}
ALLOCATES_NOTHING(conditions_allocate_nothing, notify_condition, wait_for_condition)

static struct weft_barrier barrier = WEFT_BARRIER(2);

static int meet(void)
{
	return weft_barrier_wait(&barrier);
}
ALLOCATES_NOTHING(barriers_allocate_nothing, meet, meet)

/* --- queues: with room for one, so that whoever puts waits for whoever gets ------------------- */

static int compare_ints(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;

	return (left > right) - (left < right);
}

static struct weft_queue fifo = WEFT_QUEUE(int, 1), lifo = WEFT_LIFO_QUEUE(int, 2),
			 priority = WEFT_PRIORITY_QUEUE(int, 2, compare_ints);

#define QUEUE_ALLOCATES_NOTHING(test, queue)                 \
	static int put_into_##queue(void)                    \
	{                                                    \
		int item = (int)steps;                       \
                                                             \
		return weft_queue_put(&queue, &item);        \
	}                                                    \
	static int get_from_##queue(void)                    \
	{                                                    \
		int item, r = weft_queue_get(&queue, &item); \
                                                             \
		if (r >= 0)                                  \
			weft_queue_task_done(&queue);        \
		return r;                                    \
	}                                                    \
	ALLOCATES_NOTHING(test, put_into_##queue, get_from_##queue)

QUEUE_ALLOCATES_NOTHING(queues_allocate_nothing, fifo)
QUEUE_ALLOCATES_NOTHING(lifo_queues_allocate_nothing, lifo)
QUEUE_ALLOCATES_NOTHING(priority_queues_allocate_nothing, priority)

/* --- and that the counting counts ------------------------------------------------------------- */

static int call_from_outside(void)
{
	int r = weft_call_soon_threadsafe(weft_running_loop(), count_up, &partner_steps);

	return r < 0 ? r : weft_sleep(0);
}

static void an_allocation_would_be_seen(void **state)
{
	static const struct pair pair = {call_from_outside, NULL};

	(void)state;
	run_pair(&pair);
	assert_in_range(allocations, 1, UINT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allocation_would_be_seen),
		cmocka_unit_test(yielding_allocates_nothing),
		cmocka_unit_test(sleeping_allocates_nothing),
		cmocka_unit_test(futures_allocate_nothing),
		cmocka_unit_test(callbacks_allocate_nothing),
		cmocka_unit_test(timers_allocate_nothing),
		cmocka_unit_test(timeouts_allocate_nothing),
		cmocka_unit_test(tasks_allocate_nothing),
		cmocka_unit_test(groups_allocate_nothing),
		cmocka_unit_test(locks_allocate_nothing),
		cmocka_unit_test(events_allocate_nothing),
		cmocka_unit_test(semaphores_allocate_nothing),
		cmocka_unit_test(conditions_allocate_nothing),
		cmocka_unit_test(barriers_allocate_nothing),
		cmocka_unit_test(queues_allocate_nothing),
		cmocka_unit_test(lifo_queues_allocate_nothing),
		cmocka_unit_test(priority_queues_allocate_nothing),
	};
	weft_loop *loop = NULL;
	int failed;

	if (weft_loop_open(NULL, &loop) < 0) {
		printf("1..0 # SKIP %s\n", weft_loop_open_error());
		return 0;
	}
	weft_loop_close(loop);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	weft_queue_done(&fifo);
	weft_queue_done(&lifo);
	weft_queue_done(&priority);
	return failed;
}
