/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/sem.h: four ways for threads to wait for one another without handing values on: the
 * semaphore (a number of permits), the latch (N events, once), the wait group (as many as were
 * added, again and again) and the barrier (N threads, round after round).
 *
 * Use it when: so many at a time may do something (semaphore); all is to begin when N things have
 *              happened (latch); somebody waits for work that he has given away (wait group); N
 *              threads go on together (barrier).
 * Use weir/chan.h where a value goes along, weir/future.h for one result, weir/wait.h to sleep for
 * a condition of your own.
 *
 * Who may run with whom: everything with everything, but for init and destroy; and
 *   weir_wait_group_add() from 0 up comes before the wait that is to see it.
 *
 * How it works. The number, "somebody waits" and a lock of the list of those who do are one
 * word. As long as nobody waits an operation is one compare-and-swap of it, and there is nothing
 * else to look at. With somebody in the list it hands over: a release gives its permits to the
 * first ones of the list, under the lock; or, where another thread has that, adds them and goes,
 * and that thread serves them before it unlocks.
 *
 * Progress:  all but the waits, and weir_barrier_break(), weir_barrier_reset() and the _approx of
 *            who waits, which take the lock of the list, never wait for anybody: lock-free. A
 *            thread that is stopped where it has the lock, in an operation that waits or that
 *            wakes, holds up those who wait, until it goes on; it holds up nobody else.
 *            try_acquire says -EBUSY of it where it could be refused falsely.
 * Ordering:  what happens before a release is visible after the acquire of its permits (and
 *            of any permits later on); what happens before count_down or done, after the wait
 *            that saw it; what happens before any of N waits at a barrier, after all N. Refusals
 *            are ordered by happens-before only.
 * Linearization: at a compare-and-swap of the word; of those who are woken, at the one that
 *            unlocked it. A try_acquire that is refused, a try_wait: at its load.
 * Fairness:  a semaphore is FIFO: permits go to those who wait, in the order in which they came to
 *            the list, however many each wants, and nobody comes past them: neither an acquire
 *            nor a try_acquire takes permits while somebody is in the list. (A thread looks
 *            for some microseconds before it enters the list: among those who do, it is luck.)
 *            Each hand-over to a thread that sleeps costs a switch: to guard a few
 *            instructions, a mutex is better.
 * Memory:    the caller's; nothing is allocated, those who wait are on their own stacks. Static
 *            initialisers do what init does. What a call gives comes after its last access:
 *            who has acquired the last permits that will be released may free the semaphore
 *            as soon as its acquire returns, though the releases have not returned; so may
 *            the last of those who wait at a latch or a wait group, though count_down or done
 *            have not. Of a barrier any of the N may after a 0 or a 1, if there is no
 *            next round, though the other N - 1 waits have not returned.
 * Signals:   a wait that a signal interrupts goes on. What is lock-free may be called in a
 *            signal handler, where threads sleep by futex(2).
 * Fork:      the child has none of those who waited: there it uses no object at which somebody did.
 * Edges:
 *   permits  release -> acquire, try_acquire     carries what the releasers had done
 *   zero     count_down, done -> wait, try_wait  carries what had been done before it
 *   locked   unlock -> lock                      carries the list and its nodes
 *
 * Source: E. W. Dijkstra, "Cooperating Sequential Processes", 1965 (EWD 123); that who lets go
 * hands over, instead of a race among the woken: J. M. Mellor-Crummey, M. L. Scott, "Algorithms for
 * Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS 9(1), 1991,
 * doi:10.1145/103727.103729. */

#ifndef WEIR_SEM_H
#define WEIR_SEM_H

#include <weir/cancel.h>
#include <weir/clock.h>
#include <weir/wait.h>

#include <errno.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* Most permits, and most that a latch or a wait group counts. */
#define WEIR_SEM_MAX (UINT32_MAX / 16)

/* Of the word: the list's lock, "somebody is in the list", and one permit. */
enum { WEIR__SEM_LOCKED = 1, WEIR__SEM_WAITERS = 4, WEIR__SEM_ONE = 16 };

typedef struct weir_sem {
    weir__wait_queue queue;
} weir_sem;

typedef struct weir_latch {
    weir__wait_queue queue;
} weir_latch;

typedef struct weir_wait_group {
    weir__wait_queue queue;
} weir_wait_group;

typedef struct weir_barrier {
    weir__wait_queue queue; /* its lock guards what follows */
    uint32_t parties;       /* constant */
    uint32_t arrived;       /* in this round */
    bool broken;
} weir_barrier;

/* `count` is at most WEIR_SEM_MAX. */
#define WEIR__SEM_QUEUE_INIT(count)                                   \
    {                                                                 \
        WEIR_ATOMIC_INIT((uint32_t)(count)*WEIR__SEM_ONE), NULL, NULL \
    }
#define WEIR_SEM_INIT(permits)        \
    {                                 \
        WEIR__SEM_QUEUE_INIT(permits) \
    }
#define WEIR_LATCH_INIT(count)      \
    {                               \
        WEIR__SEM_QUEUE_INIT(count) \
    }
#define WEIR_WAIT_GROUP_INIT    \
    {                           \
        WEIR__SEM_QUEUE_INIT(0) \
    }
#define WEIR_BARRIER_INIT(parties)               \
    {                                            \
        WEIR__WAIT_QUEUE_INIT, parties, 0, false \
    }

/* ---- private ---- */

/* What the first look did not do; `word` is what it saw. */
WEIR_API int weir__sem_acquire_on(weir_sem *sem, uint32_t n, uint64_t deadline,
                                  weir_cancel *cancel) WEIR_NODISCARD;
WEIR_API void weir__sem_release_on(weir_sem *sem, uint32_t n, uint32_t word);
WEIR_API int weir__sem_wait_zero(weir__wait_queue *queue, uint64_t deadline,
                                 weir_cancel *cancel) WEIR_NODISCARD;
WEIR_API void weir__sem_lower_on(weir__wait_queue *queue, uint32_t n, uint32_t word);

/* Takes n permits if they are there and nobody waits. Returns: whether it did; in *word what
 * there was. */
static inline bool weir__sem_take(weir_sem *sem, uint32_t n, uint32_t *word)
{
    *word = weir_atomic_load(&sem->queue.word, WEIR_RELAXED); /* relaxed: a guess. */
    while (WEIR_LIKELY((*word & WEIR__SEM_WAITERS) == 0 && *word / WEIR__SEM_ONE >= n))
        /* sync(permits): acquire. Pairs with the compare-and-swaps in weir_sem_release(),
         * weir__sem_release_on() and hand_over(). relaxed: a refusal carries nothing. */
        if (WEIR_LIKELY(weir_atomic_cas(&sem->queue.word, word, *word - n * WEIR__SEM_ONE,
                                        WEIR_ACQUIRE, WEIR_RELAXED)))
            return true;
    return false;
}

/* Counts n down, n at least 1. */
static inline void weir__sem_lower(weir__wait_queue *queue, uint32_t n)
{
    uint32_t word = weir_atomic_load(&queue->word, WEIR_RELAXED); /* relaxed: a guess. */

    while (WEIR_LIKELY(word / WEIR__SEM_ONE > n ||
                       (word / WEIR__SEM_ONE == n && (word & WEIR__SEM_WAITERS) == 0)))
        /* sync(zero): release. Pairs with the load in weir__sem_is_zero(), and with the
         * compare-and-swaps in weir__sem_lower_on() and open_at_zero(). */
        if (WEIR_LIKELY(weir_atomic_cas(&queue->word, &word, word - n * WEIR__SEM_ONE, WEIR_RELEASE,
                                        WEIR_RELAXED)))
            return;
    weir__sem_lower_on(queue, n, word);
}

static inline bool weir__sem_is_zero(const weir__wait_queue *queue)
{
    /* sync(zero): acquire. Pairs with the compare-and-swaps in weir__sem_lower(),
     * weir__sem_lower_on() and open_at_zero(). */
    return weir_atomic_load(&queue->word, WEIR_ACQUIRE) < WEIR__SEM_ONE;
}

/* ---- semaphore ---- */

/* Makes a semaphore with so many permits, at most WEIR_SEM_MAX; WEIR_SEM_INIT(permits) does the
 * same. */
WEIR_API void weir_sem_init(weir_sem *sem, uint32_t permits);

/* Ends it; a semaphore at which nobody waits may also just be forgotten.
 * Returns: 0; -EBUSY if somebody waits: nothing was done. */
WEIR_API int weir_sem_destroy(weir_sem *sem);

/* Takes n permits, all at once, after those who wait already.
 * Returns: 0; -ETIMEDOUT; -ECANCELED; -EINVAL if n is more than WEIR_SEM_MAX: no permit was taken.
 * Permits that come with the deadline are either taken (0) or left to others.
 * Progress: blocking, on who has the permits.
 * Complexity: one compare-and-swap if they are there and nobody waits. */
WEIR_NODISCARD static inline int weir_sem_acquire(weir_sem *sem, uint32_t n, uint64_t deadline,
                                                  weir_cancel *cancel)
{
    uint32_t word;

    if (cancel == NULL && WEIR_LIKELY(weir__sem_take(sem, n, &word)))
        return 0;
    return weir__sem_acquire_on(sem, n, deadline, cancel);
}

/* Takes n permits if they are there and nobody waits.
 * Returns: 0; -EAGAIN: they were not there, or others wait, who come first; -EBUSY: somebody was in
 * the middle of handing over, so that neither is certain. */
WEIR_NODISCARD static inline int weir_sem_try_acquire(weir_sem *sem, uint32_t n)
{
    uint32_t word;

    if (WEIR_LIKELY(weir__sem_take(sem, n, &word)))
        return 0;
    return (word & WEIR__SEM_LOCKED) != 0 && word / WEIR__SEM_ONE >= n ? -EBUSY : -EAGAIN;
}

/* Gives n permits, which need not have been acquired before: to those who wait, in their order, as
 * far as they go; the rest stays. More than WEIR_SEM_MAX in all are a broken precondition.
 * Complexity: one compare-and-swap if nobody waits. */
static inline void weir_sem_release(weir_sem *sem, uint32_t n)
{
    uint32_t word = weir_atomic_load(&sem->queue.word, WEIR_RELAXED); /* relaxed: a guess. */

    while (WEIR_LIKELY((word & WEIR__SEM_WAITERS) == 0 && n <= WEIR_SEM_MAX - word / WEIR__SEM_ONE))
        /* sync(permits): release. Pairs with the compare-and-swaps in weir__sem_take(),
         * weir__sem_release_on() and hand_over(). */
        if (WEIR_LIKELY(weir_atomic_cas(&sem->queue.word, &word, word + n * WEIR__SEM_ONE,
                                        WEIR_RELEASE, WEIR_RELAXED)))
            return;
    weir__sem_release_on(sem, n, word);
}

/* Returns: permits that are left. */
static inline uint32_t weir_sem_available_approx(const weir_sem *sem)
{
    /* relaxed: a number that was near. */
    return weir_atomic_load(&sem->queue.word, WEIR_RELAXED) / WEIR__SEM_ONE;
}

/* Returns: threads in the list. Progress: blocking, on who has the list's lock. */
WEIR_API size_t weir_sem_waiters_approx(weir_sem *sem);

/* ---- latch ---- */

/* Makes a latch that opens, for good, when it has been counted down from `count`, at most
 * WEIR_SEM_MAX; WEIR_LATCH_INIT(count) does the same. With 0 it is open. */
WEIR_API void weir_latch_init(weir_latch *latch, uint32_t count);

/* As weir_sem_destroy(). */
WEIR_API int weir_latch_destroy(weir_latch *latch);

/* Counts n down; at 0 it wakes all who wait. More than there is to count is a broken precondition.
 * Complexity: one compare-and-swap; O(threads that wait) for the last one. */
static inline void weir_latch_count_down(weir_latch *latch, uint32_t n)
{
    if (n != 0)
        weir__sem_lower(&latch->queue, n);
}

/* Waits until it is open. Returns: 0; -ETIMEDOUT; -ECANCELED. Complexity: a load if it is. */
WEIR_NODISCARD static inline int weir_latch_wait(weir_latch *latch, uint64_t deadline,
                                                 weir_cancel *cancel)
{
    if (cancel == NULL && weir__sem_is_zero(&latch->queue))
        return 0;
    return weir__sem_wait_zero(&latch->queue, deadline, cancel);
}

/* Returns: whether it is open. Progress: wait-free. */
WEIR_NODISCARD static inline bool weir_latch_try_wait(const weir_latch *latch)
{
    return weir__sem_is_zero(&latch->queue);
}

/* Returns: what is still to be counted down. */
static inline uint32_t weir_latch_pending_approx(const weir_latch *latch)
{
    /* relaxed: a number that was near. */
    return weir_atomic_load(&latch->queue.word, WEIR_RELAXED) / WEIR__SEM_ONE;
}

/* Returns: threads that wait. Progress: blocking, on who has the list's lock. */
WEIR_API size_t weir_latch_waiters_approx(weir_latch *latch);

/* ---- wait group ---- */

/* Makes a group of nothing; WEIR_WAIT_GROUP_INIT does the same. */
WEIR_API void weir_wait_group_init(weir_wait_group *group);

/* As weir_sem_destroy(). */
WEIR_API int weir_wait_group_destroy(weir_wait_group *group);

/* Adds n things to wait for: before they are started, and, if the group may be at 0, before the
 * wait that is for them. More than WEIR_SEM_MAX in all are a broken precondition. */
WEIR_API void weir_wait_group_add(weir_wait_group *group, uint32_t n);

/* One of them is done; at 0 all who wait go on, also if more is added at once. More than were added
 * is a broken precondition. Complexity: as weir_latch_count_down(). */
static inline void weir_wait_group_done(weir_wait_group *group)
{
    weir__sem_lower(&group->queue, 1);
}

/* Waits until nothing is to be done, at one moment of the call.
 * Returns: 0; -ETIMEDOUT; -ECANCELED. Complexity: a load if it is so. */
WEIR_NODISCARD static inline int weir_wait_group_wait(weir_wait_group *group, uint64_t deadline,
                                                      weir_cancel *cancel)
{
    if (cancel == NULL && weir__sem_is_zero(&group->queue))
        return 0;
    return weir__sem_wait_zero(&group->queue, deadline, cancel);
}

/* Returns: whether nothing is to be done. Progress: wait-free. */
WEIR_NODISCARD static inline bool weir_wait_group_try_wait(const weir_wait_group *group)
{
    return weir__sem_is_zero(&group->queue);
}

/* Returns: what is still to be done. */
static inline uint32_t weir_wait_group_pending_approx(const weir_wait_group *group)
{
    /* relaxed: a number that was near. */
    return weir_atomic_load(&group->queue.word, WEIR_RELAXED) / WEIR__SEM_ONE;
}

/* Returns: threads that wait. Progress: blocking, on who has the list's lock. */
WEIR_API size_t weir_wait_group_waiters_approx(weir_wait_group *group);

/* ---- barrier ----
 *
 * A round of a barrier is N waits. One that ends before the others have come, for a deadline or a
 * token, would leave them to wait for ever: it breaks the barrier. Those of its round, and all
 * who come later, get -EPIPE, until somebody makes it whole again. So whoever gets something
 * below 0 knows that the round has failed, and so does everybody else. */

/* Makes a barrier for `parties` threads, at least 1; WEIR_BARRIER_INIT(parties) does the same. */
WEIR_API void weir_barrier_init(weir_barrier *barrier, uint32_t parties);

/* Ends it. Threads: after a 0 or a 1 also while the other waits of that round have not returned;
 * after a round that failed only when all its waits have.
 * Returns: 0; -EBUSY if somebody waits: nothing was done. */
WEIR_API int weir_barrier_destroy(weir_barrier *barrier);

/* Waits until `parties` threads do. A thread may be in the next round before others have returned
 * from this one.
 * Returns: 1 in the one that came last, 0 in the others; -EPIPE: the barrier is broken, or was made
 * whole meanwhile; -ETIMEDOUT, -ECANCELED: and this wait has broken it, also with a token that was
 * cancelled before. */
WEIR_API int weir_barrier_wait(weir_barrier *barrier, uint64_t deadline,
                               weir_cancel *cancel) WEIR_NODISCARD;

/* Breaks it: for a thread that will not come. */
WEIR_API void weir_barrier_break(weir_barrier *barrier);

/* Makes it whole again: who waits gets -EPIPE, who comes then begins a round. To be called when
 * all know that the last one has failed. */
WEIR_API void weir_barrier_reset(weir_barrier *barrier);

/* Returns: threads that wait. Progress: blocking, on who has the barrier's lock; so is the next. */
WEIR_API uint32_t weir_barrier_waiting_approx(weir_barrier *barrier);

/* Returns: whether it is broken. */
WEIR_API bool weir_barrier_broken_approx(weir_barrier *barrier);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_SEM_H */
