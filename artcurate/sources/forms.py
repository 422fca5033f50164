"""The forms in which annotations of paintings are handed round, told apart by their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """One layout of an annotations file, whether it lies there as CSV or as Parquet.

    required: the columns that make a file be of this form.
    optional: columns that it may also have.
    without: columns that a file of this form does not have.
    text, emotion: the columns with the caption and its label.
    language: the column with the language, or `spoken` where the corpus has one language only.
    label: the column with the label's number in ArtEmis' order, where there is one.
    split: the column with the official split, where there is one.
    picture: the column with the picture's path, for rows that name no style or no painting.
    refusal: why a file of this form cannot be built from, where it cannot.
    """

    title: str
    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    text: str = "utterance"
    emotion: str = "emotion"
    language: str | None = None
    spoken: str | None = None
    label: str | None = None
    split: str | None = None
    picture: str | None = None
    style: str = "art_style"
    painting: str = "painting"
    refusal: str | None = None

    def wanted(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Those of `columns` that a reader has to read."""
        roles = (
            self.style,
            self.painting,
            self.text,
            self.emotion,
            self.language,
            self.label,
            self.split,
            self.picture,
        )
        return tuple(column for column in columns if column in roles)

    def unknown(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Those of `columns` that this form does not know."""
        return tuple(c for c in columns if c not in self.required and c not in self.optional)


def recognise(columns: Sequence[str], forms: Mapping[str, Form]) -> str | None:
    """The name of the form with the most required columns, all of them among `columns`.

    None if no form has all its required columns there. Forms earlier in `forms` win ties.
    """
    present = frozenset(columns)
    fitting = [
        name
        for name, form in forms.items()
        if form.required <= present and not form.without & present
    ]
    return max(fitting, key=lambda name: len(forms[name].required), default=None)


def describe_misfit(columns: Sequence[str], forms: Mapping[str, Form]) -> str:
    """Which form `columns` come nearest to and what they lack, as half a sentence."""
    present = frozenset(columns)

    def distance(form: Form) -> tuple[int, int]:
        return (len(form.required - present), -len((form.required | form.optional) & present))

    possible = [one for one in forms.values() if one.refusal is None and not one.without & present]
    nearest = min(possible, key=distance)
    missing = ", ".join(sorted(nearest.required - present))
    if not nearest.required & present:
        known = ", ".join(sorted(nearest.required))
        return f"its columns are of no known form; {nearest.title}, for example, has {known}"
    return f"its columns come nearest to {nearest.title}, which also needs: {missing}"
