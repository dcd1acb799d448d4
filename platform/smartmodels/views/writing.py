"""Pages that change something: add, edit, delete, restore. Whatever they change, they change by POST."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponseRedirect
from django.views import generic

from smartmodels.context import operation
from smartmodels.exceptions import NotPermitted, SmartModelsError
from smartmodels.ownership import foreign_kinds, may_change_all
from smartmodels.showing.forms import ReasonForm
from smartmodels.showing.naming import said
from smartmodels.softdelete.preview import preview_deletion, preview_restoration
from smartmodels.views.forms import form_of
from smartmodels.views.rows import RowsMixin

__all__ = ["SmartCreateView", "SmartDeleteView", "SmartRestoreView", "SmartUpdateView"]

if TYPE_CHECKING:
    _CreateView = generic.CreateView[Any, Any]
    _UpdateView = generic.UpdateView[Any, Any]
    _DetailView = generic.DetailView[Any]
else:
    _CreateView, _UpdateView, _DetailView = generic.CreateView, generic.UpdateView, generic.DetailView

_TAKEN = "Not saved: another row has taken a value that must be unique, or what it belongs to is gone."


class WritingMixin(RowsMixin):
    """A page that changes something: for members whose role writes, in one transaction."""

    writes = True
    http_method_names = ["get", "head", "post"]  # noqa: RUF012 - Django's name and type

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Change what is asked for, all or nothing."""
        with transaction.atomic():
            return super().post(request, *args, **kwargs)  # type: ignore[misc]

    def get_success_url(self) -> str:
        """Return where to go afterwards: to the row, else to the list."""
        found = self.address("detail", self.object) if hasattr(self, "object") else None
        return found or self.address("list") or "/"


class _FormMixin(WritingMixin):
    """Shows a form and saves it; what is wrong is said beside the field, with the status 400 or 409."""

    form_class: Any = None
    fields: Any = None
    done = "Saved"

    def get_form_class(self) -> Any:
        """Return the form: ``form_class``, else one for the ``fields`` of the model, by default all."""
        return self.form_class or form_of(self.model, tuple(self.fields) if self.fields else None)

    def form_valid(self, form: Any) -> Any:
        """Save, and go to the row."""
        try:
            with transaction.atomic():
                self.object = form.save()
        except SmartModelsError as error:
            if error.status >= 500:
                raise
            name = error.details.get("field")
            form.add_error(name if name in form.fields else None, error.message)
            return self.form_invalid(form, error.status)
        except IntegrityError:
            form.add_error(None, _TAKEN)
            return self.form_invalid(form, 409)
        messages.success(self.request, f"{self.done}: {said(self.object)}.")
        return HttpResponseRedirect(self.get_success_url())

    def form_invalid(self, form: Any, status: int = 400) -> Any:
        """Show the form again, with what is wrong."""
        response: Any = super().form_invalid(form)  # type: ignore[misc]
        response.status_code = status
        return response


class SmartCreateView(_FormMixin, _CreateView):
    """Add a row, which belongs to whoever adds it.

    In an app::

        class NewStudy(SmartCreateView):
            model = Study
            fields = ("code", "title")
    """

    page = "add"
    done = "Added"

    def get_template_names(self) -> list[str]:
        """Return the app's own template, else the one for adding and editing."""
        return [*super().get_template_names(), "smartmodels/views/form.html"]


class SmartUpdateView(_FormMixin, _UpdateView):
    """Edit a row; a form that changes nothing writes nothing, and none overwrites what it did not show.

    In an app::

        class EditStudy(SmartUpdateView):
            model = Study
            form_class = StudyForm
    """

    page = "edit"
    name = ""

    def get_object(self, queryset: Any = None) -> Any:
        """Return the row, and keep its name as it was before the form."""
        row = super().get_object(queryset)
        self.name = said(row)
        return row

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the row's name."""
        return {**super().get_context_data(**kwargs), "name": self.name}

    def get_template_names(self) -> list[str]:
        """Return the app's own template, else the one for adding and editing."""
        return [*super().get_template_names(), "smartmodels/views/form.html"]


class _ConfirmedMixin(WritingMixin, ABC):
    """Shows what would come of it; a POST, with a reason if there is one, does it."""

    @abstractmethod
    def foreseen(self, row: Any) -> Mapping[Any, Any]:
        """Return the rows that would be changed: keys by model. Raises what the deed would raise."""

    @abstractmethod
    def do(self, row: Any) -> int:
        """Do it; return how many rows were changed."""

    def refusal(self, row: Any, rows: Mapping[Any, Any]) -> str:
        """Return why whoever asks does not change what comes along, or nothing."""
        if may_change_all(self.role):
            return ""
        user: Any = self.request.user
        kinds = foreign_kinds(rows, user.pk, besides=[row])
        return f"This would change {', '.join(kinds)} of other people, too: ask an admin." if kinds else ""

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Show what would come of it."""
        return self._asked(self.get_object(), ReasonForm())

    def post(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Do it, and go to the list."""
        with transaction.atomic():
            row, form = self.get_object(), ReasonForm(request.POST)
            name = said(row)
            if not form.is_valid():
                return self._asked(row, form, 400)
            if refusal := self.refusal(row, self.foreseen(row)):
                raise NotPermitted(refusal)
            with operation(reason=form.cleaned_data["reason"] or None):
                total = self.do(row)
        rows = "" if total == 1 else f" ({total} rows)"
        messages.success(request, f"{self.done}: {name}{rows}.")
        return HttpResponseRedirect(self.get_success_url())

    done = "Done"

    def _asked(self, row: Any, form: Any, status: int = 200) -> Any:
        problem = ""
        rows: Mapping[Any, Any] = {}
        self.object = row
        try:
            rows = self.foreseen(row)
            problem = self.refusal(row, rows)
        except SmartModelsError as error:
            if error.status >= 500:
                raise
            problem = error.message
        context = self.get_context_data(
            object=row, form=form, name=said(row), kinds=_counted(rows), problem=problem
        )
        response: Any = self.render_to_response(context, status=status)  # type: ignore[attr-defined]
        return response


def _counted(rows: Mapping[Any, Any]) -> list[str]:
    named = [(len(keys), model._meta) for model, keys in rows.items() if keys]
    return [f"{n} {each.verbose_name if n == 1 else each.verbose_name_plural}" for n, each in named]


class SmartDeleteView(_ConfirmedMixin, _DetailView):
    """Delete a row softly, with what belongs to it; the page before says how much that is.

    In an app::

        class DeleteStudy(SmartDeleteView):
            model = Study
    """

    page = "delete"
    done = "Deleted"

    def foreseen(self, row: Any) -> Any:
        """Return what would be deleted."""
        return preview_deletion(self.model, [row.pk]).rows

    def do(self, row: Any) -> int:
        """Delete the row."""
        total, _ = row.delete()
        return int(total)

    def get_success_url(self) -> str:
        """Return the address of the list."""
        return self.address("list") or "/"


class SmartRestoreView(_ConfirmedMixin, _DetailView):
    """Bring a deleted row back, with exactly what its deletion took along.

    In an app::

        class RestoreStudy(SmartRestoreView):
            model = Study
    """

    life = "deleted"
    page = "restore"
    done = "Restored"

    def foreseen(self, row: Any) -> Any:
        """Return what would come back."""
        return preview_restoration(self.model, [row.pk]).rows

    def do(self, row: Any) -> int:
        """Restore the row."""
        total, _ = row.undelete()
        return int(total)
