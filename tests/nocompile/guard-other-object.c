/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A typed face takes no object of another type, though both have a header.
 * expect: incompatible */

#include <weir/guard.h>

typedef struct leaf {
    weir_retired header;
    int value;
} leaf;

typedef struct branch {
    weir_retired header;
    leaf *leaves[4];
} branch;

WEIR_GUARD_DEFINE(leaf, leaf, header);

void misuse(weir_guard_record *record, leaf *l, branch *b, weir_reclaim_callback *reclaim);

void misuse(weir_guard_record *record, leaf *l, branch *b, weir_reclaim_callback *reclaim)
{
#ifdef MISUSE
    (void)l;
    leaf_retire(record, b, reclaim);
#else
    (void)b;
    leaf_retire(record, l, reclaim);
#endif
}
