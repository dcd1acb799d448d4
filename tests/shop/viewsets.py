"""The shop's API: names in camelCase, numbers for ids, keys by number."""

from typing import Any, ClassVar

from smartmodels.rest import SmartSerializer, SmartViewSet, register, serializers
from tests.shop.models import Item, Owner, Review

__all__ = ["ItemViewSet", "OwnerViewSet", "ReviewViewSet"]


class OwnerSerializer(SmartSerializer):
    """An owner; ``secret`` is not shown."""

    id = serializers.IntegerField(source="number", min_value=-(2**31), max_value=2**31 - 1)

    class Meta:
        model = Owner
        fields = ("id", "name", "email", "age", "vip")


class ItemSerializer(SmartSerializer):
    """An item, whose owner is shown by number."""

    id = serializers.IntegerField(source="number", min_value=-(2**31), max_value=2**31 - 1)
    ownerId: Any = serializers.IntegerField(  # noqa: N815 - the API's own name
        source="holder.number", allow_null=True, read_only=True
    )

    class Meta:
        model = Item
        fields = (
            "id", "sku", "name", "category", "qty", "price", "active", "born", "rating", "note", "ownerId",
        )  # fmt: skip


class ReviewSerializer(SmartSerializer):
    """A review, whose item is shown by number."""

    id = serializers.IntegerField(source="number", min_value=-(2**31), max_value=2**31 - 1)
    itemId: Any = serializers.SlugRelatedField(  # noqa: N815 - the API's own name
        slug_field="number", source="item", queryset=Item.objects.all()
    )

    class Meta:
        model = Review
        fields = ("id", "itemId", "stars", "body")


@register(Owner)
class OwnerViewSet(SmartViewSet):
    """Owners."""

    serializer_class = OwnerSerializer


@register(Item)
class ItemViewSet(SmartViewSet):
    """Items."""

    serializer_class = ItemSerializer
    relations: ClassVar[dict[str, str]] = {"keeper": "holder"}


@register(Review)
class ReviewViewSet(SmartViewSet):
    """Reviews."""

    serializer_class = ReviewSerializer
