/* SPDX-License-Identifier: MIT */
/* A program outside of the tree, C and C++: the install test builds it with pkg-config alone. */
#include <stdio.h>
#include <weft/weft.h>

static int work(void *arg)
{
	int r = weft_sleep(WEFT_MS(1));

	(void)arg;
	if (r == 0)
		puts("slept, and woke");
	return r;
}

int main(void)
{
	return weft_run(work, NULL, NULL) == 0 ? 0 : 1;
}
