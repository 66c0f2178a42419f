/* SPDX-License-Identifier: MIT */
/* "did you mean": the edit distance that counts a swap of neighbours as one slip (optimal string
 * alignment). A word counts as near where a third of its letters, or one, are wrong. */

#include "suggest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 48

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][WORD_MAX + 1];
	unsigned int *before = rows[0], *above = rows[1], *row = rows[2], *spare;
	size_t n = strlen(a), m = strlen(b);

	for (size_t j = 0; j <= m; j++)
		above[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			row[j] = least(above[j - 1] + (x != y), least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
				y == tolower((unsigned char)a[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[m];
}

void suggest_consider(struct suggest *suggest, const char *candidate)
{
	size_t length = strlen(suggest->written), other = strlen(candidate);
	unsigned int d, limit;

	if (length == 0 || length > WORD_MAX || other > WORD_MAX)
		return;

	limit = (unsigned int)(length > other ? length : other) / 3;
	d = distance(suggest->written, candidate);
	if (d > (limit ? limit : 1) || (suggest->best && d >= suggest->distance))
		return;

	suggest->best = candidate;
	suggest->distance = d;
}
