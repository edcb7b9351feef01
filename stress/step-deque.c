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
#include "step-blocks.h"
#include <weir/step.h>

#include "../tests/test.h"

#include <weir/deque.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { BURST = 3, EVENTS = 32, VALUES = 64, OWN = 20 /* the owner's next value in a run */ };

/* ---- a deque under test ---- */

typedef struct box box;

typedef struct face {
    const char *name; /* the variant, in parentheses; of a broken one, in front of all */
    bool broken;
    bool modes;  /* can be the owner's alone */
    bool scheme; /* the same as another but for its scheme */
    void (*make)(const box *b);
    void (*destroy)(void);
    bool (*push)(uintptr_t value);
    bool (*pop)(uintptr_t *value);
    bool (*pop_oldest)(uintptr_t *value);
    size_t (*steal)(uintptr_t *values, size_t n);
    size_t (*size)(void);
    void (*due)(void); /* the owner's next pop from a shared deque takes it back */
} face;

/* ---- what happened, and whether an order explains it ---- */

typedef enum kind { PUSH, POP, OLDEST, STEAL, SIZE } kind;

typedef struct event {
    kind what;
    unsigned char value; /* 0: said to be empty; of SIZE: what it said */
    unsigned char of;    /* values of the burst that it is one of */
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

/* A bit for each start. */
#define ALL_STARTS ((1u << STARTS) - 1)
#define TWO_STARTS (1u << ALONE | 1u << SHARED)

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
    if (e->what == SIZE) /* see size_is_right() */
        return true;
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

/* What can have been inside while `e` was done, at least or at most: with all that was begun
 * before its end, and without what was done before its begin. A pop that finds nothing has
 * taken one away, too, until it ends. */
static size_t inside_meanwhile(const box *b, const event *e, bool at_most)
{
    size_t n = b->inside, taken = 0;

    for (unsigned who = 0; who <= WEIR_STEP_ADVERSARIES; who++)
        for (size_t i = 0; i < b->by[who].count; i++) {
            const event *const o = &b->by[who].event[i];
            const bool done = o->end < e->begin, begun = o->begin < e->end;

            if (o->what == PUSH)
                n += at_most ? begun : done;
            else if (o->what != SIZE && o->value != 0)
                taken += at_most ? done : begun;
            else if (o->what == POP)
                taken += !at_most && begun && !done;
        }
    return n > taken ? n - taken : 0;
}

/* What is said of the number inside was so at some moment of the call; and no thief takes more
 * than half of it, rounded up. */
static bool size_is_right(const box *b, const event *e)
{
    if (e->what == SIZE)
        return e->value >= inside_meanwhile(b, e, false) &&
               e->value <= inside_meanwhile(b, e, true);
    return e->what != STEAL || e->of <= (inside_meanwhile(b, e, true) + 1) / 2;
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
        if (n > 0 && what != SIZE && (values[i] == 0 || values[i] >= VALUES))
            weir_step_false("a value that was never pushed");
        e->what = what;
        e->value = (unsigned char)(n > 0 ? values[i] % VALUES : 0);
        e->of = (unsigned char)n;
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
    case OLDEST:
        n = b->face->pop_oldest(values);
        break;
    case STEAL:
        n = b->face->steal(values, n);
        break;
    default:
        values[0] = b->face->size();
        n = 1;
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
    case OLDEST:
        b->gets = b->face->pop_oldest(b->got);
        break;
    case STEAL:
        b->gets = b->face->steal(b->got, b->n);
        break;
    default:
        b->got[0] = b->face->size();
        b->gets = 1;
        break;
    }
}

/* A letter an operation: p pushes, o pops, f pops the oldest, which the owner does; s steals, b
 * steals a burst, z asks for the size; r lets the owner's next pop take the deque back. What is
 * behind a bar is done where the victim is stopped a second time in a run. */
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
        case 'f':
            one_act(b, h, OLDEST, 1);
            break;
        case 'r':
            b->face->due();
            break;
        case 'b':
            one_act(b, h, STEAL, BURST);
            break;
        case 'z':
            one_act(b, h, SIZE, 1);
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
    for (unsigned who = 0; who <= WEIR_STEP_ADVERSARIES; who++)
        for (size_t i = 0; i < b->by[who].count; i++)
            if (!size_is_right(b, &b->by[who].event[i]))
                weir_step_false("a size that never was, or more than half of what there was");
    b->face->destroy();
}

/* ---- weir_deque ---- */

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

static bool deque_pop_oldest(uintptr_t *value)
{
    return weir_deque_pop_oldest(&deque, value);
}

static size_t deque_steal(uintptr_t *values, size_t n)
{
    if (n == 1)
        return weir_deque_steal(&deque, me(), values);
    return weir_deque_steal_burst(&deque, me(), values, n);
}

static size_t deque_size(void)
{
    return weir_deque_size_approx(&deque);
}

static void deque_due(void)
{
    deque.rent = WEIR_DEQUE_RENT;
}

#define DEQUE_FACE(name, modes, scheme, make)                                                     \
    {                                                                                             \
        name, false, modes, scheme, make, deque_destroy, deque_push, deque_pop, deque_pop_oldest, \
            deque_steal, deque_size, deque_due                                                    \
    }

static const face faces[] = {
    DEQUE_FACE("epochs", true, false, epoch_make),
    DEQUE_FACE("fenced", false, false, fenced_make),
    DEQUE_FACE("intervals", true, true, interval_make),
    DEQUE_FACE("hazards", true, true, hazard_make),
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

static bool naive_pop_oldest(uintptr_t *value)
{
    return naive_steal(&naive, value);
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

#define NAIVE_FACE(name, make)                                                       \
    {                                                                                \
        name, true, true, false, make, naive_destroy, naive_push_one, naive_pop_one, \
            naive_pop_oldest, naive_steal_one, NULL, naive_due                       \
    }

static const face whole_face = NAIVE_FACE("naive, whole", whole_make);
static const face looks_face = NAIVE_FACE("looks at the mode first", looks_make);
static const face mode_face = NAIVE_FACE("mode not named", mode_make);
static const face last_face = NAIVE_FACE("last without asking", last_make);

/* ---- the table ---- */

typedef struct operation {
    const char *name, *variant;
    kind what;
    size_t n, capacity;
    unsigned bound;    /* own instructions, of what is wait-free */
    unsigned starts;   /* when scripts are done meanwhile */
    unsigned few;      /* of these, those with fewer inside, and with one scheme only */
    bool with_schemes; /* the scheme makes a difference */
    unsigned thin;
    const char *script; /* of one who does it */
} operation;

typedef struct script {
    const char *name;
    const char *text[WEIR_STEP_ADVERSARIES];
} script;

#define LATER (1u << RAISED | 1u << AGAIN)

/* The bounds: half as many instructions again, with those of the functions that call the
 * operation, as the most that gcc or clang make of it at -O0. At -O0, and at -O2: push 82 and
 * 27, pop 395 and 80, size_approx 61 and 22. A push that grows allocates and retires. */
static const operation owners[] = {
    {"push", "", PUSH, 1, 16, 130, TWO_STARTS, 0, false, 1, "p"},
    {"push", ", grows", PUSH, 1, 2, 0, TWO_STARTS, 1u << ALONE, true, 131, "p"},
    {"pop", "", POP, 1, 16, 600, ALL_STARTS, 0, false, 1, "o"},
    {"pop_oldest", "", OLDEST, 1, 16, 0, ALL_STARTS, 0, false, 1, "f"},
};

static const operation thieves[] = {
    {"steal", "", STEAL, 1, 2, 0, TWO_STARTS | LATER, LATER, true, 1, "s"},
    {"steal_burst", "", STEAL, BURST, 2, 0, TWO_STARTS, 0, false, 1, "b"},
    {"size_approx", "", SIZE, 1, 2, 100, 0, 0, false, 1, "z"},
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
    {"pop oldest, push", {"fp", NULL}},
    {"pop all, push others", {"oooopppp", NULL}},
    {"push until it grows", {"pppppppp", NULL}},
    {"take back", {"pro", NULL}},
    {"take back, pop all, push others", {"prooooopppp", NULL}},
    {"share again meanwhile", {"pro|po", "s"}},
    {"pop, and another thief", {"oop", "s"}},
    {"grow, and another thief", {"ppppp", "sb"}},
};

/* Adds to the row: in this start, with from `least` to `most` inside. */
static void sweep(box *b, const face *f, const operation *o, const script *s, const char *name,
                  start from, size_t least, size_t most, weir_step_row *row)
{
    static const uint64_t indices[] = {0, UINT64_MAX, UINT64_MAX - 1};
    const weir_step_plan plan = {
        name,  s->name,  setup, victim, {adversary_0, s->text[1] != NULL ? adversary_1 : NULL},
        check, o->bound, false};

    b->face = f;
    b->operation = o->what;
    b->n = o->n;
    b->capacity = o->capacity;
    b->from = from;
    memcpy(b->script, s->text, sizeof b->script);
    for (b->inside = o->what == PUSH && o->capacity == 2 && least < 2 ? 2 : least;
         b->inside <= most; b->inside++) {
        b->index = indices[b->inside % COUNT(indices)];
        weir_step_sweep(&plan, b, row);
    }
}

/* ---- against scripts: a row for each start ---- */

static void sweep_script(box *b, const face *f, const operation *o, const script *s, start from,
                         weir_step_row *row)
{
    const bool few = f->scheme || (o->few & 1u << from) != 0;
    char name[96];

    memset(row, 0, sizeof *row);
    if (f->broken)
        snprintf(name, sizeof name, "%s %s%s", f->name, o->name, start_names[from]);
    else
        snprintf(name, sizeof name, "deque_%s (%s%s%s)", o->name, f->name, o->variant,
                 f->modes ? start_names[from] : "");
    sweep(b, f, o, s, name, from, few, f->broken ? 3 : 2, row);
}

static void sweep_all(box *b, const face *f, const operation *operations, size_t count,
                      const script *scripts, size_t script_count)
{
    for (size_t i = 0; i < count; i++) {
        const operation *const o = &operations[i];
        const unsigned all = f->scheme || f->broken ? o->starts & ~o->few : o->starts;
        const unsigned starts = f->modes ? all : all & 1u << SHARED;

        if (f->scheme && !o->with_schemes)
            continue;
        weir_step_thin(o->thin);
        for (size_t j = 0; j < script_count; j++) {
            for (unsigned from = ALONE; from < STARTS; from++) {
                weir_step_row row;

                if ((starts & 1u << from) == 0)
                    continue;
                sweep_script(b, f, o, &scripts[j], (start)from, &row);
                weir_step_report(&row);
            }
        }
    }
    weir_step_thin(1);
}

#define SWEEP(b, f, operations, scripts) \
    sweep_all(b, f, operations, COUNT(operations), scripts, COUNT(scripts))

/* ---- against one operation, and two: a row for all starts ---- */

static void sweep_pair(box *b, const face *f, const operation *o, const operation *first,
                       const operation *second)
{
    char name[64], against[64];
    const script s = {against, {first->script, second != NULL ? second->script : NULL}};
    unsigned starts = TWO_STARTS;
    weir_step_row row;

    if (f->scheme && (!o->with_schemes || o->what == PUSH))
        return;
    if (f->scheme || !f->modes || (o->what == PUSH && o->with_schemes))
        starts = 1u << SHARED;
    else if (o->what == POP || first->what == POP)
        starts |= 1u << DUE;
    snprintf(name, sizeof name, "deque_%s (%s%s)", o->name, f->name, o->variant);
    if (second == NULL)
        snprintf(against, sizeof against, "deque_%s", first->name);
    else
        snprintf(against, sizeof against, "deque_%s + deque_%s", first->name, second->name);
    memset(&row, 0, sizeof row);
    weir_step_thin(o->thin);
    for (unsigned from = ALONE; from < STARTS; from++)
        if ((starts & 1u << from) != 0)
            sweep(b, f, o, &s, name, (start)from, f->scheme, 2, &row);
    weir_step_thin(1);
    weir_step_report(&row);
}

/* Each operation of the owner against each of a thief, and against two thieves; each of a thief
 * against each of both, and against the owner with another thief. */
static void sweep_matrix(box *b, const face *f)
{
    const size_t n = COUNT(thieves);

    for (size_t i = 0; i < COUNT(owners); i++) {
        for (size_t j = 0; j < n; j++)
            sweep_pair(b, f, &owners[i], &thieves[j], NULL);
        sweep_pair(b, f, &owners[i], &thieves[i % n], &thieves[(i + 1) % n]);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            sweep_pair(b, f, &thieves[i], &thieves[j], NULL);
        for (size_t j = 0; j < COUNT(owners); j++) {
            if (owners[j].variant[0] != '\0')
                continue;
            sweep_pair(b, f, &thieves[i], &owners[j], NULL);
            sweep_pair(b, f, &thieves[i], &owners[j], &thieves[(i + j) % n]);
        }
    }
}

/* A broken deque, and what it is known to fail at. */
static void sweep_broken(box *b, const face *f, const operation *o, const script *s, start from)
{
    weir_step_row row;

    sweep_script(b, f, o, s, from, &row);
    weir_step_print(&row);
    if (row.skipped != 0)
        return;
    CHECK(row.wrong > 0 && row.wrong < row.stops);
    CHECK_EQ(row.blocked, 0);
}

int main(void)
{
    static box b;
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    use_blocks();
    weir_step_begin("step-deque");
    weir_backoff_wait(&backoff); /* its first call measures */
    for (size_t i = 0; i < COUNT(faces); i++) {
        SWEEP(&b, &faces[i], owners, by_thieves);
        SWEEP(&b, &faces[i], thieves, by_owner);
        sweep_matrix(&b, &faces[i]);
    }
    sweep_all(&b, &whole_face, &thieves[0], 1, by_owner, COUNT(by_owner));
    sweep_all(&b, &whole_face, &owners[2], 1, by_thieves, COUNT(by_thieves));
    printf("broken, to be found out:\n");
    sweep_broken(&b, &looks_face, &owners[2], &by_thieves[3], ALONE);
    sweep_broken(&b, &mode_face, &thieves[0], &by_owner[7], SHARED);
    sweep_broken(&b, &last_face, &thieves[0], &by_owner[1], SHARED);
    return weir_step_end();
}
