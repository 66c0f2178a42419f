/* SPDX-License-Identifier: MIT */
/* The command line, with getopt_long(3). */

#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <weft/plugin.h>

#include "exits.h"
#include "log.h"
#include "memory.h"
#include "module.h"
#include "suggest.h"

static const char help[] =
	"Usage: weftd [OPTION]...\n"
	"Runs the plugins that an ini file names, in the foreground.\n"
	"\n"
	"  -c, --config FILE       the ini file (default: " WEFTD_CONFIG_FILE ")\n"
	"  -p, --plugin-path DIRS  folders to search for modules first, ':' between them\n"
	"      --check             check the ini file and the modules that it names, and end\n"
	"  -h, --help              show this, and end\n"
	"  -V, --version           show the version, and end\n"
	"\n"
	"Exit status: 0 stopped as asked, or nothing to complain about; 1 faults in the\n"
	"configuration; 2 wrong usage; 3 no event loop (io_uring is refused); 4 a plugin failed;\n"
	"5 tasks did not end within stop_timeout.\n"
	"\n"
	"See weftd(8), weftd.ini(5), weft-plugin(7).\n";

enum { OPTION_CHECK = 256 };

static const struct option longs[] = {
	{"config", required_argument, NULL, 'c'},
	{"plugin-path", required_argument, NULL, 'p'},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

/* What getopt_long() has refused with '?'. `word` is the argument that it stands in. */
static void report_unknown(const char *word)
{
	AUTO_FREE char *name = NULL;
	struct suggest suggest;
	size_t length;

	/* The long option is known: it was given too much. */
	if (optopt && strncmp(word, "--", 2) == 0) {
		log_plain("weftd: %.*s takes no value; see weftd --help", (int)strcspn(word, "="),
			word);
		return;
	}
	if (optopt) {
		log_plain("weftd: unknown option -%c; see weftd --help", optopt);
		return;
	}

	length = strcspn(word, "=");
	name = memory_copy(word + 2, length - 2);
	suggest = SUGGEST(name);
	for (const struct option *option = longs; option->name; option++)
		suggest_consider(&suggest, option->name);
	if (suggest.best)
		log_plain("weftd: unknown option --%s: did you mean --%s?", name, suggest.best);
	else
		log_plain("weftd: unknown option --%s; see weftd --help", name);
}

int options_parse(int argc, char *argv[], struct options *ret_options, int *ret_exit)
{
	struct options options = {.config_file = WEFTD_CONFIG_FILE};
	int c, before;

	for (;;) {
		before = optind;
		c = getopt_long(argc, argv, "+:c:p:hV", longs, NULL);
		if (c < 0)
			break;
		switch (c) {
		case 'c':
			options.config_file = optarg;
			break;
		case 'p':
			options.plugin_path = optarg;
			break;
		case OPTION_CHECK:
			options.check = true;
			break;
		case 'h':
			fputs(help, stdout);
			*ret_exit = EXIT_DONE;
			return 0;
		case 'V':
			printf("weftd %s (libweft %s, plugin ABI %d to %d)\n", WEFT_VERSION,
				weft_version(), MODULE_ABI_MIN, MODULE_ABI_MAX);
			*ret_exit = EXIT_DONE;
			return 0;
		case ':':
			log_plain("weftd: %s needs a value behind it; see weftd --help",
				argv[optind - 1]);
			*ret_exit = EXIT_USAGE;
			return 0;
		default:
			report_unknown(argv[before]);
			*ret_exit = EXIT_USAGE;
			return 0;
		}
	}
	if (optind < argc) {
		log_plain("weftd: '%s' is no option: an ini file is named with -c FILE",
			argv[optind]);
		*ret_exit = EXIT_USAGE;
		return 0;
	}

	*ret_options = options;
	return 1;
}
