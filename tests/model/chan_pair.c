/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/chan_pair.c: channels for one sender and one receiver where the kernel makes a fence
 * for both sides. A library made for the sanitizer has none, so what puts these fences is compiled
 * here once more, with a sequentially consistent fence in place of each, as in
 * tests/model/deque.c. The letters are in tests/model/chan.h. */

#include <weir/atomic.h>
#include <weir/fence.h>

/* gcc warns that its own sanitizer does not know fences; the checker does. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wtsan"
#endif

static bool is_made(char fence);

static inline void light(void)
{
    if (is_made('l'))
        atomic_thread_fence(memory_order_seq_cst);
}

static inline void heavy(void)
{
    if (is_made('h'))
        atomic_thread_fence(memory_order_seq_cst);
}

static inline bool asymmetric(void)
{
    return true;
}

#define weir_fence_light light
#define weir_fence_heavy heavy
#define weir_fence_asymmetric asymmetric

#include "../../lib/wait.c"

#define has_lock arm_has_lock
#define spin spin_at_arms
#include "../../lib/select.c"
#undef has_lock
#undef spin

#include "../../lib/chan.c"

#include "chan.h"

static bool is_made(char fence)
{
    return current->without != fence;
}

#define WITHOUT(fence) .without = fence, .finding = WEIR_CHECK_LOST_WAKEUP

static const chan_case cases[] = {
    /* Nobody sleeps over a value, or over room. */
    {.chans = "p", .does = {"", "+a", "-a"}},
    {.chans = "p", .does = {"+a", "+a", "-a-a"}, AT_RANDOM},
    {.chans = "p", .does = {"+a", "+a", "-a-a"}, OFTEN},
    {.chans = "p", .does = {"", "+a+a", "-a-a"}, AT_RANDOM},
    {.chans = "p", .does = {"", "+a+a", "-a-a"}, OFTEN},
    {.chans = "p", .does = {"", "@-a", "+a"}},
    {.chans = "p", .does = {"", "2+a", "-a"}, AT_RANDOM},
    {.chans = "p", .does = {"", "2+a", "-a"}, OFTEN},
    {.chans = "p1", .does = {"", "[-a-b]", "+a"}, AT_RANDOM},
    {.chans = "p1", .does = {"", "[-a-b]", "+a"}, OFTEN},
    /* A close is seen. */
    {.chans = "p", .does = {"", "+axa", "-a-a"}, AT_RANDOM},
    {.chans = "p", .does = {"", "+axa", "-a-a"}, OFTEN},
    {.chans = "p", .does = {"", "+a", "-axa"}},
    /* Each of the two fences is needed. */
    {.chans = "p", .does = {"", "+a", "-a"}, WITHOUT('l')},
    {.chans = "p", .does = {"", "+a", "-a"}, WITHOUT('h')},
    {.chans = "p", .does = {"+a", "+a", "-a"}, WITHOUT('l')},
    {.chans = "p", .does = {"+a", "+a", "-a"}, WITHOUT('h')},
};

int main(int argc, char **argv)
{
    return chan_main("chan_pair", cases, sizeof cases / sizeof cases[0], argc, argv);
}
