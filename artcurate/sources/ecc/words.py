"""What `reader.Findings` say, as the lines a user reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from artcurate.sources.places import listed

Findings = Mapping[str, Any]

_SHOWN = 3
_LISTS = {
    "ignored": "files are no dialogues and were passed over",
    "same_files": "files repeat another and were not read again",
    "links_outside": "links lead out of the folder and were not followed",
    "undecodable": "files were not opened, as their names are not UTF-8",
}


def ecc_lines(found: Findings) -> Iterator[str]:
    """Dialogues by release and form, and where the forms of one dialogue differ."""
    releases = ", ".join(f"{name} {count:,}" for name, count in found["releases"].items())
    forms = Counter(file["form"] for file in found["files"])
    files = ", ".join(f"{count} {form}" for form, count in forms.items())
    yield (
        f"dialogues: {found['dialogues']:,} with {found['utterances']:,} utterances in "
        f"{len(found['files'])} files ({files}): {releases}"
    )
    yield (
        f"  {found['in_both']:,} stand in JSON and in tables and count once, "
        f"{found['in_json_only']:,} in JSON only, {found['in_tables_only']:,} in tables only; "
        f"{found['differing_dialogues']:,} differ between the two"
    )
    if found["differing_fields"]:
        fields = ", ".join(f"{name} {count:,}" for name, count in found["differing_fields"].items())
        yield f"  differing: {fields}"
    for one in found["differences"][:_SHOWN]:
        yield (
            f"    {one['dialogue']}, {one['field']}: kept {one['kept']!r}, not {one['other']!r} of "
            f"{one['source']}, row {one['row']:,}"
        )
    if found["repeated_records"]:
        yield f"  {found['repeated_records']:,} records repeat an earlier one"
    if found["unknown_fine_emotions"]:
        words = ", ".join(
            f"{word!r} {count:,}" for word, count in found["unknown_fine_emotions"].items()
        )
        yield f"  finer emotions that ECC does not know: {words}"
    if found["faults"]:
        faults = ", ".join(f"{count:,} {reason}" for reason, count in found["faults"].items())
        yield f"  utterances left out as faulty: {faults}"
    for key, words in _LISTS.items():
        if places := found[key]:
            yield f"  {len(places):,} {words}: {listed(places)}"
