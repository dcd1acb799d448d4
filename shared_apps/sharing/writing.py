"""Writes to rows that others share with the namespace: at their home, by what the grant allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

from django.db.models import Q

from shared_apps.sharing.needing import TO_WRITE
from smartmodels.exceptions import NotPermitted, ProtectedRows, RestoreConflict, RevertConflict, RowNotFound
from smartmodels.history import version_at
from smartmodels.rest import SMART_FIELDS, Fault, OwnerPermission, Problem, Refused, serializers
from smartmodels.rest.access.scoping import require_within_scope
from smartmodels.rest.faults import faults_of
from smartmodels.rest.fields import TOLD
from smartmodels.rest.served import path_of
from smartmodels.sharing import (
    GrantHistory,
    GrantRole,
    grant_to_write,
    granted_keys,
    hold_grant,
    manages_all,
    rows_at_home,
    through_grant,
)
from smartmodels.softdelete.preview import preview_deletion, preview_restoration
from smartmodels.tenancy.models import Role

__all__ = ["SharedWrites"]

_IN_THE_WAY = "Something at the home of this row stands in the way: ask there."
_OF_DELETED = ("restore", "revert")
_NEVER = frozenset({*SMART_FIELDS, "owner_id", "created_by_id", "updated_by_id"})


def _readable(model: Any) -> frozenset[str] | None:
    """Return the fields of a shared row that others may read; None stands for all."""
    return None if model.smart.view_fields is None else frozenset(model.smart.view_fields)


def _editable(model: Any, name: str) -> bool:
    """Tell whether others may change a field of a shared row, where they may change the row and read it."""
    fields, readable = model.smart.edit_fields, _readable(model)
    listed = fields is None or name in fields
    return listed and name not in _NEVER and (readable is None or name in readable)


def _forbid(serializer: Any, model: Any) -> None:
    """Let a serializer write only what others may change."""
    for field in serializer.fields.values():
        if not _editable(model, str(field.source)):
            field.read_only, field.required = True, False


def _narrow(serializer: Any, row: Any, grant: Any) -> None:
    """Let a serializer point only at what the target of the grant sees, or at what the row points at."""
    for field in serializer.fields.values():
        reference = getattr(field, "child_relation", field)
        if not field.read_only and _points_at_row(reference):
            rows = reference.queryset.model
            seen = granted_keys(rows, grant)
            current = _current_keys(row, str(field.source))
            reference.queryset = rows_at_home(rows).filter(Q(pk__in=current) | Q(pk__in=seen))


def _points_at_row(field: Any) -> bool:
    return hasattr(getattr(getattr(field, "queryset", None), "model", None), "smart")


def _current_keys(row: Any, name: str) -> list[Any]:
    field = row._meta.get_field(name)
    if field.many_to_many:
        return list(getattr(row, name).values_list("pk", flat=True))
    return [getattr(row, field.attname)]


class SharedWrites:
    """Write to a shared row as the grant allows: it is locked, judged and held in the transaction.

    ``edit`` changes the fields that the model lets others change; ``manage`` also deletes, restores and
    reverts, which takes an owner or admin of the namespace. Owner, home and purge are never granted. Writes
    of many rows reach the namespace's own alone: ids of shared ones are not found.
    """

    written_through: ClassVar[Any] = None
    _way_home: ClassVar[Any] = None

    @contextmanager
    def writing(self: Any, reason: str | None = None) -> Iterator[None]:
        """All or nothing; a row that is shared is written at its home.

        What stands in the way there is not named: it may be rows that nobody shared.
        """
        with super().writing(reason), ExitStack() as way:  # type: ignore[misc]
            self._way_home = way
            try:
                yield
            except (ProtectedRows, RestoreConflict, RevertConflict) as error:
                if self.written_through is None:
                    raise
                raise type(error)(_IN_THE_WAY) from error
            finally:
                self._way_home = None

    def shared_to_write(self: Any) -> Any:
        """Return the shared row of the address, in whose home the rest then goes on; raise RowNotFound."""
        needed = TO_WRITE[self.action]
        deleted = self.action in _OF_DELETED
        grant = grant_to_write(self.model, self.key(), needed, deleted=deleted)
        if grant.user_id is None:
            self._require_own_role(needed)
        if self._way_home is None:
            return grant
        self._way_home.enter_context(through_grant(grant))
        rows = self.model.all_objects.filter(pk=grant.row_id).select_for_update(of=("self",))
        row = rows.first()
        hold_grant(grant, self.model, needed, deleted=deleted)
        if row is None or (row.is_deleted and not deleted):
            raise RowNotFound(f"There is no such {self.model._meta.verbose_name} here.")
        self.written_through = grant
        self._check_others(row)
        self._tell(row)
        if needed == GrantRole.EDIT:
            self._check_body(row)
        # Tags and answers are of what is shown here.
        self.shows_others = True
        return row

    def _require_own_role(self: Any, needed: str) -> None:
        role = Role(self.request._request.membership.role)
        if needed == GrantRole.MANAGE and not role.manages:
            raise NotPermitted(
                "Rows that others share are deleted, restored and reverted by the owner and the admins of "
                "this namespace: ask one of them."
            )

    def _check_others(self: Any, row: Any) -> None:
        """Ask what else a viewset asks about a row; whose it is does not count, since the grant does."""
        for permission in self.get_permissions():
            counts = not isinstance(permission, OwnerPermission)
            if counts and not permission.has_object_permission(self.request, self, row):
                self.permission_denied(self.request, message=getattr(permission, "message", None))

    def _tell(self: Any, row: Any) -> None:
        row.grant = self.written_through
        row.home, row.is_shared, row.granted_role = row.grant.home.slug, True, row.grant.role

    def read_again(self: Any, row: Any) -> Any:
        """Return the row as it was just written, with its home."""
        found = super().read_again(row)  # type: ignore[misc]
        if self.written_through is not None:
            self._tell(found)
        return found

    # What may be written

    def get_serializer(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the serializer; of a shared row it writes what others may change."""
        serializer = super().get_serializer(*args, **kwargs)  # type: ignore[misc]
        if self.written_through is not None and not kwargs.get("many"):
            _forbid(serializer, self.model)
            if serializer.instance is not None and "data" in kwargs:
                _narrow(serializer, serializer.instance, self.written_through)
        return serializer

    def _check_body(self: Any, row: Any) -> None:
        """Raise Refused (403) naming each field of the body that others may not change.

        What may be read may be sent back as it was read.
        """
        data = self.request.data
        if not isinstance(data, Mapping):
            return
        serializer = super().get_serializer(row)  # type: ignore[misc]
        faults = [
            Fault("not-shared", "This cannot be changed through a grant: leave it out.", pointer=f"/{name}")
            for name, given in data.items()
            if self._is_known(serializer, name) and not self._may_be_sent(serializer, name, given)
        ]
        if faults:
            raise Refused(Problem(403, "not-shared", faults[0].detail, tuple(faults)))

    def _is_known(self: Any, serializer: Any, name: str) -> bool:
        nested = {*self.nested, *(alias for each in self.nested.values() for alias in each.flat)}
        return name in serializer.fields or name in nested

    def _may_be_sent(self: Any, serializer: Any, name: str, given: Any) -> bool:
        field = serializer.fields.get(name)
        if field is None:
            return False
        # Rows of the home are not made or changed through those that they hang together with.
        is_tree = name in self.nested and isinstance(given, (Mapping, list))
        if _editable(self.model, str(field.source)) and not field.read_only and not is_tree:
            return True
        readable = _readable(self.model)
        shown = readable is None or name in readable or name in SMART_FIELDS or name in TOLD
        return shown and serializer.is_unchanged(field, given)

    def update(self: Any, request: Any, pk: str, *, partial: bool = False) -> Any:
        """Replace what the caller may set; optional fields that are left out keep their values."""
        try:
            return super().update(request, pk, partial=partial)  # type: ignore[misc]
        except serializers.ValidationError as error:
            faults = tuple(faults_of(error.detail))
            if self.written_through is None or all(fault.code != "does-not-exist" for fault in faults):
                raise
            problem = Problem(
                422,
                "row-not-at-home",
                "A shared row points at rows of its home that are visible here.",
                faults,
            )
            raise Refused(problem) from error

    # What goes along, and how far back

    def refuse_deletion(self: Any, row: Any) -> None:
        """Refuse to delete a shared row along with rows that are not shared to be managed."""
        if self.written_through is None:
            super().refuse_deletion(row)  # type: ignore[misc]
        else:
            self._refuse_uncovered(row, preview_deletion(type(row), [row.pk]).rows, "delete")

    def refuse_return(self: Any, row: Any) -> None:
        """Refuse to restore a shared row along with rows that are not shared to be managed."""
        if self.written_through is None:
            super().refuse_return(row)  # type: ignore[misc]
        else:
            self._refuse_uncovered(row, preview_restoration(type(row), [row.pk]).rows, "restore")

    def _refuse_uncovered(self: Any, row: Any, foreseen: Mapping[Any, Any], what: str) -> None:
        own = {type(row): {row.pk}}
        others = {model: set(keys) - own.get(model, set()) for model, keys in foreseen.items()}
        if not manages_all(self.written_through, others):
            raise NotPermitted(
                f"This would {what} rows, too, that are not shared with this namespace to be managed: "
                "ask the home of this one."
            )
        for model, keys in others.items():
            path = path_of(model)
            if keys and path is not None:
                require_within_scope(self.request, path, "write")

    def check_version(self: Any, row: Any, version: int) -> None:
        """Refuse to go back beyond what the namespace has seen of the row, unless its history is shared."""
        if self.written_through is None or self.written_through.history == GrantHistory.FULL:
            return
        first = version_at(
            type(row), row.pk, self.written_through.decided_at or self.written_through.created_at
        )
        if first is not None and version < first.history_id:
            raise RowNotFound("There is no such version here.")
