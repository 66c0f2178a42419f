/* SPDX-License-Identifier: MIT */
/* Runs a program for which io_uring_setup(2) fails, as it does in containers:
 *
 *	seccomp EPERM|ENOSYS|ENOMEM PROGRAM [ARGUMENT]... */

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CANNOT 77 /* seccomp itself is refused: meson's word for a test that is skipped */

static int number_of(const char *word)
{
	if (strcmp(word, "EPERM") == 0)
		return EPERM;
	if (strcmp(word, "ENOSYS") == 0)
		return ENOSYS;
	return strcmp(word, "ENOMEM") == 0 ? ENOMEM : -1;
}

int main(int argc, char *argv[])
{
	int number = argc > 2 ? number_of(argv[1]) : -1;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)number),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};

	if (number < 0) {
		fprintf(stderr, "usage: seccomp EPERM|ENOSYS|ENOMEM PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return CANNOT;

	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 2;
}
