/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/select.c: selects that send and receive over a few channels of different kinds, beside
 * plain sends and receives of the same channels, in storms (stress/chan.h), until all channels are
 * closed under them:
 *
 *   ledger    per channel: what was sent was received, or is left inside, or was dropped
 *   order     each receiver sees the values of a sender to a channel in their order
 *   one arm   what the others would have sent was not, where they would have received
 *             nothing is written
 *   duel      two threads alone meet in one channel, at random distances, at least one with a
 *             select over other kinds of channels as well: nobody saves them if they miss
 *             each other
 *   dribble   a few values at once for receivers that sleep, some in a select, and no more
 *             until all are received: a wake-up that is lost, or that the wrong one keeps,
 *             is noticed (U7)
 *   meetings  in some rounds all are selects over rendezvous channels, which send and receive
 *             in the same select: two threads meet as long as there are two (peer bug U8)
 */

#include "chan.h"

#include <weir/select.h>

enum { ARMS = 6 };

typedef struct select_round {
    stress *s;
    chan_lane lanes[CHAN_MAX_CHANS];
    unsigned chans, threads;
    chan_storms storms;
    bool meetings;                /* see above */
    WEIR_ATOMIC(uint64_t) met;    /* values received, in a round of meetings */
    WEIR_ATOMIC(uint32_t) active; /* members at work */
    WEIR_ATOMIC(uint32_t) closed; /* somebody closes */
    weir_chan_close_mode mode;
    chan_member members[CHAN_MAX_THREADS + 1];
} select_round;

/* What a call may say when it was not 0. Returns: false at the end. */
static bool goes_on(chan_member *m, select_round *r, int status, uint64_t deadline)
{
    if (status == -EPIPE) {
        /* relaxed: says that it was begun; the channel carries the rest. */
        if (weir_atomic_load(&r->closed, WEIR_RELAXED) == 0)
            stress_fail(m->s, "told of a close that nobody did");
        return false;
    }
    if (status == -ETIMEDOUT || status == -ECANCELED)
        chan_gave_up(m, status, deadline);
    else if (status != 0)
        stress_fail(m->s, "said %d", status);
    return true;
}

/* ---- one operation ---- */

typedef struct slot {
    unsigned char element[CHAN_MAX_ELEMENT], before[CHAN_MAX_ELEMENT];
    unsigned chan;
    uint64_t word;
    bool sends;
} slot;

static void make_arm(chan_member *m, select_round *r, weir_select_arm *arm, slot *of, unsigned chan,
                     bool sends)
{
    chan_lane *const lane = &r->lanes[chan];

    of->chan = chan;
    of->sends = sends;
    memset(of->element, 0xee, sizeof of->element);
    if (sends) {
        of->word = chan_word(chan, m->self, m->sequence[chan]);
        chan_fill(of->element, lane->element, of->word);
        weir_select_send(arm, lane->chan, of->element);
    } else {
        weir_select_recv(arm, lane->chan, of->element);
    }
    memcpy(of->before, of->element, sizeof of->element);
}

static bool select_once(chan_member *m, select_round *r)
{
    weir_select_arm arms[ARMS];
    slot slots[ARMS];
    unsigned n = 1 + (unsigned)stress_below(&m->rng, ARMS);
    const bool tries = !r->meetings && stress_below(&m->rng, 5) == 0;
    const uint64_t deadline = chan_deadline(m);
    int got, status = 0;

    if (r->meetings) {
        /* Both sides of one channel, in any order: whoever else does the same is met. */
        const unsigned chan = (unsigned)stress_below(&m->rng, r->chans), first = n % 2;

        n = 2 * r->chans;
        for (unsigned c = 0; c < r->chans; c++) {
            make_arm(m, r, &arms[2 * c], &slots[2 * c], (chan + c) % r->chans, first == 0);
            make_arm(m, r, &arms[2 * c + 1], &slots[2 * c + 1], (chan + c) % r->chans, first != 0);
        }
    } else {
        for (unsigned i = 0; i < n; i++)
            make_arm(m, r, &arms[i], &slots[i], (unsigned)stress_below(&m->rng, r->chans),
                     stress_below(&m->rng, 2) == 0);
    }
    got = tries ? weir_select_try(arms, n) : weir_select(arms, n, deadline, chan_token(m));
    if (got >= (int)n)
        stress_fail(m->s, "arm %d of %u", got, n);
    if (got >= 0)
        status = arms[got].status;
    else if (!tries || (got != -EAGAIN && got != -EBUSY))
        status = got;
    for (unsigned i = 0; i < n; i++) {
        const bool written = (int)i == got && status == 0 && !slots[i].sends;
        const size_t size = r->lanes[slots[i].chan].element;

        if (memcmp(slots[i].element + (written ? size : 0), slots[i].before + (written ? size : 0),
                   CHAN_MAX_ELEMENT - (written ? size : 0)) != 0)
            stress_fail(m->s, "arm %u of %u was written, %d happened", i, n, got);
    }
    if (got >= 0 && status == 0) {
        if (slots[got].sends)
            chan_sent(m, slots[got].chan, slots[got].word);
        else
            chan_received(m, slots[got].chan, slots[got].element,
                          r->lanes[slots[got].chan].element);
    }
    if (r->meetings && got >= 0 && status == 0 && !slots[got].sends)
        weir_atomic_fetch_add(&r->met, 1, WEIR_RELAXED); /* relaxed: counts. */
    return goes_on(m, r, status, deadline);
}

static bool send_or_receive(chan_member *m, select_round *r)
{
    const unsigned chan = (unsigned)stress_below(&m->rng, r->chans);
    chan_lane *const lane = &r->lanes[chan];
    const uint64_t deadline = chan_deadline(m);
    const uint64_t word = chan_word(chan, m->self, m->sequence[chan]);
    unsigned char element[CHAN_MAX_ELEMENT];
    int status;

    if (stress_below(&m->rng, 2) == 0) {
        chan_fill(element, lane->element, word);
        status = weir_chan_send(lane->chan, element, deadline, chan_token(m));
        if (status == 0)
            chan_sent(m, chan, word);
    } else {
        status = weir_chan_recv(lane->chan, element, deadline, chan_token(m));
        if (status == 0)
            chan_received(m, chan, element, lane->element);
    }
    return goes_on(m, r, status, deadline);
}

/* ---- a round ---- */

/* They go on meeting, to the last: this does not come back if two miss each other. */
static void see_them_meet(select_round *r)
{
    /* relaxed: both: counts. */
    const uint64_t before = weir_atomic_load(&r->met, WEIR_RELAXED);

    while (weir_atomic_load(&r->met, WEIR_RELAXED) < before + 10)
        sched_yield();
}

static void storm(chan_member *m, select_round *r)
{
    bool first = true;

    /* relaxed: they end by themselves. */
    while (weir_atomic_load(&r->active, WEIR_RELAXED) > 0) {
        chan_gust(r->members, r->threads, &m->rng);
        if (stress_stopping(m->s)) {
            if (first && r->meetings)
                see_them_meet(r);
            first = false;
            /* relaxed: see goes_on(). */
            weir_atomic_store(&r->closed, 1, WEIR_RELAXED);
            for (unsigned c = 0; c < r->chans; c++) {
                const int status = weir_chan_close(r->lanes[c].chan, r->mode);

                if (status != 0 && status != -EALREADY)
                    stress_fail(m->s, "a close said %d", status);
            }
        }
        stress_maybe_yield(&m->rng, r->storms.signals || r->storms.cancels ? 4 : 1);
    }
}

static void body(void *argument)
{
    chan_member *const m = (chan_member *)argument;
    select_round *const r = (select_round *)m->round;
    bool more = true;

    if (m->self == r->threads) {
        storm(m, r);
        return;
    }
    chan_member_comes(m);
    while (more)
        more = r->meetings || stress_below(&m->rng, 3) != 0 ? select_once(m, r)
                                                            : send_or_receive(m, r);
    /* relaxed: counts. */
    weir_atomic_fetch_sub(&r->active, 1, WEIR_RELAXED);
    chan_member_goes(m);
}

typedef struct totals {
    uint64_t rounds, values, given_up, left;
} totals;

/* Empties the channels, each value younger than those that came out. */
static void drain(stress *s, select_round *r, chan_member *last)
{
    unsigned char element[CHAN_MAX_ELEMENT];

    for (unsigned c = 0; c < r->chans; c++) {
        chan_lane *const lane = &r->lanes[c];

        for (unsigned i = 0; i < r->threads; i++)
            for (unsigned from = 0; from < r->threads; from++)
                if (r->members[i].next[c][from] > last->next[c][from])
                    last->next[c][from] = r->members[i].next[c][from];
        if (weir_chan_senders_approx(lane->chan) + weir_chan_receivers_approx(lane->chan) != 0)
            stress_fail(s, "somebody is left in a queue");
        while (weir_chan_try_recv(lane->chan, element) == 0)
            chan_received(last, c, element, lane->element);
        if (weir_chan_free(lane->chan) != 0)
            stress_fail(s, "a channel that nobody uses is busy");
    }
}

static void run_round(stress *s, uint64_t ns, stress_rng *rng, totals *all)
{
    static select_round round;
    select_round *const r = &round;
    const uint64_t seed = stress_random(rng);
    uint64_t sent = 0, sent_sum = 0, received = 0, received_sum = 0, dropped = 0, dropped_sum = 0;
    chan_member *last;

    memset(r, 0, sizeof *r);
    r->s = s;
    r->chans = 1 + (unsigned)stress_below(rng, CHAN_MAX_CHANS);
    if (r->chans > ARMS / 2)
        r->chans = ARMS / 2;
    r->threads = 2 + (unsigned)stress_below(
                         rng, s->threads < CHAN_MAX_THREADS ? s->threads : CHAN_MAX_THREADS - 2);
    r->meetings = stress_below(rng, 3) == 0;
    r->mode = stress_below(rng, 2) == 0 ? WEIR_CHAN_DRAIN : WEIR_CHAN_DISCARD;
    r->storms.signals = stress_below(rng, 3) == 0;
    r->storms.cancels = stress_below(rng, 3) == 0;
    r->storms.deadlines = stress_below(rng, 3) == 0;
    r->storms.spurious = stress_below(rng, 3) == 0;
    for (unsigned c = 0; c < r->chans; c++) {
        do {
            if (r->lanes[c].chan != NULL)
                (void)weir_chan_free(r->lanes[c].chan);
            chan_lane_make(s, &r->lanes[c],
                           stress_below(rng, 3) == 0 ? WEIR_CHAN_FAIR : WEIR_CHAN_MPMC, rng);
        } while (r->meetings && r->lanes[c].capacity != 0);
    }
    weir_atomic_init(&r->active, r->threads);
    for (unsigned i = 0; i <= r->threads; i++)
        chan_member_init(&r->members[i], s, r, i, &r->storms, seed);
    last = &r->members[r->threads];
    /* relaxed: a choice. */
    weir_atomic_store(&chan_spurious, r->storms.spurious, WEIR_RELAXED);
    stress_run(s, r->threads + 1, body, r->members, sizeof r->members[0], ns);
    weir_atomic_store(&chan_spurious, 0, WEIR_RELAXED);
    drain(s, r, last);
    for (unsigned i = 0; i <= r->threads; i++) {
        sent += r->members[i].sent;
        sent_sum += r->members[i].sent_sum;
        received += r->members[i].received;
        received_sum += r->members[i].received_sum;
        all->given_up += r->members[i].failed;
    }
    for (unsigned c = 0; c < r->chans; c++) {
        dropped += r->lanes[c].dropped;
        dropped_sum += r->lanes[c].dropped_sum;
        pthread_mutex_destroy(&r->lanes[c].lock);
    }
    if (sent != received + dropped || sent_sum != received_sum + dropped_sum)
        stress_fail(s,
                    "%" PRIu64 " sent, %" PRIu64 " received, %" PRIu64
                    " dropped (%u channels, %u threads%s%s%s%s%s)",
                    sent, received, dropped, r->chans, r->threads, r->meetings ? ", meetings" : "",
                    r->storms.signals ? ", signals" : "", r->storms.cancels ? ", cancels" : "",
                    r->storms.deadlines ? ", deadlines" : "",
                    r->storms.spurious ? ", spurious" : "");
    all->rounds++;
    all->values += received;
    all->left += last->received + dropped;
    for (unsigned i = 0; i <= r->threads; i++)
        chan_member_destroy(&r->members[i]);
}

/* ---- duel ---- */

typedef struct duel {
    stress *s;
    weir_chan *chan, *quiet[2];
    bool sends, selects;
    stress_rng rng;
    uint64_t count;
} duel;

static void fight(void *argument)
{
    duel *const d = (duel *)argument;

    for (;; d->count++) {
        uint64_t value = d->count, never;
        weir_select_arm arms[3];
        int status;

        for (uint64_t i = stress_below(&d->rng, 200); i > 0; i--)
            weir_pause();
        if (d->sends && stress_stopping(d->s))
            break;
        if (d->selects) {
            const size_t at = stress_size(&d->rng, 3);

            for (size_t a = 0; a < 3; a++)
                weir_select_recv(&arms[a], d->quiet[(a + at) % 2], &never);
            if (d->sends)
                weir_select_send(&arms[at], d->chan, &value);
            else
                weir_select_recv(&arms[at], d->chan, &value);
            status = weir_select(arms, 3, WEIR_FOREVER, NULL);
            if (status != (int)at)
                stress_fail(d->s, "duel: arm %d of a quiet channel", status);
            status = arms[at].status;
        } else if (d->sends) {
            status = weir_chan_send(d->chan, &value, WEIR_FOREVER, NULL);
        } else {
            status = weir_chan_recv(d->chan, &value, WEIR_FOREVER, NULL);
        }
        if (status == -EPIPE && !d->sends)
            return;
        if (status != 0 || value != d->count)
            stress_fail(d->s, "duel: %d, value %" PRIu64 " at %" PRIu64, status, value, d->count);
    }
    (void)weir_chan_close(d->chan, WEIR_CHAN_DRAIN);
}

static uint64_t run_duel(stress *s, uint64_t ns, stress_rng *rng)
{
    static const size_t capacities[] = {0, 0, 1};
    duel both[2];

    memset(both, 0, sizeof both);
    both[0].s = s;
    both[0].sends = true;
    both[0].selects = stress_below(rng, 2) == 0;
    if (weir_chan_new(&both[0].chan, sizeof(uint64_t), capacities[stress_below(rng, 3)], NULL) !=
            0 ||
        weir_chan_new(&both[0].quiet[0], sizeof(uint64_t), 0, NULL) != 0 ||
        weir_chan_new(&both[0].quiet[1], sizeof(uint64_t), 1 + stress_size(rng, 2), NULL) != 0)
        stress_fail(s, "no memory for a channel");
    both[1] = both[0];
    both[1].sends = false;
    both[1].selects = !both[0].selects || stress_below(rng, 2) == 0;
    for (unsigned i = 0; i < 2; i++)
        both[i].rng = stress_rng_make(stress_random(rng), i);
    stress_run(s, 2, fight, both, sizeof both[0], ns);
    if (both[0].count != both[1].count)
        stress_fail(s, "duel: %" PRIu64 " sent, %" PRIu64 " received", both[0].count,
                    both[1].count);
    if (weir_chan_free(both[0].chan) != 0 || weir_chan_free(both[0].quiet[0]) != 0 ||
        weir_chan_free(both[0].quiet[1]) != 0)
        stress_fail(s, "a channel that nobody uses is busy");
    return both[0].count;
}

/* ---- dribble ---- */

/* Of the takers two stand at each channel, and two at both. */
enum { TAKERS = 6, NODES = 8, AT_ONCE = 2 };

typedef struct dribble {
    stress *s;
    weir_chan *chans[2];
    WEIR_ATOMIC(uint64_t) * taken, *turn;
    unsigned self; /* the last one is the driver */
    bool sends;    /* the takers do, and the driver makes room */
    size_t capacity;
    stress_rng rng;
} dribble;

/* Sends or receives one, by a channel or a select over both. Returns: as weir_chan_recv(). */
static int take_part(dribble *d)
{
    weir_select_arm arms[2];
    uint64_t value = 1;
    int got;

    if (d->self % 3 < 2) {
        weir_chan *const chan = d->chans[d->self % 3];

        return d->sends ? weir_chan_send(chan, &value, WEIR_FOREVER, NULL)
                        : weir_chan_recv(chan, &value, WEIR_FOREVER, NULL);
    }
    for (size_t a = 0; a < 2; a++) {
        if (d->sends)
            weir_select_send(&arms[a], d->chans[a], &value);
        else
            weir_select_recv(&arms[a], d->chans[a], &value);
    }
    got = weir_select(arms, 2, WEIR_FOREVER, NULL);
    return got < 0 ? got : arms[got].status;
}

static size_t standing(const dribble *d)
{
    size_t count = 0;

    for (unsigned c = 0; c < 2; c++)
        count += d->sends ? weir_chan_senders_approx(d->chans[c])
                          : weir_chan_receivers_approx(d->chans[c]);
    return count;
}

static void drip(dribble *d)
{
    uint64_t done = 0, value = 1;

    while (!stress_stopping(d->s)) {
        const uint64_t order = stress_below(&d->rng, 2);

        while (standing(d) < NODES)
            sched_yield();
        for (unsigned c = 0; c < 2; c++) {
            for (uint64_t n = stress_below(&d->rng, AT_ONCE + 1); n > 0; n--, done++) {
                weir_chan *const chan = d->chans[c ^ order];
                const int status = d->sends ? weir_chan_recv(chan, &value, WEIR_FOREVER, NULL)
                                            : weir_chan_send(chan, &value, WEIR_FOREVER, NULL);

                if (status != 0)
                    stress_fail(d->s, "dribble: %d", status);
            }
        }
        /* Until all is taken, or all room is filled. relaxed: both: counts. */
        while (weir_atomic_load(d->taken, WEIR_RELAXED) < done)
            sched_yield();
        weir_atomic_fetch_add(d->turn, 1, WEIR_RELAXED);
    }
    for (unsigned c = 0; c < 2; c++)
        (void)weir_chan_close(d->chans[c], WEIR_CHAN_DISCARD);
}

/* One in a turn: who has taken does not come to the rescue of those who still sleep. */
static void drip_or_take(void *argument)
{
    dribble *const d = (dribble *)argument;

    if (d->self == TAKERS) {
        drip(d);
        return;
    }
    while (take_part(d) == 0) {
        /* relaxed: all: counts. The driver does not go on before this one is added. */
        const uint64_t turn = weir_atomic_load(d->turn, WEIR_RELAXED);

        weir_atomic_fetch_add(d->taken, 1, WEIR_RELAXED);
        while (weir_atomic_load(d->turn, WEIR_RELAXED) == turn)
            sched_yield();
    }
}

static uint64_t run_dribble(stress *s, uint64_t ns, stress_rng *rng)
{
    static const size_t capacities[] = {0, 1, 3, 8};
    WEIR_ATOMIC(uint64_t) taken, turn;
    const uint64_t value = 1;
    dribble all[TAKERS + 1];
    weir_chan_options options;

    memset(all, 0, sizeof all);
    memset(&options, 0, sizeof options);
    weir_atomic_init(&taken, 0);
    weir_atomic_init(&turn, 0);
    all[0].s = s;
    all[0].taken = &taken;
    all[0].turn = &turn;
    all[0].sends = stress_below(rng, 2) == 0;
    all[0].capacity = capacities[stress_below(rng, 4)];
    options.shape = stress_below(rng, 3) == 0 ? WEIR_CHAN_FAIR : WEIR_CHAN_MPMC;
    for (unsigned c = 0; c < 2; c++)
        if (weir_chan_new(&all[0].chans[c], sizeof(uint64_t), all[0].capacity, &options) != 0)
            stress_fail(s, "no memory for a channel");
    for (size_t i = 0; all[0].sends && i < 2 * all[0].capacity; i++)
        if (weir_chan_send(all[0].chans[i % 2], &value, WEIR_FOREVER, NULL) != 0)
            stress_fail(s, "dribble: a channel that is full too early");
    for (unsigned i = 0; i <= TAKERS; i++) {
        all[i] = all[0];
        all[i].self = i;
        all[i].rng = stress_rng_make(stress_random(rng), i);
    }
    stress_run(s, TAKERS + 1, drip_or_take, all, sizeof all[0], ns);
    for (unsigned c = 0; c < 2; c++)
        if (weir_chan_free(all[0].chans[c]) != 0)
            stress_fail(s, "a channel that nobody uses is busy");
    /* relaxed: alone. */
    return weir_atomic_load(&taken, WEIR_RELAXED);
}

int main(int argc, char **argv)
{
    uint64_t alone = 0;
    totals all = {0, 0, 0, 0};
    stress_rng rng;
    uint64_t ns;
    stress s;

    stress_begin(&s, "select", argc, argv);
    chan_catch_signals();
    rng = stress_rng_make(s.seed, 0);
    ns = (uint64_t)(s.seconds * 1e9 / 60);
    ns = ns < 2000000 ? 2000000 : ns > 50000000 ? 50000000 : ns;
    do {
        run_round(&s, ns, &rng, &all);
        alone += run_duel(&s, ns / 2, &rng);
        alone += run_dribble(&s, ns / 2, &rng);
    } while (stress_goes_on(&s, "%" PRIu64 " rounds, %" PRIu64 " values", all.rounds, all.values));
    return stress_end(&s,
                      "%" PRIu64 " rounds, %" PRIu64 " values received, %" PRIu64
                      " left inside, %" PRIu64 " waits given up, %" PRIu64
                      " in duels and dribbles; none lost, none twice, all in order",
                      all.rounds, all.values, all.left, all.given_up, alone);
}
