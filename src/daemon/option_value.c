/* SPDX-License-Identifier: MIT */
/* Values against declarations. The same check serves the values of the ini file and the defaults
 * that a plugin declares. */

#include "option_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <weft/server.h>

#include "units.h"

struct problem {
	char *text;
	size_t bytes;
};

__attribute__((__format__(__printf__, 2, 3))) static int refuse(
	const struct problem *problem, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(problem->text, problem->bytes, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* The index of `text` among "lines|raw", or -1. */
static int64_t find_choice(const char *choices, const char *text)
{
	size_t wanted = strlen(text), length;

	for (int64_t i = 0;; i++) {
		length = strcspn(choices, "|");
		if (length == wanted && strncmp(choices, text, length) == 0)
			return i;
		if (!choices[length])
			return -1;
		choices += length + 1;
	}
}

static int parse_choice(const struct weft_option *option, const char *text, int64_t *ret_number,
	const struct problem *problem)
{
	int64_t index = find_choice(option->choices, text);

	if (index < 0)
		return refuse(problem, "not among its choices: write one of %s", option->choices);
	*ret_number = index;
	return 0;
}

/* A bound, spelled as the option's values are. */
static const char *format_bound(
	const struct weft_option *option, int64_t bound, char text[UNITS_TEXT_BYTES])
{
	if (option->type == WEFT_OPTION_SIZE)
		return units_format_size(bound, text);
	if (option->type == WEFT_OPTION_DURATION)
		return units_format_duration(bound, text);
	snprintf(text, UNITS_TEXT_BYTES, "%" PRId64, bound);
	return text;
}

static int check_bounds(
	const struct weft_option *option, int64_t number, const struct problem *problem)
{
	char low[UNITS_TEXT_BYTES], high[UNITS_TEXT_BYTES];

	if ((option->min == 0 && option->max == 0) ||
		(number >= option->min && number <= option->max))
		return 0;
	return refuse(problem, "out of bounds: write a value from %s to %s",
		format_bound(option, option->min, low), format_bound(option, option->max, high));
}

int option_value_parse(const struct weft_option *option, const char *text, int64_t *ret_number,
	char *problem_text, size_t bytes)
{
	const struct problem problem = {problem_text, bytes};
	int64_t number = INT64_MIN;
	const char *why = NULL;
	int r = 0;

	switch (option->type) {
	case WEFT_OPTION_STRING:
		break;
	case WEFT_OPTION_BOOL:
		r = units_parse_bool(text, &number, &why);
		break;
	case WEFT_OPTION_INT:
		r = units_parse_int(text, &number, &why);
		break;
	case WEFT_OPTION_SIZE:
		r = units_parse_size(text, &number, &why);
		break;
	case WEFT_OPTION_DURATION:
		r = units_parse_duration(text, &number, &why);
		break;
	case WEFT_OPTION_ADDRESS:
		r = weft_address_check(text, &why);
		break;
	case WEFT_OPTION_CHOICE:
		return parse_choice(option, text, ret_number, &problem);
	}
	if (r < 0)
		return refuse(&problem, "%s", why);

	if (option->type == WEFT_OPTION_INT || option->type == WEFT_OPTION_SIZE ||
		option->type == WEFT_OPTION_DURATION)
		r = check_bounds(option, number, &problem);
	if (r < 0)
		return r;

	*ret_number = number;
	return 0;
}

const char *option_value_kind(const struct weft_option *option)
{
	switch (option->type) {
	case WEFT_OPTION_STRING:
		return "a text";
	case WEFT_OPTION_BOOL:
		return "yes or no";
	case WEFT_OPTION_INT:
		return "a number";
	case WEFT_OPTION_SIZE:
		return "a size, as in 64K";
	case WEFT_OPTION_DURATION:
		return "a duration, as in 10s";
	case WEFT_OPTION_ADDRESS:
		return "an address, as in tcp:127.0.0.1:7007 or unix:/run/x.sock";
	case WEFT_OPTION_CHOICE:
		return option->choices;
	}
	return "a value";
}

int option_value_check_declaration(const struct weft_option *option, char *text, size_t bytes)
{
	const struct problem problem = {text, bytes};
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-.";
	char why[128];
	int64_t number;

	if (!*option->name || option->name[strspn(option->name, allowed)])
		return refuse(&problem,
			"option '%s': a name consists of small letters, digits, '_', '-' and '.'",
			option->name);
	if ((unsigned int)option->type > WEFT_OPTION_CHOICE)
		return refuse(&problem, "option '%s' is of no known type (%d)", option->name,
			(int)option->type);
	if (option->type == WEFT_OPTION_CHOICE &&
		(!option->choices || find_choice(option->choices, "") >= 0))
		return refuse(
			&problem, "option '%s' declares no choices, or an empty one", option->name);
	if (option->min > option->max)
		return refuse(&problem,
			"option '%s': its min %" PRId64 " is above its max %" PRId64, option->name,
			option->min, option->max);
	if (option->value &&
		option_value_parse(option, option->value, &number, why, sizeof(why)) < 0)
		return refuse(&problem, "option '%s': its own default '%s' is %s", option->name,
			option->value, why);
	return 0;
}
