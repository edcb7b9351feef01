/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#define WEIR_CHECKED 1

#include <weir/base.h>

#include "test.h"

static void version_is_one_number(void)
{
    CHECK_EQ(WEIR_VERSION_NUMBER(1, 2, 3), 1002003);
    CHECK_EQ(weir_version(), WEIR_VERSION);
    CHECK(weir_version_ok());
}

static void panic_says_where_and_why(void)
{
    CHECK_DIES(weir_panic("f", "a sentence"), "weir: f: a sentence\n");
}

static void broken_preconditions_abort(void)
{
    const int two = 2;

    WEIR_REQUIRE(two == 2, "never said");
    WEIR_ASSERT(two == 2, "never said");
    CHECK_DIES(WEIR_REQUIRE(two == 3, "two is not three"),
               "weir: broken_preconditions_abort: two is not three");
    CHECK_DIES(WEIR_ASSERT(two == 3, "two is not three"), "two is not three");
}

static void attributes_mean_something(void)
{
    typedef struct two_lines {
        WEIR_ALIGNAS(WEIR_CACHELINE) char a;
        WEIR_ALIGNAS(WEIR_CACHELINE) char b;
    } two_lines;

    CHECK_EQ(WEIR_CACHELINE, 128);
    CHECK_EQ(sizeof(two_lines), 256);
    CHECK_EQ(offsetof(two_lines, b), 128);
    CHECK(WEIR_LIKELY(1) && !WEIR_UNLIKELY(0) && WEIR_LIKELY(2) == 1);
}

static void memory_is_aligned(void)
{
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
        unsigned char *const p = (unsigned char *)weir_alloc(100, alignment);

        CHECK(p != NULL);
        CHECK_EQ((uintptr_t)p % alignment, 0);
        memset(p, 0xa5, 100);
        weir_release(p, 100);
    }
    weir_release(NULL, 100);
}

/* The sanitizers end the program on a request that large, unless told otherwise. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void too_much_memory_is_null(void)
{
    /* Through a variable: the compiler would say so itself. */
    volatile size_t bytes = SIZE_MAX / 2;

    CHECK(weir_alloc(bytes, 64) == NULL);
}

typedef struct ledger {
    size_t allocs, releases, bytes, alignment;
    void *pointer;
} ledger;

static _Alignas(64) unsigned char storage[64];

static void *ledger_alloc(size_t bytes, size_t alignment, void *context)
{
    ledger *const l = (ledger *)context;

    l->allocs++;
    l->bytes = bytes;
    l->alignment = alignment;
    return bytes <= sizeof storage ? storage : NULL;
}

static void ledger_release(void *pointer, size_t bytes, void *context)
{
    ledger *const l = (ledger *)context;

    l->releases++;
    l->bytes = bytes;
    l->pointer = pointer;
}

static void hook_gets_what_was_asked(void)
{
    ledger l = {0, 0, 0, 0, NULL};
    weir_allocator mine = {ledger_alloc, ledger_release, &l};
    void *p;

    weir_set_allocator(&mine);
    mine.alloc = NULL; /* it was copied */
    CHECK(weir_alloc(48, 32) == storage);
    CHECK_EQ(l.allocs, 1);
    CHECK_EQ(l.bytes, 48);
    CHECK_EQ(l.alignment, 32);
    CHECK(weir_alloc(65, 32) == NULL);
    weir_release(storage, 48);
    CHECK_EQ(l.releases, 1);
    CHECK_EQ(l.bytes, 48);
    CHECK(l.pointer == storage);
    weir_release(NULL, 48); /* not for the hook */
    CHECK_EQ(l.releases, 1);
    weir_set_allocator(NULL);
    p = weir_alloc(48, 32);
    CHECK(p != NULL && p != storage);
    weir_release(p, 48);
    CHECK_EQ(l.allocs, 2);
    CHECK_EQ(l.releases, 1);
}

static void half_a_hook_dies(void)
{
    const weir_allocator no_alloc = {NULL, ledger_release, NULL};
    const weir_allocator no_release = {ledger_alloc, NULL, NULL};

    CHECK_DIES(weir_set_allocator(&no_alloc), "an allocator needs both of its functions");
    CHECK_DIES(weir_set_allocator(&no_release), "an allocator needs both of its functions");
}

static void failing_allocator_fails_where_told(void)
{
    void *p, *q;

    test_alloc_fail_at(2);
    p = weir_alloc(10, 8);
    q = weir_alloc(10, 8);
    CHECK(p != NULL && q == NULL);
    CHECK_EQ(test_alloc_live, 10);
    weir_release(p, 10);
    CHECK_EQ(test_alloc_live, 0);
    weir_set_allocator(NULL);
}

int main(void)
{
    return TEST_RUN("base", TEST_CASE(version_is_one_number), TEST_CASE(panic_says_where_and_why),
                    TEST_CASE(broken_preconditions_abort), TEST_CASE(attributes_mean_something),
                    TEST_CASE(memory_is_aligned), TEST_CASE(too_much_memory_is_null),
                    TEST_CASE(hook_gets_what_was_asked), TEST_CASE(half_a_hook_dies),
                    TEST_CASE(failing_allocator_fails_where_told));
}
