/* SPDX-License-Identifier: MIT */

/* The simulated ring itself: what goes through it arrives whole and in order under every seed,
 * every operation completes exactly once, what it injects does occur, and who breaks its rules
 * dies. */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim.h"

enum {
	SEEDS = 150,
	PAIRS = 5,
	BYTES = 30000, /* through each pair */
};

static struct ring *open_seed(uint64_t seed)
{
	char text[32], problem[256] = "";
	struct ring_options options = {.name = "sim"};
	struct ring *ring = NULL;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
	setenv("WEFT_SEED", text, 1);
	assert_int_equal(ring_open(&options, &ring, problem, sizeof(problem)), 0);
	return ring;
}

/* --- a stream of known bytes through a pair of sockets, by whatever operations ---------------- */

struct traffic {
	struct ring *ring;
	struct ring_op op; /* first: what completes is this */
	struct pair *pair;
	char memory[700];
	unsigned queued, completed; /* the latter: without `more` */
	bool over;
};

struct pair {
	struct traffic out, in;
	size_t sent, received;
	bool wrong;
};

struct witness {
	unsigned cancels_won, cancels_lost, starved, short_sends, ended_multishots;
	uint64_t trace;
};
static struct witness seen;

static char byte_at(size_t position)
{
	return (char)(position * 7 + position / 251);
}

static struct traffic *of_op(struct ring_op *op)
{
	return (struct traffic *)((char *)op - offsetof(struct traffic, op));
}

static void note(int a, int b)
{
	int pair[2] = {a, b};

	seen.trace = seen.trace * 31 + sim_sum(pair, sizeof(pair));
}

static struct sim *sim_of(struct traffic *traffic)
{
	return (struct sim *)traffic->ring;
}

static void submit(struct traffic *t)
{
	t->queued++;
	ring_queue(t->ring, &t->op);
	if (sim_chance(sim_of(t), 5))
		ring_cancel(t->ring, &t->op);
}

static void send_more(struct traffic *t)
{
	size_t n = 1 + sim_below(sim_of(t), sizeof(t->memory)), left = BYTES - t->pair->sent;

	n = n < left ? n : left;
	for (size_t i = 0; i < n; i++)
		t->memory[i] = byte_at(t->pair->sent + i);
	t->op.kind = RING_SEND;
	t->op.data = t->memory;
	t->op.bytes = (uint32_t)n;
	submit(t);
}

static void on_sent(struct ring_op *op, const struct ring_completion *completion)
{
	struct traffic *t = of_op(op);

	note(1, completion->result);
	t->completed++;
	if (completion->result > 0) {
		t->pair->sent += (size_t)completion->result;
		seen.short_sends += (uint32_t)completion->result < op->bytes;
	} else if (completion->result != -ECANCELED) {
		t->pair->wrong = true;
	}
	if (t->pair->sent < BYTES) {
		send_more(t);
	} else {
		t->over = true;
		shutdown(op->fd, SHUT_WR);
	}
}

static void receive_more(struct traffic *t)
{
	static const enum ring_kind kinds[] = {
		RING_RECV, RING_RECV_MULTISHOT, RING_READ, RING_POLL};

	t->op.kind = kinds[sim_below(sim_of(t), 4)];
	t->op.buf = NULL;
	t->op.poll_events = POLLIN;
	if (t->op.kind == RING_RECV || t->op.kind == RING_READ) {
		t->op.buf = t->memory;
		t->op.bytes = 1 + sim_below(sim_of(t), sizeof(t->memory));
	}
	submit(t);
}

static void take(struct pair *pair, const char *data, int n)
{
	for (int i = 0; i < n; i++)
		pair->wrong |= data[i] != byte_at(pair->received++);
}

static void on_received(struct ring_op *op, const struct ring_completion *completion)
{
	struct traffic *t = of_op(op);
	int result = completion->result;
	bool cancelled = op->state == RING_CANCELLING;

	note(2, result);
	if (op->kind == RING_POLL) {
		if (result != -ECANCELED)
			t->pair->wrong |= !(result & (POLLIN | POLLHUP));
	} else if (completion->buffer >= 0) {
		take(t->pair, ring_buffer(t->ring, completion->buffer), result);
		ring_buffer_release(t->ring, completion->buffer);
		if (!completion->more)
			seen.ended_multishots++;
	} else if (result > 0) {
		take(t->pair, t->memory, result);
	} else if (result == 0) {
		t->over = true;
	} else if (result == -ENOBUFS) {
		seen.starved++;
	} else if (result != -ECANCELED) {
		t->pair->wrong = true;
	}
	if (result == -ECANCELED)
		seen.cancels_won++;
	if (completion->more) {
		seen.cancels_lost += cancelled;
		if (sim_chance(sim_of(t), 10))
			ring_cancel(t->ring, op);
		return;
	}
	t->completed++;
	if (!t->over)
		receive_more(t);
}

static void run_traffic(uint64_t seed)
{
	struct pair *pairs = calloc(PAIRS, sizeof(*pairs));
	struct ring *ring = open_seed(seed);
	int fds[PAIRS][2];

	for (size_t i = 0; i < PAIRS; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds[i]), 0);
		pairs[i].out = (struct traffic){.ring = ring,
			.pair = &pairs[i],
			.op = {.complete = on_sent, .fd = fds[i][0]}};
		pairs[i].in = (struct traffic){.ring = ring,
			.pair = &pairs[i],
			.op = {.complete = on_received, .fd = fds[i][1]}};
		send_more(&pairs[i].out);
		receive_more(&pairs[i].in);
	}
	while (!ring_idle(ring, NULL)) {
		bool block = sim_chance((struct sim *)ring, 20);

		assert_true(ring_wait(ring, block ? 50000000 : 0) >= 0);
	}
	for (size_t i = 0; i < PAIRS; i++) {
		assert_false(pairs[i].wrong);
		assert_int_equal(pairs[i].received, BYTES);
		assert_int_equal(pairs[i].in.queued, pairs[i].in.completed);
		assert_int_equal(pairs[i].out.queued, pairs[i].out.completed);
		close(fds[i][0]);
		close(fds[i][1]);
	}
	ring_close(ring);
	free(pairs);
}

static void all_bytes_arrive_in_order_under_every_seed(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run_traffic(seed);
}

static void everything_that_is_injected_occurs(void **state)
{
	(void)state;
	seen = (struct witness){0};
	for (uint64_t seed = 1; seed <= 10; seed++)
		run_traffic(seed);
	assert_true(seen.cancels_won > 10);
	assert_true(seen.cancels_lost > 0);
	assert_true(seen.starved > 0);
	assert_true(seen.short_sends > 100);
	assert_true(seen.ended_multishots > 0);
}

static uint64_t trace_of(uint64_t seed)
{
	seen = (struct witness){0};
	run_traffic(seed);
	return seen.trace;
}

static void a_seed_replays(void **state)
{
	(void)state;
	uint64_t first = trace_of(7);

	assert_true(first == trace_of(7));
	assert_true(first != trace_of(8));
}

/* --- connections --------------------------------------------------------------------------------
 */

struct counter {
	struct ring *ring;
	struct ring_op op;
	int results[32];
	size_t n;
	bool more;
};

static void count(struct ring_op *op, const struct ring_completion *completion)
{
	struct counter *c = (struct counter *)((char *)op - offsetof(struct counter, op));

	assert_true(c->n < 32);
	c->results[c->n++] = completion->result;
	c->more = completion->more;
}

static socklen_t abstract_address(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int n = snprintf(
		address->sun_path + 1, sizeof(address->sun_path) - 1, "%s-%d", name, (int)getpid());

	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static void a_multishot_accept_takes_every_connection(void **state)
{
	struct sockaddr_un address;
	socklen_t bytes = abstract_address(&address, "weft-sim");
	struct counter connects[8] = {0}, accept = {0};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ring *ring = open_seed(3);

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, bytes), 0);
	assert_int_equal(listen(listener, 2), 0); /* shorter than the crowd: they have to wait */
	accept.op = (struct ring_op){.complete = count, .kind = RING_ACCEPT, .fd = listener};
	ring_queue(ring, &accept.op);
	for (size_t i = 0; i < 8; i++) {
		connects[i].op = (struct ring_op){.complete = count,
			.kind = RING_CONNECT,
			.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
			.address = (struct sockaddr *)&address,
			.address_bytes = bytes};
		ring_queue(ring, &connects[i].op);
	}
	while (accept.n < 8)
		assert_true(ring_wait(ring, -1) >= 0);
	for (size_t i = 0; i < 8; i++) {
		assert_true(accept.results[i] >= 0);
		assert_int_equal(connects[i].n, 1);
		assert_int_equal(connects[i].results[0], 0);
		close(accept.results[i]);
		close(connects[i].op.fd);
	}
	assert_true(accept.more);

	ring_cancel_fd(ring, listener);
	while (!ring_idle(ring, NULL))
		assert_true(ring_wait(ring, -1) >= 0);
	assert_int_equal(accept.results[8], -ECANCELED);
	assert_false(accept.more);
	ring_close(ring);
	close(listener);
}

static void a_refused_connection_says_so(void **state)
{
	struct sockaddr_un address;
	socklen_t bytes = abstract_address(&address, "weft-nobody");
	struct counter c = {.op = {.complete = count,
				    .kind = RING_CONNECT,
				    .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
				    .address = (struct sockaddr *)&address,
				    .address_bytes = bytes}};
	struct ring *ring = open_seed(1);

	(void)state;
	ring_queue(ring, &c.op);
	while (!ring_idle(ring, NULL))
		ring_wait(ring, -1);
	assert_int_equal(c.results[0], -ECONNREFUSED);
	ring_close(ring);
	close(c.op.fd);
}

static void buffers_that_are_not_given_back_run_out(void **state)
{
	struct counter c = {0};
	struct ring *ring = open_seed(2);
	int fds[2];
	char block[40000] = {0};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	c.op = (struct ring_op){.complete = count, .kind = RING_RECV_MULTISHOT, .fd = fds[0]};
	for (int tries = 0; tries < 40 && (c.n == 0 || c.results[c.n - 1] != -ENOBUFS); tries++) {
		c.n = 0;
		assert_true(write(fds[1], block, 1000) == 1000);
		if (c.op.state == RING_IDLE)
			ring_queue(ring, &c.op);
		ring_wait(ring, 0);
	}
	assert_int_equal(c.results[c.n - 1], -ENOBUFS);
	assert_false(c.more);
	ring_close(ring);
	close(fds[0]);
	close(fds[1]);
}

static void nothing_to_do_is_an_empty_round(void **state)
{
	struct ring *ring = open_seed(1);

	(void)state;
	assert_int_equal(ring_wait(ring, 0), 0);
	assert_int_equal(ring_wait(ring, 1000000), 0);
	assert_true(ring_idle(ring, NULL));
	ring_close(ring);
}

/* --- who breaks a rule dies ---------------------------------------------------------------------
 */

static int signal_of(void (*offend)(struct ring *, struct ring_op *, int other))
{
	fflush(NULL);
	pid_t child = fork();

	if (child == 0) {
		struct counter c = {0};
		int fds[2];
		struct ring *ring = open_seed(5);

		signal(SIGABRT, SIG_DFL);
		if (!freopen("/dev/null", "w", stderr) ||
			socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
			_exit(1);
		c.op = (struct ring_op){.complete = count,
			.kind = RING_RECV,
			.fd = fds[0],
			.buf = c.results,
			.bytes = 4};
		ring_queue(ring, &c.op);
		ring_wait(ring, 0);
		offend(ring, &c.op, fds[1]);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void well_behaved(struct ring *ring, struct ring_op *op, int other)
{
	(void)op;
	if (write(other, "abcd", 4) == 4)
		ring_wait(ring, -1);
}

static void queue_twice(struct ring *ring, struct ring_op *op, int other)
{
	(void)other;
	ring_queue(ring, op);
}

static void change_in_flight(struct ring *ring, struct ring_op *op, int other)
{
	op->bytes = 1;
	well_behaved(ring, op, other);
	ring_wait(ring, -1);
}

static void close_below(struct ring *ring, struct ring_op *op, int other)
{
	(void)other;
	close(op->fd);
	ring_wait(ring, 0);
}

static void release_twice(struct ring *ring, struct ring_op *op, int other)
{
	(void)op;
	(void)other;
	ring_buffer_release(ring, 0);
}

static void change_what_is_sent(struct ring *ring, struct ring_op *op, int other)
{
	char data[] = "data";
	struct ring_op out = {
		.complete = op->complete, .kind = RING_SEND, .fd = other, .data = data, .bytes = 4};

	ring_queue(ring, &out);
	data[0] = 'x';
	ring_wait(ring, 0);
	ring_wait(ring, 0);
}

static void good_conduct_survives(void **state)
{
	(void)state;
	assert_int_equal(signal_of(well_behaved), 0);
}

static void queueing_an_operation_twice_is_fatal(void **state)
{
	(void)state;
	assert_int_equal(signal_of(queue_twice), SIGABRT);
}

static void changing_an_operation_in_flight_is_fatal(void **state)
{
	(void)state;
	assert_int_equal(signal_of(change_in_flight), SIGABRT);
}

static void closing_a_descriptor_in_flight_is_fatal(void **state)
{
	(void)state;
	assert_int_equal(signal_of(close_below), SIGABRT);
}

static void releasing_a_buffer_that_is_not_lent_is_fatal(void **state)
{
	(void)state;
	assert_int_equal(signal_of(release_twice), SIGABRT);
}

static void changing_what_is_being_sent_is_fatal(void **state)
{
	(void)state;
	assert_int_equal(signal_of(change_what_is_sent), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_bytes_arrive_in_order_under_every_seed),
		cmocka_unit_test(everything_that_is_injected_occurs),
		cmocka_unit_test(a_seed_replays),
		cmocka_unit_test(a_multishot_accept_takes_every_connection),
		cmocka_unit_test(a_refused_connection_says_so),
		cmocka_unit_test(buffers_that_are_not_given_back_run_out),
		cmocka_unit_test(nothing_to_do_is_an_empty_round),
		cmocka_unit_test(good_conduct_survives),
		cmocka_unit_test(queueing_an_operation_twice_is_fatal),
		cmocka_unit_test(changing_an_operation_in_flight_is_fatal),
		cmocka_unit_test(closing_a_descriptor_in_flight_is_fatal),
		cmocka_unit_test(releasing_a_buffer_that_is_not_lent_is_fatal),
		cmocka_unit_test(changing_what_is_being_sent_is_fatal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
