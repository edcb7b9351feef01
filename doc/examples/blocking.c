/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* blocking: look-ups of host names that hang, and files to be read. With one pool for both, as many
 * look-ups as it has threads would keep all files waiting. Here each class has a pool of its own:
 * eight look-ups hang in four threads, and a hundred files are read meanwhile. When the program
 * has no more patience it lets go of the look-ups that have not begun. */

#include <weir/blocking.h>
#include <weir/sem.h>

#include <errno.h>
#include <stdio.h>

enum { LOOKUPS = 8, LOOKUP_THREADS = 4, FILES = 100 };

static weir_latch server_answers = WEIR_LATCH_INIT(1);
static weir_wait_group looking = WEIR_WAIT_GROUP_INIT;

static int look_up(weir_call *call)
{
    (void)call;
    weir_wait_group_done(&looking);
    return weir_latch_wait(&server_answers, WEIR_FOREVER, NULL); /* a server that is slow */
}

static int read_file(weir_call *call)
{
    char text[64];
    FILE *const file = fopen("/dev/null", "r");

    (void)call;
    if (file == NULL)
        return -errno;
    if (fread(text, 1, sizeof text, file) != 0 || fclose(file) != 0)
        return -EIO;
    return 0;
}

static weir_blocking *make(const char *name, unsigned max_threads)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking *pool;

    options.name = name;
    options.max_threads = max_threads;
    return weir_blocking_new(&pool, &options) == 0 ? pool : NULL;
}

int main(void)
{
    weir_blocking *const names = make("names", LOOKUP_THREADS), *const files = make("files", 8);
    static weir_call lookups[LOOKUPS], reads[FILES];
    int answered = 0, dropped = 0, status;

    if (names == NULL || files == NULL)
        return 1;
    weir_wait_group_add(&looking, LOOKUP_THREADS);
    for (int i = 0; i < LOOKUPS; i++) {
        weir_call_init(&lookups[i], look_up, NULL);
        if (weir_blocking_submit(names, &lookups[i].job) != 0)
            return 1;
    }
    /* All threads that look up names hang. */
    if (weir_wait_group_wait(&looking, WEIR_FOREVER, NULL) != 0)
        return 1;

    for (int i = 0; i < FILES; i++) {
        weir_call_init(&reads[i], read_file, NULL);
        if (weir_blocking_submit(files, &reads[i].job) != 0)
            return 1;
    }
    for (int i = 0; i < FILES; i++)
        if (weir_call_get(&reads[i], WEIR_FOREVER, NULL) != 0)
            return 1;

    /* Those that wait for a thread are let go of at once; for the others there is a deadline. */
    if (weir_blocking_stop(names, WEIR_BLOCKING_DISCARD, 0) != -ETIMEDOUT)
        return 1;
    weir_latch_count_down(&server_answers, 1);
    if (weir_blocking_stop(names, WEIR_BLOCKING_DISCARD, WEIR_FOREVER) != 0 ||
        weir_blocking_stop(files, WEIR_BLOCKING_DRAIN, WEIR_FOREVER) != 0)
        return 1;
    for (int i = 0; i < LOOKUPS; i++) {
        status = weir_call_get(&lookups[i], 0, NULL);
        answered += status == 0;
        dropped += status == -ECANCELED;
    }
    if (weir_blocking_free(names) != 0 || weir_blocking_free(files) != 0)
        return 1;
    if (answered != LOOKUP_THREADS || dropped != LOOKUPS - LOOKUP_THREADS)
        return 1;
    printf("OK blocking: %d files were read while %d look-ups hung, %d answered, %d dropped\n",
           FILES, LOOKUP_THREADS, answered, dropped);
    return 0;
}
