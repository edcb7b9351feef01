/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/future.c: every thread goes through the same list of futures: of each, one has the
 * promise, and completes, fails or drops it; the others wait, for ever, for a while, with a token,
 * or for the first of several; look; add callbacks and take them back; cancel; and let go. The last
 * drops it, or destroys and frees it, in a callback too.
 *
 * Each result arrives, is whole, and is the same for all; each callback is called once, or was
 * taken back; a value is taken by one side, or given back to the other; each block is freed once
 * (released memory is overwritten, and counted). Handlers of a cancel run once at most (R24: folly
 * d0edf4c66, f4c8e8337), and never after they were taken away. */

#include "memory.h"
#include "stress.h"

#include <weir/future.h>

#include <errno.h>

enum { JOBS = 256, AT_ONCE = 3, SHORT_NS = 30000, MOST_OPERATIONS = 4 };

typedef struct payload {
    uint64_t word, check;
} payload;

typedef struct job job;

/* One for each thread and job. */
typedef struct listener {
    weir_then then;
    job *of;
    bool holds; /* counts as one who uses the future */
    WEIR_ATOMIC(uint32_t) calls;
} listener;

struct job {
    weir_promise *promise;
    weir_future *future;
    uint64_t number;
    unsigned owner; /* the thread that has the promise */
    bool here;      /* in the caller's memory */
    bool sourced;
    WEIR_ATOMIC(uint32_t) users;
    WEIR_ATOMIC(uint32_t) handled;
    WEIR_ATOMIC(uint32_t) taken, given_back;
    weir_cancel_source source;
    weir_cancel_callback handler;
    int status; /* what the owner gave; written before */
    listener listeners[STRESS_MAX_THREADS];
    uint32_t wanted_calls[STRESS_MAX_THREADS]; /* by that thread */
};

typedef struct joint {
    weir_future future;
    payload value;
} joint;

typedef struct actor {
    unsigned number;
    stress_rng rng;
    uint64_t waits, callbacks, cancels, timeouts;
} actor;

static stress s;
static job *jobs;

/* ---- results ---- */

static payload payload_of(const job *j)
{
    const payload p = {j->number, stress_mix(j->number)};

    return p;
}

static void check_value(const job *j, int status, const payload *p)
{
    if (status != j->status)
        stress_fail(&s, "a status of %d, %d was given", status, j->status);
    if (status == 0 && (p->word != j->number || p->check != stress_mix(j->number)))
        stress_fail(&s, "a value that was not sent");
}

static void check_result(job *j)
{
    payload p = {0, 0};
    const int status = weir_future_result(j->future, &p);
    const payload *const there = (const payload *)weir_future_peek(j->future);

    check_value(j, status, &p);
    if ((there != NULL) != (status == 0) || (there != NULL && there->word != p.word))
        stress_fail(&s, "peek does not show what the result is");
}

/* ---- the future side ---- */

/* One uses it no more; the last lets go. */
static void leave(job *j)
{
    payload p = {0, 0};
    int status;

    if (weir_atomic_fetch_sub(&j->users, 1, WEIR_ACQ_REL) != 1)
        return;
    if (j->here) {
        if (weir_future_wait(j->future, WEIR_FOREVER, NULL) != 0 ||
            weir_future_destroy(j->future) != 0)
            stress_fail(&s, "a future that is complete could not be destroyed");
        counted_release((void *)j->future, sizeof(joint), NULL);
        weir_atomic_store(&j->taken, 1, WEIR_RELAXED); /* relaxed: read after the join. */
        return;
    }
    status = weir_future_drop(j->future, &p);
    if (status == -EBUSY)
        return;
    weir_atomic_store(&j->taken, 1, WEIR_RELAXED); /* relaxed: read after the join. */
    check_value(j, status, &p);
}

static void hear(weir_then *then, weir_future *future)
{
    listener *const l = (listener *)(void *)then;

    if (future != l->of->future)
        stress_fail(&s, "a callback of another future");
    check_result(l->of);
    /* relaxed: a number, read after the join. */
    weir_atomic_fetch_add(&l->calls, 1, WEIR_RELAXED);
    if (l->holds)
        leave(l->of);
}

static void listen(actor *a, job *j)
{
    listener *const l = &j->listeners[a->number];

    if (j->wanted_calls[a->number] != 0)
        return;
    /* In the caller's memory it has to be: who destroys knows that callbacks were called. */
    l->holds = j->here || stress_below(&a->rng, 2) == 0;
    if (l->holds)
        /* relaxed: the caller's own count keeps it above 0. */
        weir_atomic_fetch_add(&j->users, 1, WEIR_RELAXED);
    j->wanted_calls[a->number] = 1;
    weir_future_then(j->future, &l->then, hear);
    a->callbacks++;
    stress_maybe_yield(&a->rng, 4);
    if (stress_below(&a->rng, 2) == 0 && weir_future_unthen(j->future, &l->then)) {
        j->wanted_calls[a->number] = 0;
        if (l->holds)
            leave(j);
    }
}

static void wait_in_some_way(actor *a, job *j)
{
    const uint64_t soon = weir_clock_after(stress_below(&a->rng, SHORT_NS));
    weir_cancel_source source;
    int status;

    a->waits++;
    switch (stress_below(&a->rng, 4)) {
    case 0:
        status = weir_future_wait(j->future, WEIR_FOREVER, NULL);
        if (status != 0)
            stress_fail(&s, "a wait for ever ended with %d", status);
        break;
    case 1:
        status = weir_future_wait(j->future, soon, NULL);
        if (status != 0 && status != -ETIMEDOUT)
            stress_fail(&s, "a wait for a while ended with %d", status);
        break;
    case 2:
        weir_cancel_source_init(&source, NULL, soon);
        status = weir_future_wait(j->future, WEIR_FOREVER, weir_cancel_source_token(&source));
        if (status != 0 && status != -ECANCELED)
            stress_fail(&s, "a wait with a token ended with %d", status);
        if (weir_cancel_source_destroy(&source) != 0)
            stress_fail(&s, "somebody waits still with a token");
        break;
    default:
        status = weir_future_wait(j->future, 0, NULL);
        break;
    }
    if (status == 0)
        check_result(j);
    else
        a->timeouts++;
}

/* For one of the next few, those of them that are another's to complete. */
static void wait_for_any(actor *a, job *j)
{
    weir_future *futures[AT_ONCE];
    weir_wait_node nodes[AT_ONCE];
    size_t which = AT_ONCE;
    int status;

    for (size_t i = 0; i < AT_ONCE; i++)
        futures[i] = j + i < jobs + JOBS && j[i].owner != a->number ? j[i].future : NULL;
    status = weir_future_wait_any(futures, AT_ONCE, nodes, &which,
                                  stress_below(&a->rng, 2) == 0
                                      ? WEIR_FOREVER
                                      : weir_clock_after(stress_below(&a->rng, SHORT_NS)),
                                  NULL);
    a->waits++;
    if (status == 0 && (which >= AT_ONCE || futures[which] == NULL))
        stress_fail(&s, "none of several was first");
    if (status == 0)
        check_result(j + which);
    else if (status != -ETIMEDOUT)
        stress_fail(&s, "a wait for any ended with %d", status);
}

static void use(actor *a, job *j)
{
    const uint64_t operations = stress_below(&a->rng, MOST_OPERATIONS);

    for (uint64_t i = 0; i < operations; i++) {
        stress_maybe_yield(&a->rng, 16);
        switch (stress_below(&a->rng, 6)) {
        case 0:
        case 1:
            listen(a, j);
            break;
        case 2:
            weir_future_cancel(j->future);
            a->cancels++;
            break;
        case 3:
            wait_for_any(a, j);
            break;
        case 4:
            if (weir_future_is_done(j->future))
                check_result(j);
            break;
        default:
            wait_in_some_way(a, j);
        }
    }
    leave(j);
}

/* ---- the promise side ---- */

static void handle(void *context, int reason)
{
    job *const j = (job *)context;

    if (reason != -ECANCELED)
        stress_fail(&s, "a reason of %d", reason);
    /* relaxed: a number; unregister orders it. */
    weir_atomic_fetch_add(&j->handled, 1, WEIR_RELAXED);
}

static void provide(actor *a, job *j)
{
    const payload p = payload_of(j);
    int status;

    stress_maybe_yield(&a->rng, 4);
    if (!weir_promise_wanted(j->promise) && stress_below(&a->rng, 2) == 0)
        j->status = -ECANCELED;
    else
        j->status = stress_below(&a->rng, 4) != 0 ? 0
                    : stress_below(&a->rng, 2)    ? -EIO
                                                  : -EOWNERDEAD;
    if (j->sourced) {
        status = weir_cancel_unregister(&j->handler, WEIR_FOREVER, NULL);
        /* relaxed: ordered by unregister. */
        if (weir_atomic_load(&j->handled, WEIR_RELAXED) != (status == 0 ? 0U : 1U))
            stress_fail(&s, "a handler ran twice, or after it was taken away");
        memset(&j->handler, 0x5a, sizeof j->handler);
    }
    if (j->status == 0)
        status = weir_promise_complete(j->promise, &p);
    else if (j->status != -EOWNERDEAD)
        status = weir_promise_fail(j->promise, j->status);
    else {
        weir_promise_drop(j->promise);
        return;
    }
    if (status != 0 && status != -EPIPE)
        stress_fail(&s, "a completion ended with %d", status);
    if (status == -EPIPE)
        weir_atomic_store(&j->given_back, 1, WEIR_RELAXED); /* relaxed: read after the join. */
}

/* ---- rounds ---- */

static void act(void *argument)
{
    actor *const a = (actor *)argument;

    for (job *j = jobs; j < jobs + JOBS; j++)
        if (j->owner == a->number)
            provide(a, j);
        else
            use(a, j);
}

static void make(job *j, uint64_t number, stress_rng *rng)
{
    memset((void *)j, 0, sizeof *j);
    j->number = number;
    j->owner = (unsigned)stress_below(rng, s.threads);
    j->here = stress_below(rng, 3) == 0;
    j->sourced = stress_below(rng, 2) == 0;
    weir_atomic_init(&j->users, s.threads - 1);
    for (unsigned i = 0; i < s.threads; i++)
        j->listeners[i].of = j;
    weir_cancel_source_init(&j->source, NULL, WEIR_FOREVER);
    if (j->here) {
        joint *const made = (joint *)counted_alloc(sizeof *made, 16, NULL);

        if (made == NULL)
            stress_fail(&s, "no memory");
        weir_future_init(&made->future, &made->value, sizeof made->value,
                         j->sourced ? &j->source : NULL);
        j->future = &made->future;
        j->promise = weir_future_promise(j->future);
    } else if (weir_future_new(&j->promise, &j->future, sizeof(payload),
                               j->sourced ? &j->source : NULL) != 0) {
        stress_fail(&s, "no memory");
    }
    if (j->sourced)
        weir_cancel_register(weir_promise_token(j->promise), &j->handler, handle, j);
}

static void check(job *j)
{
    /* relaxed: the threads have been joined. */
    const uint32_t taken = weir_atomic_load(&j->taken, WEIR_RELAXED);
    const uint32_t back = weir_atomic_load(&j->given_back, WEIR_RELAXED);
    bool heard = false;

    for (unsigned i = 0; i < s.threads; i++) {
        const uint32_t calls = weir_atomic_load(&j->listeners[i].calls, WEIR_RELAXED); /* relaxed */

        if (calls != j->wanted_calls[i])
            stress_fail(&s, "a callback was called %u times, wanted %u", calls, j->wanted_calls[i]);
        heard |= calls != 0;
    }
    if (taken + back > 1 || (taken + back == 0 && !heard && j->status != -EOWNERDEAD))
        stress_fail(&s, "a result was taken by %u sides", taken + back);
    if (weir_cancel_source_destroy(&j->source) != 0)
        stress_fail(&s, "a source is in use after all is over");
}

int main(int argc, char **argv)
{
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    static actor actors[STRESS_MAX_THREADS];
    uint64_t rounds = 0, waits = 0, callbacks = 0, cancels = 0, timeouts = 0;
    stress_rng rng;

    stress_begin(&s, "future", argc, argv);
    if (s.threads < 2)
        s.threads = 2;
    weir_set_allocator(&counted);
    rng = stress_rng_make(s.seed, 0);
    jobs = (job *)malloc(JOBS * sizeof *jobs);
    if (jobs == NULL)
        return 2;
    do {
        for (unsigned i = 0; i < JOBS; i++)
            make(&jobs[i], rounds * JOBS + i + 1, &rng);
        for (unsigned i = 0; i < s.threads; i++) {
            memset(&actors[i], 0, sizeof actors[i]);
            actors[i].number = i;
            actors[i].rng = stress_rng_make(s.seed, rounds * STRESS_MAX_THREADS + i + 1);
        }
        stress_run(&s, s.threads, act, actors, sizeof actors[0], 0);
        for (unsigned i = 0; i < JOBS; i++)
            check(&jobs[i]);
        /* relaxed: alone. */
        if (weir_atomic_load(&live, WEIR_RELAXED) != 0)
            stress_fail(&s, "%zu bytes leaked", weir_atomic_load(&live, WEIR_RELAXED));
        for (unsigned i = 0; i < s.threads; i++) {
            waits += actors[i].waits;
            callbacks += actors[i].callbacks;
            cancels += actors[i].cancels;
            timeouts += actors[i].timeouts;
        }
        rounds++;
    } while (stress_goes_on(&s, "%" PRIu64 " futures", rounds * JOBS));
    free((void *)jobs);
    return stress_end(&s,
                      "%" PRIu64 " futures, %" PRIu64 " waits, %" PRIu64
                      " of them in vain, %" PRIu64 " callbacks, %" PRIu64
                      " cancels; each result once, each block freed once",
                      rounds * JOBS, waits, timeouts, callbacks, cancels);
}
