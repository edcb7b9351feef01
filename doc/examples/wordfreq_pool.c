/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* wordfreq_pool [--threads N] [--window KIB] [DIR]: what wordfreq.c does with a pipeline of
 * threads and queues, done with three loops by the workers of a pool. It prints the same counts.
 *
 *   list files; then, for as many as the window holds:
 *   for each file:   read it                        where the others wait for none
 *   for each chunk:  count it in a table            one for each worker
 *   and at the end
 *   for each share:  add up what all tables have    one share for each worker
 *
 * A worker runs one body at a time, so a table that belongs to a worker needs no lock; nor does
 * one that belongs to a share. Between two loops all is done, and plain variables will do. What
 * a pipeline has more: it reads while it counts. What it has less: its queues, their bounds, and
 * the ways in which they end. */

#define _XOPEN_SOURCE 700

#include <weir/clock.h>
#include <weir/cpus.h>
#include <weir/parallel.h>
#include <weir/pool.h>

#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 64 * 1024, FILES = 4096, THREADS_MAX = 16, TABLES = 2 * THREADS_MAX + 1, TOP = 10 };

struct file {
    char *path;
    char *text;    /* where in the window, */
    size_t room;   /* how much of it, */
    size_t length; /* and how much was read */
    size_t offset; /* not 0: a later piece of a file that is larger than the window */
    bool more;     /* another piece is to follow */
    bool failed;
};

struct chunk {
    const char *text;
    size_t length;
};

static weir_parallel how;
static unsigned shares;
static char *window;
static size_t window_size = (size_t)64 << 20, window_used;
static struct file files[FILES];
static struct chunk *chunks;
static size_t file_count, chunk_count, chunk_room;
/* For workers, and those that stand in for them; the last one for main(), which takes part. */
static struct table tables[TABLES];
static struct table totals[THREADS_MAX];
static struct table all; /* what one thread counts */
static uint64_t read_files, read_bytes, largest, unreadable, skipped, shared_ns, alone_ns;

static void must(int result)
{
    if (result != 0)
        die("cannot go on", strerror(abs(result)));
}

/* ---- the loops ---- */

static int read_some(void *context, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct file *const f = (struct file *)context + i;
        const int fd = open(f->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat status;
        ssize_t got = 1;

        if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
            got = -1;
        while (got > 0 && f->length < f->room) {
            got =
                pread(fd, f->text + f->length, f->room - f->length, (off_t)(f->offset + f->length));
            if (got > 0)
                f->length += (size_t)got;
            else if (got < 0 && errno == EINTR)
                got = 1;
        }
        if (fd >= 0)
            close(fd);
        f->failed = got < 0; /* what was read before the error counts */
        f->more = f->more && f->length == f->room;
        if (f->more)
            f->length = safe_cut(f->text, f->length);
    }
    return 0;
}

static int count_some(void *context, size_t from, size_t to)
{
    const unsigned worker = weir_pool_worker(); /* UINT_MAX: main() */
    struct table *const mine = &tables[worker == UINT_MAX ? TABLES - 1 : worker];
    struct word word;

    (void)context;
    if (mine->entries == NULL)
        table_init(mine, 1024);
    for (size_t i = from; i < to; i++)
        for (const char *at = chunks[i].text;
             next_word(&at, chunks[i].text + chunks[i].length, &word);)
            table_add(mine, word.text, word.length, word.hash);
    return 0;
}

static int add_up_some(void *context, size_t from, size_t to)
{
    (void)context;
    for (size_t share = from; share < to; share++) {
        for (int i = 0; i < TABLES; i++) {
            for (size_t k = 0; k < tables[i].size; k++) {
                const struct entry *const e = &tables[i].entries[k];

                if (e->text == NULL || (e->hash >> 24) % shares != share)
                    continue;
                table_add(&totals[share], e->text, strlen(e->text), e->hash); /* once, and */
                table_find(&totals[share], e->text, strlen(e->text), e->hash)->count +=
                    e->count - 1;
            }
        }
    }
    return 0;
}

/* ---- a round: as many files as the window holds ---- */

static void add_chunk(const char *text, size_t length)
{
    if (chunk_count == chunk_room) {
        chunk_room = chunk_room * 2 + 1024;
        chunks = must_have(realloc(chunks, chunk_room * sizeof *chunks));
    }
    chunks[chunk_count].text = text;
    chunks[chunk_count++].length = length;
}

static void run_round(void)
{
    const uint64_t began = weir_clock_now();
    uint64_t counted;

    chunk_count = 0;
    must(weir_parallel_for(&how, 0, file_count, read_some, files));
    for (size_t i = 0; i < file_count; i++) {
        const struct file *const f = &files[i];

        unreadable += f->failed;
        read_files += !f->failed && !f->more;
        read_bytes += f->length;
        largest = f->offset + f->length > largest ? f->offset + f->length : largest;
        for (size_t done = 0; done < f->length; done += chunks[chunk_count - 1].length) {
            const size_t left = f->length - done;

            add_chunk(f->text + done, left > CHUNK ? safe_cut(f->text + done, CHUNK) : left);
        }
    }
    must(weir_parallel_for(&how, 0, chunk_count, count_some, NULL));
    counted = weir_clock_now();
    for (size_t i = 0; i < file_count; i++) {
        count_plainly(&all, files[i].text, files[i].length);
        free(files[i].path);
    }
    shared_ns += counted - began;
    alone_ns += weir_clock_now() - counted;
    file_count = 0;
    window_used = 0;
}

static void add_file(const char *path, size_t size)
{
    struct file file = {NULL, NULL, 0, 0, 0, false, false};
    const struct file *piece;

    do {
        file.offset += file.length;
        file.more = size - file.offset > window_size;
        file.room = file.more ? window_size : size - file.offset;
        if (file.room > window_size - window_used || file_count == FILES)
            run_round();
        file.path = must_have(strdup(path));
        file.text = window + window_used;
        file.length = 0;
        window_used += file.room;
        files[file_count] = file;
        piece = &files[file_count++];
        if (!file.more)
            return;
        run_round(); /* where the piece was cut is only known now */
        file = *piece;
    } while (file.more);
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
    if (where->level == 0 && type == FTW_DNR)
        die(path, "cannot be read");
    if (type == FTW_DNR || type == FTW_NS)
        unreadable++;
    else if (type == FTW_F && S_ISREG(status->st_mode))
        add_file(path, (size_t)status->st_size);
    else if (type != FTW_D)
        skipped++;
    return 0;
}

/* ---- the two counts side by side ---- */

static int by_count(const void *a, const void *b)
{
    const struct entry *const x = *(struct entry *const *)a, *const y = *(struct entry *const *)b;

    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : strcmp(x->text, y->text);
}

/* Returns: whether the shares together are the table `all`. Prints the top. */
static bool compare(uint64_t *words)
{
    const struct entry **const sorted = must_have(calloc(all.used + 1, sizeof *sorted));
    size_t n = 0;
    bool same = true;

    for (unsigned share = 0; share < shares; share++) {
        for (size_t i = 0; i < totals[share].size && same; i++) {
            const struct entry *const e = &totals[share].entries[i];

            if (e->text == NULL)
                continue;
            same = n < all.used &&
                   table_find(&all, e->text, strlen(e->text), e->hash)->count == e->count;
            sorted[n++] = e;
            *words += e->count;
        }
    }
    qsort(sorted, n, sizeof *sorted, by_count);
    for (size_t i = 0; i < n && i < TOP; i++)
        printf("%10" PRIu64 " %s\n", sorted[i]->count, sorted[i]->text);
    free(sorted);
    return same && n == all.used;
}

static long number(const char *text, long most)
{
    char *end;
    const long value = text != NULL ? strtol(text, &end, 10) : 0;

    if (value < 1 || value > most || *end != '\0')
        die("usage: wordfreq_pool [--threads N] [--window KIB] [DIR]",
            "N is 1 to 16, KIB 1 to 1048576");
    return value;
}

int main(int argc, char **argv)
{
    const char *argument = "/usr/include";
    weir_pool_options options = {0};
    uint64_t began, words = 0;
    char *root;
    bool same;

    shares = weir_cpus() < THREADS_MAX ? weir_cpus() : THREADS_MAX;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--threads") == 0)
            shares = (unsigned)number(argv[++i], THREADS_MAX);
        else if (strcmp(argv[i], "--window") == 0)
            window_size = (size_t)number(argv[++i], 1 << 20) << 10;
        else
            argument = argv[i];
    }
    root = realpath(argument, NULL);
    if (root == NULL)
        die(argument, strerror(errno));
    window = must_have(malloc(window_size));
    for (unsigned i = 0; i < shares; i++)
        table_init(&totals[i], 1024);
    table_init(&all, 1024);
    classes_init();
    options.workers = options.max_workers = shares;
    options.max_blocked = THREADS_MAX; /* so worker numbers are less than TABLES - 1 */
    must(weir_pool_new(&how.pool, &options));

    if (nftw(root, visit, 32, FTW_PHYS) != 0)
        die(root, strerror(errno));
    run_round();
    began = weir_clock_now();
    must(weir_parallel_for(&how, 0, shares, add_up_some, NULL));
    shared_ns += weir_clock_now() - began;
    must(weir_pool_stop(how.pool, WEIR_POOL_DRAIN, WEIR_FOREVER));
    must(weir_pool_free(how.pool));

    same = compare(&words);
    printf("%" PRIu64 " files, the largest %" PRIu64 " bytes; %" PRIu64 " unreadable, %" PRIu64
           " skipped\n%" PRIu64 " bytes, %" PRIu64 " words, %zu of them different\n",
           read_files, largest, unreadable, skipped, read_bytes, words, all.used);
    printf("pool of %u workers, reading included: %.1f MB/s; one thread, in memory: %.1f MB/s\n",
           shares, (double)read_bytes * 1e3 / (double)shared_ns,
           (double)read_bytes * 1e3 / (double)alone_ns);
    if (!same)
        die("the pool and the single thread", "their counts differ");
    printf("OK wordfreq_pool files=%" PRIu64 " bytes=%" PRIu64 " words=%" PRIu64 " mbps=%.1f\n",
           read_files, read_bytes, words, (double)read_bytes * 1e3 / (double)shared_ns);

    for (int i = 0; i < TABLES; i++)
        table_free(&tables[i]);
    for (unsigned i = 0; i < shares; i++)
        table_free(&totals[i]);
    table_free(&all);
    free(chunks);
    free(window);
    free(root);
    return 0;
}
