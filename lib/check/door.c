/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/door.c: what code that was compiled with -fsanitize=thread calls for its atomic
 * operations (plain.c has the rest): the functions of the sanitizer's
 * runtime, for gcc and for clang, and those of libatomic, which clang without -mcx16 calls for
 * 16 bytes. The sanitizer's annotations, which a program calls by itself, are not here.
 *
 * An operation that reads is entered through a stub in assembly, which leaves the registers of its
 * caller where thread.c finds them. The C function behind it takes the pointer to them away at
 * once, so that what it does by the way (plain accesses, a choice) is not taken for the operation
 * itself, and puts it back right before that. */

#include "hook.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

/* One function of each file that stands in for the C library's: so that all of them are linked
 * wherever this one is, before or behind other archives. */
typedef void any_function(void);
int __libc_start_main(void);
__attribute__((used)) static any_function *const companions[] = {(any_function *)malloc,
                                                                 (any_function *)pthread_create,
                                                                 (any_function *)pthread_key_create,
                                                                 (any_function *)pthread_mutex_lock,
                                                                 (any_function *)sem_wait,
                                                                 (any_function *)clock_gettime,
                                                                 (any_function *)thrd_create,
                                                                 (any_function *)syscall,
                                                                 (any_function *)fork,
                                                                 (any_function *)__libc_start_main};

#define FROM_STUB static __attribute__((used))

WEIR_ALWAYS_INLINE const machine *take_machine(void)
{
    const machine *const m = weir__check_machine;

    weir__check_machine = NULL;
    return m;
}

/* What may alias anything, and lie anywhere. */
typedef uint8_t loose_1 __attribute__((may_alias));
typedef uint16_t loose_2 __attribute__((may_alias, aligned(1)));
typedef uint32_t loose_4 __attribute__((may_alias, aligned(1)));
typedef uint64_t loose_8 __attribute__((may_alias, aligned(1)));
typedef word loose_16 __attribute__((may_alias, aligned(1)));

static word get(const void *from, unsigned size)
{
    switch (size) {
    case 1:
        return *(const loose_1 *)from;
    case 2:
        return *(const loose_2 *)from;
    case 4:
        return *(const loose_4 *)from;
    case 8:
        return *(const loose_8 *)from;
    default:
        return *(const loose_16 *)from;
    }
}

static void put(void *to, unsigned size, word value)
{
    switch (size) {
    case 1:
        *(loose_1 *)to = (uint8_t)value;
        break;
    case 2:
        *(loose_2 *)to = (uint16_t)value;
        break;
    case 4:
        *(loose_4 *)to = (uint32_t)value;
        break;
    case 8:
        *(loose_8 *)to = (uint64_t)value;
        break;
    default:
        *(loose_16 *)to = value;
    }
}

/* ---- outside of a run: the memory itself ---- */

/* Replaces `old`. Returns: what was there. */
static word real_cas(volatile void *object, unsigned size, word old, word desired)
{
#define CASE(bytes, type)                                                                  \
    case bytes: {                                                                          \
        type found = (type)old;                                                            \
                                                                                           \
        __atomic_compare_exchange_n((volatile type *)object, &found, (type)desired, false, \
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                   \
        return found;                                                                      \
    }
    switch (size) {
        CASE(1, uint8_t)
        CASE(2, uint16_t)
        CASE(4, uint32_t)
        CASE(8, uint64_t)
    default: {
        uint64_t low = (uint64_t)old, high = (uint64_t)(old >> 64);

        /* The builtin would want -mcx16, or libatomic. */
        __asm__ __volatile__("lock cmpxchg16b %0"
                             : "+m"(*(volatile word *)object), "+a"(low), "+d"(high)
                             : "b"((uint64_t)desired), "c"((uint64_t)(desired >> 64))
                             : "memory", "cc");
        return (word)high << 64 | low;
    }
    }
#undef CASE
}

static word real_load(const volatile void *object, unsigned size)
{
    switch (size) {
    case 1:
        return __atomic_load_n((const volatile uint8_t *)object, __ATOMIC_SEQ_CST);
    case 2:
        return __atomic_load_n((const volatile uint16_t *)object, __ATOMIC_SEQ_CST);
    case 4:
        return __atomic_load_n((const volatile uint32_t *)object, __ATOMIC_SEQ_CST);
    case 8:
        return __atomic_load_n((const volatile uint64_t *)object, __ATOMIC_SEQ_CST);
    default:
        return real_cas((volatile void *)(uintptr_t)object, size, 0, 0);
    }
}

static word real_change(volatile void *object, unsigned size, change_function *change, void *with,
                        bool *done)
{
    word old = real_load(object, size), desired, found;

    for (;;) {
        *done = change(with, old, &desired);
        if (!*done)
            return old;
        found = real_cas(object, size, old, desired);
        if (found == old)
            return old;
        old = found;
    }
}

/* ---- read-modify-writes, as functions ---- */

typedef struct operand {
    word value;
    word expected;
    word mask; /* the bytes of the object */
} operand;

#define CHANGE(name, expression)                            \
    static bool name(void *with, word old, word *new_value) \
    {                                                       \
        const operand *const o = with;                      \
                                                            \
        (void)old;                                          \
        *new_value = (expression)&o->mask;                  \
        return true;                                        \
    }

CHANGE(exchange, o->value)
CHANGE(add, old + o->value)
CHANGE(subtract, old - o->value)
CHANGE(and_bits, old & o->value)
CHANGE(or_bits, old | o->value)
CHANGE(xor_bits, old ^ o->value)
CHANGE(nand_bits, ~(old & o->value))

static bool replace(void *with, word old, word *new_value)
{
    const operand *const o = with;

    *new_value = o->value & o->mask;
    return (old & o->mask) == o->expected;
}

static word mask_of(unsigned size)
{
    return size == sizeof(word) ? ~(word)0 : ((word)1 << 8 * size) - 1;
}

/* ---- in a run ---- */

/* The orders that C allows, a bit each. */
enum { FOR_LOADS = 0x27, FOR_STORES = 0x29, FOR_ALL = 0x3f };

static uint8_t order_of(int order, unsigned allowed, const void *pc, const char *what)
{
    static const char *const names[] = {"relaxed", "consume", "acquire", "release",
                                        "acq_rel", "seq_cst", "6",       "7"};

    /* gcc keeps hints for the processor in higher bits. */
    order &= 7;
    if (WEIR_UNLIKELY((allowed >> order & 1) == 0))
        weir__check_bug(WEIR_CHECK_MISUSE, pc, NULL, "%s with the memory order %s", what,
                        names[order]);
    return (uint8_t)(order == __ATOMIC_CONSUME ? __ATOMIC_ACQUIRE : order);
}

static request access_to(const volatile void *object, unsigned size, uint8_t order, uint8_t failure,
                         const void *pc, const char *what)
{
    const request a = {.address = (const void *)object,
                       .size = (uint8_t)size,
                       .space = MEMORY,
                       .order = order,
                       .failure = failure,
                       .pc = pc,
                       .what = what};

    if (WEIR_UNLIKELY(((uintptr_t)object & (size - 1)) != 0))
        weir__check_bug(WEIR_CHECK_MISUSE, pc, NULL,
                        "%s of %u bytes at an address that is not aligned", what, size);
    return a;
}

static word load(const volatile void *object, unsigned size, int order, const char *what)
{
    const machine *const m = take_machine();
    request a;
    word value;

    if (!in_a_run())
        return real_load(object, size);
    a = access_to(object, size, order_of(order, FOR_LOADS, m->pc, what), 0, m->pc, what);
    weir__check_machine = m;
    value = weir__check_load(&a);
    weir__check_machine = NULL;
    return value;
}

static void store(volatile void *object, unsigned size, word value, int order, const void *pc)
{
    operand with = {.value = value, .mask = mask_of(size)};
    request a;
    bool done;

    if (!in_a_run()) {
        real_change(object, size, exchange, &with, &done);
        return;
    }
    a = access_to(object, size, order_of(order, FOR_STORES, pc, "store"), 0, pc, "store");
    weir__check_store(&a, value & with.mask);
}

static word modify(volatile void *object, unsigned size, word value, int order,
                   change_function *change, const char *what)
{
    const machine *const m = take_machine();
    operand with = {.value = value, .mask = mask_of(size)};
    request a;
    word old;
    bool done;

    if (!in_a_run())
        return real_change(object, size, change, &with, &done);
    a = access_to(object, size, order_of(order, FOR_ALL, m->pc, what), 0, m->pc, what);
    weir__check_machine = m;
    old = weir__check_change(&a, change, &with, NULL);
    weir__check_machine = NULL;
    return old;
}

/* A compare-exchange whose machine was taken already. */
static word compare_exchange(const machine *m, volatile void *object, unsigned size, word expected,
                             word desired, int order, int failure, bool *done, const char *what)
{
    operand with = {.value = desired, .expected = expected & mask_of(size), .mask = mask_of(size)};
    request a;
    word old;

    if (!in_a_run())
        return real_change(object, size, replace, &with, done);
    a = access_to(object, size, order_of(order, FOR_ALL, m->pc, what),
                  order_of(failure, FOR_LOADS, m->pc, what), m->pc, what);
    a.expected = &with.expected;
    weir__check_machine = m;
    old = weir__check_change(&a, replace, &with, done);
    weir__check_machine = NULL;
    return old;
}

static bool fails_for_no_reason(const void *pc)
{
    static const char *const what[] = {"compare_exchange_weak does what it should",
                                       "compare_exchange_weak fails for no reason"};

    if (weir__check_spurious == 0 || weir__check_choose(2, what, pc) == 0)
        return false;
    weir__check_spurious--;
    return true;
}

/* The compiler does not report the accesses to *expected. */
static bool compare_exchange_at(volatile void *object, unsigned size, void *expected, word desired,
                                int order, int failure, bool weak)
{
    const char *const what = weak ? "compare_exchange_weak" : "compare_exchange";
    const machine *const m = take_machine();
    bool done = false;
    word found;

    if (in_a_run()) {
        weir__memory_plain(expected, size, false, m->pc);
        if (weak && fails_for_no_reason(m->pc)) {
            weir__check_machine = m;
            found = load(object, size, failure, what);
            weir__check_wrote(); /* the next one is another: it does what it should */
        } else {
            found = compare_exchange(m, object, size, get(expected, size), desired, order, failure,
                                     &done, what);
        }
        if (done)
            return true;
        weir__memory_plain(expected, size, true, m->pc);
    } else {
        found = compare_exchange(m, object, size, get(expected, size), desired, order, failure,
                                 &done, what);
    }
    if (!done)
        put(expected, size, found);
    return done;
}

static word compare_exchange_value(volatile void *object, unsigned size, word expected,
                                   word desired, int order, int failure)
{
    bool done;

    return compare_exchange(take_machine(), object, size, expected, desired, order, failure, &done,
                            "compare_exchange");
}

/* ---- atomic operations by their sizes ---- */

#define MODIFY(bits, type, name, change)                                            \
    FROM_STUB type do_##name##_##bits(volatile type *object, type value, int order) \
    {                                                                               \
        return (type)modify(object, sizeof(type), value, order, change, #name);     \
    }

#define ATOMICS(bits, type)                                                                        \
    HOOK(void, __tsan_atomic##bits##_store, volatile type *object, type value, int order)          \
    {                                                                                              \
        store(object, sizeof(type), value, order, CALLER);                                         \
    }                                                                                              \
    FROM_STUB type do_load_##bits(const volatile type *object, int order)                          \
    {                                                                                              \
        return (type)load(object, sizeof(type), order, "load");                                    \
    }                                                                                              \
    MODIFY(bits, type, exchange, exchange)                                                         \
    MODIFY(bits, type, fetch_add, add)                                                             \
    MODIFY(bits, type, fetch_sub, subtract)                                                        \
    MODIFY(bits, type, fetch_and, and_bits)                                                        \
    MODIFY(bits, type, fetch_or, or_bits)                                                          \
    MODIFY(bits, type, fetch_xor, xor_bits)                                                        \
    MODIFY(bits, type, fetch_nand, nand_bits)                                                      \
    FROM_STUB bool do_compare_exchange_strong_##bits(volatile type *object, type *expected,        \
                                                     type desired, int order, int failure)         \
    {                                                                                              \
        return compare_exchange_at(object, sizeof(type), expected, desired, order, failure,        \
                                   false);                                                         \
    }                                                                                              \
    FROM_STUB bool do_compare_exchange_weak_##bits(volatile type *object, type *expected,          \
                                                   type desired, int order, int failure)           \
    {                                                                                              \
        return compare_exchange_at(object, sizeof(type), expected, desired, order, failure, true); \
    }

#define COMPARE_VALUE(bits, type)                                                           \
    FROM_STUB type do_compare_exchange_val_##bits(volatile type *object, type expected,     \
                                                  type desired, int order, int failure)     \
    {                                                                                       \
        return (type)compare_exchange_value(object, sizeof(type), expected, desired, order, \
                                            failure);                                       \
    }

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)
ATOMICS(128, word)
COMPARE_VALUE(8, uint8_t)
COMPARE_VALUE(16, uint16_t)
COMPARE_VALUE(32, uint32_t)
COMPARE_VALUE(64, uint64_t)

/* Its last argument has no register: it lies on the stack of the caller, behind the return
 * address. */
FROM_STUB word do_compare_exchange_val_128(volatile word *object, word expected, word desired,
                                           int order)
{
    const int failure = *(const int *)(weir__check_machine + 1);

    return compare_exchange_value(object, sizeof(word), expected, desired, order, failure);
}

HOOK(void, __tsan_atomic_thread_fence, int order)
{
    if (!in_a_run())
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    else if ((order & 7) != __ATOMIC_RELAXED)
        weir__check_fence(order_of(order, FOR_ALL, CALLER, "fence"), CALLER, "fence");
}

HOOK(void, __tsan_atomic_signal_fence, int order)
{
    /* Signal handlers are not looked at. */
    (void)order;
}

/* ---- libatomic's: objects of any size ---- */

static bool has_instructions(const volatile void *object, size_t size)
{
    return size != 0 && size <= sizeof(word) && (size & (size - 1)) == 0 &&
           ((uintptr_t)object & (size - 1)) == 0;
}

/* Returns: false if it is to be done without the checker, and without a lock: outside of a run,
 * where there is one thread. In a run libatomic's lock would hide all that goes on. */
static bool is_checked(const volatile void *object, size_t size, const void *pc)
{
    if (has_instructions(object, size))
        return true;
    if (in_a_run())
        weir__check_unable(pc, "an atomic object of %zu bytes, which needs a lock", size);
    return false;
}

/* Arguments and results lie in the caller's plain memory. */
static word get_plain(const void *from, size_t size, const void *pc)
{
    if (in_a_run())
        weir__memory_plain(from, size, false, pc);
    return get(from, (unsigned)size);
}

static void put_plain(void *to, size_t size, word value, const void *pc)
{
    if (in_a_run())
        weir__memory_plain(to, size, true, pc);
    put(to, (unsigned)size, value);
}

FROM_STUB void do_load_any(size_t size, const void *object, void *result, int order)
{
    const void *const pc = weir__check_machine->pc;

    if (is_checked(object, size, pc))
        put_plain(result, size, load(object, (unsigned)size, order, "load"), pc);
    else
        memcpy(result, object, size);
}

FROM_STUB void do_store_any(size_t size, void *object, const void *value, int order)
{
    const void *const pc = take_machine()->pc;

    if (is_checked(object, size, pc))
        store(object, (unsigned)size, get_plain(value, size, pc), order, pc);
    else
        memcpy(object, value, size);
}

FROM_STUB void do_exchange_any(size_t size, void *object, const void *value, void *result,
                               int order)
{
    const machine *const m = take_machine();
    word desired, old;

    if (is_checked(object, size, m->pc)) {
        desired = get_plain(value, size, m->pc);
        weir__check_machine = m;
        old = modify(object, (unsigned)size, desired, order, exchange, "exchange");
        put_plain(result, size, old, m->pc);
    } else {
        memcpy(result, object, size);
        memcpy(object, value, size);
    }
}

FROM_STUB bool do_compare_exchange_any(size_t size, void *object, void *expected,
                                       const void *desired, int order, int failure)
{
    const machine *const m = take_machine();
    bool done;

    if (is_checked(object, size, m->pc)) {
        const word value = get_plain(desired, size, m->pc);

        weir__check_machine = m;
        return compare_exchange_at(object, (unsigned)size, expected, value, order, failure, false);
    }
    done = memcmp(object, expected, size) == 0;
    memcpy(done ? object : expected, done ? desired : object, size);
    return done;
}

FROM_STUB bool do_is_lock_free(size_t size, const void *object)
{
    return has_instructions(object, size);
}

/* ---- the stubs ----
 *
 * Seven words and the return address behind them: a struct machine. The called function gives the
 * registers back as it found them, so nothing has to be popped. */

/* clang-format off */
__asm__(
    ".macro weir_stub name, function\n"
    ".globl \\name\n"
    ".type \\name, @function\n"
    ".p2align 4\n"
    "\\name:\n"
    ".cfi_startproc\n"
    "    pushq $0\n"
    "    .cfi_adjust_cfa_offset 8\n"
    "    .irp register, r15, r14, r13, r12, rbx, rbp\n"
    "    pushq %\\register\n"
    "    .cfi_adjust_cfa_offset 8\n"
    "    .cfi_rel_offset \\register, 0\n"
    "    .endr\n"
    "    movq %rsp, weir__check_machine(%rip)\n"
    "    call \\function\n"
    "    addq $56, %rsp\n"
    "    .cfi_adjust_cfa_offset -56\n"
    "    .irp register, r15, r14, r13, r12, rbx, rbp\n"
    "    .cfi_restore \\register\n"
    "    .endr\n"
    "    ret\n"
    ".cfi_endproc\n"
    ".size \\name, . - \\name\n"
    ".endm\n"
    ".pushsection .text\n"
    ".irp what, load, exchange, fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_nand, "
    "compare_exchange_strong, compare_exchange_weak, compare_exchange_val\n"
    "weir_stub __tsan_atomic8_\\what, do_\\what\\()_8\n"
    "weir_stub __tsan_atomic16_\\what, do_\\what\\()_16\n"
    "weir_stub __tsan_atomic32_\\what, do_\\what\\()_32\n"
    "weir_stub __tsan_atomic64_\\what, do_\\what\\()_64\n"
    "weir_stub __tsan_atomic128_\\what, do_\\what\\()_128\n"
    ".endr\n"
    ".irp what, load, exchange, fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_nand\n"
    "weir_stub __atomic_\\what\\()_16, do_\\what\\()_128\n"
    ".endr\n"
    "weir_stub __atomic_compare_exchange_16, do_compare_exchange_strong_128\n"
    "weir_stub __atomic_load, do_load_any\n"
    "weir_stub __atomic_store, do_store_any\n"
    "weir_stub __atomic_exchange, do_exchange_any\n"
    "weir_stub __atomic_compare_exchange, do_compare_exchange_any\n"
    ".globl __atomic_store_16\n"
    ".set __atomic_store_16, __tsan_atomic128_store\n"
    ".globl __atomic_is_lock_free\n"
    ".set __atomic_is_lock_free, do_is_lock_free\n"
    ".popsection\n");
/* clang-format on */
