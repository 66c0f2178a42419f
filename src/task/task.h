/* SPDX-License-Identifier: MIT */
#pragma once

/* The task as the layers above it see it, and park(): the one place where a task stops running. */

#include "coro/coro.h"
#include "future.h"

#include <errno.h>
#include <weft/group.h>
#include <weft/task.h>

/* Where a request to end has come by on its way down: cancel.c. */
struct cancel_walk {
	struct weft_future *asking; /* who sent the request here, and waits for the answer */
	size_t next;		    /* of a gathering: the child that is being asked */
	bool taken;		    /* ... and whether one has taken the request */
	bool walking;
};

/* The control block, at the top of the task's own stack. Its first two cache lines are what a
 * switch touches. */
struct weft_task {
	struct coro coro; /* first: coro_open() */

	struct weft_future *
		waiter; /* what it waits for while parked (asyncio's _fut_waiter); NULL: its turn */
	bool must_cancel; /* the next step delivers a cancellation */
	bool forwarded;	  /* the last request was passed on to `waiter` */
	bool started;
	uint8_t shield_depth; /* WEFT_SHIELD blocks around it */
	uint32_t shielded;    /* requests that wait: bit d for those that a block of depth > d keeps
				 off */

	struct weft_handle wake; /* its step: ready, or in the awaited future's callbacks */

	int *outcome; /* where the result of `waiter` is wanted, or NULL */

	weft_ns since; /* when it began to wait for `waiter`, by loop->now */

	struct weft_future future;
	weft_fn fn;
	void *arg;
	struct list link; /* in tasks->all, then in tasks->ended */
	uint64_t id;
	uint32_t references;
	int cancelling;
	int held; /* those of `cancelling` that a shield keeps off for now */
	struct weft_owner *owner;
	struct weft_group *group;
	struct weft_task *group_next, *group_prev;
	struct weft_handle group_done;	 /* the group's done callback */
	struct weft_error *raised;	 /* what weft_raise() said last */
	struct weft_error *cancel_error; /* the message of the last request that was not passed on
					  */
	struct cancel_walk walk;
	struct weft_agen *agen; /* the innermost asynchronous generator whose body it runs */
	char name[32];		/* empty: made of the id when asked for */

	struct context *context;     /* weft_context_run()'s; NULL: its home, which is: */
	weft_context *given_context; /* somebody else has it too */
	struct context own_context;  /* where none was given: a copy of its creator's */
};

/* What the layer of generators wants to be told. */
struct agen_ops {
	void (*drop)(weft_task *task);	   /* never runs again: nor do the bodies that it runs */
	void (*close)(struct list *agens); /* nothing runs any more */
};

/* What the task layer keeps with a loop. */
struct tasks {
	struct loop_extension extension;
	weft_loop *loop;
	struct coro thread;
	weft_task *leaving; /* has ended in this step, its stack is still to be left */
	struct coro_pool *pool;
	struct list all; /* weft_task.link: those that have not ended, by creation (see closing) */
	struct list ended;	/* weft_task.link: those that somebody still refers to */
	struct list gatherings; /* weft_gathering.link */
	struct list notices; /* notice.link, of tasks whose outcome will count as seen: notice.c */
	uint64_t last_id;
	struct list agens;		 /* asynchronous generators that have begun and not ended */
	const struct agen_ops *agen_ops; /* NULL: there never was one */

	/* The runner's end: how many tasks up to `closing_id` have not ended yet, and who waits for
	 * that. Those that have stay in `all` until it is over. */
	uint64_t closing_id;
	size_t closing_left;
	struct weft_handle closing_seen;
	struct weft_future closing;

	/* Called as a task (arg: the loop) after the last task has ended, before the loop is
	 * closed; NULL: nothing is to be done. */
	weft_fn shutdown;
};

/* The running task of this thread, or NULL. */
extern _Thread_local weft_task *task_here __attribute__((visibility("hidden")));

/* Where what runs is a plain generator or a greenlet, which must not park: the task that has to
 * wait for it; task_here is NULL then. */
extern _Thread_local weft_task *task_behind __attribute__((visibility("hidden")));

/* The task on whose account this runs, for all but parking. */
static inline weft_task *task_now(void)
{
	return task_here ? task_here : task_behind;
}

/* What runs in this thread, where it is no task; NULL: nothing that is known. Called in a signal
 * handler; set by the layer of generators. */
extern const struct coro *(*_Atomic tasks_guest)(struct coro_name *ret_name)
	__attribute__((visibility("hidden")));

/* Overflows of stacks are reported in this thread from now on. -errno. */
int tasks_watch_overflow(void);

static inline weft_task *task_of(struct weft_future *future)
{
	/* gcc warns of futures that it can see to be in no task, also behind a test for that. */
	__asm__("" : "+r"(future));
	return list_entry(future, weft_task, future);
}

/* Makes what the task layer keeps with a loop. -ENOMEM. */
int tasks_open(weft_loop *loop, struct tasks **ret_tasks);

/* The tasks of a loop; made when they are first asked for. -ENOMEM. */
static inline int tasks_of(weft_loop *loop, struct tasks **ret_tasks)
{
	struct tasks *tasks = (struct tasks *)loop->extensions[LOOP_TASKS];

	if (__builtin_expect(!tasks, false))
		return tasks_open(loop, ret_tasks);
	*ret_tasks = tasks;
	return 0;
}

/* A task that is waited for must not go before the wait has ended. */
static inline void future_retain(struct weft_future *future)
{
	if (future->ops == &task_future_ops)
		task_of(future)->references++;
}

static inline void future_release(struct weft_future *future)
{
	if (future->ops == &task_future_ops)
		weft_task_release(task_of(future));
}

/* `handle` is ready, and is let go: when its turn comes, the outcome of `future`, which is done,
 * counts as seen, and not before. At once, where the future is no task's and may be gone by then.
 */
void future_notice_later(struct weft_future *future, struct weft_handle *handle);
/* At the end of the loop: none of them will have its turn. */
void notices_drop(struct tasks *tasks);

/* At the end of the loop: a task that has not ended is reported, and never runs again. */
void task_drop(weft_task *task);

/* Tells the loop's exception handler of a task. */
void task_report(weft_task *task, const char *message);

/* The first frame of every task, which calls its function. */
void task_main(void *head);

/* weft_loop.step_name. */
const char *task_step_name(void (*fn)(void *arg), void *arg);

/* weft_loop.task_context. */
struct context **task_context(struct context **ret_home);

/* Suspends the running task until `future`, which is pending, is done (NULL: until its next turn).
 * 0: `*outcome`, if not NULL, has its result, also where somebody else cancelled it; -ECANCELED:
 * the task itself was cancelled; -EPERM: there is no running task. park_task() is for those who
 * have looked already. */
int park_task(weft_task *task, struct weft_future *future, int *outcome);
static inline int park(struct weft_future *future, int *outcome)
{
	return task_here ? park_task(task_here, future, outcome) : -EPERM;
}

int unpark_cancelled(weft_task *task);

/* A request to cancel that comes from a block at `depth`; depth 0: from outside. False: it is done
 * already, or nothing of it can be cancelled. */
bool future_cancel_from(struct weft_future *future, const char *message, unsigned depth);
int task_cancel_from(weft_task *task, const char *message, unsigned depth);

/* The error of a future that is done becomes the running or waking task's last error. 0. */
int task_receive_error(weft_task *task, struct weft_future *future);

/* The other half of park(), on the loop's stack just before the task goes on: what park() returns.
 */
static inline int unpark(weft_task *task)
{
	struct weft_future *future = task->waiter;

	assert(task->wake.state == HANDLE_IDLE);
	if (__builtin_expect(task->must_cancel | task->forwarded, false))
		return unpark_cancelled(task);
	if (!future)
		return 0;
	task->waiter = NULL;
	future->flags |= FUTURE_RETRIEVED;
	if (task->outcome)
		*task->outcome = future->result;
	if (future->result < 0)
		(void)task_receive_error(task, future);
	future_release(future);
	return 0;
}

/* Requests that concern what runs now: those that a shield keeps off do not. */
static inline int task_cancelling(const weft_task *task)
{
	return task->cancelling - task->held;
}

/* The task that this timer cancels, if it is a timeout's; else NULL. */
weft_task *timeout_task(const struct weft_handle *handle);

/* The task's last raised error if it has this code, handed over to the caller. NULL: none. Without
 * a task: the thread's. */
struct weft_error *task_take_error(weft_task *task, int code);

/* The task's last error becomes `error`, which is handed over. NULL: there is no message, and that
 * of an earlier error with this code must not be taken for it. */
void task_give_error(weft_task *task, int code, struct weft_error *error);

/* Makes a copy of `error`, or NULL, what weft_last_error() says outside of tasks. */
void raise_keep(const struct weft_error *error);

/* A task on any open loop of this thread that nothing has made run yet: task_start() does. */
int task_prepare(weft_loop *loop, const struct weft_task_options *options, weft_fn fn, void *arg,
	bool referenced, weft_task **ret_task);
/* Its first step is in the next iteration, or now if the options say so. Now it may also end: then
 * it is gone if nobody holds a reference. */
void task_start(weft_task *task, const struct weft_task_options *options);

/* weft_create_task_with() on any open loop of this thread. */
int task_create(weft_loop *loop, const struct weft_task_options *options, weft_fn fn, void *arg,
	weft_task **ret_task);
