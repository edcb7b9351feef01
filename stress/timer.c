/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/timer.c: one thread runs a loop; the others have it start timers, of theirs, move them,
 * and take them back: at once, after a while, without waiting, or after waits in vain; and free the
 * timer as soon as they may.
 *
 * None is called before its deadline, nor after it was taken back; one that is called once is
 * called once, or was taken back; deadlines come in their order; no memory is left.
 *
 * Edges: none of its own. */

#include "memory.h"
#include "stress.h"

#include <weir/timer.h>

#include <errno.h>

enum { AT_ONCE = 8, MOST_NS = 300000 };

typedef struct thing {
    weir_timer timer;
    weir_canceller canceller;
    weir_call start; /* by the loop's thread */
    uint64_t deadline, period;
    uint64_t check; /* stress_mix() of its address, while it may be called */
    uint64_t calls;
    bool asked;
} thing;

typedef struct actor {
    unsigned number;
    stress_rng rng;
    uint64_t taken_back, too_late, moved;
} actor;

static stress s;
static weir_loop *loop;
static actor actors[STRESS_MAX_THREADS];
static uint64_t fired; /* the loop's thread's */

static uint64_t mark(const thing *t)
{
    return stress_mix((uintptr_t)t);
}

/* ---- in the loop ---- */

static void called(weir_timer *timer)
{
    thing *const t = (thing *)(void *)timer;

    if (t->check != mark(t))
        stress_fail(&s, "a timer that was taken back is called");
    if (weir_loop_now(loop) < t->deadline)
        stress_fail(&s, "a timer is called too early");
    if (t->period == 0 && t->calls != 0)
        stress_fail(&s, "a timer is called twice");
    t->deadline += t->period;
    t->calls++;
    fired++;
}

static int start(weir_call *call)
{
    thing *const t = (thing *)(void *)((char *)call - offsetof(thing, start));

    if (t->check != mark(t))
        stress_fail(&s, "a timer that is not one is to be started");
    if (t->period != 0)
        weir_timer_repeat(&t->timer, t->deadline, t->period, WEIR_TIMER_BURST);
    else
        weir_timer_start(&t->timer, t->deadline);
    return 0;
}

/* ---- beside it ---- */

static void have_it_started(actor *a, thing *t)
{
    const uint64_t soon =
        stress_below(&a->rng, 8) == 0 ? UINT64_C(1000000000000) : stress_below(&a->rng, MOST_NS);

    t->deadline = weir_clock_after(soon);
    weir_call_init(&t->start, start, NULL);
    if (weir_loop_call(loop, &t->start, WEIR_FOREVER, NULL) != 0)
        stress_fail(&s, "a call was refused");
}

static thing *make(actor *a)
{
    thing *const t = (thing *)counted_alloc(sizeof *t, 64, NULL);

    if (t == NULL)
        stress_fail(&s, "no memory");
    memset((void *)t, 0, sizeof *t);
    t->check = mark(t);
    t->period = stress_below(&a->rng, 4) == 0 ? 1 + stress_below(&a->rng, MOST_NS) : 0;
    weir_timer_init(&t->timer, loop, called);
    have_it_started(a, t);
    return t;
}

static void judge(actor *a, thing *t, int status)
{
    if (status == 0)
        a->taken_back++;
    else if (status == -EALREADY)
        a->too_late++;
    else
        stress_fail(&s, "a cancel ended with %d", status);
    if (t->period != 0 ? status != 0 : (t->calls != 0) != (status == -EALREADY))
        stress_fail(&s, "a timer that was called %" PRIu64 " times: %d", t->calls, status);
    counted_release(t, sizeof *t, NULL);
}

static void take_back(actor *a, thing *t)
{
    int status;

    if (!t->asked) {
        const bool in_vain = stress_below(&a->rng, 2) == 0;

        status = weir_timer_cancel_wait(&t->timer, &t->canceller, in_vain ? 0 : WEIR_FOREVER, NULL);
    } else {
        status = weir_canceller_wait(&t->canceller, weir_clock_after(1000), NULL);
    }
    if (status == -ETIMEDOUT)
        status = weir_canceller_wait(&t->canceller, WEIR_FOREVER, NULL);
    judge(a, t, status);
}

static void use_loop(actor *a)
{
    thing *things[AT_ONCE] = {NULL};

    while (!stress_stopping(&s)) {
        thing **const t = &things[stress_below(&a->rng, AT_ONCE)];

        stress_maybe_yield(&a->rng, 8);
        if (*t == NULL) {
            *t = make(a);
        } else if ((*t)->asked || stress_below(&a->rng, 2) == 0) {
            take_back(a, *t);
            *t = NULL;
        } else if (stress_below(&a->rng, 2) == 0) {
            (*t)->asked = true;
            if (weir_timer_cancel(&(*t)->timer, &(*t)->canceller) != 0)
                stress_fail(&s, "a cancel was refused");
        } else if ((*t)->period != 0) { /* or it may have been called: once is enough */
            a->moved++;
            if (weir_timer_cancel_wait(&(*t)->timer, &(*t)->canceller, WEIR_FOREVER, NULL) != 0)
                stress_fail(&s, "a timer that repeats was not there");
            have_it_started(a, *t);
        }
    }
    for (unsigned i = 0; i < AT_ONCE; i++)
        if (things[i] != NULL)
            take_back(a, things[i]);
    weir_loop_release(loop);
}

static void act(void *argument)
{
    actor *const a = (actor *)argument;

    if (a->number != 0) {
        use_loop(a);
    } else {
        if (weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER) != 0)
            stress_fail(&s, "the run was stopped");
        if (weir_loop_free(loop) != 0)
            stress_fail(&s, "the loop could not be freed");
    }
}

int main(int argc, char **argv)
{
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    uint64_t rounds = 0, taken_back = 0, too_late = 0, moved = 0;

    stress_begin(&s, "timer", argc, argv);
    if (s.threads < 2)
        s.threads = 2;
    weir_set_allocator(&counted);
    do {
        if (weir_loop_new(&loop, NULL) != 0)
            stress_fail(&s, "no memory, or no descriptors");
        for (unsigned i = 0; i < s.threads; i++) {
            memset(&actors[i], 0, sizeof actors[i]);
            actors[i].number = i;
            actors[i].rng = stress_rng_make(s.seed, rounds * STRESS_MAX_THREADS + i + 1);
            if (i != 0)
                weir_loop_hold(loop);
        }
        stress_run(&s, s.threads, act, actors, sizeof actors[0], 20000000);
        /* relaxed: alone. */
        if (weir_atomic_load(&live, WEIR_RELAXED) != 0)
            stress_fail(&s, "%zu bytes leaked", weir_atomic_load(&live, WEIR_RELAXED));
        for (unsigned i = 0; i < s.threads; i++) {
            taken_back += actors[i].taken_back;
            too_late += actors[i].too_late;
            moved += actors[i].moved;
        }
        rounds++;
    } while (stress_goes_on(&s, "%" PRIu64 " timers taken back", taken_back));
    return stress_end(&s,
                      "%" PRIu64 " loops, %" PRIu64 " calls, %" PRIu64
                      " timers taken back, %" PRIu64 " too late, %" PRIu64
                      " moved; none too early, none after that",
                      rounds, fired, taken_back, too_late, moved);
}
