/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The barrier of weir/sem.h. */

#include "sem.h"

/* ---- threads that meet ---- */

typedef struct party {
    pthread_t thread;
    weir_barrier *barrier;
    uint64_t deadline;
    weir_cancel *cancel;
    int status;
} party;

static void *meet(void *argument)
{
    party *const p = (party *)argument;

    p->status = weir_barrier_wait(p->barrier, p->deadline, p->cancel);
    return NULL;
}

static void start(party *p, weir_barrier *barrier, uint64_t deadline, weir_cancel *cancel)
{
    p->barrier = barrier;
    p->deadline = deadline;
    p->cancel = cancel;
    CHECK(pthread_create(&p->thread, NULL, meet, p) == 0);
}

static void await_waiting(weir_barrier *barrier, uint32_t n)
{
    while (weir_barrier_waiting_approx(barrier) != n)
        sched_yield();
}

static int end(party *p)
{
    CHECK(pthread_join(p->thread, NULL) == 0);
    return p->status;
}

/* ---- cases ---- */

static void one_alone_does_not_wait(void)
{
    static weir_barrier fixed = WEIR_BARRIER_INIT(1);
    weir_barrier barrier;

    weir_barrier_init(&barrier, 1);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(weir_barrier_wait(&barrier, 0, NULL), 1);
        CHECK_EQ(weir_barrier_wait(&fixed, WEIR_FOREVER, NULL), 1);
    }
    CHECK(!weir_barrier_broken_approx(&barrier));
    CHECK_EQ(weir_barrier_destroy(&barrier), 0);
}

static void nobody_is_a_mistake(void)
{
    weir_barrier barrier = WEIR_BARRIER_INIT(0);

    CHECK_DIES(CHECK_EQ(weir_barrier_wait(&barrier, 0, NULL), 1), "a barrier for nobody");
    CHECK_DIES(weir_barrier_init(&barrier, 0), "a barrier for nobody");
}

/* What can be done at once is, whatever the deadline: the last one need not wait. */
static void the_last_one_gets_1(void)
{
    enum { N = 5 };
    weir_barrier barrier = WEIR_BARRIER_INIT(N);

    for (int round = 0; round < 20; round++) {
        party p[N - 1];

        for (int i = 0; i < N - 1; i++)
            start(&p[i], &barrier, WEIR_FOREVER, NULL);
        await_waiting(&barrier, N - 1);
        CHECK_EQ(weir_barrier_destroy(&barrier), -EBUSY);
        CHECK_EQ(weir_barrier_wait(&barrier, 0, NULL), 1);
        for (int i = 0; i < N - 1; i++)
            CHECK_EQ(end(&p[i]), 0);
        CHECK_EQ(weir_barrier_waiting_approx(&barrier), 0);
    }
    CHECK_EQ(weir_barrier_destroy(&barrier), 0);
}

/* Ends the round of three in which two wait, and looks at what they get. */
static void fails_for_all(weir_barrier *barrier, party *p, int own)
{
    CHECK_EQ(end(&p[0]), -EPIPE);
    CHECK_EQ(end(&p[1]), own);
    CHECK(weir_barrier_broken_approx(barrier));
    CHECK_EQ(weir_barrier_waiting_approx(barrier), 0);
    CHECK_EQ(weir_barrier_wait(barrier, WEIR_FOREVER, NULL), -EPIPE);
    CHECK_EQ(weir_barrier_wait(barrier, 0, NULL), -EPIPE);
    weir_barrier_reset(barrier);
    CHECK(!weir_barrier_broken_approx(barrier));
    for (int i = 0; i < 2; i++)
        start(&p[i], barrier, WEIR_FOREVER, NULL);
    CHECK(weir_barrier_wait(barrier, WEIR_FOREVER, NULL) >= 0);
    for (int i = 0; i < 2; i++)
        CHECK(end(&p[i]) >= 0);
    CHECK_EQ(weir_barrier_destroy(barrier), 0);
}

static void a_deadline_breaks_it(void)
{
    const uint64_t deadlines[] = {0, 1, weir_clock_now(), weir_clock_after(30 * MS)};

    for (int i = 0; i < 4; i++) {
        weir_barrier barrier = WEIR_BARRIER_INIT(3);
        party p[2];

        start(&p[0], &barrier, WEIR_FOREVER, NULL);
        await_waiting(&barrier, 1);
        start(&p[1], &barrier, deadlines[i], NULL);
        fails_for_all(&barrier, p, -ETIMEDOUT);
        CHECK(weir_clock_now() >= deadlines[i]);
    }
}

static void a_token_breaks_it(void)
{
    for (int before = 0; before < 2; before++) {
        weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
        weir_barrier barrier = WEIR_BARRIER_INIT(3);
        party p[2];

        start(&p[0], &barrier, WEIR_FOREVER, NULL);
        await_waiting(&barrier, 1);
        if (before)
            CHECK(weir_cancel_source_cancel(&source, 0));
        start(&p[1], &barrier, WEIR_FOREVER, weir_cancel_source_token(&source));
        if (!before) {
            await_waiting(&barrier, 2);
            CHECK(weir_cancel_source_cancel(&source, 0));
        }
        fails_for_all(&barrier, p, -ECANCELED);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    }
}

/* Also where the one with the cancelled token would have been the last. */
static void a_cancelled_token_comes_first(void)
{
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_barrier barrier = WEIR_BARRIER_INIT(1);

    CHECK(weir_cancel_source_cancel(&source, 0));
    CHECK_EQ(weir_barrier_wait(&barrier, WEIR_FOREVER, weir_cancel_source_token(&source)),
             -ECANCELED);
    CHECK(weir_barrier_broken_approx(&barrier));
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

static void who_does_not_come_can_say_so(void)
{
    weir_barrier barrier = WEIR_BARRIER_INIT(3);
    party p[2];

    for (int i = 0; i < 2; i++)
        start(&p[i], &barrier, WEIR_FOREVER, NULL);
    await_waiting(&barrier, 2);
    weir_barrier_break(&barrier);
    weir_barrier_break(&barrier);
    fails_for_all(&barrier, p, -EPIPE);
}

static void a_reset_ends_a_round(void)
{
    weir_barrier barrier = WEIR_BARRIER_INIT(3);
    party p[2];

    for (int i = 0; i < 2; i++)
        start(&p[i], &barrier, WEIR_FOREVER, NULL);
    await_waiting(&barrier, 2);
    weir_barrier_reset(&barrier);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(end(&p[i]), -EPIPE);
    CHECK(!weir_barrier_broken_approx(&barrier));
    CHECK_EQ(weir_barrier_destroy(&barrier), 0);
}

/* ---- round after round (peer bugs R27) ---- */

enum { RUNNERS = 3, ROUNDS = 3000, LIVES = 300 };

typedef struct runner {
    pthread_t thread;
    unsigned number;
    uint32_t lasts;
} runner;

static weir_barrier shared;
static uint32_t steps[RUNNERS]; /* plain: each its own; the others read it in the next half round */

/* Two waits a round: all have written, all have read. One of the threads is slow here and there. */
static void *run(void *argument)
{
    runner *const r = (runner *)argument;

    for (uint32_t round = 1; round <= ROUNDS; round++) {
        for (uint32_t slow = (round * 7 + r->number) % 11 == 0 ? 3 : 0; slow > 0; slow--)
            sched_yield();
        steps[r->number] = round;
        for (int half = 0; half < 2; half++) {
            const int status = weir_barrier_wait(&shared, WEIR_FOREVER, NULL);

            CHECK(status == 0 || status == 1);
            r->lasts += status == 1;
            for (unsigned i = 0; half == 0 && i < RUNNERS; i++)
                CHECK_EQ(steps[i], round);
        }
    }
    return NULL;
}

static void a_fast_one_may_be_a_round_ahead(void)
{
    runner r[RUNNERS];
    uint32_t lasts = 0;

    weir_barrier_init(&shared, RUNNERS);
    for (unsigned i = 0; i < RUNNERS; i++) {
        r[i].number = i;
        r[i].lasts = 0;
        CHECK(pthread_create(&r[i].thread, NULL, run, &r[i]) == 0);
    }
    for (unsigned i = 0; i < RUNNERS; i++) {
        CHECK(pthread_join(r[i].thread, NULL) == 0);
        lasts += r[i].lasts;
    }
    CHECK_EQ(lasts, 2 * ROUNDS);
    CHECK_EQ(weir_barrier_destroy(&shared), 0);
}

/* Who gets the 1 frees it at once, whether the others have returned or not; they have deadlines,
 * which are near, and so do some rounds fail: then nobody frees before all have returned. */
static void *meet_and_free(void *argument)
{
    party *const p = (party *)argument;

    p->status = weir_barrier_wait(p->barrier, p->deadline, NULL);
    if (p->status == 1) {
        CHECK_EQ(weir_barrier_destroy(p->barrier), 0);
        memset((void *)p->barrier, 0x5a, sizeof *p->barrier);
        free(p->barrier);
    }
    return NULL;
}

static void the_last_one_may_free_it(void)
{
    for (int life = 0; life < LIVES; life++) {
        weir_barrier *const barrier = (weir_barrier *)malloc(sizeof *barrier);
        const bool forever = life % 2 == 0;
        int ones = 0, failed = 0;
        party p[RUNNERS];

        CHECK(barrier != NULL);
        weir_barrier_init(barrier, RUNNERS);
        for (int i = 0; i < RUNNERS; i++) {
            p[i].barrier = barrier;
            p[i].deadline = forever ? WEIR_FOREVER : weir_clock_after(60000 + (uint64_t)life * 200);
            CHECK(pthread_create(&p[i].thread, NULL, meet_and_free, &p[i]) == 0);
        }
        for (int i = 0; i < RUNNERS; i++) {
            const int status = end(&p[i]);

            ones += status == 1;
            failed += status < 0;
        }
        CHECK(forever ? ones == 1 && failed == 0
                      : (ones == 1 && failed == 0) || (ones == 0 && failed == RUNNERS));
        if (ones == 0) {
            CHECK_EQ(weir_barrier_destroy(barrier), 0);
            free(barrier);
        }
    }
}

int main(void)
{
    return TEST_RUN(
        "sem_barrier", TEST_CASE(one_alone_does_not_wait), TEST_CASE(nobody_is_a_mistake),
        TEST_CASE(the_last_one_gets_1), TEST_CASE(a_deadline_breaks_it),
        TEST_CASE(a_token_breaks_it), TEST_CASE(a_cancelled_token_comes_first),
        TEST_CASE(who_does_not_come_can_say_so), TEST_CASE(a_reset_ends_a_round),
        TEST_CASE(a_fast_one_may_be_a_round_ahead), TEST_CASE(the_last_one_may_free_it));
}
