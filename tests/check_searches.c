/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/check_searches.c: which runs there are: all of them, each once; bounds; at random; by
 * several processes; as brute force has them. */

#include "check.h"

#include <pthread.h>
#include <sys/resource.h>

static WEIR_ATOMIC(unsigned) x, y, z;
static unsigned data;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static weir_check_options mode_of(weir_check_mode mode)
{
    weir_check_options o = WEIR_CHECK_OPTIONS_INIT;

    o.mode = mode;
    return o;
}

/* ---- small programs with control flow ---- */

static void add(void *unused)
{
    (void)unused;
    weir_atomic_fetch_add(&x, 1, WEIR_RELAXED);
}

static void add_by_loop(void *unused)
{
    unsigned is = weir_atomic_load(&x, WEIR_RELAXED);

    (void)unused;
    while (!weir_atomic_cas(&x, &is, is + 1, WEIR_ACQ_REL, WEIR_RELAXED))
        ;
}

static void add_under_spin_lock(void *unused)
{
    (void)unused;
    while (weir_atomic_exchange(&y, 1, WEIR_ACQUIRE) != 0)
        ;
    data++;
    weir_atomic_store(&y, 0, WEIR_RELEASE);
}

static void add_under_ticket_lock(void *unused)
{
    const unsigned mine = weir_atomic_fetch_add(&y, 1, WEIR_RELAXED);

    (void)unused;
    while (weir_atomic_load(&z, WEIR_ACQUIRE) != mine)
        ;
    data++;
    weir_atomic_store(&z, mine + 1, WEIR_RELEASE);
}

static void add_under_mutex(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    data++;
    pthread_mutex_unlock(&mutex);
}

static void store_x_load_y(void *unused)
{
    (void)unused;
    weir_atomic_store(&x, 1, WEIR_RELAXED);
    atomic_thread_fence(WEIR_SEQ_CST);
    if (weir_atomic_load(&y, WEIR_RELAXED) == 0)
        weir_atomic_store(&z, 1, WEIR_RELAXED);
}

static void store_y_load_x(void *unused)
{
    (void)unused;
    weir_atomic_store(&y, 1, WEIR_RELAXED);
    atomic_thread_fence(WEIR_SEQ_CST);
    if (weir_atomic_load(&x, WEIR_RELAXED) == 0)
        weir_atomic_store(&z, 2, WEIR_RELAXED);
}

static void await_x(void *unused)
{
    (void)unused;
    while (weir_atomic_load(&x, WEIR_ACQUIRE) < 2)
        ;
    weir_atomic_store(&z, 1, WEIR_RELAXED);
}

static void write_some(void *unused)
{
    (void)unused;
    for (unsigned i = 1; i <= 3; i++)
        weir_atomic_store(&x, i, WEIR_RELEASE);
}

static void read_until_it_stays(void *unused)
{
    unsigned is = weir_atomic_load(&x, WEIR_ACQUIRE), before;

    (void)unused;
    do {
        before = is;
        is = weir_atomic_load(&x, WEIR_ACQUIRE);
    } while (is != before);
}

static void try_once(void *unused)
{
    unsigned is = 0;

    (void)unused;
    if (weir_atomic_cas(&x, &is, 1, WEIR_ACQUIRE, WEIR_RELAXED))
        weir_atomic_store(&x, 2, WEIR_RELEASE);
    else if (is == 2)
        weir_atomic_store(&y, 1, WEIR_RELAXED);
}

static void chooses(void *unused)
{
    (void)unused;
    if (weir_check_choose(3) == 1)
        weir_atomic_store(&x, 1, WEIR_RELAXED);
    else
        weir_atomic_fetch_add(&x, 2, WEIR_RELAXED);
}

typedef struct program {
    check_body *bodies[4];
} program;

static void run_program(void *argument)
{
    const program *const p = (const program *)argument;

    for (unsigned i = 0; i < 4 && p->bodies[i] != NULL; i++)
        weir_check_thread(p->bodies[i], NULL);
    weir_check_join_all();
}

/* The same graphs by brute force, each once, and none that the axioms forbid. */
static void brute_force_agrees(void)
{
    static program programs[] = {
        {{add, add, add, NULL}},
        {{add_by_loop, add_by_loop, NULL, NULL}},
        {{add_by_loop, add_by_loop, add, NULL}},
        {{add_under_spin_lock, add_under_spin_lock, NULL, NULL}},
        {{add_under_spin_lock, add_under_spin_lock, add_under_spin_lock, NULL}},
        {{add_under_ticket_lock, add_under_ticket_lock, add_under_ticket_lock, NULL}},
        {{add_under_mutex, add_under_mutex, add_under_mutex, NULL}},
        {{store_x_load_y, store_y_load_x, NULL, NULL}},
        {{store_x_load_y, store_y_load_x, add, NULL}},
        {{await_x, write_some, NULL, NULL}},
        {{await_x, add, add, NULL}},
        {{read_until_it_stays, write_some, NULL, NULL}},
        {{read_until_it_stays, add, add_by_loop, NULL}},
        {{try_once, try_once, NULL, NULL}},
        {{try_once, try_once, try_once, NULL}},
        {{chooses, chooses, add, NULL}},
    };
    weir_check_options every = mode_of(WEIR_CHECK_EVERY), brute = mode_of(WEIR_CHECK_BRUTE);

    every.verify = brute.verify = true;
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        const weir_check_result a = check_quietly(&every, run_program, &programs[i]);
        const weir_check_result b = check_quietly(&brute, run_program, &programs[i]);

        if (a.graphs != b.graphs || a.verdict != WEIR_CHECK_CLEAN || b.verdict != WEIR_CHECK_CLEAN)
            fprintf(stderr,
                    "program %zu: %" PRIu64 " graphs (%s), by brute force %" PRIu64 " (%s)\n", i,
                    a.graphs, a.sentence, b.graphs, b.sentence);
        CHECK_EQ(a.verdict, WEIR_CHECK_CLEAN);
        CHECK_EQ(b.verdict, WEIR_CHECK_CLEAN);
        CHECK(a.graphs > 0);
        CHECK_EQ(a.graphs, b.graphs);
        CHECK_EQ(a.twice, 0);
    }
}

/* ---- many graphs ---- */

static unsigned many; /* threads */

static unsigned place_of[8]; /* of each thread, in the order in which they came */

static void come(void *number)
{
    place_of[(uintptr_t)number] = weir_atomic_fetch_add(&x, 1, WEIR_RELAXED);
}

static void many_adders(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < many; i++)
        weir_check_thread(add, NULL);
    weir_check_join_all();
}

/* One of the orders in which so many threads may come fails: whoever searches has to come to it. */
static void in_order(void *order)
{
    uintptr_t is = 0;

    for (uintptr_t i = 0; i < many; i++)
        weir_check_thread(come, (void *)i);
    weir_check_join_all();
    for (unsigned i = 0; i < many; i++)
        is = is * 8 + place_of[i];
    weir_check_assert(is != (uintptr_t)order);
}

static void factorials_of_graphs(void)
{
    weir_check_options o = mode_of(WEIR_CHECK_EVERY);
    unsigned want = 1;

    o.verify = true;
    for (many = 1; many <= 6; many++) {
        weir_check_result r;

        want *= many;
        r = check_quietly(&o, many_adders, NULL);
        CHECK_EQ(r.verdict, WEIR_CHECK_CLEAN);
        CHECK_EQ(r.graphs, want);
        CHECK_EQ(r.twice, 0);
    }
}

/* Returns: the last to be found of some orders of seven threads. */
static uintptr_t late_order(void)
{
    static const uintptr_t orders[] = {00123456, 06543210, 03150642};
    const weir_check_options o = mode_of(WEIR_CHECK_EVERY);
    uint64_t most = 0;
    uintptr_t latest = 0;

    many = 7;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        const weir_check_result r = check_quietly(&o, in_order, (void *)orders[i]);

        CHECK_EQ(r.finding, WEIR_CHECK_ASSERTION);
        if (r.graphs >= most) {
            most = r.graphs;
            latest = orders[i];
        }
    }
    CHECK(most > 1000);
    return latest;
}

static void workers_share_the_search(void)
{
    weir_check_options o = mode_of(WEIR_CHECK_EVERY);
    uintptr_t latest;
    uint64_t graphs;
    check_said said;

    latest = late_order();
    graphs = check_quietly(&o, many_adders, NULL).graphs;
    for (o.workers = 2; o.workers <= 3; o.workers++) {
        const weir_check_result r = check_is_clean(&o, many_adders, NULL);

        CHECK_EQ(r.graphs, graphs);
        check_finds(&o, in_order, (void *)latest, WEIR_CHECK_ASSERTION, "is != ");
    }
    /* What a worker cannot do, the line says. */
    o.workers = 2;
    o.graphs = 100;
    check_child(&o, many_adders, NULL, NULL, &said);
    CHECK_EQ(said.status, WEIR_CHECK_INCOMPLETE);
}

/* ---- bounds ---- */

static void long_thread(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 20; i++)
        weir_atomic_store(&x, i, WEIR_RELAXED);
}

static void long_test(void *unused)
{
    (void)unused;
    check_threads(long_thread, NULL);
}

static void counts_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        weir_atomic_fetch_add(&x, 1, WEIR_RELAXED);
}

static void endless_test(void *unused)
{
    (void)unused;
    check_threads(counts_for_ever, NULL);
}

static void assume_test(void *unused)
{
    (void)unused;
    check_threads(add, add);
    weir_check_assume(weir_check_choose(2) == 1);
}

static void bounds_are_told(void)
{
    weir_check_options o = mode_of(WEIR_CHECK_EVERY);
    weir_check_result r;
    check_said said;

    o.events = 10;
    r = check_quietly(&o, long_test, NULL);
    CHECK_EQ(r.verdict, WEIR_CHECK_INCOMPLETE);
    CHECK(r.bounds > 0);
    check_child(&o, long_test, NULL, NULL, &said);
    CHECK_EQ(said.status, WEIR_CHECK_INCOMPLETE);
    check_contains(said.out, "INCOMPLETE");
    o.events = 30;
    check_is_clean(&o, long_test, NULL);
    o.events = 0; /* 1000 */
    r = check_quietly(&o, endless_test, NULL);
    /* Unoptimized code may keep what it read on the stack, and so be seen to change. */
    if (r.verdict == WEIR_CHECK_BUG)
        check_finds(&o, endless_test, NULL, WEIR_CHECK_SPIN, "writes at each turn");
    else
        CHECK(r.verdict == WEIR_CHECK_INCOMPLETE && r.bounds > 0);

    many = 4;
    o.graphs = 23;
    r = check_quietly(&o, many_adders, NULL);
    CHECK_EQ(r.verdict, WEIR_CHECK_INCOMPLETE);
    CHECK_EQ(r.graphs, 23);
    CHECK(r.bounds > 0);
    o.graphs = 25;
    CHECK_EQ(check_quietly(&o, many_adders, NULL).graphs, 24);

    /* A run that is given up is none; the others are all there. */
    o.graphs = 0;
    CHECK_EQ(check_is_clean(&o, assume_test, NULL).graphs, 2);
}

/* ---- at random ---- */

static void put(void *unused)
{
    (void)unused;
    data = 1;
    weir_atomic_store(&x, 1, WEIR_RELAXED);
}

static void take(void *unused)
{
    (void)unused;
    if (weir_atomic_load(&x, WEIR_RELAXED) == 1)
        weir_check_assert(data == 1);
}

static void planted(void *unused)
{
    (void)unused;
    check_threads(put, take);
}

static void random_runs_find_and_repeat(weir_check_mode mode)
{
    weir_check_options o = mode_of(mode);
    weir_check_result first, second;
    check_said said;

    o.seed = 1;
    o.runs = 2000;
    check_finds(&o, planted, NULL, WEIR_CHECK_RACE, "data race on data");
    many = 4;
    first = check_quietly(&o, in_order, (void *)(uintptr_t)03102);
    second = check_quietly(&o, in_order, (void *)(uintptr_t)03102);
    CHECK_EQ(first.finding, WEIR_CHECK_ASSERTION);
    CHECK_EQ(first.runs, second.runs);
    CHECK(strcmp(first.path, second.path) == 0);
    CHECK(strcmp(first.sentence, second.sentence) == 0);

    /* What was not found is not said to be absent. */
    many = 3;
    first = check_quietly(&o, many_adders, NULL);
    CHECK_EQ(first.verdict, WEIR_CHECK_INCOMPLETE);
    CHECK_EQ(first.runs, 2000);
    CHECK_EQ(first.bounds, 0);
    check_child(&o, many_adders, NULL, NULL, &said);
    CHECK_EQ(said.status, WEIR_CHECK_INCOMPLETE);
    check_contains(said.out, "seed 1");
    /* Without a seed one is made, and printed. */
    o.seed = 0;
    check_child(&o, many_adders, NULL, NULL, &said);
    check_contains(said.out, "seed ");
}

static void at_random(void)
{
    random_runs_find_and_repeat(WEIR_CHECK_RANDOM);
}

static void with_random_priorities(void)
{
    random_runs_find_and_repeat(WEIR_CHECK_PCT);
}

/* ---- paths ---- */

static void bad_paths_are_refused(void)
{
    static const char *const bad[] = {"x", "0*2 7", "0*200", "0:", "99", "0*0", "0 1 2 3 4 5"};
    weir_check_options o = mode_of(WEIR_CHECK_EVERY);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        weir_check_result r;

        o.replay = bad[i];
        r = check_quietly(&o, planted, NULL);
        if (r.verdict != WEIR_CHECK_UNABLE)
            fprintf(stderr, "path %s: %s\n", bad[i], r.sentence);
        CHECK_EQ(r.verdict, WEIR_CHECK_UNABLE);
    }
}

/* Two places that turn out to be one, and a thread that waits for what nobody writes. */
static union {
    WEIR_ATOMIC(uint64_t) whole;
    WEIR_ATOMIC(uint32_t) half[2];
} pair;

static void write_halves(void *unused)
{
    (void)unused;
    weir_atomic_store(&pair.half[0], 1, WEIR_RELAXED);
    weir_atomic_store(&pair.half[1], 1, WEIR_RELAXED);
    weir_atomic_store(&x, 1, WEIR_RELAXED);
}

static void read_halves(void *unused)
{
    (void)unused;
    (void)weir_atomic_load(&pair.half[0], WEIR_RELAXED);
    (void)weir_atomic_load(&pair.half[1], WEIR_RELAXED);
    while (weir_atomic_load(&x, WEIR_RELAXED) != 2) {
    }
}

static void waits_and_reads_all(void *unused)
{
    (void)unused;
    weir_atomic_init(&pair.whole, 0);
    weir_check_thread(write_halves, NULL);
    weir_check_thread(read_halves, NULL);
    (void)weir_atomic_load(&pair.whole, WEIR_RELAXED);
    weir_check_join_all();
}

static void paths_of_random_runs_are_repeated(void)
{
    weir_check_options o = mode_of(WEIR_CHECK_RANDOM);

    for (o.seed = 1; o.seed <= 50; o.seed++) {
        weir_check_options again = o;
        weir_check_result first, second;
        char path[4096];

        first = check_quietly(&o, waits_and_reads_all, NULL);
        CHECK_EQ(first.finding, WEIR_CHECK_SPIN);
        snprintf(path, sizeof path, "%s", first.path);
        again.replay = path;
        second = check_quietly(&again, waits_and_reads_all, NULL);
        CHECK_EQ(second.finding, WEIR_CHECK_SPIN);
        CHECK(strcmp(path, second.path) == 0);
    }
}

/* ---- memory ---- */

static void reads_ten(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 10; i++)
        weir_atomic_load(&x, WEIR_RELAXED);
}

static void writes_ten(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < 10; i++)
        weir_atomic_store(&x, i, WEIR_RELAXED);
}

static void reads_and_writes(void *unused)
{
    (void)unused;
    check_threads(reads_ten, writes_ten);
}

static long peak_after(uint64_t graphs)
{
    weir_check_options o = mode_of(WEIR_CHECK_EVERY);
    struct rusage usage;
    pid_t child;
    int status;

    o.graphs = graphs;
    o.quiet = true;
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        weir_check_result r;

        weir_check_run_result(&o, reads_and_writes, NULL, &r);
        _exit(r.graphs != graphs);
    }
    CHECK(wait4(child, &status, 0, &usage) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return usage.ru_maxrss;
}

/* A hundred times as many graphs in (nearly) the same memory. */
static void memory_stays_flat(void)
{
    long few, more;

    few = peak_after(1000);
    more = peak_after(100000);
    if (more > few + few / 4 + 4096)
        fprintf(stderr, "%ld KiB after 1,000 graphs, %ld KiB after 100,000\n", few, more);
    CHECK(more <= few + few / 4 + 4096);
}

const test_case check_searches[] = {
    TEST_CASE(factorials_of_graphs),
    TEST_CASE(brute_force_agrees),
    TEST_CASE(workers_share_the_search),
    TEST_CASE(bounds_are_told),
    TEST_CASE(at_random),
    TEST_CASE(with_random_priorities),
    TEST_CASE(bad_paths_are_refused),
    TEST_CASE(paths_of_random_runs_are_repeated),
    TEST_CASE(memory_stays_flat),
    {NULL, NULL},
};
