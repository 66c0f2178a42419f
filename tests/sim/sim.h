/* SPDX-License-Identifier: MIT */
#pragma once

/* The simulated ring: a backend called "sim" over ordinary non-blocking system calls, which serves
 * what it was given in an order drawn from a seed and injects at drawn points what a kernel may do:
 * short transfers, late completions, cancellations that come too late, multishots that end, buffers
 * that run out, wake-ups for nothing. The same seed gives the same run wherever the descriptors
 * behave the same.
 *
 * It also holds the library to the rules of src/ring/ring.h: whoever breaks one ends the process
 * with a line that names the seed. */

#include <poll.h>
#include <sys/stat.h>

#include "ring/ring.h"

enum {
	SIM_BUFFER_BYTES = 4096,
	SIM_BUFFERS_MAX = 32,
};

/* An operation that is with the ring. */
struct sim_flight {
	struct ring_op *op;   /* NULL: over, swept out at the end of the round */
	struct ring_op image; /* as it was handed over */
	struct stat file;     /* what its descriptor was then */
	uint64_t sum;	      /* of what it sends */
	bool cancelling;
	bool connecting; /* connect(2) has been called */
};

struct sim_event {
	struct ring_op *op;
	struct ring_completion completion;
};

enum sim_buffer_state {
	SIM_BUFFER_FREE,
	SIM_BUFFER_FILLED, /* its completion is still to come */
	SIM_BUFFER_LENT,
};

struct sim {
	struct ring ring;
	uint64_t seed;
	uint64_t random;

	struct sim_flight *flights; /* in the order of their queueing */
	size_t n_flights, flights_room;
	struct pollfd *polls; /* as long as flights */
	size_t *order;	      /* as long as flights */
	struct sim_event *events;
	size_t n_events, events_room;
	bool dispatching;
	bool woken_for_nothing;

	unsigned n_buffers;
	uint8_t buffer_states[SIM_BUFFERS_MAX];
	char *buffers[SIM_BUFFERS_MAX];
};

_Noreturn void sim_die(const struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A number below `n`. */
uint32_t sim_below(struct sim *sim, uint32_t n);

static inline bool sim_chance(struct sim *sim, uint32_t percent)
{
	return sim_below(sim, 100) < percent;
}

/* Tries a flight once. False: it has to wait. True: a completion. */
bool sim_try(struct sim *sim, struct sim_flight *flight, struct ring_completion *ret_completion);

/* What a flight that has to wait waits for, as poll(2)'s events. */
short sim_poll_events(const struct sim_flight *flight);

uint64_t sim_sum(const void *data, size_t bytes);

/* How many provided buffers are with the users of the ring. */
unsigned sim_lent(const struct ring *ring);

void sim_buffers_open(struct sim *sim);
void sim_buffers_close(struct sim *sim);
/* A free buffer, drawn; -1: there is none. */
int sim_buffer_take(struct sim *sim);
void sim_buffer_untake(struct sim *sim, int buffer);
void sim_buffer_lend(struct sim *sim, int buffer);
char *sim_buffer(struct ring *ring, int buffer);
void sim_buffer_release(struct ring *ring, int buffer);
