/* SPDX-License-Identifier: MIT */

/* The cancellation sweep: each scenario is cancelled at its first, second, third ... step, until it
 * has ended before; so is any of its tasks, and the caller of each suspending call. It ends soon
 * after each time, and nothing is left of it; and a stream whose reader and writer are cancelled
 * again and again loses no byte.
 *
 * WEFT_SWEEP_SEEDS=N: so many choices of the task that is cancelled at each step, not three. */

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <weft/weft.h>

#include "counted.h"
#include "faults.h"
#include "scenarios.h"

enum { SECONDS = 60 };
static const unsigned never = UINT_MAX;

static char where[160], problem[400];

static void hangs(int signo)
{
	ssize_t n = write(2, where, strlen(where));

	(void)n;
	(void)signo;
	_exit(3);
}

static void be_quiet(weft_loop *loop, const struct weft_exception *exception, void *unused)
{
	(void)loop;
	(void)exception;
	(void)unused;
}

/* --- one run ------------------------------------------------------------------------------------
 */

enum way {
	THE_FIRST, /* task of the scenario, at its nth step */
	ANY,	   /* of its tasks, at the nth step */
	THE_FIRST_AT_A_CALL,
	THE_CALLER, /* is cancelled before its nth call of those that suspend */
	WAYS
};
static const char *const way_names[WAYS] = {"cancelled at step", "with any task cancelled at step",
	"cancelled at call", "cancelled in itself at call"};

enum {
	STEPS = 2000, /* which a scenario takes to end */
	TASKS = 128,
};

static struct sweep {
	const struct scenario *scenario;
	enum way way;
	unsigned nth;
	unsigned seed;
	bool was_cancelled;
	/* while it runs */
	weft_task *first, *canceller;
	unsigned calls;
} sweep;

/* Which suspending calls the scenario made. */
static bool calls_made[ASYNC_MANY];

static void called(int name)
{
	bool by_caller = sweep.way == THE_CALLER;
	weft_task *task;

	if (weft_current_task() == sweep.canceller)
		return;
	calls_made[name] = true;
	if (sweep.way != THE_FIRST_AT_A_CALL && !by_caller)
		return;
	task = by_caller ? weft_current_task() : sweep.first;
	if (sweep.calls++ == sweep.nth && task)
		sweep.was_cancelled = weft_cancel(task, "sweep") == 1;
}

/* Lets the others take a step; in a scenario that waits for time, time pass. */
static int step(unsigned i)
{
	return weft_sleep(i % 4 == 3 ? sweep.scenario->tick : 0);
}

/* What is under way can be looked at, at any moment. */
static void look(weft_loop *loop)
{
	static char text[200000];
	FILE *file = fmemopen(text, sizeof(text), "w");

	if (!file || weft_print_graph(loop, file) < 0 || weft_print_deadlock(loop, file) < 0)
		snprintf(problem, sizeof(problem), "it could not be looked at");
	if (file)
		fclose(file);
}

static bool cancel_any(weft_loop *loop)
{
	weft_task *tasks[TASKS];
	size_t n = weft_all_tasks(loop, NULL, tasks, TASKS);

	/* The first task of all is ours. */
	assert_true(n <= TASKS);
	if (n < 2)
		return false;
	sweep.seed = sweep.seed * 1664525 + 1013904223;
	return weft_cancel(tasks[1 + (sweep.seed >> 8) % (n - 1)], "sweep") == 1;
}

static void check_outcome(int ret)
{
	bool own = sweep.way == THE_FIRST || sweep.way == THE_FIRST_AT_A_CALL;

	/* One of its tasks that was cancelled can be an error to the others. */
	if (ret > 0 || (own && ret < 0 && ret != -ECANCELED))
		snprintf(problem, sizeof(problem), "it returned %d", ret);
	if (!sweep.was_cancelled && ret != 0)
		snprintf(problem, sizeof(problem), "it was not cancelled, and returned %d", ret);
}

/* Cancels the scenario at its nth step, and waits for its end. */
static int cancel_once(void *unused)
{
	weft_loop *loop = weft_running_loop();
	bool at_step = sweep.way == THE_FIRST || sweep.way == ANY;
	int r, ret = 0;

	(void)unused;
	sweep.canceller = weft_current_task();
	weft_set_exception_handler(loop, be_quiet, NULL);
	r = weft_create_task(sweep.scenario->fn, NULL, &sweep.first);
	if (r == 0 && sweep.nth == never)
		r = weft_await_task(sweep.first, NULL);
	for (unsigned i = 0; r == 0 && at_step && i < sweep.nth && !weft_task_done(sweep.first);
		i++)
		r = step(i);
	if (sweep.nth % 4 == 0)
		look(loop);
	if (sweep.way == THE_FIRST)
		sweep.was_cancelled = weft_cancel(sweep.first, "sweep") == 1;
	if (sweep.way == ANY && !weft_task_done(sweep.first))
		sweep.was_cancelled = cancel_any(loop);
	if (sweep.nth % 4 == 0)
		look(loop);
	/* It ends by itself; but in some scenarios its tasks now wait for one that has gone. */
	if (sweep.scenario->stalls && (sweep.was_cancelled || !at_step)) {
		for (unsigned i = 0; r == 0 && i < STEPS && !weft_task_done(sweep.first); i++)
			r = step(i);
		if (sweep.was_cancelled)
			weft_cancel(sweep.first, "stalled");
	}
	if (r == 0)
		r = weft_await_task(sweep.first, &ret);
	check_outcome(ret);
	weft_task_release(sweep.first);
	sweep.first = NULL;
	/* What it started ends with it: clients see the end of their connections. */
	for (unsigned i = 0; r == 0 && i < STEPS && weft_all_tasks(loop, NULL, NULL, 0) > 1; i++)
		r = step(i);
	if (weft_all_tasks(loop, NULL, NULL, 0) > 1)
		snprintf(problem, sizeof(problem), "tasks of it live on");
	return r;
}

/* Runs it once, `first`: what is kept for the process is there afterwards. */
static void run_cancelled(
	const struct scenario *scenario, enum way way, unsigned nth, unsigned seed, bool first)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	struct fault_balance before = faults_balance(), after;
	int r;

	sweep = (struct sweep){scenario, way, nth, seed + nth, false, NULL, NULL, 0};
	snprintf(where, sizeof(where), "hangs: %s, %s %u, seed %u\n", scenario->name,
		way_names[way], nth, seed);
	problem[0] = '\0';
	scenario_broken = NULL;
	scenario_calls = called;
	alarm(SECONDS);
	r = weft_run(cancel_once, NULL, &options);
	alarm(0);
	scenario_calls = NULL;
	if (scenario->after)
		scenario->after();
	after = faults_settle(before);
	if (first)
		before = after;
	if (r != 0 || problem[0] || scenario_broken || after.blocks != before.blocks ||
		after.mappings != before.mappings || after.files != before.files)
		fail_msg("%s, %s %u, seed %u: %d %s %s, blocks %+ld, mappings %+ld, files %+ld",
			scenario->name, way_names[way], nth, seed, r, problem,
			scenario_broken ? scenario_broken : "", after.blocks - before.blocks,
			after.mappings - before.mappings, after.files - before.files);
}

/* --- the sweeps ---------------------------------------------------------------------------------
 */

/* Returns how many cancellations there were. */
static unsigned sweep_once(const struct scenario *scenario, enum way way, unsigned seed)
{
	unsigned runs = 0, missed = 0;

	/* Every step of the first few hundred; then what waits for a thread's answer. One that was
	 * about to end anyway is not the last. */
	for (unsigned nth = 0; missed < 2; nth += nth < 400 ? 1 : nth / 16) {
		run_cancelled(scenario, way, nth, seed, false);
		runs += sweep.was_cancelled;
		missed = sweep.was_cancelled ? 0 : missed + 1;
	}
	return runs;
}

static void sweep_all(enum way way, unsigned seeds)
{
	unsigned all = 0;

	for (size_t i = 0; i < n_scenarios; i++) {
		unsigned runs = 0;

		if (!scenarios[i].fn)
			continue;
		run_cancelled(&scenarios[i], way, never, 0, true);
		assert_false(sweep.was_cancelled);
		for (unsigned seed = 1; seed <= seeds; seed++)
			runs += sweep_once(&scenarios[i], way, seed);
		print_message("# %s: %u cancellations\n", scenarios[i].name, runs);
		if (runs < (way == THE_FIRST ? scenarios[i].steps_at_least
					     : scenarios[i].steps_at_least > 0))
			fail_msg("%s: only %u", scenarios[i].name, runs);
		all += runs;
	}
	print_message("# %u in all\n", all);
}

static void a_scenario_can_be_cancelled_at_every_step(void **state)
{
	(void)state;
	sweep_all(THE_FIRST, 1);
}

static void any_task_of_it_can_be_cancelled_at_every_step(void **state)
{
	const char *seeds = getenv("WEFT_SWEEP_SEEDS");

	(void)state;
	sweep_all(ANY, seeds ? (unsigned)atoi(seeds) : 3);
}

static void a_scenario_can_be_cancelled_at_every_call(void **state)
{
	(void)state;
	sweep_all(THE_FIRST_AT_A_CALL, 1);
}

static void the_caller_of_every_call_can_be_cancelled(void **state)
{
	(void)state;
	sweep_all(THE_CALLER, 1);
}

/* Every call that can be cancelled is one of those that were. */
static void every_suspending_call_has_a_scenario(void **state)
{
#define NAME(name) #name,
	static const char *const names[] = {ASYNC_NAMES(NAME)};
	static const struct scenario *covering[ASYNC_MANY];
	char missing[2048] = "";

	(void)state;
	for (size_t i = 0; i < n_scenarios; i++) {
		if (!scenarios[i].fn)
			continue;
		memset(calls_made, 0, sizeof(calls_made));
		run_cancelled(&scenarios[i], THE_FIRST, never, 0, true);
		for (size_t name = 0; name < ASYNC_MANY; name++)
			if (calls_made[name])
				covering[name] = &scenarios[i];
	}
	for (size_t i = 0; i < ASYNC_MANY; i++) {
		if (covering[i])
			print_message("# %s: %s\n", names[i], covering[i]->name);
		else if (strlen(missing) + strlen(names[i]) + 2 < sizeof(missing))
			strcat(strcat(missing, " "), names[i]);
	}
	if (missing[0])
		fail_msg("no scenario in tests/fault calls:%s", missing);
}

/* --- no byte is lost ----------------------------------------------------------------------------
 */

enum { BYTES = 40000 };

static struct pipe {
	weft_stream *in, *out;
	size_t written, read;
	bool wrong;
} pipe_;

static char byte_at(size_t position)
{
	return position % 41 == 40 ? '\n' : (char)('a' + position % 25);
}

/* What a call that was cancelled says of itself decides what the next one begins with. */
static int write_on(void *unused)
{
	char chunk[700];

	(void)unused;
	while (pipe_.written < BYTES) {
		size_t n = 1 + pipe_.written * 7 % sizeof(chunk);
		int r;

		n = n < BYTES - pipe_.written ? n : BYTES - pipe_.written;
		for (size_t i = 0; i < n; i++)
			chunk[i] = byte_at(pipe_.written + i);
		r = weft_stream_write(pipe_.out, chunk, n);
		if (r == 0 || r == -ECANCELED)
			pipe_.written += n; /* taken either way */
		memset(chunk, 0, sizeof(chunk));
		if (r < 0)
			return r;
	}
	return 0;
}

static ssize_t read_by_turns(char *buf, size_t n)
{
	switch (pipe_.read % 4) {
	case 0:
		return weft_stream_read(pipe_.in, buf, n);
	case 1:
		n = n < BYTES - pipe_.read ? n : BYTES - pipe_.read;
		return weft_stream_readexactly(pipe_.in, buf, n > 60 ? 60 : n);
	case 2:
		return weft_stream_readline(pipe_.in, buf, n);
	default:
		return weft_stream_readuntil(pipe_.in, "abc", 3, buf, n);
	}
}

static int read_on(void *unused)
{
	char buf[9000];

	(void)unused;
	while (pipe_.read < BYTES) {
		ssize_t r = read_by_turns(buf, pipe_.read % 64 ? 90 : sizeof(buf));

		if (r == -ENODATA)
			r = (ssize_t)weft_stream_partial(pipe_.in);
		if (r <= 0)
			return r < 0 ? (int)r : -EPIPE;
		for (ssize_t i = 0; i < r; i++)
			pipe_.wrong |= buf[i] != byte_at(pipe_.read++);
		memset(buf, 0, sizeof(buf));
	}
	return 0;
}

/* Runs `fn` to its end, cancelling it every `nth` step and beginning it anew. */
struct stubborn {
	weft_fn fn;
	unsigned nth;
	unsigned cancelled;
};

static int insist(void *arg)
{
	struct stubborn *stubborn = arg;
	int r, ret = -ECANCELED;

	while (ret == -ECANCELED) {
		weft_task *task = NULL;

		r = weft_create_task(stubborn->fn, NULL, &task);
		for (unsigned i = 0; r == 0 && i < stubborn->nth && !weft_task_done(task); i++)
			r = weft_sleep(0);
		if (r < 0)
			return r;
		/* Never in the way of all progress: a task that gets no step does nothing. */
		if (stubborn->cancelled < 3000)
			stubborn->cancelled += (unsigned)weft_cancel(task, NULL);
		r = weft_await_task(task, &ret);
		weft_task_release(task);
		if (r < 0)
			return r;
	}
	return ret;
}

static int pump(void *arg)
{
	struct stubborn *reader = arg, *writer = reader + 1;
	weft_task *tasks[2] = {NULL, NULL};
	int fds[2], least = 1, rets[2] = {-1, -1};

	pipe_ = (struct pipe){0};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	if (weft_stream_from_fd(fds[0], &pipe_.in) < 0 ||
		weft_stream_from_fd(fds[1], &pipe_.out) < 0 ||
		weft_stream_set_write_limits(pipe_.out, 1500, 500) < 0)
		return -ENOMEM;
	if (weft_create_task(insist, reader, &tasks[0]) < 0 ||
		weft_create_task(insist, writer, &tasks[1]) < 0)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		if (weft_await_task(tasks[i], &rets[i]) < 0)
			return -EINTR;
		weft_task_release(tasks[i]);
	}
	weft_stream_close(pipe_.in);
	weft_stream_close(pipe_.out);
	return rets[0] < 0 ? rets[0] : rets[1];
}

static void no_byte_is_lost_however_often_both_ends_are_cancelled(void **state)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	unsigned cancelled = 0;

	(void)state;
	for (unsigned read_nth = 1; read_nth < 9; read_nth++) {
		for (unsigned write_nth = 1; write_nth < 9; write_nth++) {
			struct stubborn ends[2] = {
				{read_on, read_nth, 0}, {write_on, write_nth, 0}};

			snprintf(where, sizeof(where), "hangs: pipe, %u and %u\n", read_nth,
				write_nth);
			alarm(SECONDS);
			assert_int_equal(weft_run(pump, ends, &options), 0);
			alarm(0);
			assert_int_equal(pipe_.written, BYTES);
			assert_int_equal(pipe_.read, BYTES);
			assert_false(pipe_.wrong);
			cancelled += ends[0].cancelled + ends[1].cancelled;
		}
	}
	print_message("# %u cancellations\n", cancelled);
	assert_true(cancelled > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_suspending_call_has_a_scenario),
		cmocka_unit_test(a_scenario_can_be_cancelled_at_every_step),
		cmocka_unit_test(any_task_of_it_can_be_cancelled_at_every_step),
		cmocka_unit_test(a_scenario_can_be_cancelled_at_every_call),
		cmocka_unit_test(the_caller_of_every_call_can_be_cancelled),
		cmocka_unit_test(no_byte_is_lost_however_often_both_ends_are_cancelled),
	};
	weft_loop *loop = NULL;

	if (weft_loop_open(NULL, &loop) < 0) {
		printf("1..0 # SKIP %s\n", weft_loop_open_error());
		return 0;
	}
	weft_loop_close(loop);
	signal(SIGALRM, hangs);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
