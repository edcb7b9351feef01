/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/reason.c: which order is missing, in words. */

#include "sheet.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- reasons: sentences ---- */

void weir__sheet_say(paragraph *t, const char *format, ...)
{
    va_list list;
    int length;

    va_start(list, format);
    length = vsnprintf(t->s + t->length, sizeof t->s - t->length, format, list);
    va_end(list);
    if (length > 0)
        t->length += (size_t)length;
    if (t->length >= sizeof t->s)
        t->length = sizeof t->s - 1;
}

/* Prints a paragraph, in lines. */
void weir__sheet_print_text(FILE *to, const paragraph *t)
{
    unsigned at = 0;

    for (const char *word_at = t->s; *word_at != '\0';) {
        const size_t length = strcspn(word_at, " ");

        if (at > 0 && at + 1 + length > WIDTH) {
            fputs("\n   ", to);
            at = 3;
        }
        fprintf(to, at > 0 ? " %.*s" : "%.*s", (int)length, word_at);
        at += (unsigned)length + (at > 0);
        word_at += length + (word_at[length] == ' ');
    }
    fputc('\n', to);
}

/* ---- reasons: which order is missing ---- */

/* A point of a search backwards along program order and reads-from: an event, and whether an
 * acquire fence stands between it and where its thread was entered. */
typedef struct step {
    unsigned back; /* the point it was reached from */
    unsigned cost; /* orders that are missing from here on */
    name read;     /* if by reads-from: who read, and the write */
    name write;
    bool by_read, no_release, no_acquire, queued;
} step;

typedef struct walk {
    step *step;
    unsigned *queue;
    unsigned head, tail, room;
} walk;

static bool is_fence(const event *e, bool release)
{
    return e->kind == FENCE && (release ? weir__releases(e->order) : weir__acquires(e->order));
}

/* The last release fence before the event, in its thread; or NULL. */
static const event *fence_before(const event *e)
{
    while (e->index > 0) {
        e--;
        if (is_fence(e, true))
            return e;
    }
    return NULL;
}

/* Notes that the event can be reached. */
static void reach(const sheet *s, walk *w, const event *e, bool fenced, const step *how)
{
    const unsigned point = 2 * weir__sheet_id(s, e) + (fenced || is_fence(e, false));
    step *const to = &w->step[point];

    if (how->cost >= to->cost)
        return;
    if (!to->queued)
        w->queue[w->tail++ % w->room] = point;
    *to = *how;
    to->queued = true;
}

/* Goes from a read to a write, and on to those at whose end of a chain of read-modify-writes it
 * is. */
static void follow_write(const sheet *s, walk *w, const event *read, const event *write, step how)
{
    const unsigned cost = how.cost;

    for (;;) {
        const event *const fence = fence_before(write);
        name n;

        if (write->thread != read->thread) {
            how.write = weir__name_of(write);
            how.no_release = !weir__releases(write->order);
            how.cost = cost + how.no_acquire + how.no_release;
            reach(s, w, write, false, &how);
            if (how.no_release && fence != NULL) {
                how.no_release = false;
                how.cost = cost + how.no_acquire;
                reach(s, w, fence, false, &how);
            }
        }
        if (!weir__sheet_is_second_half(s, write))
            return;
        n = (write - 1)->from;
        if (n.thread < 0)
            return;
        write = weir__event(s->g, n);
    }
}

/* Goes to all writes that have a byte in what is read. */
static void follow_read(const sheet *s, walk *w, const event *read, bool fenced, step how)
{
    const location *const l = weir__sheet_location_of(s, read);
    unsigned left = read->mask;

    how.by_read = true;
    how.read = weir__name_of(read);
    how.no_acquire = !weir__acquires(read->order) && !fenced;
    for (unsigned i = weir__sheet_position_of(s, read->from); i > 0 && left != 0; i--) {
        const event *const write = weir__event(s->g, l->write[i]);

        if ((write->mask & left) != 0)
            follow_write(s, w, read, write, how);
        left &= ~(unsigned)write->mask;
    }
}

/* Searches for the way from the events of `thread` from `index` on, to the event `to`, on which the
 * fewest orders are missing. Returns: the point where it begins; NONE: there is no way. */
static unsigned search_way(const sheet *s, walk *w, unsigned total, int thread, unsigned index,
                           const event *to)
{
    step how = {.back = NONE, .cost = 0};
    unsigned best = NONE;

    w->room = 2 * total + 1;
    w->step = (step *)weir__check_memory(w->room * sizeof *w->step);
    w->queue = (unsigned *)weir__check_memory(w->room * sizeof *w->queue);
    w->head = w->tail = 0;
    memset(w->step, 0, w->room * sizeof *w->step);
    for (unsigned i = 0; i < w->room; i++)
        w->step[i].cost = NONE;
    reach(s, w, to, false, &how);
    while (w->head != w->tail) {
        const unsigned point = w->queue[w->head++ % w->room];
        const bool fenced = point % 2 != 0;
        unsigned t = 0;
        const event *e;

        w->step[point].queued = false;
        while (t + 1 < s->threads && s->first[t + 1] <= point / 2)
            t++;
        e = &s->g->of[t][point / 2 - s->first[t]];
        memset(&how, 0, sizeof how);
        how.back = point;
        how.cost = w->step[point].cost;
        if (e->index > 0)
            reach(s, w, e - 1, fenced, &how);
        if (e->kind == READ)
            follow_read(s, w, e, fenced, how);
        else if ((e->kind == BEGIN || e->kind == JOIN) && e->from.thread >= 0 &&
                 e->from.index < s->g->count[e->from.thread])
            reach(s, w, weir__event(s->g, e->from), false, &how);
    }
    for (unsigned i = index; i < s->g->count[thread]; i++) {
        for (unsigned point = 2 * (s->first[thread] + i), end = point + 2; point < end; point++) {
            if (w->step[point].cost < (best == NONE ? NONE : w->step[best].cost))
                best = point;
        }
    }
    return best;
}

/* Says what is missing between a write and a read that reads from it. */
static void say_missing(const sheet *s, paragraph *t, const step *link, const char *first,
                        const char *second)
{
    const event *const read = weir__event(s->g, link->read);
    const event *const write = weir__event(s->g, link->write);
    const event *const fence = fence_before(write);
    const bool rmw = weir__sheet_is_second_half(s, write),
               fails = read->exclusive && weir__sheet_second_half(s, read) == NULL;
    const char *const release = rmw && weir__acquires((write - 1)->order) ? "acq_rel" : "release";
    const char *const acquire =
        weir__sheet_second_half(s, read) != NULL && weir__releases(read->order) ? "acq_rel"
                                                                                : "acquire";

    weir__sheet_say(t, "Thread %d reads %s at %s from thread %d's %s at %s", read->thread,
                    weir__sheet_target(s, read), weir__sheet_where(s, read), write->thread,
                    weir__sheet_verb(rmw ? write - 1 : write), weir__sheet_where(s, write));
    if (!weir__same(read->from, link->write))
        weir__sheet_say(t, " (by way of the %s at %s)",
                        weir__sheet_verb(weir__event(s->g, read->from)),
                        weir__sheet_where(s, weir__event(s->g, read->from)));
    weir__sheet_say(t, ", but ");
    if (link->no_release && link->no_acquire)
        weir__sheet_say(
            t,
            "neither orders anything: that %s is %s and the %s is %s%s: they would have to be %s "
            "and %s",
            weir__sheet_verb(rmw ? write - 1 : write), weir__sheet_order_name(write->order),
            weir__sheet_verb(read), weir__sheet_order_name(read->order),
            fails ? " when it fails" : "", release, acquire);
    else if (link->no_release)
        weir__sheet_say(t, "that %s is %s%s%s: it would have to be %s",
                        weir__sheet_verb(rmw ? write - 1 : write),
                        weir__sheet_order_name(write->order),
                        fence == NULL ? "" : ", and no help is the earlier fence at ",
                        fence == NULL ? "" : weir__sheet_where(s, fence), release);
    else
        weir__sheet_say(t, "that %s is %s%s: it would have to be %s", weir__sheet_verb(read),
                        weir__sheet_order_name(read->order), fails ? " when it fails" : "",
                        acquire);
    weir__sheet_say(t, " for %s to happen before %s.", first, second);
}

/* Says why the events of `thread` from `index` on, and what is right before, do not happen before
 * what comes right after the first `to` events of `reader`. Returns: false if they do. */
static bool explain_way(const sheet *s, int thread, unsigned index, int reader, unsigned to,
                        const char *first, const char *second)
{
    unsigned total = 0, begin = NONE;
    bool said = false;
    walk w;

    for (unsigned t = 0; t < s->threads; t++)
        total += s->g->count[t];
    if (to > 0)
        begin = search_way(s, &w, total, thread, index, &s->g->of[reader][to - 1]);
    if (begin == NONE)
        return false;
    for (unsigned point = begin; w.step[point].back != NONE; point = w.step[point].back) {
        const step *const link = &w.step[point];
        paragraph t = {.length = 0};

        if (!link->by_read || !(link->no_release || link->no_acquire))
            continue;
        say_missing(s, &t, link, first, second);
        weir__sheet_print_text(s->to, &t);
        said = true;
    }
    return said;
}

/* ---- reasons: races ---- */

static bool same_function(const void *a, const void *b)
{
    const char *const name_of_a = weir__check_function(a);

    return name_of_a[0] != '?' && strcmp(name_of_a, weir__check_function(b)) == 0;
}

/* The thread that the sentence speaks of, besides the one that ran; -1: none. */
static int mentioned(const sheet *s)
{
    const char *const sentence = s->r->sentence == NULL ? "" : s->r->sentence;

    for (const char *at = sentence; (at = strstr(at, "thread ")) != NULL; at += 7) {
        const bool owner = at - sentence >= 3 && strncmp(at - 3, "of ", 3) == 0;
        char *end;
        const long thread = strtol(at + 7, &end, 10);

        if (end > at + 7 && !owner && thread != s->r->thread && thread >= 0 &&
            thread < (long)s->threads)
            return (int)thread;
    }
    return -1;
}

/* Finds out whose code `other` is, and where in the thread. */
void weir__sheet_find_other(sheet *s)
{
    const report *const r = s->r;
    const graph *const g = s->g;
    unsigned known = 0;
    bool before;

    s->other_thread = -1;
    if (r->other == NULL)
        return;
    s->other_thread = mentioned(s);
    for (unsigned t = 0; t < s->threads && s->other_thread < 0; t++) {
        for (unsigned i = 0; i < g->count[t] && (int)t != r->thread; i++) {
            if (same_function(g->of[t][i].pc, r->other))
                s->other_thread = (int)t;
        }
    }
    if (s->other_thread < 0)
        return;
    if (r->thread >= 0 && g->count[r->thread] > 0)
        known = g->of[r->thread][g->count[r->thread] - 1].hb.of[s->other_thread];
    s->other = known;
    /* It stands between two events, as far as code goes from top to bottom. */
    before = r->sentence == NULL || strstr(r->sentence, "neither happens") == NULL;
    for (unsigned i = known; i < g->count[s->other_thread] && !before; i++) {
        const void *const pc = g->of[s->other_thread][i].pc;

        if ((uintptr_t)pc >= (uintptr_t)r->other && same_function(pc, r->other)) {
            s->other = i;
            return;
        }
    }
    for (unsigned i = before ? known : g->count[s->other_thread]; i > (before ? 0 : known); i--) {
        const void *const pc = g->of[s->other_thread][i - 1].pc;

        if ((uintptr_t)pc < (uintptr_t)r->other && same_function(pc, r->other)) {
            s->other = i;
            return;
        }
    }
}

void weir__sheet_explain_race(const sheet *s)
{
    const report *const r = s->r;
    paragraph t = {.length = 0};
    char first[100], second[100];

    if (s->other_thread < 0 || r->thread < 0)
        return;
    snprintf(first, sizeof first, "%.98s", weir__check_place(r->other));
    snprintf(second, sizeof second, "%.98s", weir__check_place(r->pc));
    if (explain_way(s, s->other_thread, s->other, r->thread, s->g->count[r->thread], first, second))
        return;
    weir__sheet_say(
        &t, "Nothing orders %s and %s: thread %d has read nothing that thread %d wrote afterwards.",
        first, second, r->thread, s->other_thread);
    weir__sheet_print_text(s->to, &t);
}

/* ---- reasons: stale reads ---- */

static bool fence_between(const sheet *s, const event *a, const event *b)
{
    for (unsigned i = a->index + 1u; i < b->index; i++) {
        if (s->g->of[a->thread][i].kind == FENCE && s->g->of[a->thread][i].order == 5)
            return true;
    }
    return false;
}

static void say_weak(const sheet *s, paragraph *t, const event *e, const char **link)
{
    if (e->order == 5)
        return;
    weir__sheet_say(t, "%s the %s at %s is %s", *link,
                    weir__sheet_verb(weir__sheet_is_second_half(s, e) ? e - 1 : e),
                    weir__check_place(e->pc), weir__sheet_order_name(e->order));
    *link = " and";
}

/* Whether the read misses a write of a thread that misses one of this thread. Says so then. */
static bool explain_store_buffering(const sheet *s, const event *read, const event *newer)
{
    const graph *const g = s->g;

    for (unsigned i = newer->index + 1u; i < g->count[newer->thread]; i++) {
        const event *const other = &g->of[newer->thread][i];
        const char *link = " Now";

        if (other->kind != READ || other->location == read->location)
            continue;
        for (unsigned j = read->index; j-- > 0;) {
            const event *const own = &g->of[read->thread][j];
            paragraph t = {.length = 0};

            if (own->kind != WRITE || own->location != other->location ||
                (own->mask & other->mask) == 0 ||
                s->position[weir__sheet_id(s, own)] <= weir__sheet_position_of(s, other->from))
                continue;
            weir__sheet_say(
                &t,
                "Thread %d stores %s at %s and then reads %s at %s; thread %d stores %s at %s and "
                "then reads %s at %s. Each misses the other's store: only seq_cst for all four, or "
                "a "
                "seq_cst fence between store and load in both threads, forbids it.",
                newer->thread, weir__sheet_target(s, newer), weir__sheet_where(s, newer),
                weir__sheet_target(s, other), weir__sheet_where(s, other), read->thread,
                weir__sheet_target(s, own), weir__sheet_where(s, own), weir__sheet_target(s, read),
                weir__sheet_where(s, read));
            if (!fence_between(s, newer, other)) {
                say_weak(s, &t, newer, &link);
                say_weak(s, &t, other, &link);
            }
            if (!fence_between(s, own, read)) {
                say_weak(s, &t, own, &link);
                say_weak(s, &t, read, &link);
            }
            weir__sheet_say(&t, "%s", link[1] == 'a' ? "." : "");
            weir__sheet_print_text(s->to, &t);
            return true;
        }
    }
    return false;
}

static void explain_old(const sheet *s, const event *e)
{
    const event *const newer = weir__event(s->g, s->newer[weir__sheet_id(s, e)]);
    paragraph t = {.length = 0};

    if (newer->thread == e->thread ||
        explain_way(s, newer->thread, newer->index, e->thread, e->index,
                    weir__sheet_where(s, newer), weir__sheet_where(s, e)) ||
        (e->kind == READ && explain_store_buffering(s, e, newer)))
        return;
    weir__sheet_say(
        &t,
        "Nothing orders thread %d's store to %s at %s before %s, which %s: thread %d has read "
        "nothing that thread %d wrote afterwards. With seq_cst throughout, this run would be "
        "forbidden.",
        newer->thread, weir__sheet_target(s, newer), weir__sheet_where(s, newer),
        weir__sheet_where(s, e),
        e->kind == READ ? "does not see it" : "comes before it in modification order", e->thread,
        newer->thread);
    weir__sheet_print_text(s->to, &t);
}

static bool is_stale(const sheet *s, const event *e)
{
    return (e->kind == READ || e->kind == WRITE) && s->newer[weir__sheet_id(s, e)].thread >= 0;
}

/* Of the thread that failed first, and the last ones first: they are next to what went wrong. Reads
 * say more than writes do. */
void weir__sheet_explain_stale(const sheet *s)
{
    unsigned said = 0;

    for (unsigned turn = 0; turn < 4; turn++) {
        for (unsigned i = s->events; i-- > 0 && said < REASONS;) {
            const event *const e = weir__event(s->g, s->order[i]);

            if (is_stale(s, e) && (e->kind == READ) == (turn < 2) &&
                ((int)e->thread == s->r->thread) == (turn % 2 == 0)) {
                explain_old(s, e);
                said++;
            }
        }
    }
    if (said == 0 && s->events <= SORTED && s->r->finding != WEIR_CHECK_DEADLOCK &&
        s->r->finding != WEIR_CHECK_NO_PROGRESS && s->r->finding != WEIR_CHECK_LEAK &&
        s->threads > 1)
        fputs("No read is stale: the threads need only take turns like this, and no stronger "
              "memory order\n    prevents it.\n",
              s->to);
}
