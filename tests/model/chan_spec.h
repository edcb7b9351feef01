/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/chan_spec.h: what must hold in the tests of tests/model/chan.h: channels with a
 * buffer against a sequential one, and each value in one place.
 *
 * Edges: none of its own. */

#ifndef WEIR_TESTS_MODEL_CHAN_SPEC_H
#define WEIR_TESTS_MODEL_CHAN_SPEC_H

#include "model.h"

#include "../../lib/chan.h"

#include <errno.h>

enum { ACTORS = 4, CHANS = 3, ARMS = 4, VALUES = 64, EACH = 16, STUBS = 3 };

typedef struct chan_case {
    const char *chans;
    const char *does[ACTORS]; /* by thread: [0] before the others are made */
    unsigned patient;         /* a thread that spins for as long as it takes */
    unsigned frozen;          /* a thread that may stand still for ever, within its operations */
    bool apart;               /* the answers full and empty are judged in different runs */
    char without;             /* tests/model/chan_pair.c: a fence, l or h, that is not made */
    bool deep;
    weir_check_finding finding;
    weir_check_options options;
} chan_case;

typedef struct element {
    uintptr_t value, twice, inverted;
} element;

static const chan_case *current;
static weir_chan *chans[CHANS];
static weir_cancel_source token;
static WEIR_ATOMIC(uint32_t) come;

static int payload[VALUES];
static unsigned made[ACTORS];
static bool sent[VALUES], got[VALUES];
static bool began[ACTORS], closing;
static _Thread_local unsigned self;

/* In place of the twin, which never spins. */
bool weir__spin_again(weir__spin *spin)
{
    (void)spin;
    return current->patient != 0 && current->patient == self;
}

void weir__spin_learn(uint64_t slept)
{
    (void)slept;
}

/* ---- the specification, of all channels with a buffer at once ---- */

enum { SEND, RECV, CLOSE };
enum { DONE, REFUSED, CLOSED, NOT_NOW };

static const char *const names[] = {"send", "recv", "close"};

typedef struct inside {
    uint8_t count, closed, value[6];
} inside;

typedef struct spec_state {
    inside chan[CHANS];
} spec_state;

static unsigned judged; /* full, or empty, or both */

static size_t room_of(char chan)
{
    return chan == '2' || chan == 'F' ? 2 : chan == 'u' ? 6 : 1;
}

/* A result: what came of it, the channel, the operation, the value. */
static uint64_t result_of(unsigned came, unsigned chan, int operation, uintptr_t value)
{
    return came | chan << 4 | (unsigned)operation << 8 | (uint64_t)value << 16;
}

/* What was found says what was done: a select's operation is not known before. */
static bool apply(void *state, int operation, uint64_t argument, const uint64_t *result)
{
    const unsigned came = result == NULL ? NOT_NOW : *result & 15;
    const unsigned chan = result == NULL ? 0 : *result >> 4 & 15;
    const uint8_t value = result == NULL ? 0 : (uint8_t)(*result >> 16);
    inside *const in = &((spec_state *)state)->chan[chan];
    const size_t room = room_of(current->chans[chan]);

    (void)argument;
    if (came == NOT_NOW)
        return true;
    switch (*result >> 8 & 15) {
    case SEND:
        if (came == REFUSED)
            return (judged & 1) == 0 || (!in->closed && in->count == room);
        if (came == CLOSED)
            return in->closed;
        if (in->closed || in->count == room)
            return false;
        in->value[in->count++] = value;
        return true;
    case RECV:
        if (came == REFUSED)
            return (judged & 2) == 0 || (!in->closed && in->count == 0);
        if (came == CLOSED)
            return in->closed && in->count == 0;
        if (in->count == 0 || in->value[0] != value)
            return false;
        for (unsigned i = 1; i < in->count; i++)
            in->value[i - 1] = in->value[i];
        in->value[--in->count] = 0;
        return true;
    default:
        in->closed = 1;
        return true;
    }
    (void)operation;
}

static const weir_check_spec spec = {sizeof(spec_state), NULL, apply, names};

/* ---- elements ---- */

static bool is_large(unsigned chan)
{
    return current->chans[chan] == 'w';
}

static element new_value(void)
{
    const uintptr_t value = self * EACH + ++made[self];
    const element e = {value, 2 * value, ~value};

    payload[value] = (int)value * 3;
    return e;
}

static void use(unsigned chan, const element *e)
{
    const uintptr_t value = e->value;

    weir_check_assert(value > 0 && value < VALUES);
    weir_check_assert(!is_large(chan) || (e->twice == 2 * value && e->inverted == ~value));
    weir_check_assert(payload[value] == (int)value * 3 && !got[value]);
    payload[value] = 0;
    got[value] = true;
}

static void drop(void *dropped, void *chan)
{
    element e = {0, 0, 0};

    memcpy(&e, dropped, weir_chan_element(*(weir_chan **)chan));
    use((unsigned)((weir_chan **)chan - chans), &e);
}

/* Whether a letter is in somebody's program; the thread of the only one, if there is one. */
static unsigned who_does(const char *what, unsigned *thread)
{
    unsigned count = 0;

    for (unsigned t = 0; t < ACTORS && current->does[t] != NULL; t++)
        for (const char *at = current->does[t]; (at = strstr(at, what)) != NULL; at++) {
            *thread = t;
            count++;
        }
    return count;
}

static bool is_closed_once(unsigned *thread)
{
    return who_does("x", thread) + who_does("X", thread) == 1;
}

/* What is known, and what is seen, once an operation has come to an end. */
static void ended(unsigned chan, int operation, int status, const element *e)
{
    const char receives[] = {'-', (char)('a' + chan), 0};
    unsigned other = 0;

    if (status == 0 && operation == SEND)
        sent[e->value] = true;
    if (status == 0 && operation == SEND && current->chans[chan] == '0' &&
        who_does("R", &other) == 0 && who_does(receives, &other) == 1)
        weir_check_assert(began[other]);
    if (status == 0 && operation == RECV)
        use(chan, e);
    if (status != 0 && operation == RECV)
        weir_check_assert(e->value == 0);
    if (status == -EPIPE && is_closed_once(&other))
        weir_check_assert(closing);
    if (status == -EPIPE)
        weir_check_assert(weir_chan_closed(chans[chan]));
}

static uint64_t came_to(unsigned chan, int operation, int status, const element *e)
{
    const unsigned came = status == 0         ? DONE
                          : status == -EAGAIN ? REFUSED
                          : status == -EPIPE  ? CLOSED
                                              : NOT_NOW;

    return result_of(current->chans[chan] == '0' ? NOT_NOW : came, chan, operation, e->value);
}

#endif /* WEIR_TESTS_MODEL_CHAN_SPEC_H */
