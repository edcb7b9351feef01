/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Whoever lets go last must free: what weir_ref_put() says must not be ignored.
 * expect: unused */

#include <weir/counter.h>

bool misuse(weir_ref *ref);

bool misuse(weir_ref *ref)
{
#ifdef MISUSE
    weir_ref_put(ref);
    return true;
#else
    return weir_ref_put(ref);
#endif
}
