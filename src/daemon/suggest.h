/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SUGGEST_H
#define DAEMON_SUGGEST_H

/* The nearest of the words considered so far to the one that was written. */
struct suggest {
	const char *written;
	const char *best; /* NULL: none is near enough to be what was meant */
	unsigned int distance;
};

#define SUGGEST(word) ((struct suggest){.written = (word)})

/* `candidate` must live as long as the suggestion. */
void suggest_consider(struct suggest *suggest, const char *candidate);

#endif
