/* SPDX-License-Identifier: MIT */
#include "concurrent.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

int concurrent_init(weft_concurrent_future *future)
{
	pthread_condattr_t monotonic;
	int r;

	r = -pthread_condattr_init(&monotonic);
	if (r < 0)
		return r;
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	r = -pthread_cond_init(&future->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (r < 0)
		return r;
	pthread_mutex_init(&future->lock, NULL);
	atomic_init(&future->references, 1);
	future->last = &future->callbacks;
	return 0;
}

static void destroy_plain(weft_concurrent_future *future)
{
	free(future);
}

int weft_concurrent_future_open(weft_concurrent_future **ret_future)
{
	weft_concurrent_future *future = calloc(1, sizeof(*future));
	int r;

	if (!future)
		return -ENOMEM;
	r = concurrent_init(future);
	if (r < 0) {
		free(future);
		return r;
	}
	future->destroy = destroy_plain;
	*ret_future = future;
	return 0;
}

weft_concurrent_future *concurrent_keep(weft_concurrent_future *future)
{
	atomic_fetch_add_explicit(&future->references, 1, memory_order_relaxed);
	return future;
}

void weft_concurrent_future_release(weft_concurrent_future *future)
{
	struct concurrent_callback *callback;

	if (!future || atomic_fetch_sub_explicit(&future->references, 1, memory_order_acq_rel) > 1)
		return;
	while ((callback = future->callbacks) != NULL) {
		future->callbacks = callback->next;
		if (callback->allocated)
			free(callback);
	}
	free(future->error);
	pthread_cond_destroy(&future->done);
	pthread_mutex_destroy(&future->lock);
	future->destroy(future);
}

/* --- completion --- */

/* Ends the lock's section: whoever waits goes on, and the callbacks run in this thread. */
static void announce(weft_concurrent_future *future)
{
	struct concurrent_callback *callback = future->callbacks;

	future->callbacks = NULL;
	future->last = &future->callbacks;
	pthread_cond_broadcast(&future->done);
	pthread_mutex_unlock(&future->lock);
	while (callback) {
		struct concurrent_callback *next = callback->next;
		void (*fn)(void *) = callback->fn;
		void *arg = callback->arg;

		if (callback->allocated)
			free(callback);
		fn(arg);
		callback = next;
	}
}

bool concurrent_finish(weft_concurrent_future *future, int result, struct weft_error *error)
{
	pthread_mutex_lock(&future->lock);
	if (concurrent_done(future)) {
		pthread_mutex_unlock(&future->lock);
		free(error);
		return false;
	}
	future->state = CONCURRENT_FINISHED;
	future->result = result;
	future->error = error;
	announce(future);
	return true;
}

int weft_concurrent_future_set_running(weft_concurrent_future *future)
{
	int r = -EALREADY;

	if (future->cancel)
		return -EPERM;
	pthread_mutex_lock(&future->lock);
	if (future->state == CONCURRENT_CANCELLED) {
		r = 0;
	} else if (future->state == CONCURRENT_PENDING) {
		future->state = CONCURRENT_RUNNING;
		r = 1;
	}
	pthread_mutex_unlock(&future->lock);
	return r;
}

int weft_concurrent_future_set_result(weft_concurrent_future *future, int result)
{
	if (result < 0)
		return -EINVAL;
	if (future->cancel)
		return -EPERM;
	return concurrent_finish(future, result, NULL) ? 0 : -EALREADY;
}

int weft_concurrent_future_set_error(weft_concurrent_future *future, int code)
{
	if (code >= 0)
		return -EINVAL;
	if (future->cancel)
		return -EPERM;
	return concurrent_finish(future, code, task_take_error(task_now(), code)) ? 0 : -EALREADY;
}

int weft_concurrent_future_cancel(weft_concurrent_future *future)
{
	int r = 1;

	pthread_mutex_lock(&future->lock);
	if (future->state == CONCURRENT_PENDING) {
		future->state = CONCURRENT_CANCELLED;
		future->result = -ECANCELED;
		if (future->cancel)
			future->cancel(future);
		announce(future);
		return 1;
	}
	if (future->state != CONCURRENT_CANCELLED)
		r = 0;
	pthread_mutex_unlock(&future->lock);
	return r;
}

/* --- asking for it --- */

/* The time of the monotonic clock after `timeout`, which is positive; false: beyond all times. */
static bool deadline_after(weft_ns timeout, struct timespec *ret_deadline)
{
	struct timespec now;
	weft_ns when;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (__builtin_add_overflow(WEFT_S(now.tv_sec) + now.tv_nsec, timeout, &when))
		return false;
	ret_deadline->tv_sec = when / WEFT_S(1);
	ret_deadline->tv_nsec = when % WEFT_S(1);
	return true;
}

/* Under the lock. */
static int wait_until_done(weft_concurrent_future *future, weft_ns timeout)
{
	struct timespec deadline;
	bool limited;
	int r = 0;

	if (concurrent_done(future))
		return 0;
	if (future->loop && future->loop == loop_here)
		return -EDEADLK;
	if (timeout <= 0)
		return -ETIMEDOUT;
	limited = deadline_after(timeout, &deadline);
	while (!concurrent_done(future) && r == 0)
		r = limited ? -pthread_cond_timedwait(&future->done, &future->lock, &deadline)
			    : -pthread_cond_wait(&future->done, &future->lock);
	return concurrent_done(future) ? 0 : r;
}

int weft_concurrent_future_result(weft_concurrent_future *future, weft_ns timeout, int *ret)
{
	int r;

	pthread_mutex_lock(&future->lock);
	r = wait_until_done(future, timeout);
	if (r == 0 && ret)
		*ret = future->result;
	pthread_mutex_unlock(&future->lock);
	return r;
}

static enum concurrent_state state_of(weft_concurrent_future *future)
{
	enum concurrent_state state;

	pthread_mutex_lock(&future->lock);
	state = future->state;
	pthread_mutex_unlock(&future->lock);
	return state;
}

const struct weft_error *weft_concurrent_future_error(weft_concurrent_future *future)
{
	return state_of(future) == CONCURRENT_FINISHED ? future->error : NULL;
}

bool weft_concurrent_future_done(weft_concurrent_future *future)
{
	return state_of(future) >= CONCURRENT_CANCELLED;
}

bool weft_concurrent_future_cancelled(weft_concurrent_future *future)
{
	return state_of(future) == CONCURRENT_CANCELLED;
}

/* --- callbacks --- */

bool concurrent_watch(weft_concurrent_future *future, struct concurrent_callback *callback)
{
	bool pending;

	callback->next = NULL;
	pthread_mutex_lock(&future->lock);
	pending = !concurrent_done(future);
	if (pending) {
		*future->last = callback;
		future->last = &callback->next;
	}
	pthread_mutex_unlock(&future->lock);
	return pending;
}

bool concurrent_unwatch(weft_concurrent_future *future, struct concurrent_callback *callback)
{
	struct concurrent_callback **link;
	bool found;

	pthread_mutex_lock(&future->lock);
	for (link = &future->callbacks; *link && *link != callback; link = &(*link)->next)
		;
	found = *link != NULL;
	if (found) {
		*link = callback->next;
		if (!*link)
			future->last = link;
	}
	pthread_mutex_unlock(&future->lock);
	return found;
}

int weft_concurrent_future_add_done_callback(
	weft_concurrent_future *future, void (*fn)(void *arg), void *arg)
{
	struct concurrent_callback *callback = malloc(sizeof(*callback));

	if (!callback)
		return -ENOMEM;
	*callback = (struct concurrent_callback){.fn = fn, .arg = arg, .allocated = true};
	if (concurrent_watch(future, callback))
		return 0;
	free(callback);
	fn(arg);
	return 0;
}
