/* SPDX-License-Identifier: MIT */
/* Fuzzes kv's parser of requests. A stream of bytes is parsed whole, and again as it would come in
 * small pieces into memory that moves: both must find the same commands, and neither may touch a
 * byte that is not there. The first byte of the input says how big the pieces are. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* What was found, in a form that can be compared. */
struct found {
	uint64_t digest;
	size_t consumed;
	ssize_t last;
	char problem[48];
};

static void digest(struct found *found, const void *data, size_t bytes)
{
	const unsigned char *s = data;

	for (size_t i = 0; i < bytes; i++)
		found->digest = (found->digest ^ s[i]) * UINT64_C(0x100000001b3);
}

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Takes all commands that are complete off the front. */
static void take(struct request *request, char *data, size_t bytes, struct found *found)
{
	size_t start = 0;

	while ((found->last = request_parse(request, data + start, bytes - start)) > 0) {
		check((size_t)found->last <= bytes - start);
		digest(found, &request->n_args, sizeof request->n_args);
		for (size_t i = 0; i < request->n_args; i++) {
			const struct slice arg = request->args[i];
			int64_t number;

			check(arg.data >= data + start &&
				arg.data + arg.bytes <= data + start + found->last);
			digest(found, &arg.bytes, sizeof arg.bytes);
			digest(found, arg.data, arg.bytes);
			if (slice_integer(arg, &number)) {
				char text[INTEGER_BYTES];
				const size_t n = integer_format(number, text);

				check(n == arg.bytes && memcmp(text, arg.data, n) == 0);
			}
			if (i > 0 && arg.bytes < 200)
				slice_glob(request->args[i - 1], arg);
		}
		start += (size_t)found->last;
	}
	if (found->last == -EPROTO)
		memcpy(found->problem, request->problem, sizeof found->problem);
	found->consumed += start;
}

static void parse(const uint8_t *data, size_t bytes, size_t piece, struct found *found)
{
	struct request request = {.max_bulk = 4096, .max_bytes = 16384};
	char *waiting = NULL;
	size_t n_waiting = 0;

	for (size_t at = 0; at < bytes && found->last >= 0; at += piece) {
		const size_t n = bytes - at < piece ? bytes - at : piece;
		const size_t consumed = found->consumed;
		char *moved = malloc(n_waiting + n);

		if (n_waiting > 0)
			memcpy(moved, waiting, n_waiting);
		memcpy(moved + n_waiting, data + at, n);
		free(waiting);
		waiting = moved;
		n_waiting += n;
		take(&request, waiting, n_waiting, found);

		const size_t taken = found->consumed - consumed;
		moved = malloc(n_waiting - taken + 1);
		memcpy(moved, waiting + taken, n_waiting - taken);
		free(waiting);
		waiting = moved;
		n_waiting -= taken;
	}
	free(waiting);
	request_done(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct found whole = {0}, pieces = {0};

	if (bytes < 2)
		return 0;
	parse(data + 1, bytes - 1, bytes - 1, &whole);
	parse(data + 1, bytes - 1, (size_t)data[0] % 32 + 1, &pieces);
	/* How much of a request that is too big was there when that was found depends on the
	 * pieces; all before it does not. */
	check(whole.digest == pieces.digest && whole.consumed == pieces.consumed &&
		whole.last == pieces.last);
	return 0;
}
