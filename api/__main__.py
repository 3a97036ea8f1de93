"""Run the command line as ``python -m archcost``."""

import sys

from archcost.main import main

sys.exit(main())
