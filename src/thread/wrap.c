/* SPDX-License-Identifier: MIT */
/* A loop's future that follows one of other threads. The wrap stands between the two: the future is
 * its user's memory and may go at any time, while a thread is on its way to tell of the outcome. */

#include "concurrent.h"

#include <errno.h>
#include <stdlib.h>

struct weft_wrap {
	atomic_uint references; /* the user's; and that of the callback or the call under way */
	weft_concurrent_future *source;
	struct concurrent_callback callback;
	struct remote_call call;
	weft_loop *loop; /* guarded by the source's lock; NULL: nobody is to be told any more */

	/* the loop's thread's */
	struct weft_wrapped *wrapped;
	struct weft_future *future;   /* its, NULL once nobody is to be told */
	struct weft_handle cancelled; /* the future's done callback */
	struct list link;	      /* in jobs->wraps, as long as the user's reference */
};

static void release(struct weft_wrap *wrap)
{
	if (atomic_fetch_sub_explicit(&wrap->references, 1, memory_order_acq_rel) > 1)
		return;
	weft_concurrent_future_release(wrap->source);
	free(wrap);
}

/* Ends the connection from the loop's side. */
static void disconnect(struct weft_wrap *wrap)
{
	weft_loop *loop = wrap->loop;

	if (!wrap->future)
		return;
	wrap->future = NULL;
	weft_loop_unhold(loop);
	pthread_mutex_lock(&wrap->source->lock);
	wrap->loop = NULL;
	pthread_mutex_unlock(&wrap->source->lock);
	if (concurrent_unwatch(wrap->source, &wrap->callback))
		release(wrap);
}

/* --- from the source --- */

static void take_outcome(void *arg)
{
	struct weft_wrap *wrap = arg;
	struct weft_future *future = wrap->future;
	const weft_concurrent_future *source = wrap->source;

	if (future) {
		disconnect(wrap);
		if (future->state == FUTURE_PENDING) {
			bool cancelled = source->state == CONCURRENT_CANCELLED;

			if (!cancelled)
				future->error = error_copy(source->error);
			future_complete(future, cancelled ? FUTURE_CANCELLED : FUTURE_FINISHED,
				source->result);
		}
	}
	release(wrap);
}

static void drop_outcome(void *arg)
{
	release(arg);
}

/* In whatever thread has completed the source. The lock keeps the loop open. */
static void source_done(void *arg)
{
	struct weft_wrap *wrap = arg;
	bool told = false;

	pthread_mutex_lock(&wrap->source->lock);
	if (wrap->loop) {
		wakeup_call(wrap->loop, &wrap->call);
		told = true;
	}
	pthread_mutex_unlock(&wrap->source->lock);
	if (!told)
		release(wrap);
}

/* --- from the future --- */

static void future_done(void *arg)
{
	struct weft_wrap *wrap = arg;

	if (wrap->future && wrap->future->state == FUTURE_CANCELLED)
		weft_concurrent_future_cancel(wrap->source);
}

static const struct weft_future_ops wrapped_ops = {.name = "thread"};

int weft_wrap_future(weft_concurrent_future *source, struct weft_wrapped *wrapped)
{
	struct weft_wrap *wrap;
	struct jobs *jobs;
	int r;

	if (!loop_here)
		return -EPERM;
	r = jobs_of(loop_here, &jobs);
	if (r < 0)
		return r;
	wrap = calloc(1, sizeof(*wrap));
	if (!wrap)
		return -ENOMEM;
	*wrapped = (struct weft_wrapped){.wrap = wrap};
	wrapped->future.ops = &wrapped_ops;
	wrapped->future.loop = loop_here;
	atomic_init(&wrap->references, 2);
	wrap->source = concurrent_keep(source);
	wrap->loop = loop_here;
	wrap->wrapped = wrapped;
	wrap->future = &wrapped->future;
	wrap->call.fn = take_outcome;
	wrap->call.drop = drop_outcome;
	wrap->call.arg = wrap;
	wrap->callback.fn = source_done;
	wrap->callback.arg = wrap;
	list_append(&jobs->wraps, &wrap->link);
	weft_loop_hold(loop_here);
	weft_future_add_done_callback(&wrapped->future, &wrap->cancelled, future_done, wrap);
	if (!concurrent_watch(source, &wrap->callback))
		source_done(wrap);
	return 0;
}

void weft_wrapped_done(struct weft_wrapped *wrapped)
{
	struct weft_wrap *wrap = wrapped->wrap;

	if (wrap) { /* else the loop has been closed */
		weft_handle_cancel(&wrap->cancelled);
		disconnect(wrap);
		list_remove(&wrap->link);
		release(wrap);
	}
	assert(!wrapped->future.callbacks.first);
	free(wrapped->future.error);
	*wrapped = (struct weft_wrapped){0};
}

/* Stacks still stand, but nobody unwinds them: the user's reference is given back here. */
void wrap_drop(struct list *link)
{
	struct weft_wrap *wrap = list_entry(link, struct weft_wrap, link);

	weft_handle_cancel(&wrap->cancelled);
	disconnect(wrap);
	list_remove(&wrap->link);
	wrap->wrapped->wrap = NULL;
	release(wrap);
}
