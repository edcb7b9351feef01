/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/loop_net.c: the clients of a server that sends back what it gets: one thread on the second
 * CPU, with an edge-triggered epoll and nothing around it, the same for all servers. Each
 * connection has one message under way. */

#include "loop.h"

#include "driver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct client {
    int fd;
    unsigned got; /* of the answer */
    uint64_t sequence;
    unsigned char answer[LOOP_MESSAGE];
} client;

typedef struct crowd {
    bench_run *run;
    client *each;
    unsigned count;
    int poll;
    uint64_t answers, wrong;
} crowd;

int bench_loop_listen(unsigned *port)
{
    struct sockaddr_in address = {0};
    socklen_t bytes = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &bytes) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

/* ---- connections ---- */

static bool connect_one(crowd *all, client *one, unsigned port)
{
    struct sockaddr_in address = {0};
    struct epoll_event event = {0};
    const int on = 1;

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)port);
    one->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = one;
    return one->fd >= 0 && connect(one->fd, (struct sockaddr *)&address, sizeof address) == 0 &&
           setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
           fcntl(one->fd, F_SETFL, O_NONBLOCK) == 0 &&
           epoll_ctl(all->poll, EPOLL_CTL_ADD, one->fd, &event) == 0;
}

static bool connect_more(crowd *all, unsigned port, unsigned more)
{
    for (unsigned i = 0; i < more; i++)
        if (!connect_one(all, &all->each[all->count++], port)) {
            bench_fail(all->run, "connection %u: %s", all->count, strerror(errno));
            return false;
        }
    return true;
}

static void ask(crowd *all, client *one)
{
    uint64_t message[LOOP_MESSAGE / sizeof(uint64_t)];

    one->sequence++;
    for (size_t i = 0; i < LOOP_MESSAGE / sizeof(uint64_t); i++)
        message[i] = one->sequence + i;
    /* There is room: nothing is under way. */
    if (send(one->fd, message, sizeof message, MSG_NOSIGNAL) != (ssize_t)sizeof message)
        bench_fail(all->run, "could not send: %s", strerror(errno));
}

/* Returns: whether the answer is complete. */
static bool hear(crowd *all, client *one)
{
    uint64_t first;
    const ssize_t got = recv(one->fd, one->answer + one->got, LOOP_MESSAGE - one->got, 0);

    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            bench_fail(all->run, "the server hung up");
        return false;
    }
    one->got += (unsigned)got;
    if (one->got < LOOP_MESSAGE)
        return false;
    one->got = 0;
    memcpy(&first, one->answer, sizeof first);
    all->wrong += first != one->sequence;
    all->answers++;
    return true;
}

static crowd *gather(bench_run *run, unsigned most)
{
    crowd *const all = (crowd *)bench_alloc(sizeof *all);

    all->run = run;
    all->each = (client *)bench_alloc(most * sizeof *all->each);
    all->poll = epoll_create1(EPOLL_CLOEXEC);
    return all;
}

static struct epoll_event events[1024];

/* Once round, and again for each answer if `again`. Returns: whether something came in time. */
static bool serve_once(crowd *all, bool again)
{
    const int ready = epoll_wait(all->poll, events, 1024, 5000);

    if (ready <= 0) {
        bench_fail(all->run, "no answer in five seconds");
        return false;
    }
    for (int i = 0; i < ready; i++) {
        client *const one = (client *)events[i].data.ptr;

        if (hear(all, one) && again)
            ask(all, one);
    }
    return all->run->why[0] == '\0';
}

/* ---- echo ---- */

void bench_loop_echo(bench_run *run, const loop_server *server, unsigned row)
{
    const unsigned count = row == LOOP_ECHO_1 ? 1 : row == LOOP_ECHO_100 ? 100 : 1000;
    crowd *const all = gather(run, count);
    bench_cpu_time before = {0, 0, 0};
    uint64_t begin = 0, cpu = 0, answers = 0, now, mark;

    bench_pin(1);
    if (!connect_more(all, server->port, count))
        return;
    for (unsigned i = 0; i < count; i++)
        ask(all, &all->each[i]);
    mark = bench_now_ns() + (uint64_t)(run->seconds * 0.15e9);
    for (;;) {
        if (!serve_once(all, true))
            return;
        now = bench_now_ns();
        if (now < mark)
            continue;
        if (begin != 0)
            break;
        before = bench_read_cpu_time();
        answers = all->answers;
        cpu = bench_loop_clock(server->clock);
        begin = bench_now_ns();
        mark = begin + (uint64_t)(run->seconds * 1e9);
    }
    cpu = bench_loop_clock(server->clock) - cpu;
    run->total = all->answers - answers;
    run->threads = 2;
    run->sleeps = true;
    run->window = (double)(now - begin) / 1e9;
    bench_set_others(run, &before, server->id == 0 ? 0 : (double)cpu / 1e9);
    if (all->wrong > 0)
        bench_fail(run, "%llu wrong answers", (unsigned long long)all->wrong);
    if (run->total == 0) {
        bench_starved(run, 0);
    } else {
        run->value[0] = (double)run->total / run->window / 1e3;
        run->value[1] = (double)cpu / 1e3 / (double)run->total;
    }
    run->done = true;
}

/* ---- memory ---- */

/* What is in memory and of the process's own. */
static uint64_t read_memory(int id)
{
    char name[64];
    unsigned long long size, resident = 0, shared = 0;
    FILE *file;

    snprintf(name, sizeof name, "/proc/%d/statm", id == 0 ? (int)getpid() : id);
    file = fopen(name, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%llu %llu %llu", &size, &resident, &shared) != 3)
        resident = shared = 0;
    fclose(file);
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool talk_once(crowd *all, unsigned from)
{
    const uint64_t until = all->answers + all->count - from;

    for (unsigned i = from; i < all->count; i++)
        ask(all, &all->each[i]);
    while (all->answers < until)
        if (!serve_once(all, false))
            return false;
    return true;
}

static void rest(void)
{
    const struct timespec time = {0, 50000000};

    nanosleep(&time, NULL);
}

enum { FIRST_CLIENTS = 100, MOST_CLIENTS = 4000 };

/* By a hundred, so that none waits for a server that lags behind: the kernel would drop it, and try
 * again after a second. */
static bool connect_and_talk(crowd *all, unsigned port, unsigned more)
{
    for (unsigned end = all->count + more; all->count < end;) {
        const unsigned from = all->count;

        if (!connect_more(all, port, end - from < 100 ? end - from : 100) || !talk_once(all, from))
            return false;
    }
    return true;
}

void bench_loop_connection(bench_run *run, const loop_server *server)
{
    crowd *const all = gather(run, FIRST_CLIENTS + MOST_CLIENTS);
    unsigned clients = MOST_CLIENTS;
    struct rlimit files;
    uint64_t before, after;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 2 * MOST_CLIENTS + 1000)
        clients = MOST_CLIENTS / 2;
    memset(events, 1, sizeof events); /* not to be counted */
    /* Before the clock: code and tables that come with the first ones. */
    if (!connect_and_talk(all, server->port, FIRST_CLIENTS))
        return;
    rest();
    (void)read_memory(server->id);
    before = read_memory(server->id);
    if (!connect_and_talk(all, server->port, clients))
        return;
    rest();
    after = read_memory(server->id);
    run->threads = 1;
    run->window = run->seconds;
    run->total = clients;
    run->value[0] = after > before ? (double)(after - before) / clients : 1;
    if (run->value[0] < 1)
        run->value[0] = 1;
    run->done = true;
}
