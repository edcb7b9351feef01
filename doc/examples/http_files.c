/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* http_files [-a ADDRESS] [-p PORT] [-j LOOPS] [-c CONNECTIONS] [-t SECONDS] DIRECTORY: serves the
 * files below a directory by HTTP/1.1, until SIGTERM or SIGINT; then it answers what has been asked
 * for, and ends.
 *
 * One loop, or several, each with a thread and a listener of its own on the same port. A loop never
 * waits for the disk when it looks for a file: that is done by a pool of threads. The bytes of a
 * file go from the kernel's cache to the socket. (Where they are not in the cache sendfile(2) does
 * wait: a server of more than fits into memory wants a loop more for each disk.)
 *
 * Of one client there is one request at a time: while it is answered nothing more is read, so
 * that who sends many and reads no answers is held up, not stored. SECONDS (10) are what a client
 * may take for a request, from its first byte on; without a request; and without taking a byte of
 * an answer. CONNECTIONS (1000) of a loop are served at a time, more wait in the kernel.
 *
 * No link is followed, and no name beginning with a dot is served: so nothing outside is reached.
 *
 * Without DIRECTORY it makes one, asks itself for what is in there, and ends. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH */
#endif

#include "http_client.h"

#include <weir/signal.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>

enum { LOOPS_MAX = 64 };

/* A loop, and its thread. */
typedef struct host {
    server server; /* first */
    weir_job drain;
    pthread_t thread;
} host;

static host hosts[LOOPS_MAX];
static unsigned loops = 1, connections = 1000;
static weir_signal terminate, interrupt;

/* ---- a loop ---- */

static void accepted(weir_listener *listener, int fd)
{
    client_begin((server *)(void *)((char *)listener - offsetof(server, listener)), fd);
}

static void not_accepted(weir_listener *listener, int status)
{
    (void)listener;
    fprintf(stderr, "http_files: accept: %s\n", strerror(-status));
}

static int drain(weir_job *job)
{
    host *const self = (host *)(void *)((char *)job - offsetof(host, drain));

    weir_listener_close(&self->server.listener);
    clients_drain(&self->server);
    return 0;
}

static void on_signal(weir_signal *watcher, int number)
{
    (void)watcher;
    (void)number;
    weir_signal_stop(&terminate, NULL); /* the next one ends the process */
    weir_signal_stop(&interrupt, NULL);
    for (unsigned i = 0; i < loops; i++)
        if (weir_loop_post(hosts[i].server.loop, &hosts[i].drain) != 0)
            abort(); /* nobody closes a loop */
}

/* Listens at *address; of port 0 it becomes the one that the kernel has chosen. */
static int begin(host *self, const server *like, struct sockaddr_in *address)
{
    static const weir_listener_calls calls = {accepted, not_accepted};
    weir_listener *const listener = &self->server.listener;
    const int yes = 1;
    socklen_t length = sizeof *address;
    int status;

    self->server = *like;
    weir_job_init(&self->drain, drain);
    status = weir_loop_new(&self->server.loop, NULL);
    if (status == 0)
        status = weir_listener_open(listener, self->server.loop, (struct sockaddr *)address, length,
                                    1024, loops > 1, connections, &calls);
    if (status != 0)
        return status;
    /* A head does not wait for what follows. Connections have it of their listener. */
    if (setsockopt(weir_listener_fd(listener), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 ||
        getsockname(weir_listener_fd(listener), (struct sockaddr *)address, &length) != 0)
        return -errno;
    return 0;
}

static void *run(void *host_)
{
    weir_loop *const loop = ((host *)host_)->server.loop;

    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    return weir_loop_free(loop) == 0 ? NULL : host_;
}

/* ---- all of them ---- */

/* Until a signal comes. Returns: 0; a negative errno. */
static int serve(server *like, struct sockaddr_in *address,
                 void (*ready)(const struct sockaddr_in *address))
{
    void *failed, *result;
    int status = weir_blocking_new(&like->threads, NULL);

    for (unsigned i = 0; status == 0 && i < loops; i++)
        status = begin(&hosts[i], like, address);
    if (status == 0)
        status = weir_signal_start(&terminate, hosts[0].server.loop, SIGTERM, on_signal, true);
    if (status == 0)
        status = weir_signal_start(&interrupt, hosts[0].server.loop, SIGINT, on_signal, true);
    for (unsigned i = 1; status == 0 && i < loops; i++)
        status = -pthread_create(&hosts[i].thread, NULL, run, &hosts[i]);
    if (status != 0)
        return status;
    ready(address);
    failed = run(&hosts[0]);
    for (unsigned i = 1; i < loops; i++)
        if (pthread_join(hosts[i].thread, &result) != 0 || result != NULL)
            failed = &hosts[i];
    status = weir_blocking_stop(like->threads, WEIR_BLOCKING_DRAIN, WEIR_FOREVER);
    return status == 0 && weir_blocking_free(like->threads) == 0 && failed == NULL ? 0 : -EBUSY;
}

static void say_where(const struct sockaddr_in *address)
{
    char name[INET_ADDRSTRLEN];

    printf("http://%s:%u/\n", inet_ntop(AF_INET, &address->sin_addr, name, sizeof name),
           ntohs(address->sin_port));
    fflush(stdout);
}

/* ---- without a directory ---- */

/* What is asked, and how the answer begins and ends. */
static const char *const questions[][3] = {
    {"GET /a.txt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 ",
     "\r\n\r\nsome text"},
    {"GET /%61.txt HTTP/1.0\r\nRange: bytes=5-6\r\n\r\n", "HTTP/1.1 206 ", "\r\n\r\nte"},
    {"HEAD /a.txt HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", "Content-Length: 9\r\n\r\n"},
    {"HEAD /a.txt HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ",
     "404 Not Found\n"},
    {"GET /..%2fa.txt HTTP/1.0\r\n\r\n", "HTTP/1.1 404 ", "404 Not Found\n"},
    {"PUT /a.txt HTTP/1.0\r\n\r\n", "HTTP/1.1 405 ", "405 Method Not Allowed\n"},
    {"anything\r\n\r\n", "HTTP/1.1 501 ", "501 Not Implemented\n"},
};

static struct sockaddr_in place_of_server;
static unsigned wrong;

static void *ask(void *unused)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        const char *const *const q = questions[i];
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        char answer[4096] = "";
        size_t n = 0;
        ssize_t more = 0;

        if (connect(fd, (struct sockaddr *)&place_of_server, sizeof place_of_server) == 0 &&
            write(fd, q[0], strlen(q[0])) == (ssize_t)strlen(q[0]))
            while (n < sizeof answer - 1 &&
                   (more = read(fd, answer + n, sizeof answer - 1 - n)) > 0)
                n += (size_t)more;
        close(fd);
        if (more != 0 || strncmp(answer, q[1], strlen(q[1])) != 0 || n < strlen(q[2]) ||
            strcmp(answer + n - strlen(q[2]), q[2]) != 0) {
            printf("asked:\n%s\nanswered:\n%s\n", q[0], answer);
            wrong++;
        }
    }
    kill(getpid(), SIGTERM);
    return unused;
}

static pthread_t asker;

static void begin_to_ask(const struct sockaddr_in *address)
{
    place_of_server = *address;
    if (pthread_create(&asker, NULL, ask, NULL) != 0)
        abort();
}

static int ask_itself(server *like, struct sockaddr_in *address)
{
    char directory[] = "/tmp/http_files-XXXXXX";
    int status = mkdtemp(directory) != NULL ? 0 : -errno, fd;

    if (status != 0)
        return status;
    like->root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    fd = openat(like->root, "a.txt", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (write(fd, "some text", 9) != 9)
        status = -errno;
    close(fd);
    if (status == 0)
        status = serve(like, address, begin_to_ask);
    if (status == 0)
        status = -pthread_join(asker, NULL);
    unlinkat(like->root, "a.txt", 0);
    rmdir(directory);
    printf("asked %zu times; %u answers were wrong\n", sizeof questions / sizeof *questions, wrong);
    return status == 0 && wrong != 0 ? -EPROTO : status;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    server like;
    int option, status;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memset(&like, 0, sizeof like);
    like.patience = UINT64_C(10000000000);
    while ((option = getopt(argc, argv, "a:p:j:c:t:")) != -1) {
        const unsigned long n = optarg != NULL ? strtoul(optarg, NULL, 10) : 0;

        if (option == 'a' && inet_pton(AF_INET, optarg, &address.sin_addr) == 1)
            continue;
        else if (option == 'p' && n <= 65535)
            address.sin_port = htons((uint16_t)n);
        else if (option == 'j' && n >= 1 && n <= LOOPS_MAX)
            loops = (unsigned)n;
        else if (option == 'c' && n >= 1 && n <= 1000000)
            connections = (unsigned)n;
        else if (option == 't' && n >= 1 && n <= 1000000)
            like.patience = n * UINT64_C(1000000000);
        else
            optind = argc + 1;
    }
    if (optind + 1 < argc || optind > argc) {
        fprintf(stderr, "usage: http_files [-a ADDRESS] [-p PORT] [-j LOOPS] [-c CONNECTIONS] "
                        "[-t SECONDS] DIRECTORY\n");
        return 2;
    }
    if (optind == argc) {
        status = ask_itself(&like, &address);
    } else {
        like.root = open(argv[optind], O_PATH | O_DIRECTORY | O_CLOEXEC);
        status = like.root >= 0 ? serve(&like, &address, say_where) : -errno;
    }
    if (status != 0)
        fprintf(stderr, "http_files: %s\n", strerror(-status));
    return status != 0;
}
