/* SPDX-License-Identifier: MIT */
/* The ring by io_uring: what it promises in src/ring/ring.h. */

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "ring/ring.h"

static const int64_t second = INT64_C(1000000000);

/* Where set, the submission queue cannot be emptied: it fills up. */
static bool submit_fails;

int __real_io_uring_submit(void *ring);
int __wrap_io_uring_submit(void *ring);
int __wrap_io_uring_submit(void *ring)
{
	return submit_fails ? -EBUSY : __real_io_uring_submit(ring);
}

struct watched {
	struct ring_op op;
	int completions;
	int last;
	int buffer;
	bool more;
};

static void completed(struct ring_op *op, const struct ring_completion *completion)
{
	struct watched *watched = list_entry(op, struct watched, op);

	watched->completions++;
	watched->last = completion->result;
	watched->buffer = completion->buffer;
	watched->more = completion->more;
}

static struct ring *open_ring(const char *mask)
{
	const struct ring_options options = {.mask = mask};
	char problem[256] = "";
	struct ring *ring = NULL;
	int r = ring_open(&options, &ring, problem, sizeof(problem));

	if (r == -EPERM || r == -ENOSYS) {
		print_message("# %s\n", problem);
		skip();
	}
	assert_int_equal(r, 0);
	return ring;
}

static void poll_op(struct watched *watched, int fd)
{
	*watched = (struct watched){
		.op = {.complete = completed, .kind = RING_POLL, .fd = fd, .poll_events = POLLIN}};
}

static void wait_for(struct ring *ring, const struct watched *watched)
{
	while (watched->completions == 0)
		assert_true(ring_wait(ring, 5 * second) >= 0);
}

/* --- opening --- */

static void a_masked_feature_is_not_used(void **state)
{
	static const char *const names[] = {"single_issuer", "defer_taskrun", "taskrun_flag",
		"registered_ring", "multishot_accept", "buffer_ring", "multishot_recv",
		"cancel_fd"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct ring *ring = open_ring(names[i]);

		assert_null(strstr(ring->features, names[i]));
		ring_close(ring);
	}
}

static void an_unknown_feature_is_refused_by_name(void **state)
{
	const struct ring_options options = {.mask = "multishot_recv,zero_copy"};
	char problem[256] = "";
	struct ring *ring = NULL;

	(void)state;
	assert_int_equal(ring_open(&options, &ring, problem, sizeof(problem)), -EINVAL);
	assert_non_null(strstr(problem, "\"zero_copy\""));
	assert_null(ring);
}

static void an_unknown_ring_is_refused_by_name(void **state)
{
	const struct ring_options options = {.name = "kqueue"};
	char problem[256] = "";
	struct ring *ring = NULL;

	(void)state;
	assert_int_equal(ring_open(&options, &ring, problem, sizeof(problem)), -EINVAL);
	assert_non_null(strstr(problem, "\"kqueue\""));
}

/* --- system calls --- */

static void an_idle_ring_costs_no_system_call(void **state)
{
	struct ring *ring = open_ring(NULL);
	uint64_t before;

	(void)state;
	ring_wait(ring, 0);
	before = ring->stats.enters;
	for (int i = 0; i < 100; i++)
		assert_int_equal(ring_wait(ring, 0), 0);
	assert_true(strstr(ring->features, "taskrun_flag") == NULL || ring->stats.enters == before);
	ring_close(ring);
}

static void one_wait_is_one_enter(void **state)
{
	struct ring *ring = open_ring(NULL);
	struct watched ops[10];
	uint64_t before;
	int fd = eventfd(1, EFD_CLOEXEC);

	(void)state;
	before = ring->stats.enters;
	for (int i = 0; i < 10; i++) {
		poll_op(&ops[i], fd);
		ring_queue(ring, &ops[i].op);
	}
	assert_int_equal(ring_wait(ring, 5 * second), 10);
	assert_int_equal(ring->stats.enters - before, 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(ops[i].completions, 1);
	ring_close(ring);
	close(fd);
}

static void a_wait_ends_with_its_timeout(void **state)
{
	struct ring *ring = open_ring(NULL);

	(void)state;
	assert_int_equal(ring_wait(ring, 1000), 0);
	ring_close(ring);
}

/* --- cancelling --- */

static void a_cancelled_operation_completes_once(void **state)
{
	struct ring *ring = open_ring(NULL);
	struct watched op;
	int fd = eventfd(0, EFD_CLOEXEC);

	(void)state;
	poll_op(&op, fd);
	ring_cancel(ring, &op.op); /* idle: harmless */
	ring_queue(ring, &op.op);
	ring_wait(ring, 0);
	ring_cancel(ring, &op.op);
	ring_cancel(ring, &op.op);
	assert_int_equal(op.completions, 0);
	wait_for(ring, &op);
	ring_wait(ring, 0);
	assert_int_equal(op.completions, 1);
	assert_int_equal(op.last, -ECANCELED);
	assert_int_equal(op.op.state, RING_IDLE);
	assert_true(ring_idle(ring, NULL));
	ring_close(ring);
	close(fd);
}

static void cancel_fd(const char *mask)
{
	struct ring *ring = open_ring(mask);
	struct watched ops[3];
	int ours = eventfd(0, EFD_CLOEXEC), other = eventfd(0, EFD_CLOEXEC);

	poll_op(&ops[0], ours);
	poll_op(&ops[1], ours);
	poll_op(&ops[2], other);
	for (int i = 0; i < 3; i++)
		ring_queue(ring, &ops[i].op);
	ring_wait(ring, 0);
	ring_cancel_fd(ring, ours);
	wait_for(ring, &ops[0]);
	wait_for(ring, &ops[1]);
	assert_int_equal(ops[0].last, -ECANCELED);
	assert_int_equal(ops[1].last, -ECANCELED);
	assert_int_equal(ops[2].completions, 0);
	ring_close(ring);
	assert_int_equal(ops[2].completions, 0);
	close(ours);
	close(other);
}

static void a_descriptor_can_be_cancelled(void **state)
{
	(void)state;
	cancel_fd(NULL);
}

static void also_on_kernels_that_cannot(void **state)
{
	(void)state;
	cancel_fd("cancel_fd");
}

/* --- queues that are full --- */

static void more_operations_than_the_submission_queue_holds(void **state)
{
	enum { OPS = 3000 };
	struct ring *ring = open_ring(NULL);
	struct watched *ops = calloc(OPS, sizeof(*ops));
	int fd = eventfd(1, EFD_CLOEXEC), done = 0;

	(void)state;
	for (int i = 0; i < OPS; i++) {
		poll_op(&ops[i], fd);
		ring_queue(ring, &ops[i].op);
	}
	while (done < OPS)
		done += ring_wait(ring, 5 * second);
	for (int i = 0; i < OPS; i++)
		assert_int_equal(ops[i].completions, 1);
	free(ops);
	ring_close(ring);
	close(fd);
}

static void what_the_kernel_does_not_take_waits(void **state)
{
	enum { OPS = 1100 };
	struct ring *ring = open_ring(NULL);
	struct watched *ops = calloc(OPS, sizeof(*ops));
	int fd = eventfd(1, EFD_CLOEXEC), done = 0;

	(void)state;
	submit_fails = true;
	for (int i = 0; i < OPS; i++) {
		poll_op(&ops[i], fd);
		ring_queue(ring, &ops[i].op);
	}
	assert_int_equal(ops[OPS - 1].op.state, RING_QUEUED);
	ring_cancel(ring, &ops[OPS - 1].op); /* never submitted */
	ring_cancel(ring, &ops[0].op);	     /* submitted; no room for the request */
	assert_int_equal(ops[0].op.state, RING_CANCEL_WANTED);
	submit_fails = false;
	while (done < OPS)
		done += ring_wait(ring, 5 * second);
	assert_int_equal(ops[OPS - 1].last, -ECANCELED);
	for (int i = 0; i < OPS; i++)
		assert_int_equal(ops[i].completions, 1);
	free(ops);
	ring_close(ring);
	close(fd);
}

static void an_overflow_of_completions_loses_none(void **state)
{
	enum { OPS = 6000 };
	struct ring *ring = open_ring("defer_taskrun"); /* which completes a few at a time */
	struct watched *ops = calloc(OPS, sizeof(*ops));
	int fd = eventfd(0, EFD_CLOEXEC), done = 0;
	uint64_t one = 1;

	(void)state;
	for (int i = 0; i < OPS; i++) {
		poll_op(&ops[i], fd);
		ring_queue(ring, &ops[i].op);
	}
	assert_int_equal(ring_wait(ring, 0), 0);
	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	while (done < OPS) {
		int n = ring_wait(ring, 5 * second);

		assert_true(n > 0);
		done += n;
	}
	for (int i = 0; i < OPS; i++)
		assert_int_equal(ops[i].completions, 1);
	assert_true(ring->stats.overflows > 0);
	free(ops);
	ring_close(ring);
	close(fd);
}

/* --- provided buffers --- */

struct held {
	struct watched watched;
	int buffers[2048];
	int n;
	bool starved;
};

static void hold(struct ring_op *op, const struct ring_completion *completion)
{
	struct held *held = list_entry(op, struct held, watched.op);

	if (completion->result > 0)
		held->buffers[held->n++] = completion->buffer;
	held->starved |= completion->result == -ENOBUFS;
}

static void buffers_run_out_and_come_back(void **state)
{
	struct ring *ring = open_ring(NULL);
	struct held *held = calloc(1, sizeof(*held));
	int pair[2], sent = 0;

	(void)state;
	if (ring->buffer_bytes == 0) {
		ring_close(ring);
		skip();
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	held->watched.op =
		(struct ring_op){.complete = hold, .kind = RING_RECV_MULTISHOT, .fd = pair[0]};
	while (!held->starved || held->n < 1024) { /* the first shortage makes it offer more */
		held->starved = false;
		if (held->watched.op.state == RING_IDLE)
			ring_queue(ring, &held->watched.op);
		if (sent == held->n && send(pair[1], "x", 1, 0) == 1)
			sent++;
		assert_true(ring_wait(ring, 5 * second) >= 0);
	}
	assert_int_equal(held->n, 1024);
	assert_true(ring->stats.starved > 0);
	assert_int_equal(ring_buffer(ring, held->buffers[7])[0], 'x');

	if (sent == held->n)
		assert_int_equal(send(pair[1], "y", 1, 0), 1);
	ring_buffer_release(ring, held->buffers[7]);
	ring_queue(ring, &held->watched.op);
	while (held->n == 1024)
		assert_true(ring_wait(ring, 5 * second) >= 0);
	assert_int_equal(held->buffers[1024], held->buffers[7]);
	ring_close(ring);
	free(held);
	close(pair[0]);
	close(pair[1]);
}

/* --- closing --- */

static void a_closed_ring_writes_into_nobodys_memory(void **state)
{
	struct ring *ring = open_ring(NULL);
	struct watched op = {.op = {.complete = completed, .kind = RING_RECV, .bytes = 64}};
	char *memory = malloc(64);
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	op.op.fd = pair[0];
	op.op.buf = memory;
	ring_queue(ring, &op.op);
	ring_wait(ring, 0);
	ring_close(ring);
	assert_int_equal(op.completions, 0);
	memset(memory, 7, 64);
	assert_int_equal(send(pair[1], "late", 4, 0), 4);
	/* The bytes are still there: nobody has taken them. */
	assert_int_equal(recv(pair[0], memory + 8, 56, MSG_DONTWAIT), 4);
	assert_int_equal(memory[0], 7);
	free(memory);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_masked_feature_is_not_used),
		cmocka_unit_test(an_unknown_feature_is_refused_by_name),
		cmocka_unit_test(an_unknown_ring_is_refused_by_name),
		cmocka_unit_test(an_idle_ring_costs_no_system_call),
		cmocka_unit_test(one_wait_is_one_enter),
		cmocka_unit_test(a_wait_ends_with_its_timeout),
		cmocka_unit_test(a_cancelled_operation_completes_once),
		cmocka_unit_test(a_descriptor_can_be_cancelled),
		cmocka_unit_test(also_on_kernels_that_cannot),
		cmocka_unit_test(more_operations_than_the_submission_queue_holds),
		cmocka_unit_test(what_the_kernel_does_not_take_waits),
		cmocka_unit_test(an_overflow_of_completions_loses_none),
		cmocka_unit_test(buffers_run_out_and_come_back),
		cmocka_unit_test(a_closed_ring_writes_into_nobodys_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
