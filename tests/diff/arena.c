/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 32768, ALIGNMENT = 16 };

struct chunk {
	struct chunk *next;
	size_t used, room;
	char *bytes;
};

static void add_chunk(struct arena *arena, size_t bytes)
{
	size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	struct chunk *chunk = malloc(sizeof(*chunk));

	if (!chunk)
		abort();
	*chunk = (struct chunk){.next = arena->chunks, .room = room, .bytes = malloc(room)};
	if (!chunk->bytes)
		abort();
	arena->chunks = chunk;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	char *found;

	bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (!arena->chunks || arena->chunks->room - arena->chunks->used < bytes)
		add_chunk(arena, bytes);
	found = arena->chunks->bytes + arena->chunks->used;
	arena->chunks->used += bytes;
	return memset(found, 0, bytes);
}

char *arena_copy(struct arena *arena, const char *text, size_t bytes)
{
	return memcpy(arena_alloc(arena, bytes + 1), text, bytes);
}

void arena_done(struct arena *arena)
{
	struct chunk *chunk;

	while ((chunk = arena->chunks) != NULL) {
		arena->chunks = chunk->next;
		free(chunk->bytes);
		free(chunk);
	}
}
