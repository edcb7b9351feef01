/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Rows of reclamation, and of what stands on it: epoch, interval, hazard, guard, stack, umpmc,
 * deque. */

#include "costs.h"

#ifdef COSTS_ARE_COUNTED

static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[4096];
static uintptr_t values[8];

/* ---- reclamation ---- */

enum { BATCH = 64 };

static weir_retired objects[BATCH + 1];
static WEIR_ATOMIC(void *) root;

static void reclaimed(weir_retired *object)
{
    (void)object;
}

/* A domain of each scheme, asymmetric and fenced, and the records of the counted thread in it. */
static weir_epoch *epochs[2];
static weir_epoch_record *epoch[2];
static weir_interval *intervals[2];
static weir_interval_record *interval[2];
static weir_hazard *hazards[2];
static weir_hazard_record *hazard[2];

enum { SCHEMES = 3 };

static const weir_guard_scheme scheme_of[SCHEMES] = {WEIR_GUARD_EPOCH, WEIR_GUARD_INTERVAL,
                                                     WEIR_GUARD_HAZARD};
static const char *const name_of[SCHEMES] = {"epochs", "intervals", "hazards"};
static weir_guard *guards[SCHEMES];
static weir_guard_record *guard[SCHEMES];

static void make_domains(void)
{
    weir_reclaim_options options;

    memset(&options, 0, sizeof options);
    options.batch_objects = BATCH;
    /* relaxed: alone. */
    weir_atomic_store(&root, objects, WEIR_RELAXED);
    for (unsigned i = 0; i < 2; i++) {
        options.fenced = i != 0;
        costs_require(weir_epoch_new(&epochs[i], &options) == 0 &&
                          weir_interval_new(&intervals[i], &options) == 0 &&
                          weir_hazard_new(&hazards[i], &options) == 0,
                      "no domain");
        epoch[i] = (weir_epoch_record *)costs_ask(FUNCTION(path_epoch_self), epochs[i]);
        interval[i] = (weir_interval_record *)costs_ask(FUNCTION(path_interval_self), intervals[i]);
        hazard[i] = (weir_hazard_record *)costs_ask(FUNCTION(path_hazard_self), hazards[i]);
        costs_require(weir_hazard_reserve(hazard[i], WEIR_HAZARD_SLOTS + 1) == 0, "no slots");
    }
    options.fenced = false;
    for (unsigned i = 0; i < SCHEMES; i++) {
        costs_require(weir_guard_new(&guards[i], scheme_of[i], &options) == 0, "no domain");
        guard[i] = (weir_guard_record *)costs_ask(FUNCTION(path_guard_self), guards[i]);
    }
}

/* ---- epoch; `n`: objects that wait, + FENCED ---- */

enum { FENCED = 256 };

static void epoch_outside(unsigned n)
{
    weir_epoch_record *const r = epoch[n / FENCED];
    const weir_section outermost = {n >= FENCED ? WEIR__FENCED : 0};

    if (weir_epoch_inside(r))
        weir_epoch_exit(r, outermost);
    (void)weir_epoch_collect(r);
    for (unsigned i = 0; i < n % FENCED; i++)
        weir_epoch_retire(r, &objects[i + 1], reclaimed, 64);
}

static void epoch_inside(unsigned n)
{
    epoch_outside(n);
    costs_now.argument[1] = weir_epoch_enter(epoch[n / FENCED]).outer;
}

static void epoch_nested(unsigned n)
{
    epoch_inside(n);
    costs_now.argument[1] = weir_epoch_enter(epoch[n / FENCED]).outer;
}

static void epoch_rows(void)
{
    costs_structure = "epoch";
    ROW(epoch, enter, "outermost", epoch_outside, 0, ANY, P(epoch[0]));
    ROW(epoch, exit, "outermost", epoch_inside, 0, ANY, P(epoch[0]));
    ROW(epoch, enter, "nested", epoch_inside, 0, ANY, P(epoch[0]));
    ROW(epoch, exit, "nested", epoch_nested, 0, ANY, P(epoch[0]));
    ROW(epoch, self, "not the first time", epoch_outside, 0, ANY, P(epochs[0]));
    ROW(epoch, enter_here, "outermost", epoch_outside, 0, ANY, P(epochs[0]));
    ROW(epoch, exit_here, "outermost", epoch_inside, 0, ANY, P(epochs[0]));
    ROW(epoch, inside, "", epoch_outside, 0, NO, P(epoch[0]));
    ROW(epoch, retire, "not the last of a batch", epoch_outside, 1, ANY, P(epoch[0]),
        P(&objects[0]), P(reclaimed), 64);
    ROW(epoch, retire, "the last of a batch of 64", epoch_outside, BATCH - 1, ANY, P(epoch[0]),
        P(&objects[0]), P(reclaimed), 64);
    ROW(epoch, collect, "nothing waits", epoch_outside, 0, 0, P(epoch[0]));
    ROW(epoch, enter, "fenced domain", epoch_outside, FENCED, ANY, P(epoch[1]));
    ROW(epoch, exit, "fenced domain", epoch_inside, FENCED, ANY, P(epoch[1]));
    ROW(epoch, retire, "fenced domain, not the last", epoch_outside, FENCED + 1, ANY, P(epoch[1]),
        P(&objects[0]), P(reclaimed), 64);
    ROW(epoch, retire, "fenced domain, the last of 64", epoch_outside, FENCED + BATCH - 1, ANY,
        P(epoch[1]), P(&objects[0]), P(reclaimed), 64);
    epoch_outside(0);
    epoch_outside(FENCED);
}

/* ---- interval ---- */

static void interval_outside(unsigned n)
{
    weir_interval_record *const r = interval[n / FENCED];
    const weir_section outermost = {n >= FENCED ? WEIR__FENCED : 0};

    if (weir_interval_inside(r))
        weir_interval_exit(r, outermost);
    (void)weir_interval_collect(r);
    for (unsigned i = 0; i < n % FENCED; i++) {
        weir_interval_born(r, &objects[i + 1]);
        weir_interval_retire(r, &objects[i + 1], reclaimed, 64);
    }
}

static void interval_inside(unsigned n)
{
    interval_outside(n);
    costs_now.argument[1] = weir_interval_enter(interval[n / FENCED]).outer;
}

/* Inside, and the era is the one that was last looked at; or a new one. */
static void interval_protected(unsigned n)
{
    interval_inside(n);
    (void)weir_interval_protect(interval[n / FENCED], &root);
    costs_now.argument[1] = P(&root);
}

static void interval_moved_on(unsigned n)
{
    interval_protected(n);
    weir_interval_retire(interval[n / FENCED], &objects[1], reclaimed, 64);
    (void)weir_interval_collect(interval[n / FENCED]);
}

static void interval_rows(void)
{
    costs_structure = "interval";
    ROW(interval, enter, "outermost", interval_outside, 0, ANY, P(interval[0]));
    ROW(interval, exit, "outermost", interval_inside, 0, ANY, P(interval[0]));
    ROW(interval, protect, "the era is the same", interval_protected, 0, ANY, P(interval[0]));
    ROW(interval, protect, "the era has moved on", interval_moved_on, 0, ANY, P(interval[0]));
    ROW(interval, self, "not the first time", interval_outside, 0, ANY, P(intervals[0]));
    ROW(interval, inside, "", interval_outside, 0, NO, P(interval[0]));
    ROW(interval, born, "", interval_outside, 0, ANY, P(interval[0]), P(&objects[0]));
    ROW(interval, retire, "not the last of a batch", interval_outside, 1, ANY, P(interval[0]),
        P(&objects[0]), P(reclaimed), 64);
    ROW(interval, retire, "the last of a batch of 64", interval_outside, BATCH - 1, ANY,
        P(interval[0]), P(&objects[0]), P(reclaimed), 64);
    ROW(interval, collect, "nothing waits", interval_outside, 0, 0, P(interval[0]));
    ROW(interval, enter, "fenced domain", interval_outside, FENCED, ANY, P(interval[1]));
    ROW(interval, exit, "fenced domain", interval_inside, FENCED, ANY, P(interval[1]));
    ROW(interval, protect, "fenced domain, the same era", interval_protected, FENCED, ANY,
        P(interval[1]));
    ROW(interval, retire, "fenced domain, the last of 64", interval_outside, FENCED + BATCH - 1,
        ANY, P(interval[1]), P(&objects[0]), P(reclaimed), 64);
    interval_outside(0);
    interval_outside(FENCED);
}

/* ---- hazard ---- */

static void hazard_clear(unsigned n)
{
    weir_hazard_record *const r = hazard[n / FENCED];

    weir_hazard_clear(r, 0);
    weir_hazard_clear(r, WEIR_HAZARD_SLOTS);
    (void)weir_hazard_collect(r);
    for (unsigned i = 0; i < n % FENCED; i++)
        weir_hazard_retire(r, &objects[i + 1], reclaimed, 64);
}

static void hazard_rows(void)
{
    costs_structure = "hazard";
    ROW(hazard, set, "", hazard_clear, 0, ANY, P(hazard[0]), 0, P(&objects[0]));
    ROW(hazard, set, "slot 8, reserved", hazard_clear, 0, ANY, P(hazard[0]), WEIR_HAZARD_SLOTS,
        P(&objects[0]));
    ROW(hazard, clear, "", hazard_clear, 0, ANY, P(hazard[0]), 0);
    ROW(hazard, protect, "", hazard_clear, 0, ANY, P(hazard[0]), 0, P(&root));
    ROW(hazard, self, "not the first time", hazard_clear, 0, ANY, P(hazards[0]));
    ROW(hazard, inside, "none is set", hazard_clear, 0, NO, P(hazard[0]));
    ROW(hazard, retire, "not the last of a batch", hazard_clear, 1, ANY, P(hazard[0]),
        P(&objects[0]), P(reclaimed), 64);
    ROW(hazard, retire, "the last of a batch of 64", hazard_clear, BATCH - 1, ANY, P(hazard[0]),
        P(&objects[0]), P(reclaimed), 64);
    ROW(hazard, collect, "nothing waits", hazard_clear, 0, 0, P(hazard[0]));
    ROW(hazard, set, "fenced domain", hazard_clear, FENCED, ANY, P(hazard[1]), 0, P(&objects[0]));
    ROW(hazard, clear, "fenced domain", hazard_clear, FENCED, ANY, P(hazard[1]), 0);
    ROW(hazard, protect, "fenced domain", hazard_clear, FENCED, ANY, P(hazard[1]), 0, P(&root));
    ROW(hazard, retire, "fenced domain, the last of 64", hazard_clear, FENCED + BATCH - 1, ANY,
        P(hazard[1]), P(&objects[0]), P(reclaimed), 64);
    ROW(hazard, collect, "fenced domain, nothing waits", hazard_clear, FENCED, 0, P(hazard[1]));
    hazard_clear(0);
    hazard_clear(FENCED);
}

/* ---- guard; `n`: objects that wait, + SCHEME * the scheme ---- */

enum { SCHEME = 256 };

static void guard_outside(unsigned n)
{
    weir_guard_record *const r = guard[n / SCHEME];
    const weir_section outermost = {0};

    if (weir_guard_inside(r))
        weir_guard_exit(r, outermost);
    (void)weir_guard_collect(r);
    for (unsigned i = 0; i < n % SCHEME; i++) {
        weir_guard_born(r, &objects[i + 1]);
        weir_guard_retire(r, &objects[i + 1], reclaimed, 64);
    }
}

static void guard_inside(unsigned n)
{
    guard_outside(n);
    costs_now.argument[1] = weir_guard_enter(guard[n / SCHEME]).outer;
}

/* Has looked at the era, and protects nothing that is protected next. */
static void guard_protects(unsigned n)
{
    weir_guard_record *const r = guard[n / SCHEME];

    guard_inside(n);
    (void)weir_guard_protect(r, 0, &root);
    (void)weir_guard_set(r, 0, &objects[1]);
    costs_now.argument[1] = 0;
}

/* Protects one object. */
static void guard_protected(unsigned n)
{
    const uintptr_t outer = (guard_inside(n), costs_now.argument[1]);

    (void)weir_guard_protect(guard[n / SCHEME], 0, &root);
    costs_now.argument[1] = outer;
}

static void guard_rows(void)
{
    for (unsigned i = 0; i < SCHEMES; i++) {
        costs_structure = "guard";
        ROW(guard, enter, name_of[i], guard_outside, i * SCHEME, ANY, P(guard[i]));
        ROW(guard, protect, name_of[i], guard_protects, i * SCHEME, ANY, P(guard[i]), 0, P(&root));
        ROW(guard, set, name_of[i], guard_protects, i * SCHEME, scheme_of[i] == WEIR_GUARD_HAZARD,
            P(guard[i]), 0, P(&objects[0]));
        ROW(guard, exit, name_of[i], guard_protected, i * SCHEME, ANY, P(guard[i]));
        ROW(guard, retire, name_of[i], guard_outside, i * SCHEME + 1, ANY, P(guard[i]),
            P(&objects[0]), P(reclaimed), 64);
        ROW(guard, collect, name_of[i], guard_outside, i * SCHEME + 1, 1, P(guard[i]));
        guard_outside(i * SCHEME);
    }
    ROW(guard, self, "not the first time", NULL, 0, ANY, P(guards[0]));
    ROW(guard, inside, "", NULL, 0, NO, P(guard[0]));
    ROW(guard, born, "", NULL, 0, ANY, P(guard[0]), P(&objects[0]));
}

/* ---- stack ---- */

static weir_stack_index stack_index;

enum { STACK_NODES = 32 };

/* Nodes n to the last are outside; the last 8 are a chain. */
static void stack_index_holds(unsigned n)
{
    costs_require(weir_stack_index_init(&stack_index, buffer, sizeof buffer, STACK_NODES,
                                        WEIR_STACK_EMPTY) == 0,
                  "no stack");
    for (unsigned i = 0; i < n; i++)
        (void)weir_stack_index_push(&stack_index, i);
    for (unsigned i = STACK_NODES - 8; i < STACK_NODES; i++)
        weir_stack_index_link(&stack_index, i, i + 1 < STACK_NODES ? i + 1 : WEIR_STACK_NONE);
}

static void stack_index_rows(void)
{
    costs_structure = "stack_index";
    ROW(stack_index, push, "empty", stack_index_holds, 0, YES, P(&stack_index), 20);
    ROW(stack_index, push, "not empty", stack_index_holds, 3, NO, P(&stack_index), 20);
    ROW(stack_index, push_chain, "8 nodes", stack_index_holds, 3, NO, P(&stack_index),
        STACK_NODES - 8, STACK_NODES - 1);
    ROW(stack_index, pop, "not empty", stack_index_holds, 3, 2, P(&stack_index));
    ROW(stack_index, pop, "empty", stack_index_holds, 0, 255, P(&stack_index));
    ROW(stack_index, pop_all, "8 inside", stack_index_holds, 8, 7, P(&stack_index));
    ROW(stack_index, pop_all, "empty", stack_index_holds, 0, 255, P(&stack_index));
    ROW(stack_index, empty, "", stack_index_holds, 3, NO, P(&stack_index));
    ROW(stack_index, link, "", stack_index_holds, 3, ANY, P(&stack_index), 20, 21);
    ROW(stack_index, next, "", stack_index_holds, 3, STACK_NODES - 7, P(&stack_index),
        STACK_NODES - 8);
}

#ifdef WEIR_HAVE_STACK
static weir_stack stack;
static weir_stack_node stack_nodes[STACK_NODES];

static void stack_holds(unsigned n)
{
    weir_stack_init(&stack);
    for (unsigned i = 0; i < n; i++)
        (void)weir_stack_push(&stack, &stack_nodes[i]);
    for (unsigned i = STACK_NODES - 8; i < STACK_NODES; i++)
        weir_stack_link(&stack_nodes[i], i + 1 < STACK_NODES ? &stack_nodes[i + 1] : NULL);
}

static void stack_rows(void)
{
    costs_structure = "stack";
    ROW(stack, push, "empty", stack_holds, 0, YES, P(&stack), P(&stack_nodes[20]));
    ROW(stack, push, "not empty", stack_holds, 3, NO, P(&stack), P(&stack_nodes[20]));
    ROW(stack, push_chain, "8 nodes", stack_holds, 3, NO, P(&stack),
        P(&stack_nodes[STACK_NODES - 8]), P(&stack_nodes[STACK_NODES - 1]));
    ROW(stack, pop, "not empty", stack_holds, 3, ANY, P(&stack));
    ROW(stack, pop, "empty", stack_holds, 0, 0, P(&stack));
    ROW(stack, pop_all, "8 inside", stack_holds, 8, ANY, P(&stack));
    ROW(stack, pop_all, "empty", stack_holds, 0, 0, P(&stack));
    ROW(stack, empty, "", stack_holds, 3, NO, P(&stack));
    ROW(stack, link, "", stack_holds, 3, ANY, P(&stack_nodes[20]), P(&stack_nodes[21]));
    ROW(stack, next, "", stack_holds, 3, ANY, P(&stack_nodes[20]));
}
#endif

/* ---- stack_guard ---- */

static weir_stack_guard stack_guard;
static weir_stack_guard_node stack_guard_nodes[STACK_NODES];

static void stack_guard_holds(unsigned n)
{
    weir_guard_record *const r = guard[n / SCHEME];

    guard_outside(n / SCHEME * SCHEME);
    weir_stack_guard_init(&stack_guard);
    for (unsigned i = 0; i < n % SCHEME; i++)
        (void)weir_stack_guard_push(&stack_guard, r, &stack_guard_nodes[i]);
    /* Has looked at the era. */
    (void)weir_stack_guard_pop(&stack_guard, r);
    if (n % SCHEME != 0)
        (void)weir_stack_guard_push(&stack_guard, r, &stack_guard_nodes[n % SCHEME - 1]);
}

static void stack_guard_rows(void)
{
    for (unsigned i = 0; i < SCHEMES; i++) {
        costs_structure = "stack_guard";
        ROW(stack_guard, push, name_of[i], stack_guard_holds, i * SCHEME + 3, NO, P(&stack_guard),
            P(guard[i]), P(&stack_guard_nodes[20]));
        ROW(stack_guard, pop, name_of[i], stack_guard_holds, i * SCHEME + 3, ANY, P(&stack_guard),
            P(guard[i]));
    }
    ROW(stack_guard, push_chain, "8 nodes, epochs", stack_guard_holds, 3, NO, P(&stack_guard),
        P(guard[0]), P(&stack_guard_nodes[STACK_NODES - 8]),
        P(&stack_guard_nodes[STACK_NODES - 1]));
    ROW(stack_guard, link, "epochs", stack_guard_holds, 3, ANY, P(guard[0]),
        P(&stack_guard_nodes[20]), P(&stack_guard_nodes[21]));
    ROW(stack_guard, pop, "empty, epochs", stack_guard_holds, 0, 0, P(&stack_guard), P(guard[0]));
    ROW(stack_guard, pop_all, "8 inside", stack_guard_holds, 8, ANY, P(&stack_guard));
    ROW(stack_guard, empty, "", stack_guard_holds, 3, NO, P(&stack_guard));
}

/* ---- umpmc ---- */

static weir_umpmc *umpmc;

static void end_umpmc(weir_guard_record *r)
{
    uintptr_t value;

    if (umpmc == NULL)
        return;
    while (weir_umpmc_try_dequeue(umpmc, r, &value))
        continue;
    costs_require(weir_umpmc_free(umpmc) == 0, "the umpmc is not empty");
    umpmc = NULL;
    (void)weir_guard_collect(r);
}

/* IN(put, taken) of a new one, + SCHEME * SCHEME * the scheme. */
static void umpmc_after(unsigned n)
{
    const unsigned scheme = n / SCHEME / SCHEME;
    const unsigned put = n / SCHEME % SCHEME, taken = n % SCHEME;
    weir_guard_record *const r = guard[scheme];

    guard_outside(scheme * SCHEME);
    costs_require(weir_umpmc_new(&umpmc, guards[scheme], 0) == 0, "no umpmc");
    for (unsigned i = 0; i < put; i++)
        costs_require(weir_umpmc_enqueue(umpmc, r, i) == 0, "no memory for the umpmc");
    for (unsigned i = 0; i < taken; i++)
        costs_require(weir_umpmc_try_dequeue(umpmc, r, values), "nothing in the umpmc");
    costs_now.argument[0] = P(umpmc);
}

static void umpmc_epochs(unsigned n)
{
    end_umpmc(guard[0]);
    umpmc_after(n);
}

static void umpmc_intervals(unsigned n)
{
    end_umpmc(guard[1]);
    umpmc_after(n + SCHEME * SCHEME);
}

static void umpmc_hazards(unsigned n)
{
    end_umpmc(guard[2]);
    umpmc_after(n + 2 * SCHEME * SCHEME);
}

#define STATES(state)                                            \
    {                                                            \
        state ", epochs", state ", intervals", state ", hazards" \
    }

static void umpmc_rows(void)
{
    static void (*const after[SCHEMES])(unsigned) = {umpmc_epochs, umpmc_intervals, umpmc_hazards};
    static const char *const within[SCHEMES] = STATES("within a segment");
    static const char *const opens[SCHEMES] = STATES("opens a segment");
    static const char *const leaves[SCHEMES] = STATES("leaves a segment");
    static const char *const empty[SCHEMES] = STATES("empty");
    static const char *const burst[SCHEMES] = STATES("8 values");
    const unsigned whole = WEIR_UMPMC_SLOTS;

    costs_structure = "umpmc";
    for (unsigned i = 0; i < SCHEMES; i++) {
        ROW(umpmc, enqueue, within[i], after[i], IN(3, 1), 0, 0, P(guard[i]), 7);
        ROW(umpmc, enqueue, opens[i], after[i], IN(whole, 1), 0, 0, P(guard[i]), 7);
        ROW(umpmc, try_dequeue, within[i], after[i], IN(3, 1), YES, 0, P(guard[i]), P(values));
        ROW(umpmc, try_dequeue, leaves[i], after[i], IN(whole + 1, whole), YES, 0, P(guard[i]),
            P(values));
        ROW(umpmc, try_dequeue, empty[i], after[i], IN(1, 1), NO, 0, P(guard[i]), P(values));
        ROW(umpmc, dequeue_burst, burst[i], after[i], IN(20, 1), 8, 0, P(guard[i]), P(values), 8);
        end_umpmc(guard[i]);
    }
}

/* ---- deque ---- */

static weir_deque *deque;

enum { DEQUE_CAPACITY = 32 };

static void end_deque(void)
{
    uintptr_t value;

    if (deque == NULL)
        return;
    while (weir_deque_pop(deque, &value))
        continue;
    costs_require(weir_deque_free(deque) == 0, "the deque is not empty");
    deque = NULL;
    (void)weir_guard_collect(guard[0]);
}

static void deque_holds(unsigned n)
{
    guard_outside(0);
    end_deque();
    costs_require(weir_deque_new(&deque, guards[0], DEQUE_CAPACITY) == 0, "no deque");
    for (unsigned i = 0; i < n; i++)
        costs_require(weir_deque_push(deque, i) == 0, "no memory for the deque");
    costs_now.argument[0] = P(deque);
}

/* As many inside, and it is shared. */
static void deque_shared(unsigned n)
{
    uintptr_t value;

    deque_holds(n + 1);
    costs_require(weir_deque_steal(deque, guard[0], &value), "nothing to steal");
}

static void deque_rows(void)
{
    costs_structure = "deque";
    ROW(deque, push, "room", deque_holds, 3, 0, 0, 7);
    ROW(deque, push, "grows from 32 cells", deque_holds, DEQUE_CAPACITY, 0, 0, 7);
    ROW(deque, pop, "the owner's alone", deque_holds, 3, YES, 0, P(values));
    ROW(deque, pop, "the owner's alone, the last", deque_holds, 1, YES, 0, P(values));
    ROW(deque, pop, "the owner's alone, empty", deque_holds, 0, NO, 0, P(values));
    ROW(deque, pop_oldest, "the owner's alone", deque_holds, 3, YES, 0, P(values));
    ROW(deque, pop_oldest, "the owner's alone, the last", deque_holds, 1, YES, 0, P(values));
    ROW(deque, pop_oldest, "the owner's alone, empty", deque_holds, 0, NO, 0, P(values));
    ROW(deque, push, "shared", deque_shared, 3, 0, 0, 7);
    ROW(deque, pop, "shared", deque_shared, 3, YES, 0, P(values));
    ROW(deque, pop, "shared, the last", deque_shared, 1, YES, 0, P(values));
    ROW(deque, pop_oldest, "shared", deque_shared, 3, YES, 0, P(values));
    ROW(deque, pop_oldest, "shared, the last", deque_shared, 1, YES, 0, P(values));
    ROW(deque, steal, "shared", deque_shared, 3, YES, 0, P(guard[0]), P(values));
    ROW(deque, steal, "the first: shares it", deque_holds, 3, YES, 0, P(guard[0]), P(values));
    ROW(deque, steal, "empty", deque_holds, 0, NO, 0, P(guard[0]), P(values));
    ROW(deque, steal_burst, "shared, 8 of 16", deque_shared, 16, 8, 0, P(guard[0]), P(values), 8);
    ROW(deque, size_approx, "", deque_holds, 3, 3, 0);
    end_deque();
}

void costs_of_reclamation(void)
{
    make_domains();
    epoch_rows();
    interval_rows();
    hazard_rows();
    guard_rows();
    stack_index_rows();
#ifdef WEIR_HAVE_STACK
    stack_rows();
#endif
    stack_guard_rows();
    umpmc_rows();
    deque_rows();
}

#else

/* A translation unit is not empty. */
typedef int costs_none;

#endif
