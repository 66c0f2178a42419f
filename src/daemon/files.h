/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_FILES_H
#define DAEMON_FILES_H

/* The files of a configuration: the one that was named, and what is included, each read once. */

#include <stddef.h>
#include <sys/types.h>

#include "faults.h"

struct files_entry {
	char *path;
	struct place from; /* the include; line 0: the first file itself */
	size_t parent;	   /* the entry that includes it; its own index: the first */
	dev_t device;
	ino_t inode;
};

/* Zero-initialised. */
struct files_queue {
	struct files_entry *list;
	size_t n, next;
};

/* The first file need not exist: reading it will say so. `path` outlives the faults. */
void files_queue_first(struct files_queue *queue, const char *path);

/* Queues what `pattern` (glob(7), relative to the folder of place.file) matches, for the entry that
 * files_queue_next() gave last. A file that is in the queue already is a fault. */
void files_queue_include(
	struct files_queue *queue, const char *pattern, struct place place, struct faults *faults);

/* The next one to read, or NULL. Valid until files_queue_include(). */
struct files_entry *files_queue_next(struct files_queue *queue);
void files_queue_done(struct files_queue *queue);

/* The whole file, up to `limit_bytes`. -errno, and a fault. */
int files_read(const struct files_entry *entry, size_t limit_bytes, char **ret_text,
	size_t *ret_length, struct faults *faults);

/* `path` as seen from the folder of the file `base`; as it is where it is absolute or `base` is
 * NULL. */
char *files_path_beside(const char *base, const char *path, size_t length);

#endif
