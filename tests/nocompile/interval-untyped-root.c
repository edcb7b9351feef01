/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A pointer that is loaded under protection is an atomic one.
 * expect: incompatible */

#include <weir/interval.h>

void *misuse(weir_interval_record *record, const WEIR_ATOMIC(void *) * root, void **plain);

void *misuse(weir_interval_record *record, const WEIR_ATOMIC(void *) * root, void **plain)
{
#ifdef MISUSE
    (void)root;
    return weir_interval_protect(record, plain);
#else
    (void)plain;
    return weir_interval_protect(record, root);
#endif
}
