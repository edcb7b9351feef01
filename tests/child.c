/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* weir/child.h: children: what they get, how they end. Each case runs twice: with descriptors of
 * the children, and by SIGCHLD, as where the kernel has no such descriptors. */

#include "../lib/child.h"

#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

static weir_loop *loop;
static weir_child child;
static int ends, last_status;

static void on_end(weir_child *c, int status)
{
    CHECK_EQ(weir_child_pid(c), 0);
    CHECK_EQ(weir_child_kill(c, 0), -ESRCH);
    ends++;
    last_status = status;
}

static void begin(void)
{
    CHECK_EQ(weir_loop_new(&loop, NULL), 0);
    ends = 0;
    last_status = -1;
}

static void run(void)
{
    CHECK_EQ(weir_loop_run(loop, WEIR_LOOP_IDLE, WEIR_FOREVER), 0);
}

static void end(void)
{
    CHECK_EQ(weir_loop_free(loop), 0);
}

/* `sh -c script`, with these options. */
static int start(weir_child_options *options, const char *script)
{
    char *const arguments[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};

    options->file = "sh";
    options->arguments = arguments;
    return weir_child_start(&child, loop, options, on_end);
}

static int run_script(weir_child_options *options, const char *script)
{
    begin();
    CHECK_EQ(start(options, script), 0);
    CHECK(weir_child_pid(&child) > 0);
    CHECK(weir_loop_alive(loop));
    CHECK_EQ(weir_loop_free(loop), -EBUSY);
    CHECK_EQ(ends, 0);
    run();
    CHECK_EQ(ends, 1);
    end();
    return last_status;
}

/* What a child has written to descriptor 1, or `to`. */
static const char *output_of(weir_child_options *options, const char *script, unsigned to)
{
    static char text[256];
    int pipes[2], more[8];
    ssize_t n;

    CHECK_EQ(pipe2(pipes, O_CLOEXEC), 0);
    if (to < 3) {
        options->fds[to] = pipes[1];
    } else {
        for (unsigned i = 0; i < 8; i++)
            more[i] = WEIR_CHILD_NULL;
        more[to - 3] = pipes[1];
        options->more_fds = more;
        options->more_count = to - 2;
    }
    CHECK_EQ(run_script(options, script), 0);
    close(pipes[1]);
    n = read(pipes[0], text, sizeof text - 1);
    CHECK(n >= 0);
    text[n] = 0;
    CHECK_EQ(read(pipes[0], text + n, 1), 0); /* nobody else has it */
    close(pipes[0]);
    return text;
}

/* ---- cases ---- */

static void a_child_that_ends_is_told_once_with_its_status(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;
    const int status = run_script(&options, "exit 7");

    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void a_child_that_is_killed_says_by_what(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;
    int ends_of_pipe[2];

    CHECK_EQ(pipe2(ends_of_pipe, O_CLOEXEC), 0);
    options.fds[0] = ends_of_pipe[0];
    begin();
    CHECK_EQ(start(&options, "read line"), 0);
    CHECK_EQ(weir_child_kill(&child, 100000), -EINVAL);
    CHECK_EQ(weir_child_kill(&child, SIGKILL), 0);
    run();
    CHECK(WIFSIGNALED(last_status) && WTERMSIG(last_status) == SIGKILL);
    end();
    close(ends_of_pipe[0]);
    close(ends_of_pipe[1]);
}

static void a_program_that_is_not_there_is_an_error_and_no_child(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;

    if (test_emulated()) {
        test_skip("the emulator forks for vfork(2): posix_spawn(3) does not hear of the failure");
        return;
    }
    begin();
    CHECK_EQ(weir_child_start(&child, loop, &options, on_end), -EINVAL);
    options.file = "/no/such/program";
    CHECK_EQ(weir_child_start(&child, loop, &options, on_end), -ENOENT);
    options.file = "/dev/null";
    CHECK_EQ(weir_child_start(&child, loop, &options, on_end), -EACCES);
    options.directory = "/no/such/directory";
    CHECK_EQ(start(&options, "exit 0"), -ENOENT);
    CHECK(!weir_loop_alive(loop));
    run();
    CHECK_EQ(ends, 0);
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
    CHECK_EQ(errno, ECHILD);
    end();
}

static void descriptors_go_where_they_are_wanted(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;

    CHECK_EQ(strcmp(output_of(&options, "echo one", 1), "one\n"), 0);
    options.fds[1] = WEIR_CHILD_NULL;
    CHECK_EQ(strcmp(output_of(&options, "echo out; echo two >&2", 2), "two\n"), 0);
    options.fds[2] = WEIR_CHILD_INHERIT;
    CHECK_EQ(strcmp(output_of(&options, "echo five >&5", 5), "five\n"), 0);
    options.more_count = 0;
    options.fds[0] = WEIR_CHILD_NULL;
    CHECK_EQ(strcmp(output_of(&options, "read x || echo nothing", 1), "nothing\n"), 0);
}

/* Each is the other's source. */
static void descriptors_may_change_places(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;
    int one[2], two[2], saved[2] = {dup(1), dup(2)};
    char byte;

    CHECK_EQ(pipe2(one, O_CLOEXEC), 0);
    CHECK_EQ(pipe2(two, O_CLOEXEC), 0);
    fflush(stdout);
    CHECK(dup2(one[1], 1) == 1 && dup2(two[1], 2) == 2);
    options.fds[1] = 2;
    options.fds[2] = 1;
    begin();
    CHECK_EQ(start(&options, "printf 1; printf 2 >&2"), 0);
    run();
    CHECK(dup2(saved[0], 1) == 1 && dup2(saved[1], 2) == 2);
    end();
    CHECK(read(one[0], &byte, 1) == 1 && byte == '2');
    CHECK(read(two[0], &byte, 1) == 1 && byte == '1');
    for (int i = 0; i < 2; i++) {
        close(one[i]);
        close(two[i]);
        close(saved[i]);
    }
}

static void environment_and_directory_are_what_was_given(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;
    char *const environment[] = {"PATH=/usr/bin:/bin", "WEIR_TEST=x y", NULL};

    options.environment = environment;
    options.directory = "/";
    CHECK_EQ(strcmp(output_of(&options, "echo $WEIR_TEST; pwd", 1), "x y\n/\n"), 0);
}

static void a_session_is_its_own(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;
    int ends_of_pipe[2];

    if (test_emulated()) {
        test_skip("the emulator forks for vfork(2): the child may not be there yet");
        return;
    }
    CHECK_EQ(pipe2(ends_of_pipe, O_CLOEXEC), 0);
    options.fds[0] = ends_of_pipe[0];
    options.session = true;
    begin();
    CHECK_EQ(start(&options, "read x"), 0);
    CHECK_EQ(getsid(weir_child_pid(&child)), weir_child_pid(&child));
    CHECK_EQ(weir_child_kill(&child, SIGKILL), 0);
    run();
    end();
    close(ends_of_pipe[0]);
    close(ends_of_pipe[1]);
}

/* A child that inherits blocked signals, or an ignored SIGPIPE, does not behave as its program.
 * (Not by SIGCHLD: nobody would hear it.) */
static void signals_are_as_a_program_expects_them(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;
    sigset_t all, before;
    int status;

    sigfillset(&all);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    status = run_script(&options, "kill -TERM $$");
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    status = run_script(&options, "kill -PIPE $$");
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, SIG_DFL);
}

static void children_of_others_are_left_alone(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;
    int status;
    const pid_t other = fork();

    CHECK(other >= 0);
    if (other == 0)
        _exit(3);
    CHECK_EQ(run_script(&options, "exit 0"), 0);
    CHECK_EQ(waitpid(other, &status, 0), other);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

static void who_was_waited_for_by_another_has_no_status(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;

    begin();
    CHECK_EQ(start(&options, "exit 0"), 0);
    CHECK_EQ(waitpid(weir_child_pid(&child), NULL, 0), weir_child_pid(&child));
    run();
    CHECK(ends == 1 && last_status == -ECHILD);
    end();
}

static void one_in_the_background_lets_the_loop_end(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;
    int ends_of_pipe[2];

    CHECK_EQ(pipe2(ends_of_pipe, O_CLOEXEC), 0);
    options.fds[0] = ends_of_pipe[0];
    options.background = true;
    begin();
    CHECK_EQ(start(&options, "read line"), 0);
    (void)weir_loop_turn(loop, 0); /* by SIGCHLD, it looks once */
    run();
    CHECK_EQ(ends, 0);
    close(ends_of_pipe[0]);
    close(ends_of_pipe[1]); /* it ends */
    while (ends == 0)
        (void)weir_loop_turn(loop, WEIR_FOREVER);
    run();
    end();
}

enum { MANY = 50 };

static weir_child many[MANY];

static void of_many_each_is_told_its_own_end(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;

    begin();
    for (int i = 0; i < MANY; i++) {
        char script[24];
        char *const arguments[] = {"sh", "-c", script, NULL};

        snprintf(script, sizeof script, "exit %d", i);
        options.file = "sh";
        options.arguments = arguments;
        CHECK_EQ(weir_child_start(&many[i], loop, &options, on_end), 0);
    }
    run();
    CHECK_EQ(ends, MANY);
    for (int i = 0; i < MANY; i++)
        CHECK(WIFEXITED(many[i].status) && WEXITSTATUS(many[i].status) == i);
    end();
}

static void without_memory_or_descriptors_there_is_no_child(void)
{
    weir_child_options options = WEIR_CHILD_OPTIONS_INIT;
    struct rlimit before, none;
    size_t nr = 1;
    int status;

    test_alloc_fail_at(0);
    begin();
    do {
        test_alloc_fail_at(nr++);
        status = start(&options, "exit 0");
        CHECK(status == 0 || status == -ENOMEM);
    } while (status != 0);
    test_alloc_fail_at(0);
    run();
    CHECK_EQ(ends, 1);
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    options.fds[0] = 0; /* wants a copy */
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    status = start(&options, "exit 0");
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK(status == -EMFILE || status == -EINVAL);
    CHECK(!weir_loop_alive(loop));
    end();
}

/* ---- twice ---- */

#define BOTH(name)                      \
    static void name##_by_sigchld(void) \
    {                                   \
        weir__child_by_signal = true;   \
        name();                         \
        weir__child_by_signal = false;  \
    }

BOTH(a_child_that_ends_is_told_once_with_its_status)
BOTH(a_child_that_is_killed_says_by_what)
BOTH(a_program_that_is_not_there_is_an_error_and_no_child)
BOTH(children_of_others_are_left_alone)
BOTH(one_in_the_background_lets_the_loop_end)
BOTH(of_many_each_is_told_its_own_end)
BOTH(without_memory_or_descriptors_there_is_no_child)

int main(void)
{
    return TEST_RUN(
        "child", TEST_CASE(a_child_that_ends_is_told_once_with_its_status),
        TEST_CASE(a_child_that_is_killed_says_by_what),
        TEST_CASE(a_program_that_is_not_there_is_an_error_and_no_child),
        TEST_CASE(descriptors_go_where_they_are_wanted), TEST_CASE(descriptors_may_change_places),
        TEST_CASE(environment_and_directory_are_what_was_given), TEST_CASE(a_session_is_its_own),
        TEST_CASE(signals_are_as_a_program_expects_them),
        TEST_CASE(children_of_others_are_left_alone),
        TEST_CASE(who_was_waited_for_by_another_has_no_status),
        TEST_CASE(one_in_the_background_lets_the_loop_end),
        TEST_CASE(of_many_each_is_told_its_own_end),
        TEST_CASE(without_memory_or_descriptors_there_is_no_child),
        TEST_CASE(a_child_that_ends_is_told_once_with_its_status_by_sigchld),
        TEST_CASE(a_child_that_is_killed_says_by_what_by_sigchld),
        TEST_CASE(a_program_that_is_not_there_is_an_error_and_no_child_by_sigchld),
        TEST_CASE(children_of_others_are_left_alone_by_sigchld),
        TEST_CASE(one_in_the_background_lets_the_loop_end_by_sigchld),
        TEST_CASE(of_many_each_is_told_its_own_end_by_sigchld),
        TEST_CASE(without_memory_or_descriptors_there_is_no_child_by_sigchld));
}
