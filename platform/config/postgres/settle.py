"""DATABASE_URL, settled before Django reads its settings."""

from collections.abc import Mapping, MutableMapping
from pathlib import Path

from config.postgres.binaries import find_binaries
from config.postgres.cluster import Cluster

DATABASE = "smartmodels"


def data_folder(root: Path, env: Mapping[str, str]) -> Path:
    """Where this checkout keeps its clusters: SMARTMODELS_DATA, else `.data`."""
    return Path(env.get("SMARTMODELS_DATA") or root / ".data")


def application_folder(root: Path, env: Mapping[str, str]) -> Path:
    """Where the application's cluster lives."""
    return data_folder(root, env) / "postgres"


def settle(env: MutableMapping[str, str], root: Path, *, keep: bool = False) -> Cluster | None:
    """Set DATABASE_URL in `env` to the checkout's own cluster, started or joined, unless it is set already.

    Returns the cluster, which the caller closes when it needs the database no more; None when there was
    nothing to do. Child processes inherit DATABASE_URL and rely on this one. Raises PostgresError.
    """
    if env.get("DATABASE_URL"):
        return None
    cluster = Cluster(application_folder(root, env), binaries=find_binaries(env), env=env, keep=keep)
    cluster.start()
    try:
        cluster.ensure_database(DATABASE)
    except BaseException:
        cluster.close()
        raise
    env["DATABASE_URL"] = cluster.url(DATABASE)
    return cluster
