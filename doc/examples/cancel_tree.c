/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* cancel_tree: 1365 tasks, each of which starts four more, five levels deep; then the root is
 * cancelled. The tasks of the upper levels are threads that wait with their own token, those
 * below have a callback there. Each cleans up once, nobody is forgotten, and no task knows
 * another: the tree of the tokens does. */

#include <weir/cancel.h>

#include <pthread.h>
#include <stdio.h>

enum {
    FAN_OUT = 4,
    THREADS = 1 + 4 + 16 + 64, /* the first of all tasks, level by level */
    TASKS = THREADS + 256 + 1024,
    REASON = 1
};

typedef struct task {
    weir_cancel_source source;
    weir_cancel_callback callback;
    pthread_t thread;
} task;

static task tasks[TASKS];
static WEIR_ATOMIC(unsigned) starts, cleanups;

static void start(void)
{
    weir_atomic_fetch_add(&starts, 1, WEIR_RELAXED);
}

static void clean_up(void *one, int reason)
{
    (void)one;
    if (reason == REASON)
        weir_atomic_fetch_add(&cleanups, 1, WEIR_RELAXED);
}

static void *work(void *one)
{
    weir_cancel *const token = weir_cancel_source_token(&((task *)one)->source);

    start();
    if (weir_cancel_wait(token, WEIR_FOREVER, NULL) == 0) /* here: whatever waits */
        clean_up(one, weir_cancel_reason(token));
    return NULL;
}

int main(void)
{
    uint64_t began, took;

    for (int i = 0; i < TASKS; i++) {
        weir_cancel *const parent =
            i == 0 ? NULL : weir_cancel_source_token(&tasks[(i - 1) / FAN_OUT].source);
        weir_cancel *const token = weir_cancel_source_token(&tasks[i].source);

        weir_cancel_source_init(&tasks[i].source, parent, WEIR_FOREVER);
        if (i < THREADS) {
            if (pthread_create(&tasks[i].thread, NULL, work, &tasks[i]) != 0)
                return 1;
        } else {
            start();
            (void)weir_cancel_register(token, &tasks[i].callback, clean_up, &tasks[i]);
        }
    }
    began = weir_clock_now();
    if (!weir_cancel_source_cancel(&tasks[0].source, REASON))
        return 1;
    for (int i = 0; i < THREADS; i++)
        if (pthread_join(tasks[i].thread, NULL) != 0)
            return 1;
    took = weir_clock_now() - began;
    for (int i = TASKS; i-- > 0;) /* what was made later ends earlier */
        if (weir_cancel_source_destroy(&tasks[i].source) != 0)
            return 1;
    printf("%u tasks, %u cleanups, %.1f ms after the root's cancel\n",
           weir_atomic_load(&starts, WEIR_RELAXED), weir_atomic_load(&cleanups, WEIR_RELAXED),
           (double)took / 1e6);
    return weir_atomic_load(&starts, WEIR_RELAXED) != TASKS ||
           weir_atomic_load(&cleanups, WEIR_RELAXED) != TASKS;
}
