/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* sd_notify(3), by hand: datagrams to the service manager. Without one, all of this does nothing.
 */

#include <stdint.h>

/* Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID and takes them out of the environment, so
 * that no child speaks in weftd's name. */
void notify_open(void);
void notify_close(void);

/* How often the manager wants a WATCHDOG=1, in ns; 0: not at all. */
int64_t notify_watchdog_ns(void);

/* Sends assignments, "READY=1\nSTATUS=..."; values must not contain newlines. Never blocks for
 * long; a message that the manager does not take in time is lost. */
void notify_send(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

#endif
