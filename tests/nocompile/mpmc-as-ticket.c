/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The contract is in the type: a lock-free ring is no ticket ring.
 * expect: incompatible */

#include <weir/mpmc.h>
#include <weir/ticket.h>

#ifdef WEIR_HAVE_MPMC
bool misuse(weir_mpmc *queue);

bool misuse(weir_mpmc *queue)
{
#ifdef MISUSE
    return weir_ticket_try_enqueue(queue, 1);
#else
    return weir_mpmc_try_enqueue(queue, 1);
#endif
}
#elif defined(MISUSE)
#error "incompatible: no such queue on this machine"
#endif

typedef weir_ticket *to_keep_the_type_used;
