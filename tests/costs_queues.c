/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Rows of the queues that need no reclamation: spsc, mpsc, mpmc, ticket. */

#include "costs.h"

#ifdef COSTS_ARE_COUNTED

static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[65536];
static uintptr_t values[8];
static uint64_t words[8];
static element_24 elements[128];
static void *pointers[8];

/* ---- spsc ---- */

static weir_spsc spsc;

/* 62 words are a group, and 20 elements of three. */

enum { SPSC_CAPACITY = 128 };

static void spsc_after(size_t size, unsigned n)
{
    const unsigned put = n / 256, taken = n % 256;

    costs_require(weir_spsc_init(&spsc, buffer, sizeof buffer, SPSC_CAPACITY, size) == 0,
                  "no spsc");
    for (unsigned i = 0; i < put; i++)
        costs_require(weir_spsc_try_enqueue(&spsc, elements), "no room in the spsc");
    for (unsigned i = 0; i < taken; i++)
        costs_require(weir_spsc_try_dequeue(&spsc, elements), "nothing in the spsc");
}

static void spsc_words(unsigned n)
{
    spsc_after(sizeof(uint64_t), n);
}

static void spsc_24s(unsigned n)
{
    spsc_after(sizeof(element_24), n);
}

static void spsc_reserved(unsigned n)
{
    spsc_words(n);
    costs_require(weir_spsc_reserve(&spsc, pointers, 8) == 8, "nothing reserved");
}

static void spsc_peeked(unsigned n)
{
    spsc_words(n);
    costs_require(weir_spsc_peek(&spsc, pointers, 8) == 8, "nothing to peek at");
}

static void spsc_rows(void)
{
    /* The same type but for the name. */
    costs_structure = "spsc";
    ROW(spsc_word, try_enqueue, "room is known", spsc_words, IN(1, 0), YES, P(&spsc), 7);
    ROW(spsc_word, try_enqueue, "looks for room", spsc_words, IN(0, 0), YES, P(&spsc), 7);
    ROW(spsc_word, try_enqueue, "into the next group", spsc_words, IN(62, 0), YES, P(&spsc), 7);
    ROW(spsc_word, try_enqueue, "full", spsc_words, IN(SPSC_CAPACITY, 0), NO, P(&spsc), 7);
    ROW(spsc_word, try_dequeue, "elements are known", spsc_words, IN(3, 1), YES, P(&spsc),
        P(words));
    ROW(spsc_word, try_dequeue, "looks for elements", spsc_words, IN(3, 0), YES, P(&spsc),
        P(words));
    ROW(spsc_word, try_dequeue, "into the next group", spsc_words, IN(70, 62), YES, P(&spsc),
        P(words));
    ROW(spsc_word, try_dequeue, "empty", spsc_words, IN(1, 1), NO, P(&spsc), P(words));
    ROW(spsc_word, enqueue_burst, "8 words", spsc_words, IN(1, 0), 8, P(&spsc), P(words), 8);
    ROW(spsc_word, dequeue_burst, "8 words", spsc_words, IN(20, 1), 8, P(&spsc), P(words), 8);
    ROW(spsc_word, enqueue_bulk, "8 words", spsc_words, IN(1, 0), YES, P(&spsc), P(words), 8);
    ROW(spsc_word, dequeue_bulk, "8 words", spsc_words, IN(20, 1), YES, P(&spsc), P(words), 8);
    ROW(spsc, reserve, "room is known", spsc_words, IN(1, 0), 8, P(&spsc), P(pointers), 8);
    ROW(spsc, commit, "8 words", spsc_reserved, IN(1, 0), ANY, P(&spsc), 8);
    ROW(spsc, peek, "elements are known", spsc_words, IN(20, 1), 8, P(&spsc), P(pointers), 8);
    ROW(spsc, release, "8 words", spsc_peeked, IN(20, 1), ANY, P(&spsc), 8);
    ROW(spsc, size_approx, "", spsc_words, IN(20, 1), 19, P(&spsc));
    ROW(spsc_24, try_enqueue, "24 bytes", spsc_24s, IN(1, 0), YES, P(&spsc), P(elements));
    ROW(spsc_24, try_dequeue, "24 bytes", spsc_24s, IN(3, 1), YES, P(&spsc), P(elements));
    ROW(spsc, try_enqueue, "24 bytes, not typed", spsc_24s, IN(1, 0), YES, P(&spsc), P(elements));
    ROW(spsc, try_dequeue, "24 bytes, not typed", spsc_24s, IN(3, 1), YES, P(&spsc), P(elements));
    ROW(spsc, enqueue_burst, "8 of 24 bytes, not typed", spsc_24s, IN(1, 0), 8, P(&spsc),
        P(elements), 8);
    ROW(spsc, dequeue_burst, "8 of 24 bytes, not typed", spsc_24s, IN(12, 1), 8, P(&spsc),
        P(elements), 8);
    ROW(spsc, enqueue_bulk, "8 of 24 bytes, not typed", spsc_24s, IN(1, 0), YES, P(&spsc),
        P(elements), 8);
    ROW(spsc, dequeue_bulk, "8 of 24 bytes, not typed", spsc_24s, IN(12, 1), YES, P(&spsc),
        P(elements), 8);
}

/* ---- mpsc ---- */

static weir_mpsc mpsc;
static weir_mpsc_node mpsc_nodes[32];

/* The last 8 nodes are a chain outside. */
static void mpsc_holds(unsigned n)
{
    weir_mpsc_init(&mpsc);
    for (unsigned i = 0; i < n; i++)
        (void)weir_mpsc_enqueue(&mpsc, &mpsc_nodes[i]);
    for (size_t i = COSTS_COUNT(mpsc_nodes) - 8; i < COSTS_COUNT(mpsc_nodes); i++)
        mpsc_nodes[i].next = i + 1 < COSTS_COUNT(mpsc_nodes) ? &mpsc_nodes[i + 1] : NULL;
}

static void mpsc_taken_over(unsigned n)
{
    mpsc_holds(n);
    costs_require(weir_mpsc_try_dequeue(&mpsc) != NULL, "nothing in the mpsc");
}

static void mpsc_rows(void)
{
    costs_structure = "mpsc";
    ROW(mpsc, enqueue, "empty", mpsc_holds, 0, YES, P(&mpsc), P(&mpsc_nodes[20]));
    ROW(mpsc, enqueue, "not empty", mpsc_holds, 3, NO, P(&mpsc), P(&mpsc_nodes[20]));
    ROW(mpsc, enqueue_chain, "8 nodes", mpsc_holds, 3, NO, P(&mpsc),
        P(&mpsc_nodes[COSTS_COUNT(mpsc_nodes) - 8]));
    ROW(mpsc, try_dequeue, "taken over before", mpsc_taken_over, 8, ANY, P(&mpsc));
    ROW(mpsc, try_dequeue, "takes over 1", mpsc_holds, 1, ANY, P(&mpsc));
    ROW(mpsc, try_dequeue, "takes over 8", mpsc_holds, 8, ANY, P(&mpsc));
    ROW(mpsc, try_dequeue, "empty", mpsc_holds, 0, 0, P(&mpsc));
    ROW(mpsc, dequeue_burst, "takes over 8", mpsc_holds, 8, 8, P(&mpsc), P(pointers), 8);
    ROW(mpsc, empty, "", mpsc_holds, 0, YES, P(&mpsc));
}

/* ---- mpmc ---- */

#ifdef WEIR_HAVE_MPMC
static weir_mpmc mpmc;
static weir_mpmc_slots slots;

enum { MPMC_CAPACITY = 100 };

static void mpmc_holds(unsigned n)
{
    costs_require(weir_mpmc_init(&mpmc, buffer, sizeof buffer, MPMC_CAPACITY) == 0, "no mpmc");
    for (unsigned i = 0; i < n; i++)
        costs_require(weir_mpmc_try_enqueue(&mpmc, i), "no room in the mpmc");
}

/* At the last cell of the ring, which is not a power of two. */
static void mpmc_at_the_end(unsigned n)
{
    uintptr_t value;

    mpmc_holds(MPMC_CAPACITY - 1);
    for (unsigned i = 0; i < MPMC_CAPACITY - 1; i++)
        costs_require(weir_mpmc_try_dequeue(&mpmc, &value), "nothing in the mpmc");
    for (unsigned i = 0; i < n; i++)
        costs_require(weir_mpmc_try_enqueue(&mpmc, i), "no room in the mpmc");
}

static void slots_hold(unsigned n)
{
    costs_require(weir_mpmc_slots_init(&slots, buffer, sizeof buffer, MPMC_CAPACITY, 4,
                                       sizeof(element_24)) == 0,
                  "no slots");
    for (unsigned i = 0; i < n; i++)
        costs_require(weir_mpmc_slots_try_enqueue(&slots, elements), "no room in the slots");
}

static void mpmc_rows(void)
{
    costs_structure = "mpmc";
    ROW(mpmc, try_enqueue, "empty", mpmc_holds, 0, YES, P(&mpmc), 7);
    ROW(mpmc, try_enqueue, "room for one", mpmc_holds, MPMC_CAPACITY - 1, YES, P(&mpmc), 7);
    ROW(mpmc, try_enqueue, "at the end of a lap", mpmc_at_the_end, 0, YES, P(&mpmc), 7);
    ROW(mpmc, try_enqueue, "full", mpmc_holds, MPMC_CAPACITY, NO, P(&mpmc), 7);
    ROW(mpmc, try_dequeue, "one inside", mpmc_holds, 1, YES, P(&mpmc), P(values));
    ROW(mpmc, try_dequeue, "full", mpmc_holds, MPMC_CAPACITY, YES, P(&mpmc), P(values));
    ROW(mpmc, try_dequeue, "at the end of a lap", mpmc_at_the_end, 1, YES, P(&mpmc), P(values));
    ROW(mpmc, try_dequeue, "empty", mpmc_holds, 0, NO, P(&mpmc), P(values));
    ROW(mpmc, enqueue_burst, "8 values", mpmc_holds, 0, 8, P(&mpmc), P(values), 8);
    ROW(mpmc, dequeue_burst, "8 values", mpmc_holds, 20, 8, P(&mpmc), P(values), 8);
    ROW(mpmc, size_approx, "20 of 100", mpmc_holds, 20, 20, P(&mpmc));

    costs_structure = "mpmc_slots";
    ROW(mpmc_slots_24, try_enqueue, "24 bytes", slots_hold, 3, YES, P(&slots), P(elements));
    ROW(mpmc_slots_24, try_enqueue, "full", slots_hold, MPMC_CAPACITY, NO, P(&slots), P(elements));
    ROW(mpmc_slots_24, try_dequeue, "24 bytes", slots_hold, 3, YES, P(&slots), P(elements));
    ROW(mpmc_slots_24, try_dequeue, "empty", slots_hold, 0, NO, P(&slots), P(elements));
    ROW(mpmc_slots, try_enqueue, "24 bytes, not typed", slots_hold, 3, YES, P(&slots), P(elements));
    ROW(mpmc_slots, try_dequeue, "24 bytes, not typed", slots_hold, 3, YES, P(&slots), P(elements));
    ROW(mpmc_slots, size_approx, "3 of 100", slots_hold, 3, 3, P(&slots));
}
#endif

/* ---- ticket ---- */

static weir_ticket ticket;
static ticket_24 ticket_of_24;

enum { TICKET_CAPACITY = 100 };

static void ticket_holds(unsigned n)
{
    costs_require(weir_ticket_init(&ticket, buffer, sizeof buffer, TICKET_CAPACITY) == 0,
                  "no ticket");
    for (unsigned i = 0; i < n; i++)
        costs_require(weir_ticket_try_enqueue(&ticket, i), "no room in the ticket");
}

static void ticket_24_holds(unsigned n)
{
    costs_require(ticket_24_init(&ticket_of_24, buffer, sizeof buffer, TICKET_CAPACITY) == 0,
                  "no ticket");
    for (unsigned i = 0; i < n; i++)
        costs_require(ticket_24_try_enqueue(&ticket_of_24, elements[i]), "no room in the ticket");
}

static void ticket_rows(void)
{
    costs_structure = "ticket";
    ROW(ticket, try_enqueue, "empty", ticket_holds, 0, YES, P(&ticket), 7);
    ROW(ticket, try_enqueue, "into the next block", ticket_holds, 6, YES, P(&ticket), 7);
    ROW(ticket, try_enqueue, "full", ticket_holds, TICKET_CAPACITY, NO, P(&ticket), 7);
    ROW(ticket, try_dequeue, "one inside", ticket_holds, 1, YES, P(&ticket), P(values));
    ROW(ticket, try_dequeue, "empty", ticket_holds, 0, NO, P(&ticket), P(values));
    ROW(ticket, enqueue_burst, "8 values", ticket_holds, 0, 8, P(&ticket), P(values), 8);
    ROW(ticket, dequeue_burst, "8 values", ticket_holds, 20, 8, P(&ticket), P(values), 8);
    ROW(ticket, enqueue_bulk, "8 values", ticket_holds, 0, YES, P(&ticket), P(values), 8);
    ROW(ticket, dequeue_bulk, "8 values", ticket_holds, 20, YES, P(&ticket), P(values), 8);
    ROW(ticket, size_approx, "", ticket_holds, 20, 20, P(&ticket));
    ROW(ticket_24, try_enqueue, "24 bytes", ticket_24_holds, 3, YES, P(&ticket_of_24), P(elements));
    ROW(ticket_24, try_dequeue, "24 bytes", ticket_24_holds, 3, YES, P(&ticket_of_24), P(elements));
}

void costs_of_queues(void)
{
    spsc_rows();
    mpsc_rows();
#ifdef WEIR_HAVE_MPMC
    mpmc_rows();
#endif
    ticket_rows();
}

#else

/* A translation unit is not empty. */
typedef int costs_none;

#endif
