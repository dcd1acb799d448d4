"""What others share with the namespace, and what it shares: for its owner and admins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from operator import or_
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Case, Q, SmallIntegerField, When
from django.http import Http404, HttpResponseRedirect
from django.urls import path, reverse

from smartmodels.admin.rights import Rights
from smartmodels.admin.sharing_forms import PolicyForm, ShareForm, TermsForm
from smartmodels.admin.site_pages import SitePages, key_of
from smartmodels.exceptions import InvalidInput, SmartModelsError
from smartmodels.models import resource_model
from smartmodels.querysets import is_private
from smartmodels.sharing import (
    LIVING,
    GrantStatus,
    accept,
    change_terms,
    decline,
    get_event_model,
    get_grant_model,
    leave,
    living_grants,
    policy_of,
    revoke,
    set_policy,
    share,
    status_of,
)

__all__ = ["sharing_urls"]

_PER_PAGE = 50
# What waits for an answer, what lives, what has ended: a rule may have ended hundreds.
_WAITING = Case(
    When(status=GrantStatus.PENDING, then=0), When(status__in=LIVING, then=1), default=2,
    output_field=SmallIntegerField(),
)  # fmt: skip
_SIDES = ("home_id", "target_id", "passer_id")
_STEPS: dict[str, tuple[tuple[str, ...], Callable[[Any], Any], str]] = {
    "accept": (("target_id",), accept, "Accepted: the row can be seen here now."),
    "decline": (("target_id",), decline, "Declined."),
    "leave": (("target_id",), leave, "Given back: the row is not visible here any more."),
    "revoke": (("home_id", "passer_id"), revoke, "Taken back: the row is not visible there any more."),
}


class _SharingPages(SitePages):
    def _rights(self, request: Any) -> Rights:
        rights = Rights(request, self.site)
        if not rights.manages:
            raise PermissionDenied
        return rights

    def _back(self, request: Any, text: str) -> HttpResponseRedirect:
        messages.success(request, text)
        return HttpResponseRedirect(request.get_full_path())

    def _grant(self, request: Any, given: str, *sides: str) -> Any:
        grants = get_grant_model().objects.select_related("resource", "home", "target", "passer")
        sided = _between(grants.filter(user=None)).filter(_here(request, sides))
        grant = sided.filter(pk=key_of(given, "grant")).first()
        if grant is None:
            raise Http404("There is no such grant here.")
        return grant

    def _act(self, request: Any) -> HttpResponseRedirect:
        """Do what the button says to its grant."""
        step = _STEPS.get(request.POST.get("do", ""))
        if step is None:
            raise Http404("There is no such button.")
        sides, deed, text = step
        deed(self._grant(request, request.POST.get("grant", ""), *sides))
        return self._back(request, text)

    def _list(self, request: Any, sides: tuple[str, ...], page: str, title: str) -> Any:
        self._rights(request)
        if request.method == "POST":
            return self._act(request)
        grants = _between(get_grant_model().objects.filter(_here(request, sides), user=None))
        grants = grants.select_related("resource", "home", "target").order_by(_WAITING, "-created_at", "-pk")
        page_obj = Paginator(grants, _PER_PAGE).get_page(request.GET.get("p"))
        events = _between(get_event_model().objects.filter(_here(request, sides), to_user_id=None))
        return self._render(
            request, page, title=title, rows=[_row(grant, request) for grant in page_obj.object_list],
            page_obj=page_obj, page_range=page_obj.paginator.get_elided_page_range(page_obj.number),
            events=[_told(event, request) for event in events.order_by("-id")[:20]],
        )  # fmt: skip

    def grant(self, request: Any, grant_id: str) -> Any:
        """Show what happened to a grant; its home changes its terms here."""
        self._rights(request)
        grant = self._grant(request, grant_id, *_SIDES)
        is_home = grant.home_id == request.namespace.pk
        form = TermsForm(request.POST or None, initial={"role": grant.role, "expires_at": grant.expires_at})
        if request.method == "POST" and is_home and form.is_valid():
            try:
                change_terms(grant, **form.cleaned_data)
            except SmartModelsError as error:
                _note(form, error)
            else:
                return self._back(request, "Saved.")
        events = get_event_model().objects.filter(grant_id=grant.pk).order_by("-id")
        return self._render(
            request, "sharing_grant", 400 if form.errors else 200, title="Grant", row=_row(grant, request),
            form=form if is_home and grant.status in LIVING else None, is_home=is_home,
            events=[_told(event, request) for event in events[:200]],
        )  # fmt: skip

    def of_row(self, request: Any, model: str, row_id: str) -> Any:
        """Show who can see a row; admins share it and take it back."""
        rights, row = Rights(request, self.site), self._row(request, model, row_id)
        form = ShareForm(request.POST if "namespace" in request.POST else None)
        if request.method == "POST":
            self._rights(request)
            if "do" in request.POST:
                return self._act(request)
            if form.is_valid():
                wish = dict(form.cleaned_data)
                try:
                    share(row, wish.pop("namespace").lower(), **wish)
                except SmartModelsError as error:
                    _note(form, error)
                else:
                    return self._back(request, "Offered: it can be seen there once it is accepted.")
        return self._render(
            request, "sharing_row", 400 if form.errors else 200, title="Who can see this row", row=row,
            address=reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]),
            rows=[_row(grant, request) for grant in living_grants(type(row), row.pk)[:200]],
            form=form if rights.manages else None, manages=rights.manages,
        )  # fmt: skip

    def _row(self, request: Any, model: str, row_id: str) -> Any:
        try:
            kind = resource_model(model)
        except InvalidInput as error:
            raise Http404("There is no such kind of row.") from error
        if kind not in Rights(request, self.site).models:
            raise Http404("There is no such kind of row here.")
        row = kind.objects.filter(pk=key_of(row_id, "row")).first()
        if row is None:
            raise Http404("There is no such row here.")
        return row

    def policy(self, request: Any) -> Any:
        """Show and change what the namespace lets out and takes in."""
        self._rights(request)
        form = PolicyForm(request.POST) if request.method == "POST" else None
        if form is not None and form.is_valid():
            try:
                set_policy(request.namespace, **form.cleaned_data)
            except SmartModelsError as error:
                _note(form, error)
            else:
                return self._back(request, "Saved. What is shared already stays so.")
        shown = form or PolicyForm.of(policy_of(request.namespace))
        return self._render(
            request, "sharing_policy", 400 if shown.errors else 200, title="Sharing policy", form=shown
        )


def _here(request: Any, sides: tuple[str, ...]) -> Q:
    """Return the condition for what has the namespace of the request on one of these sides."""
    return reduce(or_, (Q(**{side: request.namespace.pk}) for side in sides))


def _between(rows: Any) -> Any:
    """Return the grants, or events, that admins see: none in private mode, where rows are not theirs."""
    return rows.none() if is_private() else rows


def _note(form: Any, error: SmartModelsError) -> None:
    field = error.details.get("field")
    form.add_error(field if field in form.fields else None, error.message)


def _row(grant: Any, request: Any) -> dict[str, Any]:
    """Return a grant as pages show it; of a target that did not answer, only the name it was offered to."""
    is_known = grant.target is not None and (grant.decided_at is not None or grant.status == "active")
    status, is_home = str(status_of(grant)), grant.home_id == request.namespace.pk
    shows = status in ("active", "pending") and not grant.resource_deleted
    return {
        "grant": grant, "status": status, "is_living": status in LIVING, "is_home": is_home, "shows": shows,
        "label": grant.resource.label if is_home or shows else "",
        "target": grant.target.slug if is_known else grant.target_slug,
        "kind": grant.model.rpartition(".")[2],
    }  # fmt: skip


def _told(event: Any, request: Any) -> tuple[Any, str, str, str]:
    """Return an event, what happened, to what kind of row, and who did it: of the other side, its name."""
    is_own = event.side and getattr(event, f"{event.side}_id") == request.namespace.pk
    who = event.actor_label if is_own else getattr(event, f"{event.side}_slug", "")
    return event, _what(event), event.model.rpartition(".")[2], who


def _what(event: Any) -> str:
    if event.status_before == event.status:
        return "terms changed"
    if event.status_before == GrantStatus.SUSPENDED and event.status == GrantStatus.ACTIVE:
        return "back"
    said = {"pending": "offered", "active": "accepted", "left": "given back", "revoked": "taken back"}
    return (
        said.get(event.status, event.status) if event.status_before or event.status != "active" else "shared"
    )


def sharing_urls(site: Any, wrap: Callable[..., Any]) -> list[Any]:
    """Return the addresses of the pages; ``wrap`` guards a view as the site guards its own."""
    pages = _SharingPages(site)
    inbox = partial(pages._list, sides=("target_id",), page="sharing_in", title="Shared with us")
    outbox = partial(pages._list, sides=("home_id", "passer_id"), page="sharing_out", title="Shared by us")
    return [
        path("sharing/", wrap(inbox), name="sharing_in"),
        path("sharing/out/", wrap(outbox), name="sharing_out"),
        path("sharing/policy/", wrap(pages.policy), name="sharing_policy"),
        path("sharing/grants/<str:grant_id>/", wrap(pages.grant), name="sharing_grant"),
        path("sharing/rows/<str:model>/<str:row_id>/", wrap(pages.of_row), name="sharing_row"),
    ]
