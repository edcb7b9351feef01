/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/deque.h: all cases with each scheme of weir/guard.h, with membarrier(2) and without. The
 * thieves' side is called by the owner's own thread, so that each state is a fact; real
 * thieves are in one case here, and in stress/deque.c. */

#define WEIR_CHECKED 1

#include "test.h"

#include <weir/deque.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char late[] = "used after destroy, or before init";

static const size_t capacities[] = {1, 2, 3, 4, 7, 64, 100};
static const uint64_t starts[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, UINT64_MAX - 70};

typedef struct flavour {
    const char *name;
    weir_guard_scheme scheme;
    bool fenced;
} flavour;

static const flavour flavours[] = {
    {"epoch", WEIR_GUARD_EPOCH, false},       {"epoch, fenced", WEIR_GUARD_EPOCH, true},
    {"interval", WEIR_GUARD_INTERVAL, false}, {"interval, fenced", WEIR_GUARD_INTERVAL, true},
    {"hazard", WEIR_GUARD_HAZARD, false},     {"hazard, fenced", WEIR_GUARD_HAZARD, true}};

static const flavour *now = &flavours[0];

static weir_guard *domain;
static weir_guard_record *self;

/* A domain in which each retire looks for what can be freed. */
static void open_domain(void)
{
    const weir_reclaim_options options = {1, 0, 0, NULL, NULL, now->fenced};

    domain = NULL;
    CHECK_EQ(weir_guard_new(&domain, now->scheme, &options), 0);
    self = weir_guard_self(domain);
    CHECK(self != NULL);
}

static void close_domain(void)
{
    CHECK_EQ(weir_guard_free(domain), 0);
}

static weir_deque *made_at(size_t capacity, uint64_t start)
{
    weir_deque *const deque = (weir_deque *)aligned_alloc(WEIR_CACHELINE, sizeof *deque);

    CHECK(deque != NULL);
    CHECK_EQ(weir_deque_init_at(deque, domain, capacity, start), 0);
    return deque;
}

static weir_deque *made(size_t capacity)
{
    return made_at(capacity, 0);
}

static void end(weir_deque *deque)
{
    CHECK_EQ(weir_deque_size_approx(deque), 0);
    CHECK_EQ(weir_deque_destroy(deque), 0);
    free(deque);
}

static void push_numbers(weir_deque *deque, uintptr_t first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(weir_deque_push(deque, first + i), 0);
}

static void pops(weir_deque *deque, uintptr_t value)
{
    uintptr_t got = 0;

    CHECK(weir_deque_pop(deque, &got));
    CHECK_EQ(got, value);
}

static void steals(weir_deque *deque, uintptr_t value)
{
    uintptr_t got = 0;

    CHECK(weir_deque_steal(deque, self, &got));
    CHECK_EQ(got, value);
}

/* To both sides; the place for the value is not touched. */
static void is_empty(weir_deque *deque)
{
    uintptr_t got = 77;

    CHECK_EQ(weir_deque_size_approx(deque), 0);
    CHECK(!weir_deque_pop(deque, &got));
    CHECK(!weir_deque_steal(deque, self, &got));
    CHECK_EQ(weir_deque_steal_burst(deque, self, &got, 1), 0);
    CHECK_EQ(got, 77);
}

static uint64_t mode_of(const weir_deque *deque)
{
    return weir_atomic_load(&deque->ends.hi, WEIR_RELAXED);
}

static uint64_t generation_of(const weir_deque *deque)
{
    return mode_of(deque) / 4;
}

/* Whether a deque of this domain can be the owner's alone at all, and again. */
static bool starts_alone(void)
{
    return !weir__reclaim_fenced((const weir__domain *)(const void *)domain);
}

static bool comes_back(void)
{
#ifdef WEIR_HAVE_DWORD_CAS
    return starts_alone();
#else
    return false;
#endif
}

/* ---- one side, the other, both ---- */

static void the_owner_takes_the_newest(void)
{
    for (size_t c = 0; c < COUNT(capacities); c++) {
        for (size_t s = 0; s < COUNT(starts); s++) {
            weir_deque *const deque = made_at(capacities[c], starts[s]);

            is_empty(deque);
            push_numbers(deque, 5, 1);
            CHECK_EQ(weir_deque_size_approx(deque), 1);
            pops(deque, 5);
            is_empty(deque);
            for (size_t n = 2; n <= 200; n += 33) {
                push_numbers(deque, n, n);
                CHECK_EQ(weir_deque_size_approx(deque), n);
                for (size_t i = n; i-- > 0;)
                    pops(deque, n + i);
                is_empty(deque);
            }
            end(deque);
        }
    }
}

static void thieves_take_the_oldest(void)
{
    for (size_t c = 0; c < COUNT(capacities); c++) {
        for (size_t s = 0; s < COUNT(starts); s++) {
            weir_deque *const deque = made_at(capacities[c], starts[s]);

            push_numbers(deque, 5, 1);
            steals(deque, 5);
            is_empty(deque);
            for (size_t n = 2; n <= 200; n += 33) {
                push_numbers(deque, n, n);
                for (size_t i = 0; i < n; i++)
                    steals(deque, n + i);
                is_empty(deque);
            }
            end(deque);
        }
    }
}

static void takes_oldest(weir_deque *deque, uintptr_t value)
{
    uintptr_t got = 0;

    CHECK(weir_deque_pop_oldest(deque, &got));
    CHECK_EQ(got, value);
}

static void the_owner_takes_the_oldest(void)
{
    for (unsigned shared = 0; shared < 2; shared++) {
        weir_deque *deque;
        uintptr_t got = 0;

        deque = made(2);
        CHECK(!weir_deque_pop_oldest(deque, &got));
        push_numbers(deque, 1, 6);
        if (shared == 1)
            steals(deque, 1);
        else
            takes_oldest(deque, 1);
        takes_oldest(deque, 2);
        pops(deque, 6);
        takes_oldest(deque, 3);
        push_numbers(deque, 7, 1);
        takes_oldest(deque, 4);
        takes_oldest(deque, 5);
        takes_oldest(deque, 7);
        CHECK(!weir_deque_pop_oldest(deque, &got));
        is_empty(deque);
        end(deque);
    }
}

/* A model of both ends, from all starts, by a fixed sequence of steps that has every state. */
static void both_ends_meet(void)
{
    for (size_t c = 0; c < COUNT(capacities); c++) {
        for (size_t s = 0; s < COUNT(starts); s++) {
            weir_deque *const deque = made_at(capacities[c], starts[s]);
            uintptr_t model[4096], next = 1;
            size_t oldest = 0, newest = 0;
            uint64_t dice = 88172645463325252u;

            for (unsigned step = 0; step < 3000; step++) {
                dice ^= dice << 13;
                dice ^= dice >> 7;
                dice ^= dice << 17;
                /* Rises and falls, so that it is often empty and often grows. */
                if (dice % 8 < (step / 40 % 2 == 0 ? 5 : 2)) {
                    CHECK_EQ(weir_deque_push(deque, next), 0);
                    model[newest++] = next++;
                } else if (oldest == newest) {
                    is_empty(deque);
                } else if (dice / 8 % 3 == 0) {
                    if (dice / 32 % 2 == 0)
                        steals(deque, model[oldest++]);
                    else
                        takes_oldest(deque, model[oldest++]);
                } else {
                    pops(deque, model[--newest]);
                }
                CHECK_EQ(weir_deque_size_approx(deque), newest - oldest);
            }
            while (oldest < newest)
                pops(deque, model[--newest]);
            end(deque);
        }
    }
}

static void a_burst_takes_half(void)
{
    weir_deque *const deque = made(4);
    uintptr_t got[64];

    for (size_t inside = 1; inside <= 40; inside++) {
        for (size_t n = 0; n <= 45; n += n < 5 ? 1 : 8) {
            const size_t half = (inside + 1) / 2, want = n < half ? n : half;

            push_numbers(deque, 100, inside);
            memset(got, 0, sizeof got);
            CHECK_EQ(weir_deque_steal_burst(deque, self, got, n), want);
            for (size_t i = 0; i < want; i++)
                CHECK_EQ(got[i], 100 + i);
            CHECK_EQ(got[want], 0);
            CHECK_EQ(weir_deque_size_approx(deque), inside - want);
            for (size_t i = inside; i-- > want;)
                pops(deque, 100 + i);
            is_empty(deque);
        }
    }
    end(deque);
}

/* ---- growth ---- */

static size_t cells_of_array(const weir_deque *deque)
{
    return weir_atomic_load(&deque->array, WEIR_RELAXED)->mask + 1;
}

static void grows_when_it_is_full_and_not_before(void)
{
    for (size_t c = 0; c < COUNT(capacities); c++) {
        weir_deque *const deque = made_at(capacities[c], UINT64_MAX - 3);
        size_t cells = 2;

        while (cells < capacities[c])
            cells *= 2;
        CHECK_EQ(cells_of_array(deque), cells);
        push_numbers(deque, 1, cells);
        CHECK_EQ(cells_of_array(deque), cells);
        /* What thieves have taken makes room. */
        steals(deque, 1);
        push_numbers(deque, 1 + cells, 1);
        CHECK_EQ(cells_of_array(deque), cells);
        push_numbers(deque, 2 + cells, 1);
        CHECK_EQ(cells_of_array(deque), 2 * cells);
        for (size_t i = 2; i <= cells + 2; i++)
            steals(deque, i);
        end(deque);
    }
}

/* A thief that stands in the middle of a steal: the array that it has found stays as it was. */
static void an_outgrown_array_stays_while_a_thief_looks_at_it(void)
{
    for (int shared = 0; shared < 2; shared++) {
        weir_deque *const deque = made(2);
        weir__deque_array *array;
        weir_reclaim_stats stats;
        weir_section section;

        push_numbers(deque, 9, 2);
        if (shared) {
            steals(deque, 9);
            push_numbers(deque, 11, 1);
        }
        section = weir_guard_enter(self);
        array = weir_atomic_load(&deque->array, WEIR_RELAXED);
        (void)weir__guard_hold(self, 0, array);
        push_numbers(deque, 20, 100);
        CHECK(cells_of_array(deque) == 128 || cells_of_array(deque) == 256);
        CHECK_EQ(array->mask, 1);
        CHECK_EQ(weir_atomic_load(&((weir__deque_cell *)(void *)(array + 1))[1], WEIR_RELAXED), 10);
        weir_guard_stats(domain, &stats);
        CHECK(stats.objects >= 1);
        weir__guard_drop(self, 0);
        weir_guard_exit(self, section);
        (void)weir_guard_collect(self);
        weir_guard_stats(domain, &stats);
        CHECK_EQ(stats.objects, 0);
        for (size_t i = 100; i-- > 0;)
            pops(deque, 20 + i);
        if (shared)
            pops(deque, 11);
        pops(deque, 10);
        if (!shared)
            pops(deque, 9);
        end(deque);
    }
}

typedef struct pushing {
    weir_retired header; /* first */
    weir_deque *deque;
} pushing;

static void push_from_callback(weir_retired *object)
{
    CHECK_EQ(weir_deque_push(((pushing *)(void *)object)->deque, 50), 0);
}

/* Growth retires an array, and that calls what else can be reclaimed: a user's callback, which
 * pushes to the same deque in the middle of the push. */
static void a_callback_may_push(void)
{
    weir_deque *const deque = made(2);
    pushing p = {WEIR_RETIRED_INIT, deque};
    weir_section section;
    WEIR_ATOMIC(void *) to_hold;

    push_numbers(deque, 1, 2);
    weir_atomic_init(&to_hold, &p);
    section = weir_guard_enter(self);
    CHECK(weir_guard_protect(self, 0, &to_hold) == &p);
    weir_guard_retire(self, &p.header, push_from_callback, sizeof p);
    CHECK_EQ(weir_deque_size_approx(deque), 2);
    weir_guard_exit(self, section);
    CHECK_EQ(weir_deque_push(deque, 3), 0);
    CHECK_EQ(weir_deque_size_approx(deque), 4);
    pops(deque, 3);
    pops(deque, 50);
    pops(deque, 2);
    pops(deque, 1);
    end(deque);
}

/* ---- modes ---- */

static void thieves_that_find_nothing_change_nothing(void)
{
    weir_deque *const deque = made(4);
    unsigned char before[sizeof *deque];
    uintptr_t got[3];

    push_numbers(deque, 1, 3);
    pops(deque, 3);
    pops(deque, 2);
    pops(deque, 1);
    memcpy(before, (const void *)deque, sizeof before);
    for (int i = 0; i < 1000; i++) {
        CHECK(!weir_deque_steal(deque, self, got));
        CHECK_EQ(weir_deque_steal_burst(deque, self, got, 3), 0);
    }
    CHECK(memcmp(before, (const void *)deque, sizeof before) == 0);
    /* Nor do those who want nothing. */
    push_numbers(deque, 1, 1);
    memcpy(before, (const void *)deque, sizeof before);
    CHECK_EQ(weir_deque_steal_burst(deque, self, got, 0), 0);
    CHECK(memcmp(before, (const void *)deque, sizeof before) == 0);
    pops(deque, 1);
    end(deque);
}

static void the_first_steal_makes_it_shared(void)
{
    weir_deque *const deque = made(4);

    CHECK_EQ(mode_of(deque), starts_alone() ? WEIR__DEQUE_ALONE : WEIR__DEQUE_SHARED);
    push_numbers(deque, 1, 3);
    pops(deque, 3);
    CHECK_EQ(mode_of(deque), starts_alone() ? WEIR__DEQUE_ALONE : WEIR__DEQUE_SHARED);
    steals(deque, 1);
    CHECK_EQ(mode_of(deque), WEIR__DEQUE_SHARED);
    pops(deque, 2);
    CHECK_EQ(mode_of(deque), WEIR__DEQUE_SHARED);
    end(deque);
}

static void push_and_pop(weir_deque *deque, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        push_numbers(deque, 1000 + i, 1);
        pops(deque, 1000 + i);
    }
}

/* After WEIR_DEQUE_RENT pops without a steal, whether they take the last element or not; again
 * and again. */
static void the_owner_takes_it_back(void)
{
    weir_deque *const deque = made_at(4, UINT64_MAX - 1000);

    for (unsigned turn = 0; turn < 6; turn++) {
        const uintptr_t below = turn % 3;
        uint64_t before;

        push_numbers(deque, 1, below + 1);
        steals(deque, 1);
        CHECK_EQ(mode_of(deque) % 4, WEIR__DEQUE_SHARED);
        before = generation_of(deque);
        /* A push or the first pop sees the steal; then the rent is to be paid. */
        for (unsigned i = 1; i < WEIR_DEQUE_RENT; i++) {
            push_and_pop(deque, 1);
            CHECK_EQ(mode_of(deque) % 4, WEIR__DEQUE_SHARED);
        }
        push_and_pop(deque, 2);
        if (comes_back()) {
            CHECK_EQ(mode_of(deque) % 4, WEIR__DEQUE_ALONE);
            CHECK_EQ(generation_of(deque), before + 1);
        } else {
            CHECK_EQ(mode_of(deque), WEIR__DEQUE_SHARED);
        }
        for (uintptr_t i = below; i-- > 0;)
            pops(deque, 2 + i);
        is_empty(deque);
    }
    end(deque);
}

/* As long as somebody steals now and then it stays shared. */
static void a_steal_starts_the_rent_anew(void)
{
    weir_deque *const deque = made(4);

    for (unsigned turn = 0; turn < 8; turn++) {
        push_numbers(deque, 1, 1);
        steals(deque, 1);
        push_and_pop(deque, WEIR_DEQUE_RENT - 1);
        CHECK_EQ(mode_of(deque), WEIR__DEQUE_SHARED);
    }
    /* Also if the owner learns of it in a push, which had looked for room. */
    for (unsigned turn = 0; turn < 8; turn++) {
        push_numbers(deque, 1, 4);
        steals(deque, 1);
        push_numbers(deque, 5, 1);
        CHECK_EQ(cells_of_array(deque), 4);
        pops(deque, 5);
        pops(deque, 4);
        pops(deque, 3);
        pops(deque, 2);
        push_and_pop(deque, WEIR_DEQUE_RENT - 5);
        CHECK_EQ(mode_of(deque), WEIR__DEQUE_SHARED);
    }
    end(deque);
}

/* A thief that has raised the flag and never comes back: the owner pops all, the last one too,
 * for as long as it wants; another thief steals, and from then on the rent is paid. */
static void a_raised_flag_holds_nobody_up(void)
{
    weir_deque *const deque = made(4);

    if (starts_alone()) {
        push_numbers(deque, 1, 2);
        weir_atomic_init(&deque->ends.hi, WEIR__DEQUE_RAISED);
        pops(deque, 2);
        pops(deque, 1);
        is_empty(deque);
        push_and_pop(deque, 2 * WEIR_DEQUE_RENT);
        CHECK_EQ(mode_of(deque), WEIR__DEQUE_RAISED);
    }
    push_numbers(deque, 1, 2);
    steals(deque, 1);
    CHECK_EQ(mode_of(deque), WEIR__DEQUE_SHARED);
    pops(deque, 2);
    push_and_pop(deque, WEIR_DEQUE_RENT + 1);
    CHECK_EQ(mode_of(deque), comes_back() ? 4 + WEIR__DEQUE_ALONE : WEIR__DEQUE_SHARED);
    is_empty(deque);
    end(deque);
}

/* ---- life ---- */

static void refuses_bad_arguments(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static weir_deque deque;
    weir_deque *none = NULL;

    CHECK_EQ(weir_deque_init(&deque, domain, 0), -EINVAL);
    CHECK_EQ(weir_deque_init(&deque, domain, WEIR_DEQUE_MAX + 1), -EINVAL);
    CHECK_EQ(weir_deque_init(&deque, domain, SIZE_MAX), -EINVAL);
    CHECK_EQ(weir_deque_new(&none, domain, 0), -EINVAL);
    CHECK_EQ(weir_deque_new(&none, domain, WEIR_DEQUE_MAX + 1), -EINVAL);
    CHECK(none == NULL);
    CHECK_EQ(weir_deque_free(NULL), 0);
    CHECK_DIES(CHECK_EQ(weir_deque_init(&deque, NULL, 4), 0), "wants a domain");
    CHECK_DIES(CHECK_EQ(weir_deque_init((weir_deque *)(void *)((char *)&deque + 64), domain, 4), 0),
               "must be aligned");
}

static void is_destroyed_only_when_it_is_empty(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static weir_deque deque;
    weir_deque *made_one = NULL;

    CHECK_EQ(weir_deque_init(&deque, domain, 3), 0);
    push_numbers(&deque, 1, 9);
    CHECK_EQ(weir_deque_destroy(&deque), -EBUSY);
    steals(&deque, 1);
    for (uintptr_t i = 9; i > 2; i--)
        pops(&deque, i);
    CHECK_EQ(weir_deque_destroy(&deque), -EBUSY);
    CHECK_DIES((void)weir_deque_free(&deque), "not made by weir_deque_new");
    pops(&deque, 2);
    CHECK_EQ(weir_deque_destroy(&deque), 0);
    /* The same memory again. */
    CHECK_EQ(weir_deque_init(&deque, domain, 1), 0);
    push_numbers(&deque, 1, 5);
    for (uintptr_t i = 1; i <= 5; i++)
        steals(&deque, i);
    CHECK_EQ(weir_deque_destroy(&deque), 0);
    CHECK_EQ(weir_deque_new(&made_one, domain, 3), 0);
    push_numbers(made_one, 1, 1);
    CHECK_EQ(weir_deque_free(made_one), -EBUSY);
    pops(made_one, 1);
    CHECK_EQ(weir_deque_free(made_one), 0);
}

static void use_after_destroy_is_told(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static weir_deque deque, never;
    uintptr_t value = 0;

    CHECK_EQ(weir_deque_init(&deque, domain, 3), 0);
    push_numbers(&deque, 1, 1);
    pops(&deque, 1);
    CHECK_EQ(weir_deque_destroy(&deque), 0);
    CHECK_DIES((void)!weir_deque_push(&deque, 1), late);
    CHECK_DIES((void)!weir_deque_pop(&deque, &value), late);
    CHECK_DIES((void)!weir_deque_push(&never, 1), late);
    CHECK_DIES((void)weir_deque_destroy(&deque), "destroyed twice, or never made");
}

/* Domain, record, deque, array, and the arrays of growth: each failing in its turn. */
static void survives_exhausted_memory(void)
{
    const weir_reclaim_options options = {1, 0, 0, NULL, NULL, now->fenced};

    for (size_t nr = 1;; nr++) {
        weir_guard *small = NULL;
        weir_deque *deque = NULL;
        size_t failed = 0;

        test_alloc_fail_at(nr);
        if (weir_guard_new(&small, now->scheme, &options) != 0) {
            CHECK_EQ(test_alloc_live, 0);
            continue;
        }
        while (weir_deque_new(&deque, small, 2) != 0) {
            CHECK(deque == NULL);
            CHECK(++failed == 1);
        }
        for (uintptr_t i = 1; i <= 40; i++) {
            const uint64_t bottom = weir_atomic_load(&deque->bottom, WEIR_RELAXED);
            const int status = weir_deque_push(deque, i);

            if (status == 0)
                continue;
            CHECK_EQ(status, -ENOMEM);
            CHECK_EQ(++failed, 1);
            CHECK_EQ(weir_atomic_load(&deque->bottom, WEIR_RELAXED), bottom);
            /* All goes on: what is inside, and the next push once there is room or memory. */
            pops(deque, i - 1);
            CHECK_EQ(weir_deque_push(deque, i - 1), 0);
            CHECK_EQ(weir_deque_push(deque, i), 0);
        }
        for (uintptr_t i = 40; i > 0; i--)
            pops(deque, i);
        CHECK_EQ(weir_deque_free(deque), 0);
        CHECK_EQ(weir_guard_free(small), 0);
        CHECK_EQ(test_alloc_live, 0);
        if (failed == 0 && test_alloc_calls < nr)
            break;
    }
    test_alloc_fail_at(0);
}

/* All memory comes back, outgrown arrays too. */
static void leaves_nothing_behind(void)
{
    weir_guard *const before = domain;
    weir_guard_record *const before_self = self;
    weir_deque *deque;

    test_alloc_fail_at(0);
    CHECK_EQ(test_alloc_live, 0);
    open_domain();
    deque = made(1);
    push_numbers(deque, 1, 5000);
    steals(deque, 1);
    while (weir_deque_size_approx(deque) > 0)
        pops(deque, weir_deque_size_approx(deque) + 1);
    end(deque);
    close_domain();
    CHECK_EQ(test_alloc_live, 0);
    domain = before;
    self = before_self;
}

/* ---- real thieves ---- */

enum { THIEVES = 3, TASKS = 20000 };

static weir_deque *prey;
static WEIR_ATOMIC(uint32_t) taken[TASKS];
static WEIR_ATOMIC(size_t) taken_in_all;

static void take_task(uintptr_t task)
{
    CHECK(task < TASKS);
    /* relaxed: marks, counted after the join. */
    CHECK_EQ(weir_atomic_fetch_add(&taken[task], 1, WEIR_RELAXED), 0);
    weir_atomic_fetch_add(&taken_in_all, 1, WEIR_RELAXED);
}

static void *thief(void *argument)
{
    weir_guard_record *const record = weir_guard_self(domain);
    uintptr_t tasks[8];

    (void)argument;
    CHECK(record != NULL);
    /* relaxed: only says that there is no more to come. */
    while (weir_atomic_load(&taken_in_all, WEIR_RELAXED) < TASKS) {
        const size_t n = weir_deque_steal_burst(prey, record, tasks, COUNT(tasks));

        for (size_t i = 0; i < n; i++)
            take_task(tasks[i]);
        sched_yield();
    }
    return NULL;
}

/* Begins full of thieves and small, and grows below them. */
static void every_task_is_done_once(void)
{
    pthread_t thieves[THIEVES];
    uintptr_t task;

    prey = made(1);
    for (size_t i = 0; i < TASKS; i++)
        weir_atomic_init(&taken[i], 0);
    weir_atomic_init(&taken_in_all, 0);
    for (int i = 0; i < THIEVES; i++)
        CHECK_EQ(pthread_create(&thieves[i], NULL, thief, NULL), 0);
    for (uintptr_t next = 0; next < TASKS;) {
        for (uintptr_t n = 1 + next % 13; n-- > 0 && next < TASKS;)
            push_numbers(prey, next++, 1);
        for (uintptr_t n = next % 11; n-- > 0 && weir_deque_pop(prey, &task);)
            take_task(task);
    }
    while (weir_deque_pop(prey, &task))
        take_task(task);
    for (int i = 0; i < THIEVES; i++)
        CHECK_EQ(pthread_join(thieves[i], NULL), 0);
    CHECK_EQ(weir_atomic_load(&taken_in_all, WEIR_RELAXED), TASKS);
    end(prey);
}

/* ---- typed ---- */

typedef struct job {
    int number;
} job;

typedef struct span {
    uint32_t from, to;
} span;

WEIR_DEQUE_DEFINE(jobs, job *);
WEIR_DEQUE_DEFINE(letters, char);

static void typed_deques_carry_what_was_put_in(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static jobs js;
    WEIR_ALIGNAS(WEIR_CACHELINE) static letters ls;
    job first = {1}, second = {2};
    job *got = NULL;
    char letter = 0;

    CHECK_EQ(jobs_init(&js, domain, 1), 0);
    CHECK_EQ(jobs_push(&js, &first), 0);
    CHECK_EQ(jobs_push(&js, &second), 0);
    CHECK_EQ(jobs_destroy(&js), -EBUSY);
    CHECK(jobs_steal(&js, self, &got) && got == &first);
    CHECK(jobs_pop(&js, &got) && got == &second);
    CHECK(!jobs_pop(&js, &got) && !jobs_steal(&js, self, &got));
    CHECK(got == &second);
    CHECK_EQ(jobs_destroy(&js), 0);
    CHECK_EQ(letters_init(&ls, domain, 1), 0);
    CHECK_EQ(letters_push(&ls, 'a'), 0);
    CHECK_EQ(letters_push(&ls, (char)-1), 0);
    CHECK(letters_pop(&ls, &letter) && letter == (char)-1);
    CHECK(letters_steal(&ls, self, &letter) && letter == 'a');
    CHECK_EQ(letters_destroy(&ls), 0);
}

#if UINTPTR_MAX > 0xffffffff

WEIR_DEQUE_DEFINE(spans, span);

static void a_small_struct_is_an_element_too(void)
{
    WEIR_ALIGNAS(WEIR_CACHELINE) static spans ss;
    const span half = {7, UINT32_MAX};
    span got = {0, 0};

    CHECK_EQ(spans_init(&ss, domain, 1), 0);
    CHECK_EQ(spans_push(&ss, half), 0);
    CHECK(spans_steal(&ss, self, &got) && got.from == 7 && got.to == UINT32_MAX);
    CHECK_EQ(spans_destroy(&ss), 0);
}

#else

static void a_small_struct_is_an_element_too(void)
{
    CHECK(sizeof(span) > sizeof(uintptr_t));
}

#endif

int main(void)
{
    int status = 0;

    for (size_t i = 0; i < COUNT(flavours); i++) {
        char suite[64];

        now = &flavours[i];
        snprintf(suite, sizeof suite, "deque, %s", now->name);
        open_domain();
        status |= TEST_RUN(
            suite, TEST_CASE(the_owner_takes_the_newest), TEST_CASE(thieves_take_the_oldest),
            TEST_CASE(the_owner_takes_the_oldest), TEST_CASE(both_ends_meet),
            TEST_CASE(a_burst_takes_half), TEST_CASE(grows_when_it_is_full_and_not_before),
            TEST_CASE(an_outgrown_array_stays_while_a_thief_looks_at_it),
            TEST_CASE(a_callback_may_push), TEST_CASE(thieves_that_find_nothing_change_nothing),
            TEST_CASE(the_first_steal_makes_it_shared), TEST_CASE(the_owner_takes_it_back),
            TEST_CASE(a_steal_starts_the_rent_anew), TEST_CASE(a_raised_flag_holds_nobody_up),
            TEST_CASE(refuses_bad_arguments), TEST_CASE(is_destroyed_only_when_it_is_empty),
            TEST_CASE(use_after_destroy_is_told), TEST_CASE(every_task_is_done_once),
            TEST_CASE(typed_deques_carry_what_was_put_in),
            TEST_CASE(a_small_struct_is_an_element_too));
        close_domain();
    }
    /* Last: they change the allocator, which only a process without weir's objects may do. */
    for (size_t i = 0; i < COUNT(flavours); i++) {
        char suite[64];

        now = &flavours[i];
        snprintf(suite, sizeof suite, "deque, %s, memory", now->name);
        status |=
            TEST_RUN(suite, TEST_CASE(survives_exhausted_memory), TEST_CASE(leaves_nothing_behind));
    }
    return status;
}
