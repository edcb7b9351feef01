/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* log_sink: workers that must not lose a line and must not wait for the disk hand their lines to
 * an unbounded queue; writers drain it into files of their own, each line once. Workers come and
 * go; a burst costs memory, which comes back. */

#include <weir/umpmc.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { GENERATIONS = 4, WORKERS = 4, LINES = 5000, WRITERS = 2 };

typedef struct line {
    unsigned worker, number;
    char text[48];
} line;

WEIR_UMPMC_DEFINE(line_queue, line *);

typedef struct writer {
    pthread_t thread;
    FILE *file;
    unsigned lines, last[GENERATIONS * WORKERS], wrong;
} writer;

static weir_guard *domain;
static line_queue lines;
static WEIR_ATOMIC(bool) closing;

static void die(const char *what)
{
    fprintf(stderr, "log_sink: %s\n", what);
    exit(1);
}

static weir_guard_record *my_record(void)
{
    weir_guard_record *const record = weir_guard_self(domain);

    if (record == NULL)
        die("no memory");
    return record;
}

static void *work(void *argument)
{
    const unsigned worker = *(const unsigned *)argument;
    weir_guard_record *const me = my_record();

    for (unsigned i = 1; i <= LINES; i++) {
        line *const l = (line *)malloc(sizeof *l);

        if (l == NULL)
            die("no memory");
        l->worker = worker;
        l->number = i;
        snprintf(l->text, sizeof l->text, "worker %u did step %u", worker, i);
        if (line_queue_enqueue(&lines, me, l) != 0)
            die("no memory");
    }
    return NULL;
}

static void write_line(writer *w, line *l)
{
    fprintf(w->file, "%s\n", l->text);
    /* Of one worker each writer sees the lines in their order. */
    w->wrong += l->number <= w->last[l->worker];
    w->last[l->worker] = l->number;
    w->lines++;
    free(l);
}

static void *drain(void *argument)
{
    writer *const w = (writer *)argument;
    weir_guard_record *const me = my_record();

    for (;;) {
        /* Asked before the look: if all workers had ended then, empty means the end. */
        const bool last = weir_atomic_load(&closing, WEIR_ACQUIRE);
        line *l;

        if (line_queue_try_dequeue(&lines, me, &l))
            write_line(w, l);
        else if (last)
            return NULL;
        else
            sched_yield(); /* a program that is idle for long would sleep here */
    }
}

int main(void)
{
    static writer writers[WRITERS];
    weir_reclaim_stats stats;
    unsigned written = 0, wrong = 0;

    if (weir_guard_new(&domain, WEIR_GUARD_HAZARD, NULL) != 0 ||
        line_queue_init(&lines, domain, 0) != 0)
        die("no memory");
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i].file = tmpfile();
        if (writers[i].file == NULL ||
            pthread_create(&writers[i].thread, NULL, drain, &writers[i]) != 0)
            die("a writer could not be started");
    }
    for (unsigned g = 0; g < GENERATIONS; g++) {
        pthread_t threads[WORKERS];
        unsigned names[WORKERS];

        for (unsigned i = 0; i < WORKERS; i++) {
            names[i] = g * WORKERS + i;
            if (pthread_create(&threads[i], NULL, work, &names[i]) != 0)
                die("a worker could not be started");
        }
        for (unsigned i = 0; i < WORKERS; i++)
            pthread_join(threads[i], NULL);
    }
    weir_atomic_store(&closing, true, WEIR_RELEASE);
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        written += writers[i].lines;
        wrong += writers[i].wrong;
        fclose(writers[i].file);
    }
    if (written != GENERATIONS * WORKERS * LINES || wrong != 0) {
        fprintf(stderr, "%u lines, %u out of order\n", written, wrong);
        return 1;
    }
    /* All segments but the one of an empty queue are given back. */
    if (weir_guard_barrier(domain, WEIR_FOREVER) != 0)
        die("the barrier failed");
    weir_guard_stats(domain, &stats);
    if (stats.objects != 0 || line_queue_destroy(&lines) != 0 || weir_guard_free(domain) != 0)
        die("something is left");
    printf("OK log_sink lines=%u writers=%d records=%zu waiting=%zu\n", written, WRITERS,
           stats.records, stats.objects);
    return 0;
}
