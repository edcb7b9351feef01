/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/loop.c: weir/loop.h in the model checker, on tests/model/poller.h. A scenario is a
 * string for each thread, a letter an operation; thread 0 does its first, then the others
 * begin; when they have ended it ends the loop.
 *
 * Any thread:
 *     p  post a job                  q  the same, which may be refused
 *     c  refuse posts from now on    s  stop
 *     h  hold                        r  release
 *     a  send to the async           e  the same; it has to be stale
 *     d  say that this thread has come so far            D  wait until another one has
 *     b  ask what runs, again and again                  n  read the numbers
 * The loop's, where the threads that run it take turns, as they find it:
 *     T  a turn                      t  one that does not sleep
 *     W  turns until all posts have been run
 *     E  turns when its descriptor is readable, until all posts have been run, and all stops heard
 *     R  run until it is not alive   S  run until it is stopped
 *     o  open the async              x  close it, and make turns until that is done
 *     X  close it                    C  make turns until it has been called
 *     F  free the loop               N  make another loop
 *
 * Each job is plain memory that is freed when it has run: what runs twice, too late, or without
 * what was before its post, is caught; and a sleep that nobody ends.
 *
 * Edges: none of its own. */

#include "poller.h"

#include <weir/loop.h>

#include <errno.h>

enum { ACTORS = 5 };

typedef struct loop_case {
    const char *does[ACTORS];
    const char *promised; /* those of the letters that nobody who stands still may hold up */
    bool deep, slow;      /* slow: what runs is told */
    bool embedded;
    weir_check_finding finding;
    weir_check_options options;
} loop_case;

typedef struct note {
    weir_job job;
    unsigned from, number; /* who posted it, as its how maniest */
    unsigned known;        /* posts of the thread that was waited for, before this one */
} note;

static const loop_case *current;
static weir_loop *loop;
static int set; /* of an embedded loop */

static unsigned posted[ACTORS]; /* by that thread */
static unsigned ran[ACTORS];    /* of these: by who runs the loop */
static unsigned known[ACTORS];  /* of the other's posts */
static unsigned so_far, teller; /* by who says that it has come so far */
static WEIR_ATOMIC(uint32_t) told;
static unsigned before_release[ACTORS], before_stop[ACTORS];
static unsigned discards;

static weir_async *async;
static weir_async_ref to;
static WEIR_ATOMIC(uint32_t) sent[ACTORS]; /* that have begun; relaxed: what is tested orders it */
static unsigned counted[ACTORS];           /* of these, that were accepted: by the sender */
static unsigned seen[ACTORS];              /* by the last call */
static unsigned calls;

static unsigned count(const char *letters)
{
    unsigned n = 0;

    for (unsigned t = 0; t < ACTORS && current->does[t] != NULL; t++)
        for (const char *at = current->does[t]; *at != 0; at++)
            n += strchr(letters, *at) != NULL;
    return n;
}

static unsigned sum(const unsigned *numbers)
{
    unsigned all = 0;

    for (unsigned t = 0; t < ACTORS; t++)
        all += numbers[t];
    return all;
}

/* ---- jobs ---- */

static int run_note(weir_job *job)
{
    note *const n = (note *)(void *)job;

    weir_check_assert(n->number == ran[n->from]);
    weir_check_assert(n->known == 0 || ran[teller] >= n->known);
    ran[n->from]++;
    if (current->slow)
        weir_loop_site(loop, "name", "file", 7);
    free(n);
    return 0;
}

static void discarded(void *context, weir_job *job)
{
    weir_check_assert(context == &discards);
    discards++;
    free(job);
}

static void post(unsigned self, bool may_fail)
{
    note *const n = (note *)malloc(sizeof *n);
    int status;

    weir_check_assert(n != NULL);
    weir_job_init(&n->job, run_note);
    n->from = self;
    n->number = posted[self];
    n->known = known[self];
    status = weir_loop_post(loop, &n->job);
    weir_check_assert(status == 0 || (may_fail && status == -EPIPE));
    if (status == 0)
        posted[self]++;
    else
        free(n);
}

/* ---- the async ---- */

static void called(weir_async *from)
{
    weir_check_assert(from == async);
    calls++;
    for (unsigned t = 0; t < ACTORS; t++)
        seen[t] = weir_atomic_load(&sent[t], WEIR_RELAXED); /* relaxed: see `sent`. */
}

static void closed(weir_async *from)
{
    weir_check_assert(from == async);
    free(async);
    async = NULL;
}

static void open_async(void)
{
    async = (weir_async *)malloc(sizeof *async);
    weir_check_assert(async != NULL && weir_async_init(async, loop, called, false) == 0);
    if (to.slot == NULL)
        to = weir_async_reference(async);
}

static void send(unsigned self, bool stale)
{
    int status;

    weir_atomic_fetch_add(&sent[self], 1, WEIR_RELAXED); /* relaxed: see `sent`. */
    status = weir_async_send(to);
    weir_check_assert(status == -ESTALE || (status == 0 && !stale));
    weir_check_assert(status == 0 || count("xX") > 0);
    counted[self] += status == 0;
}

/* ---- runs ---- */

static int turn(uint64_t deadline)
{
    int status;

    while ((status = weir_loop_turn(loop, deadline)) == -EBUSY)
        continue;
    weir_check_assert(status == 0 || status == -ECANCELED ||
                      (status == -ETIMEDOUT && deadline == 0));
    return status;
}

static void run(weir_loop_until until)
{
    int status;

    while ((status = weir_loop_run(loop, until, WEIR_FOREVER)) == -EBUSY)
        continue;
    if (status == -ECANCELED) {
        weir_check_assert(count("s") > 0);
        /* What was posted before the one stop there is has been run, and is seen. */
        if (count("s") == 1)
            for (unsigned t = 0; t < ACTORS; t++)
                if (current->does[t] != NULL && strchr(current->does[t], 's') != NULL)
                    weir_check_assert(ran[t] >= before_stop[t]);
    } else {
        weir_check_assert(status == 0 && until == WEIR_LOOP_IDLE);
        if (count("h") > 0 && count("h") == count("r"))
            for (unsigned t = 0; t < ACTORS; t++)
                weir_check_assert(ran[t] >= before_release[t]);
    }
}

static void make(void)
{
    weir_loop_options options = WEIR_LOOP_OPTIONS_INIT;

    options.discarded = discarded;
    options.context = &discards;
    options.slow_ns = current->slow ? UINT64_MAX : 0;
    options.embedded = current->embedded;
    weir_check_assert(weir_loop_new(&loop, &options) == 0);
    if (current->embedded)
        set = weir_loop_fd(loop);
}

static void finish(void)
{
    weir_check_assert(weir_loop_free(loop) == 0);
    loop = NULL;
}

static void close_async(bool wait)
{
    weir_check_assert(weir_async_close(async, closed) == 0);
    while (wait && async != NULL)
        (void)turn(WEIR_FOREVER);
}

/* There is one stop at most. */
static void turn_when_readable(void)
{
    unsigned stops = 0;

    for (;;) {
        stops += turn(0) == -ECANCELED;
        if (stops == count("s") && sum(ran) == count("p"))
            break;
        model_await_readable(set);
    }
}

/* ---- a run ---- */

static void ask(void)
{
    weir_loop_report report;

    if (!weir_loop_busy(loop, 0, &report))
        return;
    weir_check_assert(report.running && report.function == (void (*)(void))run_note);
    weir_check_assert(strcmp(report.kind, "post") == 0);
    weir_check_assert((report.name == NULL) == (report.file == NULL));
    weir_check_assert(report.line == (report.name == NULL ? 0 : 7));
}

static void tell(unsigned self)
{
    so_far = posted[self];
    teller = self;
    weir_atomic_store(&told, 1, WEIR_RELEASE);
}

static void wait_for_teller(unsigned self)
{
    while (weir_atomic_load(&told, WEIR_ACQUIRE) == 0)
        continue;
    known[self] = so_far;
}

static void act(char what, unsigned self)
{
    weir_loop_stats stats;

    switch (what) {
    case 'p':
    case 'q':
        post(self, what == 'q');
        break;
    case 'c':
        weir_loop_close(loop);
        break;
    case 's':
        before_stop[self] = posted[self];
        weir_loop_stop(loop);
        break;
    case 'h':
        weir_loop_hold(loop);
        break;
    case 'r':
        before_release[self] = posted[self];
        weir_loop_release(loop);
        break;
    case 'a':
    case 'e':
        send(self, what == 'e');
        break;
    case 'd':
        tell(self);
        break;
    case 'D':
        wait_for_teller(self);
        break;
    case 'b':
        ask();
        break;
    case 'n':
        weir_loop_stats_read(loop, &stats);
        weir_check_assert(stats.wakes <= stats.sleeps || stats.sleeps < 3);
        break;
    case 'T':
    case 't':
        (void)turn(what == 't' ? 0 : WEIR_FOREVER);
        break;
    case 'W':
        while (sum(ran) < count("p"))
            (void)turn(WEIR_FOREVER);
        break;
    case 'E':
        turn_when_readable();
        break;
    case 'R':
    case 'S':
        run(what == 'S' ? WEIR_LOOP_STOPPED : WEIR_LOOP_IDLE);
        break;
    case 'o':
        open_async();
        break;
    case 'x':
    case 'X':
        close_async(what == 'x');
        break;
    case 'C':
        while (calls == 0)
            (void)turn(WEIR_FOREVER);
        break;
    case 'F':
        finish();
        break;
    case 'N':
        make();
        break;
    default:
        weir_check_assert(false); /* an unknown letter */
    }
}

static void play(void *number)
{
    const unsigned self = (unsigned)(uintptr_t)number;

    for (const char *at = current->does[self]; *at != 0; at++)
        if (current->promised != NULL && strchr(current->promised, *at) != NULL) {
            const unsigned call = weir_check_call(*at, 0);

            act(*at, self);
            weir_check_return(call, 0);
        } else
            act(*at, self);
}

/* Nobody else is there, nor was there more than one run that ended by a stop. If no stop was too
 * late for it, what was posted before each of them has come to its end in it. */
static void check_stops(void)
{
    const unsigned ran_before = sum(ran);

    if (turn(0) != -ECANCELED && count("s") > 1 && count("S") == 1)
        weir_check_assert(sum(before_stop) <= ran_before);
}

/* What is left. Nobody else is there. */
static void end(void)
{
    if (loop != NULL) {
        check_stops();
        if (async != NULL)
            close_async(true);
        for (unsigned i = count("r"); i < count("h"); i++)
            weir_loop_release(loop);
        while (weir_loop_alive(loop))
            (void)turn(0);
        finish();
    }
    weir_check_assert(sum(ran) + discards == sum(posted));
    weir_check_assert(calls <= sum(counted));
    /* A send that was accepted is followed by a call that sees what was before, unless it is
     * closed. relaxed: alone. */
    for (unsigned t = 0; t < ACTORS && count("xX") == 0; t++)
        weir_check_assert(seen[t] == weir_atomic_load(&sent[t], WEIR_RELAXED));
}

static void loop_test(void *argument)
{
    current = (const loop_case *)argument;
    make();
    play((void *)0);
    /* From here on nobody stands still but within an operation. */
    if (current->promised != NULL)
        weir_check_return(weir_check_call(0, 0), 0);
    for (uintptr_t t = 1; t < ACTORS && current->does[t] != NULL; t++)
        weir_check_thread(play, (void *)t);
    weir_check_join_all();
    end();
}

/* ---- slots go from one loop to another ---- */

static void count_call(weir_async *from)
{
    (void)from;
}

/* A thread has a loop and an async of its own, from their beginning to their end. */
static void own_loop(void *unused)
{
    weir_async *const own = (weir_async *)malloc(sizeof *own);
    weir_async_ref reference;
    weir_loop *mine;

    (void)unused;
    weir_check_assert(own != NULL && weir_loop_new(&mine, NULL) == 0);
    weir_check_assert(weir_async_init(own, mine, count_call, false) == 0);
    reference = weir_async_reference(own);
    weir_check_assert(weir_async_send(reference) == 0);
    (void)weir_loop_turn(mine, 0);
    weir_check_assert(weir_async_close(own, NULL) == 0);
    weir_check_assert(weir_loop_run(mine, WEIR_LOOP_IDLE, WEIR_FOREVER) == 0);
    weir_check_assert(weir_loop_free(mine) == 0);
    free(own);
    weir_check_assert(weir_async_send(reference) == -ESTALE);
}

static void spare_test(void *unused)
{
    (void)unused;
    weir_check_thread(own_loop, NULL);
    weir_check_thread(own_loop, NULL);
}

/* ---- the table ---- */

#define DEEP .deep = true
#define LOCK_FREE(letters) .promised = letters, .options.progress = WEIR_CHECK_LOCK_FREE
/* Slots of asyncs are never given back. */
#define ASYNC .options.leaks_allowed = true
/* Too many graphs for all of them. */
#define SOME(n) \
    .options.mode = WEIR_CHECK_PCT, .options.seed = 1, .options.runs = n, .options.depth = 4

static const loop_case cases[] = {
    /* Posts, beside a sleep, and one after the other. */
    {.does = {"", "T", "p"}},
    {.does = {"p", "T", "p"}},
    {.does = {"", "W", "pp"}},
    {.does = {"", "W", "p", "p"}, DEEP},
    {.does = {"", "W", "p", "p"}, SOME(300)},
    {.does = {"p", "W", "p", "p"}, DEEP},
    {.does = {"", "W", "pp", "p"}, SOME(300)},
    {.does = {"", "W", "p", "p", "p"}, SOME(300)},
    {.does = {"", "W", "ppp", "pp"}, DEEP, SOME(20000)},
    {.does = {"", "W", "pd", "Dp"}},
    {.does = {"", "tW", "pd", "Dp"}},
    {.does = {"p", "tttW", "pp"}, DEEP},
    /* Stops: what was posted before is run; beside posts, beside each other, before a run. */
    {.does = {"", "S", "s"}},
    {.does = {"", "S", "ps"}},
    {.does = {"", "S", "sp"}},
    {.does = {"s", "Sp", "p"}},
    {.does = {"", "S", "p", "s"}},
    {.does = {"", "S", "s", "s"}, DEEP},
    {.does = {"", "S", "ps", "s"}, SOME(500)},
    {.does = {"", "S", "ps", "s"}, DEEP},
    {.does = {"", "S", "ps", "ps"}, DEEP, SOME(20000)},
    {.does = {"h", "R", "s"}},
    /* Within another loop. */
    {.does = {"", "E", "p"}, .embedded = true},
    {.does = {"", "E", "pp"}, .embedded = true},
    {.does = {"", "E", "s"}, .embedded = true},
    {.does = {"", "E", "ps"}, .embedded = true},
    {.does = {"", "E", "p", "s"}, .embedded = true, SOME(300)},
    /* Holds. */
    {.does = {"h", "R", "r"}},
    {.does = {"h", "R", "pr"}},
    {.does = {"hh", "R", "r", "r"}},
    {.does = {"hh", "R", "pr", "r"}, SOME(300)},
    {.does = {"hh", "R", "pr", "r"}, DEEP},
    {.does = {"hh", "R", "pr", "pr"}, DEEP, SOME(20000)},
    {.does = {"h", "R", "hrr"}},
    {.does = {"h", "R", "pr", "p"}, SOME(300)},
    {.does = {"h", "R", "r", "s"}, SOME(300)},
    {.does = {"h", "R", "r", "s"}, DEEP},
    /* The end, right after the last ring. */
    {.does = {"", "WF", "p"}},
    {.does = {"", "WF", "p", "p"}, DEEP},
    {.does = {"", "WF", "p", "p"}, SOME(300)},
    {.does = {"", "WF", "pp", "p"}, DEEP, SOME(20000)},
    {.does = {"", "SF", "ps"}},
    {.does = {"h", "RF", "r"}},
    {.does = {"hh", "RF", "pr", "r"}, SOME(300)},
    {.does = {"hh", "RF", "pr", "r"}, DEEP},
    /* Refused. */
    {.does = {"", "t", "c", "q"}},
    {.does = {"", "t", "cd", "qDq"}},
    /* Runs of two threads. */
    {.does = {"", "t", "t", "p"}},
    {.does = {"p", "t", "t", "p"}},
    {.does = {"pp", "t", "t"}},
    /* An async: sends are one call, or more. */
    {.does = {"o", "C", "a"}, ASYNC},
    {.does = {"o", "C", "aa"}, ASYNC},
    {.does = {"o", "C", "a", "a"}, ASYNC},
    {.does = {"o", "t", "a", "a"}, ASYNC},
    {.does = {"o", "C", "aa", "a"}, ASYNC, DEEP},
    {.does = {"oa", "C", "p", "a"}, ASYNC},
    /* Closed, and its slot used anew. */
    {.does = {"o", "x", "a"}, ASYNC},
    {.does = {"o", "x", "aa"}, ASYNC},
    {.does = {"o", "x", "a", "a"}, ASYNC},
    {.does = {"oa", "x", "a"}, ASYNC},
    {.does = {"o", "xo", "a"}, ASYNC},
    {.does = {"o", "xot", "aa"}, ASYNC},
    {.does = {"o", "xod", "De"}, ASYNC},
    {.does = {"o", "xFd", "De"}, ASYNC},
    {.does = {"o", "xF", "a"}, ASYNC},
    {.does = {"o", "xF", "a", "a"}, ASYNC},
    {.does = {"o", "txFNo", "a"}, ASYNC},
    {.does = {"o", "xFNo", "a", "a"}, ASYNC, DEEP},
    /* What runs (see loop_watch.c), and numbers. */
    {.does = {"p", "t", "b"}, .slow = true, SOME(200)},
    {.does = {"", "T", "p", "n"}},
    /* Nobody who stands still holds up others, nor the turns of the loop. */
    {.does = {"", "t", "p", "p"}, LOCK_FREE("p")},
    {.does = {"", "t", "s", "p"}, LOCK_FREE("sp")},
    {.does = {"hh", "t", "r", "r"}, LOCK_FREE("r")},
    {.does = {"", "t", "hr", "p"}, LOCK_FREE("hrp")},
    {.does = {"o", "t", "a", "a"}, LOCK_FREE("a"), ASYNC},
    {.does = {"o", "t", "a", "p"}, LOCK_FREE("ap"), ASYNC},
    /* But the sleep goes on while who is to ring stands still. */
    {.does = {"", "T", "p", "p"}, LOCK_FREE("p"), DEEP, .finding = WEIR_CHECK_NO_PROGRESS},
};

int main(int argc, char **argv)
{
    enum { CASES = sizeof cases / sizeof cases[0] };
    static scenario scenarios[CASES + 1];
    static char names[CASES][64];

    for (unsigned i = 0; i < CASES; i++) {
        const loop_case *const c = &cases[i];

        for (unsigned t = 0; t < ACTORS && c->does[t] != NULL; t++) {
            strcat(names[i], t > 0 ? "/" : "");
            strcat(names[i], c->does[t]);
        }
        strcat(names[i], c->slow ? ", watched" : "");
        strcat(names[i], c->embedded ? ", embedded" : "");
        strcat(names[i], c->promised != NULL ? ", lock-free" : "");
        strcat(names[i], c->options.mode != WEIR_CHECK_EVERY ? ", some" : "");
        scenarios[i].name = names[i];
        scenarios[i].test = loop_test;
        scenarios[i].argument = (uintptr_t)c;
        scenarios[i].deep = c->deep;
        scenarios[i].finding = c->finding;
        scenarios[i].options = c->options;
    }
    scenarios[CASES].name = "two loops";
    scenarios[CASES].test = spare_test;
    scenarios[CASES].options.leaks_allowed = true;
    return model_main("loop", scenarios, CASES + 1, argc, argv);
}
