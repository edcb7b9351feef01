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

#include "inside.h"

#ifdef WEIR__STEP_WORKS

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucontext.h>

#define TRAP_FLAG 0x100
#define SIGNAL_STACK 65536 /* bytes; the kernel saves large vector registers there */

stage weir__step_stage;
orders weir__step_go;
known_section weir__step_known[MAX_SECTIONS];
unsigned weir__step_knowns;
uintptr_t weir__step_path[MAX_STEPS];
uintptr_t weir__step_kernel_text;
size_t weir__step_kernel_bytes;
_Thread_local weir__step_seat *weir__step_self __attribute__((tls_model("initial-exec")));

/* The bounds that the linker gives to the section __rseq_cs; absent: no such code. */
extern const section sections_begin[] __asm__("__start___rseq_cs") __attribute__((weak));
extern const section sections_end[] __asm__("__stop___rseq_cs") __attribute__((weak));

/* ---- breakpoints ---- */

static int text = -1;
static struct stat text_then;

void weir__step_open_text(void)
{
    text = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    if (text >= 0 && fstat(text, &text_then) != 0)
        text = -1;
}

void weir__step_keep_text(void)
{
    struct stat now;

    if (text >= 0 && (fstat(text, &now) != 0 || now.st_dev != text_then.st_dev ||
                      now.st_ino != text_then.st_ino))
        text = -1;
}

typedef struct breakpoint {
    uintptr_t address;
    unsigned char was;
} breakpoint;

static breakpoint breakpoints[3];
static WEIR_ATOMIC(unsigned) breakpoints_set;

static unsigned count_breakpoints(void)
{
    /* relaxed: the turns order it between threads; atomic because a signal comes between any two
     * instructions. */
    return weir_atomic_load(&breakpoints_set, WEIR_RELAXED);
}

/* pread(2) or pwrite(2) of one byte: of code that is gone false, and not SIGSEGV. Inline, and
 * without errno, which the victim's own system calls lead to as well: the handler must meet none of
 * its int3. Returns: whether it was done. */
static inline bool text_call(long number, uintptr_t address, unsigned char *code)
{
    register uintptr_t r10 __asm__("r10") = address;
    long result;

    __asm__ __volatile__("syscall"
                         : "=a"(result)
                         : "a"(number), "D"((long)text), "S"(code), "d"(1L), "r"(r10)
                         : "rcx", "r11", "memory");
    return result == 1;
}

bool weir__step_break_at(uintptr_t address, unsigned char code)
{
    const unsigned count = count_breakpoints();
    breakpoint *const b = &breakpoints[count];

    for (unsigned i = 0; i < count; i++) {
        if (breakpoints[i].address == address)
            return true;
    }
    b->address = address;
    if (!text_call(SYS_pread64, address, &b->was))
        return false;
    /* First, so that a thread which meets the int3 knows whose it is. relaxed: as in
     * count_breakpoints(). */
    weir_atomic_store(&breakpoints_set, count + 1, WEIR_RELAXED);
    if (text_call(SYS_pwrite64, address, &code))
        return true;
    weir_atomic_store(&breakpoints_set, count, WEIR_RELAXED); /* relaxed: likewise */
    return false;
}

void weir__step_clear_breakpoints(void)
{
    for (unsigned i = count_breakpoints(); i > 0; i--) {
        breakpoint *const b = &breakpoints[i - 1];

        if (!text_call(SYS_pwrite64, b->address, &b->was))
            abort();
        /* relaxed: as in count_breakpoints(). */
        weir_atomic_store(&breakpoints_set, i - 1, WEIR_RELAXED);
    }
}

/* ---- stepping ---- */

static void stand_still(uintptr_t pc)
{
    weir__step_go.pc = pc;
    weir__step_go.after = weir__step_go.forced ? NEVER : weir__step_go.steps;
    weir__step_give_turn(&weir__step_stage.victim, STOPPED);
    weir__step_await_turn(&weir__step_stage.victim, RESUMED);
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

known_section *weir__step_section_armed_at(uintptr_t pc)
{
    for (unsigned i = 0; i < weir__step_knowns; i++) {
        if (weir__step_known[i].arming == pc)
            return &weir__step_known[i];
    }
    return NULL;
}

/* Whether the last instruction armed `s` for the first time in this sweep. It then
 * stood right before the section: an instruction has 15 bytes at most. */
static bool just_armed(const section *s)
{
    return s != NULL && s->start - weir__step_go.last - 1 < 15 &&
           weir__step_section_armed_at(weir__step_go.last) == NULL;
}

/* The section has just been aborted: it is gone through instruction by
 * instruction, disarmed. Returns: its first instruction. */
static uintptr_t learn(const section *s)
{
    known_section *const k = &weir__step_known[weir__step_knowns];

    if (weir__step_knowns == MAX_SECTIONS) {
        weir__step_go.broken = "too many restartable sequences";
        return s->abort;
    }
    k->section = s;
    k->arming = weir__step_go.last;
    k->exit = s->start + s->length;
    k->step[0] = s->start;
    k->steps = 1;
    weir__step_knowns++;
    weir__step_go.learning = k;
    return s->start;
}

/* Returns: whether to trap after the next instruction too. */
static bool at_instruction(uintptr_t *pc, bool broke)
{
    const section *const aborted = section_that_aborts_to(*pc);
    const known_section *armed;

    if (*pc == (uintptr_t)weir__step_returned_) {
        if (weir__step_go.steps != NEVER)
            weir__step_go.steps++;
        weir__step_go.counted = true;
        return false;
    }
    if (broke && weir__step_go.forced) {
        if (aborted == NULL)
            weir__step_go.broken = "a restartable sequence was not aborted by a signal";
        stand_still(*pc);
        return false;
    }
    if (weir__step_go.passing != 0) {
        if (!weir__step_break_at(weir__step_go.passing, WEIR__STEP_INT3))
            weir__step_go.broken = "an int3 could not be written again";
        weir__step_go.passing = 0;
        return false;
    }
    if (broke && weir__step_go.at_breakpoint != NEVER && weir__step_go.passes > 0) {
        weir__step_go.passes--;
        weir__step_go.passing = *pc;
        return true;
    }
    if (*pc - weir__step_kernel_text < weir__step_kernel_bytes)
        return true;
    if (weir__step_go.learning != NULL) {
        known_section *const k = weir__step_go.learning;

        if (*pc - k->section->start < k->section->length) {
            if (k->steps < MAX_SECTION_STEPS)
                k->step[k->steps++] = *pc;
            else
                weir__step_go.broken = "a restartable sequence takes too many instructions";
            return true;
        }
        k->exit = *pc;
        weir__step_go.learning = NULL;
    } else if (!broke && just_armed(aborted)) {
        *pc = learn(aborted);
        return true;
    }
    if (broke && weir__step_go.at_breakpoint != NEVER) {
        weir__step_go.steps = weir__step_go.at_breakpoint;
        weir__step_go.at_breakpoint = NEVER;
    } else {
        weir__step_go.steps++;
        weir__step_go.repeats += *pc == weir__step_go.last;
    }
    if (weir__step_go.steps >= MAX_STEPS) {
        if (weir__step_go.broken == NULL)
            weir__step_go.broken = "the operation takes too many instructions";
        return false;
    }
    if (weir__step_go.write_path)
        weir__step_path[weir__step_go.steps] = *pc;
    if (weir__step_go.steps == weir__step_go.stop_at) {
        stand_still(*pc);
        if (weir__step_go.stop_after != NEVER) {
            weir__step_go.stop_at = weir__step_go.steps + weir__step_go.stop_after;
            weir__step_go.stop_after = NEVER;
        } else if (!weir__step_go.step_to_end) {
            return false;
        }
    }
    weir__step_go.last = *pc;
    armed = weir__step_section_armed_at(*pc);
    if (armed == NULL)
        return true;
    weir__step_go.inside += armed->steps;
    if (weir__step_break_at(armed->section->start + armed->section->length, WEIR__STEP_INT3) &&
        weir__step_break_at(armed->section->abort, WEIR__STEP_INT3) &&
        weir__step_break_at(armed->exit, WEIR__STEP_INT3))
        return false;
    weir__step_go.broken = "no int3 could be written behind a restartable sequence";
    return false;
}

/* ---- crashes ---- */

/* Returns: a sentence that lives for ever. */
static const char *crash_of(const weir__step_seat *seat, int signal)
{
    static const char *const sentences[][3] = {
        {"the victim crashed: SIGSEGV", "an adversary crashed: SIGSEGV",
         "setup or check crashed: SIGSEGV"},
        {"the victim crashed: SIGBUS", "an adversary crashed: SIGBUS",
         "setup or check crashed: SIGBUS"},
        {"the victim crashed: SIGFPE", "an adversary crashed: SIGFPE",
         "setup or check crashed: SIGFPE"},
        {"the victim crashed: SIGILL", "an adversary crashed: SIGILL",
         "setup or check crashed: SIGILL"},
        {"the victim crashed: SIGTRAP", "an adversary crashed: SIGTRAP",
         "setup or check crashed: SIGTRAP"},
        {"the victim aborted", "an adversary aborted", "setup or check aborted"},
    };
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    const bool alone = seat == &weir__step_stage.conductor;
    unsigned i = 0;

    while (i < sizeof signals / sizeof signals[0] && signals[i] != signal)
        i++;
    return sentences[i][alone ? 2 : seat != &weir__step_stage.victim];
}

static bool acts(const weir__step_seat *seat)
{
    /* relaxed: own word, but for what this thread itself gave. */
    const uint32_t turn = weir_atomic_load(&seat->turn, WEIR_RELAXED);

    return turn == GO || turn == RESUMED;
}

static void on_crash(int signal, siginfo_t *info, void *context)
{
    weir__step_seat *const self = weir__step_self;
    const char *none = NULL, *sentence;

    if (self == NULL || !acts(self)) {
        /* Not of what is tested, or a signal to cut off what has just ended. */
        if (self != NULL && self->cut_off != NULL)
            return;
        sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        if (info->si_code <= 0) /* sent, and not by an instruction that is tried again */
            raise(signal);
        return;
    }
    if (self == &weir__step_stage.victim)
        weir__step_clear_breakpoints();
    sentence = self->cut_off;
    if (sentence == NULL) {
        sentence = crash_of(self, signal);
        weir__step_stage.crashed = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    }
    /* relaxed: a constant string; the turns order it before the conductor reads. */
    weir_atomic_cas(&weir__step_stage.cut, &none, sentence, WEIR_RELAXED, WEIR_RELAXED);
    siglongjmp(self->back, 1);
}

/* Whether the instruction at `pc` is rt_sigprocmask(2) with SIGTRAP among what it blocks: the
 * kernel would end the program at the next trap. */
static bool blocks_traps(uintptr_t pc, const greg_t *registers)
{
    const unsigned char *const o = (const unsigned char *)pc;

    return o[0] == 0x0f && o[1] == 0x05 && registers[REG_RAX] == SYS_rt_sigprocmask &&
           registers[REG_RDI] != SIG_UNBLOCK && registers[REG_RSI] != 0 &&
           (*(const uint64_t *)registers[REG_RSI] >> (SIGTRAP - 1) & 1) != 0;
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
    greg_t *const registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    bool broke = false, go_on;

    for (unsigned i = 0; i < count_breakpoints(); i++) {
        if (signal == SIGILL && weir__step_go.forced)
            broke = true; /* the kernel has moved `pc` to the section's abort handler already */
        if (info->si_code > 0 && pc - (signal == SIGTRAP) == breakpoints[i].address) {
            broke = true;
            pc = breakpoints[i].address;
        }
    }
    if (weir__step_self != &weir__step_stage.victim) {
        /* A breakpoint that is meant for the victim, if need be a moment ago: try again until it
         * is gone. Its byte is still there if it is the program's own. */
        const unsigned char *const at = (const unsigned char *)(pc - !broke);

        if (signal == SIGTRAP && info->si_code == SI_KERNEL && (broke || *at != WEIR__STEP_INT3))
            registers[REG_RIP] = (greg_t)(uintptr_t)at;
        else
            on_crash(signal, info, context);
        return;
    }
    if (!broke && (signal == SIGILL || info->si_code <= 0 || info->si_code == SI_KERNEL)) {
        /* What the code under test should not have: ud2, int3, raise(SIGTRAP). */
        on_crash(signal, info, context);
        return;
    }
    weir__step_clear_breakpoints();
    go_on = at_instruction(&pc, broke);
    if (go_on && blocks_traps(pc, registers)) {
        weir__step_go.broken = "the operation blocks SIGTRAP, so that it cannot be stopped";
        go_on = false;
    }
    if (go_on)
        registers[REG_EFL] |= TRAP_FLAG;
    else
        registers[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    registers[REG_RIP] = (greg_t)pc;
}

void weir__step_catch_here(weir__step_seat *seat)
{
    static unsigned char stacks[2 + WEIR_STEP_ADVERSARIES][SIGNAL_STACK];
    static WEIR_ATOMIC(unsigned) used;
    stack_t stack;

    weir__step_self = seat;
    seat->tid = (pid_t)syscall(SYS_gettid);
    memset(&stack, 0, sizeof stack);
    /* relaxed: only has to differ. */
    stack.ss_sp = stacks[weir_atomic_fetch_add(&used, 1, WEIR_RELAXED)];
    stack.ss_size = SIGNAL_STACK;
    sigaltstack(&stack, NULL);
}

void weir__step_catch(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    struct sigaction action;
    sigset_t ours;

    memset(&action, 0, sizeof action);
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    action.sa_sigaction = on_trap;
    sigaction(SIGTRAP, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    action.sa_flags |= SA_ONSTACK | SA_NODEFER;
    action.sa_sigaction = on_crash;
    sigemptyset(&ours);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        sigaction(crashes[i], &action, NULL);
        sigaddset(&ours, crashes[i]);
    }
    sigaddset(&ours, SIGTRAP);
    sigaddset(&ours, SIGILL);
    pthread_sigmask(SIG_UNBLOCK, &ours, NULL); /* the threads inherit it */
}

/* ---- the threads ---- */

void weir__step_pin(size_t cpu)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
}

void weir__step_hurry(void)
{
    /* The kernel's struct sched_attr, first version. */
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes;

    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
        attributes.policy != SCHED_OTHER)
        return;
    attributes.runtime = 100000; /* the policy and nice(1) are the user's */
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

/* Calls `function(state)` with `flags` added to the processor's: the trap that
 * they ask for comes first before the first instruction of the function. */
void weir__step_call_(void (*function)(void *state), void *state, uint64_t flags)
    __attribute__((visibility("hidden")));

__asm__(".text\n"
        ".globl weir__step_call_, weir__step_returned_\n"
        ".hidden weir__step_call_, weir__step_returned_\n"
        ".type weir__step_call_, @function\n"
        "weir__step_call_:\n"
        ".cfi_startproc\n"
        "    pushq %rbp\n"
        ".cfi_adjust_cfa_offset 8\n"
        "    movq %rdi, %rax\n"
        "    movq %rsi, %rdi\n"
        "    pushfq\n"
        "    orq %rdx, (%rsp)\n"
        "    popfq\n"
        "    call *%rax\n"
        "weir__step_returned_:\n"
        "    popq %rbp\n"
        ".cfi_adjust_cfa_offset -8\n"
        "    ret\n"
        ".cfi_endproc\n"
        ".size weir__step_call_, . - weir__step_call_\n");

bool weir__step_act(weir__step_seat *seat, void (*act)(void *state), uint64_t flags)
{
    sigset_t ours;

    seat->tries = 0;
    seat->cut_off = NULL;
    if (sigsetjmp(seat->back, 0) == 0) {
        if (seat == &weir__step_stage.victim)
            weir__step_call_(act, weir__step_stage.state, flags);
        else
            act(weir__step_stage.state);
        return true;
    }
    /* It may have crashed, or been cut off, between two steps. */
    sigemptyset(&ours);
    sigaddset(&ours, SIGTRAP);
    sigaddset(&ours, SIGILL);
    pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
    return false;
}

/* What a thread of the harness does for ever. */
static void sit(weir__step_seat *seat)
{
    weir__step_catch_here(seat);
    weir__step_pin(seat->cpu);
    weir__step_hurry();
    for (;;) {
        weir__step_give_turn(seat, IDLE);
        weir__step_await_turn(seat, GO);
        weir__step_act(seat, seat->act, weir__step_go.step_at_once ? TRAP_FLAG : 0);
    }
}

void *weir__step_main(void *seat)
{
    sit((weir__step_seat *)seat);
    return NULL;
}

#endif /* WEIR__STEP_WORKS */
