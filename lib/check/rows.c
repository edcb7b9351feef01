/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/rows.c: the rows of a report. They are not in the order in which the events were run,
 * but in one that has as few stale reads as can be had: if it has none, the run needs no weak
 * memory, and that is worth knowing. */

#include "sheet.h"

#include <stdlib.h>
#include <string.h>

/* ---- values and names ---- */

/* Text of a few words, until the 16th after. */
static char *brief(void)
{
    STATE static char texts[16][160] = {""};
    STATE static unsigned next = 0;

    return texts[next++ % 16];
}

/* "block 2 of thread 1 (made at ring.c:3)+8" is said as "block 2+8 of thread 1". */
void weir__sheet_shorten(char *text)
{
    char *const open = strchr(text, '('), *const close = strrchr(text, ')'), *of, *plus;
    char offset[32];

    if (open != NULL && close > open && open > text && open[-1] == ' ')
        memmove(open - 1, close + 1, strlen(close + 1) + 1);
    of = strstr(text, " of thread ");
    plus = strrchr(text, '+');
    if (of == NULL || plus == NULL || plus < of || strlen(plus) >= sizeof offset)
        return;
    strcpy(offset, plus);
    memmove(of + strlen(offset), of, (size_t)(plus - of));
    memcpy(of, offset, strlen(offset));
}

/* Whether a value is an address of what the program knows by name. */
static bool is_address(uint64_t value)
{
    const void *const address = (const void *)(uintptr_t)value;
    char *low, *high;

    if (value < 65536)
        return false;
    if (weir__world_has(address) || weir__memory_is_ours(address))
        return true;
    for (int t = 0; t < THREADS; t++) {
        weir__fiber_stack(t, &low, &high);
        if (value - (uintptr_t)low < (uintptr_t)high - (uintptr_t)low)
            return true;
    }
    return false;
}

void weir__report_value(char *text, size_t room, word value, unsigned size)
{
    const uint64_t low = (uint64_t)value, high = (uint64_t)(value >> 64);
    const uint64_t all = size >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
    const uint64_t address = low & UINT64_C(0xffffffffffff);
    char part[2][72], what[128] = "";

    if (size > 8) {
        weir__report_value(part[0], sizeof part[0], low, 8);
        weir__report_value(part[1], sizeof part[1], high, 8);
        snprintf(text, room, "{%s, %s}", part[0], part[1]);
    } else if ((low & all) < 1000000) {
        snprintf(text, room, "%llu", (unsigned long long)(low & all));
    } else if ((all - (low & all)) < 1000) {
        snprintf(text, room, "-%llu", (unsigned long long)(all - (low & all)) + 1);
    } else if (size == 8 && is_address(address)) {
        weir__memory_describe((const void *)(uintptr_t)address, what, sizeof what);
        weir__sheet_shorten(what);
        if (address == low)
            snprintf(text, room, "&%s", what);
        else
            snprintf(text, room, "&%s with tag %llu", what, (unsigned long long)(low >> 48));
    } else {
        snprintf(text, room, "0x%llx", (unsigned long long)(low & all));
    }
}

const char *weir__sheet_value_of(const event *e)
{
    char *const text = brief();

    weir__report_value(text, 160, e->value, e->size);
    return text;
}

const char *weir__sheet_order_name(unsigned order)
{
    static const char *const names[] = {"relaxed", "consume", "acquire",   "release",
                                        "acq_rel", "seq_cst", "not atomic"};

    return order < sizeof names / sizeof names[0] ? names[order] : "?";
}

const location *weir__sheet_location_of(const sheet *s, const event *e)
{
    return &s->g->location[e->location];
}

bool weir__sheet_is_memory(const sheet *s, const event *e)
{
    return (e->kind == READ || e->kind == WRITE) && weir__sheet_location_of(s, e)->space == MEMORY;
}

/* What the event touches. */
const char *weir__sheet_target(const sheet *s, const event *e)
{
    const location *const l = weir__sheet_location_of(s, e);
    char *text;

    if (l->space != MEMORY || e->mask == 0 || (e->mask & 1) != 0)
        return s->names[e->location];
    text = brief();
    weir__memory_describe((const char *)l->address + __builtin_ctz(e->mask), text, 160);
    weir__sheet_shorten(text);
    return text;
}

const char *weir__sheet_verb(const event *e)
{
    if (e->kind == READ && e->order == PLAIN)
        return "read";
    if (e->kind == WRITE && e->order == PLAIN)
        return "write";
    if (e->what != NULL)
        return e->what;
    return e->kind == READ ? "load" : e->kind == WRITE ? "store" : "fence";
}

/* ---- events ---- */

unsigned weir__sheet_id_of(const sheet *s, name n)
{
    return s->first[n.thread] + n.index;
}

unsigned weir__sheet_id(const sheet *s, const event *e)
{
    return s->first[e->thread] + e->index;
}

name weir__sheet_name_at(int thread, unsigned index)
{
    const name n = {(int16_t)thread, (uint16_t)index};

    return n;
}

/* The write of a read-modify-write that succeeds, of its read; else NULL. */
const event *weir__sheet_second_half(const sheet *s, const event *e)
{
    const event *next = e + 1;

    if (e->kind != READ || !e->exclusive || e->index + 1u >= s->g->count[e->thread] ||
        next->kind != WRITE || !next->exclusive || next->location != e->location)
        return NULL;
    return next;
}

bool weir__sheet_is_second_half(const sheet *s, const event *e)
{
    return e->kind == WRITE && e->exclusive && e->index > 0 &&
           weir__sheet_second_half(s, e - 1) == e;
}

/* "mp.c:9 (row 2)". */
const char *weir__sheet_where(const sheet *s, const event *e)
{
    char *const text = brief();
    const unsigned number = s->row[weir__sheet_id(s, e)];

    if (number == 0)
        snprintf(text, 160, "%s", weir__check_place(e->pc));
    else
        snprintf(text, 160, "%s (row %u)", weir__check_place(e->pc), number);
    return text;
}

unsigned weir__sheet_position_of(const sheet *s, name n)
{
    return n.thread < 0 ? 0 : s->position[weir__sheet_id_of(s, n)];
}

static bool overlap(const sheet *s, name n, const event *e)
{
    return n.thread < 0 || (weir__event(s->g, n)->mask & e->mask) != 0;
}

/* ---- the order of the rows ---- */

/* Whether all that the event follows is there. */
static bool may_follow(const event *e, const unsigned *done)
{
    if (e->index != done[e->thread])
        return false;
    for (unsigned t = 0; t < THREADS; t++) {
        if (t != e->thread && e->porf.of[t] > done[t])
            return false;
    }
    return true;
}

/* Whether the write would come after all that it overwrites, and after those who read that. */
static bool is_newest(const sheet *s, const event *e)
{
    const location *l;
    unsigned position;

    if (weir__sheet_second_half(s, e) != NULL)
        e = weir__sheet_second_half(s, e);
    if (e->kind != WRITE)
        return true;
    l = weir__sheet_location_of(s, e);
    position = s->position[weir__sheet_id(s, e)];
    for (unsigned i = 1; i < position && i < l->writes; i++) {
        if (overlap(s, l->write[i], e) && s->at[weir__sheet_id_of(s, l->write[i])] == NONE)
            return false;
    }
    for (unsigned i = 0; i < l->reads; i++) {
        const event *const read = weir__event(s->g, l->read[i]);

        if ((read->mask & e->mask) != 0 && weir__sheet_position_of(s, read->from) < position &&
            s->at[weir__sheet_id(s, read)] == NONE && read + 1 != e)
            return false;
    }
    return true;
}

static int compare_stamps(const void *a, const void *b)
{
    const event *const x = *(const event *const *)a, *const y = *(const event *const *)b;

    return (x->stamp > y->stamp) - (x->stamp < y->stamp);
}

/* The order that was given, or that of the stamps. */
void weir__sheet_take_order(sheet *s, unsigned total)
{
    const event **all;
    unsigned n = 0;

    s->order = (name *)weir__check_memory((total + 1) * sizeof *s->order);
    if (s->r->order != NULL) {
        for (unsigned i = 0; i < s->r->events; i++) {
            if (s->r->order[i].thread >= 0 &&
                s->r->order[i].index < s->g->count[s->r->order[i].thread] && n < total)
                s->order[n++] = s->r->order[i];
        }
        s->events = n;
        return;
    }
    all = (const event **)weir__check_memory((total + 1) * sizeof *all);
    for (unsigned t = 0; t < s->threads; t++) {
        for (unsigned i = 0; i < s->g->count[t]; i++)
            all[n++] = &s->g->of[t][i];
    }
    qsort(all, n, sizeof *all, compare_stamps);
    for (unsigned i = 0; i < n; i++)
        s->order[i] = weir__name_of(all[i]);
    s->events = n;
}

/* Puts the events in an order in which each write is the newest where that is possible; one thread
 * goes on for as long as it can. */
void weir__sheet_sort_order(sheet *s)
{
    name *const given = (name *)weir__check_memory((s->events + 1) * sizeof *given);
    unsigned done[THREADS] = {0}, n = 0;
    int last = -1;

    if (s->events > SORTED)
        return;
    memcpy(given, s->order, s->events * sizeof *given);
    while (n < s->events) {
        const event *best = NULL;
        bool best_newest = false;

        for (unsigned i = 0; i < s->events; i++) {
            const event *const e = weir__event(s->g, given[i]);
            bool newest;

            if (!may_follow(e, done))
                continue;
            newest = is_newest(s, e);
            if (best == NULL || (newest && (!best_newest || (int)e->thread == last))) {
                best = e;
                best_newest = newest;
            }
        }
        if (best == NULL) {
            /* Cannot be; but a report is to be printed in any case. */
            memcpy(s->order, given, s->events * sizeof *given);
            break;
        }
        for (unsigned i = weir__sheet_second_half(s, best) == NULL ? 1 : 2; i > 0 && n < s->events;
             i--) {
            s->order[n] = weir__name_of(best);
            s->at[weir__sheet_id(s, best)] = n++;
            done[best->thread]++;
            last = best->thread;
            best++;
        }
    }
    for (unsigned i = 0; i < s->events; i++)
        s->at[weir__sheet_id_of(s, s->order[i])] = i;
}

/* Finds what was newer than what each event read, or wrote behind. */
void weir__sheet_find_stale(sheet *s)
{
    for (unsigned i = 0; i < s->events; i++) {
        const event *const e = weir__event(s->g, s->order[i]);
        const location *l;
        unsigned position;

        if (e->kind != READ && e->kind != WRITE)
            continue;
        l = weir__sheet_location_of(s, e);
        position = e->kind == WRITE ? s->position[weir__sheet_id(s, e)]
                                    : weir__sheet_position_of(s, e->from);
        for (unsigned j = l->writes; j-- > position + 1;) {
            if (s->at[weir__sheet_id_of(s, l->write[j])] < i && overlap(s, l->write[j], e)) {
                s->newer[weir__sheet_id(s, e)] = l->write[j];
                break;
            }
        }
    }
}
