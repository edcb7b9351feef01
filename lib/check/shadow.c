/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The table of what memory.c remembers of each byte, and where the checker has its own memory from.
 */

#include "shadow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK ((size_t)1 << 20)
#define POOL_CHUNK ((size_t)1 << 16)

uint64_t weir__shadow_run STATE = 0;
shadow_slot weir__shadow_slots[SLOTS] STATE = {{0, NULL}};

/* ---- memory ---- */

static char *chunk STATE = NULL;
static size_t chunk_left STATE = 0;

static char *map(size_t size)
{
    void *const memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        fputs("weir_check: out of memory\n", stderr);
        _Exit(WEIR_CHECK_UNABLE);
    }
    return (char *)memory;
}

void *weir__check_memory(size_t size)
{
    char *memory;

    if (size > CHUNK / 4) /* of pages of its own, so that what is left of the chunk stays in use */
        return map(size);
    size = (size + 15) & ~(size_t)15;
    if (size > chunk_left) {
        chunk = map(CHUNK);
        chunk_left = CHUNK;
    }
    memory = chunk;
    chunk += size;
    chunk_left -= size;
    return memory;
}

typedef struct pool_chunk {
    struct pool_chunk *next;
    _Alignas(16) char memory[POOL_CHUNK];
} pool_chunk;

static pool_chunk *pool STATE = NULL;    /* the first */
static pool_chunk *filling STATE = NULL; /* the one in use; those behind it are empty */
static size_t filled STATE = 0;

void *weir__shadow_take(size_t size)
{
    void *memory;

    size = (size + 7) & ~(size_t)7;
    if (size > POOL_CHUNK)
        return weir__check_memory(size);
    if (filled + size > POOL_CHUNK) {
        if (filling->next == NULL) {
            filling->next = (pool_chunk *)weir__check_memory(sizeof *filling);
            filling->next->next = NULL;
        }
        filling = filling->next;
        filled = 0;
    }
    memory = filling->memory + filled;
    filled += size;
    return memory;
}

/* ---- pages ---- */

static shadow_page **table STATE = NULL; /* open addressing */
static size_t table_room STATE = 0;      /* a power of two */
static size_t table_count STATE = 0;

static size_t hash(uintptr_t number)
{
    return (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 20);
}

static void table_add(shadow_page *page)
{
    size_t i = hash(page->number) & (table_room - 1);

    while (table[i] != NULL)
        i = (i + 1) & (table_room - 1);
    table[i] = page;
}

static void table_grow(void)
{
    shadow_page **const old = table;
    const size_t old_room = table_room;

    table_room *= 2;
    table = (shadow_page **)weir__check_memory(table_room * sizeof *table);
    for (size_t i = 0; i < old_room; i++) {
        if (old[i] != NULL)
            table_add(old[i]);
    }
}

shadow_page *weir__shadow_page(uintptr_t number, bool make)
{
    size_t i = hash(number) & (table_room - 1);
    shadow_page *page;

    while (table[i] != NULL && table[i]->number != number)
        i = (i + 1) & (table_room - 1);
    page = table[i];
    if (page == NULL) {
        if (!make)
            return NULL;
        page = (shadow_page *)weir__check_memory(sizeof *page);
        page->number = number;
        if (2 * ++table_count > table_room)
            table_grow();
        table_add(page);
    }
    weir__shadow_slots[number % SLOTS] = (shadow_slot){number, page};
    return page;
}

void weir__shadow_begin(void)
{
    if (pool == NULL) {
        pool = (pool_chunk *)weir__check_memory(sizeof *pool);
        pool->next = NULL;
        table_room = 1024;
        table = (shadow_page **)weir__check_memory(table_room * sizeof *table);
    }
    filling = pool;
    filled = 0;
    weir__shadow_run++;
}

void weir__shadow_each(uintptr_t low, uintptr_t high,
                       void (*visit)(void *with, cell *c, uintptr_t address, unsigned bytes),
                       void *with)
{
    for (uintptr_t at = low; at < high;) {
        const uintptr_t number = at / PAGE_BYTES;
        const uintptr_t page_end = (number + 1) * PAGE_BYTES;
        const uintptr_t end = high < page_end ? high : page_end;
        shadow_page *const page = weir__shadow_page(number, false);

        if (page == NULL || page->run != weir__shadow_run) {
            at = end;
            continue;
        }
        while (at < end) {
            cell *const c = &page->cells[at / CELL_BYTES % PAGE_CELLS];
            const uintptr_t base = at & ~(uintptr_t)(CELL_BYTES - 1);
            const uintptr_t next = base + CELL_BYTES;
            unsigned bytes = 0xffu << (at - base);

            if (next > end)
                bytes &= 0xffu >> (next - end);
            if (c->run == weir__shadow_run)
                visit(with, c, base, bytes & 0xff);
            at = next;
        }
    }
}

/* ---- groups ---- */

static touch *copy_touches(const touch *from)
{
    touch *first = NULL, **last = &first;

    for (; from != NULL; from = from->next) {
        *last = (touch *)weir__shadow_take(sizeof **last);
        **last = *from;
        last = &(*last)->next;
    }
    *last = NULL;
    return first;
}

void weir__shadow_split(cell *c, unsigned bytes)
{
    unsigned missing = bytes;
    group *rest;

    if (c->first.bytes == 0) {
        c->first.bytes = (uint8_t)bytes;
        return;
    }
    for (group *g = &c->first; g != NULL; g = g->next) {
        const unsigned common = g->bytes & bytes;

        missing &= ~common;
        if (common == 0 || common == g->bytes)
            continue;
        rest = (group *)weir__shadow_take(sizeof *rest);
        *rest = *g;
        rest->bytes = (uint8_t)(g->bytes & ~common);
        rest->touches = copy_touches(g->touches);
        g->bytes = (uint8_t)common;
        g->next = rest;
    }
    if (missing != 0) {
        rest = (group *)weir__shadow_take(sizeof *rest);
        memset(rest, 0, sizeof *rest);
        rest->bytes = (uint8_t)missing;
        rest->next = c->first.next;
        c->first.next = rest;
    }
}

group *weir__shadow_join(cell *c, unsigned bytes)
{
    group *kept = NULL, **link = &c->first.next;

    if ((c->first.bytes & bytes) != 0)
        kept = &c->first;
    while (*link != NULL) {
        group *const g = *link;

        if ((g->bytes & bytes) != 0 && kept != NULL) {
            *link = g->next;
            continue;
        }
        if ((g->bytes & bytes) != 0)
            kept = g;
        link = &g->next;
    }
    kept->bytes = (uint8_t)bytes;
    return kept;
}

touch *weir__shadow_touch(group *g, int thread)
{
    touch *const t = (touch *)weir__shadow_take(sizeof *t);

    memset(t, 0, sizeof *t);
    t->thread = (uint8_t)thread;
    t->next = g->touches;
    g->touches = t;
    return t;
}

/* ---- stacks ---- */

stack weir__shadow_stacks[THREADS] STATE = {{0, 0, 0, NULL, 0, 0, 0, 0}};
static uintptr_t stacks_low STATE = 0;
static uintptr_t stacks_high STATE = 0;

static void find_stacks(void)
{
    for (int t = 0; t < THREADS; t++) {
        stack *const s = &weir__shadow_stacks[t];
        char *low = NULL, *high = NULL;

        weir__fiber_stack(t, &low, &high);
        s->low = (uintptr_t)low;
        s->high = (uintptr_t)high;
        s->room = 64;
        s->frames = (frame *)weir__check_memory(s->room * sizeof *s->frames);
        if (t == 0 || s->low < stacks_low)
            stacks_low = s->low;
        if (s->high > stacks_high)
            stacks_high = s->high;
    }
}

void weir__shadow_begin_stacks(void)
{
    if (stacks_high == 0)
        find_stacks();
    for (unsigned t = 0; t < THREADS; t++) {
        stack *const s = &weir__shadow_stacks[t];

        s->depth = 1;
        s->known = 1;
        s->deepest = s->high;
        s->entered = 0;
        s->frames[0] = (frame){s->high, s->high, s->high, UINTPTR_MAX, 0, NULL, 0};
    }
}

int weir__shadow_stack_of(uintptr_t address)
{
    if (address - stacks_low >= stacks_high - stacks_low)
        return -1;
    for (int t = 0; t < THREADS; t++) {
        if (address - weir__shadow_stacks[t].low <
            weir__shadow_stacks[t].high - weir__shadow_stacks[t].low)
            return t;
    }
    return -1;
}

frame *weir__shadow_frame_of(uintptr_t address, int t)
{
    stack *const s = &weir__shadow_stacks[t];
    frame *f = &s->frames[s->depth - 1];

    while (f > s->frames && address >= f->end)
        f--;
    return f;
}

void weir__shadow_touch_stack(cell *c, uintptr_t address, int t)
{
    stack *const s = &weir__shadow_stacks[t];
    frame *f = &s->frames[s->depth - 1];
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    if (address < f->live) {
        if (t != weir__check_self ? address >= s->deepest : here - address < s->high - address) {
            c->outside = 0xff;
            return;
        }
        /* Its own: a variable array, or a function that the compiler left alone. */
        if (t == weir__check_self)
            f->live = address;
    }
    f = weir__shadow_frame_of(address, t);
    if (address < f->low)
        f->low = address;
    if (address + CELL_BYTES > f->high)
        f->high = address + CELL_BYTES;
}
