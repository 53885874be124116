"""LaTeX as people typeset it: from the source to the tokens that the rules of grammar/latex.lark speak of."""
