"""Close, restore and anonymise accounts over HTTP: staff on the public host, people their own anywhere."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.contrib.auth import logout
from django.utils import timezone

from shared_apps.accounts.models import Token, User
from shared_apps.namespaces.closing.anonymising import anonymise_account, plan_anonymising
from shared_apps.namespaces.closing.changes import AccountChange
from shared_apps.namespaces.closing.describing import describe_account, find_account
from shared_apps.namespaces.closing.ending import close_account, plan_closing
from shared_apps.namespaces.closing.restoring import plan_restoring, restore_account
from shared_apps.namespaces.closing.serializers import (
    AccountChangeSerializer,
    AccountDetailSerializer,
    AccountSummarySerializer,
    AnonymisingSerializer,
    ClosingSerializer,
    DryRunSerializer,
    OwnClosingSerializer,
)
from smartmodels.context import operation
from smartmodels.exceptions import InvalidInput, NotPermitted, RowNotFound
from smartmodels.rest import (
    ApiView,
    Fault,
    GenericApiViewSet,
    GuessLimit,
    NotFound,
    Problem,
    Refused,
    Response,
    StaffPermission,
    action,
    extend_schema,
)
from smartmodels.rest.views import reason_of

__all__ = ["AccountViewSet", "OwnAccountView"]

_PATIENCE = 10.0
"""Seconds of hand-over that a request waits for; the worker does the rest."""

_FRESH = timedelta(minutes=5)
"""How old a token may be that stands for the password."""


def _heir(address: str | None) -> User | None:
    if not address:
        return None
    try:
        return find_account(address)
    except RowNotFound as error:
        raise InvalidInput(f"No account has the address {address}.", field="transfer_to") from error


def _answer(change: AccountChange, *, dry_run: bool) -> Response:
    """Answer with the change: 202 when the worker has something left to do."""
    status = 202 if change.left and not dry_run else 200
    return Response(AccountChangeSerializer({**asdict(change), "dry_run": dry_run}).data, status=status)


class AccountViewSet(GenericApiViewSet):
    """Accounts of people. They are closed, not deleted; what they made stays."""

    permission_classes = (StaffPermission,)
    serializer_class = AccountSummarySerializer
    queryset = User.objects.order_by("email")
    parameters = frozenset()
    keeps_reason = True

    def get_object(self) -> User:
        """Return the account of the address; raise NotFound."""
        user: User | None = User.objects.filter(pk=self.key()).first()
        if user is None:
            raise NotFound("There is no such account.")
        return user

    def get_changeable(self) -> User:
        """Return the account of the address; raise NotPermitted for staff's, unless for a superuser."""
        user, asking = self.get_object(), self.request.user
        if (user.is_staff or user.is_superuser) and not getattr(asking, "is_superuser", False):
            raise NotPermitted("Only superusers change accounts of staff.")
        return user

    def _asked(self, serializer: Any) -> dict[str, Any]:
        asked = serializer(data=self.request.data)
        asked.is_valid(raise_exception=True)
        values: dict[str, Any] = asked.validated_data
        return values

    def list(self, request: Any) -> Response:
        """List accounts by address."""
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(responses=AccountDetailSerializer)
    def retrieve(self, request: Any, pk: str) -> Response:
        """Read one account: its memberships, and what is done or left to do for it."""
        return Response(AccountDetailSerializer(describe_account(self.get_object())).data)

    @extend_schema(
        request=ClosingSerializer, responses={200: AccountChangeSerializer, 202: AccountChangeSerializer}
    )
    @action(detail=True, methods=["post"])
    def close(self, request: Any, pk: str) -> Response:
        """Close an account: nobody logs in any more, and the sentinel owns what it owned."""
        user, asked = self.get_changeable(), self._asked(ClosingSerializer)
        heir = _heir(asked.get("transfer_to"))
        if asked["dry_run"]:
            return _answer(plan_closing(user, transfer_to=heir), dry_run=True)
        with operation(reason=reason_of(request)):
            return _answer(close_account(user, transfer_to=heir, seconds=_PATIENCE), dry_run=False)

    @extend_schema(
        request=DryRunSerializer, responses={200: AccountChangeSerializer, 202: AccountChangeSerializer}
    )
    @action(detail=True, methods=["post"])
    def restore(self, request: Any, pk: str) -> Response:
        """Restore a closed account within the grace period, with the rows still held for it."""
        user, asked = self.get_changeable(), self._asked(DryRunSerializer)
        if asked["dry_run"]:
            return _answer(plan_restoring(user), dry_run=True)
        with operation(reason=reason_of(request)):
            return _answer(restore_account(user, seconds=_PATIENCE), dry_run=False)

    @extend_schema(
        request=AnonymisingSerializer, responses={200: AccountChangeSerializer, 202: AccountChangeSerializer}
    )
    @action(detail=True, methods=["post"])
    def anonymise(self, request: Any, pk: str) -> Response:
        """Forget who a closed account was, for good; the body repeats its address."""
        user, asked = self.get_changeable(), self._asked(AnonymisingSerializer)
        plan = plan_anonymising(user)
        if asked["dry_run"]:
            return _answer(plan, dry_run=True)
        if asked.get("confirm", "").strip().lower() != user.email:
            message = f"Repeat the address, {user.email}, to anonymise the account for good."
            fault = Fault("not-confirmed", message, pointer="/confirm")
            raise Refused(Problem(400, "not-confirmed", message, (fault,)))
        with operation(reason=reason_of(request)):
            return _answer(anonymise_account(user, seconds=_PATIENCE), dry_run=False)


class SomebodyPermission:
    """Whoever has an account that may be used on this host."""

    message = "Log in first."

    def has_permission(self, request: Any, view: Any) -> bool:
        """Tell whether somebody is known to ask."""
        return bool(request.user and request.user.is_authenticated)


class OwnAccountView(ApiView):
    """The account of whoever asks."""

    permission_classes = (SomebodyPermission,)
    serializer_class = AccountDetailSerializer
    delete_body = OwnClosingSerializer
    keeps_reason = True
    limit = GuessLimit()

    @extend_schema(responses=AccountDetailSerializer)
    def get(self, request: Any) -> Response:
        """Read one's own account."""
        return Response(AccountDetailSerializer(describe_account(request.user)).data)

    @extend_schema(responses={200: AccountChangeSerializer, 202: AccountChangeSerializer})
    def delete(self, request: Any) -> Response:
        """Close one's own account; what it made stays. Staff can restore it for a while.

        The body repeats the password, unless the request's token is a few minutes old. Whoever is the only
        owner of a namespace says in `transfer_to` who is next, or is refused with the list.
        """
        asked = OwnClosingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        self._confirm(request, asked.validated_data.get("password"))
        user = User.objects.get(pk=request.user.pk)
        with operation(reason=reason_of(request)):
            heir = _heir(asked.validated_data.get("transfer_to"))
            change = close_account(user, transfer_to=heir, seconds=_PATIENCE)
        if request.auth == "session":
            logout(request._request)
        return _answer(change, dry_run=False)

    def _confirm(self, request: Any, password: str | None) -> None:
        """Raise Refused unless it is surely the person who asks, and Throttled for too many guesses."""
        if password is None:
            if request.auth == "token" and self._is_fresh(request):
                return
            message = "Repeat the password, or ask with a token that is less than five minutes old."
        else:
            self.limit.count(request, request.user.email)
            if request.user.check_password(password):
                self.limit.forget(request, request.user.email)
                return
            message = "The password is wrong."
        fault = Fault("not-confirmed", message, pointer="/password")
        raise Refused(Problem(403, "not-confirmed", message, (fault,)))

    @staticmethod
    def _is_fresh(request: Any) -> bool:
        _, _, secret = request.headers["Authorization"].partition(" ")
        tokens = Token.objects.filter(digest=Token.digest_of(secret.strip()), user_id=request.user.pk)
        return tokens.filter(created_at__gt=timezone.now() - _FRESH).exists()
