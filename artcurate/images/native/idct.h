/* Inverse transforms of a JPEG's blocks at 8, 4, 2 and 1 eighths of their size.

   Source: libjpeg's accurate integer transform (jidctint.c, after C. Loeffler, A. Ligtenberg and
   G. Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications", ICASSP 1989) and its
   reduced ones (jidctred.c), in the widths of libjpeg-turbo's vectors (16 bits, products summed in
   32), so that every sample is the one that libjpeg-turbo gives. */

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

typedef void inverse_dct(const struct block blocks[2], const struct target targets[2]);

/* The transform to `size` x `size` samples of two blocks at once; NULL for other sizes than 8, 4, 2
   and 1. Coefficients times their quanta are 4088 at most. */
inverse_dct *inverse_dct_of(int size);
