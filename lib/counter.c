/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/counter.h>

#include <errno.h>
#include <unistd.h>

/* With fewer CPUs than this a thread's shard is found by hash, and two threads meet on
 * the same one with a chance of one in the number of slots. */
#define SLOTS_MIN 16

size_t weir_counter_sharded_slots(void)
{
    const long cpus = sysconf(_SC_NPROCESSORS_CONF);

    if (cpus < SLOTS_MIN)
        return SLOTS_MIN;
    return cpus > WEIR_COUNTER_SLOTS_MAX ? WEIR_COUNTER_SLOTS_MAX : (size_t)cpus;
}

size_t weir_counter_sharded_bytes(size_t slots)
{
    if (slots == 0 || slots > WEIR_COUNTER_SLOTS_MAX)
        return 0;
    return sizeof(weir_counter_sharded) + slots * sizeof(weir__counter_slot);
}

static void make(weir_counter_sharded *c, size_t slots, uint64_t start, bool allocated)
{
    weir__counter_slot *const slot = weir__counter_slots(c);

    for (size_t i = 0; i < slots; i++) {
        weir_atomic_init(&slot[i].cpu, 0);
        weir_atomic_init(&slot[i].shard, i == 0 ? start : 0);
    }
    c->allocated = allocated;
    c->count = (uint32_t)slots;
}

int weir_counter_sharded_init_at(weir_counter_sharded **out, void *buffer, size_t bytes,
                                 size_t slots, uint64_t start)
{
    const size_t needed = weir_counter_sharded_bytes(slots);

    if (needed == 0 || buffer == NULL || (uintptr_t)buffer % WEIR_CACHELINE != 0 || bytes < needed)
        return -EINVAL;
    make((weir_counter_sharded *)buffer, slots, start, false);
    *out = (weir_counter_sharded *)buffer;
    return 0;
}

int weir_counter_sharded_init(weir_counter_sharded **out, void *buffer, size_t bytes, size_t slots)
{
    return weir_counter_sharded_init_at(out, buffer, bytes, slots, 0);
}

void weir_counter_sharded_destroy(weir_counter_sharded *c)
{
    WEIR_REQUIRE(c->count != 0, "destroyed twice, or before init");
    WEIR_REQUIRE(!c->allocated, "made by _new: give it to weir_counter_sharded_free()");
    c->count = 0;
}

int weir_counter_sharded_new(weir_counter_sharded **out, size_t slots)
{
    const size_t bytes = weir_counter_sharded_bytes(slots);
    weir_counter_sharded *c;

    if (bytes == 0)
        return -EINVAL;
    c = (weir_counter_sharded *)weir_alloc(bytes, WEIR_CACHELINE);
    if (c == NULL)
        return -ENOMEM;
    WEIR_REQUIRE((uintptr_t)c % WEIR_CACHELINE == 0,
                 "the allocator's memory is not aligned as it was asked to be");
    make(c, slots, 0, true);
    *out = c;
    return 0;
}

void weir_counter_sharded_free(weir_counter_sharded *c)
{
    if (c == NULL)
        return;
    WEIR_REQUIRE(c->count != 0, "freed twice");
    WEIR_REQUIRE(c->allocated, "made by _init: give it to weir_counter_sharded_destroy()");
    weir_release(c, weir_counter_sharded_bytes(c->count));
}

uint64_t weir_counter_sharded_read(const weir_counter_sharded *c)
{
    const weir__counter_slot *const slot = (const weir__counter_slot *)(const void *)(c + 1);
    uint64_t sum = 0;

    WEIR_ASSERT(c->count != 0, "used after destroy, or before init");
    for (uint32_t i = 0; i < c->count; i++) {
        /* relaxed: a counter publishes nothing; each cell is read whole, and the edge that
         * makes the count exact at rest is the caller's (a join). */
        sum += weir_atomic_load(&slot[i].cpu, WEIR_RELAXED);
        sum += weir_atomic_load(&slot[i].shard, WEIR_RELAXED);
    }
    return sum;
}
