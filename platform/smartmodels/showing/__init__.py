"""How rows are shown to people and asked of them: names, values, words, forms; for every room with pages."""
