/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/step.h: the harness must find what is broken: things of this file's own, and
 * Concurrency Kit's ring, that block, answer falsely, corrupt, count twice, take too long,
 * crash or never end, each beside one that is right. A harness that finds nothing here fails. */

#include <weir/step.h>

#include "test.h"

#include <weir/atomic.h>

#include <pthread.h>
#include <time.h>

#ifdef WEIR_HAVE_DWORD_CAS /* one of the things that are right has one */

#include "step_trouble.h"

/* The plan of a thing whose functions are THING_setup, THING_victim and THING_check. */
#define PLAN(thing, operation, against, adversary)                                              \
    {                                                                                           \
        operation, against, thing##_setup, thing##_victim, {adversary, NULL}, thing##_check, 0, \
            false                                                                               \
    }

/* ---- a Vyukov ring: claims a ticket first, publishes its cell later ---- */

#define CELLS 8

typedef struct vyukov {
    struct {
        WEIR_ATOMIC(uint64_t) sequence;
        uint64_t value;
    } cell[CELLS];
    WEIR_ATOMIC(uint64_t) tail, head;
} vyukov;

/* Orders: as in the published algorithm; on x86-64 they are what the compiler
 * makes of them, and the harness sees those instructions.
 * relaxed: (tail, head) tickets; the sequences carry the values. */
static bool vyukov_try_enqueue(vyukov *q, uint64_t value)
{
    /* relaxed: as above. */
    uint64_t ticket = weir_atomic_load(&q->tail, WEIR_RELAXED);

    for (;;) {
        const uint64_t sequence = weir_atomic_load(&q->cell[ticket % CELLS].sequence, WEIR_ACQUIRE);

        if (sequence == ticket) {
            /* relaxed: as above. */
            if (weir_atomic_cas(&q->tail, &ticket, ticket + 1, WEIR_RELAXED, WEIR_RELAXED))
                break;
        } else if ((int64_t)(sequence - ticket) < 0) {
            return false;
        } else {
            /* relaxed: as above. */
            ticket = weir_atomic_load(&q->tail, WEIR_RELAXED);
        }
    }
    q->cell[ticket % CELLS].value = value;
    weir_atomic_store(&q->cell[ticket % CELLS].sequence, ticket + 1, WEIR_RELEASE);
    return true;
}

static bool vyukov_try_dequeue(vyukov *q, uint64_t *value)
{
    /* relaxed: as above. */
    uint64_t ticket = weir_atomic_load(&q->head, WEIR_RELAXED);

    for (;;) {
        const uint64_t sequence = weir_atomic_load(&q->cell[ticket % CELLS].sequence, WEIR_ACQUIRE);

        if (sequence == ticket + 1) {
            /* relaxed: as above. */
            if (weir_atomic_cas(&q->head, &ticket, ticket + 1, WEIR_RELAXED, WEIR_RELAXED))
                break;
        } else if ((int64_t)(sequence - (ticket + 1)) < 0) {
            return false;
        } else {
            /* relaxed: as above. */
            ticket = weir_atomic_load(&q->head, WEIR_RELAXED);
        }
    }
    *value = q->cell[ticket % CELLS].value;
    weir_atomic_store(&q->cell[ticket % CELLS].sequence, ticket + CELLS, WEIR_RELEASE);
    return true;
}

typedef struct vyukov_case {
    vyukov queue;
    uint64_t acts; /* of the adversary, which enqueues 1, 2... */
    unsigned seen; /* dequeued values, as bits */
} vyukov_case;

static void vyukov_setup(void *state)
{
    vyukov_case *const c = (vyukov_case *)state;

    memset(c, 0, sizeof *c);
    for (uint64_t i = 0; i < CELLS; i++)
        weir_atomic_init(&c->queue.cell[i].sequence, i);
}

static void vyukov_victim(void *state)
{
    vyukov_try_enqueue(&((vyukov_case *)state)->queue, 0);
}

/* Empty, after its own enqueue returned and nobody dequeued: a false answer. */
static void vyukov_asks(void *state)
{
    vyukov_case *const c = (vyukov_case *)state;
    uint64_t value = 0;

    c->acts++;
    if (!vyukov_try_enqueue(&c->queue, c->acts))
        weir_step_false("full with at most one value inside");
    else if (!vyukov_try_dequeue(&c->queue, &value))
        weir_step_false("empty after a completed enqueue");
    else
        c->seen |= 1u << value;
}

/* The same for a consumer that must have the value, by whatever number of attempts. */
static void vyukov_insists(void *state)
{
    vyukov_case *const c = (vyukov_case *)state;
    uint64_t value = 0;

    c->acts++;
    while (!vyukov_try_enqueue(&c->queue, c->acts)) {
        if (!weir_step_retry("cannot enqueue"))
            return;
    }
    while (!vyukov_try_dequeue(&c->queue, &value)) {
        if (!weir_step_retry("cannot dequeue the value it enqueued"))
            return;
    }
    c->seen |= 1u << value;
}

/* The same with the loop inside, where no attempt can be counted. */
static void vyukov_spins(void *state)
{
    vyukov_case *const c = (vyukov_case *)state;
    uint64_t value = 0;

    c->acts++;
    vyukov_try_enqueue(&c->queue, c->acts);
    while (!vyukov_try_dequeue(&c->queue, &value))
        weir_pause();
    c->seen |= 1u << value;
}

static void vyukov_check(void *state)
{
    vyukov_case *const c = (vyukov_case *)state;
    uint64_t value = 0;

    while (vyukov_try_dequeue(&c->queue, &value)) {
        if (c->seen & (1u << value))
            weir_step_false("a value came out twice");
        c->seen |= 1u << value;
    }
    if (!(c->seen & 1))
        weir_step_false("the victim's value was lost");
}

static void finds_a_false_empty(void)
{
    static const weir_step_plan plan =
        PLAN(vyukov, "vyukov try_enqueue", "enqueue, dequeue once", vyukov_asks);
    static vyukov_case state;
    weir_step_row row = {0};

    weir_step_sweep(&plan, &state, &row);
    weir_step_print(&row);
    CHECK(row.wrong > 0 && row.wrong < row.stops);
    CHECK_EQ(row.blocked, 0);
    CHECK(strcmp(row.sentence, "empty after a completed enqueue") == 0);
    CHECK_EQ(row.stops, row.alone.instructions);
}

static void finds_a_blocked_consumer(void)
{
    static const weir_step_plan plan =
        PLAN(vyukov, "vyukov try_enqueue", "enqueue, dequeue until it has one", vyukov_insists);
    static vyukov_case state;
    weir_step_row row = {0};

    weir_step_sweep(&plan, &state, &row);
    weir_step_print(&row);
    CHECK(row.blocked > 0 && row.blocked < row.stops);
    CHECK_EQ(row.wrong, 0);
}

static void finds_one_that_spins_inside(void)
{
    static const weir_step_plan plan =
        PLAN(vyukov, "vyukov try_enqueue", "enqueue, dequeue that spins inside", vyukov_spins);
    static vyukov_case state;
    weir_step_row row = {0};

    weir_step_sweep(&plan, &state, &row);
    weir_step_print(&row);
    CHECK(row.blocked > 0 && row.blocked < row.stops);
    CHECK_EQ(row.inside, row.blocked);
    CHECK_EQ(row.wrong, 0);
}

/* ---- a stack: with and without a tag against recycled nodes ---- */

typedef struct node {
    struct node *next;
    unsigned taken;
} node;

typedef struct stack_case {
    weir_dword top; /* {node, tag} */
    bool tagged;
    node nodes[3];
    node *got;
} stack_case;

static void stack_push(stack_case *c, node *n)
{
    uint64_t top = weir_atomic_load(&c->top.lo, WEIR_ACQUIRE);
    /* relaxed: confirmed by the compare-and-swap. */
    uint64_t tag = weir_atomic_load(&c->top.hi, WEIR_RELAXED);

    do
        n->next = (node *)(uintptr_t)top;
    while (!weir_dword_cas(&c->top, &top, &tag, (uint64_t)(uintptr_t)n, tag + 1));
}

static node *stack_pop(stack_case *c)
{
    uint64_t top = weir_atomic_load(&c->top.lo, WEIR_ACQUIRE);
    /* relaxed: confirmed by the compare-and-swap. */
    uint64_t tag = weir_atomic_load(&c->top.hi, WEIR_RELAXED);

    while (top != 0) {
        node *const n = (node *)(uintptr_t)top;
        const uint64_t next = (uint64_t)(uintptr_t)n->next;

        if (c->tagged ? weir_dword_cas(&c->top, &top, &tag, next, tag + 1)
                      : weir_atomic_cas(&c->top.lo, &top, next, WEIR_ACQ_REL, WEIR_ACQUIRE))
            return n;
    }
    return NULL;
}

static void stack_setup(void *state)
{
    stack_case *const c = (stack_case *)state;

    weir_atomic_init(&c->top.lo, 0);
    weir_atomic_init(&c->top.hi, 0);
    memset(c->nodes, 0, sizeof c->nodes);
    for (unsigned i = 0; i < 3; i++)
        stack_push(c, &c->nodes[i]);
}

static void stack_victim(void *state)
{
    stack_case *const c = (stack_case *)state;

    c->got = stack_pop(c);
}

/* A is popped, B is popped and kept, A comes back: the victim's A is on top again,
 * and its B is not below. */
static void stack_recycles(void *state)
{
    stack_case *const c = (stack_case *)state;
    node *const a = stack_pop(c);
    node *const b = stack_pop(c);

    if (a == NULL) {
        weir_step_false("empty with two nodes inside");
        return;
    }
    if (b != NULL)
        b->taken++;
    stack_push(c, a);
}

static void stack_check(void *state)
{
    stack_case *const c = (stack_case *)state;
    node *n;

    if (c->got != NULL)
        c->got->taken++;
    for (unsigned i = 0; i < 4 && (n = stack_pop(c)) != NULL; i++)
        n->taken++;
    for (unsigned i = 0; i < 3; i++) {
        if (c->nodes[i].taken != 1)
            weir_step_false("a node came out twice, or never");
    }
}

static void finds_a_recycled_node(void)
{
    static const weir_step_plan naive =
        PLAN(stack, "untagged stack pop", "pop, pop, push the first", stack_recycles);
    static const weir_step_plan tagged =
        PLAN(stack, "tagged stack pop", "pop, pop, push the first", stack_recycles);
    static stack_case state;
    weir_step_row row = {0}, right = {0};

    state.tagged = false;
    weir_step_sweep(&naive, &state, &row);
    weir_step_print(&row);
    CHECK(row.wrong > 0 && row.wrong < row.stops);
    CHECK_EQ(row.blocked, 0);
    state.tagged = true;
    weir_step_sweep(&tagged, &state, &right);
    weir_step_report(&right);
    CHECK(right.stops > 5 && right.wrong == 0 && right.blocked == 0);
    CHECK(right.again > 0);
}

/* ---- a counter under a mutex: who sleeps is found asleep ---- */

typedef struct locked_case {
    pthread_mutex_t lock;
    unsigned count;
} locked_case;

static void locked_setup(void *state)
{
    ((locked_case *)state)->count = 0;
}

static void locked_add(void *state)
{
    locked_case *const c = (locked_case *)state;

    pthread_mutex_lock(&c->lock);
    c->count++;
    pthread_mutex_unlock(&c->lock);
}

static void locked_check(void *state)
{
    const unsigned count = ((locked_case *)state)->count;

    if (count < 1 || count > 3)
        weir_step_false("an addition was lost, or made twice");
}

static void finds_a_mutex(void)
{
    static const weir_step_plan plan = {
        "add under a mutex", "the same", locked_setup, locked_add, {locked_add, NULL},
        locked_check,        0,          false};
    static locked_case state = {PTHREAD_MUTEX_INITIALIZER, 0};
    weir_step_row row = {0};

    weir_step_sweep(&plan, &state, &row);
    weir_step_print(&row);
    CHECK(row.blocked > 0 && row.blocked < row.stops);
    CHECK_EQ(row.wrong, 0);
}

/* ---- an adversary that is slow, but that nobody holds up ---- */

enum { SLOW_NS = 200000000 };

static unsigned slow_acts;

static void slow_victim(void *state)
{
    for (unsigned i = 0; i < 4; i++)
        ++*(volatile unsigned *)state;
}

/* In its third act it spins, as if a host had taken the processor away; in its fourth it sleeps. */
static void slow_adversary(void *state)
{
    const struct timespec nap = {0, SLOW_NS};
    struct timespec now = {0, 0}, start = {0, 0};

    (void)state;
    slow_acts++;
    if (slow_acts == 3) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
        do
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        while ((now.tv_sec - start.tv_sec) * 1000000000 + now.tv_nsec - start.tv_nsec < SLOW_NS);
    } else if (slow_acts == 4) {
        nanosleep(&nap, NULL);
    }
}

static void takes_a_slow_adversary_for_no_blocked_one(void)
{
    static const weir_step_plan plan = {"increment",
                                        "spins and sleeps for a while",
                                        NULL,
                                        slow_victim,
                                        {slow_adversary, NULL},
                                        NULL,
                                        0,
                                        false};
    static unsigned state;
    weir_step_row row = {0};

    weir_step_sweep(&plan, &state, &row);
    weir_step_print(&row);
    CHECK(slow_acts >= 4);
    CHECK(row.stops >= 4 && row.blocked == 0 && row.inside == 0);
}

/* ---- a sum by fetch-and-add (wait-free) and by compare-and-swap (lock-free) ---- */

typedef struct sum_case {
    WEIR_ATOMIC(uint64_t) sum;
    WEIR_ATOMIC(uint64_t) added; /* by completed calls */
} sum_case;

static void sum_setup(void *state)
{
    weir_atomic_init(&((sum_case *)state)->sum, 0);
    weir_atomic_init(&((sum_case *)state)->added, 0);
}

static void sum_fetch_add(void *state)
{
    /* relaxed: a number; the turns order the check. */
    weir_atomic_fetch_add(&((sum_case *)state)->sum, 1, WEIR_RELAXED);
    weir_atomic_fetch_add(&((sum_case *)state)->added, 1, WEIR_RELAXED);
}

static void sum_cas(void *state)
{
    sum_case *const c = (sum_case *)state;
    /* relaxed: a number; the turns order the check. */
    uint64_t sum = weir_atomic_load(&c->sum, WEIR_RELAXED);

    while (!weir_atomic_cas(&c->sum, &sum, sum + 1, WEIR_RELAXED, WEIR_RELAXED))
        continue;
    /* relaxed: as above. */
    weir_atomic_fetch_add(&c->added, 1, WEIR_RELAXED);
}

static void sum_check(void *state)
{
    sum_case *const c = (sum_case *)state;

    /* relaxed: alone. */
    if (weir_atomic_load(&c->sum, WEIR_RELAXED) != weir_atomic_load(&c->added, WEIR_RELAXED))
        weir_step_false("the sum is not what was added");
}

static void counts_own_steps(void)
{
    weir_step_plan plan = {"fetch_add",
                           "two adversaries add",
                           sum_setup,
                           sum_fetch_add,
                           {sum_fetch_add, sum_fetch_add},
                           sum_check,
                           0,
                           false};
    weir_step_plan loop = {"compare-and-swap add",
                           "two adversaries add",
                           sum_setup,
                           sum_cas,
                           {sum_cas, sum_cas},
                           sum_check,
                           0,
                           false};
    static sum_case state;
    weir_step_row row = {0}, again = {0};

    /* The bound of each is what it takes alone: the loop passes it. */
    weir_step_sweep(&plan, &state, &row);
    plan.bound = row.alone.instructions;
    memset(&row, 0, sizeof row);
    weir_step_sweep(&plan, &state, &row);
    weir_step_report(&row);
    CHECK(row.wrong == 0 && row.blocked == 0);
    CHECK_EQ(row.most, row.alone.instructions);

    weir_step_sweep(&loop, &state, &again);
    loop.bound = again.alone.instructions;
    memset(&again, 0, sizeof again);
    weir_step_sweep(&loop, &state, &again);
    weir_step_print(&again);
    CHECK(again.wrong == 0 && again.blocked == 0);
    CHECK(again.most > again.alone.instructions);
}

/* The same behind work that nobody disturbs, so that the whole is long. */
static void sum_long(void *state)
{
    for (volatile unsigned i = 0; i < 60; i++)
        continue;
    sum_cas(state);
}

static void finds_a_long_operation_that_passes_its_bound(void)
{
    weir_step_plan plan = {"long add",      "add",     sum_setup, sum_long,
                           {sum_cas, NULL}, sum_check, 0,         false};
    static sum_case state;
    weir_step_row row = {0}, bound = {0};

    weir_step_sweep(&plan, &state, &row);
    CHECK(row.alone.instructions > 200);
    plan.bound = row.alone.instructions;
    weir_step_sweep(&plan, &state, &bound);
    weir_step_print(&bound);
    CHECK(bound.most > bound.alone.instructions);
}

/* ---- restartable sequences: one is right, one goes on after its commit ---- */

#if defined(__has_include) && defined(__x86_64__)
#if __has_include(<sys/rseq.h>) && defined(__GLIBC__)
#define HAVE_RSEQ 1
#endif
#endif

#ifdef HAVE_RSEQ
#include <sys/rseq.h>

typedef struct restart_case {
    uint64_t sum;
    WEIR_ATOMIC(uint64_t) added;
} restart_case;

/* Adds 1 to `word`, and begins again when it is aborted; `last` is the end of the section. */
#define RESTARTABLE_ADD(word, last)                                   \
    __asm__ __volatile__(".pushsection __rseq_cs, \"aw\"\n\t"         \
                         ".balign 32\n"                               \
                         "3:\n\t"                                     \
                         ".long 0, 0\n\t"                             \
                         ".quad 1f, 2f - 1f, 4f\n\t"                  \
                         ".popsection\n"                              \
                         "5:\n\t"                                     \
                         "leaq 3b(%%rip), %%rax\n\t"                  \
                         "movq %%rax, %%fs:8(%[area])\n"              \
                         "1:\n\t"                                     \
                         "movl %%fs:4(%[area]), %%eax\n\t"            \
                         "addq $1, (%[sum])\n\t" last "2:\n\t"        \
                         "movq $0, %%fs:8(%[area])\n\t"               \
                         ".pushsection __rseq_failure, \"ax\"\n\t"    \
                         ".byte 0x0f, 0xb9, 0x3d\n\t"                 \
                         ".long 0x53053053\n"                         \
                         "4:\n\t"                                     \
                         "jmp 5b\n\t"                                 \
                         ".popsection"                                \
                         :                                            \
                         : [area] "r"(__rseq_offset), [sum] "r"(word) \
                         : "rax", "cc", "memory")

static void restart_setup(void *state)
{
    restart_case *const c = (restart_case *)state;

    c->sum = 0;
    weir_atomic_init(&c->added, 0);
}

static void restart_note(restart_case *c)
{
    /* relaxed: a number; the turns order the check. */
    weir_atomic_fetch_add(&c->added, 1, WEIR_RELAXED);
}

static void restart_right(void *state)
{
    restart_case *const c = (restart_case *)state;

    RESTARTABLE_ADD(&c->sum, "");
    restart_note(c);
}

static void restart_wrong(void *state)
{
    restart_case *const c = (restart_case *)state;

    RESTARTABLE_ADD(&c->sum, "nop\n");
    restart_note(c);
}

static void restart_check(void *state)
{
    restart_case *const c = (restart_case *)state;

    /* relaxed: alone. */
    if (c->sum != weir_atomic_load(&c->added, WEIR_RELAXED))
        weir_step_false("an addition was lost, or made twice");
}

/* All of these threads are on one processor: the adversary adds to the same word. */
static void aborts_restartable_sequences(void)
{
    static const weir_step_plan right = {
        "restartable add", "the same", restart_setup, restart_right, {restart_right, NULL},
        restart_check,     0,          false};
    static const weir_step_plan wrong = {"restartable add, then a nop",
                                         "the same",
                                         restart_setup,
                                         restart_wrong,
                                         {restart_right, NULL},
                                         restart_check,
                                         0,
                                         false};
    static restart_case state;
    weir_step_row row = {0}, twice = {0};

    if (__rseq_size == 0) {
        test_skip("the C library registered no restartable sequences");
        return;
    }
    weir_step_sweep(&right, &state, &row);
    weir_step_report(&row);
    CHECK(row.stops > 3 && row.wrong == 0 && row.blocked == 0);
    CHECK_EQ(row.aborts, 2);
    weir_step_sweep(&wrong, &state, &twice);
    weir_step_print(&twice);
    CHECK_EQ(twice.aborts, 3);
    CHECK_EQ(twice.wrong, 1);
}
#else
static void aborts_restartable_sequences(void)
{
    test_skip("the C library has no restartable sequences");
}
#endif

/* ---- what an operation costs ---- */

typedef struct cost_case {
    WEIR_ATOMIC(uint64_t) word;
    uint64_t old; /* of an exchange whose answer is not used clang makes a store */
    void *memory;
} cost_case;

static void costs_nothing(void *state)
{
    (void)state;
}

static void costs_two_rmws(void *state)
{
    cost_case *const c = (cost_case *)state;

    /* relaxed: alone. */
    weir_atomic_fetch_add(&c->word, 3, WEIR_RELAXED);
    c->old = weir_atomic_exchange(&c->word, 3, WEIR_RELAXED);
}

static void costs_a_fence(void *state)
{
    cost_case *const c = (cost_case *)state;

    /* relaxed: alone. */
    weir_atomic_store(&c->word, 1, WEIR_RELAXED);
#ifdef __x86_64__
    /* What compilers make of a fence; written out, since ThreadSanitizer knows none. */
    __asm__ __volatile__("lock; orq $0, (%%rsp)" ::: "memory", "cc");
#endif
}

static void costs_an_mfence(void *state)
{
    (void)state;
#ifdef __x86_64__
    __asm__ __volatile__("mfence" ::: "memory");
#endif
}

static void costs_memory(void *state)
{
    cost_case *const c = (cost_case *)state;

    c->memory = malloc(16);
    free(c->memory);
}

static void costs_a_system_call(void *state)
{
    (void)state;
    (void)getppid();
}

static weir_step_cost cost_of(void (*operation)(void *state))
{
    const weir_step_plan plan = {"cost", "nobody", NULL, operation, {NULL, NULL}, NULL, 0, false};
    static cost_case state;
    weir_step_cost cost;

    CHECK(weir_step_count(&plan, &state, &cost));
    return cost;
}

static void counts_what_an_operation_costs(void)
{
    const weir_step_cost none = cost_of(costs_nothing), two = cost_of(costs_two_rmws);
    const weir_step_cost fence = cost_of(costs_a_fence), mfence = cost_of(costs_an_mfence);
    const weir_step_cost memory = cost_of(costs_memory), call = cost_of(costs_a_system_call);

    CHECK(none.instructions > 0 && none.instructions < 20);
    CHECK(none.rmws + none.fences + none.allocations + none.frees + none.system_calls == 0);
    CHECK(two.rmws == 2 && two.fences == 0 && two.instructions > none.instructions);
    CHECK(fence.fences == 1 && fence.rmws == 0);
    CHECK(mfence.fences == 1 && mfence.rmws == 0);
    CHECK(memory.allocations == 1 && memory.frees == 1 && memory.system_calls == 0);
    CHECK(call.system_calls == 1 && call.allocations == 0);
}

static void does_not_count_what_does_not_end(void)
{
    static const weir_step_plan plan = PLAN(trouble, "trouble", "nobody", NULL);
    static trouble_case c;
    weir_step_cost cost = {7, 7, 7, 7, 7, 7};

    c.of_victim = READS_NULL;
    c.once_disturbed = false;
    CHECK(!weir_step_count(&plan, &c, &cost));
    CHECK(cost.instructions == 7 && cost.system_calls == 7);
}

/* ---- Concurrency Kit's ring: producers publish in the order of their tickets ---- */

#ifdef TEST_CK
#include <ck_ring.h>

typedef struct ck_case {
    ck_ring_t ring;
    ck_ring_buffer_t cells[8];
    uintptr_t acts;
    unsigned seen; /* dequeued values, as bits */
} ck_case;

static void ck_setup(void *state)
{
    ck_case *const c = (ck_case *)state;

    memset(c, 0, sizeof *c);
    ck_ring_init(&c->ring, 8);
}

static void ck_victim(void *state)
{
    ck_case *const c = (ck_case *)state;

    ck_ring_enqueue_mpmc(&c->ring, c->cells, (void *)(uintptr_t)1);
}

/* It waits for producers with earlier tickets, inside its call. */
static void ck_enqueues(void *state)
{
    ck_case *const c = (ck_case *)state;

    if (!ck_ring_enqueue_mpmc(&c->ring, c->cells, (void *)(2 + c->acts++)))
        weir_step_false("full with at most three values inside");
}

static void ck_check(void *state)
{
    ck_case *const c = (ck_case *)state;
    void *value;

    while (ck_ring_dequeue_mpmc(&c->ring, c->cells, &value))
        c->seen |= 1u << (uintptr_t)value;
    if (c->seen != (1u << (2 + c->acts)) - 2)
        weir_step_false("a value was lost, or came from nowhere");
}

static void finds_producers_that_wait_in_concurrency_kit(void)
{
    static const weir_step_plan plan =
        PLAN(ck, "ck_ring_enqueue_mpmc", "ck_ring_enqueue_mpmc", ck_enqueues);
    static ck_case state;
    weir_step_row row = {0};

    weir_step_sweep(&plan, &state, &row);
    weir_step_print(&row);
    CHECK(row.blocked > 0 && row.blocked < row.stops);
    CHECK_EQ(row.inside, row.blocked);
    CHECK_EQ(row.wrong, 0);
}
#else
static void finds_producers_that_wait_in_concurrency_kit(void)
{
    test_skip("no Concurrency Kit here (Debian: libck-dev)");
}
#endif

/* ---- the rows ---- */

static void says_nothing(void *state)
{
    (void)state;
    weir_step_false(NULL);
}

static void needs_no_sentence_to_fail(void)
{
    static const weir_step_plan plan = {"nothing",    "nobody",     NULL, costs_nothing,
                                        {NULL, NULL}, says_nothing, 0,    false};
    weir_step_row row = {0};

    weir_step_thin(0); /* as 1 */
    weir_step_sweep(&plan, NULL, &row);
    CHECK(row.wrong == row.stops + 2 && row.sentence != NULL);
    CHECK_EQ(row.pc, 0); /* false before it was stopped */
}

static void ends_the_program(void *state)
{
    (void)state;
    exit(0);
}

static const char *self; /* this program's name */

/* Runs this program once more: see main(). */
static void is_not_deceived_by_exit(void)
{
    char line[256] = "";
    bool said = false;
    char command[512];
    FILE *program;

    snprintf(command, sizeof command, "'%s' exit", self);
    program = popen(command, "r");
    CHECK(program != NULL);
    while (fgets(line, sizeof line, program) != NULL)
        said = said || strstr(line, "FAILED exit: the program ended before") != NULL;
    CHECK(said);
    CHECK_EQ(WEXITSTATUS(pclose(program)), 1);
}

static void skips_before_it_has_begun(void)
{
    static const weir_step_plan plan = {"nothing",    "nobody", NULL, costs_nothing,
                                        {NULL, NULL}, NULL,     0,    false};
    weir_step_row row = {0};
    weir_step_cost cost;

    weir_step_sweep(&plan, NULL, &row);
    weir_step_sweep(&plan, NULL, &row);
    CHECK(row.sweeps == 2 && row.skipped == 2 && row.stops == 0);
    CHECK(!weir_step_count(&plan, NULL, &cost));
    weir_step_report(&row);
    CHECK_EQ(weir_step_end(), 77);
}

static void judges_rows(void)
{
    static const weir_step_plan good = {"nothing",    "nobody", NULL, costs_nothing,
                                        {NULL, NULL}, NULL,     0,    false};
    static const weir_step_plan bad =
        PLAN(vyukov, "vyukov try_enqueue", "enqueue, dequeue once", vyukov_asks);
    static vyukov_case state;
    char file[] = "/tmp/weir-step-XXXXXX", line[256];
    const int descriptor = mkstemp(file);
    FILE *table;

    CHECK(descriptor >= 0);
    setenv("WEIR_STEP_TABLE", file, 1);
    CHECK_EQ(weir_step_run("one", &good, 1, &state), 0);
    CHECK_EQ(weir_step_run("other", &bad, 1, &state), 1);
    unsetenv("WEIR_STEP_TABLE");
    table = fdopen(descriptor, "r");
    CHECK(table != NULL && fgets(line, sizeof line, table) != NULL);
    CHECK(strncmp(line, "one\tnothing\tnobody\t1\t", 21) == 0 && strstr(line, "\tPASS\n") != NULL);
    CHECK(fgets(line, sizeof line, table) != NULL && strstr(line, "\tFAIL\n") != NULL);
    CHECK(fgets(line, sizeof line, table) == NULL);
    fclose(table);
    unlink(file);
}

int main(int argc, char **argv)
{
    static const weir_step_plan plan = {"exit",       "nobody", NULL, ends_the_program,
                                        {NULL, NULL}, NULL,     0,    false};
    int status;

    self = argv[0];
    if (argc == 2 && strcmp(argv[1], "exit") == 0)
        return weir_step_run("exit", &plan, 1, NULL);
    if (!weir_step_begin("step"))
        return weir_step_end();
    status = TEST_RUN(
        "step", TEST_CASE(finds_a_false_empty), TEST_CASE(finds_a_blocked_consumer),
        TEST_CASE(finds_one_that_spins_inside), TEST_CASE(finds_a_recycled_node),
        TEST_CASE(finds_a_mutex), TEST_CASE(takes_a_slow_adversary_for_no_blocked_one),
        TEST_CASE(finds_producers_that_wait_in_concurrency_kit), TEST_CASE(counts_own_steps),
        TEST_CASE(finds_a_long_operation_that_passes_its_bound),
        TEST_CASE(needs_no_sentence_to_fail), TEST_CASE(is_not_deceived_by_exit),
        TEST_CASE(aborts_restartable_sequences), TEST_CASE(catches_a_victim_that_crashes),
        TEST_CASE(catches_an_adversary_that_crashes),
        TEST_CASE(catches_a_check_that_crashes_or_never_ends), TEST_CASE(cuts_off_what_never_ends),
        TEST_CASE(goes_on_after_a_crash), TEST_CASE(counts_what_an_operation_costs),
        TEST_CASE(does_not_count_what_does_not_end));
    if (weir_step_end() != 0)
        return 1;
    return status != 0
               ? status
               : TEST_RUN("step", TEST_CASE(skips_before_it_has_begun), TEST_CASE(judges_rows));
}

#else

int main(void)
{
    (void)weir_step_begin("step");
    return weir_step_end();
}

#endif
