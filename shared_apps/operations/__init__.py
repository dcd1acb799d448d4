"""What stands in the public schema for history: the functions that keep it, and the anchors of its chains."""
