/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-chan.h: what the sweeps of channels and of select share. What a thread does is
 * written as a string:
 *
 *     ?+a  try_send to channel a       ?-a  try_recv from it       ?[+a-b]  select_try
 *     2+a  try_send_burst, of two      2-a  try_recv_burst
 *     @+a  what send does when try_send has failed, with a deadline that has passed: it stands
 *     @-a  in the queue, looks again, and leaves; unless another serves it     @[+a-b]  select
 *     *-a  what recv does before it stands in the queue of a rendezvous: it spins
 *     xa   close it                    #a   ask it for what it tells without a lock
 *     Ra   let a waiter stand there to receive, which is called when it is woken; Sa: to send
 *
 * Channels, a letter each: 0 a rendezvous, 1 and 2 of these capacities, w of 1 and three words,
 * p of 1 for one sender and one receiver, f fair of 1, u without a bound.
 *
 * The victim does one of these and is stopped everywhere in it; the adversaries do others, none of
 * which may wait. -EBUSY is an answer where there is a lock. In the end every value that was sent
 * has come out once, or is inside, and no other; and no waiter stands where there is something for
 * it. */

#ifndef WEIR_STRESS_STEP_CHAN_H
#define WEIR_STRESS_STEP_CHAN_H

#include <weir/step.h>

#include "../lib/chan.h"
#include "step-blocks.h"

#include <errno.h>
#include <stdio.h>

enum { CHANS = 2, ACTORS = 2 + WEIR_STEP_ADVERSARIES, EACH = 16, ARMS = 4, STUBS = 3 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct element {
    uintptr_t value, twice, inverted;
} element;

typedef struct line {
    const char *operation; /* the public function's, without weir_ */
    const char *chans;
    const char *before;
    const char *victim;
    const char *against[WEIR_STEP_ADVERSARIES]; /* the second: NULL if there is none */
} line;

static const line *current;
static weir_chan *chans[CHANS];
static unsigned made[ACTORS]; /* values, by thread */
static bool sent[ACTORS * EACH];
static WEIR_ATOMIC(uint32_t) got[ACTORS * EACH];

/* In place of lib/wait_spin.c: so many rounds, whatever the clock says, so that each run takes the
 * same path. */
bool weir__spin_again(weir__spin *spin)
{
    return spin->round++ < 3;
}

void weir__spin_learn(uint64_t slept)
{
    (void)slept;
}

/* ---- elements ---- */

static inline element new_value(unsigned self)
{
    const uintptr_t value = self * EACH + ++made[self];
    const element e = {value, 2 * value, ~value};

    if (made[self] == EACH)
        abort();
    return e;
}

static inline void use(unsigned chan, const element *e)
{
    if (e->value == 0 || e->value >= ACTORS * EACH ||
        (current->chans[chan] == 'w' && (e->twice != 2 * e->value || e->inverted != ~e->value)))
        weir_step_false("what came out is not what went in");
    else
        weir_atomic_fetch_add(&got[e->value], 1, WEIR_RELAXED); /* relaxed: a number. */
}

static inline void drop(void *dropped, void *chan)
{
    element e = {0, 0, 0};

    memcpy(&e, dropped, weir_chan_element(*(weir_chan **)chan));
    use((unsigned)((weir_chan **)chan - chans), &e);
}

static inline bool has_lock(unsigned chan)
{
    return chans[chan]->kind == WEIR__CHAN_MEET;
}

/* Whether somebody closes something. */
static inline bool is_closed(void)
{
    return strchr(current->victim, 'x') != NULL || strchr(current->before, 'x') != NULL ||
           strchr(current->against[0], 'x') != NULL ||
           (current->against[1] != NULL && strchr(current->against[1], 'x') != NULL);
}

static inline void ended(unsigned chan, bool sends, int status, const element *e, bool busy)
{
    if (status == 0 && sends)
        sent[e->value] = true;
    else if (status == 0)
        use(chan, e);
    else if (!sends && e->value != 0)
        weir_step_false("a receive that failed has written");
    if (status != 0 && status != -EAGAIN && status != -ETIMEDOUT &&
        (status != -EPIPE || !is_closed()) && (status != -EBUSY || !busy))
        weir_step_false("an answer that it cannot give");
}

/* ---- operations ---- */

/* From behind the bracket on, or of one arm. */
static inline const char *choose(unsigned self, const char *at, bool waits, bool one)
{
    weir_select_arm arms[ARMS];
    element e[ARMS];
    unsigned chan[ARMS];
    bool sends[ARMS], busy = false;
    unsigned n = 0;
    int which;

    memset(e, 0, sizeof e);
    for (; *at == '+' || *at == '-'; at += 2) {
        sends[n] = at[0] == '+';
        chan[n] = (unsigned)(at[1] - 'a');
        busy = busy || has_lock(chan[n]);
        if (sends[n]) {
            e[n] = new_value(self);
            weir_select_send(&arms[n], chans[chan[n]], &e[n]);
        } else {
            weir_select_recv(&arms[n], chans[chan[n]], &e[n]);
        }
        n++;
        if (one)
            break;
    }
    which = waits ? weir__select_wait(arms, n, 0, 1, NULL) : weir_select_try(arms, n);
    if (which >= (int)n)
        abort();
    for (unsigned i = 0; i < n; i++) {
        if ((int)i == which)
            ended(chan[i], sends[i], arms[i].status, &e[i], busy);
        else
            ended(chan[i], sends[i], which < 0 ? which : -EAGAIN, &e[i], busy);
    }
    return at + (one ? 2 : 1);
}

static inline int try_one(unsigned self, unsigned chan, bool sends)
{
    element e = {0, 0, 0};
    int status;

    if (sends)
        e = new_value(self);
    status = sends ? weir_chan_try_send(chans[chan], &e) : weir_chan_try_recv(chans[chan], &e);
    ended(chan, sends, status, &e, has_lock(chan));
    return status;
}

static inline void spin(unsigned chan)
{
    element e = {0, 0, 0};

    ended(chan, false, weir__spot_recv(chans[chan], &e) ? 0 : -EAGAIN, &e, false);
}

static inline void burst(unsigned self, unsigned chan, bool sends)
{
    const bool large = current->chans[chan] == 'w';
    element e[2];
    uintptr_t word[2];
    size_t done;

    memset(e, 0, sizeof e);
    for (unsigned i = 0; i < 2; i++) {
        if (sends)
            e[i] = new_value(self);
        word[i] = e[i].value;
    }
    done = sends ? weir_chan_try_send_burst(chans[chan], large ? (void *)e : (void *)word, 2)
                 : weir_chan_try_recv_burst(chans[chan], large ? (void *)e : (void *)word, 2);
    for (unsigned i = 0; i < 2; i++) {
        e[i].value = large ? e[i].value : word[i];
        ended(chan, sends, i < done ? 0 : -EAGAIN, &e[i], false);
    }
}

static inline void ask(unsigned chan)
{
    if (weir_chan_size_approx(chans[chan]) > weir_chan_capacity(chans[chan]))
        weir_step_false("more inside than there is room for");
    if (weir_chan_closed(chans[chan]) && !is_closed())
        weir_step_false("closed, by nobody");
}

/* ---- waiters that are called ---- */

typedef struct stub {
    weir_waiter waiter;
    weir_wait_node node;
    element e;
    unsigned chan;
    bool sends;
    WEIR_ATOMIC(uint32_t) calls;
} stub;

static stub stubs[STUBS];
static unsigned stub_count;

/* The values of the stubs are a thread's of their own. */
static inline void called(weir_waiter *waiter)
{
    stub *const s = (stub *)(void *)waiter;
    int status;

    weir_atomic_fetch_add(&s->calls, 1, WEIR_RELAXED); /* relaxed: a number. */
    if (has_lock(s->chan))
        return;
    status = s->sends ? weir_chan_try_send(chans[s->chan], &s->e)
                      : weir_chan_try_recv(chans[s->chan], &s->e);
    ended(s->chan, s->sends, status, &s->e, false);
}

static inline void stand(unsigned chan, bool sends)
{
    stub *const s = &stubs[stub_count++];

    memset(s, 0, sizeof *s);
    weir_waiter_init_call(&s->waiter, called);
    s->chan = chan;
    s->sends = sends;
    if (sends)
        s->e = new_value(ACTORS - 1);
    s->node.element = &s->e;
    s->node.waiter = &s->waiter;
    if (!weir_waiter_arm(&s->waiter) ||
        (has_lock(chan)
             ? weir__meet_enter(chans[chan], sends, &s->node, false) != -EAGAIN
             : !weir__queue_enter(weir__chan_queue(chans[chan], sends), &s->node, &s->waiter)))
        weir_step_false("nobody can wait there");
}

static inline void part(stub *s)
{
    weir_chan *const chan = chans[s->chan];
    const bool done = weir_atomic_load(&s->calls, WEIR_RELAXED) > 0; /* relaxed: alone. */

    if (has_lock(s->chan)) {
        int status = -EAGAIN;

        if (done)
            (void)weir__waiter_taken(&s->waiter, &status);
        else
            weir__meet_leave(chan, s->sends, &s->node);
        ended(s->chan, s->sends, status, &s->e, false);
    } else if (!done) {
        if (weir_chan_closed(chan) || (s->sends ? weir_chan_size_approx(chan) < chan->capacity
                                                : weir_chan_size_approx(chan) > 0))
            weir_step_false("a waiter stands where there is something for it");
        (void)weir__queue_leave(weir__chan_queue(chan, s->sends), &s->node);
    }
}

/* ---- a run ---- */

static inline void act(unsigned self, const char *at)
{
    while (*at != 0) {
        const char how = *at++;
        const unsigned chan = (unsigned)(*at - 'a');

        switch (how) {
        case '?':
        case '@':
            if (*at == '[') {
                at = choose(self, at + 1, how == '@', false);
            } else if (how == '@') {
                at = choose(self, at, true, true);
            } else {
                (void)try_one(self, (unsigned)(at[1] - 'a'), *at == '+');
                at += 2;
            }
            break;
        case '2':
            burst(self, (unsigned)(at[1] - 'a'), *at == '+');
            at += 2;
            break;
        case '*':
            spin((unsigned)(at[1] - 'a'));
            at += 2;
            break;
        case 'x':
            (void)weir_chan_close(chans[chan], WEIR_CHAN_DRAIN);
            at++;
            break;
        case '#':
            ask(chan);
            at++;
            break;
        case 'R':
        case 'S':
            stand(chan, how == 'S');
            at++;
            break;
        default:
            abort();
        }
    }
}

/* One without a bound stays, since who uses it first has to register, which waits for others who
 * do. It is closed no more, and empty. */
static weir_chan *unbounded[CHANS];

static inline bool renew(weir_chan *chan)
{
    weir_atomic_init(&chan->closed, 0);
    return weir_umpmc_destroy(&chan->in.list) == 0 &&
           weir_umpmc_init(&chan->in.list, chan->domain, 0) == 0;
}

static inline bool make(unsigned i)
{
    const char kind = current->chans[i];
    weir_chan_options options = {WEIR_CHAN_MPMC, drop, &chans[i]};
    const size_t capacity = kind == '0' ? 0 : kind == '2' ? 2 : kind == 'u' ? SIZE_MAX : 1;

    if (kind == 'p')
        options.shape = WEIR_CHAN_SPSC;
    else if (kind == 'f')
        options.shape = WEIR_CHAN_FAIR;
    if (kind == 'u' && unbounded[i] != NULL) {
        chans[i] = unbounded[i];
        return renew(chans[i]);
    }
    if (weir_chan_new(&chans[i], kind == 'w' ? sizeof(element) : sizeof(uintptr_t), capacity,
                      &options) != 0)
        return false;
    if (kind == 'u')
        unbounded[i] = chans[i];
    return true;
}

static inline void setup(void *unused)
{
    (void)unused;
    memset(made, 0, sizeof made);
    memset(sent, 0, sizeof sent);
    stub_count = 0;
    for (size_t v = 0; v < COUNT(got); v++)
        weir_atomic_init(&got[v], 0);
    for (unsigned i = 0; i < strlen(current->chans); i++)
        if (!make(i))
            weir_step_false("a channel could not be made");
    act(0, current->before);
}

static inline void victim(void *unused)
{
    (void)unused;
    act(0, current->victim);
}

static inline void adversary_0(void *unused)
{
    (void)unused;
    act(1, current->against[0]);
}

static inline void adversary_1(void *unused)
{
    (void)unused;
    act(2, current->against[1]);
}

static inline void check(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < stub_count; i++)
        part(&stubs[i]);
    for (unsigned i = 0; i < strlen(current->chans); i++) {
        element e = {0, 0, 0};

        while (weir_chan_try_recv(chans[i], &e) == 0) {
            use(i, &e);
            memset(&e, 0, sizeof e);
        }
        if (weir_chan_receivers_approx(chans[i]) + weir_chan_senders_approx(chans[i]) > 0)
            weir_step_false("somebody is still in a queue");
        else if (chans[i] != unbounded[i] && weir_chan_free(chans[i]) != 0)
            weir_step_false("it cannot be freed");
    }
    for (size_t v = 0; v < COUNT(got); v++)
        if (weir_atomic_load(&got[v], WEIR_RELAXED) != (sent[v] ? 1U : 0U)) /* relaxed: alone. */
            weir_step_false("a value was lost, came out twice, or was never sent");
}

/* ---- the table ---- */

static inline const char *kind_name(char kind)
{
    switch (kind) {
    case '0':
        return "rendezvous";
    case '1':
        return "of 1";
    case '2':
        return "of 2";
    case 'w':
        return "of 1, large";
    case 'p':
        return "SPSC";
    case 'f':
        return "fair";
    default:
        return "unbounded";
    }
}

/* Sweeps a line. */
static inline void sweep(const line *l)
{
    char name[64], against[64];
    const weir_step_plan plan = {
        name,  against, setup, victim, {adversary_0, l->against[1] != NULL ? adversary_1 : NULL},
        check, 0,       false};
    weir_step_row row;
    size_t used;

    memset(&row, 0, sizeof row);
    used = (size_t)snprintf(name, sizeof name, "%s (%s", l->operation, kind_name(l->chans[0]));
    if (l->chans[1] != 0)
        used += (size_t)snprintf(name + used, sizeof name - used, ", %s", kind_name(l->chans[1]));
    (void)snprintf(name + used, sizeof name - used, ")");
    (void)snprintf(against, sizeof against, "%s%s%s: %s%s%s", l->before,
                   l->before[0] != 0 ? ": " : "", l->victim, l->against[0],
                   l->against[1] != NULL ? " + " : "", l->against[1] != NULL ? l->against[1] : "");
    current = l;
    weir_step_sweep(&plan, NULL, &row);
    weir_step_report(&row);
}

#endif /* WEIR_STRESS_STEP_CHAN_H */
