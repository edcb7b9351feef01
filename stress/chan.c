/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/chan.c: channels of every capacity, shape and size of element, under senders and
 * receivers that wait, try and burst, in storms (stress/chan.h) and with closes in the middle:
 *
 *   ledger      what was sent was received, or dropped by a close that discards; none twice
 *   order       each receiver sees the values of a sender in their order
 *   payload     every byte of an element is as it was sent
 *   outcomes    nobody times out early, is cancelled by another's token, or returns for nothing
 *   end         all who wait are told of a close, and nobody is left in a queue
 *
 * and: rendezvous of two threads on one processor (with --seconds 30 or more, a million), and
 * waiters that are asleep, which the scheduler must not see (R14). */

#include "chan.h"

typedef struct chan_round {
    stress *s;
    chan_lane lane;
    chan_storms storms;
    unsigned senders, receivers;
    bool closes; /* somebody does in the middle */
    weir_chan_close_mode mode;
    WEIR_ATOMIC(uint32_t) sending;   /* senders at work */
    WEIR_ATOMIC(uint32_t) receiving; /* receivers likewise */
    chan_member members[CHAN_MAX_THREADS + 1];
} chan_round;

/* ---- a sender ---- */

/* Returns: false at the end. */
static bool send_some(chan_member *m, chan_round *r)
{
    enum { BURST = 9 };
    unsigned char elements[BURST * CHAN_MAX_ELEMENT];
    const size_t size = r->lane.element, how = stress_size(&m->rng, 8);
    const uint64_t deadline = chan_deadline(m);
    uint64_t words[BURST];
    size_t n = how < 2 ? 1 + stress_size(&m->rng, BURST) : 1, done = 0;
    int status = 0;

    for (size_t i = 0; i < n; i++) {
        words[i] = chan_word(0, m->self, m->sequence[0] + i);
        chan_fill(elements + i * size, size, words[i]);
    }
    if (how == 0) {
        done = weir_chan_try_send_burst(r->lane.chan, elements, n);
    } else if (how == 1) {
        status = weir_chan_send_burst(r->lane.chan, elements, n, &done, deadline, chan_token(m));
    } else if (how == 2) {
        status = weir_chan_try_send(r->lane.chan, elements);
        done = status == 0;
        if (status == -EAGAIN || status == -EBUSY)
            status = 0;
    } else {
        status = weir_chan_send(r->lane.chan, elements, deadline, chan_token(m));
        done = status == 0;
    }
    for (size_t i = 0; i < done; i++)
        chan_sent(m, 0, words[i]);
    if (how != 2 && how != 0 && status == 0 && done != n)
        stress_fail(m->s, "a send of %zu said 0 after %zu", n, done);
    if (status == -EPIPE) {
        if (!r->closes)
            stress_fail(m->s, "a sender was told of a close that nobody did");
        return false;
    }
    if (status != 0)
        chan_gave_up(m, status, deadline);
    return r->closes || !stress_stopping(m->s);
}

/* ---- a receiver ---- */

static bool receive_some(chan_member *m, chan_round *r)
{
    enum { BURST = 9 };
    unsigned char elements[BURST * CHAN_MAX_ELEMENT];
    const size_t size = r->lane.element, how = stress_size(&m->rng, 8);
    const uint64_t deadline = chan_deadline(m);
    size_t n = 1 + stress_size(&m->rng, BURST), done = 0;
    int status = 0;

    if (how == 0) {
        done = weir_chan_try_recv_burst(r->lane.chan, elements, n);
    } else if (how == 1) {
        status = weir_chan_recv_burst(r->lane.chan, elements, n, &done, deadline, chan_token(m));
    } else if (how == 2) {
        status = weir_chan_try_recv(r->lane.chan, elements);
        done = status == 0;
        if (status == -EAGAIN || status == -EBUSY)
            status = 0;
    } else {
        status = weir_chan_recv(r->lane.chan, elements, deadline, chan_token(m));
        done = status == 0;
    }
    for (size_t i = 0; i < done; i++)
        chan_received(m, 0, elements + i * size, size);
    if (status == -EPIPE)
        return false;
    if (status != 0)
        chan_gave_up(m, status, deadline);
    return true;
}

/* ---- a round ---- */

static void storm(chan_member *m, chan_round *r)
{
    const unsigned all = r->senders + r->receivers;

    /* relaxed: both: they end by themselves. */
    while (weir_atomic_load(&r->receiving, WEIR_RELAXED) > 0 ||
           weir_atomic_load(&r->sending, WEIR_RELAXED) > 0) {
        chan_gust(r->members, all, &m->rng);
        if (r->closes && stress_stopping(m->s)) {
            const int status = weir_chan_close(r->lane.chan, r->mode);

            if (status != 0 && status != -EALREADY)
                stress_fail(m->s, "a close said %d", status);
        }
        stress_maybe_yield(&m->rng, r->storms.signals || r->storms.cancels ? 4 : 1);
    }
}

static void body(void *argument)
{
    chan_member *const m = (chan_member *)argument;
    chan_round *const r = (chan_round *)m->round;

    if (m->self == r->senders + r->receivers) {
        storm(m, r);
        return;
    }
    chan_member_comes(m);
    if (m->self < r->senders) {
        while (send_some(m, r))
            continue;
        /* The last one closes, if nobody did. relaxed: counts. */
        if (weir_atomic_fetch_sub(&r->sending, 1, WEIR_RELAXED) == 1 && !r->closes &&
            weir_chan_close(r->lane.chan, WEIR_CHAN_DRAIN) != 0)
            stress_fail(m->s, "the only close was not the first");
    } else {
        while (receive_some(m, r))
            continue;
        /* relaxed: counts. */
        weir_atomic_fetch_sub(&r->receiving, 1, WEIR_RELAXED);
    }
    chan_member_goes(m);
}

typedef struct totals {
    uint64_t rounds, values, given_up, dropped;
} totals;

static void run_round(stress *s, uint64_t ns, stress_rng *rng, totals *all)
{
    static chan_round round;
    chan_round *const r = &round;
    const uint64_t seed = stress_random(rng);
    uint64_t sent = 0, sent_sum = 0, received = 0, received_sum = 0;
    unsigned threads = s->threads < 2 ? 2 : s->threads;

    if (threads > CHAN_MAX_THREADS)
        threads = CHAN_MAX_THREADS;
    memset(r, 0, sizeof *r);
    r->s = s;
    chan_lane_make(s, &r->lane, (weir_chan_shape)stress_below(rng, 4), rng);
    r->storms.signals = stress_below(rng, 3) == 0;
    r->storms.cancels = stress_below(rng, 3) == 0;
    r->storms.deadlines = stress_below(rng, 3) == 0;
    r->storms.spurious = stress_below(rng, 3) == 0;
    r->senders = 1 + (unsigned)stress_below(rng, threads - 1);
    r->receivers = stress_below(rng, 2) == 0 ? threads - r->senders : 1;
    if (r->lane.shape == WEIR_CHAN_SPSC)
        r->senders = 1;
    if (r->lane.shape == WEIR_CHAN_SPSC || r->lane.shape == WEIR_CHAN_MPSC)
        r->receivers = 1;
    r->closes = r->lane.shape != WEIR_CHAN_SPSC && stress_below(rng, 2) == 0;
    /* A receiver of an MPSC would have to be the only one who drops. */
    r->mode = r->lane.shape == WEIR_CHAN_MPSC || stress_below(rng, 2) == 0 ? WEIR_CHAN_DRAIN
                                                                           : WEIR_CHAN_DISCARD;
    weir_atomic_init(&r->sending, r->senders);
    weir_atomic_init(&r->receiving, r->receivers);
    for (unsigned i = 0; i <= r->senders + r->receivers; i++)
        chan_member_init(&r->members[i], s, r, i, &r->storms, seed);
    /* relaxed: a choice. */
    weir_atomic_store(&chan_spurious, r->storms.spurious, WEIR_RELAXED);
    stress_run(s, r->senders + r->receivers + 1, body, r->members, sizeof r->members[0], ns);
    weir_atomic_store(&chan_spurious, 0, WEIR_RELAXED);
    if (weir_chan_senders_approx(r->lane.chan) + weir_chan_receivers_approx(r->lane.chan) != 0)
        stress_fail(s, "somebody is left in a queue");
    if (weir_chan_size_approx(r->lane.chan) != 0 && r->mode == WEIR_CHAN_DRAIN)
        stress_fail(s, "%zu values are left inside", weir_chan_size_approx(r->lane.chan));
    if (weir_chan_free(r->lane.chan) != 0)
        stress_fail(s, "a channel that nobody uses is busy");
    for (unsigned i = 0; i <= r->senders + r->receivers; i++) {
        sent += r->members[i].sent;
        sent_sum += r->members[i].sent_sum;
        received += r->members[i].received;
        received_sum += r->members[i].received_sum;
        all->given_up += r->members[i].failed;
        chan_member_destroy(&r->members[i]);
    }
    if (sent != received + r->lane.dropped || sent_sum != received_sum + r->lane.dropped_sum)
        stress_fail(
            s,
            "%" PRIu64 " sent, %" PRIu64 " received, %" PRIu64 " dropped (%s, capacity %zu, "
            "element %zu, %u senders, %u receivers%s%s%s%s%s)",
            sent, received, r->lane.dropped, chan_shapes[r->lane.shape], r->lane.capacity,
            r->lane.element, r->senders, r->receivers, r->closes ? ", closes" : "",
            r->storms.signals ? ", signals" : "", r->storms.cancels ? ", cancels" : "",
            r->storms.deadlines ? ", deadlines" : "", r->storms.spurious ? ", spurious" : "");
    pthread_mutex_destroy(&r->lane.lock);
    all->rounds++;
    all->values += received;
    all->dropped += r->lane.dropped;
}

/* ---- on one processor ---- */

typedef struct single {
    stress *s;
    weir_chan *chan;
    bool sends;
    uint64_t count;
} single;

static void meet(void *argument)
{
    single *const t = (single *)argument;
    uint64_t value;

    for (uint64_t i = 0; i < t->count; i++) {
        const int status = t->sends ? weir_chan_send(t->chan, &i, WEIR_FOREVER, NULL)
                                    : weir_chan_recv(t->chan, &value, WEIR_FOREVER, NULL);

        if (status != 0 || (!t->sends && value != i))
            stress_fail(t->s, "rendezvous %" PRIu64 " on one processor: %d", i, status);
    }
}

/* All threads of this one on one processor: who spins keeps the other from coming. */
static void on_one_processor(stress *s, uint64_t count)
{
    single both[2] = {{s, NULL, true, count}, {s, NULL, false, count}};
    cpu_set_t before, one;
    size_t first = 0;

    if (weir_chan_new(&both[0].chan, sizeof(uint64_t), WEIR_CHAN_RENDEZVOUS, NULL) != 0 ||
        sched_getaffinity(0, sizeof before, &before) != 0)
        stress_fail(s, "cannot begin on one processor");
    both[1].chan = both[0].chan;
    while (first < CPU_SETSIZE - 1 && !CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    sched_setaffinity(0, sizeof one, &one);
    stress_run(s, 2, meet, both, sizeof both[0], 0);
    sched_setaffinity(0, sizeof before, &before);
    if (weir_chan_free(both[0].chan) != 0)
        stress_fail(s, "a channel that nobody uses is busy");
}

/* ---- who sleeps ---- */

typedef struct sleeper {
    stress *s;
    weir_chan *chan;
    WEIR_ATOMIC(int) thread; /* its number in /proc */
    bool forever;
} sleeper;

static void sleep_in(void *argument)
{
    sleeper *const t = (sleeper *)argument;
    uint64_t value;
    int status;

    /* relaxed: a number. */
    weir_atomic_store(&t->thread, (int)gettid(), WEIR_RELAXED);
    status =
        weir_chan_recv(t->chan, &value,
                       t->forever ? WEIR_FOREVER : weir_clock_after(UINT64_C(3600000000000)), NULL);
    if (status != -EPIPE)
        stress_fail(t->s, "a sleeper returned for nothing: %d", status);
}

/* Returns: how often the thread was switched to and from; -1 if it is not asleep, or nobody knows.
 */
static long switches(int thread)
{
    char path[64], line[128], state = '?';
    long count = 0, more;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%d/status", thread);
    file = fopen(path, "r");
    if (file == NULL)
        return -1;
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "State: %c", &state) == 1)
            continue;
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &more) == 1 ||
            sscanf(line, "nonvoluntary_ctxt_switches: %ld", &more) == 1)
            count += more;
    }
    fclose(file);
    return state == 'S' ? count : -1;
}

enum { SLEEPERS = 3 };

/* The last of the threads: looks at the others. */
static void watch(void *argument)
{
    sleeper *const all = (sleeper *)argument - SLEEPERS;
    const struct timespec while_idle = {0, 50000000};
    long before[SLEEPERS];

    for (unsigned i = 0; i < SLEEPERS; i++) {
        unsigned tries = 0;
        int thread;

        /* relaxed: a number. */
        while ((thread = weir_atomic_load(&all[i].thread, WEIR_RELAXED)) == 0 ||
               weir_chan_receivers_approx(all[i].chan) < SLEEPERS)
            sched_yield();
        do {
            sched_yield();
            before[i] = switches(thread);
        } while (before[i] < 0 && ++tries < 10000);
    }
    nanosleep(&while_idle, NULL);
    for (unsigned i = 0; i < SLEEPERS; i++) {
        /* relaxed: as above. */
        const long after = switches(weir_atomic_load(&all[i].thread, WEIR_RELAXED));

        if (before[i] >= 0 && after >= 0 && after != before[i])
            stress_fail(all[i].s, "a thread that sleeps was switched to %ld times",
                        after - before[i]);
    }
    (void)weir_chan_close(all[0].chan, WEIR_CHAN_DRAIN);
}

static void sleep_or_watch(void *argument)
{
    sleeper *const t = (sleeper *)argument;

    if (t->chan != NULL)
        sleep_in(t);
    else
        watch(t);
}

static void nobody_wakes(stress *s, size_t capacity)
{
    sleeper all[SLEEPERS + 1];
    weir_chan *chan;

    if (weir_chan_new(&chan, sizeof(uint64_t), capacity, NULL) != 0)
        stress_fail(s, "no memory for a channel");
    memset(all, 0, sizeof all);
    for (unsigned i = 0; i < SLEEPERS; i++) {
        all[i].s = s;
        all[i].chan = chan;
        all[i].forever = i % 2 == 0;
    }
    stress_run(s, SLEEPERS + 1, sleep_or_watch, all, sizeof all[0], 0);
    if (weir_chan_free(chan) != 0)
        stress_fail(s, "a channel that nobody uses is busy");
}

int main(int argc, char **argv)
{
    totals all = {0, 0, 0, 0};
    uint64_t ns, meetings = 0;
    stress_rng rng;
    stress s;

    stress_begin(&s, "chan", argc, argv);
    chan_catch_signals();
    rng = stress_rng_make(s.seed, 0);
    ns = (uint64_t)(s.seconds * 1e9 / 60);
    ns = ns < 2000000 ? 2000000 : ns > 50000000 ? 50000000 : ns;
    nobody_wakes(&s, WEIR_CHAN_RENDEZVOUS);
    nobody_wakes(&s, 4);
    nobody_wakes(&s, WEIR_CHAN_UNBOUNDED);
    do {
        for (unsigned i = 0; i < 4; i++)
            run_round(&s, ns, &rng, &all);
        on_one_processor(&s, s.seconds >= 30 && meetings < 1000000 ? 100000 : 1000);
        meetings += s.seconds >= 30 && meetings < 1000000 ? 100000 : 1000;
    } while (stress_goes_on(&s, "%" PRIu64 " rounds, %" PRIu64 " values", all.rounds, all.values));
    return stress_end(&s,
                      "%" PRIu64 " rounds, %" PRIu64 " values received, %" PRIu64
                      " dropped, %" PRIu64 " waits given up, %" PRIu64
                      " rendezvous on one processor; none lost, none twice, all in order",
                      all.rounds, all.values, all.dropped, all.given_up, meetings);
}
