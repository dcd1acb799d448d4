"""A tenant app of the tests, with every kind of relation and field that a smart model can have."""
