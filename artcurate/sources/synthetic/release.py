"""`artelingo_release.csv` as the release holds it: 14 columns, NFD names, useless token lists."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import BinaryIO, Final
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import NDArray

from artcurate.progress import Meter
from artcurate.sources.synthetic.captions import captions, spelled
from artcurate.sources.synthetic.gallery import SPLITS, STYLES, Gallery
from artcurate.sources.synthetic.scenes import EMOTIONS, LANGUAGES
from artcurate.sources.synthetic.votes import Votes

TOKENS: Final = 46
IMAGE_PREFIX: Final = "YOUR/PATH/TO/WIKIART/"
_CHUNK = 50_000
_MARK = "▁"
_WORD_PIECE = (
    rf"{_MARK}?[A-Za-z]+'[A-Za-z]+|{_MARK}?[A-Za-z]{{1,9}}|{_MARK}?\p{{Arabic}}{{1,5}}"
    rf"|{_MARK}?\p{{Han}}{{1,4}}|{_MARK}?[^{_MARK}]|{_MARK}"
)
_BEGIN, _END = "<s>", "</s>"
_VOCABULARY_SIZE = 60_000


def write_release(
    out: BinaryIO, gallery: Gallery, votes: Votes, hands: NDArray[np.int8], meter: Meter
) -> None:
    """Write all captions to `out`, a chunk of rows at a time. UTF-8, LF, minimal quoting."""
    for number, chunk in enumerate(release_chunks(gallery, votes, hands)):
        chunk.write_csv(out, include_header=number == 0, quote_style="necessary")
        meter.advance(chunk.height)


def release_chunks(
    gallery: Gallery, votes: Votes, hands: NDArray[np.int8]
) -> Iterator[pl.DataFrame]:
    """The release's rows in its column order; an empty utterance is null."""
    paintings = painting_columns(gallery)
    for start in range(0, max(len(votes), 1), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(votes)), dtype=np.int64)
        yield _release_rows(paintings, votes, captions(votes, hands, rows), rows)


def painting_columns(gallery: Gallery) -> pl.DataFrame:
    """art_style, painting, split and image_file of every painting, names in NFD."""
    names = [unicodedata.normalize("NFD", name) for name in gallery.names]
    frame = pl.DataFrame(
        {
            "art_style": pl.Series([style.name for style in STYLES]).gather(gallery.styles),
            "painting": names,
            "split": pl.Series(SPLITS).gather(gallery.splits),
        }
    )
    return frame.with_columns(
        image_file=pl.concat_str(
            pl.lit(IMAGE_PREFIX), "art_style", pl.lit("/"), "painting", pl.lit(".jpg")
        )
    )


def _release_rows(
    paintings: pl.DataFrame, votes: Votes, utterance: pl.Series, rows: NDArray[np.int64]
) -> pl.DataFrame:
    emotion = votes.emotion[rows]
    language = votes.language[rows]
    named = pl.Series("emotion", EMOTIONS).gather(emotion)
    frame = paintings[votes.painting[rows]].with_columns(
        emotion=named,
        emotion_label=pl.lit(pl.Series(emotion)),
        language=pl.lit(pl.Series(LANGUAGES).gather(language)),
        language_label=pl.lit(pl.Series(language)),
        tokens_len=pl.lit(TOKENS, dtype=pl.Int8),
        utterance=utterance,
        grounding_emotion=named,
    )
    frame = frame.with_columns(utterance_spelled=spelled(pl.col("utterance")))
    return frame.with_columns(_token_lists(frame["utterance_spelled"])).select(
        "art_style",
        "emotion",
        "emotion_label",
        "language",
        "language_label",
        "painting",
        "split",
        "tokens",
        "tokens_encoded",
        "tokens_len",
        "utterance",
        # What is only white space spells as nothing, and pandas writes nothing for it.
        pl.col("utterance_spelled").replace("", None),
        "image_file",
        "grounding_emotion",
    )


def _token_lists(text: pl.Series) -> list[pl.Series]:
    """The columns tokens and tokens_encoded: Python reprs of lists of 46 word pieces and ids."""
    marked = pl.concat_str(pl.lit(_MARK), pl.col("text").str.replace_all(" ", _MARK))
    words = pl.when(pl.col("text") == "").then(None).otherwise(marked).str.extract_all(_WORD_PIECE)
    pieces = (
        text.fill_null("")
        .alias("text")
        .to_frame()
        .select(
            pl.concat_list(
                pl.lit([_BEGIN], dtype=pl.List(pl.String)),
                words.fill_null([]).list.head(TOKENS - 2),
                pl.lit([_END], dtype=pl.List(pl.String)),
            ).alias("piece")
        )
        .with_row_index("row")
    )
    flat = pieces.explode("piece")
    known = flat["piece"].unique().sort()
    encoded = (
        flat.with_columns(pl.col("piece").replace_strict(known, list(map(_piece_id, known))))
        .group_by("row", maintain_order=True)
        .agg(pl.col("piece").str.join(", ").alias("id"))
    )
    # The release names no piece with both kinds of quotes; Python prints ' inside "".
    quoted = pl.concat_str(pl.lit("['"), pl.col("piece").list.join("', '"), pl.lit("'"))
    quoted = quoted.str.replace_all(rf"'((?:{_MARK}?[A-Za-z]+)?'[A-Za-z]*)'", '"${1}"')
    padding = TOKENS - pl.col("piece").list.len()
    return (
        pl.concat([pieces, encoded.select("id")], how="horizontal")
        .select(
            tokens=pl.concat_str(quoted, _repeated(", '<pad>'", padding), pl.lit("]")),
            tokens_encoded=pl.concat_str(
                pl.lit("["), pl.col("id"), _repeated(", 1", padding), pl.lit("]")
            ),
        )
        .get_columns()
    )


def _repeated(item: str, count: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series([item * number for number in range(TOKENS)])).gather(count)


def _piece_id(piece: str) -> str:
    special = {_BEGIN: 0, _END: 2}
    return str(special.get(piece, 5 + crc32(piece.encode()) % (_VOCABULARY_SIZE - 5)))
