/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/reclaim.h: tests of reclamation, written as strings: what each thread does, a letter
 * an operation. There are two roots with an object each; small letters are of the first, capitals,
 * where there are any, of the second, by the typed functions.
 *
 *     (  enter                              )   exit, the innermost
 *     r  protect, and read what is there    w   read again what was protected last
 *     h  announce the first object          c   clear the slot
 *     u  unlink, and retire                 x   replace, and retire the old one
 *     k  collect                            n   what waits in the domain
 *     m  asks for its record
 *     s  unlink, synchronize, free          z   unlink, synchronize without a wait, free or retire
 *     b  barrier                            t   barrier without a wait
 *     l  leave                              !   says that it has come here
 *     0 to 3  waits until that thread has
 *     g  get as many slots as are wanted    a, A  that root's first object is reclaimed
 *     |  what stands before it is done before all others
 *
 * What an object carries is plain memory: written before it is published, read by the readers,
 * spoilt and freed by the callback. So what is reclaimed too early is a race or a use after free,
 * what is lost a leak, and what is reclaimed twice a double free.
 *
 * The threads make their records one after the other, begin at one time, and end one after the
 * other: unless `own_records` or `own_ends` says that this is part of the play.
 *
 * Edges: none of its own. */

#ifndef WEIR_TESTS_MODEL_RECLAIM_H
#define WEIR_TESTS_MODEL_RECLAIM_H

#include "model.h"

#include <weir/reclaim.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>

enum { ACTORS = 4, SECTIONS = 4, EACH = 6, CARRIED = 7 };

/* What the first object's callback does besides. */
typedef enum reclaim_deed { FREES, RETIRES, EXITS } reclaim_deed;

/* A scenario. Its name is made of it: "(r)/u, batches of 2". */
typedef struct reclaim_case {
    const char *does[ACTORS];
    unsigned flavour; /* of the client's scheme */
    unsigned batch;   /* objects; 0: 1 */
    unsigned slot;    /* that protects what the first root leads to */
    reclaim_deed deed;
    bool own_records;
    bool own_ends;
    bool late; /* somebody has ended before, inside, whose end was not noticed */
    bool deep;
    weir_check_finding finding;
    weir_check_options options;
} reclaim_case;

typedef struct node {
    weir_retired retired;
    unsigned carried;
    unsigned number; /* 1: the first root's first; 2: the second's */
} node;

/* The scheme under test; NULL: no such operation. */
typedef struct reclaim_face {
    int (*make)(const reclaim_case *c, const weir_reclaim_options *options);
    int (*end)(void);
    void *(*self)(void);
    void (*leave)(void *record);
    weir_section (*enter)(void *record);
    void (*exit)(void *record, weir_section section);
    node *(*protect)(void *record, unsigned slot);
    node *(*protect_typed)(void *record, unsigned slot);
    void (*announce)(void *record, unsigned slot, node *o); /* NULL: clear */
    int (*reserve)(void *record, unsigned slots);
    void (*born)(void *record, node *o, bool typed);
    void (*retire)(void *record, node *o, weir_reclaim_callback *callback, bool typed);
    size_t (*collect)(void *record);
    int (*synchronize)(const node *o, uint64_t deadline);
    int (*barrier)(uint64_t deadline);
    void (*stats)(weir_reclaim_stats *stats);
    const char *const *flavours; /* their names; or NULL */
} reclaim_face;

/* Of the client. */
static const reclaim_face face;

static WEIR_ATOMIC(void *) root;
static WEIR_ATOMIC(node *) typed_root;

/* What is alike in all schemes. */
#define RECLAIM_FACE(scheme)                                                                       \
    static weir_##scheme *domain;                                                                  \
    static int face_end(void)                                                                      \
    {                                                                                              \
        return weir_##scheme##_free(domain);                                                       \
    }                                                                                              \
    static void *face_self(void)                                                                   \
    {                                                                                              \
        return weir_##scheme##_self(domain);                                                       \
    }                                                                                              \
    static void face_leave(void *record)                                                           \
    {                                                                                              \
        weir_##scheme##_leave((weir_##scheme##_record *)record);                                   \
    }                                                                                              \
    static void face_retire(void *record, node *o, weir_reclaim_callback *callback, bool is_typed) \
    {                                                                                              \
        if (is_typed)                                                                              \
            typed_retire((weir_##scheme##_record *)record, o, callback);                           \
        else                                                                                       \
            weir_##scheme##_retire((weir_##scheme##_record *)record, &o->retired, callback,        \
                                   sizeof *o);                                                     \
    }                                                                                              \
    static size_t face_collect(void *record)                                                       \
    {                                                                                              \
        return weir_##scheme##_collect((weir_##scheme##_record *)record);                          \
    }                                                                                              \
    static int face_barrier(uint64_t deadline)                                                     \
    {                                                                                              \
        return weir_##scheme##_barrier(domain, deadline);                                          \
    }                                                                                              \
    static void face_stats(weir_reclaim_stats *stats)                                              \
    {                                                                                              \
        weir_##scheme##_stats(domain, stats);                                                      \
    }                                                                                              \
    struct face_##scheme

#define RECLAIM_FACE_SECTIONS(scheme)                                    \
    static weir_section face_enter(void *record)                         \
    {                                                                    \
        return weir_##scheme##_enter((weir_##scheme##_record *)record);  \
    }                                                                    \
    static void face_exit(void *record, weir_section section)            \
    {                                                                    \
        weir_##scheme##_exit((weir_##scheme##_record *)record, section); \
    }                                                                    \
    struct face_sections_##scheme

/* ---- a run ---- */

typedef struct actor {
    unsigned number;
    void *record;
    node *held;
    unsigned made;
    unsigned depth;
    weir_section section[SECTIONS];
} actor;

static const reclaim_case *current;
static node *first;
static bool retired[ACTORS * EACH], reclaimed[ACTORS * EACH];
static _Thread_local bool may_exit; /* not thread 0, which ends the test */
static WEIR_ATOMIC(uint32_t) ready[ACTORS], go, here[ACTORS], done[ACTORS];

static inline void come(WEIR_ATOMIC(uint32_t) * flag)
{
    weir_atomic_store(flag, 1, WEIR_RELEASE);
}

static inline void await(WEIR_ATOMIC(uint32_t) * flag)
{
    while (weir_atomic_load(flag, WEIR_ACQUIRE) == 0) {
    }
}

static inline void *record_of(actor *me)
{
    if (me->record == NULL) {
        me->record = face.self();
        weir_check_assert(me->record != NULL);
    }
    return me->record;
}

static inline node *make(actor *me, bool typed)
{
    node *const o = (node *)calloc(1, sizeof *o);

    weir_check_assert(o != NULL && me->made < EACH);
    o->carried = CARRIED;
    o->number = me->number * EACH + me->made++;
    if (face.born != NULL)
        face.born(record_of(me), o, typed);
    return o;
}

static inline void spoil(node *o)
{
    weir_check_assert(o->carried == CARRIED);
    o->carried = 0;
    free(o);
}

static void called_back(weir_retired *header);

static inline void retire(actor *me, node *o, bool typed)
{
    if (o == NULL)
        return;
    retired[o->number] = true;
    face.retire(record_of(me), o, called_back, typed);
}

static void called_back(weir_retired *header)
{
    node *const o = (node *)(void *)header;
    const reclaim_deed deed = o == first ? current->deed : FREES;

    weir_check_assert(!reclaimed[o->number]);
    reclaimed[o->number] = true;
    spoil(o);
    if (deed == RETIRES) {
        actor heir = {ACTORS - 1, face.self(), NULL, 0, 0, {{0}}};

        retire(&heir, make(&heir, false), false);
    }
    if (deed == EXITS && may_exit)
        pthread_exit(NULL);
}

static inline node *unlink_it(bool typed, node *instead)
{
    return typed ? weir_atomic_exchange(&typed_root, instead, WEIR_ACQ_REL)
                 : (node *)weir_atomic_exchange(&root, instead, WEIR_ACQ_REL);
}

static inline void synchronize(actor *me, bool typed, uint64_t deadline)
{
    node *const o = unlink_it(typed, NULL);
    int status;

    if (o == NULL)
        return;
    status = face.synchronize(o, deadline);
    if (status == 0) {
        spoil(o);
    } else {
        weir_check_assert(status == -ETIMEDOUT && deadline != WEIR_FOREVER);
        retire(me, o, typed);
    }
}

static inline void look(const node *o)
{
    if (o != NULL)
        weir_check_assert(o->carried == CARRIED);
}

static inline void act(actor *me, char what)
{
    int status;
    weir_reclaim_stats stats;

    switch (what) {
    case '(':
        weir_check_assert(me->depth < SECTIONS);
        me->section[me->depth++] = face.enter(record_of(me));
        break;
    case ')':
        face.exit(me->record, me->section[--me->depth]);
        break;
    case 'r':
        me->held = face.protect(record_of(me), current->slot);
        look(me->held);
        break;
    case 'R':
        me->held = face.protect_typed(record_of(me), 1);
        look(me->held);
        break;
    case 'w':
        look(me->held);
        break;
    case 'h':
        face.announce(record_of(me), current->slot, first);
        break;
    case 'c':
        face.announce(record_of(me), current->slot, NULL);
        break;
    case 'C':
        face.announce(record_of(me), 1, NULL);
        break;
    case 'u':
    case 'U':
        retire(me, unlink_it(what == 'U', NULL), what == 'U');
        break;
    case 'x':
    case 'X':
        retire(me, unlink_it(what == 'X', make(me, what == 'X')), what == 'X');
        break;
    case 'm':
        (void)record_of(me);
        break;
    case 'k':
        (void)face.collect(record_of(me));
        break;
    case 'n':
        face.stats(&stats);
        weir_check_assert(stats.objects <= ACTORS * EACH);
        break;
    case 's':
    case 'S':
        synchronize(me, what == 'S', WEIR_FOREVER);
        break;
    case 'z':
        synchronize(me, false, 0);
        break;
    case 'b':
        weir_check_assert(face.barrier(WEIR_FOREVER) == 0);
        break;
    case 't':
        status = face.barrier(0);
        weir_check_assert(status == 0 || status == -ETIMEDOUT);
        break;
    case 'l':
        face.leave(record_of(me));
        me->record = NULL;
        break;
    case '!':
        come(&here[me->number]);
        break;
    case 'g':
        weir_check_assert(face.reserve(record_of(me), current->slot + 1) == 0);
        break;
    case 'a':
    case 'A':
        weir_check_assert(reclaimed[what == 'a' ? 1 : 2]);
        break;
    default:
        await(&here[what - '0']);
        break;
    }
}

/* What the scenario's promise is about. */
static inline bool promised(char what)
{
    return strchr(current->options.progress == WEIR_CHECK_WAIT_FREE ? "()hc" : "()hcrRuxk", what) !=
           NULL;
}

static inline void play(actor *me, const char *at, const char *end, bool promises)
{
    for (; at != end; at++)
        if (promises && promised(*at)) {
            const unsigned call = weir_check_call(*at, 0);

            act(me, *at);
            weir_check_return(call, 0);
        } else
            act(me, *at);
}

static inline const char *prelude_end(const actor *me)
{
    const char *const at = current->does[me->number];
    const char *const bar = strchr(at, '|');

    return bar == NULL ? at : bar;
}

static inline void play_prelude(actor *me)
{
    play(me, current->does[me->number], prelude_end(me), false);
}

static inline void play_rest(actor *me)
{
    const char *const at = prelude_end(me);

    play(me, *at == '|' ? at + 1 : at, at + strlen(at),
         current->options.progress != WEIR_CHECK_BLOCKING);
}

static void enters(void *number)
{
    actor me = {(unsigned)(uintptr_t)number, NULL, NULL, 0, 0, {{0}}};

    may_exit = true;
    if (!current->own_records) {
        (void)record_of(&me);
        play_prelude(&me);
        come(&ready[me.number]);
        await(&go);
    }
    play_rest(&me);
    if (!current->own_ends)
        await(&done[me.number]);
}

/* Asks for its record in the last round of its destructors, and ends inside. */
static pthread_key_t late_key;

static void comes_late(void *round)
{
    if ((uintptr_t)round < PTHREAD_DESTRUCTOR_ITERATIONS)
        pthread_setspecific(late_key, (void *)((uintptr_t)round + 1));
    else
        (void)face.enter(face.self());
}

static void lives(void *unused)
{
    (void)unused;
    face.leave(face.self());
    pthread_setspecific(late_key, (void *)1);
}

static inline void end_late(void)
{
    weir_check_assert(pthread_key_create(&late_key, comes_late) == 0);
    weir_check_join(weir_check_thread(lives, NULL));
}

static inline void publish(actor *me)
{
    me->made = 1; /* numbers begin with 1 */
    first = make(me, false);
    weir_atomic_store(&root, (void *)first, WEIR_RELAXED);
    weir_atomic_store(&typed_root, make(me, true), WEIR_RELAXED);
}

static void reclaim_test(void *argument)
{
    weir_reclaim_options options;
    actor me = {0, NULL, NULL, 0, 0, {{0}}};
    int thread[ACTORS] = {0};

    current = (const reclaim_case *)argument;
    memset(&options, 0, sizeof options);
    options.batch_objects = current->batch == 0 ? 1 : current->batch;
    weir_check_assert(face.make(current, &options) == 0);
    publish(&me);
    /* From here on nobody stands still but within an operation. */
    if (current->options.progress != WEIR_CHECK_BLOCKING)
        weir_check_return(weir_check_call(0, 0), 0);
    play_prelude(&me);
    if (current->own_records)
        (void)record_of(&me);
    if (current->late)
        end_late();
    for (unsigned t = 1; t < ACTORS && current->does[t] != NULL; t++) {
        thread[t] = weir_check_thread(enters, (void *)(uintptr_t)t);
        if (!current->own_records)
            await(&ready[t]);
    }
    if (!current->own_records) {
        if (*current->does[0] != 0)
            (void)record_of(&me);
        come(&go);
    }
    play_rest(&me);
    for (unsigned t = 1; t < ACTORS && current->does[t] != NULL; t++)
        if (!current->own_ends) {
            come(&done[t]);
            weir_check_join(thread[t]);
        }
    weir_check_join_all();
    free(unlink_it(false, NULL));
    free(unlink_it(true, NULL));
    weir_check_assert(face.end() == 0);
    for (unsigned i = 0; i < ACTORS * EACH; i++)
        weir_check_assert(retired[i] == reclaimed[i]);
}

/* ---- the table ---- */

static inline void reclaim_name(const reclaim_case *c, char *name, size_t size)
{
    static const char *const promise[] = {"", ", obstruction-free", ", lock-free", ", wait-free"};
    static const char *const deed[] = {"", ", callback retires", ", callback exits"};
    size_t used = 0;

    for (unsigned t = 0; t < ACTORS && c->does[t] != NULL; t++)
        used += (size_t)snprintf(name + used, size - used, "%s%s", t > 0 ? "/" : "", c->does[t]);
    if (c->batch > 0)
        used += (size_t)snprintf(name + used, size - used, ", batches of %u", c->batch);
    if (c->slot > 0)
        used += (size_t)snprintf(name + used, size - used, ", slot %u", c->slot);
    snprintf(name + used, size - used, "%s%s%s%s%s%s%s", c->late ? ", late" : "",
             c->own_records ? ", records" : "", c->own_ends ? ", ends" : "", deed[c->deed],
             face.flavours != NULL ? ", " : "",
             face.flavours != NULL ? face.flavours[c->flavour] : "", promise[c->options.progress]);
}

/* To be returned by main(). */
static inline int reclaim_main(const char *client, const reclaim_case *cases, size_t count,
                               int argc, char **argv)
{
    static scenario scenarios[100];
    static char names[100][96];

    for (size_t i = 0; i < count; i++) {
        reclaim_name(&cases[i], names[i], sizeof names[i]);
        scenarios[i].name = names[i];
        scenarios[i].test = reclaim_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].deep = cases[i].deep;
        scenarios[i].finding = cases[i].finding;
        scenarios[i].options = cases[i].options;
    }
    return model_main(client, scenarios, count, argc, argv);
}

#define RECLAIM_MAIN(client, cases)                                                         \
    int main(int argc, char **argv)                                                         \
    {                                                                                       \
        return reclaim_main(client, cases, sizeof(cases) / sizeof((cases)[0]), argc, argv); \
    }

#endif /* WEIR_TESTS_MODEL_RECLAIM_H */
