/* SPDX-License-Identifier: MIT */
/* Symbols are read from the module's file: what the dynamic linker has in memory does not name
 * static functions. The file may have been replaced since it was loaded, by an upgrade: it counts
 * only where its first page, which holds the build id, is the one in memory. */

#include "symbol.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMPARED_BYTES = 4096 };

struct module {
	uintptr_t address; /* that is looked for */
	uintptr_t bias;
	const char *name;
	const void *head; /* the beginning of its file, in memory */
	size_t head_bytes;
};

static int look_at(struct dl_phdr_info *info, size_t info_bytes, void *arg)
{
	struct module *module = arg;
	bool found = false;

	(void)info_bytes;
	module->head = NULL;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD)
			continue;
		if (part->p_offset == 0) {
			module->head = (const void *)start;
			module->head_bytes =
				part->p_filesz < COMPARED_BYTES ? part->p_filesz : COMPARED_BYTES;
		}
		found |= module->address - start < part->p_memsz;
	}
	module->bias = info->dlpi_addr;
	module->name = info->dlpi_name;
	return found;
}

struct image {
	const char *bytes;
	size_t size;
};

static bool map(const struct module *module, struct image *ret_image)
{
	const char *path = *module->name ? module->name : "/proc/self/exe";
	struct stat status;
	void *bytes = MAP_FAILED;
	int fd;

	if (!module->head || !strchr(path, '/'))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
		(size_t)status.st_size >= module->head_bytes)
		bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return false;
	if (memcmp(bytes, module->head, module->head_bytes) != 0) {
		munmap(bytes, (size_t)status.st_size);
		return false;
	}
	*ret_image = (struct image){bytes, (size_t)status.st_size};
	return true;
}

/* `count` things of `bytes` each at `offset`, or NULL where the file does not have them. */
static const void *part(const struct image *image, uint64_t offset, uint64_t count, size_t bytes)
{
	if (offset > image->size || offset % sizeof(void *) != 0 ||
		count > (image->size - offset) / bytes)
		return NULL;
	return image->bytes + offset;
}

static const ElfW(Shdr) *
	find_section(const ElfW(Shdr) * sections, size_t n_sections, unsigned type)
{
	for (size_t i = 0; i < n_sections; i++)
		if (sections[i].sh_type == type && sections[i].sh_link < n_sections)
			return &sections[i];
	return NULL;
}

/* Compilers number the parts and the copies that they make of a function: part.0, isra.1, cold. */
static void copy_name(const char *name, size_t most, struct symbol *symbol)
{
	size_t i;

	for (i = 0; i < most && i < sizeof(symbol->name) - 1 && name[i] && name[i] != '.'; i++)
		symbol->name[i] = name[i];
	symbol->name[i] = '\0';
}

static void search(const struct image *image, const struct module *module, struct symbol *symbol)
{
	const ElfW(Ehdr) *header = part(image, 0, 1, sizeof(*header));
	const ElfW(Shdr) * sections, *table, *strings;
	const ElfW(Sym) * symbols;
	uintptr_t value = module->address - module->bias;

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
		header->e_shentsize != sizeof(*sections))
		return;
	sections = part(image, header->e_shoff, header->e_shnum, sizeof(*sections));
	if (!sections)
		return;
	table = find_section(sections, header->e_shnum, SHT_SYMTAB);
	if (!table)
		table = find_section(sections, header->e_shnum, SHT_DYNSYM);
	if (!table)
		return;
	strings = &sections[table->sh_link];
	symbols =
		part(image, table->sh_offset, table->sh_size / sizeof(*symbols), sizeof(*symbols));
	if (!symbols || strings->sh_offset > image->size ||
		strings->sh_size > image->size - strings->sh_offset)
		return;

	for (size_t i = 0; i < table->sh_size / sizeof(*symbols); i++) {
		const ElfW(Sym) *s = &symbols[i];

		if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_shndx == SHN_UNDEF ||
			value - s->st_value >= s->st_size || s->st_name >= strings->sh_size)
			continue;
		symbol->function = (const void *)(module->bias + s->st_value);
		copy_name(image->bytes + strings->sh_offset + s->st_name,
			strings->sh_size - s->st_name, symbol);
		return;
	}
}

void symbol_find(const void *address, struct symbol *ret_symbol)
{
	struct module module = {.address = (uintptr_t)address};
	struct image image;

	*ret_symbol = (struct symbol){.module = ""};
	if (!dl_iterate_phdr(look_at, &module))
		return;
	ret_symbol->module = *module.name ? module.name : program_invocation_name;
	ret_symbol->offset = module.address - module.bias;
	if (map(&module, &image)) {
		search(&image, &module, ret_symbol);
		munmap((void *)image.bytes, image.size);
	}
}
