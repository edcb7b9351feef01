/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The address of an object is that of its header: what is protected is what is retired.
 * expect: the weir_retired must be the first member */

#include <weir/hazard.h>

#ifdef MISUSE
typedef struct page {
    int number;
    weir_retired header;
} page;
#else
typedef struct page {
    weir_retired header;
    int number;
} page;
#endif

WEIR_HAZARD_DEFINE(page, page, header);

page *misuse(weir_hazard_record *record, const WEIR_ATOMIC(page *) * root);

page *misuse(weir_hazard_record *record, const WEIR_ATOMIC(page *) * root)
{
    return page_protect(record, 0, root);
}
