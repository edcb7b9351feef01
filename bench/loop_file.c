/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/loop_file.c: reads of 4 KiB at random places of a file that is in the page cache; each that
 * is done begins the next one. The loop is on the first CPU, a pool's threads are on the others;
 * CPU time is that of all of them, and of what the kernel does for the process. */

#include "loop.h"

#include "driver.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* clang-format off */
const bench_row bench_rows_file[LOOP_FILE_ROWS] = {
    {"loop/file/1", "4 KiB of a file in the page cache, one read after the other; and the CPU time of one", "ns", true, 2, {"time", "CPU", NULL}},
    {"loop/file/16", "16 under way: time for each", "ns", true, 2, {"time", "CPU", NULL}},
    {"loop/file/64", "64 under way", "ns", true, 2, {"time", "CPU", NULL}},
};
/* clang-format on */

enum { BLOCKS = 8192, THREADS = 4 /* as libuv has where nothing is said */ };

static const loop_file_face *face;
static bench_run *the_run;
static int file;
static unsigned under_way;
static uint64_t reads, wrong, random_state = 88172645463325252;
static uint64_t mark_ns, begin_ns, begin_cpu, begin_reads;
static bench_cpu_time before;
static bool over;

static void begin_one(loop_read *read)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    read->offset = (int64_t)(random_state % BLOCKS) * LOOP_BLOCK;
    face->read(read, file);
}

static void look_at_clock(void)
{
    const uint64_t now = bench_now_ns(), cpu = bench_loop_clock(CLOCK_PROCESS_CPUTIME_ID);

    if (now < mark_ns)
        return;
    if (begin_ns == 0) { /* the threads are made */
        bench_pin(0);
        before = bench_read_cpu_time();
        begin_ns = bench_now_ns();
        begin_cpu = cpu;
        begin_reads = reads;
        mark_ns = begin_ns + (uint64_t)(the_run->seconds * 1e9);
        return;
    }
    over = true;
    the_run->window = (double)(now - begin_ns) / 1e9;
    the_run->total = reads - begin_reads;
    the_run->value[0] = (double)(now - begin_ns) / (double)the_run->total;
    the_run->value[1] = (double)(cpu - begin_cpu) / (double)the_run->total;
    bench_set_others(the_run, &before, 0);
}

static void has_read(loop_read *read, int64_t bytes)
{
    int64_t place = -1;

    if (bytes == LOOP_BLOCK)
        memcpy(&place, read->data, sizeof place);
    wrong += place != read->offset;
    if (++reads % 64 == 0 && !over)
        look_at_clock();
    if (!over)
        begin_one(read);
}

static bool make_file(void)
{
    char name[] = "/tmp/weir-bench-XXXXXX";
    int64_t block[LOOP_BLOCK / sizeof(int64_t)] = {0};

    file = mkstemp(name);
    if (file >= 0)
        (void)unlink(name);
    for (int64_t i = 0; file >= 0 && i < BLOCKS; i++) {
        block[0] = i * LOOP_BLOCK;
        if (write(file, block, sizeof block) != (ssize_t)sizeof block)
            return false;
    }
    return file >= 0;
}

void bench_loop_files(bench_run *run, const loop_file_face *of, unsigned row)
{
    static const unsigned depths[LOOP_FILE_ROWS] = {1, 16, 64};
    const size_t stride = (of->read_bytes + WEIR_CACHELINE - 1) & ~(size_t)(WEIR_CACHELINE - 1);
    char *each;

    face = of;
    the_run = run;
    under_way = depths[row];
    each = (char *)bench_alloc(under_way * stride);
    if (!make_file()) {
        bench_fail(run, "no file: %s", strerror(errno));
        return;
    }
    bench_loop_leave_first_cpu();
    if (!face->open(THREADS)) {
        bench_fail(run, "the loop could not be made");
        return;
    }
    mark_ns = bench_now_ns() + (uint64_t)(run->seconds * 0.15e9);
    for (unsigned i = 0; i < under_way; i++) {
        loop_read *const read = (loop_read *)(void *)(each + i * stride);

        read->done = has_read;
        read->data = (char *)bench_alloc(LOOP_BLOCK);
        begin_one(read);
    }
    face->run();
    if (wrong != 0)
        bench_fail(run, "%llu wrong reads", (unsigned long long)wrong);
    run->threads = 1 + THREADS;
    run->sleeps = true;
    if (run->total == 0)
        bench_starved(run, 0);
    run->done = true;
}
