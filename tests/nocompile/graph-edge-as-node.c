/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* An edge has memory of its own, and two nodes.
 * expect: incompatible */

#include <weir/graph.h>

int misuse(weir_graph_edge *edge, weir_graph_node *first, weir_graph_node *then);

int misuse(weir_graph_edge *edge, weir_graph_node *first, weir_graph_node *then)
{
#ifdef MISUSE
    return weir_graph_before(first, edge, then);
#else
    return weir_graph_before(edge, first, then);
#endif
}
