/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/stack.c: weir_stack_index and weir_stack against a sequential stack. A scenario is a
 * string: what is done before the threads, then what each thread does, with bars between.
 *
 *     a to d  push that node         ~  push what this thread got first, if anything
 *     [abc]   push them as a chain   -  pop       *  pop_all       ?  empty
 *
 * What a node carries is plain: written before each push and after each pop, so that a node that
 * belongs to two is a race. At the end the stack is drained by pops, which are part of the history:
 * nothing is lost, and nothing is there twice. */

#include "model.h"

#include <weir/stack.h>

enum { NODES = 4, NONE = 0 };

enum { PUSH, POP, POP_ALL, EMPTY };

static const char *const names[] = {"push", "pop", "pop_all", "empty"};

/* Nodes are 1 to NODES; chains are numbers of four bits a node, the lowest on top. */
typedef struct kind {
    void (*init)(bool below_wrap);
    void (*link)(unsigned node, unsigned next);
    unsigned (*next)(unsigned node);
    bool (*push)(unsigned node);
    bool (*push_chain)(unsigned first, unsigned last);
    unsigned (*pop)(void);
    unsigned (*pop_all)(void);
    bool (*empty)(void);
    int (*destroy)(void);
} kind;

static const kind *stack;
static unsigned carried[NODES + 1];

/* ---- weir_stack_index ---- */

static weir_stack_index by_index;
static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[WEIR_CACHELINE];

static void index_init(bool below_wrap)
{
    weir_check_assert(weir_stack_index_init_at(&by_index, buffer, sizeof buffer, NODES,
                                               WEIR_STACK_EMPTY, below_wrap ? UINT64_MAX : 0) == 0);
}

static unsigned index_node(uint32_t index)
{
    return index == WEIR_STACK_NONE ? NONE : index + 1;
}

static void index_link(unsigned node, unsigned next)
{
    weir_stack_index_link(&by_index, node - 1, next == NONE ? WEIR_STACK_NONE : next - 1);
}

static unsigned index_next(unsigned node)
{
    return index_node(weir_stack_index_next(&by_index, node - 1));
}

static bool index_push(unsigned node)
{
    return weir_stack_index_push(&by_index, node - 1);
}

static bool index_push_chain(unsigned first, unsigned last)
{
    return weir_stack_index_push_chain(&by_index, first - 1, last - 1);
}

static unsigned index_pop(void)
{
    return index_node(weir_stack_index_pop(&by_index));
}

static unsigned index_pop_all(void)
{
    return index_node(weir_stack_index_pop_all(&by_index));
}

static bool index_empty(void)
{
    return weir_stack_index_empty(&by_index);
}

static int index_destroy(void)
{
    return weir_stack_index_destroy(&by_index);
}

static const kind index_kind = {index_init,    index_link,       index_next,
                                index_push,    index_push_chain, index_pop,
                                index_pop_all, index_empty,      index_destroy};

/* ---- weir_stack ---- */

static weir_stack by_node;
static weir_stack_node nodes[NODES];

static void node_init(bool below_wrap)
{
    weir_stack_init_at(&by_node, below_wrap ? UINT64_MAX : 0);
}

static unsigned number_of(const weir_stack_node *node)
{
    return node == NULL ? NONE : (unsigned)(node - nodes) + 1;
}

static void node_link(unsigned node, unsigned next)
{
    weir_stack_link(&nodes[node - 1], next == NONE ? NULL : &nodes[next - 1]);
}

static unsigned node_next(unsigned node)
{
    return number_of(weir_stack_next(&nodes[node - 1]));
}

static bool node_push(unsigned node)
{
    return weir_stack_push(&by_node, &nodes[node - 1]);
}

static bool node_push_chain(unsigned first, unsigned last)
{
    return weir_stack_push_chain(&by_node, &nodes[first - 1], &nodes[last - 1]);
}

static unsigned node_pop(void)
{
    return number_of(weir_stack_pop(&by_node));
}

static unsigned node_pop_all(void)
{
    return number_of(weir_stack_pop_all(&by_node));
}

static bool node_empty(void)
{
    return weir_stack_empty(&by_node);
}

static int node_destroy(void)
{
    return weir_stack_destroy(&by_node);
}

static const kind node_kind = {node_init, node_link,    node_next,  node_push,   node_push_chain,
                               node_pop,  node_pop_all, node_empty, node_destroy};

/* ---- the specification ---- */

typedef struct sequential {
    uint64_t chain;
} sequential;

static bool apply(void *state, int operation, uint64_t argument, const uint64_t *result)
{
    sequential *const s = (sequential *)state;
    const uint64_t before = s->chain;
    unsigned bits = 0;

    switch (operation) {
    case PUSH:
        while (argument >> bits != 0)
            bits += 4;
        s->chain = before << bits | argument;
        return result == NULL || *result == (before == 0);
    case POP:
        s->chain = before >> 4;
        return result == NULL || *result == (before & 15);
    case POP_ALL:
        s->chain = 0;
        return result == NULL || *result == before;
    default:
        return result == NULL || *result == (before == 0);
    }
}

static const weir_check_spec spec = {sizeof(sequential), NULL, apply, names};

/* ---- scripts ---- */

static void give(unsigned node)
{
    carried[node] = 10 * node;
}

static void take(unsigned node)
{
    weir_check_assert(carried[node] == 10 * node);
    carried[node] = 0;
}

static void push(unsigned node)
{
    unsigned call;
    bool first;

    give(node);
    call = weir_check_call(PUSH, node);
    first = stack->push(node);
    weir_check_return(call, first);
}

/* Returns: where the chain ends in the script. */
static const char *push_chain(const char *at)
{
    const unsigned first = (unsigned)(*at - 'a') + 1;
    unsigned last = first, bits = 0, call;
    uint64_t chain = 0;
    bool was_empty;

    for (; *at != ']'; at++, bits += 4) {
        const unsigned node = (unsigned)(*at - 'a') + 1;

        give(node);
        if (node != last)
            stack->link(last, node);
        last = node;
        chain |= (uint64_t)node << bits;
    }
    call = weir_check_call(PUSH, chain);
    was_empty = stack->push_chain(first, last);
    weir_check_return(call, was_empty);
    return at;
}

static unsigned pop(void)
{
    const unsigned call = weir_check_call(POP, 0);
    const unsigned node = stack->pop();

    weir_check_return(call, node);
    if (node != NONE)
        take(node);
    return node;
}

/* Returns: the uppermost. */
static unsigned pop_all(void)
{
    const unsigned call = weir_check_call(POP_ALL, 0);
    const unsigned first = stack->pop_all();
    unsigned node = first;
    uint64_t chain = 0;

    for (unsigned bits = 0; node != NONE; bits += 4) {
        weir_check_assert(bits < 4 * NODES);
        chain |= (uint64_t)node << bits;
        take(node);
        node = stack->next(node);
    }
    weir_check_return(call, chain);
    return first;
}

static void empty(void)
{
    const unsigned call = weir_check_call(EMPTY, 0);

    weir_check_return(call, stack->empty());
}

static void play(void *script)
{
    unsigned got = NONE;

    for (const char *at = (const char *)script; *at != '\0' && *at != '|'; at++) {
        switch (*at) {
        case '-':
        case '*': {
            const unsigned node = *at == '-' ? pop() : pop_all();

            if (got == NONE)
                got = node;
            break;
        }
        case '?':
            empty();
            break;
        case '~':
            if (got != NONE)
                push(got);
            got = NONE;
            break;
        case '[':
            at = push_chain(at + 1);
            break;
        default:
            push((unsigned)(*at - 'a') + 1);
        }
    }
}

static void scene(const kind *which, bool below_wrap, char *script)
{
    stack = which;
    stack->init(below_wrap);
    weir_check_history(&spec);
    play(script);
    for (char *bar = strchr(script, '|'); bar != NULL; bar = strchr(bar + 1, '|'))
        weir_check_thread(play, bar + 1);
    weir_check_join_all();
    while (pop() != NONE)
        ;
    weir_check_assert(stack->destroy() == 0);
}

static void of_index(void *script)
{
    scene(&index_kind, false, (char *)script);
}

static void of_index_wrapping(void *script)
{
    scene(&index_kind, true, (char *)script);
}

static void of_node(void *script)
{
    scene(&node_kind, false, (char *)script);
}

static void of_node_wrapping(void *script)
{
    scene(&node_kind, true, (char *)script);
}

/* ---- what the contract forbids ---- */

static void pop_and_free(void *unused)
{
    (void)unused;
    free(weir_stack_pop(&by_node));
}

/* A node is freed while a pop may still read it. */
static void frees_early(void *unused)
{
    (void)unused;
    weir_stack_init(&by_node);
    for (int i = 0; i < 2; i++) {
        weir_stack_node *const node = (weir_stack_node *)malloc(sizeof *node);

        weir_check_assert(node != NULL);
        weir_stack_push(&by_node, node);
    }
    weir_check_thread(pop_and_free, NULL);
    weir_check_thread(pop_and_free, NULL);
    weir_check_join_all();
}

/* ---- empty is wait-free ---- */

static void push_and_pop(void *unused)
{
    (void)unused;
    stack->push(1);
    stack->pop();
}

static void look(void *unused)
{
    (void)unused;
    empty();
}

static void looks(void *which)
{
    stack = (const kind *)which;
    stack->init(false);
    weir_check_thread(push_and_pop, NULL);
    weir_check_thread(look, NULL);
    weir_check_join_all();
}

#define SCENE(what, test, script, deep, class)                                 \
    {                                                                          \
        what ": " script, test, (uintptr_t)(script), deep, WEIR_CHECK_NOTHING, \
        {                                                                      \
            .progress = WEIR_CHECK_##class                                     \
        }                                                                      \
    }
#define QUICK(script)                                  \
    SCENE("index", of_index, script, false, BLOCKING), \
        SCENE("node", of_node, script, false, BLOCKING)
#define DEEP(script) \
    SCENE("index", of_index, script, true, BLOCKING), SCENE("node", of_node, script, true, BLOCKING)
#define WRAPPING(script)                                              \
    SCENE("index wraps", of_index_wrapping, script, false, BLOCKING), \
        SCENE("node wraps", of_node_wrapping, script, false, BLOCKING)
#define LOCK_FREE(script)                                         \
    SCENE("index lock-free", of_index, script, false, LOCK_FREE), \
        SCENE("node lock-free", of_node, script, false, LOCK_FREE)
#define WAIT_FREE(what, which)                           \
    {                                                    \
        what, looks, (uintptr_t)(which), false, 0,       \
        {                                                \
            .progress = WEIR_CHECK_WAIT_FREE, .steps = 1 \
        }                                                \
    }

static const scenario scenarios[] = {
    QUICK("|a|-"),
    QUICK("|a|?b"),
    QUICK("c|a|-"),
    QUICK("c|ab|-"),
    QUICK("ba|-|-"),
    QUICK("a|-~|-"),
    QUICK("|[ab]|-"),
    QUICK("|a|b|-"),
    QUICK("c|a|b|-"),
    QUICK("ba|-|-|-"),
    /* All at once. */
    QUICK("|[ab]|*"),
    QUICK("c|ab|*"),
    QUICK("ba|-|*"),
    QUICK("ba|*|*"),
    /* The top is the one that a pop has read, but what is below it is another's. */
    QUICK("ba|--~|-"),
    QUICK("ba|--~|*"),
    QUICK("ba|*~|-"),
    WRAPPING("ba|--~|-"),
    WRAPPING("ba|*~|-"),
    DEEP("cba|--~|--|-"),
    LOCK_FREE("b|a|-"),
    LOCK_FREE("ba|-|-"),
    LOCK_FREE("ba|*|-"),
    WAIT_FREE("index: empty is wait-free", &index_kind),
    WAIT_FREE("node: empty is wait-free", &node_kind),
    {"node: is freed early", frees_early, 0, false, WEIR_CHECK_USE_AFTER_FREE, {0}},
};

int main(int argc, char **argv)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    /* The first wait of a process measures time, which stands still in a run. */
    weir_backoff_wait(&backoff);
    return model_main("stack", scenarios, sizeof scenarios / sizeof scenarios[0], argc, argv);
}
