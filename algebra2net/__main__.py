"""`python -m algebra2net` is the command `algebra2net`."""

from algebra2net.cli import main

if __name__ == "__main__":
    main(prog_name="algebra2net")
