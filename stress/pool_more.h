/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/pool_more.h: the rounds of stress/pool.c that are not its flood.
 *
 * Edges:
 *   begun      run_hand -> hand_over  carries what the job did */

#ifndef WEIR_STRESS_POOL_MORE_H
#define WEIR_STRESS_POOL_MORE_H

#include "pool.h"

/* ---- trees ---- */

static void trees_body(void *argument)
{
    stress_rng *const rng = &rngs[*(unsigned *)argument];

    while (!stress_stopping(&s))
        if (stress_below(rng, 32) == 0)
            tree_here(&s, stress_random(rng));
        else
            (void)run_tree(rng);
}

static void trees_round(stress_rng *rng, uint64_t ns)
{
    const unsigned threads = 1 + (unsigned)stress_below(rng, s.threads < 3 ? s.threads : 3);

    begin_round(rng);
    now.pool = new_pool(&now.options);
    stress_run(&s, threads, trees_body, numbers, sizeof numbers[0], ns);
    free_pool(now.pool, WEIR_POOL_DRAIN);
    end_round();
}

/* ---- alone ---- */

typedef struct hand {
    weir_job job;
    WEIR_ATOMIC(uint32_t) begun;
    uint64_t plain;
} hand;

static int run_hand(weir_job *job)
{
    hand *const h = (hand *)(void *)job;

    h->plain++;
    /* sync(begun): release. Pairs with the load in hand_over(). After it the job may be gone, if
     * nobody joins it. */
    weir_atomic_store(&h->begun, 1, WEIR_RELEASE);
    return 0;
}

/* Others go to sleep, or are about to: they look around for some microseconds first. */
static void idle_away(stress_rng *rng)
{
    const uint64_t until = weir_clock_after(stress_below(rng, 20000));

    if (stress_below(rng, 4) == 0)
        usleep((useconds_t)stress_below(rng, 60));
    else
        while (weir_clock_now() < until)
            weir_pause();
}

/* Gives something to another worker, and waits until one has it. */
static void hand_over(stress_rng *rng)
{
    const uint64_t way = stress_below(rng, 6); /* three priorities, or spawned */
    const uint64_t deadline = weir_clock_after(PATIENCE);
    hand h;

    memset((void *)&h, 0, sizeof h);
    weir_job_init(&h.job, run_hand);
    idle_away(rng);
    if (way > 2)
        weir_spawn(&h.job, run_hand);
    else if (weir_pool_submit_priority(now.pool, &h.job, (weir_pool_priority)way) != 0)
        stress_fail(&s, "a worker's submit is refused");
    if (now.blocks)
        weir_block_begin();
    /* sync(begun): acquire. Pairs with run_hand(). */
    while (weir_atomic_load(&h.begun, WEIR_ACQUIRE) == 0) {
        if (weir_clock_now() > deadline)
            stress_fail(&s, "what a worker has %s is taken by nobody",
                        way > 2 ? "spawned" : "submitted");
        sched_yield();
    }
    if (now.blocks)
        weir_block_end();
    if ((way > 2 && weir_join(&h.job) != 0) || h.plain != 1)
        stress_fail(&s, "what was handed over did not go well");
    count(&handed);
}

static int run_hand_over(weir_call *call)
{
    errand *const e = (errand *)(void *)call;
    stress_rng rng = stress_rng_make(e->given, 3);

    for (uint64_t left = 1 + stress_below(&rng, 32); left > 0; left--)
        hand_over(&rng);
    e->made = e->given;
    return 0;
}

static void alone_body(void *argument)
{
    stress_rng *const rng = &rngs[*(unsigned *)argument];

    while (!stress_stopping(&s)) {
        errand e;

        memset((void *)&e, 0, sizeof e);
        e.given = stress_random(rng);
        weir_call_init(&e.call, run_hand_over, NULL);
        if (weir_pool_submit(now.pool, &e.call.job) != 0 ||
            weir_call_get(&e.call, weir_clock_after(PATIENCE * 2), NULL) != 0 || e.made != e.given)
            stress_fail(&s, "a job from outside is taken by nobody");
        if (stress_below(rng, 2) == 0)
            idle_away(rng);
    }
}

/* As many hand over as are replaced; or one less than there are workers. */
static void alone_round(stress_rng *rng, uint64_t ns)
{
    unsigned threads;

    begin_round(rng);
    now.blocks = stress_below(rng, 2) == 0;
    if (now.blocks)
        now.options.workers = 1; /* who is replaced is the only one */
    else if (now.options.workers == 1)
        now.options.max_workers = now.options.workers = 2;
    threads = now.blocks ? now.options.max_blocked : now.options.workers - 1;
    if (stress_below(rng, 2) == 0)
        threads = 1;
    if (threads > s.threads)
        threads = s.threads;
    now.pool = new_pool(&now.options);
    stress_run(&s, 1 + (unsigned)stress_below(rng, threads), alone_body, numbers, sizeof numbers[0],
               ns);
    free_pool(now.pool, WEIR_POOL_DRAIN);
    end_round();
}

/* ---- lives ---- */

typedef struct brief {
    weir_job job;
    unsigned runs, discards;
} brief;

static int run_brief(weir_job *job)
{
    ((brief *)(void *)job)->runs++;
    return 0;
}

static void discard_brief(void *context, weir_job *job)
{
    (void)context;
    ((brief *)(void *)job)->discards++;
}

static void lives_body(void *argument)
{
    stress_rng *const rng = &rngs[*(unsigned *)argument];

    while (!stress_stopping(&s)) {
        const unsigned n = (unsigned)stress_below(rng, 6);
        const weir_pool_ending how =
            stress_below(rng, 2) == 0 ? WEIR_POOL_DRAIN : WEIR_POOL_DISCARD;
        weir_pool_options options;
        weir_pool *pool;
        brief briefs[6];
        int status;

        choose_options(&options, rng);
        options.discarded = discard_brief;
        pool = new_pool(&options);
        memset((void *)briefs, 0, sizeof briefs);
        for (unsigned i = 0; i < n; i++) {
            weir_job_init(&briefs[i].job, run_brief);
            if (weir_pool_submit_priority(pool, &briefs[i].job, any_priority(rng)) != 0)
                stress_fail(&s, "a pool that has begun takes no job");
        }
        stress_maybe_yield(rng, 2);
        if (stress_below(rng, 4) == 0 &&
            weir_pool_resize(pool, 1 + (unsigned)stress_below(rng, options.max_workers)) != 0)
            stress_fail(&s, "a pool that has begun is not resized");
        if (stress_below(rng, 2) == 0)
            (void)!weir_pool_stop(pool, WEIR_POOL_DRAIN, stress_below(rng, 100));
        status = weir_pool_stop(pool, how, weir_clock_after(PATIENCE));
        if (status != 0 || weir_pool_free(pool) != 0)
            stress_fail(&s, "a short life does not end: %d", status);
        for (unsigned i = 0; i < n; i++)
            if (briefs[i].runs + briefs[i].discards != 1 ||
                (how == WEIR_POOL_DRAIN && briefs[i].discards != 0))
                stress_fail(&s, "a job ran %u times, and was discarded %u times", briefs[i].runs,
                            briefs[i].discards);
        count(&lives);
    }
}

static void lives_round(stress_rng *rng, uint64_t ns)
{
    begin_round(rng);
    stress_run(&s, s.threads < 3 ? s.threads : 3, lives_body, numbers, sizeof numbers[0], ns);
    end_round();
}

#endif /* WEIR_STRESS_POOL_MORE_H */
