/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A run may have found a cycle, or failed: what it says must not be ignored.
 * expect: unused */

#include <weir/graph.h>

int misuse(weir_graph *graph, weir_pool *pool);

int misuse(weir_graph *graph, weir_pool *pool)
{
#ifdef MISUSE
    weir_graph_run(graph, pool, WEIR_FOREVER, NULL);
    return 0;
#else
    return weir_graph_run(graph, pool, WEIR_FOREVER, NULL);
#endif
}
