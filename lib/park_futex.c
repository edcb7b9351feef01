/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "park.h"

#include <errno.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux's numbers; <linux/futex.h> is not everywhere. */
enum { WAKE_PRIVATE = 1 | 128, WAIT_BITSET_PRIVATE = 9 | 128 };
#define MATCH_ANY UINT32_MAX

/* What the system call of this number wants, whatever the C library's time_t is. */
#ifdef SYS_futex_time64
#define FUTEX SYS_futex_time64
typedef int64_t kernel_word;
#else
#define FUTEX SYS_futex
typedef long kernel_word;
#endif

typedef struct kernel_time {
    kernel_word sec, nsec;
} kernel_time;

bool weir__park(WEIR_ATOMIC(uint32_t) * word, uint32_t expected, uint64_t deadline)
{
    const int kept = errno;
    kernel_time until;
    long status;

    if (deadline != WEIR_FOREVER && weir_clock_now() >= deadline)
        return false;
    until.sec = (kernel_word)(deadline / 1000000000);
    until.nsec = (kernel_word)(deadline % 1000000000);
    /* With a bitset the time is absolute, and of the monotonic clock. */
    status = syscall(FUTEX, word, WAIT_BITSET_PRIVATE, expected,
                     deadline == WEIR_FOREVER ? NULL : &until, NULL, MATCH_ANY);
    status = status == 0 ? 0 : errno;
    errno = kept;
    WEIR_REQUIRE(status != ENOSYS, "the kernel has no futex(2) of this kind");
    return status != ETIMEDOUT;
}

void weir__unpark_all(WEIR_ATOMIC(uint32_t) * word)
{
    const int kept = errno;

    syscall(FUTEX, word, WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    errno = kept;
}
