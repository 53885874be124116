"""The gallery: every network is what its source says, and its gradients are what is measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from algebra2net import Net, compile
from algebra2net.cli import main
from algebra2net.gallery import DOMAINS, FAMILIES, Entry, entries, find
from algebra2net.notation import Declaration
from algebra2net.read import read
from algebra2net.run import arguments

ENTRIES = entries()
each = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])


@cache
def net_of(name: str) -> Net:
    entry = find(name)
    return compile(entry.program, wrt=entry.wrt)


@each
def test_says_what_it_is_and_where_it_is_from(entry):
    assert entry.title
    assert re.search(r"\((19|20)\d\d\)|arXiv:\d{4}\.\d{4,5}| (19|20)\d\d", entry.source), entry.source
    assert entry.family in FAMILIES
    assert set(entry.domain.values()) <= set(DOMAINS)
    assert set(entry.domain) <= set(entry.shapes)
    assert not [s for s in read(entry.equations, "plain") if isinstance(s, Declaration)]
    assert all(isinstance(s, Declaration) for s in read(entry.declarations, "plain"))


@each
def test_declares_every_input_and_nothing_else(entry):
    assert set(net_of(entry.name).inputs) == set(entry.shapes)


@each
def test_gradients_are_those_measured(entry):
    report = net_of(entry.name).check(**entry.example())
    assert report.lines
    assert report, str(report)


@each
@pytest.mark.parametrize("notation", ["plain", "unicode"])
def test_reads_back(entry, notation):
    """What is printed, with the declarations, is the same network."""
    net = net_of(entry.name)
    again = compile(f"{net.to(notation)}\n{entry.declarations}", wrt=entry.wrt)
    assert again.to(notation) == net.to(notation)
    assert again.shapes == net.shapes
    arrays = entry.example()
    np.testing.assert_allclose(again(**arrays), net(**arrays), rtol=1e-12)


@each
def test_stands_in_its_vectors_as_declared(entry):
    """A vector of the source is one row or one column, not a batch that the shapes happen to allow."""
    net = net_of(entry.name)
    for name, sizes in entry.shapes.items():
        if len(sizes) == 1:
            assert 1 in net.shapes[name], (name, net.shapes[name])


def test_examples_are_the_same_each_time_and_differ_by_seed():
    entry = find("lstm")
    one, same, other = entry.example(), entry.example(), entry.example(seed=1)
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["W_f"], other["W_f"])


def test_dimensions_that_are_only_named_get_sizes_of_their_own():
    shape = find("transformer-block").example()["W_Q"].shape
    assert shape == (6, 2)


# fmt: off
FINDS = [
    # typed                what is found
    ("attention",          "attention"),
    ("Two Heads",          "two-heads"),
    ("two_heads",          "two-heads"),
    (" LSTM ",             "lstm"),
]
MISSES = [
    # typed                what is said
    ("atention",           "did you mean attention?"),
    ("transformer",        "did you mean transformer-block?"),
    ("normalisation",      "did you mean batch-norm or"),
    ("zzz",                "algebra2net gallery lists them"),
]
# fmt: on


@pytest.mark.parametrize(("typed", "name"), FINDS)
def test_finds(typed, name):
    assert find(typed).name == name


@pytest.mark.parametrize(("typed", "said"), MISSES)
def test_says_what_is_near(typed, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        find(typed)


# ------------------------------------------------------------------------------------------------------- the command


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["gallery", *words])


def test_lists_a_line_for_each_network_where_no_terminal_is():
    shown = run()
    assert shown.exit_code == 0
    assert [line.split("\t") for line in shown.output.splitlines()] == [[entry.name, entry.title, entry.source] for entry in ENTRIES]


def test_lists_a_table_on_a_terminal(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    shown = re.sub(r"\x1b\[[\d;]*m", "", run().output)
    assert all(f"  {entry.name} " in shown for entry in ENTRIES)
    assert max(map(len, shown.splitlines())) <= 100


def test_shows_a_sheet_with_its_source():
    shown = run("two", "heads", "--width", "100")
    assert shown.exit_code == 0
    assert "Multi-head attention with two heads" in shown.output
    assert "arXiv:1706.03762" in shown.output
    assert "∂L/∂W_O" in shown.output
    assert max(map(len, shown.output.splitlines())) <= 100


def test_prints_a_program_that_the_command_takes(tmp_path):
    path = tmp_path / "mine.alg"
    path.write_text(run("lstm", "--alg").output, encoding="utf-8")
    checked = CliRunner().invoke(main, [str(path), "--check"])
    assert checked.exit_code == 0
    assert "agrees" in checked.output


def test_says_which_name_is_near_and_exits_with_2():
    missed = run("atention")
    assert missed.exit_code == 2
    assert "did you mean attention?" in missed.output


def test_writes_pages_that_link_to_each_other(tmp_path):
    assert run("attention", "--html", str(tmp_path / "pages")).exit_code == 0
    index, page = ((tmp_path / "pages" / f"{name}.html").read_text(encoding="utf-8") for name in ("index", "attention"))
    assert 'href="attention.html"' in index
    assert 'href="index.html"' in page
    assert "arXiv:1706.03762" in page
    for text in (index, page):
        assert not re.search(r'(?:src|href)="https?:', text), "a page refers to nothing outside"


# ------------------------------------------------------------------------------------- the same, by another road

Tensors = dict[str, Any]
REFERENCES: dict[str, Callable[[Any, Tensors], Any]] = {}


def reference(name: str) -> Callable[[Callable[[Any, Tensors], Any]], Callable[[Any, Tensors], Any]]:
    """Enter what a network is in PyTorch: a function of torch and the inputs by name."""

    def enter(function: Callable[[Any, Tensors], Any]) -> Callable[[Any, Tensors], Any]:
        REFERENCES[name] = function
        return function

    return enter


@reference("attention")
def _(torch, v):
    return torch.nn.functional.scaled_dot_product_attention(v["X"] @ v["W_Q"], v["X"] @ v["W_K"], v["X"] @ v["W_V"])


@reference("causal-attention")
def _(torch, v):
    return torch.nn.functional.scaled_dot_product_attention(v["X"] @ v["W_Q"], v["X"] @ v["W_K"], v["X"] @ v["W_V"], is_causal=True)


@reference("two-heads")
def _(torch, v):
    heads = [torch.nn.functional.scaled_dot_product_attention(v["X"] @ v[f"Q{k}"], v["X"] @ v[f"K{k}"], v["X"] @ v[f"V{k}"]) for k in (1, 2)]
    return torch.cat(heads, dim=1) @ v["W_O"]


@reference("linear-attention")
def _(torch, v):
    q, k = (torch.nn.functional.elu(v["X"] @ v[name]) + 1 for name in ("W_Q", "W_K"))
    weights = q @ k.mT
    return weights / weights.sum(1, keepdim=True) @ v["X"] @ v["W_V"]


@reference("transformer-block")
def _(torch, v):
    f = torch.nn.functional

    def norm(x, k):
        return f.layer_norm(x, x.shape[1:], v[f"gamma_{k}"][0], v[f"beta_{k}"][0], eps=1e-5)

    n = norm(v["X"], 1)
    y = v["X"] + f.scaled_dot_product_attention(n @ v["W_Q"], n @ v["W_K"], n @ v["W_V"]) @ v["W_O"]
    return y + f.relu(norm(y, 2) @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"]


@reference("lstm")
def _(torch, v):
    stacked = {side: torch.cat([v[f"{side}_{gate}"] for gate in "ifgo"]) for side in ("W", "U", "b")}
    cell = torch.nn.LSTMCell(3, 4, dtype=torch.float64)
    zero = torch.zeros(16, dtype=torch.float64)
    weights = {"weight_ih": stacked["W"], "weight_hh": stacked["U"], "bias_ih": stacked["b"].flatten(), "bias_hh": zero}
    h, _c = torch.func.functional_call(cell, weights, (v["x_t"].mT, (v["h_{t-1}"].mT, v["c_{t-1}"].mT)))
    return h.mT


@reference("elman")
def _(torch, v):
    h, loss = v["h0"], 0
    for k in "123":
        h = torch.tanh(h @ v["W"] + v[f"x{k}"] @ v["U"] + v["b"])
        loss = loss + torch.nn.functional.cross_entropy(h @ v["V"] + v["c"], v[f"y{k}"])
    return loss


@reference("layer-norm")
def _(torch, v):
    return torch.relu(torch.nn.functional.layer_norm(v["a"], (4,), v["g"][0], v["b"][0], eps=0.0))


@reference("batch-norm")
def _(torch, v):
    return torch.nn.functional.batch_norm(v["x"], None, None, v["gamma"][0], v["beta"][0], training=True, eps=v["epsilon"].item())


@reference("contrastive")
def _(torch, v):
    f = torch.nn.functional
    logits = f.normalize(v["I_f"] @ v["W_i"]) @ f.normalize(v["T_f"] @ v["W_t"]).mT * v["t"].exp()
    labels = torch.arange(len(logits))
    return (f.cross_entropy(logits, labels) + f.cross_entropy(logits.mT, labels)) / 2


@reference("triplet")
def _(torch, v):
    a, p, n = (torch.nn.functional.normalize(v[f"x_{k}"] @ v["W"]) for k in "apn")
    return sum(torch.relu((a[k] - p[k]).square().sum() - (a[k] - n[k]).square().sum() + v["alpha"][0, 0]) for k in range(4))


@reference("barlow-twins")
def _(torch, v):
    loss = 0
    c = torch.corrcoef(torch.cat([v["Z_A"], v["Z_B"]], dim=1).mT)[:3, 3:]
    for i in range(3):
        for j in range(3):
            loss = loss + ((1 - c[i, i]) ** 2 if i == j else v["lambda"] * c[i, j] ** 2)
    return loss


@reference("vae")
def _(torch, v):
    h = torch.tanh(v["x"] @ v["W3"] + v["b3"])
    posterior = torch.distributions.Normal(h @ v["W4"] + v["b4"], torch.exp((h @ v["W5"] + v["b5"]) / 2))
    z = posterior.loc + posterior.scale * v["epsilon"]
    logits = torch.tanh(z @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"]
    divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum()
    return divergence + torch.nn.functional.binary_cross_entropy_with_logits(logits, v["x"], reduction="sum")


@reference("gaussian")
def _(torch, v):
    covariance = (v["Sigma"] + v["Sigma"].mT) / 2
    return torch.distributions.MultivariateNormal(v["mu"].flatten(), covariance).log_prob(v["x"].flatten())


@reference("gaussian-mixture")
def _(torch, v):
    d = torch.distributions
    weights = d.Categorical(logits=v["pi_k"].flatten().log() - v["pi_k"].sum().log())
    parts = d.Independent(d.Normal(v["mu"], v["v"].flatten().sqrt().unsqueeze(1)), 1)
    return d.MixtureSameFamily(weights, parts).log_prob(v["X"]).sum() + 6 * v["pi_k"].sum().log()


@reference("gaussian-process")
def _(torch, v):
    K = v["sigma_f"] ** 2 * torch.exp(-(torch.cdist(v["X"], v["X"]) ** 2) / (2 * v["l"] ** 2)) + v["sigma_n"] ** 2 * torch.eye(len(v["X"]), dtype=torch.float64)
    return torch.distributions.MultivariateNormal(torch.zeros(len(v["X"]), dtype=torch.float64), K).log_prob(v["y"].flatten())


@reference("mixture-density")
def _(torch, v):
    d = torch.distributions
    h = torch.tanh(v["x"] @ v["W"] + v["b"])
    mixture = d.MixtureSameFamily(d.Categorical(logits=h @ v["W_pi"]), d.Normal(h @ v["W_mu"], torch.exp(h @ v["W_s"])))
    return -mixture.log_prob(v["t"].flatten()).sum()


@reference("planar-flow")
def _(torch, v):
    def flow(z):
        return z + v["u"] * torch.tanh(v["w"].mT @ z + v["b"])

    jacobian = torch.autograd.functional.jacobian(flow, v["z"], create_graph=True).reshape(3, 3)
    return torch.linalg.slogdet(jacobian).logabsdet


@reference("real-nvp")
def _(torch, v):
    s = torch.tanh(v["x1"] @ v["S"])
    y = torch.cat([v["x1"], v["x2"] * s.exp() + v["x1"] @ v["T"]], dim=1)
    return -torch.distributions.Normal(0.0, 1.0).log_prob(y).sum() - y.numel() / 2 * torch.log(torch.tensor(2 * torch.pi, dtype=torch.float64)) - s.sum()


@reference("kalman")
def _(torch, v):
    symmetric = v["H"] @ v["P"] @ v["H"].mT + v["R"]
    return torch.distributions.MultivariateNormal((v["H"] @ v["x"]).flatten(), (symmetric + symmetric.mT) / 2).log_prob(v["z"].flatten())


@reference("rbm")
def _(torch, v):
    """minus the log of the sum over all hidden states."""
    hidden = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 3)
    return -torch.logsumexp((v["v"].mT @ v["a"]) + hidden @ (v["b"] + v["W"].mT @ v["v"]), dim=0)


@reference("factorization-machine")
def _(torch, v):
    pairs = sum((v["V"][i] @ v["V"][j]) * v["X"][:, [i]] * v["X"][:, [j]] for i, j in combinations(range(4), 2))
    return v["w0"] + v["X"] @ v["w"] + pairs


@reference("matrix-factorization")
def _(torch, v):
    loss = 0
    for u, i in v["known"].nonzero():
        p, q = v["P"][u], v["Q"][i]
        loss = loss + (v["R"][u, i] - q @ p) ** 2 + v["lambda"] * (q @ q + p @ p)
    return loss


@reference("ridge")
def _(torch, v):
    """Least squares with rows added that pull towards zero."""
    rows = torch.cat([v["X"], v["lambda"].sqrt() * torch.eye(3, dtype=torch.float64)])
    beta = torch.linalg.lstsq(rows, torch.cat([v["y"], torch.zeros(3, 1, dtype=torch.float64)])).solution
    return torch.nn.functional.mse_loss(v["X_new"] @ beta, v["y_new"])


@reference("gcn")
def _(torch, v):
    A = v["A"] + torch.eye(5, dtype=torch.float64)
    A = A / (A.sum(1, keepdim=True) * A.sum(0, keepdim=True)).sqrt()
    return torch.softmax(A @ torch.relu(A @ v["X"] @ v["W0"]) @ v["W1"], dim=1)


@reference("gat")
def _(torch, v):
    f = torch.nn.functional
    h = v["H"] @ v["W"]
    rows = []
    for i in range(5):
        near = [j for j in range(5) if i == j or v["A"][i, j] > 0]
        e = torch.stack([f.leaky_relu(torch.cat([h[i], h[j]]) @ torch.cat([v["a1"], v["a2"]]).flatten(), 0.2) for j in near])
        rows.append(f.elu(torch.softmax(e, 0) @ h[near]))
    return torch.stack(rows)


@reference("distillation")
def _(torch, v):
    f = torch.nn.functional
    soft = torch.distributions.Categorical(logits=v["v"] / v["T"])
    apart = f.kl_div(f.log_softmax(v["z"] / v["T"], 1), soft.probs, reduction="batchmean") + soft.entropy().mean()
    return v["lambda"] * v["T"] ** 2 * apart + (1 - v["lambda"]) * f.cross_entropy(v["z"], v["y"])


@reference("focal")
def _(torch, v):
    loss = 0
    for z, y in zip(v["z"].flatten(), v["y"].flatten(), strict=True):
        p, alpha = (torch.sigmoid(z), v["alpha"]) if y == 1 else (torch.sigmoid(-z), 1 - v["alpha"])
        loss = loss - alpha * (1 - p) ** v["gamma"] * torch.log(p)
    return loss


@reference("ppo")
def _(torch, v):
    r, e = v["pi_theta"] / v["pi_old"], v["epsilon"].item()
    return torch.minimum(r * v["A_hat"], r.clamp(1 - e, 1 + e) * v["A_hat"]).mean()


@reference("dqn")
def _(torch, v):
    target = v["r"].flatten() + v["gamma"].flatten() * (torch.relu(v["s_next"] @ v["U1"]) @ v["U2"]).amax(1)
    chosen = (torch.relu(v["s"] @ v["W1"]) @ v["W2"]).gather(1, v["a"].argmax(1, keepdim=True)).flatten()
    return torch.nn.functional.mse_loss(chosen, target)


@reference("skip-gram")
def _(torch, v):
    f = torch.nn.functional
    center, context = v["V"][v["input"].argmax()], v["U"][v["output"].argmax()]
    return -f.logsigmoid(context @ center) - sum(f.logsigmoid(-v["U"][row.argmax()] @ center) for row in v["noise"])


@reference("state-space")
def _(torch, v):
    eye = torch.eye(3, dtype=torch.float64)
    half = v["Delta"] / 2 * v["A"]
    x = torch.zeros(3, 1, dtype=torch.float64)
    for u in (v["u1"], v["u2"]):
        x = torch.linalg.solve(eye - half, (eye + half) @ x + v["Delta"] * v["B"] * u)
    return v["C"] @ x


@reference("mixture-of-experts")
def _(torch, v):
    gate = torch.softmax(v["x"] @ v["W_g"], 1)
    experts = torch.stack([torch.relu(v["x"] @ v[f"W{k}"]) @ v[f"V{k}"] for k in (1, 2, 3)], dim=1)
    return torch.einsum("nk,nkd->nd", gate, experts)


@reference("columns")
def _(torch, v):
    a = torch.tanh(v["W1"] @ v["X"] + v["b1"])
    return torch.nn.functional.binary_cross_entropy_with_logits(v["W2"] @ a + v["b2"], v["Y"])


@reference("softmax-regression")
def _(torch, v):
    return torch.nn.functional.cross_entropy(v["X"] @ v["W"] + v["b"], v["T"], reduction="sum")


@pytest.mark.parametrize("name", REFERENCES)
def test_is_what_pytorch_computes(name):
    torch = pytest.importorskip("torch")
    entry: Entry = find(name)
    net = net_of(entry.name)
    wrt = list(entry.wrt or net.parameters)
    arrays = arguments(entry.example(), {key: net.shapes[key] for key in net.inputs}).matrices
    tensors = {key: torch.tensor(array, requires_grad=key in wrt) for key, array in arrays.items()}
    expected = REFERENCES[name](torch, tensors)
    signal = {} if expected.numel() == 1 else {"delta": np.random.default_rng(0).standard_normal(expected.shape)}
    total = (expected * torch.tensor(signal["delta"])).sum() if signal else expected.sum()
    slopes = torch.autograd.grad(total, [tensors[key] for key in wrt])
    value, grads = net.value_and_grad(**arrays, **signal)
    np.testing.assert_allclose(value, expected.detach().numpy().reshape(np.shape(value)), rtol=1e-8, atol=1e-10)
    for key, slope in zip(wrt, slopes, strict=True):
        np.testing.assert_allclose(grads[key], slope.numpy(), rtol=1e-8, atol=1e-9, err_msg=key)
