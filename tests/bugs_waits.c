/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/bugs_waits.c: who sleeps when he is wanted, and who wakes too early. */

#include "bugs.h"

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

static WEIR_ATOMIC(unsigned) work, sleeping, word;
static unsigned data;

static void futex_wait(WEIR_ATOMIC(unsigned) * at, unsigned expected)
{
    syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0); /* sleeps */
}

static void futex_wake(WEIR_ATOMIC(unsigned) * at, int most)
{
    syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0);
}

/* ---- a look, and then to sleep ---- */

/* D. Vyukov, "Eventcounts", 2011 and before: a waiter that announces itself must look again, or
 * what came between its look and its announcement is lost. */
static void event_wait(void)
{
    unsigned ticket;

    if (weir_atomic_load(&work, WEIR_SEQ_CST) == 1)
        return;
    ticket = weir_atomic_load(&word, WEIR_SEQ_CST);
    weir_atomic_store(&sleeping, 1, WEIR_SEQ_CST);
    if (mended && weir_atomic_load(&work, WEIR_SEQ_CST) == 1)
        return;
    while (weir_atomic_load(&word, WEIR_SEQ_CST) == ticket)
        futex_wait(&word, ticket);
}

static void event_notify(void)
{
    weir_atomic_store(&work, 1, WEIR_SEQ_CST);
    if (weir_atomic_load(&sleeping, WEIR_SEQ_CST) == 1) {
        weir_atomic_fetch_add(&word, 1, WEIR_SEQ_CST);
        futex_wake(&word, 1);
    }
}

static void event_without_second_look(void)
{
    TOGETHER(event_wait, event_notify);
}

/* H. Franke, R. Russell, M. Kirkwood, "Fuss, Futexes and Furwocks", OLS 2002: what the kernel
 * compares with must be what the decision to sleep was made on, not what is there by now. */
static void stale_wait(void)
{
    const unsigned ticket = weir_atomic_load(&word, WEIR_ACQUIRE);

    if (weir_atomic_load(&work, WEIR_ACQUIRE) == 0)
        futex_wait(&word, mended ? ticket : weir_atomic_load(&word, WEIR_ACQUIRE));
}

static void stale_notify(void)
{
    weir_atomic_store(&work, 1, WEIR_RELEASE);
    weir_atomic_fetch_add(&word, 1, WEIR_RELEASE);
    futex_wake(&word, 1);
}

static void ticket_is_taken_late(void)
{
    TOGETHER(stale_wait, stale_notify);
}

/* tokio, issue 1768, 2019: a worker says that it is idle, and looks into the queue once more; the
 * other puts a task there, and looks for idle ones. With less than seq_cst each may miss the other.
 */
static void worker(void)
{
    weir_atomic_store(&sleeping, 1, mend(WEIR_RELEASE, WEIR_SEQ_CST));
    if (weir_atomic_load(&work, mend(WEIR_ACQUIRE, WEIR_SEQ_CST)) == 0)
        futex_wait(&word, 0);
}

static void submit(void)
{
    weir_atomic_store(&work, 1, mend(WEIR_RELEASE, WEIR_SEQ_CST));
    if (weir_atomic_load(&sleeping, mend(WEIR_ACQUIRE, WEIR_SEQ_CST)) == 1) {
        weir_atomic_store(&word, 1, WEIR_RELEASE);
        futex_wake(&word, 1);
    }
}

static void worker_sleeps_on_work(void)
{
    TOGETHER(worker, submit);
}

/* folly, ParkingLot, 2021: on one side a release store and a seq_cst load, on the other a seq_cst
 * read-modify-write and load. One weak access undoes the other three. */
static void park(void)
{
    weir_atomic_fetch_add(&sleeping, 1, WEIR_SEQ_CST);
    if (weir_atomic_load(&work, WEIR_SEQ_CST) == 0)
        futex_wait(&word, 0);
}

static void unpark(void)
{
    weir_atomic_store(&work, 1, mend(WEIR_RELEASE, WEIR_SEQ_CST));
    if (weir_atomic_load(&sleeping, WEIR_SEQ_CST) != 0) {
        weir_atomic_store(&word, 1, WEIR_RELEASE);
        futex_wake(&word, 1);
    }
}

static void one_weak_access(void)
{
    TOGETHER(park, unpark);
}

/* ---- returns for no reason ---- */

/* liburcu, 4974ad5 and five more, 2022: futex(2) may return 0 although nobody has woken this
 * thread. That was taken for a wake-up; only EINTR was not. */
static void wait_once(void)
{
    while (weir_atomic_load(&word, WEIR_ACQUIRE) == 0)
        if (syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == 0 && !mended)
            break;
    weir_check_assert(weir_atomic_load(&word, WEIR_ACQUIRE) == 1); /* was woken */
}

static void post(void)
{
    weir_atomic_store(&word, 1, WEIR_RELEASE);
    futex_wake(&word, 1);
}

static void spurious_return(void)
{
    TOGETHER(wait_once, post);
}

/* clang's instrumentation does not say which compare-and-swaps are weak. */
#ifndef __clang__
/* The weak compare-and-swap of C11 fails for no reason on machines that have load-linked: a
 * try-lock made of it says that somebody has the lock when nobody does. */
static void try_once(void)
{
    unsigned is = 0;
    const bool got = mended ? weir_atomic_cas(&word, &is, 1, WEIR_ACQUIRE, WEIR_RELAXED)
                            : weir_atomic_cas_weak(&word, &is, 1, WEIR_ACQUIRE, WEIR_RELAXED);

    weir_check_assert(got); /* nobody else is there */
}

static void weak_without_loop(void)
{
    TOGETHER(try_once);
}
#endif

/* ---- mutexes ---- */

/* U. Drepper, "Futexes Are Tricky", 2004: who was woken takes the mutex as "locked", and forgets
 * that others sleep as well; his unlock wakes nobody. */
static void mutex_lock(void)
{
    unsigned is = 0;

    if (weir_atomic_cas(&word, &is, 1, WEIR_ACQUIRE, WEIR_RELAXED))
        return;
    if (is != 2)
        is = weir_atomic_exchange(&word, 2, WEIR_ACQUIRE);
    while (is != 0) {
        futex_wait(&word, 2);
        if (mended) {
            is = weir_atomic_exchange(&word, 2, WEIR_ACQUIRE);
        } else {
            is = 0;
            if (weir_atomic_cas(&word, &is, 1, WEIR_ACQUIRE, WEIR_RELAXED))
                return;
            is = weir_atomic_exchange(&word, 2, WEIR_ACQUIRE);
        }
    }
}

static void mutex_section(void)
{
    mutex_lock();
    data++;
    if (weir_atomic_exchange(&word, 0, WEIR_RELEASE) == 2)
        futex_wake(&word, 1);
}

static void forgets_other_sleepers(void)
{
    TOGETHER(mutex_section, mutex_section, mutex_section);
}

/* ---- condition variables ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void cond_wait(void)
{
    pthread_mutex_lock(&mutex);
    while (weir_atomic_load(&work, WEIR_RELAXED) == 0)
        pthread_cond_wait(&changed, &mutex); /* for a change */
    pthread_mutex_unlock(&mutex);
}

/* POSIX, pthread_cond_signal, RATIONALE; A. Birrell, "An Introduction to Programming with Threads",
 * 1989: the condition is changed without the mutex, between a waiter's look and its sleep. */
static void cond_set(void)
{
    if (mended)
        pthread_mutex_lock(&mutex);
    weir_atomic_store(&work, 1, WEIR_RELAXED);
    pthread_cond_signal(&changed);
    if (mended)
        pthread_mutex_unlock(&mutex);
}

static void condition_without_mutex(void)
{
    TOGETHER(cond_wait, cond_set);
}

/* Ibidem: `if` where `while` is wanted. */
static void cond_wait_once(void)
{
    pthread_mutex_lock(&mutex);
    while (data == 0) {
        pthread_cond_wait(&changed, &mutex);
        if (!mended)
            break;
    }
    weir_check_assert(data == 1); /* the condition */
    pthread_mutex_unlock(&mutex);
}

static void cond_set_data(void)
{
    pthread_mutex_lock(&mutex);
    data = 1;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
}

static void condition_looked_at_once(void)
{
    TOGETHER(cond_wait_once, cond_set_data);
}

/* Ibidem, "signal and broadcast": those who wait for room and those who wait for an item share one
 * condition variable, and the signal wakes one who has no use for it. */
static void take_item(void)
{
    pthread_mutex_lock(&mutex);
    while (data == 0)
        pthread_cond_wait(&changed, &mutex); /* for the other kind */
    data--;
    if (mended)
        pthread_cond_broadcast(&changed);
    else
        pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
}

static void put_two_items(void)
{
    for (unsigned i = 0; i < 2; i++) {
        pthread_mutex_lock(&mutex);
        while (data == 1)
            pthread_cond_wait(&changed, &mutex); /* for the other kind */
        data++;
        if (mended)
            pthread_cond_broadcast(&changed);
        else
            pthread_cond_signal(&changed);
        pthread_mutex_unlock(&mutex);
    }
}

static void signal_for_broadcast(void)
{
    TOGETHER(take_item, take_item, put_two_items);
}

/* libdill, f66f39c, 2016, and asio, 1318: close() wakes one of those who wait, and there are two.
 */
static void receive(void)
{
    pthread_mutex_lock(&mutex);
    while (data == 0)
        pthread_cond_wait(&changed, &mutex); /* for the end */
    pthread_mutex_unlock(&mutex);
}

static void close_channel(void)
{
    pthread_mutex_lock(&mutex);
    data = 1;
    if (mended)
        pthread_cond_broadcast(&changed);
    else
        pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
}

static void close_wakes_one(void)
{
    TOGETHER(receive, receive, close_channel);
}

/* ---- barriers, and those who leave ---- */

static WEIR_ATOMIC(unsigned) arrived;

/* libuv, 964f79f, 2022 (issue 3872); D. Hensgen, R. Finkel, U. Manber, 1988: the count is set back
 * for the next round before all have left this one, and the last of them waits for ever. */
static void cross_twice(void)
{
    for (unsigned round = 0; round < 2; round++) {
        const unsigned phase = weir_atomic_load(&word, WEIR_ACQUIRE);

        if (weir_atomic_fetch_add(&arrived, 1, WEIR_ACQ_REL) == 1) {
            weir_atomic_store(&arrived, 0, WEIR_RELEASE);
            weir_atomic_store(&word, phase + 1, WEIR_RELEASE);
        } else if (mended) {
            while (weir_atomic_load(&word, WEIR_ACQUIRE) == phase)
                ;
        } else {
            while (weir_atomic_load(&arrived, WEIR_ACQUIRE) != 0) /* for all to arrive */
                ;
        }
    }
}

static void barrier_is_used_again(void)
{
    TOGETHER(cross_twice, cross_twice);
}

/* liburcu, 51b98c3, 2020: a barrier gives its callback to a worker that has emptied its queue for
 * the last time, and is still listed. */
static WEIR_ATOMIC(unsigned) listed, called;

static void worker_leaves(void)
{
    if (mended) {
        pthread_mutex_lock(&mutex);
        weir_atomic_store(&listed, 0, WEIR_RELAXED);
        pthread_mutex_unlock(&mutex);
    }
    if (weir_atomic_exchange(&work, 0, WEIR_ACQ_REL) == 1)
        weir_atomic_store(&called, 1, WEIR_RELEASE);
    if (!mended)
        weir_atomic_store(&listed, 0, WEIR_RELEASE);
}

static void callback_barrier(void)
{
    bool given;

    pthread_mutex_lock(&mutex);
    given = weir_atomic_load(&listed, WEIR_ACQUIRE) == 1;
    if (given)
        weir_atomic_store(&work, 1, WEIR_RELEASE);
    pthread_mutex_unlock(&mutex);
    while (given && weir_atomic_load(&called, WEIR_ACQUIRE) == 0) /* for the callback */
        ;
}

static void callback_for_a_drained_worker(void)
{
    weir_atomic_store(&listed, 1, WEIR_RELAXED);
    TOGETHER(worker_leaves, callback_barrier);
}

/* ---- semaphores ---- */

static sem_t items;

/* E. W. Dijkstra, EWD 123, 1965: a semaphore counts; a flag that is set twice is set once. */
static void give_item(void)
{
    if (mended) {
        sem_post(&items);
    } else if (weir_atomic_exchange(&word, 1, WEIR_RELEASE) == 0) {
        futex_wake(&word, 1);
    }
}

static void take_two(void)
{
    for (unsigned i = 0; i < 2; i++) {
        if (mended)
            sem_wait(&items);
        else
            while (weir_atomic_exchange(&word, 0, WEIR_ACQUIRE) == 0)
                futex_wait(&word, 0);
    }
}

static void flag_for_a_count(void)
{
    if (mended)
        sem_init(&items, 0, 0);
    TOGETHER(give_item, give_item, take_two);
    if (mended)
        sem_destroy(&items);
}

/* Two who need two units each take one each. The mended one takes both under a mutex. */
static void need_two(void)
{
    if (mended)
        pthread_mutex_lock(&mutex);
    sem_wait(&items);
    sem_wait(&items); /* the second unit */
    if (mended)
        pthread_mutex_unlock(&mutex);
    sem_post(&items);
    sem_post(&items);
}

static void units_one_by_one(void)
{
    sem_init(&items, 0, 2);
    TOGETHER(need_two, need_two);
    sem_destroy(&items);
}

#define SPURIOUS      \
    {                 \
        .spurious = 1 \
    }

static const bug waits[] = {
    {"event count without a second look",
     event_without_second_look,
     WEIR_CHECK_LOST_WAKEUP,
     "/* sleeps",
     {0},
     false},
    {"ticket is taken late", ticket_is_taken_late, WEIR_CHECK_LOST_WAKEUP, "/* sleeps", {0}, false},
    {"worker sleeps on work",
     worker_sleeps_on_work,
     WEIR_CHECK_LOST_WAKEUP,
     "/* sleeps",
     {0},
     false},
    {"one weak access", one_weak_access, WEIR_CHECK_LOST_WAKEUP, "/* sleeps", {0}, false},
    {"spurious return", spurious_return, WEIR_CHECK_ASSERTION, "was woken", SPURIOUS, false},
#ifndef __clang__
    {"weak compare-and-swap without a loop", weak_without_loop, WEIR_CHECK_ASSERTION, "nobody else",
     SPURIOUS, false},
#endif
    {"forgets other sleepers",
     forgets_other_sleepers,
     WEIR_CHECK_LOST_WAKEUP,
     "/* sleeps",
     {0},
     false},
    {"condition without the mutex",
     condition_without_mutex,
     WEIR_CHECK_LOST_WAKEUP,
     "for a change",
     {0},
     false},
    {"condition looked at once", condition_looked_at_once, WEIR_CHECK_ASSERTION, "the condition",
     SPURIOUS, false},
    {"signal for broadcast",
     signal_for_broadcast,
     WEIR_CHECK_LOST_WAKEUP,
     "the other kind",
     {0},
     false},
    {"close wakes one", close_wakes_one, WEIR_CHECK_LOST_WAKEUP, "for the end", {0}, false},
    {"barrier is used again",
     barrier_is_used_again,
     WEIR_CHECK_SPIN,
     "for all to arrive",
     {0},
     false},
    {"callback for a drained worker",
     callback_for_a_drained_worker,
     WEIR_CHECK_SPIN,
     "for the callback",
     {0},
     false},
    {"flag for a count", flag_for_a_count, WEIR_CHECK_LOST_WAKEUP, "/* sleeps", {0}, false},
    {"units one by one", units_one_by_one, WEIR_CHECK_LOST_WAKEUP, "the second unit", {0}, false},
};

BUG_TABLE(bugs_waits, waits);
