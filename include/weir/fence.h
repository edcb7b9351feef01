/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/fence.h: asymmetric fences: where one side of a store-then-load handshake runs a
 * million times for each time of the other, the frequent side pays nothing and the rare
 * side pays for both.
 *
 * Use it when: you write a structure of your own beside weir's. Users of the structures
 *              need only weir_fence_asymmetric(), to know what their machine gives.
 *
 * Threads:   any.
 * Progress:  weir_fence_light() is wait-free. weir_fence_heavy() waits for the kernel, which
 *            interrupts the processors that run threads of this process; for none of
 *            those threads.
 * Ordering:  of two threads, one with a store, weir_fence_light() and a load, the other with a
 *            store, weir_fence_heavy() and a load, at least one load sees the other's store:
 *
 *                frequent          rare
 *                x = 1             y = 1
 *                light             heavy            never a == 0 and b == 0
 *                a = y             b = x
 *
 *            Only where weir_fence_asymmetric() is true. Elsewhere both sides make, in the
 *            place of the fence, a read-modify-write of one word, acquire and release: those
 *            are in one order, and the later one acquires what was before the earlier.
 * Memory:    none.
 * Edges:     none of its own; each structure argues its own handshake.
 *
 * Source: the idea: D. Dice, H. Huang, M. Yang, "Asymmetric Dekker Synchronization", Sun
 * Microsystems, 2001; the means: membarrier(2), private expedited, Linux 4.14. */

#ifndef WEIR_FENCE_H
#define WEIR_FENCE_H

#include <weir/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Returns: whether the rare side can pay for both. Decided at the first call in a process:
 * false where the kernel refuses membarrier(2), in a library made for ThreadSanitizer,
 * which does not understand such fences, and after weir_fence_refuse(). */
WEIR_API bool weir_fence_asymmetric(void);

/* Says that this process is to do without membarrier(2): for those who will forbid it to
 * themselves later (seccomp), or who may not be interrupted by it.
 * Threads: at the start of main(), before anything of weir that uses it is made; later it is
 * refused, since there may be threads that have left out a fence already.
 * Returns: 0; -EBUSY if the decision has been taken, and was the other one. */
WEIR_API int weir_fence_refuse(void) WEIR_NODISCARD;

/* The frequent side: no instruction; the compiler moves no access across it. */
static inline void weir_fence_light(void)
{
    __asm__ __volatile__("" ::: "memory");
}

/* The rare side: 2 to 3 us where other threads run, 0.1 us where none does. If the kernel
 * refuses what it allowed at the first call (a seccomp filter that came later), the
 * process is ended with a sentence that says so: going on would be a use after free. (So it is if
 * the kernel has no memory for it.) */
WEIR_API void weir_fence_heavy(void);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_FENCE_H */
