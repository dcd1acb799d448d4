"""Hosts of a namespace: renamed, claimed, proved, preferred, removed, and who may have them next."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from shared_apps.accounts.models import Token
from shared_apps.namespaces.models import Domain, HeldHost, Namespace
from smartmodels.exceptions import HostTaken, SlugInvalid, SlugTaken, SmartModelsError
from smartmodels.tenancy import life
from smartmodels.tenancy.errors import HostNotFound, HostPrimary, HostUnproved, ResolverFailed
from smartmodels.tenancy.provisioning import reserve
from tests.support import txt
from tests.support.clients import host_of
from tests.support.closing import in_thread
from tests.support.lives import act, audit_of, remove

BIRDS = "birds.example.org"


@pytest.fixture(autouse=True)
def records(settings: Any) -> Any:
    """The TXT records of the DNS, which are ours here."""
    settings.SMARTMODELS_TXT_RESOLVER = "tests.support.txt.records_of"
    txt.RECORDS.clear()
    yield txt.RECORDS
    txt.RECORDS.clear()


def get(host: str, path: str = "/", **headers: str) -> Any:
    return Client(headers={"host": host, **headers}).get(path)


def own(namespace: Namespace, host: str = BIRDS) -> Domain:
    """Claim a host, publish the proof, verify."""
    domain = act(life.add_domain, namespace, host)
    name, text = life.proof_record(domain)
    txt.RECORDS[name] = [text]
    verified: Domain = act(life.verify_domain, namespace, host)
    return verified


# Renaming


def test_rename__of_a_namespace__keeps_its_schema(alpha: Namespace) -> None:
    """Only the slug and the host are new."""
    before = alpha.schema_name
    assert (act(life.rename, alpha, "Gamma").slug, alpha.schema_name) == ("gamma", before)


def test_rename__new_host__is_served(alpha: Namespace) -> None:
    """From the next request on."""
    act(life.rename, alpha, "gamma")
    assert get("gamma.localhost").status_code == 200


@pytest.mark.parametrize(("method", "status"), [("get", 301), ("head", 301), ("post", 308), ("delete", 308)])
def test_rename__old_host__leads_to_the_new_one(alpha: Namespace, method: str, status: int) -> None:
    """To the same path, query and port, by a redirect that keeps the method of a write and is not kept."""
    act(life.rename, alpha, "gamma")
    client = Client(headers={"host": "alpha.localhost:8123"})
    answer = getattr(client, method)("/api/v1/studies/?code=%26x")
    assert (answer.status_code, answer["Location"], answer["Cache-Control"]) == (
        status,
        "http://gamma.localhost:8123/api/v1/studies/?code=%26x",
        "no-store",
    )


@pytest.mark.parametrize("path", ["//evil.example/", "/%5cevil.example/", "/@evil.example"])
def test_rename__old_host__leads_nowhere_else(alpha: Namespace, path: str) -> None:
    """Whatever the path looks like."""
    act(life.rename, alpha, "gamma")
    assert get("alpha.localhost", path)["Location"].startswith("http://gamma.localhost/")


@pytest.mark.parametrize(("service", "status"), [(life.delete, 404), (life.archive, 410)])
def test_rename__old_host_of_what_is_gone__answers_like_the_new_one(
    alpha: Namespace, service: Callable[[Any], Any], status: int
) -> None:
    """A former host tells no more than the present one."""
    act(life.rename, alpha, "gamma")
    act(service, alpha)
    assert get("alpha.localhost").status_code == status


def test_rename__twice__leads_to_the_last_host(alpha: Namespace) -> None:
    """Not from host to host."""
    for slug in ("gamma", "delta"):
        act(life.rename, alpha, slug)
    assert (
        get("alpha.localhost")["Location"] == get("gamma.localhost")["Location"] == "http://delta.localhost/"
    )


def test_rename__there_and_back__is_as_before(alpha: Namespace) -> None:
    """Its own former host is no obstacle."""
    for slug in ("gamma", "alpha"):
        act(life.rename, alpha, slug)
    assert (get("alpha.localhost").status_code, get("gamma.localhost").status_code) == (200, 301)


def test_rename__with_a_primary_host_of_its_own__leads_there(alpha: Namespace) -> None:
    """The primary host stays the one that was chosen."""
    own(alpha)
    act(life.make_primary, alpha, BIRDS)
    act(life.rename, alpha, "gamma")
    assert get("alpha.localhost")["Location"] == f"http://{BIRDS}/"


@pytest.mark.parametrize("slug", ["beta", "BETA"])
def test_rename__to_a_slug_in_use__is_refused(alpha: Namespace, beta: Namespace, slug: str) -> None:
    """And nothing has changed."""
    with pytest.raises(SlugTaken):
        act(life.rename, alpha, slug)
    assert get("alpha.localhost").status_code == 200


@pytest.mark.parametrize("slug", ["", "www", "a b", "x" * 400, "nul\x00", "half\ud800", "-x"])
def test_rename__to_what_is_no_slug__is_refused(alpha: Namespace, slug: str) -> None:
    """By the rules of names, and the refusal is on record."""
    with pytest.raises(SlugInvalid):
        act(life.rename, alpha, slug)
    assert audit_of("alpha") == [("rename", "refused")]


def test_slug__that_leads_to_another_namespace__is_nobody_elses(alpha: Namespace, ana: Any) -> None:
    """Those who still come to the old host are the old namespace's."""
    act(life.rename, alpha, "gamma")
    with pytest.raises(HostTaken):
        reserve("alpha", name="Second", owner=ana)


def test_slug__whose_redirect_was_removed__is_held_and_then_free(
    alpha: Namespace, beta: Namespace, ana: Any
) -> None:
    """Neither a new namespace nor another one gets it before the time is over."""
    act(life.rename, alpha, "gamma")
    act(life.remove_domain, alpha, "alpha.localhost")
    assert get("alpha.localhost").status_code == 404
    with pytest.raises(HostTaken, match="held"):
        reserve("alpha", name="Second", owner=ana)
    with pytest.raises(HostTaken, match="held"):
        act(life.rename, beta, "alpha")
    HeldHost.objects.update(until=timezone.now())
    assert reserve("alpha", name="Second", owner=ana).slug == "alpha"


def test_session__of_the_old_host__is_over(alpha: Namespace, ana: Any, client_of: Any) -> None:
    """Its cookie belongs to a host that may be somebody else's one day."""
    browser = client_of(ana, alpha)
    act(life.rename, alpha, "gamma")
    assert browser.get("/admin/", headers={"host": "gamma.localhost"}).status_code == 302


def test_token__after_renaming__is_good_on_the_new_host_alone(
    alpha: Namespace, beta: Namespace, ana: Any
) -> None:
    """It is the namespace's, not the host's, and never another one's."""
    _, secret = Token.issue(ana, alpha.pk)
    act(life.rename, alpha, "gamma")
    HeldHost.objects.all().delete()
    Domain.objects.filter(domain="alpha.localhost").delete()
    act(life.rename, beta, "alpha")
    said = [
        get(f"{slug}.localhost", "/api/v1/studies/", authorization=f"Token {secret}")
        for slug in ("gamma", "alpha")
    ]
    assert [answer.status_code for answer in said] == [200, 401]


def test_rename__repeated_by_its_old_slug__changes_nothing(alpha: Namespace) -> None:
    """As an operator's script may do."""
    act(life.rename, alpha, "gamma")
    found = life.find_renamed("alpha", "gamma")
    act(life.rename, found, "gamma")
    assert audit_of("gamma") == [("rename", "unchanged")]


# Hosts of its own


def test_domain__added__is_not_served(alpha: Namespace) -> None:
    """Anybody could say so."""
    act(life.add_domain, alpha, BIRDS)
    assert get(BIRDS).status_code == 404


def test_domain__proved__is_served(alpha: Namespace) -> None:
    """The TXT record says what was asked for."""
    own(alpha)
    assert get("Birds.Example.Org.:8000").status_code == 200


@pytest.mark.parametrize("published", [[], ["smartmodels="], ["smartmodels=x"], ["something else", ""]])
def test_domain__without_the_proof__stays_pending(
    alpha: Namespace, records: Any, published: list[str]
) -> None:
    """The refusal says which record is missing."""
    domain = act(life.add_domain, alpha, BIRDS)
    records[f"_smartmodels.{BIRDS}"] = published
    with pytest.raises(HostUnproved, match=domain.proof):
        act(life.verify_domain, alpha, BIRDS)
    assert get(BIRDS).status_code == 404


def test_domain__with_the_proof_of_another_namespace__stays_pending(
    alpha: Namespace, beta: Namespace, records: Any
) -> None:
    """Each claim has a proof of its own."""
    first = act(life.add_domain, alpha, BIRDS)
    Domain.objects.filter(pk=first.pk).update(added_at=timezone.now() - timedelta(days=8))
    act(life.add_domain, beta, BIRDS)
    records[f"_smartmodels.{BIRDS}"] = [f"smartmodels={first.proof}"]
    with pytest.raises(HostUnproved):
        act(life.verify_domain, beta, BIRDS)


def test_domain__when_the_dns_is_silent__can_be_verified_later(alpha: Namespace, settings: Any) -> None:
    """Not knowing is not a no."""
    act(life.add_domain, alpha, BIRDS)
    settings.SMARTMODELS_TXT_RESOLVER = "tests.support.txt.nothing_of_the_kind"
    with pytest.raises(ResolverFailed):
        act(life.verify_domain, alpha, BIRDS)


def test_domain__claimed_by_another__is_refused(alpha: Namespace, beta: Namespace) -> None:
    """Until the claim has aged."""
    act(life.add_domain, alpha, BIRDS)
    with pytest.raises(HostTaken):
        act(life.add_domain, beta, BIRDS)


def test_domain__claimed_long_ago_and_never_proved__gives_way(alpha: Namespace, beta: Namespace) -> None:
    """A claim alone keeps nobody away from what is theirs."""
    act(life.add_domain, alpha, BIRDS)
    Domain.objects.filter(domain=BIRDS).update(added_at=timezone.now() - timedelta(days=8))
    assert act(life.add_domain, beta, BIRDS).tenant_id == beta.pk


@pytest.mark.parametrize("again", [life.add_domain, life.verify_domain])
def test_domain__that_is_there__is_returned(alpha: Namespace, again: Any) -> None:
    """Repeating it is no error, and asks for no new proof."""
    own(alpha)
    txt.RECORDS.clear()
    assert act(again, alpha, BIRDS).state == "served"
    assert audit_of("alpha")[-1][1] == "unchanged"


def test_domain__primary__is_one(alpha: Namespace) -> None:
    """The other is served on."""
    own(alpha)
    act(life.make_primary, alpha, BIRDS)
    assert [each.domain for each in life.domains_of(alpha) if each.is_primary] == [BIRDS]
    assert get("alpha.localhost").status_code == 200


def test_domain__pending__cannot_be_primary(alpha: Namespace) -> None:
    """Everything would lead to a host that is not served."""
    act(life.add_domain, alpha, BIRDS)
    with pytest.raises(HostUnproved):
        act(life.make_primary, alpha, BIRDS)


@pytest.mark.parametrize("host", [BIRDS, "alpha.localhost"])
def test_domain__primary_or_of_the_slug__cannot_be_removed(alpha: Namespace, host: str) -> None:
    """A namespace is always found somewhere."""
    own(alpha)
    act(life.make_primary, alpha, BIRDS)
    with pytest.raises(HostPrimary):
        act(life.remove_domain, alpha, host)


@pytest.mark.parametrize("service", [life.verify_domain, life.make_primary, life.remove_domain])
@pytest.mark.parametrize(
    "host", ["beta.localhost", "nothing.example.org", "", "nul\x00", "half\ud800", "\u00df"]
)
def test_domain__of_somebody_else__is_not_found(
    alpha: Namespace, beta: Namespace, service: Any, host: str
) -> None:
    """Hosts are reached through their namespace only."""
    with pytest.raises(HostNotFound):
        act(service, alpha, host)


def test_domain__removed__is_held_for_its_namespace(alpha: Namespace, beta: Namespace) -> None:
    """Others wait; the same namespace may take it back at once."""
    own(alpha)
    act(life.remove_domain, alpha, BIRDS)
    assert get(BIRDS).status_code == 404
    with pytest.raises(HostTaken, match="held"):
        act(life.add_domain, beta, BIRDS)
    assert own(alpha).state == "served"
    assert not HeldHost.objects.exists()


def test_domain__removed_long_ago__is_free(alpha: Namespace, beta: Namespace, settings: Any) -> None:
    """The quarantine ends."""
    settings.SMARTMODELS_HOST_QUARANTINE_DAYS = 0
    own(alpha)
    act(life.remove_domain, alpha, BIRDS)
    assert own(beta).tenant_id == beta.pk


def test_domain__never_proved_and_removed__is_held_for_nobody(alpha: Namespace, beta: Namespace) -> None:
    """Who never had it keeps it from nobody."""
    act(life.add_domain, alpha, BIRDS)
    act(life.remove_domain, alpha, BIRDS)
    assert act(life.add_domain, beta, BIRDS).tenant_id == beta.pk


def test_domain__of_a_purged_namespace__is_held(committing: Any, alpha: Namespace, beta: Namespace) -> None:
    """Its name may still lead here; that of the slug is free."""
    own(alpha)
    remove(alpha)
    with pytest.raises(HostTaken, match="held"):
        act(life.add_domain, beta, BIRDS)
    assert act(life.rename, beta, "alpha").slug == "alpha"


def test_hosts__of_one_namespace__are_listed_apart(alpha: Namespace, beta: Namespace) -> None:
    """Nothing of another's."""
    own(alpha)
    assert [each.domain for each in life.domains_of(beta)] == [host_of(beta)]


@pytest.mark.parametrize("wanted", ["host", "slug"])
def test_host__wanted_by_several_at_once__is_won_by_one(
    committing: Any, alpha: Namespace, beta: Namespace, wanted: str
) -> None:
    """The others get a clear conflict."""
    said: list[str] = []
    gate = threading.Barrier(2)

    def want(namespace: Namespace) -> None:
        connections["default"].ensure_connection()
        gate.wait(10)
        try:
            if wanted == "host":
                act(life.add_domain, namespace, BIRDS)
            else:
                act(life.rename, namespace, "gamma")
        except SmartModelsError as error:
            said.append(f"{error.status}")
        else:
            said.append("won")

    for thread in [in_thread(lambda each=each: want(each)) for each in (alpha, beta)]:  # type: ignore[misc]
        thread.join()
    assert sorted(said) == ["409", "won"]
