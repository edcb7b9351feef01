/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The allocator of threads under test. Each thread has an arena and takes one block behind the
 * other, so that addresses depend only on what the thread itself allocated in this run. Nothing is
 * used again within a run: an address that was freed stays known as such. And what memory is called
 * in reports, blocks and all else. */

#include "shadow.h"

#include <string.h>
#include <sys/mman.h>

#define ARENA ((uintptr_t)64 << 20)
#define ARENAS (ARENA * THREADS)
#define RED_ZONE 32 /* bytes, at least, between two blocks */

/* Where nothing else is on x86-64 Linux; fixed so that it is the same in every process. */
#define WANTED ((uintptr_t)0x200000000000)

typedef struct arena {
    uintptr_t top; /* where the next block may start */
    block *blocks; /* by address */
    size_t count, room, live;
} arena;

static arena arenas[THREADS] STATE = {{0, NULL, 0, 0, 0}};
static uintptr_t base STATE = 0;

static uintptr_t reserve(uintptr_t where, size_t size)
{
    void *const memory =
        mmap((void *)where, size, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (where != 0 ? MAP_FIXED_NOREPLACE : 0),
             -1, 0);

    return memory == MAP_FAILED ? 0 : (uintptr_t)memory;
}

void weir__arena_begin(void)
{
    if (base == 0) {
        base = reserve(WANTED, ARENAS);
        if (base == 0)
            base = (reserve(0, ARENAS + ARENA) + ARENA - 1) & ~(ARENA - 1);
    }
    for (unsigned t = 0; t < THREADS; t++) {
        arenas[t].top = base + ARENA * t + RED_ZONE;
        arenas[t].count = 0;
        arenas[t].live = 0;
    }
}

bool weir__memory_is_ours(const void *address)
{
    return base != 0 && (uintptr_t)address - base < ARENAS;
}

static block *add_block(arena *a)
{
    if (a->count == a->room) {
        block *const old = a->blocks;

        a->room = a->room == 0 ? 64 : 2 * a->room;
        a->blocks = (block *)weir__check_memory(a->room * sizeof *a->blocks);
        if (a->count > 0)
            memcpy(a->blocks, old, a->count * sizeof *old);
    }
    a->live++;
    return &a->blocks[a->count++];
}

void *weir__memory_allocate(size_t size, size_t alignment, bool zeroed, const void *pc)
{
    const int self = weir__check_self;
    arena *const a = &arenas[self];
    const uintptr_t end = base + ARENA * ((uintptr_t)self + 1);
    uintptr_t start;
    block *b;

    if (base == 0 || size >= ARENA || alignment >= ARENA)
        return NULL;
    if (alignment < 16)
        alignment = 16;
    start = (a->top + alignment - 1) & ~(alignment - 1);
    if (start + size + RED_ZONE > end)
        return NULL;
    a->top = start + size + RED_ZONE;
    weir__check_wrote();
    b = add_block(a);
    *b = (block){.start = (const char *)start,
                 .size = size,
                 .made = pc,
                 .made_epoch = (uint16_t)weir__check_epoch(self),
                 .live = true,
                 .zeroed = zeroed};
    memset((void *)start, zeroed ? 0 : FILL, size);
    return (void *)start;
}

/* How many blocks of the arena start at or before the address. */
static size_t rank(const arena *a, uintptr_t address)
{
    size_t low = 0, high = a->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if ((uintptr_t)a->blocks[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

block *weir__arena_find(uintptr_t address, int *thread)
{
    const unsigned t = (unsigned)((address - base) / ARENA);
    const size_t count = rank(&arenas[t], address);

    *thread = (int)t;
    return count == 0 ? NULL : &arenas[t].blocks[count - 1];
}

block *weir__arena_behind(uintptr_t address)
{
    const arena *const a = &arenas[(address - base) / ARENA];
    const size_t count = rank(a, address);

    return count == a->count ? NULL : &a->blocks[count];
}

void weir__arena_end(block *b, const void *pc)
{
    const unsigned t = (unsigned)(((uintptr_t)b->start - base) / ARENA);

    b->live = false;
    b->freed = pc;
    b->freed_by = (uint8_t)weir__check_self;
    b->freed_epoch = (uint16_t)weir__check_epoch(weir__check_self);
    arenas[t].live--;
}

void weir__arena_describe(const block *b, char *text, size_t size)
{
    const unsigned t = (unsigned)(((uintptr_t)b->start - base) / ARENA);

    snprintf(text, size, "block %zu of thread %u (%zu bytes, made at %s)",
             (size_t)(b - arenas[t].blocks) + 1, t, b->size, weir__check_place(b->made));
}

size_t weir__memory_size(const void *start)
{
    const block *b;
    int thread;

    if (!weir__memory_is_ours(start))
        return 0;
    b = weir__arena_find((uintptr_t)start, &thread);
    return b != NULL && b->live && b->start == (const char *)start ? b->size : 0;
}

bool weir__memory_leak(const void **start, size_t *size, int *thread, const void **pc)
{
    for (int t = 0; t < THREADS; t++) {
        const arena *const a = &arenas[t];

        for (size_t i = 0; a->live > 0 && i < a->count; i++) {
            const block *const b = &a->blocks[i];

            if (!b->live)
                continue;
            *start = b->start;
            *size = b->size;
            *thread = t;
            *pc = b->made;
            return true;
        }
    }
    return false;
}

/* ---- names ---- */

/* What the test calls things. */
typedef struct label {
    struct label *next;
    uintptr_t address;
    size_t size;
    char text[];
} label;

static label *labels STATE = NULL; /* the last first */

void weir__arena_begin_names(void)
{
    labels = NULL;
}

void weir_check_name(const void *address, size_t size, const char *name)
{
    const size_t length = strlen(name) + 1;
    label *l;

    if (weir__check_self < 0)
        return;
    l = (label *)weir__shadow_take(sizeof *l + length);
    l->next = labels;
    l->address = (uintptr_t)address;
    l->size = size;
    memcpy(l->text, name, length);
    labels = l;
}

static void with_offset(char *text, size_t size, uintptr_t offset)
{
    const size_t length = strlen(text);

    if (offset > 0 && length < size)
        snprintf(text + length, size - length, "+%zu", (size_t)offset);
}

void weir__memory_describe(const void *pointer, char *text, size_t size)
{
    const uintptr_t address = (uintptr_t)pointer;
    int thread;

    for (const label *l = labels; l != NULL; l = l->next) {
        if (address - l->address < l->size || address == l->address) {
            snprintf(text, size, "%s", l->text);
            with_offset(text, size, address - l->address);
            return;
        }
    }
    if (weir__symbol_of(pointer, text, size))
        return;
    if (weir__memory_is_ours(pointer)) {
        const block *const b = weir__arena_find(address, &thread);

        if (b != NULL &&
            (address - (uintptr_t)b->start < b->size || address == (uintptr_t)b->start)) {
            weir__arena_describe(b, text, size);
            with_offset(text, size, address - (uintptr_t)b->start);
            return;
        }
    }
    thread = weir__shadow_stack_of(address);
    if (thread >= 0) {
        snprintf(text, size, "a local variable of thread %d", thread);
        return;
    }
    for (thread = 0; thread < THREADS; thread++) {
        char *low = NULL;
        size_t bytes = 0;

        weir__fiber_locals(thread, &low, &bytes);
        if (address - (uintptr_t)low < bytes) {
            snprintf(text, size, "a thread-local variable of thread %d", thread);
            return;
        }
    }
    snprintf(text, size, "memory");
}
