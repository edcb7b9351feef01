/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/graph.c: the execution graph, and what may be added to it.
 *
 * Events are added in an order that agrees with program order and reads-from, so the clocks of one
 * never change after it was added; but for a read that is made to read a later write, after which
 * nothing stands that depends on it. Hence coherence is a lower bound: a new event has nothing
 * that happens after it, so a read may read, and a write may follow, everything from the newest
 * write on that happens before it, or was read by something that happens before it. */

#include "graph.h"

#include <stdlib.h>
#include <string.h>

/* ---- room ---- */

static void *more(void *old, unsigned *room, unsigned wanted, size_t size)
{
    unsigned now = *room == 0 ? 8 : *room;
    void *block;

    if (wanted <= *room)
        return old;
    while (now < wanted)
        now *= 2;
    block = weir__check_heap(old, (size_t)now * size);
    *room = now;
    return block;
}

location *weir__graph_location(graph *g, int place)
{
    const unsigned wanted = (unsigned)place + 1;

    if (wanted > g->locations) {
        const unsigned had = g->location_room;

        g->location = (location *)more(g->location, &g->location_room, wanted, sizeof *g->location);
        memset(g->location + had, 0, (g->location_room - had) * sizeof *g->location);
        g->locations = wanted;
    }
    return &g->location[place];
}

static void list(name **names, unsigned *count, unsigned *room, unsigned position, name n)
{
    *names = (name *)more(*names, room, *count + 1, sizeof **names);
    memmove(*names + position + 1, *names + position, (*count - position) * sizeof **names);
    (*names)[position] = n;
    ++*count;
}

static bool is_strong(const event *e)
{
    return e->order == 5 || (e->exclusive && (e->success == 5 || e->failure == 5));
}

/* ---- clocks ---- */

static void join(clock_vector *to, const clock_vector *from)
{
    for (unsigned t = 0; t < THREADS; t++)
        to->of[t] = to->of[t] > from->of[t] ? to->of[t] : from->of[t];
}

/* As its predecessor leaves them. */
static void start_clocks(event *e)
{
    if (e->index == 0) {
        memset(&e->hb, 0, sizeof e->hb);
        memset(&e->porf, 0, sizeof e->porf);
        memset(&e->pending, 0, sizeof e->pending);
        memset(&e->fenced, 0, sizeof e->fenced);
    } else {
        const event *const before = e - 1;

        e->hb = before->hb;
        e->porf = before->porf;
        e->pending = before->pending;
        e->fenced = before->fenced;
    }
    e->hb.of[e->thread] = (uint16_t)(e->index + 1);
    e->porf.of[e->thread] = (uint16_t)(e->index + 1);
}

event *weir__graph_add(graph *g, unsigned thread, kind k)
{
    event *e;

    g->of[thread] = (event *)more(g->of[thread], &g->room[thread], g->count[thread] + 1, sizeof *e);
    e = &g->of[thread][g->count[thread]];
    memset(e, 0, offsetof(event, hb));
    e->kind = (uint8_t)k;
    e->thread = (uint8_t)thread;
    e->index = (uint16_t)g->count[thread]++;
    e->location = -1;
    e->from.thread = -1;
    e->stamp = g->stamps++;
    start_clocks(e);
    return e;
}

void weir__graph_follow(graph *g, event *e, name from)
{
    const event *const source = weir__event(g, from);

    e->from = from;
    join(&e->hb, &source->hb);
    join(&e->porf, &source->porf);
}

void weir__graph_finish(graph *g, event *e)
{
    if (is_strong(e))
        g->strong++;
    if (e->kind == FENCE) {
        if (weir__acquires(e->order))
            join(&e->hb, &e->pending);
        if (weir__releases(e->order))
            e->fenced = e->hb;
    } else if (e->kind == WRITE) {
        e->release = weir__releases(e->order) ? e->hb : e->fenced;
        if (e->exclusive) {
            /* The second half of a read-modify-write goes on with the release sequence. */
            const event *const read = e - 1;
            const location *const l = &g->location[e->location];
            unsigned p = weir__graph_position(l, read->from);
            unsigned left = e->mask;

            for (; left != 0 && p > 0; p--) {
                const event *const source = weir__event(g, l->write[p]);

                if ((source->mask & left) != 0)
                    join(&e->release, &source->release);
                left &= ~(unsigned)source->mask;
            }
        }
    }
}

/* ---- locations ---- */

static unsigned mask_at(const graph *g, const location *l, unsigned position)
{
    return position == 0 ? 0xffff : weir__event(g, l->write[position])->mask;
}

unsigned weir__graph_position(const location *l, name n)
{
    unsigned p = l->writes;

    if (n.thread < 0)
        return 0;
    while (--p > 0)
        if (weir__same(l->write[p], n))
            return p;
    return 0;
}

word weir__graph_value(const graph *g, const location *l, unsigned position, unsigned mask)
{
    const unsigned shift = (unsigned)__builtin_ctz(mask);
    word whole = 0;
    unsigned left = mask;

    if (position > 0 && weir__event(g, l->write[position])->mask == mask)
        return weir__event(g, l->write[position])->value;
    for (unsigned p = position; left != 0; p--) {
        const unsigned covered = mask_at(g, l, p) & left;
        word bytes = l->initial;
        word keep = 0;

        if (p > 0) {
            const event *const w = weir__event(g, l->write[p]);

            bytes = w->value << (8 * (unsigned)__builtin_ctz(w->mask));
        }
        for (unsigned b = 0; b < 16; b++)
            if ((covered >> b & 1) != 0)
                keep |= (word)0xff << (8 * b);
        whole |= bytes & keep;
        left &= ~covered;
        if (p == 0)
            break;
    }
    return whole >> (8 * shift);
}

void weir__graph_list_read(graph *g, const event *e)
{
    location *const l = &g->location[e->location];

    list(&l->read, &l->reads, &l->read_room, l->reads, weir__name_of(e));
}

void weir__graph_read_from(graph *g, event *e, unsigned position)
{
    const location *const l = &g->location[e->location];
    unsigned left = e->mask;

    start_clocks(e);
    e->from = l->write[position];
    e->value = weir__graph_value(g, l, position, e->mask);
    if (e->exclusive)
        e->order = e->compares && e->value != e->expected ? e->failure : e->success;
    for (unsigned p = position; left != 0 && p > 0; p--) {
        const event *const w = weir__event(g, l->write[p]);

        if ((w->mask & left) == 0)
            continue;
        left &= ~(unsigned)w->mask;
        join(&e->porf, &w->porf);
        join(&e->pending, &w->release);
        if (weir__acquires(e->order))
            join(&e->hb, &w->release);
    }
}

void weir__graph_place(graph *g, const event *e, unsigned position)
{
    location *const l = &g->location[e->location];

    l->parts |= e->size != l->size;
    list(&l->write, &l->writes, &l->write_room, position, weir__name_of(e));
}

void weir__graph_displace(graph *g, const event *e)
{
    location *const l = &g->location[e->location];
    const unsigned p = weir__graph_position(l, weir__name_of(e));

    if (p == 0)
        return;
    l->writes--;
    memmove(l->write + p, l->write + p + 1, (l->writes - p) * sizeof *l->write);
}

bool weir__graph_reads_newest(const graph *g, const event *e)
{
    const location *const l = &g->location[e->location];

    for (unsigned p = weir__graph_position(l, e->from) + 1; p < l->writes; p++) {
        const event *const w = weir__event(g, l->write[p]);

        if ((w->mask & e->mask) != 0 && !(w->exclusive && w->value == (w - 1)->value))
            return false;
    }
    return true;
}

bool weir__graph_is_mixed(const graph *g)
{
    for (unsigned i = 0; i < g->locations; i++) {
        const location *const l = &g->location[i];

        for (unsigned p = 1; l->open && p < l->writes; p++)
            if (mask_at(g, l, p) != (1U << l->size) - 1)
                return true;
    }
    return false;
}

static bool is_setup(const graph *g, const event *e)
{
    for (unsigned i = 0; e->thread == 0 && i <= e->index; i++)
        if (g->of[0][i].kind == CREATE)
            return false;
    return e->thread == 0;
}

static bool is_composite(const graph *g, const location *l)
{
    unsigned partial = 0, widest = 0;

    for (unsigned i = 0; i < l->reads; i++) {
        const unsigned mask = weir__event(g, l->read[i])->mask;

        widest = __builtin_popcount(mask) > __builtin_popcount(widest) ? mask : widest;
    }
    for (unsigned p = 1; p < l->writes; p++) {
        const event *const w = weir__event(g, l->write[p]);

        if ((w->mask & widest) == widest || (w->mask & widest) == 0 || is_setup(g, w))
            continue;
        if (!w->exclusive || (partial != 0 && partial != w->mask))
            return true;
        partial = w->mask;
    }
    return false;
}

bool weir__graph_is_composite(const graph *g)
{
    for (unsigned i = 0; i < g->locations; i++)
        if (g->location[i].open && is_composite(g, &g->location[i]))
            return true;
    return false;
}

bool weir__graph_is_taken(const graph *g, const event *e, unsigned position)
{
    const location *const l = &g->location[e->location];

    for (unsigned p = position + 1; p < l->writes; p++)
        if ((mask_at(g, l, p) & e->mask) != 0) {
            const event *const w = weir__event(g, l->write[p]);

            return w->exclusive && weir__graph_position(l, (w - 1)->from) <= position;
        }
    return false;
}

unsigned weir__graph_latest(const graph *g, const location *l, unsigned position, unsigned mask)
{
    while (position > 0 && (mask_at(g, l, position) & mask) == 0)
        position--;
    return position;
}

/* The newest write to bytes of `mask` that is in the clock or was read by something in it. */
static unsigned known(const graph *g, const location *l, const clock_vector *clock, unsigned mask,
                      name except)
{
    unsigned newest = 0;

    for (unsigned p = l->writes - 1; p > newest; p--)
        if (weir__in(clock, l->write[p]) && (mask_at(g, l, p) & mask) != 0 &&
            !weir__same(l->write[p], except))
            newest = p;
    for (unsigned i = 0; i < l->reads; i++) {
        const event *const r = weir__event(g, l->read[i]);
        unsigned p;

        if (!weir__in(clock, l->read[i]) || (r->mask & mask) == 0 || weir__same(l->read[i], except))
            continue;
        p = weir__graph_position(l, r->from);
        if (p > newest) {
            p = weir__graph_latest(g, l, p, r->mask & mask);
            newest = p > newest ? p : newest;
        }
    }
    return newest;
}

/* Whether the read has acquired, from what it reads, that it is not the newest: only where parts
 * are written, of which one tells of another. */
static bool knows_better(const graph *g, const event *e, unsigned position)
{
    const location *const l = &g->location[e->location];

    return l->parts && position > 0 && known(g, l, &e->hb, e->mask, weir__name_of(e)) > position;
}

unsigned weir__graph_read_options(graph *g, event *e, unsigned *position)
{
    const location *const l = &g->location[e->location];
    const unsigned newest = weir__graph_latest(g, l, l->writes - 1, e->mask);
    unsigned count = 0;
    unsigned p;

    start_clocks(e);
    p = known(g, l, &e->hb, e->mask, weir__name_of(e));
    for (; p <= newest; p++) {
        if (p > 0 && (mask_at(g, l, p) & e->mask) == 0)
            continue;
        weir__graph_read_from(g, e, p);
        if (knows_better(g, e, p))
            continue;
        if (p == newest || g->strong < 2 || weir__graph_strong(g))
            position[count++] = p;
    }
    return count;
}

/* Whether a write of these bytes at `position` would come between a read-modify-write's halves, or
 * between what a read of several writes' bytes has read. */
static bool tears(const graph *g, const location *l, unsigned mask, unsigned position,
                  const event *except)
{
    for (unsigned i = 0; i < l->reads; i++) {
        const event *const r = weir__event(g, l->read[i]);
        unsigned torn = r->mask & mask;

        if (r == except || torn == 0)
            continue;
        for (unsigned p = weir__graph_position(l, r->from); p >= position && torn != 0; p--)
            torn &= ~mask_at(g, l, p);
        if (torn != 0 && weir__graph_position(l, r->from) >= position)
            return true;
    }
    for (unsigned p = position; p < l->writes; p++) {
        const event *const w = weir__event(g, l->write[p]);

        if (w->exclusive && (w->mask & mask) != 0 &&
            weir__graph_position(l, (w - 1)->from) < position)
            return true;
    }
    return false;
}

/* From where to where, in the modification order, coherence lets the write stand. Returns: false if
 * nowhere. */
static bool range_of(const graph *g, const location *l, const event *e, unsigned *first,
                     unsigned *last)
{
    *first = known(g, l, &e->hb, e->mask, weir__name_of(e)) + 1;
    *last = l->writes;
    if (e->exclusive) {
        const unsigned source = weir__graph_position(l, (e - 1)->from);

        /* Right behind what it read. */
        for (*last = source + 1; *last < l->writes && (mask_at(g, l, *last) & e->mask) == 0;
             ++*last)
            ;
        *first = *first > source ? *first : source + 1;
    }
    /* Nobody else is there who could see parts of a location written one after the other. */
    if (g->made == 1)
        *first = *last;
    return *first <= *last;
}

unsigned weir__graph_write_options(graph *g, event *e, unsigned *position)
{
    const location *const l = &g->location[e->location];
    const unsigned writes = l->writes;
    unsigned first, last;
    unsigned count = 0;

    if (!range_of(g, l, e, &first, &last))
        return 0;
    for (unsigned p = first; p <= last; p++) {
        if (tears(g, l, e->mask, p, NULL))
            continue;
        weir__graph_place(g, e, p);
        if (p == writes || g->strong < 2 || weir__graph_strong(g))
            position[count++] = p;
        weir__graph_displace(g, e);
    }
    if (count > 0)
        weir__graph_place(g, e, position[count - 1]);
    return count;
}

unsigned weir__graph_revisit_options(graph *g, event *e, event *reader, revisit_option *option)
{
    const location *const l = &g->location[e->location];
    const unsigned shared = (unsigned)e->mask & reader->mask;
    unsigned first, last;
    unsigned count = 0;

    if (!range_of(g, l, e, &first, &last))
        return 0;
    for (unsigned p = first; p <= last; p++) {
        unsigned seen = shared;

        if (tears(g, l, e->mask, p, reader))
            continue;
        weir__graph_place(g, e, p);
        /* The newest that it reads is this write, or a later one of other bytes. */
        for (unsigned q = p; q < l->writes; q++) {
            if (q > p)
                seen &= ~mask_at(g, l, q);
            if (seen == 0)
                break;
            if ((mask_at(g, l, q) & reader->mask) == 0)
                continue;
            start_clocks(reader);
            if (known(g, l, &reader->hb, reader->mask, weir__name_of(reader)) > q)
                continue;
            weir__graph_read_from(g, reader, q);
            if (knows_better(g, reader, q) || (g->strong >= 2 && !weir__graph_strong(g)))
                continue;
            option[count].write = p;
            option[count++].read = q;
        }
        weir__graph_displace(g, e);
    }
    return count;
}

void weir__graph_revisit(graph *g, event *e, event *reader, revisit_option option)
{
    weir__graph_displace(g, e);
    weir__graph_place(g, e, option.write);
    weir__graph_read_from(g, reader, option.read);
}

/* ---- less of it ---- */

static void keep_names(name *names, unsigned *count, const unsigned *keep)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < *count; i++)
        if (names[i].thread < 0 || names[i].index < keep[names[i].thread])
            names[kept++] = names[i];
    *count = kept;
}

void weir__graph_close(graph *g)
{
    for (unsigned i = 0; i < g->locations; i++) {
        location *const l = &g->location[i];

        if (l->open && l->writes == 1 && l->reads == 0) {
            l->open = false;
            l->writes = 0;
        }
    }
}

static void keep_locations(graph *g, const unsigned *keep)
{
    for (unsigned i = 0; i < g->locations; i++) {
        location *const l = &g->location[i];

        if (!l->open)
            continue;
        keep_names(l->write, &l->writes, keep);
        keep_names(l->read, &l->reads, keep);
    }
    weir__graph_close(g);
}

void weir__graph_cut(graph *g, uint32_t stamp)
{
    unsigned keep[THREADS];
    bool any = false;

    for (unsigned t = 0; t < THREADS; t++) {
        keep[t] = g->count[t];
        while (keep[t] > 0 && g->of[t][keep[t] - 1].stamp >= stamp) {
            const event *const e = &g->of[t][--keep[t]];

            g->strong -= is_strong(e);
            if (e->kind == CREATE)
                g->made &= ~(1U << e->location);
            any = true;
        }
    }
    g->stamps = stamp;
    if (!any)
        return;
    memcpy(g->count, keep, sizeof keep);
    keep_locations(g, keep);
}

void weir__graph_copy(graph *to, const graph *from, const unsigned *keep)
{
    to->made = 1;
    to->strong = 0;
    to->stamps = from->stamps;
    for (unsigned t = 0; t < THREADS; t++) {
        to->count[t] = keep[t];
        if (keep[t] == 0)
            continue;
        to->of[t] = (event *)more(to->of[t], &to->room[t], keep[t], sizeof(event));
        memcpy(to->of[t], from->of[t], keep[t] * sizeof(event));
        for (unsigned i = 0; i < keep[t]; i++) {
            const event *const e = &to->of[t][i];

            to->strong += is_strong(e);
            if (e->kind == CREATE)
                to->made |= 1U << e->location;
        }
    }
    for (unsigned i = 0; i < to->locations; i++) {
        to->location[i].open = false;
        to->location[i].writes = to->location[i].reads = 0;
    }
    for (unsigned i = 0; i < from->locations; i++) {
        const location *const l = &from->location[i];
        location *copy;

        if (!l->open)
            continue;
        copy = weir__graph_location(to, (int)i);
        copy->address = l->address;
        copy->size = l->size;
        copy->space = l->space;
        copy->life = l->life;
        copy->open = true;
        copy->undefined = l->undefined;
        copy->parts = l->parts;
        copy->initial = l->initial;
        copy->write = (name *)more(copy->write, &copy->write_room, l->writes, sizeof(name));
        copy->read = (name *)more(copy->read, &copy->read_room, l->reads, sizeof(name));
        memcpy(copy->write, l->write, l->writes * sizeof(name));
        if (l->reads > 0)
            memcpy(copy->read, l->read, l->reads * sizeof(name));
        copy->writes = l->writes;
        copy->reads = l->reads;
    }
    keep_locations(to, keep);
}

/* ---- from another process ---- */

void weir__graph_room(graph *g, unsigned thread, unsigned events)
{
    g->of[thread] = (event *)more(g->of[thread], &g->room[thread], events, sizeof(event));
}

void weir__graph_receive(graph *g, int place, const location *as, const name *names)
{
    location *const l = weir__graph_location(g, place);

    l->address = as->address;
    l->size = as->size;
    l->space = as->space;
    l->life = as->life;
    l->open = true;
    l->undefined = as->undefined;
    l->parts = as->parts;
    l->initial = as->initial;
    l->write = (name *)more(l->write, &l->write_room, as->writes, sizeof(name));
    l->read = (name *)more(l->read, &l->read_room, as->reads, sizeof(name));
    memcpy(l->write, names, as->writes * sizeof(name));
    memcpy(l->read, names + as->writes, as->reads * sizeof(name));
    l->writes = as->writes;
    l->reads = as->reads;
    for (unsigned i = 1; i < l->writes; i++)
        weir__event(g, l->write[i])->location = place;
    for (unsigned i = 0; i < l->reads; i++)
        weir__event(g, l->read[i])->location = place;
}
