/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/wait.h: what the cases of tests/wait.c are made of: a syscall() of the test's own between
 * lib/park_futex.c and the kernel, which counts, and lets some waits return for no reason; and
 * threads that wait.
 *
 * Edges:
 *   tid  a thread that waits -> until_asleep()  carries nothing but that it is there */

#ifndef WEIR_TESTS_WAIT_H
#define WEIR_TESTS_WAIT_H

#include "test.h"

#include <weir/cancel.h>
#include <weir/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static WEIR_ATOMIC(uint32_t) waits, wakes; /* calls of the kernel */
static WEIR_ATOMIC(uint32_t) unreliable;   /* 3 of 10 waits return at once */

static long counting_syscall(long number, ...);

#define syscall counting_syscall
#undef WEIR_PARK_PTHREAD
#include "../lib/park_futex.c"
#undef syscall

/* relaxed: numbers by themselves. */
static uint32_t count(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_fetch_add(number, 1, WEIR_RELAXED);
}

static uint32_t read_count(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED);
}

static long counting_syscall(long number, ...)
{
    va_list arguments;
    void *word, *until, *other;
    unsigned value, mask = 0;
    int operation;
    uint32_t nth;

    va_start(arguments, number);
    word = va_arg(arguments, void *);
    operation = va_arg(arguments, int);
    value = va_arg(arguments, unsigned);
    until = va_arg(arguments, void *);
    other = va_arg(arguments, void *);
    if (operation != WAKE_PRIVATE)
        mask = va_arg(arguments, unsigned);
    va_end(arguments);
    if (operation == WAKE_PRIVATE) {
        count(&wakes);
        return syscall(number, word, operation, value, until, other, 0);
    }
    nth = count(&waits);
    if (read_count(&unreliable) != 0 && nth * UINT32_C(2654435761) % 10 < 3) {
        errno = EINTR;
        return nth % 2 == 0 ? 0 : -1;
    }
    return syscall(number, word, operation, value, until, other, mask);
}

/* ---- threads that wait ---- */

enum { CROWD = 40 }; /* more than are woken with one hold of the queue's lock */

typedef struct person {
    pthread_t thread;
    WEIR_ATOMIC(int) tid; /* 0: has not come yet */
    weir_event *event;
    weir_waiter *waiter; /* instead of an event */
    weir_sleeper sleeper;
    uint64_t deadline;
    weir_cancel *cancel;
    int status;
    uint32_t place; /* in the order in which they went on */
} person;

static WEIR_ATOMIC(uint32_t) gone_on;

static void says_tid(person *p)
{
    /* sync(tid): release. Pairs with until_asleep(). */
    weir_atomic_store(&p->tid, (int)syscall(SYS_gettid), WEIR_RELEASE);
}

static void *waits_at_event(void *argument)
{
    person *const p = (person *)argument;

    weir_event_prepare(p->event, &p->sleeper);
    says_tid(p);
    p->status = weir_event_wait(p->event, &p->sleeper, p->deadline, p->cancel);
    p->place = count(&gone_on);
    return NULL;
}

static void *parks(void *argument)
{
    person *const p = (person *)argument;

    says_tid(p);
    p->status = weir_waiter_park(p->waiter, p->deadline, p->cancel);
    p->place = count(&gone_on);
    return NULL;
}

/* What the kernel says of that thread, after `field` in /proc. Returns: -1 if it says nothing. */
static inline long long of_thread(int tid, const char *file, const char *field)
{
    char path[64], text[4096];
    const char *at;
    ssize_t got;
    int f;

    snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, file);
    f = open(path, O_RDONLY);
    got = f < 0 ? -1 : read(f, text, sizeof text - 1);
    close(f);
    if (got <= 0)
        return -1;
    text[got] = '\0';
    at = strstr(text, field);
    if (at == NULL)
        return -1;
    at += strlen(field);
    return strcmp(file, "stat") == 0 ? at[1] : atoll(at);
}

static void until_asleep(person *p)
{
    long long state;
    int tid;

    /* sync(tid): acquire. Pairs with says_tid(). */
    while ((tid = weir_atomic_load(&p->tid, WEIR_ACQUIRE)) == 0)
        sched_yield();
    while ((state = of_thread(tid, "stat", ")")) != 'S' && state != -1)
        sched_yield();
}

static void start(person *p, weir_event *event, weir_waiter *waiter)
{
    memset(p, 0, sizeof *p);
    p->event = event;
    p->waiter = waiter;
    p->deadline = WEIR_FOREVER;
    CHECK(pthread_create(&p->thread, NULL, event != NULL ? waits_at_event : parks, p) == 0);
    until_asleep(p);
}

static int end(person *p)
{
    CHECK(pthread_join(p->thread, NULL) == 0);
    return p->status;
}

static void start_crowd(person *crowd, weir_event *event)
{
    weir_atomic_store(&gone_on, 0, WEIR_RELAXED); /* relaxed: nobody else is there. */
    for (unsigned i = 0; i < CROWD; i++)
        start(&crowd[i], event, NULL);
}

static void pass_time(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

#endif /* WEIR_TESTS_WAIT_H */
