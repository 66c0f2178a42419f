/* SPDX-License-Identifier: MIT */
#pragma once

/* What the I/O layer keeps with a loop. */

#include "io.h"

enum { OUTPUT_BYTES = 4096 };

struct streams {
	struct loop_extension extension;
	weft_loop *loop;
	struct list all;     /* weft_stream.link */
	struct list servers; /* weft_server.link */
	struct list lookups; /* lookup.link: names being resolved */
	char *spare;	     /* output buffers of OUTPUT_BYTES, linked through their first bytes */
};

/* Made when it is first asked for. -ENOMEM. */
int streams_of(weft_loop *loop, struct streams **ret_streams);

/* An output buffer: the last one that was given back, which is still in the cache. NULL: no memory.
 */
char *streams_take_buffer(struct streams *streams);
void streams_give_buffer(struct streams *streams, char *buffer);

/* Each ends what its file owns when the loop closes. */
void stream_drop_all(struct list *streams);
void server_drop_all(struct list *servers);
void lookup_abandon(struct list *link);
