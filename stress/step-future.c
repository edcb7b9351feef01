/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/future.h under the step harness: each operation that never waits against each that may run
 * beside it, and against two of them, from each state of a future; and those operations against a
 * thread that stands still in unthen, or where a wait enters the queue and leaves it, which may
 * block others of their kind, but nobody else. Whatever the order, the result arrives once, each
 * callback is called once, or was taken back, and the block is freed once. */

#include "step-blocks.h"

#include <weir/step.h>

#include "../lib/wait.h"

#include <weir/future.h>

#include <errno.h>
#include <stdio.h>

enum { VALUE = 7, ACTORS = 3 }; /* actor 0 is the victim */

/* Own instructions, with those of the functions that call the operation: half as many again as
 * the most that gcc or clang make of it at -O0, which is 93; at -O2 it is 27. */
enum { WAIT_FREE = 140 };

/* Which operations may run beside each other: the matrix of weir/future.h. */
typedef enum side { USES_UP, PROMISE, FUTURE, DROPS } side;

static bool may_meet(side a, side b)
{
    if (a > b)
        return may_meet(b, a);
    if (a == USES_UP)
        return b == FUTURE || b == DROPS;
    return b != DROPS || a == PROMISE;
}

/* What a future is at the start. */
enum { FRESH, LISTENED, LISTENED_TWICE, WAITED, BOTH, STARTS };
/* The same, complete: for who does not use the promise. */
enum { DONE = STARTS };

typedef struct listener {
    weir_then then;
    unsigned calls;
    bool added, taken_back;
} listener;

static struct {
    weir_promise *promise;
    weir_future *future;
    listener before[2], mine[ACTORS];
    bool used, given_back, dropped, got, cancelled;
    int status; /* of the result */
    weir_waiter waiter[ACTORS];
    weir_wait_node node[ACTORS];
    WEIR_ATOMIC(uint32_t) acted[ACTORS];
} s;

/* ---- operations ---- */

static void hear(weir_then *then, weir_future *future)
{
    listener *const l = (listener *)(void *)then;
    int value = 0;
    const int status = weir_future_result(future, &value);

    l->calls++;
    if (status != s.status || value != (status == 0 ? VALUE : 0))
        weir_step_false("a callback saw another result");
}

static void settled(int status)
{
    s.used = true;
    s.given_back = status == -EPIPE;
}

static void complete(unsigned actor)
{
    const int value = VALUE;

    (void)actor;
    settled(weir_promise_complete(s.promise, &value));
}

static void fail(unsigned actor)
{
    (void)actor;
    s.status = -EIO;
    settled(weir_promise_fail(s.promise, -EIO));
}

static void break_it(unsigned actor)
{
    (void)actor;
    s.status = -EOWNERDEAD;
    weir_promise_drop(s.promise);
    s.used = true;
}

static void wanted(unsigned actor)
{
    (void)actor;
    (void)weir_promise_wanted(s.promise);
}

static void add(unsigned actor)
{
    s.mine[actor].added = true;
    weir_future_then(s.future, &s.mine[actor].then, hear);
}

static void cancel(unsigned actor)
{
    (void)actor;
    weir_future_cancel(s.future);
    s.cancelled = true;
}

static void is_done(unsigned actor)
{
    (void)actor;
    if (weir_future_is_done(s.future) && weir_future_result(s.future, NULL) != s.status)
        weir_step_false("it is done with another result");
}

static void peek(unsigned actor)
{
    const int *const value = (const int *)weir_future_peek(s.future);

    (void)actor;
    if (value != NULL && *value != VALUE)
        weir_step_false("another value lies there");
}

static void look(unsigned actor)
{
    const int status = weir_future_wait(s.future, 0, NULL);

    (void)actor;
    if (status != 0 && status != -ETIMEDOUT)
        weir_step_false("a look is neither done nor too early");
}

static void drop(unsigned actor)
{
    int value = 0;
    const int status = weir_future_drop(s.future, &value);

    (void)actor;
    s.dropped = true;
    s.got = status != -EBUSY;
    if (s.got && (status != s.status || value != (status == 0 ? VALUE : 0)))
        weir_step_false("another result was dropped");
}

/* The older of two, if there are two. */
static void take_back(unsigned actor)
{
    (void)actor;
    if (weir_future_unthen(s.future, &s.before[0].then))
        s.before[0].taken_back = true;
}

/* What a wait does beside looking and sleeping. */
static void enter_and_leave(unsigned actor)
{
    weir_waiter_init(&s.waiter[actor]);
    if (weir__queue_enter(&s.future->waiters, &s.node[actor], &s.waiter[actor]))
        (void)weir__queue_leave(&s.future->waiters, &s.node[actor]);
}

typedef struct operation {
    const char *name;
    void (*act)(unsigned actor);
    side at;
    bool blocks;
    unsigned bound;
} operation;

static const operation operations[] = {
    {"promise_complete", complete, USES_UP, false, 0},
    {"promise_fail", fail, USES_UP, false, 0},
    {"promise_drop", break_it, USES_UP, false, 0},
    {"promise_wanted", wanted, PROMISE, false, WAIT_FREE},
    {"future_then", add, FUTURE, false, 0},
    {"future_cancel", cancel, FUTURE, false, WAIT_FREE},
    {"future_is_done", is_done, FUTURE, false, WAIT_FREE},
    {"future_peek", peek, FUTURE, false, WAIT_FREE},
    {"future_wait (deadline 0)", look, FUTURE, false, 0},
    {"future_drop", drop, DROPS, false, 0},
    {"future_unthen", take_back, FUTURE, true, 0},
    {"future_wait (its queue)", enter_and_leave, FUTURE, true, 0},
};

enum { THEN = 4, OPERATIONS = sizeof operations / sizeof operations[0] };

/* ---- a run ---- */

typedef struct row {
    const operation *does[ACTORS];
    unsigned start;
} row;

static void listen(listener *l)
{
    l->added = true;
    weir_future_then(s.future, &l->then, hear);
}

static void setup(void *state)
{
    const row *const r = (const row *)state;
    const unsigned start = r->start % STARTS;

    memset((void *)&s, 0, sizeof s);
    if (weir_future_new(&s.promise, &s.future, sizeof(int), NULL) != 0)
        weir_step_false("no memory");
    if (start == LISTENED || start == LISTENED_TWICE || start == BOTH)
        listen(&s.before[0]);
    if (start == LISTENED_TWICE)
        listen(&s.before[1]);
    /* As a wait in vain leaves it. */
    if (start == WAITED || start == BOTH)
        if (weir_future_wait(s.future, weir_clock_after(100000), NULL) != -ETIMEDOUT)
            weir_step_false("there is a result already");
    if (r->start >= DONE)
        complete(0);
}

static void victim(void *state)
{
    ((const row *)state)->does[0]->act(0);
}

/* Once in a run: where it stops a second time, there is nothing left to do. */
static void act(const row *r, unsigned actor)
{
    /* relaxed: the harness orders the acts. */
    if (weir_atomic_fetch_add(&s.acted[actor], 1, WEIR_RELAXED) == 0)
        r->does[actor]->act(actor);
}

static void adversary_1(void *state)
{
    act((const row *)state, 1);
}

static void adversary_2(void *state)
{
    act((const row *)state, 2);
}

static void check_listener(const listener *l)
{
    if (l->calls + (l->taken_back ? 1 : 0) != (l->added ? 1U : 0U))
        weir_step_false("a callback was not called once");
}

static void check(void *state)
{
    bool heard = false;

    (void)state;
    if (!s.used) {
        if (!s.dropped && weir_promise_wanted(s.promise) == s.cancelled)
            weir_step_false("a cancel is lost, or made up");
        complete(0);
    }
    if (!s.dropped)
        drop(0);
    for (unsigned i = 0; i < 2; i++) {
        check_listener(&s.before[i]);
        heard |= s.before[i].calls > 0;
    }
    for (unsigned i = 0; i < ACTORS; i++)
        check_listener(&s.mine[i]);
    if (s.got && s.given_back)
        weir_step_false("a result was taken, and given back");
    if (!s.got && !s.given_back && !heard && s.status != -EOWNERDEAD)
        weir_step_false("a result is lost");
    for (unsigned i = 0; i < BLOCKS; i++)
        /* relaxed: all are done. */
        if (weir_atomic_load(&block_used[i], WEIR_RELAXED) != 0)
            weir_step_false("a block was not freed");
}

/* ---- rows ---- */

static void sweep(const operation *a, const operation *b, const operation *c)
{
    char against[64];
    weir_step_plan plan = {
        a->name, against,  setup, victim, {adversary_1, c != NULL ? adversary_2 : NULL},
        check,   a->bound, false};
    const bool uses_up = a->at == USES_UP || b->at == USES_UP || (c != NULL && c->at == USES_UP);
    weir_step_row found;
    row r;

    snprintf(against, sizeof against, "%s%s%s", b->name, c != NULL ? " + " : "",
             c != NULL ? c->name : "");
    memset(&found, 0, sizeof found);
    r.does[0] = a;
    r.does[1] = b;
    r.does[2] = c;
    for (r.start = 0;
         r.start < (uses_up || a->at == PROMISE || b->at == PROMISE ? STARTS : 2 * STARTS);
         r.start++)
        weir_step_sweep(&plan, &r, &found);
    weir_step_report(&found);
}

int main(void)
{
    weir_step_begin("step-future");
    use_blocks();
    for (unsigned i = 0; i < OPERATIONS; i++)
        for (unsigned j = 0; j < OPERATIONS; j++) {
            const operation *const a = &operations[i], *const b = &operations[j];
            const operation *const then = &operations[THEN];

            if (!may_meet(a->at, b->at) || b->blocks)
                continue;
            sweep(a, b, NULL);
            /* R24 (folly d0edf4c66, f4c8e8337): one cancels, one completes, one attaches. */
            if ((a->at == USES_UP || b->at == USES_UP) && a != then && b != then &&
                may_meet(a->at, then->at) && may_meet(b->at, then->at))
                sweep(a, b, then);
        }
    return weir_step_end();
}
