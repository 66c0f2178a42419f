/* SPDX-License-Identifier: MIT */

/* Reading from streams: what each call returns, wherever the bytes come in pieces. */

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire.h"

IN_TASK(read_returns_what_is_there)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[100] = "";
	ssize_t n = 0, r;
	int peer;

	wire_pair(&s, &peer);
	wire_say(peer, "hello");
	EXPECT_INT(weft_stream_read(s, buf, 0), 0);
	EXPECT_INT(weft_stream_read(s, buf, 1), 1);
	for (n = 1; n < 5; n += r) { /* in one piece or in several */
		r = weft_stream_read(s, buf + n, sizeof(buf) - (size_t)n);
		EXPECT(r > 0);
		if (r <= 0)
			break;
	}
	EXPECT_TEXT(buf, "hello");
	close(peer);
	return 0;
}

IN_TASK(a_short_read_leaves_the_rest)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[8] = "";
	int peer;

	wire_pair(&s, &peer);
	wire_say(peer, "abcdef");
	EXPECT_INT(weft_stream_readexactly(s, buf, 4), 4);
	EXPECT_TEXT(buf, "abcd");
	EXPECT_INT(weft_stream_readexactly(s, buf, 2), 2);
	EXPECT_TEXT(buf, "efcd");
	EXPECT_INT(weft_stream_buffered(s), 0);
	close(peer);
	return 0;
}

IN_TASK(a_read_waits_for_the_first_byte)
{
	WEFT_AUTO(stream) s = NULL;
	int peer;

	wire_pair(&s, &peer);
	weft_task *task = spawn(say_read_task, s);
	spin(5);
	EXPECT(!weft_task_done(task));
	EXPECT_TEXT(weft_task_waits_for(task), "stream read");
	wire_say(peer, "x");
	EXPECT_INT(outcome(task), 1);
	EXPECT_TRACE("x");
	close(peer);
	return 0;
}

IN_TASK(the_end_is_zero_again_and_again)
{
	WEFT_AUTO(stream) s = NULL;
	int peer;

	wire_pair(&s, &peer);
	EXPECT(!weft_stream_at_eof(s));
	close(peer);
	for (int i = 0; i < 3; i++)
		say_read(s, 10);
	EXPECT(weft_stream_at_eof(s));
	EXPECT_TRACE("0 0 0");
	return 0;
}

IN_TASK(bytes_before_the_end_come_first)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[4] = "";
	int peer;

	wire_pair(&s, &peer);
	wire_say(peer, "abc");
	close(peer);
	EXPECT_INT(weft_stream_readexactly(s, buf, 3), 3);
	EXPECT_TEXT(buf, "abc");
	say_read(s, 10);
	EXPECT_TRACE("0");
	return 0;
}

IN_TASK(zero_bytes_are_bytes)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[5] = "xxxxx";
	int peer;

	wire_pair(&s, &peer);
	wire_send(peer, "a\0b\0", 4);
	EXPECT_INT(weft_stream_readexactly(s, buf, 4), 4);
	EXPECT_INT(memcmp(buf, "a\0b\0x", 5), 0);
	close(peer);
	return 0;
}

/* --- readexactly -------------------------------------------------------------------------------
 */

static int dribble(void *arg)
{
	int peer = (int)(intptr_t)arg;

	for (const char *text = "one two three\nfour"; *text; text++) {
		wire_send(peer, text, 1);
		spin(1 + *text % 3);
	}
	return 0;
}

IN_TASK(readexactly_collects_pieces)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[14] = "";
	int peer;

	wire_pair(&s, &peer);
	weft_task *task = spawn(dribble, (void *)(intptr_t)peer);
	EXPECT_INT(weft_stream_readexactly(s, buf, 13), 13);
	EXPECT_TEXT(buf, "one two three");
	EXPECT_INT(outcome(task), 0);
	close(peer);
	return 0;
}

IN_TASK(readexactly_of_nothing_does_not_wait)
{
	WEFT_AUTO(stream) s = NULL;
	int peer;

	wire_pair(&s, &peer);
	EXPECT_INT(weft_stream_readexactly(s, (char[1]){0}, 0), 0);
	close(peer);
	return 0;
}

IN_TASK(readexactly_says_what_there_was_before_the_end)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[6] = "";
	int peer;

	wire_pair(&s, &peer);
	wire_say(peer, "abc");
	close(peer);
	EXPECT_INT(weft_stream_readexactly(s, buf, 5), -ENODATA);
	EXPECT_INT(weft_stream_partial(s), 3);
	EXPECT_TEXT(buf, "abc");
	EXPECT_INT(weft_stream_readexactly(s, buf, 5), -ENODATA);
	EXPECT_INT(weft_stream_partial(s), 0);
	return 0;
}

static int read_a_lot(void *arg)
{
	enum { BYTES = 3000000 };
	char *buf = malloc(BYTES), *wanted = wire_pattern(BYTES);
	ssize_t r = weft_stream_readexactly(arg, buf, BYTES);
	bool same = r == BYTES && memcmp(buf, wanted, BYTES) == 0;

	free(buf);
	free(wanted);
	return same;
}

IN_TASK(readexactly_of_megabytes)
{
	enum { BYTES = 3000000 };
	WEFT_AUTO(stream) s = NULL;
	char *pattern = wire_pattern(BYTES);
	int peer;

	wire_pair(&s, &peer);
	weft_task *task = spawn(read_a_lot, s);
	wire_send(peer, pattern, BYTES);
	EXPECT_INT(outcome(task), 1);
	free(pattern);
	close(peer);
	return 0;
}

/* --- readuntil ---------------------------------------------------------------------------------
 */

static void read_split(const char *text, const char *separator, size_t split)
{
	WEFT_AUTO(stream) s = NULL;
	size_t n = strlen(text), length = strlen(separator);
	char buf[64];
	ssize_t r;
	int peer;

	wire_pair(&s, &peer);
	wire_send(peer, text, split);
	if (split % 2) /* let the first piece arrive alone, or not */
		spin(4);
	wire_send(peer, text + split, n - split);
	close(peer);
	while ((r = weft_stream_readuntil(s, separator, length, buf, sizeof(buf))) > 0)
		say("%.*s", (int)r, buf);
	if (r == -ENODATA)
		say("(%.*s)", (int)weft_stream_partial(s), buf);
	else
		say("%zd", r);
}

IN_TASK(readuntil_finds_its_separator_at_every_split)
{
	for (size_t split = 0; split <= 13; split++) {
		read_split("abXYcdXYXYefg", "XY", split);
		EXPECT_TRACE("abXY cdXY XY (efg)");
	}
	for (size_t split = 0; split <= 8; split++) {
		read_split("aaabaaab", "aab", split);
		EXPECT_TRACE("aaab aaab 0");
	}
	for (size_t split = 0; split <= 10; split++) {
		read_split("one;two;;x", ";", split);
		EXPECT_TRACE("one; two; ; (x)");
	}
	return 0;
}

static int send_rest_later(void *arg)
{
	int peer = (int)(intptr_t)arg;

	spin(5);
	wire_say(peer, "Yrest");
	spin(5);
	wire_say(peer, "X");
	spin(5);
	wire_say(peer, "Y");
	return 0;
}

IN_TASK(a_separator_may_arrive_while_the_call_waits)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[64] = "";
	int peer;

	wire_pair(&s, &peer);
	wire_say(peer, "beginX");
	weft_task *task = spawn(send_rest_later, (void *)(intptr_t)peer);
	EXPECT_INT(weft_stream_readuntil(s, "XY", 2, buf, sizeof(buf)), 7);
	EXPECT_INT(memcmp(buf, "beginXY", 7), 0);
	EXPECT_INT(weft_stream_readuntil(s, "XY", 2, buf, sizeof(buf)), 6);
	EXPECT_INT(memcmp(buf, "restXY", 6), 0);
	EXPECT_INT(outcome(task), 0);
	close(peer);
	return 0;
}

IN_TASK(an_empty_separator_is_refused)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[8];
	int peer;

	wire_pair(&s, &peer);
	EXPECT_INT(weft_stream_readuntil(s, "", 0, buf, sizeof(buf)), -EINVAL);
	close(peer);
	return 0;
}

IN_TASK(readuntil_consumes_nothing_where_the_buffer_is_too_small)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[14] = "";
	int peer;

	wire_pair(&s, &peer);
	wire_say(peer, "0123456789ab\n");
	EXPECT_INT(weft_stream_readuntil(s, "\n", 1, buf, 9), -EMSGSIZE);
	EXPECT_INT(weft_stream_readuntil(s, "\n", 1, buf, 12), -EMSGSIZE);
	EXPECT_INT(weft_stream_readuntil(s, "\n", 1, buf, 13), 13);
	EXPECT_TEXT(buf, "0123456789ab\n");
	close(peer);
	return 0;
}

IN_TASK(nor_where_the_separator_is_not_there_at_all)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[14] = "";
	int peer;

	wire_pair(&s, &peer);
	wire_say(peer, "0123456789abc");
	EXPECT_INT(weft_stream_readuntil(s, "\n", 1, buf, 9), -EMSGSIZE);
	EXPECT_INT(weft_stream_readexactly(s, buf, 13), 13);
	EXPECT_TEXT(buf, "0123456789abc");
	close(peer);
	return 0;
}

/* --- readline ----------------------------------------------------------------------------------
 */

IN_TASK(readline_returns_lines_and_a_last_one_without_its_end)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[32];
	ssize_t r;
	int peer;

	wire_pair(&s, &peer);
	wire_say(peer, "one\n\ntwo\nthree");
	close(peer);
	while ((r = weft_stream_readline(s, buf, sizeof(buf))) > 0)
		say("%.*s", (int)r - (buf[r - 1] == '\n'), buf);
	EXPECT_INT(r, 0);
	EXPECT_TRACE("one  two three");
	return 0;
}

IN_TASK(a_line_that_is_too_long_is_dropped)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[16] = "";
	int peer;

	wire_pair(&s, &peer);
	wire_say(peer, "0123456789ab\nzz\n");
	/* Found, too far away: it is all there. */
	EXPECT_INT(weft_stream_readuntil(s, "zz\n", 3, buf, 15), -EMSGSIZE);
	EXPECT_INT(weft_stream_readline(s, buf, 8), -EMSGSIZE);
	EXPECT_INT(weft_stream_readline(s, buf, 8), 3);
	EXPECT_INT(memcmp(buf, "zz\n", 3), 0);
	close(peer);
	return 0;
}

/* --- one reader at a time -----------------------------------------------------------------------
 */

IN_TASK(a_second_reader_is_refused)
{
	WEFT_AUTO(stream) s = NULL;
	char buf[8];
	int peer;

	wire_pair(&s, &peer);
	weft_task *task = spawn(say_read_task, s);
	spin(2);
	EXPECT_INT(weft_stream_read(s, buf, 1), -EBUSY);
	EXPECT_INT(weft_stream_readexactly(s, buf, 1), -EBUSY);
	EXPECT_INT(weft_stream_readuntil(s, "\n", 1, buf, 8), -EBUSY);
	EXPECT_INT(weft_stream_readline(s, buf, 8), -EBUSY);
	wire_say(peer, "x");
	EXPECT_INT(outcome(task), 1);
	EXPECT_TRACE("x");
	close(peer);
	return 0;
}

static void reading_needs_a_task(void **state)
{
	weft_loop *loop = NULL;
	weft_stream *s = NULL;
	int fds[2];
	char buf[1];

	(void)state;
	EXPECT_INT(weft_stream_from_fd(0, &s), -EPERM);
	EXPECT_INT(weft_loop_open(&virtual_time, &loop), 0);
	EXPECT_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	EXPECT_INT(weft_stream_from_fd(fds[0], &s), 0);
	EXPECT_INT(weft_stream_read(s, buf, 1), -EPERM);
	EXPECT_INT(weft_stream_readexactly(s, buf, 1), -EPERM);
	EXPECT_INT(weft_stream_readuntil(s, "\n", 1, buf, 1), -EPERM);
	EXPECT_INT(weft_stream_readline(s, buf, 1), -EPERM);
	EXPECT_INT(weft_stream_write(s, buf, 1), -EPERM);
	EXPECT_INT(weft_stream_drain(s), -EPERM);
	EXPECT_INT(weft_stream_flush(s), -EPERM);
	EXPECT_INT(weft_stream_close_wait(s), -EPERM);
	weft_loop_close(loop);
	close(fds[1]);
	fail_where_noted();
}

/* --- cancelled, aborted, reset -------------------------------------------------------------------
 */

IN_TASK(a_cancelled_read_can_be_repeated)
{
	WEFT_AUTO(stream) s = NULL;
	int peer;

	wire_pair(&s, &peer);
	weft_task *task = spawn(say_read_task, s);
	spin(3);
	EXPECT_INT(weft_cancel(task, NULL), 1);
	EXPECT_INT(outcome(task), -ECANCELED);
	wire_say(peer, "later");
	char buf[6] = "";
	EXPECT_INT(weft_stream_readexactly(s, buf, 5), 5);
	EXPECT_TEXT(buf, "later");
	EXPECT_TRACE("-125");
	close(peer);
	return 0;
}

struct collector {
	weft_stream *stream;
	char got[32];
	size_t n;
	bool cancelled;
	size_t chunk;
};

/* Reads until cancelled: everything that it was given counts. */
static int collect(void *arg)
{
	struct collector *c = arg;

	for (;;) {
		ssize_t r = weft_stream_read(c->stream, c->got + c->n, c->chunk);

		if (r == -ECANCELED) {
			c->cancelled = true;
			return 0;
		}
		if (r <= 0)
			return (int)r;
		c->n += (size_t)r;
	}
}

IN_TASK(no_byte_is_lost_by_a_cancellation_at_any_moment)
{
	for (unsigned wait = 0; wait < 6; wait++) {
		for (size_t chunk = 1; chunk <= 4; chunk++) {
			WEFT_AUTO(stream) s = NULL;
			struct collector c = {.chunk = chunk};
			int peer;

			wire_pair(&s, &peer);
			c.stream = s;
			weft_task *task = spawn(collect, &c);
			spin(3);
			wire_say(peer, "0123456");
			spin(wait);
			EXPECT_INT(weft_cancel(task, NULL), 1);
			EXPECT_INT(outcome(task), 0);
			EXPECT(c.cancelled);
			wire_say(peer, "789");
			EXPECT_INT(weft_stream_readexactly(s, c.got + c.n, 10 - c.n), 10 - c.n);
			EXPECT_TEXT(c.got, "0123456789");
			close(peer);
		}
	}
	return 0;
}

static int read_exactly_ten(void *arg)
{
	struct collector *c = arg;
	ssize_t r = weft_stream_readexactly(c->stream, c->got, 10);

	if (r > 0)
		c->n = (size_t)r;
	return (int)r;
}

IN_TASK(a_cancelled_readexactly_puts_back_what_it_had)
{
	for (unsigned wait = 0; wait < 6; wait++) {
		WEFT_AUTO(stream) s = NULL;
		struct collector c = {0};
		int peer;

		wire_pair(&s, &peer);
		c.stream = s;
		wire_say(peer, "0123");
		weft_task *task = spawn(read_exactly_ten, &c);
		spin(wait);
		wire_say(peer, "45");
		spin(wait);
		EXPECT_INT(weft_cancel(task, NULL), 1);
		EXPECT_INT(outcome(task), -ECANCELED);
		wire_say(peer, "6789");
		EXPECT_INT(weft_stream_readexactly(s, c.got, 10), 10);
		EXPECT_TEXT(c.got, "0123456789");
		close(peer);
	}
	return 0;
}

IN_TASK(a_timeout_ends_a_read)
{
	WEFT_AUTO(stream) s = NULL;
	ssize_t r = 0;
	char buf[4];
	int peer;

	wire_pair(&s, &peer);
	WEFT_TIMEOUT(r, WEFT_S(5))
		r = weft_stream_read(s, buf, sizeof(buf));
	EXPECT_INT(r, -ETIMEDOUT);
	wire_say(peer, "abc");
	EXPECT_INT(weft_stream_readexactly(s, buf, 3), 3);
	close(peer);
	return 0;
}

IN_TASK(closing_the_stream_aborts_a_read_of_another_task)
{
	weft_stream *s = NULL;
	int peer;

	wire_pair(&s, &peer);
	weft_task *task = spawn(say_read_task, s);
	spin(3);
	weft_stream_close(s);
	EXPECT_INT(outcome(task), -ECONNABORTED);
	EXPECT_TRACE("-103");
	EXPECT_INT(wire_end(peer), 0);
	close(peer);
	return 0;
}

IN_TASK(a_reset_by_the_peer_is_an_error_again_and_again)
{
	WEFT_AUTO(stream) s = NULL;
	struct linger reset = {.l_onoff = 1};
	int peer;

	wire_tcp_pair(&s, &peer);
	weft_task *task = spawn(say_read_task, s);
	spin(3);
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(peer);
	EXPECT_INT(outcome(task), -ECONNRESET);
	say_read(s, 1);
	EXPECT_TRACE("-104 -104");
	return 0;
}

static int read_then_sleep(void *stream)
{
	char byte;
	ssize_t r = weft_stream_read(stream, &byte, 1);

	return r == -ECANCELED ? (int)r : weft_sleep(WEFT_S(9));
}

IN_TASK(a_cancellation_that_meets_a_reset_is_not_lost)
{
	for (unsigned wait = 0; wait < 6; wait++) {
		WEFT_AUTO(stream) s = NULL;
		struct linger reset = {.l_onoff = 1};
		int peer;

		wire_tcp_pair(&s, &peer);
		weft_task *task = spawn(read_then_sleep, s);
		spin(3);
		setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(peer);
		spin(wait);
		EXPECT_INT(weft_cancel(task, NULL), 1);
		EXPECT_INT(outcome(task), -ECANCELED);
	}
	return 0;
}

/* --- back-pressure ------------------------------------------------------------------------------
 */

IN_TASK(a_peer_that_sends_without_end_is_held_back)
{
	WEFT_AUTO(stream) s = NULL;
	static char block[16384];
	size_t sent = 0;
	char byte;
	int peer;

	wire_pair(&s, &peer);
	wire_say(peer, "x");
	EXPECT_INT(weft_stream_read(s, &byte, 1), 1);
	/* The stream may take its fill now; then the kernel's buffers, and no more. */
	for (int idle = 0; idle < 20 && sent < 100000000;) {
		ssize_t r = send(peer, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (r > 0) {
			sent += (size_t)r;
			idle = 0;
		} else {
			idle++;
			spin(1);
		}
	}
	EXPECT(sent < 3000000);
	EXPECT(weft_stream_buffered(s) < 400000);
	shutdown(peer, SHUT_WR);
	static char buf[65536];
	ssize_t r;
	size_t got = 0;
	while ((r = weft_stream_read(s, buf, sizeof(buf))) > 0)
		got += (size_t)r;
	EXPECT_INT(r, 0);
	EXPECT_INT(got, sent);
	close(peer);
	return 0;
}

/* Many streams that hold what nobody reads must not starve one that is read. */
IN_TASK(streams_that_nobody_reads_do_not_starve_another)
{
	enum { STREAMS = 100 };
	weft_stream *s[STREAMS];
	int peers[STREAMS];
	char buf[8];

	for (int i = 0; i < STREAMS; i++) {
		wire_pair(&s[i], &peers[i]);
		wire_say(peers[i], "abcdef");
		EXPECT_INT(weft_stream_readexactly(s[i], buf, 1), 1);
	}
	for (int round = 0; round < 3; round++) {
		wire_say(peers[STREAMS - 1], "xy");
		EXPECT_INT(weft_stream_readexactly(s[STREAMS - 1], buf, 2), 2);
	}
	for (int i = 0; i < STREAMS - 1; i++) {
		EXPECT_INT(weft_stream_readexactly(s[i], buf, 5), 5);
		EXPECT_INT(memcmp(buf, "bcdef", 5), 0);
	}
	for (int i = 0; i < STREAMS; i++) {
		weft_stream_close(s[i]);
		close(peers[i]);
	}
	return 0;
}

/* --- taking over a descriptor -------------------------------------------------------------------
 */

IN_TASK(only_a_stream_socket_becomes_a_stream)
{
	weft_stream *s = NULL;
	int fds[2], datagrams[2];

	EXPECT_INT(pipe(fds), 0);
	EXPECT_INT(weft_stream_from_fd(-1, &s), -EBADF);
	EXPECT_INT(weft_stream_from_fd(fds[0], &s), -ENOTSOCK);
	EXPECT_INT(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams), 0);
	EXPECT(weft_stream_from_fd(datagrams[0], &s) < 0);
	EXPECT(s == NULL);
	/* They are the caller's still. */
	EXPECT_INT(close(fds[0]) | close(fds[1]) | close(datagrams[0]) | close(datagrams[1]), 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_returns_what_is_there),
		cmocka_unit_test(a_short_read_leaves_the_rest),
		cmocka_unit_test(a_read_waits_for_the_first_byte),
		cmocka_unit_test(the_end_is_zero_again_and_again),
		cmocka_unit_test(bytes_before_the_end_come_first),
		cmocka_unit_test(zero_bytes_are_bytes),
		cmocka_unit_test(readexactly_collects_pieces),
		cmocka_unit_test(readexactly_of_nothing_does_not_wait),
		cmocka_unit_test(readexactly_says_what_there_was_before_the_end),
		cmocka_unit_test(readexactly_of_megabytes),
		cmocka_unit_test(readuntil_finds_its_separator_at_every_split),
		cmocka_unit_test(a_separator_may_arrive_while_the_call_waits),
		cmocka_unit_test(an_empty_separator_is_refused),
		cmocka_unit_test(readuntil_consumes_nothing_where_the_buffer_is_too_small),
		cmocka_unit_test(nor_where_the_separator_is_not_there_at_all),
		cmocka_unit_test(readline_returns_lines_and_a_last_one_without_its_end),
		cmocka_unit_test(a_line_that_is_too_long_is_dropped),
		cmocka_unit_test(a_second_reader_is_refused),
		cmocka_unit_test(reading_needs_a_task),
		cmocka_unit_test(a_cancelled_read_can_be_repeated),
		cmocka_unit_test(no_byte_is_lost_by_a_cancellation_at_any_moment),
		cmocka_unit_test(a_cancelled_readexactly_puts_back_what_it_had),
		cmocka_unit_test(a_timeout_ends_a_read),
		cmocka_unit_test(closing_the_stream_aborts_a_read_of_another_task),
		cmocka_unit_test(a_reset_by_the_peer_is_an_error_again_and_again),
		cmocka_unit_test(a_cancellation_that_meets_a_reset_is_not_lost),
		cmocka_unit_test(a_peer_that_sends_without_end_is_held_back),
		cmocka_unit_test(streams_that_nobody_reads_do_not_starve_another),
		cmocka_unit_test(only_a_stream_socket_becomes_a_stream),
	};

	return RUN_TESTS(tests);
}
