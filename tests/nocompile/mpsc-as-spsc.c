/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The contract is in the type: a mailbox is no ring, and has no bound.
 * expect: incompatible */

#include <weir/mpsc.h>
#include <weir/spsc.h>

bool misuse(weir_mpsc *queue, weir_mpsc_node *node);

bool misuse(weir_mpsc *queue, weir_mpsc_node *node)
{
#ifdef MISUSE
    return weir_spsc_try_enqueue(queue, node);
#else
    return weir_mpsc_enqueue(queue, node);
#endif
}

typedef weir_spsc *to_keep_the_type_used;
