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

/* Sends assignments, "READY=1\nSTOPPING=1"; values must not contain newlines. Waits for a manager
 * that is slow to take it, but not for long: then the message is lost, and the log says so. */
void notify_send(const char *assignments);

/* The same for what is of no interest tomorrow: never waits. */
void notify_send_nowait(const char *assignments);

#endif
