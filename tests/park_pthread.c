/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/park_pthread.c, which is for systems without futex(2), on any system. */

#include "test.h"

#include <weir/atomic.h>
#include <weir/clock.h>

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#ifndef WEIR_PARK_PTHREAD
#define WEIR_PARK_PTHREAD
#endif
#include "../lib/park_pthread.c"

enum { MS = 1000000 };

static WEIR_ATOMIC(uint32_t) word;

static void set(WEIR_ATOMIC(uint32_t) * which, uint32_t value)
{
    /* relaxed: the threads that sleep on it read nothing else. */
    weir_atomic_store(which, value, WEIR_RELAXED);
}

static uint32_t get(WEIR_ATOMIC(uint32_t) * which)
{
    return weir_atomic_load(which, WEIR_RELAXED); /* relaxed: see set(). */
}

/* Threads that sleep on a word. */
static int asleep_on(const WEIR_ATOMIC(uint32_t) * which)
{
    bucket *const b = locked_bucket_of(which);
    int n = 0;

    for (const sleeper *it = b->first; it != NULL; it = it->next)
        n += it->word == which;
    pthread_mutex_unlock(&b->lock);
    return n;
}

static void await_asleep(const WEIR_ATOMIC(uint32_t) * which, int n)
{
    while (asleep_on(which) != n)
        sched_yield();
}

static void a_past_deadline_does_not_wait(void)
{
    set(&word, 1);
    CHECK(!weir__park(&word, 1, 0));
    CHECK(!weir__park(&word, 1, 1));
    CHECK(!weir__park(&word, 1, weir_clock_now()));
    CHECK_EQ(asleep_on(&word), 0);
}

static void another_value_does_not_wait(void)
{
    set(&word, 2);
    CHECK(weir__park(&word, 1, WEIR_FOREVER));
    CHECK(weir__park(&word, 1, WEIR_FOREVER - 1));
}

static void ends_at_the_deadline(void)
{
    const uint64_t deadline = weir_clock_after(5 * MS);

    set(&word, 1);
    while (weir__park(&word, 1, deadline))
        continue;
    CHECK(weir_clock_now() >= deadline);
    CHECK_EQ(asleep_on(&word), 0);
}

/* ---- threads that sleep ---- */

typedef struct thread {
    pthread_t id;
    WEIR_ATOMIC(uint32_t) * word;
    uint64_t deadline;
    WEIR_ATOMIC(uint32_t) woken;
} thread;

static void *run(void *argument)
{
    thread *const t = (thread *)argument;

    while (get(t->word) == 1 && get(&t->woken) == 0)
        set(&t->woken, weir__park(t->word, 1, t->deadline));
    CHECK_EQ(get(&t->woken), 1); /* the deadline is far away */
    return NULL;
}

static void start(thread *t, WEIR_ATOMIC(uint32_t) * which, uint64_t deadline, int nth)
{
    t->word = which;
    t->deadline = deadline;
    set(&t->woken, 0);
    CHECK(pthread_create(&t->id, NULL, run, t) == 0);
    await_asleep(which, nth);
}

static void is_woken_whatever_the_deadline(void)
{
    const uint64_t deadlines[] = {weir_clock_after(UINT64_C(3600000) * MS), UINT64_C(1) << 61,
                                  (uint64_t)INT64_MAX, WEIR_FOREVER - 1, WEIR_FOREVER};

    for (int i = 0; i < 5; i++) {
        thread t;

        set(&word, 1);
        start(&t, &word, deadlines[i], 1);
        set(&word, 2);
        weir__unpark_all(&word);
        CHECK(pthread_join(t.id, NULL) == 0);
        CHECK_EQ(asleep_on(&word), 0);
    }
}

static void wakes_as_many_as_it_is_told_in_order(void)
{
    enum { N = 5 };
    thread t[N];

    set(&word, 1);
    for (int i = 0; i < N; i++)
        start(&t[i], &word, WEIR_FOREVER, i + 1);
    weir__unpark(&word, 0);
    CHECK_EQ(asleep_on(&word), N);
    for (int i = 0; i < 2; i++) {
        weir__unpark(&word, 1);
        CHECK(pthread_join(t[i].id, NULL) == 0);
        CHECK_EQ(asleep_on(&word), N - 1 - i);
    }
    weir__unpark(&word, 2);
    for (int i = 2; i < 4; i++)
        CHECK(pthread_join(t[i].id, NULL) == 0);
    CHECK_EQ(get(&t[4].woken), 0);
    weir__unpark_all(&word);
    CHECK(pthread_join(t[4].id, NULL) == 0);
}

/* Words that share a bucket do not share their sleepers. */
static void others_in_the_bucket_sleep_on(void)
{
    static WEIR_ATOMIC(uint32_t) words[100 * BUCKETS];
    size_t other = 1;
    thread t[3];

    while (bucket_of(&words[other]) != bucket_of(&words[0]))
        other++;
    set(&words[0], 1);
    set(&words[other], 1);
    start(&t[0], &words[0], WEIR_FOREVER, 1);
    start(&t[1], &words[other], WEIR_FOREVER, 1);
    start(&t[2], &words[0], WEIR_FOREVER, 2);
    weir__unpark_all(&words[other]);
    CHECK(pthread_join(t[1].id, NULL) == 0);
    CHECK_EQ(asleep_on(&words[0]), 2);
    CHECK_EQ(get(&t[0].woken) + get(&t[2].woken), 0);
    weir__unpark_all(&words[0]);
    CHECK(pthread_join(t[0].id, NULL) == 0);
    CHECK(pthread_join(t[2].id, NULL) == 0);
}

/* A word that is no more is an address, nothing else. */
static void nobody_sleeps_on_what_is_gone(void)
{
    void *const page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(page != MAP_FAILED);
    CHECK(munmap(page, 4096) == 0);
    weir__unpark((WEIR_ATOMIC(uint32_t) *)page, 1);
    weir__unpark_all((WEIR_ATOMIC(uint32_t) *)page);
}

/* ---- two threads take turns ---- */

enum { TURNS = 20000 };

static WEIR_ATOMIC(uint32_t) turn;

static void *take_turns(void *argument)
{
    const uint32_t own = *(const uint32_t *)argument;

    for (uint32_t i = 0; i < TURNS; i++) {
        for (uint32_t now = get(&turn); now % 2 != own; now = get(&turn))
            (void)weir__park(&turn, now, i % 2 == 0 ? WEIR_FOREVER : WEIR_FOREVER - 1);
        weir_atomic_fetch_add(&turn, 1, WEIR_RELAXED); /* relaxed: see set(). */
        weir__unpark(&turn, 1);
    }
    return NULL;
}

static void no_turn_is_lost(void)
{
    static const uint32_t numbers[] = {0, 1};
    pthread_t threads[2];

    set(&turn, 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, take_turns, (void *)(uintptr_t)&numbers[i]) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_EQ(get(&turn), 2 * TURNS);
}

/* ---- fork ---- */

static WEIR_ATOMIC(uint32_t) stop;

static void *keep_busy(void *unused)
{
    (void)unused;
    while (get(&stop) == 0) {
        (void)weir__park(&turn, get(&turn), weir_clock_after(MS / 20));
        weir__unpark_all(&word);
    }
    return NULL;
}

/* The parent's sleepers and the locks of its threads are not the child's. */
static void a_child_can_sleep(void)
{
    thread t;
    pthread_t busy;

    set(&word, 1);
    set(&stop, 0);
    start(&t, &word, WEIR_FOREVER, 1);
    CHECK(pthread_create(&busy, NULL, keep_busy, NULL) == 0);
    for (int i = 0; i < 50; i++) {
        const pid_t child = fork();
        int status = 1;

        CHECK(child >= 0);
        if (child == 0) {
            bool none = true;

            for (int b = 0; b < BUCKETS; b++)
                none = none && buckets[b].first == NULL;
            weir__unpark_all(&word);
            while (weir__park(&word, 1, weir_clock_after(MS / 10)))
                continue;
            _exit(none ? 0 : 1);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    set(&stop, 1);
    set(&word, 2);
    weir__unpark_all(&word);
    CHECK(pthread_join(t.id, NULL) == 0);
    CHECK(pthread_join(busy, NULL) == 0);
}

int main(void)
{
    return TEST_RUN(
        "park_pthread", TEST_CASE(a_past_deadline_does_not_wait),
        TEST_CASE(another_value_does_not_wait), TEST_CASE(ends_at_the_deadline),
        TEST_CASE(is_woken_whatever_the_deadline), TEST_CASE(wakes_as_many_as_it_is_told_in_order),
        TEST_CASE(others_in_the_bucket_sleep_on), TEST_CASE(nobody_sleeps_on_what_is_gone),
        TEST_CASE(no_turn_is_lost), TEST_CASE(a_child_can_sleep));
}
