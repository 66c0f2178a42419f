/* SPDX-License-Identifier: MIT */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

/* weft: asyncio for C. All of the library, in the order of a tour; plugins include <weft/plugin.h>.
 */

#include <weft/base.h>	 /* conventions, units of time, WEFT_ASYNC */
#include <weft/error.h>	 /* errors are values, with a message */
#include <weft/future.h> /* a result to come */
#include <weft/group.h>	 /* tasks that end together */
#include <weft/loop.h>	 /* callbacks, timers, signals */
#include <weft/scope.h>	 /* blocks: timeout, shield */
#include <weft/server.h> /* listening sockets */
#include <weft/stats.h>	 /* what a loop has done */
#include <weft/stream.h> /* connections */
#include <weft/task.h>	 /* coroutines that the loop drives; weft_run() */

#endif
