"""From a Report to text, and from Progress to lines or a live display on stderr.

No operation is started here, and only this package and cli/ write to stdout or stderr.
"""
