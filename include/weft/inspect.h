/* SPDX-License-Identifier: MIT */
#ifndef WEFT_INSPECT_H
#define WEFT_INSPECT_H

/* Looking into a loop: where each task is, who waits for whom, and what can never go on (asyncio's
 * Task.get_stack, call graph and pstree).
 *
 * All of it is a look at one moment: nothing is changed, no references are taken, and what is
 * pointed to is valid until the loop runs on. To be called in the loop's thread, by a task, a
 * callback, or while the loop does not run. Not for hot paths: who waits for whom is found by
 * looking at all tasks of the loop, in memory that is freed before the call returns (some 150 bytes
 * for each), and names of functions are read from files. */

#include <stdio.h>
#include <weft/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- one task --- */

enum weft_task_state {
	WEFT_TASK_CREATED, /* not started yet */
	WEFT_TASK_READY,   /* goes on with its next turn */
	WEFT_TASK_RUNNING,
	WEFT_TASK_WAITING,
	WEFT_TASK_DONE,
};

/* Something that waits, or is waited for. */
struct weft_node {
	weft_task *task;    /* where it is one, else NULL */
	const void *object; /* its address: the task's, the future's, or the lock's, queue's, ... */
	const char *what;   /* "task", "gather", "group", "lock", "sleep", "future", ... */
};

struct weft_task_info {
	uint64_t id; /* of the loop's tasks, by creation, from 1 */
	const char *name;
	const struct weft_owner *owner; /* or NULL */
	enum weft_task_state state;
	weft_fn fn;
	void *arg;
	struct weft_node waits_for; /* while it waits; else zero */
	/* While it waits: when that began, on the loop's clock; else WEFT_NEVER. The loop does not
	 * read the clock for this: it is the latest time that it knew then, of the running
	 * iteration where there are timers or the loop has slept, at most 1,024 iterations old
	 * elsewhere. */
	weft_ns since;
	int result; /* when it is done: as weft_future_result(), else -EINPROGRESS */
	/* When it has failed: the message, and where weft_raise() was; or NULL. Does not count as
	 * retrieved. */
	const struct weft_error *error;
};

/* Never fails. */
WEFT_API void weft_task_inspect(weft_task *task, struct weft_task_info *ret_info);

/* A call that a task is in. */
struct weft_frame {
	const void *pc;	      /* where it goes on */
	const void *function; /* the first byte of that function; NULL: unknown */
	const char *module;   /* the program's or library's file as it was loaded; "": unknown */
	size_t offset;	      /* of pc in the module's addresses: for addr2line -e MODULE */
	char name[64];	      /* of the function, cut where it is longer; "": unknown */
};

/* The task's calls, innermost first and up to the function that it was created with: the first `n`
 * of them; returns how many there are. What the compiler has inlined, or left by a jump, is not
 * among them. A task that has not started: its function, not yet entered. The running task: from
 * the call of this function on. While an asynchronous generator runs on its behalf: the calls
 * since that one's body began; a generator: 0. One that is done: 0. -EINVAL: a task of another
 * thread.
 *
 * Names include those of static functions unless the file was stripped. The calls are found through
 * libunwind where weft was built with it and it is installed; without, only those of code that was
 * built with frame pointers, up to the first that was not, and none where stacks are switched by
 * ucontext below AddressSanitizer or on a machine that is neither x86-64 nor AArch64. Needs some
 * 10 KiB of stack. */
WEFT_API int weft_task_stack(weft_task *task, struct weft_frame frames[], size_t n);

/* --- who waits for whom --- */

struct weft_edge {
	struct weft_node from, to; /* `from` waits for `to` */
	unsigned circle; /* which circle it is a part of, from 1; 0: of none. A -> B -> A is one. */
};

/* What the loop's tasks wait for, and what that waits for in turn: a gather, wait, shield or group
 * for its members, a lock for the task that holds it. The first `n` edges; returns how many there
 * are. -ENOMEM. */
WEFT_API ssize_t weft_await_graph(weft_loop *loop, struct weft_edge edges[], size_t n);

/* Who waits for this, directly: the first `n`; returns how many there are. -ENOMEM. */
WEFT_API ssize_t weft_future_awaited_by(weft_future *future, struct weft_node nodes[], size_t n);
WEFT_API ssize_t weft_task_awaited_by(weft_task *task, struct weft_node nodes[], size_t n);

/* --- what can never go on --- */

struct weft_stuck {
	weft_task *task;
	struct weft_node waits_for;
	unsigned circle; /* as in struct weft_edge: the tasks that hold each other up; 0: none */
};

/* The tasks that nothing but a cancellation can wake any more: the first `n`; returns how many
 * there are, 0: none. -ENOMEM.
 *
 * While the loop has something to do (something is ready, a timer is set, I/O is under way, a
 * signal handler is installed, or it is running) these are the tasks that wait for each other in a
 * circle, by awaits and locks, and those that wait for them, unless a timeout or another member of
 * a gather, wait or group can still end the wait: nobody is accused wrongly. When it has nothing to
 * do, they are all that wait. What other threads may call later cannot be known: see
 * weft_loop_hold(). */
WEFT_API ssize_t weft_loop_deadlock(weft_loop *loop, struct weft_stuck stuck[], size_t n);

/* The same as one line for people, "2 tasks can never run again: left waits for task right; ...",
 * cut at text_bytes - 1; "" where there are none. */
WEFT_API ssize_t weft_loop_deadlock_text(weft_loop *loop, char *text, size_t text_bytes);

/* --- for people --- */

/* 0; -ENOMEM; -EIO: the file takes no more. What is printed may change with every release. */

/* What the task waits for, since when, and its calls. */
WEFT_API int weft_print_stack(weft_task *task, FILE *file);

/* The same of the task, or of any future, then of all who wait for it, and for those, and so on
 * (asyncio.print_call_graph). */
WEFT_API int weft_print_call_graph(weft_future *future, FILE *file);

/* All tasks of the loop as a tree: below each one what it waits for; then the circles (python -m
 * asyncio pstree). */
WEFT_API int weft_print_graph(weft_loop *loop, FILE *file);

/* The tasks that can never run again, a line for each; nothing where there are none. */
WEFT_API int weft_print_deadlock(weft_loop *loop, FILE *file);

#ifdef __cplusplus
}
#endif
#endif
