"""History: every change of a smart model, captured by the database. The only room that knows
django-simple-history, which stays the model, query and admin layer; the writer is a trigger."""

from smartmodels.history.capture import HistoryCapture
from smartmodels.history.operations import CreateCaptureFunction
from smartmodels.history.records import HistoryRow, SmartHistory, history_model

__all__ = ["CreateCaptureFunction", "HistoryCapture", "HistoryRow", "SmartHistory", "history_model"]
