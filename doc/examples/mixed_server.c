/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* mixed_server: a loop in front, a pool behind, which leaves a processor to the loop. 200 clients
 * ask, each four times a second; most requests are answered at once, one in ten is hashed for 10
 * ms. Printed is how long the light ones take: with no heavy ones; with those, hashed by the pool;
 * with those, hashed by the loop.
 *
 * The times depend on the machine. What has to hold on each is that light requests are answered
 * while heavy ones are under way. */

#include <weir/cpus.h>
#include <weir/loop.h>
#include <weir/offload.h>
#include <weir/pool.h>
#include <weir/stream.h>
#include <weir/timer.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 200, REQUESTS = 4, ONE_IN = 10 };
enum { LIGHT = 'l', BY_POOL = 'p', BY_LOOP = 'o' }; /* a request is one of these bytes */
#define PERIOD_NS UINT64_C(250000000)
#define HASH_NS UINT64_C(10000000)

static uint64_t hash_long(void)
{
    const uint64_t end = weir_clock_after(HASH_NS);
    uint64_t hash = UINT64_C(14695981039346656037);

    while (weir_clock_now() < end)
        for (unsigned i = 0; i < 1000; i++)
            hash = (hash ^ (i & 255)) * UINT64_C(1099511628211);
    return hash;
}

/* ---- the server: a thread with a loop ---- */

typedef struct connection {
    weir_stream stream; /* first */
    weir_offload heavy;
    uint64_t hash;
    bool busy, gone;
} connection;

static weir_loop *serving;
static weir_pool *pool;
static weir_listener listener;
static unsigned under_way, meanwhile; /* heavy ones in the pool; light ones answered then */

static void answer(connection *to)
{
    if (weir_stream_copy(&to->stream, &to->hash, sizeof to->hash) != 0)
        weir_stream_close(&to->stream);
}

static int hash_there(weir_offload *offload)
{
    connection *const from = (connection *)(void *)((char *)offload - offsetof(connection, heavy));

    from->hash = hash_long();
    return 0;
}

static void hashed(weir_offload *offload, int status)
{
    connection *const to = (connection *)(void *)((char *)offload - offsetof(connection, heavy));

    (void)status;
    under_way--;
    to->busy = false;
    if (to->gone)
        free(to);
    else
        answer(to);
}

static void asked(weir_stream *stream, void *data, size_t bytes)
{
    connection *const from = (connection *)(void *)stream;
    const char what = *(const char *)data;

    if (bytes != 1 || from->busy) {
        weir_stream_close(stream); /* one after the other */
    } else if (what == BY_POOL) {
        if (weir_offload_pool(&from->heavy, pool, WEIR_FOREVER) != 0)
            abort(); /* the pool is not stopped */
        from->busy = true;
        under_way++;
    } else {
        from->hash = what == BY_LOOP ? hash_long() : 0;
        meanwhile += what == LIGHT && under_way != 0;
        answer(from);
    }
}

static void left(weir_stream *stream, int status)
{
    (void)status;
    weir_stream_close(stream);
}

static void closed(weir_stream *stream)
{
    connection *const from = (connection *)(void *)stream;

    from->gone = true;
    if (!from->busy)
        free(from);
}

static void accepted(weir_listener *unused, int fd)
{
    static const weir_stream_calls calls = {.read = asked, .end = left, .closed = closed};
    connection *const made = (connection *)calloc(1, sizeof *made);

    (void)unused;
    if (made == NULL ||
        weir_stream_open(&made->stream, serving, fd, WEIR_STREAM_SOCKET, &calls) != 0 ||
        weir_stream_read(&made->stream) != 0)
        abort();
    weir_offload_init(&made->heavy, serving, hash_there, hashed, NULL);
}

static int close_listener(weir_job *job)
{
    (void)job;
    return weir_listener_close(&listener);
}

static void *serve(void *unused)
{
    weir_loop_run(serving, WEIR_LOOP_IDLE, WEIR_FOREVER);
    return unused;
}

/* ---- the clients: another loop ---- */

typedef struct client {
    weir_stream stream; /* first */
    weir_timer next;
    uint64_t begun;
    size_t got;
    unsigned number, asked;
    bool heavy;
} client;

static weir_loop *asking;
static client clients[CLIENTS];
static char heavy_byte; /* what one in ten sends */
static uint64_t times[CLIENTS * REQUESTS];
static unsigned light;

static void ask(weir_timer *timer)
{
    client *const self = (client *)(void *)((char *)timer - offsetof(client, next));
    const char what = (self->number + self->asked) % ONE_IN == 0 ? heavy_byte : LIGHT;

    self->heavy = what != LIGHT;
    self->asked++;
    self->got = 0;
    self->begun = weir_clock_now();
    if (weir_stream_copy(&self->stream, &what, 1) != 0)
        abort();
}

static void answered(weir_stream *stream, void *data, size_t bytes)
{
    client *const self = (client *)(void *)stream;

    (void)data;
    if ((self->got += bytes) < sizeof(uint64_t))
        return;
    if (!self->heavy)
        times[light++] = weir_clock_now() - self->begun;
    if (self->asked == REQUESTS)
        weir_stream_close(stream);
    else
        weir_timer_start(&self->next, weir_clock_add(self->begun, PERIOD_NS));
}

static void connect_one(client *self, const struct sockaddr_in *to)
{
    static const weir_stream_calls calls = {.read = answered};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    self->asked = 0;
    if (connect(fd, (const struct sockaddr *)to, sizeof *to) != 0 ||
        weir_stream_open(&self->stream, asking, fd, WEIR_STREAM_SOCKET, &calls) != 0 ||
        weir_stream_read(&self->stream) != 0)
        abort();
    weir_timer_init(&self->next, asking, ask);
    weir_timer_after(&self->next, self->number * (PERIOD_NS / CLIENTS));
}

static int compare(const void *a, const void *b)
{
    return *(const uint64_t *)a < *(const uint64_t *)b ? -1 : 1;
}

static void measure(const char *title, char what, const struct sockaddr_in *to)
{
    heavy_byte = what;
    light = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i].number = i;
        connect_one(&clients[i], to);
    }
    weir_loop_run(asking, WEIR_LOOP_IDLE, WEIR_FOREVER);
    qsort(times, light, sizeof *times, compare);
    printf("%-24s %4u light ones: p50 %7.3f ms, p99 %7.3f ms\n", title, light,
           (double)times[light / 2] / 1e6, (double)times[light * 99 / 100] / 1e6);
}

int main(void)
{
    static const weir_listener_calls calls = {.accepted = accepted};
    weir_pool_options options = WEIR_POOL_OPTIONS_INIT;
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    weir_job last;
    pthread_t thread;

    options.workers = weir_cpus() > 1 ? weir_cpus() - 1 : 1;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (weir_loop_new(&serving, NULL) != 0 || weir_loop_new(&asking, NULL) != 0 ||
        weir_pool_new(&pool, &options) != 0 ||
        weir_listener_open(&listener, serving, (const struct sockaddr *)&address, sizeof address,
                           CLIENTS, false, 0, &calls) != 0 ||
        getsockname(weir_listener_fd(&listener), (struct sockaddr *)&address, &length) != 0 ||
        pthread_create(&thread, NULL, serve, NULL) != 0)
        return 1;
    measure("no heavy ones", LIGHT, &address);
    measure("heavy ones by the pool", BY_POOL, &address);
    measure("heavy ones by the loop", BY_LOOP, &address);
    weir_job_init(&last, close_listener);
    if (weir_loop_post(serving, &last) != 0 || pthread_join(thread, NULL) != 0 ||
        weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0)
        return 1;
    printf("%u light ones were answered while the pool hashed\n", meanwhile);
    return weir_pool_free(pool) != 0 || weir_loop_free(serving) != 0 ||
           weir_loop_free(asking) != 0 || meanwhile == 0;
}
