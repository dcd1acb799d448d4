"""Lists: pages by keyset, totals on request, tags, the past, and rows as JSON in one statement."""

from smartmodels.rest.lists.answering import answer_list
from smartmodels.rest.lists.conditions import answer_row, check_row
from smartmodels.rest.lists.describing import ListPagination, RowSchema
from smartmodels.rest.lists.past import moment_of, rows_as_of

__all__ = [
    "ListPagination",
    "RowSchema",
    "answer_list",
    "answer_row",
    "check_row",
    "moment_of",
    "rows_as_of",
]
