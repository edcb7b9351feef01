/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/mpmc.h>

#include <errno.h>

#ifdef WEIR_HAVE_MPMC

size_t weir_mpmc_bytes(size_t capacity)
{
    weir_ring ring;

    return weir_ring_make(&ring, capacity) ? capacity * sizeof(weir_dword) : 0;
}

int weir_mpmc_init_at(weir_mpmc *queue, void *buffer, size_t bytes, size_t capacity, uint64_t start)
{
    weir_dword *const cells = (weir_dword *)buffer;
    weir_ring ring;

    WEIR_REQUIRE((uintptr_t)queue % WEIR_CACHELINE == 0,
                 "a weir_mpmc must be aligned to WEIR_CACHELINE; weir_mpmc_new() is");
    if (!weir_ring_make(&ring, capacity) || buffer == NULL ||
        (uintptr_t)buffer % WEIR_CACHELINE != 0 || bytes < weir_mpmc_bytes(capacity))
        return -EINVAL;
    start = weir_ring_start(&ring, start);
    for (uint64_t index = 0; index < capacity; index++) {
        const uint64_t base = weir_ring_base(&ring, start);
        const uint64_t passed = index < weir_ring_index(&ring, start) ? ring.mask + 1 : 0;

        weir_atomic_init(&cells[index].lo, base + passed);
        weir_atomic_init(&cells[index].hi, 0);
    }
    weir_atomic_init(&queue->tail, start);
    weir_atomic_init(&queue->head, start);
    queue->cells = cells;
    queue->ring = ring;
    queue->allocated = 0;
    return 0;
}

int weir_mpmc_init(weir_mpmc *queue, void *buffer, size_t bytes, size_t capacity)
{
    return weir_mpmc_init_at(queue, buffer, bytes, capacity, 0);
}

int weir_mpmc_destroy(weir_mpmc *queue)
{
    WEIR_REQUIRE(queue->cells != NULL, "destroyed twice, or never made");
    if (weir_mpmc_size_approx(queue) > 0)
        return -EBUSY;
    queue->cells = NULL;
    return 0;
}

int weir_mpmc_new(weir_mpmc **queue, size_t capacity)
{
    const size_t cells = weir_mpmc_bytes(capacity);
    const size_t total = sizeof(weir_mpmc) + cells;
    weir_mpmc *made;
    int status;

    if (cells == 0)
        return -EINVAL;
    made = (weir_mpmc *)weir_alloc(total, WEIR_CACHELINE);
    if (made == NULL)
        return -ENOMEM;
    status = weir_mpmc_init(made, made + 1, cells, capacity);
    WEIR_REQUIRE(status == 0, "the allocator returned memory that is not aligned as asked");
    made->allocated = total;
    *queue = made;
    return 0;
}

int weir_mpmc_free(weir_mpmc *queue)
{
    int status;

    if (queue == NULL)
        return 0;
    WEIR_REQUIRE(queue->allocated != 0, "not made by weir_mpmc_new()");
    status = weir_mpmc_destroy(queue);
    if (status == 0)
        weir_release(queue, queue->allocated);
    return status;
}

/* How far the cell of `position` is beyond it: at least `done` if the position is done. */
static int64_t passed(const weir_mpmc *queue, uint64_t position)
{
    const weir_dword *const cell = &queue->cells[weir_ring_index(&queue->ring, position)];

    /* sync(filled): acquire. sync(emptied): acquire. Pair with the compare-and-swaps in
     * weir__mpmc_put() and weir__mpmc_take(): a position that is seen done is
     * done with all before it. */
    return (int64_t)((weir_atomic_load(&cell->lo, WEIR_ACQUIRE) & ~(uint64_t)WEIR__MPMC_MARK) -
                     weir_ring_base(&queue->ring, position));
}

/* Positions that are walked one by one before seek() takes over. */
enum { WALK = 8 };

/* From `position`, which is done (for `done` = 1 filled, for 2 emptied), to a later one that was
 * not done when it was looked at, while the one before it was; O(log N). */
static uint64_t seek(const weir_mpmc *queue, uint64_t position, uint64_t done)
{
    const weir_ring *const ring = &queue->ring;
    uint64_t low = 0, high = ring->last + 1;
    int64_t beyond;

    /* Skip the laps in between: the last position of this cell that is done. */
    beyond = passed(queue, position);
    if (beyond < (int64_t)done)
        return position;
    position += (uint64_t)(beyond - (int64_t)done) & ~ring->mask;
    /* `low` cells on from position is done; `high` cells on was not when last looked at: that the
     * cell one lap on is not done was just read from it. */
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;

        if (passed(queue, weir_ring_advance(ring, position, middle)) >= (int64_t)done)
            low = middle;
        else
            high = middle;
    }
    return weir_ring_advance(ring, position, high);
}

/* Where to look after `position` was found passed: `end` is the hint that belongs to `done`. If
 * the hint went past it meanwhile there is contention: wait, so that the other thread keeps the
 * lines for a while. If not, the hint is old, or its owner sleeps: walk, then search. */
static uint64_t go_on(const weir_mpmc *queue, const WEIR_ATOMIC(uint64_t) * end, uint64_t position,
                      uint64_t done, weir_backoff *backoff, unsigned *walked)
{
    /* relaxed: only compared; who goes on there loads it again. */
    const uint64_t hint = weir_atomic_load(end, WEIR_RELAXED);

    if ((int64_t)(hint - position) > 0) {
        weir_backoff_wait(backoff);
        /* sync(tail): acquire. sync(head): acquire. Pair with the store in
         * weir__mpmc_store_hint(); all cells before the hint are seen filled, or emptied. */
        return weir_atomic_load(end, WEIR_ACQUIRE);
    }
    if (++*walked < WALK)
        return weir_ring_next(&queue->ring, position);
    *walked = 0;
    return seek(queue, position, done);
}

weir__mpmc_step weir__mpmc_put_on(weir_mpmc *queue, uint64_t position, uintptr_t value)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    weir__mpmc_verdict verdict;
    weir__mpmc_step step;
    unsigned walked = 0;

    do {
        position = go_on(queue, &queue->tail, position, 1, &backoff, &walked);
        verdict = weir__mpmc_put(queue, position, value);
    } while (verdict == WEIR__MPMC_PASSED);
    step.verdict = verdict;
    step.position = verdict == WEIR__MPMC_DONE ? weir_ring_next(&queue->ring, position) : position;
    return step;
}

weir__mpmc_step weir__mpmc_take_on(weir_mpmc *queue, uint64_t position, uintptr_t *value)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    weir__mpmc_verdict verdict;
    weir__mpmc_step step;
    unsigned walked = 0;

    do {
        position = go_on(queue, &queue->head, position, 2, &backoff, &walked);
        verdict = weir__mpmc_take(queue, position, value);
    } while (verdict == WEIR__MPMC_PASSED);
    step.verdict = verdict;
    step.position = verdict == WEIR__MPMC_DONE ? weir_ring_next(&queue->ring, position) : position;
    return step;
}

bool weir__mpmc_close(weir_mpmc *queue)
{
    /* sync(tail): acquire. Pairs with the store in weir__mpmc_store_hint(); all cells before are
     * seen filled. */
    uint64_t position = weir_atomic_load(&queue->tail, WEIR_ACQUIRE);

    for (;; position = weir_ring_next(&queue->ring, position)) {
        weir_dword *const cell = &queue->cells[weir_ring_index(&queue->ring, position)];
        const uint64_t base = weir_ring_base(&queue->ring, position);
        /* relaxed: here and below: who sees the close sees no older state of a cell than was seen
         * here. */
        uint64_t sequence = weir_atomic_load(&cell->lo, WEIR_RELAXED);

        /* Empty, or full of the lap before: the tail. */
        while ((int64_t)(sequence - base) <= WEIR__MPMC_MARK &&
               sequence != (base | WEIR__MPMC_FULL)) {
            if ((sequence & WEIR__MPMC_MARK) != 0)
                return false;
            /* sync(closed): release. Pairs with the load in weir__mpmc_put(); what the closer had
             * done. relaxed on failure: as above. */
            if (weir_atomic_cas(&cell->lo, &sequence, sequence | WEIR__MPMC_MARK, WEIR_RELEASE,
                                WEIR_RELAXED))
                return true;
        }
    }
}

size_t weir_mpmc_size_approx(const weir_mpmc *queue)
{
    const weir_ring *const ring = &queue->ring;
    /* relaxed: where to begin to look; the number is of no moment but after a join. */
    const uint64_t head = seek(queue, weir_atomic_load(&queue->head, WEIR_RELAXED), 2);
    const uint64_t tail = seek(queue, weir_atomic_load(&queue->tail, WEIR_RELAXED), 1);

    return weir_ring_count(ring, head, tail);
}

/* ---- slots ---- */

static size_t round_up(size_t bytes)
{
    return (bytes + WEIR_CACHELINE - 1) / WEIR_CACHELINE * WEIR_CACHELINE;
}

size_t weir_mpmc_slots_bytes(size_t capacity, size_t spare, size_t element)
{
    size_t filled, vacant, slots, sum;

    if (element == 0 || __builtin_add_overflow(capacity, spare, &sum))
        return 0;
    filled = weir_mpmc_bytes(capacity);
    vacant = weir_mpmc_bytes(sum);
    if (filled == 0 || vacant == 0 || __builtin_mul_overflow(sum, element, &slots))
        return 0;
    filled = round_up(filled);
    vacant = round_up(vacant);
    return __builtin_add_overflow(filled + vacant, slots, &sum) ? 0 : sum;
}

int weir_mpmc_slots_init_at(weir_mpmc_slots *queue, void *buffer, size_t bytes, size_t capacity,
                            size_t spare, size_t element, uint64_t start)
{
    const size_t needed = weir_mpmc_slots_bytes(capacity, spare, element);
    unsigned char *const memory = (unsigned char *)buffer;
    size_t filled, vacant;
    int status;

    if (needed == 0 || bytes < needed)
        return -EINVAL;
    filled = round_up(weir_mpmc_bytes(capacity));
    vacant = round_up(weir_mpmc_bytes(capacity + spare));
    status = weir_mpmc_init_at(&queue->filled, memory, filled, capacity, start);
    if (status == 0)
        status =
            weir_mpmc_init_at(&queue->vacant, memory + filled, vacant, capacity + spare, start);
    if (status != 0)
        return status;
    for (uintptr_t slot = 0; slot < capacity + spare; slot++)
        (void)weir_mpmc_try_enqueue(&queue->vacant, slot);
    queue->slots = memory + filled + vacant;
    queue->element = element;
    queue->allocated = 0;
    return 0;
}

int weir_mpmc_slots_init(weir_mpmc_slots *queue, void *buffer, size_t bytes, size_t capacity,
                         size_t spare, size_t element)
{
    return weir_mpmc_slots_init_at(queue, buffer, bytes, capacity, spare, element, 0);
}

int weir_mpmc_slots_destroy(weir_mpmc_slots *queue)
{
    const int status = weir_mpmc_destroy(&queue->filled);

    if (status == 0)
        queue->slots = NULL;
    return status;
}

int weir_mpmc_slots_new(weir_mpmc_slots **queue, size_t capacity, size_t spare, size_t element)
{
    const size_t cells = weir_mpmc_slots_bytes(capacity, spare, element);
    size_t total;
    weir_mpmc_slots *made;
    int status;

    if (cells == 0 || __builtin_add_overflow(cells, sizeof *made, &total))
        return -EINVAL;
    made = (weir_mpmc_slots *)weir_alloc(total, WEIR_CACHELINE);
    if (made == NULL)
        return -ENOMEM;
    status = weir_mpmc_slots_init(made, made + 1, cells, capacity, spare, element);
    WEIR_REQUIRE(status == 0, "the allocator returned memory that is not aligned as asked");
    made->allocated = total;
    *queue = made;
    return 0;
}

int weir_mpmc_slots_free(weir_mpmc_slots *queue)
{
    int status;

    if (queue == NULL)
        return 0;
    WEIR_REQUIRE(queue->allocated != 0, "not made by weir_mpmc_slots_new()");
    status = weir_mpmc_slots_destroy(queue);
    if (status == 0)
        weir_release(queue, queue->allocated);
    return status;
}

#endif /* WEIR_HAVE_MPMC */
