/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* A user's program in C11, built against an installed weir: it includes every
 * header that it finds there, uses two structures, and prints the version. */

#include "all.h"

#include <stdio.h>

int main(void)
{
    weir_flag flag = WEIR_FLAG_INIT;
    weir_ticket *ring;
    uintptr_t value = 0;

    if (!weir_version_ok() || weir_flag_set(&flag) || !weir_flag_test(&flag))
        return 1;
    if (weir_ticket_new(&ring, 3) != 0)
        return 2;
    if (!weir_ticket_try_enqueue(ring, 42) || !weir_ticket_try_dequeue(ring, &value))
        return 3;
    if (value != 42 || weir_ticket_free(ring) != 0)
        return 4;
    printf("%u.%u.%u\n", weir_version() / 1000000, weir_version() / 1000 % 1000,
           weir_version() % 1000);
    return 0;
}
