/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What init says must not be ignored.
 * expect: unused */

#include <weir/mpmc.h>

#ifdef WEIR_HAVE_MPMC
int misuse(weir_mpmc *queue, void *buffer, size_t bytes);

int misuse(weir_mpmc *queue, void *buffer, size_t bytes)
{
#ifdef MISUSE
    weir_mpmc_init(queue, buffer, bytes, 16);
    return 0;
#else
    return weir_mpmc_init(queue, buffer, bytes, 16);
#endif
}
#elif defined(MISUSE)
#error "unused result: no such queue on this machine"
#endif
