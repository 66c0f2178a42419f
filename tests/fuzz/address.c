/* SPDX-License-Identifier: MIT */
/* Fuzzes the parser of address strings. What it takes must come back from the formatter as an
 * address that it takes for the same; what it refuses must come with a reason, and touch nothing.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void come_back(const struct address *address)
{
	struct address_parts again;
	char text[ADDRESS_TEXT];

	address_format(address, text);
	check(address_parse(text, &again, NULL) == 0);
	check(*again.host == '\0');
	check(again.address.bytes == address->bytes);
	check(memcmp(&again.address.socket, &address->socket, address->bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct address_parts untouched = {.host = "untouched"};
	struct address_parts parts = untouched;
	const char *problem = NULL;
	char *text = malloc(bytes + 1);
	int r;

	check(text != NULL);
	memcpy(text, data, bytes);
	text[bytes] = '\0';
	r = address_parse(text, &parts, &problem);
	if (r < 0) {
		check(r == -EINVAL && problem && *problem);
		check(memcmp(&parts, &untouched, sizeof(parts)) == 0);
	} else if (*parts.host == '\0' && !parts.any) {
		come_back(&parts.address);
	}
	free(text);
	return 0;
}
