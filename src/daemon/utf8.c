/* SPDX-License-Identifier: MIT */
/* UTF-8, as far as a configuration reader and a log need it. */

#include "utf8.h"

#include <string.h>

size_t utf8_character(const char *text, size_t length)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t bytes;

	if (length == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;

	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		bytes = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		bytes = 3;
		low = s[0] == 0xe0 ? 0xa0 : 0x80;
		high = s[0] == 0xed ? 0x9f : 0xbf;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		bytes = 4;
		low = s[0] == 0xf0 ? 0x90 : 0x80;
		high = s[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (length < bytes || s[1] < low || s[1] > high)
		return 0;

	for (size_t i = 2; i < bytes; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return bytes;
}

int utf8_printable(const char *text, size_t bytes)
{
	const unsigned char *s = (const unsigned char *)text;

	if (bytes == 1)
		return s[0] >= 0x20 && s[0] != 0x7f;
	if (bytes == 2)
		return !(s[0] == 0xc2 && s[1] < 0xa0);
	return bytes > 0;
}

size_t utf8_cut(const char *text, size_t limit)
{
	size_t length = strnlen(text, limit + 1);

	if (length <= limit)
		return length;

	length = limit;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}
