/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* supervise: runs a program, again when it has failed, and until SIGTERM comes. The program is a
 * shell here that fails the first two times; the third time it sends the signal itself. */

#include <weir/child.h>
#include <weir/signal.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

static weir_loop *loop;
static weir_child child;
static weir_signal terminate;
static int starts, told;

static bool start(void);

static void ended(weir_child *which, int status)
{
    (void)which;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        printf("it failed: once more\n");
        if (!start())
            weir_loop_stop(loop);
    }
}

static bool start(void)
{
    static char *const failing[] = {"sh", "-c", "exit 1", NULL};
    static char *const good[] = {"sh", "-c", "kill -TERM $PPID", NULL};
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;

    options.file = "sh";
    options.arguments = ++starts < 3 ? failing : good;
    options.fds[0] = WEIR_CHILD_NULL;
    return weir_child_start(&child, loop, &options, ended) == 0;
}

static void on_terminate(weir_signal *watcher, int number)
{
    (void)number;
    printf("told to end\n");
    told++;
    weir_signal_stop(watcher, NULL);
}

int main(void)
{
    if (weir_loop_new(&loop, NULL) != 0 ||
        weir_signal_start(&terminate, loop, SIGTERM, on_terminate, false) != 0 || !start())
        return 1;
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    return weir_loop_free(loop) == 0 && starts == 3 && told == 1 ? 0 : 1;
}
