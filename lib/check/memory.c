/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Plain memory under test: whether accesses race, and whether what they touch is there.
 *
 * Races. The last plain write of each byte, and what each thread did to it since, is compared with
 * the clock of the thread that comes now: Flanagan, Freund, "FastTrack", PLDI 2009. A plain write
 * is ordered behind all that went before, or the run ends here; so it may replace it. An atomic
 * write may not: another atomic write, which no reader before it is ordered with, can follow.
 *
 * Lifetime. An allocation counts as a plain write of the block, and a release must come behind
 * every access. On stacks a frame ends when its function returns; what was touched in it is looked
 * at then, and its cells are dead until somebody touches them in a frame that lives. */

#include "shadow.h"

#include <string.h>

#define LOWEST 4096u    /* below is the null pointer, and what is near it */
#define TEXT 160        /* bytes of a description */
#define MOST UINT32_MAX /* bytes of one access that could be meant */

/* An access that is being made, a release, or a return. */
typedef struct attempt {
    uintptr_t address;
    size_t size;
    const void *pc;
    const clock_vector *clock; /* of the thread now */
    int thread;
    uint16_t epoch;
    deed what;
} attempt;

static attempt attempt_of(const void *address, size_t size, deed what, const void *pc)
{
    attempt a;

    a.address = (uintptr_t)address;
    a.size = size;
    a.pc = pc;
    a.thread = weir__check_self;
    a.clock = weir__check_clock(a.thread);
    a.epoch = (uint16_t)weir__check_epoch(a.thread);
    a.what = what;
    return a;
}

/* ---- what can be wrong ---- */

static const char *const present[] = {"reads", "atomically reads", "atomically writes", "writes",
                                      "frees"};
static const char *const past[] = {"read", "atomically read", "atomically wrote", "wrote"};

/* Neither what is attempted nor what the other thread did happens before the other. */
static _Noreturn void clash(const attempt *a, uintptr_t address, int thread, deed before,
                            const void *pc)
{
    const block *b = NULL;
    char text[TEXT];
    int owner;

    if (weir__memory_is_ours((const void *)address))
        b = weir__arena_find(address, &owner);
    if (a->what == FREES)
        address = a->address;
    weir__memory_describe((const void *)address, text, sizeof text);
    if (a->what == RETURNS)
        weir__check_bug(WEIR_CHECK_USE_AFTER_RETURN, a->pc, pc,
                        "thread %d returns from a function called at %s, thread %d %s a local "
                        "variable of it at %s, and neither happens before the other",
                        a->thread, weir__check_place(a->pc), thread, present[before],
                        weir__check_place(pc));
    /* An allocation stands in the shadow as a write by the code that made the block. */
    const char *const did = before != WRITES || b == NULL || b->made != pc ? past[before] : "made";

    weir__check_bug(a->what == FREES ? WEIR_CHECK_USE_AFTER_FREE : WEIR_CHECK_RACE, a->pc, pc,
                    "%s%s: thread %d %s it at %s, thread %d %s it at %s, and neither happens "
                    "before the other",
                    a->what == FREES ? "use after free of " : "data race on ", text, a->thread,
                    present[a->what], weir__check_place(a->pc), thread, did, weir__check_place(pc));
}

static bool ordered(const attempt *a, int thread, unsigned epoch)
{
    return thread == a->thread || a->clock->of[thread] >= epoch;
}

static _Noreturn void after_free(const attempt *a, uintptr_t address, const block *b)
{
    const bool before = ordered(a, b->freed_by, b->freed_epoch);
    char text[TEXT];

    weir__memory_describe((const void *)address, text, sizeof text);
    weir__check_bug(WEIR_CHECK_USE_AFTER_FREE, a->pc, b->freed,
                    "use after free of %s: thread %d %s it at %s, thread %d freed it at %s%s", text,
                    a->thread, present[a->what], weir__check_place(a->pc), b->freed_by,
                    weir__check_place(b->freed),
                    before ? " before" : ", and neither happens before the other");
}

/* "thread 1 writes 8 bytes at ring.c:9" */
static void say(const attempt *a, char *text, size_t size)
{
    snprintf(text, size, "thread %d %s %zu byte%s at %s", a->thread, present[a->what], a->size,
             a->size == 1 ? "" : "s", weir__check_place(a->pc));
}

static _Noreturn void out_of_bounds(const attempt *a)
{
    int thread;
    const block *const before = weir__arena_find(a->address, &thread);
    const block *const behind = weir__arena_behind(a->address);
    const uintptr_t end = before == NULL ? 0 : (uintptr_t)before->start + before->size;
    const uintptr_t start = behind == NULL ? UINTPTR_MAX : (uintptr_t)behind->start;
    char said[TEXT], text[TEXT];

    say(a, said, sizeof said);
    if (before == NULL && behind == NULL)
        weir__check_bug(WEIR_CHECK_OUT_OF_BOUNDS, a->pc, NULL, "%s, where nothing was allocated",
                        said);
    if (before == NULL || (a->address > end && start - a->address < a->address - end)) {
        weir__arena_describe(behind, text, sizeof text);
        weir__check_bug(WEIR_CHECK_OUT_OF_BOUNDS, a->pc, NULL, "%s, %zu bytes before %s", said,
                        (size_t)(start - a->address), text);
    }
    weir__arena_describe(before, text, sizeof text);
    if (a->address < end)
        weir__check_bug(WEIR_CHECK_OUT_OF_BOUNDS, a->pc, NULL, "%s, %zu of them behind %s", said,
                        (size_t)(a->address + a->size - end), text);
    weir__check_bug(WEIR_CHECK_OUT_OF_BOUNDS, a->pc, NULL, "%s, %zu bytes behind %s", said,
                    (size_t)(a->address - end), text);
}

/* The byte at `address` is not the program's to touch. */
static _Noreturn void outside(const attempt *a, uintptr_t address)
{
    const void *called = NULL;
    const stack *s;
    const block *b;
    int thread;

    if (weir__memory_is_ours((const void *)address)) {
        b = weir__arena_find(address, &thread);
        if (b != NULL && !b->live && address - (uintptr_t)b->start < b->size)
            after_free(a, address, b);
        out_of_bounds(a);
    }
    thread = weir__shadow_stack_of(address);
    s = &weir__shadow_stacks[thread];
    for (size_t i = s->depth; i < s->known && called == NULL; i++) {
        if (address >= s->frames[i].start && address < s->frames[i].end)
            called = s->frames[i].pc;
    }
    weir__check_bug(WEIR_CHECK_USE_AFTER_RETURN, a->pc, called,
                    "thread %d %s a local variable of thread %d at %s, and the function%s%s "
                    "has returned",
                    a->thread, present[a->what], thread, weir__check_place(a->pc),
                    called != NULL ? " called at " : "",
                    called != NULL ? weir__check_place(called) : "");
}

static _Noreturn void no_memory(const attempt *a)
{
    char said[TEXT];

    say(a, said, sizeof said);
    if (a->address < LOWEST)
        weir__check_bug(WEIR_CHECK_CRASH, a->pc, NULL, "%s through a null pointer", said);
    weir__check_bug(WEIR_CHECK_OUT_OF_BOUNDS, a->pc, NULL, "%s, which cannot be", said);
}

static void check_range(const attempt *a)
{
    if (WEIR_UNLIKELY(a->address < LOWEST || a->size > MOST || a->address + a->size < a->address))
        no_memory(a);
}

/* ---- cells ---- */

/* The cell is touched for the first time in this run, or was dead. */
static void open_cell(cell *c, uintptr_t address)
{
    const uintptr_t start = address & ~(uintptr_t)(CELL_BYTES - 1);
    const unsigned life = weir__memory_life((const void *)start);
    /* Of a frame that is there still: operations on what was there before are in the graph. */
    const uint8_t atomic = c->run == weir__shadow_run && c->life == life ? c->atomic : 0;
    const block *b;
    int thread;

    memset(c, 0, sizeof *c);
    c->run = weir__shadow_run;
    c->atomic = atomic;
    c->life = life;
    weir__shadow_page(address / PAGE_BYTES, true)->run = weir__shadow_run;
    if (!weir__memory_is_ours((const void *)start)) {
        thread = weir__shadow_stack_of(start);
        if (thread >= 0)
            weir__shadow_touch_stack(c, start, thread);
        return;
    }
    b = weir__arena_find(start, &thread);
    if (b == NULL || !b->live || start >= (uintptr_t)b->start + b->size) {
        c->outside = 0xff;
        return;
    }
    if ((uintptr_t)b->start + b->size - start < CELL_BYTES)
        c->outside = (uint8_t)(0xffu << ((uintptr_t)b->start + b->size - start));
    c->first.bytes = (uint8_t)~c->outside;
    c->first.thread = (uint8_t)thread;
    c->first.epoch = b->made_epoch;
    c->first.pc = b->made;
    if (!b->zeroed)
        c->undefined = c->first.bytes;
}

static inline cell *cell_at(uintptr_t address)
{
    cell *const c = weir__shadow_cell(address);

    if (c->run != weir__shadow_run || c->dead)
        open_cell(c, address);
    return c;
}

/* The bytes of its cell that an access from `at` to `end` meets; *next: where the next cell is, or
 * the end. */
static inline unsigned bytes_at(uintptr_t at, uintptr_t end, uintptr_t *next)
{
    const unsigned offset = (unsigned)(at % CELL_BYTES);
    const uintptr_t left = end - at;
    const unsigned count = left < CELL_BYTES - offset ? (unsigned)left : CELL_BYTES - offset;

    *next = at + count;
    return ((1u << count) - 1) << offset;
}

/* Which of what other threads did, besides a plain write, each must be ordered with. */
static const uint8_t against[] = {[READS] = 1 << WRITES_ATOMIC,
                                  [READS_ATOMIC] = 0,
                                  [WRITES_ATOMIC] = 1 << READS,
                                  [WRITES] = 7,
                                  [FREES] = 7,
                                  [RETURNS] = 7};

/* `start` is the cell's address. Returns: what the thread itself did to the group, or NULL. */
static inline touch *meet(const group *g, uintptr_t start, const attempt *a)
{
    const unsigned wrong = against[a->what];
    touch *own = NULL;

    if (WEIR_UNLIKELY(!ordered(a, g->thread, g->epoch)))
        clash(a, start + (unsigned)__builtin_ctz(g->bytes), g->thread, WRITES, g->pc);
    for (touch *t = g->touches; t != NULL; t = t->next) {
        if (t->thread == a->thread) {
            own = t;
            continue;
        }
        for (unsigned i = 0; i < WRITES; i++) {
            if ((wrong >> i & 1) != 0 && a->clock->of[t->thread] < t->epoch[i])
                clash(a, start + (unsigned)__builtin_ctz(g->bytes), t->thread, (deed)i, t->pc[i]);
        }
    }
    return own;
}

static inline void note(group *g, touch *own, const attempt *a)
{
    if (a->what == WRITES) {
        g->touches = NULL;
        g->pc = a->pc;
        g->epoch = a->epoch;
        g->thread = (uint8_t)a->thread;
        return;
    }
    if (own == NULL)
        own = weir__shadow_touch(g, a->thread);
    own->epoch[a->what] = a->epoch;
    own->pc[a->what] = a->pc;
}

static void access_parts(cell *c, uintptr_t start, unsigned bytes, const attempt *a)
{
    weir__shadow_split(c, bytes);
    for (group *g = &c->first; g != NULL; g = g->next) {
        if ((g->bytes & bytes) == 0)
            continue;
        if (a->what == WRITES)
            meet(g, start, a);
        else
            note(g, meet(g, start, a), a);
    }
    if (a->what == WRITES)
        note(weir__shadow_join(c, bytes), NULL, a);
}

static inline void access_cell(cell *c, uintptr_t address, unsigned bytes, const attempt *a)
{
    const uintptr_t start = address & ~(uintptr_t)(CELL_BYTES - 1);

    if (WEIR_UNLIKELY((c->outside & bytes) != 0))
        outside(a, start + (unsigned)__builtin_ctz(c->outside & bytes));
    if (c->first.bytes == bytes)
        note(&c->first, meet(&c->first, start, a), a);
    else
        access_parts(c, start, bytes, a);
}

/* ---- accesses ---- */

/* Which of `bytes` nobody has written. Not all code tells what it writes, neither libraries nor
 * what gcc makes of a small memset(): so these are only bytes that are as the allocator left them.
 */
static unsigned undefined_bytes(cell *c, uintptr_t address, unsigned bytes)
{
    const unsigned char *const start =
        (const unsigned char *)(address & ~(uintptr_t)(CELL_BYTES - 1));
    unsigned rest = c->undefined & bytes;

    for (; rest != 0; rest &= rest - 1) {
        const unsigned i = (unsigned)__builtin_ctz(rest);

        if (start[i] != FILL)
            c->undefined = (uint8_t)(c->undefined & ~(1u << i));
    }
    return c->undefined & bytes;
}

static _Noreturn void unwritten(const attempt *a)
{
    char text[TEXT];

    weir__memory_describe((const void *)a->address, text, sizeof text);
    weir__check_bug(WEIR_CHECK_UNINITIALISED, a->pc, NULL,
                    "thread %d reads %s at %s, and nobody has written it", a->thread, text,
                    weir__check_place(a->pc));
}

static bool is_on_own_stack(uintptr_t address)
{
    char *low, *high;

    weir__fiber_stack(weir__check_self, &low, &high);
    return address >= (uintptr_t)low && address < (uintptr_t)high;
}

void weir__memory_plain(const void *address, size_t size, bool write, const void *pc)
{
    const attempt a = attempt_of(address, size, write ? WRITES : READS, pc);
    const uintptr_t end = a.address + size;
    uintptr_t next;
    size_t undefined = 0;
    unsigned atomic = 0;

    if (size == 0)
        return;
    check_range(&a);
    if (write && !is_on_own_stack(a.address))
        weir__check_wrote();
    for (uintptr_t at = a.address; at < end; at = next) {
        const unsigned bytes = bytes_at(at, end, &next);
        cell *const c = cell_at(at);

        access_cell(c, at, bytes, &a);
        atomic |= c->atomic & bytes;
        if (WEIR_LIKELY((c->undefined & bytes) == 0))
            continue;
        if (write)
            c->undefined = (uint8_t)(c->undefined & ~bytes);
        else
            undefined += (unsigned)__builtin_popcount(undefined_bytes(c, at, bytes));
    }
    /* Not if some of it was written: a structure with padding is copied as a whole. */
    if (WEIR_UNLIKELY(undefined == size))
        unwritten(&a);
    if (atomic == 0)
        return;
    if (write)
        weir__check_plain_write(address, size, pc);
    else
        weir__check_plain_read(address, size, pc);
}

void weir__memory_there(const void *address, size_t size, const void *pc)
{
    const attempt a = attempt_of(address, size, READS_ATOMIC, pc);
    const uintptr_t end = a.address + size;
    stack *const s = &weir__shadow_stacks[a.thread];
    /* Where the stack was at the call: a variable array may lie below the frame's start. */
    const uintptr_t now = (uintptr_t)(weir__check_machine + 1);
    uintptr_t next;

    check_range(&a);
    if (weir__check_machine != NULL && now >= s->low && now < s->frames[s->depth - 1].live)
        s->frames[s->depth - 1].live = now;
    for (uintptr_t at = a.address; at < end; at = next) {
        const unsigned bytes = bytes_at(at, end, &next);
        const cell *const c = cell_at(at);

        if (WEIR_UNLIKELY((c->outside & bytes) != 0))
            outside(&a, at);
    }
}

void weir__memory_atomic(const void *address, size_t size, bool write, const void *pc)
{
    attempt a = attempt_of(address, size, write ? WRITES_ATOMIC : READS_ATOMIC, pc);
    const uintptr_t end = a.address + size;
    uintptr_t next;

    a.epoch = a.clock->of[a.thread]; /* the event's own */
    check_range(&a);
    for (uintptr_t at = a.address; at < end; at = next) {
        const unsigned bytes = bytes_at(at, end, &next);
        cell *const c = cell_at(at);

        access_cell(c, at, bytes, &a);
        c->atomic = (uint8_t)(c->atomic | bytes);
        if (write)
            c->undefined = (uint8_t)(c->undefined & ~bytes);
    }
}

bool weir__memory_defined(const void *address, size_t size)
{
    const uintptr_t end = (uintptr_t)address + size;
    uintptr_t next;

    for (uintptr_t at = (uintptr_t)address; at < end; at = next) {
        const unsigned bytes = bytes_at(at, end, &next);

        if (undefined_bytes(cell_at(at), at, bytes) != 0)
            return false;
    }
    return true;
}

void weir__memory_define(const void *address, size_t size)
{
    const uintptr_t end = (uintptr_t)address + size;
    uintptr_t next;

    for (uintptr_t at = (uintptr_t)address; at < end; at = next) {
        const unsigned bytes = bytes_at(at, end, &next);
        cell *const c = cell_at(at);

        c->undefined = (uint8_t)(c->undefined & ~bytes);
    }
}

/* ---- ends of lives ---- */

/* For weir__shadow_each(). */
static void end_cell(void *with, cell *c, uintptr_t start, unsigned bytes)
{
    const attempt *const a = (const attempt *)with;

    for (const group *g = &c->first; g != NULL; g = g->next) {
        if ((g->bytes & bytes) != 0)
            meet(g, start, a);
    }
    if (a->what == FREES) {
        c->outside = 0xff;
    } else {
        memset(&c->first, 0, sizeof c->first);
        c->dead = true;
    }
}

void weir__memory_release(void *start, const void *pc)
{
    attempt a = attempt_of(start, 0, FREES, pc);
    block *b = NULL;
    char text[TEXT];
    int maker;

    weir__check_wrote();
    if (weir__memory_is_ours(start))
        b = weir__arena_find(a.address, &maker);
    if (b != NULL && b->start == (const char *)start && b->live) {
        a.size = b->size;
        if (!ordered(&a, maker, b->made_epoch))
            clash(&a, a.address, maker, WRITES, b->made);
        weir__shadow_each(a.address, a.address + b->size, end_cell, &a);
        weir__arena_end(b, pc);
        return;
    }
    weir__memory_describe(start, text, sizeof text);
    if (b != NULL && b->start == (const char *)start)
        weir__check_bug(WEIR_CHECK_DOUBLE_FREE, pc, b->freed,
                        "double free of %s: thread %d frees it at %s, thread %d freed it at %s",
                        text, a.thread, weir__check_place(pc), b->freed_by,
                        weir__check_place(b->freed));
    weir__check_bug(WEIR_CHECK_DOUBLE_FREE, pc, NULL,
                    "thread %d frees %s at %s, which no allocation returned", a.thread, text,
                    weir__check_place(pc));
}

/* What was touched from `low` to `high`, on the stack of the running thread, is gone. */
static void end_frame(uintptr_t low, uintptr_t high, const void *pc)
{
    attempt a;

    if (low >= high)
        return;
    a = attempt_of((const void *)low, high - low, RETURNS, pc);
    weir__shadow_each(low, high, end_cell, &a);
}

static void pop(stack *s)
{
    const frame *const f = &s->frames[--s->depth];

    end_frame(f->low, f->high, f->pc);
}

static bool holds(uintptr_t slot, const void *pc)
{
    const void *there;

    memcpy(&there, (const void *)slot, sizeof there);
    return there == pc;
}

/* Where the return address of a frame from `start` is; `above`, the start of its caller's, if it is
 * nowhere. It is right below that, unless the caller has a variable array or passes arguments on
 * the stack: then it is searched for upward, and what earlier calls left may be taken for it. */
static uintptr_t find_return(uintptr_t start, uintptr_t above, const void *pc)
{
    if (above - start >= sizeof pc && holds(above - sizeof pc, pc))
        return above - sizeof pc;
    /* 8 bytes below a multiple of 16: so calls want the stack. */
    for (uintptr_t slot = ((start + 7) & ~(uintptr_t)15) + 8; slot < above; slot += 16) {
        if (holds(slot, pc))
            return slot;
    }
    return above;
}

void weir__memory_enter(const void *where, const void *pc)
{
    stack *const s = &weir__shadow_stacks[weir__check_self];
    const uintptr_t start = (uintptr_t)where;
    uintptr_t slot;
    frame *above;

    while (s->depth > 1 && s->frames[s->depth - 1].start <= start) /* left by longjmp() */
        pop(s);
    above = &s->frames[s->depth - 1];
    slot = find_return(start, above->start, pc);
    if (slot < above->start && slot < above->live)
        above->live = slot + 8;
    if (above->low < slot) { /* of functions that the compiler did not tell of */
        end_frame(above->low, slot, pc);
        above->low = slot;
    }
    if (s->depth == s->room) {
        frame *const old = s->frames;

        s->frames = (frame *)weir__check_memory(2 * s->room * sizeof *old);
        memcpy(s->frames, old, s->room * sizeof *old);
        s->room *= 2;
    }
    s->frames[s->depth++] = (frame){start, slot, start, UINTPTR_MAX, 0, pc, ++s->entered};
    if (s->depth > s->known)
        s->known = s->depth;
    if (start < s->deepest)
        s->deepest = start;
}

unsigned weir__memory_life(const void *address)
{
    const int thread = weir__shadow_stack_of((uintptr_t)address);

    return thread < 0 ? 0 : weir__shadow_frame_of((uintptr_t)address, thread)->number;
}

void weir__memory_leave(const void *where)
{
    stack *const s = &weir__shadow_stacks[weir__check_self];

    while (s->depth > 1 && s->frames[s->depth - 1].end <= (uintptr_t)where)
        pop(s);
    if (s->depth > 1)
        pop(s);
}

void weir__memory_begin(void)
{
    weir__shadow_begin();
    weir__arena_begin();
    weir__arena_begin_names();
    weir__shadow_begin_stacks();
}
