#include "huffman.h"

#include <stdlib.h>

/* What the next LOOKUP_BITS bits mean, as 64 bits. From the lowest on: how many bits are used (0
   where a code is too long), how many of them by the first coefficient, zeros before it, steps from
   it to a second one, and the values of both (16 bits each). Without a second one the steps are 0
   and the value is the first one again. */
enum { FIRST_BITS = 8, FIRST_RUN = 16, SECOND_STEP = 24, FIRST_VALUE = 32, SECOND_VALUE = 48 };

/* The zeros of "end of block" and of "16 zeros" (F.1.2.2.1), which lead behind a block's end or to
   a zero. */
enum { END_RUN = 128, ZEROS_RUN = 15 };

enum { BLOCK = 64, LAST_END = BLOCK + END_RUN };

/* Where coefficients stand in rows, in the order of a file (figure A.6); those behind a block's end
   all stand at its 65th place. */
#define BEHIND_4 64, 64, 64, 64
#define BEHIND_16 BEHIND_4, BEHIND_4, BEHIND_4, BEHIND_4
#define BEHIND_64 BEHIND_16, BEHIND_16, BEHIND_16, BEHIND_16
static const uint8_t PLACES[256] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    BEHIND_64, BEHIND_64, BEHIND_64};

/* A run and a size in bits as a symbol holds them; -1 where it means neither. */
static int run_of(int symbol) {
  if (symbol & 15) return symbol >> 4;
  return symbol == 0 ? END_RUN : symbol == 0xF0 ? ZEROS_RUN : -1;
}

/* The value that `bits` of `size` bits stand for (F.2.2.1, EXTEND). */
static int32_t extended(int32_t bits, int size) {
  return size && bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

static uint64_t word(int used, int run, int32_t value) {
  uint64_t half = (uint16_t)value;
  return (uint64_t)used | (uint64_t)used << FIRST_BITS | (uint64_t)run << FIRST_RUN |
         half << FIRST_VALUE | half << SECOND_VALUE;
}

/* The words of all that begins with a code of `length` bits; none for values beyond `largest`. */
static void enter(struct huffman_table *table, int32_t code, int length, int run, int size,
                  int32_t largest) {
  int left = LOOKUP_BITS - length;
  if (run < 0 || size > left) return;
  for (int32_t rest = 0; rest < 1 << left; rest++) {
    int32_t value = extended(rest >> (left - size), size);
    if (abs(value) <= largest) table->words[code << left | rest] = word(length + size, run, value);
  }
}

/* `first` with what follows it, where that is resolved as well. */
static uint64_t with_second(uint64_t first, uint64_t second) {
  int used = (uint8_t)first, more = (uint8_t)second;
  int ends = (uint8_t)(first >> FIRST_RUN) == END_RUN;
  if (!used || ends || !more || used + more > LOOKUP_BITS) return first;
  uint64_t step = (uint8_t)(second >> FIRST_RUN) + 1u;
  uint64_t value = (uint16_t)(second >> FIRST_VALUE);
  return (first & 0x0000FFFF00FFFF00) | (uint64_t)(used + more) | step << SECOND_STEP |
         value << SECOND_VALUE;
}

static int table_of(struct huffman_table *table, const uint8_t *counted, int is_dc,
                    int32_t largest) {
  memset(table, 0, sizeof *table);
  table->symbols = counted + 16;
  int32_t code = 0, place = 0;
  for (int length = 1; length <= 16; length++, code <<= 1) {
    table->offset[length] = place - code;
    /* A code of ones alone is none (C.2). */
    if (code + counted[length - 1] >= 1 << length) return -1;
    for (int i = 0; i < counted[length - 1]; i++, place++, code++) {
      int symbol = table->symbols[place];
      if (is_dc && symbol > 15) return -1;
      if (length <= LOOKUP_BITS)
        enter(table, code, length, is_dc ? 0 : run_of(symbol), symbol & 15, largest);
    }
    table->limit[length] = code << (16 - length);
  }
  return 0;
}

int dc_table_of(struct huffman_table *table, const uint8_t *counted) {
  return table_of(table, counted, 1, INT32_MAX);
}

int ac_table_of(struct huffman_table *table, const uint8_t *counted, const int16_t *quanta) {
  int32_t largest_quantum = 0;
  for (int i = 0; i < BLOCK; i++) {
    if (quanta[i] < 1) return -1;
    if (i && quanta[i] > largest_quantum) largest_quantum = quanta[i];
  }
  if (table_of(table, counted, 0, LARGEST_COEFFICIENT / largest_quantum)) return -1;
  table->quanta = quanta;
  uint64_t single[1 << LOOKUP_BITS];
  memcpy(single, table->words, sizeof single);
  for (int i = 0; i < 1 << LOOKUP_BITS; i++) {
    int next = i << (uint8_t)single[i] & ((1 << LOOKUP_BITS) - 1);
    table->words[i] = with_second(single[i], single[next]);
  }
  return 0;
}

static uint32_t taken(struct bit_reader *reader, int count) {
  uint32_t bits = count ? (uint32_t)(reader->bits >> (64 - count)) : 0;
  reader->bits <<= count;
  reader->count -= (uint32_t)count;
  return bits;
}

/* The symbol of the next code, or -1. */
static int searched(struct bit_reader *reader, const struct huffman_table *table) {
  int32_t next = (int32_t)(reader->bits >> 48);
  for (int length = 1; length <= 16; length++)
    if (next < table->limit[length])
      return table->symbols[table->offset[length] + (int32_t)taken(reader, length)];
  return -1;
}

int decode_dc(struct bit_reader *reader, const struct huffman_table *table, int32_t *difference) {
  refill(reader);
  uint64_t found = table->words[reader->bits >> (64 - LOOKUP_BITS)];
  if ((uint8_t)found) {
    taken(reader, (uint8_t)found);
    *difference = (int16_t)(found >> FIRST_VALUE);
    return 0;
  }
  int size = searched(reader, table);
  if (size < 0) return -1;
  *difference = extended((int32_t)taken(reader, size), size);
  return 0;
}

/* The last `count` bits that were taken, to be read again. */
static void give_back(struct bit_reader *reader, uint32_t count) {
  uint32_t known = reader->count + count;
  reader->next -= (known + 7) >> 3;
  reader->bits = 0;
  reader->count = 0;
  refill(reader);
  taken(reader, (int)(-known & 7));
}

/* The next code's coefficient into `block`, `place` being the one after the last; the one after it,
   or -1. */
static int64_t decode_searched(struct bit_reader *reader, const struct huffman_table *table,
                               int64_t place, int16_t *block) {
  refill(reader);
  int symbol = searched(reader, table), run = symbol < 0 ? -1 : run_of(symbol);
  if (run == END_RUN) return BLOCK;
  place += run;
  if (run < 0 || place >= BLOCK) return -1;
  int32_t value = extended((int32_t)taken(reader, symbol & 15), symbol & 15);
  if (abs(value) * table->quanta[PLACES[place]] > LARGEST_COEFFICIENT) return -1;
  block[PLACES[place]] = (int16_t)value;
  return place + 1;
}

int decode_ac(struct bit_reader *given, const struct huffman_table *table, int16_t *block) {
  struct bit_reader reader = *given;
  uint64_t found = 0;
  int64_t place = 1;
  while (place < BLOCK) {
    refill(&reader);
    /* Words are subtracted whole: only the lowest bits of the count hold until they are cut. */
    for (int i = 0; i < 5; i++) {
      found = table->words[reader.bits >> (64 - LOOKUP_BITS)];
      if (__builtin_expect(!found, 0)) break;
      reader.bits <<= found & 63;
      reader.count -= (uint32_t)found;
      place += (uint8_t)(found >> FIRST_RUN);
      block[PLACES[place]] = (int16_t)(found >> FIRST_VALUE);
      place += (uint8_t)(found >> SECOND_STEP);
      block[PLACES[place]] = (int16_t)(found >> SECOND_VALUE);
      if (++place >= BLOCK) break;
    }
    reader.count &= 63;
    if (__builtin_expect(!found, 0)) {
      place = decode_searched(&reader, table, place, block);
      if (place < 0) return -1;
    }
  }
  if (place > BLOCK && (place <= BLOCK + END_RUN - 63 || place > LAST_END)) {
    /* The first of two was the block's last; what the second stands for is not this block's. */
    int64_t step = (uint8_t)(found >> SECOND_STEP);
    if (!step || place - step != BLOCK) return -1;
    give_back(&reader, (uint8_t)found - (uint32_t)(uint8_t)(found >> FIRST_BITS));
  }
  *given = reader;
  return 0;
}
