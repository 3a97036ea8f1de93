"""What the campaigns raise."""


class FaultError(Exception):
    """A rule that is broken; the text says how."""
