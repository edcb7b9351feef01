/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/wheel.h: what has to happen at a time, in the order of time: a hierarchical timer wheel, of
 * one thread. Private. Nothing is allocated; a node stands in one list, and is its owner's.
 *
 * Time is 64 bits of ns. The wheel's own stands still but for weir__wheel_advance(), which makes
 * due what has come, in the order of (deadline, sequence): equal deadlines in the order of their
 * starts. weir__wheel_pop() takes what is due. So a batch is what one advance has made due: what is
 * inserted while it is popped, however early, is made due by the next.
 *
 *     fine   256 slots of 2^12 ns    the rest of this tick; sorted when their time comes
 *     near  4096 slots of 2^20 ns    the next 4095 ticks
 *     far   7 levels of 64 slots     of 2^31, 2^36... 2^61 ns: the next 63 of each
 *     late                           what had passed when it was inserted
 *
 * A deadline stands in the finest slot that there is for it, at its time modulo the size of the
 * level. When time enters a slot its nodes go to finer ones. Nobody wakes up for that: what time
 * has come to is entered by the advance that passes it, and a slot knows its earliest deadline.
 *
 * A far slot can have most of a million nodes. But the level below reaches twice as far as one of
 * its slots: from when time is in the slot before, there is a finer place for each of them. So
 * each advance moves some of them, as many as time has gone on for.
 *
 * What holds between calls:
 *  1. A node's deadline is not before its slot's `earliest`, nor that before the slot's beginning.
 *     It may be after the slot's end, if it was moved since: it goes to its place when time enters.
 *  2. Fine slots are of the tick of now; near and far slots begin later: those of now are empty.
 *  3. Only what is late or due has a deadline that has passed.
 *
 * After: G. Varghese, A. Lauck, Hashed and Hierarchical Timing Wheels, 1997,
 * doi:10.1109/90.650142. */

#ifndef WEIR_LIB_WHEEL_H
#define WEIR_LIB_WHEEL_H

#include <weir/timer.h>

enum {
    WEIR__WHEEL_FINE_BITS = 12, /* of the length of a slot */
    WEIR__WHEEL_TICK_BITS = 20,
    WEIR__WHEEL_FAR_BITS = 31,
    WEIR__WHEEL_LEVEL_BITS = 5, /* from one far level to the next */

    WEIR__WHEEL_FINE = 4096, /* the first slot of each kind; before it the near ones */
    WEIR__WHEEL_FAR = WEIR__WHEEL_FINE + 256,
    WEIR__WHEEL_LATE = WEIR__WHEEL_FAR + 7 * 64,
    WEIR__WHEEL_DUE, /* no slot of the wheel's, but a list like theirs */
    WEIR__WHEEL_SLOTS,
    WEIR__WHEEL_WORDS = WEIR__WHEEL_LATE / 64 + 1
};

typedef struct weir__wheel_slot {
    weir__wheel_node *first; /* the one that came last */
    uint64_t earliest;       /* if there is one: none of them is earlier */
} weir__wheel_slot;

/* 77 KB. */
typedef struct weir__wheel {
    uint64_t now; /* before WEIR_FOREVER */
    uint64_t sequence;
    uint64_t tick; /* of now */
    size_t count;
    uint64_t words[2];               /* which words of the map are not 0 */
    uint64_t map[WEIR__WHEEL_WORDS]; /* which slots are not empty */
    weir__wheel_slot slots[WEIR__WHEEL_SLOTS];
} weir__wheel;

/* WEIR_FOREVER counts as the ns before it. */
void weir__wheel_init(weir__wheel *wheel, uint64_t now);

/* Of a deadline that is not in the next 4095 ticks, nor in the next 63 of the first far level.
 * Returns: its slot. */
uint32_t weir__wheel_slot_far(const weir__wheel *wheel, uint64_t deadline);

/* Time goes to `now`, or stays if that is earlier: whose deadline has come is due, in order, behind
 * those which are due already.
 * Complexity: slots of which time is past, and each node's own moves; never the ticks between. */
void weir__wheel_advance(weir__wheel *wheel, uint64_t now);

/* Takes the first that is due. Returns: NULL if none is. */
weir__wheel_node *weir__wheel_pop(weir__wheel *wheel);

/* When to advance next. It is never later than the earliest deadline, and later than now if none
 * has passed. It can be earlier only where a timer was that has been removed or moved since, and
 * once for each of them: after an advance to it the next is right.
 * Returns: 0 if something is due, or will be by any advance; WEIR_FOREVER if nothing ever will. */
uint64_t weir__wheel_next(const weir__wheel *wheel);

/* ---- insert, remove, move: in constant time ---- */

static inline uint32_t weir__wheel_slot_of(const weir__wheel *wheel, uint64_t deadline)
{
    const uint64_t tick = deadline >> WEIR__WHEEL_TICK_BITS;
    const uint64_t far_tick = deadline >> WEIR__WHEEL_FAR_BITS;

    if (WEIR_LIKELY(tick - wheel->tick - 1 < WEIR__WHEEL_FINE - 1))
        return (uint32_t)tick % WEIR__WHEEL_FINE;
    if (far_tick - (wheel->tick >> (WEIR__WHEEL_FAR_BITS - WEIR__WHEEL_TICK_BITS)) - 1 < 63)
        return WEIR__WHEEL_FAR + (uint32_t)far_tick % 64;
    return weir__wheel_slot_far(wheel, deadline);
}

/* Puts it into the slot of its deadline. */
static inline void weir__wheel_place(weir__wheel *wheel, weir__wheel_node *node)
{
    const uint64_t deadline = node->deadline;
    const uint32_t s = weir__wheel_slot_of(wheel, deadline);
    weir__wheel_slot *const slot = &wheel->slots[s];
    weir__wheel_node *const first = slot->first;

    node->next = first;
    node->place = s + 1;
    slot->first = node;
    if (first != NULL) {
        node->prev = first->prev;
        first->prev = node;
        if (deadline < slot->earliest)
            slot->earliest = deadline;
    } else {
        node->prev = node;
        slot->earliest = deadline;
        wheel->map[s / 64] |= UINT64_C(1) << s % 64;
        wheel->words[s / 4096] |= UINT64_C(1) << s / 64 % 64;
    }
}

static inline void weir__wheel_mark_empty(weir__wheel *wheel, uint32_t s)
{
    wheel->map[s / 64] &= ~(UINT64_C(1) << s % 64);
    if (wheel->map[s / 64] == 0)
        wheel->words[s / 4096] &= ~(UINT64_C(1) << s / 64 % 64);
}

/* Of a node in no wheel. WEIR_FOREVER: it is inside, and never due. */
static inline void weir__wheel_insert(weir__wheel *wheel, weir__wheel_node *node, uint64_t deadline)
{
    WEIR_ASSERT(node->place == 0, "the timer stands in a wheel");
    node->deadline = deadline;
    node->sequence = wheel->sequence++;
    wheel->count++;
    weir__wheel_place(wheel, node);
}

/* Takes it out of its list. */
static inline void weir__wheel_unlink(weir__wheel *wheel, weir__wheel_node *node)
{
    weir__wheel_node *const next = node->next, *const prev = node->prev;
    const uint32_t s = node->place - 1;

    if (next != NULL)
        next->prev = prev;
    else
        wheel->slots[s].first->prev = prev;
    if (prev->next != NULL) {
        prev->next = next;
    } else { /* it was the first */
        wheel->slots[s].first = next;
        if (next == NULL)
            weir__wheel_mark_empty(wheel, s);
    }
}

/* Returns: false if it was in no wheel, or popped. */
static inline bool weir__wheel_remove(weir__wheel *wheel, weir__wheel_node *node)
{
    if (node->place == 0)
        return false;
    weir__wheel_unlink(wheel, node);
    node->place = 0;
    wheel->count--;
    return true;
}

/* As if removed, if inside, and inserted anew. What moves to a later time stays where it is until
 * time comes there: nothing else is touched. */
static inline void weir__wheel_rearm(weir__wheel *wheel, weir__wheel_node *node, uint64_t deadline)
{
    const uint32_t s = node->place - 1;

    if (s < WEIR__WHEEL_LATE &&
        (deadline >= node->deadline || deadline >= wheel->slots[s].earliest)) {
        node->deadline = deadline;
        node->sequence = wheel->sequence++;
    } else {
        (void)weir__wheel_remove(wheel, node);
        weir__wheel_insert(wheel, node, deadline);
    }
}

static inline size_t weir__wheel_count(const weir__wheel *wheel)
{
    return wheel->count;
}

#endif /* WEIR_LIB_WHEEL_H */
