/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/events.c: what else threads do: fences, choices, threads made and awaited. */

#include "thread.h"

#include <string.h>

static running *const run = &weir__running;

static event *add(kind k, const void *pc, const char *what)
{
    event *const e = weir__graph_add(run->g, (unsigned)weir__check_self, k);

    e->pc = pc;
    e->what = what;
    return e;
}

void weir__check_fence(int order, const void *pc, const char *what)
{
    event *e;

    weir__run_learn();
    e = weir__run_recorded(FENCE, -1, 0, pc, what);
    if (e == NULL) {
        e = add(FENCE, pc, what);
        e->order = (uint8_t)order;
        weir__graph_finish(run->g, e);
    }
    weir__run_did(e);
}

unsigned weir__check_choose(unsigned n, const char *const *what, const void *pc)
{
    event *e;
    unsigned answer;

    weir__run_learn();
    e = weir__run_recorded(CHOICE, -1, 0, pc, "chooses");
    if (e == NULL) {
        e = add(CHOICE, pc, "chooses");
        e->value = run->rule->choice(e, n);
    }
    answer = (unsigned)e->value;
    if (answer != 0) /* which may be had so many times only */
        weir__check_wrote();
    if (answer >= n)
        weir__run_differs(e, pc, "chooses among fewer");
    if (what != NULL)
        e->what = what[answer];
    weir__run_did(e);
    return answer;
}

void *__cxa_get_globals(void) __attribute__((weak));

void weir__run_thread(void *unused)
{
    thread *const me = weir__run_self();
    event *e;

    (void)unused;
    if (__cxa_get_globals != NULL) /* a run that was given up may have left a handler */
        memset(__cxa_get_globals(), 0, sizeof(void *) + sizeof(unsigned));
    if (weir__check_self != 0) {
        e = weir__run_recorded(BEGIN, -1, 0, NULL, "begins");
        if (e == NULL) {
            e = add(BEGIN, NULL, "begins");
            weir__graph_follow(run->g, e, me->made_by);
        }
        weir__run_did(e);
    }
    me->body(me->argument);
    weir__check_end_thread();
}

_Noreturn static void end(void)
{
    event *e;

    weir__run_learn();
    if (weir__check_self != 0) {
        e = weir__run_recorded(END, -1, 0, NULL, "ends");
        if (e == NULL)
            e = add(END, NULL, "ends");
        weir__run_did(e);
    }
    weir__run_self()->state = ENDED;
    for (;;)
        weir__fiber_yield();
}

void weir__check_end_thread(void)
{
    weir__posix_end();
    end();
}

void weir__check_end_run(void)
{
    weir__run_learn();
    run->exits = true;
    /* Nobody can join it any more. */
    weir__run_self()->state = GONE;
    for (;;)
        weir__fiber_yield();
}

int weir__check_spawn(void (*body)(void *), void *argument, const void *pc, const char *what)
{
    event *e;
    int number;

    weir__run_learn();
    weir__check_wrote();
    e = weir__run_recorded(CREATE, -1, 0, pc, what);
    if (e == NULL) {
        number = __builtin_ctz(~run->g->made);
        if (number >= THREADS)
            weir__check_unable(pc, "more than %d threads", THREADS);
        e = add(CREATE, pc, what);
        e->location = number;
        run->g->made |= 1U << number;
    }
    number = e->location;
    weir__run_start(number, body, argument);
    run->thread[number].made_by = weir__name_of(e);
    weir__run_did(e);
    return number;
}

void weir__check_wait_for(int number, const void *pc, const char *what)
{
    thread *const me = weir__run_self();
    event *e;

    weir__run_learn();
    while (run->thread[number].state != ENDED && me->done >= run->g->count[weir__check_self]) {
        me->reason = JOINS;
        me->waits_for = number;
        me->pc = pc;
        me->state = WAITING;
        weir__fiber_yield();
    }
    e = weir__run_recorded(JOIN, -1, 0, pc, what);
    if (e == NULL) {
        const name end = {(int16_t)number, (uint16_t)(run->g->count[number] - 1)};

        e = add(JOIN, pc, what);
        e->location = number;
        weir__graph_follow(run->g, e, end);
    }
    weir__run_did(e);
}

void weir_check_assume(bool condition)
{
    if (weir__check_self < 0)
        weir__check_die("weir_check_assume() outside of a test");
    if (!condition)
        weir__run_wait(ASSUMES, __builtin_return_address(0));
}
