/* SPDX-License-Identifier: MIT */
/* What happens to text: UTF-8 is recognised, log lines are escaped, slips get a suggestion, the
 * status stays one line. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "status.h"
#include "suggest.h"
#include "utf8.h"

static void utf8_takes_what_the_standard_allows(void **state)
{
	static const struct {
		const char *text;
		size_t bytes;
	} rows[] = {
		{"a", 1},
		{"\xc2\x80", 2},
		{"\xdf\xbf", 2},
		{"\xe0\xa0\x80", 3},
		{"\xed\x9f\xbf", 3},
		{"\xee\x80\x80", 3},
		{"\xf0\x90\x80\x80", 4},
		{"\xf4\x8f\xbf\xbf", 4},
		/* continuation alone, overlong forms, surrogates, beyond U+10FFFF, cut short */
		{"\x80", 0},
		{"\xbf", 0},
		{"\xc0\x80", 0},
		{"\xc1\xbf", 0},
		{"\xe0\x9f\xbf", 0},
		{"\xed\xa0\x80", 0},
		{"\xf0\x8f\xbf\xbf", 0},
		{"\xf4\x90\x80\x80", 0},
		{"\xf5\x80\x80\x80", 0},
		{"\xff", 0},
		{"\xc2", 0},
		{"\xe2\x82", 0},
		{"\xf0\x9f\x98", 0},
		{"\xc2\x41", 0},
		{"\xe2\x82\x41", 0},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(utf8_character(rows[i].text, strlen(rows[i].text)), rows[i].bytes);
}

static void utf8_cuts_between_characters(void **state)
{
	(void)state;
	assert_int_equal(utf8_cut("abc", 5), 3);
	assert_int_equal(utf8_cut("abc", 3), 3);
	assert_int_equal(utf8_cut("abcd", 3), 3);
	assert_int_equal(utf8_cut("ab\xe2\x82\xac", 5), 5);
	assert_int_equal(utf8_cut("ab\xe2\x82\xac", 4), 2);
	assert_int_equal(utf8_cut("ab\xe2\x82\xac", 3), 2);
	assert_int_equal(utf8_cut("\xe2\x82\xac", 2), 0);
}

/* A line in the journal's format. */
static const char *line(const char *plugin, const char *task, int level, const char *text)
{
	static char buf[256];
	struct log_source source = {plugin, task};
	size_t length = log_format(buf, sizeof(buf), NULL, source, level, text);

	assert_true(length < sizeof(buf));
	buf[length] = '\0';
	return buf;
}

static void log_names_priority_plugin_and_task(void **state)
{
	(void)state;
	assert_string_equal(line(NULL, NULL, WEFT_LOG_ERROR, "x"), "<3>x\n");
	assert_string_equal(line("kv", NULL, WEFT_LOG_DEBUG, "x"), "<7>plugin kv: x\n");
	assert_string_equal(line("kv", "c 1", WEFT_LOG_INFO, "x"), "<6>plugin kv, task c 1: x\n");
	assert_string_equal(line(NULL, "c 1", WEFT_LOG_INFO, "x"), "<6>task c 1: x\n");
}

static void log_has_time_and_level_for_people(void **state)
{
	const struct timespec when = {.tv_sec = 86400, .tv_nsec = 7000000};
	char buf[256];
	size_t length;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	length = log_format(
		buf, sizeof(buf), &when, (struct log_source){"kv", NULL}, WEFT_LOG_WARNING, "x");
	buf[length] = '\0';
	assert_string_equal(buf, "1970-01-02 00:00:00.007 warning: plugin kv: x\n");
}

static void log_escapes_what_is_not_printable(void **state)
{
	(void)state;
	assert_string_equal(line(NULL, NULL, 6, "a\nb\tc"), "<6>a\\nb\\tc\n");
	assert_string_equal(line(NULL, NULL, 6, "\x1b[31m\x7f"), "<6>\\x1b[31m\\x7f\n");
	assert_string_equal(line(NULL, NULL, 6, "\xff\xfe"), "<6>\\xff\\xfe\n");
	assert_string_equal(line(NULL, NULL, 6, "\xc2\x9b"), "<6>\\xc2\\x9b\n");
	assert_string_equal(line(NULL, NULL, 6, "gr\xc3\xbc\xc3\x9f"), "<6>gr\xc3\xbc\xc3\x9f\n");
	assert_string_equal(line("a\nb", "c\nd", 6, "x"), "<6>plugin a\\nb, task c\\nd: x\n");
}

/* Whatever is cut, the line has its end, and no escape or character is cut in two. */
static void log_cuts_long_lines_whole(void **state)
{
	static const char *const texts[] = {"aaaaaaaaaaaaaaaa", "\x1b\x1b\x1b\x1b\x1b",
		"\n\n\n\n\n\n\n\n", "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"};
	static const char *const units[] = {"a", "\\x1b", "\\n", "\xe2\x82\xac"};
	char buf[32];

	(void)state;
	for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++) {
		for (size_t bytes = 6; bytes < 16; bytes++) {
			size_t length =
				log_format(buf, bytes, NULL, (struct log_source){0}, 3, texts[t]);
			size_t unit = strlen(units[t]);

			assert_true(length <= bytes);
			assert_int_equal(buf[length - 1], '\n');
			assert_memory_equal(buf, "<3>", 3);
			assert_int_equal((length - 4) % unit, 0);
			for (size_t i = 3; i < length - 1; i += unit)
				assert_memory_equal(buf + i, units[t], unit);
		}
	}
}

static const char *suggested(const char *written)
{
	static const char *const words[] = {
		"listen", "log_level", "stop_timeout", "module", "ring"};
	struct suggest suggest = SUGGEST(written);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		suggest_consider(&suggest, words[i]);
	return suggest.best;
}

static void suggest_finds_slips(void **state)
{
	(void)state;
	assert_string_equal(suggested("lisetn"), "listen");
	assert_string_equal(suggested("isten"), "listen");
	assert_string_equal(suggested("Listen"), "listen");
	assert_string_equal(suggested("loglevel"), "log_level");
	assert_string_equal(suggested("stop-timeout"), "stop_timeout");
	assert_string_equal(suggested("rnig"), "ring");
}

static void suggest_keeps_quiet_where_nothing_is_near(void **state)
{
	char word[200];

	(void)state;
	assert_null(suggested("colour"));
	assert_null(suggested("x"));
	assert_null(suggested(""));
	memset(word, 'l', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(suggested(word));
}

static void status_groups_the_instances(void **state)
{
	struct status_row rows[] = {
		{"a", STATUS_READY, false, ""},
		{"b", STATUS_STARTING, false, ""},
		{"c", STATUS_READY, false, "3 clients"},
		{"d", STATUS_ENDED, true, "no luck"},
		{"e", STATUS_ENDED, false, ""},
		{"f", STATUS_STUCK, true, ""},
	};
	char text[256];

	(void)state;
	status_compose(rows, 6, false, text, sizeof(text));
	assert_string_equal(text, "serving: a, c (3 clients); starting: b; failed: d (no luck); "
				  "did not stop: f; ended: e");
	status_compose(rows, 6, true, text, sizeof(text));
	assert_string_equal(text, "stopping: a, b, c (3 clients); failed: d (no luck); did not "
				  "stop: f; ended: e");
}

static void status_stays_one_line_within_its_bounds(void **state)
{
	struct status_row rows[] = {{"a", STATUS_READY, false, "x\ny\xff\xe2\x82\xac"}};
	char text[256], shorter[256];

	(void)state;
	status_compose(rows, 1, false, text, sizeof(text));
	assert_string_equal(text, "serving: a (x?y?\xe2\x82\xac)");
	for (size_t bytes = 1; bytes <= strlen(text); bytes++) {
		memset(shorter, 'Z', sizeof(shorter));
		status_compose(rows, 1, false, shorter, bytes);
		assert_true(strlen(shorter) < bytes);
		assert_int_equal(shorter[bytes], 'Z');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_takes_what_the_standard_allows),
		cmocka_unit_test(utf8_cuts_between_characters),
		cmocka_unit_test(log_names_priority_plugin_and_task),
		cmocka_unit_test(log_has_time_and_level_for_people),
		cmocka_unit_test(log_escapes_what_is_not_printable),
		cmocka_unit_test(log_cuts_long_lines_whole),
		cmocka_unit_test(suggest_finds_slips),
		cmocka_unit_test(suggest_keeps_quiet_where_nothing_is_near),
		cmocka_unit_test(status_groups_the_instances),
		cmocka_unit_test(status_stays_one_line_within_its_bounds),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
