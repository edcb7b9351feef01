/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* stress/step-explain.h: whether some order of the operations explains all their answers:
 * each between its begin and its end, as a sequential model of the structure does them.
 * Included once, by a sweep that has defined
 *
 *   box                      with `history by[1 + WEIR_STEP_ADVERSARIES]`, the victim's first:
 *                            `count` events, each with its `begin` and `end`; and `clock`
 *   model                    what is inside
 *   model_does(b, m, event)  whether the event can be next; if so does it to *m
 *   model_is_left(b, m)      whether *m is what was found inside at the end */

#ifndef WEIR_STRESS_STEP_EXPLAIN_H
#define WEIR_STRESS_STEP_EXPLAIN_H

/* Whether the rest of the histories, from `at`, can follow on `m`. */
static inline bool explained(const box *b, const model *m, const size_t *at)
{
    uint64_t first_end = UINT64_MAX;
    bool done = true;

    for (unsigned i = 0; i <= WEIR_STEP_ADVERSARIES; i++)
        if (at[i] < b->by[i].count) {
            done = false;
            if (b->by[i].event[at[i]].end < first_end)
                first_end = b->by[i].event[at[i]].end;
        }
    if (done)
        return model_is_left(b, m);
    for (unsigned i = 0; i <= WEIR_STEP_ADVERSARIES; i++) {
        size_t then[1 + WEIR_STEP_ADVERSARIES];
        model next;

        if (at[i] == b->by[i].count || b->by[i].event[at[i]].begin > first_end)
            continue;
        next = *m;
        if (!model_does(b, &next, &b->by[i].event[at[i]]))
            continue;
        memcpy(then, at, sizeof then);
        then[i]++;
        if (explained(b, &next, then))
            return true;
    }
    return false;
}

/* The time, for begin and end. */
static inline uint64_t now(box *b)
{
    /* relaxed: one word, so that its values are in the order of real time. */
    return weir_atomic_fetch_add(&b->clock, 1, WEIR_RELAXED);
}

#endif /* WEIR_STRESS_STEP_EXPLAIN_H */
