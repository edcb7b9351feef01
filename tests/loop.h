/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/loop.h: what the tests of weir/loop.h, timer.h and poll.h share: things that say a letter
 * when they are called, a clock that is moved by hand, and threads. */

#ifndef WEIR_TESTS_LOOP_H
#define WEIR_TESTS_LOOP_H

#include "test.h"

#include <weir/loop.h>
#include <weir/poll.h>
#include <weir/timer.h>

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

enum { MS = 1000000 };

/* ---- what was said ---- */

static char said[256];

static inline void say(char letter)
{
    const size_t length = strlen(said);

    CHECK(length < sizeof said - 1);
    said[length] = letter;
    said[length + 1] = '\0';
}

/* Forgets it, too. */
#define CHECK_SAID(letters) check_said(__FILE__, __LINE__, letters)

static inline void check_said(const char *file, int line, const char *letters)
{
    if (strcmp(said, letters) != 0) {
        fprintf(stderr, "said \"%s\", expected \"%s\"\n", said, letters);
        test_fail(file, line, "what was said");
    }
    said[0] = '\0';
}

/* ---- things ---- */

/* Whatever it is started as, it says its letter, and goes on to `then`. */
typedef struct thing {
    weir_job job;
    weir_hook hook;
    weir_timer timer;
    weir_poll poll;
    weir_async async;
    weir_loop *loop;
    void (*then)(struct thing *thing);
    struct thing *other;
    uint64_t at; /* the loop's time of the last call */
    unsigned calls, closes, ready;
    int status; /* that the job returns */
    char letter;
} thing;

static inline void thing_called(thing *t)
{
    t->calls++;
    t->at = weir_loop_now(t->loop);
    CHECK(weir_loop_self() == t->loop);
    if (t->letter != 0)
        say(t->letter);
    if (t->then != NULL)
        t->then(t);
}

#define THING_OF(pointer, member) ((thing *)(void *)((char *)(pointer)-offsetof(thing, member)))

static inline int thing_run(weir_job *job)
{
    thing *const t = THING_OF(job, job);
    const int status = t->status;

    thing_called(t);
    return status;
}

static inline void thing_hooked(weir_hook *hook)
{
    thing_called(THING_OF(hook, hook));
}

static inline void thing_due(weir_timer *timer)
{
    thing_called(THING_OF(timer, timer));
}

static inline void thing_ready(weir_poll *poll, unsigned ready)
{
    thing *const t = THING_OF(poll, poll);

    CHECK(ready != 0);
    t->ready = ready;
    thing_called(t);
}

static inline void thing_sent(weir_async *async)
{
    thing_called(THING_OF(async, async));
}

static inline void thing_closed(weir_async *async)
{
    thing *const t = THING_OF(async, async);

    t->closes++;
    if (t->letter != 0)
        say((char)(t->letter - 'a' + 'A'));
}

/* Its job and its timer are initialised, nothing is started. Letter 0: it says nothing. */
static inline thing thing_of(weir_loop *loop, char letter, void (*then)(thing *))
{
    thing t;

    memset(&t, 0, sizeof t);
    t.loop = loop;
    t.letter = letter;
    t.then = then;
    weir_job_init(&t.job, thing_run);
    weir_timer_init(&t.timer, loop, thing_due);
    return t;
}

static inline void thing_post(thing *t)
{
    CHECK_EQ(weir_loop_post(t->loop, &t->job), 0);
}

static inline void thing_defer(thing *t, weir_loop_phase phase)
{
    weir_loop_defer(t->loop, &t->job, phase);
}

static inline void thing_hook(thing *t, weir_loop_phase phase)
{
    weir_hook_init(&t->hook, t->loop, phase, thing_hooked);
    weir_hook_start(&t->hook, false);
}

static inline void thing_poll(thing *t, int fd, unsigned wanted)
{
    weir_poll_init(&t->poll, t->loop, fd, thing_ready);
    CHECK_EQ(weir_poll_start(&t->poll, wanted), 0);
}

static inline void thing_async(thing *t)
{
    CHECK_EQ(weir_async_init(&t->async, t->loop, thing_sent, false), 0);
}

static inline void thing_send(thing *t)
{
    CHECK_EQ(weir_async_send(weir_async_reference(&t->async)), 0);
}

/* ---- what they do then ---- */

static inline void stop_its_loop(thing *t)
{
    weir_loop_stop(t->loop);
}

static inline void stop_its_poll(thing *t)
{
    CHECK(weir_poll_stop(&t->poll));
}

static inline void stop_its_hook(thing *t)
{
    CHECK(weir_hook_stop(&t->hook));
}

static inline void post_again(thing *t)
{
    thing_post(t);
}

/* ---- loops ---- */

static WEIR_ATOMIC(uint64_t) moved_ns; /* the time, in tests that move it by hand */

static inline uint64_t moved_now(void *context)
{
    (void)context;
    return weir_atomic_load(&moved_ns, WEIR_RELAXED); /* relaxed: a number. */
}

static inline void move_to(uint64_t ns)
{
    weir_atomic_store(&moved_ns, ns, WEIR_RELAXED); /* relaxed: a number. */
}

/* Options of a loop whose clock is moved by hand, and says 1000 now. */
static inline weir_loop_options moved_options(void)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;

    move_to(1000);
    options.now = moved_now;
    return options;
}

static inline weir_loop *make(const weir_loop_options *options)
{
    weir_loop *loop = NULL;

    said[0] = '\0';
    CHECK_EQ(weir_loop_new(&loop, options), 0);
    return loop;
}

static inline weir_loop *make_moved(void)
{
    const weir_loop_options options = moved_options();

    return make(&options);
}

static inline void end(weir_loop *loop)
{
    CHECK(!weir_loop_alive(loop));
    CHECK_EQ(weir_loop_free(loop), 0);
}

/* A turn without sleep, in which something is done, or nothing. */
static inline void turn_with_work(weir_loop *loop)
{
    CHECK_EQ(weir_loop_turn(loop, 0), 0);
}

static inline void turn_for_nothing(weir_loop *loop)
{
    CHECK_EQ(weir_loop_turn(loop, 0), -ETIMEDOUT);
}

static inline void run_to_the_end(weir_loop *loop)
{
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), 0);
}

static inline weir_loop_stats numbers_of(weir_loop *loop)
{
    weir_loop_stats numbers;

    weir_loop_stats_read(loop, &numbers);
    return numbers;
}

static inline void doze(void)
{
    const struct timespec a_while = {0, MS};

    nanosleep(&a_while, NULL);
}

/* From another thread. For as long as it takes: a test that hangs is ended from outside. */
static inline void until_asleep(weir_loop *loop)
{
    /* A turn that sleeps does not end: two looks that are the same, and the kernel's word. */
    for (uint64_t before = UINT64_MAX, now; (now = numbers_of(loop).turns) != before; before = now)
        doze();
}

/* ---- threads ---- */

static inline pthread_t begin(void *(*function)(void *), void *argument)
{
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, function, argument) == 0);
    return thread;
}

static inline void join(pthread_t thread)
{
    CHECK(pthread_join(thread, NULL) == 0);
}

/* Runs it until it is stopped. */
static inline void *run_until_stopped(void *loop)
{
    CHECK_EQ(weir_loop_run((weir_loop *)loop, WEIR_LOOP_STOPPED, WEIR_FOREVER), -ECANCELED);
    return NULL;
}

static inline void stop_and_join(weir_loop *loop, pthread_t thread)
{
    weir_loop_stop(loop);
    join(thread);
}

/* ---- descriptors ---- */

static inline void make_pair(int ends[2])
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
}

static inline void close_pair(int ends[2])
{
    CHECK(close(ends[0]) == 0);
    CHECK(ends[1] < 0 || close(ends[1]) == 0);
}

static inline void put(int fd, const char *text)
{
    CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* Reads till EAGAIN or the end. Returns: bytes. */
static inline size_t drain(int fd)
{
    char bytes[4096];
    size_t sum = 0;
    ssize_t got;

    while ((got = read(fd, bytes, sizeof bytes)) > 0)
        sum += (size_t)got;
    return sum;
}

static inline void drain_its_fd(thing *t)
{
    (void)drain(t->poll.fd);
}

#endif /* WEIR_TESTS_LOOP_H */
