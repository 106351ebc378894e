"""The command line: thin click commands, one file a command group. Each imports what it needs when it runs."""
