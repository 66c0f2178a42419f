/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_FAULTS_H
#define DAEMON_FAULTS_H

/* What is wrong with a configuration: every fault with its place, reported together. */

#include <stddef.h>

struct place {
	const char *file; /* as it is shown; outlives the faults */
	int line;	  /* 0: the file as a whole */
};

struct fault {
	struct place place;
	char *text;
};

/* A file that is no configuration at all has a fault in every line; those above the limit are
 * counted only. */
#define FAULTS_MAX 500

struct faults {
	struct fault *list;
	size_t n;
	size_t dropped;
};

/* The text says what is wrong and what to do. */
void faults_add(struct faults *faults, struct place place, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* Writes them to the log, a line each: by file in the order in which the files were met, and by
 * line. */
void faults_report(struct faults *faults);
void faults_done(struct faults *faults);

#endif
