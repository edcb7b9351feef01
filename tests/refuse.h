/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/refuse.h: a kernel without one of its system calls, by seccomp(2). */

#ifndef WEIR_TESTS_REFUSE_H
#define WEIR_TESTS_REFUSE_H

#include <stdbool.h>
#if __has_include(<linux/filter.h>) && __has_include(<linux/seccomp.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#define REFUSE_BY_FILTER 1
#endif
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

/* From here on the call of that number fails in this process with `error`. Returns: whether that
 * could be done: not under an emulator, nor with a C library that lacks the kernel's headers. */
static inline bool refuse_call(unsigned number, unsigned error)
{
#ifdef REFUSE_BY_FILTER
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
    (void)number;
    (void)error;
    return false;
#endif
}

#endif /* WEIR_TESTS_REFUSE_H */
