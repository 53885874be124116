"""The module that runs: the same Program as the readable one, written as an expert would write it.

In    the forward Program and the derived one, macros opened
Out   the text of a stand-alone NumPy module with the same functions, and the same results

    order.py      products in their cheapest order
    kernels.py    what each operator does, read off its NumPy text
    in_place.py   the functions that stay calls, written in place
    shortcuts.py  the shorter way that such a function takes for ordinary numbers
    graph.py      a whole Program as one graph of array operations
    rules.py      what an expert writes in place of one
    stacks.py     equal products that nobody waits for, as one
    emit.py       the graph as lines, in place and in blocks
    module.py     the module's text
"""
