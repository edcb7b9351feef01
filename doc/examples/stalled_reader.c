/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stalled_reader: a thread enters a read section and stays there. With epochs that keeps
 * everything that is retired from then on; so the domain has a limit in bytes, and a callback
 * that is told which thread it is. (frozen_reader has the same with intervals.) */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* syscall() */
#endif

#include <weir/epoch.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OBJECTS = 20000, BYTES = 64, LIMIT = 256 * 1024 };

typedef struct complaints {
    int count;
    weir_stall last;
} complaints;

static weir_epoch *domain;
static sem_t entered, may_leave;
static int reader_id;
static int freed;

/* Called in the thread that retires, after each look that leaves more than the limit. */
static void stalled(const weir_stall *stall, void *context)
{
    complaints *const heard = (complaints *)context;

    if (heard->count++ == 0)
        printf("thread %d has been inside for %u batches: %zu objects, %zu bytes wait\n",
               stall->thread, (unsigned)stall->eras, stall->objects, stall->bytes);
    heard->last = *stall;
}

static void free_object(weir_retired *retired)
{
    free(retired);
    freed++; /* one thread retires and collects */
}

static void *slow_reader(void *unused)
{
    weir_epoch_record *const record = weir_epoch_self(domain);

    reader_id = (int)syscall(SYS_gettid);
    if (record != NULL) {
        const weir_section section = weir_epoch_enter(record);

        sem_post(&entered);
        while (sem_wait(&may_leave) != 0) /* what no reader should do inside */
            continue;
        weir_epoch_exit(record, section);
    }
    return unused;
}

int main(void)
{
    complaints heard = {0, {0, 0, 0, 0}};
    weir_reclaim_options options = {0, 0, LIMIT, stalled, NULL, false};
    weir_epoch_record *record;
    pthread_t thread;

    options.context = &heard;
    if (sem_init(&entered, 0, 0) != 0 || sem_init(&may_leave, 0, 0) != 0 ||
        weir_epoch_new(&domain, &options) != 0 || (record = weir_epoch_self(domain)) == NULL ||
        pthread_create(&thread, NULL, slow_reader, NULL) != 0)
        return 1;
    while (sem_wait(&entered) != 0)
        continue;
    for (int i = 0; i < OBJECTS; i++) {
        weir_retired *const object = (weir_retired *)calloc(1, BYTES);

        if (object == NULL)
            return 1;
        weir_epoch_retire(record, object, free_object, BYTES);
    }
    if (heard.count == 0 || heard.last.thread != reader_id || heard.last.bytes <= LIMIT) {
        fprintf(stderr, "the limit was passed, and thread %d was not named\n", reader_id);
        return 1;
    }
    sem_post(&may_leave);
    pthread_join(thread, NULL);
    /* Nobody is inside any more: what waits is freed now, not with a later batch. */
    if (weir_epoch_barrier(domain, WEIR_FOREVER) != 0 || freed != OBJECTS ||
        weir_epoch_free(domain) != 0)
        return 1;
    sem_destroy(&entered);
    sem_destroy(&may_leave);
    printf("OK stalled_reader limit=%d complaints=%d freed=%d\n", LIMIT, heard.count, freed);
    return 0;
}
