/* SPDX-License-Identifier: MIT */
#pragma once

#include "buffers.h"
#include "features.h"
#include "ring.h"

#include <liburing.h>

struct uring {
	struct ring base; /* first */
	struct io_uring io;
	unsigned features; /* enum feature, as bits */
	struct buffers buffers;
	struct list flying;  /* ring_op.link */
	struct list waiting; /* ring_op.link: for room in the submission queue */
	int64_t gap_ns;	     /* how long a wait took until something came, lately */
	bool cancels_wanted; /* some of `flying` are RING_CANCEL_WANTED */
};

extern struct ring_backend uring_backend;
