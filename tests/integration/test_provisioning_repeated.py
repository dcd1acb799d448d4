"""Asking twice, giving up, and looking whether a schema is what it should be."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from shared_apps.namespaces.models import Membership, Namespace
from smartmodels.exceptions import IdempotencyKeyReused, InvalidInput
from smartmodels.tenancy import provisioning
from smartmodels.tenancy.models import State
from smartmodels.tenancy.template import differences_of
from smartmodels.testing import make_namespace

NAMESPACES = "/api/v1/namespaces/"
WISH = {"slug": "gamma", "name": "Gamma", "owner": "ana@example.org"}
DAMAGES = {
    "missing table activities_activity": "DROP TABLE activities_activity CASCADE",
    "extra table odd": "CREATE TABLE odd (a int)",
    "missing column zoo_tag.label": "ALTER TABLE zoo_tag DROP COLUMN label CASCADE",
    "extra column zoo_tag.odd": "ALTER TABLE zoo_tag ADD odd int",
    "other column zoo_tag.label": "ALTER TABLE zoo_tag ALTER label TYPE text",
    "extra index odd": "CREATE INDEX odd ON zoo_tag (label)",
    "extra constraint zoo_tag.odd": "ALTER TABLE zoo_tag ADD CONSTRAINT odd CHECK (label <> '')",
    "missing trigger zoo_tag.zoo_tag_capture_update": "DROP TRIGGER zoo_tag_capture_update ON zoo_tag",
    "extra state of trigger zoo_tag.zoo_tag_capture_insert": (
        "ALTER TABLE zoo_tag DISABLE TRIGGER zoo_tag_capture_insert"
    ),
    'extra comment table "zoo_tag"': "COMMENT ON TABLE zoo_tag IS 'odd'",
    'extra privileges table "zoo_tag"': "GRANT SELECT ON zoo_tag TO PUBLIC",
}


def namespace(*words: str) -> tuple[int, Any]:
    """Run the command with --json in this process; its exit code and what it printed."""
    output, code = StringIO(), 0
    try:
        call_command("namespace", *words, "--json", stdout=output, stderr=StringIO())
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    return code, json.loads(output.getvalue())


# The same key again


def test_provision__again_with_its_key__gives_the_same(committing: Any, ana: Any) -> None:
    """Who did not get the answer asks again."""
    first, again = (
        provisioning.provision("gamma", name="Gamma", owner=ana, idempotency_key="k1") for _ in range(2)
    )
    assert (first.pk, first.state) == (again.pk, again.state)


def test_provision__again_while_half_made__finishes_it(committing: Any, ana: Any) -> None:
    """What the first call left behind."""
    half = provisioning.reserve("gamma", name="Gamma", owner=ana, idempotency_key="k1")
    made = provisioning.provision("gamma", name="Gamma", owner=ana, idempotency_key="k1")
    assert (made.pk, made.state) == (half.pk, State.ACTIVE)


@pytest.mark.parametrize("other", [{"slug": "delta"}, {"name": "Other"}])
def test_provision__of_another_with_the_same_key__is_refused(ana: Any, other: dict[str, str]) -> None:
    """A key names one wish."""
    provisioning.reserve("gamma", name="Gamma", owner=ana, idempotency_key="k1")
    wish = {"slug": "gamma", "name": "Gamma", **other}
    with pytest.raises(IdempotencyKeyReused):
        provisioning.reserve(wish["slug"], name=wish["name"], owner=ana, idempotency_key="k1")


@pytest.mark.parametrize("key", ["", "x" * 101, "a\nb", "\u00e4", "nul\x00"])
def test_reserve__with_a_key_that_cannot_be_used__is_refused(ana: Any, key: str) -> None:
    """Before anything is written."""
    with pytest.raises(InvalidInput):
        provisioning.reserve("gamma", name="Gamma", owner=ana, idempotency_key=key)


def test_api__asked_again_with_its_key__answers_with_the_same(api_of: Callable[..., Any], staff: Any) -> None:
    """201 the first time, 200 afterwards; another body is refused with 422."""
    api = api_of(staff, None)
    header = {"Idempotency-Key": "k1"}
    answers = [
        api.post(f"{NAMESPACES}?wait=true", body, **header) for body in (WISH, WISH, {**WISH, "slug": "x2"})
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 422]
    assert answers[0].json()["created_at"] == answers[1].json()["created_at"]
    assert answers[2].json()["code"] == "idempotency-key-reused"


# The janitor


def reserved(ana: Any, slug: str, minutes: int, state: State = State.RESERVED) -> None:
    """A namespace that was reserved so long ago."""
    made = provisioning.reserve(slug, name=slug, owner=ana)
    when = timezone.now() - timedelta(minutes=minutes)
    Namespace.objects.filter(pk=made.pk).update(created_at=when, state=state)


def test_janitor__among_reservations__removes_the_old_ones(committing: Any, ana: Any) -> None:
    """Half-made ones alone, and only after an hour."""
    reserved(ana, "old", 61)
    reserved(ana, "failed", 61, State.FAILED)
    reserved(ana, "loading", 61, State.LOADING)
    reserved(ana, "young", 59)
    reserved(ana, "served", 61, State.ACTIVE)
    assert namespace("janitor", "--dry-run")[1]["expired"] == ["old", "failed", "loading"]
    assert namespace("janitor")[1]["removed"] == ["old", "failed", "loading"]
    left = set(Namespace.objects.values_list("slug", flat=True))
    assert left == {"alpha", "beta", "young", "served"}


def test_janitor__dry__removes_nothing(ana: Any) -> None:
    """It only looks."""
    reserved(ana, "old", 61)
    namespace("janitor", "--dry-run")
    assert Membership.objects.filter(namespace__slug="old").exists()


# The doctor


def test_doctor__of_healthy_namespaces__finds_nothing(alpha: Namespace, beta: Namespace) -> None:
    """All of them if none is named."""
    code, found = namespace("doctor")
    assert (code, [(each["slug"], each["differences"]) for each in found]) == (
        0,
        [("alpha", []), ("beta", [])],
    )


@pytest.mark.parametrize("finding", DAMAGES)
def test_doctor__of_a_damaged_schema__names_what_differs(alpha: Namespace, finding: str) -> None:
    """Each kind of object, and what is the matter with it."""
    with connection.cursor() as cursor:
        cursor.execute(f'SET LOCAL search_path TO "{alpha.schema_name}", public')
        cursor.execute(DAMAGES[finding])
    connection.session.known.forget()
    found = [f"{each.problem} {each.what}" for each in differences_of(alpha.schema_name)]
    assert finding in found


def test_doctor__with_a_difference__exits_1(alpha: Namespace) -> None:
    """And says what is wanted and what was found."""
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE TABLE "{alpha.schema_name}".odd (a int)')
    code, found = namespace("doctor", "alpha")
    assert (code, found[0]["differences"]) == (
        1,
        [{"what": "table odd", "problem": "extra", "wanted": None, "found": 'CREATE TABLE "odd"'}],
    )


# The commands and the tool for tests


def test_spares__on_the_command_line__are_filled(committing: Any) -> None:
    """And counted."""
    assert namespace("spares", "--fill", "1")[1] == {"made": 1, "dropped": 0, "ready": 1}
    assert namespace("spares")[1] == {"ready": 1}


def test_template__on_the_command_line__is_described(db: None) -> None:
    """Whether it is recorded."""
    code, known = namespace("template")
    assert (code, known["recorded"], known["error"]) == (0, True, None)


def test_make_namespace__in_a_test__is_active(db: None) -> None:
    """In the transaction that is rolled back afterwards."""
    assert make_namespace("fresh").state == State.ACTIVE
