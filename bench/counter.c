/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Counters: nanoseconds of one core for an addition, with 1, 2, 4 and 8 threads.
 *
 *   counter/sharded-NT  counting events, read rarely: against a plain increment of an own
 *                       line, which is the limit and counts nothing together
 *   counter/word-NT     one word, where fetch_add serves
 *   counter/bounded-NT  one word and a limit, where a compare-and-swap loop is needed */

#include "bench.h"

#include <weir/counter.h>

#define ROW(kind, threads, text)                                                            \
    {                                                                                       \
        "counter/" kind "-" #threads "T", text ", threads: " #threads, "ns", true, threads, \
        {                                                                                   \
            NULL                                                                            \
        }                                                                                   \
    }

enum { SIZES = 4, SHARDS = 16 };

static const bench_row sharded_rows[SIZES] = {
    ROW("sharded", 1, "add to a counter that is read rarely"),
    ROW("sharded", 2, "add to a counter that is read rarely"),
    ROW("sharded", 4, "add to a counter that is read rarely"),
    ROW("sharded", 8, "add to a counter that is read rarely")};
static const bench_row word_rows[SIZES] = {
    ROW("word", 1, "add to one word"), ROW("word", 2, "add to one word"),
    ROW("word", 4, "add to one word"), ROW("word", 8, "add to one word")};
static const bench_row bounded_rows[SIZES] = {
    ROW("bounded", 1, "add below a limit"), ROW("bounded", 2, "add below a limit"),
    ROW("bounded", 4, "add below a limit"), ROW("bounded", 8, "add below a limit")};

/* A body that adds 1, `statement`, until the run ends. */
#define ADDING(name, declaration, statement)       \
    static void name(bench_thread *thread)         \
    {                                              \
        uint64_t done = 0;                         \
        declaration;                               \
                                                   \
        while (bench_going(thread, done))          \
            for (int i = 0; i < 64; i++, done++) { \
                statement;                         \
            }                                      \
        thread->put = done;                        \
    }

/* Runs the row's threads and checks that what they added is what is `counted`. */
static uint64_t run_all(bench_run *run, const bench_row *row, bench_body *body, void *shared)
{
    bench_body *bodies[BENCH_THREADS];
    const bench_thread *threads;
    uint64_t added = 0;

    for (unsigned i = 0; i < row->threads; i++)
        bodies[i] = body;
    threads = bench_threads(run, row->threads, bodies, shared);
    for (unsigned i = 0; i < row->threads; i++)
        added += threads[i].put;
    bench_set_ns(run);
    return added;
}

static void check(bench_run *run, uint64_t counted, uint64_t added)
{
    if (counted != added)
        bench_fail(run, "counted %llu of %llu", (unsigned long long)counted,
                   (unsigned long long)added);
}

/* Weir's word and the one by hand lie at the same place in a page. */
typedef struct own_line {
    WEIR_ALIGNAS(WEIR_CACHELINE) uint64_t plain; /* one thread's */
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_counter counter;
} own_line;

/* ---- weir ---- */

ADDING(sharded_body, weir_counter_sharded *const c = (weir_counter_sharded *)thread->shared,
       weir_counter_sharded_inc(c))
ADDING(shard_body, weir_counter_sharded *const c = (weir_counter_sharded *)thread->shared,
       weir__counter_add_shard(c, 1))
ADDING(word_body, weir_counter *const c = &((own_line *)thread->shared)->counter,
       weir_counter_inc(c))
ADDING(bounded_body, weir_counter *const c = &((own_line *)thread->shared)->counter,
       if (!weir_counter_add_limit(c, 1, UINT64_MAX / 2)) done--)

static void run_sharded(bench_run *run, const bench_row *row, bench_body *body)
{
    weir_counter_sharded *c = NULL;
    uint64_t added;

    if (weir_counter_sharded_new(&c, weir_counter_sharded_slots()) != 0) {
        bench_fail(run, "no memory");
        return;
    }
    added = run_all(run, row, body, c);
    check(run, weir_counter_sharded_read(c), added);
}

/* ---- by hand ---- */

ADDING(plain_body, uint64_t *const own = &((own_line *)thread->shared)[thread->id].plain, {
    ++*own;
    __asm__ __volatile__("" ::: "memory"); /* one after the other, as a program would */
})
/* relaxed, all: counters publish nothing. */
ADDING(fetch_add_body,
       WEIR_ATOMIC(uint64_t) *const word = &((own_line *)thread->shared)->counter.word,
       weir_atomic_fetch_add(word, 1, WEIR_RELAXED))
ADDING(shards_body,
       WEIR_ATOMIC(uint64_t) *const word =
           &((own_line *)thread->shared)[thread->id % SHARDS].counter.word,
       weir_atomic_fetch_add(word, 1, WEIR_RELAXED))
ADDING(cas_body, WEIR_ATOMIC(uint64_t) *const word = &((own_line *)thread->shared)->counter.word, {
    uint64_t seen = weir_atomic_load(word, WEIR_RELAXED);

    while (seen < UINT64_MAX / 2 &&
           !weir_atomic_cas_weak(word, &seen, seen + 1, WEIR_RELAXED, WEIR_RELAXED))
        continue;
})

static void run_lines(bench_run *run, const bench_row *row, bench_body *body)
{
    own_line *const lines = (own_line *)bench_alloc(SHARDS * sizeof *lines);
    const uint64_t added = run_all(run, row, body, lines);
    uint64_t counted = 0;

    for (int i = 0; i < SHARDS; i++) {
        counted += lines[i].plain + weir_counter_read(&lines[i].counter);
    }
    check(run, counted, added);
}

/* ---- cases: a function for each row, because a case gets nothing but its run ---- */

#define CASE(name, kind, size, runner, body)   \
    static void name##_##size(bench_run *run)  \
    {                                          \
        runner(run, &kind##_rows[size], body); \
    }
#define CASES(name, kind, runner, body) \
    CASE(name, kind, 0, runner, body)   \
    CASE(name, kind, 1, runner, body)   \
    CASE(name, kind, 2, runner, body)   \
    CASE(name, kind, 3, runner, body)   \
    static bench_measure *const name[SIZES] = {name##_0, name##_1, name##_2, name##_3};

CASES(ours_sharded, sharded, run_sharded, sharded_body)
CASES(ours_shard, sharded, run_sharded, shard_body)
CASES(plain, sharded, run_lines, plain_body)
CASES(sharded_by_hand, sharded, run_lines, shards_body)
CASES(sharded_on_a_word, sharded, run_lines, fetch_add_body)
CASES(ours_word, word, run_lines, word_body)
CASES(fetch_add, word, run_lines, fetch_add_body)
CASES(ours_bounded, bounded, run_lines, bounded_body)
CASES(cas_loop, bounded, run_lines, cas_body)

static void add_all(const bench_row *rows, const bench_peer *peer, bench_measure *const *cases)
{
    for (int i = 0; i < SIZES; i++)
        bench_add(&rows[i], peer, cases[i]);
}

BENCH_REGISTER(add_counters)
{
#ifdef WEIR_HAVE_RSEQ_ADD
    static const bench_peer sharded = {"weir sharded",  BENCH_WAIT_FREE,
                                       BENCH_UNORDERED, true,
                                       BENCH_OURS,      "a cell per CPU, restartable sequence"};
    static const bench_peer shard = {"weir shards",   BENCH_WAIT_FREE,
                                     BENCH_UNORDERED, true,
                                     BENCH_OURS,      "the same where there is no rseq: atomic"};
#else
    static const bench_peer shard = {"weir sharded",  BENCH_WAIT_FREE,
                                     BENCH_UNORDERED, true,
                                     BENCH_OURS,      "atomic shards: no restartable sequence"};
#endif
    static const bench_peer own = {"plain, own line", BENCH_WAIT_FREE,
                                   BENCH_UNORDERED,   true,
                                   BENCH_REFERENCE,   "not a counter: one variable a thread"};
    static const bench_peer shards = {"16 shards",
                                      BENCH_WAIT_FREE,
                                      BENCH_UNORDERED,
                                      true,
                                      0,
                                      "fetch_add on a line of the thread's"};
    static const bench_peer one_word = {"fetch_add", BENCH_WAIT_FREE,   BENCH_UNORDERED, true,
                                        0,           "one word for all"};
    static const bench_peer counter = {"weir counter", BENCH_WAIT_FREE, BENCH_UNORDERED,
                                       true,           BENCH_OURS,      "weir_counter_inc"};
    static const bench_peer raw = {"fetch_add", BENCH_WAIT_FREE, BENCH_UNORDERED,
                                   true,        BENCH_REFERENCE, "the instruction itself"};
    static const bench_peer limit = {"weir counter",  BENCH_LOCK_FREE,
                                     BENCH_UNORDERED, true,
                                     BENCH_OURS,      "weir_counter_add_limit: back-off"};
    static const bench_peer loop = {"CAS loop", BENCH_LOCK_FREE, BENCH_UNORDERED,
                                    true,       BENCH_REFERENCE, "again at once"};

#ifdef WEIR_HAVE_RSEQ_ADD
    add_all(sharded_rows, &sharded, ours_sharded);
#else
    (void)ours_sharded;
#endif
    add_all(sharded_rows, &shard, ours_shard);
    add_all(sharded_rows, &own, plain);
    add_all(sharded_rows, &shards, sharded_by_hand);
    add_all(sharded_rows, &one_word, sharded_on_a_word);
    add_all(word_rows, &counter, ours_word);
    add_all(word_rows, &raw, fetch_add);
    add_all(bounded_rows, &limit, ours_bounded);
    add_all(bounded_rows, &loop, cas_loop);
}
