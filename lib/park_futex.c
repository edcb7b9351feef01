/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/park_futex.c: lib/park.h for Linux, unless WEIR_PARK_PTHREAD is defined
 * (./configure --with-park=pthread). */

#include "park.h"

#ifndef WEIR_PARK_PTHREAD

#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux's numbers; <linux/futex.h> is not everywhere. With a bitset the time is absolute, and of
 * the monotonic clock. */
enum { WAKE_PRIVATE = 1 | 128, WAIT_BITSET_PRIVATE = 9 | 128 };
#define MATCH_ANY UINT32_MAX

/* What the system calls want, whatever the C library's time_t is. A 64-bit machine has the first
 * alone, newer 32-bit ones the second alone; elsewhere the second came with Linux 5.1. */
#ifdef SYS_futex
#if defined(__x86_64__) && defined(__ILP32__)
typedef int64_t old_word;
#else
typedef long old_word;
#endif
typedef struct old_time {
    old_word sec, nsec;
} old_time;

/* Seconds that do not fit become the last ones that do. */
static long futex_old(WEIR_ATOMIC(uint32_t) * word, uint32_t expected, uint64_t deadline)
{
    const uint64_t sec = deadline / 1000000000;
    const uint64_t most = UINT64_MAX >> (65 - 8 * sizeof(old_word));
    const old_time until = {(old_word)(sec < most ? sec : most), (old_word)(deadline % 1000000000)};

    return syscall(SYS_futex, word, WAIT_BITSET_PRIVATE, expected,
                   deadline == WEIR_FOREVER ? NULL : &until, NULL, MATCH_ANY);
}
#endif

#ifdef SYS_futex_time64
typedef struct kernel_time {
    int64_t sec, nsec;
} kernel_time;

static long futex_wait(WEIR_ATOMIC(uint32_t) * word, uint32_t expected, uint64_t deadline)
{
    const kernel_time until = {(int64_t)(deadline / 1000000000), (int64_t)(deadline % 1000000000)};
    const long status = syscall(SYS_futex_time64, word, WAIT_BITSET_PRIVATE, expected,
                                deadline == WEIR_FOREVER ? NULL : &until, NULL, MATCH_ANY);

#ifdef SYS_futex
    /* An old kernel says ENOSYS; a sandbox that does not know the number, EPERM. */
    if (status == -1 && (errno == ENOSYS || errno == EPERM))
        return futex_old(word, expected, deadline);
#endif
    return status;
}
#else
#define futex_wait futex_old
#endif

/* To wake takes no time: any of the two. */
#ifdef SYS_futex
#define FUTEX SYS_futex
#else
#define FUTEX SYS_futex_time64
#endif

bool weir__park(WEIR_ATOMIC(uint32_t) * word, uint32_t expected, uint64_t deadline)
{
    const int kept = errno;
    int status;

    if (deadline != WEIR_FOREVER && weir_clock_now() >= deadline)
        return false;
    status = futex_wait(word, expected, deadline) == 0 ? 0 : errno;
    errno = kept;
    WEIR_REQUIRE(status != ENOSYS, "the kernel has no futex(2) of this kind");
    /* A time that was made to fit ends before the deadline: as if for no reason. */
    return status != ETIMEDOUT || weir_clock_now() < deadline;
}

void weir__unpark(WEIR_ATOMIC(uint32_t) * word, int n)
{
    const int kept = errno;

    syscall(FUTEX, word, WAKE_PRIVATE, n, NULL, NULL, 0);
    errno = kept;
}

void weir__unpark_all(WEIR_ATOMIC(uint32_t) * word)
{
    weir__unpark(word, INT_MAX);
}

#endif /* WEIR_PARK_PTHREAD */
