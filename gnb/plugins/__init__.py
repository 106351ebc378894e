"""The plugin boundary: hook specifications, and the manager that finds and guards plugins.

A plugin is a module or object named by an entry point of the group `gnb`. It implements one or more of the hooks in
`gnb.plugins.hookspecs`, marked with `hookimpl`.
"""

from gnb.plugins.hookspecs import hookimpl

__all__ = ["hookimpl"]
