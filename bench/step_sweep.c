/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Of bench/step-peers: the sweeps of one peer, in a process of its own. What it allocates for a
 * run is gone with the run; what a peer allocates itself, with the process. */

#include "step_model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA ((size_t)64 << 20) /* for bench_alloc() in one run */
#define STOPS 65536
#define PASSED 24     /* values, before a run; fewer than a segment of any */
#define CELLS 1000    /* whose objects use again what was freed */
#define REPLACED 1100 /* objects by one act: the schemes look after 64 to 1024 */

/* ---- bench_alloc(): of one run, or of the process ---- */

static unsigned char *arena;
static size_t arena_used;

void *bench_alloc(size_t bytes)
{
    unsigned char *const place = arena + arena_used;

    bytes = (bytes + 255) / 256 * 256;
    if (bytes > ARENA - arena_used) {
        fputs("step-peers: a structure is too large\n", stderr);
        _exit(3);
    }
    arena_used += bytes;
    return place;
}

static void arena_open(void)
{
    arena = (unsigned char *)mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                  -1, 0);
    if (arena == MAP_FAILED) {
        perror("step-peers: mmap");
        exit(3);
    }
}

static void arena_clear(void)
{
    memset(arena, 0, arena_used);
    arena_used = 0;
}

static FILE *table; /* for people */

/* ---- what others do ---- */

/* A letter an act: e enqueues (pushes), d dequeues (pops), x too, keeping its node apart;
 * s steals; F fills; D and S take out all that must be inside. */
typedef struct script {
    step_kind kind;
    const char *text;
} script;

static const script scripts[] = {
    {STEP_QUEUE, "e"},  {STEP_QUEUE, "F"},    {STEP_QUEUE, "D"},   {STEP_QUEUE, "eD"},
    {STEP_QUEUE, "De"}, {STEP_QUEUE, "FDFD"}, {STEP_STACK, "e"},   {STEP_STACK, "D"},
    {STEP_STACK, "eD"}, {STEP_STACK, "De"},   {STEP_STACK, "dxe"}, {STEP_DEQUE, "s"},
    {STEP_DEQUE, "S"},  {STEP_DEQUE, "D"},    {STEP_DEQUE, "eD"},  {STEP_DEQUE, "eS"},
    {STEP_SCHEME, "d"}, {STEP_SCHEME, "e"},   {STEP_SCHEME, "F"},  {STEP_SCHEME, "Fd"},
    {STEP_DEQUE, "De"}, {STEP_DEQUE, "sD"},   {STEP_DEQUE, "ds"},
};

/* ---- one run ---- */

typedef struct start {
    const char *name;
    size_t inside; /* SIZE_MAX: full */
} start;

/* PUT, GET: who, where it is known: it was asked again and again, or did nothing else. */
enum { BLOCKED_PUT = 1, BLOCKED_GET = 2, BLOCKED_INSIDE = 4, WRONG = 8 };

typedef struct counts {
    unsigned stops, missed, blocked, inside, wrong;
} counts;

typedef struct run {
    step_seen seen; /* first: the victims get its address */
    const step_face *face;
    step_what what;
    start from;
    const char *script;
    bool insists;
    promise promise;
    size_t holds; /* measured; SIZE_MAX: no bound */
    WEIR_ALIGNAS(64) unsigned char local[STEP_LOCALS][STEP_LOCAL];
    bool entered[STEP_LOCALS];

    /* Of one run. */
    size_t first; /* values inside at its start */
    uintptr_t initial[MOST];
    uint64_t sequence;
    bool spare;      /* the adversary has a node, where threads have one */
    events by, rest; /* the adversary's, what was drained */
    int stuck;       /* BLOCKED_PUT, BLOCKED_GET, or 0: what failed too often */

    /* Of the sweeps from this start. */
    weir_step_row row;
    counts before;        /* the row's, when this run began */
    bool refused;         /* in this sweep, though it had to succeed */
    unsigned char *found; /* for each stop */
    unsigned stops, later;
} run;

static size_t values_of(step_what what)
{
    return what >= STEP_PUT_SOME ? 2 : 1;
}

static step_what one_of(step_what what)
{
    return what >= STEP_PUT_SOME ? what - STEP_PUT_SOME : what;
}

static void *local_of(run *r, unsigned who)
{
    return r->local[who];
}

static uintptr_t new_value(run *r, unsigned who)
{
    return bench_value(who, ++r->sequence);
}

/* ---- around a run ---- */

static counts counts_of(const weir_step_row *row)
{
    const counts now = {row->stops, row->missed, row->blocked, row->inside, row->wrong + row->cut};

    return now;
}

/* Whom the script is, if it only puts or only takes. */
static unsigned whose(const char *text)
{
    return strpbrk(text, "dxsDS") == NULL ? BLOCKED_PUT
           : strpbrk(text, "eF") == NULL  ? BLOCKED_GET
                                          : 0;
}

/* Books what the last run found at its stop. The row has grown since then by what it found. */
static void settle(run *r)
{
    const counts now = counts_of(&r->row);
    const unsigned stop = r->before.stops + r->before.missed;
    unsigned found = 0;

    if (now.inside > r->before.inside)
        found |= BLOCKED_INSIDE | whose(r->script);
    else if (now.blocked > r->before.blocked)
        found |= (unsigned)r->stuck;
    if (now.wrong > r->before.wrong)
        found |= WRONG;
    if (now.stops > r->before.stops && stop < STOPS)
        r->found[stop] |= (unsigned char)found;
    else if (found != 0)
        r->later++;
    r->before = now;
}

static void enter_all(run *r)
{
    for (unsigned i = 0; i < STEP_LOCALS; i++)
        if (i < STEP_FILLERS - 1 || r->face->kind == STEP_STACK)
            r->face->enter(r->seen.shared, local_of(r, i), i);
}

static void leave_all(run *r)
{
    for (unsigned i = 0; i < STEP_LOCALS && r->face->leave != NULL; i++)
        if (i < STEP_FILLERS - 1 || r->face->kind == STEP_STACK)
            r->face->leave(r->seen.shared, local_of(r, i));
}

static bool get_one(run *r, uintptr_t *value)
{
    return r->face->get(r->seen.shared, local_of(r, 0), value);
}

static void fill(run *r)
{
    r->first = 0;
    while (r->first < r->from.inside && r->first < MOST) {
        const uintptr_t value = new_value(r, 0);
        const unsigned who =
            r->face->kind == STEP_STACK && !r->face->binds ? STEP_FILLERS + (unsigned)r->first : 0;

        if (!r->face->put(r->seen.shared, local_of(r, who), value))
            break;
        r->initial[r->first++] = value;
    }
    if (r->first < r->from.inside && r->from.inside != SIZE_MAX)
        weir_step_false("full while it was filled, alone");
}

/* A structure that has been in use, by the victim too: what it does for its first values only,
 * as allocating, is not what is swept. */
static void pass_through(run *r)
{
    void *const local = local_of(r, 1);
    uintptr_t value;

    for (unsigned i = 0; i < PASSED && r->face->kind != STEP_STACK; i++)
        if (!r->face->put(r->seen.shared, local, new_value(r, 1)) ||
            !r->face->get(r->seen.shared, local, &value))
            weir_step_false("a value did not pass through, alone");
}

static void setup(void *state)
{
    run *const r = (run *)state;
    uintptr_t value;

    settle(r);
    r->by.count = r->rest.count = 0;
    r->stuck = 0;
    r->spare = true;
    if (r->face->kind == STEP_SCHEME) {
        r->seen.value[0] = r->what == STEP_PUT ? ++r->sequence : 0;
        return;
    }
    if (r->face->binds) {
        for (size_t i = 0; i < MOST && get_one(r, &value); i++)
            continue;
    } else {
        arena_clear();
        memset(r->local, 0, sizeof r->local);
        r->sequence = 0;
        r->seen.shared = r->face->open();
        enter_all(r);
        pass_through(r);
    }
    fill(r);
    r->seen.answer = 0;
    for (size_t i = 0; i < 2; i++)
        r->seen.value[i] = one_of(r->what) == STEP_PUT ? new_value(r, 1) : 0;
}

/* What a reader of a scheme saw: a freed object has the value 0, or another's bytes. */
static void check_read(run *r, uintptr_t value)
{
    if (value == 0 || value > r->sequence)
        weir_step_false("an object was read that had been freed");
}

static void check_scheme(void *state)
{
    run *const r = (run *)state;

    if (r->what == STEP_GET)
        check_read(r, r->seen.value[0]);
}

static void check(void *state)
{
    static events victim;
    static model m;
    run *const r = (run *)state;
    const step_what what = one_of(r->what);
    uintptr_t value = 0;

    victim.count = 0;
    for (size_t i = 0; i < r->seen.answer; i++)
        remember(&victim, what, true, r->seen.value[i]);
    /* How many of several is not judged. */
    if (r->seen.answer == 0)
        remember(&victim, what, false, 0);
    while (r->rest.count < MOST && get_one(r, &value))
        remember(&r->rest, STEP_GET, true, value);
    m.head = 0;
    m.tail = r->first;
    memcpy(m.value, r->initial, r->first * sizeof r->initial[0]);
    if (!explained(&r->promise, &m, &r->by, 0, &victim, 0, &r->rest))
        weir_step_false("no order of the operations explains the answers and what is inside");
    if (!r->face->binds)
        leave_all(r);
}

/* ---- the adversary ---- */

/* Whether a value must fit, or be to be had, whatever becomes of the victim's operation. */
static bool must(const run *r, step_what what)
{
    const bool puts = one_of(r->what) == STEP_PUT;
    const size_t undecided = values_of(r->what);
    size_t in = r->first, out = 0;

    for (size_t i = 0; i < r->by.count; i++)
        if (r->by.event[i].done)
            *(r->by.event[i].what == STEP_PUT ? &in : &out) += 1;
    if (what == STEP_PUT)
        return in + (puts ? undecided : 0) < r->promise.capacity + out ||
               r->promise.capacity == SIZE_MAX;
    return in > out + (puts ? 0 : undecided);
}

/* One put, get or steal. Returns: whether to go on. */
static bool act(run *r, step_what what, unsigned who)
{
    bool (*const get)(void *, void *, uintptr_t *) =
        what == STEP_STEAL ? r->face->steal : r->face->get;
    const bool needed = must(r, what);
    uintptr_t value = what == STEP_PUT ? new_value(r, 2) : 0;
    bool done;

    for (;;) {
        done = what == STEP_PUT ? r->face->put(r->seen.shared, local_of(r, who), value)
                                : get(r->seen.shared, local_of(r, who), &value);
        if (done || !needed)
            break;
        r->refused = true;
        if (!r->insists)
            break;
        if (!weir_step_retry(what == STEP_PUT ? "no room, though by completed operations a value "
                                                "fits"
                                              : "nothing to be had, though a completed operation "
                                                "has put it in")) {
            r->stuck = what == STEP_PUT ? BLOCKED_PUT : BLOCKED_GET;
            return false;
        }
    }
    /* "Not now", where it may be said. */
    if (done || needed || r->promise.judged)
        remember(&r->by, what, done, value);
    return done;
}

/* A scheme: reads; replaces; or replaces often enough for it to look for what can be freed, and
 * uses again what was. */
static void act_on_scheme(run *r, char letter)
{
    uintptr_t value = 0;

    if (letter != 'd')
        r->face->put(r->seen.shared, local_of(r, 2), ++r->sequence);
    for (unsigned i = 0; letter == 'F' && i < REPLACED; i++)
        r->face->put(r->seen.shared, local_of(r, 2), (1 + i % CELLS) * STEP_CELL);
    if (letter == 'd') {
        r->face->get(r->seen.shared, local_of(r, 2), &value);
        check_read(r, value);
    }
}

/* Whether an earlier script has waited inside at this stop, for the same: it would take as long
 * again. */
static bool is_known(const run *r)
{
    const unsigned stop = r->before.stops + r->before.missed;
    const unsigned found = stop < STOPS ? r->found[stop] : 0, who = whose(r->script);

    return (found & BLOCKED_INSIDE) != 0 && (who == 0 || (found & who) != 0);
}

static void adversary(void *state)
{
    run *const r = (run *)state;
    const bool nodes = r->face->kind == STEP_STACK && !r->face->binds;

    if (is_known(r))
        return;
    if (r->face->binds && !r->entered[2]) {
        r->entered[2] = true;
        r->face->enter(r->seen.shared, local_of(r, 2), 2);
        memcpy(local_of(r, 3), local_of(r, 2), STEP_LOCAL);
    }
    for (const char *letter = r->script; *letter != '\0'; letter++) {
        if (r->face->kind == STEP_SCHEME) {
            act_on_scheme(r, *letter);
            continue;
        }
        const step_what what = strchr("eF", *letter) != NULL   ? STEP_PUT
                               : strchr("sS", *letter) != NULL ? STEP_STEAL
                                                               : STEP_GET;
        const unsigned who = *letter == 'x' ? 3 : 2;
        const bool many = strchr("FDS", *letter) != NULL;
        size_t done = 0, most = *letter == 'F' && r->holds == SIZE_MAX ? 3 : many ? MOST / 4 : 1;

        if (nodes && what == STEP_PUT && !r->spare)
            continue;
        while (done < most && (!many || must(r, what)) && act(r, what, who))
            done++;
        if (r->stuck != 0)
            return;
        /* Its node is inside now; or the last one that came out is at hand. */
        if (nodes && who == 2 && done > 0)
            r->spare = what != STEP_PUT;
    }
}

/* Whether others may do all of the script's letters beside the operation. */
static bool allowed(const step_face *f, step_what what, const script *s)
{
    const step_what one = one_of(what);

    if (s->kind != f->kind)
        return false;
    for (const char *letter = s->text; *letter != '\0'; letter++) {
        if (f->kind == STEP_DEQUE) {
            if (strchr("sS", *letter) == NULL && one != STEP_STEAL)
                return false;
        } else if (strchr("eF", *letter) != NULL ? one == STEP_PUT && !f->many_put
                                                 : one == STEP_GET && !f->many_get) {
            return false;
        }
    }
    return true;
}

/* ---- one operation ---- */

static const char *name_of(const step_face *f, step_what what)
{
    static const char *const queue[] = {"enqueue", "dequeue", "", "enqueue two", "dequeue two", ""};
    static const char *const others[] = {"push",     "pop",     "steal",
                                         "push two", "pop two", "steal two"};

    if (f->kind == STEP_SCHEME)
        return what == STEP_PUT ? "replace" : "read";
    return f->kind == STEP_QUEUE ? queue[what] : others[what];
}

static void enter_victim(void *state)
{
    run *const r = (run *)state;

    if (!r->entered[1]) {
        r->entered[1] = true;
        r->face->enter(r->seen.shared, local_of(r, 1), 1);
    }
}

/* Opens what lasts for all sweeps, and lets the victim's thread enter. Returns: whether it is
 * there. */
static bool open_for_all(run *r)
{
    const weir_step_plan enter = {"enter",      "nobody", NULL, enter_victim,
                                  {NULL, NULL}, NULL,     0,    false};
    weir_step_cost cost;
    uintptr_t value;

    r->seen.local = local_of(r, 1);
    r->seen.shared = r->face->open();
    if (r->seen.shared == NULL)
        return false;
    r->sequence = 1; /* a scheme's first value; those that wait for readers wait for main too */
    if (r->face->kind != STEP_SCHEME)
        r->face->enter(r->seen.shared, local_of(r, 0), 0);
    if (r->face->binds && !weir_step_count(&enter, r, &cost))
        return false;
    if (r->face->kind == STEP_SCHEME)
        return true;
    /* What happens only the first time, and how many it holds. */
    r->holds = 0;
    if (r->face->kind != STEP_STACK && r->face->peer->bounded)
        while (r->holds < MOST && r->face->put(r->seen.shared, local_of(r, 0), 8))
            r->holds++;
    else
        (void)r->face->put(r->seen.shared, local_of(r, 0), 8);
    while (get_one(r, &value))
        continue;
    if (r->holds == 0 || r->holds == MOST)
        r->holds = SIZE_MAX;
    r->promise.capacity =
        r->holds > STEP_CAPACITY && r->holds != SIZE_MAX ? STEP_CAPACITY : r->holds;
    return true;
}

static const char *claim_of(const bench_peer *peer)
{
    static const char *const names[] = {"wait-free", "lock-free", "blocking", "spins inside",
                                        "lock"};

    return names[peer->progress];
}

static const char *order_of(const step_face *f)
{
    static const char *const names[] = {"FIFO", "FIFO per producer", "no order"};

    return f->kind == STEP_STACK    ? "LIFO"
           : f->kind == STEP_SCHEME ? "none"
           : f->kind == STEP_DEQUE  ? "LIFO, thieves FIFO"
                                    : names[f->peer->order];
}

static unsigned count_found(const run *r, unsigned which)
{
    unsigned count = 0;

    for (unsigned i = 0; i < r->stops; i++)
        count += (r->found[i] & which) != 0;
    return count;
}

/* For each stop: '.', blocked 'b', false 'f', both 'x'. */
static void write_map(FILE *file, const run *r)
{
    for (unsigned i = 0; i < r->stops; i++) {
        const bool wrong = (r->found[i] & WRONG) != 0;

        fputc((r->found[i] & ~WRONG) != 0 ? wrong ? 'x' : 'b' : wrong ? 'f' : '.', file);
    }
}

/* Writes the 13 columns of WEIR_STEP_TABLE and this program's own. */
static void write_line(FILE *file, const step_face *f, const char *operation, const char *from,
                       const run *r, const char *why)
{
    const unsigned blocked =
        r == NULL ? 0 : count_found(r, BLOCKED_PUT | BLOCKED_GET | BLOCKED_INSIDE);
    const unsigned wrong = r == NULL ? 0 : count_found(r, WRONG);
    const weir_step_row none = {.sweeps = 0}, *const row = r == NULL ? &none : &r->row;

    fprintf(file, "%s\t%s\tthe same scripts\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%u\t%s\t",
            f->peer->label, operation, row->sweeps, r == NULL ? 0 : r->stops, row->again,
            row->aborts, blocked, wrong, row->alone.instructions, row->most, 0u,
            r == NULL ? "SKIP" : "FOUND");
    fprintf(file, "%u\t%u\t%u\t%u\t%u\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t",
            r == NULL ? 0 : count_found(r, 255), r == NULL ? 0 : count_found(r, BLOCKED_PUT),
            r == NULL ? 0 : count_found(r, BLOCKED_GET),
            r == NULL ? 0 : count_found(r, BLOCKED_INSIDE), r == NULL ? 0 : r->later, f->group,
            from, claim_of(f->peer), order_of(f), f->peer->bounded ? "bounded" : "unbounded",
            (f->peer->flags & BENCH_OURS) != 0        ? "ours"
            : (f->peer->flags & BENCH_REFERENCE) != 0 ? "reference"
                                                      : "peer",
            why == NULL ? "" : why);
    if (r != NULL)
        write_map(file, r);
    fputc('\n', file);
    fflush(file);
}

/* Sweeps the operation from one start against all scripts. Returns: stops that are bad. */
static unsigned sweep_from(run *r, FILE *file)
{
    const step_face *const f = r->face;
    const char *const name = name_of(f, r->what);
    weir_step_cost shortest = {UINT_MAX, 0, 0, 0, 0, 0};
    unsigned bad;

    memset(&r->row, 0, sizeof r->row);
    memset(r->found, 0, STOPS);
    r->stops = r->later = 0;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        const weir_step_plan plan = {name,
                                     "the same scripts",
                                     setup,
                                     f->victim[r->what],
                                     {adversary, NULL},
                                     f->kind == STEP_SCHEME ? check_scheme : check,
                                     0,
                                     true};

        if (!allowed(f, r->what, &scripts[i]))
            continue;
        /* Once more without insisting, where that made a difference: is the refusal false? */
        for (int sweep = 0; sweep < (r->promise.judged && r->refused ? 2 : 1); sweep++) {
            const weir_step_row so_far = r->row;
            weir_step_row sum = r->row;

            r->script = scripts[i].text;
            r->insists = sweep == 0;
            if (sweep == 0)
                r->refused = false;
            memset(&r->row, 0, sizeof r->row);
            memset(&r->before, 0, sizeof r->before);
            weir_step_sweep(&plan, r, &r->row);
            settle(r);
            if (r->row.alone.instructions < shortest.instructions) {
                shortest = r->row.alone;
                r->stops = r->row.stops + r->row.missed;
            }
            sum.sweeps += r->row.sweeps;
            sum.again += r->row.again;
            sum.aborts += r->row.aborts;
            sum.cut += r->row.cut;
            sum.alone = shortest;
            if (so_far.sentence == NULL ||
                (r->row.sentence != NULL && r->row.after < so_far.after)) {
                sum.sentence = r->row.sentence;
                sum.after = r->row.after;
            }
            r->row = sum;
        }
    }
    for (unsigned i = r->stops; i < STOPS; i++)
        r->later += r->found[i] != 0;
    bad = count_found(r, 255);
    fprintf(table, "%-7s %-29s %-11s %-11s %6u %7u %6u %6u %6u %5u %5u\n", f->group, f->peer->label,
            name, r->from.name, r->stops,
            count_found(r, BLOCKED_PUT | BLOCKED_GET | BLOCKED_INSIDE), count_found(r, BLOCKED_PUT),
            count_found(r, BLOCKED_GET), count_found(r, BLOCKED_INSIDE), count_found(r, WRONG),
            r->later);
    if (r->row.sentence != NULL)
        fprintf(table, "    first: %s; the victim stood after %u instructions\n", r->row.sentence,
                r->row.after);
    fflush(table);
    write_line(file, f, name, r->from.name, r, r->row.sentence);
    return bad + r->later;
}

/* Returns: whether each stop is as good as the peer says; printed only where it is not. */
static bool sweep_starts(run *r, FILE *file)
{
    static const start starts[] = {
        {"some inside", 2}, {"one inside", 1}, {"empty", 0}, {"full", SIZE_MAX}};
    const step_face *const f = r->face;
    unsigned bad = 0;

    for (int what = 0; what < STEP_WHATS; what++) {
        for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
            const bool puts = one_of((step_what)what) == STEP_PUT;

            /* One inside differs for those that take out, all for those that put in. */
            if (f->victim[what] == NULL || (puts && starts[i].inside == 1) ||
                ((what >= STEP_PUT_SOME || f->kind == STEP_SCHEME) && i > 0) ||
                (starts[i].inside == SIZE_MAX && (!puts || r->holds == SIZE_MAX)))
                continue;
            r->what = (step_what)what;
            r->from = starts[i];
            bad += sweep_from(r, file);
        }
    }
    return bad == 0 || (f->peer->flags & BENCH_OURS) == 0 || f->peer->progress > BENCH_LOCK_FREE;
}

int step_sweep(const step_face *f, FILE *text, FILE *rows)
{
    static run r;

    table = text;
    r.face = f;
    r.promise.kind = f->kind;
    r.promise.order = f->peer->order;
    r.promise.judged = f->peer->progress != BENCH_BLOCKING && f->kind != STEP_DEQUE;
    r.found = (unsigned char *)malloc(STOPS);
    /* The harness prints a table of its own, with other rows. */
    if (r.found == NULL || freopen("/dev/null", "w", stdout) == NULL)
        return 3;
    arena_open();
    if (!weir_step_begin(f->peer->label))
        return 77;
    if (!open_for_all(&r)) {
        step_not_swept(f, "it could not be made", text, rows);
        return 1;
    }
    return sweep_starts(&r, rows) ? 0 : 1;
}

void step_not_swept(const step_face *f, const char *why, FILE *text, FILE *rows)
{
    fprintf(text, "%-7s %-29s not swept: %s\n", f->group, f->peer->label, why);
    write_line(rows, f, "all", "", NULL, why);
}
