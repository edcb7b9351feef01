/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/wheel.h: a wheel beside a model of it, which sorts. Their clock goes where the test says.
 */

#ifndef WEIR_TESTS_WHEEL_H
#define WEIR_TESTS_WHEEL_H

#include "../lib/wheel.h"
#include "test.h"

enum { MOST = 512 };

typedef struct timer {
    weir__wheel_node node;
    uint64_t deadline, sequence; /* as the model has them */
    bool inside, due;
} timer;

static struct {
    uint64_t seed, random;
    unsigned step;
    uint64_t now, sequence;
    unsigned timers;
    unsigned changes; /* removals and moves: each may make next() early once */
    timer *due[MOST]; /* those that have not been popped, in order */
    unsigned due_count;
    timer timer[MOST];
} model;

static weir__wheel wheel;

static inline void fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "seed %#" PRIx64 ", step %u, now %#" PRIx64 "\n", model.seed, model.step,
            model.now);
    test_fail(file, line, what);
}

#define EXPECT(condition) ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition))

static inline uint64_t random_bits(void)
{
    uint64_t z = model.random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline unsigned random_below(unsigned n)
{
    return (unsigned)(random_bits() >> 32) % n;
}

/* ---- the model ---- */

static inline void begin(uint64_t now, unsigned timers, uint64_t seed)
{
    memset(&model, 0, sizeof model);
    model.seed = model.random = seed;
    model.timers = timers;
    model.now = now < WEIR_FOREVER ? now : WEIR_FOREVER - 1;
    weir__wheel_init(&wheel, now);
}

static inline bool has_passed(const timer *t)
{
    return t->deadline <= model.now && t->deadline != WEIR_FOREVER;
}

static inline int compare(const void *left, const void *right)
{
    const timer *const a = *(timer *const *)left, *const b = *(timer *const *)right;

    if (a->deadline != b->deadline)
        return a->deadline < b->deadline ? -1 : 1;
    return a->sequence < b->sequence ? -1 : 1;
}

static inline void no_longer_due(timer *t)
{
    unsigned i = 0;

    while (model.due[i] != t)
        i++;
    model.due_count--;
    memmove(&model.due[i], &model.due[i + 1], (model.due_count - i) * sizeof model.due[0]);
    t->due = false;
}

static inline void check_next(void)
{
    const uint64_t got = weir__wheel_next(&wheel);
    uint64_t want = WEIR_FOREVER;
    size_t inside = 0;

    for (unsigned i = 0; i < model.timers; i++) {
        const timer *const t = &model.timer[i];

        inside += t->inside;
        if (t->inside && (t->due || has_passed(t)))
            want = 0;
        else if (t->inside && t->deadline < want)
            want = t->deadline;
    }
    EXPECT(weir__wheel_count(&wheel) == inside);
    EXPECT(got <= want);
    EXPECT(want == 0 || got > model.now);
    EXPECT(model.changes != 0 || got == want);
}

static inline void insert(timer *t, uint64_t deadline)
{
    t->deadline = deadline;
    t->sequence = model.sequence++;
    t->inside = true;
    weir__wheel_insert(&wheel, &t->node, deadline);
}

static inline void take_out(timer *t)
{
    EXPECT(weir__wheel_remove(&wheel, &t->node) == t->inside);
    EXPECT(!weir__wheel_remove(&wheel, &t->node));
    model.changes += t->inside;
    if (t->due)
        no_longer_due(t);
    t->inside = false;
}

static inline void rearm(timer *t, uint64_t deadline)
{
    model.changes += t->inside;
    if (t->due)
        no_longer_due(t);
    t->deadline = deadline;
    t->sequence = model.sequence++;
    t->inside = true;
    weir__wheel_rearm(&wheel, &t->node, deadline);
}

static inline void advance(uint64_t now)
{
    const unsigned before = model.due_count;

    if (now > model.now)
        model.now = now < WEIR_FOREVER ? now : WEIR_FOREVER - 1;
    for (unsigned i = 0; i < model.timers; i++) {
        timer *const t = &model.timer[i];

        if (t->inside && !t->due && has_passed(t)) {
            t->due = true;
            model.due[model.due_count++] = t;
        }
    }
    qsort(&model.due[before], model.due_count - before, sizeof model.due[0], compare);
    weir__wheel_advance(&wheel, now);
}

static inline timer *pop(void)
{
    timer *const want = model.due_count > 0 ? model.due[0] : NULL;
    weir__wheel_node *const got = weir__wheel_pop(&wheel);

    EXPECT(got == (want != NULL ? &want->node : NULL));
    if (want != NULL) {
        EXPECT(got->deadline == want->deadline);
        no_longer_due(want);
        want->inside = false;
    }
    return want;
}

static inline unsigned pop_all(void)
{
    unsigned count = 0;

    while (pop() != NULL)
        count++;
    return count;
}

/* Goes from one time that next() tells to the next, as a loop does. Returns: how often it was
 * early. */
static inline unsigned run_out(void)
{
    unsigned early = 0;
    uint64_t next;

    while ((next = weir__wheel_next(&wheel)) != WEIR_FOREVER) {
        check_next();
        advance(next);
        early += pop_all() == 0;
        model.step++;
    }
    check_next();
    return early;
}

/* ---- times ---- */

/* Those from which the tests start: around each power of two, and where a multiplication by the
 * golden ratio leads. */
enum { STARTS = 1 + 64 * 4 + 16 };

static inline uint64_t start(unsigned i)
{
    static const uint64_t around[4] = {UINT64_MAX, 0, 1, UINT64_C(0xfffffffffffff000)};

    if (i == 0)
        return UINT64_MAX;
    i--;
    if (i < 64 * 4)
        return (UINT64_C(1) << i / 4) + around[i % 4];
    return (i - 255) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Of every scale, past ones among them; some are those of other timers. */
static inline uint64_t random_time(void)
{
    const unsigned bits = random_below(64);

    switch (random_below(8)) {
    case 0:
        return model.now + (UINT64_C(1) << bits) + random_below(3) - 1;
    case 1:
        return model.now - random_below(1 << 22);
    case 2:
        return model.timer[random_below(model.timers)].deadline;
    case 3:
        return (model.now | ((UINT64_C(1) << bits) - 1)) + random_below(3) - 1;
    case 4:
        return random_below(4) == 0 ? WEIR_FOREVER - random_below(2) : model.now + bits;
    default:
        return weir_clock_add(model.now, random_bits() >> bits);
    }
}

#endif /* WEIR_TESTS_WHEEL_H */
