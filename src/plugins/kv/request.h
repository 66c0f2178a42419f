/* SPDX-License-Identifier: MIT */
#pragma once

/* One command at a time out of a client's bytes: RESP arrays of bulk strings, or inline commands
 * (words in a line), as Redis takes them.
 *
 * The arguments lie in the caller's buffer: nothing is copied. What has been understood of a
 * command that is still incomplete is remembered, so that every byte is parsed once, however small
 * the pieces in which it comes. */

#include <sys/types.h>

#include "text.h"

enum { REQUEST_FEW = 8, REQUEST_LINE_BYTES = 64 * 1024 };

struct request {
	/* limits, set by the caller */
	size_t max_bulk;  /* bytes of one argument */
	size_t max_bytes; /* of one command, all included */
	/* the result */
	struct slice *args;
	size_t n_args;	  /* 0: nothing to do (an empty line, an empty array) */
	char problem[48]; /* of a request that failed, as Redis says it */
	/* private */
	const char *data;   /* where the arguments lie */
	size_t position;    /* behind what is understood */
	size_t missing;	    /* arguments to come; 0: a new command */
	int64_t bulk_bytes; /* of the argument at `position`; -1: its length is to come */
	size_t capacity;
	struct slice few[REQUEST_FEW];
};

/* Parses `data`, which begins where the current command begins: until a command is complete it is
 * called with the same bytes again and more behind them. They may be changed, and with them the
 * arguments go. > 0: so many bytes made a command; 0: more are needed; -EPROTO: `problem` says why,
 * and what follows makes no sense; -ENOMEM. */
ssize_t request_parse(struct request *request, char *data, size_t bytes);

/* Frees what it holds; it can be used on, at the beginning of a command. */
void request_done(struct request *request);
