"""History: every change of a smart model, captured by the database.

The only room that knows django-simple-history, which stays the model, query and admin layer; the writer
is a trigger.
"""

from smartmodels.history.capture import HistoryCapture
from smartmodels.history.operations import CreateCaptureFunction
from smartmodels.history.records import HistoryRow, SmartHistory, history_model
from smartmodels.history.revert import Conflict, RevertPlan, apply_revert, plan_revert
from smartmodels.history.timeline import (
    FieldChange,
    diff,
    revertible_fields,
    timeline,
    version_of,
    with_changes,
)

__all__ = [
    "Conflict",
    "CreateCaptureFunction",
    "FieldChange",
    "HistoryCapture",
    "HistoryRow",
    "RevertPlan",
    "SmartHistory",
    "apply_revert",
    "diff",
    "history_model",
    "plan_revert",
    "revertible_fields",
    "timeline",
    "version_of",
    "with_changes",
]
