/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* resolve NAME...: prints the addresses of each, in the order in which the answers come: all are
 * looked up at the same time, by four threads that do nothing else. What has no answer after 10
 * s is given up. Without NAME it looks for "localhost". */

#define _POSIX_C_SOURCE 200809L

#include <weir/resolve.h>

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct question {
    weir_resolve resolve; /* the first: a pointer to it is one to the question */
    const char *name;
} question;

static int failed;

static void found(weir_resolve *resolve, int status, const struct addrinfo *list)
{
    question *const q = (question *)(void *)resolve;
    const int code = weir_resolve_code(resolve);
    char text[64];

    if (status != 0) {
        printf("%s: %s\n", q->name, code != 0 ? gai_strerror(code) : strerror(-status));
        failed = 1;
    }
    for (; list != NULL; list = list->ai_next)
        if (getnameinfo(list->ai_addr, list->ai_addrlen, text, sizeof text, NULL, 0,
                        NI_NUMERICHOST) == 0)
            printf("%s: %s\n", q->name, text);
    free(q);
}

static int ask(weir_loop *loop, weir_blocking *names, const char *name)
{
    question *const q = (question *)malloc(sizeof *q);

    if (q == NULL)
        return 1;
    q->name = name;
    if (weir_resolve_start(&q->resolve, loop, names, name, NULL, NULL,
                           weir_clock_after(10000000000), found) != 0) {
        free(q);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking *names;
    weir_loop *loop;

    options.max_threads = 4;
    if (weir_loop_new(&loop, NULL) != 0 || weir_blocking_new(&names, &options) != 0)
        return 1;
    if (argc < 2)
        failed = ask(loop, names, "localhost");
    for (int i = 1; i < argc; i++)
        failed |= ask(loop, names, argv[i]);
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    if (weir_blocking_stop(names, WEIR_BLOCKING_DRAIN, WEIR_FOREVER) != 0)
        return 1;
    weir_blocking_free(names);
    return weir_loop_free(loop) == 0 ? failed : 1;
}
