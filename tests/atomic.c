/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "atomic_shared.h"
#include "test.h"

#include <pthread.h>
#include <time.h>

enum { THREADS = 4, EACH = 20000 };

static void atomics_have_the_size_of_their_values(void)
{
    CHECK_EQ(sizeof(WEIR_ATOMIC(bool)), 1);
    CHECK_EQ(sizeof(WEIR_ATOMIC(uint8_t)), 1);
    CHECK_EQ(sizeof(WEIR_ATOMIC(uint16_t)), 2);
    CHECK_EQ(sizeof(WEIR_ATOMIC(uint32_t)), 4);
    CHECK_EQ(sizeof(WEIR_ATOMIC(uint64_t)), 8);
    CHECK_EQ(_Alignof(WEIR_ATOMIC(uint64_t)), 8);
    CHECK_EQ(sizeof(WEIR_ATOMIC(size_t)), sizeof(size_t));
    CHECK_EQ(sizeof(WEIR_ATOMIC(void *)), sizeof(void *));
}

static WEIR_ATOMIC(uint64_t) initialised = WEIR_ATOMIC_INIT(UINT64_MAX);

static void operations_do_what_they_are_called(void)
{
    WEIR_ATOMIC(uint64_t) a;
    WEIR_ATOMIC(void *) p;
    uint64_t seen = 1;
    void *none = NULL;

    /* relaxed, all: one thread. */
    CHECK(weir_atomic_load(&initialised, WEIR_RELAXED) == UINT64_MAX);
    weir_atomic_init(&a, 5);
    CHECK_EQ(weir_atomic_load(&a, WEIR_RELAXED), 5);
    weir_atomic_store(&a, 6, WEIR_RELAXED);
    CHECK_EQ(weir_atomic_exchange(&a, 7, WEIR_RELAXED), 6);
    CHECK_EQ(weir_atomic_fetch_add(&a, 3, WEIR_RELAXED), 7);
    CHECK_EQ(weir_atomic_fetch_sub(&a, 2, WEIR_RELAXED), 10);
    CHECK_EQ(weir_atomic_fetch_or(&a, 3, WEIR_RELAXED), 8);
    CHECK_EQ(weir_atomic_fetch_and(&a, 9, WEIR_RELAXED), 11);
    CHECK_EQ(weir_atomic_load(&a, WEIR_SEQ_CST), 9);

    /* A failure tells what was there and changes nothing. */
    CHECK(!weir_atomic_cas(&a, &seen, 100, WEIR_RELAXED, WEIR_RELAXED));
    CHECK_EQ(seen, 9);
    CHECK(weir_atomic_cas(&a, &seen, 100, WEIR_RELAXED, WEIR_RELAXED));
    CHECK_EQ(seen, 9);
    seen = 100;
    while (!weir_atomic_cas_weak(&a, &seen, 200, WEIR_RELAXED, WEIR_RELAXED))
        CHECK_EQ(seen, 100);
    CHECK_EQ(weir_atomic_load(&a, WEIR_RELAXED), 200);

    weir_atomic_init(&p, NULL);
    CHECK(weir_atomic_cas(&p, &none, &a, WEIR_ACQ_REL, WEIR_ACQUIRE));
    CHECK(weir_atomic_load(&p, WEIR_ACQUIRE) == (void *)&a);
}

#ifdef WEIR_HAVE_DWORD_CAS

static weir_dword pair;

static void set_pair(uint64_t lo, uint64_t hi)
{
    weir_atomic_init(&pair.lo, lo);
    weir_atomic_init(&pair.hi, hi);
}

static void check_pair(uint64_t lo, uint64_t hi)
{
    /* relaxed: one thread, or joined. */
    CHECK(weir_atomic_load(&pair.lo, WEIR_RELAXED) == lo);
    CHECK(weir_atomic_load(&pair.hi, WEIR_RELAXED) == hi);
}

static void dword_is_replaced_whole(void)
{
    const uint64_t big = UINT64_C(0xfedcba9876543210);
    uint64_t lo = 1, hi = 2;

    CHECK_EQ((uintptr_t)&pair % 16, 0);
    set_pair(1, 2);
    CHECK(weir_dword_cas(&pair, &lo, &hi, big, ~big));
    CHECK(lo == 1 && hi == 2); /* the pair found is the pair expected */
    check_pair(big, ~big);
    lo = big;
    hi = ~big;
    CHECK(weir_dword_cas(&pair, &lo, &hi, big, ~big)); /* by itself */
    check_pair(big, ~big);
}

static void dword_failure_returns_the_pair(void)
{
    const uint64_t wrong[3][2] = {{10, 0}, {0, 20}, {0, 0}}; /* lo right, hi right, none */

    for (int i = 0; i < 3; i++) {
        uint64_t lo = wrong[i][0], hi = wrong[i][1];

        set_pair(10, 20);
        CHECK(!weir_dword_cas(&pair, &lo, &hi, 30, 40));
        CHECK_EQ(lo, 10);
        CHECK_EQ(hi, 20);
        check_pair(10, 20);
        CHECK(weir_dword_cas(&pair, &lo, &hi, 30, 40)); /* what it returned is right */
        check_pair(30, 40);
    }
}

static void *step_pair(void *argument)
{
    (void)argument;
    for (int i = 0; i < EACH; i++) {
        uint64_t lo = 0, hi = 0; /* a guess: the first failure brings the pair */
        bool first = true;

        while (!weir_dword_cas(&pair, &lo, &hi, lo + 1, hi + 3)) {
            CHECK(hi == 3 * lo); /* never half of one and half of another */
            first = false;
        }
        CHECK(!first || (lo == 0 && hi == 0));
    }
    return NULL;
}

static void dword_is_never_torn(void)
{
    pthread_t threads[THREADS];

    set_pair(0, 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, step_pair, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    check_pair(THREADS * EACH, 3 * THREADS * EACH);
}

#else

static const char no_dword[] = "no double-word compare-and-swap here";

static void dword_is_replaced_whole(void)
{
    test_skip(no_dword);
}

static void dword_failure_returns_the_pair(void)
{
    test_skip(no_dword);
}

static void dword_is_never_torn(void)
{
    test_skip(no_dword);
}

#endif

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void backoff_grows_to_its_cap(void)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    uint32_t want = WEIR_BACKOFF_MIN_NS;
    uint64_t begin;

    CHECK_EQ(backoff.ns, 0);
    for (int i = 0; i < 10; i++) {
        weir_backoff_wait(&backoff);
        want = want * 2 < WEIR_BACKOFF_MAX_NS ? want * 2 : WEIR_BACKOFF_MAX_NS;
        CHECK_EQ(backoff.ns, want);
    }
    CHECK_EQ(backoff.ns, WEIR_BACKOFF_MAX_NS);
    begin = now_ns();
    for (int i = 0; i < 100; i++)
        weir_backoff_wait(&backoff);
    printf("a wait of %d ns took %d ns\n", WEIR_BACKOFF_MAX_NS, (int)((now_ns() - begin) / 100));
}

static void asserts_cost_nothing_unless_checked(void)
{
    int evaluated = 0;

    WEIR_ASSERT(++evaluated > 0, "never said");
#ifdef WEIR_CHECKED
    CHECK_EQ(evaluated, 1);
#else
    CHECK_EQ(evaluated, 0);
#endif
}

static both shared;

static void *change_from_cxx(void *argument)
{
    (void)argument;
    cxx_change(&shared, EACH);
    return NULL;
}

static void c_and_cxx_share_one_object(void)
{
    size_t c_at[BOTH_LAYOUT], cxx_at[BOTH_LAYOUT], n;
    pthread_t thread;

    BOTH_FILL_LAYOUT(c_at, n);
    CHECK_EQ(cxx_layout(cxx_at), n);
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(c_at[i], cxx_at[i]);

    weir_ref_init(&shared.ref, 1);
    weir_state_init(&shared.state, 1);
    CHECK_EQ(weir_counter_sharded_new(&shared.sharded, 4), 0);
    CHECK(pthread_create(&thread, NULL, change_from_cxx, NULL) == 0);
    for (int i = 0; i < EACH; i++) {
        /* relaxed: a count. */
        weir_atomic_fetch_add(&shared.word32, 1, WEIR_RELAXED);
        weir_atomic_fetch_add(&shared.word64, 1, WEIR_RELAXED);
#ifdef WEIR_HAVE_DWORD_CAS
        uint64_t lo = 0, hi = 0;

        while (!weir_dword_cas(&shared.dword, &lo, &hi, lo + 1, hi + 2))
            CHECK_EQ(hi, 2 * lo);
#endif
        weir_counter_inc(&shared.counter);
        weir_counter_sharded_inc(shared.sharded);
        weir_ref_get(&shared.ref);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    /* relaxed: joined. */
    CHECK_EQ(weir_atomic_load(&shared.word32, WEIR_RELAXED), 2 * EACH);
    CHECK_EQ(weir_atomic_load(&shared.word64, WEIR_RELAXED), 2 * EACH);
    CHECK(weir_atomic_load(&shared.yes, WEIR_RELAXED));
    CHECK(weir_atomic_load(&shared.pointer, WEIR_RELAXED) == (void *)&shared);
#ifdef WEIR_HAVE_DWORD_CAS
    CHECK_EQ(weir_atomic_load(&shared.dword.lo, WEIR_RELAXED), 2 * EACH);
    CHECK_EQ(weir_atomic_load(&shared.dword.hi, WEIR_RELAXED), 4 * EACH);
#endif
    CHECK_EQ(weir_counter_read(&shared.counter), 2 * EACH);
    CHECK_EQ(weir_counter_sharded_read(shared.sharded), 2 * EACH);
    CHECK_EQ(weir_ref_count_approx(&shared.ref), 2 * EACH + 1);
    CHECK(weir_flag_test(&shared.flag));
    CHECK_EQ(weir_state_read(&shared.state), 2);
    weir_counter_sharded_free(shared.sharded);
}

int main(void)
{
    return TEST_RUN("atomic", TEST_CASE(atomics_have_the_size_of_their_values),
                    TEST_CASE(operations_do_what_they_are_called),
                    TEST_CASE(dword_is_replaced_whole), TEST_CASE(dword_failure_returns_the_pair),
                    TEST_CASE(dword_is_never_torn), TEST_CASE(backoff_grows_to_its_cap),
                    TEST_CASE(asserts_cost_nothing_unless_checked),
                    TEST_CASE(c_and_cxx_share_one_object));
}
