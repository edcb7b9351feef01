/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/loop_watch.c: what an event loop tells of itself: numbers, and callbacks that take long.
 *
 * What runs is under a sequence lock: the loop's thread makes the version odd, writes, and makes it
 * even. Who reads a new field acquires the odd version before it, and looks again. */

#include "loop.h"

#include <string.h>

static uint64_t now_of(const weir_loop *loop)
{
    const weir_loop_options *const options = &loop->options;

    return options->now != NULL ? options->now(options->context) : weir_clock_now();
}

/* ---- what runs: the loop's thread ---- */

static uint32_t open_busy(weir__loop_busy *busy)
{
    /* relaxed: one thread writes. The stores of the fields carry the odd one. */
    const uint32_t version = weir_atomic_load(&busy->version, WEIR_RELAXED);

    weir_atomic_store(&busy->version, version + 1, WEIR_RELAXED); /* relaxed: as above. */
    return version + 2;
}

static void close_busy(weir__loop_busy *busy, uint32_t version)
{
    /* sync(busy): release. Pairs with the load in weir_loop_busy(); the fields. */
    weir_atomic_store(&busy->version, version, WEIR_RELEASE);
}

static void put_site(weir__loop_busy *busy, const char *name, const char *file, unsigned line)
{
    /* sync(busy): release. Pairs with the loads in weir_loop_busy(); that the version is odd. */
    weir_atomic_store(&busy->name, name, WEIR_RELEASE);
    weir_atomic_store(&busy->file, file, WEIR_RELEASE);
    weir_atomic_store(&busy->line, line, WEIR_RELEASE);
}

void weir__loop_watch_begin(weir_loop *loop, const char *kind, void (*function)(void))
{
    weir__loop_busy *const busy = &loop->busy;
    const uint32_t version = open_busy(busy);

    put_site(busy, NULL, NULL, 0);
    /* sync(busy): release. As in put_site(). */
    weir_atomic_store(&busy->kind, kind, WEIR_RELEASE);
    weir_atomic_store(&busy->function, (uintptr_t)function, WEIR_RELEASE);
    weir_atomic_store(&busy->since, now_of(loop), WEIR_RELEASE);
    close_busy(busy, version);
}

void weir_loop_site(weir_loop *loop, const char *name, const char *file, unsigned line)
{
    const uint32_t version = open_busy(&loop->busy);

    put_site(&loop->busy, name, file, line);
    close_busy(&loop->busy, version);
}

/* Returns: since when; 0: nothing runs. */
static uint64_t read_busy(weir__loop_busy *busy, weir_loop_report *report)
{
    uint64_t since;

    /* sync(busy): acquire. Pairs with the stores in weir__loop_watch_begin() and put_site(): the
     * odd version that was before a new one. */
    report->kind = weir_atomic_load(&busy->kind, WEIR_ACQUIRE);
    report->name = weir_atomic_load(&busy->name, WEIR_ACQUIRE);
    report->file = weir_atomic_load(&busy->file, WEIR_ACQUIRE);
    report->line = weir_atomic_load(&busy->line, WEIR_ACQUIRE);
    report->function = (void (*)(void))weir_atomic_load(&busy->function, WEIR_ACQUIRE);
    since = weir_atomic_load(&busy->since, WEIR_ACQUIRE);
    return since;
}

void weir__loop_watch_end(weir_loop *loop)
{
    weir_loop_report report;
    const uint64_t since = read_busy(&loop->busy, &report);
    const uint64_t now = now_of(loop);
    uint32_t version;

    if (since == 0) /* one inside of it has ended */
        return;
    version = open_busy(&loop->busy);
    /* sync(busy): release. As in put_site(). */
    weir_atomic_store(&loop->busy.since, 0, WEIR_RELEASE);
    close_busy(&loop->busy, version);
    report.ns = now - since;
    report.running = false;
    /* relaxed: one thread writes; a number that is read while it moves. */
    if (report.ns > weir_atomic_load(&loop->counts.longest_ns, WEIR_RELAXED))
        weir_atomic_store(&loop->counts.longest_ns, report.ns,
                          WEIR_RELAXED); /* relaxed: as above. */
    if (report.ns < loop->options.slow_ns)
        return;
    weir__loop_count(&loop->counts.slow, 1);
    if (loop->options.slow != NULL)
        loop->options.slow(loop->options.context, &report);
}

/* ---- any thread ---- */

bool weir_loop_busy(weir_loop *loop, uint64_t ns, weir_loop_report *report)
{
    weir__loop_busy *const busy = &loop->busy;
    uint32_t before, after;
    uint64_t since, now;

    do {
        /* sync(busy): acquire. Pairs with the store in close_busy(); the fields. */
        before = weir_atomic_load(&busy->version, WEIR_ACQUIRE);
        since = read_busy(busy, report);
        /* relaxed: not earlier than the loads above. */
        after = weir_atomic_load(&busy->version, WEIR_RELAXED);
    } while (before % 2 != 0 || before != after);
    if (since == 0)
        return false;
    now = now_of(loop);
    report->ns = now > since ? now - since : 0;
    report->running = true;
    return report->ns >= ns;
}

void weir__loop_watch_turn(weir_loop *loop, uint64_t ns)
{
    const uint64_t us = ns / 1000;
    unsigned bucket = us == 0 ? 0 : 63u - (unsigned)__builtin_clzll(us);

    if (bucket >= WEIR_LOOP_BUCKETS)
        bucket = WEIR_LOOP_BUCKETS - 1;
    weir__loop_count(&loop->counts.turns_by_us[bucket], 1);
}

static uint64_t read_count(WEIR_ATOMIC(uint64_t) * count)
{
    return weir_atomic_load(count, WEIR_RELAXED); /* relaxed: it moves while it is read. */
}

void weir_loop_stats_read(weir_loop *loop, weir_loop_stats *stats)
{
    weir__loop_counts *const from = &loop->counts;

    stats->turns = read_count(&from->turns);
    stats->sleeps = read_count(&from->sleeps);
    stats->wakes = read_count(&from->wakes);
    stats->early = read_count(&from->early);
    stats->posts = read_count(&from->posts);
    stats->timers = read_count(&from->timers);
    stats->events = read_count(&from->events);
    stats->deferred = read_count(&from->deferred);
    stats->slow = read_count(&from->slow);
    stats->longest_ns = read_count(&from->longest_ns);
    for (unsigned i = 0; i < WEIR_LOOP_BUCKETS; i++)
        stats->turns_by_us[i] = read_count(&from->turns_by_us[i]);
}
