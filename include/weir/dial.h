/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/dial.h: a connected socket, for an event loop: to a name, or to the first of some
 * addresses that answers, before a deadline.
 *
 * Use it when: a loop (weir/loop.h) has to connect to somebody.
 * Use connect(2) where a thread may wait.
 *
 * Who may run with whom: all of it is for the loop's thread.
 *
 * A name has addresses of IPv6 and of IPv4, and either way may be slow, or lead nowhere. So, as
 * RFC 8305 (Happy Eyeballs) says:
 *   look-ups   two at a time, one for each family, by two threads of a pool (weir/resolve.h,
 *              which says what slow ones hold up: with fewer threads than twice the names under
 *              way, one family's slow server delays the other's answers). The first address of
 *              IPv6 that comes is tried at once; those of IPv4 wait for IPv6's look-up to end,
 *              50 ms at most
 *   order      IPv6 first, then the families in turn, each in the order in which its look-up
 *              told them; when one has no more, the rest of the other. What is found later takes
 *              its turn
 *   attempts   the next begins 250 ms after the one before, or at once when one has failed;
 *              those that are under way go on
 *   the end    who connects first wins; the others, and look-ups, are given up
 * A list of addresses is tried in the same way. Its first is the first, then comes the first of
 * another family, and so on: a list that is sorted stays so within each family. It may have
 * addresses of Unix sockets.
 *
 * What is tried, for each: socket(2), bind(2) if there is a local address, the caller's
 * `prepare`, connect(2). Where descriptors or memory are short while other attempts are under
 * way, an address is tried again when one of these fails, or after the delay; likewise a Unix
 * socket whose backlog is full, until the deadline. A socket that has come to be connected to
 * itself, which TCP allows, is one that was refused.
 *
 * `done` is called on the loop, once: with a descriptor; or with why there is none; at the
 * deadline, which covers the look-ups too, with -ETIMEDOUT; after a cancel with -ECANCELED. If
 * the connection and the deadline come together, that counts which the loop sees first. No call
 * comes from inside of a function of this header, but for cancel, which calls `done`.
 *
 * Progress:  nothing here blocks; each call makes a few system calls for each address at most.
 *            The look-ups: weir/resolve.h.
 * Ordering:  one thread. Of `lookup` and `release`: weir/resolve.h.
 * Memory:    weir_dial is the caller's again when `done` is called, which may free it, or start
 *            it again: less than 2 KiB, with room for 16 attempts. Each look-up is a block of
 *            its own, which lives until its thread has ended. Nothing else is allocated, but by
 *            weir_poll_start().
 * Errors:    when all have failed `done` gets the most telling error, of those that tell as much
 *            the first:
 *              1. an address was not tried, since something is short: -EMFILE, -ENFILE,
 *                 -ENOBUFS, -ENOMEM, -ENOSPC of epoll(7)
 *              2. what came of an attempt: -ECONNREFUSED, the kernel's -ETIMEDOUT, -EACCES,
 *                 -ENOENT of a Unix socket, what `prepare` said, and others
 *              3. there is no way: -ENETUNREACH, -EHOSTUNREACH, -EAFNOSUPPORT, -EADDRNOTAVAIL
 *              4. a look-up's, as weir/resolve.h says, but -ENOENT
 *              5. -ENOENT: there is no such name, or it has no address
 *            Of 4 and 5 weir_dial_code() tells more. A loop with a dial under way is alive, and
 *            cannot be freed; so it is with look-ups of one that is over.
 * Fork:      in the child a name is looked up no further: weir/resolve.h. Attempts are those of
 *            both processes: the child cancels its dial, after weir_loop_fork(), and the parent's
 *            goes on.
 * Edges:     weir/loop.h, weir/offload.h.
 *
 * Source: D. Schinazi, T. Pauly, "Happy Eyeballs Version 2: Better Connectivity Using
 * Concurrency", RFC 8305, 2017, https://www.rfc-editor.org/rfc/rfc8305. What it says of earlier
 * connections (section 4), of answers that change (6) and of NAT64 (7) is not here. */

#ifndef WEIR_DIAL_H
#define WEIR_DIAL_H

#include <weir/loop.h>
#include <weir/poll.h>
#include <weir/resolve.h>
#include <weir/timer.h>

#include <netinet/in.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_dial weir_dial;

/* Addresses that are tried, at most; of a name half of them for each family: the first. */
enum { WEIR_DIAL_ADDRESSES = 16 };

typedef struct weir_dial_address {
    const struct sockaddr *address;
    socklen_t length;
} weir_dial_address;

/* Starts as {0}, or WEIR_DIAL_OPTIONS_INIT: all that is said below of 0. Copied by start, but
 * for what `local` and `resolve.context` point to. */
typedef struct weir_dial_options {
    uint64_t attempt_ns; /* between the begins of two attempts; 0: 250 ms */
    uint64_t ipv6_ns;    /* how long addresses of IPv4 wait for IPv6's look-up; 0: 50 ms */
    /* What sockets are bound to; stays until `done`. Addresses of another family are not tried:
     * -EAFNOSUPPORT. With a port of 0 the kernel chooses one; with another one SO_REUSEADDR is
     * set. NULL: nothing. */
    const struct sockaddr *local;
    socklen_t local_length;
    /* Before connect(2): sets what the socket is to have. Returns: 0; a negative errno: this
     * address is not tried. It does not cancel the dial. May be NULL. */
    int (*prepare)(weir_dial *dial, int fd, const struct sockaddr *to, socklen_t length);
    /* Of a name: `lookup`, `release`, `context`, and of its hints flags, protocol and family:
     * AF_INET and AF_INET6 say that there is to be one look-up; AI_V4MAPPED counts with AF_INET6
     * alone. */
    weir_resolve_options resolve;
} weir_dial_options;

#define WEIR_DIAL_OPTIONS_INIT                         \
    {                                                  \
        0, 0, NULL, 0, NULL, WEIR_RESOLVE_OPTIONS_INIT \
    }

/* Private: a look-up, an attempt, an address that was found. */
typedef struct weir__dial_lookup {
    weir_resolve resolve; /* the first */
    weir_dial *dial;
} weir__dial_lookup;

typedef struct weir__dial_attempt {
    weir_poll poll; /* the first; its fd: -1: not under way */
    weir_dial *dial;
} weir__dial_attempt;

typedef union weir__dial_found {
    struct sockaddr address;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
} weir__dial_found;

/* Embedded in what it is for. */
struct weir_dial {
    weir_loop *loop;
    void (*done)(weir_dial *dial, int status, int fd);
    weir_timer deadline;
    weir_timer next; /* attempt */
    weir_dial_options options;
    const weir_dial_address *list; /* NULL: those that were found */
    uint32_t untried, later;       /* addresses: a bit each */
    uint32_t attempts, lookups;    /* under way */
    int family;                    /* of the last attempt */
    int status, telling, code;     /* the most telling error */
    bool active;                   /* `done` is still to be called */
    bool preparing;
    weir__dial_lookup lookup[2]; /* of IPv6, of IPv4 */
    weir__dial_attempt attempt[WEIR_DIAL_ADDRESSES];
    weir__dial_found found[WEIR_DIAL_ADDRESSES];
};

WEIR_STATIC_ASSERT(sizeof(weir_dial) < 2048, "a dial takes less than 2 KiB");

/* ---- operations ---- */

/* Connects to `node`, a name or an address in numbers, at the port `service`: both are copied.
 * `options` may be NULL. `deadline`: absolute, ns, of the loop's clock. `done` gets 0 and a
 * descriptor, which does not block, is closed on exec, and is the caller's, for
 * weir_stream_open(); or a negative errno and -1.
 * Returns: 0; -ETIMEDOUT: the deadline has passed; -EAFNOSUPPORT: the hints' or the local family
 * is neither of IPv6 nor of IPv4, or one of each; or as weir_resolve_start(): then nothing is
 * called. */
WEIR_API int weir_dial_name(weir_dial *dial, weir_loop *loop, weir_blocking *pool, const char *node,
                            const char *service, const weir_dial_options *options,
                            uint64_t deadline,
                            void (*done)(weir_dial *dial, int status, int fd)) WEIR_NODISCARD;

/* Connects to the first of `count` addresses that answers: the list stays until `done`.
 * Returns: 0; -ETIMEDOUT as above; -EINVAL: no address; -E2BIG: more than
 * WEIR_DIAL_ADDRESSES. */
WEIR_API int weir_dial_addresses(weir_dial *dial, weir_loop *loop, const weir_dial_address *list,
                                 size_t count, const weir_dial_options *options, uint64_t deadline,
                                 void (*done)(weir_dial *dial, int status, int fd)) WEIR_NODISCARD;

/* Gives it up: `done` is called with -ECANCELED, in here.
 * Returns: 0; -EALREADY: `done` has been called, or the start has failed. */
WEIR_API int weir_dial_cancel(weir_dial *dial);

/* ---- queries ---- */

/* Returns: what getaddrinfo(3) said, for gai_strerror(3), where `done` got the error of a
 * look-up; else 0. In `done`, and after it until the next start. */
WEIR_API int weir_dial_code(const weir_dial *dial);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_DIAL_H */
