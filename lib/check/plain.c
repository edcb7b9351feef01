/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/plain.c: what code that was compiled with -fsanitize=thread calls beside its atomic
 * operations (door.c): plain accesses, functions that begin and end, and C++'s static variables. */

#include "hook.h"

#define DEAD 65536 /* bytes below the stack that may have been a frame */

/* `frame` lies below all variables of the function that makes the access, and of its callers. */
static void touch(const void *address, size_t size, bool write, const void *pc, const char *frame)
{
    if (WEIR_UNLIKELY((uintptr_t)frame - (uintptr_t)address - 1 < DEAD)) {
        char *low, *high;

        weir__fiber_stack(weir__check_self, &low, &high);
        if ((const char *)address >= low && (const char *)address < high)
            weir__check_bug(WEIR_CHECK_USE_AFTER_RETURN, pc, NULL,
                            "thread %d %s a variable of its own at %s, whose function has returned",
                            weir__check_self, write ? "writes" : "reads", weir__check_place(pc));
    }
    weir__memory_plain(address, size, write, pc);
}

#define TOUCH(address, size, write, pc) \
    touch(address, size, write, pc, (const char *)__builtin_frame_address(0))

#define PLAIN_HOOK(name, size, write)            \
    HOOK(void, name, void *address)              \
    {                                            \
        if (in_a_run())                          \
            TOUCH(address, size, write, CALLER); \
    }

#define PLAIN_BOTH_HOOK(name, size)              \
    HOOK(void, name, void *address)              \
    {                                            \
        if (in_a_run()) {                        \
            TOUCH(address, size, false, CALLER); \
            TOUCH(address, size, true, CALLER);  \
        }                                        \
    }

#define PLAIN_HOOKS(size)                                         \
    PLAIN_HOOK(__tsan_read##size, size, false)                    \
    PLAIN_HOOK(__tsan_write##size, size, true)                    \
    PLAIN_BOTH_HOOK(__tsan_read_write##size, size)                \
    PLAIN_HOOK(__tsan_unaligned_read##size, size, false)          \
    PLAIN_HOOK(__tsan_unaligned_write##size, size, true)          \
    PLAIN_BOTH_HOOK(__tsan_unaligned_read_write##size, size)      \
    PLAIN_HOOK(__tsan_volatile_read##size, size, false)           \
    PLAIN_HOOK(__tsan_volatile_write##size, size, true)           \
    PLAIN_HOOK(__tsan_unaligned_volatile_read##size, size, false) \
    PLAIN_HOOK(__tsan_unaligned_volatile_write##size, size, true)

PLAIN_HOOKS(1)
PLAIN_HOOKS(2)
PLAIN_HOOKS(4)
PLAIN_HOOKS(8)
PLAIN_HOOKS(16)

HOOK(void, __tsan_read_range, void *address, size_t size)
{
    if (in_a_run() && size != 0)
        TOUCH(address, size, false, CALLER);
}

HOOK(void, __tsan_write_range, void *address, size_t size)
{
    if (in_a_run() && size != 0)
        TOUCH(address, size, true, CALLER);
}

HOOK(void, __tsan_vptr_read, void **address)
{
    if (in_a_run())
        TOUCH(address, sizeof *address, false, CALLER);
}

/* A destructor writes again what is there: no race with a virtual call, as the language has it. */
HOOK(void, __tsan_vptr_update, void **address, void *value)
{
    if (!in_a_run())
        return;
    if (*address == value && weir__memory_defined(address, sizeof *address))
        return;
    TOUCH(address, sizeof *address, true, CALLER);
}

/* ---- functions ---- */

HOOK(void, __tsan_init, void)
{
}

HOOK(void, __tsan_ignore_thread_begin, void)
{
}

HOOK(void, __tsan_ignore_thread_end, void)
{
}

HOOK(void, __tsan_func_entry, void *pc)
{
    /* Where the stack was at this call. */
    if (in_a_run()) {
        weir__memory_enter((const char *)__builtin_frame_address(0) + 2 * sizeof(void *), pc);
        weir__assembly_enter(CALLER);
    }
}

HOOK(void, __tsan_func_exit, void)
{
    /* gcc jumps here at the end of a function: then the return address above this frame is the
     * function's own, and must not lie below what is passed. */
    if (in_a_run())
        weir__memory_leave(__builtin_frame_address(0));
}

/* ---- C++: static variables of functions ----
 *
 * libstdc++'s would not be seen. The compiler looks at the first byte by itself, with acquire, and
 * calls only if that is zero. */

enum { UNTOUCHED, BUSY, READY };

static bool begin_static(void *unused, word old, word *new_value)
{
    (void)unused;
    *new_value = old == READY ? READY : BUSY;
    return old != BUSY;
}

static request access_to_guard(const void *guard, uint8_t order, const void *pc)
{
    return (request){.address = guard,
                     .size = 8,
                     .space = ONCE,
                     .order = order,
                     .failure = order,
                     .pc = pc,
                     .what = "static variable"};
}

HOOK(int, __cxa_guard_acquire, uint64_t *guard)
{
    const request a = access_to_guard(guard, __ATOMIC_ACQUIRE, CALLER);

    if (!in_a_run())
        return *(uint8_t *)guard == 0;
    return weir__check_await_change(&a, begin_static, NULL, LOCKS) == UNTOUCHED;
}

HOOK(void, __cxa_guard_release, uint64_t *guard)
{
    const request a = access_to_guard(guard, __ATOMIC_RELEASE, CALLER);

    if (in_a_run()) {
        const request byte = {.address = guard,
                              .size = 1,
                              .space = MEMORY,
                              .order = __ATOMIC_RELEASE,
                              .pc = CALLER,
                              .what = "store"};

        weir__check_store(&byte, 1);
        weir__check_store(&a, READY);
    } else {
        *(uint8_t *)guard = 1;
    }
}

HOOK(void, __cxa_guard_abort, uint64_t *guard)
{
    const request a = access_to_guard(guard, __ATOMIC_RELEASE, CALLER);

    if (in_a_run())
        weir__check_store(&a, UNTOUCHED);
}
