/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Random programs of sends, receives, selects and closes over a few channels:
 *
 *   alone      in one thread, each operation compared with a sequential model: status and values,
 *              and that what failed left everything as it was
 *   together   in two or three threads: each outcome is one that could be, nothing is lost, nothing
 *              comes twice, the values of a sender stay in order, the ledger is even
 *
 * Options: --seed N, --programs N (instead of as many as fit into a second or two; a twentieth of
 * them together), --long (a million). The seed is said first; program number p of a seed depends
 * on nothing else. */

#include "chan.h"

#include <time.h>

enum { CHANS = 4, ARMS = 6, BURST = 5, OPERATIONS = 48, THREADS = 3, INSIDE = OPERATIONS * BURST };

static uint64_t seed, program; /* what runs now */

/* One step of splitmix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static size_t below(uint64_t *state, size_t bound)
{
    return (size_t)(next_random(state) % bound);
}

/* A CHECK that says which program it was. */
#define HOLDS(condition) ((condition) ? (void)0 : wrong(__LINE__, #condition))

static void wrong(int line, const char *what)
{
    fprintf(stderr, "program %" PRIu64 "; again with: --seed 0x%" PRIx64 "\n", program, seed);
    test_fail(__FILE__, line, what);
}

/* ---- the model ---- */

typedef struct model {
    weir_chan *chan;
    chan_kind kind;
    bool closed;
    size_t first, last; /* the values inside: values[first .. last - 1] */
    uint64_t values[INSIDE];
    drops dropped, want;
} model;

static size_t inside(const model *m)
{
    return m->last - m->first;
}

/* What a send, or a receive, says in the thread that is alone; 1: it would have to wait. */
static int send_status(const model *m)
{
    if (m->closed)
        return -EPIPE;
    return m->kind.capacity == WEIR_CHAN_UNBOUNDED || inside(m) < m->kind.capacity ? 0 : 1;
}

static int recv_status(const model *m)
{
    if (inside(m) > 0)
        return 0;
    return m->closed ? -EPIPE : 1;
}

/* ---- alone ---- */

static void begin_models(model *all, size_t count, uint64_t *random, bool anybody)
{
    for (size_t c = 0; c < count; c++) {
        model *const m = &all[c];
        const size_t capacity = below(random, 5);

        m->kind.capacity = capacity == 4 ? WEIR_CHAN_UNBOUNDED : capacity;
        m->kind.shape = anybody ? WEIR_CHAN_MPMC : (weir_chan_shape)below(random, 4);
        m->closed = false;
        m->first = m->last = 0;
        m->chan = chan_begin_drops(&m->kind, &m->dropped);
        memset(&m->want, 0, sizeof m->want);
    }
}

static void drop_all(model *m)
{
    while (m->first < m->last) {
        m->want.count++;
        m->want.sum += m->values[m->first++];
    }
}

static void end_models(model *all, size_t count)
{
    for (size_t c = 0; c < count; c++) {
        drop_all(&all[c]);
        HOLDS(weir_chan_free(all[c].chan) == 0);
        HOLDS(all[c].dropped.count == all[c].want.count);
        HOLDS(all[c].dropped.sum == all[c].want.sum);
    }
}

static void sent(model *m, uint64_t value)
{
    m->values[m->last++] = value;
}

static void received(model *m, uint64_t value)
{
    HOLDS(m->first < m->last && m->values[m->first] == value);
    m->first++;
}

/* A select over random arms. */
static void select_alone(model *all, size_t count, uint64_t *random, uint64_t *next)
{
    weir_select_arm arms[ARMS];
    model *of[ARMS];
    uint64_t values[ARMS], before[ARMS];
    const size_t n = below(random, ARMS + 1);
    const size_t how = below(random, 4);
    bool ready = false, any = false;
    int got;

    memset(arms, 0, sizeof arms);
    for (size_t i = 0; i < n; i++) {
        of[i] = below(random, 8) == 0 ? NULL : &all[below(random, count)];
        values[i] = before[i] = (*next)++;
        if (below(random, 2) == 0)
            weir_select_send(&arms[i], of[i] == NULL ? NULL : of[i]->chan, &values[i]);
        else
            weir_select_recv(&arms[i], of[i] == NULL ? NULL : of[i]->chan, &values[i]);
        any |= of[i] != NULL;
        ready |=
            of[i] != NULL && (arms[i].send != NULL ? send_status(of[i]) : recv_status(of[i])) != 1;
    }
    if (how == 0) {
        got = weir_select_try(arms, n);
        HOLDS(ready ? got >= 0 : got == -EAGAIN);
    } else if (how == 1 && (ready || !any)) {
        got = weir_select(arms, n, WEIR_FOREVER, NULL);
        HOLDS(ready ? got >= 0 : got == -EINVAL);
    } else {
        got = weir_select(arms, n, how == 2 ? 1 : 0, NULL);
        HOLDS(ready ? got >= 0 : got == -ETIMEDOUT);
    }
    HOLDS(got < (int)n);
    for (size_t i = 0; i < n; i++) {
        if ((int)i == got) {
            const bool sends = arms[i].send != NULL;

            HOLDS(of[i] != NULL);
            HOLDS(arms[i].status == (sends ? send_status(of[i]) : recv_status(of[i])));
            if (arms[i].status == 0 && sends)
                sent(of[i], values[i]);
            else if (arms[i].status == 0)
                received(of[i], values[i]);
            if (arms[i].status == 0 && !sends)
                continue;
        }
        HOLDS(values[i] == before[i]);
    }
}

static void send_alone(model *m, uint64_t *random, uint64_t *next)
{
    const int status = send_status(m);
    const size_t how = below(random, 3);
    uint64_t value = (*next)++;

    if (how == 0)
        HOLDS(weir_chan_try_send(m->chan, &value) == (status == 1 ? -EAGAIN : status));
    else
        HOLDS(weir_chan_send(m->chan, &value, how == 2 && status != 1 ? WEIR_FOREVER : 0, NULL) ==
              (status == 1 ? -ETIMEDOUT : status));
    if (status == 0)
        sent(m, value);
}

static void recv_alone(model *m, uint64_t *random)
{
    const int status = recv_status(m);
    const size_t how = below(random, 3);
    uint64_t value = UINT64_MAX;

    if (how == 0)
        HOLDS(weir_chan_try_recv(m->chan, &value) == (status == 1 ? -EAGAIN : status));
    else
        HOLDS(weir_chan_recv(m->chan, &value, how == 2 && status != 1 ? WEIR_FOREVER : 0, NULL) ==
              (status == 1 ? -ETIMEDOUT : status));
    if (status == 0)
        received(m, value);
    else
        HOLDS(value == UINT64_MAX);
}

static void burst_alone(model *m, uint64_t *random, uint64_t *next)
{
    const size_t n = below(random, BURST + 1), how = below(random, 4);
    uint64_t values[BURST];
    size_t count = 99, fits = 0;

    if (how < 2) {
        for (size_t i = 0; i < n; i++)
            values[i] = (*next)++;
        while (fits < n && !m->closed &&
               (m->kind.capacity == WEIR_CHAN_UNBOUNDED || inside(m) + fits < m->kind.capacity))
            fits++;
        if (how == 0)
            count = weir_chan_try_send_burst(m->chan, values, n);
        else
            /* A burst of none on a closed channel may say either. */
            HOLDS(weir_chan_send_burst(m->chan, values, n, &count, 0, NULL) == (fits == n ? 0
                                                                                : m->closed
                                                                                    ? -EPIPE
                                                                                    : -ETIMEDOUT) ||
                  (n == 0 && m->closed));
        HOLDS(count == fits);
        for (size_t i = 0; i < fits; i++)
            sent(m, values[i]);
        return;
    }
    fits = n < inside(m) ? n : inside(m);
    if (how == 2)
        count = weir_chan_try_recv_burst(m->chan, values, n);
    else
        HOLDS(weir_chan_recv_burst(m->chan, values, n, &count, 0, NULL) == (n == 0     ? -EINVAL
                                                                            : fits > 0 ? 0
                                                                            : m->closed
                                                                                ? -EPIPE
                                                                                : -ETIMEDOUT));
    HOLDS(count == fits);
    for (size_t i = 0; i < fits; i++)
        received(m, values[i]);
}

static void close_alone(model *m, uint64_t *random)
{
    const weir_chan_close_mode mode = below(random, 3) == 0 ? WEIR_CHAN_DISCARD : WEIR_CHAN_DRAIN;

    HOLDS(weir_chan_close(m->chan, mode) == (m->closed ? -EALREADY : 0));
    m->closed = true;
    if (mode == WEIR_CHAN_DISCARD) {
        drop_all(m);
        chan_discarded(m->chan, &m->kind);
    }
    HOLDS(m->dropped.count == m->want.count);
    HOLDS(m->dropped.sum == m->want.sum);
}

static void run_alone(uint64_t random)
{
    static model all[CHANS];
    const size_t count = 1 + below(&random, CHANS), operations = 1 + below(&random, OPERATIONS);
    uint64_t next = 1;

    begin_models(all, count, &random, false);
    for (size_t i = 0; i < operations; i++) {
        model *const m = &all[below(&random, count)];
        const size_t what = below(&random, 32);

        if (what < 16)
            select_alone(all, count, &random, &next);
        else if (what < 21)
            send_alone(m, &random, &next);
        else if (what < 26)
            recv_alone(m, &random);
        else if (what < 31)
            burst_alone(m, &random, &next);
        else
            close_alone(m, &random);
        HOLDS(weir_chan_size_approx(m->chan) == inside(m));
        HOLDS(weir_chan_closed(m->chan) == m->closed);
        HOLDS(weir_chan_senders_approx(m->chan) == 0);
        HOLDS(weir_chan_receivers_approx(m->chan) == 0);
    }
    end_models(all, count);
}

/* ---- together ---- */

/* A value is its sender, its channel, and its number there, from 1 on. */
#define VALUE(thread, chan, number) \
    ((uint64_t)(thread) << 48 | (uint64_t)(chan) << 32 | (uint64_t)(number))

typedef struct member {
    pthread_t thread;
    size_t self, count; /* of the channels */
    model *all;
    weir_cancel *token;
    uint64_t random;
    uint64_t sent[CHANS], received[CHANS], received_sum[CHANS], sent_sum[CHANS];
    uint64_t number[CHANS];        /* of the last value that was tried */
    uint64_t seen[CHANS][THREADS]; /* the last value of each sender that came here */
    bool closes[CHANS], cancels;
} member;

static void has_sent(member *me, size_t c, uint64_t value)
{
    me->sent[c]++;
    me->sent_sum[c] += value;
}

static void has_received(member *me, size_t c, uint64_t value)
{
    const size_t from = (size_t)(value >> 48);
    const uint64_t number = value & UINT32_MAX;

    HOLDS((value >> 32 & 0xffff) == c && from < THREADS && number > 0);
    HOLDS(number > me->seen[c][from]);
    me->seen[c][from] = number;
    me->received[c]++;
    me->received_sum[c] += value;
}

static uint64_t new_value(member *me, size_t c)
{
    return VALUE(me->self, c, ++me->number[c]);
}

static void select_together(member *me, uint64_t deadline, weir_cancel *token)
{
    weir_select_arm arms[ARMS];
    size_t of[ARMS];
    uint64_t values[ARMS], before[ARMS];
    const size_t n = 1 + below(&me->random, ARMS);
    const bool tries = below(&me->random, 3) == 0;
    int got;

    memset(arms, 0, sizeof arms);
    for (size_t i = 0; i < n; i++) {
        of[i] = below(&me->random, me->count);
        if (below(&me->random, 2) == 0) {
            values[i] = new_value(me, of[i]);
            weir_select_send(&arms[i], me->all[of[i]].chan, &values[i]);
        } else {
            values[i] = UINT64_MAX;
            weir_select_recv(&arms[i], me->all[of[i]].chan, &values[i]);
        }
        before[i] = values[i];
    }
    got = tries ? weir_select_try(arms, n) : weir_select(arms, n, deadline, token);
    if (tries)
        HOLDS(got >= 0 || got == -EAGAIN || got == -EBUSY);
    else
        HOLDS(got >= 0 || got == -ETIMEDOUT || (got == -ECANCELED && token != NULL));
    HOLDS(got < (int)n);
    for (size_t i = 0; i < n; i++) {
        if ((int)i != got || arms[i].status != 0 || arms[i].send != NULL)
            HOLDS(values[i] == before[i]);
    }
    if (got < 0)
        return;
    HOLDS(arms[got].status == 0 || arms[got].status == -EPIPE);
    if (arms[got].status == -EPIPE)
        HOLDS(weir_chan_closed(me->all[of[got]].chan));
    else if (arms[got].send != NULL)
        has_sent(me, of[got], values[got]);
    else
        has_received(me, of[got], values[got]);
}

static void one_together(member *me, uint64_t deadline, weir_cancel *token)
{
    const size_t c = below(&me->random, me->count), what = below(&me->random, 4);
    weir_chan *const chan = me->all[c].chan;
    uint64_t value = what % 2 == 0 ? new_value(me, c) : UINT64_MAX;
    const uint64_t before = value;
    int status;

    if (what == 0)
        status = weir_chan_try_send(chan, &value);
    else if (what == 1)
        status = weir_chan_try_recv(chan, &value);
    else if (what == 2)
        status = weir_chan_send(chan, &value, deadline, token);
    else
        status = weir_chan_recv(chan, &value, deadline, token);
    if (status == 0 && what % 2 == 0)
        has_sent(me, c, value);
    else if (status == 0)
        has_received(me, c, value);
    if (status != 0 || what % 2 == 0)
        HOLDS(value == before);
    if (status == -EPIPE)
        HOLDS(weir_chan_closed(chan));
    else if (what < 2)
        HOLDS(status == 0 || status == -EAGAIN || status == -EBUSY);
    else
        HOLDS(status == 0 || status == -ETIMEDOUT || (status == -ECANCELED && token != NULL));
}

static void burst_together(member *me, uint64_t deadline)
{
    const size_t c = below(&me->random, me->count), n = 1 + below(&me->random, BURST);
    weir_chan *const chan = me->all[c].chan;
    uint64_t values[BURST];
    size_t count = 99;
    int status = 0;

    if (below(&me->random, 2) == 0) {
        for (size_t i = 0; i < n; i++)
            values[i] = new_value(me, c);
        if (below(&me->random, 2) == 0)
            count = weir_chan_try_send_burst(chan, values, n);
        else
            status = weir_chan_send_burst(chan, values, n, &count, deadline, NULL);
        HOLDS(count <= n && (status == 0 || count < n));
        for (size_t i = 0; i < count; i++)
            has_sent(me, c, values[i]);
    } else {
        if (below(&me->random, 2) == 0)
            count = weir_chan_try_recv_burst(chan, values, n);
        else
            status = weir_chan_recv_burst(chan, values, n, &count, deadline, NULL);
        HOLDS(count <= n && (status == 0 || count == 0));
        for (size_t i = 0; i < count; i++)
            has_received(me, c, values[i]);
    }
    HOLDS(status == 0 || status == -ETIMEDOUT || (status == -EPIPE && weir_chan_closed(chan)));
}

static void *run_member(void *argument)
{
    member *const me = (member *)argument;

    for (unsigned i = 0; i < OPERATIONS; i++) {
        const size_t what = below(&me->random, 100), soon = below(&me->random, 40);
        const uint64_t deadline = soon < 10 ? soon : weir_clock_after(soon * 1000);
        weir_cancel *const token = below(&me->random, 4) == 0 ? me->token : NULL;

        if (what < 50) {
            select_together(me, deadline, token);
        } else if (what < 86) {
            one_together(me, deadline, token);
        } else if (what < 97) {
            burst_together(me, deadline);
        } else if (what < 99) {
            const size_t c = below(&me->random, me->count);
            const int status = weir_chan_close(
                me->all[c].chan, below(&me->random, 2) == 0 ? WEIR_CHAN_DRAIN : WEIR_CHAN_DISCARD);

            HOLDS(status == 0 || status == -EALREADY);
            HOLDS(weir_chan_closed(me->all[c].chan));
            me->closes[c] = true;
        } else {
            token_cancel(me->token);
        }
    }
    return NULL;
}

/* What two threads that close drop at once. */
static void drop_together(void *element, void *context)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    drop_word(element, context);
    pthread_mutex_unlock(&lock);
}

static void run_together(uint64_t random)
{
    static model all[CHANS];
    const size_t count = 1 + below(&random, CHANS - 1), threads = 2 + below(&random, 2);
    weir_cancel *const token = token_begin();
    member members[THREADS];

    memset(members, 0, sizeof members);
    for (size_t c = 0; c < count; c++) {
        const size_t capacity = below(&random, 5);
        weir_chan_options options;

        memset(&options, 0, sizeof options);
        options.shape = below(&random, 3) == 0 ? WEIR_CHAN_FAIR : WEIR_CHAN_MPMC;
        options.drop = drop_together;
        options.context = &all[c].dropped;
        memset(&all[c].dropped, 0, sizeof all[c].dropped);
        HOLDS(weir_chan_new(&all[c].chan, sizeof(uint64_t),
                            capacity == 4 ? WEIR_CHAN_UNBOUNDED : capacity, &options) == 0);
    }
    for (size_t t = 0; t < threads; t++) {
        members[t].self = t;
        members[t].count = count;
        members[t].all = all;
        members[t].token = token;
        members[t].random = next_random(&random);
        HOLDS(pthread_create(&members[t].thread, NULL, run_member, &members[t]) == 0);
    }
    for (size_t t = 0; t < threads; t++)
        HOLDS(pthread_join(members[t].thread, NULL) == 0);
    for (size_t c = 0; c < count; c++) {
        uint64_t value, sent_count = 0, sent_sum = 0, got = 0, got_sum = 0;
        member last;
        bool closed = false;

        memset(&last, 0, sizeof last);
        for (size_t t = 0; t < threads; t++) {
            sent_count += members[t].sent[c];
            sent_sum += members[t].sent_sum[c];
            got += members[t].received[c];
            got_sum += members[t].received_sum[c];
            closed |= members[t].closes[c];
            for (size_t from = 0; from < threads; from++) {
                if (members[t].seen[c][from] > last.seen[c][from])
                    last.seen[c][from] = members[t].seen[c][from];
            }
        }
        HOLDS(weir_chan_senders_approx(all[c].chan) == 0);
        HOLDS(weir_chan_receivers_approx(all[c].chan) == 0);
        HOLDS(weir_chan_closed(all[c].chan) == closed);
        /* What is left inside is younger than what came out. */
        while (weir_chan_try_recv(all[c].chan, &value) == 0)
            has_received(&last, c, value);
        HOLDS(weir_chan_try_recv(all[c].chan, &value) == (closed ? -EPIPE : -EAGAIN));
        HOLDS(sent_count == got + last.received[c] + all[c].dropped.count);
        HOLDS(sent_sum == got_sum + last.received_sum[c] + all[c].dropped.sum);
        HOLDS(weir_chan_free(all[c].chan) == 0);
    }
    token_end(token);
}

/* ---- the programs ---- */

static uint64_t programs; /* 0: as many as the time allows */

/* Runs program after program: `most`, or while there is time. */
static void run_all(const char *name, void (*run)(uint64_t random), uint64_t most)
{
    const uint64_t end = weir_clock_after(800 * MS);

    for (program = 0; programs > 0 ? program < most : weir_clock_now() < end; program++) {
        uint64_t state = seed + program * UINT64_C(0x2545f4914f6cdd1d);

        run(next_random(&state));
    }
    printf("%s: %" PRIu64 " programs\n", name, program);
}

static void alone(void)
{
    run_all("alone", run_alone, programs);
}

static void together(void)
{
    run_all("together", run_together, (programs + 19) / 20);
}

int main(int argc, char **argv)
{
    seed = weir_clock_now() ^ (uint64_t)time(NULL) << 32;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--programs") == 0 && i + 1 < argc) {
            programs = strtoull(argv[++i], NULL, 0);
        } else if (strcmp(argv[i], "--long") == 0) {
            programs = 1000000;
        } else {
            fprintf(stderr, "usage: %s [--seed N] [--programs N | --long]\n", argv[0]);
            return 2;
        }
    }
    printf("seed 0x%" PRIx64 "\n", seed);
    fflush(stdout);
    return TEST_RUN("select_random", TEST_CASE(alone), TEST_CASE(together));
}
