/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* state_machine_cas: a connection that several threads try to open and to close at once.
 * The transitions have names and say from where they may start; of all threads that try
 * one, one makes it, and the others are told which state they met. */

#include <weir/counter.h>
#include <weir/state.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { IDLE, CONNECTING, OPEN, CLOSED, STATES };
enum { THREADS = 4, CONNECTIONS = 5000 };

static const char *const names[STATES] = {"idle", "connecting", "open", "closed"};

static const weir_transition begin = {"begin", WEIR_STATE_BIT(IDLE), CONNECTING};
static const weir_transition opened = {"opened", WEIR_STATE_BIT(CONNECTING), OPEN};
static const weir_transition shut = {"shut", WEIR_STATE_BIT(CONNECTING) | WEIR_STATE_BIT(OPEN),
                                     CLOSED};

typedef struct connection {
    weir_state state;
    int socket; /* plain: the transitions order it */
} connection;

static connection connections[CONNECTIONS];
static weir_counter begun, refused, closed[STATES];
static weir_flag told; /* one refusal is enough to show */

static void *use(void *argument)
{
    (void)argument;
    for (int i = 0; i < CONNECTIONS; i++) {
        connection *const c = &connections[i];
        uint32_t met;

        if (weir_state_take(&c->state, &begin, &met)) {
            weir_counter_inc(&begun);
            c->socket = i;
            if (i % 16 == 0)
                sched_yield(); /* it takes a while, and others may be impatient */
            if (!weir_state_take(&c->state, &opened, &met)) {
                weir_counter_inc(&refused);
                if (!weir_flag_set(&told))
                    printf("\"%s\" was refused: the connection is %s already\n", opened.name,
                           names[met]);
            }
        } else if (weir_state_take(&c->state, &shut, &met)) {
            weir_counter_inc(&closed[met]);
            if (met == OPEN && c->socket != i)
                return NULL; /* main() misses one that was closed */
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    uint64_t early, late;
    uint32_t left_open = 0;

    for (int i = 0; i < CONNECTIONS; i++)
        weir_state_init(&connections[i].state, IDLE);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, use, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < CONNECTIONS; i++)
        left_open += weir_state_read(&connections[i].state) == OPEN;
    early = weir_counter_read(&closed[CONNECTING]);
    late = weir_counter_read(&closed[OPEN]);
    if (weir_counter_read(&begun) != CONNECTIONS || weir_counter_read(&refused) != early ||
        early + late + left_open != CONNECTIONS) {
        fprintf(stderr, "a connection was opened or closed twice, or never\n");
        return 1;
    }
    printf("OK state_machine_cas begun=%d closed_early=%" PRIu64 " closed_open=%" PRIu64
           " left_open=%" PRIu32 "\n",
           CONNECTIONS, early, late, left_open);
    return 0;
}
