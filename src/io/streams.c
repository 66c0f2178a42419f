/* SPDX-License-Identifier: MIT */
#include "streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

char *streams_take_buffer(struct streams *streams)
{
	char *buffer = streams->spare;

	if (!buffer)
		return malloc(OUTPUT_BYTES);
	memcpy(&streams->spare, buffer, sizeof(streams->spare));
	return buffer;
}

void streams_give_buffer(struct streams *streams, char *buffer)
{
	memcpy(buffer, &streams->spare, sizeof(streams->spare));
	streams->spare = buffer;
}

static void streams_close(struct loop_extension *extension)
{
	struct streams *streams = list_entry(extension, struct streams, extension);

	while (!list_empty(&streams->lookups))
		lookup_abandon(streams->lookups.next);
	server_drop_all(&streams->servers);
	stream_drop_all(&streams->all);
	while (streams->spare)
		free(streams_take_buffer(streams));
	streams->loop->extensions[LOOP_STREAMS] = NULL;
	free(streams);
}

int streams_of(weft_loop *loop, struct streams **ret_streams)
{
	struct streams *streams = (struct streams *)loop->extensions[LOOP_STREAMS];

	if (!streams) {
		streams = calloc(1, sizeof(*streams));
		if (!streams)
			return -ENOMEM;
		streams->extension.close = streams_close;
		streams->loop = loop;
		list_init(&streams->all);
		list_init(&streams->servers);
		list_init(&streams->lookups);
		loop->extensions[LOOP_STREAMS] = &streams->extension;
	}
	*ret_streams = streams;
	return 0;
}
