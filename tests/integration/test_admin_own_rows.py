"""OwnRowsAdminMixin: an admin in which everybody sees what is theirs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings

from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.history import timeline
from tests.zoo.models import Keeper

Client = Callable[..., Any]
LIST = "/admin/zoo/keeper/"


@pytest.fixture
def keepers(alpha: Any, ana: Any, ben: Any) -> dict[str, Keeper]:
    """A living and a deleted keeper of ana, and of ben."""
    made = {}
    for who in (ana, ben):
        with namespace_scope(alpha), operation(actor=Actor.user(who)):
            name = who.email[:3]
            made[name] = Keeper.objects.create(name=f"living of {name}")
            made[f"{name}, deleted"] = Keeper.objects.create(name=f"deleted of {name}")
            made[f"{name}, deleted"].delete()
    return made


@pytest.fixture
def client(client_of: Client, ana: Any, alpha: Any, keepers: Any) -> Any:
    """Ana, who owns the namespace, at that admin."""
    with override_settings(ROOT_URLCONF="tests.support.own_rows_admin"):
        yield client_of(ana, alpha)


@pytest.mark.parametrize("query", ["", "?deleted=yes"])
def test_list__of_own_rows__has_no_others(client: Any, query: str) -> None:
    """Living and deleted ones."""
    text = client.get(LIST + query).content.decode()
    assert ("of ana" in text, "of ben" in text) == (True, False)


@pytest.mark.parametrize("row", ["ana", "ana, deleted"])
def test_history__of_an_own_row__is_shown(client: Any, keepers: Any, row: str) -> None:
    """What is mine is all there."""
    assert client.get(f"{LIST}{keepers[row].pk}/history/").status_code == 200


@pytest.mark.parametrize("page", ["history/", "restore/", "history/compare/?older={v}&newer={v}",
                                  "history/{v}/", "history/{v}/revert/"])  # fmt: skip
@pytest.mark.parametrize("row", ["ben", "ben, deleted"])
def test_page__of_a_row_of_somebody_else__is_not_found(
    client: Any, in_alpha: Any, keepers: Any, row: str, page: str
) -> None:
    """Not even for the owner of the namespace."""
    version: Any = timeline(Keeper, keepers[row].pk).first()
    assert client.get(f"{LIST}{keepers[row].pk}/{page.format(v=version.pk)}").status_code == 404


@pytest.mark.parametrize("page", ["change/", "delete/"])
@pytest.mark.parametrize("row", ["ben", "ben, deleted"])
def test_form__of_a_row_of_somebody_else__tells_nothing_of_it(
    client: Any, keepers: Any, row: str, page: str
) -> None:
    """Django leads back to the index; the message does not say what the row is called."""
    answer = client.get(f"{LIST}{keepers[row].pk}/{page}", follow=True)
    assert answer.redirect_chain[-1][0] == "/admin/"
    told = [str(message) for message in answer.context["messages"]]
    assert "of ben" not in str(told)


@pytest.mark.parametrize("page", ["change/", "delete/", "restore/"])
def test_post__to_a_row_of_somebody_else__changes_nothing(
    client: Any, in_alpha: Any, keepers: Any, page: str
) -> None:
    """Whatever is posted."""
    before = timeline(Keeper, keepers["ben"].pk).count()
    client.post(f"{LIST}{keepers['ben'].pk}/{page}", {"name": "X", "post": "yes"})
    assert timeline(Keeper, keepers["ben"].pk).count() == before
