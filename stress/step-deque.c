/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/deque.h under the step harness: each operation of the owner against thieves, each of a
 * thief against the owner and another thief, in each mode, also with the flag raised by a
 * thief that never comes back; so a thief that stands anywhere, between raising the flag and
 * sharing too, holds nobody up. The answers of all and what is left must be those of a deque
 * that does the operations one by one, each at a moment of its call.
 *
 * And deques that lack one thing (stress/naive_deque.h), which must be found out. A heavy fence
 * that is missing is none of them: who is stopped in the kernel has stored all. That one is
 * for stress/deque.c. */

#include "naive_deque.h"
#include <weir/step.h>

#include "../tests/test.h"

#include <weir/deque.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { BURST = 3, EVENTS = 32, VALUES = 64, OWN = 20 /* the owner's next value in a run */ };

/* ---- a deque under test ---- */

typedef struct box box;

typedef struct face {
    const char *name;
    bool modes;  /* can be the owner's alone */
    bool scheme; /* the same as another but for its scheme */
    void (*make)(const box *b);
    void (*destroy)(void);
    bool (*push)(uintptr_t value);
    bool (*pop)(uintptr_t *value);
    size_t (*steal)(uintptr_t *values, size_t n);
    void (*due)(void); /* the owner's next pop from a shared deque takes it back */
} face;

/* ---- what happened, and whether an order explains it ---- */

typedef enum kind { PUSH, POP, STEAL } kind;

typedef struct event {
    kind what;
    unsigned char value; /* 0: said to be empty */
    uint64_t begin, end;
} event;

typedef struct history {
    event event[EVENTS];
    size_t count;
    const char *next; /* letter, where the script has two parts */
} history;

typedef enum start { ALONE, RAISED, SHARED, DUE, AGAIN, STARTS } start;

static const char *const start_names[] = {"", ", flag raised", ", shared", ", rent due",
                                          ", taken back"};

struct box {
    const face *face;
    kind operation;
    size_t n; /* the most that the victim steals */
    size_t capacity, inside;
    uint64_t index; /* of the first */
    start from;
    const char *script[WEIR_STEP_ADVERSARIES];
    uintptr_t got[BURST]; /* the victim's */
    size_t gets;
    WEIR_ATOMIC(uint64_t) clock;
    history by[1 + WEIR_STEP_ADVERSARIES]; /* the victim, the adversaries */
    uintptr_t pushes;                      /* the owner's next value */
    unsigned char rest[VALUES];            /* newest first */
    size_t left;
};

typedef struct model {
    unsigned char value[VALUES]; /* oldest first */
    size_t count;
} model;

static bool model_does(const box *b, model *m, const event *e)
{
    (void)b;
    if (e->what == PUSH) {
        m->value[m->count++] = e->value;
        return true;
    }
    if (e->value == 0 || m->count == 0)
        return e->value == 0 && m->count == 0;
    m->count--;
    if (e->what == POP)
        return m->value[m->count] == e->value;
    if (m->value[0] != e->value)
        return false;
    memmove(m->value, m->value + 1, m->count);
    return true;
}

static bool model_is_left(const box *b, const model *m)
{
    if (m->count != b->left)
        return false;
    for (size_t i = 0; i < b->left; i++)
        if (m->value[m->count - 1 - i] != b->rest[i])
            return false;
    return true;
}

#include "step-explain.h"

/* ---- the run ---- */

/* Each value of a burst is a steal by itself. */
static void note(history *h, kind what, const uintptr_t *values, size_t n, uint64_t begin,
                 uint64_t end)
{
    for (size_t i = 0; i == 0 || i < n; i++) {
        event *const e = &h->event[h->count];

        if (h->count == EVENTS) {
            weir_step_false("a script is too long");
            return;
        }
        if (n > 0 && (values[i] == 0 || values[i] >= VALUES))
            weir_step_false("a value that was never pushed");
        e->what = what;
        e->value = (unsigned char)(n > 0 ? values[i] % VALUES : 0);
        e->begin = begin;
        e->end = end;
        h->count++;
    }
}

static void one_act(box *b, history *h, kind what, size_t n)
{
    uintptr_t values[BURST] = {0};
    const uint64_t begin = now(b);

    switch (what) {
    case PUSH:
        values[0] = b->pushes++;
        if (!b->face->push(values[0]))
            weir_step_false("no memory");
        n = 1;
        break;
    case POP:
        n = b->face->pop(values);
        break;
    default:
        n = b->face->steal(values, n);
        break;
    }
    note(h, what, values, n, begin, now(b));
}

static void setup(void *state)
{
    box *const b = (box *)state;

    for (unsigned i = 0; i <= WEIR_STEP_ADVERSARIES; i++)
        b->by[i].count = 0;
    for (unsigned who = 0; who < WEIR_STEP_ADVERSARIES; who++)
        b->by[1 + who].next = b->script[who];
    weir_atomic_init(&b->clock, 1);
    b->pushes = OWN;
    b->face->make(b);
}

/* The operation, and little else: each instruction is a stop. */
static void victim(void *state)
{
    box *const b = (box *)state;

    switch (b->operation) {
    case PUSH:
        b->gets = b->face->push(1);
        break;
    case POP:
        b->gets = b->face->pop(b->got);
        break;
    default:
        b->gets = b->face->steal(b->got, b->n);
        break;
    }
}

/* A letter an operation: p pushes and o pops, which the owner does; s steals, b steals a burst; r
 * lets the owner's next pop take the deque back. What is behind a bar is done where the victim is
 * stopped a second time in a run. */
static void adversary(box *b, unsigned who)
{
    history *const h = &b->by[1 + who];

    for (const char *letter = h->next; *letter != '\0'; letter++) {
        switch (*letter) {
        case '|':
            h->next = letter + 1;
            return;
        case 'p':
            one_act(b, h, PUSH, 1);
            break;
        case 'o':
            one_act(b, h, POP, 1);
            break;
        case 'r':
            b->face->due();
            break;
        case 'b':
            one_act(b, h, STEAL, BURST);
            break;
        default:
            one_act(b, h, STEAL, 1);
            break;
        }
    }
    h->next = "";
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
    const uintptr_t pushed[] = {1};
    uintptr_t value;
    model m;

    for (b->left = 0; b->left < VALUES && b->face->pop(&value); b->left++)
        b->rest[b->left] = (unsigned char)(value % VALUES);
    if (b->left == VALUES) {
        weir_step_false("more comes out than there is");
        return;
    }
    if (b->operation == PUSH && b->gets == 0)
        weir_step_false("no memory");
    note(&b->by[0], b->operation, b->operation == PUSH ? pushed : b->got, b->gets, 0, UINT64_MAX);
    m.count = 0;
    for (unsigned char i = 0; i < b->inside; i++)
        m.value[m.count++] = (unsigned char)(2 + i);
    if (!explained(b, &m, none))
        weir_step_false("no order of the operations explains the answers and what is inside");
    b->face->destroy();
}

/* ---- weir_deque ---- */

/* Arrays come from here, so that a thread that is stopped in the C library holds nobody up, and
 * each run finds the same. */
enum { BLOCKS = 64, BLOCK = 512 };

WEIR_ALIGNAS(WEIR_CACHELINE) static unsigned char blocks[BLOCKS][BLOCK];
static WEIR_ATOMIC(bool) block_used[BLOCKS];

static void *block_alloc(size_t bytes, size_t alignment, void *context)
{
    void *pointer = NULL;

    (void)context;
    for (size_t i = 0; bytes <= BLOCK && i < BLOCKS; i++)
        /* sync(block): acquire. Pairs with block_release(); the block is nobody's. */
        if (!weir_atomic_exchange(&block_used[i], true, WEIR_ACQUIRE))
            return blocks[i];
    return posix_memalign(&pointer, alignment, bytes) == 0 ? pointer : NULL;
}

static void block_release(void *pointer, size_t bytes, void *context)
{
    const size_t i = ((uintptr_t)pointer - (uintptr_t)blocks) / BLOCK;

    (void)bytes;
    (void)context;
    if ((uintptr_t)pointer < (uintptr_t)blocks || i >= BLOCKS) {
        free(pointer);
        return;
    }
    memset(pointer, 0xee, BLOCK);
    /* sync(block): release. Pairs with block_alloc(). */
    weir_atomic_store(&block_used[i], false, WEIR_RELEASE);
}

enum { FLAVOURS = 4 };

static weir_deque deque;
static weir_guard *domains[FLAVOURS];
static unsigned flavour; /* of the face that is swept */

static weir_guard_record *me(void)
{
    static _Thread_local weir_guard_record *records[FLAVOURS];

    if (records[flavour] == NULL)
        records[flavour] = weir_guard_self(domains[flavour]);
    return records[flavour];
}

static void deque_make(const box *b, unsigned which, weir_guard_scheme scheme, bool fenced)
{
    /* Each retire looks for what can be freed. */
    const weir_reclaim_options options = {1, 0, 0, NULL, NULL, fenced};
    uint64_t mode = b->from == RAISED ? WEIR__DEQUE_RAISED : WEIR__DEQUE_SHARED;

    flavour = which;
    if (domains[which] == NULL && weir_guard_new(&domains[which], scheme, &options) != 0)
        abort();
    if (weir_deque_init_at(&deque, domains[which], b->capacity, b->index) != 0)
        abort();
    for (uintptr_t i = 0; i < b->inside; i++)
        if (weir_deque_push(&deque, 2 + i) != 0)
            abort();
    if (b->from == AGAIN)
        mode = 4 + WEIR__DEQUE_ALONE;
    if (b->from != ALONE && !deque.stays_shared)
        weir_atomic_init(&deque.ends.hi, mode);
    if (b->from == DUE)
        deque.rent = WEIR_DEQUE_RENT - 1;
}

static void epoch_make(const box *b)
{
    deque_make(b, 0, WEIR_GUARD_EPOCH, false);
}

static void fenced_make(const box *b)
{
    deque_make(b, 1, WEIR_GUARD_EPOCH, true);
}

static void interval_make(const box *b)
{
    deque_make(b, 2, WEIR_GUARD_INTERVAL, false);
}

static void hazard_make(const box *b)
{
    deque_make(b, 3, WEIR_GUARD_HAZARD, false);
}

static void deque_destroy(void)
{
    weir_reclaim_stats stats;

    if (weir_deque_destroy(&deque) != 0)
        weir_step_false("not empty after all was taken out");
    if (weir_guard_barrier(domains[flavour], WEIR_FOREVER) != 0)
        weir_step_false("the barrier does not end");
    weir_guard_stats(domains[flavour], &stats);
    if (stats.objects != 0)
        weir_step_false("an outgrown array is not reclaimed");
}

static bool deque_push(uintptr_t value)
{
    return weir_deque_push(&deque, value) == 0;
}

static bool deque_pop(uintptr_t *value)
{
    return weir_deque_pop(&deque, value);
}

static size_t deque_steal(uintptr_t *values, size_t n)
{
    return weir_deque_steal_burst(&deque, me(), values, n);
}

static void deque_due(void)
{
    deque.rent = WEIR_DEQUE_RENT;
}

#define DEQUE_FACE(name, modes, scheme, make)                                                   \
    {                                                                                           \
        name, modes, scheme, make, deque_destroy, deque_push, deque_pop, deque_steal, deque_due \
    }

static const face faces[] = {
    DEQUE_FACE("epoch", true, false, epoch_make),
    DEQUE_FACE("fenced", false, false, fenced_make),
    DEQUE_FACE("interval", true, true, interval_make),
    DEQUE_FACE("hazard", true, true, hazard_make),
};

/* ---- naive deques ---- */

static naive_deque naive;

static void naive_make(const box *b, naive_lack lack)
{
    static const uint64_t modes[STARTS] = {0, 1, 2, 2, 4};

    naive_init(&naive, lack);
    for (uintptr_t i = 0; i < b->inside; i++)
        naive_push(&naive, 2 + i);
    weir_atomic_init(&naive.ends, modes[b->from] << 32);
    if (b->from == DUE)
        naive.rent = NAIVE_RENT;
}

static void whole_make(const box *b)
{
    naive_make(b, NAIVE_NOTHING);
}

static void looks_make(const box *b)
{
    naive_make(b, NAIVE_LOOKS_FIRST);
}

static void mode_make(const box *b)
{
    naive_make(b, NAIVE_MODE);
}

static void last_make(const box *b)
{
    naive_make(b, NAIVE_LAST);
}

static void naive_destroy(void)
{
}

static bool naive_push_one(uintptr_t value)
{
    naive_push(&naive, value);
    return true;
}

static bool naive_pop_one(uintptr_t *value)
{
    return naive_pop(&naive, value);
}

static size_t naive_steal_one(uintptr_t *values, size_t n)
{
    (void)n;
    return naive_steal(&naive, values);
}

static void naive_due(void)
{
    naive.rent = NAIVE_RENT;
}

#define NAIVE_FACE(name, make)                                                                  \
    {                                                                                           \
        name, true, false, make, naive_destroy, naive_push_one, naive_pop_one, naive_steal_one, \
            naive_due                                                                           \
    }

static const face whole_face = NAIVE_FACE("naive, whole", whole_make);
static const face looks_face = NAIVE_FACE("looks at the mode first", looks_make);
static const face mode_face = NAIVE_FACE("mode not named", mode_make);
static const face last_face = NAIVE_FACE("last without asking", last_make);

/* ---- the table ---- */

typedef struct operation {
    const char *name;
    kind what;
    size_t n, capacity;
    unsigned bound;    /* own instructions, of what is wait-free */
    unsigned starts;   /* a bit each */
    bool with_schemes; /* the scheme makes a difference */
    unsigned thin;
} operation;

typedef struct script {
    const char *name;
    const char *text[WEIR_STEP_ADVERSARIES];
} script;

#define TWO_STARTS (1u << ALONE | 1u << SHARED)

static const operation owners[] = {
    {"push", PUSH, 1, 16, 60, TWO_STARTS, false, 1},
    {"push that grows", PUSH, 1, 2, 0, TWO_STARTS, true, 41},
    {"pop", POP, 1, 16, 250, (1u << STARTS) - 1, false, 1},
};

static const operation thieves[] = {
    {"steal", STEAL, 1, 2, 0, TWO_STARTS, true, 1},
    {"steal", STEAL, 1, 2, 0, 1u << RAISED | 1u << AGAIN, false, 1},
    {"steal_burst", STEAL, BURST, 2, 0, TWO_STARTS, false, 1},
};

static const script by_thieves[] = {
    {"steal", {"s", NULL}},         {"steal, steal", {"ss", NULL}},  {"burst", {"b", NULL}},
    {"steal all", {"sssss", NULL}}, {"steal, later", {"s|s", NULL}}, {"two thieves", {"ss", "ss"}},
    {"two bursts", {"bs", "b"}},
};

static const script by_owner[] = {
    {"push", {"p", NULL}},
    {"pop", {"o", NULL}},
    {"pop, push", {"op", NULL}},
    {"pop all, push others", {"oooopppp", NULL}},
    {"push until it grows", {"pppppppp", NULL}},
    {"take back", {"pro", NULL}},
    {"take back, pop all, push others", {"prooooopppp", NULL}},
    {"share again meanwhile", {"pro|po", "s"}},
    {"pop, and another thief", {"oop", "s"}},
    {"grow, and another thief", {"ppppp", "sb"}},
};

static void sweep(box *b, const face *f, const operation *o, const script *s, start from,
                  weir_step_row *row)
{
    static const uint64_t indices[] = {0, UINT64_MAX, UINT64_MAX - 1};
    static char name[96];
    static weir_step_plan plan;

    snprintf(name, sizeof name, "%s %s%s", f->name, o->name, f->modes ? start_names[from] : "");
    plan.operation = name;
    plan.against = s->name;
    plan.setup = setup;
    plan.victim = victim;
    plan.adversary[0] = adversary_0;
    plan.adversary[1] = s->text[1] != NULL ? adversary_1 : NULL;
    plan.check = check;
    plan.bound = o->bound;
    plan.may_refuse = false;
    memset(row, 0, sizeof *row);
    b->face = f;
    b->operation = o->what;
    b->n = o->n;
    b->capacity = o->capacity;
    b->from = from;
    memcpy(b->script, s->text, sizeof b->script);
    for (b->inside = o->what == PUSH && o->capacity == 2 ? 2 : 0; b->inside <= 3; b->inside++) {
        b->index = indices[b->inside % COUNT(indices)];
        weir_step_sweep(&plan, b, row);
    }
}

static void sweep_all(box *b, const face *f, const operation *operations, size_t count,
                      const script *scripts, size_t script_count)
{
    for (size_t i = 0; i < count; i++) {
        const operation *const o = &operations[i];
        const unsigned starts = f->modes ? o->starts : o->starts & 1u << SHARED;

        if (f->scheme && !o->with_schemes)
            continue;
        weir_step_thin(o->thin);
        for (size_t j = 0; j < script_count; j++) {
            for (unsigned from = ALONE; from < STARTS; from++) {
                weir_step_row row;

                if ((starts & 1u << from) == 0)
                    continue;
                sweep(b, f, o, &scripts[j], (start)from, &row);
                weir_step_report(&row);
            }
        }
    }
}

#define SWEEP(b, f, operations, scripts) \
    sweep_all(b, f, operations, COUNT(operations), scripts, COUNT(scripts))

/* A broken deque, and what it is known to fail at. */
static void sweep_broken(box *b, const face *f, const operation *o, const script *s, start from)
{
    weir_step_row row;

    sweep(b, f, o, s, from, &row);
    weir_step_print(&row);
    CHECK(row.wrong > 0 && row.wrong < row.stops);
    CHECK_EQ(row.blocked, 0);
}

int main(void)
{
    static const weir_allocator own = {block_alloc, block_release, NULL};
    static box b;
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_set_allocator(&own);
    weir_step_begin("step-deque");
    weir_backoff_wait(&backoff); /* its first call measures */
    for (size_t i = 0; i < COUNT(faces); i++) {
        SWEEP(&b, &faces[i], owners, by_thieves);
        SWEEP(&b, &faces[i], thieves, by_owner);
    }
    sweep_all(&b, &whole_face, &thieves[0], 1, by_owner, COUNT(by_owner));
    sweep_all(&b, &whole_face, &owners[2], 1, by_thieves, COUNT(by_thieves));
    printf("broken, to be found out:\n");
    sweep_broken(&b, &looks_face, &owners[2], &by_thieves[3], ALONE);
    sweep_broken(&b, &mode_face, &thieves[0], &by_owner[6], SHARED);
    sweep_broken(&b, &last_face, &thieves[0], &by_owner[1], SHARED);
    return weir_step_end();
}
