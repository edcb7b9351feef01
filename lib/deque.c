/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <weir/deque.h>

#include <errno.h>
#include <string.h>

/* Two pictures.
 *
 * While the deque is the owner's alone (the fences are those of weir/fence.h):
 *
 *     owner, pop         ||  thief
 *     bottom = b         ||  mode = RAISED
 *     light fence        ||  heavy fence
 *     m = mode           ||  mode = SHARED
 *                        ||  reads bottom          never m ALONE and bottom above b
 *
 * So a pop that finds ALONE is seen by every steal: the element is the owner's, without a look at
 * top. That another thief finds SHARED later is no difference: it acquires what came before.
 *
 * While it is shared all accesses of the cycle are sequentially consistent:
 *
 *     owner, pop         ||  thief 1       ||  thief 2
 *     bottom = b         ||  top: t -> b   ||  reads top: b
 *     reads top: t < b   ||                ||  reads bottom: above b
 *
 * The owner takes element b without a compare-and-swap since t < b, thief 2 would take it too.
 * In the one order of all, thief 1's comes after the owner's read, so thief 2's reads come after
 * the owner's store, and the last line cannot be.
 *
 * Who takes the oldest, thief or owner, does it by one compare-and-swap of top, so an element has
 * one taker; while the deque is the owner's alone, nobody else makes one.
 *
 * A thief's compare-and-swap names the mode with its generation: one that was held up since before
 * the owner took the deque back fails, whatever top is. */

static uint64_t mode_of(uint64_t mode)
{
    return mode & 3;
}

/* Advances top if neither it nor the mode has changed. */
static bool take_top(weir_deque *deque, uint64_t top, uint64_t mode)
{
#ifdef WEIR_HAVE_DWORD_CAS
    /* sync(mode): seq_cst. Pairs with itself, and with the load of top in weir__deque_pop_shared():
     * see the top of this file. */
    return weir_dword_cas_seq_cst(&deque->ends, &top, &mode, top + 1, mode);
#else
    (void)mode;
    /* sync(mode): seq_cst. Pairs with itself, and weir__deque_pop_shared(), see the top of this
     * file; once shared the mode does not change any more. */
    return weir_atomic_cas(&deque->ends.lo, &top, top + 1, WEIR_SEQ_CST, WEIR_SEQ_CST);
#endif
}

/* ---- arrays ---- */

static weir__deque_cell *cells_of(weir__deque_array *array)
{
    return (weir__deque_cell *)(void *)(array + 1);
}

static size_t bytes_of(size_t capacity)
{
    return sizeof(weir__deque_array) + capacity * sizeof(weir__deque_cell);
}

static weir__deque_array *make_array(size_t capacity)
{
    weir__deque_array *const array =
        (weir__deque_array *)weir_alloc(bytes_of(capacity), WEIR_CACHELINE);

    if (array == NULL)
        return NULL;
    memset((void *)array, 0, sizeof *array);
    array->mask = capacity - 1;
    for (size_t i = 0; i < capacity; i++)
        weir_atomic_init(&cells_of(array)[i], 0);
    return array;
}

static void release_array(weir_retired *retired)
{
    weir__deque_array *const array = (weir__deque_array *)(void *)retired;

    weir_release(array, bytes_of(array->mask + 1));
}

static int grow(weir_deque *deque, uint64_t bottom)
{
    /* relaxed: own word. */
    weir__deque_array *const old = weir_atomic_load(&deque->array, WEIR_RELAXED);
    weir_guard_record *record;
    weir__deque_array *array;

    if (deque->mask + 1 >= WEIR_DEQUE_MAX)
        return -ENOMEM;
    record = weir_guard_self(deque->domain);
    array = record == NULL ? NULL : make_array((size_t)(deque->mask + 1) * 2);
    if (array == NULL)
        return -ENOMEM;
    weir_guard_born(record, &array->retired);
    for (uint64_t i = deque->top_seen; i != bottom; i++)
        /* relaxed: own stores; published with the array. */
        weir_atomic_store(&cells_of(array)[i & array->mask],
                          weir_atomic_load(&deque->cells[i & deque->mask], WEIR_RELAXED),
                          WEIR_RELAXED);
    deque->cells = cells_of(array);
    deque->mask = array->mask;
    deque->full_at = deque->top_seen + array->mask + 1;
    /* sync(grown): release. Pairs with hold_array(); the cells. */
    weir_atomic_store(&deque->array, array, WEIR_RELEASE);
    /* Last: it may call a user's callback, which may push. */
    weir_guard_retire(record, &old->retired, release_array, bytes_of(old->mask + 1));
    return 0;
}

/* ---- life ---- */

int weir_deque_init_at(weir_deque *deque, weir_guard *domain, size_t capacity, uint64_t start)
{
    size_t cells = 2;
    weir__deque_array *array;

    WEIR_REQUIRE((uintptr_t)deque % WEIR_CACHELINE == 0,
                 "a weir_deque must be aligned to WEIR_CACHELINE; weir_deque_new() is");
    WEIR_REQUIRE(domain != NULL, "a deque wants a domain for its outgrown arrays");
    if (capacity == 0 || capacity > WEIR_DEQUE_MAX)
        return -EINVAL;
    while (cells < capacity)
        cells *= 2;
    array = make_array(cells);
    if (array == NULL)
        return -ENOMEM;
    memset((void *)deque, 0, sizeof *deque);
    deque->domain = domain;
    deque->cells = cells_of(array);
    deque->mask = array->mask;
    deque->top_seen = start;
    deque->full_at = start + cells;
    weir_atomic_init(&deque->array, array);
    weir_atomic_init(&deque->bottom, start);
    weir_atomic_init(&deque->ends.lo, start);
    deque->stays_shared = weir__reclaim_fenced((const weir__domain *)(const void *)domain);
    weir_atomic_init(&deque->ends.hi, deque->stays_shared ? WEIR__DEQUE_SHARED : WEIR__DEQUE_ALONE);
#ifndef WEIR_HAVE_DWORD_CAS
    deque->stays_shared = true; /* once it is */
#endif
    return 0;
}

int weir_deque_init(weir_deque *deque, weir_guard *domain, size_t capacity)
{
    return weir_deque_init_at(deque, domain, capacity, 0);
}

int weir_deque_destroy(weir_deque *deque)
{
    WEIR_REQUIRE(deque->cells != NULL, "destroyed twice, or never made");
    if (weir_deque_size_approx(deque) != 0)
        return -EBUSY;
    /* relaxed: nobody else uses it. */
    release_array(&weir_atomic_load(&deque->array, WEIR_RELAXED)->retired);
    deque->cells = NULL;
    return 0;
}

int weir_deque_new(weir_deque **deque, weir_guard *domain, size_t capacity)
{
    weir_deque *const made = (weir_deque *)weir_alloc(sizeof(weir_deque), WEIR_CACHELINE);
    int status;

    if (made == NULL)
        return -ENOMEM;
    status = weir_deque_init(made, domain, capacity);
    if (status != 0) {
        weir_release(made, sizeof *made);
        return status;
    }
    made->allocated = true;
    *deque = made;
    return 0;
}

int weir_deque_free(weir_deque *deque)
{
    int status;

    if (deque == NULL)
        return 0;
    WEIR_REQUIRE(deque->allocated, "not made by weir_deque_new()");
    status = weir_deque_destroy(deque);
    if (status == 0)
        weir_release(deque, sizeof *deque);
    return status;
}

/* ---- the owner ---- */

int weir__deque_push_slow(weir_deque *deque, uintptr_t value)
{
    /* relaxed: own word. */
    const uint64_t bottom = weir_atomic_load(&deque->bottom, WEIR_RELAXED);
    /* sync(mode): acquire. Pairs with take_top(): the thieves have read the cells below. */
    const uint64_t top = weir_atomic_load(&deque->ends.lo, WEIR_ACQUIRE);
    int status = 0;

    if (top != deque->top_seen)
        deque->rent = 0;
    deque->top_seen = top;
    deque->full_at = top + deque->mask + 1;
    if (bottom == deque->full_at)
        status = grow(deque, bottom);
    return status == 0 ? weir_deque_push(deque, value) : status;
}

/* After so many pops without a steal, exchanges have cost as much as the change of mode that the
 * next thief would have to pay for. */
static void take_back(weir_deque *deque, uint64_t mode)
{
    deque->rent = 0;
    /* sync(mode): acq_rel. Pairs with take_top() and share(): steals that named the old
     * mode are done, and top is theirs, or fail.
     * relaxed on failure: a thief has just changed it; another time. */
    if (weir_atomic_cas(&deque->ends.hi, &mode, (mode & ~(uint64_t)3) + 4 + WEIR__DEQUE_ALONE,
                        WEIR_ACQ_REL, WEIR_RELAXED))
        /* relaxed: acquired with the mode, and nobody else's from now on. */
        deque->top_seen = weir_atomic_load(&deque->ends.lo, WEIR_RELAXED);
}

/* pop has already taken `bottom` one back. */
bool weir__deque_pop_shared(weir_deque *deque, uintptr_t *value)
{
    /* relaxed: own word. */
    const uint64_t bottom = weir_atomic_load(&deque->bottom, WEIR_RELAXED);

    /* sync(pushed): seq_cst. Pairs with the load of `bottom` in steal(): see the top of this file.
     */
    weir_atomic_exchange(&deque->bottom, bottom, WEIR_SEQ_CST);
    for (;;) {
        /* relaxed: only compared; take_top() and take_back() confirm it. What thieves have done
         * comes with top. */
        const uint64_t mode = weir_atomic_load(&deque->ends.hi, WEIR_RELAXED);
        /* sync(mode): seq_cst. Pairs with take_top(): see the top of this file. */
        const uint64_t top = weir_atomic_load(&deque->ends.lo, WEIR_SEQ_CST);
        uintptr_t newest;

        /* Not while a thief is about to share it: taken back then, it would have to begin anew. */
        deque->rent =
            top == deque->top_seen && mode_of(mode) == WEIR__DEQUE_SHARED ? deque->rent + 1 : 0;
        deque->top_seen = top;
        if ((int64_t)(bottom - top) < 0) {
            /* relaxed: empty: there is nothing to publish. */
            weir_atomic_store(&deque->bottom, top, WEIR_RELAXED);
            return false;
        }
        /* relaxed: own store. */
        newest = weir_atomic_load(&deque->cells[bottom & deque->mask], WEIR_RELAXED);
        if (bottom != top) {
            *value = newest;
            if (deque->rent >= WEIR_DEQUE_RENT && !deque->stays_shared)
                take_back(deque, mode);
            return true;
        }
        /* The last: thieves want it too. */
        if (take_top(deque, top, mode)) {
            *value = newest;
            deque->top_seen = top + 1;
            /* relaxed: as above. */
            weir_atomic_store(&deque->bottom, top + 1, WEIR_RELAXED);
            if (deque->rent >= WEIR_DEQUE_RENT && !deque->stays_shared)
                take_back(deque, mode);
            return true;
        }
    }
}

bool weir_deque_pop_oldest(weir_deque *deque, uintptr_t *value)
{
    /* relaxed: own word. */
    const uint64_t bottom = weir_atomic_load(&deque->bottom, WEIR_RELAXED);

    WEIR_ASSERT(deque->cells != NULL, "used after destroy, or before init");
    while (bottom != deque->top_seen) {
        /* relaxed: only compared; take_top() confirms it. */
        const uint64_t mode = weir_atomic_load(&deque->ends.hi, WEIR_RELAXED);
        /* relaxed: the same; what is in the cell is an own store. */
        const uint64_t top = weir_atomic_load(&deque->ends.lo, WEIR_RELAXED);
        uintptr_t oldest;

        if (top != deque->top_seen)
            deque->rent = 0;
        deque->top_seen = top;
        if (bottom == top)
            break;
        /* relaxed: own store. */
        oldest = weir_atomic_load(&deque->cells[top & deque->mask], WEIR_RELAXED);
        if (take_top(deque, top, mode)) {
            deque->top_seen = top + 1;
            *value = oldest;
            return true;
        }
    }
    return false;
}

/* ---- thieves ---- */

/* Makes the deque shared, or lets another do it. */
static void share(weir_deque *deque, uint64_t mode)
{
    if (mode_of(mode) == WEIR__DEQUE_ALONE) {
        /* relaxed: the heavy fence comes after it; who fails looks again. */
        if (!weir_atomic_cas(&deque->ends.hi, &mode, mode + WEIR__DEQUE_RAISED, WEIR_RELAXED,
                             WEIR_RELAXED))
            return;
        mode += WEIR__DEQUE_RAISED;
    }
    weir_fence_heavy();
    /* sync(mode): release. Pairs with the load of the mode in steal(); every pop that found the
     * deque its own. relaxed on failure: looked at again. */
    weir_atomic_cas(&deque->ends.hi, &mode, mode - WEIR__DEQUE_RAISED + WEIR__DEQUE_SHARED,
                    WEIR_RELEASE, WEIR_RELAXED);
}

/* Within a section: the array, which stays until the end of it. */
static weir__deque_array *hold_array(weir_deque *deque, weir_guard_record *record)
{
    weir__deque_array *array;

    do
        /* sync(grown): acquire. Pairs with the store in grow(); the cells. */
        array = weir_atomic_load(&deque->array, WEIR_ACQUIRE);
    while (weir__guard_hold(record, 0, array));
    return array;
}

static size_t steal(weir_deque *deque, weir_guard_record *record, uintptr_t *values, size_t n)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;
    size_t got = 0;

    while (got < n) {
        /* sync(mode): acquire. Pairs with share() and take_back(). */
        const uint64_t mode = weir_atomic_load(&deque->ends.hi, WEIR_ACQUIRE);
        /* sync(mode): seq_cst. Pairs with take_top(): see the top of this file. */
        const uint64_t top = weir_atomic_load(&deque->ends.lo, WEIR_SEQ_CST);
        /* sync(pushed): seq_cst. Pairs with the stores of `bottom` in weir_deque_push() and
         * weir_deque_pop(), the exchange in weir__deque_pop_shared(): see the top of this file. */
        const uint64_t bottom = weir_atomic_load(&deque->bottom, WEIR_SEQ_CST);
        const int64_t inside = (int64_t)(bottom - top);
        weir__deque_array *array;
        uintptr_t value;

        if (inside <= 0)
            break;
        if (mode_of(mode) != WEIR__DEQUE_SHARED) {
            share(deque, mode);
            continue;
        }
        /* Half of what was there at first. */
        if (got == 0 && n > ((uint64_t)inside + 1) / 2)
            n = (size_t)(((uint64_t)inside + 1) / 2);
        array = hold_array(deque, record);
        /* relaxed: if the owner has used the cell again meanwhile, top or the mode has moved, and
         * the compare-and-swap fails. */
        value = weir_atomic_load(&cells_of(array)[top & array->mask], WEIR_RELAXED);
        if (take_top(deque, top, mode))
            values[got++] = value;
        else
            weir_backoff_wait(&backoff);
    }
    return got;
}

size_t weir_deque_steal_burst(weir_deque *deque, weir_guard_record *record, uintptr_t *values,
                              size_t n)
{
    const weir_section section = weir_guard_enter(record);
    const size_t got = steal(deque, record, values, n);

    weir__guard_drop(record, 0);
    weir_guard_exit(record, section);
    return got;
}

bool weir_deque_steal(weir_deque *deque, weir_guard_record *record, uintptr_t *value)
{
    return weir_deque_steal_burst(deque, record, value, 1) == 1;
}
