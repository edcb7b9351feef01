/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/posix_key.c: what a thread keeps by a key, and its destructors.
 *
 * Keys made outside of a run are real ones, of which the destructor is known here. Those made in a
 * run have numbers from there on, in the order in which they are made: each run begins anew. Values
 * are the threads' own in either case, and none is there when the run begins. */

#include "posix.h"

#include <limits.h>

enum { VALUES = 64 };

typedef struct value {
    pthread_key_t key;
    const void *value;
} value;

typedef struct store {
    unsigned values;
    value of[VALUES];
} store;

static STATE store *stores = NULL;

enum { LOCALS = 256 };

typedef struct local {
    void (*destroy)(void *);
    void *object;
} local;

static STATE local *locals = NULL;
static STATE unsigned local_count[THREADS] = {0};

static store *self(void)
{
    return &stores[weir__check_self];
}

void weir__key_begin(void)
{
    if (stores == NULL)
        stores = (store *)weir__check_memory(THREADS * sizeof *stores);
    if (locals == NULL)
        locals = (local *)weir__check_memory(THREADS * LOCALS * sizeof *locals);
    for (int t = 0; t < THREADS; t++)
        stores[t].values = local_count[t] = 0;
}

static STATE void (*destructors[2 * PTHREAD_KEYS_MAX])(void *) = {NULL};

static bool take_number(void *unused, word old, word *new_value)
{
    (void)unused;
    *new_value = old + 1;
    return true;
}

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    REAL(pthread_key_create);
    if (weir__check_self < 0) {
        const int error = real(key, destructor);

        if (error == 0 && *key < PTHREAD_KEYS_MAX)
            destructors[*key] = destructor;
        return error;
    } else {
        const request a = weir__hidden(destructors, OTHER, RELAXED, HERE, "pthread_key_create");
        const word number = weir__check_change(&a, take_number, NULL, NULL);

        if (number >= PTHREAD_KEYS_MAX)
            return EAGAIN;
        weir__memory_plain(key, sizeof *key, true, HERE);
        *key = PTHREAD_KEYS_MAX + (pthread_key_t)number;
        destructors[*key] = destructor;
        return 0;
    }
}

static request deletion_of(pthread_key_t key, unsigned order, const void *pc)
{
    return weir__hidden((const char *)&destructors[key] + 4, OTHER, order, pc,
                        "pthread_key_delete");
}

int pthread_key_delete(pthread_key_t key)
{
    request a;

    PASS(pthread_key_delete, key);
    if (key >= 2 * PTHREAD_KEYS_MAX)
        return EINVAL;
    a = deletion_of(key, RELAXED, HERE);
    weir__check_store(&a, 1);
    return 0;
}

static value *find_value(pthread_key_t key)
{
    store *const me = self();

    for (unsigned i = 0; i < me->values; i++)
        if (me->of[i].key == key)
            return &me->of[i];
    return NULL;
}

void *pthread_getspecific(pthread_key_t key)
{
    const value *v;

    PASS(pthread_getspecific, key);
    v = find_value(key);
    return v == NULL ? NULL : (void *)(uintptr_t)v->value;
}

int pthread_setspecific(pthread_key_t key, const void *new_value)
{
    store *me;
    value *v;

    PASS(pthread_setspecific, key, new_value);
    if (key >= 2 * PTHREAD_KEYS_MAX)
        return EINVAL;
    weir__check_wrote();
    me = self();
    v = find_value(key);
    if (v == NULL) {
        if (new_value == NULL)
            return 0;
        if (me->values == VALUES)
            return ENOMEM;
        v = &me->of[me->values++];
        v->key = key;
    }
    v->value = new_value;
    return 0;
}

/* Calls the destructors of what is there now. Returns: false if there is nothing. */
static bool destroy_values(void)
{
    store *const me = self();
    bool some = false;

    for (unsigned i = 0; i < me->values; i++) {
        value *const v = &me->of[i];
        void *const old = (void *)(uintptr_t)v->value;
        request a;

        if (old == NULL || destructors[v->key] == NULL)
            continue;
        v->value = NULL;
        a = deletion_of(v->key, RELAXED, NULL);
        if (weir__check_load(&a) != 0)
            continue;
        some = true;
        destructors[v->key](old);
    }
    return some;
}

/* ---- C++: destructors of thread-local variables ---- */

int __cxa_thread_atexit(void (*destroy)(void *), void *object, void *library);

int __cxa_thread_atexit(void (*destroy)(void *), void *object, void *library)
{
    PASS(__cxa_thread_atexit, destroy, object, library);
    if (local_count[weir__check_self] == LOCALS)
        weir__check_unable(HERE, "more than %d thread-local variables with destructors", LOCALS);
    locals[weir__check_self * LOCALS + (int)local_count[weir__check_self]++] =
        (local){destroy, object};
    return 0;
}

void weir__key_end(void)
{
    while (local_count[weir__check_self] > 0) {
        const local l = locals[weir__check_self * LOCALS + (int)--local_count[weir__check_self]];

        l.destroy(l.object);
    }

    for (int i = 0; i < PTHREAD_DESTRUCTOR_ITERATIONS && destroy_values(); i++) {
    }
}
