/* SPDX-License-Identifier: MIT */
/* The asynchronous generators of a loop: whoever is left suspended is closed, by a task of the
 * library. */

#include "agen.h"

#include <errno.h>

enum { ROUNDS = 100 }; /* clean-up may begin others; it may not do so for ever */

/* The loop's end while it waits. */
struct agens_end {
	size_t left; /* whose `end` it is, and whose closers have not ended */
	struct weft_future idle;
};

static struct tasks *tasks_here(weft_loop *loop)
{
	return (struct tasks *)loop->extensions[LOOP_TASKS];
}

/* --- a task that closes one --- */

/* Its closer has ended. */
static void forget(weft_agen *agen)
{
	weft_task_release(agen->closer);
	agen->closer = NULL;
	agen->end = NULL;
	list_remove(&agen->link);
	if (agen->released)
		agen_destroy(agen);
}

/* As the done callback of the closer. */
static void closed(void *arg)
{
	weft_agen *agen = arg;
	struct agens_end *end = agen->end;

	if (!end)
		forget(agen);
	else if (--end->left == 0)
		future_finish(&end->idle);
}

/* A task that is cancelled before its first step never runs, and the body would not be cleaned up;
 * asyncio's is told of the cancellation instead. So this one begins at once, and goes on when
 * asyncio's begins. */
static int close_one(void *agen)
{
	int r = weft_sleep(0);

	return agen_end(agen, r < 0 ? r : WEFT_GENERATOR_EXIT);
}

static int create_closer(weft_agen *agen)
{
	static const struct weft_task_options at_once = {.eager_start = true};
	int r;

	r = task_create(agen->loop, &at_once, close_one, agen, &agen->closer);
	if (r == 0)
		weft_future_add_done_callback(&agen->closer->future, &agen->handle, closed, agen);
	return r;
}

/* Nobody can clean up after it: at least nobody is waiting for it. */
static void give_up(weft_agen *agen, int code)
{
	thread_report("an asynchronous generator ends without its clean-up", code);
	list_remove(&agen->link);
	if (agen->released)
		agen_destroy(agen);
}

static void finalize(void *arg)
{
	weft_agen *agen = arg;
	int r = create_closer(agen);

	if (r < 0)
		give_up(agen, r);
}

void agens_remove(weft_agen *agen)
{
	/* A closer keeps it in its list until it has been asked how that went. */
	if (!agen->closer)
		list_remove(&agen->link);
}

void agens_drop(weft_agen *agen)
{
	if (agen->stage == AGEN_STARTED && !agen->closing && agen->loop)
		weft_call_soon(agen->loop, &agen->handle, finalize, agen);
	else
		agen_destroy(agen);
}

static void drop_now(void *agen)
{
	agens_drop(agen);
}

void agens_drop_soon(weft_agen *agen)
{
	weft_call_soon(agen->loop, &agen->handle, drop_now, agen);
}

/* --- the loop's end --- */

static void report(weft_agen *agen)
{
	struct weft_future *future = &agen->closer->future;

	future->flags |= FUTURE_RETRIEVED;
	if (future->result < 0)
		weft_call_exception_handler(agen->loop,
			&(struct weft_exception){
				.message = "an error occurred during closing of an asynchronous "
					   "generator",
				.code = future->result,
				.error = future->error,
				.task = weft_task_name(agen->closer),
			});
}

static void close_each(struct list *agens, struct agens_end *end)
{
	list_for_each_safe(link, agens) {
		weft_agen *agen = list_entry(link, weft_agen, link);
		int r;

		if (agen->closer)
			continue;
		weft_handle_cancel(&agen->handle);
		r = create_closer(agen);
		if (r < 0) {
			give_up(agen, r);
			continue;
		}
		agen->end = end;
		end->left++;
	}
}

/* tasks->shutdown: closes all at once, and tells what went wrong when all have ended. */
static int end_all(void *loop)
{
	struct list *agens = &tasks_here(loop)->agens;

	for (int round = 0; round < ROUNDS && !list_empty(agens); round++) {
		struct agens_end end = {.idle = {.loop = loop}};

		close_each(agens, &end);
		/* Nobody may cut this short: the closers refer to it. */
		while (end.left > 0) {
			if (weft_future_done(&end.idle))
				weft_future_reset(&end.idle);
			(void)park(&end.idle, NULL);
		}
		weft_future_reset(&end.idle);
		list_for_each_safe(link, agens) {
			weft_agen *agen = list_entry(link, weft_agen, link);

			if (agen->end) {
				report(agen);
				forget(agen);
			}
		}
	}
	return 0;
}

/* The bodies that a task runs end with it, without clean-up; its own stack is its own again. */
static void drop_task(weft_task *task)
{
	weft_agen *agen = task->agen;

	task->agen = NULL;
	while (agen) {
		weft_agen *outer = agen->outer;

		coro_lend(&task->coro, &agen->driver);
		agen->busy = false;
		agen->stage = AGEN_ENDED;
		agen->result = -ECANCELED;
		if (agen->released)
			agen_destroy(agen);
		agen = outer;
	}
}

/* All tasks have gone, and all handles. */
static void close_all(struct list *agens)
{
	while (!list_empty(agens)) {
		weft_agen *agen = list_entry(agens->next, weft_agen, link);

		list_remove(&agen->link);
		agen->loop = NULL;
		agen->closer = NULL;
		agen->end = NULL;
		if (agen->released)
			agen_destroy(agen);
	}
}

static const struct agen_ops ops = {drop_task, close_all};

void agens_add(weft_agen *agen)
{
	struct tasks *tasks = tasks_here(task_here->future.loop);

	agen->loop = task_here->future.loop;
	tasks->agen_ops = &ops;
	tasks->shutdown = end_all;
	if (agen->stage != AGEN_ENDED)
		list_append(&tasks->agens, &agen->link);
}
