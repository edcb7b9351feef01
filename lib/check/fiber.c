/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/fiber.c: threads under test: a stack each, and thread-local memory of their own.
 *
 * Thread-local memory. A pointer to a thread-local variable may be given to another thread, so each
 * fiber has its variables at addresses of its own. They belong to a real thread of the system,
 * which is made once and sleeps for ever: the conductor takes that thread's pointer (the base of
 * FS) while it runs the fiber. So the C library's own variables, errno and the rest, are there as
 * well. Nothing ever asks the sleepers to do anything, so that after fork(), where only their
 * memory is left, the fibers go on as before. That memory is ours and not the C library's, which
 * would give the stacks of threads that fork() has lost to others.
 *
 * What is put back. The program's own thread-local variables, and errno, begin anew with the fiber;
 * those of thread 0 as they are in the conductor. Those of shared objects, and what else
 * the C library keeps for a thread (its locale, real keys), stay. So does the processor's rounding
 * mode, which all fibers share.
 *
 * Who is who. gettid(2) is the conductor's in each fiber. The C library's notion of a thread, which
 * pthread_self(), stdio's locks and raise() go by, is the sleeper's.
 *
 * Edges: asleep  sleep_for_ever -> make_sleeper  carries the fiber, and what the C library
 *                                                did in its thread-local memory */

#include <unistd.h>

#include "inside.h"

#include <asm/prctl.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <weir/atomic.h>

#define STACK ((size_t)256 << 10)
#define GUARD ((size_t)1 << 20)         /* below each stack: a frame must not reach across it */
#define SIGNAL_STACK ((size_t)64 << 10) /* the kernel saves large vector registers there */
#define SLEEPER ((size_t)64 << 10)      /* a sleeper's stack, without thread-local variables */
#define LARGEST ((size_t)256 << 20)     /* and with them, at most */
#define FSGSBASE 2                      /* in AT_HWCAP2: programs may write the base of FS */
#define DIRECTION 0x400                 /* in the flags */
#define FETCH 16                        /* in a page fault's error code: of an instruction */

typedef struct fiber {
    char *sp;      /* while it does not run: the lowest of the registers that it left */
    char *low;     /* its stack, from above the guard ... */
    char *high;    /* ... to behind it */
    char *pointer; /* the thread pointer */
    int *error;    /* its errno */
} fiber;

/* What weir__fiber_switch_() leaves on a stack. */
typedef struct frame {
    uint64_t r15, r14, r13, r12, rbx, rbp;
    void (*next)(void);
} frame;

typedef int create_function(pthread_t *thread, const pthread_attr_t *attributes,
                            void *(*start)(void *), void *argument);
typedef void *copy_function(void *to, const void *from, size_t size);
typedef void *set_function(void *to, int byte, size_t size);

static fiber fibers[THREADS] STATE = {{NULL, NULL, NULL, NULL, NULL}};
static fiber conductor STATE = {NULL, NULL, NULL, NULL, NULL};
static int running STATE = -1; /* which fiber */
static bool made STATE = false;
static bool writes_base STATE = false; /* has the instruction for it */

/* The program's thread-local variables: where, from the thread pointer, and as they begin. */
static ptrdiff_t locals STATE = 0;
static size_t locals_size STATE = 0;
static const char *image STATE = NULL;
static size_t image_size STATE = 0;

/* A thread under test may make another one: these are not the functions that libc.c puts in place
 * of the C library's. */
static copy_function *copy STATE = NULL;
static set_function *set STATE = NULL;

/* ---- the kernel and the machine ---- */

/* A system call without the C library: neither errno nor a function of ours comes between. */
static long call_kernel(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long result;

    __asm__ __volatile__("syscall"
                         : "=a"(result)
                         : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                         : "rcx", "r11", "memory");
    return result;
}

static inline char *thread_pointer(void)
{
    char *pointer;

    __asm__ __volatile__("movq %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

static inline void set_thread_pointer(char *pointer)
{
    if (WEIR_LIKELY(writes_base))
        __asm__ __volatile__("wrfsbase %0" : : "r"(pointer) : "memory");
    else
        call_kernel(SYS_arch_prctl, ARCH_SET_FS, (long)(intptr_t)pointer, 0, 0);
}

/* Leaves the registers that a function keeps on the stack, and the place of them in *mine; goes on
 * with a stack that was left in this way. */
void weir__fiber_switch_(char **mine, char *other) __attribute__((visibility("hidden")));

/* Its second half: where a fiber that crashed goes, with the conductor's stack. */
void weir__fiber_land_(void) __attribute__((visibility("hidden")));

/* A fiber's outermost function: debuggers see no caller. */
void weir__fiber_first_(void) __attribute__((visibility("hidden")));

__asm__(".text\n"
        ".globl weir__fiber_switch_, weir__fiber_land_, weir__fiber_first_\n"
        ".hidden weir__fiber_switch_, weir__fiber_land_, weir__fiber_first_\n"
        ".type weir__fiber_switch_, @function\n"
        ".p2align 4\n"
        "weir__fiber_switch_:\n"
        ".cfi_startproc\n"
        "    pushq %rbp\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %rbp, 0\n"
        "    pushq %rbx\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %rbx, 0\n"
        "    pushq %r12\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %r12, 0\n"
        "    pushq %r13\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %r13, 0\n"
        "    pushq %r14\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %r14, 0\n"
        "    pushq %r15\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset %r15, 0\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "weir__fiber_land_:\n"
        "    popq %r15\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %r15\n"
        "    popq %r14\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %r14\n"
        "    popq %r13\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %r13\n"
        "    popq %r12\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %r12\n"
        "    popq %rbx\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %rbx\n"
        "    popq %rbp\n"
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_restore %rbp\n"
        "    popq %rcx\n" /* ret would be predicted by the calls of the stack that was left */
        ".cfi_adjust_cfa_offset -8\n"
        ".cfi_register %rip, %rcx\n"
        "    jmp *%rcx\n"
        ".cfi_endproc\n"
        ".size weir__fiber_switch_, . - weir__fiber_switch_\n"
        ".type weir__fiber_first_, @function\n"
        ".p2align 4\n"
        "weir__fiber_first_:\n"
        ".cfi_startproc\n"
        ".cfi_undefined %rip\n"
        "    movq %r13, %rdi\n"
        "    call *%r12\n"
        "    ud2\n"
        ".cfi_endproc\n"
        ".size weir__fiber_first_, . - weir__fiber_first_\n");

/* ---- making them ---- */

static bool unable(const char *what, int error)
{
    fprintf(stderr, "weir_check: %s: %s\n", what, strerror(error));
    return false;
}

static WEIR_ATOMIC(unsigned) awake STATE = WEIR_ATOMIC_INIT(0);

/* What a sleeper does. */
static void *sleep_for_ever(void *at)
{
    fiber *const f = at;

    f->pointer = thread_pointer();
    f->error = &errno;
    /* sync(asleep): release.  Pairs with the load in make_sleeper(); carries the fiber, and
     * whatever the C library did when the thread began: the conductor is about to use it. */
    weir_atomic_fetch_add(&awake, 1, WEIR_RELEASE);
    for (;;)
        call_kernel(SYS_pause, 0, 0, 0, 0);
    return NULL;
}

static bool make_sleeper(unsigned i, create_function *create)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int error = EINVAL;

    /* The C library alone knows how much thread-local memory there is: it refuses too small a
     * stack. */
    for (size_t size = SLEEPER; error == EINVAL && size <= LARGEST; size *= 2) {
        void *const stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (stack == MAP_FAILED)
            return unable("cannot allocate thread-local memory", errno);
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        error = pthread_attr_setstack(&attributes, stack, size);
        if (error == 0)
            error = create(&thread, &attributes, sleep_for_ever, &fibers[i]);
        pthread_attr_destroy(&attributes);
        if (error != 0)
            munmap(stack, size);
    }
    if (error != 0)
        return unable("cannot make a thread", error);
    /* sync(asleep): acquire.  Pairs with sleep_for_ever(); receives the fiber. */
    while (weir_atomic_load(&awake, WEIR_ACQUIRE) != i + 1)
        call_kernel(SYS_sched_yield, 0, 0, 0, 0);
    return true;
}

/* Of the first object, which is the program. */
static int find_locals(struct dl_phdr_info *program, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    for (unsigned i = 0; i < program->dlpi_phnum; i++) {
        const ElfW(Phdr) *const p = &program->dlpi_phdr[i];

        if (p->p_type == PT_TLS && program->dlpi_tls_data != NULL) {
            locals = (char *)program->dlpi_tls_data - thread_pointer();
            locals_size = p->p_memsz;
            image = (const char *)(uintptr_t)(program->dlpi_addr + p->p_vaddr);
            image_size = p->p_filesz;
        }
    }
    return 1;
}

bool weir__fiber_make(void)
{
    union {
        void *object;
        create_function *create;
        copy_function *copy;
        set_function *set;
    } real;
    create_function *create;
    sigset_t all, before;
    char *stacks;
    bool done = true;

    if (made)
        return true;
    writes_base = (getauxval(AT_HWCAP2) & FSGSBASE) != 0;
    dl_iterate_phdr(find_locals, NULL);
    real.object = weir__check_real("memcpy");
    copy = real.copy;
    real.object = weir__check_real("memset");
    set = real.set;
    real.object = weir__check_real("pthread_create");
    create = real.create;
    stacks = mmap(NULL, THREADS * (GUARD + STACK) + SIGNAL_STACK, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (stacks == MAP_FAILED)
        return unable("cannot allocate stacks", errno);
    for (unsigned i = 0; i < THREADS; i++) {
        fibers[i].low = stacks + i * (GUARD + STACK) + GUARD;
        fibers[i].high = fibers[i].low + STACK;
        if (mprotect(fibers[i].low, STACK, PROT_READ | PROT_WRITE) != 0)
            return unable("cannot allocate stacks", errno);
    }
    conductor.low = fibers[THREADS - 1].high; /* for signals */
    conductor.high = conductor.low + SIGNAL_STACK;
    if (mprotect(conductor.low, SIGNAL_STACK, PROT_READ | PROT_WRITE) != 0)
        return unable("cannot allocate stacks", errno);
    /* Signals are for the conductor: the sleepers inherit this. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < THREADS && done; i++)
        done = make_sleeper(i, create);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    made = done;
    return done;
}

/* ---- running them ---- */

void weir__fiber_begin(int thread, void (*body)(void *), void *argument)
{
    fiber *const f = &fibers[thread];
    char *const to = f->pointer + locals;
    frame *const first = (frame *)(void *)(f->high - 24 - offsetof(frame, next));

    first->r15 = first->r14 = first->rbx = first->rbp = 0;
    first->r13 = (uintptr_t)argument;
    first->r12 = (uintptr_t)body;
    first->next = weir__fiber_first_; /* returned to, with a stack aligned to 16 bytes */
    f->sp = (char *)first;
    *f->error = 0;
    if (thread == 0 && running < 0) {
        copy(to, thread_pointer() + locals, locals_size);
    } else {
        copy(to, image, image_size);
        set(to + image_size, 0, locals_size - image_size);
    }
}

static int crash STATE = 0; /* the signal; 0: none */
static const void *crash_address STATE = NULL;
static const void *crash_pc STATE = NULL;
static bool crash_overflow STATE = false;

void weir__fiber_run(int thread)
{
    fiber *const f = &fibers[thread];

    crash = 0;
    running = thread;
    conductor.pointer = thread_pointer();
    /* From here to the end of the switch nothing may touch thread-local memory. */
    set_thread_pointer(f->pointer);
    weir__fiber_switch_(&conductor.sp, f->sp);
    running = -1;
}

void weir__fiber_yield(void)
{
    set_thread_pointer(conductor.pointer);
    weir__fiber_switch_(&fibers[running].sp, conductor.sp);
}

void weir__fiber_stack(int thread, char **low, char **high)
{
    *low = fibers[thread].low;
    *high = fibers[thread].high;
}

void weir__fiber_locals(int thread, char **low, size_t *size)
{
    *low = fibers[thread].pointer + locals;
    *size = locals_size;
}

/* ---- crashes ---- */

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define CRASHES (sizeof crashes / sizeof crashes[0])

static struct sigaction actions_before[CRASHES] STATE = {{.sa_flags = 0}};
static stack_t stack_before STATE = {.ss_flags = 0};
static sigset_t mask_before STATE = {{0}};
static sigset_t mask STATE = {{0}};

/* As the kernel has it: the default. */
typedef struct kernel_action {
    uintptr_t handler, flags, restorer;
    uint64_t mask;
} kernel_action;

static void on_crash(int signal, siginfo_t *info, void *context)
{
    static const kernel_action by_default = {0, 0, 0, 0};
    ucontext_t *const c = context;
    greg_t *const registers = c->uc_mcontext.gregs;
    const bool sent = info->si_code <= 0; /* and not by an instruction that is tried again */
    const long self = call_kernel(SYS_getpid, 0, 0, 0, 0);
    const char *const sp = (const char *)(uintptr_t)registers[REG_RSP];
    const fiber *f;

    if (running < 0 || (sent && info->si_pid != self)) {
        call_kernel(SYS_rt_sigaction, signal, (long)(intptr_t)&by_default, 0,
                    sizeof by_default.mask);
        if (sent)
            call_kernel(SYS_tgkill, self, call_kernel(SYS_gettid, 0, 0, 0, 0), signal, 0);
        return;
    }
    f = &fibers[running];
    crash = signal;
    crash_address = sent ? NULL : info->si_addr;
    crash_overflow = signal == SIGSEGV && !sent && (char *)info->si_addr < f->low &&
                     (char *)info->si_addr >= f->low - GUARD;
    crash_pc = (const void *)(uintptr_t)registers[REG_RIP];
    if (!sent && signal == SIGSEGV && (registers[REG_ERR] & FETCH) != 0 && sp >= f->low &&
        sp <= f->high - sizeof(void *))
        crash_pc = *(const void *const *)(const void *)sp; /* the call of what is no code */
    else if (!sent)
        crash_pc = (const char *)crash_pc + 1; /* places are those of return addresses */
    registers[REG_RSP] = (greg_t)(uintptr_t)conductor.sp;
    registers[REG_RIP] = (greg_t)(uintptr_t)weir__fiber_land_;
    registers[REG_EFL] &= ~(greg_t)DIRECTION;
    c->uc_sigmask = mask;
    set_thread_pointer(conductor.pointer);
}

/* ---- loops without events ---- */

static struct sigaction tick_before STATE = {.sa_flags = 0};
static unsigned beat_before STATE = 0;

static void on_tick(int signal, siginfo_t *info, void *context)
{
    if (running < 0 || weir__check_beat != beat_before)
        beat_before = weir__check_beat;
    else
        on_crash(signal, info, context);
}

void weir__fiber_watch(void)
{
    const struct itimerval two_seconds = {{2, 0}, {2, 0}};

    setitimer(ITIMER_VIRTUAL, &two_seconds, NULL);
}

void weir__fiber_catch(void)
{
    const stack_t stack = {.ss_sp = conductor.low, .ss_size = SIGNAL_STACK};
    struct sigaction action;
    sigset_t ours;

    memset(&action, 0, sizeof action);
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    action.sa_sigaction = on_crash;
    sigemptyset(&ours);
    for (size_t i = 0; i < CRASHES; i++)
        sigaddset(&ours, crashes[i]);
    sigaddset(&ours, SIGVTALRM);
    sigaltstack(&stack, &stack_before);
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &action, &actions_before[i]);
    action.sa_sigaction = on_tick;
    action.sa_flags |= SA_RESTART;
    sigaction(SIGVTALRM, &action, &tick_before);
    weir__fiber_watch();
    pthread_sigmask(SIG_UNBLOCK, &ours, &mask_before);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
}

void weir__fiber_catch_no_more(void)
{
    static const struct itimerval never = {{0, 0}, {0, 0}};

    setitimer(ITIMER_VIRTUAL, &never, NULL);
    sigaction(SIGVTALRM, &tick_before, NULL);
    pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &actions_before[i], NULL);
    sigaltstack(&stack_before, NULL);
}

int weir__fiber_crashed(const void **address, const void **pc, bool *stack_overflow)
{
    *address = crash_address;
    *pc = crash_pc;
    *stack_overflow = crash_overflow;
    return crash;
}
