/* SPDX-License-Identifier: MIT */
#include <weft/stats.h>

#include "task.h"

void weft_loop_stats(weft_loop *loop, struct weft_stats *ret_stats)
{
	const struct tasks *tasks = (struct tasks *)loop->extensions[LOOP_TASKS];
	const struct ring_stats *ring = &loop->ring->stats;
	struct coro_stats stacks = {0};
	size_t timers = loop->timers.count;

	for (const struct weft_handle *h = loop->timers.overflow.first; h; h = h->next)
		timers++;
	if (tasks)
		coro_pool_stats(tasks->pool, &stacks);
	*ret_stats = (struct weft_stats){
		.tasks = weft_all_tasks(loop, NULL, NULL, 0),
		.timers = timers,
		.ready = ready_count(&loop->ready),
		.stacks = stacks.live,
		.stacks_peak = stacks.peak,
		.stacks_pooled = stacks.pooled,
		.stacks_bytes = stacks.mapped_bytes,
		.ring_enters = ring->enters,
		.ring_submitted = ring->submitted,
		.ring_completed = ring->completed,
		.ring_overflows = ring->overflows,
		.ring_starved = ring->starved,
	};
}
