/* SPDX-License-Identifier: MIT */
/* Composes the status line: a phrase for each group of instances that has any. */

#include "status.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

bool status_over(const struct status_row *row)
{
	return row->state == STATUS_ENDED || row->state == STATUS_STUCK;
}

enum group {
	GROUP_SERVING,
	GROUP_STARTING,
	GROUP_STOPPING,
	GROUP_FAILED,
	GROUP_STUCK,
	GROUP_ENDED
};

static const char *const titles[] = {
	"serving", "starting", "stopping", "failed", "did not stop", "ended"};

static enum group group_of(const struct status_row *row, bool stopping)
{
	if (row->state == STATUS_STUCK)
		return GROUP_STUCK;
	if (row->failed)
		return GROUP_FAILED;
	if (row->state == STATUS_ENDED)
		return GROUP_ENDED;
	if (stopping || row->state == STATUS_ENDING)
		return GROUP_STOPPING;
	return row->state == STATUS_READY ? GROUP_SERVING : GROUP_STARTING;
}

struct line {
	char *text;
	size_t length, bytes;
};

/* A plugin's words must not break the line, nor the protocol that it is sent with. */
static void put(struct line *line, const char *text)
{
	size_t left = strlen(text), step;
	bool shown;

	for (; left > 0; text += step, left -= step) {
		step = utf8_character(text, left);
		shown = step > 0 && utf8_printable(text, step);
		step = shown ? step : 1;
		/* Nothing follows what did not fit. */
		if (line->length + step >= line->bytes) {
			line->bytes = line->length + 1;
			break;
		}
		memcpy(line->text + line->length, shown ? text : "?", step);
		line->length += step;
	}
	line->text[line->length] = '\0';
}

void status_compose(
	const struct status_row rows[], size_t n, bool stopping, char *text, size_t bytes)
{
	struct line line = {.text = text, .bytes = bytes};

	for (enum group group = GROUP_SERVING; group <= GROUP_ENDED; group++) {
		bool first = true;

		for (size_t i = 0; i < n; i++) {
			if (group_of(&rows[i], stopping) != group)
				continue;
			if (first)
				put(&line, line.length ? "; " : "");
			put(&line, first ? titles[group] : ",");
			put(&line, first ? ": " : " ");
			put(&line, rows[i].name);
			first = false;
			if (!rows[i].text[0])
				continue;
			put(&line, " (");
			put(&line, rows[i].text);
			put(&line, ")");
		}
	}
}
