/* SPDX-License-Identifier: MIT */
/* kv's table: keys and values, growth, deadlines on a virtual clock, memory that runs out. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <weft/task.h>

#include "store.h"

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);

/* How many allocations succeed before one fails; < 0: all. */
static int until_failure = -1;

static bool fails(void)
{
	return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return fails() ? NULL : __real_calloc(n, bytes);
}

static struct store store;

static struct slice of(const char *text)
{
	return (struct slice){text, strlen(text)};
}

static bool has(const char *key, const char *value)
{
	const struct entry *entry = store_find(&store, of(key));

	return entry && entry->value_bytes == strlen(value) &&
	       memcmp(entry_value(entry).data, value, strlen(value)) == 0;
}

static int put(const char *key, const char *value, int64_t deadline)
{
	return store_set(&store, of(key), of(value), deadline);
}

/* --- the tests run as the first task of a loop whose clock jumps ----------------------------- */

static int values(void *arg)
{
	(void)arg;
	assert_null(store_find(&store, of("a")));
	assert_int_equal(put("a", "1", STORE_NEVER), 0);
	assert_int_equal(put("", "", STORE_NEVER), 0);
	assert_int_equal(put("a", "a longer value that needs other memory by far", STORE_NEVER), 0);
	assert_true(has("a", "a longer value that needs other memory by far"));
	assert_true(has("", ""));
	assert_int_equal(put("a", "2", STORE_NEVER), 0);
	assert_true(has("a", "2"));
	assert_int_equal(store.keys, 2);
	assert_true(store_delete(&store, of("a")));
	assert_false(store_delete(&store, of("a")));
	assert_null(store_find(&store, of("a")));
	assert_true(has("", ""));
	return 0;
}

static int growth(void *arg)
{
	enum { N = 50000 };
	const size_t empty = store.bytes;
	char key[16];
	size_t seen = 0;

	(void)arg;
	for (int i = 0; i < N; i++) {
		sprintf(key, "key:%d", i);
		assert_int_equal(put(key, key, STORE_NEVER), 0);
	}
	assert_int_equal(store.keys, N);
	assert_in_range(store.buckets, N / 2, N + 1);
	for (int i = 0; i < N; i++) {
		sprintf(key, "key:%d", i);
		assert_true(has(key, key));
	}
	for (struct entry *e = NULL; (e = store_next(&store, e));)
		seen++;
	assert_int_equal(seen, N);

	for (int i = 0; i < N; i++) {
		sprintf(key, "key:%d", i);
		assert_true(store_delete(&store, of(key)));
		sprintf(key, "key:%d", N - 1);
		assert_int_equal(store_find(&store, of(key)) != NULL, i < N - 1);
	}
	assert_int_equal(store.keys, 0);
	assert_in_range(store.buckets, 1, 16);
	assert_int_equal(store.bytes, empty);
	return 0;
}

static int deadlines(void *arg)
{
	const int64_t start = store_now(&store);
	int r;

	(void)arg;
	assert_int_equal(put("a", "1", start + 1000), 0);
	assert_int_equal(put("b", "1", start + 2000), 0);
	assert_int_equal(put("c", "1", STORE_NEVER), 0);
	assert_int_equal(store.deadlines, 2);
	r = weft_sleep(WEFT_MS(1000));
	assert_int_equal(r, 0);
	assert_true(has("a", "1"));
	r = weft_sleep(WEFT_MS(2));
	assert_int_equal(r, 0);
	/* Gone by itself, not because it was asked for. */
	assert_int_equal(store.keys, 2);
	assert_int_equal(store.expired, 1);
	assert_null(store_find(&store, of("a")));
	r = weft_sleep(WEFT_S(3600));
	assert_int_equal(r, 0);
	assert_int_equal(store.keys, 1);
	assert_int_equal(store.deadlines, 0);
	assert_true(has("c", "1"));
	return 0;
}

static int deadlines_change(void *arg)
{
	const int64_t start = store_now(&store);
	int r;

	(void)arg;
	/* Another value in other memory keeps the deadline where it is told to. */
	assert_int_equal(put("keep", "1", start + 1000), 0);
	assert_int_equal(
		put("keep", "a value that is far too long for the memory of the first", STORE_KEEP),
		0);
	assert_int_equal(entry_deadline(store_find(&store, of("keep"))), start + 1000);
	assert_int_equal(put("drop", "1", start + 1000), 0);
	assert_int_equal(put("drop", "2", STORE_NEVER), 0);
	assert_int_equal(put("persist", "1", start + 1000), 0);
	assert_true(store_clear_deadline(&store, store_find(&store, of("persist"))));
	assert_false(store_clear_deadline(&store, store_find(&store, of("persist"))));
	assert_int_equal(put("later", "1", start + 1000), 0);
	assert_int_equal(
		store_set_deadline(&store, store_find(&store, of("later")), start + 5000), 0);
	assert_int_equal(put("sooner", "1", start + 5000), 0);
	assert_int_equal(
		store_set_deadline(&store, store_find(&store, of("sooner")), start + 1000), 0);
	assert_int_equal(put("deleted", "1", start + 1000), 0);
	assert_true(store_delete(&store, of("deleted")));

	r = weft_sleep(WEFT_MS(2000));
	assert_int_equal(r, 0);
	assert_null(store_find(&store, of("keep")));
	assert_true(has("drop", "2"));
	assert_true(has("persist", "1"));
	assert_true(has("later", "1"));
	assert_null(store_find(&store, of("sooner")));
	assert_int_equal(store.expired, 2);
	r = weft_sleep(WEFT_MS(4000));
	assert_int_equal(r, 0);
	assert_null(store_find(&store, of("later")));
	return 0;
}

static int deadline_that_has_passed(void *arg)
{
	(void)arg;
	/* The timer has not had its turn yet; the key is gone all the same. */
	assert_int_equal(put("a", "1", store_now(&store) - 1), 0);
	assert_int_equal(put("b", "1", INT64_MIN + 1), 0);
	assert_null(store_next(&store, NULL));
	assert_null(store_find(&store, of("a")));
	assert_false(store_delete(&store, of("b")));
	assert_int_equal(store.keys, 0);
	return 0;
}

static int deadline_beyond_the_clock(void *arg)
{
	int r;

	(void)arg;
	assert_int_equal(put("a", "1", INT64_MAX - 1), 0);
	r = weft_sleep(WEFT_S(1000000));
	assert_int_equal(r, 0);
	assert_true(has("a", "1"));
	assert_int_equal(entry_deadline(store_find(&store, of("a"))), INT64_MAX - 1);
	return 0;
}

static int clearing(void *arg)
{
	const size_t empty = store.bytes;
	char key[16];
	int r;

	(void)arg;
	for (int i = 0; i < 1000; i++) {
		sprintf(key, "%d", i);
		assert_int_equal(put(key, key, i % 2 ? store_now(&store) + i : STORE_NEVER), 0);
	}
	store_clear(&store);
	assert_int_equal(store.keys, 0);
	assert_int_equal(store.deadlines, 0);
	assert_int_equal(store.bytes, empty);
	assert_null(store_next(&store, NULL));
	r = weft_sleep(WEFT_S(2));
	assert_int_equal(r, 0);
	assert_int_equal(put("a", "1", STORE_NEVER), 0);
	assert_true(has("a", "1"));
	return 0;
}

static int memory_runs_out(void *arg)
{
	const int64_t deadline = store_now(&store) + 1000;
	int n, r = -ENOMEM;

	(void)arg;
	for (n = 0; r == -ENOMEM; n++) {
		until_failure = n;
		r = put("new", "1", deadline);
		until_failure = -1;
		if (r == -ENOMEM)
			assert_int_equal(store.keys, 0);
	}
	assert_int_equal(r, 0);
	assert_int_equal(n, 3); /* the deadline, the entry */
	assert_true(has("new", "1"));

	until_failure = 0;
	assert_int_equal(put("new",
				 "a value that is far too long for the memory of the first "
				 "and needs other memory",
				 STORE_NEVER),
		-ENOMEM);
	until_failure = -1;
	assert_true(has("new", "1"));
	assert_int_equal(entry_deadline(store_find(&store, of("new"))), deadline);

	/* Without memory for more buckets the chains grow. */
	for (int i = 0; i < 200; i++) {
		char key[16];

		sprintf(key, "%d", i);
		until_failure = 1;
		assert_int_equal(put(key, key, STORE_NEVER), 0);
		until_failure = -1;
		assert_true(has(key, key));
	}
	assert_int_equal(store.buckets, 16);
	return 0;
}

static int with_store(void *arg)
{
	const weft_fn *body = arg;
	int r = store_open(&store, weft_running_loop());

	if (r < 0)
		return r;
	r = (*body)(NULL);
	store_close(&store);
	return r;
}

static void run(weft_fn body)
{
	const struct weft_options options = {
		.clock = WEFT_CLOCK_VIRTUAL, .stack_bytes = 256 * 1024, .keep_sigint = true};
	int r = weft_run(with_store, &body, &options);

	if (r == -EPERM || r == -ENOSYS) {
		print_message("no loop here: %s\n", weft_loop_open_error());
		skip();
	}
	assert_int_equal(r, 0);
}

#define TEST(name)                            \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		run(name);                    \
	}

TEST(values)
TEST(growth)
TEST(deadlines)
TEST(deadlines_change)
TEST(deadline_that_has_passed)
TEST(deadline_beyond_the_clock)
TEST(clearing)
TEST(memory_runs_out)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_deadlines_change),
		cmocka_unit_test(test_deadline_that_has_passed),
		cmocka_unit_test(test_deadline_beyond_the_clock),
		cmocka_unit_test(test_clearing),
		cmocka_unit_test(test_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
