/* SPDX-License-Identifier: MIT */
#include "ring.h"

#include "uring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct ring_backend *backends = &uring_backend;

void ring_backend_register(struct ring_backend *backend)
{
	backend->next = backends;
	backends = backend;
}

int ring_open(const struct ring_options *options, struct ring **ret_ring, char *problem,
	size_t problem_bytes)
{
	const char *name = options->name ? options->name : "auto";
	size_t length = strcspn(name, ":"); /* what follows is the backend's business */

	if (strcmp(name, "auto") == 0)
		return uring_backend.open(options, ret_ring, problem, problem_bytes);
	for (struct ring_backend *b = backends; b; b = b->next)
		if (strlen(b->name) == length && strncmp(b->name, name, length) == 0)
			return b->open(options, ret_ring, problem, problem_bytes);
	snprintf(problem, problem_bytes, "there is no ring \"%s\": use auto or io_uring", name);
	return -EINVAL;
}
