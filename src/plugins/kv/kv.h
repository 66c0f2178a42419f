/* SPDX-License-Identifier: MIT */
#pragma once

/* One instance of the plugin: what its clients share. They take turns only where a call suspends,
 * and no command does: none needs a lock. */

#include <weft/server.h>

#include "reply.h"
#include "store.h"

struct kv_limits {
	size_t key, value; /* bytes */
	size_t request;	   /* bytes of one command, or of one reply */
	size_t pipeline;   /* bytes of replies that a client has not taken */
	size_t clients;
	size_t memory; /* bytes; 0: no limit */
};

struct kv {
	struct store store;
	struct reply reply; /* empty whenever a task suspends */
	struct kv_limits limits;
	weft_server *server;
	weft_ns started;
	/* since then */
	uint64_t connections, commands, hits, misses;
};
