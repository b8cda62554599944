"""The scores of given experts, which become logits."""

from dataclasses import dataclass

import numpy as np

from skconstrain._formulas._layers import calibrated
from skconstrain._formulas._numpy_ops import NUMPY_OPS
from skconstrain._formulas._recipe import UNSEEN_LOGIT
from skconstrain._networks._stage import Stage
from skconstrain._networks._weight import Weight


@dataclass(frozen=True)
class ScoreColumns(Stage):
    """Scores of given experts: of L experts, C columns for each.

    `trained` says for each expert whether a scale and a shift make its scores logits; `seen` for
    each expert and column whether the expert knows the class.
    """

    trained: tuple[bool, ...]
    seen: tuple[tuple[bool, ...], ...]
    name = "eta"

    @property
    def width(self):
        return len(self.seen) * len(self.seen[0])

    def weights(self):
        n_experts = len(self.seen)
        shape = (n_experts, len(self.seen[0]))
        return [Weight("eta/scale", (n_experts, 1), 1.0), Weight("eta/shift", shape)]

    def layer(self, dtype, kernels):
        from skconstrain.layers._calibration import Calibration

        return Calibration(self.trained, self.seen, dtype=dtype, name=self.name)

    def forward(self, named, scores):
        """Return the logits of the experts, (L, n_rows, C)."""
        scale, shift = named["eta/scale"], named["eta/shift"]
        flags = np.asarray(self.trained)[:, None], np.asarray(self.seen)
        logits = calibrated(NUMPY_OPS, scores, scale, shift, *flags, unseen=UNSEEN_LOGIT)
        return np.moveaxis(logits.astype(scale.dtype, copy=False), 1, 0)
