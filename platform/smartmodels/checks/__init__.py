"""System checks: what is wrong with a project's settings or models, each with an id and the way out.

``docs/reference/checks.md`` lists them. They run with every command of ``manage.py``, and
``manage.py smartmodels doctor`` prints them together with the state of the database.
"""

from smartmodels.checks.history import check_history
from smartmodels.checks.models import check_models
from smartmodels.checks.settings import check_settings

__all__ = ["check_history", "check_models", "check_settings"]
