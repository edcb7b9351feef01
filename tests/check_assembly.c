/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/check_assembly.c: inline assembly.
 *
 * The checker does not see it: a run that enters a function which has some that synchronizes is
 * given up. gcc gives functions with nothing but assembly no hook. */

#include "check.h"

static int assembly_word, assembly_global;
static _Atomic int assembly_flag;

static inline void assembly_increment(int *word)
{
    __asm__ __volatile__("lock; incl %0" : "+m"(*word) : : "memory", "cc");
}

static __attribute__((noinline)) void assembly_fence(void)
{
    __asm__ __volatile__("mfence" : : : "memory");
}

/* Not static, and not inlined: found by the debugger's information alone. */
int assembly_exchange(int *word, int value);
__attribute__((noinline)) int assembly_exchange(int *word, int value)
{
    __asm__ __volatile__("xchgl %0, %1" : "+r"(value), "+m"(*word) : : "memory");
    return value;
}

static void enters_inlined(void *unused)
{
    (void)unused;
    assembly_global++;
    assembly_increment(&assembly_word);
}

static void enters_fence(void *unused)
{
    (void)unused;
    assembly_global++;
    assembly_fence();
}

static void enters_exchange(void *unused)
{
    (void)unused;
    assembly_global += assembly_exchange(&assembly_word, 1);
}

/* What synchronizes nobody, and what a compiler may emit by itself. */
static void enters_harmless(void *unused)
{
    unsigned low, high, a = 0, b, c = 0, d;
    int from[4] = {1, 2, 3, 4}, to[4];
    void *source = from, *target = to;
    size_t size = sizeof from;

    (void)unused;
    __asm__ __volatile__("pause" : : : "memory");
    __asm__ __volatile__("rdtsc" : "=a"(low), "=d"(high));
    __asm__ __volatile__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    __asm__ __volatile__("prefetcht0 %0" : : "m"(assembly_global));
    __asm__ __volatile__("rep movsb" : "+D"(target), "+S"(source), "+c"(size) : : "memory");
    __asm__ __volatile__("xchg %0, %1" : "+r"(a), "+r"(b));
    __asm__ __volatile__("call 1f\n0: pause; lfence; jmp 0b\n1: lea 8(%%rsp), %%rsp"
                         :
                         :
                         : "memory");
    assembly_flag++;
}

/* Its assembly lies elsewhere than the run goes. */
static void enters_nothing(void *unused)
{
    (void)unused;
    assembly_flag++;
}

typedef struct assembly_case {
    void (*body)(void *);
    const char *sentence; /* how it begins; NULL: it is clean */
} assembly_case;

static void assembly_test(void *argument)
{
    const assembly_case *const c = (const assembly_case *)argument;

    weir_check_thread(c->body, NULL);
}

static void assembly_is_refused(void)
{
    static const assembly_case cases[] = {{enters_nothing, NULL},
                                          {enters_inlined, "assembly_increment() has lock inc at "},
                                          {enters_fence, "assembly_fence() has mfence at "},
                                          {enters_exchange, "assembly_exchange() has xchg at "},
                                          {enters_harmless, NULL},
                                          {enters_nothing, NULL}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const assembly_case *const c = &cases[i];
        const weir_check_options options = {.quiet = true};
        weir_check_result result;

        weir_check_run_result(&options, assembly_test, (void *)(uintptr_t)c, &result);
        if (c->sentence == NULL) {
            CHECK_EQ(result.verdict, WEIR_CHECK_CLEAN);
            continue;
        }
        CHECK_EQ(result.verdict, WEIR_CHECK_UNABLE);
        CHECK(strncmp(result.sentence, c->sentence, strlen(c->sentence)) == 0);
    }
}

const test_case check_assembly[] = {TEST_CASE(assembly_is_refused), {NULL, NULL}};
