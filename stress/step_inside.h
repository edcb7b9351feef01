/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step_inside.h: what the two halves of the step harness share: step.c, the
 * conductor, which plans the runs, and step_seat.c, the threads that it conducts. */

#ifndef WEIR_STRESS_STEP_INSIDE_H
#define WEIR_STRESS_STEP_INSIDE_H

#include "step.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define STEP_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) || \
    __has_feature(memory_sanitizer)
#define STEP_SANITIZED 1
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(__ILP32__) && !defined(STEP_SANITIZED)
#define STEP_WORKS 1

#include <weir/atomic.h>

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_STEPS 65536
#define MAX_SECTIONS 64
#define MAX_SECTION_STEPS 64

/* ---- turns ---- */

enum { IDLE, GO, STOPPED, RESUMED };

typedef struct step_seat {
    WEIR_ATOMIC(uint32_t) turn;
    void (*act)(void *state);
    unsigned tries;
    bool asked; /* in this run */
    size_t cpu;
    pid_t tid;
    clockid_t clock;
    uint64_t mark_ns; /* processor time when it was last found to have spun */
    uint64_t used_ns; /* at the last sample */
    unsigned spinning, sleeping;
} step_seat;

typedef struct stage {
    const step_plan *plan;
    void *state;
    WEIR_ATOMIC(const char *) wrong;   /* the run's first sentence, or NULL */
    WEIR_ATOMIC(const char *) blocked; /* likewise */
    step_seat victim;
    step_seat adversary[STEP_ADVERSARIES];
} stage;

extern stage step_stage;

extern _Thread_local step_seat *step_self; /* NULL in the conductor */

/* Inline, so that no thread of the harness stands in code that the victim may run
 * and that may hold an int3. */
static inline long step_futex(WEIR_ATOMIC(uint32_t) * word, int operation, uint32_t value,
                              const struct timespec *timeout)
{
    register const struct timespec *r10 __asm__("r10") = timeout;
    long result;

    __asm__ __volatile__("syscall"
                         : "=a"(result)
                         : "a"((long)SYS_futex), "D"(word), "S"((long)operation), "d"((long)value),
                           "r"(r10)
                         : "rcx", "r11", "memory");
    return result;
}

static inline uint32_t step_turn_of(step_seat *s)
{
    /* sync(turn): acquire. Pairs with the store in step_give_turn(); carries all that the
     * thread which gave the turn did before. */
    return weir_atomic_load(&s->turn, WEIR_ACQUIRE);
}

static inline void step_give_turn(step_seat *s, uint32_t turn)
{
    /* sync(turn): release. Pairs with the load in step_turn_of(). */
    weir_atomic_store(&s->turn, turn, WEIR_RELEASE);
    step_futex(&s->turn, FUTEX_WAKE_PRIVATE, 1, NULL);
}

static inline void step_await_turn(step_seat *s, uint32_t turn)
{
    uint32_t seen;

    while ((seen = step_turn_of(s)) != turn)
        step_futex(&s->turn, FUTEX_WAIT_PRIVATE, seen, NULL);
}

/* ---- the code that is watched ---- */

/* What the kernel's struct rseq_cs holds. */
typedef struct section {
    uint32_t version, flags;
    uint64_t start, length, abort;
} section;

typedef struct known_section {
    const section *section;
    uintptr_t arming; /* the store that arms it */
    uintptr_t exit;   /* where it was left: behind its commit, or by a jump */
    unsigned steps;
    uintptr_t step[MAX_SECTION_STEPS];
} known_section;

/* Those that the victim of the current sweep went through. */
extern known_section step_known[MAX_SECTIONS];
extern unsigned step_knowns;

#define NEVER UINT32_MAX

/* What the victim is to do in this run, and what has become of it. Written by the
 * conductor and by the victim in turn. */
typedef struct orders {
    bool step_at_once; /* else at full speed, up to the breakpoint */
    bool write_path;
    bool step_to_end;
    bool forced;            /* the breakpoint makes a section abort */
    uint32_t at_breakpoint; /* own instructions before the breakpoint, or NEVER */
    uint32_t passes;        /* how often the breakpoint is passed before */
    uintptr_t passing;      /* its address, while the instruction under it runs */
    uint32_t stop_at;
    uint32_t stop_after; /* own instructions between the first stop and the second, or NEVER */

    uint32_t steps; /* own instructions so far; valid while stepping */
    bool counted;   /* stepped to the end, so that `steps` is the whole */
    uintptr_t last; /* where the last instruction stood */
    uint32_t after; /* own instructions before the last stop, or NEVER */
    uintptr_t pc;   /* of the last stop */
    known_section *learning;
    const char *broken; /* the harness could not follow */
} orders;

extern orders step_go;

/* Code that the kernel has put into the program. */
extern uintptr_t step_kernel_text;
extern size_t step_kernel_bytes;

/* The path of the undisturbed run. */
extern uintptr_t step_path[MAX_STEPS];

/* ---- step_seat.c ---- */

extern int step_text; /* /proc/self/mem, which writes where the program may not */
extern const char step_returned_[] __attribute__((visibility("hidden")));

#define STEP_INT3 0xcc      /* SIGTRAP, the program counter behind it */
#define STEP_UNDEFINED 0xd6 /* SIGILL, the program counter at it */

/* Puts one of these at `address`. Returns: false if the text cannot be written. */
bool step_break_at(uintptr_t address, unsigned char code);
void step_clear_breakpoints(void);

/* The section that the instruction at `pc` arms, or NULL. */
known_section *step_section_armed_at(uintptr_t pc);

void step_pin(size_t cpu);

/* Asks for short slices of time: threads that mostly wait for each other then get their
 * turn soon on a loaded machine too. Linux 6.12; elsewhere no harm. */
void step_hurry(void);

void *step_victim_main(void *seat);
void *step_adversary_main(void *seat);
void step_on_trap(int signal, siginfo_t *info, void *context);

#endif /* STEP_WORKS */

#endif /* WEIR_STRESS_STEP_INSIDE_H */
