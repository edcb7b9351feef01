/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* RC11 over boolean matrices: O. Lahav, V. Vafeiadis, J. Kang, C.-K. Hur, D. Dreyer, "Repairing
 * sequential consistency in C/C++11", PLDI 2017, doi:10.1145/3062341.3062352; and the release
 * sequences of C++20: a write and the read-modify-writes that follow it. Relations have the names
 * of the paper, but for po (there sb), co (mo) and fr (rb).
 *
 * Two things are not in the paper. The making of a thread, and the wait for its end, synchronize.
 * And accesses may have different sizes: each byte is a location, an access of several bytes is one
 * event at all of them, and "the same location" means that two accesses share a byte.
 *
 * Nodes of the relations: first the initial value of each location, then the events. */

#include "axioms.h"

#include <inttypes.h>
#include <string.h>

typedef uint64_t *matrix; /* `nodes` rows of `words` words each */
typedef uint64_t *set;    /* one such row */

static STATE uint64_t *pool = NULL;
static STATE size_t pool_room = 0;
static STATE size_t pool_used = 0;

static STATE unsigned nodes = 0;
static STATE unsigned words = 0;
static STATE unsigned first_node[THREADS] = {0}; /* of each thread's events */

/* The bytes of a location that no access tells apart, as masks. */
typedef struct lanes {
    unsigned count;
    uint16_t mask[16];
} lanes;

/* ---- matrices ---- */

static uint64_t *take(size_t size)
{
    uint64_t *const taken = pool + pool_used;

    pool_used += size;
    memset(taken, 0, size * sizeof *taken);
    return taken;
}

static matrix take_matrix(void)
{
    return take((size_t)nodes * words);
}

static uint64_t *row(matrix m, unsigned i)
{
    return m + (size_t)i * words;
}

static bool in(const uint64_t *s, unsigned i)
{
    return (s[i / 64] >> (i % 64) & 1) != 0;
}

static void put(set s, unsigned i)
{
    s[i / 64] |= UINT64_C(1) << (i % 64);
}

static void unite(matrix to, const uint64_t *from)
{
    for (size_t i = 0; i < (size_t)nodes * words; i++)
        to[i] |= from[i];
}

static void unite_row(set to, const uint64_t *from)
{
    for (unsigned i = 0; i < words; i++)
        to[i] |= from[i];
}

/* a; b */
static matrix then(matrix a, matrix b)
{
    const matrix m = take_matrix();

    for (unsigned i = 0; i < nodes; i++) {
        for (unsigned k = 0; k < words; k++) {
            for (uint64_t rest = row(a, i)[k]; rest != 0; rest &= rest - 1)
                unite_row(row(m, i), row(b, 64 * k + (unsigned)__builtin_ctzll(rest)));
        }
    }
    return m;
}

/* Warshall's algorithm. */
static void make_transitive(matrix m)
{
    for (unsigned k = 0; k < nodes; k++) {
        for (unsigned i = 0; i < nodes; i++) {
            if (in(row(m, i), k))
                unite_row(row(m, i), row(m, k));
        }
    }
}

static matrix or_equal(matrix a)
{
    const matrix m = take_matrix();

    unite(m, a);
    for (unsigned i = 0; i < nodes; i++)
        put(row(m, i), i);
    return m;
}

static matrix both(matrix a, matrix b)
{
    const matrix m = take_matrix();

    for (size_t i = 0; i < (size_t)nodes * words; i++)
        m[i] = a[i] & b[i];
    return m;
}

static matrix without(matrix a, matrix b)
{
    const matrix m = take_matrix();

    for (size_t i = 0; i < (size_t)nodes * words; i++)
        m[i] = a[i] & ~b[i];
    return m;
}

/* [from]; a; [to] */
static matrix between(const uint64_t *from, matrix a, const uint64_t *to)
{
    const matrix m = take_matrix();

    for (unsigned i = 0; i < nodes; i++) {
        for (unsigned j = 0; in(from, i) && j < words; j++)
            row(m, i)[j] = row(a, i)[j] & to[j];
    }
    return m;
}

static bool irreflexive(matrix m)
{
    for (unsigned i = 0; i < nodes; i++) {
        if (in(row(m, i), i))
            return false;
    }
    return true;
}

static bool empty(matrix m)
{
    for (size_t i = 0; i < (size_t)nodes * words; i++) {
        if (m[i] != 0)
            return false;
    }
    return true;
}

/* ---- the graph ---- */

static bool is_memory(const event *e)
{
    return e->kind == READ || e->kind == WRITE;
}

static bool acquires(const event *e)
{
    return (e->kind == READ || e->kind == FENCE) && weir__acquires(e->order);
}

static bool releases(const event *e)
{
    return (e->kind == WRITE || e->kind == FENCE) && weir__releases(e->order);
}

static bool is_sc(const event *e)
{
    return (is_memory(e) || e->kind == FENCE) && e->order == 5;
}

static bool is_initial(name n)
{
    return n.thread < 0;
}

static unsigned node(name n, int32_t place)
{
    return is_initial(n) ? (unsigned)place : first_node[n.thread] + n.index;
}

static uint16_t mask_of(const graph *g, name n)
{
    return is_initial(n) ? (uint16_t)0xffff : weir__event(g, n)->mask;
}

/* Its place in modification order; the count of writes if it has none. */
static unsigned place_of(const location *l, name n)
{
    unsigned place = 0;

    while (place < l->writes && !weir__same(l->write[place], n))
        place++;
    return place;
}

/* What a read has in those bytes, which are one lane. */
static name source(const graph *g, const event *e, uint16_t lane)
{
    const location *const l = &g->location[e->location];
    unsigned place = place_of(l, e->from);

    while (place > 0 && (mask_of(g, l->write[place]) & lane) == 0)
        place--;
    return l->write[place];
}

static lanes lanes_of(const graph *g, int32_t place)
{
    lanes all = {1, {(uint16_t)((1u << g->location[place].size) - 1)}};

    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < g->count[t]; i++) {
            const event *const e = &g->of[t][i];
            const unsigned count = all.count;

            if (!is_memory(e) || e->location != place)
                continue;
            for (unsigned k = 0; k < count; k++) {
                const uint16_t within = all.mask[k] & e->mask;

                if (within != 0 && within != all.mask[k]) {
                    all.mask[all.count++] = (uint16_t)(all.mask[k] & ~within);
                    all.mask[k] = within;
                }
            }
        }
    }
    return all;
}

static unsigned lowest(uint16_t mask)
{
    return (unsigned)__builtin_ctz(mask);
}

/* The bytes of a lane, in place, from the value of a whole access that has them. */
static word bytes_in(word value, uint16_t mask, uint16_t lane)
{
    word result = 0;

    for (unsigned b = 0; b < 16; b++) {
        if ((lane >> b & 1) != 0)
            result |= (value >> 8 * (b - lowest(mask)) & 0xff) << 8 * b;
    }
    return result;
}

/* Whether a read has, in this lane, what its source wrote, as far as that is known. */
static bool is_written(const graph *g, const event *e, uint16_t lane)
{
    const location *const l = &g->location[e->location];
    const name from = source(g, e, lane);
    word written;

    if (e->order == PLAIN || (is_initial(from) && !l->open) ||
        (!is_initial(from) && weir__event(g, from)->open))
        return true;
    written = is_initial(from)
                  ? bytes_in(l->initial, 0xffff, lane)
                  : bytes_in(weir__event(g, from)->value, weir__event(g, from)->mask, lane);
    return written == bytes_in(e->value, e->mask, lane);
}

/* Whether the graph is one at all. Locations that nobody accesses have no write. */
static bool is_well_formed(const graph *g, const lanes *all)
{
    for (unsigned l = 0; l < g->locations; l++) {
        const location *const where = &g->location[l];

        if (where->writes > 0 && !is_initial(where->write[0]))
            return false;
        for (unsigned i = 1; i < where->writes; i++) {
            const name n = where->write[i];

            if (is_initial(n) || (unsigned)n.thread >= THREADS || n.index >= g->count[n.thread] ||
                weir__event(g, n)->kind != WRITE || weir__event(g, n)->location != (int32_t)l ||
                place_of(where, n) != i)
                return false;
        }
    }
    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < g->count[t]; i++) {
            const event *const e = &g->of[t][i];

            if (!is_memory(e))
                continue;
            if (e->location < 0 || (unsigned)e->location >= g->locations || e->mask == 0 ||
                g->location[e->location].writes == 0)
                return false;
            if (e->kind == WRITE &&
                place_of(&g->location[e->location], (name){(int16_t)t, (uint16_t)i}) ==
                    g->location[e->location].writes)
                return false;
            if (e->kind == READ &&
                place_of(&g->location[e->location], e->from) == g->location[e->location].writes)
                return false;
            for (unsigned k = 0; e->kind == READ && k < all[e->location].count; k++) {
                const uint16_t lane = all[e->location].mask[k];

                if ((lane & e->mask) != 0 && !is_written(g, e, lane))
                    return false;
            }
        }
    }
    return true;
}

/* ---- relations ---- */

/* What the paper takes as given. */
typedef struct given {
    matrix po, asw, rf, co, fr, eco, rmw, share;
    set write, release, acquire, fence, sc, sc_fence;
} given;

static void take_sets(given *r, const graph *g)
{
    for (unsigned l = 0; l < g->locations; l++)
        put(r->write, l);
    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < g->count[t]; i++) {
            const event *const e = &g->of[t][i];
            const unsigned n = first_node[t] + i;

            if (e->kind == WRITE)
                put(r->write, n);
            if (e->kind == FENCE)
                put(r->fence, n);
            if (releases(e))
                put(r->release, n);
            if (acquires(e))
                put(r->acquire, n);
            if (is_sc(e))
                put(e->kind == FENCE ? r->sc_fence : r->sc, n);
        }
    }
}

/* po, asw (the paper has none), rmw. */
static void take_program(given *r, const graph *g)
{
    for (unsigned l = 0; l < g->locations; l++) {
        for (unsigned n = g->locations; n < nodes; n++)
            put(row(r->po, l), n);
    }
    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < g->count[t]; i++) {
            const event *const e = &g->of[t][i];
            const unsigned n = first_node[t] + i;

            for (unsigned j = i + 1; j < g->count[t]; j++)
                put(row(r->po, n), first_node[t] + j);
            if (e->kind == READ && e->exclusive && i + 1 < g->count[t] && e[1].kind == WRITE &&
                e[1].exclusive)
                put(row(r->rmw, n), n + 1);
            if (e->kind == CREATE && g->count[e->location] > 0)
                put(row(r->asw, n), first_node[e->location]);
            if (e->kind == JOIN && g->count[e->location] > 0)
                put(row(r->asw, first_node[e->location] + g->count[e->location] - 1), n);
        }
    }
}

/* rf, co and fr of one lane, for all locations that have so many. */
static void take_lane(given *r, const graph *g, const lanes *all, unsigned k)
{
    const matrix rf = take_matrix(), co = take_matrix(), fr = take_matrix(), eco = take_matrix();

    for (unsigned l = 0; l < g->locations; l++) {
        const location *const where = &g->location[l];

        for (unsigned i = 0; k < all[l].count && i < where->writes; i++) {
            for (unsigned j = i + 1; j < where->writes; j++) {
                if ((mask_of(g, where->write[i]) & mask_of(g, where->write[j]) & all[l].mask[k]) !=
                    0)
                    put(row(co, node(where->write[i], (int32_t)l)),
                        node(where->write[j], (int32_t)l));
            }
        }
    }
    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < g->count[t]; i++) {
            const event *const e = &g->of[t][i];
            unsigned from;

            if (e->kind != READ || k >= all[e->location].count ||
                (e->mask & all[e->location].mask[k]) == 0)
                continue;
            from = node(source(g, e, all[e->location].mask[k]), e->location);
            put(row(rf, from), first_node[t] + i);
            unite_row(row(fr, first_node[t] + i), row(co, from));
        }
    }
    unite(r->rf, rf);
    unite(r->co, co);
    unite(r->fr, fr);
    unite(eco, rf);
    unite(eco, co);
    unite(eco, fr);
    make_transitive(eco);
    unite(r->eco, eco);
}

static void take_sharing(given *r, const graph *g)
{
    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < g->count[t]; i++) {
            const event *const a = &g->of[t][i];

            if (!is_memory(a))
                continue;
            put(row(r->share, (unsigned)a->location), first_node[t] + i);
            put(row(r->share, first_node[t] + i), (unsigned)a->location);
            for (unsigned u = 0; u < THREADS; u++) {
                for (unsigned j = 0; j < g->count[u]; j++) {
                    const event *const b = &g->of[u][j];

                    if (is_memory(b) && a->location == b->location && (a->mask & b->mask) != 0)
                        put(row(r->share, first_node[t] + i), first_node[u] + j);
                }
            }
        }
    }
}

/* sw = [release]; ([F]; po)?; [W]; (rf; rmw)*; rf; (po; [F])?; [acquire], a read at least. */
static matrix synchronizes(const given *r)
{
    matrix rs = then(r->rf, r->rmw), before, after, sw;
    set const anything = take(words);

    memset(anything, 0xff, words * sizeof *anything);
    make_transitive(rs);
    rs = or_equal(rs);
    rs = between(r->write, rs, r->write);
    before = or_equal(between(r->fence, r->po, anything));
    after = or_equal(between(anything, r->po, r->fence));
    sw = then(then(then(before, rs), r->rf), after);
    return between(r->release, sw, r->acquire);
}

/* psc_base and psc_F together. */
static matrix partial_sc(const given *r, matrix hb)
{
    const matrix elsewhere = without(r->po, r->share), hb_or_equal = or_equal(hb);
    const matrix scb = then(then(elsewhere, hb), elsewhere);
    const matrix left = take_matrix(), right = take_matrix(), fences = take_matrix();
    set const anything = take(words);
    matrix psc;

    memset(anything, 0xff, words * sizeof *anything);
    unite(scb, r->po);
    unite(scb, both(hb, r->share));
    unite(scb, r->co);
    unite(scb, r->fr);
    unite(left, between(r->sc_fence, hb_or_equal, anything));
    unite(right, between(anything, hb_or_equal, r->sc_fence));
    for (unsigned i = 0; i < nodes; i++) {
        if (in(r->sc, i)) {
            put(row(left, i), i);
            put(row(right, i), i);
        }
    }
    psc = then(then(left, scb), right);
    unite(fences, hb);
    unite(fences, then(then(hb, r->eco), hb));
    unite(psc, between(r->sc_fence, fences, r->sc_fence));
    return psc;
}

/* Room for all of the matrices of one call; never less, as runs follow each other. */
static void take_pool(const graph *g)
{
    size_t wanted;

    nodes = g->locations;
    for (unsigned t = 0; t < THREADS; t++) {
        first_node[t] = nodes;
        nodes += g->count[t];
    }
    words = nodes / 64 + 1;
    /* One for each call of take_matrix(), 39, and four for each of at most 16 lanes. */
    wanted = (size_t)nodes * words * (40 + 4 * 16) + 16 * (size_t)words +
             g->locations * (sizeof(lanes) / sizeof *pool + 1) + 1;
    if (wanted > pool_room) {
        pool_room = 2 * wanted;
        pool = weir__check_memory(pool_room * sizeof *pool);
    }
    pool_used = 0;
}

static bool say(const char **broken, const char *axiom)
{
    if (broken != NULL)
        *broken = axiom;
    return false;
}

bool weir__axioms_hold(const graph *g, const char **broken)
{
    unsigned most = 0;
    lanes *all;
    matrix hb, porf;
    given r;

    take_pool(g);
    all = (lanes *)(void *)take(g->locations * (sizeof *all / sizeof *pool + 1) + 1);
    for (unsigned l = 0; l < g->locations; l++) {
        all[l] = lanes_of(g, (int32_t)l);
        most = all[l].count > most ? all[l].count : most;
    }
    if (!is_well_formed(g, all))
        return say(broken, "well-formed");
    r = (given){take_matrix(), take_matrix(), take_matrix(), take_matrix(), take_matrix(),
                take_matrix(), take_matrix(), take_matrix(), take(words),   take(words),
                take(words),   take(words),   take(words),   take(words)};
    take_sets(&r, g);
    take_program(&r, g);
    take_sharing(&r, g);
    for (unsigned k = 0; k < most; k++)
        take_lane(&r, g, all, k);

    porf = take_matrix();
    unite(porf, r.po);
    unite(porf, r.asw);
    unite(porf, r.rf);
    make_transitive(porf);
    if (!irreflexive(porf))
        return say(broken, "no-thin-air");

    hb = take_matrix();
    unite(hb, r.po);
    unite(hb, r.asw);
    unite(hb, synchronizes(&r));
    make_transitive(hb);
    if (!irreflexive(hb) || !irreflexive(then(hb, r.eco)))
        return say(broken, "coherence");

    if (!empty(both(r.rmw, then(r.fr, r.co))))
        return say(broken, "atomicity");

    porf = partial_sc(&r, hb);
    make_transitive(porf);
    return irreflexive(porf) || say(broken, "sc");
}

/* ---- identity and text ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash ^ hash >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return hash ^ hash >> 32;
}

/* One number for a write, whatever other events its thread has if those of memory alone count. */
static uint64_t number_of(const graph *g, name n, bool memory_alone)
{
    unsigned index = 0;

    if (is_initial(n))
        return UINT64_MAX;
    for (unsigned i = 0; i < n.index; i++)
        index +=
            !memory_alone || is_memory(&g->of[n.thread][i]) || g->of[n.thread][i].kind == FENCE;
    return (uint64_t)n.thread << 32 | index;
}

/* Where a byte of a location is, as a hash. */
static uint64_t address_of(const location *l, uint16_t lane)
{
    return mix((uint64_t)l->life << 8 | l->space, (uint64_t)(uintptr_t)l->address + lowest(lane));
}

static uint64_t hash_event(const graph *g, const event *e, bool memory_alone)
{
    const name self = {e->thread, e->index};
    uint64_t hash = mix(number_of(g, self, memory_alone), e->kind);

    hash = mix(hash, acquires(e) + 2u * releases(e) + 4u * is_sc(e));
    if (is_memory(e)) {
        hash = mix(hash, address_of(&g->location[e->location], e->mask));
        hash = mix(hash, e->size + (e->exclusive ? 32u : 0));
    } else {
        hash = mix(hash, (uint64_t)e->location);
    }
    if (is_memory(e) || e->kind == CHOICE)
        hash = mix(mix(hash, (uint64_t)e->value), (uint64_t)(e->value >> 64));
    return hash;
}

/* The sum of a hash for each fact. */
static uint64_t hash_graph(const graph *g, unsigned first, bool memory_alone)
{
    uint64_t hash = 0;

    for (unsigned t = first; t < THREADS; t++) {
        for (unsigned i = 0; i < g->count[t]; i++) {
            const event *const e = &g->of[t][i];

            if (!memory_alone || is_memory(e) || e->kind == FENCE)
                hash += hash_event(g, e, memory_alone);
        }
    }
    for (unsigned l = 0; l < g->locations; l++) {
        const location *const where = &g->location[l];
        const lanes all = lanes_of(g, (int32_t)l);

        for (unsigned k = 0; where->writes > 0 && k < all.count; k++) {
            const uint64_t address = address_of(where, all.mask[k]);
            uint64_t before = UINT64_MAX;

            for (unsigned i = 1; i < where->writes; i++) {
                uint64_t number;

                if ((mask_of(g, where->write[i]) & all.mask[k]) == 0)
                    continue;
                number = number_of(g, where->write[i], memory_alone);
                hash += mix(mix(mix(address, 1), before), number);
                before = number;
            }
            for (unsigned t = first; t < THREADS; t++) {
                for (unsigned i = 0; i < g->count[t]; i++) {
                    const event *const e = &g->of[t][i];

                    if (e->kind != READ || e->location != (int32_t)l ||
                        (e->mask & all.mask[k]) == 0)
                        continue;
                    hash += mix(
                        mix(mix(address, 2), number_of(g, source(g, e, all.mask[k]), memory_alone)),
                        number_of(g, (name){(int16_t)t, (uint16_t)i}, memory_alone));
                }
            }
        }
    }
    return hash;
}

uint64_t weir__graph_hash(const graph *g)
{
    return hash_graph(g, 0, false);
}

uint64_t weir__graph_hash_memory(const graph *g, unsigned first)
{
    return hash_graph(g, first, true);
}

static void print_name(name n, FILE *to)
{
    if (is_initial(n))
        fprintf(to, " initial");
    else
        fprintf(to, " %d.%u", n.thread, n.index);
}

void weir__graph_print(const graph *g, FILE *to)
{
    static const char *const kinds[] = {"read",  "write", "fence", "create",
                                        "begin", "end",   "join",  "choice"};
    static const char *const orders[] = {"rlx", "con", "acq", "rel", "ar", "sc", "plain"};

    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < g->count[t]; i++) {
            const event *const e = &g->of[t][i];

            fprintf(to, "%u.%u %s", t, i, kinds[e->kind]);
            if (is_memory(e) || e->kind == FENCE)
                fprintf(to, " %s", orders[e->order]);
            if (is_memory(e))
                fprintf(to, "%s%s location %d mask %04x value %" PRIx64 ":%" PRIx64,
                        e->exclusive ? " exclusive" : "", e->blocked ? " blocked" : "", e->location,
                        e->mask, (uint64_t)(e->value >> 64), (uint64_t)e->value);
            else if (e->kind == CREATE || e->kind == JOIN)
                fprintf(to, " thread %d", e->location);
            else if (e->kind == CHOICE)
                fprintf(to, " %u", (unsigned)e->value);
            if (e->kind == READ) {
                fprintf(to, " from");
                print_name(e->from, to);
            }
            fprintf(to, "\n");
        }
    }
    for (unsigned l = 0; l < g->locations; l++) {
        fprintf(to, "location %u, %u bytes at %p, space %u:", l, g->location[l].size,
                g->location[l].address, g->location[l].space);
        for (unsigned i = 0; i < g->location[l].writes; i++)
            print_name(g->location[l].write[i], to);
        fprintf(to, "\n");
    }
}
