"""CID's file names: what they say, and one spelling for all the ways people's tools write them."""

from __future__ import annotations

import polars as pl

from artcurate.archives.names import nfc

#: person_gender_age_emotion_background_taken-place-frame.jpg; folders in front are passed over.
#: The background may hold what stands for its slashes: `&` as released, `_` or `/` after tools.
_NAME = (
    r"(?:^|[/\\])(?P<person>[0-9a-f]{64})_(?P<gender>남|여)_(?P<age>[0-9]{1,3})"
    r"_(?P<emotion>[^_/\\]+)_(?P<background>.+)"
    r"_(?P<taken>[0-9]{14})-(?P<place>[0-9]{3})-(?P<frame>[0-9]{3})\.(?i:jpe?g)$"
)
_SLASHES = r"[&/_\\]+"


def parse_names(names: pl.Series) -> pl.DataFrame:
    """What file names say, in the order of `names`; all null where one is of another form.

    Columns: id (the name in NFC without folders and suffix, the slashes of its background written
    `&`: equal for all spellings of a name), person (64 hexadecimal digits), name_gender (남, 여),
    name_age (i64), name_emotion (the word), background (its slashes written `/`), place and frame
    (three digits each), taken (14 digits).
    """
    groups = nfc(names).to_frame("name").select(pl.col("name").str.extract_groups(_NAME))
    return groups.unnest("name").select(
        "person",
        "place",
        "frame",
        "taken",
        id=pl.concat_str(
            pl.concat_str("person", "gender", "age", "emotion", separator="_"),
            pl.col("background").str.replace_all(_SLASHES, "&"),
            pl.concat_str("taken", "place", "frame", separator="-"),
            separator="_",
        ),
        name_gender="gender",
        name_age=pl.col("age").cast(pl.Int64),
        name_emotion="emotion",
        background=pl.col("background").str.replace_all(_SLASHES, "/"),
    )
