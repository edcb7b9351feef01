/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/stack_guard.c: weir_stack_guard against a sequential stack, under each scheme, with
 * nodes that are allocated and freed. A scenario is a string: what is done before the other
 * threads, then what is done beside them, then what each of them does, with bars between.
 *
 *     a to d  push a new node, so called      ?  empty
 *     [abc]   push new ones as a chain        *  pop_all, and retire
 *     -       pop, and retire it              r  pop, and retire it, to be pushed again
 *     !       pop, and free it at once        k  pop, and keep it until all have ended
 *
 * What is retired is looked at after one, or two, in the eager modes, else when the domain is
 * freed. Addresses are not used again by malloc() in a run: nodes that are pushed again are what
 * comes back to a pop that has read them. */

#include "model.h"

#include <weir/stack_guard.h>

enum { NODES = 4, NONE = 0, HELPERS = 2 };

enum { PUSH, POP, POP_ALL, EMPTY };

static const char *const names[] = {"push", "pop", "pop_all", "empty"};

typedef struct item {
    weir_stack_guard_node node; /* first: its weir_retired is what is freed */
    unsigned name;              /* plain */
} item;

static weir_stack_guard stack;
static weir_guard *domain;
static weir_guard_record *records[HELPERS];
static const char *scripts[HELPERS];
static unsigned helpers;
static struct item *kept[HELPERS];
static bool ending; /* the test function is alone again */

/* ---- the specification: a chain is four bits a node, the lowest on top ---- */

static bool apply(void *state, int operation, uint64_t argument, const uint64_t *result)
{
    uint64_t *const chain = (uint64_t *)state;
    const uint64_t before = *chain;
    unsigned bits = 0;

    switch (operation) {
    case PUSH:
        while (argument >> bits != 0)
            bits += 4;
        *chain = before << bits | argument;
        return result == NULL || *result == (before == 0);
    case POP:
        *chain = before >> 4;
        return result == NULL || *result == (before & 15);
    case POP_ALL:
        *chain = 0;
        return result == NULL || *result == before;
    default:
        return result == NULL || *result == (before == 0);
    }
}

static const weir_check_spec spec = {sizeof(uint64_t), NULL, apply, names};

/* ---- scripts ---- */

static void release(weir_retired *retired)
{
    free((void *)retired);
}

/* In a thread that retires, and has a record. */
static void push_again(weir_retired *retired)
{
    item *const again = (item *)(void *)retired;
    unsigned call;

    if (ending) {
        free(again);
        return;
    }
    call = weir_check_call(PUSH, again->name);
    weir_check_return(call, weir_stack_guard_push(&stack, weir_guard_self(domain), &again->node));
}

static item *make(char name)
{
    item *const made = (item *)calloc(1, sizeof *made);

    weir_check_assert(made != NULL);
    made->name = (unsigned)(name - 'a') + 1;
    return made;
}

static void push(weir_guard_record *record, char name)
{
    item *const made = make(name);
    const unsigned call = weir_check_call(PUSH, made->name);

    weir_check_return(call, weir_stack_guard_push(&stack, record, &made->node));
}

/* Returns: where the chain ends in the script. */
static const char *push_chain(weir_guard_record *record, const char *at)
{
    item *const first = make(*at);
    item *last = first;
    uint64_t chain = first->name;
    unsigned call;

    for (unsigned bits = 4; *++at != ']'; bits += 4) {
        item *const made = make(*at);

        weir_stack_guard_link(record, &last->node, &made->node);
        last = made;
        chain |= (uint64_t)made->name << bits;
    }
    call = weir_check_call(PUSH, chain);
    weir_check_return(call, weir_stack_guard_push_chain(&stack, record, &first->node, &last->node));
    return at;
}

static item *pop(weir_guard_record *record)
{
    const unsigned call = weir_check_call(POP, 0);
    item *const popped = (item *)(void *)weir_stack_guard_pop(&stack, record);

    weir_check_return(call, popped == NULL ? NONE : popped->name);
    return popped;
}

static bool pop_and_retire(weir_guard_record *record, weir_reclaim_callback *reclaim)
{
    item *const popped = pop(record);

    if (popped != NULL)
        weir_guard_retire(record, &popped->node.retired, reclaim, sizeof *popped);
    return popped != NULL;
}

static void pop_all_and_retire(weir_guard_record *record)
{
    const unsigned call = weir_check_call(POP_ALL, 0);
    weir_stack_guard_node *const first = weir_stack_guard_pop_all(&stack);
    uint64_t chain = 0;
    unsigned bits = 0;

    for (const weir_stack_guard_node *node = first; node != NULL;
         node = weir_stack_guard_next(node), bits += 4)
        chain |= (uint64_t)((const item *)(const void *)node)->name << bits;
    weir_check_return(call, chain);
    for (weir_stack_guard_node *node = first, *next; node != NULL; node = next) {
        next = weir_stack_guard_next(node);
        weir_guard_retire(record, &node->retired, release, sizeof(item));
    }
}

static void empty(void)
{
    const unsigned call = weir_check_call(EMPTY, 0);

    weir_check_return(call, weir_stack_guard_empty(&stack));
}

static void play(weir_guard_record *record, const char *script)
{
    for (const char *at = script; *at != '\0' && *at != '|'; at++) {
        switch (*at) {
        case '-':
            pop_and_retire(record, release);
            break;
        case 'r':
            pop_and_retire(record, push_again);
            break;
        case '!':
            free(pop(record));
            break;
        case '*':
            pop_all_and_retire(record);
            break;
        case '?':
            empty();
            break;
        case '[':
            at = push_chain(record, at + 1);
            break;
        default:
            push(record, *at);
        }
    }
}

/* Threads that ask for a record one within the other, so that each gets one of its own, and end
 * before there are helpers, who use them: nobody else does. Asked for by the helpers themselves,
 * the lock about it would make a hundred graphs of one. Who looks for what can be freed would take
 * such a record for an orphan's, so those who retire eagerly ask for their own. */
static void ask(void *number)
{
    const uintptr_t n = (uintptr_t)number;

    if (n == helpers)
        return;
    records[n] = weir_guard_self(domain);
    weir_check_assert(records[n] != NULL);
    weir_check_join(weir_check_thread(ask, (void *)(n + 1)));
}

static void help(void *number)
{
    const uintptr_t n = (uintptr_t)number;
    weir_guard_record *const record = records[n] != NULL ? records[n] : weir_guard_self(domain);

    weir_check_assert(record != NULL);
    if (*scripts[n] == 'k')
        kept[n] = pop(record);
    else
        play(record, scripts[n]);
}

typedef struct scene {
    const char *script;
    weir_guard_scheme scheme;
    unsigned batch; /* or 0 */
    bool asks;      /* each helper for its record: those that retire eagerly */
} scene;

static void test(void *of)
{
    const scene *const s = (const scene *)of;
    const weir_reclaim_options options = {.fenced = true, .batch_objects = s->batch};
    const char *const beside = strchr(s->script, '|') + 1;
    weir_guard_record *record;

    weir_check_assert(weir_guard_new(&domain, s->scheme, &options) == 0);
    weir_stack_guard_init(&stack);
    record = weir_guard_self(domain);
    weir_check_assert(record != NULL);
    helpers = 0;
    for (const char *bar = strchr(beside, '|'); bar != NULL; bar = strchr(bar + 1, '|'))
        scripts[helpers++] = bar + 1;
    if (!s->asks)
        weir_check_join(weir_check_thread(ask, NULL));
    weir_check_history(&spec);
    play(record, s->script);
    for (uintptr_t n = 0; n < helpers; n++)
        weir_check_thread(help, (void *)n);
    play(record, beside);
    weir_check_join_all();
    ending = true;
    for (unsigned n = 0; n < helpers; n++)
        if (kept[n] != NULL)
            weir_guard_retire(record, &kept[n]->node.retired, release, sizeof *kept[n]);
    while (pop_and_retire(record, release))
        ;
    weir_check_assert(weir_stack_guard_destroy(&stack) == 0);
    weir_check_assert(weir_guard_free(domain) == 0);
}

#define SCENE(title, script, scheme, batch, asks, deep, finding, class)                           \
    {                                                                                             \
        title #scheme " " script, test,                                                           \
            (uintptr_t) & (const scene){script, WEIR_GUARD_##scheme, batch, asks}, deep, finding, \
        {                                                                                         \
            .progress = WEIR_CHECK_##class                                                        \
        }                                                                                         \
    }
#define LAZY(scheme, script) SCENE("", script, scheme, 0, false, false, 0, BLOCKING)
#define EAGER(scheme, script) SCENE("eager ", script, scheme, 1, true, false, 0, BLOCKING)
#define EAGER_OWNER(scheme, script, batch) \
    SCENE("eager owner " #batch " ", script, scheme, batch, false, false, 0, BLOCKING)
#define DEEP(scheme, script) SCENE("eager ", script, scheme, 1, true, true, 0, BLOCKING)
#define LOCK_FREE(scheme, script) SCENE("lock-free ", script, scheme, 0, false, false, 0, LOCK_FREE)
#define WRONG(scheme, script, finding) \
    SCENE("wrong ", script, scheme, 0, false, false, WEIR_CHECK_##finding, BLOCKING)

static const scenario scenarios[] = {
    LAZY(EPOCH, "|a|-"),
    LAZY(EPOCH, "|a|b"),
    LAZY(EPOCH, "c|ab|-"),
    LAZY(EPOCH, "|a|?b"),
    LAZY(EPOCH, "ba|-|-"),
    LAZY(EPOCH, "|[ab]|*"),
    LAZY(EPOCH, "c|ab|*"),
    LAZY(EPOCH, "ba|-|*"),
    LAZY(EPOCH, "a||b|-"),
    LAZY(INTERVAL, "ba|-|-"),
    LAZY(INTERVAL, "c|ab|-"),
    LAZY(HAZARD, "ba|-|-"),
    LAZY(HAZARD, "c|ab|-"),
    EAGER(EPOCH, "a|-|-"),
    EAGER(INTERVAL, "a|-|-"),
    EAGER_OWNER(EPOCH, "ba|-|k", 1),
    EAGER_OWNER(INTERVAL, "ba|-|k", 1),
    EAGER_OWNER(HAZARD, "ba|-|k", 1),
    /* The top is the one that a pop has read, but what is below it is gone. */
    EAGER_OWNER(EPOCH, "ba|r-|k", 2),
    EAGER_OWNER(INTERVAL, "ba|r-|k", 2),
    EAGER_OWNER(HAZARD, "ba|r-|k", 2),
    /* What a pop reads may be newer than its section. */
    EAGER_OWNER(EPOCH, "a|-b-|k", 1),
    EAGER_OWNER(INTERVAL, "a|-b-|k", 1),
    EAGER_OWNER(HAZARD, "a|-b-|k", 1),
    DEEP(EPOCH, "ba|-|-"),
    DEEP(INTERVAL, "ba|-|-"),
    LOCK_FREE(EPOCH, "b|a|-"),
    LOCK_FREE(HAZARD, "ba|-|-"),
    LOCK_FREE(INTERVAL, "ba|-|*"),
    WRONG(HAZARD, "ba|!|k", USE_AFTER_FREE),
};

int main(int argc, char **argv)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    /* The first wait of a process measures time, which stands still in a run. */
    weir_backoff_wait(&backoff);
    return model_main("stack_guard", scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
