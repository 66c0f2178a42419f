/* SPDX-License-Identifier: MIT */
/* asyncio.shield: waiting for a future without handing a cancellation on to it. */

#include "task.h"

#include <errno.h>
#include <stdlib.h>
#include <weft/wait.h>

struct shield {
	struct weft_future outer; /* what the task is parked on: it is cancelled instead */
	struct weft_handle done;
	struct weft_future *inner;
};

static struct weft_future *awaited(const struct weft_future *future, size_t i)
{
	return i == 0 ? list_entry(future, struct shield, outer)->inner : NULL;
}

static const struct weft_future_ops shield_ops = {.name = "shield", .awaits = awaited};

static void inner_done(void *arg)
{
	struct shield *shield = arg;
	struct weft_future *inner = shield->inner, *outer = &shield->outer;

	if (inner->state == FUTURE_FINISHED)
		inner->flags |= FUTURE_RETRIEVED;
	if (outer->state != FUTURE_PENDING)
		return;
	if (inner->state == FUTURE_FINISHED)
		outer->error = error_copy(inner->error);
	future_complete(outer, (enum future_state)inner->state, inner->result);
}

/* The future's end may be on its way to inner_done(). */
static void unwatch(struct shield *shield)
{
	if (loop_is_ready(&shield->done) && shield->inner->state == FUTURE_FINISHED)
		future_notice_later(shield->inner, &shield->done);
	else
		weft_handle_cancel(&shield->done);
}

int weft_shield(struct weft_future *future, int *ret)
{
	struct shield shield = {.inner = future};
	int r;

	if (!task_here)
		return -EPERM;
	if (future->state != FUTURE_PENDING)
		return weft_await(future, ret);
	r = futures_bind(loop_here, &future, 1);
	if (r < 0)
		return r;
	shield.outer = (struct weft_future){.ops = &shield_ops, .loop = loop_here};
	future_retain(future);
	weft_future_add_done_callback(future, &shield.done, inner_done, &shield);
	r = park(&shield.outer, ret);
	unwatch(&shield);
	future_release(future);
	free(shield.outer.error);
	return r;
}
