/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/parallel.h: for and map against the serial loop, for many sizes and grains, with several
 * pools and without one, from outside and from a worker; what ends a loop early; what it learns.
 * Reduce and scan are in tests/parallel_sum.c. */

#include "parallel.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

/* ---- for ---- */

static WEIR_ATOMIC(uint32_t) visits[MOST];
static size_t first, count; /* of the loop that is tried */

static void visit_item(size_t i)
{
    weir_atomic_fetch_add(&visits[i - first], 1, WEIR_RELAXED); /* relaxed: a number. */
}

static int visit_range(void *how, size_t from, size_t to)
{
    const size_t grain = ((const weir_parallel *)how)->grain;

    CHECK(from >= first && from < to && to - first <= count);
    if (grain != 0) {
        CHECK_EQ((from - first) % grain, 0);
        CHECK(to - from == grain || (to - first == count && to - from < grain));
    }
    for (size_t i = from; i < to; i++)
        visit_item(i);
    return 0;
}

static int visit_all(const weir_parallel *how)
{
    weir_parallel copy = *how;
    const int status = weir_parallel_for(how, first, first + count, visit_range, &copy);

    for (size_t i = 0; i < count; i++) {
        CHECK_EQ(weir_atomic_load(&visits[i], WEIR_RELAXED), 1); /* relaxed: the loop is over. */
        weir_atomic_store(&visits[i], 0, WEIR_RELAXED);          /* relaxed: as above. */
    }
    return status;
}

static void each_item_once(void)
{
    static const size_t grains[] = {0, 1, 2, 64, 1009, MOST, SIZE_MAX};

    for (int g = 0; g < 7; g++) {
        const size_t grain = grains[g];
        const size_t sizes[] = {0, 1, 2, 3, 61, 997, grain - 1, grain, grain + 1, MOST};

        for (int s = 0; s < 10; s++) {
            if (sizes[s] > MOST || (grain == 1 && sizes[s] == MOST))
                continue;
            count = sizes[s];
            first = s % 2 == 0 ? 0 : 12345;
            everywhere(visit_all, grain);
        }
    }
}

static void ranges_end_at_the_last_number(void)
{
    count = 7;
    first = SIZE_MAX - count;
    for (size_t grain = 0; grain < 9; grain++)
        everywhere(visit_all, grain == 8 ? SIZE_MAX : grain);
}

/* As many items as workers, of which each waits for all others: they run at the same time. */
static WEIR_ATOMIC(size_t) present;

static int meet(void *all, size_t from, size_t to)
{
    const uint64_t end = weir_clock_after(UINT64_C(60000) * MS);
    const size_t expected = *(const size_t *)all;

    CHECK_EQ(to - from, 1);
    weir_atomic_fetch_add(&present, 1, WEIR_RELAXED);             /* relaxed: a number. */
    while (weir_atomic_load(&present, WEIR_RELAXED) < expected) { /* relaxed: as above. */
        CHECK(weir_clock_now() < end);
        sched_yield();
    }
    return 0;
}

static void heavy_items_get_a_worker_each(void)
{
    for (int p = 2; p < POOLS; p++) {
        size_t n = sizes_of_pools[p];
        weir_pool *const pool = new_pool((unsigned)n);

        for (size_t grain = 0; grain < 2; grain++) {
            weir_parallel_hint hint = heavy;
            const weir_parallel how = {pool, grain, NULL, &hint};

            weir_atomic_store(&present, 0, WEIR_RELAXED); /* relaxed: nobody else is there. */
            CHECK_EQ(weir_parallel_for(&how, 0, n, meet, &n), 0);
        }
        end_pool(pool);
    }
}

static int spin_then_meet(void *all, size_t from, size_t to)
{
    if (from == 0) {
        const uint64_t end = weir_clock_after(MS);

        CHECK_EQ(to, 1);
        while (weir_clock_now() < end) {
        }
        return 0;
    }
    return meet(all, from, to);
}

/* Without a hint the first item is measured, and the others go to the pool. */
static void a_long_first_item_is_noticed(void)
{
    weir_pool *const pool = new_pool(2);
    const weir_parallel how = {pool, 0, NULL, NULL};
    size_t n = 2;

    weir_atomic_store(&present, 0, WEIR_RELAXED); /* relaxed: nobody else is there. */
    CHECK_EQ(weir_parallel_for(&how, 0, 3, spin_then_meet, &n), 0);
    CHECK(is_touched(pool));
    end_pool(pool);
}

static int nothing(void *context, size_t from, size_t to)
{
    (void)context;
    (void)from;
    (void)to;
    return 0;
}

/* Unless the thread was interrupted for so long that an item seemed to be large. */
static void small_loops_leave_the_pool_alone(void)
{
    int alone = 0;

    if (test_emulated()) {
        test_skip("an emulator's clock takes as long as an item that is large");
        return;
    }
    for (int i = 0; i < 50; i++) {
        weir_parallel_hint hint = {0, 0, false};
        const weir_parallel how = {new_pool(2), 0, NULL, &hint};

        CHECK_EQ(weir_parallel_for(&how, 0, 64, nothing, NULL), 0);
        alone += !is_touched(how.pool) && hint.serial && hint.item_ps < 1000000;
        end_pool(how.pool);
    }
    CHECK(alone > 0);
}

static int count_calls(void *calls, size_t from, size_t to)
{
    (void)from;
    (void)to;
    ++*(unsigned *)calls;
    return 0;
}

static int all_at_once(const weir_parallel *how)
{
    unsigned calls = 0;

    CHECK_EQ(weir_parallel_for(how, 0, 1000, count_calls, &calls), 0);
    CHECK_EQ(calls, 1);
    return 0;
}

/* One worker gains nothing: as without a pool nobody looks at the clock, nor offers a half. */
static void who_is_alone_does_all_at_once(void)
{
    weir_parallel_hint hint = heavy;
    const weir_parallel how = {new_pool(1), 0, NULL, &hint};
    visit v = {all_at_once, &how};

    CHECK_EQ(all_at_once(NULL), 0);
    CHECK_EQ(all_at_once(&how), 0);
    CHECK(!is_touched(how.pool));
    hint = heavy;
    inside(how.pool, be_inside, &v);
    end_pool(how.pool);
}

/* ---- nested ---- */

static WEIR_ATOMIC(uint64_t) leaves;

static int innermost(void *context, size_t from, size_t to)
{
    (void)context;
    weir_atomic_fetch_add(&leaves, to - from, WEIR_RELAXED); /* relaxed: a number. */
    return 0;
}

static int middle(void *how, size_t from, size_t to)
{
    int status = 0;

    for (size_t i = from; i < to && status == 0; i++)
        status = weir_parallel_for((const weir_parallel *)how, 0, 30 + i, innermost, NULL);
    return status;
}

static int outer(void *how, size_t from, size_t to)
{
    weir_parallel_hint hint = heavy;
    weir_parallel hinted = *(const weir_parallel *)how;
    int status = 0;

    hinted.hint = &hint;
    for (size_t i = from; i < to && status == 0; i++) {
        hint = heavy;
        status = weir_parallel_for(&hinted, 0, 20, middle, how);
    }
    return status;
}

static int nest(const weir_parallel *how)
{
    weir_parallel without = *how;
    int status;

    without.hint = NULL;
    weir_atomic_store(&leaves, 0, WEIR_RELAXED); /* relaxed: nobody else is there. */
    status = weir_parallel_for(how, 0, 50, outer, &without);
    /* relaxed: the loop is over. */
    CHECK_EQ(weir_atomic_load(&leaves, WEIR_RELAXED), 50 * (20 * 30 + 190));
    return status;
}

static void loops_nest(void)
{
    everywhere(nest, 0);
    everywhere(nest, 1);
    everywhere(nest, 7);
}

/* Of one pool inside a worker of another. */
static weir_pool *other_pool;

static int cross(void *how, size_t from, size_t to)
{
    weir_parallel_hint hint = heavy;
    const weir_parallel other = {other_pool, 0, NULL, &hint};

    (void)how;
    (void)from;
    (void)to;
    return weir_parallel_for(&other, 0, 100, innermost, NULL);
}

static void pools_nest(void)
{
    weir_parallel_hint hint = heavy;
    weir_parallel how = {new_pool(2), 1, NULL, &hint};

    other_pool = new_pool(2);
    weir_atomic_store(&leaves, 0, WEIR_RELAXED); /* relaxed: nobody else is there. */
    CHECK_EQ(weir_parallel_for(&how, 0, 20, cross, NULL), 0);
    CHECK_EQ(weir_atomic_load(&leaves, WEIR_RELAXED), 2000); /* relaxed: the loop is over. */
    end_pool(how.pool);
    end_pool(other_pool);
}

/* ---- ends before the end ---- */

static WEIR_ATOMIC(size_t) failures;

static int fail_from_40(void *context, size_t from, size_t to)
{
    (void)context;
    for (size_t i = from; i < to; i++)
        visit_item(i);
    if (from < 40)
        return 0;
    weir_atomic_fetch_add(&failures, 1, WEIR_RELAXED); /* relaxed: a number. */
    return -(int)from;
}

static int fail_all(const weir_parallel *how)
{
    size_t lowest = 0, done = 0, threads;
    int status;

    first = 0;
    count = 2000;
    weir_atomic_store(&failures, 0, WEIR_RELAXED); /* relaxed: nobody else is there. */
    status = weir_parallel_for(how, 0, count, fail_from_40, NULL);
    for (size_t i = count; i-- > 0;) {
        /* relaxed: the loop is over. */
        const uint32_t n = weir_atomic_exchange(&visits[i], 0, WEIR_RELAXED);

        CHECK(n <= 1);
        done += n;
        if (n != 0 && i >= 40)
            lowest = i;
    }
    threads = how->pool == NULL ? 0 : stats_of(how->pool).threads;
    CHECK(lowest >= 40 && done < count);
    CHECK_EQ(status, -(int)lowest);
    /* In order, the first 41 exactly. */
    CHECK(how->pool != NULL || done == 41);
    /* relaxed: as above. Each thread stops after its own. */
    CHECK(weir_atomic_load(&failures, WEIR_RELAXED) <= (threads == 0 ? 1 : threads));
    return 0;
}

static void the_lowest_error_ends_a_loop(void)
{
    everywhere(fail_all, 1);
}

static int meet_and_fail(void *all, size_t from, size_t to)
{
    CHECK_EQ(meet(all, from, to), 0);
    return -1 - (int)from;
}

static void of_several_errors_the_lowest_returns(void)
{
    for (int p = 2; p < POOLS; p++) {
        size_t n = sizes_of_pools[p];
        weir_parallel_hint hint = heavy;
        const weir_parallel how = {new_pool((unsigned)n), 1, NULL, &hint};

        weir_atomic_store(&present, 0, WEIR_RELAXED); /* relaxed: nobody else is there. */
        CHECK_EQ(weir_parallel_for(&how, 0, n, meet_and_fail, &n), -1);
        CHECK_EQ(hint.item_ps, heavy.item_ps);
        end_pool(how.pool);
    }
}

static int plus_1(void *context, size_t from, size_t to)
{
    (void)context;
    (void)from;
    (void)to;
    return 1;
}

static void an_error_is_negative(void)
{
    CHECK_DIES((void)!weir_parallel_for(NULL, 0, 1, plus_1, NULL), "0 or a negative errno");
}

static weir_cancel_source source;

static int cancel_at_40(void *context, size_t from, size_t to)
{
    (void)context;
    CHECK_EQ(to, from + 1);
    weir_atomic_fetch_add(&leaves, 1, WEIR_RELAXED); /* relaxed: a number. */
    if (from == 40 || from == 1500)
        (void)weir_cancel_source_cancel(&source, 0);
    return 0;
}

static int cancel_one(const weir_parallel *how)
{
    weir_parallel cancelled = *how;

    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    cancelled.cancel = weir_cancel_source_token(&source);
    weir_atomic_store(&leaves, 0, WEIR_RELAXED); /* relaxed: nobody else is there. */
    CHECK_EQ(weir_parallel_for(&cancelled, 0, 2000, cancel_at_40, NULL), -ECANCELED);
    /* relaxed: the loop is over. */
    CHECK(weir_atomic_load(&leaves, WEIR_RELAXED) < 2000);
    /* relaxed: as above. In order, no chunk after it. */
    CHECK(how->pool != NULL || weir_atomic_load(&leaves, WEIR_RELAXED) == 41);
    weir_atomic_store(&leaves, 0, WEIR_RELAXED); /* relaxed: as above. */
    CHECK_EQ(weir_parallel_for(&cancelled, 0, 2000, cancel_at_40, NULL), -ECANCELED);
    CHECK_EQ(weir_atomic_load(&leaves, WEIR_RELAXED), 0); /* relaxed: as above. */
    CHECK_EQ(weir_parallel_for(&cancelled, 5, 5, cancel_at_40, NULL), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    return 0;
}

static void a_token_ends_a_loop(void)
{
    everywhere(cancel_one, 1);
}

/* Where the library chooses the pieces too. */
static int cancel_early(void *context, size_t from, size_t to)
{
    const uint64_t end = weir_clock_after((to - from) * 1000);

    (void)context;
    weir_atomic_fetch_add(&leaves, to - from, WEIR_RELAXED); /* relaxed: a number. */
    while (weir_clock_now() < end) {
    }
    (void)weir_cancel_source_cancel(&source, 0);
    return 0;
}

static int cancel_free(const weir_parallel *how)
{
    weir_parallel cancelled = *how;

    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    cancelled.cancel = weir_cancel_source_token(&source);
    weir_atomic_store(&leaves, 0, WEIR_RELAXED); /* relaxed: nobody else is there. */
    CHECK_EQ(weir_parallel_for(&cancelled, 0, MOST, cancel_early, NULL), -ECANCELED);
    CHECK(weir_atomic_load(&leaves, WEIR_RELAXED) < 100); /* relaxed: the loop is over. */
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    return 0;
}

static void a_token_ends_a_loop_without_grain(void)
{
    everywhere(cancel_free, 0);
}

static int never(void *context, size_t from, size_t to)
{
    (void)context;
    (void)from;
    (void)to;
    test_fail(__FILE__, __LINE__, "a body was called");
    return 0;
}

static void a_stopped_pool_does_nothing(void)
{
    for (int p = 1; p < POOLS; p++) {
        weir_pool *const pool = new_pool(sizes_of_pools[p]);
        const weir_parallel how = {pool, 0, NULL, NULL};

        CHECK_EQ(weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
        CHECK_EQ(weir_parallel_for(&how, 0, 10, never, NULL), -EPIPE);
        CHECK_EQ(weir_parallel_for(&how, 10, 10, never, NULL), 0);
        end_pool(pool);
    }
}

/* All workers are busy, and the pool is stopped while the loop waits for one. */
typedef struct busy {
    weir_pool *pool;
    gate_job gates[2];
} busy;

static void *stop_soon(void *of)
{
    const uint64_t soon = weir_clock_after(5 * MS);
    busy *const b = (busy *)of;

    while (weir_clock_now() < soon)
        sched_yield();
    CHECK_EQ(weir_pool_stop(b->pool, WEIR_POOL_DISCARD, 0), -ETIMEDOUT);
    gate_open(&b->gates[0]);
    gate_open(&b->gates[1]);
    return NULL;
}

static void a_pool_may_stop_meanwhile(void)
{
    weir_parallel_hint hint = heavy;
    const weir_parallel how = {new_pool(2), 1, NULL, &hint};
    pthread_t thread;
    busy b;

    b.pool = how.pool;
    gate_enter(&b.gates[0], b.pool);
    gate_enter(&b.gates[1], b.pool);
    CHECK(pthread_create(&thread, NULL, stop_soon, &b) == 0);
    CHECK_EQ(weir_parallel_for(&how, 0, 10, never, NULL), -EPIPE);
    CHECK(pthread_join(thread, NULL) == 0);
    end_pool(b.pool);
}

static void absurd_numbers_are_refused(void)
{
    CHECK_EQ(weir_parallel_for(NULL, 2, 1, never, NULL), -EINVAL);
    CHECK_EQ(weir_parallel_for(NULL, SIZE_MAX, 0, never, NULL), -EINVAL);
    CHECK_EQ(weir_parallel_map(NULL, NULL, 3, SIZE_MAX / 2, NULL, NULL), -EINVAL);
    CHECK_EQ(weir_parallel_map(NULL, NULL, 3, 0, NULL, NULL), 0);
}

/* ---- map ---- */

typedef struct mapped {
    uint64_t square;
    unsigned char rest[5];
} mapped;

static int square(void *fails, size_t item, void *result)
{
    mapped *const m = (mapped *)result;

    if (fails != NULL && item == 40)
        return -EIO;
    m->square = item * item;
    m->rest[4] = (unsigned char)item;
    return 0;
}

static int map_all(const weir_parallel *how)
{
    static mapped results[MOST + 1];

    memset(results, 1, sizeof results);
    CHECK_EQ(weir_parallel_map(how, results, sizeof *results, MOST, square, NULL), 0);
    for (size_t i = 0; i < MOST; i++)
        CHECK(results[i].square == i * i && results[i].rest[4] == (unsigned char)i);
    CHECK_EQ(results[MOST].rest[4], 1);
    memset(results, 1, sizeof results);
    CHECK_EQ(weir_parallel_map(how, results, sizeof *results, MOST, square, results), -EIO);
    CHECK_EQ(results[40].rest[4], 1);
    return 0;
}

static void results_are_in_order(void)
{
    everywhere(map_all, 0);
    everywhere(map_all, 1009);
}

/* Of a pool that can make no thread the caller does the loop. */
static void threads_may_be_short(void)
{
    for (int tokened = 0; tokened < 2; tokened++) {
        weir_cancel_source token = WEIR_CANCEL_SOURCE_INIT;
        weir_parallel_hint hint = heavy;
        weir_parallel how = {NULL, 0, NULL, &hint};

        test_alloc_fail_at(0);
        how.pool = new_pool(2);
        how.cancel = tokened ? weir_cancel_source_token(&token) : NULL;
        test_alloc_calls = 0;
        test_alloc_fail_nr = 1;
        count = 1000;
        first = 0;
        CHECK_EQ(visit_all(&how), 0);
        CHECK(test_alloc_calls >= 1);
        CHECK(!is_touched(how.pool));
        end_pool(how.pool);
        CHECK_EQ(test_alloc_live, 0);
        weir_set_allocator(NULL);
    }
}

/* The same where it is the system that refuses. */
static void stacks_may_be_absurd(void)
{
    weir_pool_options options = no_options();
    weir_parallel_hint hint = heavy;
    weir_parallel how = {NULL, 0, NULL, &hint};

    if (sizeof(size_t) < 8 || test_emulated()) {
        test_skip("no stack is absurd enough here");
        return;
    }
    options.workers = 2;
    count = 1000;
    first = 0;
    for (int shift = 0; shift <= 18;
         shift += 18) { /* EINVAL by pthread_create(3); EAGAIN: 64 TiB */
        hint = heavy;
        options.stack_bytes = SIZE_MAX >> shift;
        if (weir_pool_new(&how.pool, &options) == -EINVAL && shift == 0)
            continue; /* some systems say it here */
        CHECK_EQ(visit_all(&how), 0);
        CHECK_EQ(stats_of(how.pool).refusals, 1);
        end_pool(how.pool);
    }
}

/* ---- hints ---- */

static int take_100_us_each(void *context, size_t from, size_t to)
{
    const uint64_t end = weir_clock_after((to - from) * 100000);

    (void)context;
    while (weir_clock_now() < end) {
    }
    return 0;
}

static int take_hints(const weir_parallel *how)
{
    weir_parallel_hint hint = {0, 0, true};
    weir_parallel hinted = *how;

    hinted.hint = &hint;
    CHECK_EQ(weir_parallel_for(&hinted, 0, 10, take_100_us_each, NULL), 0);
    CHECK(hint.item_ps >= 100000000);
    CHECK(!hint.serial);
    CHECK_EQ(hint.grain, how->grain != 0 ? how->grain : 1);
    CHECK_EQ(weir_parallel_for(&hinted, 0, 0, never, NULL), 0);
    CHECK(hint.item_ps >= 100000000);
    return 0;
}

static void hints_tell_what_an_item_takes(void)
{
    everywhere(take_hints, 0);
    everywhere(take_hints, 3);
}

int main(void)
{
    return TEST_RUN(
        "parallel", TEST_CASE(each_item_once), TEST_CASE(ranges_end_at_the_last_number),
        TEST_CASE(heavy_items_get_a_worker_each), TEST_CASE(a_long_first_item_is_noticed),
        TEST_CASE(small_loops_leave_the_pool_alone), TEST_CASE(who_is_alone_does_all_at_once),
        TEST_CASE(loops_nest), TEST_CASE(pools_nest), TEST_CASE(the_lowest_error_ends_a_loop),
        TEST_CASE(of_several_errors_the_lowest_returns), TEST_CASE(an_error_is_negative),
        TEST_CASE(a_token_ends_a_loop), TEST_CASE(a_token_ends_a_loop_without_grain),
        TEST_CASE(a_stopped_pool_does_nothing), TEST_CASE(a_pool_may_stop_meanwhile),
        TEST_CASE(absurd_numbers_are_refused), TEST_CASE(results_are_in_order),
        TEST_CASE(threads_may_be_short), TEST_CASE(stacks_may_be_absurd),
        TEST_CASE(hints_tell_what_an_item_takes));
}
