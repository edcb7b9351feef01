/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/dial.c: connections. Each address has a number: in the list of the caller, or in `found`,
 * where the first half is of IPv6. Its attempt has the same. `untried` has those that may be
 * tried; `later` those for which something is short now: with the next attempt they are untried
 * again.
 *
 * All attempts begin in one of three callbacks: of the timer `next`, of a look-up, of an attempt
 * that has failed; never in a function of the header. */

#include <weir/dial.h>

#include "loop.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

enum { HALF = WEIR_DIAL_ADDRESSES / 2 };
enum { IPV6, IPV4 }; /* look-ups */

#define ATTEMPT_NS UINT64_C(250000000)
#define IPV6_NS UINT64_C(50000000)

/* How much an error tells. */
enum { NOTHING, NO_NAME, LOOKUP, NO_WAY, REFUSED, SHORT };

/* What has become of an attempt, beside a negative errno. */
enum { CONNECTED, UNDER_WAY, NOT_NOW };

WEIR_STATIC_ASSERT(WEIR_DIAL_ADDRESSES <= 32, "a bit each");

/* ---- errors ---- */

static bool is_short(int status)
{
    return status == -EMFILE || status == -ENFILE || status == -ENOBUFS || status == -ENOMEM ||
           status == -ENOSPC;
}

static int telling_of(int status)
{
    if (is_short(status))
        return SHORT;
    switch (status) {
    case -ENETUNREACH:
    case -EHOSTUNREACH:
    case -EAFNOSUPPORT:
    case -EADDRNOTAVAIL:
        return NO_WAY;
    default:
        return REFUSED;
    }
}

static void note(weir_dial *dial, int telling, int status, int code)
{
    if (telling <= dial->telling)
        return;
    dial->telling = telling;
    dial->status = status;
    dial->code = code;
}

/* ---- the end ---- */

static void give_up(weir__dial_attempt *attempt)
{
    if (attempt->poll.fd < 0)
        return;
    (void)weir_poll_stop(&attempt->poll);
    (void)close(attempt->poll.fd);
    attempt->poll.fd = -1;
    attempt->dial->attempts--;
}

static void finish(weir_dial *dial, int status, int fd)
{
    dial->active = false; /* the ends of look-ups are no more looked at */
    (void)weir_timer_stop(&dial->deadline);
    (void)weir_timer_stop(&dial->next);
    for (unsigned i = 0; i < 2; i++)
        (void)weir_resolve_cancel(&dial->lookup[i].resolve);
    for (unsigned i = 0; i < WEIR_DIAL_ADDRESSES; i++)
        give_up(&dial->attempt[i]);
    dial->done(dial, status, fd);
}

/* Not by the errors that were noted. */
static void end(weir_dial *dial, int status, int fd)
{
    dial->code = 0;
    finish(dial, status, fd);
}

static void on_deadline(weir_timer *timer)
{
    end((weir_dial *)(void *)((char *)timer - offsetof(weir_dial, deadline)), -ETIMEDOUT, -1);
}

/* ---- an attempt ---- */

static weir_dial_address address_of(const weir_dial *dial, unsigned i)
{
    weir_dial_address found;

    if (dial->list != NULL)
        return dial->list[i];
    found.address = &dial->found[i].address;
    found.length = i < HALF ? sizeof dial->found[i].ipv6 : sizeof dial->found[i].ipv4;
    return found;
}

static int family_of(const weir_dial *dial, unsigned i)
{
    return address_of(dial, i).address->sa_family;
}

static bool has_port(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ((const struct sockaddr_in *)(const void *)address)->sin_port != 0;
    return address->sa_family == AF_INET6 &&
           ((const struct sockaddr_in6 *)(const void *)address)->sin6_port != 0;
}

static int bind_to(int fd, const struct sockaddr *local, socklen_t length, int family)
{
    const int yes = 1;

    if (local->sa_family != family)
        return -EAFNOSUPPORT;
    if (has_port(local)) {
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0)
            return -errno;
    } else {
#ifdef IP_BIND_ADDRESS_NO_PORT
        /* One that is in use may serve, if the other side is another one. Newer than Linux
         * 4.1. */
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
#endif
    }
    return bind(fd, local, length) == 0 ? 0 : -errno;
}

static int prepare(weir_dial *dial, int fd, weir_dial_address to)
{
    const weir_dial_options *const options = &dial->options;
    int status = 0;

    if (options->local != NULL)
        status = bind_to(fd, options->local, options->local_length, to.address->sa_family);
    if (status == 0 && options->prepare != NULL) {
        dial->preparing = true;
        status = options->prepare(dial, fd, to.address, to.length);
        dial->preparing = false;
        WEIR_REQUIRE(status <= 0, "prepare returns 0 or a negative errno");
    }
    return status;
}

/* TCP connects a socket with itself, if the port that it was given is the one it goes to. */
static bool is_itself(int fd)
{
    struct sockaddr_storage here, there;
    socklen_t here_length = sizeof here, there_length = sizeof there;

    return getsockname(fd, (struct sockaddr *)&here, &here_length) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_length) == 0 &&
           here_length == there_length && memcmp(&here, &there, here_length) == 0;
}

static int connect_to(int fd, weir_dial_address to)
{
    if (connect(fd, to.address, to.length) == 0)
        return CONNECTED;
    if (errno == EINPROGRESS || errno == EINTR)
        return UNDER_WAY;
    if (errno != EAGAIN)
        return -errno;
    return to.address->sa_family == AF_UNIX ? NOT_NOW : -EADDRNOTAVAIL;
}

static void on_ready(weir_poll *poll, unsigned ready);

/* Returns: CONNECTED and *connected, UNDER_WAY, NOT_NOW, or a negative errno. */
static int try_one(weir_dial *dial, unsigned i, int *connected)
{
    const weir_dial_address to = address_of(dial, i);
    weir_poll *const poll = &dial->attempt[i].poll;
    const int fd = socket(to.address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int status;

    if (fd < 0)
        return -errno;
    status = prepare(dial, fd, to);
    if (status == 0)
        status = connect_to(fd, to);
    if (status == UNDER_WAY) {
        weir_poll_init(poll, dial->loop, fd, on_ready);
        status = weir_poll_start(poll, WEIR_POLL_WRITE);
        if (status == 0) {
            dial->attempts++;
            return UNDER_WAY;
        }
        poll->fd = -1;
    }
    if (status == CONNECTED)
        *connected = fd;
    else
        (void)close(fd);
    return status;
}

/* ---- which one, and when ---- */

/* The first of another family than the last one's; else the first. */
static unsigned pick(const weir_dial *dial)
{
    for (unsigned i = 0; i < WEIR_DIAL_ADDRESSES; i++)
        if ((dial->untried >> i & 1) != 0 && family_of(dial, i) != dial->family)
            return i;
    return (unsigned)__builtin_ctz(dial->untried);
}

/* Another address is to be tried after the delay, if there is one, or may be. */
static void delay(weir_dial *dial, uint32_t others)
{
    if (others != 0)
        weir_timer_after(&dial->next, dial->options.attempt_ns);
    else
        (void)weir_timer_stop(&dial->next);
}

/* Nothing can be tried now. Returns: whether something may be later; else it was the end. */
static bool goes_on(weir_dial *dial)
{
    if ((dial->later | dial->attempts | dial->lookups) != 0)
        return true;
    finish(dial, dial->status, -1);
    return false;
}

static void try_next(weir_dial *dial)
{
    dial->untried |= dial->later;
    dial->later = 0;
    while (dial->untried != 0) {
        const unsigned i = pick(dial);
        int fd = -1, status = try_one(dial, i, &fd);

        if (status == CONNECTED) {
            end(dial, 0, fd);
            return;
        }
        dial->untried &= ~(UINT32_C(1) << i);
        if (status == NOT_NOW || (is_short(status) && dial->attempts != 0)) {
            dial->later |= UINT32_C(1) << i;
            continue;
        }
        dial->family = family_of(dial, i);
        if (status == UNDER_WAY) {
            delay(dial, dial->untried | dial->later | dial->lookups);
            return;
        }
        note(dial, telling_of(status), status, 0);
    }
    if (goes_on(dial))
        delay(dial, dial->later);
}

static void on_next(weir_timer *timer)
{
    try_next((weir_dial *)(void *)((char *)timer - offsetof(weir_dial, next)));
}

/* An attempt has ended. */
static void on_ready(weir_poll *poll, unsigned ready)
{
    weir_dial *const dial = ((weir__dial_attempt *)(void *)poll)->dial;
    const int fd = poll->fd;
    socklen_t length = sizeof(int);
    int error = 0;

    (void)ready;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    if (error == 0 && is_itself(fd))
        error = ECONNREFUSED;
    if (error != 0) {
        give_up((weir__dial_attempt *)(void *)poll);
        note(dial, telling_of(-error), -error, 0);
        try_next(dial);
        return;
    }
    (void)weir_poll_stop(poll);
    poll->fd = -1;
    dial->attempts--;
    end(dial, 0, fd);
}

/* ---- names ---- */

/* A look-up has ended. */
static void go_on(weir_dial *dial)
{
    if (dial->untried == 0) {
        (void)goes_on(dial);
        return;
    }
    if (dial->lookup[IPV6].resolve.lookup != NULL) { /* so this was the first, of IPv4 */
        weir_timer_after(&dial->next, dial->options.ipv6_ns);
        return;
    }
    if (dial->attempts == 0 || !weir_timer_is_started(&dial->next))
        try_next(dial);
}

static unsigned keep(weir_dial *dial, unsigned first, const struct addrinfo *list)
{
    const int family = first == 0 ? AF_INET6 : AF_INET;
    const socklen_t bytes = first == 0 ? sizeof dial->found[0].ipv6 : sizeof dial->found[0].ipv4;
    unsigned n = 0;

    for (; list != NULL && n < HALF; list = list->ai_next)
        if (list->ai_addr != NULL && list->ai_addr->sa_family == family &&
            list->ai_addrlen >= bytes) {
            memcpy(&dial->found[first + n], list->ai_addr, bytes);
            dial->untried |= UINT32_C(1) << (first + n++);
        }
    return n;
}

static void on_lookup(weir_resolve *resolve, int status, const struct addrinfo *list)
{
    const weir__dial_lookup *const lookup = (weir__dial_lookup *)(void *)resolve;
    weir_dial *const dial = lookup->dial;
    int code = weir_resolve_code(resolve);

    if (!dial->active)
        return;
    dial->lookups--;
    if (status == 0 && keep(dial, lookup == &dial->lookup[IPV6] ? 0 : HALF, list) == 0) {
        status = -ENOENT;
        code = EAI_NONAME;
    }
    if (status != 0)
        note(dial, status == -ENOENT ? NO_NAME : LOOKUP, status, code);
    go_on(dial);
}

/* ---- operations ---- */

/* Returns: 0; -ETIMEDOUT. */
static int begin(weir_dial *dial, weir_loop *loop, const weir_dial_options *options,
                 uint64_t deadline, void (*done)(weir_dial *dial, int status, int fd))
{
    WEIR_REQUIRE(done != NULL, "a dial without a function");
    memset(dial, 0, sizeof *dial);
    dial->loop = loop;
    dial->done = done;
    if (options != NULL)
        dial->options = *options;
    if (dial->options.attempt_ns == 0)
        dial->options.attempt_ns = ATTEMPT_NS;
    if (dial->options.ipv6_ns == 0)
        dial->options.ipv6_ns = IPV6_NS;
    weir_timer_init(&dial->deadline, loop, on_deadline);
    weir_timer_init(&dial->next, loop, on_next);
    for (unsigned i = 0; i < 2; i++)
        dial->lookup[i].dial = dial;
    for (unsigned i = 0; i < WEIR_DIAL_ADDRESSES; i++) {
        dial->attempt[i].dial = dial;
        dial->attempt[i].poll.fd = -1;
    }
    return weir__loop_is_late(loop, deadline) ? -ETIMEDOUT : 0;
}

static void started(weir_dial *dial, uint64_t deadline)
{
    dial->active = true;
    if (deadline != WEIR_FOREVER)
        weir_timer_start(&dial->deadline, deadline);
}

/* Returns: of which families there is a look-up: a bit each; 0: of none. */
static unsigned families_of(const weir_dial_options *options)
{
    const struct addrinfo *const hints = options->resolve.hints;
    const int families[] = {hints != NULL ? hints->ai_family : AF_UNSPEC,
                            options->local != NULL ? options->local->sa_family : AF_UNSPEC};
    unsigned set = 1u << IPV6 | 1u << IPV4;

    for (unsigned i = 0; i < 2; i++)
        if (families[i] != AF_UNSPEC)
            set &= families[i] == AF_INET6 ? 1u << IPV6 : families[i] == AF_INET ? 1u << IPV4 : 0;
    return set;
}

static int start_lookup(weir_dial *dial, unsigned which, weir_blocking *pool, const char *node,
                        const char *service)
{
    weir_resolve_options options = dial->options.resolve;
    struct addrinfo hints;
    int status;

    memset(&hints, 0, sizeof hints);
    if (options.hints != NULL) {
        hints.ai_flags = options.hints->ai_flags;
        if (options.hints->ai_family != AF_INET6) /* the other look-up tells them as they are */
            hints.ai_flags &= ~(AI_V4MAPPED | AI_ALL);
        hints.ai_protocol = options.hints->ai_protocol;
    }
    hints.ai_family = which == IPV6 ? AF_INET6 : AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    options.hints = &hints;
    status = weir_resolve_start(&dial->lookup[which].resolve, dial->loop, pool, node, service,
                                &options, WEIR_FOREVER, on_lookup);
    dial->lookups += status == 0;
    return status;
}

int weir_dial_name(weir_dial *dial, weir_loop *loop, weir_blocking *pool, const char *node,
                   const char *service, const weir_dial_options *options, uint64_t deadline,
                   void (*done)(weir_dial *dial, int status, int fd))
{
    int status = begin(dial, loop, options, deadline, done);
    const unsigned families = families_of(&dial->options);

    if (status == 0 && families == 0)
        status = -EAFNOSUPPORT;
    for (unsigned i = 0; i < 2 && status == 0; i++)
        if ((families >> i & 1) != 0)
            status = start_lookup(dial, i, pool, node, service);
    if (status == 0)
        started(dial, deadline);
    else /* the first: nobody looks at its end */
        (void)weir_resolve_cancel(&dial->lookup[IPV6].resolve);
    return status;
}

int weir_dial_addresses(weir_dial *dial, weir_loop *loop, const weir_dial_address *list,
                        size_t count, const weir_dial_options *options, uint64_t deadline,
                        void (*done)(weir_dial *dial, int status, int fd))
{
    const int status = begin(dial, loop, options, deadline, done);

    if (status != 0)
        return status;
    if (count == 0)
        return -EINVAL;
    if (count > WEIR_DIAL_ADDRESSES)
        return -E2BIG;
    dial->list = list;
    dial->untried = (uint32_t)((UINT64_C(1) << count) - 1);
    started(dial, deadline);
    weir_timer_start(&dial->next, 0);
    return 0;
}

int weir_dial_cancel(weir_dial *dial)
{
    if (!dial->active)
        return -EALREADY;
    WEIR_REQUIRE(!dial->preparing, "a dial is cancelled in its own prepare");
    end(dial, -ECANCELED, -1);
    return 0;
}

int weir_dial_code(const weir_dial *dial)
{
    return dial->code;
}
