/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target once over every file of its corpus: the fuzzer's findings as an ordinary test,
 * with any compiler. */

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Memory of exactly the file's size, so that reading beyond its end is noticed. */
static int replay(const char *folder, const char *name)
{
	char path[4096];
	FILE *file;
	long bytes;
	uint8_t *data;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file || fseek(file, 0, SEEK_END) < 0 || (bytes = ftell(file)) < 0) {
		printf("# %s: %s\n", path, strerror(errno));
		return -1;
	}
	rewind(file);
	data = malloc(bytes > 0 ? (size_t)bytes : 1);
	if (!data || fread(data, 1, (size_t)bytes, file) != (size_t)bytes) {
		printf("# %s: cannot be read\n", path);
		return -1;
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)bytes);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent **files;
	int n = argc == 2 ? scandir(argv[1], &files, visible, alphasort) : -1;
	int failed = 0;

	if (n <= 0) {
		printf("Bail out! usage: %s CORPUS, a folder with at least one file\n", argv[0]);
		return 1;
	}
	printf("1..%d\n", n);
	fflush(stdout);
	for (int i = 0; i < n; i++) {
		int r = replay(argv[1], files[i]->d_name);

		printf("%sok %d - %s\n", r < 0 ? "not " : "", i + 1, files[i]->d_name);
		fflush(stdout);
		failed += r < 0;
		free(files[i]);
	}
	free(files);
	return failed > 0;
}
