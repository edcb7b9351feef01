/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/wheel.c: time goes on. */

#include "wheel.h"

#include <string.h>

/* Words of the map, in words[1]. */
#define FINE_WORDS (UINT64_C(15))
#define FAR_SHIFT 4
#define FAR_WORDS (UINT64_C(127) << FAR_SHIFT)
#define PAST_WORD (UINT64_C(1) << 11)

enum { SHARE_MIN = 16 }; /* nodes that are moved ahead, however little time has passed */

WEIR_STATIC_ASSERT(WEIR__WHEEL_FAR / 64 == 64 + 4 && WEIR__WHEEL_LATE / 64 == 64 + 11,
                   "each kind of slots has words of its own");

void weir__wheel_init(weir__wheel *wheel, uint64_t now)
{
    memset(wheel, 0, sizeof *wheel);
    wheel->now = now - (now == WEIR_FOREVER);
    wheel->tick = wheel->now >> WEIR__WHEEL_TICK_BITS;
}

uint32_t weir__wheel_slot_far(const weir__wheel *wheel, uint64_t deadline)
{
    const uint64_t tick = deadline >> WEIR__WHEEL_TICK_BITS;
    const uint64_t from = wheel->tick << WEIR__WHEEL_TICK_BITS;
    unsigned level = 0, bits = WEIR__WHEEL_FAR_BITS;

    if (deadline <= wheel->now)
        return WEIR__WHEEL_LATE;
    if (tick == wheel->tick)
        return WEIR__WHEEL_FINE + (uint32_t)(deadline >> WEIR__WHEEL_FINE_BITS) % 256;
    while ((deadline >> bits) - (from >> bits) >= 64) { /* the last has 8 */
        level++;
        bits += WEIR__WHEEL_LEVEL_BITS;
    }
    return WEIR__WHEEL_FAR + 64 * level + (uint32_t)(deadline >> bits) % 64;
}

/* ---- the first slots ---- */

static uint64_t turn_right(uint64_t word, unsigned by)
{
    return word >> by % 64 | word << (64 - by % 64) % 64;
}

/* If there is one. */
static uint32_t first_fine(const weir__wheel *wheel)
{
    const unsigned word = 64 + (unsigned)__builtin_ctzll(wheel->words[1]);

    return word * 64 + (unsigned)__builtin_ctzll(wheel->map[word]);
}

/* A slot, and the tick with which it begins. */
typedef struct entry {
    uint32_t slot;
    uint64_t tick;
} entry;

/* If there is one. */
static entry first_near(const weir__wheel *wheel)
{
    const uint32_t from = (uint32_t)(wheel->tick + 1) % 4096;
    const uint64_t rest = wheel->map[from / 64] >> from % 64;
    entry first;

    if (rest != 0) {
        first.slot = from + (unsigned)__builtin_ctzll(rest);
    } else { /* the words behind, and round; this one last */
        const unsigned next = from / 64 + 1;
        const unsigned word =
            (next + (unsigned)__builtin_ctzll(turn_right(wheel->words[0], next))) % 64;

        first.slot = word * 64 + (unsigned)__builtin_ctzll(wheel->map[word]);
    }
    first.tick = wheel->tick + (first.slot - wheel->tick) % 4096;
    return first;
}

/* Of a level that is not empty. */
static entry first_far(const weir__wheel *wheel, unsigned level)
{
    const unsigned bits =
        WEIR__WHEEL_FAR_BITS - WEIR__WHEEL_TICK_BITS + level * WEIR__WHEEL_LEVEL_BITS;
    uint64_t at = (wheel->tick >> bits) + 1;
    entry first;

    at += (unsigned)__builtin_ctzll(
        turn_right(wheel->map[WEIR__WHEEL_FAR / 64 + level], (unsigned)(at % 64)));
    first.slot = WEIR__WHEEL_FAR + 64 * level + (uint32_t)(at % 64);
    first.tick = at << bits;
    return first;
}

/* Takes a level from those that are not empty. */
static unsigned take_level(uint64_t *far_words)
{
    const unsigned level = (unsigned)__builtin_ctzll(*far_words) - FAR_SHIFT;

    *far_words &= *far_words - 1;
    return level;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t weir__wheel_next(const weir__wheel *wheel)
{
    uint64_t far_words = wheel->words[1] & FAR_WORDS;
    uint64_t next = WEIR_FOREVER;

    if ((wheel->words[1] & PAST_WORD) != 0)
        return 0;
    if ((wheel->words[1] & FINE_WORDS) != 0)
        return wheel->slots[first_fine(wheel)].earliest;
    if (wheel->words[0] != 0)
        next = wheel->slots[first_near(wheel).slot].earliest;
    while (far_words != 0)
        next = earlier(next, wheel->slots[first_far(wheel, take_level(&far_words)).slot].earliest);
    return next;
}

/* ---- sort: lists by their next alone ---- */

static bool is_before(const weir__wheel_node *a, const weir__wheel_node *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->sequence < b->sequence;
}

/* Takes what is in order from the front of *list, or in reverse order. Returns: it, in order. */
static weir__wheel_node *take_run(weir__wheel_node **list)
{
    weir__wheel_node *run = *list, *last = run, *node = run->next;

    if (node != NULL && is_before(node, run)) {
        do {
            weir__wheel_node *const next = node->next;

            node->next = run;
            run = node;
            node = next;
        } while (node != NULL && is_before(node, run));
    } else {
        for (; node != NULL && is_before(last, node); node = node->next)
            last = node;
    }
    last->next = NULL;
    *list = node;
    return run;
}

static weir__wheel_node *merge(weir__wheel_node *a, weir__wheel_node *b)
{
    weir__wheel_node *merged, **end = &merged;

    while (a != NULL && b != NULL) {
        weir__wheel_node **const first = is_before(a, b) ? &a : &b;

        *end = *first;
        end = &(*first)->next;
        *first = *end;
    }
    *end = a != NULL ? a : b;
    return merged;
}

static weir__wheel_node *sort(weir__wheel_node *list)
{
    weir__wheel_node *merged[64]; /* at i: NULL, or of 2^i runs */
    weir__wheel_node *sorted = NULL;
    unsigned count = 0, i;

    while (list != NULL) {
        weir__wheel_node *run = take_run(&list);

        if (count == 0 && list == NULL)
            return run;
        for (i = 0; i < count && merged[i] != NULL; i++) {
            run = merge(merged[i], run);
            merged[i] = NULL;
        }
        merged[i] = run;
        count += i == count;
    }
    for (i = 0; i < count; i++)
        sorted = merge(merged[i], sorted);
    return sorted;
}

/* ---- advance ---- */

static weir__wheel_node *empty_slot(weir__wheel *wheel, uint32_t s)
{
    weir__wheel_node *const list = wheel->slots[s].first;

    wheel->slots[s].first = NULL;
    weir__wheel_mark_empty(wheel, s);
    return list;
}

/* Puts the list in order, and behind what is due. */
static void make_due(weir__wheel *wheel, weir__wheel_node *list)
{
    weir__wheel_slot *const due = &wheel->slots[WEIR__WHEEL_DUE];
    weir__wheel_node *last;

    list = sort(list);
    if (due->first != NULL) {
        last = due->first->prev;
        last->next = list;
    } else {
        last = list;
        due->first = list;
    }
    for (; list != NULL; list = list->next) {
        list->prev = last;
        list->place = WEIR__WHEEL_DUE + 1;
        last = list;
    }
    due->first->prev = last;
    wheel->map[WEIR__WHEEL_DUE / 64] |= UINT64_C(1) << WEIR__WHEEL_DUE % 64;
    wheel->words[1] |= PAST_WORD;
}

/* Time has come to the earliest of a fine slot. Others may stay in it, or go on to a later one. */
static void open_fine(weir__wheel *wheel, uint32_t s, uint64_t now)
{
    const uint64_t end =
        ((wheel->tick << 8 | s % 256) << WEIR__WHEEL_FINE_BITS) + (1 << WEIR__WHEEL_FINE_BITS) - 1;
    const uint64_t until = earlier(now, end);
    weir__wheel_node *node = empty_slot(wheel, s), *next, *due = NULL;

    for (; node != NULL; node = next) {
        next = node->next;
        if (node->deadline <= until) {
            node->next = due;
            due = node;
        } else {
            weir__wheel_place(wheel, node);
        }
    }
    if (due != NULL)
        make_due(wheel, due);
}

/* Time enters a slot: its nodes go to finer ones. */
static void spread(weir__wheel *wheel, uint32_t s)
{
    weir__wheel_node *node = empty_slot(wheel, s), *next;
    const weir__wheel_node *ahead = node->prev;

    for (next = node->next; ahead != node && ahead != next; next = node->next) {
        ahead = ahead->prev;
        weir__wheel_place(wheel, node);
        node = next;
    }
    for (; node != NULL; node = next) {
        next = node->next;
        weir__wheel_place(wheel, node);
    }
}

/* Enters the next tick, up to `until`, with which a slot begins that is not empty. Those of the
 * tick of now are. Returns: false if there is none. */
static bool enter_next(weir__wheel *wheel, uint64_t until)
{
    entry entries[8];
    unsigned count = 0;
    uint64_t far_words = wheel->words[1] & FAR_WORDS, next = UINT64_MAX;

    if (wheel->words[0] != 0)
        entries[count++] = first_near(wheel);
    while (far_words != 0)
        entries[count++] = first_far(wheel, take_level(&far_words));
    for (unsigned i = 0; i < count; i++)
        next = earlier(next, entries[i].tick);
    if (next > until)
        return false;
    wheel->tick = next;
    for (unsigned i = 0; i < count; i++)
        if (entries[i].tick == next)
            spread(wheel, entries[i].slot);
    return true;
}

/* The last advance was at tick `before`. Of each far slot that time enters next, moves as large a
 * share of the wheel's nodes as of the slot before it has passed; so it is empty in time. */
static void spread_ahead(weir__wheel *wheel, uint64_t before)
{
    uint64_t far_words = wheel->words[1] & FAR_WORDS;

    while (far_words != 0) {
        const unsigned level = take_level(&far_words);
        const unsigned bits =
            WEIR__WHEEL_FAR_BITS - WEIR__WHEEL_TICK_BITS + level * WEIR__WHEEL_LEVEL_BITS;
        const unsigned drop = bits > 20 ? bits - 20 : 0; /* so that the product fits */
        const entry first = first_far(wheel, level);
        const uint64_t begin = wheel->tick >> bits << bits;
        const uint64_t passed = wheel->tick - (before > begin ? before : begin);
        uint64_t share = ((passed >> drop) * wheel->count >> (bits - drop)) + SHARE_MIN;
        weir__wheel_node *node;

        if (first.tick >> bits != (wheel->tick >> bits) + 1)
            continue;
        for (; share > 0 && (node = wheel->slots[first.slot].first) != NULL; share--) {
            weir__wheel_unlink(wheel, node);
            weir__wheel_place(wheel, node);
        }
    }
}

void weir__wheel_advance(weir__wheel *wheel, uint64_t now)
{
    const uint64_t before = wheel->tick;

    now -= now == WEIR_FOREVER;
    if (wheel->slots[WEIR__WHEEL_LATE].first != NULL)
        make_due(wheel, empty_slot(wheel, WEIR__WHEEL_LATE));
    if (now <= wheel->now)
        return;
    do {
        while ((wheel->words[1] & FINE_WORDS) != 0) {
            const uint32_t s = first_fine(wheel);

            if (wheel->slots[s].earliest > now)
                break;
            open_fine(wheel, s, now);
        }
    } while (enter_next(wheel, now >> WEIR__WHEEL_TICK_BITS));
    wheel->tick = now >> WEIR__WHEEL_TICK_BITS;
    wheel->now = now;
    if (wheel->tick != before)
        spread_ahead(wheel, before);
}

weir__wheel_node *weir__wheel_pop(weir__wheel *wheel)
{
    weir__wheel_node *const first = wheel->slots[WEIR__WHEEL_DUE].first;

    if (first != NULL)
        (void)weir__wheel_remove(wheel, first);
    return first;
}
