/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/umpmc.h>

#include <errno.h>

static size_t bytes_of(size_t slots)
{
    return sizeof(weir__umpmc_segment) + slots * sizeof(weir__umpmc_cell);
}

static weir__umpmc_segment *make_segment(uint32_t slots)
{
    weir__umpmc_segment *const segment =
        (weir__umpmc_segment *)weir_alloc(bytes_of(slots), WEIR_CACHELINE);

    if (segment == NULL)
        return NULL;
    memset((void *)segment, 0, bytes_of(slots));
    segment->slots = slots;
    return segment;
}

static void release_segment(weir_retired *retired)
{
    weir__umpmc_segment *const segment = (weir__umpmc_segment *)(void *)retired;

    weir_release((void *)segment, bytes_of(segment->slots));
}

/* ---- life ---- */

int weir_umpmc_init(weir_umpmc *queue, weir_guard *domain, size_t slots)
{
    weir__umpmc_segment *first;

    WEIR_REQUIRE((uintptr_t)queue % WEIR_CACHELINE == 0,
                 "a weir_umpmc must be aligned to WEIR_CACHELINE; weir_umpmc_new() is");
    WEIR_REQUIRE(domain != NULL, "a queue wants a domain for its emptied segments");
    if (slots > WEIR_UMPMC_SLOTS_MAX)
        return -EINVAL;
    if (slots == 0)
        slots = WEIR_UMPMC_SLOTS;
#ifndef WEIR_HAVE_DWORD_CAS
    slots = 1;
#endif
    first = make_segment((uint32_t)slots);
    if (first == NULL)
        return -ENOMEM;
    /* Its one cell cannot be filled later: the dummy of the list as published. */
    if (slots == 1)
        weir_atomic_init(&weir__umpmc_cell_of(first, 0)->lo, WEIR__UMPMC_TAKEN);
    memset((void *)queue, 0, sizeof *queue);
    weir_atomic_init(&queue->head, first);
    weir_atomic_init(&queue->tail, first);
    queue->domain = domain;
    queue->slots = (uint32_t)slots;
    return 0;
}

int weir_umpmc_destroy(weir_umpmc *queue)
{
    uint64_t state = WEIR__UMPMC_TAKEN;
    weir__umpmc_segment *head;

    WEIR_REQUIRE(queue->slots != 0, "destroyed twice, or never made");
    /* relaxed: nobody else uses it; here and below. */
    head = weir_atomic_load(&queue->head, WEIR_RELAXED);
    for (uint32_t slot = 0; slot < head->slots && state == WEIR__UMPMC_TAKEN; slot++)
        state = weir_atomic_load(&weir__umpmc_cell_of(head, slot)->lo, WEIR_RELAXED);
    /* relaxed: as above. A next segment holds a value, or `head` would have gone there. */
    if (state == WEIR__UMPMC_FULL || weir_atomic_load(&head->next, WEIR_RELAXED) != NULL)
        return -EBUSY;
    release_segment(&head->retired);
    queue->slots = 0;
    return 0;
}

int weir_umpmc_new(weir_umpmc **queue, weir_guard *domain, size_t slots)
{
    weir_umpmc *const made = (weir_umpmc *)weir_alloc(sizeof(weir_umpmc), WEIR_CACHELINE);
    int status;

    if (made == NULL)
        return -ENOMEM;
    status = weir_umpmc_init(made, domain, slots);
    if (status != 0) {
        weir_release((void *)made, sizeof *made);
        return status;
    }
    made->allocated = true;
    *queue = made;
    return 0;
}

int weir_umpmc_free(weir_umpmc *queue)
{
    int status;

    if (queue == NULL)
        return 0;
    WEIR_REQUIRE(queue->allocated, "not made by weir_umpmc_new()");
    status = weir_umpmc_destroy(queue);
    if (status == 0)
        weir_release((void *)queue, sizeof *queue);
    return status;
}

/* ---- one segment, to its end ---- */

#ifdef WEIR_HAVE_DWORD_CAS
/* Makes an empty cell the end. */
static bool mark_cell(weir__umpmc_segment *segment, uint32_t slot)
{
    uint64_t state = WEIR__UMPMC_EMPTY;

    /* sync(closed): release. Pairs with the load in fill_any(); what the closer had done.
     * relaxed on failure: looked at again. */
    return weir_atomic_cas(&weir__umpmc_cell_of(segment, slot)->lo, &state, WEIR__UMPMC_CLOSED,
                           WEIR_RELEASE, WEIR_RELAXED);
}
#endif

/* Puts a value into the first empty cell, or with `state` CLOSED, the mark. Returns: 0; 1 if there
 * is no empty one; -EPIPE if it is the end. */
static int fill_any(weir__umpmc_segment *segment, uint64_t state, uintptr_t value)
{
#ifdef WEIR_HAVE_DWORD_CAS
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    /* sync(behind): acquire. Pairs with the store in weir__umpmc_fill_cell(); that the cells before
     * `slot` are not empty. */
    uint32_t slot = weir_atomic_load(&segment->first_empty, WEIR_ACQUIRE);

    while (slot < segment->slots) {
        /* sync(closed): acquire. Pairs with mark_cell(). */
        const uint64_t found =
            weir_atomic_load(&weir__umpmc_cell_of(segment, slot)->lo, WEIR_ACQUIRE);

        if (found == WEIR__UMPMC_CLOSED)
            return -EPIPE;
        if (found != WEIR__UMPMC_EMPTY) {
            slot++;
            continue;
        }
        if (state == WEIR__UMPMC_CLOSED ? mark_cell(segment, slot)
                                        : weir__umpmc_fill_cell(segment, slot, value))
            return 0;
        weir_backoff_wait(&backoff);
    }
#else
    /* Of one cell, which was filled, or is the end. relaxed: as it was appended. */
    if (weir_atomic_load(&weir__umpmc_cell_of(segment, 0)->lo, WEIR_RELAXED) == WEIR__UMPMC_CLOSED)
        return -EPIPE;
    (void)state;
    (void)value;
#endif
    return 1;
}

/* Takes the value of the first cell that is not taken. Returns: 1; 0 if it is empty; -1 if all are
 * taken. */
static int take_any(weir__umpmc_segment *segment, uintptr_t *value)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    /* sync(taken): acquire. Pairs with the stores in weir__umpmc_take_cell() and below. */
    const uint32_t from = weir_atomic_load(&segment->first_full, WEIR_ACQUIRE);
    uint32_t slot = from;
    int took = -1;

    for (; slot < segment->slots; slot++) {
        took = weir__umpmc_take_cell(segment, slot, value);
        if (took >= 0)
            break;
        if (took == -2)
            weir_backoff_wait(&backoff);
        took = -1;
    }
    /* A call that takes nothing leaves the hint where it came to: the next need not walk.
     * sync(taken): release. Pairs with the loads in weir__umpmc_take() and above; that the cells
     * before were seen taken. */
    if (took <= 0 && slot > from)
        weir_atomic_store(&segment->first_full, slot, WEIR_RELEASE);
    return took;
}

/* ---- from segment to segment ---- */

/* A new segment, with its first cell filled, or the end. */
static void begin(weir__umpmc_segment *segment, uint64_t state, uintptr_t value)
{
#ifdef WEIR_HAVE_DWORD_CAS
    if (state == WEIR__UMPMC_CLOSED) {
        (void)mark_cell(segment, 0);
        return;
    }
#endif
    weir_atomic_init(&weir__umpmc_cell_of(segment, 0)->hi, value);
    weir_atomic_init(&weir__umpmc_cell_of(segment, 0)->lo, state);
    weir_atomic_init(&segment->first_empty, state == WEIR__UMPMC_FULL ? 1 : 0);
}

/* Of one that appends and one that finds nothing
 *     append a segment         || say that one sleeps
 *     does somebody sleep?     || look at `next`
 * one sees the other. */

/* With `tail` held, and full. Returns: 0: the value, or the mark, is in a new segment; 1: somebody
 * else has appended one; -ENOMEM. */
static int append(weir_umpmc *queue, weir_guard_record *record, weir__umpmc_segment *tail,
                  uint64_t state, uintptr_t value)
{
    /* sync(appended): acquire. Pairs with the compare-and-swap below; the segment, which `tail` is
     * made to point to. */
    weir__umpmc_segment *next = weir_atomic_load(&tail->next, WEIR_ACQUIRE);
    weir__umpmc_segment *mine = NULL;

    if (next == NULL) {
        mine = make_segment(queue->slots);
        if (mine == NULL)
            return -ENOMEM;
        weir_guard_born(record, &mine->retired);
        begin(mine, state, value);
        /* sync(appended): release. Pairs with weir__umpmc_hold() and advance(); the
         * segment.
         * sync(filled): release. Pairs with the load of the state in weir__umpmc_take_cell(), by
         * way of those; the value and what it points to. sync(appended): acquire. Pairs with
         * itself, on failure: the other's segment. seq_cst: see above. */
        if (weir_atomic_cas(&tail->next, &next, mine, WEIR_SEQ_CST, WEIR_ACQUIRE)) {
            next = mine;
        } else {
            /* The value is a word, and still the caller's: nothing is lost with the segment. */
            release_segment(&mine->retired);
            mine = NULL;
        }
    }
    /* sync(appended): release. Pairs with the load in weir__umpmc_hold(); the segment.
     * relaxed on failure: somebody else has done it. */
    weir_atomic_cas(&queue->tail, &tail, next, WEIR_RELEASE, WEIR_RELAXED);
    return mine != NULL ? 0 : 1;
}

/* With `head` held, and all of it taken. Returns: false if there is nothing behind it. */
static bool advance(weir_umpmc *queue, weir_guard_record *record, weir__umpmc_segment *head)
{
    /* sync(appended): acquire. Pairs with the compare-and-swap in append(); the next
     * segment. seq_cst: as in append(), of
     *     append a segment         || say that one sleeps
     *     does somebody sleep?     || look at `next`. */
    weir__umpmc_segment *const next = weir_atomic_load(&head->next, WEIR_SEQ_CST);
    weir__umpmc_segment *expected = head;

    if (next == NULL)
        return false;
    /* `tail` first: it must not point to a segment that is retired. It only goes forward, so
     * whatever made this fail has moved it beyond `head`.
     * sync(appended): release. Pairs with the load in weir__umpmc_hold(). relaxed on failure. */
    weir_atomic_cas(&queue->tail, &expected, next, WEIR_RELEASE, WEIR_RELAXED);
    expected = head;
    /* sync(appended): release. Pairs with the load in weir__umpmc_hold().
     * relaxed on failure: somebody else has done it. */
    if (weir_atomic_cas(&queue->head, &expected, next, WEIR_RELEASE, WEIR_RELAXED))
        weir_guard_retire(record, &head->retired, release_segment, bytes_of(head->slots));
    return true;
}

/* ---- operations ---- */

/* Puts a value, or the mark, where the list ends, and ends the section. */
static int put_on(weir_umpmc *queue, weir_guard_record *record, weir_section section,
                  weir__umpmc_segment *tail, uint64_t state, uintptr_t value)
{
    const unsigned scheme = record->reader.scheme;
    int status;

    while ((status = fill_any(tail, state, value)) > 0 &&
           (status = append(queue, record, tail, state, value)) > 0)
        tail = weir__umpmc_hold(record, &queue->tail, scheme);
    weir__umpmc_end(record, section, scheme);
    return status;
}

int weir__umpmc_enqueue_on(weir_umpmc *queue, weir_guard_record *record, weir_section section,
                           weir__umpmc_segment *tail, uintptr_t value)
{
    return put_on(queue, record, section, tail, WEIR__UMPMC_FULL, value);
}

int weir__umpmc_close(weir_umpmc *queue, weir_guard_record *record)
{
    const unsigned scheme = record->reader.scheme;
    const weir_section section = weir__umpmc_begin(record, scheme);
    const int status =
        put_on(queue, record, section, weir__umpmc_hold(record, &queue->tail, scheme),
               WEIR__UMPMC_CLOSED, 0);

    return status == -EPIPE ? -EALREADY : status;
}

bool weir__umpmc_dequeue_on(weir_umpmc *queue, weir_guard_record *record, weir_section section,
                            weir__umpmc_segment *head, uintptr_t *value)
{
    const unsigned scheme = record->reader.scheme;
    int took;

    while ((took = take_any(head, value)) < 0 && advance(queue, record, head))
        head = weir__umpmc_hold(record, &queue->head, scheme);
    weir__umpmc_end(record, section, scheme);
    return took > 0;
}

int weir__umpmc_enqueue_interval(weir_umpmc *queue, weir_guard_record *record, uintptr_t value)
{
    return weir__umpmc_enqueue_with(queue, record, value, WEIR__INTERVAL);
}

bool weir__umpmc_dequeue_interval(weir_umpmc *queue, weir_guard_record *record, uintptr_t *value)
{
    return weir__umpmc_dequeue_with(queue, record, value, WEIR__INTERVAL);
}

/* With hazards, without calls that come back: they would cost more registers to be saved than the
 * rest has to do. */

__attribute__((noinline)) static int enqueue_slowly(weir_umpmc *queue, weir_guard_record *record,
                                                    uintptr_t value)
{
    return weir__umpmc_enqueue_with(queue, record, value, WEIR__HAZARD);
}

__attribute__((noinline)) static bool dequeue_slowly(weir_umpmc *queue, weir_guard_record *record,
                                                     uintptr_t *value)
{
    return weir__umpmc_dequeue_with(queue, record, value, WEIR__HAZARD);
}

/* weir__umpmc_hold() in one try. Returns: NULL: go the other way. */
static inline weir__umpmc_segment *try_hold(weir_guard_record *record,
                                            WEIR_ATOMIC(weir__umpmc_segment *) * from)
{
    weir__reader *const reader = &record->reader;
    /* relaxed: to be confirmed. */
    weir__umpmc_segment *const segment = weir_atomic_load(from, WEIR_RELAXED);

    if (!weir__hazard_try_publish(reader, &reader->hazard[WEIR_HAZARD_SLOTS], segment))
        return NULL;
    /* sync(appended): acquire. Pairs with the compare-and-swaps in append() and advance(); the
     * segment. */
    return WEIR_LIKELY(weir_atomic_load(from, WEIR_ACQUIRE) == segment) ? segment : NULL;
}

int weir__umpmc_enqueue_hazard(weir_umpmc *queue, weir_guard_record *record, uintptr_t value)
{
    const weir_section none = {0};
    weir__umpmc_segment *const tail = try_hold(record, &queue->tail);

    if (WEIR_UNLIKELY(tail == NULL))
        return enqueue_slowly(queue, record, value);
    if (!WEIR_LIKELY(weir__umpmc_fill(tail, value)))
        return weir__umpmc_enqueue_on(queue, record, none, tail, value);
    weir__umpmc_end(record, none, WEIR__HAZARD);
    return 0;
}

bool weir__umpmc_dequeue_hazard(weir_umpmc *queue, weir_guard_record *record, uintptr_t *value)
{
    const weir_section none = {0};
    weir__umpmc_segment *const head = try_hold(record, &queue->head);
    int took;

    if (WEIR_UNLIKELY(head == NULL))
        return dequeue_slowly(queue, record, value);
    took = weir__umpmc_take(head, value);
    if (!WEIR_LIKELY(took >= 0))
        return weir__umpmc_dequeue_on(queue, record, none, head, value);
    if (took == 0) {
        weir__umpmc_end(record, none, WEIR__HAZARD);
        return false;
    }
    weir__umpmc_end(record, none, WEIR__HAZARD);
    return true;
}

size_t weir_umpmc_dequeue_burst(weir_umpmc *queue, weir_guard_record *record, uintptr_t *values,
                                size_t n)
{
    const unsigned scheme = record->reader.scheme;
    const weir_section section = weir__umpmc_begin(record, scheme);
    size_t got = 0;

    WEIR_REQUIRE(queue->slots != 0, "used after destroy, or before init");
    while (got < n) {
        weir__umpmc_segment *const head = weir__umpmc_hold(record, &queue->head, scheme);
        int took = 1;

        while (got < n && (took = take_any(head, &values[got])) > 0)
            got++;
        if (took == 0 || (took < 0 && !advance(queue, record, head)))
            break;
    }
    weir__umpmc_end(record, section, scheme);
    return got;
}

size_t weir__umpmc_size(weir_umpmc *queue, weir_guard_record *record)
{
    const weir_section section = weir__umpmc_begin(record, WEIR__EPOCH);
    weir__umpmc_segment *segment = weir__umpmc_hold(record, &queue->head, WEIR__EPOCH);
    size_t size = 0;

    while (segment != NULL) {
        /* relaxed: both: hints. */
        const uint32_t empty = weir_atomic_load(&segment->first_empty, WEIR_RELAXED);
        const uint32_t full = weir_atomic_load(&segment->first_full, WEIR_RELAXED);

        size += empty > full ? empty - full : 0;
        /* sync(appended): acquire. Pairs with the compare-and-swap in append(); the segment. */
        segment = weir_atomic_load(&segment->next, WEIR_ACQUIRE);
    }
    weir__umpmc_end(record, section, WEIR__EPOCH);
    return size;
}
