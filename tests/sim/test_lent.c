/* SPDX-License-Identifier: MIT */

/* The library gives back what the ring lends: however a stream ends, no provided buffer stays with
 * it, and an idle one holds none. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <weft/weft.h>

#include "loop/loop.h"
#include "sim.h"

enum { STREAMS = 40 };

static unsigned lent(void)
{
	return sim_lent(weft_running_loop()->ring);
}

/* Opens streams, reads a part of what comes, and ends them by `end`. */
static int end_unread(void (*end)(weft_stream *stream))
{
	weft_stream *streams[STREAMS];
	int peers[STREAMS];
	char byte;

	for (int i = 0; i < STREAMS; i++) {
		int fds[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ||
			weft_stream_from_fd(fds[0], &streams[i]) < 0)
			return -EMFILE;
		peers[i] = fds[1];
		if (write(peers[i], "abcdefghij", 10) != 10 ||
			weft_stream_read(streams[i], &byte, 1) != 1)
			return -EIO;
	}
	for (int i = 0; i < STREAMS; i++) {
		end(streams[i]);
		close(peers[i]);
	}
	for (int i = 0; lent() > 0 && i < 1000; i++)
		if (weft_sleep(0) < 0)
			return -EIO;
	return (int)lent();
}

static int close_unread(void *unused)
{
	(void)unused;
	return end_unread(weft_stream_close);
}

static int abort_unread(void *unused)
{
	(void)unused;
	return end_unread(weft_stream_abort);
}

static void read_to_the_last_byte(weft_stream *stream)
{
	char rest[16];

	assert_int_equal(weft_stream_readexactly(stream, rest, 9), 9);
	weft_stream_close(stream);
}

static int read_all(void *unused)
{
	(void)unused;
	return end_unread(read_to_the_last_byte);
}

static void run(weft_fn fn)
{
	static const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL, .ring = "sim"};
	char text[16];

	for (int seed = 1; seed <= 20; seed++) {
		snprintf(text, sizeof(text), "%d", seed);
		setenv("WEFT_SEED", text, 1);
		assert_int_equal(weft_run(fn, NULL, &options), 0);
	}
}

static void streams_that_are_closed_unread_give_their_buffers_back(void **state)
{
	(void)state;
	run(close_unread);
}

static void so_do_streams_that_are_aborted(void **state)
{
	(void)state;
	run(abort_unread);
}

static void a_stream_that_has_been_read_holds_none(void **state)
{
	(void)state;
	run(read_all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_that_are_closed_unread_give_their_buffers_back),
		cmocka_unit_test(so_do_streams_that_are_aborted),
		cmocka_unit_test(a_stream_that_has_been_read_holds_none),
	};

	unsetenv("WEFT_RING");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
