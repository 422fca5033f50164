from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from PIL import Image  # noqa: E402

from artcurate.benchmark.encoders import load_image_encoder, load_text_encoder  # noqa: E402
from artcurate.errors import DataError  # noqa: E402

Encoders = Callable[[str], Path]


def _picture() -> Image.Image:
    random = np.random.default_rng(0)
    return Image.fromarray(random.integers(0, 256, (50, 70, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("cls", lambda output: output.last_hidden_state[0, 0]),
        ("mean", lambda output: output.last_hidden_state[0].mean(0)),
        ("masked_sum_sqrt", lambda output: output.last_hidden_state[0].sum(0) / 5**0.5),
        ("pooler", lambda output: output.pooler_output[0]),
    ],
)
def test_poolings_beside_the_plain_model_without_padding(
    encoders: Encoders, pooling: str, expected: Callable
) -> None:
    folder = encoders("bert")
    encoder = load_text_encoder(str(folder), pooling=pooling).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    plain = transformers.AutoModel.from_pretrained(folder).eval()
    sequences = encoder.tokenize(["the dark sea", "a", "the old man smiles quiet"])
    with torch.no_grad():
        padded = encoder(*sequences.padded(np.arange(3))).pooled[0]
        alone = plain(**tokenizer(["the dark sea"], return_tensors="pt"))
    torch.testing.assert_close(padded, expected(alone), rtol=1e-4, atol=1e-5)


def test_an_encoder_decoder_gives_its_encoder_alone(encoders: Encoders) -> None:
    encoder = load_text_encoder(str(encoders("t5")), pooling="masked_sum_sqrt")
    assert type(encoder.model).__name__ == "T5EncoderModel"
    assert encoder.width == 32
    with torch.no_grad():
        output = encoder(*encoder.tokenize(["the sea", "a"]).padded(np.arange(2)))
    assert output.pooled.shape == (2, 32)
    assert output.mask.tolist() == [[True] * 4, [True] * 3 + [False]]


def test_a_two_tower_model_gives_the_tower_asked_for(encoders: Encoders) -> None:
    folder = str(encoders("siglip"))
    image = load_image_encoder(folder)
    text = load_text_encoder(folder, pooling="mean")
    with torch.no_grad():
        seen = image(torch.from_numpy(image.pixels(_picture()))[None])
        read = text(*text.tokenize(["the sea"]).padded(np.arange(1)))
    assert seen.pooled.shape == read.pooled.shape == (1, 32)


def test_a_convolutional_network_is_pooled_over_its_places(encoders: Encoders) -> None:
    folder = encoders("resnet")
    encoder = load_image_encoder(str(folder), pooling="mean").eval()
    plain = transformers.AutoModel.from_pretrained(folder).eval()
    pixels = torch.from_numpy(encoder.pixels(_picture()))[None]
    with torch.no_grad():
        mean = encoder(pixels).pooled
        expected = plain(pixels).pooler_output
    assert mean.shape == (1, 16)
    torch.testing.assert_close(mean, expected[:, :, 0, 0])
    with pytest.raises(DataError, match="no class token"):
        load_image_encoder(str(folder), pooling="cls")(pixels)


def test_pixels_are_those_of_the_models_own_processor(encoders: Encoders) -> None:
    encoder = load_image_encoder(str(encoders("vit")))
    resized = _picture().resize((32, 32), Image.Resampling.BILINEAR)
    expected = (np.asarray(resized, np.float32) / 255 - 0.5) / 0.5
    np.testing.assert_allclose(encoder.pixels(_picture()), expected.transpose(2, 0, 1), atol=1e-5)
    assert encoder.processor == "ViTImageProcessorPil"


def test_texts_are_cut_at_the_models_own_limit(encoders: Encoders) -> None:
    encoder = load_text_encoder(str(encoders("bert")), max_length=1000)
    assert encoder.max_length == 64
    assert encoder.tokenize(["sea " * 500]).lengths.tolist() == [64]


def test_a_prefix_stands_before_every_text(encoders: Encoders) -> None:
    folder = str(encoders("bert"))
    plain = load_text_encoder(folder).tokenize(["the old sea"])
    prefixed = load_text_encoder(folder, prefix="the old ").tokenize(["sea"])
    assert prefixed.tokens.tolist() == plain.tokens.tolist()


def test_an_empty_text_has_features(encoders: Encoders) -> None:
    encoder = load_text_encoder(str(encoders("t5"))).eval()
    with torch.no_grad():
        pooled = encoder(*encoder.tokenize([""]).padded(np.arange(1))).pooled
    assert torch.isfinite(pooled).all()


def test_pickled_weights_are_refused(encoders: Encoders, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(encoders("bert"), folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"only pytorch_model\.bin.*pickled weights are not loaded"):
        load_text_encoder(str(folder))


def test_a_model_with_code_of_its_own_is_refused(encoders: Encoders, tmp_path: Path) -> None:
    folder = tmp_path / "remote"
    shutil.copytree(encoders("bert"), folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "unheard_of", "auto_map": {"AutoConfig": "evil.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text("raise SystemExit('code ran')")
    with pytest.raises(DataError, match="no code of its own"):
        load_text_encoder(str(folder))


def test_an_unreachable_model_says_how_to_bring_it(encoders: Encoders) -> None:
    with pytest.raises(DataError, match="hf download nobody/none --local-dir FOLDER"):
        load_text_encoder("nobody/none")


@pytest.mark.parametrize("identifier", ["no/such/folder", "bad id!"])
def test_neither_a_folder_nor_an_id(identifier: str) -> None:
    with pytest.raises(DataError, match="no such folder"):
        load_text_encoder(identifier)


def test_a_text_model_is_no_image_encoder_and_the_other_way_round(encoders: Encoders) -> None:
    with pytest.raises(DataError, match="no vision encoder"):
        load_image_encoder(str(encoders("bert")))
    with pytest.raises(DataError, match="no text encoder"):
        load_text_encoder(str(encoders("vit")))


def test_a_model_without_a_processor_is_refused(encoders: Encoders, tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(encoders("vit"), folder)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(DataError, match=r"no preprocessor_config\.json"):
        load_image_encoder(str(folder))


def test_changed_weights_change_the_fingerprint(encoders: Encoders, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(encoders("bert"), folder)
    before = load_text_encoder(str(folder)).files.sha256
    assert before == load_text_encoder(str(encoders("bert"))).files.sha256
    model = transformers.AutoModel.from_pretrained(folder)
    with torch.no_grad():
        model.embeddings.word_embeddings.weight[0, 0] += 1
    model.save_pretrained(folder)
    assert load_text_encoder(str(folder)).files.sha256 != before
