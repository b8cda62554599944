"""What a refusal must say."""

import re

import pytest


def refuses(*parts):
    """Expect a ValueError whose message holds `parts`, in this order."""
    return pytest.raises(ValueError, match="(?s)" + ".*".join(map(re.escape, parts)))
