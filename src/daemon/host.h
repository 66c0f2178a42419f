/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_HOST_H
#define DAEMON_HOST_H

/* The host: the only part of weftd that has plugin code in its memory. */

#include "config.h"
#include "faults.h"

struct host;

/* Loads every module of the configuration and checks the plugins' settings against what they
 * declare; faults where something is wrong. Always gives a host, which host_close() takes. The
 * configuration must outlive it. */
struct host *host_open(const struct config *config, struct faults *faults);

/* "echo (echo 1.0), kv (kv 1.0)": what it would run. To be freed. */
char *host_describe(const struct host *host);

/* A coroutine, `arg` a struct host_run: runs every instance, reports and takes orders as messages.h
 * says, until the supervisor closes its end of the socket. */
struct host_run {
	struct host *host;
	int fd; /* a connected stream socket; the coroutine's from then on */
};
int host_main(void *arg);

/* Only when none of its instances has a task left. Takes NULL. */
void host_close(struct host *host);

#endif
