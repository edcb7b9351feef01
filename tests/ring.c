/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include "test.h"

#include <weir/ring.h>

static const size_t capacities[] = {1, 2, 3, 4, 5, 7, 8, 1000, 1024};

static void refuses_impossible_capacities(void)
{
    weir_ring ring;

    CHECK(!weir_ring_make(&ring, 0));
    CHECK(!weir_ring_make(&ring, SIZE_MAX));
    CHECK(!weir_ring_make(&ring, (size_t)(WEIR_RING_CAPACITY_MAX + 1)));
    CHECK(weir_ring_make(&ring, (size_t)WEIR_RING_CAPACITY_MAX));
    CHECK_EQ(ring.last + 1, WEIR_RING_CAPACITY_MAX);
}

/* Every index comes in turn, every lap has its own base with bit 0 clear, and the
 * base of the next lap is one stride on: also across the wrap. */
static void visits_every_cell_in_every_lap(void)
{
    for (size_t c = 0; c < sizeof capacities / sizeof capacities[0]; c++) {
        const size_t capacity = capacities[c];
        weir_ring ring;
        uint64_t position;

        CHECK(weir_ring_make(&ring, capacity));
        CHECK(ring.mask >= 3 && ring.mask + 1 >= capacity);
        position = weir_ring_start(&ring, UINT64_MAX - 3 * (ring.mask + 1));
        position = weir_ring_base(&ring, position);
        for (unsigned lap = 0; lap < 6; lap++) {
            const uint64_t base = weir_ring_base(&ring, position);

            CHECK_EQ(base & 1, 0);
            for (uint64_t index = 0; index < capacity; index++) {
                CHECK_EQ(weir_ring_index(&ring, position), index);
                CHECK_EQ(weir_ring_base(&ring, position), base);
                position = weir_ring_next(&ring, position);
            }
            CHECK_EQ(weir_ring_base(&ring, position), base + ring.mask + 1);
        }
    }
}

static void advance_and_count_agree_with_single_steps(void)
{
    for (size_t c = 0; c < sizeof capacities / sizeof capacities[0]; c++) {
        const size_t capacity = capacities[c];
        weir_ring ring;
        uint64_t from;

        CHECK(weir_ring_make(&ring, capacity));
        from = weir_ring_start(&ring, UINT64_MAX - ring.mask - capacity / 2);
        for (unsigned i = 0; i < 2 * capacity && i < 50; i++) {
            uint64_t to = from;

            for (size_t n = 0; n <= capacity; n++) {
                CHECK_EQ(weir_ring_advance(&ring, from, n), to);
                CHECK_EQ(weir_ring_count(&ring, from, to), n);
                if (n > 0)
                    CHECK_EQ(weir_ring_count(&ring, to, from), 0);
                to = weir_ring_next(&ring, to);
            }
            CHECK_EQ(weir_ring_count(&ring, from, to), capacity);
            CHECK_EQ(weir_ring_count(&ring, from, to + 5 * (ring.mask + 1)), capacity);
            from = weir_ring_next(&ring, from);
        }
    }
}

static void starts_only_at_cells_that_exist(void)
{
    weir_ring ring;

    CHECK(weir_ring_make(&ring, 3));
    CHECK_EQ(weir_ring_start(&ring, 0), 0);
    CHECK_EQ(weir_ring_start(&ring, 2), 2);
    CHECK_EQ(weir_ring_start(&ring, 3), 2);
    CHECK_EQ(weir_ring_start(&ring, 4), 4);
    CHECK_EQ(weir_ring_start(&ring, UINT64_MAX), UINT64_MAX - 1);
}

int main(void)
{
    return TEST_RUN("ring", TEST_CASE(refuses_impossible_capacities),
                    TEST_CASE(visits_every_cell_in_every_lap),
                    TEST_CASE(advance_and_count_agree_with_single_steps),
                    TEST_CASE(starts_only_at_cells_that_exist));
}
