/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The contract is in the type: a counter has no edges, so nobody counts references with it.
 * expect: incompatible */

#include <weir/counter.h>

bool misuse(weir_counter *references, weir_ref *ref);

bool misuse(weir_counter *references, weir_ref *ref)
{
#ifdef MISUSE
    (void)ref;
    return weir_ref_put(references);
#else
    weir_counter_dec(references);
    return weir_ref_put(ref);
#endif
}
