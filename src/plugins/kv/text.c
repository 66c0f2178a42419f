/* SPDX-License-Identifier: MIT */
/* Words, decimal integers and patterns in text that is not terminated. */

#include "text.h"

#include <string.h>
#include <strings.h>

bool slice_is(struct slice text, const char *word)
{
	return strlen(word) == text.bytes && strncasecmp(text.data, word, text.bytes) == 0;
}

bool slice_integer(struct slice text, int64_t *ret_value)
{
	const char *s = text.data, *end = s + text.bytes;
	const bool negative = text.bytes > 0 && *s == '-';
	uint64_t value = 0;

	s += negative;
	if (s == end || end - s > INTEGER_BYTES - 1)
		return false;
	if (*s == '0') {
		if (negative || end - s > 1)
			return false;
		*ret_value = 0;
		return true;
	}

	/* 19 digits do not overflow 64 bits. */
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return false;
		value = value * 10 + (uint64_t)(*s - '0');
	}
	if (value > (uint64_t)INT64_MAX + negative)
		return false;
	*ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}

size_t integer_format(int64_t value, char buf[INTEGER_BYTES])
{
	char digits[INTEGER_BYTES], *s = digits + sizeof digits;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		*--s = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--s = '-';

	size_t n = (size_t)(digits + sizeof digits - s);
	memcpy(buf, s, n);
	return n;
}

/* Matches one character against the pattern's next element, which is not a '*', and moves behind
 * it. */
static bool match_one(const char **pattern, const char *end, char c)
{
	const char *p = *pattern;
	bool match = false, negated;

	if (*p != '[') {
		if (*p == '\\' && end - p > 1) {
			p++;
			match = *p == c;
		} else {
			match = *p == '?' || *p == c;
		}
		*pattern = p + 1;
		return match;
	}

	p++;
	negated = p < end && *p == '^';
	p += negated;
	for (; p < end && *p != ']'; p++) {
		if (*p == '\\' && end - p > 1) {
			p++;
			match |= *p == c;
		} else if (end - p > 2 && p[1] == '-') {
			const unsigned char from = (unsigned char)p[0], to = (unsigned char)p[2];
			const unsigned char x = (unsigned char)c;

			match |= from <= to ? from <= x && x <= to : to <= x && x <= from;
			p += 2;
		} else {
			match |= *p == c;
		}
	}
	*pattern = p < end ? p + 1 : end; /* a class without its ']' ends with the pattern */
	return match != negated;
}

bool slice_glob(struct slice pattern, struct slice text)
{
	const char *p = pattern.data, *p_end = p + pattern.bytes;
	const char *t = text.data, *t_end = t + text.bytes;
	const char *star = NULL, *star_text = NULL;

	/* Only the last '*' needs to be tried with more text: what an earlier one could take, it
	 * can take as well. That keeps hostile patterns from exploding. */
	while (t < t_end) {
		if (p < p_end && *p == '*') {
			star = ++p;
			star_text = t;
		} else if (p < p_end && match_one(&p, p_end, *t)) {
			t++;
		} else if (star) {
			p = star;
			t = ++star_text;
		} else {
			return false;
		}
	}
	while (p < p_end && *p == '*')
		p++;
	return p == p_end;
}
