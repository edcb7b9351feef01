/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/strong.c: seq_cst events. RC11 forbids cycles of psc = psc_base with psc_F, where
 *
 *     scb      = po, po' hb po' (po' to another location), hb on one location, co, fr
 *     psc_base = ([sc access] or [sc fence] hb?) scb ([sc access] or hb? [sc fence])
 *     psc_F    = [sc fence] (hb or hb eco hb) [sc fence]
 *
 * The relations are read off the clocks: x happens before y iff y's clock counts x. */

#include "graph.h"

#include <string.h>

enum { MOST = 256, WORDS = MOST / 64 };

/* What is under way on one location, in a matrix. */
enum { ACCESSES = 256 };

typedef struct web {
    unsigned count;
    const event *access[ACCESSES];
    unsigned position[ACCESSES]; /* of the write, or of what is read */
    uint64_t eco[ACCESSES][ACCESSES / 64];
} web;

STATE bool weir__graph_too_strong = false;

static STATE web *webs = NULL; /* one for each location of the graph */
static STATE unsigned web_room = 0;

static bool after(const event *x, const event *y) /* x hb y */
{
    return x != y && y->hb.of[x->thread] > x->index;
}

static bool after_or_same(const event *x, const event *y)
{
    return y->hb.of[x->thread] > x->index;
}

static bool is_access(const event *e)
{
    return e->kind == READ || e->kind == WRITE;
}

/* ---- eco ---- */

static bool shares(const event *x, const event *y)
{
    return x->location == y->location && (x->mask & y->mask) != 0;
}

/* rf, co and fr at one byte, one after the other. */
static bool comes_before(const web *w, unsigned i, unsigned j)
{
    if (w->access[i] == w->access[j])
        return false;
    if (w->access[i]->kind == WRITE && w->access[j]->kind == READ)
        return w->position[i] <= w->position[j];
    return w->position[i] < w->position[j];
}

static void take(web *w, const event *e)
{
    w->access[w->count++] = e;
}

/* eco of the accesses to one byte. */
static void weave_byte(const graph *g, const location *l, web *w, unsigned byte)
{
    for (unsigned i = 0; i < w->count; i++) {
        const event *const e = w->access[i];

        w->position[i] = weir__graph_latest(
            g, l, weir__graph_position(l, e->kind == WRITE ? weir__name_of(e) : e->from), byte);
    }
    for (unsigned i = 0; i < w->count; i++)
        for (unsigned j = 0; j < w->count; j++)
            if ((w->access[i]->mask & w->access[j]->mask & byte) != 0 && comes_before(w, i, j))
                w->eco[i][j / 64] |= (uint64_t)1 << j % 64;
}

static void weave(const graph *g, const location *l, web *w)
{
    unsigned done = 0;

    w->count = 0;
    for (unsigned i = 1; i < l->writes; i++)
        take(w, weir__event(g, l->write[i]));
    for (unsigned i = 0; i < l->reads; i++)
        take(w, weir__event(g, l->read[i]));
    memset(w->eco, 0, w->count * sizeof w->eco[0]);
    for (unsigned byte = 1; byte < 1U << l->size; byte <<= 1) {
        unsigned alike = (1U << l->size) - 1;

        if ((done & byte) != 0)
            continue;
        /* Bytes that no access tells apart. */
        for (unsigned i = 0; i < w->count; i++)
            alike &= (w->access[i]->mask & byte) != 0 ? w->access[i]->mask
                                                      : ~(unsigned)w->access[i]->mask;
        done |= alike;
        weave_byte(g, l, w, byte);
    }
}

/* ---- the edges ---- */

static bool direct(const graph *g, const event *x, const event *y) /* co or fr, to a write */
{
    const location *const l = &g->location[x->location];
    unsigned p;

    if (y->kind != WRITE || !shares(x, y))
        return false;
    p = weir__graph_position(l, x->kind == WRITE ? weir__name_of(x) : x->from);
    return p < weir__graph_position(l, weir__name_of(y));
}

static bool accesses(const graph *g, const event *x, const event *y)
{
    unsigned first = (unsigned)x->index + 1;
    int last = (int)y->index - 1;

    if (x->thread == y->thread && x->index < y->index)
        return true;
    if ((shares(x, y) && after(x, y)) || direct(g, x, y))
        return true;
    while (first < g->count[x->thread] && shares(x, &g->of[x->thread][first]))
        first++;
    while (last >= 0 && shares(y, &g->of[y->thread][last]))
        last--;
    return first < g->count[x->thread] && last >= 0 &&
           after_or_same(&g->of[x->thread][first], &g->of[y->thread][last]);
}

/* From a fence to an access: hb? scb. */
static bool fence_first(const graph *g, const event *f, const event *y)
{
    const web *const w = &webs[y->location];

    if (y->index > 0 && after_or_same(f, &g->of[y->thread][y->index - 1]))
        return true;
    for (unsigned i = 0; i < w->count; i++) {
        const event *const x = w->access[i];

        if (after(f, x) && ((shares(x, y) && after(x, y)) || direct(g, x, y)))
            return true;
    }
    return false;
}

/* From an access to a fence: scb hb?. */
static bool fence_last(const graph *g, const event *x, const event *f)
{
    const web *const w = &webs[x->location];

    if (f->hb.of[x->thread] > x->index + 1)
        return true;
    for (unsigned i = 0; i < w->count; i++) {
        const event *const y = w->access[i];

        if (after(y, f) && ((shares(x, y) && after(x, y)) || direct(g, x, y)))
            return true;
    }
    return false;
}

static bool fences(const graph *g, const event *f, const event *h)
{
    if (after(f, h))
        return true;
    for (unsigned l = 0; l < g->locations; l++) {
        const web *const w = &webs[l];

        if (!g->location[l].open)
            continue;
        for (unsigned i = 0; i < w->count; i++)
            if (after(f, w->access[i]))
                for (unsigned j = 0; j < w->count; j++)
                    if ((w->eco[i][j / 64] >> j % 64 & 1) != 0 && after(w->access[j], h))
                        return true;
    }
    return false;
}

static bool edge(const graph *g, const event *x, const event *y)
{
    if (is_access(x))
        return is_access(y) ? accesses(g, x, y) : fence_last(g, x, y);
    return is_access(y) ? fence_first(g, x, y) : fences(g, x, y);
}

/* ---- the cycle ---- */

static bool weave_all(const graph *g)
{
    if (g->locations > web_room) {
        web_room = g->locations * 2;
        webs = (web *)weir__check_heap(webs, web_room * sizeof *webs);
    }
    for (unsigned l = 0; l < g->locations; l++)
        if (g->location[l].open) {
            if (g->location[l].writes + g->location[l].reads > ACCESSES)
                return false;
            weave(g, &g->location[l], &webs[l]);
        }
    return true;
}

bool weir__graph_strong(const graph *g)
{
    const event *node[MOST];
    uint64_t next[MOST][WORDS];
    unsigned count = 0;
    bool gone;

    for (unsigned t = 0; t < THREADS; t++)
        for (unsigned i = 0; i < g->count[t]; i++)
            if (g->of[t][i].order == 5) {
                if (count == MOST) {
                    weir__graph_too_strong = true;
                    return true;
                }
                node[count++] = &g->of[t][i];
            }
    if (count < 2)
        return true;
    if (!weave_all(g)) {
        weir__graph_too_strong = true;
        return true;
    }
    for (unsigned i = 0; i < count; i++) {
        memset(next[i], 0, sizeof next[i]);
        for (unsigned j = 0; j < count; j++)
            if (i != j && edge(g, node[i], node[j]))
                next[i][j / 64] |= (uint64_t)1 << j % 64;
    }
    /* Takes away, again and again, who has nobody behind it. */
    do {
        gone = false;
        for (unsigned i = 0; i < count; i++) {
            uint64_t any = 0;

            for (unsigned b = 0; b < WORDS; b++)
                any |= next[i][b];
            if (node[i] == NULL || any != 0)
                continue;
            node[i] = NULL;
            gone = true;
            for (unsigned j = 0; j < count; j++)
                next[j][i / 64] &= ~((uint64_t)1 << i % 64);
        }
    } while (gone);
    for (unsigned i = 0; i < count; i++)
        if (node[i] != NULL)
            return false;
    return true;
}
