/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/posix_lock.c: mutexes, reader-writer locks, spin locks.
 *
 * The hidden location of a mutex or a spin lock is 0, or its owner and 1; that of a
 * reader-writer lock 0, the number of readers, or WRITER. */

#include "posix.h"

/* ---- what a thread holds ---- */

enum { LOCKS_MOST = 64 };

/* How it is held. */
typedef enum hold { EXCLUSIVE, SHARED } hold;

typedef struct held {
    const void *object;
    unsigned times;
    hold how;
} held;

typedef struct hand {
    unsigned count;
    held of[LOCKS_MOST];
} hand;

static STATE hand *hands = NULL;

void weir__lock_begin(void)
{
    if (hands == NULL)
        hands = (hand *)weir__check_memory(THREADS * sizeof *hands);
    for (int t = 0; t < THREADS; t++)
        hands[t].count = 0;
}

static held *find(const void *object)
{
    hand *const h = &hands[weir__check_self];

    for (unsigned i = 0; i < h->count; i++)
        if (h->of[i].object == object)
            return &h->of[i];
    return NULL;
}

static void take(const void *object, hold how, const void *pc)
{
    hand *const h = &hands[weir__check_self];
    const held new = {object, 1, how};

    if (h->count == LOCKS_MOST)
        weir__check_unable(pc, "a thread holds more than %d locks", LOCKS_MOST);
    h->of[h->count++] = new;
}

static void drop(held *it)
{
    hand *const h = &hands[weir__check_self];

    *it = h->of[--h->count];
}

/* ---- taking a lock in general ---- */

void weir__use(const void *object, const void *pc, const char *what)
{
    weir__memory_there(object, 4, pc);
    if (!weir__memory_defined(object, 4))
        weir__check_bug(WEIR_CHECK_UNINITIALISED, pc, NULL,
                        "thread %d calls %s at %s for what was never initialised", weir__check_self,
                        what, weir__check_place(pc));
}

void weir__used(const void *object, const void *pc)
{
    weir__memory_atomic(object, 4, true, pc);
}

_Noreturn static void misuse(const void *pc, const char *what, const char *sentence)
{
    weir__check_bug(WEIR_CHECK_MISUSE, pc, NULL, "thread %d calls %s at %s for %s",
                    weir__check_self, what, weir__check_place(pc), sentence);
}

int weir__change_until(const request *a, change_function *change, void *with,
                       const uint64_t *deadline, why reason)
{
    bool done = true;
    int error = 0;

    weir__use(a->address, a->pc, a->what);
    if (deadline != NULL)
        weir__check_change(a, change, with, &done);
    else
        weir__check_await_change(a, change, with, reason);
    if (!done) {
        if (*deadline > weir__time_now() && weir__sleep_ending(true, a->pc) != TIMED_OUT) {
            weir__check_await_change(a, change, with, ASSUMES);
        } else {
            weir__time_reach(*deadline);
            error = ETIMEDOUT;
        }
    }
    weir__used(a->address, a->pc);
    return error;
}

bool weir__change_now(const request *a, change_function *change, void *with)
{
    bool done;

    weir__use(a->address, a->pc, a->what);
    weir__check_change(a, change, with, &done);
    weir__used(a->address, a->pc);
    return done;
}

static void store(const void *object, unsigned in, word value, const void *pc, const char *what)
{
    const request a = weir__hidden(object, in, RELEASE, pc, what);

    weir__use(object, pc, what);
    weir__check_store(&a, value);
    weir__used(object, pc);
}

static bool own(void *unused, word old, word *value)
{
    (void)unused;
    *value = (word)(unsigned)weir__check_self + 1;
    return old == 0;
}

void weir__init(const void *object, size_t size, unsigned in, const void *pc, const char *what)
{
    const request a = weir__hidden(object, in, RELAXED, pc, what);

    weir__memory_plain(object, size, true, pc);
    weir__check_store(&a, 0);
}

/* A lock is to be destroyed. */
static void destroy(const void *object, size_t size, const void *pc, const char *what)
{
    const request a = weir__hidden(object, MUTEX, RELAXED, pc, what);

    weir__memory_plain(object, size, true, pc);
    if (weir__check_load(&a) != 0)
        misuse(pc, what, "a lock that is held");
}

/* ---- mutexes ---- */

/* In the memory of a mutex the GNU C library keeps its kind; -1 if it was destroyed. */
enum { KIND = 3, ROBUST = 16 };

static int kind_of(pthread_mutex_t *mutex, const void *pc, const char *what)
{
    int kind;

    weir__use(mutex, pc, what);
    kind = mutex->__data.__kind;
    if (kind == -1)
        misuse(pc, what, "a mutex that was destroyed");
    if ((kind & ROBUST) != 0)
        weir__check_unable(pc, "a robust mutex cannot be checked");
    return kind & KIND;
}

static request to_own(const void *object, const void *pc, const char *what)
{
    static const word nobody = 0;
    request a = weir__hidden(object, MUTEX, ACQUIRE, pc, what);

    a.expected = &nobody; /* and relaxed if it is somebody's */
    return a;
}

/* The mutex is the calling thread's already. Returns: 0, or an error; or -1: it has to wait, for
 * ever. */
static int again(held *it, int kind)
{
    switch (kind) {
    case PTHREAD_MUTEX_RECURSIVE:
        weir__check_wrote();
        it->times++;
        return 0;
    case PTHREAD_MUTEX_ERRORCHECK:
        return EDEADLK;
    default:
        return -1;
    }
}

static int lock_mutex(pthread_mutex_t *mutex, const uint64_t *deadline, const void *pc,
                      const char *what)
{
    const request a = to_own(mutex, pc, what);
    const int kind = kind_of(mutex, pc, what);
    held *const it = find(mutex);
    int error = it == NULL ? -1 : again(it, kind);

    if (error >= 0)
        return error;
    error = weir__change_until(&a, own, NULL, deadline, LOCKS);
    if (error == 0)
        take(mutex, EXCLUSIVE, pc);
    return error;
}

int weir__lock(pthread_mutex_t *mutex, const void *pc, const char *what)
{
    return lock_mutex(mutex, NULL, pc, what);
}

int weir__lock_until(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline,
                     const void *pc, const char *what)
{
    uint64_t ns;

    if (!weir__time_of(deadline, clock, &ns, pc))
        return EINVAL;
    return lock_mutex(mutex, &ns, pc, what);
}

int weir__lock_try(pthread_mutex_t *mutex, const void *pc, const char *what)
{
    const request a = to_own(mutex, pc, what);
    const int kind = kind_of(mutex, pc, what);
    held *const it = find(mutex);

    if (it != NULL)
        return kind == PTHREAD_MUTEX_RECURSIVE ? again(it, kind) : EBUSY;
    if (!weir__change_now(&a, own, NULL))
        return EBUSY;
    take(mutex, EXCLUSIVE, pc);
    return 0;
}

int weir__unlock(pthread_mutex_t *mutex, const void *pc, const char *what)
{
    const int kind = kind_of(mutex, pc, what);
    held *const it = find(mutex);

    if (it == NULL) {
        if (kind == PTHREAD_MUTEX_ERRORCHECK)
            return EPERM;
        misuse(pc, what, "a mutex that it does not hold");
    }
    weir__check_wrote();
    if (--it->times > 0)
        return 0;
    drop(it);
    store(mutex, MUTEX, 0, pc, what);
    return 0;
}

int weir__lock_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr, const void *pc,
                    const char *what)
{
    REAL(pthread_mutex_init);
    if (weir__check_self >= 0)
        weir__init(mutex, sizeof *mutex, MUTEX, pc, what);
    return real(mutex, attr);
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr)
{
    return weir__lock_init(mutex, attr, HERE, "pthread_mutex_init");
}

int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    PASS(pthread_mutex_destroy, mutex);
    kind_of(mutex, HERE, "pthread_mutex_destroy");
    destroy(mutex, sizeof *mutex, HERE, "pthread_mutex_destroy");
    mutex->__data.__kind = -1;
    return 0;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    PASS(pthread_mutex_lock, mutex);
    return weir__lock(mutex, HERE, "pthread_mutex_lock");
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    PASS(pthread_mutex_trylock, mutex);
    return weir__lock_try(mutex, HERE, "pthread_mutex_trylock");
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex,
                            const struct timespec *restrict deadline)
{
    PASS(pthread_mutex_timedlock, mutex, deadline);
    return weir__lock_until(mutex, CLOCK_REALTIME, deadline, HERE, "pthread_mutex_timedlock");
}

int pthread_mutex_clocklock(pthread_mutex_t *restrict mutex, clockid_t clock,
                            const struct timespec *restrict deadline)
{
    PASS(pthread_mutex_clocklock, mutex, clock, deadline);
    return weir__lock_until(mutex, clock, deadline, HERE, "pthread_mutex_clocklock");
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    PASS(pthread_mutex_unlock, mutex);
    return weir__unlock(mutex, HERE, "pthread_mutex_unlock");
}

int pthread_mutex_consistent(pthread_mutex_t *mutex)
{
    PASS(pthread_mutex_consistent, mutex);
    weir__check_unable(HERE, "a robust mutex cannot be checked");
}

/* ---- spin locks ---- */

int pthread_spin_init(pthread_spinlock_t *lock, int shared)
{
    REAL(pthread_spin_init);
    if (weir__check_self >= 0)
        weir__init((const void *)(uintptr_t)lock, sizeof *lock, MUTEX, HERE, "pthread_spin_init");
    return real(lock, shared);
}

int pthread_spin_destroy(pthread_spinlock_t *lock)
{
    PASS(pthread_spin_destroy, lock);
    destroy((const void *)(uintptr_t)lock, sizeof *lock, HERE, "pthread_spin_destroy");
    return 0;
}

int pthread_spin_lock(pthread_spinlock_t *lock)
{
    request a;

    PASS(pthread_spin_lock, lock);
    a = to_own((const void *)(uintptr_t)lock, HERE, "pthread_spin_lock");
    weir__change_until(&a, own, NULL, NULL, LOCKS);
    take(a.address, EXCLUSIVE, HERE);
    return 0;
}

int pthread_spin_trylock(pthread_spinlock_t *lock)
{
    request a;

    PASS(pthread_spin_trylock, lock);
    a = to_own((const void *)(uintptr_t)lock, HERE, "pthread_spin_trylock");
    if (!weir__change_now(&a, own, NULL))
        return EBUSY;
    take(a.address, EXCLUSIVE, HERE);
    return 0;
}

int pthread_spin_unlock(pthread_spinlock_t *lock)
{
    const void *const object = (const void *)(uintptr_t)lock;
    held *it;

    PASS(pthread_spin_unlock, lock);
    it = find(object);
    if (it == NULL)
        misuse(HERE, "pthread_spin_unlock", "a lock that it does not hold");
    drop(it);
    store(object, MUTEX, 0, HERE, "pthread_spin_unlock");
    return 0;
}

/* ---- reader-writer locks ---- */

#define WRITER ((word)1 << 32)

static bool add_reader(void *unused, word old, word *value)
{
    (void)unused;
    *value = old + 1;
    return old < WRITER;
}

static bool add_writer(void *unused, word old, word *value)
{
    (void)unused;
    *value = WRITER;
    return old == 0;
}

static bool remove_reader(void *unused, word old, word *value)
{
    (void)unused;
    *value = old - 1;
    return true;
}

static int rwlock_lock(pthread_rwlock_t *lock, hold how, bool try, clockid_t clock,
                       const struct timespec *time, const void *pc, const char *what)
{
    const request a = weir__hidden(lock, MUTEX, ACQUIRE, pc, what);
    change_function *const change = how == SHARED ? add_reader : add_writer;
    held *const it = find(lock);
    uint64_t deadline;
    int error = 0;

    if (it != NULL && how == SHARED && it->how == SHARED) {
        weir__check_wrote();
        it->times++;
        return 0;
    }
    if (time != NULL && !weir__time_of(time, clock, &deadline, pc))
        return EINVAL;
    if (try)
        error = weir__change_now(&a, change, NULL) ? 0 : EBUSY;
    else if (it != NULL && it->how == EXCLUSIVE)
        return EDEADLK;
    else
        error = weir__change_until(&a, change, NULL, time == NULL ? NULL : &deadline, LOCKS);
    if (error == 0)
        take(lock, how, pc);
    return error;
}

int pthread_rwlock_init(pthread_rwlock_t *restrict lock, const pthread_rwlockattr_t *restrict attr)
{
    REAL(pthread_rwlock_init);
    if (weir__check_self >= 0)
        weir__init(lock, sizeof *lock, MUTEX, HERE, "pthread_rwlock_init");
    return real(lock, attr);
}

int pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    PASS(pthread_rwlock_destroy, lock);
    destroy(lock, sizeof *lock, HERE, "pthread_rwlock_destroy");
    return 0;
}

int pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    PASS(pthread_rwlock_rdlock, lock);
    return rwlock_lock(lock, SHARED, false, 0, NULL, HERE, "pthread_rwlock_rdlock");
}

int pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    PASS(pthread_rwlock_wrlock, lock);
    return rwlock_lock(lock, EXCLUSIVE, false, 0, NULL, HERE, "pthread_rwlock_wrlock");
}

int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    PASS(pthread_rwlock_tryrdlock, lock);
    return rwlock_lock(lock, SHARED, true, 0, NULL, HERE, "pthread_rwlock_tryrdlock");
}

int pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    PASS(pthread_rwlock_trywrlock, lock);
    return rwlock_lock(lock, EXCLUSIVE, true, 0, NULL, HERE, "pthread_rwlock_trywrlock");
}

int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict lock,
                               const struct timespec *restrict deadline)
{
    PASS(pthread_rwlock_timedrdlock, lock, deadline);
    return rwlock_lock(lock, SHARED, false, CLOCK_REALTIME, deadline, HERE,
                       "pthread_rwlock_timedrdlock");
}

int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict lock,
                               const struct timespec *restrict deadline)
{
    PASS(pthread_rwlock_timedwrlock, lock, deadline);
    return rwlock_lock(lock, EXCLUSIVE, false, CLOCK_REALTIME, deadline, HERE,
                       "pthread_rwlock_timedwrlock");
}

int pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    request a;
    held *it;
    hold how;

    PASS(pthread_rwlock_unlock, lock);
    it = find(lock);
    if (it == NULL)
        misuse(HERE, "pthread_rwlock_unlock", "a lock that it does not hold");
    weir__check_wrote();
    if (--it->times > 0)
        return 0;
    how = it->how;
    drop(it);
    if (how == EXCLUSIVE) {
        store(lock, MUTEX, 0, HERE, "pthread_rwlock_unlock");
    } else {
        a = weir__hidden(lock, MUTEX, RELEASE, HERE, "pthread_rwlock_unlock");
        weir__change_now(&a, remove_reader, NULL);
    }
    return 0;
}
