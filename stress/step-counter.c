/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/counter.h under the step harness: the counter of one word, the reference count,
 * and the sharded counter, whose restartable sequence is stepped over and made to
 * abort at each of its instructions. */

#include "step-word.h"

#include "../tests/test.h"

#include <weir/counter.h>

#include <sched.h>

/* Own instructions that a wait-free operation may take, with those of the functions that call
 * it: half as many again as the most that gcc or clang make of it at -O0. At -O0, and at -O2:
 * of one word 86 and 42, of an add to a cell or a shard 126 and 34, of a read of two slots 99
 * and 39. */
enum { WORD = 130, SHARDED = 190, SHARDED_READ = 150 };

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

static uint64_t add(uint64_t argument)
{
    weir_counter_add(&counter, argument);
    return 0;
}

static uint64_t add_model(uint64_t *word, uint64_t argument)
{
    *word += argument;
    return 0;
}

static uint64_t sub(uint64_t argument)
{
    weir_counter_sub(&counter, argument);
    return 0;
}

static uint64_t sub_model(uint64_t *word, uint64_t argument)
{
    *word -= argument;
    return 0;
}

static uint64_t inc(uint64_t argument)
{
    (void)argument;
    weir_counter_inc(&counter);
    return 0;
}

static uint64_t dec(uint64_t argument)
{
    (void)argument;
    weir_counter_dec(&counter);
    return 0;
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
    {"counter_fetch_add", fetch_add, fetch_add_model, 3, WORD, 0},
    {"counter_fetch_sub", fetch_sub, fetch_sub_model, 2, WORD, 0},
    {"counter_exchange", exchange, exchange_model, 5, WORD, 0},
    {"counter_add", add, add_model, 4, WORD, 0},
    {"counter_sub", sub, sub_model, 3, WORD, 0},
    {"counter_inc", inc, add_model, 1, WORD, 0},
    {"counter_dec", dec, sub_model, 1, WORD, 0},
    {"counter_read", read_word, read_word_model, 0, WORD, 0},
    {"counter_add_limit", add_limit, add_limit_model, 3, 0, 0},
    {"counter_add_sat", add_sat, add_sat_model, 3, 0, 0},
    {"counter_sub_sat", sub_sat, sub_sat_model, 3, 0, 0},
    {"counter_inc_unless_zero", inc_unless_zero, inc_unless_zero_model, 0, 0, 0},
    {"counter_dec_if_positive", dec_if_positive, dec_if_positive_model, 0, 0, 0},
    {"counter_max", raise_to, raise_to_model, 6, 0, 0},
    {"counter_min", lower_to, lower_to_model, 1, 0, 0},
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

static const word_object counter_object = {counter_make, counter_read, counter_operations,
                                           COUNT(counter_operations)};

/* ---- the reference count ---- */

static weir_ref reference;

/* Of the model's numbers, and of what weir_ref_count_approx() says. */
#define PINNED UINT32_MAX

static uint64_t ref_get(uint64_t argument)
{
    (void)argument;
    weir_ref_get(&reference);
    return 0;
}

static uint64_t ref_get_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    *word = *word >= WEIR__REF_MAX ? PINNED : *word + 1;
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
    if (*word == PINNED)
        return false;
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
    if (*word == 0)
        return false;
    ref_get_model(word, argument);
    return true;
}

static uint64_t ref_count_approx(uint64_t argument)
{
    (void)argument;
    return weir_ref_count_approx(&reference);
}

static uint64_t ref_count_approx_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    return *word;
}

static const word_operation ref_operations[] = {
    {"ref_get", ref_get, ref_get_model, 0, WORD, 1},
    {"ref_put", ref_put, ref_put_model, 0, WORD, 1},
    {"ref_get_unless_zero", ref_get_unless_zero, ref_get_unless_zero_model, 0, 0, 0},
    {"ref_count_approx", ref_count_approx, ref_count_approx_model, 0, WORD, 0},
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
    weir_ref_init(&reference, word == PINNED ? WEIR__REF_MAX : (uint32_t)word);
    if (word == PINNED)
        weir_ref_get(&reference);
}

static uint64_t ref_read(void)
{
    return weir_ref_count_approx(&reference);
}

static const word_object ref_object = {ref_make, ref_read, ref_operations, COUNT(ref_operations)};

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
        {"ref_get (pinned)",
         "get, and put",
         pinned_setup,
         pinned_get,
         {pinned_get, pinned_put},
         pinned_check,
         WORD,
         false},
        {"ref_put (pinned)",
         "get, and put",
         pinned_setup,
         pinned_put,
         {pinned_get, pinned_put},
         pinned_check,
         WORD,
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

enum { SLOTS = 64, EVENTS = 16 };

/* What a thread did, with the times of its begin and its end. */
typedef struct sharded_event {
    uint64_t amount; /* that was added, or that was read */
    bool reads;
    uint64_t begin, end;
} sharded_event;

typedef struct sharded_history {
    sharded_event event[EVENTS];
    size_t count;
} sharded_history;

typedef struct sharded_case sharded_case;

typedef struct sharded_operation {
    const char *name;
    uint64_t (*run)(weir_counter_sharded *c); /* returns what it adds, or reads */
    bool adds, reads;
    unsigned bound;
} sharded_operation;

typedef struct sharded_script {
    const char *name;
    const sharded_operation *call[WEIR_STEP_ADVERSARIES][CALLS]; /* up to a NULL */
} sharded_script;

/* Slots for the CPUs that there are: adds go by the sequence; and 1, so that on other
 * CPUs than the first it is left by a jump. */
struct sharded_case {
    weir_counter_sharded *counter;
    WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[WEIR_CACHELINE * (1 + SLOTS)];
    size_t slots;
    uint64_t start;
    const sharded_operation *operation;
    const sharded_script *script;
    uint64_t answer; /* the victim's */
    WEIR_ATOMIC(uint64_t) clock;
    sharded_history by[1 + WEIR_STEP_ADVERSARIES]; /* the victim, the adversaries */
    bool per_cpu;                                  /* an add went by the sequence */
};

static uint64_t sharded_add(weir_counter_sharded *c)
{
    weir_counter_sharded_add(c, 5);
    return 5;
}

static uint64_t sharded_sub(weir_counter_sharded *c)
{
    weir_counter_sharded_sub(c, 3);
    return (uint64_t)-3;
}

static uint64_t sharded_inc(weir_counter_sharded *c)
{
    weir_counter_sharded_inc(c);
    return 1;
}

static uint64_t sharded_dec(weir_counter_sharded *c)
{
    weir_counter_sharded_dec(c);
    return (uint64_t)-1;
}

static uint64_t sharded_read(weir_counter_sharded *c)
{
    return weir_counter_sharded_read(c);
}

/* Adds nothing. The threads are pinned, so that the C library knows the right answer. */
static uint64_t sharded_is_per_cpu(weir_counter_sharded *c)
{
    bool expected = false;

#ifdef WEIR_HAVE_RSEQ_ADD
    expected = __rseq_size != 0 && (unsigned)sched_getcpu() < c->count;
#endif
    if (weir_counter_sharded_is_per_cpu(c) != expected)
        weir_step_false("is_per_cpu is wrong about this thread's processor");
    return 0;
}

static void sharded_setup(void *state)
{
    sharded_case *const c = (sharded_case *)state;

    for (size_t i = 0; i <= WEIR_STEP_ADVERSARIES; i++)
        c->by[i].count = 0;
    weir_atomic_init(&c->clock, 1);
    if (weir_counter_sharded_init_at(&c->counter, c->buffer, sizeof c->buffer, c->slots,
                                     c->start) != 0)
        weir_step_false("the counter could not be made");
}

static void sharded_victim(void *state)
{
    sharded_case *const c = (sharded_case *)state;

    c->answer = c->operation->run(c->counter);
}

static uint64_t sharded_time(sharded_case *c)
{
    /* relaxed: one word, so that its values are in the order of real time. */
    return weir_atomic_fetch_add(&c->clock, 1, WEIR_RELAXED);
}

static void sharded_act(sharded_case *c, unsigned who)
{
    sharded_history *const h = &c->by[1 + who];

    for (unsigned i = 0; i < CALLS && c->script->call[who][i] != NULL; i++) {
        sharded_event *const e = &h->event[h->count++];

        e->reads = c->script->call[who][i]->reads;
        e->begin = sharded_time(c);
        e->amount = c->script->call[who][i]->run(c->counter);
        e->end = sharded_time(c);
    }
}

static void sharded_adversary_0(void *state)
{
    sharded_act((sharded_case *)state, 0);
}

static void sharded_adversary_1(void *state)
{
    sharded_act((sharded_case *)state, 1);
}

/* Whether what the read `r` found is what was there before it, and some of what was added
 * meanwhile: each add for itself. */
static bool sharded_explains(const sharded_case *c, const sharded_event *r)
{
    uint64_t meanwhile[(1 + WEIR_STEP_ADVERSARIES) * EVENTS];
    uint64_t sum = c->start;
    size_t n = 0;

    for (unsigned who = 0; who <= WEIR_STEP_ADVERSARIES; who++)
        for (size_t i = 0; i < c->by[who].count; i++) {
            const sharded_event *const e = &c->by[who].event[i];

            if (e->reads || e->begin > r->end)
                continue;
            if (e->end < r->begin)
                sum += e->amount;
            else
                meanwhile[n++] = e->amount;
        }
    for (size_t some = 0; some < (size_t)1 << n; some++) {
        uint64_t with = sum;

        for (size_t i = 0; i < n; i++)
            with += (some >> i & 1) != 0 ? meanwhile[i] : 0;
        if (with == r->amount)
            return true;
    }
    return false;
}

static void sharded_check(void *state)
{
    sharded_case *const c = (sharded_case *)state;
    sharded_event *const v = &c->by[0].event[0];
    uint64_t sum = c->start;
    bool rises = true;

    v->amount = c->answer;
    v->reads = c->operation->reads;
    v->begin = 0;
    v->end = UINT64_MAX;
    c->by[0].count = 1;
    for (unsigned who = 0; who <= WEIR_STEP_ADVERSARIES; who++)
        for (size_t i = 0; i < c->by[who].count; i++)
            if (!c->by[who].event[i].reads) {
                sum += c->by[who].event[i].amount;
                rises = rises && (int64_t)c->by[who].event[i].amount >= 0;
            }
    if (weir_counter_sharded_read(c->counter) != sum)
        weir_step_false("the sum at rest is not what was added");
    for (unsigned who = 0; who <= WEIR_STEP_ADVERSARIES; who++) {
        uint64_t last = c->start;

        for (size_t i = 0; i < c->by[who].count; i++) {
            const sharded_event *const e = &c->by[who].event[i];

            if (!e->reads)
                continue;
            if (!sharded_explains(c, e))
                weir_step_false("a read that misses an add, or counts one twice");
            if (rises && e->amount - c->start < last - c->start)
                weir_step_false("nobody subtracts, and a second read is smaller");
            last = e->amount;
        }
    }
    c->per_cpu = c->per_cpu || weir_counter_sharded_is_per_cpu(c->counter);
    weir_counter_sharded_destroy(c->counter);
}

static const sharded_operation sharded_operations[] = {
    {"counter_sharded_add", sharded_add, true, false, SHARDED},
    {"counter_sharded_sub", sharded_sub, true, false, SHARDED},
    {"counter_sharded_inc", sharded_inc, true, false, SHARDED},
    {"counter_sharded_dec", sharded_dec, true, false, SHARDED},
    {"counter_sharded_read", sharded_read, false, true, SHARDED_READ},
    {"counter_sharded_is_per_cpu", sharded_is_per_cpu, false, false, WORD},
};

enum { ADD, SUB, INC, DEC, READ, IS_PER_CPU };

static const sharded_script sharded_scripts[] = {
    {"add, read", {{&sharded_operations[ADD], &sharded_operations[READ]}, {NULL}}},
    {"two that add", {{&sharded_operations[ADD]}, {&sharded_operations[ADD]}}},
    {"one adds, one subtracts", {{&sharded_operations[ADD]}, {&sharded_operations[DEC]}}},
    {"one adds, one reads",
     {{&sharded_operations[ADD]}, {&sharded_operations[READ], &sharded_operations[READ]}}},
};

static void sharded_row(const sharded_operation *o, const sharded_script *s)
{
    static const uint64_t starts[] = {0, UINT64_MAX - 2};
    static sharded_case c;
    const weir_step_plan plan = {
        o->name,
        s->name,
        sharded_setup,
        sharded_victim,
        {sharded_adversary_0, s->call[1][0] != NULL ? sharded_adversary_1 : NULL},
        sharded_check,
        o->bound,
        false};
    weir_step_row row;

    memset(&row, 0, sizeof row);
    c.operation = o;
    c.script = s;
    for (size_t i = 0; i < 2 * COUNT(starts); i++) {
        c.slots = i % 2 == 1 ? 1 : o->reads ? 2 : SLOTS;
        c.start = starts[i / 2];
        weir_step_sweep(&plan, &c, &row);
    }
    weir_step_report(&row);
    if (row.skipped == 0 && c.per_cpu && o->adds)
        CHECK(row.aborts > 0); /* the restartable sequence was met */
}

/* As word_sweep() and word_matrix(). */
static void sweep_sharded(void)
{
    const sharded_operation *const o = sharded_operations;
    const size_t n = COUNT(sharded_operations);

    for (size_t i = 0; i < n; i++) {
        const sharded_operation *const a = &o[(i + 1) % n], *const b = &o[(i + 2) % n];
        char name[80];

        for (size_t j = 0; j < COUNT(sharded_scripts); j++)
            sharded_row(&o[i], &sharded_scripts[j]);
        for (size_t j = 0; j < n; j++) {
            const sharded_script one = {o[j].name, {{&o[j]}, {NULL}}};

            sharded_row(&o[i], &one);
        }
        snprintf(name, sizeof name, "%s + %s", a->name, b->name);
        {
            const sharded_script two = {name, {{a}, {b}}};

            sharded_row(&o[i], &two);
        }
    }
}

int main(void)
{
    static const uint64_t words[] = {0, 1, 2, 6, 7, UINT64_MAX - 1, UINT64_MAX};
    static const uint64_t pairs[] = {0, 1, 7, UINT64_MAX};
    static const uint64_t references[] = {3, 4};
    static const uint64_t counts[] = {0, 1, 2, 3, WEIR__REF_MAX - 1, WEIR__REF_MAX, PINNED};
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_step_begin("step-counter");
    weir_backoff_wait(&backoff); /* its first call measures */
    word_sweep(&counter_object, counter_scripts, COUNT(counter_scripts), words, COUNT(words));
    word_matrix(&counter_object, pairs, COUNT(pairs));
    word_sweep(&ref_object, ref_scripts, COUNT(ref_scripts), references, COUNT(references));
    word_matrix(&ref_object, counts, COUNT(counts));
    sweep_pinned();
    sweep_sharded();
    return weir_step_end();
}
