/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/chan.h under the step harness: no try_ operation waits for a thread that is stopped, be it
 * in one of its own kind, in a close, or inside a send or a receive that waits. */

#include "step-chan.h"

/* Each victim against each of what follows, in each of the channels that it says. */
typedef struct group {
    const char *chans; /* each by itself */
    const char *before;
    const char *operation, *victim;
    const char *against; /* each by itself, between blanks */
    const char *second;  /* and the first of them beside this one; or NULL */
} group;

#define TRIES "?+a ?-a 2+a 2-a ?+a?-a ?-a?+a ?[-a+a] #a"
#define LOCKED "?+a ?-a 2+a 2-a ?+a?-a ?-a?+a ?[-a+a]"

static const group groups[] = {
    {"12wu", "", "chan_try_send", "?+a", TRIES " xa", "?-a"},
    {"12wu", "?+a", "chan_try_recv", "?-a", TRIES " xa", "?+a"},
    {"2wu", "", "chan_try_send_burst", "2+a", TRIES " xa", "?-a"},
    {"2u", "2+a", "chan_try_recv_burst", "2-a", TRIES " xa", "?+a"},
    {"12w", "?+a", "chan_send", "@+a", TRIES " xa", "?-a"},
    {"12wu", "", "chan_recv", "@-a", TRIES " xa", "?+a"},
    {"12w", "?+aSa", "chan_try_recv", "?-a", TRIES " xa", "?+a"},
    {"12wu", "Ra", "chan_try_send", "?+a", TRIES " xa", "?-a"},
    {"12wu", "?+a", "chan_close", "xa", TRIES " xa", "?+a"},
    {"12wu", "Ra", "chan_close", "xa", TRIES " xa", "?-a"},
    {"12wu", "?+a", "chan_size_approx", "#a", TRIES " xa", "?+a"},
    {"p", "", "chan_try_send", "?+a", "?-a 2-a #a ?-a?-a", NULL},
    {"p", "?+a", "chan_try_recv", "?-a", "?+a 2+a #a ?+a?+a", NULL},
    {"p", "?+a", "chan_send", "@+a", "?-a 2-a #a ?-a?-a", NULL},
    {"p", "", "chan_recv", "@-a", "?+a 2+a #a ?+a?+a", NULL},
    {"p", "", "chan_close", "xa", "?-a 2-a #a ?-a?-a", NULL},
    {"0f", "", "chan_try_send", "?+a", LOCKED, "?-a"},
    {"0f", "", "chan_try_recv", "?-a", LOCKED, "?+a"},
    {"0f", "Ra", "chan_try_send", "?+a", LOCKED, "?-a"},
    {"0", "Sa", "chan_try_recv", "?-a", LOCKED, "?+a"},
    {"f", "?+aSa", "chan_try_recv", "?-a", LOCKED, "?+a"},
    {"0", "", "chan_recv", "*-a", LOCKED, "?+a"},
    {"0", "", "chan_send", "@+a", LOCKED, "?-a"},
    {"0f", "", "chan_recv", "@-a", LOCKED, "?+a"},
    {"f", "?+a", "chan_send", "@+a", LOCKED, "?-a"},
    {"0f", "Ra", "chan_close", "xa", LOCKED, "?+a"},
    {"0", "Sa", "chan_close", "xa", LOCKED, "?-a"},
};

static void sweep_group(const group *g)
{
    for (const char *kind = g->chans; *kind != 0; kind++) {
        const char *second = g->second;
        char all[96], chan[2] = {*kind, 0};

        (void)snprintf(all, sizeof all, "%s", g->against);
        for (char *at = strtok(all, " "); at != NULL; at = strtok(NULL, " ")) {
            const line alone = {g->operation, chan, g->before, g->victim, {at, NULL}};
            const line both = {g->operation, chan, g->before, g->victim, {at, second}};

            sweep(&alone);
            if (second != NULL)
                sweep(&both);
            second = NULL;
        }
    }
}

int main(void)
{
    weir_backoff backoff = WEIR_BACKOFF_INIT;

    use_blocks();
    weir_step_begin("step-chan");
    weir_backoff_wait(&backoff); /* its first call measures */
    weir_step_thin(101);
    for (size_t i = 0; i < COUNT(groups); i++)
        sweep_group(&groups[i]);
    return weir_step_end();
}
