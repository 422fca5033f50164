"""Dense features as a few principal components, learned from training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from artcurate.benchmark.task import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """mean: float32 (d,); axes: float32 (d, components), orthogonal and of equal length."""

    mean: FloatArray
    axes: FloatArray

    @staticmethod
    def learn(features: FloatArray, most: int) -> Components:
        """At most `most` components of the rows of `features` (n, d), of largest variance.

        All components together would have rows of root mean square length 1, as a text's term
        weights have. Not whitened: a penalty on weights then holds back directions that hardly
        vary.
        """
        wide = np.asarray(features, dtype=np.float64)
        mean = wide.mean(axis=0)
        centred = wide - mean
        variances, axes = np.linalg.eigh(centred.T @ centred / len(features))
        total = variances.sum()
        scale = 1 / float(np.sqrt(total)) if total > 0 else 0.0
        chosen = axes[:, ::-1][:, :most] * scale
        return Components(mean.astype(np.float32), np.ascontiguousarray(chosen, dtype=np.float32))

    def scaled(self, length: float) -> Components:
        """The same components with rows `length` times as long."""
        return Components(self.mean, self.axes * np.float32(length))

    def project(self, features: FloatArray) -> FloatArray:
        """float32 (n, components)."""
        return np.asarray((features - self.mean) @ self.axes, dtype=np.float32)
