/* SPDX-License-Identifier: MIT */

/* A closed-loop load generator for echo servers: so many connections, so many messages in flight on
 * each, a new message for every one that came back. Checks every byte that comes back.
 *
 *	load --target PORT:PID... [--connections N] [--depth N] [--size BYTES]
 *	     [--rounds N] [--warmup MS] [--slice MS | --count MESSAGES]
 *	load --target PORT:PID --idle [--connections N] [--size BYTES]
 *
 * With several targets it stays connected to all and turns from one to the next, a slice of time
 * each, so that the machine's changes of speed meet all of them alike. Prints one line of JSON: for
 * each target, for each round, the server's CPU time per message (by its process id), messages per
 * second, and the load generator's own CPU time per message.
 *
 * It has to be cheaper than the servers, or all of them look alike: multishot receives, registered
 * descriptors, and it sleeps until several answers are there.
 *
 * With --idle it opens the connections, says "connected", waits for a line on standard input, has
 * one message echoed on each, says "used", and holds them until standard input ends. Every message
 * ends with the only '\n' in it: so it is a line as well.
 *
 * The invariant: of each connection `sent` counts the bytes handed to the kernel and `received`
 * those that came back; the stream is a repetition of `pattern`, so these two say which bytes come
 * next. Between two slices all that was sent has come back. */

#include "bench.h"

#include <getopt.h>
#include <liburing.h>
#include <stdbool.h>
#include <unistd.h>

enum {
	TARGETS = 8,
	BUFFERS = 1024,
	BUFFERS_BYTES = 4 << 20,
	BUFFER_BYTES_MAX = 65536,
	WAIT_FOR = 16
};

/* In the lowest bit of the user data; the rest is the connection. */
enum kind { RECEIVE, SEND, KIND_MASK = 1 };

struct connection {
	int fd;
	bool sending;
	uint64_t sent, received; /* bytes; both begin at a message of the connection's own */
	size_t due;		 /* bytes that may be sent when the send in flight is done */
};

struct target {
	int port;
	pid_t pid;
	struct connection *connections;
	/* by round */
	double *server_us, *load_us, *rate, *busy;
};

static struct {
	struct target targets[TARGETS];
	int target_count;
	int connections;
	size_t depth;
	size_t size;
	bool idle;
	int rounds;
	int64_t warmup_ns, slice_ns;
	uint64_t count;
} opt = {.connections = 64,
	.depth = 1,
	.size = 64,
	.rounds = 1,
	.warmup_ns = 20000000,
	.slice_ns = 100000000};

static struct io_uring ring;
static struct connection *all; /* of every target; the index is the registered descriptor's */
static struct io_uring_buf_ring *buffer_ring;
static char *buffers;
static size_t buffer_bytes;
static int buffer_count;
static char *pattern;
static size_t pattern_bytes; /* a whole number of messages; repeated so that any part of it
				that is sent or compared at once lies in one piece */
static uint64_t messages;    /* that came back */
static uint64_t flying;	     /* messages that did not yet */
static bool pausing;	     /* nothing new is sent */

static void open_pattern(void)
{
	/* More messages than are ever in flight, and an odd number of them. */
	size_t n = opt.depth + 13 + opt.depth % 2, total;
	uint64_t random = 88172645463325252u;

	pattern_bytes = n * opt.size;
	total = pattern_bytes + opt.depth * opt.size + BUFFER_BYTES_MAX;
	pattern = malloc(total);
	if (!pattern)
		bench_die("malloc", ENOMEM);
	for (size_t i = 0; i < total; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		if (i >= pattern_bytes)
			pattern[i] = pattern[i - pattern_bytes];
		else if (i % opt.size == opt.size - 1)
			pattern[i] = '\n';
		else
			pattern[i] = 'a' + random % 26;
	}
}

static void open_buffers(void)
{
	struct io_uring_buf_reg registration = {0};
	size_t ring_bytes;
	int r;

	buffer_bytes = opt.depth * opt.size;
	if (buffer_bytes > BUFFER_BYTES_MAX)
		buffer_bytes = BUFFER_BYTES_MAX;
	/* An odd number of cache lines: so buffers do not compete for the same ones. */
	buffer_bytes = (buffer_bytes + 63) / 64 * 64 | 64;
	buffer_count = BUFFERS;
	while (buffer_count * buffer_bytes > BUFFERS_BYTES)
		buffer_count /= 2;

	ring_bytes = buffer_count * sizeof(struct io_uring_buf);
	buffer_ring = aligned_alloc(4096, (ring_bytes + 4095) / 4096 * 4096);
	buffers = aligned_alloc(64, buffer_count * buffer_bytes);
	if (!buffer_ring || !buffers)
		bench_die("buffers", ENOMEM);
	registration.ring_addr = (uintptr_t)buffer_ring;
	registration.ring_entries = buffer_count;
	r = io_uring_register_buf_ring(&ring, &registration, 0);
	if (r < 0)
		bench_die("io_uring_register_buf_ring", -r);
	io_uring_buf_ring_init(buffer_ring);
	for (int i = 0; i < buffer_count; i++)
		io_uring_buf_ring_add(buffer_ring, buffers + i * buffer_bytes, buffer_bytes, i,
			io_uring_buf_ring_mask(buffer_count), i);
	io_uring_buf_ring_advance(buffer_ring, buffer_count);
}

static struct io_uring_sqe *next_sqe(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe) {
		io_uring_submit(&ring);
		sqe = io_uring_get_sqe(&ring);
	}
	return sqe;
}

static void receive(struct connection *c)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_recv_multishot(sqe, c - all, NULL, 0, 0);
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
	io_uring_sqe_set_data64(sqe, (uintptr_t)c | RECEIVE);
}

static void send_due(struct connection *c)
{
	struct io_uring_sqe *sqe;

	if (c->sending || pausing || !c->due)
		return;
	sqe = next_sqe();
	io_uring_prep_send(sqe, c - all, pattern + c->sent % pattern_bytes, c->due,
		MSG_NOSIGNAL | MSG_WAITALL);
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, (uintptr_t)c | SEND);
	if (opt.depth == 1)
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS; /* the answer tells as much */
	else
		c->sending = true;
	flying += c->due / opt.size;
	c->sent += c->due;
	c->due = 0;
}

static void lost(int result, const char *what)
{
	if (result < 0)
		bench_die(what, -result);
	fprintf(stderr, "load: the server closed a connection\n");
	exit(1);
}

static void came_back(struct connection *c, const char *data, size_t n)
{
	uint64_t before = c->received / opt.size, came;

	if (memcmp(data, pattern + c->received % pattern_bytes, n)) {
		fprintf(stderr, "load: what came back is not what was sent (%zu bytes from %llu)\n",
			n, (unsigned long long)c->received);
		exit(1);
	}
	c->received += n;
	if (c->received > c->sent) {
		fprintf(stderr, "load: more came back than was sent\n");
		exit(1);
	}
	came = c->received / opt.size - before;
	messages += came;
	flying -= came;
	c->due += came * opt.size;
}

/* Returns how many buffers it has given back. */
static int dispatch(const struct io_uring_cqe *cqe, int given_back)
{
	struct connection *c = (void *)(uintptr_t)(cqe->user_data & ~(uint64_t)KIND_MASK);
	int buffer = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

	if ((cqe->user_data & KIND_MASK) == SEND) {
		if (cqe->res < 0)
			lost(cqe->res, "send");
		c->sending = false;
		send_due(c);
		return 0;
	}
	if (cqe->res > 0) {
		came_back(c, buffers + buffer * buffer_bytes, cqe->res);
		io_uring_buf_ring_add(buffer_ring, buffers + buffer * buffer_bytes, buffer_bytes,
			buffer, io_uring_buf_ring_mask(buffer_count), given_back);
		send_due(c);
	} else if (cqe->res != -ENOBUFS) {
		lost(cqe->res, "recv");
	}
	if (!(cqe->flags & IORING_CQE_F_MORE))
		receive(c);
	return cqe->res > 0;
}

/* Submits, waits for so many completions, handles all that there are. */
static void turn(unsigned wait_for)
{
	struct io_uring_cqe *cqe;
	unsigned head, n = 0;
	int given_back = 0, r = io_uring_submit_and_wait(&ring, wait_for);

	if (r < 0 && r != -EINTR)
		bench_die("io_uring_submit_and_wait", -r);
	io_uring_for_each_cqe(&ring, head, cqe)
	{
		given_back += dispatch(cqe, given_back);
		n++;
	}
	io_uring_cq_advance(&ring, n);
	io_uring_buf_ring_advance(buffer_ring, given_back);
}

static void run_until(int64_t end_ns, uint64_t end_count)
{
	/* Every connection has an answer to come, so this many will. */
	int wait_for = opt.connections / 4 < WAIT_FOR ? opt.connections / 4 : WAIT_FOR;

	while (messages < end_count && bench_now_ns() < end_ns)
		turn(wait_for ? wait_for : 1);
}

static int open_connection(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	/* Resetting at the end leaves no ports behind in TIME_WAIT. */
	struct linger reset = {.l_onoff = 1};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		bench_die("socket", errno);
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
		bench_die("TCP_NODELAY", errno);
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		bench_die("SO_LINGER", errno);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		bench_die("connect", errno);
	return fd;
}

static void open_connections(void)
{
	all = calloc((size_t)opt.target_count * opt.connections, sizeof(*all));
	if (!all)
		bench_die("calloc", ENOMEM);
	for (int t = 0; t < opt.target_count; t++) {
		struct target *target = &opt.targets[t];

		target->connections = all + (size_t)t * opt.connections;
		for (int i = 0; i < opt.connections; i++) {
			struct connection *c = &target->connections[i];

			c->fd = open_connection(target->port);
			c->sent = c->received = (size_t)i * opt.size;
			c->due = opt.depth * opt.size;
		}
	}
}

static void say(const char *word)
{
	printf("%s\n", word);
	fflush(stdout);
}

static int hold_idle(void)
{
	char line[16], *answer = malloc(opt.size);

	if (!answer)
		bench_die("malloc", ENOMEM);
	say("connected");
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	for (int i = 0; i < opt.connections; i++) {
		struct connection *c = &all[i];
		const char *message = pattern + c->sent % pattern_bytes;

		if (send(c->fd, message, opt.size, MSG_NOSIGNAL) != (ssize_t)opt.size)
			bench_die("send", errno);
		if (recv(c->fd, answer, opt.size, MSG_WAITALL) != (ssize_t)opt.size)
			bench_die("recv", errno);
		if (memcmp(answer, message, opt.size))
			lost(-EBADMSG, "echo");
	}
	say("used");
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}

static void add_target(char *text)
{
	char *colon = strchr(text, ':');
	struct target *target = &opt.targets[opt.target_count++];

	if (!colon || opt.target_count > TARGETS) {
		fprintf(stderr, "load: --target: \"%s\" is not PORT:PID, or the ninth\n", text);
		exit(2);
	}
	*colon = '\0';
	target->port = bench_number(text, "--target");
	target->pid = bench_number(colon + 1, "--target");
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {{"target", 1, NULL, 't'},
		{"connections", 1, NULL, 'c'}, {"depth", 1, NULL, 'd'}, {"size", 1, NULL, 's'},
		{"idle", 0, NULL, 'i'}, {"rounds", 1, NULL, 'r'}, {"warmup", 1, NULL, 'w'},
		{"slice", 1, NULL, 'S'}, {"count", 1, NULL, 'n'}, {0}};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 't':
			add_target(optarg);
			break;
		case 'c':
			opt.connections = bench_number(optarg, "--connections");
			break;
		case 'd':
			opt.depth = bench_number(optarg, "--depth");
			break;
		case 's':
			opt.size = bench_number(optarg, "--size");
			break;
		case 'i':
			opt.idle = true;
			break;
		case 'r':
			opt.rounds = bench_number(optarg, "--rounds");
			break;
		case 'w':
			opt.warmup_ns = bench_number(optarg, "--warmup") * INT64_C(1000000);
			break;
		case 'S':
			opt.slice_ns = bench_number(optarg, "--slice") * INT64_C(1000000);
			break;
		case 'n':
			opt.count = bench_number(optarg, "--count");
			break;
		default:
			exit(2);
		}
	}
	if (!opt.target_count || !opt.connections || !opt.depth || !opt.rounds || opt.size < 2 ||
		optind < argc) {
		fprintf(stderr, "load: a --target is needed, the other numbers must not be 0, and "
				"a message has at least 2 bytes\n");
		exit(2);
	}
}

static int64_t cpu_of(const struct target *target)
{
	clockid_t clock;
	int r = clock_getcpuclockid(target->pid, &clock);

	if (r)
		bench_die("the server's process", r);
	return bench_clock_ns(clock);
}

static void measure(struct target *target, int round)
{
	int64_t wall_ns, cpu_ns, own_ns;
	uint64_t before;

	pausing = false;
	for (int i = 0; i < opt.connections; i++)
		send_due(&target->connections[i]);
	run_until(bench_now_ns() + opt.warmup_ns, UINT64_MAX);

	before = messages;
	own_ns = bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	cpu_ns = cpu_of(target);
	wall_ns = bench_now_ns();
	if (opt.count)
		run_until(INT64_MAX, before + opt.count);
	else
		run_until(wall_ns + opt.slice_ns, UINT64_MAX);
	wall_ns = bench_now_ns() - wall_ns;
	cpu_ns = cpu_of(target) - cpu_ns;
	own_ns = bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_ns;
	before = messages - before;

	pausing = true;
	while (flying)
		turn(1);
	target->server_us[round] = cpu_ns / 1e3 / before;
	target->load_us[round] = own_ns / 1e3 / before;
	target->rate[round] = before * 1e9 / wall_ns;
	target->busy[round] = (double)cpu_ns / wall_ns;
}

static void measure_all(void)
{
	for (int t = 0; t < opt.target_count; t++) {
		struct target *target = &opt.targets[t];

		target->server_us = calloc(4 * (size_t)opt.rounds, sizeof(double));
		if (!target->server_us)
			bench_die("calloc", ENOMEM);
		target->load_us = target->server_us + opt.rounds;
		target->rate = target->load_us + opt.rounds;
		target->busy = target->rate + opt.rounds;
	}
	for (int i = 0; i < opt.target_count * opt.connections; i++)
		receive(&all[i]);
	for (int round = 0; round < opt.rounds; round++)
		for (int t = 0; t < opt.target_count; t++)
			measure(&opt.targets[t], round);
}

static void print_row(const char *name, const double *row, const char *after)
{
	printf("\"%s\": [", name);
	for (int i = 0; i < opt.rounds; i++)
		printf("%s%.6g", i ? ", " : "", row[i]);
	printf("]%s", after);
}

static void print_all(void)
{
	putchar('[');
	for (int t = 0; t < opt.target_count; t++) {
		const struct target *target = &opt.targets[t];

		putchar('{');
		print_row("server_us", target->server_us, ", ");
		print_row("load_us", target->load_us, ", ");
		print_row("rate", target->rate, ", ");
		print_row("busy", target->busy, t + 1 < opt.target_count ? "}, " : "}");
	}
	puts("]");
}

static void open_ring(void)
{
	struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
						  IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
		.cq_entries = 32768};
	int r = io_uring_queue_init_params(4096, &ring, &params);
	int n = opt.target_count * opt.connections, *fds;

	if (r < 0)
		bench_die("io_uring_queue_init_params", -r);
	io_uring_register_ring_fd(&ring);
	fds = calloc(n, sizeof(*fds));
	if (!fds)
		bench_die("calloc", ENOMEM);
	for (int i = 0; i < n; i++)
		fds[i] = all[i].fd;
	r = io_uring_register_files(&ring, fds, n);
	if (r < 0)
		bench_die("io_uring_register_files", -r);
	free(fds);
	open_buffers();
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	bench_raise_nofile();
	open_pattern();
	open_connections();
	if (opt.idle)
		return hold_idle();
	open_ring();
	measure_all();
	print_all();
	return 0;
}
