/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* terminal_keys: says which keys are pressed, and of which size the terminal is, until q. However
 * it ends, but by SIGKILL, the terminal is as it was before.
 *
 * Without a terminal it makes one, and presses some keys itself. */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_openpt() */
#endif

#include <weir/signal.h>
#include <weir/stream.h>
#include <weir/terminal.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static weir_terminal terminal;
static weir_stream keys;
static weir_signal resized;
static unsigned pressed;

/* ---- the end, however it comes ---- */

static void put_back(void)
{
    (void)weir_terminal_restore(&terminal);
}

static void die(int number)
{
    put_back();
    signal(number, SIG_DFL);
    raise(number);
}

/* ---- what comes ---- */

static void on_keys(weir_stream *stream, void *data, size_t bytes)
{
    const unsigned char *const key = (const unsigned char *)data;

    for (size_t i = 0; i < bytes; i++) {
        printf("key %u\n", key[i]);
        pressed++;
        if (key[i] == 'q') {
            weir_stream_close(stream);
            weir_signal_stop(&resized, NULL);
            return;
        }
    }
}

static void on_end(weir_stream *stream, int status)
{
    (void)status;
    weir_stream_close(stream);
    weir_signal_stop(&resized, NULL);
}

static void say_size(void)
{
    unsigned columns, rows;

    if (weir_terminal_size(terminal.fd, &columns, &rows) == 0)
        printf("%u columns, %u rows\n", columns, rows);
}

static void on_resized(weir_signal *watcher, int number)
{
    (void)watcher;
    (void)number;
    say_size();
}

/* ---- a terminal, to try it ---- */

/* Returns: its descriptor; -1: there are none. */
static int make_terminal(void)
{
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    const char *name;

    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 ||
        (name = ptsname(master)) == NULL || write(master, "abcq", 4) != 4)
        return -1;
    return open(name, O_RDWR | O_NOCTTY);
}

int main(void)
{
    static const weir_stream_calls calls = {.read = on_keys, .end = on_end};
    const int shared = weir_terminal_is(STDIN_FILENO) ? STDIN_FILENO : make_terminal();
    weir_loop *loop;
    int own;

    if (shared < 0 || weir_terminal_init(&terminal, shared) != 0) {
        printf("no terminal\n");
        return 77;
    }
    atexit(put_back);
    signal(SIGINT, die);
    signal(SIGTERM, die);
    own = weir_terminal_reopen(shared); /* stdin goes on to block, for the shell */
    if (own < 0 || weir_terminal_set(&terminal, WEIR_TERMINAL_CBREAK) != 0 ||
        weir_loop_new(&loop, NULL) != 0 ||
        weir_stream_open(&keys, loop, own, WEIR_STREAM_FILE, &calls) != 0 ||
        weir_stream_read(&keys) != 0 ||
        weir_signal_start(&resized, loop, SIGWINCH, on_resized, true) != 0)
        return 1;
    say_size();
    weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER);
    printf("%u keys\n", pressed);
    return weir_loop_free(loop);
}
