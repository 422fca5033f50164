"""ArtEmis: what English-speaking annotators felt in front of WikiArt paintings, and why.

About 455,000 captions of 80,031 paintings, five annotators or more per painting, each with the
dominant one of nine emotions. Version 2 adds "contrastive" captions of look-alike paintings that
evoke another emotion. The files come by e-mail after filling in a form:

    https://www.artemisdataset.org (version 1), https://www.artemisdataset-v2.org (version 2)

Non-commercial research use under the authors' terms. The files people hold:

    artemis_dataset_release_v0.csv   454,684 rows, version 1 as released
    artemis_preprocessed.csv         the same after the authors' script: tokens, labels, splits
    Contrastive.csv                  version 2's new captions, each with its anchor painting
    combined_artemis.csv             both versions in one file, names in NFD

Achlioptas, Ovsjanikov, Haydarov, Elhoseiny, Guibas: ArtEmis: Affective Language for Visual Art.
CVPR 2021. Mohamed, Khan, Haydarov, Elhoseiny: It Is Okay to Not Be Okay: Overcoming Emotional Bias
in Affective Image Captioning by Contrastive Data Collection. CVPR 2022.
"""

from __future__ import annotations

from artcurate.sources.forms import Form

_CAPTIONED = frozenset({"art_style", "painting", "emotion", "utterance"})
_PREPARED = frozenset({"tokens", "tokens_len", "utterance_spelled", "tokens_encoded"})
_CONTRASTED = frozenset({"anchor_art_style", "anchor_painting", "unique_id", "version"})

FORMS: dict[str, Form] = {
    "artemis_preprocessed": Form(
        title="ArtEmis, preprocessed",
        required=_CAPTIONED | {"emotion_label", "split"},
        optional=_PREPARED | _CONTRASTED | {"repetition"},
        # An ArtELingo file that lost its column `language` is not English throughout.
        without=frozenset({"language_label", "image_file", "grounding_emotion"}),
        spoken="english",
        label="emotion_label",
        split="split",
    ),
    "artemis_v2": Form(
        title="ArtEmis v2",
        required=_CAPTIONED | {"anchor_painting"},
        optional=_CONTRASTED | {"repetition", "split"},
        spoken="english",
        split="split",
    ),
    "artemis_v1": Form(
        title="ArtEmis v1",
        required=_CAPTIONED | {"repetition"},
        spoken="english",
    ),
}
