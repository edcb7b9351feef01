/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* c10k: 10,000 connections of one loop in one thread, both ends of each in this process. Each says
 * something, is answered, and stays. Printed is what a connection takes of the process's memory,
 * and how long an echo takes while 9,999 others are open. (What a socket takes of the kernel's
 * memory is not in there.)
 *
 * Where fewer descriptors are allowed it makes do with fewer connections, and says so. They come
 * from several addresses of this machine, since one has no more than some 28,000 ports. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sockets and limits, also with -std=c11 */
#endif

#include <weir/loop.h>
#include <weir/stream.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { CONNECTIONS = 10000, SPARE_FDS = 64, AT_A_TIME = 100, EACH_ADDRESS = 5000 };

/* An end of a connection. */
typedef struct end {
    weir_stream stream; /* first */
    uint64_t begun;     /* of who asks */
} end;

static weir_loop *loop;
static weir_listener listener;
static struct sockaddr_in address;
static weir_stream *servers; /* the ends that were accepted */
static end *clients;
static uint64_t *times;
static unsigned count, accepted_count, asked, answered_count, closed_count;

/* ---- the server ---- */

static void echo(weir_stream *stream, void *data, size_t bytes)
{
    if (weir_stream_copy(stream, data, bytes) != 0)
        abort();
}

static void left(weir_stream *stream, int status)
{
    (void)status;
    weir_stream_close(stream);
}

static void closed(weir_stream *stream)
{
    (void)stream;
    if (++closed_count == 2 * count)
        weir_listener_close(&listener);
}

static void accepted(weir_listener *from, int fd)
{
    static const weir_stream_calls calls = {.read = echo, .end = left, .closed = closed};
    weir_stream *const stream = &servers[accepted_count];

    (void)from;
    if (accepted_count == count ||
        weir_stream_open(stream, loop, fd, WEIR_STREAM_SOCKET, &calls) != 0 ||
        weir_stream_read(stream) != 0)
        abort();
    accepted_count++;
}

/* ---- the clients ---- */

static void ask_next(void)
{
    end *const self = &clients[asked++ % count];
    const char what = '?';

    self->begun = weir_clock_now();
    if (weir_stream_copy(&self->stream, &what, 1) != 0)
        abort();
}

static void answered(weir_stream *stream, void *data, size_t bytes)
{
    const end *const self = (const end *)(const void *)stream;

    (void)data;
    (void)bytes;
    times[answered_count++] = weir_clock_now() - self->begun;
    if (asked < 2 * count)
        ask_next();
    else if (answered_count == 2 * count)
        weir_loop_stop(loop);
}

static int connect_one(unsigned i)
{
    static const weir_stream_calls calls = {.read = answered, .closed = closed};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in from = address;

    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + i / EACH_ADDRESS);
    from.sin_port = 0;
    if (fd < 0 || bind(fd, (const struct sockaddr *)&from, sizeof from) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        weir_stream_open(&clients[i].stream, loop, fd, WEIR_STREAM_SOCKET, &calls) != 0)
        return -1;
    return weir_stream_read(&clients[i].stream);
}

/* ---- what it takes ---- */

/* Bytes of the process that are in memory. */
static size_t resident(void)
{
    unsigned long all, in_memory = 0;
    FILE *const file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%lu %lu", &all, &in_memory) != 2)
        in_memory = 0;
    if (file != NULL)
        fclose(file);
    return in_memory * (size_t)sysconf(_SC_PAGESIZE);
}

static int compare(const void *a, const void *b)
{
    return *(const uint64_t *)a < *(const uint64_t *)b ? -1 : 1;
}

/* As many as there are descriptors for. */
static unsigned allowed(void)
{
    const rlim_t wanted = 2 * CONNECTIONS + SPARE_FDS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
            return 0;
    }
    if (limit.rlim_cur >= wanted)
        return CONNECTIONS;
    return limit.rlim_cur <= SPARE_FDS ? 0 : (unsigned)(limit.rlim_cur - SPARE_FDS) / 2;
}

int main(void)
{
    static const weir_listener_calls calls = {.accepted = accepted};
    socklen_t length = sizeof address;
    size_t before, after;

    count = allowed();
    if (count == 0)
        return 1;
    if (count < CONNECTIONS)
        printf("the limit of descriptors (RLIMIT_NOFILE) allows %u connections, not %u\n", count,
               (unsigned)CONNECTIONS);
    times = (uint64_t *)calloc(2 * count, sizeof *times);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (times == NULL || weir_loop_new(&loop, NULL) != 0 ||
        weir_listener_open(&listener, loop, (const struct sockaddr *)&address, length, 1024, false,
                           0, &calls) != 0 ||
        getsockname(weir_listener_fd(&listener), (struct sockaddr *)&address, &length) != 0)
        return 1;

    before = resident();
    servers = (weir_stream *)malloc(count * sizeof *servers);
    clients = (end *)malloc(count * sizeof *clients);
    if (servers == NULL || clients == NULL)
        return 1;
    for (unsigned i = 0; i < count; i++) {
        if (connect_one(i) != 0) {
            perror("c10k: connect");
            return 1;
        }
        if (i % 32 == 0) /* a turn accepts 64 at most; the others stand in the kernel's queue */
            weir_loop_turn(loop, 0);
    }
    while (accepted_count < count)
        weir_loop_turn(loop, WEIR_FOREVER);
    for (unsigned i = 0; i < AT_A_TIME && i < count; i++)
        ask_next();
    weir_loop_run(loop, WEIR_LOOP_STOPPED, WEIR_FOREVER);
    after = resident();

    qsort(times, 2 * count, sizeof *times, compare);
    printf("%u connections, of two ends each: %zu bytes of memory an end; weir_stream is %zu\n",
           count, (after - before) / (2 * (size_t)count), sizeof(weir_stream));
    printf("%u echoes, %u at a time: p50 %.3f ms, p99 %.3f ms\n", answered_count,
           (unsigned)AT_A_TIME, (double)times[count] / 1e6,
           (double)times[2 * count * 99 / 100] / 1e6);

    for (unsigned i = 0; i < count; i++)
        weir_stream_close(&clients[i].stream);
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    free(servers);
    free(clients);
    free(times);
    return weir_loop_free(loop) == 0 && answered_count == 2 * count && closed_count == 2 * count
               ? 0
               : 1;
}
