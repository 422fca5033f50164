from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artcurate.images.faults import Fault, FaultReason

# Before torch is imported: with small tensors more threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_VOCABULARY = (
    "a the sky sea storm calm dark bright old young woman man child smiles weeps "
    "hides angry happy sad quiet loud red blue gold river house tree night morning light shadow"
)
WORDS = _VOCABULARY.split()


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test of this room asks the network, nor does a command it starts."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="session")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function that gives the folder of a tiny, randomly initialised pretrained model by kind."""
    root = tmp_path_factory.mktemp("encoders")

    def folder(kind: str) -> Path:
        if not (root / kind / "config.json").is_file():
            _MAKERS[kind](root / kind)
        return root / kind

    return folder


def _save(model: object, folder: Path) -> None:
    from transformers.utils import logging

    logging.disable_progress_bar()
    model.save_pretrained(folder)  # type: ignore[attr-defined]


def _tokenizer(folder: Path, *, start: str = "[CLS]", end: str = "[SEP]") -> int:
    """Save a word-level WordPiece tokenizer; the size of its vocabulary."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    letters = list("abcdefghijklmnopqrstuvwxyz")
    pieces = special + WORDS + [one for one in letters if one not in WORDS]
    pieces += [f"##{letter}" for letter in letters]
    vocabulary = {piece: place for place, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = normalizers.BertNormalizer(strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        special_tokens=[(start, vocabulary[start]), (end, vocabulary[end])],
    )
    special_tokens = {"pad_token": "[PAD]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=512, **special_tokens
    ).save_pretrained(folder)
    return len(vocabulary)


def _processor(folder: Path, side: int = 32) -> None:
    settings = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": side, "width": side},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))


def _bert(folder: Path) -> None:
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    size = _tokenizer(folder)
    config = BertConfig(
        vocab_size=size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    _save(BertModel(config), folder)


def _t5(folder: Path) -> None:
    import torch
    from transformers import T5Config, T5Model

    torch.manual_seed(0)
    size = _tokenizer(folder)
    config = T5Config(
        vocab_size=size, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, dropout_rate=0.0
    )
    _save(T5Model(config), folder)


def _vit(folder: Path) -> None:
    import torch
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(1)
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=32,
        patch_size=16,
        hidden_dropout_prob=0.0,
    )
    _save(ViTModel(config), folder)
    _processor(folder)


def _resnet(folder: Path) -> None:
    import torch
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(1)
    _save(ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1])), folder)
    _processor(folder)


def _siglip(folder: Path) -> None:
    import torch
    from transformers import SiglipConfig, SiglipModel

    torch.manual_seed(1)
    size = _tokenizer(folder)
    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    small["intermediate_size"] = 64
    special = {"bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
    config = SiglipConfig(
        text_config={**small, **special, "vocab_size": size, "max_position_embeddings": 64},
        vision_config={**small, "image_size": 32, "patch_size": 16},
    )
    _save(SiglipModel(config), folder)
    _processor(folder)


_MAKERS = {"bert": _bert, "t5": _t5, "vit": _vit, "resnet": _resnet, "siglip": _siglip}


@dataclass(eq=False)
class DrawnPictures:
    """Pictures from arrays; those in `broken` do not decode."""

    arrays: Sequence[np.ndarray]
    broken: frozenset[int] = frozenset()
    decoded: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.arrays)

    def decode(self, place: int, *, min_side: int | None = None) -> Image.Image | Fault:  # noqa: ARG002
        self.decoded.append(place)
        if place in self.broken:
            return Fault(FaultReason.TRUNCATED, "The image data ends early.")
        return Image.fromarray(self.arrays[place])

    def digest(self, place: int) -> bytes:
        return hashlib.sha256(self.arrays[place].tobytes()).digest()


@pytest.fixture
def draw_pictures() -> Callable[..., DrawnPictures]:
    """A function that draws `count` different pictures."""

    def draw(count: int, broken: Sequence[int] = (), side: int = 40) -> DrawnPictures:
        random = np.random.default_rng(7)
        arrays = [
            random.integers(0, 256, (side, side + place % 3, 3), dtype=np.uint8)
            for place in range(count)
        ]
        return DrawnPictures(arrays, frozenset(broken))

    return draw


@pytest.fixture
def sentences() -> Callable[[int], list[str]]:
    """A function that writes `count` different sentences of 1 to 24 known words."""

    def write(count: int) -> list[str]:
        random = np.random.default_rng(11)
        return [
            " ".join(random.choice(WORDS, random.integers(1, 25))) + f" {chr(97 + place % 26)}"
            for place in range(count)
        ]

    return write


@pytest.fixture(scope="session")
def _built_artelingo(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import artcurate

    out = tmp_path_factory.mktemp("built") / "artelingo"
    artcurate.build(
        artcurate.resolve(artcurate.bundled_pipeline("artelingo"), ["split.mode=ratio"]),
        {
            "annotations": [sample / "artelingo_release.csv"],
            "images": [sample / "wikiart"],
        },
        out,
    )
    return out


@pytest.fixture
def artelingo(_built_artelingo: Path, tmp_path: Path) -> Path:
    """A small built ArtELingo that a test may damage or score."""
    return Path(shutil.copytree(_built_artelingo, tmp_path / "artelingo"))


@pytest.fixture(scope="session")
def _built_korean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import artcurate
    from artcurate.sources.synthetic.korean import write_korean_sample

    root = tmp_path_factory.mktemp("korean")
    write_korean_sample(root / "raw", persons=40, dialogues=400, images=600, image_size=64, seed=2)
    artcurate.build(
        artcurate.resolve(artcurate.bundled_pipeline("korean"), ["pair.draws=3"]),
        {"ecc": [root / "raw" / "ecc"], "cid": [root / "raw" / "cid"]},
        root / "korean",
    )
    return root / "korean"


@pytest.fixture
def korean(_built_korean: Path, tmp_path: Path) -> Path:
    """A small built Korean dataset that a test may damage or score."""
    return Path(shutil.copytree(_built_korean, tmp_path / "korean"))
