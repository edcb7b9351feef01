/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A mailbox of one type takes no object of another, though both have a node.
 * expect: incompatible */

#include <weir/mpsc.h>

typedef struct order {
    weir_mpsc_node node;
    int amount;
} order;

typedef struct complaint {
    weir_mpsc_node node;
    const char *text;
} complaint;

WEIR_MPSC_DEFINE(order_box, order, node);

bool misuse(order_box *box, order *o, complaint *c);

bool misuse(order_box *box, order *o, complaint *c)
{
#ifdef MISUSE
    (void)o;
    return order_box_enqueue(box, c);
#else
    (void)c;
    return order_box_enqueue(box, o);
#endif
}
