/* SPDX-License-Identifier: MIT */
#pragma once

/* Calls that fail on demand: the program is linked with --wrap for each of them (meson.build has
 * the list), so that the static library's calls come through faults.c. It also keeps the balance of
 * what was allocated, mapped and opened, which is how a run shows that it leaks nothing. */

#include <stdbool.h>

enum fault_kind {
	FAULT_MEMORY = 1,  /* malloc and the like: ENOMEM */
	FAULT_MAPPING = 2, /* mmap, madvise, mprotect: ENOMEM */
	FAULT_FILE = 4,	   /* socket, eventfd: EMFILE */
	FAULT_THREAD = 8,  /* pthread_create: EAGAIN */
	FAULT_RING = 16,   /* what sets an io_uring up */
	FAULT_SUBMIT = 32, /* what enters it */
};

struct fault_plan {
	unsigned kinds;	  /* calls of these kinds are counted */
	unsigned nth;	  /* the first that fails; 0: none */
	unsigned many;	  /* how many in a row fail; 0: one */
	int submit_error; /* what a failing FAULT_SUBMIT returns */
};

void faults_begin(const struct fault_plan *plan);
/* Ends the plan; returns how many calls failed. */
unsigned faults_end(void);

/* How many calls of the plan's kinds there have been since its begin. */
unsigned faults_calls(void);

struct fault_balance {
	long blocks, mappings, files;
};
struct fault_balance faults_balance(void);
/* The balance when it is as it was, or after long: the thread of a name lookup that was cut short
 * gives back its memory when the resolver has answered. */
struct fault_balance faults_settle(struct fault_balance before);
