/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/check/explore.c: every execution graph, each once.
 *
 * A new read reads the newest write it can, a new write comes last; what else they could do is kept
 * for later. And a new write may be what an earlier read should have read: then all is removed
 * that was added after the read and that the write does not depend on. So that no graph is reached
 * twice, this is done only from the one graph in which all that is removed had been added in the
 * plainest way: reads that read, and writes that were, the newest, as seen when they were added.
 *
 * Source: M. Kokologiannakis, I. Marmanis, V. Gladstein, V. Vafeiadis, "Truly Stateless, Optimal
 * Dynamic Partial Order Reduction", POPL 2022, doi:10.1145/3498711. Where they undo a removal by
 * computing it back, a copy of the graph is kept here: at most one for each event. */

#include "share.h"

#include <string.h>

typedef enum work { READ_FROM, WRITE_BEHIND, ANSWER, REVISIT, REVISIT_BEHIND } work;

/* Something that is to be tried at the event with this stamp, when all after it has been. */
typedef struct item {
    uint32_t stamp;
    work what;
    name event;
    name other; /* the write to read, or to stand behind; REVISIT...: the write */
    union {
        revisit_option option; /* REVISIT_BEHIND: in the graph of the first of its options */
        unsigned answer;
    } how;
} item;

typedef struct level {
    graph g;
    item *items;
    unsigned count, room;
} level;

static STATE level *levels = NULL;
static STATE unsigned depth = 0, level_room = 0;
void (*weir__check_each_graph)(const graph *g) STATE = NULL;

void *weir__check_heap(void *block, size_t size)
{
    static STATE void *(*real)(void *, size_t) = NULL;

    if (real == NULL)
        *(void **)&real = weir__check_real("realloc");
    block = real(block, size);
    if (block == NULL)
        weir__check_die("no memory is left for the search");
    return block;
}

void weir__check_heap_free(void *block)
{
    static STATE void (*real)(void *) = NULL;

    if (real == NULL)
        *(void **)&real = weir__check_real("free");
    real(block);
}

static level *top(void)
{
    return &levels[depth - 1];
}

static level *push_level(void)
{
    if (depth == level_room) {
        const unsigned had = level_room;

        level_room = had == 0 ? 16 : 2 * had;
        levels = (level *)weir__check_heap(levels, level_room * sizeof *levels);
        memset(levels + had, 0, (level_room - had) * sizeof *levels);
    }
    levels[depth].count = 0;
    return &levels[depth++];
}

static void push_item(item i)
{
    level *const l = top();

    if (l->count == l->room) {
        l->room = l->room == 0 ? 32 : 2 * l->room;
        l->items = (item *)weir__check_heap(l->items, l->room * sizeof *l->items);
    }
    l->items[l->count++] = i;
}

static void push(const event *at, work what, name e, name other, unsigned answer)
{
    const item i = {at->stamp, what, e, other, {.answer = answer}};

    push_item(i);
}

/* ---- what a run asks ---- */

static unsigned read_newest(const event *e, const unsigned *position, unsigned count)
{
    const location *const l = &top()->g.location[e->location];

    for (unsigned i = 0; i + 1 < count; i++)
        push(e, READ_FROM, weir__name_of(e), l->write[position[i]], 0);
    return count - 1;
}

/* What was there before the event `until` was added, and what the write depends on. */
typedef struct past {
    uint32_t until;
    const event *write;
} past;

static bool in_past(const past *p, const event *e)
{
    return e->stamp <= p->until || (p->write->porf.of[e->thread] > e->index && e != p->write);
}

/* Whether the event was added in the plainest way. */
static bool is_plainest(const graph *g, const event *e, const event *write)
{
    const past before = {e->stamp, write};
    const location *l;
    unsigned p;

    if (e->kind != READ && e->kind != WRITE)
        return e->kind != CHOICE || e->value == 0;
    l = &g->location[e->location];
    if (e->kind == WRITE)
        for (unsigned i = 0; i < l->reads; i++) {
            const event *const r = weir__event(g, l->read[i]);

            if (weir__same(r->from, weir__name_of(e)) && in_past(&before, r))
                return false;
        }
    p = weir__graph_position(l, e->kind == WRITE ? weir__name_of(e) : e->from);
    if (e->kind == READ && p > 0 && !in_past(&before, weir__event(g, l->write[p])))
        return false;
    for (p++; p < l->writes; p++) {
        const event *const w = weir__event(g, l->write[p]);

        if (w != write && w != e && in_past(&before, w) &&
            (e->kind == WRITE || (w->mask & e->mask) != 0))
            return false;
    }
    return true;
}

/* What stays if the read is to read the write. */
static void keep_for(const graph *g, const event *read, const event *write, unsigned *keep)
{
    for (unsigned t = 0; t < THREADS; t++) {
        keep[t] = write->porf.of[t];
        while (keep[t] < g->count[t] && g->of[t][keep[t]].stamp < read->stamp)
            keep[t]++;
    }
    keep[read->thread] = read->index + 1U;
}

static bool may_revisit(const graph *g, const event *read, const event *write)
{
    unsigned keep[THREADS];

    if ((read->mask & write->mask) == 0 || write->porf.of[read->thread] > read->index)
        return false;
    keep_for(g, read, write, keep);
    if (!is_plainest(g, read, write))
        return false;
    for (unsigned t = 0; t < THREADS; t++)
        for (unsigned i = keep[t]; i < g->count[t]; i++)
            if (!is_plainest(g, &g->of[t][i], write))
                return false;
    return true;
}

static unsigned write_newest(const event *e, const unsigned *position, unsigned count)
{
    const graph *const g = &top()->g;
    const location *const l = &g->location[e->location];

    /* Positions are those before the write was put at the last one. */
    for (unsigned i = 0; i + 1 < count; i++)
        push(e, WRITE_BEHIND, weir__name_of(e), l->write[position[i] - 1], 0);
    for (unsigned i = 0; i < l->reads; i++)
        if (may_revisit(g, weir__event(g, l->read[i]), e))
            push(e, REVISIT, l->read[i], weir__name_of(e), 0);
    return count - 1;
}

static unsigned answer_nought(const event *e, unsigned count)
{
    for (unsigned i = count - 1; i > 0; i--)
        push(e, ANSWER, weir__name_of(e), weir__name_of(e), i);
    return 0;
}

static const policy every = {.read = read_newest, .write = write_newest, .choice = answer_nought};

/* ---- what comes next ---- */

/* Lets the read of the item read its write, in a graph of its own. Returns: whether it can. */
static bool revisit(item i)
{
    static STATE revisit_option *option = NULL;
    static STATE unsigned room = 0;
    unsigned keep[THREADS];
    unsigned count, wanted;
    level *const now = push_level();
    const graph *const from = &levels[depth - 2].g;
    event *read, *write;
    location *l;

    keep_for(from, weir__event(from, i.event), weir__event(from, i.other), keep);
    weir__graph_copy(&now->g, from, keep);
    read = weir__event(&now->g, i.event);
    write = weir__event(&now->g, i.other);
    read->blocked = false;
    weir__graph_displace(&now->g, write);
    l = &now->g.location[write->location];
    wanted = (l->writes + 1) * (l->writes + 1);
    if (wanted > room) {
        room = 2 * wanted;
        option = (revisit_option *)weir__check_heap(option, room * sizeof *option);
    }
    count = weir__graph_revisit_options(&now->g, write, read, option);
    if (count == 0) {
        depth--;
        return false;
    }
    weir__graph_revisit(&now->g, write, read, option[count - 1]);
    for (unsigned k = 0; k + 1 < count; k++) {
        item other = {write->stamp, REVISIT_BEHIND, i.event, i.other, {.option = option[k]}};

        push_item(other);
    }
    return true;
}

/* Makes the item's graph, out of the one on top. Returns: false if it cannot be. */
static bool try_item(item i)
{
    graph *const g = &top()->g;
    event *e;

    weir__graph_cut(g, i.stamp + 1);
    e = weir__event(g, i.event);
    switch (i.what) {
    case READ_FROM:
        weir__graph_read_from(g, e, weir__graph_position(&g->location[e->location], i.other));
        return true;
    case WRITE_BEHIND:
        weir__graph_displace(g, e);
        weir__graph_place(g, e, weir__graph_position(&g->location[e->location], i.other) + 1);
        return true;
    case ANSWER:
        e->value = i.how.answer;
        return true;
    case REVISIT_BEHIND:
        /* Positions are those without the write. */
        weir__graph_revisit(g, weir__event(g, i.other), e, i.how.option);
        return true;
    default:
        return revisit(i);
    }
}

/* Turns to what is to be tried next. Returns: false if there is nothing left. */
static bool next(void)
{
    while (depth > 0) {
        level *const l = top();

        if (l->count == 0)
            depth--;
        else if (try_item(l->items[--l->count]))
            return true;
    }
    return false;
}

/* ---- several processes ---- */

/* Runs before it pays to share. */
enum { ALONE = 500 };

static void give_away(void)
{
    const unsigned was = depth;
    unsigned oldest = 0;
    unsigned keep[THREADS];
    item i;
    level *copy;

    while (oldest < depth && levels[oldest].count == 0)
        oldest++;
    /* The last one is wanted here. */
    if (oldest == depth || (oldest == depth - 1 && levels[oldest].count < 2))
        return;
    i = levels[oldest].items[0];
    for (unsigned t = 0; t < THREADS; t++)
        for (keep[t] = levels[oldest].g.count[t];
             keep[t] > 0 && levels[oldest].g.of[t][keep[t] - 1].stamp > i.stamp; keep[t]--)
            ;
    copy = push_level();
    weir__graph_copy(&copy->g, &levels[oldest].g, keep);
    if (!try_item(i) || (top()->count * sizeof(item) <= SHARE_ITEMS &&
                         weir__share_give(&top()->g, top()->items, top()->count * sizeof(item)))) {
        level *const l = &levels[oldest];

        memmove(l->items, l->items + 1, --l->count * sizeof *l->items);
    }
    depth = was;
}

/* Returns: false if the search is over. */
static bool take_over(void)
{
    static STATE item *items = NULL;
    level *l;
    size_t size;

    if (items == NULL)
        items = (item *)weir__check_memory(SHARE_ITEMS);
    depth = 0;
    l = push_level();
    if (!weir__share_ask(&l->g, items, &size))
        return false;
    for (size_t k = 0; k < size / sizeof(item); k++)
        push_item(items[k]);
    return true;
}

static void start(void)
{
    depth = 0;
    weir__graph_cut(&push_level()->g, 0);
}

/* What one process does. Returns: how its last run ended; COMPLETE: it has nothing left. */
static outcome explore(search *s)
{
    const bool shares =
        s->options->workers > 1 && !s->options->verify && weir__check_each_graph == NULL;
    const uint64_t before = s->count.runs;

    for (;;) {
        outcome o = weir__run(&top()->g, &every);

        s->last = &top()->g;
        if (o == WIDENED || !weir__search_goes_on(s, s->last, &o))
            return o;
        if (shares && !weir__share_on() && s->count.runs - before == ALONE && depth > 0 &&
            weir__share_begin(s->options->workers) && weir__share_is_child()) {
            memset(&s->count, 0, sizeof s->count);
            depth = 0;
        }
        if (weir__share_on()) {
            weir__share_count(s);
            if (weir__share_stopped())
                return COMPLETE;
            if (weir__share_wanted())
                give_away();
        }
        if (!next() && !(weir__share_on() && take_over()))
            return COMPLETE;
    }
}

/* The sum of what all processes found. What one of them found is run again here, to be told. */
static outcome end_sharing(search *s, outcome o)
{
    static STATE char *path = NULL;
    const share_finding *finding;

    if (o != COMPLETE) {
        if (path == NULL)
            path = (char *)weir__check_memory(sizeof finding->path);
        path[0] = '\0';
        if (o == FAILED)
            weir__path(s->last, path, sizeof finding->path);
        weir__share_found(o, path);
    }
    finding = weir__share_end(s);
    if (finding == NULL)
        return COMPLETE;
    weir__result = finding->result;
    return finding->how == FAILED ? weir__drive_along(s, finding->path) : finding->how;
}

outcome weir__explore(search *s)
{
    outcome o;

    for (;;) {
        start();
        o = explore(s);
        if (weir__share_on())
            o = end_sharing(s, o);
        if (o != WIDENED)
            return o;
        weir__search_restart(s);
        weir__places_forget();
    }
}
