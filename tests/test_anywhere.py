"""A net is the same in every thread, in every process, and after a journey between them.

What a call or a compilation keeps for the next one is safe to share: the tests let many threads, started at one moment,
meet in the places where something is made on first use.
"""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
from random_programs import random_program

from algebra2net import Net, compile
from algebra2net.gallery import find
from algebra2net.operators.operator import operation

Array = np.ndarray[Any, np.dtype[Any]]
THREADS = 8
SEEDS = (3, 14, 25, 36, 47, 59)


def all_at_once(*tasks: Callable[[], Any]) -> list[Any]:
    """What the tasks give, each in a thread of its own, begun together and switched often. The first exception is raised."""
    barrier, results, errors = threading.Barrier(len(tasks)), [None] * len(tasks), []

    def run(place: int) -> None:
        try:
            barrier.wait()
            results[place] = tasks[place]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(tasks))]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    if errors:
        raise errors[0]
    return results


def signal(net: Net, given: Mapping[str, Any]) -> dict[str, Array]:
    value = net(**given)
    return {} if isinstance(value, float) else {"delta": np.ones(value.shape)}


def bits(results: Any) -> Any:
    """Results in a form in which equal means equal to the bit."""
    if isinstance(results, dict):
        return {name: bits(value) for name, value in results.items()}
    if isinstance(results, tuple | list):
        return [bits(value) for value in results]
    array = np.asarray(results)
    return array.dtype.str, array.shape, array.tobytes()


# ------------------------------------------------------------------------------------------------------------- threads


@pytest.mark.parametrize("name", ["lstm", "transformer-block", "batch-norm", "gaussian-process", "vae", "columns"])
@pytest.mark.parametrize("optimize", [True, False])
def test_eight_threads_get_what_one_gets(name: str, optimize: bool) -> None:
    """Bit for bit, of one net, each thread with arrays of its own, again and again."""
    entry = find(name)
    net = compile(entry.program, wrt=entry.wrt, optimize=optimize)
    calls = [entry.example(seed) for seed in range(THREADS)]
    deltas = [signal(net, given) for given in calls]

    def work(place: int) -> Any:
        return [bits((net.forward(**calls[place]), net.value_and_grad(**calls[place], **deltas[place]))) for _ in range(15)]

    alone = [work(place)[0] for place in range(THREADS)]
    with np.errstate(all="ignore"):
        together = all_at_once(*(lambda place=place: work(place) for place in range(THREADS)))
    for one, many in zip(alone, together, strict=True):
        assert all(each == one for each in many)


@pytest.mark.parametrize("number", SEEDS)
def test_a_net_that_nothing_has_been_asked_of_is_asked_by_eight_threads(number: int) -> None:
    """Whatever is made on first use, is made once or made equal: source, functions, gradients, pictures of it."""
    program = random_program(number)
    arrays = program.arrays(number)
    known = compile(program.text, shapes=program.shapes, wrt="all")
    delta = signal(known, arrays)
    asked: list[Callable[[Net], Any]] = [
        lambda net: net.source,
        lambda net: net.optimized_source,
        lambda net: bits(net.value_and_grad(**arrays, **delta)),
        lambda net: bits(net.forward(**arrays)),
        lambda net: str(net.backprop),
        lambda net: {name: str(value) for name, value in net.gradients.items()},
        lambda net: net.latex_gradients(),
        lambda net: bits(net.grad(**arrays, **delta)),
    ]
    expected = [ask(known) for ask in asked]
    for _ in range(3):
        net = compile(program.text, shapes=program.shapes, wrt="all")
        assert all_at_once(*(lambda ask=ask, net=net: ask(net) for ask in asked)) == expected


def test_eight_threads_bring_shapes_that_nothing_foresaw() -> None:
    """A bias that is a matrix: the net for it is made by whoever comes first."""
    net = compile("y = x W + b", wrt="all")
    x, W = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    biases = [np.full(size, 0.5) for size in ((1, 4), (2, 4), (2, 1), (1, 1))] * 2
    alone = [bits(compile("y = x W + b", wrt="all").value_and_grad(x=x, W=W, b=b, delta=np.ones((2, 4)))) for b in biases]
    assert all_at_once(*(lambda b=b: bits(net.value_and_grad(x=x, W=W, b=b, delta=np.ones((2, 4)))) for b in biases)) == alone


def test_eight_threads_compile_at_once() -> None:
    """The same program, and others; the garbage collector is as before."""
    programs = [random_program(seed) for seed in (101, 102, 203, 304, 405, 506, 607, 708)]

    def text(place: int) -> str:
        program = programs[place]
        net = compile(program.text, shapes=program.shapes, wrt="all")
        return net.source + net.optimized_source + net.latex() + str(net.backprop)

    alone = [text(place) for place in range(THREADS)]
    was_enabled = gc.isenabled()
    for shift in (0, 3):
        order = [(place + shift) % THREADS if shift else place // 4 for place in range(THREADS)]
        assert all_at_once(*(lambda place=place: text(place) for place in order)) == [alone[place] for place in order]
        assert gc.isenabled() == was_enabled


def test_an_operator_has_one_class_in_all_threads() -> None:
    """SymPy compares expressions by their classes; those of a user's functions are made while compiling."""
    for number in range(50):
        classes = all_at_once(*[lambda number=number: operation(f"own f{number}")] * THREADS)
        assert len(set(classes)) == 1


def test_wrong_programs_in_other_threads_change_nothing() -> None:
    """Messages, too, are each thread's own."""
    wrong = ["y = rleu(x)", "y = x W; where x: 2x3, W: 4x4", "y = (x", "y = ", "y = f(x)"]

    def message(text: str) -> str:
        try:
            return str(compile(text))
        except ValueError as error:
            return str(error)

    alone = [message(text) for text in wrong]
    assert all_at_once(*(lambda text=text: message(text) for text in wrong)) == alone


# ------------------------------------------------------------------------------------------------------------- journeys

# fmt: off
OPTIONS = [
    {},
    {"wrt": "all"},
    {"wrt": ["W0"], "optimize": False},
    {"stabilize": False},
    {"names": "book"},
    {"loss": "mse(l2, y)"},
    {"shapes": {"l0": 3, "l1": 4, "l2": 1}, "wrt": ["l0", "W1"]},
    {"shapes": {"l0": ("B", 3)}},
]
# fmt: on
AT = {"l0": np.arange(15.0).reshape(5, 3) / 7, "W0": np.arange(12.0).reshape(3, 4) / 5 - 1, "W1": np.arange(4.0).reshape(4, 1) - 1}
JOURNEYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {protocol}": lambda net, protocol=protocol: pickle.loads(pickle.dumps(net, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("journey", JOURNEYS)
@pytest.mark.parametrize("is_called", [False, True], ids=["new", "after calls"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_net_is_the_same_after_a_journey(options: dict[str, Any], is_called: bool, journey: str) -> None:
    net = compile("l2 = relu(l0 W0) W1", **options)
    given = AT | ({"y": np.ones((5, 1))} if "loss" in options else {})
    delta = {} if "loss" in options else {"delta": np.ones((5, 1))}
    if is_called:
        net.value_and_grad(**given, **delta)
        net.sheet()
        assert net.gradients
    there = JOURNEYS[journey](net)
    assert type(there) is type(net)
    for text in ("source", "optimized_source", "inputs", "output", "shapes", "parameters", "program", "backprop"):
        assert getattr(there, text) == getattr(net, text), text
    assert bits(there.value_and_grad(**given, **delta)) == bits(net.value_and_grad(**given, **delta))
    assert {name: str(value) for name, value in there.gradients.items()} == {name: str(value) for name, value in net.gradients.items()}


def test_a_copy_goes_its_own_way() -> None:
    """Shapes that the one has met are nothing to the other."""
    net = compile("y = x W + b")
    there = copy.deepcopy(net)
    net(x=np.ones((2, 3)), W=np.ones((3, 4)), b=np.ones((2, 4)))
    there(x=np.ones((2, 3)), W=np.ones((3, 4)), b=np.ones((1, 4)))
    assert net.source == there.source


def test_what_a_net_hands_out_pickles_and_copies() -> None:
    """Programs, gradients, values, reports, errors."""
    net = compile("L = sum(relu(x W))", wrt="all")
    given = {"x": np.ones((2, 3)), "W": np.ones((3, 2))}
    for journey in (copy.deepcopy, lambda what: pickle.loads(pickle.dumps(what))):
        assert journey(net.program) == net.program
        assert str(journey(net.backprop)) == str(net.backprop)
        assert {name: str(value) for name, value in journey(net.gradients).items()} == {name: str(value) for name, value in net.gradients.items()}
        assert bits(journey(net.forward(**given))) == bits(net.forward(**given))
        assert str(journey(net.check(**given))) == str(net.check(**given))
        with pytest.raises(ValueError, match="rleu") as caught:
            compile("y = rleu(x)")
        assert str(journey(caught.value)) == str(caught.value)


def test_options_are_those_at_the_time_of_compiling() -> None:
    """What the caller does to a list or a dictionary later is none of the net's business."""
    shapes, wrt = {"l0": 3}, ["W0"]
    net = compile("l2 = relu(l0 W0) W1", shapes=shapes, wrt=wrt)
    shapes["l0"] = 7
    wrt.append("W1")
    assert net.shapes["W0"][0] == 3
    assert list(net.grad(**AT, delta=np.ones((5, 1)))) == ["W0"]
    assert copy.deepcopy(net).shapes["W0"][0] == 3


def test_what_a_net_hands_out_is_no_way_into_it() -> None:
    net = compile("l2 = relu(l0 W0) W1", shapes={"l0": 3})
    net.shapes["W0"] = (9, 9)
    net.gradients.clear()
    net.forward(**AT).clear()
    assert net.shapes["W0"][0] == 3
    assert net.grad(**AT, delta=np.ones((5, 1)))["W0"].shape == (3, 4)


def worker(net: Net) -> Any:
    return net.source, net.optimized_source, bits(net.value_and_grad(**AT, delta=np.ones((5, 1))))


def test_a_process_pool_takes_nets() -> None:
    net = compile("l2 = relu(l0 W0) W1")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(worker, net).result(timeout=60) == worker(net)


# ------------------------------------------------------------------------------------------------------------ processes

DIGESTS = """
import hashlib, sys, threading
sys.path.insert(0, {tests!r})
from random_programs import random_program
from algebra2net import compile
from algebra2net.gallery import entries

made = [lambda entry=entry: compile(entry.program, wrt=entry.wrt) for entry in entries()[::10]]
for program in map(random_program, range(16)):
    made.append(lambda program=program: compile(program.text, shapes=program.shapes, wrt="all"))
digests = {{}}

def work(place):
    net = made[place]()
    texts = [net.source, net.optimized_source, net.latex(), net.latex_gradients(), str(net.backprop), str(net.rewrites)]
    digests[place] = hashlib.sha256("".join(texts).encode()).hexdigest()

places = range(len(made))
match {way!r}:
    case "one after the other" | "backwards":
        for place in places if {way!r} != "backwards" else reversed(places):
            work(place)
    case "in threads":
        sys.setswitchinterval(1e-6)
        barrier = threading.Barrier(len(made))
        threads = [threading.Thread(target=lambda place=place: (barrier.wait(), work(place))) for place in places]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
print("\\n".join(digests[place] for place in places))
"""
# fmt: off
WAYS = [
    # PYTHONHASHSEED   how the nets are made
    ("0",              "one after the other"),
    ("4294967295",     "backwards"),
    ("random",         "in threads"),
    ("1",              "in threads"),
]
# fmt: on


def test_texts_are_the_same_in_every_process() -> None:
    """Under every PYTHONHASHSEED, in whatever order nets are made, and when the first of all are made in many threads at once."""
    tests = os.path.dirname(__file__)
    path = os.pathsep.join([os.path.dirname(tests), os.environ.get("PYTHONPATH", "")])
    running = []
    for hash_seed, way in WAYS:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
        command = [sys.executable, "-W", "ignore", "-c", DIGESTS.format(tests=tests, way=way)]
        running.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    outputs = [process.communicate(timeout=120) for process in running]
    assert not any(errors for _, errors in outputs), outputs
    digests = [output.split() for output, _ in outputs]
    assert len(digests[0]) >= 20
    for (_, way), other in zip(WAYS, digests, strict=True):
        assert other == digests[0], way


# -------------------------------------------------------------------------------------------------- nothing that a call changes


def state() -> dict[str, str]:
    """Every table at the top of every module of the package, as text; but for the classes of operators, a table that is a cache."""
    found = {}
    for name, module in sorted(sys.modules.items()):
        if name.split(".")[0] == "algebra2net":
            for word, value in vars(module).items():
                if isinstance(value, dict | list | set) and not word.startswith("__") and word != "_CLASSES":
                    found[f"{name}.{word}"] = f"{len(value)} {sorted(map(str, value))}"
    return found


def test_no_table_of_the_package_changes_by_use() -> None:
    """Compiling, calling, printing and failing leave every module's tables as they were."""

    def use() -> None:
        for text in ("swish(x) = x sigmoid(x); y = swish(x W); L = sum(y^2)", "y = softmax(x W + b)", "L = log(det(A' A + I))"):
            net = compile(text, wrt="all")
            assert net.check()
            net.sheet()
            net.html()
            net.svg()
            net.explain()
            for notation in ("plain", "unicode", "latex", "python"):
                compile(net.to(notation))
        with pytest.raises(ValueError, match="rleu"):
            compile("y = rleu(x)")

    use()
    before = state()
    assert before
    use()
    compile("mine(x) = x^2 + 1; y = mine(x)")
    assert state() == before


def test_a_call_leaves_numpy_and_the_garbage_collector_as_they_are() -> None:
    net = compile("l2 = relu(l0 W0) W1")
    for enabled in (True, False):
        (gc.enable if enabled else gc.disable)()
        try:
            with np.errstate(all="warn", under="ignore"):
                before = np.geterr()
                compile("y = tanh(x W)")
                net.value_and_grad(**AT, delta=np.ones((5, 1)))
                assert np.geterr() == before
            assert gc.isenabled() == enabled
        finally:
            gc.enable()


def test_what_linecache_keeps_of_a_net_is_the_code_that_runs() -> None:
    """So that a traceback shows it; the same text is kept once."""
    import linecache

    one, other = (compile("q = relu(l0 W0) W1", wrt=wrt) for wrt in (["W0"], ["W0"]))
    for net in (one, other):
        net.forward(**AT)
    here = [net._functions["forward"].__code__.co_filename for net in (one, other)]
    assert here[0] == here[1]
    text = "".join(linecache.getlines(here[0]))
    assert "def forward(" in text
    assert text.partition("def forward(")[2].partition("\n\n\n")[0] in one.optimized_source
