/* SPDX-License-Identifier: MIT */
/* Numbers with units. A number is digits, then at once its unit: no fractions and no sums, so that
 * every value has one obvious spelling. */

#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <weft/base.h>

struct unit {
	const char *word;
	int64_t factor;
};

static const struct unit sizes[] = {
	{"", 1},
	{"K", INT64_C(1) << 10},
	{"M", INT64_C(1) << 20},
	{"G", INT64_C(1) << 30},
	{NULL, 0},
};

static const struct unit durations[] = {
	{"us", WEFT_US(1)},
	{"ms", WEFT_MS(1)},
	{"s", WEFT_S(1)},
	{"min", WEFT_S(60)},
	{"h", WEFT_S(3600)},
	{"d", WEFT_S(86400)},
	{NULL, 0},
};

static int refuse(int code, const char *problem, const char **ret_problem)
{
	*ret_problem = problem;
	return code;
}

/* Takes the digits at `*text` and moves it behind them. -EINVAL: there are none. */
static int take_digits(const char **text, int64_t *ret_number)
{
	int64_t number = 0;
	bool overflow = false;
	const char *s = *text;

	if (*s < '0' || *s > '9')
		return -EINVAL;

	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, *s - '0', &number))
			overflow = true;
	*text = s;
	if (overflow)
		return -ERANGE;

	*ret_number = number;
	return 0;
}

int units_parse_int(const char *text, int64_t *ret_number, const char **ret_problem)
{
	static const char malformed[] = "not a number: write decimal digits, as in 1024";
	bool negative = *text == '-';
	int64_t number = 0;
	int r;

	text += negative;
	r = take_digits(&text, &number);
	if (r == -EINVAL || *text)
		return refuse(-EINVAL, malformed, ret_problem);
	if (r < 0)
		return refuse(r, "too large a number: 64 bits hold it no more", ret_problem);

	*ret_number = negative ? -number : number;
	return 0;
}

int units_parse_bool(const char *text, int64_t *ret_number, const char **ret_problem)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(text, words[i]) == 0) {
			*ret_number = i % 2;
			return 0;
		}
	}
	return refuse(-EINVAL, "neither yes nor no: write yes, no, true, false, on, off, 1 or 0",
		ret_problem);
}

/* The messages for what can be wrong with a number and its unit. */
struct unit_problems {
	const char *malformed, *fraction, *unit_missing, *unit_unknown, *overflow;
};

static int parse(const char *text, const struct unit *units, const struct unit_problems *problems,
	int64_t *ret_number, const char **ret_problem)
{
	int64_t number = 0;
	int r;

	r = take_digits(&text, &number);
	if (r == -EINVAL)
		return refuse(r, problems->malformed, ret_problem);
	if (r < 0)
		return refuse(r, problems->overflow, ret_problem);
	if (*text == '.' || *text == ',')
		return refuse(-EINVAL, problems->fraction, ret_problem);

	while (units->word && strcmp(units->word, text) != 0)
		units++;
	if (!units->word)
		return refuse(-EINVAL, *text ? problems->unit_unknown : problems->unit_missing,
			ret_problem);
	if (__builtin_mul_overflow(number, units->factor, &number))
		return refuse(-ERANGE, problems->overflow, ret_problem);

	*ret_number = number;
	return 0;
}

int units_parse_size(const char *text, int64_t *ret_bytes, const char **ret_problem)
{
	static const struct unit_problems problems = {
		.malformed = "not a size: write bytes, as in 4096, or with K, M or G, as in 64K",
		.fraction = "not a whole number: use the next smaller unit, as in 1536K for 1.5M",
		.unit_unknown =
			"not a unit of size: write K, M or G (powers of 1024), or nothing for "
			"bytes",
		.overflow = "too large a size: 64 bits hold it no more",
	};

	return parse(text, sizes, &problems, ret_bytes, ret_problem);
}

int units_parse_duration(const char *text, int64_t *ret_ns, const char **ret_problem)
{
	static const struct unit_problems problems = {
		.malformed = "not a duration: write a number and its unit, as in 250ms or 10s, or "
			     "never",
		.fraction = "not a whole number: use the next smaller unit, as in 1500ms for 1.5s",
		.unit_missing = "a duration needs its unit: us, ms, s, min, h or d, as in 10s",
		.unit_unknown = "not a unit of time: write us, ms, s, min, h or d, as in 10s",
		.overflow = "too long a duration: write never for no limit",
	};

	if (strcmp(text, "never") == 0) {
		*ret_ns = WEFT_NEVER;
		return 0;
	}
	return parse(text, durations, &problems, ret_ns, ret_problem);
}

static const char *format(int64_t number, const struct unit *units, char *text)
{
	const struct unit *best = units;

	for (; units->word; units++)
		if (number % units->factor == 0)
			best = units;
	snprintf(text, UNITS_TEXT_BYTES, "%" PRId64 "%s", number / best->factor, best->word);
	return text;
}

const char *units_format_size(int64_t size_bytes, char text[UNITS_TEXT_BYTES])
{
	return size_bytes == 0 ? "0" : format(size_bytes, sizes, text);
}

const char *units_format_duration(int64_t duration_ns, char text[UNITS_TEXT_BYTES])
{
	if (duration_ns == WEFT_NEVER)
		return "never";
	return duration_ns == 0 ? "0s" : format(duration_ns, durations, text);
}
