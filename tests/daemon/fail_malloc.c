/* SPDX-License-Identifier: MIT */
/* To be preloaded: the allocation whose number is in $FAIL_AT fails, and so do all after it where
 * $FAIL_ON is set. Leaves the file $FAIL_TRACE behind when that has happened. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

void *malloc(size_t bytes);
void *calloc(size_t n, size_t bytes);
void *realloc(void *pointer, size_t bytes);

static atomic_long count;
static long fail_at = -1; /* until the constructor has run, nothing fails */
static bool fail_on;

__attribute__((constructor)) static void begin(void)
{
	const char *at = getenv("FAIL_AT");

	fail_on = getenv("FAIL_ON") != NULL;
	atomic_store(&count, 0);
	fail_at = at ? atol(at) : -1;
}

static bool fails(void)
{
	long number = atomic_fetch_add(&count, 1);
	int fd;

	if (fail_at < 0 || number < fail_at || (number > fail_at && !fail_on))
		return false;
	if (number == fail_at) {
		fd = open(getenv("FAIL_TRACE"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd >= 0)
			close(fd);
	}
	errno = ENOMEM;
	return true;
}

/* The next in line is the allocator that the program is linked to. */
void *malloc(size_t bytes)
{
	static void *(*next)(size_t bytes);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "malloc");
	return fails() ? NULL : next(bytes);
}

void *calloc(size_t n, size_t bytes)
{
	static void *(*next)(size_t n, size_t bytes);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "calloc");
	return fails() ? NULL : next(n, bytes);
}

void *realloc(void *pointer, size_t bytes)
{
	static void *(*next)(void *pointer, size_t bytes);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "realloc");
	return fails() ? NULL : next(pointer, bytes);
}
