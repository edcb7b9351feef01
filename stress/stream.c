/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/stream.c: loops in several threads; each has a listener of TCP and one of a Unix socket,
 * and connects to those of all others.
 *
 *   A client says how much it will send and how much it wants, and sends that, in pieces of random
 *   sizes, by all kinds of writes, while it reads and pauses at random; who accepts it likewise.
 *   Some clients close or reset at a random moment. Each byte tells its place: nothing is lost,
 *   nothing comes twice, all in order. Whoever does not break off gets everything, and then the
 *   end; each write is done once, before the close; no memory and no descriptor is left.
 *
 * Edges:
 *   stopped  on_clock() -> on_clock()  carries that no client begins any more
 */

#include "memory.h"
#include "stress.h"

#include <weir/stream.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS = 12, LIMIT = 300000 };

typedef struct header {
    uint64_t seed, up, down, breaks;
} header;

typedef struct user user;

typedef struct conn {
    weir_stream stream;
    weir_timer timer;
    user *user;
    weir_listener *from; /* of who was accepted */
    header head;
    size_t in, out, in_end, out_end; /* bytes, after the header */
    size_t head_bytes;               /* of the header, that have come */
    size_t break_at;                 /* of in + out; SIZE_MAX: never */
    unsigned writes, done;
    bool ended, failed, shut, gone;
    char room[5000];
} conn;

typedef struct piece {
    weir_write write;
    conn *owner;
    size_t bytes;
} piece;

struct user {
    weir_loop *loop;
    weir_listener listeners[2];
    struct sockaddr_storage addresses[2];
    socklen_t lengths[2];
    stress_rng rng;
    weir_timer clock;
    unsigned conns, clients;
    bool stopped; /* begins no more clients */
};

static stress s;
static user users[STRESS_MAX_THREADS];
static WEIR_ATOMIC(uint32_t) all_clients, stopped;
static WEIR_ATOMIC(uint64_t) begun, broken, complete_up, complete_down, cut_up, carried;

static void add(WEIR_ATOMIC(uint64_t) * number, uint64_t n)
{
    weir_atomic_fetch_add(number, n, WEIR_RELAXED); /* relaxed: a number. */
}

static uint64_t get(WEIR_ATOMIC(uint64_t) * number)
{
    return weir_atomic_load(number, WEIR_RELAXED); /* relaxed: a number. */
}

/* ---- bytes ---- */

static void fill(unsigned char *to, size_t bytes, uint64_t seed, size_t place)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(stress_mix(seed + (place + i) / 8) >> 8 * ((place + i) % 8));
}

static void compare(const conn *c, const unsigned char *got, size_t bytes, uint64_t seed)
{
    unsigned char want[256];

    for (size_t i = 0; i < bytes; i += sizeof want) {
        const size_t n = bytes - i < sizeof want ? bytes - i : sizeof want;

        fill(want, n, seed, c->in + i);
        if (memcmp(got + i, want, n) != 0)
            stress_fail(&s, "wrong bytes from %zu on, of %zu", c->in + i, c->in_end);
    }
}

static uint64_t seed_of(const conn *c, bool sends)
{
    return c->head.seed ^ ((c->from == NULL) == sends ? 0 : UINT64_C(1) << 63);
}

/* ---- a connection ---- */

static void close_conn(conn *c)
{
    if (c->gone)
        return;
    c->gone = true;
    (void)weir_timer_stop(&c->timer);
    if (c->from == NULL && c->break_at <= c->in + c->out && stress_below(&c->user->rng, 2) == 0)
        (void)weir_stream_abort(&c->stream);
    else
        (void)weir_stream_close(&c->stream);
}

/* Whether it is time to break off, or all is over. */
static bool look(conn *c)
{
    if (!c->gone && (c->in + c->out >= c->break_at || (c->ended && c->shut)))
        close_conn(c);
    return c->gone;
}

static void lost(conn *c, const char *what, int status)
{
    if (c->from == NULL || (c->head_bytes == sizeof c->head && c->head.breaks == 0))
        stress_fail(&s, "%s of who does not break off: %d", what, status);
    close_conn(c);
}

static void on_done(weir_write *write, weir_stream *stream, int status)
{
    piece *const p = (piece *)(void *)write;
    conn *const c = p->owner;

    if (stream != &c->stream || ++c->done > c->writes)
        stress_fail(&s, "a write is done twice");
    weir_release(p, p->bytes);
    if (status != 0 && !c->gone)
        lost(c, "a write", status);
}

/* Returns: as the write. */
static int send_piece(conn *c, const unsigned char *from, size_t bytes)
{
    const size_t all = sizeof(piece) + bytes;
    piece *const p = (piece *)weir_alloc(all, sizeof(void *));
    int status;

    if (p == NULL)
        stress_fail(&s, "no memory");
    p->owner = c;
    p->bytes = all;
    memcpy(p + 1, from, bytes);
    weir_write_init(&p->write, p + 1, bytes, on_done);
    c->writes++;
    status = weir_stream_write(&c->stream, &p->write);
    if (status != -EINPROGRESS) {
        c->writes--;
        weir_release(p, all);
    }
    return status == -EINPROGRESS ? 0 : status;
}

static void send_some(conn *c)
{
    static _Thread_local unsigned char bytes[20000];
    stress_rng *const rng = &c->user->rng;

    for (unsigned i = 0; i < 8 && c->out < c->out_end && !weir_stream_is_full(&c->stream); i++) {
        size_t n = stress_size(rng, sizeof bytes);
        ssize_t status;

        n = n < c->out_end - c->out ? n : c->out_end - c->out;
        fill(bytes, n, seed_of(c, true), c->out);
        switch (stress_below(rng, 3)) {
        case 0:
            status = weir_stream_try_write(&c->stream, bytes, n);
            if (status == -EAGAIN)
                status = 0;
            n = status < 0 ? 0 : (size_t)status;
            break;
        case 1:
            status = weir_stream_copy(&c->stream, bytes, n);
            break;
        default:
            status = send_piece(c, bytes, n);
        }
        if (status < 0) {
            lost(c, "a write", (int)status);
            return;
        }
        c->out += n;
        if (look(c))
            return;
    }
    if (c->out == c->out_end && !c->gone && (c->from == NULL || c->head_bytes == sizeof c->head)) {
        const int status = weir_stream_shutdown(&c->stream);

        c->out++; /* once */
        if (status == 0)
            c->shut = true;
        else if (status != -EINPROGRESS)
            lost(c, "a shutdown", status);
        (void)look(c);
    }
}

static void step(conn *c)
{
    stress_rng *const rng = &c->user->rng;

    if (look(c))
        return;
    send_some(c);
    if (c->gone)
        return;
    if (!c->ended && stress_below(rng, 4) == 0)
        weir_stream_pause(&c->stream);
    else if (!c->ended && weir_stream_read(&c->stream) != 0)
        stress_fail(&s, "reading is refused");
    weir_timer_after(&c->timer, stress_below(rng, 300000));
}

static void on_timer(weir_timer *timer)
{
    step((conn *)(void *)((char *)timer - offsetof(conn, timer)));
}

static void on_read(weir_stream *stream, void *data, size_t bytes)
{
    conn *const c = (conn *)(void *)stream;
    const unsigned char *from = (const unsigned char *)data;

    if (c->gone || c->ended)
        stress_fail(&s, "something is read after the end");
    if (c->from != NULL && c->head_bytes < sizeof c->head) {
        const size_t missing = sizeof c->head - c->head_bytes;
        const size_t n = bytes < missing ? bytes : missing;

        memcpy((char *)&c->head + c->head_bytes, from, n);
        c->head_bytes += n;
        from += n;
        bytes -= n;
        if (c->head_bytes == sizeof c->head) {
            c->in_end = (size_t)c->head.up;
            c->out_end = (size_t)c->head.down;
        }
    }
    if (bytes > c->in_end - c->in)
        stress_fail(&s, "%zu bytes too many", bytes - (c->in_end - c->in));
    compare(c, from, bytes, seed_of(c, false));
    c->in += bytes;
    if (!look(c) && stress_below(&c->user->rng, 8) == 0)
        weir_stream_pause(stream);
}

static void on_end(weir_stream *stream, int status)
{
    conn *const c = (conn *)(void *)stream;

    if (c->gone || c->ended)
        stress_fail(&s, "the end is told twice");
    c->ended = true;
    if (status == 0 && c->in == c->in_end && (c->from == NULL || c->head_bytes == sizeof c->head))
        (void)look(c);
    else
        lost(c, "an early end", status);
}

static void *on_buffer(weir_stream *stream, size_t *bytes)
{
    conn *const c = (conn *)(void *)stream;

    *bytes = 1 + (size_t)stress_below(&c->user->rng, sizeof c->room);
    return c->room;
}

static void on_writing_failed(weir_stream *stream, int status)
{
    conn *const c = (conn *)(void *)stream;

    if (c->gone || c->failed)
        stress_fail(&s, "a failure is told twice");
    c->failed = true;
    lost(c, "writing", status);
}

static void on_drained(weir_stream *stream)
{
    send_some((conn *)(void *)stream);
}

static void on_shut(weir_stream *stream, int status)
{
    conn *const c = (conn *)(void *)stream;

    if (c->shut || c->done != c->writes)
        stress_fail(&s, "shut too early, or twice");
    c->shut = true;
    if (c->gone)
        return;
    if (status != 0)
        lost(c, "a shutdown", status);
    (void)look(c);
}

static void on_closed(weir_stream *stream)
{
    conn *const c = (conn *)(void *)stream;
    const bool whole = c->ended && c->in == c->in_end && c->out == c->out_end + 1;

    if (!c->gone || c->done != c->writes)
        stress_fail(&s, "closed with %u of %u writes done", c->done, c->writes);
    add(&carried, c->in);
    if (c->from != NULL) {
        add(whole ? &complete_up : &cut_up, 1);
        weir_listener_release(c->from);
    } else {
        add(c->break_at == SIZE_MAX && whole ? &complete_down : &broken, 1);
        if (c->break_at == SIZE_MAX && !whole)
            stress_fail(&s, "a client got %zu of %zu", c->in, c->in_end);
        c->user->clients--;
        weir_atomic_fetch_sub(&all_clients, 1, WEIR_RELAXED); /* relaxed: a number. */
    }
    c->user->conns--;
    weir_release(c, sizeof *c);
}

static const weir_stream_calls calls = {on_read,           on_end,  NULL,     NULL, on_drained,
                                        on_writing_failed, on_shut, on_closed};
static const weir_stream_calls own_calls = {on_read,    on_end, NULL,    on_buffer,
                                            on_drained, NULL,   on_shut, on_closed};

static conn *new_conn(user *u, int fd, weir_listener *from)
{
    conn *const c = (conn *)weir_alloc(sizeof *c, _Alignof(conn));

    if (c == NULL)
        stress_fail(&s, "no memory");
    memset(c, 0, sizeof *c);
    c->user = u;
    c->from = from;
    c->break_at = SIZE_MAX;
    weir_timer_init(&c->timer, u->loop, on_timer);
    if (weir_stream_open(&c->stream, u->loop, fd, WEIR_STREAM_SOCKET,
                         stress_below(&u->rng, 2) == 0 ? &calls : &own_calls) != 0)
        stress_fail(&s, "a connection cannot be opened");
    u->conns++;
    return c;
}

static void on_accepted(weir_listener *listener, int fd)
{
    user *u = users;

    while (listener != &u->listeners[0] && listener != &u->listeners[1])
        u++;
    step(new_conn(u, fd, listener));
}

static void on_failed(weir_listener *listener, int status)
{
    (void)listener;
    stress_fail(&s, "an accept said %d", status);
}

static const weir_listener_calls listens = {on_accepted, on_failed};

/* ---- clients ---- */

static void begin_client(user *u)
{
    const user *const to = &users[stress_below(&u->rng, s.threads)];
    const unsigned kind = (unsigned)stress_below(&u->rng, 2);
    const int fd =
        socket(to->addresses[kind].ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    conn *c;

    if (fd < 0)
        stress_fail(&s, "no socket");
    if (connect(fd, (const struct sockaddr *)&to->addresses[kind], to->lengths[kind]) != 0 &&
        errno != EINPROGRESS) {
        if (errno != EAGAIN)
            stress_fail(&s, "a connect said %d", errno);
        close(fd);
        return;
    }
    c = new_conn(u, fd, NULL);
    u->clients++;
    weir_atomic_fetch_add(&all_clients, 1, WEIR_RELAXED); /* relaxed: a number. */
    add(&begun, 1);
    c->head.seed = stress_random(&u->rng) >> 1;
    c->head.up = c->out_end = stress_size(&u->rng, LIMIT);
    c->head.down = c->in_end = stress_size(&u->rng, LIMIT);
    c->head.breaks = stress_below(&u->rng, 4) == 0;
    if (c->head.breaks != 0)
        c->break_at = (size_t)stress_below(&u->rng, c->out_end + c->in_end + 1);
    if (weir_stream_copy(&c->stream, &c->head, sizeof c->head) != 0)
        stress_fail(&s, "a header is refused");
    step(c);
}

static void on_clock(weir_timer *timer)
{
    user *const u = (user *)(void *)((char *)timer - offsetof(user, clock));

    if (!stress_stopping(&s)) {
        while (u->clients < CLIENTS && stress_below(&u->rng, 8) != 0)
            begin_client(u);
    } else if (!u->stopped) {
        u->stopped = true;
        /* sync(stopped): release. Pairs with the load below; carries the number of clients. */
        weir_atomic_fetch_add(&stopped, 1, WEIR_RELEASE);
        /* sync(stopped): acquire. Pairs with the addition above. */
    } else if (u->conns == 0 && weir_atomic_load(&stopped, WEIR_ACQUIRE) == s.threads &&
               weir_atomic_load(&all_clients, WEIR_RELAXED) == 0) { /* relaxed: only falls now */
        (void)weir_listener_close(&u->listeners[0]);
        (void)weir_listener_close(&u->listeners[1]);
        return;
    }
    weir_timer_after(timer, stress_below(&u->rng, 1000000));
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
    u->rng = stress_rng_make(stress_random(rng), number);
    if (weir_loop_new(&u->loop, NULL) != 0)
        stress_fail(&s, "no loop");
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in *const address = (struct sockaddr_in *)(void *)&u->addresses[0];
        const uint32_t limit = stress_below(rng, 2) == 0 ? 0 : 2 + (uint32_t)stress_below(rng, 9);

        u->addresses[i].ss_family = i == 0 ? AF_INET : AF_UNIX;
        address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        u->lengths[i] = i == 0 ? sizeof *address : sizeof(sa_family_t);
        if (weir_listener_open(&u->listeners[i], u->loop, (struct sockaddr *)&u->addresses[i],
                               u->lengths[i], 512, false, limit, &listens) != 0)
            stress_fail(&s, "no listener");
        u->lengths[i] = sizeof u->addresses[i];
        if (getsockname(weir_listener_fd(&u->listeners[i]), (struct sockaddr *)&u->addresses[i],
                        &u->lengths[i]) != 0)
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
        if (users[i].conns != 0 || users[i].clients != 0 || weir_loop_free(users[i].loop) != 0)
            stress_fail(&s, "a loop cannot be freed");
    if (get(&begun) != get(&complete_down) + get(&broken) ||
        get(&complete_up) < get(&complete_down) || get(&complete_up) + get(&cut_up) > get(&begun))
        stress_fail(&s,
                    "%" PRIu64 " begun, %" PRIu64 " complete, %" PRIu64
                    " broken off; accepted %" PRIu64 " complete, %" PRIu64 " cut",
                    get(&begun), get(&complete_down), get(&broken), get(&complete_up),
                    get(&cut_up));
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

    stress_begin(&s, "stream", argc, argv);
    weir_set_allocator(&counted);
    rng = stress_rng_make(s.seed, STRESS_MAX_THREADS);
    while (stress_goes_on(&s, "%" PRIu64 " connections, %" PRIu64 " bytes", get(&begun),
                          get(&carried)))
        one_round(&rng, (uint64_t)(s.seconds * 1e9 / ROUNDS));
    return stress_end(&s, "%" PRIu64 " connections, %" PRIu64 " broken off, %" PRIu64 " bytes",
                      get(&begun), get(&broken), get(&carried));
}
