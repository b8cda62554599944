"""Where scikit-learn's HTML boxes link to: pages of the site in `docs/`."""

import os

# The site has no public address: once it has one, that is the default here. Until then nothing is
# linked, unless whoever serves a built site says where, before this package is imported:
# SKCONSTRAIN_DOCS=http://localhost:8000
ADDRESS = os.environ.get("SKCONSTRAIN_DOCS", "").rstrip("/")


class Documented:
    """Link the boxes of an estimator, and the parameters in them, to its page.

    scikit-learn fills in the template and links nothing where the result is empty.
    """

    _doc_link_module = "skconstrain"
    _doc_link_template = (
        f"{ADDRESS}/api/{{estimator_module}}.{{estimator_name}}.html" if ADDRESS else ""
    )
