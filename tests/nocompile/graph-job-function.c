/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A node's function gets the node, not the job that brought it.
 * expect: incompatible */

#include <weir/graph.h>

void misuse(weir_graph_node *node, int (*of_job)(weir_job *job),
            int (*of_node)(weir_graph_node *node));

void misuse(weir_graph_node *node, int (*of_job)(weir_job *job),
            int (*of_node)(weir_graph_node *node))
{
#ifdef MISUSE
    (void)of_node;
    weir_graph_node_init(node, of_job);
#else
    (void)of_job;
    weir_graph_node_init(node, of_node);
#endif
}
