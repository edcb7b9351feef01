/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* dial HOST PORT: connects to HOST by its name, whichever of its addresses answers first, and
 * prints what comes, until the other side ends. After 10 s without a connection it gives up.
 *
 * Without HOST it listens at a port of its own, on "localhost", and connects to that. */

#define _POSIX_C_SOURCE 200809L

#include <weir/dial.h>
#include <weir/stream.h>

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static weir_loop *loop;
static weir_dial dial;
static weir_stream server;
static int status = 1; /* of the program */

/* ---- what comes ---- */

static void print(weir_stream *stream, void *data, size_t bytes)
{
    (void)stream;
    fwrite(data, 1, bytes, stdout);
}

static void end(weir_stream *stream, int why)
{
    if (why != 0)
        fprintf(stderr, "dial: %s\n", strerror(-why));
    status = why != 0;
    weir_stream_close(stream);
}

static const weir_stream_calls calls = {.read = print, .end = end};

static void connected(weir_dial *from, int why, int fd)
{
    if (why != 0) {
        const int code = weir_dial_code(from);

        fprintf(stderr, "dial: %s\n", code != 0 ? gai_strerror(code) : strerror(-why));
    } else if (weir_stream_open(&server, loop, fd, WEIR_STREAM_SOCKET, &calls) != 0) {
        close(fd);
    } else if (weir_stream_read(&server) != 0) {
        weir_stream_close(&server);
    }
}

/* ---- somebody to connect to ---- */

static const char greeting[] = "Here I am.\n";
static weir_stream client;
static weir_listener listener;

static void greet(weir_listener *from, int fd)
{
    static const weir_stream_calls silent = {.read = NULL};

    weir_listener_close(from); /* one is enough */
    if (weir_stream_open(&client, loop, fd, WEIR_STREAM_SOCKET, &silent) != 0) {
        close(fd);
        return;
    }
    if (weir_stream_copy(&client, greeting, sizeof greeting - 1) != 0)
        fprintf(stderr, "dial: the greeting is lost\n");
    weir_stream_close(&client);
}

static int listen_here(char *port, size_t bytes)
{
    static const weir_listener_calls listens = {greet, NULL};
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (weir_listener_open(&listener, loop, (const struct sockaddr *)&address, length, 8, false, 0,
                           &listens) != 0 ||
        getsockname(weir_listener_fd(&listener), (struct sockaddr *)&address, &length) != 0)
        return 1;
    snprintf(port, bytes, "%u", (unsigned)ntohs(address.sin_port));
    return 0;
}

int main(int argc, char **argv)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking *names; /* nothing but look-ups waits here */
    char port[8];
    int refused;

    options.max_threads = 4;
    if (weir_loop_new(&loop, NULL) != 0 || weir_blocking_new(&names, &options) != 0 ||
        (argc < 3 && listen_here(port, sizeof port) != 0))
        return 1;
    refused =
        weir_dial_name(&dial, loop, names, argc < 3 ? "localhost" : argv[1],
                       argc < 3 ? port : argv[2], NULL, weir_clock_after(10000000000), connected);
    if (refused != 0) {
        fprintf(stderr, "dial: %s\n", strerror(-refused));
        return 1;
    }
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    if (weir_blocking_stop(names, WEIR_BLOCKING_DRAIN, WEIR_FOREVER) != 0)
        return 1;
    weir_blocking_free(names);
    return weir_loop_free(loop) == 0 ? status : 1;
}
