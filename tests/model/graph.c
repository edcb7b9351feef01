/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/graph.c: weir/graph.h in the model checker, on a pool of this file's: what is
 * submitted first is run by the first thread, and so on, or discarded. Each node writes plain
 * memory, and reads that of all before it; all is freed as soon as the run is over.
 *
 * A scenario has up to four nodes, a letter each in their order: '.' succeeds, 'x' fails; the
 * edges, such as "ac bc"; and for thread 0, which has started the graph, what it does then:
 *     w  wait                            p  ask whether it runs until it does not
 *     c  cancel                          s  start again (after w or p)
 *     d  ask for the last node's state until it is DONE, and read what it wrote
 *     i  instead of all that: be a worker, and run it; the other threads steal
 * Without any, who is there runs what there is, and ends.
 *
 * Edges:
 *   given  submit, spawn -> a worker  carries the job
 *   back   a worker -> join           carries what it did */

#include "model.h"

#include <weir/graph.h>

#include <errno.h>

/* ---- the pool ---- */

enum { NODES = 4, WORKERS = 4, RUNS = 2 };

typedef struct graph_case {
    const char *nodes, *edges, *does;
    unsigned workers;
    const char *refuses; /* '-': this submit is refused; 'x': what it gives is discarded */
    bool alone;          /* nobody waits for anybody, and who stands still holds up nobody */
    bool deep;
    weir_check_options options;
} graph_case;

enum { SPAWNED = 1, BACK = 2 };

static const graph_case *current;
static WEIR_ATOMIC(weir_job *) slots[RUNS * WORKERS];
static WEIR_ATOMIC(uint32_t) submits;
static weir_job closed; /* in a slot: nothing comes */
static char everybody[WORKERS + 1];
static _Thread_local void *me;

static bool answers(uint32_t number, char answer)
{
    return current->refuses != NULL && number < strlen(current->refuses) &&
           current->refuses[number] == answer;
}

static int submit(weir_job *job)
{
    /* relaxed: a number. */
    const uint32_t number = weir_atomic_fetch_add(&submits, 1, WEIR_RELAXED);

    if (answers(number, '-'))
        return -EPIPE;
    weir_check_assert(number < RUNS * WORKERS);
    /* sync(given): release. Pairs with the load in work(). */
    weir_atomic_store(&slots[number], job, WEIR_RELEASE);
    return 0;
}

static int model_submit(weir_pool *pool, weir_job *job)
{
    (void)pool;
    return submit(job);
}

/* All or none: the first one answers. */
static int model_submit_bulk(weir_pool *pool, weir_job *const *jobs, size_t n,
                             weir_pool_priority priority)
{
    (void)pool, (void)priority;
    for (size_t i = 0; i < n; i++) {
        const int status = submit(jobs[i]);

        weir_check_assert(i == 0 || status == 0);
        if (status != 0)
            return status;
    }
    return 0;
}

static weir_pool *model_self(void)
{
    return (weir_pool *)(me == &everybody[WORKERS] ? me : NULL);
}

static unsigned model_workers(const weir_pool *pool)
{
    (void)pool;
    return current->workers + 1;
}

static void model_spawn(weir_job *job, int (*run)(weir_job *job))
{
    job->run = run;
    job->other = me;
    weir_atomic_store(&job->state, SPAWNED, WEIR_RELAXED); /* relaxed: published below. */
    (void)submit(job);
}

/* What was not stolen lies in its slot. */
static int model_join(weir_job *job)
{
    for (int i = 0; i < RUNS * WORKERS; i++) {
        weir_job *found = job;

        /* relaxed: its own; who has it is waited for below. */
        if (weir_atomic_cas(&slots[i], &found, &closed, WEIR_RELAXED, WEIR_RELAXED))
            return job->run(job);
    }
    /* sync(back): acquire. Pairs with the store in steal(). */
    while (weir_atomic_load(&job->state, WEIR_ACQUIRE) != BACK)
        continue;
    return 0;
}

static void model_block(void)
{
}

#define weir_pool_submit model_submit
#define weir_pool_submit_bulk model_submit_bulk
#define weir_pool_self model_self
#define weir_pool_workers model_workers
#define weir_spawn model_spawn
#define weir_join model_join
#define weir_block_begin model_block
#define weir_block_end model_block
#define weir__worker_self ((weir__worker *)me)
#include "../../lib/graph.c"

static void steal(uintptr_t slot, weir_job *job)
{
    /* relaxed: it was acquired; a failure carries nothing, its owner has it. */
    if (!weir_atomic_cas(&slots[slot], &job, &closed, WEIR_RELAXED, WEIR_RELAXED))
        return;
    (void)job->run(job);
    /* sync(back): release. Pairs with the load in model_join(). */
    weir_atomic_store(&job->state, BACK, WEIR_RELEASE);
}

static void work(void *number)
{
    const uintptr_t n = (uintptr_t)number;
    const bool inside = current->does[0] == 'i';

    me = &everybody[n];
    for (uintptr_t slot = n; slot < RUNS * WORKERS; slot += current->workers) {
        weir_job *job;
        unsigned call = 0;

        /* sync(given): acquire. Pairs with submit(), and close_all(). */
        while ((job = weir_atomic_load(&slots[slot], WEIR_ACQUIRE)) == NULL && !current->alone)
            continue;
        if (job == NULL || job == &closed)
            return;
        if (current->alone)
            call = weir_check_call((int)n, 0);
        if (inside)
            steal(slot, job);
        else if (answers((uint32_t)slot, 'x'))
            weir_call_fail((weir_call *)(void *)job, -ECANCELED);
        else
            weir_check_assert(job->run(job) == 0);
        if (current->alone)
            weir_check_return(call, 0);
    }
}

static void close_all(void)
{
    for (int i = 0; i < RUNS * WORKERS; i++) {
        weir_job *none = NULL;

        /* sync(given): release. Pairs with the load in work(). relaxed on failure: all is over. */
        (void)weir_atomic_cas(&slots[i], &none, &closed, WEIR_RELEASE, WEIR_RELAXED);
    }
}

/* ---- the graph ---- */

typedef struct item {
    weir_graph_node node;
    unsigned ran;
    unsigned wanted; /* how often, by the ends of its runs */
} item;

typedef struct object {
    weir_graph graph;
    item items[NODES];
    weir_graph_edge edges[NODES];
} object;

static object *made;
static weir_cancel_source source;
static unsigned runs;

static bool is_before(size_t first, size_t then)
{
    for (const char *at = current->edges; *at != 0; at += at[2] != 0 ? 3 : 2)
        if (at[0] == (char)('a' + first) && at[1] == (char)('a' + then))
            return true;
    return false;
}

static int run_item(weir_graph_node *node)
{
    item *const it = (item *)(void *)node;
    const size_t number = (size_t)(it - made->items);

    it->ran++;
    for (size_t i = 0; i < strlen(current->nodes); i++)
        if (is_before(i, number))
            weir_check_assert(made->items[i].ran == it->ran && current->nodes[i] == '.');
    return current->nodes[number] == 'x' ? -EIO : 0;
}

static void make(void)
{
    weir_graph_edge *edge;

    made = (object *)malloc(sizeof *made);
    weir_check_assert(made != NULL);
    edge = made->edges;
    weir_graph_init(&made->graph);
    for (size_t i = 0; i < strlen(current->nodes); i++) {
        made->items[i].ran = made->items[i].wanted = 0;
        weir_graph_node_init(&made->items[i].node, run_item);
        weir_check_assert(weir_graph_add(&made->graph, &made->items[i].node) == 0);
    }
    for (const char *at = current->edges; *at != 0; at += at[2] != 0 ? 3 : 2)
        weir_check_assert(weir_graph_before(edge++, &made->items[at[0] - 'a'].node,
                                            &made->items[at[1] - 'a'].node) == 0);
    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
}

/* After the end: each node is what its predecessors make of it. */
static void judge(int outcome)
{
    const bool stops = current->refuses != NULL || strchr(current->does, 'c') != NULL;
    bool fails = false, skips = false;

    runs++;
    for (size_t i = 0; i < strlen(current->nodes); i++) {
        const weir_graph_state state = weir_graph_node_state(&made->items[i].node);
        bool runnable = true;

        for (size_t first = 0; first < strlen(current->nodes); first++)
            if (is_before(first, i))
                runnable &= weir_graph_node_state(&made->items[first].node) == WEIR_GRAPH_DONE;
        weir_check_assert(state >= WEIR_GRAPH_DONE);
        weir_check_assert(runnable || state == WEIR_GRAPH_SKIPPED);
        weir_check_assert(!runnable || stops || state != WEIR_GRAPH_SKIPPED);
        made->items[i].wanted += state != WEIR_GRAPH_SKIPPED;
        weir_check_assert(made->items[i].ran == made->items[i].wanted);
        fails |= state == WEIR_GRAPH_FAILED;
        skips |= state == WEIR_GRAPH_SKIPPED;
    }
    weir_check_assert(outcome == 0 || (outcome == -EIO && fails) ||
                      (outcome == -ECANCELED && stops && skips));
    weir_check_assert((outcome == 0) == !(fails || skips));
}

static void start(void)
{
    weir_check_assert(weir_graph_start(&made->graph, NULL, weir_cancel_source_token(&source)) == 0);
}

static void act(char letter)
{
    const item *const last = &made->items[strlen(current->nodes) - 1];

    switch (letter) {
    case 'w':
        judge(weir_graph_wait(&made->graph, WEIR_FOREVER, NULL));
        break;
    case 'p':
        while (weir_graph_is_running(&made->graph))
            continue;
        judge(weir_graph_wait(&made->graph, 0, NULL));
        break;
    case 'c':
        (void)weir_cancel_source_cancel(&source, 0);
        break;
    case 's':
        start();
        break;
    case 'd':
        while (weir_graph_node_state(&last->node) != WEIR_GRAPH_DONE)
            continue;
        weir_check_assert(last->ran == runs + 1);
        break;
    default:
        me = &everybody[WORKERS];
        judge(weir_graph_run(&made->graph, weir_pool_self(), WEIR_FOREVER, NULL));
    }
}

static void graph_test(void *argument)
{
    current = (const graph_case *)argument;
    make();
    if (current->does[0] != 'i')
        start();
    if (current->alone)
        weir_check_return(weir_check_call(WORKERS, 0), 0);
    for (uintptr_t w = 0; w < current->workers; w++)
        weir_check_thread(work, (void *)w);
    for (const char *at = current->does; *at != 0; at++)
        act(*at);
    if (!current->alone) {
        free(made);
        close_all();
    }
    weir_check_join_all();
    if (current->alone)
        free(made);
    weir_check_assert(weir_cancel_source_destroy(&source) == 0);
}

/* ---- the table ---- */

#define THREADS(n) .workers = n
#define DEEP .deep = true
#define SAMPLED DEEP, .options.mode = WEIR_CHECK_RANDOM, .options.runs = 5000

static const graph_case cases[] = {
    {".", "", "w", THREADS(1)},
    {"..", "ab", "w", THREADS(1)},
    {"..", "ab", "p", THREADS(1)},
    /* Two before one, counted down at the same time; what both wrote is read. */
    {"...", "ac bc", "p", THREADS(2)},
    {"...", "ac bc", "w", THREADS(2), DEEP},
    {"....", "ab ac bd cd", "p", THREADS(2)},
    {"...", "ac ac bc", "p", THREADS(2)},
    {"....", "ad bd cd", "p", THREADS(3), SAMPLED},
    /* An error against a success, and another error. */
    {"x..", "ac bc", "p", THREADS(2)},
    {".x.", "ac bc", "p", THREADS(2)},
    {"xx.", "ac bc", "p", THREADS(2)},
    {".x..", "ab ac bd cd", "p", THREADS(2)},
    {"xx..", "ac bc cd", "p", THREADS(2)},
    /* Nothing is touched after the end, and what was is seen by the next run. */
    {"..", "", "w", THREADS(2), DEEP},
    {"..", "", "p", THREADS(2)},
    {".", "", "psp", THREADS(1)},
    {"..", "", "psp", THREADS(2)},
    {"..", "ab", "wsw", THREADS(1), DEEP},
    {"...", "ac bc", "psp", THREADS(2), SAMPLED},
    /* Who finds a node done has what it wrote. */
    {".", "", "dp", THREADS(1)},
    {"...", "ac bc", "dp", THREADS(2)},
    /* Cancelled meanwhile. */
    {"..", "ab", "cp", THREADS(1)},
    {"..", "", "cp", THREADS(2)},
    {"...", "ac bc", "cp", THREADS(2), SAMPLED},
    /* The pool discards, or refuses. */
    {"..", "ab", "p", THREADS(1), .refuses = "x"},
    {"...", "ac bc", "p", THREADS(2), .refuses = ".x"},
    {"...", "ac bc", "p", THREADS(1), .refuses = ".-"},
    {"....", "ab ac bd cd", "p", THREADS(2), .refuses = ".x"},
    /* A worker that stands still holds up no other. */
    {"...", "ac bc", "", THREADS(2), .alone = true, .options.progress = WEIR_CHECK_LOCK_FREE},
    /* In a worker, with thieves. */
    {"..", "", "i", THREADS(1), SAMPLED},
    {"..", "ab", "i", THREADS(1), SAMPLED},
    {"...", "ac bc", "i", THREADS(1), SAMPLED},
    {"....", "ab ac bd cd", "i", THREADS(1), SAMPLED},
    {"x..", "ac bc", "i", THREADS(1), SAMPLED},
    {"...", "ab ac", "i", THREADS(2), DEEP, .options.mode = WEIR_CHECK_RANDOM,
     .options.runs = 1000},
};

static void name_of(const graph_case *c, char *name, size_t size)
{
    snprintf(name, size, "%s%s%s: %s%s%s%s, %u", c->nodes, *c->edges != 0 ? ", " : "", c->edges,
             c->does, c->refuses != NULL ? ", pool " : "", c->refuses != NULL ? c->refuses : "",
             c->alone ? ", lock-free" : "", c->workers);
}

int main(int argc, char **argv)
{
    enum { COUNT = sizeof cases / sizeof cases[0] };
    static scenario scenarios[COUNT];
    static char names[COUNT][64];

    for (size_t i = 0; i < COUNT; i++) {
        name_of(&cases[i], names[i], sizeof names[i]);
        scenarios[i].name = names[i];
        scenarios[i].test = graph_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].deep = cases[i].deep;
        scenarios[i].options = cases[i].options;
    }
    return model_main("graph", scenarios, COUNT, argc, argv);
}
