/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/thread.c: the thread under test that runs: its next event, how it waits, and how it
 * ends the run.
 *
 * A loop that waits is seen by its state: if a thread is about to read at the same place, with the
 * same registers and the same stack as before, and has written nothing since, it goes round for
 * nothing. It then waits for good: the runs in which an earlier round finds another value contain
 * all that can come of it. */

#include "thread.h"

#include <stdlib.h>
#include <string.h>

STATE running weir__running = {.g = NULL};
STATE run_result weir__result = {.finding = WEIR_CHECK_NOTHING};
STATE name *weir__order = NULL;
STATE unsigned weir__ordered = 0;
STATE int weir__check_self = -1;
STATE const machine *weir__check_machine = NULL;
STATE unsigned weir__check_beat = 0;
STATE unsigned weir__check_spurious_of[THREADS] = {0};

/* Bytes below a read of a thread that it may have used too. */
enum { BELOW = 2048 };

STATE char weir__run_bound[128] = "";

static STATE unsigned order_room = 0;
static running *const run = &weir__running;

/* ---- ending a run ---- */

_Noreturn void weir__run_leave(outcome o)
{
    run->how = o;
    run->over = true;
    for (;;)
        weir__fiber_yield();
}

static void say(weir_check_finding finding, const void *pc, const void *other, const char *format,
                va_list arguments) __attribute__((format(printf, 4, 0)));

static void say(weir_check_finding finding, const void *pc, const void *other, const char *format,
                va_list arguments)
{
    weir__result.finding = finding;
    weir__result.pc = pc;
    weir__result.other = other;
    weir__result.thread = weir__check_self;
    vsnprintf(weir__result.sentence, sizeof weir__result.sentence, format, arguments);
}

/* The conductor's finding, at the end of a run. */
outcome weir__run_found(weir_check_finding finding, const void *pc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

outcome weir__run_found(weir_check_finding finding, const void *pc, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(finding, pc, NULL, format, arguments);
    va_end(arguments);
    return FAILED;
}

void weir__check_die(const char *sentence)
{
    fprintf(stderr, "weir_check: %s\n", sentence);
    exit(WEIR_CHECK_UNABLE);
}

void weir__check_bug(weir_check_finding finding, const void *pc, const void *other,
                     const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(finding, pc, other, format, arguments);
    va_end(arguments);
    if (weir__check_self < 0) /* on the conductor there is no run to leave */
        weir__check_die(weir__result.sentence);
    weir__run_leave(FAILED);
}

void weir__check_unable(const void *pc, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(WEIR_CHECK_NOTHING, pc, NULL, format, arguments);
    va_end(arguments);
    if (weir__check_self < 0) /* on the conductor there is no run to leave */
        weir__check_die(weir__result.sentence);
    weir__run_leave(UNCHECKABLE);
}

/* ---- the calling thread ---- */

const clock_vector *weir__check_clock(int t)
{
    static const clock_vector none = {{0}};

    return run->thread[t].done == 0 ? &none : &run->g->of[t][run->thread[t].done - 1].hb;
}

unsigned weir__check_epoch(int t)
{
    return run->thread[t].done + 1;
}

unsigned weir__check_steps(int t)
{
    return run->thread[t].steps;
}

/* Has run, or been added. */
void weir__run_did(const event *e)
{
    thread *const me = weir__run_self();

    if (weir__ordered == order_room) {
        order_room = order_room == 0 ? 256 : 2 * order_room;
        weir__order = (name *)weir__check_heap(weir__order, order_room * sizeof *weir__order);
    }
    weir__order[weir__ordered++] = weir__name_of(e);
    me->done++;
    weir__check_beat++;
    me->steps += !(e->kind == WRITE && e->exclusive);
    if (run->forward && run->rule->added != NULL && !run->rule->added())
        weir__run_leave(GIVEN_UP);
}

bool weir__run_may(const thread *me, const event *e)
{
    for (int t = 0; t < THREADS; t++)
        if (&run->thread[t] != me && run->thread[t].done < e->porf.of[t])
            return false;
    return true;
}

/* A plain write has been made by now. */
void weir__run_learn(void)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < run->unknowns; i++) {
        event *const e = weir__event(run->g, run->unknown[i]);

        if (e->thread != weir__check_self) { /* its thread may not have come to the store yet */
            run->unknown[kept++] = run->unknown[i];
            continue;
        }
        e->open = false;
        memcpy(&e->value, run->g->location[e->location].address, e->size);
    }
    run->unknowns = kept;
}

_Noreturn void weir__run_differs(const event *e, const void *pc, const char *what)
{
    weir__check_unable(pc,
                       "the test is not deterministic: thread %d did %s at %s before, and now %s "
                       "at %s",
                       weir__check_self, e->what == NULL ? "something else" : e->what,
                       weir__check_place(e->pc), what, weir__check_place(pc));
}

/* A thread has used up its events: others go on, since what they write may end its loop in another
 * run. One that has come round to the same state again and again, though it writes at each turn, is
 * not a large test but a loop. (R. P. Brent, "An improved Monte Carlo factorization algorithm",
 * BIT 20, 1980, doi:10.1007/BF01933190: one state is kept, anew at each power of two.) */
_Noreturn static void hit_bound(const thread *me, const void *pc)
{
    if (me->turns < 4) {
        run->bounded = true;
        if (weir__run_bound[0] == '\0')
            snprintf(weir__run_bound, sizeof weir__run_bound, "thread %d has had %u events, at %s",
                     weir__check_self, me->done, weir__check_place(pc));
        weir__run_wait(ASSUMES, pc);
    }
    weir__check_bug(WEIR_CHECK_SPIN, pc, NULL,
                    "thread %d goes round for ever and writes at each turn, at %s: %u events",
                    weir__check_self, weir__check_place(pc), me->done);
}

/* The calling thread's next event if the graph holds it; NULL: it is to be added now. */
event *weir__run_recorded(kind k, int place, unsigned mask, const void *pc, const char *what)
{
    thread *const me = weir__run_self();

    if (weir__subject.stands[weir__check_self] == (int)me->done && !me->half) {
        if (!weir__history_inside(weir__check_self) && weir__history_used())
            weir__run_leave(NOT_REACHED);
        me->state = STANDING;
        for (;;)
            weir__fiber_yield();
    }
    if (run->rule->next != NULL && !me->half) {
        me->state = AT_EDGE;
        me->pc = pc;
        weir__fiber_yield();
    }
    for (;;) {
        event *const e = &run->g->of[weir__check_self][me->done];

        if (me->done >= run->g->count[weir__check_self]) {
            if (run->forward) {
                if (me->done >= weir__subject.events)
                    hit_bound(me, pc);
                return NULL;
            }
            me->state = AT_EDGE;
            weir__fiber_yield();
            continue;
        }
        if (e->kind != k || e->pc != pc || (place >= 0 && e->location != place) ||
            (place >= 0 && e->mask != mask))
            weir__run_differs(e, pc, what);
        if (weir__run_may(me, e))
            return e;
        me->state = HELD;
        weir__fiber_yield();
    }
}

_Noreturn void weir__run_wait(why reason, const void *pc)
{
    for (;;)
        weir__run_wait_for_news(reason, pc);
}

/* Until something is written. */
void weir__run_wait_for_news(why reason, const void *pc)
{
    thread *const me = weir__run_self();

    me->reason = reason;
    me->pc = pc;
    me->since = run->written;
    me->state = WAITING;
    weir__fiber_yield();
}

/* ---- rounds of a loop ---- */

/* An event says what it writes. */
void weir__run_wrote(void)
{
    thread *const me = &run->thread[weir__check_self];

    me->rounds = me->round = 0;
    me->eager = false;
}

/* What was written otherwise may make a difference that is not seen. */
void weir__check_wrote(void)
{
    weir__run_wrote();
    weir__run_self()->mark.at = NULL;
}

static uint64_t hash_of_stack(const machine *from)
{
    char *low, *high;
    const uint64_t *at = (const uint64_t *)(const void *)from;
    uint64_t hash = 0x9e3779b97f4a7c15;

    weir__fiber_stack(weir__check_self, &low, &high);
    for (; at < (const uint64_t *)(const void *)high; at++) {
        hash = (hash ^ *at) * 0xff51afd7ed558ccd;
        hash ^= hash >> 32;
    }
    return hash;
}

void weir__run_start(int t, void (*body)(void *), void *argument)
{
    thread *const it = &run->thread[t];
    char *const deepest = it->deepest;
    char *low, *high;

    memset(it, 0, offsetof(thread, deepest));
    it->state = READY;
    it->body = body;
    it->argument = argument;
    weir__fiber_stack(t, &low, &high);
    if (deepest != NULL)
        memset(deepest - BELOW, 0, (size_t)(high - deepest) + BELOW);
    it->deepest = high;
    weir__fiber_begin(t, weir__run_thread, NULL);
}

/* Whether a thread that waits would wait for ever: it has read the newest of everything. */
bool weir__run_reads_newest(int t)
{
    const thread *const it = &run->thread[t];
    const unsigned first = it->reason == SPINS && it->rounds > 0 ? it->from : it->done - 1;

    for (unsigned i = first; i < it->done; i++)
        if (run->g->of[t][i].kind == READ && !weir__graph_reads_newest(run->g, &run->g->of[t][i]))
            return false;
    return true;
}

/* Whether it has looked, since that event, at what another thread has to change. */
static bool waited_since(const thread *me, unsigned event_number)
{
    for (unsigned i = event_number; i < me->done; i++) {
        const event *const e = &run->g->of[weir__check_self][i];

        if (e->kind == READ && !e->exclusive && e->from.thread != weir__check_self)
            return true;
    }
    return false;
}

/* Before a read. */
void weir__run_round(const void *pc)
{
    thread *const me = weir__run_self();
    const machine *const now = weir__check_machine;
    round r;

    if (now == NULL)
        return;
    if ((const char *)now < me->deepest)
        me->deepest = (char *)(uintptr_t)now;
    r.at = now;
    r.hash = hash_of_stack(now);
    r.event = me->done;
    if (me->mark.at == r.at && me->mark.hash == r.hash) {
        me->turns += waited_since(me, me->turned);
        me->turned = me->done;
    }
    if (me->done >= 2 * me->mark.event + ROUNDS) {
        me->mark = r;
        me->turned = me->done;
    }
    /* What the graph holds is run again in any case: whether a local variable that has no value yet
     * looks like that of the round before depends on what was on the stack. */
    for (unsigned i = 0; i < me->rounds && me->done >= run->g->count[weir__check_self]; i++)
        if (me->before[i].at == r.at && me->before[i].hash == r.hash) {
            me->from = me->before[i].event;
            me->reason = SPINS;
            if (!run->rule->tries_again)
                weir__run_wait(SPINS, pc);
            if (weir__run_reads_newest(weir__check_self))
                weir__run_wait_for_news(SPINS, pc);
            weir__check_wrote();
            me->eager = true;
            return;
        }
    me->before[me->round] = r;
    me->round = (me->round + 1) % ROUNDS;
    me->rounds = me->rounds < ROUNDS ? me->rounds + 1 : ROUNDS;
}
