/* SPDX-License-Identifier: MIT */

/* A ticker: an asynchronous generator that waits between its values and cleans up after itself, no
 * matter how its user goes away. */

#include <stdio.h>
#include <stdlib.h>

#include <weft/weft.h>

struct ticker {
	const char *name;
	weft_ns every;
};

static int tick(void *arg)
{
	const struct ticker *ticker = arg;
	int r = 0;

	printf("%s: opened\n", ticker->name);
	for (intptr_t n = 1; r == 0; n++) {
		r = weft_sleep(ticker->every);
		if (r == 0)
			r = weft_yield((void *)n, NULL);
	}
	/* The clean-up may wait, too. */
	if (r == WEFT_GENERATOR_EXIT && weft_sleep(0) == 0)
		printf("%s: closed\n", ticker->name);
	else
		printf("%s: %s\n", ticker->name, weft_strerror(r));
	return r;
}

/* Takes some ticks, and closes it. */
static int take_three(void)
{
	struct ticker ticker = {"first", WEFT_MS(10)};
	WEFT_AUTO(agen) ticks = NULL;
	void *n;
	int r;

	r = weft_agen_open(tick, &ticker, NULL, &ticks);
	if (r < 0)
		return r;
	while ((r = weft_agen_next(ticks, &n)) > 0) {
		printf("%s: tick %d at %lld ms\n", ticker.name, (int)(intptr_t)n,
			(long long)(weft_loop_time(weft_running_loop()) / WEFT_MS(1)));
		if ((intptr_t)n == 3)
			break;
	}
	return r < 0 ? r : weft_agen_close(ticks);
}

/* A cancellation arrives where the ticker waits. */
static int take_until_timeout(void)
{
	struct ticker ticker = {"second", WEFT_MS(40)};
	WEFT_AUTO(agen) ticks = NULL;
	void *n;
	int r;

	r = weft_agen_open(tick, &ticker, NULL, &ticks);
	if (r < 0)
		return r;
	WEFT_TIMEOUT(r, WEFT_MS(100))
		while ((r = weft_agen_next(ticks, &n)) > 0)
			printf("%s: tick %d\n", ticker.name, (int)(intptr_t)n);
	printf("%s: %s\n", ticker.name, weft_strerror(r));
	return 0;
}

/* Nobody closes this one: the end of weft_run() does. */
static weft_agen *forgotten;

static int forget_one(void)
{
	static struct ticker ticker = {"third", WEFT_MS(10)};
	int r = weft_agen_open(tick, &ticker, NULL, &forgotten);

	return r < 0 ? r : weft_agen_next(forgotten, NULL);
}

static int demo(void *unused)
{
	int r = take_three();

	(void)unused;
	if (r >= 0)
		r = take_until_timeout();
	if (r >= 0)
		r = forget_one();
	printf("done\n");
	return r < 0 ? r : 0;
}

int main(void)
{
	const struct weft_options options = {.clock = WEFT_CLOCK_VIRTUAL};
	int r = weft_run(demo, NULL, &options);

	weft_agen_release(forgotten);
	if (r < 0)
		fprintf(stderr, "%s\n", weft_strerror(r));
	return r < 0;
}
