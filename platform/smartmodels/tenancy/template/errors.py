"""What is refused about templates."""

from __future__ import annotations

from smartmodels.exceptions import SmartModelsError

__all__ = ["TemplateUnusable"]


class TemplateUnusable(SmartModelsError):
    """The template schema holds what no script can make again: the message names it."""

    code = "template-unusable"
    status = 500
