"""The secret key: given by the operator, or made once for a development checkout."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

__all__ = ["secret_key"]


def secret_key(env: Mapping[str, str], folder: Path) -> str:
    """Return ``SECRET_KEY`` from the environment, else one kept in ``folder``, readable by its owner only.

    Two processes that start at once agree: the file is made by a link, which only one of them wins.
    """
    if key := env.get("SECRET_KEY"):
        return key
    path = folder / "secret_key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"secret_key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
