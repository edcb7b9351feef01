/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/poll.c: one thread runs a loop; each of the others has a pipe, whose one end the loop
 * watches. It writes numbers, as many as fit, and now and then takes the poll back, frees it, and
 * has another one started.
 *
 * The numbers arrive, each once, in order: no edge is lost. A poll that was taken back is not
 * called; no memory is left.
 *
 * Edges: none of its own. */

#include "memory.h"
#include "stress.h"

#include <weir/poll.h>

#include <errno.h>
#include <fcntl.h>

enum { MOST = 64 };

typedef struct actor actor;

typedef struct thing {
    weir_poll poll;
    actor *of;
    uint64_t check; /* stress_mix() of its address, while it may be called */
} thing;

struct actor {
    unsigned number;
    stress_rng rng;
    int ends[2];      /* read, write */
    bool level, some; /* some: read less than there is, and say so */
    uint64_t written, changed;
    WEIR_ATOMIC(uint64_t) arrived; /* relaxed: a number */
    thing *watched;
    weir_call start;
};

static stress s;
static weir_loop *loop;
static actor actors[STRESS_MAX_THREADS];

/* ---- in the loop ---- */

static void called(weir_poll *poll, unsigned ready)
{
    thing *const t = (thing *)(void *)poll;
    uint64_t numbers[MOST];
    actor *const a = t->of;
    ssize_t n;

    if (t->check != stress_mix((uintptr_t)t) || a->watched != t)
        stress_fail(&s, "a poll that was taken back is called");
    if ((ready & WEIR_POLL_READ) == 0)
        stress_fail(&s, "ready for something else: %x", ready);
    do {
        uint64_t expected = weir_atomic_load(&a->arrived, WEIR_RELAXED); /* relaxed: its own. */

        n = read(a->ends[0], numbers, a->some ? sizeof numbers[0] : sizeof numbers);
        for (ssize_t i = 0; i < n / (ssize_t)sizeof numbers[0]; i++)
            if (numbers[i] != expected++)
                stress_fail(&s, "a number was lost, or came twice");
        weir_atomic_store(&a->arrived, expected, WEIR_RELAXED); /* relaxed: its own. */
    } while (n > 0 && !a->some);
    if (a->some && !a->level && n > 0)
        weir_poll_again(poll, WEIR_POLL_READ);
}

static int start(weir_call *call)
{
    actor *const a = (actor *)(void *)((char *)call - offsetof(actor, start));

    return weir_poll_start(&a->watched->poll, WEIR_POLL_READ | (a->level ? WEIR_POLL_LEVEL : 0));
}

/* ---- beside it ---- */

static void watch(actor *a)
{
    thing *const t = (thing *)counted_alloc(sizeof *t, 16, NULL);

    if (t == NULL)
        stress_fail(&s, "no memory");
    t->of = a;
    t->check = stress_mix((uintptr_t)t);
    a->watched = t;
    weir_poll_init(&t->poll, loop, a->ends[0], called);
    weir_call_init(&a->start, start, NULL);
    if (weir_loop_call(loop, &a->start, WEIR_FOREVER, NULL) != 0)
        stress_fail(&s, "a poll could not be started");
}

static void unwatch(actor *a)
{
    weir_canceller canceller;
    int status = weir_poll_cancel_wait(&a->watched->poll, &canceller,
                                       stress_below(&a->rng, 2) == 0 ? 0 : WEIR_FOREVER, NULL);

    if (status == -ETIMEDOUT)
        status = weir_canceller_wait(&canceller, WEIR_FOREVER, NULL);
    if (status != 0)
        stress_fail(&s, "a cancel ended with %d", status);
    counted_release(a->watched, sizeof *a->watched, NULL);
    a->watched = NULL;
}

static void use_loop(actor *a)
{
    watch(a);
    while (!stress_stopping(&s)) {
        stress_maybe_yield(&a->rng, 8);
        if (stress_below(&a->rng, 64) == 0) {
            a->changed++;
            unwatch(a);
            a->level = stress_below(&a->rng, 2) == 0;
            a->some = stress_below(&a->rng, 2) == 0;
            watch(a);
        } else if (write(a->ends[1], &a->written, sizeof a->written) > 0) {
            a->written++;
        } else {
            sched_yield(); /* it is full */
        }
    }
    /* relaxed: a number; that it comes to that is what is tested. */
    while (weir_atomic_load(&a->arrived, WEIR_RELAXED) != a->written)
        sched_yield();
    unwatch(a);
    weir_loop_release(loop);
}

static void act(void *argument)
{
    actor *const a = (actor *)argument;

    if (a->number != 0) {
        use_loop(a);
    } else {
        if (weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER) != 0)
            stress_fail(&s, "the run was stopped");
        if (weir_loop_free(loop) != 0)
            stress_fail(&s, "the loop could not be freed");
    }
}

static void make(uint64_t round)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    stress_rng rng = stress_rng_make(s.seed, round * STRESS_MAX_THREADS);

    options.events = (unsigned)stress_below(&rng, 4);
    if (weir_loop_new(&loop, &options) != 0)
        stress_fail(&s, "no memory, or no descriptors");
    for (unsigned i = 0; i < s.threads; i++) {
        actor *const a = &actors[i];

        memset((void *)a, 0, sizeof *a);
        a->number = i;
        a->rng = stress_rng_make(s.seed, round * STRESS_MAX_THREADS + i + 1);
        if (i == 0)
            continue;
        weir_loop_hold(loop);
        if (pipe(a->ends) != 0 || fcntl(a->ends[0], F_SETFL, O_NONBLOCK) != 0 ||
            fcntl(a->ends[1], F_SETFL, O_NONBLOCK) != 0)
            stress_fail(&s, "no pipe");
    }
}

int main(int argc, char **argv)
{
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    uint64_t rounds = 0, numbers = 0, changed = 0;

    stress_begin(&s, "poll", argc, argv);
    if (s.threads < 2)
        s.threads = 2;
    weir_set_allocator(&counted);
    do {
        make(rounds);
        stress_run(&s, s.threads, act, actors, sizeof actors[0], 20000000);
        for (unsigned i = 1; i < s.threads; i++) {
            close(actors[i].ends[0]);
            close(actors[i].ends[1]);
            numbers += actors[i].written;
            changed += actors[i].changed;
        }
        /* relaxed: alone. */
        if (weir_atomic_load(&live, WEIR_RELAXED) != 0)
            stress_fail(&s, "%zu bytes leaked", weir_atomic_load(&live, WEIR_RELAXED));
        rounds++;
    } while (stress_goes_on(&s, "%" PRIu64 " numbers", numbers));
    return stress_end(&s,
                      "%" PRIu64 " loops, %" PRIu64 " numbers, %" PRIu64
                      " polls taken back; each number once and in order",
                      rounds, numbers, changed);
}
