/* SPDX-License-Identifier: MIT */
/* Numbers with units: what is read, and that what is written is read back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <weft/base.h>

#include "units.h"

typedef int parser(const char *text, int64_t *ret_number, const char **ret_problem);

struct row {
	parser *parse;
	const char *text;
	int r;
	int64_t number;
};

static const struct row rows[] = {
	{units_parse_int, "0", 0, 0},
	{units_parse_int, "-1", 0, -1},
	{units_parse_int, "007", 0, 7},
	{units_parse_int, "9223372036854775807", 0, INT64_MAX},
	{units_parse_int, "9223372036854775808", -ERANGE, 0},
	{units_parse_int, "99999999999999999999999999", -ERANGE, 0},
	{units_parse_int, "", -EINVAL, 0},
	{units_parse_int, "-", -EINVAL, 0},
	{units_parse_int, "--1", -EINVAL, 0},
	{units_parse_int, "+1", -EINVAL, 0},
	{units_parse_int, "0x10", -EINVAL, 0},
	{units_parse_int, "1 ", -EINVAL, 0},
	{units_parse_int, " 1", -EINVAL, 0},
	{units_parse_bool, "yes", 0, 1},
	{units_parse_bool, "true", 0, 1},
	{units_parse_bool, "on", 0, 1},
	{units_parse_bool, "1", 0, 1},
	{units_parse_bool, "no", 0, 0},
	{units_parse_bool, "false", 0, 0},
	{units_parse_bool, "off", 0, 0},
	{units_parse_bool, "0", 0, 0},
	{units_parse_bool, "Yes", -EINVAL, 0},
	{units_parse_bool, "", -EINVAL, 0},
	{units_parse_bool, "2", -EINVAL, 0},
	{units_parse_size, "0", 0, 0},
	{units_parse_size, "4096", 0, 4096},
	{units_parse_size, "64K", 0, 65536},
	{units_parse_size, "16M", 0, 16 << 20},
	{units_parse_size, "1G", 0, 1 << 30},
	{units_parse_size, "8589934591G", 0, INT64_C(8589934591) << 30},
	{units_parse_size, "8589934592G", -ERANGE, 0},
	{units_parse_size, "1T", -EINVAL, 0},
	{units_parse_size, "1k", -EINVAL, 0},
	{units_parse_size, "1 K", -EINVAL, 0},
	{units_parse_size, "1.5K", -EINVAL, 0},
	{units_parse_size, "K", -EINVAL, 0},
	{units_parse_size, "-1K", -EINVAL, 0},
	{units_parse_duration, "100us", 0, 100000},
	{units_parse_duration, "250ms", 0, 250000000},
	{units_parse_duration, "10s", 0, INT64_C(10000000000)},
	{units_parse_duration, "5min", 0, INT64_C(300000000000)},
	{units_parse_duration, "2h", 0, INT64_C(7200000000000)},
	{units_parse_duration, "1d", 0, INT64_C(86400000000000)},
	{units_parse_duration, "0s", 0, 0},
	{units_parse_duration, "never", 0, WEFT_NEVER},
	{units_parse_duration, "106751d", 0, INT64_C(106751) * 86400 * 1000000000},
	{units_parse_duration, "106752d", -ERANGE, 0},
	{units_parse_duration, "10", -EINVAL, 0},
	{units_parse_duration, "10ns", -EINVAL, 0},
	{units_parse_duration, "10 s", -EINVAL, 0},
	{units_parse_duration, "1min30s", -EINVAL, 0},
	{units_parse_duration, "1,5s", -EINVAL, 0},
	{units_parse_duration, "s", -EINVAL, 0},
	{units_parse_duration, "Never", -EINVAL, 0},
};

static void parses_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *problem = NULL;
		int64_t number = -77;
		int r = rows[i].parse(rows[i].text, &number, &problem);

		print_message("# '%s'\n", rows[i].text);
		assert_int_equal(r, rows[i].r);
		assert_true(number == (r < 0 ? -77 : rows[i].number));
		assert_true((problem != NULL) == (r < 0));
	}
}

static void formats_in_the_largest_exact_unit(void **state)
{
	char text[UNITS_TEXT_BYTES];

	(void)state;
	assert_string_equal(units_format_size(0, text), "0");
	assert_string_equal(units_format_size(1023, text), "1023");
	assert_string_equal(units_format_size(1024, text), "1K");
	assert_string_equal(units_format_size(1536 << 10, text), "1536K");
	assert_string_equal(units_format_size(INT64_C(3) << 30, text), "3G");
	assert_string_equal(units_format_duration(0, text), "0s");
	assert_string_equal(units_format_duration(WEFT_US(1500), text), "1500us");
	assert_string_equal(units_format_duration(WEFT_MS(90000), text), "90s");
	assert_string_equal(units_format_duration(WEFT_S(3600 * 48), text), "2d");
	assert_string_equal(units_format_duration(WEFT_NEVER, text), "never");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_numbers),
		cmocka_unit_test(formats_in_the_largest_exact_unit),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
