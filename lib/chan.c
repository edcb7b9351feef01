/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* lib/chan.c: the buffers of channels that have no lock, and what all channels have in common.
 *
 * Who waits stands in the queue of his side and looks at the buffer once more; who puts or takes
 * looks at the queue of the other side afterwards, which is a load, since the operations of the
 * rings are sequentially consistent (lib/wait.c has the picture). weir/spsc.h is made of plain
 * stores: there who waits makes an asymmetric fence for both, or, where there is none, both make
 * read-modify-writes. */

#include "chan.h"

#include <errno.h>

/* ---- life ---- */

/* Slots that a channel of larger elements has beyond its capacity: one for each thread that may be
 * in the middle of an operation while it has to be full exactly. Slots of a list's segments, 0: as
 * many as are usual. Bytes of an element that finds room on a stack when it is dropped. The twin:
 * so few that the checker sees the last, and what is larger. */
#ifdef WEIR_TSAN
enum { SPARE = 2, LIST_SLOTS = 2, SMALL = 16 };
#else
enum { SPARE = 64, LIST_SLOTS = 0, SMALL = 256 };
#endif

static weir__chan_kind kind_of(size_t element, size_t capacity, weir_chan_shape shape)
{
    if (capacity == WEIR_CHAN_UNBOUNDED)
        return WEIR__CHAN_LIST;
    if (capacity == 0 || shape == WEIR_CHAN_FAIR)
        return WEIR__CHAN_MEET;
    if (shape == WEIR_CHAN_SPSC)
        return WEIR__CHAN_PAIR;
#ifdef WEIR_HAVE_MPMC
    return element <= sizeof(uintptr_t) ? WEIR__CHAN_RING : WEIR__CHAN_SLOTS;
#else
    (void)element;
    return WEIR__CHAN_MEET;
#endif
}

/* Bytes of the buffer behind the channel. Returns: false if they are too many. */
static bool buffer_bytes(weir__chan_kind kind, size_t element, size_t capacity, size_t *bytes)
{
    switch (kind) {
#ifdef WEIR_HAVE_MPMC
    case WEIR__CHAN_RING:
        *bytes = weir_mpmc_bytes(capacity);
        return *bytes != 0;
    case WEIR__CHAN_SLOTS:
        *bytes = weir_mpmc_slots_bytes(capacity, SPARE, element);
        return *bytes != 0;
#endif
    case WEIR__CHAN_PAIR:
        *bytes = weir_spsc_bytes(capacity, element);
        return *bytes != 0;
    case WEIR__CHAN_MEET:
        return !__builtin_mul_overflow(capacity, element, bytes);
    default:
        *bytes = 0;
        return true;
    }
}

/* The buffer is of the right size and aligned, so that only the list may fail. */
static int make_buffer(weir_chan *chan, void *buffer, size_t bytes)
{
    switch (chan->kind) {
#ifdef WEIR_HAVE_MPMC
    case WEIR__CHAN_RING:
        return weir_mpmc_init(&chan->in.ring, buffer, bytes, chan->capacity);
    case WEIR__CHAN_SLOTS:
        return weir_mpmc_slots_init(&chan->in.slots, buffer, bytes, chan->capacity, SPARE,
                                    chan->element);
#endif
    case WEIR__CHAN_PAIR:
        chan->asymmetric = weir_fence_asymmetric();
        return weir_spsc_init(&chan->in.pair, buffer, bytes, chan->capacity, chan->element);
    case WEIR__CHAN_LIST: {
        int status = weir_guard_new(&chan->domain, WEIR_GUARD_EPOCH, NULL);

        if (status == 0) {
            status = weir_umpmc_init(&chan->in.list, chan->domain, LIST_SLOTS);
            if (status != 0)
                (void)weir_guard_free(chan->domain);
        }
        return status;
    }
    default:
        chan->in.meet.elements = (unsigned char *)buffer;
        chan->in.meet.first = chan->in.meet.count = 0;
        weir_atomic_init(&chan->in.meet.waiting, 0);
        weir_atomic_init(&chan->in.meet.spot.state, 0);
        return 0;
    }
}

int weir_chan_new(weir_chan **chan, size_t element, size_t capacity,
                  const weir_chan_options *options)
{
    const weir_chan_shape shape = options == NULL ? WEIR_CHAN_MPMC : options->shape;
    const bool has_bin = element > SMALL && capacity > 0;
    weir__chan_kind kind;
    weir_chan *made;
    size_t bytes, bin, total;
    int status;

    if (element == 0 || (unsigned)shape > WEIR_CHAN_FAIR)
        return -EINVAL;
    kind = kind_of(element, capacity, shape);
    if (!buffer_bytes(kind, element, capacity, &bytes) || bytes > PTRDIFF_MAX)
        return -EINVAL;
    bin = (bytes + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    if (__builtin_add_overflow(bin + sizeof *made, has_bin ? element : 0, &total))
        return -EINVAL;
    made = (weir_chan *)weir_alloc(total, WEIR_CACHELINE);
    if (made == NULL)
        return -ENOMEM;
    made->kind = kind;
    made->mpsc = shape == WEIR_CHAN_MPSC;
    made->asymmetric = false;
    made->element = element;
    made->capacity = capacity;
    made->drop = options == NULL ? NULL : options->drop;
    made->context = options == NULL ? NULL : options->context;
    made->allocated = total;
    made->domain = NULL;
    made->bin = has_bin ? (unsigned char *)(made + 1) + bin : NULL;
    weir_atomic_init(&made->closed, 0);
    weir_atomic_init(&made->dried, 0);
    weir__queue_init(&made->receivers);
    weir__queue_init(&made->senders);
    status = make_buffer(made, made + 1, bytes);
    if (status != 0) {
        weir_release(made, total);
        return status;
    }
    *chan = made;
    return 0;
}

/* ---- one operation, without waiting ---- */

/* Who put something in, or took something out, tells those on the other side. */
static inline void tell(weir_chan *chan, bool senders, uint32_t n)
{
    weir__wait_queue *const queue = weir__chan_queue(chan, senders);

    if (chan->kind != WEIR__CHAN_PAIR)
        weir__queue_notify_seen(queue, n);
    else if (chan->asymmetric)
        weir__queue_notify_light(queue, n);
    else
        weir__queue_notify(queue, n);
}

static uintptr_t to_word(const void *element, size_t size)
{
    uintptr_t word = 0;

    if (WEIR_LIKELY(size == sizeof word))
        memcpy(&word, element, sizeof word);
    else
        memcpy(&word, element, size);
    return word;
}

static void from_word(void *element, size_t size, uintptr_t word)
{
    if (WEIR_LIKELY(size == sizeof word))
        memcpy(element, &word, sizeof word);
    else
        memcpy(element, &word, size);
}

#ifdef WEIR_HAVE_MPMC
/* Why a buffer without room takes nothing. */
static int refusal(const weir_chan *chan)
{
    return weir__chan_is_closed(chan) ? -EPIPE : -EAGAIN;
}

static int ring_put(weir_chan *chan, const void *element)
{
    switch (weir__mpmc_try_put(&chan->in.ring, to_word(element, chan->element))) {
    case WEIR__MPMC_DONE:
        return 0;
    case WEIR__MPMC_CLOSED:
        /* So that nobody who comes after this refusal finds it open. */
        weir__chan_say_closed(chan);
        return -EPIPE;
    default:
        return refusal(chan);
    }
}

static int ring_take(weir_chan *chan, void *element)
{
    uintptr_t word;

    if (!weir_mpmc_try_dequeue(&chan->in.ring, &word))
        return -EAGAIN;
    from_word(element, chan->element, word);
    return 0;
}

static int slots_put(weir_chan *chan, const void *element)
{
    weir_mpmc_slots *const slots = &chan->in.slots;
    weir__mpmc_verdict verdict;
    uintptr_t slot;

    /* All are in use: full, or more than SPARE threads are in the middle. */
    if (!weir_mpmc_try_dequeue(&slots->vacant, &slot))
        return weir__chan_is_closed(chan)                             ? -EPIPE
               : weir_mpmc_slots_size_approx(slots) >= chan->capacity ? -EAGAIN
                                                                      : -EBUSY;
    /* Plain: the slot is this thread's between the two rings, whose edges carry it. */
    memcpy(slots->slots + slot * chan->element, element, chan->element);
    verdict = weir__mpmc_try_put(&slots->filled, slot);
    if (verdict == WEIR__MPMC_DONE)
        return 0;
    /* Has room for every slot there is, so this cannot fail. */
    (void)weir_mpmc_try_enqueue(&slots->vacant, slot);
    if (verdict == WEIR__MPMC_CLOSED)
        weir__chan_say_closed(chan);
    return refusal(chan);
}
#endif

/* An element of the list: a word, or where it is. */
static int list_put(weir_chan *chan, const void *element)
{
    weir_guard_record *const record = weir_guard_self(chan->domain);
    const size_t size = chan->element;
    void *block = NULL;
    int status;

    if (record == NULL)
        return -ENOMEM;
    if (size > sizeof(uintptr_t)) {
        block = weir_alloc(size, _Alignof(max_align_t));
        if (block == NULL)
            return -ENOMEM;
        memcpy(block, element, size);
    }
    status = weir_umpmc_enqueue(&chan->in.list, record,
                                block == NULL ? to_word(element, size) : (uintptr_t)block);
    if (status == 0)
        return 0;
    if (block != NULL)
        weir_release(block, size);
    if (status == -EPIPE)
        weir__chan_say_closed(chan); /* as in ring_put() */
    return status;
}

static int list_take(weir_chan *chan, void *element)
{
    weir_guard_record *const record = weir_guard_self(chan->domain);
    uintptr_t word;

    if (record == NULL)
        return -ENOMEM;
    if (!weir_umpmc_try_dequeue(&chan->in.list, record, &word))
        return -EAGAIN;
    if (chan->element <= sizeof word) {
        from_word(element, chan->element, word);
    } else {
        memcpy(element, (void *)word, chan->element);
        weir_release((void *)word, chan->element);
    }
    return 0;
}

static int put(weir_chan *chan, const void *element)
{
    switch (chan->kind) {
#ifdef WEIR_HAVE_MPMC
    case WEIR__CHAN_RING:
        return ring_put(chan, element);
    case WEIR__CHAN_SLOTS:
        return slots_put(chan, element);
#endif
    case WEIR__CHAN_PAIR:
        if (weir__chan_is_closed(chan))
            return -EPIPE;
        return weir_spsc_try_enqueue(&chan->in.pair, element) ? 0 : -EAGAIN;
    default:
        return list_put(chan, element);
    }
}

static int take(weir_chan *chan, void *element)
{
    switch (chan->kind) {
#ifdef WEIR_HAVE_MPMC
    case WEIR__CHAN_RING:
        return ring_take(chan, element);
    case WEIR__CHAN_SLOTS:
        return weir_mpmc_slots_try_dequeue(&chan->in.slots, element) ? 0 : -EAGAIN;
#endif
    case WEIR__CHAN_PAIR:
        return weir_spsc_try_dequeue(&chan->in.pair, element) ? 0 : -EAGAIN;
    default:
        return list_take(chan, element);
    }
}

/* Drops what is inside, beside all but another receiver of a PAIR; where somebody else does that,
 * with a large element, he drops it all. */
static void drop_all(weir_chan *chan)
{
    union {
        max_align_t alignment;
        unsigned char bytes[SMALL];
    } small;
    void *const bin = chan->bin == NULL ? &small : chan->bin;

    /* sync(bin): acquire. Pairs with the fetch_and below; the bin. */
    if (chan->bin != NULL &&
        (weir_atomic_fetch_or(&chan->closed, WEIR__CHAN_DROPPING, WEIR_ACQUIRE) &
         WEIR__CHAN_DROPPING) != 0)
        return;
    while ((chan->kind == WEIR__CHAN_MEET ? weir__meet_try(chan, false, bin, true)
                                          : take(chan, bin)) == 0)
        if (chan->drop != NULL)
            chan->drop(bin, chan->context);
    if (chan->bin != NULL)
        /* sync(bin): release. Pairs with the fetch_or above. */
        weir_atomic_fetch_and(&chan->closed, ~(uint32_t)WEIR__CHAN_DROPPING, WEIR_RELEASE);
}

static inline int try_send(weir_chan *chan, const void *element)
{
    int status;

    if (chan->kind == WEIR__CHAN_MEET)
        return weir__meet_try(chan, true, (void *)(uintptr_t)element, false);
    status = put(chan, element);
    if (WEIR_LIKELY(status == 0))
        tell(chan, false, 1);
    return status;
}

/* A PAIR whose receiver is to drop what is inside. */
static inline bool is_discarded(const weir_chan *chan)
{
    return chan->kind == WEIR__CHAN_PAIR &&
           /* sync(closed): acquire. As in weir__chan_is_closed(). */
           (weir_atomic_load(&chan->closed, WEIR_ACQUIRE) & WEIR__CHAN_DISCARDED) != 0;
}

static inline int try_recv(weir_chan *chan, void *element)
{
    int status;

    if (chan->kind == WEIR__CHAN_MEET)
        return weir__meet_try(chan, false, element, false);
    if (is_discarded(chan)) {
        drop_all(chan);
        return -EPIPE;
    }
    status = take(chan, element);
    if (status == -EAGAIN && weir__chan_is_closed(chan)) {
        /* What was sent before it was closed is seen now. */
        status = take(chan, element);
        if (status == -EAGAIN)
            return -EPIPE;
    }
    if (WEIR_LIKELY(status == 0) && chan->kind != WEIR__CHAN_LIST)
        tell(chan, true, 1);
    return status;
}

int weir__chan_try(weir_chan *chan, bool sends, void *element)
{
    return sends ? try_send(chan, element) : try_recv(chan, element);
}

#ifdef WEIR_HAVE_MPMC
/* The ring that carries the values, or NULL. */
static weir_mpmc *ring_of(weir_chan *chan)
{
    return chan->kind == WEIR__CHAN_RING    ? &chan->in.ring
           : chan->kind == WEIR__CHAN_SLOTS ? &chan->in.slots.filled
                                            : NULL;
}
#endif

/* So many values between two dry spells are a stream; one, two or three may be a conversation, in
 * which every ns counts. Of a stream the receiver waits for as many as are worth it, for 1.4 us in
 * all at most, and no longer than they keep coming. */
enum { STREAM = 4, LINGER_NS = 200, LINGER_MOST = 1600, SHORT = 16 };

void weir__chan_linger(weir_chan *chan, bool sends)
{
#ifdef WEIR_HAVE_MPMC
    weir_mpmc *const ring = ring_of(chan);
    weir_backoff pause = {LINGER_NS}; /* twice as long each time */
    uint64_t head, dried, tail, before;

    if (ring == NULL || sends || chan->capacity < SHORT)
        return;
    /* relaxed: all, here and below: guesses, about how fast others are. */
    head = weir_atomic_load(&ring->head, WEIR_RELAXED);
    dried = weir_atomic_load(&chan->dried, WEIR_RELAXED);
    weir_atomic_store(&chan->dried, head, WEIR_RELAXED);
    if (head - dried < STREAM)
        return;
    tail = head;
    do {
        before = tail;
        weir_backoff_wait(&pause);
        tail = weir_atomic_load(&ring->tail, WEIR_RELAXED); /* relaxed: as above. */
    } while (tail != before && pause.ns < LINGER_MOST &&
             weir_ring_count(&ring->ring, head, tail) < chan->capacity / 4);
#else
    (void)chan;
    (void)sends;
#endif
}

void weir__chan_fetch(weir_chan *chan, bool sends)
{
#ifdef WEIR_HAVE_MPMC
    weir_mpmc *const ring = ring_of(chan);
    uint64_t at;

    if (ring == NULL)
        return;
    /* relaxed: a guess. */
    at = weir_atomic_load(sends ? &ring->tail : &ring->head, WEIR_RELAXED);
    weir_prefetch_write(&ring->cells[weir_ring_index(&ring->ring, at)]);
#else
    (void)chan;
    (void)sends;
#endif
}

int weir_chan_try_send(weir_chan *chan, const void *element)
{
    return try_send(chan, element);
}

int weir_chan_try_recv(weir_chan *chan, void *element)
{
    return try_recv(chan, element);
}

/* ---- ends ---- */

int weir_chan_free(weir_chan *chan)
{
    int status;

    if (chan == NULL)
        return 0;
    if (weir_chan_senders_approx(chan) + weir_chan_receivers_approx(chan) > 0)
        return -EBUSY;
    if (chan->kind != WEIR__CHAN_LIST) {
        drop_all(chan);
    } else {
        const bool drops = weir_guard_self(chan->domain) != NULL;

        if (drops)
            drop_all(chan);
        status = weir_umpmc_destroy(&chan->in.list);
        if (status != 0 && !drops)
            return -ENOMEM;
        WEIR_REQUIRE(status == 0, "somebody sends to a channel that is being freed");
        status = weir_guard_free(chan->domain);
        WEIR_REQUIRE(status == 0, "somebody uses a channel that is being freed");
    }
    weir_release(chan, chan->allocated);
    return 0;
}

int weir_chan_close(weir_chan *chan, weir_chan_close_mode mode)
{
    weir_guard_record *record;
    bool first = false;
    int status;

    switch (chan->kind) {
#ifdef WEIR_HAVE_MPMC
    case WEIR__CHAN_RING:
        first = weir__mpmc_close(&chan->in.ring);
        break;
    case WEIR__CHAN_SLOTS:
        first = weir__mpmc_close(&chan->in.slots.filled);
        break;
#endif
    case WEIR__CHAN_LIST:
        record = weir_guard_self(chan->domain);
        status = record == NULL ? -ENOMEM : weir__umpmc_close(&chan->in.list, record);
        if (status == -ENOMEM)
            return status;
        first = status == 0;
        break;
    case WEIR__CHAN_PAIR:
        /* Its receiver alone may take something out. sync(closed): release. As in
         * weir__chan_say_closed(). */
        first = (weir_atomic_fetch_or(&chan->closed,
                                      mode == WEIR_CHAN_DISCARD
                                          ? WEIR__CHAN_CLOSED | WEIR__CHAN_DISCARDED
                                          : WEIR__CHAN_CLOSED,
                                      WEIR_RELEASE) &
                 WEIR__CHAN_CLOSED) == 0;
        break;
    default:
        first = weir__meet_close(chan);
        break;
    }
    if (chan->kind != WEIR__CHAN_PAIR)
        weir__chan_say_closed(chan);
    if (chan->kind != WEIR__CHAN_MEET) {
        weir__queue_notify(&chan->senders, WEIR__NOTIFY_ALL);
        weir__queue_notify(&chan->receivers, WEIR__NOTIFY_ALL);
    }
    if (mode == WEIR_CHAN_DISCARD && chan->kind != WEIR__CHAN_PAIR)
        drop_all(chan);
    return first ? 0 : -EALREADY;
}

/* ---- waiting ---- */

/* The rest of an operation that could not be done at once with `status`. */
static int wait_for(weir_select_arm *arm, int status, uint64_t deadline, weir_cancel *cancel)
{
    weir_chan *const chan = arm->chan;

    if (status != -EAGAIN && status != -EBUSY)
        return status;
    if (weir_clock_passed(deadline)) {
        /* A lock that somebody holds for some instructions is no reason. */
        if (status == -EBUSY && chan->kind == WEIR__CHAN_MEET)
            status =
                weir__meet_try(chan, arm->send != NULL,
                               arm->send != NULL ? (void *)(uintptr_t)arm->send : arm->recv, true);
        return status == -EAGAIN || status == -EBUSY ? -ETIMEDOUT : status;
    }
    status = weir__select_wait(arm, 1, 0, deadline, cancel);
    return status < 0 ? status : arm->status;
}

int weir_chan_send(weir_chan *chan, const void *element, uint64_t deadline, weir_cancel *cancel)
{
    weir_select_arm arm;
    int status;

    if (cancel != NULL && weir_cancel_check(cancel) != 0)
        return -ECANCELED;
    status = try_send(chan, element);
    if (WEIR_LIKELY(status == 0))
        return 0;
    weir_select_send(&arm, chan, element);
    return wait_for(&arm, status, deadline, cancel);
}

int weir_chan_recv(weir_chan *chan, void *element, uint64_t deadline, weir_cancel *cancel)
{
    weir_select_arm arm;
    int status;

    if (cancel != NULL && weir_cancel_check(cancel) != 0)
        return -ECANCELED;
    status = try_recv(chan, element);
    if (WEIR_LIKELY(status == 0))
        return 0;
    weir_select_recv(&arm, chan, element);
    return wait_for(&arm, status, deadline, cancel);
}

/* ---- many at a time ---- */

/* Puts up to n. Returns: how many. */
static size_t put_burst(weir_chan *chan, const unsigned char *elements, size_t n)
{
    size_t done = 0;

#ifdef WEIR_HAVE_MPMC
    if (chan->kind == WEIR__CHAN_RING && chan->element == sizeof(uintptr_t) &&
        (uintptr_t)elements % sizeof(uintptr_t) == 0) {
        done =
            weir_mpmc_enqueue_burst(&chan->in.ring, (const uintptr_t *)(const void *)elements, n);
    } else
#endif
        if (chan->kind == WEIR__CHAN_PAIR) {
        if (!weir__chan_is_closed(chan))
            done = weir_spsc_enqueue_burst(&chan->in.pair, elements, n);
    } else {
        while (done < n && put(chan, elements + done * chan->element) == 0)
            done++;
    }
    return done;
}

static size_t take_burst(weir_chan *chan, unsigned char *elements, size_t n)
{
    size_t done = 0;

#ifdef WEIR_HAVE_MPMC
    if (chan->kind == WEIR__CHAN_RING && chan->element == sizeof(uintptr_t) &&
        (uintptr_t)elements % sizeof(uintptr_t) == 0) {
        done = weir_mpmc_dequeue_burst(&chan->in.ring, (uintptr_t *)(void *)elements, n);
    } else
#endif
        if (chan->kind == WEIR__CHAN_PAIR) {
        done = weir_spsc_dequeue_burst(&chan->in.pair, elements, n);
    } else {
        while (done < n && take(chan, elements + done * chan->element) == 0)
            done++;
    }
    return done;
}

static uint32_t as_many(size_t n)
{
    return n > WEIR__NOTIFY_ALL ? WEIR__NOTIFY_ALL : (uint32_t)n;
}

size_t weir_chan_try_send_burst(weir_chan *chan, const void *elements, size_t n)
{
    const unsigned char *const bytes = (const unsigned char *)elements;
    size_t done = 0;

    if (chan->kind == WEIR__CHAN_MEET) {
        while (done < n && try_send(chan, bytes + done * chan->element) == 0)
            done++;
        return done;
    }
    done = put_burst(chan, bytes, n);
    if (done > 0)
        tell(chan, false, as_many(done));
    return done;
}

size_t weir_chan_try_recv_burst(weir_chan *chan, void *elements, size_t n)
{
    unsigned char *const bytes = (unsigned char *)elements;
    size_t done = 0;

    if (chan->kind == WEIR__CHAN_MEET || is_discarded(chan)) {
        while (done < n && try_recv(chan, bytes + done * chan->element) == 0)
            done++;
        return done;
    }
    done = take_burst(chan, bytes, n);
    if (done > 0 && chan->kind != WEIR__CHAN_LIST)
        tell(chan, true, as_many(done));
    return done;
}

int weir_chan_send_burst(weir_chan *chan, const void *elements, size_t n, size_t *sent,
                         uint64_t deadline, weir_cancel *cancel)
{
    const unsigned char *const bytes = (const unsigned char *)elements;
    size_t done = 0;
    int status = 0;

    if (cancel != NULL && weir_cancel_check(cancel) != 0)
        status = -ECANCELED;
    while (status == 0) {
        done += weir_chan_try_send_burst(chan, bytes + done * chan->element, n - done);
        if (done == n)
            break;
        status = weir_chan_send(chan, bytes + done * chan->element, deadline, cancel);
        if (status == 0)
            done++;
    }
    *sent = done;
    return status;
}

int weir_chan_recv_burst(weir_chan *chan, void *elements, size_t n, size_t *received,
                         uint64_t deadline, weir_cancel *cancel)
{
    unsigned char *const bytes = (unsigned char *)elements;
    int status;

    *received = 0;
    if (n == 0)
        return -EINVAL;
    status = weir_chan_recv(chan, bytes, deadline, cancel);
    if (status != 0)
        return status;
    *received = 1 + weir_chan_try_recv_burst(chan, bytes + chan->element, n - 1);
    return 0;
}

/* ---- queries ---- */

size_t weir_chan_capacity(const weir_chan *chan)
{
    return chan->capacity;
}

size_t weir_chan_element(const weir_chan *chan)
{
    return chan->element;
}

bool weir_chan_closed(const weir_chan *chan)
{
    return weir__chan_is_closed(chan);
}

/* Those who stand in the queue of one side. */
static size_t waiting(weir_chan *chan, bool sends)
{
    weir__wait_queue *const lock =
        chan->kind == WEIR__CHAN_MEET ? &chan->receivers : weir__chan_queue(chan, sends);
    size_t length;

    weir__queue_lock(lock);
    length = weir__queue_length(weir__chan_queue(chan, sends));
    weir__queue_unlock(lock);
    return length;
}

size_t weir_chan_senders_approx(weir_chan *chan)
{
    return waiting(chan, true);
}

size_t weir_chan_receivers_approx(weir_chan *chan)
{
    return waiting(chan, false);
}

size_t weir_chan_size_approx(weir_chan *chan)
{
    weir_guard_record *record;
    size_t size;

    if (is_discarded(chan))
        return 0;
    switch (chan->kind) {
#ifdef WEIR_HAVE_MPMC
    case WEIR__CHAN_RING:
        return weir_mpmc_size_approx(&chan->in.ring);
    case WEIR__CHAN_SLOTS:
        return weir_mpmc_slots_size_approx(&chan->in.slots);
#endif
    case WEIR__CHAN_PAIR:
        return weir_spsc_size_approx(&chan->in.pair);
    case WEIR__CHAN_LIST:
        record = weir_guard_self(chan->domain);
        return record == NULL ? 0 : weir__umpmc_size(&chan->in.list, record);
    default:
        weir__queue_lock(&chan->receivers);
        size = chan->in.meet.count;
        weir__queue_unlock(&chan->receivers);
        return size;
    }
}
