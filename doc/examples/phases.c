/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* phases: in which order a loop runs what it was given in one go.
 *
 * The first part is the well-known puzzle of Node.js, whose answer is 1 5 4 3 2: what main() does
 * itself; then NEXT, then MICRO; and only then timers. The second part defers one job to each
 * phase, in the wrong order, with a timer, a post, and an async that is closed. */

#include <weir/loop.h>
#include <weir/timer.h>

#include <stdio.h>
#include <string.h>

static char said[128];

static void say(const char *what)
{
    if (said[0] != 0)
        strcat(said, " ");
    strcat(said, what);
}

/* A job that says its name. */
typedef struct named {
    weir_job job;
    const char *name;
} named;

static int say_name(weir_job *job)
{
    say(((named *)(void *)job)->name);
    return 0;
}

static weir_job *name(named *n, const char *what)
{
    weir_job_init(&n->job, say_name);
    n->name = what;
    return &n->job;
}

static void say_2(weir_timer *timer)
{
    (void)timer;
    say("2");
}

static void say_timer(weir_timer *timer)
{
    (void)timer;
    say("timer");
}

static void never(weir_async *async)
{
    (void)async;
    say("never");
}

static void say_closed(weir_async *async)
{
    (void)async;
    say("closed");
}

static bool puzzle(weir_loop *loop)
{
    static named three, four;
    static weir_timer two;

    say("1");
    weir_timer_init(&two, loop, say_2);
    weir_timer_start(&two, 0);
    weir_loop_micro(loop, name(&three, "3"));
    weir_loop_next(loop, name(&four, "4"));
    say("5");
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    printf("%s\n", said);
    return strcmp(said, "1 5 4 3 2") == 0;
}

static bool whole_turn(weir_loop *loop)
{
    static named jobs[7];
    static weir_timer timer;
    weir_async async;

    said[0] = 0;
    if (weir_async_init(&async, loop, never, false) != 0)
        return false;
    weir_async_close(&async, say_closed);
    weir_loop_defer(loop, name(&jobs[0], "close"), WEIR_LOOP_CLOSE);
    weir_loop_defer(loop, name(&jobs[1], "check"), WEIR_LOOP_CHECK);
    weir_loop_defer(loop, name(&jobs[2], "prepare"), WEIR_LOOP_PREPARE);
    weir_loop_defer(loop, name(&jobs[3], "idle"), WEIR_LOOP_IDLING);
    weir_loop_defer(loop, name(&jobs[4], "micro"), WEIR_LOOP_MICRO);
    weir_loop_defer(loop, name(&jobs[5], "next"), WEIR_LOOP_NEXT);
    if (weir_loop_post(loop, name(&jobs[6], "post")) != 0)
        return false;
    weir_timer_init(&timer, loop, say_timer);
    weir_timer_start(&timer, 0);
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    printf("%s\n", said);
    return strcmp(said, "next micro timer post idle prepare check closed close") == 0;
}

int main(void)
{
    weir_loop *loop;
    bool right;

    if (weir_loop_new(&loop, NULL) != 0)
        return 1;
    right = puzzle(loop);
    right = whole_turn(loop) && right;
    return weir_loop_free(loop) == 0 && right ? 0 : 1;
}
