/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The conductor: plans the runs of a sweep.
 *
 * How a run goes. The threads live as long as the program. The conductor (the
 * thread that called weir_step_sweep) and the seats (the victim and the adversaries)
 * pass the turn to each other through one futex word a seat. All but the second
 * adversary are pinned to one processor: a turn is one context switch, and a
 * victim that sleeps takes nothing from an adversary that spins.
 */

#include "inside.h"

#include <stdio.h>

bool weir__step_begun;

/* Counts a sweep of the plan; the first one names the row. */
static void name(weir_step_row *row, const weir_step_plan *plan)
{
    if (row->sweeps++ != 0)
        return;
    snprintf(row->operation, sizeof row->operation, "%s", plan->operation);
    snprintf(row->against, sizeof row->against, "%s", plan->against);
    row->bound = plan->bound;
    row->may_refuse = plan->may_refuse;
}

#ifdef WEIR__STEP_WORKS

#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define SAMPLES 8 /* stops of a sweep that are followed by a second one, and to the end */
/* Instructions stepped behind stops, to count them: in a row's first sweep, and in the others. */
#define COUNTED_FIRST 2048
#define COUNTED 64
#define NEAR 24  /* instructions from a first stop to most second ones */
#define MISSES 5 /* runs that may go past their stop: a section that a preemption aborted */

/* For each place of the path: how often it had been there before, and the place, not after it, from
 * which it is best stepped to. */
static uint32_t visits[MAX_STEPS], step_from[MAX_STEPS];
static bool is_rmw[MAX_STEPS]; /* what stands there */

/* ---- one run ---- */

/* What came of a run. */
typedef struct outcome {
    unsigned stops;
    const char *wrong, *blocked, *cut; /* the first sentence, or NULL */
    bool inside;                       /* blocked in a call */
} outcome;

static void go_plainly(void)
{
    memset(&weir__step_go, 0, sizeof weir__step_go);
    weir__step_go.at_breakpoint = NEVER;
    weir__step_go.stop_at = NEVER;
    weir__step_go.stop_after = NEVER;
    weir__step_go.after = NEVER;
    weir__step_go.steps = NEVER;
}

/* An adversary was found waiting, in this row and beyond doubt. */
static bool known_to_block;

/* Sends the adversaries on, while the victim stands still. Returns: whether they finished. */
static bool adversaries_act(void)
{
    for (unsigned i = 0; i < WEIR_STEP_ADVERSARIES; i++) {
        weir__step_seat *const s = &weir__step_stage.adversary[i];

        s->act = weir__step_stage.plan->adversary[i];
        if (s->act != NULL && weir__step_turn_of(s) == IDLE) {
            s->asked = true;
            weir__step_give_turn(s, GO);
        }
    }
    if (weir__step_adversaries_finish(known_to_block))
        return true;
    /* relaxed: the turns order it. */
    weir_atomic_store(&weir__step_stage.blocked, "an adversary waits inside its operation",
                      WEIR_RELAXED);
    return false;
}

/* Calls the plan's setup or check. */
static void alone(void (*function)(void *state))
{
    weir__step_seat *const self = &weir__step_stage.conductor;

    if (function == NULL)
        return;
    /* relaxed: a hint to the keeper. */
    weir_atomic_fetch_add(&weir__step_stage.runs, 1, WEIR_RELAXED);
    /* relaxed: own word. */
    weir_atomic_store(&self->turn, GO, WEIR_RELAXED);
    weir__step_act(self, function, 0);
    /* relaxed: own word. */
    weir_atomic_store(&self->turn, IDLE, WEIR_RELAXED);
}

/* What the undisturbed operation takes, from the path that has just been written. */
static weir_step_cost cost_of(uint32_t steps)
{
    weir_step_cost cost = {0, 0, 0, 0, 0, 0};

    /* A string instruction that repeats itself is one. */
    for (uint32_t i = 0; i < steps; i++) {
        const unsigned rmws = cost.rmws;

        if (i == 0 || weir__step_path[i] != weir__step_path[i - 1])
            weir__step_add_cost(&cost, weir__step_path[i]);
        is_rmw[i] = cost.rmws != rmws;
    }
    for (unsigned i = 0; i < weir__step_knowns; i++)
        for (unsigned j = 0; j < weir__step_known[i].steps; j++)
            weir__step_add_cost(&cost, weir__step_known[i].step[j]);
    return cost;
}

static weir_step_cost path_cost; /* of the last path that was written */

/* Does what `go` says; `stop` is where the victim is to be met, or 0. */
static outcome run(uintptr_t stop)
{
    static const char endless[] = "the victim does not end";
    stage *const s = &weir__step_stage;
    const weir_step_plan *const plan = s->plan;
    outcome result = {0, NULL, NULL, NULL, false};

    /* relaxed: the turns order it. */
    weir_atomic_store(&s->wrong, NULL, WEIR_RELAXED);
    weir_atomic_store(&s->blocked, NULL, WEIR_RELAXED);
    weir_atomic_store(&s->cut, NULL, WEIR_RELAXED);
    s->crashed = 0;
    alone(plan->setup);
    weir__step_go.step_at_once =
        stop == 0 ||
        !weir__step_break_at(stop, weir__step_go.forced ? WEIR__STEP_UNDEFINED : WEIR__STEP_INT3);
    if (weir__step_go.step_at_once)
        weir__step_go.at_breakpoint = NEVER;
    s->victim.act = plan->victim;
    weir__step_give_turn(&s->victim, GO);
    weir__step_finishes(&s->victim, endless);
    while (weir__step_turn_of(&s->victim) == STOPPED) {
        result.stops++;
        if (!adversaries_act())
            result.inside = true;
        weir__step_give_turn(&s->victim, RESUMED);
        weir__step_finishes(&s->victim, endless);
    }
    weir__step_clear_breakpoints();
    for (unsigned i = 0; i < WEIR_STEP_ADVERSARIES; i++) {
        if (s->adversary[i].asked)
            weir__step_finishes(&s->adversary[i],
                                "an adversary does not end, though the victim was let go");
        s->adversary[i].asked = false;
    }
    /* Before check, which may unmap the code. */
    if (weir__step_go.write_path && weir__step_go.counted)
        path_cost = cost_of(weir__step_go.steps);
    /* relaxed: the turns order these. */
    if (weir_atomic_load(&s->cut, WEIR_RELAXED) == NULL)
        alone(plan->check);
    result.cut = weir_atomic_load(&s->cut, WEIR_RELAXED);
    if (result.cut == NULL)
        result.cut = weir__step_go.broken;
    /* relaxed: as above. */
    result.wrong = weir_atomic_load(&s->wrong, WEIR_RELAXED);
    result.blocked = weir_atomic_load(&s->blocked, WEIR_RELAXED);
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
            visits[i] += weir__step_path[j] == weir__step_path[i];
        cost++;
        step_from[i] = i == 0 ? 0 : step_from[i - 1];
        if (2 * visits[i] < cost &&
            (visits[i] == 0 || weir__step_section_armed_at(weir__step_path[i]) == NULL)) {
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
    weir__step_go.write_path = true;
    weir__step_go.step_to_end = true;
    *result = run(0);
    steps = weir__step_go.counted ? weir__step_go.steps : 0;
    plan_steps(steps);
    return steps;
}

/* Stops the victim after `step` instructions, and again after `then` more. */
static outcome run_to(uint32_t step, uint32_t then, bool count)
{
    const uint32_t from = step_from[step];

    go_plainly();
    weir__step_go.stop_at = step;
    for (uint32_t i = 0; i < from; i++) {
        const known_section *const k = weir__step_section_armed_at(weir__step_path[i]);

        weir__step_go.repeats += weir__step_path[i + 1] == weir__step_path[i];
        weir__step_go.inside += k == NULL ? 0 : k->steps;
    }
    weir__step_go.stop_after = then;
    weir__step_go.step_to_end = count && weir__step_stage.plan->bound != 0;
    weir__step_go.at_breakpoint = from;
    weir__step_go.passes = visits[from];
    return run(from == 0 ? 0 : weir__step_path[from]);
}

/* Makes instruction number `step` of a restartable sequence abort. */
static outcome run_to_abort(const known_section *s, unsigned step)
{
    go_plainly();
    weir__step_go.forced = true;
    return run(s->step[step]);
}

/* Adds the outcome to the row. Returns: whether all was well. */
static bool tally(weir_step_row *row, const outcome *result)
{
    if (weir__step_go.counted && weir__step_go.steps != NEVER &&
        weir__step_go.steps - weir__step_go.repeats + weir__step_go.inside > row->most)
        row->most = weir__step_go.steps - weir__step_go.repeats + weir__step_go.inside;
    row->wrong += result->wrong != NULL;
    row->blocked += result->blocked != NULL;
    row->inside += result->inside;
    known_to_block = row->inside != 0;
    row->cut += result->cut != NULL;
    if (result->wrong == NULL && result->blocked == NULL && result->cut == NULL)
        return true;
    /* The earliest; but what ends the sweep goes before all. */
    if (row->sentence == NULL || (result->cut != NULL && row->cut == 1) ||
        (row->cut == 0 && row->pc != 0 && weir__step_go.after < row->after)) {
        row->sentence = result->cut != NULL     ? result->cut
                        : result->wrong != NULL ? result->wrong
                                                : result->blocked;
        row->after = weir__step_go.after;
        row->pc = weir__step_go.pc;
        row->crashed = weir__step_stage.crashed;
    }
    return false;
}

/* ---- the start ---- */

static unsigned sweeps, thin = 1;
static bool watched = true; /* it can be known who sleeps */

static void start_thread(weir__step_seat *s, size_t cpu)
{
    pthread_t thread;

    s->cpu = cpu;
    /* relaxed: the thread is not there yet. */
    weir_atomic_store(&s->turn, GO, WEIR_RELAXED);
    if (pthread_create(&thread, NULL, weir__step_main, s) != 0) {
        fprintf(stderr, "step: a thread could not be created\n");
        exit(1);
    }
    weir__step_await_turn(s, IDLE);
    watched = weir__step_watch(s, thread) && watched;
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
    weir__step_pin(here);
    weir__step_hurry();
    start_thread(&weir__step_stage.victim, here);
    for (unsigned i = 0; i < WEIR_STEP_ADVERSARIES; i++)
        start_thread(&weir__step_stage.adversary[i], i == 0 ? here : other);
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
            weir__step_kernel_text = base;
            weir__step_kernel_bytes = segment[i].p_memsz;
        }
}

static void nothing(void *state)
{
    (void)state;
}

/* What sanitizers' runtimes define. */
extern void tsan(void) __asm__("__tsan_init") __attribute__((weak));
extern void asan(void) __asm__("__asan_init") __attribute__((weak));
extern void msan(void) __asm__("__msan_init") __attribute__((weak));

const char *weir__step_start(void)
{
    static const weir_step_plan probe = {"probe",      "nobody", NULL, nothing,
                                         {NULL, NULL}, NULL,     0,    false};
    const char *const preload = getenv("LD_PRELOAD");
    static bool started;
    outcome result;

    if (preload != NULL && (strstr(preload, "valgrind") != NULL || strstr(preload, "vgpreload")))
        return "valgrind does not run single instructions";
    if (tsan != NULL || asan != NULL || msan != NULL)
        return "a sanitizer does not run single instructions";
    if (!started) {
        started = true;
        weir__step_open_text();
        weir__step_catch();
        weir__step_catch_here(&weir__step_stage.conductor);
        find_kernel_text();
        weir__step_start_keeper();
        start_threads();
    }
    if (!watched)
        return "without /proc it is not known who sleeps";
    weir__step_stage.plan = &probe;
    weir__step_begun = true;
    if (run_alone(&result) == 0)
        return "no trap comes after a single instruction here";
    return NULL;
}

/* ---- sweeps ---- */

void weir_step_thin(unsigned each)
{
    thin = each == 0 ? 1 : each;
}

/* Returns: whether the later stop at an instruction is left out of this sweep. */
static bool thinned(uint32_t step)
{
    return visits[step] >= WEIR_STEP_PASSES && (visits[step] + sweeps) % thin != 0;
}

/* Twice undisturbed: at full speed first, since what happens only the first time (symbols that
 * are bound, calibration) is no part of the operation. Returns: its instructions, or 0. */
static uint32_t begin_sweep(const weir_step_plan *plan, void *state, weir_step_row *row)
{
    outcome result;
    uint32_t steps;

    weir__step_stage.plan = plan;
    weir__step_stage.state = state;
    known_to_block = row->inside != 0;
    weir__step_knowns = 0;
    weir__step_keep_text();
    go_plainly();
    result = run((uintptr_t)weir__step_returned_);
    tally(row, &result);
    if (result.cut != NULL)
        return 0;
    steps = run_alone(&result);
    tally(row, &result);
    if (result.cut != NULL)
        return 0;
    if (path_cost.instructions > row->alone.instructions)
        row->alone = path_cost;
    return steps;
}

bool weir_step_count(const weir_step_plan *plan, void *state, weir_step_cost *cost)
{
    weir_step_row row;

    memset(&row, 0, sizeof row);
    if (!weir__step_begun || begin_sweep(plan, state, &row) == 0)
        return false;
    *cost = row.alone;
    return true;
}

/* Whether the victim is stepped to its end after this stop, so that its own instructions are
 * counted: where a compare-and-swap comes next, which may now fail; and always, unless that is
 * too many steps: then after some stops, others in each sweep. */
static bool is_counted(const weir_step_row *row, uint32_t step, uint32_t steps)
{
    const uint32_t most = row->sweeps == 1 ? COUNTED_FIRST : COUNTED;

    return is_rmw[step] || (step + sweeps) % (1 + steps * (uint64_t)steps / 2 / most) == 0;
}

void weir_step_sweep(const weir_step_plan *plan, void *state, weir_step_row *row)
{
    static uint32_t distance;
    bool sampled = false;
    outcome result;
    uint32_t steps;

    name(row, plan);
    if (!weir__step_begun) {
        row->skipped++;
        return;
    }
    sweeps++;
    steps = begin_sweep(plan, state, row);
    for (uint32_t step = 0; step < steps; step++) {
        unsigned tries = 0;

        sampled = sampled || (step + row->sweeps) % (1 + steps / SAMPLES) == 0;
        if (thinned(step))
            continue;
        do
            result = run_to(step, NEVER, is_counted(row, step, steps));
        while (result.stops == 0 && result.cut == NULL && ++tries < MISSES);
        row->missed += result.stops == 0;
        row->elsewhere += result.stops != 0 && weir__step_go.pc != weir__step_path[step];
        row->stops += result.stops;
        if (!tally(row, &result) || !sampled) {
            if (result.cut != NULL)
                return;
            continue;
        }
        sampled = false;
        /* Once more, and stopped a second time on the way that the first stop has
         * opened; how far along it, changes from step to step and sweep to sweep. */
        distance = distance * 1664525 + 1013904223;
        result = run_to(step, 1 + (distance >> 16) % ((distance >> 8) % 4 == 0 ? steps + 8 : NEAR),
                        true);
        row->again += result.stops > 1;
        tally(row, &result);
        if (result.cut != NULL)
            return;
    }
    for (unsigned i = 0; i < weir__step_knowns; i++) {
        for (unsigned step = 0; step < weir__step_known[i].steps; step++) {
            result = run_to_abort(&weir__step_known[i], step);
            row->aborts += result.stops;
            tally(row, &result);
            if (result.cut != NULL)
                return;
        }
    }
}

/* ---- for victim, adversary and check ---- */

void weir_step_false(const char *sentence)
{
    const char *none = NULL;

    /* relaxed: a constant string; the turns order it before the conductor reads. */
    weir_atomic_cas(&weir__step_stage.wrong, &none, sentence != NULL ? sentence : "false",
                    WEIR_RELAXED, WEIR_RELAXED);
}

bool weir_step_retry(const char *sentence)
{
    weir__step_seat *const self = weir__step_self;

    if (self == NULL || self == &weir__step_stage.conductor || self->tries++ < WEIR_STEP_TRIES)
        return true;
    /* relaxed: as in weir_step_false(). */
    weir_atomic_store(&weir__step_stage.blocked, sentence != NULL ? sentence : "blocked",
                      WEIR_RELAXED);
    return false;
}

#else

const char *weir__step_start(void)
{
    return "single instructions are stopped on x86-64 Linux only";
}

void weir_step_thin(unsigned each)
{
    (void)each;
}

void weir_step_sweep(const weir_step_plan *plan, void *state, weir_step_row *row)
{
    (void)state;
    name(row, plan);
    row->skipped++;
}

bool weir_step_count(const weir_step_plan *plan, void *state, weir_step_cost *cost)
{
    (void)plan;
    (void)state;
    (void)cost;
    return false;
}

void weir_step_false(const char *sentence)
{
    (void)sentence;
}

bool weir_step_retry(const char *sentence)
{
    (void)sentence;
    return true;
}

#endif
