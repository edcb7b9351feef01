/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/base.h>

/* In this file the checks of -DWEIR_CHECKED can be turned off at run time, to see what
 * happens without them too. */
static bool checks = true;
#undef WEIR_ASSERT
#define WEIR_ASSERT(condition, sentence) (checks ? WEIR_REQUIRE(condition, sentence) : (void)0)

#include <weir/counter.h>

#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/time.h>

enum { THREADS = 4, EACH = 20000 };

static void run_threads(void *(*body)(void *), void *argument)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, body, argument) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

/* ---- weir_counter ---- */

static weir_counter at_start = WEIR_COUNTER_INIT(7);

static void starts_as_told(void)
{
    weir_counter c;

    CHECK_EQ(weir_counter_read(&at_start), 7);
    weir_counter_init(&c, UINT64_MAX);
    CHECK(weir_counter_read(&c) == UINT64_MAX);
}

static void adds_and_subtracts(void)
{
    weir_counter c = WEIR_COUNTER_INIT(0);

    weir_counter_inc(&c);
    weir_counter_add(&c, 41);
    CHECK_EQ(weir_counter_read(&c), 42);
    weir_counter_dec(&c);
    weir_counter_sub(&c, 40);
    CHECK_EQ(weir_counter_read(&c), 1);
    CHECK_EQ(weir_counter_fetch_add(&c, 9), 1);
    CHECK_EQ(weir_counter_fetch_sub(&c, 3), 10);
    CHECK_EQ(weir_counter_exchange(&c, 0), 7);
    CHECK_EQ(weir_counter_read(&c), 0);
}

static void wraps_both_ways(void)
{
    weir_counter c = WEIR_COUNTER_INIT(UINT64_MAX - 1);
    const uint64_t before = weir_counter_read(&c);

    weir_counter_add(&c, 5);
    CHECK_EQ(weir_counter_read(&c), 3);
    CHECK_EQ(weir_counter_read(&c) - before, 5);
    weir_counter_sub(&c, 4);
    CHECK_EQ((int64_t)weir_counter_read(&c), -1);
    weir_counter_inc(&c);
    CHECK_EQ(weir_counter_read(&c), 0);
}

static void add_stops_at_the_top(void)
{
    weir_counter c = WEIR_COUNTER_INIT(UINT64_MAX - 3);

    CHECK(weir_counter_add_sat(&c, 0));
    CHECK(weir_counter_add_sat(&c, 3));
    CHECK(weir_counter_read(&c) == UINT64_MAX);
    CHECK(!weir_counter_add_sat(&c, 1));
    CHECK(!weir_counter_add_sat(&c, UINT64_MAX));
    CHECK(weir_counter_add_sat(&c, 0));
    CHECK(weir_counter_read(&c) == UINT64_MAX);
    weir_counter_init(&c, 5);
    CHECK(!weir_counter_add_sat(&c, UINT64_MAX - 4));
    CHECK(weir_counter_read(&c) == UINT64_MAX);
}

static void sub_stops_at_the_bottom(void)
{
    weir_counter c = WEIR_COUNTER_INIT(3);

    CHECK(weir_counter_sub_sat(&c, 0));
    CHECK(weir_counter_sub_sat(&c, 3));
    CHECK_EQ(weir_counter_read(&c), 0);
    CHECK(!weir_counter_sub_sat(&c, 1));
    CHECK(weir_counter_sub_sat(&c, 0));
    weir_counter_init(&c, 2);
    CHECK(!weir_counter_sub_sat(&c, UINT64_MAX));
    CHECK_EQ(weir_counter_read(&c), 0);
}

static void zero_stops_inc_and_dec(void)
{
    weir_counter c = WEIR_COUNTER_INIT(0);

    CHECK(!weir_counter_inc_unless_zero(&c));
    CHECK(!weir_counter_dec_if_positive(&c));
    CHECK_EQ(weir_counter_read(&c), 0);
    weir_counter_init(&c, 1);
    CHECK(weir_counter_inc_unless_zero(&c));
    CHECK(weir_counter_dec_if_positive(&c));
    CHECK(weir_counter_dec_if_positive(&c));
    CHECK(!weir_counter_dec_if_positive(&c));
    weir_counter_init(&c, UINT64_MAX);
    CHECK(weir_counter_dec_if_positive(&c));
    CHECK(weir_counter_inc_unless_zero(&c));
    CHECK(weir_counter_inc_unless_zero(&c)); /* wraps, as said */
    CHECK_EQ(weir_counter_read(&c), 0);
}

static void limit_is_held(void)
{
    weir_counter c = WEIR_COUNTER_INIT(0);

    CHECK(!weir_counter_add_limit(&c, 1, 0));
    CHECK(weir_counter_add_limit(&c, 0, 0));
    CHECK(weir_counter_add_limit(&c, 7, 10));
    CHECK(!weir_counter_add_limit(&c, 4, 10));
    CHECK(weir_counter_add_limit(&c, 3, 10));
    CHECK_EQ(weir_counter_read(&c), 10);
    CHECK(weir_counter_add_limit(&c, 0, 10));
    CHECK(!weir_counter_add_limit(&c, 0, 9)); /* already above */
    CHECK(!weir_counter_add_limit(&c, UINT64_MAX, 10));
    CHECK(!weir_counter_add_limit(&c, UINT64_MAX - 9, UINT64_MAX)); /* would wrap */
    CHECK(weir_counter_add_limit(&c, UINT64_MAX - 10, UINT64_MAX));
    CHECK(weir_counter_read(&c) == UINT64_MAX);
}

static void max_and_min_only_go_one_way(void)
{
    weir_counter c = WEIR_COUNTER_INIT(5);

    CHECK(!weir_counter_max(&c, 5));
    CHECK(!weir_counter_max(&c, 0));
    CHECK(weir_counter_max(&c, 6));
    CHECK_EQ(weir_counter_read(&c), 6);
    CHECK(weir_counter_max(&c, UINT64_MAX));
    CHECK(!weir_counter_max(&c, UINT64_MAX));
    CHECK(!weir_counter_min(&c, UINT64_MAX));
    CHECK(weir_counter_min(&c, 3));
    CHECK(!weir_counter_min(&c, 4));
    CHECK(weir_counter_min(&c, 0));
    CHECK(!weir_counter_min(&c, 0));
    CHECK_EQ(weir_counter_read(&c), 0);
}

/* One counter for each operation, used by all threads at once. */
static weir_counter shared_add, shared_limit, shared_stock, shared_taken, shared_max, shared_min,
    shared_sat, shared_drain, shared_given;

static void *use_all(void *argument)
{
    (void)argument;
    for (uint64_t i = 1; i <= EACH; i++) {
        weir_counter_add(&shared_add, 3);
        weir_counter_dec(&shared_add);
        if (weir_counter_add_limit(&shared_limit, 1, EACH))
            weir_counter_inc(&shared_given);
        if (weir_counter_dec_if_positive(&shared_stock))
            weir_counter_inc(&shared_taken);
        (void)weir_counter_max(&shared_max, i);
        (void)weir_counter_min(&shared_min, EACH - i);
        (void)weir_counter_add_sat(&shared_sat, 1);
        (void)weir_counter_sub_sat(&shared_drain, 1);
    }
    return NULL;
}

static void threads_lose_nothing(void)
{
    weir_counter_init(&shared_add, 0);
    weir_counter_init(&shared_limit, 0);
    weir_counter_init(&shared_given, 0);
    weir_counter_init(&shared_stock, EACH + 1);
    weir_counter_init(&shared_taken, 0);
    weir_counter_init(&shared_max, 0);
    weir_counter_init(&shared_min, UINT64_MAX);
    weir_counter_init(&shared_sat, UINT64_MAX - EACH);
    weir_counter_init(&shared_drain, (uint64_t)THREADS * EACH + 1);
    run_threads(use_all, NULL);
    CHECK_EQ(weir_counter_read(&shared_add), 2 * THREADS * EACH);
    CHECK_EQ(weir_counter_read(&shared_limit), EACH);
    CHECK_EQ(weir_counter_read(&shared_given), EACH);
    CHECK_EQ(weir_counter_read(&shared_stock), 0);
    CHECK_EQ(weir_counter_read(&shared_taken), EACH + 1);
    CHECK_EQ(weir_counter_read(&shared_max), EACH);
    CHECK_EQ(weir_counter_read(&shared_min), 0);
    CHECK(weir_counter_read(&shared_sat) == UINT64_MAX);
    CHECK_EQ(weir_counter_read(&shared_drain), 1);
}

/* ---- weir_ref ---- */

static weir_ref one = WEIR_REF_INIT(1);

static void last_put_says_so(void)
{
    CHECK_EQ(weir_ref_count_approx(&one), 1);
    weir_ref_get(&one);
    CHECK(weir_ref_get_unless_zero(&one));
    CHECK_EQ(weir_ref_count_approx(&one), 3);
    CHECK(!weir_ref_put(&one));
    CHECK(!weir_ref_put(&one));
    CHECK(weir_ref_put(&one));
    CHECK(!weir_ref_get_unless_zero(&one));
    CHECK_EQ(weir_ref_count_approx(&one), 0);
}

static void full_ref_is_pinned_for_ever(void)
{
    weir_ref r;

    weir_ref_init(&r, UINT32_C(0x7ffffffe));
    weir_ref_get(&r);
    CHECK_EQ(weir_ref_count_approx(&r), 0x7fffffff);
    CHECK(!weir_ref_put(&r)); /* the largest count is still a count */
    CHECK_EQ(weir_ref_count_approx(&r), 0x7ffffffe);
    weir_ref_get(&r);
    weir_ref_get(&r); /* one too many */
    CHECK_EQ(weir_ref_count_approx(&r), UINT32_MAX);
    for (int i = 0; i < 1000; i++)
        CHECK(!weir_ref_put(&r));
    CHECK_EQ(weir_ref_count_approx(&r), UINT32_MAX);
    for (int i = 0; i < 1000; i++) {
        weir_ref_get(&r);
        CHECK(weir_ref_get_unless_zero(&r));
    }
    CHECK_EQ(weir_ref_count_approx(&r), UINT32_MAX);
    weir_ref_init(&r, UINT32_C(0x7fffffff));
    CHECK(weir_ref_get_unless_zero(&r)); /* pins as well */
    CHECK(!weir_ref_put(&r));
    CHECK_EQ(weir_ref_count_approx(&r), UINT32_MAX);
}

static void *get_and_put(void *ref)
{
    for (int i = 0; i < EACH; i++) {
        weir_ref_get((weir_ref *)ref);
        CHECK(!weir_ref_put((weir_ref *)ref));
    }
    return NULL;
}

static void threads_do_not_unpin(void)
{
    weir_ref r;

    weir_ref_init(&r, UINT32_C(0x7fffffff));
    run_threads(get_and_put, &r);
    CHECK(!weir_ref_put(&r)); /* the first get has pinned it */
    CHECK_EQ(weir_ref_count_approx(&r), UINT32_MAX);
}

static void broken_refs_die_or_leak(void)
{
    weir_ref r = WEIR_REF_INIT(0);

    CHECK_DIES(weir_ref_get(&r), "taken from a count of 0");
    CHECK_DIES((void)!weir_ref_put(&r), "nobody holds");
    CHECK_DIES(weir_ref_init(&r, UINT32_C(0x80000000)), "more references than");
    checks = false;
    CHECK(!weir_ref_put(&r)); /* nobody frees it a second time */
    CHECK_EQ(weir_ref_count_approx(&r), UINT32_MAX);
    weir_ref_init(&r, 0);
    weir_ref_get(&r); /* nobody frees it under this one */
    CHECK(!weir_ref_put(&r));
    CHECK_EQ(weir_ref_count_approx(&r), UINT32_MAX);
    checks = true;
}

static struct {
    weir_ref ref;
    uint64_t written[THREADS]; /* plain: only the reference orders them */
    WEIR_ATOMIC(int) next;
    int freed;
} object;

static void *hold_and_let_go(void *argument)
{
    /* relaxed: hands out numbers. */
    const int i = weir_atomic_fetch_add(&object.next, 1, WEIR_RELAXED);

    (void)argument;
    object.written[i] = (uint64_t)i + 1;
    if (weir_ref_put(&object.ref)) {
        for (int j = 0; j < THREADS; j++)
            CHECK_EQ(object.written[j], j + 1);
        object.freed++;
    }
    return NULL;
}

static void last_put_sees_what_others_did(void)
{
    for (int round = 0; round < 200; round++) {
        memset(object.written, 0, sizeof object.written);
        weir_ref_init(&object.ref, THREADS);
        weir_atomic_init(&object.next, 0);
        object.freed = 0;
        run_threads(hold_and_let_go, NULL);
        CHECK_EQ(object.freed, 1);
    }
}

/* ---- weir_counter_sharded ---- */

static uint64_t sum_of_cpu_cells(weir_counter_sharded *c)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < c->count; i++) {
        /* relaxed: at rest. */
        sum += weir_atomic_load(&weir__counter_slots(c)[i].cpu, WEIR_RELAXED);
    }
    return sum;
}

static void sharded_bad_input(void)
{
    static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[128 * 6];
    weir_counter_sharded *c = NULL;

    CHECK_EQ(weir_counter_sharded_bytes(0), 0);
    CHECK_EQ(weir_counter_sharded_bytes(1), 256);
    CHECK_EQ(weir_counter_sharded_bytes(5), 128 * 6);
    CHECK(weir_counter_sharded_bytes(WEIR_COUNTER_SLOTS_MAX) > 0);
    CHECK_EQ(weir_counter_sharded_bytes(WEIR_COUNTER_SLOTS_MAX + 1), 0);
    CHECK_EQ(weir_counter_sharded_bytes(SIZE_MAX), 0);
    CHECK_EQ(weir_counter_sharded_init(&c, buffer, sizeof buffer, 0), -EINVAL);
    CHECK_EQ(weir_counter_sharded_init(&c, buffer, sizeof buffer, SIZE_MAX), -EINVAL);
    CHECK_EQ(weir_counter_sharded_init(&c, NULL, sizeof buffer, 5), -EINVAL);
    CHECK_EQ(weir_counter_sharded_init(&c, buffer + 64, sizeof buffer - 64, 2), -EINVAL);
    CHECK_EQ(weir_counter_sharded_init(&c, buffer, sizeof buffer - 1, 5), -EINVAL);
    CHECK_EQ(weir_counter_sharded_new(&c, 0), -EINVAL);
    CHECK_EQ(weir_counter_sharded_new(&c, WEIR_COUNTER_SLOTS_MAX + 1), -EINVAL);
    CHECK(c == NULL);
    CHECK_EQ(weir_counter_sharded_init(&c, buffer, sizeof buffer, 5), 0);
    CHECK((void *)c == (void *)buffer);
    CHECK_DIES(weir_counter_sharded_free(c), "made by _init");
    weir_counter_sharded_destroy(c);
    CHECK_DIES(weir_counter_sharded_destroy(c), "destroyed twice");
    CHECK_DIES(weir_counter_sharded_inc(c), "used after destroy");
    CHECK_EQ(weir_counter_sharded_new(&c, 2), 0);
    CHECK_DIES(weir_counter_sharded_destroy(c), "made by _new");
    weir_counter_sharded_free(c);
    weir_counter_sharded_free(NULL);
}

static void sharded_allocation_fails(void)
{
    weir_counter_sharded *c = NULL;

    test_alloc_fail_at(1);
    CHECK_EQ(weir_counter_sharded_new(&c, 4), -ENOMEM);
    CHECK(c == NULL);
    CHECK_EQ(test_alloc_live, 0);
    test_alloc_fail_at(2);
    CHECK_EQ(weir_counter_sharded_new(&c, 4), 0);
    CHECK_EQ(test_alloc_calls, 1); /* one allocation is all */
    CHECK_EQ(test_alloc_live, weir_counter_sharded_bytes(4));
    weir_counter_sharded_inc(c);
    CHECK_EQ(weir_counter_sharded_read(c), 1);
    weir_counter_sharded_free(c);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

static void sharded_counts(void)
{
    weir_counter_sharded *c = NULL;
    const size_t slots = weir_counter_sharded_slots();

    CHECK(slots >= 16 && slots <= WEIR_COUNTER_SLOTS_MAX);
    CHECK_EQ(weir_counter_sharded_new(&c, slots), 0);
    CHECK_EQ(weir_counter_sharded_read(c), 0);
    weir_counter_sharded_inc(c);
    weir_counter_sharded_add(c, 41);
    CHECK_EQ(weir_counter_sharded_read(c), 42);
    weir_counter_sharded_dec(c);
    weir_counter_sharded_sub(c, 43);
    CHECK_EQ((int64_t)weir_counter_sharded_read(c), -2);
    weir_counter_sharded_add(c, UINT64_C(0x123456789abcdef0)); /* no 32-bit immediate */
    CHECK_EQ(weir_counter_sharded_read(c), 0x123456789abcdeee);
    weir_counter_sharded_free(c);
}

static void sharded_wraps(void)
{
    static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[128 * 4];
    weir_counter_sharded *c = NULL;

    CHECK_EQ(weir_counter_sharded_init_at(&c, buffer, sizeof buffer, 3, UINT64_MAX - 1), 0);
    CHECK(weir_counter_sharded_read(c) == UINT64_MAX - 1);
    weir_counter_sharded_add(c, 5);
    CHECK_EQ(weir_counter_sharded_read(c), 3);
    weir_counter_sharded_sub(c, 4);
    CHECK_EQ((int64_t)weir_counter_sharded_read(c), -1);
    weir_counter_sharded_destroy(c);
}

/* What a file compiled with -DWEIR_NO_RSEQ does, beside what this one does. */
static void *add_both_ways(void *counter)
{
    weir_counter_sharded *const c = (weir_counter_sharded *)counter;

    for (int i = 0; i < EACH; i++) {
        weir_counter_sharded_add(c, 2);
        weir__counter_add_shard(c, 1);
        weir_counter_sharded_dec(c);
    }
    return NULL;
}

static void sharded_threads_of_both_kinds(void)
{
    for (size_t slots = 1; slots <= 64; slots = slots * 3 + 1) {
        weir_counter_sharded *c = NULL;

        CHECK_EQ(weir_counter_sharded_new(&c, slots), 0);
        run_threads(add_both_ways, c);
        CHECK_EQ(weir_counter_sharded_read(c), 2 * THREADS * EACH);
        weir_counter_sharded_free(c);
    }
}

static void sharded_goes_by_cpu(void)
{
#ifdef WEIR_HAVE_RSEQ_ADD
    weir_counter_sharded *c = NULL;

    CHECK_EQ(weir_counter_sharded_new(&c, weir_counter_sharded_slots()), 0);
    for (int i = 0; i < EACH; i++)
        weir_counter_sharded_inc(c);
    CHECK_EQ(weir_counter_sharded_read(c), EACH);
    /* The few that were interrupted inside the sequence are in the shards. */
    if (weir_counter_sharded_is_per_cpu(c))
        CHECK(sum_of_cpu_cells(c) > EACH / 2);
    else
        test_skip("this thread is not registered for rseq");
    weir_counter_sharded_free(c);
#else
    test_skip("this build has no restartable sequence");
#endif
}

static void cpus_beyond_the_slots_use_shards(void)
{
    weir_counter_sharded *c = NULL;
    cpu_set_t allowed, chosen;
    size_t cpu = 0;

    CHECK(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
    for (size_t i = 1; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &allowed))
            cpu = i;
    if (cpu == 0) {
        test_skip("only CPU 0 is allowed");
        return;
    }
    CPU_ZERO(&chosen);
    CPU_SET(cpu, &chosen);
    CHECK(sched_setaffinity(0, sizeof chosen, &chosen) == 0);
    CHECK_EQ(weir_counter_sharded_new(&c, 1), 0);
    CHECK(!weir_counter_sharded_is_per_cpu(c));
    for (int i = 0; i < EACH; i++)
        weir_counter_sharded_inc(c);
    CHECK_EQ(weir_counter_sharded_read(c), EACH);
    CHECK_EQ(sum_of_cpu_cells(c), 0);
    weir_counter_sharded_free(c);
    CHECK(sched_setaffinity(0, sizeof allowed, &allowed) == 0);
}

static weir_counter_sharded *in_handler;
static volatile sig_atomic_t handled;

static void add_in_handler(int number)
{
    (void)number;
    weir_counter_sharded_inc(in_handler);
    handled = handled + 1;
}

static void signals_lose_nothing(void)
{
    const struct itimerval storm = {{0, 50}, {0, 50}}, calm = {{0, 0}, {0, 0}};
    struct sigaction action, old;
    uint64_t added = 0;

    CHECK_EQ(weir_counter_sharded_new(&in_handler, 4), 0);
    memset(&action, 0, sizeof action);
    action.sa_handler = add_in_handler;
    CHECK(sigaction(SIGALRM, &action, &old) == 0);
    CHECK(setitimer(ITIMER_REAL, &storm, NULL) == 0);
    while (handled < 200) {
        weir_counter_sharded_add(in_handler, 1000);
        added += 1000;
    }
    CHECK(setitimer(ITIMER_REAL, &calm, NULL) == 0);
    CHECK(sigaction(SIGALRM, &old, NULL) == 0);
    CHECK_EQ(weir_counter_sharded_read(in_handler), added + (uint64_t)handled);
    weir_counter_sharded_free(in_handler);
}

static void child_goes_on_counting(void)
{
    weir_counter_sharded *c = NULL;
    int status = 0;
    pid_t child;

    CHECK_EQ(weir_counter_sharded_new(&c, 4), 0);
    weir_counter_sharded_add(c, 5);
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        weir_counter_sharded_add(c, 2);
        _exit(weir_counter_sharded_read(c) == 7 ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
    CHECK_EQ(weir_counter_sharded_read(c), 5);
    weir_counter_sharded_free(c);
}

#if defined(WEIR_HAVE_RSEQ_ADD) && defined(__x86_64__)
extern const struct rseq_cs __start___rseq_cs[] __attribute__((weak, visibility("hidden")));
extern const struct rseq_cs __stop___rseq_cs[] __attribute__((weak, visibility("hidden")));
#endif

static void sequences_can_be_found(void)
{
#if defined(WEIR_HAVE_RSEQ_ADD) && defined(__x86_64__)
    const struct rseq_cs *s = __start___rseq_cs;
    size_t found = 0;

    for (; s != __stop___rseq_cs; s++, found++) {
        uint32_t signature;

        CHECK_EQ(s->version, 0);
        CHECK_EQ(s->flags, 0);
        CHECK(s->post_commit_offset > 0 && s->post_commit_offset < 64);
        CHECK(s->abort_ip < s->start_ip || s->abort_ip >= s->start_ip + s->post_commit_offset);
        memcpy(&signature, (const char *)(uintptr_t)s->abort_ip - 4, 4);
        CHECK_EQ(signature, RSEQ_SIG);
    }
    CHECK(found > 0);
#else
    test_skip("this build has no restartable sequence for x86-64");
#endif
}

static void nothing_is_left_with_the_kernel(void)
{
#if defined(WEIR_HAVE_RSEQ_ADD) && defined(__x86_64__)
    weir_counter_sharded *c = NULL;
    uint64_t left = 1;

    CHECK_EQ(weir_counter_sharded_new(&c, 1), 0); /* one slot: both ways out, on many machines */
    for (int i = 0; i < EACH; i++) {
        weir_counter_sharded_inc(c);
        __asm__ __volatile__("movq %%fs:8(%1), %0" : "=r"(left) : "r"(__rseq_offset));
        CHECK_EQ(left, 0);
    }
    weir_counter_sharded_free(c);
#else
    test_skip("this build has no restartable sequence for x86-64");
#endif
}

/* Runs this program again where glibc registers no thread. */
static void works_without_registration(void)
{
#ifdef WEIR_HAVE_RSEQ_ADD
    int status = 0;
    pid_t child;

    if (weir__rseq_cpu() >= UINT32_C(0x80000000)) {
        test_skip("this thread is not registered for rseq");
        return;
    }
    fflush(stdout);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
        execl("/proc/self/exe", "counter", "--unregistered", (char *)NULL);
        _exit(127);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK_EQ(status, 0);
#else
    test_skip("this build has no restartable sequence");
#endif
}

static int unregistered(void)
{
#ifdef WEIR_HAVE_RSEQ_ADD
    weir_counter_sharded *c = NULL;

    CHECK_EQ(weir_counter_sharded_new(&c, weir_counter_sharded_slots()), 0);
    CHECK(!weir_counter_sharded_is_per_cpu(c));
    run_threads(add_both_ways, c);
    CHECK_EQ(weir_counter_sharded_read(c), 2 * THREADS * EACH);
    CHECK_EQ(sum_of_cpu_cells(c), 0);
    weir_counter_sharded_free(c);
#endif
    nothing_is_left_with_the_kernel();
    signals_lose_nothing();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--unregistered") == 0)
        return unregistered();
    return TEST_RUN("counter", TEST_CASE(starts_as_told), TEST_CASE(adds_and_subtracts),
                    TEST_CASE(wraps_both_ways), TEST_CASE(add_stops_at_the_top),
                    TEST_CASE(sub_stops_at_the_bottom), TEST_CASE(zero_stops_inc_and_dec),
                    TEST_CASE(limit_is_held), TEST_CASE(max_and_min_only_go_one_way),
                    TEST_CASE(threads_lose_nothing), TEST_CASE(last_put_says_so),
                    TEST_CASE(full_ref_is_pinned_for_ever), TEST_CASE(threads_do_not_unpin),
                    TEST_CASE(broken_refs_die_or_leak), TEST_CASE(last_put_sees_what_others_did),
                    TEST_CASE(sharded_bad_input), TEST_CASE(sharded_allocation_fails),
                    TEST_CASE(sharded_counts), TEST_CASE(sharded_wraps),
                    TEST_CASE(sharded_threads_of_both_kinds), TEST_CASE(sharded_goes_by_cpu),
                    TEST_CASE(cpus_beyond_the_slots_use_shards), TEST_CASE(signals_lose_nothing),
                    TEST_CASE(child_goes_on_counting), TEST_CASE(sequences_can_be_found),
                    TEST_CASE(nothing_is_left_with_the_kernel),
                    TEST_CASE(works_without_registration));
}
