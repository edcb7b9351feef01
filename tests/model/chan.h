/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/chan.h: tests of channels and of select, written as strings: what each thread does.
 *
 *     +a  send to channel a        -a  receive from it       [+a-b]  select, with these arms
 *     ?   before one of these: try_; ~: and it is not -EAGAIN; =: and it happens
 *     @   with a deadline that may pass       0  with one that has passed      !  with the token
 *     2   a burst of two, try_
 *     *-a what a receiver does in a rendezvous while it spins
 *     xa  close it, and let it be drained     Xa  close it, and discard what is inside
 *     k   cancel the token                    #a  ask it for its numbers
 *     ra  only runs in which somebody waits to receive from it; sa: to send
 *     Ra  let a waiter stand there to receive, that is called when it is woken; Sa: to send
 *     >   say that one has come so far        <   wait for that
 *
 * Channels, a letter each: 0 a rendezvous, 1 and 2 of these capacities, w of 1 and three words,
 * p of 1 for one sender and one receiver, f fair of 1, F fair of 2, u without a bound.
 *
 * Every value leads to plain memory that its sender wrote before, and its receiver reads and writes
 * after; in a rendezvous the sender sees as well what its receiver had done; and who is told that a
 * channel is closed, what the closer had. What happens in a channel with a buffer is explained by
 * some order of the operations. What was sent was received, dropped, or is left, once; what was not
 * sent, nowhere. A waiter that stands for ever while there is something for it is found: of a
 * thread, by the checker; of one that is called, in the end.
 *
 * Edges: none of its own. */

#ifndef WEIR_TESTS_MODEL_CHAN_H
#define WEIR_TESTS_MODEL_CHAN_H

#include "chan_spec.h"

/* ---- operations ---- */

typedef struct manner {
    char letter; /* 0: none */
    uint64_t deadline;
    weir_cancel *cancel;
} manner;

static bool tries(const manner *m)
{
    return m->letter == '?' || m->letter == '~' || m->letter == '=';
}

static void judge(const manner *m, int status, bool busy)
{
    switch (m->letter) {
    case '?':
        weir_check_assert(status == 0 || status == -EAGAIN || status == -EPIPE ||
                          (busy && status == -EBUSY));
        break;
    case '~':
        weir_check_assert(status == 0 || (busy && status == -EBUSY));
        break;
    case '=':
        weir_check_assert(status == 0);
        break;
    case '@':
    case '0':
        weir_check_assert(status == 0 || status == -ETIMEDOUT || status == -EPIPE);
        break;
    case '!':
        weir_check_assert(status == 0 || status == -ECANCELED || status == -EPIPE);
        break;
    default:
        weir_check_assert(status == 0 || status == -EPIPE);
    }
}

/* Whether others may be in the middle. */
static bool has_lock(unsigned chan)
{
    return chans[chan]->kind == WEIR__CHAN_MEET;
}

static unsigned call_of(int operation, uint64_t argument)
{
    return current->frozen == 0 || current->frozen == self ? weir_check_call(operation, argument)
                                                           : 0;
}

static void return_of(unsigned call, uint64_t result)
{
    if (current->frozen == 0 || current->frozen == self)
        weir_check_return(call, result);
}

static int send_one(unsigned chan, const element *e, const manner *m)
{
    return tries(m) ? weir_chan_try_send(chans[chan], e)
                    : weir_chan_send(chans[chan], e, m->deadline, m->cancel);
}

static int recv_one(unsigned chan, element *e, const manner *m)
{
    return tries(m) ? weir_chan_try_recv(chans[chan], e)
                    : weir_chan_recv(chans[chan], e, m->deadline, m->cancel);
}

static int one(unsigned chan, int operation, const manner *m)
{
    element e = {0, 0, 0};
    unsigned call;
    int status;

    if (operation == SEND)
        e = new_value();
    call = call_of(operation, e.value);
    status = operation == SEND ? send_one(chan, &e, m) : recv_one(chan, &e, m);
    return_of(call, came_to(chan, operation, status, &e));
    judge(m, status, has_lock(chan));
    ended(chan, operation, status, &e);
    return status;
}

static void spin(unsigned chan)
{
    element e = {0, 0, 0};

    ended(chan, RECV, weir__spot_recv(chans[chan], &e) ? 0 : -EAGAIN, &e);
}

/* One call, and in the history one for each value. */
static void burst(unsigned chan, int operation)
{
    element e[2] = {{0, 0, 0}, {0, 0, 0}};
    uintptr_t word[2] = {0, 0};
    unsigned call[2];
    size_t done;

    for (unsigned i = 0; i < 2; i++) {
        if (operation == SEND)
            e[i] = new_value();
        word[i] = e[i].value;
        call[i] = call_of(operation, e[i].value);
    }
    if (operation == SEND)
        done = weir_chan_try_send_burst(chans[chan], is_large(chan) ? (void *)e : word, 2);
    else
        done = weir_chan_try_recv_burst(chans[chan], is_large(chan) ? (void *)e : word, 2);
    for (unsigned i = 0; i < 2; i++) {
        if (operation == RECV && !is_large(chan))
            e[i].value = word[i];
        return_of(call[i], came_to(chan, operation, i < done ? 0 : -EBUSY, &e[i]));
        ended(chan, operation, i < done ? 0 : -EBUSY, &e[i]);
    }
}

/* From behind the bracket on. Returns: behind the other. */
static const char *choose(const char *at, const manner *m)
{
    weir_select_arm arms[ARMS];
    element e[ARMS] = {{0, 0, 0}};
    int operation[ARMS];
    unsigned chan[ARMS];
    unsigned n = 0, call;
    bool busy = false;
    int which;

    for (; *at != ']'; at += 2) {
        operation[n] = at[0] == '+' ? SEND : RECV;
        chan[n] = (unsigned)(at[1] - 'a');
        busy = busy || has_lock(chan[n]);
        if (operation[n] == SEND) {
            e[n] = new_value();
            weir_select_send(&arms[n], chans[chan[n]], &e[n]);
        } else {
            weir_select_recv(&arms[n], chans[chan[n]], &e[n]);
        }
        n++;
    }
    call = call_of(operation[0], 0);
    which = tries(m) ? weir_select_try(arms, n) : weir_select(arms, n, m->deadline, m->cancel);
    if (which >= 0)
        return_of(call, came_to(chan[which], operation[which], arms[which].status, &e[which]));
    else /* Each arm was refused at a moment of its own. */
        return_of(call, NOT_NOW);
    judge(m, which < 0 ? which : arms[which].status, busy);
    weir_check_assert(which < (int)n);
    for (unsigned i = 0; i < n; i++) {
        if ((int)i == which)
            ended(chan[i], operation[i], arms[i].status, &e[i]);
        else
            weir_check_assert(operation[i] == SEND || e[i].value == 0);
    }
    return at + 1;
}

static void shut(unsigned chan, weir_chan_close_mode mode)
{
    unsigned other, call;
    int status;

    if (is_closed_once(&other))
        closing = true;
    call = call_of(CLOSE, 0);
    status = weir_chan_close(chans[chan], mode);
    return_of(call, result_of(current->chans[chan] == '0' ? NOT_NOW : DONE, chan, CLOSE, 0));
    weir_check_assert(status == (is_closed_once(&other) ? 0 : status == 0 ? 0 : -EALREADY));
    weir_check_assert(weir_chan_closed(chans[chan]));
}

static void ask(unsigned chan)
{
    weir_check_assert(weir_chan_size_approx(chans[chan]) <= weir_chan_capacity(chans[chan]));
    weir_check_assert(weir_chan_receivers_approx(chans[chan]) < ACTORS);
    weir_check_assert(weir_chan_senders_approx(chans[chan]) < ACTORS);
}

/* ---- waiters that are called ---- */

typedef struct stub {
    weir_waiter waiter;
    weir_wait_node node;
    element e;
    unsigned chan, call;
    bool sends;
    bool recorded;
    bool gone; /* it has found what it was to wait for */
    WEIR_ATOMIC(uint32_t) calls;
} stub;

static stub stubs[STUBS];
static unsigned stub_count;

/* Who is told to look again does so, and if it is in vain goes away. */
static int look_again(const stub *s)
{
    static const manner try_it = {'?', 0, NULL};

    return one(s->chan, s->sends ? SEND : RECV, &try_it);
}

static void called(weir_waiter *waiter)
{
    stub *const s = (stub *)(void *)waiter;

    weir_atomic_fetch_add(&s->calls, 1, WEIR_RELEASE);
    if (!has_lock(s->chan))
        (void)look_again(s);
}

static void stand(unsigned chan, bool sends)
{
    stub *const s = &stubs[stub_count++];

    weir_waiter_init_call(&s->waiter, called);
    s->chan = chan;
    s->sends = sends;
    weir_check_assert(weir_waiter_arm(&s->waiter));
    if (sends && has_lock(chan))
        s->e = new_value();
    s->node.element = &s->e;
    s->node.waiter = &s->waiter;
    s->node.arm = 0;
    weir_atomic_init(&s->node.queued, 0);
    if (!has_lock(chan)) {
        weir__wait_queue *const queue = weir__chan_queue(chans[chan], sends);

        weir_check_assert(weir__queue_enter(queue, &s->node, &s->waiter));
        if (look_again(s) != -EAGAIN)
            s->gone = weir__queue_leave(queue, &s->node);
    } else {
        s->recorded = self == 0; /* the thread that it ends in */
        if (s->recorded)
            s->call = call_of(sends ? SEND : RECV, s->e.value);
        weir_check_assume(weir__meet_enter(chans[chan], sends, &s->node, false) == -EAGAIN);
    }
}

/* In the end. */
static void part(stub *s)
{
    weir_chan *const chan = chans[s->chan];
    const bool closed = weir_chan_closed(chan);
    const int operation = s->sends ? SEND : RECV;
    const bool done = s->gone || weir_atomic_load(&s->calls, WEIR_ACQUIRE) > 0;
    int status = -EAGAIN;

    weir_check_assert(done || !closed);
    if (has_lock(s->chan)) {
        if (done)
            (void)weir__waiter_taken(&s->waiter, &status);
        else
            weir__meet_leave(chan, s->sends, &s->node);
        if (s->recorded)
            return_of(s->call,
                      status == -EAGAIN ? NOT_NOW : came_to(s->chan, operation, status, &s->e));
        weir_check_assert(status != -EPIPE || closed);
        ended(s->chan, operation, status, &s->e);
        return;
    }
    if (done)
        return;
    weir_check_assert(s->sends ? weir_chan_size_approx(chan) == weir_chan_capacity(chan)
                               : weir_chan_size_approx(chan) == 0);
    weir_check_assert(weir__queue_leave(weir__chan_queue(chan, s->sends), &s->node));
}

/* ---- a run ---- */

static const char *act(const char *at)
{
    manner m = {0, WEIR_FOREVER, NULL};
    unsigned chan;

    if (strchr("?~=@0!2*", *at) != NULL) {
        m.letter = *at++;
        if (m.letter == '@')
            m.deadline = weir_clock_after(1000);
        else if (m.letter == '0')
            m.deadline = 0;
        else if (m.letter == '!')
            m.cancel = weir_cancel_source_token(&token);
    }
    switch (*at) {
    case '[':
        return choose(at + 1, &m);
    case '>':
        weir_atomic_store(&come, 1, WEIR_RELEASE);
        return at + 1;
    case '<':
        while (weir_atomic_load(&come, WEIR_ACQUIRE) == 0)
            continue;
        return at + 1;
    case 'k':
        (void)weir_cancel_source_cancel(&token, 0);
        return at + 1;
    default:
        break;
    }
    chan = (unsigned)(at[1] - 'a');
    weir_check_assert(chan < CHANS);
    switch (*at) {
    case '+':
    case '-':
        if (m.letter == '*')
            spin(chan);
        else if (m.letter == '2')
            burst(chan, *at == '+' ? SEND : RECV);
        else
            (void)one(chan, *at == '+' ? SEND : RECV, &m);
        break;
    case 'x':
    case 'X':
        shut(chan, *at == 'x' ? WEIR_CHAN_DRAIN : WEIR_CHAN_DISCARD);
        break;
    case '#':
        ask(chan);
        break;
    case 'r':
        weir_check_assume(weir_chan_receivers_approx(chans[chan]) > 0);
        break;
    case 's':
        weir_check_assume(weir_chan_senders_approx(chans[chan]) > 0);
        break;
    case 'R':
    case 'S':
        stand(chan, *at == 'S');
        break;
    default:
        abort(); /* no such letter */
    }
    return at + 2;
}

static void play(void *number)
{
    self = (unsigned)(uintptr_t)number;
    began[self] = true;
    for (const char *at = current->does[self]; *at != 0;)
        at = act(at);
}

static void make(unsigned i)
{
    const char kind = current->chans[i];
    weir_chan_options options = {WEIR_CHAN_MPMC, drop, &chans[i]};
    const size_t capacity = kind == '0'   ? WEIR_CHAN_RENDEZVOUS
                            : kind == 'u' ? WEIR_CHAN_UNBOUNDED
                                          : room_of(kind);

    if (kind == 'p')
        options.shape = WEIR_CHAN_SPSC;
    else if (kind == 'f' || kind == 'F')
        options.shape = WEIR_CHAN_FAIR;
    weir_check_assert(weir_chan_new(&chans[i], kind == 'w' ? sizeof(element) : sizeof(uintptr_t),
                                    capacity, &options) == 0);
}

static void chan_test(void *argument)
{
    unsigned unused;

    current = (const chan_case *)argument;
    judged = current->apart ? 1 + weir_check_choose(2) : 3;
    if (current->frozen == 0 && who_does("X", &unused) == 0)
        weir_check_history(&spec);
    if (who_does("!", &unused) > 0)
        weir_cancel_source_init(&token, NULL, WEIR_FOREVER);
    for (unsigned i = 0; i < strlen(current->chans); i++)
        make(i);
    /* From here on nobody stands still but within an operation. */
    if (current->frozen != 0)
        weir_check_return(weir_check_call(CLOSE, 0), NOT_NOW);
    play((void *)0);
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_thread(play, (void *)t);
    weir_check_join_all();
    for (unsigned i = 0; i < stub_count; i++)
        part(&stubs[i]);
    for (unsigned i = 0; i < strlen(current->chans); i++) {
        weir_check_assert(weir_chan_receivers_approx(chans[i]) == 0);
        weir_check_assert(weir_chan_senders_approx(chans[i]) == 0);
        weir_check_assert(!has_lock(i) || weir__meet_waiting(chans[i]) == 0);
        weir_check_assert(weir_chan_free(chans[i]) == 0);
    }
    for (unsigned v = 0; v < VALUES; v++)
        weir_check_assert(sent[v] == got[v]);
    if (who_does("!", &unused) > 0)
        weir_check_assert(weir_cancel_source_destroy(&token) == 0);
}

/* ---- the table ---- */

#define AT_RANDOM .options = {.mode = WEIR_CHECK_PCT, .seed = 1, .runs = 200, .depth = 4}
/* Where most runs end before what they are about, which costs little. */
#define RARELY \
    .options.mode = WEIR_CHECK_PCT, .options.seed = 3, .options.runs = 2000, .options.depth = 6
#define OFTEN .deep = true, .options = {.mode = WEIR_CHECK_PCT, .seed = 2, .runs = 5000, .depth = 5}
#define SPURIOUS .options.spurious = 1
#define FROZEN(thread) .frozen = thread, .options.progress = WEIR_CHECK_LOCK_FREE

static inline void name_of(const chan_case *c, char *name, size_t size)
{
    size_t used = (size_t)snprintf(name, size, "%s: ", c->chans);

    for (unsigned t = 0; t < ACTORS && c->does[t] != NULL; t++)
        used += (size_t)snprintf(name + used, size - used, "%s%s",
                                 t > 1                ? "/"
                                 : t == 0             ? ""
                                 : c->does[0][0] != 0 ? ": "
                                                      : "",
                                 c->does[t]);
    if (c->options.runs > 0)
        used += (size_t)snprintf(name + used, size - used, ", %u runs", (unsigned)c->options.runs);
    if (c->options.spurious > 0)
        used += (size_t)snprintf(name + used, size - used, ", spurious");
    if (c->patient != 0)
        used += (size_t)snprintf(name + used, size - used, ", %u spins", c->patient);
    if (c->frozen != 0)
        used += (size_t)snprintf(name + used, size - used, ", %u stands still", c->frozen);
    if (c->without != 0)
        (void)snprintf(name + used, size - used, ", without the %s fence",
                       c->without == 'l' ? "light" : "heavy");
}

/* To be returned by main(). */
static inline int chan_main(const char *client, const chan_case *cases, size_t count, int argc,
                            char **argv)
{
    enum { MOST = 200 };
    static scenario scenarios[MOST];
    static char names_of[MOST][112];

    if (count > MOST)
        return 1;
    for (size_t i = 0; i < count; i++) {
        name_of(&cases[i], names_of[i], sizeof names_of[i]);
        scenarios[i].name = names_of[i];
        scenarios[i].test = chan_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].deep = cases[i].deep;
        scenarios[i].finding = cases[i].finding;
        scenarios[i].options = cases[i].options;
    }
    return model_main(client, scenarios, count, argc, argv);
}

#endif /* WEIR_TESTS_MODEL_CHAN_H */
