/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-stack.h: what the sweeps of the stacks share: what the adversaries do, what
 * happened, and whether an order of the operations explains it. Nodes are numbers here, and
 * are recycled at once; a stack describes itself by a face. */

#ifndef WEIR_STRESS_STEP_STACK_H
#define WEIR_STRESS_STEP_STACK_H

#include <weir/step.h>

#include <weir/atomic.h>

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    NODES = 16,  /* 0 to 3 the victim's, 4 to 9 inside, then three of each adversary's */
    INSIDE = 4,  /* the first that is inside */
    CHAIN = 3,   /* nodes of the victim's chain */
    EVENTS = 48, /* of one thread in one run */
    NONE = NODES
};

/* ---- a stack under test: of the numbers of nodes ---- */

typedef struct face {
    const char *name;    /* in front of the operation's */
    const char *variant; /* behind it, in parentheses; NULL: a broken one */
    void (*make)(uint64_t start);
    int (*destroy)(void);
    /* Uppermost first. Returns: whether it was empty before; less than 0: it does not say. */
    int (*push)(const unsigned *nodes, size_t n);
    unsigned (*pop)(void);
    size_t (*pop_all)(unsigned *nodes); /* more than NODES: it has no end */
    bool (*empty)(void);
    void (*done)(unsigned node); /* it has been looked at; or NULL */
    void (*link)(unsigned node, unsigned next);
    unsigned (*next)(unsigned node);
    size_t (*count)(void); /* NODES; or NULL: it does not know */
    bool takes_all;        /* pop_all is wait-free */
} face;

/* ---- what happened, and whether an order explains it ---- */

/* The last three look at nothing that others change: what they answer is checked at once. */
typedef enum kind { PUSH, POP, POP_ALL, EMPTY, LINK, NEXT, HOW_MANY } kind;

typedef struct event {
    kind what;
    int was_empty;       /* of PUSH: what it said */
    unsigned char count; /* nodes; of EMPTY: whether it said yes */
    unsigned char node[NODES];
    uint64_t begin, end;
} event;

typedef struct history {
    event event[EVENTS];
    size_t count;
    unsigned hand[EVENTS]; /* nodes that the thread has, oldest first */
    size_t first, last;
    const char *next; /* letter, where the script has two parts */
} history;

typedef struct box {
    const face *face;
    kind operation;
    size_t n; /* nodes that the victim pushes */
    const char *script[WEIR_STEP_ADVERSARIES];
    bool looks; /* somebody links, or follows a chain */
    size_t inside;
    uint64_t start;
    unsigned nodes[NODES + 1]; /* the victim's: what it pushes, or gets */
    size_t got;                /* how many, or whether it was empty, or the answer */
    int was_empty;
    WEIR_ATOMIC(uint64_t) clock;
    history by[1 + WEIR_STEP_ADVERSARIES]; /* the victim, the adversaries */
    unsigned rest[NODES + 1];              /* uppermost first */
    size_t left;
} box;

typedef struct model {
    unsigned node[2 * NODES]; /* the last is the uppermost */
    size_t count;
} model;

static bool model_does(const box *b, model *m, const event *e)
{
    (void)b;
    switch (e->what) {
    case PUSH:
        if (m->count + e->count > COUNT(m->node) ||
            (e->was_empty >= 0 && (e->was_empty != 0) != (m->count == 0)))
            return false;
        for (size_t i = e->count; i-- > 0;)
            m->node[m->count++] = e->node[i];
        return true;
    case POP:
    case POP_ALL:
        if (e->what == POP_ALL ? e->count != m->count : e->count == 0 && m->count > 0)
            return false;
        for (size_t i = 0; i < e->count; i++)
            if (m->count == 0 || m->node[--m->count] != e->node[i])
                return false;
        return true;
    default:
        return (m->count == 0) == (e->count != 0);
    }
}

static bool model_is_left(const box *b, const model *m)
{
    if (m->count != b->left)
        return false;
    for (size_t i = 0; i < b->left; i++)
        if (m->node[m->count - 1 - i] != b->rest[i])
            return false;
    return true;
}

#include "step-explain.h"

/* ---- the run ---- */

static void hold(history *h, unsigned node)
{
    if (h->last < EVENTS)
        h->hand[h->last++] = node;
}

/* Those that look at the two oldest nodes in the hand, which are outside, or at none. */
static void one_look(const box *b, const history *h, kind what)
{
    const unsigned node = h->hand[h->first], below = h->hand[h->first + 1];

    if (h->last - h->first < 2)
        return;
    if (what == LINK)
        b->face->link(node, below);
    if (what == HOW_MANY ? b->face->count() != NODES : b->face->next(node) != below)
        weir_step_false("a chain, or the number of nodes, is not as it was made");
}

/* Does one operation; a push is of the `n` oldest nodes in the hand, as a chain. */
static void one_act(box *b, history *h, kind what, size_t n)
{
    unsigned nodes[NODES + 1];
    event e;

    if (what >= LINK) {
        one_look(b, h, what);
        return;
    }
    if (h->count == EVENTS || (what == PUSH && h->last - h->first < n))
        return;
    memset(&e, 0, sizeof e);
    e.what = what;
    e.begin = now(b);
    switch (what) {
    case PUSH:
        e.was_empty = b->face->push(&h->hand[h->first], n);
        for (size_t i = 0; i < n; i++)
            nodes[i] = h->hand[h->first++];
        break;
    case POP:
        nodes[0] = b->face->pop();
        n = nodes[0] != NONE;
        break;
    case POP_ALL:
        n = b->face->pop_all(nodes);
        if (n > NODES) {
            weir_step_false("what pop_all returned has no end");
            n = 0;
        }
        break;
    default:
        n = 0;
        e.count = b->face->empty();
        break;
    }
    e.end = now(b);
    for (size_t i = 0; i < n; i++) {
        e.node[i] = (unsigned char)nodes[i];
        if (what != PUSH && b->face->done != NULL)
            b->face->done(nodes[i]);
        if (what != PUSH)
            hold(h, nodes[i]);
    }
    e.count = (unsigned char)(what == EMPTY ? e.count : n);
    h->event[h->count++] = e;
}

static void setup(void *state)
{
    box *const b = (box *)state;

    for (unsigned i = 0; i <= WEIR_STEP_ADVERSARIES; i++)
        b->by[i].count = b->by[i].first = b->by[i].last = 0;
    for (unsigned who = 0; who < WEIR_STEP_ADVERSARIES; who++)
        b->by[1 + who].next = b->script[who];
    weir_atomic_init(&b->clock, 1);
    b->face->make(b->start);
    for (unsigned i = 0; i < b->inside; i++) {
        const unsigned node = INSIDE + i;

        b->face->push(&node, 1);
    }
    for (unsigned i = 0; i < INSIDE; i++)
        b->nodes[i] = i;
    for (unsigned who = 0; who < WEIR_STEP_ADVERSARIES; who++)
        for (unsigned i = 0; i < 3; i++)
            hold(&b->by[1 + who], INSIDE + 6 + 3 * who + i);
    if (b->looks) {
        b->face->link(b->nodes[0], b->operation == LINK ? b->nodes[2] : b->nodes[1]);
        for (unsigned who = 0; who < WEIR_STEP_ADVERSARIES; who++)
            b->face->link(b->by[1 + who].hand[0], b->by[1 + who].hand[1]);
    }
}

/* The operation, and little else: each instruction is a stop. */
static void victim(void *state)
{
    box *const b = (box *)state;

    switch (b->operation) {
    case PUSH:
        b->was_empty = b->face->push(b->nodes, b->n);
        break;
    case POP:
        b->nodes[0] = b->face->pop();
        break;
    case POP_ALL:
        b->got = b->face->pop_all(b->nodes);
        break;
    case EMPTY:
        b->got = b->face->empty();
        break;
    case LINK:
        b->face->link(b->nodes[0], b->nodes[1]);
        break;
    case NEXT:
        b->got = b->face->next(b->nodes[0]);
        break;
    default:
        b->got = b->face->count();
        break;
    }
}

/* What the victim did, for the history: it began before all others, and ended after them. */
static void remember_victim(box *b)
{
    event *const e = &b->by[0].event[0];

    if (b->operation == POP_ALL && b->got > NODES) {
        weir_step_false("what pop_all returned has no end");
        return;
    }
    if (b->operation >= LINK) {
        if (b->operation == LINK)
            b->got = b->face->next(b->nodes[0]);
        if (b->got != (b->operation == HOW_MANY ? NODES : b->nodes[1]))
            weir_step_false("a chain, or the number of nodes, is not as it was made");
        return;
    }
    e->what = b->operation;
    e->was_empty = b->was_empty;
    e->begin = 0;
    e->end = UINT64_MAX;
    e->count = (unsigned char)(b->operation == PUSH  ? b->n
                               : b->operation == POP ? b->nodes[0] != NONE
                                                     : b->got);
    for (size_t i = 0; b->operation != EMPTY && i < e->count; i++) {
        e->node[i] = (unsigned char)b->nodes[i];
        if (b->operation != PUSH && b->face->done != NULL)
            b->face->done(b->nodes[i]);
    }
    b->by[0].count = 1;
}

/* A letter an operation: p pushes the node that it has had longest, c two in a chain, o pops,
 * a pops all, e asks whether it is empty, l links two nodes, n asks for the one below, k
 * counts, and x forgets what it had: "xoop" pops A and B, and pushes A. What is behind a bar it
 * does where the victim is stopped a second time in a run. */
static void adversary(box *b, unsigned who)
{
    history *const h = &b->by[1 + who];

    for (const char *letter = h->next; *letter != '\0'; letter++) {
        switch (*letter) {
        case '|':
            h->next = letter + 1;
            return;
        case 'x':
            h->first = h->last;
            break;
        case 'p':
            one_act(b, h, PUSH, 1);
            break;
        case 'c':
            one_act(b, h, PUSH, 2);
            break;
        case 'o':
            one_act(b, h, POP, 0);
            break;
        case 'a':
            one_act(b, h, POP_ALL, 0);
            break;
        case 'e':
            one_act(b, h, EMPTY, 0);
            break;
        case 'l':
            one_act(b, h, LINK, 0);
            break;
        case 'n':
            one_act(b, h, NEXT, 0);
            break;
        default:
            one_act(b, h, HOW_MANY, 0);
            break;
        }
    }
}

static void adversary_0(void *state)
{
    adversary((box *)state, 0);
}

static void adversary_1(void *state)
{
    adversary((box *)state, 1);
}

static void check(void *state)
{
    box *const b = (box *)state;
    const size_t none[1 + WEIR_STEP_ADVERSARIES] = {0};
    model m;

    for (b->left = 0; b->left <= NODES; b->left++) {
        const unsigned node = b->face->pop();

        if (node == NONE)
            break;
        b->rest[b->left] = node;
        if (b->face->done != NULL)
            b->face->done(node);
    }
    if (b->left > NODES) {
        weir_step_false("more nodes come out than there are");
        return;
    }
    remember_victim(b);
    m.count = 0;
    for (unsigned i = 0; i < b->inside; i++)
        m.node[m.count++] = INSIDE + i;
    if (!explained(b, &m, none))
        weir_step_false("no order of the operations explains the answers and what is inside");
    if (b->face->destroy() != 0)
        weir_step_false("not empty after all was taken out");
}

/* ---- the table ---- */

/* Each is swept against all of them. The bounds are own instructions, with those of the
 * functions that call the operation: half as many again as the most that gcc or clang make of
 * it at -O0. At -O0, and at -O2: empty 52 and 20, link 153 and 50, next 70 and 34, count 35
 * and 13. */
static const struct operation {
    const char *name;
    kind what;
    size_t n;
    const char *script; /* of one who does it */
    unsigned bound;
    size_t most; /* inside, when scripts are done meanwhile */
} operations[] = {
    {"push", PUSH, 1, "p", 0, 2},    {"push_chain", PUSH, CHAIN, "c", 0, 2},
    {"pop", POP, 0, "o", 0, 4},      {"pop_all", POP_ALL, 0, "a", 0, 4},
    {"empty", EMPTY, 0, "e", 80, 2}, {"link", LINK, 0, "l", 230, 0},
    {"next", NEXT, 0, "n", 110, 0},  {"count", HOW_MANY, 0, "k", 60, 0},
};

/* Of a pop_all that is wait-free, with the walk over what it took: 282 and 82. */
enum { WAIT_FREE_CHAIN = 430 };

static const struct script {
    const char *name;
    const char *text[WEIR_STEP_ADVERSARIES];
} scripts[] = {
    {"push", {"p", NULL}},
    {"push, pop", {"po", NULL}},
    {"pop", {"o", NULL}},
    {"pop, push the same", {"xop", NULL}},
    {"pop, pop, push the first", {"xoop", NULL}},
    {"pop, pop, push the second, the first", {"xoopxop", NULL}},
    {"pop_all", {"a", NULL}},
    {"pop_all, push the first", {"xap", NULL}},
    {"pop_all, push two as a chain", {"xac", NULL}},
    {"pop, pop, later push the first", {"xoo|p", NULL}},
    {"push a chain, pop, pop", {"coo", NULL}},
    {"8 times pop and push", {"xopopopopopopopop", NULL}},
    {"two pop, pop, push", {"oop", "oop"}},
    {"one pops all, one pushes", {"ac", "pop"}},
};

/* One row, with nothing to `most` inside. */
static void sweep(box *b, const face *f, const struct operation *o, const struct script *s,
                  size_t most, weir_step_row *row)
{
    static const uint64_t starts[] = {0, UINT64_MAX, UINT64_MAX - 1};
    char name[64];
    const weir_step_plan plan = {name,
                                 s->name,
                                 setup,
                                 victim,
                                 {adversary_0, s->text[1] != NULL ? adversary_1 : NULL},
                                 check,
                                 o->what == POP_ALL && f->takes_all ? WAIT_FREE_CHAIN : o->bound,
                                 false};
    const bool later = o->what == POP && strchr(s->text[0], '|') != NULL;

    memset(row, 0, sizeof *row);
    if (f->variant != NULL)
        snprintf(name, sizeof name, "%s_%s%s", f->name, o->name, f->variant);
    else
        snprintf(name, sizeof name, "%s %s", f->name, o->name);
    b->face = f;
    b->operation = o->what;
    b->n = o->n;
    memcpy(b->script, s->text, sizeof b->script);
    b->looks = o->what == LINK || o->what == NEXT;
    for (size_t i = 0; i < WEIR_STEP_ADVERSARIES && s->text[i] != NULL; i++)
        b->looks = b->looks || strpbrk(s->text[i], "ln") != NULL;
    for (b->inside = 0; b->inside <= most; b->inside++) {
        /* Where there are two to be popped first, the second stop is another one each time. */
        const unsigned times = later && b->inside >= 2 ? 24 : 1;

        b->start = starts[b->inside % COUNT(starts)];
        for (unsigned i = 0; i < times; i++)
            weir_step_sweep(&plan, b, row);
    }
}

/* Sweeps each operation against each of the table, itself too, and against two of them: the two
 * that come next in the table, round its end. */
static void sweep_matrix(box *b, const face *f)
{
    const size_t n = COUNT(operations) - (f->count == NULL); /* the last */

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= n; j++) {
            const struct operation *const first = &operations[j < n ? j : (i + 1) % n];
            const struct operation *const second = j < n ? NULL : &operations[(i + 2) % n];
            char name[64];
            const struct script s = {name, {first->script, second != NULL ? second->script : NULL}};
            weir_step_row row;

            if (second == NULL)
                snprintf(name, sizeof name, "%s_%s", f->name, first->name);
            else
                snprintf(name, sizeof name, "%s_%s + %s_%s", f->name, first->name, f->name,
                         second->name);
            sweep(b, f, &operations[i], &s, operations[i].what < EMPTY ? 2 : 1, &row);
            weir_step_report(&row);
        }
    }
}

#endif /* WEIR_STRESS_STEP_STACK_H */
