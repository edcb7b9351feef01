/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/posix_sem.c: semaphores and barriers. What the GNU C library's initialisers leave in
 * memory stays there: a semaphore's value in the first four bytes, a barrier's count in the third
 * four. The hidden location of a semaphore holds what has been added since, that of a barrier how
 * many have come in all. */

#include "posix.h"

#include <semaphore.h>

static uint32_t number_in(const void *object, unsigned place)
{
    uint32_t number;

    memcpy(&number, (const char *)object + 4 * place, sizeof number);
    return number;
}

static int result_of(int error)
{
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}

/* ---- semaphores ---- */

/* Whether the semaphore of value *at_first and what was added can go down. */
static bool take_one(void *at_first, word old, word *value)
{
    *value = old - 1;
    return *(const uint32_t *)at_first + (uint32_t)old > 0;
}

static bool add_one(void *unused, word old, word *value)
{
    (void)unused;
    *value = old + 1;
    return true;
}

static int wait_until(sem_t *sem, bool timed, clockid_t clock, const struct timespec *time,
                      const void *pc, const char *what)
{
    const request a = weir__hidden(sem, OTHER, ACQUIRE, pc, what);
    uint32_t at_first;
    uint64_t deadline;

    if (timed && !weir__time_of(time, clock, &deadline, pc))
        return result_of(EINVAL);
    weir__use(sem, pc, what);
    at_first = number_in(sem, 0);
    return result_of(weir__change_until(&a, take_one, &at_first, timed ? &deadline : NULL, SLEEPS));
}

int sem_init(sem_t *sem, int shared, unsigned value)
{
    REAL(sem_init);
    if (weir__check_self >= 0)
        weir__init(sem, sizeof *sem, OTHER, HERE, "sem_init");
    return real(sem, shared, value);
}

int sem_destroy(sem_t *sem)
{
    PASS(sem_destroy, sem);
    weir__memory_plain(sem, sizeof *sem, true, HERE);
    return 0;
}

int sem_wait(sem_t *sem)
{
    PASS(sem_wait, sem);
    return wait_until(sem, false, 0, NULL, HERE, "sem_wait");
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict deadline)
{
    PASS(sem_timedwait, sem, deadline);
    return wait_until(sem, true, CLOCK_REALTIME, deadline, HERE, "sem_timedwait");
}

int sem_clockwait(sem_t *restrict sem, clockid_t clock, const struct timespec *restrict deadline)
{
    PASS(sem_clockwait, sem, clock, deadline);
    return wait_until(sem, true, clock, deadline, HERE, "sem_clockwait");
}

int sem_trywait(sem_t *sem)
{
    uint32_t at_first;
    request a;

    PASS(sem_trywait, sem);
    a = weir__hidden(sem, OTHER, ACQUIRE, HERE, "sem_trywait");
    weir__use(sem, HERE, a.what);
    at_first = number_in(sem, 0);
    return result_of(weir__change_now(&a, take_one, &at_first) ? 0 : EAGAIN);
}

int sem_post(sem_t *sem)
{
    request a;

    PASS(sem_post, sem);
    a = weir__hidden(sem, OTHER, RELEASE, HERE, "sem_post");
    weir__change_now(&a, add_one, NULL);
    return 0;
}

int sem_getvalue(sem_t *restrict sem, int *restrict value)
{
    request a;

    PASS(sem_getvalue, sem, value);
    a = weir__hidden(sem, OTHER, RELAXED, HERE, "sem_getvalue");
    weir__use(sem, HERE, a.what);
    *value = (int)(number_in(sem, 0) + (uint32_t)weir__check_load(&a));
    weir__used(sem, HERE);
    weir__memory_plain(value, sizeof *value, true, HERE);
    return 0;
}

/* ---- barriers ---- */

static bool is_reached(void *round, word value)
{
    return value >= *(const word *)round;
}

/* The last of a round says so in a location of its own, in which it meets all who wait. */
int pthread_barrier_wait(pthread_barrier_t *barrier)
{
    static const char what[] = "pthread_barrier_wait";
    request come, go;
    word before, round;
    uint32_t count;

    PASS(pthread_barrier_wait, barrier);
    weir__use(barrier, HERE, what);
    count = number_in(barrier, 2);
    come = weir__hidden(barrier, OTHER, ACQ_REL, HERE, what);
    before = weir__check_change(&come, add_one, NULL, NULL);
    weir__used(barrier, HERE);
    round = before / count + 1;
    go = weir__hidden((const char *)barrier + 4, OTHER, RELEASE, HERE, what);
    if (before % count == count - 1) {
        weir__check_store(&go, round);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    go.order = ACQUIRE;
    weir__check_await(&go, is_reached, &round, SLEEPS);
    return 0;
}

int pthread_barrier_init(pthread_barrier_t *restrict barrier,
                         const pthread_barrierattr_t *restrict attr, unsigned count)
{
    REAL(pthread_barrier_init);
    if (weir__check_self >= 0 && count > 0) {
        weir__init(barrier, sizeof *barrier, OTHER, HERE, "pthread_barrier_init");
        weir__init((const char *)barrier + 4, 4, OTHER, HERE, "pthread_barrier_init");
    }
    return real(barrier, attr, count);
}

int pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    PASS(pthread_barrier_destroy, barrier);
    weir__memory_plain(barrier, sizeof *barrier, true, HERE);
    return 0;
}
