/* SPDX-License-Identifier: MIT */
/* Fuzzes the reader of ini files, and every parser that its values go through. What it hands out is
 * text that can be shown, in the order of the lines. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <weft/server.h>

#include "ini_text.h"
#include "units.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

struct seen {
	int lines; /* of the whole text */
	int line;  /* of what came last */
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const char *text)
{
	size_t length = strlen(text), step;

	check(length <= INI_LINE_BYTES);
	for (; length > 0; text += step, length -= step) {
		step = utf8_character(text, length);
		check(step > 0 && (*text == '\t' || utf8_printable(text, step)));
	}
}

static void check_place(struct seen *seen, struct place place)
{
	check(place.line > seen->line && place.line <= seen->lines);
	seen->line = place.line;
}

static void take_section(void *arg, const char *name, struct place place)
{
	check_place(arg, place);
	check_text(name);
	check(*name && !strchr(name, ']'));
}

static void take_value(void *arg, const char *key, const char *value, struct place place)
{
	char text[UNITS_TEXT_BYTES];
	const char *problem;
	int64_t number, again;

	check_place(arg, place);
	check_text(key);
	check_text(value);
	check(*key && *value);

	units_parse_int(value, &number, &problem);
	units_parse_bool(value, &number, &problem);
	weft_address_check(value, &problem);
	if (units_parse_size(value, &number, &problem) == 0) {
		check(number >= 0);
		check(units_parse_size(units_format_size(number, text), &again, &problem) == 0);
		check(again == number);
	}
	if (units_parse_duration(value, &number, &problem) == 0) {
		check(number >= 0);
		check(units_parse_duration(units_format_duration(number, text), &again, &problem) ==
			0);
		check(again == number);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct seen seen = {.lines = 1};
	const struct ini_handler handler = {take_section, take_value, &seen};
	struct faults faults = {0};
	char *text;

	for (size_t i = 0; i < bytes; i++)
		seen.lines += data[i] == '\n';
	/* Memory of exactly this size, so that reading beyond its end is noticed. */
	text = malloc(bytes ? bytes : 1);
	memcpy(text, data, bytes);
	ini_read(text, bytes, "fuzz.ini", &handler, &faults);
	for (size_t i = 0; i < faults.n; i++)
		check(faults.list[i].place.line >= 1 && faults.list[i].place.line <= seen.lines);
	faults_done(&faults);
	free(text);
	return 0;
}
