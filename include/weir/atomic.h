/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/atomic.h: the one door to atomics: C11's in C, std::atomic in C++, of the
 * same size and alignment, so that a C and a C++ file share one object; a
 * double-word compare-and-swap that is inline or absent; and a back-off that
 * waits in units of time.
 *
 * Use it when: you write a structure of your own beside weir's. Users of the
 *              structures need nothing from here.
 *
 * Threads:   every operation, from any thread, at once.
 * Progress:  wait-free on x86-64, and on ARM64 with LSE; lock-free where the
 *            machine has only load-exclusive and store-exclusive, and for fetch_and and
 *            fetch_or on x86-64 when what they return is used. A back-off
 *            ends by itself: it waits for time, never for a thread.
 * Ordering:  as the caller names it; weir_dword_cas() is acquire and release
 *            when it succeeds, acquire when it fails; the other is as it says.
 * Memory:    none.
 * Edges:     none of its own.
 *
 * Source of the back-off: T. E. Anderson, "The Performance of Spin Lock
 * Alternatives for Shared-Memory Multiprocessors", IEEE TPDS 1(1), 1990,
 * doi:10.1109/71.80120; the unit of time instead of instructions because one
 * `pause` takes 10 to 140 cycles, by the maker of the processor. */

#ifndef WEIR_ATOMIC_H
#define WEIR_ATOMIC_H

#include <weir/base.h>

#ifdef __cplusplus
#include <atomic>
#else
#include <stdatomic.h>
#endif

/* Elsewhere the compiler would call libatomic, which takes a lock. clang for i386 says "sometimes"
 * (1) of a long long, which is aligned to 4 there, but has the instruction. */
#if __GCC_ATOMIC_INT_LOCK_FREE != 2 || \
    (__GCC_ATOMIC_LLONG_LOCK_FREE != 2 && !defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_8))
#error "weir needs atomics of 8 bytes without a lock: from -march=i586, armv6k or armv7-a on."
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types and orders ---- */

#ifdef __cplusplus
#define WEIR_ATOMIC(T) std::atomic<T>
#define WEIR_ATOMIC_INIT(value) \
    {                           \
        value                   \
    }
#define WEIR_RELAXED std::memory_order_relaxed
#define WEIR_ACQUIRE std::memory_order_acquire
#define WEIR_RELEASE std::memory_order_release
#define WEIR_ACQ_REL std::memory_order_acq_rel
#define WEIR_SEQ_CST std::memory_order_seq_cst
#else
#define WEIR_ATOMIC(T) _Atomic(T)
#define WEIR_ATOMIC_INIT(value) value
#define WEIR_RELAXED memory_order_relaxed
#define WEIR_ACQUIRE memory_order_acquire
#define WEIR_RELEASE memory_order_release
#define WEIR_ACQ_REL memory_order_acq_rel
#define WEIR_SEQ_CST memory_order_seq_cst
#endif

WEIR_STATIC_ASSERT(sizeof(WEIR_ATOMIC(uint32_t)) == 4 && sizeof(WEIR_ATOMIC(uint64_t)) == 8,
                   "an atomic has the size of its value");
WEIR_STATIC_ASSERT(sizeof(WEIR_ATOMIC(void *)) == sizeof(void *),
                   "an atomic pointer has the size of a pointer");
#ifdef __cplusplus
WEIR_STATIC_ASSERT(alignof(std::atomic<uint64_t>) == 8, "C and C++ must align alike");
#else
WEIR_STATIC_ASSERT(_Alignof(_Atomic(uint64_t)) == 8, "C and C++ must align alike");
#endif

/* ---- operations: `object` is a pointer to a WEIR_ATOMIC(T) ---- */

#ifdef __cplusplus
#define weir_atomic_init(object, value) (object)->store(value, std::memory_order_relaxed)
#define weir_atomic_load(object, order) (object)->load(order)
#define weir_atomic_store(object, value, order) (object)->store(value, order)
#define weir_atomic_exchange(object, value, order) (object)->exchange(value, order)
#define weir_atomic_fetch_add(object, value, order) (object)->fetch_add(value, order)
#define weir_atomic_fetch_sub(object, value, order) (object)->fetch_sub(value, order)
#define weir_atomic_fetch_and(object, value, order) (object)->fetch_and(value, order)
#define weir_atomic_fetch_or(object, value, order) (object)->fetch_or(value, order)
/* Compare-and-swap: `expected` points to a plain T, which a failure overwrites
 * with what was there. `weak` may fail for no reason: for loops. */
#define weir_atomic_cas(object, expected, desired, success, failure) \
    (object)->compare_exchange_strong(*(expected), desired, success, failure)
#define weir_atomic_cas_weak(object, expected, desired, success, failure) \
    (object)->compare_exchange_weak(*(expected), desired, success, failure)
#else
#if defined(WEIR_TSAN) && defined(__clang__)
/* clang 14 tells nobody of the first store to a member of a local structure, but of this one. */
#define weir_atomic_init(object, value) atomic_store_explicit(object, value, memory_order_relaxed)
#else
#define weir_atomic_init(object, value) atomic_init(object, value)
#endif
#define weir_atomic_load(object, order) atomic_load_explicit(object, order)
#define weir_atomic_store(object, value, order) atomic_store_explicit(object, value, order)
#define weir_atomic_exchange(object, value, order) atomic_exchange_explicit(object, value, order)
#define weir_atomic_fetch_add(object, value, order) atomic_fetch_add_explicit(object, value, order)
#define weir_atomic_fetch_sub(object, value, order) atomic_fetch_sub_explicit(object, value, order)
#define weir_atomic_fetch_and(object, value, order) atomic_fetch_and_explicit(object, value, order)
#define weir_atomic_fetch_or(object, value, order) atomic_fetch_or_explicit(object, value, order)
#define weir_atomic_cas(object, expected, desired, success, failure) \
    atomic_compare_exchange_strong_explicit(object, expected, desired, success, failure)
#define weir_atomic_cas_weak(object, expected, desired, success, failure) \
    atomic_compare_exchange_weak_explicit(object, expected, desired, success, failure)
#endif

/* ---- double word ---- */

/* Defined where a 16-byte compare-and-swap is one inline instruction sequence;
 * depends on the architecture alone. Elsewhere the functions do not exist:
 * nothing falls back to a lock, and nothing needs -latomic or -mcx16. */
#if (defined(__x86_64__) && !defined(__ILP32__)) || \
    (defined(__aarch64__) && !defined(__ILP32__) && !defined(__AARCH64EB__))
#define WEIR_HAVE_DWORD_CAS 1
#endif

#ifdef WEIR_HAVE_DWORD_CAS

/* Two words that are read one by one and replaced together. `lo` is the word
 * whose ordered loads meet weir_dword_cas(); read `hi` relaxed, and let the
 * compare-and-swap confirm the pair; unless what is read through `lo` has to belong
 * to `hi`: then `hi` first, with acquire. */
typedef struct weir_dword {
    WEIR_ALIGNAS(16) WEIR_ATOMIC(uint64_t) lo;
    WEIR_ATOMIC(uint64_t) hi;
} weir_dword;

WEIR_STATIC_ASSERT(sizeof(weir_dword) == 16, "two words without padding");

#ifdef WEIR_TSAN
__extension__ typedef unsigned __int128 weir__u128;
bool __tsan_atomic128_compare_exchange_strong(volatile void *object, void *expected,
                                              weir__u128 desired, int success, int failure);
#endif

/* `success` and `failure`: orders of the twin, as the sanitizer numbers them: 2 acquire, 4 acq_rel,
 * 5 seq_cst. The instructions are as strong as seq_cst in any case. */
static inline bool weir__dword_cas(weir_dword *object, uint64_t *lo, uint64_t *hi, uint64_t new_lo,
                                   uint64_t new_hi, int success, int failure)
{
#if defined(WEIR_TSAN)
    /* The twin: the sanitizer's own call, since clang without -mcx16 turns the
     * __atomic builtins on 16 bytes into libatomic's. */
    weir__u128 expected = ((weir__u128)*hi << 64) | *lo;
    const weir__u128 desired = ((weir__u128)new_hi << 64) | new_lo;
    const bool done =
        __tsan_atomic128_compare_exchange_strong(object, &expected, desired, success, failure);

    *lo = (uint64_t)expected;
    *hi = (uint64_t)(expected >> 64);
    return done;
#elif defined(__x86_64__)
    bool done;

    (void)success;
    (void)failure;
    __asm__ __volatile__("lock cmpxchg16b %1"
                         : "=@ccz"(done), "+m"(*object), "+a"(*lo), "+d"(*hi)
                         : "b"(new_lo), "c"(new_hi)
                         : "memory");
    return done;
#elif defined(__ARM_FEATURE_ATOMICS)
    /* CASP wants an even register and the next one. */
    /* Read before: a sanitizer's call between the next lines would use the registers. */
    const uint64_t want_lo = *lo, want_hi = *hi;
    register uint64_t old_lo __asm__("x0") = want_lo;
    register uint64_t old_hi __asm__("x1") = want_hi;
    register uint64_t put_lo __asm__("x2") = new_lo;
    register uint64_t put_hi __asm__("x3") = new_hi;
    bool done;

    (void)success;
    (void)failure;
    __asm__ __volatile__("caspal %0, %1, %3, %4, %2"
                         : "+r"(old_lo), "+r"(old_hi), "+Q"(*object)
                         : "r"(put_lo), "r"(put_hi)
                         : "memory");
    done = old_lo == want_lo && old_hi == want_hi;
    *lo = old_lo;
    *hi = old_hi;
    return done;
#else
    /* A pair of exclusive loads is one 16-byte read only if the exclusive store succeeds: so a
     * mismatch writes back what it read, to know that it was one. One block, since a load or
     * store of the compiler's between the two might clear the reservation for ever. */
    const uint64_t want_lo = *lo, want_hi = *hi;
    uint64_t old_lo, old_hi, put_lo, put_hi;
    uint32_t failed;

    (void)success;
    (void)failure;
    __asm__ __volatile__(
        "1:\n\t"
        "ldaxp %[old_lo], %[old_hi], %[object]\n\t"
        "cmp %[old_lo], %[want_lo]\n\t"
        "ccmp %[old_hi], %[want_hi], #0, eq\n\t"
        "csel %[put_lo], %[new_lo], %[old_lo], eq\n\t"
        "csel %[put_hi], %[new_hi], %[old_hi], eq\n\t"
        "stlxp %w[failed], %[put_lo], %[put_hi], %[object]\n\t"
        "cbnz %w[failed], 1b"
        : [old_lo] "=&r"(old_lo), [old_hi] "=&r"(old_hi), [put_lo] "=&r"(put_lo),
          [put_hi] "=&r"(put_hi), [failed] "=&r"(failed), [object] "+Q"(*object)
        : [want_lo] "r"(want_lo), [want_hi] "r"(want_hi), [new_lo] "r"(new_lo), [new_hi] "r"(new_hi)
        : "cc", "memory");
    *lo = old_lo;
    *hi = old_hi;
    return old_lo == want_lo && old_hi == want_hi;
#endif
}

/* Replaces {*lo, *hi} by {new_lo, new_hi} if both words are as expected.
 * Returns: whether it did; if not, *lo and *hi hold the pair found, read at once.
 * Ordering: acquire and release on success, acquire on failure. */
static inline bool weir_dword_cas(weir_dword *object, uint64_t *lo, uint64_t *hi, uint64_t new_lo,
                                  uint64_t new_hi)
{
    return weir__dword_cas(object, lo, hi, new_lo, new_hi, 4, 2);
}

/* The same, sequentially consistent. */
static inline bool weir_dword_cas_seq_cst(weir_dword *object, uint64_t *lo, uint64_t *hi,
                                          uint64_t new_lo, uint64_t new_hi)
{
    return weir__dword_cas(object, lo, hi, new_lo, new_hi, 5, 5);
}

#endif /* WEIR_HAVE_DWORD_CAS */

/* ---- waiting a little ---- */

/* Tells the processor that this is a spin loop. */
static inline void weir_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb" ::: "memory");
#else
    __asm__ __volatile__("" ::: "memory");
#endif
}

/* Asks for the line of `address` in a state in which it can be written. */
static inline void weir_prefetch_write(const void *address)
{
#if defined(__x86_64__)
    __asm__ __volatile__("prefetchw %0" : : "m"(*(const char *)address));
#else
    __builtin_prefetch(address, 1, 3);
#endif
}

/* How long the next wait after a failed compare-and-swap lasts. One for each
 * operation, on the stack: `weir_backoff backoff = WEIR_BACKOFF_INIT;` */
typedef struct weir_backoff {
    uint32_t ns; /* 0 before the first failure */
} weir_backoff;

#define WEIR_BACKOFF_INIT \
    {                     \
        0                 \
    }

/* Shortest and longest wait, in nanoseconds: about one transfer of a cache line
 * between near cores, and about sixteen. */
#define WEIR_BACKOFF_MIN_NS 100
#define WEIR_BACKOFF_MAX_NS 1700

/* Waits, and doubles the next wait up to WEIR_BACKOFF_MAX_NS. For use after a
 * compare-and-swap that lost; never on full or empty, where nobody is to be
 * let by. The first call in a process measures weir_pause() for some 20 us. */
WEIR_API void weir_backoff_wait(weir_backoff *backoff);

#ifdef __cplusplus
}
#endif

#endif /* WEIR_ATOMIC_H */
