"""Applications of a namespace: registered and removed by its managers, each on record."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError

from shared_apps.namespaces.identity import lesser
from shared_apps.oauth.models import Application
from smartmodels.exceptions import InvalidInput, NotPermitted, RowNotFound
from smartmodels.tenancy.audit import audited
from smartmodels.tenancy.keys import KeyRole
from smartmodels.tenancy.life.states import lock, require_state
from smartmodels.tenancy.models import Role, get_membership_model
from smartmodels.tenancy.scopes import known_scopes

__all__ = ["GRANTS", "applications_of", "find_application", "register_application", "remove_application"]

GRANTS = ("authorization-code", "client-credentials")
"""How an application gets its tokens: from people who let it in, or by its secret alone."""

_REDIRECTS_MAX = 10
_APPLICATIONS_MAX = 100


def applications_of(namespace: Any) -> Any:
    """Return the applications of a namespace, the newest first."""
    return Application.all_objects.filter(namespace_id=namespace.pk).order_by("-created", "-pk")


def _manager(namespace: Any, maker: Any) -> Any:
    found = get_membership_model().objects.filter(namespace=namespace, user=maker).first()
    if found is None or not Role(found.role).manages or not maker.is_active:
        raise NotPermitted("Applications are registered by the owners and admins of a namespace: ask one.")
    return found


def _checked(text: str, most: int, field: str) -> str:
    found = text.strip()
    if not 0 < len(found) <= most or not found.isprintable():
        raise InvalidInput(f"{field} is text of 1 to {most} printable characters.", field=field)
    return found


def _addresses(grant: str, given: Iterable[str]) -> list[str]:
    uris = [_checked(uri, 500, "redirect_uris") for uri in given]
    if len(uris) > _REDIRECTS_MAX or any(" " in uri for uri in uris):
        raise InvalidInput(f"At most {_REDIRECTS_MAX} addresses, none with spaces.", field="redirect_uris")
    if grant == GRANTS[0] and not uris:
        raise InvalidInput(
            "Who lets it in is sent back to an address of it: name one at least.", field="redirect_uris"
        )
    return uris


def register_application(  # noqa: PLR0913 - every argument is named
    namespace: Any,
    maker: Any,
    *,
    name: str,
    scopes: Iterable[str],
    grant: str = GRANTS[0],
    redirect_uris: Iterable[str] = (),
    role: str = KeyRole.MEMBER,
    public: bool = False,
) -> tuple[Application, str | None]:
    """Register an application; return it with its secret, which cannot be read again.

    A ``public`` one, such as a page in a browser, keeps no secret and gets none. Raises NotPermitted unless
    the maker manages the namespace, InvalidInput and NamespaceStateRefused.
    """
    with audited("application-make", namespace, subject_id=maker.pk) as record:
        locked = lock(namespace)
        require_state(locked, "key")
        membership = _manager(locked, maker)
        if grant not in GRANTS or role not in KeyRole.values or (public and grant != GRANTS[0]):
            raise InvalidInput("Grant, role and kind of application do not go together.", field="grant")
        if lesser(role, membership.role) != role:
            raise NotPermitted(f"Your role is {membership.role}: an application of yours cannot be more.")
        if applications_of(locked).count() >= _APPLICATIONS_MAX:
            raise InvalidInput(f"A namespace has at most {_APPLICATIONS_MAX} applications.", field="name")
        uris = _addresses(grant, redirect_uris)
        secret = None if public else secrets.token_urlsafe(48)
        row = Application(
            namespace=locked, user=maker, name=_checked(name, 100, "name"), role=role,
            scopes=known_scopes(scopes), authorization_grant_type=grant, redirect_uris=" ".join(uris),
            client_type="public" if public else "confidential", client_secret=secret or "",
        )  # fmt: skip
        _clean(row)
        row.save()
        record.note(client_id=row.client_id, scopes=row.scopes)
        return row, secret


def _clean(row: Application) -> None:
    try:
        row.clean()
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise InvalidInput(" ".join(messages), field=field) from error


def find_application(namespace: Any, client_id: str) -> Application:
    """Return the application of this client id. Raises RowNotFound."""
    rows = applications_of(namespace).filter(client_id=client_id)
    found: Application | None = None if "\x00" in client_id else rows.first()
    if found is None:
        raise RowNotFound("There is no such application here.")
    return found


def remove_application(namespace: Any, client_id: str) -> None:
    """Remove an application, and all that was issued to it. Raises RowNotFound."""
    with audited("application-remove", namespace, client_id=client_id[:100]):
        lock(namespace)
        find_application(namespace, client_id).delete()
