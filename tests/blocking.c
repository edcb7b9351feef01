/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/blocking.h: each answer, who is woken and made, and who ends; stop, signals and fork are in
 * tests/blocking_stop.c. */

#include "blocking.h"
#include "process.h"

#include <sys/resource.h>
#include <sys/syscall.h>

enum { MANY = 64 };

/* ---- answers ---- */

static void refuses_wrong_options(void)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking *pool = NULL;

    options.max_threads = WEIR_BLOCKING_MAX_THREADS + 1;
    CHECK_EQ(weir_blocking_new(&pool, &options), -EINVAL);
    options.max_threads = 3;
    options.keep = 4;
    CHECK_EQ(weir_blocking_new(&pool, &options), -EINVAL);
    options.max_threads = 0;
    options.keep = WEIR_BLOCKING_THREADS + 1;
    CHECK_EQ(weir_blocking_new(&pool, &options), -EINVAL);
    options.keep = WEIR_BLOCKING_THREADS;
    options.stack_bytes = 1;
    CHECK_EQ(weir_blocking_new(&pool, &options), -EINVAL);
    CHECK(pool == NULL);
    options.stack_bytes = 256 * 1024;
    end(make(&options));
    options.max_threads = WEIR_BLOCKING_MAX_THREADS;
    end(make(&options));
}

static void says_what_the_contract_says(void)
{
    weir_blocking *const pool = make(NULL);
    weir_latch open = WEIR_LATCH_INIT(0);
    held h = hold_at(&open);

    CHECK_EQ(numbers_of(pool).max_threads, WEIR_BLOCKING_THREADS);
    CHECK_EQ(numbers_of(pool).threads, 0);
    CHECK_EQ(weir_blocking_free(pool), -EBUSY);
    CHECK_EQ(weir_blocking_resize(pool, 0), -EINVAL);
    CHECK_EQ(weir_blocking_resize(pool, WEIR_BLOCKING_MAX_THREADS + 1), -EINVAL);
    CHECK_EQ(weir_blocking_resize(pool, WEIR_BLOCKING_MAX_THREADS), 0);
    CHECK_EQ(numbers_of(pool).max_threads, WEIR_BLOCKING_MAX_THREADS);
    CHECK_EQ(numbers_of(pool).threads, 0);
    CHECK_EQ(weir_blocking_submit(pool, &h.job), 0);
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(h.place, 1);
    CHECK_EQ(numbers_of(pool).threads, 0);
    CHECK_EQ(numbers_of(pool).done, 1);
    CHECK_EQ(numbers_of(pool).peak, 1);
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DISCARD, 0), 0);
    h = hold_at(&open);
    CHECK_EQ(weir_blocking_submit(pool, &h.job), -EPIPE);
    CHECK_EQ(weir_blocking_resize(pool, 1), -EPIPE);
    CHECK_EQ(h.place, 0);
    CHECK_EQ(weir_blocking_free(pool), 0);
}

static void says_that_there_is_no_memory(void)
{
    weir_blocking *pool = NULL;

    test_alloc_fail_at(1);
    CHECK_EQ(weir_blocking_new(&pool, NULL), -ENOMEM);
    CHECK(pool == NULL);
    test_alloc_fail_at(2);
    end(make(NULL));
    CHECK_EQ(test_alloc_calls, 1);
    CHECK_EQ(test_alloc_live, 0);
    test_alloc_fail_at(0);
}

/* ---- threads that cannot be made ---- */

#define ABSURD (SIZE_MAX >> 18)

static void *submit_in_vain(void *argument)
{
    weir_latch open = WEIR_LATCH_INIT(0);
    held h = hold_at(&open);

    for (int i = 0; i < 50; i++)
        CHECK(weir_blocking_submit((weir_blocking *)argument, &h.job) < 0);
    CHECK_EQ(h.place, 0);
    return NULL;
}

static void gives_a_job_back_that_nobody_can_run(void)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking *pool;
    pthread_t threads[4];

    if (sizeof(size_t) < 8 || test_emulated()) {
        test_skip("no stack is absurd enough here");
        return;
    }
    options.stack_bytes = ABSURD;
    options.max_threads = 2;
    pool = make(&options);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, submit_in_vain, pool) == 0);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_EQ(numbers_of(pool).refusals, 200);
    CHECK_EQ(numbers_of(pool).queued, 0);
    CHECK_EQ(numbers_of(pool).threads, 0);
    end(pool);
}

/* With one thread there, a second that cannot be made costs no job, and comes for none. */
static void waits_for_a_thread_that_is_there(void)
{
    enum { STACK = 512 * 1024 * 1024 };
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_latch gate = WEIR_LATCH_INIT(1);
    struct rlimit before, less;
    weir_blocking *pool;
    held first, second, third = hold_at(&gate);
    int status;

    if (sizeof(size_t) < 8 || process_address_space() == 0 || test_emulated()) {
        test_skip("no limit for the address space");
        return;
    }
    options.stack_bytes = STACK;
    options.max_queued = 1;
    pool = make(&options);
    submit_held(pool, &first, 1, &gate, 1);
    second = hold_at(&gate);
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    less = before;
    less.rlim_cur = (rlim_t)process_address_space() + STACK / 2;
    CHECK(setrlimit(RLIMIT_AS, &less) == 0);
    status = weir_blocking_submit(pool, &second.job);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK_EQ(status, 0);
    CHECK_EQ(numbers_of(pool).refusals, 1);
    CHECK_EQ(numbers_of(pool).threads, 1);
    CHECK_EQ(numbers_of(pool).queued, 1);
    CHECK_EQ(weir_blocking_resize(pool, 1), 0);
    CHECK_EQ(weir_blocking_submit(pool, &third.job), -EAGAIN);
    weir_latch_count_down(&gate, 1);
    end(pool);
    CHECK_EQ(second.place, 2);
}

/* ---- how many threads ---- */

static void makes_as_many_as_it_may(void)
{
    enum { LIMIT = 5, JOBS = 40 };
    weir_blocking *const pool = make_for(LIMIT);
    weir_latch gate = WEIR_LATCH_INIT(1);
    held jobs[JOBS];
    weir_blocking_stats numbers;

    submit_held(pool, jobs, JOBS, &gate, LIMIT);
    numbers = numbers_of(pool);
    CHECK_EQ(numbers.threads, LIMIT);
    CHECK_EQ(numbers.running, LIMIT);
    CHECK_EQ(numbers.idle, 0);
    CHECK_EQ(numbers.queued, JOBS - LIMIT);
    CHECK_EQ(numbers.done, 0);
    weir_latch_count_down(&gate, 1);
    CHECK_EQ(weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(numbers_of(pool).peak, LIMIT);
    CHECK_EQ(numbers_of(pool).done, JOBS);
    CHECK_EQ(read_number(&most), LIMIT);
    CHECK_EQ(read_number(&begun), JOBS);
    CHECK_EQ(weir_blocking_free(pool), 0);
}

static weir_barrier all_here = WEIR_BARRIER_INIT(MANY);

static int meet(weir_job *job)
{
    (void)job;
    (void)count(&begun);
    return weir_barrier_wait(&all_here, WEIR_FOREVER, NULL) < 0 ? -EPIPE : 0;
}

/* Jobs that wait for each other, as many as there may be threads: round after round, so that
 * the threads are new, idle, and about to be. */
static void all_that_may_run_do(void)
{
    weir_blocking *const pool = make_for(MANY);
    weir_job jobs[MANY];

    for (uint32_t round = 1; round <= 30; round++) {
        for (int i = 0; i < MANY; i++) {
            weir_job_init(&jobs[i], meet);
            CHECK_EQ(weir_blocking_submit(pool, &jobs[i]), 0);
        }
        until(&begun, round * MANY);
        while (numbers_of(pool).done != round * MANY)
            sched_yield();
        CHECK(numbers_of(pool).threads <= MANY);
    }
    end(pool);
}

static void takes_jobs_in_their_order(void)
{
    enum { JOBS = 200 };
    weir_blocking *const pool = make_for(1);
    weir_latch gate = WEIR_LATCH_INIT(1);
    held jobs[JOBS];

    submit_held(pool, jobs, JOBS, &gate, 1);
    CHECK_EQ(numbers_of(pool).queued, JOBS - 1);
    weir_latch_count_down(&gate, 1);
    end(pool);
    for (unsigned i = 0; i < JOBS; i++)
        CHECK_EQ(jobs[i].place, i + 1);
}

static void refuses_more_than_may_wait(void)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_blocking *pool;
    held jobs[4], refused;

    options.max_threads = 2;
    options.max_queued = 2;
    pool = make(&options);
    submit_held(pool, jobs, 4, &gate, 2);
    refused = hold_at(&gate);
    CHECK_EQ(weir_blocking_submit(pool, &refused.job), -EAGAIN);
    CHECK_EQ(numbers_of(pool).queued, 2);
    CHECK_EQ(weir_blocking_resize(pool, 3), 0); /* which takes one of those that wait */
    until(&begun, 3);
    CHECK_EQ(weir_blocking_submit(pool, &refused.job), 0);
    weir_latch_count_down(&gate, 1);
    end(pool);
    CHECK(refused.place != 0);
}

/* Threads that are woken to leave come for no job. */
static void bounds_the_queue_when_it_shrinks(void)
{
    enum { THREADS = 16 };
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking *pool;

    options.max_threads = options.keep = THREADS;
    options.max_queued = 1;
    pool = make(&options);
    for (int round = 0; round < 20; round++) {
        weir_latch first = WEIR_LATCH_INIT(1), second = WEIR_LATCH_INIT(1);
        held jobs[THREADS];
        unsigned taken = 0;

        forget_numbers();
        CHECK_EQ(weir_blocking_resize(pool, THREADS), 0);
        submit_held(pool, jobs, THREADS, &first, THREADS);
        weir_latch_count_down(&first, 1);
        while (numbers_of(pool).idle != THREADS)
            doze();
        CHECK_EQ(weir_blocking_resize(pool, 1), 0);
        for (int i = 0; i < THREADS; i++) {
            jobs[i] = hold_at(&second);
            taken += weir_blocking_submit(pool, &jobs[i].job) == 0;
        }
        CHECK(taken == 1 || taken == 2); /* one waits, and one may have been begun */
        weir_latch_count_down(&second, 1);
        until_threads(pool, 1);
        while (numbers_of(pool).queued != 0 || numbers_of(pool).running != 0)
            doze();
    }
    end(pool);
    CHECK_EQ(weir_blocking_free(NULL), 0);
}

static WEIR_ATOMIC(uint32_t) entered;

/* Threads that have begun, and wait at a gate before they take what they were made for. */
static void stop_at_gate(void *context, unsigned thread)
{
    (void)thread;
    count(&entered);
    CHECK_EQ(weir_latch_wait((weir_latch *)context, WEIR_FOREVER, NULL), 0);
}

static void leaves_out_what_threads_come_for(void)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_blocking *pool;
    held jobs[5];

    options.max_threads = 2;
    options.max_queued = 2;
    options.on_start = stop_at_gate;
    options.context = &gate;
    pool = make(&options);
    weir_atomic_store(&entered, 0, WEIR_RELAXED); /* relaxed: nobody else is here. */
    for (unsigned i = 0; i < 5; i++) {
        jobs[i] = hold_at(&gate);
        if (i == 2)
            until(&entered, 2);
        CHECK_EQ(weir_blocking_submit(pool, &jobs[i].job), i < 4 ? 0 : -EAGAIN);
    }
    weir_latch_count_down(&gate, 1);
    end(pool);
    for (unsigned i = 0; i < 4; i++)
        CHECK(jobs[i].place != 0);
}

/* A thread that was woken is here, and comes for nothing any more. */
static void leaves_out_nobody_who_has_come(void)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_latch open = WEIR_LATCH_INIT(0), gate = WEIR_LATCH_INIT(1);
    weir_blocking *pool;
    held jobs[3], refused = hold_at(&gate);

    options.max_threads = options.keep = 1;
    options.max_queued = 1;
    pool = make(&options);
    submit_held(pool, jobs, 1, &open, 1);
    while (numbers_of(pool).idle != 1)
        doze();
    submit_held(pool, &jobs[1], 2, &gate, 2);
    CHECK_EQ(weir_blocking_submit(pool, &refused.job), -EAGAIN);
    weir_latch_count_down(&gate, 1);
    end(pool);
    CHECK_EQ(jobs[2].place, 3);
}

static void can_have_more_threads_and_fewer(void)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_latch gate = WEIR_LATCH_INIT(1);
    weir_blocking *pool;
    held jobs[12];

    options.max_threads = 1;
    options.keep = 1;
    options.idle_ns = WEIR_FOREVER;
    pool = make(&options);
    submit_held(pool, jobs, 4, &gate, 1);
    CHECK_EQ(weir_blocking_resize(pool, 8), 0); /* for those that wait */
    until(&begun, 4);
    submit_held(pool, &jobs[4], 8, &gate, 8);   /* and those that come */
    CHECK_EQ(weir_blocking_resize(pool, 5), 0); /* busy ones end as they finish */
    CHECK_EQ(numbers_of(pool).threads, 8);
    weir_latch_count_down(&gate, 1);
    until(&begun, 12);
    until_threads(pool, 5);
    while (numbers_of(pool).idle != 5)
        doze();
    CHECK_EQ(weir_blocking_resize(pool, 2), 0); /* idle ones end now */
    until_threads(pool, 2);
    while (numbers_of(pool).idle != 2)
        doze();
    end(pool);
}

/* ---- idle threads ---- */

static WEIR_ATOMIC(uint32_t) started, finished;
static WEIR_ATOMIC(uint32_t) seen; /* a bit for each thread */
static WEIR_ATOMIC(uint32_t) last_tid;

static void on_start(void *context, unsigned thread)
{
    CHECK(context == &started);
    (void)count(&started);
    /* relaxed: numbers. */
    weir_atomic_fetch_or(&seen, UINT32_C(1) << thread, WEIR_RELAXED);
    weir_atomic_store(&last_tid, (uint32_t)syscall(SYS_gettid), WEIR_RELAXED);
}

static void on_end(void *context, unsigned thread)
{
    CHECK(context == &started);
    CHECK((read_number(&seen) & UINT32_C(1) << thread) != 0);
    (void)count(&finished);
}

static weir_blocking_options watched(unsigned keep)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;

    /* relaxed: nobody else is here. */
    weir_atomic_store(&started, 0, WEIR_RELAXED);
    weir_atomic_store(&finished, 0, WEIR_RELAXED);
    weir_atomic_store(&seen, 0, WEIR_RELAXED);
    options.max_threads = 8;
    options.keep = keep;
    options.idle_ns = MS;
    options.on_start = on_start;
    options.on_end = on_end;
    options.context = &started;
    return options;
}

static void threads_end_that_are_not_needed(void)
{
    for (unsigned keep = 0; keep < 3; keep++) {
        const weir_blocking_options options = watched(keep);
        weir_blocking *const pool = make(&options);

        for (unsigned round = 1; round < 4; round++) {
            weir_latch gate = WEIR_LATCH_INIT(1);
            held jobs[4];

            submit_held(pool, jobs, 4, &gate, round * 4);
            CHECK_EQ(numbers_of(pool).threads, 4);
            weir_latch_count_down(&gate, 1);
            until_threads(pool, keep);
            until(&finished, round * (4 - keep));
            while (numbers_of(pool).idle != keep) /* as many as are kept are idle too */
                doze();
        }
        for (int i = 0; i < 10; i++)
            doze();
        CHECK_EQ(numbers_of(pool).threads, keep);
        CHECK_EQ(read_number(&started), keep + 3 * (4 - keep));
        CHECK_EQ(read_number(&seen), (UINT32_C(1) << read_number(&started)) - 1);
        end(pool);
        CHECK_EQ(read_number(&finished), read_number(&started));
    }
}

/* By default they wait for long: for how long, no test waits. */
static void a_thread_stays_for_a_while(void)
{
    weir_blocking *const pool = make(NULL);
    weir_latch open = WEIR_LATCH_INIT(0);
    const uint64_t before = weir_clock_now();
    held h;

    submit_held(pool, &h, 1, &open, 1);
    while (numbers_of(pool).done == 0)
        doze();
    for (int i = 0; i < 20; i++)
        doze();
    if (numbers_of(pool).threads != 1)
        CHECK(weir_clock_now() - before >= WEIR_BLOCKING_IDLE_NS);
    end(pool);
}

/* Each is joined by the next one that ends, so that no stack is left, however many have ended. */
static void threads_that_have_ended_are_joined(void)
{
    enum { STACK = 16 * 1024 * 1024, ROUNDS = 48 };
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_latch open = WEIR_LATCH_INIT(0);
    const size_t before = process_address_space();
    weir_blocking *pool;

    if (sizeof(size_t) < 8 || before == 0 || test_emulated()) {
        test_skip("the system does not say what a stack takes");
        return;
    }
    options.stack_bytes = STACK;
    options.idle_ns = 1;
    pool = make(&options);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        held h;

        submit_held(pool, &h, 1, &open, round);
        until_threads(pool, 0);
    }
    end(pool);
    CHECK(process_address_space() < before + (size_t)STACK * ROUNDS / 2);
}

/* How often the thread has gone to sleep by itself; -1: not known. */
static long sleeps_of(uint32_t tid)
{
    char path[64], line[128];
    long sleeps = -1;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%" PRIu32 "/status", tid);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &sleeps) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return sleeps;
}

static void an_idle_thread_sleeps(void)
{
    const weir_blocking_options options = watched(1);
    weir_blocking *const pool = make(&options);
    weir_latch open = WEIR_LATCH_INIT(0);
    long before, now;
    int tries = 20;
    held h;

    submit_held(pool, &h, 1, &open, 1);
    while (numbers_of(pool).idle != 1)
        doze();
    now = sleeps_of(read_number(&last_tid));
    do { /* once it does sleep; who looks now and then is never still for so long */
        before = now;
        for (int i = 0; i < 20; i++)
            doze();
        now = sleeps_of(read_number(&last_tid));
    } while (now != before && --tries > 0);
    if (now < 0)
        test_skip("the system does not say who sleeps");
    else
        CHECK_EQ(now, before);
    end(pool);
}

int main(void)
{
    return TEST_RUN(
        "blocking", TEST_CASE(refuses_wrong_options), TEST_CASE(says_what_the_contract_says),
        TEST_CASE(says_that_there_is_no_memory), TEST_CASE(gives_a_job_back_that_nobody_can_run),
        TEST_CASE(waits_for_a_thread_that_is_there), TEST_CASE(makes_as_many_as_it_may),
        TEST_CASE(all_that_may_run_do), TEST_CASE(takes_jobs_in_their_order),
        TEST_CASE(refuses_more_than_may_wait), TEST_CASE(bounds_the_queue_when_it_shrinks),
        TEST_CASE(leaves_out_what_threads_come_for), TEST_CASE(leaves_out_nobody_who_has_come),
        TEST_CASE(can_have_more_threads_and_fewer), TEST_CASE(threads_end_that_are_not_needed),
        TEST_CASE(a_thread_stays_for_a_while), TEST_CASE(threads_that_have_ended_are_joined),
        TEST_CASE(an_idle_thread_sleeps));
}
