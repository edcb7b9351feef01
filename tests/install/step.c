/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* One sweep, as a user of the installed harness would write it, in C or C++. Prints the
 * version alone if all is well. */

#include <stdio.h>
#include <weir/step.h>

static unsigned long word, before;

static void setup(void *state)
{
    (void)state;
    word = 0;
}

static void store(void *state)
{
    (void)state;
    __atomic_store_n(&word, 1, __ATOMIC_RELEASE);
}

static void look(void *state)
{
    (void)state;
    before = __atomic_load_n(&word, __ATOMIC_ACQUIRE);
    if (before > 1)
        weir_step_false("a value from nowhere");
}

int main(void)
{
    static const weir_step_plan plan = {"store",      "load", setup, store,
                                        {look, NULL}, NULL,   0,     false};
    int status;

    if (freopen("/dev/null", "w", stdout) == NULL)
        return 1;
    status = weir_step_run("installed", &plan, 1, NULL);
    if (status != 0 && status != 77)
        return status;
    fprintf(stderr, "%d.%d.%d\n", WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR, WEIR_VERSION_PATCH);
    return 0;
}
