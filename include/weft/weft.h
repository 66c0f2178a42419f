/* SPDX-License-Identifier: MIT */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

/* weft: asyncio for C. All of the library, in the order of a tour; plugins include <weft/plugin.h>.
 */

/* In the order of a tour. */
/* clang-format off */
#include <weft/base.h>	    /* conventions, units of time, WEFT_ASYNC */
#include <weft/error.h>	    /* errors are values, with a message */
#include <weft/loop.h>	    /* callbacks, timers, signals */
#include <weft/future.h>    /* a result to come */
#include <weft/task.h>	    /* coroutines that the loop drives; weft_run() */
#include <weft/runner.h>    /* several runs of one loop */
#include <weft/context.h>   /* values that go with a task */
#include <weft/thread.h>    /* results between threads */

#include <weft/scope.h>	    /* blocks: timeout, shield */
#include <weft/group.h>	    /* tasks that end together */
#include <weft/wait.h>	    /* several futures at once: gather, wait, as_completed */

#include <weft/lock.h>	    /* mutual exclusion */
#include <weft/event.h>	    /* a flag to wait for */
#include <weft/condition.h> /* a change to wait for */
#include <weft/semaphore.h> /* permits */
#include <weft/barrier.h>   /* a point to meet at */
#include <weft/queue.h>	    /* items from task to task */

#include <weft/generator.h> /* coroutines that are driven by hand */
#include <weft/agen.h>	    /* ... and that may wait */
#include <weft/greenlet.h>  /* coroutines that switch to each other */

#include <weft/stream.h>    /* connections */
#include <weft/server.h>    /* listening sockets */

#include <weft/inspect.h>   /* where tasks are, and who waits for whom */
#include <weft/stats.h>	    /* what a loop has done */
/* clang-format on */

#endif
