/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/check_waits.c: locks, condition variables, semaphores and futexes in the model checker, and
 * what happens for no reason. */

#include "check.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>

static const weir_check_options plain = WEIR_CHECK_OPTIONS_INIT;
static WEIR_ATOMIC(int) x;
static int data;

static void clean(check_body *test)
{
    check_is_clean(&plain, test, NULL);
}

/* There is a run that comes to REACHED(); each way to it is a number for `argument`. */
#define REACHED() weir_check_fail("reached", __FILE__, __LINE__)

static void reaches(const weir_check_options *options, check_body *test, uintptr_t argument)
{
    check_finds(options, test, (void *)argument, WEIR_CHECK_ASSERTION, "reached");
}

/* ---- locks ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void adds_locked(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    data++;
    pthread_mutex_unlock(&mutex);
}

static void mutex_test(void *unused)
{
    (void)unused;
    check_threads(adds_locked, adds_locked);
    weir_check_assert(data == 2);
}

static void tries(void *wanted)
{
    const int error = pthread_mutex_trylock(&mutex);

    if (error == 0)
        pthread_mutex_unlock(&mutex);
    if (error == (int)(uintptr_t)wanted)
        REACHED();
}

static void trylock_test(void *wanted)
{
    weir_check_thread(adds_locked, NULL);
    weir_check_thread(tries, wanted);
    weir_check_join_all();
}

static void kinds_test(void *unused)
{
    pthread_mutexattr_t attr;
    pthread_mutex_t m;

    (void)unused;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&m, &attr);
    weir_check_assert(pthread_mutex_lock(&m) == 0 && pthread_mutex_lock(&m) == 0);
    weir_check_assert(pthread_mutex_unlock(&m) == 0 && pthread_mutex_unlock(&m) == 0);
    pthread_mutex_destroy(&m);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&m, &attr);
    weir_check_assert(pthread_mutex_lock(&m) == 0 && pthread_mutex_lock(&m) == EDEADLK);
    weir_check_assert(pthread_mutex_unlock(&m) == 0 && pthread_mutex_unlock(&m) == EPERM);
    pthread_mutex_destroy(&m);
}

static void mutexes_work(void)
{
    clean(mutex_test);
    clean(kinds_test);
    reaches(&plain, trylock_test, 0);
    reaches(&plain, trylock_test, EBUSY);
}

static void waits_for_data(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    while (data == 0)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void sets_data(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    data = 1;
    pthread_mutex_unlock(&mutex);
    pthread_cond_signal(&cond);
}

static void cond_test(void *unused)
{
    (void)unused;
    check_threads(waits_for_data, sets_data);
}

/* Both a wake-up and the end of the time are seen, whatever the time is. */
static void waits_with_deadline(void *wanted)
{
    struct timespec deadline;
    int error = 0;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 3600;
    pthread_mutex_lock(&mutex);
    while (data == 0 && error == 0)
        error = pthread_cond_timedwait(&cond, &mutex, &deadline);
    pthread_mutex_unlock(&mutex);
    if (error == (int)(uintptr_t)wanted)
        REACHED();
}

static void timedwait_test(void *wanted)
{
    weir_check_thread(waits_with_deadline, wanted);
    weir_check_thread(sets_data, NULL);
    weir_check_join_all();
}

static void conditions_work(void)
{
    clean(cond_test);
    reaches(&plain, timedwait_test, 0);
    reaches(&plain, timedwait_test, ETIMEDOUT);
}

static sem_t semaphore;

static void posts(void *unused)
{
    (void)unused;
    data = 1;
    sem_post(&semaphore);
}

static void waits_for_post(void *unused)
{
    (void)unused;
    while (sem_wait(&semaphore) != 0)
        ;
    weir_check_assert(data == 1);
}

static void semaphore_test(void *unused)
{
    (void)unused;
    sem_init(&semaphore, 0, 0);
    check_threads(posts, waits_for_post);
    sem_destroy(&semaphore);
}

static void tries_semaphore(void *wanted)
{
    const int error = sem_trywait(&semaphore) == 0 ? 0 : errno;

    if (error == (int)(uintptr_t)wanted)
        REACHED();
}

static void trywait_test(void *wanted)
{
    sem_init(&semaphore, 0, 0);
    weir_check_thread(posts, NULL);
    weir_check_thread(tries_semaphore, wanted);
    weir_check_join_all();
    sem_destroy(&semaphore);
}

static void semaphores_work(void)
{
    clean(semaphore_test);
    reaches(&plain, trywait_test, 0);
    reaches(&plain, trywait_test, EAGAIN);
}

/* ---- futex(2) ---- */

enum { WOKEN = 0 };

static void sleeps_once(void *wanted)
{
    const struct timespec hour = {3600, 0};
    const int with_timeout = (int)(uintptr_t)wanted / 1000, want = (int)(uintptr_t)wanted % 1000;
    const long result =
        syscall(SYS_futex, &x, FUTEX_WAIT_PRIVATE, 0, with_timeout != 0 ? &hour : NULL, NULL, 0);
    const int error = result == 0 ? WOKEN : errno;

    if (want == 999)
        weir_check_assert(error == EAGAIN || error == WOKEN);
    else if (error == want)
        REACHED();
}

static void wakes(void *unused)
{
    (void)unused;
    weir_atomic_store(&x, 1, WEIR_RELEASE);
    syscall(SYS_futex, &x, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void futex_test(void *wanted)
{
    weir_check_thread(sleeps_once, wanted);
    weir_check_thread(wakes, NULL);
    weir_check_join_all();
}

static void sleeper_alone(void *wanted)
{
    weir_check_thread(sleeps_once, wanted);
    weir_check_join_all();
}

static void futexes_work(void)
{
    weir_check_options once_more = WEIR_CHECK_OPTIONS_INIT;

    once_more.spurious = 1;
    check_is_clean(&plain, futex_test, (void *)999);
    reaches(&plain, futex_test, WOKEN);
    reaches(&plain, futex_test, EAGAIN);
    reaches(&plain, futex_test, 1000 + ETIMEDOUT);
    reaches(&plain, sleeper_alone, 1000 + ETIMEDOUT);
    /* For no reason. */
    reaches(&once_more, sleeper_alone, 1000 + WOKEN);
    reaches(&once_more, sleeper_alone, 1000 + EINTR);
    check_finds(&plain, sleeper_alone, (void *)999, WEIR_CHECK_LOST_WAKEUP, "nobody can wake it");
}

/* ---- a weak compare-and-swap fails for no reason where that is asked for, and where the compiler
 * says which ones are weak: clang's instrumentation does not ---- */

static void weak_test(void *unused)
{
    int is = 0;

    (void)unused;
    if (!weir_atomic_cas_weak(&x, &is, 1, WEIR_RELAXED, WEIR_RELAXED))
        REACHED();
}

static void weak_ones_fail(void)
{
    weir_check_options once_more = WEIR_CHECK_OPTIONS_INIT;

    clean(weak_test);
#ifndef __clang__
    once_more.spurious = 1;
    reaches(&once_more, weak_test, 0);
#else
    (void)once_more;
#endif
}

const test_case check_waits[] = {
    TEST_CASE(mutexes_work), TEST_CASE(conditions_work), TEST_CASE(semaphores_work),
    TEST_CASE(futexes_work), TEST_CASE(weak_ones_fail),  {NULL, NULL},
};
