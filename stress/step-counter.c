/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/counter.h under the step harness: the counter of one word, the reference count,
 * and the sharded counter, whose restartable sequence is stepped over and made to
 * abort at each of its instructions. */

#include "step-word.h"

#include <weir/counter.h>

#include <stdlib.h>

/* Own instructions that a wait-free operation may take, of the code as any compiler at
 * any level makes it: what counts is that nothing lets it grow. */
#define WAIT_FREE 200

static weir_counter counter;

static uint64_t fetch_add(uint64_t argument)
{
    return weir_counter_fetch_add(&counter, argument);
}

static uint64_t fetch_add_model(uint64_t *word, uint64_t argument)
{
    const uint64_t old = *word;

    *word += argument;
    return old;
}

static uint64_t fetch_sub(uint64_t argument)
{
    return weir_counter_fetch_sub(&counter, argument);
}

static uint64_t fetch_sub_model(uint64_t *word, uint64_t argument)
{
    const uint64_t old = *word;

    *word -= argument;
    return old;
}

static uint64_t exchange(uint64_t argument)
{
    return weir_counter_exchange(&counter, argument);
}

static uint64_t exchange_model(uint64_t *word, uint64_t argument)
{
    const uint64_t old = *word;

    *word = argument;
    return old;
}

static uint64_t read_word(uint64_t argument)
{
    (void)argument;
    return weir_counter_read(&counter);
}

static uint64_t read_word_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    return *word;
}

static uint64_t add_limit(uint64_t argument)
{
    return weir_counter_add_limit(&counter, argument, 8);
}

static uint64_t add_limit_model(uint64_t *word, uint64_t argument)
{
    if (*word > 8 || argument > 8 - *word)
        return false;
    *word += argument;
    return true;
}

static uint64_t add_sat(uint64_t argument)
{
    return weir_counter_add_sat(&counter, argument);
}

static uint64_t add_sat_model(uint64_t *word, uint64_t argument)
{
    const bool whole = argument <= UINT64_MAX - *word;

    *word = whole ? *word + argument : UINT64_MAX;
    return whole;
}

static uint64_t sub_sat(uint64_t argument)
{
    return weir_counter_sub_sat(&counter, argument);
}

static uint64_t sub_sat_model(uint64_t *word, uint64_t argument)
{
    const bool whole = argument <= *word;

    *word = whole ? *word - argument : 0;
    return whole;
}

static uint64_t inc_unless_zero(uint64_t argument)
{
    (void)argument;
    return weir_counter_inc_unless_zero(&counter);
}

static uint64_t inc_unless_zero_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    if (*word == 0)
        return false;
    *word += 1;
    return true;
}

static uint64_t dec_if_positive(uint64_t argument)
{
    (void)argument;
    return weir_counter_dec_if_positive(&counter);
}

static uint64_t dec_if_positive_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    if (*word == 0)
        return false;
    *word -= 1;
    return true;
}

static uint64_t raise_to(uint64_t argument)
{
    return weir_counter_max(&counter, argument);
}

static uint64_t raise_to_model(uint64_t *word, uint64_t argument)
{
    if (*word >= argument)
        return false;
    *word = argument;
    return true;
}

static uint64_t lower_to(uint64_t argument)
{
    return weir_counter_min(&counter, argument);
}

static uint64_t lower_to_model(uint64_t *word, uint64_t argument)
{
    if (*word <= argument)
        return false;
    *word = argument;
    return true;
}

static const word_operation counter_operations[] = {
    {"counter fetch_add", fetch_add, fetch_add_model, 3, WAIT_FREE},
    {"counter fetch_sub", fetch_sub, fetch_sub_model, 2, WAIT_FREE},
    {"counter exchange", exchange, exchange_model, 5, WAIT_FREE},
    {"counter read", read_word, read_word_model, 0, WAIT_FREE},
    {"counter add_limit", add_limit, add_limit_model, 3, 0},
    {"counter add_sat", add_sat, add_sat_model, 3, 0},
    {"counter sub_sat", sub_sat, sub_sat_model, 3, 0},
    {"counter inc_unless_zero", inc_unless_zero, inc_unless_zero_model, 0, 0},
    {"counter dec_if_positive", dec_if_positive, dec_if_positive_model, 0, 0},
    {"counter max", raise_to, raise_to_model, 6, 0},
    {"counter min", lower_to, lower_to_model, 1, 0},
};

enum { FETCH_ADD, FETCH_SUB, EXCHANGE };

static const word_script counter_scripts[] = {
    {"add, subtract, add",
     {{&counter_operations[FETCH_ADD], &counter_operations[FETCH_SUB],
       &counter_operations[FETCH_ADD]}}},
    {"put another value", {{&counter_operations[EXCHANGE]}}},
    {"one adds, one subtracts",
     {{&counter_operations[FETCH_ADD], &counter_operations[FETCH_ADD]},
      {&counter_operations[FETCH_SUB], &counter_operations[FETCH_SUB]}}},
};

static void counter_make(uint64_t word)
{
    weir_counter_init(&counter, word);
}

static uint64_t counter_read(void)
{
    return weir_counter_read(&counter);
}

/* ---- the reference count ---- */

static weir_ref reference;

static uint64_t ref_get(uint64_t argument)
{
    (void)argument;
    weir_ref_get(&reference);
    return 0;
}

static uint64_t ref_get_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    *word += 1;
    return 0;
}

static uint64_t ref_put(uint64_t argument)
{
    (void)argument;
    return weir_ref_put(&reference);
}

static uint64_t ref_put_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    *word -= 1;
    return *word == 0;
}

static uint64_t ref_get_unless_zero(uint64_t argument)
{
    (void)argument;
    return weir_ref_get_unless_zero(&reference);
}

static uint64_t ref_get_unless_zero_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    if (*word == 0)
        return false;
    *word += 1;
    return true;
}

static const word_operation ref_operations[] = {
    {"ref_get", ref_get, ref_get_model, 0, WAIT_FREE},
    {"ref_put", ref_put, ref_put_model, 0, WAIT_FREE},
    {"ref_get_unless_zero", ref_get_unless_zero, ref_get_unless_zero_model, 0, 0},
};

enum { GET, PUT, GET_UNLESS_ZERO };

/* Of two acts and the victim together, none puts what nobody has: the start is 3 at least. */
static const word_script ref_scripts[] = {
    {"get, put, put", {{&ref_operations[GET], &ref_operations[PUT], &ref_operations[PUT]}}},
    {"put", {{&ref_operations[PUT]}}},
    {"one puts, one gets unless zero",
     {{&ref_operations[PUT]}, {&ref_operations[GET_UNLESS_ZERO]}}},
};

static void ref_make(uint64_t word)
{
    weir_ref_init(&reference, (uint32_t)word);
}

static uint64_t ref_read(void)
{
    return weir_ref_count_approx(&reference);
}

/* A count that is full: whoever takes or lets go meanwhile, it stays pinned. */
static void pinned_setup(void *state)
{
    *(bool *)state = false;
    weir_ref_init(&reference, WEIR__REF_MAX);
    weir_ref_get(&reference);
}

static void pinned_get(void *state)
{
    (void)state;
    weir_ref_get(&reference);
}

static void pinned_put(void *state)
{
    if (weir_ref_put(&reference))
        *(bool *)state = true;
}

static void pinned_check(void *state)
{
    if (*(bool *)state || weir_ref_count_approx(&reference) != UINT32_MAX)
        weir_step_false("a pinned reference count came loose");
}

static void sweep_pinned(void)
{
    static const weir_step_plan plans[] = {
        {"ref_get, pinned",
         "get, and put",
         pinned_setup,
         pinned_get,
         {pinned_get, pinned_put},
         pinned_check,
         WAIT_FREE,
         false},
        {"ref_put, pinned",
         "get, and put",
         pinned_setup,
         pinned_put,
         {pinned_get, pinned_put},
         pinned_check,
         WAIT_FREE,
         false},
    };
    static bool freed;

    for (size_t i = 0; i < COUNT(plans); i++) {
        weir_step_row row;

        memset(&row, 0, sizeof row);
        weir_step_sweep(&plans[i], &freed, &row);
        weir_step_report(&row);
    }
}

/* ---- the sharded counter ---- */

/* Slots for the CPUs that there are: adds go by the sequence; and 1, so that on other
 * CPUs than the first it is left by a jump. */
typedef struct sharded_case {
    weir_counter_sharded *counter;
    WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[WEIR_CACHELINE * 65];
    size_t slots;
    uint64_t start;
    WEIR_ATOMIC(uint64_t) added; /* by calls that returned */
    uint64_t read;
    bool has_read;
    bool per_cpu; /* an add went by the sequence */
} sharded_case;

static void sharded_setup(void *state)
{
    sharded_case *const c = (sharded_case *)state;

    weir_atomic_init(&c->added, c->start);
    c->has_read = false;
    if (weir_counter_sharded_init_at(&c->counter, c->buffer, sizeof c->buffer, c->slots,
                                     c->start) != 0)
        weir_step_false("the counter could not be made");
}

static void sharded_note(sharded_case *c, uint64_t n)
{
    /* relaxed: the turns order the check. */
    weir_atomic_fetch_add(&c->added, n, WEIR_RELAXED);
}

static void sharded_add(void *state)
{
    sharded_case *const c = (sharded_case *)state;

    weir_counter_sharded_add(c->counter, 5);
    sharded_note(c, 5);
}

static void sharded_dec(void *state)
{
    sharded_case *const c = (sharded_case *)state;

    weir_counter_sharded_dec(c->counter);
    sharded_note(c, UINT64_MAX);
}

static void sharded_read(void *state)
{
    sharded_case *const c = (sharded_case *)state;

    c->read = weir_counter_sharded_read(c->counter);
    c->has_read = true;
}

/* Reads while the victim stands: all that returned is counted, and at most the victim's. */
static void sharded_add_and_read(void *state)
{
    sharded_case *const c = (sharded_case *)state;
    uint64_t read;

    sharded_add(state);
    read = weir_counter_sharded_read(c->counter);
    /* relaxed: what the victim has done is there: it stands still. */
    if (read - weir_atomic_load(&c->added, WEIR_RELAXED) > 5)
        weir_step_false("a read that misses an add, or counts one twice");
}

static void sharded_check(void *state)
{
    sharded_case *const c = (sharded_case *)state;
    /* relaxed: all are done. */
    const uint64_t added = weir_atomic_load(&c->added, WEIR_RELAXED);

    if (weir_counter_sharded_read(c->counter) != added)
        weir_step_false("the sum at rest is not what was added");
    if (c->has_read && c->read - c->start > added - c->start)
        weir_step_false("a read beyond what was there at its begin and its end");
    c->per_cpu = c->per_cpu || weir_counter_sharded_is_per_cpu(c->counter);
    weir_counter_sharded_destroy(c->counter);
}

static void sweep_sharded(void)
{
    static const weir_step_plan plans[] = {
        {"sharded_add",
         "add, read",
         sharded_setup,
         sharded_add,
         {sharded_add_and_read, NULL},
         sharded_check,
         WAIT_FREE,
         false},
        {"sharded_add",
         "two that add",
         sharded_setup,
         sharded_add,
         {sharded_add, sharded_add},
         sharded_check,
         WAIT_FREE,
         false},
        {"sharded_dec",
         "one adds, one subtracts",
         sharded_setup,
         sharded_dec,
         {sharded_add, sharded_dec},
         sharded_check,
         WAIT_FREE,
         false},
        {"sharded_read",
         "add",
         sharded_setup,
         sharded_read,
         {sharded_add, NULL},
         sharded_check,
         WAIT_FREE,
         false},
        {"sharded_read",
         "two that add",
         sharded_setup,
         sharded_read,
         {sharded_add, sharded_add},
         sharded_check,
         WAIT_FREE,
         false},
    };
    static sharded_case c;

    for (size_t i = 0; i < COUNT(plans); i++) {
        static const uint64_t starts[] = {0, UINT64_MAX - 2};
        weir_step_row row;

        memset(&row, 0, sizeof row);
        for (size_t j = 0; j < 2 * COUNT(starts); j++) {
            c.slots = j % 2 == 0 ? (plans[i].victim == sharded_read ? 2 : 64) : 1;
            c.start = starts[j / 2];
            weir_step_sweep(&plans[i], &c, &row);
        }
        weir_step_report(&row);
        if (c.per_cpu && plans[i].victim != sharded_read && row.aborts == 0) {
            printf("FAILED step-counter: the restartable sequence was not met\n");
            exit(1);
        }
    }
}

int main(void)
{
    static const uint64_t words[] = {0, 1, 2, 6, 7, UINT64_MAX - 1, UINT64_MAX};
    static const uint64_t references[] = {3, 4};
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_step_begin("step-counter");
    weir_backoff_wait(&backoff); /* its first call measures */
    word_sweep(counter_make, counter_read, counter_operations, COUNT(counter_operations),
               counter_scripts, COUNT(counter_scripts), words, COUNT(words));
    word_sweep(ref_make, ref_read, ref_operations, COUNT(ref_operations), ref_scripts,
               COUNT(ref_scripts), references, COUNT(references));
    sweep_pinned();
    sweep_sharded();
    return weir_step_end();
}
