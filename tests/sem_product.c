/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Each waiting call of weir/sem.h, and all that can end it: what it waits for, its deadline, its
 * token, in every order, before the call and during it. The first one decides; what comes later
 * is neither lost nor counted twice. */

#include "sem.h"

/* ---- the calls ---- */

typedef enum call { ACQUIRE, LATCH, GROUP, BARRIER, CALLS } call;

static const char *const call_names[] = {"acquire", "latch", "group", "barrier"};

/* What may come. */
typedef enum event { RESULT, TIMEOUT, CANCEL, EVENTS } event;

static const char *const event_names[] = {"result", "timeout", "cancel"};

typedef struct trial {
    call call;
    weir_sem sem;
    weir_latch latch;
    weir_wait_group group;
    weir_barrier barrier; /* of two */
    weir_cancel_source source;
    pthread_t thread, other;
    uint64_t deadline;
    int status, others;
    WEIR_ATOMIC(uint32_t) ended;
} trial;

static void make(trial *t, call c)
{
    memset((void *)t, 0, sizeof *t);
    t->call = c;
    weir_sem_init(&t->sem, 0);
    weir_latch_init(&t->latch, 1);
    weir_wait_group_init(&t->group);
    weir_wait_group_add(&t->group, 1);
    weir_barrier_init(&t->barrier, 2);
    weir_cancel_source_init(&t->source, NULL, WEIR_FOREVER);
}

static void *wait_for_it(void *argument)
{
    trial *const t = (trial *)argument;
    weir_cancel *const token = weir_cancel_source_token(&t->source);

    switch (t->call) {
    case ACQUIRE:
        t->status = weir_sem_acquire(&t->sem, 1, t->deadline, token);
        break;
    case LATCH:
        t->status = weir_latch_wait(&t->latch, t->deadline, token);
        break;
    case GROUP:
        t->status = weir_wait_group_wait(&t->group, t->deadline, token);
        break;
    default:
        t->status = weir_barrier_wait(&t->barrier, t->deadline, token);
    }
    /* sync(ended): release. Pairs with await_end(). */
    weir_atomic_store(&t->ended, 1, WEIR_RELEASE);
    return NULL;
}

static void await_end(trial *t)
{
    /* sync(ended): acquire. Pairs with wait_for_it(). */
    while (weir_atomic_load(&t->ended, WEIR_ACQUIRE) == 0)
        sched_yield();
}

static size_t waiters(trial *t)
{
    switch (t->call) {
    case ACQUIRE:
        return weir_sem_waiters_approx(&t->sem);
    case LATCH:
        return weir_latch_waiters_approx(&t->latch);
    case GROUP:
        return weir_wait_group_waiters_approx(&t->group);
    default:
        return weir_barrier_waiting_approx(&t->barrier);
    }
}

static void *meet(void *argument)
{
    trial *const t = (trial *)argument;

    t->others = weir_barrier_wait(&t->barrier, WEIR_FOREVER, NULL);
    return NULL;
}

static void let_happen(trial *t, event e)
{
    switch (e) {
    case RESULT:
        if (t->call == ACQUIRE)
            weir_sem_release(&t->sem, 1);
        else if (t->call == LATCH)
            weir_latch_count_down(&t->latch, 1);
        else if (t->call == GROUP)
            weir_wait_group_done(&t->group);
        else
            CHECK(pthread_create(&t->other, NULL, meet, t) == 0);
        break;
    case TIMEOUT:
        /* It has a deadline that passes; or one that would have. */
        if (t->deadline != WEIR_FOREVER)
            while (!weir_clock_passed(t->deadline))
                sched_yield();
        break;
    default:
        CHECK(weir_cancel_source_cancel(&t->source, 0));
    }
}

/* What is left over fits what the call said. */
static void judge(trial *t, const char *how, int wanted, bool had_result)
{
    if (t->status != wanted && !(t->call == BARRIER && wanted == 0 && t->status == 1))
        fprintf(stderr, "%s: %s\n", call_names[t->call], how);
    if (t->call == BARRIER && wanted == 0)
        CHECK(t->status == 0 || t->status == 1);
    else
        CHECK_EQ(t->status, wanted);
    if (t->call == ACQUIRE)
        CHECK_EQ(weir_sem_available_approx(&t->sem), had_result && t->status != 0);
    if (t->call == BARRIER && had_result) {
        CHECK(pthread_join(t->other, NULL) == 0);
        CHECK_EQ(t->others, t->status < 0 ? -EPIPE : 1 - t->status);
    }
    if (t->call == BARRIER)
        CHECK(weir_barrier_broken_approx(&t->barrier) == (t->status < 0));
    CHECK_EQ(waiters(t), 0);
    CHECK_EQ(weir_sem_destroy(&t->sem), 0);
    CHECK_EQ(weir_latch_destroy(&t->latch), 0);
    CHECK_EQ(weir_wait_group_destroy(&t->group), 0);
    CHECK_EQ(weir_barrier_destroy(&t->barrier), 0);
    CHECK_EQ(weir_cancel_source_destroy(&t->source), 0);
}

/* ---- cases ---- */

/* All that had come before the call: the token decides, then what can be done at once. */
static void before_the_call(void)
{
    for (call c = ACQUIRE; c < CALLS; c++)
        for (unsigned came = 0; came < 1U << EVENTS; came++) {
            const bool result = (came & 1U << RESULT) != 0, late = (came & 1U << TIMEOUT) != 0;
            const bool cancelled = (came & 1U << CANCEL) != 0;
            trial t;

            if (came == 0)
                continue;
            make(&t, c);
            t.deadline = late ? weir_clock_now() : WEIR_FOREVER;
            if (result)
                let_happen(&t, RESULT);
            if (result && c == BARRIER)
                while (waiters(&t) != 1)
                    sched_yield();
            if (cancelled)
                let_happen(&t, CANCEL);
            (void)wait_for_it(&t);
            judge(&t, "before", cancelled ? -ECANCELED : result ? 0 : -ETIMEDOUT, result);
        }
}

/* One after the other, while the call waits: it ends with the first. */
static void during_the_call(void)
{
    static const event orders[][EVENTS] = {
        {RESULT, TIMEOUT, CANCEL}, {RESULT, CANCEL, TIMEOUT}, {TIMEOUT, RESULT, CANCEL},
        {TIMEOUT, CANCEL, RESULT}, {CANCEL, RESULT, TIMEOUT}, {CANCEL, TIMEOUT, RESULT},
    };
    static const int wanted[] = {0, -ETIMEDOUT, -ECANCELED};

    for (call c = ACQUIRE; c < CALLS; c++)
        for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++) {
            const event *const order = orders[o];
            char how[64];
            trial t;

            make(&t, c);
            t.deadline = order[0] == TIMEOUT ? weir_clock_after(10 * MS) : WEIR_FOREVER;
            CHECK(pthread_create(&t.thread, NULL, wait_for_it, &t) == 0);
            while (order[0] != TIMEOUT && waiters(&t) != 1)
                sched_yield();
            for (int i = 0; i < EVENTS; i++) {
                let_happen(&t, order[i]);
                if (i == 0)
                    await_end(&t);
            }
            CHECK(pthread_join(t.thread, NULL) == 0);
            snprintf(how, sizeof how, "%s, %s, %s", event_names[order[0]], event_names[order[1]],
                     event_names[order[2]]);
            judge(&t, how, wanted[order[0]], true);
        }
}

/* All at the same time, as near as it comes: any may win, once. */
static void at_the_same_time(void)
{
    enum { RUNS = 300 };
    unsigned seen[CALLS][EVENTS];

    memset(seen, 0, sizeof seen);
    for (call c = ACQUIRE; c < CALLS; c++)
        for (uint64_t run = 0; run < RUNS; run++) {
            trial t;

            make(&t, c);
            t.deadline = weir_clock_after(40000 + run % 50 * 4000);
            CHECK(pthread_create(&t.thread, NULL, wait_for_it, &t) == 0);
            for (uint64_t turns = run % 7; turns > 0; turns--)
                sched_yield();
            if (run % 3 == 2)
                let_happen(&t, TIMEOUT);
            let_happen(&t, run % 2 == 0 ? RESULT : CANCEL);
            let_happen(&t, run % 2 == 0 ? CANCEL : RESULT);
            CHECK(pthread_join(t.thread, NULL) == 0);
            seen[c][t.status >= 0 ? RESULT : t.status == -ETIMEDOUT ? TIMEOUT : CANCEL]++;
            judge(&t, "at the same time", t.status < 0 ? t.status : 0, true);
        }
    for (call c = ACQUIRE; c < CALLS; c++)
        printf("%s: %u results, %u timeouts, %u cancelled\n", call_names[c], seen[c][RESULT],
               seen[c][TIMEOUT], seen[c][CANCEL]);
}

int main(void)
{
    return TEST_RUN("sem_product", TEST_CASE(before_the_call), TEST_CASE(during_the_call),
                    TEST_CASE(at_the_same_time));
}
