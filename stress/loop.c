/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/loop.c: one thread runs a loop; all others post, call, send, stop, hold, release, and ask,
 * as it comes, and let go. With the last release the run ends, and at once the loop is freed: who
 * still touches it then touches memory that was overwritten. And the next one is made, of the slots
 * of the last one's asyncs.
 *
 * Each job runs once, whole, in the order of who posted it, and after what he knew to be posted;
 * each call comes back; of an async that stays open each send is followed by a call that sees what
 * was before it, and there are not more calls than sends; one that is closed again and again is not
 * called after that; no memory is left.
 *
 * Edges: none of its own. */

#include "memory.h"
#include "stress.h"

#include <weir/loop.h>

#include <errno.h>

enum { MOST = 200, CHANGE = 16 };

typedef struct item {
    weir_job job;
    uint64_t number, check;
    unsigned from;
} item;

typedef struct actor {
    unsigned number;
    stress_rng rng;
    uint64_t posted, calls, sent, stale;
    uint64_t ran;  /* the loop's thread's */
    uint64_t seen; /* of `begun`, by the last call: the loop's thread's */
    WEIR_ATOMIC(uint64_t) begun;
} actor;

static stress s;
static actor actors[STRESS_MAX_THREADS];
static weir_loop *loop;
static weir_async steady, changing;
static weir_async_ref to_steady, to_changing;
static pthread_mutex_t reference_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t steady_calls, changes, stops;
static bool is_open; /* the loop's thread's */
static uint64_t all_posts, all_sends, all_stale, all_calls, all_stops, all_changes;

/* ---- in the loop ---- */

static int run_item(weir_job *job)
{
    item *const it = (item *)(void *)job;

    if (weir_loop_self() != loop)
        stress_fail(&s, "a job runs in another thread than the loop's");
    if (it->check != stress_mix(it->number ^ it->from))
        stress_fail(&s, "a job is not what was posted");
    if (it->number != actors[it->from].ran++)
        stress_fail(&s, "thread %u: job %" PRIu64 " is the %" PRIu64 "th that runs", it->from,
                    it->number, actors[it->from].ran - 1);
    counted_release(it, sizeof *it, NULL);
    return 0;
}

static int run_call(weir_call *call)
{
    (void)call;
    return weir_loop_self() == loop ? -EIO : -EBUSY;
}

static void steady_called(weir_async *async)
{
    (void)async;
    steady_calls++;
    for (unsigned i = 1; i < s.threads; i++)
        /* relaxed: that it is as new as the send is what is tested. */
        actors[i].seen = weir_atomic_load(&actors[i].begun, WEIR_RELAXED);
}

static void open_changing(void);

static void changing_closed(weir_async *async)
{
    memset(async, 0x5a, sizeof *async);
    changes++;
    open_changing();
}

static void changing_called(weir_async *async)
{
    if (!is_open)
        stress_fail(&s, "an async that was closed is called");
    if (changes % CHANGE != CHANGE - 1) {
        is_open = false;
        if (weir_async_close(async, changing_closed) != 0)
            stress_fail(&s, "an async could not be closed");
    } else {
        changes++;
    }
}

static void open_changing(void)
{
    if (weir_async_init(&changing, loop, changing_called, true) != 0)
        stress_fail(&s, "no memory");
    is_open = true;
    pthread_mutex_lock(&reference_lock);
    to_changing = weir_async_reference(&changing);
    pthread_mutex_unlock(&reference_lock);
}

static void run_loop(void)
{
    int status;

    while ((status = weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER)) == -ECANCELED)
        stops++;
    if (status != 0)
        stress_fail(&s, "the run ended with %d", status);
    if (weir_async_close(&steady, NULL) != 0)
        stress_fail(&s, "an async could not be closed");
    if (is_open && weir_async_close(&changing, NULL) != 0)
        stress_fail(&s, "an async could not be closed");
    for (int i = 0; weir_loop_free(loop) == -EBUSY; i++)
        if (i == 3 || weir_loop_turn(loop, 0) == -EBUSY)
            stress_fail(&s, "the loop could not be freed");
}

/* ---- beside it ---- */

static void post(actor *a)
{
    item *const it = (item *)counted_alloc(sizeof *it, 16, NULL);

    if (it == NULL)
        stress_fail(&s, "no memory");
    weir_job_init(&it->job, run_item);
    it->number = a->posted++;
    it->from = a->number;
    it->check = stress_mix(it->number ^ it->from);
    if (weir_loop_post(loop, &it->job) != 0)
        stress_fail(&s, "a post was refused");
}

static void call(actor *a)
{
    weir_call c;
    int status;

    weir_call_init(&c, run_call, NULL);
    status = weir_loop_call(loop, &c, stress_below(&a->rng, 2) == 0 ? 0 : WEIR_FOREVER, NULL);
    if (status == -ETIMEDOUT)
        status = weir_call_get(&c, WEIR_FOREVER, NULL);
    if (status != -EIO)
        stress_fail(&s, "a call ended with %d", status);
    /* What was posted before has been run, and is seen. */
    if (a->ran != a->posted)
        stress_fail(&s, "a call has overtaken a post");
    a->calls++;
}

static void send_to_changing(actor *a)
{
    weir_async_ref to;
    int status;

    pthread_mutex_lock(&reference_lock);
    to = to_changing;
    pthread_mutex_unlock(&reference_lock);
    stress_maybe_yield(&a->rng, 4);
    status = weir_async_send(to);
    if (status != 0 && status != -ESTALE)
        stress_fail(&s, "a send ended with %d", status);
    a->stale += status != 0;
}

static void send(actor *a)
{
    /* relaxed: as in steady_called(). */
    weir_atomic_fetch_add(&a->begun, 1, WEIR_RELAXED);
    if (weir_async_send(to_steady) != 0)
        stress_fail(&s, "an async that is open is stale");
    a->sent++;
}

static void ask(void)
{
    weir_loop_report report;
    weir_loop_stats stats;

    if (weir_loop_busy(loop, 0, &report) && strcmp(report.kind, "post") != 0 &&
        strcmp(report.kind, "async") != 0 && strcmp(report.kind, "close") != 0)
        stress_fail(&s, "a %s runs", report.kind);
    weir_loop_stats_read(loop, &stats);
}

static void use_loop(actor *a)
{
    const uint64_t operations = stress_below(&a->rng, MOST);

    for (uint64_t i = 0; i < operations; i++) {
        stress_maybe_yield(&a->rng, 16);
        switch (stress_below(&a->rng, 16)) {
        case 0:
            weir_loop_stop(loop);
            break;
        case 1:
            weir_loop_hold(loop);
            stress_maybe_yield(&a->rng, 2);
            weir_loop_release(loop);
            break;
        case 2:
            call(a);
            break;
        case 3:
            ask();
            break;
        case 4:
        case 5:
            send_to_changing(a);
            break;
        case 6:
        case 7:
        case 8:
            send(a);
            break;
        default:
            post(a);
        }
    }
    if (stress_below(&a->rng, 4) == 0)
        weir_loop_stop(loop);
    weir_loop_release(loop); /* it may be gone now */
}

static void act(void *argument)
{
    actor *const a = (actor *)argument;

    if (a->number == 0)
        run_loop();
    else
        use_loop(a);
}

/* ---- rounds ---- */

static void make(uint64_t round)
{
    stress_rng rng = stress_rng_make(s.seed, round * STRESS_MAX_THREADS);
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;

    /* Small budgets, in some. */
    options.posts = (unsigned)stress_below(&rng, 4);
    options.slow_ns = stress_below(&rng, 2) == 0 ? 0 : UINT64_MAX;
    options.measured = stress_below(&rng, 2) == 0;
    if (weir_loop_new(&loop, &options) != 0)
        stress_fail(&s, "no memory, or no descriptors");
    if (weir_async_init(&steady, loop, steady_called, true) != 0)
        stress_fail(&s, "no memory");
    to_steady = weir_async_reference(&steady);
    steady_calls = 0;
    open_changing();
    for (unsigned i = 0; i < s.threads; i++) {
        memset((void *)&actors[i], 0, sizeof actors[i]);
        actors[i].number = i;
        actors[i].rng = stress_rng_make(s.seed, round * STRESS_MAX_THREADS + i + 1);
        if (i != 0)
            weir_loop_hold(loop);
    }
}

static void check(void)
{
    uint64_t sends = 0;

    for (unsigned i = 1; i < s.threads; i++) {
        const actor *const a = &actors[i];

        if (a->ran != a->posted)
            stress_fail(&s, "thread %u: %" PRIu64 " jobs were posted, %" PRIu64 " have run", i,
                        a->posted, a->ran);
        if (a->seen != a->sent)
            stress_fail(&s, "thread %u: %" PRIu64 " sends, the last call saw %" PRIu64, i, a->sent,
                        a->seen);
        sends += a->sent;
        all_posts += a->posted;
        all_stale += a->stale;
        all_calls += a->calls;
    }
    if (steady_calls > sends)
        stress_fail(&s, "an async was called more often than sent to");
    all_sends += sends;
    all_stops += stops;
    all_changes += changes;
    stops = changes = 0;
}

int main(int argc, char **argv)
{
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    uint64_t rounds = 0;
    size_t slots = 0;

    stress_begin(&s, "loop", argc, argv);
    if (s.threads < 2)
        s.threads = 2;
    weir_set_allocator(&counted);
    do {
        make(rounds);
        stress_run(&s, s.threads, act, actors, sizeof actors[0], 0);
        check();
        /* relaxed: alone. The slots of asyncs stay. */
        if (rounds == 0)
            slots = weir_atomic_load(&live, WEIR_RELAXED);
        else if (weir_atomic_load(&live, WEIR_RELAXED) > slots + 1024)
            stress_fail(&s, "%zu bytes leaked", weir_atomic_load(&live, WEIR_RELAXED) - slots);
        rounds++;
    } while (stress_goes_on(&s, "%" PRIu64 " loops", rounds));
    return stress_end(&s,
                      "%" PRIu64 " loops, %" PRIu64 " posts, %" PRIu64 " calls, %" PRIu64
                      " sends, %" PRIu64 " stale ones, %" PRIu64 " asyncs closed, %" PRIu64
                      " runs stopped; each job once and in order",
                      rounds, all_posts, all_calls, all_sends, all_stale, all_changes, all_stops);
}
