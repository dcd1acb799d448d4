"""What no constraint keeps: planted, found, mended."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from shared_apps.accounts.models import Token, User
from shared_apps.namespaces.models import Namespace
from shared_apps.sharing.models import SharedResource
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.fsck import check_namespaces
from smartmodels.history.ledger import anchor_model
from smartmodels.tenancy.schemas import create_schema, marked_schemas
from smartmodels.tenancy.setting_aside import identity_of
from tenant_apps.research.models import Study
from tests.zoo.models import Animal, Enclosure, Sighting

NOBODY = uuid.UUID("00000000-0000-7000-8000-00000000dead")
Plant = Callable[[Any, Any], None]


def sql(statement: str, *values: Any) -> None:
    """Do something that nothing of ours would do."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def study(user: Any) -> Study:
    """A row of the user's."""
    return Study.objects.create(code=str(uuid.uuid4())[:20])


def unseen(table: str, statement: str, *values: Any) -> None:
    """Write past the triggers of a table."""
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    sql(statement, *values)
    sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def plant_owner(namespace: Any, user: Any) -> None:
    """A row whose owner and author never existed."""
    Study.objects.filter(pk=study(user).pk).update(created_by_id=NOBODY, former_owner_id=NOBODY)


def plant_closed(namespace: Any, user: Any) -> None:
    """A row of an account that was closed without its hand-over."""
    study(user)
    User.objects.filter(pk=user.pk).update(closed_at="2024-01-01T00:00:00Z")


def plant_orphan(namespace: Any, user: Any) -> None:
    """A row that points at an animal that is gone for good."""
    home = Enclosure.objects.create(name="e")
    animal = Animal.objects.create(name="a", enclosure=home)
    Sighting.objects.create(animal=animal)
    sql("DELETE FROM zoo_animal WHERE id = %s", animal.pk)


def plant_sequence(namespace: Any, user: Any) -> None:
    """A sequence that goes back to its beginning."""
    study(user)
    sql("SELECT setval(pg_get_serial_sequence('research_historicalstudy', 'history_id'), 1, false)")


def plant_trigger(namespace: Any, user: Any) -> None:
    """A table that history does not follow any more."""
    sql("ALTER TABLE research_study DISABLE TRIGGER USER")


def plant_unseen(namespace: Any, user: Any) -> None:
    """A row that was changed past its history."""
    unseen("research_study", "UPDATE research_study SET title = 'odd' WHERE id = %s", study(user).pk)


def plant_share(namespace: Any, user: Any) -> None:
    """A shared row that does not exist."""
    SharedResource.objects.create(
        home=namespace,
        model="research.study",
        resource_id=NOBODY,
        label="gone",
        sorted_at=namespace.created_at,
    )


def plant_token(namespace: Any, user: Any) -> None:
    """A token of a namespace that never was."""
    Token.issue(user, NOBODY)


def plant_mark(namespace: Any, user: Any) -> None:
    """A schema that lost its mark."""
    sql(f'COMMENT ON SCHEMA "{namespace.schema_name}" IS NULL')


PLANTS: dict[str, Plant] = {
    "account-missing": plant_owner,
    "owner-closed": plant_closed,
    "orphan-key": plant_orphan,
    "sequence-behind": plant_sequence,
    "history-trigger": plant_trigger,
    "history-behind": plant_unseen,
    "share-dangling": plant_share,
    "namespace-missing": plant_token,
    "schema-unmarked": plant_mark,
}


@pytest.mark.parametrize("code", PLANTS)
def test_fsck__planted__is_found_and_mended(code: str, in_alpha: Any, ana: Any) -> None:
    """Found once, not changed by looking, mended on request, and gone."""
    assert check_namespaces().findings == []
    PLANTS[code](in_alpha, ana)
    assert {each.code for each in check_namespaces().left} == {code}
    assert code in {each.code for each in check_namespaces(fix=True).findings}
    assert check_namespaces().findings == []


def test_fsck__of_a_schema_that_is_gone__finds_it_and_mends_nothing(alpha: Any) -> None:
    """Rows that are gone come from a backup alone."""
    Namespace.objects.filter(pk=alpha.pk).update(schema_name="t_nowhere")
    assert [each.code for each in check_namespaces(fix=True).left] == ["schema-missing", "schema-left"]


def test_fsck__of_schemas_nobody_serves__drops_them_only_when_asked(alpha: Any) -> None:
    """One that a restore set aside, and one of a namespace that is gone."""
    create_schema("t_alpha_old", identity_of(alpha, "t_alpha_old"))
    create_schema("t_gone_000000", NOBODY)
    left = {(each.namespace, each.place) for each in check_namespaces(fix=True).left}
    assert left == {("alpha", "t_alpha_old"), (None, "t_gone_000000")}
    assert check_namespaces(fix=True, drop_schemas=True).left == []
    assert not {"t_alpha_old", "t_gone_000000"} & set(marked_schemas())


def test_fsck__of_an_anchor_without_its_segment__finds_what_nobody_can_mend(alpha: Any) -> None:
    """What was noted elsewhere is not in the chain."""
    anchor_model().objects.create(namespace_id=alpha.pk, slug="alpha", position=5, chain=b"x")
    assert [each.code for each in check_namespaces(fix=True).left] == ["anchor"]


def test_command__findings__exit_with_one_until_mended(alpha: Any, ana: Any, capsys: Any) -> None:
    """The exit code says whether anything is left."""
    with namespace_scope(alpha), operation(actor=Actor.user(ana)):
        plant_share(alpha, ana)
    with pytest.raises(CommandError, match="1 findings, 1 of which"):
        call_command("namespace", "fsck", "alpha", "--json")
    call_command("namespace", "fsck", "--fix", verbosity=0)
    capsys.readouterr()
    call_command("namespace", "fsck", "--json", verbosity=0)
    assert json.loads(capsys.readouterr().out)["findings"] == []


def test_endpoint__fsck__says_what_it_mended(alpha: Any, staff: Any, api_of: Any) -> None:
    """The report is the command's."""
    plant_share(alpha, staff)
    answer = api_of(staff, None).post("/api/v1/namespaces/alpha/fsck/", {"fix": True})
    assert answer.status_code == 200, answer.content
    assert (answer.json()["mended"], answer.json()["left"]) == (1, [])
