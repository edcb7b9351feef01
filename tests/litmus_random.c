/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Random litmus programs, by brute force and by the checker: the same graphs. A program on which
 * they differ is made as short as it can be, and printed with the graphs that one of them lacks.
 *
 *     litmus_random [programs [seed [program]]]
 *
 * A third argument is the text of one program, which is tried in place of random ones. */

#include "litmus.h"

#include "test.h"

enum { CANDIDATES = 3000 }; /* larger programs are passed over */

static uint64_t seed, programs = 700, graphs, said, random_state;
static litmus_program one;

/* SplitMix64: G. Steele, D. Lea, C. Flood, OOPSLA 2014. */
static unsigned below(unsigned n)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ z >> 31) % n);
}

static int any_order(const char *among)
{
    return among[below((unsigned)strlen(among))] - '0';
}

/* Registers are read only by the step behind, so that most branches are taken at times. */
static litmus_step any_step(const litmus_program *p, unsigned last_register, bool strong)
{
    const char *const fences = strong ? "555234" : "2345";
    litmus_step s;

    memset(&s, 0, sizeof s);
    s.from = -1;
    s.kind = (litmus_kind)below(7);
    s.place = below(p->places);
    if (p->name[s.place] < 'a')
        s.part = (litmus_part)below(3);
    s.to = below(3);
    s.value = 1 + below(2);
    switch (s.kind) {
    case LITMUS_WRITE:
        s.order = any_order(strong ? "055" : "00335");
        if (below(6) == 0)
            s.from = (int)last_register;
        break;
    case LITMUS_READ:
        s.order = any_order(strong ? "055" : "00225");
        break;
    case LITMUS_ADD:
        s.order = any_order(strong ? "0455" : "02345");
        s.value = below(3) > 0;
        break;
    case LITMUS_SWAP:
        s.order = any_order(strong ? "0455" : "02345");
        break;
    case LITMUS_CAS:
        s.order = any_order("02345");
        s.failure = any_order(s.order == 5 ? "025" : s.order == 2 || s.order == 4 ? "02" : "0");
        s.expected = below(2);
        break;
    case LITMUS_FENCE:
        s.order = any_order(fences);
        break;
    case LITMUS_IF:
        s.to = last_register;
        s.value = below(2);
        break;
    }
    if (s.kind != LITMUS_FENCE && s.kind != LITMUS_IF && p->name[s.place] < 'a' &&
        s.part == LITMUS_WHOLE && below(2) == 0)
        s.value |= s.value << 64;
    return s;
}

/* What there is beside words. */
typedef enum pairs { NO_PAIRS, HALVES_ARE_READ, HALVES_ARE_WRITTEN } pairs;

static litmus_program any_program(pairs with)
{
    const bool strong = below(2) == 0;
    litmus_program p;

    memset(&p, 0, sizeof p);
    p.threads = 2 + below(3);
    p.places = 1 + below(3);
    for (unsigned i = 0; i < p.places; i++)
        p.name[i] = "xyz"[i];
    if (with != NO_PAIRS)
        p.name[0] = 'P';
    for (unsigned t = 0; t < p.threads; t++) {
        unsigned last_register = 0;

        p.steps[t] = 1 + below(p.threads == 2 ? 5 : p.threads == 3 ? 4 : 3);
        for (unsigned i = 0; i < p.steps[t]; i++) {
            litmus_step *const s = &p.step[t][i];

            *s = any_step(&p, last_register, strong);
            if (with == HALVES_ARE_READ && s->kind != LITMUS_READ)
                s->part = LITMUS_WHOLE;
            if (s->kind != LITMUS_WRITE && s->kind != LITMUS_FENCE && s->kind != LITMUS_IF)
                last_register = s->to;
        }
    }
    return p;
}

typedef enum verdict { EQUAL, DIFFERENT, TOO_LARGE } verdict;

static verdict compare(const litmus_program *p, bool says)
{
    litmus_brute brute;
    litmus_checked checked;
    size_t missing = 0;
    verdict v = EQUAL;

    litmus_run_brute(p, NULL, CANDIDATES, NULL, &brute);
    if (brute.abandoned) {
        litmus_clear(&brute.graphs);
        return TOO_LARGE;
    }
    litmus_run_checker(p, NULL, false, NULL, &checked);
    for (size_t i = 0; i < brute.graphs.room; i++)
        missing += brute.graphs.hash[i] != 0 && !litmus_has(&checked.graphs, brute.graphs.hash[i]);
    /* Halves that are stored one by one under a read of the whole: it says that it misses some. */
    said += checked.result.verdict == WEIR_CHECK_INCOMPLETE;
    if ((missing != 0 && checked.result.verdict != WEIR_CHECK_INCOMPLETE) ||
        checked.graphs.count + missing != brute.graphs.count || checked.twice != 0 ||
        checked.broken != NULL || !checked.values || checked.result.verdict == WEIR_CHECK_BUG ||
        checked.result.verdict == WEIR_CHECK_UNABLE || checked.result.blocked != 0 ||
        checked.result.graphs != checked.graphs.count)
        v = DIFFERENT;
    if (says)
        printf("  brute force %zu graphs; the checker %" PRIu64
               ": %zu missing, %zu too many, %" PRIu64 " twice, %" PRIu64
               " blocked, verdict %d, breaks %s%s%s%s\n",
               brute.graphs.count, checked.result.graphs, missing,
               checked.graphs.count + missing - brute.graphs.count, checked.twice,
               checked.result.blocked, (int)checked.result.verdict,
               checked.broken == NULL ? "nothing" : checked.broken,
               checked.values ? "" : ", values differ from the graph's",
               checked.result.sentence[0] == '\0' ? "" : ": ", checked.result.sentence);
    graphs += brute.graphs.count;
    litmus_clear(&brute.graphs);
    litmus_clear(&checked.graphs);
    return v;
}

/* ---- a difference ---- */

static void drop_step(litmus_program *p, unsigned t, unsigned i)
{
    memmove(&p->step[t][i], &p->step[t][i + 1], (p->steps[t] - i - 1) * sizeof p->step[t][0]);
    p->steps[t]--;
}

static void drop_thread(litmus_program *p, unsigned t)
{
    p->threads--;
    memmove(&p->steps[t], &p->steps[t + 1], (p->threads - t) * sizeof p->steps[0]);
    memmove(&p->step[t], &p->step[t + 1], (p->threads - t) * sizeof p->step[0]);
}

static bool replace(litmus_program *p, const litmus_program *by)
{
    if (compare(by, false) != DIFFERENT)
        return false;
    *p = *by;
    return true;
}

/* One step less, or a weaker or plainer one, that still makes a difference. */
static bool shrink_once(litmus_program *p)
{
    for (unsigned t = 0; t < p->threads; t++) {
        litmus_program less = *p;

        drop_thread(&less, t);
        if (p->threads > 1 && replace(p, &less))
            return true;
        for (unsigned i = 0; i < p->steps[t]; i++) {
            less = *p;
            drop_step(&less, t, i);
            if (p->steps[t] > 1 && replace(p, &less))
                return true;
            less = *p;
            less.step[t][i].order = less.step[t][i].failure = 0;
            if (p->step[t][i].kind != LITMUS_FENCE &&
                (p->step[t][i].order != 0 || p->step[t][i].failure != 0) && replace(p, &less))
                return true;
            less = *p;
            less.step[t][i].kind = p->step[t][i].kind == LITMUS_ADD ? LITMUS_READ : LITMUS_WRITE;
            if ((p->step[t][i].kind == LITMUS_ADD || p->step[t][i].kind == LITMUS_SWAP) &&
                p->step[t][i].order < 2 && replace(p, &less))
                return true;
        }
    }
    return false;
}

static STATE litmus_set those_of_one = {.room = 0};
static STATE litmus_set *other = NULL;

static void keep(const graph *g, uint64_t hash)
{
    (void)g;
    litmus_add(other, hash);
}

static void print_if_missing(const graph *g, uint64_t hash)
{
    if (!litmus_has(other, hash)) {
        weir__graph_print(g, stdout);
        printf("\n");
    }
}

static void show(const litmus_program *p)
{
    litmus_brute brute;
    litmus_checked checked;

    compare(p, true);
    other = &those_of_one;
    litmus_run_checker(p, NULL, false, keep, &checked);
    litmus_clear(&checked.graphs);
    printf("graphs that the checker does not see:\n");
    litmus_run_brute(p, NULL, 0, print_if_missing, &brute);
    litmus_clear(other);
    other = &brute.graphs;
    printf("graphs that the checker alone sees:\n");
    litmus_run_checker(p, NULL, false, print_if_missing, &checked);
    litmus_clear(&brute.graphs);
    litmus_clear(&checked.graphs);
}

static void report(const litmus_program *p)
{
    litmus_program least = *p;

    printf("different: ");
    litmus_print(&least, stdout);
    compare(&least, true);
    while (shrink_once(&least))
        ;
    printf("shortest: ");
    litmus_print(&least, stdout);
    show(&least);
    fflush(stdout);
}

static void try_some(pairs with)
{
    uint64_t tried = 0, passed_over = 0;
    unsigned different = 0;

    graphs = said = 0;
    random_state = seed;
    for (; tried < programs && different < 5; tried++) {
        const litmus_program p = any_program(with);
        const verdict v = compare(&p, false);

        passed_over += v == TOO_LARGE;
        if (v == DIFFERENT) {
            different++;
            report(&p);
        }
    }
    printf("%" PRIu64 " programs, %" PRIu64 " of them too large, %" PRIu64
           " said to be incomplete, %" PRIu64 " graphs\n",
           tried, passed_over, said, graphs);
    CHECK_EQ(different, 0);
    CHECK(with == HALVES_ARE_WRITTEN || said == 0);
}

static void same_graphs_on_words(void)
{
    try_some(NO_PAIRS);
}

static void same_graphs_on_pairs_whose_halves_are_read(void)
{
    try_some(HALVES_ARE_READ);
}

static void same_graphs_on_pairs_whose_halves_are_written(void)
{
    try_some(HALVES_ARE_WRITTEN);
}

static void same_graphs_of_one_program(void)
{
    const verdict v = compare(&one, true);

    if (v == DIFFERENT)
        report(&one);
    CHECK(v == EQUAL);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        programs = strtoull(argv[1], NULL, 0);
    seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    if (argc > 3) {
        if (!litmus_parse(argv[3], &one)) {
            fprintf(stderr, "no litmus program: %s\n", argv[3]);
            return 2;
        }
        return TEST_RUN("litmus_random", TEST_CASE(same_graphs_of_one_program));
    }
    printf("seed %" PRIu64 "\n", seed);
    return TEST_RUN("litmus_random", TEST_CASE(same_graphs_on_words),
                    TEST_CASE(same_graphs_on_pairs_whose_halves_are_read),
                    TEST_CASE(same_graphs_on_pairs_whose_halves_are_written));
}
