/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* loop_minimal: one thread that waits for three things at once: a file descriptor, a timer, and
 * another thread. What comes is written down, in its order:
 *     timer          2 ms after the start; it writes a byte into a pipe
 *     pipe           which is then readable; the callback starts a thread
 *     other thread   which has posted a job to the loop */

#include <weir/loop.h>
#include <weir/poll.h>
#include <weir/timer.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static weir_loop *loop;
static weir_poll pipe_end;
static weir_job message;
static pthread_t other;
static int ends[2];
static char order[64];

static int hear(weir_job *job)
{
    (void)job;
    strcat(order, " post");
    weir_loop_release(loop); /* nothing more is to come */
    return 0;
}

static void *speak(void *unused)
{
    weir_job_init(&message, hear);
    if (weir_loop_post(loop, &message) != 0)
        return unused;
    return NULL;
}

static void readable(weir_poll *poll, unsigned ready)
{
    char byte;

    (void)ready;
    if (read(ends[0], &byte, 1) != 1)
        return;
    strcat(order, " pipe");
    weir_poll_stop(poll);
    weir_loop_hold(loop); /* for a thread that is still to post */
    if (pthread_create(&other, NULL, speak, NULL) != 0)
        weir_loop_release(loop);
}

static void tick(weir_timer *timer)
{
    (void)timer;
    strcat(order, " timer");
    if (write(ends[1], "x", 1) != 1)
        weir_poll_stop(&pipe_end);
}

int main(void)
{
    weir_timer timer;

    if (pipe(ends) != 0 || weir_loop_new(&loop, NULL) != 0)
        return 1;
    weir_timer_init(&timer, loop, tick);
    weir_timer_after(&timer, 2000000);
    weir_poll_init(&pipe_end, loop, ends[0], readable);
    if (weir_poll_start(&pipe_end, WEIR_POLL_READ) != 0)
        return 1;
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER); /* until none of them is left */
    pthread_join(other, NULL);
    printf("order:%s\n", order);
    return weir_loop_free(loop) == 0 && strcmp(order, " timer pipe post") == 0 ? 0 : 1;
}
