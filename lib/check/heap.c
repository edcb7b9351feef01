/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/heap.c: malloc and its kin, and C++'s operators, as a program under test finds them.
 *
 * In a run what the program itself allocates comes from the checker. What libraries allocate for
 * themselves, which may live longer than the run, comes from the C library; it is told by where the
 * call comes from. A block says by its address whose it is. */

#include "hook.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

/* The linker's bounds of the executable's code. */
extern const char executable_begin[] __asm__("__executable_start");
extern const char executable_end[] __asm__("etext");

static bool from_the_program(const void *pc)
{
    return (uintptr_t)pc - (uintptr_t)executable_begin <
           (uintptr_t)executable_end - (uintptr_t)executable_begin;
}

static void *allocate_ours(size_t size, size_t alignment, bool zeroed, const void *pc)
{
    void *const block = weir__memory_allocate(size, alignment, zeroed, pc);

    if (block == NULL)
        errno = ENOMEM;
    return block;
}

static void *allocate(size_t size, size_t alignment, bool zeroed, const void *pc)
{
    if (in_a_run() && from_the_program(pc))
        return allocate_ours(size, alignment, zeroed, pc);
    if (alignment > 16)
        return __libc_memalign(alignment, size);
    return zeroed ? __libc_calloc(1, size) : __libc_malloc(size);
}

/* What a library frees in a run. Kept for a while, lest the C library gives it to another thread in
 * the same run, which would look like a race. */
#define KEPT 4096

static STATE void **kept = NULL;
static STATE size_t kept_next = 0;

static void free_later(void *block)
{
    if (kept == NULL) {
        kept = weir__check_memory(KEPT * sizeof *kept);
        memset(kept, 0, KEPT * sizeof *kept);
    }
    __libc_free(kept[kept_next]);
    kept[kept_next] = block;
    kept_next = (kept_next + 1) % KEPT;
}

/* Whether the address is one that no allocator gave: a variable's. */
static bool is_variable(const void *block)
{
    for (int t = 0; t < THREADS; t++) {
        char *low, *high;

        weir__fiber_stack(t, &low, &high);
        if ((const char *)block >= low && (const char *)block < high)
            return true;
    }
    return weir__world_has(block);
}

static void release(void *block, const void *pc)
{
    if (block == NULL)
        return;
    if (!in_a_run()) {
        /* A block of a run is gone with it. */
        if (!weir__memory_is_ours(block))
            __libc_free(block);
    } else if (weir__memory_is_ours(block)) {
        weir__memory_release(block, pc);
    } else if (!from_the_program(pc)) {
        free_later(block);
    } else if (is_variable(block)) {
        weir__check_bug(WEIR_CHECK_DOUBLE_FREE, pc, NULL, "free of what was not allocated");
    }
    /* What was allocated before the run stays: the next run frees it again. */
}

static size_t size_of(void *block)
{
    static size_t (*real)(void *) STATE = NULL;

    if (weir__memory_is_ours(block))
        return weir__memory_size(block);
    if (real == NULL) {
        void *const found = weir__check_real("malloc_usable_size");

        memcpy(&real, &found, sizeof real);
    }
    return real(block);
}

/* Of what was never written the copy counts as not written either. Both blocks are the thread's
 * own: a race shows when the old one is released. */
static void move_block(char *to, const char *from, size_t size)
{
    const bool tracked = in_a_run() && weir__memory_is_ours(to);

    for (size_t i = 0; tracked && i < size; i += 8) {
        const size_t part = size - i < 8 ? size - i : 8;

        if (!weir__memory_is_ours(from) || weir__memory_defined(from + i, part))
            weir__memory_define(to + i, part);
    }
    memcpy(to, from, size);
}

static void *reallocate(void *block, size_t size, const void *pc)
{
    const bool ours = weir__memory_is_ours(block), program = from_the_program(pc);
    size_t old;
    void *now;

    if (block == NULL)
        return allocate(size, 16, false, pc);
    if (!ours && !(in_a_run() && program))
        return __libc_realloc(block, size);
    if (size == 0) {
        release(block, pc);
        return NULL;
    }
    old = size_of(block);
    /* A block of the program stays one when a library makes it larger: getline(). */
    now = in_a_run() ? allocate_ours(size, 16, false, pc) : __libc_malloc(size);
    if (now == NULL)
        return NULL;
    move_block(now, block, old < size ? old : size);
    if (in_a_run() && !program)
        weir__memory_define(now, size);
    release(block, pc);
    return now;
}

static bool overflows(size_t count, size_t size, size_t *product)
{
    if (!__builtin_mul_overflow(count, size, product))
        return false;
    errno = ENOMEM;
    return true;
}

static bool is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

void *malloc(size_t size)
{
    return allocate(size, 16, false, CALLER);
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;

    return overflows(count, size, &bytes) ? NULL : allocate(bytes, 16, true, CALLER);
}

void *realloc(void *block, size_t size)
{
    return reallocate(block, size, CALLER);
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;

    return overflows(count, size, &bytes) ? NULL : reallocate(block, bytes, CALLER);
}

static void *allocate_aligned(size_t alignment, size_t size, const void *pc)
{
    if (is_power_of_two(alignment))
        return allocate(size, alignment, false, pc);
    errno = EINVAL;
    return NULL;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return allocate_aligned(alignment, size, CALLER);
}

void *memalign(size_t alignment, size_t size)
{
    return allocate_aligned(alignment, size, CALLER);
}

void *valloc(size_t size)
{
    return allocate(size, 4096, false, CALLER);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    const int before = errno;
    void *made;

    if (!is_power_of_two(alignment) || alignment < sizeof(void *))
        return EINVAL;
    made = allocate(size, alignment, false, CALLER);
    if (made == NULL) {
        errno = before;
        return ENOMEM;
    }
    *block = made;
    return 0;
}

void free(void *block)
{
    release(block, CALLER);
}

size_t malloc_usable_size(void *block)
{
    return block == NULL ? 0 : size_of(block);
}

static char *duplicate(const char *text, size_t length, size_t read, const void *pc)
{
    char *const made = allocate(length + 1, 16, false, pc);

    if (made == NULL)
        return NULL;
    if (in_a_run()) {
        weir__memory_plain(text, read, false, pc);
        weir__memory_plain(made, length + 1, true, pc);
    }
    memcpy(made, text, length);
    made[length] = '\0';
    return made;
}

char *strdup(const char *text)
{
    const size_t length = strlen(text);

    return duplicate(text, length, length + 1, CALLER);
}

char *strndup(const char *text, size_t most)
{
    const size_t length = strnlen(text, most);

    return duplicate(text, length, length < most ? length + 1 : length, CALLER);
}

/* ---- C++: operator new and delete, by the names that the linker knows ----
 *
 * Weak: a program may have its own. */

static void *allocate_or_die(size_t size, size_t alignment, const void *pc)
{
    void *const block = allocate(size, alignment, false, pc);

    if (block != NULL)
        return block;
    /* An exception cannot be thrown from C. */
    if (in_a_run())
        weir__check_unable(pc, "operator new of %zu bytes", size);
    abort();
}

#define NEW(name, function, ...)                            \
    WEIR_API void *name(__VA_ARGS__) __attribute__((weak)); \
    void *name(__VA_ARGS__)                                 \
    {                                                       \
        return function;                                    \
    }

#define DELETE(name, ...)                                  \
    WEIR_API void name(__VA_ARGS__) __attribute__((weak)); \
    void name(__VA_ARGS__)                                 \
    {                                                      \
        release(block, CALLER);                            \
    }

#define OPERATORS(new, delete)                                                                 \
    NEW(new##m, allocate_or_die(size, 16, CALLER), size_t size)                                \
    NEW(new##mSt11align_val_t, allocate_or_die(size, alignment, CALLER), size_t size,          \
        size_t alignment)                                                                      \
    NEW(new##mRKSt9nothrow_t, allocate(size, 16, false, CALLER), size_t size,                  \
        WEIR_UNUSED const void *nothrow)                                                       \
    NEW(new##mSt11align_val_tRKSt9nothrow_t, allocate(size, alignment, false, CALLER),         \
        size_t size, size_t alignment, WEIR_UNUSED const void *nothrow)                        \
    DELETE(delete##Pv, void *block)                                                            \
    DELETE(delete##Pvm, void *block, WEIR_UNUSED size_t size)                                  \
    DELETE(delete##PvSt11align_val_t, void *block, WEIR_UNUSED size_t alignment)               \
    DELETE(delete##PvmSt11align_val_t, void *block, WEIR_UNUSED size_t size,                   \
           WEIR_UNUSED size_t alignment)                                                       \
    DELETE(delete##PvRKSt9nothrow_t, void *block, WEIR_UNUSED const void *nothrow)             \
    DELETE(delete##PvSt11align_val_tRKSt9nothrow_t, void *block, WEIR_UNUSED size_t alignment, \
           WEIR_UNUSED const void *nothrow)

OPERATORS(_Znw, _Zdl)
OPERATORS(_Zna, _Zda)
