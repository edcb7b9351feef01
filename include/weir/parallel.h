/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/parallel.h: loops whose items do not depend on each other, by the workers of a pool: for,
 * map, reduce and scan.
 *
 * Use it when: there are many items of one kind, known at the beginning.
 * Use weir_spawn() of weir/pool.h for work that divides itself as it goes, weir_pool_submit()
 * for jobs that nobody waits for, weir/graph.h for jobs that depend on each other.
 *
 * A loop is cut up while it runs. It begins in the thread that calls it, with pieces that grow,
 * and a look at the clock after each. What ends before it would pay to involve others, as 64
 * cheap items do, is done then, and the pool has not been touched. Else the rest goes to the
 * pool, if the caller is none of its workers; he sleeps until it is done. (A pool of one worker
 * would gain nothing: there the caller does all.) A worker offers others half of what is left,
 * and does the other half in pieces of 20 to 100 us; when the offer has been taken, and the rest
 * is worth it, he offers half of that. Halves of a long range are always on offer. So there are
 * about as many parts as steals, and each worker goes through neighbouring items in order.
 *
 * What a loop cannot know is how long an item takes before the first one is done. Where the
 * first of a few takes long, the others wait for it: who knows better says so with a hint. And
 * pieces are as long as their items would take if they were like those before: where items
 * suddenly take a thousand times as long, one call may get many of them; a grain bounds that.
 *
 * Who may run with whom: everything with everything, also inside of each other: a body may
 * contain a loop, of the same pool too. Only a hint is for one loop at a time. Pools whose
 * loops contain each other's may wait for each other once max_blocked of their workers do.
 *
 * Progress:  blocking, on the bodies, and on who has taken a part. Who waits helps with it.
 * Ordering:  what happens before the call is visible to the bodies; what they did, when it
 *            returns. Of two items there is no order, but where a body gets both.
 * Memory:    the stack; some 200 bytes more each time that a range is halved. Of reduce and scan
 *            also 1.5 KiB, or what they allocate: weir_parallel_sum says when.
 * Errors:    a body that returns not 0 ends the loop: chunks that have not begun are left out.
 *            Of several errors the one of the lowest chunk is returned. -ECANCELED: the token
 *            was cancelled while a chunk was left to begin; or a body said so. -EPIPE: the pool
 *            is stopped, and nothing was done; where that came beside the call, items from
 *            `begin` up to somewhere may have been done. (In a worker of the pool it goes on, as
 *            a part of its job.) -EINVAL: end before begin, sizes that
 *            overflow; nothing was done. Where a pool cannot make its first thread the caller
 *            does it all.
 * Edges:     none of its own: a loop's jobs are spawned and joined, or run (weir/pool.h).
 *
 * Sources: A. Tzannes, G. C. Caragea, R. Barua, U. Vishkin, "Lazy Binary-Splitting: A Run-Time
 * Adaptive Work-Stealing Scheduler", PPoPP 2010, doi:10.1145/1693453.1693479; pieces that shrink
 * towards the end: C. D. Polychronopoulos, D. J. Kuck, "Guided Self-Scheduling: A Practical
 * Scheduling Scheme for Parallel Supercomputers", IEEE Trans. Computers C-36(12), 1987,
 * doi:10.1109/TC.1987.5009495; sums of blocks, then each block from its sum on: G. E. Blelloch,
 * "Prefix Sums and Their Applications", CMU-CS-90-190, 1990. */

#ifndef WEIR_PARALLEL_H
#define WEIR_PARALLEL_H

#include <weir/base.h>
#include <weir/cancel.h>
#include <weir/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- types ---- */

/* What a loop has found out, when it returns 0. If the next one is given the same hint it begins
 * with that, and measures nothing before it goes to the pool: so a hint is for items that take
 * about the same. Where items are known to take long item_ps may be set beforehand, to a guess;
 * else to 0. */
typedef struct weir_parallel_hint {
    uint64_t item_ps; /* what an item takes, in ps, a mean; 0: unknown, in and out */
    size_t grain;     /* out: as given; else how many items were, or would be, a piece */
    bool serial;      /* out: a loop that involves no pool would be as fast, or faster */
} weir_parallel_hint;

/* How a loop is run. May be one for many loops, at the same time if it has no hint. */
typedef struct weir_parallel {
    weir_pool *pool;          /* NULL: by the caller alone, in order */
    size_t grain;             /* items of a chunk; 0: the library chooses */
    weir_cancel *cancel;      /* NULL, or: when cancelled, no chunk begins */
    weir_parallel_hint *hint; /* NULL, or for this loop only */
} weir_parallel;

/* Does items `from` to `to` - 1; there is at least one. Returns: 0 or a negative errno. */
typedef int weir_parallel_body(void *context, size_t from, size_t to);

/* Does one item: writes its result. Returns: as above. */
typedef int weir_parallel_function(void *context, size_t item, void *result);

/* Adds items to a sum, in order. Of a scan's second pass it also writes, for each item, what the
 * sum was after it (an inclusive scan), or before it (an exclusive one). Returns: as above. */
typedef int weir_parallel_fold(void *context, size_t from, size_t to, void *sum);

/* Adds to *sum, from the right, another one, which is not used any more. Returns: as above. */
typedef int weir_parallel_combine(void *context, void *sum, void *right);

/* What is summed up. `combine` has to be associative, if only nearly as with floating point, and
 * need not be commutative; `identity` is neutral to it. Sums are copied as bytes, and aligned to
 * 16.
 * Memory: a sum for each block, of which there are WEIR_PARALLEL_BLOCKS at most (64 if sums are
 * larger than 1 KiB): together in 1.5 KiB on the stack, or in one allocation for the call. */
typedef struct weir_parallel_sum {
    size_t bytes; /* at least 1 */
    const void *identity;
    weir_parallel_fold *fold;
    weir_parallel_combine *combine;
} weir_parallel_sum;

enum { WEIR_PARALLEL_BLOCKS = 512 };

/* ---- loops ---- */

/* Has `body` do all items from `begin` to `end` - 1. With a grain each call is of one chunk:
 * [begin + i * grain, begin + (i + 1) * grain), the last one shorter. Without, of one item, or
 * of some that would take about 100 us if they were like those before, where others can come, or
 * there is a token; else all in one. `how` may be NULL: by the caller alone.
 * Returns: 0, also for no items, on a stopped pool too; see Errors above. */
WEIR_API int weir_parallel_for(const weir_parallel *how, size_t begin, size_t end,
                               weir_parallel_body *body, void *context) WEIR_NODISCARD;

/* Writes function(i) to the i-th of `n` results of `bytes` each, i from 0, whoever does it.
 * Returns: 0; see Errors above; then results of items that were not done are untouched. */
WEIR_API int weir_parallel_map(const weir_parallel *how, void *results, size_t bytes, size_t n,
                               weir_parallel_function *function, void *context) WEIR_NODISCARD;

/* Sums the items up, in order: neighbouring chunks make a block, which is folded one item after
 * the other, beginning with the identity; neighbouring sums are combined in pairs, those in
 * pairs, and so on. Which items make a block depends on their number, the grain and sum->bytes
 * alone: so with floating point too *result is the same, bit by bit, with any pool, and without.
 * Returns: 0, and *result, which is the identity if there are no items; see Errors above, and
 * -ENOMEM: then *result is untouched. */
WEIR_API int weir_parallel_reduce(const weir_parallel *how, size_t begin, size_t end,
                                  const weir_parallel_sum *sum, void *result,
                                  void *context) WEIR_NODISCARD;

/* Tells `write` for each item what the items before it sum up to. In two passes: sum->fold over
 * each block but the last, as in a reduce; then `write`, in order in each block, with the sum of
 * all that is before. Both may read items, `write` also overwrite its own. *result is the sum of
 * all; NULL: it is not wanted. As in a reduce all is the same with any pool.
 * Returns: as weir_parallel_reduce(); some items may be written then. */
WEIR_API int weir_parallel_scan(const weir_parallel *how, size_t begin, size_t end,
                                const weir_parallel_sum *sum, weir_parallel_fold *write,
                                void *result, void *context) WEIR_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif /* WEIR_PARALLEL_H */
