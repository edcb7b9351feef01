/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* All executions of a litmus program: each outcome of its branches, by each write for each read, by
 * each modification order; those that are executions at all are put to the axioms.
 *
 * In the graphs, thread 0 makes and joins the threads of the program, which are 1 and up. */

#include "litmus.h"

#include "../lib/check/axioms.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS (2 * LITMUS_STEPS + 2)              /* of a thread */
#define MEMORY (LITMUS_THREADS * LITMUS_STEPS + 1) /* reads, or writes and the initial value */
#define HALVES 2

/* A place is looked at in halves if any access is to one. Its reads have a source for each half
 * that they touch. */
typedef struct read_plan {
    event *read;
    name source[HALVES];
} read_plan;

typedef struct brute {
    const litmus_program *program;
    const litmus_outcome *outcome;
    void (*each)(const graph *, uint64_t);
    uint64_t limit, computed;
    litmus_brute *result;
    graph g;
    event events[LITMUS_THREADS + 1][EVENTS];
    location places[LITMUS_PLACES];
    name order[LITMUS_PLACES][MEMORY];
    bool halved[LITMUS_PLACES];
    bool taken[LITMUS_THREADS][LITMUS_STEPS]; /* CAS: it succeeds; IF: goes on */
    unsigned reads;
    read_plan plan[MEMORY];
    litmus_end end;
} brute;

word litmus_memory[LITMUS_PLACES];

static unsigned half_mask(const brute *b, unsigned place, unsigned half)
{
    const unsigned size = b->places[place].size;

    if (!b->halved[place])
        return half == 0 ? (1u << size) - 1 : 0;
    return ((1u << size / 2) - 1) << half * size / 2;
}

static event *add(brute *b, unsigned thread, kind k)
{
    event *const e = &b->events[thread][b->g.count[thread]];

    memset(e, 0, sizeof *e);
    e->kind = (uint8_t)k;
    e->thread = (uint8_t)thread;
    e->index = (uint16_t)b->g.count[thread]++;
    e->location = -1;
    return e;
}

static event *add_access(brute *b, unsigned thread, kind k, const litmus_step *s, int order)
{
    event *const e = add(b, thread, k);
    const unsigned size = litmus_size(b->program, s);

    e->order = (uint8_t)order;
    e->size = (uint8_t)size;
    e->mask = (uint16_t)(((1u << size) - 1) << litmus_offset(b->program, s));
    e->location = (int32_t)s->place;
    e->exclusive = s->kind == LITMUS_ADD || s->kind == LITMUS_SWAP || s->kind == LITMUS_CAS;
    return e;
}

/* ---- a graph ---- */

/* What a write, or the initial value, gives those bytes. */
static word value_of(const brute *b, name n, unsigned mask)
{
    const event *const e = n.thread < 0 ? NULL : weir__event(&b->g, n);
    word value = 0;

    for (unsigned byte = 0; e != NULL && byte < 16; byte++) {
        if ((mask & e->mask) >> byte & 1)
            value |= (e->value >> 8 * (byte - (unsigned)__builtin_ctz(e->mask)) & 0xff)
                     << 8 * (byte - (unsigned)__builtin_ctz(mask));
    }
    return value;
}

/* The latest write to the half at or before a position. */
static unsigned newest(const brute *b, unsigned place, unsigned half, unsigned position)
{
    while (position > 0 &&
           (weir__event(&b->g, b->order[place][position])->mask & half_mask(b, place, half)) == 0)
        position--;
    return position;
}

static unsigned position_of(const brute *b, unsigned place, name n)
{
    unsigned position = 0;

    while (!weir__same(b->order[place][position], n))
        position++;
    return position;
}

/* Reads name the last of their sources. Returns: false if there is no point in the modification
 * order at which a read sees just these. */
static bool name_sources(brute *b)
{
    for (unsigned i = 0; i < b->reads; i++) {
        event *const e = b->plan[i].read;
        const unsigned place = (unsigned)e->location;
        unsigned last = 0;

        for (unsigned half = 0; half < HALVES; half++) {
            if ((half_mask(b, place, half) & e->mask) != 0) {
                const unsigned position = position_of(b, place, b->plan[i].source[half]);

                last = position > last ? position : last;
            }
        }
        for (unsigned half = 0; half < HALVES; half++) {
            if ((half_mask(b, place, half) & e->mask) != 0 &&
                !weir__same(b->order[place][newest(b, place, half, last)], b->plan[i].source[half]))
                return false;
        }
        e->from = b->order[place][last];
    }
    return true;
}

static void judge(brute *b)
{
    uint64_t hash;

    if (b->result->abandoned || !name_sources(b))
        return;
    if (b->limit != 0 && b->result->candidates >= b->limit) {
        b->result->abandoned = true;
        return;
    }
    b->result->candidates++;
    if (!weir__axioms_hold(&b->g, NULL))
        return;
    hash = weir__graph_hash_memory(&b->g, 1);
    litmus_add(&b->result->graphs, hash);
    if (b->each != NULL)
        b->each(&b->g, hash);
    for (unsigned p = 0; p < b->program->places; p++) {
        b->end.place[p] = 0;
        for (unsigned half = 0; half < HALVES; half++) {
            const unsigned mask = half_mask(b, p, half);

            if (mask != 0)
                b->end.place[p] |=
                    value_of(b, b->order[p][newest(b, p, half, b->places[p].writes - 1)], mask)
                    << 8 * (unsigned)__builtin_ctz(mask);
        }
    }
    if (b->outcome != NULL && litmus_holds(b->outcome, b->program, &b->end))
        b->result->reached = true;
}

/* ---- modification orders ---- */

static const read_plan *plan_of(const brute *b, const event *e)
{
    const read_plan *plan = b->plan;

    while (plan->read != e)
        plan++;
    return plan;
}

/* Whether a write may come next: those to its bytes that its thread made before are there, and a
 * read-modify-write comes right behind what it read. Graphs that this leaves out are against
 * coherence, or atomicity. */
static bool may_follow(const brute *b, const event *e)
{
    const unsigned place = (unsigned)e->location, last = b->places[place].writes - 1;

    for (const event *before = b->events[e->thread]; before < e; before++) {
        if (before->kind == WRITE && before->location == e->location &&
            (before->mask & e->mask) != 0) {
            unsigned position = last;

            while (position > 0 && !weir__same(b->order[place][position], weir__name_of(before)))
                position--;
            if (position == 0)
                return false;
        }
    }
    for (unsigned half = 0; e->exclusive && half < HALVES; half++) {
        if ((half_mask(b, place, half) & e->mask) != 0 &&
            !weir__same(b->order[place][newest(b, place, half, last)],
                        plan_of(b, e - 1)->source[half]))
            return false;
    }
    return true;
}

static void choose_order(brute *b, unsigned place)
{
    location *const l = &b->places[place];
    bool all = true;

    if (place == b->program->places) {
        judge(b);
        return;
    }
    for (unsigned t = 1; t <= b->program->threads; t++) {
        for (unsigned i = 0; i < b->g.count[t]; i++) {
            event *const e = &b->events[t][i];
            unsigned position = l->writes - 1;

            if (e->kind != WRITE || e->location != (int32_t)place)
                continue;
            while (position > 0 && !weir__same(b->order[place][position], weir__name_of(e)))
                position--;
            if (position > 0)
                continue;
            all = false;
            if (b->result->abandoned || !may_follow(b, e))
                continue;
            b->order[place][l->writes++] = weir__name_of(e);
            choose_order(b, place);
            l->writes--;
        }
    }
    if (all)
        choose_order(b, place + 1);
}

/* ---- values ---- */

/* Where a thread has got to when values are computed. */
typedef struct cursor {
    unsigned step, event;
    bool ended;
} cursor;

/* Takes a thread on by a step. Returns: 1; 0 if it needs a value that is not there yet; -1 if a
 * branch is not the one that was assumed. */
static int go(brute *b, unsigned t, cursor *c, bool known[][EVENTS])
{
    const litmus_step *const s = &b->program->step[t][c->step];
    word *const reg = b->end.reg[t];
    event *e = &b->events[t + 1][c->event];
    word written;

    if (s->kind == LITMUS_IF) {
        c->step++;
        c->ended = !b->taken[t][c->step - 1];
        return (reg[s->to] == s->value) == b->taken[t][c->step - 1] ? 1 : -1;
    }
    written = s->from >= 0 ? reg[s->from] : s->value;
    if (s->kind != LITMUS_FENCE && s->kind != LITMUS_WRITE) {
        const read_plan *const plan = plan_of(b, e);

        e->value = 0;
        for (unsigned half = 0; half < HALVES; half++) {
            const unsigned mask = half_mask(b, s->place, half) & e->mask;
            const name n = plan->source[half];

            if (mask == 0)
                continue;
            if (n.thread >= 0 && !known[n.thread][n.index])
                return 0;
            e->value |= value_of(b, n, mask)
                        << 8 * (unsigned)(__builtin_ctz(mask) - __builtin_ctz(e->mask));
        }
        if (s->kind == LITMUS_CAS && (e->value == s->expected) != b->taken[t][c->step])
            return -1;
        reg[s->to] = e->value;
        if (s->kind == LITMUS_ADD)
            written = e->value + s->value;
    }
    known[t + 1][c->event++] = true;
    if (s->kind == LITMUS_ADD || s->kind == LITMUS_SWAP ||
        (s->kind == LITMUS_CAS && b->taken[t][c->step])) {
        e++;
        known[t + 1][c->event++] = true;
    }
    if (e->kind == WRITE) {
        const word cut = e->size == 16 ? ~(word)0 : ((word)1 << 8 * e->size) - 1;

        e->value = written & cut;
    }
    c->step++;
    return 1;
}

/* Returns: whether all values can be computed, and the branches are as assumed. */
static bool compute(brute *b)
{
    cursor at[LITMUS_THREADS];
    bool known[LITMUS_THREADS + 1][EVENTS];
    bool moved = true, all = false;

    memset(at, 0, sizeof at);
    memset(known, 0, sizeof known);
    memset(&b->end, 0, sizeof b->end);
    for (unsigned t = 0; t < b->program->threads; t++)
        at[t].event = 1;
    while (moved) {
        moved = false;
        all = true;
        for (unsigned t = 0; t < b->program->threads; t++) {
            while (!at[t].ended && at[t].step < b->program->steps[t]) {
                const int gone = go(b, t, &at[t], known);

                if (gone < 0)
                    return false;
                if (gone == 0) {
                    all = false;
                    break;
                }
                moved = true;
            }
        }
    }
    return all;
}

/* ---- reads-from ---- */

static void choose_source(brute *b, unsigned read, unsigned half);

/* Whether it is a read of a read-modify-write that does not fail. */
static bool writes_too(const event *read)
{
    return read->exclusive && read[1].kind == WRITE && read[1].exclusive;
}

/* Whether a write covers what the read does. Of two that do, a read sees but one. */
static bool is_whole(const brute *b, name source, const event *read)
{
    return source.thread < 0 || (weir__event(&b->g, source)->mask & read->mask) == read->mask;
}

static void take_source(brute *b, unsigned read, unsigned half, name source)
{
    read_plan *const plan = &b->plan[read];

    /* Two read-modify-writes of one value: one of them is not atomic. */
    for (unsigned i = 0; i < read; i++) {
        if (writes_too(plan->read) && writes_too(b->plan[i].read) &&
            plan->read->location == b->plan[i].read->location &&
            (b->plan[i].read->mask & half_mask(b, (unsigned)plan->read->location, half)) != 0 &&
            weir__same(source, b->plan[i].source[half]))
            return;
    }
    if (half == 1 && (half_mask(b, (unsigned)plan->read->location, 0) & plan->read->mask) != 0 &&
        !weir__same(source, plan->source[0]) && is_whole(b, source, plan->read) &&
        is_whole(b, plan->source[0], plan->read))
        return;
    plan->source[half] = source;
    choose_source(b, read, half + 1);
}

static void choose_source(brute *b, unsigned read, unsigned half)
{
    const name initial = {-1, 0};
    const event *e;
    unsigned mask;

    if (b->result->abandoned)
        return;
    if (half == HALVES) {
        choose_source(b, read + 1, 0);
        return;
    }
    if (read == b->reads) {
        if (b->limit != 0 && ++b->computed > 20 * b->limit)
            b->result->abandoned = true;
        if (compute(b))
            choose_order(b, 0);
        return;
    }
    e = b->plan[read].read;
    mask = half_mask(b, (unsigned)e->location, half) & e->mask;
    if (mask == 0) {
        choose_source(b, read, half + 1);
        return;
    }
    take_source(b, read, half, initial);
    for (unsigned t = 1; t <= b->program->threads; t++) {
        for (unsigned i = 0; i < b->g.count[t]; i++) {
            const event *const w = &b->events[t][i];

            if (w->kind == WRITE && w->location == e->location && (w->mask & mask) != 0 &&
                (t != e->thread || w->index < e->index))
                take_source(b, read, half, weir__name_of(w));
        }
    }
}

/* ---- branches ---- */

static void choose_branches(brute *b, unsigned t, unsigned step)
{
    const litmus_step *const s = &b->program->step[t][step];
    const unsigned count = t < b->program->threads ? b->g.count[t + 1] : 0;

    if (t == b->program->threads) {
        b->reads = 0;
        for (unsigned u = 1; u <= t; u++) {
            for (unsigned i = 0; i < b->g.count[u]; i++) {
                if (b->events[u][i].kind == READ)
                    b->plan[b->reads++].read = &b->events[u][i];
            }
        }
        choose_source(b, 0, 0);
        return;
    }
    if (step == 0)
        add(b, t + 1, BEGIN);
    if (step == b->program->steps[t]) {
        add(b, t + 1, END);
        choose_branches(b, t + 1, 0);
    } else if (s->kind == LITMUS_FENCE) {
        add(b, t + 1, FENCE)->order = (uint8_t)s->order;
        choose_branches(b, t, step + 1);
    } else if (s->kind == LITMUS_IF) {
        b->taken[t][step] = true;
        choose_branches(b, t, step + 1);
        b->g.count[t + 1] = count + (step == 0);
        b->taken[t][step] = false;
        add(b, t + 1, END);
        choose_branches(b, t + 1, 0);
    } else {
        if (s->kind != LITMUS_WRITE)
            add_access(b, t + 1, READ, s, s->order);
        if (s->kind != LITMUS_READ)
            add_access(b, t + 1, WRITE, s, s->order);
        b->taken[t][step] = true;
        choose_branches(b, t, step + 1);
        if (s->kind == LITMUS_CAS) {
            b->g.count[t + 1] = count + (step == 0);
            b->taken[t][step] = false;
            add_access(b, t + 1, READ, s, s->failure);
            choose_branches(b, t, step + 1);
        }
    }
    b->g.count[t + 1] = count;
}

void litmus_run_brute(const litmus_program *program, const litmus_outcome *outcome, uint64_t limit,
                      void (*each)(const graph *g, uint64_t hash), litmus_brute *result)
{
    static brute b;

    memset(&b, 0, sizeof b);
    memset(result, 0, sizeof *result);
    b.program = program;
    b.outcome = outcome;
    b.limit = limit;
    b.each = each;
    b.result = result;
    b.g.location = b.places;
    b.g.locations = program->places;
    for (unsigned t = 0; t <= program->threads; t++) {
        b.g.made |= 1u << t;
        b.g.of[t] = b.events[t];
    }
    for (unsigned p = 0; p < program->places; p++) {
        b.places[p].address = &litmus_memory[p];
        b.places[p].size = program->name[p] >= 'A' && program->name[p] <= 'Z' ? 16 : 8;
        b.places[p].open = true;
        b.places[p].write = b.order[p];
        b.places[p].writes = 1;
        b.order[p][0] = (name){-1, 0};
    }
    for (unsigned t = 0; t < program->threads; t++) {
        add(&b, 0, CREATE)->location = (int32_t)t + 1;
        for (unsigned i = 0; i < program->steps[t]; i++) {
            const litmus_step *const s = &program->step[t][i];

            if (s->kind != LITMUS_FENCE && s->kind != LITMUS_IF && s->part != LITMUS_WHOLE)
                b.halved[s->place] = true;
        }
    }
    for (unsigned t = 0; t < program->threads; t++)
        add(&b, 0, JOIN)->location = (int32_t)t + 1;
    choose_branches(&b, 0, 0);
}
