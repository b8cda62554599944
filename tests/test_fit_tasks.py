"""Before scikit-learn 1.9 there are no callbacks, and set_callbacks says so."""

import importlib.util
import sys

import pytest
import sklearn

import skconstrain._fit_tasks


def test_set_callbacks_says_which_version_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    spec = importlib.util.find_spec("skconstrain._fit_tasks")
    older = importlib.util.module_from_spec(spec)
    # Where classes are made, dataclasses look their module up.
    monkeypatch.setitem(sys.modules, spec.name, older)
    spec.loader.exec_module(older)
    assert older is not skconstrain._fit_tasks
    message = f"needs scikit-learn 1.9.*Got scikit-learn {sklearn.__version__}.*verbose=1"
    with pytest.raises(ImportError, match=message):
        older.CallbackSupport().set_callbacks(object())
