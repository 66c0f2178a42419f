/* SPDX-License-Identifier: MIT */
/* A handler before the loop's own. The loop delivers signals when it turns, and a plugin that spins
 * keeps it from turning: the second signal must not depend on it. */

#include "stop_signal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "exits.h"

static const int signals[] = {SIGTERM, SIGINT};
static struct sigaction of_loop[sizeof(signals) / sizeof(*signals)];
static volatile sig_atomic_t first;

static void caught(int signo)
{
	static const char text[] =
		"weftd: a second signal: ending at once, plugins are not waited for\n";
	int kept = errno;

	if (first) {
		/* Nothing can be done about a log that cannot be written. */
		if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
			_exit(EXIT_STUCK);
		_exit(EXIT_STUCK);
	}
	first = signo;
	of_loop[signo == signals[0] ? 0 : 1].sa_handler(signo);
	errno = kept;
}

int stop_signal_open(weft_loop *loop, void (*fn)(void *arg), void *arg)
{
	struct sigaction action;
	int r;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		r = weft_add_signal_handler(loop, signals[i], fn, arg);
		if (r < 0)
			return r;
		sigaction(signals[i], NULL, &of_loop[i]);
		action = of_loop[i];
		action.sa_handler = caught;
		sigaction(signals[i], &action, NULL);
	}
	return 0;
}

void stop_signal_close(weft_loop *loop)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		weft_remove_signal_handler(loop, signals[i]);
}

const char *stop_signal_name(void)
{
	if (first == SIGTERM)
		return "SIGTERM";
	return first == SIGINT ? "SIGINT" : NULL;
}
