/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

#include <stdio.h>
#include <weir/mpmc.h>

int main(void)
{
    weir_mpmc *queue; /* any number of threads may use both ends */
    uintptr_t value = 0, sum = 0;

    if (weir_mpmc_new(&queue, 3) != 0)
        return 1;
    while (weir_mpmc_try_enqueue(queue, value + 1))
        value++; /* false only when it is full: after exactly three */
    while (weir_mpmc_try_dequeue(queue, &value))
        sum += value;
    printf("OK first last=%d sum=%d\n", (int)value, (int)sum);
    return weir_mpmc_free(queue);
}
