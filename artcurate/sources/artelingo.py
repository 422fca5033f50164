"""ArtELingo: what people of several cultures felt in front of WikiArt paintings, and why.

About 80,000 paintings with 1.2 million captions, each with the dominant one of nine emotions and a
sentence that explains it: English (0.45 million, those of ArtEmis), Arabic and Chinese (0.79
million together), and 4,800 Spanish ones for testing. ArtELingo-28 adds 28 languages on 2,000
paintings, with some 140 captions each. The files come after filling in a form:

    https://www.artelingo.org, https://github.com/Vision-CAIR/artelingo

Research use under KAUST's terms; the paintings are WikiArt's and come apart from the captions. The
files people hold:

    artelingo_release.csv            about 1.1 million rows, 1 GB, two thirds of it token lists
    test_spanish.csv, test_*.csv     the same layout, one language each
    artelingo.csv                    the raw annotations before the authors' script
    multilingual_*_metadata.csv      ArtELingo-28
    data/*.parquet                   the Hub's copy with the pictures inside (22 GB)
    emo_pred_challenge_dev.csv       captions of the challenge, without labels

Mohamed, Abdelfattah, Alhuwaider, Li, Zhang, Church, Elhoseiny: ArtELingo: A Million Emotion
Annotations of WikiArt with Emphasis on Diversity over Language and Culture. EMNLP 2022.
Mohamed, Li, Ahmad, Haydarov, Torr, Church, Elhoseiny: No Culture Left Behind: ArtELingo-28, a
Benchmark of WikiArt with Captions in 28 Languages. EMNLP 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from artcurate.corpus import Corpus
from artcurate.sources import artemis
from artcurate.sources.annotations import read_files
from artcurate.sources.forms import Form

FORMS: dict[str, Form] = {
    "artelingo_release": Form(
        title="the ArtELingo release",
        required=frozenset(
            {"art_style", "emotion", "emotion_label", "language", "painting", "split", "utterance"}
        ),
        optional=frozenset(
            {
                "language_label",
                "tokens",
                "tokens_encoded",
                "tokens_len",
                "utterance_spelled",
                "image_file",
                "grounding_emotion",
            }
        ),
        language="language",
        label="emotion_label",
        split="split",
    ),
    "artelingo_raw": Form(
        title="ArtELingo's raw annotations",
        required=frozenset({"art_style", "emotion", "language", "painting", "utterance"}),
        optional=frozenset({"repetition", "split"}),
        language="language",
        split="split",
    ),
    "artelingo_hub": Form(
        title="ArtELingo on the Hub",
        required=frozenset({"art_style", "emotion", "language", "painting", "text"}),
        optional=frozenset({"image", "split"}),
        text="text",
        language="language",
        split="split",
    ),
    "artelingo_28": Form(
        title="ArtELingo-28",
        required=frozenset({"caption", "emotion", "image_name", "language"}),
        optional=frozenset({"art_style", "image_id", "painting", "split"}),
        text="caption",
        language="language",
        split="split",
        picture="image_name",
    ),
    "artelingo_challenge": Form(
        title="the ArtELingo challenge",
        required=frozenset({"art_style", "id", "painting", "utterance"}),
        without=frozenset({"emotion", "emotion_label"}),
        refusal=(
            "this is the ArtELingo challenge's file, whose captions have no emotions to learn "
            "from; give the release (artelingo_release.csv) instead"
        ),
    ),
}


def read_annotations(paths: Sequence[Path], *, input_name: str = "annotations") -> Corpus:
    """The captions in `paths`, files or folders of them, as CSV or Parquet.

    Reads every form of ArtELingo and ArtEmis, recognised by its columns. The result's
    `annotations` has the columns id, source, row, style, painting, image_key, text, emotion,
    emotion_id, language and split_official, in the files' order, strings as the files spell them.
    `images` holds the first row of every painting of those Parquet files that hold pictures, and
    is empty otherwise. What was learned of each file stands in `findings[input_name]`.

    Raises:
        DataError: a file cannot be read, is of no known form, or has nothing to build from; all
            such problems of all files at once.
    """
    return read_files(paths, {**FORMS, **artemis.FORMS}, input_name=input_name)
