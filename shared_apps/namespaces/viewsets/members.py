"""The members of a namespace over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError

from shared_apps.accounts.models import User
from shared_apps.namespaces.viewsets.bodies import MemberSerializer, NewMemberSerializer, RoleSerializer
from shared_apps.namespaces.viewsets.changing import changing, wish_of
from smartmodels.management.namespaces.members import admit
from smartmodels.rest import Response, action, extend_schema
from smartmodels.tenancy import life
from smartmodels.tenancy.errors import MemberNotFound

__all__ = ["MembersMixin"]

_USER = r"members/(?P<user>[0-9a-f-]{36})"


def _account(key: str) -> User:
    found = User.objects.filter(pk=key).first() if _is_key(key) else None
    if found is None:
        raise MemberNotFound("There is no such member.")
    return found


def _is_key(key: str) -> bool:
    try:
        User._meta.pk.to_python(key)
    except ValidationError:
        return False
    return True


class MembersMixin:
    """Admit, promote and remove members."""

    get_object: Callable[[], Any]
    get_queryset: Callable[[], Any]
    paginate_queryset: Callable[[Any], Any]
    get_paginated_response: Callable[[Any], Response]

    @extend_schema(responses=MemberSerializer(many=True), operation_id="namespaces_members_list")
    @action(detail=True, methods=["get"])
    def members(self, request: Any, slug: str) -> Response:
        """List the members, in the order in which they joined."""
        rows = self.get_object().memberships.select_related("user").order_by("joined_at", "pk")
        return self.get_paginated_response(MemberSerializer(self.paginate_queryset(rows), many=True).data)

    @extend_schema(request=NewMemberSerializer, responses={201: MemberSerializer})
    @members.mapping.post
    def add_member(self, request: Any, slug: str) -> Response:
        """Make an account a member; an account is made if there is none of the address."""
        wish = wish_of(NewMemberSerializer, request)
        namespace = self.get_object()
        with changing(request, dry=wish["dry_run"]):
            membership, password = admit(namespace, wish["email"], wish["role"])
            said: dict[str, Any] = MemberSerializer(membership).data
        if password is not None and not wish["dry_run"]:
            said = {**said, "initial_password": password}
        return Response(said, status=201, headers={"Cache-Control": "no-store"})

    @extend_schema(request=RoleSerializer, responses=MemberSerializer)
    @action(detail=True, methods=["patch"], url_path=_USER, url_name="member", delete_body=None)
    def change_member(self, request: Any, slug: str, user: str) -> Response:
        """Give a member another role; the last owner stays one."""
        wish = wish_of(RoleSerializer, request)
        namespace, account = self.get_object(), _account(user)
        with changing(request, dry=wish["dry_run"]):
            membership = life.change_role(namespace, account, wish["role"])
            return Response(MemberSerializer(membership).data)

    @extend_schema(request=None, responses={204: None})
    @change_member.mapping.delete
    def remove_member(self, request: Any, slug: str, user: str) -> Response:
        """End a membership, and the member's sessions and tokens of this namespace with it."""
        namespace, account = self.get_object(), _account(user)
        with changing(request):
            life.remove_member(namespace, account)
        return Response(status=204)
