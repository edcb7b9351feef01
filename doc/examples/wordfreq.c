/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* wordfreq [--threads N] [--window KIB] [DIR]: counts the words of every file below
 * DIR (/usr/include) with a pipeline, then again with one thread, and compares.
 *
 *   walker --files--> readers --chunks--> tokenizers --parcels--> counters
 *   (main)   mpmc     (N+1)/2   mpmc          N       mpsc each      N
 *
 * A word is what `LC_ALL=C grep -aoE '[A-Za-z_][A-Za-z0-9_]{0,254}'` prints; a longer
 * one counts in pieces. Each word belongs to the counter that its hash names, so a
 * counter has a table of its own and no table needs a lock.
 *
 * Memory is bounded: files are read into a window (64 MiB). When it is full the
 * pipeline runs dry, one thread counts the same bytes, and the next round begins: so
 * both counts have seen the same bytes even where a file changed meanwhile. Queues
 * are bounded, or fed from a pool: a stage that is too fast waits for the next one.
 *
 * Symbolic links are not followed and devices, pipes and sockets not opened: they
 * are "skipped". What cannot be read is "unreadable", and no reason to stop. */

#define _XOPEN_SOURCE 700

#include <weir/counter.h>
#include <weir/mpmc.h>
#include <weir/mpsc.h>
#include <weir/ticket.h>

#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNK = 64 * 1024,
    FILES = 4096,     /* files in one round */
    PARCEL = 256,     /* words in one parcel */
    PARCELS_EACH = 4, /* parcels for each pair of a tokenizer and a counter */
    THREADS_MAX = 16,
    TOP = 10
};

struct file {
    char *path;
    char *text;    /* where in the window, */
    size_t room;   /* how much of it, */
    size_t length; /* and how much was read */
    size_t offset; /* not 0: a later piece of a file that is larger than the window */
    bool more;     /* another piece is to follow */
};

struct chunk {
    const char *text; /* NULL: no more */
    size_t length;
};

struct parcel {
    weir_mpsc_node node;
    size_t count; /* 0: no more from this sender */
    struct word words[PARCEL];
};

#ifdef WEIR_HAVE_MPMC
WEIR_MPMC_DEFINE(file_queue, struct file *); /* NULL, a value like any other: no more */
WEIR_MPMC_SLOTS_DEFINE(chunk_queue, struct chunk);
WEIR_MPMC_DEFINE(parcel_pool, struct parcel *);
#else /* a machine without a double-word compare-and-swap: the ring that blocks will do */
WEIR_TICKET_DEFINE(file_queue, struct file *);
WEIR_TICKET_DEFINE(chunk_queue, struct chunk);
WEIR_TICKET_DEFINE(parcel_pool, struct parcel *);
#define chunk_queue_new(queue, capacity, spares) chunk_queue_new(queue, capacity)
#define chunk_queue_try_enqueue(queue, chunk) chunk_queue_try_enqueue(queue, *(chunk))
#endif
WEIR_MPSC_DEFINE(parcel_lane, struct parcel, node);

/* ---- the pipeline ---- */

/* Passes 0 on; everything else is an error number, of either sign. */
static void must(int result)
{
    if (result != 0)
        die("cannot go on", strerror(abs(result)));
}

static int tokenizers, readers;
static file_queue *files;
static chunk_queue *chunks;
static parcel_lane lanes[THREADS_MAX]; /* one to each counter */
static parcel_pool *pool;              /* those that nobody uses */
static struct table tables[THREADS_MAX];
static weir_ref readers_left;
static weir_counter unreadable, skipped, largest;
static weir_counter_sharded *files_read, *bytes_read, *words_found;

/* The library has no blocking wait yet: a stage that finds a queue empty, or full,
 * spins, but lets every other thread run first. */
static void let_others_run(void)
{
    sched_yield();
}

static void send_file(struct file *file)
{
    while (!file_queue_try_enqueue(files, file))
        let_others_run();
}

static void send_chunk(const char *text, size_t length)
{
    const struct chunk chunk = {text, length};

    while (!chunk_queue_try_enqueue(chunks, &chunk))
        let_others_run();
}

/* Reads file->room bytes, or fewer if the file has become shorter. What was added to
 * it since it was listed is not counted. Returns: false after an error. */
static bool read_file(struct file *file)
{
    const int fd = open(file->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    ssize_t got = 1;

    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        got = -1;
    while (got > 0 && file->length < file->room) {
        got = pread(fd, file->text + file->length, file->room - file->length,
                    (off_t)(file->offset + file->length));
        if (got > 0)
            file->length += (size_t)got;
        else if (got < 0 && errno == EINTR)
            got = 1;
    }
    if (fd >= 0)
        close(fd);
    file->more = file->more && file->length == file->room;
    if (file->more)
        file->length = safe_cut(file->text, file->length);
    return got >= 0;
}

static void *reader(void *unused)
{
    struct file *file;

    for (;;) {
        size_t done = 0;

        while (!file_queue_try_dequeue(files, &file))
            let_others_run();
        if (file == NULL)
            break;
        if (!read_file(file))
            weir_counter_inc(&unreadable); /* what was read before the error counts */
        else if (!file->more)
            weir_counter_sharded_inc(files_read);
        weir_counter_sharded_add(bytes_read, file->length);
        weir_counter_max(&largest, file->offset + file->length);
        while (done < file->length) {
            const size_t left = file->length - done;
            const size_t length = left > CHUNK ? safe_cut(file->text + done, CHUNK) : left;

            send_chunk(file->text + done, length);
            done += length;
        }
    }
    /* The last one out tells the tokenizers. A weir_ref and not a weir_counter, for the
     * last one must know that the others have sent all their chunks. The end goes
     * through the queue, behind the chunks: an empty queue says nothing about it. */
    if (weir_ref_put(&readers_left))
        for (int i = 0; i < tokenizers; i++)
            send_chunk(NULL, 0);
    return unused;
}

/* Ends: a tokenizer holds one parcel for each counter, there are more than that, and
 * those that are not held are in the pool or with a counter, which never waits for one. */
static struct parcel *take_parcel(void)
{
    struct parcel *parcel;

    while (!parcel_pool_try_dequeue(pool, &parcel))
        let_others_run();
    parcel->count = 0;
    return parcel;
}

static void *tokenizer(void *unused)
{
    struct parcel *open[THREADS_MAX]; /* being filled, for each counter */
    struct chunk chunk;
    struct word word;

    for (int i = 0; i < tokenizers; i++)
        open[i] = take_parcel();
    for (;;) {
        uint64_t found = 0;

        while (!chunk_queue_try_dequeue(chunks, &chunk))
            let_others_run();
        if (chunk.text == NULL)
            break;
        for (const char *at = chunk.text; next_word(&at, chunk.text + chunk.length, &word);) {
            const size_t to = (size_t)(word.hash >> 24) % (size_t)tokenizers;

            open[to]->words[open[to]->count++] = word;
            if (open[to]->count == PARCEL) {
                parcel_lane_enqueue(&lanes[to], open[to]);
                open[to] = take_parcel();
            }
            found++;
        }
        weir_counter_sharded_add(words_found, found);
    }
    for (int i = 0; i < tokenizers; i++) {
        if (open[i]->count > 0) {
            parcel_lane_enqueue(&lanes[i], open[i]);
            open[i] = take_parcel();
        }
        parcel_lane_enqueue(&lanes[i], open[i]);
    }
    return unused;
}

static void *counter(void *lane)
{
    struct table *table = &tables[(parcel_lane *)lane - lanes];

    for (int ended = 0; ended < tokenizers;) {
        struct parcel *parcel;

        while ((parcel = parcel_lane_try_dequeue(lane)) == NULL)
            let_others_run();
        for (size_t i = 0; i < parcel->count; i++)
            table_add(table, parcel->words[i].text, parcel->words[i].length, parcel->words[i].hash);
        ended += parcel->count == 0;
        if (!parcel_pool_try_enqueue(pool, parcel))
            die("the pool", "full, though it has room for every parcel");
    }
    return NULL;
}

/* ---- a round: as many files as the window holds ---- */

static char *window;
static size_t window_size = (size_t)64 << 20, window_used;
static struct file round_files[FILES];
static size_t round_count;
static pthread_t threads[3 * THREADS_MAX];
static struct table all; /* what one thread counts */
static uint64_t bytes_alone;
static double began, seconds_piped, seconds_alone;

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void begin_round(void)
{
    int started = 0;

    began = seconds();
    round_count = 0;
    window_used = 0;
    weir_ref_init(&readers_left, (uint32_t)readers);
    for (int i = 0; i < tokenizers; i++) {
        must(pthread_create(&threads[started++], NULL, counter, &lanes[i]));
        must(pthread_create(&threads[started++], NULL, tokenizer, NULL));
    }
    for (int i = 0; i < readers; i++)
        must(pthread_create(&threads[started++], NULL, reader, NULL));
}

static void end_round(void)
{
    double dry;

    for (int i = 0; i < readers; i++)
        send_file(NULL);
    for (int i = 0; i < 2 * tokenizers + readers; i++)
        must(pthread_join(threads[i], NULL));
    dry = seconds();
    for (size_t i = 0; i < round_count; i++) {
        count_plainly(&all, round_files[i].text, round_files[i].length);
        bytes_alone += round_files[i].length;
        free(round_files[i].path);
    }
    seconds_piped += dry - began;
    seconds_alone += seconds() - dry;
}

static void add_file(const char *path, size_t size)
{
    struct file *file;
    size_t offset = 0;

    do {
        const bool more = size - offset > window_size;
        const size_t room = more ? window_size : size - offset;

        if (room > window_size - window_used || round_count == FILES) {
            end_round();
            begin_round();
        }
        file = &round_files[round_count++];
        *file = (struct file){must_have(strdup(path)), window + window_used, room, 0, offset, more};
        window_used += room;
        send_file(file);
        if (!more)
            return;
        end_round(); /* where the piece was cut is only known now */
        offset += file->length;
        begin_round();
    } while (file->more);
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
    if (where->level == 0 && type == FTW_DNR)
        die(path, "cannot be read");
    if (type == FTW_DNR || type == FTW_NS)
        weir_counter_inc(&unreadable);
    else if (type == FTW_F && S_ISREG(status->st_mode))
        add_file(path, (size_t)status->st_size);
    else if (type != FTW_D)
        weir_counter_inc(&skipped);
    return 0;
}

/* ---- the two counts side by side ---- */

/* Returns: whether the counters' tables together are the table `all`. Prints the top. */
static bool compare(uint64_t *words)
{
    const struct entry *top[TOP] = {NULL};
    size_t used = 0;

    *words = 0;
    for (int i = 0; i < tokenizers; i++) {
        const struct table *t = &tables[i];

        for (size_t j = 0; j < t->size; j++) {
            const struct entry *e = &t->entries[j];

            if (e->text == NULL)
                continue;
            if (table_find(&all, e->text, strlen(e->text), e->hash)->count != e->count)
                return false;
            *words += e->count;
            for (int k = 0; k < TOP && e != NULL; k++) {
                const struct entry *other = top[k];

                if (other != NULL &&
                    (other->count > e->count ||
                     (other->count == e->count && strcmp(other->text, e->text) < 0)))
                    continue;
                top[k] = e;
                e = other;
            }
        }
        used += t->used;
    }
    for (int k = 0; k < TOP && top[k] != NULL; k++)
        printf("%10" PRIu64 " %s\n", top[k]->count, top[k]->text);
    return used == all.used;
}

static long number(const char *text, long most)
{
    char *end;
    const long value = text != NULL ? strtol(text, &end, 10) : 0;

    if (value < 1 || value > most || *end != '\0')
        die("usage: wordfreq [--threads N] [--window KIB] [DIR]", "N is 1 to 16, KIB 1 to 1048576");
    return value;
}

int main(int argc, char **argv)
{
    const char *argument = "/usr/include";
    struct parcel *parcels;
    size_t parcel_count;
    uint64_t words, bytes;
    double mbps;
    char *root;
    bool same;

    tokenizers = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (tokenizers < 1 || tokenizers > THREADS_MAX)
        tokenizers = tokenizers < 1 ? 1 : THREADS_MAX;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--threads") == 0)
            tokenizers = (int)number(argv[++i], THREADS_MAX);
        else if (strcmp(argv[i], "--window") == 0)
            window_size = (size_t)number(argv[++i], 1 << 20) << 10;
        else
            argument = argv[i];
    }
    readers = (tokenizers + 1) / 2;
    root = realpath(argument, NULL);
    if (root == NULL)
        die(argument, strerror(errno));

    parcel_count = (size_t)(tokenizers * tokenizers * PARCELS_EACH);
    parcels = must_have(calloc(parcel_count, sizeof *parcels));
    window = must_have(malloc(window_size));
    must(file_queue_new(&files, 64));
    must(chunk_queue_new(&chunks, 64, (size_t)(readers + tokenizers))); /* a spare for each user */
    must(parcel_pool_new(&pool, parcel_count));
    must(weir_counter_sharded_new(&files_read, weir_counter_sharded_slots()));
    must(weir_counter_sharded_new(&bytes_read, weir_counter_sharded_slots()));
    must(weir_counter_sharded_new(&words_found, weir_counter_sharded_slots()));
    for (size_t i = 0; i < parcel_count; i++)
        must(!parcel_pool_try_enqueue(pool, &parcels[i]));
    for (int i = 0; i < tokenizers; i++) {
        parcel_lane_init(&lanes[i]);
        table_init(&tables[i], 1024);
    }
    table_init(&all, 1024);
    classes_init();

    begin_round();
    if (nftw(root, visit, 32, FTW_PHYS) != 0)
        die(root, strerror(errno));
    end_round();

    same = compare(&words);
    bytes = weir_counter_sharded_read(bytes_read);
    mbps = (double)bytes / seconds_piped * 1e-6;
    printf("%" PRIu64 " files, the largest %" PRIu64 " bytes; %" PRIu64 " unreadable, %" PRIu64
           " skipped\n%" PRIu64 " bytes, %" PRIu64 " words, %zu of them different\n",
           weir_counter_sharded_read(files_read), weir_counter_read(&largest),
           weir_counter_read(&unreadable), weir_counter_read(&skipped), bytes, words, all.used);
    printf(
        "pipeline of %d threads, reading included: %.1f MB/s; one thread, in memory: %.1f MB/s\n",
        readers + 2 * tokenizers, mbps, (double)bytes / seconds_alone * 1e-6);
    if (!same || bytes != bytes_alone || words != weir_counter_sharded_read(words_found))
        die("the pipeline and the single thread", "their counts differ");
    printf("OK wordfreq files=%" PRIu64 " bytes=%" PRIu64 " words=%" PRIu64 " mbps=%.1f\n",
           weir_counter_sharded_read(files_read), bytes, words, mbps);

    for (int i = 0; i < tokenizers; i++) {
        must(parcel_lane_destroy(&lanes[i]));
        table_free(&tables[i]);
    }
    table_free(&all);
    for (struct parcel *parcel; parcel_pool_try_dequeue(pool, &parcel);)
        parcel_count--;
    must(parcel_count != 0); /* every parcel has come back */
    must(file_queue_free(files));
    must(chunk_queue_free(chunks));
    must(parcel_pool_free(pool));
    weir_counter_sharded_free(files_read);
    weir_counter_sharded_free(bytes_read);
    weir_counter_sharded_free(words_found);
    free(parcels);
    free(window);
    free(root);
    return 0;
}
