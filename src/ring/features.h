/* SPDX-License-Identifier: MIT */
#pragma once

/* What io_uring can do here. The one place that knows about versions of the kernel and of its
 * headers. */

#include <liburing.h>

enum feature {
	FEATURE_SINGLE_ISSUER,	  /* 6.0 */
	FEATURE_DEFER_TASKRUN,	  /* 6.1 */
	FEATURE_COOP_TASKRUN,	  /* 5.19; where DEFER_TASKRUN is missing */
	FEATURE_TASKRUN_FLAG,	  /* 5.19 */
	FEATURE_REGISTERED_RING,  /* 5.18 */
	FEATURE_MULTISHOT_ACCEPT, /* 5.19 */
	FEATURE_BUFFER_RING,	  /* 5.19 */
	FEATURE_MULTISHOT_RECV,	  /* 6.0 */
	FEATURE_CANCEL_FD,	  /* 5.19 */
	FEATURE_SPIN,		  /* looking for completions for a moment before sleeping */
	FEATURES,
};

/* Reads a comma-separated list of names into bits. -EINVAL with the reason in `problem`. */
int features_parse(const char *mask, unsigned *ret_masked, char *problem, size_t problem_bytes);

/* Opens `io` with the best flags that kernel and mask allow and probes the rest: *ret_features.
 * -errno with the likely cause in `problem`. */
int features_open(struct io_uring *io, unsigned masked, unsigned *ret_features, char *problem,
	size_t problem_bytes);

/* The line for people. */
void features_describe(unsigned features, char *line, size_t bytes);
