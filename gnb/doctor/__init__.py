"""Checks a profile before an hour is spent on it. Nothing here changes anything, and only `hub` asks the network."""
