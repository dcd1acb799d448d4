"""What every namespace keeps about its own rows: the ledger of its history, marks, links to tie again."""
