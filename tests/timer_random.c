/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/timer.h, weir/loop.h, weir/poll.h at random, with a clock that is moved by hand, against a
 * model: the timers are a sorted list, all others are queues. Whatever is called asks the model
 * whether it is its turn, and then starts, moves and stops others. */

#include "loop.h"

enum { TIMERS = 24, JOBS = 16, POLLS = 6, TURNS = 1200 };

/* ---- the model ---- */

typedef struct model_timer {
    uint64_t deadline, sequence, period;
    weir_timer_late late;
    uint64_t missed;
    bool started, background;
} model_timer;

typedef struct queue {
    int items[64];
    unsigned n;
} queue;

enum { POSTS = WEIR_LOOP_CLOSE + 1, QUEUES };

/* Of a turn: the steps between which NEXT and MICRO are run. */
enum { LEFT, DUE, POSTED, IDLE, PREPARE, POLLED, CHECKS, CLOSES, ENDED };

static struct {
    model_timer timers[TIMERS];
    uint64_t sequence, now;
    queue due;            /* timers that were due when it looked */
    queue queues[QUEUES]; /* jobs: by phase, and posts */
    queue again;          /* polls */
    queue batch;          /* of the step */
    bool queued[JOBS];
    bool polled[POLLS]; /* started */
    int step;
    unsigned left;      /* of the step's budget */
    unsigned drain;     /* of NEXT and MICRO */
    unsigned budget[3]; /* timers, posts, deferred */
} model;

static void put_last(queue *q, int item)
{
    CHECK(q->n < 64);
    q->items[q->n++] = item;
}

static int take_at(queue *q, unsigned i)
{
    const int item = q->items[i];

    memmove(&q->items[i], &q->items[i + 1], (--q->n - i) * sizeof q->items[0]);
    return item;
}

static void forget(queue *q, int item)
{
    for (unsigned i = 0; i < q->n; i++)
        if (q->items[i] == item)
            (void)take_at(q, i--);
}

static bool has(const queue *q, int item)
{
    for (unsigned i = 0; i < q->n; i++)
        if (q->items[i] == item)
            return true;
    return false;
}

static void model_start(int i, uint64_t deadline, uint64_t period, weir_timer_late late)
{
    model_timer *const t = &model.timers[i];

    forget(&model.due, i);
    t->started = true;
    t->deadline = deadline;
    t->sequence = model.sequence++;
    t->period = period;
    t->late = late;
}

/* Those that are due now, behind those which were. */
static void look_for_due(void)
{
    for (;;) {
        int first = -1;

        for (int i = 0; i < TIMERS; i++) {
            const model_timer *const t = &model.timers[i];

            if (t->started && t->deadline <= model.now && !has(&model.due, i) &&
                (first < 0 || t->deadline < model.timers[first].deadline ||
                 (t->deadline == model.timers[first].deadline &&
                  t->sequence < model.timers[first].sequence)))
                first = i;
        }
        if (first < 0)
            return;
        put_last(&model.due, first);
    }
}

static void go_on(model_timer *t)
{
    t->missed = 0;
    if (t->period == 0) {
        t->started = false;
        return;
    }
    if (t->late == WEIR_TIMER_DELAY) {
        t->deadline = weir_clock_add(model.now, t->period);
    } else if (t->late == WEIR_TIMER_BURST) {
        t->deadline = weir_clock_add(t->deadline, t->period);
    } else {
        t->missed = (model.now - t->deadline) / t->period;
        t->deadline += t->missed * t->period;
        t->deadline = weir_clock_add(t->deadline, t->period);
    }
    t->sequence = model.sequence++;
}

/* The next step: what is there when it begins is its batch. */
static void enter_step(int step)
{
    static const int phases[] = {
        0, 0, 0, WEIR_LOOP_IDLING, WEIR_LOOP_PREPARE, 0, WEIR_LOOP_CHECK, WEIR_LOOP_CLOSE};

    model.step = step;
    model.batch.n = 0;
    if (step == DUE) {
        model.left = model.budget[0];
        look_for_due();
    } else if (step == POSTED) {
        model.left = model.budget[1];
        model.batch = model.queues[POSTS];
        model.queues[POSTS].n = 0;
    } else if (step == POLLED) {
        model.batch = model.again;
        model.again.n = 0;
    } else if (step != ENDED) {
        model.batch = model.queues[phases[step]];
        model.queues[phases[step]].n = 0;
    }
}

static void begin_turn(void)
{
    model.drain = model.budget[2];
    model.step = LEFT; /* NEXT and MICRO of before */
}

enum { A_TIMER = 0, A_JOB = 100, A_POLL = 200, NOTHING = -1 };

/* Returns: who is called next in this turn, from now on; NOTHING: it ends. */
static int next_of_model(void)
{
    queue *const next = &model.queues[WEIR_LOOP_NEXT], *const micro =
                                                           &model.queues[WEIR_LOOP_MICRO];

    if (model.drain > 0 && next->n + micro->n > 0) {
        model.drain--;
        return A_JOB + take_at(next->n > 0 ? next : micro, 0);
    }
    model.drain = model.budget[2]; /* after the callback to come */
    for (;; enter_step(model.step + 1)) {
        if (model.step == ENDED)
            return NOTHING;
        if (model.step == LEFT) {
            continue;
        } else if (model.step == DUE) {
            if (model.left > 0 && model.due.n > 0) {
                model.left--;
                return A_TIMER + take_at(&model.due, 0);
            }
        } else if (model.step == POSTED) {
            if (model.left > 0 && model.batch.n > 0) {
                model.left--;
                return A_JOB + take_at(&model.batch, 0);
            }
            /* What is left stays before what was posted meanwhile. */
            for (unsigned i = 0; i < model.queues[POSTS].n; i++)
                put_last(&model.batch, model.queues[POSTS].items[i]);
            model.queues[POSTS] = model.batch;
        } else if (model.batch.n > 0) {
            return (model.step == POLLED ? A_POLL : A_JOB) + take_at(&model.batch, 0);
        }
    }
}

/* ---- things at random ---- */

static thing timers[TIMERS], jobs[JOBS], polls[POLLS];
static int ends[POLLS][2];
static uint64_t seed, random_state;
static unsigned turn_number, calls;

static uint64_t draw(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % n;
}

static void wrong(const char *what, int got, int want)
{
    fprintf(stderr, "seed %" PRIu64 ", turn %u: got %d, the model says %d\n", seed, turn_number,
            got, want);
    test_fail(__FILE__, __LINE__, what);
}

static uint64_t some_time(uint64_t now)
{
    switch (draw(8)) {
    case 0:
        return now;
    case 1:
        return draw(now);
    case 2:
        return now + draw(UINT64_C(1) << draw(62));
    case 3:
        return draw(4) == 0 ? WEIR_FOREVER - draw(3) : now + draw(10);
    default:
        return now + draw(UINT64_C(1) << draw(24));
    }
}

static void do_something(weir_loop *loop)
{
    const int i = (int)draw(TIMERS), j = (int)draw(JOBS), p = (int)draw(POLLS);
    thing *const t = &timers[i];
    uint64_t deadline, period;
    weir_timer_late late;

    switch (draw(12)) {
    case 0:
        CHECK_EQ(weir_timer_stop(&t->timer), model.timers[i].started);
        forget(&model.due, i);
        model.timers[i].started = false;
        break;
    case 1:
    case 2:
    case 3:
        deadline = some_time(model.now);
        weir_timer_start(&t->timer, deadline);
        model_start(i, deadline, 0, WEIR_TIMER_BURST);
        break;
    case 4:
        deadline = some_time(model.now);
        period = draw(UINT64_C(1) << draw(40));
        late = (weir_timer_late)draw(3);
        weir_timer_repeat(&t->timer, deadline, period, late);
        model_start(i, deadline, period != 0 ? period : 1, late);
        break;
    case 5:
        model.timers[i].background = draw(2) != 0;
        weir_timer_background(&t->timer, model.timers[i].background);
        break;
    case 6:
    case 7:
    case 8:
        if (!model.queued[j]) {
            const int where = (int)draw(QUEUES);

            model.queued[j] = true;
            put_last(&model.queues[where], j);
            if (where == POSTS)
                thing_post(&jobs[j]);
            else
                weir_loop_defer(loop, &jobs[j].job, (weir_loop_phase)where);
        }
        break;
    case 9:
        if (model.polled[p]) {
            weir_poll_again(&polls[p].poll, WEIR_POLL_READ);
            if (!has(&model.again, p) && !(model.step == POLLED && has(&model.batch, p)))
                put_last(&model.again, p);
        }
        break;
    case 10:
        CHECK_EQ(weir_poll_stop(&polls[p].poll), model.polled[p]);
        forget(&model.again, p);
        if (model.step == POLLED)
            forget(&model.batch, p);
        model.polled[p] = false;
        break;
    default:
        if (!model.polled[p])
            CHECK_EQ(weir_poll_start(&polls[p].poll, WEIR_POLL_READ), 0);
        model.polled[p] = true;
    }
}

static void called(thing *t, int who)
{
    const int expected = next_of_model();

    if (expected != who)
        wrong("somebody else was to be called", who, expected);
    calls++;
    if (who >= A_POLL) {
        CHECK_EQ(t->ready, WEIR_POLL_READ);
    } else if (who >= A_JOB) {
        model.queued[who - A_JOB] = false;
    } else {
        model_timer *const m = &model.timers[who];

        CHECK(m->deadline <= model.now);
        go_on(m);
        CHECK_EQ(weir_timer_missed(&t->timer), m->missed);
    }
    for (uint64_t n = draw(4); n > 0; n--)
        do_something(t->loop);
}

static void timer_called(thing *t)
{
    called(t, A_TIMER + (int)(t - timers));
}

static void job_called(thing *t)
{
    called(t, A_JOB + (int)(t - jobs));
}

static void poll_called(thing *t)
{
    called(t, A_POLL + (int)(t - polls));
}

/* Between two turns. */
static void compare(weir_loop *loop)
{
    uint64_t next = WEIR_FOREVER;
    bool alive = false, work = model.again.n > 0 || model.due.n > 0;

    for (int q = 0; q < QUEUES; q++)
        work = work || model.queues[q].n > 0;
    for (int q = 0; q < QUEUES; q++)
        alive = alive || model.queues[q].n > 0;
    for (int i = 0; i < TIMERS; i++) {
        const model_timer *const m = &model.timers[i];

        CHECK_EQ(weir_timer_is_started(&timers[i].timer), m->started);
        CHECK_EQ(weir_timer_deadline(&timers[i].timer), m->started ? m->deadline : WEIR_FOREVER);
        alive = alive || (m->started && !m->background);
        if (m->started && m->deadline < next)
            next = m->deadline;
    }
    for (int p = 0; p < POLLS; p++) {
        CHECK_EQ(weir_poll_is_started(&polls[p].poll), model.polled[p]);
        alive = alive || model.polled[p];
    }
    if (weir_loop_alive(loop) != alive)
        wrong("alive", weir_loop_alive(loop), alive);
    if (work)
        CHECK_EQ(weir_loop_deadline(loop), 0);
    CHECK(weir_loop_deadline(loop) <= next);
}

static void finish(weir_loop *loop)
{
    for (int i = 0; i < TIMERS; i++)
        (void)weir_timer_stop(&timers[i].timer);
    for (int p = 0; p < POLLS; p++) {
        (void)weir_poll_stop(&polls[p].poll);
        CHECK(close(ends[p][0]) == 0 && close(ends[p][1]) == 0);
    }
    CHECK_EQ(weir_loop_free(loop), 0);
}

static void play(void)
{
    weir_loop_options options = moved_options();
    weir_loop *loop;

    random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
    memset(&model, 0, sizeof model);
    options.timers = model.budget[0] = 1 + (unsigned)draw(draw(2) != 0 ? 4 : 100);
    options.posts = model.budget[1] = 1 + (unsigned)draw(4);
    options.deferred = model.budget[2] = 1 + (unsigned)draw(4);
    model.now = draw(UINT64_C(1) << draw(60));
    move_to(model.now);
    loop = make(&options);
    model.step = ENDED;
    for (int i = 0; i < TIMERS; i++)
        timers[i] = thing_of(loop, 0, timer_called);
    for (int i = 0; i < JOBS; i++)
        jobs[i] = thing_of(loop, 0, job_called);
    for (int i = 0; i < POLLS; i++) {
        polls[i] = thing_of(loop, 0, poll_called);
        CHECK(pipe(ends[i]) == 0); /* the kernel never says anything of them */
        weir_poll_init(&polls[i].poll, loop, ends[i][0], thing_ready);
    }
    for (turn_number = 1; turn_number <= TURNS; turn_number++) {
        for (uint64_t n = draw(6); n > 0; n--)
            do_something(loop);
        if (draw(3) != 0)
            model.now += draw(UINT64_C(1) << draw(draw(20) == 0 ? 58 : 26));
        if (model.now > WEIR_FOREVER / 2)
            break;
        move_to(model.now);
        compare(loop);
        begin_turn();
        (void)weir_loop_turn(loop, 0);
        if (next_of_model() != NOTHING)
            wrong("somebody was not called", NOTHING, 0);
        compare(loop);
    }
    finish(loop);
}

static void turns_at_random_are_as_the_model_says(void)
{
    enum { SEEDS = 40 };

    for (seed = 1; seed <= SEEDS; seed++)
        play();
    printf("seeds 1 to %d, %u calls\n", SEEDS, calls);
    CHECK(calls > 10000);
}

/* ---- many ---- */

enum { MANY = 60000 };

static weir_timer crowd[MANY];
static uint64_t last_deadline, due_of[MANY];
static unsigned crowd_calls;

static void crowd_due(weir_timer *timer)
{
    const uint64_t due = due_of[timer - crowd];

    CHECK(due >= last_deadline && due <= weir_loop_now(timer->loop));
    last_deadline = due;
    due_of[timer - crowd] = 0;
    crowd_calls++;
}

static void random_starts_and_stops_come_in_the_order_of_deadlines(void)
{
    weir_loop *const loop = make_moved();
    unsigned expected = 0;

    seed = 7;
    random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < MANY; i++) {
        weir_timer_init(&crowd[i], loop, crowd_due);
        due_of[i] = 1001 + draw(6000 * (uint64_t)MS);
        weir_timer_start(&crowd[i], due_of[i]);
    }
    for (int i = 0; i < MANY; i++) {
        const uint64_t j = draw(MANY);

        if (i % 3 == 0) {
            due_of[j] = 1001 + draw(6000 * (uint64_t)MS);
            weir_timer_start(&crowd[j], due_of[j]);
        } else if (weir_timer_stop(&crowd[j])) {
            due_of[j] = 0;
        }
    }
    for (int i = 0; i < MANY; i++) {
        CHECK_EQ(weir_timer_is_started(&crowd[i]), due_of[i] != 0);
        expected += due_of[i] != 0;
    }
    while (weir_loop_alive(loop)) {
        move_to(moved_now(NULL) + draw(100 * (uint64_t)MS));
        (void)weir_loop_turn(loop, 0);
    }
    CHECK_EQ(crowd_calls, expected);
    end(loop);
}

int main(void)
{
    return TEST_RUN("timer_random", TEST_CASE(turns_at_random_are_as_the_model_says),
                    TEST_CASE(random_starts_and_stops_come_in_the_order_of_deadlines));
}
