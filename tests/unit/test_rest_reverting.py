"""A revert through the API writes what the API lets be written, and nothing else (DESIGN H4)."""

from dataclasses import dataclass, field
from typing import Any

from smartmodels.rest import derive_serializer
from smartmodels.rest.reverting import writable_fields
from tenant_apps.research.models import Study


@dataclass
class ViewOfCodes:
    """A view that shows and takes the code of a study, and none of its other fields."""

    serializer_class: Any = field(default_factory=lambda: derive_serializer(Study, ("code",)))

    def get_serializer(self) -> Any:
        return self.serializer_class()


def test_revert__field_not_shown__is_left_alone() -> None:
    """What cannot be set through a view cannot be reverted through it."""
    assert "title" not in writable_fields(ViewOfCodes())


def test_revert__field_writable__may_be_reverted() -> None:
    """What can be set can be reverted."""
    assert "code" in writable_fields(ViewOfCodes())


def test_revert__field_read_only__is_left_alone() -> None:
    """Showing a field does not let it be reverted."""
    assert writable_fields(ViewOfCodes()) == {"code"}
