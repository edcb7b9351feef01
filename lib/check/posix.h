/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/posix.h: what the stand-ins for the C library's functions have in common. Private.
 *
 *     posix.c        threads, once, the end of the program, the thin part of weir/check.h
 *     posix_key.c    keys
 *     posix_lock.c   mutexes, reader-writer locks, spin locks
 *     posix_sem.c    semaphores and barriers
 *     posix_time.c   clocks and sleeps
 *     posix_c11.c    <threads.h>
 *     futex.c        futex(2) and its kin by syscall(), condition variables
 *     refuse.c       what cannot be checked
 *     program.c      main() as a test
 *
 * An object of the C library that threads share (a mutex) has its state in a hidden location with
 * its address, which no run has to put back. In its memory is what an initialiser wrote, static
 * ones too. The memory counts as accessed, so that a use after free, or one that races with
 * the initialisation, is found.
 *
 * What a thread has for itself (the mutexes that it holds) is no event: nobody else can see it. */

#ifndef WEIR_LIB_CHECK_POSIX_H
#define WEIR_LIB_CHECK_POSIX_H

#include "inside.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The place of the call in the code under test. */
#define HERE __builtin_return_address(0)

/* In a function of that name: `real` is the C library's. */
#define REAL(function)                              \
    static STATE __typeof__(function) *real = NULL; \
    if (real == NULL)                               \
    real = __extension__(__typeof__(function) *) weir__check_real(#function)

/* Likewise: outside of a run calls the real one, and returns. */
#define PASS(function, ...)                                                                \
    do {                                                                                   \
        static STATE __typeof__(function) *real_ = NULL;                                   \
        if (weir__check_self < 0) {                                                        \
            if (real_ == NULL)                                                             \
                real_ = __extension__(__typeof__(function) *) weir__check_real(#function); \
            return real_(__VA_ARGS__);                                                     \
        }                                                                                  \
    } while (0)

/* The same for those that do not return. */
#define PASS_FOR_EVER(function, ...)                                                       \
    do {                                                                                   \
        static STATE __typeof__(function) *real_ = NULL;                                   \
        if (weir__check_self < 0) {                                                        \
            if (real_ == NULL)                                                             \
                real_ = __extension__(__typeof__(function) *) weir__check_real(#function); \
            real_(__VA_ARGS__);                                                            \
            __builtin_unreachable();                                                       \
        }                                                                                  \
    } while (0)

/* ---- an object that threads share ---- */

/* Accesses to the checker's own locations: four bytes for a name, as a futex word has. */
static inline request weir__hidden(const void *object, unsigned in, unsigned order, const void *pc,
                                   const char *what)
{
    const request a = {.address = object,
                       .size = 4,
                       .space = (uint8_t)in,
                       .order = (uint8_t)order,
                       .failure = 0,
                       .pc = pc,
                       .what = what};

    return a;
}

enum { RELAXED = 0, ACQUIRE = 2, RELEASE = 3, ACQ_REL = 4, SEQ_CST = 5 };

/* Before an operation on the object, and after it. */
void weir__use(const void *object, const void *pc, const char *what);
void weir__used(const void *object, const void *pc);

/* The object is initialised: its location is 0. */
void weir__init(const void *object, size_t size, unsigned in, const void *pc, const char *what);

/* The operation: waits until the location can be changed, or until `deadline` if that is not NULL.
 * Returns: 0 or ETIMEDOUT. */
int weir__change_until(const request *a, change_function *change, void *with,
                       const uint64_t *deadline, why reason);

/* Returns: whether it was changed. */
bool weir__change_now(const request *a, change_function *change, void *with);

/* The functions of every library, by the place of the call and the name for the report. */
int weir__posix_create(pthread_t *thread, bool detached, void *(*routine)(void *), void *argument,
                       const void *pc, const char *what);
int weir__posix_join(pthread_t thread, void **value, const void *pc, const char *what);
int weir__posix_detach(pthread_t thread, const void *pc, const char *what);
_Noreturn void weir__posix_exit(void *value);
int weir__posix_once(pthread_once_t *once, void (*routine)(void), const void *pc, const char *what);
pthread_t weir__posix_self(void);

/* Whether that thread's end happens before this point. */
bool weir__posix_gone(int thread);
bool weir__posix_is_gone(pthread_t thread, const void *pc, const char *what);

/* exit(): the status is a finding unless it is 0. */
_Noreturn void weir__posix_end_program(int status, const void *pc);

/* ---- program.c ---- */

/* Whether what the program writes there has been seen, in the first run. */
bool weir__program_drops(int fd);

/* ---- refuse.c ---- */

ssize_t weir__real_write(int fd, const void *buffer, size_t size);

/* ---- posix_key.c ---- */

void weir__key_begin(void); /* of a run */
void weir__key_end(void);   /* of a thread */

/* ---- posix_lock.c ---- */

void weir__lock_begin(void);
int weir__lock_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attr, const void *pc,
                    const char *what);
int weir__lock(pthread_mutex_t *mutex, const void *pc, const char *what);
int weir__lock_try(pthread_mutex_t *mutex, const void *pc, const char *what);
int weir__lock_until(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline,
                     const void *pc, const char *what);
int weir__unlock(pthread_mutex_t *mutex, const void *pc, const char *what);

/* ---- time ---- */

void weir__time_begin(void);

/* The calling thread's time, in ns of the monotonic clock. */
uint64_t weir__time_now(void);

/* It is at least this late. */
void weir__time_reach(uint64_t ns);

/* *ns: of the monotonic clock. Returns: false if it is no time, or there is no such clock. */
bool weir__time_of(const struct timespec *time, clockid_t clock, uint64_t *ns, const void *pc);

/* ---- sleepers ---- */

void weir__sleep_begin(void);

/* Puts the calling thread at the end of the list of those who sleep on the object. */
void weir__sleep_enlist(const void *object, const void *pc, const char *what);

/* Until it is taken off the list. `timed`: the runs in which time passes instead are others. */
void weir__sleep(const void *object, bool timed, const void *pc, const char *what);

/* Takes the first `most` off the list, or only this thread. Returns: how many. */
unsigned weir__sleep_wake(const void *object, unsigned most, const void *pc, const char *what);
bool weir__sleep_wake_one(const void *object, const void *pc, const char *what);

typedef enum ending { WOKEN, TIMED_OUT, SPURIOUS } ending;

/* How a sleep that is to begin now will end. */
ending weir__sleep_ending(bool timed, const void *pc);

int weir__cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const void *pc, const char *what);
int weir__cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                          const struct timespec *deadline, const void *pc, const char *what);
int weir__cond_signal(pthread_cond_t *cond, const void *pc, const char *what);
int weir__cond_broadcast(pthread_cond_t *cond, const void *pc, const char *what);

#endif /* WEIR_LIB_CHECK_POSIX_H */
