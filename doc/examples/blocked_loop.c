/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* blocked_loop: a callback calls something that blocks, deep in a library, and everything else on
 * its loop waits. Who does that is told twice: by a thread that watches over the loop, while it is
 * so, with the stack of the loop's thread; and by the loop, when the callback has returned.
 *
 * The library waits for an answer, here of a pipe; it gets one when the watchdog has seen enough. A
 * stack is shown where the C library can (glibc): a signal has the blocked thread show its own.
 * `addr2line -e blocked_loop ADDRESS` makes lines of its addresses, or a link with -rdynamic names.
 *
 * All of it costs two looks at the clock for each callback, some 80 ns. */

#define _POSIX_C_SOURCE 200809L

#include <weir/loop.h>
#include <weir/timer.h>

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <execinfo.h>
#endif

#define SLOW_NS UINT64_C(20000000)

static weir_loop *loop;
static pthread_t loop_thread;
static int answer[2]; /* the library's pipe */
static sem_t shown;
static weir_loop_report seen, told;
static unsigned site_line;

/* ---- the stack of a thread that is interrupted ---- */

#ifdef __GLIBC__
static void show_stack(int number)
{
    void *frames[32];

    (void)number;
    backtrace_symbols_fd(frames, backtrace(frames, 32), STDOUT_FILENO);
    sem_post(&shown);
}

static void prepare_stacks(void)
{
    void *frame;
    struct sigaction action;

    (void)backtrace(&frame, 1); /* the first one loads a library: not in a handler */
    memset(&action, 0, sizeof action);
    action.sa_handler = show_stack;
    action.sa_flags = SA_RESTART; /* what blocks goes on to block */
    sigaction(SIGUSR1, &action, NULL);
}

static void show_stack_of(pthread_t thread)
{
    struct timespec limit;

    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec++; /* who blocks the signal shows nothing; ThreadSanitizer delays it */
    pthread_kill(thread, SIGUSR1);
    if (sem_timedwait(&shown, &limit) != 0)
        puts("no stack within a second");
}
#else
static void prepare_stacks(void)
{
}

static void show_stack_of(pthread_t thread)
{
    (void)thread;
    puts("this C library shows no stacks");
}
#endif

/* ---- the watchdog: a thread ---- */

static void print(const char *when, const weir_loop_report *report)
{
    printf("%s: %s \"%s\" at %s:%u, for %.1f ms\n", when, report->kind,
           report->name != NULL ? report->name : "?", report->file != NULL ? report->file : "?",
           report->line, (double)report->ns / 1e6);
    fflush(stdout);
}

static void *watch(void *unused)
{
    const struct timespec period = {0, 5000000};

    while (!weir_loop_busy(loop, SLOW_NS, &seen))
        nanosleep(&period, NULL);
    print("blocked now", &seen);
    show_stack_of(loop_thread);
    return write(answer[1], "!", 1) == 1 ? NULL : unused;
}

/* ---- the loop ---- */

/* Nothing in its name, or its manual, says that it blocks. */
static char library_call(void)
{
    char c = '\0';

    return read(answer[0], &c, 1) == 1 ? c : '\0';
}

static void serve(weir_timer *timer)
{
    (void)timer;
    site_line = __LINE__ + 1;
    WEIR_LOOP_SITE(loop, "ask the library");
    if (library_call() != '!')
        perror("library_call");
}

/* In the loop's thread, when the callback has returned. */
static void slow(void *context, const weir_loop_report *report)
{
    (void)context;
    told = *report;
    print("was blocked", &told);
}

static bool is_right(const weir_loop_report *report, bool running)
{
    return report->running == running && strcmp(report->kind, "timer") == 0 &&
           report->name != NULL && strcmp(report->name, "ask the library") == 0 &&
           report->line == site_line && report->function == (void (*)(void))serve &&
           report->ns >= SLOW_NS;
}

int main(void)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;
    weir_loop_stats stats;
    weir_timer timer;
    pthread_t watchdog;

    options.slow_ns = SLOW_NS;
    options.slow = slow;
    prepare_stacks();
    if (weir_loop_new(&loop, &options) != 0 || pipe(answer) != 0 || sem_init(&shown, 0, 0) != 0)
        return 1;
    loop_thread = pthread_self();
    weir_timer_init(&timer, loop, serve);
    weir_timer_start(&timer, 0);
    if (pthread_create(&watchdog, NULL, watch, &timer) != 0)
        return 1;
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    if (pthread_join(watchdog, NULL) != 0)
        return 1;
    weir_loop_stats_read(loop, &stats);
    return weir_loop_free(loop) == 0 && is_right(&seen, true) && is_right(&told, false) &&
                   stats.slow == 1
               ? 0
               : 1;
}
