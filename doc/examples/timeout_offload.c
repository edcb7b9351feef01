/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* timeout_offload: a function that takes five units of time, and a caller who waits for two. The
 * caller has his answer at the deadline; nothing stops the function, but it can ask whether it is
 * still wanted, and does so here after each unit; what it made is thrown away once, on the loop,
 * when it has returned. The first one does not mind; the second one gives up. (So that the program
 * prints the same on a busy machine, the third unit takes until the caller has his answer.) */

#define _POSIX_C_SOURCE 200809L

#include <weir/offload.h>
#include <weir/sem.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { UNIT_NS = 20000000, UNITS = 5, PATIENCE = 2 };

typedef struct request {
    weir_offload offload; /* the first: a pointer to it is one to the request */
    bool minds;
    int units;
    char *result; /* what is to be thrown away */
    int timed_out, dropped;
    weir_latch answered;
} request;

static int work(weir_offload *offload)
{
    const struct timespec unit = {0, UNIT_NS};
    request *const r = (request *)(void *)offload;

    for (r->units = 0; r->units < UNITS; r->units++) {
        if (r->minds && !weir_offload_wanted(offload))
            return -ECANCELED;
        nanosleep(&unit, NULL);
        if (r->units == PATIENCE && weir_latch_wait(&r->answered, WEIR_FOREVER, NULL) != 0)
            return -EIO;
    }
    r->result = (char *)malloc(1000);
    return r->result != NULL ? 0 : -ENOMEM;
}

static void done(weir_offload *offload, int status)
{
    request *const r = (request *)(void *)offload;

    r->timed_out += status == -ETIMEDOUT;
    weir_latch_count_down(&r->answered, 1);
}

static void dropped(weir_offload *offload)
{
    request *const r = (request *)(void *)offload;

    r->dropped++;
    free(r->result);
}

static bool try_one(weir_loop *loop, weir_blocking *threads, bool minds)
{
    request r = {.minds = minds, .answered = WEIR_LATCH_INIT(1)};

    weir_offload_init(&r.offload, loop, work, done, dropped);
    if (weir_offload_blocking(&r.offload, threads,
                              weir_clock_after(PATIENCE * (uint64_t)UNIT_NS)) != 0)
        return false;
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER); /* alive until it is dropped */
    printf("timed out %d time, worked for %d of %d units, dropped %d time\n", r.timed_out, r.units,
           UNITS, r.dropped);
    return r.timed_out == 1 && r.dropped == 1 && (minds ? r.units < UNITS : r.units == UNITS);
}

int main(void)
{
    weir_blocking *threads;
    weir_loop *loop;
    bool right;

    if (weir_loop_new(&loop, NULL) != 0 || weir_blocking_new(&threads, NULL) != 0)
        return 1;
    right = try_one(loop, threads, false);
    right = try_one(loop, threads, true) && right;
    if (weir_blocking_stop(threads, WEIR_BLOCKING_DRAIN, WEIR_FOREVER) != 0)
        return 1;
    return weir_blocking_free(threads) == 0 && weir_loop_free(loop) == 0 && right ? 0 : 1;
}
