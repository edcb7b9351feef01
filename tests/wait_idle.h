/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/wait_idle.h: the part of tests/wait.c that is about what waiters cost, waits that return
 * for no reason, fork(2), and one processor.
 *
 * Edges:
 *   tokens  put() -> takes_one()        carries what was written before
 *   turn    takes_turns() -> is_mine()  the same */

#ifndef WEIR_TESTS_WAIT_IDLE_H
#define WEIR_TESTS_WAIT_IDLE_H

#include "wait.h"

/* ---- waiting for a condition ---- */

typedef struct tokens {
    weir_event event;
    WEIR_ATOMIC(uint32_t) number;
    WEIR_ATOMIC(uint32_t) looks;
} tokens;

static void put(tokens *t)
{
    /* sync(tokens): release. Pairs with takes_one(). */
    weir_atomic_fetch_add(&t->number, 1, WEIR_RELEASE);
    weir_event_notify(&t->event, 1);
}

/* Looks at the event too, which needs its lock. */
static bool takes_one(void *context)
{
    tokens *const t = (tokens *)context;
    /* relaxed: a guess. */
    uint32_t number = weir_atomic_load(&t->number, WEIR_RELAXED);

    count(&t->looks);
    (void)weir_event_sleepers_approx(&t->event);
    while (number > 0)
        /* sync(tokens): acquire. Pairs with put(). */
        if (weir_atomic_cas(&t->number, &number, number - 1, WEIR_ACQUIRE, WEIR_RELAXED))
            return true;
    return false;
}

/* ---- idle ---- */

static uint64_t processor_time(pthread_t thread)
{
    clockid_t clock;
    struct timespec time;

    CHECK(pthread_getcpuclockid(thread, &clock) == 0);
    CHECK(clock_gettime(clock, &time) == 0);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static long long switches(person *p)
{
    return of_thread(weir_atomic_load(&p->tid, WEIR_RELAXED), "status",
                     "\nvoluntary_ctxt_switches:");
}

/* U76: whether there is a deadline or not, not one wake-up, and no time of the processor. */
static void who_is_idle_costs_nothing(void)
{
    enum { KINDS = 4 };
    weir_cancel_source source;
    weir_event event = WEIR_EVENT_INIT;
    weir_waiter waiter;
    person people[KINDS];
    uint64_t spent[KINDS];
    long long switched[KINDS];
    uint32_t before;

    weir_waiter_init(&waiter);
    weir_cancel_source_init(&source, NULL, weir_clock_after(3600000000000));
    for (unsigned i = 0; i < KINDS; i++) {
        memset(&people[i], 0, sizeof people[i]);
        people[i].event = i > 0 ? &event : NULL;
        people[i].waiter = &waiter;
        people[i].deadline = i == 2 ? weir_clock_after(3600000000000) : WEIR_FOREVER;
        people[i].cancel = i == 3 ? &source.token : NULL;
        CHECK(pthread_create(&people[i].thread, NULL, i > 0 ? waits_at_event : parks, &people[i]) ==
              0);
        until_asleep(&people[i]);
    }
    before = read_count(&waits);
    for (unsigned i = 0; i < KINDS; i++) {
        spent[i] = processor_time(people[i].thread);
        switched[i] = switches(&people[i]);
    }
    pass_time(100);
    for (unsigned i = 0; i < KINDS; i++) {
        CHECK_EQ(processor_time(people[i].thread), spent[i]);
        CHECK_EQ(switches(&people[i]), switched[i]);
    }
    CHECK_EQ(read_count(&waits), before);
    weir_waiter_unpark(&waiter);
    weir_event_notify_all(&event);
    for (unsigned i = 0; i < KINDS; i++)
        CHECK_EQ(end(&people[i]), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

/* ---- waits that return for no reason ---- */

static void ignore(int signal)
{
    (void)signal;
}

typedef struct consumer {
    pthread_t thread;
    tokens *t;
    weir_waiter waiter; /* which nobody unparks before the end */
    WEIR_ATOMIC(uint32_t) got;
    uint64_t spent;
} consumer;

enum { CONSUMERS = 4, EACH = 10 };

static void *consumes(void *argument)
{
    consumer *const c = (consumer *)argument;
    const uint64_t began = processor_time(pthread_self());

    for (int i = 0; i < EACH; i++) {
        CHECK_EQ(weir_event_await(&c->t->event, takes_one, c->t, WEIR_FOREVER, NULL), 0);
        count(&c->got);
    }
    CHECK_EQ(weir_waiter_park(&c->waiter, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_waiter_park(&c->waiter, weir_clock_after(1000000), NULL), -ETIMEDOUT);
    c->spent = processor_time(pthread_self()) - began;
    return NULL;
}

/* Signals rain, and the kernel says 0 and EINTR at will: each item is taken once, who parks does
 * not go on before it is unparked, and it costs less than a fiftieth of a processor. */
static void what_is_no_wake_up_is_none(void)
{
    static consumer consumers[CONSUMERS];
    static tokens t = {WEIR_EVENT_INIT, WEIR_ATOMIC_INIT(0), WEIR_ATOMIC_INIT(0)};
    const uint32_t before = read_count(&waits);
    struct sigaction action;
    const uint64_t begin = weir_clock_now();
    uint32_t got = 0;
    uint64_t took;

    memset(&action, 0, sizeof action);
    action.sa_handler = ignore; /* and no SA_RESTART */
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    weir_atomic_store(&unreliable, 1, WEIR_RELAXED); /* relaxed: a number. */
    for (int i = 0; i < CONSUMERS; i++) {
        consumers[i].t = &t;
        weir_waiter_init(&consumers[i].waiter);
        CHECK(pthread_create(&consumers[i].thread, NULL, consumes, &consumers[i]) == 0);
    }
    for (int i = 0; i < CONSUMERS * EACH; i++) {
        pass_time(5);
        for (int j = 0; j < CONSUMERS; j++)
            pthread_kill(consumers[j].thread, SIGUSR1);
        put(&t);
    }
    while (got < CONSUMERS * EACH) {
        pass_time(1);
        got = 0;
        for (int i = 0; i < CONSUMERS; i++)
            got += read_count(&consumers[i].got);
    }
    for (int i = 0; i < 20; i++) {
        pass_time(5);
        for (int j = 0; j < CONSUMERS; j++)
            pthread_kill(consumers[j].thread, SIGUSR1);
    }
    for (int i = 0; i < CONSUMERS; i++) {
        weir_waiter_unpark(&consumers[i].waiter);
        CHECK(pthread_join(consumers[i].thread, NULL) == 0);
    }
    took = weir_clock_now() - begin;
    weir_atomic_store(&unreliable, 0, WEIR_RELAXED); /* relaxed: a number. */
    for (int i = 0; i < CONSUMERS; i++)
#ifdef WEIR_TSAN
        CHECK(consumers[i].spent < took); /* it takes its own time */
#else
        CHECK(consumers[i].spent < took / 50);
#endif
    CHECK(read_count(&waits) - before > CONSUMERS * EACH);
    CHECK_EQ(weir_atomic_load(&t.number, WEIR_RELAXED), 0); /* relaxed: all have ended. */
}

/* ---- fork ---- */

/* In a child, and its child, and that one's. */
static void generations(unsigned more, weir_waiter *waiter)
{
    weir_event event = WEIR_EVENT_INIT;
    weir_sleeper sleeper;
    int status = 0;
    person p;
    pid_t child;

    memset(&p, 0, sizeof p);
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60); /* a child that hangs ends the test */
        /* An unpark from before the fork is there in the child as well. */
        CHECK_EQ(weir_waiter_park(waiter, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(weir_waiter_park(waiter, 0, NULL), -ETIMEDOUT);
        weir_event_prepare(&event, &sleeper);
        CHECK_EQ(weir_event_wait(&event, &sleeper, weir_clock_after(1000), NULL), -ETIMEDOUT);
#ifndef WEIR_TSAN /* which allows no threads in such a child */
        start(&p, &event, NULL);
        weir_event_notify(&event, 1);
        CHECK_EQ(end(&p), 0);
#endif
        weir_waiter_unpark(waiter);
        if (more > 0)
            generations(more - 1, waiter);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        CHECK_EQ(errno, EINTR);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* U28: a child waits, and has waiters of its own; what it had is as it was. */
static void a_child_waits_anew(void)
{
    weir_event event = WEIR_EVENT_INIT;
    weir_waiter waiter;
    person p;

    if (test_emulated()) {
        test_skip("an emulator may not start threads in the child of a process that had some");
        return;
    }
    weir_waiter_init(&waiter);
    start(&p, &event, NULL);
    weir_waiter_unpark(&waiter);
    generations(2, &waiter);
    CHECK_EQ(weir_waiter_park(&waiter, 0, NULL), 0);
    weir_event_notify(&event, 1);
    CHECK_EQ(end(&p), 0);
}

/* ---- one processor ---- */

static WEIR_ATOMIC(uint32_t) turn;
static weir_event turned = WEIR_EVENT_INIT;

enum { TURNS = 1000 };

/* Even ones are the first's, odd ones the second's. */
static bool is_mine(void *which)
{
    /* sync(turn): acquire. Pairs with takes_turns(). */
    return weir_atomic_load(&turn, WEIR_ACQUIRE) % 2 == *(const uint32_t *)which;
}

static void *takes_turns(void *argument)
{
    uint32_t which = argument != NULL;

    for (int i = 0; i < TURNS; i++) {
        CHECK_EQ(weir_event_await(&turned, is_mine, &which, WEIR_FOREVER, NULL), 0);
        /* sync(turn): release. Pairs with is_mine(). */
        weir_atomic_fetch_add(&turn, 1, WEIR_RELEASE);
        weir_event_notify_all(&turned);
    }
    return NULL;
}

static void two_on_one_processor(void)
{
    int status = 0;
    pid_t child;

    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        pthread_t other;
        cpu_set_t one;

        alarm(60);
        CPU_ZERO(&one);
        CPU_SET((unsigned)sched_getcpu(), &one);
        CHECK(sched_setaffinity(0, sizeof one, &one) == 0);
        CHECK(pthread_create(&other, NULL, takes_turns, &turned) == 0);
        (void)takes_turns(NULL);
        CHECK(pthread_join(other, NULL) == 0);
        _exit(weir_atomic_load(&turn, WEIR_RELAXED) == 2 * TURNS ? 0 : 1); /* relaxed: alone. */
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif /* WEIR_TESTS_WAIT_IDLE_H */
