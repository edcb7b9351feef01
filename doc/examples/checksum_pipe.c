/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* checksum_pipe [FILE]: one thread reads a file, another sums it up, with four blocks
 * between them. The blocks lie in the queue: read(2) writes into a reserved slot and the
 * sum is taken where they lie, so that no byte is copied. A block of no bytes is the end.
 *
 * By default it reads itself. The sum (Fletcher's, 64 bits) is then taken again by one
 * thread, with other block sizes, and must be the same. */

#define _POSIX_C_SOURCE 200809L

#include <weir/spsc.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { BLOCKS = 4, BLOCK = 4096 };

typedef struct block {
    size_t length;
    unsigned char bytes[BLOCK];
} block;

typedef struct sum {
    uint64_t bytes, first, second;
} sum;

WEIR_SPSC_DEFINE(block_queue, block);

static block_queue queue;
static int file;
static bool failed; /* written by the reader before it ends */

static void add(sum *s, const unsigned char *bytes, size_t length)
{
    s->bytes += length;
    for (size_t i = 0; i < length; i++) {
        s->first = (s->first + bytes[i]) % UINT32_MAX;
        s->second = (s->second + s->first) % UINT32_MAX;
    }
}

static void *reader(void *unused)
{
    ssize_t got;

    do {
        block *slot;

        while (block_queue_reserve(&queue, &slot, 1) == 0)
            sched_yield(); /* full: the other thread is slower */
        do
            got = read(file, slot->bytes, BLOCK);
        while (got < 0 && errno == EINTR);
        failed = got < 0;
        slot->length = got > 0 ? (size_t)got : 0;
        block_queue_commit(&queue, 1);
    } while (got > 0);
    return unused;
}

int main(int argc, char **argv)
{
    /* Ample; how much it takes is what weir_spsc_bytes(BLOCKS, sizeof(block)) returns. */
    _Alignas(WEIR_CACHELINE) static unsigned char buffer[(BLOCKS + 2) * (sizeof(block) + 512)];
    unsigned char other[1000];
    sum piped = {0}, alone = {0};
    pthread_t thread;
    size_t length;
    ssize_t got;

    file = open(argc > 1 ? argv[1] : argv[0], O_RDONLY | O_CLOEXEC);
    if (file < 0 || block_queue_init(&queue, buffer, sizeof buffer, BLOCKS) != 0 ||
        pthread_create(&thread, NULL, reader, NULL) != 0) {
        perror("checksum_pipe");
        return 1;
    }
    do {
        block *slot;

        while (block_queue_peek(&queue, &slot, 1) == 0)
            sched_yield(); /* empty: the other thread is slower */
        length = slot->length;
        add(&piped, slot->bytes, length);
        block_queue_release(&queue, 1);
    } while (length > 0);
    pthread_join(thread, NULL);

    if (failed || lseek(file, 0, SEEK_SET) != 0 || block_queue_destroy(&queue) != 0)
        return 1;
    while ((got = read(file, other, sizeof other)) > 0)
        add(&alone, other, (size_t)got);
    close(file);
    if (got < 0 || piped.bytes != alone.bytes || piped.first != alone.first ||
        piped.second != alone.second) {
        fprintf(stderr, "the sums differ\n");
        return 1;
    }
    printf("OK checksum_pipe bytes=%" PRIu64 " sum=%08" PRIx64 "%08" PRIx64 "\n", piped.bytes,
           piped.second, piped.first);
    return 0;
}
