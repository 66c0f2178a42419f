/* SPDX-License-Identifier: MIT */
/* kv's parser of requests: whole, in pieces, malformed, too big. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "request.h"

static const struct request fresh = {.max_bulk = 1000, .max_bytes = 100000};

/* Parses a copy of the text that has nothing behind it, for ASan and Valgrind to see. */
struct parsed {
	struct request request;
	char *data;
	ssize_t r;
};

static void parse_bytes(struct parsed *p, const char *text, size_t bytes)
{
	p->request = fresh;
	p->data = malloc(bytes + !bytes);
	memcpy(p->data, text, bytes);
	p->r = request_parse(&p->request, p->data, bytes);
}

static void parse(struct parsed *p, const char *text)
{
	parse_bytes(p, text, strlen(text));
}

static void done(struct parsed *p)
{
	request_done(&p->request);
	free(p->data);
}

static void assert_arg(const struct request *request, size_t i, const char *text)
{
	assert_true(i < request->n_args);
	assert_int_equal(request->args[i].bytes, strlen(text));
	assert_memory_equal(request->args[i].data, text, strlen(text));
}

static void test_array_of_bulks(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\na\r\nbc\r\nmore");
	assert_int_equal(p.r, 30);
	assert_int_equal(p.request.n_args, 3);
	assert_arg(&p.request, 0, "SET");
	assert_arg(&p.request, 1, "");
	assert_arg(&p.request, 2, "a\r\nbc");
	done(&p);
}

static void test_empty_requests_have_no_arguments(void **state)
{
	static const char *const empty[] = {"*0\r\n", "*-1\r\n", "\r\n", "\n", "  \t \r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
		struct parsed p;

		parse(&p, empty[i]);
		assert_int_equal(p.r, strlen(empty[i]));
		assert_int_equal(p.request.n_args, 0);
		done(&p);
	}
}

static void test_inline_words(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "  SET\ta  \"x \\x41\\n\\\"\" 'it\\'s' b\"c d\"\r\nPING\r\n");
	assert_int_equal(p.request.n_args, 5);
	assert_arg(&p.request, 0, "SET");
	assert_arg(&p.request, 1, "a");
	assert_arg(&p.request, 2, "x A\n\"");
	assert_arg(&p.request, 3, "it's");
	assert_arg(&p.request, 4, "bc d");
	done(&p);
}

static void test_requests_that_make_no_sense(void **state)
{
	static const struct {
		const char *text, *problem;
	} cases[] = {
		{"*x\r\n", "invalid multibulk length"},
		{"*\r\n", "invalid multibulk length"},
		{"*2147483648\r\n", "invalid multibulk length"},
		{"*1\r\nPING\r\n", "expected '$', got 'P'"},
		{"*1\r\n\r\n1\r\n", "expected '$', got '\r'"},
		{"*1\r\n$x\r\n", "invalid bulk length"},
		{"*1\r\n$-1\r\n", "invalid bulk length"},
		{"*1\r\n$1001\r\n", "invalid bulk length"},
		{"a \"b\r\n", "unbalanced quotes in request"},
		{"a 'b\r\n", "unbalanced quotes in request"},
		{"a \"b\"c\r\n", "unbalanced quotes in request"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct parsed p;

		parse(&p, cases[i].text);
		assert_int_equal(p.r, -EPROTO);
		assert_string_equal(p.request.problem, cases[i].problem);
		done(&p);
	}
}

static void test_lines_are_bounded(void **state)
{
	static const struct {
		const char *start, *problem;
	} cases[] = {
		{"*1", "too big mbulk count string"},
		{"*1\r\n$1", "too big bulk count string"},
		{"GET a", "too big inline request"},
	};
	char *text = malloc(REQUEST_LINE_BYTES + 100);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		memset(text, '1', REQUEST_LINE_BYTES + 100);
		memcpy(text, cases[i].start, strlen(cases[i].start));

		struct parsed p;

		parse_bytes(&p, text, REQUEST_LINE_BYTES);
		assert_int_equal(p.r, 0);
		done(&p);
		parse_bytes(&p, text, REQUEST_LINE_BYTES + 100);
		assert_int_equal(p.r, -EPROTO);
		assert_string_equal(p.request.problem, cases[i].problem);
		done(&p);
	}
	free(text);
}

static void test_a_request_is_bounded(void **state)
{
	struct request request = {.max_bulk = 1000, .max_bytes = 100};
	char enough[] = "*2\r\n$50\r\n", more[200] = "*9\r\n$1\r\na\r\n$99\r\n", many[101] = "";

	(void)state;
	assert_int_equal(request_parse(&request, enough, strlen(enough)), 0);
	request_done(&request);
	/* Refused when it is announced, not when it has come. */
	assert_int_equal(request_parse(&request, more, strlen(more)), -EPROTO);
	assert_string_equal(request.problem, "too big request");
	request_done(&request);
	for (size_t i = 0; i + 6 <= sizeof many; i += 6)
		memcpy(many + i, i == 0 ? "*999\r\n" : "$0\r\n\r\n", 6);
	assert_int_equal(request_parse(&request, many, 60), 0);
	assert_int_equal(request_parse(&request, many, 100), -EPROTO);
	request_done(&request);
}

/* The same bytes, once whole and once cut at `at`, in memory that moves in between. */
static void parse_cut(const char *text, size_t bytes, size_t at)
{
	struct parsed whole;
	struct request request = fresh;
	char *first = malloc(at + 1), *all = malloc(bytes);
	ssize_t r;

	parse_bytes(&whole, text, bytes);
	memcpy(first, text, at);
	r = request_parse(&request, first, at);
	memcpy(all, text, bytes);
	free(first);
	if (r == 0)
		r = request_parse(&request, all, bytes);
	assert_int_equal(r, whole.r);
	if (r > 0 && (size_t)r > at) {
		assert_int_equal(request.n_args, whole.request.n_args);
		for (size_t i = 0; i < request.n_args; i++) {
			assert_int_equal(request.args[i].bytes, whole.request.args[i].bytes);
			assert_memory_equal(request.args[i].data, whole.request.args[i].data,
				request.args[i].bytes);
		}
	}
	request_done(&request);
	free(all);
	done(&whole);
}

static void test_cuts_make_no_difference(void **state)
{
	static const char *const texts[] = {
		"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$12\r\nhello\r\nworld\r\n",
		"*1\r\n$4\r\nPING\r\n",
		"set \"a b\" 'c'\r\n",
		"*12\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n$"
		"1\r\n7\r\n"
		"$1\r\n8\r\n$1\r\n9\r\n$2\r\n10\r\n$2\r\n11\r\n$2\r\n12\r\n",
		"*2\r\n$1\r\na\r\n$x\r\n",
		"*1\r\n:4\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		for (size_t at = 0; at <= strlen(texts[i]); at++)
			parse_cut(texts[i], strlen(texts[i]), at);
	}
}

static void test_many_arguments(void **state)
{
	enum { N = 10000 };
	char *text = malloc(20 + N * 16), *end = text + sprintf(text, "*%d\r\n", N);

	(void)state;
	for (int i = 0; i < N; i++)
		end += sprintf(end, "$5\r\n%05d\r\n", i);

	struct request request = {.max_bulk = 1000, .max_bytes = 1000000};
	assert_int_equal(request_parse(&request, text, (size_t)(end - text)), end - text);
	assert_int_equal(request.n_args, N);
	assert_arg(&request, 0, "00000");
	assert_arg(&request, 8, "00008");
	assert_arg(&request, N - 1, "09999");
	request_done(&request);
	free(text);
}

static void test_one_after_the_other(void **state)
{
	char text[] = "*1\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\nd e\r\n";
	struct request request = fresh;
	size_t at = 0;

	(void)state;
	at += (size_t)request_parse(&request, text + at, sizeof text - 1 - at);
	assert_int_equal(request.n_args, 1);
	at += (size_t)request_parse(&request, text + at, sizeof text - 1 - at);
	assert_int_equal(request.n_args, 2);
	assert_arg(&request, 1, "c");
	at += (size_t)request_parse(&request, text + at, sizeof text - 1 - at);
	assert_arg(&request, 1, "e");
	assert_int_equal(at, sizeof text - 1);
	assert_int_equal(request_parse(&request, text + at, 0), 0);
	request_done(&request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_array_of_bulks),
		cmocka_unit_test(test_empty_requests_have_no_arguments),
		cmocka_unit_test(test_inline_words),
		cmocka_unit_test(test_requests_that_make_no_sense),
		cmocka_unit_test(test_lines_are_bounded),
		cmocka_unit_test(test_a_request_is_bounded),
		cmocka_unit_test(test_cuts_make_no_difference),
		cmocka_unit_test(test_many_arguments),
		cmocka_unit_test(test_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
