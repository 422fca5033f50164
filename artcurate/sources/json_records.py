"""The records of a JSON list, one at a time, and where in the file it breaks off."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from artcurate.errors import DataError

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
#: What Python's UTF-8 and CP949 decoders say of a last character whose bytes are not all there.
_CUT_CHARACTER = ("unexpected end of data", "incomplete multibyte sequence")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_WORDS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")


@dataclass(frozen=True, slots=True)
class DecodedText:
    """Text with what is needed to say at which byte of its file a character stands."""

    text: str
    encoding: str
    skipped: int = 0

    def byte_of(self, position: int) -> int:
        """The 0-based byte offset of the character at `position`."""
        return self.skipped + len(self.text[:position].encode(self.encoding))


def decode(data: bytes, place: str) -> DecodedText:
    """`data` as UTF-8, with or without a byte order mark, otherwise as CP949 (with it EUC-KR).

    A character cut through at the very end is left out.

    Raises:
        DataError: it is neither; `place` names the file.
    """
    skipped = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0
    failures: list[int] = []
    for encoding in ("utf-8", "cp949"):
        content = data[skipped:] if encoding == "utf-8" else data
        try:
            return DecodedText(content.decode(encoding), encoding, len(data) - len(content))
        except UnicodeDecodeError as error:
            if error.reason in _CUT_CHARACTER:
                whole = content[: error.start].decode(encoding)
                return DecodedText(whole, encoding, len(data) - len(content))
            failures.append(len(data) - len(content) + error.start)
    raise DataError(
        f"{place}: the text is neither UTF-8 (byte {failures[0]:,}) nor CP949 "
        f"(byte {failures[1]:,}); save it as UTF-8."
    )


def iter_records(text: DecodedText, place: str) -> Iterator[Any]:
    """The elements of the JSON list `text`, parsed one by one.

    None stands for an element with half a surrogate pair, which is no text and fits no table.

    Raises:
        DataError: the text is no list, is cut off, or is no JSON from some byte on; `place` names
            the file.
    """
    position = _past_space(text, 0)
    if not text.text.startswith("[", position):
        raise DataError(f"{place}: the JSON is no list of records.")
    position = _past_space(text, position + 1)
    doubtful = _SURROGATE.search(text.text) is not None
    record = 0
    more = not text.text.startswith("]", position)
    while more:
        record += 1
        value, position = _parse(text, position, record, place)
        yield None if doubtful and not _encodable(value) else value
        position = _past_space(text, position)
        more = text.text.startswith(",", position)
        if more:
            position = _past_space(text, position + 1)
    if not text.text.startswith("]", position):
        raise _broken(text, position, record, place)
    position = _past_space(text, position + 1)
    if position < len(text.text):
        raise _broken(text, position, record, place)


def _past_space(text: DecodedText, position: int) -> int:
    match = _SPACE.match(text.text, position)
    return match.end() if match else position


def _parse(text: DecodedText, position: int, record: int, place: str) -> tuple[Any, int]:
    """(the value at `position`, the position after it)."""
    try:
        return _DECODER.raw_decode(text.text, position)
    except json.JSONDecodeError as error:
        stop = len(text.text) if _cut_through(error) else error.pos
        raise _broken(text, stop, record, place) from error
    except ValueError as error:
        raise DataError(f"{place}: record {record:,} holds a number that is too long.") from error
    except RecursionError as error:
        raise DataError(f"{place}: record {record:,} is nested too deeply.") from error


def _encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _cut_through(error: json.JSONDecodeError) -> bool:
    """Whether the text ends inside a string, an escape sequence, a number or a word."""
    rest = error.doc[error.pos :]
    return (
        error.msg.startswith("Unterminated string")
        or (error.msg.startswith("Invalid \\") and len(rest) <= len(r"\u0000"))
        or not rest.strip("eE.+-")
        or any(word.startswith(rest) for word in _WORDS)
    )


def _broken(text: DecodedText, position: int, record: int, place: str) -> DataError:
    byte = text.byte_of(position)
    if position == len(text.text):
        return DataError(
            f"{place}: the JSON is cut off at byte {byte:,}, in record {record:,}; "
            "download or copy the file again."
        )
    return DataError(
        f"{place}: the JSON is damaged at byte {byte:,}, in record {record:,}; "
        "download or copy the file again."
    )
