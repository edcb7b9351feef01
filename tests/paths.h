/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/paths.h: the hot paths as functions: path_X does nothing but call weir_X, so that the
 * code of path_X in tests/paths.c is what a user's file gets by calling weir_X there. What is
 * counted (tests/costs.c) and what is listed of the compiled code is these functions.
 *
 * One line for each: PATH(type, name, parameters, call) or, where nothing is returned,
 * PATH_VOID(name, parameters, call). Here the lines declare; tests/paths.c has them define.
 * Typed wrappers are here only where constants make other code of them. */

#ifndef WEIR_TESTS_PATHS_H
#define WEIR_TESTS_PATHS_H

#include <weir/atomic.h>
#include <weir/base.h>
#include <weir/broadcast.h>
#include <weir/cancel.h>
#include <weir/chan.h>
#include <weir/clock.h>
#include <weir/counter.h>
#include <weir/deque.h>
#include <weir/epoch.h>
#include <weir/fence.h>
#include <weir/future.h>
#include <weir/guard.h>
#include <weir/hazard.h>
#include <weir/interval.h>
#include <weir/mpmc.h>
#include <weir/mpsc.h>
#include <weir/observe.h>
#include <weir/parallel.h>
#include <weir/pool.h>
#include <weir/ring.h>
#include <weir/select.h>
#include <weir/sem.h>
#include <weir/spsc.h>
#include <weir/stack.h>
#include <weir/stack_guard.h>
#include <weir/state.h>
#include <weir/ticket.h>
#include <weir/umpmc.h>
#include <weir/wait.h>

/* Three words. */
typedef struct element_24 {
    uint64_t word[3];
} element_24;

WEIR_SPSC_DEFINE(spsc_word, uint64_t);
WEIR_SPSC_DEFINE(spsc_24, element_24);
WEIR_TICKET_DEFINE(ticket_24, element_24);
WEIR_FUTURE_DEFINE(future_word, uint64_t);
#ifdef WEIR_HAVE_MPMC
WEIR_MPMC_SLOTS_DEFINE(mpmc_slots_24, element_24);
#endif

#ifndef PATH
#define PATH(type, name, parameters, call) type path_##name parameters
#define PATH_VOID(name, parameters, call) void path_##name parameters
#endif

/* ---- atomic ---- */

/* relaxed, and all other orders: what the caller names is passed through. */
PATH(uint64_t, atomic_load_relaxed, (const WEIR_ATOMIC(uint64_t) * a),
     weir_atomic_load(a, WEIR_RELAXED));
PATH(uint64_t, atomic_load_acquire, (const WEIR_ATOMIC(uint64_t) * a),
     weir_atomic_load(a, WEIR_ACQUIRE));
PATH(uint64_t, atomic_load_seq_cst, (const WEIR_ATOMIC(uint64_t) * a),
     weir_atomic_load(a, WEIR_SEQ_CST));
PATH_VOID(atomic_store_relaxed, (WEIR_ATOMIC(uint64_t) * a, uint64_t v),
          weir_atomic_store(a, v, WEIR_RELAXED));
PATH_VOID(atomic_store_release, (WEIR_ATOMIC(uint64_t) * a, uint64_t v),
          weir_atomic_store(a, v, WEIR_RELEASE));
PATH_VOID(atomic_store_seq_cst, (WEIR_ATOMIC(uint64_t) * a, uint64_t v),
          weir_atomic_store(a, v, WEIR_SEQ_CST));
PATH(uint64_t, atomic_exchange, (WEIR_ATOMIC(uint64_t) * a, uint64_t v),
     weir_atomic_exchange(a, v, WEIR_ACQ_REL));
PATH(uint64_t, atomic_fetch_add, (WEIR_ATOMIC(uint64_t) * a, uint64_t v),
     weir_atomic_fetch_add(a, v, WEIR_ACQ_REL));
PATH(bool, atomic_cas, (WEIR_ATOMIC(uint64_t) * a, uint64_t *seen, uint64_t v),
     weir_atomic_cas(a, seen, v, WEIR_ACQ_REL, WEIR_ACQUIRE));
PATH(bool, atomic_cas_weak, (WEIR_ATOMIC(uint64_t) * a, uint64_t *seen, uint64_t v),
     weir_atomic_cas_weak(a, seen, v, WEIR_ACQ_REL, WEIR_RELAXED));
#ifdef WEIR_HAVE_DWORD_CAS
PATH(bool, dword_cas, (weir_dword * d, uint64_t *lo, uint64_t *hi, uint64_t a, uint64_t b),
     weir_dword_cas(d, lo, hi, a, b));
PATH(bool, dword_cas_seq_cst, (weir_dword * d, uint64_t *lo, uint64_t *hi, uint64_t a, uint64_t b),
     weir_dword_cas_seq_cst(d, lo, hi, a, b));
#endif
PATH_VOID(pause, (void), weir_pause());
PATH_VOID(prefetch_write, (const void *address), weir_prefetch_write(address));

/* ---- clock, fence, ring ---- */

PATH(uint64_t, clock_now, (void), weir_clock_now());
PATH(uint64_t, clock_add, (uint64_t start, uint64_t ns), weir_clock_add(start, ns));
PATH(uint64_t, clock_after, (uint64_t ns), weir_clock_after(ns));

PATH_VOID(fence_light, (void), weir_fence_light());
PATH_VOID(fence_heavy, (void), weir_fence_heavy());
PATH(bool, fence_asymmetric, (void), weir_fence_asymmetric());

PATH(uint64_t, ring_next, (const weir_ring *r, uint64_t position), weir_ring_next(r, position));
PATH(uint64_t, ring_advance, (const weir_ring *r, uint64_t position, uint64_t n),
     weir_ring_advance(r, position, n));
PATH(size_t, ring_count, (const weir_ring *r, uint64_t from, uint64_t to),
     weir_ring_count(r, from, to));

/* ---- counter ---- */

PATH(uint64_t, counter_fetch_add, (weir_counter * c, uint64_t n), weir_counter_fetch_add(c, n));
PATH(uint64_t, counter_fetch_sub, (weir_counter * c, uint64_t n), weir_counter_fetch_sub(c, n));
PATH_VOID(counter_add, (weir_counter * c, uint64_t n), weir_counter_add(c, n));
PATH_VOID(counter_sub, (weir_counter * c, uint64_t n), weir_counter_sub(c, n));
PATH_VOID(counter_inc, (weir_counter * c), weir_counter_inc(c));
PATH_VOID(counter_dec, (weir_counter * c), weir_counter_dec(c));
PATH(uint64_t, counter_read, (const weir_counter *c), weir_counter_read(c));
PATH(uint64_t, counter_exchange, (weir_counter * c, uint64_t v), weir_counter_exchange(c, v));
PATH(bool, counter_add_limit, (weir_counter * c, uint64_t n, uint64_t limit),
     weir_counter_add_limit(c, n, limit));
PATH(bool, counter_add_sat, (weir_counter * c, uint64_t n), weir_counter_add_sat(c, n));
PATH(bool, counter_sub_sat, (weir_counter * c, uint64_t n), weir_counter_sub_sat(c, n));
PATH(bool, counter_inc_unless_zero, (weir_counter * c), weir_counter_inc_unless_zero(c));
PATH(bool, counter_dec_if_positive, (weir_counter * c), weir_counter_dec_if_positive(c));
PATH(bool, counter_max, (weir_counter * c, uint64_t v), weir_counter_max(c, v));
PATH(bool, counter_min, (weir_counter * c, uint64_t v), weir_counter_min(c, v));

PATH_VOID(ref_get, (weir_ref * r), weir_ref_get(r));
PATH(bool, ref_get_unless_zero, (weir_ref * r), weir_ref_get_unless_zero(r));
PATH(bool, ref_put, (weir_ref * r), weir_ref_put(r));
PATH(uint32_t, ref_count_approx, (const weir_ref *r), weir_ref_count_approx(r));

PATH_VOID(counter_sharded_add, (weir_counter_sharded * c, uint64_t n),
          weir_counter_sharded_add(c, n));
PATH_VOID(counter_sharded_sub, (weir_counter_sharded * c, uint64_t n),
          weir_counter_sharded_sub(c, n));
PATH_VOID(counter_sharded_inc, (weir_counter_sharded * c), weir_counter_sharded_inc(c));
PATH_VOID(counter_sharded_dec, (weir_counter_sharded * c), weir_counter_sharded_dec(c));
PATH(uint64_t, counter_sharded_read, (const weir_counter_sharded *c), weir_counter_sharded_read(c));
/* Where an add goes that has no restartable sequence, or left it. */
PATH_VOID(counter_sharded_add_shard, (weir_counter_sharded * c, uint64_t n),
          weir__counter_add_shard(c, n));

/* ---- state ---- */

PATH(bool, flag_set, (weir_flag * f), weir_flag_set(f));
PATH(bool, flag_test, (const weir_flag *f), weir_flag_test(f));
PATH_VOID(flag_clear, (weir_flag * f), weir_flag_clear(f));
PATH(uint32_t, state_read, (const weir_state *s), weir_state_read(s));
PATH(bool, state_move, (weir_state * s, uint32_t from, uint32_t to), weir_state_move(s, from, to));
PATH(bool, state_take, (weir_state * s, const weir_transition *t, uint32_t *met),
     weir_state_take(s, t, met));

/* ---- spsc ---- */

PATH(bool, spsc_try_enqueue, (weir_spsc * q, const void *e), weir_spsc_try_enqueue(q, e));
PATH(size_t, spsc_enqueue_burst, (weir_spsc * q, const void *e, size_t n),
     weir_spsc_enqueue_burst(q, e, n));
PATH(bool, spsc_enqueue_bulk, (weir_spsc * q, const void *e, size_t n),
     weir_spsc_enqueue_bulk(q, e, n));
PATH(size_t, spsc_reserve, (weir_spsc * q, void **e, size_t n), weir_spsc_reserve(q, e, n));
PATH_VOID(spsc_commit, (weir_spsc * q, size_t n), weir_spsc_commit(q, n));
PATH(bool, spsc_try_dequeue, (weir_spsc * q, void *e), weir_spsc_try_dequeue(q, e));
PATH(size_t, spsc_dequeue_burst, (weir_spsc * q, void *e, size_t n),
     weir_spsc_dequeue_burst(q, e, n));
PATH(bool, spsc_dequeue_bulk, (weir_spsc * q, void *e, size_t n), weir_spsc_dequeue_bulk(q, e, n));
PATH(size_t, spsc_peek, (weir_spsc * q, void **e, size_t n), weir_spsc_peek(q, e, n));
PATH_VOID(spsc_release, (weir_spsc * q, size_t n), weir_spsc_release(q, n));
PATH(size_t, spsc_size_approx, (const weir_spsc *q), weir_spsc_size_approx(q));

PATH(bool, spsc_word_try_enqueue, (spsc_word * q, uint64_t e), spsc_word_try_enqueue(q, e));
PATH(size_t, spsc_word_enqueue_burst, (spsc_word * q, const uint64_t *e, size_t n),
     spsc_word_enqueue_burst(q, e, n));
PATH(bool, spsc_word_enqueue_bulk, (spsc_word * q, const uint64_t *e, size_t n),
     spsc_word_enqueue_bulk(q, e, n));
PATH(bool, spsc_word_try_dequeue, (spsc_word * q, uint64_t *e), spsc_word_try_dequeue(q, e));
PATH(size_t, spsc_word_dequeue_burst, (spsc_word * q, uint64_t *e, size_t n),
     spsc_word_dequeue_burst(q, e, n));
PATH(bool, spsc_word_dequeue_bulk, (spsc_word * q, uint64_t *e, size_t n),
     spsc_word_dequeue_bulk(q, e, n));
PATH(bool, spsc_24_try_enqueue, (spsc_24 * q, const element_24 *e), spsc_24_try_enqueue(q, *e));
PATH(bool, spsc_24_try_dequeue, (spsc_24 * q, element_24 *e), spsc_24_try_dequeue(q, e));

/* ---- mpsc ---- */

PATH(bool, mpsc_enqueue, (weir_mpsc * q, weir_mpsc_node *n), weir_mpsc_enqueue(q, n));
PATH(bool, mpsc_enqueue_chain, (weir_mpsc * q, weir_mpsc_node *n), weir_mpsc_enqueue_chain(q, n));
PATH(weir_mpsc_node *, mpsc_try_dequeue, (weir_mpsc * q), weir_mpsc_try_dequeue(q));
PATH(size_t, mpsc_dequeue_burst, (weir_mpsc * q, weir_mpsc_node **nodes, size_t n),
     weir_mpsc_dequeue_burst(q, nodes, n));
PATH(bool, mpsc_empty, (const weir_mpsc *q), weir_mpsc_empty(q));

/* ---- mpmc ---- */

#ifdef WEIR_HAVE_MPMC
PATH(bool, mpmc_try_enqueue, (weir_mpmc * q, uintptr_t v), weir_mpmc_try_enqueue(q, v));
PATH(bool, mpmc_try_dequeue, (weir_mpmc * q, uintptr_t *v), weir_mpmc_try_dequeue(q, v));
PATH(size_t, mpmc_enqueue_burst, (weir_mpmc * q, const uintptr_t *v, size_t n),
     weir_mpmc_enqueue_burst(q, v, n));
PATH(size_t, mpmc_dequeue_burst, (weir_mpmc * q, uintptr_t *v, size_t n),
     weir_mpmc_dequeue_burst(q, v, n));
PATH(size_t, mpmc_size_approx, (const weir_mpmc *q), weir_mpmc_size_approx(q));

PATH(bool, mpmc_slots_try_enqueue, (weir_mpmc_slots * q, const void *e),
     weir_mpmc_slots_try_enqueue(q, e));
PATH(bool, mpmc_slots_try_dequeue, (weir_mpmc_slots * q, void *e),
     weir_mpmc_slots_try_dequeue(q, e));
PATH(size_t, mpmc_slots_size_approx, (const weir_mpmc_slots *q), weir_mpmc_slots_size_approx(q));
PATH(bool, mpmc_slots_24_try_enqueue, (mpmc_slots_24 * q, const element_24 *e),
     mpmc_slots_24_try_enqueue(q, e));
PATH(bool, mpmc_slots_24_try_dequeue, (mpmc_slots_24 * q, element_24 *e),
     mpmc_slots_24_try_dequeue(q, e));
#endif

/* ---- ticket ---- */

PATH(bool, ticket_try_enqueue, (weir_ticket * q, uintptr_t v), weir_ticket_try_enqueue(q, v));
PATH(bool, ticket_try_dequeue, (weir_ticket * q, uintptr_t *v), weir_ticket_try_dequeue(q, v));
PATH(size_t, ticket_enqueue_burst, (weir_ticket * q, const uintptr_t *v, size_t n),
     weir_ticket_enqueue_burst(q, v, n));
PATH(size_t, ticket_dequeue_burst, (weir_ticket * q, uintptr_t *v, size_t n),
     weir_ticket_dequeue_burst(q, v, n));
PATH(bool, ticket_enqueue_bulk, (weir_ticket * q, const uintptr_t *v, size_t n),
     weir_ticket_enqueue_bulk(q, v, n));
PATH(bool, ticket_dequeue_bulk, (weir_ticket * q, uintptr_t *v, size_t n),
     weir_ticket_dequeue_bulk(q, v, n));
PATH(size_t, ticket_size_approx, (const weir_ticket *q), weir_ticket_size_approx(q));
PATH(bool, ticket_24_try_enqueue, (ticket_24 * q, const element_24 *e),
     ticket_24_try_enqueue(q, *e));
PATH(bool, ticket_24_try_dequeue, (ticket_24 * q, element_24 *e), ticket_24_try_dequeue(q, e));

/* ---- epoch ---- */

PATH(weir_epoch_record *, epoch_self, (weir_epoch * d), weir_epoch_self(d));
PATH(weir_section, epoch_enter, (weir_epoch_record * r), weir_epoch_enter(r));
PATH_VOID(epoch_exit, (weir_epoch_record * r, weir_section s), weir_epoch_exit(r, s));
PATH(bool, epoch_inside, (const weir_epoch_record *r), weir_epoch_inside(r));
PATH(weir_section, epoch_enter_here, (weir_epoch * d), weir_epoch_enter_here(d));
PATH_VOID(epoch_exit_here, (weir_epoch * d, weir_section s), weir_epoch_exit_here(d, s));
PATH_VOID(epoch_retire,
          (weir_epoch_record * r, weir_retired *object, weir_reclaim_callback *f, size_t bytes),
          weir_epoch_retire(r, object, f, bytes));
PATH(size_t, epoch_collect, (weir_epoch_record * r), weir_epoch_collect(r));

/* ---- interval ---- */

PATH(weir_interval_record *, interval_self, (weir_interval * d), weir_interval_self(d));
PATH(weir_section, interval_enter, (weir_interval_record * r), weir_interval_enter(r));
PATH_VOID(interval_exit, (weir_interval_record * r, weir_section s), weir_interval_exit(r, s));
PATH(void *, interval_protect, (weir_interval_record * r, const WEIR_ATOMIC(void *) * from),
     weir_interval_protect(r, from));
PATH(bool, interval_inside, (const weir_interval_record *r), weir_interval_inside(r));
PATH_VOID(interval_born, (weir_interval_record * r, weir_retired *object),
          weir_interval_born(r, object));
PATH_VOID(interval_retire,
          (weir_interval_record * r, weir_retired *object, weir_reclaim_callback *f, size_t bytes),
          weir_interval_retire(r, object, f, bytes));
PATH(size_t, interval_collect, (weir_interval_record * r), weir_interval_collect(r));

/* ---- hazard ---- */

PATH(weir_hazard_record *, hazard_self, (weir_hazard * d), weir_hazard_self(d));
PATH_VOID(hazard_set, (weir_hazard_record * r, unsigned slot, void *object),
          weir_hazard_set(r, slot, object));
PATH_VOID(hazard_clear, (weir_hazard_record * r, unsigned slot), weir_hazard_clear(r, slot));
PATH(void *, hazard_protect,
     (weir_hazard_record * r, unsigned slot, const WEIR_ATOMIC(void *) * from),
     weir_hazard_protect(r, slot, from));
PATH(bool, hazard_inside, (const weir_hazard_record *r), weir_hazard_inside(r));
PATH_VOID(hazard_retire,
          (weir_hazard_record * r, weir_retired *object, weir_reclaim_callback *f, size_t bytes),
          weir_hazard_retire(r, object, f, bytes));
PATH(size_t, hazard_collect, (weir_hazard_record * r), weir_hazard_collect(r));

/* ---- guard: the scheme is the record's ---- */

PATH(weir_guard_record *, guard_self, (weir_guard * d), weir_guard_self(d));
PATH(weir_section, guard_enter, (weir_guard_record * r), weir_guard_enter(r));
PATH_VOID(guard_exit, (weir_guard_record * r, weir_section s), weir_guard_exit(r, s));
PATH(bool, guard_set, (weir_guard_record * r, unsigned slot, void *object),
     weir_guard_set(r, slot, object));
PATH(void *, guard_protect,
     (weir_guard_record * r, unsigned slot, const WEIR_ATOMIC(void *) * from),
     weir_guard_protect(r, slot, from));
PATH(bool, guard_inside, (const weir_guard_record *r), weir_guard_inside(r));
PATH_VOID(guard_born, (weir_guard_record * r, weir_retired *object), weir_guard_born(r, object));
PATH_VOID(guard_retire,
          (weir_guard_record * r, weir_retired *object, weir_reclaim_callback *f, size_t bytes),
          weir_guard_retire(r, object, f, bytes));
PATH(size_t, guard_collect, (weir_guard_record * r), weir_guard_collect(r));

/* ---- stack ---- */

PATH(bool, stack_index_push, (weir_stack_index * s, uint32_t i), weir_stack_index_push(s, i));
PATH(bool, stack_index_push_chain, (weir_stack_index * s, uint32_t first, uint32_t last),
     weir_stack_index_push_chain(s, first, last));
PATH(uint32_t, stack_index_pop, (weir_stack_index * s), weir_stack_index_pop(s));
PATH(uint32_t, stack_index_pop_all, (weir_stack_index * s), weir_stack_index_pop_all(s));
PATH(bool, stack_index_empty, (const weir_stack_index *s), weir_stack_index_empty(s));
PATH_VOID(stack_index_link, (weir_stack_index * s, uint32_t i, uint32_t next),
          weir_stack_index_link(s, i, next));
PATH(uint32_t, stack_index_next, (const weir_stack_index *s, uint32_t i),
     weir_stack_index_next(s, i));
#ifdef WEIR_HAVE_STACK
PATH(bool, stack_push, (weir_stack * s, weir_stack_node *n), weir_stack_push(s, n));
PATH(bool, stack_push_chain, (weir_stack * s, weir_stack_node *first, weir_stack_node *last),
     weir_stack_push_chain(s, first, last));
PATH(weir_stack_node *, stack_pop, (weir_stack * s), weir_stack_pop(s));
PATH(weir_stack_node *, stack_pop_all, (weir_stack * s), weir_stack_pop_all(s));
PATH(bool, stack_empty, (const weir_stack *s), weir_stack_empty(s));
PATH_VOID(stack_link, (weir_stack_node * n, weir_stack_node *next), weir_stack_link(n, next));
PATH(weir_stack_node *, stack_next, (const weir_stack_node *n), weir_stack_next(n));
#endif

/* ---- stack_guard ---- */

PATH(bool, stack_guard_push, (weir_stack_guard * s, weir_guard_record *r, weir_stack_guard_node *n),
     weir_stack_guard_push(s, r, n));
PATH(bool, stack_guard_push_chain,
     (weir_stack_guard * s, weir_guard_record *r, weir_stack_guard_node *first,
      weir_stack_guard_node *last),
     weir_stack_guard_push_chain(s, r, first, last));
PATH(weir_stack_guard_node *, stack_guard_pop, (weir_stack_guard * s, weir_guard_record *r),
     weir_stack_guard_pop(s, r));
PATH(weir_stack_guard_node *, stack_guard_pop_all, (weir_stack_guard * s),
     weir_stack_guard_pop_all(s));
PATH(bool, stack_guard_empty, (const weir_stack_guard *s), weir_stack_guard_empty(s));
PATH_VOID(stack_guard_link,
          (weir_guard_record * r, weir_stack_guard_node *n, weir_stack_guard_node *next),
          weir_stack_guard_link(r, n, next));

/* ---- umpmc ---- */

PATH(int, umpmc_enqueue, (weir_umpmc * q, weir_guard_record *r, uintptr_t v),
     weir_umpmc_enqueue(q, r, v));
PATH(bool, umpmc_try_dequeue, (weir_umpmc * q, weir_guard_record *r, uintptr_t *v),
     weir_umpmc_try_dequeue(q, r, v));
PATH(size_t, umpmc_dequeue_burst, (weir_umpmc * q, weir_guard_record *r, uintptr_t *v, size_t n),
     weir_umpmc_dequeue_burst(q, r, v, n));

/* ---- deque ---- */

PATH(int, deque_push, (weir_deque * d, uintptr_t v), weir_deque_push(d, v));
PATH(bool, deque_pop, (weir_deque * d, uintptr_t *v), weir_deque_pop(d, v));
PATH(bool, deque_pop_oldest, (weir_deque * d, uintptr_t *v), weir_deque_pop_oldest(d, v));
PATH(bool, deque_steal, (weir_deque * d, weir_guard_record *r, uintptr_t *v),
     weir_deque_steal(d, r, v));
PATH(size_t, deque_steal_burst, (weir_deque * d, weir_guard_record *r, uintptr_t *v, size_t n),
     weir_deque_steal_burst(d, r, v, n));
PATH(size_t, deque_size_approx, (const weir_deque *d), weir_deque_size_approx(d));

/* ---- wait ---- */

PATH_VOID(waiter_init, (weir_waiter * w), weir_waiter_init(w));
PATH(int, waiter_park, (weir_waiter * w, uint64_t deadline, weir_cancel *c),
     weir_waiter_park(w, deadline, c));
PATH(bool, waiter_arm, (weir_waiter * w), weir_waiter_arm(w));
PATH_VOID(waiter_unpark, (weir_waiter * w), weir_waiter_unpark(w));

PATH_VOID(event_prepare, (weir_event * e, weir_sleeper *s), weir_event_prepare(e, s));
PATH_VOID(event_withdraw, (weir_event * e, weir_sleeper *s), weir_event_withdraw(e, s));
PATH(int, event_wait, (weir_event * e, weir_sleeper *s, uint64_t deadline, weir_cancel *c),
     weir_event_wait(e, s, deadline, c));
PATH(int, event_await,
     (weir_event * e, bool (*ready)(void *), void *context, uint64_t deadline, weir_cancel *c),
     weir_event_await(e, ready, context, deadline, c));
PATH_VOID(event_notify, (weir_event * e, uint32_t n), weir_event_notify(e, n));
PATH_VOID(event_notify_all, (weir_event * e), weir_event_notify_all(e));

/* ---- cancel ---- */

PATH_VOID(cancel_source_init, (weir_cancel_source * s, weir_cancel *parent, uint64_t deadline),
          weir_cancel_source_init(s, parent, deadline));
PATH(int, cancel_source_destroy, (weir_cancel_source * s), weir_cancel_source_destroy(s));
PATH(bool, cancel_source_cancel, (weir_cancel_source * s, int reason),
     weir_cancel_source_cancel(s, reason));
PATH(int, cancel_check, (weir_cancel * c), weir_cancel_check(c));
PATH(int, cancel_reason, (weir_cancel * c), weir_cancel_reason(c));
PATH(int, cancel_wait, (weir_cancel * c, uint64_t deadline, weir_cancel *other),
     weir_cancel_wait(c, deadline, other));
PATH(bool, cancel_register,
     (weir_cancel * c, weir_cancel_callback *b, void (*call)(void *, int), void *context),
     weir_cancel_register(c, b, call, context));
PATH(int, cancel_unregister, (weir_cancel_callback * b, uint64_t deadline, weir_cancel *c),
     weir_cancel_unregister(b, deadline, c));

/* ---- future ---- */

PATH(int, future_new, (weir_promise * *p, weir_future **f, size_t size, weir_cancel_source *source),
     weir_future_new(p, f, size, source));
PATH_VOID(future_init, (weir_future * f, void *v, size_t size, weir_cancel_source *source),
          weir_future_init(f, v, size, source));
PATH(int, future_destroy, (weir_future * f), weir_future_destroy(f));
PATH(int, promise_complete, (weir_promise * p, const void *v), weir_promise_complete(p, v));
PATH(int, future_word_complete, (future_word_promise * p, uint64_t v), future_word_complete(p, v));
PATH(int, promise_fail, (weir_promise * p, int error), weir_promise_fail(p, error));
PATH(bool, promise_wanted, (weir_promise * p), weir_promise_wanted(p));
PATH(bool, future_is_done, (const weir_future *f), weir_future_is_done(f));
PATH(int, future_wait, (weir_future * f, uint64_t deadline, weir_cancel *c),
     weir_future_wait(f, deadline, c));
PATH(int, future_get, (weir_future * f, void *v, uint64_t deadline, weir_cancel *c),
     weir_future_get(f, v, deadline, c));
PATH(const void *, future_peek, (const weir_future *f), weir_future_peek(f));
PATH_VOID(future_cancel, (weir_future * f), weir_future_cancel(f));
PATH_VOID(future_then, (weir_future * f, weir_then *t, void (*call)(weir_then *, weir_future *)),
          weir_future_then(f, t, call));
PATH(bool, future_unthen, (weir_future * f, weir_then *t), weir_future_unthen(f, t));
PATH(int, future_drop, (weir_future * f, void *v), weir_future_drop(f, v));

/* ---- sem ---- */

PATH(int, sem_acquire, (weir_sem * s, uint32_t n, uint64_t deadline, weir_cancel *c),
     weir_sem_acquire(s, n, deadline, c));
PATH(int, sem_try_acquire, (weir_sem * s, uint32_t n), weir_sem_try_acquire(s, n));
PATH_VOID(sem_release, (weir_sem * s, uint32_t n), weir_sem_release(s, n));

PATH_VOID(latch_count_down, (weir_latch * l, uint32_t n), weir_latch_count_down(l, n));
PATH(int, latch_wait, (weir_latch * l, uint64_t deadline, weir_cancel *c),
     weir_latch_wait(l, deadline, c));
PATH(bool, latch_try_wait, (const weir_latch *l), weir_latch_try_wait(l));

PATH_VOID(wait_group_add, (weir_wait_group * g, uint32_t n), weir_wait_group_add(g, n));
PATH_VOID(wait_group_done, (weir_wait_group * g), weir_wait_group_done(g));
PATH(int, wait_group_wait, (weir_wait_group * g, uint64_t deadline, weir_cancel *c),
     weir_wait_group_wait(g, deadline, c));
PATH(bool, wait_group_try_wait, (const weir_wait_group *g), weir_wait_group_try_wait(g));

PATH(int, barrier_wait, (weir_barrier * b, uint64_t deadline, weir_cancel *c),
     weir_barrier_wait(b, deadline, c));

/* ---- chan ---- */

PATH(int, chan_try_send, (weir_chan * c, const void *e), weir_chan_try_send(c, e));
PATH(int, chan_try_recv, (weir_chan * c, void *e), weir_chan_try_recv(c, e));
PATH(int, chan_send, (weir_chan * c, const void *e, uint64_t deadline, weir_cancel *cancel),
     weir_chan_send(c, e, deadline, cancel));
PATH(int, chan_recv, (weir_chan * c, void *e, uint64_t deadline, weir_cancel *cancel),
     weir_chan_recv(c, e, deadline, cancel));
PATH(size_t, chan_try_send_burst, (weir_chan * c, const void *e, size_t n),
     weir_chan_try_send_burst(c, e, n));
PATH(size_t, chan_try_recv_burst, (weir_chan * c, void *e, size_t n),
     weir_chan_try_recv_burst(c, e, n));
/* Without a token: five parameters at most. */
PATH(int, chan_send_burst,
     (weir_chan * c, const void *e, size_t n, size_t *sent, uint64_t deadline),
     weir_chan_send_burst(c, e, n, sent, deadline, NULL));
PATH(int, chan_recv_burst, (weir_chan * c, void *e, size_t n, size_t *received, uint64_t deadline),
     weir_chan_recv_burst(c, e, n, received, deadline, NULL));
PATH(bool, chan_closed, (const weir_chan *c), weir_chan_closed(c));
PATH(size_t, chan_size_approx, (weir_chan * c), weir_chan_size_approx(c));

/* ---- select ---- */

PATH_VOID(select_recv, (weir_select_arm * a, weir_chan *c, void *e), weir_select_recv(a, c, e));
PATH_VOID(select_send, (weir_select_arm * a, weir_chan *c, const void *e),
          weir_select_send(a, c, e));
PATH(int, select_try, (weir_select_arm * a, size_t n), weir_select_try(a, n));
PATH(int, select, (weir_select_arm * a, size_t n, uint64_t deadline, weir_cancel *c),
     weir_select(a, n, deadline, c));

/* ---- broadcast ---- */

PATH(int, broadcast_subscribe, (weir_broadcast * b, weir_broadcast_subscriber *s),
     weir_broadcast_subscribe(b, s));
PATH(int, broadcast_unsubscribe, (weir_broadcast_subscriber * s), weir_broadcast_unsubscribe(s));
PATH(int, broadcast_try_send, (weir_broadcast * b, const void *e), weir_broadcast_try_send(b, e));
PATH(int, broadcast_send, (weir_broadcast * b, const void *e, uint64_t deadline, weir_cancel *c),
     weir_broadcast_send(b, e, deadline, c));
PATH(int, broadcast_try_recv, (weir_broadcast_subscriber * s, void *e, uint64_t *lost),
     weir_broadcast_try_recv(s, e, lost));
PATH(int, broadcast_recv,
     (weir_broadcast_subscriber * s, void *e, uint64_t *lost, uint64_t deadline, weir_cancel *c),
     weir_broadcast_recv(s, e, lost, deadline, c));

/* ---- pool ---- */

PATH_VOID(spawn, (weir_job * j, int (*run)(weir_job *)), weir_spawn(j, run));
PATH(int, join, (weir_job * j), weir_join(j));
PATH(int, join_run, (weir_job * j, int (*run)(weir_job *)), weir_join_run(j, run));
/* A function that forks, and has nothing else to do. */
PATH(int, spawn_join, (weir_job * j, int (*run)(weir_job *)), (weir_spawn(j, run), weir_join(j)));
PATH_VOID(block_begin, (void), weir_block_begin());
PATH_VOID(block_end, (void), weir_block_end());
PATH(int, pool_submit, (weir_pool * p, weir_job *j), weir_pool_submit(p, j));
PATH(int, pool_submit_bulk,
     (weir_pool * p, weir_job *const *j, size_t n, weir_pool_priority priority),
     weir_pool_submit_bulk(p, j, n, priority));
PATH(weir_pool *, pool_self, (void), weir_pool_self());
PATH(unsigned, pool_worker, (void), weir_pool_worker());

/* ---- parallel ---- */

PATH(int, parallel_for,
     (const weir_parallel *how, size_t begin, size_t end, weir_parallel_body *body, void *context),
     weir_parallel_for(how, begin, end, body, context));

/* ---- trace ---- */

PATH_VOID(trace_event, (weir_trace_kind kind, const char *name, uintptr_t id),
          weir_trace_event(kind, name, id));

#endif /* WEIR_TESTS_PATHS_H */
