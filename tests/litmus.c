/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* The litmus table, by brute force and by the checker: the same graphs, and the verdicts that are
 * known. An argument is a part of a name: those rows alone, with what each side found. */

#include "litmus.h"

#include "test.h"

static const char *chosen; /* part of a name; NULL: all rows */

static bool is_chosen(const litmus_row *row)
{
    return chosen == NULL || strstr(row->name, chosen) != NULL;
}

static void parse(const litmus_row *row, litmus_program *program, litmus_outcome *outcome)
{
    if (!litmus_parse(row->program, program) ||
        !litmus_parse_outcome(row->outcome, program, outcome)) {
        fprintf(stderr, "%s: %s: %s\n", row->name, row->program, row->outcome);
        test_fail(__FILE__, __LINE__, "not a litmus program");
    }
}

static unsigned wrong; /* rows of this case */

static void judge(const litmus_row *row, const char *by, uint64_t graphs, bool reached)
{
    const bool right = graphs == row->graphs && reached == row->allowed;

    wrong += !right;
    if (right && chosen == NULL)
        return;
    fprintf(stderr, "%s: %s: %s: %s\n  by %s: %" PRIu64 " graphs, %s; want %u, %s\n",
            right ? "right" : "wrong", row->name, row->program, row->outcome, by, graphs,
            reached ? "allowed" : "forbidden", row->graphs, row->allowed ? "allowed" : "forbidden");
}

static void text_is_read_and_written(void)
{
    static const char text[] = "W x 1 rlx; F sc; R y a con || A y c ar; A0 x d rel; ? c 0; "
                               "C P 0 7:1 a sc acq; X P.h a b rlx\n";
    litmus_program program;
    litmus_outcome outcome;
    char *written;
    size_t size;
    FILE *const to = open_memstream(&written, &size);

    CHECK(to != NULL && litmus_parse(text, &program));
    litmus_print(&program, to);
    fclose(to);
    CHECK(strcmp(written, text) == 0);
    free(written);
    CHECK(litmus_parse_outcome("1:a=7:1 P.h=1 x=2", &program, &outcome) && outcome.terms == 3);
    CHECK(!litmus_parse_outcome("2:a=1", &program, &outcome));
    CHECK(!litmus_parse_outcome("z=1", &program, &outcome));
    CHECK(!litmus_parse("W x 1", &program));
    CHECK(!litmus_parse("W x 1 acquire", &program));
    CHECK(!litmus_parse("W x 1 rlx | R x a rlx", &program));
    CHECK(!litmus_parse("", &program));
}

static void rows_hold_by_brute_force(void)
{
    wrong = 0;
    for (size_t i = 0; i < litmus_row_count; i++) {
        const litmus_row *const row = &litmus_rows[i];
        litmus_program program;
        litmus_outcome outcome;
        litmus_brute brute;

        if (!is_chosen(row))
            continue;
        parse(row, &program, &outcome);
        litmus_run_brute(&program, &outcome, 0, NULL, &brute);
        judge(row, "brute force", brute.graphs.count, brute.reached);
        litmus_clear(&brute.graphs);
    }
    CHECK_EQ(wrong, 0);
}

static void rows_hold_by_the_checker(void)
{
    wrong = 0;
    for (size_t i = 0; i < litmus_row_count; i++) {
        const litmus_row *const row = &litmus_rows[i];
        litmus_program program;
        litmus_outcome outcome;
        litmus_brute brute;
        litmus_checked checked;
        unsigned missing = 0;

        if (!is_chosen(row))
            continue;
        parse(row, &program, &outcome);
        litmus_run_brute(&program, &outcome, 0, NULL, &brute);
        litmus_run_checker(&program, &outcome, false, NULL, &checked);
        judge(row, "the checker", checked.result.graphs, checked.reached);
        for (size_t k = 0; k < brute.graphs.room; k++)
            missing +=
                brute.graphs.hash[k] != 0 && !litmus_has(&checked.graphs, brute.graphs.hash[k]);
        /* Of halves that are stored one by one it says that it might miss some. */
        if ((checked.result.verdict != WEIR_CHECK_CLEAN &&
             (checked.result.verdict != WEIR_CHECK_INCOMPLETE || checked.result.bounds != 0)) ||
            checked.result.blocked != 0 || checked.twice != 0 || checked.broken != NULL ||
            !checked.values || missing != 0 || checked.graphs.count != brute.graphs.count) {
            wrong++;
            fprintf(stderr,
                    "wrong: %s: %s: verdict %d, %" PRIu64 " blocked, %" PRIu64
                    " twice, %u missing, %zu too many, breaks %s%s\n",
                    row->name, row->program, (int)checked.result.verdict, checked.result.blocked,
                    checked.twice, missing, checked.graphs.count + missing - brute.graphs.count,
                    checked.broken == NULL ? "nothing" : checked.broken,
                    checked.values ? "" : ", values differ from the graph's");
            if (checked.result.sentence[0] != '\0')
                fprintf(stderr, "  %s\n", checked.result.sentence);
        }
        litmus_clear(&brute.graphs);
        litmus_clear(&checked.graphs);
    }
    CHECK_EQ(wrong, 0);
}

/* n threads with this step each: n! graphs, by brute force and by the checker. */
static void has_factorial_graphs(const char *step, unsigned most)
{
    uint64_t factorial = 1;

    for (unsigned n = 2; n <= most; n++) {
        char text[LITMUS_THREADS * 24] = "";
        litmus_program program;
        litmus_brute brute;
        litmus_checked checked;

        factorial *= n;
        for (unsigned t = 0; t < n; t++) {
            strcat(text, t == 0 ? "" : " || ");
            strcat(text, step);
        }
        CHECK(litmus_parse(text, &program));
        litmus_run_brute(&program, NULL, 0, NULL, &brute);
        CHECK_EQ(brute.graphs.count, factorial);
        litmus_run_checker(&program, NULL, true, NULL, &checked);
        CHECK_EQ(checked.result.verdict, WEIR_CHECK_CLEAN);
        CHECK_EQ(checked.result.graphs, factorial);
        CHECK_EQ(checked.twice, 0);
        CHECK_EQ(checked.graphs.count, factorial);
        litmus_clear(&brute.graphs);
        litmus_clear(&checked.graphs);
    }
}

static void n_adders_have_factorial_graphs(void)
{
    has_factorial_graphs("A x a rlx", 6);
    has_factorial_graphs("A x a sc", 5);
    has_factorial_graphs("X x 1 a ar", 5);
}

static void n_writers_have_factorial_graphs(void)
{
    has_factorial_graphs("W x 1 rlx", 6);
    has_factorial_graphs("W x 1 sc", 5);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        chosen = argv[1];
        return TEST_RUN("litmus", TEST_CASE(rows_hold_by_brute_force),
                        TEST_CASE(rows_hold_by_the_checker));
    }
    return TEST_RUN("litmus", TEST_CASE(text_is_read_and_written),
                    TEST_CASE(rows_hold_by_brute_force), TEST_CASE(rows_hold_by_the_checker),
                    TEST_CASE(n_adders_have_factorial_graphs),
                    TEST_CASE(n_writers_have_factorial_graphs));
}
