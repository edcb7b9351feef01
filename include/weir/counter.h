/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/counter.h: three counters: weir_counter, one word that many threads change;
 * weir_ref, a reference count that stays pinned where another would wrap; and
 * weir_counter_sharded, for numbers that are added to all the time and read rarely.
 *
 * Use weir_counter when:         the answer of each step matters (a ticket, a limit,
 *                                a credit), or the counter is changed seldom.
 * Use weir_ref when:             the last one to let go of an object frees it.
 * Use weir_counter_sharded when: threads count events and somebody looks at the sum:
 *                                an add costs about a plain increment, a read a load
 *                                or two for each slot.
 * Use weir_flag or weir_state (weir/state.h) instead for a word that is not a number.
 *
 * Threads:     all operations, from any thread and from a signal handler, at once;
 *              `_init` and `_new` before, `_destroy` and `_free` after all of them.
 *              weir_counter and weir_ref may lie in memory shared by processes.
 * Progress:    wait-free on x86-64, and on ARM64 with LSE: every operation of
 *              weir_counter_sharded, those of weir_counter from _add to _exchange, and
 *              weir_ref_get() and weir_ref_put(). The rest is lock-free: a
 *              compare-and-swap that is repeated, after a back-off, only when another
 *              thread has changed the word (or, on load-exclusive, for no reason).
 * Ordering:    none for weir_counter and weir_counter_sharded: a counter counts, it
 *              does not publish. Who needs "all is written when the count is n" takes
 *              weir_ref, weir_flag or a queue. weir_ref has the edges below.
 * Memory:      weir_counter 8 bytes, weir_ref 4, the caller's; static initialisers
 *              exist. weir_counter_sharded: WEIR_CACHELINE bytes and as many for each
 *              slot, whatever number of threads comes and goes; _new allocates once.
 * Range:       uint64_t; adding wraps modulo 2^64 where the name does not end in a
 *              bound, so that a difference of two reads is right across the wrap, and a
 *              count that goes below 0 is right as an int64_t.
 * Edges:       last  put -> put                 carries all that was done with the object
 *              seen  put -> get_unless_zero     carries what a holder wrote before letting go
 *
 * What a read of weir_counter_sharded means while others add: every add that happened
 * before the call (was done by this thread, or reached it through some edge) is counted
 * whole; every add that happens after it is not; each of the others is counted whole or
 * not at all, each for itself. Hence
 *  - at rest (all adders joined, or stopped by any other edge) it is exact;
 *  - it is off by at most the sum of the amounts that are added or subtracted while it runs;
 *  - where nobody subtracts, it lies between the counts at its begin and at its end, and
 *    a second read by the same thread is not smaller;
 *  - where some subtract, it may be a value that the counter never had, -1 included.
 *
 * How an add goes: where <sys/rseq.h> belongs to the C library (glibc 2.35), on x86-64,
 * each CPU owns one cell, and a restartable sequence adds to it with a plain instruction.
 * The kernel diverts a thread that is preempted, moved or interrupted by a signal inside
 * the sequence to its abort handler, and the add goes to an atomic shard, a different
 * cell: it is never started again, so a debugger may step through it. Atomic shards serve
 * everybody else too: threads without rseq (old kernel, GLIBC_TUNABLES=glibc.pthread.rseq=0,
 * Valgrind), CPUs whose number is not below the number of slots, other C libraries and
 * processors, ThreadSanitizer, and files compiled with -DWEIR_NO_RSEQ. All of them may add
 * to one counter; the layout is the same. On ARM64 the sequence is written, and off until
 * it has run on a real machine: -DWEIR_RSEQ_ARM64 turns it on.
 * A debugger or a test finds the sequences in the ELF section __rseq_cs: an array of
 * struct rseq_cs {version, flags, start_ip, post_commit_offset, abort_ip}, 32 bytes each,
 * between the linker's symbols __start___rseq_cs and __stop___rseq_cs.
 *
 * Sources: P. McKenney, "Is Parallel Programming Hard, And, If So, What Can You Do About
 * It?", chapter "Counting", 2023, arXiv:1701.00854; P. Turner, A. Hunter, "Restartable
 * Sequences", Linux Plumbers Conference 2013, and rseq(2) by M. Desnoyers (Linux 4.18);
 * the pinned reference count: K. Cook, E. Reshetova, D. Windsor, refcount_t of Linux 4.11,
 * https://docs.kernel.org/core-api/refcount-vs-atomic.html */

#ifndef WEIR_COUNTER_H
#define WEIR_COUNTER_H

#include <weir/atomic.h>
#include <weir/base.h>

/* ---- capability: is there a restartable sequence for this file's adds? ---- */

#if defined(__has_include)
#if __has_include(<sys/rseq.h>) && defined(__GLIBC__) && !defined(WEIR_NO_RSEQ) && \
    !defined(WEIR_TSAN)
#if defined(__x86_64__) && !defined(__ILP32__)
#define WEIR_HAVE_RSEQ_ADD 1
#elif defined(__aarch64__) && !defined(__ILP32__) && !defined(__AARCH64EB__)
#define WEIR__HAVE_RSEQ_CPU 1
#ifdef WEIR_RSEQ_ARM64
#define WEIR_HAVE_RSEQ_ADD 1
#endif
#endif
#endif
#endif

#if defined(WEIR_HAVE_RSEQ_ADD) || defined(WEIR__HAVE_RSEQ_CPU)
#include <sys/rseq.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

typedef struct weir_counter {
    /* Aligned by name: in a C struct of the user's, gcc for i386 gives a struct of one such
     * word 4 bytes, as it does a plain uint64_t. */
    WEIR_ALIGNAS(8) WEIR_ATOMIC(uint64_t) word; /* written by everyone */
} weir_counter;

/* 0: nobody holds it; 1 to WEIR__REF_MAX: that many; above: pinned for ever. */
typedef struct weir_ref {
    WEIR_ATOMIC(uint32_t) word; /* written by everyone */
} weir_ref;

/* Two cells that are never the same line to a 64-byte machine, for one reason: a CPU's
 * plain add must not meet an atomic one. */
typedef struct weir__counter_slot {
    /* Written by restartable sequences on this CPU only. */
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(uint64_t) cpu;
    /* Written by everyone, atomically. */
    WEIR_ALIGNAS(64) WEIR_ATOMIC(uint64_t) shard;
} weir__counter_slot;

/* The head of a sharded counter; its slots follow in the same memory, so that an add needs
 * no pointer to them. Lives only where _init or _new put it. */
typedef struct weir_counter_sharded {
    /* Written by init and destroy only. */
    WEIR_ALIGNAS(WEIR_CACHELINE) uint32_t count; /* of slots; 0 after destroy */
    uint32_t allocated;                          /* whether _new made it */
} weir_counter_sharded;

/* weir_counter c = WEIR_COUNTER_INIT(0);  weir_ref r = WEIR_REF_INIT(1); */
#define WEIR_COUNTER_INIT(value)            \
    {                                       \
        WEIR_ATOMIC_INIT((uint64_t)(value)) \
    }
#define WEIR_REF_INIT(references)                \
    {                                            \
        WEIR_ATOMIC_INIT((uint32_t)(references)) \
    }

/* Most slots that a sharded counter can have. */
#define WEIR_COUNTER_SLOTS_MAX 65536

WEIR_STATIC_ASSERT(sizeof(weir_counter) == 8 && sizeof(weir_ref) == 4, "one word each");
WEIR_STATIC_ASSERT(sizeof(weir__counter_slot) == WEIR_CACHELINE &&
                       offsetof(weir__counter_slot, cpu) == 0 &&
                       offsetof(weir__counter_slot, shard) == 64 && WEIR_CACHELINE == 128,
                   "the sequences shift the CPU's number by 7, and files must agree");
WEIR_STATIC_ASSERT(sizeof(weir_counter_sharded) == WEIR_CACHELINE,
                   "on a line that rests; the sequences reach over it");

/* ---- weir_counter: wait-free ---- */

/* Makes a counter that reads `value`. */
static inline void weir_counter_init(weir_counter *c, uint64_t value)
{
    weir_atomic_init(&c->word, value);
}

/* Adds `n`. Returns: the value before. */
static inline uint64_t weir_counter_fetch_add(weir_counter *c, uint64_t n)
{
    /* relaxed: a counter publishes nothing. */
    return weir_atomic_fetch_add(&c->word, n, WEIR_RELAXED);
}

/* Subtracts `n`. Returns: the value before. */
static inline uint64_t weir_counter_fetch_sub(weir_counter *c, uint64_t n)
{
    /* relaxed: a counter publishes nothing. */
    return weir_atomic_fetch_sub(&c->word, n, WEIR_RELAXED);
}

static inline void weir_counter_add(weir_counter *c, uint64_t n)
{
    (void)weir_counter_fetch_add(c, n);
}

static inline void weir_counter_sub(weir_counter *c, uint64_t n)
{
    (void)weir_counter_fetch_sub(c, n);
}

static inline void weir_counter_inc(weir_counter *c)
{
    weir_counter_add(c, 1);
}

static inline void weir_counter_dec(weir_counter *c)
{
    weir_counter_sub(c, 1);
}

/* Returns: the value at a moment inside the call. */
static inline uint64_t weir_counter_read(const weir_counter *c)
{
    /* relaxed: a counter publishes nothing. */
    return weir_atomic_load(&c->word, WEIR_RELAXED);
}

/* Puts `value` there: "what was counted since the last time" with value 0.
 * Returns: the value before. */
static inline uint64_t weir_counter_exchange(weir_counter *c, uint64_t value)
{
    /* relaxed: a counter publishes nothing. */
    return weir_atomic_exchange(&c->word, value, WEIR_RELAXED);
}

/* ---- weir_counter: bounded, lock-free ---- */

/* Replaces *seen by `value`, or waits a little and brings *seen up to date. */
static inline bool weir__counter_try(weir_counter *c, uint64_t *seen, uint64_t value,
                                     weir_backoff *backoff)
{
    /* relaxed: a counter publishes nothing; a failure only brings a newer value. */
    if (WEIR_LIKELY(weir_atomic_cas_weak(&c->word, seen, value, WEIR_RELAXED, WEIR_RELAXED)))
        return true;
    weir_backoff_wait(backoff);
    /* relaxed: what the failure brought is older than the wait. */
    *seen = weir_atomic_load(&c->word, WEIR_RELAXED);
    return false;
}

/* Adds `n`, if the sum is at most `limit`.
 * Returns: whether it did; if not, the counter is as it was. */
WEIR_NODISCARD
static inline bool weir_counter_add_limit(weir_counter *c, uint64_t n, uint64_t limit)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    uint64_t seen = weir_counter_read(c);

    do {
        if (seen > limit || n > limit - seen)
            return false;
    } while (!weir__counter_try(c, &seen, seen + n, &backoff));
    return true;
}

/* Adds `n`, but stops at UINT64_MAX.
 * Returns: whether the whole of `n` was added. */
static inline bool weir_counter_add_sat(weir_counter *c, uint64_t n)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    uint64_t seen = weir_counter_read(c);
    bool whole;

    do {
        whole = n <= UINT64_MAX - seen;
    } while (!weir__counter_try(c, &seen, whole ? seen + n : UINT64_MAX, &backoff));
    return whole;
}

/* Subtracts `n`, but stops at 0.
 * Returns: whether the whole of `n` was subtracted. */
static inline bool weir_counter_sub_sat(weir_counter *c, uint64_t n)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    uint64_t seen = weir_counter_read(c);
    bool whole;

    do {
        whole = n <= seen;
    } while (!weir__counter_try(c, &seen, whole ? seen - n : 0, &backoff));
    return whole;
}

/* Adds 1, unless the counter is 0. (At UINT64_MAX it would wrap: see Range.)
 * Returns: whether it did. */
WEIR_NODISCARD
static inline bool weir_counter_inc_unless_zero(weir_counter *c)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    uint64_t seen = weir_counter_read(c);

    do {
        if (seen == 0)
            return false;
    } while (!weir__counter_try(c, &seen, seen + 1, &backoff));
    return true;
}

/* Subtracts 1, unless the counter is 0.
 * Returns: whether it did. */
WEIR_NODISCARD
static inline bool weir_counter_dec_if_positive(weir_counter *c)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    uint64_t seen = weir_counter_read(c);

    do {
        if (seen == 0)
            return false;
    } while (!weir__counter_try(c, &seen, seen - 1, &backoff));
    return true;
}

/* Raises the counter to `value`, if it is less: a high-water mark.
 * Returns: whether it was raised; if not, a load is all that it cost. */
static inline bool weir_counter_max(weir_counter *c, uint64_t value)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    uint64_t seen = weir_counter_read(c);

    do {
        if (seen >= value)
            return false;
    } while (!weir__counter_try(c, &seen, value, &backoff));
    return true;
}

/* Lowers the counter to `value`, if it is more.
 * Returns: whether it was lowered; if not, a load is all that it cost. */
static inline bool weir_counter_min(weir_counter *c, uint64_t value)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    uint64_t seen = weir_counter_read(c);

    do {
        if (seen <= value)
            return false;
    } while (!weir__counter_try(c, &seen, value, &backoff));
    return true;
}

/* ---- weir_ref ---- */

/* A get beyond WEIR__REF_MAX, and every operation that meets a value above it, store
 * WEIR__REF_PINNED: such an object is leaked and never freed under someone. A get or a put
 * at 0 does too, for the sake of a later look: whoever put the last reference may have
 * freed the object already. From there it would take 2^30 operations, each stopped between its RMW
 * and that store, to leave the pinned half of the range: a machine has not that many
 * threads. */
#define WEIR__REF_MAX UINT32_C(0x7fffffff)
#define WEIR__REF_PINNED UINT32_C(0xc0000000)

/* Makes a count of `references`, at most 2^31 - 1; 1 for the maker. */
static inline void weir_ref_init(weir_ref *r, uint32_t references)
{
    WEIR_ASSERT(references <= WEIR__REF_MAX, "more references than a weir_ref can count");
    weir_atomic_init(&r->word, references);
}

/* Takes one more reference. The caller holds one, or somebody holds one for it: at 0 the
 * object may be gone.
 * Progress: wait-free. */
static inline void weir_ref_get(weir_ref *r)
{
    /* relaxed: the caller's own reference keeps the object, and came with its contents. */
    const uint32_t old = weir_atomic_fetch_add(&r->word, 1, WEIR_RELAXED);

    WEIR_ASSERT(old != 0, "a reference is taken from a count of 0: the object may be gone");
    if (WEIR_UNLIKELY(old == 0 || old >= WEIR__REF_MAX)) {
        /* relaxed: nothing is ever freed on account of a pinned count. */
        weir_atomic_store(&r->word, WEIR__REF_PINNED, WEIR_RELAXED);
    }
}

/* Takes a reference if there is one: for a pointer found in a structure whose memory is
 * kept by something else (a lock, a reclamation scheme).
 * Returns: whether it did; if not, the last one has let go.
 * Progress: lock-free.
 * Ordering: acquire, of what holders wrote before they let go; not of a pinned object. */
WEIR_NODISCARD
static inline bool weir_ref_get_unless_zero(weir_ref *r)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    /* relaxed: the compare-and-swap confirms the value and has the order. */
    uint32_t seen = weir_atomic_load(&r->word, WEIR_RELAXED);

    while (seen != 0) {
        const uint32_t next = seen >= WEIR__REF_MAX ? WEIR__REF_PINNED : seen + 1;

        /* sync(seen): acquire.  Pairs with the subtraction in weir_ref_put(); receives
         * what a holder wrote before it let go. relaxed: a failure takes nothing. */
        if (WEIR_LIKELY(weir_atomic_cas_weak(&r->word, &seen, next, WEIR_ACQUIRE, WEIR_RELAXED)))
            return true;
        weir_backoff_wait(&backoff);
        /* relaxed: as the first load. */
        seen = weir_atomic_load(&r->word, WEIR_RELAXED);
    }
    return false;
}

/* Lets go of one reference.
 * Returns: whether it was the last: the caller then owns the object alone, and frees it.
 * Progress: wait-free.
 * Ordering: release; acquire when it was the last: all that others did with the object
 *           before they let go has happened. */
WEIR_NODISCARD
static inline bool weir_ref_put(weir_ref *r)
{
    /* sync(last): release.  Pairs with the acquire load below, in the thread that lets go
     * last; publishes all that this thread did with the object.
     * sync(seen): release.  Pairs with the compare-and-swap in weir_ref_get_unless_zero(). */
    const uint32_t old = weir_atomic_fetch_sub(&r->word, 1, WEIR_RELEASE);

    if (WEIR_UNLIKELY(old == 1)) {
        /* sync(last): acquire.  Pairs with the subtraction above in every other thread: the
         * 0 read here ends the release sequence that each of them is part of. */
        (void)weir_atomic_load(&r->word, WEIR_ACQUIRE);
        return true;
    }
    WEIR_ASSERT(old != 0, "a reference is let go that nobody holds");
    if (WEIR_UNLIKELY(old == 0 || old > WEIR__REF_MAX)) {
        /* relaxed: nothing is ever freed on account of a pinned count. */
        weir_atomic_store(&r->word, WEIR__REF_PINNED, WEIR_RELAXED);
    }
    return false;
}

/* Returns: the references at a moment inside the call; UINT32_MAX when pinned. For logs:
 * in another thread's hands it may be another number at once. */
static inline uint32_t weir_ref_count_approx(const weir_ref *r)
{
    /* relaxed: a number to look at. */
    const uint32_t seen = weir_atomic_load(&r->word, WEIR_RELAXED);

    return seen > WEIR__REF_MAX ? UINT32_MAX : seen;
}

/* ---- weir_counter_sharded: life ---- */

/* Returns: a good number of slots for this machine: one for each CPU that it may have,
 * and at least 16, so that threads that go to atomic shards by chance seldom meet. */
WEIR_API size_t weir_counter_sharded_slots(void);

/* Returns: the bytes of a counter with `slots` slots; 0 if there are none, or more than
 * WEIR_COUNTER_SLOTS_MAX. */
WEIR_API size_t weir_counter_sharded_bytes(size_t slots);

/* Makes a counter that reads 0 in the caller's buffer, which lives as long as it does.
 * Returns: 0, or -EINVAL: no slot or too many; a buffer that is NULL, not aligned to
 *          WEIR_CACHELINE, or smaller than weir_counter_sharded_bytes(slots). On failure
 *          *out is as it was. */
WEIR_API int weir_counter_sharded_init(weir_counter_sharded **out, void *buffer, size_t bytes,
                                       size_t slots) WEIR_NODISCARD;

/* The same, and reads `start`: for tests just below the wrap. */
WEIR_API int weir_counter_sharded_init_at(weir_counter_sharded **out, void *buffer, size_t bytes,
                                          size_t slots, uint64_t start) WEIR_NODISCARD;

/* Ends the life of a counter that nobody uses any more. The buffer is the caller's again. */
WEIR_API void weir_counter_sharded_destroy(weir_counter_sharded *c);

/* Allocates a counter with its slots, once, and makes it read 0.
 * Returns: 0; -EINVAL: no slot or too many; -ENOMEM. On failure *out is as it was. */
WEIR_API int weir_counter_sharded_new(weir_counter_sharded **out, size_t slots) WEIR_NODISCARD;

/* Frees what weir_counter_sharded_new() made; NULL is ignored. */
WEIR_API void weir_counter_sharded_free(weir_counter_sharded *c);

/* ---- weir_counter_sharded: operations ---- */

/* The number of the CPU that this thread runs on, from the area that glibc registered
 * with the kernel; not below 2^31 if it is not registered. */
#if defined(WEIR_HAVE_RSEQ_ADD) || defined(WEIR__HAVE_RSEQ_CPU)
static inline uint32_t weir__rseq_cpu(void)
{
    uint32_t cpu;

#ifdef __x86_64__
    __asm__ __volatile__("movl %%fs:4(%1), %0" : "=r"(cpu) : "r"(__rseq_offset));
#else
    __asm__ __volatile__("ldr %w0, [%1, #4]"
                         : "=r"(cpu)
                         : "r"((char *)__builtin_thread_pointer() + __rseq_offset));
#endif
    return cpu;
}
#endif

/* A number that is the same for a thread at each call, and mostly not another thread's:
 * the place of its own storage, or of its stack, times 2^64 / golden ratio. */
static inline uint32_t weir__thread_hash(void)
{
    uintptr_t place;

#if defined(__x86_64__) && !defined(__ILP32__)
    __asm__("movq %%fs:0, %0" : "=r"(place));
#elif defined(__aarch64__)
    place = (uintptr_t)__builtin_thread_pointer();
#else
    place = (uintptr_t)__builtin_frame_address(0) >> 16;
#endif
    return (uint32_t)(((uint64_t)place * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

/* The slots, which follow the head. */
static inline weir__counter_slot *weir__counter_slots(weir_counter_sharded *c)
{
    return (weir__counter_slot *)(void *)(c + 1);
}

/* Adds to an atomic shard: the CPU's where its number is known, the thread's elsewhere. */
static inline void weir__counter_add_shard(weir_counter_sharded *c, uint64_t n)
{
    uint32_t index = UINT32_MAX;

#if defined(WEIR_HAVE_RSEQ_ADD) || defined(WEIR__HAVE_RSEQ_CPU)
    index = weir__rseq_cpu();
#endif
    if (index >= c->count)
        index = (uint32_t)(((uint64_t)weir__thread_hash() * c->count) >> 32);
    /* relaxed: a counter publishes nothing. */
    weir_atomic_fetch_add(&weir__counter_slots(c)[index].shard, n, WEIR_RELAXED);
}

#ifdef WEIR_HAVE_RSEQ_ADD
/* Where an add goes on that left its sequence. The kernel took the descriptor's address
 * back if it interrupted the thread, but not if the thread jumped out by itself. */
__attribute__((cold)) static inline void weir__counter_add_elsewhere(weir_counter_sharded *c,
                                                                     uint64_t n)
{
#ifdef __x86_64__
    __asm__ __volatile__("movq $0, %%fs:8(%0)" : : "r"(__rseq_offset) : "memory");
#else
    __asm__ __volatile__("str xzr, [%0, #8]"
                         :
                         : "r"((char *)__builtin_thread_pointer() + __rseq_offset)
                         : "memory");
#endif
    weir__counter_add_shard(c, n);
}
#endif

/* Adds `n`. Slots beyond CPUs, or CPUs beyond slots, are no error. */
__attribute__((always_inline)) static inline void weir_counter_sharded_add(weir_counter_sharded *c,
                                                                           uint64_t n)
{
    WEIR_ASSERT(c->count != 0, "used after destroy, or before init");
#if defined(WEIR_HAVE_RSEQ_ADD) && defined(__x86_64__)
    /* From label 1 to label 2 the thread keeps its CPU and is not interrupted, or it goes
     * on at label 4 instead, with nothing added: the commit is the one addq. It is a
     * plain store to a word that only this CPU writes; a reader's 8-byte load finds it
     * whole. The last movq takes the descriptor's address back, so that the kernel never
     * looks for it in a library that was unloaded since. "?" keeps what a discarded
     * inline function leaves behind in that function's section group. */
    __asm__ goto(".pushsection __rseq_cs, \"aw?\"\n\t"
                 ".balign 32\n"
                 "3:\n\t"
                 ".long 0, 0\n\t"
                 ".quad 1f, 2f - 1f, 4f\n\t"
                 ".popsection\n\t"
                 "leaq 3b(%%rip), %%rax\n\t"
                 "movq %%rax, %%fs:8(%[area])\n"
                 "1:\n\t"
                 "movl %%fs:4(%[area]), %%eax\n\t"
                 "cmpl (%[c]), %%eax\n\t"
                 "jae %l[elsewhere]\n\t"
                 "shlq $7, %%rax\n\t"
                 "addq %[n], 128(%[c], %%rax)\n"
                 "2:\n\t"
                 "movq $0, %%fs:8(%[area])\n\t"
                 ".pushsection __rseq_failure, \"ax?\"\n\t"
                 ".byte 0x0f, 0xb9, 0x3d\n\t"
                 ".long 0x53053053\n"
                 "4:\n\t"
                 "jmp %l[elsewhere]\n\t"
                 ".popsection"
                 :
                 : [area] "r"(__rseq_offset), [c] "r"(c), [n] "er"(n)
                 : "rax", "cc", "memory"
                 : elsewhere);
    return;
elsewhere:
    weir__counter_add_elsewhere(c, n);
#elif defined(WEIR_HAVE_RSEQ_ADD) && defined(__aarch64__)
    /* As above; the commit is the str. */
    char *const area = (char *)__builtin_thread_pointer() + __rseq_offset;

    __asm__ goto(".pushsection __rseq_cs, \"aw?\"\n\t"
                 ".balign 32\n"
                 "3:\n\t"
                 ".long 0, 0\n\t"
                 ".quad 1f, 2f - 1f, 4f\n\t"
                 ".popsection\n\t"
                 "adrp x16, 3b\n\t"
                 "add x16, x16, :lo12:3b\n\t"
                 "str x16, [%[area], #8]\n"
                 "1:\n\t"
                 "ldr w16, [%[area], #4]\n\t"
                 "ldr w17, [%[c]]\n\t"
                 "cmp w16, w17\n\t"
                 "b.hs %l[elsewhere]\n\t"
                 "add x16, %[c], x16, lsl #7\n\t"
                 "ldr x17, [x16, #128]\n\t"
                 "add x17, x17, %[n]\n\t"
                 "str x17, [x16, #128]\n"
                 "2:\n\t"
                 "str xzr, [%[area], #8]\n\t"
                 ".pushsection __rseq_failure, \"ax?\"\n\t"
                 ".inst 0xd428bc00\n"
                 "4:\n\t"
                 "b %l[elsewhere]\n\t"
                 ".popsection"
                 :
                 : [area] "r"(area), [c] "r"(c), [n] "r"(n)
                 : "x16", "x17", "cc", "memory"
                 : elsewhere);
    return;
elsewhere:
    weir__counter_add_elsewhere(c, n);
#else
    weir__counter_add_shard(c, n);
#endif
}

static inline void weir_counter_sharded_sub(weir_counter_sharded *c, uint64_t n)
{
    weir_counter_sharded_add(c, 0 - n);
}

static inline void weir_counter_sharded_inc(weir_counter_sharded *c)
{
    weir_counter_sharded_add(c, 1);
}

static inline void weir_counter_sharded_dec(weir_counter_sharded *c)
{
    weir_counter_sharded_add(c, UINT64_MAX);
}

/* ---- weir_counter_sharded: queries ---- */

/* Returns: the count; the banner says what it means while others add.
 * Complexity: two loads a slot. */
WEIR_API uint64_t weir_counter_sharded_read(const weir_counter_sharded *c);

/* Returns: whether an add of this thread, compiled in this file, now goes by a restartable
 * sequence: for benchmarks and logs. */
static inline bool weir_counter_sharded_is_per_cpu(const weir_counter_sharded *c)
{
#ifdef WEIR_HAVE_RSEQ_ADD
    return weir__rseq_cpu() < c->count;
#else
    (void)c;
    return false;
#endif
}

#ifdef __cplusplus
}
#endif

#endif /* WEIR_COUNTER_H */
