/* SPDX-License-Identifier: MIT */
/* kv's replies. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reply.h"

static int open_reply(void **state)
{
	struct reply *reply = calloc(1, sizeof *reply);

	*state = reply;
	return reply_open(reply, 200000);
}

static int close_reply(void **state)
{
	reply_close(*state);
	free(*state);
	return 0;
}

static void assert_written(const struct reply *reply, const char *text)
{
	assert_int_equal(reply->used, strlen(text));
	assert_memory_equal(reply->data, text, strlen(text));
}

static void test_every_kind(void **state)
{
	struct reply *reply = *state;

	reply_begin(reply);
	reply_status(reply, "OK");
	reply_integer(reply, -12);
	reply_integer(reply, 7);
	reply_integer(reply, INT64_MIN);
	reply_bulk(reply, SLICE("a\r\nb"));
	reply_bulk(reply, SLICE(""));
	reply_null(reply);
	reply_array(reply, 12);
	reply_end(reply);
	assert_written(reply, "+OK\r\n:-12\r\n:7\r\n:-9223372036854775808\r\n$4\r\na\r\nb\r\n"
			      "$0\r\n\r\n$-1\r\n*12\r\n");
}

static void test_errors_are_one_line(void **state)
{
	struct reply *reply = *state;
	char text[2000];

	reply_begin(reply);
	reply_error(reply, "ERR a\r\nb %d\r\n", 1);
	reply_end(reply);
	assert_written(reply, "-ERR a  b 1\r\n");

	reply_reset(reply);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	reply_begin(reply);
	reply_error(reply, "ERR %s", text);
	reply_end(reply);
	assert_in_range(reply->used, 300, 600);
	assert_memory_equal(reply->data + reply->used - 3, "x\r\n", 3);
}

static void test_an_array_of_what_came_before(void **state)
{
	struct reply *reply = *state;

	reply_begin(reply);
	reply_status(reply, "FIRST");
	const size_t from = reply->used;
	reply_bulk(reply, SLICE("a"));
	reply_bulk(reply, SLICE("b"));
	reply_array_before(reply, from, 2);
	reply_end(reply);
	assert_written(reply, "+FIRST\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
}

static void test_a_reply_over_the_limit_is_an_error(void **state)
{
	struct reply *reply = *state;
	char *big = calloc(1, 150000);

	reply_begin(reply);
	reply_status(reply, "OK");
	reply_end(reply);
	reply_begin(reply);
	reply_array(reply, 3);
	reply_bulk(reply, (struct slice){big, 150000});
	reply_bulk(reply, (struct slice){big, 150000});
	reply_bulk(reply, SLICE("a"));
	reply_end(reply);
	reply_begin(reply);
	reply_integer(reply, 1);
	reply_end(reply);
	assert_written(reply, "+OK\r\n-ERR the reply exceeds the limit max_request\r\n:1\r\n");
	free(big);
}

static void test_a_reply_can_fail_at_last(void **state)
{
	struct reply *reply = *state;

	reply_begin(reply);
	reply_bulk(reply, SLICE("old value"));
	reply_fail(reply, "OOM no memory");
	reply_status(reply, "OK");
	reply_end(reply);
	assert_written(reply, "-OOM no memory\r\n");
}

static void test_replies_of_many_sizes(void **state)
{
	struct reply *reply = *state;
	char *big = malloc(199000);
	size_t expected = 0;

	memset(big, 'x', 199000);
	for (size_t n = 1; n < 199000; n = n * 3 / 2 + 1) {
		reply_begin(reply);
		reply_bulk(reply, (struct slice){big, n});
		reply_end(reply);
		expected +=
			n + 6 + (n >= 10) + (n >= 100) + (n >= 1000) + (n >= 10000) + (n >= 100000);
		assert_int_equal(reply->used, expected);
		assert_memory_equal(reply->data + expected - 3, "x\r\n", 3);
	}
	reply_reset(reply);
	assert_int_equal(reply->used, 0);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_kind, open_reply, close_reply),
		cmocka_unit_test_setup_teardown(test_errors_are_one_line, open_reply, close_reply),
		cmocka_unit_test_setup_teardown(
			test_an_array_of_what_came_before, open_reply, close_reply),
		cmocka_unit_test_setup_teardown(
			test_a_reply_over_the_limit_is_an_error, open_reply, close_reply),
		cmocka_unit_test_setup_teardown(
			test_a_reply_can_fail_at_last, open_reply, close_reply),
		cmocka_unit_test_setup_teardown(
			test_replies_of_many_sizes, open_reply, close_reply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
