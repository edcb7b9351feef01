/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/wait.c: waiters, queues of them, event counts.
 *
 * Why nobody sleeps for ever, where the notifier only loads (weir__queue_notify_seen()):
 *     who enters                ||  who notifies
 *     WAITERS in the word       ||  a change of what is looked at
 *     a look at that            ||  WAITERS in the word?
 * All four are sequentially consistent: one of the two sees the other. Where the notifier makes a
 * read-modify-write of the word (weir__queue_notify()), the later of the two acquires from the
 * earlier. */

#include "wait.h"
#include "park.h"

#include <weir/cancel.h>
#include <weir/fence.h>

#include <errno.h>

/* ---- waiters ---- */

void weir_waiter_init(weir_waiter *waiter)
{
    weir_waiter_init_call(waiter, NULL);
}

void weir_waiter_init_call(weir_waiter *waiter, void (*wake)(weir_waiter *waiter))
{
    weir_atomic_init(&waiter->state, WEIR__OPEN);
    waiter->arm = 0;
    waiter->wake = wake;
}

static bool has_been_woken(uint32_t state)
{
    return (state & WEIR__NUDGED) != 0 || (state & WEIR__PHASE) == WEIR__DONE;
}

/* Sets bits of the state. The waiter may be gone as soon as they are seen, so what is needed
 * later is read before. */
static weir__wake wake_with(weir_waiter *waiter, uint32_t bits)
{
    weir__wake wake = {NULL, waiter->wake};
    /* sync(woken): release. Pairs with the loads in announce() and weir__waiter_woken(), and with
     * weir__waiter_reset(); what the waker had done, and of a rendezvous the element and the arm.
     * Those of earlier wakers are in the same release sequence. */
    const uint32_t old = weir_atomic_fetch_or(&waiter->state, bits, WEIR_RELEASE);

    if ((old & WEIR__PARKED) != 0 && !has_been_woken(old))
        wake.waiter = waiter;
    return wake;
}

weir__wake weir__waiter_nudge(weir_waiter *waiter)
{
    return wake_with(waiter, WEIR__NUDGED);
}

weir__wake weir__waiter_done(weir_waiter *waiter)
{
    return wake_with(waiter, WEIR__DONE);
}

void weir__wake_now(weir__wake wake)
{
    if (wake.waiter == NULL)
        return;
    if (wake.wake != NULL) {
        /* What has come up to now is in this call. */
        (void)weir__waiter_reset(wake.waiter);
        wake.wake(wake.waiter);
    } else {
        weir__unpark(&wake.waiter->state, 1); /* of a waiter that is gone: an address alone */
    }
}

bool weir__waiter_woken(const weir_waiter *waiter)
{
    /* sync(woken): acquire. Pairs with wake_with(). */
    return has_been_woken(weir_atomic_load(&waiter->state, WEIR_ACQUIRE));
}

bool weir__waiter_is_taken(const weir_waiter *waiter)
{
    /* relaxed: who is sees it DONE before he goes on. */
    return (weir_atomic_load(&waiter->state, WEIR_RELAXED) & WEIR__PHASE) >= WEIR__TAKEN;
}

/* Says that who wakes has to do more than set a bit. Returns: false if it is too late. */
static bool announce(weir_waiter *waiter, uint32_t *state)
{
    /* sync(woken): acquire. Pairs with wake_with(). */
    *state = weir_atomic_load(&waiter->state, WEIR_ACQUIRE);
    while (!has_been_woken(*state)) {
        if ((*state & WEIR__PARKED) != 0)
            return true;
        /* sync(armed): release. Pairs with weir__waiter_reset(), before the call: what the owner
         * had done. sync(woken): acquire, on failure. As above. */
        if (weir_atomic_cas(&waiter->state, state, *state | WEIR__PARKED, WEIR_RELEASE,
                            WEIR_ACQUIRE)) {
            *state |= WEIR__PARKED;
            return true;
        }
    }
    return false;
}

bool weir__waiter_sleep(weir_waiter *waiter, uint64_t deadline)
{
    uint64_t start = 0;
    uint32_t state;

    while (announce(waiter, &state)) {
        if (start == 0)
            start = weir_clock_now();
        if (!weir__park(&waiter->state, state, deadline))
            return weir__waiter_woken(waiter); /* at the last moment */
    }
    if (start != 0)
        weir__spin_learn(weir_clock_now() - start);
    return true;
}

uint32_t weir__waiter_reset(weir_waiter *waiter)
{
    /* sync(woken): acquire. Pairs with wake_with(): a nudge that is forgotten here has been seen.
     * sync(armed): acquire. Pairs with announce(): what the owner had done comes before a call. */
    return weir_atomic_fetch_and(
        &waiter->state, ~(uint32_t)(WEIR__NUDGED | WEIR__PARKED | WEIR__PERMIT), WEIR_ACQUIRE);
}

int weir_waiter_park(weir_waiter *waiter, uint64_t deadline, weir_cancel *cancel)
{
    int status = 0;

    WEIR_REQUIRE(waiter->wake == NULL, "a waiter with a function: weir_waiter_arm() is for it");
    while (cancel == NULL || weir_cancel_check(cancel) == 0) {
        status = weir__waiter_wait(waiter, deadline, cancel);
        if ((weir__waiter_reset(waiter) & WEIR__PERMIT) != 0)
            return 0;
        if (status != 0)
            return status;
    }
    return -ECANCELED;
}

bool weir_waiter_arm(weir_waiter *waiter)
{
    uint32_t state;

    WEIR_REQUIRE(waiter->wake != NULL, "a waiter without a function: weir_waiter_park() is for it");
    if (announce(waiter, &state))
        return true;
    (void)weir__waiter_reset(waiter);
    return false;
}

void weir_waiter_unpark(weir_waiter *waiter)
{
    weir__wake_now(wake_with(waiter, WEIR__NUDGED | WEIR__PERMIT));
}

/* ---- a queue's lock ---- */

/* Locks it and sets the bits of `also`. Returns: the word before. */
static uint32_t lock_and(weir__wait_queue *queue, uint32_t also)
{
    weir__spin spin = WEIR__SPIN_INIT;
    uint32_t word = weir_atomic_load(&queue->word, WEIR_RELAXED); /* relaxed: a guess. */
    uint32_t mark = also | WEIR__LOCKED;

    spin.brief = true;
    for (;;) {
        if ((word & WEIR__LOCKED) == 0) {
            /* sync(prepared): seq_cst. Pairs with the load in weir__queue_notify_seen(), and with
             * the read-modify-write in weir__queue_notify(): WAITERS. See
             * the top of this file. sync(locked): acquire. Pairs with the compare-and-swap in
             * settle(); the queue. sync(notified): acquire. Pairs with the read-modify-write in
             * weir__queue_notify(): what its thread had done is seen by the look that follows. */
            if (weir_atomic_cas(&queue->word, &word, word | mark, WEIR_SEQ_CST, WEIR_RELAXED))
                return word;
        } else if (weir__spin_again(&spin)) {
            word = weir_atomic_load(&queue->word, WEIR_RELAXED); /* relaxed: a guess. */
        } else if ((word & WEIR__CONTENDED) != 0 ||
                   /* relaxed: both: it says nothing but CONTENDED. */
                   weir_atomic_cas(&queue->word, &word, word | WEIR__CONTENDED, WEIR_RELAXED,
                                   WEIR_RELAXED)) {
            (void)weir__park(&queue->word, word | WEIR__CONTENDED, WEIR_FOREVER);
            mark |= WEIR__CONTENDED;                             /* there may be others who sleep */
            word = weir_atomic_load(&queue->word, WEIR_RELAXED); /* relaxed: a guess. */
        }
    }
}

/* Most that are woken with one hold of the lock. The twin: so few that the checker sees more than
 * one. */
#ifdef WEIR_TSAN
enum { BATCH = 2 };
#else
enum { BATCH = 16 };
#endif

typedef struct bundle {
    weir__wake wakes[BATCH];
    unsigned count;
    uint32_t left; /* notifications that are still to be served */
} bundle;

static void pop(weir__wait_queue *queue, bundle *work)
{
    weir_wait_node *const node = queue->first;
    weir__wake wake;

    weir__queue_remove(queue, node);
    /* relaxed: carried by the nudge: who has seen that does not take the node for queued. */
    weir_atomic_store(&node->queued, WEIR__POPPED, WEIR_RELAXED);
    wake = weir__waiter_nudge(node->waiter);
    if (wake.waiter != NULL)
        work->wakes[work->count++] = wake;
    /* sync(left): release. Pairs with the load in weir__queue_leave(): nothing of node or waiter is
     * touched after it. */
    weir_atomic_store(&node->queued, 0, WEIR_RELEASE);
    work->left--;
}

/* Returns: n, or fewer if fewer stand in the queue: who enters later is woken by later ones. */
static uint32_t at_most(const weir__wait_queue *queue, uint32_t n)
{
    uint32_t count = 0;

    for (const weir_wait_node *node = queue->first; node != NULL && count < n; node = node->next)
        count++;
    return count;
}

/* Unlocks, unless there is more to serve. Returns: whether it did. */
static bool settle(weir__wait_queue *queue, bundle *work)
{
    uint32_t word = weir_atomic_load(&queue->word, WEIR_RELAXED); /* relaxed: a guess. */
    uint32_t next, left;
    bool done;

    do {
        left = word / WEIR__PENDING;
        left = left > WEIR__NOTIFY_ALL - work->left ? WEIR__NOTIFY_ALL : left + work->left;
        if (queue->first == NULL)
            left = 0;
        done = left == 0 || work->count == BATCH;
        if (done) {
            left = at_most(queue, left);
            next = (word & WEIR__SET) | (queue->first != NULL ? WEIR__WAITERS : 0) |
                   left * WEIR__PENDING;
        } else {
            next = word % WEIR__PENDING;
        }
        /* sync(locked): release. Pairs with the compare-and-swap in lock_and() and the others that
         * lock; the queue. sync(notified): acquire. Pairs with the compare-and-swap in
         * notify_on(): what a notifier had done goes on to whom its notification wakes. */
    } while (!weir_atomic_cas(&queue->word, &word, next, WEIR_ACQ_REL, WEIR_RELAXED));
    work->left = left;
    if (done && (word & WEIR__CONTENDED) != 0)
        weir__unpark(&queue->word, 1);
    return done;
}

/* Serves `n` notifications and what others leave meanwhile, and unlocks. */
static void serve(weir__wait_queue *queue, uint32_t n)
{
    bundle work;
    uint32_t word;

    work.left = n;
    do {
        work.count = 0;
        do {
            while (work.left > 0 && queue->first != NULL && work.count < BATCH)
                pop(queue, &work);
        } while (!settle(queue, &work));
        for (unsigned i = 0; i < work.count; i++)
            weir__wake_now(work.wakes[i]);
        if (work.left == 0)
            return;
        /* More than a batch: the rest is in the word, for whoever locks next. */
        word = weir_atomic_load(&queue->word, WEIR_RELAXED); /* relaxed: a guess. */
        do {
            if ((word & WEIR__LOCKED) != 0 || word < WEIR__PENDING)
                return;
            /* sync(locked): acquire. Pairs with settle(); the queue. */
        } while (
            !weir_atomic_cas(&queue->word, &word, word | WEIR__LOCKED, WEIR_ACQUIRE, WEIR_RELAXED));
        work.left = 0;
    } while (true);
}

void weir__queue_lock(weir__wait_queue *queue)
{
    (void)lock_and(queue, 0);
}

bool weir__queue_try_lock(weir__wait_queue *queue)
{
    uint32_t word = weir_atomic_load(&queue->word, WEIR_RELAXED); /* relaxed: a guess. */

    while ((word & WEIR__LOCKED) == 0)
        /* sync(locked): acquire. Pairs with settle(); the queue. */
        if (weir_atomic_cas(&queue->word, &word, word | WEIR__LOCKED, WEIR_ACQUIRE, WEIR_RELAXED))
            return true;
    return false;
}

void weir__queue_unlock(weir__wait_queue *queue)
{
    serve(queue, 0);
}

/* ---- a queue's nodes ---- */

void weir__queue_init(weir__wait_queue *queue)
{
    weir_atomic_init(&queue->word, 0);
    queue->first = queue->last = NULL;
}

void weir__queue_push(weir__wait_queue *queue, weir_wait_node *node)
{
    node->next = NULL;
    node->prev = queue->last;
    /* relaxed: others see it under the lock alone. */
    weir_atomic_store(&node->queued, WEIR__QUEUED, WEIR_RELAXED);
    if (queue->last != NULL)
        queue->last->next = node;
    else
        queue->first = node;
    queue->last = node;
}

void weir__queue_remove(weir__wait_queue *queue, weir_wait_node *node)
{
    if (node->prev != NULL)
        node->prev->next = node->next;
    else
        queue->first = node->next;
    if (node->next != NULL)
        node->next->prev = node->prev;
    else
        queue->last = node->prev;
}

bool weir__queue_stands(const weir_wait_node *node)
{
    /* relaxed: see pop(). */
    return weir_atomic_load(&node->queued, WEIR_RELAXED) == WEIR__QUEUED;
}

bool weir__queue_enter(weir__wait_queue *queue, weir_wait_node *node, weir_waiter *waiter)
{
    const bool entered = (lock_and(queue, WEIR__WAITERS) & WEIR__SET) == 0;

    if (entered) {
        node->waiter = waiter; /* under the lock: who took it out before has read it */
        weir__queue_push(queue, node);
    }
    serve(queue, 0);
    return entered;
}

bool weir__queue_leave(weir__wait_queue *queue, weir_wait_node *node)
{
    bool found;

    /* sync(left): acquire. Pairs with the store in pop(): its thread is done with the node. */
    if (weir_atomic_load(&node->queued, WEIR_ACQUIRE) == 0)
        return false;
    (void)lock_and(queue, 0);
    /* relaxed: written under the lock. */
    found = weir_atomic_load(&node->queued, WEIR_RELAXED) == WEIR__QUEUED;
    if (found)
        weir__queue_remove(queue, node);
    serve(queue, 0);
    return found;
}

/* ---- notifications ---- */

/* `word` is what was read. */
static void notify_on(weir__wait_queue *queue, uint32_t word, uint32_t n)
{
    uint32_t pending;

    if (n > WEIR__NOTIFY_ALL)
        n = WEIR__NOTIFY_ALL;
    while ((word & WEIR__WAITERS) != 0) {
        if ((word & WEIR__LOCKED) == 0) {
            /* sync(locked): acquire. Pairs with settle(); the queue. */
            if (weir_atomic_cas(&queue->word, &word, word | WEIR__LOCKED, WEIR_ACQUIRE,
                                WEIR_RELAXED)) {
                serve(queue, n);
                return;
            }
        } else {
            pending = word / WEIR__PENDING;
            pending = n > WEIR__NOTIFY_ALL - pending ? WEIR__NOTIFY_ALL : pending + n;
            /* sync(notified): release. Pairs with settle(), which serves it. */
            if (weir_atomic_cas(&queue->word, &word, word % WEIR__PENDING + pending * WEIR__PENDING,
                                WEIR_RELEASE, WEIR_RELAXED))
                return;
        }
    }
}

void weir__queue_notify_seen(weir__wait_queue *queue, uint32_t n)
{
    /* sync(prepared): seq_cst. Pairs with lock_and(). The picture at the top of this file. */
    const uint32_t word = weir_atomic_load(&queue->word, WEIR_SEQ_CST);

    if (WEIR_UNLIKELY((word & WEIR__WAITERS) != 0))
        notify_on(queue, word, n);
}

void weir__queue_notify_light(weir__wait_queue *queue, uint32_t n)
{
    uint32_t word;

    weir_fence_light();
    word = weir_atomic_load(&queue->word, WEIR_RELAXED); /* relaxed: ordered by the fence. */
    if (WEIR_UNLIKELY((word & WEIR__WAITERS) != 0))
        notify_on(queue, word, n);
}

void weir__queue_notify(weir__wait_queue *queue, uint32_t n)
{
    /* sync(notified): release. Pairs with lock_and(), if that comes after it: what this thread had
     * done. If it came before, WAITERS is in what is read here. */
    const uint32_t word = weir_atomic_fetch_add(&queue->word, 0, WEIR_RELEASE);

    if ((word & WEIR__WAITERS) != 0)
        notify_on(queue, word, n);
}

bool weir__queue_set(weir__wait_queue *queue)
{
    /* sync(set): release. Pairs with the loads in weir__queue_enter() and weir__queue_is_set();
     * what this thread had done. */
    const uint32_t word = weir_atomic_fetch_or(&queue->word, WEIR__SET, WEIR_RELEASE);

    if ((word & WEIR__SET) != 0)
        return false;
    notify_on(queue, word | WEIR__SET, WEIR__NOTIFY_ALL);
    return true;
}

bool weir__queue_is_set(const weir__wait_queue *queue)
{
    /* sync(set): acquire. Pairs with weir__queue_set(). */
    return (weir_atomic_load(&queue->word, WEIR_ACQUIRE) & WEIR__SET) != 0;
}

size_t weir__queue_length(const weir__wait_queue *queue)
{
    size_t length = 0;

    for (const weir_wait_node *node = queue->first; node != NULL; node = node->next)
        length++;
    return length;
}

/* ---- event counts ---- */

void weir_event_init(weir_event *event)
{
    weir__queue_init(&event->queue);
}

void weir_event_prepare(weir_event *event, weir_sleeper *sleeper)
{
    weir_waiter_init(&sleeper->waiter);
    (void)weir__queue_enter(&event->queue, &sleeper->node, &sleeper->waiter);
}

void weir_event_withdraw(weir_event *event, weir_sleeper *sleeper)
{
    if (!weir__queue_leave(&event->queue, &sleeper->node))
        weir__queue_notify(&event->queue, 1);
}

int weir_event_wait(weir_event *event, weir_sleeper *sleeper, uint64_t deadline,
                    weir_cancel *cancel)
{
    const int status = weir__waiter_wait(&sleeper->waiter, deadline, cancel);

    /* A notification that came with the deadline is not lost: it was this thread's. */
    if (!weir__queue_leave(&event->queue, &sleeper->node))
        return 0;
    return status != 0 ? status : -ECANCELED;
}

int weir_event_await(weir_event *event, bool (*ready)(void *context), void *context,
                     uint64_t deadline, weir_cancel *cancel)
{
    weir__spin spin = WEIR__SPIN_INIT;
    weir_sleeper sleeper;
    int status = 0;

    if (cancel != NULL && weir_cancel_check(cancel) != 0)
        return -ECANCELED;
    if (ready(context))
        return 0;
    if (weir_clock_passed(deadline))
        return -ETIMEDOUT;
    while (weir__spin_again(&spin))
        if (ready(context))
            return 0;
    while (status == 0) {
        weir_event_prepare(event, &sleeper);
        if (ready(context)) {
            weir_event_withdraw(event, &sleeper);
            return 0;
        }
        status = weir_event_wait(event, &sleeper, deadline, cancel);
        if (ready(context))
            return 0;
    }
    return status;
}

void weir_event_notify(weir_event *event, uint32_t n)
{
    weir__queue_notify(&event->queue, n);
}

void weir_event_notify_all(weir_event *event)
{
    weir__queue_notify(&event->queue, WEIR__NOTIFY_ALL);
}

size_t weir_event_sleepers_approx(weir_event *event)
{
    size_t length;

    weir__queue_lock(&event->queue);
    length = weir__queue_length(&event->queue);
    weir__queue_unlock(&event->queue);
    return length;
}
