/* SPDX-License-Identifier: MIT */
/* Reads the ELF file by hand, because everything that dlopen() would say about it comes too late:
 * after constructors have run, or as a SIGBUS where the file was cut short. Nothing in the file is
 * believed: each offset and size is held against the file's size first. */

#include "elf_note.h"

#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#if __SIZEOF_POINTER__ != 8
#error "plugins are 64-bit ELF files"
#endif

#if defined(__x86_64__)
#define MACHINE	     EM_X86_64
#define MACHINE_NAME "x86-64"
#elif defined(__aarch64__)
#define MACHINE	     EM_AARCH64
#define MACHINE_NAME "AArch64"
#elif defined(__riscv)
#define MACHINE	     EM_RISCV
#define MACHINE_NAME "RISC-V"
#else
#error "add this machine's e_machine"
#endif

#define BYTE_ORDER_WANTED (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

/* Notes are short; a segment larger than this holds something else. */
#define NOTES_BYTES_MAX (1 << 20)

struct elf {
	int fd;
	uint64_t size;
	Elf64_Ehdr header;
	Elf64_Phdr *segments;
	char *problem;
	size_t problem_bytes;
};

__attribute__((__format__(__printf__, 2, 3))) static int refuse(
	struct elf *elf, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(elf->problem, elf->problem_bytes, format, arguments);
	va_end(arguments);
	return -ENOEXEC;
}

/* Whether `length` bytes from `offset` on lie within the file. */
static bool within(const struct elf *elf, uint64_t offset, uint64_t length)
{
	return offset <= elf->size && length <= elf->size - offset;
}

static int read_at(struct elf *elf, uint64_t offset, void *buf, size_t length)
{
	size_t done = 0;
	ssize_t n;

	while (done < length) {
		n = pread(elf->fd, (char *)buf + done, length - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			refuse(elf, "cannot be read: %s", strerror(errno));
			return -EIO;
		}
		if (n == 0)
			return refuse(elf, "cut short while it was read: copy it again");
		done += (size_t)n;
	}
	return 0;
}

static int check_file(struct elf *elf)
{
	struct stat st;

	if (fstat(elf->fd, &st) < 0)
		return refuse(elf, "cannot be read: %s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return refuse(elf, "a folder, not a plugin: name the file in it");
	if (!S_ISREG(st.st_mode))
		return refuse(elf, "not a regular file, so no plugin");
	if (st.st_size == 0)
		return refuse(elf, "an empty file, so no plugin: build or copy it again");

	elf->size = (uint64_t)st.st_size;
	return 0;
}

static int check_header(struct elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;
	size_t length = elf->size < sizeof(*header) ? (size_t)elf->size : sizeof(*header);
	int r;

	r = read_at(elf, 0, &elf->header, length);
	if (r < 0)
		return r;
	if (memcmp(header->e_ident, ELFMAG, length < SELFMAG ? length : SELFMAG) != 0)
		return refuse(elf, "not an ELF file, so no plugin: name the .so that was built");
	if (length < sizeof(*header))
		return refuse(elf,
			"cut short: %zu bytes do not hold the ELF header: build or copy it again",
			length);
	if (header->e_ident[EI_CLASS] != ELFCLASS64)
		return refuse(elf, "a 32-bit ELF file: build it for 64 bits");
	if (header->e_ident[EI_DATA] != BYTE_ORDER_WANTED)
		return refuse(
			elf, "an ELF file of the other byte order: build it for " MACHINE_NAME);
	if (header->e_machine != MACHINE)
		return refuse(elf,
			"an ELF file for another machine (%u): build it for " MACHINE_NAME,
			header->e_machine);
	if (header->e_ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT)
		return refuse(elf, "an ELF file of unknown version %u", header->e_version);
	if (header->e_type != ET_DYN)
		return refuse(elf,
			header->e_type == ET_REL
				? "an object file (.o): link it with -shared"
				: "an ELF file, but no shared object: link it with -fPIC -shared");
	if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 ||
		header->e_phnum == PN_XNUM)
		return refuse(elf, "a damaged ELF file: %u program headers of %u bytes",
			header->e_phnum, header->e_phentsize);
	if (!within(elf, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr)))
		return refuse(elf, "cut short: the program headers lie beyond its end: build or "
				   "copy it again");
	/* The section headers are of no use here, but linkers put them last: where they are whole,
	 * so is the file. */
	if (header->e_shnum &&
		!within(elf, header->e_shoff, (uint64_t)header->e_shnum * header->e_shentsize))
		return refuse(elf, "cut short: the section headers lie beyond its end: build or "
				   "copy it again");
	return 0;
}

static int check_segments(struct elf *elf)
{
	const Elf64_Phdr *stack = NULL;
	int r;

	elf->segments = memory_zeroed(elf->header.e_phnum, sizeof(Elf64_Phdr));
	r = read_at(
		elf, elf->header.e_phoff, elf->segments, elf->header.e_phnum * sizeof(Elf64_Phdr));
	if (r < 0)
		return r;

	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];

		if (segment->p_type == PT_INTERP)
			return refuse(elf, "a program, not a plugin: link it with -shared");
		if (segment->p_type == PT_GNU_STACK)
			stack = segment;
		else if (segment->p_type != PT_NULL &&
			 !within(elf, segment->p_offset, segment->p_filesz))
			return refuse(elf,
				"cut short: segment %zu lies beyond its end: build or copy it "
				"again",
				i);
	}
	/* Without the header, the loader makes every stack executable. */
	if (!stack || (stack->p_flags & PF_X))
		return refuse(elf,
			"asks for an executable stack: build it without nested functions, "
			"and assembly with a .note.GNU-stack section");
	return 0;
}

static uint64_t align_up(uint64_t n, uint64_t alignment)
{
	return (n + alignment - 1) & ~(alignment - 1);
}

/* Looks for the weft note among the notes of a segment. 1: found; 0: it is not here. */
static int find_note(struct elf *elf, const char *notes, uint64_t length, uint64_t alignment,
	struct elf_note *ret_note)
{
	uint64_t at = 0, description;
	Elf64_Nhdr note;

	while (length - at >= sizeof(note)) {
		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		/* 32-bit sizes, 64-bit sums: nothing overflows. */
		description = align_up(at + note.n_namesz, alignment);
		if (description > length || note.n_descsz > length - description)
			return refuse(
				elf, "a damaged ELF file: a note lies beyond its segment's end");

		if (note.n_type == 1 && note.n_namesz == sizeof("weft") &&
			memcmp(notes + at, "weft", sizeof("weft")) == 0) {
			if (note.n_descsz < sizeof(*ret_note))
				return refuse(elf,
					"a damaged weft note of %u bytes: build it again",
					note.n_descsz);
			memcpy(ret_note, notes + description, sizeof(*ret_note));
			return 1;
		}
		at = align_up(description + note.n_descsz, alignment);
		if (at > length)
			break;
	}
	return 0;
}

static int search_segments(struct elf *elf, struct elf_note *ret_note)
{
	int r;

	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];
		AUTO_FREE char *notes = NULL;

		if (segment->p_type != PT_NOTE || segment->p_filesz == 0)
			continue;
		if (segment->p_filesz > NOTES_BYTES_MAX)
			return refuse(elf, "a damaged ELF file: more than 1 MiB of notes");

		notes = memory_zeroed(segment->p_filesz, 1);
		r = read_at(elf, segment->p_offset, notes, segment->p_filesz);
		if (r == 0)
			r = find_note(elf, notes, segment->p_filesz, segment->p_align == 8 ? 8 : 4,
				ret_note);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return refuse(elf, "not a weft plugin: a plugin's source says WEFT_PLUGIN(...)");
}

int elf_note_read(int fd, struct elf_note *ret_note, char *problem, size_t bytes)
{
	struct elf elf = {.fd = fd, .problem = problem, .problem_bytes = bytes};
	struct elf_note note;
	int r;

	r = check_file(&elf);
	if (r == 0)
		r = check_header(&elf);
	if (r == 0)
		r = check_segments(&elf);
	if (r == 0)
		r = search_segments(&elf, &note);
	free(elf.segments);
	if (r < 0)
		return r;

	*ret_note = note;
	return 0;
}
