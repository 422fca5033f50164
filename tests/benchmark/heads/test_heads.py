from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from artcurate.benchmark.heads import HEADS, Features, Head, Shape, build_head  # noqa: E402
from artcurate.benchmark.heads.attention import AttentionOptions  # noqa: E402
from artcurate.benchmark.heads.base import Dropout, Options, drawing_from  # noqa: E402
from artcurate.benchmark.heads.joint import GateOptions, LatentOptions  # noqa: E402
from artcurate.errors import UsageError  # noqa: E402

FUSIONS = sorted(name for name, kind in HEADS.items() if kind.least > 1)
PRIOR = torch.tensor([0.5, 0.3, 0.2])


def _features(n: int, widths: Sequence[int], seed: int = 0) -> list[Features]:
    generator = torch.Generator().manual_seed(seed)
    return [Features(torch.randn(n, width, generator=generator)) for width in widths]


def _build(name: str, widths: tuple[int, ...], options: Options | None = None) -> Head:
    torch.manual_seed(3)
    return build_head(name, Shape(widths, PRIOR), options).eval()


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def _linear(layer: Any, x: np.ndarray) -> np.ndarray:
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


def test_the_registry_holds_the_eight_fusions_and_one_modality() -> None:
    assert FUSIONS == [
        "concatenation",
        "cross_attention",
        "cross_modal_transformer",
        "embracenet",
        "gated_unit",
        "late",
        "linear_combination",
        "product_of_experts",
    ]
    assert HEADS["unimodal"].least == 1


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("widths", [(5, 7), (5, 7, 4)])
def test_every_fusion_takes_two_modalities_and_more(name: str, widths: tuple[int, ...]) -> None:
    head = _build(name, widths)
    features = _features(6, widths)
    logits = head(features)
    assert logits.shape == (6, 3)
    assert head.training_logits(features).shape[1:] == (6, 3)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", FUSIONS)
def test_a_prediction_depends_on_its_own_example_alone(name: str) -> None:
    head = _build(name, (5, 7))
    features = _features(8, (5, 7))
    whole = head(features)
    order = torch.tensor([3, 0, 7, 1])
    some = head([Features(one.pooled[order]) for one in features])
    torch.testing.assert_close(some, whole[order], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FUSIONS)
def test_every_parameter_learns(name: str) -> None:
    head = _build(name, (5, 7)).train()
    head.training_logits(_features(32, (5, 7))).square().sum().backward()
    still = [key for key, one in head.named_parameters() if one.grad is None or not one.grad.any()]
    # A key's bias shifts all scores of a query alike, which softmax does not see.
    assert [key for key in still if not key.endswith("key_value.bias")] == []


def test_late_fusion_is_the_mean_of_the_experts_probabilities() -> None:
    head = _build("late", (5, 7))
    features = _features(4, (5, 7))
    experts = [
        _softmax(expert(one.pooled).detach().numpy())
        for expert, one in zip(head.experts, features, strict=True)
    ]
    predicted = torch.softmax(head(features), -1).detach().numpy()
    np.testing.assert_allclose(predicted, np.mean(experts, axis=0), rtol=1e-5)


def test_product_of_experts_corrects_for_the_prior() -> None:
    head = _build("product_of_experts", (5, 7, 4))
    features = _features(4, (5, 7, 4))
    experts = [
        _softmax(expert(one.pooled).detach().numpy())
        for expert, one in zip(head.experts, features, strict=True)
    ]
    product = np.prod(experts, axis=0) / PRIOR.numpy() ** 2
    expected = product / product.sum(1, keepdims=True)
    predicted = torch.softmax(head(features), -1).detach().numpy()
    np.testing.assert_allclose(predicted, expected, rtol=1e-5)


def test_product_of_experts_is_bayes_rule_for_independent_modalities() -> None:
    # Two conditionally independent signals with known tables: the posterior is known exactly.
    prior = np.array([0.7, 0.2, 0.1])
    given = [
        np.array([[0.8, 0.2], [0.3, 0.7], [0.5, 0.5]]),
        np.array([[0.6, 0.4], [0.1, 0.9], [0.2, 0.8]]),
    ]
    head = build_head(
        "product_of_experts",
        Shape((2, 2), torch.tensor(prior, dtype=torch.float32)),
        Options(hidden=()),
    )
    with torch.no_grad():
        for expert, table in zip(head.experts, given, strict=True):
            joint = prior[:, None] * table
            posterior = joint / joint.sum(0)
            expert[0].weight.copy_(torch.tensor(np.log(posterior)))
            expert[0].bias.zero_()
    signals = [torch.eye(2)[[0, 1]], torch.eye(2)[[1, 1]]]
    predicted = torch.softmax(head([Features(one) for one in signals]), -1).detach().numpy()
    exact = prior * given[0].T[[0, 1]] * given[1].T[[1, 1]]
    np.testing.assert_allclose(predicted, exact / exact.sum(1, keepdims=True), rtol=1e-5)


def test_experts_are_trained_each_by_itself() -> None:
    head = _build("late", (5, 7)).train()
    features = _features(6, (5, 7))
    head.training_logits(features)[0].sum().backward()
    assert all(one.grad.any() for one in head.experts[0].parameters())
    assert not any(one.grad.any() for one in head.experts[1].parameters())


def test_linear_combination_by_hand() -> None:
    head = _build("linear_combination", (6, 6), LatentOptions(hidden=(), latent=None))
    with torch.no_grad():
        head.weights.copy_(torch.tensor([0.25, -2.0]))
    text, image = (one.pooled.numpy() for one in _features(4, (6, 6)))
    expected = _linear(head.classifier[0], 0.25 * text - 2.0 * image)
    np.testing.assert_allclose(
        head(_features(4, (6, 6))).detach().numpy(), expected, rtol=1e-4, atol=1e-6
    )


def test_gated_unit_by_hand() -> None:
    head = _build("gated_unit", (5, 7), GateOptions(latent=4))
    text, image = (one.pooled.numpy() for one in _features(3, (5, 7)))
    gate = 1 / (1 + np.exp(-_linear(head.gates, np.hstack([text, image]))))
    fused = gate * np.tanh(_linear(head.latents[0], text))
    fused += (1 - gate) * np.tanh(_linear(head.latents[1], image))
    expected = _linear(head.classifier[0], fused)
    np.testing.assert_allclose(
        head(_features(3, (5, 7))).detach().numpy(), expected, rtol=1e-4, atol=1e-6
    )


def test_cross_attention_by_hand() -> None:
    options = AttentionOptions(hidden=(), width=4, tokens=3, attention_heads=2)
    head = _build("cross_attention", (5, 7), options)
    features = _features(1, (5, 7))
    tokens = [
        _linear(make.project, one.pooled.numpy()).reshape(3, 4)
        for make, one in zip(head.tokens, features, strict=True)
    ]
    means = []
    for (a, b), attention in zip(head.pairs, head.attention, strict=True):
        query = _linear(attention.query, tokens[a])
        key, value = np.split(_linear(attention.key_value, tokens[b]), 2, axis=1)
        mixed = np.hstack(
            [
                _softmax(query[:, part] @ key[:, part].T / math.sqrt(2)) @ value[:, part]
                for part in (slice(0, 2), slice(2, 4))
            ]
        )
        residual = tokens[a] + _linear(attention.out, mixed)
        normed = residual - residual.mean(1, keepdims=True)
        normed /= np.sqrt(residual.var(1, keepdims=True) + 1e-5)
        means.append(normed.mean(0))
    expected = _linear(head.classifier[0], np.concatenate(means))
    np.testing.assert_allclose(head(features).detach().numpy()[0], expected, rtol=1e-3, atol=1e-5)


def test_embracenet_draws_one_modality_per_component_in_training() -> None:
    head = _build("embracenet", (5, 7)).train()
    with torch.no_grad():
        for dock, value in zip(head.docking, (1.0, 3.0), strict=True):
            dock.weight.zero_()
            dock.bias.fill_(value)
    seen: list[Any] = []
    head.classifier.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    head(_features(500, (5, 7)))
    assert set(seen[0].unique().tolist()) == {1.0, 3.0}
    assert float((seen[0] == 1.0).float().mean()) == pytest.approx(0.5, abs=0.02)
    head.eval()(_features(2, (5, 7)))
    assert set(seen[1].unique().tolist()) == {2.0}


@pytest.mark.parametrize("name", ["cross_attention", "cross_modal_transformer"])
def test_attention_over_the_encoders_tokens_does_not_see_padding(name: str) -> None:
    head = _build(name, (5, 7), AttentionOptions(sequences=True, attention_heads=2))
    generator = torch.Generator().manual_seed(1)
    tokens = [torch.randn(2, 4, width, generator=generator) for width in (5, 7)]
    mask = torch.tensor([[True, True, True, True], [True, True, False, False]])

    def predicted(first: Any) -> Any:
        return head(
            [Features(first.mean(1), first, mask), Features(tokens[1].mean(1), tokens[1], mask)]
        )

    changed = tokens[0].clone()
    changed[1, 2:] += 100
    torch.testing.assert_close(predicted(changed), predicted(tokens[0]))
    changed[0, 2:] += 100
    assert not torch.allclose(predicted(changed)[0], predicted(tokens[0])[0])


@pytest.mark.parametrize("count", [1, 2, 4])
def test_attention_of_few_tokens_equals_the_fused_kernel(count: int) -> None:
    options = AttentionOptions(sequences=True, attention_heads=2)
    head = _build("cross_modal_transformer", (5, 7), options)
    tokens = [torch.randn(3, count, width) for width in (5, 7)]
    everything = torch.ones(3, count, dtype=torch.bool)
    plain = [Features(one.mean(1), one, None) for one in tokens]
    masked = [Features(one.mean(1), one, everything) for one in tokens]
    torch.testing.assert_close(head(plain), head(masked), rtol=1e-4, atol=1e-5)


def test_an_unknown_head_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'embracenet'"):
        build_head("embraceNet", Shape((2, 2), PRIOR))


def test_a_fusion_needs_two_modalities() -> None:
    with pytest.raises(UsageError, match="fuses at least 2 modalities"):
        build_head("late", Shape((2,), PRIOR))


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_dropout_leaves_out_its_share_and_keeps_the_mean(share: float) -> None:
    units = torch.ones(300, 1001)
    with drawing_from(torch.Generator().manual_seed(0)):
        kept = Dropout(share)(units)
    values = kept.unique().tolist()
    assert values == [0.0, pytest.approx(1 / (1 - share), rel=1e-4)]
    # Six standard deviations of the share of 300,300 units.
    assert abs(float((kept == 0).float().mean()) - share) < 6 * math.sqrt(0.25 / kept.numel())


def test_dropout_as_torch_has_it_at_its_ends() -> None:
    units = torch.randn(4, 5)
    assert torch.equal(Dropout(0.0)(units), units)
    assert torch.equal(Dropout(1.0)(units), torch.zeros(4, 5))
    assert torch.equal(Dropout(0.5).eval()(units), units)


def test_what_heads_draw_comes_from_the_generator_of_their_thread() -> None:
    units = torch.ones(50, 50)
    state = torch.get_rng_state()

    def drawn(seed: int) -> Any:
        with drawing_from(torch.Generator().manual_seed(seed)):
            return Dropout(0.5)(units)

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("count", [2, 3])
def test_embracenet_takes_every_component_from_one_modality_alike_often(count: int) -> None:
    head = _build("embracenet", (1,) * count)
    head.classifier = torch.nn.Identity()
    for number, dock in enumerate(head.docking):
        torch.nn.init.zeros_(dock.weight)
        torch.nn.init.constant_(dock.bias, number + 1)
    head.train()
    with drawing_from(torch.Generator().manual_seed(0)):
        docked = head(_features(2_000, (1,) * count))
    counts = torch.bincount(docked.flatten().long(), minlength=count + 1)
    assert counts[0] == 0
    share = counts[1:] / docked.numel()
    assert torch.allclose(share, torch.full((count,), 1 / count), atol=0.01)
