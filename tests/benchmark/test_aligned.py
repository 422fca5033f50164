"""Zips in the layout of VL-KE-T5's authors, with tiny models, and zips that are something else."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from safetensors.torch import load_file  # noqa: E402

from artcurate.benchmark import aligned as module  # noqa: E402
from artcurate.benchmark.aligned import aligned_encoder  # noqa: E402
from artcurate.benchmark.encoder_files import find_settings  # noqa: E402
from artcurate.benchmark.encoders import load_image_encoder, load_text_encoder  # noqa: E402
from artcurate.errors import DataError  # noqa: E402

Encoders = Callable[[str], Path]
State = dict[str, Any]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))


@pytest.fixture
def language(encoders: Encoders) -> State:
    """What T5EncoderMean.save_pretrained writes: the encoder, tied embeddings, and the pooler."""
    whole = load_file(encoders("t5") / "model.safetensors")
    state = {
        name: value
        for name, value in whole.items()
        if name == "shared.weight" or name.startswith("encoder.")
    }
    torch.manual_seed(5)
    pooler = {"dense1.weight": (32, 32), "dense1.bias": 32, "layernorm.weight": 32,
              "layernorm.bias": 32}  # fmt: skip
    return {
        **state,
        "encoder.embed_tokens.weight": whole["shared.weight"],
        **{f"pooler.{name}": torch.randn(shape) for name, shape in pooler.items()},
    }


@pytest.fixture
def vision(encoders: Encoders) -> State:
    """With the names that a ViT's tensors had when the authors saved theirs."""
    return load_file(encoders("vit") / "model.safetensors")


def saved(state: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def zipped(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path


@pytest.fixture
def members(encoders: Encoders, language: State, vision: State) -> dict[str, bytes]:
    return {
        "hf_model/vision/config.json": (encoders("vit") / "config.json").read_bytes(),
        "hf_model/vision/pytorch_model.bin": saved(vision),
        "hf_model/language/config.json": (encoders("t5") / "config.json").read_bytes(),
        "hf_model/language/pytorch_model.bin": saved(language),
        "__MACOSX/hf_model/._vision": b"x",
    }


def test_the_text_goes_through_the_authors_projection(
    encoders: Encoders, members: dict[str, bytes], language: State, tmp_path: Path
) -> None:
    archive = zipped(tmp_path / "aligned.zip", members)
    plain = load_text_encoder(str(encoders("t5")), pooling="masked_sum_sqrt").eval()
    folder = aligned_encoder(archive, "language", find_settings(str(encoders("t5")), None))
    ours = load_text_encoder(str(folder), pooling="masked_sum_sqrt").eval()

    tokens, mask = ours.tokenize(["happy sky", "the old sad river"]).padded(torch.arange(2).numpy())
    with torch.inference_mode():
        pooled = plain(tokens, mask).pooled
        found = ours(tokens, mask).pooled
    dense = pooled @ language["pooler.dense1.weight"].T + language["pooler.dense1.bias"]
    expected = torch.nn.functional.layer_norm(
        dense, (32,), language["pooler.layernorm.weight"], language["pooler.layernorm.bias"], 1e-12
    )
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_vision_weights_are_those_of_the_zip_and_the_processor_the_models(
    encoders: Encoders, members: dict[str, bytes], tmp_path: Path
) -> None:
    archive = zipped(tmp_path / "aligned.zip", members)
    settings = find_settings(str(encoders("vit")), None)

    found = load_image_encoder(str(aligned_encoder(archive, "vision", settings)))

    plain = load_image_encoder(str(encoders("vit")))
    assert found.processor == plain.processor
    for name, tensor in plain.model.state_dict().items():
        torch.testing.assert_close(found.model.state_dict()[name], tensor, rtol=0, atol=0)


def test_the_names_a_vit_has_today_are_taken_too(
    encoders: Encoders, members: dict[str, bytes], tmp_path: Path
) -> None:
    state = load_image_encoder(str(encoders("vit"))).model.state_dict()
    archive = zipped(
        tmp_path / "new.zip", members | {"hf_model/vision/pytorch_model.bin": saved(dict(state))}
    )

    aligned_encoder(archive, "vision", find_settings(str(encoders("vit")), None))


def test_a_zip_is_converted_once(
    encoders: Encoders,
    members: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive = zipped(tmp_path / "aligned.zip", members)
    settings = find_settings(str(encoders("t5")), None)
    first = aligned_encoder(archive, "language", settings)
    monkeypatch.setattr(module, "_convert", lambda *_: pytest.fail("converted again"))

    assert aligned_encoder(archive, "language", settings) == first
    assert [path.name for path in first.parent.iterdir()] == [first.name]


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('ran')",))


def _without(state: State, name: str) -> State:
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda s: _without(s, "pooler.dense1.bias"), "lacks pooler.dense1.bias"),
        (
            lambda s: _without(s, "encoder.final_layer_norm.weight"),
            "lacks encoder.final_layer_norm.weight",
        ),
        (lambda s: s | {"extra.x": s["shared.weight"]}, "has the unknown extra.x"),
        (
            lambda s: s | {"encoder.final_layer_norm.weight": s["pooler.dense1.weight"]},
            "has in another shape encoder.final_layer_norm.weight",
        ),
        (
            lambda s: s | {"pooler.dense1.weight": s["pooler.dense1.bias"]},
            r"pooler.dense1.weight has the shape \(32,\) in place of \(32, 32\)",
        ),
        (lambda s: s | {"pooler.dense1.bias": 3}, "no table of tensors by name"),
        (lambda s: {"state": s}, "no table of tensors by name"),
        (lambda s: s | {"x": _Bomb()}, "not a file of weights alone"),
    ],
)
def test_other_weights_are_refused_by_name(
    encoders: Encoders,
    members: dict[str, bytes],
    language: State,
    tmp_path: Path,
    change: Callable[[State], object],
    sentence: str,
) -> None:
    changed = members | {"hf_model/language/pytorch_model.bin": saved(change(language))}
    archive = zipped(tmp_path / "other.zip", changed)

    with pytest.raises(DataError, match=sentence):
        aligned_encoder(archive, "language", find_settings(str(encoders("t5")), None))
    assert list((tmp_path / "home" / "encoders").iterdir()) == []


def test_what_is_no_such_zip_is_refused_in_a_sentence(
    encoders: Encoders, members: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = find_settings(str(encoders("t5")), None)

    def refused(archive: Path) -> str:
        with pytest.raises(DataError) as caught:
            aligned_encoder(archive, "language", settings)
        return str(caught.value)

    def changed(name: str, content: bytes) -> Path:
        return zipped(tmp_path / "changed.zip", members | {name: content})

    noise = tmp_path / "noise.zip"
    noise.write_bytes(b"no zip at all")
    assert "cannot be unpacked" in refused(noise)
    assert "cannot be read" in refused(tmp_path / "missing.zip")
    assert "has 0" in refused(zipped(tmp_path / "empty.zip", {"readme.txt": b""}))
    assert "and has 2" in refused(
        zipped(
            tmp_path / "two.zip", members | {f"b{name[8:]}": one for name, one in members.items()}
        )
    )
    config = "hf_model/language/config.json"
    assert "tells bert" in refused(changed(config, json.dumps({"model_type": "bert"}).encode()))
    assert "is no configuration" in refused(changed(config, b"{"))
    assert "width" in refused(changed(config, json.dumps({"model_type": "t5"}).encode()))
    weights = "hf_model/language/pytorch_model.bin"
    assert "not a file of weights" in refused(changed(weights, pickle.dumps(_Bomb())))
    assert "not a file of weights" in refused(changed(weights, b"\x80"))
    without = {name: one for name, one in members.items() if name != weights}
    assert "has neither model.safetensors nor" in refused(zipped(tmp_path / "w.zip", without))
    monkeypatch.setattr(module, "_MOST_WEIGHTS", 1000)
    assert "more than the 1,000" in refused(zipped(tmp_path / "large.zip", members))
