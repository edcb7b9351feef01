/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Threads that begin and end, in whatever order their destructors run; and fork(2). What
 * readers and writers do with each other is in tests/reclaim_cases.h, which tests/guard runs;
 * plugins are in tests/check-plugin.sh. */

#define WEIR_CHECKED 1

#include "reclaim_fork.h"

#include <limits.h>

/* ---- threads ---- */

static void *one_of_many(void *argument)
{
    weir_guard_record *const record = weir_guard_self(domain);
    thing *const t = (thing *)argument;
    const weir_section section = weir_guard_enter(record);
    WEIR_ATOMIC(void *) root;

    weir_guard_born(record, &t->header);
    weir_atomic_init(&root, t);
    CHECK(weir_guard_protect(record, 0, &root) == t);
    retire(record, t);
    if (t->number % 3 != 0)
        weir_guard_exit(record, section);
    return NULL;
}

static void come_and_go(void)
{
    enum { THREADS = 100 };
    static thing things[THREADS];

    domain = domain_made();
    renew(things, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        run_thread(one_of_many, &things[i], 0);
        CHECK_EQ(calls_of(&things[i]), 1);
    }
    CHECK_EQ(stats_of(domain).records, 1);
    CHECK_EQ(stats_of(domain).left_open, (THREADS + 2) / 3);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static void short_threads_leave_nothing(void)
{
    for_each_flavour(come_and_go);
}

static void *use_all_of_it(void *unused)
{
    enum { MANY = 2000 };
    static thing things[MANY];
    weir_guard_record *record;
    weir_section section;

    domain = domain_of_batches(100);
    record = weir_guard_self(domain);
    renew(things, MANY);
    CHECK_EQ(weir_guard_reserve(record, 100), 0);
    section = weir_guard_enter(record);
    for (unsigned i = 0; i < 100; i++)
        (void)weir_guard_set(record, i, &things[i]);
    for (size_t i = 0; i < MANY; i++)
        retire(record, &things[i]);
    weir_guard_exit(record, section);
    CHECK_EQ(weir_guard_synchronize(domain, &things[0], WEIR_FOREVER), 0);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    CHECK_EQ(reclaimed_now(), MANY);
    CHECK_EQ(weir_guard_free(domain), 0);
    return unused;
}

static void on_a_small_stack(void)
{
    const long least = sysconf(_SC_THREAD_STACK_MIN);
    size_t stack = 64 * 1024;

    if (least > (long)stack)
        stack = (size_t)least;
    run_thread(use_all_of_it, NULL, stack);
}

static void small_stacks_suffice(void)
{
    for_each_flavour(on_a_small_stack);
}

/* ---- destructors of other things, which use the domain ---- */

enum { KEYS = 6, ENDINGS = 30 };

#ifdef WEIR_TSAN /* which leaves the thread in the last round: the library's part must be before \
                  */
#define ITERATIONS (PTHREAD_DESTRUCTOR_ITERATIONS - 2)
#else
#define ITERATIONS PTHREAD_DESTRUCTOR_ITERATIONS
#endif

typedef struct ending {
    thing things[KEYS * 8];
    size_t retired;
    unsigned rounds[KEYS];
    bool leaves_open;
} ending;

static pthread_key_t keys[KEYS];
static _Thread_local ending *own_ending;

/* Uses the domain, and asks to be called again until pthreads gives up: so once when the
 * record was given back already, and once when nobody will notice that it is used. */
static void use_in_destructor(unsigned number)
{
    ending *const e = own_ending;
    weir_guard_record *const record = weir_guard_self(domain);
    const weir_section section = weir_guard_enter(record);

    CHECK(e->retired < sizeof e->things / sizeof e->things[0]);
    retire(record, &e->things[e->retired++]);
    e->rounds[number]++;
    if (!e->leaves_open)
        weir_guard_exit(record, section);
}

static void key_destructor(void *value)
{
    const unsigned number = (unsigned)((pthread_key_t *)value - keys);

    use_in_destructor(number);
    if (own_ending->rounds[number] < ITERATIONS)
        CHECK(pthread_setspecific(keys[number], value) == 0);
}

static void *end_with_keys(void *argument)
{
    ending *const e = (ending *)argument;

    own_ending = e;
    renew(e->things, sizeof e->things / sizeof e->things[0]);
    for (int i = 0; i < KEYS; i++)
        CHECK(pthread_setspecific(keys[i], &keys[i]) == 0);
    return NULL;
}

static void end_in_any_order(void)
{
    static ending endings[ENDINGS];
    const size_t all = (size_t)KEYS * ITERATIONS;
    weir_guard *first;
    thing last;

    memset((void *)endings, 0, sizeof endings);
    domain = domain_made();
    for (size_t i = 0; i < ENDINGS; i++) {
        endings[i].leaves_open = i % 2 != 0;
        run_thread(end_with_keys, &endings[i], 0);
        CHECK_EQ(endings[i].retired, all);
        /* One for those who end unnoticed, one for those who do not; no more. */
        CHECK(stats_of(domain).records <= 2);
    }
    /* A section that was left open in the last round is found when the next thread comes. */
    first = domain;
    renew(&last, 1);
    retire(weir_guard_self(first), &last);
    CHECK_EQ(weir_guard_barrier(first, WEIR_FOREVER), 0);
    CHECK_EQ(reclaimed_now(), ENDINGS * all + 1);
    CHECK_EQ(waiting_in(first), 0);
    CHECK_EQ(weir_guard_free(first), 0);
}

/* Some keys are older than the library's, some younger: it makes its own at the first domain. */
static void destructors_of_keys_may_use_a_domain(void)
{
    for (int i = KEYS / 2; i < KEYS; i++)
        CHECK(pthread_key_create(&keys[i], key_destructor) == 0);
    for_each_flavour(end_in_any_order);
    for (int i = 0; i < KEYS; i++)
        CHECK(pthread_key_delete(keys[i]) == 0);
}

/* What C++ calls for a thread_local with a destructor; not every C library has it. */
extern int __cxa_thread_atexit_impl(void (*destructor)(void *object), void *object, void *library)
    __attribute__((weak));
extern void *__dso_handle __attribute__((visibility("hidden"), weak));

static void thread_local_destructor(void *number)
{
    use_in_destructor((unsigned)(uintptr_t)number);
}

static void *end_with_thread_locals(void *argument)
{
    ending *const e = (ending *)argument;

    own_ending = e;
    renew(e->things, sizeof e->things / sizeof e->things[0]);
    /* One is made before the thread's first use of the domain, and destroyed after the other. */
    CHECK(__cxa_thread_atexit_impl(thread_local_destructor, (void *)0, &__dso_handle) == 0);
    CHECK(weir_guard_self(domain) != NULL);
    CHECK(__cxa_thread_atexit_impl(thread_local_destructor, (void *)1, &__dso_handle) == 0);
    CHECK(pthread_setspecific(keys[0], &keys[0]) == 0);
    return NULL;
}

static void end_with_locals(void)
{
    static ending endings[ENDINGS];
    size_t retired = 0;

    memset((void *)endings, 0, sizeof endings);
    domain = domain_made();
    for (size_t i = 0; i < ENDINGS; i++) {
        endings[i].leaves_open = i % 2 != 0;
        run_thread(end_with_thread_locals, &endings[i], 0);
        CHECK(endings[i].rounds[0] >= 1 && endings[i].rounds[1] >= 1);
        retired += endings[i].retired;
        CHECK(stats_of(domain).records <= 2);
    }
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    CHECK_EQ(reclaimed_now(), retired);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static void destructors_of_thread_locals_may_use_a_domain(void)
{
    if (__cxa_thread_atexit_impl == NULL)
        return; /* this C library's C++ takes keys: the case above */
    CHECK(pthread_key_create(&keys[0], key_destructor) == 0);
    for_each_flavour(end_with_locals);
    CHECK(pthread_key_delete(keys[0]) == 0);
}

/* ---- the end of a thread, in the middle of things ---- */

static void *retire_at_the_gate_and_end(void *argument)
{
    weir_guard_retire(weir_guard_self(domain), &((thing *)argument)->header, reclaim_at_the_gate,
                      sizeof(thing));
    return NULL;
}

static WEIR_ATOMIC(int) freeing_thread;

static void *open_the_gate(void *unused)
{
    int tid;

    /* relaxed: only says when to go on. */
    while ((tid = weir_atomic_load(&freeing_thread, WEIR_RELAXED)) == 0)
        sched_yield();
    until_asleep(tid);
    pthread_barrier_wait(&gate);
    return unused;
}

/* The thread has nothing to do with the domain any more, as far as its program can see; but it is
 * calling a callback, as its end made it do. */
static void free_while_one_ends(void)
{
    pthread_t ends, opens;
    thing t;

    renew(&t, 1);
    domain = domain_made();
    CHECK(pthread_barrier_init(&gate, NULL, 2) == 0);
    /* relaxed: no other thread is there; and as above. */
    weir_atomic_store(&freeing_thread, 0, WEIR_RELAXED);
    CHECK(pthread_create(&ends, NULL, retire_at_the_gate_and_end, &t) == 0);
    CHECK(pthread_create(&opens, NULL, open_the_gate, NULL) == 0);
    pthread_barrier_wait(&gate);
    weir_atomic_store(&freeing_thread, (int)syscall(SYS_gettid), WEIR_RELAXED);
    CHECK_EQ(weir_guard_free(domain), 0);
    CHECK_EQ(calls_of(&t), 1);
    CHECK(pthread_join(opens, NULL) == 0);
    CHECK(pthread_join(ends, NULL) == 0);
    pthread_barrier_destroy(&gate);
}

static void a_domain_is_freed_while_a_thread_ends(void)
{
    for_each_flavour(free_while_one_ends);
}

static void end_in_callback(weir_retired *object)
{
    count_call((thing *)(void *)object);
    pthread_exit(NULL);
}

static void *collect_and_end(void *argument)
{
    thing *const things = (thing *)argument;
    weir_guard_record *const record = weir_guard_self(domain);

    for (int i = 0; i < 3; i++)
        weir_guard_retire(record, &things[i].header, i == 1 ? end_in_callback : reclaim_thing,
                          sizeof *things);
    if (things[0].number == 0)
        (void)weir_guard_collect(record);
    else
        CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0); /* is not come back to */
    return NULL;
}

/* pthread_exit() in a callback: the rest of its batch is reclaimed all the same, no barrier waits
 * for it, and the record serves the next thread. */
static void end_within(void)
{
    thing things[6];

    domain = domain_made();
    renew(things, 6);
    run_thread(collect_and_end, &things[0], 0);
    run_thread(collect_and_end, &things[3], 0);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    CHECK_EQ(reclaimed_now(), 6);
    CHECK_EQ(waiting_in(domain), 0);
    CHECK_EQ(stats_of(domain).records, 1);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static void a_thread_may_end_in_a_callback(void)
{
    for_each_flavour(end_within);
}

static void leave_in_callback(weir_retired *object)
{
    (void)object;
    weir_guard_leave(weir_guard_self(domain));
}

static void give_back_in_callback(void)
{
    thing t;

    domain = domain_made();
    renew(&t, 1);
    weir_guard_retire(weir_guard_self(domain), &t.header, leave_in_callback, sizeof t);
    (void)weir_guard_collect(weir_guard_self(domain));
}

static void a_record_is_not_given_back_in_a_callback(void)
{
    now = &flavours[0];
    CHECK_DIES(give_back_in_callback(), "given back from a callback");
}

/* Callbacks of objects that another thread retired, in the free of a thread that has no record. */
static void free_by_a_stranger(void)
{
    static const int want[4] = {0, -EDEADLK, -EBUSY, 0};
    puppet p;
    thing t;

    callback_domain = domain_made();
    renew(&t, 1);
    t.header.reclaim = NULL;
    puppet_start(&p, callback_domain);
    memset(callback_status, 0xee, sizeof callback_status);
    weir_guard_retire(p.record, &t.header, reclaim_and_wait, sizeof t);
    CHECK_EQ(weir_guard_free(callback_domain), 0);
    CHECK_EQ(calls_of(&t), 1);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(callback_status[i], want[i]);
    puppet_end(&p);
}

static void free_wants_no_record(void)
{
    for_each_flavour(free_by_a_stranger);
}

/* No key for the end of threads is to be had: they are found to be gone when others come. */
static void come_and_go_unnoticed(void)
{
    enum { THREADS = 61 }; /* the last one leaves its section open */
    static thing things[THREADS];

    domain = domain_made();
    renew(things, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        run_thread(one_of_many, &things[i], 0);
    CHECK_EQ(stats_of(domain).records, 1);
    CHECK_EQ(weir_guard_free(domain), 0);
    CHECK_EQ(reclaimed_now(), THREADS);
}

static void without_keys(void)
{
    pthread_key_t key;

    while (pthread_key_create(&key, NULL) == 0) {
    }
    for_each_flavour(come_and_go_unnoticed);
}

/* First of all cases: this process has no domain yet, and so no key for them. */
static void a_process_without_keys_is_served(void)
{
    in_child(without_keys);
}

/* ---- threads that come, and barriers ---- */

static void *retire_and_end(void *argument)
{
    thing *const things = (thing *)argument;

    for (size_t round = 0; round < 200; round++) {
        weir_guard_record *const record = weir_guard_self(domain);

        CHECK(record != NULL);
        for (size_t i = 0; i < 3; i++)
            retire(record, &things[round * 3 + i]);
        weir_guard_leave(record);
    }
    return NULL;
}

/* R12, liburcu 51b98c3: a barrier and a thread that just unregisters: each callback once, and the
 * barrier returns. The whole of it is in stress/guard. */
static void barrier_while_records_come_and_go(void)
{
    static thing things[2][600], mine[200];
    pthread_t threads[2];
    weir_guard_record *record;

    domain = domain_of_batches(5);
    record = weir_guard_self(domain);
    renew(mine, 200);
    for (int i = 0; i < 2; i++) {
        renew(things[i], 600);
        CHECK(pthread_create(&threads[i], NULL, retire_and_end, things[i]) == 0);
    }
    for (size_t i = 0; i < 200; i++) {
        retire(record, &mine[i]);
        CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
        CHECK_EQ(calls_of(&mine[i]), 1);
    }
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK_EQ(weir_guard_barrier(domain, WEIR_FOREVER), 0);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < 600; k++)
            CHECK_EQ(calls_of(&things[i][k]), 1);
    CHECK_EQ(weir_guard_free(domain), 0);
}

static void barriers_return_while_threads_come_and_go(void)
{
    for_each_flavour(barrier_while_records_come_and_go);
}

int main(void)
{
    for (int i = 0; i < KEYS / 2; i++)
        CHECK(pthread_key_create(&keys[i], key_destructor) == 0);
    return TEST_RUN(
        "reclaim", TEST_CASE(a_process_without_keys_is_served), TEST_CASE(a_child_may_make_domains),
        TEST_CASE(short_threads_leave_nothing), TEST_CASE(small_stacks_suffice),
        TEST_CASE(destructors_of_keys_may_use_a_domain),
        TEST_CASE(destructors_of_thread_locals_may_use_a_domain),
        TEST_CASE(a_domain_is_freed_while_a_thread_ends), TEST_CASE(a_thread_may_end_in_a_callback),
        TEST_CASE(a_record_is_not_given_back_in_a_callback), TEST_CASE(free_wants_no_record),
        TEST_CASE(a_child_is_not_held_up_by_its_parents_threads),
        TEST_CASE(sections_and_callbacks_go_on_in_the_child),
        TEST_CASE(a_fork_in_the_middle_of_everything),
        TEST_CASE(barriers_return_while_threads_come_and_go));
}
