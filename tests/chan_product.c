/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The product of {result, timeout, cancel, close}: an operation that waits, and each order of each
 * set of these events (64), issued by another thread. With a rendezvous, one place, one
 * that is fair, and no bound; of a receive, a send, and a select of either. The operation ends
 * once, with an outcome that this order allows, and no value is lost or doubled (R23, U24).
 *
 *   before    all events come before the operation: the outcome is known
 *   settled   it waits, the first event comes, and it ends before the second: known
 *   rapid     it waits, then all come at once
 *   race      nobody waits for anybody */

#include "chan.h"

typedef enum event { RESULT, TIMEOUT, CANCEL, CLOSE, EVENTS } event;
typedef enum operation { RECV, SEND, SELECT_RECV, SELECT_SEND, OPERATIONS } operation;
typedef enum timing { BEFORE, SETTLED, RAPID, RACE, TIMINGS } timing;

enum {
    INSIDE = 1000,
    MINE = 2000
}; /* values: what fills a channel; what the operation sends, or
      what it is sent */

typedef struct trial {
    event order[EVENTS];
    unsigned count;
    operation what;
    timing when;
    size_t capacity;
    weir_chan_shape shape;
    weir_chan_close_mode mode;

    weir_chan *chan, *quiet;
    weir_cancel *token;
    uint64_t deadline;
    drops dropped;

    /* of the operation */
    uint64_t value;
    int status;
    WEIR_ATOMIC(uint32_t) done; /* how often it ended */

    /* of the events */
    bool issued[EVENTS];
    int result;         /* what the other side of the result was told */
    uint64_t got;       /* by the other side of a send */
    bool result_closed; /* the close was before the result */
} trial;

static const char *const event_names[] = {"result", "timeout", "cancel", "close"};
static const char *const operation_names[] = {"recv", "send", "select recv", "select send"};
static const char *const timing_names[] = {"before", "settled", "rapid", "race"};

static void wrong(const trial *t, int line, const char *what)
{
    fprintf(stderr, "%s, capacity %zu%s, %s, %s:", operation_names[t->what], t->capacity,
            t->shape == WEIR_CHAN_FAIR ? " (fair)" : "", timing_names[t->when],
            t->mode == WEIR_CHAN_DRAIN ? "drain" : "discard");
    for (unsigned i = 0; i < t->count; i++)
        fprintf(stderr, " %s", event_names[t->order[i]]);
    fprintf(stderr, "; the operation said %d, the other side %d\n", t->status, t->result);
    test_fail(__FILE__, line, what);
}

#define HOLDS(t, condition) ((condition) ? (void)0 : wrong(t, __LINE__, #condition))

static bool sends(const trial *t)
{
    return t->what == SEND || t->what == SELECT_SEND;
}

static bool is_done(trial *t)
{
    /* sync(done): acquire. Pairs with the addition in operate(). */
    return weir_atomic_load(&t->done, WEIR_ACQUIRE) != 0;
}

static bool has(const trial *t, event e)
{
    for (unsigned i = 0; i < t->count; i++)
        if (t->order[i] == e)
            return true;
    return false;
}

/* ---- the operation ---- */

static void *operate(void *argument)
{
    trial *const t = (trial *)argument;
    weir_select_arm arms[2];
    uint64_t never = 12345;
    int status;

    t->value = sends(t) ? MINE : 12345;
    memset(arms, 0, sizeof arms);
    weir_select_recv(&arms[0], t->quiet, &never);
    if (t->what == SELECT_SEND)
        weir_select_send(&arms[1], t->chan, &t->value);
    else
        weir_select_recv(&arms[1], t->chan, &t->value);
    if (t->what == RECV) {
        status = weir_chan_recv(t->chan, &t->value, t->deadline, t->token);
    } else if (t->what == SEND) {
        status = weir_chan_send(t->chan, &t->value, t->deadline, t->token);
    } else {
        status = weir_select(arms, 2, t->deadline, t->token);
        CHECK(status != 0 && status < 2);
        if (status == 1)
            status = arms[1].status;
    }
    CHECK_EQ(never, 12345);
    t->status = status;
    /* sync(done): release. Pairs with is_done(); carries the outcome. */
    weir_atomic_fetch_add(&t->done, 1, WEIR_RELEASE);
    return NULL;
}

/* ---- the events ---- */

/* The other side, until it has happened, or the operation has ended without it. */
static void bring_result(trial *t)
{
    t->result_closed = t->issued[CLOSE];
    for (;;) {
        const bool last = t->when == BEFORE || is_done(t);
        const uint64_t value = MINE;

        if (sends(t))
            t->result = weir_chan_try_recv(t->chan, &t->got);
        else
            t->result = weir_chan_try_send(t->chan, &value);
        HOLDS(t, t->result == 0 || t->result == -EAGAIN || t->result == -EBUSY ||
                     (t->result == -EPIPE && t->issued[CLOSE]));
        if (t->result == 0 || t->result == -EPIPE || (last && t->result == -EAGAIN))
            return;
        sched_yield();
    }
}

static void issue(trial *t, event e)
{
    if (e == RESULT)
        bring_result(t);
    else if (e == CANCEL)
        token_cancel(t->token);
    else if (e == CLOSE)
        HOLDS(t, weir_chan_close(t->chan, t->mode) == 0);
    else
        while (weir_clock_now() < t->deadline)
            sched_yield();
    t->issued[e] = true;
}

/* ---- what may come out ---- */

/* Nothing was in the way when the operation came. Returns: its outcome; 1: it would wait. */
static int outcome_before(const trial *t)
{
    const bool came = has(t, RESULT) && t->result == 0;

    if (has(t, CANCEL))
        return -ECANCELED;
    if (sends(t)) {
        if (has(t, CLOSE))
            return -EPIPE;
        if (t->capacity == WEIR_CHAN_UNBOUNDED || (t->capacity > 0 && came))
            return 0;
    } else {
        if (came && t->dropped.count == 0)
            return 0;
        if (has(t, CLOSE))
            return -EPIPE;
    }
    return has(t, TIMEOUT) ? -ETIMEDOUT : 1;
}

static bool allowed_settled(const trial *t)
{
    static const int first[EVENTS] = {0, -ETIMEDOUT, -ECANCELED, -EPIPE};

    return t->status == first[t->order[0]] ||
           (t->status == -ETIMEDOUT && weir_clock_now() >= t->deadline);
}

static bool allowed(const trial *t)
{
    const bool came = has(t, RESULT) && t->result == 0;

    /* What met in a rendezvous is decided. */
    if (t->capacity == 0 && came)
        return t->status == 0;
    switch (t->status) {
    case 0:
        return (came && !(t->result_closed && sends(t))) ||
               (sends(t) && t->capacity == WEIR_CHAN_UNBOUNDED);
    case -EPIPE:
        /* A value that was sent before the close is there to be received. */
        return has(t, CLOSE) && (sends(t) || !came || t->mode == WEIR_CHAN_DISCARD);
    case -ETIMEDOUT:
        return has(t, TIMEOUT);
    case -ECANCELED:
        return has(t, CANCEL);
    default:
        return false;
    }
}

/* ---- a trial ---- */

static void even_ledger(trial *t, size_t filled)
{
    const bool came = has(t, RESULT) && t->result == 0;
    size_t fills = 0, mine = 0;
    uint64_t value;

    /* relaxed: the join carries it. */
    HOLDS(t, weir_atomic_load(&t->done, WEIR_RELAXED) == 1);
    HOLDS(t, weir_chan_receivers_approx(t->chan) == 0);
    HOLDS(t, weir_chan_senders_approx(t->chan) == 0);
    HOLDS(t, weir_chan_receivers_approx(t->quiet) == 0);
    while (weir_chan_try_recv(t->chan, &value) == 0)
        *(value == MINE ? &mine : &fills) += 1;
    if (sends(t)) {
        HOLDS(t, t->value == MINE);
        if (came)
            *(t->got == MINE ? &mine : &fills) += 1;
        HOLDS(t, mine + fills + t->dropped.count == filled + (t->status == 0));
        HOLDS(t, mine * MINE + fills * INSIDE + t->dropped.sum ==
                     filled * INSIDE + (t->status == 0 ? MINE : 0));
    } else {
        HOLDS(t, t->value == (t->status == 0 ? MINE : 12345));
        HOLDS(t, mine + (t->status == 0) + t->dropped.count == (came ? 1 : 0));
        HOLDS(t, fills == 0);
    }
    HOLDS(t, weir_chan_free(t->chan) == 0);
    HOLDS(t, weir_chan_free(t->quiet) == 0);
    token_end(t->token);
}

/* Whether the operation can wait at all. */
static bool waits(const trial *t)
{
    return !(sends(t) && t->capacity == WEIR_CHAN_UNBOUNDED);
}

static size_t waiting(const trial *t)
{
    return sends(t) ? weir_chan_senders_approx(t->chan) : weir_chan_receivers_approx(t->chan);
}

static void run(trial *t)
{
    const chan_kind kind = {t->capacity, t->shape};
    pthread_t thread;
    size_t filled = 0;

    t->chan = chan_begin_drops(&kind, &t->dropped);
    t->quiet = chan_begin(WEIR_CHAN_RENDEZVOUS);
    t->token = token_begin();
    t->deadline = WEIR_FOREVER;
    t->result = 99;
    weir_atomic_init(&t->done, 0);
    while (sends(t) && t->capacity != WEIR_CHAN_UNBOUNDED && filled < t->capacity) {
        CHECK_EQ(chan_put(t->chan, INSIDE), 0);
        filled++;
    }
    if (has(t, TIMEOUT))
        t->deadline = t->when == BEFORE ? weir_clock_now() : weir_clock_after(MS / 10);
    if (t->when == BEFORE) {
        int want;

        for (unsigned i = 0; i < t->count; i++)
            issue(t, t->order[i]);
        want = outcome_before(t);
        if (want == 1) { /* it would wait for ever */
            token_cancel(t->token);
            want = -ECANCELED;
        }
        operate(t);
        HOLDS(t, t->status == want);
        even_ledger(t, filled);
        return;
    }
    CHECK(pthread_create(&thread, NULL, operate, t) == 0);
    while (t->when != RACE && waits(t) && waiting(t) == 0 && !is_done(t))
        sched_yield();
    for (unsigned i = 0; i < t->count; i++) {
        issue(t, t->order[i]);
        if (t->when == SETTLED && i == 0) {
            while (!is_done(t))
                sched_yield();
            HOLDS(t, !waits(t) || allowed_settled(t));
        }
    }
    CHECK(pthread_join(thread, NULL) == 0);
    HOLDS(t, allowed(t) || (t->when == SETTLED && waits(t)));
    even_ledger(t, filled);
}

/* Runs every order of every set that begins like this one. */
static void orders(const trial *form, unsigned used, size_t *count)
{
    for (unsigned e = 0; e < EVENTS; e++) {
        trial longer = *form;
        trial now;

        if (used & 1u << e)
            continue;
        longer.order[longer.count++] = (event)e;
        now = longer;
        run(&now);
        ++*count;
        if (has(&longer, CLOSE)) {
            now = longer;
            now.mode = WEIR_CHAN_DISCARD;
            run(&now);
            ++*count;
        }
        orders(&longer, used | 1u << e, count);
    }
}

static void product(timing when)
{
    static const chan_kind kinds[] = {{WEIR_CHAN_RENDEZVOUS, WEIR_CHAN_MPMC},
                                      {1, WEIR_CHAN_MPMC},
                                      {1, WEIR_CHAN_FAIR},
                                      {WEIR_CHAN_UNBOUNDED, WEIR_CHAN_MPMC}};
    size_t count = 0;

    for (unsigned what = 0; what < OPERATIONS; what++) {
        for (size_t k = 0; k < COUNT(kinds); k++) {
            trial form;

            memset(&form, 0, sizeof form);
            form.what = (operation)what;
            form.when = when;
            form.capacity = kinds[k].capacity;
            form.shape = kinds[k].shape;
            orders(&form, 0, &count);
        }
    }
    printf("%s: %zu trials\n", timing_names[when], count);
}

static void events_before(void)
{
    product(BEFORE);
}

static void the_first_event_decides(void)
{
    product(SETTLED);
}

static void all_events_at_once(void)
{
    product(RAPID);
}

static void nobody_waits_for_anybody(void)
{
    product(RACE);
}

int main(void)
{
    return TEST_RUN("chan_product", TEST_CASE(events_before), TEST_CASE(the_first_event_decides),
                    TEST_CASE(all_events_at_once), TEST_CASE(nobody_waits_for_anybody));
}
