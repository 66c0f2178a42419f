/* SPDX-License-Identifier: MIT */
/* A loop from its first task to its last: asyncio.Runner, and asyncio.run() on top of it. */

#include "loop/signals.h"
#include "task/task.h"

#include <errno.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weft/inspect.h>
#include <weft/runner.h>

enum { CLOSING_ROUNDS = 100 }; /* clean-up may spawn tasks; it may not do so for ever */

struct weft_runner {
	weft_loop *loop;
	weft_context *context; /* of all runs; NULL: there is one run, it takes a copy itself */
	bool keep_sigint;

	weft_task *main; /* while it runs */
	bool interrupted;
};

/* --- SIGINT --- */

/* The first one cancels main; from then on SIGINT has its default action again. */
static void interrupt(void *arg)
{
	weft_runner *runner = arg;

	runner->interrupted = true;
	weft_remove_signal_handler(runner->loop, SIGINT);
	weft_cancel(runner->main, NULL);
}

static void watch_sigint(weft_runner *runner)
{
	struct sigaction now;

	if (runner->keep_sigint || getpid() != gettid() || sigaction(SIGINT, NULL, &now) < 0 ||
		now.sa_handler != SIG_DFL)
		return;
	weft_add_signal_handler(runner->loop, SIGINT, interrupt, runner);
}

/* A handler that the program has set in its place stays. */
static void unwatch_sigint(weft_runner *runner)
{
	if (signals_handled_by(runner->loop, SIGINT, interrupt, runner))
		weft_remove_signal_handler(runner->loop, SIGINT);
}

/* --- the end --- */

static void report(weft_loop *loop, const char *message, int code)
{
	weft_call_exception_handler(
		loop, &(struct weft_exception){.message = message, .code = code});
}

/* Who waits for what. */
static void report_deadlock(weft_loop *loop)
{
	static const char word[] = "deadlock: ";
	char text[512] = "deadlock";
	char tasks[sizeof(text) - sizeof(word)];

	if (weft_loop_deadlock_text(loop, tasks, sizeof(tasks)) > 0)
		snprintf(text, sizeof(text), "%s%s", word, tasks);
	report(loop, text, -EDEADLK);
}

/* All tasks that are left are asked to end, and are kept until end_round(). */
static void begin_round(struct tasks *tasks)
{
	tasks->closing = (struct weft_future){.loop = tasks->loop};
	tasks->closing_id = tasks->last_id;
	tasks->closing_left = 0;
	list_for_each(link, &tasks->all) {
		list_entry(link, weft_task, link)->references++;
		tasks->closing_left++;
	}
	list_for_each(link, &tasks->all)
		weft_cancel(list_entry(link, weft_task, link), NULL);
}

/* Nobody is left to ask for their errors: they are told in the order of the tasks' creation. */
static void end_round(struct tasks *tasks)
{
	uint64_t last = tasks->closing_id;
	struct list *link = tasks->all.next, *next;

	tasks->closing_left = 0;
	tasks->closing_id = 0;
	weft_handle_cancel(&tasks->closing_seen);
	for (; link != &tasks->all; link = next) {
		weft_task *task = list_entry(link, weft_task, link);

		if (task->id > last)
			break;
		next = link->next;
		if (task->future.state != FUTURE_PENDING) {
			list_remove(&task->link);
			list_append(&tasks->ended, &task->link);
		}
		if (task->future.state == FUTURE_FINISHED && task->future.result < 0) {
			task->future.flags |= FUTURE_RETRIEVED;
			task_report(task, "unhandled exception during weft_run() shutdown");
		}
		weft_task_release(task);
	}
}

/* A task that stops the loop does not get out of this. */
static int run_to_the_end(weft_loop *loop, struct weft_future *future)
{
	int r;

	do
		r = weft_loop_run_until_complete(loop, future, NULL);
	while (r == -ECANCELED);
	if (r == -EDEADLK)
		report_deadlock(loop);
	return r;
}

/* Cancels all tasks that are left and waits for them; and for those that their clean-up created. */
static int end_tasks(struct tasks *tasks)
{
	int r = 0;

	for (int round = 0; r == 0 && !list_empty(&tasks->all); round++) {
		if (round == CLOSING_ROUNDS) {
			report(tasks->loop, "clean-up creates tasks again and again", -ELOOP);
			return -ELOOP;
		}
		begin_round(tasks);
		r = run_to_the_end(tasks->loop, &tasks->closing);
		end_round(tasks);
	}
	return r;
}

/* What other parts have to end in a task of the loop's. */
static int run_shutdown(struct tasks *tasks)
{
	static const struct weft_task_options defaults;
	weft_task *task;
	int r;

	r = task_create(tasks->loop, &defaults, tasks->shutdown, tasks->loop, &task);
	if (r < 0)
		return r;
	r = run_to_the_end(tasks->loop, &task->future);
	weft_task_release(task);
	return r;
}

static void shut_down(weft_loop *loop)
{
	struct tasks *tasks = (struct tasks *)loop->extensions[LOOP_TASKS];

	if (tasks && end_tasks(tasks) == 0 && tasks->shutdown && run_shutdown(tasks) == 0)
		end_tasks(tasks);
}

/* --- runs --- */

static int begin(const struct weft_options *options, weft_runner *runner)
{
	*runner = (weft_runner){.keep_sigint = options && options->keep_sigint};
	return weft_loop_open(options, &runner->loop);
}

static void end(weft_runner *runner)
{
	shut_down(runner->loop);
	weft_loop_close(runner->loop);
	weft_context_release(runner->context);
}

/* What main returned; -EINTR where SIGINT has ended it, and nobody else wanted that. */
static int result_of(weft_runner *runner, int outcome)
{
	if (runner->interrupted && weft_task_cancelled(runner->main) &&
		weft_uncancel(runner->main) == 0)
		return -EINTR;
	return outcome;
}

int weft_runner_run_with(
	weft_runner *runner, const struct weft_task_options *options, weft_fn fn, void *arg)
{
	struct weft_task_options with = options ? *options : (struct weft_task_options){0};
	int r, outcome = 0;

	if (weft_running_loop())
		return -EBUSY;
	raise_keep(NULL);
	if (!with.context)
		with.context = runner->context;
	r = task_create(runner->loop, &with, fn, arg, &runner->main);
	if (r < 0)
		return r;
	runner->interrupted = false;
	watch_sigint(runner);
	r = weft_loop_run_until_complete(runner->loop, &runner->main->future, &outcome);
	unwatch_sigint(runner);
	if (r == -EDEADLK)
		report_deadlock(runner->loop);
	if (r == 0)
		r = result_of(runner, outcome);
	raise_keep(runner->main->future.error);
	weft_task_release(runner->main);
	runner->main = NULL;
	return r;
}

int weft_runner_run(weft_runner *runner, weft_fn fn, void *arg)
{
	return weft_runner_run_with(runner, NULL, fn, arg);
}

weft_loop *weft_runner_loop(weft_runner *runner)
{
	return runner->loop;
}

int weft_runner_open(const struct weft_options *options, weft_runner **ret_runner)
{
	weft_runner *runner = malloc(sizeof(*runner));
	int r;

	if (!runner)
		return -ENOMEM;
	r = begin(options, runner);
	if (r < 0) {
		free(runner);
		return r;
	}
	runner->context = weft_copy_context();
	if (!runner->context) {
		weft_loop_close(runner->loop);
		free(runner);
		return -ENOMEM;
	}
	*ret_runner = runner;
	return 0;
}

void weft_runner_close(weft_runner *runner)
{
	if (!runner)
		return;
	if (runner->loop->running) {
		if (runner->loop->debug)
			fprintf(stderr, "weft: weft_runner_close(): the loop is running; stop it "
					"first\n");
		return;
	}
	end(runner);
	free(runner);
}

int weft_run(weft_fn main, void *arg, const struct weft_options *options)
{
	weft_runner runner;
	int r;

	raise_keep(NULL);
	r = begin(options, &runner);
	if (r < 0)
		return r;
	r = weft_runner_run(&runner, main, arg);
	end(&runner);
	return r;
}
