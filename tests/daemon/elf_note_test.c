/* SPDX-License-Identifier: MIT */
/* The reader of plugin files against damaged copies of a real one: it refuses, it never crashes,
 * and it always says why. The plugin's path is the program's argument. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <weft/plugin.h>

#include "elf_note.h"

static const char *plugin_path;
static char *whole;
static size_t length;

static int load(void **state)
{
	int fd = open(plugin_path, O_RDONLY | O_CLOEXEC);
	off_t end = lseek(fd, 0, SEEK_END);

	(void)state;
	if (fd < 0 || end <= 0)
		return -1;
	length = (size_t)end;
	whole = malloc(length);
	if (pread(fd, whole, length, 0) != end)
		return -1;
	return close(fd);
}

static int unload(void **state)
{
	(void)state;
	free(whole);
	return 0;
}

static int copy_of_whole(void)
{
	int fd = memfd_create("plugin", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, whole, length, 0), (ssize_t)length);
	return fd;
}

static int read_note(int fd, struct elf_note *ret_note)
{
	char problem[256] = "";
	int r = elf_note_read(fd, ret_note, problem, sizeof(problem));

	assert_true(r == 0 || r == -ENOEXEC);
	assert_int_equal(r < 0, problem[0] != '\0');
	return r;
}

static void reads_the_note(void **state)
{
	struct elf_note note = {0};
	int fd = copy_of_whole();

	(void)state;
	assert_int_equal(read_note(fd, &note), 0);
	assert_int_equal(note.magic, WEFT_PLUGIN_MAGIC);
	assert_int_equal(note.abi, WEFT_PLUGIN_ABI);
	assert_int_equal(note.descriptor_bytes, sizeof(struct weft_plugin));
	close(fd);
}

static void refuses_every_truncation(void **state)
{
	struct elf_note note = {.abi = 77};
	int fd = copy_of_whole();

	(void)state;
	for (size_t cut = length; cut-- > 0;) {
		assert_int_equal(ftruncate(fd, (off_t)cut), 0);
		if (read_note(fd, &note) == 0)
			fail_msg("cut to %zu of %zu bytes, and taken", cut, length);
	}
	assert_int_equal(note.abi, 77);
	close(fd);
}

/* Every byte of the headers and of the first page of contents, set to values that hurt. */
static void survives_every_damaged_byte(void **state)
{
	static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	size_t n = length < 2048 ? length : 2048;
	int fd = copy_of_whole();
	struct elf_note note;

	(void)state;
	for (size_t at = 0; at < n; at++) {
		for (size_t i = 0; i < sizeof(values); i++) {
			assert_int_equal(pwrite(fd, &values[i], 1, (off_t)at), 1);
			read_note(fd, &note);
		}
		assert_int_equal(pwrite(fd, whole + at, 1, (off_t)at), 1);
	}
	assert_int_equal(read_note(fd, &note), 0);
	close(fd);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_note),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(survives_every_damaged_byte),
	};

	if (argc != 2)
		return 2;
	plugin_path = argv[1];
	return cmocka_run_group_tests_name("elf_note", tests, load, unload);
}
