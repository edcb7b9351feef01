/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/inside.h: what the parts of the checker know of each other. Private.
 *
 *     door.c     the compiler's calls: __tsan_*              |
 *     libc.c     memcpy and its kin, malloc                  |  on the stack of the thread
 *     posix*.c   pthread_*, clocks; refuse.c: what cannot be |  under test
 *     futex.c    futex(2)                                    |
 *     memory.c   plain memory: lifetime, races; arena.c: what is allocated; shadow.c: its table
 *     accesses.c, events.c   what becomes an event           v
 *     thread.c   the thread that runs: its next event, how it waits, how it ends the run
 *     run.c      one run of the test: who goes next, how it ends; place.c: locations
 *     explore.c  which run comes next: every graph once; share.c: by several processes
 *     drive.c    runs at random, along a path, by brute force
 *     assembly.c what the compiler does not tell of; instruction.c: lengths of instructions
 *     graph.c    the execution graph, and what RC11 allows to be added to it; strong.c: seq_cst
 *     axioms.c   RC11 once more, as it is written in the paper
 *     history.c  linearizability
 *     check.c    a scenario, from its options to its line; program.c: a main() as one
 *     report.c   what a person reads: rows.c, table.c, reason.c; symbols.c: files and lines
 *     fiber.c    stacks and thread-local memory of threads under test; world.c: global memory
 *
 * Threads under test are fibers of one thread of the system. What is not one of them is the
 * conductor: it runs explore.c, and weir__check_self is -1. All mutable variables of the checker
 * are marked STATE, so that world.c does not put them back. */

#ifndef WEIR_LIB_CHECK_INSIDE_H
#define WEIR_LIB_CHECK_INSIDE_H

#include <weir/check.h>

#include <stdarg.h>
#include <stdio.h>

#define STATE __attribute__((section("weir_check_state")))

/* libc.c has these as well, for the program, and tells of what they touch. The checker's own code,
 * and what the compiler adds to it, means others. */
#ifndef WEIR_CHECK_IS_LIBC
#define OWN(name) __asm__(".set " #name ", weir__" #name)
OWN(memcpy);
OWN(memmove);
OWN(memset);
OWN(memcmp);
OWN(memchr);
OWN(strlen);
OWN(strnlen);
OWN(strcmp);
OWN(strncmp);
OWN(strchr);
OWN(strrchr);
OWN(strcpy);
#undef OWN
#endif

#define THREADS WEIR_CHECK_THREADS

__extension__ typedef unsigned __int128 word;

/* ---- clocks ----
 *
 * of[t]: how many events of thread t happen before, or are, a point. An access to plain memory
 * lies between two events of its thread; it happens before a point whose clock counts the next one.
 */
typedef struct clock_vector {
    uint16_t of[THREADS];
} clock_vector;

/* ---- run.c: for those who run on a thread under test ---- */

/* The thread that runs, or -1: the conductor, or no run at all: then everybody does what the
 * function of that name does in any program. */
extern int weir__check_self;

/* The registers that a called function keeps, and the return address, as the stub of an atomic
 * operation in door.c left them on the stack; NULL: not from a stub. thread.c sees by them and the
 * stack above whether a loop has come round to where it was. */
typedef struct machine {
    uint64_t kept[7];
    const void *pc;
} machine;
extern const machine *weir__check_machine;

/* Memory orders by their numbers in C (0 relaxed, 1 consume, 2 acquire, 3 release, 4 acq_rel,
 * 5 seq_cst), and: */
enum { PLAIN = 6 };

/* Locations are of memory, or the checker's own with an address in memory for a name; those start
 * as 0. */
typedef enum space { MEMORY, MUTEX, ONCE, FUTEX, OTHER } space;

typedef struct request {
    const void *address;
    uint8_t size; /* 1, 2, 4, 8 or 16 bytes; of what is not memory, 8 */
    uint8_t space;
    uint8_t order;
    uint8_t failure;      /* read-modify-writes that may fail: the order then */
    const void *pc;       /* of the call in the code under test */
    const char *what;     /* for the report: "fetch_add", "pthread_mutex_lock" */
    const word *expected; /* a compare-and-swap's; or NULL */
} request;

/* What a read-modify-write does. Pure. Returns: false if it writes nothing. */
typedef bool change_function(void *with, word old, word *new_value);
typedef bool wanted_function(void *with, word value);

/* Why a thread waits. */
typedef enum why { SPINS, LOCKS, SLEEPS, JOINS, ASSUMES, FROZEN } why;

word weir__check_load(const request *a);
void weir__check_store(const request *a, word value);

/* Returns: what was there; *done (or NULL): whether it wrote. */
word weir__check_change(const request *a, change_function *change, void *with, bool *done);

/* These wait until the value that is read is wanted, or can be changed. */
word weir__check_await(const request *a, wanted_function *wanted, void *with, why reason);
word weir__check_await_change(const request *a, change_function *change, void *with, why reason);

void weir__check_fence(int order, const void *pc, const char *what);

/* Returns: 0 first, each up to n - 1 in other runs. `what` for the report, by its number; or NULL.
 */
unsigned weir__check_choose(unsigned n, const char *const *what, const void *pc);

/* Makes a thread. Returns: its number; the run is given up with a message if there are too many. */
int weir__check_spawn(void (*body)(void *), void *argument, const void *pc, const char *what);
void weir__check_wait_for(int thread, const void *pc, const char *what);

/* Ends the calling thread: pthread_exit(). */
_Noreturn void weir__check_end_thread(void);

/* Ends the program: exit(). Other threads go on, since they may until it is gone; but whether they
 * end, and what they have not freed, is of no interest any more. */
_Noreturn void weir__check_end_run(void);

/* Spurious returns that the calling thread may still have in this run: a caller that finds one
 * left asks weir__check_choose(2, ..), and takes it away if the answer is 1. */
extern unsigned weir__check_spurious_of[THREADS];
#define weir__check_spurious weir__check_spurious_of[weir__check_self]

/* The clock of a thread as it is now, and the place of its next event: one more than it has had. */
const clock_vector *weir__check_clock(int thread);
unsigned weir__check_epoch(int thread);

/* Its events so far, a read-modify-write counted once. */
unsigned weir__check_steps(int thread);

/* The calling thread has changed something that its stack does not show: what it does from now on
 * is no fruitless round of a loop. */
void weir__check_wrote(void);

/* Called by memory.c, before the access, when plain memory is read or written where atomic
 * operations were in this run, which it has found to happen before. */
void weir__check_plain_read(const void *address, size_t size, const void *pc);
void weir__check_plain_write(const void *address, size_t size, const void *pc);

/* The run has failed: never returns to the thread. The sentence is for one line; say places with
 * weir__check_place(). `other` is the code of the other party (of a race), or NULL. */
_Noreturn void weir__check_bug(weir_check_finding finding, const void *pc, const void *other,
                               const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The run cannot be checked: WEIR_CHECK_UNABLE. */
_Noreturn void weir__check_unable(const void *pc, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Outside of a run: ends the program with the sentence, and WEIR_CHECK_UNABLE. */
_Noreturn void weir__check_die(const char *sentence);

/* ---- posix.c ---- */

void weir__posix_begin(void); /* of a run; the conductor */
void weir__posix_end(void);   /* of a thread, on it */

/* Conductor, at the end of a run: whether a wait that had timed out again and again was not let do
 * so once more: a bound that was hit. */
bool weir__sleep_was_cut(void);

/* ---- fiber.c ---- */

/* Grows with each event and run: a fiber that goes on without it for two seconds of the
 * processor's time is stopped as by a crash, the signal being SIGVTALRM. */
extern unsigned weir__check_beat;
void weir__fiber_watch(void); /* begins that, in this process */

/* Stacks, and a thread-local memory each. Once. Returns: false with a message. */
bool weir__fiber_make(void);

/* Puts thread `thread` before the beginning of body(argument), which must not return, with its
 * thread-local variables as a new thread has them. Forgets whatever it did. */
void weir__fiber_begin(int thread, void (*body)(void *), void *argument);

/* Conductor: lets the thread go on, until it calls weir__fiber_yield(). */
void weir__fiber_run(int thread);
void weir__fiber_yield(void);

/* Where its stack is: from the lowest byte to behind the highest. */
void weir__fiber_stack(int thread, char **low, char **high);

/* Its thread-local variables of the program. *size may be 0. */
void weir__fiber_locals(int thread, char **low, size_t *size);

/* Conductor: between these, SIGSEGV and its kin on a fiber are caught: the fiber yields, and
 * weir__fiber_crashed() says so. */
void weir__fiber_catch(void);
void weir__fiber_catch_no_more(void);
/* Returns: 0, or the signal that stopped the fiber which has just yielded, its address and code. */
int weir__fiber_crashed(const void **address, const void **pc, bool *stack_overflow);

/* ---- world.c ---- */

/* Keeps what the program's own writable memory holds now; puts it back. */
bool weir__world_save(void);
void weir__world_restore(void);
/* Whether the address lies in it. */
bool weir__world_has(const void *address);

/* ---- memory.c ---- */

void weir__memory_begin(void); /* of a run: nothing is allocated, nobody has touched anything */

/* An access that is about to be made. */
void weir__memory_plain(const void *address, size_t size, bool write, const void *pc);

/* An atomic access: before it, whether the memory is there; and after it, when the thread's clock
 * is up to date, races with plain accesses. */
void weir__memory_there(const void *address, size_t size, const void *pc);
void weir__memory_atomic(const void *address, size_t size, bool write, const void *pc);

/* Whether each byte has been written since it was allocated. */
bool weir__memory_defined(const void *address, size_t size);
void weir__memory_define(const void *address, size_t size);

/* The allocator of threads under test: an arena a thread, no reuse within a run, the same addresses
 * in each. NULL: too much (more than 64 MiB in one thread). */
void *weir__memory_allocate(size_t size, size_t alignment, bool zeroed, const void *pc);
void weir__memory_release(void *block, const void *pc); /* not NULL */
size_t weir__memory_size(const void *block);            /* of a live block; 0: it is not one */
bool weir__memory_is_ours(const void *address);

/* Function entry and exit of the calling thread: `frame` is where the stack was at the call, `pc`
 * its return address. */
void weir__memory_enter(const void *frame, const void *pc);
void weir__memory_leave(const void *frame);

/* Tells the frames apart that lie at one address, one after the other, in a run; 0 if no stack is
 * there. */
unsigned weir__memory_life(const void *address);

/* Conductor, at the end of a complete run: a block that is still there. Returns: false if none. */
bool weir__memory_leak(const void **block, size_t *size, int *thread, const void **pc);

/* "data+8", "block 2 of thread 1 (made at ring.c:12)+16", "a local variable of thread 2". The
 * same in every process. */
void weir__memory_describe(const void *address, char *text, size_t size);

/* Memory that the checker itself wants, which no run sees: as malloc(), never NULL. */
void *weir__check_memory(size_t size);

/* ---- explore.c ---- */

/* The C library's realloc, for the checker itself; never NULL. */
void *weir__check_heap(void *block, size_t size);
void weir__check_heap_free(void *block);

/* ---- program.c ---- */

/* main() of the program is the test. */
extern bool weir__program_is_checked;

/* ---- symbols.c ---- */

/* "ring.c:12", or what is known. For a return address: the line of the call. The text is the
 * caller's until the eighth call after. */
const char *weir__check_place(const void *pc);
const char *weir__check_function(const void *pc);
/* "queue+8", of a global variable; false: it is none. */
bool weir__symbol_of(const void *address, char *text, size_t size);
/* The text of a line of a source file, without spaces before it; "" if it cannot be read. */
const char *weir__check_source(const void *pc);

/* The real function of that name in the C library. */
void *weir__check_real(const char *name);

/* ---- assembly.c ---- */

/* Once: looks for instructions in the program which the checker does not see. Returns: false if the
 * compiler has instrumented nothing of it. */
bool weir__assembly_find(void);

/* A thread under test enters the function that `pc` lies in. */
void weir__assembly_enter(const void *pc);

/* ---- history.c ---- */

void weir__history_begin(void); /* of a run */

/* Conductor, at the end of a run, complete or with threads that stand still. Returns: false if no
 * order explains it; then weir__history_print() says which operations those are. */
bool weir__history_holds(void);
void weir__history_print(FILE *to);

/* Whether there were calls in this run. */
bool weir__history_used(void);

/* Whether the thread is within an operation, and the most events that one took in this run. */
bool weir__history_inside(int thread);
unsigned weir__history_steps(void);

#endif /* WEIR_LIB_CHECK_INSIDE_H */
