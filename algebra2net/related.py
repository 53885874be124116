"""The nets that a net brings along: the same one differentiated by other names, and the one that predicts.

In    a Net, and where it cannot be seen, which input is the target and which value the prediction
Out   a Goal, which says what is predicted from what; Nets
Idea  the prediction is the value that is compared with the target; the predictor is the program up to there, printed
      and read again
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Symbol

from algebra2net import names
from algebra2net.errors import nearest
from algebra2net.net import Net, _Options
from algebra2net.operators.operator import Operation, Operator
from algebra2net.program import SCALAR, Equation, Program, is_step, operands, record, substituted, symbol
from algebra2net.spell import PLAIN, lines
from algebra2net.tidy import without_unused
from algebra2net.training.roles import depths, roles_of

LINKS = {"cross_entropy": "softmax", "nll": "exp", "bce": "", "bce_logits": "sigmoid", "hinge": None}  # a classifier's loss → what makes probabilities of its prediction
ENDINGS = {"softmax": "", "log_softmax": "exp", "sigmoid": ""}  # a classifier's last function → what makes probabilities of it


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a net learns: to predict `target` from `inputs`."""

    inputs: tuple[str, ...]  # with a row for each sample
    target: str | None  # None where it learns its own input, or nothing yet
    prediction: str  # "" where it cannot be seen
    loss: str  # the function that compares the two, "" where none does
    ending: str  # the function that makes the prediction
    constants: tuple[str, ...]  # data that every sample shares: rates, weights of penalties
    masks: Mapping[str, Expr]  # of dropout, with the share that is dropped
    axes: Mapping[str, int]  # along which axis an input has a sample each
    trained: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What the loss, or else the last function, says that the net is: classifier or regressor."""
        return "classifier" if self.loss in LINKS or (self.loss == "" and self.ending in ENDINGS) else "regressor"

    @property
    def link(self) -> str | None:
        """The function that makes probabilities of the prediction ("" where it is one already), None where there is none."""
        return LINKS[self.loss] if self.loss in LINKS else ENDINGS.get(self.ending)


def differentiated(net: Net, wrt: Sequence[str]) -> Net:
    """The net whose gradients are by these names; itself where they already are."""
    return net if net._wrt == tuple(wrt) else Net(net._source, _Options(**{**vars(net._options), "wrt": tuple(wrt)}))


def on_numpy(net: Net) -> Net:
    """The net whose code needs NumPy alone."""
    return net if net._options.accelerate is None else Net(net._source, _Options(**{**vars(net._options), "accelerate": None}))


def with_loss(net: Net, loss: str) -> Net:
    """The net with a loss appended."""
    return Net(net._source, _Options(**{**vars(net._options), "loss": loss}))


def goal_of(net: Net, target: str | None = None, output: str | None = None, required: bool = True) -> Goal:
    """What `net` predicts from what; `target` and `output` (the name of the prediction) say what cannot be seen.

    Raises ValueError where it is neither said nor seen.
    """
    roles, program = roles_of(net), net.program
    samples = roles.samples or tuple(name for name in roles.data if net.shapes[name] != SCALAR)
    aim = _known("target", target, roles.data) if target is not None else None
    value: Symbol | None = symbol(net.output)
    loss = ""
    if net.shapes[net.output] == SCALAR:
        if aim is None and len(samples) > 1:
            compared = [name for name in samples if _compared(program, roles.trained, name)[1]]
            far = depths(net)
            aim = compared[0] if len(compared) == 1 else min(samples, key=lambda name: far[name]) if len(samples) == 2 else None
        value, loss = _compared(program, roles.trained, aim or "".join(samples[:1]))
    if output is not None:
        value = symbol(_known("output", output, [e.name.name for e in program.equations]))
    if value is None and required:
        raise ValueError(f"which value is the prediction cannot be seen in {net.output}; say output='…', one of {', '.join(_named(program))}")
    return Goal(
        inputs=tuple(name for name in samples if name != aim), target=aim, prediction="" if value is None else value.name, loss=loss, ending=_ending(program, value),
        constants=tuple(name for name in roles.data if name not in samples and name != aim), masks=roles.masks, axes=roles.axes,
        trained=roles.trained,
    )  # fmt: skip


def predictor(net: Net, goal: Goal, link: str | None = None) -> Net:
    """The net from its inputs to the prediction (to `link` of it), without target and dropout.

    Raises ValueError where the prediction rests on the target.
    """
    quiet, value = _undropped(net.program, symbol(goal.prediction))
    kept = without_unused(replace(quiet, outputs={"": value}))
    name = value.name if not is_step(value) else _free("out", net)
    equations = tuple(Equation(symbol(name), e.value) if e.name == value else e for e in kept.equations)
    text = lines(replace(kept, equations=equations, hidden=kept.hidden - {symbol(name)}), PLAIN)
    text += [f"{_free('p', net)} = {link}({name})"] if link else []
    used = {operand.name for e in equations for operand in operands(e.value)}
    if goal.target in used:
        raise ValueError(f"{name} rests on the target {goal.target}, so it predicts nothing; say another output='…' or target='…'")
    shapes = {key: net.shapes[key] for key in net.inputs if key in used}
    options = {"shapes": shapes, "wrt": None, "loss": None, "notation": "plain", "dialect": None}
    return Net("\n".join(text), _Options(**{**vars(net._options), **options}))


def _undropped(program: Program, value: Symbol) -> tuple[Program, Symbol]:
    """The program and the value in it without noise: what comes out of dropout is what goes in."""
    same: dict[Expr, Expr] = {}
    equations = []
    for equation in program.equations:
        inside = substituted(equation.value, same)
        if type(inside).__name__ == "dropout":
            same[equation.name] = inside.args[0]
        else:
            equations.append(Equation(equation.name, inside))
    found = same.get(value, value)
    assert isinstance(found, Symbol)
    return program.with_equations(equations), found


def _ending(program: Program, prediction: Symbol | None) -> str:
    """The name of the function that makes the prediction."""
    made = {e.name: e.value for e in program.equations}
    value: Expr | None = prediction
    while isinstance(value, Symbol):
        value = made.get(value)
    return record(value, program.functions).name if isinstance(value, Operation) else ""


# ----------------------------------------------------------------------------------- what is compared with the target


def _compared(program: Program, trained: Iterable[str], target: str) -> tuple[Symbol | None, str]:
    """The prediction and the loss: of a loss of the table, of a difference from the target, else what alone leads to the target."""
    learned = _resting_on(program, trained) - {symbol(name) for name in trained}
    aimed = _resting_on(program, [target]) - _resting_on(program, trained)
    made = [(e.value, record(e.value, program.functions)) for e in reversed(program.equations) if isinstance(e.value, Operation)]
    for value, here in sorted(made, key=lambda pair: _rank(pair[1])):
        if _rank(here) < len(_COMPARE):
            sides = value.args[:2]
            for guess, aim in (sides, sides[::-1]):
                if guess in learned and aim in aimed:
                    return guess, here.name
    return _gate(program, trained, target), ""


_COMPARE = ("losses", "minus")


def _rank(here: Operator) -> int:
    """Losses first, then differences."""
    return 0 if here.family == "losses" else 1 if here.name == "minus" else len(_COMPARE)


def _gate(program: Program, trained: Iterable[str], target: str) -> Symbol | None:
    """The last named value that all goes through that meets the target, where no parameter comes in behind it."""
    learned, aimed = _resting_on(program, trained), _resting_on(program, [target])
    before = [e for e in program.equations if e.name in learned and e.name not in aimed]
    meeting = {o for e in program.equations if e.name in aimed for o in operands(e.value) if o in learned and o not in aimed}
    for gate in reversed([e.name for e in before if not is_step(e.name)]):
        behind = _resting_on(program, [gate.name])
        path = [e for e in before if e.name in behind and e.name != gate]
        if meeting <= behind and not any(o in learned and o not in behind for e in path for o in operands(e.value)):
            return gate
    return None


def _resting_on(program: Program, given: Iterable[str]) -> set[Symbol]:
    """The names given, and those that rest on any of them."""
    reached = {symbol(name) for name in given}
    for equation in program.equations:
        if not reached.isdisjoint(operands(equation.value)):
            reached.add(equation.name)
    return reached


# -------------------------------------------------------------------------------------------------------------- names


def _named(program: Program) -> list[str]:
    return [e.name.name for e in program.equations if not is_step(e.name)]


def _known(what: str, name: str, known: Iterable[str]) -> str:
    key, shown = names.key(name), [word for word in known if not word.startswith("_")]
    if key not in shown:
        hint = nearest(name, shown)
        raise ValueError(f"{what}: there is no {name}; there are {', '.join(shown)}" + (f" ({hint})" if hint else ""))
    return key


def _free(name: str, net: Net) -> str:
    """This name, or the first like it that the net does not have."""
    taken = set(net.shapes)
    return name if name not in taken else next(word for k in range(1, len(taken) + 2) if (word := f"{name}{k}") not in taken)
