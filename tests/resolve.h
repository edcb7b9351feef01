/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/resolve.h: what the tests of weir/resolve.h and weir/dial.h share: names whose look-ups
 * answer as the test says, and a place where nothing is left at the end.
 *
 * An address is a letter and what becomes of an attempt: "Ag" connects, "as" never ends, "ad" is
 * refused, "ax" is refused by `prepare`. 'a' is 127.0.0.1, 'b' 127.0.0.2, and so on; 'A' is
 * ::ffff:127.0.0.1, so that IPv6 needs no address of its own here. */

#ifndef WEIR_TESTS_RESOLVE_H
#define WEIR_TESTS_RESOLVE_H

#include "stream.h"

#include <weir/blocking.h>
#include <weir/resolve.h>
#include <weir/sem.h>

#include <netdb.h>

/* ---- addresses ---- */

static int ports_fd[3]; /* a listener, one with a full backlog, a socket that does not listen */
static int full_fd;     /* what it is full of */
static uint16_t ports[128];

static inline void open_port(char kind, int *fd, int backlog)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(*fd >= 0);
    CHECK(bind(*fd, (struct sockaddr *)&address, sizeof address) == 0);
    if (backlog >= 0)
        CHECK(listen(*fd, backlog) == 0);
    CHECK(getsockname(*fd, (struct sockaddr *)&address, &length) == 0);
    ports[(unsigned)kind] = address.sin_port;
}

static inline void open_ports(void)
{
    struct pollfd one;

    open_port('g', &ports_fd[0], 64);
    open_port('s', &ports_fd[1], 0);
    open_port('d', &ports_fd[2], -1);
    ports['x'] = htons(9);
    full_fd = connected_to(ports_fd[1]);
    one.fd = ports_fd[1]; /* from now on it drops what comes */
    one.events = POLLIN;
    CHECK_EQ(poll(&one, 1, -1), 1);
}

static inline void close_ports(void)
{
    for (int i = 0; i < 3; i++)
        CHECK(close(ports_fd[i]) == 0);
    CHECK(close(full_fd) == 0);
}

static inline void address_for(const char *text, struct sockaddr_in6 *to, socklen_t *length)
{
    const bool ipv4 = text[0] >= 'a';
    const uint8_t number = (uint8_t)(text[0] - (ipv4 ? 'a' : 'A') + 1);
    struct sockaddr_in *const to4 = (struct sockaddr_in *)(void *)to;

    memset(to, 0, sizeof *to);
    if (ipv4) {
        to4->sin_family = AF_INET;
        to4->sin_port = ports[(unsigned)text[1]];
        to4->sin_addr.s_addr = htonl(UINT32_C(0x7f000000) + number);
        *length = sizeof *to4;
    } else {
        to->sin6_family = AF_INET6;
        to->sin6_port = ports[(unsigned)text[1]];
        to->sin6_addr.s6_addr[10] = to->sin6_addr.s6_addr[11] = 0xff;
        to->sin6_addr.s6_addr[12] = 127;
        to->sin6_addr.s6_addr[15] = number;
        *length = sizeof *to;
    }
}

static inline char letter_of(const struct sockaddr *address)
{
    const struct sockaddr_in *const ipv4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *const ipv6 = (const struct sockaddr_in6 *)(const void *)address;

    if (address->sa_family == AF_INET)
        return (char)('a' - 1 + (int)(ntohl(ipv4->sin_addr.s_addr) & 31));
    return (char)('A' - 1 + ipv6->sin6_addr.s6_addr[15]);
}

/* Whether the kernel has IPv6; if not, the case is skipped. */
static inline bool has_ipv6(void)
{
    const int fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (fd < 0) {
        test_skip("no IPv6");
        return false;
    }
    CHECK(close(fd) == 0);
    return true;
}

/* ---- look-ups that answer as they are told ---- */

typedef struct answer {
    const char *addresses; /* "Ag Bs" */
    int code, error;       /* what it returns; and errno */
    int flags;             /* that it was first asked with */
    bool cut;              /* the addresses say that they are shorter than they must be */
    weir_latch *gate;      /* which it waits for; or NULL */
    WEIR_ATOMIC(uint32_t) asked, answered;
} answer;

typedef struct names {
    answer any, ipv6, ipv4;
    struct addrinfo hints; /* of the first question that is of any family */
    char node[64], service[64];
    WEIR_ATOMIC(uint32_t) lists; /* that are not released */
} names;

/* Returns: what it was. */
static inline uint32_t count(WEIR_ATOMIC(uint32_t) * number)
{
    return weir_atomic_fetch_add(number, 1, WEIR_RELAXED); /* relaxed: a number. */
}

static inline uint32_t number(WEIR_ATOMIC(uint32_t) * from)
{
    return weir_atomic_load(from, WEIR_RELAXED); /* relaxed: a number. */
}

static inline void until(WEIR_ATOMIC(uint32_t) * from, uint32_t value)
{
    while (number(from) != value)
        doze();
}

static inline struct addrinfo *list_of(const char *addresses)
{
    struct addrinfo *first = NULL, **end = &first;

    for (const char *at = addresses; *at != '\0'; at += at[2] == ' ' ? 3 : 2) {
        struct addrinfo *const next = calloc(1, sizeof *next + sizeof(struct sockaddr_in6));

        CHECK(next != NULL);
        next->ai_addr = (struct sockaddr *)(next + 1);
        address_for(at, (struct sockaddr_in6 *)(next + 1), &next->ai_addrlen);
        next->ai_family = next->ai_addr->sa_family;
        next->ai_socktype = SOCK_STREAM;
        *end = next;
        end = &next->ai_next;
    }
    return first;
}

static inline int look_up(void *context, const char *node, const char *service,
                          const struct addrinfo *hints, struct addrinfo **list)
{
    names *const n = (names *)context;
    answer *const a = hints->ai_family == AF_INET6  ? &n->ipv6
                      : hints->ai_family == AF_INET ? &n->ipv4
                                                    : &n->any;

    CHECK(weir_loop_self() == NULL);
    if (count(&a->asked) == 0) {
        a->flags = hints->ai_flags;
        if (a == &n->any) {
            n->hints = *hints;
            snprintf(n->node, sizeof n->node, "%s", node != NULL ? node : "(none)");
            snprintf(n->service, sizeof n->service, "%s", service != NULL ? service : "(none)");
        }
    }
    if (a->gate != NULL)
        CHECK_EQ(weir_latch_wait(a->gate, WEIR_FOREVER, NULL), 0);
    if (a->error != 0)
        errno = a->error;
    *list = NULL;
    if (a->code == 0 && a->addresses != NULL) {
        *list = list_of(a->addresses);
        for (struct addrinfo *at = *list; a->cut && at != NULL; at = at->ai_next)
            at->ai_addrlen = sizeof(sa_family_t);
        (void)count(&n->lists);
    }
    (void)count(&a->answered);
    return a->code;
}

static inline void release(void *context, struct addrinfo *list)
{
    names *const n = (names *)context;

    CHECK(weir_loop_self() != NULL);
    CHECK(list != NULL);
    weir_atomic_fetch_sub(&n->lists, 1, WEIR_RELAXED); /* relaxed: a number. */
    while (list != NULL) {
        struct addrinfo *const next = list->ai_next;

        memset(list, 0xa5, sizeof *list + sizeof(struct sockaddr_in6));
        free(list);
        list = next;
    }
}

static inline void make_names(names *n, weir_resolve_options *options)
{
    memset(n, 0, sizeof *n);
    memset(options, 0, sizeof *options);
    options->lookup = look_up;
    options->release = release;
    options->context = n;
}

/* ---- a place ---- */

typedef struct place {
    weir_loop *loop;
    weir_blocking *pool;
    unsigned descriptors; /* before */
} place;

static inline unsigned open_descriptors(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* `threads`: of the pool. `moved`: the clock is moved by hand, and says 1000. */
static inline place make_place(unsigned threads, bool moved)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    place p;

    test_alloc_fail_at(0);
    p.descriptors = open_descriptors();
    open_ports();
    options.max_threads = threads;
    CHECK_EQ(weir_blocking_new(&p.pool, &options), 0);
    p.loop = moved ? make_moved() : make(NULL);
    return p;
}

static inline void stop_pool(const place *p, weir_blocking_ending how)
{
    CHECK_EQ(weir_blocking_stop(p->pool, how, WEIR_FOREVER), 0);
}

/* Nothing is left: no descriptor, no memory. */
static inline void end_place(place *p)
{
    run_to_the_end(p->loop);
    end(p->loop);
    stop_pool(p, WEIR_BLOCKING_DRAIN);
    CHECK_EQ(weir_blocking_free(p->pool), 0);
    close_ports();
    CHECK_EQ(open_descriptors(), p->descriptors);
    CHECK_EQ(test_alloc_live, 0);
}

static inline void open_gate(weir_latch *gate)
{
    weir_latch_count_down(gate, 1);
}

#endif /* WEIR_TESTS_RESOLVE_H */
