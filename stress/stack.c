/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stack.h under many threads: each kind of stack through the body of stress/stack.h.
 * First a stack without generation goes through it: the ledger must find it out, or it is
 * worth nothing. */

#include "stack.h"

#include <weir/stack.h>
#include <weir/stack_guard.h>

static WEIR_ATOMIC(uint64_t) slow_pops;

static inline void window(void)
{
    /* relaxed: only counts. */
    if (weir_atomic_fetch_add(&slow_pops, 1, WEIR_RELAXED) % 8 == 0)
        sched_yield();
}

#define NAIVE_WINDOW() window()
#include "naive_stack.h"

/* ---- weir_stack_index ---- */

typedef struct numbered {
    weir_stack_index *stack;
    record *records;
} numbered;

static void *index_make(record *records, size_t count, uint64_t start)
{
    const size_t bytes = weir_stack_index_bytes(count);
    numbered *const n = (numbered *)malloc(sizeof *n);
    unsigned char *const memory = (unsigned char *)aligned_alloc(
        WEIR_CACHELINE,
        sizeof *n->stack + (bytes + WEIR_CACHELINE - 1) / WEIR_CACHELINE * WEIR_CACHELINE);

    if (n == NULL || memory == NULL)
        return NULL;
    n->stack = (weir_stack_index *)(void *)memory;
    n->records = records;
    return weir_stack_index_init_at(n->stack, memory + sizeof *n->stack, bytes, count,
                                    WEIR_STACK_EMPTY, start) == 0
               ? n
               : NULL;
}

static int index_destroy(void *stack)
{
    numbered *const n = (numbered *)stack;
    const int status = weir_stack_index_destroy(n->stack);

    if (status == 0) {
        free(n->stack);
        free(n);
    }
    return status;
}

static void index_push(void *stack, record *const *records, size_t n)
{
    weir_stack_index *const s = ((numbered *)stack)->stack;

    for (size_t i = 0; i + 1 < n; i++)
        weir_stack_index_link(s, records[i]->number, records[i + 1]->number);
    if (n == 1)
        (void)weir_stack_index_push(s, records[0]->number);
    else
        (void)weir_stack_index_push_chain(s, records[0]->number, records[n - 1]->number);
}

static record *index_pop(void *stack)
{
    const numbered *const n = (numbered *)stack;
    const uint32_t number = weir_stack_index_pop(n->stack);

    return number == WEIR_STACK_NONE ? NULL : &n->records[number];
}

static size_t index_pop_all(void *stack, record **records, size_t most)
{
    const numbered *const n = (numbered *)stack;
    uint32_t at = weir_stack_index_pop_all(n->stack);
    size_t count = 0;

    for (; at != WEIR_STACK_NONE; at = weir_stack_index_next(n->stack, at)) {
        if (count == most)
            return most + 1;
        records[count++] = &n->records[at];
    }
    return count;
}

/* ---- weir_stack ---- */

#ifdef WEIR_HAVE_STACK

static weir_stack_node *node_of(record *r)
{
    return (weir_stack_node *)(void *)r->link;
}

static void *stack_make(record *records, size_t count, uint64_t start)
{
    weir_stack *const stack = (weir_stack *)aligned_alloc(WEIR_CACHELINE, sizeof *stack);

    (void)records;
    (void)count;
    if (stack != NULL)
        weir_stack_init_at(stack, start);
    return stack;
}

static int stack_destroy(void *stack)
{
    const int status = weir_stack_destroy((weir_stack *)stack);

    if (status == 0)
        free(stack);
    return status;
}

static void stack_push(void *stack, record *const *records, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        weir_stack_link(node_of(records[i]), node_of(records[i + 1]));
    if (n == 1)
        (void)weir_stack_push((weir_stack *)stack, node_of(records[0]));
    else
        (void)weir_stack_push_chain((weir_stack *)stack, node_of(records[0]),
                                    node_of(records[n - 1]));
}

static record *stack_pop(void *stack)
{
    return (record *)(void *)weir_stack_pop((weir_stack *)stack);
}

static size_t stack_pop_all(void *stack, record **records, size_t most)
{
    weir_stack_node *at = weir_stack_pop_all((weir_stack *)stack);
    size_t count = 0;

    for (; at != NULL; at = weir_stack_next(at)) {
        if (count == most)
            return most + 1;
        records[count++] = (record *)(void *)at;
    }
    return count;
}

#endif /* WEIR_HAVE_STACK */

/* ---- weir_stack_guard: each push has a node of its own, which is freed after the pop ---- */

typedef struct carrier {
    weir_stack_guard_node node; /* first */
    record *load;
} carrier;

typedef struct guarded {
    weir_stack_guard *stack;
    weir_guard *domain;
} guarded;

static void *guarded_make(weir_guard_scheme scheme, uint64_t salt)
{
    const weir_reclaim_options options = {
        salt % 4 == 0 ? 1 : salt % 4 == 1 ? 16 : 0, 0, 0, NULL, NULL, salt % 8 == 7};
    guarded *const g = (guarded *)malloc(sizeof *g);

    if (g == NULL || weir_stack_guard_new(&g->stack) != 0 ||
        weir_guard_new(&g->domain, scheme, &options) != 0)
        return NULL;
    return g;
}

static void *epoch_make(record *records, size_t count, uint64_t start)
{
    (void)records;
    (void)count;
    return guarded_make(WEIR_GUARD_EPOCH, start);
}

static void *interval_make(record *records, size_t count, uint64_t start)
{
    (void)records;
    (void)count;
    return guarded_make(WEIR_GUARD_INTERVAL, start);
}

static void *hazard_make(record *records, size_t count, uint64_t start)
{
    (void)records;
    (void)count;
    return guarded_make(WEIR_GUARD_HAZARD, start);
}

static int guarded_destroy(void *stack)
{
    guarded *const g = (guarded *)stack;
    int status = weir_stack_guard_free(g->stack);

    if (status == 0) {
        status = weir_guard_free(g->domain);
        free(g);
    }
    return status;
}

static void guarded_push(void *stack, record *const *records, size_t n)
{
    const guarded *const g = (guarded *)stack;
    weir_guard_record *const me = weir_guard_self(g->domain);
    weir_stack_guard_node *first = NULL, *last = NULL;

    for (size_t i = n; i-- > 0;) {
        carrier *const c = (carrier *)calloc(1, sizeof *c);

        if (c == NULL || me == NULL)
            abort();
        c->load = records[i];
        weir_stack_guard_link(me, &c->node, first);
        first = &c->node;
        if (last == NULL)
            last = first;
    }
    if (n == 1)
        (void)weir_stack_guard_push(g->stack, me, first);
    else
        (void)weir_stack_guard_push_chain(g->stack, me, first, last);
}

static void carrier_free(weir_retired *object)
{
    memset((void *)object, 0xee, sizeof(carrier));
    free(object);
}

static record *unload(weir_guard_record *me, weir_stack_guard_node *node)
{
    record *const r = ((carrier *)(void *)node)->load;

    weir_guard_retire(me, &node->retired, carrier_free, sizeof(carrier));
    return r;
}

static record *guarded_pop(void *stack)
{
    const guarded *const g = (guarded *)stack;
    weir_guard_record *const me = weir_guard_self(g->domain);
    weir_stack_guard_node *node;

    if (me == NULL)
        abort();
    node = weir_stack_guard_pop(g->stack, me);
    return node == NULL ? NULL : unload(me, node);
}

static size_t guarded_pop_all(void *stack, record **records, size_t most)
{
    const guarded *const g = (guarded *)stack;
    weir_guard_record *const me = weir_guard_self(g->domain);
    weir_stack_guard_node *at = weir_stack_guard_pop_all(g->stack);
    size_t count = 0;

    if (me == NULL)
        abort();
    while (at != NULL) {
        weir_stack_guard_node *const next = weir_stack_guard_next(at);

        if (count == most)
            return most + 1;
        records[count++] = unload(me, at);
        at = next;
    }
    return count;
}

/* ---- a naive stack ---- */

static naive_node *naive_node_of(record *r)
{
    return (naive_node *)(void *)r->link;
}

static void *naive_make(record *records, size_t count, uint64_t start)
{
    (void)records;
    (void)count;
    (void)start;
    return calloc(1, sizeof(naive_stack));
}

static int naive_destroy(void *stack)
{
    free(stack);
    return 0;
}

static void naive_push(void *stack, record *const *records, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        /* relaxed: not yet published. */
        weir_atomic_store(&naive_node_of(records[i])->next, naive_node_of(records[i + 1]),
                          WEIR_RELAXED);
    naive_push_chain((naive_stack *)stack, naive_node_of(records[0]),
                     naive_node_of(records[n - 1]));
}

static record *naive_pop_one(void *stack)
{
    return (record *)(void *)naive_pop((naive_stack *)stack);
}

static size_t naive_take_all(void *stack, record **records, size_t most)
{
    naive_node *at = naive_pop_all((naive_stack *)stack);
    size_t count = 0;

    while (at != NULL) {
        if (count == most)
            return most + 1;
        records[count++] = (record *)(void *)at;
        /* relaxed: the chain is this thread's. */
        at = weir_atomic_load(&at->next, WEIR_RELAXED);
    }
    return count;
}

static const face naive = {"no generation", true,          naive_make,    naive_destroy,
                           naive_push,      naive_pop_one, naive_take_all};

static const face faces[] = {
    {"index", false, index_make, index_destroy, index_push, index_pop, index_pop_all},
#ifdef WEIR_HAVE_STACK
    {"stack", false, stack_make, stack_destroy, stack_push, stack_pop, stack_pop_all},
#endif
    {"epoch", false, epoch_make, guarded_destroy, guarded_push, guarded_pop, guarded_pop_all},
    {"interval", false, interval_make, guarded_destroy, guarded_push, guarded_pop, guarded_pop_all},
    {"hazard", false, hazard_make, guarded_destroy, guarded_push, guarded_pop, guarded_pop_all},
};

/* The stack without generation, until it is found out. Returns: by what. */
static const char *find_naive(stress *s, stress_rng *rng)
{
    totals none = {0, 0, 0};
    round_state round;

    round.s = s;
    for (unsigned i = 0; i < 1000; i++) {
        const char *found;

        draw_round(&round, &naive, i, rng);
        round.kind = MIX;
        round.count = 3 + i % 3;
        round.threads = 4;
        found = run_round(&round, rng, 10000000, &none);
        if (found != NULL)
            return found;
    }
    stress_fail(s, "a stack without generation went through unnoticed");
}

int main(int argc, char **argv)
{
    const size_t kinds = sizeof faces / sizeof faces[0];
    totals sums = {0, 0, 0};
    const char *naive_fault;
    struct sigaction still;
    round_state round;
    stress_rng rng;
    stress s;
    uint64_t ns;

    stress_begin(&s, "stack", argc, argv);
    memset(&still, 0, sizeof still);
    still.sa_handler = stand_still;
    still.sa_flags = SA_RESTART;
    if (sigaction(SIGUSR1, &still, NULL) != 0)
        stress_fail(&s, "no signal handler");
    rng = stress_rng_make(s.seed, 0);
    naive_fault = find_naive(&s, &rng);
    /* Short rounds in a short run, so that the matrix is seen. */
    ns = (uint64_t)(s.seconds * 1e9 / 40 / (double)kinds);
    ns = ns < 2000000 ? 2000000 : ns > 50000000 ? 50000000 : ns;
    round.s = &s;
    do {
        const face *const f = &faces[sums.rounds % kinds];
        const char *found;

        draw_round(&round, f, sums.rounds / kinds, &rng);
        found = run_round(&round, &rng, ns, &sums);
        if (found != NULL)
            stress_fail(&s, "%s, %zu records, start 0x%" PRIx64 ", %u threads, kind %d: %s",
                        f->name, round.count, round.start, round.threads, (int)round.kind, found);
    } while (stress_goes_on(&s, "%" PRIu64 " rounds, %" PRIu64 " taken", sums.rounds, sums.taken));
    return stress_end(&s,
                      "%" PRIu64 " rounds, %" PRIu64 " taken, %" PRIu64
                      " times empty; none lost, none twice. Without generation: %s",
                      sums.rounds, sums.taken, sums.empties, naive_fault);
}
