/* SPDX-License-Identifier: MIT */
/* scenario FILE.scn: runs a program of LANGUAGE.md on weft and prints its trace.
 * scenario --serve: does so again and again. A line with the length of the program, the program;
 * the answer is a line with the length of the trace, the trace. */

#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The trace of a program that cannot be run says why. 0, or -errno. */
static int interpret(const char *file, const char *text, struct text *trace)
{
	struct arena arena = {NULL};
	struct program program;
	const char *message;
	int r = program_parse(&arena, file, text, &program, &message);

	text_clear(trace);
	if (r < 0) {
		text_add(trace, "%s\n", message);
	} else {
		r = run_program(&program, &arena, trace);
		if (r < 0)
			text_add(trace, "%s: %s\n", file, weft_strerror(r));
	}
	arena_done(&arena);
	return r;
}

/* What is left of the stream, or `bytes` of it. NULL: there is less, or too much. */
static char *read_text(FILE *stream, size_t bytes)
{
	char *text = malloc(bytes + 1);
	size_t n = text ? fread(text, 1, bytes, stream) : 0;

	if (!text || memchr(text, '\0', n)) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	return text;
}

static int serve(void)
{
	struct text trace = {0};
	unsigned long bytes;

	while (scanf("%lu", &bytes) == 1 && getchar() == '\n' && bytes < 1UL << 24) {
		char *text = read_text(stdin, bytes);

		if (!text || strlen(text) < bytes) {
			free(text);
			break;
		}
		interpret("program", text, &trace);
		free(text);
		printf("%zu\n", trace.n);
		fwrite(trace.bytes, 1, trace.n, stdout);
		fflush(stdout);
	}
	text_done(&trace);
	if (!feof(stdin))
		fprintf(stderr, "scenario: a request that is neither a length nor a program\n");
	return feof(stdin) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_trace(const char *path)
{
	enum { BYTES_MAX = 1 << 20 };
	FILE *file = fopen(path, "re");
	char *text = file ? read_text(file, BYTES_MAX) : NULL;
	struct text trace = {0};
	int r;

	if (!text) {
		fprintf(stderr, "scenario: %s: %s\n", path, file ? "not a text" : strerror(errno));
		if (file)
			fclose(file);
		return EXIT_FAILURE;
	}
	fclose(file);
	r = interpret(path, text, &trace);
	fputs(trace.bytes, r < 0 ? stderr : stdout);
	text_done(&trace);
	free(text);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "--help") == 0) {
		fprintf(stderr, "usage: scenario FILE.scn | scenario --serve\n");
		return EXIT_FAILURE;
	}
	return strcmp(argv[1], "--serve") == 0 ? serve() : print_trace(argv[1]);
}
