/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The C half of tests/mixed.h, and its cases. */

#include "mixed.h"

static const mixed_face mixed_c = MIXED_FACE("C");

static void sizes_and_offsets_are_the_same(void)
{
    mixed_place in_c[MIXED_PLACES], in_cxx[MIXED_PLACES];
    const size_t count = mixed_c.layout(in_c);

    CHECK_EQ(mixed_cxx.layout(in_cxx), count);
    for (size_t i = 0; i < count; i++) {
        printf("%-36s C %4zu, C++ %4zu\n", in_c[i].what, in_c[i].bytes, in_cxx[i].bytes);
        CHECK(strcmp(in_c[i].what, in_cxx[i].what) == 0);
        CHECK_EQ(in_cxx[i].bytes, in_c[i].bytes);
    }
}

static void each_language_uses_what_the_other_made(void)
{
    const mixed_face *const faces[] = {&mixed_c, &mixed_cxx};

    for (unsigned way = 0; way < 16; way++) {
        const mixed_face *const maker = faces[way & 1], *const putter = faces[way >> 1 & 1];
        const mixed_face *const taker = faces[way >> 2 & 1], *const ender = faces[way >> 3 & 1];
        mixed *const m = (mixed *)weir_alloc(sizeof *m, WEIR_CACHELINE);

        CHECK(m != NULL);
        maker->make(m);
        for (int again = 0; again < 3; again++) {
            putter->put(m);
            taker->take(m);
        }
        ender->end(m);
        weir_release(m, sizeof *m);
    }
}

int main(void)
{
    return TEST_RUN("mixed", TEST_CASE(sizes_and_offsets_are_the_same),
                    TEST_CASE(each_language_uses_what_the_other_made));
}
