"""As much of a namespace as can be bound, without a database."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A namespace that was never saved."""

    slug: str

    @property
    def pk(self) -> str:
        """Its key."""
        return self.slug

    @property
    def schema_name(self) -> str:
        """Its schema."""
        return f"t_{self.slug}_0"
