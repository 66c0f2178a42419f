/* SPDX-License-Identifier: MIT */
/* weftd: from the command line to the exit status, top down. Two coroutines do the work: the
 * supervisor, and the host of the plugins. They share a socket and nothing else, so that the host
 * can become a process of its own. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/plugin.h>

#include "config.h"
#include "exits.h"
#include "faults.h"
#include "host.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "options.h"
#include "supervise.h"

static void prepare_process(void)
{
	struct rlimit files;

	/* A connection that got number 2 would be sent the log. */
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			_exit(EXIT_CONFIG);

	/* Peers that go away are errors of a call, not the end of the process. */
	signal(SIGPIPE, SIG_IGN);

	/* The soft limit, 1024 mostly, is for programs that use select(). */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* Until the task has ended, whoever stops the loop. */
static int run_task(weft_loop *loop, weft_task *task, int *ret)
{
	int r;

	while ((r = weft_loop_run_until_complete(loop, weft_task_future(task), ret)) == -ECANCELED)
		log_warning("a plugin has stopped the loop, which is not its own: going on");
	return r;
}

/* Runs host and supervisor until the latter has its verdict. */
static int run(weft_loop *loop, const struct config *config, struct host *host)
{
	WEFT_AUTO(task) host_task = NULL;
	WEFT_AUTO(task) supervisor = NULL;
	const struct weft_task_options host_options = {.name = "host"};
	const struct weft_task_options supervisor_options = {.name = "supervisor"};
	struct supervise supervise = {.config = config};
	struct host_run host_run = {.host = host};
	int ends[2], r, code = EXIT_PLUGIN;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
		log_error("no sockets for the plugins' host: %s", strerror(errno));
		return code;
	}
	supervise.fd = ends[0];
	host_run.fd = ends[1];

	r = weft_create_task_with(&supervisor_options, supervise_main, &supervise, &supervisor);
	if (r == 0)
		r = weft_create_task_with(&host_options, host_main, &host_run, &host_task);
	if (r == 0)
		r = run_task(loop, supervisor, &code);
	/* Tasks that do not end may still be in the midst of anything: nothing is torn down under
	 * them. */
	if (code == EXIT_STUCK)
		_exit(code);
	if (r == 0)
		r = run_task(loop, host_task, NULL);
	if (r < 0) {
		log_error("the loop cannot run: %s", weft_strerror(r));
		return EXIT_PLUGIN;
	}
	return code;
}

static int serve(const struct config *config, struct host *host)
{
	const struct weft_options options = {.ring = config->ring};
	WEFT_AUTO(loop) loop = NULL;
	int code;

	if (weft_loop_open(&options, &loop) < 0) {
		log_error("no event loop: %s", weft_loop_open_error());
		return EXIT_LOOP;
	}
	log_info("weftd %s, %s", WEFT_VERSION, weft_loop_features(loop));
	notify_open();
	code = run(loop, config, host);
	notify_close();
	return code;
}

int main(int argc, char *argv[])
{
	struct faults faults = {0};
	struct options options;
	struct config config;
	struct host *host;
	int code;

	prepare_process();
	log_open();
	if (!options_parse(argc, argv, &options, &code))
		return code;

	config_read(&config, options.config_file, options.plugin_path, &faults);
	host = host_open(&config, &faults);
	if (faults.n > 0) {
		faults_report(&faults);
		code = EXIT_CONFIG;
	} else if (options.check) {
		AUTO_FREE char *plugins = host_describe(host);

		printf("%s: fine: %s\n", config.file, plugins);
		code = EXIT_DONE;
	} else {
		log_set_level(config.log_level);
		code = serve(&config, host);
	}

	host_close(host);
	config_done(&config);
	faults_done(&faults);
	return code;
}
