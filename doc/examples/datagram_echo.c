/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* datagram_echo PORT: sends back each datagram of UDP that comes, up to 32 by one system call.
 * What the kernel has no room for is dropped: the client asks again, as of any datagram that is
 * lost.
 *
 * Without PORT it chooses one, and is its own client: it asks a few times, and again, after a
 * while, if no answer has come. */

#include <weir/datagram.h>
#include <weir/timer.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the server ---- */

static weir_datagram server;
static unsigned dropped;

static void echo(weir_datagram *socket, const weir_arrival *arrival)
{
    if (arrival->truncated || weir_datagram_try_send(socket, arrival->data, arrival->bytes,
                                                     arrival->from, arrival->from_length) != 0)
        dropped++;
}

static int serve(weir_loop *loop, uint32_t host, uint16_t port)
{
    static const weir_datagram_calls calls = {.receive = echo};
    const weir_datagram_options options = {.bytes = 2048, .count = 32};
    struct sockaddr_in address;
    int status;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host);
    address.sin_port = htons(port);
    status = weir_datagram_open(&server, loop, (const struct sockaddr *)&address, sizeof address,
                                &options, &calls);
    return status != 0 ? status : weir_datagram_receive(&server);
}

/* ---- a client, to try it ---- */

enum { QUESTIONS = 100, PATIENCE_NS = 50000000 };

static weir_datagram client;
static weir_timer patience;
static unsigned asked, answered;

static void ask(void)
{
    if (weir_datagram_try_send(&client, &answered, sizeof answered, NULL, 0) == 0)
        asked++;
    weir_timer_after(&patience, PATIENCE_NS);
}

static void ask_again(weir_timer *timer)
{
    (void)timer;
    ask();
}

static void hear(weir_datagram *socket, const weir_arrival *arrival)
{
    if (arrival->bytes != sizeof answered || memcmp(arrival->data, &answered, sizeof answered) != 0)
        return; /* a late answer to a question that was asked again */
    if (++answered < QUESTIONS) {
        ask();
    } else {
        weir_timer_stop(&patience);
        weir_datagram_close(socket);
        weir_datagram_close(&server);
    }
}

static void nobody_there(weir_datagram *socket, int status)
{
    (void)socket;
    fprintf(stderr, "datagram_echo: %s\n", strerror(-status));
}

static int talk_to_itself(weir_loop *loop)
{
    static const weir_datagram_calls calls = {.receive = hear, .failed = nobody_there};
    struct sockaddr_in to, any;
    socklen_t length = sizeof to;

    memset(&any, 0, sizeof any);
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (getsockname(weir_datagram_fd(&server), (struct sockaddr *)&to, &length) != 0 ||
        weir_datagram_open(&client, loop, (const struct sockaddr *)&any, sizeof any, NULL,
                           &calls) != 0 ||
        weir_datagram_connect(&client, (const struct sockaddr *)&to, length) != 0 ||
        weir_datagram_receive(&client) != 0)
        return 1;
    weir_timer_init(&patience, loop, ask_again);
    ask();
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    printf("%u answers to %u questions\n", answered, asked);
    return answered == QUESTIONS && asked >= answered ? 0 : 1;
}

int main(int argc, char **argv)
{
    weir_loop *loop;
    int status;

    if (weir_loop_new(&loop, NULL) != 0)
        return 1;
    status = argc > 1 ? serve(loop, INADDR_ANY, (uint16_t)atoi(argv[1]))
                      : serve(loop, INADDR_LOOPBACK, 0);
    if (status != 0) {
        fprintf(stderr, "datagram_echo: %s\n", strerror(-status));
        return 1;
    }
    if (argc <= 1) {
        status = talk_to_itself(loop);
        return weir_loop_free(loop) == 0 ? status : 1;
    }
    weir_loop_run(loop, WEIR_LOOP_STOPPED, WEIR_FOREVER);
    return 1;
}
