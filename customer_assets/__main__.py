"""`python -m customer_assets <command>`: the commands stand in `cli/`."""

import sys

from customer_assets.cli import main

if __name__ == "__main__":
    sys.exit(main())
