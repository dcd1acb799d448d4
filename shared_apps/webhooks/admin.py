"""The webhooks of a namespace in its admin, for its owner and admins: where changes go, and what arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404
from django.urls import path

from shared_apps.webhooks.serializers import WebhookSerializer
from shared_apps.webhooks.services import make_webhook, rotate_webhook, wake_webhook, webhooks_of
from shared_apps.webhooks.tasks import send_again
from smartmodels.admin import namespace_site
from smartmodels.admin.site_pages import SitePages, key_of
from smartmodels.exceptions import SmartModelsError
from smartmodels.webhooks import DeliveryState, secret_of

__all__ = ["WebhookForm"]

_PER_PAGE = 50


class WebhookForm(forms.Form):
    """What is to be sent where."""

    url = forms.CharField(
        max_length=2000,
        label="Address",
        widget=forms.TextInput(attrs={"class": "vLargeTextField"}),
        help_text="https://, a public host, a path.",
    )
    description = forms.CharField(required=False, max_length=200)
    resources = forms.CharField(
        required=False, max_length=5000, help_text="Only changes of these, such as studies; empty: of all."
    )
    actions = forms.CharField(
        required=False, max_length=5000, help_text="Only these, such as create update; empty: all."
    )
    active = forms.BooleanField(required=False, initial=True)

    def checked(self, webhook: Any = None) -> WebhookSerializer | None:
        """Return the serializer with what is given, if that is in order by the rules of the API."""
        if not self.is_valid():
            return None
        wish = dict(self.cleaned_data)
        lists = {name: wish[name].split() for name in ("resources", "actions")}
        given = WebhookSerializer(webhook, data={**wish, **lists}, partial=webhook is not None)
        if given.is_valid():
            return given
        for name, found in given.errors.items():
            self.add_error(name if name in self.fields else None, _texts(found))
        return None


def _texts(found: Any) -> list[str]:
    """Return what is wrong with a field, or with the elements of a list."""
    if isinstance(found, dict):
        return [text for each in found.values() for text in _texts(each)]
    return [text for each in found for text in (_texts(each) if isinstance(each, dict) else [str(each)])]


def _form_of(webhook: Any) -> WebhookForm:
    lists = {name: " ".join(getattr(webhook, name)) for name in ("resources", "actions")}
    plain = {name: getattr(webhook, name) for name in ("url", "description", "active")}
    return WebhookForm(initial={**plain, **lists})


class _Pages(SitePages):
    """What the pages share: a webhook or a delivery of another namespace is none here."""

    def _webhook(self, request: Any, given: str, *, lock: bool = False) -> Any:
        rows = webhooks_of(request.namespace)
        found = (
            (rows.select_for_update(of=("self",)) if lock else rows)
            .filter(pk=key_of(given, "webhook"))
            .first()
        )
        if found is None:
            raise Http404("There is no such webhook here.")
        return found

    def _delivery(self, webhook: Any, given: str) -> Any:
        found = webhook.deliveries.filter(pk=key_of(given, "delivery")).first()
        if found is None:
            raise Http404("There is no such delivery here.")
        return found


class _ListPage(_Pages):
    """All webhooks, and a form for a new one."""

    def __call__(self, request: Any) -> Any:
        self._require_manager(request)
        if request.method != "POST":
            return self._page(request)
        form = WebhookForm(request.POST)
        given = form.checked()
        if given is None:
            return self._page(request, 400, form=form)
        try:
            made = make_webhook(request.namespace, given.validated_data)
        except SmartModelsError as error:
            form.add_error(None, error.message)
            return self._page(request, error.status, form=form)
        return self._page(request, made=made, secret=secret_of(made))

    def _page(self, request: Any, status: int = 200, **context: Any) -> Any:
        shown = {
            "title": "Webhooks",
            "form": WebhookForm(),
            "rows": webhooks_of(request.namespace),
            **context,
        }
        return self._render(request, "webhooks", status, **shown)


class _WebhookPage(_Pages):
    """One webhook: changed, given a new secret, and what was sent for it sent again."""

    def __call__(self, request: Any, webhook_id: str) -> Any:
        self._require_manager(request)
        if request.method != "POST":
            return self._page(request, self._webhook(request, webhook_id))
        deeds = {"save": self._save, "rotate": self._rotate, "replay": self._replay}
        deed = deeds.get(request.POST.get("do", ""))
        with transaction.atomic():
            webhook = self._webhook(request, webhook_id, lock=True)
            return self._page(request, webhook, 400) if deed is None else deed(request, webhook)

    def _page(self, request: Any, webhook: Any, status: int = 200, **context: Any) -> Any:
        sent = webhook.deliveries.defer("body").order_by("-id")
        page_obj = Paginator(sent, _PER_PAGE).get_page(request.GET.get("p"))
        shown = {
            "title": "Webhook", "webhook": webhook, "form": _form_of(webhook), "page_obj": page_obj,
            "page_range": page_obj.paginator.get_elided_page_range(page_obj.number), **context,
        }  # fmt: skip
        return self._render(request, "webhook", status, **shown)

    def _save(self, request: Any, webhook: Any) -> Any:
        form = WebhookForm(request.POST)
        given = form.checked(webhook)
        if given is None:
            return self._page(request, webhook, 400, form=form)
        wake_webhook(webhook, given.validated_data)
        given.save()
        return self._done(request, "Saved.", "webhook", webhook.pk)

    def _rotate(self, request: Any, webhook: Any) -> Any:
        rotate_webhook(webhook)
        return self._page(request, webhook, secret=secret_of(webhook))

    def _replay(self, request: Any, webhook: Any) -> Any:
        send_again(self._delivery(webhook, request.POST.get("delivery", "")))
        return self._done(request, "It is sent again.", "webhook", webhook.pk)


class _RemovePage(_Pages):
    """Asks whether a webhook is to be removed; a POST does it."""

    def __call__(self, request: Any, webhook_id: str) -> Any:
        self._require_manager(request)
        if request.method == "POST":
            with transaction.atomic():
                self._webhook(request, webhook_id, lock=True).delete()
            return self._done(request, "Removed the webhook, and what is known of its messages.", "webhooks")
        webhook = self._webhook(request, webhook_id)
        waiting = webhook.deliveries.filter(state=DeliveryState.PENDING).count()
        return self._render(
            request, "webhook_remove", title="Remove a webhook", webhook=webhook, waiting=waiting
        )


class _DeliveryPage(_Pages):
    """One message, as it was sent."""

    def __call__(self, request: Any, webhook_id: str, delivery_id: str) -> Any:
        self._require_manager(request)
        webhook = self._webhook(request, webhook_id)
        shown = {"title": "Message", "webhook": webhook, "delivery": self._delivery(webhook, delivery_id)}
        return self._render(request, "webhook_delivery", **shown)


def _urls(site: Any, wrap: Callable[..., Any]) -> list[Any]:
    return [
        path("webhooks/", wrap(_ListPage(site)), name="webhooks"),
        path("webhooks/<str:webhook_id>/", wrap(_WebhookPage(site)), name="webhook"),
        path("webhooks/<str:webhook_id>/remove/", wrap(_RemovePage(site)), name="webhook_remove"),
        path(
            "webhooks/<str:webhook_id>/messages/<str:delivery_id>/",
            wrap(_DeliveryPage(site)),
            name="webhook_message",
        ),
    ]


namespace_site.add_pages(_urls, "webhooks", "Webhooks")
