"""The demo: three islands, five people and 344 penguins, told in small steps that can all be repeated."""
