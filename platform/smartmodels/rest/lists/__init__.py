"""Lists: pages by keyset, totals on request, tags, the past, and rows as JSON in one statement."""

from smartmodels.rest.lists.answering import answer_list
from smartmodels.rest.lists.conditions import (
    answer_row,
    check_row,
    check_row_if_asked,
    check_rows,
    keep_private,
)
from smartmodels.rest.lists.counting import total_of
from smartmodels.rest.lists.cursors import Position
from smartmodels.rest.lists.describing import ListPagination, RowSchema
from smartmodels.rest.lists.listing import Listing
from smartmodels.rest.lists.ordering import as_keys, column_of, turned_round
from smartmodels.rest.lists.paging import Found, Window, found_in, read_page
from smartmodels.rest.lists.past import past_of, rows_as_of
from smartmodels.rest.lists.reading import Reading, reading_of

__all__ = [
    "Found",
    "ListPagination",
    "Listing",
    "Position",
    "Reading",
    "RowSchema",
    "Window",
    "answer_list",
    "answer_row",
    "as_keys",
    "check_row",
    "check_row_if_asked",
    "check_rows",
    "column_of",
    "found_in",
    "keep_private",
    "past_of",
    "read_page",
    "reading_of",
    "rows_as_of",
    "total_of",
    "turned_round",
]
