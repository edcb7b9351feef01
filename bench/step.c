/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* bench/step-peers: each operation of weir's structures and of the packaged peers' is stopped
 * after each of its instructions, while another thread does the same few things to all of them.
 *
 *     bench/step-peers [-o FILE] [LABEL...]
 *
 * A stop counts as
 *     blocked   if the other thread could not finish: a call that had to succeed, whatever
 *               becomes of the victim, failed WEIR_STEP_TRIES times, or did not return;
 *     false     if an answer, or what was found inside at the end, was not that of any order of
 *               the operations: "empty" or "full" where by completed operations it cannot be; a
 *               value lost, doubled, or out of the order that the peer promises; of a
 *               reclamation scheme, a freed object that was read.
 * A stop may be both; `bad` counts it once. What is promised: bench_peer's order; of a
 * capacity, STEP_CAPACITY or what a fresh one holds, if that is less. Where "false" is said to
 * mean "not now" (BENCH_BLOCKING, and of deques) it is no false answer: one that goes on being
 * said is a blocked stop.
 *
 * Each peer is swept in a process of its own, JOBS at a time, most of which wait; the sweeps
 * are in bench/step_sweep.c. One whose process dies is swept again, up to TRIES times: a peer's
 * own thread that blocks signals may meet an instruction at which the harness has set a trap.
 *
 * FILE gets a line for each operation and start state: the 13 columns of WEIR_STEP_TABLE, then
 * bad, producers (blocked), consumers (blocked), inside (a call), later (found by a second stop
 * only), group, start, claim, order, bounded, ours, the first finding or why it was not swept,
 * and the map: a letter a stop. build-aux/step-table reads it. */

#include "step.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FACES 128
#define JOBS 6
#define TRIES 3
#define PATIENCE 900 /* seconds of a process */

typedef struct job {
    const step_face *face;
    FILE *text, *rows; /* of its process */
    pid_t child;       /* 0: none runs */
    time_t began;
    unsigned tries;
    bool done;
    int status; /* of step_sweep() */
} job;

static const step_face *faces[FACES];
static size_t face_count;
static job jobs[FACES];

void step_add(const step_face *face)
{
    if (face_count == FACES) {
        fputs("step-peers: too many peers: raise FACES\n", stderr);
        exit(3);
    }
    faces[face_count++] = face;
}

static FILE *temporary(void)
{
    FILE *const file = tmpfile();

    if (file == NULL) {
        perror("step-peers: a temporary file");
        exit(3);
    }
    return file;
}

static void copy(FILE *from, FILE *to)
{
    char block[4096];
    size_t got;

    rewind(from);
    while (to != NULL && (got = fread(block, 1, sizeof block, from)) > 0)
        fwrite(block, 1, got, to);
    fclose(from);
}

static time_t seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void start(job *j)
{
    if (j->tries++ > 0) {
        fclose(j->text);
        fclose(j->rows);
    }
    j->text = temporary();
    j->rows = temporary();
    j->began = seconds();
    fflush(stdout);
    j->child = fork();
    if (j->child < 0) {
        perror("step-peers: fork");
        exit(3);
    }
    if (j->child == 0) {
        const int status = step_sweep(j->face, j->text, j->rows);

        fflush(j->text);
        fflush(j->rows);
        _exit(status);
    }
}

/* Looks whether the job's process has ended. */
static void look(job *j)
{
    int status = 0;
    bool late = false;

    if (waitpid(j->child, &status, WNOHANG) != j->child) {
        late = seconds() - j->began > PATIENCE;
        if (!late)
            return;
        kill(j->child, SIGKILL);
        waitpid(j->child, &status, 0);
    }
    j->child = 0;
    if (WIFEXITED(status)) {
        j->status = WEXITSTATUS(status);
        j->done = true;
    } else if (late || j->tries == TRIES) {
        j->status = 1;
        j->done = true;
        fseek(j->text, 0, SEEK_END);
        fseek(j->rows, 0, SEEK_END);
        step_not_swept(j->face, late ? "it took too long" : "its process died", j->text, j->rows);
    }
}

/* Runs all, and prints them in their order. */
static void work(size_t count, FILE *file)
{
    const struct timespec pause = {0, 20000000};
    size_t printed = 0;

    while (printed < count) {
        unsigned running = 0;

        for (size_t i = printed; i < count && running < JOBS; i++) {
            if (jobs[i].child != 0)
                look(&jobs[i]);
            if (jobs[i].child == 0 && !jobs[i].done)
                start(&jobs[i]);
            running += jobs[i].child != 0;
        }
        for (; printed < count && jobs[printed].done; printed++) {
            copy(jobs[printed].text, stdout);
            copy(jobs[printed].rows, file);
            fflush(stdout);
        }
        nanosleep(&pause, NULL);
    }
}

static bool wanted(const char *label, int count, char *const *labels)
{
    for (int i = 0; i < count; i++)
        if (strstr(label, labels[i]) != NULL)
            return true;
    return count == 0;
}

int main(int argc, char **argv)
{
    FILE *file = NULL;
    int first = 1, failed = 0, skipped = 0;
    size_t count = 0;

    if (argc > 2 && strcmp(argv[1], "-o") == 0) {
        file = fopen(argv[2], "w");
        if (file == NULL) {
            perror(argv[2]);
            return 3;
        }
        first = 3;
    }
    if (argc > first && argv[first][0] == '-') {
        fputs("usage: step-peers [-o FILE] [LABEL...]\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < face_count; i++)
        if (wanted(faces[i]->peer->label, argc - first, argv + first))
            jobs[count++].face = faces[i];
    printf("%-7s %-29s %-11s %-11s %6s %7s %6s %6s %6s %5s %5s\n", "group", "peer", "operation",
           "start", "stops", "blocked", "put", "get", "inside", "false", "later");
    work(count, file);
    for (size_t i = 0; i < count; i++) {
        skipped += jobs[i].status == 77;
        failed += jobs[i].status != 0 && jobs[i].status != 77;
    }
    if (file != NULL && fclose(file) != 0)
        failed++;
    if (skipped > 0)
        printf("SKIPPED: single instructions cannot be stopped here\n");
    return failed > 0 ? 1 : skipped > 0 ? 77 : 0;
}
