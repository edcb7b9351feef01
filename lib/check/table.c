/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/table.c: the run as a table, a column for each thread. */

#include "sheet.h"

#include <string.h>

/* ---- cells ---- */

static const char *wait_text(const event *e)
{
    static const char *const texts[] = {"goes round", "waits",       "sleeps",
                                        "waits",      "is given up", "stands still"};

    return !e->blocked || e->reason >= sizeof texts / sizeof texts[0] ? "" : texts[e->reason];
}

static void describe_access(const sheet *s, const event *e, char *text, size_t room)
{
    const event *const second = weir__sheet_second_half(s, e);
    const char *const of = weir__sheet_target(s, e);
    const char *const waits = wait_text(e);
    const char *const order = e->order == PLAIN ? "" : weir__sheet_order_name(e->order);
    const bool fails = e->kind == READ && e->exclusive && second == NULL && !e->blocked;
    char expected[100];

    if (!weir__sheet_is_memory(s, e)) {
        snprintf(text, room, "%s %s%s", weir__sheet_verb(e), of, fails ? " fails" : "");
    } else if (second != NULL) {
        snprintf(text, room, "%s %s %s -> %s %s", weir__sheet_verb(e), of, weir__sheet_value_of(e),
                 weir__sheet_value_of(second), order);
    } else if (fails && e->compares) {
        weir__report_value(expected, sizeof expected, e->expected, e->size);
        snprintf(text, room, "%s %s = %s, wanted %s: fails %s", weir__sheet_verb(e), of,
                 weir__sheet_value_of(e), expected, order);
    } else if (e->kind == WRITE && e->open) {
        snprintf(text, room, "%s %s", weir__sheet_verb(e), of);
    } else {
        snprintf(text, room, "%s %s = %s %s%s", weir__sheet_verb(e), of, weir__sheet_value_of(e),
                 order, fails ? " fails" : "");
    }
    if (waits[0] != '\0')
        snprintf(text + strlen(text), room - strlen(text), "  %s", waits);
}

/* What stands in the cell of the event. Returns: false if it has no row. */
static bool describe_event(const sheet *s, const event *e, char *text, size_t room)
{
    switch ((kind)e->kind) {
    case READ:
        describe_access(s, e, text, room);
        return true;
    case WRITE:
        if (weir__sheet_is_second_half(s, e))
            return false;
        describe_access(s, e, text, room);
        return true;
    case FENCE:
        snprintf(text, room, "%s %s", weir__sheet_verb(e), weir__sheet_order_name(e->order));
        return true;
    case CREATE:
        snprintf(text, room, "creates thread %d", e->location);
        return true;
    case JOIN:
        snprintf(text, room, "joins thread %d", e->location);
        return true;
    case CHOICE:
        if (e->what == NULL)
            snprintf(text, room, "chooses %s", weir__sheet_value_of(e));
        else
            snprintf(text, room, "chance: %s", e->what);
        return true;
    case BEGIN:
    case END:
        break;
    }
    return false;
}

/* "<< stale: newest is 1, stored at mp.c:9 (row 2) by thread 1", or shorter; "" if there is nothing
 * to say. */
static void describe_stale(const sheet *s, const event *e, bool brief_one, char *text, size_t room)
{
    const event *const second = weir__sheet_second_half(s, e), *newer;
    name n = s->newer[weir__sheet_id(s, e)];
    const char *how = "stale: newest is";
    char value[100];

    if (n.thread < 0 && second != NULL)
        n = s->newer[weir__sheet_id(s, second)];
    text[0] = '\0';
    if (n.thread < 0)
        return;
    newer = weir__event(s->g, n);
    if (e->kind == WRITE || second != NULL)
        how = "in modification order before";
    if (newer->open)
        snprintf(value, sizeof value, "what was");
    else
        weir__report_value(value, sizeof value,
                           weir__graph_value(s->g, weir__sheet_location_of(s, e),
                                             s->position[weir__sheet_id(s, newer)], e->mask),
                           e->size);
    if (!brief_one)
        snprintf(text, room, "<< %s %s, stored at %s by thread %d", how, value,
                 weir__sheet_where(s, newer), newer->thread);
    else if (s->row[weir__sheet_id(s, newer)] != 0)
        snprintf(text, room, "<< %s: row %u stored %s", how[0] == 's' ? "stale" : "goes before",
                 s->row[weir__sheet_id(s, newer)], value);
}

/* ---- the table ---- */

const char *weir__sheet_keep(const char *text)
{
    char *const to = (char *)weir__check_memory(strlen(text) + 1);

    return strcpy(to, text);
}

static void add_row(table *t, const event *e, int thread, const void *pc, const char *text)
{
    row *const r = &t->row[t->rows++];

    r->event = e;
    r->number = 0;
    r->thread = thread;
    r->pc = pc;
    r->text = weir__sheet_keep(text);
    r->note = r->short_note = "";
}

const char *weir__sheet_headline(weir_check_finding finding)
{
    static const char *const texts[] = {"nothing",
                                        "assertion failed",
                                        "data race",
                                        "use after free",
                                        "use after return",
                                        "bad free",
                                        "out of bounds",
                                        "leak",
                                        "uninitialised read",
                                        "deadlock",
                                        "lost wake-up",
                                        "endless loop",
                                        "not linearizable",
                                        "no progress",
                                        "crash",
                                        "misuse"};

    return (unsigned)finding < sizeof texts / sizeof texts[0] ? texts[finding] : "?";
}

/* A row for code that is no event. */
static void add_mark(table *t, int thread, const void *pc, const char *note)
{
    const char *const source = weir__check_source(pc), *const function = weir__check_function(pc);
    char text[100];

    if (source[0] != '\0')
        snprintf(text, sizeof text, "* %s", source);
    else if (function[0] != '?')
        snprintf(text, sizeof text, "* in %.60s()", function);
    else
        snprintf(text, sizeof text, "* here");
    add_row(t, NULL, thread, pc, text);
    t->row[t->rows - 1].note = t->row[t->rows - 1].short_note = note;
}

/* Whether the access was first, and nothing orders it before the free. */
bool weir__sheet_frees_too_early(const sheet *s)
{
    char text[40];

    snprintf(text, sizeof text, "thread %d frees it at", s->r->thread);
    return s->r->sentence != NULL && strstr(s->r->sentence, text) != NULL;
}

/* How many events of thread 0 at the start are to be folded. */
static unsigned count_setup(const sheet *s)
{
    unsigned n = 0;

    while (n < s->g->count[0] && s->g->of[0][n].kind != CREATE)
        n++;
    return n < s->g->count[0] && n > FOLDED ? n : 0;
}

/* Leaves out what is far from both ends of a long run. */
static void fold_middle(table *t)
{
    const unsigned out = t->rows - SHOWN_FIRST - SHOWN_LAST;
    char text[80];

    if (t->rows <= SHOWN_FIRST + SHOWN_LAST + 1)
        return;
    snprintf(text, sizeof text, "... %u rows are left out", out);
    memmove(t->row + SHOWN_FIRST + 1, t->row + SHOWN_FIRST + out, SHOWN_LAST * sizeof *t->row);
    t->rows = SHOWN_FIRST;
    add_row(t, NULL, 0, NULL, text);
    t->rows += SHOWN_LAST;
}

void weir__sheet_fill(sheet *s, table *t)
{
    const report *const r = s->r;
    const unsigned setup = count_setup(s);
    const char *const other_note = r->finding == WEIR_CHECK_RACE || weir__sheet_frees_too_early(s)
                                       ? "<< the other access"
                                   : r->finding == WEIR_CHECK_USE_AFTER_RETURN ? "<< called here"
                                                                               : "<< freed here";
    unsigned number = 0;
    bool other_shown = s->other_thread < 0, folded = false;
    char text[400];

    t->row = (row *)weir__check_memory((s->events + 4) * sizeof *t->row);
    t->rows = 0;
    for (unsigned i = 0; i < s->events; i++) {
        const event *const e = weir__event(s->g, s->order[i]);

        if (!other_shown && (int)e->thread == s->other_thread && e->index >= s->other &&
            e->pc != r->other) {
            other_shown = true;
            add_mark(t, s->other_thread, r->other, other_note);
        }
        other_shown |= (int)e->thread == s->other_thread && e->pc == r->other;
        if (e->thread == 0 && e->index < setup) {
            snprintf(text, sizeof text, "... %u events of thread 0", setup);
            if (!folded)
                add_row(t, NULL, 0, NULL, text);
            folded = true;
            continue;
        }
        if (describe_event(s, e, text, sizeof text)) {
            while (strlen(text) > 0 && text[strlen(text) - 1] == ' ')
                text[strlen(text) - 1] = '\0';
            add_row(t, e, e->thread, e->pc, text);
            t->row[t->rows - 1].number = s->row[weir__sheet_id(s, e)] = ++number;
        } else if (weir__sheet_is_second_half(s, e)) {
            s->row[weir__sheet_id(s, e)] = number;
        }
    }
    if (!other_shown)
        add_mark(t, s->other_thread, r->other, other_note);
    if (r->thread >= 0 && r->pc != NULL) {
        snprintf(text, sizeof text, "<< %s", weir__sheet_headline(r->finding));
        add_mark(t, r->thread, r->pc, weir__sheet_keep(text));
    }
    fold_middle(t);
    for (unsigned i = 0; i < t->rows; i++) {
        if (t->row[i].event == NULL)
            continue;
        describe_stale(s, t->row[i].event, false, text, sizeof text);
        t->row[i].note = weir__sheet_keep(text);
        describe_stale(s, t->row[i].event, true, text, sizeof text);
        t->row[i].short_note = weir__sheet_keep(text);
    }
}

/* Whether the texts of a column fit into the page, with their notes perhaps. */
static bool fits(const table *t, int thread, bool notes)
{
    for (unsigned i = 0; i < t->rows; i++) {
        const row *const r = &t->row[i];
        const size_t note = notes && r->short_note[0] != '\0' ? 2 + strlen(r->short_note) : 0;

        if (r->thread == thread && t->column[thread] + strlen(r->text) + note > WIDTH)
            return false;
    }
    return true;
}

/* Makes the widest column before that of `thread` narrower by one. */
static bool narrow(table *t, int thread, unsigned least)
{
    int widest = 0;

    for (int u = 1; u < thread; u++) {
        if (t->column[u + 1] - t->column[u] > t->column[widest + 1] - t->column[widest])
            widest = u;
    }
    if (thread == 0 || t->column[widest + 1] - t->column[widest] <= least)
        return false;
    for (int u = widest + 1; u <= THREADS; u++)
        t->column[u]--;
    return true;
}

/* Columns are as wide as what stands in them; if that is too much they are less, since a text may
 * run to the right: its row has no other. */
void weir__sheet_measure(const sheet *s, table *t)
{
    const int last = (int)s->threads - 1;
    unsigned places = 5;

    for (unsigned i = 0; i < t->rows; i++) {
        const size_t length = t->row[i].pc == NULL ? 0 : strlen(weir__check_place(t->row[i].pc));

        if (length > places)
            places = (unsigned)(length < 28 ? length : 28);
    }
    t->column[0] = 5 + places + 2;
    for (int thread = 0; thread < THREADS; thread++) {
        unsigned widest = 10;

        for (unsigned i = 0; i < t->rows; i++) {
            if (t->row[i].thread == thread && strlen(t->row[i].text) > widest)
                widest = (unsigned)strlen(t->row[i].text);
        }
        t->column[thread + 1] = t->column[thread] + (widest < 40 ? widest : 40) + 2;
    }
    for (int thread = 0; thread <= last; thread++) {
        while (!fits(t, thread, true) && narrow(t, thread, 18))
            continue;
        while (!fits(t, thread, false) && narrow(t, thread, s->threads > 6 ? 4 : 10))
            continue;
    }
}

/* Fills up to a column, with a bar for each thread on the way. */
static void rule(const sheet *s, const table *t, unsigned from, unsigned to)
{
    unsigned thread = 0;

    for (; from < to; from++) {
        while (thread < s->threads && t->column[thread] < from)
            thread++;
        fputc(thread < s->threads && t->column[thread] == from ? '|' : ' ', s->to);
    }
}

static void print_note(const sheet *s, const char *note)
{
    fprintf(s->to, "%s%s%s", s->colours ? "\033[31m" : "", note, s->colours ? "\033[0m" : "");
}

static void print_row(const sheet *s, const table *t, const row *r)
{
    const unsigned note = (unsigned)strlen(r->note), short_note = (unsigned)strlen(r->short_note);
    const unsigned at = t->column[r->thread] + (unsigned)strlen(r->text);
    const unsigned end = t->column[s->threads - 1] + 1;
    unsigned first;

    if (r->number != 0)
        fprintf(s->to, "%4u ", r->number);
    else
        fputs("     ", s->to);
    fprintf(s->to, "%-*s", (int)(t->column[0] - 5), r->pc == NULL ? "" : weir__check_place(r->pc));
    rule(s, t, t->column[0], t->column[r->thread]);
    fputs(r->text, s->to);
    if (note == 0) {
        if (at + 1 < end) {
            fputc(' ', s->to);
            rule(s, t, at + 1, end);
        }
    } else if (at + 2 + note <= WIDTH || (short_note > 0 && at + 2 + short_note <= WIDTH)) {
        fputs("  ", s->to);
        print_note(s, at + 2 + note <= WIDTH ? r->note : r->short_note);
    } else {
        first = t->column[r->thread] + 4;
        if (first + note > WIDTH)
            first = note + t->column[0] > WIDTH ? t->column[0] : WIDTH - note;
        fputc('\n', s->to);
        rule(s, t, 0, first);
        print_note(s, r->note);
    }
    fputc('\n', s->to);
}

void weir__sheet_print_table(const sheet *s, const table *t)
{
    unsigned at = t->column[0];

    fprintf(s->to, " row %-*s", (int)(t->column[0] - 5), "place");
    for (unsigned thread = 0; thread < s->threads; thread++) {
        const bool wide = t->column[thread + 1] - t->column[thread] > 9;
        char text[20];

        snprintf(text, sizeof text, wide ? "thread %u" : "%u", thread);
        fprintf(s->to, "%*s%s", (int)(t->column[thread] - at), "", text);
        at = t->column[thread] + (unsigned)strlen(text);
    }
    fputc('\n', s->to);
    for (unsigned i = 0; i < t->rows; i++)
        print_row(s, t, &t->row[i]);
    fputc('\n', s->to);
}
