/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/pool.c: weir_pool: jobs that are submitted, their errors, and in which order they are run.
 * Its beginning and end: tests/pool_life.c; when memory or threads are short: tests/pool_short.c;
 * fork and join: tests/pool_join.c; how many workers: tests/pool_workers.c. */

#include "pool.h"

#include <pthread.h>

/* ---- jobs ---- */

enum { MANY = 2000 };

static void a_job_is_run(void)
{
    weir_pool *const pool = pool_of(1);
    weir_latch latch;
    count_job job;

    for (unsigned i = 1; i <= 3; i++) {
        weir_latch_init(&latch, 1);
        if (i == 1)
            count_init(&job, &latch);
        job.latch = &latch;
        CHECK_EQ(weir_pool_submit(pool, &job.job), 0);
        CHECK_EQ(weir_latch_wait(&latch, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(runs_of(&job), i); /* the same one, again and again */
    }
    end_pool(pool);
}

typedef struct many {
    weir_pool *pool;
    count_job *jobs;
    bool bulk;
    weir_pool_priority priority;
} many;

static void *submit_many(void *of)
{
    const many *const m = (const many *)of;
    weir_job *jobs[MANY];

    for (size_t i = 0; i < MANY; i++) {
        jobs[i] = &m->jobs[i].job;
        if (!m->bulk)
            CHECK_EQ(weir_pool_submit_priority(m->pool, jobs[i], m->priority), 0);
    }
    if (m->bulk)
        CHECK_EQ(weir_pool_submit_bulk(m->pool, jobs, MANY, m->priority), 0);
    return NULL;
}

static void submit_many_inside(void *of)
{
    (void)submit_many(of);
}

static void each_is_run_once(void)
{
    enum { FROM = 3 };
    static count_job jobs[FROM][MANY];

    EACH_SIZE(workers)
    {
        for (unsigned variant = 0; variant < 12; variant++) {
            weir_pool *const pool = pool_of(workers);
            pthread_t threads[FROM];
            many m[FROM];

            for (unsigned f = 0; f < FROM; f++) {
                for (size_t i = 0; i < MANY; i++)
                    count_init(&jobs[f][i], NULL);
                m[f].pool = pool;
                m[f].jobs = jobs[f];
                m[f].bulk = variant % 2 == 1;
                m[f].priority = (weir_pool_priority)(variant / 2 % 3);
                if (variant >= 6)
                    inside(pool, submit_many_inside, &m[f]);
                else
                    CHECK(pthread_create(&threads[f], NULL, submit_many, &m[f]) == 0);
            }
            for (unsigned f = 0; f < FROM && variant < 6; f++)
                CHECK(pthread_join(threads[f], NULL) == 0);
            end_pool(pool);
            for (unsigned f = 0; f < FROM; f++)
                for (size_t i = 0; i < MANY; i++)
                    CHECK_EQ(runs_of(&jobs[f][i]), 1);
        }
    }
}

static int returns_minus_7(weir_job *job)
{
    (void)job;
    return -7;
}

static void run_inside(void *pool)
{
    weir_job job;

    CHECK(weir_pool_self() == pool);
    CHECK(weir_pool_worker() == 0);
    weir_job_init(&job, returns_minus_7);
    CHECK_EQ(weir_pool_run((weir_pool *)pool, &job), -7); /* on the only worker: by this one */
}

static void run_waits_for_the_status(void)
{
    weir_pool *const pool = pool_of(1);
    weir_job job;

    weir_job_init(&job, returns_minus_7);
    CHECK(weir_pool_self() == NULL);
    CHECK_EQ(weir_pool_worker(), (int64_t)UINT32_MAX);
    CHECK_EQ(weir_pool_run(pool, &job), -7);
    inside(pool, run_inside, pool);
    end_pool(pool);
}

/* ---- errors and cancellation ---- */

typedef struct sink {
    WEIR_ATOMIC(unsigned) calls;
    const weir_job *job;
    int status;
} sink;

static void sink_failed(void *context, weir_job *job, int status)
{
    sink *const s = (sink *)context;

    s->job = job;
    s->status = status;
    weir_atomic_fetch_add(&s->calls, 1, WEIR_RELEASE);
}

static void what_nobody_waits_for_fails_into_the_sink(void)
{
    weir_pool_options options = no_options();
    weir_pool *pool;
    count_job good, bad;
    sink s;

    memset((void *)&s, 0, sizeof s);
    options.workers = 2;
    options.failed = sink_failed;
    options.context = &s;
    pool = pool_with(&options);
    count_init(&good, NULL);
    count_init(&bad, NULL);
    bad.status = -EIO;
    CHECK_EQ(weir_pool_submit(pool, &good.job), 0);
    CHECK_EQ(weir_pool_submit(pool, &bad.job), 0);
    end_pool(pool);
    CHECK_EQ(weir_atomic_load(&s.calls, WEIR_ACQUIRE), 1);
    CHECK(s.job == &bad.job);
    CHECK_EQ(s.status, -EIO);
}

typedef struct sum_call {
    weir_call call;
    int a, b, sum;
} sum_call;

static int sum_run(weir_call *call)
{
    sum_call *const sum = (sum_call *)(void *)call;

    sum->sum = sum->a + sum->b;
    return sum->a < 0 ? -EDOM : 0;
}

static void a_call_has_a_status(void)
{
    weir_pool *const pool = pool_of(1);
    weir_cancel_source source;
    sum_call call;

    for (int i = 0; i < 3; i++) {
        call.a = i == 1 ? -1 : 3;
        call.b = 4;
        call.sum = 0;
        weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
        weir_call_init(&call.call, sum_run, weir_cancel_source_token(&source));
        if (i == 2)
            CHECK(weir_cancel_source_cancel(&source, 0));
        CHECK_EQ(weir_pool_submit(pool, &call.call.job), 0);
        CHECK_EQ(weir_call_get(&call.call, WEIR_FOREVER, NULL), i == 0   ? 0
                                                                : i == 1 ? -EDOM
                                                                         : -ECANCELED);
        CHECK_EQ(call.sum, i == 0 ? 7 : i == 1 ? 3 : 0);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    }
    end_pool(pool);
}

static void a_call_may_be_waited_for_again(void)
{
    weir_pool *const pool = pool_of(1);
    gate_job gate;
    sum_call call;

    gate_enter(&gate, pool);
    call.a = call.b = 1;
    weir_call_init(&call.call, sum_run, NULL);
    CHECK_EQ(weir_pool_submit(pool, &call.call.job), 0);
    CHECK_EQ(weir_call_get(&call.call, 0, NULL), -ETIMEDOUT);
    CHECK(!weir_future_is_done(&call.call.future));
    gate_open(&gate);
    CHECK_EQ(weir_call_get(&call.call, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(call.sum, 2);
    end_pool(pool);
}

static void sum_init(sum_call *call, int a)
{
    weir_call_init(&call->call, sum_run, NULL);
    call->a = a;
    call->b = 0;
}

/* By the only worker there is. */
static void wait_for_call(void *unused)
{
    sum_call it;

    (void)unused;
    sum_init(&it, -1);
    CHECK_EQ(weir_pool_submit(weir_pool_self(), &it.call.job), 0);
    CHECK_EQ(weir_call_get(&it.call, WEIR_FOREVER, NULL), -EDOM);
}

static void a_worker_may_wait_for_a_call(void)
{
    weir_pool *const pool = pool_of(1);

    inside(pool, wait_for_call, NULL);
    end_pool(pool);
}

typedef struct runner {
    weir_pool *pool;
    sum_call it;
    weir_latch begins;
    int status;
} runner;

static void *run_call(void *of)
{
    runner *const self = (runner *)of;

    weir_latch_count_down(&self->begins, 1);
    self->status = weir_pool_run(self->pool, &self->it.call.job);
    return NULL;
}

/* Returns: what a run returned that was begun, more or less, before a stop that discards. */
static int run_and_discard(void)
{
    static const struct timespec a_while = {0, 1000000};
    pthread_t thread;
    gate_job gate;
    runner self;

    self.pool = pool_of(1);
    sum_init(&self.it, 0);
    weir_latch_init(&self.begins, 1);
    gate_enter(&gate, self.pool);
    CHECK_EQ(pthread_create(&thread, NULL, run_call, &self), 0);
    CHECK_EQ(weir_latch_wait(&self.begins, WEIR_FOREVER, NULL), 0);
    nanosleep(&a_while, NULL);
    CHECK_EQ(weir_pool_stop(self.pool, WEIR_POOL_DISCARD, 0), -ETIMEDOUT);
    gate_open(&gate);
    CHECK_EQ(weir_pool_stop(self.pool, WEIR_POOL_DISCARD, WEIR_FOREVER), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(weir_pool_free(self.pool), 0);
    CHECK_EQ(weir_call_get(&self.it.call, 0, NULL),
             self.status == -EPIPE ? -ETIMEDOUT : -ECANCELED);
    return self.status;
}

static void a_call_that_is_run_may_be_discarded(void)
{
    int status;

    do { /* mostly once */
        status = run_and_discard();
        CHECK(status == -EPIPE || status == -ECANCELED);
    } while (status == -EPIPE);
}

/* ---- order ---- */

typedef struct order_job {
    weir_job job;
    unsigned name;
    weir_latch *latch; /* NULL: nobody waits */
} order_job;

enum { ORDERED = 100 };

static order_job ordered[ORDERED];
static unsigned order[ORDERED], order_next; /* of one worker, so plain */

static int order_run(weir_job *job)
{
    order_job *const o = (order_job *)(void *)job;

    order[order_next++] = o->name;
    if (o->latch != NULL)
        weir_latch_count_down(o->latch, 1);
    return 0;
}

static void orders(unsigned n, weir_latch *latch)
{
    order_next = 0;
    for (unsigned i = 0; i < n; i++) {
        weir_job_init(&ordered[i].job, order_run);
        ordered[i].name = i;
        ordered[i].latch = latch;
    }
}

static void priorities_come_in_order(void)
{
    weir_pool *const pool = pool_of(1);
    gate_job gate;

    gate_enter(&gate, pool);
    orders(9, NULL);
    for (unsigned i = 0; i < 9; i++) /* 0 3 6 idle, 1 4 7 normal, 2 5 8 urgent */
        CHECK_EQ(weir_pool_submit_priority(pool, &ordered[i].job,
                                           (weir_pool_priority)(WEIR_POOL_IDLE - i % 3)),
                 0);
    gate_open(&gate);
    end_pool(pool);
    for (unsigned i = 0; i < 9; i++)
        CHECK_EQ(order[i], i % 3 * 3 + 2 - i / 3);
}

static void others_come_in_order_of_arrival(void)
{
    weir_pool *const pool = pool_of(1);
    gate_job gate;

    gate_enter(&gate, pool);
    orders(ORDERED, NULL);
    for (unsigned i = 0; i < ORDERED; i++)
        CHECK_EQ(weir_pool_submit(pool, &ordered[i].job), 0);
    gate_open(&gate);
    end_pool(pool);
    for (unsigned i = 0; i < ORDERED; i++)
        CHECK_EQ(order[i], i);
}

/* Asks another thread to submit, and goes on when it has: so the moment is known. */
typedef struct question {
    weir_latch asked, answered;
} question;

static void ask(question *q)
{
    weir_latch_count_down(&q->asked, 1);
    CHECK_EQ(weir_latch_wait(&q->answered, WEIR_FOREVER, NULL), 0);
}

/* A job that submits itself, until so many notes have been taken. All of one worker, so plain. */
typedef struct again_job {
    weir_job job;
    unsigned runs, most;
    unsigned notes, enough;
    unsigned asks_at; /* a run; 0: none */
    question *asks;
} again_job;

static int again_run(weir_job *job)
{
    again_job *const again = (again_job *)(void *)job;

    CHECK(++again->runs < again->most);
    if (again->runs == again->asks_at)
        ask(again->asks);
    return again->notes == again->enough ? 0 : weir_pool_submit(weir_pool_self(), job);
}

static void again_init(again_job *again, unsigned most, unsigned enough)
{
    weir_job_init(&again->job, again_run);
    again->runs = again->notes = again->asks_at = 0;
    again->most = most;
    again->enough = enough;
    again->asks = NULL;
}

/* Takes note of how often that one has run. */
typedef struct note_job {
    weir_job job;
    again_job *again;
    unsigned place, at;
    question *asks; /* NULL: it does not */
} note_job;

static int note_run(weir_job *job)
{
    note_job *const note = (note_job *)(void *)job;

    note->place = note->again->notes++;
    note->at = note->again->runs;
    if (note->asks != NULL)
        ask(note->asks);
    return 0;
}

static void note_init(note_job *note, again_job *again, question *asks)
{
    weir_job_init(&note->job, note_run);
    note->again = again;
    note->place = note->at = 0;
    note->asks = asks;
}

/* As include/weir/pool.h says. */
enum { NEWEST_IN_A_ROW = 16, JOBS_BETWEEN_LOOKS = 61 };

static void submit_both(void *of)
{
    note_job *const note = (note_job *)of;

    CHECK_EQ(weir_pool_submit(weir_pool_self(), &note->job), 0);
    CHECK_EQ(weir_pool_submit(weir_pool_self(), &note->again->job), 0);
}

static void the_newest_comes_first_but_not_for_ever(void)
{
    weir_pool *const pool = pool_of(1);
    again_job again;
    note_job note;

    again_init(&again, 100, 1);
    note_init(&note, &again, NULL);
    inside(pool, submit_both, &note);
    end_pool(pool);
    CHECK_EQ(again.notes, 1);
    CHECK_EQ(note.at, NEWEST_IN_A_ROW);
}

/* And in their order, with nothing in between. */
static void who_submits_itself_lets_in_those_outside(void)
{
    enum { ROUNDS = 3, GROUP = 3, BEGIN = 200 };
    weir_pool *const pool = pool_of(1);
    question questions[ROUNDS];
    note_job notes[ROUNDS][GROUP];
    again_job again;

    again_init(&again, 10000, ROUNDS * GROUP);
    again.asks_at = BEGIN;
    again.asks = &questions[0];
    for (unsigned r = 0; r < ROUNDS; r++) {
        weir_latch_init(&questions[r].asked, 1);
        weir_latch_init(&questions[r].answered, 1);
        for (unsigned i = 0; i < GROUP; i++)
            note_init(&notes[r][i], &again,
                      r + 1 < ROUNDS && i + 1 == GROUP ? &questions[r + 1] : NULL);
    }
    CHECK_EQ(weir_pool_submit(pool, &again.job), 0);
    for (unsigned r = 0; r < ROUNDS; r++) {
        weir_job *const jobs[GROUP] = {&notes[r][0].job, &notes[r][1].job, &notes[r][2].job};

        CHECK_EQ(weir_latch_wait(&questions[r].asked, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(weir_pool_submit_bulk(pool, jobs, GROUP, WEIR_POOL_NORMAL), 0);
        weir_latch_count_down(&questions[r].answered, 1);
    }
    end_pool(pool);
    CHECK(notes[0][0].at <= BEGIN + JOBS_BETWEEN_LOOKS + NEWEST_IN_A_ROW);
    for (unsigned r = 0; r < ROUNDS; r++)
        for (unsigned i = 0; i < GROUP; i++) {
            CHECK_EQ(notes[r][i].place, r * GROUP + i);
            CHECK_EQ(notes[r][i].at, notes[r][0].at);
            if (r != 0)
                CHECK_EQ(notes[r][i].at - notes[r - 1][i].at + GROUP, JOBS_BETWEEN_LOOKS);
        }
}

/* ---- what others have ---- */

typedef struct holder {
    weir_job job;
    order_job *submits;
    unsigned n;
    weir_latch submitted, go;
} holder;

/* Submits, and keeps its worker from running that itself. */
static int hold(weir_job *job)
{
    holder *const h = (holder *)(void *)job;

    for (unsigned i = 0; i < h->n; i++)
        CHECK_EQ(weir_pool_submit(weir_pool_self(), &h->submits[i].job), 0);
    weir_latch_count_down(&h->submitted, 1);
    CHECK_EQ(weir_latch_wait(&h->go, WEIR_FOREVER, NULL), 0);
    return 0;
}

static void hold_with(holder *h, weir_pool *pool, order_job *submits, unsigned n)
{
    weir_job_init(&h->job, hold);
    h->submits = submits;
    h->n = n;
    weir_latch_init(&h->submitted, 1);
    weir_latch_init(&h->go, 1);
    CHECK_EQ(weir_pool_submit(pool, &h->job), 0);
    CHECK_EQ(weir_latch_wait(&h->submitted, WEIR_FOREVER, NULL), 0);
}

/* The other of two workers runs n jobs, and they are counted as stolen. */
static void steals_are_counted(void)
{
    for (unsigned n = 1; n <= ORDERED; n *= 10) {
        weir_pool *const pool = pool_of(2);
        weir_latch all;
        holder h;

        weir_latch_init(&all, n);
        orders(n, &all);
        hold_with(&h, pool, ordered, n);
        CHECK_EQ(weir_latch_wait(&all, WEIR_FOREVER, NULL), 0);
        CHECK_EQ(stats_of(pool).steals, n);
        weir_latch_count_down(&h.go, 1);
        end_pool(pool);
        for (unsigned i = 0; i < n; i++)
            CHECK_EQ(order[i], i);
    }
}

static void idle_jobs_wait_for_what_others_have(void)
{
    weir_pool *const pool = pool_of(2);
    weir_latch all;
    gate_job gate;
    holder h;

    weir_latch_init(&all, 2);
    orders(2, &all);
    gate_enter(&gate, pool);
    hold_with(&h, pool, &ordered[0], 1);
    CHECK_EQ(weir_pool_submit_priority(pool, &ordered[1].job, WEIR_POOL_IDLE), 0);
    gate_open(&gate);
    CHECK_EQ(weir_latch_wait(&all, WEIR_FOREVER, NULL), 0);
    weir_latch_count_down(&h.go, 1);
    end_pool(pool);
    CHECK_EQ(order[0], 0);
    CHECK_EQ(order[1], 1);
}

int main(void)
{
    return TEST_RUN(
        "pool", TEST_CASE(a_job_is_run), TEST_CASE(each_is_run_once),
        TEST_CASE(run_waits_for_the_status), TEST_CASE(what_nobody_waits_for_fails_into_the_sink),
        TEST_CASE(a_call_has_a_status), TEST_CASE(a_call_may_be_waited_for_again),
        TEST_CASE(a_worker_may_wait_for_a_call), TEST_CASE(a_call_that_is_run_may_be_discarded),
        TEST_CASE(priorities_come_in_order), TEST_CASE(others_come_in_order_of_arrival),
        TEST_CASE(the_newest_comes_first_but_not_for_ever),
        TEST_CASE(who_submits_itself_lets_in_those_outside), TEST_CASE(steals_are_counted),
        TEST_CASE(idle_jobs_wait_for_what_others_have));
}
