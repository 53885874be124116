"""What takes a matrix as a whole: trace, determinant, inverse, blocks, Kronecker products, matrices by their size."""

from __future__ import annotations

from algebra2net.operators.operator import Choice, operator

FAMILY = "matrices"

operator(
    "trace(A)", family=FAMILY, shape="n×n -> 1×1", vjp={"A": "δ * eye_like(A)"}, aliases=("tr",), bare=True, gives_scalar=True,
    plain="tr($A)", latex=r"\operatorname{tr}\left($A\right)", numpy="np.trace($A)",
    doc="The sum of the diagonal.", reason="a trace feels its diagonal alone",
)  # fmt: skip
operator(
    "det(A)", family=FAMILY, domain="invertible", shape="n×n -> 1×1", vjp={"A": "δ * cofactors(A)"}, aliases=("determinant",), bare=True, gives_scalar=True,
    plain="det($A)", latex=r"\det\left($A\right)", python="np.linalg.det($A)", numpy="np.linalg.det($A)",
    doc="The determinant.", source="Petersen, Pedersen, The Matrix Cookbook (2012), eq. 46", reason="Jacobi's formula: the signal times the cofactors",
)  # fmt: skip
operator(
    "cofactors(A)", family=FAMILY, domain="invertible", internal=True, shape="n×n -> n×n", vjp={"A": "sum(δ * inv(A)') * out - out δ' inv(A)'"},
    prelude='''
        def cofactors(A):
            """The derivative of det(A), by the singular values: no division, so that a singular A does no harm."""
            U, s, V = np.linalg.svd(A)
            rest = np.array([np.prod(np.delete(s, k)) for k in range(len(s))], dtype=A.dtype)
            return np.linalg.det(U) * np.linalg.det(V) * (U * rest) @ V
    ''',
    doc="The matrix of cofactors.", reason="product rule for det(A) times the transposed inverse", source="Stewart, On the adjugate matrix, Linear Algebra Appl. 283 (1998)",
)  # fmt: skip
operator(
    "logdet(A)", family=FAMILY, domain="invertible", shape="n×n -> 1×1", vjp={"A": "δ * inv(A)'"}, bare=True, gives_scalar=True,
    plain="logdet($A)", latex=r"\log\det\left($A\right)",
    prelude='''
        def logdet(A):
            """log(det(A)) without ever forming the determinant; nan where that is negative."""
            sign, logarithm = np.linalg.slogdet(A)
            return logarithm if sign >= 0 else logarithm * np.nan
    ''',
    doc="log(det(A)), without forming the determinant.", source="Petersen, Pedersen, The Matrix Cookbook (2012), eq. 57",
    reason="the slope of a log-determinant is the transpose of the inverse",
)  # fmt: skip
operator(
    "inv(A)", family=FAMILY, domain="invertible", shape="n×n -> n×n", vjp={"A": "-out' δ out'"}, binds="power", aliases=("inverse",),
    plain="$A:atom^-1", unicode="$A:atom⁻¹", latex="{$A:atom}^{-1}", python="np.linalg.inv($A)", numpy="np.linalg.inv($A)",
    doc="The inverse of a square matrix.", source="Petersen, Pedersen, The Matrix Cookbook (2012), eq. 59",
    reason="an inverse moves against what it inverts, from both sides",
)  # fmt: skip
operator(
    "solve(A, b)", family=FAMILY, domain="invertible", shape="n×n, n×k -> n×k", vjp={"A": "-(solve(A', δ)) out'", "b": "solve(A', δ)"},
    python="np.linalg.solve($A, $b)", numpy="np.linalg.solve($A, $b)",
    doc="The x with A x = b, without forming the inverse.", source="Giles, An extended collection of matrix derivative results (2008), sec. 2.3.1",
    reason="the signal goes back through the transposed system",
)  # fmt: skip
operator(
    "diag(x)", family=FAMILY, shape="settled",
    choices=(
        Choice("1×1 -> 1×1", "diagonal(x)"), Choice("n×1 -> n×n", "diagonal_matrix(x)"), Choice("1×n -> n×n", "diagonal_matrix(x')"),
        Choice("n×n -> n×1", "diagonal(x)"), Choice("1×n -> n×n", "diagonal_matrix(x')"), Choice("n×1 -> n×n", "diagonal_matrix(x)"),
    ),
    doc="A matrix's diagonal as a column, or a matrix from a vector.",
)  # fmt: skip
operator(
    "diagonal(A)", family=FAMILY, internal=True, shape="n×n -> n×1", vjp={"A": "diagonal_matrix(δ)"}, plain="diag($A)",
    latex=r"\operatorname{diag}\left($A\right)", numpy="np.diagonal($A)[:, None]", is_view=True,
    doc="The diagonal as a column.", reason="a diagonal feels itself alone",
)  # fmt: skip
operator(
    "diagonal_matrix(x)", family=FAMILY, internal=True, shape="n×1 -> n×n", vjp={"x": "diagonal(δ)"}, plain="diag($x)",
    latex=r"\operatorname{diag}\left($x\right)", numpy="np.diagflat($x)",
    doc="The matrix with that diagonal.", reason="the diagonal of the signal",
)  # fmt: skip
operator(
    "dot(a, b)", family=FAMILY, shape="settled",
    choices=(Choice("m×n, m×n -> 1×1", "sum(a * b)"), Choice("m×k, k×n -> m×n", "a b"), Choice("m×n, m×n -> 1×1", "sum(a * b)")),
    doc="sum(a * b); where the two fit a matrix product alone, that product.",
)  # fmt: skip
operator(
    "outer(a, b)", family=FAMILY, shape="settled",
    choices=(
        Choice("m×1, n×1 -> m×n", "a b'"), Choice("1×m, 1×n -> m×n", "a' b"), Choice("m×1, 1×n -> m×n", "a b"), Choice("1×m, n×1 -> m×n", "a' b'"),
        Choice("m×1, n×1 -> m×n", "a b'"),
    ),
    doc="Every entry of a times every entry of b.",
)  # fmt: skip
operator(
    "kron(A, B)", family=FAMILY, shape="m×n, p×q -> m*p×n*q", vjp={"A": "kron_left(δ, B, A)", "B": "kron_right(δ, A, B)"},
    plain="kron($A, $B)", numpy="np.kron($A, $B)",
    doc="The Kronecker product.", source="Van Loan, The ubiquitous Kronecker product (2000)", reason="each factor gets the signal's blocks, weighted by the other",
)  # fmt: skip
operator(
    "kron_left(D, B, A)", family=FAMILY, internal=True, shape="m*p×n*q, p×q, m×n -> m×n", vjp={"D": "kron(δ, B)", "B": "kron_right(D, δ, B)"},
    numpy="kron_left($D, $B)",
    prelude='''
        def kron_left(D, B):
            """Of each block of D, the sum of its entries times those of B."""
            p, q = B.shape
            return np.einsum("ipjq,pq->ij", D.reshape(D.shape[0] // p, p, D.shape[1] // q, q), B)
    ''',
    doc="What kron passes back to its left factor.", reason="each gets the other's blocks, weighted by the signal",
)  # fmt: skip
operator(
    "kron_right(D, A, B)", family=FAMILY, internal=True, shape="m*p×n*q, m×n, p×q -> p×q", vjp={"D": "kron(A, δ)", "A": "kron_left(D, δ, A)"},
    numpy="kron_right($D, $A)",
    prelude='''
        def kron_right(D, A):
            """The blocks of D, added up with the entries of A as weights."""
            m, n = A.shape
            return np.einsum("ipjq,ij->pq", D.reshape(m, D.shape[0] // m, n, D.shape[1] // n), A)
    ''',
    doc="What kron passes back to its right factor.", reason="each gets the other's blocks, weighted by the signal",
)  # fmt: skip
operator("tril(A)", family=FAMILY, shape="m×n -> m×n", vjp={"A": "tril(δ)"}, numpy="np.tril($A)", doc="The lower triangle, the rest 0.", reason="the lower triangle of the signal")
operator("triu(A)", family=FAMILY, shape="m×n -> m×n", vjp={"A": "triu(δ)"}, numpy="np.triu($A)", doc="The upper triangle, the rest 0.", reason="the upper triangle of the signal")
operator(
    "vec(A)", family=FAMILY, shape="m×n -> m*n×1", vjp={"A": "unvec(δ, A)"}, numpy='$A.T.reshape(-1, 1)', is_view=True,
    doc="The columns, stacked.", reason="the signal, put back in columns",
)  # fmt: skip
operator(
    "unvec(x, A)", family=FAMILY, internal=True, shape="m*n×1, m×n -> m×n", vjp={"x": "vec(δ)"}, numpy="$x.reshape($A.shape[::-1]).T", is_view=True,
    doc="x in columns, as many and as long as A's.", reason="the signal, its columns stacked",
)  # fmt: skip
operator(
    "concat(*)", family=FAMILY, shape="side by side", vjp={"*": "columns_of"}, plain="[$*]", latex=r"\left[$*\right]",
    python="np.concatenate([$*], axis=1)", numpy="np.concatenate([$*], axis=1)", aliases=("hstack",),
    doc="Blocks side by side: [a, b].", reason="each block gets its own columns of the signal",
)  # fmt: skip
operator(
    "stack(*)", family=FAMILY, shape="on top", vjp={"*": "rows_of"}, plain="[$*;]", latex=r"\begin{bmatrix}$*;\end{bmatrix}",
    python="np.concatenate([$*], axis=0)", numpy="np.concatenate([$*], axis=0)", aliases=("vstack",),
    doc="Blocks on top of each other: [a; b].", reason="each block gets its own rows of the signal",
)  # fmt: skip
operator(
    "columns_of(*)", family=FAMILY, internal=True, shape="of the second", vjp={"*": "columns_into"}, numpy="$part", is_view=True,
    doc="Of the first operand, the columns that the second has when all the others stand to its left.", reason="the other columns get nothing",
)  # fmt: skip
operator(
    "rows_of(*)", family=FAMILY, internal=True, shape="of the second", vjp={"*": "rows_into"}, numpy="$part", is_view=True,
    doc="Of the first operand, the rows that the second has when all the others stand above it.", reason="the other rows get nothing",
)  # fmt: skip
operator(
    "columns_into(*)", family=FAMILY, internal=True, shape="of the second", vjp={"*": "columns_of"}, numpy="$part",
    doc="Zeros of the second operand's shape, with the first as the columns right of where the others end.", reason="a block gets its own columns of the signal",
)  # fmt: skip
operator(
    "rows_into(*)", family=FAMILY, internal=True, shape="of the second", vjp={"*": "rows_of"}, numpy="$part",
    doc="Zeros of the second operand's shape, with the first as the rows below where the others end.", reason="a block gets its own rows of the signal",
)  # fmt: skip
operator(
    "eye_like(A)",
    family=FAMILY,
    internal=True,
    shape="n×n -> n×n",
    vjp={},
    numpy="np.eye($A.shape[0], dtype=$dtype)",
    plain="eye_like($A)",
    latex="I",
    doc="The identity of A's size.",
)
operator(
    "eye(n=one)", family=FAMILY, shape="n×n", vjp={}, numpy="np.eye($rows, dtype=$dtype)", aliases=("identity",), doc="The identity matrix: I, I_n, I_3.",
)  # fmt: skip
operator("ones(m=one, n=one)", family=FAMILY, shape="m×n", vjp={}, numpy="np.ones(($rows, $cols), dtype=$dtype)", doc="Ones: ones(3, 2), ones(n, d).")
operator("zeros(m=one, n=one)", family=FAMILY, shape="m×n", vjp={}, numpy="np.zeros(($rows, $cols), dtype=$dtype)", doc="Zeros: zeros(3, 2), zeros(n, d).")
operator("extent(n=one)", family=FAMILY, internal=True, shape="1×1", vjp={}, numpy="$extent", gives_scalar=True, doc="The size of a declared dimension.")
