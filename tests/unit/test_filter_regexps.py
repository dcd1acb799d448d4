"""JavaScript's regular expressions are read as JavaScript reads them, and refused where it refuses them."""

import pytest

from smartmodels.rest.filtering.errors import Unreadable
from smartmodels.rest.filtering.regexps import translated


@pytest.mark.parametrize(
    ("given", "pattern", "flags"),
    [
        ("ab", "ab", ""),
        ("/ab/", "ab", ""),
        ("/ab/gi", "ab", "gi"),
        ("slash/slash", "slash\\u002fslash", ""),
        ("/a/b/i", "a\\u002fb", "i"),
        ("(ab)+?", "(?:ab)+", ""),
        ("(a)\\1", "(a)(?:\\1)", ""),
        ("(?<n>a)\\k<n>", "(a)(?:\\1)", ""),
        ("\\d", "[0-9]", ""),
        ("[\\d\\-x]", "[0-9\\u002dx]", ""),
        ("[^]", ".", ""),
        ("[]", "(?!)", ""),
        ("[a-]", "[a\\u002d]", ""),
        ("[\\b]", "[\\u0008]", ""),
        ("\\x41\\u0042\\cA", "AB\\u0001", ""),
        ("\\ud83c\\udf4e", "\\U0001f34e", ""),
        ("a{2}", "a{2}", ""),
        ("a{2,}b{1,3}", "a{2,}b{1,3}", ""),
        ("a{,3}", "a\\u007b\\u002c3\\u007d", ""),
        ("{", "\\u007b", ""),
        ("a|", "a|", ""),
        ("", "", ""),
        (".", "[^\\u000a\\u000d\\u2028-\\u2029]", ""),
    ],
)
def test_pattern__valid__is_written_anew(given: str, pattern: str, flags: str) -> None:
    """In PostgreSQL's words."""
    assert translated(given) == (pattern, flags)


@pytest.mark.parametrize(
    "given",
    [
        "(", ")", "[", "[a", "a)", "*", "+a", "a**", "a{2}{3}", "{2}", "(?", "(?i)a", "(?P<n>a)", "(?#x)",
        "***:a", "[b-a]", "a{3,2}", "a{256}", "(a{40}){40}", "^*", "(?=a)*", "\\b+", "\\", "\\0", "\\1",
        "(a)\\2", "\\ud83c",
        "(?=(a))\\1", "(a)(?=\\1)", "(" * 40 + ")" * 40, "/a/y", "/a/iz", "/a/ii",
    ],
)  # fmt: skip
def test_pattern__invalid_or_endless__is_refused(given: str) -> None:
    """What JavaScript refuses, what PostgreSQL has as an extension, and what would repeat too much."""
    with pytest.raises(Unreadable):
        translated(given)
