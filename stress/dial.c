/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/dial.c: loops in several threads, which dial names and lists, with look-ups that take a
 * random time, addresses that answer, refuse or are nowhere, random delays, deadlines, cancels,
 * and too few descriptors now and then.
 *
 *   each dial that was taken is told once, and one that was refused never; a descriptor that is
 *   told is connected with an address of the question; what is found is released; no memory and
 *   no descriptor is left
 *
 * Edges: none of its own. */

#include "memory.h"
#include "stress.h"

#include <weir/dial.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

enum { SLOTS = 12, MOST = 12 };

typedef struct user user;

typedef struct slot {
    weir_dial dial;
    weir_timer again; /* cancels, or dials */
    user *user;
    weir_dial_address list[MOST];
    struct sockaddr_in addresses[MOST];
    bool under_way, cancelled;
} slot;

struct user {
    weir_loop *loop;
    stress_rng rng;
    slot slots[SLOTS];
    uint64_t taken, told, connected, cancelled, late, failed, refused;
};

static stress s;
static user users[STRESS_MAX_THREADS];
static weir_blocking *pool;
static struct sockaddr_in good, dead;
static int good_fd, dead_fd;
static WEIR_ATOMIC(uint64_t) questions;
static WEIR_ATOMIC(uint64_t) lists; /* that are not released */
static uint64_t total, all_connected;

/* ---- addresses ---- */

static int open_port(struct sockaddr_in *address, bool listens)
{
    socklen_t length = sizeof *address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)address, length) != 0 ||
        (listens && listen(fd, 16) != 0) ||
        getsockname(fd, (struct sockaddr *)address, &length) != 0)
        stress_fail(&s, "no port");
    return fd;
}

/* One that answers, if its backlog is not full; one that refuses; one that there is no way
 * to. */
static struct sockaddr_in any_address(uint64_t random)
{
    struct sockaddr_in address = random % 3 == 0 ? good : dead;

    if (random % 3 == 2)
        address.sin_family = 0x7fff;
    return address;
}

/* Takes what has been accepted. */
static void empty_backlog(void)
{
    int fd;

    while ((fd = accept(good_fd, NULL, NULL)) >= 0)
        close(fd);
}

/* ---- look-ups ---- */

static int look_up(void *context, const char *node, const char *service,
                   const struct addrinfo *hints, struct addrinfo **list)
{
    /* relaxed: a number. */
    const uint64_t random = stress_mix(weir_atomic_fetch_add(&questions, 1, WEIR_RELAXED));
    struct addrinfo **end = list;

    (void)context;
    if (strcmp(node, "name") != 0 || strcmp(service, "service") != 0)
        stress_fail(&s, "a look-up of %s:%s", node, service);
    if (random % 4 == 0)
        usleep((unsigned)(random >> 8) % 300);
    if (hints->ai_family == AF_INET6 || random % 5 == 0)
        return random % 2 == 0 ? EAI_NONAME : EAI_AGAIN;
    for (unsigned i = 0; i < 1 + (random >> 20) % 4; i++) {
        struct addrinfo *const next = (struct addrinfo *)calloc(1, sizeof *next + sizeof good);

        if (next == NULL)
            return EAI_MEMORY;
        next->ai_addr = (struct sockaddr *)(next + 1);
        *(struct sockaddr_in *)(void *)(next + 1) = (random >> (32 + i)) % 2 == 0 ? good : dead;
        next->ai_addrlen = sizeof good;
        *end = next;
        end = &next->ai_next;
    }
    weir_atomic_fetch_add(&lists, 1, WEIR_RELAXED); /* relaxed: a number. */
    return 0;
}

static void release(void *context, struct addrinfo *list)
{
    (void)context;
    weir_atomic_fetch_sub(&lists, 1, WEIR_RELAXED); /* relaxed: a number. */
    while (list != NULL) {
        struct addrinfo *const next = list->ai_next;

        memset(list, 0x5a, sizeof *list + sizeof good);
        free(list);
        list = next;
    }
}

/* ---- dials ---- */

static void arm(slot *t)
{
    weir_timer_after(&t->again, stress_below(&t->user->rng, 500000));
}

static void done(weir_dial *dial, int status, int fd)
{
    slot *const t = (slot *)(void *)dial;
    user *const u = t->user;
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;

    if (!t->under_way || (status == 0) != (fd >= 0) || status > 0)
        stress_fail(&s, "a dial is told %d, %d", status, fd);
    t->under_way = false;
    u->told++;
    u->cancelled += t->cancelled;
    if (t->cancelled != (status == -ECANCELED))
        stress_fail(&s, "a dial that %s cancelled is told %d", t->cancelled ? "was" : "was not",
                    status);
    if (status == 0) {
        u->connected++;
        if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0 &&
            peer.sin_port != good.sin_port)
            stress_fail(&s, "connected with nobody");
        close(fd);
        empty_backlog();
    } else if (status == -ETIMEDOUT) {
        u->late++;
    } else {
        u->failed += status != -ECANCELED;
    }
    (void)weir_timer_stop(&t->again);
    memset(dial, 0x5a, sizeof *dial); /* it is ours */
    if (!stress_stopping(&s))
        arm(t);
}

static int prepare(weir_dial *dial, int fd, const struct sockaddr *to, socklen_t length)
{
    slot *const t = (slot *)(void *)dial;

    (void)to;
    if (!t->under_way || fcntl(fd, F_GETFD) < 0 || length != sizeof good)
        stress_fail(&s, "a socket of no dial");
    return stress_below(&t->user->rng, 16) == 0 ? -EMFILE : 0;
}

static void dial(slot *t)
{
    user *const u = t->user;
    const uint64_t kind = stress_below(&u->rng, 4);
    const uint64_t deadline =
        kind == 0 ? weir_clock_after(stress_below(&u->rng, 100000)) : weir_clock_after(2000000);
    weir_dial_options options = WEIR_DIAL_OPTIONS_INIT;
    int status;

    options.attempt_ns = 1 + stress_below(&u->rng, 200000);
    options.ipv6_ns = 1 + stress_below(&u->rng, 200000);
    options.prepare = prepare;
    options.resolve.lookup = look_up;
    options.resolve.release = release;
    t->cancelled = false;
    t->under_way = true;
    if (stress_below(&u->rng, 2) == 0) {
        status =
            weir_dial_name(&t->dial, u->loop, pool, "name", "service", &options, deadline, done);
    } else {
        const size_t n = 1 + (size_t)stress_below(&u->rng, MOST);

        for (size_t i = 0; i < n; i++) {
            t->addresses[i] = any_address(stress_random(&u->rng));
            t->list[i].address = (struct sockaddr *)&t->addresses[i];
            t->list[i].length = sizeof good;
        }
        status = weir_dial_addresses(&t->dial, u->loop, t->list, n, &options, deadline, done);
    }
    if (!t->under_way)
        stress_fail(&s, "a start has told something");
    if (status == 0) {
        u->taken++;
        if (stress_below(&u->rng, 3) == 0)
            arm(t); /* to cancel it */
        return;
    }
    if (status != -ETIMEDOUT && status != -EAGAIN)
        stress_fail(&s, "a start said %d", status);
    t->under_way = false;
    u->refused++;
    if (!stress_stopping(&s))
        arm(t);
}

static void again(weir_timer *timer)
{
    slot *const t = (slot *)(void *)((char *)timer - offsetof(slot, again));

    if (!t->under_way) {
        dial(t);
        return;
    }
    t->cancelled = true;
    if (weir_dial_cancel(&t->dial) != 0 || t->under_way)
        stress_fail(&s, "a dial cannot be cancelled");
}

static void body(void *argument)
{
    user *const u = (user *)argument;

    for (unsigned i = 0; i < SLOTS; i++) {
        slot *const t = &u->slots[i];

        memset(t, 0, sizeof *t);
        t->user = u;
        weir_timer_init(&t->again, u->loop, again);
        arm(t);
    }
    if (weir_loop_run(u->loop, WEIR_LOOP_IDLE, WEIR_FOREVER) != 0)
        stress_fail(&s, "a loop is stopped");
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void one_round(stress_rng *rng, uint64_t ns)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    const unsigned before = open_descriptors();

    options.max_threads = 1 + (unsigned)stress_below(rng, 6);
    options.max_queued = stress_below(rng, 2) == 0 ? 0 : 1 + (size_t)stress_below(rng, 20);
    if (weir_blocking_new(&pool, &options) != 0)
        stress_fail(&s, "no pool");
    good_fd = open_port(&good, true);
    dead_fd = open_port(&dead, false);
    for (unsigned i = 0; i < s.threads; i++) {
        memset(&users[i], 0, sizeof users[i]);
        users[i].rng = stress_rng_make(stress_random(rng), i);
        if (weir_loop_new(&users[i].loop, NULL) != 0)
            stress_fail(&s, "no loop");
    }
    stress_run(&s, s.threads, body, users, sizeof users[0], ns);
    for (unsigned i = 0; i < s.threads; i++) {
        user *const u = &users[i];

        if (u->taken != u->told || u->told != u->connected + u->cancelled + u->late + u->failed)
            stress_fail(&s, "%" PRIu64 " taken, %" PRIu64 " told", u->taken, u->told);
        if (weir_loop_free(u->loop) != 0)
            stress_fail(&s, "a loop cannot be freed");
        total += u->taken;
        all_connected += u->connected;
    }
    if (weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER) != 0 ||
        weir_blocking_free(pool) != 0)
        stress_fail(&s, "a pool is not stopped");
    close(good_fd);
    close(dead_fd);
    if (open_descriptors() != before)
        stress_fail(&s, "a descriptor is left");
    /* relaxed: alone. */
    if (weir_atomic_load(&live, WEIR_RELAXED) != 0 || weir_atomic_load(&lists, WEIR_RELAXED) != 0)
        stress_fail(&s, "%zu bytes are left", weir_atomic_load(&live, WEIR_RELAXED)); /* relaxed. */
}

int main(int argc, char **argv)
{
    enum { ROUNDS = 20 };
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    stress_rng rng;

    stress_begin(&s, "dial", argc, argv);
    weir_set_allocator(&counted);
    rng = stress_rng_make(s.seed, STRESS_MAX_THREADS);
    while (stress_goes_on(&s, "%" PRIu64 " dials, %" PRIu64 " connected", total, all_connected))
        one_round(&rng, (uint64_t)(s.seconds * 1e9 / ROUNDS));
    return stress_end(&s, "%" PRIu64 " dials, %" PRIu64 " connected", total, all_connected);
}
