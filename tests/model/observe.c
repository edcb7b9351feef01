/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/observe.c: weir/observe.h in the model checker. A scenario is a string for each
 * thread, a letter an operation; thread 0 does its first, and looks at everything when the others
 * have ended.
 *
 *     e  record an event     E  the same, not the thread's first    n  name the thread
 *     w  write               l  how many were lost
 *     s  start               p  stop                                f  free
 *     g  say how many events were recorded     G  hear it     H  go on only if thread 1 said it
 *     r  say that it was started anew                         R  go on only if that was said
 *
 * Each event has a name in plain memory, written just before, and a time, an id and a kind that
 * follow from its name. So an event in the file that is made of two is found out, and so is a
 * name that is read before it was written. What must be in the file is known where only thread 0
 * starts and stops: all that happened before the write and was not overwritten.
 *
 * Edges, of the test itself:
 *   said   g -> G, H   carries the events that were recorded before
 *   anew   r -> R      carries the start */

#include "model.h"

#include <weir/clock.h>
#include <weir/observe.h>

#include <errno.h>
#include <unistd.h>

/* The outside: a clock that tells events apart, numbers of threads, a file that is looked at. */

static uint64_t model_clock(void);
static long model_thread(void);
static ssize_t model_write(int fd, const char *bytes, size_t n);

#define weir_clock_now model_clock
#define syscall(number) model_thread()
#define write model_write

#include "../../lib/observe.c"

enum { ACTORS = 4, EVENTS = 8, FILE_NUMBER = 7, FIRST_THREAD = 100, FIRST_TIME = 100000 };

#define NO_TIME UINT64_MAX

typedef struct observe_case {
    size_t events;
    const char *does[ACTORS];
    const char *promised; /* those of the letters that nobody who stands still may hold up */
    bool deep;
    weir_check_options options;
} observe_case;

/* What a thread did: its own until it has ended. */
typedef struct actor {
    unsigned made;         /* events */
    unsigned first;        /* of them that is not given up, as far as this thread knows */
    bool recorded[EVENTS]; /* for certain */
    char names[EVENTS][3]; /* of events: letter of the thread, digit of the event */
    unsigned called;
    char titles[EVENTS][3]; /* of the thread: the letter is a capital one */
} actor;

/* What a file has, of each thread. */
typedef struct contents {
    unsigned count[ACTORS];
    unsigned events[ACTORS][EVENTS];
    int title[ACTORS]; /* or -1 */
    uint64_t start, overwritten, refused;
} contents;

static const observe_case *current;
static actor actors[ACTORS];
static bool on;        /* as thread 0 has left it, before the others begin */
static uint64_t since; /* the same: when it was started, or 0 */
static bool steady;    /* the others leave it so; or all events since are of who has heard of it */
static bool alone;     /* they have not begun, or have ended */
static WEIR_ATOMIC(uint32_t) said[ACTORS], started_anew;

static _Thread_local unsigned me;
static _Thread_local uint64_t now;
static _Thread_local unsigned heard[ACTORS];
static _Thread_local contents in_file;

static const weir_trace_kind kinds[] = {WEIR_TRACE_KIND_BEGIN, WEIR_TRACE_KIND_INSTANT,
                                        WEIR_TRACE_KIND_END};

static uint64_t model_clock(void)
{
    return now;
}

static long model_thread(void)
{
    return FIRST_THREAD + (long)me;
}

static unsigned id_of(unsigned thread, unsigned n)
{
    return (thread + 1) * 16 + n;
}

/* ---- the file ---- */

/* Returns: whether this came next; then it is passed. */
static bool passes(const char **from, const char *text)
{
    const char *f = *from;

    while (*text != '\0')
        if (*f++ != *text++)
            return false;
    *from = f;
    return true;
}

static void wants(const char **from, const char *text)
{
    weir_check_assert(passes(from, text));
}

static uint64_t number_in(const char **from)
{
    uint64_t n = 0;

    weir_check_assert(**from >= '0' && **from <= '9');
    while (**from >= '0' && **from <= '9')
        n = n * 10 + (uint64_t)(*(*from)++ - '0');
    return n;
}

/* A name: whose, and which. */
static unsigned name_in(const char **from, char letter, unsigned *n)
{
    const unsigned thread = (unsigned)(*(*from)++ - letter);

    *n = (unsigned)(*(*from)++ - '0');
    weir_check_assert(thread < ACTORS && *n < EVENTS);
    return thread;
}

static void look_at_thread_name(const char **from)
{
    uint64_t tid;
    unsigned thread, n;

    wants(from, "M\",\"name\":\"thread_name\",\"pid\":");
    (void)number_in(from);
    wants(from, ",\"tid\":");
    tid = number_in(from);
    wants(from, ",\"args\":{\"name\":\"");
    thread = name_in(from, 'A', &n);
    wants(from, "\"}}");
    weir_check_assert(tid == FIRST_THREAD + thread && in_file.title[thread] < 0);
    in_file.title[thread] = (int)n;
}

/* The start is written at the end, so the time is given in full to who knows it. */
static void look_at_event(const char **from, uint64_t *begin)
{
    const char kind = *(*from)++;
    uint64_t time;
    unsigned thread, n;

    wants(from, "\",\"name\":\"");
    thread = name_in(from, 'a', &n);
    wants(from, "\",\"pid\":");
    (void)number_in(from);
    wants(from, ",\"tid\":");
    weir_check_assert(number_in(from) == FIRST_THREAD + thread);
    wants(from, ",\"ts\":");
    time = number_in(from) * 1000;
    wants(from, ".");
    time += number_in(from);
    weir_check_assert(kind == (char)kinds[n % 3]);
    if (kind == (char)WEIR_TRACE_KIND_INSTANT)
        wants(from, ",\"s\":\"t\"");
    wants(from, ",\"args\":{\"id\":");
    weir_check_assert(number_in(from) == id_of(thread, n));
    wants(from, "}}");
    time = FIRST_TIME + id_of(thread, n) - time;
    weir_check_assert(*begin == NO_TIME || *begin == time);
    *begin = time;
    weir_check_assert(in_file.count[thread] == 0 ||
                      in_file.events[thread][in_file.count[thread] - 1] < n);
    in_file.events[thread][in_file.count[thread]++] = n;
}

/* Small files come in one piece. */
static ssize_t model_write(int fd, const char *bytes, size_t n)
{
    const char *from = bytes;
    uint64_t begin = NO_TIME;

    weir_check_assert(fd == FILE_NUMBER);
    memset(&in_file, 0, sizeof in_file);
    for (unsigned t = 0; t < ACTORS; t++)
        in_file.title[t] = -1;
    wants(&from, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
    while (!passes(&from, "\n],")) {
        (void)passes(&from, ",");
        wants(&from, "\n{\"ph\":\"");
        if (*from == 'M')
            look_at_thread_name(&from);
        else
            look_at_event(&from, &begin);
    }
    wants(&from, "\"otherData\":{\"clock\":\"CLOCK_MONOTONIC\",\"start_ns\":");
    in_file.start = number_in(&from);
    weir_check_assert(begin == NO_TIME || begin == in_file.start);
    wants(&from, ",\"overwritten\":");
    in_file.overwritten = number_in(&from);
    wants(&from, ",\"refused\":");
    in_file.refused = number_in(&from);
    wants(&from, "}}\n");
    weir_check_assert(from == bytes + n);
    return (ssize_t)n;
}

/* ---- what must be there ---- */

static unsigned cells(void)
{
    return current->events <= 2 ? (unsigned)current->events : 4;
}

static unsigned letters_of(unsigned thread, const char *these)
{
    const char *letter = current->does[thread];
    unsigned n = 0;

    for (; letter != NULL && *letter != 0; letter++)
        n += strchr(these, *letter) != NULL;
    return n;
}

/* From that thread on. */
static unsigned letters(unsigned thread, const char *these)
{
    unsigned n = 0;

    for (; thread < ACTORS; thread++)
        n += letters_of(thread, these);
    return n;
}

/* What was heard of, and is never overwritten, is there. */
static void has_what_was_heard(unsigned thread)
{
    const unsigned total = letters_of(thread, "eE");
    unsigned i = 0;

    for (unsigned k = total > cells() ? total - cells() : 0; k < heard[thread]; k++) {
        while (i < in_file.count[thread] && in_file.events[thread][i] < k)
            i++;
        weir_check_assert(i < in_file.count[thread] && in_file.events[thread][i] == k);
    }
}

/* Returns: whether all that this thread did happened before what the caller does. */
static bool is_known(unsigned thread)
{
    return alone || thread == me || thread == 0;
}

static unsigned recorded(const actor *a)
{
    unsigned n = 0;

    for (unsigned k = a->first; k < a->made; k++)
        n += a->recorded[k];
    return n;
}

/* How many events of those threads have been overwritten. */
static unsigned known_to_be_lost(void)
{
    unsigned lost = 0;

    for (unsigned t = 0; t < ACTORS; t++)
        if (is_known(t) && recorded(&actors[t]) > cells())
            lost += recorded(&actors[t]) - cells();
    return lost;
}

static void has_all_of(unsigned thread)
{
    const actor *const a = &actors[thread];
    unsigned passed = recorded(a) > cells() ? recorded(a) - cells() : 0, i = 0;

    for (unsigned k = a->first; k < a->made; k++)
        if (a->recorded[k] && passed > 0)
            passed--;
        else if (a->recorded[k]) {
            weir_check_assert(i < in_file.count[thread] && in_file.events[thread][i] == k);
            i++;
        }
    weir_check_assert(i == in_file.count[thread]);
    if (i > 0)
        weir_check_assert(in_file.title[thread] == (int)a->called - 1);
}

static void look_at_file(void)
{
    unsigned count = 0;

    weir_check_assert(in_file.refused == 0);
    for (unsigned t = 0; t < ACTORS; t++) {
        count += in_file.count[t];
        weir_check_assert(in_file.count[t] <= cells() || !is_known(t));
        if (is_known(t) && in_file.count[t] > 0)
            weir_check_assert(in_file.events[t][0] >= actors[t].first);
        if (is_known(t) && steady)
            has_all_of(t);
        else if (steady)
            has_what_was_heard(t);
    }
    if (!steady)
        return;
    weir_check_assert(in_file.start == since || letters(1, "s") != 0);
    weir_check_assert(in_file.overwritten >= known_to_be_lost());
    weir_check_assert(count + in_file.overwritten <= letters(0, "eE"));
    if (alone)
        weir_check_assert(in_file.overwritten == known_to_be_lost());
}

/* ---- operations ---- */

static void record_event(void)
{
    actor *const a = &actors[me];
    const unsigned n = a->made++;

    a->names[n][0] = (char)('a' + me);
    a->names[n][1] = (char)('0' + n);
    a->recorded[n] = on;
    now = FIRST_TIME + id_of(me, n);
    weir_trace_event(kinds[n % 3], a->names[n], id_of(me, n));
}

static void name_thread(void)
{
    actor *const a = &actors[me];
    const unsigned n = a->called++;

    a->titles[n][0] = (char)('A' + me);
    a->titles[n][1] = (char)('0' + n);
    weir_trace_name_thread(a->titles[n]);
}

/* Returns: whether it was done; if another one is in the middle it is not. */
static bool done(int status)
{
    weir_check_assert(status == 0 || (status == -EBUSY && !alone));
    return status == 0;
}

static void write_file(void)
{
    if (done(weir_trace_write_fd(FILE_NUMBER)))
        look_at_file();
}

static void count_lost(void)
{
    uint64_t overwritten = 7, out_refused = 7;

    if (!done(weir_trace_lost(&overwritten, &out_refused)))
        return;
    weir_check_assert(out_refused == 0);
    weir_check_assert(!steady || overwritten >= known_to_be_lost());
    weir_check_assert(!steady || !alone || overwritten == known_to_be_lost());
}

/* What was recorded before is given up. */
static void given_up(void)
{
    for (unsigned t = 0; t < ACTORS; t++)
        if (t == me || alone)
            actors[t].first = actors[t].made;
}

static void begin_trace(void)
{
    now = 1000 * (me + 1);
    if (!done(weir_trace_start(current->events)))
        return;
    given_up();
    if (alone) {
        on = true;
        since = now;
    }
}

static void end_trace(bool and_free)
{
    if (alone)
        on = false;
    if (!and_free)
        weir_trace_stop();
    else if (done(weir_trace_free())) {
        given_up();
        if (alone)
            since = 0;
    }
}

static void act(char letter)
{
    switch (letter) {
    case 'e':
    case 'E':
        record_event();
        break;
    case 'n':
        name_thread();
        break;
    case 'w':
        write_file();
        break;
    case 'l':
        count_lost();
        break;
    case 's':
        begin_trace();
        break;
    case 'g':
        /* sync(said): release. Pairs with the load below. */
        weir_atomic_store(&said[me], actors[me].made, WEIR_RELEASE);
        break;
    case 'G':
    case 'H':
        for (unsigned t = 0; t < ACTORS; t++)
            /* sync(said): acquire. Pairs with the store above. */
            heard[t] = weir_atomic_load(&said[t], WEIR_ACQUIRE);
        weir_check_assume(letter == 'G' || heard[1] != 0);
        break;
    case 'r':
        /* sync(anew): release. Pairs with the load below. */
        weir_atomic_store(&started_anew, 1, WEIR_RELEASE);
        break;
    case 'R':
        /* sync(anew): acquire. Pairs with the store above. */
        weir_check_assume(weir_atomic_load(&started_anew, WEIR_ACQUIRE) != 0);
        given_up();
        break;
    default:
        weir_check_assert(letter == 'p' || letter == 'f');
        end_trace(letter == 'f');
    }
}

/* ---- a run ---- */

static void play(void *number_of_it)
{
    me = (unsigned)(uintptr_t)number_of_it;
    for (const char *letter = current->does[me]; *letter != 0; letter++) {
        const bool promised =
            current->promised != NULL && strchr(current->promised, *letter) != NULL;
        const unsigned call = promised ? weir_check_call(*letter, 0) : 0;

        act(*letter);
        if (promised)
            weir_check_return(call, 0);
    }
}

static void observe_test(void *argument)
{
    current = (const observe_case *)argument;
    steady = letters(1, "spf") == 0 || letters(1, "R") != 0;
    alone = true;
    /* From here on nobody stands still but within an operation. */
    if (current->promised != NULL)
        weir_check_return(weir_check_call(0, 0), 0);
    play((void *)0);
    alone = false;
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_thread(play, (void *)t);
    weir_check_join_all();
    alone = true;
    /* Whatever came last: if it records, it is for a trace that can be written. */
    /* relaxed: alone. */
    if (!steady && weir_atomic_load(&weir__trace_session, WEIR_RELAXED) != 0) {
        record_event();
        write_file();
        weir_check_assert(in_file.count[0] > 0);
    }
    write_file();
    count_lost();
    end_trace(true);
    write_file();
}

/* ---- the table ---- */

#define RING(size) .events = size
#define LOCK_FREE(those) .promised = those, .options.progress = WEIR_CHECK_LOCK_FREE
#define WAIT_FREE(those, number_of_steps) \
    .promised = those, .options.progress = WEIR_CHECK_WAIT_FREE, .options.steps = number_of_steps
#define DEEP .deep = true

static const observe_case cases[] = {
    /* One records, and overwrites; another one writes: no event is made of two. */
    {RING(1), .does = {"s", "e", "w"}},
    {RING(1), .does = {"s", "ee", "w"}},
    {RING(1), .does = {"s", "eee", "w"}},
    {RING(1), .does = {"s", "eee", "ww"}, DEEP},
    {RING(2), .does = {"s", "eee", "w"}},
    {RING(2), .does = {"s", "eeeee", "w"}},
    {RING(2), .does = {"s", "eeee", "ww"}, DEEP},
    {RING(3), .does = {"s", "eeeee", "w"}},
    {RING(4), .does = {"s", "eeeeeee", "w"}, DEEP},
    {RING(2), .does = {"s", "eee", "l"}},
    /* What happened before is there, but for what was overwritten. */
    {RING(2), .does = {"see", "ew", "e"}},
    {RING(1), .does = {"see", "eew", "ew"}},
    {RING(2), .does = {"sepese", "ee", "ew"}},
    {RING(2), .does = {"s", "eege", "Gw"}},
    {RING(2), .does = {"s", "egegege", "Gw"}, DEEP},
    {RING(4), .does = {"s", "eegeee", "Gw"}},
    {RING(1), .does = {"s", "egRee", "Hpsrw"}},
    {RING(2), .does = {"seepl", "e", "ew"}},
    /* Several rings. */
    {RING(1), .does = {"s", "e", "e", "w"}},
    {RING(1), .does = {"s", "ee", "ee", "w"}},
    {RING(1), .does = {"s", "ee", "ee", "wf"}, DEEP},
    {RING(1), .does = {"s", "neen", "eEw"}, DEEP},
    {RING(2), .does = {"se", "e", "e", "f"}},
    /* Threads have names. */
    {RING(1), .does = {"s", "ne", "w"}},
    {RING(1), .does = {"s", "en", "w"}},
    {RING(1), .does = {"s", "nenen", "w"}},
    {RING(2), .does = {"nsen", "nen", "wn"}},
    /* A ring ends with its thread and its trace, whichever is the last. */
    {RING(1), .does = {"s", "e", "f"}},
    {RING(1), .does = {"s", "ee", "wf"}},
    {RING(1), .does = {"s", "en", "pf"}},
    {RING(1), .does = {"s", "e", "wf", "w"}},
    {RING(1), .does = {"s", "e", "ef", "w"}},
    {RING(1), .does = {"se", "ee", "ps"}},
    {RING(1), .does = {"s", "ee", "psw"}},
    {RING(1), .does = {"s", "eee", "psps"}},
    {RING(1), .does = {"s", "ee", "psf", "e"}, DEEP},
    /* Who sees a trace sees what it was made of. */
    {RING(1), .does = {"", "s", "e"}},
    {RING(1), .does = {"", "se", "e", "w"}},
    {RING(1), .does = {"", "spse", "ee"}},
    /* One of them at a time. */
    {RING(1), .does = {"", "s", "s"}},
    {RING(1), .does = {"", "sew", "s", "l"}},
    {RING(2), .does = {"se", "w", "w"}},
    {RING(2), .does = {"se", "wl", "l", "w"}},
    {RING(1), .does = {"se", "pse", "w"}},
    {RING(1), .does = {"se", "f", "l", "w"}},
    {RING(1), .does = {"sep", "s", "f"}},
    {RING(1), .does = {"sep", "sew", "s", "f"}},
    {RING(1), .does = {"se", "psew", "ef", "s"}, DEEP},
    /* Who stands still, wherever that is, holds up nobody. */
    {RING(1), .does = {"s", "ee", "w"}, LOCK_FREE("ew")},
    {RING(1), .does = {"s", "e", "e", "f"}, LOCK_FREE("ef")},
    {RING(1), .does = {"se", "ps", "ew"}, LOCK_FREE("epsw")},
    {RING(1), .does = {"s", "nen", "lp"}, LOCK_FREE("enlp")},
    {RING(1), .does = {"s", "npn", "ew"}, WAIT_FREE("np", 1)},
    {RING(1), .does = {"s", "eEE", "w"}, WAIT_FREE("E", 9)},
};

static void name_of(const observe_case *c, char *name, size_t size)
{
    size_t used = (size_t)snprintf(name, size, "ring of %u: ", (unsigned)c->events);

    for (unsigned t = 0; t < ACTORS && c->does[t] != NULL; t++)
        used += (size_t)snprintf(name + used, size - used, "%s%s", t > 0 ? "/" : "", c->does[t]);
    if (c->promised != NULL)
        snprintf(name + used, size - used, ", %s-free: %s",
                 c->options.progress == WEIR_CHECK_WAIT_FREE ? "wait" : "lock", c->promised);
}

int main(int argc, char **argv)
{
    enum { COUNT = sizeof cases / sizeof cases[0] };
    static scenario scenarios[COUNT];
    static char names[COUNT][64];

    for (size_t i = 0; i < COUNT; i++) {
        name_of(&cases[i], names[i], sizeof names[i]);
        scenarios[i].name = names[i];
        scenarios[i].test = observe_test;
        scenarios[i].argument = (uintptr_t)&cases[i];
        scenarios[i].deep = cases[i].deep;
        scenarios[i].options = cases[i].options;
    }
    return model_main("observe", scenarios, COUNT, argc, argv);
}
