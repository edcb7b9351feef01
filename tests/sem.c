/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/sem.h: the semaphore; latch and wait group are in tests/sem_latch.c, the barrier in
 * tests/sem_barrier.c, the orders in which things can come in tests/sem_product.c. */

#include "sem.h"

/* ---- threads that acquire ---- */

typedef struct taker {
    pthread_t thread;
    weir_sem *sem;
    uint32_t n;
    uint64_t deadline;
    weir_cancel *cancel;
    int status;
    uint32_t place; /* in which it returned, from 1 */
} taker;

static WEIR_ATOMIC(uint32_t) returned;

static void *take(void *argument)
{
    taker *const t = (taker *)argument;

    t->status = weir_sem_acquire(t->sem, t->n, t->deadline, t->cancel);
    /* relaxed: a number. */
    t->place = weir_atomic_fetch_add(&returned, 1, WEIR_RELAXED) + 1;
    return NULL;
}

static uint32_t returns(void)
{
    return weir_atomic_load(&returned, WEIR_RELAXED); /* relaxed: a number. */
}

/* Starts one that wants n, and waits until it stands in the list, the `nth` there; or until
 * somebody has returned since `begun`. */
static uint32_t begun;

static void start(taker *t, weir_sem *sem, uint32_t n, size_t nth, uint64_t deadline,
                  weir_cancel *cancel)
{
    t->sem = sem;
    t->n = n;
    t->deadline = deadline;
    t->cancel = cancel;
    t->status = 1;
    if (nth == 1)
        begun = returns();
    CHECK(pthread_create(&t->thread, NULL, take, t) == 0);
    while (weir_sem_waiters_approx(sem) != nth && returns() == begun)
        sched_yield();
}

static int end(taker *t)
{
    CHECK(pthread_join(t->thread, NULL) == 0);
    return t->status;
}

/* ---- semaphore ---- */

static void holds_permits(void)
{
    static weir_sem fixed = WEIR_SEM_INIT(2);
    weir_sem sem;

    weir_sem_init(&sem, 2);
    for (int i = 0; i < 2; i++) {
        weir_sem *const s = i == 0 ? &sem : &fixed;

        CHECK_EQ(weir_sem_available_approx(s), 2);
        CHECK_EQ(weir_sem_try_acquire(s, 3), -EAGAIN);
        CHECK_EQ(weir_sem_try_acquire(s, 2), 0);
        CHECK_EQ(weir_sem_try_acquire(s, 1), -EAGAIN);
        CHECK_EQ(weir_sem_try_acquire(s, 0), 0);
        weir_sem_release(s, 1);
        CHECK_EQ(weir_sem_acquire(s, 1, WEIR_FOREVER, NULL), 0);
        weir_sem_release(s, 0);
        CHECK_EQ(weir_sem_available_approx(s), 0);
        weir_sem_release(s, 5);
        CHECK_EQ(weir_sem_acquire(s, 5, 0, NULL), 0);
        CHECK_EQ(weir_sem_waiters_approx(s), 0);
        CHECK_EQ(weir_sem_destroy(s), 0);
    }
}

static void has_a_maximum(void)
{
    weir_sem sem = WEIR_SEM_INIT(WEIR_SEM_MAX - 1);

    weir_sem_release(&sem, 1);
    CHECK_EQ(weir_sem_available_approx(&sem), WEIR_SEM_MAX);
    weir_sem_release(&sem, 0);
    CHECK_DIES(weir_sem_release(&sem, 1), "more permits than WEIR_SEM_MAX");
    CHECK_DIES(weir_sem_release(&sem, UINT32_MAX), "more permits than WEIR_SEM_MAX");
    CHECK_DIES(weir_sem_init(&sem, WEIR_SEM_MAX + 1), "more permits than WEIR_SEM_MAX");
    CHECK_EQ(weir_sem_try_acquire(&sem, UINT32_MAX), -EAGAIN);
    CHECK_EQ(weir_sem_acquire(&sem, WEIR_SEM_MAX + 1, WEIR_FOREVER, NULL), -EINVAL);
    CHECK_EQ(weir_sem_acquire(&sem, UINT32_MAX, 0, NULL), -EINVAL);
    CHECK_EQ(weir_sem_try_acquire(&sem, WEIR_SEM_MAX), 0);
    CHECK_EQ(weir_sem_available_approx(&sem), 0);
}

static void a_past_deadline_does_not_wait(void)
{
    const uint64_t past[] = {0, 1, weir_clock_now()};
    weir_sem sem = WEIR_SEM_INIT(1);

    for (int i = 0; i < 3; i++) {
        CHECK_EQ(weir_sem_acquire(&sem, 2, past[i], NULL), -ETIMEDOUT);
        CHECK_EQ(weir_sem_acquire(&sem, 1, past[i], NULL), 0);
        CHECK_EQ(weir_sem_acquire(&sem, 1, past[i], NULL), -ETIMEDOUT);
        weir_sem_release(&sem, 1);
    }
    CHECK_EQ(weir_sem_available_approx(&sem), 1);
}

static void waits_until_the_deadline(void)
{
    weir_sem sem = WEIR_SEM_INIT(1);
    const uint64_t deadline = weir_clock_after(20 * MS);

    CHECK_EQ(weir_sem_acquire(&sem, 2, deadline, NULL), -ETIMEDOUT);
    CHECK(weir_clock_now() >= deadline);
    CHECK_EQ(weir_sem_available_approx(&sem), 1);
    CHECK_EQ(weir_sem_waiters_approx(&sem), 0);
    CHECK_EQ(weir_sem_destroy(&sem), 0);
}

/* Deadlines at the end of time are not in the past (peer bugs U25). */
static void far_deadlines_wait(void)
{
    static const uint64_t far[] = {WEIR_FOREVER, WEIR_FOREVER - 1, INT64_MAX, UINT64_C(1) << 62};
    weir_sem sem = WEIR_SEM_INIT(0);

    for (int i = 0; i < 4; i++) {
        taker t;

        start(&t, &sem, 1, 1, far[i], NULL);
        weir_sem_release(&sem, 1);
        CHECK_EQ(end(&t), 0);
    }
}

static void a_cancelled_token_comes_first(void)
{
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_sem sem = WEIR_SEM_INIT(1);

    CHECK_EQ(weir_sem_acquire(&sem, 1, 0, weir_cancel_source_token(&source)), 0);
    weir_sem_release(&sem, 1);
    CHECK(weir_cancel_source_cancel(&source, 0));
    CHECK_EQ(weir_sem_acquire(&sem, 1, WEIR_FOREVER, weir_cancel_source_token(&source)),
             -ECANCELED);
    CHECK_EQ(weir_sem_acquire(&sem, 1, 0, weir_cancel_source_token(&source)), -ECANCELED);
    CHECK_EQ(weir_sem_available_approx(&sem), 1);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

/* The token's deadline ends the wait, which says that it was the token. */
static void a_tokens_deadline_counts(void)
{
    weir_cancel_source source;
    weir_sem sem = WEIR_SEM_INIT(0);

    weir_cancel_source_init(&source, NULL, weir_clock_after(10 * MS));
    CHECK_EQ(weir_sem_acquire(&sem, 1, WEIR_FOREVER, weir_cancel_source_token(&source)),
             -ECANCELED);
    CHECK_EQ(weir_sem_waiters_approx(&sem), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

static void serves_in_order(void)
{
    enum { N = 6 };
    const uint32_t before = returns();
    weir_sem sem = WEIR_SEM_INIT(0);
    taker t[N];

    for (uint32_t i = 0; i < N; i++)
        start(&t[i], &sem, i % 2 + 1, i + 1, WEIR_FOREVER, NULL);
    CHECK_EQ(weir_sem_destroy(&sem), -EBUSY);
    for (uint32_t i = 0; i < N; i++) {
        weir_sem_release(&sem, i % 2 + 1);
        CHECK_EQ(end(&t[i]), 0);
        CHECK_EQ(t[i].place - before, i + 1);
        CHECK_EQ(weir_sem_waiters_approx(&sem), N - 1 - i);
    }
    CHECK_EQ(weir_sem_available_approx(&sem), 0);
    CHECK_EQ(weir_sem_destroy(&sem), 0);
}

static void nobody_passes_those_who_wait(void)
{
    const uint32_t before = returns();
    weir_sem sem = WEIR_SEM_INIT(2);
    taker big, small;

    start(&big, &sem, 5, 1, WEIR_FOREVER, NULL);
    start(&small, &sem, 1, 2, WEIR_FOREVER, NULL);
    CHECK_EQ(weir_sem_try_acquire(&sem, 1), -EAGAIN);
    CHECK_EQ(weir_sem_acquire(&sem, 1, 0, NULL), -ETIMEDOUT);
    CHECK_EQ(weir_sem_acquire(&sem, 1, weir_clock_after(2 * MS), NULL), -ETIMEDOUT);
    weir_sem_release(&sem, 2);
    CHECK_EQ(weir_sem_available_approx(&sem), 4);
    CHECK_EQ(weir_sem_waiters_approx(&sem), 2);
    CHECK_EQ(weir_sem_try_acquire(&sem, 1), -EAGAIN);
    weir_sem_release(&sem, 3);
    CHECK_EQ(end(&big), 0);
    CHECK_EQ(end(&small), 0);
    CHECK_EQ(returns() - before, 2);
    CHECK_EQ(weir_sem_available_approx(&sem), 1);
}

/* One waits for all permits. The others, who are many and in a hurry, get none, also where one
 * comes back all the time: so many acquires pass one that waits, 0. */
enum { CROWD = 4, TRIES = 3000 };

static weir_sem crowded;
static WEIR_ATOMIC(uint32_t) passes;

static void *push_ahead(void *unused)
{
    (void)unused;
    for (int i = 0; i < TRIES; i++) {
        const int status = i % 8 != 0
                               ? weir_sem_try_acquire(&crowded, 1)
                               : weir_sem_acquire(&crowded, 1, weir_clock_after(20000), NULL);

        CHECK(status == 0 || status == -EAGAIN || status == -EBUSY || status == -ETIMEDOUT);
        if (status == 0)
            weir_atomic_fetch_add(&passes, 1, WEIR_RELAXED); /* relaxed: a number. */
        if (i % 100 == 0)
            weir_sem_release(&crowded, 1);
    }
    return NULL;
}

static void no_crowd_passes_those_who_wait(void)
{
    const uint32_t comes_back = CROWD * TRIES / 100;
    pthread_t threads[CROWD];
    taker all;

    weir_sem_init(&crowded, 3);
    start(&all, &crowded, comes_back + 4, 1, WEIR_FOREVER, NULL);
    for (int i = 0; i < CROWD; i++)
        CHECK(pthread_create(&threads[i], NULL, push_ahead, NULL) == 0);
    for (int i = 0; i < CROWD; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_EQ(weir_atomic_load(&passes, WEIR_RELAXED), 0); /* relaxed: joined. */
    CHECK_EQ(weir_sem_available_approx(&crowded), comes_back + 3);
    weir_sem_release(&crowded, 1);
    CHECK_EQ(end(&all), 0);
    CHECK_EQ(weir_sem_available_approx(&crowded), 0);
}

/* Who wanted much leaves, by its token or its deadline: those behind it are served. */
static void who_leaves_blocks_nobody(void)
{
    weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
    weir_sem sem = WEIR_SEM_INIT(3);
    taker big, small[3];

    for (int by_token = 0; by_token < 2; by_token++) {
        const uint64_t deadline = by_token ? WEIR_FOREVER : weir_clock_after(50 * MS);

        start(&big, &sem, 5, 1, deadline, by_token ? weir_cancel_source_token(&source) : NULL);
        for (uint32_t i = 0; i < 3; i++)
            start(&small[i], &sem, i + 1, i + 2, WEIR_FOREVER, NULL);
        if (by_token)
            CHECK(weir_cancel_source_cancel(&source, 0));
        CHECK_EQ(end(&big), by_token ? -ECANCELED : -ETIMEDOUT);
        CHECK_EQ(end(&small[0]), 0);
        CHECK_EQ(end(&small[1]), 0);
        CHECK_EQ(weir_sem_waiters_approx(&sem), 1);
        CHECK_EQ(weir_sem_available_approx(&sem), 0);
        weir_sem_release(&sem, 6);
        CHECK_EQ(end(&small[2]), 0);
        CHECK_EQ(weir_sem_available_approx(&sem), 3);
    }
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

/* From the middle and from the end of the list. */
static void who_leaves_changes_no_order(void)
{
    weir_cancel_source source[2] = {WEIR_CANCEL_SOURCE_INIT, WEIR_CANCEL_SOURCE_INIT};
    const uint32_t before = returns();
    weir_sem sem = WEIR_SEM_INIT(0);
    taker t[4];

    start(&t[0], &sem, 1, 1, WEIR_FOREVER, NULL);
    start(&t[1], &sem, 1, 2, WEIR_FOREVER, weir_cancel_source_token(&source[0]));
    start(&t[2], &sem, 1, 3, WEIR_FOREVER, NULL);
    start(&t[3], &sem, 1, 4, WEIR_FOREVER, weir_cancel_source_token(&source[1]));
    for (int i = 0; i < 2; i++) {
        CHECK(weir_cancel_source_cancel(&source[i], 0));
        CHECK_EQ(end(&t[1 + 2 * i]), -ECANCELED);
    }
    CHECK_EQ(weir_sem_waiters_approx(&sem), 2);
    weir_sem_release(&sem, 1);
    CHECK_EQ(end(&t[0]), 0);
    weir_sem_release(&sem, 1);
    CHECK_EQ(end(&t[2]), 0);
    CHECK_EQ(t[2].place - t[0].place, 1);
    CHECK_EQ(t[0].place - before, 3);
    CHECK_EQ(weir_sem_available_approx(&sem), 0);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(weir_cancel_source_destroy(&source[i]), 0);
}

static void one_release_serves_many(void)
{
    enum { N = 40 };
    const uint32_t before = returns();
    weir_sem sem = WEIR_SEM_INIT(0);
    static taker t[N];

    for (uint32_t i = 0; i < N; i++)
        start(&t[i], &sem, 1, i + 1, WEIR_FOREVER, NULL);
    weir_sem_release(&sem, N + 2);
    for (uint32_t i = 0; i < N; i++)
        CHECK_EQ(end(&t[i]), 0);
    CHECK_EQ(returns() - before, N);
    CHECK_EQ(weir_sem_available_approx(&sem), 2);
}

/* ---- signals ---- */

static weir_sem signalled = WEIR_SEM_INIT(0);
static WEIR_ATOMIC(uint32_t) signals;

static void nothing(int number)
{
    (void)number;
    weir_atomic_fetch_add(&signals, 1, WEIR_RELAXED); /* relaxed: a number. */
}

static void release_in_handler(int number)
{
    (void)number;
    weir_sem_release(&signalled, 1);
}

/* Peer bugs R14, U27: a wait that is interrupted is no wake-up, and does not end. */
static void signals_end_no_wait(void)
{
    enum { STORM = 2000 };
    const uint32_t before = returns();
    weir_sem sem = WEIR_SEM_INIT(0);
    taker t[2];

    handle(nothing);
    start(&t[0], &sem, 1, 1, WEIR_FOREVER, NULL);
    start(&t[1], &sem, 1, 2, weir_clock_after(UINT64_C(3600000) * MS), NULL);
    for (int i = 0; i < STORM; i++) {
        const uint32_t seen = weir_atomic_load(&signals, WEIR_RELAXED); /* relaxed: a number. */

        /* Again and again: ThreadSanitizer may keep one back until the thread is interrupted anew.
         */
        for (unsigned turns = 0; weir_atomic_load(&signals, WEIR_RELAXED) == seen; turns++) {
            if (turns % 1000 == 0)
                CHECK(pthread_kill(t[i % 2].thread, SIGUSR1) == 0);
            sched_yield();
        }
    }
    CHECK_EQ(returns() - before, 0);
    CHECK_EQ(weir_sem_waiters_approx(&sem), 2);
    weir_sem_release(&sem, 2);
    CHECK_EQ(end(&t[0]), 0);
    CHECK_EQ(end(&t[1]), 0);
    CHECK_EQ(weir_sem_available_approx(&sem), 0);
}

/* The thread that is interrupted is the one that waits: in whatever it is doing. */
static void handlers_may_release(void)
{
    if (NO_HANDLERS != NULL) {
        test_skip(NO_HANDLERS);
        return;
    }
    handle(release_in_handler);
    for (int i = 0; i < 500; i++) {
        taker t;

        t.sem = &signalled;
        t.n = 1;
        t.deadline = WEIR_FOREVER;
        t.cancel = NULL;
        CHECK(pthread_create(&t.thread, NULL, take, &t) == 0);
        for (int turns = i % 8; turns > 0; turns--)
            sched_yield();
        CHECK(pthread_kill(t.thread, SIGUSR1) == 0);
        CHECK_EQ(end(&t), 0);
    }
    CHECK_EQ(weir_sem_available_approx(&signalled), 0);
}

int main(void)
{
    return TEST_RUN("sem", TEST_CASE(holds_permits), TEST_CASE(has_a_maximum),
                    TEST_CASE(a_past_deadline_does_not_wait), TEST_CASE(waits_until_the_deadline),
                    TEST_CASE(far_deadlines_wait), TEST_CASE(a_cancelled_token_comes_first),
                    TEST_CASE(a_tokens_deadline_counts), TEST_CASE(serves_in_order),
                    TEST_CASE(nobody_passes_those_who_wait),
                    TEST_CASE(no_crowd_passes_those_who_wait), TEST_CASE(who_leaves_blocks_nobody),
                    TEST_CASE(who_leaves_changes_no_order), TEST_CASE(one_release_serves_many),
                    TEST_CASE(signals_end_no_wait), TEST_CASE(handlers_may_release));
}
