/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* graph: a little build. Three sources are compiled, a library is made of two of them, a program of
 * all, and then it is tested; each step begins when those that it needs have ended, whatever the
 * workers do. A second run, in which one source does not compile, skips what needs it, and only
 * that: the library is made. */

#include <weir/graph.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAIN_O, LIST_O, TREE_O, LIBRARY, PROGRAM, TEST, STEPS };

typedef struct step {
    weir_graph_node node; /* first */
    const char *name;
    const struct step *needs[2]; /* up to a NULL */
    bool broken;
    unsigned inputs; /* object files in what it makes */
} step;

static step steps[STEPS] = {
    [MAIN_O] = {.name = "main.o"},
    [LIST_O] = {.name = "list.o"},
    [TREE_O] = {.name = "tree.o"},
    [LIBRARY] = {.name = "library", .needs = {&steps[LIST_O], &steps[TREE_O]}},
    [PROGRAM] = {.name = "program", .needs = {&steps[MAIN_O], &steps[LIBRARY]}},
    [TEST] = {.name = "test", .needs = {&steps[PROGRAM]}},
};

static int make(weir_graph_node *node)
{
    step *const s = (step *)(void *)node;

    if (s->broken)
        return -EILSEQ;
    s->inputs = s->needs[0] == NULL ? 1 : 0;
    for (int i = 0; i < 2 && s->needs[i] != NULL; i++)
        s->inputs += s->needs[i]->inputs; /* plain: it has ended */
    return 0;
}

static void show(const char *run)
{
    static const char *const states[] = {"waiting", "running", "done", "failed", "skipped"};

    printf("%s:", run);
    for (int i = 0; i < STEPS; i++)
        printf(" %s %s%s", steps[i].name, states[weir_graph_node_state(&steps[i].node)],
               i + 1 < STEPS ? "," : "\n");
}

int main(void)
{
    weir_graph graph;
    weir_graph_edge edges[2 * STEPS];
    weir_pool *pool;
    int n = 0, first, second;

    weir_graph_init(&graph);
    for (int i = 0; i < STEPS; i++) {
        weir_graph_node_init(&steps[i].node, make);
        if (weir_graph_add(&graph, &steps[i].node) != 0)
            return 1;
    }
    for (int i = 0; i < STEPS; i++)
        for (int k = 0; k < 2 && steps[i].needs[k] != NULL; k++) {
            step *const needed = &steps[steps[i].needs[k] - steps];

            if (weir_graph_before(&edges[n++], &needed->node, &steps[i].node) != 0)
                return 1;
        }
    if (weir_pool_new(&pool, NULL) != 0)
        return 1;

    first = weir_graph_run(&graph, pool, WEIR_FOREVER, NULL);
    show("first run");
    steps[MAIN_O].broken = true;
    second = weir_graph_run(&graph, pool, WEIR_FOREVER, NULL);
    show("second run");

    if (weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(pool) != 0)
        return 1;
    if (first != 0 || steps[TEST].inputs != 3 || second != -EILSEQ ||
        weir_graph_node_state(&steps[LIBRARY].node) != WEIR_GRAPH_DONE ||
        weir_graph_node_state(&steps[TEST].node) != WEIR_GRAPH_SKIPPED) {
        fprintf(stderr, "the runs said %d and %d\n", first, second);
        return 1;
    }
    printf("OK graph steps=%d edges=%d objects=%u\n", STEPS, n, steps[TEST].inputs);
    return weir_graph_destroy(&graph) != 0;
}
