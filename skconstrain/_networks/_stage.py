"""Stages: the steps of a network, each in a file of its own."""

from abc import ABC, abstractmethod

import numpy as np

from skconstrain._networks._weight import Weight


class Stage(ABC):
    """One step of a network: its weights, its Keras layer, and what that computes in NumPy.

    Stages are frozen dataclasses, which are compared by value and read without Keras. Several
    networks or experts have an axis of their own: the second one of Keras' values, as in
    (n_rows, n_models, n_units), and the first one in NumPy, with one product for each. The experts
    of several networks have two, in the same places: networks, then experts.

    Attributes
    ----------
    name
        Name of the layer; weights are named ``"layer/weight"``.
    width
        How many values it holds for a row, at most.
    n_models
        The number of several networks or experts, for stages that have it; None for one. Both
        numbers for the experts of several networks.
    runs_in_numpy
        Whether `forward` knows what the layer computes; else Keras predicts.
    supports_xla
        Whether XLA can compile the layer.
    """

    name: str
    width: int = 0
    n_models: int | tuple[int, int] | None
    runs_in_numpy: bool = True
    supports_xla: bool = True

    @property
    def model_axis(self) -> tuple[int, ...]:
        """The leading axes of trained weights."""
        if isinstance(self.n_models, tuple):
            return self.n_models
        return () if self.n_models is None else (self.n_models,)

    def weights(self) -> list[Weight]:
        """Return its weights, in the order in which they are drawn."""
        return []

    def known(self, summary) -> dict[str, np.ndarray]:
        """Return weights that follow from the training rows, by name; see `FeatureSummary`."""
        return {}

    def computed(self, named: dict[str, np.ndarray]) -> dict[str, object]:
        """Return what `forward` uses in place of fitted weights, by their names."""
        return {}

    @abstractmethod
    def layer(self, dtype: str, kernels):
        """Return a new Keras layer, whose kernels are initialised by `kernels`."""

    @abstractmethod
    def forward(self, named: dict[str, np.ndarray], *values: np.ndarray) -> np.ndarray:
        """Return what the layer predicts, in NumPy; `named` are fitted weights."""


class FrontStage(Stage):
    """A stage in front of the layers with kernels; the training rows decide whether it is there.

    Attributes
    ----------
    n_outputs
        How many values of a row it returns.
    """

    n_outputs: int

    @classmethod
    @abstractmethod
    def found(cls, network, summary, n_inputs: int) -> "FrontStage | None":
        """Return the stage for `n_inputs` values of a row, or None where the network has none.

        `network` holds the settings; `summary` is the `FeatureSummary` of the training rows.
        """

    def signs(self, signs: tuple[int, ...]) -> tuple[int, ...]:
        """Return the signs of its outputs, from those of its inputs: see `monotonic_cst`."""
        return signs

    def rescaled(self, named: dict, factor, shift) -> tuple[dict, np.ndarray, np.ndarray]:
        """Return the weights that let outputs stay where inputs were ``factor * x + shift``.

        With them what outputs were, in the same way, of those that weights cannot keep.
        """
        # Not abstract: only stages that standardised features come to are asked.
        raise NotImplementedError(f"{type(self).__name__} is fed by other features.")

    def of_one(self) -> "FrontStage":
        """Return the stage of one of several networks."""
        return self
