/* SPDX-License-Identifier: MIT */

/* The simulated ring's provided buffers. A seed decides how many there are: few, so that they run
 * out. One that is not lent is poisoned: whoever reads it reads rubbish, or is caught by ASan. */

#include <stdlib.h>
#include <string.h>

#include "sim.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, bytes)   ((void)(memory))
#define ASAN_UNPOISON_MEMORY_REGION(memory, bytes) ((void)(memory))
#endif

static void poison(char *buffer)
{
	memset(buffer, 0xdb, SIM_BUFFER_BYTES);
	ASAN_POISON_MEMORY_REGION(buffer, SIM_BUFFER_BYTES);
}

void sim_buffers_open(struct sim *sim)
{
	sim->n_buffers = 1 + sim_below(sim, SIM_BUFFERS_MAX);
	for (unsigned i = 0; i < sim->n_buffers; i++) {
		sim->buffers[i] = malloc(SIM_BUFFER_BYTES);
		if (!sim->buffers[i])
			sim_die(sim, "no memory for the provided buffers");
		poison(sim->buffers[i]);
	}
}

void sim_buffers_close(struct sim *sim)
{
	for (unsigned i = 0; i < sim->n_buffers; i++) {
		ASAN_UNPOISON_MEMORY_REGION(sim->buffers[i], SIM_BUFFER_BYTES);
		free(sim->buffers[i]);
	}
}

int sim_buffer_take(struct sim *sim)
{
	if (sim->n_buffers == 0)
		return -1;

	unsigned first = sim_below(sim, sim->n_buffers);
	for (unsigned i = 0; i < sim->n_buffers; i++) {
		unsigned buffer = (first + i) % sim->n_buffers;

		if (sim->buffer_states[buffer] != SIM_BUFFER_FREE)
			continue;
		sim->buffer_states[buffer] = SIM_BUFFER_FILLED;
		ASAN_UNPOISON_MEMORY_REGION(sim->buffers[buffer], SIM_BUFFER_BYTES);
		return (int)buffer;
	}
	return -1;
}

void sim_buffer_untake(struct sim *sim, int buffer)
{
	sim->buffer_states[buffer] = SIM_BUFFER_FREE;
	poison(sim->buffers[buffer]);
}

void sim_buffer_lend(struct sim *sim, int buffer)
{
	sim->buffer_states[buffer] = SIM_BUFFER_LENT;
}

unsigned sim_lent(const struct ring *ring)
{
	const struct sim *sim = (const struct sim *)ring;
	unsigned n = 0;

	for (unsigned i = 0; i < sim->n_buffers; i++)
		n += sim->buffer_states[i] == SIM_BUFFER_LENT;
	return n;
}

static void check_lent(const struct sim *sim, int buffer, const char *call)
{
	if (buffer < 0 || (unsigned)buffer >= sim->n_buffers)
		sim_die(sim, "%s: there is no buffer %d", call, buffer);
	if (sim->buffer_states[buffer] != SIM_BUFFER_LENT)
		sim_die(sim, "%s: buffer %d is not lent: released before?", call, buffer);
}

char *sim_buffer(struct ring *ring, int buffer)
{
	struct sim *sim = (struct sim *)ring;

	check_lent(sim, buffer, "ring_buffer");
	return sim->buffers[buffer];
}

void sim_buffer_release(struct ring *ring, int buffer)
{
	struct sim *sim = (struct sim *)ring;

	check_lent(sim, buffer, "ring_buffer_release");
	sim_buffer_untake(sim, buffer);
}
