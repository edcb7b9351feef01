/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/loop.c: the life of an event loop, and its turn. */

#include "job.h"
#include "loop.h"
#include "wait.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* The loop that this thread runs, the innermost. Its address is the thread's number. */
static _Thread_local weir_loop *self;

static uintptr_t this_thread(void)
{
    return (uintptr_t)&self;
}

bool weir__loop_is_mine(const weir_loop *loop)
{
    /* relaxed: its own thread wrote it, or it is another's. */
    return weir_atomic_load(&loop->runner, WEIR_RELAXED) == this_thread();
}

weir_loop *weir_loop_self(void)
{
    return self;
}

/* ---- life ---- */

static unsigned or_default(unsigned given, unsigned otherwise)
{
    return given != 0 ? given : otherwise;
}

/* An embedded one's descriptors are all there from the beginning: no turn can fail for want of
 * one. */
static int open_poller(weir__poller *poller, const weir_loop_options *options)
{
    int status = weir__poller_open(poller, options->events);

    if (status != 0 || !options->embedded)
        return status;
    status = weir__poller_set_alarm(poller, 1);
    if (status != 0)
        weir__poller_close(poller);
    return status;
}

int weir_loop_new(weir_loop **loop, const weir_loop_options *options)
{
    weir_loop *const made = (weir_loop *)weir_alloc(sizeof *made, WEIR_CACHELINE);
    int status;

    if (made == NULL)
        return -ENOMEM;
    memset(made, 0, sizeof *made);
    if (options != NULL)
        made->options = *options;
    made->options.timers = or_default(made->options.timers, 1024);
    made->options.posts = or_default(made->options.posts, 1024);
    made->options.deferred = or_default(made->options.deferred, 1024);
    made->options.events = or_default(made->options.events, 256);
    status = open_poller(&made->poller, &made->options);
    if (status != 0) {
        weir_release(made, sizeof *made);
        return status;
    }
    for (unsigned i = 0; i < WEIR__LOOP_PHASES; i++)
        weir__link_init(&made->hooks[i]);
    weir__link_init(&made->again);
    weir__link_init(&made->closing);
    (void)weir_loop_update(made);
    weir__wheel_init(&made->wheel, made->now);
    *loop = made;
    return 0;
}

static void discard(weir_loop *loop, weir__jobs *jobs)
{
    while (jobs->first != NULL) {
        weir_job *const job = weir__jobs_pop(jobs);

        if (!weir__job_discard(job) && loop->options.discarded != NULL)
            loop->options.discarded(loop->options.context, job);
    }
}

int weir_loop_free(weir_loop *loop)
{
    bool ours;

    if (loop == NULL)
        return 0;
    /* relaxed: who runs it uses it, and must not. */
    if (loop->open != 0 || weir_atomic_load(&loop->runner, WEIR_RELAXED) != 0)
        return -EBUSY;
    ours = weir__poller_is_ours(&loop->poller);
    weir_loop_close(loop);
    if (ours)
        weir__loop_await_callers(loop);
    (void)weir__loop_take(loop);
    discard(loop, &loop->posted);
    for (unsigned i = 0; i < WEIR__LOOP_PHASES; i++)
        discard(loop, &loop->deferred[i]);
    if (ours)
        weir__poller_await_rings(&loop->poller, loop->rings);
    weir__poller_close(&loop->poller);
    weir__loop_spare_asyncs(loop);
    weir_release(loop->buffer, WEIR__LOOP_BUFFER);
    weir_release(loop->slots, loop->slot_count * sizeof *loop->slots);
    weir_release(loop, sizeof *loop);
    return 0;
}

int weir_loop_fork(weir_loop *loop)
{
    weir__poller fresh;
    int status = open_poller(&fresh, &loop->options);

    if (status != 0)
        return status;
    /* Who rings in the parent does not ring here. */
    (void)weir__loop_take(loop);
    weir__poller_close(&loop->poller);
    loop->poller = fresh;
    loop->rings = 0;
    /* relaxed: no other thread is there, nor are the calls that it was in the middle of. */
    weir_atomic_store(&loop->callers, 0, WEIR_RELAXED);
    if (!weir__loop_is_mine(loop))
        /* relaxed: the same. */
        weir_atomic_store(&loop->runner, 0, WEIR_RELAXED);
    return weir__loop_readd_polls(loop);
}

int weir__loop_make_buffer(weir_loop *loop)
{
    if (loop->buffer == NULL)
        loop->buffer = weir_alloc(WEIR__LOOP_BUFFER, WEIR_CACHELINE);
    return loop->buffer != NULL ? 0 : -ENOMEM;
}

/* ---- callbacks ---- */

/* Of a job's end. */
static void run_job(weir_loop *loop, weir_job *job, const char *kind)
{
    int (*const run)(weir_job *) = job->run;
    void (*function)(void) = (void (*)(void))run;
    int status;

    if (run == weir__call_run) /* around the caller's */
        function = (void (*)(void))((const weir_call *)(const void *)job)->run;
    weir__loop_begin(loop, job, kind, function);
    status = run(job);
    WEIR_REQUIRE(status <= 0, "a job returns 0 or a negative errno");
    if (WEIR_UNLIKELY(status != 0) && loop->options.failed != NULL)
        loop->options.failed(loop->options.context, job, status);
    weir__loop_end(loop);
}

/* NEXT until none is left, then MICRO, and so on. */
static void drain(weir_loop *loop)
{
    weir__jobs *const next = &loop->deferred[WEIR_LOOP_NEXT];
    weir__jobs *const micro = &loop->deferred[WEIR_LOOP_MICRO];
    unsigned n = 0;

    loop->draining = true;
    while (n < loop->options.deferred && (next->first != NULL || micro->first != NULL)) {
        loop->waiting--;
        n++;
        if (next->first != NULL)
            run_job(loop, weir__jobs_pop(next), "next");
        else
            run_job(loop, weir__jobs_pop(micro), "micro");
    }
    loop->draining = false;
    weir__loop_count(&loop->counts.deferred, n);
}

/* Also where no callback was: of what came before the first turn, or was left by the budget. */
static void drain_some(weir_loop *loop)
{
    if (WEIR_UNLIKELY(loop->waiting != 0) && !loop->draining &&
        (loop->deferred[WEIR_LOOP_NEXT].first != NULL ||
         loop->deferred[WEIR_LOOP_MICRO].first != NULL))
        drain(loop);
}

void weir__loop_begin(weir_loop *loop, void *handle, const char *kind, void (*function)(void))
{
    loop->handle = handle;
    loop->callbacks++;
    if (WEIR_UNLIKELY(loop->options.slow_ns != 0))
        weir__loop_watch_begin(loop, kind, function);
}

void weir__loop_end(weir_loop *loop)
{
    loop->handle = NULL;
    if (WEIR_UNLIKELY(loop->options.slow_ns != 0))
        weir__loop_watch_end(loop);
    drain_some(loop);
}

/* ---- phases ---- */

void weir_loop_defer(weir_loop *loop, weir_job *job, weir_loop_phase phase)
{
    WEIR_REQUIRE((unsigned)phase < WEIR__LOOP_PHASES, "not a phase");
    loop->waiting++;
    weir__jobs_push(&loop->deferred[phase], job);
}

void weir_hook_init(weir_hook *hook, weir_loop *loop, weir_loop_phase phase,
                    void (*call)(weir_hook *hook))
{
    WEIR_REQUIRE(call != NULL, "a hook without a function");
    WEIR_REQUIRE(phase >= WEIR_LOOP_IDLING && phase <= WEIR_LOOP_CHECK,
                 "hooks are for IDLING, PREPARE and CHECK");
    weir__link_init(&hook->link);
    hook->loop = loop;
    hook->call = call;
    hook->phase = (uint8_t)phase;
    hook->running = hook->background = false;
}

void weir_hook_start(weir_hook *hook, bool background)
{
    if (hook->running) {
        weir__loop_background(hook->loop, hook->background, background);
    } else {
        weir__link_push(&hook->loop->hooks[hook->phase], &hook->link);
        weir__loop_add(hook->loop, background);
        hook->running = true;
    }
    hook->background = background;
}

bool weir_hook_stop(weir_hook *hook)
{
    const bool was = hook->running;

    if (was) {
        weir__link_remove(&hook->link);
        weir__loop_drop(hook->loop, hook->background);
        hook->running = false;
    }
    return was;
}

/* The jobs and hooks that are there now. */
static void run_phase(weir_loop *loop, weir_loop_phase phase, const char *kind)
{
    weir__jobs jobs = loop->deferred[phase];
    weir__link hooks;
    uint64_t n = 0;

    loop->deferred[phase].first = NULL;
    for (; jobs.first != NULL; n++) {
        loop->waiting--;
        run_job(loop, weir__jobs_pop(&jobs), kind);
    }
    if (n != 0)
        weir__loop_count(&loop->counts.deferred, n);
    weir__link_move(&loop->hooks[phase], &hooks);
    while (!weir__link_alone(&hooks)) {
        weir_hook *const hook = (weir_hook *)(void *)hooks.next;

        weir__link_remove(&hook->link);
        weir__link_push(&loop->hooks[phase], &hook->link);
        weir__loop_begin(loop, hook, kind, (void (*)(void))hook->call);
        loop->callbacks -= phase != WEIR_LOOP_IDLING; /* it is called anyway */
        hook->call(hook);
        weir__loop_end(loop);
    }
}

static void run_closing(weir_loop *loop)
{
    weir__link closing;

    weir__link_move(&loop->closing, &closing);
    while (!weir__link_alone(&closing)) {
        weir__link *const link = closing.next;

        weir__link_remove(link);
        loop->finish(loop, link);
    }
}

enum { CROWD = 8 };

static void run_posts(weir_loop *loop)
{
    unsigned n = 0;

    (void)weir__loop_take(loop);
    for (; loop->posted.first != NULL && n < loop->options.posts; n++)
        run_job(loop, weir__jobs_pop(&loop->posted), "post");
    loop->chats = n != 0;
    loop->crowded = n >= CROWD;
    if (n != 0)
        weir__loop_count(&loop->counts.posts, n);
}

/* ---- a turn ---- */

bool weir_loop_alive(const weir_loop *loop)
{
    return loop->open != loop->background || loop->waiting != 0 || loop->posted.first != NULL ||
           !weir__link_alone(&loop->closing) ||
           /* sync(called): acquire. Pairs with weir_loop_release(); what was before it. */
           weir_atomic_load(&loop->holds, WEIR_ACQUIRE) != 0 ||
           /* relaxed: posts are taken elsewhere. */
           weir_atomic_load(&loop->head, WEIR_RELAXED) > WEIR__ASLEEP;
}

static bool is_stopping(const weir_loop *loop)
{
    /* relaxed: who acts upon it acquires what was before, in has_stopped(). */
    return weir_atomic_load(&loop->stopping, WEIR_RELAXED) != 0;
}

/* Whether something is to be done without waiting for it. */
static bool has_work(const weir_loop *loop)
{
    return loop->waiting != 0 || loop->posted.first != NULL || !weir__link_alone(&loop->again) ||
           !weir__link_alone(&loop->closing) || !weir__link_alone(&loop->hooks[WEIR_LOOP_IDLING]);
}

typedef struct turn {
    weir_loop_until until;
    uint64_t deadline;
    uint64_t before; /* UINT64_MAX, or: no sleep if other callbacks than these have begun */
} turn;

/* When the sleep is to end; 0: no sleep. */
static uint64_t sleep_until(weir_loop *loop, const turn *how)
{
    uint64_t next;

    if (how->deadline <= loop->now || has_work(loop) ||
        (how->before != UINT64_MAX && how->before != loop->callbacks))
        return 0;
    next = weir__wheel_next(&loop->wheel);
    if (next <= loop->now)
        return 0;
    if (loop->options.now != NULL) /* not the kernel's time */
        return WEIR_FOREVER;
    return next < how->deadline ? next : how->deadline;
}

static void note_awake(weir_loop *loop)
{
    if (WEIR_UNLIKELY(loop->options.measured))
        weir__loop_watch_turn(loop, weir_loop_update(loop) - loop->woke);
}

/* Who has just had posts waits for more for about as long as a sleep would cost. Where many come he
 * does not look at once: a look takes the line from who posts. Returns: whether there are some. */
static bool look_out(const weir_loop *loop)
{
    weir__spin spin = WEIR__SPIN_INIT, breath = WEIR__SPIN_INIT;

    if (!loop->chats || !weir__spin_again(&spin))
        return false;
    breath.brief = true;
    while (loop->crowded && weir__spin_again(&breath))
        continue;
    /* relaxed: posts are taken elsewhere. */
    while (weir_atomic_load(&loop->head, WEIR_RELAXED) == WEIR__AWAKE)
        if (!weir__spin_again(&spin))
            return false;
    return true;
}

static void wait_for_events(weir_loop *loop, uint64_t until, unsigned *events)
{
    const uint64_t before = loop->chats ? weir_clock_now() : 0;
    bool rung;

    note_awake(loop);
    *events = weir__poller_wait(&loop->poller, until);
    loop->woke = weir_loop_update(loop);
    rung = weir__loop_take(loop);
    weir__loop_count(&loop->counts.sleeps, 1);
    if (rung) {
        weir__loop_count(&loop->counts.wakes, 1);
        if (before != 0)
            weir__spin_learn(weir_clock_now() - before);
    } else if (*events == 0 && loop->now < until) {
        weir__loop_count(&loop->counts.early, 1);
    }
}

/* Takes events, after a sleep if there is nothing else to do. */
static void poll_phase(weir_loop *loop, const turn *how)
{
    const uint64_t until = sleep_until(loop, how);
    weir__link again;
    unsigned n = 0;

    weir__link_move(&loop->again, &again);
    if (until != 0 && !look_out(loop) && weir__loop_doze(loop) && !is_stopping(loop) &&
        (how->until == WEIR_LOOP_STOPPED || weir_loop_alive(loop))) {
        wait_for_events(loop, until, &n);
    } else {
        /* An embedded one also has to hear its bell, and its alarm, or it would stay readable. */
        if (loop->poller.watched != 0 || loop->options.embedded)
            n = weir__poller_wait(&loop->poller, 0);
        (void)weir_loop_update(loop);
    }
    weir__loop_run_polls(loop, n, &again);
    if (n > 1)
        loop->chats = false;
}

/* Phases 1 to 7. */
static void turn_once(weir_loop *loop, const turn *how)
{
    weir__loop_count(&loop->counts.turns, 1);
    drain_some(loop);
    weir__loop_run_timers(loop);
    run_posts(loop);
    run_phase(loop, WEIR_LOOP_IDLING, "idle");
    run_phase(loop, WEIR_LOOP_PREPARE, "prepare");
    poll_phase(loop, how);
    run_phase(loop, WEIR_LOOP_CHECK, "check");
    run_phase(loop, WEIR_LOOP_CLOSE, "close");
    run_closing(loop);
}

/* ---- SIGPIPE ---- */

static void block_sigpipe(weir_loop *loop)
{
    sigset_t only, before;

    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &only, &before);
    loop->sigpipe_blocked = !sigismember(&before, SIGPIPE);
}

void weir__loop_block_sigpipe(weir_loop *loop)
{
    if (loop->no_sigpipe)
        return;
    loop->no_sigpipe = true;
    if (weir__loop_is_mine(loop))
        block_sigpipe(loop);
}

/* Also takes back one that a write of the loop's has raised. */
static void unblock_sigpipe(weir_loop *loop)
{
    const struct timespec at_once = {0, 0};
    sigset_t only;

    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    while (sigtimedwait(&only, NULL, &at_once) < 0 && errno == EINTR)
        continue;
    pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    loop->sigpipe_blocked = false;
}

/* ---- runs ---- */

/* Returns: 0; -EDEADLK, -EBUSY. */
static int enter(weir_loop *loop, weir_loop **outer)
{
    uintptr_t runner = 0;

    /* sync(turned): acquire. Pairs with the store in leave(); the loop, as the last run left it.
     * relaxed on failure: only who it is. */
    if (!weir_atomic_cas(&loop->runner, &runner, this_thread(), WEIR_ACQUIRE, WEIR_RELAXED))
        return runner == this_thread() ? -EDEADLK : -EBUSY;
    *outer = self;
    self = loop;
    if (loop->no_sigpipe)
        block_sigpipe(loop);
    loop->woke = weir_loop_update(loop);
    return 0;
}

static void leave(weir_loop *loop, weir_loop *outer)
{
    self = outer;
    if (loop->sigpipe_blocked)
        unblock_sigpipe(loop);
    /* sync(turned): release. Pairs with the compare-and-swap in enter(); the loop. */
    weir_atomic_store(&loop->runner, 0, WEIR_RELEASE);
}

/* Whether it has been stopped: then what was posted before that is run. */
static bool has_stopped(weir_loop *loop)
{
    if (!is_stopping(loop))
        return false;
    /* sync(called): acquire. Pairs with weir_loop_stop(), also with each that came since the look;
     * what was before it. */
    (void)weir_atomic_exchange(&loop->stopping, 0, WEIR_ACQUIRE);
    (void)weir__loop_take(loop);
    for (weir_job *last = loop->posted.last; loop->posted.first != NULL;) {
        weir_job *const job = weir__jobs_pop(&loop->posted);

        run_job(loop, job, "post");
        if (job == last)
            break;
    }
    return true;
}

static bool has_ended(weir_loop *loop, const turn *how, int *status)
{
    if (has_stopped(loop))
        *status = -ECANCELED;
    else if (how->until == WEIR_LOOP_IDLE && !weir_loop_alive(loop))
        *status = 0;
    else if (how->deadline != WEIR_FOREVER && weir_loop_update(loop) >= how->deadline)
        *status = -ETIMEDOUT;
    else
        return false;
    return true;
}

/* Has its descriptor say when there is something to do. */
static void arm(weir_loop *loop)
{
    /* The stop is looked at when it has said that it sleeps: lib/loop_post.c. */
    const bool awake = has_work(loop) || !weir__loop_doze(loop) || is_stopping(loop);
    const int status =
        weir__poller_set_alarm(&loop->poller, awake ? 1 : weir__wheel_next(&loop->wheel));

    WEIR_REQUIRE(status == 0, "somebody has closed the alarm of an embedded loop");
}

int weir_loop_turn(weir_loop *loop, uint64_t deadline)
{
    turn how = {WEIR_LOOP_STOPPED, deadline, 0};
    weir_loop *outer;
    int status = enter(loop, &outer);

    if (status != 0)
        return status;
    how.before = loop->callbacks;
    if (has_stopped(loop)) {
        status = -ECANCELED;
    } else {
        /* Once more, if it did nothing but sleep: what has woken it is the next one's. */
        do
            turn_once(loop, &how);
        while (loop->callbacks == how.before && !has_ended(loop, &how, &status));
        if (status == 0 && has_stopped(loop))
            status = -ECANCELED;
    }
    if (loop->options.embedded)
        arm(loop);
    leave(loop, outer);
    return status;
}

int weir_loop_run(weir_loop *loop, weir_loop_until until, uint64_t deadline)
{
    const turn how = {until, deadline, UINT64_MAX};
    weir_loop *outer;
    int status = enter(loop, &outer);

    if (status != 0)
        return status;
    while (!has_ended(loop, &how, &status))
        turn_once(loop, &how);
    if (loop->options.embedded)
        arm(loop);
    leave(loop, outer);
    return status;
}

uint64_t weir_loop_deadline(const weir_loop *loop)
{
    /* relaxed: posts are taken elsewhere. */
    if (has_work(loop) || weir_atomic_load(&loop->head, WEIR_RELAXED) > WEIR__ASLEEP ||
        is_stopping(loop))
        return 0;
    return weir__wheel_next(&loop->wheel);
}

int weir_loop_fd(weir_loop *loop)
{
    WEIR_REQUIRE(loop->options.embedded, "weir_loop_options.embedded was not set");
    if (weir_atomic_load(&loop->runner, WEIR_RELAXED) == 0) /* relaxed: its own thread asks. */
        arm(loop);
    return loop->poller.set;
}

/* ---- time ---- */

uint64_t weir_loop_update(weir_loop *loop)
{
    const weir_loop_options *const options = &loop->options;

    loop->now = options->now != NULL ? options->now(options->context) : weir_clock_now();
    return loop->now;
}

uint64_t weir_loop_now(const weir_loop *loop)
{
    return loop->now;
}
