"""The template: what the code's migrations make of an empty schema, recorded once and replayed often."""

from smartmodels.tenancy.template.refreshing import current_template, refresh_template
from smartmodels.tenancy.template.replaying import replay

__all__ = ["current_template", "refresh_template", "replay"]
