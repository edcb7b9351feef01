/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The threads of the step harness, and how the victim among them is stopped.
 *
 * How the victim is stopped. The first run of a sweep has the trap flag on from
 * the first instruction of the operation to its return: SIGTRAP comes after each
 * instruction, and the handler writes down the path. A trap costs microseconds,
 * so later runs go at full speed up to an int3 shortly before the stop, and step
 * on from there. The handler itself waits, so the code under test is as it is
 * elsewhere. An int3 is in the text only while the victim alone runs. Of the kernel's
 * own code in the program (the clock's) there is one step, whatever it does.
 *
 * Restartable sequences. The instruction before such a section stores the
 * address of its descriptor; the trap after it already finds the program counter
 * inside, so the kernel moves it to the abort address. That tells which
 * instruction it was. The section, now disarmed, is then stepped through once to
 * learn where its instructions begin. From then on it runs at full speed from
 * the arming store to an int3 at each of its exits. To abort it at an instruction
 * inside, that instruction is made an undefined one, whose signal finds the program
 * counter still there, and not behind it as an int3 does. */

#include "step_inside.h"

#ifdef STEP_WORKS

#include <sched.h>
#include <stdlib.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100

stage step_stage;
orders step_go;
known_section step_known[MAX_SECTIONS];
unsigned step_knowns;
uintptr_t step_path[MAX_STEPS];
uintptr_t step_kernel_text;
size_t step_kernel_bytes;
int step_text = -1;
_Thread_local step_seat *step_self;

/* The bounds that the linker gives to the section __rseq_cs; absent: no such code. */
extern const section sections_begin[] __asm__("__start___rseq_cs") __attribute__((weak));
extern const section sections_end[] __asm__("__stop___rseq_cs") __attribute__((weak));

/* ---- breakpoints ---- */

typedef struct breakpoint {
    uintptr_t address;
    unsigned char was;
} breakpoint;

static breakpoint breakpoints[3];
static volatile unsigned breakpoints_set;

/* pwrite(2) of one byte. Inline, and without errno, which the victim's own system calls lead to
 * as well: the handler must meet none of its int3. Returns: whether it was written. */
static inline bool write_text(uintptr_t address, const unsigned char *code)
{
    register uintptr_t r10 __asm__("r10") = address;
    long result;

    __asm__ __volatile__("syscall"
                         : "=a"(result)
                         : "a"((long)SYS_pwrite64), "D"((long)step_text), "S"(code), "d"(1L),
                           "r"(r10)
                         : "rcx", "r11", "memory");
    return result == 1;
}

bool step_break_at(uintptr_t address, unsigned char code)
{
    breakpoint *const b = &breakpoints[breakpoints_set];

    for (unsigned i = 0; i < breakpoints_set; i++) {
        if (breakpoints[i].address == address)
            return true;
    }
    b->address = address;
    b->was = *(const unsigned char *)address;
    if (!write_text(address, &code))
        return false;
    breakpoints_set++;
    return true;
}

void step_clear_breakpoints(void)
{
    while (breakpoints_set > 0) {
        const breakpoint *const b = &breakpoints[breakpoints_set - 1];

        if (!write_text(b->address, &b->was))
            abort();
        breakpoints_set--;
    }
}

/* ---- stepping ---- */

static void stand_still(uintptr_t pc)
{
    step_go.pc = pc;
    step_go.after = step_go.forced ? NEVER : step_go.steps;
    step_give_turn(&step_stage.victim, STOPPED);
    step_await_turn(&step_stage.victim, RESUMED);
}

static const section *section_that_aborts_to(uintptr_t pc)
{
    const size_t count = ((uintptr_t)sections_end - (uintptr_t)sections_begin) / sizeof(section);

    for (size_t i = 0; i < count; i++) {
        if (sections_begin[i].abort == pc)
            return &sections_begin[i];
    }
    return NULL;
}

known_section *step_section_armed_at(uintptr_t pc)
{
    for (unsigned i = 0; i < step_knowns; i++) {
        if (step_known[i].arming == pc)
            return &step_known[i];
    }
    return NULL;
}

/* Whether the last instruction armed `s` for the first time in this sweep. It then
 * stood right before the section: an instruction has 15 bytes at most. */
static bool just_armed(const section *s)
{
    return s != NULL && s->start - step_go.last - 1 < 15 &&
           step_section_armed_at(step_go.last) == NULL;
}

/* The section has just been aborted: it is gone through instruction by
 * instruction, disarmed. Returns: its first instruction. */
static uintptr_t learn(const section *s)
{
    known_section *const k = &step_known[step_knowns];

    if (step_knowns == MAX_SECTIONS) {
        step_go.broken = "too many restartable sequences";
        return s->abort;
    }
    k->section = s;
    k->arming = step_go.last;
    k->exit = s->start + s->length;
    k->step[0] = s->start;
    k->steps = 1;
    step_knowns++;
    step_go.learning = k;
    return s->start;
}

/* Returns: whether to trap after the next instruction too. */
static bool at_instruction(uintptr_t *pc, bool broke)
{
    const section *const aborted = section_that_aborts_to(*pc);
    const known_section *armed;

    if (*pc == (uintptr_t)step_returned_) {
        if (step_go.steps != NEVER)
            step_go.steps++;
        step_go.counted = true;
        return false;
    }
    if (broke && step_go.forced) {
        if (aborted == NULL)
            step_go.broken = "a restartable sequence was not aborted by a signal";
        stand_still(*pc);
        return false;
    }
    if (step_go.passing != 0) {
        if (!step_break_at(step_go.passing, STEP_INT3))
            step_go.broken = "an int3 could not be written again";
        step_go.passing = 0;
        return false;
    }
    if (broke && step_go.at_breakpoint != NEVER && step_go.passes > 0) {
        step_go.passes--;
        step_go.passing = *pc;
        return true;
    }
    if (*pc - step_kernel_text < step_kernel_bytes)
        return true;
    if (step_go.learning != NULL) {
        known_section *const k = step_go.learning;

        if (*pc - k->section->start < k->section->length) {
            if (k->steps < MAX_SECTION_STEPS)
                k->step[k->steps++] = *pc;
            return true;
        }
        k->exit = *pc;
        step_go.learning = NULL;
    } else if (!broke && just_armed(aborted)) {
        *pc = learn(aborted);
        return true;
    }
    if (broke && step_go.at_breakpoint != NEVER) {
        step_go.steps = step_go.at_breakpoint;
        step_go.at_breakpoint = NEVER;
    } else {
        step_go.steps++;
    }
    if (step_go.steps >= MAX_STEPS) {
        step_go.broken = "the operation takes too many instructions";
        return false;
    }
    if (step_go.write_path)
        step_path[step_go.steps] = *pc;
    if (step_go.steps == step_go.stop_at) {
        stand_still(*pc);
        if (step_go.stop_after != NEVER) {
            step_go.stop_at = step_go.steps + step_go.stop_after;
            step_go.stop_after = NEVER;
        } else if (!step_go.step_to_end) {
            return false;
        }
    }
    step_go.last = *pc;
    armed = step_section_armed_at(*pc);
    if (armed == NULL)
        return true;
    if (step_break_at(armed->section->start + armed->section->length, STEP_INT3) &&
        step_break_at(armed->section->abort, STEP_INT3) && step_break_at(armed->exit, STEP_INT3))
        return false;
    step_go.broken = "no int3 could be written behind a restartable sequence";
    return false;
}

void step_on_trap(int signal, siginfo_t *info, void *context)
{
    greg_t *const registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    bool broke = false;

    (void)info;
    if (step_self != &step_stage.victim || (signal == SIGILL && breakpoints_set == 0)) {
        /* A breakpoint that is meant for the victim: try again until it is gone. Or an
         * instruction that the code under test should not have. */
        if (signal == SIGTRAP)
            registers[REG_RIP]--;
        else
            sigaction(SIGILL, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        return;
    }
    for (unsigned i = 0; i < breakpoints_set; i++) {
        broke = true;
        if (signal == SIGTRAP && pc == breakpoints[i].address + 1)
            pc = breakpoints[i].address;
    }
    step_clear_breakpoints();
    if (at_instruction(&pc, broke))
        registers[REG_EFL] |= TRAP_FLAG;
    else
        registers[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    registers[REG_RIP] = (greg_t)pc;
}

/* ---- the threads ---- */

void step_pin(size_t cpu)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
}

void step_hurry(void)
{
    /* The kernel's struct sched_attr, first version. */
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {sizeof attributes, SCHED_OTHER, 0, 0, 0, 100000, 0, 0};

    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

static void sit_down(void *argument)
{
    step_self = (step_seat *)argument;
    step_self->tid = (pid_t)syscall(SYS_gettid);
    step_pin(step_self->cpu);
    step_hurry();
    step_give_turn(step_self, IDLE);
}

void *step_adversary_main(void *argument)
{
    sit_down(argument);
    for (;;) {
        step_await_turn(step_self, GO);
        step_self->tries = 0;
        step_self->act(step_stage.state);
        step_give_turn(step_self, IDLE);
    }
    return NULL;
}

/* Calls `function(state)` with `flags` added to the processor's: the trap that
 * they ask for comes first before the first instruction of the function. */
void step_call_(void (*function)(void *state), void *state, uint64_t flags)
    __attribute__((visibility("hidden")));

__asm__(".text\n"
        ".globl step_call_, step_returned_\n"
        ".hidden step_call_, step_returned_\n"
        ".type step_call_, @function\n"
        "step_call_:\n"
        ".cfi_startproc\n"
        "    pushq %rbp\n"
        ".cfi_adjust_cfa_offset 8\n"
        "    movq %rdi, %rax\n"
        "    movq %rsi, %rdi\n"
        "    pushfq\n"
        "    orq %rdx, (%rsp)\n"
        "    popfq\n"
        "    call *%rax\n"
        "step_returned_:\n"
        "    popq %rbp\n"
        ".cfi_adjust_cfa_offset -8\n"
        "    ret\n"
        ".cfi_endproc\n"
        ".size step_call_, . - step_call_\n");

void *step_victim_main(void *argument)
{
    sit_down(argument);
    for (;;) {
        step_await_turn(step_self, GO);
        step_self->tries = 0;
        step_call_(step_self->act, step_stage.state, step_go.step_at_once ? TRAP_FLAG : 0);
        step_give_turn(step_self, IDLE);
    }
    return NULL;
}

#endif /* STEP_WORKS */
