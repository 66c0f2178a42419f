/* SPDX-License-Identifier: MIT */
/* The list of faults. Keys, modules and options are checked in passes; the report is in the order
 * of the files' lines all the same. */

#include "faults.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "memory.h"

void faults_add(struct faults *faults, struct place place, const char *format, ...)
{
	struct fault *fault;
	va_list arguments;
	char text[1024];

	if (faults->n == FAULTS_MAX) {
		faults->dropped++;
		return;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);

	faults->list = memory_grow(faults->list, faults->n, sizeof(*faults->list));
	fault = &faults->list[faults->n++];
	*fault = (struct fault){.place = place, .text = memory_copy(text, strlen(text))};
}

/* Whether `a` is to be told after `b`. Files keep their order: by first fault found in them. */
static int later(const struct faults *faults, const struct fault *a, const struct fault *b)
{
	if (strcmp(a->place.file, b->place.file) == 0)
		return a->place.line > b->place.line;

	for (size_t i = 0; i < faults->n; i++) {
		if (strcmp(faults->list[i].place.file, a->place.file) == 0)
			return 0;
		if (strcmp(faults->list[i].place.file, b->place.file) == 0)
			return 1;
	}
	return 0;
}

void faults_report(struct faults *faults)
{
	struct fault moved;
	size_t j;

	/* Insertion keeps those of one line in the order in which they were found. */
	for (size_t i = 1; i < faults->n; i++) {
		for (j = i; j > 0 && later(faults, &faults->list[j - 1], &faults->list[j]); j--) {
			moved = faults->list[j];
			faults->list[j] = faults->list[j - 1];
			faults->list[j - 1] = moved;
		}
	}
	for (size_t i = 0; i < faults->n; i++) {
		const struct fault *fault = &faults->list[i];

		if (fault->place.line)
			log_plain("%s:%d: %s", fault->place.file, fault->place.line, fault->text);
		else
			log_plain("%s: %s", fault->place.file, fault->text);
	}
	if (faults->dropped)
		log_plain("... and %zu more faults", faults->dropped);
}

void faults_done(struct faults *faults)
{
	for (size_t i = 0; i < faults->n; i++)
		free(faults->list[i].text);
	free(faults->list);
	*faults = (struct faults){0};
}
