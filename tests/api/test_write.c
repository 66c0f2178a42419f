/* SPDX-License-Identifier: MIT */

/* Writing to streams: when a writer is held back, and what becomes of bytes that are not sent. */

#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

enum { MUCH = 300000 };

struct writer {
	weft_stream *stream;
	const char *data;
	size_t n;
};

static int write_all(void *arg)
{
	const struct writer *w = arg;
	int r = weft_stream_write(w->stream, w->data, w->n);

	say("written:%d", r);
	return r;
}

/* A stream whose kernel buffers are full after a few KiB. */
static void narrow_pair(weft_stream **ret_stream, int *ret_peer)
{
	wire_pair(ret_stream, ret_peer);
	wire_narrow(weft_stream_fd(*ret_stream));
	wire_narrow(*ret_peer);
}

IN_TASK(what_is_written_arrives_in_order)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[12] = "";
	int peer;

	wire_pair(&s, &peer);
	EXPECT_INT(weft_stream_write(s, "one ", 4), 0);
	EXPECT_INT(weft_stream_write_nowait(s, "two ", 4), 0);
	EXPECT_INT(weft_stream_write(s, "", 0), 0);
	EXPECT_INT(weft_stream_write(s, "six", 3), 0);
	EXPECT_INT(wire_receive(peer, buf, 11), 11);
	EXPECT_TEXT(buf, "one two six");
	close(peer);
	return 0;
}

IN_TASK(a_small_write_does_not_suspend)
{
	WEFT_AUTO(stream) s = NULL;
	int peer;

	wire_pair(&s, &peer);
	say_soon("other");
	EXPECT_INT(weft_stream_write(s, "abc", 3), 0);
	EXPECT_INT(weft_stream_drain(s), 0);
	EXPECT_INT(weft_stream_unsent(s), 3);
	EXPECT_TRACE("");
	EXPECT_INT(weft_stream_flush(s), 0);
	EXPECT_INT(weft_stream_unsent(s), 0);
	EXPECT_TRACE("other");
	close(peer);
	return 0;
}

IN_TASK(writes_of_one_iteration_leave_in_one_send)
{
	WEFT_AUTO(stream) s = NULL;
	struct tcp_info info = {0};
	socklen_t bytes = sizeof(info);
	char got[9];
	int peer, on = 1;

	wire_tcp_pair(&s, &peer);
	setsockopt(weft_stream_fd(s), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	for (int i = 0; i < 3; i++)
		EXPECT_INT(weft_stream_write(s, "abc", 3), 0);
	EXPECT_INT(wire_receive(peer, got, 9), 9);
	EXPECT_INT(getsockopt(weft_stream_fd(s), IPPROTO_TCP, TCP_INFO, &info, &bytes), 0);
	EXPECT_INT(info.tcpi_data_segs_out, 1);
	close(peer);
	return 0;
}

IN_TASK(write_nowait_never_suspends)
{
	WEFT_AUTO(stream) s = NULL;
	char *pattern = wire_pattern(MUCH);
	bool right;
	int peer;

	narrow_pair(&s, &peer);
	say_soon("other");
	for (size_t i = 0; i < MUCH; i += MUCH / 10)
		EXPECT_INT(weft_stream_write_nowait(s, pattern + i, MUCH / 10), 0);
	EXPECT_TRACE("");
	EXPECT_INT(weft_stream_unsent(s), MUCH);
	weft_stream_close(s);
	s = NULL;
	EXPECT_INT(wire_drain(peer, &right), MUCH);
	EXPECT(right);
	free(pattern);
	close(peer);
	return 0;
}

IN_TASK(above_the_high_mark_a_writer_waits_for_the_low_one)
{
	WEFT_AUTO(stream) s = NULL;
	char *pattern = wire_pattern(MUCH), *got = malloc(MUCH);
	int peer;

	narrow_pair(&s, &peer);
	struct writer w = {s, pattern, MUCH};
	weft_task *task = spawn(write_all, &w);
	spin(10);
	EXPECT(!weft_task_done(task));
	EXPECT_TEXT(weft_task_waits_for(task), "stream write");
	EXPECT(weft_stream_unsent(s) > 65536);

	size_t n = 0;
	while (!weft_task_done(task)) {
		n += wire_receive(peer, got + n, 1000);
		spin(3);
	}
	EXPECT_INT(outcome(task), 0);
	EXPECT(weft_stream_unsent(s) <= 16384);
	EXPECT(weft_stream_unsent(s) > 0);
	n += wire_receive(peer, got + n, MUCH - n);
	EXPECT_INT(n, MUCH);
	EXPECT_INT(memcmp(got, pattern, MUCH), 0);
	EXPECT_TRACE("written:0");
	free(pattern);
	free(got);
	close(peer);
	return 0;
}

IN_TASK(the_marks_can_be_set)
{
	WEFT_AUTO(stream) s = NULL;
	static char block[40000], got[40000];
	int peer;

	narrow_pair(&s, &peer);
	EXPECT_INT(weft_stream_set_write_limits(s, 10, 11), -EINVAL);
	EXPECT_INT(weft_stream_set_write_limits(s, 100000, 0), 0);
	EXPECT_INT(weft_stream_write_nowait(s, block, sizeof(block)), 0);
	say_soon("other");
	EXPECT_INT(weft_stream_drain(s), 0);
	EXPECT_TRACE("");

	EXPECT_INT(weft_stream_set_write_limits(s, 1000, 1000), 0);
	struct writer w = {s, block, 1};
	weft_task *task = spawn(write_all, &w);
	spin(5);
	EXPECT(!weft_task_done(task));
	EXPECT_INT(wire_receive(peer, got, sizeof(got)), sizeof(got));
	EXPECT_INT(outcome(task), 0);
	EXPECT_TRACE("other written:0");
	close(peer);
	return 0;
}

static int drain_and_say(void *stream)
{
	int r = weft_stream_drain(stream);

	say("drained:%d", r);
	return r;
}

static int flush_and_say(void *stream)
{
	int r = weft_stream_flush(stream);

	say("flushed:%d", r);
	return r;
}

IN_TASK(drain_waits_as_a_write_does_and_flush_for_all)
{
	WEFT_AUTO(stream) s = NULL;
	char *pattern = wire_pattern(MUCH);
	static char got[MUCH];
	int peer;

	narrow_pair(&s, &peer);
	EXPECT_INT(weft_stream_write_nowait(s, pattern, MUCH), 0);
	weft_task *task = spawn(drain_and_say, s);
	spin(5);
	EXPECT(!weft_task_done(task));
	size_t n = wire_receive(peer, got, MUCH - 10000);
	EXPECT_INT(outcome(task), 0);
	EXPECT(weft_stream_unsent(s) > 0);

	task = spawn(flush_and_say, s);
	spin(5);
	EXPECT(!weft_task_done(task));
	n += wire_receive(peer, got + n, MUCH - n);
	EXPECT_INT(outcome(task), 0);
	EXPECT_INT(weft_stream_unsent(s), 0);
	EXPECT_INT(memcmp(got, pattern, MUCH), 0);
	EXPECT_TRACE("drained:0 flushed:0");
	free(pattern);
	close(peer);
	return 0;
}

IN_TASK(a_second_writer_is_refused_but_a_reader_is_not)
{
	WEFT_AUTO(stream) s = NULL;
	static char block[MUCH];
	int peer;

	narrow_pair(&s, &peer);
	struct writer w = {s, block, MUCH};
	weft_task *writer = spawn(write_all, &w), *reader = spawn(say_read_task, s);
	spin(5);
	EXPECT_INT(weft_stream_write(s, "x", 1), -EBUSY);
	EXPECT_INT(weft_stream_drain(s), -EBUSY);
	EXPECT_INT(weft_stream_flush(s), -EBUSY);
	wire_say(peer, "hi");
	wire_receive(peer, (char[1]){0}, 1);
	EXPECT(outcome(reader) > 0);
	static char got[MUCH];
	EXPECT_INT(wire_receive(peer, got, MUCH - 1), MUCH - 1);
	EXPECT_INT(outcome(writer), 0);
	close(peer);
	return 0;
}

IN_TASK(of_a_cancelled_write_everything_is_sent_still)
{
	for (unsigned wait = 0; wait < 6; wait++) {
		WEFT_AUTO(stream) s = NULL;
		char *pattern = wire_pattern(MUCH);
		bool right;
		int peer, r;

		narrow_pair(&s, &peer);
		struct writer w = {s, pattern, MUCH};
		weft_task *task = spawn(write_all, &w);
		spin(1 + wait);
		EXPECT_INT(weft_cancel(task, NULL), 1);
		r = outcome(task);
		EXPECT_INT(r, -ECANCELED);
		memset(pattern, 0, MUCH); /* the caller's again */
		EXPECT_INT(weft_stream_write_eof(s), 0);
		EXPECT_INT(wire_drain(peer, &right), MUCH);
		EXPECT(right);
		EXPECT_TRACE("written:-125");
		free(pattern);
		close(peer);
	}
	return 0;
}

/* --- the end of our side ------------------------------------------------------------------------
 */

IN_TASK(write_eof_comes_after_all_that_was_written_and_reading_goes_on)
{
	WEFT_AUTO(stream) s = NULL;
	char *pattern = wire_pattern(MUCH);
	bool right;
	int peer;

	narrow_pair(&s, &peer);
	EXPECT_INT(weft_stream_write_nowait(s, pattern, MUCH), 0);
	EXPECT_INT(weft_stream_write_eof(s), 0);
	EXPECT_INT(wire_drain(peer, &right), MUCH);
	EXPECT(right);
	EXPECT_INT(weft_stream_write_eof(s), -EPIPE);
	EXPECT_INT(weft_stream_write(s, "x", 1), -EPIPE);
	EXPECT_INT(weft_stream_write_nowait(s, "x", 1), -EPIPE);

	wire_say(peer, "y");
	close(peer);
	say_read(s, 10);
	say_read(s, 10);
	EXPECT_TRACE("y 0");
	free(pattern);
	return 0;
}

IN_TASK(close_sends_the_rest_in_the_background)
{
	weft_stream *s = NULL;
	char *pattern = wire_pattern(MUCH);
	bool right;
	int peer;

	narrow_pair(&s, &peer);
	EXPECT_INT(weft_stream_write_nowait(s, pattern, MUCH), 0);
	weft_stream_close(s);
	free(pattern);
	EXPECT_INT(wire_drain(peer, &right), MUCH);
	EXPECT(right);
	close(peer);
	return 0;
}

IN_TASK(close_of_an_idle_stream_is_the_end_for_the_peer)
{
	weft_stream *s = NULL;
	int peer;

	weft_stream_close(NULL);
	weft_stream_abort(NULL);
	wire_pair(&s, &peer);
	weft_stream_close(s);
	EXPECT_INT(wire_end(peer), 0);
	close(peer);
	return 0;
}

IN_TASK(abort_drops_the_rest_and_resets)
{
	weft_stream *s = NULL;
	static char block[5000000];
	int peer;

	wire_tcp_pair(&s, &peer);
	EXPECT_INT(weft_stream_write_nowait(s, block, sizeof(block)), 0);
	spin(5);
	weft_stream_abort(s);
	EXPECT_INT(wire_end(peer), -ECONNRESET);
	close(peer);
	return 0;
}

IN_TASK(close_wait_returns_when_all_is_sent)
{
	weft_stream *s = NULL;
	bool right;
	char *pattern = wire_pattern(5000);
	int peer;

	wire_pair(&s, &peer);
	EXPECT_INT(weft_stream_write_nowait(s, pattern, 5000), 0);
	EXPECT_INT(weft_stream_close_wait(s), 0);
	free(pattern);
	EXPECT_INT(wire_drain(peer, &right), 5000);
	EXPECT(right);
	close(peer);
	return 0;
}

IN_TASK(close_wait_gives_back_also_where_the_peer_has_gone)
{
	weft_stream *s = NULL;
	static char block[100];
	int peer, r;

	wire_pair(&s, &peer);
	close(peer);
	EXPECT_INT(weft_stream_write_nowait(s, block, sizeof(block)), 0);
	r = weft_stream_close_wait(s);
	EXPECT(r == -EPIPE || r == -ECONNRESET);
	return 0;
}

static int close_wait_and_say(void *stream)
{
	int r = weft_stream_close_wait(stream);

	say("closed:%d", r);
	return r;
}

IN_TASK(close_wait_gives_back_also_where_it_is_cancelled)
{
	weft_stream *s = NULL;
	char *pattern = wire_pattern(MUCH);
	bool right;
	int peer;

	narrow_pair(&s, &peer);
	EXPECT_INT(weft_stream_write_nowait(s, pattern, MUCH), 0);
	weft_task *task = spawn(close_wait_and_say, s);
	spin(5);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	EXPECT_TRACE("closed:-125");
	EXPECT_INT(wire_drain(peer, &right), MUCH);
	EXPECT(right);
	free(pattern);
	close(peer);
	return 0;
}

IN_TASK(closing_the_stream_aborts_a_write_of_another_task)
{
	weft_stream *s = NULL;
	char *pattern = wire_pattern(MUCH);
	bool right;
	int peer;

	narrow_pair(&s, &peer);
	struct writer w = {s, pattern, MUCH};
	weft_task *task = spawn(write_all, &w);
	spin(5);
	weft_stream_close(s);
	EXPECT_INT(outcome(task), -ECONNABORTED);
	EXPECT_TRACE("written:-103");
	wire_drain(peer, &right);
	EXPECT(right);
	free(pattern);
	close(peer);
	return 0;
}

/* --- peers that do not play along ---------------------------------------------------------------
 */

IN_TASK(a_peer_that_never_reads_holds_the_writer_until_its_timeout)
{
	weft_stream *s = NULL;
	static char block[MUCH];
	int peer, r = 0;

	narrow_pair(&s, &peer);
	WEFT_TIMEOUT(r, WEFT_S(5))
		r = weft_stream_write(s, block, sizeof(block));
	EXPECT_INT(r, -ETIMEDOUT);
	weft_stream_abort(s);
	close(peer);
	return 0;
}

IN_TASK(writing_to_a_peer_that_has_gone_is_an_error_and_no_signal)
{
	WEFT_AUTO(stream) s = NULL;
	static char block[MUCH];
	int peer, r;

	signal(SIGPIPE, SIG_DFL);
	wire_pair(&s, &peer);
	close(peer);
	r = weft_stream_write(s, block, sizeof(block));
	EXPECT(r == -EPIPE || r == -ECONNRESET);
	EXPECT_INT(weft_stream_write(s, "x", 1), r);
	EXPECT_INT(weft_stream_write_nowait(s, "x", 1), r);
	EXPECT_INT(weft_stream_drain(s), r);
	EXPECT_INT(weft_stream_flush(s), r);
	EXPECT_INT(weft_stream_unsent(s), 0);
	return 0;
}

IN_TASK(so_is_a_small_write_at_the_next_flush)
{
	WEFT_AUTO(stream) s = NULL;
	int peer, r;

	signal(SIGPIPE, SIG_DFL);
	wire_pair(&s, &peer);
	close(peer);
	EXPECT_INT(weft_stream_write(s, "x", 1), 0);
	r = weft_stream_flush(s);
	EXPECT(r == -EPIPE || r == -ECONNRESET);
	return 0;
}

IN_TASK(a_reset_wakes_a_writer_that_waits)
{
	WEFT_AUTO(stream) s = NULL;
	static char block[5000000];
	struct linger reset = {.l_onoff = 1};
	int peer, r;

	wire_tcp_pair(&s, &peer);
	struct writer w = {s, block, sizeof(block)};
	weft_task *task = spawn(write_all, &w);
	spin(10);
	EXPECT(!weft_task_done(task));
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(peer);
	r = outcome(task);
	EXPECT(r == -EPIPE || r == -ECONNRESET);
	return 0;
}

/* --- through a tiny buffer ----------------------------------------------------------------------
 */

static int copy_back(void *stream)
{
	char buf[3000];
	ssize_t n;

	while ((n = weft_stream_read(stream, buf, sizeof(buf))) > 0)
		if ((n = weft_stream_write(stream, buf, (size_t)n)) < 0)
			break;
	if (n == 0)
		n = weft_stream_write_eof(stream);
	return (int)n;
}

static int send_pattern(void *stream)
{
	char *pattern = wire_pattern(MUCH);
	int r = 0;
	size_t step = 1;

	for (size_t sent = 0; r == 0 && sent < MUCH; sent += step) {
		step = 1 + (sent * 7 + 13) % 20000;
		if (step > MUCH - sent)
			step = MUCH - sent;
		r = weft_stream_write(stream, pattern + sent, step);
	}
	free(pattern);
	return r < 0 ? r : weft_stream_write_eof(stream);
}

IN_TASK(two_streams_echo_a_pattern_through_tiny_buffers)
{
	WEFT_AUTO(stream) a = NULL;
	WEFT_AUTO(stream) b = NULL;
	char buf[777];
	size_t got = 0;
	bool right = true;
	ssize_t n;
	int fds[2];

	EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	wire_narrow(fds[0]);
	wire_narrow(fds[1]);
	EXPECT_INT(weft_stream_from_fd(fds[0], &a), 0);
	EXPECT_INT(weft_stream_from_fd(fds[1], &b), 0);
	weft_task *echo = spawn(copy_back, b), *sender = spawn(send_pattern, a);
	while ((n = weft_stream_read(a, buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < n; i++)
			right &= buf[i] == wire_byte(got++);
	EXPECT_INT(n, 0);
	EXPECT_INT(got, MUCH);
	EXPECT(right);
	EXPECT_INT(outcome(echo), 0);
	EXPECT_INT(outcome(sender), 0);
	return 0;
}

static void what_is_unsent_when_the_loop_closes_is_dropped(void **state)
{
	weft_loop *loop = NULL;
	weft_stream *s = NULL, *closed = NULL;
	static char block[MUCH];
	int peer, other;

	(void)state;
	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	wire_pair(&s, &peer);
	wire_pair(&closed, &other);
	EXPECT_INT(weft_stream_write_nowait(s, block, MUCH), 0);
	EXPECT_INT(weft_stream_write_nowait(closed, block, MUCH), 0);
	weft_stream_close(closed);
	iterate(loop);
	iterate(loop);
	weft_loop_close(loop);
	close(peer);
	close(other);
	fail_where_noted();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_arrives_in_order),
		cmocka_unit_test(a_small_write_does_not_suspend),
		cmocka_unit_test(write_nowait_never_suspends),
		cmocka_unit_test(above_the_high_mark_a_writer_waits_for_the_low_one),
		cmocka_unit_test(the_marks_can_be_set),
		cmocka_unit_test(drain_waits_as_a_write_does_and_flush_for_all),
		cmocka_unit_test(a_second_writer_is_refused_but_a_reader_is_not),
		cmocka_unit_test(of_a_cancelled_write_everything_is_sent_still),
		cmocka_unit_test(write_eof_comes_after_all_that_was_written_and_reading_goes_on),
		cmocka_unit_test(close_sends_the_rest_in_the_background),
		cmocka_unit_test(close_of_an_idle_stream_is_the_end_for_the_peer),
		cmocka_unit_test(abort_drops_the_rest_and_resets),
		cmocka_unit_test(close_wait_returns_when_all_is_sent),
		cmocka_unit_test(close_wait_gives_back_also_where_the_peer_has_gone),
		cmocka_unit_test(close_wait_gives_back_also_where_it_is_cancelled),
		cmocka_unit_test(closing_the_stream_aborts_a_write_of_another_task),
		cmocka_unit_test(a_peer_that_never_reads_holds_the_writer_until_its_timeout),
		cmocka_unit_test(writing_to_a_peer_that_has_gone_is_an_error_and_no_signal),
		cmocka_unit_test(so_is_a_small_write_at_the_next_flush),
		cmocka_unit_test(a_reset_wakes_a_writer_that_waits),
		cmocka_unit_test(two_streams_echo_a_pattern_through_tiny_buffers),
		cmocka_unit_test(what_is_unsent_when_the_loop_closes_is_dropped),
		cmocka_unit_test(writes_of_one_iteration_leave_in_one_send),
	};
	const char *ring = getenv("WEFT_RING");
	bool cut_short = ring && strcmp(ring, "sim") == 0; /* then the last cannot hold */

	return run_program(tests, sizeof(tests) / sizeof(tests[0]) - cut_short);
}
