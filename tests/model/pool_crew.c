/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/pool_crew.c: who of a pool runs, sleeps and is woken: lib/pool_crew.c, at random but
 * for the empty one; tests/model/pool_wake.c takes single steps in every schedule. What is shown:
 * no work is left while a worker that was asked for sleeps, all threads end, nobody counts twice.
 *
 * A scenario is a string: what the main thread does, and behind bars what others do beside it.
 *
 *     s  work comes from outside          S  work that makes work for its own worker
 *     w  the same, and waits for it       m n o  works that wait for each other
 *     b  work that blocks until g         r  two workers    R  one
 *     t  a thread, for no work            x  stop: nothing comes from outside any more */

#include "pool_crew.h"

static void stop(void)
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        weir_atomic_fetch_or(&outside[kind], CLOSED, WEIR_ACQ_REL);
    weir__crew_stop(pool, WEIR__CREW_STOPS);
}

static void play(const char *script)
{
    for (; *script != '\0' && *script != '|'; script++) {
        switch (*script) {
        case 's':
            give(PLAIN);
            break;
        case 'S':
            give(MAKES_MORE);
            break;
        case 'b':
            give(BLOCKS);
            break;
        case 'w':
            give(WAITS);
            break;
        case 'm':
        case 'n':
        case 'o':
            give(MEETS + *script - 'm');
            break;
        case 't':
            (void)weir__crew_begin(pool);
            break;
        case 'x':
            stop();
            break;
        case 'g':
            weir_atomic_store(&may_go_on, 1, WEIR_RELEASE);
            break;
        default:
            (void)weir__crew_resize(pool, *script == 'r' ? 2 : 1);
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
    bool fenced;
    bool fails; /* threads cannot be made, at times */
} scene;

static void scene_run(void *of)
{
    const scene *const s = (const scene *)of;
    int others[OTHERS];
    unsigned n = 0;

    pool = (weir_pool *)weir_alloc(sizeof *pool, WEIR_CACHELINE);
    memset((void *)pool, 0, sizeof *pool);
    weir_check_assert(weir_stack_index_new(&unmade, SLOTS, WEIR_STACK_FULL) == 0);
    pool->unmade = unmade;
    pool->slots = SLOTS;
    pool->fenced = s->fenced;
    pool->options.max_workers = SLOTS - 1;
    short_of_threads = s->fails;
    pool->options.max_blocked = 1;
    weir_atomic_init(&pool->crew, (s->fenced ? WEIR__CREW_FENCED : 0) | WEIR__CREW_WANTS |
                                      WEIR__CREW_TARGET * s->workers);
    pool->workers = weir_alloc(SLOTS * sizeof *pool->workers, WEIR_CACHELINE);
    for (unsigned i = 0; i < SLOTS; i++)
        weir_atomic_init(&pool->workers[i], NULL);
    for (const char *bar = strchr(s->script, '|'); bar != NULL; bar = strchr(bar + 1, '|'))
        others[n++] = weir_check_thread(other, (void *)(uintptr_t)(bar + 1));
    play(s->script);
    for (unsigned i = 0; i < n; i++)
        weir_check_join(others[i]);
    stop();
    weir_check_join_all();
    weir_check_assert(weir__crew_is_gone(pool));
    weir_check_assert(weir_atomic_load(&done, WEIR_RELAXED) ==
                      weir_atomic_load(&given, WEIR_RELAXED));
    weir_check_assert(weir__crew_running(look(pool)) + weir__crew_blocked(look(pool)) == 0);
    for (unsigned i = 0; i < SLOTS; i++) {
        weir__pool_worker *const worker = weir_atomic_load(&pool->workers[i], WEIR_RELAXED);

        if (worker == NULL)
            continue;
        weir_stack_index_push(unmade, i);
        weir_release(worker, sizeof *worker);
    }
    weir_check_assert(weir_stack_index_free(unmade) == 0);
    weir_release((void *)pool->workers, SLOTS * sizeof *pool->workers);
    weir_release(pool, sizeof *pool);
}

#define SCENE(title, script, workers, fenced, fails, deep, how, times)                   \
    {                                                                                    \
        title #workers " " script " " #fenced " " #fails, scene_run,                     \
            (uintptr_t) & (const scene){script, workers, fenced, fails}, deep, 0,        \
        {                                                                                \
            .progress = WEIR_CHECK_BLOCKING, .mode = how, .runs = times, .events = 3000, \
            .seed = (deep) ? 0 : 1                                                       \
        }                                                                                \
    }
#define SOME(script, workers, fenced, fails) \
    SCENE("some ", script, workers, fenced, fails, false, WEIR_CHECK_RANDOM, 150)
#define MORE(script, workers, fenced, fails) \
    SCENE("more ", script, workers, fenced, fails, true, WEIR_CHECK_RANDOM, 3000)

static const scenario scenarios[] = {
    SCENE("", "", 1, 0, 0, false, WEIR_CHECK_EVERY, 0),
    SOME("ss", 1, 0, 0),
    SOME("S", 2, 0, 0),
    SOME("S", 2, 1, 0),
    SOME("w", 2, 0, 0),
    SOME("w", 2, 1, 0),
    SCENE("some ", "tmno", 3, 0, 0, false, WEIR_CHECK_RANDOM, 60),
    SOME("s|s", 2, 0, 0),
    SOME("S|S", 2, 1, 0),
    SOME("bsg", 1, 0, 0),
    SOME("bSg", 1, 1, 0),
    SOME("sSrR", 1, 1, 0),
    SOME("s|rs", 1, 0, 0),
    SOME("s|x", 1, 0, 0),
    SOME("sSR|x", 2, 0, 0),
    SOME("t|s|x", 2, 0, 1),
    MORE("s|x", 1, 0, 0),
    MORE("w", 2, 0, 0),
    MORE("w", 2, 1, 0),
    MORE("S", 2, 0, 0),
    MORE("SSR|x", 2, 0, 0),
    MORE("SSR|x", 2, 1, 0),
    MORE("SR|x", 2, 0, 0),
    MORE("S|s", 2, 0, 0),
    MORE("bsgs", 2, 0, 0),
    MORE("t|s|x", 2, 0, 1),
    MORE("ts|x", 2, 0, 1),
    MORE("tw", 2, 0, 0),
    MORE("tw", 2, 1, 0),
};

MODEL_MAIN("pool_crew", scenarios)
