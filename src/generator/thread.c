/* SPDX-License-Identifier: MIT */
/* What a thread has of generators and greenlets. */

#include "thread.h"

#include "generator.h"

#include <errno.h>
#include <pthread.h>

#define STACK_BYTES	  ((size_t)64 << 10)
#define STACK_BYTES_LEAST 16384

_Thread_local struct coro_thread thread_here;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int key_error;

static void close_pool(void *pool)
{
	thread_here.pool = NULL;
	coro_pool_close(pool);
}

/* In a signal handler. */
static const struct coro *guest(struct coro_name *ret_name)
{
	if (thread_here.running) {
		ret_name->kind = "generator";
		return &thread_here.running->coro;
	}
	if (thread_here.greenlet && thread_here.greenlet != &thread_here.main) {
		ret_name->kind = "greenlet";
		return &thread_here.greenlet->coro;
	}
	return NULL;
}

static void make_key(void)
{
	tasks_guest = guest;
	key_error = -pthread_key_create(&key, close_pool);
}

static int open_pool(void)
{
	int r;

	r = coro_pool_open(STACK_BYTES, &thread_here.pool);
	if (r < 0)
		return r;
	r = tasks_watch_overflow();
	if (r == 0)
		r = -pthread_setspecific(key, thread_here.pool);
	if (r < 0) {
		coro_pool_close(thread_here.pool);
		thread_here.pool = NULL;
	}
	return r;
}

/* The loop's pool, or the thread's own. */
static int find_pool(struct coro_pool **ret_pool)
{
	struct tasks *tasks;
	int r;

	pthread_once(&once, make_key);
	if (key_error < 0)
		return -ENOMEM;
	if (loop_here) {
		r = tasks_of(loop_here, &tasks);
		if (r == 0)
			*ret_pool = tasks->pool;
		return r;
	}
	if (!thread_here.pool && open_pool() < 0)
		return -ENOMEM;
	*ret_pool = thread_here.pool;
	return 0;
}

int thread_coro(size_t stack_bytes, size_t head_bytes, void (*entry)(void *head), void **ret_head,
	struct coro_pool **ret_pool)
{
	struct coro_pool *pool = NULL;
	int r;

	if (stack_bytes != 0 && stack_bytes < STACK_BYTES_LEAST)
		return -EINVAL;
	r = find_pool(&pool);
	if (r < 0)
		return r;
	r = coro_open(pool, stack_bytes, head_bytes, entry, ret_head);
	if (r < 0)
		return r;
	*ret_pool = pool;
	return 0;
}

void thread_report(const char *message, int code)
{
	const struct weft_error *error = weft_last_error();
	weft_task *task = task_now();
	const struct weft_exception exception = {
		.message = message,
		.code = code,
		.error = error && error->code == code ? error : NULL,
		.task = task ? weft_task_name(task) : NULL,
		.owner = task && task->owner ? task->owner->name : NULL,
	};

	if (loop_here)
		weft_call_exception_handler(loop_here, &exception);
	else
		weft_default_exception_handler(NULL, &exception);
}
