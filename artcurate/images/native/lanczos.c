/* Separable reduction of one plane of 8-bit samples with whole-number weights, by AVX2.

   The same sums as in banded.py, rounded alike (halves to even), so the same samples; what is
   multiplied is 16 bits wide, two products to an addition. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"

/* Rows of the result that are made together, and columns of a plane that one step weighs. */
enum { BLOCK = 16, STEP = 32 };

/* Samples wanted along an axis: `count` of them, each from `taps` of those there are, from
   first[i] on, with weights[i * taps ...]. */
struct axis {
  int32_t count, taps;
  const int32_t *first;
  const int16_t *weights;
};

/* Two weights as the halves of 32 bits, as a product of pairs takes them. */
static int32_t paired(int16_t lower, int16_t upper) {
  return (int32_t)((uint32_t)(uint16_t)lower | (uint32_t)(uint16_t)upper << 16);
}

/* Sums over 2^bits, halves rounded to even. */
static inline __m256i scaled(__m256i sums, int bits) {
  __m256i odd = _mm256_and_si256(_mm256_srai_epi32(sums, bits), _mm256_set1_epi32(1));
  __m256i below_half = _mm256_set1_epi32((1 << (bits - 1)) - 1);
  return _mm256_srai_epi32(_mm256_add_epi32(_mm256_add_epi32(sums, odd), below_half), bits);
}

static inline __m256i weighed(__m256i sums, __m256i samples, __m256i weights) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(samples, weights));
}

/* STEP columns of one row wanted: `taps` rows from `from` on, weighed. */
static inline void weigh_step(const uint8_t *from, ptrdiff_t stride, int32_t taps,
                                   const int16_t *weights, int bits, int16_t *to) {
  const __m256i zero = _mm256_setzero_si256();
  __m256i sums[4] = {zero, zero, zero, zero};
  for (int32_t tap = 0; tap < taps; tap += 2, from += 2 * stride) {
    int last = tap + 1 == taps;
    __m256i pair = _mm256_set1_epi32(paired(weights[tap], last ? 0 : weights[tap + 1]));
    __m256i upper = _mm256_loadu_si256((const __m256i *)from);
    __m256i lower = last ? zero : _mm256_loadu_si256((const __m256i *)(from + stride));
    __m256i even = _mm256_unpacklo_epi8(upper, lower), odd = _mm256_unpackhi_epi8(upper, lower);
    sums[0] = weighed(sums[0], _mm256_unpacklo_epi8(even, zero), pair);
    sums[1] = weighed(sums[1], _mm256_unpackhi_epi8(even, zero), pair);
    sums[2] = weighed(sums[2], _mm256_unpacklo_epi8(odd, zero), pair);
    sums[3] = weighed(sums[3], _mm256_unpackhi_epi8(odd, zero), pair);
  }
  for (int i = 0; i < 4; i++) sums[i] = scaled(sums[i], bits);
  __m256i even = _mm256_packs_epi32(sums[0], sums[1]), odd = _mm256_packs_epi32(sums[2], sums[3]);
  _mm256_storeu_si256((__m256i *)to, _mm256_permute2x128_si256(even, odd, 0x20));
  _mm256_storeu_si256((__m256i *)(to + 16), _mm256_permute2x128_si256(even, odd, 0x31));
}

/* The bytes of 16 rows of 16 as 16 columns. */
static inline void transpose(__m128i rows[BLOCK]) {
  __m128i shuffled[BLOCK];
  for (int stage = 0; stage < 4; stage++) {
    for (int i = 0; i < BLOCK / 2; i++) {
      shuffled[2 * i] = _mm_unpacklo_epi8(rows[i], rows[i + BLOCK / 2]);
      shuffled[2 * i + 1] = _mm_unpackhi_epi8(rows[i], rows[i + BLOCK / 2]);
    }
    memcpy(rows, shuffled, sizeof shuffled);
  }
}

/* One column wanted of BLOCK rows. */
static inline __m128i weigh_column(const int32_t *from, int32_t pairs, const int32_t *weights,
                                        int bits) {
  __m256i upper = _mm256_setzero_si256(), lower = upper;
  for (int32_t pair = 0; pair < pairs; pair++, from += BLOCK) {
    __m256i both = _mm256_set1_epi32(weights[pair]);
    upper = weighed(upper, _mm256_loadu_si256((const __m256i *)from), both);
    lower = weighed(lower, _mm256_loadu_si256((const __m256i *)(from + 8)), both);
  }
  __m256i words = _mm256_packs_epi32(scaled(upper, bits), scaled(lower, bits));
  words = _mm256_permute4x64_epi64(words, 0xD8);
  return _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

/* `height` rows of the result (BLOCK at most) from pairs of samples, pair by pair all rows. */
static void weigh_rows(const int32_t *pairs_of_rows, const struct axis *across,
                            const int32_t *weights, int32_t pairs, int bits, uint8_t *result,
                            int32_t height) {
  for (int32_t left = 0; left < across->count; left += BLOCK) {
    int32_t width = across->count - left < BLOCK ? across->count - left : BLOCK;
    __m128i block[BLOCK];
    for (int32_t i = 0; i < BLOCK; i++) {
      int32_t column = left + (i < width ? i : width - 1);
      block[i] = weigh_column(pairs_of_rows + (ptrdiff_t)(across->first[column] / 2) * BLOCK, pairs,
                              weights + (ptrdiff_t)column * pairs, bits);
    }
    transpose(block);
    for (int32_t row = 0; row < height; row++)
      memcpy(result + (ptrdiff_t)row * across->count + left, &block[row], (size_t)width);
  }
}

/* A plane of `width` samples a row, rows `stride` bytes apart, as down->count rows of
   across->count, which lie without gaps. Sums are over 2^down_bits in between and over
   2^across_bits in the end. -1 where memory fails. `width` is STEP at least. */
EXPORTED int lanczos_reduce(const uint8_t *plane, ptrdiff_t stride, int32_t width,
                        const struct axis *down, int down_bits, const struct axis *across,
                        int across_bits, uint8_t *result) {
  /* One more than half of the taps, since a first sample may be the second of its pair. */
  int32_t pairs = across->taps / 2 + 1, there = (width + 1) / 2;
  int32_t *weights = malloc(sizeof *weights * (size_t)across->count * (size_t)pairs);
  int16_t *between = calloc((size_t)BLOCK * 2 * (size_t)there, sizeof *between);
  int32_t *turned = calloc((size_t)BLOCK * (size_t)(there + 1), sizeof *turned);
  int failed = !weights || !between || !turned;
  for (int32_t i = 0; !failed && i < across->count; i++) {
    const int16_t *own = across->weights + (ptrdiff_t)i * across->taps;
    for (int32_t pair = 0; pair < pairs; pair++) {
      int32_t tap = 2 * pair - across->first[i] % 2;
      weights[(ptrdiff_t)i * pairs + pair] =
          paired(tap >= 0 && tap < across->taps ? own[tap] : 0,
                 tap + 1 < across->taps ? own[tap + 1] : 0);
    }
  }
  for (int32_t top = 0; !failed && top < down->count; top += BLOCK) {
    int32_t height = down->count - top < BLOCK ? down->count - top : BLOCK;
    for (int32_t row = 0; row < height; row++) {
      const uint8_t *from = plane + down->first[top + row] * stride;
      const int16_t *own = down->weights + (ptrdiff_t)(top + row) * down->taps;
      int16_t *to = between + (ptrdiff_t)row * 2 * there;
      for (int32_t left = 0; left < width; left += STEP) {
        int32_t at = left + STEP <= width ? left : width - STEP;
        weigh_step(from + at, stride, down->taps, own, down_bits, to + at);
      }
    }
    for (int32_t pair = 0; pair < there; pair++)
      for (int32_t row = 0; row < BLOCK; row++)
        memcpy(turned + (ptrdiff_t)pair * BLOCK + row, between + ((ptrdiff_t)row * there + pair) * 2,
               sizeof *turned);
    weigh_rows(turned, across, weights, pairs, across_bits,
               result + (ptrdiff_t)top * across->count, height);
  }
  free(weights);
  free(between);
  free(turned);
  return failed ? -1 : 0;
}
