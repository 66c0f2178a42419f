/* SPDX-License-Identifier: MIT */
#pragma once

/* The future that threads share, for those who stand behind it. Its lock also guards what makes
 * another thread reach a loop: whoever ends that takes it away under the lock. */

#include "task/task.h"

#include <pthread.h>
#include <weft/thread.h>

enum concurrent_state {
	CONCURRENT_PENDING,
	CONCURRENT_RUNNING, /* cannot be cancelled any more */
	CONCURRENT_CANCELLED,
	CONCURRENT_FINISHED,
};

struct concurrent_callback {
	void (*fn)(void *arg);
	void *arg;
	struct concurrent_callback *next;
	bool allocated; /* a block of its own */
};

struct weft_concurrent_future {
	pthread_mutex_t lock;
	pthread_cond_t done;
	atomic_uint references;
	enum concurrent_state state;
	int result;
	struct weft_error *error;
	struct concurrent_callback *callbacks, **last;
	/* A coroutine's: called under the lock when it was cancelled. */
	void (*cancel)(weft_concurrent_future *future);
	/* ... the loop that runs it, guarded by the lock; NULL: none, or none any more. */
	weft_loop *loop;
	void (*destroy)(weft_concurrent_future *future);
};

/* What a loop has to end with it. */
struct jobs {
	struct loop_extension extension;
	weft_loop *loop;
	struct list jobs;  /* job.link */
	struct list wraps; /* weft_wrap.link */
};

int concurrent_init(weft_concurrent_future *future);
weft_concurrent_future *concurrent_keep(weft_concurrent_future *future);

static inline bool concurrent_done(const weft_concurrent_future *future)
{
	return future->state >= CONCURRENT_CANCELLED;
}

/* Completes it, unless it is done: then false. Takes the error over. */
bool concurrent_finish(weft_concurrent_future *future, int result, struct weft_error *error);

/* Adds the caller's callback; false: it is done, and the callback not added. */
bool concurrent_watch(weft_concurrent_future *future, struct concurrent_callback *callback);
/* Takes it back; false: it is not there any more, and is called or has been. */
bool concurrent_unwatch(weft_concurrent_future *future, struct concurrent_callback *callback);

/* The loop's; made when they are first asked for. -ENOMEM. */
int jobs_of(weft_loop *loop, struct jobs **ret_jobs);
/* At the end of the loop. */
void job_drop(struct list *link);
void wrap_drop(struct list *link);
