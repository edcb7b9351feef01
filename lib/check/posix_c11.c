/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/posix_c11.c: <threads.h>, whose types are those of pthreads in the GNU C library. */

#include "posix.h"

#include <stdint.h>
#include <threads.h>

static int result_of(int error)
{
    switch (error) {
    case 0:
        return thrd_success;
    case EBUSY:
        return thrd_busy;
    case ENOMEM:
        return thrd_nomem;
    case ETIMEDOUT:
        return thrd_timedout;
    default:
        return thrd_error;
    }
}

/* ---- threads ---- */

int thrd_create(thrd_t *thread, thrd_start_t routine, void *argument)
{
    PASS(thrd_create, thread, routine, argument);
    /* An int comes back where a pointer does: in the lower half of the same register. */
    return result_of(weir__posix_create(thread, false,
                                        __extension__(void *(*)(void *))(void *) routine, argument,
                                        HERE, "thrd_create"));
}

int thrd_join(thrd_t thread, int *result)
{
    void *value;
    int error;

    PASS(thrd_join, thread, result);
    error = weir__posix_join(thread, &value, HERE, "thrd_join");
    if (error == 0 && result != NULL) {
        weir__memory_plain(result, sizeof *result, true, HERE);
        *result = (int)(intptr_t)value;
    }
    return result_of(error);
}

int thrd_detach(thrd_t thread)
{
    PASS(thrd_detach, thread);
    return result_of(weir__posix_detach(thread, HERE, "thrd_detach"));
}

void thrd_exit(int result)
{
    PASS_FOR_EVER(thrd_exit, result);
    weir__posix_exit((void *)(intptr_t)result);
}

thrd_t thrd_current(void)
{
    return pthread_self();
}

int thrd_equal(thrd_t a, thrd_t b)
{
    return a == b;
}

void thrd_yield(void)
{
    sched_yield();
}

/* ---- mutexes ---- */

int mtx_init(mtx_t *mutex, int type)
{
    pthread_mutexattr_t attr;
    int error;

    PASS(mtx_init, mutex, type);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, (type & mtx_recursive) != 0 ? PTHREAD_MUTEX_RECURSIVE
                                                                 : PTHREAD_MUTEX_NORMAL);
    error = weir__lock_init((pthread_mutex_t *)mutex, &attr, HERE, "mtx_init");
    pthread_mutexattr_destroy(&attr);
    return result_of(error);
}

int mtx_lock(mtx_t *mutex)
{
    PASS(mtx_lock, mutex);
    return result_of(weir__lock((pthread_mutex_t *)mutex, HERE, "mtx_lock"));
}

int mtx_trylock(mtx_t *mutex)
{
    PASS(mtx_trylock, mutex);
    return result_of(weir__lock_try((pthread_mutex_t *)mutex, HERE, "mtx_trylock"));
}

int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict deadline)
{
    PASS(mtx_timedlock, mutex, deadline);
    return result_of(weir__lock_until((pthread_mutex_t *)mutex, CLOCK_REALTIME, deadline, HERE,
                                      "mtx_timedlock"));
}

int mtx_unlock(mtx_t *mutex)
{
    PASS(mtx_unlock, mutex);
    return result_of(weir__unlock((pthread_mutex_t *)mutex, HERE, "mtx_unlock"));
}

void mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

/* ---- condition variables ---- */

int cnd_init(cnd_t *cond)
{
    return result_of(pthread_cond_init((pthread_cond_t *)cond, NULL));
}

int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    PASS(cnd_wait, cond, mutex);
    return result_of(
        weir__cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex, HERE, "cnd_wait"));
}

int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex,
                  const struct timespec *restrict deadline)
{
    PASS(cnd_timedwait, cond, mutex, deadline);
    return result_of(weir__cond_wait_until((pthread_cond_t *)cond, (pthread_mutex_t *)mutex,
                                           CLOCK_REALTIME, deadline, HERE, "cnd_timedwait"));
}

int cnd_signal(cnd_t *cond)
{
    PASS(cnd_signal, cond);
    return result_of(weir__cond_signal((pthread_cond_t *)cond, HERE, "cnd_signal"));
}

int cnd_broadcast(cnd_t *cond)
{
    PASS(cnd_broadcast, cond);
    return result_of(weir__cond_broadcast((pthread_cond_t *)cond, HERE, "cnd_broadcast"));
}

void cnd_destroy(cnd_t *cond)
{
    pthread_cond_destroy((pthread_cond_t *)cond);
}

/* ---- once, and keys ---- */

void call_once(once_flag *once, void (*routine)(void))
{
    if (weir__check_self >= 0) {
        weir__posix_once((pthread_once_t *)once, routine, HERE, "call_once");
    } else {
        REAL(call_once);
        real(once, routine);
    }
}

int tss_create(tss_t *key, tss_dtor_t destructor)
{
    return result_of(pthread_key_create(key, destructor));
}

void *tss_get(tss_t key)
{
    return pthread_getspecific(key);
}

int tss_set(tss_t key, void *value)
{
    return result_of(pthread_setspecific(key, value));
}

void tss_delete(tss_t key)
{
    pthread_key_delete(key);
}
