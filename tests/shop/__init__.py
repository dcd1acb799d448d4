"""A tenant app of the tests: a shop whose API has names of its own, searched by filters."""
