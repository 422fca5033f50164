#include "idct.h"

#include <string.h>

enum { FIRST_LIMIT = 1 << 14, LAST_LIMIT = 512 };

/* Bits behind the point: of constants, and of what the first pass leaves. */
enum { CONST_BITS = 13, PASS1_BITS = 2 };

/* Constants in 2^-CONST_BITS. */
enum {
  FIX_0_211164243 = 1730,
  FIX_0_298631336 = 2446,
  FIX_0_390180644 = 3196,
  FIX_0_509795579 = 4176,
  FIX_0_541196100 = 4433,
  FIX_0_601344887 = 4926,
  FIX_0_720959822 = 5906,
  FIX_0_765366865 = 6270,
  FIX_0_850430095 = 6967,
  FIX_0_899976223 = 7373,
  FIX_1_061594337 = 8697,
  FIX_1_175875602 = 9633,
  FIX_1_272758580 = 10426,
  FIX_1_451774981 = 11893,
  FIX_1_501321110 = 12299,
  FIX_1_847759065 = 15137,
  FIX_1_961570560 = 16069,
  FIX_2_053119869 = 16819,
  FIX_2_172734803 = 17799,
  FIX_2_562915447 = 20995,
  FIX_3_072711026 = 25172,
  FIX_3_624509785 = 29692
};

/* Eight numbers of 32 bits of each of two blocks. */
struct wide {
  __m256i low, high;
};

static inline struct wide add(struct wide a, struct wide b) {
  return (struct wide){_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}

static inline struct wide subtract(struct wide a, struct wide b) {
  return (struct wide){_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}

/* a * by_a + b * by_b */
static inline struct wide rotated(__m256i a, __m256i b, int by_a, int by_b) {
  __m256i by = _mm256_set1_epi32((int)((uint32_t)(uint16_t)by_a | (uint32_t)by_b << 16));
  return (struct wide){_mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), by),
                       _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), by)};
}

/* a * 2^bits */
static inline struct wide raised(__m256i a, int bits) {
  __m256i zero = _mm256_setzero_si256();
  return (struct wide){_mm256_srai_epi32(_mm256_unpacklo_epi16(zero, a), 16 - bits),
                       _mm256_srai_epi32(_mm256_unpackhi_epi16(zero, a), 16 - bits)};
}

/* a / 2^bits, rounded */
static inline __m256i lowered(struct wide a, int bits) {
  __m256i half = _mm256_set1_epi32(1 << (bits - 1));
  return _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(a.low, half), bits),
                            _mm256_srai_epi32(_mm256_add_epi32(a.high, half), bits));
}

static inline __m256i both(const int16_t *first, const int16_t *second) {
  __m128i low = _mm_loadu_si128((const __m128i *)first);
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low),
                                 _mm_loadu_si128((const __m128i *)second), 1);
}

static inline void dequantize(const struct block blocks[2], __m256i rows[8]) {
  for (int row = 0; row < 8; row++)
    rows[row] = _mm256_mullo_epi16(
        both(blocks[0].coefficients + 8 * row, blocks[1].coefficients + 8 * row),
        both(blocks[0].quanta + 8 * row, blocks[1].quanta + 8 * row));
}

/* Rows of eight numbers of each block as columns. */
static inline void transpose(__m256i rows[8]) {
  __m256i pairs[8], quads[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_epi16(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi16(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)
    for (int half = 0; half < 2; half++) {
      quads[i + 2 * half] = _mm256_unpacklo_epi32(pairs[i + half], pairs[i + 2 + half]);
      quads[i + 2 * half + 1] = _mm256_unpackhi_epi32(pairs[i + half], pairs[i + 2 + half]);
    }
  for (int i = 0; i < 4; i++) {
    rows[2 * i] = _mm256_unpacklo_epi64(quads[i], quads[i + 4]);
    rows[2 * i + 1] = _mm256_unpackhi_epi64(quads[i], quads[i + 4]);
  }
}

static inline void widen(__m256i *least, __m256i *greatest, const __m256i *numbers, int count) {
  for (int i = 0; i < count; i++) {
    *least = _mm256_min_epi16(*least, numbers[i]);
    *greatest = _mm256_max_epi16(*greatest, numbers[i]);
  }
}

static inline void widen_first(struct extremes *extremes, const __m256i *numbers, int count) {
  widen(&extremes->first_least, &extremes->first_greatest, numbers, count);
}

static inline void widen_last(struct extremes *extremes, const __m256i *numbers, int count) {
  widen(&extremes->last_least, &extremes->last_greatest, numbers, count);
}

static int lie_within(__m256i least, __m256i greatest, int limit) {
  __m256i below = _mm256_cmpgt_epi16(_mm256_set1_epi16((int16_t)-limit), least);
  __m256i above = _mm256_cmpgt_epi16(greatest, _mm256_set1_epi16((int16_t)(limit - 1)));
  __m256i beyond = _mm256_or_si256(below, above);
  return _mm256_testz_si256(beyond, beyond);
}

int are_usual(const struct extremes *extremes) {
  return lie_within(extremes->first_least, extremes->first_greatest, FIRST_LIMIT) &&
         lie_within(extremes->last_least, extremes->last_greatest, LAST_LIMIT);
}

/* Samples of both blocks from numbers around 0. */
static inline __m256i sampled(__m256i first, __m256i second) {
  return _mm256_add_epi8(_mm256_packs_epi16(first, second), _mm256_set1_epi8((char)128));
}

/* Eight numbers from eight, over 2^bits. */
static inline void pass_to_8(__m256i rows[8], int bits) {
  struct wide outer = rotated(rows[2], rows[6], FIX_0_541196100 + FIX_0_765366865, FIX_0_541196100);
  struct wide inner = rotated(rows[2], rows[6], FIX_0_541196100, FIX_0_541196100 - FIX_1_847759065);
  struct wide sum = raised(_mm256_add_epi16(rows[0], rows[4]), CONST_BITS);
  struct wide difference = raised(_mm256_sub_epi16(rows[0], rows[4]), CONST_BITS);
  struct wide even[4] = {add(sum, outer), add(difference, inner), subtract(difference, inner),
                         subtract(sum, outer)};
  __m256i z3 = _mm256_add_epi16(rows[3], rows[7]), z4 = _mm256_add_epi16(rows[1], rows[5]);
  struct wide y3 = rotated(z3, z4, FIX_1_175875602 - FIX_1_961570560, FIX_1_175875602);
  struct wide y4 = rotated(z3, z4, FIX_1_175875602, FIX_1_175875602 - FIX_0_390180644);
  struct wide odd[4] = {
      add(rotated(rows[7], rows[1], -FIX_0_899976223, FIX_1_501321110 - FIX_0_899976223), y4),
      add(rotated(rows[5], rows[3], -FIX_2_562915447, FIX_3_072711026 - FIX_2_562915447), y3),
      add(rotated(rows[5], rows[3], FIX_2_053119869 - FIX_2_562915447, -FIX_2_562915447), y4),
      add(rotated(rows[7], rows[1], FIX_0_298631336 - FIX_0_899976223, -FIX_0_899976223), y3)};
  for (int i = 0; i < 4; i++) {
    rows[i] = lowered(add(even[i], odd[i]), bits);
    rows[7 - i] = lowered(subtract(even[i], odd[i]), bits);
  }
}

static void to_8(const struct block blocks[2], const struct target targets[2],
                 struct extremes *extremes) {
  __m256i rows[8];
  dequantize(blocks, rows);
  pass_to_8(rows, CONST_BITS - PASS1_BITS);
  widen_first(extremes, rows, 8);
  transpose(rows);
  pass_to_8(rows, CONST_BITS + PASS1_BITS + 3);
  widen_last(extremes, rows, 8);
  transpose(rows);
  for (int row = 0; row < 8; row += 2) {
    uint64_t eights[4];
    _mm256_storeu_si256((__m256i *)eights, sampled(rows[row], rows[row + 1]));
    for (int i = 0; i < 4; i++) {
      const struct target *target = &targets[i / 2];
      memcpy(target->samples + (row + i % 2) * target->stride, &eights[i], sizeof eights[i]);
    }
  }
}

/* Four numbers from seven of eight, over 2^bits. */
static inline void pass_to_4(const __m256i rows[8], __m256i result[4], int bits) {
  struct wide first = raised(rows[0], CONST_BITS + 1);
  struct wide turned = rotated(rows[2], rows[6], FIX_1_847759065, -FIX_0_765366865);
  struct wide even[2] = {add(first, turned), subtract(first, turned)};
  struct wide odd[2] = {add(rotated(rows[7], rows[5], -FIX_0_509795579, -FIX_0_601344887),
                            rotated(rows[3], rows[1], FIX_0_899976223, FIX_2_562915447)),
                        add(rotated(rows[7], rows[5], -FIX_0_211164243, FIX_1_451774981),
                            rotated(rows[3], rows[1], -FIX_2_172734803, FIX_1_061594337))};
  for (int i = 0; i < 2; i++) {
    result[i] = lowered(add(even[i], odd[i]), bits);
    result[3 - i] = lowered(subtract(even[i], odd[i]), bits);
  }
}

static void to_4(const struct block blocks[2], const struct target targets[2],
                 struct extremes *extremes) {
  __m256i rows[8], four[4];
  dequantize(blocks, rows);
  pass_to_4(rows, four, CONST_BITS - PASS1_BITS + 1);
  widen_first(extremes, four, 4);
  for (int i = 0; i < 4; i++) {
    rows[i] = four[i];
    rows[i + 4] = _mm256_setzero_si256();
  }
  transpose(rows);
  pass_to_4(rows, four, CONST_BITS + PASS1_BITS + 3 + 1);
  widen_last(extremes, four, 4);
  /* Columns of four: their numbers are the lower half of each block's. */
  const __m256i by_rows =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  __m256i columns = sampled(_mm256_unpacklo_epi64(four[0], four[1]),
                            _mm256_unpacklo_epi64(four[2], four[3]));
  uint32_t fours[8];
  _mm256_storeu_si256((__m256i *)fours, _mm256_shuffle_epi8(columns, by_rows));
  for (int i = 0; i < 8; i++) {
    const struct target *target = &targets[i / 4];
    memcpy(target->samples + i % 4 * target->stride, &fours[i], sizeof fours[i]);
  }
}

/* One of two rows of two samples from one of eight numbers, of which only some are asked. */
static void last_pass_to_2(const int16_t row[8], int16_t result[2]) {
  const int bits = CONST_BITS + PASS1_BITS + 3 + 2;
  int64_t even = row[0] * ((int64_t)1 << (CONST_BITS + 2)) + (1 << (bits - 1));
  int64_t odd = (int64_t)row[1] * FIX_3_624509785 - (int64_t)row[3] * FIX_1_272758580 +
                (int64_t)row[5] * FIX_0_850430095 - (int64_t)row[7] * FIX_0_720959822;
  result[0] = (int16_t)((even + odd) >> bits);
  result[1] = (int16_t)((even - odd) >> bits);
}

static void to_2(const struct block blocks[2], const struct target targets[2],
                 struct extremes *extremes) {
  __m256i rows[8], two[2];
  dequantize(blocks, rows);
  struct wide first = raised(rows[0], CONST_BITS + 2);
  struct wide odd = add(rotated(rows[7], rows[5], -FIX_0_720959822, FIX_0_850430095),
                        rotated(rows[3], rows[1], -FIX_1_272758580, FIX_3_624509785));
  two[0] = lowered(add(first, odd), CONST_BITS - PASS1_BITS + 2);
  two[1] = lowered(subtract(first, odd), CONST_BITS - PASS1_BITS + 2);
  widen_first(extremes, two, 2);
  int16_t halves[2][16], results[16] = {0};
  _mm256_storeu_si256((__m256i *)halves[0], two[0]);
  _mm256_storeu_si256((__m256i *)halves[1], two[1]);
  for (int i = 0; i < 4; i++) last_pass_to_2(halves[i % 2] + i / 2 * 8, results + 2 * i);
  __m256i numbers = _mm256_loadu_si256((const __m256i *)results);
  widen_last(extremes, &numbers, 1);
  uint16_t twos[16];
  _mm256_storeu_si256((__m256i *)twos, sampled(numbers, numbers));
  for (int i = 0; i < 4; i++) {
    const struct target *target = &targets[i / 2];
    memcpy(target->samples + i % 2 * target->stride, &twos[i], sizeof twos[i]);
  }
}

static void to_1(const struct block blocks[2], const struct target targets[2],
                 struct extremes *extremes) {
  (void)extremes;
  for (int i = 0; i < 2; i++) {
    int sample = ((blocks[i].coefficients[0] * blocks[i].quanta[0] + 4) >> 3) + 128;
    targets[i].samples[0] = (uint8_t)(sample < 0 ? 0 : sample > 255 ? 255 : sample);
  }
}

inverse_dct *inverse_dct_of(int size) {
  return size == 8 ? to_8 : size == 4 ? to_4 : size == 2 ? to_2 : size == 1 ? to_1 : NULL;
}
