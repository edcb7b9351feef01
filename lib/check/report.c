/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/report.c: what a person reads when something was found. */

#include <unistd.h>

#include "sheet.h"
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- reasons: who waits ---- */

static bool is_frozen(const sheet *s, int thread)
{
    for (const int *f = s->r->frozen; f != NULL && *f >= 0; f++) {
        if (*f == thread)
            return true;
    }
    return false;
}

/* The last location in memory at the address of this one, which may be of another space. */
static const location *memory_of(const sheet *s, const location *l)
{
    for (unsigned i = s->g->locations; i-- > 0;) {
        const location *const m = &s->g->location[i];

        if (m->open && m->space == MEMORY &&
            (uintptr_t)l->address - (uintptr_t)m->address < m->size)
            return m;
    }
    return l;
}

static void say_last_change(const sheet *s, paragraph *t, const location *l)
{
    unsigned i = l->writes == 0 ? 0 : l->writes - 1;
    const event *e;
    char value[100] = "";

    /* Not a read-modify-write that left it as it was. */
    while (i > 1 && weir__sheet_is_second_half(s, weir__event(s->g, l->write[i])) &&
           weir__event(s->g, l->write[i])->value == (weir__event(s->g, l->write[i]) - 1)->value)
        i--;
    if (i == 0) {
        weir__sheet_say(t, ", which nobody has changed");
        return;
    }
    e = weir__event(s->g, l->write[i]);
    if (l->space == MUTEX) {
        weir__sheet_say(t, ", which thread %d%s took at %s", e->thread,
                        is_frozen(s, e->thread) ? ", who stands still," : "",
                        weir__sheet_where(s, e));
        return;
    }
    if (l->space == MEMORY && !e->open)
        snprintf(value, sizeof value, ", to %.90s,", weir__sheet_value_of(e));
    weir__sheet_say(t, ", which thread %d%s changed last%s with its %s at %s", e->thread,
                    is_frozen(s, e->thread) ? ", who stands still," : "", value,
                    weir__sheet_verb(weir__sheet_is_second_half(s, e) ? e - 1 : e),
                    weir__sheet_where(s, e));
}

/* Says who else had to do with what a thread sleeps on. */
static void say_last_call(const sheet *s, paragraph *t, const event *sleeper)
{
    for (unsigned i = s->events; i-- > 0;) {
        const event *const e = weir__event(s->g, s->order[i]);

        if (e->thread == sleeper->thread || e->location < 0 ||
            (e->kind != READ && e->kind != WRITE) || weir__sheet_is_memory(s, e) ||
            weir__sheet_location_of(s, e)->address !=
                weir__sheet_location_of(s, sleeper)->address ||
            strcmp(weir__sheet_verb(e), weir__sheet_verb(sleeper)) == 0)
            continue;
        weir__sheet_say(t, " The last to call was thread %d: %s at %s, %s.", e->thread,
                        weir__sheet_verb(e), weir__sheet_where(s, e),
                        s->at[weir__sheet_id(s, e)] < s->at[weir__sheet_id(s, sleeper)]
                            ? "before that"
                            : "which was of no use");
        return;
    }
}

/* The event, or the last one before it that has a row. */
static const event *last_shown(const sheet *s, const event *e)
{
    while (e->index > 0 && s->row[weir__sheet_id(s, e)] == 0)
        e--;
    return e;
}

static void explain_thread(const sheet *s, int thread)
{
    const event *const last = &s->g->of[thread][s->g->count[thread] - 1];
    const event *const shown = last_shown(s, last);
    const bool reads = last->kind == READ && weir__sheet_second_half(s, last) == NULL;
    const bool spins =
        reads && (last->blocked ? last->reason == SPINS : weir__sheet_is_memory(s, last));
    const location *const l = reads ? weir__sheet_location_of(s, last) : NULL;
    paragraph t = {.length = 0};
    why reason = SPINS;

    if (last->kind == END)
        return;
    if (is_frozen(s, thread)) {
        weir__sheet_say(&t, "Thread %d stands still for good after %s at %s.", thread,
                        shown->kind == READ || shown->kind == WRITE ? weir__sheet_verb(shown)
                                                                    : "what it does",
                        weir__sheet_where(s, shown));
    } else if (spins) {
        weir__sheet_say(&t, "Thread %d goes round at %s: it reads %s", thread,
                        weir__sheet_where(s, last), weir__sheet_target(s, last));
        say_last_change(s, &t, l);
        weir__sheet_say(&t, ".");
    } else if (reads && last->blocked && last->reason == SLEEPS) {
        weir__sheet_say(&t, "Thread %d sleeps at %s on %s", thread, weir__sheet_where(s, last),
                        weir__sheet_target(s, last));
        if (memory_of(s, l)->writes > 1)
            say_last_change(s, &t, memory_of(s, l));
        weir__sheet_say(&t, ".");
        say_last_call(s, &t, last);
    } else if (reads && last->blocked && last->reason == LOCKS) {
        weir__sheet_say(&t, "Thread %d waits at %s for %s", thread, weir__sheet_where(s, last),
                        weir__sheet_target(s, last));
        say_last_change(s, &t, l);
        weir__sheet_say(&t, ".");
    } else if (weir__run_waits(thread, &reason) && reason == JOINS) {
        weir__sheet_say(&t, "Thread %d waits for another one to end, after %s.", thread,
                        weir__sheet_where(s, shown));
    } else if (s->row[weir__sheet_id(s, shown)] != 0 && shown->kind != CREATE &&
               shown->kind != JOIN) {
        weir__sheet_say(&t, "Thread %d has not ended; the last that it did is at %s.", thread,
                        weir__sheet_where(s, shown));
    } else {
        return;
    }
    weir__sheet_print_text(s->to, &t);
}

static void explain_waits(const sheet *s)
{
    for (int own = 1; own >= 0; own--) {
        for (unsigned t = 0; t < s->threads; t++) {
            if (s->g->count[t] > 0 && is_frozen(s, (int)t) == (own != 0))
                explain_thread(s, (int)t);
        }
    }
}

/* ---- all of it ---- */

static void explain(const sheet *s)
{
    switch (s->r->finding) {
    case WEIR_CHECK_RACE:
        weir__sheet_explain_race(s);
        return;
    case WEIR_CHECK_DEADLOCK:
    case WEIR_CHECK_LOST_WAKEUP:
    case WEIR_CHECK_SPIN:
    case WEIR_CHECK_NO_PROGRESS:
        explain_waits(s);
        break;
    case WEIR_CHECK_NOT_LINEARIZABLE:
        weir__history_print(s->to);
        fputc('\n', s->to);
        break;
    case WEIR_CHECK_USE_AFTER_FREE:
        if (weir__sheet_frees_too_early(s)) {
            weir__sheet_explain_race(s);
            return;
        }
        break;
    case WEIR_CHECK_DOUBLE_FREE:
    case WEIR_CHECK_MISUSE:
    case WEIR_CHECK_LEAK:
    case WEIR_CHECK_NOTHING:
    case WEIR_CHECK_ASSERTION:
    case WEIR_CHECK_USE_AFTER_RETURN:
    case WEIR_CHECK_OUT_OF_BOUNDS:
    case WEIR_CHECK_UNINITIALISED:
    case WEIR_CHECK_CRASH:
        break;
    }
    weir__sheet_explain_stale(s);
}

static void begin(sheet *s, FILE *to, const report *r)
{
    const graph *const g = r->graph;
    const char *const terminal = getenv("TERM");
    const void **places;
    unsigned total = 0, wanted = 0;

    memset(s, 0, sizeof *s);
    s->to = to;
    s->r = r;
    s->g = g;
    s->colours = fileno(to) >= 0 && isatty(fileno(to)) && getenv("NO_COLOR") == NULL &&
                 terminal != NULL && strcmp(terminal, "dumb") != 0;
    s->threads = r->thread < 0 ? 1 : (unsigned)r->thread + 1;
    for (unsigned t = 0; t < THREADS; t++) {
        s->first[t] = total;
        total += g->count[t];
        if (g->count[t] > 0 && s->threads < t + 1)
            s->threads = t + 1;
    }
    s->at = (unsigned *)weir__check_memory((total + 1) * sizeof *s->at);
    s->position = (unsigned *)weir__check_memory((total + 1) * sizeof *s->position);
    s->row = (unsigned *)weir__check_memory((total + 1) * sizeof *s->row);
    s->newer = (name *)weir__check_memory((total + 1) * sizeof *s->newer);
    s->names = (const char **)weir__check_memory((g->locations + 1) * sizeof *s->names);
    places = (const void **)weir__check_memory((total + 3) * sizeof *places);
    for (unsigned i = 0; i < total; i++) {
        s->at[i] = NONE;
        s->position[i] = 0;
        s->row[i] = 0;
        s->newer[i] = weir__sheet_name_at(-1, 0);
    }
    for (unsigned i = 0; i < g->locations; i++) {
        const location *const l = &g->location[i];
        char text[160] = "?";

        for (unsigned j = 0; j < l->writes; j++) {
            if (l->write[j].thread >= 0)
                s->position[weir__sheet_id_of(s, l->write[j])] = j;
        }
        if (l->writes > 0) {
            weir__memory_describe(l->address, text, sizeof text);
            weir__sheet_shorten(text);
        }
        s->names[i] = weir__sheet_keep(text);
    }
    weir__sheet_take_order(s, total);
    weir__sheet_sort_order(s);
    weir__sheet_find_stale(s);
    places[wanted++] = r->pc;
    places[wanted++] = r->other;
    for (unsigned i = 0; i < s->events; i++)
        places[wanted++] = weir__event(g, s->order[i])->pc;
    weir__symbols_want(places, wanted);
    weir__sheet_find_other(s);
}

void weir__report(FILE *to, const report *r)
{
    const char *const scenario = r->scenario == NULL ? "test" : r->scenario;
    paragraph sentence = {.length = 0};
    table t;
    sheet s;

    begin(&s, to, r);
    weir__sheet_fill(&s, &t);
    weir__sheet_measure(&s, &t);
    fprintf(to, "%sweir_check: %s: %s%s\n", s.colours ? "\033[1m" : "", scenario,
            weir__sheet_headline(r->finding), s.colours ? "\033[0m" : "");
    if (r->sentence != NULL && r->sentence[0] != '\0') {
        weir__sheet_say(&sentence, "%s", r->sentence);
        weir__sheet_print_text(to, &sentence);
    }
    fputc('\n', to);
    weir__sheet_print_table(&s, &t);
    explain(&s);
    if (r->path != NULL && r->path[0] != '\0')
        fprintf(to,
                weir__program_is_checked ? "\nreplay: weir-check --replay '%s' ./%s\n"
                                         : "\nreplay: WEIR_CHECK_REPLAY='%s' ./%s\n",
                r->path, program_invocation_short_name);
}
