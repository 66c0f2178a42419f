/* SPDX-License-Identifier: MIT */

/* What other threads may do with a loop. Threads only note results: the expectations are the loop's
 * thread's. */

#include "api.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static pthread_t start_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, fn, arg) != 0)
		abort();
	return thread;
}

/* Yields until a thread has done its part. */
static void spin_until(atomic_int *flag)
{
	while (!atomic_load(flag))
		spin(1);
}

/* --- coroutines for other threads ------------------------------------------------------------- */

struct errand {
	weft_loop *loop;
	weft_fn fn;
	void *arg;
	weft_ns timeout;
	bool then_cancel;

	int r, outcome, cancelled, r_after;
	char message[64];
	atomic_int started, over;
};

static void *run_errand(void *arg)
{
	struct errand *errand = arg;
	weft_concurrent_future *future = NULL;
	const struct weft_error *error;

	errand->r = weft_run_coroutine_threadsafe(errand->loop, errand->fn, errand->arg, &future);
	while (errand->then_cancel && !atomic_load(&errand->started))
		sched_yield();
	if (errand->r == 0)
		errand->r =
			weft_concurrent_future_result(future, errand->timeout, &errand->outcome);
	if (errand->then_cancel) {
		errand->cancelled = weft_concurrent_future_cancel(future);
		errand->r_after = weft_concurrent_future_result(future, 0, &errand->outcome);
	}
	error = weft_concurrent_future_error(future);
	snprintf(errand->message, sizeof(errand->message), "%s",
		error && error->message ? error->message : "");
	weft_concurrent_future_release(future);
	atomic_store(&errand->over, 1);
	return NULL;
}

static void do_errand(struct errand *errand)
{
	pthread_t thread;

	errand->loop = weft_running_loop();
	thread = start_thread(run_errand, errand);
	spin_until(&errand->over);
	pthread_join(thread, NULL);
}

static int add_and_yield(void *value)
{
	spin(2);
	return (int)(intptr_t)value + 1;
}

IN_TASK_AND_TIME(a_thread_gets_what_its_coroutine_returned)
{
	struct errand errand = {.fn = add_and_yield, .arg = (void *)4, .timeout = WEFT_NEVER};

	do_errand(&errand);
	EXPECT_INT(errand.r, 0);
	EXPECT_INT(errand.outcome, 5);
	return 0;
}

static int raise_with_words(void *unused)
{
	(void)unused;
	return weft_raise(-EPROTO, "in words");
}

IN_TASK_AND_TIME(or_its_error_with_the_message)
{
	struct errand errand = {.fn = raise_with_words, .timeout = WEFT_S(50)};

	do_errand(&errand);
	EXPECT_INT(errand.r, 0);
	EXPECT_INT(errand.outcome, -EPROTO);
	EXPECT_TEXT(errand.message, "in words");
	return 0;
}

static int cancel_self(void *unused)
{
	(void)unused;
	weft_cancel(weft_current_task(), NULL);
	return weft_sleep(WEFT_NEVER);
}

IN_TASK_AND_TIME(or_that_it_was_cancelled)
{
	struct errand errand = {.fn = cancel_self, .timeout = WEFT_NEVER};

	do_errand(&errand);
	EXPECT_INT(errand.r, 0);
	EXPECT_INT(errand.outcome, -ECANCELED);
	return 0;
}

static int sleep_for_ever(void *started)
{
	int r;

	atomic_store((atomic_int *)started, 1);
	r = weft_sleep(WEFT_NEVER);
	say("task:%d", r);
	return r;
}

IN_TASK_AND_TIME(a_thread_does_not_wait_longer_than_it_wants)
{
	struct errand errand = {.fn = sleep_for_ever, .timeout = WEFT_MS(1), .then_cancel = true};

	errand.arg = &errand.started;
	do_errand(&errand);
	EXPECT_INT(errand.r, -ETIMEDOUT);
	EXPECT_INT(errand.cancelled, 1);
	EXPECT_INT(errand.r_after, 0);
	EXPECT_INT(errand.outcome, -ECANCELED);
	while (weft_all_tasks(weft_running_loop(), NULL, NULL, 0) > 1)
		spin(1);
	EXPECT_TRACE("task:-125");
	return 0;
}

static void note_done(void *flag)
{
	(*(int *)flag)++;
}

IN_TASK_AND_TIME(the_loops_own_thread_does_not_wait_for_itself)
{
	weft_concurrent_future *future = NULL;
	int r = 0, called = 0;

	EXPECT_INT(weft_run_coroutine_threadsafe(
			   weft_running_loop(), add_and_yield, (void *)1, &future),
		0);
	EXPECT_INT(weft_concurrent_future_add_done_callback(future, note_done, &called), 0);
	EXPECT_INT(weft_concurrent_future_result(future, WEFT_NEVER, &r), -EDEADLK);
	EXPECT(!weft_concurrent_future_done(future));
	EXPECT_INT(called, 0);
	while (!weft_concurrent_future_done(future))
		spin(1);
	EXPECT_INT(called, 1);
	EXPECT_INT(weft_concurrent_future_result(future, WEFT_NEVER, &r), 0);
	EXPECT_INT(r, 2);
	EXPECT_INT(weft_concurrent_future_result(future, 0, NULL), 0);
	EXPECT_INT(weft_concurrent_future_add_done_callback(future, note_done, &called), 0);
	EXPECT_INT(called, 2);
	EXPECT(!weft_concurrent_future_cancelled(future));
	EXPECT_INT(weft_concurrent_future_cancel(future), 0);
	weft_concurrent_future_release(future);
	return 0;
}

static int say_steps(void *unused)
{
	(void)unused;
	say("first-step");
	say("%d", weft_sleep(WEFT_NEVER));
	return -ECANCELED;
}

/* As CPython 3.13 does: the request goes behind the task's first step. The iterations are counted,
 * so the call is the loop's own. */
IN_TASK(one_cancelled_before_the_loop_heard_of_it_takes_its_first_step)
{
	weft_concurrent_future *future = NULL;
	int called = 0;

	EXPECT_INT(weft_run_coroutine_threadsafe(weft_running_loop(), say_steps, NULL, &future), 0);
	EXPECT_INT(weft_concurrent_future_add_done_callback(future, note_done, &called), 0);
	EXPECT_INT(weft_concurrent_future_cancel(future), 1);
	EXPECT_INT(weft_concurrent_future_cancel(future), 1);
	EXPECT_INT(called, 1);
	EXPECT(weft_concurrent_future_cancelled(future));
	for (int i = 0; i < 4; i++) {
		say("it%d", i);
		spin(1);
	}
	EXPECT_TRACE("it0 it1 first-step it2 -125 it3");
	EXPECT_INT(weft_all_tasks(weft_running_loop(), NULL, NULL, 0), 1);
	weft_concurrent_future_release(future);
	return 0;
}

static int fail_when_cancelled(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_sleep(WEFT_NEVER), -ECANCELED);
	return -EIO;
}

/* The future is cancelled: nobody will see the error there. */
IN_TASK(an_error_behind_a_cancelled_future_is_reported)
{
	weft_concurrent_future *future = NULL;

	EXPECT_INT(weft_run_coroutine_threadsafe(
			   weft_running_loop(), fail_when_cancelled, NULL, &future),
		0);
	spin(2);
	EXPECT_INT(weft_concurrent_future_cancel(future), 1);
	spin(4);
	EXPECT_REPORT("Task exception was never retrieved -5");
	weft_concurrent_future_release(future);
	return 0;
}

IN_TASK(nobody_needs_to_keep_the_future)
{
	weft_concurrent_future *future = NULL;

	EXPECT_INT(
		weft_run_coroutine_threadsafe(weft_running_loop(), say_coroutine, "runs", &future),
		0);
	weft_concurrent_future_release(future);
	spin(3);
	EXPECT_TRACE("runs");
	weft_concurrent_future_release(NULL);
	return 0;
}

IN_TASK(calls_of_the_loops_own_thread_keep_their_place)
{
	EXPECT_INT(weft_call_soon_threadsafe(weft_running_loop(), say_callback, "one"), 0);
	say_soon("two");
	EXPECT_INT(weft_call_soon_threadsafe(weft_running_loop(), say_callback, "three"), 0);
	spin(1);
	EXPECT_TRACE("one two three");
	return 0;
}

static struct weft_var word = {.name = "word", .default_value = "-"};

static int say_word(void *unused)
{
	(void)unused;
	say("%s", (const char *)weft_var_get(&word));
	return 0;
}

static void *errand_with_word(void *errand)
{
	weft_var_set(&word, "thread's", NULL);
	return run_errand(errand);
}

IN_TASK_AND_TIME(the_coroutine_has_the_callers_context)
{
	struct errand errand = {.loop = weft_running_loop(), .fn = say_word, .timeout = WEFT_NEVER};
	pthread_t thread = start_thread(errand_with_word, &errand);

	spin_until(&errand.over);
	pthread_join(thread, NULL);
	EXPECT_INT(errand.r, 0);
	EXPECT_TRACE("thread's");
	return 0;
}

/* --- the loop's end --------------------------------------------------------------------------- */

enum { WAITERS = 8 };

/* A job that a thread has handed in, and then waits for. */
struct waiter {
	pthread_t thread;
	weft_loop *loop;
	atomic_int handed_in, started;
	weft_concurrent_future *future;
	int r, outcome;
};

static void *hand_in_and_wait(void *arg)
{
	struct waiter *waiter = arg;

	waiter->r = weft_run_coroutine_threadsafe(
		waiter->loop, sleep_for_ever, &waiter->started, &waiter->future);
	atomic_store(&waiter->handed_in, 1);
	if (waiter->r == 0)
		waiter->r =
			weft_concurrent_future_result(waiter->future, WEFT_NEVER, &waiter->outcome);
	weft_concurrent_future_release(waiter->future);
	return NULL;
}

static void start_waiters(weft_loop *loop, struct waiter waiters[])
{
	for (int i = 0; i < WAITERS; i++) {
		waiters[i] = (struct waiter){.loop = loop};
		waiters[i].thread = start_thread(hand_in_and_wait, &waiters[i]);
	}
	for (int i = 0; i < WAITERS; i++)
		while (!atomic_load(&waiters[i].handed_in))
			sched_yield();
}

static void expect_cancelled(struct waiter waiters[])
{
	for (int i = 0; i < WAITERS; i++) {
		pthread_join(waiters[i].thread, NULL);
		EXPECT_INT(waiters[i].r, 0);
		EXPECT_INT(waiters[i].outcome, -ECANCELED);
	}
}

static void whoever_waits_when_the_loop_is_closed_is_told(void **state)
{
	struct waiter waiters[WAITERS];
	weft_loop *loop = NULL;

	(void)state;
	/* It has not heard of them, or not started the tasks, or the tasks wait. */
	for (int iterations = 0; iterations < 4; iterations++) {
		EXPECT_INT(weft_loop_open(&real_time, &loop), 0);
		note_reports(loop);
		start_waiters(loop, waiters);
		for (int i = 0; i < iterations; i++)
			iterate(loop);
		EXPECT_INT(weft_all_tasks(loop, NULL, NULL, 0), iterations > 0 ? WAITERS : 0);
		weft_loop_close(loop);
		expect_cancelled(waiters);
		EXPECT_INT(count_reports(), iterations > 0 ? WAITERS : 0);
		EXPECT_REPORT(iterations > 0 ? "Task was destroyed but it is pending!" : "");
	}
	fail_where_noted();
}

static int take_waiters(void *waiters)
{
	start_waiters(weft_running_loop(), waiters);
	spin(2);
	return 0;
}

static void so_is_whoever_waits_when_it_ends_its_tasks(void **state)
{
	struct waiter waiters[WAITERS];

	(void)state;
	EXPECT_INT(weft_run(take_waiters, waiters, &real_time), 0);
	expect_cancelled(waiters);
	EXPECT_TRACE("task:-125 task:-125 task:-125 task:-125 task:-125 task:-125 task:-125 "
		     "task:-125");
	fail_where_noted();
}

static void an_outcome_that_has_not_arrived_yet_is_delivered_at_the_end(void **state)
{
	weft_concurrent_future *future = NULL;
	weft_loop *loop = NULL;
	int r = 0;

	(void)state;
	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	EXPECT_INT(weft_run_coroutine_threadsafe(loop, return_value, (void *)6, &future), 0);
	iterate(loop);
	iterate(loop);
	EXPECT(!weft_concurrent_future_done(future));
	weft_loop_close(loop);
	EXPECT_INT(weft_concurrent_future_result(future, 0, &r), 0);
	EXPECT_INT(r, 6);
	weft_concurrent_future_release(future);
	fail_where_noted();
}

static void ignore_report(weft_loop *loop, const struct weft_exception *e, void *unused)
{
	(void)loop;
	(void)e;
	(void)unused;
}

/* A thread cancels what it handed in, over and over, while the loop comes to its end. */
static void *hand_in_and_cancel(void *arg)
{
	struct waiter *waiter = arg;

	waiter->r = weft_run_coroutine_threadsafe(waiter->loop, sleep_long, NULL, &waiter->future);
	atomic_store(&waiter->handed_in, 1);
	sched_yield();
	weft_concurrent_future_cancel(waiter->future);
	if (waiter->r == 0)
		waiter->r =
			weft_concurrent_future_result(waiter->future, WEFT_NEVER, &waiter->outcome);
	weft_concurrent_future_release(waiter->future);
	return NULL;
}

static void a_future_may_be_cancelled_while_its_loop_is_closed(void **state)
{
	struct waiter waiters[WAITERS];
	weft_loop *loop = NULL;

	(void)state;
	for (int round = 0; round < 50; round++) {
		EXPECT_INT(weft_loop_open(&real_time, &loop), 0);
		weft_set_exception_handler(loop, ignore_report, NULL);
		for (int i = 0; i < WAITERS; i++) {
			waiters[i] = (struct waiter){.loop = loop};
			waiters[i].thread = start_thread(hand_in_and_cancel, &waiters[i]);
		}
		for (int i = 0; i < WAITERS; i++)
			while (!atomic_load(&waiters[i].handed_in))
				sched_yield();
		for (int i = 0; i < round % 3; i++)
			iterate(loop);
		weft_loop_close(loop);
		expect_cancelled(waiters);
	}
	fail_where_noted();
}

static void *call_and_go(void *loop)
{
	return (void *)(intptr_t)weft_call_soon_threadsafe(loop, stop_callback, NULL);
}

/* The call ends the loop, which is closed at once, maybe while the caller is still inside of it. */
static void a_call_may_be_what_ends_the_loop(void **state)
{
	void *r = NULL;

	(void)state;
	for (int round = 0; round < 100; round++) {
		weft_loop *loop = NULL;
		pthread_t thread;

		EXPECT_INT(weft_loop_open(&real_time, &loop), 0);
		thread = start_thread(call_and_go, loop);
		EXPECT_INT(weft_loop_run_forever(loop), 0);
		weft_loop_close(loop);
		pthread_join(thread, &r);
		EXPECT_INT((intptr_t)r, 0);
	}
	fail_where_noted();
}

/* --- futures that are completed by hand ------------------------------------------------------- */

static void a_plain_future_is_completed_once(void **state)
{
	weft_concurrent_future *future = NULL;
	int r = 0, called = 0;

	(void)state;
	EXPECT_INT(weft_concurrent_future_open(&future), 0);
	EXPECT_INT(weft_concurrent_future_result(future, 0, &r), -ETIMEDOUT);
	EXPECT_INT(weft_concurrent_future_result(future, WEFT_US(10), &r), -ETIMEDOUT);
	EXPECT_INT(weft_concurrent_future_add_done_callback(future, note_done, &called), 0);
	EXPECT_INT(weft_concurrent_future_set_result(future, -1), -EINVAL);
	EXPECT_INT(weft_concurrent_future_set_error(future, 0), -EINVAL);
	EXPECT_INT(weft_concurrent_future_set_running(future), 1);
	EXPECT_INT(weft_concurrent_future_set_running(future), -EALREADY);
	EXPECT_INT(weft_concurrent_future_cancel(future), 0);
	EXPECT_INT(weft_concurrent_future_set_error(future, -EIO), 0);
	EXPECT_INT(called, 1);
	EXPECT_INT(weft_concurrent_future_set_result(future, 1), -EALREADY);
	EXPECT_INT(weft_concurrent_future_result(future, WEFT_NEVER, &r), 0);
	EXPECT_INT(r, -EIO);
	weft_concurrent_future_release(future);
	fail_where_noted();
}

static void a_plain_future_that_is_cancelled_is_not_begun(void **state)
{
	weft_concurrent_future *future = NULL;
	int called = 0;

	(void)state;
	EXPECT_INT(weft_concurrent_future_open(&future), 0);
	EXPECT_INT(weft_concurrent_future_add_done_callback(future, note_done, &called), 0);
	EXPECT_INT(weft_concurrent_future_cancel(future), 1);
	EXPECT_INT(called, 1);
	EXPECT_INT(weft_concurrent_future_set_running(future), 0);
	EXPECT_INT(weft_concurrent_future_set_result(future, 1), -EALREADY);
	weft_concurrent_future_release(future);
	EXPECT_INT(weft_concurrent_future_open(&future), 0);
	EXPECT_INT(weft_concurrent_future_add_done_callback(future, note_done, &called), 0);
	weft_concurrent_future_release(future);
	EXPECT_INT(called, 1);
	fail_where_noted();
}

IN_TASK(a_coroutines_future_is_not_completed_by_hand)
{
	weft_concurrent_future *future = NULL;

	EXPECT_INT(weft_run_coroutine_threadsafe(
			   weft_running_loop(), return_value, (void *)1, &future),
		0);
	EXPECT_INT(weft_concurrent_future_set_running(future), -EPERM);
	EXPECT_INT(weft_concurrent_future_set_result(future, 1), -EPERM);
	EXPECT_INT(weft_concurrent_future_set_error(future, -1), -EPERM);
	spin(3);
	EXPECT(weft_concurrent_future_done(future));
	weft_concurrent_future_release(future);
	return 0;
}

/* --- wrapped ---------------------------------------------------------------------------------- */

static int await_source(void *source)
{
	struct weft_wrapped wrapped = {0};
	int r, ret = 0;

	EXPECT_INT(weft_wrap_future(source, &wrapped), 0);
	say("%s", weft_task_waits_for(weft_current_task()));
	r = weft_await(&wrapped.future, &ret);
	weft_wrapped_done(&wrapped);
	weft_wrapped_done(&wrapped);
	return r < 0 ? -EINTR : ret;
}

struct late {
	weft_concurrent_future *source;
	atomic_int idle;
	int r;
};

static void note_idle(void *late)
{
	atomic_store(&((struct late *)late)->idle, 1);
}

static void *complete_late(void *arg)
{
	struct late *late = arg;

	while (!atomic_load(&late->idle))
		sched_yield();
	late->r = weft_concurrent_future_set_result(late->source, 12);
	return NULL;
}

/* In virtual time, with nobody but the thread to end the wait: the loop holds on by itself. */
IN_TASK(a_task_awaits_what_a_thread_completes)
{
	struct late late = {.r = -1};
	pthread_t thread;

	EXPECT_INT(weft_concurrent_future_open(&late.source), 0);
	thread = start_thread(complete_late, &late);
	soon(note_idle, &late);
	EXPECT_INT(await_source(late.source), 12);
	pthread_join(thread, NULL);
	EXPECT_INT(late.r, 0);
	EXPECT_TRACE("running");
	weft_concurrent_future_release(late.source);
	return 0;
}

IN_TASK(an_outcome_takes_one_callback_to_its_future)
{
	weft_concurrent_future *source = NULL;
	struct weft_wrapped wrapped;

	EXPECT_INT(weft_concurrent_future_open(&source), 0);
	EXPECT_INT(weft_wrap_future(source, &wrapped), 0);
	EXPECT_INT(weft_raise(-EPROTO, "in words"), -EPROTO);
	EXPECT_INT(weft_concurrent_future_set_error(source, -EPROTO), 0);
	EXPECT(!weft_future_done(&wrapped.future));
	spin(1);
	EXPECT(weft_future_done(&wrapped.future));
	EXPECT_INT(weft_future_result(&wrapped.future), -EPROTO);
	EXPECT_TEXT(weft_future_error(&wrapped.future)->message, "in words");
	EXPECT_INT(weft_future_set_result(&wrapped.future, 1), -EPERM);
	weft_wrapped_done(&wrapped);

	/* One that is done already takes as long. */
	EXPECT_INT(weft_wrap_future(source, &wrapped), 0);
	EXPECT(!weft_future_done(&wrapped.future));
	spin(1);
	EXPECT_INT(weft_future_result(&wrapped.future), -EPROTO);
	weft_wrapped_done(&wrapped);
	weft_concurrent_future_release(source);
	return 0;
}

IN_TASK(a_wait_that_is_cancelled_cancels_the_source)
{
	weft_concurrent_future *source = NULL;
	weft_task *task;

	EXPECT_INT(weft_concurrent_future_open(&source), 0);
	task = spawn(await_source, source);
	spin(1);
	EXPECT_TEXT(weft_task_waits_for(task), "thread");
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -EINTR);
	EXPECT(weft_concurrent_future_cancelled(source));
	weft_concurrent_future_release(source);
	EXPECT_TRACE("running");
	return 0;
}

IN_TASK(a_source_that_is_cancelled_cancels_the_future)
{
	weft_concurrent_future *source = NULL;
	struct weft_wrapped wrapped;

	EXPECT_INT(weft_concurrent_future_open(&source), 0);
	EXPECT_INT(weft_wrap_future(source, &wrapped), 0);
	EXPECT_INT(weft_concurrent_future_cancel(source), 1);
	spin(1);
	EXPECT(weft_future_cancelled(&wrapped.future));
	weft_wrapped_done(&wrapped);
	weft_concurrent_future_release(source);
	return 0;
}

IN_TASK(a_source_that_cannot_be_cancelled_goes_on)
{
	weft_concurrent_future *source = NULL;
	struct weft_wrapped wrapped;

	EXPECT_INT(weft_concurrent_future_open(&source), 0);
	EXPECT_INT(weft_concurrent_future_set_running(source), 1);
	EXPECT_INT(weft_wrap_future(source, &wrapped), 0);
	EXPECT_INT(weft_future_cancel(&wrapped.future, NULL), 1);
	spin(2);
	EXPECT(!weft_concurrent_future_done(source));
	EXPECT_INT(weft_concurrent_future_set_result(source, 1), 0);
	spin(2);
	EXPECT(weft_future_cancelled(&wrapped.future));
	weft_wrapped_done(&wrapped);
	weft_concurrent_future_release(source);
	return 0;
}

IN_TASK(whoever_lets_go_of_a_source_hears_no_more_of_it)
{
	weft_concurrent_future *source = NULL;
	struct weft_wrapped pending, told;

	EXPECT_INT(weft_concurrent_future_open(&source), 0);
	EXPECT_INT(weft_wrap_future(source, &pending), 0);
	EXPECT_INT(weft_wrap_future(source, &told), 0);
	weft_wrapped_done(&pending);
	EXPECT_INT(weft_concurrent_future_set_result(source, 1), 0);
	weft_wrapped_done(&told);
	memset(&told, 0xff, sizeof(told));
	spin(2);
	weft_concurrent_future_release(source);
	return 0;
}

static void outside_of_loops_there_is_nothing_to_wrap_into(void **state)
{
	weft_concurrent_future *source = NULL;
	struct weft_wrapped wrapped;

	(void)state;
	EXPECT_INT(weft_concurrent_future_open(&source), 0);
	EXPECT_INT(weft_wrap_future(source, &wrapped), -EPERM);
	weft_concurrent_future_release(source);
	fail_where_noted();
}

static void a_wait_that_the_loops_end_cuts_off_leaves_nothing(void **state)
{
	weft_concurrent_future *source = NULL;
	weft_loop *loop = NULL;

	(void)state;
	for (int told = 0; told < 2; told++) {
		EXPECT_INT(weft_concurrent_future_open(&source), 0);
		EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
		note_reports(loop);
		EXPECT_INT(weft_create_task(await_source, source, NULL), 0);
		iterate(loop);
		if (told)
			EXPECT_INT(weft_concurrent_future_set_result(source, 1), 0);
		weft_loop_close(loop);
		EXPECT_REPORT("Task was destroyed but it is pending!");
		EXPECT_INT(weft_concurrent_future_set_result(source, 1), told ? -EALREADY : 0);
		weft_concurrent_future_release(source);
	}
	EXPECT_TRACE("running running");
	fail_where_noted();
}

static void *fail_in_words(void *future)
{
	weft_concurrent_future_set_error(future, weft_raise(-EPROTO, "bad line %d", 7));
	return (void *)weft_last_error();
}

static void a_thread_says_why_it_failed(void **state)
{
	weft_concurrent_future *future = NULL;
	void *left;

	(void)state;
	EXPECT_INT(weft_concurrent_future_open(&future), 0);
	pthread_join(start_thread(fail_in_words, future), &left);
	EXPECT_TEXT(weft_concurrent_future_error(future)->message, "bad line 7");
	EXPECT(left == NULL);
	weft_concurrent_future_release(future);
	fail_where_noted();
}

/* The message of a cancellation is its own to the end. */
static void a_wrapped_future_may_outlive_its_loop(void **state)
{
	weft_concurrent_future *source = NULL;
	struct weft_wrapped wrapped;
	weft_loop *loop = NULL;

	(void)state;
	EXPECT_INT(weft_concurrent_future_open(&source), 0);
	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	EXPECT_INT(weft_wrap_future(source, &wrapped), 0);
	EXPECT_INT(weft_future_cancel(&wrapped.future, "enough of it"), 1);
	weft_loop_close(loop);
	EXPECT(weft_future_cancelled(&wrapped.future));
	EXPECT_TEXT(weft_future_error(&wrapped.future)->message, "enough of it");
	weft_wrapped_done(&wrapped);
	EXPECT(!weft_future_done(&wrapped.future));
	weft_concurrent_future_release(source);
	fail_where_noted();
}

/* --- two loops -------------------------------------------------------------------------------- */

static int serve(void *started)
{
	*(atomic_uintptr_t *)started = (uintptr_t)weft_running_loop();
	EXPECT_INT(weft_sleep(WEFT_NEVER), -ECANCELED);
	return 0;
}

static int stop_server(void *main_task)
{
	return weft_cancel(main_task, NULL);
}

static void *run_server(void *started)
{
	return (void *)(intptr_t)weft_run(serve, started, &real_time);
}

static int first_task_ends(void *unused)
{
	weft_task *all[1];

	(void)unused;
	if (weft_all_tasks(weft_running_loop(), NULL, all, 1) < 1)
		return -ENOENT;
	return stop_server(all[0]);
}

static int ask(weft_loop *loop, weft_fn fn, void *arg)
{
	weft_concurrent_future *future = NULL;
	int r;

	EXPECT_INT(weft_run_coroutine_threadsafe(loop, fn, arg, &future), 0);
	r = await_source(future);
	weft_concurrent_future_release(future);
	return r;
}

IN_TASK_AND_TIME(a_task_awaits_what_runs_in_another_loop)
{
	atomic_uintptr_t started = 0;
	pthread_t thread = start_thread(run_server, &started);
	weft_loop *there;
	void *r = NULL;

	while (atomic_load(&started) == 0)
		spin(1);
	there = (weft_loop *)atomic_load(&started);
	for (intptr_t i = 0; i < 20; i++)
		EXPECT_INT(ask(there, return_value, (void *)i), i);
	EXPECT_INT(ask(there, fail_now, (void *)-EPROTO), -EPROTO);
	EXPECT_INT(ask(there, first_task_ends, NULL), 1);
	pthread_join(thread, &r);
	EXPECT_INT((intptr_t)r, 0);
	return 0;
}

/* --- many at once ----------------------------------------------------------------------------- */

enum { CALLERS = 4, CALLS = 2000, JOBS = 100 };

static struct hammer {
	pthread_t thread;
	weft_loop *loop;
	int number, failures;
	/* the loop's thread's */
	int next, jobs, disorder;
} hammers[CALLERS];
static int hammers_left;

struct strike {
	struct hammer *hammer;
	int number;
};

/* Every call is the next of its thread; now and then one stops the loop. */
static void land(void *arg)
{
	struct strike *strike = arg;
	struct hammer *hammer = strike->hammer;

	if (strike->number != hammer->next++)
		hammer->disorder++;
	if (strike->number % 64 == 0)
		weft_loop_stop(hammer->loop);
	free(strike);
}

static int land_job(void *arg)
{
	struct hammer *hammer = arg;

	hammer->jobs++;
	if (hammer->jobs % 3 == 0)
		spin(1);
	return hammer->number;
}

static void lay_down(void *unused)
{
	(void)unused;
	hammers_left--;
	weft_loop_stop(weft_running_loop());
}

static void *swing(void *arg)
{
	struct hammer *hammer = arg;

	for (int i = 0; i < CALLS; i++) {
		struct strike *strike = malloc(sizeof(*strike));

		*strike = (struct strike){hammer, i};
		if (weft_call_soon_threadsafe(hammer->loop, land, strike) < 0)
			hammer->failures++;
		if (i % (CALLS / JOBS) == 0) {
			weft_concurrent_future *future = NULL;
			int r = -1;

			if (weft_run_coroutine_threadsafe(hammer->loop, land_job, hammer, &future) <
					0 ||
				weft_concurrent_future_result(future, WEFT_NEVER, &r) < 0 ||
				r != hammer->number)
				hammer->failures++;
			weft_concurrent_future_release(future);
		}
	}
	weft_call_soon_threadsafe(hammer->loop, lay_down, NULL);
	return NULL;
}

ON_LOOP_WITH(every_call_of_every_thread_arrives_once_and_in_order, &real_time)
{
	hammers_left = CALLERS;
	for (int i = 0; i < CALLERS; i++) {
		hammers[i] = (struct hammer){.loop = loop, .number = i};
		hammers[i].thread = start_thread(swing, &hammers[i]);
	}
	while (hammers_left > 0)
		EXPECT_INT(weft_loop_run_forever(loop), 0);
	for (int i = 0; i < CALLERS; i++) {
		pthread_join(hammers[i].thread, NULL);
		EXPECT_INT(hammers[i].failures, 0);
		EXPECT_INT(hammers[i].disorder, 0);
		EXPECT_INT(hammers[i].next, CALLS);
		EXPECT_INT(hammers[i].jobs, JOBS);
	}
	EXPECT_INT(weft_all_tasks(loop, NULL, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_gets_what_its_coroutine_returned),
		cmocka_unit_test(or_its_error_with_the_message),
		cmocka_unit_test(or_that_it_was_cancelled),
		cmocka_unit_test(a_thread_does_not_wait_longer_than_it_wants),
		cmocka_unit_test(the_loops_own_thread_does_not_wait_for_itself),
		cmocka_unit_test(one_cancelled_before_the_loop_heard_of_it_takes_its_first_step),
		cmocka_unit_test(an_error_behind_a_cancelled_future_is_reported),
		cmocka_unit_test(nobody_needs_to_keep_the_future),
		cmocka_unit_test(calls_of_the_loops_own_thread_keep_their_place),
		cmocka_unit_test(the_coroutine_has_the_callers_context),
		cmocka_unit_test(a_thread_says_why_it_failed),
		cmocka_unit_test(a_wrapped_future_may_outlive_its_loop),
		cmocka_unit_test(whoever_waits_when_the_loop_is_closed_is_told),
		cmocka_unit_test(so_is_whoever_waits_when_it_ends_its_tasks),
		cmocka_unit_test(an_outcome_that_has_not_arrived_yet_is_delivered_at_the_end),
		cmocka_unit_test(a_future_may_be_cancelled_while_its_loop_is_closed),
		cmocka_unit_test(a_call_may_be_what_ends_the_loop),
		cmocka_unit_test(a_plain_future_is_completed_once),
		cmocka_unit_test(a_plain_future_that_is_cancelled_is_not_begun),
		cmocka_unit_test(a_coroutines_future_is_not_completed_by_hand),
		cmocka_unit_test(a_task_awaits_what_a_thread_completes),
		cmocka_unit_test(an_outcome_takes_one_callback_to_its_future),
		cmocka_unit_test(a_wait_that_is_cancelled_cancels_the_source),
		cmocka_unit_test(a_source_that_is_cancelled_cancels_the_future),
		cmocka_unit_test(a_source_that_cannot_be_cancelled_goes_on),
		cmocka_unit_test(whoever_lets_go_of_a_source_hears_no_more_of_it),
		cmocka_unit_test(outside_of_loops_there_is_nothing_to_wrap_into),
		cmocka_unit_test(a_wait_that_the_loops_end_cuts_off_leaves_nothing),
		cmocka_unit_test(a_task_awaits_what_runs_in_another_loop),
		cmocka_unit_test(every_call_of_every_thread_arrives_once_and_in_order),
	};

	return RUN_TESTS(tests);
}
