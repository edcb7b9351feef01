/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/fifo.h: tests of queues, written as strings: what each thread does, a letter an
 * operation, with the sequential specification that all queues share.
 *
 *     e  enqueue, which may be refused      d  dequeue, which may be refused
 *     E  a burst of two                     D  a burst of two
 *     B  a bulk of two                      b  a bulk of two
 *     w  dequeue until there is something   s  size_approx
 *     L  laps of the client's, unrecorded   A  assumes what the client wants
 *
 * Every value leads to plain memory that the enqueue's thread wrote before, and the dequeue's
 * thread reads and writes after: no race, and nothing stale. In the end thread 0 takes what is
 * left.
 *
 * Edges: none of its own. */

#ifndef WEIR_TESTS_MODEL_FIFO_H
#define WEIR_TESTS_MODEL_FIFO_H

#include "model.h"

#include <weir/atomic.h>

#define FIFO_ROOM 12 /* values that the specification can hold */
#define FIFO_EACH 16 /* values of one thread */
#define FIFO_BUNCH 2 /* values of a burst or a bulk */
#define FIFO_THREADS 4

/* A scenario. Its name is made of it: "ee: e/d of 2". */
typedef struct fifo_case {
    const char *does[FIFO_THREADS]; /* by thread: [0] before the others are made */
    size_t capacity;                /* 0: no bound */
    uint64_t start;                 /* of its counters */
    unsigned flavour;               /* of `face.flavours` */
    bool apart;    /* the answers "full" and "empty" are judged in different runs */
    bool by_proxy; /* another thread registers for each: for those that stand still */
    bool deep;
    weir_check_finding finding;
    weir_check_options options;
} fifo_case;

/* The queue under test; values are not 0. NULL: no such operation. */
typedef struct fifo_face {
    void (*make)(const fifo_case *c);
    void (*enter)(unsigned thread);    /* on it, one after the other; or NULL */
    void (*begun)(const fifo_case *c); /* after what thread 0 does first; or NULL */
    void (*end)(const fifo_case *c);   /* when it is empty */
    bool (*put)(unsigned thread, uintptr_t value);
    bool (*take)(unsigned thread, uintptr_t *value);
    size_t (*put_burst)(unsigned thread, const uintptr_t *values, size_t n);
    size_t (*take_burst)(unsigned thread, uintptr_t *values, size_t n);
    bool (*put_bulk)(unsigned thread, const uintptr_t *values, size_t n);
    bool (*take_bulk)(unsigned thread, uintptr_t *values, size_t n);
    size_t (*size)(void);
    void (*laps)(unsigned thread);
    void (*assumes)(unsigned thread);
    const char *const *flavours; /* their names, as added to a scenario's; or NULL */
    bool refusal_is_weak;        /* a refusal says nothing: someone may be in the middle */
    bool burst_is_one;           /* a burst has one moment; it may come to fewer than it could */
} fifo_face;

/* Of the client. */
static const fifo_face face;

/* ---- the specification ---- */

enum { PUT, TAKE, PUT_TWO, TAKE_TWO, PUT_SOME, TAKE_SOME, SIZE };

/* Results: of PUT, whether it was done; of TAKE the value; of TAKE_TWO and _SOME both, the first in
 * the low byte; of PUT_SOME how many. NEVER: one of a burst that came to nothing before it. */
#define REFUSED 0
#define NEVER UINT64_MAX

typedef struct fifo_state {
    uint8_t inside, value[FIFO_ROOM];
} fifo_state;

static const fifo_case *fifo_now;

/* Which refusals have to be true of a moment. Each by itself is, but not always "full" at one end
 * together with "empty" at the other: two threads that both change one thing and then look at
 * another may both see what was before ("Refusals and sleep" in doc/memory-model.md). */
enum { FULL = 1, EMPTY = 2 };
static unsigned fifo_judged; /* these */

static inline bool fifo_put(fifo_state *s, uint64_t value)
{
    const size_t room =
        fifo_now->capacity == 0 || fifo_now->capacity > FIFO_ROOM ? FIFO_ROOM : fifo_now->capacity;

    if (s->inside >= room)
        return false;
    s->value[s->inside++] = (uint8_t)value;
    return true;
}

static inline uint64_t fifo_take(fifo_state *s)
{
    const uint64_t value = s->value[0];

    if (s->inside == 0)
        return REFUSED;
    s->inside--;
    for (unsigned i = 0; i < s->inside; i++)
        s->value[i] = s->value[i + 1];
    s->value[s->inside] = 0;
    return value;
}

static bool fifo_apply(void *state, int operation, uint64_t argument, const uint64_t *result)
{
    fifo_state *const s = (fifo_state *)state;
    const bool puts = operation == PUT || operation == PUT_TWO || operation == PUT_SOME;
    const bool weak =
        result != NULL && *result == REFUSED && (fifo_judged & (puts ? FULL : EMPTY)) == 0;
    uint64_t found = 0;

    if (result != NULL && (*result == NEVER || weak))
        return true;
    switch (operation) {
    case PUT:
        found = fifo_put(s, argument);
        break;
    case TAKE:
        found = fifo_take(s);
        break;
    case PUT_TWO:
        found = fifo_now->capacity == 0 || s->inside + 2U <= fifo_now->capacity;
        if (found)
            found = fifo_put(s, argument & 255) && fifo_put(s, argument >> 8);
        break;
    case TAKE_TWO:
        found = s->inside < 2 ? REFUSED : fifo_take(s);
        if (found != REFUSED)
            found |= fifo_take(s) << 8;
        break;
    case PUT_SOME:
        found = fifo_put(s, argument & 255);
        if (result == NULL || *result != found)
            found += fifo_put(s, argument >> 8);
        break;
    case TAKE_SOME:
        found = fifo_take(s);
        if (result == NULL || *result != found)
            found |= fifo_take(s) << 8;
        break;
    default:
        break;
    }
    return result == NULL || *result == found;
}

static const char *const fifo_names[] = {"enqueue",      "dequeue",       "enqueue_bulk",
                                         "dequeue_bulk", "enqueue_burst", "dequeue_burst",
                                         "size_approx"};

static const weir_check_spec fifo_spec = {sizeof(fifo_state), NULL, fifo_apply, fifo_names};

/* ---- the threads ---- */

static int fifo_payload[FIFO_THREADS * FIFO_EACH + 1];
static unsigned fifo_made[FIFO_THREADS];

static inline uintptr_t fifo_new(unsigned thread)
{
    const uintptr_t value = thread * FIFO_EACH + ++fifo_made[thread];

    fifo_payload[value] = (int)value * 3;
    return value;
}

static inline void fifo_use(uintptr_t value)
{
    weir_check_assert(value > 0 && value <= FIFO_THREADS * FIFO_EACH);
    weir_check_assert(fifo_payload[value] == (int)value * 3);
    fifo_payload[value] = 0;
}

static inline bool fifo_enqueue(unsigned thread)
{
    const uintptr_t value = fifo_new(thread);
    const unsigned call = weir_check_call(PUT, value);
    const bool done = face.put(thread, value);

    weir_check_return(call, done);
    return done;
}

static inline bool fifo_dequeue(unsigned thread)
{
    const unsigned call = weir_check_call(TAKE, 0);
    uintptr_t value = 0;
    const bool done = face.take(thread, &value);

    weir_check_return(call, done ? value : REFUSED);
    if (done)
        fifo_use(value);
    else
        weir_check_assert(value == 0);
    return done;
}

static inline void fifo_enqueue_burst(unsigned thread)
{
    uintptr_t value[FIFO_BUNCH];
    unsigned call[FIFO_BUNCH] = {0};
    size_t put;

    for (unsigned i = 0; i < FIFO_BUNCH; i++)
        value[i] = fifo_new(thread);
    if (face.burst_is_one) {
        call[0] = weir_check_call(PUT_SOME, value[0] | value[1] << 8);
        put = face.put_burst(thread, value, FIFO_BUNCH);
        weir_check_return(call[0], put);
        return;
    }
    for (unsigned i = 0; i < FIFO_BUNCH; i++)
        call[i] = weir_check_call(PUT, value[i]);
    put = face.put_burst(thread, value, FIFO_BUNCH);
    for (unsigned i = 0; i < FIFO_BUNCH; i++)
        weir_check_return(call[i], i < put ? 1 : i == put ? REFUSED : NEVER);
}

static inline void fifo_dequeue_burst(unsigned thread)
{
    uintptr_t value[FIFO_BUNCH] = {0};
    unsigned call[FIFO_BUNCH] = {0};
    size_t got;

    for (unsigned i = 0; i < (face.burst_is_one ? 1 : FIFO_BUNCH); i++)
        call[i] = weir_check_call(face.burst_is_one ? TAKE_SOME : TAKE, 0);
    got = face.take_burst(thread, value, FIFO_BUNCH);
    if (face.burst_is_one)
        weir_check_return(call[0], value[0] | value[1] << 8);
    else
        for (unsigned i = 0; i < FIFO_BUNCH; i++)
            weir_check_return(call[i], i < got ? value[i] : i == got ? REFUSED : NEVER);
    for (size_t i = 0; i < got; i++)
        fifo_use(value[i]);
    /* One producer's come in its order. */
    if (got == 2 && (value[0] - 1) / FIFO_EACH == (value[1] - 1) / FIFO_EACH)
        weir_check_assert(value[0] < value[1]);
}

static inline void fifo_enqueue_bulk(unsigned thread)
{
    uintptr_t value[FIFO_BUNCH];
    unsigned call;

    for (unsigned i = 0; i < FIFO_BUNCH; i++)
        value[i] = fifo_new(thread);
    call = weir_check_call(PUT_TWO, value[0] | value[1] << 8);
    weir_check_return(call, face.put_bulk(thread, value, FIFO_BUNCH));
}

static inline void fifo_dequeue_bulk(unsigned thread)
{
    uintptr_t value[FIFO_BUNCH] = {0};
    const unsigned call = weir_check_call(TAKE_TWO, 0);
    const bool done = face.take_bulk(thread, value, FIFO_BUNCH);

    weir_check_return(call, value[0] | value[1] << 8);
    for (unsigned i = 0; done && i < FIFO_BUNCH; i++)
        fifo_use(value[i]);
}

static inline void fifo_size(void)
{
    const unsigned call = weir_check_call(SIZE, 0);
    const size_t size = face.size();

    weir_check_return(call, REFUSED);
    weir_check_assert(fifo_now->capacity == 0 || size <= fifo_now->capacity);
}

static void fifo_does(unsigned thread)
{
    for (const char *does = fifo_now->does[thread]; does != NULL && *does != 0; does++)
        switch (*does) {
        case 'e':
            (void)fifo_enqueue(thread);
            break;
        case 'd':
            (void)fifo_dequeue(thread);
            break;
        case 'w': {
            const unsigned call = weir_check_call(TAKE, 0);
            uintptr_t value = 0;

            while (!face.take(thread, &value)) {
            }
            weir_check_return(call, value);
            fifo_use(value);
            break;
        }
        case 'E':
            fifo_enqueue_burst(thread);
            break;
        case 'D':
            fifo_dequeue_burst(thread);
            break;
        case 'B':
            fifo_enqueue_bulk(thread);
            break;
        case 'b':
            fifo_dequeue_bulk(thread);
            break;
        case 'L':
            face.laps(thread);
            break;
        case 'A':
            face.assumes(thread);
            break;
        default:
            fifo_size();
            break;
        }
}

/* Threads that register somewhere do it one after the other, begin at one time, and end one after
 * the other: that is not what is looked at here. */
static WEIR_ATOMIC(uint32_t) fifo_ready[FIFO_THREADS], fifo_go, fifo_done[FIFO_THREADS];

static inline void fifo_await(WEIR_ATOMIC(uint32_t) * flag)
{
    while (weir_atomic_load(flag, WEIR_ACQUIRE) == 0) {
    }
}

static inline void fifo_enter(unsigned thread)
{
    face.enter(thread);
    weir_atomic_store(&fifo_ready[thread], 1, WEIR_RELEASE);
    fifo_await(&fifo_go);
}

static void fifo_body(void *argument)
{
    const unsigned thread = (unsigned)(uintptr_t)argument;

    if (face.enter != NULL && !fifo_now->by_proxy)
        fifo_enter(thread);
    fifo_does(thread);
    if (face.enter != NULL && !fifo_now->by_proxy)
        fifo_await(&fifo_done[thread]);
}

static unsigned fifo_threads(void)
{
    unsigned n = 1;

    while (n < FIFO_THREADS && fifo_now->does[n] != NULL)
        n++;
    return n;
}

/* Registers for another thread. It waits by nothing but joins, which a thread that stands still is
 * allowed to keep waiting. */
static void fifo_proxy(void *argument)
{
    const unsigned thread = (unsigned)(uintptr_t)argument, n = fifo_threads();

    fifo_enter(thread);
    for (unsigned other = 1; other < n; other++)
        weir_check_join((int)(n - 1 + other));
    if (thread > 1)
        weir_check_join((int)thread - 1);
}

static void fifo_make_threads(void)
{
    const unsigned n = fifo_threads();

    for (unsigned thread = 1; thread < n; thread++) {
        weir_check_thread(fifo_now->by_proxy ? fifo_proxy : fifo_body, (void *)(uintptr_t)thread);
        if (face.enter != NULL)
            fifo_await(&fifo_ready[thread]);
    }
    for (unsigned thread = 1; fifo_now->by_proxy && thread < n; thread++)
        weir_check_thread(fifo_body, (void *)(uintptr_t)thread);
    weir_atomic_store(&fifo_go, 1, WEIR_RELEASE);
}

static void fifo_end_threads(void)
{
    for (unsigned thread = 1; thread < fifo_threads(); thread++) {
        weir_atomic_store(&fifo_done[thread], 1, WEIR_RELEASE);
        weir_check_join((int)thread);
    }
    weir_check_join_all();
}

static void fifo_test(void *argument)
{
    fifo_now = (const fifo_case *)argument;
    fifo_judged = FULL | EMPTY;
    if (face.refusal_is_weak)
        fifo_judged = 0;
    else if (fifo_now->apart)
        fifo_judged = 1 + weir_check_choose(2);
    weir_check_history(&fifo_spec);
    /* Threads stand still within operations, once there has been one. */
    weir_check_return(weir_check_call(SIZE, 0), NEVER);
    face.make(fifo_now);
    fifo_does(0);
    if (face.begun != NULL)
        face.begun(fifo_now);
    fifo_make_threads();
    fifo_end_threads();
    while (fifo_dequeue(0)) {
    }
    face.end(fifo_now);
}

/* ---- the table ---- */

static inline void fifo_name(const fifo_case *c, char *name, size_t size)
{
    static const char *const promise[] = {"", ", obstruction-free", ", lock-free", ", wait-free"};
    size_t used = 0;

    name[0] = 0;
    for (unsigned t = 0; t < FIFO_THREADS && c->does[t] != NULL; t++)
        if (t > 0 || c->does[t][0] != 0)
            used += (size_t)snprintf(name + used, size - used, "%s%s",
                                     t > 1      ? "/"
                                     : used > 0 ? ": "
                                                : "",
                                     c->does[t]);
    if (c->capacity > 0)
        used += (size_t)snprintf(name + used, size - used, " of %zu", c->capacity);
    if (face.flavours != NULL)
        used += (size_t)snprintf(name + used, size - used, "%s", face.flavours[c->flavour]);
    snprintf(name + used, size - used, "%s%s", c->start != 0 ? ", wraps" : "",
             promise[c->options.progress]);
}

/* put_burst() and take_burst() of a structure whose functions are on `queue` and words. */
#define FIFO_BURSTS(structure)                                                  \
    static size_t put_burst(unsigned thread, const uintptr_t *values, size_t n) \
    {                                                                           \
        (void)thread;                                                           \
        return weir_##structure##_enqueue_burst(queue, values, n);              \
    }                                                                           \
    static size_t take_burst(unsigned thread, uintptr_t *values, size_t n)      \
    {                                                                           \
        (void)thread;                                                           \
        return weir_##structure##_dequeue_burst(queue, values, n);              \
    }                                                                           \
    struct fifo_face

/* To be returned by main(). */
static inline int fifo_main(const char *client, const fifo_case *cases, size_t count, int argc,
                            char **argv)
{
    static scenario scenarios[64];
    static char names[64][80];
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    if (count > 64)
        return 1;
    for (size_t i = 0; i < count; i++) {
        fifo_name(&cases[i], names[i], sizeof names[i]);
        scenarios[i].name = names[i];
        scenarios[i].test = fifo_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].deep = cases[i].deep;
        scenarios[i].finding = cases[i].finding;
        scenarios[i].options = cases[i].options;
    }
    /* It measures the processor at its first use: here, so that no test does. */
    weir_backoff_wait(&backoff);
    return model_main(client, scenarios, count, argc, argv);
}

#endif /* WEIR_TESTS_MODEL_FIFO_H */
