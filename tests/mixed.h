/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/mixed.h: one object of each structure, shared by a C and a C++ file. Both,
 * tests/mixed-c.c and tests/mixed-cxx.cc, compile the same functions below and offer
 * them as a face; the C one has main(), which lets one language make what the other
 * fills and empties, in every combination, and compares the layouts. */

#ifndef WEIR_TESTS_MIXED_H
#define WEIR_TESTS_MIXED_H

#include "test.h"

#include <weir/atomic.h>
#include <weir/blocking.h>
#include <weir/broadcast.h>
#include <weir/cancel.h>
#include <weir/chan.h>
#include <weir/child.h>
#include <weir/counter.h>
#include <weir/datagram.h>
#include <weir/deque.h>
#include <weir/dial.h>
#include <weir/epoch.h>
#include <weir/future.h>
#include <weir/graph.h>
#include <weir/guard.h>
#include <weir/hazard.h>
#include <weir/interval.h>
#include <weir/loop.h>
#include <weir/mpmc.h>
#include <weir/mpsc.h>
#include <weir/observe.h>
#include <weir/file.h>
#include <weir/offload.h>
#include <weir/parallel.h>
#include <weir/poll.h>
#include <weir/pool.h>
#include <weir/resolve.h>
#include <weir/select.h>
#include <weir/sem.h>
#include <weir/signal.h>
#include <weir/spsc.h>
#include <weir/stack.h>
#include <weir/stack_guard.h>
#include <weir/state.h>
#include <weir/stream.h>
#include <weir/terminal.h>
#include <weir/ticket.h>
#include <weir/timer.h>
#include <weir/umpmc.h>
#include <weir/wait.h>

#include <errno.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MIXED_CAPACITY = 5, MIXED_PLACES = 128 };

typedef struct mixed_node {
    weir_mpsc_node node;
#ifdef WEIR_HAVE_STACK
    weir_stack_node stacked;
#endif
    uintptr_t value;
} mixed_node;

/* Everything at once. */
typedef struct mixed {
    char before; /* so that an alignment shows in the offsets */
    weir_counter counter;
    char between;
    weir_ref ref;
    weir_flag flag;
    weir_state state;
    weir_counter_sharded *sharded;
    weir_spsc spsc;
    weir_mpsc mpsc;
    weir_ticket ticket;
#ifdef WEIR_HAVE_MPMC
    weir_mpmc mpmc;
#endif
#ifdef WEIR_HAVE_STACK
    weir_stack stack;
#endif
    weir_stack_index stack_index;
    weir_stack_guard stack_guard;
    weir_guard *domain;
    weir_umpmc umpmc;
    weir_deque deque;
    weir_chan *chan;
    weir_select_arm arm;
    weir_event event;
    weir_cancel_source cancel;
    weir_sem sem;
    weir_latch latch;
    weir_wait_group group;
    weir_barrier barrier;
    weir_future future;
    uintptr_t result;
    weir_broadcast *broadcast;
    weir_broadcast_subscriber subscriber;
    weir_pool *pool;
    weir_blocking *blocking;
    weir_loop *loop;
    weir_timer timer;
    weir_poll poll;
    weir_stream stream;
    weir_datagram datagram;
    weir_packet packet;
    weir_terminal terminal;
    weir_offload offload;
    weir_dial dial;
    weir_files *files;
    weir_file_op file_op;
    weir_job job;
    weir_call call;
    weir_graph graph;
    weir_graph_node node;
    unsigned jobs;
    mixed_node nodes[MIXED_CAPACITY];
    void *spsc_buffer, *ticket_buffer, *mpmc_buffer, *stack_buffer;
} mixed;

/* A size or an offset, and what of. */
typedef struct mixed_place {
    const char *what;
    size_t bytes;
} mixed_place;

/* One language's half. */
typedef struct mixed_face {
    const char *language;
    size_t (*layout)(mixed_place *places);
    void (*make)(mixed *m);
    void (*put)(mixed *m);
    void (*take)(mixed *m);
    void (*end)(mixed *m);
} mixed_face;

extern const mixed_face mixed_cxx;

#define MIXED_SIZE(type) (places[n].what = "sizeof " #type, places[n++].bytes = sizeof(type))
#define MIXED_OFFSET(type, field) \
    (places[n].what = #type "." #field, places[n++].bytes = offsetof(type, field))

static size_t mixed_layout(mixed_place *places)
{
    size_t n = 0;

    MIXED_SIZE(mixed);
    MIXED_SIZE(weir_counter);
    MIXED_SIZE(weir_ref);
    MIXED_SIZE(weir_flag);
    MIXED_SIZE(weir_state);
    MIXED_SIZE(weir_transition);
    MIXED_SIZE(weir_counter_sharded);
    MIXED_SIZE(weir_spsc);
    MIXED_SIZE(weir_mpsc_node);
    MIXED_SIZE(weir_mpsc);
    MIXED_SIZE(weir_ticket);
    MIXED_SIZE(weir_ring);
    MIXED_SIZE(weir_retired);
    MIXED_SIZE(weir_reclaim_options);
    MIXED_SIZE(weir_epoch_record);
    MIXED_SIZE(weir_interval_record);
    MIXED_SIZE(weir_hazard_record);
    MIXED_SIZE(weir_guard_record);
    MIXED_SIZE(weir_section);
    MIXED_SIZE(weir_stack_index);
    MIXED_SIZE(weir_stack_guard);
    MIXED_SIZE(weir_umpmc);
    MIXED_SIZE(weir_deque);
    MIXED_SIZE(weir_waiter);
    MIXED_SIZE(weir_wait_node);
    MIXED_SIZE(weir_event);
    MIXED_SIZE(weir_sleeper);
    MIXED_SIZE(weir_select_arm);
    MIXED_SIZE(weir_cancel);
    MIXED_SIZE(weir_cancel_source);
    MIXED_SIZE(weir_cancel_callback);
    MIXED_SIZE(weir_sem);
    MIXED_SIZE(weir_barrier);
    MIXED_SIZE(weir_future);
    MIXED_SIZE(weir_broadcast_subscriber);
    MIXED_SIZE(weir_job);
    MIXED_SIZE(weir_call);
    MIXED_SIZE(weir_pool_options);
    MIXED_SIZE(weir_pool_stats);
    MIXED_SIZE(weir__worker);
    MIXED_SIZE(weir_parallel);
    MIXED_SIZE(weir_graph);
    MIXED_SIZE(weir_graph_node);
    MIXED_SIZE(weir_graph_edge);
    MIXED_SIZE(weir_blocking_options);
    MIXED_SIZE(weir_loop_options);
    MIXED_SIZE(weir_loop_stats);
    MIXED_SIZE(weir_hook);
    MIXED_SIZE(weir_async);
    MIXED_SIZE(weir_async_ref);
    MIXED_SIZE(weir_canceller);
    MIXED_SIZE(weir_timer);
    MIXED_SIZE(weir_poll);
    MIXED_SIZE(weir_stream);
    MIXED_SIZE(weir_write);
    MIXED_SIZE(weir_listener);
    MIXED_SIZE(weir_datagram);
    MIXED_SIZE(weir_packet);
    MIXED_SIZE(weir_arrival);
    MIXED_SIZE(weir_datagram_options);
    MIXED_SIZE(weir_terminal);
    MIXED_SIZE(weir_offload);
    MIXED_SIZE(weir_resolve);
    MIXED_SIZE(weir_resolve_options);
    MIXED_SIZE(weir_dial);
    MIXED_SIZE(weir_dial_options);
    MIXED_SIZE(weir_file_op);
    MIXED_SIZE(weir_file_info);
    MIXED_SIZE(weir_files_options);
    MIXED_SIZE(weir_signal);
    MIXED_SIZE(weir_child);
    MIXED_SIZE(weir_child_options);
    MIXED_OFFSET(mixed, timer);
    MIXED_OFFSET(mixed, stream);
    MIXED_OFFSET(mixed, datagram);
    MIXED_OFFSET(mixed, packet);
    MIXED_OFFSET(mixed, terminal);
    MIXED_OFFSET(mixed, offload);
    MIXED_OFFSET(mixed, dial);
    MIXED_OFFSET(weir_dial, found);
    MIXED_OFFSET(mixed, file_op);
    MIXED_OFFSET(mixed, arm);
    MIXED_OFFSET(mixed, call);
    MIXED_OFFSET(mixed, sem);
    MIXED_OFFSET(mixed, future);
    MIXED_OFFSET(mixed, subscriber);
    MIXED_SIZE(weir_backoff);
    MIXED_SIZE(weir_allocator);
    MIXED_OFFSET(mixed, counter);
    MIXED_OFFSET(mixed, ref);
    MIXED_OFFSET(mixed, flag);
    MIXED_OFFSET(mixed, state);
    MIXED_OFFSET(mixed, sharded);
    MIXED_OFFSET(mixed, spsc);
    MIXED_OFFSET(mixed, mpsc);
    MIXED_OFFSET(mixed, ticket);
    MIXED_OFFSET(mixed, stack_index);
    MIXED_OFFSET(mixed, stack_guard);
    MIXED_OFFSET(mixed, umpmc);
    MIXED_OFFSET(mixed, deque);
    MIXED_OFFSET(mixed, nodes);
    MIXED_OFFSET(weir_retired, born);
    MIXED_OFFSET(weir__reader, now);
    MIXED_OFFSET(weir_umpmc, slots);
    MIXED_OFFSET(weir_deque, ends);
    MIXED_OFFSET(weir_spsc, head);
    MIXED_OFFSET(weir_spsc, allocated);
    MIXED_OFFSET(weir_ticket, head);
    MIXED_OFFSET(weir_ticket, allocated);
#ifdef WEIR_HAVE_MPMC
    MIXED_SIZE(weir_dword);
    MIXED_SIZE(weir_mpmc);
    MIXED_OFFSET(mixed, mpmc);
    MIXED_OFFSET(weir_mpmc, head);
    MIXED_OFFSET(weir_mpmc, allocated);
#endif
    CHECK(n <= MIXED_PLACES);
    return n;
}

static void *mixed_buffer(size_t bytes)
{
    void *const buffer = weir_alloc(bytes, WEIR_CACHELINE);

    CHECK(buffer != NULL);
    return buffer;
}

/* Those that wait: made and used without waiting. */
static void mixed_make_waits(mixed *m)
{
    CHECK_EQ(weir_chan_new(&m->chan, sizeof(uintptr_t), MIXED_CAPACITY, NULL), 0);
    weir_event_init(&m->event);
    weir_cancel_source_init(&m->cancel, NULL, WEIR_FOREVER);
    weir_sem_init(&m->sem, 0);
    weir_latch_init(&m->latch, MIXED_CAPACITY);
    weir_wait_group_init(&m->group);
    weir_barrier_init(&m->barrier, 1);
    weir_future_init(&m->future, &m->result, sizeof m->result, NULL);
    CHECK_EQ(weir_broadcast_new(&m->broadcast, sizeof(uintptr_t), MIXED_CAPACITY, WEIR_LAG_WAIT),
             0);
    CHECK_EQ(weir_broadcast_subscribe(m->broadcast, &m->subscriber), 0);
}

static void mixed_put_waits(mixed *m)
{
    weir_cancel *const token = weir_cancel_source_token(&m->cancel);

    for (uintptr_t value = 1; value <= MIXED_CAPACITY; value++) {
        CHECK_EQ(weir_chan_send(m->chan, &value, 0, token), 0);
        CHECK_EQ(weir_broadcast_send(m->broadcast, &value, 0, token), 0);
        weir_sem_release(&m->sem, 1);
        weir_wait_group_add(&m->group, 1);
    }
    CHECK_EQ(weir_chan_try_send(m->chan, &m->result), -EAGAIN);
}

static void mixed_take_waits(mixed *m)
{
    weir_cancel *const token = weir_cancel_source_token(&m->cancel);

    for (uintptr_t value = 1; value <= MIXED_CAPACITY; value++) {
        uintptr_t got = 0;

        weir_select_recv(&m->arm, m->chan, &got);
        CHECK_EQ(weir_select(&m->arm, 1, 0, token), 0);
        CHECK_EQ(m->arm.status, 0);
        CHECK_EQ(got, value);
        CHECK_EQ(weir_broadcast_recv(&m->subscriber, &got, NULL, 0, token), 0);
        CHECK_EQ(got, value);
        CHECK_EQ(weir_sem_acquire(&m->sem, 1, 0, token), 0);
        weir_wait_group_done(&m->group);
    }
    weir_event_notify(&m->event, 1);
    CHECK_EQ(weir_sem_try_acquire(&m->sem, 1), -EAGAIN);
    CHECK(weir_wait_group_try_wait(&m->group));
    CHECK_EQ(weir_barrier_wait(&m->barrier, 0, token), 1);
}

static void mixed_end_waits(mixed *m)
{
    const uintptr_t result = 99;

    weir_latch_count_down(&m->latch, MIXED_CAPACITY);
    CHECK_EQ(weir_latch_wait(&m->latch, 0, NULL), 0);
    CHECK_EQ(weir_promise_complete(weir_future_promise(&m->future), &result), 0);
    CHECK_EQ(weir_future_wait(&m->future, 0, NULL), 0);
    CHECK_EQ(m->result, 99);
    CHECK_EQ(weir_future_destroy(&m->future), 0);
    CHECK(weir_cancel_source_cancel(&m->cancel, -EINTR));
    CHECK_EQ(
        weir_chan_recv(m->chan, &m->result, WEIR_FOREVER, weir_cancel_source_token(&m->cancel)),
        -ECANCELED);
    CHECK_EQ(weir_chan_free(m->chan), 0);
    CHECK_EQ(weir_broadcast_unsubscribe(&m->subscriber), 0);
    CHECK_EQ(weir_broadcast_free(m->broadcast), 0);
    CHECK_EQ(weir_sem_destroy(&m->sem), 0);
    CHECK_EQ(weir_latch_destroy(&m->latch), 0);
    CHECK_EQ(weir_wait_group_destroy(&m->group), 0);
    CHECK_EQ(weir_barrier_destroy(&m->barrier), 0);
    CHECK_EQ(weir_cancel_source_destroy(&m->cancel), 0);
}

/* Those that have threads. */
static int mixed_child(weir_job *job)
{
    (void)job;
    return -EIO;
}

static int mixed_job(weir_job *job)
{
    mixed *const m = (mixed *)(void *)((char *)job - offsetof(mixed, job));
    weir_job child;

    m->jobs++;
    weir_spawn(&child, mixed_child);
    return weir_join(&child);
}

static int mixed_call(weir_call *call)
{
    return ((mixed *)(void *)((char *)call - offsetof(mixed, call)))->jobs == 0 ? -EIO : 0;
}

static int mixed_step(weir_graph_node *node)
{
    ((mixed *)(void *)((char *)node - offsetof(mixed, node)))->jobs++;
    return 0;
}

static void mixed_due(weir_timer *timer)
{
    ((mixed *)(void *)((char *)timer - offsetof(mixed, timer)))->jobs++;
}

static int mixed_work(weir_offload *offload)
{
    (void)offload;
    return -EIO;
}

static void mixed_worked(weir_offload *offload, int status)
{
    ((mixed *)(void *)((char *)offload - offsetof(mixed, offload)))->jobs += status == -EIO;
}

/* To nowhere: an address of no family that there is. */
static void mixed_dialled(weir_dial *dial, int status, int fd)
{
    CHECK_EQ(fd, -1);
    ((mixed *)(void *)((char *)dial - offsetof(mixed, dial)))->jobs += status == -EAFNOSUPPORT;
}

static void mixed_filed(weir_file_op *op, int result)
{
    ((mixed *)(void *)((char *)op - offsetof(mixed, file_op)))->jobs += result == -EBADF;
}

static void mixed_make_loop(mixed *m)
{
    CHECK_EQ(weir_loop_new(&m->loop, NULL), 0);
    weir_timer_init(&m->timer, m->loop, mixed_due);
    weir_offload_init(&m->offload, m->loop, mixed_work, mixed_worked, NULL);
    CHECK_EQ(weir_files_new(&m->files, m->loop, NULL), 0);
    weir_file_op_init(&m->file_op, m->files, mixed_filed);
}

static void mixed_put_loop(mixed *m)
{
    static const struct sockaddr nowhere = {0x7fff, {0}};
    static const weir_dial_address list = {&nowhere, sizeof nowhere};

    CHECK_EQ(weir_dial_addresses(&m->dial, m->loop, &list, 1, NULL, WEIR_FOREVER, mixed_dialled),
             0);
    weir_timer_start(&m->timer, 0);
    CHECK_EQ(weir_offload_blocking(&m->offload, m->blocking, WEIR_FOREVER), 0);
    weir_file_sync(&m->file_op, -1);
}

static void mixed_take_loop(mixed *m)
{
    m->jobs = 0;
    CHECK_EQ(weir_loop_run(m->loop, WEIR_LOOP_IDLE, WEIR_FOREVER), 0);
    CHECK_EQ(m->jobs, 4);
}

static void mixed_make_pools(mixed *m)
{
    CHECK_EQ(weir_pool_new(&m->pool, NULL), 0);
    CHECK_EQ(weir_blocking_new(&m->blocking, NULL), 0);
    weir_graph_init(&m->graph);
    weir_graph_node_init(&m->node, mixed_step);
    CHECK_EQ(weir_graph_add(&m->graph, &m->node), 0);
    weir_job_init(&m->job, mixed_job);
    m->jobs = 0;
    mixed_make_loop(m);
}

static void mixed_put_pools(mixed *m)
{
    m->jobs = 0;
    CHECK_EQ(weir_pool_run(m->pool, &m->job), -EIO);
    weir_call_init(&m->call, mixed_call, NULL);
    CHECK_EQ(weir_blocking_submit(m->blocking, &m->call.job), 0);
    mixed_put_loop(m);
}

static void mixed_take_pools(mixed *m)
{
    CHECK_EQ(weir_call_get(&m->call, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(weir_graph_run(&m->graph, m->pool, WEIR_FOREVER, NULL), 0);
    CHECK_EQ(m->jobs, 2);
    mixed_take_loop(m);
}

static void mixed_end_pools(mixed *m)
{
    CHECK_EQ(weir_files_free(m->files), 0);
    CHECK_EQ(weir_loop_free(m->loop), 0);
    CHECK_EQ(weir_graph_destroy(&m->graph), 0);
    CHECK_EQ(weir_blocking_stop(m->blocking, WEIR_BLOCKING_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_blocking_free(m->blocking), 0);
    CHECK_EQ(weir_pool_stop(m->pool, WEIR_POOL_DRAIN, WEIR_FOREVER), 0);
    CHECK_EQ(weir_pool_free(m->pool), 0);
}

static void mixed_make(mixed *m)
{
    mixed_make_waits(m);
    mixed_make_pools(m);
    CHECK_EQ(weir_guard_new(&m->domain, WEIR_GUARD_HAZARD, NULL), 0);
    CHECK_EQ(weir_umpmc_init(&m->umpmc, m->domain, 2), 0);
    CHECK_EQ(weir_deque_init(&m->deque, m->domain, 2), 0);
    m->stack_buffer = mixed_buffer(weir_stack_index_bytes(MIXED_CAPACITY));
    CHECK_EQ(weir_stack_index_init(&m->stack_index, m->stack_buffer,
                                   weir_stack_index_bytes(MIXED_CAPACITY), MIXED_CAPACITY,
                                   WEIR_STACK_EMPTY),
             0);
    weir_stack_guard_init(&m->stack_guard);
#ifdef WEIR_HAVE_STACK
    weir_stack_init(&m->stack);
#endif
    weir_counter_init(&m->counter, 0);
    weir_ref_init(&m->ref, 1);
    weir_flag_init(&m->flag);
    weir_state_init(&m->state, 0);
    CHECK_EQ(weir_counter_sharded_new(&m->sharded, 3), 0);
    weir_mpsc_init(&m->mpsc);
    m->spsc_buffer = mixed_buffer(weir_spsc_bytes(MIXED_CAPACITY, sizeof(uintptr_t)));
    CHECK_EQ(weir_spsc_init(&m->spsc, m->spsc_buffer,
                            weir_spsc_bytes(MIXED_CAPACITY, sizeof(uintptr_t)), MIXED_CAPACITY,
                            sizeof(uintptr_t)),
             0);
    m->ticket_buffer = mixed_buffer(weir_ticket_bytes(MIXED_CAPACITY));
    CHECK_EQ(weir_ticket_init(&m->ticket, m->ticket_buffer, weir_ticket_bytes(MIXED_CAPACITY),
                              MIXED_CAPACITY),
             0);
#ifdef WEIR_HAVE_MPMC
    m->mpmc_buffer = mixed_buffer(weir_mpmc_bytes(MIXED_CAPACITY));
    CHECK_EQ(
        weir_mpmc_init(&m->mpmc, m->mpmc_buffer, weir_mpmc_bytes(MIXED_CAPACITY), MIXED_CAPACITY),
        0);
#endif
}

static void mixed_put(mixed *m)
{
    weir_guard_record *const record = weir_guard_self(m->domain);

    CHECK(record != NULL);
    mixed_put_waits(m);
    mixed_put_pools(m);
    for (uintptr_t value = 1; value <= MIXED_CAPACITY; value++) {
        mixed_node *const node = &m->nodes[value - 1];

        weir_counter_add(&m->counter, value);
        weir_counter_sharded_add(m->sharded, value);
        weir_ref_get(&m->ref);
        node->value = value;
        CHECK_EQ(weir_mpsc_enqueue(&m->mpsc, &node->node), value == 1);
        CHECK(weir_spsc_try_enqueue(&m->spsc, &value));
        CHECK(weir_ticket_try_enqueue(&m->ticket, value));
        CHECK_EQ(weir_umpmc_enqueue(&m->umpmc, record, value), 0);
        CHECK_EQ(weir_deque_push(&m->deque, value), 0);
        weir_stack_index_push(&m->stack_index, (uint32_t)value - 1);
#ifdef WEIR_HAVE_STACK
        weir_stack_push(&m->stack, &node->stacked);
#endif
#ifdef WEIR_HAVE_MPMC
        CHECK(weir_mpmc_try_enqueue(&m->mpmc, value));
#endif
    }
    CHECK(!weir_flag_set(&m->flag));
    CHECK(weir_state_move(&m->state, 0, 1));
    CHECK(!weir_spsc_try_enqueue(&m->spsc, &m->nodes[0].value));
    CHECK(!weir_ticket_try_enqueue(&m->ticket, 0));
#ifdef WEIR_HAVE_MPMC
    CHECK(!weir_mpmc_try_enqueue(&m->mpmc, 0));
#endif
}

static void mixed_take(mixed *m)
{
    uintptr_t got = 0;
    weir_guard_record *const record = weir_guard_self(m->domain);

    CHECK(record != NULL);
    mixed_take_waits(m);
    mixed_take_pools(m);
    CHECK_EQ(weir_counter_exchange(&m->counter, 0), 15);
    CHECK_EQ(weir_counter_sharded_read(m->sharded), 15);
    weir_counter_sharded_sub(m->sharded, 15);
    CHECK(weir_flag_test(&m->flag));
    weir_flag_clear(&m->flag);
    CHECK(weir_state_move(&m->state, 1, 0));
    for (uintptr_t value = 1; value <= MIXED_CAPACITY; value++) {
        weir_mpsc_node *const node = weir_mpsc_try_dequeue(&m->mpsc);

        CHECK(!weir_ref_put(&m->ref));
        CHECK(node == &m->nodes[value - 1].node);
        CHECK_EQ(((mixed_node *)node)->value, value);
        CHECK(weir_spsc_try_dequeue(&m->spsc, &got));
        CHECK_EQ(got, value);
        CHECK(weir_ticket_try_dequeue(&m->ticket, &got));
        CHECK_EQ(got, value);
        CHECK(weir_umpmc_try_dequeue(&m->umpmc, record, &got));
        CHECK_EQ(got, value);
        /* From both ends in turn. */
        if (value % 2 == 0)
            CHECK(weir_deque_pop(&m->deque, &got));
        else
            CHECK(weir_deque_steal(&m->deque, record, &got));
        CHECK_EQ(got, value % 2 == 0 ? MIXED_CAPACITY + 1 - value / 2 : (value + 1) / 2);
        CHECK_EQ(weir_stack_index_pop(&m->stack_index), MIXED_CAPACITY - value);
#ifdef WEIR_HAVE_STACK
        CHECK(weir_stack_pop(&m->stack) == &m->nodes[MIXED_CAPACITY - value].stacked);
#endif
#ifdef WEIR_HAVE_MPMC
        CHECK(weir_mpmc_try_dequeue(&m->mpmc, &got));
        CHECK_EQ(got, value);
#endif
    }
    CHECK(weir_mpsc_try_dequeue(&m->mpsc) == NULL);
    CHECK(!weir_spsc_try_dequeue(&m->spsc, &got));
    CHECK(!weir_ticket_try_dequeue(&m->ticket, &got));
    CHECK(!weir_umpmc_try_dequeue(&m->umpmc, record, &got));
    CHECK(!weir_deque_pop(&m->deque, &got));
    CHECK_EQ(weir_stack_index_pop(&m->stack_index), WEIR_STACK_NONE);
    CHECK(weir_stack_guard_pop(&m->stack_guard, record) == NULL);
#ifdef WEIR_HAVE_STACK
    CHECK(weir_stack_pop(&m->stack) == NULL);
#endif
#ifdef WEIR_HAVE_MPMC
    CHECK(!weir_mpmc_try_dequeue(&m->mpmc, &got));
#endif
}

static void mixed_end(mixed *m)
{
    mixed_end_waits(m);
    mixed_end_pools(m);
    CHECK(weir_ref_put(&m->ref));
    weir_counter_sharded_free(m->sharded);
    CHECK_EQ(weir_mpsc_destroy(&m->mpsc), 0);
    CHECK_EQ(weir_spsc_destroy(&m->spsc), 0);
    weir_release(m->spsc_buffer, weir_spsc_bytes(MIXED_CAPACITY, sizeof(uintptr_t)));
    CHECK_EQ(weir_ticket_destroy(&m->ticket), 0);
    weir_release(m->ticket_buffer, weir_ticket_bytes(MIXED_CAPACITY));
    CHECK_EQ(weir_umpmc_destroy(&m->umpmc), 0);
    CHECK_EQ(weir_deque_destroy(&m->deque), 0);
    CHECK_EQ(weir_stack_guard_destroy(&m->stack_guard), 0);
    CHECK_EQ(weir_guard_free(m->domain), 0);
    CHECK_EQ(weir_stack_index_destroy(&m->stack_index), 0);
    weir_release(m->stack_buffer, weir_stack_index_bytes(MIXED_CAPACITY));
#ifdef WEIR_HAVE_STACK
    CHECK_EQ(weir_stack_destroy(&m->stack), 0);
#endif
#ifdef WEIR_HAVE_MPMC
    CHECK_EQ(weir_mpmc_destroy(&m->mpmc), 0);
    weir_release(m->mpmc_buffer, weir_mpmc_bytes(MIXED_CAPACITY));
#endif
}

#define MIXED_FACE(language)                                                 \
    {                                                                        \
        language, mixed_layout, mixed_make, mixed_put, mixed_take, mixed_end \
    }

#ifdef __cplusplus
}
#endif

#endif /* WEIR_TESTS_MIXED_H */
