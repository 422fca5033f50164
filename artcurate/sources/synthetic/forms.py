"""The same synthetic captions in the other official forms, small, for tests of readers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from artcurate.sources.synthetic.captions import captions, draw_hands
from artcurate.sources.synthetic.gallery import SPLITS, STYLES, Gallery, draw_gallery
from artcurate.sources.synthetic.release import release_chunks
from artcurate.sources.synthetic.scenes import EMOTIONS, LANGUAGES, stream
from artcurate.sources.synthetic.votes import draw_votes
from artcurate.sources.synthetic.wikiart import PixelMode, encode, picture_batches

_OTHER = {"something else": "other"}

#: A few captions in languages that only ArtELingo-28 has.
_FURTHER_LANGUAGES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "Korean": (
        ("contentment", "조용한 풍경을 보니 마음이 편안해집니다."),
        ("fear", "어두운 색 때문에 무서운 느낌이 듭니다."),
        ("something else", "무엇을 그린 것인지 잘 모르겠습니다."),
    ),
    "Turkish": (
        ("contentment", "Sakin manzara bana huzur veriyor."),
        ("sadness", "Soluk renkler beni üzüyor."),
        ("awe", "Dağların büyüklüğü beni hayran bırakıyor."),
    ),
    "Indonesian": (
        ("amusement", "Anjing kecil itu terlihat sangat lucu."),
        ("contentment", "Pemandangan ini membuat saya merasa tenang."),
        ("something else", "Saya tidak mengerti maksud lukisan ini."),
    ),
    "Vietnamese": (
        ("awe", "Bức tranh này thật tráng lệ."),
        ("sadness", "Màu xám làm tôi thấy buồn."),
        ("excitement", "Những người nhảy múa làm tôi thấy phấn khởi."),
    ),
    "Hindi": (
        ("contentment", "यह दृश्य देखकर मन शांत हो जाता है।"),
        ("fear", "अंधेरा देखकर मुझे डर लगता है।"),
        ("awe", "पहाड़ों की ऊँचाई अद्भुत है।"),
    ),
    "Swahili": (
        ("contentment", "Picha hii inanipa utulivu."),
        ("excitement", "Wachezaji wananifurahisha sana."),
        ("disgust", "Rangi hizi zinanichukiza."),
    ),
}


def write_raw_artelingo(path: Path, *, paintings: int = 60, seed: int = 0) -> int:
    """`artelingo.csv` before preprocessing; returns the number of rows.

    Emotions are capitalised, `something else` is called Other, names are NFC.
    """
    frame = _annotations(draw_gallery(paintings, seed)).select(
        "art_style",
        "painting",
        pl.col("emotion").replace(_OTHER).str.to_titlecase(),
        "utterance",
        "language",
        "split",
    )
    return _write_csv(frame, path)


def write_artemis_v1(path: Path, *, paintings: int = 60, seed: int = 0) -> int:
    """`artemis_dataset_release_v0.csv`: English captions only; returns the number of rows."""
    frame = _artemis(draw_gallery(paintings, seed))
    return _write_csv(frame.sort("art_style", "painting", maintain_order=True), path)


def write_artemis_v2(path: Path, *, paintings: int = 60, seed: int = 0) -> int:
    """ArtEmis v1 joined with contrastive captions; returns the number of rows.

    Adds anchor_painting and version. Contrastive rows come first with version `new`; v1's rows
    have version `old` and the text `nan` for the painting they lack. Names are NFD.
    """
    frame = _artemis(draw_gallery(paintings, seed))
    generator = stream(seed, "contrastive")
    rows = np.sort(generator.choice(frame.height, size=frame.height // 3, replace=False))
    anchors = frame["painting"].gather(generator.permutation(frame.height)[: len(rows)])
    contrastive = frame[rows].with_columns(anchor_painting=anchors, version=pl.lit("new"))
    first = frame.with_columns(anchor_painting=pl.lit("nan"), version=pl.lit("old"))
    combined = pl.concat([contrastive, first]).with_columns(
        pl.col("painting", "anchor_painting").str.normalize("NFD")
    )
    return _write_csv(combined, path)


def write_artelingo_28(folder: Path, *, paintings: int = 60, seed: int = 0) -> int:
    """`multilingual_train_metadata.csv` and `multilingual_test_metadata.csv`; returns their rows.

    Language names are capitalised, and `something else` is called other.
    """
    frame = _annotations(draw_gallery(paintings, seed))
    ids = frame.select("art_style", "painting", "split").unique(maintain_order=True)
    ids = ids.with_row_index("image_id")
    further = ids.join(
        pl.DataFrame(
            [
                (language, emotion, text)
                for language, texts in _FURTHER_LANGUAGES.items()
                for emotion, text in texts
            ],
            schema=["language", "emotion", "utterance"],
            orient="row",
        ),
        how="cross",
    )
    known = frame.join(ids.drop("split"), on=["art_style", "painting"], maintain_order="left")
    columns = ["image_id", "utterance", "emotion", "language", "art_style", "painting", "split"]
    everything = pl.concat([known.select(columns), further.select(columns)]).select(
        "image_id",
        pl.concat_str("painting", pl.lit(".jpg")).alias("image_name"),
        pl.col("utterance").alias("caption"),
        pl.col("emotion").replace(_OTHER),
        pl.col("language").str.to_titlecase(),
        "art_style",
        "painting",
        "split",
    )
    written = 0
    for is_test, name in ((False, "train"), (True, "test")):
        part = everything.filter((pl.col("split") == "test") == is_test).drop("split")
        written += _write_csv(part, folder / f"multilingual_{name}_metadata.csv")
    return written


def write_hub_parquet(path: Path, *, paintings: int = 40, seed: int = 0) -> int:
    """The Hub's Parquet form with a thumbnail in every row; returns the number of rows.

    Columns: image (struct of bytes and path), art_style, painting, emotion, language, text,
    split. The painting without a file has a null image.
    """
    gallery = draw_gallery(paintings, seed)
    votes = draw_votes(gallery, None)
    chunks = release_chunks(gallery, votes, draw_hands(votes, seed))
    frame = pl.concat(chunks).select(
        "art_style",
        "painting",
        "emotion",
        "language",
        pl.col("utterance").fill_null("").alias("text"),
        "split",
    )
    batches = picture_batches(gallery, Path(), side=48, pixels=PixelMode.THUMBNAIL)
    files = {file.location: file for batch in batches for file in batch.files}
    locations = [f"{gallery.keys[row]}.jpg" for row in votes.painting.tolist()]
    encoded = {place: encode(files[place]) for place in dict.fromkeys(locations) if place in files}
    images = [
        {"bytes": encoded[place], "path": place.rpartition("/")[2]} if place in encoded else None
        for place in locations
    ]
    columns = [pa.array(images, pa.struct({"bytes": pa.binary(), "path": pa.string()}))]
    columns += [pa.array(frame[name].to_list(), pa.string()) for name in frame.columns]
    names = ["image", *frame.columns]
    features: dict[str, dict[str, str]] = {
        name: {"dtype": "string", "_type": "Value"} for name in frame.columns
    }
    info = {"info": {"features": {"image": {"_type": "Image"}, **features}}}
    table = pa.table(columns, names=names).replace_schema_metadata(
        {"huggingface": json.dumps(info)}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=100)
    return frame.height


def _annotations(gallery: Gallery) -> pl.DataFrame:
    """art_style, painting (NFC), split, emotion, language and utterance of every caption."""
    votes = draw_votes(gallery, None)
    rows = np.arange(len(votes), dtype=np.int64)
    return pl.DataFrame(
        {
            "art_style": pl.Series([style.name for style in STYLES])
            .gather(gallery.styles)
            .gather(votes.painting),
            "painting": pl.Series(gallery.names).gather(votes.painting),
            "split": pl.Series(SPLITS).gather(gallery.splits).gather(votes.painting),
            "emotion": pl.Series(EMOTIONS).gather(votes.emotion),
            "language": pl.Series(LANGUAGES).gather(votes.language),
            "utterance": captions(votes, draw_hands(votes, gallery.seed), rows),
        }
    )


def _artemis(gallery: Gallery) -> pl.DataFrame:
    return (
        _annotations(gallery)
        .filter(pl.col("language") == "english", pl.col("utterance").is_not_null())
        .select("art_style", "painting", "emotion", "utterance")
        .with_columns(repetition=pl.len().over("art_style", "painting"))
    )


def _write_csv(frame: pl.DataFrame, path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path, quote_style="necessary")
    return frame.height
