/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The engine behind step.h.
 *
 * How a run goes. The threads live as long as the program. The conductor (the
 * thread that called step_sweep) and the seats (the victim and the adversaries)
 * pass the turn to each other through one futex word a seat. All but the second
 * adversary are pinned to one processor: a turn is one context switch, and a
 * victim that sleeps takes nothing from an adversary that spins.
 *
 * Watchdog. Nothing depends on time going by: an adversary that tries again
 * counts its attempts; one that spins inside is stuck when its own processor time
 * has grown by SLICE_NS in each of SPINNING samples; one that sleeps, when it was
 * found asleep, its processor time unchanged, in SLEEPING samples in a row. */

#include "step_inside.h"

#include <stdio.h>
#include <stdlib.h>

static void skip(const char *title, const char *reason) __attribute__((noreturn));

static void skip(const char *title, const char *reason)
{
    printf("SKIP %s: %s\n", title, reason);
    fflush(stdout);
    exit(77);
}

#ifdef STEP_WORKS

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>

#define SLICE_NS 4000000
#define SPINNING 8
#define SLEEPING 4
#define SAMPLES 8 /* stops of a sweep that are followed by a second one, and to the end */
#define SHORT 32  /* instructions of an operation of which all stops are stepped to the end */
#define NEAR 24   /* instructions from a first stop to most second ones */
#define MISSES 5  /* runs that may go past their stop: a section that a preemption aborted */
#define HUNG 1000 /* samples after which nothing is expected to move any more */

/* For each place of the path: how often it had been there before, and the place, not after it, from
 * which it is best stepped to. */
static uint32_t visits[MAX_STEPS], step_from[MAX_STEPS];

/* ---- watchdog ---- */

/* Waits up to SLICE_NS for the seat to leave the turns in which it runs. */
static bool runs_still(step_seat *s)
{
    const struct timespec slice = {0, SLICE_NS};
    const uint32_t seen = step_turn_of(s);

    if (seen == GO || seen == RESUMED)
        step_futex(&s->turn, FUTEX_WAIT_PRIVATE, seen, &slice);
    return step_turn_of(s) == GO || step_turn_of(s) == RESUMED;
}

static uint64_t used_ns(const step_seat *s)
{
    struct timespec t = {0, 0};

    clock_gettime(s->clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Returns: whether the kernel says that the thread waits for something. */
static bool asleep(const step_seat *s)
{
    char name[64], stat[512];
    const char *after;
    ssize_t got;
    int fd;

    snprintf(name, sizeof name, "/proc/self/task/%d/stat", (int)s->tid);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    got = read(fd, stat, sizeof stat - 1);
    close(fd);
    stat[got > 0 ? got : 0] = '\0';
    after = strrchr(stat, ')');
    return after != NULL && after[1] == ' ' && after[2] == 'S';
}

static void watch_begin(step_seat *s)
{
    s->mark_ns = used_ns(s);
    s->used_ns = s->mark_ns;
    s->spinning = 0;
    s->sleeping = 0;
}

/* Takes a sample. Returns: whether `s` has got nowhere `times` as long as it takes
 * to call it stuck. */
static bool stuck(step_seat *s, unsigned times)
{
    const uint64_t used = used_ns(s);

    s->sleeping = used == s->used_ns && asleep(s) ? s->sleeping + 1 : 0;
    s->used_ns = used;
    if (used - s->mark_ns >= SLICE_NS) {
        s->spinning++;
        s->mark_ns = used;
    }
    return s->spinning >= SPINNING * times || s->sleeping >= SLEEPING * times;
}

/* Waits until the adversaries are done. Returns: false if all that are not are stuck. */
static bool adversaries_finish(void)
{
    for (unsigned i = 0; i < STEP_ADVERSARIES; i++)
        watch_begin(&step_stage.adversary[i]);
    for (;;) {
        bool all_done = true, all_stuck = true;

        for (unsigned i = 0; i < STEP_ADVERSARIES; i++) {
            step_seat *const s = &step_stage.adversary[i];

            if (!s->asked || !runs_still(s))
                continue;
            all_done = false;
            if (!stuck(s, 1))
                all_stuck = false;
        }
        if (all_done)
            return true;
        if (all_stuck)
            return false;
    }
}

/* Waits for a seat that nothing holds up any more. */
static void finishes(step_seat *s, const char *who)
{
    watch_begin(s);
    while (runs_still(s)) {
        if (!stuck(s, HUNG))
            continue;
        fprintf(stderr, "step: %s against %s: %s does not finish after the victim was let go\n",
                step_stage.plan->operation, step_stage.plan->against, who);
        _exit(1);
    }
}

/* ---- one run ---- */

/* What came of a run. */
typedef struct outcome {
    unsigned stops;
    const char *wrong, *blocked; /* the first sentence, or NULL */
    bool inside;                 /* blocked in a call */
} outcome;

static void go_plainly(void)
{
    memset(&step_go, 0, sizeof step_go);
    step_go.at_breakpoint = NEVER;
    step_go.stop_at = NEVER;
    step_go.stop_after = NEVER;
    step_go.after = NEVER;
    step_go.steps = NEVER;
}

/* Sends the adversaries on, while the victim stands still. Returns: whether they finished. */
static bool adversaries_act(void)
{
    for (unsigned i = 0; i < STEP_ADVERSARIES; i++) {
        step_seat *const s = &step_stage.adversary[i];

        s->act = step_stage.plan->adversary[i];
        if (s->act != NULL && step_turn_of(s) == IDLE) {
            s->asked = true;
            step_give_turn(s, GO);
        }
    }
    if (adversaries_finish())
        return true;
    /* relaxed: the turns order it. */
    weir_atomic_store(&step_stage.blocked, "an adversary waits inside its operation", WEIR_RELAXED);
    return false;
}

/* Does what `go` says; `stop` is where the victim is to be met, or 0. */
static outcome run(uintptr_t stop)
{
    const step_plan *const plan = step_stage.plan;
    outcome result = {0, NULL, NULL, false};

    plan->setup(step_stage.state);
    /* relaxed: the turns order it. */
    weir_atomic_store(&step_stage.wrong, NULL, WEIR_RELAXED);
    weir_atomic_store(&step_stage.blocked, NULL, WEIR_RELAXED);
    step_go.step_at_once =
        stop == 0 || !step_break_at(stop, step_go.forced ? STEP_UNDEFINED : STEP_INT3);
    if (step_go.step_at_once)
        step_go.at_breakpoint = NEVER;
    step_stage.victim.act = plan->victim;
    step_give_turn(&step_stage.victim, GO);
    finishes(&step_stage.victim, "the victim");
    while (step_turn_of(&step_stage.victim) == STOPPED) {
        result.stops++;
        if (!adversaries_act())
            result.inside = true;
        step_give_turn(&step_stage.victim, RESUMED);
        finishes(&step_stage.victim, "the victim");
    }
    step_clear_breakpoints();
    for (unsigned i = 0; i < STEP_ADVERSARIES; i++) {
        if (step_stage.adversary[i].asked)
            finishes(&step_stage.adversary[i], "an adversary");
        step_stage.adversary[i].asked = false;
    }
    plan->check(step_stage.state);
    if (step_go.broken != NULL) {
        fprintf(stderr, "step: %s against %s: %s\n", plan->operation, plan->against,
                step_go.broken);
        _exit(1);
    }
    /* relaxed: the turns order it. */
    result.wrong = weir_atomic_load(&step_stage.wrong, WEIR_RELAXED);
    result.blocked = weir_atomic_load(&step_stage.blocked, WEIR_RELAXED);
    return result;
}

/* Finds for each place of the path the cheaper way to it: an int3 there, which costs two
 * traps each time that it is passed too early; or a trap more than for the place before.
 * (An int3 that is passed has its instruction stepped; one that arms a section cannot be.) */
static void plan_steps(uint32_t steps)
{
    uint32_t cost = 0;

    for (uint32_t i = 0; i < steps; i++) {
        visits[i] = 0;
        for (uint32_t j = 0; j < i; j++)
            visits[i] += step_path[j] == step_path[i];
        cost++;
        step_from[i] = i == 0 ? 0 : step_from[i - 1];
        if (2 * visits[i] < cost &&
            (visits[i] == 0 || step_section_armed_at(step_path[i]) == NULL)) {
            cost = 2 * visits[i];
            step_from[i] = i;
        }
    }
}

/* Follows the undisturbed operation. Returns: its instructions. */
static uint32_t run_alone(outcome *result)
{
    uint32_t steps;

    go_plainly();
    step_go.write_path = true;
    step_go.step_to_end = true;
    *result = run(0);
    steps = step_go.counted ? step_go.steps : 0;
    plan_steps(steps);
    return steps;
}

/* Stops the victim after `step` instructions, and again after `then` more. */
static outcome run_to(uint32_t step, uint32_t then, bool count)
{
    const uint32_t from = step_from[step];

    go_plainly();
    step_go.stop_at = step;
    step_go.stop_after = then;
    step_go.step_to_end = count && step_stage.plan->bound != 0;
    step_go.at_breakpoint = from;
    step_go.passes = visits[from];
    return run(from == 0 ? 0 : step_path[from]);
}

/* Makes instruction number `step` of a restartable sequence abort. */
static outcome run_to_abort(const known_section *s, unsigned step)
{
    go_plainly();
    step_go.forced = true;
    return run(s->step[step]);
}

/* Adds the outcome to the row. Returns: whether all was well. */
static bool tally(step_row *row, const outcome *result)
{
    if (step_go.counted && step_go.steps != NEVER && step_go.steps > row->most)
        row->most = step_go.steps;
    row->wrong += result->wrong != NULL;
    row->blocked += result->blocked != NULL;
    row->inside += result->inside;
    if (result->wrong == NULL && result->blocked == NULL)
        return true;
    if (row->sentence == NULL) {
        row->sentence = result->wrong != NULL ? result->wrong : result->blocked;
        row->after = step_go.after;
        row->pc = step_go.pc;
    }
    return false;
}

/* ---- the table ---- */

static const char *table;
static unsigned all_stops, all_aborts, all_rows, bad_rows;
static unsigned sweeps, thin = 1;

static void start_thread(step_seat *s, void *(*body)(void *), size_t cpu)
{
    pthread_t thread;

    s->cpu = cpu;
    /* relaxed: the thread is not there yet. */
    weir_atomic_store(&s->turn, GO, WEIR_RELAXED);
    if (pthread_create(&thread, NULL, body, s) != 0 ||
        pthread_getcpuclockid(thread, &s->clock) != 0) {
        fprintf(stderr, "step: a thread could not be created\n");
        exit(1);
    }
    step_await_turn(s, IDLE);
}

/* One processor for all, and another, if there is one, for the second adversary. */
static void start_threads(void)
{
    const int current = sched_getcpu();
    const size_t here = current < 0 ? 0 : (size_t)current;
    size_t other = here;
    cpu_set_t allowed;

    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (cpu != here && CPU_ISSET(cpu, &allowed))
                other = cpu;
        }
    }
    step_pin(here);
    step_hurry();
    start_thread(&step_stage.victim, step_victim_main, here);
    for (unsigned i = 0; i < STEP_ADVERSARIES; i++)
        start_thread(&step_stage.adversary[i], step_adversary_main, i == 0 ? here : other);
}

/* Where the kernel's own code is that runs in the program (the clock's), which is stepped over:
 * it begins anew when the time is just being written, and is then no longer the same path. */
static void find_kernel_text(void)
{
    const uintptr_t base = getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr *const header = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *segment;

    if (base == 0)
        return;
    segment = (const Elf64_Phdr *)(base + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++)
        if (segment[i].p_type == PT_LOAD && segment[i].p_offset == 0) {
            step_kernel_text = base;
            step_kernel_bytes = segment[i].p_memsz;
        }
}

static void nothing(void *state)
{
    (void)state;
}

void step_begin(const char *title)
{
    static const step_plan probe = {"probe",      "nobody", nothing, nothing,
                                    {NULL, NULL}, nothing,  0,       false};
    const char *const preload = getenv("LD_PRELOAD");
    struct sigaction action;
    outcome result;

    if (preload != NULL && (strstr(preload, "valgrind") != NULL || strstr(preload, "vgpreload")))
        skip(title, "valgrind does not run single instructions");
    table = title;
    step_text = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = step_on_trap;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGTRAP, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    find_kernel_text();
    start_threads();
    step_stage.plan = &probe;
    if (run_alone(&result) == 0)
        skip(title, "no trap comes after a single instruction here");
    printf("%s: each operation stopped after each of its instructions\n", title);
    printf("%-30s %-34s %6s %6s %6s %7s %5s  %s\n", "operation", "against", "stops", "again",
           "aborts", "blocked", "false", "own steps");
    fflush(stdout);
}

void step_thin(unsigned each)
{
    thin = each;
}

/* Returns: whether the later stop at an instruction is left out of this sweep. */
static bool thinned(uint32_t step)
{
    return visits[step] >= STEP_PASSES && (visits[step] + sweeps) % thin != 0;
}

void step_sweep(const step_plan *plan, void *state, step_row *row)
{
    static uint32_t distance;
    bool sampled = false;
    outcome result;
    uint32_t steps;

    step_stage.plan = plan;
    step_stage.state = state;
    if (row->plan == NULL)
        row->plan = plan;
    row->sweeps++;
    sweeps++;
    /* Once at full speed: what happens only the first time (symbols that are bound,
     * calibration) is no part of the operation. */
    go_plainly();
    result = run((uintptr_t)step_returned_);
    tally(row, &result);
    steps = run_alone(&result);
    tally(row, &result);
    if (steps > row->alone)
        row->alone = steps;
    for (uint32_t step = 0; step < steps; step++) {
        unsigned tries = 0;

        sampled = sampled || (step + row->sweeps) % (1 + steps / SAMPLES) == 0;
        if (thinned(step))
            continue;
        do
            result = run_to(step, NEVER, steps <= SHORT);
        while (result.stops == 0 && ++tries < MISSES);
        row->missed += result.stops == 0;
        row->stops += result.stops;
        if (!tally(row, &result) || !sampled)
            continue;
        sampled = false;
        /* Once more, and stopped a second time on the way that the first stop has
         * opened; how far along it, changes from step to step and sweep to sweep. */
        distance = distance * 1664525 + 1013904223;
        result = run_to(step, 1 + (distance >> 16) % ((distance >> 8) % 4 == 0 ? steps + 8 : NEAR),
                        true);
        row->again += result.stops > 1;
        tally(row, &result);
    }
    for (unsigned i = 0; i < step_knowns; i++) {
        for (unsigned step = 0; step < step_known[i].steps; step++) {
            result = run_to_abort(&step_known[i], step);
            row->aborts += result.stops;
            tally(row, &result);
        }
    }
    step_knowns = 0;
}

/* Prints what the first of the tools says about `pc`, indented; quietly nothing
 * where it is not installed. */
static void ask(const char *format, const char *file, unsigned long at)
{
    char command[512], line[256];
    FILE *answer;

    snprintf(command, sizeof command, format, file, at, at + 16);
    answer = popen(command, "r");
    if (answer == NULL)
        return;
    if (fgets(line, sizeof line, answer) != NULL)
        printf("      %s%s", line + strspn(line, " \t"), strchr(line, '\n') != NULL ? "" : "\n");
    pclose(answer);
}

static void print_place(uintptr_t pc)
{
    unsigned long at = pc;
    char file[512];
    Dl_info object, own;

    printf("      %#lx\n", at);
    fflush(stdout);
    if (dladdr((void *)pc, &object) == 0 || object.dli_fbase == NULL ||
        dladdr((void *)(uintptr_t)step_begin, &own) == 0)
        return;
    if (object.dli_fbase == own.dli_fbase)
        snprintf(file, sizeof file, "/proc/%ld/exe", (long)getpid());
    else
        snprintf(file, sizeof file, "%s", object.dli_fname);
    if (((const Elf64_Ehdr *)object.dli_fbase)->e_type == ET_DYN)
        at -= (unsigned long)(uintptr_t)object.dli_fbase;
    ask("addr2line -s -f -p -e '%s' %#lx 2>/dev/null", file, at);
    ask("objdump -d --no-show-raw-insn '%s' --start-address=%#lx --stop-address=%#lx 2>/dev/null"
        " | sed -n '/^ .*:\t/{p;q;}'",
        file, at);
}

static void print_row(const step_row *row, bool places)
{
    char steps[64];

    if (row->plan->bound != 0)
        snprintf(steps, sizeof steps, "%u alone, %u at most, bound %u", row->alone, row->most,
                 row->plan->bound);
    else
        snprintf(steps, sizeof steps, "%u alone", row->alone);
    printf("%-30s %-34s %6u %6u %6u %7u %5u  %s\n", row->plan->operation, row->plan->against,
           row->stops, row->again, row->aborts, row->blocked, row->wrong, steps);
    if (row->sentence != NULL) {
        printf("    first: %s", row->sentence);
        if (row->pc != 0 && row->after != NEVER)
            printf("; the victim stood after %u instructions", row->after);
        else if (row->pc != 0)
            printf("; a restartable sequence of the victim was aborted");
        printf("\n");
        if (row->pc != 0 && places)
            print_place(row->pc);
    }
    if (row->missed != 0)
        printf("    missed: %u stops, at instructions that the operation does not always reach\n",
               row->missed);
    fflush(stdout);
    all_stops += row->stops + row->again;
    all_aborts += row->aborts;
    all_rows++;
}

void step_print(const step_row *row)
{
    print_row(row, true);
}

void step_report(const step_row *row)
{
    /* What earlier runs have left (memory, a thread's lists) may lead a run past an instruction. */
    const bool bad = row->stops == 0 || row->missed * 100 > row->stops || row->wrong != 0 ||
                     row->inside != 0 || (row->blocked != 0 && !row->plan->may_refuse) ||
                     (row->plan->bound != 0 && row->most > row->plan->bound);

    print_row(row, bad);
    if (bad) {
        bad_rows++;
        printf("    FAILED\n");
    }
}

int step_end(void)
{
    printf("%s %s: %u rows, %u stops, %u forced aborts, %u rows failed\n",
           bad_rows == 0 ? "OK" : "FAILED", table, all_rows, all_stops, all_aborts, bad_rows);
    return bad_rows == 0 && fflush(stdout) == 0 ? 0 : 1;
}

void step_false(const char *sentence)
{
    const char *none = NULL;

    /* relaxed: a constant string; the turns order it before the conductor reads. */
    weir_atomic_cas(&step_stage.wrong, &none, sentence, WEIR_RELAXED, WEIR_RELAXED);
}

bool step_retry(const char *sentence)
{
    if (step_self == NULL || step_self->tries++ < STEP_TRIES)
        return true;
    /* relaxed: as in step_false(). */
    weir_atomic_store(&step_stage.blocked, sentence, WEIR_RELAXED);
    return false;
}

#else

void step_begin(const char *title)
{
#ifdef STEP_SANITIZED
    skip(title, "a sanitizer does not run single instructions");
#else
    skip(title, "single instructions are stopped on x86-64 Linux only");
#endif
}

void step_thin(unsigned each)
{
    (void)each;
}

void step_sweep(const step_plan *plan, void *state, step_row *row)
{
    (void)plan;
    (void)state;
    (void)row;
}

void step_report(const step_row *row)
{
    (void)row;
}

void step_print(const step_row *row)
{
    (void)row;
}

int step_end(void)
{
    return 1;
}

void step_false(const char *sentence)
{
    (void)sentence;
}

bool step_retry(const char *sentence)
{
    (void)sentence;
    return false;
}

#endif
