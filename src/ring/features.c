/* SPDX-License-Identifier: MIT */
#include "features.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <weft/error.h>

/* A completion queue that is larger than what is usually submitted at once: multishot operations
 * fill it without being submitted. */
enum { SQ_ENTRIES = 1024, CQ_ENTRIES = 4096 };

static const char *const names[FEATURES] = {
	[FEATURE_SINGLE_ISSUER] = "single_issuer",
	[FEATURE_DEFER_TASKRUN] = "defer_taskrun",
	[FEATURE_COOP_TASKRUN] = "coop_taskrun",
	[FEATURE_TASKRUN_FLAG] = "taskrun_flag",
	[FEATURE_REGISTERED_RING] = "registered_ring",
	[FEATURE_MULTISHOT_ACCEPT] = "multishot_accept",
	[FEATURE_BUFFER_RING] = "buffer_ring",
	[FEATURE_MULTISHOT_RECV] = "multishot_recv",
	[FEATURE_CANCEL_FD] = "cancel_fd",
	[FEATURE_SPIN] = "spin",
};

#define BIT(feature) (1U << (feature))

/* The combinations worth trying, best first: each line needs an older kernel than the one before.
 */
static const unsigned setups[] = {
	BIT(FEATURE_SINGLE_ISSUER) | BIT(FEATURE_DEFER_TASKRUN) | BIT(FEATURE_TASKRUN_FLAG),
	BIT(FEATURE_SINGLE_ISSUER) | BIT(FEATURE_COOP_TASKRUN) | BIT(FEATURE_TASKRUN_FLAG),
	BIT(FEATURE_COOP_TASKRUN) | BIT(FEATURE_TASKRUN_FLAG),
	0,
};

int features_parse(const char *mask, unsigned *ret_masked, char *problem, size_t problem_bytes)
{
	unsigned masked = 0;

	while (mask && *mask) {
		size_t length = strcspn(mask, ",");
		int i;

		for (i = 0; i < FEATURES; i++)
			if (strlen(names[i]) == length && strncmp(mask, names[i], length) == 0)
				break;
		if (i == FEATURES) {
			snprintf(problem, problem_bytes,
				"ring_mask: there is no feature \"%.*s\": see weft(7) for their "
				"names",
				(int)length, mask);
			return -EINVAL;
		}
		masked |= BIT(i);
		mask += length;
		mask += *mask == ',';
	}
	*ret_masked = masked;
	return 0;
}

static unsigned setup_flags(unsigned features)
{
	unsigned flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;

	if (features & BIT(FEATURE_SINGLE_ISSUER))
		flags |= IORING_SETUP_SINGLE_ISSUER;
	if (features & BIT(FEATURE_DEFER_TASKRUN))
		flags |= IORING_SETUP_DEFER_TASKRUN;
	if (features & BIT(FEATURE_COOP_TASKRUN))
		flags |= IORING_SETUP_COOP_TASKRUN;
	if (features & BIT(FEATURE_TASKRUN_FLAG))
		flags |= IORING_SETUP_TASKRUN_FLAG;
	return flags;
}

/* Flags that need one another. */
static unsigned consistent(unsigned features)
{
	if (!(features & BIT(FEATURE_SINGLE_ISSUER)))
		features &= ~BIT(FEATURE_DEFER_TASKRUN);
	if (!(features & (BIT(FEATURE_DEFER_TASKRUN) | BIT(FEATURE_COOP_TASKRUN))))
		features &= ~BIT(FEATURE_TASKRUN_FLAG);
	return features;
}

static int io_uring_disabled(void)
{
	FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	int value = 0;

	if (file) {
		if (fscanf(file, "%d", &value) != 1)
			value = 0;
		fclose(file);
	}
	return value;
}

/* Why io_uring_setup() says no, and what to do about it. */
static void explain(int r, char *problem, size_t bytes)
{
	const char *why;
	int disabled;

	switch (r) {
	case -EPERM:
		disabled = io_uring_disabled();
		why = disabled == 2 ? "kernel.io_uring_disabled is 2; set it to 0 with sysctl"
		      : disabled == 1
			      ? "kernel.io_uring_disabled is 1 and this user may not; set it "
				"to 0, or join kernel.io_uring_group"
			      : "seccomp refuses it, as container runtimes do by default; allow "
				"io_uring_setup, io_uring_enter and io_uring_register in the "
				"profile";
		break;
	case -ENOSYS:
		why = "the kernel has no io_uring, or a seccomp profile pretends so; Linux 5.19 or "
		      "newer is needed";
		break;
	case -ENOMEM:
		why = "memory is short, or RLIMIT_MEMLOCK too low: raise ulimit -l, or "
		      "LimitMEMLOCK= in a "
		      "unit";
		break;
	case -EMFILE:
	case -ENFILE:
		why = "no file descriptor is free; raise ulimit -n";
		break;
	default:
		why = "see io_uring_setup(2)";
	}
	snprintf(problem, bytes, "io_uring is refused: %s (%s)", weft_strerror(r), why);
}

static unsigned probe(struct io_uring *io, unsigned masked)
{
	struct io_uring_probe *ops = io_uring_get_probe_ring(io);
	unsigned features = 0;

	if (!ops)
		return 0;
	/* Multishot flags cannot be asked for; an operation of the same release can. */
	if (io_uring_opcode_supported(ops, IORING_OP_SOCKET))
		features |= BIT(FEATURE_MULTISHOT_ACCEPT) | BIT(FEATURE_BUFFER_RING) |
			    BIT(FEATURE_CANCEL_FD);
	if (io_uring_opcode_supported(ops, IORING_OP_SEND_ZC))
		features |= BIT(FEATURE_MULTISHOT_RECV);
	io_uring_free_probe(ops);

	features &= ~masked;
	if (!(features & BIT(FEATURE_BUFFER_RING)))
		features &= ~BIT(FEATURE_MULTISHOT_RECV);
	return features;
}

int features_open(struct io_uring *io, unsigned masked, unsigned *ret_features, char *problem,
	size_t problem_bytes)
{
	unsigned features = 0;
	int r = -EINVAL;

	for (size_t i = 0; r == -EINVAL && i < sizeof(setups) / sizeof(setups[0]); i++) {
		struct io_uring_params params = {.cq_entries = CQ_ENTRIES};

		features = consistent(setups[i] & ~masked);
		params.flags = setup_flags(features);
		r = io_uring_queue_init_params(SQ_ENTRIES, io, &params);
	}
	if (r < 0) {
		explain(r, problem, problem_bytes);
		return r;
	}
	if (!(io->features & IORING_FEAT_NODROP) || !(io->features & IORING_FEAT_EXT_ARG)) {
		snprintf(problem, problem_bytes,
			"this kernel's io_uring is too old: Linux 5.19 or newer is needed");
		io_uring_queue_exit(io);
		return -ENOSYS;
	}
	io_uring_ring_dontfork(io);
	if (!(masked & BIT(FEATURE_REGISTERED_RING)) && io_uring_register_ring_fd(io) == 1)
		features |= BIT(FEATURE_REGISTERED_RING);
	/* It needs the flag to look at, and another processor that raises it. */
	if (features & BIT(FEATURE_TASKRUN_FLAG) && !(masked & BIT(FEATURE_SPIN)) &&
		sysconf(_SC_NPROCESSORS_ONLN) > 1)
		features |= BIT(FEATURE_SPIN);
	*ret_features = features | probe(io, masked);
	return 0;
}

void features_describe(unsigned features, char *line, size_t bytes)
{
	struct utsname kernel;
	int n;

	uname(&kernel);
	kernel.release[strcspn(kernel.release, "-+")] = '\0';
	n = snprintf(line, bytes, "io_uring: kernel %s", kernel.release);
	for (int i = 0; i < FEATURES; i++)
		if (features & BIT(i) && n >= 0 && (size_t)n < bytes)
			n += snprintf(line + n, bytes - (size_t)n, " %s", names[i]);
}
