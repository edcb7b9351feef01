/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* tests/model/closing.h: what the clients of the queues that weir/chan.h closes have beside
 * tests/model/fifo.h: closes, as the letter L, and whether refusals are sequentially consistent.
 *
 * Of a close: some order of the operations explains all answers, where nothing is put after it;
 * nothing that was put is lost; of two one is the first; who is refused by it sees what the closer
 * had done. Of a refusal: of two threads that each do something, and then are refused by what the
 * other has done, or do not see it, there is no run.
 *
 * Edges: none of its own. */

#ifndef WEIR_TESTS_MODEL_CLOSING_H
#define WEIR_TESTS_MODEL_CLOSING_H

#include "fifo.h"

/* Of the client, beside `face`. */
static bool close_queue(unsigned thread); /* whether it is the first */
static void make_second(void);            /* a second queue, as large as the first */
static void end_second(void);             /* when it is empty */
static void use_second(bool second);      /* which one the calling thread's operations are on */

static unsigned closers; /* of this run */
static int closing;      /* written before the only close */
/* By thread: values put, values taken, closes that were the first. */
static unsigned been_put[FIFO_THREADS], been_taken[FIFO_THREADS], been_first[FIFO_THREADS];

/* ---- the specification ---- */

enum { SHUT = SIZE + 1 };

typedef struct closing_state {
    fifo_state inside;
    uint8_t closed, unused[3];
} closing_state;

static bool closing_apply(void *state, int operation, uint64_t argument, const uint64_t *result)
{
    closing_state *const s = (closing_state *)state;

    if (result != NULL && *result == NEVER)
        return true;
    if (operation == SHUT) {
        const bool first = s->closed == 0;

        s->closed = 1;
        return result == NULL || *result == first;
    }
    if (operation == PUT && s->closed != 0)
        return result == NULL || *result == REFUSED;
    return fifo_apply(&s->inside, operation, argument, result);
}

static const char *const closing_names[] = {"enqueue",      "dequeue",       "enqueue_bulk",
                                            "dequeue_bulk", "enqueue_burst", "dequeue_burst",
                                            "size_approx",  "close"};
static const weir_check_spec closing_spec = {sizeof(closing_state), NULL, closing_apply,
                                             closing_names};

static void shut(unsigned thread)
{
    unsigned call;
    bool first;

    if (closers == 1)
        closing = 1;
    call = weir_check_call(SHUT, 0);
    first = close_queue(thread);
    weir_check_return(call, first);
    been_first[thread] += first;
}

static unsigned count_letter(char letter)
{
    unsigned count = 0;

    for (unsigned t = 0; t < FIFO_THREADS && fifo_now->does[t] != NULL; t++)
        for (const char *at = fifo_now->does[t]; *at != 0; at++)
            count += *at == letter;
    return count;
}

/* For the client's put(): what it came to. */
static void was_put(unsigned thread, bool done, bool closed)
{
    been_put[thread] += done;
    if (closed && closers == 1)
        weir_check_assert(closing == 1);
}

static void was_taken(unsigned thread, bool done)
{
    been_taken[thread] += done;
}

static void closing_test(void *argument)
{
    unsigned put = 0, taken = 0, first = 0;

    fifo_now = (const fifo_case *)argument;
    fifo_judged = FULL | EMPTY;
    closers = count_letter('L');
    weir_check_history(&closing_spec);
    weir_check_return(weir_check_call(SIZE, 0), NEVER);
    face.make(fifo_now);
    fifo_does(0);
    if (face.begun != NULL)
        face.begun(fifo_now);
    fifo_make_threads();
    fifo_end_threads();
    weir_check_assert(!fifo_enqueue(0));
    while (fifo_dequeue(0)) {
    }
    weir_check_assert(!fifo_enqueue(0));
    for (unsigned t = 0; t < FIFO_THREADS; t++) {
        put += been_put[t];
        taken += been_taken[t];
        first += been_first[t];
    }
    weir_check_assert(put == taken && first == 1);
    face.end(fifo_now);
}

/* ---- refusals ---- */

/* What each thread does, and then looks at: a second queue, or a flag. */
enum { TWO_EMPTY, TWO_FULL, FLAG_EMPTY, FLAG_FULL };

static WEIR_ATOMIC(uint32_t) flag;
static bool saw[3];

static void changes(unsigned thread, bool full)
{
    uintptr_t value = 100 + thread;

    if (full)
        weir_check_assert(face.take(thread, &value));
    else
        weir_check_assert(face.put(thread, value));
}

static bool finds(unsigned thread, bool full)
{
    uintptr_t value = 200 + thread;

    return full ? face.put(thread, value) : face.take(thread, &value);
}

static void look_across(void *argument)
{
    const unsigned thread = (unsigned)(uintptr_t)argument & 15;
    const unsigned what = (unsigned)(uintptr_t)argument >> 4;
    const bool full = what == TWO_FULL || what == FLAG_FULL;

    if (face.enter != NULL)
        fifo_enter(thread);
    if (what == TWO_EMPTY || what == TWO_FULL) {
        use_second(thread == 2);
        changes(thread, full);
        use_second(thread != 2);
        saw[thread] = finds(thread, full);
    } else if (thread == 1) {
        weir_atomic_fetch_add(&flag, 1, WEIR_SEQ_CST);
        saw[1] = finds(1, full);
    } else {
        changes(2, full);
        saw[2] = weir_atomic_load(&flag, WEIR_SEQ_CST) != 0;
    }
    if (face.enter != NULL)
        fifo_await(&fifo_done[thread]);
}

static void refusal_test(void *argument)
{
    static fifo_case made = {.does = {"", "", ""}};
    const unsigned what = (unsigned)(uintptr_t)argument & 15;
    uintptr_t value;

    made.capacity = 1;
    made.flavour = (unsigned)(uintptr_t)argument >> 4;
    fifo_now = &made;
    face.make(&made);
    make_second();
    for (unsigned i = 0; (what == TWO_FULL || what == FLAG_FULL) && i < 2; i++) {
        use_second(i == 1);
        weir_check_assert(face.put(0, 1 + i));
    }
    use_second(false);
    for (unsigned thread = 1; thread <= 2; thread++) {
        weir_check_thread(look_across, (void *)(uintptr_t)(thread | what << 4));
        if (face.enter != NULL)
            fifo_await(&fifo_ready[thread]);
    }
    weir_atomic_store(&fifo_go, 1, WEIR_RELEASE);
    fifo_end_threads();
    weir_check_assert(saw[1] || saw[2]);
    for (unsigned i = 0; i < 2; i++) {
        use_second(i == 1);
        while (face.take(0, &value)) {
        }
    }
    end_second();
    use_second(false);
    face.end(&made);
}

/* ---- the table ---- */

#define REFUSALS(flavour)                                                    \
    {.name = "two that find the other's empty",                              \
     .test = refusal_test,                                                   \
     .argument = TWO_EMPTY | (flavour) << 4},                                \
    {                                                                        \
        .name = "one that finds it empty, and a flag", .test = refusal_test, \
        .argument = FLAG_EMPTY | (flavour) << 4                              \
    }
#define REFUSALS_FULL(flavour)                                              \
    {.name = "two that find the other's full",                              \
     .test = refusal_test,                                                  \
     .argument = TWO_FULL | (flavour) << 4},                                \
    {                                                                       \
        .name = "one that finds it full, and a flag", .test = refusal_test, \
        .argument = FLAG_FULL | (flavour) << 4                              \
    }

/* To be returned by main(): the table of fifo.h, the closes, and the refusals. */
static inline int closing_main(const char *client, const fifo_case *cases, size_t count,
                               const fifo_case *closings, size_t closing_count,
                               const scenario *refusals, size_t refusal_count, int argc,
                               char **argv)
{
    static scenario more[32];
    static char names[32][80];
    const bool named = argc > 1 && argv[1][0] != '-';
    const size_t sum = closing_count + refusal_count;
    char *mine[64] = {argv[0]}, *others[64] = {argv[0]};
    int my_count = 1, other_count = 1, status = 0;

    if (sum > 32 || argc > 63)
        return 1;
    for (size_t i = 0; i < closing_count; i++) {
        fifo_name(&closings[i], names[i], sizeof names[i]);
        more[i].name = names[i];
        more[i].test = closing_test;
        more[i].argument = (uintptr_t)&closings[i];
        more[i].deep = closings[i].deep;
        more[i].options = closings[i].options;
    }
    memcpy(more + closing_count, refusals, refusal_count * sizeof *refusals);
    for (int a = 1; a < argc; a++) {
        bool is_mine = !named;

        for (size_t i = 0; named && i < sum; i++)
            is_mine |= strcmp(argv[a], more[i].name) == 0;
        if (is_mine)
            mine[my_count++] = argv[a];
        if (!named || !is_mine)
            others[other_count++] = argv[a];
    }
    if (!named || other_count > 1)
        status |= fifo_main(client, cases, count, other_count, others);
    if (!named || my_count > 1)
        status |= model_main(client, more, sum, my_count, mine);
    return status;
}

#endif /* WEIR_TESTS_MODEL_CLOSING_H */
