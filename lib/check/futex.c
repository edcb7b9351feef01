/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/futex.c: sleeping and waking: futex(2), condition variables, and syscall().
 *
 * Who sleeps on an object is a hidden location of the object's address: the list of the threads, in
 * the order in which they came. Another one for each sleeper counts how often it was woken. All
 * these accesses are relaxed: a wake-up makes nothing visible. What the kernel does promise is that
 * either the waker finds the sleeper, or the sleeper finds the word changed:
 *
 *     waker                              sleeper
 *     W(word, new)                       U(list, + sleeper)
 *     F(seq_cst)                         F(seq_cst)
 *     U(list, - sleepers)                R(word)
 *
 * Should the waker's U come before the sleeper's in modification order, and R(word) read what was
 * there before `new`, then psc has an edge from the waker's fence to the sleeper's (U mo U, between
 * the fences), and one back (R rb W, likewise): a cycle. If the waker finds the list empty, its U
 * is a read alone, and the first edge is rb in place of mo. A release and an acquire would promise
 * the same and more, namely that what the waker did before is seen by the sleeper after; who relies
 * on that has a bug under other kernels, and in programs that return from the wait because the word
 * has changed.
 *
 * The kernel compares and puts on the list in one step. Here the word is read twice: if it differs
 * before, the thread is never on the list. If it differs behind U, the thread was on the
 * list without a right to be, where it may have taken somebody else's wake-up: that run is given
 * up. The others have what can happen: the word changed before, or it did not yet.
 *
 * The end of a sleep is chosen at its beginning. Who times out, or returns for no reason, is not
 * put on the list: nobody can tell. Who waits with a timeout and is not woken is no bug:
 * the run is given up, since in another one the time passes. */

#include "posix.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>

/* ---- the list: its length, then the threads, four bits each ---- */

enum { SLEEPERS = 15 };

static unsigned length_of(word list)
{
    return (unsigned)list & 15;
}

static int sleeper(word list, unsigned place)
{
    return (int)(list >> (4 * (place + 1)) & 15);
}

static word put(word list, unsigned place, int thread)
{
    const unsigned shift = 4 * (place + 1);

    return (list & ~((word)15 << shift)) | (word)(unsigned)thread << shift;
}

static bool append(void *too_many, word old, word *list)
{
    const unsigned length = length_of(old);

    if (length == SLEEPERS) {
        *(bool *)too_many = true;
        return false;
    }
    *list = put(old, length, weir__check_self) + 1;
    return true;
}

typedef struct removal {
    unsigned most; /* how many from the front */
    int only;      /* or this one, if it is there, and else the first; -1 */
} removal;

static unsigned place_of(word list, int thread)
{
    for (unsigned i = 0; i < length_of(list); i++)
        if (sleeper(list, i) == thread)
            return i;
    return 0;
}

static bool remove_some(void *with, word old, word *list)
{
    const removal *const r = (const removal *)with;
    const unsigned length = length_of(old);
    const unsigned first = r->only < 0 ? 0 : place_of(old, r->only);
    const unsigned count = r->most < length ? r->most : length;

    if (count == 0)
        return false;
    *list = 0;
    for (unsigned i = 0; i < length; i++)
        if (i - first >= count)
            *list = put(*list, length_of(*list), sleeper(old, i)) + 1;
    return true;
}

/* ---- sleeping and waking ---- */

enum { OBJECTS = 256 };

/* On what the thread has slept in this run, and how often it was woken there: counts for itself
 * what the location counts, to know the next one. */
typedef struct sleeps {
    unsigned objects;
    struct {
        const void *object;
        unsigned woken;
    } of[OBJECTS];
    const void *timed_out; /* the place of the last wait that timed out, */
    unsigned in_a_row;     /* and how many there were */
} sleeps;

static STATE sleeps *seats = NULL;
static STATE bool cut = false;

void weir__sleep_begin(void)
{
    if (seats == NULL)
        seats = (sleeps *)weir__check_memory(THREADS * sizeof *seats);
    for (int t = 0; t < THREADS; t++) {
        seats[t].objects = 0;
        seats[t].timed_out = NULL;
        seats[t].in_a_row = 0;
    }
    cut = false;
}

bool weir__sleep_was_cut(void)
{
    return cut;
}

static request wakes_of(int thread, const void *object, const void *pc, const char *what)
{
    return weir__hidden(object, OTHER + 1 + (unsigned)thread, RELAXED, pc, what);
}

void weir__sleep_enlist(const void *object, const void *pc, const char *what)
{
    const request list = weir__hidden(object, FUTEX, RELAXED, pc, what);
    bool too_many = false;

    weir__check_change(&list, append, &too_many, NULL);
    if (too_many)
        weir__check_unable(pc, "more than %d threads sleep on one object", SLEEPERS);
}

static bool is_reached(void *count, word value)
{
    return value >= *(const unsigned *)count;
}

void weir__sleep(const void *object, bool timed, const void *pc, const char *what)
{
    sleeps *const s = &seats[weir__check_self];
    const request woken = wakes_of(weir__check_self, object, pc, what);
    unsigned i = 0;

    while (i < s->objects && s->of[i].object != object)
        i++;
    if (i == OBJECTS)
        weir__check_unable(pc, "a thread sleeps on more than %d objects", OBJECTS);
    if (i == s->objects) {
        s->objects++;
        s->of[i].object = object;
        s->of[i].woken = 0;
    }
    s->of[i].woken++;
    weir__check_await(&woken, is_reached, &s->of[i].woken, timed ? ASSUMES : SLEEPS);
}

static bool add_one(void *unused, word old, word *value)
{
    (void)unused;
    *value = old + 1;
    return true;
}

static unsigned wake(const void *object, removal r, const void *pc, const char *what)
{
    const request list = weir__hidden(object, FUTEX, RELAXED, pc, what);
    const word old = weir__check_change(&list, remove_some, &r, NULL);
    const unsigned count = r.most < length_of(old) ? r.most : length_of(old);
    const unsigned first = r.only < 0 ? 0 : place_of(old, r.only);

    for (unsigned i = first; i < first + count; i++) {
        const request woken = wakes_of(sleeper(old, i), object, pc, what);

        weir__check_change(&woken, add_one, NULL, NULL);
    }
    return count;
}

unsigned weir__sleep_wake(const void *object, unsigned most, const void *pc, const char *what)
{
    const removal r = {most, -1};

    return wake(object, r, pc, what);
}

bool weir__sleep_wake_one(const void *object, const void *pc, const char *what)
{
    static const char *const which[SLEEPERS] = {
        "wakes the first", "wakes the second", "wakes the third",    "wakes the fourth",
        "wakes the fifth", "wakes the sixth",  "wakes the seventh",  "wakes the eighth",
        "wakes the ninth", "wakes the tenth",  "wakes the eleventh", "wakes the twelfth",
        "wakes the 13th",  "wakes the 14th",   "wakes the 15th"};
    const request list = weir__hidden(object, FUTEX, RELAXED, pc, what);
    const word now = weir__check_load(&list);
    removal r = {1, -1};

    if (length_of(now) == 0)
        return false;
    if (length_of(now) > 1)
        r.only = sleeper(now, weir__check_choose(length_of(now), which, pc));
    return wake(object, r, pc, what) > 0;
}

enum { IN_A_ROW = 3 };

ending weir__sleep_ending(bool timed, const void *pc)
{
    static const char *const says[] = {"sleeps", "time passes", "returns for no reason"};
    static const char *const without_time[] = {"sleeps", "returns for no reason"};
    sleeps *const s = &seats[weir__check_self];
    const bool spurious = weir__check_spurious > 0;
    /* A loop that waits a little each time could go on for ever. */
    const bool times_out = timed && (s->timed_out != pc || s->in_a_row < IN_A_ROW);
    ending e = WOKEN;

    cut |= timed && !times_out;
    if (times_out)
        e = (ending)weir__check_choose(spurious ? 3 : 2, says, pc);
    else if (spurious && weir__check_choose(2, without_time, pc) == 1)
        e = SPURIOUS;
    if (e == SPURIOUS)
        weir__check_spurious--;
    if (e == TIMED_OUT) {
        s->in_a_row = s->timed_out == pc ? s->in_a_row + 1 : 1;
        s->timed_out = pc;
    } else if (s->timed_out == pc)
        s->in_a_row = times_out ? 0 : s->in_a_row;
    return e;
}

/* ---- futex(2) ---- */

static bool is_same(void *expected, word value)
{
    return (uint32_t)value == *(const uint32_t *)expected;
}

/* Returns: 0, or an error. */
static int futex_wait(const uint32_t *at, uint32_t expected, const uint64_t *deadline,
                      const void *pc)
{
    static const char wait[] = "FUTEX_WAIT";
    static const char *const reasons[] = {"and says 0", "and says EINTR"};
    const request it = {.address = at, .size = 4, .space = MEMORY, .pc = pc, .what = wait};

    if ((uint32_t)weir__check_load(&it) != expected)
        return EAGAIN;
    if (deadline != NULL && *deadline <= weir__time_now())
        return ETIMEDOUT;
    switch (weir__sleep_ending(deadline != NULL, pc)) {
    case TIMED_OUT:
        weir__time_reach(*deadline);
        return ETIMEDOUT;
    case SPURIOUS: /* futex(2) allows both */
        return weir__check_choose(2, reasons, pc) == 0 ? 0 : EINTR;
    default:
        weir__sleep_enlist(at, pc, wait);
        weir__check_fence(SEQ_CST, pc, wait);
        weir__check_await(&it, is_same, &expected, ASSUMES);
        weir__memory_atomic(at, 4, false, pc);
        weir__sleep(at, deadline != NULL, pc, wait);
        return 0;
    }
}

static long fails(int error)
{
    errno = error;
    return -1;
}

/* Returns: as the system call. */
static long futex(const uint32_t *at, int operation, uint32_t value, const struct timespec *time,
                  uint32_t bits, const void *pc)
{
    static const char *const names[] = {"WAIT",           "WAKE",        "FD",
                                        "REQUEUE",        "CMP_REQUEUE", "WAKE_OP",
                                        "LOCK_PI",        "UNLOCK_PI",   "TRYLOCK_PI",
                                        "WAIT_BITSET",    "WAKE_BITSET", "WAIT_REQUEUE_PI",
                                        "CMP_REQUEUE_PI", "LOCK_PI2"};
    const unsigned what = (unsigned)(operation & FUTEX_CMD_MASK);
    const clockid_t clock =
        (operation & FUTEX_CLOCK_REALTIME) != 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    const bool waits = what == FUTEX_WAIT || what == FUTEX_WAIT_BITSET;
    uint64_t deadline = 0;
    int error;

    if (!waits && what != FUTEX_WAKE && what != FUTEX_WAKE_BITSET)
        weir__check_unable(pc, "FUTEX_%s cannot be checked",
                           what < sizeof names / sizeof names[0] ? names[what] : "(unknown)");
    if ((what == FUTEX_WAIT_BITSET || what == FUTEX_WAKE_BITSET) &&
        bits != FUTEX_BITSET_MATCH_ANY) {
        if (bits == 0)
            return fails(EINVAL);
        weir__check_unable(pc, "a futex with a bit set cannot be checked");
    }
    if ((uintptr_t)at % 4 != 0)
        return fails(EINVAL);
    if (!waits) {
        weir__check_fence(SEQ_CST, pc, "FUTEX_WAKE");
        return (long)weir__sleep_wake(at, (int)value < 1 ? 1 : value, pc, "FUTEX_WAKE");
    }
    if (time != NULL) {
        /* Of FUTEX_WAIT it is how long, and else until when. */
        if (!weir__time_of(time, what == FUTEX_WAIT ? CLOCK_MONOTONIC : clock, &deadline, pc))
            return fails(EINVAL);
        if (what == FUTEX_WAIT && __builtin_add_overflow(deadline, weir__time_now(), &deadline))
            deadline = UINT64_MAX;
    }
    error = futex_wait(at, value, time == NULL ? NULL : &deadline, pc);
    return error == 0 ? 0 : fails(error);
}

/* ---- condition variables ---- */

/* The list has the thread before the mutex is free, so whoever locks it then finds the thread:
 * that is all that pthread_cond_wait() promises. */
static int cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const uint64_t *deadline,
                     const void *pc, const char *what)
{
    const bool late = deadline != NULL && *deadline <= weir__time_now();
    ending e;
    int error;

    weir__use(cond, pc, what);
    e = late ? TIMED_OUT : weir__sleep_ending(deadline != NULL, pc);
    if (e == WOKEN)
        weir__sleep_enlist(cond, pc, what);
    weir__used(cond, pc);
    error = weir__unlock(mutex, pc, what);
    if (error != 0)
        return error;
    if (e == WOKEN)
        weir__sleep(cond, deadline != NULL, pc, what);
    else if (e == TIMED_OUT)
        weir__time_reach(*deadline);
    error = weir__lock(mutex, pc, what);
    return error != 0 ? error : e == TIMED_OUT ? ETIMEDOUT : 0;
}

int weir__cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const void *pc, const char *what)
{
    return cond_wait(cond, mutex, NULL, pc, what);
}

int weir__cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                          const struct timespec *time, const void *pc, const char *what)
{
    uint64_t deadline;

    if (!weir__time_of(time, clock, &deadline, pc))
        return EINVAL;
    return cond_wait(cond, mutex, &deadline, pc, what);
}

int weir__cond_signal(pthread_cond_t *cond, const void *pc, const char *what)
{
    weir__use(cond, pc, what);
    weir__sleep_wake_one(cond, pc, what);
    weir__used(cond, pc);
    return 0;
}

int weir__cond_broadcast(pthread_cond_t *cond, const void *pc, const char *what)
{
    weir__use(cond, pc, what);
    weir__sleep_wake(cond, UINT_MAX, pc, what);
    weir__used(cond, pc);
    return 0;
}

/* What an initialiser leaves in memory is kept there: which clock. */
int pthread_cond_init(pthread_cond_t *restrict cond, const pthread_condattr_t *restrict attr)
{
    REAL(pthread_cond_init);
    if (weir__check_self >= 0)
        weir__memory_plain(cond, sizeof *cond, true, HERE);
    return real(cond, attr);
}

int pthread_cond_destroy(pthread_cond_t *cond)
{
    PASS(pthread_cond_destroy, cond);
    weir__memory_plain(cond, sizeof *cond, true, HERE);
    return 0;
}

int pthread_cond_wait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex)
{
    PASS(pthread_cond_wait, cond, mutex);
    return weir__cond_wait(cond, mutex, HERE, "pthread_cond_wait");
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict deadline)
{
    enum { CLOCK_BIT = 2 }; /* of the GNU C library's __wrefs: the monotonic clock */

    PASS(pthread_cond_timedwait, cond, mutex, deadline);
    return weir__cond_wait_until(
        cond, mutex, (cond->__data.__wrefs & CLOCK_BIT) != 0 ? CLOCK_MONOTONIC : CLOCK_REALTIME,
        deadline, HERE, "pthread_cond_timedwait");
}

int pthread_cond_clockwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           clockid_t clock, const struct timespec *restrict deadline)
{
    PASS(pthread_cond_clockwait, cond, mutex, clock, deadline);
    return weir__cond_wait_until(cond, mutex, clock, deadline, HERE, "pthread_cond_clockwait");
}

int pthread_cond_signal(pthread_cond_t *cond)
{
    PASS(pthread_cond_signal, cond);
    return weir__cond_signal(cond, HERE, "pthread_cond_signal");
}

int pthread_cond_broadcast(pthread_cond_t *cond)
{
    PASS(pthread_cond_broadcast, cond);
    return weir__cond_broadcast(cond, HERE, "pthread_cond_broadcast");
}

/* ---- syscall() ---- */

enum { FIRST_TID = 1000 };

static long call_kernel(long number, const long *of)
{
    register long fourth __asm__("r10") = of[3];
    register long fifth __asm__("r8") = of[4];
    register long sixth __asm__("r9") = of[5];
    long result;

    __asm__ __volatile__("syscall"
                         : "=a"(result)
                         : "a"(number), "D"(of[0]), "S"(of[1]), "d"(of[2]), "r"(fourth), "r"(fifth),
                           "r"(sixth)
                         : "rcx", "r11", "memory");
    return result < 0 && result >= -4095 ? fails((int)-result) : result;
}

/* A signal to a thread, if it is only asked whether the thread is there. One whose end does not
 * happen before is always found there. */
static long signal_thread(long tid, long signal, const void *pc)
{
    const long thread = tid - FIRST_TID;

    if (signal != 0)
        weir__check_unable(pc, "a signal to a thread cannot be checked");
    if (thread < 0 || thread >= THREADS)
        return fails(ESRCH);
    return weir__posix_gone((int)thread) ? fails(ESRCH) : 0;
}

/* What would block, fork, or differ from run to run. */
static const char *refused(long number)
{
    static const struct {
        long number;
        const char *name;
    } calls[] = {{SYS_fork, "fork"},
                 {SYS_vfork, "vfork"},
                 {SYS_clone, "clone"},
                 {SYS_clone3, "clone3"},
                 {SYS_execve, "execve"},
                 {SYS_execveat, "execveat"},
                 {SYS_exit, "exit"},
                 {SYS_pause, "pause"},
                 {SYS_select, "select"},
                 {SYS_pselect6, "pselect6"},
                 {SYS_poll, "poll"},
                 {SYS_ppoll, "ppoll"},
                 {SYS_epoll_wait, "epoll_wait"},
                 {SYS_epoll_pwait, "epoll_pwait"},
                 {SYS_wait4, "wait4"},
                 {SYS_waitid, "waitid"},
                 {SYS_rt_sigsuspend, "rt_sigsuspend"},
                 {SYS_rt_sigtimedwait, "rt_sigtimedwait"},
                 {SYS_flock, "flock"},
                 {SYS_semop, "semop"},
                 {SYS_semtimedop, "semtimedop"},
                 {SYS_msgrcv, "msgrcv"},
                 {SYS_msgsnd, "msgsnd"},
                 {SYS_accept, "accept"},
                 {SYS_accept4, "accept4"},
                 {SYS_connect, "connect"},
                 {SYS_recvfrom, "recvfrom"},
                 {SYS_recvmsg, "recvmsg"},
                 {SYS_rseq, "rseq"},
                 {SYS_set_robust_list, "set_robust_list"},
                 {449, "futex_waitv"}};

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (calls[i].number == number)
            return calls[i].name;
    return NULL;
}

/* All six arguments are taken, as the C library's own does: those that were not given are whatever
 * stands there. */
long syscall(long number, ...)
{
    const void *const pc = HERE;
    const char *name;
    va_list arguments;
    long of[6];

    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        of[i] = va_arg(arguments, long);
    va_end(arguments);
    if (weir__check_self < 0)
        return call_kernel(number, of);
    switch (number) {
    case SYS_futex:
        return futex((const uint32_t *)of[0], (int)of[1], (uint32_t)of[2],
                     (const struct timespec *)of[3], (uint32_t)of[5], pc);
    case SYS_gettid:
        return FIRST_TID + weir__check_self;
    case SYS_tkill:
        return signal_thread(of[0], of[1], pc);
    case SYS_tgkill:
        return of[0] == getpid() ? signal_thread(of[1], of[2], pc) : fails(ESRCH);
    case SYS_membarrier:
        return fails(ENOSYS); /* programs have another way, which can be checked */
    case SYS_exit_group:
        _exit((int)of[0]);
    case SYS_sched_yield:
        return 0;
    case SYS_getcpu:
        if (of[0] != 0)
            *(unsigned *)of[0] = 0;
        if (of[1] != 0)
            *(unsigned *)of[1] = 0;
        return 0;
    case SYS_clock_gettime:
        return clock_gettime((clockid_t)of[0], (struct timespec *)of[1]);
    case SYS_nanosleep:
        return nanosleep((const struct timespec *)of[0], (struct timespec *)of[1]);
    case SYS_clock_nanosleep: {
        const int error = clock_nanosleep((clockid_t)of[0], (int)of[1],
                                          (const struct timespec *)of[2], (struct timespec *)of[3]);

        return error == 0 ? 0 : fails(error);
    }
    default:
        name = refused(number);
        if (name != NULL)
            weir__check_unable(pc, "the system call %s cannot be checked", name);
        return call_kernel(number, of);
    }
}

pid_t gettid(void)
{
    return (pid_t)syscall(SYS_gettid);
}
