/* SPDX-License-Identifier: MIT */
/* Coroutines that other threads ask a loop to run. A job is its own future, with the calls that
 * start and cancel it in the same block: what is under way between the threads cannot fail. */

#include "concurrent.h"

#include <errno.h>
#include <stdlib.h>

struct job {
	weft_concurrent_future future; /* first; its `loop` until the job is over */
	weft_fn fn;
	void *arg;
	struct remote_call start, cancel;
	bool started; /* guarded by the lock: a request to cancel has somebody to go to */

	/* the loop's thread's */
	weft_task *task;
	struct weft_handle done;
	struct list link; /* in jobs->jobs, from its start to its end */
};

static struct job *job_of(weft_concurrent_future *future)
{
	return list_entry(future, struct job, future);
}

static void destroy(weft_concurrent_future *future)
{
	free(job_of(future));
}

/* The loop has nothing to do with it any more. */
static void leave_loop(struct job *job)
{
	pthread_mutex_lock(&job->future.lock);
	job->future.loop = NULL;
	pthread_mutex_unlock(&job->future.lock);
	weft_concurrent_future_release(&job->future);
}

/* --- cancellation, on its way to the loop --- */

static void cancel_task(void *arg)
{
	struct job *job = arg;

	if (job->task)
		weft_cancel(job->task, NULL);
	weft_concurrent_future_release(&job->future);
}

static void drop_cancel(void *arg)
{
	struct job *job = arg;

	weft_concurrent_future_release(&job->future);
}

/* Under the lock, which keeps the loop open. A future is cancelled once. */
static void request_cancel(weft_concurrent_future *future)
{
	struct job *job = job_of(future);

	if (!future->loop || !job->started)
		return;
	concurrent_keep(future);
	job->cancel.fn = cancel_task;
	job->cancel.drop = drop_cancel;
	job->cancel.arg = job;
	wakeup_call(future->loop, &job->cancel);
}

/* --- the task --- */

/* The task's outcome becomes the future's. */
static void task_done(void *arg)
{
	struct job *job = arg;
	struct weft_future *future = &job->task->future;
	weft_task *task = job->task;

	list_remove(&job->link);
	if (weft_future_cancelled(future))
		weft_concurrent_future_cancel(&job->future);
	else if (concurrent_finish(&job->future, future->result, error_copy(future->error)))
		future->flags |= FUTURE_RETRIEVED;
	job->task = NULL;
	weft_task_release(task);
	leave_loop(job);
}

static int begin(struct job *job)
{
	struct jobs *jobs;
	int r;

	r = jobs_of(job->future.loop, &jobs);
	if (r < 0)
		return r;
	r = weft_create_task(job->fn, job->arg, &job->task);
	if (r < 0)
		return r;
	list_append(&jobs->jobs, &job->link);
	weft_future_add_done_callback(&job->task->future, &job->done, task_done, job);
	return 0;
}

static void start(void *arg)
{
	struct job *job = arg;
	int r = begin(job);

	if (r < 0) {
		concurrent_finish(&job->future, r, NULL);
		leave_loop(job);
		return;
	}
	pthread_mutex_lock(&job->future.lock);
	job->started = true;
	if (job->future.state == CONCURRENT_CANCELLED)
		request_cancel(&job->future);
	pthread_mutex_unlock(&job->future.lock);
}

/* The loop was closed before it heard of the job. */
static void drop_start(void *arg)
{
	struct job *job = arg;

	weft_concurrent_future_cancel(&job->future);
	leave_loop(job);
}

int weft_run_coroutine_threadsafe(
	weft_loop *loop, weft_fn fn, void *arg, weft_concurrent_future **ret_future)
{
	struct job *job = calloc(1, sizeof(*job));
	int r;

	if (!job)
		return -ENOMEM;
	r = concurrent_init(&job->future);
	if (r < 0) {
		free(job);
		return r;
	}
	job->future.loop = loop;
	job->future.cancel = request_cancel;
	job->future.destroy = destroy;
	job->fn = fn;
	job->arg = arg;
	job->start.fn = start;
	job->start.drop = drop_start;
	job->start.arg = job;
	concurrent_keep(&job->future);
	wakeup_call(loop, &job->start);
	*ret_future = &job->future;
	return 0;
}

/* --- the loop's end --- */

void job_drop(struct list *link)
{
	struct job *job = list_entry(link, struct job, link);

	weft_handle_cancel(&job->done);
	if (job->task->future.state != FUTURE_PENDING) {
		task_done(job);
		return;
	}
	list_remove(&job->link);
	weft_concurrent_future_cancel(&job->future);
	weft_task_release(job->task);
	job->task = NULL;
	leave_loop(job);
}

static void jobs_close(struct loop_extension *extension)
{
	struct jobs *jobs = list_entry(extension, struct jobs, extension);

	while (!list_empty(&jobs->jobs))
		job_drop(jobs->jobs.next);
	while (!list_empty(&jobs->wraps))
		wrap_drop(jobs->wraps.next);
	jobs->loop->extensions[LOOP_JOBS] = NULL;
	free(jobs);
}

int jobs_of(weft_loop *loop, struct jobs **ret_jobs)
{
	struct jobs *jobs = (struct jobs *)loop->extensions[LOOP_JOBS];

	if (!jobs) {
		jobs = calloc(1, sizeof(*jobs));
		if (!jobs)
			return -ENOMEM;
		jobs->extension.close = jobs_close;
		jobs->loop = loop;
		list_init(&jobs->jobs);
		list_init(&jobs->wraps);
		loop->extensions[LOOP_JOBS] = &jobs->extension;
	}
	*ret_jobs = jobs;
	return 0;
}
