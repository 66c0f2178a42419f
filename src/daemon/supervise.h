/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SUPERVISE_H
#define DAEMON_SUPERVISE_H

/* The supervisor: the service manager, signals, time limits, and the verdict on the plugins. It
 * knows instances by name and number and sees the host only through a socket. */

#include "config.h"

/* A coroutine, `arg` a struct supervise: returns when all is over; the result is weftd's exit
 * status. */
struct supervise {
	const struct config *config;
	int fd; /* a stream socket to host_main(); the coroutine's from then on */
};
int supervise_main(void *arg);

#endif
