/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/offload.c: loops in several threads, which offload to the same two pools, with random
 * deadlines and cancels, while another thread may stop the pools.
 *
 *   each that was taken is told once; it is dropped once if it was told before it had run, and only
 *   then; it runs at most once, and not at all only if it was cancelled, late, or discarded; what
 *   it made is seen; no memory is left
 *
 * Edges: none of its own. */

#include "memory.h"
#include "stress.h"

#include <weir/offload.h>

#include <errno.h>

enum { SLOTS = 32 };

typedef struct slot {
    weir_offload offload;
    weir_timer again; /* cancels, or submits */
    struct user *user;
    uint64_t number, sum; /* of this submit; and what the function is to make of it */
    uint64_t made;        /* by the function */
    unsigned runs, dones;
    int result, status;
    bool under_way, cancelled;
} slot;

typedef struct user {
    weir_loop *loop;
    stress_rng rng;
    slot slots[SLOTS];
    uint64_t taken, run, told, dropped, cancelled, late, discarded, refused;
} user;

static stress s;
static user users[STRESS_MAX_THREADS];
static weir_blocking *blocking;
static weir_pool *pool;
static uint64_t total, all_dropped;

static int run(weir_offload *offload)
{
    slot *const t = (slot *)(void *)offload;
    const unsigned rest = (unsigned)(t->number % 8);
    const int result = t->result; /* the last look: it is the loop's once this returns */

    if (t->runs++ != 0)
        stress_fail(&s, "offload %" PRIu64 " runs twice", t->number);
    if (rest == 0)
        usleep(20);
    else if (rest == 1)
        for (int i = 0; i < 100 && weir_offload_wanted(offload); i++)
            sched_yield();
    t->made = stress_mix(t->sum);
    return result;
}

static void arm(slot *t)
{
    weir_timer_after(&t->again, stress_below(&t->user->rng, 200000));
}

static void finish(slot *t)
{
    t->under_way = false;
    t->user->run += t->runs;
    if (!stress_stopping(&s))
        arm(t);
}

static void done(weir_offload *offload, int status)
{
    slot *const t = (slot *)(void *)offload;
    user *const u = t->user;
    const bool early = t->cancelled || status == -ETIMEDOUT;

    if (!t->under_way || t->dones++ != 0)
        stress_fail(&s, "offload %" PRIu64 " is told twice", t->number);
    t->status = status;
    u->told++;
    (void)weir_timer_stop(&t->again);
    if (early) {
        u->late += status == -ETIMEDOUT;
        if (t->cancelled != (status == -ECANCELED))
            stress_fail(&s, "offload %" PRIu64 " is told %d", t->number, status);
        return;
    }
    if (status == -ECANCELED) {
        u->discarded++;
        if (t->runs != 0)
            stress_fail(&s, "offload %" PRIu64 " has run, and is discarded", t->number);
    } else if (status != t->result || t->runs != 1 || t->made != stress_mix(t->sum)) {
        stress_fail(&s, "offload %" PRIu64 " has come to harm: %d, %u runs", t->number, status,
                    t->runs);
    }
    finish(t);
}

static void dropped(weir_offload *offload)
{
    slot *const t = (slot *)(void *)offload;

    if (!t->under_way || t->dones != 1 || (!t->cancelled && t->status != -ETIMEDOUT))
        stress_fail(&s, "offload %" PRIu64 " is dropped after %d", t->number, t->status);
    if (t->runs > 1 || (t->runs == 1 && t->made != stress_mix(t->sum)))
        stress_fail(&s, "offload %" PRIu64 " has come to harm", t->number);
    t->user->dropped++;
    finish(t);
}

static void submit(slot *t)
{
    user *const u = t->user;
    const uint64_t kind = stress_below(&u->rng, 4);
    const uint64_t deadline = kind == 0   ? weir_clock_after(stress_below(&u->rng, 50000))
                              : kind == 1 ? weir_clock_after(stress_below(&u->rng, 2000000))
                                          : WEIR_FOREVER;
    int status;

    t->number++;
    t->sum = stress_random(&u->rng);
    t->result = t->number % 3 == 0 ? -EIO : 0;
    t->runs = t->dones = 0;
    t->made = 0;
    t->cancelled = false;
    t->under_way = true;
    status = stress_below(&u->rng, 2) == 0 ? weir_offload_blocking(&t->offload, blocking, deadline)
                                           : weir_offload_pool(&t->offload, pool, deadline);
    if (status == 0) {
        u->taken++;
        if (stress_below(&u->rng, 2) == 0)
            arm(t); /* to cancel it */
        return;
    }
    if (status != -ETIMEDOUT && status != -EPIPE && status != -EAGAIN)
        stress_fail(&s, "a submit said %d", status);
    if (t->dones != 0)
        stress_fail(&s, "one that is refused is told");
    u->refused++;
    t->under_way = false;
    if (!stress_stopping(&s))
        arm(t);
}

static void again(weir_timer *timer)
{
    slot *const t = (slot *)(void *)((char *)timer - offsetof(slot, again));

    if (!t->under_way) {
        submit(t);
    } else {
        t->cancelled = true;
        t->user->cancelled++;
        if (weir_offload_cancel(&t->offload) != 0 || t->dones != 1)
            stress_fail(&s, "offload %" PRIu64 " cannot be cancelled", t->number);
        if (weir_offload_cancel(&t->offload) != -EALREADY)
            stress_fail(&s, "offload %" PRIu64 " is cancelled twice", t->number);
    }
}

static void stop(unsigned how)
{
    if ((how & 1) != 0)
        (void)!weir_blocking_stop(blocking, (weir_blocking_ending)((how >> 1) & 1), WEIR_FOREVER);
    else
        (void)!weir_pool_stop(pool, (weir_pool_ending)((how >> 1) & 1), WEIR_FOREVER);
}

static void body(void *argument)
{
    user *const u = (user *)argument;

    for (unsigned i = 0; i < SLOTS; i++) {
        slot *const t = &u->slots[i];

        memset(t, 0, sizeof *t);
        t->user = u;
        weir_offload_init(&t->offload, u->loop, run, done, dropped);
        weir_timer_init(&t->again, u->loop, again);
        arm(t);
    }
    /* The timers of the slots end with the round, one after the other. */
    if (weir_loop_run(u->loop, WEIR_LOOP_IDLE, WEIR_FOREVER) != 0)
        stress_fail(&s, "a loop is stopped");
}

static void *stopper(void *argument)
{
    const unsigned how = *(const unsigned *)argument;

    usleep(1000 * (how >> 3));
    stop(how);
    return NULL;
}

static void one_round(stress_rng *rng, uint64_t ns)
{
    weir_blocking_options waits = WEIR_BLOCKING_OPTIONS_INIT;
    weir_pool_options computes = WEIR_POOL_OPTIONS_INIT;
    unsigned how = (unsigned)stress_below(rng, 8 * (1 + ns / 1000000));
    pthread_t thread;

    waits.max_threads = 1 + (unsigned)stress_below(rng, 6);
    waits.max_queued = stress_below(rng, 2) == 0 ? 0 : 1 + (size_t)stress_below(rng, 20);
    computes.workers = 1 + (unsigned)stress_below(rng, 4);
    if (weir_blocking_new(&blocking, &waits) != 0 || weir_pool_new(&pool, &computes) != 0)
        stress_fail(&s, "no pools");
    for (unsigned i = 0; i < s.threads; i++) {
        memset(&users[i], 0, sizeof users[i]);
        users[i].rng = stress_rng_make(stress_random(rng), i);
        if (weir_loop_new(&users[i].loop, NULL) != 0)
            stress_fail(&s, "no loop");
    }
    if ((how & 4) != 0 && pthread_create(&thread, NULL, stopper, &how) != 0)
        stress_fail(&s, "no thread");
    stress_run(&s, s.threads, body, users, sizeof users[0], ns);
    if ((how & 4) != 0)
        pthread_join(thread, NULL);
    stop(0);
    stop(1);
    for (unsigned i = 0; i < s.threads; i++) {
        user *const u = &users[i];

        if (u->taken != u->told || u->dropped != u->cancelled + u->late || u->run > u->taken ||
            u->run + u->dropped + u->discarded < u->taken)
            stress_fail(&s,
                        "%" PRIu64 " taken, %" PRIu64 " told, %" PRIu64 " run, %" PRIu64
                        " dropped, %" PRIu64 " cancelled, %" PRIu64 " late, %" PRIu64 " discarded",
                        u->taken, u->told, u->run, u->dropped, u->cancelled, u->late, u->discarded);
        if (u->discarded != 0 && (how & 4) == 0)
            stress_fail(&s, "%" PRIu64 " are discarded by pools that go on", u->discarded);
        for (unsigned k = 0; k < SLOTS; k++)
            if (u->slots[k].under_way)
                stress_fail(&s, "offload %" PRIu64 " is lost", u->slots[k].number);
        if (weir_loop_free(u->loop) != 0)
            stress_fail(&s, "a loop cannot be freed");
        total += u->taken;
        all_dropped += u->dropped;
    }
    if (weir_blocking_free(blocking) != 0 || weir_pool_free(pool) != 0)
        stress_fail(&s, "a pool is not stopped");
    /* relaxed: alone. */
    if (weir_atomic_load(&live, WEIR_RELAXED) != 0)
        stress_fail(&s, "%zu bytes are left", weir_atomic_load(&live, WEIR_RELAXED)); /* relaxed. */
}

int main(int argc, char **argv)
{
    enum { ROUNDS = 60 };
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    stress_rng rng;

    stress_begin(&s, "offload", argc, argv);
    weir_set_allocator(&counted);
    rng = stress_rng_make(s.seed, STRESS_MAX_THREADS);
    while (stress_goes_on(&s, "%" PRIu64 " offloads, %" PRIu64 " dropped", total, all_dropped))
        one_round(&rng, (uint64_t)(s.seconds * 1e9 / ROUNDS));
    return stress_end(&s, "%" PRIu64 " offloads, %" PRIu64 " dropped", total, all_dropped);
}
