"""`python -m algebra2net` is the command `algebra2net`."""

import gc


def run() -> None:
    """The command, in a process of its own: it is over before there is garbage to collect, and nothing is when it ends."""
    gc.disable()
    from algebra2net.cli import main

    try:
        main(prog_name="algebra2net")
    finally:
        gc.freeze()


if __name__ == "__main__":
    run()
