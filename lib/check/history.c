/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/history.c: what the operations of a run were, and whether a sequential object explains
 * them.
 *
 * The search is depth first over the orders that agree with precedence (Wing, Gong, JPDC 1993), and
 * goes on from no set of operations and state twice (G. Lowe, "Testing for linearizability", CPE
 * 2017). The same history comes again in many graphs, so orders that explained one are kept. They
 * are tried on the object again, not trusted: it may depend on more than the history. */

#include "report.h"

#include <string.h>

#define CALLS WEIR_CHECK_CALLS
#define KEPT 8192    /* orders; a power of two */
#define VISITED 4096 /* at first; a power of two */

typedef struct call {
    int operation;
    int thread;
    uint64_t argument, result;
    bool returned;
    uint64_t before; /* operations that precede it, a bit each */
    unsigned begin;  /* steps of its thread before it */
    unsigned end;
} call;

typedef struct history {
    bool specified;
    weir_check_spec spec;
    unsigned calls;
    unsigned most; /* events of one that has returned */
    uint64_t returned;
    int inside[THREADS]; /* how many each thread is in */
    call call[CALLS];
} history;

STATE static history now = {.calls = 0};

/* ---- on a thread under test ---- */

void weir_check_history(const weir_check_spec *spec)
{
    const void *const pc = __builtin_return_address(0);

    if (weir__check_self < 0)
        return;
    if (spec == NULL || spec->apply == NULL)
        weir__check_bug(WEIR_CHECK_MISUSE, pc, NULL,
                        "weir_check_history() without a specification");
    if (spec->size > WEIR_CHECK_STATE)
        weir__check_unable(pc, "a state of %zu bytes: at most %d (WEIR_CHECK_STATE)", spec->size,
                           WEIR_CHECK_STATE);
    if (now.calls > 0)
        weir__check_bug(WEIR_CHECK_MISUSE, pc, NULL,
                        "weir_check_history() after the first operation");
    now.spec = *spec;
    now.specified = true;
}

unsigned weir_check_call(int operation, uint64_t argument)
{
    const int self = weir__check_self;
    const clock_vector *clock;
    call *c;

    if (self < 0)
        return 0;
    if (now.calls == CALLS)
        weir__check_unable(__builtin_return_address(0),
                           "more than %d operations in one run (WEIR_CHECK_CALLS)", CALLS);
    clock = weir__check_clock(self);
    c = &now.call[now.calls];
    c->operation = operation;
    c->thread = self;
    c->argument = argument;
    c->result = 0;
    c->returned = false;
    c->before = 0;
    c->begin = weir__check_steps(self);
    c->end = 0;
    /* What precedes it has run before it. */
    for (unsigned i = 0; i < now.calls; i++) {
        const call *const a = &now.call[i];

        if (a->returned && (a->thread == self || clock->of[a->thread] >= a->end))
            c->before |= (uint64_t)1 << i;
    }
    now.inside[self]++;
    weir__check_wrote();
    return now.calls++;
}

void weir_check_return(unsigned number, uint64_t result)
{
    const void *const pc = __builtin_return_address(0);
    const int self = weir__check_self;
    call *c;

    if (self < 0)
        return;
    if (number >= now.calls || now.call[number].returned)
        weir__check_bug(WEIR_CHECK_MISUSE, pc, NULL,
                        "weir_check_return() of an operation that has not begun, or has returned");
    c = &now.call[number];
    if (c->thread != self)
        weir__check_bug(WEIR_CHECK_MISUSE, pc, NULL,
                        "weir_check_return() of an operation of thread %d", c->thread);
    c->result = result;
    c->returned = true;
    c->end = weir__check_epoch(self);
    if (weir__check_steps(self) - c->begin > now.most)
        now.most = weir__check_steps(self) - c->begin;
    now.returned |= (uint64_t)1 << number;
    now.inside[self]--;
}

/* ---- what happens to an object ---- */

typedef struct state {
    _Alignas(16) unsigned char bytes[WEIR_CHECK_STATE];
} state;

/* One for each operation that was applied, the first before all. */
STATE static state states[CALLS + 1] = {{{0}}};

static void init_state(void)
{
    memset(states[0].bytes, 0, now.spec.size);
    if (now.spec.init != NULL)
        now.spec.init(states[0].bytes);
}

/* Whether the operation may come next; the state behind it is then at depth + 1. */
static bool apply(unsigned depth, unsigned number)
{
    const call *const c = &now.call[number];

    memcpy(states[depth + 1].bytes, states[depth].bytes, now.spec.size);
    return now.spec.apply(states[depth + 1].bytes, c->operation, c->argument,
                          c->returned ? &c->result : NULL);
}

static uint64_t bit(unsigned number)
{
    return (uint64_t)1 << number;
}

static unsigned first_of(uint64_t set)
{
    return (unsigned)__builtin_ctzll(set);
}

static uint64_t mix(uint64_t h, uint64_t value)
{
    h = (h ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

/* ---- orders that explained histories ---- */

typedef struct kept {
    uint64_t hash;
    uint8_t length;
    uint8_t order[55]; /* ranks: see sort() */
} kept;

STATE static kept *orders = NULL;

/* The rank of an operation is its place among all by thread, then by program order. It is the same
 * in all graphs that have this history, whoever ran first. number[rank]: its number in this run. */
typedef struct ranks {
    uint8_t of[CALLS], number[CALLS];
} ranks;

static void sort(ranks *r)
{
    uint8_t place[THREADS + 1] = {0};

    for (unsigned i = 0; i < now.calls; i++)
        place[now.call[i].thread + 1]++;
    for (unsigned t = 1; t < THREADS; t++)
        place[t] = (uint8_t)(place[t] + place[t - 1]);
    for (unsigned i = 0; i < now.calls; i++) {
        const uint8_t rank = place[now.call[i].thread]++;

        r->of[i] = rank;
        r->number[rank] = (uint8_t)i;
    }
}

static uint64_t hash_history(const ranks *r)
{
    uint64_t h = mix((uintptr_t)now.spec.apply, now.calls);

    for (unsigned rank = 0; rank < now.calls; rank++) {
        const call *const c = &now.call[r->number[rank]];
        uint64_t before = 0;

        for (uint64_t rest = c->before; rest != 0; rest &= rest - 1)
            before |= bit(r->of[first_of(rest)]);
        h = mix(h, (uint64_t)c->operation << 8 ^ (uint64_t)c->thread << 1 ^ c->returned);
        h = mix(h, c->argument);
        h = mix(h, c->result);
        h = mix(h, before);
    }
    return h;
}

/* Whether the order that is kept explains this history too. */
static bool explains(const kept *k, const ranks *r)
{
    uint64_t done = 0;

    init_state();
    for (unsigned i = 0; i < k->length; i++) {
        unsigned number;

        if (k->order[i] >= now.calls)
            return false;
        number = r->number[k->order[i]];
        if ((done & bit(number)) != 0 || (now.call[number].before & ~done) != 0 ||
            !apply(i, number))
            return false;
        done |= bit(number);
    }
    return (now.returned & ~done) == 0;
}

/* ---- where the search has been ---- */

typedef struct visit {
    uint64_t done, hash[2];
    uint64_t search; /* in which */
} visit;

STATE static visit *visits = NULL;
STATE static size_t visit_room = 0, visit_count = 0;
STATE static uint64_t searches = 0;

static visit visit_of(uint64_t done, const state *s)
{
    visit v = {done, {done, ~done}, searches};

    for (size_t i = 0; i < now.spec.size; i += 8) {
        uint64_t part = 0;

        memcpy(&part, s->bytes + i, now.spec.size - i < 8 ? now.spec.size - i : 8);
        v.hash[0] = mix(v.hash[0], part);
        v.hash[1] = (v.hash[1] + part) * UINT64_C(0xd6e8feb86659fd93);
        v.hash[1] ^= v.hash[1] >> 32;
    }
    return v;
}

/* Where it is, or would be. */
static visit *find_visit(const visit *v)
{
    size_t i = (v->hash[0] ^ v->hash[0] >> 32) & (visit_room - 1);

    while (visits[i].search == searches &&
           (visits[i].done != v->done || visits[i].hash[0] != v->hash[0] ||
            visits[i].hash[1] != v->hash[1]))
        i = (i + 1) & (visit_room - 1);
    return &visits[i];
}

static bool was_visited(uint64_t done, const state *s)
{
    visit v;

    if (visit_count == 0)
        return false;
    v = visit_of(done, s);
    return find_visit(&v)->search == searches;
}

static void note_visit(uint64_t done, const state *s)
{
    const visit v = visit_of(done, s);

    if (2 * visit_count >= visit_room) {
        const visit *const old = visits;
        const size_t old_room = visit_room;

        /* Rare enough for the old table to be left behind. */
        visit_room = old_room == 0 ? VISITED : 2 * old_room;
        visits = (visit *)weir__check_memory(visit_room * sizeof *visits);
        memset(visits, 0, visit_room * sizeof *visits);
        for (size_t i = 0; i < old_room; i++) {
            if (old[i].search == searches)
                *find_visit(&old[i]) = old[i];
        }
    }
    *find_visit(&v) = v;
    visit_count++;
}

/* ---- the search ---- */

/* The longest order of operations that returned, and what else was applied between them. */
typedef struct prefix {
    unsigned length, returned;
    uint8_t order[CALLS];
} prefix;

STATE static prefix best = {.length = 0};

/* Operations that may come next as far as precedence goes. */
static uint64_t next_ones(uint64_t done)
{
    uint64_t next = 0;

    for (unsigned i = 0; i < now.calls; i++) {
        if ((done & bit(i)) == 0 && (now.call[i].before & ~done) == 0)
            next |= bit(i);
    }
    return next;
}

/* Those that returned first: an order often needs no other. */
static unsigned choose(uint64_t next)
{
    const uint64_t returned = next & now.returned;

    return first_of(returned != 0 ? returned : next);
}

static void note_prefix(const uint8_t *order, unsigned length, uint64_t done)
{
    const unsigned returned = (unsigned)__builtin_popcountll(done & now.returned);

    if (best.length != 0 && returned <= best.returned)
        return;
    best.length = length;
    best.returned = returned;
    memcpy(best.order, order, length);
}

/* Returns: whether there is an order; it is then best.order. */
static bool search(void)
{
    uint64_t left[CALLS + 1]; /* to be tried at each depth */
    uint64_t done = 0;
    uint8_t order[CALLS];
    unsigned depth = 0;

    searches++;
    visit_count = 0;
    best.length = best.returned = 0;
    init_state();
    left[0] = next_ones(0);
    while ((now.returned & ~done) != 0) {
        unsigned number;

        if (left[depth] == 0) {
            note_prefix(order, depth, done);
            note_visit(done, &states[depth]);
            if (depth == 0)
                return false;
            done &= ~bit(order[--depth]);
            continue;
        }
        number = choose(left[depth]);
        left[depth] &= ~bit(number);
        if (apply(depth, number) && !was_visited(done | bit(number), &states[depth + 1])) {
            order[depth++] = (uint8_t)number;
            done |= bit(number);
            left[depth] = next_ones(done);
        }
    }
    best.length = depth;
    memcpy(best.order, order, depth);
    return true;
}

/* ---- on the conductor ---- */

void weir__history_begin(void)
{
    now.specified = false;
    now.calls = 0;
    now.most = 0;
    now.returned = 0;
    memset(now.inside, 0, sizeof now.inside);
}

bool weir__history_holds(void)
{
    ranks r;
    kept *k;
    uint64_t hash;

    if (!now.specified || now.returned == 0)
        return true;
    if (orders == NULL) {
        orders = (kept *)weir__check_memory(KEPT * sizeof *orders);
        memset(orders, 0, KEPT * sizeof *orders);
    }
    sort(&r);
    hash = hash_history(&r);
    k = &orders[hash & (KEPT - 1)];
    if (k->hash == hash && explains(k, &r))
        return true;
    if (!search())
        return false;
    if (best.length <= sizeof k->order) {
        k->hash = hash;
        k->length = (uint8_t)best.length;
        for (unsigned i = 0; i < best.length; i++)
            k->order[i] = r.of[best.order[i]];
    }
    return true;
}

bool weir__history_used(void)
{
    return now.calls > 0;
}

bool weir__history_inside(int thread)
{
    return now.inside[thread] > 0;
}

unsigned weir__history_steps(void)
{
    unsigned most = now.most;

    for (unsigned i = 0; i < now.calls; i++) {
        const call *const c = &now.call[i];

        if (!c->returned && weir__check_steps(c->thread) - c->begin > most)
            most = weir__check_steps(c->thread) - c->begin;
    }
    return most;
}

/* ---- what a person reads ---- */

#define CELL 160

/* Whether some operation of this kind has an argument that is not 0: the others are shown then. */
static bool has_argument(int operation)
{
    for (unsigned i = 0; i < now.calls; i++) {
        if (now.call[i].operation == operation && now.call[i].argument != 0)
            return true;
    }
    return false;
}

static void describe(const call *c, bool with_result, char *text)
{
    char argument[48] = "", result[48], operation[32];

    snprintf(operation, sizeof operation, "operation %d", c->operation);
    if (has_argument(c->operation))
        weir__report_value(argument, sizeof argument, c->argument, 8);
    snprintf(text, CELL, "%.50s(%s)",
             now.spec.names == NULL ? operation : now.spec.names[c->operation], argument);
    if (!with_result)
        return;
    weir__report_value(result, sizeof result, c->result, 8);
    snprintf(text + strlen(text), CELL - strlen(text), c->returned ? " = %s" : " has not returned",
             result);
}

/* Of other threads, and not by way of another one. */
static uint64_t right_before(const call *c)
{
    uint64_t before = c->before;

    for (uint64_t rest = c->before; rest != 0; rest &= rest - 1)
        before &= ~now.call[first_of(rest)].before;
    for (unsigned i = 0; i < now.calls; i++) {
        if (now.call[i].thread == c->thread)
            before &= ~bit(i);
    }
    return before;
}

/* Says what the operation would have to return, as far as trying values tells. */
static void print_instead(FILE *to, unsigned depth, const call *c)
{
    const char *link = "would return";
    uint64_t tried[2 * CALLS + 3];
    unsigned count = 0;

    tried[count++] = 0;
    tried[count++] = 1;
    tried[count++] = UINT64_MAX;
    for (unsigned i = 0; i < now.calls; i++) {
        tried[count++] = now.call[i].argument;
        tried[count++] = now.call[i].result;
    }
    for (unsigned i = 0; i < count; i++) {
        char text[48];
        bool again = tried[i] == c->result;

        for (unsigned j = 0; j < i; j++)
            again |= tried[j] == tried[i];
        memcpy(states[depth + 1].bytes, states[depth].bytes, now.spec.size);
        if (again || !now.spec.apply(states[depth + 1].bytes, c->operation, c->argument, &tried[i]))
            continue;
        weir__report_value(text, sizeof text, tried[i], 8);
        fprintf(to, " %s %s", link, text);
        link = "or";
    }
    if (link[0] == 'w')
        fputs(" is not possible here", to);
}

void weir__history_print(FILE *to)
{
    unsigned width = 0, row[CALLS], rows = 0, depth;
    uint64_t done = 0, next;
    char text[CELL];
    ranks r;

    if (!now.specified || now.returned == 0 || search())
        return;
    sort(&r);
    for (unsigned i = 0; i < now.calls; i++) {
        describe(&now.call[i], true, text);
        if (strlen(text) > width)
            width = (unsigned)strlen(text);
        row[r.number[i]] = ++rows;
    }
    fputs("No order of these operations explains their results:\n", to);
    for (unsigned i = 0; i < now.calls; i++) {
        const call *const c = &now.call[r.number[i]];
        const char *link = "   after";
        uint64_t before = right_before(c);

        describe(c, true, text);
        fprintf(to, "  #%-2u thread %d  %-*s", i + 1, c->thread, before == 0 ? 0 : (int)width,
                text);
        for (; before != 0; before &= before - 1) {
            fprintf(to, "%s #%u", link, row[first_of(before)]);
            link = " and";
        }
        fputc('\n', to);
    }
    depth = best.length;
    init_state();
    fputs(depth == 0 ? "Of those that may come first\n" : "After", to);
    for (unsigned i = 0; i < depth; i++) {
        describe(&now.call[best.order[i]], true, text);
        fprintf(to, "%s%s #%u %s", i == 0 ? "" : ",", i % 4 == 3 ? "\n     " : "",
                row[best.order[i]], text);
        if (!apply(i, best.order[i]))
            fputs(" (the specification has changed its mind)", to);
        done |= bit(best.order[i]);
    }
    fputs(depth == 0 ? "" : "\n", to);
    next = next_ones(done) & now.returned;
    for (; next != 0; next &= next - 1) {
        const call *const c = &now.call[first_of(next)];

        describe(c, true, text);
        fprintf(to, "  #%u %s of thread %d", row[first_of(next)], text, c->thread);
        print_instead(to, depth, c);
        fputc('\n', to);
    }
}
