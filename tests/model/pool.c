/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/pool.c: a whole weir_pool, its threads, deques and sleeps: too much for every graph,
 * so schedules at random; tests/model/pool_crew.c takes every one of the crew alone. Found are lost
 * wake-ups (all sleep), races, jobs that are run twice or never, leaks.
 *
 * A scenario is a string: what the main thread does, and behind bars what others do beside it.
 *
 *     a to f  submit that job                 A to F  the same job, urgent; it submits the next one
 *     w       wait until the one before it has run, or was refused
 *     y       fork and join, as a job         z  a job that blocks until another one has run
 *     r R     resize to 2, to 1               x  stop, and discard */

#include "model.h"

#include <weir/pool.h>
#include <weir/sem.h>

#include <errno.h>

enum { JOBS = 8, OTHERS = 2 };

typedef struct model_job {
    weir_job job;
    unsigned plain; /* what it finds was written before the submit; what it writes, is joined */
    WEIR_ATOMIC(unsigned) runs, discards;
    bool submitted;
    struct model_job *then; /* it submits that one */
    weir_latch *done, *waits_for;
} model_job;

static weir_pool *pool;
static model_job jobs[JOBS];

static int run(weir_job *job)
{
    model_job *const m = (model_job *)(void *)job;

    weir_check_assert(m->plain == 1);
    m->plain = 2;
    if (m->then != NULL) {
        m->then->plain = 1;
        m->then->submitted = weir_pool_submit(pool, &m->then->job) == 0;
    }
    weir_atomic_fetch_add(&m->runs, 1, WEIR_RELAXED);
    if (m->done != NULL)
        weir_latch_count_down(m->done, 1);
    return 0;
}

static int child_run(weir_job *job)
{
    model_job *const m = (model_job *)(void *)job;

    weir_check_assert(m->plain == 1);
    m->plain = 2;
    return -EIO;
}

/* Two children, the second of which has one of its own. */
static int second_run(weir_job *job)
{
    model_job *const m = (model_job *)(void *)job;
    model_job child;

    child.plain = 1;
    weir_spawn(&child.job, child_run);
    weir_check_assert(m->plain == 1);
    m->plain = 2;
    weir_check_assert(weir_join(&child.job) == -EIO && child.plain == 2);
    return 0;
}

static int fork_run(weir_job *job)
{
    model_job children[2];

    for (unsigned i = 0; i < 2; i++)
        children[i].plain = 1;
    weir_spawn(&children[0].job, child_run);
    weir_spawn(&children[1].job, second_run);
    weir_check_assert(weir_join(&children[1].job) == 0 && children[1].plain == 2);
    weir_check_assert(weir_join(&children[0].job) == -EIO && children[0].plain == 2);
    return run(job);
}

static int block_run(weir_job *job)
{
    const model_job *const m = (const model_job *)(const void *)job;

    weir_block_begin();
    weir_check_assert(weir_latch_wait(m->waits_for, WEIR_FOREVER, NULL) == 0);
    weir_block_end();
    return run(job);
}

static void discarded(void *context, weir_job *job)
{
    (void)context;
    weir_atomic_fetch_add(&((model_job *)(void *)job)->discards, 1, WEIR_RELAXED);
}

static void submit(model_job *job, weir_pool_priority priority)
{
    int status;

    job->plain = 1;
    status = weir_pool_submit_priority(pool, &job->job, priority);
    weir_check_assert(status == 0 || status == -EPIPE);
    job->submitted = status == 0;
    if (!job->submitted && job->done != NULL)
        weir_latch_count_down(job->done, 1);
}

static void play(const char *script)
{
    weir_latch done[2];
    unsigned latched = 0;

    for (; *script != '\0' && *script != '|'; script++) {
        const unsigned n = (unsigned)(*script | 32) - 'a';

        switch (*script) {
        case 'w':
            weir_check_assert(weir_latch_wait(&done[latched - 1], WEIR_FOREVER, NULL) == 0);
            break;
        case 'r':
            weir_check_assert(weir_pool_resize(pool, 2) <= 0);
            break;
        case 'R':
            weir_check_assert(weir_pool_resize(pool, 1) <= 0);
            break;
        case 'y':
            weir_job_init(&jobs[6].job, fork_run);
            submit(&jobs[6], WEIR_POOL_NORMAL);
            break;
        case 'z':
            weir_latch_init(&done[1], 1);
            weir_job_init(&jobs[7].job, block_run);
            jobs[7].waits_for = &done[1];
            jobs[5].done = &done[1];
            submit(&jobs[7], WEIR_POOL_NORMAL);
            submit(&jobs[5], WEIR_POOL_NORMAL);
            weir_check_assert(weir_latch_wait(&done[1], WEIR_FOREVER, NULL) == 0);
            break;
        default:
            if (script[1] == 'w') {
                weir_latch_init(&done[latched], 1);
                jobs[n].done = &done[latched++];
            }
            if (*script < 'a')
                jobs[n].then = &jobs[n + 1];
            submit(&jobs[n], *script < 'a' ? WEIR_POOL_URGENT : WEIR_POOL_NORMAL);
        }
    }
}

static void other(void *script)
{
    play((const char *)script);
}

typedef struct scene {
    const char *script;
    unsigned workers;
    weir_pool_ending ending;
    bool beside; /* the stop comes beside what others do */
} scene;

static void scene_run(void *of)
{
    const scene *const s = (const scene *)of;
    weir_pool_options options;
    unsigned n = 0;
    int others[OTHERS];

    memset(&options, 0, sizeof options);
    memset((void *)jobs, 0, sizeof jobs);
    options.workers = s->workers;
    options.max_workers = 2;
    options.max_blocked = 1;
    options.discarded = discarded;
    weir_check_assert(weir_pool_new(&pool, &options) == 0);
    for (unsigned i = 0; i < JOBS; i++)
        weir_job_init(&jobs[i].job, run);
    for (const char *bar = strchr(s->script, '|'); bar != NULL; bar = strchr(bar + 1, '|'))
        others[n++] = weir_check_thread(other, (void *)(uintptr_t)(bar + 1));
    play(s->script);
    for (unsigned i = 0; i < n && !s->beside; i++)
        weir_check_join(others[i]);
    weir_check_assert(weir_pool_stop(pool, s->ending, WEIR_FOREVER) == 0);
    for (unsigned i = 0; i < n && s->beside; i++)
        weir_check_join(others[i]);
    for (unsigned i = 0; i < JOBS; i++) {
        const unsigned runs = weir_atomic_load(&jobs[i].runs, WEIR_RELAXED);
        const unsigned discards = weir_atomic_load(&jobs[i].discards, WEIR_RELAXED);

        weir_check_assert(runs + discards == (jobs[i].submitted ? 1 : 0));
        weir_check_assert(discards == 0 || s->ending == WEIR_POOL_DISCARD);
        weir_check_assert(runs == 0 || jobs[i].plain == 2);
    }
    weir_check_assert(weir_pool_free(pool) == 0);
}

#define SCENE(script, workers, ending, beside, times, deep)                                     \
    {                                                                                           \
#ending " " #workers " " script, scene_run,                                             \
            (uintptr_t) & (const scene){script, workers, WEIR_POOL_##ending, beside }, deep, 0, \
        {                                                                                       \
            .progress = WEIR_CHECK_BLOCKING, .mode = WEIR_CHECK_RANDOM, .events = 6000,         \
            .runs = times, .seed = (deep) ? 0 : 1                                               \
        }                                                                                       \
    }
#define QUICK(script, workers, ending, beside) SCENE(script, workers, ending, beside, 60, false)
#define DEEP(script, workers, ending, beside) SCENE(script, workers, ending, beside, 600, true)

static const scenario scenarios[] = {
    QUICK("", 1, DRAIN, false),     QUICK("awb", 1, DRAIN, false), QUICK("a|b", 2, DRAIN, true),
    QUICK("|A", 1, DISCARD, true),  QUICK("y", 2, DRAIN, false),   QUICK("z", 1, DRAIN, false),
    DEEP("a", 1, DRAIN, false),     DEEP("awbw", 2, DRAIN, false), DEEP("A", 2, DRAIN, false),
    DEEP("|aw", 1, DISCARD, false), DEEP("|ab", 1, DISCARD, true), DEEP("y", 1, DRAIN, false),
    DEEP("yr", 1, DRAIN, false),    DEEP("ar|bR", 1, DRAIN, true), DEEP("abR|cw", 2, DRAIN, true),
    DEEP("awy|b", 2, DRAIN, true),
};

MODEL_MAIN("pool", scenarios)
