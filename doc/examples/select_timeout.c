/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* select_timeout: waits for whichever of two channels has a value first, or for a deadline. Three
 * rounds: the first channel, the second, the deadline. */

#include <weir/select.h>

#include <errno.h>
#include <stdio.h>

/* Returns: 0 or 1, the channel; or -ETIMEDOUT. */
static int first_of(weir_chan *a, weir_chan *b, uint64_t ns, int *value)
{
    weir_select_arm arms[2];
    int arm;

    weir_select_recv(&arms[0], a, value);
    weir_select_recv(&arms[1], b, value);
    arm = weir_select(arms, 2, weir_clock_after(ns), NULL);
    return arm >= 0 && arms[arm].status != 0 ? arms[arm].status : arm;
}

int main(void)
{
    weir_chan *a, *b;
    int value = 0, sum = 0, seen[3];
    uint64_t begin, waited;

    if (weir_chan_new(&a, sizeof(int), 1, NULL) != 0 ||
        weir_chan_new(&b, sizeof(int), 1, NULL) != 0)
        return 1;

    value = 1;
    if (weir_chan_try_send(a, &value) != 0)
        return 1;
    seen[0] = first_of(a, b, 1000000000, &value);
    sum += value;

    value = 2;
    if (weir_chan_try_send(b, &value) != 0)
        return 1;
    seen[1] = first_of(a, b, 1000000000, &value);
    sum += value;

    begin = weir_clock_now();
    seen[2] = first_of(a, b, 20000000, &value);
    waited = weir_clock_now() - begin;

    printf("OK select_timeout arms=%d,%d timeout=%s sum=%d waited_ms=%d\n", seen[0], seen[1],
           seen[2] == -ETIMEDOUT ? "yes" : "no", sum, (int)(waited / 1000000));
    if (seen[0] != 0 || seen[1] != 1 || seen[2] != -ETIMEDOUT || sum != 3 || waited < 20000000)
        return 1;
    return weir_chan_free(a) != 0 || weir_chan_free(b) != 0;
}
