"""The command line."""


def main() -> int:
    """Run the command."""
    raise SystemExit(2)
