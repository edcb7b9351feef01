/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/stack.h under the step harness: every operation against every other, with nodes that
 * are recycled at once, from empty on, with numbers at 0 and just below their wrap. The
 * answers of all and what is left must be those of a stack that does the operations one by
 * one, each at a moment of its call.
 *
 * And stacks that are broken, which must be found out: without generation; with one that only
 * pop advances and not pop_all; and one whose nodes are freed and no guard keeps them: here
 * they are pages of their own, which cannot be read while they are free. */

#include "naive_stack.h"
#include "step-stack.h"

#include "../tests/test.h"

#include <weir/stack.h>
#include <weir/stack_guard.h>

#include <sys/mman.h>

/* ---- weir_stack_index ---- */

static weir_stack_index index_stack;
WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char index_links[WEIR_CACHELINE];

static void index_make(uint64_t start)
{
    if (weir_stack_index_init_at(&index_stack, index_links, sizeof index_links, NODES,
                                 WEIR_STACK_EMPTY, start) != 0)
        weir_step_false("the stack could not be made");
}

static int index_destroy(void)
{
    return weir_stack_index_destroy(&index_stack);
}

static void index_link(unsigned node, unsigned next)
{
    weir_stack_index_link(&index_stack, node, next);
}

static unsigned index_next(unsigned node)
{
    return weir_stack_index_next(&index_stack, node);
}

static size_t index_count(void)
{
    return weir_stack_index_count(&index_stack);
}

static int index_push(const unsigned *nodes, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        weir_stack_index_link(&index_stack, nodes[i], nodes[i + 1]);
    if (n == 1)
        return weir_stack_index_push(&index_stack, nodes[0]);
    return weir_stack_index_push_chain(&index_stack, nodes[0], nodes[n - 1]);
}

static unsigned index_pop(void)
{
    const uint32_t node = weir_stack_index_pop(&index_stack);

    return node == WEIR_STACK_NONE ? NONE : node;
}

static size_t index_pop_all(unsigned *nodes)
{
    uint32_t at = weir_stack_index_pop_all(&index_stack);
    size_t n = 0;

    for (; at != WEIR_STACK_NONE && n <= NODES; at = weir_stack_index_next(&index_stack, at))
        nodes[n++] = at;
    return n;
}

static bool index_empty(void)
{
    return weir_stack_index_empty(&index_stack);
}

static const face index_face = {
    "stack_index", "",   index_make, index_destroy, index_push,  index_pop, index_pop_all,
    index_empty,   NULL, index_link, index_next,    index_count, false};

/* ---- weir_stack ---- */

#ifdef WEIR_HAVE_STACK

static weir_stack pointer_stack;
static weir_stack_node pointer_nodes[NODES];

static unsigned number_of(const weir_stack_node *node)
{
    return node == NULL ? NONE : (unsigned)(node - pointer_nodes);
}

static void stack_make(uint64_t start)
{
    weir_stack_init_at(&pointer_stack, start);
}

static int stack_destroy(void)
{
    return weir_stack_destroy(&pointer_stack);
}

static void stack_link(unsigned node, unsigned next)
{
    weir_stack_link(&pointer_nodes[node], &pointer_nodes[next]);
}

static unsigned stack_next(unsigned node)
{
    return number_of(weir_stack_next(&pointer_nodes[node]));
}

static int stack_push(const unsigned *nodes, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        weir_stack_link(&pointer_nodes[nodes[i]], &pointer_nodes[nodes[i + 1]]);
    if (n == 1)
        return weir_stack_push(&pointer_stack, &pointer_nodes[nodes[0]]);
    return weir_stack_push_chain(&pointer_stack, &pointer_nodes[nodes[0]],
                                 &pointer_nodes[nodes[n - 1]]);
}

static unsigned stack_pop(void)
{
    return number_of(weir_stack_pop(&pointer_stack));
}

static size_t stack_walk(const weir_stack_node *at, unsigned *nodes)
{
    size_t n = 0;

    for (; at != NULL && n <= NODES; at = weir_stack_next(at))
        nodes[n++] = number_of(at);
    return n;
}

static size_t stack_pop_all(unsigned *nodes)
{
    return stack_walk(weir_stack_pop_all(&pointer_stack), nodes);
}

static bool stack_empty(void)
{
    return weir_stack_empty(&pointer_stack);
}

static const face stack_face = {
    "stack",     "",   stack_make, stack_destroy, stack_push, stack_pop, stack_pop_all,
    stack_empty, NULL, stack_link, stack_next,    NULL,       false};

/* Broken: that the top is NULL afterwards looks like enough, and is not. */
static size_t stack_take_all(unsigned *nodes)
{
    return stack_walk(
        (weir_stack_node *)(uintptr_t)weir_atomic_exchange(&pointer_stack.head.lo, 0, WEIR_ACQUIRE),
        nodes);
}

static const face half_face = {
    "pop_all as it was", NULL, stack_make, stack_destroy, stack_push, stack_pop, stack_take_all,
    stack_empty,         NULL, stack_link, stack_next,    NULL,       false};

#endif /* WEIR_HAVE_STACK */

/* ---- naive ---- */

static naive_stack naive;
static naive_node naive_nodes[NODES];

static void naive_make(uint64_t start)
{
    (void)start;
    weir_atomic_init(&naive.top, NULL);
}

static int naive_destroy(void)
{
    return 0;
}

static int naive_push(const unsigned *nodes, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        /* relaxed: not yet published. */
        weir_atomic_store(&naive_nodes[nodes[i]].next, &naive_nodes[nodes[i + 1]], WEIR_RELAXED);
    naive_push_chain(&naive, &naive_nodes[nodes[0]], &naive_nodes[nodes[n - 1]]);
    return -1;
}

static unsigned naive_pop_one(void)
{
    const naive_node *const node = naive_pop(&naive);

    return node == NULL ? NONE : (unsigned)(node - naive_nodes);
}

static size_t naive_take_all(unsigned *nodes)
{
    const naive_node *at = naive_pop_all(&naive);
    size_t n = 0;

    while (at != NULL && n <= NODES) {
        nodes[n++] = (unsigned)(at - naive_nodes);
        /* relaxed: the chain is this thread's. */
        at = weir_atomic_load(&at->next, WEIR_RELAXED);
    }
    return n;
}

static bool naive_empty(void)
{
    /* relaxed: only compared. */
    return weir_atomic_load(&naive.top, WEIR_RELAXED) == NULL;
}

static const face naive_face = {
    "no generation", NULL, naive_make, naive_destroy, naive_push, naive_pop_one, naive_take_all,
    naive_empty,     NULL, NULL,       NULL,          NULL,       false};

/* ---- nodes that are freed: a page each, which cannot be read while it is free ---- */

enum { PAGES = 96, PAGE = 4096 };

typedef struct page {
    union {
        weir_stack_guard_node guarded;
        naive_node naive;
    } node; /* first */
    unsigned number;
} page;

static unsigned char *pages;
static WEIR_ATOMIC(bool) page_used[PAGES];
static page *page_of[NODES]; /* whoever has the number has the page */

static page *page_take(unsigned number)
{
    for (size_t i = 0; i < PAGES; i++) {
        page *const p = (page *)(void *)(pages + i * PAGE);

        /* sync(page): acquire. Pairs with page_free(); the page is nobody's. */
        if (weir_atomic_exchange(&page_used[i], true, WEIR_ACQUIRE))
            continue;
        if (mprotect(p, PAGE, PROT_READ | PROT_WRITE) != 0)
            abort();
        memset((void *)p, 0, sizeof *p);
        p->number = number;
        return p;
    }
    abort();
}

static void page_free(void *p)
{
    if (mprotect(p, PAGE, PROT_NONE) != 0)
        abort();
    /* sync(page): release. Pairs with page_take(). */
    weir_atomic_store(&page_used[(size_t)((unsigned char *)p - pages) / PAGE], false, WEIR_RELEASE);
}

/* The victim's numbers have their pages before it begins. */
static void pages_make(void)
{
    if (pages == NULL) {
        void *const all =
            mmap(NULL, (size_t)PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (all == MAP_FAILED)
            abort();
        pages = (unsigned char *)all;
    }
    for (unsigned i = 0; i < INSIDE; i++)
        if (page_of[i] == NULL)
            page_of[i] = page_take(i);
}

static page *page_for(unsigned number)
{
    page *const p = page_of[number] != NULL ? page_of[number] : page_take(number);

    page_of[number] = NULL;
    return p;
}

/* ---- weir_stack_guard ---- */

static weir_stack_guard guard_stack = WEIR_STACK_GUARD_INIT;
static weir_guard *domains[3];
static unsigned scheme; /* of the face that is swept */

static weir_guard_record *me(void)
{
    static _Thread_local weir_guard_record *records[3];

    if (records[scheme] == NULL)
        records[scheme] = weir_guard_self(domains[scheme]);
    return records[scheme];
}

static void guard_make(weir_guard_scheme which)
{
    /* Each retire looks for what can be freed. */
    const weir_reclaim_options at_once = {1, 0, 0, NULL, NULL, false};

    scheme = (unsigned)which;
    if (domains[scheme] == NULL && weir_guard_new(&domains[scheme], which, &at_once) != 0)
        abort();
    pages_make();
    weir_stack_guard_init(&guard_stack);
}

static void epoch_make(uint64_t start)
{
    (void)start;
    guard_make(WEIR_GUARD_EPOCH);
}

static void interval_make(uint64_t start)
{
    (void)start;
    guard_make(WEIR_GUARD_INTERVAL);
}

static void hazard_make(uint64_t start)
{
    (void)start;
    guard_make(WEIR_GUARD_HAZARD);
}

/* Alone: all that was popped is free again. */
static int guard_destroy(void)
{
    weir_reclaim_stats stats;

    if (weir_guard_barrier(domains[scheme], WEIR_FOREVER) != 0)
        weir_step_false("the barrier does not end");
    weir_guard_stats(domains[scheme], &stats);
    if (stats.objects != 0)
        weir_step_false("a popped node is not reclaimed");
    return weir_stack_guard_destroy(&guard_stack);
}

/* Nodes that are outside keep their pages until they are pushed. */
static weir_stack_guard_node *guarded(unsigned number)
{
    if (page_of[number] == NULL)
        page_of[number] = page_take(number);
    return &page_of[number]->node.guarded;
}

static void guard_link(unsigned node, unsigned next)
{
    weir_stack_guard_link(me(), guarded(node), guarded(next));
}

static unsigned guard_next(unsigned node)
{
    return ((page *)(void *)weir_stack_guard_next(guarded(node)))->number;
}

static int guard_push(const unsigned *nodes, size_t n)
{
    page *const first = page_for(nodes[0]);
    page *last = first;

    for (size_t i = 1; i < n; i++) {
        page *const next = page_for(nodes[i]);

        weir_stack_guard_link(me(), &last->node.guarded, &next->node.guarded);
        last = next;
    }
    if (n == 1)
        return weir_stack_guard_push(&guard_stack, me(), &first->node.guarded);
    return weir_stack_guard_push_chain(&guard_stack, me(), &first->node.guarded,
                                       &last->node.guarded);
}

static unsigned guard_pop(void)
{
    page *const p = (page *)(void *)weir_stack_guard_pop(&guard_stack, me());

    if (p == NULL)
        return NONE;
    page_of[p->number] = p;
    return p->number;
}

static size_t guard_pop_all(unsigned *nodes)
{
    weir_stack_guard_node *at = weir_stack_guard_pop_all(&guard_stack);
    size_t n = 0;

    for (; at != NULL && n <= NODES; at = weir_stack_guard_next(at)) {
        page *const p = (page *)(void *)at;

        page_of[p->number] = p;
        nodes[n++] = p->number;
    }
    return n;
}

static bool guard_empty(void)
{
    return weir_stack_guard_empty(&guard_stack);
}

static void guard_free_page(weir_retired *retired)
{
    page_free(retired);
}

static void guard_done(unsigned node)
{
    weir_guard_retire(me(), &page_of[node]->node.guarded.retired, guard_free_page, PAGE);
    page_of[node] = NULL;
}

#define GUARD_FACE(variant, make)                                                          \
    {                                                                                      \
        "stack_guard", variant, make, guard_destroy, guard_push, guard_pop, guard_pop_all, \
            guard_empty, guard_done, guard_link, guard_next, NULL, true                    \
    }

static const face guard_faces[] = {
    GUARD_FACE(" (epochs)", epoch_make),
    GUARD_FACE(" (intervals)", interval_make),
    GUARD_FACE(" (hazards)", hazard_make),
};

/* ---- the naive stack, whose nodes are freed at once ---- */

static void freed_make(uint64_t start)
{
    pages_make();
    naive_make(start);
}

static int freed_push(const unsigned *nodes, size_t n)
{
    page *const first = page_for(nodes[0]);
    page *last = first;

    for (size_t i = 1; i < n; i++) {
        page *const next = page_for(nodes[i]);

        /* relaxed: not yet published. */
        weir_atomic_store(&last->node.naive.next, &next->node.naive, WEIR_RELAXED);
        last = next;
    }
    naive_push_chain(&naive, &first->node.naive, &last->node.naive);
    return -1;
}

static unsigned freed_pop(void)
{
    page *const p = (page *)(void *)naive_pop(&naive);

    if (p == NULL)
        return NONE;
    page_of[p->number] = p;
    return p->number;
}

static size_t freed_pop_all(unsigned *nodes)
{
    (void)nodes;
    return 0;
}

static void freed_done(unsigned node)
{
    page_free(page_of[node]);
    page_of[node] = NULL;
}

static const face freed_face = {
    "freed at once", NULL,       freed_make, naive_destroy, freed_push, freed_pop, freed_pop_all,
    naive_empty,     freed_done, NULL,       NULL,          NULL,       false};

/* ---- all of it ---- */

/* With up to `most` inside. */
static void sweep_all(box *b, const face *f, size_t most)
{
    for (size_t i = 0; i < COUNT(operations) && operations[i].what <= EMPTY; i++) {
        for (size_t j = 0; j < COUNT(scripts); j++) {
            weir_step_row row;

            sweep(b, f, &operations[i], &scripts[j],
                  most < operations[i].most ? most : operations[i].most, &row);
            weir_step_report(&row);
        }
    }
    sweep_matrix(b, f);
}

/* A broken stack and what it is known to fail at. */
static void sweep_broken(box *b, const face *f, const char *against)
{
    unsigned found = 0;

    for (size_t j = 0; j < COUNT(scripts); j++) {
        weir_step_row row;

        if (strcmp(scripts[j].name, against) != 0)
            continue;
        sweep(b, f, &operations[2], &scripts[j], 4, &row);
        weir_step_print(&row);
        if (row.skipped != 0)
            return;
        CHECK(row.wrong > 0 && row.wrong < row.stops);
        CHECK_EQ(row.blocked, 0);
        found++;
    }
    CHECK_EQ(found, 1);
}

/* Nodes that are unmapped as soon as they are popped: the victim reads one. */
static void sweep_freed(box *b)
{
    weir_step_row row;

    sweep(b, &freed_face, &operations[2], &scripts[2], 4, &row);
    weir_step_print(&row);
    if (row.skipped != 0)
        return;
    CHECK(row.cut > 0 && row.crashed != 0);
    CHECK(strncmp(row.sentence, "the victim crashed: SIG", 23) == 0);
}

int main(void)
{
    static box b;
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_step_begin("step-stack");
    weir_backoff_wait(&backoff); /* its first call measures */
    sweep_all(&b, &index_face, 4);
#ifdef WEIR_HAVE_STACK
    sweep_all(&b, &stack_face, 4);
#endif
    for (size_t i = 0; i < COUNT(guard_faces); i++)
        sweep_all(&b, &guard_faces[i], 3);
    printf("broken, to be found out:\n");
    sweep_broken(&b, &naive_face, "pop, pop, push the first");
    sweep_broken(&b, &naive_face, "pop_all, push the first");
#ifdef WEIR_HAVE_STACK
    sweep_broken(&b, &half_face, "pop_all, push the first");
#endif
    sweep_freed(&b);
    return weir_step_end();
}
