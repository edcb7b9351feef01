/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/peers/reclaim_ck.c: Concurrency Kit: ck_hp and ck_epoch. */

#include "../objects.h"

#include <ck_epoch.h>
#include <ck_hp.h>
#include <ck_pr.h>

/* Objects that a thread retires before it looks for what can be freed. */
enum { PATIENCE = 64 };

/* ---- ck_hp ---- */

typedef struct ck_hazards_object {
    ck_hp_hazard_t header;
    uintptr_t value;
} ck_hazards_object;

typedef struct ck_hazards_record {
    ck_hp_record_t record;
    void *slots[2];
} ck_hazards_record;

typedef struct ck_hazards {
    ck_hp_t domain;
    WEIR_ALIGNAS(WEIR_CACHELINE) ck_hazards_object *cell[BENCH_CELLS];
} ck_hazards;

typedef struct ck_hazards_local {
    ck_hazards_record *record;
} ck_hazards_local;

static ck_hazards_object *ck_hazards_object_new(uintptr_t value)
{
    ck_hazards_object *const object = bench_object(sizeof *object);

    object->value = value;
    return object;
}

static void ck_hazards_object_free(void *data)
{
    ck_hazards_object *const object = data;

    object->value = 0;
    bench_freed();
    free(object);
}

static ck_hazards *ck_hazards_open(void)
{
    ck_hazards *const scheme = bench_alloc(sizeof *scheme);

    ck_hp_init(&scheme->domain, 2, PATIENCE, ck_hazards_object_free);
    for (size_t i = 0; i < BENCH_CELLS; i++)
        scheme->cell[i] = ck_hazards_object_new(1);
    return scheme;
}

static void ck_hazards_enter(ck_hazards *scheme, ck_hazards_local *local)
{
    local->record = bench_alloc(sizeof *local->record);
    ck_hp_register(&scheme->domain, &local->record->record, local->record->slots);
}

static void ck_hazards_leave(ck_hazards *scheme, ck_hazards_local *local)
{
    (void)scheme;
    ck_hp_set(&local->record->record, 0, NULL);
}

static inline ck_hazards_object *ck_hazards_protect(ck_hazards *scheme, ck_hazards_local *local,
                                                    size_t cell)
{
    ck_hazards_object *object = ck_pr_load_ptr(&scheme->cell[cell]);

    for (;;) {
        ck_hazards_object *again;

        ck_hp_set_fence(&local->record->record, 0, object);
        again = ck_pr_load_ptr(&scheme->cell[cell]);
        if (again == object)
            return object;
        object = again;
    }
}

static inline uintptr_t ck_hazards_read(ck_hazards *scheme, ck_hazards_local *local, size_t cell)
{
    const uintptr_t value = ck_hazards_protect(scheme, local, cell)->value;

    ck_pr_fence_release();
    ck_hp_set(&local->record->record, 0, NULL);
    return value;
}

static void ck_hazards_hold(ck_hazards *scheme, ck_hazards_local *local, size_t cell)
{
    (void)ck_hazards_protect(scheme, local, cell);
}

static inline void ck_hazards_replace(ck_hazards *scheme, ck_hazards_local *local, size_t cell,
                                      uintptr_t value)
{
    ck_hazards_object *const object = ck_hazards_object_new(value);
    ck_hazards_object *const old = ck_pr_fas_ptr(&scheme->cell[cell], object);

    ck_hp_free(&local->record->record, &old->header, old, old);
}

#define SCHEME ck_hazards
#define SCHEME_LABEL "ck_hp"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, true
#define SCHEME_NOTE "an exchange a pointer; a look after 64 objects"
#include "../reclaim.h"

/* ---- ck_epoch ---- */

typedef struct ck_epochs_object {
    ck_epoch_entry_t header;
    uintptr_t value;
} ck_epochs_object;

typedef struct ck_epochs {
    ck_epoch_t domain;
    WEIR_ALIGNAS(WEIR_CACHELINE) ck_epochs_object *cell[BENCH_CELLS];
    WEIR_ALIGNAS(WEIR_CACHELINE) uint64_t retired;
} ck_epochs;

typedef struct ck_epochs_local {
    ck_epoch_record_t *record;
} ck_epochs_local;

static ck_epochs_object *ck_epochs_object_new(uintptr_t value)
{
    ck_epochs_object *const object = bench_object(sizeof *object);

    object->value = value;
    return object;
}

static void ck_epochs_object_free(ck_epoch_entry_t *header)
{
    ck_epochs_object *const object = (ck_epochs_object *)(void *)header;

    object->value = 0;
    bench_freed();
    free(object);
}

static ck_epochs *ck_epochs_open(void)
{
    ck_epochs *const scheme = bench_alloc(sizeof *scheme);

    ck_epoch_init(&scheme->domain);
    for (size_t i = 0; i < BENCH_CELLS; i++)
        scheme->cell[i] = ck_epochs_object_new(1);
    return scheme;
}

static void ck_epochs_enter(ck_epochs *scheme, ck_epochs_local *local)
{
    local->record = bench_alloc(sizeof *local->record);
    ck_epoch_register(&scheme->domain, local->record, NULL);
}

static void ck_epochs_leave(ck_epochs *scheme, ck_epochs_local *local)
{
    (void)scheme;
    (void)local;
}

static inline uintptr_t ck_epochs_read(ck_epochs *scheme, ck_epochs_local *local, size_t cell)
{
    const ck_epochs_object *object;
    uintptr_t value;

    ck_epoch_begin(local->record, NULL);
    object = ck_pr_load_ptr(&scheme->cell[cell]);
    value = object->value;
    ck_epoch_end(local->record, NULL);
    return value;
}

static void ck_epochs_hold(ck_epochs *scheme, ck_epochs_local *local, size_t cell)
{
    (void)scheme;
    (void)cell;
    ck_epoch_begin(local->record, NULL);
}

static inline void ck_epochs_replace(ck_epochs *scheme, ck_epochs_local *local, size_t cell,
                                     uintptr_t value)
{
    ck_epochs_object *const object = ck_epochs_object_new(value);
    ck_epochs_object *const old = ck_pr_fas_ptr(&scheme->cell[cell], object);

    ck_epoch_call(local->record, &old->header, ck_epochs_object_free);
    if (++scheme->retired % PATIENCE == 0)
        ck_epoch_poll(local->record);
}

#define SCHEME ck_epochs
#define SCHEME_LABEL "ck_epoch"
#define SCHEME_CLASS BENCH_LOCK_FREE, BENCH_UNORDERED, false
#define SCHEME_NOTE "an exchange a section; a poll after 64 objects"
#include "../reclaim.h"
