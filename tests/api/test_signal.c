/* SPDX-License-Identifier: MIT */

/* Signal handlers that are ordinary callbacks, and calls from other threads. */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "api.h"

static void say_and_set(void *future)
{
	say("usr1");
	if (!weft_future_done(future))
		EXPECT_INT(weft_future_set_result(future, 0), 0);
}

IN_TASK(a_handler_is_replaced_by_the_next_and_runs_as_a_callback)
{
	weft_loop *loop = weft_running_loop();
	weft_future f = {0};

	EXPECT_INT(weft_add_signal_handler(loop, SIGUSR1, say_callback, "old"), 0);
	EXPECT_INT(weft_add_signal_handler(loop, SIGUSR1, say_and_set, &f), 0);
	kill(getpid(), SIGUSR1);
	say("after kill");
	EXPECT_INT(weft_await(&f, NULL), 0);
	EXPECT_TRACE("after kill usr1");
	EXPECT_INT(weft_remove_signal_handler(loop, SIGUSR1), 1);
	EXPECT_INT(weft_remove_signal_handler(loop, SIGUSR1), 0);
	return 0;
}

ON_LOOP(signals_that_cannot_be_caught_are_refused)
{
	EXPECT_INT(weft_add_signal_handler(loop, SIGKILL, say_callback, NULL), -EINVAL);
	EXPECT_INT(weft_add_signal_handler(loop, SIGSTOP, say_callback, NULL), -EINVAL);
	EXPECT_INT(weft_add_signal_handler(loop, 999, say_callback, NULL), -EINVAL);
	EXPECT_INT(weft_add_signal_handler(loop, 0, say_callback, NULL), -EINVAL);
	EXPECT_INT(weft_add_signal_handler(loop, -1, say_callback, NULL), -EINVAL);
}

static int own_calls;

static void own_handler(int signo)
{
	(void)signo;
	own_calls++;
}

ON_LOOP(removal_restores_what_was_there_before_the_first_handler)
{
	struct sigaction own = {.sa_handler = own_handler};

	EXPECT_INT(sigaction(SIGUSR2, &own, NULL), 0);
	EXPECT_INT(weft_add_signal_handler(loop, SIGUSR2, say_callback, "weft"), 0);
	EXPECT_INT(weft_add_signal_handler(loop, SIGUSR2, say_callback, "weft"), 0);
	kill(getpid(), SIGUSR2);
	EXPECT_INT(own_calls, 0);
	EXPECT_INT(weft_remove_signal_handler(loop, SIGUSR2), 1);
	kill(getpid(), SIGUSR2);
	EXPECT_INT(own_calls, 1);
	signal(SIGUSR2, SIG_DFL);
}

static void closing_the_loop_restores_it_too(void **state)
{
	weft_loop *loop = NULL;
	struct sigaction now;

	(void)state;
	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	EXPECT_INT(weft_add_signal_handler(loop, SIGUSR1, say_callback, "weft"), 0);
	weft_loop_close(loop);
	EXPECT_INT(sigaction(SIGUSR1, NULL, &now), 0);
	EXPECT(now.sa_handler == SIG_DFL);
	fail_where_noted();
}

IN_TASK(many_signals_each_reach_their_handler)
{
	static const int signals[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGTERM, SIGWINCH};
	static char *const words[] = {"1", "2", "h", "t", "w"};
	weft_loop *loop = weft_running_loop();
	weft_future f = {0};

	for (size_t i = 0; i < 5; i++)
		EXPECT_INT(weft_add_signal_handler(loop, signals[i], say_callback, words[i]), 0);
	EXPECT_INT(weft_add_signal_handler(loop, SIGALRM, say_and_set, &f), 0);
	for (size_t i = 0; i < 5; i++) {
		kill(getpid(), signals[i]);
		spin(3);
	}
	kill(getpid(), SIGALRM);
	EXPECT_INT(weft_await(&f, NULL), 0);
	EXPECT_TRACE("1 2 h t w usr1");
	for (size_t i = 0; i < 5; i++)
		EXPECT_INT(weft_remove_signal_handler(loop, signals[i]), 1);
	EXPECT_INT(weft_remove_signal_handler(loop, SIGALRM), 1);
	return 0;
}

/* --- threads
 * -------------------------------------------------------------------------------------- */

static weft_loop *main_loop;
static pthread_t main_thread;
static weft_future done;

static void say_from_thread(void *word)
{
	say("%s%d", (const char *)word, pthread_equal(pthread_self(), main_thread) != 0);
}

static void set_done(void *unused)
{
	(void)unused;
	EXPECT_INT(weft_future_set_result(&done, 0), 0);
}

static void *call_three_times(void *unused)
{
	static char *const words[] = {"a", "b", "c"};

	(void)unused;
	for (size_t i = 0; i < 3; i++)
		weft_call_soon_threadsafe(main_loop, say_from_thread, words[i]);
	weft_call_soon_threadsafe(main_loop, set_done, NULL);
	return NULL;
}

static void begin_threads(void)
{
	main_loop = weft_running_loop();
	main_thread = pthread_self();
	done = (weft_future){0};
}

IN_TASK_AND_TIME(a_thread_wakes_the_loop_and_its_calls_run_there_in_order)
{
	pthread_t thread;

	begin_threads();
	EXPECT_INT(pthread_create(&thread, NULL, call_three_times, NULL), 0);
	EXPECT_INT(weft_await(&done, NULL), 0);
	EXPECT_TRACE("a1 b1 c1");
	pthread_join(thread, NULL);
	return 0;
}

IN_TASK(the_loops_own_thread_may_call_too)
{
	begin_threads();
	EXPECT_INT(weft_call_soon_threadsafe(main_loop, say_from_thread, "own"), 0);
	EXPECT_TRACE("");
	EXPECT_INT(weft_call_soon_threadsafe(main_loop, set_done, NULL), 0);
	EXPECT_INT(weft_await(&done, NULL), 0);
	EXPECT_TRACE("own1");
	return 0;
}

enum { THREADS = 4, CALLS = 10000 };

static struct caller {
	int next;
	bool out_of_order;
} callers[THREADS];
static int n_calls;

struct numbered {
	struct caller *caller;
	int number;
};

static void receive(void *arg)
{
	struct numbered *call = arg;

	if (call->number != call->caller->next++)
		call->caller->out_of_order = true;
	if (++n_calls == THREADS * CALLS)
		set_done(NULL);
}

static void *call_many_times(void *arg)
{
	struct caller *caller = arg;
	struct numbered *calls = calloc(CALLS, sizeof(*calls));

	for (int i = 0; i < CALLS; i++) {
		calls[i] = (struct numbered){caller, i};
		if (weft_call_soon_threadsafe(main_loop, receive, &calls[i]) < 0)
			break;
	}
	return calls;
}

IN_TASK_AND_TIME(of_many_calls_from_many_threads_none_is_lost_or_overtaken)
{
	pthread_t threads[THREADS];

	begin_threads();
	n_calls = 0;
	for (int i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){0};
		EXPECT_INT(pthread_create(&threads[i], NULL, call_many_times, &callers[i]), 0);
	}
	EXPECT_INT(weft_await(&done, NULL), 0);
	EXPECT_INT(n_calls, THREADS * CALLS);
	for (int i = 0; i < THREADS; i++) {
		void *calls;

		pthread_join(threads[i], &calls);
		free(calls);
		EXPECT(!callers[i].out_of_order);
	}
	return 0;
}

static void *call_once(void *arg)
{
	weft_call_soon_threadsafe(main_loop, say_callback, arg);
	return NULL;
}

static void a_call_that_has_not_run_when_the_loop_closes_is_dropped(void **state)
{
	pthread_t thread;

	(void)state;
	EXPECT_INT(weft_loop_open(&real_time, &main_loop), 0);
	EXPECT_INT(pthread_create(&thread, NULL, call_once, "dropped"), 0);
	pthread_join(thread, NULL);
	weft_loop_close(main_loop);
	EXPECT_TRACE("");
	fail_where_noted();
}

static atomic_bool sending;

static void nothing(void *unused)
{
	(void)unused;
}

static void *signal_oneself(void *unused)
{
	(void)unused;
	while (atomic_load(&sending))
		raise(SIGUSR1);
	return NULL;
}

static void a_signal_that_another_thread_handles_outlives_no_loop(void **state)
{
	pthread_t threads[2];

	(void)state;
	signal(SIGUSR1, SIG_IGN); /* between the loops */
	atomic_store(&sending, true);
	for (int i = 0; i < 2; i++)
		EXPECT_INT(pthread_create(&threads[i], NULL, signal_oneself, NULL), 0);
	for (int i = 0; i < 500; i++) {
		EXPECT_INT(weft_loop_open(&real_time, &main_loop), 0);
		EXPECT_INT(weft_add_signal_handler(main_loop, SIGUSR1, nothing, NULL), 0);
		iterate(main_loop);
		weft_loop_close(main_loop);
	}
	atomic_store(&sending, false);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	signal(SIGUSR1, SIG_DFL);
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handler_is_replaced_by_the_next_and_runs_as_a_callback),
		cmocka_unit_test(signals_that_cannot_be_caught_are_refused),
		cmocka_unit_test(removal_restores_what_was_there_before_the_first_handler),
		cmocka_unit_test(closing_the_loop_restores_it_too),
		cmocka_unit_test(many_signals_each_reach_their_handler),
		cmocka_unit_test(a_thread_wakes_the_loop_and_its_calls_run_there_in_order),
		cmocka_unit_test(the_loops_own_thread_may_call_too),
		cmocka_unit_test(of_many_calls_from_many_threads_none_is_lost_or_overtaken),
		cmocka_unit_test(a_call_that_has_not_run_when_the_loop_closes_is_dropped),
		cmocka_unit_test(a_signal_that_another_thread_handles_outlives_no_loop),
	};

	return RUN_TESTS(tests);
}
