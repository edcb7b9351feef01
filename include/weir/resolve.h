/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/resolve.h: the addresses of a name, for an event loop: getaddrinfo(3), which waits, is
 * called by a thread of a pool, and its end on the loop.
 *
 * Use it when: a loop (weir/loop.h) has a name, and needs its addresses.
 * Use weir/dial.h for a connection to a name; getaddrinfo(3) where a thread may wait.
 *
 * Who may run with whom: all of it is for the loop's thread. `lookup` is called by a thread of
 *   the pool, several at a time.
 *
 * The pool is the caller's choice, and with it how much slow look-ups hold up others. Each takes
 * a thread until it has ended, also one that was cancelled: a name server that does not answer
 * costs getaddrinfo(3) 10 s and more (resolv.conf(5): timeout, attempts). Once all threads of
 * the pool are in such ones the next wait, whatever their names. So make a pool for look-ups
 * alone: files and other work are not held up then. Its max_threads says how many may be slow
 * before the rest wait, its max_queued how many may wait before more are refused; and for names
 * that must not wait for those of others, make another pool. The C library asks one server after
 * the other, and remembers nothing: who needs more has a `lookup` of its own.
 *
 * What happens: `done` is called on the loop, once: with addresses, or why there are none; at
 * the deadline with -ETIMEDOUT, or after a cancel with -ECANCELED, while the thread perhaps goes
 * on: nobody can stop it. The thread has a copy of the names, and never looks at the
 * weir_resolve. A look-up that nobody wants any more before it has begun is left out. If its end
 * and the deadline have both come, the deadline counts.
 *
 * No call comes from inside of a function of this header, but for cancel, which calls `done`.
 *
 * Progress:  start as weir_blocking_submit(); cancel is wait-free, but for the calls.
 * Ordering:  what happens before start is visible to `lookup`; what it did, to `done`.
 * Memory:    weir_resolve is the caller's again when `done` is called, which may free it, or
 *            start it again. What the thread needs is a block of start's own, a few hundred
 *            bytes; it is released, and with it the addresses, after `done`, or when the thread
 *            has ended.
 * Errors:    negative errnos, from the codes of getaddrinfo(3), which weir_resolve_code() tells:
 *              -ENOENT           EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY: no such name, or it has
 *                                no address of this kind
 *              -EREMOTEIO        EAI_AGAIN: the servers do not answer; later one may
 *              -EIO              EAI_FAIL, and what is not named here: one has answered, with an
 *                                error that stays
 *              -EAFNOSUPPORT     EAI_FAMILY
 *              -ESOCKTNOSUPPORT  EAI_SOCKTYPE
 *              -EPROTONOSUPPORT  EAI_SERVICE: no such service, for this kind of socket
 *              -EINVAL           EAI_BADFLAGS
 *              -ENOMEM           EAI_MEMORY
 *              -EOVERFLOW        EAI_OVERFLOW
 *              its errno         EAI_SYSTEM: -EMFILE, for one; -EREMOTEIO instead of -EAGAIN,
 *                                -EIO instead of none
 *            -ECANCELED comes also from a pool that is stopped, and discards it. A loop with
 *            look-ups under way is alive, and cannot be freed, until the last thread has ended;
 *            one that was closed still gets them.
 * Fork:      in the child a look-up that is under way never ends: the pool's threads are the
 *            parent's.
 * Edges:     weir/offload.h.
 *
 * Source: R. Gilligan, S. Thomson, J. Bound, J. McCann, W. Stevens, "Basic Socket Interface
 * Extensions for IPv6", RFC 3493, 2003, https://www.rfc-editor.org/rfc/rfc3493. */

#ifndef WEIR_RESOLVE_H
#define WEIR_RESOLVE_H

#include <weir/blocking.h>
#include <weir/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* Of <netdb.h>, which the caller includes. */
struct addrinfo;

/* Starts as {0}, or WEIR_RESOLVE_OPTIONS_INIT. Copied by start, but for `context`. */
typedef struct weir_resolve_options {
    /* Its flags, family, socktype and protocol; NULL: streams, of all families. */
    const struct addrinfo *hints;
    /* What looks up, in a thread: returns 0 and *list, or a code of getaddrinfo(3); for
     * EAI_SYSTEM the reason is in errno. And what releases its list, on the loop. Both NULL:
     * getaddrinfo(3), freeaddrinfo(3). */
    int (*lookup)(void *context, const char *node, const char *service,
                  const struct addrinfo *hints, struct addrinfo **list);
    void (*release)(void *context, struct addrinfo *list);
    void *context; /* stays until the last release, or the last lookup that failed */
} weir_resolve_options;

#define WEIR_RESOLVE_OPTIONS_INIT \
    {                             \
        NULL, NULL, NULL, NULL    \
    }

/* Embedded in what it is for. */
typedef struct weir_resolve {
    void (*done)(struct weir_resolve *resolve, int status, const struct addrinfo *list);
    struct weir__lookup *lookup; /* NULL: it is not under way */
    int code;
} weir_resolve;

/* ---- operations ---- */

/* Looks up the addresses of `node`, of a name or in numbers, with the port of `service`; one of
 * the two may be NULL. Both are copied. `options` may be NULL. `deadline`: absolute, ns, of the
 * loop's clock. `done` gets 0 and at least one address, in the order in which they are to be
 * tried, good until it returns; or a negative errno and NULL.
 * Returns: 0; -ETIMEDOUT: the deadline has passed; -EINVAL: both are NULL; -ENOMEM; or as
 * weir_blocking_submit(): then nothing is called. */
WEIR_API int weir_resolve_start(weir_resolve *resolve, weir_loop *loop, weir_blocking *pool,
                                const char *node, const char *service,
                                const weir_resolve_options *options, uint64_t deadline,
                                void (*done)(weir_resolve *resolve, int status,
                                             const struct addrinfo *list)) WEIR_NODISCARD;

/* Ends it for the loop: `done` is called with -ECANCELED, in here.
 * Returns: 0; -EALREADY: `done` has been called, or start has failed. */
WEIR_API int weir_resolve_cancel(weir_resolve *resolve);

/* ---- queries ---- */

/* Returns: the code with which the look-up ended, for gai_strerror(3); 0: it found something,
 * has not ended, or nobody waited for its end. In `done`, and after it until the next start. */
WEIR_API int weir_resolve_code(const weir_resolve *resolve);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_RESOLVE_H */
