/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/broadcast.c: weir/broadcast.h in the model checker: every value at its place in one
 * order, for all; none lost that is not counted; nobody asleep while what it waits for is there. */

#include "model.h"

#include <weir/broadcast.h>

#include <errno.h>

/* What a thread does, a letter an operation:
 *   s send          S try_send     d send, which may time out
 *   r recv          R try_recv     t recv, which may time out
 *   n subscribe     u unsubscribe  c close
 * A thread whose text begins with + is subscribed before. The first text is the main thread's,
 * before the others are made. */
enum { PARTIES = 4, MOST = 6, SENDS = 16 };

typedef struct broadcast_case {
    const char *does[PARTIES];
    weir_lag lag;
    size_t capacity;
    size_t element;
    uint64_t start;
    bool deep;
    bool carries; /* one sender alone, and each receive was to come before the send it makes room
                     for */
    weir_check_finding finding;
    weir_check_options options;
} broadcast_case;

typedef struct got {
    uint64_t position, value;
} got;

typedef struct party {
    weir_broadcast_subscriber subscriber;
    const char *does;
    unsigned number;
    unsigned sent;
    unsigned received;
    got got[MOST];
    uint64_t from, lost; /* where it subscribed; how many it lost */
    bool timed_out;
} party;

static const broadcast_case *now;
static weir_broadcast *channel;
static party parties[PARTIES];
static uint64_t written[SENDS]; /* plain: before the send of that value */
static uint64_t before[SENDS];  /* plain: before the receive at that position */
static int closed_by;           /* plain: before the close */

/* The position of a subscriber's next value, from the start on. */
static uint64_t place(const party *p)
{
    return (weir_atomic_load(&p->subscriber.cursor, WEIR_RELAXED) - now->start * 4) / 4;
}

static void put(party *p, char how)
{
    const uint64_t value = p->number * 4 + p->sent;
    unsigned char element[32];
    unsigned call;
    int status;

    memset(element, (int)value, sizeof element);
    memcpy(element, &value, sizeof value);
    written[value] = value;
    call = weir_check_call(how, value);
    status = how == 'S'
                 ? weir_broadcast_try_send(channel, element)
                 : weir_broadcast_send(channel, element,
                                       how == 'd' ? weir_clock_after(1000) : WEIR_FOREVER, NULL);
    weir_check_return(call, (uint64_t)status);
    if (status == -EPIPE)
        weir_check_assert(closed_by == 1);
    else if (how == 'S')
        weir_check_assert(status == 0 || status == -EBUSY ||
                          (status == -EAGAIN && now->lag == WEIR_LAG_WAIT));
    else
        weir_check_assert(status == 0 || (how == 'd' && status == -ETIMEDOUT));
    if (status != 0)
        return;
    if (now->carries && p->sent >= now->capacity)
        weir_check_assert(before[p->sent - now->capacity] == 1);
    p->sent++;
}

static void take(party *p, char how)
{
    const uint64_t at = place(p);
    unsigned char element[32], same[32];
    uint64_t value, lost = 77;
    unsigned call;
    int status;

    memset(element, 0xee, sizeof element);
    if (now->carries)
        before[at] = 1;
    call = weir_check_call(how, at);
    status = how == 'R'
                 ? weir_broadcast_try_recv(&p->subscriber, element, &lost)
                 : weir_broadcast_recv(&p->subscriber, element, &lost,
                                       how == 't' ? weir_clock_after(1000) : WEIR_FOREVER, NULL);
    weir_check_return(call, (uint64_t)status);
    if (status != 0) {
        memset(same, 0xee, sizeof same);
        weir_check_assert(lost == 77);
        weir_check_assert(status == -ECONNRESET || memcmp(element, same, sizeof same) == 0);
    }
    if (status == -EPIPE)
        weir_check_assert(closed_by == 1);
    else if (status == -ECONNRESET)
        weir_check_assert(now->lag == WEIR_LAG_CUT);
    else if (how == 'R')
        weir_check_assert(status == 0 || status == -EAGAIN);
    else
        weir_check_assert(status == 0 || (how == 't' && status == -ETIMEDOUT));
    if (status != 0)
        return;
    value = 0;
    memcpy(&value, element, now->element < sizeof value ? now->element : sizeof value);
    weir_check_assert(value < SENDS && written[value] == value);
    memset(same, (int)value, sizeof same);
    if (now->element > sizeof value)
        weir_check_assert(memcmp(element + sizeof value, same, now->element - sizeof value) == 0);
    weir_check_assert(lost == 0 || now->lag == WEIR_LAG_DROP);
    weir_check_assert(p->received < MOST && place(p) == at + lost + 1);
    p->lost += lost;
    p->got[p->received].position = at + lost;
    p->got[p->received++].value = value;
}

static void subscribe(party *p)
{
    weir_check_assert(weir_broadcast_subscribe(channel, &p->subscriber) == 0);
    p->from = place(p) - p->received - p->lost;
}

static void act(party *p)
{
    for (const char *c = p->does; *c != '\0'; c++) {
        switch (*c) {
        case 's':
        case 'S':
        case 'd':
            put(p, *c);
            break;
        case 'r':
        case 'R':
        case 't':
            take(p, *c);
            break;
        case 'n':
            subscribe(p);
            break;
        case 'u':
            weir_check_assert(weir_broadcast_unsubscribe(&p->subscriber) == 0);
            break;
        case 'c':
            closed_by = 1;
            weir_check_assert(weir_broadcast_close(channel) == 0);
            break;
        default:
            break;
        }
    }
}

static void body(void *argument)
{
    act((party *)argument);
}

/* Each value that was sent has one place, and whoever was given something there was given that. */
static void compare(void)
{
    uint64_t order[SENDS];
    uint64_t sent = 0, next[PARTIES] = {0};

    memset(order, 0xff, sizeof order);
    for (unsigned i = 0; i < PARTIES; i++) {
        sent += parties[i].sent;
        for (unsigned k = 0; k < parties[i].received; k++) {
            const got *const g = &parties[i].got[k];

            weir_check_assert(g->position < SENDS);
            weir_check_assert(order[g->position] == UINT64_MAX || order[g->position] == g->value);
            order[g->position] = g->value;
        }
    }
    for (uint64_t at = 0; at < SENDS; at++) {
        weir_check_assert(at < sent || order[at] == UINT64_MAX);
        if (order[at] == UINT64_MAX)
            continue;
        weir_check_assert(order[at] % 4 >= next[order[at] / 4]); /* a sender's come in its order */
        next[order[at] / 4] = order[at] % 4 + 1;
    }
    for (unsigned i = 0; i < PARTIES; i++) {
        const party *const p = &parties[i];

        if (p->subscriber.broadcast != NULL && now->lag != WEIR_LAG_CUT)
            weir_check_assert(p->from + p->received + p->lost == sent);
    }
}

static void test(void *argument)
{
    now = (const broadcast_case *)argument;
    weir_check_assert(
        weir_broadcast_new_at(&channel, now->element, now->capacity, now->lag, now->start) == 0);
    for (unsigned i = 0; i < PARTIES; i++) {
        parties[i].number = i;
        parties[i].does = now->does[i] != NULL ? now->does[i] : "";
        if (parties[i].does[0] == '+')
            subscribe(&parties[i]);
    }
    act(&parties[0]);
    for (unsigned i = 1; i < PARTIES; i++)
        if (now->does[i] != NULL)
            weir_check_thread(body, &parties[i]);
    weir_check_join_all();
    for (unsigned i = 0; i < PARTIES; i++) {
        party *const p = &parties[i];
        unsigned had;

        if (p->subscriber.broadcast == NULL)
            continue;
        do {
            had = p->received;
            take(p, 'R');
        } while (p->received != had);
    }
    compare();
    for (unsigned i = 0; i < PARTIES; i++)
        if (parties[i].subscriber.broadcast != NULL)
            weir_check_assert(weir_broadcast_unsubscribe(&parties[i].subscriber) == 0);
    weir_check_assert(weir_broadcast_free(channel) == 0);
}

#define DROP .lag = WEIR_LAG_DROP
#define WAIT .lag = WEIR_LAG_WAIT
#define CUT .lag = WEIR_LAG_CUT
#define WRAPS .start = UINT64_MAX / 4 - 1

#define WORD .element = sizeof(uint64_t)
#define DEEP .deep = true

/* Too many for all of them: those that sleep in several places. */
#define AT_RANDOM .options = {.mode = WEIR_CHECK_PCT, .seed = 1, .runs = 200, .depth = 4}
#define DEEP_AT_RANDOM \
    DEEP, .options = {.mode = WEIR_CHECK_PCT, .seed = 1, .runs = 10000, .depth = 4}
#define PROMISES(what) .options = {.progress = WEIR_CHECK_##what, .steps = 24}

static const broadcast_case cases[] = {
    /* A value, and who waits for it. */
    {{"", "s", "+r"}, DROP, 1, WORD},
    {{"", "s", "+r"}, WAIT, 1, WORD},
    {{"", "s", "s", "+R"}, DROP, 2, WORD, DEEP},
    {{"", "ss", "+rr"}, WAIT, 2, WORD, AT_RANDOM},
    {{"", "s", "+r", "+r"}, CUT, 1, WORD, AT_RANDOM},
    {{"", "s", "s", "+rr"}, DROP, 2, WORD, AT_RANDOM},
    /* Room. */
    {{"s", "SS", "+RR"}, WAIT, 1, WORD},
    {{"s", "s", "+r"}, WAIT, 1, WORD},
    {{"s", "ss", "+r"}, WAIT, 2, WORD},
    {{"", "ss", "+rr"}, WAIT, 1, WORD, .carries = true, AT_RANDOM},
    {{"s", "s", "+r", "+r"}, WAIT, 1, WORD, AT_RANDOM},
    {{"s", "s", "s", "+rr"}, WAIT, 1, WORD, AT_RANDOM},
    {{"ss", "s", "s", "+rr"}, WAIT, 2, WORD, AT_RANDOM},
    {{"s", "d", "s", "+rr"}, WAIT, 1, WORD, AT_RANDOM},
    {{"s", "s", "+u"}, WAIT, 1, WORD, AT_RANDOM},
    {{"s", "s", "s", "+u"}, WAIT, 1, WORD, AT_RANDOM},
    /* Lag. */
    {{"", "ss", "+R"}, DROP, 1, WORD},
    {{"", "sss", "+RR"}, DROP, 1, WORD},
    {{"s", "S", "S", "+RR"}, DROP, 1, WORD},
    {{"s", "s", "s", "+RR"}, DROP, 1, WORD, DEEP},
    {{"ss", "ss", "+RR"}, DROP, 2, WORD},
    {{"ss", "ss", "+RR"}, DROP, 2, .element = 4},
    {{"ss", "ss", "+RR"}, DROP, 2, .element = 12},
    {{"", "ss", "+RR"}, CUT, 1, WORD},
    {{"", "ss", "+RR"}, CUT, 1, .element = 20},
    /* Subscribers come and go. */
    {{"", "n", "n"}, DROP, 1, WORD},
    {{"", "s", "nR"}, DROP, 1, WORD},
    {{"", "S", "nR"}, WAIT, 1, WORD},
    {{"", "SS", "nu", "n"}, WAIT, 1, WORD, AT_RANDOM},
    /* The end. */
    {{"", "c", "+r"}, DROP, 1, WORD},
    {{"", "c", "+r", "+r"}, DROP, 1, WORD, AT_RANDOM},
    {{"s", "c", "s"}, WAIT, 1, WORD},
    {{"", "c", "s", "+rr"}, DROP, 1, WORD, AT_RANDOM},
    {{"s", "c", "s", "+u"}, WAIT, 1, WORD, AT_RANDOM},
    /* Deadlines. */
    {{"", "s", "+t"}, DROP, 1, WORD},
    {{"s", "d", "+r"}, WAIT, 1, WORD},
    /* The position wraps. */
    {{"", "SS", "+RR"}, WAIT, 1, WORD, WRAPS},
    {{"", "sss", "+RR"}, DROP, 1, WORD, WRAPS},
    {{"", "ss", "+rr"}, WAIT, 1, WORD, WRAPS, AT_RANDOM},
    /* Nobody who stands still holds up a receive, nor a send that tries. */
    {{"", "S", "S", "+R"}, DROP, 1, WORD, PROMISES(LOCK_FREE)},
    {{"", "SS", "+RR", "+R"}, WAIT, 1, WORD, PROMISES(WAIT_FREE)},
    {{"", "SS", "S", "+RR"}, CUT, 1, WORD, PROMISES(WAIT_FREE)},
    {{"", "s", "s"}, DROP, 1, WORD, PROMISES(LOCK_FREE), .finding = WEIR_CHECK_NO_PROGRESS},
    /* The same, more of them. */
    {{"", "s", "+r", "+r"}, CUT, 1, WORD, DEEP_AT_RANDOM},
    {{"", "c", "s", "+rr"}, DROP, 1, WORD, DEEP_AT_RANDOM},
    {{"", "ss", "+rr"}, WAIT, 1, WORD, DEEP_AT_RANDOM},
    {{"s", "s", "s", "+rr"}, WAIT, 1, WORD, DEEP_AT_RANDOM},
    {{"ss", "s", "s", "+rr"}, WAIT, 2, WORD, DEEP_AT_RANDOM},
    {{"s", "d", "s", "+rr"}, WAIT, 1, WORD, DEEP_AT_RANDOM},
    {{"s", "s", "s", "+u"}, WAIT, 1, WORD, DEEP_AT_RANDOM},
    {{"s", "c", "s", "+u"}, WAIT, 1, WORD, DEEP_AT_RANDOM},
};

enum { COUNT = sizeof cases / sizeof cases[0] };

static const char *name_of(const broadcast_case *c, char *name, size_t bytes)
{
    static const char *const policies[] = {"drop", "wait", "cut"};
    size_t at = 0;

    for (unsigned i = 0; i < PARTIES && c->does[i] != NULL; i++)
        at += (size_t)snprintf(name + at, bytes - at, "%s%s", i > 0 ? " | " : "",
                               c->does[i][0] != '\0' ? c->does[i] : ".");
    at += (size_t)snprintf(name + at, bytes - at, ", %s %zu", policies[c->lag], c->capacity);
    if (c->element != sizeof(uint64_t))
        at += (size_t)snprintf(name + at, bytes - at, ", %zu bytes", c->element);
    if (c->start != 0)
        at += (size_t)snprintf(name + at, bytes - at, ", wraps");
    if (c->options.progress != WEIR_CHECK_BLOCKING)
        at += (size_t)snprintf(name + at, bytes - at, ", progress");
    if (c->options.mode == WEIR_CHECK_PCT)
        at += (size_t)snprintf(name + at, bytes - at, ", at random");
    if (c->deep)
        snprintf(name + at, bytes - at, ", deep");
    return name;
}

int main(int argc, char **argv)
{
    static scenario scenarios[COUNT];
    static char names[COUNT][80];

    for (size_t i = 0; i < COUNT; i++) {
        scenarios[i].name = name_of(&cases[i], names[i], sizeof names[i]);
        scenarios[i].test = test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].deep = cases[i].deep;
        scenarios[i].finding = cases[i].finding;
        scenarios[i].options = cases[i].options;
    }
    return model_main("broadcast", scenarios, COUNT, argc, argv);
}
