/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/base.h: what every other header stands on: the version, the words for
 * attributes that C11 and C++ spell differently, the cache line, the allocation
 * hook, and what happens when a caller breaks a precondition.
 *
 * Use it when: you include any other header; it comes with them.
 *
 * Threads:   every function here may be called from any thread, except
 *            weir_set_allocator(), which is for the start of main().
 * Progress:  wait-free, but for the allocator's own.
 * Ordering:  none.
 * Memory:    nothing is allocated but by weir_alloc(), which only the library's
 *            `_new` functions, and operations whose contract says so, call. */

#ifndef WEIR_BASE_H
#define WEIR_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- version ---- */

#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0
#define WEIR_VERSION_NUMBER(major, minor, patch) ((major)*1000000 + (minor)*1000 + (patch))
#define WEIR_VERSION WEIR_VERSION_NUMBER(WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR, WEIR_VERSION_PATCH)

/* ---- attributes ---- */

#if !defined(__GNUC__) && !defined(__clang__)
#error "weir needs gcc or clang: its inline paths use their extensions."
#endif

#define WEIR_API __attribute__((visibility("default")))
#define WEIR_NODISCARD __attribute__((warn_unused_result))
#define WEIR_UNUSED __attribute__((unused))
#define WEIR_ALWAYS_INLINE static inline __attribute__((always_inline))
#define WEIR_LIKELY(x) __builtin_expect(!!(x), 1)
#define WEIR_UNLIKELY(x) __builtin_expect(!!(x), 0)

#ifdef __cplusplus
#define WEIR_ALIGNAS(n) alignas(n)
#define WEIR_STATIC_ASSERT(condition, sentence) static_assert(condition, sentence)
#else
#define WEIR_ALIGNAS(n) _Alignas(n)
#define WEIR_STATIC_ASSERT(condition, sentence) _Static_assert(condition, sentence)
#endif

/* ThreadSanitizer and the model checker see calls, not instructions: what is
 * inline assembly elsewhere has a twin in C where this is defined. */
#if defined(__SANITIZE_THREAD__)
#define WEIR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEIR_TSAN 1
#endif
#endif

/* Bytes between two fields that different threads write. 128 everywhere, so that
 * the layout is one ABI: x86-64 fetches lines in pairs, some ARM64 lines are 128. */
#define WEIR_CACHELINE 128

/* ---- preconditions ---- */

/* Prints `weir: FUNCTION: SENTENCE` to standard error and aborts. */
WEIR_API void weir_panic(const char *function, const char *sentence)
    __attribute__((noreturn, cold));

/* A broken precondition on a cold path: always checked. */
#define WEIR_REQUIRE(condition, sentence) \
    (WEIR_LIKELY(condition) ? (void)0 : weir_panic(__func__, sentence))

/* A broken precondition on a hot path: checked where the user's file is compiled
 * with -DWEIR_CHECKED. Changes no layout. */
#ifdef WEIR_CHECKED
#define WEIR_ASSERT(condition, sentence) WEIR_REQUIRE(condition, sentence)
#else
#define WEIR_ASSERT(condition, sentence) ((void)0)
#endif

/* ---- elements of typed wrappers ---- */

/* Refuses what a wrapper cannot carry: an array or a function, which would decay to a
 * pointer, and in C++ what is more than its bytes. */
#ifdef __cplusplus
#define WEIR__ELEMENT(name, T)                \
    typedef T name##__element(void);          \
    static_assert(__is_trivially_copyable(T), \
                  "an element is copied as bytes: it must be trivially copyable")
#else
#define WEIR__ELEMENT(name, T) typedef T name##__element(void)
#endif

/* ---- version of the library that was linked ---- */

/* Returns: the WEIR_VERSION that the library was built with. */
WEIR_API unsigned weir_version(void);

/* Returns: whether this header and the linked library belong together: before
 * 1.0 the same minor version, from 1.0 on the same major one and a library that
 * is at least as new. Inline code and library share layouts: refuse to go on
 * when it is false. */
static inline bool weir_version_ok(void)
{
    const unsigned library = weir_version();

    if (library / 1000000 != WEIR_VERSION_MAJOR)
        return false;
    if (WEIR_VERSION_MAJOR == 0)
        return library / 1000 == WEIR_VERSION / 1000;
    return library >= WEIR_VERSION;
}

/* ---- memory ---- */

/* What the library's `_new` functions allocate with. `alloc` returns `bytes`
 * bytes at a multiple of `alignment` (a power of two), or NULL; `release` gets
 * the same pointer and size. Both are called from any thread, and must not call
 * back into the object that is being made. */
typedef struct weir_allocator {
    void *(*alloc)(size_t bytes, size_t alignment, void *context);
    void (*release)(void *pointer, size_t bytes, void *context);
    void *context;
} weir_allocator;

/* Replaces the allocator for the whole process; NULL brings back the C library's.
 * The struct is copied.
 * Threads: only while no other thread uses weir and nothing made by `_new` lives. */
WEIR_API void weir_set_allocator(const weir_allocator *allocator);

/* Allocates through the hook. Returns: NULL when memory is exhausted. */
WEIR_API void *weir_alloc(size_t bytes, size_t alignment) WEIR_NODISCARD;

/* Gives back what weir_alloc() returned, with the same size; NULL is ignored. */
WEIR_API void weir_release(void *pointer, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_BASE_H */
