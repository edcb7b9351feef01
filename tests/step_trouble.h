/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/step_trouble.h: the half of tests/step.c in which a victim, an adversary or a check
 * crashes, or never ends. */

#ifndef WEIR_TESTS_STEP_TROUBLE_H
#define WEIR_TESTS_STEP_TROUBLE_H

#include "test.h"

#include <weir/atomic.h>
#include <weir/step.h>

#include <pthread.h>
#include <time.h>

typedef enum trouble {
    NO_TROUBLE,
    READS_NULL,
    DIVIDES,
    TRAPS,
    RAISES_A_TRAP,
    ABORTS,
    BLOCKS_TRAPS,
    SPINS,
    SLEEPS,
    NAPS,
    STEPS
} trouble;

typedef struct trouble_case {
    WEIR_ATOMIC(unsigned) word; /* 1 while the victim is in the middle */
    trouble of_victim, of_adversary, of_check;
    bool once_disturbed; /* the victim's comes only after an adversary has acted */
    WEIR_ATOMIC(unsigned) acts;
    pthread_mutex_t lock;
} trouble_case;

static unsigned *volatile nowhere;
static volatile unsigned nothing;

static void get_into(trouble t, trouble_case *c)
{
    const struct timespec nap = {0, 10000000};
    sigset_t traps;

    switch (t) {
    case READS_NULL:
        nothing = *nowhere;
        break;
    case DIVIDES:
        nothing = 7 / nothing;
        break;
    case TRAPS:
#ifdef __x86_64__
        __asm__ __volatile__("int3");
#endif
        break;
    case RAISES_A_TRAP:
        raise(SIGTRAP);
        break;
    case ABORTS:
        abort();
    case BLOCKS_TRAPS:
        sigemptyset(&traps);
        sigaddset(&traps, SIGTRAP);
        pthread_sigmask(SIG_BLOCK, &traps, NULL);
        pthread_sigmask(SIG_UNBLOCK, &traps, NULL);
        break;
    case SPINS:
        /* relaxed: it never changes. */
        while (weir_atomic_load(&c->acts, WEIR_RELAXED) != UINT32_MAX)
            continue;
        break;
    case SLEEPS:
        pthread_mutex_lock(&c->lock);
        pthread_mutex_lock(&c->lock);
        break;
    case NAPS: /* as who looks again every 10 ms whether the other has got on */
        for (;;)
            nanosleep(&nap, NULL);
    case STEPS:
        for (unsigned i = 0; i < 40000; i++)
            nothing = i;
        break;
    default:
        break;
    }
}

static void trouble_setup(void *state)
{
    trouble_case *const c = (trouble_case *)state;
    const pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    weir_atomic_init(&c->word, 0);
    weir_atomic_init(&c->acts, 0);
    c->lock = lock;
    nothing = 0;
}

static void trouble_victim(void *state)
{
    trouble_case *const c = (trouble_case *)state;

    /* relaxed: the turns order it. */
    weir_atomic_store(&c->word, 1, WEIR_RELAXED);
    if (!c->once_disturbed || weir_atomic_load(&c->acts, WEIR_RELAXED) != 0)
        get_into(c->of_victim, c);
    /* relaxed: as above. */
    weir_atomic_store(&c->word, 0, WEIR_RELAXED);
}

static void trouble_adversary(void *state)
{
    trouble_case *const c = (trouble_case *)state;

    /* relaxed: the turns order it. */
    weir_atomic_fetch_add(&c->acts, 1, WEIR_RELAXED);
    if (weir_atomic_load(&c->word, WEIR_RELAXED) == 1)
        get_into(c->of_adversary, c);
}

static void trouble_check(void *state)
{
    trouble_case *const c = (trouble_case *)state;

    get_into(c->of_check, c);
}

static weir_step_row trouble_found(trouble of_victim, bool once_disturbed, trouble of_adversary,
                                   trouble of_check)
{
    static const weir_step_plan plan = {
        "trouble",     "trouble", trouble_setup, trouble_victim, {trouble_adversary, NULL},
        trouble_check, 0,         false};
    static trouble_case c;
    weir_step_row row = {0};

    c.of_victim = of_victim;
    c.once_disturbed = once_disturbed;
    c.of_adversary = of_adversary;
    c.of_check = of_check;
    weir_step_sweep(&plan, &c, &row);
    weir_step_print(&row);
    return row;
}

static bool says(const weir_step_row *row, const char *sentence)
{
    return row->sentence != NULL && strcmp(row->sentence, sentence) == 0;
}

static void catches_a_victim_that_crashes(void)
{
    static const char *const sentences[] = {
        "the victim crashed: SIGSEGV", "the victim crashed: SIGFPE", "the victim crashed: SIGTRAP",
        "the victim crashed: SIGTRAP", "the victim aborted"};

    for (unsigned t = READS_NULL; t <= ABORTS; t++) {
        const weir_step_row always = trouble_found((trouble)t, false, NO_TROUBLE, NO_TROUBLE);
        const weir_step_row later = trouble_found((trouble)t, true, NO_TROUBLE, NO_TROUBLE);

        /* Undisturbed already: there is no stop to be named. */
        CHECK(always.cut == 1 && always.stops == 0 && says(&always, sentences[t - READS_NULL]));
        CHECK(always.pc == 0 && always.crashed != 0);
        /* At the first stop after which it finds that an adversary has been there. */
        CHECK(later.cut == 1 && later.stops == 1 && says(&later, sentences[t - READS_NULL]));
        CHECK(later.pc != 0 && later.after == 0 && later.crashed != 0);
    }
}

static void catches_an_adversary_that_crashes(void)
{
    const weir_step_row row = trouble_found(NO_TROUBLE, false, READS_NULL, NO_TROUBLE);

    /* Once the victim has written its word. */
    CHECK(row.cut == 1 && says(&row, "an adversary crashed: SIGSEGV"));
    CHECK(row.pc != 0 && row.after > 0 && row.after < row.alone.instructions);
    CHECK(row.stops > 0 && row.stops <= row.after + 1);
}

static void catches_a_check_that_crashes_or_never_ends(void)
{
    const weir_step_row crash = trouble_found(NO_TROUBLE, false, NO_TROUBLE, READS_NULL);
    const weir_step_row spins = trouble_found(NO_TROUBLE, false, NO_TROUBLE, SPINS);
    const weir_step_row sleeps = trouble_found(NO_TROUBLE, false, NO_TROUBLE, SLEEPS);

    CHECK(sleeps.cut == 1 && says(&sleeps, "setup or check does not end"));
    CHECK(crash.cut == 1 && says(&crash, "setup or check crashed: SIGSEGV"));
    CHECK(spins.cut == 1 && says(&spins, "setup or check does not end"));
}

static void cuts_off_what_never_ends(void)
{
    const weir_step_row spins = trouble_found(SPINS, false, NO_TROUBLE, NO_TROUBLE);
    const weir_step_row sleeps = trouble_found(SLEEPS, false, NO_TROUBLE, NO_TROUBLE);
    const weir_step_row later = trouble_found(SLEEPS, true, NO_TROUBLE, NO_TROUBLE);
    const weir_step_row steps = trouble_found(STEPS, false, NO_TROUBLE, NO_TROUBLE);
    const weir_step_row blocks = trouble_found(BLOCKS_TRAPS, false, NO_TROUBLE, NO_TROUBLE);
    const weir_step_row adversary = trouble_found(NO_TROUBLE, false, SLEEPS, NO_TROUBLE);
    const weir_step_row naps = trouble_found(NO_TROUBLE, false, NAPS, NO_TROUBLE);

    CHECK(spins.cut == 1 && spins.stops == 0 && says(&spins, "the victim does not end"));
    CHECK(sleeps.cut == 1 && sleeps.stops == 0 && says(&sleeps, "the victim does not end"));
    CHECK(later.cut == 1 && later.stops == 1 && says(&later, "the victim does not end"));
    CHECK(steps.cut == 1 && says(&steps, "the operation takes too many instructions"));
    CHECK(blocks.cut == 1);
    CHECK(says(&blocks, "the operation blocks SIGTRAP, so that it cannot be stopped"));
    CHECK(adversary.cut == 1 && adversary.blocked == 1 && adversary.inside == 1);
    CHECK(says(&adversary, "an adversary does not end, though the victim was let go"));
    CHECK(naps.cut == 1 && naps.blocked == 1 && naps.inside == 1);
}

static void goes_on_after_a_crash(void)
{
    weir_step_row row;

    (void)trouble_found(READS_NULL, true, NO_TROUBLE, NO_TROUBLE);
    row = trouble_found(NO_TROUBLE, false, NO_TROUBLE, NO_TROUBLE);
    CHECK(row.cut == 0 && row.wrong == 0 && row.blocked == 0);
    CHECK(row.stops > 5 && row.stops == row.alone.instructions);
}

#endif /* WEIR_TESTS_STEP_TROUBLE_H */
