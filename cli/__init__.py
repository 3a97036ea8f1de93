"""The command ``archcost``: one file a subcommand."""

__all__: list[str] = []
