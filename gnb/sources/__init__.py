"""Sources: each module brings text in from one kind of place."""
