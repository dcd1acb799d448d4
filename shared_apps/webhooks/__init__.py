"""Where the changes of a namespace are sent."""
