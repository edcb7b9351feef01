/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/posix.c: threads, once, the end of the program, and the thin part of weir/check.h.
 *
 * A thread's pthread_t is HANDLE and its number: the same in each run, and no address. Joins and
 * detachments are no events but the wait itself: two of them that exclude each other are a bug in
 * whatever order they come, so that both are in one run is enough to know. */

#include "posix.h"

#include <assert.h>
#include <sched.h>
#include <setjmp.h>
#include <stdlib.h>

#define HANDLE ((pthread_t)0x7e1d000)

/* ---- threads ---- */

typedef struct start {
    void *(*routine)(void *);
    void *argument;
} start;

/* What becomes of a thread. */
typedef enum fate { OPEN, JOINED, DETACHED } fate;

typedef struct seat {
    unsigned children; /* how many threads it has made, and these: */
    start child[THREADS];
    fate fate;
    int made_by;  /* -1: it is not there */
    unsigned end; /* the place of its last event; 0: it has not come to it */
    void *result;
    __pthread_unwind_buf_t *cleanup; /* the innermost of pthread_cleanup_push() */
    bool joined[THREADS];            /* of whose end it knows by weir_check_join_all() */
} seat;

static STATE seat *seats = NULL;

static seat *self(void)
{
    return &seats[weir__check_self];
}

bool weir__posix_gone(int thread)
{
    const seat *const s = &seats[thread];

    return s->made_by < 0 ||
           (s->end != 0 && weir__check_clock(weir__check_self)->of[thread] >= s->end);
}

static void made(int thread)
{
    seats[thread].made_by = weir__check_self;
}

static void body(void *with)
{
    const start *const s = (const start *)with;

    self()->result = s->routine(s->argument);
}

int weir__posix_create(pthread_t *thread, bool detached, void *(*routine)(void *), void *argument,
                       const void *pc, const char *what)
{
    seat *const me = self();
    const start s = {routine, argument};
    int number;

    if (me->children == THREADS)
        weir__check_unable(pc, "more than %d threads", THREADS);
    me->child[me->children] = s;
    number = weir__check_spawn(body, &me->child[me->children++], pc, what);
    made(number);
    if (detached)
        seats[number].fate = DETACHED;
    /* Only now: a new thread must not rely on it. */
    weir__memory_plain(thread, sizeof *thread, true, pc);
    *thread = HANDLE + (pthread_t)number;
    return 0;
}

/* Returns: the number of the thread. */
static int number_of(pthread_t thread, const void *pc, const char *what)
{
    if (thread - HANDLE >= THREADS || seats[thread - HANDLE].made_by < 0)
        weir__check_bug(WEIR_CHECK_MISUSE, pc, NULL,
                        "thread %d calls %s at %s for what is no thread of this run",
                        weir__check_self, what, weir__check_place(pc));
    return (int)(thread - HANDLE);
}

/* The thread is to be joined, or detached, which happens once. */
static void settle(int thread, fate how, const void *pc, const char *what)
{
    static const char *const says[] = {"", "joined", "detached"};
    seat *const s = &seats[thread];

    if (s->fate != OPEN)
        weir__check_bug(WEIR_CHECK_MISUSE, pc, NULL,
                        "thread %d calls %s at %s for thread %d, which is %s already",
                        weir__check_self, what, weir__check_place(pc), thread, says[s->fate]);
    s->fate = how;
}

bool weir__posix_is_gone(pthread_t thread, const void *pc, const char *what)
{
    return weir__posix_gone(number_of(thread, pc, what));
}

int weir__posix_join(pthread_t thread, void **result, const void *pc, const char *what)
{
    const int number = number_of(thread, pc, what);

    if (number == weir__check_self)
        return EDEADLK;
    settle(number, JOINED, pc, what);
    weir__check_wait_for(number, pc, what);
    if (result != NULL) {
        weir__memory_plain(result, sizeof *result, true, pc);
        *result = seats[number].result;
    }
    return 0;
}

int weir__posix_detach(pthread_t thread, const void *pc, const char *what)
{
    settle(number_of(thread, pc, what), DETACHED, pc, what);
    return 0;
}

pthread_t weir__posix_self(void)
{
    return HANDLE + (pthread_t)weir__check_self;
}

/* The handlers of pthread_cleanup_push() first: each jumps to its own place, and comes back by
 * __pthread_unwind_next(). */
_Noreturn static void unwind(void)
{
    __pthread_unwind_buf_t *const innermost = self()->cleanup;
    sigjmp_buf there;

    if (innermost != NULL) {
        memcpy(&self()->cleanup, &innermost->__pad[0], sizeof innermost);
        memset(there, 0, sizeof there);
        memcpy(there, innermost->__cancel_jmp_buf, sizeof innermost->__cancel_jmp_buf);
        siglongjmp(there, 1);
    }
    weir__check_end_thread();
}

_Noreturn void weir__posix_exit(void *result)
{
    self()->result = result;
    unwind();
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
                   void *(*routine)(void *), void *restrict argument)
{
    int state = PTHREAD_CREATE_JOINABLE;

    PASS(pthread_create, thread, attr, routine, argument);
    if (attr != NULL)
        pthread_attr_getdetachstate(attr, &state);
    return weir__posix_create(thread, state == PTHREAD_CREATE_DETACHED, routine, argument, HERE,
                              "pthread_create");
}

int pthread_join(pthread_t thread, void **result)
{
    PASS(pthread_join, thread, result);
    return weir__posix_join(thread, result, HERE, "pthread_join");
}

int pthread_detach(pthread_t thread)
{
    PASS(pthread_detach, thread);
    return weir__posix_detach(thread, HERE, "pthread_detach");
}

void pthread_exit(void *result)
{
    PASS_FOR_EVER(pthread_exit, result);
    weir__posix_exit(result);
}

pthread_t pthread_self(void)
{
    static STATE pthread_t (*real)(void) = NULL;

    if (weir__check_self >= 0)
        return weir__posix_self();
    if (real == NULL)
        real = __extension__(pthread_t(*)(void)) weir__check_real("pthread_self");
    return real();
}

int pthread_equal(pthread_t a, pthread_t b)
{
    return a == b;
}

/* What the macros pthread_cleanup_push() and pthread_cleanup_pop() call. */
void __pthread_register_cancel(__pthread_unwind_buf_t *buffer);
void __pthread_unregister_cancel(__pthread_unwind_buf_t *buffer);
_Noreturn void __pthread_unwind_next(__pthread_unwind_buf_t *buffer);

void __pthread_register_cancel(__pthread_unwind_buf_t *buffer)
{
    if (weir__check_self >= 0) {
        memcpy(&buffer->__pad[0], &self()->cleanup, sizeof buffer);
        self()->cleanup = buffer;
    } else {
        REAL(__pthread_register_cancel);
        real(buffer);
    }
}

void __pthread_unregister_cancel(__pthread_unwind_buf_t *buffer)
{
    if (weir__check_self >= 0) {
        memcpy(&self()->cleanup, &buffer->__pad[0], sizeof buffer);
    } else {
        REAL(__pthread_unregister_cancel);
        real(buffer);
    }
}

void __pthread_unwind_next(__pthread_unwind_buf_t *buffer)
{
    PASS_FOR_EVER(__pthread_unwind_next, buffer);
    unwind();
}

/* Names, priorities, and processors change nothing. */
int pthread_setname_np(pthread_t thread, const char *name)
{
    PASS(pthread_setname_np, thread, name);
    return 0;
}

int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *parameters)
{
    PASS(pthread_setschedparam, thread, policy, parameters);
    return 0;
}

int pthread_setschedprio(pthread_t thread, int priority)
{
    PASS(pthread_setschedprio, thread, priority);
    return 0;
}

int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set)
{
    PASS(pthread_setaffinity_np, thread, size, set);
    return 0;
}

int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    int (*real)(void (*)(void), void (*)(void), void (*)(void), void *);

    if (weir__check_self >= 0)
        return 0;
    real = __extension__(__typeof__(real)) weir__check_real("__register_atfork");
    return real(prepare, parent, child, NULL);
}

int sched_yield(void)
{
    static STATE int (*real)(void) = NULL;

    if (weir__check_self >= 0)
        return 0;
    if (real == NULL)
        real = __extension__(int (*)(void)) weir__check_real("sched_yield");
    return real();
}

int sched_getcpu(void)
{
    static STATE int (*real)(void) = NULL;

    if (weir__check_self >= 0)
        return 0;
    if (real == NULL)
        real = __extension__(int (*)(void)) weir__check_real("sched_getcpu");
    return real();
}

/* ---- once ---- */

enum { RUNNING = 1, DONE = 2 }; /* DONE is also what the GNU C library leaves in memory */

static bool begin_once(void *unused, word old, word *new_value)
{
    (void)unused;
    *new_value = RUNNING;
    return old == 0;
}

static bool is_done(void *unused, word state)
{
    (void)unused;
    return state == DONE;
}

int weir__posix_once(pthread_once_t *once, void (*routine)(void), const void *pc, const char *what)
{
    const request begin = weir__hidden(once, MEMORY, ACQUIRE, pc, what);
    const request end = weir__hidden(once, MEMORY, RELEASE, pc, what);
    word state;

    weir__use(once, pc, what);
    state = weir__check_change(&begin, begin_once, NULL, NULL);
    weir__used(once, pc);
    if (state == RUNNING) {
        weir__check_await(&begin, is_done, NULL, LOCKS);
    } else if (state == 0) {
        routine();
        weir__check_store(&end, DONE);
    }
    return 0;
}

int pthread_once(pthread_once_t *once, void (*routine)(void))
{
    PASS(pthread_once, once, routine);
    return weir__posix_once(once, routine, HERE, "pthread_once");
}

/* ---- runs and threads begin and end ---- */

void weir__posix_begin(void)
{
    if (seats == NULL)
        seats = (seat *)weir__check_memory(THREADS * sizeof *seats);
    for (int t = 0; t < THREADS; t++) {
        seat *const s = &seats[t];

        s->children = 0;
        s->fate = OPEN;
        s->made_by = t == 0 ? 0 : -1;
        s->end = 0;
        s->result = NULL;
        s->cleanup = NULL;
        memset(s->joined, 0, sizeof s->joined);
    }
    weir__key_begin();
    weir__lock_begin();
    weir__sleep_begin();
    weir__time_begin();
}

void weir__posix_end(void)
{
    weir__key_end();
    self()->end = weir__check_epoch(weir__check_self);
}

/* ---- the end of the program ---- */

void weir__posix_end_program(int status, const void *pc)
{
    if (status != 0)
        weir__check_bug(WEIR_CHECK_ASSERTION, pc, NULL, "the program ends with status %d", status);
    weir__check_end_run();
}

void exit(int status)
{
    PASS_FOR_EVER(exit, status);
    weir__posix_end_program(status, HERE);
}

void _exit(int status)
{
    PASS_FOR_EVER(_exit, status);
    weir__posix_end_program(status, HERE);
}

void _Exit(int status)
{
    PASS_FOR_EVER(_Exit, status);
    weir__posix_end_program(status, HERE);
}

void quick_exit(int status)
{
    PASS_FOR_EVER(quick_exit, status);
    weir__posix_end_program(status, HERE);
}

void abort(void)
{
    static STATE void (*real)(void) = NULL;

    if (weir__check_self >= 0)
        weir__check_bug(WEIR_CHECK_CRASH, HERE, NULL, "thread %d calls abort() at %s",
                        weir__check_self, weir__check_place(HERE));
    if (real == NULL)
        real = __extension__(void (*)(void)) weir__check_real("abort");
    real();
    __builtin_unreachable();
}

/* Whoever registers something in a run would do so in each. */
int atexit(void (*function)(void))
{
    int (*real)(void (*)(void *), void *, void *);

    if (weir__check_self >= 0)
        return 0;
    real = __extension__(__typeof__(real)) weir__check_real("__cxa_atexit");
    return real(__extension__(void (*)(void *)) function, NULL, NULL);
}

int __cxa_atexit(void (*function)(void *), void *argument, void *object);

int __cxa_atexit(void (*function)(void *), void *argument, void *object)
{
    PASS(__cxa_atexit, function, argument, object);
    return 0;
}

/* ---- assert() ---- */

_Noreturn static void failed(const char *sentence, const char *file, int line, const void *pc)
{
    weir__check_bug(WEIR_CHECK_ASSERTION, pc, NULL, "thread %d: assertion failed at %s:%d: %s",
                    weir__check_self, file, line, sentence);
}

void __assert_fail(const char *sentence, const char *file, unsigned line, const char *function)
{
    PASS_FOR_EVER(__assert_fail, sentence, file, line, function);
    failed(sentence, file, (int)line, HERE);
}

void __assert_perror_fail(int error, const char *file, unsigned line, const char *function)
{
    PASS_FOR_EVER(__assert_perror_fail, error, file, line, function);
    failed(strerror(error), file, (int)line, HERE);
}

void __assert(const char *sentence, const char *file, int line)
{
    PASS_FOR_EVER(__assert, sentence, file, line);
    failed(sentence, file, line, HERE);
}

/* ---- weir/check.h ---- */

/* What has no meaning outside of a test. */
static void within(const char *function)
{
    if (weir__check_self < 0) {
        fprintf(stderr, "weir_check: %s() is called outside of a test\n", function);
        abort();
    }
}

int weir_check_thread(void (*function)(void *), void *argument)
{
    int number;

    within("weir_check_thread");
    number = weir__check_spawn(function, argument, HERE, "weir_check_thread");
    made(number);
    seats[number].fate = DETACHED;
    return number;
}

void weir_check_join(int thread)
{
    within("weir_check_join");
    if (thread == weir__check_self)
        weir__check_bug(WEIR_CHECK_MISUSE, HERE, NULL, "thread %d waits for itself at %s", thread,
                        weir__check_place(HERE));
    if (thread < 0 || thread >= THREADS)
        number_of(0, HERE, "weir_check_join");
    number_of(HANDLE + (pthread_t)thread, HERE, "weir_check_join");
    weir__check_wait_for(thread, HERE, "weir_check_join");
}

/* All that this thread has made, and all that those have made. */
void weir_check_join_all(void)
{
    bool more = true;

    within("weir_check_join_all");
    while (more) {
        more = false;
        for (int t = 1; t < THREADS; t++) {
            const int by = seats[t].made_by;

            if (t == weir__check_self || by < 0 || self()->joined[t] ||
                (by != weir__check_self && !self()->joined[by]))
                continue;
            weir__check_wait_for(t, HERE, "weir_check_join_all");
            self()->joined[t] = true;
            more = true;
        }
    }
}

void weir_check_fail(const char *sentence, const char *file, int line)
{
    if (weir__check_self < 0) {
        fprintf(stderr, "weir_check: assertion failed at %s:%d: %s\n", file, line, sentence);
        abort();
    }
    failed(sentence, file, line, HERE);
}

unsigned weir_check_choose(unsigned n)
{
    within("weir_check_choose");
    if (n == 0)
        weir__check_bug(WEIR_CHECK_MISUSE, HERE, NULL, "thread %d chooses among nothing at %s",
                        weir__check_self, weir__check_place(HERE));
    return weir__check_choose(n, NULL, HERE);
}
