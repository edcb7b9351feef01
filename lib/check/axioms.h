/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/axioms.h: execution graphs as a whole: RC11, identity, text. Private.
 *
 * Slow and plain, for comparison with what graph.c does by steps: nothing here looks at stamps,
 * clocks or lists of reads. */

#ifndef WEIR_LIB_CHECK_AXIOMS_H
#define WEIR_LIB_CHECK_AXIOMS_H

#include "graph.h"

/* weir__axioms_hold(): false, with the name of a broken axiom in *broken (or NULL). "well-formed"
 * is first: modification order has every write once, reads have what was written.
 *
 * weir__graph_hash(): equal, but for an accident, if and only if the graphs have the same events in
 * each thread (kind, order, place, size, value), reads-from and modification order. Places are
 * addresses; writes that share no byte are in no order. */

/* weir__graph_hash() of reads, writes and fences alone, of the threads from `first`. */
uint64_t weir__graph_hash_memory(const graph *g, unsigned first);

/* What the hash is made of, in lines. */
void weir__graph_print(const graph *g, FILE *to);

#endif /* WEIR_LIB_CHECK_AXIOMS_H */
