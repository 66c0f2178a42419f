/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STOP_SIGNAL_H
#define DAEMON_STOP_SIGNAL_H

/* SIGTERM and SIGINT: the first asks the loop to stop; the second ends the process there and then,
 * whatever the loop is doing. */

#include <weft/loop.h>

/* `fn` runs as a callback of the loop at the first signal. -errno as weft_add_signal_handler(). */
int stop_signal_open(weft_loop *loop, void (*fn)(void *arg), void *arg);
void stop_signal_close(weft_loop *loop);

/* The one that came: "SIGTERM"; NULL: none yet. */
const char *stop_signal_name(void);

#endif
