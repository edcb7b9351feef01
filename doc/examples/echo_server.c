/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* echo_server PORT: sends back whatever comes, to any number of clients, with one thread. Who does
 * not read what he is sent is not read from: the server's memory for one client is bounded by the
 * stream's high mark, and one read.
 *
 * Without PORT it chooses one, talks to itself through it, and ends. */

#include <weir/stream.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static weir_loop *loop;
static weir_listener listener;

/* ---- the server ---- */

static void echo(weir_stream *client, void *data, size_t bytes)
{
    if (weir_stream_copy(client, data, bytes) != 0)
        weir_stream_close(client); /* it has gone, or there is no memory */
    else if (weir_stream_is_full(client))
        weir_stream_pause(client);
}

static void go_on(weir_stream *client)
{
    if (weir_stream_read(client) != 0)
        weir_stream_close(client);
}

static void shut(weir_stream *client, int status)
{
    (void)status;
    weir_stream_close(client);
}

/* He sends no more: he gets what is left, and the end. */
static void end(weir_stream *client, int status)
{
    if (status != 0 || weir_stream_shutdown(client) != -EINPROGRESS)
        weir_stream_close(client);
}

static void closed(weir_stream *client)
{
    free(client);
}

static const weir_stream_calls calls = {
    .read = echo, .end = end, .drained = go_on, .shut = shut, .closed = closed};

static void accepted(weir_listener *from, int fd)
{
    weir_stream *const client = (weir_stream *)malloc(sizeof *client);

    (void)from;
    if (client == NULL || weir_stream_open(client, loop, fd, WEIR_STREAM_SOCKET, &calls) != 0) {
        free(client);
        close(fd);
    } else {
        go_on(client);
    }
}

static void failed(weir_listener *from, int status)
{
    (void)from;
    fprintf(stderr, "echo_server: accept: %s\n", strerror(-status));
}

static const weir_listener_calls listener_calls = {.accepted = accepted, .failed = failed};

/* ---- a client, to try it ---- */

static const char greeting[] = "Is anybody there?";
static char answer[sizeof greeting];
static size_t heard;

static void hear(weir_stream *server, void *data, size_t bytes)
{
    if (heard + bytes <= sizeof answer)
        memcpy(answer + heard, data, bytes);
    heard += bytes;
    if (heard >= sizeof answer)
        weir_stream_close(server);
}

static void finished(weir_stream *server)
{
    (void)server;
    weir_listener_close(&listener);
}

static int talk_to_itself(void)
{
    static const weir_stream_calls talk = {.read = hear, .closed = finished};
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    weir_stream server;

    if (getsockname(weir_listener_fd(&listener), (struct sockaddr *)&address, &length) != 0 ||
        connect(fd, (const struct sockaddr *)&address, length) != 0 ||
        weir_stream_open(&server, loop, fd, WEIR_STREAM_SOCKET, &talk) != 0 ||
        weir_stream_read(&server) != 0 || weir_stream_copy(&server, greeting, sizeof greeting) != 0)
        return 1;
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    printf("%s\n", answer);
    return heard == sizeof greeting && memcmp(answer, greeting, sizeof greeting) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    int status;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(argc > 1 ? INADDR_ANY : INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    if (weir_loop_new(&loop, NULL) != 0)
        return 1;
    status = weir_listener_open(&listener, loop, (const struct sockaddr *)&address, sizeof address,
                                1024, false, 0, &listener_calls);
    if (status != 0) {
        fprintf(stderr, "echo_server: %s\n", strerror(-status));
        return 1;
    }
    if (argc <= 1) {
        status = talk_to_itself();
        return weir_loop_free(loop) == 0 ? status : 1;
    }
    weir_loop_run(loop, WEIR_LOOP_STOPPED, WEIR_FOREVER);
    return 1;
}
