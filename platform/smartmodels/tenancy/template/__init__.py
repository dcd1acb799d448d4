"""The template: what the code's migrations make of an empty schema, recorded once and replayed often."""

from smartmodels.tenancy.template.comparing import Difference, compare, differences_of
from smartmodels.tenancy.template.fingerprints import code_state
from smartmodels.tenancy.template.refreshing import current_template, find_template, refresh_template
from smartmodels.tenancy.template.replaying import replay

__all__ = [
    "Difference",
    "code_state",
    "compare",
    "current_template",
    "differences_of",
    "find_template",
    "refresh_template",
    "replay",
]
