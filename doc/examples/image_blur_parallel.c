/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: 2026 The weir authors */

/* image_blur_parallel [IN.ppm [OUT.ppm]]: blurs a picture in a plain loop over its rows, and
 * again with the rows spread over the processors: each pixel is the same. Without IN it paints a
 * river; into OUT it writes the blurred picture. To have something to measure it repeats a small
 * picture until that is a large one.
 *
 * A row needs its neighbours, but of the picture that nobody changes: so rows do not depend on
 * each other, which is all that weir_parallel_for() asks. `image_blur_parallel --paint FILE`
 * writes the river: that is river.ppm. */

#include <weir/clock.h>
#include <weir/cpus.h>
#include <weir/parallel.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLOURS = 3, SIDE_MAX = 8192, LARGE = 800, TRIES = 3 };

typedef struct image {
    size_t width, height;
    unsigned char *pixels; /* red, green, blue; row after row */
} image;

typedef struct blur {
    const image *from;
    image *to;
} blur;

static image make(size_t width, size_t height)
{
    image it = {width, height, malloc(width * height * COLOURS)};

    if (it.pixels == NULL)
        abort();
    return it;
}

/* A river through a meadow, with noise; in integers, so that it is the same everywhere. */
static image paint(void)
{
    image it = make(150, 120);
    unsigned noise = 1;

    for (size_t y = 0; y < it.height; y++) {
        const int depth = (int)(y * y / 120), bend = (int)(y % 60) - 30;
        const int middle = 60 + (y / 60 % 2 == 0 ? 900 - bend * bend : bend * bend - 900) / 30;

        for (size_t x = 0; x < it.width; x++) {
            unsigned char *const p = it.pixels + (y * it.width + x) * COLOURS;
            const int off = abs((int)x - middle - depth / 8), wide = 4 + depth / 5;

            noise = noise * 1664525 + 1013904223;
            p[0] = (unsigned char)(off < wide ? 0 : 60 + (noise >> 26));
            p[1] = (unsigned char)(off < wide ? 90 + (noise >> 28) + y / 4 : 120 + (noise >> 26));
            p[2] = (unsigned char)(off < wide ? 170 + (noise >> 27) - y / 4 : 30 + (noise >> 27));
        }
    }
    return it;
}

/* Returns: false if it is no picture with 8 bits a colour, and without comments. */
static bool read_image(const char *path, image *it)
{
    FILE *const file = fopen(path, "rb");
    unsigned width, height;
    bool good;

    if (file == NULL)
        return false;
    good = fscanf(file, "P6 %5u %5u 255", &width, &height) == 2 && fgetc(file) != EOF &&
           width > 0 && height > 0 && width <= SIDE_MAX && height <= SIDE_MAX;
    if (good) {
        *it = make(width, height);
        good = fread(it->pixels, COLOURS, (size_t)width * height, file) == (size_t)width * height;
    }
    fclose(file);
    return good;
}

static bool write_image(const char *path, const image *it)
{
    const size_t n = it->width * it->height;
    FILE *const file = fopen(path, "wb");
    bool good;

    if (file == NULL)
        return false;
    good = fprintf(file, "P6\n%zu %zu\n255\n", it->width, it->height) > 0 &&
           fwrite(it->pixels, COLOURS, n, file) == n;
    return fclose(file) == 0 && good;
}

static image tile(const image *small)
{
    const size_t across = (LARGE + small->width - 1) / small->width;
    const size_t down = (LARGE + small->height - 1) / small->height;
    image large = make(small->width * across, small->height * down);
    unsigned char *to = large.pixels;

    for (size_t y = 0; y < large.height; y++)
        for (size_t i = 0; i < across; i++, to += small->width * COLOURS)
            memcpy(to, small->pixels + y % small->height * small->width * COLOURS,
                   small->width * COLOURS);
    return large;
}

static size_t within(size_t at, int offset, size_t size)
{
    if (offset < 0 && at < (size_t)-offset)
        return 0;
    at = offset < 0 ? at - (size_t)-offset : at + (size_t)offset;
    return at < size ? at : size - 1;
}

/* Rows `from` to `to` - 1: 1 4 6 4 1 down, then across. */
static int blur_rows(void *context, size_t from, size_t to)
{
    static const unsigned weights[] = {1, 4, 6, 4, 1};
    const blur *const b = (const blur *)context;
    const size_t width = b->from->width, bytes = width * COLOURS;

    for (size_t y = from; y < to; y++) {
        uint16_t sums[SIDE_MAX][COLOURS];

        memset(sums, 0, width * sizeof sums[0]);
        for (int k = -2; k <= 2; k++) {
            const unsigned char *row = b->from->pixels + within(y, k, b->from->height) * bytes;

            for (size_t x = 0; x < width; x++)
                for (int c = 0; c < COLOURS; c++)
                    sums[x][c] = (uint16_t)(sums[x][c] + weights[k + 2] * *row++);
        }
        for (size_t x = 0; x < width; x++) {
            for (int c = 0; c < COLOURS; c++) {
                unsigned sum = 128; /* half of 256 */

                for (int k = -2; k <= 2; k++)
                    sum += weights[k + 2] * sums[within(x, k, width)][c];
                b->to->pixels[y * bytes + x * COLOURS + (size_t)c] = (unsigned char)(sum >> 8);
            }
        }
    }
    return 0;
}

/* Returns: how long it took at best, in ns; 0: it failed. */
static uint64_t measure(weir_pool *pool, blur *b)
{
    uint64_t best = UINT64_MAX;
    weir_parallel how = {NULL, 0, NULL, NULL};

    how.pool = pool;
    for (int i = 0; i < TRIES; i++) {
        const uint64_t begin = weir_clock_now();
        uint64_t took;

        if (weir_parallel_for(&how, 0, b->from->height, blur_rows, b) != 0)
            return 0;
        took = weir_clock_now() - begin;
        best = took < best ? took : best;
    }
    return best;
}

/* Returns: whether both ways make the same picture; *to has the blurred one. */
static bool compare(const image *from, image *to)
{
    const unsigned cpus = weir_cpus();
    const image large = tile(from);
    image alone = make(large.width, large.height), shared = make(large.width, large.height);
    blur serial = {&large, &alone}, parallel = {&large, &shared}, small = {from, to};
    uint64_t alone_ns, shared_ns;
    weir_pool *pool;
    bool same;

    if (weir_pool_new(&pool, NULL) != 0)
        return false;
    memset(shared.pixels, 0, shared.width * shared.height * COLOURS);
    alone_ns = measure(NULL, &serial);
    shared_ns = measure(pool, &parallel);
    same = alone_ns != 0 && shared_ns != 0 && blur_rows(&small, 0, from->height) == 0 &&
           memcmp(alone.pixels, shared.pixels, large.width * large.height * COLOURS) == 0;
    if (weir_pool_stop(pool, WEIR_POOL_DRAIN, WEIR_FOREVER) != 0 || weir_pool_free(pool) != 0)
        return false;
    if (same) {
        const double gain = (double)alone_ns / (double)shared_ns;

        printf("%zu x %zu pixels: plain loop %.1f ms, by %u workers %.1f ms\n", large.width,
               large.height, (double)alone_ns * 1e-6, cpus, (double)shared_ns * 1e-6);
        printf("OK image_blur_parallel identical=yes speedup=%.2f, %.2f of the processors (%s)\n",
               gain, gain / cpus,
               gain >= 0.85 * cpus ? "PASS: 0.85 or more"
                                   : "less than 0.85: not on this machine today");
    }
    free(large.pixels);
    free(alone.pixels);
    free(shared.pixels);
    return same;
}

int main(int argc, char **argv)
{
    image from, to;
    int status = 1;

    if (argc < 2 || strcmp(argv[1], "--paint") == 0) {
        from = paint();
        if (argc > 2 && !write_image(argv[2], &from))
            return 1;
    } else if (!read_image(argv[1], &from)) {
        fprintf(stderr, "%s is not a PPM file (P6, 255, up to %d pixels a side)\n", argv[1],
                SIDE_MAX);
        return 1;
    }
    to = make(from.width, from.height);
    if (!compare(&from, &to))
        fprintf(stderr, "the two pictures differ, or there is no pool\n");
    else if (argc > 2 && strcmp(argv[1], "--paint") != 0 && !write_image(argv[2], &to))
        fprintf(stderr, "%s cannot be written\n", argv[2]);
    else
        status = 0;
    free(from.pixels);
    free(to.pixels);
    return status;
}
