"""Connections for people who have edges, bands, blocks or images rather than matrices.

Every builder returns a :class:`ConnectionMatrix` with a name for each unit, and takes one in the
place of its inputs, so that layers follow each other; :func:`from_edges` returns a list of them.
"""

from skconstrain.connections._additive import additive
from skconstrain.connections._bands import banded
from skconstrain.connections._blocks import blocks
from skconstrain.connections._edges import from_edges
from skconstrain.connections._matrix import ConnectionMatrix
from skconstrain.connections._random import random
from skconstrain.connections._receptive_fields import ImageConnectionMatrix, receptive_fields

__all__ = [
    "ConnectionMatrix",
    "ImageConnectionMatrix",
    "additive",
    "banded",
    "blocks",
    "from_edges",
    "random",
    "receptive_fields",
]
