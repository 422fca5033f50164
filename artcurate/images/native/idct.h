/* Inverse transforms of a JPEG's blocks at 8, 4, 2 and 1 eighths of their size.

   Source: libjpeg's accurate integer transform (jidctint.c, after C. Loeffler, A. Ligtenberg and
   G. Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications", ICASSP 1989) and its
   reduced ones (jidctred.c), in the widths of libjpeg-turbo's vectors (16 bits, products summed in
   32). As long as the numbers are usual, every sample is the one that libjpeg gives, with vectors
   or without; beyond, some would saturate where others wrap. */

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

/* A block of coefficients in rows, and what they are multiples of. */
struct block {
  const int16_t *coefficients, *quanta;
};

/* Where the samples of a block go: rows `stride` bytes apart. */
struct target {
  uint8_t *samples;
  ptrdiff_t stride;
};

/* The least and the greatest numbers after the first pass over blocks and after the last. */
struct extremes {
  __m256i first_least, first_greatest, last_least, last_greatest;
};

/* Whether no sum of two after the first pass left 16 bits, and the samples, less 128, lie in the
   range that libjpeg's table of limits has (-512 to 511). */
int are_usual(const struct extremes *extremes);

typedef void inverse_dct(const struct block blocks[2], const struct target targets[2],
                         struct extremes *extremes);

/* The transform to `size` x `size` samples of two blocks at once; NULL for other sizes than 8, 4, 2
   and 1. Coefficients times their quanta are LARGEST_COEFFICIENT (huffman.h) at most. */
inverse_dct *inverse_dct_of(int size);
