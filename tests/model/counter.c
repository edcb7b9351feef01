/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/counter.c: weir_counter, each operation beside each other; weir_ref, and what it
 * carries; weir_counter_sharded, and what a read of it means. Adds of the last one go by atomic
 * shards here: restartable sequences are not compiled in, and out of reach. */

#include "model.h"

#include <weir/counter.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- weir_counter ---- */

enum {
    ADD,
    SUB,
    EXCHANGE,
    READ,
    WAIT_FREE_ONES,
    ADD_LIMIT = WAIT_FREE_ONES,
    ADD_SAT,
    SUB_SAT,
    INC_UNLESS_ZERO,
    DEC_IF_POSITIVE,
    MAX,
    MIN,
    OPERATIONS
};

static const char *const names[] = {
    "fetch_add(2)", "fetch_sub(1)",    "exchange(3)",     "read",   "add_limit(1, 2)", "add_sat(2)",
    "sub_sat(2)",   "inc_unless_zero", "dec_if_positive", "max(2)", "min(1)",
};

static weir_counter counter;

static uint64_t operate(int operation)
{
    switch (operation) {
    case ADD:
        return weir_counter_fetch_add(&counter, 2);
    case SUB:
        return weir_counter_fetch_sub(&counter, 1);
    case EXCHANGE:
        return weir_counter_exchange(&counter, 3);
    case ADD_LIMIT:
        return weir_counter_add_limit(&counter, 1, 2);
    case ADD_SAT:
        return weir_counter_add_sat(&counter, 2);
    case SUB_SAT:
        return weir_counter_sub_sat(&counter, 2);
    case INC_UNLESS_ZERO:
        return weir_counter_inc_unless_zero(&counter);
    case DEC_IF_POSITIVE:
        return weir_counter_dec_if_positive(&counter);
    case MAX:
        return weir_counter_max(&counter, 2);
    case MIN:
        return weir_counter_min(&counter, 1);
    default:
        return weir_counter_read(&counter);
    }
}

static uint64_t first;

static void begin(void *state)
{
    *(uint64_t *)state = first;
}

/* Returns: what the operation returns; *value is what it leaves. */
static uint64_t expected(uint64_t *value, int operation)
{
    const uint64_t was = *value;

    switch (operation) {
    case ADD:
        *value = was + 2;
        return was;
    case SUB:
        *value = was - 1;
        return was;
    case EXCHANGE:
        *value = 3;
        return was;
    case ADD_LIMIT:
        *value = was <= 1 ? was + 1 : was;
        return was <= 1;
    case ADD_SAT:
        *value = was <= UINT64_MAX - 2 ? was + 2 : UINT64_MAX;
        return was <= UINT64_MAX - 2;
    case SUB_SAT:
        *value = was >= 2 ? was - 2 : 0;
        return was >= 2;
    case INC_UNLESS_ZERO:
        *value = was != 0 ? was + 1 : 0;
        return was != 0;
    case DEC_IF_POSITIVE:
        *value = was != 0 ? was - 1 : 0;
        return was != 0;
    case MAX:
        *value = was < 2 ? 2 : was;
        return was < 2;
    case MIN:
        *value = was > 1 ? 1 : was;
        return was > 1;
    default:
        return was;
    }
}

static bool apply(void *state, int operation, uint64_t argument, const uint64_t *result)
{
    const uint64_t returned = expected((uint64_t *)state, operation);

    (void)argument;
    return result == NULL || *result == returned;
}

static const weir_check_spec spec = {sizeof(uint64_t), begin, apply, names};

static void recorded(void *operation)
{
    const unsigned call = weir_check_call((int)(uintptr_t)operation, 0);

    weir_check_return(call, operate((int)(uintptr_t)operation));
}

static void one_of(unsigned operations)
{
    recorded((void *)(uintptr_t)weir_check_choose(operations));
}

static void one_of_all(void *unused)
{
    (void)unused;
    one_of(OPERATIONS);
}

static void one_of_wait_free(void *unused)
{
    (void)unused;
    one_of(WAIT_FREE_ONES);
}

static void from_one_of(void (*body)(void *))
{
    static const uint64_t starts[] = {0, 1, 2, UINT64_MAX - 1, UINT64_MAX};

    first = starts[weir_check_choose(COUNT(starts))];
    weir_counter_init(&counter, first);
    weir_check_history(&spec);
    weir_check_thread(body, NULL);
    weir_check_thread(body, NULL);
    weir_check_join_all();
    recorded((void *)(uintptr_t)READ);
}

static void any_two(void *unused)
{
    (void)unused;
    from_one_of(one_of_all);
}

static void any_two_wait_free(void *unused)
{
    (void)unused;
    from_one_of(one_of_wait_free);
}

/* One operation, and another one twice. */
static void three(void *operations)
{
    const uintptr_t both = (uintptr_t)operations;

    first = 1;
    weir_counter_init(&counter, first);
    weir_check_history(&spec);
    weir_check_thread(recorded, (void *)(both / 16));
    weir_check_thread(recorded, (void *)(both % 16));
    weir_check_thread(recorded, (void *)(both % 16));
    weir_check_join_all();
    recorded((void *)(uintptr_t)READ);
}

/* ---- weir_ref ---- */

typedef struct object {
    weir_ref references;
    int part[3]; /* of each thread */
} object;

static object *shared;
static int holders;
static unsigned frees;

static void make(uint32_t references)
{
    shared = (object *)malloc(sizeof *shared);
    weir_check_assert(shared != NULL);
    weir_ref_init(&shared->references, references);
    memset(shared->part, 0, sizeof shared->part);
    holders = (int)references;
    frees = 0;
}

static bool put(void)
{
    const unsigned call = weir_check_call(0, 0);
    const bool last = weir_ref_put(&shared->references);

    weir_check_return(call, last);
    return last;
}

static void get(void)
{
    const unsigned call = weir_check_call(1, 0);

    weir_ref_get(&shared->references);
    weir_check_return(call, 0);
}

static bool get_unless_zero(void)
{
    const unsigned call = weir_check_call(2, 0);
    const bool got = weir_ref_get_unless_zero(&shared->references);

    weir_check_return(call, got);
    return got;
}

/* The last one sees what all have done, and frees it. */
static void let_go(void)
{
    if (put()) {
        weir_check_assert(weir_ref_count_approx(&shared->references) == 0);
        weir_check_assert(shared->part[0] + shared->part[1] + shared->part[2] == holders);
        frees++;
        free(shared);
    }
}

static void uses(void *number)
{
    shared->part[(uintptr_t)number]++;
    let_go();
}

static void gets_and_uses(void *number)
{
    get();
    shared->part[(uintptr_t)number]++;
    weir_check_assert(!put());
    let_go();
}

static void hold(void *count)
{
    const uintptr_t n = (uintptr_t)count;

    make((uint32_t)n);
    for (uintptr_t i = 1; i < n; i++)
        weir_check_thread(uses, (void *)i);
    uses((void *)0);
    weir_check_join_all();
    weir_check_assert(frees == 1);
}

static void hold_and_get(void *unused)
{
    (void)unused;
    make(2);
    weir_check_thread(gets_and_uses, (void *)1);
    gets_and_uses((void *)0);
    weir_check_join_all();
    weir_check_assert(frees == 1);
}

/* The memory stays. Two hold a reference at first: one reference is that of the test function, if
 * it holds it to the end. */
static bool held;

static void finds(void *unused)
{
    const bool alone = held && weir_ref_count_approx(&shared->references) == 1;

    (void)unused;
    if (!get_unless_zero()) {
        weir_check_assert(!held);
        return;
    }
    if (alone)
        weir_check_assert(shared->part[0] == 1);
    if (put())
        frees++;
}

static void wrote_and_lets_go(void *unused)
{
    (void)unused;
    shared->part[0] = 1;
    if (put())
        frees++;
}

static void find(unsigned finders)
{
    make(2);
    weir_check_thread(wrote_and_lets_go, NULL);
    while (finders-- > 0)
        weir_check_thread(finds, NULL);
    if (!held && put())
        frees++;
    weir_check_join_all();
    if (held && put())
        frees++;
    weir_check_assert(frees == 1);
    weir_check_assert(weir_ref_count_approx(&shared->references) == 0);
    free(shared);
}

static void found(void *finders)
{
    held = true;
    find((unsigned)(uintptr_t)finders);
}

static void found_or_gone(void *finders)
{
    held = false;
    find((unsigned)(uintptr_t)finders);
}

/* One get too many, by either function: nobody is told that he is the last. */
static void too_many(void *unused)
{
    (void)unused;
    get();
    weir_check_assert(!put());
}

static void too_many_found(void *unused)
{
    (void)unused;
    weir_check_assert(get_unless_zero());
    weir_check_assert(!put());
}

static void pinned(void *body)
{
    make(WEIR__REF_MAX);
    weir_check_thread(too_many, NULL);
    weir_check_thread((uintptr_t)body == 0 ? too_many : too_many_found, NULL);
    weir_check_join_all();
    weir_check_assert(weir_ref_count_approx(&shared->references) == UINT32_MAX);
    free(shared);
}

/* ---- weir_counter_sharded ---- */

static weir_counter_sharded *sharded;

/* Each amount is a bit, so that a sum says which adds are in it. */
static void adds(void *amount)
{
    weir_counter_sharded_add(sharded, (uintptr_t)amount);
}

static void adds_two(void *amount)
{
    weir_counter_sharded_add(sharded, (uintptr_t)amount);
    weir_counter_sharded_add(sharded, (uintptr_t)amount * 2);
}

static void subtracts(void *amount)
{
    weir_counter_sharded_sub(sharded, (uintptr_t)amount);
}

static void reads_twice(void *start)
{
    const uint64_t before = weir_counter_sharded_read(sharded) - (uintptr_t)start;
    const uint64_t after = weir_counter_sharded_read(sharded) - (uintptr_t)start;

    weir_check_assert(before <= 7);
    weir_check_assert((before & ~after) == 0);
}

static void sums(void *below_wrap)
{
    const uint64_t start = below_wrap != NULL ? UINT64_MAX : 0;
    void *const buffer = aligned_alloc(WEIR_CACHELINE, weir_counter_sharded_bytes(3));

    weir_check_assert(buffer != NULL &&
                      weir_counter_sharded_init_at(&sharded, buffer, weir_counter_sharded_bytes(3),
                                                   3, start) == 0);
    weir_check_thread(adds_two, (void *)1);
    weir_check_thread(adds, (void *)4);
    reads_twice((void *)(uintptr_t)start);
    weir_check_join_all();
    weir_check_assert(weir_counter_sharded_read(sharded) - start == 7);
    weir_counter_sharded_destroy(sharded);
    free(buffer);
}

/* What happened before is counted whole, also what was subtracted. */
static void differences(void *unused)
{
    uint64_t sum;

    (void)unused;
    weir_check_assert(weir_counter_sharded_new(&sharded, 2) == 0);
    adds((void *)8);
    weir_check_join(weir_check_thread(subtracts, (void *)1));
    weir_check_thread(adds, (void *)32);
    weir_check_thread(subtracts, (void *)2);
    sum = weir_counter_sharded_read(sharded);
    weir_check_assert(sum == 7 || sum == 39 || sum == 5 || sum == 37);
    weir_check_join_all();
    weir_check_assert(weir_counter_sharded_read(sharded) == 37);
    weir_counter_sharded_free(sharded);
}

#define LOCK_FREE                        \
    {                                    \
        .progress = WEIR_CHECK_LOCK_FREE \
    }
#define WAIT_FREE(n)                                 \
    {                                                \
        .progress = WEIR_CHECK_WAIT_FREE, .steps = n \
    }
#define THREE(one, others) (uintptr_t)((one)*16 + (others))

static const scenario scenarios[] = {
    {"any two operations", any_two, 0, false, 0, LOCK_FREE},
    {"any two, with a weak failure", any_two, 0, false, 0, {.spurious = 1}},
    {"any two from add to exchange", any_two_wait_free, 0, false, 0, WAIT_FREE(2)},
    {"three fetch_add", three, THREE(ADD, ADD), false, 0, {0}},
    {"three inc_unless_zero", three, THREE(INC_UNLESS_ZERO, INC_UNLESS_ZERO), false, 0, {0}},
    {"exchange, two add_limit", three, THREE(EXCHANGE, ADD_LIMIT), false, 0, LOCK_FREE},
    {"sub_sat, two add_sat", three, THREE(SUB_SAT, ADD_SAT), false, 0, LOCK_FREE},
    {"ref: two holders", hold, 2, false, 0, WAIT_FREE(3)},
    {"ref: three holders", hold, 3, false, 0, {0}},
    {"ref: holders that get", hold_and_get, 0, false, 0, WAIT_FREE(3)},
    {"ref: found", found, 1, false, 0, LOCK_FREE},
    {"ref: found by two", found, 2, false, 0, LOCK_FREE},
    {"ref: found, or gone", found_or_gone, 1, false, 0, LOCK_FREE},
    {"ref: found by two, or gone", found_or_gone, 2, true, 0, {.spurious = 1}},
    {"ref: one get too many", pinned, 0, false, 0, WAIT_FREE(3)},
    {"ref: one found too many", pinned, 1, false, 0, {0}},
    {"sharded: sums", sums, 0, false, 0, {0}},
    {"sharded: sums across the wrap", sums, 1, false, 0, {0}},
    {"sharded: differences", differences, 0, false, 0, {0}},
};

int main(int argc, char **argv)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    /* The first wait of a process measures time, which stands still in a run. */
    weir_backoff_wait(&backoff);
    return model_main("counter", scenarios, COUNT(scenarios), argc, argv);
}
