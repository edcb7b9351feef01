/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A node is given to the pool by its graph, when what is before it has ended, and by nobody else.
 * expect: incompatible */

#include <weir/graph.h>

int misuse(weir_pool *pool, weir_graph_node *node, weir_job *job);

int misuse(weir_pool *pool, weir_graph_node *node, weir_job *job)
{
#ifdef MISUSE
    (void)job;
    return weir_pool_submit(pool, node);
#else
    (void)node;
    return weir_pool_submit(pool, job);
#endif
}
