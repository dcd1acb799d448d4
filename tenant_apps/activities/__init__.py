"""Comments, favourites, likes and votes on the resources of a namespace."""
