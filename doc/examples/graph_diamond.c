/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* graph_diamond [TRACE]: four steps of which B and C need A, and D needs both:
 *
 *        B
 *      /   \
 *    A       D
 *      \   /
 *        C
 *
 * A comes first and D last, always. B and C do not know each other: with two workers they
 * overlap. With an argument it writes a file for chrome://tracing or https://ui.perfetto.dev. */

#include <weir/clock.h>
#include <weir/graph.h>
#include <weir/observe.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { A, B, C, D, STEPS, WORK = 1000000, COLUMNS = 60 };

typedef struct step {
    weir_graph_node node; /* first */
    const char *name;
    uint32_t value; /* of those before it, and what it adds */
    unsigned worker;
    uint64_t begin, end;
} step;

static step steps[STEPS];

static int run(weir_graph_node *node)
{
    step *const s = (step *)(void *)node;

    weir_trace_event(WEIR_TRACE_KIND_BEGIN, s->name, 0);
    s->begin = weir_clock_now();
    s->worker = weir_pool_worker();
    /* Plain: what is before it has ended. */
    s->value = s == &steps[A]   ? 1
               : s == &steps[D] ? steps[B].value ^ steps[C].value
                                : steps[A].value;
    for (int i = 0; i < WORK * (s == &steps[B] || s == &steps[C] ? 2 : 1); i++)
        s->value = s->value * 1664525 + 1013904223;
    s->end = weir_clock_now();
    weir_trace_event(WEIR_TRACE_KIND_END, s->name, 0);
    return 0;
}

static void draw(const step *s)
{
    const uint64_t whole = steps[D].end - steps[A].begin;
    char line[COLUMNS + 1];

    memset(line, '.', COLUMNS);
    line[COLUMNS] = '\0';
    for (uint64_t at = 0; at < COLUMNS; at++) {
        const uint64_t middle = steps[A].begin + whole * (2 * at + 1) / (2 * COLUMNS);

        if (s->begin <= middle && middle < s->end)
            line[at] = *s->name;
    }
    printf("  worker %u  %s\n", s->worker, line);
}

int main(int argc, char **argv)
{
    static const int needs[][2] = {{A, B}, {A, C}, {B, D}, {C, D}};
    static const char *const names[STEPS] = {"A", "B", "C", "D"};
    enum { EDGES = sizeof needs / sizeof needs[0] };
    weir_graph_edge edges[EDGES];
    weir_pool_options options = {0};
    weir_graph graph;
    weir_pool *pool;
    bool overlap;

    if (argc > 1 && weir_trace_start(64) != 0)
        return 1;
    weir_graph_init(&graph);
    for (int i = 0; i < STEPS; i++) {
        steps[i].name = names[i];
        weir_graph_node_init(&steps[i].node, run);
        if (weir_graph_add(&graph, &steps[i].node) != 0)
            return 1;
    }
    for (int i = 0; i < EDGES; i++)
        if (weir_graph_before(&edges[i], &steps[needs[i][0]].node, &steps[needs[i][1]].node) != 0)
            return 1;
    options.workers = 2;
    if (weir_pool_new(&pool, &options) != 0 ||
        weir_graph_run(&graph, pool, WEIR_FOREVER, NULL) != 0 ||
        weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(pool) != 0 ||
        weir_graph_destroy(&graph) != 0)
        return 1;

    for (int i = 0; i < STEPS; i++)
        draw(&steps[i]);
    for (int i = 0; i < EDGES; i++) {
        if (steps[needs[i][0]].end > steps[needs[i][1]].begin) {
            fprintf(stderr, "%s began before %s had ended\n", names[needs[i][1]],
                    names[needs[i][0]]);
            return 1;
        }
    }
    if (argc > 1 && (weir_trace_write(argv[1]) != 0 || weir_trace_free() != 0)) {
        fprintf(stderr, "%s cannot be written\n", argv[1]);
        return 1;
    }
    overlap = steps[B].begin < steps[C].end && steps[C].begin < steps[B].end;
    printf("OK graph_diamond order=yes value=%" PRIu32 " (%s)\n", steps[D].value,
           overlap ? "PASS: B and C overlap" : "B and C do not overlap: not on this machine today");
    return 0;
}
