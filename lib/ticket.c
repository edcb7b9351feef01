/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/ticket.h>

#include <errno.h>

/* The sparse ring of `capacity` slots: index = block * 64 + slot in it. */
static bool make_ring(weir_ring *ring, size_t capacity, size_t element)
{
    const size_t slots = weir__ticket_slots(element);
    size_t blocks, spare;

    if (capacity == 0 || capacity > WEIR_TICKET_CAPACITY_MAX)
        return false;
    blocks = (capacity + slots - 1) / slots;
    spare = blocks * slots - capacity;
    if (!weir_ring_make(ring, blocks * 64))
        return false;
    ring->last = blocks * 64 - 64 + slots - 1 - spare;
    return true;
}

size_t weir__ticket_bytes(size_t capacity, size_t element)
{
    weir_ring ring;
    size_t bytes;

    if (element == 0 || element > SIZE_MAX / 2 || !make_ring(&ring, capacity, element) ||
        __builtin_mul_overflow((size_t)(ring.last / 64 + 1), weir__ticket_block_bytes(element),
                               &bytes))
        return 0;
    return bytes;
}

size_t weir_ticket_bytes(size_t capacity)
{
    return weir__ticket_bytes(capacity, sizeof(uintptr_t));
}

int weir__ticket_init(weir_ticket *queue, void *buffer, size_t bytes, size_t capacity,
                      size_t element, uint64_t start)
{
    const size_t needed = weir__ticket_bytes(capacity, element);
    weir_ring ring;
    uint64_t slot;

    WEIR_REQUIRE((uintptr_t)queue % WEIR_CACHELINE == 0,
                 "a weir_ticket must be aligned to WEIR_CACHELINE; weir_ticket_new() is");
    if (needed == 0 || buffer == NULL || (uintptr_t)buffer % WEIR_CACHELINE != 0 || bytes < needed)
        return -EINVAL;
    (void)make_ring(&ring, capacity, element);
    slot = weir__ticket_slots(element) - 1;
    if ((start & 63) > slot)
        start = (start & ~(uint64_t)63) | slot;
    start = weir_ring_start(&ring, start);
    queue->shape.cells = (unsigned char *)buffer;
    queue->shape.ring = ring;
    queue->shape.lap_shift = (unsigned)__builtin_ctzll(ring.mask + 1);
    queue->element = element;
    queue->allocated = 0;
    memset(buffer, 0, needed);
    for (uint64_t at = weir_ring_base(&ring, start), i = 0; i < capacity; i++) {
        const bool passed = weir_ring_index(&ring, at) < weir_ring_index(&ring, start);

        weir_atomic_init(weir__ticket_tag_at(weir__ticket_block(&queue->shape, at, element), at),
                         (uint8_t)(weir__ticket_empty_tag(&queue->shape, at) + (passed ? 2 : 0)));
        at = weir__ticket_next(&queue->shape, at, element);
    }
    weir_atomic_init(&queue->tail, start);
    weir_atomic_init(&queue->head, start);
    return 0;
}

int weir_ticket_init_at(weir_ticket *queue, void *buffer, size_t bytes, size_t capacity,
                        uint64_t start)
{
    return weir__ticket_init(queue, buffer, bytes, capacity, sizeof(uintptr_t), start);
}

int weir_ticket_init(weir_ticket *queue, void *buffer, size_t bytes, size_t capacity)
{
    return weir_ticket_init_at(queue, buffer, bytes, capacity, 0);
}

int weir_ticket_destroy(weir_ticket *queue)
{
    WEIR_REQUIRE(queue->shape.cells != NULL, "destroyed twice, or never made");
    if (weir_ticket_size_approx(queue) > 0)
        return -EBUSY;
    queue->shape.cells = NULL;
    return 0;
}

int weir__ticket_new(weir_ticket **queue, size_t capacity, size_t element)
{
    const size_t cells = weir__ticket_bytes(capacity, element);
    size_t total;
    weir_ticket *made;
    int status;

    if (cells == 0 || __builtin_add_overflow(cells, sizeof *made, &total))
        return -EINVAL;
    made = (weir_ticket *)weir_alloc(total, WEIR_CACHELINE);
    if (made == NULL)
        return -ENOMEM;
    status = weir__ticket_init(made, made + 1, cells, capacity, element, 0);
    WEIR_REQUIRE(status == 0, "the allocator returned memory that is not aligned as asked");
    made->allocated = total;
    *queue = made;
    return 0;
}

int weir_ticket_new(weir_ticket **queue, size_t capacity)
{
    return weir__ticket_new(queue, capacity, sizeof(uintptr_t));
}

int weir_ticket_free(weir_ticket *queue)
{
    int status;

    if (queue == NULL)
        return 0;
    WEIR_REQUIRE(queue->allocated != 0, "not made by weir_ticket_new()");
    status = weir_ticket_destroy(queue);
    if (status == 0)
        weir_release(queue, queue->allocated);
    return status;
}

/* Attempts until one claims, or is refused: then with a count of 0. */
static weir__ticket_claimed claim(const weir_ticket *queue, WEIR_ATOMIC(uint64_t) * end,
                                  uint8_t ready, size_t least, size_t most, bool lost)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    weir__ticket_claimed claimed = {0, 0};
    weir__ticket_verdict verdict;

    do {
        if (lost)
            weir_backoff_wait(&backoff);
        verdict =
            weir__ticket_attempt(&queue->shape, end, ready, least, most, queue->element, &claimed);
        lost = verdict == WEIR__TICKET_LOST;
    } while (lost || verdict == WEIR__TICKET_PASSED);
    return claimed;
}

size_t weir__ticket_put_on(weir_ticket *queue, const void *elements, size_t least, size_t most,
                           bool lost)
{
    const weir__ticket_claimed claimed = claim(queue, &queue->tail, 0, least, most, lost);

    weir__ticket_fill(&queue->shape, &claimed, most, (const unsigned char *)elements,
                      queue->element);
    return claimed.count;
}

size_t weir__ticket_take_on(weir_ticket *queue, void *elements, size_t least, size_t most,
                            bool lost)
{
    const weir__ticket_claimed claimed = claim(queue, &queue->head, 1, least, most, lost);

    weir__ticket_drain(&queue->shape, &claimed, most, (unsigned char *)elements, queue->element);
    return claimed.count;
}

/* Slots before that of `position` in a lap. */
static uint64_t slots_before(const weir_ticket *queue, uint64_t position)
{
    const uint64_t index = weir_ring_index(&queue->shape.ring, position);

    return index / 64 * weir__ticket_slots(queue->element) + (index & 63);
}

size_t weir_ticket_capacity(const weir_ticket *queue)
{
    return (size_t)slots_before(queue, queue->shape.ring.last) + 1;
}

size_t weir_ticket_size_approx(const weir_ticket *queue)
{
    const size_t capacity = weir_ticket_capacity(queue);
    /* relaxed: two numbers that need not be of one moment. */
    const uint64_t head = weir_atomic_load(&queue->head, WEIR_RELAXED);
    const uint64_t tail = weir_atomic_load(&queue->tail, WEIR_RELAXED);
    const uint64_t laps = (tail >> queue->shape.lap_shift) - (head >> queue->shape.lap_shift);
    uint64_t inside = slots_before(queue, tail) - slots_before(queue, head);

    if ((int64_t)(tail - head) <= 0)
        return 0; /* others went on between the two looks */
    /* Modulo the laps that a position can count, at the wrap. */
    if (laps << queue->shape.lap_shift > queue->shape.ring.mask + 1)
        return capacity;
    if (laps << queue->shape.lap_shift != 0)
        inside += capacity;
    return inside < capacity ? (size_t)inside : capacity;
}
