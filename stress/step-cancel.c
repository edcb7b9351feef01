/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/cancel.h under the step harness: who asks a token waits for nobody, at whatever
 * instruction another thread stands: one that cancels, above or here, one that registers, waits,
 * makes or ends a child, with the token's lock held or not. What is said once stays so, a cancel
 * that has returned is seen, and the callback runs once. */

#include <weir/step.h>

#include <weir/cancel.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Own instructions, with those of the functions that call the operation: half as many again as
 * the most that gcc or clang make of it at -O0, which is 74 and 200; at -O2 18 and 83. */
enum { LOAD = 110, LOOK = 300 };

enum { REASON = 7 };
typedef enum start { LIVE, TIMED, CANCELLED, EXPIRED } start;

/* A child of a root, with a callback; and what others do there. */
typedef struct box {
    start from;
    weir_cancel_source root, child, grandchild;
    weir_cancel_callback callback, another;
    WEIR_ATOMIC(uint32_t) calls;
    WEIR_ATOMIC(uint32_t) cancelled; /* a cancel of the root has returned */
} box;

typedef struct act {
    const char *name;
    void (*run)(box *b);
    unsigned bound;
} act;

static weir_cancel *token_of(weir_cancel_source *source)
{
    return weir_cancel_source_token(source);
}

static void count(void *context, int reason)
{
    box *const b = (box *)context;

    if (reason != (b->from == EXPIRED ? -ETIMEDOUT : REASON))
        weir_step_false("called with a reason that nobody gave");
    weir_atomic_fetch_add(&b->calls, 1, WEIR_RELAXED); /* relaxed: a number. */
}

static void nothing(void *context, int reason)
{
    (void)context;
    (void)reason;
}

/* ---- those that never wait ---- */

/* relaxed: below: who writes it is stopped, or has ended; the harness orders them. */
static bool must_be_cancelled(const box *b)
{
    return b->from >= CANCELLED || weir_atomic_load(&b->cancelled, WEIR_RELAXED) != 0;
}

static void check(box *b)
{
    const bool must = must_be_cancelled(b);
    const int status = weir_cancel_check(token_of(&b->child));

    if (status != 0 && status != -ECANCELED)
        weir_step_false("a check says neither 0 nor -ECANCELED");
    if (must && status == 0)
        weir_step_false("cancelled, and a check says 0");
}

static void reason(box *b)
{
    const bool must = must_be_cancelled(b);
    const int why = weir_cancel_reason(token_of(&b->child));

    if (why != 0 && why != (b->from == EXPIRED ? -ETIMEDOUT : REASON))
        weir_step_false("a reason that nobody gave");
    if (must && why == 0)
        weir_step_false("cancelled, and there is no reason");
}

static void deadline(box *b)
{
    const uint64_t at = weir_cancel_deadline(token_of(&b->child));

    if ((at == WEIR_FOREVER) != (b->from == LIVE || b->from == CANCELLED))
        weir_step_false("another deadline");
}

static void token(box *b)
{
    if (weir_cancel_source_token(&b->child) != &b->child.token)
        weir_step_false("another token");
}

static const act lookers[] = {
    {"cancel_check", check, LOOK},
    {"cancel_reason", reason, LOOK},
    {"cancel_deadline", deadline, LOAD},
    {"cancel_source_token", token, LOAD},
};

/* ---- those that may ---- */

static void cancel_root(box *b)
{
    (void)weir_cancel_source_cancel(&b->root, REASON);
    weir_atomic_store(&b->cancelled, 1, WEIR_RELAXED); /* relaxed: as above. */
    if (weir_cancel_check(token_of(&b->child)) == 0)
        weir_step_false("a root has been cancelled, and its child has not");
}

static void cancel_child(box *b)
{
    (void)weir_cancel_source_cancel(&b->child, REASON);
    weir_atomic_store(&b->cancelled, 1, WEIR_RELAXED); /* relaxed: as above. */
}

static void come_and_go(box *b)
{
    weir_cancel_source_init(&b->grandchild, token_of(&b->child), WEIR_FOREVER);
    if (must_be_cancelled(b) && weir_cancel_check(token_of(&b->grandchild)) == 0)
        weir_step_false("a child of a cancelled token is not cancelled");
    if (weir_cancel_source_destroy(&b->grandchild) != 0)
        weir_step_false("a child that nobody uses is busy");
}

static void enrol(box *b)
{
    const bool registered = weir_cancel_register(token_of(&b->child), &b->another, nothing, NULL);
    const int status = weir_cancel_unregister(&b->another, WEIR_FOREVER, NULL);

    if (registered ? status != 0 && status != -EALREADY : status != -EALREADY)
        weir_step_false("unregistering says what cannot be");
}

static void wait_for_nothing(box *b)
{
    const int status = weir_cancel_wait(token_of(&b->child), 0, NULL);

    if (status != (must_be_cancelled(b) ? 0 : -ETIMEDOUT))
        weir_step_false("a wait says what cannot be");
}

static const act others[] = {
    {"cancel_source_cancel", cancel_root, 0},
    {"cancel_source_cancel (child)", cancel_child, 0},
    {"cancel_source_init, cancel_source_destroy", come_and_go, 0},
    {"cancel_register, cancel_unregister", enrol, 0},
    {"cancel_wait", wait_for_nothing, 0},
};

/* ---- sweeps ---- */

typedef struct trial {
    box b;
    const act *victim, *adversary[WEIR_STEP_ADVERSARIES];
} trial;

static void setup(void *state)
{
    box *const b = &((trial *)state)->b;
    const bool timed = b->from == TIMED || b->from == EXPIRED;

    weir_atomic_init(&b->calls, 0);
    weir_atomic_init(&b->cancelled, 0);
    weir_cancel_source_init(&b->root, NULL, timed ? WEIR_FOREVER - 1 : WEIR_FOREVER);
    weir_cancel_source_init(&b->child, token_of(&b->root), WEIR_FOREVER);
    (void)weir_cancel_register(token_of(&b->child), &b->callback, count, b);
    if (b->from == CANCELLED)
        (void)weir_cancel_source_cancel(&b->root, REASON);
    if (b->from == EXPIRED) /* it has passed since, and nobody has looked */
        b->root.token.deadline = b->child.token.deadline = 0;
}

static void victim(void *state)
{
    trial *const t = (trial *)state;

    t->victim->run(&t->b);
}

static void adversary_0(void *state)
{
    trial *const t = (trial *)state;

    t->adversary[0]->run(&t->b);
}

static void adversary_1(void *state)
{
    trial *const t = (trial *)state;

    t->adversary[1]->run(&t->b);
}

static void finish(void *state)
{
    box *const b = &((trial *)state)->b;
    const bool cancelled = weir_cancel_check(token_of(&b->child)) != 0;

    if (must_be_cancelled(b) && !cancelled)
        weir_step_false("in the end it is not cancelled");
    /* relaxed: alone. */
    if (weir_atomic_load(&b->calls, WEIR_RELAXED) != cancelled)
        weir_step_false("the callback has run too often, or not at all");
    if (!cancelled)
        (void)weir_cancel_unregister(&b->callback, WEIR_FOREVER, NULL);
    if (weir_cancel_source_destroy(&b->child) != 0 || weir_cancel_source_destroy(&b->root) != 0)
        weir_step_false("in the end something is still busy");
}

/* One row: from each start up to `last`. `second` may be NULL. */
static void sweep(const act *operation, const char *variant, const act *first, const act *second,
                  start begin, start last)
{
    static trial t;
    char name[64], against[64];
    const weir_step_plan plan = {name,
                                 against,
                                 setup,
                                 victim,
                                 {adversary_0, second != NULL ? adversary_1 : NULL},
                                 finish,
                                 last == EXPIRED ? 0 : operation->bound,
                                 false};
    weir_step_row row;

    memset(&row, 0, sizeof row);
    snprintf(name, sizeof name, "%s%s", operation->name, variant);
    snprintf(against, sizeof against, "%s%s%s", first->name, second != NULL ? " + " : "",
             second != NULL ? second->name : "");
    t.victim = operation;
    t.adversary[0] = first;
    t.adversary[1] = second;
    for (t.b.from = begin; t.b.from <= last; t.b.from++)
        weir_step_sweep(&plan, &t, &row);
    weir_step_report(&row);
}

int main(void)
{
    const size_t n = COUNT(lookers);

    weir_step_begin("step-cancel");
    for (size_t i = 0; i < n; i++) {
        const act *const o = &lookers[i];

        for (size_t j = 0; j < n; j++)
            sweep(o, "", &lookers[j], NULL, LIVE, CANCELLED);
        sweep(o, "", &lookers[(i + 1) % n], &lookers[(i + 2) % n], LIVE, CANCELLED);
        for (size_t j = 0; j < COUNT(others); j++)
            sweep(o, "", &others[j], NULL, LIVE, CANCELLED);
        sweep(o, "", &others[0], &lookers[i], LIVE, CANCELLED);
    }
    /* The first to see a deadline does what a cancel does; the others do not wait for it. */
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 2; j++)
            sweep(&lookers[i], " (expired)", &lookers[j], NULL, EXPIRED, EXPIRED);
    /* Who asks, while another stands inside what may wait. */
    for (size_t i = 0; i < COUNT(others); i++)
        for (size_t j = 0; j < n; j += 2)
            sweep(&others[i], "", &lookers[j], &lookers[j + 1], LIVE, CANCELLED);
    return weir_step_end();
}
