/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/share.h: processes that share a search. Private. */

#ifndef WEIR_LIB_CHECK_SHARE_H
#define WEIR_LIB_CHECK_SHARE_H

#include "run.h"

typedef struct share_finding {
    outcome how;
    run_result result;
    char path[1 << 16];
} share_finding;

/* Makes the others, which go on from where the caller is, with nothing to do. Returns: false if
 * there is no memory for it. */
bool weir__share_begin(unsigned workers);
bool weir__share_is_child(void);
bool weir__share_on(void);

/* Whether the search is over; whether somebody has nothing to do. */
bool weir__share_stopped(void);
bool weir__share_wanted(void);

/* Gives a graph and what is to be tried in it away. Returns: false if nobody wants it, after all.
 */
bool weir__share_give(const graph *g, const void *items, size_t size);

/* Waits for such. `items` has room for SHARE_ITEMS bytes. Returns: false if the search is over. */
bool weir__share_ask(graph *g, void *items, size_t *size);
enum { SHARE_ITEMS = 1 << 14 };

/* Makes the caller's counts known; sums those of all up. */
void weir__share_count(const search *s);
void weir__share_sum(search *s);

/* Ends the search for all. */
void weir__share_found(outcome o, const char *path);

/* Children end here. Returns: what was found, or NULL; s->count is the sum. */
const share_finding *weir__share_end(search *s);

#endif /* WEIR_LIB_CHECK_SHARE_H */
