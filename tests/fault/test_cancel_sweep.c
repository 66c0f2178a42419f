/* SPDX-License-Identifier: MIT */

/* The cancellation sweep: each scenario is cancelled at its first, second, third ... step, until it
 * has ended before. It ends soon after each time, and nothing is left of it; and a stream whose
 * reader and writer are cancelled again and again loses no byte. */

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

struct sweep {
	const struct scenario_task *scenario;
	unsigned nth;
	bool was_cancelled;
};

/* Lets the others take a step; in a scenario that waits for time, time pass. */
static int step(const struct sweep *sweep, unsigned i)
{
	return weft_sleep(sweep->scenario->needs_time && i % 4 == 3 ? WEFT_MS(100) : 0);
}

/* Cancels the scenario at its nth step, and waits for its end. */
static int cancel_once(void *arg)
{
	struct sweep *sweep = arg;
	weft_loop *loop = weft_running_loop();
	weft_task *task = NULL;
	int r, ret = 0;

	weft_set_exception_handler(loop, be_quiet, NULL);
	r = weft_create_task(sweep->scenario->fn, NULL, &task);
	if (r == 0 && sweep->nth == never)
		r = weft_await_task(task, NULL);
	for (unsigned i = 0; r == 0 && i < sweep->nth && !weft_task_done(task); i++)
		r = step(sweep, i);
	sweep->was_cancelled = weft_cancel(task, "sweep") == 1;
	if (r == 0)
		r = weft_await_task(task, &ret);
	weft_task_release(task);
	if (r == 0 && ret < 0 && ret != -ECANCELED)
		snprintf(problem, sizeof(problem), "it returned %d", ret);
	if (!sweep->was_cancelled && ret != 0)
		snprintf(problem, sizeof(problem), "it was not cancelled, and returned %d", ret);
	/* What it started ends with it: clients see the end of their connections. */
	for (unsigned i = 0; r == 0 && i < 2000 && weft_all_tasks(loop, NULL, NULL, 0) > 1; i++)
		r = step(sweep, i);
	if (weft_all_tasks(loop, NULL, NULL, 0) > 1)
		snprintf(problem, sizeof(problem), "tasks of it live on");
	return r;
}

static void run_cancelled(struct sweep *sweep, bool first)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	struct fault_balance before = faults_balance(), after;
	int r;

	snprintf(where, sizeof(where), "hangs: %s, cancelled at step %u\n", sweep->scenario->name,
		sweep->nth);
	problem[0] = '\0';
	scenario_broken = NULL;
	alarm(SECONDS);
	r = weft_run(cancel_once, sweep, &options);
	alarm(0);
	after = faults_settle(before);
	if (first) /* what is kept for the process is there from now on */
		before = after;
	if (r != 0 || problem[0] || scenario_broken || after.blocks != before.blocks ||
		after.mappings != before.mappings || after.files != before.files)
		fail_msg("%s, cancelled at step %u: %d %s %s, blocks %+ld, mappings %+ld, files "
			 "%+ld",
			sweep->scenario->name, sweep->nth, r, problem,
			scenario_broken ? scenario_broken : "", after.blocks - before.blocks,
			after.mappings - before.mappings, after.files - before.files);
}

static void a_scenario_can_be_cancelled_at_every_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_scenario_tasks; i++) {
		struct sweep sweep = {&scenario_tasks[i], never, true};
		unsigned runs = 0;

		run_cancelled(&sweep, true);
		assert_false(sweep.was_cancelled);
		sweep.was_cancelled = true;
		/* Every step of the first few hundred; then what waits for a thread's answer. */
		for (sweep.nth = 0; sweep.was_cancelled; runs++) {
			run_cancelled(&sweep, false);
			sweep.nth += sweep.nth < 400 ? 1 : sweep.nth / 16;
		}
		print_message("# %s: %u\n", sweep.scenario->name, runs);
		assert_true(runs >= sweep.scenario->steps_at_least);
	}
}

/* Every call that can be cancelled is one of those that were. */
static void every_suspending_call_has_a_scenario(void **state)
{
#define NAME(name) #name,
	static const char *const names[] = {ASYNC_NAMES(NAME)};
	char missing[1024] = "";

	(void)state;
	memset(async_calls, 0, sizeof(async_calls));
	for (size_t i = 0; i < n_scenario_tasks; i++)
		run_cancelled(&(struct sweep){&scenario_tasks[i], never, true}, true);
	for (size_t i = 0; i < ASYNC_MANY; i++)
		if (async_calls[i] == 0 && strlen(missing) + strlen(names[i]) + 2 < sizeof(missing))
			strcat(strcat(missing, " "), names[i]);
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
