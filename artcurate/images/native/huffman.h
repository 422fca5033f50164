/* Huffman codes of a baseline JPEG's coefficients (ITU-T T.81, annexes C and F.2). */

#include <stdint.h>
#include <string.h>

/* Bits that one lookup resolves; a longer code is searched for. */
enum { LOOKUP_BITS = 11 };

/* Bytes beyond the end of its data that a bit reader may read. */
enum { READER_PAD = 8 };

/* Bits of the data, the next one on top. Below the `count` bits that are known lie bits that are
   equal to what is read again. */
struct bit_reader {
  const uint8_t *next;
  uint64_t bits;
  uint32_t count;
};

/* The largest coefficient times its quantum that is decoded: 4 times what samples of 8 bits make.
   A first one alone then makes a sample of the range that all decoders have (`extremes` of
   idct.h), and no product leaves 16 bits. */
enum { LARGEST_COEFFICIENT = 4088 };

/* The codes of one table by their length, what the next LOOKUP_BITS bits mean (`word` of
   huffman.c), and the quanta of the coefficients in rows, where they are other than the first. */
struct huffman_table {
  const uint8_t *symbols;
  const int16_t *quanta;
  int32_t limit[17], offset[17];
  uint64_t words[1 << LOOKUP_BITS];
};

/* From the content of a DHT segment without its class: 16 counts of codes, then their symbols, as
   many as the counts say and 256 at most. -1 where the counts are of no prefix code, a difference
   has more than 15 bits, or a quantum is 0. */
int dc_table_of(struct huffman_table *table, const uint8_t *counted);
int ac_table_of(struct huffman_table *table, const uint8_t *counted, const int16_t *quanta);

/* The difference of a block's first coefficient to the one before, into `difference`. -1 where
   there is no such code. Reads 4 bytes at most. */
int decode_dc(struct bit_reader *reader, const struct huffman_table *table, int32_t *difference);

/* The other 63 coefficients of a block, each as often as it is not zero, into `block`: 65 of them
   in the order of rows, the last one for nothing. -1 where the codes are none, end behind the last
   coefficient or make one too large. Reads 256 bytes at most. */
int decode_ac(struct bit_reader *reader, const struct huffman_table *table, int16_t *block);

/* At least 56 bits known. */
static inline void refill(struct bit_reader *reader) {
  uint64_t bytes;
  memcpy(&bytes, reader->next, sizeof bytes);
  reader->bits |= __builtin_bswap64(bytes) >> reader->count;
  reader->next += (63 - reader->count) >> 3;
  reader->count |= 56;
}

/* Where the next bit stands, counted from `start`. */
static inline int64_t position_of(const struct bit_reader *reader, const uint8_t *start) {
  return (reader->next - start) * 8 - (int64_t)reader->count;
}
