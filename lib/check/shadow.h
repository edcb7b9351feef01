/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/shadow.h: what memory.c remembers of each byte, and the blocks of the allocator.
 * Private to memory.c, shadow.c and arena.c.
 *
 * A cell is about eight bytes of memory. It holds groups of bytes that have the same history:
 * nearly always one, which lies in the cell itself. An access to part of a group splits it. Nothing
 * is cleared between runs: a cell of another run is empty. */

#ifndef WEIR_LIB_CHECK_SHADOW_H
#define WEIR_LIB_CHECK_SHADOW_H

#include "inside.h"

#define CELL_BYTES 8u
#define PAGE_CELLS 512u
#define PAGE_BYTES ((uintptr_t)PAGE_CELLS * CELL_BYTES)

/* The first three index touch.epoch. */
typedef enum deed { READS, READS_ATOMIC, WRITES_ATOMIC, WRITES, FREES, RETURNS } deed;

/* What one thread did to a group since the last plain write. */
typedef struct touch {
    struct touch *next;
    const void *pc[WRITES];
    uint16_t epoch[WRITES]; /* of the last; 0: none */
    uint8_t thread;
} touch;

typedef struct group {
    touch *touches; /* at most one a thread */
    struct group *next;
    const void *pc; /* of the last plain write, or of the allocation */
    uint16_t epoch; /* of that; 0: none */
    uint8_t thread;
    uint8_t bytes; /* a bit for each byte of the cell */
} group;

typedef struct cell {
    uint64_t run;
    uint8_t
        outside; /* bytes that the program must not touch: freed, never allocated, returned from */
    uint8_t undefined; /* bytes that were not written since they were allocated */
    uint8_t atomic;    /* bytes that atomic operations touched in this run */
    bool dead;         /* its stack frame is gone */
    unsigned life;     /* weir__memory_life() of the frame that it was in last */
    group first;
} cell;

typedef struct shadow_page {
    uint64_t run; /* the last one in which a cell of it was touched */
    uintptr_t number;
    cell cells[PAGE_CELLS];
} shadow_page;

/* ---- shadow.c ---- */

/* The number of the run, from 1. */
extern uint64_t weir__shadow_run;

typedef struct shadow_slot {
    uintptr_t number;
    shadow_page *page;
} shadow_slot;

/* The pages that were used last; page 0 is never one. */
#define SLOTS 64
extern shadow_slot weir__shadow_slots[SLOTS];

void weir__shadow_begin(void);

/* The shadow of a page of memory; `make` or NULL. */
shadow_page *weir__shadow_page(uintptr_t number, bool make);

static inline cell *weir__shadow_cell(uintptr_t address)
{
    const uintptr_t number = address / PAGE_BYTES;
    const shadow_slot *const slot = &weir__shadow_slots[number % SLOTS];
    shadow_page *const page = slot->number == number ? slot->page : weir__shadow_page(number, true);

    return &page->cells[address / CELL_BYTES % PAGE_CELLS];
}

/* Calls visit(with, cell, bytes) for each cell that was touched in this run and meets the range. */
void weir__shadow_each(uintptr_t low, uintptr_t high,
                       void (*visit)(void *with, cell *c, uintptr_t address, unsigned bytes),
                       void *with);

/* Makes each group of the cell lie within `bytes`, or outside of them, and all of `bytes` in one.
 */
void weir__shadow_split(cell *c, unsigned bytes);

/* Makes one group of those within `bytes`, after a split. Returns: it; its history is one of them.
 */
group *weir__shadow_join(cell *c, unsigned bytes);

/* A new one for the thread. */
touch *weir__shadow_touch(group *g, int thread);

/* Memory until the end of the run. */
void *weir__shadow_take(size_t size);

/* ---- shadow.c: stacks ---- */

typedef struct frame {
    uintptr_t start, end; /* from where the stack was at the entry, to the return address */
    uintptr_t live;       /* all from here upward lives while this frame is the innermost */
    uintptr_t low, high;  /* cells of it that were touched lie between */
    const void *pc;       /* its return address */
    unsigned number;      /* of those that the thread has entered in this run */
} frame;

typedef struct stack {
    uintptr_t low, high;
    uintptr_t deepest; /* the lowest start of a frame in this run */
    frame *frames;     /* [0] is what lies above all frames */
    size_t depth, room;
    size_t known;     /* frames that hold something, left ones included */
    unsigned entered; /* frames in this run */
} stack;

extern stack weir__shadow_stacks[THREADS];

void weir__shadow_begin_stacks(void);

/* The thread that has it on its stack. Returns: -1 if none has. */
int weir__shadow_stack_of(uintptr_t address);

/* The frame of that thread in which it lies. */
frame *weir__shadow_frame_of(uintptr_t address, int t);

/* A cell on the stack of thread `t` is touched for the first time in this run, or since it was
 * dead. It is outside if that thread has returned from there. */
void weir__shadow_touch_stack(cell *c, uintptr_t address, int t);

/* ---- arena.c ---- */

/* What a block holds that nobody wrote. */
#define FILL 0xb7

typedef struct block {
    const char *start;
    size_t size;
    const void *made, *freed; /* the code that did it; not freed: NULL */
    uint16_t made_epoch, freed_epoch;
    uint8_t freed_by;
    bool live, zeroed;
} block;

void weir__arena_begin(void);
void weir__arena_begin_names(void);

/* The last block that starts at or before the address, in its arena. Returns: NULL if there is
 * none. */
block *weir__arena_find(uintptr_t address, int *thread);

/* The first that starts behind the address, in its arena; or NULL. */
block *weir__arena_behind(uintptr_t address);

/* "block 1 of thread 0 (24 bytes, made at ring.c:30)". */
void weir__arena_describe(const block *b, char *text, size_t size);

/* The block is no longer one. */
void weir__arena_end(block *b, const void *pc);

#endif /* WEIR_LIB_CHECK_SHADOW_H */
