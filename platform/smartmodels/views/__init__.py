"""Pages for the rows of a model: class-based views, model forms and the mixins that go with them.

An app's ``urls.py`` says which of its models have pages; they are served below ``/<app>/`` of every
namespace's host::

    from smartmodels.views import row_pages
    from tenant_apps.research.models import Study

    urlpatterns = row_pages(Study)

This room knows nothing of the REST API and of the admin.
"""

from smartmodels.views.forms import SharedModelForm, SmartModelForm, form_of
from smartmodels.views.members import MembersMixin
from smartmodels.views.reading import SmartDeletedView, SmartDetailView, SmartHistoryView, SmartListView
from smartmodels.views.rows import NamespaceRowsMixin, OwnRowsMixin, RowsMixin
from smartmodels.views.urls import app_pages, page_lists, row_pages
from smartmodels.views.writing import SmartCreateView, SmartDeleteView, SmartRestoreView, SmartUpdateView

__all__ = [
    "MembersMixin",
    "NamespaceRowsMixin",
    "OwnRowsMixin",
    "RowsMixin",
    "SharedModelForm",
    "SmartCreateView",
    "SmartDeleteView",
    "SmartDeletedView",
    "SmartDetailView",
    "SmartHistoryView",
    "SmartListView",
    "SmartModelForm",
    "SmartRestoreView",
    "SmartUpdateView",
    "app_pages",
    "form_of",
    "page_lists",
    "row_pages",
]
