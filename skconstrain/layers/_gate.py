"""Gate: how much each expert counts, from logits; with penalties against collapse."""

import keras
from keras import ops

from skconstrain.layers._batch_weight import current_batch_weight
from skconstrain.layers._layer import Layer
from skconstrain.layers._straight_through_one_hot import StraightThroughOneHot
from skconstrain.layers._top_k_softmax import TopKSoftmax


@keras.saving.register_keras_serializable(package="skconstrain")
class Gate(Layer):
    """Turn logits of shape (batch, L) into weights of experts that sum to 1 in each row.

    ``gating`` is "soft" (softmax), "hard" (one-hot of the largest) or "top_k". The logits are
    divided by `temperature`, a weight that is not trained; so are the factors of the penalties.

    With P the mean softmax of a batch and f the share of its rows that each expert gets (P itself
    of a soft gate), the penalty ``load_balance * (L * sum_l f_l * P_l - 1)`` is the squared
    coefficient of variation of the importance (Shazeer et al., 2017) of a soft gate, and the loss
    of Fedus, Zoph and Shazeer (2022) of the others: zero where all experts are used equally.
    ``entropy_penalty`` times the mean negative entropy of the softmax, in units of log(L), keeps
    rows undecided. The penalties of several gates, (batch, K, L), are added.
    """

    _settings = ("gating", "k", "gumbel", "penalised", "seed")

    def __init__(self, gating="soft", k=2, gumbel=False, penalised=False, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.gating, self.k, self.gumbel = gating, k, gumbel
        self.penalised, self.seed = penalised, seed
        self.choose = {
            "soft": lambda: None,
            "hard": lambda: StraightThroughOneHot(
                gumbel=gumbel, seed=seed, dtype=self.dtype_policy, name="choose"
            ),
            "top_k": lambda: TopKSoftmax(k, dtype=self.dtype_policy, name="choose"),
        }[gating]()

    def build(self, input_shape):
        self._add_fixed((), temperature=1.0, load_balance=0.0, entropy_penalty=0.0)
        if self.choose is not None:
            self.choose.build(input_shape)

    def call(self, inputs, training=False):
        if inputs.shape[-1] == 1:  # a single expert; Keras warns of a softmax over it
            return ops.ones_like(inputs)
        scaled = inputs / self.temperature
        soft = ops.softmax(scaled, axis=-1)
        if self.gating == "soft":
            chosen = soft
        elif self.gating == "hard":
            chosen = self.choose(scaled, training=training)
        else:
            chosen = self.choose(scaled)
        if training and self.penalised:
            self.add_loss(self._penalty(scaled, soft, chosen))
        return chosen

    def _penalty(self, scaled, soft, chosen):
        weight = current_batch_weight()
        weight = ops.ones_like(soft[..., 0]) if weight is None else weight
        total = ops.sum(weight, axis=0)
        weight = ops.expand_dims(weight / ops.where(total > 0, total, 1), -1)
        importance, n_experts = ops.sum(weight * soft, axis=0), soft.shape[-1]
        used = importance
        if self.gating != "soft":
            used = ops.stop_gradient(ops.sum(weight * chosen, axis=0))
        imbalance = ops.sum(n_experts * ops.sum(used * importance, axis=-1) - 1)
        negative_entropy = ops.sum(weight * soft * ops.log_softmax(scaled, axis=-1))
        unit = ops.log(ops.cast(n_experts, soft.dtype))
        return self.load_balance * imbalance + self.entropy_penalty * negative_entropy / unit
