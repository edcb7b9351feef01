/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The contract is in the type: a sharded counter has no value to fetch at each step.
 * expect: incompatible */

#include <weir/counter.h>

uint64_t misuse(weir_counter_sharded *events, weir_counter *tickets);

uint64_t misuse(weir_counter_sharded *events, weir_counter *tickets)
{
    weir_counter_sharded_inc(events);
#ifdef MISUSE
    (void)tickets;
    return weir_counter_fetch_add(events, 1);
#else
    return weir_counter_fetch_add(tickets, 1);
#endif
}
