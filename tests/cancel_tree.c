/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/cancel.h: trees, links, deadlines, and the order of ends. */

#include "cancel.h"

#include "../lib/wait.h"

/* ---- trees ---- */

/* All below it are cancelled before the first callback runs. */
static void check_below(void *context, int reason)
{
    weir_cancel_source *const sources = (weir_cancel_source *)context;

    for (int i = 0; i < 3; i++)
        CHECK_EQ(weir_cancel_reason(token_of(&sources[i])), reason);
}

static void a_parent_cancels_what_is_below_and_nothing_else(void)
{
    weir_cancel_source s[3], late;
    weir_cancel_callback callback;

    for (int from = 0; from < 3; from++) {
        weir_cancel_source_init(&s[0], NULL, WEIR_FOREVER);
        weir_cancel_source_init(&s[1], token_of(&s[0]), WEIR_FOREVER);
        weir_cancel_source_init(&s[2], token_of(&s[1]), WEIR_FOREVER);
        if (from == 0)
            CHECK(weir_cancel_register(token_of(&s[0]), &callback, check_below, s));
        CHECK(weir_cancel_source_cancel(&s[from], 20 + from));
        for (int i = 0; i < 3; i++)
            CHECK_EQ(weir_cancel_reason(token_of(&s[i])), i < from ? 0 : 20 + from);
        weir_cancel_source_init(&late, token_of(&s[from]), WEIR_FOREVER);
        CHECK_EQ(weir_cancel_reason(token_of(&late)), 20 + from);
        CHECK_EQ(weir_cancel_source_destroy(&late), 0);
        CHECK_EQ(weir_cancel_source_destroy(&s[0]), -EBUSY);
        CHECK_EQ(weir_cancel_source_destroy(&s[1]), -EBUSY);
        for (int i = 2; i >= 0; i--)
            CHECK_EQ(weir_cancel_source_destroy(&s[i]), 0);
    }
}

/* In a thread whose stack a recursion of that depth would leave. */
static void *cancel_deep_tree(void *argument)
{
    enum { DEPTH = 100000 };
    weir_cancel_source *const s = (weir_cancel_source *)calloc(DEPTH, sizeof *s);
    note first, last;

    (void)argument;
    CHECK(s != NULL);
    turns = 0;
    for (int i = 0; i < DEPTH; i++)
        weir_cancel_source_init(&s[i], i > 0 ? token_of(&s[i - 1]) : NULL, WEIR_FOREVER);
    CHECK(watch(token_of(&s[DEPTH - 1]), &last));
    CHECK(watch(token_of(&s[0]), &first));
    CHECK(weir_cancel_source_cancel(&s[0], 8));
    CHECK(first.turn == 1 && last.turn == 2);
    for (int i = DEPTH - 1; i >= 0; i--) {
        CHECK_EQ(weir_cancel_reason(token_of(&s[i])), 8);
        CHECK_EQ(weir_cancel_source_destroy(&s[i]), 0);
    }
    free(s);
    return NULL;
}

static void depth_costs_no_stack(void)
{
    pthread_attr_t small;
    pthread_t thread;

    CHECK(pthread_attr_init(&small) == 0);
    CHECK(pthread_attr_setstacksize(&small, 256 * 1024) == 0);
    CHECK(pthread_create(&thread, &small, cancel_deep_tree, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    pthread_attr_destroy(&small);
}

/* In any order of destruction; and nothing is left of a million. */
static void children_come_and_go(void)
{
    enum { WIDTH = 1000, MILLION = 1000000 };
    static weir_cancel_source children[WIDTH];
    weir_cancel_source parent;

    weir_cancel_source_init(&parent, NULL, WEIR_FOREVER);
    for (int i = 0; i < WIDTH; i++)
        weir_cancel_source_init(&children[i], token_of(&parent), WEIR_FOREVER);
    for (int i = 0; i < WIDTH; i++)
        CHECK_EQ(weir_cancel_source_destroy(&children[i * 7 % WIDTH]), 0);
    for (int i = 0; i < MILLION; i++) {
        weir_cancel_source_init(&children[i % 2], token_of(&parent), WEIR_FOREVER);
        if (i > 0)
            CHECK_EQ(weir_cancel_source_destroy(&children[(i + 1) % 2]), 0);
    }
    CHECK_EQ(weir_cancel_source_destroy(&children[(MILLION - 1) % 2]), 0);
    CHECK(parent.token.children == NULL);
    CHECK(weir_cancel_source_cancel(&parent, 1));
    CHECK_EQ(weir_cancel_source_destroy(&parent), 0);
}

static void a_linked_source_has_several_parents(void)
{
    weir_cancel_source parents[3], child, gone;
    weir_cancel_link links[3];
    note n;

    for (int which = 0; which < 3; which++) {
        for (int i = 0; i < 3; i++)
            weir_cancel_source_init(&parents[i], NULL, WEIR_FOREVER);
        weir_cancel_source_init(&child, token_of(&parents[0]), WEIR_FOREVER);
        for (int i = 1; i < 3; i++)
            CHECK_EQ(weir_cancel_source_link(&child, &links[i], token_of(&parents[i])), 0);
        CHECK(watch(token_of(&child), &n));
        CHECK(weir_cancel_source_cancel(&parents[which], 30 + which));
        CHECK_EQ(weir_cancel_reason(token_of(&child)), 30 + which);
        CHECK(weir_cancel_source_cancel(&parents[(which + 1) % 3], 40));
        CHECK_EQ(weir_cancel_reason(token_of(&child)), 30 + which);
        CHECK_EQ(n.calls, 1);
        CHECK_EQ(weir_cancel_source_destroy(&parents[2]), -EBUSY);
        CHECK_EQ(weir_cancel_source_destroy(&child), 0);
        weir_cancel_source_init(&child, NULL, WEIR_FOREVER);
        CHECK_EQ(weir_cancel_source_link(&child, &links[0], token_of(&parents[which])), 0);
        CHECK_EQ(weir_cancel_reason(token_of(&child)), 30 + which);
        CHECK_EQ(weir_cancel_source_destroy(&child), 0);
        for (int i = 0; i < 3; i++)
            CHECK_EQ(weir_cancel_source_destroy(&parents[i]), 0);
    }
    weir_cancel_source_init(&parents[0], NULL, WEIR_FOREVER);
    weir_cancel_source_init(&gone, NULL, WEIR_FOREVER);
    weir_cancel_source_init(&child, token_of(&parents[0]), WEIR_FOREVER);
    CHECK_EQ(weir_cancel_source_link(&parents[0], &links[0], token_of(&gone)), -EBUSY);
    CHECK_EQ(weir_cancel_source_link(&parents[0], &links[0], token_of(&child)), -EBUSY);
    CHECK_EQ(weir_cancel_source_link(&child, &links[0], token_of(&child)), -EBUSY);
    CHECK_EQ(weir_cancel_source_destroy(&child), 0);
    CHECK_EQ(weir_cancel_source_destroy(&parents[0]), 0);
    CHECK_EQ(weir_cancel_source_destroy(&gone), 0);
}

/* Two ways lead to the bottom. */
static void a_diamond_is_cancelled_once(void)
{
    weir_cancel_source top, left, right, bottom;
    weir_cancel_link link;
    note n;

    turns = 0;
    weir_cancel_source_init(&top, NULL, WEIR_FOREVER);
    weir_cancel_source_init(&left, token_of(&top), WEIR_FOREVER);
    weir_cancel_source_init(&right, token_of(&top), WEIR_FOREVER);
    weir_cancel_source_init(&bottom, token_of(&left), WEIR_FOREVER);
    CHECK_EQ(weir_cancel_source_link(&bottom, &link, token_of(&right)), 0);
    CHECK(watch(token_of(&bottom), &n));
    CHECK(weir_cancel_source_cancel(&top, 2));
    CHECK_EQ(n.calls, 1);
    CHECK_EQ(weir_cancel_source_destroy(&bottom), 0);
    CHECK_EQ(weir_cancel_source_destroy(&left), 0);
    CHECK_EQ(weir_cancel_source_destroy(&right), 0);
    CHECK_EQ(weir_cancel_source_destroy(&top), 0);
}

/* As many ways as 2 to the 60th. */
static void ways_are_not_counted(void)
{
    enum { LEVELS = 60 };
    static weir_cancel_source s[2 * LEVELS];
    static weir_cancel_link links[2 * LEVELS];
    note n;

    for (int i = 0; i < 2 * LEVELS; i++) {
        const int above = i / 2 * 2 - 2;

        weir_cancel_source_init(&s[i], i < 2 ? NULL : token_of(&s[above]), WEIR_FOREVER);
        if (i >= 2)
            CHECK_EQ(weir_cancel_source_link(&s[i], &links[i], token_of(&s[above + 1])), 0);
    }
    CHECK(watch(token_of(&s[2 * LEVELS - 1]), &n));
    CHECK(weir_cancel_source_cancel(&s[0], 2));
    CHECK_EQ(n.calls, 1);
    for (int i = 2 * LEVELS - 1; i >= 0; i--) {
        CHECK_EQ(weir_cancel_reason(token_of(&s[i])), i == 1 ? 0 : 2);
        CHECK_EQ(weir_cancel_source_destroy(&s[i]), 0);
    }
}

/* ---- deadlines ---- */

/* With a deadline that is still to come when it is watched: a loaded machine takes its time. */
static void init_and_watch(weir_cancel_source *source, note *n)
{
    for (uint64_t ns = MS;; ns *= 2) {
        weir_cancel_source_init(source, NULL, weir_clock_after(ns));
        if (watch(token_of(source), n))
            return;
        CHECK_EQ(weir_cancel_source_destroy(source), 0);
    }
}

static void a_deadline_cancels_when_somebody_looks(void)
{
    static const uint64_t never[] = {WEIR_FOREVER, WEIR_FOREVER - 1, (uint64_t)INT64_MAX};
    weir_cancel_source source;
    note n;

    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        weir_cancel_source_init(&source, NULL, never[i]);
        CHECK_EQ(weir_cancel_check(token_of(&source)), 0);
        CHECK_EQ(weir_cancel_wait(token_of(&source), weir_clock_after(MS), NULL), -ETIMEDOUT);
        CHECK(weir_cancel_deadline(token_of(&source)) == never[i]);
        CHECK(watch(token_of(&source), &n));
        CHECK(weir_cancel_source_cancel(&source, 6));
        CHECK_EQ(n.calls, 1);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    }
    for (uint64_t past = 0; past < 2; past++) {
        weir_cancel_source_init(&source, NULL, past);
        CHECK(!watch(token_of(&source), &n)); /* at once */
        CHECK_EQ(n.reason, -ETIMEDOUT);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
        weir_cancel_source_init(&source, NULL, past);
        CHECK(!weir_cancel_source_cancel(&source, 6)); /* it came too late */
        CHECK_EQ(weir_cancel_reason(token_of(&source)), -ETIMEDOUT);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    }
    init_and_watch(&source, &n);
    while (weir_clock_now() < weir_cancel_deadline(token_of(&source)))
        CHECK_EQ(n.calls, 0);
    CHECK_EQ(n.calls, 0); /* nobody has looked */
    CHECK_EQ(weir_cancel_check(token_of(&source)), -ECANCELED);
    CHECK_EQ(n.calls, 1);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

static void a_wait_takes_the_earlier_deadline(void)
{
    weir_cancel_source source;
    weir_waiter waiter;
    uint64_t early;
    note n;

    weir_waiter_init(&waiter);
    weir_cancel_source_init(&source, NULL, weir_clock_after(UINT64_C(3600000) * MS));
    early = weir_clock_after(2 * MS);
    CHECK_EQ(weir_waiter_park(&waiter, early, token_of(&source)), -ETIMEDOUT);
    CHECK(weir_clock_now() >= early);
    CHECK_EQ(weir_cancel_check(token_of(&source)), 0);
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);

    init_and_watch(&source, &n);
    CHECK_EQ(weir_waiter_park(&waiter, WEIR_FOREVER, token_of(&source)), -ECANCELED);
    CHECK_EQ(n.calls, 1);
    CHECK_EQ(n.reason, -ETIMEDOUT);
    CHECK(weir_clock_now() >= weir_cancel_deadline(token_of(&source)));
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
}

static void deadlines_come_from_above(void)
{
    weir_cancel_source top, middle, bottom, other;
    weir_cancel_link link;
    note notes[3];

    /* Who looks at the bottom finds the top's. */
    for (uint64_t ns = MS;; ns *= 2) {
        weir_cancel_source_init(&top, NULL, weir_clock_after(ns));
        weir_cancel_source_init(&middle, token_of(&top), WEIR_FOREVER);
        if (watch(token_of(&top), &notes[0]) && watch(token_of(&middle), &notes[1]))
            break; /* before the deadline */
        CHECK_EQ(weir_cancel_source_destroy(&middle), 0);
        CHECK_EQ(weir_cancel_source_destroy(&top), 0);
    }
    weir_cancel_source_init(&bottom, token_of(&middle), weir_clock_after(UINT64_C(3600000) * MS));
    CHECK_EQ(weir_cancel_wait(token_of(&bottom), WEIR_FOREVER, NULL), 0);
    CHECK(notes[0].calls == 1 && notes[1].calls == 1);
    CHECK_EQ(weir_cancel_reason(token_of(&bottom)), -ETIMEDOUT);
    CHECK_EQ(weir_cancel_source_destroy(&bottom), 0);
    CHECK_EQ(weir_cancel_source_destroy(&middle), 0);
    CHECK_EQ(weir_cancel_source_destroy(&top), 0);

    /* The middle's own is nothing to the top; a link brings one too. */
    weir_cancel_source_init(&top, NULL, WEIR_FOREVER);
    init_and_watch(&other, &notes[2]);
    weir_cancel_source_init(&middle, token_of(&top), WEIR_FOREVER);
    CHECK_EQ(weir_cancel_source_link(&middle, &link, token_of(&other)), 0);
    weir_cancel_source_init(&bottom, token_of(&middle), WEIR_FOREVER);
    CHECK(weir_cancel_deadline(token_of(&bottom)) == weir_cancel_deadline(token_of(&other)));
    CHECK_EQ(weir_cancel_wait(token_of(&bottom), WEIR_FOREVER, NULL), 0);
    CHECK_EQ(notes[2].calls, 1);
    CHECK_EQ(weir_cancel_check(token_of(&top)), 0);
    CHECK_EQ(weir_cancel_source_destroy(&bottom), 0);
    CHECK_EQ(weir_cancel_source_destroy(&middle), 0);
    CHECK_EQ(weir_cancel_source_destroy(&other), 0);
    CHECK_EQ(weir_cancel_source_destroy(&top), 0);
}

/* ---- what is wrong ---- */

static void who_waits_keeps_a_source(void)
{
    weir_cancel_source source, parent;
    weir_cancel_link link;
    weir_waiter waiter;
    weir_wait_node node;

    weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
    weir_cancel_source_init(&parent, NULL, WEIR_FOREVER);
    weir_waiter_init(&waiter);
    CHECK(weir__queue_enter(&source.token.queue, &node, &waiter));
    CHECK_EQ(weir_cancel_source_destroy(&source), -EBUSY);
    CHECK_EQ(weir_cancel_source_link(&source, &link, token_of(&parent)), -EBUSY);
    CHECK(weir__queue_leave(&source.token.queue, &node));
    CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    CHECK_EQ(weir_cancel_source_destroy(&parent), 0);
}

static void a_source_that_is_no_more_is_told(void)
{
    static const char sentence[] = "a token whose source has been destroyed";
    weir_cancel_source source, child;
    weir_waiter waiter;
    note n, used;

    for (int cancelled = 0; cancelled < 2; cancelled++) {
        weir_cancel_source_init(&source, NULL, WEIR_FOREVER);
        if (cancelled)
            CHECK(weir_cancel_source_cancel(&source, 1));
        CHECK_EQ(watch(token_of(&source), &used), cancelled == 0);
        CHECK_EQ(weir_cancel_unregister(&used.callback, 0, NULL), cancelled ? -EALREADY : 0);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
        weir_waiter_init(&waiter);
        CHECK_DIES(weir_cancel_unregister(&used.callback, 0, NULL), sentence);
        CHECK_DIES(weir_cancel_check(token_of(&source)), sentence);
        CHECK_DIES(weir_cancel_reason(token_of(&source)), sentence);
        CHECK_DIES(if (weir_cancel_wait(token_of(&source), 0, NULL) != 0) return, sentence);
        CHECK_DIES(if (weir_waiter_park(&waiter, 0, token_of(&source)) != 0) return, sentence);
        CHECK_DIES(watch(token_of(&source), &n), sentence);
        CHECK_DIES(weir_cancel_source_init(&child, token_of(&source), WEIR_FOREVER), sentence);
        CHECK_DIES(weir_cancel_source_cancel(&source, 1), sentence);
        CHECK_DIES(weir_cancel_source_destroy(&source), sentence);
        weir_cancel_source_init(&source, NULL, WEIR_FOREVER); /* the memory may be used again */
        CHECK_EQ(weir_cancel_check(token_of(&source)), 0);
        CHECK_EQ(weir_cancel_source_destroy(&source), 0);
    }
    CHECK_DIES(watch(NULL, &n), "are needed");
    CHECK_DIES(if (weir_cancel_wait(NULL, 0, NULL) != 0) return, "a token is needed");
}

int main(void)
{
    return TEST_RUN(
        "cancel_tree", TEST_CASE(a_parent_cancels_what_is_below_and_nothing_else),
        TEST_CASE(depth_costs_no_stack), TEST_CASE(children_come_and_go),
        TEST_CASE(a_linked_source_has_several_parents), TEST_CASE(a_diamond_is_cancelled_once),
        TEST_CASE(ways_are_not_counted), TEST_CASE(a_deadline_cancels_when_somebody_looks),
        TEST_CASE(a_wait_takes_the_earlier_deadline), TEST_CASE(deadlines_come_from_above),
        TEST_CASE(who_waits_keeps_a_source), TEST_CASE(a_source_that_is_no_more_is_told));
}
