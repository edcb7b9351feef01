/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/pool.h: what the rounds of stress/pool.c share; and trees of jobs that are spawned and
 * joined, in an order that is any of those that are allowed, with a sum that a serial program
 * finds too.
 *
 * Edges: none of its own: what a job did is read after its join, in plain memory. */

#ifndef WEIR_STRESS_POOL_H
#define WEIR_STRESS_POOL_H

#include "memory.h"
#include "stress.h"

#include <weir/cpus.h>
#include <weir/pool.h>

#include <errno.h>

#define PATIENCE UINT64_C(60000000000)

/* ---- trees ---- */

enum { MOST_KIDS = 4, STATUSES = 7 };

typedef struct tree {
    weir_job job;
    stress *s;
    uint64_t seed;
    uint64_t sum; /* written by the job, as the number of its runs */
    unsigned depth, runs;
    bool bushy; /* many kids, few levels; or few, and many */
} tree;

static inline unsigned tree_kids(const tree *t)
{
    const uint64_t dice = stress_mix(t->seed ^ 0x6b696473);

    if (t->depth == 0)
        return 0;
    return (unsigned)(dice % (t->bushy ? MOST_KIDS + 1 : 3)); /* two or one, on average */
}

static inline tree tree_kid(const tree *t, unsigned number)
{
    tree kid;

    memset((void *)&kid, 0, sizeof kid);
    kid.s = t->s;
    kid.seed = stress_mix(t->seed + number + 1);
    kid.depth = t->depth - 1;
    kid.bushy = t->bushy;
    return kid;
}

static inline int tree_status(const tree *t)
{
    return -(int)(t->seed % STATUSES);
}

/* Without a pool. */
static inline uint64_t tree_serial(const tree *t)
{
    const unsigned kids = tree_kids(t);
    uint64_t sum = stress_mix(t->seed);

    for (unsigned i = 0; i < kids; i++) {
        const tree kid = tree_kid(t, i);

        sum += tree_serial(&kid) * (i + 1);
    }
    return sum;
}

static inline void tree_dawdle(stress_rng *rng)
{
    const uint64_t dice = stress_below(rng, 64);

    if (dice == 0) {
        weir_block_begin();
        sched_yield();
        weir_block_end();
    } else if (dice < 4) {
        sched_yield();
    }
}

static inline void tree_check(const tree *t, int status)
{
    if (status != tree_status(t))
        stress_fail(t->s, "a job returned %d, and its join %d", tree_status(t), status);
    if (t->runs != 1)
        stress_fail(t->s, "a spawned job ran %u times", t->runs);
}

static inline int tree_run(weir_job *job)
{
    tree *const t = (tree *)(void *)job;
    const unsigned kids = tree_kids(t);
    stress_rng rng = stress_rng_make(t->seed, 1);
    const uint64_t order = stress_below(&rng, 4); /* newest, oldest, two of any */
    tree nodes[MOST_KIDS];
    unsigned out[MOST_KIDS], spawned = 0, open = 0;
    uint64_t sum = stress_mix(t->seed);

    while (spawned < kids || open > 0) {
        unsigned at, number;
        int status;

        tree_dawdle(&rng);
        if (spawned < kids && (open == 0 || stress_below(&rng, 4) != 0)) {
            nodes[spawned] = tree_kid(t, spawned);
            weir_spawn(&nodes[spawned].job, tree_run);
            out[open++] = spawned++;
            continue;
        }
        at = order == 0 ? open - 1 : order == 1 ? 0 : (unsigned)stress_below(&rng, open);
        number = out[at];
        memmove(&out[at], &out[at + 1], (open - at - 1) * sizeof out[0]);
        open--;
        status = weir_join(&nodes[number].job);
        tree_check(&nodes[number], status);
        sum += nodes[number].sum * (number + 1);
    }
    t->sum = sum;
    t->runs++;
    return tree_status(t);
}

static inline void tree_init(tree *t, stress *s, uint64_t seed)
{
    memset((void *)t, 0, sizeof *t);
    weir_job_init(&t->job, tree_run);
    t->s = s;
    t->seed = seed;
    t->bushy = stress_mix(seed) % 4 != 0;
    t->depth = 1 + (unsigned)(stress_mix(seed + 1) % (t->bushy ? 7 : 60));
}

/* When it has run. */
static inline void tree_check_all(const tree *t, int status)
{
    tree_check(t, status);
    if (t->sum != tree_serial(t))
        stress_fail(t->s, "a tree's sum is %" PRIx64 " instead of %" PRIx64, t->sum,
                    tree_serial(t));
}

/* In the calling thread, be it a worker or not. */
static inline void tree_here(stress *s, uint64_t seed)
{
    tree t;

    tree_init(&t, s, seed);
    tree_check_all(&t, tree_run(&t.job));
}

/* ---- a round ---- */

static stress s;
static stress_rng rngs[STRESS_MAX_THREADS];
static unsigned numbers[STRESS_MAX_THREADS];

static struct {
    weir_pool *pool, *elsewhere;
    weir_pool_options options;
    bool stops;    /* while others submit */
    bool discards; /* then, or in the end */
    bool blocks;   /* alone: it says so when it waits */
    WEIR_ATOMIC(uint64_t) taken, run, discarded, failed, should_fail, begun, ended;
} now;

static WEIR_ATOMIC(uint64_t) lives, trees, handed;
static uint64_t jobs, steals, refusals;

static void count(WEIR_ATOMIC(uint64_t) * number)
{
    weir_atomic_fetch_add(number, 1, WEIR_RELAXED); /* relaxed: a number. */
}

static uint64_t read_count(WEIR_ATOMIC(uint64_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED); /* relaxed: a number. */
}

static weir_pool_priority any_priority(stress_rng *rng)
{
    return (weir_pool_priority)stress_below(rng, 3);
}

static _Thread_local unsigned own_number; /* and one */

static void on_start(void *context, unsigned worker)
{
    (void)context;
    own_number = worker + 1;
    count(&now.begun);
}

static void on_end(void *context, unsigned worker)
{
    (void)context;
    if (own_number != worker + 1)
        stress_fail(&s, "worker %u has not begun", worker);
    count(&now.ended);
}

/* ---- pools ---- */

static void choose_options(weir_pool_options *options, stress_rng *rng)
{
    const unsigned processors = weir_cpus();

    memset(options, 0, sizeof *options);
    options->workers = 1 + (unsigned)stress_below(rng, processors * 2 + 2);
    options->max_workers = options->workers + (unsigned)stress_below(rng, 4);
    options->max_blocked = 1 + (unsigned)stress_below(rng, 8);
    options->fenced = stress_below(rng, 3) == 0;
    options->on_start = on_start;
    options->on_end = on_end;
    options->context = &now;
}

static weir_pool *new_pool(const weir_pool_options *options)
{
    weir_pool *pool = NULL;

    if (weir_pool_new(&pool, options) != 0)
        stress_fail(&s, "no pool");
    return pool;
}

static void free_pool(weir_pool *pool, weir_pool_ending how)
{
    const int status = weir_pool_stop(pool, how, weir_clock_after(PATIENCE));
    weir_pool_stats n;

    weir_pool_stats_read(pool, &n);
    if (status != 0)
        stress_fail(&s, "a stop said %d: %u threads, %u running, %u blocked", status, n.threads,
                    n.running, n.blocked);
    if (n.threads != 0 || n.running != 0 || n.blocked != 0)
        stress_fail(&s, "something runs after a stop");
    jobs += n.jobs;
    steals += n.steals;
    refusals += n.refusals;
    if (weir_pool_free(pool) != 0)
        stress_fail(&s, "a pool that has stopped is not freed");
}

static void begin_round(stress_rng *rng)
{
    memset((void *)&now, 0, sizeof now);
    choose_options(&now.options, rng);
}

/* When all pools are freed. */
static void end_round(void)
{
    const uint64_t known = read_count(&now.run) + read_count(&now.discarded);

    if (read_count(&now.taken) != known)
        stress_fail(&s, "%" PRIu64 " were taken, %" PRIu64 " run, %" PRIu64 " discarded",
                    read_count(&now.taken), read_count(&now.run), read_count(&now.discarded));
    if (read_count(&now.failed) != read_count(&now.should_fail))
        stress_fail(&s, "%" PRIu64 " of %" PRIu64 " failures were told", read_count(&now.failed),
                    read_count(&now.should_fail));
    if (read_count(&now.begun) != read_count(&now.ended))
        stress_fail(&s, "%" PRIu64 " workers began, %" PRIu64 " ended", read_count(&now.begun),
                    read_count(&now.ended));
    /* relaxed: alone. */
    if (weir_atomic_load(&live, WEIR_RELAXED) != 0)
        stress_fail(&s, "%zu bytes are left", weir_atomic_load(&live, WEIR_RELAXED)); /* relaxed. */
}

/* ---- what rounds share ---- */

typedef struct errand {
    weir_call call;
    uint64_t given, made;
} errand;

/* Returns: false when the pool takes no more. */
static bool run_tree(stress_rng *rng)
{
    tree t;
    int status;

    tree_init(&t, &s, stress_random(rng));
    status = weir_pool_run(now.pool, &t.job);
    if ((status == -EPIPE || status == -ECANCELED) && now.stops && t.runs == 0)
        return false;
    tree_check_all(&t, status);
    count(&trees);
    return true;
}

#endif /* WEIR_STRESS_POOL_H */
