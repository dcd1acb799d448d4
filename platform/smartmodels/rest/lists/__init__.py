"""Lists: pages by keyset, totals on request, tags, the past, and rows as JSON in one statement."""

from smartmodels.rest.lists.answering import answer_list
from smartmodels.rest.lists.conditions import answer_row, check_row, check_row_if_asked, check_rows
from smartmodels.rest.lists.describing import ListPagination, RowSchema
from smartmodels.rest.lists.past import moment_of, rows_as_of

__all__ = [
    "ListPagination",
    "RowSchema",
    "answer_list",
    "answer_row",
    "check_row",
    "check_row_if_asked",
    "check_rows",
    "moment_of",
    "rows_as_of",
]
