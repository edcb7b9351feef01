/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A pool of objects of one type takes no object of another.
 * expect: incompatible */

#include <weir/stack.h>

typedef struct order {
    int amount;
} order;

typedef struct complaint {
    const char *text;
} complaint;

WEIR_STACK_INDEX_DEFINE(order_pool, order);

bool misuse(order_pool *pool, order *o, complaint *c);

bool misuse(order_pool *pool, order *o, complaint *c)
{
#ifdef MISUSE
    (void)o;
    return order_pool_push(pool, c);
#else
    (void)c;
    return order_pool_push(pool, o);
#endif
}
