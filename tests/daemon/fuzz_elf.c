/* SPDX-License-Identifier: MIT */
/* Fuzzes the reader of plugin files: it takes a file or says why not. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf_note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct elf_note note = {.abi = 77};
	char problem[256] = "";
	int fd, r;

	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || pwrite(fd, data, bytes, 0) != (ssize_t)bytes)
		abort();
	r = elf_note_read(fd, &note, problem, sizeof(problem));
	close(fd);

	if ((r != 0 && r != -ENOEXEC) || (r < 0) != (problem[0] != '\0') ||
		(r < 0 && note.abi != 77) || strlen(problem) + 1 > sizeof(problem))
		abort();
	return 0;
}
