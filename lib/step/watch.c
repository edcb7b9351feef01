/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Who is stuck.
 *
 * Watchdog. An adversary that tries again counts its attempts; one that spins inside has got
 * nowhere when its own processor time has grown by SLICE_NS in each of SPINNING samples; one that
 * sleeps, when it was found asleep, its processor time grown by no more than NAP_NS, in SLEEPING
 * samples in a row: it may wake, look, and sleep again.
 * Both happen to an adversary whom nobody holds up: a host that takes a processor away from a
 * virtual machine goes on counting the time, and the kernel puts to sleep who fences all
 * processors. So it is stuck after ENDLESS times as long; but in a row that has been found to
 * block, at once. A victim that nothing holds up and that is stuck so long is cut off, and so is
 * an adversary after the victim has finished. Over the conductor itself, in setup and check, a
 * thread watches that does nothing else. */

#include "inside.h"

#ifdef WEIR__STEP_WORKS

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>

#define SLICE_NS 4000000
#define NAP_NS 200000
#define SPINNING 8
#define SLEEPING 4
#define ENDLESS 50 /* times as long: 1.6 s of processor time */
#define GONE 500   /* times as long: it cannot even be cut off */

bool weir__step_watch(weir__step_seat *s, pthread_t thread)
{
    char name[64];

    snprintf(name, sizeof name, "/proc/self/task/%d/stat", (int)s->tid);
    s->stat = open(name, O_RDONLY | O_CLOEXEC);
    return s->stat >= 0 && pthread_getcpuclockid(thread, &s->clock) == 0;
}

/* Waits up to SLICE_NS for the seat to leave the turns in which it runs. */
static bool runs_still(weir__step_seat *s)
{
    const struct timespec slice = {0, SLICE_NS};
    const uint32_t seen = weir__step_turn_of(s);

    if (seen == GO || seen == RESUMED)
        weir__step_futex(&s->turn, WAIT_PRIVATE, seen, &slice);
    return weir__step_turn_of(s) == GO || weir__step_turn_of(s) == RESUMED;
}

static uint64_t used_ns(const weir__step_seat *s)
{
    struct timespec t = {0, 0};

    weir__step_call3(SYS_clock_gettime, s->clock, &t, 0);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Returns: whether the kernel says that the thread waits for something. */
static bool asleep(const weir__step_seat *s)
{
    char stat[512];
    long at;

    /* lseek and read, since pread takes a fourth argument. */
    weir__step_call3(SYS_lseek, s->stat, NULL, SEEK_SET);
    at = weir__step_call3(SYS_read, s->stat, stat, (long)sizeof stat);
    if (at <= 0)
        return true; /* it has ended itself: pthread_exit(3) */
    while (at > 0 && stat[at - 1] != ')')
        at--;
    return stat[at + 1] != 'R';
}

static void watch_begin(weir__step_seat *s)
{
    s->mark_ns = used_ns(s);
    s->used_ns = s->mark_ns;
    s->spinning = 0;
    s->sleeping = 0;
}

/* Takes a sample. Returns: whether `s` has got nowhere `times` as long as raises a suspicion. */
static bool stuck(weir__step_seat *s, unsigned times)
{
    const uint64_t used = used_ns(s);

    s->sleeping = used - s->used_ns <= NAP_NS && asleep(s) ? s->sleeping + 1 : 0;
    s->used_ns = used;
    if (used - s->mark_ns >= SLICE_NS) {
        s->spinning++;
        s->mark_ns = used;
    }
    return s->spinning >= SPINNING * times || s->sleeping >= SLEEPING * times;
}

bool weir__step_adversaries_finish(bool suspect)
{
    for (unsigned i = 0; i < WEIR_STEP_ADVERSARIES; i++)
        watch_begin(&weir__step_stage.adversary[i]);
    for (;;) {
        bool all_done = true, all_stuck = true;

        for (unsigned i = 0; i < WEIR_STEP_ADVERSARIES; i++) {
            weir__step_seat *const s = &weir__step_stage.adversary[i];

            if (!s->asked || !runs_still(s))
                continue;
            all_done = false;
            if (!stuck(s, suspect ? 1 : ENDLESS))
                all_stuck = false;
        }
        if (all_done)
            return true;
        if (all_stuck)
            return false;
    }
}

void weir__step_finishes(weir__step_seat *s, const char *sentence)
{
    const weir_step_plan *const plan = weir__step_stage.plan;

    watch_begin(s);
    while (runs_still(s)) {
        if (!stuck(s, s->cut_off == NULL ? ENDLESS : GONE))
            continue;
        if (s->cut_off != NULL) {
            fprintf(stderr, "step: %s against %s: %s, and cannot be cut off\n", plan->operation,
                    plan->against, sentence);
            _exit(1);
        }
        s->cut_off = sentence;
        syscall(SYS_tgkill, getpid(), s->tid, SIGABRT);
    }
}

/* ---- the conductor itself ---- */

/* Watches over setup and check, for as long as the program lives, ten times a second: cuts off what
 * spins for two seconds of its processor time, or sleeps through twenty looks. Inline system calls
 * only: an int3 may be anywhere else. */
static void *keep(void *unused)
{
    const struct timespec tenth = {0, 100000000};
    weir__step_seat *const s = &weir__step_stage.conductor;
    unsigned runs = 0, sleeping = 0;
    uint64_t first = 0, last = 0;

    for (;;) {
        const uint64_t used = used_ns(s);
        /* relaxed: a hint. */
        const unsigned now = weir_atomic_load(&weir__step_stage.runs, WEIR_RELAXED);

        if (now != runs || weir__step_turn_of(s) != GO) {
            runs = now;
            first = used;
            sleeping = 0;
        }
        sleeping = used == last && asleep(s) ? sleeping + 1 : 0;
        last = used;
        if (weir__step_turn_of(s) == GO && (used - first > 2000000000 || sleeping > 20)) {
            s->cut_off = "setup or check does not end";
            weir__step_call3(SYS_tkill, s->tid, (const void *)(uintptr_t)SIGABRT, 0);
            first = used;
            sleeping = 0;
        }
        weir__step_call3(SYS_nanosleep, (long)(uintptr_t)&tenth, NULL, 0);
    }
    return unused;
}

void weir__step_start_keeper(void)
{
    pthread_t thread;

    if (!weir__step_watch(&weir__step_stage.conductor, pthread_self()) ||
        pthread_create(&thread, NULL, keep, NULL) != 0)
        fprintf(stderr, "step: nobody watches: a check that never ends will not be cut off\n");
}

#else

/* A translation unit is not empty. */
typedef int weir__step_no_watch;

#endif
