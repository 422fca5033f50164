"""The pipelines and schemas that come with the package, and how their YAML is read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import yaml

from artcurate.errors import DataError, UsageError

Kind = Literal["pipelines", "schemas"]

#: A file written by hand is small; more than this is a mistake or an attack.
MAX_YAML_BYTES = 1 << 20
#: Values a YAML file may stand for once its aliases are followed.
MAX_YAML_VALUES = 100_000
#: Mappings and sequences within each other.
MAX_YAML_DEPTH = 100
#: libyaml's, ten times as fast, where PyYAML was built with it: its wheels are.
_LOADER: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)


def folder(kind: Kind) -> Path:
    """Where the bundled files of `kind` lie: inside a wheel, or at the root of a checkout."""
    package = Path(__file__).parent
    bundled = package / "_bundled" / kind
    return bundled if bundled.is_dir() else package.parent / kind


def names(kind: Kind) -> tuple[str, ...]:
    """The bundled files of `kind`, sorted, without their ending."""
    return tuple(sorted(path.stem for path in folder(kind).glob("*.yaml")))


def path(kind: Kind, name: str) -> Path:
    """The bundled file `name`. Raises UsageError naming the nearest one."""
    known = names(kind)
    if name not in known:
        raise UsageError(f"no bundled {kind.removesuffix('s')} {nearest(name, known)}")
    return folder(kind) / f"{name}.yaml"


def pipeline_path(name: str) -> Path:
    """The file of a bundled pipeline. Raises UsageError naming the nearest one."""
    return path("pipelines", name)


def schema_path(name: str) -> Path:
    """A bundled schema file. Raises UsageError naming the nearest one."""
    return path("schemas", name)


def title(kind: Kind, name: str) -> str:
    """What a bundled file calls itself, or its dataset; empty where it does not say."""
    content = read_yaml(path(kind, name))
    places = (content, content.get("dataset")) if isinstance(content, dict) else ()
    titles = [place["title"] for place in places if isinstance(place, dict) and "title" in place]
    return str(titles[0]) if titles else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """`'wrod' (did you mean 'word'?).`, or the list of what is known."""
    choices = sorted(known)
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(choices)}"
    return f"{word!r} ({hint})."


def read_yaml(file: Path) -> Any:
    """The plain values of a YAML file written by hand.

    Raises:
        UsageError: there is no such file.
        DataError: it cannot be read, is not YAML, is larger than 1 MiB, names a key twice, or its
            aliases stand for more values than anybody writes.
    """
    try:
        if file.exists() and not file.is_file():
            raise DataError(f"{file}: cannot be read, it is not a file.")
        if file.stat().st_size > MAX_YAML_BYTES:
            raise DataError(f"{file}: larger than {MAX_YAML_BYTES:,} bytes, too large for YAML.")
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: cannot be read ({error}).") from None
    return parse_yaml(text, str(file))


def parse_yaml(text: str, where: str) -> Any:
    """The plain values of YAML `text`; `where` names it in errors. See `read_yaml`."""
    try:
        _check_nesting(text)
        loader = _LOADER(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _count_values(node, {})
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}" if mark else ""
        raise DataError(f"{where}{place}: not valid YAML ({error.problem}).") from None
    except (yaml.YAMLError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{where}: not valid YAML ({reason}).") from None


def _check_nesting(text: str) -> None:
    """Refuse what would be read by functions that call themselves more deeply than the stack is.

    Events come one after another, without any such call.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_YAML_DEPTH:
            raise yaml.YAMLError("nested too deeply")


def _count_values(node: yaml.Node, counts: dict[int, int]) -> int:
    """How many values `node` stands for, every alias followed.

    `counts` remembers finished nodes by identity; a node met again while unfinished (0) holds
    itself. Refuses a key that stands twice in a mapping, where PyYAML would keep the last.
    """
    if id(node) in counts:
        if not counts[id(node)]:
            raise yaml.YAMLError("an alias stands inside its own anchor")
        return counts[id(node)]
    counts[id(node)] = 0
    total = 1
    if isinstance(node, yaml.SequenceNode):
        total += sum(_count_values(item, counts) for item in node.value)
    elif isinstance(node, yaml.MappingNode):
        _check_keys(node)
        total += sum(
            _count_values(key, counts) + _count_values(value, counts) for key, value in node.value
        )
    if total > MAX_YAML_VALUES:
        raise yaml.YAMLError("too many values")
    counts[id(node)] = total
    return total


def _check_keys(node: yaml.MappingNode) -> None:
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if (key.tag, key.value) in seen:
            raise yaml.MarkedYAMLError(
                problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark
            )
        seen.add((key.tag, key.value))
