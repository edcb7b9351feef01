/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/reclaim_urcu.c: liburcu's flavours: memb, mb, bp and qsbr, each with its call_rcu,
 * whose thread frees. */

#define _LGPL_SOURCE /* the inline variants; small ones only are taken over */

#include "../objects.h"

#include <urcu/urcu-bp.h>
#include <urcu/urcu-mb.h>
#include <urcu/urcu-memb.h>
#include <urcu/urcu-qsbr.h>

typedef struct rcu_object {
    struct rcu_head header;
    uintptr_t value;
} rcu_object;

typedef struct rcu_cells {
    WEIR_ALIGNAS(WEIR_CACHELINE) rcu_object *cell[BENCH_CELLS];
} rcu_cells;

static rcu_object *rcu_object_new(uintptr_t value)
{
    rcu_object *const object = bench_object(sizeof *object);

    object->value = value;
    return object;
}

static void rcu_object_free(struct rcu_head *header)
{
    rcu_object *const object = caa_container_of(header, rcu_object, header);

    object->value = 0;
    bench_freed();
    free(object);
}

static rcu_cells *rcu_cells_open(void)
{
    rcu_cells *const scheme = bench_alloc(sizeof *scheme);

    for (size_t i = 0; i < BENCH_CELLS; i++)
        scheme->cell[i] = rcu_object_new(1);
    return scheme;
}

/* Its headers declare call_rcu for the first flavour of a file only. The thread that frees is made
 * by one that is not pinned. */
#define FLAVOUR(name)                                                                         \
    void urcu_##name##_call_rcu(struct rcu_head *, void (*)(struct rcu_head *));              \
    struct call_rcu_data *urcu_##name##_get_default_call_rcu_data(void);                      \
                                                                                              \
    typedef rcu_cells name;                                                                   \
                                                                                              \
    typedef struct name##_local {                                                             \
        char nothing;                                                                         \
    } name##_local;                                                                           \
                                                                                              \
    static name *name##_open(void)                                                            \
    {                                                                                         \
        return urcu_##name##_get_default_call_rcu_data() != NULL ? rcu_cells_open() : NULL;   \
    }                                                                                         \
                                                                                              \
    static void name##_enter(name *scheme, name##_local *local)                               \
    {                                                                                         \
        (void)scheme;                                                                         \
        (void)local;                                                                          \
        urcu_##name##_register_thread();                                                      \
    }                                                                                         \
                                                                                              \
    static void name##_leave(name *scheme, name##_local *local)                               \
    {                                                                                         \
        (void)scheme;                                                                         \
        (void)local;                                                                          \
        urcu_##name##_unregister_thread();                                                    \
    }                                                                                         \
                                                                                              \
    static inline uintptr_t name##_read(name *scheme, name##_local *local, size_t cell)       \
    {                                                                                         \
        uintptr_t value;                                                                      \
                                                                                              \
        (void)local;                                                                          \
        urcu_##name##_read_lock();                                                            \
        value = rcu_dereference(scheme->cell[cell])->value;                                   \
        urcu_##name##_read_unlock();                                                          \
        return value;                                                                         \
    }                                                                                         \
                                                                                              \
    static void name##_hold(name *scheme, name##_local *local, size_t cell)                   \
    {                                                                                         \
        (void)scheme;                                                                         \
        (void)local;                                                                          \
        (void)cell;                                                                           \
        urcu_##name##_read_lock();                                                            \
    }                                                                                         \
                                                                                              \
    static inline void name##_replace(name *scheme, name##_local *local, size_t cell,         \
                                      uintptr_t value)                                        \
    {                                                                                         \
        rcu_object *const old = rcu_xchg_pointer(&scheme->cell[cell], rcu_object_new(value)); \
                                                                                              \
        (void)local;                                                                          \
        urcu_##name##_call_rcu(&old->header, rcu_object_free);                                \
    }

FLAVOUR(memb)
#define SCHEME memb
#define SCHEME_LABEL "liburcu memb"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE "inline read side, membarrier; call_rcu's thread frees"
#include "../reclaim.h"

FLAVOUR(mb)
#define SCHEME mb
#define SCHEME_LABEL "liburcu mb"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE "inline read side, a fence at both ends; call_rcu's thread frees"
#include "../reclaim.h"

FLAVOUR(bp)
#define SCHEME bp
#define SCHEME_LABEL "liburcu bp"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE "threads need not register; call_rcu's thread frees"
#include "../reclaim.h"

FLAVOUR(qsbr)

static inline void qsbr_quiet(qsbr *scheme, qsbr_local *local)
{
    (void)scheme;
    (void)local;
    urcu_qsbr_quiescent_state();
}

#define SCHEME qsbr
#define SCHEME_LABEL "liburcu qsbr"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE \
    "sections are empty: a thread says after 64 operations, or 512, that it is outside"
#define SCHEME_QUIET
#include "../reclaim.h"
