/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/resolve.c: a look-up is an offload in a block of its own, so that the thread has something
 * to write to when nobody waits for it any more. The offload says which of its two ends is the
 * last one: that one releases the block. */

#include <weir/offload.h>
#include <weir/resolve.h>

#include <errno.h>
#include <netdb.h>
#include <string.h>

typedef struct weir__lookup {
    weir_offload offload; /* the first */
    weir_resolve *owner;  /* until `done` */
    weir_resolve_options options;
    struct addrinfo hints; /* to which these point */
    struct addrinfo *list;
    int code;
    size_t bytes; /* allocated */
    const char *node, *service;
    char names[];
} weir__lookup;

/* ---- in the thread ---- */

static int look_up(void *context, const char *node, const char *service,
                   const struct addrinfo *hints, struct addrinfo **list)
{
    (void)context;
    return getaddrinfo(node, service, hints, list);
}

static void release(void *context, struct addrinfo *list)
{
    (void)context;
    freeaddrinfo(list);
}

/* `error`: what errno said. */
static int status_of(int code, int error)
{
    switch (code) {
    case 0:
        return 0;
    case EAI_NONAME:
#if defined(EAI_NODATA) && EAI_NODATA != EAI_NONAME
    case EAI_NODATA:
#endif
#if defined(EAI_ADDRFAMILY)
    case EAI_ADDRFAMILY:
#endif
        return -ENOENT;
    case EAI_AGAIN:
        return -EREMOTEIO;
    case EAI_FAMILY:
        return -EAFNOSUPPORT;
    case EAI_SOCKTYPE:
        return -ESOCKTNOSUPPORT;
    case EAI_SERVICE:
        return -EPROTONOSUPPORT;
    case EAI_BADFLAGS:
        return -EINVAL;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_OVERFLOW:
        return -EOVERFLOW;
    case EAI_SYSTEM:
        return error == EAGAIN ? -EREMOTEIO : error > 0 ? -error : -EIO;
    default:
        return -EIO;
    }
}

static int run(weir_offload *offload)
{
    weir__lookup *const lookup = (weir__lookup *)(void *)offload;

    errno = 0;
    lookup->code = lookup->options.lookup(lookup->options.context, lookup->node, lookup->service,
                                          lookup->options.hints, &lookup->list);
    if (lookup->code == 0 && lookup->list == NULL)
        lookup->code = EAI_NONAME;
    return status_of(lookup->code, errno);
}

/* ---- on the loop ---- */

static void free_lookup(weir_offload *offload)
{
    weir__lookup *const lookup = (weir__lookup *)(void *)offload;

    if (lookup->code == 0 && lookup->list != NULL)
        lookup->options.release(lookup->options.context, lookup->list);
    weir_release(lookup, lookup->bytes);
}

static void done(weir_offload *offload, int status)
{
    weir__lookup *const lookup = (weir__lookup *)(void *)offload;
    weir_resolve *const resolve = lookup->owner;
    const bool last = !offload->under_way; /* else the thread may be in it */

    resolve->lookup = NULL;
    resolve->code = last ? lookup->code : 0;
    resolve->done(resolve, status, status == 0 ? lookup->list : NULL);
    if (last)
        free_lookup(offload);
}

/* Returns: where the next one goes. */
static char *copy_name(char *to, const char *name, const char **copy)
{
    const size_t bytes = name != NULL ? strlen(name) + 1 : 0;

    *copy = name != NULL ? to : NULL;
    if (name != NULL)
        memcpy(to, name, bytes);
    return to + bytes;
}

static void copy_options(weir__lookup *lookup, const weir_resolve_options *options)
{
    memset(&lookup->hints, 0, sizeof lookup->hints);
    lookup->hints.ai_socktype = SOCK_STREAM;
    memset(&lookup->options, 0, sizeof lookup->options);
    if (options != NULL)
        lookup->options = *options;
    if (lookup->options.hints != NULL) { /* the rest of them must be 0 */
        lookup->hints.ai_flags = lookup->options.hints->ai_flags;
        lookup->hints.ai_family = lookup->options.hints->ai_family;
        lookup->hints.ai_socktype = lookup->options.hints->ai_socktype;
        lookup->hints.ai_protocol = lookup->options.hints->ai_protocol;
    }
    lookup->options.hints = &lookup->hints;
    if (lookup->options.lookup == NULL) {
        lookup->options.lookup = look_up;
        lookup->options.release = release;
    }
}

int weir_resolve_start(weir_resolve *resolve, weir_loop *loop, weir_blocking *pool,
                       const char *node, const char *service, const weir_resolve_options *options,
                       uint64_t deadline,
                       void (*told)(weir_resolve *resolve, int status, const struct addrinfo *list))
{
    const size_t bytes = sizeof(weir__lookup) + (node != NULL ? strlen(node) + 1 : 0) +
                         (service != NULL ? strlen(service) + 1 : 0);
    weir__lookup *lookup;
    int status;

    WEIR_REQUIRE(told != NULL, "a look-up without a function");
    WEIR_REQUIRE(options == NULL || (options->lookup == NULL) == (options->release == NULL),
                 "lookup without release, or the reverse");
    resolve->done = told;
    resolve->lookup = NULL;
    resolve->code = 0;
    if (node == NULL && service == NULL)
        return -EINVAL;
    lookup = (weir__lookup *)weir_alloc(bytes, _Alignof(max_align_t));
    if (lookup == NULL)
        return -ENOMEM;
    lookup->owner = resolve;
    lookup->list = NULL;
    lookup->code = 0;
    lookup->bytes = bytes;
    copy_options(lookup, options);
    (void)copy_name(copy_name(lookup->names, node, &lookup->node), service, &lookup->service);
    weir_offload_init(&lookup->offload, loop, run, done, free_lookup);
    status = weir_offload_blocking(&lookup->offload, pool, deadline);
    if (status == 0)
        resolve->lookup = lookup;
    else
        weir_release(lookup, bytes);
    return status;
}

int weir_resolve_cancel(weir_resolve *resolve)
{
    return resolve->lookup == NULL ? -EALREADY : weir_offload_cancel(&resolve->lookup->offload);
}

int weir_resolve_code(const weir_resolve *resolve)
{
    return resolve->code;
}
