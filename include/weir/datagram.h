/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/datagram.h: datagrams by an event loop: sockets of UDP, over IPv4 and IPv6, and Unix sockets
 * of type SOCK_DGRAM.
 *
 * Use it when: a loop (weir/loop.h) sends and receives messages that are whole or not there, and
 *              that may be lost.
 * Use weir/stream.h for bytes that have an order; weir/poll.h for SOCK_SEQPACKET, whose end looks
 * like an empty message, and for raw and packet sockets.
 *
 * Who may run with whom: all of it is for the loop's thread. A socket that another thread has
 *   something to send over gets it by a post. Loops of several threads share a port by a socket
 *   each: `share`.
 *
 * Receiving. Between weir_datagram_receive() and weir_datagram_pause() each datagram is given to
 * the call `receive`, with whom it is from; an empty one, too. Each takes a system call, and comes
 * in the loop's buffer. With `count` in the options up to so many come by one system call
 * (recvmmsg), in a buffer of the socket's own. What is left in that at a pause is kept, and given
 * after it; what is left at the close is gone, as is what the kernel has. Descriptors that come
 * along with one (SCM_RIGHTS) are closed by the kernel.
 *
 * Sending. weir_datagram_send() gives a datagram to the kernel, at once. If that has no room it
 * stands in a queue of the socket's, and goes on as there is room, up to 16 by one system call
 * (sendmmsg). The queue has two marks, as a stream's; and since whoever waits in it is mostly too
 * late, an end, at which it is full, too: the one too many is refused. A Unix socket that is not
 * the peer, and is full, is tried again every millisecond: the kernel does not tell when it has
 * room.
 *
 * No call comes from inside of a function of this header. What ends at once says so by what it
 * returns, and is not told again.
 *
 * Options of sockets are set by setsockopt(2) on weir_datagram_fd(): broadcast, multicast groups,
 * the time to live, sizes of buffers. What has to be set before the bind: by weir_datagram_adopt().
 * With UDP_SEGMENT a packet is sent as several datagrams; UDP_GRO is not for this header, which
 * would give several datagrams as one.
 *
 * Fairness:  of one socket up to 64 datagrams in and 64 out a turn.
 * Progress:  nothing here blocks; each function makes a few system calls at most.
 * Ordering:  one thread. The kernel gets datagrams in the order of the calls; whoever is to receive
 *            them may get them in another order, twice, or not at all, but by a Unix socket.
 * Memory:    weir_datagram is the caller's, from open until `closed` is called: 216 bytes; and 16
 *            to 32 of the loop's. All share one buffer of 64 KiB a loop, with its streams. If
 *            `count` is more than 1, or `bytes` more than 65536, open allocates about
 *            count * (bytes + 220) bytes, until `closed`. But for weir_datagram_copy() nothing
 *            allocates after that.
 * Signals:   SIGPIPE is not raised.
 * Errors:    are about a datagram, and end nothing: a socket goes on until it is closed. What the
 *            kernel says of the one that is being sent is told by the function, or by `done`.
 *            What it learns later of one that it had taken is told by `failed`: of a socket with
 *            a peer, by ICMP, -ECONNREFUSED if nobody listens there, and the like. It says
 *            that to whichever call comes next, instead of sending: so what fails is tried once
 *            more, and if that succeeds, or fails otherwise, the first error was another one's.
 *            The kernel keeps one of them: several may be told as one; and one of those that come
 *            while several datagrams are sent by a call may be lost.
 * Edges:     weir/loop.h.
 *
 * Sources: several datagrams by a call: A. C. de Melo, "net: Introduce recvmmsg socket syscall",
 * 2009, https://git.kernel.org/linus/a2e2725541fa; that errors of UDP come late: R. Braden,
 * "Requirements for Internet Hosts: Communication Layers", RFC 1122, 1989, 4.1.3.3,
 * https://www.rfc-editor.org/rfc/rfc1122. */

#ifndef WEIR_DATAGRAM_H
#define WEIR_DATAGRAM_H

#include <weir/job.h>
#include <weir/loop.h>
#include <weir/poll.h>
#include <weir/timer.h>

#include <sys/socket.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_datagram weir_datagram;
typedef struct weir_packet weir_packet;

/* A datagram that has come. All of it is good until the call returns. */
typedef struct weir_arrival {
    void *data;
    size_t bytes;                /* may be 0 */
    const struct sockaddr *from; /* NULL: of a Unix socket without a name */
    socklen_t from_length;
    bool truncated; /* there was more of it than `bytes`, and that is gone */
} weir_arrival;

/* What a socket calls; NULL: nothing. One table for all of a kind; it must stay. */
typedef struct weir_datagram_calls {
    /* One has come. */
    void (*receive)(weir_datagram *socket, const weir_arrival *arrival);
    /* One that the kernel had taken before was not delivered; or none can be received for now: a
     * negative errno. Also while it is paused. */
    void (*failed)(weir_datagram *socket, int status);
    /* It was full, and is not above its low mark any more, nor has more than half of the packets
     * that it may have. */
    void (*drained)(weir_datagram *socket);
    /* It is closed: the memory is the caller's. */
    void (*closed)(weir_datagram *socket);
} weir_datagram_calls;

/* Starts as {0}, or WEIR_DATAGRAM_OPTIONS_INIT: all that is said below of 0. */
typedef struct weir_datagram_options {
    size_t bytes;   /* of the longest datagram, up to 2^20; more is truncated; 0: 65536 */
    unsigned count; /* received by one system call, up to 64; 0: 1 */
    bool share;     /* SO_REUSEPORT, before the bind */
} weir_datagram_options;

#define WEIR_DATAGRAM_OPTIONS_INIT \
    {                              \
        0, 0, false                \
    }

/* Embedded in what it is for. */
struct weir_datagram {
    weir_poll poll;
    weir_timer again; /* the kernel will not say when there is room */
    weir_job finish;
    const weir_datagram_calls *calls;
    weir_packet *first, *last;          /* that are not sent */
    size_t queued;                      /* bytes of them */
    struct weir__datagram_batch *batch; /* NULL: the loop's buffer */
    uint32_t count, most;               /* packets in the queue, and at most */
    uint32_t low, high;                 /* bytes */
    uint32_t bytes;                     /* of a datagram that comes, at most */
    int error;                          /* to be told by `failed`; or 0 */
    uint32_t state;                     /* lib/datagram.c */
};

/* A datagram to be sent: made by one of the two functions below. The caller's, with the bytes and
 * the address, from weir_datagram_send() until it is done. */
struct weir_packet {
    weir_packet *next;
    void (*done)(weir_packet *packet, weir_datagram *socket, int status);
    const struct sockaddr *to; /* NULL: the peer */
    struct iovec *parts;
    struct iovec part;
    size_t bytes;
    socklen_t to_length;
    uint32_t count; /* parts */
};

enum { WEIR_DATAGRAM_LOW = 16384, WEIR_DATAGRAM_HIGH = 65536, WEIR_DATAGRAM_MOST = 1024 };

/* ---- life ---- */

/* Makes a socket, and binds it to an address of UDP, or of a Unix socket, whose path the caller
 * removes. Port 0: the kernel chooses one; of a Unix socket the family alone: it chooses a name. It
 * is paused. `options` may be NULL; they are copied.
 * Returns: 0; a negative errno of socket(2), bind(2), of which -EADDRINUSE, -EACCES,
 * -EADDRNOTAVAIL; or as weir_datagram_adopt(). On failure it is as one that is closed. */
WEIR_API int weir_datagram_open(weir_datagram *socket, weir_loop *loop,
                                const struct sockaddr *address, socklen_t length,
                                const weir_datagram_options *options,
                                const weir_datagram_calls *calls) WEIR_NODISCARD;

/* The same with a socket of type SOCK_DGRAM, which is taken over, and made not to block: so is each
 * descriptor that shares its file. `share` is ignored.
 * Returns: 0; -EBADF; -ENOTSOCK; -EINVAL: of another type, or something else in the options;
 * -ENOMEM; -EEXIST, -ENOSPC: as weir_poll_start(). The descriptor is still the caller's then. */
WEIR_API int weir_datagram_adopt(weir_datagram *socket, weir_loop *loop, int fd,
                                 const weir_datagram_options *options,
                                 const weir_datagram_calls *calls) WEIR_NODISCARD;

/* Gives it a peer, or another one: to whom packets without an address go (also those that stand in
 * the queue), and the only one from whom it receives from now on; what has come already may be from
 * others. Of UDP only a socket with a peer is told by ICMP.
 * Returns: 0; -ESTALE; a negative errno of connect(2), of which -ENETUNREACH; of a Unix socket
 * -ENOENT, -ECONNREFUSED. */
WEIR_API int weir_datagram_connect(weir_datagram *socket, const struct sockaddr *address,
                                   socklen_t length) WEIR_NODISCARD;

/* Takes the peer away. It keeps its port: if the kernel has chosen that, it is without one for a
 * moment.
 * Returns: 0, also if there was none; -ESTALE; -EADDRINUSE: it has lost the port in this moment. */
WEIR_API int weir_datagram_disconnect(weir_datagram *socket);

/* Closes it, at once. In the CLOSE phase what was not sent ends with -ECANCELED; then `closed` is
 * called. Returns: 0; -EALREADY. */
WEIR_API int weir_datagram_close(weir_datagram *socket);

/* ---- receiving ---- */

/* Begins to receive, or goes on. Returns: 0; -ESTALE: it is closed. */
WEIR_API int weir_datagram_receive(weir_datagram *socket) WEIR_NODISCARD;

/* Receives no more, until the next weir_datagram_receive(): also not what has come already. */
WEIR_API void weir_datagram_pause(weir_datagram *socket);

/* ---- sending ---- */

/* Makes a packet of `bytes` bytes, which may be 0, for one use. `to`: an address, of `length`
 * bytes; NULL and 0: the peer. `done` may be NULL; it gets 0, or a negative errno: then it was not
 * sent. It may free the packet. */
WEIR_API void weir_packet_init(weir_packet *packet, const void *data, size_t bytes,
                               const struct sockaddr *to, socklen_t length,
                               void (*done)(weir_packet *packet, weir_datagram *socket,
                                            int status));

/* The same of `count` parts, up to 1024, one after the other. The array is the packet's, too. */
WEIR_API void weir_packet_init_parts(weir_packet *packet, struct iovec *parts, unsigned count,
                                     const struct sockaddr *to, socklen_t length,
                                     void (*done)(weir_packet *packet, weir_datagram *socket,
                                                  int status));

/* Sends it, behind what stands in the queue. 0 says that the kernel has it, no more.
 * Returns: 0: it is sent, and `done` is not called; -EINPROGRESS: it will be; -ENOBUFS: the queue
 * is at its end, or the kernel has no memory; -EMSGSIZE: too long; -ESTALE: closed; -EDESTADDRREQ
 * or -ENOTCONN: to nobody; or another negative errno of sendmsg(2). Unless it returns -EINPROGRESS
 * the packet is the caller's again. */
WEIR_API int weir_datagram_send(weir_datagram *socket, weir_packet *packet) WEIR_NODISCARD;

/* Sends it at once, if nothing stands in the queue.
 * Returns: 0; -EAGAIN: there is no room; otherwise as weir_datagram_send(). */
WEIR_API int weir_datagram_try_send(weir_datagram *socket, const void *data, size_t bytes,
                                    const struct sockaddr *to, socklen_t length) WEIR_NODISCARD;

/* Sends it; if there is no room it is copied, with its address.
 * Returns: 0, also if it is still to be sent; -ENOMEM; otherwise as weir_datagram_send().
 * Complexity: an allocation, if there is no room. */
WEIR_API int weir_datagram_copy(weir_datagram *socket, const void *data, size_t bytes,
                                const struct sockaddr *to, socklen_t length) WEIR_NODISCARD;

/* Where it is full, and no longer: bytes of the queue; and how many packets may stand in it. As
 * after open: WEIR_DATAGRAM_LOW, WEIR_DATAGRAM_HIGH, WEIR_DATAGRAM_MOST. */
WEIR_API void weir_datagram_marks(weir_datagram *socket, uint32_t low, uint32_t high,
                                  uint32_t most);

/* ---- queries ---- */

/* Returns: whether more stands in the queue than the high mark, or as many packets as may; or did,
 * and `drained` is still to come. */
WEIR_API bool weir_datagram_is_full(const weir_datagram *socket);

/* Returns: bytes in the queue. */
WEIR_API size_t weir_datagram_queued(const weir_datagram *socket);

/* Returns: the descriptor, for getsockname(2), setsockopt(2) and their like; -1: it is closed. */
WEIR_API int weir_datagram_fd(const weir_datagram *socket);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_DATAGRAM_H */
