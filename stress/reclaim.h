/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/reclaim.h: one body for every scheme of reclamation. Readers hold objects of a few
 * cells, which writers replace and retire:
 *
 *   protected    what a reader holds has its checksum and its stamp until it lets go; a
 *                callback poisons the object first of all, so that a use after that is seen
 *                without a sanitizer too
 *   not before   a callback never finds a reader that has counted itself in
 *   exactly once each callback is called once; at the end as many as objects were made
 *   barrier      all that another thread had retired, and said so, was called back
 *   bounded      with a frozen reader what waits stays within the bytes of the banner
 *   named        who is frozen is told by name, where he holds things up
 *   flat         threads come and go, a million with --seconds 30 or more, and memory stays
 *
 * First, the same readers and writers without protection: the ledger must find that out, or it is
 * worth nothing. One thread interrupts the others with signals, wherever they are. */

#ifndef WEIR_STRESS_RECLAIM_H
#define WEIR_STRESS_RECLAIM_H

#include "stress.h"

#include <weir/reclaim.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum {
    CELLS = 32,
    HOLDS = 4, /* cells that a reader holds at a time */
    PAYLOAD_WORDS = 6,
    GRAVES = 32,       /* poisoned objects that a thread keeps before it uses them again */
    MARKS = 1024,      /* of a thread, on their way */
    LIVES = 1000000,   /* short threads, in a long run */
    SMALL = 64 * 1024, /* stacks of short threads */
    MOST_HOLDERS = 300
};

/* ---- faces ---- */

/* A scheme. `record` and `domain` are its own. */
typedef struct reclaim_face {
    const char *name;
    bool broken;      /* on purpose */
    bool bounded;     /* with a frozen reader */
    bool by_pointer;  /* hazards: a section holds nothing but what is protected */
    bool has_section; /* of its own, and may nest */
    int (*make)(void **domain, const weir_reclaim_options *options);
    int (*destroy)(void *domain);
    void *(*self)(void *domain);
    void (*leave)(void *record);
    weir_section (*enter)(void *record);
    void (*exit)(void *record, weir_section section);
    void *(*protect)(void *record, unsigned slot, const WEIR_ATOMIC(void *) * from);
    void (*born)(void *record, weir_retired *object);
    void (*retire)(void *record, weir_retired *object, weir_reclaim_callback *reclaim,
                   size_t bytes);
    size_t (*collect)(void *record);
    int (*synchronize)(void *domain, const void *object, uint64_t deadline);
    int (*barrier)(void *domain, uint64_t deadline);
    void (*stats)(void *domain, weir_reclaim_stats *stats);
} reclaim_face;

/* ---- objects ---- */

#define ALIVE UINT64_C(0xa11ea11ea11ea11e)
#define DEAD UINT64_C(0xdeaddeaddeaddead)

typedef struct object {
    weir_retired header;
    WEIR_ATOMIC(uint32_t) readers; /* who have counted themselves in */
    WEIR_ATOMIC(uint32_t) calls;
    uint64_t *mark; /* where its callback leaves its number, or NULL */
    uint64_t number;
    struct object *next; /* of those that are not in use */
    uint64_t life;
    uint64_t stamp; /* never the same again */
    uint64_t payload[PAYLOAD_WORDS];
    uint64_t checksum;
} object;

typedef enum kind {
    MIXED,   /* all do everything */
    COUNTED, /* the same, with readers counted in */
    CHURNED, /* by threads that live for a few steps */
    FROZEN,  /* the first one stays inside; the others write */
    KINDS
} kind;

typedef struct worker worker;

typedef struct round_state {
    stress *s;
    const reclaim_face *face;
    void *domain;
    kind kind;
    unsigned threads;
    bool prod, recycles;
    unsigned hot; /* so many cells are used */
    uint32_t yield_one;
    weir_reclaim_options options;
    WEIR_ATOMIC(void *) cells[CELLS];
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(const char *) fault; /* the first one */
    WEIR_ATOMIC(uint64_t) made;
    WEIR_ATOMIC(uint64_t) reclaimed;
    WEIR_ATOMIC(uint64_t) lives;
    WEIR_ATOMIC(int) frozen;      /* who is inside, by its id */
    WEIR_ATOMIC(uint64_t) stalls; /* times that this was told */
    WEIR_ATOMIC(unsigned) rests;  /* writers that have stopped */
    WEIR_ATOMIC(bool) weighed;    /* and may end */
    WEIR_ATOMIC(uint64_t) most;   /* bytes that waited then */
} round_state;

struct worker {
    WEIR_ALIGNAS(WEIR_CACHELINE) round_state *round;
    unsigned me;
    void *record;
    stress_rng rng;
    uint64_t stamps;
    object *graves[GRAVES];
    size_t buried;
    object *spare;
    uint64_t reads, barriers;
    pthread_t id;
    WEIR_ATOMIC(bool) works; /* `id` is there */
    /* marks: objects of this worker that a barrier must find; see mark() */
    uint64_t marks[MARKS];
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) marked;
    WEIR_ATOMIC(uint64_t) checked;
};

static worker workers[STRESS_MAX_THREADS];
static round_state *current;              /* for callbacks */
static _Thread_local worker *this_thread; /* NULL: of a thread that has no memory of its own */

/* ---- the ledger ---- */

static inline bool faulty(round_state *r)
{
    /* relaxed: says when to stop; the join orders the rest. */
    return weir_atomic_load(&r->fault, WEIR_RELAXED) != NULL;
}

static inline bool fault(round_state *r, const char *sentence)
{
    const char *none = NULL;

    /* relaxed: as above. */
    (void)weir_atomic_cas(&r->fault, &none, sentence, WEIR_RELAXED, WEIR_RELAXED);
    return false;
}

static inline void count_up(WEIR_ATOMIC(uint64_t) * number)
{
    /* relaxed: a sum, read when all is over. */
    weir_atomic_fetch_add(number, 1, WEIR_RELAXED);
}

static inline uint64_t sum_payload(const object *o)
{
    uint64_t sum = o->stamp;

    for (int i = 0; i < PAYLOAD_WORDS; i++)
        sum = (sum << 7 | sum >> 57) ^ o->payload[i];
    return sum;
}

/* An object as new. Returns: NULL when memory is exhausted. */
static inline object *make_object(worker *w)
{
    object *o = w->spare;

    if (o != NULL)
        w->spare = o->next;
    else
        o = (object *)malloc(sizeof *o);
    if (o == NULL)
        stress_fail(w->round->s, "no memory");
    memset((void *)o, 0, sizeof *o);
    o->life = ALIVE;
    o->stamp = ++w->stamps << 16 | w->me;
    for (uint64_t i = 0; i < PAYLOAD_WORDS; i++)
        o->payload[i] = stress_mix(o->stamp + i);
    o->checksum = sum_payload(o);
    count_up(&w->round->made);
    return o;
}

/* To be used again, but not at once: the poison is to be found. */
static inline void bury(object *o)
{
    worker *const w = this_thread;

    if (w == NULL || !w->round->recycles) {
        free(o);
        return;
    }
    if (w->buried >= GRAVES) {
        object *const oldest = w->graves[w->buried % GRAVES];

        oldest->next = w->spare;
        w->spare = oldest;
    }
    w->graves[w->buried++ % GRAVES] = o;
}

static inline void free_memory(worker *w)
{
    while (w->buried > 0 && w->graves[0] != NULL) {
        for (int i = 0; i < GRAVES; i++) {
            free(w->graves[i]);
            w->graves[i] = NULL;
        }
        w->buried = 0;
    }
    while (w->spare != NULL) {
        object *const next = w->spare->next;

        free(w->spare);
        w->spare = next;
    }
}

static inline void poison(object *o)
{
    uint64_t *const mark = o->mark;
    const uint64_t number = o->number;

    if (weir_atomic_fetch_add(&o->calls, 1, WEIR_ACQ_REL) != 0 || o->life != ALIVE)
        fault(current, "a callback was called twice");
    if (weir_atomic_load(&o->readers, WEIR_ACQUIRE) != 0)
        fault(current, "a callback was called with a reader inside");
    o->life = DEAD;
    o->checksum = ~sum_payload(o);
    memset(o->payload, 0xdd, sizeof o->payload);
    o->stamp = DEAD;
    if (mark != NULL)
        *mark = number;
    count_up(&current->reclaimed);
    bury(o);
}

static inline void reclaim_object(weir_retired *header)
{
    poison((object *)(void *)header);
}

/* ---- readers ---- */

static inline bool look_at(round_state *r, const object *o, uint64_t stamp)
{
    /* The compiler must not remember. */
    weir_fence_light();
    if (o->life != ALIVE || o->stamp != stamp || sum_payload(o) != o->checksum)
        return fault(r, "an object was reclaimed, or used again, while a reader held it");
    return true;
}

static inline bool linger(worker *w)
{
    for (uint64_t n = stress_below(&w->rng, 16) == 0 ? stress_below(&w->rng, 64) : 0; n > 0; n--)
        weir_pause();
    stress_maybe_yield(&w->rng, w->round->yield_one);
    if (w->round->kind == CHURNED && w->me == 2)
        for (uint64_t n = stress_below(&w->rng, 8); n > 0; n--)
            sched_yield();
    return !faulty(w->round);
}

/* Holds some objects for a while. */
static inline bool read_some(worker *w)
{
    round_state *const r = w->round;
    const reclaim_face *const f = r->face;
    const unsigned holds = 1 + (unsigned)stress_below(&w->rng, HOLDS);
    const bool counted = r->kind == COUNTED;
    const weir_section outer = f->enter(w->record);
    object *held[HOLDS];
    uint64_t stamps[HOLDS];
    bool good = true;

    for (unsigned i = 0; i < holds; i++) {
        held[i] = (object *)f->protect(w->record, i, &r->cells[stress_below(&w->rng, r->hot)]);
        if (held[i] == NULL)
            continue;
        if (counted)
            weir_atomic_fetch_add(&held[i]->readers, 1, WEIR_ACQ_REL);
        stamps[i] = held[i]->stamp;
        good &= look_at(r, held[i], stamps[i]);
    }
    if (f->has_section && stress_below(&w->rng, 8) == 0) {
        const weir_section inner = f->enter(w->record);

        f->exit(w->record, inner);
    }
    good &= linger(w);
    for (unsigned i = 0; i < holds; i++) {
        if (held[i] == NULL)
            continue;
        good &= look_at(r, held[i], stamps[i]);
        if (counted)
            weir_atomic_fetch_sub(&held[i]->readers, 1, WEIR_ACQ_REL);
    }
    f->exit(w->record, outer);
    w->reads++;
    return good;
}

/* ---- writers ---- */

static inline void retire_object(worker *w, object *o)
{
    w->round->face->retire(w->record, &o->header, reclaim_object, sizeof *o);
}

/* Puts a new object, or none, into one of the cells. Returns: the one that was there. */
static inline object *exchange(worker *w)
{
    round_state *const r = w->round;
    object *const fresh = stress_below(&w->rng, 16) == 0 ? NULL : make_object(w);

    if (fresh != NULL)
        r->face->born(w->record, &fresh->header);
    return (object *)weir_atomic_exchange(&r->cells[stress_below(&w->rng, r->hot)], fresh,
                                          WEIR_ACQ_REL);
}

static inline bool write_one(worker *w)
{
    const reclaim_face *const f = w->round->face;
    const bool inside = stress_below(&w->rng, 8) == 0;
    weir_section section = {0};
    object *old;

    if (inside)
        section = f->enter(w->record);
    old = exchange(w);
    if (old != NULL)
        retire_object(w, old);
    if (inside)
        f->exit(w->record, section);
    return true;
}

/* Frees by hand what it has taken away. */
static inline bool replace_and_wait(worker *w)
{
    object *const old = exchange(w);
    uint64_t deadline = WEIR_FOREVER;

    if (old == NULL)
        return true;
    if (stress_below(&w->rng, 4) == 0)
        deadline = weir_clock_after(stress_below(&w->rng, 100000));
    switch (w->round->face->synchronize(w->round->domain, old, deadline)) {
    case 0:
        poison(old);
        return true;
    case -ETIMEDOUT:
        retire_object(w, old);
        return deadline != WEIR_FOREVER || fault(w->round, "a wait for ever timed out");
    default:
        return fault(w->round, "synchronize failed");
    }
}

/* Retires an object of which it tells the others: after a barrier of theirs it has been called
 * back. The ring of marks is not overrun: they say how far they have looked. */
static inline bool mark(worker *w)
{
    /* relaxed: own word. */
    const uint64_t number = weir_atomic_load(&w->marked, WEIR_RELAXED) + 1;
    object *o;

    if (number - weir_atomic_load(&w->checked, WEIR_ACQUIRE) >= MARKS)
        return true;
    o = make_object(w);
    o->mark = &w->marks[number % MARKS];
    o->number = number;
    w->round->face->born(w->record, &o->header);
    retire_object(w, o);
    weir_atomic_store(&w->marked, number, WEIR_RELEASE);
    return true;
}

/* One thread's work: marks of another, until a barrier. */
static inline bool check_marks(worker *w)
{
    round_state *const r = w->round;
    uint64_t marked[STRESS_MAX_THREADS];
    uint64_t deadline = WEIR_FOREVER;
    int status;

    for (unsigned i = 0; i < r->threads; i++)
        marked[i] = weir_atomic_load(&workers[i].marked, WEIR_ACQUIRE);
    if (stress_below(&w->rng, 4) == 0)
        deadline = weir_clock_after(stress_below(&w->rng, 50000));
    status = r->face->barrier(r->domain, deadline);
    if (status == -ETIMEDOUT && deadline != WEIR_FOREVER)
        return true;
    if (status != 0)
        return fault(r, "a barrier failed");
    for (unsigned i = 0; i < r->threads; i++) {
        /* relaxed: only this thread writes it. */
        for (uint64_t n = weir_atomic_load(&workers[i].checked, WEIR_RELAXED) + 1; n <= marked[i];
             n++)
            if (workers[i].marks[n % MARKS] != n)
                return fault(r, "a barrier returned before a callback");
        weir_atomic_store(&workers[i].checked, marked[i], WEIR_RELEASE);
    }
    w->barriers++;
    return true;
}

/* A barrier whose answer does not matter, by anybody: others must not be misled. */
static inline bool hasty_barrier(worker *w)
{
    const int status = w->round->face->barrier(
        w->round->domain,
        stress_below(&w->rng, 2) == 0 ? 0 : weir_clock_after(stress_below(&w->rng, 20000)));

    return status == 0 || status == -ETIMEDOUT || fault(w->round, "a barrier failed");
}

static inline bool take_record(worker *w)
{
    w->record = w->round->face->self(w->round->domain);
    if (w->record == NULL)
        stress_fail(w->round->s, "no memory for a record");
    return true;
}

static inline bool one_step(worker *w)
{
    const uint64_t dice = stress_below(&w->rng, 256);

    if (dice < 1)
        return hasty_barrier(w);
    if (dice < 4)
        return replace_and_wait(w);
    if (dice < 5) {
        (void)w->round->face->collect(w->record);
        return true;
    }
    if (dice < 12)
        return mark(w);
    if (dice < 13) {
        w->round->face->leave(w->record);
        return take_record(w);
    }
    return dice < 96 ? write_one(w) : read_some(w);
}

/* ---- threads that live for a few steps ---- */

static inline void *live_shortly(void *argument)
{
    worker *const w = (worker *)argument;
    const reclaim_face *const f = w->round->face;
    bool good = true;

    this_thread = w;
    take_record(w);
    for (uint64_t n = stress_below(&w->rng, 8); n > 0 && good; n--)
        good = stress_below(&w->rng, 4) == 0 ? mark(w) : one_step(w);
    switch (stress_below(&w->rng, 8)) {
    case 0: /* with something left open */
        if (f->protect(w->record, 0, &w->round->cells[0]) == NULL || !f->by_pointer) {
            const weir_section left = f->enter(w->record);

            (void)left;
        }
        break;
    case 1: /* leaves, and comes back */
        f->leave(w->record);
        take_record(w);
        good &= read_some(w);
        break;
    default:
        break;
    }
    count_up(&w->round->lives);
    return NULL;
}

static inline bool one_life(worker *w)
{
    pthread_attr_t small;
    pthread_t id;

    if (pthread_attr_init(&small) != 0 || pthread_attr_setstacksize(&small, SMALL * 2) != 0 ||
        pthread_create(&id, &small, live_shortly, w) != 0)
        stress_fail(w->round->s, "a thread could not be created");
    pthread_attr_destroy(&small);
    pthread_join(id, NULL);
    return !faulty(w->round);
}

/* ---- a frozen reader ---- */

static inline void note_stall(const weir_stall *stall, void *context)
{
    round_state *const r = (round_state *)context;
    /* relaxed: an id, and a sum. */
    const int frozen = weir_atomic_load(&r->frozen, WEIR_RELAXED);

    if (stall->bytes <= r->options.limit_bytes)
        fault(r, "a complaint, with less waiting than the limit");
    /* Others come and go; who is inside for ever was there before them. */
    if (frozen != 0 && !r->face->by_pointer && stall->thread != 0 && stall->eras > 1000 &&
        stall->thread != frozen)
        fault(r, "another thread was named than the frozen one");
    count_up(&r->stalls);
}

/* By the banners: hazards keep what is set, and a batch for each record; intervals twice what lived
 * at one moment and was born in one era, and two batches for each record. */
static inline uint64_t bound(const round_state *r)
{
    const uint64_t records = r->threads;
    const uint64_t batch = r->options.batch_objects;

    if (r->face->by_pointer)
        return records * (batch + HOLDS) * sizeof(object);
    return (2 * (CELLS + records + records * batch) + 2 * records * batch) * sizeof(object);
}

/* While the writers rest: numbers that move cannot be added up. */
static inline void weigh(round_state *r)
{
    weir_reclaim_stats stats;

    while (weir_atomic_load(&r->rests, WEIR_ACQUIRE) + 1 < r->threads)
        sched_yield();
    r->face->stats(r->domain, &stats);
    if (!r->face->bounded)
        return;
    /* relaxed: read when all is over. */
    weir_atomic_store(&r->most, stats.bytes, WEIR_RELAXED);
    if (stats.bytes > bound(r))
        fault(r, "more waits, with a frozen reader, than the banner says");
}

/* Stays inside until the others have done, with what it has found. */
static inline void freeze(worker *w)
{
    round_state *const r = w->round;
    const weir_section section = r->face->enter(w->record);
    object *held[HOLDS];
    uint64_t stamps[HOLDS];

    for (unsigned i = 0; i < HOLDS; i++) {
        held[i] = (object *)r->face->protect(w->record, i, &r->cells[i]);
        stamps[i] = held[i] == NULL ? 0 : held[i]->stamp;
    }
    /* relaxed: as in note_stall(). */
    weir_atomic_store(&r->frozen, (int)syscall(SYS_gettid), WEIR_RELAXED);
    while (!stress_stopping(r->s) && !faulty(r)) {
        for (unsigned i = 0; i < HOLDS; i++)
            if (held[i] != NULL)
                (void)look_at(r, held[i], stamps[i]);
        sched_yield();
    }
    weigh(r);
    weir_atomic_store(&r->weighed, true, WEIR_RELEASE);
    /* relaxed: as above. */
    weir_atomic_store(&r->frozen, 0, WEIR_RELAXED);
    r->face->exit(w->record, section);
}

static inline bool only_write(worker *w)
{
    object *const old = exchange(w);

    if (old != NULL)
        retire_object(w, old);
    return true;
}

/* ---- a worker ---- */

/* Where it hits, in the middle of an operation for instance, the thread stands still. */
static inline void stand_still(int signal_number)
{
    (void)signal_number;
    for (int i = 0; i < 8; i++)
        sched_yield();
}

/* The threads that it hits have begun, and are not joined before this one has ended. */
static inline void prod_others(worker *self)
{
    round_state *const round = self->round;

    while (!stress_stopping(round->s) && !faulty(round)) {
        worker *const w = &workers[stress_below(&self->rng, round->threads)];

        if (w != self && weir_atomic_load(&w->works, WEIR_ACQUIRE))
            (void)pthread_kill(w->id, SIGUSR1);
        stress_maybe_yield(&self->rng, 8);
    }
}

static inline bool step_of_round(worker *w)
{
    switch (w->round->kind) {
    case CHURNED:
        /* What those who end have retired is left to the writer, while somebody reads. */
        return w->me == 1   ? check_marks(w)
               : w->me == 2 ? read_some(w)
               : w->me == 3 ? write_one(w)
                            : one_life(w);
    case FROZEN:
        return only_write(w);
    default:
        return w->me == 1 ? check_marks(w) : one_step(w);
    }
}

static inline void work(void *argument)
{
    worker *const w = (worker *)argument;
    round_state *const r = w->round;

    this_thread = w;
    w->id = pthread_self();
    weir_atomic_store(&w->works, true, WEIR_RELEASE);
    if (r->prod && w->me == 0 && r->kind != FROZEN) {
        prod_others(w);
    } else {
        take_record(w);
        if (r->kind == FROZEN && w->me == 0)
            freeze(w);
        else
            while (!stress_stopping(r->s) && !faulty(r) && step_of_round(w)) {
            }
        weir_atomic_fetch_add(&r->rests, 1, WEIR_ACQ_REL);
        /* Its end would collect. */
        while (r->kind == FROZEN && !weir_atomic_load(&r->weighed, WEIR_ACQUIRE))
            sched_yield();
    }
    /* Its end, which may call callbacks, comes after its worker's: those have no memory of it. */
    this_thread = NULL;
}

/* ---- rounds ---- */

typedef struct reclaim_totals {
    uint64_t rounds, made, reads, barriers, lives, most;
} reclaim_totals;

static inline void draw_round(round_state *r, const reclaim_face *face, uint64_t number,
                              stress_rng *rng)
{
    static const size_t batches[] = {1, 2, 7, 64, 1024};

    memset((void *)r, 0, sizeof *r);
    r->face = face;
    r->kind = (kind)(number % KINDS);
    r->threads = (r->kind == CHURNED ? 5 : 3) + (unsigned)stress_below(rng, 6);
    r->prod = stress_below(rng, 2) == 0;
    r->recycles = stress_below(rng, 4) != 0;
    r->hot = stress_below(rng, 2) == 0 ? 1 + (unsigned)stress_below(rng, 3) : CELLS;
    r->yield_one = stress_below(rng, 3) == 0 ? 0 : 1 + (uint32_t)stress_below(rng, 200);
    r->options.batch_objects = batches[stress_below(rng, sizeof batches / sizeof batches[0])];
    r->options.batch_bytes = SIZE_MAX / 2;
    r->options.fenced = stress_below(rng, 3) == 0;
    if (r->kind == FROZEN) {
        r->options.batch_objects = batches[1 + stress_below(rng, 3)];
        r->options.limit_bytes = 100 * sizeof(object);
        r->options.batch_bytes = 100 * sizeof(object);
        r->options.stalled = note_stall;
        r->options.context = r;
        r->recycles = true;
    }
}

/* What is in the cells, and what waits, is reclaimed; in one of three ways. */
static inline bool settle(round_state *r, stress_rng *rng)
{
    const reclaim_face *const f = r->face;
    const bool by_barrier = stress_below(rng, 2) == 0;
    weir_reclaim_stats stats;
    worker *const w = &workers[0];

    /* As the first worker, which has ended. */
    this_thread = w;
    take_record(w);
    for (int i = 0; i < CELLS; i++) {
        object *const o = (object *)weir_atomic_exchange(&r->cells[i], NULL, WEIR_ACQ_REL);

        if (o != NULL)
            retire_object(w, o);
    }
    if (by_barrier && f->barrier(r->domain, WEIR_FOREVER) != 0)
        return fault(r, "the last barrier failed");
    f->stats(r->domain, &stats);
    if (by_barrier && (stats.objects != 0 || stats.bytes != 0))
        return fault(r, "something waits after the last barrier");
    /* One for each thread at a time; a few more where two looked for one at once. */
    if (stats.records > 4 * (size_t)r->threads + 8)
        return fault(r, "more records than threads");
    if (f->destroy(r->domain) != 0)
        return fault(r, "free failed, with nobody inside");
    /* relaxed: the threads have ended. */
    if (weir_atomic_load(&r->made, WEIR_RELAXED) != weir_atomic_load(&r->reclaimed, WEIR_RELAXED))
        return fault(r, "not as many callbacks as objects");
    return true;
}

/* Returns: what the ledger found, or NULL. */
static inline const char *run_round(round_state *r, stress_rng *rng, uint64_t ns,
                                    reclaim_totals *sums)
{
    current = r;
    if (r->face->make(&r->domain, &r->options) != 0)
        stress_fail(r->s, "no domain was made");
    for (unsigned i = 0; i < r->threads; i++) {
        worker *const w = &workers[i];

        memset((void *)w, 0, sizeof *w);
        w->round = r;
        w->me = i;
        w->rng = stress_rng_make(stress_random(rng), i);
    }
    stress_run(r->s, r->threads, work, workers, sizeof workers[0], ns);
    if (!faulty(r))
        (void)settle(r, rng);
    this_thread = NULL;
    for (unsigned i = 0; i < r->threads; i++) {
        sums->reads += workers[i].reads;
        sums->barriers += workers[i].barriers;
        free_memory(&workers[i]);
    }
    sums->rounds++;
    /* relaxed: the threads have ended. */
    sums->made += weir_atomic_load(&r->made, WEIR_RELAXED);
    sums->lives += weir_atomic_load(&r->lives, WEIR_RELAXED);
    if (weir_atomic_load(&r->most, WEIR_RELAXED) > sums->most && r->face->bounded)
        sums->most = weir_atomic_load(&r->most, WEIR_RELAXED);
    return weir_atomic_load(&r->fault, WEIR_RELAXED);
}

#include "reclaim_more.h"

/* ---- all of it ---- */

static inline int reclaim_stress(const char *name, int argc, char **argv, const reclaim_face *faces,
                                 size_t count)
{
    static round_state round;
    reclaim_totals sums = {0, 0, 0, 0, 0, 0};
    const char *naive_fault;
    struct sigaction still;
    stress_rng rng;
    stress s;
    uint64_t ns;

    stress_begin(&s, name, argc, argv);
    memset(&still, 0, sizeof still);
    still.sa_handler = stand_still;
    if (sigaction(SIGUSR1, &still, NULL) != 0)
        stress_fail(&s, "no signal handler");
    rng = stress_rng_make(s.seed, 0);
    naive_fault = find_naive(&s, &rng);
    for (size_t i = 0; i < count; i++) {
        many_holders(&s, &faces[i], false);
        many_holders(&s, &faces[i], true);
        sums.lives += short_lives_leave_nothing(&s, &faces[i], count);
    }
    /* Short rounds in a short run, so that the matrix is seen. */
    ns = (uint64_t)(s.seconds * 1e9 / 24 / (double)count);
    ns = ns < 2000000 ? 2000000 : ns > 50000000 ? 50000000 : ns;
    do {
        const char *found;

        draw_round(&round, &faces[sums.rounds % count], sums.rounds / count, &rng);
        round.s = &s;
        found = run_round(&round, &rng, ns, &sums);
        if (found != NULL)
            stress_fail(&s, "%s, kind %d, %u threads, batches of %zu%s%s: %s", round.face->name,
                        (int)round.kind, round.threads, round.options.batch_objects,
                        round.options.fenced ? ", fenced" : "", round.prod ? ", prodded" : "",
                        found);
    } while (stress_goes_on(&s, "%" PRIu64 " rounds, %" PRIu64 " objects", sums.rounds, sums.made));
    return stress_end(&s,
                      "%" PRIu64 " rounds, %" PRIu64 " objects, %" PRIu64 " reads, %" PRIu64
                      " barriers, %" PRIu64 " short threads, at most %" PRIu64
                      " bytes under a frozen reader; each callback once. Without protection: %s",
                      sums.rounds, sums.made, sums.reads, sums.barriers, sums.lives, sums.most,
                      naive_fault);
}

#endif /* WEIR_STRESS_RECLAIM_H */
