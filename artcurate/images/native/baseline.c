/* The scan of a baseline JPEG whose components are interleaved, or of its only one, as planes of
   samples (ITU-T T.81, annexes A.2, B.1 and F.2).

   What is out of the ordinary is declined, so that libjpeg-turbo may say what it is: a code that is
   none, data that end early or late, markers out of turn, numbers beyond what samples of 8 bits
   make, over which builds of libjpeg-turbo differ. */

#include <stdlib.h>

#include "huffman.h"
#include "idct.h"
#include "native.h"

enum { COMPONENTS = 3, MOST_BLOCKS = 6, BLOCK = 64, BLOCK_BYTES = 260 };

/* Zeros behind the data of an interval: what the blocks of a unit can read beyond it. */
enum { PAD = MOST_BLOCKS * BLOCK_BYTES + 2 * READER_PAD };

enum { DECLINED = 1, NO_MEMORY = 2 };

/* A component: its blocks in a unit, across and down; its quanta in rows; its tables as DHT segments
   have them; its plane, whose rows are `stride` bytes apart and which holds whole units. */
struct component {
  int32_t across, down;
  const int16_t *quanta;
  const uint8_t *dc, *ac;
  uint8_t *plane;
  ptrdiff_t stride;
};

/* size: samples of a block, across and down: 8, 4, 2 or 1. interval: units between two restarts, 0
   where there are none. */
struct scan {
  int32_t size, units_across, units_down, interval, count;
  struct component components[COMPONENTS];
};

struct tables {
  struct huffman_table dc[COMPONENTS], ac[COMPONENTS];
};

/* The blocks of a unit, with room for what is written behind the last one, and for its second where
   their number is odd. */
struct unit {
  int blocks, owner[MOST_BLOCKS];
  ptrdiff_t offset[MOST_BLOCKS];
  int16_t coefficients[(MOST_BLOCKS + 1) * BLOCK + 1];
};

static int read_tables(const struct scan *scan, struct tables *tables) {
  for (int i = 0; i < scan->count; i++) {
    const struct component *component = &scan->components[i];
    if (dc_table_of(&tables->dc[i], component->dc) ||
        ac_table_of(&tables->ac[i], component->ac, component->quanta))
      return -1;
  }
  return 0;
}

static int lay_out(const struct scan *scan, struct unit *unit) {
  memset(unit, 0, sizeof *unit);
  for (int i = 0; i < scan->count; i++) {
    const struct component *component = &scan->components[i];
    for (int y = 0; y < component->down; y++)
      for (int x = 0; x < component->across; x++, unit->blocks++) {
        if (unit->blocks == MOST_BLOCKS) return -1;
        unit->owner[unit->blocks] = i;
        unit->offset[unit->blocks] = (y * component->stride + x) * scan->size;
      }
  }
  return 0;
}

/* Entropy-coded data up to the next marker without the zeros after 0xFF (B.1.1.5); where the marker
   stands, or NULL. */
static const uint8_t *unstuffed(const uint8_t *from, const uint8_t *end, uint8_t *to,
                                uint8_t **to_end) {
  while (from < end) {
    const uint8_t *mark = memchr(from, 0xFF, (size_t)(end - from));
    if (!mark || mark + 1 == end) return NULL;
    memcpy(to, from, (size_t)(mark - from));
    to += mark - from;
    if (mark[1]) {
      *to_end = to;
      return mark;
    }
    *to++ = 0xFF;
    from = mark + 2;
  }
  return NULL;
}

static int decode_unit(struct bit_reader *reader, const struct scan *scan,
                       const struct tables *tables, int32_t *last, struct unit *unit) {
  memset(unit->coefficients, 0, sizeof *unit->coefficients * BLOCK * (size_t)unit->blocks);
  for (int i = 0; i < unit->blocks; i++) {
    int owner = unit->owner[i];
    int16_t *block = unit->coefficients + i * BLOCK, behind = block[BLOCK];
    int32_t difference;
    if (decode_dc(reader, &tables->dc[owner], &difference)) return -1;
    last[owner] += difference;
    if (abs(last[owner] * scan->components[owner].quanta[0]) > LARGEST_COEFFICIENT) return -1;
    block[0] = (int16_t)last[owner];
    if (decode_ac(reader, &tables->ac[owner], block)) return -1;
    block[BLOCK] = behind;
  }
  return 0;
}

static void transform_unit(const struct scan *scan, const struct unit *unit, int32_t across,
                           int32_t down, inverse_dct *transform, struct extremes *extremes) {
  uint8_t unused[BLOCK];
  for (int first = 0; first < unit->blocks; first += 2) {
    struct block blocks[2];
    struct target targets[2] = {{0}, {unused, 8}};
    for (int i = first; i < first + 2; i++) {
      const struct component *component =
          &scan->components[unit->owner[i < unit->blocks ? i : first]];
      blocks[i - first] = (struct block){unit->coefficients + i * BLOCK, component->quanta};
      if (i == unit->blocks) break;
      ptrdiff_t row = (ptrdiff_t)down * component->down * scan->size;
      ptrdiff_t column = (ptrdiff_t)across * component->across * scan->size;
      targets[i - first] = (struct target){
          component->plane + row * component->stride + column + unit->offset[i], component->stride};
    }
    transform(blocks, targets, extremes);
  }
}

/* Units `from` to `to`, which are all of an interval's data. */
static int decode_interval(const uint8_t *data, const uint8_t *end, const struct scan *scan,
                           const struct tables *tables, struct unit *unit, int64_t from,
                           int64_t to, inverse_dct *transform) {
  struct bit_reader reader = {data, 0, 0};
  int32_t last[COMPONENTS] = {0};
  struct extremes extremes = {0};
  for (int64_t i = from; i < to; i++) {
    if (reader.next > end + READER_PAD) return -1;
    if (decode_unit(&reader, scan, tables, last, unit)) return -1;
    transform_unit(scan, unit, (int32_t)(i % scan->units_across),
                   (int32_t)(i / scan->units_across), transform, &extremes);
  }
  int64_t left = (end - data) * 8 - position_of(&reader, data);
  return left < 0 || left > 7 || !are_usual(&extremes) ? -1 : 0;
}

static int decode_intervals(const uint8_t *data, const uint8_t *end, const struct scan *scan,
                            const struct tables *tables, uint8_t *bare) {
  struct unit unit;
  inverse_dct *transform = inverse_dct_of(scan->size);
  if (!transform || lay_out(scan, &unit)) return -1;
  int64_t units = (int64_t)scan->units_across * scan->units_down;
  int64_t interval = scan->interval ? scan->interval : units;
  for (int64_t from = 0, number = 0; from < units; from += interval, number++) {
    uint8_t *bare_end;
    const uint8_t *marker = unstuffed(data, end, bare, &bare_end);
    if (!marker) return -1;
    memset(bare_end, 0, PAD);
    int64_t to = from + interval < units ? from + interval : units;
    if (decode_interval(bare, bare_end, scan, tables, &unit, from, to, transform)) return -1;
    if (marker[1] != (to < units ? 0xD0 + number % 8 : 0xD9)) return -1;
    data = marker + 2;
  }
  return data == end ? 0 : -1;
}

/* The planes of `scan` from `length` bytes that follow its header, up to and with the end of the
   image. 0 where they are whole, DECLINED, or NO_MEMORY. */
EXPORTED int baseline_decode(const uint8_t *data, size_t length, const struct scan *scan) {
  struct tables *tables = malloc(sizeof *tables);
  uint8_t *bare = malloc(length + PAD);
  int result = NO_MEMORY;
  if (tables && bare)
    result = read_tables(scan, tables) ||
                     decode_intervals(data, data + length, scan, tables, bare)
                 ? DECLINED
                 : 0;
  free(tables);
  free(bare);
  return result;
}
