/* SPDX-License-Identifier: MIT */
/* Words, integers, patterns and the hash of kv. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hash.h"
#include "text.h"

static struct slice of(const char *text)
{
	return (struct slice){text, strlen(text)};
}

static void test_words_match_in_any_case(void **state)
{
	(void)state;
	assert_true(slice_is(of("keepttl"), "keepttl"));
	assert_true(slice_is(of("KeepTTL"), "keepttl"));
	assert_false(slice_is(of("keep"), "keepttl"));
	assert_false(slice_is(of("keepttls"), "keepttl"));
	assert_false(slice_is(SLICE("get\0x"), "get"));
	assert_true(slice_is(of(""), ""));
}

static void test_integers_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = {{"0", 0}, {"1", 1}, {"-1", -1}, {"10", 10}, {"9223372036854775807", INT64_MAX},
		{"-9223372036854775808", INT64_MIN}, {"1000000000000000000", 1000000000000000000}};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		int64_t value = 42;

		assert_true(slice_integer(of(good[i].text), &value));
		assert_int_equal(value, good[i].value);
	}
}

static void test_what_is_no_integer_is_refused(void **state)
{
	static const char *const bad[] = {"", "-", "+1", "01", "-0", "00", " 1", "1 ", "1a", "a",
		"0x1", "1.0", "--1", "9223372036854775808", "-9223372036854775809",
		"18446744073709551616", "99999999999999999999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t value = 42;

		if (slice_integer(of(bad[i]), &value))
			fail_msg("'%s' is taken for %lld", bad[i], (long long)value);
		assert_int_equal(value, 42);
	}
}

static void test_integers_are_written_as_they_are_read(void **state)
{
	static const int64_t values[] = {
		0, 7, -7, 10, 99, 100, 12345678901, INT64_MAX, INT64_MIN, INT64_MIN + 1};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		char buf[INTEGER_BYTES];
		int64_t back = 42;
		const size_t n = integer_format(values[i], buf);

		assert_true(n <= sizeof buf);
		assert_true(slice_integer((struct slice){buf, n}, &back));
		assert_int_equal(back, values[i]);
	}
}

static void test_patterns_match(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} cases[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "abc", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"*b*", "abc", true},
		{"a*c*", "abcabc", true},
		{"*ab", "aab", true},
		{"a**c", "ac", true},
		{"*x*", "abc", false},
		{"?", "a", true},
		{"?", "", false},
		{"??", "a", false},
		{"a?c", "abc", true},
		{"[abc]", "b", true},
		{"[abc]", "d", false},
		{"[^abc]", "d", true},
		{"[^abc]", "a", false},
		{"[a-c]", "b", true},
		{"[c-a]", "b", true},
		{"[a-c]", "d", false},
		{"[a-c", "b", true},
		{"[", "[", false},
		{"[]", "]", false},
		{"[^]", "a", true},
		{"[\\]]", "]", true},
		{"[\\-z]", "-", true},
		{"[a-]", "-", false},
		{"[a-]", "_", true},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"\\a", "a", true},
		{"\\", "\\", true},
		{"a\\", "a\\", true},
		{"*\\", "b\\", true},
		{"*[ab]c", "xbc", true},
		{"*[ab]c", "xdc", false},
		{"h*llo*d", "hello world", true},
		{"A", "a", false},
		{"abc", "abcd", false},
		{"abcd", "abc", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (slice_glob(of(cases[i].pattern), of(cases[i].text)) != cases[i].match)
			fail_msg("'%s' and '%s': not %d", cases[i].pattern, cases[i].text,
				cases[i].match);
	}
}

/* With a step for every way to share the text out among the stars this would not end. */
static void test_hostile_patterns_end(void **state)
{
	char pattern[201], text[20000];

	(void)state;
	for (size_t i = 0; i < 200; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[200] = 'b';
	memset(text, 'a', sizeof text);
	assert_false(slice_glob(
		(struct slice){pattern, sizeof pattern}, (struct slice){text, sizeof text}));
}

/* Vectors from CPython 3.11, which hashes bytes with SipHash-1-3: PYTHONHASHSEED=0 is this secret.
 */
static void test_hash_is_siphash_1_3(void **state)
{
	static const uint64_t secret[2];
	char many[63];

	(void)state;
	memset(many, 'x', sizeof many);
	assert_true(hash_bytes("a", 1, secret) == UINT64_C(0x407448d2b89b1813));
	assert_true(hash_bytes("key", 3, secret) == UINT64_C(0xdf61b30b684217c0));
	assert_true(hash_bytes("12345678", 8, secret) == UINT64_C(0x3489982430560a87));
	assert_true(hash_bytes("key:000000000001", 16, secret) == UINT64_C(0x789c96b712070d0a));
	assert_true(hash_bytes(many, sizeof many, secret) == UINT64_C(0x1c308a9f11b6a742));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_match_in_any_case),
		cmocka_unit_test(test_integers_are_read),
		cmocka_unit_test(test_what_is_no_integer_is_refused),
		cmocka_unit_test(test_integers_are_written_as_they_are_read),
		cmocka_unit_test(test_patterns_match),
		cmocka_unit_test(test_hostile_patterns_end),
		cmocka_unit_test(test_hash_is_siphash_1_3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
