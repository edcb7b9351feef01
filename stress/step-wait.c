/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/wait.h under the step harness: wherever a thread stands still in a prepare, withdraw, wait,
 * notify, park, arm or unpark, who notifies and who unparks gets on; and no notification is lost or
 * doubled: bystanders in the queue, behind the victim, have what it does not need.
 * weir_event_await() is made of these, and of a loop that goes by the clock. */

#include <weir/step.h>

#include "../lib/wait.h"

#include <weir/cancel.h>

#include <errno.h>
#include <string.h>

enum { CROWD = 20 }; /* more than are woken with one hold of the lock */

/* A function that is called from the queue. */
typedef struct callee {
    weir_waiter waiter; /* the first member */
    weir_wait_node node;
    unsigned calls;
} callee;

static struct {
    weir_event event;
    weir_sleeper sleeper;      /* the victim's */
    weir_sleeper bystander[3]; /* behind it */
    callee crowd[CROWD];
    callee own; /* of arm and unpark */
    weir_waiter waiter;
    weir_cancel_source source;
    uint64_t deadline;
    int status; /* what the victim's call returned */
    WEIR_ATOMIC(uint32_t) acts;
} s;

static uint32_t acts(void)
{
    return weir_atomic_load(&s.acts, WEIR_RELAXED); /* relaxed: a number. */
}

static void count_act(void)
{
    weir_atomic_fetch_add(&s.acts, 1, WEIR_RELAXED); /* relaxed: a number. */
}

/* ---- setup ---- */

static void begin(void *state)
{
    (void)state;
    weir_event_init(&s.event);
    weir_waiter_init(&s.waiter);
    weir_cancel_source_init(&s.source, NULL, WEIR_FOREVER);
    weir_atomic_init(&s.acts, 0);
    s.status = 1;
    s.deadline = 1;
}

static void others_prepare(void)
{
    for (size_t i = 0; i < 3; i++)
        weir_event_prepare(&s.event, &s.bystander[i]);
}

static void with_bystanders(void *state)
{
    begin(state);
    others_prepare();
}

static void prepared(void *state)
{
    begin(state);
    weir_event_prepare(&s.event, &s.sleeper);
    others_prepare();
}

/* Time for a real sleep, when nobody disturbs it. */
static void is_called(weir_waiter *waiter)
{
    ((callee *)(void *)waiter)->calls++;
}

static void with_crowd(void *state)
{
    begin(state);
    for (size_t i = 0; i < CROWD; i++) {
        s.crowd[i].calls = 0;
        weir_waiter_init_call(&s.crowd[i].waiter, is_called);
        if (!weir_waiter_arm(&s.crowd[i].waiter) ||
            !weir__queue_enter(&s.event.queue, &s.crowd[i].node, &s.crowd[i].waiter))
            weir_step_false("the crowd could not enter");
    }
}

static void with_function(void *state)
{
    begin(state);
    s.own.calls = 0;
    weir_waiter_init_call(&s.own.waiter, is_called);
}

static void armed(void *state)
{
    with_function(state);
    if (!weir_waiter_arm(&s.own.waiter))
        weir_step_false("somebody has unparked it");
}

/* ---- operations ---- */

static void prepare(void *state)
{
    (void)state;
    weir_event_prepare(&s.event, &s.sleeper);
}

static void withdraw(void *state)
{
    (void)state;
    weir_event_withdraw(&s.event, &s.sleeper);
}

static void wait(void *state)
{
    (void)state;
    s.status = weir_event_wait(&s.event, &s.sleeper, s.deadline, NULL);
}

static void wait_with_token(void *state)
{
    (void)state;
    s.status = weir_event_wait(&s.event, &s.sleeper, s.deadline, &s.source.token);
}

static void notify(void *state)
{
    (void)state;
    weir_event_notify(&s.event, 1);
}

static void notify_all(void *state)
{
    (void)state;
    weir_event_notify_all(&s.event);
}

static void park(void *state)
{
    (void)state;
    s.status = weir_waiter_park(&s.waiter, s.deadline, NULL);
}

static void unpark(void *state)
{
    (void)state;
    weir_waiter_unpark(&s.waiter);
}

static void arm(void *state)
{
    (void)state;
    s.status = weir_waiter_arm(&s.own.waiter) ? 0 : -EAGAIN;
}

static void unpark_own(void *state)
{
    (void)state;
    weir_waiter_unpark(&s.own.waiter);
}

/* ---- the same, by others ---- */

static void notifies(void *state)
{
    count_act();
    notify(state);
}

static void notifies_all(void *state)
{
    count_act();
    notify_all(state);
}

static void unparks(void *state)
{
    count_act();
    unpark(state);
}

static void unparks_own(void *state)
{
    count_act();
    unpark_own(state);
}

/* ---- checks ---- */

/* Alone: how many of the bystanders have been notified, the first of them first. */
static uint32_t notified(void)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < 3; i++)
        if (weir_event_wait(&s.event, &s.bystander[i], 1, NULL) == 0) {
            if (n != i)
                weir_step_false("one that came later was woken before");
            n++;
        }
    return n;
}

static void is_empty(void)
{
    if (weir_atomic_load(&s.event.queue.word, WEIR_RELAXED) != 0 || s.event.queue.first != NULL)
        weir_step_false("the event is not as it was made");
}

/* Each notification has gone to one of those who stay. */
static void handed_on(void *state)
{
    (void)state;
    if (notified() != (acts() < 3 ? acts() : 3))
        weir_step_false("a notification was lost, or doubled");
    is_empty();
}

/* The same; the victim may have used one. */
static void used_or_handed_on(void *state)
{
    const uint32_t used = s.status == 0;

    (void)state;
    if (s.status != 0 && s.status != -ETIMEDOUT)
        weir_step_false("wait returned something else");
    if (used && acts() == 0)
        weir_step_false("woken by nobody");
    if (notified() != (acts() - used < 3 ? acts() - used : 3))
        weir_step_false("a notification was lost, or doubled");
    is_empty();
}

static void all_were_woken(void *state)
{
    (void)state;
    if (notified() != (acts() > 0 ? 3 : 0))
        weir_step_false("one of all was not woken");
    is_empty();
}

/* Alone: it comes behind the bystanders, or was not there yet. */
static void prepared_last(void *state)
{
    uint32_t n = notified();

    (void)state;
    n += weir_event_wait(&s.event, &s.sleeper, 1, NULL) == 0;
    if (n > acts() || n < (acts() < 3 ? acts() : 3))
        weir_step_false("a notification was lost, or doubled");
    is_empty();
}

/* The victim notifies too. */
static void one_each(void *state)
{
    const uint32_t n = acts() + 1;

    (void)state;
    if (notified() != (n < 3 ? n : 3))
        weir_step_false("a notification was lost, or doubled");
    is_empty();
}

static void crowd_was_called(void *state)
{
    (void)state;
    for (size_t i = 0; i < CROWD; i++)
        if (s.crowd[i].calls != 1)
            weir_step_false("a function was not called once");
    is_empty();
}

static void unpark_was_kept(void *state)
{
    (void)state;
    if (s.status == 0 && acts() == 0)
        weir_step_false("woken by nobody");
    if (s.status == -ETIMEDOUT && acts() > 0 && weir_waiter_park(&s.waiter, 1, NULL) != 0)
        weir_step_false("an unpark was lost");
    if (weir_waiter_park(&s.waiter, 1, NULL) == 0 && acts() < 2)
        weir_step_false("an unpark counts twice");
}

static void own_was_unparked(void *state)
{
    (void)state;
    if (weir_waiter_park(&s.waiter, 1, NULL) != 0)
        weir_step_false("an unpark was lost");
    if (weir_waiter_park(&s.waiter, 1, NULL) == 0)
        weir_step_false("two that were not used count as two");
}

static void called_once(void *state)
{
    (void)state;
    if (s.own.calls != (s.status == 0 && acts() > 0 ? 1U : 0U))
        weir_step_false("called without an arm, or not called");
}

static void called_by_one(void *state)
{
    (void)state;
    if (s.own.calls != 1)
        weir_step_false("not called, or twice");
}

/* ---- the table ---- */

#define PLAN(operation, against, setup, victim, first, second, check)       \
    {                                                                       \
        operation, against, setup, victim, {first, second}, check, 0, false \
    }

static const weir_step_plan plans[] = {
    PLAN("event_prepare", "notify", with_bystanders, prepare, notifies, NULL, prepared_last),
    PLAN("event_prepare", "two notify", with_bystanders, prepare, notifies, notifies,
         prepared_last),
    PLAN("event_withdraw", "notify", prepared, withdraw, notifies, NULL, handed_on),
    PLAN("event_withdraw", "two notify", prepared, withdraw, notifies, notifies, handed_on),
    PLAN("event_withdraw", "notify_all", prepared, withdraw, notifies_all, NULL, all_were_woken),
    PLAN("event_wait", "notify", prepared, wait, notifies, NULL, used_or_handed_on),
    PLAN("event_wait (token)", "notify", prepared, wait_with_token, notifies, NULL,
         used_or_handed_on),
    PLAN("event_notify", "notify", with_bystanders, notify, notifies, NULL, one_each),
    PLAN("event_notify", "two notify", with_bystanders, notify, notifies, notifies, one_each),
    PLAN("event_notify (nobody)", "notify_all", begin, notify, notifies_all, NULL, NULL),
    PLAN("event_notify_all", "notify", with_crowd, notify_all, notifies, NULL, crowd_was_called),
    PLAN("event_notify_all", "two notify_all", with_crowd, notify_all, notifies_all, notifies_all,
         crowd_was_called),
    PLAN("waiter_park", "unpark", begin, park, unparks, NULL, unpark_was_kept),
    PLAN("waiter_unpark", "unpark", begin, unpark, unparks, NULL, own_was_unparked),
    PLAN("waiter_arm", "unpark", with_function, arm, unparks_own, NULL, called_once),
    PLAN("waiter_arm", "two unpark", with_function, arm, unparks_own, unparks_own, called_once),
    PLAN("waiter_unpark (function)", "two unpark", armed, unpark_own, unparks_own, unparks_own,
         called_by_one),
};

int main(void)
{
    return weir_step_run("step-wait", plans, sizeof plans / sizeof plans[0], NULL);
}
