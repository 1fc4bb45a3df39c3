"""Sizes and speeds, measured here and now: `make bench`. Ratios are against a baseline measured in the same run."""
