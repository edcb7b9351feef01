/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/file.c: loops in several threads, each with files by threads or by io_uring, of which each
 * slot has a block of one file of its own: it writes it, reads it, syncs, asks for the size, and
 * cancels at random, while few may be under way.
 *
 *   each is told once; what is read is what was written last, or, after a write that was cancelled
 *   while it ran, that or the one before, whole; only what was cancelled says -ECANCELED, and what
 *   was cancelled before it began does; no memory is left
 *
 * Edges: none of its own. */

#include "memory.h"
#include "stress.h"

#include <weir/file.h>
#include <weir/timer.h>

#include <errno.h>
#include <fcntl.h>

enum { SLOTS = 24, BLOCK = 512, WORDS = BLOCK / 8 };

typedef enum doing { WRITES, READS, SYNCS, ASKS, DOINGS } doing;

typedef struct slot {
    weir_file_op op;
    weir_timer again; /* submits, or cancels */
    struct user *user;
    uint64_t is, was; /* what its block holds: this; or that, if a write was cancelled */
    uint64_t words[WORDS];
    weir_file_info info;
    doing what;
    bool under_way, asked, never;
} slot;

typedef struct user {
    weir_loop *loop;
    weir_files *files;
    int fd;
    stress_rng rng;
    slot slots[SLOTS];
    uint64_t begun, told, cancelled;
} user;

static stress s;
static user users[STRESS_MAX_THREADS];
static uint64_t total, all_cancelled;

static int64_t place_of(const slot *t)
{
    return (int64_t)(t - t->user->slots) * BLOCK;
}

static void arm(slot *t)
{
    weir_timer_after(&t->again, stress_below(&t->user->rng, 100000));
}

static void check_words(const slot *t)
{
    for (int i = 1; i < WORDS; i++)
        if (t->words[i] != t->words[0])
            stress_fail(&s, "a block is half of one write, half of another");
    if (t->words[0] != t->is && t->words[0] != t->was)
        stress_fail(&s, "a block holds %" PRIx64 ", not %" PRIx64, t->words[0], t->is);
}

static void done(weir_file_op *op, int result)
{
    slot *const t = (slot *)(void *)op;
    const int want = t->what == WRITES || t->what == READS ? BLOCK : 0;

    if (!t->under_way)
        stress_fail(&s, "an operation is told twice");
    t->under_way = false;
    t->user->told++;
    (void)weir_timer_stop(&t->again);
    if (result == -ECANCELED) {
        if (!t->asked)
            stress_fail(&s, "what nobody has cancelled is");
        t->user->cancelled++;
    } else if (result != want) {
        stress_fail(&s, "an operation says %d, not %d", result, want);
    } else if (t->never) {
        stress_fail(&s, "what was cancelled before it began has run");
    } else if (t->what == READS) {
        check_words(t);
        t->is = t->was = t->words[0];
    } else if (t->what == WRITES) {
        t->was = t->is;
    } else if (t->what == ASKS && t->info.bytes != SLOTS * BLOCK) {
        stress_fail(&s, "the file has %" PRIu64 " bytes", t->info.bytes);
    }
    if (t->what == WRITES && t->never)
        t->is = t->was;
    if (!stress_stopping(&s))
        arm(t);
}

static void begin(slot *t)
{
    user *const u = t->user;

    t->what = (doing)stress_below(&u->rng, DOINGS);
    if (t->is != t->was) /* not known until it is read */
        t->what = READS;
    t->under_way = true;
    t->asked = t->never = false;
    u->begun++;
    switch (t->what) {
    case WRITES:
        t->is = stress_random(&u->rng);
        for (int i = 0; i < WORDS; i++)
            t->words[i] = t->is;
        weir_file_write(&t->op, u->fd, t->words, BLOCK, place_of(t));
        break;
    case READS:
        weir_file_read(&t->op, u->fd, t->words, BLOCK, place_of(t));
        break;
    case SYNCS:
        weir_file_sync_data(&t->op, u->fd);
        break;
    default:
        weir_file_stat(&t->op, u->fd, "", AT_EMPTY_PATH, &t->info);
        break;
    }
    if (stress_below(&u->rng, 3) == 0)
        arm(t); /* to cancel it */
}

static void cancel(slot *t)
{
    const int status = weir_file_cancel(&t->op);

    if (status != 0 && status != -EINPROGRESS)
        stress_fail(&s, "an operation cannot be cancelled: %d", status);
    t->asked = true;
    t->never = status == 0;
}

static void again(weir_timer *timer)
{
    slot *const t = (slot *)(void *)((char *)timer - offsetof(slot, again));

    if (t->under_way) {
        cancel(t);
        return;
    }
    begin(t);
    if (stress_below(&t->user->rng, 8) == 0)
        cancel(t);
}

static void body(void *argument)
{
    user *const u = (user *)argument;

    for (unsigned i = 0; i < SLOTS; i++) {
        slot *const t = &u->slots[i];

        t->user = u;
        weir_file_op_init(&t->op, u->files, done);
        weir_timer_init(&t->again, u->loop, again);
        arm(t);
    }
    if (weir_loop_run(u->loop, WEIR_LOOP_IDLE, WEIR_FOREVER) != 0)
        stress_fail(&s, "a loop is stopped");
}

static void open_user(user *u, unsigned id, stress_rng *rng, weir_blocking *pool)
{
    weir_files_options options = WEIR_FILES_OPTIONS_INIT;
    static const char zeros[SLOTS * BLOCK];
    char name[] = "/tmp/weir-stress-XXXXXX";

    memset(u, 0, sizeof *u);
    u->rng = stress_rng_make(stress_random(rng), id);
    options.backend = stress_below(rng, 2) == 0 ? WEIR_FILES_POOL : WEIR_FILES_AUTO;
    options.limit = 1 + (unsigned)stress_below(rng, 12);
    options.pool = stress_below(rng, 2) == 0 ? pool : NULL;
    u->fd = mkstemp(name);
    if (u->fd < 0 || unlink(name) != 0 ||
        write(u->fd, zeros, sizeof zeros) != (ssize_t)sizeof zeros)
        stress_fail(&s, "no file");
    if (weir_loop_new(&u->loop, NULL) != 0 || weir_files_new(&u->files, u->loop, &options) != 0)
        stress_fail(&s, "no loop");
}

static void close_user(user *u)
{
    if (u->begun != u->told)
        stress_fail(&s, "%" PRIu64 " begun, %" PRIu64 " told", u->begun, u->told);
    if (weir_files_free(u->files) != 0 || weir_loop_free(u->loop) != 0)
        stress_fail(&s, "a loop cannot be freed");
    close(u->fd);
    total += u->begun;
    all_cancelled += u->cancelled;
}

static void one_round(stress_rng *rng, uint64_t ns)
{
    weir_blocking_options options = WEIR_BLOCKING_OPTIONS_INIT;
    weir_blocking *pool;

    options.max_threads = 1 + (unsigned)stress_below(rng, 6);
    if (weir_blocking_new(&pool, &options) != 0)
        stress_fail(&s, "no pool");
    for (unsigned i = 0; i < s.threads; i++)
        open_user(&users[i], i, rng, pool);
    stress_run(&s, s.threads, body, users, sizeof users[0], ns);
    for (unsigned i = 0; i < s.threads; i++)
        close_user(&users[i]);
    if (weir_blocking_stop(pool, WEIR_BLOCKING_DRAIN, WEIR_FOREVER) != 0 ||
        weir_blocking_free(pool) != 0)
        stress_fail(&s, "a pool is not stopped");
    /* relaxed: alone. */
    if (weir_atomic_load(&live, WEIR_RELAXED) != 0)
        stress_fail(&s, "%zu bytes are left", weir_atomic_load(&live, WEIR_RELAXED)); /* relaxed. */
}

int main(int argc, char **argv)
{
    enum { ROUNDS = 30 };
    static const weir_allocator counted = {counted_alloc, counted_release, NULL};
    stress_rng rng;

    stress_begin(&s, "file", argc, argv);
    weir_set_allocator(&counted);
    rng = stress_rng_make(s.seed, STRESS_MAX_THREADS);
    while (
        stress_goes_on(&s, "%" PRIu64 " operations, %" PRIu64 " cancelled", total, all_cancelled))
        one_round(&rng, (uint64_t)(s.seconds * 1e9 / ROUNDS));
    return stress_end(&s, "%" PRIu64 " operations, %" PRIu64 " cancelled", total, all_cancelled);
}
