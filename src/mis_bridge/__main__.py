"""``python -m mis_bridge``: the same as the command ``mis-bridge``."""

from mis_bridge.cli.main import main

if __name__ == "__main__":
    main()
