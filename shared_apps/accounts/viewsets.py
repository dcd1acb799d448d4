"""Get and give back an API token."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate

from shared_apps.accounts.models import Token, User
from smartmodels.context import current_namespace
from smartmodels.rest import (
    ApiView,
    GuessLimit,
    Problem,
    Refused,
    Response,
    StrictSerializer,
    extend_schema,
    serializers,
)
from smartmodels.tenancy.life.states import STAFF_ONLY
from smartmodels.tenancy.models import State, get_membership_model

__all__ = ["TokenView"]

_REFUSED = Problem(
    401,
    "invalid-credentials",
    "There is no such account here, or the password is wrong.",
    headers={"WWW-Authenticate": 'Bearer realm="api"'},
)


class CredentialsSerializer(StrictSerializer):
    """Who asks for a token."""

    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1024, trim_whitespace=False)


class TokenSerializer(serializers.Serializer[Any]):
    """A new token."""

    token = serializers.CharField(
        help_text="Cannot be read again; send it as `Authorization: Bearer <token>`."
    )
    user = serializers.UUIDField(source="user_id")
    email = serializers.CharField()
    role = serializers.CharField(allow_null=True, help_text="What the account may do in this namespace.")


def _role(user: User) -> str | None:
    """Return the user's role in the bound namespace; raise Refused for somebody who has none."""
    namespace = current_namespace()
    if namespace is None:
        if not user.is_staff:
            raise Refused(_REFUSED)
        return None
    states = (State.ACTIVE, *STAFF_ONLY) if user.is_staff else (State.ACTIVE,)
    memberships = get_membership_model().objects.filter(user=user, namespace_id=namespace.pk)
    membership = memberships.filter(namespace__state__in=states).first()
    if membership is None:
        raise Refused(_REFUSED)
    return str(membership.role)


class TokenView(ApiView):
    """API tokens: each stands for one account on one host.

    Unknown account, wrong password and no membership here get the same answer.
    """

    serializer_class = CredentialsSerializer
    permission_classes = ()
    opens_for_staff = True
    limit = GuessLimit()

    def get_authenticators(self) -> Any:
        """Ask nobody who wants a token for one."""
        return super().get_authenticators() if self.request and self.request.method == "DELETE" else []

    @extend_schema(auth=[], responses={201: TokenSerializer})
    def post(self, request: Any) -> Response:
        """Get a token for an e-mail address and a password; it is shown this once."""
        asked = CredentialsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        email = asked.validated_data["email"]
        self.limit.count(request, email)
        user: Any = authenticate(request._request, username=email, password=asked.validated_data["password"])
        if user is None:
            raise Refused(_REFUSED)
        role = _role(user)
        self.limit.forget(request, email)
        namespace = current_namespace()
        token, secret = Token.issue(user, None if namespace is None else namespace.pk)
        answer = {"token": secret, "user_id": token.user_id, "email": user.email, "role": role}
        return Response(TokenSerializer(answer).data, status=201, headers={"Cache-Control": "no-store"})

    def delete(self, request: Any) -> Response:
        """Revoke the token this request is made with."""
        if request.auth != "token":
            raise Refused(
                Problem(
                    401, "token-required", "Send the token that is to be revoked.", headers=_REFUSED.headers
                )
            )
        _, _, secret = request.headers["Authorization"].partition(" ")
        Token.objects.filter(digest=Token.digest_of(secret.strip()), user=request.user).delete()
        return Response(status=204)
