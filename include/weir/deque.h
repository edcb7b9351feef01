/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/deque.h: a work-stealing deque of words: its owner pushes and pops at one end, as a
 * stack; thieves steal the oldest at the other.
 *
 * Use it when: each of several threads makes work that it mostly does itself, newest first,
 *              and who has none takes from who has.
 * Use weir/mpmc.h where work comes from everywhere and order matters, weir/spsc.h to hand
 * over to one thread.
 *
 * Who may run with whom:
 *                    push, pop     steal, steal_burst, size_approx   init, destroy
 *   push, pop, ..    one thread                yes                        no
 *   steal, ...          yes                    yes                        no
 *
 * Modes:     a deque that nobody has stolen from is *the owner's alone*: push and pop are
 *            plain loads and stores, for the last element too. A thief first makes it
 *            *shared*: it says so, pays one membarrier(2) (2 to 3 us, and an interrupt to
 *            the other processors of the process), and from then on each steal is one
 *            compare-and-swap, and each pop one exchange. When the owner has popped
 *            WEIR_DEQUE_RENT times and nobody has stolen, it takes the deque back: so
 *            neither side pays much more than twice what the better of two fixed choices
 *            would have cost. Thieves that find nothing pay nothing, and change nothing.
 *            In a fenced domain, and where the machine has no double-word
 *            compare-and-swap, a shared deque stays shared.
 *
 * Progress:  push is wait-free, but for the allocator and the domain's retire when the array
 *            grows. pop is wait-free: for the last element of a shared deque it begins anew if
 *            a thief has shared it or taken the element meanwhile, each once at most (on
 *            ARM64 without LSE lock-free: weir/atomic.h). steal is lock-free: it tries again
 *            only if another steal succeeded, the owner took the last element or the oldest, or
 *            the mode was changed. So is pop_oldest. A thief that stops between raising the
 *            flag and sharing holds nobody up; a pop costs the owner an exchange until another
 *            thief has shared.
 * Ordering:  what happens before a push is visible after the pop or steal of that value.
 *            `false` is ordered by happens-before only ("Refusals and sleep" in
 *            doc/memory-model.md).
 * Linearization: push at its store of `bottom`. A pop at its store of `bottom`, or for the
 *            last element of a shared deque at its compare-and-swap; pop_oldest, and a steal, at
 *            its compare-and-swap, but one that wins the last element from a pop at that pop's
 *            store of `bottom`, from which on others say "empty". A steal that returns
 *            false at its load of `bottom`: top had been there or beyond.
 * Memory:    an array that doubles when it is full and does not shrink. Outgrown ones are
 *            retired to the domain, since a thief may be reading them.
 * Edges:
 *   pushed  push, pop -> steal               carries the value, and what it points to
 *   mode    who changes it -> pop, steal     carries whose the deque is, and its top
 *   grown   push -> steal                    carries a new array
 *
 * Sources: D. Chase, Y. Lev, "Dynamic Circular Work-Stealing Deque", SPAA 2005,
 * doi:10.1145/1073970.1073974; its orders: N. M. Le, A. Pop, A. Cohen, F. Zappa Nardelli,
 * "Correct and Efficient Work-Stealing for Weak Memory Models", PPoPP 2013,
 * doi:10.1145/2442516.2442524. Taking the owner's side for granted until somebody asks:
 * K. Kawachiya, A. Koseki, T. Onodera, "Lock Reservation", OOPSLA 2002,
 * doi:10.1145/582419.582433. When to take it back: A. R. Karlin, M. S. Manasse, L. Rudolph,
 * D. D. Sleator, "Competitive Snoopy Caching", Algorithmica 3, 1988, doi:10.1007/BF01762111. */

#ifndef WEIR_DEQUE_H
#define WEIR_DEQUE_H

#include <weir/guard.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* Pops of a shared deque without a steal, after which it is the owner's alone again: about as
 * many exchanges as a change of mode costs: a membarrier(2), its interrupts, and the lines that
 * thief and owner wait for. Measured: doc/design.md. */
#define WEIR_DEQUE_RENT 4096

/* Most elements. */
#define WEIR_DEQUE_MAX ((size_t)1 << (sizeof(size_t) * 8 - 6))

typedef WEIR_ATOMIC(uintptr_t) weir__deque_cell;

/* The cells follow it. */
typedef struct weir__deque_array {
    weir_retired retired;
    size_t mask;
    size_t unused; /* cells at a multiple of their size */
} weir__deque_array;

/* `mode`: generation * 4 + one of these. Only its owner goes from SHARED to the next generation's
 * ALONE; thieves go from ALONE to RAISED, and after a heavy fence to SHARED. */
enum { WEIR__DEQUE_ALONE = 0, WEIR__DEQUE_RAISED = 1, WEIR__DEQUE_SHARED = 2 };

typedef struct weir_deque {
    /* owner; thieves read `bottom` and `array` */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) bottom; /* one past the newest */
    uint64_t top_seen;       /* at most top; while the deque is the owner's alone, top */
    uint64_t full_at;        /* no push goes beyond it: at most top_seen and the cells */
    weir__deque_cell *cells; /* of `array` */
    uint64_t mask;
    WEIR_ATOMIC(weir__deque_array *) array;
    uint32_t rent; /* pops since the last steal was seen */
    /* nobody, between init and destroy: */
    bool stays_shared;
    bool allocated;
    weir_guard *domain;
    /* thieves, and the owner of a shared deque */
#ifdef WEIR_HAVE_DWORD_CAS
    WEIR_ALIGNAS(WEIR_CACHELINE) weir_dword ends; /* lo: top, the oldest; hi: mode */
#else
    WEIR_ALIGNAS(WEIR_CACHELINE) struct {
        WEIR_ATOMIC(uint64_t) lo, hi;
    } ends;
#endif
} weir_deque;

WEIR_STATIC_ASSERT(sizeof(weir_deque) == 2 * WEIR_CACHELINE, "a line pair for each side");

/* ---- life ---- */

/* Makes an empty deque with room for `capacity` elements before it grows (rounded up to a power
 * of two); outgrown arrays are retired to `domain`, which has to live longer.
 * Returns: 0; -EINVAL if capacity is 0 or more than WEIR_DEQUE_MAX; -ENOMEM. */
WEIR_API int weir_deque_init(weir_deque *deque, weir_guard *domain, size_t capacity) WEIR_NODISCARD;

/* The same, for tests: indices begin at `start`. They are 64 bits wide, and do not wrap within two
 * thousand years of a push each 4 ns; differences would be right if they did. */
WEIR_API int weir_deque_init_at(weir_deque *deque, weir_guard *domain, size_t capacity,
                                uint64_t start) WEIR_NODISCARD;

/* Ends the deque; nobody may be using it.
 * Returns: 0; -EBUSY if elements are inside: nothing was done. */
WEIR_API int weir_deque_destroy(weir_deque *deque);

/* Allocates a deque through weir_alloc(). Returns: as weir_deque_init(). */
WEIR_API int weir_deque_new(weir_deque **deque, weir_guard *domain, size_t capacity) WEIR_NODISCARD;

/* Ends and frees what weir_deque_new() made; NULL is ignored. Returns: as weir_deque_destroy(). */
WEIR_API int weir_deque_free(weir_deque *deque);

/* ---- the owner ---- */

WEIR_API int weir__deque_push_slow(weir_deque *deque, uintptr_t value);
WEIR_API bool weir__deque_pop_shared(weir_deque *deque, uintptr_t *value);

/* Puts a value on the owner's end.
 * Returns: 0; -ENOMEM if the array is full and cannot grow: the value is still the caller's.
 * Threads: the owner.
 * Complexity: no read-modify-write; an allocation when the number inside doubles. */
WEIR_NODISCARD static inline int weir_deque_push(weir_deque *deque, uintptr_t value)
{
    /* relaxed: own word. */
    const uint64_t bottom = weir_atomic_load(&deque->bottom, WEIR_RELAXED);

    WEIR_ASSERT(deque->cells != NULL, "used after destroy, or before init");
    if (WEIR_UNLIKELY(bottom == deque->full_at))
        return weir__deque_push_slow(deque, value);
    /* relaxed: a thief that reads this cell for an older index fails at its compare-and-swap. */
    weir_atomic_store(&deque->cells[bottom & deque->mask], value, WEIR_RELAXED);
    /* sync(pushed): release. Pairs with the load of `bottom` in weir_deque_steal(); the value and
     * what it points to. */
    weir_atomic_store(&deque->bottom, bottom + 1, WEIR_RELEASE);
    return 0;
}

/* Takes the newest value.
 * Returns: false if the deque was empty.
 * Threads: the owner.
 * Complexity: no read-modify-write while the deque is the owner's alone; else an exchange, and
 * for the last element a compare-and-swap. */
WEIR_NODISCARD static inline bool weir_deque_pop(weir_deque *deque, uintptr_t *value)
{
    /* relaxed: own word. */
    const uint64_t bottom = weir_atomic_load(&deque->bottom, WEIR_RELAXED);

    WEIR_ASSERT(deque->cells != NULL, "used after destroy, or before init");
    if (bottom == deque->top_seen)
        return false;
    /* sync(pushed): release. Pairs with the load of `bottom` in weir_deque_steal(); what remains.
     */
    weir_atomic_store(&deque->bottom, bottom - 1, WEIR_RELEASE);
    weir_fence_light();
    /* relaxed: a thief makes a heavy fence between its change of the mode and its first look at
     * `bottom`: either it sees the store above, or this sees the change. */
    if (WEIR_UNLIKELY((weir_atomic_load(&deque->ends.hi, WEIR_RELAXED) & 3) != WEIR__DEQUE_ALONE))
        return weir__deque_pop_shared(deque, value);
    /* relaxed: own store. */
    *value = weir_atomic_load(&deque->cells[(bottom - 1) & deque->mask], WEIR_RELAXED);
    return true;
}

/* Takes the oldest value: for an owner who serves in order of arrival.
 * Returns: false if the deque was empty.
 * Threads: the owner.
 * Complexity: a compare-and-swap, in every mode. */
WEIR_API bool weir_deque_pop_oldest(weir_deque *deque, uintptr_t *value) WEIR_NODISCARD;

/* ---- thieves ---- */

/* Takes the oldest value.
 * Returns: false if the deque was empty.
 * Threads: any, with its own record of the deque's domain; inside or outside of a section.
 * Complexity: a compare-and-swap; the first of a while a membarrier(2). */
WEIR_API bool weir_deque_steal(weir_deque *deque, weir_guard_record *record,
                               uintptr_t *value) WEIR_NODISCARD;

/* Takes up to `n` of the oldest, and no more than half of those inside, rounded up.
 * Returns: how many; 0 if the deque was empty.
 * Threads: as weir_deque_steal().
 * Linearization: each of them by itself.
 * Complexity: a compare-and-swap for each; one membarrier(2) at most for all, unless the owner
 * takes the deque back meanwhile. */
WEIR_API size_t weir_deque_steal_burst(weir_deque *deque, weir_guard_record *record,
                                       uintptr_t *values, size_t n) WEIR_NODISCARD;

/* Returns: how many are inside; old by the time it is read. */
static inline size_t weir_deque_size_approx(const weir_deque *deque)
{
    /* relaxed: two numbers that move. */
    const uint64_t bottom = weir_atomic_load(&deque->bottom, WEIR_RELAXED);
    const uint64_t top = weir_atomic_load(&deque->ends.lo, WEIR_RELAXED);

    return (int64_t)(bottom - top) > 0 ? (size_t)(bottom - top) : 0;
}

/* ---- typed ---- */

/* Defines the type NAME, a deque of T, which is at most a word, with NAME_init, NAME_destroy,
 * NAME_push, NAME_pop, NAME_pop_oldest and NAME_steal. */
#define WEIR_DEQUE_DEFINE(name, T)                                                                 \
    WEIR__ELEMENT(name, T);                                                                        \
    WEIR_STATIC_ASSERT(sizeof(T) <= sizeof(uintptr_t), "an element of a deque is at most a word"); \
    typedef struct name {                                                                          \
        weir_deque deque;                                                                          \
    } name;                                                                                        \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_init(                                      \
        name *weir_typed, weir_guard *weir_domain, size_t weir_capacity)                           \
    {                                                                                              \
        return weir_deque_init(&weir_typed->deque, weir_domain, weir_capacity);                    \
    }                                                                                              \
    WEIR_UNUSED static inline int name##_destroy(name *weir_typed)                                 \
    {                                                                                              \
        return weir_deque_destroy(&weir_typed->deque);                                             \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline int name##_push(name *weir_typed, T weir_value)       \
    {                                                                                              \
        uintptr_t weir_word = 0;                                                                   \
        memcpy(&weir_word, &weir_value, sizeof(T));                                                \
        return weir_deque_push(&weir_typed->deque, weir_word);                                     \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline bool name##_pop(name *weir_typed, T *weir_value)      \
    {                                                                                              \
        uintptr_t weir_word;                                                                       \
        if (!weir_deque_pop(&weir_typed->deque, &weir_word))                                       \
            return false;                                                                          \
        memcpy(weir_value, &weir_word, sizeof(T));                                                 \
        return true;                                                                               \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline bool name##_pop_oldest(name *weir_typed,              \
                                                                    T *weir_value)                 \
    {                                                                                              \
        uintptr_t weir_word;                                                                       \
        if (!weir_deque_pop_oldest(&weir_typed->deque, &weir_word))                                \
            return false;                                                                          \
        memcpy(weir_value, &weir_word, sizeof(T));                                                 \
        return true;                                                                               \
    }                                                                                              \
    WEIR_UNUSED WEIR_NODISCARD static inline bool name##_steal(                                    \
        name *weir_typed, weir_guard_record *weir_record, T *weir_value)                           \
    {                                                                                              \
        uintptr_t weir_word;                                                                       \
        if (!weir_deque_steal(&weir_typed->deque, weir_record, &weir_word))                        \
            return false;                                                                          \
        memcpy(weir_value, &weir_word, sizeof(T));                                                 \
        return true;                                                                               \
    }                                                                                              \
    struct name

#ifdef __cplusplus
}
#endif

#endif /* WEIR_DEQUE_H */
