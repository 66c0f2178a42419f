/* SPDX-License-Identifier: MIT */
/* Reads ini text with inih, line by line through a reader of our own. inih takes lines apart and
 * strips comments; the reader knows what inih does not tell: the number of the line, whether inih
 * found anything in it, and what it would have cut silently (long lines, long section names, NUL
 * bytes). A line that is refused here reaches inih as an empty one, so that one fault hides no
 * other. */

#include "ini_text.h"

#include <ini.h>
#include <stdbool.h>
#include <string.h>

#include "memory.h"
#include "utf8.h"

struct reader {
	const char *next, *end;
	const char *file;
	int line;
	const struct ini_handler *handler;
	struct faults *faults;
	bool in_section;      /* a section header was seen, of whatever name */
	bool value_expected;  /* the line given to inih last must lead to a call of take_value() */
	bool refused_section; /* what follows stands in a section whose header was refused */
};

static struct place here(const struct reader *reader)
{
	return (struct place){reader->file, reader->line};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Whether a line is text at all; else adds the fault. */
static bool check_bytes(struct reader *reader, const char *line, size_t length)
{
	size_t step;

	if (length > INI_LINE_BYTES) {
		faults_add(reader->faults, here(reader), "a line of %zu bytes: %d is the limit",
			length, INI_LINE_BYTES);
		return false;
	}
	for (size_t i = 0; i < length; i += step) {
		step = utf8_character(line + i, length - i);
		if (step == 0) {
			faults_add(reader->faults, here(reader),
				"byte %zu (0x%02x) is not UTF-8: save the file as UTF-8", i + 1,
				(unsigned char)line[i]);
			return false;
		}
		if (line[i] == '\0') {
			faults_add(reader->faults, here(reader),
				"a NUL byte at byte %zu: this is no text, remove it", i + 1);
			return false;
		}
		if (line[i] != '\t' && !utf8_printable(line + i, step)) {
			faults_add(reader->faults, here(reader),
				"a control character (0x%02x) at byte %zu: remove it",
				(unsigned char)line[i], i + 1);
			return false;
		}
	}
	return true;
}

/* "[name]", then nothing or a comment. inih would take "[a" for an error without a place, cut long
 * names, and ignore what follows the bracket. */
static void take_section(struct reader *reader, const char *line, size_t length)
{
	const char *close = memchr(line, ']', length), *rest, *end = line + length;
	AUTO_FREE char *name = NULL;

	reader->in_section = true;
	reader->refused_section = true;
	if (!close) {
		faults_add(reader->faults, here(reader),
			"'[' without ']': a section is written [weftd] or [plugin:NAME]");
		return;
	}
	if (close == line + 1) {
		faults_add(reader->faults, here(reader),
			"'[]' names no section: write [weftd] or [plugin:NAME]");
		return;
	}
	for (rest = close + 1; rest < end && is_blank(*rest); rest++)
		;
	if (rest < end && *rest != ';' && *rest != '#') {
		faults_add(reader->faults, here(reader),
			"'%.*s' behind the section's ']': put it into a line of its own",
			(int)(end - rest), rest);
		return;
	}

	name = memory_copy(line + 1, (size_t)(close - line - 1));
	reader->refused_section = false;
	reader->handler->section(reader->handler->arg, name, here(reader));
}

/* Finishes the line before: inih has had it by now. */
static void settle(struct reader *reader)
{
	if (reader->value_expected)
		faults_add(reader->faults, here(reader),
			"neither [section] nor key = value: write a '=' between key and value, or "
			"begin a comment with ';'");
	reader->value_expected = false;
}

/* inih's reader: the next line into `line`, or NULL. */
static char *read_line(char *line, int bytes, void *arg)
{
	struct reader *reader = arg;
	const char *text = reader->next, *newline;
	size_t length;

	settle(reader);
	if (text == reader->end)
		return NULL;

	newline = memchr(text, '\n', (size_t)(reader->end - text));
	length = (size_t)((newline ? newline : reader->end) - text);
	reader->next = newline ? newline + 1 : reader->end;
	reader->line++;
	if (length > 0 && text[length - 1] == '\r')
		length--;

	strcpy(line, "\n");
	if (!check_bytes(reader, text, length))
		return line;
	while (length > 0 && is_blank(*text)) {
		text++;
		length--;
	}
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	if (length == 0 || *text == ';' || *text == '#')
		return line;
	if (*text == '[') {
		take_section(reader, text, length);
		return line;
	}
	if (length + 2 > (size_t)bytes)
		return line;

	memcpy(line, text, length);
	strcpy(line + length, "\n");
	reader->value_expected = true;
	return line;
}

/* inih's handler. */
static int take_value(void *arg, const char *section, const char *key, const char *value)
{
	struct reader *reader = arg;

	(void)section;
	reader->value_expected = false;
	if (*key == '\0')
		faults_add(reader->faults, here(reader),
			"no key before '=': write key = value, or remove the line");
	else if (!reader->in_section)
		faults_add(reader->faults, here(reader),
			"%s = ... stands before the first section: put it below [weftd] or "
			"[plugin:NAME]",
			key);
	else if (reader->refused_section)
		return 1;
	else if (*value == '\0')
		faults_add(reader->faults, here(reader),
			"%s has no value: give it one, or remove the line to get its default", key);
	else
		reader->handler->value(reader->handler->arg, key, value, here(reader));
	return 1;
}

void ini_read(const char *text, size_t length, const char *file, const struct ini_handler *handler,
	struct faults *faults)
{
	struct reader reader = {.next = text,
		.end = text + length,
		.file = file,
		.handler = handler,
		.faults = faults};

	if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0)) {
		faults_add(
			faults, (struct place){file, 1}, "this is UTF-16: save the file as UTF-8");
		return;
	}
	/* The mark that some editors put before UTF-8. */
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		reader.next += 3;

	/* Debian's inih is built with these as variables. An indented line is a line like any
	 * other, not the continuation of the one above. */
	ini_max_line = INI_LINE_BYTES + 4;
	ini_allow_multiline = false;
	ini_parse_stream(read_line, &reader, take_value, &reader);
}
