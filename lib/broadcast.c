/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The channel is a ring of capacity + 1 slots and one word: the position of the next value, and
 * whether a sender is in the middle. The slot in which a sender writes holds a value that is more
 * than `capacity` behind the position: every subscriber that needed it lags, and one that is
 * just copying it finds so when it looks at the position again.
 *
 * There are three places to wait at: for one's turn, for a value, for room. At each of them
 *
 *     who waits                    ||  who makes it go on
 *     enters the queue             ||  changes what is looked at: the word, a cursor
 *     looks                        ||  is somebody in the queue?
 *
 * and all four are sequentially consistent: one of the two sees the other. */

#include <weir/broadcast.h>

#include "wait.h"

#include <errno.h>
#include <string.h>

/* Of the word; positions, of cursors too, count in units of ONE, modulo 2^62: a subscriber's
 * distance is right for a century at a thousand million a second. */
enum { LOCKED = 1, CLOSED = 2, ONE = 4 };

typedef WEIR_ATOMIC(uintptr_t) cell;

struct weir_broadcast {
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) word;
    /* The lock's owner's. */
    uint64_t limit; /* WEIR_LAG_WAIT: up to here there was room when a sender last looked */
    size_t slot;    /* of the next value */
    weir_broadcast_subscriber *first;
    WEIR_ATOMIC(size_t) subscribers;

    WEIR_ALIGNAS(WEIR_CACHELINE) weir_event turn, values, room;
    WEIR_ATOMIC(uint64_t) full_at; /* where senders that wait for room found none */

    /* Nobody's, after new. */
    WEIR_ALIGNAS(WEIR_CACHELINE) cell *cells;
    size_t capacity, element, slot_cells, allocated;
    weir_lag lag;
};

/* Most bytes of the cells; leaves room for the rest, and for sums. */
#define BYTES_MAX (SIZE_MAX / 4)

/* ---- life ---- */

int weir_broadcast_new_at(weir_broadcast **broadcast, size_t element, size_t capacity, weir_lag lag,
                          uint64_t start)
{
    const size_t slot_cells = element / sizeof(cell) + (element % sizeof(cell) != 0);
    weir_broadcast *made;
    size_t bytes;

    if (element == 0 || capacity == 0 || capacity >= BYTES_MAX / sizeof(cell) / slot_cells ||
        (lag != WEIR_LAG_DROP && lag != WEIR_LAG_WAIT && lag != WEIR_LAG_CUT))
        return -EINVAL;
    bytes = sizeof *made + (capacity + 1) * slot_cells * sizeof(cell);
    made = (weir_broadcast *)weir_alloc(bytes, WEIR_CACHELINE);
    if (made == NULL)
        return -ENOMEM;
    weir_atomic_init(&made->word, start * ONE);
    made->limit = start * ONE;
    made->slot = 0;
    made->first = NULL;
    weir_atomic_init(&made->subscribers, 0);
    weir_event_init(&made->turn);
    weir_event_init(&made->values);
    weir_event_init(&made->room);
    weir_atomic_init(&made->full_at, start * ONE); /* no subscriber is so far behind */
    made->cells = (cell *)(void *)(made + 1);
    for (size_t i = 0; i < (capacity + 1) * slot_cells; i++)
        weir_atomic_init(&made->cells[i], 0);
    made->capacity = capacity;
    made->element = element;
    made->slot_cells = slot_cells;
    made->allocated = bytes;
    made->lag = lag;
    *broadcast = made;
    return 0;
}

int weir_broadcast_new(weir_broadcast **broadcast, size_t element, size_t capacity, weir_lag lag)
{
    return weir_broadcast_new_at(broadcast, element, capacity, lag, 0);
}

int weir_broadcast_free(weir_broadcast *broadcast)
{
    if (broadcast == NULL)
        return 0;
    if (weir_broadcast_subscribers_approx(broadcast) != 0 ||
        weir_broadcast_senders_approx(broadcast) != 0 ||
        weir_broadcast_receivers_approx(broadcast) != 0)
        return -EBUSY;
    weir_release(broadcast, broadcast->allocated);
    return 0;
}

int weir_broadcast_close(weir_broadcast *broadcast)
{
    /* sync(closed): release. Pairs with take_turn(), publish() and look(); what this thread had
     * done. seq_cst: the change; the picture is at the top of this file. */
    if ((weir_atomic_fetch_or(&broadcast->word, CLOSED, WEIR_SEQ_CST) & CLOSED) != 0)
        return -EALREADY;
    weir__queue_notify_seen(&broadcast->turn.queue, WEIR__NOTIFY_ALL);
    weir__queue_notify_seen(&broadcast->values.queue, WEIR__NOTIFY_ALL);
    weir__queue_notify_seen(&broadcast->room.queue, WEIR__NOTIFY_ALL);
    return 0;
}

/* ---- positions and slots ---- */

static uint64_t position(uint64_t word)
{
    return word & ~(uint64_t)(LOCKED | CLOSED);
}

/* Values from `cursor` to the word's position. */
static uint64_t distance(uint64_t cursor, uint64_t word)
{
    return (position(word) - cursor) / ONE;
}

static size_t next_slot(const weir_broadcast *broadcast, size_t slot)
{
    return slot == broadcast->capacity ? 0 : slot + 1;
}

/* A receiver that meets one of these stores sees that the lock was taken after the value that was
 * here had been given up. */
static void copy_in(const weir_broadcast *broadcast, size_t slot, const void *element)
{
    const unsigned char *from = (const unsigned char *)element;
    cell *to = broadcast->cells + slot * broadcast->slot_cells;
    size_t left = broadcast->element;
    uintptr_t part = 0;

    for (; left >= sizeof part; left -= sizeof part, from += sizeof part) {
        memcpy(&part, from, sizeof part);
        /* sync(overtaken): release. Pairs with the loads in copy_out(). */
        weir_atomic_store(to++, part, WEIR_RELEASE);
    }
    if (left > 0) {
        part = 0;
        memcpy(&part, from, left);
        /* sync(overtaken): release. As above, copy_out(). */
        weir_atomic_store(to, part, WEIR_RELEASE);
    }
}

static void copy_out(const weir_broadcast *broadcast, size_t slot, void *element)
{
    const cell *from = broadcast->cells + slot * broadcast->slot_cells;
    unsigned char *to = (unsigned char *)element;
    size_t left = broadcast->element;
    uintptr_t part;

    for (; left >= sizeof part; left -= sizeof part, to += sizeof part) {
        /* sync(overtaken): acquire. Pairs with the stores in copy_in(): what is read of a newer
         * value makes the look that follows see a newer position. */
        part = weir_atomic_load(from++, WEIR_ACQUIRE);
        memcpy(to, &part, sizeof part);
    }
    if (left > 0) {
        /* sync(overtaken): acquire. As above, copy_in(). */
        part = weir_atomic_load(from, WEIR_ACQUIRE);
        memcpy(to, &part, left);
    }
}

/* ---- turns ---- */

/* Takes the lock, if it is free. Returns: 0 and *word as it was; -EBUSY; -EPIPE to a sender. */
static int take_turn(weir_broadcast *broadcast, bool sends, uint64_t *word)
{
    /* sync(closed): acquire. Pairs with weir_broadcast_close(). seq_cst: the look; the picture is
     * at the top of this file. */
    uint64_t now = weir_atomic_load(&broadcast->word, WEIR_SEQ_CST);

    if (sends && (now & CLOSED) != 0)
        return -EPIPE;
    /* sync(turn): acquire. Pairs with leave_turn() and publish(). relaxed on failure: nothing is
     * done with it. */
    if ((now & LOCKED) != 0 ||
        !weir_atomic_cas(&broadcast->word, &now, now | LOCKED, WEIR_ACQUIRE, WEIR_RELAXED))
        return -EBUSY;
    *word = now;
    return 0;
}

static void leave_turn(weir_broadcast *broadcast)
{
    /* sync(turn): release. Pairs with take_turn(); what the lock guards. seq_cst: the change, see
     * the top of this file. */
    weir_atomic_fetch_and(&broadcast->word, ~(uint64_t)LOCKED, WEIR_SEQ_CST);
    weir__queue_notify_seen(&broadcast->turn.queue, 1);
}

typedef struct wish {
    weir_broadcast *broadcast;
    bool sends;
    int status;
    uint64_t word;
} wish;

static bool has_turn(void *context)
{
    wish *const w = (wish *)context;

    w->status = take_turn(w->broadcast, w->sends, &w->word);
    return w->status != -EBUSY;
}

static int await_turn(weir_broadcast *broadcast, bool sends, uint64_t *word, uint64_t deadline,
                      weir_cancel *cancel)
{
    wish w = {broadcast, sends, 0, 0};
    const int status = weir_event_await(&broadcast->turn, has_turn, &w, deadline, cancel);

    *word = w.word;
    return status != 0 ? status : w.status;
}

/* ---- subscribers ---- */

int weir_broadcast_subscribe(weir_broadcast *broadcast, weir_broadcast_subscriber *subscriber)
{
    uint64_t word;

    (void)await_turn(broadcast, false, &word, WEIR_FOREVER, NULL);
    if ((word & CLOSED) != 0) {
        leave_turn(broadcast);
        return -EPIPE;
    }
    weir_atomic_init(&subscriber->cursor, position(word));
    subscriber->seen = word;
    subscriber->slot = broadcast->slot;
    subscriber->broadcast = broadcast;
    subscriber->prev = NULL;
    subscriber->next = broadcast->first;
    if (broadcast->first != NULL)
        broadcast->first->prev = subscriber;
    broadcast->first = subscriber;
    /* relaxed: a number. */
    weir_atomic_fetch_add(&broadcast->subscribers, 1, WEIR_RELAXED);
    leave_turn(broadcast);
    return 0;
}

int weir_broadcast_unsubscribe(weir_broadcast_subscriber *subscriber)
{
    weir_broadcast *const broadcast = subscriber->broadcast;
    uint64_t word;

    if (broadcast == NULL)
        return -EINVAL;
    (void)await_turn(broadcast, false, &word, WEIR_FOREVER, NULL);
    if (subscriber->prev != NULL)
        subscriber->prev->next = subscriber->next;
    else
        broadcast->first = subscriber->next;
    if (subscriber->next != NULL)
        subscriber->next->prev = subscriber->prev;
    subscriber->broadcast = NULL;
    /* relaxed: a number. */
    weir_atomic_fetch_sub(&broadcast->subscribers, 1, WEIR_RELAXED);
    leave_turn(broadcast);
    weir__queue_notify_seen(&broadcast->room.queue, 1);
    return 0;
}

/* ---- send ---- */

/* WEIR_LAG_WAIT, with the lock held: finds out up to where there is room, from `at` on; if not even
 * there, who waits will be woken by each receiver that keeps `at` from being sent. */
static void measure(weir_broadcast *broadcast, uint64_t at)
{
    const uint64_t capacity = (uint64_t)broadcast->capacity * ONE;
    uint64_t room = capacity;

    /* sync(full): release. Pairs with take_kept(): who waits is in the queue. seq_cst: the queue is
     * entered before, for those who wait; the picture is at the top of this file. */
    weir_atomic_store(&broadcast->full_at, at, WEIR_SEQ_CST);
    for (const weir_broadcast_subscriber *s = broadcast->first; s != NULL; s = s->next) {
        /* sync(received): acquire. Pairs with the store in take_kept(): it was copied out. seq_cst:
         * the look; the picture is at the top of this file. */
        const uint64_t cursor = weir_atomic_load(&s->cursor, WEIR_SEQ_CST);

        if (cursor + capacity - at < room)
            room = cursor + capacity - at;
    }
    broadcast->limit = at + room;
}

/* Makes the value that was copied in one that is sent, and leaves the turn. `word`: as it was
 * before that. Returns: false if the channel was closed meanwhile. */
static bool publish(weir_broadcast *broadcast, uint64_t word)
{
    uint64_t held = word | LOCKED;

    broadcast->slot = next_slot(broadcast, broadcast->slot);
    /* sync(sent): release. Pairs with look(); the value.
     * sync(turn): release. Pairs with take_turn(); what the lock guards.
     * seq_cst: the change; the picture is at the top of this file. relaxed on failure: leave_turn()
     * reads it again. */
    if (!weir_atomic_cas(&broadcast->word, &held, word + ONE, WEIR_SEQ_CST, WEIR_RELAXED)) {
        leave_turn(broadcast);
        return false;
    }
    weir__queue_notify_seen(&broadcast->turn.queue, 1);
    weir__queue_notify_seen(&broadcast->values.queue, WEIR__NOTIFY_ALL);
    return true;
}

/* With the lock held, which it leaves. Under WEIR_LAG_WAIT who sends sees to it that, if there is
 * room for one more, one of those who wait is woken, and if not, by the next receiver; for a
 * receiver that made room for two has woken one. */
static int put(weir_broadcast *broadcast, uint64_t word, const void *element)
{
    bool more = false;

    if (broadcast->lag == WEIR_LAG_WAIT) {
        if (broadcast->limit == word)
            measure(broadcast, word);
        if (broadcast->limit == word) {
            leave_turn(broadcast);
            return -EAGAIN;
        }
        if (broadcast->limit == word + ONE)
            measure(broadcast, word + ONE);
        more = broadcast->limit != word + ONE;
    }
    copy_in(broadcast, broadcast->slot, element);
    if (!publish(broadcast, word))
        return -EPIPE;
    if (more)
        weir__queue_notify_seen(&broadcast->room.queue, 1);
    return 0;
}

int weir_broadcast_try_send(weir_broadcast *broadcast, const void *element)
{
    uint64_t word;
    const int status = take_turn(broadcast, true, &word);

    return status != 0 ? status : put(broadcast, word, element);
}

static int put_in_turn(weir_broadcast *broadcast, const void *element, uint64_t deadline,
                       weir_cancel *cancel)
{
    uint64_t word;
    int status = cancel == NULL ? take_turn(broadcast, true, &word) : -EBUSY;

    if (status == -EBUSY)
        status = await_turn(broadcast, true, &word, deadline, cancel);
    return status != 0 ? status : put(broadcast, word, element);
}

/* There was no room. */
static int send_later(weir_broadcast *broadcast, const void *element, uint64_t deadline,
                      weir_cancel *cancel)
{
    /* Rounds from look to look: in a large ring some room may come together, and a sender just
     * behind a receiver would be in its way. */
    const size_t patience = 1 + broadcast->capacity / 16;
    weir__spin spin = WEIR__SPIN_INIT;
    weir_sleeper sleeper;
    int status = -EAGAIN;

    spin.yields = true;
    if (weir_clock_passed(deadline))
        return -ETIMEDOUT;
    for (size_t round = 1; status == -EAGAIN && weir__spin_again(&spin); round++)
        if (round % patience == 0)
            status = put_in_turn(broadcast, element, deadline, cancel);
    if (status != -EAGAIN)
        return status;
    do {
        weir_event_prepare(&broadcast->room, &sleeper);
        status = put_in_turn(broadcast, element, deadline, cancel);
        if (status != -EAGAIN) {
            weir_event_withdraw(&broadcast->room, &sleeper);
            break;
        }
        status = weir_event_wait(&broadcast->room, &sleeper, deadline, cancel);
        if (status == 0)
            status = put_in_turn(broadcast, element, deadline, cancel);
    } while (status == -EAGAIN);
    /* It may have been woken, and not have sent. */
    if (status != 0)
        weir_event_notify(&broadcast->room, 1);
    return status;
}

int weir_broadcast_send(weir_broadcast *broadcast, const void *element, uint64_t deadline,
                        weir_cancel *cancel)
{
    const int status = put_in_turn(broadcast, element, deadline, cancel);

    return status != -EAGAIN ? status : send_later(broadcast, element, deadline, cancel);
}

/* ---- recv ---- */

/* Returns: the word, with what was sent. */
static uint64_t look(const weir_broadcast *broadcast)
{
    /* sync(sent): acquire. Pairs with publish(); the values.
     * sync(closed): acquire. Pairs with weir_broadcast_close(). seq_cst: the look; the picture is
     * at the top of this file. */
    return weir_atomic_load(&broadcast->word, WEIR_SEQ_CST);
}

static int nothing(uint64_t word)
{
    return (word & CLOSED) != 0 ? -EPIPE : -EAGAIN;
}

/* WEIR_LAG_WAIT: a value that is there stays until the cursor has passed it. */
static int take_kept(weir_broadcast_subscriber *subscriber, void *element)
{
    weir_broadcast *const broadcast = subscriber->broadcast;
    /* relaxed: only this thread writes it. */
    const uint64_t cursor = weir_atomic_load(&subscriber->cursor, WEIR_RELAXED);

    if (distance(cursor, subscriber->seen) == 0) {
        subscriber->seen = look(broadcast);
        if (distance(cursor, subscriber->seen) == 0)
            return nothing(subscriber->seen);
    }
    copy_out(broadcast, subscriber->slot, element);
    subscriber->slot = next_slot(broadcast, subscriber->slot);
    /* sync(received): release. Pairs with measure(): the value is copied out. seq_cst: the change;
     * the picture is at the top of this file. */
    weir_atomic_store(&subscriber->cursor, cursor + ONE, WEIR_SEQ_CST);
    /* Senders wait for those alone that are a whole ring behind where there was no room. If that
     * has moved on, somebody has sent since, and has seen to the next. sync(full): acquire. Pairs
     * with measure(): who waits is in the queue. seq_cst: whether somebody is; the picture is at
     * the top of this file. */
    if (weir_atomic_load(&broadcast->full_at, WEIR_SEQ_CST) ==
        cursor + (uint64_t)broadcast->capacity * ONE)
        weir__queue_notify_seen(&broadcast->room.queue, 1);
    return 0;
}

/* WEIR_LAG_DROP and WEIR_LAG_CUT: a value that is there may be overwritten at any moment. */
static int take_fleeting(weir_broadcast_subscriber *subscriber, void *element, uint64_t *lost)
{
    const weir_broadcast *const broadcast = subscriber->broadcast;
    const uint64_t capacity = broadcast->capacity;
    /* relaxed: only this thread writes it. */
    uint64_t cursor = weir_atomic_load(&subscriber->cursor, WEIR_RELAXED);
    size_t slot = subscriber->slot;
    uint64_t word = look(broadcast), gone = 0, start = 0;

    if (distance(cursor, word) == 0)
        return nothing(word);
    for (;;) {
        const uint64_t behind = distance(cursor, word);

        if (WEIR_UNLIKELY(behind > capacity)) {
            const uint64_t skip = behind - capacity + start;

            if (broadcast->lag == WEIR_LAG_CUT)
                return -ECONNRESET;
            cursor += skip * ONE;
            slot = (size_t)((slot + skip % (capacity + 1)) % (capacity + 1));
            gone += skip;
        }
        copy_out(broadcast, slot, element);
        word = look(broadcast);
        if (WEIR_LIKELY(distance(cursor, word) <= capacity))
            break;
        /* Overtaken: the oldest may be overtaken again, so a start is given to the copy, up to the
         * whole ring but its newest value. */
        start = start * 2 + 1 < capacity ? start * 2 + 1 : capacity - 1;
    }
    subscriber->slot = next_slot(broadcast, slot);
    /* relaxed: others read it for weir_broadcast_behind_approx() alone. */
    weir_atomic_store(&subscriber->cursor, cursor + ONE, WEIR_RELAXED);
    *lost = gone;
    return 0;
}

int weir_broadcast_try_recv(weir_broadcast_subscriber *subscriber, void *element, uint64_t *lost)
{
    uint64_t gone = 0;
    int status;

    if (subscriber->broadcast == NULL)
        return -EINVAL;
    if (subscriber->broadcast->lag == WEIR_LAG_WAIT)
        status = take_kept(subscriber, element);
    else
        status = take_fleeting(subscriber, element, &gone);
    if (status == 0 && lost != NULL)
        *lost = gone;
    return status;
}

typedef struct hope {
    weir_broadcast_subscriber *subscriber;
    void *element;
    uint64_t *lost;
    int status;
} hope;

static bool has_come(void *context)
{
    hope *const h = (hope *)context;

    h->status = weir_broadcast_try_recv(h->subscriber, h->element, h->lost);
    return h->status != -EAGAIN;
}

int weir_broadcast_recv(weir_broadcast_subscriber *subscriber, void *element, uint64_t *lost,
                        uint64_t deadline, weir_cancel *cancel)
{
    hope h = {subscriber, element, lost, 0};
    int status = cancel == NULL ? weir_broadcast_try_recv(subscriber, element, lost) : -EAGAIN;

    if (status != -EAGAIN)
        return status;
    if (subscriber->broadcast == NULL)
        return -EINVAL;
    status = weir_event_await(&subscriber->broadcast->values, has_come, &h, deadline, cancel);
    return status != 0 ? status : h.status;
}

/* ---- queries ---- */

size_t weir_broadcast_capacity(const weir_broadcast *broadcast)
{
    return broadcast->capacity;
}

size_t weir_broadcast_element(const weir_broadcast *broadcast)
{
    return broadcast->element;
}

weir_lag weir_broadcast_lag(const weir_broadcast *broadcast)
{
    return broadcast->lag;
}

bool weir_broadcast_closed(const weir_broadcast *broadcast)
{
    return (look(broadcast) & CLOSED) != 0;
}

uint64_t weir_broadcast_behind_approx(const weir_broadcast_subscriber *subscriber)
{
    /* relaxed: a number, which may be newer than the position that is read. */
    const uint64_t cursor = weir_atomic_load(&subscriber->cursor, WEIR_RELAXED);
    const uint64_t word = look(subscriber->broadcast);

    return (int64_t)(word - cursor) > 0 ? distance(cursor, word) : 0;
}

size_t weir_broadcast_subscribers_approx(const weir_broadcast *broadcast)
{
    return weir_atomic_load(&broadcast->subscribers, WEIR_RELAXED); /* relaxed: a number. */
}

size_t weir_broadcast_senders_approx(weir_broadcast *broadcast)
{
    return weir_event_sleepers_approx(&broadcast->turn) +
           weir_event_sleepers_approx(&broadcast->room);
}

size_t weir_broadcast_receivers_approx(weir_broadcast *broadcast)
{
    return weir_event_sleepers_approx(&broadcast->values);
}
