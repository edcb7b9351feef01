/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* What the structures stand on, under the step harness: the functions of weir/atomic.h, base.h,
 * clock.h, fence.h and ring.h, each against each of the same header. The typed atomics are the
 * compiler's own; they are stepped wherever they are used. What has no number of its own
 * returns it all the same, or what can be said of its answer: its model is what it must be. */

#include "step-word.h"

#include <weir/clock.h>
#include <weir/fence.h>
#include <weir/ring.h>

/* Own instructions, with those of the functions that call the operation: half as many again as
 * the most that gcc or clang make of it at -O0; at -O0, and at -O2: */
enum {
    SMALL = 170,      /* 110 and 52: no loop */
    RING_MAKE = 620,  /* 410 and 212: a step for each bit of the capacity */
    ALLOCATOR = 270,  /* 175 and 76: most of it in the hook, which looks for a free block */
    A_PAUSE = 18,     /* 12 and 3, for each pause */
    FIRST_WAIT = 100, /* pauses at most, which take a nanosecond each at least */
    LONGEST_WAIT = 1700,
    FIRST = SMALL + FIRST_WAIT * A_PAUSE,
    LONGEST = SMALL + LONGEST_WAIT * A_PAUSE
};

/* ---- weir/atomic.h: double words ---- */

#ifdef WEIR_HAVE_DWORD_CAS

static weir_dword dword;

/* The number is lo + 256 * hi; the argument the number that is expected, and above 16 bits the
 * one to put there. Returns: what was found, and above 16 bits whether it was replaced. */
static uint64_t dword_cas(uint64_t argument)
{
    uint64_t lo = argument & 255, hi = argument >> 8 & 255;
    const bool done = weir_dword_cas(&dword, &lo, &hi, argument >> 16 & 255, argument >> 24);

    return (uint64_t)done << 16 | hi << 8 | lo;
}

static uint64_t dword_cas_seq_cst(uint64_t argument)
{
    uint64_t lo = argument & 255, hi = argument >> 8 & 255;
    const bool done =
        weir_dword_cas_seq_cst(&dword, &lo, &hi, argument >> 16 & 255, argument >> 24);

    return (uint64_t)done << 16 | hi << 8 | lo;
}

static uint64_t dword_cas_model(uint64_t *word, uint64_t argument)
{
    const uint64_t found = *word;

    if (found != (argument & 0xffff))
        return found;
    *word = argument >> 16;
    return 1 << 16 | found;
}

static void dword_make(uint64_t word)
{
    weir_atomic_init(&dword.lo, word & 255);
    weir_atomic_init(&dword.hi, word >> 8);
}

static uint64_t dword_read(void)
{
    /* relaxed: all are done. */
    return weir_atomic_load(&dword.lo, WEIR_RELAXED) | weir_atomic_load(&dword.hi, WEIR_RELAXED)
                                                           << 8;
}

enum { HERE = 0x0201, THERE = 0x0403, BETWEEN = 0x0401 };

static const word_operation dword_operations[] = {
    {"dword_cas (there)", dword_cas, dword_cas_model, THERE << 16 | HERE, SMALL, 0},
    {"dword_cas (back)", dword_cas, dword_cas_model, HERE << 16 | THERE, SMALL, 0},
    {"dword_cas_seq_cst (there)", dword_cas_seq_cst, dword_cas_model, THERE << 16 | HERE, SMALL, 0},
    {"dword_cas_seq_cst (back)", dword_cas_seq_cst, dword_cas_model, HERE << 16 | THERE, SMALL, 0},
};

static const word_object dword_object = {dword_make, dword_read, dword_operations,
                                         COUNT(dword_operations)};

#endif /* WEIR_HAVE_DWORD_CAS */

/* ---- numbers that nobody changes ---- */

static uint64_t number;

static void number_make(uint64_t word)
{
    number = word;
}

static uint64_t number_read(void)
{
    return number;
}

static uint64_t right(uint64_t *word, uint64_t argument)
{
    (void)word;
    (void)argument;
    return true;
}

/* ---- weir/atomic.h: waiting a little ---- */

/* The argument is how long; the answer how long next time. */
static uint64_t backoff_wait(uint64_t argument)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    backoff.ns = (uint32_t)argument;
    weir_backoff_wait(&backoff);
    return backoff.ns;
}

static uint64_t backoff_wait_model(uint64_t *word, uint64_t argument)
{
    (void)word;
    if (argument == 0)
        return 2 * WEIR_BACKOFF_MIN_NS;
    return 2 * argument < WEIR_BACKOFF_MAX_NS ? 2 * argument : WEIR_BACKOFF_MAX_NS;
}

static uint64_t pause_once(uint64_t argument)
{
    (void)argument;
    weir_pause();
    return true;
}

static uint64_t prefetch_write(uint64_t argument)
{
    (void)argument;
    weir_prefetch_write(&number);
    return true;
}

static const word_operation wait_operations[] = {
    {"backoff_wait (first)", backoff_wait, backoff_wait_model, 0, FIRST, 0},
    {"backoff_wait (longest)", backoff_wait, backoff_wait_model, WEIR_BACKOFF_MAX_NS, LONGEST, 0},
    {"pause", pause_once, right, 0, SMALL, 0},
    {"prefetch_write", prefetch_write, right, 0, SMALL, 0},
};

WEIR_STATIC_ASSERT(FIRST_WAIT == WEIR_BACKOFF_MIN_NS && LONGEST_WAIT == WEIR_BACKOFF_MAX_NS,
                   "the bounds are of these waits");

static const word_object wait_object = {number_make, number_read, wait_operations,
                                        COUNT(wait_operations)};

/* ---- weir/clock.h ---- */

static WEIR_ATOMIC(uint64_t) latest; /* a time that has been */

/* Whether the clock has not gone back. */
static uint64_t clock_now(uint64_t argument)
{
    /* relaxed: a time that was before the load; what is older says less. */
    const uint64_t before = weir_atomic_load(&latest, WEIR_RELAXED);
    const uint64_t now = weir_clock_now();

    (void)argument;
    /* relaxed: as above. */
    weir_atomic_store(&latest, now, WEIR_RELAXED);
    return now >= before;
}

static uint64_t clock_after(uint64_t argument)
{
    /* relaxed: as in clock_now(). */
    const uint64_t before = weir_atomic_load(&latest, WEIR_RELAXED);
    const uint64_t then = weir_clock_after(argument);

    return argument == UINT64_MAX ? then == WEIR_FOREVER
                                  : then >= before + argument && then != WEIR_FOREVER;
}

static uint64_t clock_add(uint64_t argument)
{
    return weir_clock_add(number, argument);
}

static uint64_t clock_add_model(uint64_t *word, uint64_t argument)
{
    const uint64_t sum = *word + argument;

    return sum < argument ? WEIR_FOREVER : sum;
}

static const word_operation clock_operations[] = {
    {"clock_now", clock_now, right, 0, SMALL, 0},
    {"clock_after", clock_after, right, 1000000000, SMALL, 0},
    {"clock_after (for ever)", clock_after, right, UINT64_MAX, SMALL, 0},
    {"clock_add", clock_add, clock_add_model, 7, SMALL, 0},
};

static const word_object clock_object = {number_make, number_read, clock_operations,
                                         COUNT(clock_operations)};

/* ---- weir/fence.h ---- */

/* The two sides of a handshake; see there. */
static WEIR_ATOMIC(uint32_t) stored[2];
static uint32_t found[2];

static void handshake_setup(void *state)
{
    (void)state;
    weir_atomic_init(&stored[0], 0);
    weir_atomic_init(&stored[1], 0);
    found[1] = 1; /* where nobody is on the rare side */
}

static void frequent_side(void *state)
{
    (void)state;
    /* relaxed: ordered by the fence. */
    weir_atomic_store(&stored[0], 1, WEIR_RELAXED);
    weir_fence_light();
    /* relaxed: as above. */
    found[0] = weir_atomic_load(&stored[1], WEIR_RELAXED);
}

static void rare_side(void *state)
{
    (void)state;
    /* relaxed: ordered by the fence. */
    weir_atomic_store(&stored[1], 1, WEIR_RELAXED);
    weir_fence_heavy();
    /* relaxed: as above. */
    found[1] = weir_atomic_load(&stored[0], WEIR_RELAXED);
}

static void handshake_check(void *state)
{
    (void)state;
    if (found[0] == 0 && found[1] == 0)
        weir_step_false("neither side has seen the other's store");
}

/* The kernel interrupts the victim's processor, and waits for no thread: wherever it stands. */
static void sweep_handshake(void)
{
    const weir_step_plan plan = {"fence_light",     "fence_heavy",   handshake_setup, frequent_side,
                                 {rare_side, NULL}, handshake_check, SMALL,           false};
    weir_step_row row;

    memset(&row, 0, sizeof row);
    weir_step_sweep(&plan, NULL, &row);
    weir_step_report(&row);
}

static uint64_t fence_light(uint64_t argument)
{
    (void)argument;
    weir_fence_light();
    return true;
}

/* The decision, which was taken before, and does not change: the number. */
static uint64_t fence_asymmetric(uint64_t argument)
{
    (void)argument;
    return weir_fence_asymmetric();
}

static uint64_t number_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    return *word;
}

static const word_operation fence_operations[] = {
    {"fence_light", fence_light, right, 0, SMALL, 0},
    {"fence_asymmetric", fence_asymmetric, number_model, 0, SMALL, 0},
};

static const word_object fence_object = {number_make, number_read, fence_operations,
                                         COUNT(fence_operations)};

/* ---- weir/ring.h: the number is a position in a ring of three cells ---- */

enum { CELLS = 3, STRIDE = 4 };

static const weir_ring ring = {STRIDE - 1, CELLS - 1};

/* The argument is the capacity. */
static uint64_t ring_make(uint64_t argument)
{
    weir_ring made = {0, 0};

    if (!weir_ring_make(&made, (size_t)argument))
        return made.mask | made.last;
    return made.mask << 8 ^ made.last;
}

static uint64_t ring_make_model(uint64_t *word, uint64_t argument)
{
    (void)word;
    switch (argument) {
    case 1:
        return 1 << 8;
    case CELLS:
        return (STRIDE - 1) << 8 ^ (CELLS - 1);
    case WEIR_RING_CAPACITY_MAX:
        return (WEIR_RING_CAPACITY_MAX - 1) << 8 ^ (WEIR_RING_CAPACITY_MAX - 1);
    default:
        return 0;
    }
}

static uint64_t ring_index(uint64_t argument)
{
    (void)argument;
    return weir_ring_index(&ring, number);
}

static uint64_t ring_index_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    return *word % STRIDE;
}

static uint64_t ring_base(uint64_t argument)
{
    (void)argument;
    return weir_ring_base(&ring, number);
}

static uint64_t ring_base_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    return *word / STRIDE * STRIDE;
}

static uint64_t ring_next(uint64_t argument)
{
    (void)argument;
    return weir_ring_next(&ring, number);
}

static uint64_t ring_advance(uint64_t argument)
{
    return weir_ring_advance(&ring, number, argument);
}

/* The position that is the argument of cells further on, one by one. */
static uint64_t ring_advance_model(uint64_t *word, uint64_t argument)
{
    uint64_t position = *word;

    for (; argument > 0; argument--)
        position += position % STRIDE == CELLS - 1 ? STRIDE - (CELLS - 1) : 1;
    return position;
}

/* Cells from the position to one further on, or not. */
static uint64_t ring_count(uint64_t argument)
{
    return weir_ring_count(&ring, number, number + argument);
}

static uint64_t ring_count_model(uint64_t *word, uint64_t argument)
{
    uint64_t cells = 0;

    if ((int64_t)argument <= 0)
        return 0;
    for (uint64_t i = 0; i < argument && cells < CELLS; i++)
        cells += (*word + i) % STRIDE != STRIDE - 1;
    return cells;
}

static uint64_t ring_start(uint64_t argument)
{
    return weir_ring_start(&ring, number | argument);
}

static uint64_t ring_start_model(uint64_t *word, uint64_t argument)
{
    const uint64_t position = *word | argument;

    return position % STRIDE < CELLS ? position : position - 1;
}

static const word_operation ring_operations[] = {
    {"ring_make", ring_make, ring_make_model, CELLS, SMALL, 0},
    {"ring_make (largest)", ring_make, ring_make_model, WEIR_RING_CAPACITY_MAX, RING_MAKE, 0},
    {"ring_make (too large)", ring_make, ring_make_model, WEIR_RING_CAPACITY_MAX + 1, SMALL, 0},
    {"ring_index", ring_index, ring_index_model, 0, SMALL, 0},
    {"ring_base", ring_base, ring_base_model, 0, SMALL, 0},
    {"ring_next", ring_next, ring_advance_model, 1, SMALL, 0},
    {"ring_advance", ring_advance, ring_advance_model, 2, SMALL, 0},
    {"ring_count", ring_count, ring_count_model, STRIDE, SMALL, 0},
    {"ring_count (back)", ring_count, ring_count_model, (uint64_t)-STRIDE, SMALL, 0},
    {"ring_start", ring_start, ring_start_model, STRIDE - 1, SMALL, 0},
};

static const word_object ring_object = {number_make, number_read, ring_operations,
                                        COUNT(ring_operations)};

/* ---- weir/base.h: the number is that of blocks that are in use ---- */

enum { BLOCKS = 8, BYTES = 24, ALIGNMENT = 32 };

WEIR_ALIGNAS(ALIGNMENT) static unsigned char blocks[BLOCKS][ALIGNMENT];
static WEIR_ATOMIC(bool) block_used[BLOCKS];
static void *given[BLOCKS]; /* to be released */
static WEIR_ATOMIC(uint32_t) given_next;

static void *block_alloc(size_t bytes, size_t alignment, void *context)
{
    if (bytes != BYTES || alignment != ALIGNMENT || context != blocks)
        weir_step_false("the allocator is not asked for what was wanted");
    for (size_t i = 0; i < BLOCKS; i++)
        /* sync(block): acquire. Pairs with block_release(); the block is nobody's. */
        if (!weir_atomic_exchange(&block_used[i], true, WEIR_ACQUIRE))
            return blocks[i];
    return NULL;
}

static void block_release(void *pointer, size_t bytes, void *context)
{
    const size_t i = (size_t)((unsigned char *)pointer - blocks[0]) / ALIGNMENT;

    /* sync(block): release. Pairs with block_alloc(). */
    if (bytes != BYTES || context != blocks || i >= BLOCKS ||
        !weir_atomic_exchange(&block_used[i], false, WEIR_RELEASE))
        weir_step_false("the allocator gets back what it did not give");
}

static void blocks_make(uint64_t word)
{
    for (size_t i = 0; i < BLOCKS; i++)
        weir_atomic_init(&block_used[i], false);
    for (size_t i = 0; i < word; i++)
        given[i] = weir_alloc(BYTES, ALIGNMENT);
    weir_atomic_init(&given_next, 0);
}

static uint64_t blocks_in_use(void)
{
    uint64_t n = 0;

    for (size_t i = 0; i < BLOCKS; i++)
        /* relaxed: all are done. */
        n += weir_atomic_load(&block_used[i], WEIR_RELAXED);
    return n;
}

static uint64_t alloc(uint64_t argument)
{
    (void)argument;
    return weir_alloc(BYTES, ALIGNMENT) != NULL;
}

static uint64_t alloc_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    *word += 1;
    return true;
}

static uint64_t release(uint64_t argument)
{
    (void)argument;
    /* relaxed: written before all threads got their turn. */
    weir_release(given[weir_atomic_fetch_add(&given_next, 1, WEIR_RELAXED)], BYTES);
    return true;
}

static uint64_t release_model(uint64_t *word, uint64_t argument)
{
    (void)argument;
    *word -= 1;
    return true;
}

static uint64_t release_nothing(uint64_t argument)
{
    (void)argument;
    weir_release(NULL, BYTES);
    return true;
}

static uint64_t version(uint64_t argument)
{
    (void)argument;
    return weir_version() == WEIR_VERSION;
}

static uint64_t version_ok(uint64_t argument)
{
    (void)argument;
    return weir_version_ok();
}

static const word_operation base_operations[] = {
    {"alloc", alloc, alloc_model, 0, ALLOCATOR, 0},
    {"release", release, release_model, 0, ALLOCATOR, 1},
    {"release (nothing)", release_nothing, right, 0, SMALL, 0},
    {"version", version, right, 0, SMALL, 0},
    {"version_ok", version_ok, right, 0, SMALL, 0},
};

static const word_object base_object = {blocks_make, blocks_in_use, base_operations,
                                        COUNT(base_operations)};

int main(void)
{
    static const weir_allocator own = {block_alloc, block_release, blocks};
#ifdef WEIR_HAVE_DWORD_CAS
    static const uint64_t pairs[] = {HERE, THERE, BETWEEN};
#endif
    static const uint64_t none[] = {0};
    static const uint64_t times[] = {0, UINT64_MAX - 7, UINT64_MAX - 6};
    static const uint64_t positions[] = {CELLS - 1, UINT64_MAX - 3};
    static const uint64_t inside[] = {0, 1, 3};
    const uint64_t asymmetric[] = {weir_fence_asymmetric()};
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    weir_set_allocator(&own);
    weir_step_begin("step-ground");
    weir_backoff_wait(&backoff); /* its first call measures */
#ifdef WEIR_HAVE_DWORD_CAS
    word_matrix(&dword_object, pairs, COUNT(pairs));
#endif
    weir_step_thin(211);
    word_matrix(&wait_object, none, COUNT(none));
    weir_step_thin(1);
    word_matrix(&clock_object, times, COUNT(times));
    word_matrix(&fence_object, asymmetric, COUNT(asymmetric));
    if (weir_fence_asymmetric())
        sweep_handshake();
    else
        printf("skip: step-ground: fence_heavy: the kernel refuses membarrier(2)\n");
    weir_step_thin(53);
    word_matrix(&ring_object, positions, COUNT(positions));
    weir_step_thin(1);
    word_matrix(&base_object, inside, COUNT(inside));
    return weir_step_end();
}
