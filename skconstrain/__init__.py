"""scikit-learn estimators for neural networks that must obey something.

Names are loaded on first use, so that importing the package costs no TensorFlow. Which names there
are, and where, is said by `__init__.pyi`, which editors and type checkers read too.
"""

import lazy_loader

from skconstrain._keras_backend import choose_backend

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

choose_backend()
