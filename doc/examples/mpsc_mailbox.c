/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* mpsc_mailbox: a bank whose one clerk owns all accounts; tellers send transfers to its
 * mailbox and lock nothing. The mailbox says when the clerk may be asleep, so a teller
 * posts the semaphore once for a batch of letters, not for each. */

#include <weir/mpsc.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>

enum { TELLERS = 4, TRANSFERS = 20000, ACCOUNTS = 16, START = 1000 };

typedef struct transfer {
    weir_mpsc_node node;
    int from, to, amount;
} transfer;

WEIR_MPSC_DEFINE(mailbox, transfer, node);

static mailbox box = {WEIR_MPSC_INIT};
static sem_t letters_wait;
static transfer transfers[TELLERS][TRANSFERS];

static void *teller(void *first)
{
    transfer *const mine = (transfer *)first;

    for (int i = 0; i < TRANSFERS; i++) {
        mine[i].from = i % ACCOUNTS;
        mine[i].to = i * 7 % ACCOUNTS;
        mine[i].amount = i % 10;
        if (mailbox_enqueue(&box, &mine[i]))
            sem_post(&letters_wait);
    }
    return NULL;
}

int main(void)
{
    int accounts[ACCOUNTS], sum = 0, done = 0, sleeps = 0;
    pthread_t tellers[TELLERS];

    for (int i = 0; i < ACCOUNTS; i++)
        accounts[i] = START;
    if (sem_init(&letters_wait, 0, 0) != 0)
        return 1;
    for (int i = 0; i < TELLERS; i++)
        if (pthread_create(&tellers[i], NULL, teller, transfers[i]) != 0)
            return 1;
    while (done < TELLERS * TRANSFERS) {
        const transfer *const letter = mailbox_try_dequeue(&box);

        if (letter == NULL) {
            sleeps++;
            while (sem_wait(&letters_wait) != 0 && errno == EINTR)
                continue;
            continue;
        }
        accounts[letter->from] -= letter->amount;
        accounts[letter->to] += letter->amount;
        done++;
    }
    for (int i = 0; i < TELLERS; i++)
        pthread_join(tellers[i], NULL);
    for (int i = 0; i < ACCOUNTS; i++)
        sum += accounts[i];
    if (mailbox_destroy(&box) != 0 || sum != ACCOUNTS * START) {
        fprintf(stderr, "the accounts hold %d\n", sum);
        return 1;
    }
    sem_destroy(&letters_wait);
    printf("OK mpsc_mailbox transfers=%d sleeps=%d sum=%d\n", done, sleeps, sum);
    return 0;
}
