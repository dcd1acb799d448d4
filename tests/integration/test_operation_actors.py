"""Who acts is what histories say, and nobody writes without saying so."""

from typing import Any

import pytest
from django.db import connection, transaction

from shared_apps.accounts.models import User
from smartmodels.context import Actor, namespace_scope, operation
from smartmodels.exceptions import ActorRequired
from smartmodels.history import timeline
from smartmodels.ownership import sentinel_id
from tenant_apps.research.models import Study

COLUMNS = (
    "id, owner_id, created_at, created_by_id, updated_at, updated_by_id, code, title, region, island, notes"
)
ROW = ("now()", "now()")


@pytest.fixture
def bound(alpha: Any) -> Any:
    """Alpha, in which nobody acts."""
    with namespace_scope(alpha):
        yield alpha


def make(code: str = "PAL0708") -> Study:
    return Study.objects.create(code=code, island="Dream")


def written(study: Study) -> Any:
    """The newest version."""
    return timeline(Study, study.pk)[0]


# Kinds of actors


@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        (Actor.api_key("sync"), "api_key"),
        (Actor.oauth_application("app"), "oauth_application"),
        (Actor.job("nightly"), "job"),
        (Actor.command("import"), "command"),
        (Actor.system("sweeper"), "system"),
    ],
)
def test_version__written_by_each_kind_of_actor__names_it(bound: Any, actor: Actor, kind: str) -> None:
    """Kind and label; there is no account."""
    with operation(actor=actor):
        version = written(make())
    assert (version.actor_kind, version.actor_label, version.history_user_id) == (kind, actor.label, None)


def test_row__made_with_a_key_of_a_user__is_the_users(bound: Any, ana: Any) -> None:
    """A program works for whoever gave it the key."""
    with operation(actor=Actor.api_key("sync", ana.pk)):
        study = make()
    assert (study.owner_id, written(study).history_user_id, written(study).actor_label) == (
        ana.pk,
        ana.pk,
        "sync",
    )


def test_row__made_by_the_system__is_the_sentinels(bound: Any) -> None:
    """Somebody must own it."""
    with operation():
        assert make().owner_id == sentinel_id()


def test_version__written_by_an_impersonator__names_both(bound: Any, staff: Any, ana: Any) -> None:
    """The account in it is that of who really acted."""
    with operation(actor=Actor.impersonator(staff), on_behalf_of=Actor.user(ana)):
        version = written(make())
    assert (version.actor_kind, version.actor_label, version.history_user_id) == (
        "impersonator",
        "staff@example.org on behalf of ana@example.org",
        staff.pk,
    )


def test_row__made_by_an_impersonator__is_the_others(bound: Any, staff: Any, ana: Any) -> None:
    """New rows belong to whom they are made for; who made them stays known."""
    with operation(actor=Actor.impersonator(staff), on_behalf_of=Actor.user(ana)):
        study = make()
    assert (study.owner_id, study.created_by_id) == (ana.pk, staff.pk)


# Nobody


def save_new() -> None:
    make("BY-SAVE")


def bulk_create() -> None:
    Study.objects.bulk_create([Study(code="BY-BULK", island="Dream")])


def queryset_update() -> None:
    Study.objects.update(region="Anvers")


def queryset_delete() -> None:
    Study.objects.all().delete()


def raw_insert() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO research_study ({COLUMNS}) VALUES "  # noqa: S608
            "(gen_random_uuid(), %s, now(), %s, now(), %s, 'BY-SQL', '', '', 'Dream', '')",
            [sentinel_id()] * 3,
        )


def raw_update() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE research_study SET region = 'Anvers'")


def copy() -> None:
    owner = sentinel_id()
    line = (
        f"00000000-0000-7000-8000-00000000000f\t{owner}\tnow\t{owner}\tnow\t{owner}\tBY-COPY\t\t\tDream\t\n"
    )
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY research_study ({COLUMNS}) FROM STDIN") as stream,
    ):
        stream.write(line)


WRITES = [save_new, bulk_create, queryset_update, queryset_delete, raw_insert, raw_update, copy]


@pytest.fixture
def one(bound: Any) -> Study:
    """One study that the system made."""
    with operation():
        return make()


@pytest.mark.parametrize("write", WRITES)
def test_write__while_nobody_acts__is_refused_and_says_how(one: Study, write: Any) -> None:
    """By the library, and by the database for what goes around it."""
    with pytest.raises(ActorRequired, match=r"operation\(actor="), transaction.atomic():
        write()


@pytest.mark.parametrize("write", [raw_update, copy])
def test_write_around_the_library__in_an_operation__is_in_its_name(one: Study, ana: Any, write: Any) -> None:
    """What the ORM knows, the database is told."""
    with operation(actor=Actor.user(ana)):
        write()
    assert Study.history.latest("history_id").actor_label == ana.email


def test_read__while_nobody_acts__is_answered(one: Study) -> None:
    """Looking changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM research_study")
        assert (cursor.fetchone(), Study.objects.count()) == ((1,), 1)


def test_public_row__while_nobody_acts__can_be_written(bound: Any) -> None:
    """Accounts, namespaces and grants have no history of this kind."""
    assert User.objects.create_user("new@example.org", None).pk


@pytest.mark.parametrize("write", WRITES)
def test_write__while_nobody_need_act__is_the_systems(one: Study, settings: Any, write: Any) -> None:
    """Where SMARTMODELS_DEFAULT_REQUIRED is off."""
    settings.SMARTMODELS_DEFAULT_REQUIRED = False
    write()
    version = Study.history.latest("history_id")
    assert (version.actor_kind, version.actor_label, version.history_user_id) == ("system", "system", None)


def test_row__made_while_nobody_need_act__is_the_sentinels(bound: Any, settings: Any) -> None:
    """As if the system had said so."""
    settings.SMARTMODELS_DEFAULT_REQUIRED = False
    study = make()
    assert (study.owner_id, study.created_by_id) == (sentinel_id(), sentinel_id())
