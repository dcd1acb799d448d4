"""Measurements: the peer and ours interleaved in one run, medians, one line ``name ratio`` per figure."""
