/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/broadcast.h under the step harness: what never waits blocks nobody and answers truly, under
 * each policy, alone and with others asleep; and wherever a thread stands still in what waits, a
 * receive gets what was sent before. Those who sleep are bystanders without threads.
 * lib/broadcast.c and lib/wait.c are compiled in, so that waits go to sleep at once. */

#include "step-blocks.h"

#include <weir/step.h>

#include "../lib/park.h"
#include "../lib/wait.h"

#define weir__spin_again(spin) ((void)(spin), false)
#define weir__park(word, expected, deadline) \
    ((void)(word), (void)(expected), (void)(deadline), false)
#include "../lib/wait.c"
#include "../lib/broadcast.c"
#undef weir__park
#undef weir__spin_again

#include <stdio.h>

/* Own instructions of what is wait-free: half as many again as gcc or clang make of it at -O0; of a
 * query, of a receive, of a send that has to look at each subscriber. */
enum { QUERY = 280, RECEIVE = 630, SEND = 980 };

#define LATER (WEIR_FOREVER - 1)

enum { CAPACITY = 2, PARTIES = 1 + WEIR_STEP_ADVERSARIES, EVENTS = 64 };

/* ---- a run ---- */

/* What one thread was given, and where. */
typedef struct party {
    weir_broadcast_subscriber subscriber;
    struct {
        uint64_t position, value;
    } got[EVENTS];
    unsigned received;
    uint64_t lost;
} party;

typedef struct variety {
    const char *name;
    weir_lag lag;
    unsigned inside; /* values that were sent before */
    unsigned ahead;  /* of them so many the adversaries have received */
    uint64_t start;
    bool crowded; /* bystanders sleep at both places */
} variety;

/* The victim's, and the adversaries'. */
static party parties[PARTIES];
static weir_broadcast *channel;
static const variety *what;
static weir_sleeper for_value, for_room;
static WEIR_ATOMIC(uint64_t) next_value, sent; /* sent: sends that have returned 0 */
static WEIR_ATOMIC(uint32_t) closes;
static int status; /* the victim's; 1: none yet */

/* relaxed, here and below: numbers; the harness orders the rest. */
static uint64_t number(const WEIR_ATOMIC(uint64_t) * of)
{
    return weir_atomic_load(of, WEIR_RELAXED);
}

static uint64_t place(const party *p)
{
    return (number(&p->subscriber.cursor) / ONE - what->start) & (UINT64_MAX / ONE);
}

/* The place that the slowest had reached, at least. */
static uint64_t slowest(void)
{
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < PARTIES; i++)
        if (parties[i].subscriber.broadcast != NULL && place(&parties[i]) < least)
            least = place(&parties[i]);
    return least;
}

static uint64_t tail(void)
{
    return (number(&channel->word) / ONE - what->start) & (UINT64_MAX / ONE);
}

/* ---- acts ---- */

/* Sends by `how`. Returns: its answer, which is judged. */
static int sends_one(bool waits)
{
    const uint64_t value = weir_atomic_fetch_add(&next_value, 1, WEIR_RELAXED);
    const uint64_t least = slowest();
    const uint32_t closed = weir_atomic_load(&closes, WEIR_RELAXED);
    const int answer = waits ? weir_broadcast_send(channel, &value, LATER, NULL)
                             : weir_broadcast_try_send(channel, &value);

    if (answer == 0) {
        weir_atomic_fetch_add(&sent, 1, WEIR_RELAXED);
        if (closed == 2)
            weir_step_false("a value was sent after the close");
    } else if (answer == -EAGAIN) {
        if (what->lag != WEIR_LAG_WAIT || least + CAPACITY > tail())
            weir_step_false("full, though there was room all the time");
    } else if (answer == -EPIPE) {
        if (weir_atomic_load(&closes, WEIR_RELAXED) == 0)
            weir_step_false("closed, though nobody has");
    } else if (waits ? answer != -ETIMEDOUT : answer != -EBUSY) {
        weir_step_false("a send said something else");
    }
    return answer;
}

static int receives_one(party *p, bool waits)
{
    const uint64_t sent_before = number(&sent), at = place(p);
    const uint32_t closed = weir_atomic_load(&closes, WEIR_RELAXED);
    uint64_t value = 12345, lost = 77;
    const int answer = waits ? weir_broadcast_recv(&p->subscriber, &value, &lost, LATER, NULL)
                             : weir_broadcast_try_recv(&p->subscriber, &value, &lost);

    if (answer == 0) {
        if (place(p) != at + lost + 1 || p->received == EVENTS) {
            weir_step_false("a receive moved on by something else than it said");
            return answer;
        }
        p->got[p->received].position = at + lost;
        p->got[p->received++].value = value;
        p->lost += lost;
        if (lost != 0 &&
            (what->lag != WEIR_LAG_DROP || tail() - at <= CAPACITY || lost >= tail() - at))
            weir_step_false("lost, though it did not lag");
        return answer;
    }
    if (lost != 77 || (value != 12345 && answer != -ECONNRESET))
        weir_step_false("a receive failed, and touched its arguments");
    if (answer == -EAGAIN || answer == -ETIMEDOUT) {
        if (at < sent_before)
            weir_step_false("empty, though a value was there");
        if (closed == 2)
            weir_step_false("empty, though it was closed");
    } else if (answer == -EPIPE) {
        if (at < sent_before)
            weir_step_false("closed, though a value was there");
        if (weir_atomic_load(&closes, WEIR_RELAXED) == 0)
            weir_step_false("closed, though nobody has");
    } else if (answer == -ECONNRESET) {
        if (what->lag != WEIR_LAG_CUT || tail() - at <= CAPACITY)
            weir_step_false("cut off, and it did not lag");
    } else {
        weir_step_false("a receive said something else");
    }
    return answer;
}

static void shuts(void)
{
    weir_atomic_fetch_add(&closes, 1, WEIR_RELAXED); /* 1: it may be closed */
    if (weir_broadcast_close(channel) == 0)
        weir_atomic_store(&closes, 2, WEIR_RELAXED);
}

/* The victim's. */

static void tries_to_send(void *state)
{
    (void)state;
    status = sends_one(false);
}

static void tries_to_receive(void *state)
{
    (void)state;
    status = receives_one(&parties[0], false);
}

static void awaits_room(void *state)
{
    (void)state;
    status = sends_one(true);
}

static void awaits_value(void *state)
{
    (void)state;
    status = receives_one(&parties[0], true);
}

static void closes_it(void *state)
{
    (void)state;
    shuts();
}

static void subscribes_again(void *state)
{
    (void)state;
    if (weir_broadcast_unsubscribe(&parties[0].subscriber) != 0)
        weir_step_false("a subscriber could not leave");
    status = weir_broadcast_subscribe(channel, &parties[0].subscriber);
    if (status != 0 && (status != -EPIPE || weir_atomic_load(&closes, WEIR_RELAXED) == 0))
        weir_step_false("a subscriber could not come back");
}

static void asks_state(void *state)
{
    (void)state;
    if (weir_broadcast_closed(channel) && weir_atomic_load(&closes, WEIR_RELAXED) == 0)
        weir_step_false("closed, though nobody has");
}

static void asks_behind(void *state)
{
    const uint64_t least = number(&sent) - place(&parties[0]);
    const uint64_t behind = weir_broadcast_behind_approx(&parties[0].subscriber);

    (void)state;
    if (behind < least || behind > tail() - place(&parties[0]))
        weir_step_false("behind by more, or less, than it was");
}

static void asks_subscribers(void *state)
{
    (void)state;
    if (weir_broadcast_subscribers_approx(channel) != PARTIES)
        weir_step_false("not all subscribers are counted");
}

static void asks_shape(void *state)
{
    (void)state;
    if (weir_broadcast_capacity(channel) != CAPACITY ||
        weir_broadcast_element(channel) != sizeof(uint64_t) ||
        weir_broadcast_lag(channel) != what->lag)
        weir_step_false("not the shape that it was made with");
}

/* The adversaries'. */

static void others_send(void *state)
{
    int answer;

    (void)state;
    while ((answer = sends_one(false)) == -EBUSY)
        if (!weir_step_retry("another is in the middle"))
            return;
}

/* As many as it takes to overtake whoever is in the middle. */
static void others_send_many(void *state)
{
    for (int i = 0; i < CAPACITY + 2; i++)
        others_send(state);
}

static void first_receives(void *state)
{
    (void)state;
    (void)receives_one(&parties[1], false);
}

static void second_receives(void *state)
{
    (void)state;
    (void)receives_one(&parties[2], false);
}

static void second_closes(void *state)
{
    (void)state;
    shuts();
}

/* ---- begin and end ---- */

static void begin(void *state)
{
    const uint64_t value = 99;

    (void)state;
    memset((void *)parties, 0, sizeof parties);
    weir_atomic_init(&next_value, 100);
    weir_atomic_init(&sent, 0);
    weir_atomic_init(&closes, 0);
    status = 1;
    if (weir_broadcast_new_at(&channel, sizeof value, CAPACITY, what->lag, what->start) != 0)
        abort();
    for (int i = 0; i < PARTIES; i++)
        if (weir_broadcast_subscribe(channel, &parties[i].subscriber) != 0)
            abort();
    for (unsigned i = 0; i < what->inside; i++) {
        if (sends_one(false) != 0)
            abort();
        for (int k = 1; k < PARTIES && i < what->ahead; k++)
            if (receives_one(&parties[k], false) != 0)
                abort();
    }
    if (what->crowded) {
        weir_event_prepare(&channel->values, &for_value);
        if (what->inside == CAPACITY)
            weir_event_prepare(&channel->room, &for_room);
    }
}

static bool still_sleeps(const weir_sleeper *sleeper)
{
    return weir_atomic_load(&sleeper->node.queued, WEIR_RELAXED) != 0;
}

/* Everybody gets the rest; then there is one order that explains all of it. */
static void finish(void *state)
{
    static uint64_t order[EVENTS];
    const bool room = what->lag == WEIR_LAG_WAIT && slowest() + CAPACITY > tail();
    const uint64_t news = number(&sent) - what->inside;
    uint64_t at;

    (void)state;
    if (what->crowded) {
        if (still_sleeps(&for_value) && (news > 0 || weir_atomic_load(&closes, WEIR_RELAXED) != 0))
            weir_step_false("there is a value, or the end, and one who waits for it sleeps");
        weir_event_withdraw(&channel->values, &for_value);
        if (what->inside == CAPACITY) {
            if (still_sleeps(&for_room) && room)
                weir_step_false("there is room, and one who waits for it sleeps");
            weir_event_withdraw(&channel->room, &for_room);
        }
    }
    memset(order, 0xff, sizeof order);
    for (int i = 0; i < PARTIES; i++) {
        party *const p = &parties[i];
        int answer;

        if (p->subscriber.broadcast == NULL)
            continue;
        while ((answer = receives_one(p, false)) == 0)
            continue;
        for (unsigned k = 0; k < p->received; k++) {
            at = p->got[k].position;
            if (at >= number(&sent) || at >= EVENTS)
                weir_step_false("a value at a place where none was sent");
            else if (order[at] != UINT64_MAX && order[at] != p->got[k].value)
                weir_step_false("two were given different values at one place");
            else
                order[at] = p->got[k].value;
        }
        if (answer != -ECONNRESET && place(p) != number(&sent))
            weir_step_false("a value was lost, and not counted");
        if (weir_broadcast_unsubscribe(&p->subscriber) != 0)
            weir_step_false("a subscriber could not leave");
    }
    for (at = 0; at < EVENTS; at++)
        for (uint64_t k = at + 1; k < EVENTS; k++)
            if (order[at] != UINT64_MAX && order[at] == order[k])
                weir_step_false("a value came twice");
    if (weir_broadcast_free(channel) != 0)
        weir_step_false("somebody is left in the channel");
}

/* ---- the table ---- */

typedef struct operation {
    const char *name;
    void (*run)(void *);
    unsigned bound;
    bool locks; /* senders may be refused while it stands still */
} operation;

static const operation send_once = {"broadcast_try_send", tries_to_send, SEND, true};
static const operation receive_once = {"broadcast_try_recv", tries_to_receive, RECEIVE, false};
/* Of a lossy channel, whose receives go round again, and beside sleepers, that have to be woken. */
static const operation receive_lossy = {"broadcast_try_recv", tries_to_receive, 0, false};
static const operation send_waking = {"broadcast_try_send", tries_to_send, 0, true};
static const operation close_once = {"broadcast_close", closes_it, 0, false};
static const operation queries[] = {
    {"broadcast_closed", asks_state, QUERY, false},
    {"broadcast_behind_approx", asks_behind, QUERY, false},
    {"broadcast_subscribers_approx", asks_subscribers, QUERY, false},
    {"broadcast_capacity, _element, _lag", asks_shape, QUERY, false},
};
static const operation send_waiting = {"broadcast_send (asleep)", awaits_room, 0, true};
static const operation receive_waiting = {"broadcast_recv (asleep)", awaits_value, 0, false};
static const operation come_and_go = {"broadcast_unsubscribe, _subscribe", subscribes_again, 0,
                                      true};

typedef struct script {
    const char *name;
    void (*act[WEIR_STEP_ADVERSARIES])(void *);
} script;

static const script scripts[] = {
    {"try_send", {others_send, NULL}},
    {"try_send, many", {others_send_many, NULL}},
    {"try_recv", {first_receives, NULL}},
    {"try_recv + try_recv", {first_receives, second_receives}},
    {"try_send + try_recv", {others_send, second_receives}},
    {"close", {second_closes, NULL}},
    {"try_send + close", {others_send, second_closes}},
};
#define SCRIPTS (sizeof scripts / sizeof scripts[0])

#define WRAPS ((UINT64_C(1) << 62) - 1)

static const variety drops[] = {
    {"drop", WEIR_LAG_DROP, 0, 0, 0, false},
    {"drop", WEIR_LAG_DROP, CAPACITY, CAPACITY, WRAPS, false},
    {"drop", WEIR_LAG_DROP, CAPACITY + 2, 0, 0, false},
};
static const variety waits[] = {
    {"wait", WEIR_LAG_WAIT, 0, 0, 0, false},
    {"wait", WEIR_LAG_WAIT, 1, 0, WRAPS, false},
    {"wait", WEIR_LAG_WAIT, CAPACITY, 0, 0, false},
    {"wait", WEIR_LAG_WAIT, CAPACITY, CAPACITY, 0, false},
};
static const variety cuts[] = {
    {"cut", WEIR_LAG_CUT, 0, 0, 0, false},
    {"cut", WEIR_LAG_CUT, CAPACITY, 1, WRAPS, false},
    {"cut", WEIR_LAG_CUT, CAPACITY + 2, 0, 0, false},
};
static const variety crowds[] = {
    {"wait, crowded", WEIR_LAG_WAIT, 1, 0, 0, true},
    {"wait, crowded", WEIR_LAG_WAIT, CAPACITY, CAPACITY, 0, true},
    {"wait, crowded", WEIR_LAG_WAIT, CAPACITY, 0, 0, true},
};
static const variety crowded_drops[] = {
    {"drop, crowded", WEIR_LAG_DROP, 0, 0, 0, true},
};
static const variety empty[] = {
    {"wait", WEIR_LAG_WAIT, 0, 0, 0, false},
    {"drop", WEIR_LAG_DROP, 0, 0, 0, false},
};
static const variety full[] = {
    {"wait", WEIR_LAG_WAIT, CAPACITY, CAPACITY, 0, false},
    {"wait", WEIR_LAG_WAIT, CAPACITY, 0, 0, false},
};
#define VARIETIES(array) array, sizeof(array) / sizeof((array)[0])

static void sweep(const operation *o, const variety *varieties, size_t count)
{
    for (size_t s = 0; s < SCRIPTS; s++) {
        char name[64];
        const weir_step_plan plan = {name,
                                     scripts[s].name,
                                     begin,
                                     o->run,
                                     {scripts[s].act[0], scripts[s].act[1]},
                                     finish,
                                     o->bound,
                                     o->locks && scripts[s].act[0] != first_receives};
        weir_step_row row;

        memset(&row, 0, sizeof row);
        snprintf(name, sizeof name, "%s, %s", o->name, varieties[0].name);
        for (size_t i = 0; i < count; i++) {
            what = &varieties[i];
            weir_step_sweep(&plan, NULL, &row);
        }
        weir_step_report(&row);
    }
}

int main(void)
{
    use_blocks();
    weir_step_begin("step-broadcast");
    sweep(&send_once, VARIETIES(drops));
    sweep(&send_once, VARIETIES(waits));
    sweep(&send_once, VARIETIES(cuts));
    sweep(&send_waking, VARIETIES(crowds));
    sweep(&send_waking, VARIETIES(crowded_drops));
    sweep(&receive_lossy, VARIETIES(drops));
    sweep(&receive_once, VARIETIES(waits));
    sweep(&receive_once, VARIETIES(cuts));
    sweep(&receive_lossy, VARIETIES(crowds));
    sweep(&close_once, VARIETIES(waits));
    sweep(&close_once, VARIETIES(crowds));
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++)
        sweep(&queries[i], VARIETIES(drops));
    sweep(&come_and_go, VARIETIES(drops));
    sweep(&come_and_go, VARIETIES(full));
    sweep(&receive_waiting, VARIETIES(empty));
    sweep(&send_waiting, VARIETIES(full));
    return weir_step_end();
}
