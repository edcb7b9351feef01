/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* future_chain: fetch, then parse, then render, each step a future of the one before. Who
 * waits has the last future alone; an error anywhere skips the steps behind it; a cancel of the
 * last one ends the fetch. Then: the first of several, and all of them. */

#include <weir/cancel.h>
#include <weir/counter.h>
#include <weir/future.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text {
    char line[64];
} text;

/* ---- a step: takes the value before, makes the next one, or an error ---- */

typedef struct step {
    weir_then then; /* first: the callback gets its address */
    weir_promise *next;
    int (*make)(const void *before, void *value);
} step;

static void take_step(weir_then *then, weir_future *before)
{
    step *const s = (step *)(void *)then;
    const void *const value = weir_future_peek(before);
    int status;

    if (value == NULL)
        status = weir_future_result(before, NULL); /* hands the error on */
    else if (!weir_promise_wanted(s->next))
        status = -ECANCELED;
    else
        status = s->make(value, weir_promise_value(s->next));
    if (status == 0)
        weir_promise_complete(s->next, NULL); /* made in place */
    else
        weir_promise_fail(s->next, status);
    free(s);
}

/* Returns: the future of the step's value, `size` bytes; `before` is used up. NULL: no memory. */
static weir_future *then_make(weir_future *before, int (*make)(const void *, void *), size_t size,
                              weir_cancel_source *source)
{
    step *const s = malloc(sizeof *s);
    weir_future *after = NULL;

    if (s == NULL || before == NULL || weir_future_new(&s->next, &after, size, source) != 0) {
        weir_future_drop(before, NULL);
        free(s);
        return NULL;
    }
    s->make = make;
    weir_future_then(before, &s->then, take_step);
    weir_future_drop(before, NULL); /* the callback stays */
    return after;
}

/* ---- the steps ---- */

typedef struct request {
    weir_promise *promise;
    const char *answer;
    uint64_t ns; /* that it takes */
} request;

/* In a thread of its own: waits for the answer, or until nobody wants it any more. */
static void *fetch(void *argument)
{
    const request r = *(const request *)argument;
    weir_cancel *const token = weir_promise_token(r.promise);
    text page;

    free(argument);
    if (weir_cancel_wait(token, weir_clock_after(r.ns), NULL) == 0) {
        weir_promise_fail(r.promise, -ECANCELED);
        return NULL;
    }
    snprintf(page.line, sizeof page.line, "%s", r.answer);
    weir_promise_complete(r.promise, &page);
    return NULL;
}

static int parse(const void *before, void *value)
{
    const text *const page = before;
    int number;

    if (sscanf(page->line, "answer=%d", &number) != 1)
        return -EBADMSG;
    memcpy(value, &number, sizeof number);
    return 0;
}

static weir_counter rendered = WEIR_COUNTER_INIT(0); /* by whichever thread fetched */

static int render(const void *before, void *value)
{
    text *const out = value;

    weir_counter_add(&rendered, 1);
    snprintf(out->line, sizeof out->line, "<b>%d</b>", *(const int *)before);
    return 0;
}

/* ---- the chain ---- */

typedef struct job {
    weir_cancel_source source; /* of all its futures: whichever is cancelled */
    weir_future *page;
    pthread_t thread;
} job;

static void begin(job *j, const char *answer, uint64_t ns)
{
    request *const r = malloc(sizeof *r);
    weir_future *future;

    weir_cancel_source_init(&j->source, NULL, WEIR_FOREVER);
    if (r == NULL || weir_future_new(&r->promise, &future, sizeof(text), &j->source) != 0)
        abort();
    r->answer = answer;
    r->ns = ns;
    if (pthread_create(&j->thread, NULL, fetch, r) != 0)
        abort();
    j->page = then_make(then_make(future, parse, sizeof(int), &j->source), render, sizeof(text),
                        &j->source);
    if (j->page == NULL)
        abort();
}

static int end(job *j, text *out)
{
    const int status = weir_future_drop(j->page, out);

    pthread_join(j->thread, NULL);
    weir_cancel_source_destroy(&j->source);
    return status;
}

static int run(const char *answer, bool cancel, text *out)
{
    job j;

    begin(&j, answer, cancel ? WEIR_FOREVER : 1000000);
    if (cancel)
        weir_future_cancel(j.page);
    if (weir_future_wait(j.page, WEIR_FOREVER, NULL) != 0)
        abort();
    return end(&j, out);
}

/* Three at once: the first, and then, with the slowest cancelled, all. */
static bool race(void)
{
    static const uint64_t ns[3] = {2000000, 1000000, WEIR_FOREVER};
    weir_wait_node nodes[3];
    weir_future *pages[3];
    job jobs[3];
    size_t first = 3;
    text out[3];
    int status[3];

    for (int i = 0; i < 3; i++) {
        begin(&jobs[i], "answer=7", ns[i]);
        pages[i] = jobs[i].page;
    }
    if (weir_future_wait_any(pages, 3, nodes, &first, WEIR_FOREVER, NULL) != 0)
        return false;
    weir_future_cancel(pages[2]);
    if (weir_future_wait_all(pages, 3, WEIR_FOREVER, NULL) != 0)
        return false;
    for (int i = 0; i < 3; i++)
        status[i] = end(&jobs[i], &out[i]);
    return first < 2 && status[0] == 0 && status[1] == 0 && status[2] == -ECANCELED;
}

int main(void)
{
    text out;

    if (run("answer=42", false, &out) != 0 || strcmp(out.line, "<b>42</b>") != 0 ||
        weir_counter_read(&rendered) != 1)
        return 1;
    printf("rendered: %s\n", out.line);
    if (run("no such page", false, &out) != -EBADMSG || weir_counter_read(&rendered) != 1)
        return 1;
    printf("an error in the parser skips the renderer\n");
    if (run("answer=1", true, &out) != -ECANCELED || weir_counter_read(&rendered) != 1)
        return 1;
    printf("a cancel of the page ends the fetch\n");
    if (!race())
        return 1;
    printf("the first of three, and all of them: values, errors and cancels each arrived once\n");
    return 0;
}
