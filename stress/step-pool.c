/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/pool.h under the step harness: who submits, spawns, wakes another, goes to sleep or says
 * that it blocks, and is stopped anywhere, holds up nobody who submits, nor the workers that
 * run it; and whoever sleeps last leaves no job behind.
 *
 * With threads of its own a pool would go another way in each run. So stress/step-pool.h makes
 * one without any. A worker looks for work when an adversary plays it, and one that is woken
 * counts as running, and may come at any time.
 *
 * Who takes what came from outside, and is stopped, keeps what it has: others pass by it, and
 * that row may be refused. Nobody waits for it inside a call. A fence that is missing is not
 * seen here: who is stopped in the kernel has stored all. */

#include "step-pool.h"

/* ---- operations ---- */

static void submits(void *of)
{
    (void)of;
    (void)submit_one(WEIR_POOL_NORMAL);
}

static void submits_urgent(void *of)
{
    (void)of;
    (void)submit_one(WEIR_POOL_URGENT);
}

static void submits_bulk(void *of)
{
    weir_job *jobs[BULK];

    (void)of;
    for (unsigned i = 0; i < BULK; i++) {
        item *const it = next_item();

        count(&it->submitted);
        jobs[i] = &it->job;
    }
    if (weir_pool_submit_bulk(pool, jobs, BULK, WEIR_POOL_NORMAL) != 0)
        weir_step_false("a submit was refused");
}

static void submits_in_worker(void *of)
{
    become(VICTIM);
    submits(of);
    become_nobody();
}

static void spawns(void *of)
{
    (void)of;
    become(VICTIM);
    weir_spawn(&spawned[is_spawned++].job, run_one);
    become_nobody();
}

static void joins(void *of)
{
    (void)of;
    become(VICTIM);
    if (is_spawned > 0 && weir_join(&spawned[--is_spawned].job) != 0)
        weir_step_false("a join said something else");
    become_nobody();
}

static void spawns_and_joins(void *of)
{
    spawns(of);
    spawns(of);
    joins(of);
    joins(of);
}

static void takes(void *of)
{
    weir_job *jobs[BATCH];
    bool more;
    size_t n;

    (void)of;
    n = weir__injector_take(&pool->injectors[WEIR_POOL_NORMAL], jobs, 2, &more);
    for (size_t i = 0; i < n; i++)
        (void)jobs[i]->run(jobs[i]);
}

static void sleeps(void *of)
{
    (void)of;
    weir__crew_sleep(become(VICTIM));
    become_nobody();
}

static void begins_to_block(void *of)
{
    (void)of;
    become(VICTIM);
    weir_block_begin();
    become_nobody();
}

static void ends_to_block(void *of)
{
    (void)of;
    become(VICTIM);
    weir_block_end();
    become_nobody();
}

static void finds_something(void *of)
{
    (void)of;
    (void)do_something(become(VICTIM));
    become_nobody();
}

static void resizes(void *of)
{
    (void)of;
    if (weir_pool_resize(pool, SPARE + 1) != 0)
        weir_step_false("a resize was refused");
}

static void reads_stats(void *of)
{
    weir_pool_stats n;

    (void)of;
    weir_pool_stats_read(pool, &n);
    if (n.blocked > 1 || n.workers > SPARE + 1)
        weir_step_false("the numbers are none that there were");
}

static void asks_itself(void *of)
{
    (void)of;
    if (weir_pool_self() != NULL || weir_pool_worker() != UINT_MAX || weir_pool_workers(pool) == 0)
        weir_step_false("this is no worker");
}

/* ---- adversaries ---- */

/* From outside; then it is a worker, until that job has been run. */
static void submits_and_runs(void *of)
{
    item *it;
    weir__pool_worker *self;

    (void)of;
    become_nobody();
    it = submit_one(WEIR_POOL_NORMAL);
    self = become(FIRST);
    while (number_of(&it->runs) == 0)
        if (!do_something(self) && !weir_step_retry("a job that was submitted is not run"))
            break;
    become_nobody();
}

/* A worker that steals, and runs what it finds. */
static void runs_some(void *of)
{
    weir__pool_worker *const self = become(FIRST);

    (void)of;
    for (unsigned i = 0; i < 4; i++)
        (void)do_something(self);
    become_nobody();
}

/* Once: there is nothing for it, as it found. */
static void goes_to_sleep(void *of)
{
    weir__pool_worker *const self = become(FIRST);

    (void)of;
    if (count(&acts) == 0) {
        while (do_something(self)) {
        }
        weir__crew_sleep(self);
    }
    become_nobody();
}

/* The other two sleep as well, then nobody is awake. */
static void others_go_to_sleep(void *of)
{
    const bool first = number_of(&acts) == 0;
    uint64_t crew;

    if (first) { /* as if it had slept before the victim began */
        crew = look(pool);
        while (!change(pool, &crew, crew - WEIR__CREW_RUNNING)) {
        }
        put_to_sleep(SECOND);
    }
    goes_to_sleep(of);
}

/* ---- the end ---- */

/* Whether there are fewer at work than there may be, and nobody is on his way. */
static bool sleeps_and_should_not(void)
{
    const uint64_t crew = look(pool);

    return weir__crew_running(crew) < weir__crew_target(crew) && (crew & WEIR__CREW_SEARCHES) == 0;
}

static void all_have_run(void *of)
{
    weir__pool_worker *self;

    (void)of;
    become_nobody();
    if (weir__pool_has_work(pool) && sleeps_and_should_not())
        weir_step_false("there is work, and who could do it sleeps");
    while (is_spawned > 0)
        joins(of);
    self = become(FIRST);
    while (do_something(self)) {
    }
    become_nobody();
    for (unsigned i = 0; i < JOBS; i++)
        if (number_of(&items[i].runs) != number_of(&items[i].submitted))
            weir_step_false("a job was lost, or ran twice");
}

static void blocked_and_all_have_run(void *of)
{
    if (weir__pool_has_work(pool) && sleeps_and_should_not())
        weir_step_false("there is work, and nobody comes for who is blocked");
    ends_to_block(of);
    all_have_run(of);
}

static void both_have_run(void *of)
{
    all_have_run(of);
    for (unsigned i = 0; i < 2; i++)
        if (number_of(&spawned[i].runs) != 1)
            weir_step_false("a spawned job was lost, or ran twice");
}

static void one_has_run(void *of)
{
    all_have_run(of);
    if (number_of(&spawned[0].runs) != 1)
        weir_step_false("a spawned job was lost, or ran twice");
}

/* ---- the table ---- */

#define PLAN(operation, against, setup, victim, first, second, check, bound, may_refuse) \
    {                                                                                    \
        operation, against, setup, victim, {first, second}, check, bound, may_refuse     \
    }
#define OTHERS submits_and_runs
#define RUN all_have_run

static const weir_step_plan plans[] = {
    PLAN("pool_submit", "pool_submit", all_busy, submits, OTHERS, NULL, RUN, 0, false),
    PLAN("pool_submit (one is wanted)", "pool_submit", one_is_wanted, submits, OTHERS, NULL, RUN, 0,
         false),
    PLAN("pool_submit (one sleeps)", "pool_submit", one_sleeps, submits, OTHERS, NULL, RUN, 0,
         false),
    PLAN("pool_submit (one searches)", "pool_submit", one_searches, submits, OTHERS, NULL, RUN, 0,
         false),
    PLAN("pool_submit", "pool_submit + pool_submit", one_sleeps, submits, OTHERS, submits, RUN, 0,
         false),
    PLAN("pool_submit", "pool_submit + pool_submit_bulk", one_searches, submits, OTHERS,
         submits_bulk, RUN, 0, false),
    PLAN("pool_submit (all others sleep)", "pool_submit", all_others_sleep, submits, OTHERS, NULL,
         RUN, 0, false),
    PLAN("pool_submit_bulk", "pool_submit", one_sleeps, submits_bulk, OTHERS, NULL, RUN, 0, false),
    PLAN("pool_submit_bulk", "pool_submit + pool_submit_bulk", one_is_wanted, submits_bulk, OTHERS,
         submits_bulk, RUN, 0, false),
    PLAN("pool_submit_priority (urgent)", "pool_submit", one_sleeps, submits_urgent, OTHERS, NULL,
         RUN, 0, false),
    PLAN("pool_submit_priority (urgent)", "pool_submit + pool_submit_priority", one_searches,
         submits_urgent, OTHERS, submits_urgent, RUN, 0, false),
    PLAN("pool_submit (in a worker)", "pool_submit", all_busy, submits_in_worker, OTHERS, NULL, RUN,
         0, false),
    PLAN("pool_submit (in a worker)", "pool_submit + pool_submit", one_sleeps, submits_in_worker,
         OTHERS, submits, RUN, 0, false),
    PLAN("pool_submit (in a worker)", "who goes to sleep", all_busy, submits_in_worker,
         goes_to_sleep, NULL, RUN, 0, false),
    PLAN("spawn", "pool_submit", all_busy, spawns, OTHERS, NULL, one_has_run, SPAWN, false),
    PLAN("spawn (one sleeps)", "pool_submit", one_sleeps, spawns, OTHERS, NULL, one_has_run, 0,
         false),
    PLAN("spawn (one searches)", "pool_submit + pool_submit", one_searches, spawns, OTHERS, submits,
         one_has_run, 0, false),
    PLAN("spawn", "who steals", all_busy, spawns, runs_some, NULL, one_has_run, 0, false),
    PLAN("spawn", "who goes to sleep", all_busy, spawns, goes_to_sleep, NULL, one_has_run, 0,
         false),
    PLAN("spawn, join", "pool_submit", one_sleeps, spawns_and_joins, OTHERS, NULL, both_have_run, 0,
         false),
    PLAN("spawn, join", "who steals", all_busy, spawns_and_joins, runs_some, NULL, both_have_run, 0,
         false),
    PLAN("spawn, join", "who steals + pool_submit", one_sleeps, spawns_and_joins, runs_some,
         submits, both_have_run, 0, false),
    PLAN("going to sleep", "pool_submit", all_busy, sleeps, submits, NULL, RUN, 0, false),
    PLAN("going to sleep (the last)", "pool_submit", all_others_sleep, sleeps, submits, NULL, RUN,
         0, false),
    PLAN("going to sleep (the last)", "pool_submit + pool_submit", all_others_sleep, sleeps,
         submits, submits_bulk, RUN, 0, false),
    PLAN("going to sleep", "who goes to sleep, pool_submit", all_busy, sleeps, others_go_to_sleep,
         submits, RUN, 0, false),
    PLAN("block_begin", "pool_submit", all_busy, begins_to_block, OTHERS, NULL,
         blocked_and_all_have_run, 0, false),
    PLAN("block_begin", "pool_submit + pool_submit", all_busy, begins_to_block, submits, submits,
         blocked_and_all_have_run, 0, false),
    PLAN("block_end", "pool_submit", victim_blocks, ends_to_block, OTHERS, NULL, RUN, 0, false),
    PLAN("block_end", "pool_submit + pool_submit", victim_blocks, ends_to_block, OTHERS, submits,
         RUN, 0, false),
    PLAN("pool_resize", "pool_submit", all_busy, resizes, submits, NULL, RUN, 0, false),
    PLAN("pool_resize", "pool_submit + pool_submit", one_sleeps, resizes, OTHERS, submits, RUN, 0,
         false),
    PLAN("finding work", "pool_submit", victim_searches, finds_something, submits, NULL, RUN, 0,
         false),
    PLAN("finding work", "pool_submit + pool_submit", victim_searches, finds_something, submits,
         submits, RUN, 0, false),
    PLAN("finding work", "who goes to sleep", something_is_there, finds_something, goes_to_sleep,
         NULL, RUN, 0, false),
    PLAN("taking from outside", "pool_submit", something_is_there, takes, submits, NULL, RUN, 0,
         false),
    PLAN("taking from outside", "pool_submit, and a worker", something_is_there, takes, OTHERS,
         NULL, RUN, 0, true),
    PLAN("taking from outside", "a worker + pool_submit", something_is_there, takes, runs_some,
         submits, RUN, 0, false),
    PLAN("pool_stats_read", "pool_submit", one_sleeps, reads_stats, OTHERS, NULL, RUN, STATS,
         false),
    PLAN("pool_self, pool_worker, pool_workers", "pool_submit", one_sleeps, asks_itself, OTHERS,
         NULL, RUN, WAIT_FREE, false),
};

/* ---- before the first sweep ---- */

static weir_pool *make_pool(bool with_fences)
{
    weir_pool_options options;
    weir_pool *made = NULL;

    memset(&options, 0, sizeof options);
    options.workers = SPARE;
    options.max_workers = WORKERS - 1;
    options.max_blocked = 1;
    options.fenced = with_fences;
    if (weir_pool_new(&made, &options) != 0)
        return NULL;
    for (unsigned i = 0; i < WORKERS; i++)
        if (make_worker(made, i) == NULL)
            return NULL;
    return made;
}

/* Each thread has its records from then on. */
static void enters(void *of)
{
    (void)of;
    pool = plain;
    (void)become(VICTIM);
    pool = fenced;
    (void)become(VICTIM);
    become_nobody();
}

/* Whether its operation, or what it meets, is another one in a fenced pool. */
static bool pays_fences(const weir_step_plan *plan)
{
    return plan->victim != submits && plan->victim != submits_urgent &&
           plan->victim != submits_bulk && plan->victim != takes && plan->victim != reads_stats &&
           plan->victim != asks_itself;
}

static void sweep(const weir_step_plan *plan, weir_pool *of)
{
    weir_step_row row;

    memset(&row, 0, sizeof row);
    weir_step_sweep(plan, of, &row);
    weir_step_report(&row);
}

int main(void)
{
    static char names[COUNT(plans)][64];
    static const weir_step_plan of_victim =
        PLAN("enter", "nobody", NULL, enters, NULL, NULL, NULL, 0, false);
    static const weir_step_plan of_adversary =
        PLAN("look", "enter", NULL, asks_itself, enters, NULL, NULL, 0, false);
    weir_step_row ignored;

    use_blocks();
    weir_step_begin("step-pool");
    plain = make_pool(false);
    fenced = make_pool(true);
    if (plain == NULL || fenced == NULL)
        return 1;
    memset(&ignored, 0, sizeof ignored);
    weir_step_sweep(&of_victim, NULL, &ignored);
    weir_step_sweep(&of_adversary, NULL, &ignored);
    for (size_t i = 0; i < COUNT(plans); i++)
        sweep(&plans[i], plain);
    for (size_t i = 0; i < COUNT(plans); i++)
        if (pays_fences(&plans[i])) {
            weir_step_plan plan = plans[i];

            snprintf(names[i], sizeof names[i], "%s%s", plan.operation, " (fenced)");
            plan.operation = names[i];
            sweep(&plan, fenced);
        }
    return weir_step_end();
}
