/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_ELF_NOTE_H
#define DAEMON_ELF_NOTE_H

/* What a plugin's file says of itself before any of its code runs. */

#include <stddef.h>
#include <stdint.h>

struct elf_note {
	uint32_t magic, abi, descriptor_bytes;
};

/* Checks that `fd` is a shared object for this machine, complete, without an executable stack, and
 * reads its weft note. 0, or -ENOEXEC, -EIO, ... with the reason in `problem` (cut to `bytes`). */
int elf_note_read(int fd, struct elf_note *ret_note, char *problem, size_t bytes);

#endif
