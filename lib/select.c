/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/select.c: waiting for one of many, and, with one arm, all waiting in channels.
 *
 * One waiter stands in a queue for each arm. In a channel without a lock a notification says to
 * look again; who was notified by one channel and takes from another, or gives up, hands the
 * notification on. In a channel with a lock others do the operation (lib/chan_meet.c); from the
 * first such arm on the waiter is exposed, and closes itself for each thing that it does. */

#include "chan.h"

#include <weir/fence.h>

#include <errno.h>
#include <sched.h>

/* ---- the order in which the arms are looked at ---- */

/* From one call to the next by a xorshift generator: G. Marsaglia, "Xorshift RNGs", Journal of
 * Statistical Software 8(14), 2003, doi:10.18637/jss.v008.i14. The first call of a thread begins
 * with its first arm. */
static _Thread_local uint32_t order_of_thread = 1U << 16;

static uint32_t next_order(void)
{
    const uint32_t order = order_of_thread;
    uint32_t x = order;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    order_of_thread = x;
    return order;
}

/* From one of the n, by steps of an odd length through the first power of two that is at least n:
 * each index once. Of two each is as often the first, whatever lies between them: where one way
 * round comes to one of them first, the other way comes to the other. */
typedef struct walk {
    uint32_t at, step, mask;
} walk;

static walk walk_of(size_t n, uint32_t order)
{
    walk w = {(uint32_t)((order % 65536) * (uint64_t)n / 65536), order >> 16 | 1, 0};

    while (w.mask + 1 < n)
        w.mask = 2 * w.mask + 1;
    return w;
}

/* Returns: an index; n or more: none, but another one follows. */
static size_t step_on(walk *w)
{
    const uint32_t at = w->at;

    w->at = (at + w->step) & w->mask;
    return at;
}

/* ---- an arm ---- */

static bool sends(const weir_select_arm *arm)
{
    return arm->send != NULL;
}

static void *element_of(const weir_select_arm *arm)
{
    return sends(arm) ? (void *)(uintptr_t)arm->send : arm->recv;
}

static bool has_lock(const weir_select_arm *arm)
{
    return arm->chan->kind == WEIR__CHAN_MEET;
}

/* A select that waits. */
typedef struct selection {
    weir_select_arm *arms;
    size_t n;
    uint32_t order;
    bool locks, buffers; /* there are channels with one, without one */
    bool exposed;
    bool spins;    /* in queues with a lock, before it sleeps */
    bool locking;  /* a look may wait for a lock */
    bool standing; /* in queues */
    bool used;     /* the arm that happened had been notified before */
    weir_waiter waiter;
} selection;

/* In a node's `arm`, where there is no lock: it was notified, and stands again, but has not been
 * looked at since. */
enum { OWES = 1U << 30 };

/* What a step of it found, beside an arm that happened. */
enum { NOTHING = -EAGAIN, MIDDLE = -EBUSY, TAKEN = -EINPROGRESS };

static bool owes(const weir_select_arm *arm)
{
    return (arm->node.arm & OWES) != 0;
}

static int happened(const selection *s, weir_select_arm *arm, int status)
{
    arm->status = status;
    return (int)(arm - s->arms);
}

/* Looks at each arm once, or at those whose channel has no lock. */
static int look(selection *s, bool all)
{
    walk w = walk_of(s->n, s->order);
    int result = NOTHING;

    for (size_t left = s->n; left > 0;) {
        const size_t at = step_on(&w);
        weir_select_arm *arm;
        int status;

        if (at >= s->n)
            continue;
        left--;
        arm = &s->arms[at];
        if (arm->chan == NULL || (!all && has_lock(arm)))
            continue;
        s->used = s->standing && (owes(arm) || !weir__queue_stands(&arm->node));
        status = s->locking && has_lock(arm)
                     ? weir__meet_try(arm->chan, sends(arm), element_of(arm), true)
                     : weir__chan_try(arm->chan, sends(arm), element_of(arm));
        if (status == -EBUSY)
            result = MIDDLE;
        else if (status != -EAGAIN)
            return happened(s, arm, status);
        else if (s->standing)
            arm->node.arm &= ~(uint32_t)OWES;
    }
    return result;
}

/* The same while others may do the waiter's operations. */
static int look_closed(selection *s)
{
    int result;

    if (!s->buffers)
        return NOTHING;
    if (!s->exposed)
        return look(s, false);
    if (!weir__waiter_close(&s->waiter))
        return TAKEN;
    result = look(s, false);
    if (result < 0)
        weir__waiter_open(&s->waiter);
    else
        weir__waiter_end(&s->waiter);
    return result;
}

/* ---- queues ---- */

/* Stands in the queue of an arm, if it does not. */
static int enter(selection *s, weir_select_arm *arm)
{
    weir_chan *const chan = arm->chan;
    int status = NOTHING;

    if (has_lock(arm)) {
        if (arm->node.waiter == NULL) /* else others read it */
            arm->node.waiter = &s->waiter;
        status = weir__meet_enter(chan, sends(arm), &arm->node, s->exposed);
        s->exposed = true;
        if (status == WEIR__MEET_TAKEN)
            return TAKEN;
        return status == -EAGAIN ? NOTHING : happened(s, arm, status);
    }
    if (weir__queue_stands(&arm->node))
        return NOTHING;
    if (arm->node.waiter != NULL)
        arm->node.arm |= OWES;
    (void)weir__queue_enter(weir__chan_queue(chan, sends(arm)), &arm->node, &s->waiter);
    if (chan->asymmetric)
        weir_fence_heavy();
    return NOTHING;
}

static int enter_all(selection *s)
{
    int result = NOTHING;

    for (size_t i = 0; i < s->n && result == NOTHING; i++)
        if (s->arms[i].chan != NULL)
            result = enter(s, &s->arms[i]);
    return result;
}

/* Out of a queue without a lock. What was notified is handed on, but for what was `used`. */
static void leave(weir_select_arm *arm, bool used)
{
    weir__wait_queue *const queue = weir__chan_queue(arm->chan, sends(arm));
    uint32_t notified = owes(arm);

    notified += !weir__queue_leave(queue, &arm->node);
    if (notified > used)
        weir__queue_notify(queue, notified - used);
}

/* Out of all queues. */
static void leave_all(selection *s, int which)
{
    for (size_t i = 0; i < s->n; i++) {
        weir_select_arm *const arm = &s->arms[i];

        if (arm->chan == NULL || arm->node.waiter == NULL)
            continue;
        if (has_lock(arm))
            weir__meet_leave(arm->chan, sends(arm), &arm->node);
        else
            leave(arm, (int)i == which && s->used);
    }
}

/* ---- waiting ---- */

/* Nobody does one of the operations any more. Returns: false if somebody has. */
static bool give_up(selection *s)
{
    if (!s->exposed)
        return true;
    if (!weir__waiter_close(&s->waiter))
        return false;
    weir__waiter_end(&s->waiter);
    return true;
}

/* One sleep, and what came of it. `middle`: more threads than there are spare slots are in the
 * middle of an operation, so that one of them has to go on, and tells nobody when it has. */
static int sleep_once(selection *s, bool middle, uint64_t deadline, weir_cancel *cancel)
{
    weir__spin spin = WEIR__SPIN_INIT;
    bool late = false;

    if (cancel != NULL && weir_cancel_check(cancel) != 0)
        return give_up(s) ? -ECANCELED : TAKEN;
    /* Others spin before they stand in queues; here the other side has to see the waiter. */
    while (s->exposed && s->spins && !weir__waiter_woken(&s->waiter) && weir__spin_again(&spin))
        continue;
    if (middle) {
        (void)sched_yield();
        late = weir_clock_passed(deadline);
    } else {
        late = weir__waiter_wait(&s->waiter, deadline, cancel) == -ETIMEDOUT;
    }
    if (weir__waiter_is_taken(&s->waiter))
        return TAKEN;
    if (late) {
        int result;

        if (!give_up(s))
            return TAKEN;
        result = look(s, false);
        return result >= 0 ? result : -ETIMEDOUT;
    }
    (void)weir__waiter_reset(&s->waiter);
    return NOTHING;
}

/* Looks until it is time to sleep. One alone may do so without standing in a queue also where there
 * is a lock: a receiver stands in the spot. Returns: an index, or what was found last. */
static int spin(selection *s)
{
    weir__spin spin = WEIR__SPIN_INIT;
    weir_select_arm *const arm = &s->arms[0];
    int result = NOTHING;

    if (s->locks) {
        if (s->n != 1 || !weir__spot_fits(arm->chan))
            return NOTHING;
        s->spins = false;
        if (!sends(arm))
            return weir__spot_recv(arm->chan, arm->recv) ? happened(s, arm, 0) : NOTHING;
    }
    if (s->n == 1 && s->buffers) {
        spin.yields = sends(arm) && arm->chan->mpsc;
        weir__chan_linger(arm->chan, sends(arm));
    }
    while (result < 0 && weir__spin_again(&spin)) {
        if (s->n == 1 && s->buffers)
            weir__chan_fetch(arm->chan, sends(arm));
        result = look(s, true);
    }
    return result;
}

int weir__select_wait(weir_select_arm *arms, size_t n, uint32_t order, uint64_t deadline,
                      weir_cancel *cancel)
{
    selection s;
    int result;

    s.arms = arms;
    s.n = n;
    s.order = order;
    s.locks = s.buffers = s.exposed = s.locking = s.standing = s.used = false;
    weir_waiter_init(&s.waiter);
    for (size_t i = 0; i < n; i++) {
        if (arms[i].chan != NULL && has_lock(&arms[i]))
            s.locks = true;
        else
            s.buffers = s.buffers || arms[i].chan != NULL;
        arms[i].node.waiter = NULL;
        arms[i].node.arm = (uint32_t)i;
        arms[i].node.element = element_of(&arms[i]);
        weir_atomic_init(&arms[i].node.queued, 0);
    }
    s.spins = true;
    result = spin(&s);
    if (result >= 0)
        return result;
    s.standing = true;
    do {
        result = enter_all(&s);
        if (result == NOTHING)
            result = look_closed(&s);
        if (result == NOTHING || result == MIDDLE)
            result = sleep_once(&s, result == MIDDLE, deadline, cancel);
        if (result == NOTHING)
            result = look_closed(&s);
    } while (result == NOTHING || result == MIDDLE);
    if (result == TAKEN) {
        int status = 0;

        result = (int)weir__waiter_taken(&s.waiter, &status);
        arms[result].status = status;
    }
    leave_all(&s, result);
    return result;
}

/* ---- operations ---- */

/* Returns: 0; -EINVAL. *some: whether an arm has a channel. */
static int check(const weir_select_arm *arms, size_t n, bool *some)
{
    *some = false;
    if (n > WEIR_SELECT_MAX)
        return -EINVAL;
    for (size_t i = 0; i < n; i++) {
        if ((arms[i].send == NULL) == (arms[i].recv == NULL))
            return -EINVAL;
        *some = *some || arms[i].chan != NULL;
    }
    return 0;
}

static int look_first(weir_select_arm *arms, size_t n, bool locking, uint32_t *order)
{
    selection s;

    s.arms = arms;
    s.n = n;
    s.order = *order = next_order();
    s.locking = locking;
    s.standing = false;
    return look(&s, true);
}

int weir_select_try(weir_select_arm *arms, size_t n)
{
    bool some;
    uint32_t order;
    const int status = check(arms, n, &some);

    return status != 0 ? status : look_first(arms, n, false, &order);
}

int weir_select(weir_select_arm *arms, size_t n, uint64_t deadline, weir_cancel *cancel)
{
    bool some;
    uint32_t order;
    int result = check(arms, n, &some);

    if (result != 0 || (!some && deadline == WEIR_FOREVER && cancel == NULL))
        return -EINVAL;
    if (cancel != NULL && weir_cancel_check(cancel) != 0)
        return -ECANCELED;
    result = look_first(arms, n, false, &order);
    if (result >= 0)
        return result;
    if (weir_clock_passed(deadline)) {
        if (result == MIDDLE)
            result = look_first(arms, n, true, &order);
        return result >= 0 ? result : -ETIMEDOUT;
    }
    return weir__select_wait(arms, n, order, deadline, cancel);
}
