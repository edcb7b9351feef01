/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Rows of channels, when there is nothing to wait for: chan, select, broadcast. */

#include "costs.h"

#ifdef COSTS_ARE_COUNTED

#include <stdio.h>

enum { CAPACITY = 16, CLOSED = 65536, OPENS = 2 * CLOSED };

static uint64_t words[CAPACITY];
static element_24 elements[CAPACITY]; /* of any channel; large enough for words as well */
static size_t count;
static weir_cancel_source source = WEIR_CANCEL_SOURCE_INIT;
static weir_cancel *const token = &source.token;

/* ---- chan ---- */

static weir_chan *chan;

static void end_chan(void)
{
    costs_require(weir_chan_free(chan) == 0, "somebody waits in the channel");
    chan = NULL;
}

static void fill(unsigned n)
{
    const unsigned put = n % CLOSED / 256, taken = n % 256;

    for (unsigned i = 0; i < put; i++)
        costs_require(weir_chan_try_send(chan, elements) == 0, "no room in the channel");
    for (unsigned i = 0; i < taken; i++)
        costs_require(weir_chan_try_recv(chan, elements) == 0, "nothing in the channel");
    costs_now.argument[0] = P(chan);
}

static void new_chan(size_t element, size_t capacity, weir_chan_shape shape)
{
    const weir_chan_options options = {shape, NULL, NULL};

    end_chan();
    costs_require(weir_chan_new(&chan, element, capacity, &options) == 0, "no channel");
}

/* IN(put, taken) of a new one, + CLOSED. */
static void chan_after(size_t element, size_t capacity, weir_chan_shape shape, unsigned n)
{
    new_chan(element, capacity, shape);
    fill(n);
    if ((n & CLOSED) != 0)
        (void)weir_chan_close(chan, WEIR_CHAN_DRAIN);
}

static void ring_words(unsigned n)
{
    chan_after(sizeof(uint64_t), CAPACITY, WEIR_CHAN_MPMC, n);
}

static void ring_24s(unsigned n)
{
    chan_after(sizeof(element_24), CAPACITY, WEIR_CHAN_MPMC, n);
}

static void pair_words(unsigned n)
{
    chan_after(sizeof(uint64_t), CAPACITY, WEIR_CHAN_SPSC, n);
}

static void pair_24s(unsigned n)
{
    chan_after(sizeof(element_24), CAPACITY, WEIR_CHAN_SPSC, n);
}

static void fair_words(unsigned n)
{
    chan_after(sizeof(uint64_t), CAPACITY, WEIR_CHAN_FAIR, n);
}

static void rendezvous(unsigned n)
{
    chan_after(sizeof(uint64_t), WEIR_CHAN_RENDEZVOUS, WEIR_CHAN_MPMC, n);
}

/* Unbounded: a thread's first call in a channel costs more, so that a row uses one channel.
 * Few enough pass for one segment, unless the row is to open one. */

static unsigned passed; /* through the channel, and out of it */

static void list_after(unsigned n)
{
    while (weir_chan_try_recv(chan, elements) == 0)
        passed++;
    while ((n & OPENS) != 0 && passed % WEIR_UMPMC_SLOTS != 0) {
        costs_require(weir_chan_try_send(chan, elements) == 0, "no memory for the channel");
        costs_require(weir_chan_try_recv(chan, elements) == 0, "nothing in the channel");
        passed++;
    }
    passed += n % 256;
    fill(n);
    if ((n & CLOSED) != 0)
        (void)weir_chan_close(chan, WEIR_CHAN_DRAIN);
}

static uintptr_t first_use(weir_chan *c)
{
    return weir_chan_try_recv(c, elements) == -EAGAIN;
}

static void new_list(size_t element)
{
    new_chan(element, WEIR_CHAN_UNBOUNDED, WEIR_CHAN_MPMC);
    passed = 0;
    (void)costs_ask(FUNCTION(first_use), chan);
}

typedef struct kind {
    const char *name;
    void (*after)(unsigned n);
    size_t list; /* size of an element of an unbounded one; or 0 */
} kind;

/* The state of a row, until the next. */
static const char *of(const kind *k, const char *state)
{
    static char text[64];

    if (k->list != 0)
        new_list(k->list);
    snprintf(text, sizeof text, "%s%s%s", k->name, state[0] != 0 ? ", " : "", state);
    return text;
}

static void kind_rows(const kind *k)
{
    const uintptr_t at = P(elements), never = WEIR_FOREVER;

    ROW(chan, try_send, of(k, ""), k->after, IN(3, 1), 0, 0, at);
    ROW(chan, send, of(k, ""), k->after, IN(3, 1), 0, 0, at, never, 0);
    ROW(chan, try_recv, of(k, ""), k->after, IN(3, 1), 0, 0, at);
    ROW(chan, recv, of(k, ""), k->after, IN(3, 1), 0, 0, at, never, 0);
    ROW(chan, try_send_burst, of(k, "8 values"), k->after, IN(1, 0), 8, 0, at, 8);
    ROW(chan, try_recv_burst, of(k, "8 values"), k->after, IN(9, 1), 8, 0, at, 8);
    if (k->list == 0)
        ROW(chan, try_send, of(k, "full"), k->after, IN(CAPACITY, 0), ERROR(EAGAIN), 0, at);
    ROW(chan, try_recv, of(k, "empty"), k->after, IN(1, 1), ERROR(EAGAIN), 0, at);
    ROW(chan, try_send, of(k, "closed"), k->after, CLOSED, ERROR(EPIPE), 0, at);
    ROW(chan, try_recv, of(k, "closed, empty"), k->after, CLOSED, ERROR(EPIPE), 0, at);
}

static void chan_rows(void)
{
    static const kind kinds[] = {
        {"ring", ring_words, 0},
        {"ring of 24 bytes", ring_24s, 0},
        {"SPSC", pair_words, 0},
        {"SPSC of 24 bytes", pair_24s, 0},
        {"fair", fair_words, 0},
        {"unbounded", list_after, sizeof(uint64_t)},
        {"unbounded, of 24 bytes", list_after, sizeof(element_24)},
    };
    const uintptr_t at = P(elements), never = WEIR_FOREVER;

    costs_structure = "chan";
    for (size_t i = 0; i < COSTS_COUNT(kinds); i++)
        kind_rows(&kinds[i]);
    new_list(sizeof(uint64_t));
    ROW(chan, try_send, "unbounded, opens a segment", list_after, OPENS, 0, 0, at);
    ROW(chan, send, "ring, a token", ring_words, IN(3, 1), 0, 0, at, never, P(token));
    ROW(chan, recv, "ring, a token", ring_words, IN(3, 1), 0, 0, at, never, P(token));
    ROW(chan, send, "ring, full, deadline 0", ring_words, IN(CAPACITY, 0), ERROR(ETIMEDOUT), 0, at,
        0, 0);
    ROW(chan, recv, "ring, empty, deadline 0", ring_words, 0, ERROR(ETIMEDOUT), 0, at, 0, 0);
    ROW(chan, send_burst, "ring, 8 values", ring_words, IN(1, 0), 0, 0, at, 8, P(&count), never);
    ROW(chan, recv_burst, "ring, 8 values", ring_words, IN(9, 1), 0, 0, at, 8, P(&count), never);
    ROW(chan, try_send, "rendezvous, nobody is there", rendezvous, 0, ERROR(EAGAIN), 0, at);
    ROW(chan, try_recv, "rendezvous, nobody is there", rendezvous, 0, ERROR(EAGAIN), 0, at);
    ROW(chan, try_send, "rendezvous, closed", rendezvous, CLOSED, ERROR(EPIPE), 0, at);
    ROW(chan, closed, "", ring_words, CLOSED, YES, 0);
    ROW(chan, size_approx, "ring, 2 of 16", ring_words, IN(3, 1), 2, 0);
    end_chan();
}

/* ---- select ---- */

enum { ARMS = 8 };
enum { NONE, RECVS, SENDS };

static weir_chan *chans[ARMS];
static weir_select_arm arms[ARMS];
static size_t left; /* values in the channels, when the row has run */

static void end_select(void)
{
    size_t inside = 0;

    for (unsigned i = 0; i < ARMS; i++) {
        if (chans[i] != NULL)
            inside += weir_chan_size_approx(chans[i]);
        costs_require(weir_chan_free(chans[i]) == 0, "somebody waits in a channel");
        chans[i] = NULL;
    }
    costs_require(inside == left, "more or less than one arm happened");
    left = 0;
}

/* `n`: which arms are ready: all that receive, all that send, or none, since they receive from
 * empty channels. Which of them happens is another each time. */
static void select_from(unsigned n)
{
    const size_t many = costs_now.argument[1];

    end_select();
    for (size_t i = 0; i < many; i++) {
        costs_require(weir_chan_new(&chans[i], sizeof(uint64_t), CAPACITY, NULL) == 0,
                      "no channel");
        weir_select_recv(&arms[i], chans[i], &words[i]);
        if (n == SENDS)
            weir_select_send(&arms[i], chans[i], &words[i]);
        if (n == RECVS)
            costs_require(weir_chan_try_send(chans[i], words) == 0, "no room");
    }
    left = n == NONE ? 0 : n == RECVS ? many - 1 : 1;
}

/* Of a power of two arms, since others are looked at in as many steps as chance will have. */
static void select_rows(void)
{
    const uintptr_t at = P(arms), never = WEIR_FOREVER;

    costs_structure = "select";
    ROW(select, recv, "", NULL, 0, ANY, at, P(chans), P(words));
    ROW(select, send, "", NULL, 0, ANY, at, P(chans), P(words));
    ROW(select, try, "2 receives, the first is ready", select_from, RECVS, ANY, at, 2);
    ROW(select, try, "2 sends, the first is ready", select_from, SENDS, ANY, at, 2);
    ROW(select, try, "2 receives, none is ready", select_from, NONE, ERROR(EAGAIN), at, 2);
    ROW(select, try, "8 receives, the first is ready", select_from, RECVS, ANY, at, 8);
    ROW(select, try, "8 receives, none is ready", select_from, NONE, ERROR(EAGAIN), at, 8);
    ROW_OF(select, "8 receives, the first is ready", select_from, RECVS, ANY, at, 8, never, 0);
    ROW_OF(select, "the same, a token", select_from, RECVS, ANY, at, 8, never, P(token));
    ROW_OF(select, "none is ready, deadline 0", select_from, NONE, ERROR(ETIMEDOUT), at, 8, 0, 0);
    end_select();
}

/* ---- broadcast ---- */

enum { ALONE = OPENS }; /* nobody is subscribed */
enum { SENDER, RECEIVER };

static weir_broadcast *broadcast;
static weir_broadcast_subscriber subscriber;
static uint64_t lost;

static void end_broadcast(void)
{
    (void)weir_broadcast_unsubscribe(&subscriber);
    costs_require(weir_broadcast_free(broadcast) == 0, "somebody is subscribed");
    broadcast = NULL;
}

/* IN(sent, received), + CLOSED, ALONE. */
static void broadcast_after(size_t element, weir_lag lag, unsigned n)
{
    const unsigned sent = n % CLOSED / 256, received = n % 256;

    end_broadcast();
    costs_require(weir_broadcast_new(&broadcast, element, CAPACITY, lag) == 0, "no broadcast");
    if ((n & ALONE) == 0)
        costs_require(weir_broadcast_subscribe(broadcast, &subscriber) == 0, "it is closed");
    for (unsigned i = 0; i < sent; i++)
        costs_require(weir_broadcast_try_send(broadcast, elements) == 0, "no room");
    for (unsigned i = 0; i < received; i++)
        costs_require(weir_broadcast_try_recv(&subscriber, elements, &lost) == 0, "nothing there");
    if ((n & CLOSED) != 0)
        costs_require(weir_broadcast_close(broadcast) == 0, "closed before");
    costs_now.argument[0] = costs_now.argument[0] == RECEIVER ? P(&subscriber) : P(broadcast);
}

static void lag_drop(unsigned n)
{
    broadcast_after(sizeof(uint64_t), WEIR_LAG_DROP, n);
}

static void lag_wait(unsigned n)
{
    broadcast_after(sizeof(uint64_t), WEIR_LAG_WAIT, n);
}

static void lag_cut(unsigned n)
{
    broadcast_after(sizeof(uint64_t), WEIR_LAG_CUT, n);
}

static void lag_drop_24s(unsigned n)
{
    broadcast_after(sizeof(element_24), WEIR_LAG_DROP, n);
}

static void broadcast_rows(void)
{
    const uintptr_t at = P(elements), gap = P(&lost), never = WEIR_FOREVER;
    const unsigned full = CAPACITY;

    costs_structure = "broadcast";
    ROW(broadcast, send, "drop, no subscriber", lag_drop, ALONE, 0, SENDER, at, never, 0);
    ROW(broadcast, send, "drop", lag_drop, IN(3, 1), 0, SENDER, at, never, 0);
    ROW(broadcast, send, "drop, overtakes", lag_drop, IN(full, 0), 0, SENDER, at, never, 0);
    ROW(broadcast, send, "drop, 24 bytes", lag_drop_24s, IN(3, 1), 0, SENDER, at, never, 0);
    ROW(broadcast, send, "drop, a token", lag_drop, IN(3, 1), 0, SENDER, at, never, P(token));
    ROW(broadcast, send, "wait", lag_wait, IN(3, 1), 0, SENDER, at, never, 0);
    ROW(broadcast, send, "wait, looks for room", lag_wait, IN(full, 1), 0, SENDER, at, never, 0);
    ROW(broadcast, send, "wait, no room, deadline 0", lag_wait, IN(full, 0), ERROR(ETIMEDOUT),
        SENDER, at, 0, 0);
    ROW(broadcast, send, "cut", lag_cut, IN(3, 1), 0, SENDER, at, never, 0);
    ROW(broadcast, try_send, "drop", lag_drop, IN(3, 1), 0, SENDER, at);
    ROW(broadcast, try_send, "wait, no room", lag_wait, IN(full, 0), ERROR(EAGAIN), SENDER, at);
    ROW(broadcast, try_send, "closed", lag_drop, CLOSED, ERROR(EPIPE), SENDER, at);
    ROW(broadcast, recv, "drop", lag_drop, IN(3, 1), 0, RECEIVER, at, gap, never, 0);
    ROW(broadcast, recv, "drop, some are lost", lag_drop, IN(20, 0), 0, RECEIVER, at, gap, never,
        0);
    ROW(broadcast, recv, "drop, 24 bytes", lag_drop_24s, IN(3, 1), 0, RECEIVER, at, gap, never, 0);
    ROW(broadcast, recv, "drop, a token", lag_drop, IN(3, 1), 0, RECEIVER, at, gap, never,
        P(token));
    ROW(broadcast, recv, "wait, values are known", lag_wait, IN(3, 1), 0, RECEIVER, at, gap, never,
        0);
    ROW(broadcast, recv, "wait, looks for values", lag_wait, IN(3, 0), 0, RECEIVER, at, gap, never,
        0);
    ROW(broadcast, recv, "wait, makes room", lag_wait, IN(full, 0), 0, RECEIVER, at, gap, never, 0);
    ROW(broadcast, recv, "cut", lag_cut, IN(3, 1), 0, RECEIVER, at, gap, never, 0);
    ROW(broadcast, recv, "cut off", lag_cut, IN(20, 0), ERROR(ECONNRESET), RECEIVER, at, gap, never,
        0);
    ROW(broadcast, recv, "empty, deadline 0", lag_drop, 0, ERROR(ETIMEDOUT), RECEIVER, at, gap, 0,
        0);
    ROW(broadcast, try_recv, "drop", lag_drop, IN(3, 1), 0, RECEIVER, at, gap);
    ROW(broadcast, try_recv, "empty", lag_drop, 0, ERROR(EAGAIN), RECEIVER, at, gap);
    ROW(broadcast, try_recv, "closed, empty", lag_drop, CLOSED, ERROR(EPIPE), RECEIVER, at, gap);
    ROW(broadcast, subscribe, "", lag_drop, ALONE, 0, SENDER, P(&subscriber));
    ROW(broadcast, unsubscribe, "", lag_drop, IN(3, 1), 0, RECEIVER);
    end_broadcast();
}

void costs_of_channels(void)
{
    chan_rows();
    select_rows();
    broadcast_rows();
}

#else

/* A translation unit is not empty. */
typedef int costs_none;

#endif
