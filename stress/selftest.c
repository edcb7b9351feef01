/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* Shows that stress/queue.h can fail: a queue under a mutex passes, and the same
 * queue with one defect each is caught, by the check that is meant to catch it. */

#include "queue.h"

#include <sys/wait.h>

typedef enum defect {
    NONE,
    LOSES,       /* drops a word now and then */
    REPEATS,     /* hands a word out twice */
    SWAPS,       /* changes the order of two */
    IS_A_STACK,  /* serves the newest */
    OVERFILLS,   /* has room for one more than asked */
    UNDERFILLS,  /* keeps a slot free */
    SAYS_FULL,   /* full, when it is not */
    SAYS_EMPTY,  /* empty, when it is not */
    DAMAGES,     /* changes a bit of a payload */
    INVENTS,     /* hands out a word that nobody put in */
    LEAVES_BUSY, /* destroys itself with words inside */
} defect;

typedef struct broken {
    pthread_mutex_t lock;
    defect defect;
    uint64_t calls;
    size_t capacity;
    size_t first;
    size_t count;
    uintptr_t words[];
} broken;

static defect chosen;

static void *broken_make(size_t capacity, uint64_t start)
{
    broken *const q = (broken *)calloc(1, sizeof *q + (capacity + 1) * sizeof q->words[0]);

    (void)start;
    if (q == NULL)
        return NULL;
    pthread_mutex_init(&q->lock, NULL);
    q->defect = chosen;
    q->capacity = capacity;
    return q;
}

static int broken_destroy(void *queue)
{
    broken *const q = (broken *)queue;

    if (q->count > 0 && q->defect != LEAVES_BUSY)
        return -EBUSY;
    pthread_mutex_destroy(&q->lock);
    free(q);
    return 0;
}

static uintptr_t *broken_slot(broken *q, size_t position)
{
    return &q->words[(q->first + position) % (q->capacity + 1)];
}

static bool broken_enqueue(void *queue, uintptr_t word)
{
    broken *const q = (broken *)queue;
    size_t room = q->capacity;
    bool done = false;
    bool now;

    pthread_mutex_lock(&q->lock);
    now = ++q->calls % 64 == 0;
    if (q->defect == OVERFILLS)
        room++;
    if (q->defect == UNDERFILLS)
        room--;
    if (q->count < room && !(q->defect == SAYS_FULL && now)) {
        done = true;
        if (!(q->defect == LOSES && now))
            *broken_slot(q, q->count++) = word;
        if (q->defect == SWAPS && now && q->count > 1) {
            *broken_slot(q, q->count - 1) = *broken_slot(q, q->count - 2);
            *broken_slot(q, q->count - 2) = word;
        }
        if (q->defect == DAMAGES && now)
            ((queue_record *)word)->payload[5] ^= 1 << 9;
        if (q->defect == INVENTS && now)
            *broken_slot(q, q->count - 1) = word + 8;
    }
    pthread_mutex_unlock(&q->lock);
    return done;
}

static bool broken_dequeue(void *queue, uintptr_t *word)
{
    broken *const q = (broken *)queue;
    bool done = false;
    bool now;

    pthread_mutex_lock(&q->lock);
    now = ++q->calls % 64 == 0;
    if (q->count > 0 && !(q->defect == SAYS_EMPTY && now)) {
        done = true;
        if (q->defect == IS_A_STACK) {
            *word = *broken_slot(q, --q->count);
        } else {
            *word = *broken_slot(q, 0);
            if (!(q->defect == REPEATS && now)) {
                q->first = (q->first + 1) % (q->capacity + 1);
                q->count--;
            }
        }
    }
    pthread_mutex_unlock(&q->lock);
    return done;
}

static const queue_face broken_face = {
    .name = "mutex",
    .bounded = true,
    .exact_full = true,
    .exact_empty = true,
    .make = broken_make,
    .destroy = broken_destroy,
    .enqueue = broken_enqueue,
    .dequeue = broken_dequeue,
};

enum { MAX_SAYS = 8 };

/* What the checks say of a defect. */
static const struct expectation {
    defect defect;
    const char *name;
    const char *says[MAX_SAYS]; /* any of these */
} expectations[] = {
    {NONE, "none", {NULL}},
    {LOSES,
     "loses",
     {"is lost", "empty, though", "empty with records inside", "more inside",
      "not full at its capacity", "out of order at rest"}},
    {REPEATS,
     "repeats",
     {"twice", "to two consumers", "not on its way", "payload", "leaked", "out of order",
      "empty, though", "full, though"}},
    {SWAPS, "swaps", {"out of order"}},
    {IS_A_STACK, "is a stack", {"out of order"}},
    {OVERFILLS, "overfills", {"more inside", "not full at its capacity"}},
    {UNDERFILLS, "underfills", {"full below its capacity", "full, though there was room"}},
    {SAYS_FULL, "says full", {"full, though there was room", "full below its capacity"}},
    {SAYS_EMPTY, "says empty", {"empty, though", "is lost", "empty with records inside"}},
    {DAMAGES, "damages", {"payload"}},
    {INVENTS, "invents", {"nobody enqueued", "out of order at rest"}},
    {LEAVES_BUSY, "leaves busy", {"-EBUSY"}},
};

/* Runs the stress in a child. Returns: its exit status; its messages in `said`. */
static int run_child(stress *s, double seconds, char *said, size_t bytes)
{
    char seed[32], time_text[32], threads[32];
    char *arguments[] = {"queue", "--seed", seed, "--seconds", time_text, "--threads", threads};
    size_t length = 0;
    int ends[2];
    int status = 0;
    ssize_t got;
    pid_t child;

    snprintf(seed, sizeof seed, "0x%" PRIx64, s->seed);
    snprintf(time_text, sizeof time_text, "%g", seconds);
    snprintf(threads, sizeof threads, "%u", s->threads);
    fflush(stdout);
    if (pipe(ends) != 0 || (child = fork()) < 0)
        stress_fail(s, "no pipe, or no process");
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        exit(queue_stress("queue", 7, arguments, &broken_face, 1));
    }
    close(ends[1]);
    while (length < bytes - 1 && (got = read(ends[0], said + length, bytes - 1 - length)) > 0)
        length += (size_t)got;
    said[length] = '\0';
    close(ends[0]);
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
        stress_fail(s, "the child ended oddly, status %#x: %s", (unsigned)status, said);
    return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
    const size_t count = sizeof expectations / sizeof expectations[0];
    stress s;

    stress_begin(&s, "selftest", argc, argv);
    for (size_t i = 0; i < count; i++) {
        const struct expectation *const e = &expectations[i];
        char said[16384];
        bool right = false;
        int status;

        chosen = e->defect;
        /* (A sanitizer may turn status 1 into its own: the threads were not joined.)
         * The good one has its share of the time; a bad one is to be caught
         * before its minute is over. */
        status = run_child(&s, e->defect == NONE ? s.seconds / 2 : 60, said, sizeof said);
        if (e->defect == NONE) {
            right = status == 0 && strstr(said, "OK queue") != NULL;
        } else {
            for (size_t j = 0; j < MAX_SAYS && e->says[j] != NULL; j++)
                right = right || (status != 0 && strstr(said, e->says[j]) != NULL);
            right = right && strstr(said, "again with: --seed") != NULL;
        }
        if (!right)
            stress_fail(&s, "a queue with the defect \"%s\": status %d, and it said: %s", e->name,
                        status, said);
    }
    return stress_end(&s, "a good queue passed, %zu broken ones were caught", count - 1);
}
