"""The tables behind history, marks and restores; the database and the library's services write them."""

from __future__ import annotations

from smartmodels.history.ledger import AbstractErasure, AbstractLayout, AbstractMark, AbstractSegment
from smartmodels.softdelete.links import AbstractSeveredLink

__all__ = ["Erasure", "Layout", "Mark", "Segment", "SeveredLink"]


class Layout(AbstractLayout):
    """Which columns the digests of a segment cover."""

    class Meta(AbstractLayout.Meta):
        pass


class Segment(AbstractSegment):
    """What one statement wrote to history, vouched for by a digest."""

    class Meta(AbstractSegment.Meta):
        pass


class Erasure(AbstractErasure):
    """A version that was changed or removed for a recorded reason."""

    class Meta(AbstractErasure.Meta):
        pass


class Mark(AbstractMark):
    """A moment to come back to."""

    class Meta(AbstractMark.Meta):
        pass


class SeveredLink(AbstractSeveredLink):
    """A link that a deletion cut and a restore ties again."""

    class Meta(AbstractSeveredLink.Meta):
        pass
