/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The hot path takes the thread's record, and not the domain.
 * expect: incompatible */

#include <weir/interval.h>

void misuse(weir_interval *domain, weir_interval_record *record, weir_retired *object);

void misuse(weir_interval *domain, weir_interval_record *record, weir_retired *object)
{
#ifdef MISUSE
    (void)record;
    weir_interval_born(domain, object);
#else
    (void)domain;
    weir_interval_born(record, object);
#endif
}
