/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/epoch.c: epochs, and what a read section costs that protects nothing. */

#include "objects.h"

#include <weir/epoch.h>

/* ---- weir_epoch ---- */

typedef struct epoch_object {
    weir_retired header;
    uintptr_t value;
} epoch_object;

typedef struct epochs {
    weir_epoch *domain;
    WEIR_ALIGNAS(WEIR_CACHELINE) WEIR_ATOMIC(epoch_object *) cell[BENCH_CELLS];
} epochs;

typedef struct epochs_local {
    weir_epoch_record *record;
} epochs_local;

static epoch_object *epoch_object_new(uintptr_t value)
{
    epoch_object *const object = (epoch_object *)bench_object(sizeof *object);

    object->value = value;
    return object;
}

static void epoch_object_free(weir_retired *header)
{
    epoch_object *const object = (epoch_object *)(void *)header;

    object->value = 0;
    bench_freed();
    free(object);
}

static epochs *epochs_open(void)
{
    epochs *const scheme = (epochs *)bench_alloc(sizeof *scheme);

    if (weir_epoch_new(&scheme->domain, NULL) != 0)
        return NULL;
    for (size_t i = 0; i < BENCH_CELLS; i++)
        weir_atomic_init(&scheme->cell[i], epoch_object_new(1));
    return scheme;
}

static void epochs_enter(epochs *scheme, epochs_local *local)
{
    local->record = weir_epoch_self(scheme->domain);
}

static void epochs_leave(epochs *scheme, epochs_local *local)
{
    (void)scheme;
    (void)local;
}

static inline uintptr_t epochs_read(epochs *scheme, epochs_local *local, size_t cell)
{
    const weir_section section = weir_epoch_enter(local->record);
    /* sync(cell): acquire. Pairs with the exchange in epochs_replace(); the object. */
    const uintptr_t value = weir_atomic_load(&scheme->cell[cell], WEIR_ACQUIRE)->value;

    weir_epoch_exit(local->record, section);
    return value;
}

static void epochs_hold(epochs *scheme, epochs_local *local, size_t cell)
{
    weir_section forever;

    (void)scheme;
    (void)cell;
    forever = weir_epoch_enter(local->record);
    (void)forever;
}

static inline void epochs_replace(epochs *scheme, epochs_local *local, size_t cell, uintptr_t value)
{
    epoch_object *const object = epoch_object_new(value);
    /* sync(cell): acq_rel. Pairs with the load in epochs_read(); the object, and the old one's
     * header, which is written next. */
    epoch_object *const old = weir_atomic_exchange(&scheme->cell[cell], object, WEIR_ACQ_REL);

    weir_epoch_retire(local->record, &old->header, epoch_object_free, sizeof *old);
}

#define SCHEME epochs
#define SCHEME_LABEL "weir epoch"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE "membarrier; batches of 1024 objects"
#define SCHEME_FLAGS BENCH_OURS
#include "reclaim.h"

/* ---- nothing ---- */

typedef struct bare {
    WEIR_ATOMIC(epoch_object *) cell[BENCH_CELLS];
} bare;

static bare *bare_open(void)
{
    bare *const scheme = (bare *)bench_alloc(sizeof *scheme);

    for (size_t i = 0; i < BENCH_CELLS; i++)
        weir_atomic_init(&scheme->cell[i], epoch_object_new(1));
    return scheme;
}

static inline uintptr_t bare_read(bare *scheme, void *local, size_t cell)
{
    uintptr_t value;

    (void)local;
    /* sync(cell): acquire. Pairs with the exchange in bare_replace(). */
    value = weir_atomic_load(&scheme->cell[cell], WEIR_ACQUIRE)->value;
    __asm__ __volatile__("" ::: "memory"); /* one after the other, as a program would */
    return value;
}

static inline void bare_replace(bare *scheme, void *local, size_t cell, uintptr_t value)
{
    epoch_object *const object = epoch_object_new(value);

    (void)local;
    /* sync(cell): acq_rel. Pairs with the load in bare_read(). */
    epoch_object_free(&weir_atomic_exchange(&scheme->cell[cell], object, WEIR_ACQ_REL)->header);
}

#define SCHEME bare
#define SCHEME_LABEL "no protection"
#define SCHEME_CLASS BENCH_WAIT_FREE, BENCH_UNORDERED, true
#define SCHEME_NOTE "not a scheme: loads the pointer; frees at once"
#define SCHEME_FLAGS BENCH_REFERENCE
#define SCHEME_ALONE
#define SCHEME_PLAIN
#include "reclaim.h"
