/* SPDX-License-Identifier: MIT */
/* A queue of files in which each file (device and inode, so links do not fool it) stands once: an
 * include that leads back to a file that is queued is refused, which also ends loops. */

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

char *files_path_beside(const char *base, const char *path, size_t length)
{
	const char *slash = base ? strrchr(base, '/') : NULL;

	if (!slash || path[0] == '/')
		return memory_copy(path, length);
	return memory_format("%.*s/%.*s", (int)(slash - base), base, (int)length, path);
}

static void push(struct files_queue *queue, struct files_entry entry)
{
	queue->list = memory_grow(queue->list, queue->n, sizeof(*queue->list));
	queue->list[queue->n++] = entry;
}

void files_queue_first(struct files_queue *queue, const char *path)
{
	struct stat st = {0};

	if (stat(path, &st) < 0)
		st = (struct stat){0};
	push(queue, (struct files_entry){.path = memory_copy(path, strlen(path)),
			    .from = {path, 0},
			    .device = st.st_dev,
			    .inode = st.st_ino});
}

struct files_entry *files_queue_next(struct files_queue *queue)
{
	return queue->next < queue->n ? &queue->list[queue->next++] : NULL;
}

/* Whether the file at `index` is `at` itself, or led to it. */
static bool leads_to(const struct files_queue *queue, size_t index, size_t at)
{
	while (at != index && queue->list[at].parent != at)
		at = queue->list[at].parent;
	return at == index;
}

static void include_file(struct files_queue *queue, const char *pattern, const char *path,
	struct place place, struct faults *faults)
{
	size_t current = queue->next - 1;
	struct stat st;

	if (stat(path, &st) < 0) {
		faults_add(faults, place, "include = %s: %s: %s: name a file that is there",
			pattern, path, strerror(errno));
		return;
	}
	for (size_t i = 0; i < queue->n; i++) {
		const struct files_entry *entry = &queue->list[i];

		if (entry->device != st.st_dev || entry->inode != st.st_ino)
			continue;
		if (leads_to(queue, i, current))
			faults_add(faults, place,
				"include = %s: a loop: %s includes this file itself: take one of "
				"the "
				"two includes out",
				pattern, path);
		else
			faults_add(faults, place,
				"include = %s: %s is included already at %s:%d: take one of the "
				"two "
				"includes out",
				pattern, path, entry->from.file, entry->from.line);
		return;
	}
	push(queue, (struct files_entry){.path = memory_copy(path, strlen(path)),
			    .from = place,
			    .parent = current,
			    .device = st.st_dev,
			    .inode = st.st_ino});
}

/* glob() asks whether to give up. What is not there matches nothing; what cannot be read is told.
 */
static int is_fault(const char *path, int code)
{
	(void)path;
	return code != ENOENT && code != ENOTDIR;
}

void files_queue_include(
	struct files_queue *queue, const char *pattern, struct place place, struct faults *faults)
{
	AUTO_FREE char *path = files_path_beside(place.file, pattern, strlen(pattern));
	glob_t found;
	int r;

	r = glob(path, 0, is_fault, &found);
	if (r == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			include_file(queue, pattern, found.gl_pathv[i], place, faults);
	else if (r != GLOB_NOMATCH)
		faults_add(faults, place, "include = %s: the folder cannot be read: %s", pattern,
			strerror(errno));
	else if (!strpbrk(pattern, "*?["))
		faults_add(faults, place,
			"include = %s: %s: no such file: name a file that is there", pattern, path);
	/* A folder in which nothing matches is what an empty conf.d looks like. */
	if (r == 0)
		globfree(&found);
}

void files_queue_done(struct files_queue *queue)
{
	for (size_t i = 0; i < queue->n; i++)
		free(queue->list[i].path);
	free(queue->list);
	*queue = (struct files_queue){0};
}

static void refuse(const struct files_entry *entry, const char *problem, struct faults *faults)
{
	if (entry->from.line)
		faults_add(faults, entry->from, "include: %s: %s", entry->path, problem);
	else
		faults_add(faults, entry->from, "%s: name another file with -c FILE", problem);
}

static int read_all(int fd, size_t limit_bytes, char **ret_text, size_t *ret_length)
{
	AUTO_FREE char *text = memory_zeroed(limit_bytes + 1, 1);
	size_t length = 0;
	ssize_t n;

	while (length <= limit_bytes) {
		n = read(fd, text + length, limit_bytes + 1 - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	if (length > limit_bytes)
		return -EFBIG;

	*ret_text = text;
	text = NULL;
	*ret_length = length;
	return 0;
}

int files_read(const struct files_entry *entry, size_t limit_bytes, char **ret_text,
	size_t *ret_length, struct faults *faults)
{
	const char *problem = NULL;
	struct stat st;
	int fd, r;

	/* Not blocking: whoever has put a FIFO here must not hang weftd. */
	fd = open(entry->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (r < 0)
		problem = strerror(-r);
	else if (S_ISDIR(st.st_mode))
		r = -EISDIR, problem = "a folder, not a file";
	else if (!S_ISREG(st.st_mode))
		r = -EINVAL, problem = "not a regular file";
	else
		r = read_all(fd, limit_bytes, ret_text, ret_length);

	if (r == -EFBIG)
		problem = "larger than 1 MiB, so no configuration";
	else if (r < 0 && !problem)
		problem = strerror(-r);
	if (problem)
		refuse(entry, problem, faults);
	if (fd >= 0)
		close(fd);
	return r;
}
