/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/litmus.h: litmus programs as text, and what they can do, by brute force and by the checker.
 *
 *     W x 1 rlx; F sc; R y a rlx || A y c ar; C x 0 5 d ar rlx; ? d 0; W y c rel
 *
 * Threads are divided by ||, their steps by a semicolon. Places and registers have one letter; they
 * start as 0.
 *     W x v order        store of a number, or of a register
 *     R x a order        load into register a
 *     A x a order        fetch_add(1), A0 fetch_add(0); a becomes the old value
 *     X x v a order      exchange
 *     C x e v a order failure   compare_exchange_strong: expects e, writes v; a becomes the old
 * value F order            fence ? a v              goes on only if register a is the number v
 * Orders: rlx acq rel ar sc. A place has 8 bytes, or 16 if it is a capital letter; x.l and x.h are
 * its lower and higher half. A number of 16 bytes may be written as LOWER:HIGHER.
 *
 * An outcome is a list of "1:a=1", a register of a thread, the first of which is 0, and "x=2", what
 * the place holds in the end. */

#ifndef WEIR_TESTS_LITMUS_H
#define WEIR_TESTS_LITMUS_H

#include "../lib/check/axioms.h"

#include <string.h>

#define LITMUS_THREADS 6
#define LITMUS_STEPS 8
#define LITMUS_PLACES 6
#define LITMUS_TERMS 8

typedef enum litmus_kind {
    LITMUS_WRITE,
    LITMUS_READ,
    LITMUS_ADD,
    LITMUS_SWAP,
    LITMUS_CAS,
    LITMUS_FENCE,
    LITMUS_IF
} litmus_kind;

typedef enum litmus_part { LITMUS_WHOLE, LITMUS_LOWER, LITMUS_HIGHER } litmus_part;

typedef struct litmus_step {
    litmus_kind kind;
    int order, failure; /* as in struct access */
    unsigned place;
    litmus_part part;
    unsigned to;   /* register */
    int from;      /* register that is written; -1: `value` is */
    word value;    /* that is written, added, or that `to` has to be */
    word expected; /* of CAS */
} litmus_step;

typedef struct litmus_program {
    unsigned threads;
    unsigned steps[LITMUS_THREADS];
    litmus_step step[LITMUS_THREADS][LITMUS_STEPS];
    unsigned places;
    char name[LITMUS_PLACES]; /* of places */
} litmus_program;

typedef struct litmus_term {
    int thread;  /* -1: a place */
    unsigned at; /* register or place */
    litmus_part part;
    word value;
} litmus_term;

typedef struct litmus_outcome {
    unsigned terms;
    litmus_term term[LITMUS_TERMS];
} litmus_outcome;

/* What one execution leaves. */
typedef struct litmus_end {
    word reg[LITMUS_THREADS][26];
    word place[LITMUS_PLACES];
} litmus_end;

typedef struct litmus_row {
    const char *name, *program, *outcome;
    bool allowed;
    unsigned graphs;
    const char *where; /* that the verdict is found, for rows whose point it is */
} litmus_row;

extern const litmus_row litmus_rows[];
extern const size_t litmus_row_count;

/* ---- litmus_rows.c ---- */

/* Return: false if it is no program, or too large. */
bool litmus_parse(const char *text, litmus_program *program);
bool litmus_parse_outcome(const char *text, const litmus_program *program, litmus_outcome *outcome);
void litmus_print(const litmus_program *program, FILE *to);
bool litmus_holds(const litmus_outcome *outcome, const litmus_program *program,
                  const litmus_end *end);

/* Bytes of the access, and its first byte in the place. */
unsigned litmus_size(const litmus_program *program, const litmus_step *step);
unsigned litmus_offset(const litmus_program *program, const litmus_step *step);

/* A set of hashes. */
typedef struct litmus_set {
    uint64_t *hash;
    size_t count, room; /* room: a power of two, or 0 */
} litmus_set;

/* Returns: false if it was there. */
bool litmus_add(litmus_set *set, uint64_t hash);
bool litmus_has(const litmus_set *set, uint64_t hash);
void litmus_clear(litmus_set *set);

/* ---- litmus_brute.c ---- */

typedef struct litmus_brute {
    litmus_set graphs;   /* weir__graph_hash_memory() of each that is complete and consistent */
    bool reached;        /* the outcome */
    uint64_t candidates; /* graphs that were put to the axioms */
    bool abandoned;      /* there are more than `limit` */
} litmus_brute;

/* Where a place is in memory, here and in the checker. */
extern word litmus_memory[LITMUS_PLACES];

/* All executions. `each`, or NULL, is called with those that are consistent, some more than once if
 * places have accesses of different sizes. `limit`: of candidates, roughly; 0: none. */
void litmus_run_brute(const litmus_program *program, const litmus_outcome *outcome, uint64_t limit,
                      void (*each)(const graph *g, uint64_t hash), litmus_brute *result);

/* ---- by the checker ---- */

typedef struct litmus_checked {
    litmus_set graphs;
    bool reached;
    uint64_t twice;     /* graphs that were seen before */
    const char *broken; /* an axiom, by some graph; or NULL */
    bool values;        /* registers are what the reads of the graph returned */
    weir_check_result result;
} litmus_checked;

/* What the compiler calls for atomic operations. */
extern uint32_t __tsan_atomic32_load(const volatile uint32_t *, int);
extern uint64_t __tsan_atomic64_load(const volatile uint64_t *, int);
extern word __tsan_atomic128_load(const volatile word *, int);
extern void __tsan_atomic32_store(volatile uint32_t *, uint32_t, int);
extern void __tsan_atomic64_store(volatile uint64_t *, uint64_t, int);
extern void __tsan_atomic128_store(volatile word *, word, int);
extern uint32_t __tsan_atomic32_fetch_add(volatile uint32_t *, uint32_t, int);
extern uint64_t __tsan_atomic64_fetch_add(volatile uint64_t *, uint64_t, int);
extern word __tsan_atomic128_fetch_add(volatile word *, word, int);
extern uint32_t __tsan_atomic32_exchange(volatile uint32_t *, uint32_t, int);
extern uint64_t __tsan_atomic64_exchange(volatile uint64_t *, uint64_t, int);
extern word __tsan_atomic128_exchange(volatile word *, word, int);
extern int __tsan_atomic32_compare_exchange_strong(volatile uint32_t *, uint32_t *, uint32_t, int,
                                                   int);
extern int __tsan_atomic64_compare_exchange_strong(volatile uint64_t *, uint64_t *, uint64_t, int,
                                                   int);
extern int __tsan_atomic128_compare_exchange_strong(volatile word *, word *, word, int, int);
extern void __tsan_atomic_thread_fence(int);

static const litmus_program *litmus_now;          /* that is checked */
static word litmus_registers[LITMUS_THREADS][26]; /* of its threads; the checker puts 0 back */
static STATE const litmus_outcome *litmus_asked = NULL;
static STATE litmus_checked *litmus_found = NULL;
static STATE void (*litmus_each)(const graph *g, uint64_t hash) = NULL;

/* Makes the step's access. Returns: what was there. */
#define LITMUS_ACCESS(bits, type)                                                             \
    static inline word litmus_access_##bits(const litmus_step *s, void *at, word value)       \
    {                                                                                         \
        type expected = (type)s->expected;                                                    \
                                                                                              \
        switch (s->kind) {                                                                    \
        case LITMUS_WRITE:                                                                    \
            __tsan_atomic##bits##_store((type *)at, (type)value, s->order);                   \
            return 0;                                                                         \
        case LITMUS_READ:                                                                     \
            return __tsan_atomic##bits##_load((type *)at, s->order);                          \
        case LITMUS_ADD:                                                                      \
            return __tsan_atomic##bits##_fetch_add((type *)at, (type)value, s->order);        \
        case LITMUS_SWAP:                                                                     \
            return __tsan_atomic##bits##_exchange((type *)at, (type)value, s->order);         \
        default:                                                                              \
            __tsan_atomic##bits##_compare_exchange_strong((type *)at, &expected, (type)value, \
                                                          s->order, s->failure);              \
            return expected;                                                                  \
        }                                                                                     \
    }

LITMUS_ACCESS(32, uint32_t)
LITMUS_ACCESS(64, uint64_t)
LITMUS_ACCESS(128, word)

/* A thread of the program. */
static inline void litmus_thread(void *number)
{
    const unsigned t = (unsigned)(uintptr_t)number;
    word *const reg = litmus_registers[t];

    for (unsigned i = 0; i < litmus_now->steps[t]; i++) {
        const litmus_step *const s = &litmus_now->step[t][i];
        const word value = s->from >= 0 ? reg[s->from] : s->value;
        unsigned size;
        char *at;
        word old;

        if (s->kind == LITMUS_FENCE) {
            __tsan_atomic_thread_fence(s->order);
            continue;
        }
        if (s->kind == LITMUS_IF) {
            if (reg[s->to] != s->value)
                return;
            continue;
        }
        size = litmus_size(litmus_now, s);
        at = (char *)&litmus_memory[s->place] + litmus_offset(litmus_now, s);
        old = size == 4   ? litmus_access_32(s, at, value)
              : size == 8 ? litmus_access_64(s, at, value)
                          : litmus_access_128(s, at, value);
        if (s->kind != LITMUS_WRITE)
            reg[s->to] = old;
    }
}

static inline void litmus_test(void *unused)
{
    (void)unused;
    for (unsigned t = 0; t < litmus_now->threads; t++)
        weir_check_thread(litmus_thread, (void *)(uintptr_t)t);
    for (unsigned t = 0; t < litmus_now->threads; t++)
        weir_check_join((int)t + 1);
}

/* Whether each register has what the last read into it returned. */
static inline bool litmus_values_agree(const graph *g)
{
    for (unsigned t = 0; t < litmus_now->threads; t++) {
        const event *e = g->of[t + 1];
        const event *const end = e + g->count[t + 1];
        word reg[26] = {0};

        for (unsigned i = 0; i < litmus_now->steps[t]; i++) {
            const litmus_step *const s = &litmus_now->step[t][i];

            if (s->kind == LITMUS_IF && reg[s->to] != s->value)
                break;
            if (s->kind == LITMUS_IF || s->kind == LITMUS_WRITE || s->kind == LITMUS_FENCE)
                continue;
            while (e < end && e->kind != READ)
                e++;
            if (e == end)
                return false;
            reg[s->to] = e++->value;
        }
        if (memcmp(reg, litmus_registers[t], sizeof reg) != 0)
            return false;
    }
    return true;
}

/* Called with each complete graph; with NULL when the search begins anew. */
static inline void litmus_see(const graph *g)
{
    litmus_end end;
    uint64_t hash;

    if (g == NULL) {
        litmus_clear(&litmus_found->graphs);
        litmus_found->twice = 0;
        return;
    }
    hash = weir__graph_hash_memory(g, 1);
    litmus_found->twice += !litmus_add(&litmus_found->graphs, hash);
    if (litmus_found->broken == NULL)
        (void)weir__axioms_hold(g, &litmus_found->broken);
    if (litmus_each != NULL)
        litmus_each(g, hash);
    litmus_found->values &= litmus_values_agree(g);
    memset(&end, 0, sizeof end);
    memcpy(end.reg, litmus_registers, sizeof end.reg);
    for (unsigned l = 0; l < g->locations; l++) {
        const location *const where = &g->location[l];
        const uintptr_t from = (uintptr_t)where->address - (uintptr_t)litmus_memory;

        if (where->open && from < sizeof litmus_memory)
            end.place[from / sizeof(word)] |=
                weir__graph_value(g, where, where->writes - 1, (1u << where->size) - 1)
                << 8 * (from % sizeof(word));
    }
    if (litmus_asked != NULL && litmus_holds(litmus_asked, litmus_now, &end))
        litmus_found->reached = true;
}

/* The same as litmus_run_brute(), by weir_check_run_result(). `verify`: the checker looks at the
 * axioms itself, and ends the program if they do not hold. */
static inline void litmus_run_checker(const litmus_program *program, const litmus_outcome *outcome,
                                      bool verify, void (*each)(const graph *g, uint64_t hash),
                                      litmus_checked *result)
{
    const weir_check_options options = {.name = "litmus", .quiet = true, .verify = verify};

    memset(result, 0, sizeof *result);
    result->values = true;
    litmus_now = program;
    litmus_asked = outcome;
    litmus_found = result;
    litmus_each = each;
    weir__check_each_graph = litmus_see;
    (void)weir_check_run_result(&options, litmus_test, NULL, &result->result);
    weir__check_each_graph = NULL;
    if (result->twice < result->result.twice)
        result->twice = result->result.twice;
}

#endif /* WEIR_TESTS_LITMUS_H */
