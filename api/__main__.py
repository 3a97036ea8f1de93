"""Run the command line as ``python -m archcost``."""

import sys

from archcost.cli.main import main

sys.exit(main())
