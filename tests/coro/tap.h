/* SPDX-License-Identifier: MIT */
#pragma once

/* The tests of this folder also run where cmocka is not to be had: cross-compiled, in an emulator.
 * A failed CHECK is noted and the test goes on, since it may stand on a coroutine's stack. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct tap_test {
	const char *name;
	void (*run)(void);
};

static bool tap_failed;
static const char *tap_skip_reason;

#define CHECK(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			tap_failed = true;                                                 \
		}                                                                          \
	} while (0)
#define SKIP(reason) (tap_skip_reason = (reason))
#define TEST(function)              \
	{                           \
#function, function \
	}

static int tap_main(
	const struct tap_test *tests, size_t n, void (*before)(void), void (*after)(void))
{
	int failures = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		tap_failed = false;
		tap_skip_reason = NULL;
		before();
		tests[i].run();
		after();
		failures += tap_failed;
		printf("%sok %zu - %s%s%s\n", tap_failed ? "not " : "", i + 1, tests[i].name,
			tap_skip_reason ? " # SKIP " : "", tap_skip_reason ? tap_skip_reason : "");
	}
	return failures ? 1 : 0;
}
