/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/sem.h>

#include "park.h"
#include "wait.h"

/* The word is that of a queue (lib/wait.h), with permits in the place of what is pending, and its
 * lock is taken in the same way; only unlocking is done here. */
WEIR_STATIC_ASSERT((int)WEIR__SEM_LOCKED == (int)WEIR__LOCKED &&
                       (int)WEIR__SEM_WAITERS == (int)WEIR__WAITERS &&
                       (int)WEIR__SEM_ONE == (int)WEIR__PENDING,
                   "one layout of the word");

/* Of a latch or a wait group that is LOCKED: it has been at 0, and who has the lock is to wake
 * those in the list. */
enum { PASSED = WEIR__SET };

/* ---- those who wait ---- */

/* Waits for somebody to do the operation of this waiter. Returns: 0 if somebody has; -ETIMEDOUT;
 * -ECANCELED. */
static int await_done(weir_waiter *waiter, weir__spin *spin, uint64_t deadline, weir_cancel *cancel)
{
    const bool late = weir_clock_passed(deadline);
    int status = 0;

    while (status == 0) {
        bool done = false;

        while (!done && !late && weir__spin_again(spin))
            /* relaxed: a guess, which weir__waiter_reset() confirms. */
            done = (weir_atomic_load(&waiter->state, WEIR_RELAXED) & WEIR__PHASE) == WEIR__DONE;
        if (!done)
            status = weir__waiter_wait(waiter, deadline, cancel);
        if ((weir__waiter_reset(waiter) & WEIR__PHASE) == WEIR__DONE)
            return 0;
        if (status == 0 && weir_cancel_check(cancel) != 0)
            status = -ECANCELED;
    }
    return status;
}

/* Goes into the list; of a semaphore, for n permits. The lock is held afterwards. Returns: the
 * word.
 */
static uint32_t enter(weir__wait_queue *queue, weir_sleeper *self, uint32_t n)
{
    uint32_t word;

    weir_waiter_init(&self->waiter);
    self->node.waiter = &self->waiter;
    self->node.arm = n;
    weir__queue_lock(queue);
    /* From here on nobody takes permits but who has the lock: their number only grows.
     * relaxed: with the lock. */
    word = weir_atomic_fetch_or(&queue->word, WEIR__WAITERS, WEIR_RELAXED);
    weir__queue_push(queue, &self->node);
    return word | WEIR__WAITERS;
}

static uint32_t lock(weir__wait_queue *queue)
{
    weir__queue_lock(queue);
    return weir_atomic_load(&queue->word, WEIR_RELAXED); /* relaxed: a guess. */
}

/* Takes the lock, and the node out of the list. Returns: false if somebody else had; and the word.
 */
static bool withdraw(weir__wait_queue *queue, weir_sleeper *self, uint32_t *word)
{
    *word = lock(queue);
    if (!weir__queue_stands(&self->node))
        return false;
    weir__queue_remove(queue, &self->node);
    return true;
}

/* Lets those of a chain go. Their nodes are gone, one after the other. */
static void wake(weir_wait_node *first)
{
    while (first != NULL) {
        weir_wait_node *const next = first->next;

        weir__wake_now(weir__waiter_done(first->waiter));
        first = next;
    }
}

/* ---- semaphore ---- */

/* With the lock held: gives permits to the first ones of the list, as far as they go, and unlocks.
 * The object may be gone when its word is unlocked, and before anybody is woken. `word`: it was
 * that. */
static void hand_over(weir__wait_queue *queue, uint32_t word)
{
    weir_wait_node *served = NULL, **end = &served;
    uint32_t given = 0, left;

    do {
        left = word / WEIR__PENDING - given;
        while (queue->first != NULL && queue->first->arm <= left) {
            weir_wait_node *const node = queue->first;

            weir__queue_remove(queue, node);
            /* relaxed: read with the lock. */
            weir_atomic_store(&node->queued, 0, WEIR_RELAXED);
            left -= node->arm;
            given += node->arm;
            node->next = NULL;
            *end = node;
            end = &node->next;
        }
        /* sync(locked): release. Pairs with weir__queue_lock() and the compare-and-swap in
         * weir__sem_release_on(); the list. sync(permits): acquire. Pairs with the
         * compare-and-swaps in weir_sem_release() and weir__sem_release_on(), which left their
         * permits here: it goes on to whom is woken. sync(permits): release. Pairs with
         * weir__sem_take(). */
    } while (!weir_atomic_cas(&queue->word, &word,
                              left * WEIR__PENDING +
                                  (queue->first != NULL ? (uint32_t)WEIR__WAITERS : 0),
                              WEIR_ACQ_REL, WEIR_RELAXED));
    if ((word & WEIR__CONTENDED) != 0)
        weir__unpark(&queue->word, 1);
    wake(served);
}

void weir_sem_init(weir_sem *sem, uint32_t permits)
{
    WEIR_REQUIRE(permits <= WEIR_SEM_MAX, "more permits than WEIR_SEM_MAX");
    weir__queue_init(&sem->queue);
    weir_atomic_init(&sem->queue.word, permits * WEIR__PENDING);
}

static int destroy(const weir__wait_queue *queue)
{
    /* relaxed: nobody may be using it but those who are to be found here. */
    const uint32_t word = weir_atomic_load(&queue->word, WEIR_RELAXED);

    return (word & (WEIR__LOCKED | WEIR__WAITERS)) != 0 ? -EBUSY : 0;
}

int weir_sem_destroy(weir_sem *sem)
{
    return destroy(&sem->queue);
}

int weir__sem_acquire_on(weir_sem *sem, uint32_t n, uint64_t deadline, weir_cancel *cancel)
{
    weir__spin spin = WEIR__SPIN_INIT;
    weir_sleeper self;
    uint32_t word;
    bool late;
    int status;

    if (weir_cancel_check(cancel) != 0)
        return -ECANCELED;
    if (n > WEIR_SEM_MAX)
        return -EINVAL;
    late = weir_clock_passed(deadline);
    if (cancel != NULL || late) {
        status = weir_sem_try_acquire(sem, n);
        if (status == 0)
            return 0;
        if (late && status == -EAGAIN)
            return -ETIMEDOUT;
    }
    while (weir__spin_again(&spin)) {
        if (weir__sem_take(sem, n, &word))
            return 0;
        if ((word & WEIR__WAITERS) != 0)
            break;
    }
    hand_over(&sem->queue, enter(&sem->queue, &self, n));
    status = await_done(&self.waiter, &spin, deadline, cancel);
    if (status != 0) {
        const bool withdrew = withdraw(&sem->queue, &self, &word);

        hand_over(&sem->queue, word); /* who stood behind may have enough */
        if (!withdrew)
            (void)weir__waiter_taken(&self.waiter, &status);
    }
    return status;
}

void weir__sem_release_on(weir_sem *sem, uint32_t n, uint32_t word)
{
    uint32_t next;
    bool locks;

    do {
        WEIR_REQUIRE(n <= WEIR_SEM_MAX - word / WEIR__PENDING, "more permits than WEIR_SEM_MAX");
        /* Who has the lock does the rest; or nobody waits any more. */
        locks = (word & WEIR__WAITERS) != 0 && (word & WEIR__LOCKED) == 0;
        next = word + n * WEIR__PENDING + (locks ? (uint32_t)WEIR__LOCKED : 0);
        /* sync(permits): release. Pairs with the compare-and-swaps in weir__sem_take() and
         * hand_over(). sync(locked): acquire. Pairs with the compare-and-swap in hand_over();
         * the list. sync(permits): acquire. Pairs with weir_sem_release(), as there. */
    } while (!weir_atomic_cas(&sem->queue.word, &word, next, WEIR_ACQ_REL, WEIR_RELAXED));
    if (locks)
        hand_over(&sem->queue, next);
}

size_t weir_sem_waiters_approx(weir_sem *sem)
{
    const uint32_t word = lock(&sem->queue);
    const size_t waiters = weir__queue_length(&sem->queue);

    hand_over(&sem->queue, word);
    return waiters;
}

/* ---- latch and wait group ---- */

static void mark(weir_wait_node *first, bool queued)
{
    for (; first != NULL; first = first->next)
        /* relaxed: read with the lock. */
        weir_atomic_store(&first->queued, queued ? (uint32_t)WEIR__QUEUED : 0, WEIR_RELAXED);
}

/* With the lock held: counts n down, wakes all of the list if that is 0, or if it has been, and
 * unlocks. The object may be gone when its word says 0, and before anybody is woken. `word`: it
 * was that. Returns: whether it was 0. */
static bool open_at_zero(weir__wait_queue *queue, uint32_t n, uint32_t word)
{
    weir_wait_node *const first = queue->first, *const last = queue->last;
    bool open = false;
    uint32_t left;

    do {
        const bool was_open = open;

        WEIR_REQUIRE(word / WEIR__PENDING >= n, "counted down below zero");
        left = word / WEIR__PENDING - n;
        open = left == 0 || (word & PASSED) != 0;
        queue->first = open ? NULL : first;
        queue->last = open ? NULL : last;
        if (open != was_open)
            mark(first, !open);
        /* sync(locked): release. Pairs with weir__queue_lock() and the compare-and-swap in
         * weir__sem_lower_on(); the list. sync(zero): acquire. Pairs with the compare-and-swaps in
         * weir__sem_lower() and weir__sem_lower_on(): it goes on to whom is woken.
         * sync(zero): release. Pairs with weir__sem_is_zero(). */
    } while (!weir_atomic_cas(&queue->word, &word,
                              left * WEIR__PENDING +
                                  (queue->first != NULL ? (uint32_t)WEIR__WAITERS : 0),
                              WEIR_ACQ_REL, WEIR_RELAXED));
    if ((word & WEIR__CONTENDED) != 0)
        weir__unpark(&queue->word, 1);
    if (open)
        wake(first);
    return open;
}

void weir__sem_lower_on(weir__wait_queue *queue, uint32_t n, uint32_t word)
{
    uint32_t next;
    bool locks;

    do {
        const bool last = word / WEIR__PENDING == n && (word & WEIR__WAITERS) != 0;

        WEIR_REQUIRE(word / WEIR__PENDING >= n, "counted down below zero");
        locks = last && (word & WEIR__LOCKED) == 0;
        if (locks)
            next = word | WEIR__LOCKED; /* 0 comes with the unlocking: nobody returns before */
        else
            next = (word - n * WEIR__PENDING) | (last ? (uint32_t)PASSED : 0);
        /* sync(zero): release. Pairs with the load in weir__sem_is_zero(), and with the
         * compare-and-swap in open_at_zero(). sync(locked): acquire. Pairs with open_at_zero(); the
         * list. */
    } while (!weir_atomic_cas(&queue->word, &word, next, WEIR_ACQ_REL, WEIR_RELAXED));
    if (locks)
        (void)open_at_zero(queue, n, next);
}

int weir__sem_wait_zero(weir__wait_queue *queue, uint64_t deadline, weir_cancel *cancel)
{
    weir__spin spin = WEIR__SPIN_INIT;
    weir_sleeper self;
    int status;

    if (weir_cancel_check(cancel) != 0)
        return -ECANCELED;
    if (weir__sem_is_zero(queue))
        return 0;
    if (weir_clock_passed(deadline))
        return -ETIMEDOUT;
    while (weir__spin_again(&spin))
        if (weir__sem_is_zero(queue))
            return 0;
    (void)open_at_zero(queue, 0, enter(queue, &self, 0));
    status = await_done(&self.waiter, &spin, deadline, cancel);
    if (status != 0) {
        uint32_t word;
        const bool withdrew = withdraw(queue, &self, &word);

        if (open_at_zero(queue, 0, word))
            status = 0; /* at the last moment */
        if (!withdrew)
            (void)weir__waiter_taken(&self.waiter, &status);
    }
    return status;
}

static size_t zero_waiters(weir__wait_queue *queue)
{
    const uint32_t word = lock(queue);
    const size_t waiters = weir__queue_length(queue);

    (void)open_at_zero(queue, 0, word);
    return waiters;
}

void weir_latch_init(weir_latch *latch, uint32_t count)
{
    WEIR_REQUIRE(count <= WEIR_SEM_MAX, "a count of more than WEIR_SEM_MAX");
    weir__queue_init(&latch->queue);
    weir_atomic_init(&latch->queue.word, count * WEIR__PENDING);
}

int weir_latch_destroy(weir_latch *latch)
{
    return destroy(&latch->queue);
}

size_t weir_latch_waiters_approx(weir_latch *latch)
{
    return zero_waiters(&latch->queue);
}

void weir_wait_group_init(weir_wait_group *group)
{
    weir__queue_init(&group->queue);
}

int weir_wait_group_destroy(weir_wait_group *group)
{
    return destroy(&group->queue);
}

size_t weir_wait_group_waiters_approx(weir_wait_group *group)
{
    return zero_waiters(&group->queue);
}

void weir_wait_group_add(weir_wait_group *group, uint32_t n)
{
    uint32_t word = weir_atomic_load(&group->queue.word, WEIR_RELAXED); /* relaxed: a guess. */

    do
        WEIR_REQUIRE(n <= WEIR_SEM_MAX - word / WEIR__PENDING, "more added than WEIR_SEM_MAX");
    /* relaxed: it says only that there is more to wait for. */
    while (!weir_atomic_cas(&group->queue.word, &word, word + n * WEIR__PENDING, WEIR_RELAXED,
                            WEIR_RELAXED));
}

/* ---- barrier ----
 *
 * Who comes last takes the others of the round out of the list, and claims each (lib/wait_claim.c).
 * Who wants to leave closes itself first. So of a round either all are claimed, and then none of
 * them touches the barrier again; or one was leaving, and the round has failed. */

/* With the lock held: ends the round. Returns: those who were claimed, in a chain; in *whole
 * whether these are all. Who was leaving finds that it is out of the list. */
static weir_wait_node *end_round(weir_barrier *barrier, bool *whole)
{
    weir_wait_node *claimed = NULL;

    *whole = true;
    while (barrier->queue.first != NULL) {
        weir_wait_node *const node = barrier->queue.first;

        weir__queue_remove(&barrier->queue, node);
        /* relaxed: read with the lock. */
        weir_atomic_store(&node->queued, 0, WEIR_RELAXED);
        if (weir__waiter_claim(node->waiter, NULL) == WEIR__CLAIM_GOT) {
            node->next = claimed;
            claimed = node;
        } else {
            *whole = false;
        }
    }
    barrier->arrived = 0;
    return claimed;
}

static void let_go(weir_wait_node *claimed, bool whole)
{
    for (weir_wait_node *node = claimed; node != NULL; node = node->next)
        node->waiter->arm = whole ? 0 : WEIR__ARM_CLOSED;
    wake(claimed);
}

static void fail_round(weir_barrier *barrier, bool broken)
{
    weir_wait_node *claimed;
    bool whole;

    weir__queue_lock(&barrier->queue);
    claimed = end_round(barrier, &whole);
    barrier->broken = broken;
    weir__queue_unlock(&barrier->queue);
    let_go(claimed, false);
}

/* With the lock held, the last of the round. */
static int arrive_last(weir_barrier *barrier)
{
    bool whole;
    weir_wait_node *const claimed = end_round(barrier, &whole);

    barrier->broken = !whole;
    weir__queue_unlock(&barrier->queue);
    let_go(claimed, whole);
    return whole ? 1 : -EPIPE;
}

/* The deadline, or the token, and nobody has claimed this one: the round has failed. */
static void leave(weir_barrier *barrier, weir_sleeper *self)
{
    weir_wait_node *claimed = NULL;
    bool whole;

    weir__queue_lock(&barrier->queue);
    if (weir__queue_stands(&self->node)) {
        weir__queue_remove(&barrier->queue, &self->node);
        claimed = end_round(barrier, &whole);
        barrier->broken = true;
    }
    weir__queue_unlock(&barrier->queue);
    let_go(claimed, false);
}

void weir_barrier_init(weir_barrier *barrier, uint32_t parties)
{
    WEIR_REQUIRE(parties != 0, "a barrier for nobody");
    weir__queue_init(&barrier->queue);
    barrier->parties = parties;
    barrier->arrived = 0;
    barrier->broken = false;
}

int weir_barrier_destroy(weir_barrier *barrier)
{
    return destroy(&barrier->queue);
}

int weir_barrier_wait(weir_barrier *barrier, uint64_t deadline, weir_cancel *cancel)
{
    weir__spin spin = WEIR__SPIN_INIT;
    weir_sleeper self;
    int status;

    WEIR_REQUIRE(barrier->parties != 0, "a barrier for nobody");
    if (weir_cancel_check(cancel) != 0) {
        weir_barrier_break(barrier);
        return -ECANCELED;
    }
    weir_waiter_init(&self.waiter);
    self.node.waiter = &self.waiter;
    weir__queue_lock(&barrier->queue);
    if (barrier->broken) {
        weir__queue_unlock(&barrier->queue);
        return -EPIPE;
    }
    if (barrier->arrived + 1 == barrier->parties)
        return arrive_last(barrier);
    barrier->arrived++;
    weir__queue_push(&barrier->queue, &self.node);
    weir__queue_unlock(&barrier->queue);
    status = await_done(&self.waiter, &spin, deadline, cancel);
    if (status != 0 && weir__waiter_close(&self.waiter))
        leave(barrier, &self);
    else
        (void)weir__waiter_taken(&self.waiter, &status);
    return status;
}

void weir_barrier_break(weir_barrier *barrier)
{
    fail_round(barrier, true);
}

void weir_barrier_reset(weir_barrier *barrier)
{
    fail_round(barrier, false);
}

uint32_t weir_barrier_waiting_approx(weir_barrier *barrier)
{
    uint32_t waiting;

    weir__queue_lock(&barrier->queue);
    waiting = barrier->arrived;
    weir__queue_unlock(&barrier->queue);
    return waiting;
}

bool weir_barrier_broken_approx(weir_barrier *barrier)
{
    bool broken;

    weir__queue_lock(&barrier->queue);
    broken = barrier->broken;
    weir__queue_unlock(&barrier->queue);
    return broken;
}
