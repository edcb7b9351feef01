/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/accesses.c: reads and writes of the thread that runs, as events. */

#include "thread.h"

#include <string.h>

static running *const run = &weir__running;
static STATE unsigned *options = NULL;
static STATE unsigned options_room = 0;

/* ---- reads and writes ---- */

static location *open_location(int place)
{
    location *const l = weir__graph_location(run->g, place);
    const name initial = {-1, 0};
    unsigned size, in;

    if (l->open)
        return l;
    weir__place_of(place, &l->address, &size, &in, &l->life);
    l->size = (uint8_t)size;
    l->space = (uint8_t)in;
    l->initial = 0;
    l->undefined = 0;
    if (in == MEMORY) {
        memcpy(&l->initial, l->address, size);
        if (!weir__memory_defined(l->address, size))
            for (unsigned i = 0; i < size; i++)
                if (!weir__memory_defined((const char *)l->address + i, 1))
                    l->undefined = (uint16_t)(l->undefined | 1U << i);
    }
    l->open = true;
    l->parts = false;
    l->reads = 0;
    l->writes = 1;
    if (l->write_room == 0) {
        l->write_room = 8;
        l->write = (name *)weir__check_heap(NULL, 8 * sizeof *l->write);
    }
    l->write[0] = initial;
    return l;
}

static int place_of(const request *a, unsigned *mask)
{
    int place;

    weir__run_learn();
    place = weir__place(a->address, a->size, a->space,
                        a->space == MEMORY ? weir__memory_life(a->address) : 0, mask, a->pc);
    if (place < 0)
        weir__run_leave(WIDENED);
    open_location(place);
    return place;
}

static void room_for_options(const location *l)
{
    if (l->writes + 1 <= options_room)
        return;
    options_room = 2 * (l->writes + 1);
    options = (unsigned *)weir__check_heap(options, options_room * sizeof *options);
}

typedef struct changing {
    change_function *change;
    void *with;
} changing;

static bool can_change(void *with, word value)
{
    const changing *const c = (const changing *)with;
    word unused;

    return c->change(c->with, value, &unused);
}

typedef bool kept_function(void *with, word value);

/* `with`: of an exclusive read, what can_change() takes. A read that is to find what is wanted, if
 * `wanted` is not NULL: of those that do not find it only
 * the one of the newest write is kept, in which the thread waits. Returns: NULL if it has to wait
 * without a read, and to try again. */
static event *add_read(const request *a, int place, unsigned mask, bool exclusive,
                       kept_function *wanted, void *with)
{
    location *const l = open_location(place); /* it may have been closed while others ran */
    event *const e = weir__graph_add(run->g, (unsigned)weir__check_self, READ);
    unsigned count, kept = 0;

    e->order = e->success = a->order;
    e->failure = exclusive ? a->failure : a->order;
    e->exclusive = exclusive;
    e->compares = a->expected != NULL;
    e->expected = a->expected != NULL ? *a->expected : 0;
    e->size = a->size;
    e->mask = (uint16_t)mask;
    e->location = place;
    e->pc = a->pc;
    e->what = a->what;
    weir__graph_finish(run->g, e);
    weir__graph_list_read(run->g, e);
    room_for_options(l);
    count = weir__graph_read_options(run->g, e, options);
    for (unsigned i = 0; i < count; i++) {
        const word value = weir__graph_value(run->g, l, options[i], mask);
        const bool good = wanted == NULL || wanted(with, value);

        /* Its write would have no place; only a later run can make one. */
        if (exclusive && run->rule->next != NULL && can_change(with, value) &&
            weir__graph_is_taken(run->g, e, options[i]))
            continue;

        if (good || run->rule->waits_on_old || (i == count - 1 && !run->rule->tries_again))
            options[kept++] = options[i];
    }
    if (kept == 0) {
        weir__graph_cut(run->g, e->stamp);
        return NULL;
    }
    if (weir__run_self()->eager)
        weir__graph_read_from(run->g, e, options[kept - 1]);
    else
        weir__graph_read_from(run->g, e, options[run->rule->read(e, options, kept)]);
    return e;
}

static event *do_read(const request *a, bool exclusive, kept_function *wanted, void *with,
                      why reason)
{
    event *e;
    unsigned mask;
    const int place = place_of(a, &mask);

    for (;;) {
        e = weir__run_recorded(READ, place, mask, a->pc, a->what);
        if (e == NULL)
            e = add_read(a, place, mask, exclusive, wanted, with);
        if (e != NULL)
            break;
        weir__run_wait_for_news(reason, a->pc);
    }
    e->blocked = wanted != NULL && !wanted(with, e->value);
    e->reason = (uint8_t)reason;
    weir__run_did(e);
    if (e->from.thread < 0 && (run->g->location[place].undefined & e->mask) != 0)
        weir__check_bug(WEIR_CHECK_UNINITIALISED, a->pc, NULL,
                        "thread %d reads at %s what nobody has written", weir__check_self,
                        weir__check_place(a->pc));
    if (e->blocked)
        weir__run_wait(reason, a->pc);
    return e;
}

static void add_write(const request *a, int place, unsigned mask, word value, bool exclusive)
{
    location *const l = open_location(place);
    event *const e = weir__graph_add(run->g, (unsigned)weir__check_self, WRITE);
    unsigned count, chosen;

    e->order = a->order;
    e->exclusive = exclusive;
    e->size = a->size;
    e->mask = (uint16_t)mask;
    e->location = place;
    e->value = value;
    e->pc = a->pc;
    e->what = a->what;
    weir__graph_finish(run->g, e);
    room_for_options(l);
    count = weir__graph_write_options(run->g, e, options);
    chosen = run->rule->write(e, options, count);
    if (chosen >= count)
        weir__run_leave(GIVEN_UP);
    if (chosen != count - 1) {
        const unsigned position = options[chosen];

        weir__graph_displace(run->g, e);
        weir__graph_place(run->g, e, position);
    }
}

static void do_write(const request *a, int place, unsigned mask, word value, bool exclusive)
{
    event *e = weir__run_recorded(WRITE, place, mask, a->pc, a->what);
    const location *l;

    if (e == NULL)
        add_write(a, place, mask, value, exclusive);
    else if (e->value != value)
        weir__run_differs(e, a->pc, "stores another value");
    e = &run->g->of[weir__check_self][weir__run_self()->done];
    l = &run->g->location[place];
    /* For those who look from outside, a debugger for one. */
    if (a->space == MEMORY && weir__same(l->write[l->writes - 1], weir__name_of(e)))
        memcpy((void *)(uintptr_t)a->address, &value, a->size);
    run->written++;
    weir__run_did(e);
}

word weir__check_load(const request *a)
{
    const event *e;

    weir__run_round(a->pc);
    if (a->space == MEMORY)
        weir__memory_there(a->address, a->size, a->pc);
    e = do_read(a, false, NULL, NULL, SPINS);
    if (a->space == MEMORY) {
        const word value = e->value;

        weir__memory_atomic(a->address, a->size, false, a->pc);
        return value;
    }
    return e->value;
}

void weir__check_store(const request *a, word value)
{
    unsigned mask;
    int place;

    if (a->space == MEMORY)
        weir__memory_there(a->address, a->size, a->pc);
    place = place_of(a, &mask);
    weir__run_wrote();
    do_write(a, place, mask, value, false);
    if (a->space == MEMORY)
        weir__memory_atomic(a->address, a->size, true, a->pc);
}

static word change(const request *a, change_function *function, void *with, bool *done, bool waits,
                   why reason)
{
    changing c = {function, with};
    thread *const me = weir__run_self();
    bool writes;
    word old, value = 0;
    unsigned mask;

    weir__run_round(a->pc);
    if (a->space == MEMORY)
        weir__memory_there(a->address, a->size, a->pc);
    old = do_read(a, true, waits ? can_change : NULL, &c, reason)->value;
    writes = function(with, old, &value);
    if (writes) {
        const int place = place_of(a, &mask);

        /* Who writes what was there goes round for nothing too. */
        if (value != old)
            weir__run_wrote();
        me->half = true;
        do_write(a, place, mask, value, true);
        me->half = false;
    }
    if (a->space == MEMORY)
        weir__memory_atomic(a->address, a->size, writes, a->pc);
    if (done != NULL)
        *done = writes;
    return old;
}

word weir__check_change(const request *a, change_function *function, void *with, bool *done)
{
    return change(a, function, with, done, false, SPINS);
}

word weir__check_await_change(const request *a, change_function *function, void *with, why reason)
{
    return change(a, function, with, NULL, true, reason);
}

word weir__check_await(const request *a, wanted_function *wanted, void *with, why reason)
{
    return do_read(a, false, wanted, with, reason)->value;
}

/* ---- plain accesses where atomic ones are ---- */

static STATE const void *plain_pc = NULL;

/* What the thread has to see there. */
static void show(int place)
{
    const clock_vector *const now = weir__check_clock(weir__check_self);
    const location *const l = &run->g->location[place];

    for (unsigned p = l->writes; p-- > 0;)
        if (weir__in(now, l->write[p])) {
            const word value = weir__graph_value(run->g, l, p, (1U << l->size) - 1);

            memcpy((void *)(uintptr_t)l->address, &value, l->size);
            return;
        }
}

static bool is_open(int place)
{
    return place < (int)run->g->locations && run->g->location[place].open;
}

static void plain_read(int place)
{
    if (is_open(place))
        show(place);
}

static void plain_write(int place)
{
    static const char *const what = "plain store";
    unsigned size, in, life;
    const void *address;
    event *e;

    if (!is_open(place))
        return;
    /* Of the bytes that it leaves alone. */
    show(place);
    weir__place_of(place, &address, &size, &in, &life);
    e = weir__run_recorded(WRITE, place, (1U << size) - 1, plain_pc, what);
    if (e == NULL) {
        e = weir__graph_add(run->g, (unsigned)weir__check_self, WRITE);
        e->order = PLAIN;
        e->size = (uint8_t)size;
        e->mask = (uint16_t)((1U << size) - 1);
        e->location = place;
        e->pc = plain_pc;
        e->what = what;
        e->open = true;
        weir__graph_finish(run->g, e);
        /* All others happen before it. */
        weir__graph_place(run->g, e, run->g->location[place].writes);
    }
    if (e->open) {
        if (run->unknowns == run->unknown_room) {
            run->unknown_room = run->unknown_room == 0 ? 16 : 2 * run->unknown_room;
            run->unknown =
                (name *)weir__check_heap(run->unknown, run->unknown_room * sizeof *run->unknown);
        }
        run->unknown[run->unknowns++] = weir__name_of(e);
    }
    run->written++;
    weir__run_did(e);
}

void weir__check_plain_read(const void *address, size_t size, const void *pc)
{
    (void)pc;
    weir__run_learn();
    weir__places_in(address, size, plain_read);
}

void weir__check_plain_write(const void *address, size_t size, const void *pc)
{
    weir__run_learn();
    plain_pc = pc;
    weir__check_wrote();
    weir__places_in(address, size, plain_write);
}
