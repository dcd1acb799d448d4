"""Search in the manner of LoopBack: ``filter={where, fields, include, order, limit, skip}``.

What a request asks for becomes a :class:`~smartmodels.rest.filtering.selection.Selection`, on which the rest
of the API builds; everything before that is this package's own affair.
"""

from smartmodels.rest.filtering.actions import LISTING, FilterMixin
from smartmodels.rest.filtering.asking import given_in_query
from smartmodels.rest.filtering.backend import SelectionFilter
from smartmodels.rest.filtering.compiling import selection_of
from smartmodels.rest.filtering.embedding import embed, narrow, represent
from smartmodels.rest.filtering.errors import InvalidFilter
from smartmodels.rest.filtering.fields import only_fields
from smartmodels.rest.filtering.relations import RELATED
from smartmodels.rest.filtering.searching import searching
from smartmodels.rest.filtering.selection import Inclusion, OrderTerm, Selection

__all__ = [
    "LISTING",
    "RELATED",
    "FilterMixin",
    "Inclusion",
    "InvalidFilter",
    "OrderTerm",
    "Selection",
    "SelectionFilter",
    "embed",
    "given_in_query",
    "narrow",
    "only_fields",
    "represent",
    "searching",
    "selection_of",
]
