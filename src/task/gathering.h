/* SPDX-License-Identifier: MIT */
#pragma once

/* Several futures seen as one. cancel.c knows them too: a request goes on to every child. */

#include "task.h"

#include <weft/wait.h>

struct gathering_child {
	struct weft_handle done; /* in the future's callbacks, or on its way to child_done() */
	struct weft_gathering *gathering;
	struct weft_future *future; /* NULL: let go */
	bool duplicate;		    /* mentioned before: that one has the callback */
};

struct weft_gathering {
	struct weft_future future;
	struct list link; /* in tasks->gatherings */
	struct cancel_walk walk;
	size_t n;
	size_t n_futures;  /* different ones */
	size_t n_finished; /* whose end has been seen */
	bool return_exceptions;
	bool cancel_requested;
	bool closed;
	struct gathering_child children[];
};

extern const struct weft_future_ops gathering_ops;

static inline weft_gathering *gathering_of(struct weft_future *future)
{
	return list_entry(future, weft_gathering, future);
}

/* NULL behind the last. */
static inline struct weft_future *gathering_child(const weft_gathering *gathering, size_t i)
{
	return i < gathering->n ? gathering->children[i].future : NULL;
}

/* At the end of the loop: nothing will complete any more. */
void gathering_drop(weft_gathering *gathering);
