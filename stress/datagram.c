/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/datagram.c: loops in several threads; each has a Unix socket and one of UDP, and sends to
 * those of all others, and to its own.
 *
 *   They send datagrams of random sizes, by all kinds of sends, receive one or several by one
 * system call, and pause, at random. Visitors come with sockets of their own, send some, and close,
 * also while some of that still waits. Each byte tells whose it is, and its place. Over Unix
 * sockets nothing is lost, nothing comes twice, all in order; over UDP something may be lost. Each
 * packet is done once, before its socket is closed; no memory and no descriptor is left.
 *
 * Edges:
 *   stopped  on_clock() -> on_clock()  carries how many were sent
 */

#include "memory.h"
#include "stress.h"

#include <weir/datagram.h>
#include <weir/timer.h>

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

enum { LONGEST = 1200, VISITORS = 4, VISITOR = 255 };
enum { LOCAL, OVER_UDP, KINDS };

typedef struct header {
    uint64_t seed;
    uint32_t number; /* of those of its sender to its receiver */
    uint16_t bytes;  /* all of it */
    uint8_t from, to;
} header;

typedef struct user user;

/* One socket. */
typedef struct spot {
    weir_datagram socket;
    user *owner;
    unsigned kind;
    bool visits, gone;
    unsigned waits, done; /* packets */
    uint32_t sent[STRESS_MAX_THREADS], got[STRESS_MAX_THREADS];
} spot;

typedef struct piece {
    weir_packet packet;
    spot *owner;
    size_t bytes; /* allocated */
} piece;

struct user {
    weir_loop *loop;
    weir_timer clock;
    stress_rng rng;
    unsigned number, visitors;
    spot spots[KINDS];
    struct sockaddr_storage addresses[KINDS];
    socklen_t lengths[KINDS];
    bool stopped;
};

static stress s;
static user users[STRESS_MAX_THREADS];
static WEIR_ATOMIC(uint32_t) stopped;
static WEIR_ATOMIC(uint64_t) sent[KINDS], received[KINDS], visited;

static uint64_t add(WEIR_ATOMIC(uint64_t) * number, uint64_t n)
{
    return weir_atomic_fetch_add(number, n, WEIR_RELAXED); /* relaxed: a number. */
}

static uint64_t get(WEIR_ATOMIC(uint64_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED); /* relaxed: a number. */
}

/* ---- bytes ---- */

static unsigned char byte_at(const header *head, size_t i)
{
    return (unsigned char)(stress_mix(head->seed + i / 8) >> 8 * (i % 8));
}

static void make_datagram(unsigned char *bytes, header head)
{
    memcpy(bytes, &head, sizeof head);
    for (size_t i = sizeof head; i < head.bytes; i++)
        bytes[i] = byte_at(&head, i);
}

static void check_datagram(const spot *to, const weir_arrival *arrival, header *head)
{
    const unsigned char *const bytes = (const unsigned char *)arrival->data;

    if (arrival->truncated || arrival->bytes < sizeof *head)
        stress_fail(&s, "a datagram of %zu bytes", arrival->bytes);
    memcpy(head, bytes, sizeof *head);
    if (head->bytes != arrival->bytes || head->to != to->owner->number)
        stress_fail(&s, "%zu bytes of %u, to %u, came to %u", arrival->bytes, head->bytes, head->to,
                    to->owner->number);
    for (size_t i = sizeof *head; i < head->bytes; i++)
        if (bytes[i] != byte_at(head, i))
            stress_fail(&s, "byte %zu of %u is wrong", i, head->bytes);
}

/* ---- a socket ---- */

static void on_done(weir_packet *packet, weir_datagram *socket, int status)
{
    piece *const p = (piece *)(void *)packet;
    spot *const from = p->owner;

    if (socket != &from->socket || ++from->done > from->waits)
        stress_fail(&s, "a packet is done twice");
    if (status != 0 && (status != -ECANCELED || !from->gone))
        stress_fail(&s, "a packet that waited: %d", status);
    weir_release(p, p->bytes);
}

/* Returns: as the send. */
static int send_piece(spot *from, const user *to, const unsigned char *bytes, size_t count)
{
    const size_t all = sizeof(piece) + count;
    piece *const p = (piece *)weir_alloc(all, sizeof(uint64_t));
    int status;

    if (p == NULL)
        stress_fail(&s, "no memory");
    p->owner = from;
    p->bytes = all;
    memcpy(p + 1, bytes, count);
    weir_packet_init(&p->packet, p + 1, count, (const struct sockaddr *)&to->addresses[from->kind],
                     to->lengths[from->kind], on_done);
    from->waits++;
    status = weir_datagram_send(&from->socket, &p->packet);
    if (status != -EINPROGRESS) {
        from->waits--;
        weir_release(p, all);
    }
    return status == -EINPROGRESS ? 0 : status;
}

static void send_one(spot *from)
{
    unsigned char bytes[LONGEST];
    stress_rng *const rng = &from->owner->rng;
    const user *const to = &users[stress_below(rng, s.threads)];
    const struct sockaddr *const address = (const struct sockaddr *)&to->addresses[from->kind];
    const socklen_t length = to->lengths[from->kind];
    header head = {0, from->sent[to->number], 0, 0, (uint8_t)to->number};
    int status;

    head.seed = stress_random(rng);
    head.bytes = (uint16_t)(sizeof head + stress_below(rng, sizeof bytes - sizeof head));
    head.from = from->visits ? VISITOR : (uint8_t)from->owner->number;
    make_datagram(bytes, head);
    switch (stress_below(rng, 3)) {
    case 0:
        status = weir_datagram_try_send(&from->socket, bytes, head.bytes, address, length);
        break;
    case 1:
        status = weir_datagram_copy(&from->socket, bytes, head.bytes, address, length);
        break;
    default:
        status = send_piece(from, to, bytes, head.bytes);
    }
    if (status == 0) {
        from->sent[to->number]++;
        if (!from->visits)
            add(&sent[from->kind], 1);
    } else if (status != -EAGAIN && status != -ENOBUFS) {
        stress_fail(&s, "a send: %d", status);
    }
}

static void on_receive(weir_datagram *socket, const weir_arrival *arrival)
{
    spot *const to = (spot *)(void *)socket;
    header head;

    if (to->gone)
        stress_fail(&s, "something comes after the close");
    check_datagram(to, arrival, &head);
    if (head.from == VISITOR) {
        add(&visited, 1);
    } else {
        if (to->kind == LOCAL && head.number != to->got[head.from])
            stress_fail(&s, "number %u comes where %u is to", head.number, to->got[head.from]);
        to->got[head.from]++;
        add(&received[to->kind], 1);
    }
    if (stress_below(&to->owner->rng, 16) == 0)
        weir_datagram_pause(socket);
}

static void on_failed(weir_datagram *socket, int status)
{
    (void)socket;
    stress_fail(&s, "a socket without a peer is told of %d", status);
}

static void on_drained(weir_datagram *socket)
{
    if (weir_datagram_is_full(socket))
        stress_fail(&s, "drained, and full");
}

static void on_closed(weir_datagram *socket)
{
    spot *const closed = (spot *)(void *)socket;

    if (!closed->gone || closed->done != closed->waits)
        stress_fail(&s, "closed with %u of %u packets done", closed->done, closed->waits);
    if (closed->visits) {
        closed->owner->visitors--;
        weir_release(closed, sizeof *closed);
    }
}

static const weir_datagram_calls calls = {on_receive, on_failed, on_drained, on_closed};

static void open_spot(spot *opened, user *owner, unsigned kind, bool visits)
{
    const weir_datagram_options options = {LONGEST, (unsigned)stress_below(&owner->rng, 2) * 8 + 1,
                                           false};
    struct sockaddr_in address;

    memset(opened, 0, sizeof *opened);
    memset(&address, 0, sizeof address);
    opened->owner = owner;
    opened->kind = kind;
    opened->visits = visits;
    address.sin_family = kind == LOCAL ? AF_UNIX : AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (weir_datagram_open(&opened->socket, owner->loop, (const struct sockaddr *)&address,
                           kind == LOCAL ? sizeof(sa_family_t) : sizeof address, &options,
                           &calls) != 0)
        stress_fail(&s, "a socket cannot be opened");
    weir_datagram_marks(&opened->socket, 2000, 20000, (uint32_t)stress_below(&owner->rng, 100));
}

static void close_spot(spot *closed)
{
    closed->gone = true;
    if (weir_datagram_close(&closed->socket) != 0)
        stress_fail(&s, "a close is refused");
}

static void visit(user *u)
{
    spot *const visitor = (spot *)weir_alloc(sizeof *visitor, WEIR_CACHELINE);

    if (visitor == NULL)
        stress_fail(&s, "no memory");
    open_spot(visitor, u, (unsigned)stress_below(&u->rng, KINDS), true);
    u->visitors++;
    for (uint64_t i = stress_below(&u->rng, 30); i != 0; i--)
        send_one(visitor);
    close_spot(visitor);
}

/* ---- users ---- */

static void step(user *u)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (uint64_t i = stress_below(&u->rng, 20); i != 0 && !stress_stopping(&s); i--)
            send_one(&u->spots[kind]);
        if (weir_datagram_receive(&u->spots[kind].socket) != 0)
            stress_fail(&s, "receiving is refused");
    }
    if (!stress_stopping(&s) && u->visitors < VISITORS && stress_below(&u->rng, 4) == 0)
        visit(u);
}

static void on_clock(weir_timer *timer)
{
    user *const u = (user *)(void *)((char *)timer - offsetof(user, clock));

    step(u);
    if (stress_stopping(&s) && !u->stopped && u->visitors == 0 &&
        u->spots[LOCAL].done == u->spots[LOCAL].waits &&
        weir_datagram_queued(&u->spots[LOCAL].socket) == 0 &&
        weir_datagram_queued(&u->spots[OVER_UDP].socket) == 0) {
        u->stopped = true;
        /* sync(stopped): release. Pairs with the load below; carries what was sent. */
        weir_atomic_fetch_add(&stopped, 1, WEIR_RELEASE);
        /* sync(stopped): acquire. Pairs with the addition above. */
    } else if (u->stopped && weir_atomic_load(&stopped, WEIR_ACQUIRE) == s.threads &&
               get(&received[LOCAL]) == get(&sent[LOCAL])) {
        for (unsigned kind = 0; kind < KINDS; kind++)
            close_spot(&u->spots[kind]);
        return;
    }
    weir_timer_after(timer, stress_below(&u->rng, 300000));
}

static void body(void *argument)
{
    user *const u = (user *)argument;

    weir_timer_init(&u->clock, u->loop, on_clock);
    weir_timer_after(&u->clock, 0);
    if (weir_loop_run(u->loop, WEIR_LOOP_IDLE, WEIR_FOREVER) != 0)
        stress_fail(&s, "a loop is stopped");
}

static void make_user(user *u, stress_rng *rng, unsigned number)
{
    memset(u, 0, sizeof *u);
    u->number = number;
    u->rng = stress_rng_make(stress_random(rng), number);
    if (weir_loop_new(&u->loop, NULL) != 0)
        stress_fail(&s, "no loop");
    for (unsigned kind = 0; kind < KINDS; kind++) {
        open_spot(&u->spots[kind], u, kind, false);
        u->lengths[kind] = sizeof u->addresses[kind];
        if (getsockname(weir_datagram_fd(&u->spots[kind].socket),
                        (struct sockaddr *)&u->addresses[kind], &u->lengths[kind]) != 0)
            stress_fail(&s, "no address");
    }
}

static void one_round(stress_rng *rng, uint64_t ns)
{
    const int first = dup(0);

    close(first);
    weir_atomic_store(&stopped, 0, WEIR_RELAXED); /* relaxed: alone. */
    for (unsigned i = 0; i < s.threads; i++)
        make_user(&users[i], rng, i);
    stress_run(&s, s.threads, body, users, sizeof users[0], ns);
    for (unsigned i = 0; i < s.threads; i++)
        if (weir_loop_free(users[i].loop) != 0)
            stress_fail(&s, "a loop cannot be freed");
    for (unsigned i = 0; i < s.threads; i++)
        for (unsigned j = 0; j < s.threads; j++) {
            const spot *const from = users[i].spots, *const to = users[j].spots;

            if (from[LOCAL].sent[j] != to[LOCAL].got[i] ||
                from[OVER_UDP].sent[j] < to[OVER_UDP].got[i])
                stress_fail(&s, "from %u to %u: %u of %u, over UDP %u of %u", i, j,
                            to[LOCAL].got[i], from[LOCAL].sent[j], to[OVER_UDP].got[i],
                            from[OVER_UDP].sent[j]);
        }
    if (dup(0) != first)
        stress_fail(&s, "a descriptor is left");
    close(first);
    /* relaxed: alone. */
    if (weir_atomic_load(&live, WEIR_RELAXED) != 0)
        stress_fail(&s, "%zu bytes are left", weir_atomic_load(&live, WEIR_RELAXED)); /* relaxed. */
}

int main(int argc, char **argv)
{
    enum { ROUNDS = 20 };
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    stress_rng rng;

    stress_begin(&s, "datagram", argc, argv);
    weir_set_allocator(&counted);
    rng = stress_rng_make(s.seed, STRESS_MAX_THREADS);
    while (stress_goes_on(&s, "%" PRIu64 " datagrams", get(&received[LOCAL])))
        one_round(&rng, (uint64_t)(s.seconds * 1e9 / ROUNDS));
    return stress_end(&s,
                      "%" PRIu64 " over Unix sockets; over UDP %" PRIu64 " of %" PRIu64 "; %" PRIu64
                      " of visitors",
                      get(&received[LOCAL]), get(&received[OVER_UDP]), get(&sent[OVER_UDP]),
                      get(&visited));
}
