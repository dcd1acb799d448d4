"""TXT records as the tests want them."""

RECORDS: dict[str, list[str]] = {}


def records_of(name: str) -> list[str]:
    """The records of a name."""
    return RECORDS.get(name, [])
