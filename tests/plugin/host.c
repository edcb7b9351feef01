/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* host PLUGIN.so ROUNDS: loads the plugin, uses it, and unloads it, so many times: more of them
 * than there are keys for thread-specific data. Threads that have used it end after it was
 * unloaded, and children of fork are made when it is not there any more. */

#include <dlfcn.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GUESTS = 8 };

typedef int plugin_use(void *memory, int own_thread);

static plugin_use *use;
static pthread_barrier_t used, unloaded;

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void use_once(int own_thread)
{
    alignas(16) unsigned char memory[256];
    const int result = use(memory, own_thread);

    if (result != 0) {
        fprintf(stderr, "plugin_use() returned %d\n", result);
        exit(1);
    }
}

/* Uses the plugin, and ends when it has been unloaded. */
static void *be_a_guest(void *unused)
{
    use_once(0);
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&unloaded);
    return unused;
}

static void *load(const char *name)
{
    void *const plugin = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    void *symbol;

    if (plugin == NULL)
        fail("dlopen", dlerror());
    symbol = dlsym(plugin, "plugin_use");
    if (symbol == NULL)
        fail("dlsym", dlerror());
    memcpy(&use, &symbol, sizeof use);
    return plugin;
}

static void unload(void *plugin, const char *name)
{
    if (dlclose(plugin) != 0)
        fail("dlclose", dlerror());
    /* Otherwise the rest would show nothing. */
    if (dlopen(name, RTLD_NOW | RTLD_NOLOAD) != NULL)
        fail(name, "stays loaded after dlclose");
}

static void fork_once(void)
{
    int status = 0;
    const pid_t child = fork();

    if (child == 0)
        _exit(0);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        fail("fork", "the child did not end well");
}

int main(int argc, char **argv)
{
    const long rounds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    pthread_key_t key;

    if (rounds < 1)
        fail("usage", "host PLUGIN.so ROUNDS");
    for (long i = 0; i < rounds; i++) {
        void *const plugin = load(argv[1]);

        use_once(i % 8 == 0);
        unload(plugin, argv[1]);
        if (i % 64 == 0)
            fork_once();
    }
    for (int round = 0; round < 10; round++) {
        void *const plugin = load(argv[1]);
        pthread_t guests[GUESTS];

        if (pthread_barrier_init(&used, NULL, 2) != 0 ||
            pthread_barrier_init(&unloaded, NULL, GUESTS + 1) != 0)
            fail("pthread_barrier_init", "failed");
        for (int i = 0; i < GUESTS; i++) {
            if (pthread_create(&guests[i], NULL, be_a_guest, NULL) != 0)
                fail("pthread_create", "failed");
            pthread_barrier_wait(&used); /* one at a time */
        }
        unload(plugin, argv[1]);
        pthread_barrier_wait(&unloaded);
        for (int i = 0; i < GUESTS; i++)
            pthread_join(guests[i], NULL);
        pthread_barrier_destroy(&used);
        pthread_barrier_destroy(&unloaded);
    }
    if (pthread_key_create(&key, NULL) != 0)
        fail("pthread_key_create", "the plugin has left none");
    printf("%ld times loaded and unloaded\n", rounds + 10);
    return 0;
}
