/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The object is no node: only its embedded node is enqueued.
 * expect: incompatible */

#include <weir/mpsc.h>

typedef struct letter {
    int number;
    weir_mpsc_node node;
} letter;

bool misuse(weir_mpsc *queue, letter *l);

bool misuse(weir_mpsc *queue, letter *l)
{
#ifdef MISUSE
    return weir_mpsc_enqueue(queue, l);
#else
    return weir_mpsc_enqueue(queue, &l->node);
#endif
}
