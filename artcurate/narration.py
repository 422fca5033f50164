"""What a step's findings say in words, for the terminal and the card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from artcurate.sources.cid.words import cid_lines
from artcurate.sources.ecc.words import ecc_lines
from artcurate.steps.join import coverage_lines
from artcurate.steps.pairing_words import TELLERS as PAIRING_TELLERS

Findings = Mapping[str, Any]


def describe(step: str, findings: Findings | None) -> list[str]:
    """The lines that tell what `step` found; none for a step without findings."""
    teller = _TELLERS.get(step)
    return list(teller(findings)) if teller and findings else []


def _labels(found: Findings) -> Iterator[str]:
    total = sum(found["labels"].values())
    shares = ", ".join(
        f"{name} {rows / total:.1%}"
        for name, rows in sorted(found["labels"].items(), key=lambda item: (-item[1], item[0]))
        if rows
    )
    by_id = found["named_by_id"]
    named = f", {by_id:,} of them named by their id alone" if by_id else ""
    yield f"labels: {found['rows_out']:,} of {found['rows_in']:,} rows in {found['target']}{named}"
    if total:
        yield f"  {shares}"
    for ledger in found["maps"]:
        merged = "; ".join(f"{' + '.join(old)} -> {new}" for new, old in ledger["merged"].items())
        yield (
            f"  map to {ledger['map']}: {ledger['dropped_rows']:,} rows without a counterpart"
            + (f"; merged {merged}" if merged else "")
        )


def _agreement(found: Findings) -> Iterator[str]:
    yield (
        f"agreement: {found['votes']:,} votes on {found['pictures']:,} pictures, "
        f"alpha {_interval(found['overall']['alpha'])}"
    )
    for one in found["by_language"]:
        yield f"  {one['group']}: alpha {_interval(one['alpha'])} on {one['units']:,} pictures"
    for pair in found["between"]:
        yield (
            f"  {pair['first']} and {pair['second']}: same majority "
            f"{_share(pair['same_label'])}, divergence {_interval(pair['divergence'])} bits, "
            f"{_interval(pair['excess'])} beyond chance, on {pair['units']:,} pictures"
        )
    if found["tie_share"] is not None:
        yield f"  majority by the tie rule on {found['tie_share']:.1%}: {found['tie_rule']}"


def _annotations(found: Findings) -> Iterator[str]:
    for file in found["files"]:
        notes = f"{file['name']}: {file['title']}, {file['rows']:,} rows"
        if file["quarantined"]:
            notes += f", {file['quarantined']:,} of them unreadable"
        if file["recovered"]:
            notes += ", read record by record"
        if file["extra_columns"]:
            notes += f"; columns not used: {', '.join(file['extra_columns'])}"
        yield notes


def _images(found: Findings) -> Iterator[str]:
    if "images" in found:
        yield f"images: {found['images']:,} files in {len(found['styles'])} styles" + _reasons(
            found["set_aside"]
        )


def _text(found: Findings) -> Iterator[str]:
    repeated = found["repetitions"]
    yield (
        f"text: {found['changed']:,} of {found['rows_in']:,} texts normalised"
        f"{_reasons(found['set_aside'])}"
    )
    told = {
        "in_painting": "repeat a text of the same painting",
        "texts_in_several_paintings": "texts stand at several paintings",
        "texts_with_several_emotions": "texts have several emotions",
    }
    counted = [
        f"{repeated[key]:,} {words}" for key, words in told.items() if repeated[key] is not None
    ]
    if counted:
        yield "  " + "; ".join(counted)


def _language(found: Findings) -> Iterator[str]:
    methods = ", ".join(f"{rows:,} by {name}" for name, rows in found["methods"].items())
    yield f"language: {methods}{_reasons(found['set_aside'])}"
    for one in found["languages"]:
        yield (
            f"  {one['language']}: {one['rows']:,} declared, {one['agree']:,} agree, "
            f"{one['contradict']:,} contradict, {one['undecidable']:,} undecidable"
        )


def _join(found: Findings) -> Iterator[str]:
    yield "join: captions to images"
    yield from (f"  {line}" for line in coverage_lines(found))


def _probe(found: Findings) -> Iterator[str]:
    turned = sum(count for code, count in found["orientations"].items() if code != "1")
    formats = ", ".join(f"{count:,} {name}" for name, count in found["formats"].items())
    yield f"probe: {formats}; {turned:,} are turned by EXIF{_reasons(found['faults'])}"


def _near_duplicates(found: Findings) -> Iterator[str]:
    yield (
        f"near-duplicates: {found['images_in_groups']:,} images in {found['groups']:,} groups, "
        f"{found['groups_across_styles']:,} across styles, largest {found['largest_group']}; "
        f"{found['flat_images']:,} images too flat to compare"
    )
    known = found["known_duplicates"]
    if known:
        yield (
            f"  the list of known duplicates names {known['rows']:,} images, "
            f"{known['matched']:,} of them here"
        )


def _split(found: Findings) -> Iterator[str]:
    proof = found["certificate"]
    rows = ", ".join(f"{name} {rows:,}" for name, rows in found["annotations"].items())
    yield (
        f"split: {sum(proof['groups']):,} groups by {found['mode']}: {rows}; worst stratum "
        f"{proof['worst_deviation']:.3f} points off (no split is below "
        f"{proof['lower_bound']:.3f}): {proof['worst_stratum']}"
    )
    if empty := [name for name, rows in found["annotations"].items() if not rows]:
        yield f"  nothing in {' and '.join(empty)}"
    if others := found.get("other_words"):
        words = ", ".join(f"{word!r} ({rows:,} rows)" for word, rows in others.items())
        yield f"  official splits of other names go to {found['others_go_to']}: {words}"
    if "leaks" in found:
        painting, group = found["leaks"]["painting"], found["leaks"]["group"]
        mended = (
            "all moved to one side (split.repair=false leaves them)"
            if found["repaired"]
            else "left as they are (split.repair=true moves them)"
        )
        yield (
            f"  the official split has {painting['groups']:,} paintings and {group['groups']:,} "
            f"groups on several sides ({group['rows']:,} rows), {mended}: "
            f"{found['rows_moved']:,} rows moved"
        )
    if "hold_out" in found:
        yield f"  held out {found['hold_out']}; {found['rows_left_out']:,} rows left out for it"


def _write(found: Findings) -> Iterator[str]:
    for config, splits in found["rows"].items():
        mine = [shard for shard in found["shards"] if shard["config"] == config]
        sizes = ", ".join(f"{split} {rows:,}" for split, rows in sorted(splits.items()))
        megabytes = sum(shard["bytes"] for shard in mine) / 1e6
        yield f"write: {config} in {len(mine)} shards, {megabytes:,.1f} MB: {sizes}"
    if found["faults"]:
        yield f"  images that could not be written{_reasons(found['faults'])}"


def _audit(found: Findings) -> Iterator[str]:
    groups = ", ".join(
        f"{values:,} of {column}" for column, values in found["groups_in_several_splits"].items()
    )
    yield f"audit: {found['rows']:,} rows read back from the shards; in several splits: {groups}"


def _reasons(counts: Mapping[str, int]) -> str:
    """`; left out: 3 empty_text`, or nothing."""
    if not counts:
        return ""
    return "; left out: " + ", ".join(f"{rows:,} {reason}" for reason, rows in counts.items())


def _interval(value: Mapping[str, float | None]) -> str:
    if value["value"] is None:
        return "undefined"
    if value["low"] is None:
        return f"{value['value']:.3f}"
    return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1%}"


_TELLERS: dict[str, Callable[[Findings], Iterator[str]]] = {
    "annotations": _annotations,
    "images": _images,
    "ecc": ecc_lines,
    "cid": cid_lines,
    "labels": _labels,
    "text": _text,
    "language": _language,
    "join": _join,
    "probe": _probe,
    "near_duplicates": _near_duplicates,
    "agreement": _agreement,
    "split": _split,
    "write": _write,
    "audit": _audit,
    **PAIRING_TELLERS,
}
