/* SPDX-License-Identifier: MIT */

/* The simulated ring's rounds: each wait polls what it has been given, tries what is ready in a
 * drawn order, and only then tells the owners, as a kernel does that has filled its completion
 * queue by the time anybody looks. An operation may be held back for a later round, but a round in
 * which something could complete always completes something: a loop with virtual time takes an
 * empty round for proof that nothing is to come, and jumps. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

_Noreturn void sim_die(const struct sim *sim, const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "simulated ring, WEFT_SEED=%llu: ", (unsigned long long)sim->seed);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}

/* splitmix64: small, and the same everywhere. */
uint32_t sim_below(struct sim *sim, uint32_t n)
{
	uint64_t x = sim->random += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return (uint32_t)((x >> 32) * n >> 32);
}

static void *grow(const struct sim *sim, void *memory, size_t n, size_t bytes)
{
	void *grown = reallocarray(memory, n, bytes);

	if (!grown)
		sim_die(sim, "out of memory");
	return grown;
}

static void queue(struct ring *ring, struct ring_op *op)
{
	struct sim *sim = (struct sim *)ring;

	if (op->state != RING_IDLE)
		sim_die(sim, "an operation on descriptor %d is queued that is not idle (state %d)",
			op->fd, op->state);
	if (!op->complete || (unsigned)op->kind >= RING_KINDS)
		sim_die(sim, "an operation is queued that has not been filled in");

	if (sim->n_flights == sim->flights_room) {
		sim->flights_room = 2 * sim->flights_room + 16;
		sim->flights = grow(sim, sim->flights, sim->flights_room, sizeof(*sim->flights));
		sim->polls = grow(sim, sim->polls, sim->flights_room, sizeof(*sim->polls));
		sim->order = grow(sim, sim->order, sim->flights_room, sizeof(*sim->order));
	}
	struct sim_flight *flight = &sim->flights[sim->n_flights++];
	*flight = (struct sim_flight){.op = op, .image = *op};
	if (fstat(op->fd, &flight->file) < 0)
		sim_die(sim, "an operation is queued on descriptor %d: %s", op->fd,
			strerror(errno));
	if (op->kind == RING_SEND)
		flight->sum = sim_sum(op->data, op->bytes);
	op->state = RING_QUEUED;
}

static void cancel_flight(struct sim_flight *flight)
{
	flight->cancelling = true;
	flight->op->state = RING_CANCELLING;
}

static void cancel(struct ring *ring, struct ring_op *op)
{
	struct sim *sim = (struct sim *)ring;

	if (op->state == RING_IDLE)
		return;
	for (size_t i = 0; i < sim->n_flights; i++) {
		if (sim->flights[i].op == op)
			cancel_flight(&sim->flights[i]);
	}
}

static void cancel_fd(struct ring *ring, int fd)
{
	struct sim *sim = (struct sim *)ring;

	for (size_t i = 0; i < sim->n_flights; i++) {
		if (sim->flights[i].op && sim->flights[i].image.fd == fd)
			cancel_flight(&sim->flights[i]);
	}
}

static void submit(struct sim *sim)
{
	for (size_t i = 0; i < sim->n_flights; i++) {
		struct ring_op *op = sim->flights[i].op;

		if (op->state != RING_QUEUED)
			continue;
		op->state = RING_FLYING;
		sim->ring.stats.submitted++;
	}
}

static bool is_open(const struct sim_flight *flight)
{
	struct stat file;

	return fstat(flight->image.fd, &file) == 0 && file.st_ino == flight->file.st_ino &&
	       file.st_dev == flight->file.st_dev;
}

/* The owner has let the operation alone, and its descriptor until it asked for the end. */
static void check_untouched(const struct sim *sim, const struct sim_flight *flight)
{
	const struct ring_op *op = flight->op, *image = &flight->image;

	if (op->complete != image->complete || op->kind != image->kind || op->fd != image->fd ||
		op->buf != image->buf || op->bytes != image->bytes || op->flags != image->flags ||
		op->state == RING_IDLE)
		sim_die(sim, "an operation on descriptor %d was changed or freed in flight",
			image->fd);
	if (!flight->cancelling && !is_open(flight))
		sim_die(sim, "descriptor %d was closed below an operation (kind %d)", image->fd,
			(int)image->kind);
}

static void add_event(
	struct sim *sim, struct sim_flight *flight, const struct ring_completion *completion)
{
	if (sim->n_events == sim->events_room) {
		sim->events_room = 2 * sim->events_room + 16;
		sim->events = grow(sim, sim->events, sim->events_room, sizeof(*sim->events));
	}
	sim->events[sim->n_events++] =
		(struct sim_event){.op = flight->op, .completion = *completion};
	if (!completion->more)
		flight->op = NULL;
}

/* A request to end may come too late: then the operation completes as if there had been none, or, a
 * multishot one, once more before it ends. */
static void end_cancelled(struct sim *sim, struct sim_flight *flight)
{
	struct ring_completion completion;

	if (sim_chance(sim, 35) && is_open(flight) && sim_try(sim, flight, &completion)) {
		add_event(sim, flight, &completion);
		if (!completion.more)
			return;
	}
	completion = (struct ring_completion){.result = -ECANCELED, .buffer = -1};
	add_event(sim, flight, &completion);
}

static void attempt(struct sim *sim, struct sim_flight *flight)
{
	struct ring_completion completion;

	check_untouched(sim, flight);
	if (flight->cancelling) {
		end_cancelled(sim, flight);
		return;
	}
	for (uint32_t shots = 1 + sim_below(sim, 4); shots > 0; shots--) {
		if (!sim_try(sim, flight, &completion))
			return;
		add_event(sim, flight, &completion);
		if (!completion.more)
			return;
	}
}

static bool wants_attempt(const struct sim_flight *flight, const struct pollfd *polled)
{
	const struct ring_op *image = &flight->image;

	return flight->op && (polled->revents || flight->cancelling ||
				     (image->kind == RING_CONNECT && !flight->connecting) ||
				     (image->kind == RING_SEND && image->flags & RING_NOWAIT));
}

static void sweep(struct sim *sim)
{
	size_t n = 0;

	for (size_t i = 0; i < sim->n_flights; i++) {
		if (sim->flights[i].op)
			sim->flights[n++] = sim->flights[i];
	}
	sim->n_flights = n;
}

/* One round over what poll(2) found. */
static void attempt_all(struct sim *sim)
{
	size_t n = 0, held = 0;

	for (size_t i = 0; i < sim->n_flights; i++) {
		if (wants_attempt(&sim->flights[i], &sim->polls[i]))
			sim->order[n++] = i;
	}
	for (size_t i = n; i > 1; i--) {
		size_t j = sim_below(sim, (uint32_t)i), index = sim->order[i - 1];

		sim->order[i - 1] = sim->order[j];
		sim->order[j] = index;
	}
	for (size_t i = 0; i < n; i++) {
		if (sim_chance(sim, 15))
			sim->order[held++] = sim->order[i];
		else
			attempt(sim, &sim->flights[sim->order[i]]);
	}
	if (sim->n_events == 0) {
		for (size_t i = 0; i < held; i++)
			attempt(sim, &sim->flights[sim->order[i]]);
	}
	sweep(sim);
}

/* poll(2) on everything; less than 0 for a signal. */
static int poll_all(struct sim *sim, int64_t timeout_ns)
{
	struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};

	for (size_t i = 0; i < sim->n_flights; i++) {
		const struct sim_flight *flight = &sim->flights[i];

		/* A socket that has not been connected yet only says that it hung up. */
		bool skip = flight->image.kind == RING_CONNECT && !flight->connecting;
		sim->polls[i] = (struct pollfd){
			.fd = skip ? -1 : flight->image.fd, .events = sim_poll_events(flight)};
	}
	int r = ppoll(sim->polls, sim->n_flights, timeout_ns < 0 ? NULL : &timeout, NULL);
	if (r < 0 && errno != EINTR)
		sim_die(sim, "poll: %s", strerror(errno));
	return r;
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Until an event, a signal or the timeout. */
static void gather(struct sim *sim, int64_t timeout_ns)
{
	int64_t end = timeout_ns > 0 ? now_ns() + timeout_ns : 0, remaining = 0;

	for (;;) {
		if (poll_all(sim, remaining) < 0)
			return;
		attempt_all(sim);
		if (sim->n_events > 0 || timeout_ns == 0)
			return;

		remaining = timeout_ns < 0 ? -1 : end - now_ns();
		if (timeout_ns > 0 && remaining <= 0)
			return;
		/* A connect to a full queue shows in no poll: ask again soon. */
		for (size_t i = 0; i < sim->n_flights; i++) {
			bool blind = sim->flights[i].image.kind == RING_CONNECT &&
				     !sim->flights[i].connecting;
			if (blind && (remaining < 0 || remaining > 1000000))
				remaining = 1000000;
		}
	}
}

static int dispatch(struct sim *sim)
{
	sim->dispatching = true;
	for (size_t i = 0; i < sim->n_events; i++) {
		struct sim_event event = sim->events[i];

		if (event.completion.buffer >= 0)
			sim_buffer_lend(sim, event.completion.buffer);
		if (!event.completion.more)
			event.op->state = RING_IDLE;
		sim->ring.stats.completed++;
		event.op->complete(event.op, &event.completion);
	}
	sim->dispatching = false;
	return (int)sim->n_events;
}

static int wait(struct ring *ring, int64_t timeout_ns)
{
	struct sim *sim = (struct sim *)ring;

	if (sim->dispatching)
		sim_die(sim, "ring_wait() from inside of a completion");
	sim->ring.stats.enters++;
	submit(sim);
	sim->n_events = 0;

	sim->woken_for_nothing = timeout_ns != 0 && !sim->woken_for_nothing && sim_chance(sim, 10);
	if (sim->woken_for_nothing)
		return 0;
	gather(sim, timeout_ns);
	return dispatch(sim);
}

static bool idle(const struct ring *ring, const struct ring_op *but)
{
	bool flies = but && but->state != RING_IDLE;

	return ((const struct sim *)ring)->n_flights == flies;
}

static void close_ring(struct ring *ring)
{
	struct sim *sim = (struct sim *)ring;

	if (sim->dispatching)
		sim_die(sim, "ring_close() from inside of a completion");
	sim_buffers_close(sim);
	free(sim->flights);
	free(sim->polls);
	free(sim->order);
	free(sim->events);
	free(sim);
}

static struct ring_backend backend;

static uint64_t chosen_seed(const char *name)
{
	const char *colon = name ? strchr(name, ':') : NULL;
	const char *text = colon ? colon + 1 : getenv("WEFT_SEED");

	return text ? strtoull(text, NULL, 10) : 1;
}

static int open_ring(const struct ring_options *options, struct ring **ret_ring, char *problem,
	size_t problem_bytes)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (!sim) {
		snprintf(problem, problem_bytes, "simulated ring: out of memory");
		return -ENOMEM;
	}
	sim->ring.backend = &backend;
	sim->seed = sim->random = chosen_seed(options->name);
	if (!options->mask || (!strstr(options->mask, "multishot_recv") &&
				      !strstr(options->mask, "buffer_ring"))) {
		sim->ring.buffer_bytes = SIM_BUFFER_BYTES;
		sim_buffers_open(sim);
	}
	snprintf(sim->ring.features, sizeof(sim->ring.features), "sim: seed %llu, %u buffers",
		(unsigned long long)sim->seed, sim->n_buffers);
	*ret_ring = &sim->ring;
	return 0;
}

static struct ring_backend backend = {
	.name = "sim",
	.open = open_ring,
	.close = close_ring,
	.queue = queue,
	.cancel = cancel,
	.cancel_fd = cancel_fd,
	.wait = wait,
	.idle = idle,
	.buffer = sim_buffer,
	.release = sim_buffer_release,
};

__attribute__((constructor)) static void announce(void)
{
	ring_backend_register(&backend);
}
