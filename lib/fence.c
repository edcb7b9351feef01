/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/fence.h>

#include <weir/atomic.h>

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux's names for them; <linux/membarrier.h> is not everywhere. */
#define PRIVATE_EXPEDITED (1 << 3)
#define REGISTER_PRIVATE_EXPEDITED (1 << 4)

enum { UNDECIDED, ASYMMETRIC, REFUSED };

static WEIR_ATOMIC(uint32_t) decision;

static bool membarrier(int command)
{
#if defined(SYS_membarrier) && !defined(WEIR_TSAN)
    const int kept = errno;
    const bool done = syscall(SYS_membarrier, command, 0, 0) == 0;

    errno = kept;
    return done;
#else
    (void)command;
    return false;
#endif
}

static uint32_t decide(uint32_t wanted)
{
    uint32_t found = UNDECIDED;

    /* relaxed: the word stands for itself; all threads act upon the one value that was
     * first. */
    if (weir_atomic_cas(&decision, &found, wanted, WEIR_RELAXED, WEIR_RELAXED))
        return wanted;
    return found;
}

bool weir_fence_asymmetric(void)
{
    /* relaxed: as in decide(). */
    uint32_t decided = weir_atomic_load(&decision, WEIR_RELAXED);

    /* Registered by whoever comes first, and by others at the same time: no harm. */
    if (decided == UNDECIDED)
        decided = decide(membarrier(REGISTER_PRIVATE_EXPEDITED) && membarrier(PRIVATE_EXPEDITED)
                             ? ASYMMETRIC
                             : REFUSED);
    return decided == ASYMMETRIC;
}

int weir_fence_refuse(void)
{
    return decide(REFUSED) == REFUSED ? 0 : -EBUSY;
}

void weir_fence_heavy(void)
{
    /* A child after fork may have to register anew. */
    WEIR_REQUIRE(membarrier(PRIVATE_EXPEDITED) ||
                     (membarrier(REGISTER_PRIVATE_EXPEDITED) && membarrier(PRIVATE_EXPEDITED)),
                 "the kernel refuses membarrier(2), which it allowed before; call "
                 "weir_fence_refuse() at the start of main()");
}
