/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An operation wants the thread's record; the domain is everybody's.
 * expect: incompatible */

#include <weir/umpmc.h>

bool misuse(weir_umpmc *queue, weir_guard *domain, uintptr_t *value);

bool misuse(weir_umpmc *queue, weir_guard *domain, uintptr_t *value)
{
#ifdef MISUSE
    return weir_umpmc_try_dequeue(queue, domain, value);
#else
    return weir_umpmc_try_dequeue(queue, weir_guard_self(domain), value);
#endif
}
