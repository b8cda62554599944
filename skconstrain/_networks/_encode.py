"""Encoding: numbers without gaps, and flags of gaps and categories."""

from dataclasses import dataclass, field

import numpy as np

from skconstrain._formulas._layers import encoded
from skconstrain._formulas._numpy_ops import NUMPY_OPS
from skconstrain._formulas._recipe import CODE_OF_GAPS
from skconstrain._networks._stage import FrontStage
from skconstrain._networks._weight import Weight, fixed

# No row has it.
_NO_CODE = -2.0
_FEW_FLAGS, _STEP_OF_MANY = 16, 8


@dataclass(frozen=True)
class Encode(FrontStage):
    """Numbers whose gaps are their centers, and behind them a flag for each gap and category.

    `numbers` are the positions of features that are numbers; a flag is 1 where the feature at its
    position in `flagged` has its code in `codes`. All of that are weights, which are not trained:
    networks with as many of both are equal, and train in the same program.
    """

    numbers: tuple[int, ...] = field(compare=False)
    flagged: tuple[int, ...] = field(compare=False)
    codes: tuple[float, ...] = field(compare=False)
    standardized: bool
    n_numbers: int = field(init=False)
    n_flags: int = field(init=False)
    name = "encode"

    def __post_init__(self):
        object.__setattr__(self, "n_numbers", len(self.numbers))
        object.__setattr__(self, "n_flags", len(self.flagged))

    @classmethod
    def found(cls, network, summary, n_inputs):
        """Return the stage of features among which are categories, or gaps.

        A network whose connections name the features has no flags.
        """
        n_codes, gaps = np.asarray(summary.n_codes), summary.gaps
        if not (n_codes.any() or gaps.any()):
            return None
        flags = []
        for j in range(0 if network.names_features else n_inputs):
            flags += [(j, float(code)) for code in range(n_codes[j])]
            flags += [(j, CODE_OF_GAPS)] if gaps[j] else []
        if n_codes.any() and len(flags) > _FEW_FLAGS:
            # Folds of a search that differ in a few categories train in the same program.
            flags += [(int(n_codes.argmax()), _NO_CODE)] * (-len(flags) % _STEP_OF_MANY)
        flagged, codes = zip(*flags, strict=True) if flags else ((), ())
        numbers = tuple(np.flatnonzero(n_codes == 0).tolist())
        return cls(numbers, flagged, codes, network.standardized)

    @property
    def n_outputs(self):
        return self.n_numbers + self.n_flags

    @property
    def width(self):
        return self.n_outputs

    def signs(self, signs):
        return tuple(signs[j] for j in self.numbers) + (0,) * self.n_flags

    def weights(self):
        shapes = {"numbers": self.n_numbers, "flagged": self.n_flags, "codes": self.n_flags}
        positions = [
            Weight(f"encode/{name}", (size,), lambda *_, name=name: getattr(self, name), False)
            for name, size in shapes.items()
        ]
        return [*fixed(self.name, (self.n_numbers,), center=0.0), *positions]

    def known(self, summary):
        """Return what gaps are filled by: 0 where features have no center."""
        center = summary.center_and_scale[0] if self.standardized else np.zeros(self.n_outputs)
        return {"encode/center": center[: self.n_numbers]}

    def layer(self, dtype, kernels):
        from skconstrain.layers import _encode

        parts = self.numbers, self.flagged, self.codes
        return _encode.Encode(*parts, dtype=dtype, name=self.name)

    def forward(self, named, X):
        numbers, flagged = np.array(self.numbers, int), np.array(self.flagged, int)
        codes = np.array(self.codes, X.dtype)
        return encoded(NUMPY_OPS, X[:, numbers], named["encode/center"], X[:, flagged], codes)
