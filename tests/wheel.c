/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/wheel.h: timers come when they should, in order, and once; beside a model. */

#include "wheel.h"

static void an_empty_wheel_is_one(void)
{
    timer *const t = &model.timer[0];

    for (unsigned i = 0; i < STARTS; i++) {
        begin(start(i), 1, i);
        check_next();
        EXPECT(weir__wheel_next(&wheel) == WEIR_FOREVER);
        EXPECT(pop() == NULL);
        take_out(t);
        for (unsigned k = 0; k < 64; k++) {
            advance(model.now + (UINT64_C(1) << k));
            EXPECT(pop() == NULL);
        }
        insert(t, WEIR_FOREVER);
        take_out(t);
        EXPECT(weir__wheel_next(&wheel) == WEIR_FOREVER);
        advance(0);
        EXPECT(weir__wheel_count(&wheel) == 0);
    }
}

/* All distances at once; the clock jumps from one to the next, to just before, there, and just
 * behind it; or by next(), which is right each time. */
static void each_power_of_two_comes_when_it_should(void)
{
    for (unsigned i = 0; i < 2 * STARTS; i++) {
        const uint64_t from = start(i / 2) < WEIR_FOREVER ? start(i / 2) : WEIR_FOREVER - 1;

        begin(from, 64 * 3, i);
        for (unsigned k = 0; k < model.timers; k++) {
            const unsigned n = k * 89 % model.timers; /* in no order */

            insert(&model.timer[n], weir_clock_add(from, (UINT64_C(1) << n / 3) + n % 3 - 1));
            check_next();
        }
        for (unsigned k = 0; k < model.timers && i % 2 == 0; k++) {
            advance(weir_clock_add(from, (UINT64_C(1) << k / 3) + k % 3 - 1));
            check_next();
            pop_all();
            check_next();
        }
        EXPECT(run_out() == 0);
    }
}

static void a_lonely_timer_is_known_to_the_ns(void)
{
    const uint64_t hour = UINT64_C(3600000000000);

    for (unsigned i = 1; i < STARTS; i++) {
        begin(start(i) / 2, 1, i);
        const uint64_t deadline = model.now + hour;

        insert(&model.timer[0], deadline);
        for (uint64_t left = hour; left > 0; left /= 2) {
            advance(deadline - left);
            EXPECT(weir__wheel_next(&wheel) == deadline && pop() == NULL);
        }
        advance(deadline);
        EXPECT(weir__wheel_next(&wheel) == 0 && pop() == &model.timer[0]);
    }
}

static void random_operation(void)
{
    timer *const t = &model.timer[random_below(model.timers)];
    const uint64_t next = weir__wheel_next(&wheel);

    switch (random_below(8)) {
    case 0:
        take_out(t);
        break;
    case 1:
        rearm(t, random_time());
        break;
    case 2:
        if (t->inside && !t->due && t->deadline > model.now)
            rearm(t, weir_clock_add(t->deadline, random_bits() >> random_below(64)));
        break;
    case 3:
        advance(random_below(4) == 0 ? weir_clock_add(model.now, random_bits() >> random_below(64))
                                     : next - random_below(2));
        break;
    case 4:
        advance(model.now + (random_bits() & 0x3fff));
        pop_all();
        break;
    case 5:
        pop();
        break;
    default:
        if (!t->inside)
            insert(t, random_time());
    }
    check_next();
}

static void whatever_happens_is_in_order(void)
{
    for (unsigned i = 0; i < 8 * STARTS; i++) {
        begin(start(i % STARTS), i % 3 == 0 ? 4 : 24, i);
        for (; model.step < 150; model.step++)
            random_operation();
        EXPECT(run_out() <= model.changes);
        EXPECT(weir__wheel_count(&wheel) == 0 || weir__wheel_next(&wheel) == WEIR_FOREVER);
    }
}

/* Nothing is removed or moved: then next() is right to the ns. */
static void next_is_right_if_nothing_is_removed(void)
{
    for (unsigned i = 0; i < 2 * STARTS; i++) {
        begin(start(i % STARTS), 32, i);
        for (; model.step < 100; model.step++) {
            timer *const t = &model.timer[random_below(model.timers)];

            if (!t->inside)
                insert(t, random_time());
            if (random_below(4) == 0) {
                advance(weir__wheel_next(&wheel) - random_below(2));
                pop_all();
            }
            check_next();
        }
        EXPECT(run_out() == 0);
    }
}

/* Of three timers in a slot the first is removed, or moved: next() is early once. */
static void next_is_early_once(void)
{
    for (unsigned i = 1; i < 4 * STARTS; i++) {
        const unsigned bits = i / 4 % 48;
        const uint64_t from = start(i / 4) / 4, first = from + (UINT64_C(1) << bits);

        begin(from, 4, i);
        for (unsigned k = 0; k < 3; k++)
            insert(&model.timer[k], first + k * ((UINT64_C(1) << bits) / 64 + 1));
        if (i % 2 == 0)
            take_out(&model.timer[0]);
        else
            rearm(&model.timer[0], weir_clock_add(first, UINT64_C(1) << (bits + 2)));
        if (i % 4 < 2) {
            insert(&model.timer[3], weir__wheel_next(&wheel) - 1);
            check_next();
        }
        EXPECT(run_out() <= 1);
    }
}

/* Those that were started when it was far, near, in this tick, or had passed; and the lazy. */
static void equal_deadlines_come_in_the_order_of_their_starts(void)
{
    static const uint64_t before[] = {UINT64_C(1) << 62, UINT64_C(1) << 50, UINT64_C(1) << 44,
                                      UINT64_C(1) << 38, UINT64_C(1) << 33, UINT64_C(1) << 31,
                                      UINT64_C(1) << 24, UINT64_C(1) << 21, UINT64_C(1) << 16,
                                      UINT64_C(1) << 12, UINT64_C(1) << 10, 1};
    enum { TIMES = sizeof before / sizeof before[0], EACH = 20 };

    for (unsigned i = 0; i < STARTS; i++) {
        const uint64_t deadline = start(i) / 2 + (UINT64_C(1) << 63) - 1;

        begin(0, TIMES * EACH, i);
        for (unsigned k = 0; k < TIMES; k++) {
            advance(deadline - before[k]);
            for (unsigned n = 0; n < EACH; n++)
                insert(&model.timer[k * EACH + n], deadline - (n % 4 == 0));
            for (unsigned n = 0; n < 4; n++)
                rearm(&model.timer[random_below((k + 1) * EACH)], deadline);
            check_next();
        }
        if (i % 2 == 0)
            advance(deadline - 1);
        advance(deadline);
        EXPECT(pop_all() == TIMES * EACH);
    }
}

static void what_is_inserted_while_others_are_popped_waits(void)
{
    timer *t;

    begin(UINT64_C(1) << 40, 8, 0);
    for (unsigned i = 0; i < 8; i++)
        insert(&model.timer[i], model.now + i);
    advance(model.now + 10);
    for (unsigned round = 0; round < 3; round++) {
        unsigned count = 0;

        while ((t = pop()) != NULL) {
            insert(t, count % 2 == 0 ? model.now : model.now - count);
            EXPECT(++count <= 8);
        }
        EXPECT(count == 8 && weir__wheel_next(&wheel) == 0);
        advance(round < 2 ? model.now : 0); /* the same time */
    }
    t = model.due[3];
    take_out(t);
    insert(t, 0);
    advance(0); /* behind those that are due already, though earlier */
    EXPECT(model.due[7] == t && pop_all() == 8);
}

static void what_is_due_can_be_removed(void)
{
    for (unsigned removed = 0; removed < 1 << 4; removed++) {
        begin(removed * UINT64_C(1000000007), 6, removed);
        for (unsigned i = 0; i < 4; i++)
            insert(&model.timer[i], model.now + 4 - i);
        advance(model.now + 4);
        for (unsigned i = 0; i < 4; i++)
            if ((removed >> i & 1) != 0)
                take_out(&model.timer[i]);
        check_next();
        insert(&model.timer[4], model.now + 1);
        insert(&model.timer[5], model.now);
        rearm(&model.timer[0], model.now + 1); /* due, or not inside */
        advance(model.now + 1);
        pop_all();
        EXPECT(weir__wheel_count(&wheel) == 0);
    }
}

static void forever_is_inside_and_never_due(void)
{
    for (unsigned i = 0; i < STARTS; i++) {
        begin(start(i), 4, i);
        insert(&model.timer[0], WEIR_FOREVER);
        insert(&model.timer[1], WEIR_FOREVER - 1);
        insert(&model.timer[2], WEIR_FOREVER);
        insert(&model.timer[3], model.now + (model.now < WEIR_FOREVER - 1));
        rearm(&model.timer[3], WEIR_FOREVER); /* it stays where it was */
        advance(WEIR_FOREVER - 2);
        check_next();
        advance(WEIR_FOREVER - 1);
        EXPECT(pop() == &model.timer[1] && pop() == NULL);
        advance(WEIR_FOREVER);
        EXPECT(pop() == NULL && weir__wheel_count(&wheel) == 3);
        EXPECT(weir__wheel_next(&wheel) == WEIR_FOREVER);
        rearm(&model.timer[2], 1);
        advance(0);
        EXPECT(pop() == &model.timer[2]);
    }
}

static void a_move_to_later_touches_no_other(void)
{
    static const uint64_t scales[] = {1 << 8, 1 << 14, 1 << 22, UINT64_C(1) << 40};
    timer *const t = &model.timer[1];
    timer others[2];

    for (unsigned i = 0; i < 4; i++) {
        begin(12345, 3, i);
        for (unsigned k = 0; k < 3; k++)
            insert(&model.timer[k], model.now + scales[i] + k);
        others[0] = model.timer[0];
        others[1] = model.timer[2];
        weir__wheel_slot *const slots =
            (weir__wheel_slot *)test_alloc(sizeof wheel.slots, 64, NULL);
        memcpy(slots, wheel.slots, sizeof wheel.slots);
        rearm(t, WEIR_FOREVER - 5);           /* later */
        rearm(t, model.now + scales[i] + 10); /* earlier again, and not before its slot */
        EXPECT(memcmp(&others[0], &model.timer[0], sizeof *others) == 0);
        EXPECT(memcmp(&others[1], &model.timer[2], sizeof *others) == 0);
        EXPECT(memcmp(slots, wheel.slots, sizeof wheel.slots) == 0);
        test_release(slots, sizeof wheel.slots, NULL);
        run_out();
    }
}

/* Of each level, in the time before a slot: some have left it at half of that, and all at the
 * end. */
static void far_slots_are_emptied_in_small_steps(void)
{
    enum { COUNT = 100000, STEPS = 3000 };
    const unsigned count = COUNT;
    weir__wheel_node *const nodes = (weir__wheel_node *)test_alloc(count * sizeof *nodes, 64, NULL);

    for (unsigned level = 0; level < 7; level++) {
        const uint64_t length = UINT64_C(1) << (31 + 5 * level), step = length / STEPS;
        uint32_t place;

        begin(length * 3 - 1, 0, level);
        memset(nodes, 0, count * sizeof *nodes);
        for (unsigned i = 0; i < count; i++)
            weir__wheel_insert(&wheel, &nodes[i], length * 5 + random_bits() % length);
        place = nodes[0].place;
        for (unsigned k = 1; k < STEPS; k++) {
            weir__wheel_advance(&wheel, length * 4 + k * step);
            if (k == STEPS / 2) {
                unsigned left = 0;

                for (unsigned i = 0; i < count; i++)
                    left += nodes[i].place == place;
                EXPECT(left > count / 10 && left < count * 6 / 10);
            }
        }
        EXPECT(wheel.slots[place - 1].first == NULL && weir__wheel_count(&wheel) == count);
        EXPECT(weir__wheel_pop(&wheel) == NULL);
    }
    test_release(nodes, count * sizeof *nodes, NULL);
}

/* ---- a million ---- */

typedef enum crowd { TOGETHER, ONE_SLOT, ONE_TICK, SECONDS, HOURS, MOVED } crowd;

static uint64_t crowd_deadline(crowd kind, unsigned n)
{
    const uint64_t base = UINT64_C(1) << 45, r = random_bits();

    switch (kind) {
    case TOGETHER:
        return base;
    case ONE_SLOT:
        return base + r % 4096;
    case ONE_TICK:
        return base + r % (1 << 20);
    case SECONDS:
        return base + r % UINT64_C(4000000000);
    case HOURS:
        return base + (r >> 20);
    default:
        return base + n % 7;
    }
}

/* Each comes once, in order; the clock goes on by steps, or all at once. */
static void run_crowd(crowd kind, unsigned count, uint64_t step)
{
    weir__wheel_node *const nodes = (weir__wheel_node *)test_alloc(count * sizeof *nodes, 64, NULL);
    weir__wheel_node *node;
    uint64_t last = 0, last_sequence = 0;
    unsigned popped = 0;

    memset(nodes, 0, count * sizeof *nodes);
    begin(UINT64_C(1) << 44, 0, kind);
    for (unsigned i = 0; i < count; i++)
        weir__wheel_insert(&wheel, &nodes[i], crowd_deadline(kind, i));
    for (unsigned i = 0; i < count && kind == MOVED; i += 3)
        weir__wheel_rearm(&wheel, &nodes[i * UINT64_C(7919) % count], (UINT64_C(1) << 45) + 9);
    for (;;) {
        const uint64_t next = weir__wheel_next(&wheel);

        if (next == WEIR_FOREVER)
            break;
        weir__wheel_advance(&wheel, weir_clock_add(next, step));
        while ((node = weir__wheel_pop(&wheel)) != NULL) {
            EXPECT(node->deadline > last ||
                   (node->deadline == last && node->sequence > last_sequence) || popped == 0);
            EXPECT(node->deadline >= next && node->deadline - next <= step);
            last = node->deadline;
            last_sequence = node->sequence;
            popped++;
        }
    }
    EXPECT(popped == count && weir__wheel_count(&wheel) == 0);
    test_release(nodes, count * sizeof *nodes, NULL);
}

static void a_million_come_once_each(void)
{
    const unsigned million = test_emulated() ? 20000 : 1000000;

    run_crowd(TOGETHER, million, 0);
    run_crowd(SECONDS, million, 1000000);
    run_crowd(ONE_SLOT, million / 10, 1000);
    run_crowd(ONE_TICK, million / 10, 0);
    run_crowd(SECONDS, million / 10, WEIR_FOREVER);
    run_crowd(HOURS, million / 10, UINT64_C(60000000000));
    run_crowd(HOURS, million / 10, WEIR_FOREVER);
    run_crowd(MOVED, million / 10, 0);
}

int main(void)
{
    return TEST_RUN(
        "wheel", TEST_CASE(an_empty_wheel_is_one),
        TEST_CASE(each_power_of_two_comes_when_it_should),
        TEST_CASE(a_lonely_timer_is_known_to_the_ns), TEST_CASE(whatever_happens_is_in_order),
        TEST_CASE(next_is_right_if_nothing_is_removed), TEST_CASE(next_is_early_once),
        TEST_CASE(equal_deadlines_come_in_the_order_of_their_starts),
        TEST_CASE(what_is_inserted_while_others_are_popped_waits),
        TEST_CASE(what_is_due_can_be_removed), TEST_CASE(forever_is_inside_and_never_due),
        TEST_CASE(a_move_to_later_touches_no_other),
        TEST_CASE(far_slots_are_emptied_in_small_steps), TEST_CASE(a_million_come_once_each));
}
