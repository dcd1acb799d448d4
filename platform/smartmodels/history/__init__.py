"""History: every change of a smart model, captured by the database.

The only room that knows django-simple-history, which stays the model, query and admin layer; the writer
is a trigger.
"""

from smartmodels.history.activity import OperationSummary, RowChange, Wanted, changes_of, list_operations
from smartmodels.history.capture import HistoryCapture
from smartmodels.history.evidence import erase_versions
from smartmodels.history.feed import ChangesGone, Part, Place, is_behind, newest_place, read_on
from smartmodels.history.installed import Defect, defects, repair
from smartmodels.history.marks import all_marks, delete_mark, find_mark, mark
from smartmodels.history.operations import CreateCaptureFunction, RecordLayouts
from smartmodels.history.past import refuse_past
from smartmodels.history.plans import Conflict, RevertPlan, RowPlan
from smartmodels.history.records import HistoryRow, SmartHistory, history_model
from smartmodels.history.revert import (
    Reverted,
    apply_revert,
    plan_revert,
    plan_revert_mark,
    plan_revert_operation,
    plan_revert_user,
    plan_selection,
    resolve,
)
from smartmodels.history.selecting import AfterVersion, ByUser, InOperation, SinceMoment
from smartmodels.history.timeline import (
    FieldChange,
    changes_by_version,
    diff,
    first_values,
    revertible_fields,
    timeline,
    version_at,
    version_before,
    version_of,
    with_changes,
)
from smartmodels.history.tracking import tracked_links, tracked_models
from smartmodels.history.writers import write_versions

__all__ = [
    "AfterVersion",
    "ByUser",
    "ChangesGone",
    "Conflict",
    "CreateCaptureFunction",
    "Defect",
    "FieldChange",
    "HistoryCapture",
    "HistoryRow",
    "InOperation",
    "OperationSummary",
    "Part",
    "Place",
    "RecordLayouts",
    "RevertPlan",
    "Reverted",
    "RowChange",
    "RowPlan",
    "SinceMoment",
    "SmartHistory",
    "Wanted",
    "all_marks",
    "apply_revert",
    "changes_by_version",
    "changes_of",
    "defects",
    "delete_mark",
    "diff",
    "erase_versions",
    "find_mark",
    "first_values",
    "history_model",
    "is_behind",
    "list_operations",
    "mark",
    "newest_place",
    "plan_revert",
    "plan_revert_mark",
    "plan_revert_operation",
    "plan_revert_user",
    "plan_selection",
    "read_on",
    "refuse_past",
    "repair",
    "resolve",
    "revertible_fields",
    "timeline",
    "tracked_links",
    "tracked_models",
    "version_at",
    "version_before",
    "version_of",
    "with_changes",
    "write_versions",
]
