"""What the steps from raw dialogues and faces to pairs found, as the lines a user reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from artcurate import published

Findings = Mapping[str, Any]

#: What a source of neutral sentences costs.
_PRICES = {"system_plain": ", whose words are altered and which may speak of feelings"}


def sentence_lines(found: Findings) -> Iterator[str]:
    """`SentencesFindings` in words."""
    total = sum(found["sentences"].values())
    labels = ", ".join(f"{name} {count:,}" for name, count in found["sentences"].items())
    yield (
        f"sentences: {total:,} of {found['utterances']:,} utterances in "
        f"{found['dialogues']:,} dialogues: {labels}{_reasons(found['set_aside'])}"
    )
    leak = found["leak"]
    if leak:
        yield (
            f"  neutral ({found['neutral']}) can be told by outward style alone with a balanced "
            f"accuracy of {leak['balanced_accuracy']:.3f} (chance 0.5), by the {leak['feature']} "
            f"alone with {leak['feature_accuracy']:.3f}"
        )
    for other in found["alternatives"]:
        yield (
            f"  instead {other['neutral']} would offer {other['sentences']:,} neutral sentences, "
            f"told by style with {other['leak']['balanced_accuracy']:.3f}"
            f"{_PRICES.get(other['neutral'], '')}"
        )


def image_label_lines(found: Findings) -> Iterator[str]:
    """`ImageLabelsFindings` in words."""
    labels = ", ".join(f"{name} {count:,}" for name, count in found["labels"].items())
    agreement = ", ".join(f"{count:,} by {votes}" for votes, count in found["agreement"].items())
    yield (
        f"image labels ({found['choice']}): {found['images_out']:,} of {found['images_in']:,} "
        f"images: {labels}{_reasons(found['set_aside'])}"
    )
    yield f"  votes of four for the leading label: {agreement}"


def age_band_lines(found: Findings) -> Iterator[str]:
    """`AgeBandsFindings` in words."""
    groups = ", ".join(f"{name} {count:,}" for name, count in found["images"].items())
    outside = ", ".join(f"{count:,} of age {age}" for age, count in found["outside"].items())
    yield f"age groups: {groups}" + (f"; left out: {outside}" if outside else "")


def frame_lines(found: Findings) -> Iterator[str]:
    """`FramesFindings` in words."""
    yield (
        f"frames: {found['images_out']:,} of {found['images_in']:,} images stay, by "
        f"{found['by']}; {found['capped']:,} of {found['bursts']:,} bursts were cut, the largest "
        f"had {found['largest']:,}"
    )


def face_crop_lines(found: Findings) -> Iterator[str]:
    """`FaceCropFindings` in words."""
    faults = {
        "missing": "missing",
        "negative": "with negative edges",
        "past_the_edge": "past the picture's edge",
        "outside": "without area inside",
    }
    told = ", ".join(f"{found[key]:,} {words}" for key, words in faults.items() if found[key])
    yield f"face boxes: {found['boxes']:,} on {found['images']:,} images" + (
        f"; {told}" if told else ""
    )
    if found["choice"] == "none":
        yield "  pictures are not cropped"
        return
    whole = ", ".join(f"{count:,} {reason}" for reason, count in found["whole"].items())
    kept = f", half of them to less than {found['area']:.1%} of their area" if found["area"] else ""
    yield (
        f"  cropped ({found['choice']}): {found['cropped']:,} images{kept}"
        + (f"; whole: {whole}" if whole else "")
    )


def pseudonym_lines(found: Findings) -> Iterator[str]:
    """`PseudonymsFindings` in words."""
    yield f"pseudonyms: {found['persons']:,} persons and {found['images']:,} images renamed"


def pair_lines(found: Findings) -> Iterator[str]:
    """`PairFindings` in words, pairs per cell beside those published."""
    splits = list(found["rows"])
    shares = ", ".join(f"{name} {rows:,}" for name, rows in found["rows"].items())
    yield (
        f"pairs: {sum(found['rows'].values()):,} of at most {found['bound']:,} without a split "
        f"({shares})"
    )
    yield from (f"  {line}" for line in _published_table(found))
    yield from (f"  {line}" for line in _label_lines(found, splits))
    yield from (f"  {line}" for line in _cost_lines(found))
    yield from (f"  {line}" for line in _short_cells(found))
    proof, astride = found["certificate"], found["straddling"]
    yield (
        f"  worst stratum {proof['worst_deviation']:.3f} points off (with these pairs no split of "
        f"their persons is below {proof['lower_bound']:.3f}): {proof['worst_stratum']}"
    )
    yield (
        f"  on several sides: {astride['persons']:,} persons, {astride['dialogues']:,} dialogues, "
        f"{astride['texts']:,} texts"
    )
    if found["suitable"] is not None:
        yield f"  pairs whose background suits the situation: {found['suitable']:.1%}"


def _published_table(found: Findings) -> Iterator[str]:
    """Pairs per label, age group and gender; the second line of a label is what was published."""
    ours = {
        (cell["emotion"], cell["age_group"], cell["gender"]): sum(cell["pairs"].values())
        for cell in found["cells"]
    }
    theirs = {
        (cell.emotion, cell.stratum.age_group, cell.stratum.gender): cell.pairs
        for cell in published.TABLE_1
    }
    strata = {(one.age_group, one.gender): None for one in published.STRATA}
    strata |= {key[1:]: None for key, pairs in ours.items() if pairs}
    heads = [f"{age} {gender}" for age, gender in strata]
    yield _table_row("pairs", heads, "all")
    for emotion in dict.fromkeys(key[0] for key in ours):
        for name, table in ((emotion, ours), ("  published", theirs)):
            counts = [table.get((emotion, *stratum), 0) for stratum in strata]
            yield _table_row(name, [f"{count:,}" for count in counts], f"{sum(counts):,}")
    yield _table_row("all", [], f"{sum(ours.values()):,}")
    yield _table_row("  published", [], f"{published.TOTAL:,}")


def _table_row(name: str, cells: Sequence[str], total: str) -> str:
    return " ".join([f"{name:<13}", *(f"{cell:>13}" for cell in cells), f"{total:>8}"])


def _label_lines(found: Findings, splits: Sequence[str]) -> Iterator[str]:
    for label in found["labels"]:
        counts = " / ".join(f"{label['pairs'][name]:,}" for name in splits)
        old = label["published"]
        beside = f"; published {' / '.join(f'{n:,}' for n in old.values())}" if old else ""
        empty = [name for name in splits if not label["pairs"][name]]
        lacking = f"; nothing in {' and '.join(empty)}" if 0 < len(empty) < len(splits) else ""
        yield f"{label['emotion']}: {counts}, {label['deviation']:.2f} points off{lacking}{beside}"


def _cost_lines(found: Findings) -> Iterator[str]:
    for cost in found["ledger"]:
        items = [f"{cost[side]:,} {side}" for side in ("sentences", "images") if cost[side]]
        left_out = f"{' and '.join(items)} left out, " if items else ""
        if cost["constraint"]:
            yield f"cost of {cost['constraint']}: {left_out}{cost['pairs']:,} pairs"


def _short_cells(found: Findings) -> Iterator[str]:
    """Every cell with fewer images than sentences or fewer sentences than images, by label."""
    for side, other in (("images", "sentences"), ("sentences", "images")):
        short = [cell for cell in found["cells"] if cell["short_of"] == side]
        if not short:
            continue
        missing = sum(cell["short_by"] for cell in short)
        yield f"cells short of {side}: {len(short)}, by {missing:,} in all"
        for emotion in dict.fromkeys(cell["emotion"] for cell in short):
            cells = ", ".join(
                f"{cell['age_group']} {cell['gender']} {cell['short_by']:,}"
                + ("" if cell[side] else f" (none for {cell[other]:,} {other})")
                for cell in short
                if cell["emotion"] == emotion
            )
            yield f"  {emotion}: {cells}"


def _reasons(counts: Mapping[str, int]) -> str:
    """`; left out: 3 duplicate_text`, or nothing."""
    if not counts:
        return ""
    return "; left out: " + ", ".join(f"{rows:,} {reason}" for reason, rows in counts.items())


#: Step -> its findings in words.
TELLERS: Mapping[str, Callable[[Findings], Iterator[str]]] = {
    "sentences": sentence_lines,
    "image_labels": image_label_lines,
    "age_bands": age_band_lines,
    "frames": frame_lines,
    "face_crop": face_crop_lines,
    "pseudonyms": pseudonym_lines,
    "pair": pair_lines,
}
