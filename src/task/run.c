/* SPDX-License-Identifier: MIT */
/* asyncio.run: a loop from its first task to its last. */

#include "task.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

enum { CLOSING_ROUNDS = 100 }; /* clean-up may spawn tasks; it may not do so for ever */

struct run {
	weft_loop *loop;
	weft_task *main;
	bool interrupted;
};

/* The first SIGINT cancels main; from then on it has its default action again. */
static void interrupt(void *arg)
{
	struct run *run = arg;

	run->interrupted = true;
	weft_remove_signal_handler(run->loop, SIGINT);
	weft_cancel(run->main, NULL);
}

static void watch_sigint(struct run *run, const struct weft_options *options)
{
	struct sigaction now;

	if ((options && options->keep_sigint) || getpid() != gettid() ||
		sigaction(SIGINT, NULL, &now) < 0 || now.sa_handler != SIG_DFL)
		return;
	weft_add_signal_handler(run->loop, SIGINT, interrupt, run);
}

/* Cancels all tasks that are left and waits for them; and for those that their clean-up created. */
static void end_tasks(weft_loop *loop)
{
	struct tasks *tasks = (struct tasks *)loop->extensions[LOOP_TASKS];
	int r = 0;

	for (int round = 0; r == 0 && round < CLOSING_ROUNDS && !list_empty(&tasks->all); round++) {
		tasks->closing = (struct weft_future){.loop = loop};
		tasks->closing_id = tasks->last_id;
		tasks->closing_left = weft_all_tasks(loop, NULL, NULL, 0);
		list_for_each(link, &tasks->all)
			weft_cancel(list_entry(link, weft_task, link), NULL);
		do /* a task that stops the loop does not get out of this */
			r = weft_loop_run_until_complete(loop, &tasks->closing, NULL);
		while (r == -ECANCELED);
	}
}

static int run_main(struct run *run, weft_fn fn, void *arg, const struct weft_options *options)
{
	static const struct weft_task_options defaults;
	int r, outcome = 0;

	r = task_create(run->loop, &defaults, fn, arg, &run->main);
	if (r < 0)
		return r;
	watch_sigint(run, options);
	r = weft_loop_run_until_complete(run->loop, &run->main->future, &outcome);
	end_tasks(run->loop);
	weft_remove_signal_handler(run->loop, SIGINT);

	if (r == 0)
		r = run->interrupted && weft_task_cancelled(run->main) ? -EINTR : outcome;
	raise_keep(run->main->future.error);
	weft_task_release(run->main);
	return r;
}

int weft_run(weft_fn main, void *arg, const struct weft_options *options)
{
	struct run run = {0};
	int r;

	raise_keep(NULL);
	r = weft_loop_open(options, &run.loop);
	if (r < 0)
		return r;
	r = run_main(&run, main, arg, options);
	weft_loop_close(run.loop);
	return r;
}
