/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/step/inside.h: what the parts of the step harness share: step.c, the conductor, which
 * plans the runs; seat.c, the threads that it conducts; watch.c, which sees who is stuck;
 * cost.c, which reads instructions; table.c, which prints. Edges: weir/step.h. */

#ifndef WEIR_STEP_INSIDE_H
#define WEIR_STEP_INSIDE_H

#include <weir/step.h>

#if defined(__x86_64__) && defined(__linux__) && !defined(__ILP32__)
#define WEIR__STEP_WORKS 1

#include <weir/atomic.h>

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Linux's numbers; <linux/futex.h> is not everywhere. */
enum { WAIT_PRIVATE = 0 | 128, WAKE_PRIVATE = 1 | 128 };

#define MAX_STEPS 65536
#define MAX_SECTIONS 64
#define MAX_SECTION_STEPS 64

/* ---- turns ---- */

enum { IDLE, GO, STOPPED, RESUMED };

typedef struct weir__step_seat {
    WEIR_ATOMIC(uint32_t) turn;
    void (*act)(void *state);
    unsigned tries;
    bool asked;          /* in this run */
    sigjmp_buf back;     /* where a crash while it acts leads to */
    const char *cut_off; /* why a SIGABRT is coming; or NULL */
    const char *name;    /* "the victim" */
    size_t cpu;
    pid_t tid;
    clockid_t clock;
    int stat;         /* /proc/self/task/TID/stat */
    uint64_t mark_ns; /* processor time when it was last found to have spun */
    uint64_t used_ns; /* at the last sample */
    unsigned spinning, sleeping;
} weir__step_seat;

typedef struct stage {
    const weir_step_plan *plan;
    void *state;
    WEIR_ATOMIC(const char *) wrong;   /* the run's first sentence, or NULL */
    WEIR_ATOMIC(const char *) blocked; /* likewise */
    WEIR_ATOMIC(const char *) cut;     /* likewise: who crashed, or did not end */
    uintptr_t crashed;                 /* where, if it is so */
    WEIR_ATOMIC(unsigned) runs;        /* of setup and check, for the keeper */
    weir__step_seat conductor;         /* in setup and check; it does not wait for turns */
    weir__step_seat victim;
    weir__step_seat adversary[WEIR_STEP_ADVERSARIES];
} stage;

extern stage weir__step_stage;

/* NULL: no thread of the harness. Initial-exec: on_trap() reads it while int3 may still be in
 * __tls_get_addr(), which a shared object would call. */
extern _Thread_local weir__step_seat *weir__step_self __attribute__((tls_model("initial-exec")));

/* Inline, so that no thread of the harness stands in code that the victim may run
 * and that may hold an int3. */
static inline long weir__step_futex(WEIR_ATOMIC(uint32_t) * word, int operation, uint32_t value,
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

/* clock_gettime(2), open(2) and read(2), for the conductor: it must not stand at an int3 while it
 * is to see that the victim, for whom it is, sleeps. */
static inline long weir__step_call3(long number, long a, const void *b, long c)
{
    long result;

    __asm__ __volatile__("syscall"
                         : "=a"(result)
                         : "a"(number), "D"(a), "S"(b), "d"(c)
                         : "rcx", "r11", "memory");
    return result;
}

static inline uint32_t weir__step_turn_of(weir__step_seat *s)
{
    /* sync(turn): acquire. Pairs with the store in weir__step_give_turn(); carries all that the
     * thread which gave the turn did before. */
    return weir_atomic_load(&s->turn, WEIR_ACQUIRE);
}

static inline void weir__step_give_turn(weir__step_seat *s, uint32_t turn)
{
    /* sync(turn): release. Pairs with the load in weir__step_turn_of(). */
    weir_atomic_store(&s->turn, turn, WEIR_RELEASE);
    weir__step_futex(&s->turn, WAKE_PRIVATE, 1, NULL);
}

static inline void weir__step_await_turn(weir__step_seat *s, uint32_t turn)
{
    uint32_t seen;

    while ((seen = weir__step_turn_of(s)) != turn)
        weir__step_futex(&s->turn, WAIT_PRIVATE, seen, NULL);
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
extern known_section weir__step_known[MAX_SECTIONS];
extern unsigned weir__step_knowns;

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

    uint32_t steps;   /* own instructions so far; valid while stepping */
    uint32_t repeats; /* of these, repetitions of a string instruction */
    uint32_t inside;  /* instructions of restartable sequences, which are one trap */
    bool counted;     /* stepped to the end, so that `steps` is the whole */
    uintptr_t last;   /* where the last instruction stood */
    uint32_t after;   /* own instructions before the last stop, or NEVER */
    uintptr_t pc;     /* of the last stop */
    known_section *learning;
    const char *broken; /* the harness could not follow */
} orders;

extern orders weir__step_go;

/* Code that the kernel has put into the program. */
extern uintptr_t weir__step_kernel_text;
extern size_t weir__step_kernel_bytes;

/* The path of the undisturbed run. */
extern uintptr_t weir__step_path[MAX_STEPS];

/* ---- seat.c ---- */

/* Opens /proc/self/mem, which writes where the program may not. Where it cannot, stops are reached
 * step by step, which is slow. */
void weir__step_open_text(void);

/* Uses the descriptor no more if the program has closed it: its number may be another file's. */
void weir__step_keep_text(void);

extern const char weir__step_returned_[] __attribute__((visibility("hidden")));

#define WEIR__STEP_INT3 0xcc      /* SIGTRAP, the program counter behind it */
#define WEIR__STEP_UNDEFINED 0xd6 /* SIGILL, the program counter at it */

/* Puts one of these at `address`. Returns: false if the text cannot be written. */
bool weir__step_break_at(uintptr_t address, unsigned char code);
void weir__step_clear_breakpoints(void);

/* The section that the instruction at `pc` arms, or NULL. */
known_section *weir__step_section_armed_at(uintptr_t pc);

void weir__step_pin(size_t cpu);

/* Asks for short slices of time: threads that mostly wait for each other then get their
 * turn soon on a loaded machine too. Linux 6.12; elsewhere no harm. */
void weir__step_hurry(void);

/* Calls act(state) as the calling thread's seat. Returns: false if it crashed or was cut off,
 * which is then in weir__step_stage.cut. */
bool weir__step_act(weir__step_seat *seat, void (*act)(void *state), uint64_t flags);

/* Sets up the signals: for the program; and for the calling thread, the stack of those that
 * report a crash. */
void weir__step_catch(void);
void weir__step_catch_here(weir__step_seat *seat);

void *weir__step_main(void *seat);

/* ---- watch.c ---- */

/* Before a seat can be watched. Returns: false without /proc. */
bool weir__step_watch(weir__step_seat *seat, pthread_t thread);

/* Waits until the adversaries are done. Returns: false if all that are not are stuck; `suspect`:
 * at the first suspicion. */
bool weir__step_adversaries_finish(bool suspect);

/* Waits for a seat that nothing holds up any more, and cuts it off if it does not end. */
void weir__step_finishes(weir__step_seat *seat, const char *sentence);

/* Starts the thread that watches over setup and check. */
void weir__step_start_keeper(void);

/* ---- cost.c ---- */

/* Adds the instruction at `pc`. */
void weir__step_add_cost(weir_step_cost *cost, uintptr_t pc);

#endif /* WEIR__STEP_WORKS */

/* ---- step.c ---- */

/* Returns: why single instructions cannot be stopped here; NULL: they can. */
const char *weir__step_start(void);

/* Whether sweeps are made: between begin and end, where it can be done. */
extern bool weir__step_begun;

#endif /* WEIR_STEP_INSIDE_H */
