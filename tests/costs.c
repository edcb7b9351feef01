/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What each operation costs on its uncontended path: instructions, read-modify-writes, barriers,
 * allocations, frees and system calls, counted by single steps through the functions of
 * tests/paths.h. tests/check-costs.sh compares with the table in doc/costs.md.
 *
 *     tests/costs           a table to be read
 *     tests/costs --tabs    the same between tabs, behind lines that say what was compiled
 *     tests/costs --plain STRUCTURE OPERATION STATE
 *                           runs one row twice and counts nothing: for callgrind
 *
 * Exit status: 0; 1 if a row could not be counted or did not answer as it should; 77 where there
 * are no single steps.
 *
 * To add an operation: a line in tests/paths.h, and in tests/costs_X.c a row for each of its start
 * states. A row is run twice, at full speed and then counted, so that nothing is counted that
 * happens only once (symbols that are bound, a thread's first use of a domain).
 *
 * The C library chooses its memcpy() and memset() by the processor. check-costs.sh has it choose
 * the plainest, so that the figures are the same everywhere. */

#include "costs.h"

#include <weir/step.h>

#include <stdio.h>

enum { SKIPPED = 77 };

#ifdef COSTS_ARE_COUNTED

#include <dlfcn.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

/* ---- one call ---- */

WEIR_STATIC_ASSERT(offsetof(costs_call, answer) == 8 && offsetof(costs_call, argument) == 16,
                   "the offsets below");

/* In assembly, so that each row has the same instructions around it. */
void costs_act(void *state) __attribute__((visibility("hidden")));
void costs_nothing(void) __attribute__((visibility("hidden")));

__asm__(".text\n"
        ".globl costs_act, costs_nothing\n"
        ".hidden costs_act, costs_nothing\n"
        ".type costs_act, @function\n"
        "costs_act:\n"
        ".cfi_startproc\n"
        "    pushq %rbx\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %rbx, 0\n"
        "    movq %rdi, %rbx\n"
        "    movq 16(%rbx), %rdi\n"
        "    movq 24(%rbx), %rsi\n"
        "    movq 32(%rbx), %rdx\n"
        "    movq 40(%rbx), %rcx\n"
        "    movq 48(%rbx), %r8\n"
        "    call *(%rbx)\n"
        "    movq %rax, 8(%rbx)\n"
        "    popq %rbx\n"
        ".cfi_restore %rbx\n"
        ".cfi_adjust_cfa_offset -8\n"
        "    ret\n"
        ".cfi_endproc\n"
        ".size costs_act, . - costs_act\n"
        ".type costs_nothing, @function\n"
        "costs_nothing:\n"
        "    ret\n"
        ".size costs_nothing, . - costs_nothing\n");

costs_call costs_now;
const char *costs_structure;
bool costs_counts = true;

/* ---- an allocator of few instructions: what the C library's takes is not weir's ---- */

enum { BLOCK = 16384, BLOCKS = 64 };

static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char blocks[BLOCKS][BLOCK];
static unsigned char *free_blocks[BLOCKS];
static unsigned free_count;
static unsigned allocations, frees; /* in this run */

static void *allocate(size_t bytes, size_t alignment, void *context)
{
    (void)context;
    allocations++;
    if (bytes > BLOCK || alignment > WEIR_CACHELINE || free_count == 0)
        return NULL;
    return free_blocks[--free_count];
}

static void release(void *pointer, size_t bytes, void *context)
{
    (void)bytes;
    (void)context;
    frees++;
    free_blocks[free_count++] = (unsigned char *)pointer;
}

static void use_own_allocator(void)
{
    static const weir_allocator own = {allocate, release, NULL};

    while (free_count < BLOCKS) {
        free_blocks[free_count] = blocks[free_count];
        free_count++;
    }
    weir_set_allocator(&own);
}

void costs_require(bool condition, const char *sentence)
{
    if (!condition) {
        fprintf(stderr, "costs: %s\n", sentence);
        exit(1);
    }
}

/* ---- a row ---- */

enum { COUNTS = 3 }; /* of each row; the smallest of each figure holds */

static const costs_row *current;
static unsigned around; /* instructions of costs_act() */
static unsigned rows, failed, skipped, unsteady;
static bool tabs;
static const char *const *plain; /* structure, operation, state; or NULL */
static unsigned plain_found;

static void set_up(void *state)
{
    (void)state;
    costs_now.function = current->path;
    memcpy(costs_now.argument, current->argument, sizeof costs_now.argument);
    costs_now.answer = 0;
    if (current->setup != NULL)
        current->setup(current->n);
    allocations = frees = 0;
}

static bool answered(void)
{
    return current->answer == ANY || (unsigned char)costs_now.answer == current->answer;
}

static void look_at_answer(void *state)
{
    (void)state;
    if (!answered())
        weir_step_false("it did not answer as it should");
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Runs and counts the current row. Returns: false if it could not be. */
static bool count_once(weir_step_cost *cost)
{
    static const weir_step_plan plan = {"cost",       "nobody",       set_up, costs_act,
                                        {NULL, NULL}, look_at_answer, 0,      false};

    if (!weir_step_count(&plan, &costs_now, cost) || !answered())
        return false;
    cost->instructions -= around;
    cost->allocations += allocations;
    cost->frees += frees;
    return true;
}

static bool count(weir_step_cost *cost)
{
    weir_step_cost again;
    bool same = true;

    if (!count_once(cost))
        return false;
    for (unsigned i = 1; i < COUNTS; i++) {
        if (!count_once(&again))
            return false;
        same = same && memcmp(cost, &again, sizeof again) == 0;
        cost->instructions = least(cost->instructions, again.instructions);
        cost->rmws = least(cost->rmws, again.rmws);
        cost->fences = least(cost->fences, again.fences);
        cost->allocations = least(cost->allocations, again.allocations);
        cost->frees = least(cost->frees, again.frees);
        cost->system_calls = least(cost->system_calls, again.system_calls);
    }
    if (!same) {
        fprintf(stderr, "costs: %s %s, %s: not the same each time\n", costs_structure,
                current->operation, current->state);
        unsteady++;
    }
    return true;
}

static void run_plainly(void)
{
    if (strcmp(plain[0], costs_structure) != 0 || strcmp(plain[1], current->operation) != 0 ||
        strcmp(plain[2], current->state) != 0)
        return;
    for (int i = 0; i < 2; i++) {
        set_up(&costs_now);
        costs_act(&costs_now);
        costs_require(answered(), "the row did not answer as it should");
    }
    plain_found++;
}

void costs_measure(const costs_row *r)
{
    weir_step_cost cost = {0, 0, 0, 0, 0, 0};

    current = r;
    if (plain != NULL) {
        run_plainly();
        return;
    }
    rows++;
    if (!count(&cost)) {
        printf(tabs ? "failed\t%s\t%s\t%s\n" : "FAILED: %s %s, %s\n", costs_structure, r->operation,
               r->state);
        failed++;
        return;
    }
    printf(tabs ? "row\t%s\t%s\t%s\t%u\t%u\t%u\t%u\t%u\t%u\n"
                : "%-16s %-18s %-32s %7u %5u %8u %6u %6u %6u\n",
           costs_structure, r->operation, r->state, cost.instructions, cost.rmws, cost.fences,
           cost.allocations, cost.frees, cost.system_calls);
    fflush(stdout);
}

void costs_leave_out(const char *operation, const char *state, const char *why)
{
    if (plain != NULL)
        return;
    printf(tabs ? "skip\t%s\t%s\t%s\t%s\n" : "skip: %s %s, %s: %s\n", costs_structure, operation,
           state, why);
    skipped++;
}

void *costs_ask(void (*function)(void), const void *argument)
{
    const costs_row question = {"self", "first", function, NULL, 0, ANY, {P(argument)}};

    current = &question;
    if (plain != NULL) {
        set_up(&costs_now);
        costs_act(&costs_now);
    } else {
        weir_step_cost cost;

        costs_require(count_once(&cost),
                      "a thread's first use of a domain could not be stepped through");
    }
    costs_require(costs_now.answer != 0, "no record");
    return (void *)costs_now.answer;
}

/* ---- the table ---- */

/* All that figures depend on, but for the flags. */
static void say_what_was_compiled(void)
{
    Dl_info library, own;
    const bool known = dladdr((void *)(uintptr_t)weir_version, &library) != 0 &&
                       dladdr((void *)(uintptr_t)path_mpsc_enqueue, &own) != 0;
    const bool one_object = known && library.dli_fbase == own.dli_fbase;

#ifdef __clang__
    printf("compiler\tclang " __clang_version__);
#else
    printf("compiler\tgcc " __VERSION__);
#endif
    /* What distributions turn on by themselves. */
#ifdef __PIE__
    printf(", position-independent");
#endif
#if defined(__SSP__) || defined(__SSP_STRONG__) || defined(__SSP_ALL__)
    printf(", stack protector");
#endif
#ifdef __CET__
    printf(", control-flow protection");
#endif
#if defined(_FORTIFY_SOURCE) && _FORTIFY_SOURCE > 0
    printf(", fortified");
#endif
#ifdef WEIR_CHECKED
    printf(", WEIR_CHECKED");
#endif
#ifdef __GLIBC__
    printf("\nC library\tglibc %s\n", gnu_get_libc_version());
#else
    printf("\nC library\tanother\n");
#endif
    printf("weir\t%s, membarrier(2) is %s\n", one_object ? "static library" : "shared library",
           weir_fence_asymmetric() ? "allowed" : "refused");
}

static void measure_around(void)
{
    const costs_row nothing = {"nothing", "", costs_nothing, NULL, 0, ANY, {0}};
    weir_step_cost cost;

    current = &nothing;
    around = 0;
    costs_require(count_once(&cost), "an empty function could not be stepped through");
    around = cost.instructions - 1;
}

static void all_rows(void)
{
    costs_of_words();
    costs_of_queues();
    costs_of_reclamation();
    costs_of_waits();
    costs_of_channels();
    costs_of_pool();
}

int main(int argc, char **argv)
{
    tabs = argc == 2 && strcmp(argv[1], "--tabs") == 0;
    if (argc == 5 && strcmp(argv[1], "--plain") == 0)
        plain = (const char *const *)(argv + 2);
    else if (argc != 1 && !tabs) {
        fprintf(stderr, "usage: costs [--tabs | --plain STRUCTURE OPERATION STATE]\n");
        return 2;
    }
    use_own_allocator();
    if (plain != NULL) {
        costs_counts = false;
        all_rows();
        costs_require(plain_found == 1, "there is no such row");
        return 0;
    }
    if (!weir_step_begin("costs"))
        return SKIPPED;
    measure_around();
    if (tabs)
        say_what_was_compiled();
    else
        printf("\n%-16s %-18s %-32s %7s %5s %8s %6s %6s %6s\n", "", "", "", "instr.", "RMWs",
               "barriers", "allocs", "frees", "system");
    all_rows();
    fprintf(stderr, "%u rows, %u failed, %u skipped, %u not the same each time\n", rows, failed,
            skipped, unsteady);
    return failed == 0 && weir_step_end() == 0 ? 0 : 1;
}

#else

int main(void)
{
    printf("SKIP costs: single instructions are counted on x86-64 Linux only\n");
    return SKIPPED;
}

#endif
