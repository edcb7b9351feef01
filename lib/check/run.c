/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/run.c: one run of the test. First what the graph holds already is run again: each event
 * has to be the one that is recorded, and returns what is recorded, once those that it depends on
 * have been run. Then threads go on, one after the other, and each event is added to the graph. */

#include "thread.h"

#include <signal.h>
#include <string.h>

STATE subject weir__subject = {.test = NULL};
static running *const run = &weir__running;

bool weir__run_waits(int t, why *reason)
{
    *reason = run->thread[t].state == STANDING ? FROZEN : run->thread[t].reason;
    return run->thread[t].state == WAITING || run->thread[t].state == STANDING;
}

static bool can_go(int t)
{
    const thread *const it = &run->thread[t];

    switch (it->state) {
    case READY:
        return true;
    case HELD:
        return weir__run_may(it, &run->g->of[t][it->done]);
    case AT_EDGE:
        return run->forward;
    case WAITING:
        if (it->reason == JOINS)
            return run->thread[it->waits_for].state == ENDED;
        return run->rule->tries_again && it->since != run->written;
    default:
        return false;
    }
}

static void go(int t)
{
    const void *address, *pc;
    bool overflow;
    int signal;

    run->thread[t].state = READY;
    weir__check_machine = NULL; /* another thread's */
    weir__check_self = t;
    weir__fiber_run(t);
    signal = weir__fiber_crashed(&address, &pc, &overflow);
    if (signal != 0 && !run->over) {
        run->over = true;
        if (signal == SIGVTALRM) {
            weir__run_found(
                WEIR_CHECK_NOTHING, pc,
                "thread %d has run for two seconds without an event, at %s: a loop that "
                "neither reads nor writes anything atomic?",
                t, weir__check_place(pc));
            run->how = UNCHECKABLE;
        } else if (overflow)
            run->how =
                weir__run_found(WEIR_CHECK_CRASH, pc, "thread %d has used up its stack, at %s", t,
                                weir__check_place(pc));
        else
            run->how = weir__run_found(WEIR_CHECK_CRASH, pc, "thread %d crashes at %s: %s", t,
                                       weir__check_place(pc), strsignal(signal));
    }
    weir__check_self = -1;
}

/* Who goes on. -1: nobody can. */
static int next_thread(void)
{
    unsigned ready = 0;

    for (int t = 0; t < THREADS; t++)
        if (can_go(t)) {
            if (run->rule->next == NULL && !run->forward)
                return t;
            if (run->thread[t].half || (run->rule->next != NULL && run->thread[t].state != AT_EDGE))
                return t;
            ready |= 1U << t;
        }
    if (ready == 0)
        return -1;
    return run->rule->next == NULL ? __builtin_ctz(ready) : run->rule->next(ready);
}

static outcome stuck(void)
{
    static const char *const says[] = {"goes round for ever",
                                       "waits for a lock for ever",
                                       "sleeps, and nobody can wake it",
                                       "waits for a thread",
                                       "has given up",
                                       "stands still"};
    static const weir_check_finding finding[] = {WEIR_CHECK_SPIN, WEIR_CHECK_DEADLOCK,
                                                 WEIR_CHECK_LOST_WAKEUP, WEIR_CHECK_DEADLOCK};
    int who = -1, standing = -1, joins = -1;

    for (int t = 0; t < THREADS; t++) {
        if (run->thread[t].state == STANDING) {
            standing = t;
            continue;
        }
        if (run->thread[t].state != WAITING)
            continue;
        if (run->thread[t].reason == ASSUMES)
            return STUCK;
        if (run->thread[t].reason == JOINS) {
            joins = t;
            if (who < 0 && weir__history_inside(t))
                who = t;
            continue;
        }
        /* What waits on an old value would go on, some day. */
        if (!run->rule->tries_again && !weir__run_reads_newest(t))
            return STUCK;
        if (who < 0)
            who = t;
    }
    if (standing >= 0) {
        const event *const last = run->thread[standing].done > 0
                                      ? &run->g->of[standing][run->thread[standing].done - 1]
                                      : NULL;

        if (who < 0)
            return COMPLETE;
        return weir__run_found(WEIR_CHECK_NO_PROGRESS, run->thread[who].pc,
                               "thread %d stands still after %s, and thread %d %s at %s", standing,
                               last == NULL ? "nothing" : weir__check_place(last->pc), who,
                               says[run->thread[who].reason],
                               weir__check_place(run->thread[who].pc));
    }
    if (run->exits)
        return COMPLETE;
    /* Or those who join wait for each other. */
    who = who < 0 ? joins : who;
    weir__result.thread = who;
    return weir__run_found(finding[run->thread[who].reason], run->thread[who].pc,
                           "thread %d %s, at %s", who, says[run->thread[who].reason],
                           weir__check_place(run->thread[who].pc));
}

static outcome ended(void)
{
    bool all = true, stands = false;
    const void *block, *pc;
    size_t size;
    int maker;

    for (int t = 0; t < THREADS; t++) {
        if (run->thread[t].done < run->g->count[t] && run->thread[t].state != STANDING) {
            weir__run_found(
                WEIR_CHECK_NOTHING, NULL,
                "the test is not deterministic: thread %d did %s at %s before, and now ends", t,
                run->g->of[t][run->thread[t].done].what,
                weir__check_place(run->g->of[t][run->thread[t].done].pc));
            return UNCHECKABLE;
        }
        stands |= run->thread[t].state == STANDING;
        all &= run->thread[t].state == ENDED || run->thread[t].state == ABSENT;
    }
    if (run->bounded)
        return BOUND_HIT;
    if (!all) {
        const outcome o = stuck();

        if (o != COMPLETE)
            return o;
    }
    if (!weir__history_holds())
        return weir__run_found(WEIR_CHECK_NOT_LINEARIZABLE, NULL,
                               "no order of the operations explains what they returned");
    if (weir__subject.progress == WEIR_CHECK_WAIT_FREE &&
        weir__history_steps() > weir__subject.steps)
        return weir__run_found(WEIR_CHECK_NO_PROGRESS, NULL,
                               "an operation took %u events, %u are allowed", weir__history_steps(),
                               weir__subject.steps);
    if (!stands && !run->exits && !weir__subject.leaks_allowed &&
        weir__memory_leak(&block, &size, &maker, &pc))
        return weir__run_found(WEIR_CHECK_LEAK, pc,
                               "%zu bytes that thread %d allocated at %s are not freed", size,
                               maker, weir__check_place(pc));
    return COMPLETE;
}

outcome weir__run(graph *what, const policy *p)
{
    outcome how;
    int t;

    run->g = what;
    weir__graph_close(what);
    run->rule = p;
    run->forward = p->next != NULL;
    run->over = run->exits = run->bounded = false;
    weir__check_beat++;
    run->written = 0;
    run->unknowns = 0;
    weir__ordered = 0;
    weir__result.finding = WEIR_CHECK_NOTHING;
    weir__result.thread = -1;
    weir__result.other = NULL;
    weir__world_restore();
    weir__memory_begin();
    weir__history_begin();
    weir__posix_begin();
    for (t = 0; t < THREADS; t++) {
        run->thread[t].state = ABSENT;
        run->thread[t].done = 0;
        weir__check_spurious_of[t] = weir__subject.spurious;
    }
    run->g->made |= 1;
    weir__run_start(0, weir__subject.test, weir__subject.argument);
    for (;;) {
        t = next_thread();
        if (t >= 0) {
            go(t);
            if (run->over)
                break;
        } else if (!run->forward)
            run->forward = true;
        else
            break;
    }
    if (run->over)
        return run->how;
    how = ended();
    return (how == COMPLETE || how == STUCK) && weir__sleep_was_cut() ? BOUND_HIT : how;
}
