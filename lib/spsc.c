/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/spsc.h>

#include <errno.h>

/* Groups between two looks at the other side's position, and bytes of a group that are
 * prefetched at most. Measured: a look at every group takes the other side's line from it
 * too often, and a longer way ahead gains nothing. */
#define TURNS_A_LOOK 8
#define PREFETCHED_BYTES 512

static size_t group_stride(size_t element)
{
    const size_t bytes = weir__spsc_header(element) + weir__spsc_count(element) * element;

    return (bytes + 63) / 64 * 64;
}

size_t weir_spsc_bytes(size_t capacity, size_t element)
{
    size_t count, groups, last, full;

    if (capacity == 0 || capacity > WEIR_RING_CAPACITY_MAX || element == 0 ||
        element > WEIR_RING_CAPACITY_MAX)
        return 0;
    count = weir__spsc_count(element);
    groups = (capacity + count - 1) / count;
    last = weir__spsc_header(element) + (capacity - (groups - 1) * count) * element;
    if (__builtin_mul_overflow(groups - 1, group_stride(element), &full) ||
        __builtin_add_overflow(full, last, &full) || full > SIZE_MAX - sizeof(weir_spsc) - 64)
        return 0;
    return (full + 63) / 64 * 64;
}

/* The group of `index`, counted from the buffer's begin. */
static weir__spsc_group *group_at(const weir_spsc *queue, uint64_t index)
{
    return (weir__spsc_group *)(void *)((unsigned char *)queue->groups +
                                        (size_t)index * queue->stride);
}

/* The position of the first element after the group that `base` begins. */
static uint64_t end_of_group(const weir_spsc *queue, uint64_t base)
{
    return base + ((base & queue->mask) == queue->last_group ? queue->last_count : queue->count);
}

/* The position at which the group after the one that `base` begins, begins. */
static uint64_t next_group(const weir_spsc *queue, uint64_t base)
{
    return (base & queue->mask) == queue->last_group ? (base | queue->mask) + 1
                                                     : base + queue->shape.offsets + 1;
}

static weir__spsc_group *group_after(const weir_spsc *queue, weir__spsc_group *group, uint64_t base)
{
    return (base & queue->mask) == queue->last_group
               ? queue->groups
               : (weir__spsc_group *)(void *)((unsigned char *)group + queue->stride);
}

static void stand_at(const weir_spsc *queue, weir__spsc_side *side, uint64_t start)
{
    const uint64_t width = queue->shape.offsets + 1;

    weir_atomic_init(&side->position, start);
    side->limit = start;
    side->end = end_of_group(queue, start);
    side->group = group_at(queue, (start & queue->mask) / width);
    side->hint = start;
    side->fetched = start;
    side->turns = 0;
}

int weir_spsc_init_at(weir_spsc *queue, void *buffer, size_t bytes, size_t capacity, size_t element,
                      uint64_t start)
{
    const size_t needed = weir_spsc_bytes(capacity, element);
    uint64_t width, groups, lap = 2;

    WEIR_REQUIRE((uintptr_t)queue % WEIR_CACHELINE == 0,
                 "a weir_spsc must be aligned to WEIR_CACHELINE; weir_spsc_new() is");
    if (needed == 0 || buffer == NULL || (uintptr_t)buffer % WEIR_CACHELINE != 0 || bytes < needed)
        return -EINVAL;
    queue->groups = (weir__spsc_group *)buffer;
    queue->shape = weir__spsc_shape_of(element);
    queue->count = weir__spsc_count(element);
    queue->stride = group_stride(element);
    queue->capacity = capacity;
    queue->allocated = 0;
    groups = (capacity + queue->count - 1) / queue->count;
    width = queue->shape.offsets + 1;
    while (lap < groups * width)
        lap *= 2;
    queue->mask = lap - 1;
    queue->last_group = (groups - 1) * width;
    queue->last_count = capacity - (groups - 1) * queue->count;

    /* To the begin of a group that exists: only there are the elements of a lap before, and
     * none but those, in the words of each group. */
    start &= ~queue->shape.offsets;
    if ((start & queue->mask) > queue->last_group)
        start = (start & ~queue->mask) | queue->last_group;
    for (uint64_t i = 0, base = start; i < groups; i++, base = next_group(queue, base)) {
        weir__spsc_group *const group = group_at(queue, (base & queue->mask) / width);

        weir_atomic_init(&group->filled, base);
        weir_atomic_init(&group->emptied, end_of_group(queue, base) - lap);
    }
    stand_at(queue, &queue->tail, start);
    stand_at(queue, &queue->head, start);
    return 0;
}

int weir_spsc_init(weir_spsc *queue, void *buffer, size_t bytes, size_t capacity, size_t element)
{
    return weir_spsc_init_at(queue, buffer, bytes, capacity, element, 0);
}

int weir_spsc_destroy(weir_spsc *queue)
{
    WEIR_REQUIRE(queue->groups != NULL, "destroyed twice, or never made");
    if (weir_spsc_size_approx(queue) > 0)
        return -EBUSY;
    queue->groups = NULL;
    queue->tail.group = NULL;
    queue->head.group = NULL;
    return 0;
}

int weir_spsc_new(weir_spsc **queue, size_t capacity, size_t element)
{
    const size_t buffer = weir_spsc_bytes(capacity, element);
    const size_t total = sizeof(weir_spsc) + buffer;
    weir_spsc *made;
    int status;

    if (buffer == 0)
        return -EINVAL;
    made = (weir_spsc *)weir_alloc(total, WEIR_CACHELINE);
    if (made == NULL)
        return -ENOMEM;
    status = weir_spsc_init(made, made + 1, buffer, capacity, element);
    WEIR_REQUIRE(status == 0, "the allocator returned memory that is not aligned as asked");
    made->allocated = total;
    *queue = made;
    return 0;
}

int weir_spsc_free(weir_spsc *queue)
{
    int status;

    if (queue == NULL)
        return 0;
    WEIR_REQUIRE(queue->allocated != 0, "not made by weir_spsc_new()");
    status = weir_spsc_destroy(queue);
    if (status == 0)
        weir_release(queue, queue->allocated);
    return status;
}

/* ---- turning over ---- */

/* Enters the group after the one that `side` stands in, at its end. Returns: its position. */
static uint64_t turn(weir_spsc *queue, weir__spsc_side *side)
{
    const uint64_t base = (side->end - 1) & ~queue->shape.offsets;
    const uint64_t next = next_group(queue, base);

    side->group = group_after(queue, side->group, base);
    side->end = end_of_group(queue, next);
    side->limit = next;
    weir__spsc_move(side, next);
    return next;
}

/* Whether the group that begins at `base` is ready: the other side has left it behind.
 * `ahead` is what the other's position counts more: a lap, for the producer. */
static bool is_ready(const weir_spsc *queue, const weir__spsc_side *side, uint64_t base,
                     uint64_t ahead)
{
    return (int64_t)(side->hint + ahead - (base + queue->count)) >= 0;
}

static void look(weir__spsc_side *side, const weir__spsc_side *other)
{
    if (side->turns++ % TURNS_A_LOOK == 0)
        side->hint = weir__spsc_position(other);
}

static size_t bytes_to_prefetch(const weir_spsc *queue, uint64_t base)
{
    const size_t bytes =
        queue->shape.header + (size_t)(end_of_group(queue, base) - base) * queue->shape.size;

    return bytes < PREFETCHED_BYTES ? bytes : PREFETCHED_BYTES;
}

uint64_t weir__spsc_turn_tail(weir_spsc *queue)
{
    weir__spsc_side *const tail = &queue->tail;
    const uint64_t position = turn(queue, tail);
    weir__spsc_group *group = tail->group;
    uint64_t base = position;

    look(tail, &queue->head);
    /* This group, if it was not ready at the last turn, and the next. */
    for (int i = 0; i < 2 && is_ready(queue, tail, base, queue->mask + 1); i++) {
        if ((int64_t)(tail->fetched - base) <= 0) {
            const size_t bytes = bytes_to_prefetch(queue, base);

            for (size_t at = 0; at < bytes; at += 64)
                weir_prefetch_write((const char *)group + at);
            tail->fetched = base + 1;
        }
        group = group_after(queue, group, base);
        base = next_group(queue, base);
    }
    return position;
}

uint64_t weir__spsc_turn_head(weir_spsc *queue)
{
    weir__spsc_side *const head = &queue->head;
    const uint64_t position = turn(queue, head);
    weir__spsc_group *group = head->group;
    uint64_t base = position;

    look(head, &queue->tail);
    for (int i = 0; i < 2 && is_ready(queue, head, base, 0); i++) {
        if ((int64_t)(head->fetched - base) <= 0) {
            const size_t bytes = bytes_to_prefetch(queue, base);

            for (size_t at = 0; at < bytes; at += 64)
                __builtin_prefetch((const char *)group + at, 0, 3);
            head->fetched = base + 1;
        }
        group = group_after(queue, group, base);
        base = next_group(queue, base);
    }
    return position;
}

/* ---- all or nothing ---- */

bool weir__spsc_has_room(weir_spsc *queue, size_t n)
{
    const weir__spsc_side *const tail = &queue->tail;
    uint64_t position = weir__spsc_position(tail);
    uint64_t end = tail->end;
    weir__spsc_group *group = tail->group;

    if (n > queue->capacity)
        return false;
    for (;;) {
        /* relaxed: counted alone; who writes there loads it again, in weir__spsc_find_room(). */
        const uint64_t limit = weir_atomic_load(&group->emptied, WEIR_RELAXED) + queue->mask + 1;
        const uint64_t base = (end - 1) & ~queue->shape.offsets;

        if ((int64_t)(limit - end) < 0)
            return (int64_t)(limit - position) > 0 && limit - position >= n;
        if (end - position >= n)
            return true;
        n -= (size_t)(end - position);
        group = group_after(queue, group, base);
        position = next_group(queue, base);
        end = end_of_group(queue, position);
    }
}

bool weir__spsc_has_elements(weir_spsc *queue, size_t n)
{
    const weir__spsc_side *const head = &queue->head;
    uint64_t position = weir__spsc_position(head);
    uint64_t end = head->end;
    weir__spsc_group *group = head->group;

    if (n > queue->capacity)
        return false;
    for (;;) {
        /* relaxed: counted alone; who reads there loads it again, in
         * weir__spsc_find_elements(). */
        const uint64_t limit = weir_atomic_load(&group->filled, WEIR_RELAXED);
        const uint64_t base = (end - 1) & ~queue->shape.offsets;

        if ((int64_t)(limit - end) < 0)
            return (int64_t)(limit - position) > 0 && limit - position >= n;
        if (end - position >= n)
            return true;
        n -= (size_t)(end - position);
        group = group_after(queue, group, base);
        position = next_group(queue, base);
        end = end_of_group(queue, position);
    }
}

/* ---- query ---- */

/* Elements before `position` in its lap. */
static uint64_t elements_before(const weir_spsc *queue, uint64_t position)
{
    const uint64_t index = position & queue->mask;

    return index / (queue->shape.offsets + 1) * queue->count + (index & queue->shape.offsets);
}

size_t weir_spsc_size_approx(const weir_spsc *queue)
{
    const uint64_t head = weir__spsc_position(&queue->head);
    const uint64_t tail = weir__spsc_position(&queue->tail);
    const uint64_t laps = (tail & ~queue->mask) - (head & ~queue->mask);
    int64_t size = (int64_t)(elements_before(queue, tail) - elements_before(queue, head));

    if ((int64_t)(tail - head) <= 0)
        return 0;
    if (laps > queue->mask + 1)
        return queue->capacity;
    if (laps != 0)
        size += (int64_t)queue->capacity;
    return size < 0 ? 0 : (uint64_t)size > queue->capacity ? queue->capacity : (size_t)size;
}
