/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/blocking.c: a pool that grows and shrinks all the time.
 *
 *   flood   threads submit jobs, some of which submit another, fail, sleep, or are calls that are
 *           waited for; another resizes; in the end it is stopped, in one of three ways, while they
 *           go on: each job that was taken is run once, or discarded once, with what its submitter
 *           wrote; never more jobs at once than the limit ever was
 *   idle    few jobs and short lives: threads end as jobs come
 *   order   one thread in the pool: the jobs of each submitter come in their order
 *   memory  nothing is left when a pool is freed
 *
 * Edges:
 *   fate  end_item() -> body()  carries the job, which is its submitter's again
 */

#include "memory.h"
#include "stress.h"

#include <weir/blocking.h>

#include <errno.h>

enum { RING = 512, MOST = 12 };

typedef enum fate { FREE, SUBMITTED, RUN, DISCARDED } fate;

typedef struct item {
    weir_job job;
    uint64_t sum; /* of what follows, in its submitter */
    uint64_t number;
    unsigned from, kind;
    WEIR_ATOMIC(uint32_t) state; /* a fate */
} item;

static stress s;
static stress_rng rngs[STRESS_MAX_THREADS];
static unsigned numbers[STRESS_MAX_THREADS];
static item rings[STRESS_MAX_THREADS][RING];

static struct {
    weir_blocking *pool;
    bool ordered, rare;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint32_t) inside;
    WEIR_ATOMIC(uint64_t)
    taken, run, discarded, failed, should_fail, refused, calls, started, ended;
    uint64_t last[STRESS_MAX_THREADS]; /* ordered: written in the one thread */
} round_;

static uint64_t lives, total;

static void count(WEIR_ATOMIC(uint64_t) * number)
{
    weir_atomic_fetch_add(number, 1, WEIR_RELAXED); /* relaxed: a number. */
}

static uint64_t read_count(WEIR_ATOMIC(uint64_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED); /* relaxed: a number. */
}

static uint64_t sum_of(const item *it)
{
    return stress_mix(it->number ^ ((uint64_t)it->from << 48) ^ ((uint64_t)it->kind << 32));
}

static void end_item(item *it, fate how)
{
    /* sync(fate): release. Pairs with the load in body(); the job is its submitter's again. */
    const uint32_t before = weir_atomic_exchange(&it->state, (uint32_t)how, WEIR_RELEASE);

    if (before != SUBMITTED)
        stress_fail(&s, "job %" PRIu64 " of %u ends twice", it->number, it->from);
}

static int run_item(weir_job *job);

static int submit(item *it, unsigned from, uint64_t number, unsigned kind)
{
    int status;

    it->from = from;
    it->number = number;
    it->kind = kind;
    it->sum = sum_of(it);
    weir_job_init(&it->job, run_item);
    status = weir_blocking_submit(round_.pool, &it->job);
    if (status != 0 && status != -EPIPE && status != -EAGAIN)
        stress_fail(&s, "a submit said %d", status);
    count(status == 0 ? &round_.taken : &round_.refused);
    return status;
}

static int run_item(weir_job *job)
{
    item *const it = (item *)(void *)job;
    const unsigned kind = it->kind;
    /* relaxed: no more than the limit are there at once, in any order. */
    const uint32_t now = weir_atomic_fetch_add(&round_.inside, 1, WEIR_RELAXED) + 1;

    if (now > (round_.ordered ? 1 : MOST))
        stress_fail(&s, "%" PRIu32 " jobs run at once", now);
    if (it->sum != sum_of(it))
        stress_fail(&s, "job %" PRIu64 " of %u has come to harm", it->number, it->from);
    if (round_.ordered) {
        if (it->number <= round_.last[it->from])
            stress_fail(&s, "job %" PRIu64 " of %u comes after %" PRIu64, it->number, it->from,
                        round_.last[it->from]);
        round_.last[it->from] = it->number;
    }
    if (kind == 1)
        usleep(20);
    else if (kind == 2)
        sched_yield();
    count(&round_.run);
    weir_atomic_fetch_sub(&round_.inside, 1, WEIR_RELAXED); /* relaxed: as above. */
    if (kind == 3 && submit(it, it->from, it->number, 0) == 0)
        return 0; /* once more, and it is no longer ours */
    if (kind == 4)
        count(&round_.should_fail);
    end_item(it, RUN);
    return kind == 4 ? -EIO : 0;
}

static void failed(void *context, weir_job *job, int status)
{
    (void)job; /* its submitter's again */
    if (status != -EIO || context != &round_)
        stress_fail(&s, "a job failed with %d", status);
    count(&round_.failed);
}

static void discarded(void *context, weir_job *job)
{
    (void)context;
    count(&round_.discarded);
    end_item((item *)(void *)job, DISCARDED);
}

static _Thread_local unsigned own_number; /* and one */

static void on_start(void *context, unsigned thread)
{
    (void)context;
    own_number = thread + 1;
    count(&round_.started);
}

static void on_end(void *context, unsigned thread)
{
    (void)context;
    if (own_number != thread + 1)
        stress_fail(&s, "thread %u has not begun", thread);
    count(&round_.ended);
}

/* ---- those who submit ---- */

static int run_call(weir_call *call)
{
    (void)call;
    sched_yield();
    return -ENODEV;
}

static void make_call(void)
{
    weir_call call;
    int status;

    weir_call_init(&call, run_call, NULL);
    status = weir_blocking_submit(round_.pool, &call.job);
    if (status != 0)
        return;
    status = weir_call_get(&call, WEIR_FOREVER, NULL);
    if (status != -ENODEV && status != -ECANCELED)
        stress_fail(&s, "a call said %d", status);
    count(&round_.calls);
}

static void stop(weir_blocking_ending how, uint64_t deadline)
{
    const int status = weir_blocking_stop(round_.pool, how, deadline);
    weir_blocking_stats n;

    if (status != 0 && (status != -ETIMEDOUT || deadline == WEIR_FOREVER))
        stress_fail(&s, "a stop said %d", status);
    weir_blocking_stats_read(round_.pool, &n);
    if (status == 0 && (n.threads != 0 || n.running != 0 || n.idle != 0 ||
                        read_count(&round_.started) != read_count(&round_.ended)))
        stress_fail(&s, "something runs after a stop");
}

static void body(void *argument)
{
    const unsigned self = *(unsigned *)argument;
    stress_rng *const rng = &rngs[self];
    uint64_t number = 1;

    while (!stress_stopping(&s)) {
        item *const it = &rings[self][number % RING];
        /* sync(fate): acquire. Pairs with the exchange in end_item(). */
        const uint32_t state = weir_atomic_load(&it->state, WEIR_ACQUIRE);

        if (state == SUBMITTED) {
            sched_yield();
            continue;
        }
        if (self == 0 && !round_.ordered && stress_below(rng, 64) == 0 &&
            weir_blocking_resize(round_.pool, 1 + (unsigned)stress_below(rng, MOST)) == -EINVAL)
            stress_fail(&s, "a resize is refused");
        if (!round_.ordered && stress_below(rng, 32) == 0)
            make_call();
        weir_atomic_store(&it->state, SUBMITTED, WEIR_RELAXED); /* relaxed: the submit carries it */
        if (submit(it, self, number, round_.ordered ? 0 : (unsigned)stress_below(rng, 8)) == 0)
            number++;
        else
            weir_atomic_store(&it->state, FREE, WEIR_RELAXED); /* relaxed: its own still */
        if (round_.rare && stress_below(rng, 4) == 0)
            usleep((useconds_t)stress_below(rng, 100));
        stress_maybe_yield(rng, 16);
    }
    /* Some stop it, the others may be in the middle of a submit. */
    if (self % 3 == 1)
        stop(stress_below(rng, 2) == 0 ? WEIR_BLOCKING_DRAIN : WEIR_BLOCKING_DISCARD,
             stress_below(rng, 2) == 0 ? weir_clock_after(stress_below(rng, 100000))
                                       : WEIR_FOREVER);
}

static void one_round(stress_rng *rng, uint64_t ns)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking_stats n;

    memset(&round_, 0, sizeof round_);
    memset(rings, 0, sizeof rings[0] * s.threads);
    round_.ordered = stress_below(rng, 4) == 0;
    round_.rare = stress_below(rng, 2) == 0;
    options.max_threads = round_.ordered ? 1 : 1 + (unsigned)stress_below(rng, MOST);
    options.keep = (unsigned)stress_below(rng, options.max_threads + 1);
    options.idle_ns = 1 + stress_below(rng, round_.rare ? 100000 : 1000000);
    options.max_queued = stress_below(rng, 2) == 0 ? 0 : stress_size(rng, 20);
    options.failed = failed;
    options.discarded = discarded;
    options.on_start = on_start;
    options.on_end = on_end;
    options.context = &round_;
    if (weir_blocking_new(&round_.pool, &options) != 0)
        stress_fail(&s, "no pool");
    stress_run(&s, s.threads, body, numbers, sizeof numbers[0], ns);
    stop(stress_below(rng, 2) == 0 ? WEIR_BLOCKING_DRAIN : WEIR_BLOCKING_DISCARD, WEIR_FOREVER);
    weir_blocking_stats_read(round_.pool, &n);
    if (read_count(&round_.taken) != read_count(&round_.run) + read_count(&round_.discarded) ||
        read_count(&round_.failed) != read_count(&round_.should_fail) || n.queued != 0 ||
        n.peak > MOST)
        stress_fail(&s,
                    "%" PRIu64 " taken, %" PRIu64 " run, %" PRIu64 " discarded, %" PRIu64
                    " of %" PRIu64 " failed, %zu left, %u threads at most",
                    read_count(&round_.taken), read_count(&round_.run),
                    read_count(&round_.discarded), read_count(&round_.failed),
                    read_count(&round_.should_fail), n.queued, n.peak);
    for (unsigned t = 0; t < s.threads; t++)
        for (unsigned i = 0; i < RING; i++)
            if (weir_atomic_load(&rings[t][i].state, WEIR_RELAXED) ==
                SUBMITTED) /* relaxed: alone */
                stress_fail(&s, "job %" PRIu64 " of %u is lost", rings[t][i].number, t);
    if (weir_blocking_free(round_.pool) != 0)
        stress_fail(&s, "the pool is not stopped");
    /* relaxed: alone. */
    if (weir_atomic_load(&live, WEIR_RELAXED) != 0)
        stress_fail(&s, "%zu bytes are left", weir_atomic_load(&live, WEIR_RELAXED)); /* relaxed. */
    lives += read_count(&round_.started);
    total += read_count(&round_.taken);
}

int main(int argc, char **argv)
{
    enum { ROUNDS = 60 };
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    stress_rng rng;

    stress_begin(&s, "blocking", argc, argv);
    weir_set_allocator(&counted);
    rng = stress_rng_make(s.seed, STRESS_MAX_THREADS);
    for (unsigned i = 0; i < STRESS_MAX_THREADS; i++) {
        rngs[i] = stress_rng_make(s.seed, i);
        numbers[i] = i;
    }
    while (stress_goes_on(&s, "%" PRIu64 " jobs, %" PRIu64 " threads", total, lives))
        one_round(&rng, (uint64_t)(s.seconds * 1e9 / ROUNDS));
    return stress_end(&s, "%" PRIu64 " jobs, %" PRIu64 " threads", total, lives);
}
