/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Cancelling, where nothing is cancelled: nanoseconds, in one thread.
 *
 *   cancel/check  a loop asks its token, which has no deadline: against a load
 *   cancel/tree   a child of a root is made and destroyed, as for each request of a server */

#include "bench.h"

#include <weir/cancel.h>

#include <pthread.h>

static const bench_row rows[2] = {
    {"cancel/check", "ask a token that is not cancelled", "ns", true, 1, {NULL}},
    {"cancel/tree", "one thread: make a child of a root, end it", "ns", true, 1, {NULL}}};

/* What one would write without a library: each source has its lock, which guards its children. */
typedef struct lock_source {
    pthread_mutex_t lock;
    struct lock_source *parent, *children, *next, *prev;
    bool cancelled;
} lock_source;

typedef struct own_line {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) word;
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_cancel_source root;
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_cancel_source child;
    WEIR_ALIGNAS(WEIR_CACHELINE) lock_source lock_root;
    WEIR_ALIGNAS(WEIR_CACHELINE) lock_source lock_child;
} own_line;

/* A body that counts in `good` how often `statement` is true, until the run ends. */
#define ASKING(name, statement)                           \
    static void name(bench_thread *thread)                \
    {                                                     \
        own_line *const own = (own_line *)thread->shared; \
        uint64_t done = 0, good = 0;                      \
                                                          \
        while (bench_going(thread, done))                 \
            for (int i = 0; i < 64; i++, done++)          \
                good += (statement);                      \
        thread->put = done;                               \
        thread->ledger.count = good;                      \
    }

static void run_body(bench_run *run, bench_body *body, own_line *own)
{
    bench_body *const bodies[] = {body};
    const bench_thread *ran = bench_threads(run, 1, bodies, own);

    if (ran[0].ledger.count != ran[0].put)
        bench_fail(run, "%llu of %llu answers were wrong",
                   (unsigned long long)(ran[0].put - ran[0].ledger.count),
                   (unsigned long long)ran[0].put);
    bench_set_ns(run);
}

/* ---- weir ---- */

static inline bool our_child(own_line *own)
{
    weir_cancel_source_init(&own->child, weir_cancel_source_token(&own->root), WEIR_FOREVER);
    return weir_cancel_source_destroy(&own->child) == 0;
}

ASKING(check_body, weir_cancel_check(weir_cancel_source_token(&own->root)) == 0)
ASKING(tree_body, our_child(own))

static void run_ours(bench_run *run, bench_body *body)
{
    own_line *const own = (own_line *)bench_alloc(sizeof *own);

    weir_cancel_source_init(&own->root, NULL, WEIR_FOREVER);
    run_body(run, body, own);
    if (!weir_cancel_source_cancel(&own->root, 0) ||
        weir_cancel_check(weir_cancel_source_token(&own->root)) == 0)
        bench_fail(run, "the root could not be cancelled");
    if (weir_cancel_source_destroy(&own->root) != 0)
        bench_fail(run, "a child was left");
}

static void our_check(bench_run *run)
{
    run_ours(run, check_body);
}

static void our_tree(bench_run *run)
{
    run_ours(run, tree_body);
}

/* ---- by hand ---- */

static __attribute__((noinline)) int look_again(own_line *own)
{
    /* relaxed: nobody writes the word. */
    return weir_atomic_load(&own->word, WEIR_RELAXED) == 0 ? 0 : -1;
}

/* A branch and a call behind it, as in weir_cancel_check(): gcc makes a chain of additions of a
 * bare comparison, which takes longer than the branch. */
static inline int look(own_line *own)
{
    /* relaxed: as above. */
    if (WEIR_LIKELY(weir_atomic_load(&own->word, WEIR_RELAXED) == 0))
        return 0;
    return look_again(own);
}

ASKING(load_body, look(own) == 0)

static void one_load(bench_run *run)
{
    run_body(run, load_body, (own_line *)bench_alloc(sizeof(own_line)));
}

static inline void lock_init(lock_source *source, lock_source *parent)
{
    pthread_mutex_init(&source->lock, NULL);
    source->parent = parent;
    source->children = source->next = source->prev = NULL;
    source->cancelled = false;
    if (parent == NULL)
        return;
    pthread_mutex_lock(&parent->lock);
    source->cancelled = parent->cancelled;
    source->next = parent->children;
    if (source->next != NULL)
        source->next->prev = source;
    parent->children = source;
    pthread_mutex_unlock(&parent->lock);
}

/* Returns: false if it has children. */
static inline bool lock_destroy(lock_source *source)
{
    lock_source *const parent = source->parent;
    bool childless;

    if (parent != NULL) {
        pthread_mutex_lock(&parent->lock);
        if (source->next != NULL)
            source->next->prev = source->prev;
        if (source->prev != NULL)
            source->prev->next = source->next;
        else
            parent->children = source->next;
        pthread_mutex_unlock(&parent->lock);
    }
    pthread_mutex_lock(&source->lock);
    childless = source->children == NULL;
    pthread_mutex_unlock(&source->lock);
    pthread_mutex_destroy(&source->lock);
    return childless;
}

static inline bool lock_child(own_line *own)
{
    lock_init(&own->lock_child, &own->lock_root);
    return lock_destroy(&own->lock_child);
}

ASKING(lock_body, lock_child(own))

static void lock_tree(bench_run *run)
{
    own_line *const own = (own_line *)bench_alloc(sizeof *own);

    lock_init(&own->lock_root, NULL);
    run_body(run, lock_body, own);
    if (!lock_destroy(&own->lock_root))
        bench_fail(run, "a child was left");
}

BENCH_REGISTER(add_cancels)
{
    static const bench_peer check = {"weir cancel",   BENCH_WAIT_FREE,
                                     BENCH_UNORDERED, false,
                                     BENCH_OURS,      "check, of a token without a deadline"};
    static const bench_peer tree = {
        "weir cancel source", BENCH_BLOCKING,
        BENCH_UNORDERED,      false,
        BENCH_OURS,           "the root's lock is held for a few instructions, twice"};
    static const bench_peer load = {"relaxed load",  BENCH_WAIT_FREE,
                                    BENCH_UNORDERED, false,
                                    BENCH_REFERENCE, "of an own line, and a branch"};
    static const bench_peer lock = {"mutex and list",
                                    BENCH_LOCK,
                                    BENCH_UNORDERED,
                                    false,
                                    0,
                                    "a list of children under the root's pthread_mutex_t"};

    bench_add(&rows[0], &check, our_check);
    bench_add(&rows[0], &load, one_load);
    bench_add(&rows[1], &tree, our_tree);
    bench_add(&rows[1], &lock, lock_tree);
}
