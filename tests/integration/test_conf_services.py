"""Accounts of services: nobody is offered them as an owner, and lists can leave out what they own."""

from typing import Any

import pytest

from shared_apps.accounts.models import User
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.ownership import choosable, sentinel_id
from tenant_apps.research.models import Study

PICKER = "/admin/autocomplete/?app_label=namespaces&model_name=membership&field_name=user"


@pytest.fixture
def robot(rows: None, settings: Any) -> User:
    """The account of a service."""
    user = User.objects.create_user("robot@example.org", None)
    settings.SMARTMODELS_SERVICE_UIDS = (str(user.pk),)
    return user


@pytest.fixture
def owned_by_three(alpha: Any, ana: Any, robot: User) -> None:
    """A study of ana's, one of the service's and one of the sentinel's."""
    for code, actor in (
        ("OF-ANA", Actor.user(ana)),
        ("OF-ROBOT", Actor.api_key("robot", robot.pk)),
        ("OF-SYSTEM", Actor.system()),
    ):
        with namespace_scope(alpha), operation(actor=actor):
            Study.objects.create(code=code, island="Dream")


def listed(api: Any) -> list[str]:
    return sorted(row["code"] for row in api.get("/api/v1/studies/").json()["results"])


def test_choosable__accounts_of_services_and_the_sentinel__are_left_out(robot: User, ana: Any) -> None:
    """People remain."""
    keys = set(choosable(User.objects.all()).values_list("pk", flat=True))
    assert (ana.pk in keys, robot.pk in keys, sentinel_id() in keys) == (True, False, False)


def test_picker_in_the_admin__offers_no_account_of_a_service(client_of: Any, staff: Any, robot: User) -> None:
    """Neither the service nor the sentinel."""
    offered = client_of(staff, None).get(PICKER).json()["results"]
    keys = {each["id"] for each in offered}
    assert keys.isdisjoint({str(robot.pk), str(sentinel_id())})
    assert keys


def test_list_of_accounts__shows_those_of_services(client_of: Any, staff: Any, robot: User) -> None:
    """Staff can look at all of them."""
    assert robot.email in client_of(staff, None).get("/admin/accounts/user/").content.decode()


def test_list__by_default__shows_what_services_own(
    owned_by_three: None, api_of: Any, ana: Any, alpha: Any
) -> None:
    """Their rows are rows."""
    assert listed(api_of(ana, alpha)) == ["OF-ANA", "OF-ROBOT", "OF-SYSTEM"]


def test_list__where_service_owners_are_hidden__leaves_theirs_out(
    owned_by_three: None, api_of: Any, ana: Any, alpha: Any, settings: Any
) -> None:
    """What the sentinel holds for deleted users stays."""
    settings.SMARTMODELS_HIDE_SERVICE_OWNERS = True
    assert listed(api_of(ana, alpha)) == ["OF-ANA", "OF-SYSTEM"]


def test_row_of_a_service__where_its_owner_is_hidden__can_be_read(
    owned_by_three: None, api_of: Any, ana: Any, alpha: Any, settings: Any
) -> None:
    """Lists leave it out; it is no secret."""
    settings.SMARTMODELS_HIDE_SERVICE_OWNERS = True
    with namespace_scope(alpha):
        key = Study.objects.get(code="OF-ROBOT").pk
    assert api_of(ana, alpha).get(f"/api/v1/studies/{key}/").status_code == 200


def test_list_in_the_admin__where_service_owners_are_hidden__leaves_theirs_out(
    owned_by_three: None, client_of: Any, ana: Any, alpha: Any, settings: Any
) -> None:
    """As the API does."""
    settings.SMARTMODELS_HIDE_SERVICE_OWNERS = True
    page = client_of(ana, alpha).get("/admin/research/study/").content.decode()
    assert ("OF-ANA" in page, "OF-ROBOT" in page, "OF-SYSTEM" in page) == (True, False, True)
