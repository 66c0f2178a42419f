/* SPDX-License-Identifier: MIT */

/* See scenarios.h. */

#include "scenarios.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weft/weft.h>

#include "counted.h"

const char *scenario_broken;
unsigned async_calls[ASYNC_MANY];

static void be_quiet(weft_loop *loop, const struct weft_exception *exception, void *unused)
{
	(void)loop;
	(void)exception;
	(void)unused;
}

static int quietly(void *fn)
{
	weft_set_exception_handler(weft_running_loop(), be_quiet, NULL);
	return (*(weft_fn *)fn)(NULL);
}

static int run(weft_fn fn)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};

	return weft_run(quietly, &fn, &options);
}

/* --- a loop -------------------------------------------------------------------------------------
 */

static int open_and_close(void)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	weft_loop *loop = NULL;
	int r = weft_loop_open(&options, &loop);

	if (r == 0) {
		weft_loop_stop(loop);
		r = weft_loop_run_forever(loop);
	} else if (weft_loop_open_error()[0] == '\0') {
		scenario_broken = "a loop that could not be opened does not say why";
	}
	weft_loop_close(loop);
	return r;
}

/* --- tasks --------------------------------------------------------------------------------------
 */

enum { TASKS = 50 };

static int yield_twice(void *value)
{
	int r = weft_sleep(0);

	if (r == 0)
		r = weft_sleep(0);
	return r < 0 ? r : (int)(intptr_t)value;
}

static int fifty_tasks(void *unused)
{
	weft_task *tasks[TASKS] = {0};
	int r = 0;

	(void)unused;
	for (int i = 0; r == 0 && i < TASKS; i++)
		r = weft_create_task(yield_twice, (void *)(intptr_t)i, &tasks[i]);
	for (int i = 0; i < TASKS; i++) {
		int value = 0;

		if (r == 0)
			r = weft_await_task(tasks[i], &value);
		if (r == 0 && value != i)
			scenario_broken = "a task returned something else";
		weft_task_release(tasks[i]);
	}
	return r;
}

static int run_fifty_tasks(void)
{
	return run(fifty_tasks);
}

/* --- groups -------------------------------------------------------------------------------------
 */

static int fail_soon(void *unused)
{
	int r = weft_sleep(0);

	(void)unused;
	return r < 0 ? r : weft_raise(-EPROTO, "child number %d", 3);
}

static int clean_up(void *unused)
{
	int r = weft_sleep(WEFT_S(1));

	(void)unused;
	return r == -ECANCELED ? weft_raise(-EBADMSG, "while cleaning up") : r;
}

static int failing_group(void *unused)
{
	const struct weft_error *errors;
	int r = 0;
	WEFT_GROUP(g)
		;

	(void)unused;
	for (int i = 0; r == 0 && i < 3; i++)
		r = weft_group_spawn(&g, "cleaner", clean_up, NULL, NULL);
	if (r == 0)
		r = weft_group_spawn(&g, "failing", fail_soon, NULL, NULL);
	r = weft_group_join(&g, r);
	if (r == 0)
		scenario_broken = "a group lost its children's errors";
	if (weft_group_errors(&g, &errors) > 5)
		scenario_broken = "a group has more errors than children";
	/* The latter where somebody cancelled the whole before. */
	return r == -EPROTO || r == -EBADMSG ? 0 : r;
}

static int run_failing_group(void)
{
	return run(failing_group);
}

/* --- timeouts -----------------------------------------------------------------------------------
 */

static int nested_timeouts(void *unused)
{
	int outer = 0, inner = 0;

	(void)unused;
	for (int i = 0; i < 5; i++) {
		WEFT_TIMEOUT(outer, WEFT_S(2)) {
			WEFT_TIMEOUT(inner, WEFT_S(1))
				inner = weft_sleep(WEFT_S(i));
			outer = weft_sleep(WEFT_S(i));
		}
		if (i >= 2 && outer != -ETIMEDOUT && outer != -ECANCELED)
			scenario_broken = "a timeout did not end its block";
		if (outer == -ECANCELED)
			return outer;
	}
	return 0;
}

static int run_nested_timeouts(void)
{
	return run(nested_timeouts);
}

/* --- queues -------------------------------------------------------------------------------------
 */

enum { ITEMS = 100 };

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* What could not be put is not in it, and what was put comes out. */
static int fill_and_empty(struct weft_queue *queue)
{
	int r, ret = 0, n = 0, item;

	for (int i = 0; i < ITEMS; i++) {
		r = weft_queue_put_nowait(queue, &n);
		n += r == 0;
		if (r < 0)
			ret = r;
		if (r < 0 && r != -ENOMEM)
			scenario_broken = "a put failed for another reason than memory";
		if (weft_queue_size(queue) != (size_t)n ||
			weft_queue_unfinished(queue) != (size_t)n)
			scenario_broken = "a put that failed has put something";
	}
	for (int i = 0; i < n; i++) {
		r = weft_queue_get_nowait(queue, &item);
		if (r < 0 || item != (queue->order == WEFT_QUEUE_LIFO ? n - 1 - i : i))
			scenario_broken = "an item was lost";
	}
	weft_queue_done(queue);
	return ret;
}

static int fill_queues(void *unused)
{
	struct weft_queue fifo = WEFT_QUEUE(int, 0), lifo = WEFT_LIFO_QUEUE(int, ITEMS),
			  priority = WEFT_PRIORITY_QUEUE(int, 0, compare_ints);
	int r = fill_and_empty(&fifo);

	(void)unused;
	if (r == 0)
		r = fill_and_empty(&lifo);
	return r == 0 ? fill_and_empty(&priority) : r;
}

static int run_fill_queues(void)
{
	return run(fill_queues);
}

struct exchange {
	struct weft_queue *queue;
	int put, taken; /* items: the numbers from 0 on */
};

static int put_items(void *arg)
{
	struct exchange *exchange = arg;
	int r = 0;

	while (r == 0 && exchange->put < ITEMS) {
		int item = exchange->put;

		r = weft_queue_put(exchange->queue, &item);
		exchange->put += r == 0;
	}
	return r;
}

static int take_items(void *arg)
{
	struct exchange *exchange = arg;
	int r = 0, item;

	while (r == 0 && exchange->taken < ITEMS) {
		r = weft_queue_get(exchange->queue, &item);
		if (r == 0 && item != exchange->taken++)
			scenario_broken = "an item was lost, or taken twice";
		if (r == 0 && weft_queue_task_done(exchange->queue) < 0)
			scenario_broken = "more was taken than put";
		if (exchange->taken == ITEMS)
			weft_queue_shutdown(exchange->queue, false);
	}
	return r == -ESHUTDOWN ? 0 : r;
}

/* A producer and two consumers, while the caller joins. */
static int exchange_items(void *unused)
{
	struct weft_queue queue = WEFT_QUEUE(int, 3);
	struct exchange exchange = {&queue, 0, 0};
	int r;
	WEFT_GROUP(g)
		;

	(void)unused;
	r = weft_group_spawn(&g, "producer", put_items, &exchange, NULL);
	for (int i = 0; r == 0 && i < 2; i++)
		r = weft_group_spawn(&g, "consumer", take_items, &exchange, NULL);
	if (r == 0)
		r = weft_queue_join(&queue);
	r = weft_group_join(&g, r);
	if (weft_queue_size(&queue) != (size_t)(exchange.put - exchange.taken) ||
		weft_queue_unfinished(&queue) != weft_queue_size(&queue))
		scenario_broken = "what was put is neither taken nor there";
	weft_queue_done(&queue);
	return r;
}

static int run_exchange_items(void)
{
	return run(exchange_items);
}

/* --- timers -------------------------------------------------------------------------------------
 */

enum { TIMERS = 200 };
static struct weft_handle timers[TIMERS], last_timer;
static int n_fired;

static void fired(void *unused)
{
	(void)unused;
	n_fired++;
}

static void stop(void *loop)
{
	weft_loop_stop(loop);
}

/* Scheduling never fails: all of them run whatever else does. */
static int run_timers(void)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	weft_loop *loop = NULL;
	int r = weft_loop_open(&options, &loop);

	if (r < 0)
		return r;
	n_fired = 0;
	for (int i = 0; i < TIMERS; i++)
		weft_call_later(loop, &timers[i], WEFT_MS(i * 7 % 50), fired, NULL);
	for (int i = 0; i < TIMERS; i += 2)
		weft_handle_cancel(&timers[i]);
	for (int i = 0; i < TIMERS; i += 2)
		weft_call_soon(loop, &timers[i], fired, NULL);
	weft_call_later(loop, &last_timer, WEFT_S(1), stop, loop);
	r = weft_loop_run_forever(loop);
	if (r == 0 && n_fired != TIMERS)
		scenario_broken = "a timer was lost";
	weft_loop_close(loop);
	return r;
}

enum { CALLBACKS = 1500 };
static struct weft_handle callbacks[CALLBACKS];

static int run_callbacks(void)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	weft_loop *loop = NULL;
	int r = weft_loop_open(&options, &loop);

	if (r < 0)
		return r;
	n_fired = 0;
	for (int i = 0; i < CALLBACKS; i++)
		weft_call_soon(loop, &callbacks[i], fired, NULL);
	weft_loop_stop(loop);
	r = weft_loop_run_forever(loop);
	if (r == 0 && n_fired != CALLBACKS)
		scenario_broken = "a callback was lost";
	weft_loop_close(loop);
	return r;
}

/* --- signals and calls from other threads -------------------------------------------------------
 */

static void complete(void *future)
{
	if (!weft_future_done(future) && weft_future_set_result(future, 0) < 0)
		scenario_broken = "a pending future could not be completed";
}

static int signals(void *unused)
{
	weft_loop *loop = weft_running_loop();
	weft_future caught = {0};
	int r;

	(void)unused;
	r = weft_add_signal_handler(loop, SIGUSR1, complete, &caught);
	if (r < 0)
		return r;
	kill(getpid(), SIGUSR1);
	r = weft_await(&caught, NULL);
	if (weft_remove_signal_handler(loop, SIGUSR1) != 1)
		scenario_broken = "a signal's handler could not be removed";
	weft_future_reset(&caught); /* it may hold the message of a cancellation */
	return r;
}

static int run_signals(void)
{
	return run(signals);
}

static int calls_from_threads(void *unused)
{
	static weft_future done; /* a call may come when this has been cancelled */
	int r = 0;

	(void)unused;
	done = (weft_future){0};
	for (int i = 0; r == 0 && i < 10; i++)
		r = weft_call_soon_threadsafe(weft_running_loop(), fired, NULL);
	if (r == 0)
		r = weft_call_soon_threadsafe(weft_running_loop(), complete, &done);
	if (r == 0)
		r = weft_await(&done, NULL);
	if (weft_future_done(&done))
		weft_future_reset(&done); /* it may hold the message of a cancellation */
	return r;
}

static int run_calls_from_threads(void)
{
	return run(calls_from_threads);
}

/* --- streams ------------------------------------------------------------------------------------
 */

enum { BLOCK = 150000 };

static int echo(weft_stream *s, void *unused)
{
	char buf[4096];
	ssize_t n;

	(void)unused;
	while ((n = weft_stream_read(s, buf, sizeof(buf))) > 0)
		if ((n = weft_stream_write(s, buf, (size_t)n)) < 0)
			break;
	return (int)n;
}

static int send_block(void *stream)
{
	static char block[BLOCK];

	for (size_t i = 0; i < BLOCK; i++)
		block[i] = (char)(i * 13);
	return weft_stream_write(stream, block, BLOCK);
}

static int receive_block(weft_stream *s)
{
	char buf[3000];
	size_t got = 0;

	while (got < BLOCK) {
		ssize_t n = weft_stream_read(s, buf, sizeof(buf));

		if (n <= 0)
			return n < 0 ? (int)n : -EPIPE;
		for (ssize_t i = 0; i < n; i++, got++)
			if (buf[i] != (char)(got * 13))
				scenario_broken = "a byte was lost or changed";
	}
	return 0;
}

static int talk(weft_stream *s)
{
	char line[32];
	ssize_t n = 0;
	int r = weft_stream_write(s, "hello\nwor", 9);

	if (r == 0)
		r = weft_stream_write_nowait(s, "ld\n", 3);
	if (r == 0)
		n = weft_stream_readline(s, line, sizeof(line));
	if (n > 0 && (n != 6 || memcmp(line, "hello\n", 6) != 0))
		scenario_broken = "a line came back changed";
	if (n > 0)
		n = weft_stream_readexactly(s, line, 6);
	if (n > 0 && memcmp(line, "world\n", 6) != 0)
		scenario_broken = "the rest came back changed";
	return r < 0 ? r : n > 0 ? 0 : n < 0 ? (int)n : -EPIPE;
}

static int send_and_receive_block(weft_stream *s)
{
	int r;
	WEFT_GROUP(g)
		;

	r = weft_group_spawn(&g, "sender", send_block, s, NULL);
	if (r == 0)
		r = receive_block(s);
	return weft_group_join(&g, r);
}

static int client_and_server(void *unused)
{
	WEFT_AUTO(server) server = NULL;
	WEFT_AUTO(stream) s = NULL;
	char address[64];
	static int n;
	int r;

	(void)unused;
	/* Never the same: a kernel that was left in the lurch gives the last one back later. */
	snprintf(address, sizeof(address), "unix:@weft-sweep-%d-%d", (int)getpid(), n++);
	r = weft_start_server(address, echo, NULL, &server);
	if (r == 0)
		r = weft_open_connection(address, NULL, &s);
	/* A connection that the server has to drop ends, and a stranded one is ended here. */
	WEFT_TIMEOUT(r, WEFT_S(600)) {
		if (r == 0)
			r = talk(s);
		if (r == 0)
			r = send_and_receive_block(s);
		if (r == 0)
			r = weft_stream_write_eof(s);
		if (r == 0)
			r = (int)weft_stream_read(s, address, 1);
	}
	if (r > 0)
		scenario_broken = "there is something after the end";
	return r;
}

static int run_client_and_server(void)
{
	return run(client_and_server);
}

/* A name to the library, which asks the resolver, and an address to that one: no file is needed. */
static int by_name(void *unused)
{
	WEFT_AUTO(server) server = NULL;
	WEFT_AUTO(stream) s = NULL;
	char address[64];
	int r = weft_start_server("tcp:0x7f000001:0", echo, NULL, &server);

	(void)unused;
	if (r < 0)
		return r;
	snprintf(address, sizeof(address), "tcp:0x7f000001%s",
		strrchr(weft_server_address(server, 0), ':'));
	r = weft_open_connection(address, NULL, &s);
	if (r == 0)
		r = weft_stream_write(s, "x", 1);
	if (r == 0) {
		r = weft_stream_close_wait(s);
		s = NULL; /* given back on every path */
	}
	return r;
}

static int run_by_name(void)
{
	return run(by_name);
}

/* --- contexts, and futures for other threads ----------------------------------------------------
 */

static int values_held;

static void release_value(void *value)
{
	(void)value;
	values_held--;
}

static struct weft_var owned = {.name = "owned", .release = release_value};
static struct weft_var plain[3];

static int set_value(void *value)
{
	int r = weft_var_set(&owned, value, NULL);

	if (r < 0)
		return r;
	values_held++;
	return weft_sleep(0);
}

static int set_all(struct weft_var_token *token)
{
	int r;

	for (size_t i = 0; i < 3; i++) {
		r = weft_var_set(&plain[i], plain, NULL);
		if (r < 0)
			return r;
	}
	r = weft_var_set(&owned, plain, token);
	if (r < 0)
		return r;
	values_held++;
	return 0;
}

static int variables(void *unused)
{
	WEFT_AUTO(context) context = NULL;
	WEFT_AUTO(task) task = NULL;
	struct weft_var_token token = {0};
	struct weft_task_options options = {.eager_start = true};
	int r, ret = 0;

	(void)unused;
	r = set_all(&token);
	if (r < 0)
		return r;
	context = weft_copy_context();
	if (!context)
		r = -ENOMEM;
	options.context = context;
	if (r == 0)
		r = weft_create_task_with(&options, set_value, &owned, &task);
	if (r == 0)
		r = weft_await_task(task, &ret);
	if (r == 0 && ret == 0 && weft_context_get(context, &owned) != &owned)
		scenario_broken = "a context lost a value";
	if (weft_var_get(&owned) != plain)
		scenario_broken = "a value of another context came through";
	if (r == 0)
		r = weft_var_reset(&owned, &token);
	weft_var_token_release(&token);
	return r < 0 ? r : ret;
}

static int run_variables(void)
{
	int r;

	values_held = 0;
	r = run(variables);
	if (values_held != 0)
		scenario_broken = "a value was not released, or twice";
	return r;
}

static int answer(void *unused)
{
	(void)unused;
	return weft_sleep(0) == 0 ? 42 : -ECANCELED;
}

static int through_threads(void *unused)
{
	WEFT_AUTO(concurrent_future) future = NULL;
	struct weft_wrapped wrapped = {0};
	int r, ret = 0;

	(void)unused;
	r = weft_run_coroutine_threadsafe(weft_running_loop(), answer, NULL, &future);
	if (r < 0)
		return r;
	r = weft_wrap_future(future, &wrapped);
	if (r < 0)
		return r;
	r = weft_await(&wrapped.future, &ret);
	weft_wrapped_done(&wrapped);
	if (r == 0 && ret >= 0 && ret != 42)
		scenario_broken = "an answer came back changed";
	return r < 0 ? r : ret < 0 ? ret : 0;
}

static int run_through_threads(void)
{
	return run(through_threads);
}

static int run_twice(void)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	static weft_fn fns[] = {variables, through_threads};
	weft_runner *runner = NULL;
	int r = weft_runner_open(&options, &runner);

	values_held = 0;
	for (size_t i = 0; r == 0 && i < 2; i++)
		r = weft_runner_run(runner, quietly, &fns[i]);
	weft_runner_close(runner);
	if (values_held != 0)
		scenario_broken = "a value was not released, or twice";
	return r;
}

/* --- looking into a loop -----------------------------------------------------------------------
 */

static int wait_for_event(void *event)
{
	return weft_event_wait(event);
}

static int look_at_all(void)
{
	weft_loop *loop = weft_running_loop();
	struct weft_edge edges[8];
	char text[100];
	FILE *nowhere;
	ssize_t n;
	int r;

	n = weft_await_graph(loop, edges, 8);
	if (n >= 0 && n < 80)
		scenario_broken = "not all edges of the graph";
	if (n >= 0)
		n = weft_loop_deadlock_text(loop, text, sizeof(text));
	if (n > 0)
		scenario_broken = "tasks that wait for an event are not stuck";
	if (n < 0)
		return (int)n;
	nowhere = fopen("/dev/null", "w");
	if (!nowhere)
		return -errno;
	r = weft_print_graph(loop, nowhere);
	if (r == 0)
		r = weft_print_call_graph(weft_task_future(weft_current_task()), nowhere);
	if (r == 0)
		r = weft_print_deadlock(loop, nowhere);
	fclose(nowhere);
	return r;
}

static int look_around(void *unused)
{
	struct weft_event event = {0};
	int r = 0;

	(void)unused;
	WEFT_GROUP(group)
		;
	for (int i = 0; i < 80 && r == 0; i++)
		r = weft_group_spawn(&group, NULL, wait_for_event, &event, NULL);
	if (r == 0)
		r = weft_sleep(0);
	if (r == 0)
		r = look_at_all();
	weft_event_set(&event);
	return weft_group_join(&group, r);
}

static int run_look_around(void)
{
	return run(look_around);
}

static int run_wait_in_every_way(void)
{
	return run(wait_in_every_way);
}

static int run_end_early(void)
{
	return run(end_early);
}

static int run_share(void)
{
	return run(share);
}

static int run_drive_generators(void)
{
	return run(drive_generators);
}

static int run_stop_a_server(void)
{
	return run(stop_a_server);
}

const struct scenario scenarios[] = {
	{"open and close a loop", open_and_close, 4},
	{"fifty tasks", run_fifty_tasks, 10},
	{"a group with a failing child", run_failing_group, 12},
	{"nested timeouts", run_nested_timeouts, 6},
	{"filling queues", run_fill_queues, 18},
	{"exchanging items through a queue", run_exchange_items, 8},
	{"two hundred timers", run_timers, 6},
	{"fifteen hundred callbacks", run_callbacks, 6},
	{"signals", run_signals, 6},
	{"calls from other threads", run_calls_from_threads, 16},
	{"a client and a server", run_client_and_server, 20},
	{"connecting by name", run_by_name, 10},
	{"variables and contexts", run_variables, 10},
	{"a future of other threads", run_through_threads, 8},
	{"two runs of a runner", run_twice, 14},
	{"looking into a loop", run_look_around, 15},
	{"waiting in every way", run_wait_in_every_way, 12},
	{"groups and owners that end early", run_end_early, 10},
	{"locks, permits, barriers, conditions", run_share, 8},
	{"asynchronous generators", run_drive_generators, 8},
	{"a server that is stopped", run_stop_a_server, 16},
};
const size_t n_scenarios = sizeof(scenarios) / sizeof(scenarios[0]);

const struct scenario_task scenario_tasks[] = {
	{"fifty tasks", fifty_tasks, false, 5},
	{"a group with a failing child", failing_group, false, 5},
	{"nested timeouts", nested_timeouts, true, 100},
	{"exchanging items through a queue", exchange_items, false, 20},
	{"signals", signals, false, 3},
	{"calls from other threads", calls_from_threads, false, 3},
	{"a client and a server", client_and_server, false, 10},
	{"connecting by name", by_name, false, 2},
	{"variables and contexts", variables, false, 1},
	{"a future of other threads", through_threads, false, 2},
	{"looking into a loop", look_around, false, 1},
	{"waiting in every way", wait_in_every_way, true, 10},
	{"groups and owners that end early", end_early, false, 6},
	{"locks, permits, barriers, conditions", share, false, 20},
	{"asynchronous generators", drive_generators, false, 5},
	{"a server that is stopped", stop_a_server, false, 5},
};
const size_t n_scenario_tasks = sizeof(scenario_tasks) / sizeof(scenario_tasks[0]);
