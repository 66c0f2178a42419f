/* SPDX-License-Identifier: MIT */
#ifndef WEFT_STATS_H
#define WEFT_STATS_H

/* What a loop has done so far and holds now: for metrics, tests, and the curious. */

#include <weft/task.h>

#ifdef __cplusplus
extern "C" {
#endif

struct weft_stats {
	size_t tasks;		 /* that have not ended */
	size_t timers;		 /* scheduled */
	size_t ready;		 /* callbacks that wait for the next iteration */
	size_t stacks;		 /* in use: tasks, and ended ones that somebody still refers to */
	size_t stacks_peak;	 /* most of them at once */
	size_t stacks_pooled;	 /* kept for the next task */
	size_t stacks_bytes;	 /* address space of all of them; what is resident is much less */
	uint64_t ring_enters;	 /* system calls that submitted or reaped I/O */
	uint64_t ring_submitted; /* operations */
	uint64_t ring_completed; /* completions; a multishot operation has many */
	uint64_t ring_overflows; /* waits that found the completion queue too small: nothing is lost
				  */
	uint64_t ring_starved;	 /* receives that found no buffer of the ring: tried again */
};

/* Never fails. */
WEFT_API void weft_loop_stats(weft_loop *loop, struct weft_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
