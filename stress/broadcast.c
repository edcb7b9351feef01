/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/broadcast.c: broadcast channels of every policy, capacity and size of element, from a
 * position just below the wrap, with senders and subscribers that wait, try, give up after a moment
 * or by a token, leave and come back, until somebody closes the channel. In each round:
 *
 *   order   a position has one value, whoever receives it; a sender's values come in its order
 *   ledger  values sent are those whose sends returned 0; each subscriber that stays has received
 *           or lost each of them, once; under WEIR_LAG_WAIT and WEIR_LAG_CUT nothing is lost
 *   whole   no byte of an element is of another
 *   end     nobody sleeps on after the close; nobody who waits holds up who does not */

#include <weir/broadcast.h>

#include "stress.h"

#include <errno.h>

enum { POSITIONS = 1 << 16, ELEMENT = 300 };

static struct {
    uint64_t rounds, sent, received, lost, cut, refused, gave_up;
} totals;

typedef struct shared {
    weir_broadcast *channel;
    weir_cancel_source source;
    weir_lag lag;
    size_t capacity, element;
    uint64_t start;
    unsigned senders;                       /* threads below that number */
    WEIR_ATOMIC(unsigned) sending;          /* of them still at it */
    WEIR_ATOMIC(uint64_t) order[POSITIONS]; /* by position: value + 1 */
} shared;

typedef struct worker {
    WEIR_ALIGNAS(WEIR_CACHELINE) stress *s;
    shared *r;
    stress_rng rng;
    unsigned number;
    weir_broadcast_subscriber subscriber;
    uint64_t next[STRESS_MAX_THREADS]; /* of a subscriber: each sender's next, or UNKNOWN */
    uint64_t sent, received, lost, cut, refused, gave_up;
    uint64_t end; /* position at the end, of one who stayed */
    bool stayed;
} worker;

#define UNKNOWN UINT64_MAX

static worker workers[STRESS_MAX_THREADS];

/* ---- elements ---- */

static uint64_t value_of(unsigned sender, uint64_t number)
{
    return (uint64_t)sender << 32 | number;
}

/* As many bytes of the value as there is room for, and then what follows from it. */
static void fill(unsigned char *element, size_t bytes, uint64_t value)
{
    memcpy(element, &value, sizeof value);
    for (size_t i = sizeof value; i < bytes; i++)
        element[i] = (unsigned char)(value * 31 + (value >> 32) * 7 + i);
}

static uint64_t unpack(worker *w, const unsigned char *element)
{
    unsigned char same[ELEMENT];
    uint64_t value;

    memcpy(&value, element, sizeof value);
    fill(same, w->r->element, value);
    if (memcmp(same, element, w->r->element) != 0)
        stress_fail(w->s, "whole: an element of %zu bytes is torn", w->r->element);
    return value;
}

/* ---- waiting, in one of several ways ---- */

typedef enum patience { TRIES, WAITS, FOR_A_MOMENT, WITH_TOKEN } patience;

static patience choose(worker *w)
{
    const uint64_t what = stress_below(&w->rng, 16);

    return what < 6 ? TRIES : what < 12 ? WAITS : what < 14 ? FOR_A_MOMENT : WITH_TOKEN;
}

static uint64_t deadline_of(worker *w, patience how)
{
    return how == FOR_A_MOMENT ? weir_clock_after(stress_below(&w->rng, 50000)) : WEIR_FOREVER;
}

static weir_cancel *token_of(worker *w, patience how)
{
    return how == WITH_TOKEN ? weir_cancel_source_token(&w->r->source) : NULL;
}

/* Whether this may be the reason why nothing was done. */
static void judge(worker *w, patience how, int status, const char *what)
{
    const bool fits = how == TRIES          ? status == -EAGAIN || status == -EBUSY
                      : how == FOR_A_MOMENT ? status == -ETIMEDOUT
                                            : how == WITH_TOKEN && status == -ECANCELED;

    if (!fits)
        stress_fail(w->s, "%s said %d", what, status);
    if (status == -ETIMEDOUT || status == -ECANCELED)
        w->gave_up++;
    else
        w->refused++;
    if (how == TRIES)
        stress_maybe_yield(&w->rng, 4);
}

/* ---- threads ---- */

static void send_some(worker *w)
{
    shared *const r = w->r;
    unsigned char element[ELEMENT];
    bool over = false;

    while (!over && !stress_stopping(w->s)) {
        const patience how = choose(w);
        int status;

        fill(element, r->element, value_of(w->number, w->sent));
        status = how == TRIES ? weir_broadcast_try_send(r->channel, element)
                              : weir_broadcast_send(r->channel, element, deadline_of(w, how),
                                                    token_of(w, how));
        if (status == 0)
            w->sent++;
        else if (status == -EPIPE)
            over = true;
        else
            judge(w, how, status, "a send");
        over |= w->sent * r->senders >= POSITIONS - STRESS_MAX_THREADS;
        if (stress_below(&w->rng, 4096) == 0)
            weir_cancel_source_cancel(&r->source, 1);
        if (stress_below(&w->rng, 100000) == 0)
            weir_broadcast_close(r->channel);
        stress_maybe_yield(&w->rng, 64);
    }
    /* relaxed: who is the last is all that counts. */
    if (weir_atomic_fetch_sub(&r->sending, 1, WEIR_RELAXED) == 1)
        weir_broadcast_close(r->channel);
}

/* The position of its next value. */
static uint64_t place(const worker *w)
{
    /* relaxed: this thread's own. */
    const uint64_t cursor = weir_atomic_load(&w->subscriber.cursor, WEIR_RELAXED);

    return (cursor / 4 - w->r->start) & (UINT64_MAX / 4);
}

static void check_value(worker *w, uint64_t at, uint64_t value)
{
    const uint64_t sender = value >> 32, number = value & UINT32_MAX;
    uint64_t was = 0;

    if (sender >= w->r->senders || at >= POSITIONS)
        stress_fail(w->s, "order: a value that nobody sent, at %" PRIu64, at);
    if (w->next[sender] != UNKNOWN) {
        if (number < w->next[sender])
            stress_fail(w->s, "order: a sender's values are out of order");
        if (number > w->next[sender] && w->r->lag != WEIR_LAG_DROP)
            stress_fail(w->s, "ledger: a value of a sender is missing");
    }
    w->next[sender] = number + 1;
    /* relaxed: a table to compare with. */
    if (!weir_atomic_cas(&w->r->order[at], &was, value + 1, WEIR_RELAXED, WEIR_RELAXED) &&
        was != value + 1)
        stress_fail(w->s, "order: two values at %" PRIu64, at);
}

/* Receives until it was cut off, or has enough, or the channel is closed: then it has stayed. */
static void stay(worker *w, uint64_t enough, uint32_t pace)
{
    shared *const r = w->r;
    const uint64_t from = place(w), received = w->received, lost_before = w->lost;
    unsigned char element[ELEMENT];
    bool over = false;

    for (unsigned i = 0; i < r->senders; i++)
        w->next[i] = UNKNOWN;
    while (!over && w->received < received + enough) {
        const patience how = choose(w);
        const uint64_t at = place(w);
        uint64_t lost = 0;
        const int status = how == TRIES
                               ? weir_broadcast_try_recv(&w->subscriber, element, &lost)
                               : weir_broadcast_recv(&w->subscriber, element, &lost,
                                                     deadline_of(w, how), token_of(w, how));

        if (status == 0) {
            if (lost != 0 && r->lag != WEIR_LAG_DROP)
                stress_fail(w->s, "ledger: values are lost under another policy");
            if (place(w) != at + lost + 1)
                stress_fail(w->s, "ledger: a receive moved on by more than it said");
            check_value(w, at + lost, unpack(w, element));
            w->received++;
            w->lost += lost;
            stress_maybe_yield(&w->rng, pace);
        } else if (status == -EPIPE) {
            over = w->stayed = true;
            w->end = place(w);
        } else if (status == -ECONNRESET && r->lag == WEIR_LAG_CUT) {
            over = true;
            w->cut++;
        } else {
            judge(w, how, status, "a receive");
        }
    }
    if (place(w) - from != w->received - received + w->lost - lost_before)
        stress_fail(w->s, "ledger: some were neither received nor lost");
}

static void receive_some(worker *w)
{
    const uint32_t pace = stress_below(&w->rng, 3) == 0 ? 8 : 512; /* some are slow */

    while (!w->stayed) {
        const int status = weir_broadcast_subscribe(w->r->channel, &w->subscriber);

        if (status == -EPIPE)
            return;
        if (status != 0)
            stress_fail(w->s, "a subscribe said %d", status);
        stay(w, 1 + stress_below(&w->rng, 20000), pace);
        if (weir_broadcast_unsubscribe(&w->subscriber) != 0)
            stress_fail(w->s, "a subscriber could not leave");
    }
}

static void body(void *argument)
{
    worker *const w = (worker *)argument;

    if (w->number < w->r->senders)
        send_some(w);
    else
        receive_some(w);
}

/* ---- rounds ---- */

static void round_of(stress *s, stress_rng *rng)
{
    static const size_t capacities[] = {1, 2, 3, 7, 64, 1000};
    static const size_t elements[] = {8, 12, 16, 64, ELEMENT};
    static shared r;
    const uint64_t ns = 2000000 + stress_below(rng, 20000000);
    uint64_t sent = 0;

    memset((void *)&r, 0, sizeof r);
    memset((void *)workers, 0, sizeof workers);
    r.lag = (weir_lag)stress_below(rng, 3);
    r.capacity = capacities[stress_below(rng, sizeof capacities / sizeof capacities[0])];
    r.element = elements[stress_below(rng, sizeof elements / sizeof elements[0])];
    r.start = stress_below(rng, 2) == 0 ? 0 : (UINT64_C(1) << 62) - stress_below(rng, 2000);
    r.senders = 1 + (unsigned)stress_below(rng, s->threads > 1 ? s->threads / 2 : 1);
    weir_atomic_init(&r.sending, r.senders);
    weir_cancel_source_init(&r.source, NULL, WEIR_FOREVER);
    if (weir_broadcast_new_at(&r.channel, r.element, r.capacity, r.lag, r.start) != 0)
        stress_fail(s, "no memory");
    for (unsigned i = 0; i < s->threads; i++) {
        workers[i].s = s;
        workers[i].r = &r;
        workers[i].number = i;
        workers[i].rng = stress_rng_make(stress_random(rng), i);
    }
    stress_run(s, s->threads, body, workers, sizeof workers[0], ns);
    for (unsigned i = 0; i < r.senders; i++)
        sent += workers[i].sent;
    for (unsigned i = 0; i < s->threads; i++) {
        const worker *const w = &workers[i];

        if (w->stayed && w->end != sent)
            stress_fail(s, "ledger: one stayed to the end, at %" PRIu64 " of %" PRIu64, w->end,
                        sent);
        totals.received += w->received;
        totals.cut += w->cut;
        totals.refused += w->refused;
        totals.gave_up += w->gave_up;
        totals.lost += w->lost;
    }
    /* relaxed: joined. */
    for (uint64_t at = sent; at < POSITIONS; at++)
        if (weir_atomic_load(&r.order[at], WEIR_RELAXED) != 0)
            stress_fail(s, "ledger: a value after the last");
    totals.sent += sent;
    weir_cancel_source_destroy(&r.source);
    if (weir_broadcast_free(r.channel) != 0)
        stress_fail(s, "end: somebody is left in the channel");
}

int main(int argc, char **argv)
{
    stress_rng rng;
    stress s;

    stress_begin(&s, "broadcast", argc, argv);
    rng = stress_rng_make(s.seed, 0);
    while (stress_goes_on(&s, "%" PRIu64 " rounds", totals.rounds)) {
        round_of(&s, &rng);
        totals.rounds++;
    }
    return stress_end(&s,
                      "%" PRIu64 " rounds, %" PRIu64 " sent, %" PRIu64 " received, %" PRIu64
                      " lost, %" PRIu64 " cut off, %" PRIu64 " refused, %" PRIu64 " gave up",
                      totals.rounds, totals.sent, totals.received, totals.lost, totals.cut,
                      totals.refused, totals.gave_up);
}
