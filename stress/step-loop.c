/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/loop.h under the step harness: what any thread may do to a loop, stopped anywhere, holds up
 * nobody who posts, nor the loop, which goes on making turns and runs what they have posted; and a
 * turn that is stopped anywhere holds up nobody who posts. Each job runs once, each send that was
 * accepted is followed by a call, and each ring that is owed comes: the end waits for it.
 *
 * One thing is held up, and its rows say so (`blocked`): who is stopped between the change by which
 * a loop that is asleep is to wake, and its ring. Until it goes on the loop sleeps, and
 * what others post waits with it.
 *
 * A loop that is embedded in another is asleep between its turns, and its descriptor tells whether
 * it was woken: so who turns it here is an adversary. */

#include <weir/step.h>

#include <weir/loop.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum { ACTORS = 3, JOBS = 32, HOLDS = 16 }; /* actor 0 is the victim */

/* Own instructions of what is wait-free: half as many again as the most that gcc or clang make of
 * it at -O0, which is 40 and 811; at -O2 it is 10 and 155. */
enum { WAIT_FREE = 60, STATS = 1250 };

enum { AWAKE, ASLEEP, STARTS };

typedef struct item {
    weir_job job;
    WEIR_ATOMIC(uint32_t) runs, posted;
} item;

static struct {
    weir_loop *loop;
    weir_async async;
    weir_async_ref to;
    item items[JOBS];
    WEIR_ATOMIC(uint32_t) used, sends, seen, held, released, stops;
    int fd;
} s;

/* relaxed: here and below: the harness gives the turn, which orders all. */
static uint32_t count(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_fetch_add(number, 1, WEIR_RELAXED); /* relaxed: as above. */
}

static uint32_t number_of(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED); /* relaxed: as above. */
}

static int run_item(weir_job *job)
{
    count(&((item *)(void *)job)->runs);
    return 0;
}

static void called(weir_async *async)
{
    (void)async;
    weir_atomic_store(&s.seen, number_of(&s.sends), WEIR_RELAXED); /* relaxed: as above. */
}

/* ---- operations ---- */

/* Returns: NULL: it is refused. */
static item *post_one(void)
{
    const uint32_t number = count(&s.used);
    item *const it = &s.items[number < JOBS ? number : 0];

    if (number >= JOBS) {
        weir_step_false("there are too few jobs for this plan");
        return NULL;
    }
    if (weir_loop_post(s.loop, &it->job) != 0)
        return NULL;
    count(&it->posted);
    return it;
}

static void posts(void)
{
    (void)post_one();
}

static void sends(void)
{
    count(&s.sends);
    if (weir_async_send(s.to) != 0)
        weir_step_false("an async that is open is stale");
}

static void stops(void)
{
    weir_loop_stop(s.loop);
    count(&s.stops);
}

static void holds(void)
{
    weir_loop_hold(s.loop);
    count(&s.held);
}

static void releases(void)
{
    count(&s.released);
    weir_loop_release(s.loop);
}

static void closes(void)
{
    weir_loop_close(s.loop);
}

static void asks(void)
{
    weir_loop_report report;

    (void)weir_loop_busy(s.loop, 0, &report);
}

static void reads_stats(void)
{
    weir_loop_stats stats;

    weir_loop_stats_read(s.loop, &stats);
    if (stats.wakes > stats.sleeps)
        weir_step_false("the numbers are none that there were");
}

static void turns(void)
{
    (void)weir_loop_turn(s.loop, 0);
}

typedef struct operation {
    const char *name;
    void (*act)(void);
    unsigned bound;
} operation;

static const operation operations[] = {
    {"loop_post", posts, 0},       {"async_send", sends, 0},
    {"loop_stop", stops, 0},       {"loop_hold", holds, WAIT_FREE},
    {"loop_release", releases, 0}, {"loop_close", closes, WAIT_FREE},
    {"loop_busy", asks, 0},        {"loop_stats_read", reads_stats, STATS},
};

enum {
    POST,
    SEND,
    STOP,
    HOLD,
    RELEASE,
    CLOSE,
    BUSY,
    OPERATIONS = sizeof operations / sizeof operations[0]
};

static const operation turning = {"a turn", turns, 0};

/* ---- a run ---- */

typedef struct row {
    const operation *does[ACTORS];
    unsigned start;
    bool last; /* the victim's is the last hold */
} row;

static void setup(void *state)
{
    const row *const r = (const row *)state;
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;

    memset((void *)&s, 0, sizeof s);
    options.embedded = true;
    options.slow_ns = 1000000000;
    if (weir_loop_new(&s.loop, &options) != 0 ||
        weir_async_init(&s.async, s.loop, called, true) != 0) {
        weir_step_false("no memory");
        return;
    }
    s.to = weir_async_reference(&s.async);
    s.fd = weir_loop_fd(s.loop);
    for (unsigned i = 0; i < JOBS; i++)
        weir_job_init(&s.items[i].job, run_item);
    for (unsigned i = 0; i < (r->last ? 1 : HOLDS); i++)
        holds();
    if (r->does[0] == &turning)
        posts();
    else if (r->start == ASLEEP)
        turns();
}

static void victim(void *state)
{
    ((const row *)state)->does[0]->act();
}

/* Posts, and turns the loop until that is run. */
static void goes_on(void)
{
    item *const it = post_one();

    while (it != NULL && number_of(&it->runs) == 0) {
        turns();
        if (number_of(&it->runs) == 0 && !weir_step_retry("a job that was posted is not run"))
            return;
    }
}

static void adversary_1(void *state)
{
    const row *const r = (const row *)state;

    r->does[1]->act();
    if (r->does[0] != &turning)
        goes_on();
}

static void adversary_2(void *state)
{
    ((const row *)state)->does[2]->act();
}

/* Posts, and turns the loop when it has been woken. */
static void waits_for_the_ring(void *state)
{
    struct pollfd fd = {s.fd, POLLIN, 0};
    item *const it = post_one();

    (void)state;
    while (it != NULL && number_of(&it->runs) == 0)
        if (poll(&fd, 1, 0) == 1)
            turns();
        else if (!weir_step_retry("nobody has woken the loop"))
            return;
}

static void check(void *state)
{
    (void)state;
    /* Asyncs, and the rest of the jobs. */
    for (unsigned i = 0; i < 3; i++)
        turns();
    for (unsigned i = 0; i < JOBS; i++)
        if (number_of(&s.items[i].runs) != number_of(&s.items[i].posted))
            weir_step_false("a job was lost, or ran twice");
    if (number_of(&s.seen) != number_of(&s.sends))
        weir_step_false("a send was lost");
    if (number_of(&s.stops) > 0 && weir_loop_turn(s.loop, 0) == -ECANCELED)
        weir_step_false("a stop counts twice");
    if (weir_loop_alive(s.loop) != (number_of(&s.held) != number_of(&s.released)))
        weir_step_false("a hold was lost, or made up");
    (void)weir_async_close(&s.async, NULL);
    turns();
    /* Waits for each ring that it knows of. */
    if (weir_loop_free(s.loop) != 0)
        weir_step_false("the loop could not be freed");
}

/* ---- rows ---- */

static void sweep(const operation *a, const operation *b, const operation *c)
{
    char against[64];
    weir_step_plan plan = {
        a->name, against,  setup, victim, {adversary_1, c != NULL ? adversary_2 : NULL},
        check,   a->bound, false};
    weir_step_row found;
    row r;

    snprintf(against, sizeof against, "%s%s%s", b->name, c != NULL ? " + " : "",
             c != NULL ? c->name : "");
    memset(&found, 0, sizeof found);
    r.does[0] = a;
    r.does[1] = b;
    r.does[2] = c;
    r.last = false;
    for (r.start = 0; r.start < (a == &turning ? 1 : STARTS); r.start++)
        weir_step_sweep(&plan, &r, &found);
    weir_step_report(&found);
}

/* What wakes a loop that is asleep, and is stopped before it rings. */
static void sweep_ring(const operation *a, const char *name, bool last)
{
    weir_step_plan plan = {name,
                           "who posts, and waits for the ring",
                           setup,
                           victim,
                           {waits_for_the_ring, NULL},
                           check,
                           0,
                           true};
    weir_step_row found;
    row r;

    memset(&found, 0, sizeof found);
    memset((void *)&r, 0, sizeof r);
    r.does[0] = a;
    r.start = ASLEEP;
    r.last = last;
    weir_step_sweep(&plan, &r, &found);
    weir_step_report(&found);
}

int main(void)
{
    weir_step_begin("step-loop");
    for (unsigned i = 0; i < OPERATIONS; i++)
        for (unsigned j = 0; j < OPERATIONS; j++) {
            sweep(&operations[i], &operations[j], NULL);
            if (j == POST || j == i)
                sweep(&operations[i], &operations[j], &operations[(i + j + 1) % OPERATIONS]);
        }
    for (unsigned j = 0; j < OPERATIONS; j++)
        if (j != BUSY) /* which waits for who is stopped while it says what runs */
            sweep(&turning, &operations[j], j == POST ? &operations[SEND] : NULL);
    sweep_ring(&operations[POST], "ring after loop_post", false);
    sweep_ring(&operations[SEND], "ring after async_send", false);
    sweep_ring(&operations[STOP], "ring after loop_stop", false);
    sweep_ring(&operations[RELEASE], "ring after loop_release", true);
    return weir_step_end();
}
