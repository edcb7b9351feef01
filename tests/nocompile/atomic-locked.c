/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A machine whose 8-byte atomics take a lock, such as an i386 or an ARMv5, is refused.
 * expect: atomics of 8 bytes without a lock */

#ifdef MISUSE
#undef __GCC_ATOMIC_LLONG_LOCK_FREE
#undef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_8
#endif

#include <weir/atomic.h>

typedef weir_backoff to_keep_the_header_used;
