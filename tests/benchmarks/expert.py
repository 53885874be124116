"""Each row as the best NumPy programmer writes it for these shapes and this float type: the mark to reach.

In    the sizes of a row and the float type, once; then the arrays, by name
Out   the value, and the gradients by name, the same numbers as `straightforward.py`
Idea  work on fresh arrays in place, let BLAS do the sums, pick the cheap order of products; constants are made once

Inputs stay untouched, results are fresh, and no scratch outlives a call, so that threads do not meet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import absolute, add, divide, exp, log, maximum, minimum, multiply, negative, reciprocal, sign, sqrt, subtract, tanh, vdot

from tests.benchmarks.workloads import GATES, Array, Sizes

Result = tuple[Any, dict[str, Array]]
Call = Callable[..., Result]
BLOCK = 8192  # entries: a few arrays of them fit the cache


def keep_freed_memory() -> None:
    """Free one large block: glibc then keeps freed blocks up to that size instead of returning them to the kernel."""
    block = np.empty(31 << 20, np.uint8)
    del block


def constant(value: float, dtype: Any) -> Array:
    """A number as a 0-d array: a ufunc takes it faster than a Python float."""
    return np.array(value, dtype)


def lowest(dtype: Any) -> Array:
    """-z is kept below this: exp of it is finite, and 1 over it nearly nothing."""
    return constant(708 if np.dtype(dtype).itemsize == 8 else 88, dtype)


def sigmoid_of(z: Array, one: Array, top: Array) -> Array:
    """1 / (1 + exp(-z)), written over z."""
    negative(z, z)
    minimum(z, top, out=z)
    exp(z, z)
    add(z, one, z)
    return reciprocal(z, z)


def make_seed(sizes: Sizes, dtype: Any) -> Call:
    zeros = np.zeros((sizes["B"], sizes["h"]), dtype)

    def run(l0: Array, W0: Array, W1: Array, y: Array) -> Result:
        l1 = maximum(l0.dot(W0), zeros)  # so small that another array is faster than a keyword
        e = l1.dot(W1)
        subtract(e, y, e)
        L = vdot(e, e)
        add(e, e, e)
        dW1 = l1.T.dot(e)
        d = e.dot(W1.T)
        multiply(d, sign(l1, l1), d)
        return L, {"W0": l0.T.dot(d), "W1": dW1}

    return run


def make_relu(sizes: Sizes, dtype: Any) -> Call:
    zeros, scale, mean = np.zeros((), dtype), constant(2 / (sizes["B"] * sizes["m"]), dtype), 1 / (sizes["B"] * sizes["m"])

    def run(l0: Array, W0: Array, W1: Array, y: Array) -> Result:
        l1 = l0.dot(W0)
        maximum(l1, zeros, out=l1)
        e = l1.dot(W1)
        subtract(e, y, e)
        L = vdot(e, e) * mean
        multiply(e, scale, e)
        dW1 = l1.T.dot(e)
        d = e.dot(W1.T)
        multiply(d, l1 > zeros, d)
        return L, {"W0": l0.T.dot(d), "W1": dW1}

    return run


def make_tanh(sizes: Sizes, dtype: Any) -> Call:
    B, m = sizes["B"], sizes["m"]
    one, per, ones_B, ones_m = constant(1, dtype), constant(1 / B, dtype), np.ones((1, B), dtype), np.ones((m, 1), dtype)

    def run(l0: Array, W0: Array, b0: Array, W1: Array, b1: Array, y: Array) -> Result:
        l1 = l0.dot(W0)
        add(l1, b0, l1)
        tanh(l1, l1)
        z = l1.dot(W1)
        add(z, b1, z)
        subtract(z, z.max(1, keepdims=True), z)
        e = exp(z)
        total = e.dot(ones_m)
        L = (vdot(log(total), y.dot(ones_m)) - vdot(z, y)) / B
        divide(e, total, e)
        subtract(e, y, e)
        multiply(e, per, e)
        dW1, db1 = l1.T.dot(e), ones_B.dot(e)
        d = e.dot(W1.T)
        multiply(l1, l1, l1)
        subtract(one, l1, l1)
        multiply(d, l1, d)
        return L, {"W0": l0.T.dot(d), "b0": ones_B.dot(d), "W1": dW1, "b1": db1}

    return run


def make_layers(sizes: Sizes, dtype: Any) -> Call:
    B, n, layers = sizes["B"], sizes["n"], sizes["layers"]
    zeros, scale, mean = np.zeros((B, n), dtype), constant(2 / (B * n), dtype), 1 / (B * n)

    def run(x: Array, y: Array, **W: Array) -> Result:
        h, d = np.empty((layers, B, n), dtype), np.empty((layers, B, n), dtype)  # of all layers, for one stacked product
        weights, outputs, deltas = list(W.values()), list(h), list(d)
        before = x
        for matrix, after in zip(weights, outputs, strict=True):
            before.dot(matrix, after)
            maximum(after, zeros, out=after)
            before = after
        delta = deltas[-1]
        subtract(before, y, delta)
        L = vdot(delta, delta) * mean
        multiply(delta, scale, delta)
        multiply(delta, before > zeros, delta)
        for k in range(layers - 1, 0, -1):
            below = deltas[k - 1]
            delta.dot(weights[k].T, below)
            multiply(below, sign(outputs[k - 1]), below)
            delta = below
        dW = np.empty((layers, n, n), dtype)
        np.matmul(h[:-1].transpose(0, 2, 1), d[1:], dW[1:])
        x.T.dot(deltas[0], dW[0])
        return L, {f"W{k}": grad for k, grad in enumerate(dW, 1)}

    return run


def make_attention(sizes: Sizes, dtype: Any) -> Call:
    T, d = sizes["T"], sizes["d"]
    eighth, scale, mean, ones = constant(1 / 8, dtype), constant(2 / (T * d), dtype), 1 / (T * d), np.ones((T, 1), dtype)
    ones_d = np.ones((d, 1), dtype)

    def run(X: Array, Y: Array, W_Q: Array, W_K: Array, W_V: Array, W_O: Array) -> Result:
        Q, K, V = X.dot(W_Q), X.dot(W_K), X.dot(W_V)
        multiply(Q, eighth, Q)
        E = Q.dot(K.T)
        subtract(E, E.max(1, keepdims=True), E)
        exp(E, E)
        share = E.dot(ones)
        reciprocal(share, share)
        AV = E.dot(V)
        multiply(AV, share, AV)  # the thin factor, not the T×T one
        e = AV.dot(W_O)
        subtract(e, Y, e)
        L = vdot(e, e) * mean
        multiply(e, scale, e)
        dW_O = AV.T.dot(e)
        G = e.dot(W_O.T)
        multiply(G, share, G)
        dV = E.T.dot(G)
        dS = G.dot(V.T)
        multiply(AV, G, AV)
        subtract(dS, AV.dot(ones_d), dS)  # rowsum(dA * A) = rowsum(dAV * AV)
        multiply(dS, E, dS)
        dQ = dS.dot(K)
        multiply(dQ, eighth, dQ)
        return L, {"W_Q": X.T.dot(dQ), "W_K": X.T.dot(dS.T.dot(Q)), "W_V": X.T.dot(dV), "W_O": dW_O}

    return run


def make_lstm(sizes: Sizes, dtype: Any) -> Call:
    """One step: the sigmoids of the three gates are computed in one array."""
    B, h = sizes["B"], sizes["h"]
    one, top, scale, mean = constant(1, dtype), lowest(dtype), constant(2 / (B * h), dtype), 1 / (B * h)
    ones = np.ones((1, B), dtype)

    def run(x1: Array, h0: Array, c0: Array, y: Array, W_f: Array, W_i: Array, W_o: Array, W_g: Array,
            U_f: Array, U_i: Array, U_o: Array, U_g: Array, b_f: Array, b_i: Array, b_o: Array, b_g: Array) -> Result:  # fmt: skip
        gates, d = np.empty((4, B, h), dtype), np.empty((4, B, h), dtype)
        f, i, o, g = gates
        df, di, do, dg = d
        for z, W, U, b in ((f, W_f, U_f, b_f), (i, W_i, U_i, b_i), (o, W_o, U_o, b_o), (g, W_g, U_g, b_g)):
            x1.dot(W, z)
            add(z, h0.dot(U), z)
            add(z, b, z)
        sigmoids = gates[:3]
        sigmoid_of(sigmoids, one, top)
        tanh(g, g)
        c1 = f * c0
        add(c1, multiply(i, g, di), c1)
        tanh(c1, c1)
        e = o * c1
        subtract(e, y, e)
        L = vdot(e, e) * mean
        multiply(e, scale, e)
        multiply(e, c1, do)
        multiply(e, o, e)
        multiply(c1, c1, c1)
        subtract(one, c1, c1)
        multiply(e, c1, e)
        multiply(e, c0, df)
        multiply(e, g, di)
        multiply(e, i, dg)
        multiply(g, g, g)
        subtract(one, g, g)
        multiply(dg, g, dg)
        slopes = d[:3]
        multiply(slopes, sigmoids, slopes)
        subtract(one, sigmoids, sigmoids)
        multiply(slopes, sigmoids, slopes)
        xT, hT = x1.T, h0.T
        return L, {
            "W_f": xT.dot(df), "W_i": xT.dot(di), "W_o": xT.dot(do), "W_g": xT.dot(dg),
            "U_f": hT.dot(df), "U_i": hT.dot(di), "U_o": hT.dot(do), "U_g": hT.dot(dg),
            "b_f": ones.dot(df), "b_i": ones.dot(di), "b_o": ones.dot(do), "b_g": ones.dot(dg),
        }  # fmt: skip

    return run


def make_lstm10(sizes: Sizes, dtype: Any) -> Call:
    """All steps: what the inputs bring to the gates, and the gradients of the weights, are one product for all times."""
    B, h, steps = sizes["B"], sizes["h"], sizes["steps"]
    one, top, scale, mean = constant(1, dtype), lowest(dtype), constant(2 / (B * h), dtype), 1 / (B * h)
    ones, rows = np.ones((1, B * steps), dtype), steps * B

    def run(h0: Array, c0: Array, y: Array, **arrays: Array) -> Result:
        W, U, b = ([arrays[f"{m}_{g}"] for g in GATES] for m in "WUb")
        x = np.concatenate([arrays[f"x{t}"] for t in range(1, steps + 1)])
        z = np.empty((4, steps, B, h), dtype)
        states, cells, squashed = np.empty((steps + 1, B, h), dtype), np.empty((steps + 1, B, h), dtype), np.empty((steps, B, h), dtype)
        states[0], cells[0] = h0, c0
        for k in range(4):
            every = z[k].reshape(rows, h)
            x.dot(W[k], every)
            add(every, b[k], every)
        scratch = np.empty((B, h), dtype)
        for t in range(steps):
            for k in range(4):
                states[t].dot(U[k], scratch)
                add(z[k, t], scratch, z[k, t])
            f, i, o, g = z[:, t]
            sigmoid_of(z[:3, t], one, top)
            tanh(g, g)
            c = cells[t + 1]
            multiply(f, cells[t], c)
            add(c, multiply(i, g, scratch), c)
            tanh(c, squashed[t])
            multiply(o, squashed[t], states[t + 1])

        dh = states[steps] - y
        L = vdot(dh, dh) * mean
        multiply(dh, scale, dh)
        d = np.empty((4, steps, B, h), dtype)
        dc = np.zeros((B, h), dtype)
        slopes = d[:3]
        for t in range(steps - 1, -1, -1):
            f, i, o, g = z[:, t]
            df, di, do, dg = d[:, t]
            tanh_c = squashed[t]
            multiply(dh, tanh_c, do)
            multiply(dh, o, dh)
            multiply(tanh_c, tanh_c, scratch)
            subtract(one, scratch, scratch)
            multiply(dh, scratch, dh)
            add(dc, dh, dc)
            multiply(dc, cells[t], df)
            multiply(dc, g, di)
            multiply(dc, i, dg)
            multiply(dc, f, dc)
            gates, slopes = z[:3, t], d[:3, t]
            multiply(slopes, gates, slopes)
            subtract(one, gates, gates)
            multiply(slopes, gates, slopes)
            multiply(g, g, g)
            subtract(one, g, g)
            multiply(dg, g, dg)
            if t:
                df.dot(U[0].T, dh)
                for k in range(1, 4):
                    d[k, t].dot(U[k].T, scratch)
                    add(dh, scratch, dh)
        xT, hT = x.T, states[:-1].reshape(rows, h).T
        grads = {}
        for k, gate in enumerate(GATES):
            delta = d[k].reshape(rows, h)
            grads[f"W_{gate}"], grads[f"U_{gate}"], grads[f"b_{gate}"] = xT.dot(delta), hT.dot(delta), ones.dot(delta)
        return L, grads

    return run


# Φ(-t) / φ(t) for t ≥ 0 as a fraction of polynomials, the leading 1 below left out; by size of the float: relative error 1e-16 up to 40, 6e-9 up to 13
MILLS = {
    8: (
        (0.9999999999973133, 26.84949329094613, 353.0655875679884, 2941.2259676240515, 16975.89912119828, 70155.27421624765, 207609.42699985075, 425953.1640362371,
         555215.8757418222, 357974.3963502226),
        (26.849493290382394, 354.06558762124195, 2968.0754578938668, 17326.96482471192, 73042.79797863218, 223889.26245192622, 490493.3783865828, 732344.5035992059,
         670891.7538849401, 285622.2440105682),
    ),
    4: (
        (1.0000120526001453, 9.885074385669308, 44.62189229137275, 106.82528318915156, 121.99824485845062),
        (9.885717998721008, 45.60705011588326, 116.90842323804688, 162.90077833192944, 97.34051546041316),
    ),
}  # fmt: skip


def make_gelu(sizes: Sizes, dtype: Any) -> Call:
    B, n, h = sizes["B"], sizes["n"], sizes["h"]
    scale, mean, eps = constant(2 / (B * n), dtype), 1 / (B * n), constant(1e-5, dtype)
    per, ones_n, ones_B = constant(1 / n, dtype), np.ones((n, 1), dtype), np.ones((1, B), dtype)
    row = min(B, max(1, BLOCK // h))
    blocks = [slice(k, min(B, k + row)) for k in range(0, B, row)]
    gelu = make_gelu_block(dtype)

    def run(x: Array, W1: Array, b1: Array, W2: Array, b2: Array, gamma: Array, beta: Array, y: Array) -> Result:
        slope = x.dot(W1)
        l1 = np.empty_like(slope)
        scratch = np.empty((3, row, h), dtype)
        for block in blocks:
            z, out = slope[block], l1[block]
            add(z, b1, z)
            gelu(z, out, *scratch[:, : len(z)])
        z2 = l1.dot(W2)
        add(z2, b2, z2)
        means = z2.dot(ones_n)
        multiply(means, per, means)
        subtract(z2, means, z2)
        size = np.vecdot(z2, z2)[:, None]
        multiply(size, per, size)
        add(size, eps, size)
        sqrt(size, size)
        reciprocal(size, size)
        multiply(z2, size, z2)
        e = z2 * gamma
        add(e, beta, e)
        subtract(e, y, e)
        L = vdot(e, e) * mean
        multiply(e, scale, e)
        dbeta = ones_B.dot(e)
        product = e * z2
        dgamma = ones_B.dot(product)
        multiply(e, gamma, e)
        along, means = product.dot(gamma.T), e.dot(ones_n)
        multiply(along, per, along)
        multiply(means, per, means)
        subtract(e, means, e)
        multiply(z2, along, z2)
        subtract(e, z2, e)
        multiply(e, size, e)
        d = e.dot(W2.T)
        multiply(d, slope, d)
        return L, {"W1": x.T.dot(d), "b1": ones_B.dot(d), "W2": l1.T.dot(e), "b2": ones_B.dot(e), "gamma": dgamma, "beta": dbeta}

    return run


def make_gelu_block(dtype: Any) -> Callable[..., None]:
    """Of a block that fits the cache, gelu and its slope, which share the density φ; the slope is written over z."""
    itemsize = np.dtype(dtype).itemsize
    (first, second, *top_terms), (below, *bottom_terms) = ([constant(c, dtype) for c in terms] for terms in MILLS[itemsize])
    minus_half, root, one, zero, end = (constant(v, dtype) for v in (-0.5, 1 / np.sqrt(2 * np.pi), 1, 0, 38 if itemsize == 8 else 13))

    def block(z: Array, out: Array, t: Array, top: Array, bottom: Array) -> None:
        absolute(z, t)
        minimum(t, end, out=t)
        multiply(t, first, top)
        add(top, second, top)
        for term in top_terms:
            multiply(top, t, top)
            add(top, term, top)
        add(t, below, bottom)
        for term in bottom_terms:
            multiply(bottom, t, bottom)
            add(bottom, term, bottom)
        divide(top, bottom, top)  # Φ(-t) / φ(t)
        multiply(t, t, bottom)
        multiply(bottom, minus_half, bottom)
        exp(bottom, bottom)
        multiply(bottom, root, bottom)  # φ(t)
        multiply(top, bottom, top)  # Φ(-t)
        multiply(bottom, t, bottom)
        maximum(z, zero, out=out)
        np.copysign(one, z, z)
        multiply(t, top, t)
        subtract(out, t, out)  # z Φ(z) = max(z, 0) - t Φ(-t)
        subtract(top, bottom, top)
        multiply(top, z, top)
        maximum(z, zero, out=z)
        subtract(z, top, z)  # Φ(z) + z φ(z), at z < 0 the same of t from 1

    return block


def make_logistic(sizes: Sizes, dtype: Any) -> Call:
    N = sizes["N"]
    one, zero, per = constant(1, dtype), constant(0, dtype), constant(1 / N, dtype)

    def run(X: Array, w: Array, y: Array) -> Result:
        z = X.dot(w).ravel()
        y = y.ravel()
        e = absolute(z)
        negative(e, e)
        exp(e, e)  # one exp for the loss and for the sigmoid
        positive = maximum(z, zero)
        subtract(positive, z, z)  # -min(z, 0)
        L = z.dot(y) + positive.dot(one - y) + _sum_log1p(e)
        top = sign(positive, positive)
        maximum(top, e, out=top)
        add(e, one, e)
        divide(top, e, top)  # sigmoid(z): 1 / (1 + e), or e / (1 + e) where z is negative
        subtract(top, y, top)
        multiply(top, per, top)
        return L / N, {"w": top.dot(X)[:, None]}

    return run


def _sum_log1p(e: Array) -> Any:
    """The sum of log(1 + e), 0 ≤ e ≤ 1: (1 + a)(1 + b) = 1 + (a + b + a b), so that a log serves many and no digit of a small e is lost."""
    product, times = e, 1
    while product.size % 2 == 0 and times < 64:
        a, b = product[: product.size // 2], product[product.size // 2 :]
        product = a * b
        add(product, a, product)
        add(product, b, product)
        times *= 2
    return np.log1p(product).sum()


def make_hessian(sizes: Sizes, dtype: Any) -> Call:
    one, half = constant(1, dtype), constant(-0.5, dtype)

    def run(X: Array, w: Array) -> Result:
        t = X.dot(w)
        absolute(t, t)
        multiply(t, half, t)
        exp(t, t)
        square = t * t
        add(square, one, square)
        divide(t, square, t)  # the root of s (1 - s): exp(-|z| / 2) / (1 + exp(-|z|))
        A = X * t
        return A.T.dot(A), {}  # a matrix times its own transpose costs half

    return run


def make_elementwise(sizes: Sizes, dtype: Any) -> Call:
    one, top = constant(1, dtype), lowest(dtype)

    def run(x: Array) -> Result:
        dx = np.empty(x.shape, dtype)
        entries, slopes = x.reshape(-1), dx.reshape(-1)
        s, t, f = np.empty((3, BLOCK), dtype)
        L = 0.0
        for k in range(0, x.size, BLOCK):
            z, d = entries[k : k + BLOCK], slopes[k : k + BLOCK]
            if len(z) < BLOCK:
                s, t, f = s[: len(z)], t[: len(z)], f[: len(z)]
            multiply(z, z, d)
            negative(d, d)
            exp(d, d)
            negative(z, s)
            minimum(s, top, out=s)
            exp(s, s)
            add(s, one, s)
            reciprocal(s, s)
            tanh(z, t)
            multiply(d, s, d)
            multiply(d, t, f)
            L += f.sum()
            multiply(t, t, t)
            subtract(one, t, t)
            multiply(d, t, d)
            subtract(one, s, s)
            subtract(s, z, s)
            subtract(s, z, s)
            multiply(s, f, s)
            add(d, s, d)
        return L, {"x": dx}

    return run


def make_chain(sizes: Sizes, dtype: Any) -> Call:
    n, m = sizes["n"], sizes["m"]
    scale, mean = constant(2 / (n * m), dtype), 1 / (n * m)

    def run(x: Array, A: Array, B: Array, C: Array, y: Array) -> Result:
        BC = B.dot(C)
        ABC = A.dot(BC)
        e = x.dot(ABC)
        subtract(e, y, e)
        L = vdot(e, e) * mean
        multiply(e, scale, e)
        back = x.T.dot(e)
        ABack = A.T.dot(back)
        return L, {"A": back.dot(BC.T), "B": ABack.dot(C.T), "C": B.T.dot(ABack)}

    return run


def make_single(sizes: Sizes, dtype: Any) -> Call:
    one, top = constant(1, dtype), lowest(dtype)

    def run(l0: Array, W0: Array, b0: Array, W1: Array, b1: Array, y: Array) -> Result:
        l1 = l0.dot(W0)
        add(l1, b0, l1)
        tanh(l1, l1)
        l2 = l1.dot(W1)
        add(l2, b1, l2)
        l2 = minimum(negative(l2, l2), top)
        exp(l2, l2)
        add(l2, one, l2)
        reciprocal(l2, l2)
        e = l2 - y
        L = vdot(e, e)
        add(e, e, e)
        multiply(e, l2, e)
        subtract(one, l2, l2)
        multiply(e, l2, e)
        dW1 = l1.T.dot(e)
        d = e.dot(W1.T)
        multiply(l1, l1, l1)
        subtract(one, l1, l1)
        multiply(d, l1, d)
        return L, {"W0": l0.T.dot(d), "b0": d, "W1": dW1, "b1": e}

    return run
