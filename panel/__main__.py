"""`python -m panel` is `ship-panel`."""

from panel.cli import main

if __name__ == "__main__":
    main()
