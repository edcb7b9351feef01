/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The contract is in the type: a queue for one producer is none for many.
 * expect: incompatible */

#include <weir/spsc.h>
#include <weir/ticket.h>

bool misuse(weir_spsc *queue, uintptr_t value);

bool misuse(weir_spsc *queue, uintptr_t value)
{
#ifdef MISUSE
    return weir_ticket_try_enqueue(queue, value);
#else
    return weir_spsc_try_enqueue(queue, &value);
#endif
}

typedef weir_ticket *to_keep_the_type_used;
