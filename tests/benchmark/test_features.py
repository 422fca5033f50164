from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from artcurate.benchmark import features as module  # noqa: E402
from artcurate.benchmark.devices import Precision  # noqa: E402
from artcurate.benchmark.encoders import load_image_encoder, load_text_encoder  # noqa: E402
from artcurate.benchmark.feature_cache import FeatureCache, keys_of_texts  # noqa: E402
from artcurate.benchmark.features import Features, image_features, text_features  # noqa: E402
from artcurate.errors import DataError  # noqa: E402
from artcurate.progress import ProgressMode, meter  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _texts(encoder: Any, texts: list[str], **options: Any) -> Features:
    with meter("texts", len(texts), unit="text", mode=ProgressMode.QUIET) as counter:
        options = {"precision": Precision.FLOAT32} | options
        return text_features(encoder, texts, device=CPU, meter=counter, **options)


def _pictures(encoder: Any, pictures: Any, **options: Any) -> Features:
    with meter("pictures", len(pictures), unit="picture", mode=ProgressMode.QUIET) as counter:
        return image_features(
            encoder, pictures, device=CPU, meter=counter, precision=Precision.FLOAT32, **options
        )


def test_features_come_in_the_order_of_the_inputs_whatever_the_batches(
    encoders: Callable[[str], Path], sentences: Callable[[int], list[str]], own_home: Path
) -> None:
    encoder = load_text_encoder(str(encoders("bert")))
    texts = sentences(70)
    batched = _texts(encoder, texts, tokens_per_batch=200)
    assert batched.computed == 70
    assert 0 <= batched.padding < 0.1
    for place in (0, 13, 69):
        with torch.no_grad():
            alone = encoder(*encoder.tokenize([texts[place]]).padded(np.arange(1))).pooled[0]
        np.testing.assert_allclose(batched.values[place], alone.numpy(), atol=2e-3)


def test_a_second_run_computes_nothing_and_a_new_input_alone_is_computed(
    encoders: Callable[[str], Path],
    sentences: Callable[[int], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoder = load_text_encoder(str(encoders("bert")))
    texts = sentences(30)
    first = _texts(encoder, texts)
    forward = encoder.forward
    seen = []
    monkeypatch.setattr(
        encoder, "forward", lambda tokens, mask: seen.append(len(tokens)) or forward(tokens, mask)
    )
    again = _texts(encoder, texts[::-1])
    assert (again.computed, seen) == (0, [])
    np.testing.assert_array_equal(again.values[::-1], first.values)
    more = _texts(encoder, ["the new sea", *texts])
    assert (more.computed, seen) == (1, [1])
    np.testing.assert_array_equal(more.values[1:], first.values)


@pytest.mark.parametrize("precision", list(Precision))
def test_parts_of_the_cache_hold_what_a_whole_one_holds(
    precision: Precision,
    encoders: Callable[[str], Path],
    sentences: Callable[[int], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    encoder = load_text_encoder(str(encoders("bert")))
    texts = sentences(40)
    whole = _texts(encoder, texts, precision=precision, tokens_per_batch=60)
    monkeypatch.setenv("ARTCURATE_HOME", str(tmp_path / "another"))
    monkeypatch.setattr(module, "_PART", 16)
    parts = _texts(encoder, texts, precision=precision, tokens_per_batch=60)
    assert parts.computed == 40
    np.testing.assert_array_equal(parts.values, whole.values)


def test_another_pooling_shares_nothing(
    encoders: Callable[[str], Path], sentences: Callable[[int], list[str]]
) -> None:
    texts = sentences(5)
    _texts(load_text_encoder(str(encoders("bert")), pooling="mean"), texts)
    other = _texts(load_text_encoder(str(encoders("bert")), pooling="cls"), texts)
    assert other.computed == 5


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_cache_file_is_noticed_and_computed_again(
    encoders: Callable[[str], Path],
    sentences: Callable[[int], list[str]],
    own_home: Path,
    damage: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    encoder = load_text_encoder(str(encoders("bert")))
    texts = sentences(10)
    first = _texts(encoder, texts)
    (file,) = own_home.rglob("*.safetensors")
    data = bytearray(file.read_bytes())
    if damage == "cut":
        del data[-5:]
    else:
        data[-1] ^= 1
    file.write_bytes(bytes(data))
    again = _texts(encoder, texts)
    assert again.computed == 10
    assert "damaged" in capsys.readouterr().err
    np.testing.assert_array_equal(again.values, first.values)
    assert _texts(encoder, texts).computed == 0


def test_keys_that_share_their_first_bytes_are_told_apart(tmp_path: Path) -> None:
    cache = FeatureCache({"encoder": "x"}, tmp_path)
    keys = np.zeros((2, 32), np.uint8)
    keys[1, 31] = 1
    cache.add(keys[:1], np.array([[1, 2]], np.float16))
    out = np.zeros((1, 2), np.float32)
    assert not cache.find(keys[1:], out).any()
    assert cache.find(keys[:1], out).all()
    assert out.tolist() == [[1, 2]]


def test_keys_of_texts_stand_a_lone_surrogate() -> None:
    assert keys_of_texts(["\ud800", "a"]).shape == (2, 32)


def test_without_memory_batches_are_halved_and_the_features_stay(
    encoders: Callable[[str], Path],
    sentences: Callable[[int], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    encoder = load_text_encoder(str(encoders("bert")))
    texts = sentences(40)
    expected = _texts(encoder, texts, cache=FeatureCache({}, tmp_path / "a")).values
    forward = encoder.forward

    def small(tokens: Any, mask: Any) -> Any:
        if len(tokens) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(tokens, mask)

    monkeypatch.setattr(encoder, "forward", small)
    halved = _texts(encoder, texts, cache=FeatureCache({}, tmp_path / "b"))
    np.testing.assert_allclose(halved.values, expected, atol=2e-3)
    assert halved.largest_batch is not None
    assert "out of memory with" in capsys.readouterr().err


def test_an_input_that_never_fits_is_an_error_of_one_sentence(
    encoders: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = load_text_encoder(str(encoders("bert")))

    def never(tokens: Any, mask: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(encoder, "forward", never)
    with pytest.raises(DataError, match="not even one input fits"):
        _texts(encoder, ["the sea", "a"])


def test_pictures_in_their_order_and_the_unreadable_one_named(
    encoders: Callable[[str], Path], draw_pictures: Callable[..., Any]
) -> None:
    encoder = load_image_encoder(str(encoders("vit")), pooling="pooler")
    pictures = draw_pictures(9, broken=[4])
    found = _pictures(encoder, pictures, pictures_per_batch=4)
    assert found.faults == {4: "The image data ends early."}
    assert not found.values[4].any()
    pixels = torch.from_numpy(encoder.pixels(pictures.decode(8)))[None]
    with torch.no_grad():
        np.testing.assert_allclose(found.values[8], encoder(pixels).pooled[0].numpy(), atol=2e-3)
    pictures.decoded.clear()
    again = _pictures(encoder, pictures)
    assert pictures.decoded == [4]
    np.testing.assert_array_equal(again.values, found.values)


def test_an_interrupted_run_keeps_what_it_finished(
    encoders: Callable[[str], Path],
    sentences: Callable[[int], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PART", 8)
    encoder = load_text_encoder(str(encoders("bert")))
    texts = sentences(40)
    forward, calls = encoder.forward, []

    def stopped(tokens: Any, mask: Any) -> Any:
        calls.append(len(tokens))
        if sum(calls) > 20:
            raise KeyboardInterrupt
        return forward(tokens, mask)

    monkeypatch.setattr(encoder, "forward", stopped)
    with pytest.raises(KeyboardInterrupt):
        _texts(encoder, texts, tokens_per_batch=60)
    monkeypatch.setattr(encoder, "forward", forward)
    assert _texts(encoder, texts).computed < 40
