/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/place.c: which location an address belongs to. Numbers stay for the whole search, since
 * addresses are the same in each run; of variables that lie in one place of a stack one after the
 * other each is a location. Where accesses of several sizes overlap, the location is as
 * large as the largest; that is known only when they have been seen, so then all begins anew. */

#include "run.h"

#include <string.h>
#include <sys/mman.h>

typedef struct place {
    uintptr_t address;
    unsigned size, in, life;
    int next; /* of the same 16 bytes; -1: none */
} place;

enum { HEADS = 4096, MERGED_MOST = 1024 };

/* What was found to be one location: stays when all begins anew, and is seen by all processes that
 * share a search: they are told to begin anew, and read it then. */
typedef struct merged {
    unsigned count;
    struct {
        uintptr_t address;
        unsigned size;
    } of[MERGED_MOST];
} merged;

static STATE place *places = NULL;
static STATE unsigned count = 0, room = 0;
static STATE int *heads = NULL;
static STATE merged *one = NULL;

static int *head_of(uintptr_t address)
{
    const uintptr_t line = address / 16;

    if (heads == NULL) {
        heads = (int *)weir__check_memory(HEADS * sizeof *heads);
        memset(heads, -1, HEADS * sizeof *heads);
    }
    return &heads[(line ^ line >> 12 ^ line >> 24) % HEADS];
}

void weir__places_forget(void)
{
    count = 0;
    if (heads != NULL)
        memset(heads, -1, HEADS * sizeof *heads);
}

static int make(uintptr_t address, unsigned size, unsigned in, unsigned life)
{
    int *const head = head_of(address);

    if (count == room) {
        room = room == 0 ? 64 : 2 * room;
        places = (place *)weir__check_heap(places, room * sizeof *places);
    }
    places[count].address = address;
    places[count].size = size;
    places[count].in = in;
    places[count].life = life;
    places[count].next = *head;
    *head = (int)count;
    return (int)count++;
}

static merged *merges(void)
{
    if (one == NULL) {
        one = (merged *)mmap(NULL, sizeof *one, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                             -1, 0);
        if (one == MAP_FAILED)
            weir__check_die("no memory is left for the search");
    }
    return one;
}

static void merge(uintptr_t address, unsigned size, const void *pc)
{
    merged *const m = merges();

    if (m->count == MERGED_MOST)
        weir__check_unable(pc, "more than %d locations with accesses of several sizes",
                           MERGED_MOST);
    m->of[m->count].address = address;
    m->of[m->count++].size = size;
}

void weir__places_begin(void)
{
    merges()->count = 0;
    weir__places_forget();
}

int weir__place(const void *at, unsigned size, unsigned in, unsigned life, unsigned *mask,
                const void *pc)
{
    uintptr_t address = (uintptr_t)at;
    const uintptr_t wanted = address;
    const unsigned bytes = size;

    *mask = (1U << size) - 1;
    if (address / 16 != (address + size - 1) / 16)
        weir__check_unable(pc, "an atomic access of %u bytes that is not aligned", size);
    for (int i = *head_of(address); i >= 0; i = places[i].next) {
        const place *const p = &places[i];

        if (p->in != in || p->life != life || p->address >= wanted + bytes ||
            p->address + p->size <= wanted)
            continue;
        if (p->address <= wanted && wanted + bytes <= p->address + p->size) {
            *mask <<= wanted - p->address;
            return i;
        }
        /* Partly: the two are one. */
        address = p->address < wanted ? p->address : wanted;
        size = (unsigned)((p->address + p->size > wanted + bytes ? p->address + p->size
                                                                 : wanted + bytes) -
                          address);
        merge(address, size, pc);
        return -1;
    }
    for (unsigned i = 0; in == MEMORY && i < merges()->count; i++) {
        const uintptr_t from = one->of[i].address, end = from + one->of[i].size;

        if (from < address + size && address < end) {
            const uintptr_t last = end > address + size ? end : address + size;

            address = from < address ? from : address;
            size = (unsigned)(last - address);
        }
    }
    *mask <<= wanted - address;
    return make(address, size, in, life);
}

void weir__place_of(int number, const void **address, unsigned *size, unsigned *in, unsigned *life)
{
    *address = (const void *)places[number].address;
    *size = places[number].size;
    *in = places[number].in;
    *life = places[number].life;
}

void weir__places_in(const void *at, size_t size, void (*found)(int place))
{
    const uintptr_t address = (uintptr_t)at;
    const unsigned life = weir__memory_life(at);

    for (uintptr_t line = address / 16; line <= (address + size - 1) / 16; line++)
        for (int i = *head_of(line * 16); i >= 0; i = places[i].next)
            if (places[i].in == MEMORY && places[i].life == life &&
                places[i].address / 16 == line && places[i].address < address + size &&
                address < places[i].address + places[i].size)
                found(i);
}
