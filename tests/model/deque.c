/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/deque.c: weir_deque against a sequential deque, in its three modes. A scenario is a
 * string: what the owner does before there are thieves, then what it does beside them, then what
 * each thief does, with bars between.
 *
 *     a to f  push that value        -  pop                      o  pop the oldest
 *     s       steal                  S  steal a burst of two     m  make it shared, no more
 *
 * What a value stands for is plain memory: written before the push, and after the pop or steal.
 *
 * An asymmetric fence is the kernel's work, which nothing here sees: a library made for the
 * sanitizer has none, and a deque in it stays shared. So lib/deque.c is compiled here once more,
 * with a sequentially consistent fence in place of each. The two together order what weir/fence.h
 * promises; each by itself orders a little more: the heavy one is a release too, so that the one
 * in share() behind it is not missed here. Where a deque begins shared the light one is what it
 * is: nothing. */

#include "model.h"

#include <weir/guard.h>

/* gcc warns that its own sanitizer does not know fences; the checker does. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

static bool fences; /* is the deque to begin as the owner's alone? */

static inline void light(void)
{
    if (fences)
        atomic_thread_fence(memory_order_seq_cst);
}

static inline void heavy(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

#define weir_fence_light light
#define weir_fence_heavy heavy

#include "../../lib/deque.c"

enum { VALUES = 6, NONE = 0, THIEVES = 2 };

enum { PUSH, POP, POP_OLDEST, STEAL, STEAL_MORE };

static const char *const names[] = {"push", "pop", "pop oldest", "steal", "steal more"};

static weir_deque deque;
static weir_guard *domain;
static unsigned carried[VALUES + 1];
static weir_guard_record *records[THIEVES];
static const char *scripts[THIEVES];
static unsigned thieves;
static bool silent; /* thieves are */

/* ---- the specification ---- */

typedef struct sequential {
    unsigned number;
    unsigned values[VALUES]; /* oldest first */
} sequential;

static unsigned take_newest(sequential *s)
{
    return s->number == 0 ? NONE : s->values[--s->number];
}

static unsigned take_oldest(sequential *s)
{
    const unsigned oldest = s->number == 0 ? NONE : s->values[0];

    if (s->number > 0)
        memmove(s->values, s->values + 1, --s->number * sizeof s->values[0]);
    s->values[s->number] = NONE;
    return oldest;
}

static bool apply(void *state, int operation, uint64_t argument, const uint64_t *result)
{
    sequential *const s = (sequential *)state;
    unsigned got;

    switch (operation) {
    case PUSH:
        s->values[s->number++] = (unsigned)argument;
        return true;
    case POP:
        got = take_newest(s);
        s->values[s->number] = NONE;
        break;
    case STEAL_MORE: /* a second one, or none: half of what was there may be one */
        if (result != NULL && *result == NONE)
            return true;
        got = take_oldest(s);
        break;
    default:
        got = take_oldest(s);
    }
    return result == NULL || *result == got;
}

static const weir_check_spec spec = {sizeof(sequential), NULL, apply, names};

/* ---- scripts ---- */

static void take(uintptr_t value)
{
    if (value == NONE)
        return;
    weir_check_assert(carried[value] == 10 * value);
    carried[value] = 0;
}

static void push(unsigned value)
{
    unsigned call;

    carried[value] = 10 * value;
    call = weir_check_call(PUSH, value);
    weir_check_assert(weir_deque_push(&deque, value) == 0);
    weir_check_return(call, 0);
}

static bool pop(void)
{
    const unsigned call = weir_check_call(POP, 0);
    uintptr_t value = NONE;
    const bool got = weir_deque_pop(&deque, &value);

    weir_check_return(call, value);
    take(value);
    return got;
}

static void pop_oldest(void)
{
    const unsigned call = weir_check_call(POP_OLDEST, 0);
    uintptr_t value = NONE;

    weir_check_assert(weir_deque_pop_oldest(&deque, &value) == (value != NONE));
    weir_check_return(call, value);
    take(value);
}

static void steals_unrecorded(weir_guard_record *record)
{
    uintptr_t value;

    if (weir_deque_steal(&deque, record, &value))
        take(value);
}

static void steals(weir_guard_record *record)
{
    const unsigned call = weir_check_call(STEAL, 0);
    uintptr_t value = NONE;

    weir_check_assert(weir_deque_steal(&deque, record, &value) == (value != NONE));
    weir_check_return(call, value);
    take(value);
}

/* Each is an operation by itself, at the same time. */
static void steals_two(weir_guard_record *record)
{
    const unsigned call = weir_check_call(STEAL, 0);
    const unsigned more = weir_check_call(STEAL_MORE, 0);
    uintptr_t values[2] = {NONE, NONE};
    const size_t got = weir_deque_steal_burst(&deque, record, values, 2);

    weir_check_assert(got == (values[0] != NONE ? 1U : 0U) + (values[1] != NONE ? 1U : 0U));
    weir_check_return(more, values[1]);
    weir_check_return(call, values[0]);
    take(values[0]);
    take(values[1]);
}

static void owner(const char *script)
{
    for (; *script != '\0' && *script != '|'; script++) {
        if (*script == '-')
            pop();
        else if (*script == 'o')
            pop_oldest();
        else
            push((unsigned)(*script - 'a') + 1);
    }
}

/* Threads that ask for a record one within the other, so that each gets one of its own, and end
 * before there are thieves, who use them: nobody else does. Asked for by the thieves themselves,
 * the lock about it would make a hundred graphs of one; that is for the clients of reclamation. */
static void ask(void *number)
{
    const uintptr_t n = (uintptr_t)number;

    if (n == thieves)
        return;
    records[n] = weir_guard_self(domain);
    weir_check_assert(records[n] != NULL);
    weir_check_join(weir_check_thread(ask, (void *)(n + 1)));
}

static void thief(void *number)
{
    const uintptr_t n = (uintptr_t)number;
    weir_guard_record *const record = records[n] != NULL ? records[n] : weir_guard_self(domain);

    weir_check_assert(record != NULL);
    for (const char *at = scripts[n]; *at != '\0' && *at != '|'; at++) {
        if (*at == 'm')
            /* sync(mode): acquire. As in steal(). */
            share(&deque, weir_atomic_load(&deque.ends.hi, WEIR_ACQUIRE));
        else if (silent)
            steals_unrecorded(record);
        else if (*at == 's')
            steals(record);
        else
            steals_two(record);
    }
}

typedef enum mode {
    SHARED,
    ASKING,   /* each thief asks for its record */
    WRAPPING, /* indices begin just below the end of their range */
    EPOCHS,   /* an outgrown array is looked at at once, under each of the schemes */
    INTERVALS,
    HAZARDS,
    ALONE, /* the owner's at first */
    DUE    /* to be taken back by the next pop */
} mode;

typedef struct scene {
    const char *script;
    mode mode;
    bool silent; /* thieves are not recorded */
} scene;

static void play(void *of)
{
    const scene *const s = (const scene *)of;
    const weir_guard_scheme scheme = s->mode == INTERVALS ? WEIR_GUARD_INTERVAL
                                     : s->mode == HAZARDS ? WEIR_GUARD_HAZARD
                                                          : WEIR_GUARD_EPOCH;
    const bool reclaims = s->mode == EPOCHS || s->mode == INTERVALS || s->mode == HAZARDS;
    const weir_reclaim_options options = {.fenced = true, .batch_objects = reclaims ? 1 : 0};
    const char *const beside = strchr(s->script, '|') + 1;

    silent = s->silent;
    fences = s->mode == ALONE || s->mode == DUE;
    weir_check_assert(weir_guard_new(&domain, scheme, &options) == 0);
    weir_check_assert(weir_deque_init_at(&deque, domain, 2, s->mode == WRAPPING ? UINT64_MAX : 0) ==
                      0);
    weir_check_assert(weir_guard_self(domain) != NULL);
    if (fences)
        deque.stays_shared = false;
    if (s->mode == ALONE)
        weir_atomic_init(&deque.ends.hi, WEIR__DEQUE_ALONE);
    if (s->mode == DUE)
        deque.rent = WEIR_DEQUE_RENT - 1;
    thieves = 0;
    for (const char *bar = strchr(beside, '|'); bar != NULL; bar = strchr(bar + 1, '|'))
        scripts[thieves++] = bar + 1;
    if (s->mode != ASKING)
        weir_check_join(weir_check_thread(ask, NULL));
    if (!silent)
        weir_check_history(&spec);
    owner(s->script);
    for (uintptr_t n = 0; n < thieves; n++)
        weir_check_thread(thief, (void *)n);
    owner(beside);
    weir_check_join_all();
    while (pop())
        ;
    weir_check_assert(weir_deque_destroy(&deque) == 0);
    weir_check_assert(weir_guard_free(domain) == 0);
}

#define SCENE(title, script, mode, silent, deep, class, most)                                     \
    {                                                                                             \
        title #mode " " script, play, (uintptr_t) & (const scene){script, mode, silent}, deep, 0, \
        {                                                                                         \
            .progress = WEIR_CHECK_##class, .steps = most                                         \
        }                                                                                         \
    }
#define QUICK(mode, script) SCENE("", script, mode, false, false, BLOCKING, 0)
#define DEEP(mode, script) SCENE("", script, mode, false, true, BLOCKING, 0)
#define LOCK_FREE(mode, script) SCENE("lock-free ", script, mode, false, false, LOCK_FREE, 0)
/* For the owner; a read-modify-write is two steps. */
#define WAIT_FREE(mode, script, most, deep) \
    SCENE("wait-free ", script, mode, true, deep, WAIT_FREE, most)

static const scenario scenarios[] = {
    /* Shared from the start. */
    QUICK(SHARED, "|a|s"),
    QUICK(SHARED, "|a-|s"),
    QUICK(SHARED, "|ab-|s"),
    QUICK(SHARED, "a|-|s"),
    QUICK(SHARED, "a|-b|s"),
    QUICK(SHARED, "a|b-|s"),
    QUICK(SHARED, "ab|-|ss"),
    QUICK(SHARED, "ab|--|s"),
    QUICK(SHARED, "a||s|s"),
    QUICK(SHARED, "a|b|s|s"),
    QUICK(SHARED, "ab|-|S"),
    QUICK(SHARED, "abc|-|S"),
    QUICK(SHARED, "ab|-|s|s"),
    DEEP(SHARED, "ab|--|s|s"),
    DEEP(SHARED, "abc|-|S|s"),
    QUICK(ASKING, "a||s"),
    DEEP(ASKING, "a||s|s"),
    /* The owner takes the oldest. */
    QUICK(SHARED, "a|o|s"),
    QUICK(SHARED, "ab|o|s"),
    QUICK(SHARED, "ab|o-|s"),
    QUICK(SHARED, "abc|-o-|s"),
    QUICK(SHARED, "ab|oc|ss"),
    DEEP(SHARED, "ab|oo|s|s"),
    QUICK(ALONE, "a|o|s"),
    QUICK(ALONE, "ab|o-|s"),
    QUICK(ALONE, "ab|-o|s"),
    QUICK(DUE, "abc|-oo|s"),
    QUICK(WRAPPING, "ab|oc|s"),
    /* Cells are used again, and the array grows. */
    QUICK(SHARED, "ab|c|s"),
    QUICK(SHARED, "ab|cd|s"),
    QUICK(SHARED, "ab|cd|ss"),
    QUICK(EPOCHS, "ab|c|s"),
    QUICK(INTERVALS, "ab|c|s"),
    QUICK(HAZARDS, "ab|c|s"),
    /* Indices wrap. */
    QUICK(WRAPPING, "a|-b|s"),
    QUICK(WRAPPING, "ab|c|s"),
    QUICK(WRAPPING, "ab|-|ss"),
    /* The owner's alone at first. */
    QUICK(ALONE, "|a|s"),
    QUICK(ALONE, "|a-|s"),
    QUICK(ALONE, "|ab-|s"),
    QUICK(ALONE, "a|-|s"),
    QUICK(ALONE, "ab|-|s"),
    QUICK(ALONE, "ab|--|s"),
    QUICK(ALONE, "ab|-|ss"),
    QUICK(ALONE, "a|-|m|s"),
    DEEP(ALONE, "ab|-|m|s"),
    DEEP(ALONE, "a|-|s|s"),
    /* Taken back by the next pop. */
    QUICK(DUE, "ab|-|s"),
    QUICK(DUE, "abc|--|s"),
    DEEP(DUE, "abc|---|s"),
    DEEP(DUE, "abc|--|ss"),
    DEEP(DUE, "ab|-|s|s"),
    LOCK_FREE(SHARED, "a|-|s"),
    LOCK_FREE(SHARED, "a||s|s"),
    LOCK_FREE(ALONE, "a|-|s"),
    LOCK_FREE(DUE, "ab|-|s"),
    LOCK_FREE(SHARED, "ab|o|s"),
    LOCK_FREE(ALONE, "ab|o|s"),
    WAIT_FREE(SHARED, "a|-|s", 12, false),
    WAIT_FREE(SHARED, "ab|c-|s", 28, false),
    WAIT_FREE(ALONE, "a|-|s", 20, true),
    WAIT_FREE(DUE, "ab|-|s", 12, true),
};

MODEL_MAIN("deque", scenarios)
