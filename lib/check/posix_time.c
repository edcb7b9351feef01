/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/posix_time.c: clocks and sleeps. Each thread has a time of its own, which begins at
 * START in each run, and is the same whenever the thread has seen the same:
 *
 *   - It stands still while the thread computes.
 *   - A sleep, or a wait that times out, moves it on to when that ends, and takes no time.
 *   - It is never before the time of another thread at a point that happens before this one.
 *   - Who looks at it again and again waits for it to pass: after LOOKS looks at one and the same
 *     time the next one finds it a millisecond later, the next a second, then a
 *     thousand, and so on. So a loop that polls until a deadline ends after a few rounds, and a
 *     loop that has no deadline goes round for nothing in the end.
 *
 * The other clocks follow from the monotonic one: the date is DATE later, the processor time begins
 * with the run. */

#include "posix.h"

#include <sys/time.h>
#include <threads.h>

#define SECOND UINT64_C(1000000000)
#define START (1000 * SECOND)
#define DATE (1700000000 * SECOND)
#define LOOKS 8
#define TOO_MANY 1000000

/* From before the thread's event `epoch` on. */
typedef struct moment {
    uint64_t ns;
    unsigned epoch;
} moment;

typedef struct timeline {
    moment *at; /* in order */
    unsigned count, room;
    uint64_t seen;  /* at the last look; and */
    unsigned looks; /* how many have found it */
    uint64_t step;
} timeline;

static STATE timeline lines[THREADS] = {{.at = NULL}};

void weir__time_begin(void)
{
    for (int t = 0; t < THREADS; t++) {
        lines[t].count = 0;
        lines[t].seen = 0;
        lines[t].looks = 0;
    }
}

/* The time of `thread` at the point of the calling thread. */
static uint64_t known_time(int thread)
{
    const timeline *const l = &lines[thread];
    unsigned i = l->count;

    if (i == 0)
        return START;
    if (thread != weir__check_self) {
        const unsigned known = weir__check_clock(weir__check_self)->of[thread];

        while (i > 0 && l->at[i - 1].epoch > known)
            i--;
    }
    return i == 0 ? START : l->at[i - 1].ns;
}

uint64_t weir__time_now(void)
{
    uint64_t now = START;

    for (int t = 0; t < THREADS; t++) {
        const uint64_t then = known_time(t);

        now = then > now ? then : now;
    }
    return now;
}

void weir__time_reach(uint64_t ns)
{
    timeline *const l = &lines[weir__check_self];
    const unsigned epoch = weir__check_epoch(weir__check_self);

    if (ns <= weir__time_now())
        return;
    if (l->count == 0 || l->at[l->count - 1].epoch != epoch) {
        if (l->count == l->room) {
            l->room = l->room == 0 ? 16 : 2 * l->room;
            l->at = (moment *)weir__check_heap(l->at, l->room * sizeof *l->at);
        }
        l->count++;
    }
    l->at[l->count - 1].ns = ns;
    l->at[l->count - 1].epoch = epoch;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

/* What a clock shows. */
static uint64_t look(const void *pc)
{
    timeline *const l = &lines[weir__check_self];
    uint64_t now = weir__time_now();

    if (now != l->seen) {
        l->looks = 0;
        l->step = SECOND / 1000;
    } else if (l->looks++ >= LOOKS) {
        weir__time_reach(plus(now, l->step));
        l->step = l->step > UINT64_MAX / 1000 ? UINT64_MAX : 1000 * l->step;
        now = weir__time_now();
    }
    /* At the end of time nothing changes any more. */
    if (now != UINT64_MAX || l->seen != now)
        weir__check_wrote();
    else if (l->looks > TOO_MANY)
        weir__check_bug(WEIR_CHECK_SPIN, pc, NULL, "thread %d looks at the clock for ever, at %s",
                        weir__check_self, weir__check_place(pc));
    l->seen = now;
    return now;
}

/* ---- units ---- */

static bool is_date(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

static bool is_clock(clockid_t clock)
{
    return is_date(clock) || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
           clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
}

/* Returns: false if it is no time. */
static bool span_of(const struct timespec *time, uint64_t *ns, const void *pc)
{
    weir__memory_plain(time, sizeof *time, false, pc);
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= (long)SECOND)
        return false;
    if (__builtin_mul_overflow((uint64_t)time->tv_sec, SECOND, ns))
        *ns = UINT64_MAX;
    *ns = plus(*ns, (uint64_t)time->tv_nsec);
    return true;
}

bool weir__time_of(const struct timespec *time, clockid_t clock, uint64_t *ns, const void *pc)
{
    if (!is_clock(clock) || !span_of(time, ns, pc))
        return false;
    if (is_date(clock) && *ns != UINT64_MAX)
        *ns = *ns > DATE ? *ns - DATE : 0;
    return true;
}

static void put(struct timespec *time, uint64_t ns, const void *pc)
{
    weir__memory_plain(time, sizeof *time, true, pc);
    time->tv_sec = (time_t)(ns / SECOND);
    time->tv_nsec = (long)(ns % SECOND);
}

/* ---- clocks ---- */

static int show(clockid_t clock, struct timespec *time, const void *pc)
{
    uint64_t now;

    if (!is_clock(clock) && clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID) {
        errno = EINVAL;
        return -1;
    }
    now = look(pc);
    put(time, is_date(clock) ? plus(now, DATE) : is_clock(clock) ? now : now - START, pc);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    PASS(clock_gettime, clock, time);
    return show(clock, time, HERE);
}

int timespec_get(struct timespec *time, int base)
{
    PASS(timespec_get, time, base);
    return base == TIME_UTC && show(CLOCK_REALTIME, time, HERE) == 0 ? base : 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    uint64_t now;

    PASS(gettimeofday, time, zone);
    now = plus(look(HERE), DATE);
    weir__memory_plain(time, sizeof *time, true, HERE);
    time->tv_sec = (time_t)(now / SECOND);
    time->tv_usec = (suseconds_t)(now % SECOND / 1000);
    return 0;
}

time_t time(time_t *at)
{
    time_t now;

    PASS(time, at);
    now = (time_t)(plus(look(HERE), DATE) / SECOND);
    if (at != NULL) {
        weir__memory_plain(at, sizeof *at, true, HERE);
        *at = now;
    }
    return now;
}

clock_t clock(void)
{
    static STATE clock_t (*real)(void) = NULL;

    if (weir__check_self >= 0)
        return (clock_t)((look(HERE) - START) / 1000);
    if (real == NULL)
        real = __extension__(clock_t(*)(void)) weir__check_real("clock");
    return real();
}

/* ---- sleeps ---- */

static void sleep_for(uint64_t ns)
{
    weir__time_reach(plus(weir__time_now(), ns));
}

/* Returns: 0, or an error. */
static int sleep_until(clockid_t clock, bool absolute, const struct timespec *time, const void *pc)
{
    uint64_t ns;

    if (!is_clock(clock) ||
        !(absolute ? weir__time_of(time, clock, &ns, pc) : span_of(time, &ns, pc)))
        return EINVAL;
    if (absolute)
        weir__time_reach(ns);
    else
        sleep_for(ns);
    return 0;
}

int nanosleep(const struct timespec *time, struct timespec *rest)
{
    PASS(nanosleep, time, rest);
    errno = sleep_until(CLOCK_MONOTONIC, false, time, HERE);
    return errno == 0 ? 0 : -1;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *rest)
{
    PASS(clock_nanosleep, clock, flags, time, rest);
    return sleep_until(clock, (flags & TIMER_ABSTIME) != 0, time, HERE);
}

int usleep(useconds_t us)
{
    PASS(usleep, us);
    sleep_for((uint64_t)us * 1000);
    return 0;
}

unsigned sleep(unsigned seconds)
{
    PASS(sleep, seconds);
    sleep_for(seconds * SECOND);
    return 0;
}

int thrd_sleep(const struct timespec *time, struct timespec *rest)
{
    PASS(thrd_sleep, time, rest);
    return sleep_until(CLOCK_MONOTONIC, false, time, HERE) == 0 ? 0 : -2;
}
