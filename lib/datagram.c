/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/datagram.c: datagram sockets; their peers are in lib/datagram_peer.c. As in lib/stream.c the
 * kernel tells each change once, and `state` remembers it until a system call says EAGAIN. A short
 * count of recvmmsg(2) does not say that all was received: an error may have come between.
 *
 * A socket that is closed stays where it is until the CLOSE phase: so whatever a callback does, its
 * caller may look at `state` after it. */

#include <weir/datagram.h>

#include "loop.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Of `state`. */
enum {
    RECEIVING = 1,
    READABLE = 2,
    WRITABLE = 4,
    FULL = 8,
    CLOSED = 16,
    UNIX = 32 /* of that family */
};

enum { TURN = 64, TOGETHER = 16, MOST_BYTES = 1 << 20, MOST_COUNT = 64, MOST_PARTS = 1024 };
#define AGAIN_NS UINT64_C(1000000)

#define CALL(socket, function, ...)                                                    \
    do {                                                                               \
        weir_loop *const call_loop = (socket)->poll.loop;                              \
        weir__loop_begin(call_loop, (socket), "datagram", (void (*)(void))(function)); \
        (function)(__VA_ARGS__);                                                       \
        weir__loop_end(call_loop);                                                     \
    } while (0)

/* ---- receiving ---- */

typedef struct slot {
    struct sockaddr_storage from;
    struct iovec part;
} slot;

/* Where datagrams come to. */
typedef struct weir__datagram_batch {
    struct mmsghdr *messages;
    slot *slots;
    char *room;
    size_t bytes;                 /* of a slot's room */
    size_t allocated;             /* 0: nothing of it */
    unsigned count, taken, given; /* slots; from the kernel; of these, to the user */
} batch;

/* Returns: NULL: no memory. */
static batch *new_batch(size_t bytes, unsigned count)
{
    const size_t all = sizeof(batch) + count * (sizeof(struct mmsghdr) + sizeof(slot) + bytes);
    batch *const made = (batch *)weir_alloc(all, sizeof(uint64_t));

    if (made == NULL)
        return NULL;
    memset(made, 0, sizeof *made);
    made->slots = (slot *)(void *)(made + 1);
    made->messages = (struct mmsghdr *)(void *)(made->slots + count);
    made->room = (char *)(made->messages + count);
    made->bytes = bytes;
    made->allocated = all;
    made->count = count;
    return made;
}

/* Takes as many from the kernel as there is room for. Returns: 0; a negative errno. */
static int refill(batch *b, int fd)
{
    int n;

    memset(b->messages, 0, b->count * sizeof *b->messages);
    for (unsigned i = 0; i < b->count; i++) {
        struct msghdr *const header = &b->messages[i].msg_hdr;

        b->slots[i].part.iov_base = b->room + i * b->bytes;
        b->slots[i].part.iov_len = b->bytes;
        header->msg_name = &b->slots[i].from;
        header->msg_namelen = sizeof b->slots[i].from;
        header->msg_iov = &b->slots[i].part;
        header->msg_iovlen = 1;
    }
    do
        n = recvmmsg(fd, b->messages, b->count, MSG_CMSG_CLOEXEC, NULL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    b->taken = (unsigned)n;
    b->given = 0;
    return 0;
}

static void give(weir_datagram *socket, const struct mmsghdr *message)
{
    const struct msghdr *const header = &message->msg_hdr;
    weir_arrival arrival;

    arrival.data = header->msg_iov->iov_base;
    arrival.bytes = message->msg_len;
    arrival.from_length = header->msg_namelen;
    arrival.from = header->msg_namelen != 0 ? (const struct sockaddr *)header->msg_name : NULL;
    arrival.truncated = (header->msg_flags & MSG_TRUNC) != 0;
    if (socket->calls->receive != NULL)
        CALL(socket, socket->calls->receive, socket, &arrival);
}

static void tell(weir_datagram *socket, int status)
{
    if (status != 0 && socket->calls->failed != NULL)
        CALL(socket, socket->calls->failed, socket, status);
}

static void receive_some(weir_datagram *socket)
{
    struct mmsghdr message;
    slot alone;
    batch one = {&message, &alone, NULL, socket->bytes, 0, 1, 0, 0};
    batch *const b = socket->batch != NULL ? socket->batch : &one;

    one.room = (char *)socket->poll.loop->buffer;
    for (unsigned i = 0; (socket->state & (RECEIVING | READABLE)) == (RECEIVING | READABLE); i++) {
        int status = 0;

        if (i == TURN) {
            weir_poll_again(&socket->poll, WEIR_POLL_READ);
            return;
        }
        if (b->given == b->taken)
            status = refill(b, socket->poll.fd);
        if (status == -EAGAIN)
            socket->state &= ~(uint32_t)READABLE;
        else if (status != 0)
            tell(socket, status);
        else
            give(socket, &b->messages[b->given++]);
    }
}

int weir_datagram_receive(weir_datagram *socket)
{
    if ((socket->state & CLOSED) != 0)
        return -ESTALE;
    socket->state |= RECEIVING;
    if ((socket->state & READABLE) != 0) /* as long as something is left of a batch, too */
        weir_poll_again(&socket->poll, WEIR_POLL_READ);
    return 0;
}

void weir_datagram_pause(weir_datagram *socket)
{
    socket->state &= ~(uint32_t)RECEIVING;
}

/* ---- errors of earlier ones ---- */

/* What the kernel has learned, and what a send came upon. */
static void tell_errors(weir_datagram *socket)
{
    const int before = socket->error;
    int error = 0;
    socklen_t length = sizeof error;

    socket->error = 0;
    tell(socket, before);
    if ((socket->state & CLOSED) == 0 &&
        getsockopt(socket->poll.fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0)
        tell(socket, -error);
}

/* Whether the kernel may say it of an earlier one, and has forgotten it then. A Unix socket says
 * ECONNREFUSED when its peer is gone, and forgets the peer. */
static bool may_be_earlier(const weir_datagram *socket, int status)
{
    if (status >= 0 || status == -EAGAIN)
        return false;
    return (socket->state & UNIX) == 0 || status == -ECONNRESET;
}

static void tell_later(weir_datagram *socket, int status)
{
    if (socket->error == 0)
        socket->error = status;
    weir_poll_again(&socket->poll, WEIR_POLL_ERROR);
}

/* ---- a packet ---- */

void weir_packet_init_parts(weir_packet *packet, struct iovec *parts, unsigned count,
                            const struct sockaddr *to, socklen_t length,
                            void (*done)(weir_packet *packet, weir_datagram *socket, int status))
{
    WEIR_REQUIRE(count <= MOST_PARTS, "a packet of more than 1024 parts");
    memset(packet, 0, sizeof *packet);
    packet->done = done;
    packet->to = to;
    packet->to_length = to != NULL ? length : 0;
    packet->parts = count != 0 ? parts : &packet->part; /* an empty one */
    packet->count = count != 0 ? count : 1;
    for (unsigned i = 0; i < count; i++)
        packet->bytes += parts[i].iov_len;
}

void weir_packet_init(weir_packet *packet, const void *data, size_t bytes,
                      const struct sockaddr *to, socklen_t length,
                      void (*done)(weir_packet *packet, weir_datagram *socket, int status))
{
    weir_packet_init_parts(packet, NULL, 0, to, length, done);
    packet->part.iov_base = (void *)(uintptr_t)data; /* which is only read */
    packet->part.iov_len = packet->bytes = bytes;
}

static void header_of(const weir_packet *packet, struct msghdr *header)
{
    memset(header, 0, sizeof *header);
    header->msg_name = (void *)(uintptr_t)packet->to; /* which is only read */
    header->msg_namelen = packet->to_length;
    header->msg_iov = packet->parts;
    header->msg_iovlen = (unsigned short)packet->count; /* C libraries differ in its type */
}

/* ---- sending ---- */

/* One system call, for up to `most` packets of the queue. Returns: how many; a negative errno. */
static int transmit(weir_datagram *socket, const weir_packet *packet, unsigned most)
{
    struct mmsghdr messages[TOGETHER];
    unsigned count = 0;
    int n;

    for (; packet != NULL && count < most && count < TOGETHER; packet = packet->next)
        header_of(packet, &messages[count++].msg_hdr);
    do
        if (count == 1)
            n = sendmsg(socket->poll.fd, &messages[0].msg_hdr, MSG_NOSIGNAL) < 0 ? -1 : 1;
        else
            n = sendmmsg(socket->poll.fd, messages, count, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    if (errno == EAGAIN)
        socket->state &= ~(uint32_t)WRITABLE;
    return -errno;
}

/* The same, and the first one's error is its own. */
static int transmit_surely(weir_datagram *socket, const weir_packet *packet, unsigned most)
{
    const int earlier = transmit(socket, packet, most);
    int n;

    if (!may_be_earlier(socket, earlier))
        return earlier;
    n = transmit(socket, packet, 1);
    if (n != earlier)
        tell_later(socket, earlier);
    return n;
}

static void end_first(weir_datagram *socket, int status)
{
    weir_packet *const packet = socket->first;

    socket->first = packet->next;
    socket->queued -= packet->bytes;
    socket->count--;
    if (packet->done != NULL)
        CALL(socket, packet->done, packet, socket, status);
}

static void drain(weir_datagram *socket)
{
    if ((socket->state & (FULL | CLOSED)) != FULL || socket->queued > socket->low ||
        socket->count > socket->most / 2)
        return;
    socket->state &= ~(uint32_t)FULL;
    if (socket->calls->drained != NULL)
        CALL(socket, socket->calls->drained, socket);
}

/* A Unix socket that is full, and not the peer: the kernel does not tell when it has room again,
 * but of each try that fails, since that has taken memory, and given it back. */
static void look_again(weir_datagram *socket)
{
    if ((socket->state & (UNIX | WRITABLE | CLOSED)) == UNIX && socket->first != NULL &&
        socket->first->to != NULL && !weir_timer_is_started(&socket->again))
        weir_timer_after(&socket->again, AGAIN_NS);
}

static void send_some(weir_datagram *socket)
{
    unsigned left = TURN;

    while (socket->first != NULL && (socket->state & (WRITABLE | CLOSED)) == WRITABLE) {
        int n;

        if (left == 0) {
            weir_poll_again(&socket->poll, WEIR_POLL_WRITE);
            break;
        }
        n = transmit_surely(socket, socket->first, left);
        if (n == -EAGAIN)
            break;
        left -= n < 0 ? 1 : (unsigned)n;
        if (n < 0)
            end_first(socket, n);
        for (; n > 0; n--) /* which are sent, whatever `done` does */
            end_first(socket, 0);
    }
    look_again(socket);
    drain(socket);
}

static void push(weir_datagram *socket, weir_packet *packet)
{
    packet->next = NULL;
    if (socket->first == NULL)
        socket->first = packet;
    else
        socket->last->next = packet;
    socket->last = packet;
    socket->count++;
    socket->queued += packet->bytes;
    if (socket->queued > socket->high || socket->count >= socket->most)
        socket->state |= FULL;
    look_again(socket);
}

/* Returns: 0: sent; -EAGAIN: it has to wait; or another negative errno. */
static int send_now(weir_datagram *socket, const weir_packet *packet)
{
    int n;

    if ((socket->state & CLOSED) != 0)
        return -ESTALE;
    if (socket->first != NULL)
        return -EAGAIN;
    n = transmit_surely(socket, packet, 1);
    return n < 0 ? n : 0;
}

int weir_datagram_send(weir_datagram *socket, weir_packet *packet)
{
    const int status = send_now(socket, packet);

    if (status != -EAGAIN)
        return status;
    if (socket->count >= socket->most)
        return -ENOBUFS;
    push(socket, packet);
    return -EINPROGRESS;
}

int weir_datagram_try_send(weir_datagram *socket, const void *data, size_t bytes,
                           const struct sockaddr *to, socklen_t length)
{
    weir_packet packet;

    weir_packet_init(&packet, data, bytes, to, length, NULL);
    return send_now(socket, &packet);
}

/* ---- copies ---- */

typedef struct copy {
    weir_packet packet;
    struct sockaddr_storage to;
    size_t bytes; /* allocated */
} copy;

static void free_copy(weir_packet *packet, weir_datagram *socket, int status)
{
    (void)socket;
    (void)status;
    weir_release(packet, ((copy *)(void *)packet)->bytes);
}

int weir_datagram_copy(weir_datagram *socket, const void *data, size_t bytes,
                       const struct sockaddr *to, socklen_t length)
{
    const int status = weir_datagram_try_send(socket, data, bytes, to, length);
    copy *made;

    if (status != -EAGAIN)
        return status;
    if (socket->count >= socket->most)
        return -ENOBUFS;
    if (bytes > SIZE_MAX - sizeof *made || length > sizeof made->to)
        return -EINVAL;
    made = (copy *)weir_alloc(sizeof *made + bytes, sizeof(uint64_t));
    if (made == NULL)
        return -ENOMEM;
    made->bytes = sizeof *made + bytes;
    if (bytes != 0)
        memcpy(made + 1, data, bytes);
    if (to != NULL)
        memcpy(&made->to, to, length);
    weir_packet_init(&made->packet, made + 1, bytes,
                     to != NULL ? (const struct sockaddr *)&made->to : NULL, length, free_copy);
    push(socket, &made->packet);
    return 0;
}

/* ---- life ---- */

static void on_ready(weir_poll *poll, unsigned ready)
{
    weir_datagram *const socket = (weir_datagram *)(void *)poll;

    if ((ready & WEIR_POLL_ERROR) != 0)
        tell_errors(socket);
    if ((ready & WEIR_POLL_WRITE) != 0 && (socket->state & CLOSED) == 0 &&
        !weir_timer_is_started(&socket->again)) {
        socket->state |= WRITABLE;
        send_some(socket);
    }
    if ((ready & WEIR_POLL_READ) != 0 && (socket->state & CLOSED) == 0) {
        socket->state |= READABLE;
        receive_some(socket);
    }
}

static void on_again(weir_timer *timer)
{
    weir_datagram *const socket =
        (weir_datagram *)(void *)((char *)timer - offsetof(weir_datagram, again));

    weir_poll_again(&socket->poll, WEIR_POLL_WRITE);
}

/* In the CLOSE phase. */
static int finish(weir_job *job)
{
    weir_datagram *const socket =
        (weir_datagram *)(void *)((char *)job - offsetof(weir_datagram, finish));

    while (socket->first != NULL)
        end_first(socket, -ECANCELED);
    if (socket->batch != NULL)
        weir_release(socket->batch, socket->batch->allocated);
    weir__loop_drop(socket->poll.loop, true);
    if (socket->calls->closed != NULL)
        CALL(socket, socket->calls->closed, socket);
    return 0;
}

/* Of what is asked of the socket. Returns: 0; a negative errno. */
static int ask(int fd, int option, int *value)
{
    socklen_t length = sizeof *value;

    return getsockopt(fd, SOL_SOCKET, option, value, &length) == 0 ? 0 : -errno;
}

static int make_room(weir_datagram *socket, const weir_datagram_options *options)
{
    const size_t bytes = options->bytes != 0 ? options->bytes : WEIR__LOOP_BUFFER;

    if (bytes > MOST_BYTES || options->count > MOST_COUNT)
        return -EINVAL;
    socket->bytes = (uint32_t)bytes;
    if (options->count <= 1 && bytes <= WEIR__LOOP_BUFFER)
        return weir__loop_make_buffer(socket->poll.loop);
    socket->batch = new_batch(bytes, options->count != 0 ? options->count : 1);
    return socket->batch != NULL ? 0 : -ENOMEM;
}

static void start_as_closed(weir_datagram *socket, weir_loop *loop,
                            const weir_datagram_calls *calls)
{
    memset(socket, 0, sizeof *socket);
    weir_poll_init(&socket->poll, loop, -1, on_ready);
    socket->poll.inner = true;
    weir_timer_init(&socket->again, loop, on_again);
    weir_timer_background(&socket->again, true);
    weir_job_init(&socket->finish, finish);
    socket->calls = calls;
    socket->low = WEIR_DATAGRAM_LOW;
    socket->high = WEIR_DATAGRAM_HIGH;
    socket->most = WEIR_DATAGRAM_MOST;
    socket->state = CLOSED;
}

int weir_datagram_adopt(weir_datagram *socket, weir_loop *loop, int fd,
                        const weir_datagram_options *options, const weir_datagram_calls *calls)
{
    static const weir_datagram_options none = WEIR_DATAGRAM_OPTIONS_INIT;
    int type = 0, family = 0;
    int status = ask(fd, SO_TYPE, &type);

    start_as_closed(socket, loop, calls);
    if (status == 0)
        status = type == SOCK_DGRAM ? ask(fd, SO_DOMAIN, &family) : -EINVAL;
    if (status == 0)
        status = weir__poll_unblock(fd);
    if (status == 0)
        status = make_room(socket, options != NULL ? options : &none);
    if (status != 0)
        return status;
    socket->poll.fd = fd;
    status = weir_poll_start(&socket->poll, WEIR_POLL_READ | WEIR_POLL_WRITE);
    if (status == 0) {
        socket->state = WRITABLE | (family == AF_UNIX ? UNIX : 0);
        return 0;
    }
    socket->poll.fd = -1;
    if (socket->batch != NULL)
        weir_release(socket->batch, socket->batch->allocated);
    return status;
}

int weir_datagram_open(weir_datagram *opened, weir_loop *loop, const struct sockaddr *address,
                       socklen_t length, const weir_datagram_options *options,
                       const weir_datagram_calls *calls)
{
    const int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int yes = 1;
    int status;

    start_as_closed(opened, loop, calls);
    if (fd < 0)
        return -errno;
    if ((options != NULL && options->share &&
         setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0) ||
        bind(fd, address, length) != 0)
        status = -errno;
    else
        status = weir_datagram_adopt(opened, loop, fd, options, calls);
    if (status != 0)
        (void)close(fd);
    return status;
}

int weir_datagram_close(weir_datagram *socket)
{
    weir_loop *const loop = socket->poll.loop;

    if ((socket->state & CLOSED) != 0)
        return -EALREADY;
    socket->state = (socket->state | CLOSED) & ~(uint32_t)(RECEIVING | READABLE);
    (void)weir_poll_stop(&socket->poll);
    (void)weir_timer_stop(&socket->again);
    (void)close(socket->poll.fd);
    socket->poll.fd = -1;
    weir__loop_add(loop, true); /* the job keeps it alive */
    weir_loop_defer(loop, &socket->finish, WEIR_LOOP_CLOSE);
    return 0;
}

/* ---- queries ---- */

void weir_datagram_marks(weir_datagram *socket, uint32_t low, uint32_t high, uint32_t most)
{
    WEIR_REQUIRE(low <= high, "the low mark is above the high one");
    socket->low = low;
    socket->high = high;
    socket->most = most;
}

bool weir_datagram_is_full(const weir_datagram *socket)
{
    return (socket->state & FULL) != 0;
}

size_t weir_datagram_queued(const weir_datagram *socket)
{
    return socket->queued;
}

int weir_datagram_fd(const weir_datagram *socket)
{
    return socket->poll.fd;
}
