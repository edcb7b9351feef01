/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Event counts and waiters under many threads, with signals that interrupt their sleep. Each round
 * is one of:
 *
 *   items  a queue, and an event for who finds it empty: some wait, by await or in its steps, some
 *          give up at a deadline, some are cancelled, some withdraw; each item is had once, and
 *          nobody sleeps while there is one. In every other round a single producer goes on
 *          when all that it has put is taken: no later notification makes up for a lost one
 *   ring   each thread parks until its neighbour unparks it, then unparks the next: no hop is
 *          lost, also where some parks end at deadlines
 *   calls  waiters with functions, which several threads unpark: one call for each arm
 *
 * Who sleeps for half a minute says so, and the round has failed: nothing here takes that long.
 *
 * Edges:
 *   here    come() -> disturb()             carries the thread's name
 *   closed  produce() -> takes_one()        carries all items
 *   had     consume() -> is_none_left()     carries that all are had
 *   hop     unpark_next() -> take_hop()     carries the hops that came
 *   call    is_called() -> has_been_called()  carries the call */

#include <weir/cancel.h>
#include <weir/mpmc.h>
#include <weir/wait.h>

#include "stress.h"

#include <errno.h>
#include <signal.h>

#define LONG UINT64_C(30000000000)

static struct {
    uint64_t rounds, items, late, cancelled, withdrawn, hops, calls, signals;
} totals;

typedef struct worker {
    WEIR_ALIGNAS(WEIR_CACHELINE) stress *s;
    stress_rng rng;
    void *round;
    unsigned id;
    bool unused;
    uint64_t items, late, cancelled, withdrawn, hops, calls, signals;
    pthread_t self;
    WEIR_ATOMIC(uint32_t) here;
} worker;

static worker workers[STRESS_MAX_THREADS];

static void ignore(int signal)
{
    (void)signal;
}

/* One thread of each round does nothing else. */
static void disturb(worker *w, unsigned others)
{
    while (!stress_stopping(w->s)) {
        worker *const other = &workers[1 + stress_size(&w->rng, others)];
        const struct timespec a_while = {0, 20000 + (long)stress_below(&w->rng, 200000)};

        /* sync(here): acquire. Pairs with come(). */
        if (weir_atomic_load(&other->here, WEIR_ACQUIRE) != 0) {
            pthread_kill(other->self, SIGUSR1);
            w->signals++;
        }
        nanosleep(&a_while, NULL);
    }
}

static void come(worker *w)
{
    w->self = pthread_self();
    /* sync(here): release. Pairs with disturb(). */
    weir_atomic_store(&w->here, 1, WEIR_RELEASE);
}

static void run(stress *s, stress_rng *rng, unsigned count, void (*body)(void *), void *round)
{
    memset(workers, 0, sizeof workers);
    for (unsigned i = 0; i < count; i++) {
        workers[i].s = s;
        workers[i].rng = stress_rng_make(stress_random(rng), i);
        workers[i].round = round;
        workers[i].id = i;
    }
    stress_run(s, count, body, workers, sizeof workers[0], 2000000 + stress_below(rng, 30000000));
    for (unsigned i = 0; i < count; i++) {
        totals.items += workers[i].items;
        totals.late += workers[i].late;
        totals.cancelled += workers[i].cancelled;
        totals.withdrawn += workers[i].withdrawn;
        totals.hops += workers[i].hops;
        totals.calls += workers[i].calls;
        totals.signals += workers[i].signals;
    }
}

/* Waits for what has to come soon. At the end of a wait the condition is looked at once more: what
 * is true then, and was not noticed before, is a lost wake-up too. */
static void await_soon(worker *w, weir_event *event, bool (*ready)(void *context), void *context,
                       const char *what)
{
    const uint64_t deadline = weir_clock_after(LONG);

    if (weir_event_await(event, ready, context, deadline, NULL) != 0 || weir_clock_passed(deadline))
        stress_fail(w->s, "%s", what);
}

#ifdef WEIR_HAVE_MPMC
/* ---- items ---- */

enum { RING = 64, ITEMS = 1 << 18 };

typedef struct item_round {
    weir_mpmc queue;
    weir_event some, room, none;
    weir_cancel_source source;
    WEIR_ATOMIC(uint32_t) next, producers, closed;
    WEIR_ATOMIC(uint32_t) inside; /* items that nobody has yet, of a patient producer */
    unsigned consumers;
    uint32_t burst;
    bool patient;
} item_round;

static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char ring[16384];
static WEIR_ATOMIC(uint32_t) had[ITEMS];

typedef struct look {
    item_round *r;
    uintptr_t item; /* to be put, or taken */
    bool closed;
} look;

static bool puts_it(void *context)
{
    look *const l = (look *)context;

    return weir_mpmc_try_enqueue(&l->r->queue, l->item);
}

static bool is_none_left(void *context)
{
    /* sync(had): acquire. Pairs with consume(). */
    return weir_atomic_load(&((look *)context)->r->inside, WEIR_ACQUIRE) == 0;
}

static bool takes_one(void *context)
{
    look *const l = (look *)context;

    if (weir_mpmc_try_dequeue(&l->r->queue, &l->item))
        return true;
    /* sync(closed): acquire. Pairs with produce(). */
    if (weir_atomic_load(&l->r->closed, WEIR_ACQUIRE) == 0)
        return false;
    l->closed = !weir_mpmc_try_dequeue(&l->r->queue, &l->item);
    return true;
}

/* Returns: false if there are no more. */
static bool number(look *l)
{
    /* relaxed: one for each. */
    l->item = weir_atomic_fetch_add(&l->r->next, 1, WEIR_RELAXED);
    return l->item < ITEMS;
}

static void tell(worker *w, item_round *r, uint32_t n)
{
    if (!r->patient && stress_below(&w->rng, 8) == 0)
        weir_event_notify_all(&r->some);
    else
        weir_event_notify(&r->some, n);
}

static void produce(worker *w, item_round *r)
{
    look l = {r, 0, false};
    bool more = number(&l);

    while (more && !stress_stopping(w->s)) {
        const uint32_t burst = 1 + (uint32_t)stress_below(&w->rng, r->burst);
        uint32_t n = 0;

        /* relaxed: none is there. */
        if (r->patient)
            weir_atomic_store(&r->inside, burst, WEIR_RELAXED);
        while (more && n < burst && puts_it(&l)) {
            n++;
            more = number(&l);
        }
        tell(w, r, n);
        if (r->patient) {
            /* Those that have not been put. sync(had): acquire. Pairs with consume(). */
            weir_atomic_fetch_sub(&r->inside, burst - n, WEIR_ACQUIRE);
            await_soon(w, &r->none, is_none_left, &l, "items: somebody sleeps over an item");
        } else if (more && n < burst) {
            await_soon(w, &r->room, puts_it, &l, "items: a producer is not woken");
            tell(w, r, 1);
            more = number(&l);
        }
        stress_maybe_yield(&w->rng, 16);
    }
    w->unused = more; /* the number */
    /* sync(closed): release. Pairs with takes_one(). sync(closed): acquire. Of the other
     * producers, likewise. */
    if (weir_atomic_fetch_sub(&r->producers, 1, WEIR_ACQ_REL) == 1) {
        /* sync(closed): release. Pairs with takes_one(). */
        weir_atomic_store(&r->closed, 1, WEIR_RELEASE);
        weir_event_notify_all(&r->some);
    }
}

/* The steps of await. */
static int await_in_steps(worker *w, item_round *r, look *l, uint64_t deadline, weir_cancel *cancel)
{
    weir_sleeper sleeper;
    int status = 0;

    while (status == 0) {
        weir_event_prepare(&r->some, &sleeper);
        stress_maybe_yield(&w->rng, 4);
        if (takes_one(l)) {
            weir_event_withdraw(&r->some, &sleeper);
            return 0;
        }
        if (stress_below(&w->rng, 16) == 0) {
            weir_event_withdraw(&r->some, &sleeper);
            w->withdrawn++;
        } else {
            status = weir_event_wait(&r->some, &sleeper, deadline, cancel);
        }
    }
    return status;
}

static void consume(worker *w, item_round *r)
{
    look l = {r, 0, false};

    for (;;) {
        const bool brief = !r->patient && stress_below(&w->rng, 4) == 0;
        const uint64_t deadline = weir_clock_after(brief ? stress_below(&w->rng, 100000) : LONG);
        weir_cancel *const cancel = !r->patient && stress_below(&w->rng, 4) == 0
                                        ? weir_cancel_source_token(&r->source)
                                        : NULL;
        const int status = stress_below(&w->rng, 2) == 0
                               ? weir_event_await(&r->some, takes_one, &l, deadline, cancel)
                               : await_in_steps(w, r, &l, deadline, cancel);

        if (status == -ECANCELED && cancel != NULL) {
            w->cancelled++;
        } else if (status == -ETIMEDOUT && brief) {
            w->late++;
        } else if (status != 0 || (!brief && weir_clock_passed(deadline))) {
            stress_fail(w->s, "items: a wait returned %d%s", status,
                        weir_clock_passed(deadline) ? ", too late" : "");
        } else if (l.closed) {
            return;
        } else {
            /* relaxed: a number. */
            if (weir_atomic_fetch_add(&had[l.item], 1, WEIR_RELAXED) != 0)
                stress_fail(w->s, "items: %" PRIuPTR " was had twice", l.item);
            w->items++;
            weir_event_notify(&r->room, 1);
            /* sync(had): release. Pairs with is_none_left(). */
            if (r->patient && weir_atomic_fetch_sub(&r->inside, 1, WEIR_RELEASE) == 1)
                weir_event_notify(&r->none, 1);
        }
    }
}

/* Takes nothing, and hands on. */
static void meddle(worker *w, item_round *r)
{
    weir_sleeper sleeper;

    while (!stress_stopping(w->s)) {
        weir_event_prepare(&r->some, &sleeper);
        stress_maybe_yield(&w->rng, 4);
        if (stress_below(&w->rng, 2) == 0) {
            weir_event_withdraw(&r->some, &sleeper);
            w->withdrawn++;
        } else if (weir_event_wait(&r->some, &sleeper,
                                   weir_clock_after(stress_below(&w->rng, 100000)), NULL) == 0) {
            weir_event_notify(&r->some, 1);
        } else {
            w->late++;
        }
    }
}

static void item_body(void *argument)
{
    worker *const w = (worker *)argument;
    item_round *const r = (item_round *)w->round;

    come(w);
    if (w->id == 0) {
        disturb(w, w->s->threads - 1);
        (void)weir_cancel_source_cancel(&r->source, 0);
    } else if (w->id > r->consumers) {
        produce(w, r);
    } else if (r->patient && w->id % 2 == 0) {
        meddle(w, r);
    } else {
        consume(w, r);
    }
}

static void items(stress *s, stress_rng *rng)
{
    const unsigned workers_of_it = s->threads - 1;
    uint64_t before = totals.items, numbers, unused = 0;
    item_round r;

    memset(&r, 0, sizeof r);
    if (weir_mpmc_init(&r.queue, ring, sizeof ring, 1 + stress_size(rng, RING)) != 0)
        stress_fail(s, "items: the queue could not be made");
    weir_event_init(&r.some);
    weir_event_init(&r.room);
    weir_cancel_source_init(&r.source, NULL, WEIR_FOREVER);
    weir_event_init(&r.none);
    r.patient = totals.rounds % 2 == 0;
    r.consumers =
        r.patient ? workers_of_it - 1 : 1 + (unsigned)stress_below(rng, workers_of_it - 1);
    weir_atomic_init(&r.producers, workers_of_it - r.consumers);
    r.burst = stress_below(rng, 2) == 0 ? 2 : 40;
    memset(had, 0, sizeof had);
    run(s, rng, s->threads, item_body, &r);
    /* relaxed: all have ended. */
    numbers = weir_atomic_load(&r.next, WEIR_RELAXED);
    numbers = numbers < ITEMS ? numbers : ITEMS;
    for (unsigned i = 0; i < s->threads; i++)
        unused += workers[i].unused;
    if (totals.items - before != numbers - unused)
        stress_fail(s, "items: %" PRIu64 " put, %" PRIu64 " had", numbers - unused,
                    totals.items - before);
    if (weir_event_sleepers_approx(&r.some) != 0 || weir_event_sleepers_approx(&r.room) != 0)
        stress_fail(s, "items: somebody is left in an event");
    if (weir_cancel_source_destroy(&r.source) != 0)
        stress_fail(s, "items: the token is in use");
    weir_mpmc_destroy(&r.queue);
}

#endif /* WEIR_HAVE_MPMC */

/* ---- ring ---- */

typedef struct seat {
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_waiter waiter;
    WEIR_ATOMIC(uint32_t) hops; /* that have come, and wait to be passed on */
    WEIR_ATOMIC(uint32_t) end;
} seat;

static seat seats[STRESS_MAX_THREADS];

typedef struct ring_round {
    unsigned seats;
    uint32_t tokens;
} ring_round;

static void unpark_next(seat *next)
{
    /* sync(hop): release. Pairs with take_hop(). */
    weir_atomic_fetch_add(&next->hops, 1, WEIR_RELEASE);
    weir_waiter_unpark(&next->waiter);
}

/* Returns: false if there is none, and never will be. */
static bool take_hop(worker *w, seat *mine)
{
    for (;;) {
        /* relaxed: a guess. */
        uint32_t hops = weir_atomic_load(&mine->hops, WEIR_RELAXED);
        bool brief;
        int status;

        if (hops > 0) {
            /* sync(hop): acquire. Pairs with unpark_next(). */
            weir_atomic_fetch_sub(&mine->hops, 1, WEIR_ACQUIRE);
            return true;
        }
        /* relaxed: the unpark that comes after it carries it. */
        if (weir_atomic_load(&mine->end, WEIR_RELAXED) != 0)
            return false;
        brief = stress_below(&w->rng, 4) == 0;
        status = weir_waiter_park(
            &mine->waiter, weir_clock_after(brief ? stress_below(&w->rng, 100000) : LONG), NULL);
        if (status == -ETIMEDOUT && brief)
            w->late++;
        else if (status != 0)
            stress_fail(w->s, "ring: a park returned %d%s", status,
                        status == -ETIMEDOUT ? ", too late" : "");
    }
}

/* The first seat's owner takes the tokens out in the end, one after the other, and then ends all.
 */
static void ring_body(void *argument)
{
    worker *const w = (worker *)argument;
    const ring_round *const r = (const ring_round *)w->round;
    const unsigned place = w->id == 0 ? 0 : w->id - 1;
    seat *const mine = &seats[place];
    uint32_t out = 0;

    come(w);
    if (w->id == 0) {
        disturb(w, w->s->threads - 1);
        return;
    }
    while (out < r->tokens && take_hop(w, mine)) {
        w->hops++;
        if (place == 0 && stress_stopping(w->s))
            out++;
        else
            unpark_next(&seats[(place + 1) % r->seats]);
        stress_maybe_yield(&w->rng, 64);
    }
    for (unsigned i = 1; place == 0 && i < r->seats; i++) {
        /* relaxed: the unpark carries it. */
        weir_atomic_store(&seats[i].end, 1, WEIR_RELAXED);
        weir_waiter_unpark(&seats[i].waiter);
    }
}

static void ring_of_waiters(stress *s, stress_rng *rng)
{
    ring_round r;

    r.seats = s->threads - 1;
    r.tokens = 1 + (uint32_t)stress_below(rng, r.seats);
    for (unsigned i = 0; i < r.seats; i++) {
        weir_waiter_init(&seats[i].waiter);
        weir_atomic_init(&seats[i].hops, 0);
        weir_atomic_init(&seats[i].end, 0);
    }
    for (uint32_t i = 0; i < r.tokens; i++)
        unpark_next(&seats[i % r.seats]);
    run(s, rng, s->threads, ring_body, &r);
    for (unsigned i = 0; i < r.seats; i++)
        if (weir_atomic_load(&seats[i].hops, WEIR_RELAXED) != 0) /* relaxed: all have ended. */
            stress_fail(s, "ring: a token is left");
    for (unsigned i = 1; i <= r.seats; i++) {
        const uint64_t more = workers[1].hops - workers[i].hops;

        if (more > r.tokens)
            stress_fail(s, "ring: a token was lost, or doubled");
    }
}

/* ---- calls ---- */

typedef struct callee {
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_waiter waiter; /* the first member */
    weir_event called;
    WEIR_ATOMIC(uint32_t) calls;
    uint64_t counted; /* plain: the owner's, until it has armed */
} callee;

static callee callees[STRESS_MAX_THREADS];

/* Afterwards the owner may go on. */
static void is_called(weir_waiter *waiter)
{
    callee *const c = (callee *)(void *)waiter;

    c->counted++;
    /* sync(call): release. Pairs with has_been_called(). */
    weir_atomic_fetch_add(&c->calls, 1, WEIR_RELEASE);
    weir_event_notify(&c->called, 1);
}

typedef struct wanted {
    callee *c;
    uint32_t calls;
} wanted;

static bool has_been_called(void *context)
{
    const wanted *const is = (const wanted *)context;

    /* sync(call): acquire. Pairs with is_called(). */
    return weir_atomic_load(&is->c->calls, WEIR_ACQUIRE) == is->calls;
}

/* Odd threads arm, even ones unpark them. */
static void call_body(void *argument)
{
    worker *const w = (worker *)argument;
    callee *const c = &callees[w->id];
    wanted is = {c, 0};

    come(w);
    if (w->id == 0) {
        disturb(w, w->s->threads - 1);
    } else if (w->id % 2 == 0) {
        /* relaxed: until none of those who arm is left. */
        while (weir_atomic_load((WEIR_ATOMIC(uint32_t) *)w->round, WEIR_RELAXED) != 0) {
            weir_waiter_unpark(&callees[1 + 2 * stress_size(&w->rng, w->s->threads / 2)].waiter);
            stress_maybe_yield(&w->rng, 8);
        }
    } else {
        while (!stress_stopping(w->s)) {
            c->counted++;
            if (!weir_waiter_arm(&c->waiter))
                continue;
            is.calls++;
            await_soon(w, &c->called, has_been_called, &is, "calls: nobody calls");
            w->calls++;
        }
        /* relaxed: as above. */
        weir_atomic_fetch_sub((WEIR_ATOMIC(uint32_t) *)w->round, 1, WEIR_RELAXED);
    }
}

static void calls(stress *s, stress_rng *rng)
{
    WEIR_ATOMIC(uint32_t) arming;

    weir_atomic_init(&arming, s->threads / 2);
    for (unsigned i = 0; i < s->threads; i++) {
        weir_waiter_init_call(&callees[i].waiter, is_called);
        weir_event_init(&callees[i].called);
        weir_atomic_init(&callees[i].calls, 0);
        callees[i].counted = 0;
    }
    run(s, rng, s->threads, call_body, &arming);
    for (unsigned i = 1; i < s->threads; i += 2)
        /* relaxed: all have ended. */
        if (weir_atomic_load(&callees[i].calls, WEIR_RELAXED) != workers[i].calls)
            stress_fail(s, "calls: one without an arm");
}

int main(int argc, char **argv)
{
    static void (*const rounds[])(stress *, stress_rng *) = {
#ifdef WEIR_HAVE_MPMC
        items,
#endif
        ring_of_waiters, calls};
    struct sigaction action;
    stress_rng rng;
    stress s;

    stress_begin(&s, "wait", argc, argv);
    if (s.threads < 4)
        s.threads = 4; /* who disturbs, two that wait, one that wakes */
    memset(&action, 0, sizeof action);
    action.sa_handler = ignore; /* and no SA_RESTART */
    sigaction(SIGUSR1, &action, NULL);
    rng = stress_rng_make(s.seed, STRESS_MAX_THREADS);
    while (stress_goes_on(&s, "%" PRIu64 " rounds", totals.rounds)) {
        rounds[totals.rounds % (sizeof rounds / sizeof rounds[0])](&s, &rng);
        totals.rounds++;
    }
    return stress_end(&s,
                      "%" PRIu64 " rounds: %" PRIu64 " items, %" PRIu64 " late, %" PRIu64
                      " cancelled, %" PRIu64 " withdrawn; %" PRIu64 " hops; %" PRIu64
                      " calls; %" PRIu64 " signals",
                      totals.rounds, totals.items, totals.late, totals.cancelled, totals.withdrawn,
                      totals.hops, totals.calls, totals.signals);
}
