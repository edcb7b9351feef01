/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Rows of single words: atomic, clock, fence, ring, counter, state. */

#include "costs.h"

#ifdef COSTS_ARE_COUNTED

static uint64_t words[2];
static WEIR_ALIGNAS(WEIR_CACHELINE) unsigned char buffer[65536];

/* ---- atomic ---- */

static WEIR_ATOMIC(uint64_t) word;

static void word_is(unsigned n)
{
    weir_atomic_init(&word, n);
    words[0] = 0;
}

#ifdef WEIR_HAVE_DWORD_CAS
static weir_dword dword;

static void dword_is(unsigned n)
{
    weir_atomic_init(&dword.lo, n);
    weir_atomic_init(&dword.hi, n);
    words[0] = words[1] = 0;
}
#endif

static void atomic_rows(void)
{
    costs_structure = "atomic";
    ROW(atomic, load_relaxed, "", word_is, 5, 5, P(&word));
    ROW(atomic, load_acquire, "", word_is, 5, 5, P(&word));
    ROW(atomic, load_seq_cst, "", word_is, 5, 5, P(&word));
    ROW(atomic, store_relaxed, "", word_is, 5, ANY, P(&word), 7);
    ROW(atomic, store_release, "", word_is, 5, ANY, P(&word), 7);
    ROW(atomic, store_seq_cst, "", word_is, 5, ANY, P(&word), 7);
    ROW(atomic, exchange, "", word_is, 5, 5, P(&word), 7);
    ROW(atomic, fetch_add, "", word_is, 5, 5, P(&word), 7);
    ROW(atomic, cas, "succeeds", word_is, 0, YES, P(&word), P(&words[0]), 7);
    ROW(atomic, cas, "another value is there", word_is, 5, NO, P(&word), P(&words[0]), 7);
    ROW(atomic, cas_weak, "succeeds", word_is, 0, YES, P(&word), P(&words[0]), 7);
#ifdef WEIR_HAVE_DWORD_CAS
    ROW_OF(dword_cas, "succeeds", dword_is, 0, YES, P(&dword), P(&words[0]), P(&words[1]), 1, 2);
    ROW_OF(dword_cas, "another pair is there", dword_is, 7, NO, P(&dword), P(&words[0]),
           P(&words[1]), 1, 2);
    ROW_OF(dword_cas_seq_cst, "succeeds", dword_is, 0, YES, P(&dword), P(&words[0]), P(&words[1]),
           1, 2);
#endif
    ROW_OF(pause, "", NULL, 0, ANY, 0);
    ROW_OF(prefetch_write, "", NULL, 0, ANY, P(&word));
}

/* ---- clock, fence, ring ---- */

static weir_ring ring;

static void ring_of(unsigned n)
{
    costs_require(weir_ring_make(&ring, n), "no ring");
}

static void ground_rows(void)
{
    costs_structure = "clock";
    ROW(clock, now, "", NULL, 0, ANY, 0);
    ROW(clock, add, "", NULL, 0, ANY, 5, 7);
    ROW(clock, after, "", NULL, 0, ANY, 7);

    costs_structure = "fence";
    ROW(fence, light, "", NULL, 0, ANY, 0);
    ROW(fence, asymmetric, "decided", NULL, 0, weir_fence_asymmetric(), 0);
    if (weir_fence_asymmetric())
        ROW(fence, heavy, "", NULL, 0, ANY, 0);
    else
        costs_leave_out("heavy", "", "the kernel refuses membarrier(2)");

    costs_structure = "ring";
    ROW(ring, next, "within a lap", ring_of, 100, 6, P(&ring), 5);
    ROW(ring, next, "into the next lap", ring_of, 100, 128, P(&ring), 99);
    ROW(ring, advance, "within a lap", ring_of, 100, 13, P(&ring), 5, 8);
    ROW(ring, count, "", ring_of, 100, 8, P(&ring), 5, 13);
}

/* ---- counter ---- */

static weir_counter counter;
static weir_ref ref;
static weir_counter_sharded *sharded;

static void counter_is(unsigned n)
{
    weir_counter_init(&counter, n);
}

static void ref_has(unsigned n)
{
    weir_ref_init(&ref, n);
}

static void sharded_of(unsigned n)
{
    costs_require(weir_counter_sharded_init(&sharded, buffer, sizeof buffer, n) == 0, "no counter");
    costs_now.argument[0] = P(sharded);
}

static void counter_rows(void)
{
    costs_structure = "counter";
    ROW(counter, fetch_add, "", counter_is, 5, 5, P(&counter), 3);
    ROW(counter, fetch_sub, "", counter_is, 5, 5, P(&counter), 3);
    ROW(counter, add, "", counter_is, 5, ANY, P(&counter), 3);
    ROW(counter, sub, "", counter_is, 5, ANY, P(&counter), 3);
    ROW(counter, inc, "", counter_is, 5, ANY, P(&counter));
    ROW(counter, dec, "", counter_is, 5, ANY, P(&counter));
    ROW(counter, read, "", counter_is, 5, 5, P(&counter));
    ROW(counter, exchange, "", counter_is, 5, 5, P(&counter), 0);
    ROW(counter, add_limit, "below it", counter_is, 5, YES, P(&counter), 3, 10);
    ROW(counter, add_limit, "refused", counter_is, 9, NO, P(&counter), 3, 10);
    ROW(counter, add_sat, "whole", counter_is, 5, YES, P(&counter), 3);
    ROW(counter, sub_sat, "whole", counter_is, 5, YES, P(&counter), 3);
    ROW(counter, inc_unless_zero, "not zero", counter_is, 5, YES, P(&counter));
    ROW(counter, inc_unless_zero, "zero", counter_is, 0, NO, P(&counter));
    ROW(counter, dec_if_positive, "positive", counter_is, 5, YES, P(&counter));
    ROW(counter, dec_if_positive, "zero", counter_is, 0, NO, P(&counter));
    ROW(counter, max, "raised", counter_is, 5, YES, P(&counter), 9);
    ROW(counter, max, "not raised", counter_is, 5, NO, P(&counter), 3);
    ROW(counter, min, "lowered", counter_is, 5, YES, P(&counter), 3);
    ROW(counter, min, "not lowered", counter_is, 5, NO, P(&counter), 9);

    costs_structure = "ref";
    ROW(ref, get, "", ref_has, 2, ANY, P(&ref));
    ROW(ref, get_unless_zero, "held", ref_has, 2, YES, P(&ref));
    ROW(ref, get_unless_zero, "zero", ref_has, 0, NO, P(&ref));
    ROW(ref, put, "not the last", ref_has, 2, NO, P(&ref));
    ROW(ref, put, "the last", ref_has, 1, YES, P(&ref));
    ROW(ref, count_approx, "", ref_has, 2, 2, P(&ref));
}

static void sharded_rows(void)
{
    const unsigned many = 256; /* slots: the number of the processor is below */

    costs_structure = "counter_sharded";
    sharded_of(many);
    if (costs_counts && !weir_counter_sharded_is_per_cpu(sharded)) {
        costs_leave_out("add", "restartable sequence", "this thread has no restartable sequences");
        costs_leave_out("sub", "restartable sequence", "this thread has no restartable sequences");
        costs_leave_out("inc", "restartable sequence", "this thread has no restartable sequences");
        costs_leave_out("dec", "restartable sequence", "this thread has no restartable sequences");
    } else {
        ROW(counter_sharded, add, "restartable sequence", sharded_of, many, ANY, 0, 3);
        ROW(counter_sharded, sub, "restartable sequence", sharded_of, many, ANY, 0, 3);
        ROW(counter_sharded, inc, "restartable sequence", sharded_of, many, ANY, 0);
        ROW(counter_sharded, dec, "restartable sequence", sharded_of, many, ANY, 0);
    }
    ROW(counter_sharded, add_shard, "an add without one", sharded_of, many, ANY, 0, 3);
    ROW(counter_sharded, read, "16 slots", sharded_of, 16, 0, 0);
}

/* ---- state ---- */

static weir_flag flag;
static weir_state state_word;
static const weir_transition from_two = {"from two", WEIR_STATE_BIT(2), 3};
static uint32_t met;

static void flag_is(unsigned n)
{
    weir_flag_init(&flag);
    if (n != 0)
        (void)weir_flag_set(&flag);
}

static void state_is(unsigned n)
{
    weir_state_init(&state_word, n);
}

static void state_rows(void)
{
    costs_structure = "flag";
    ROW(flag, set, "down", flag_is, 0, NO, P(&flag));
    ROW(flag, set, "up", flag_is, 1, YES, P(&flag));
    ROW(flag, test, "", flag_is, 1, YES, P(&flag));
    ROW(flag, clear, "", flag_is, 1, ANY, P(&flag));

    costs_structure = "state";
    ROW(state, read, "", state_is, 2, 2, P(&state_word));
    ROW(state, move, "done", state_is, 2, YES, P(&state_word), 2, 3);
    ROW(state, move, "refused", state_is, 1, NO, P(&state_word), 2, 3);
    ROW(state, take, "done", state_is, 2, YES, P(&state_word), P(&from_two), P(&met));
    ROW(state, take, "refused", state_is, 1, NO, P(&state_word), P(&from_two), P(&met));
}

void costs_of_words(void)
{
    atomic_rows();
    ground_rows();
    counter_rows();
    sharded_rows();
    state_rows();
}

#else

/* A translation unit is not empty. */
typedef int costs_none;

#endif
