"""Layers compute in the precision they are asked for, under JAX too."""

import pytest

from skconstrain._engine import precision


@pytest.fixture(autouse=True)
def _own_precision():
    with precision():
        yield
