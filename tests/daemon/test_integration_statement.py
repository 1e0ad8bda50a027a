"""The IHE integration statement claims nothing that no test holds up."""

import ast
from pathlib import Path

import pytest

from daemon import config
from daemon.conformance import ihe

TESTS = Path(__file__).parents[1]


def functions(file):
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("claim", ihe.CLAIMS, ids=lambda claim: claim.part)
def test_each_claim_rests_on_tests_that_are_there_and_run(claim):
    assert claim.proofs
    for proof in claim.proofs:
        file, name = proof.split("::")
        test = functions(file)[name]
        marks = ast.unparse(ast.List(test.decorator_list, ast.Load()))
        assert "skip" not in marks and "long" not in marks, proof


def test_what_is_switched_off_is_not_claimed(tmp_path):
    told = ihe.statement(config.load(tmp_path))
    assert "Segmentation" not in told and "ITI-19" not in told
    assert "at no Connectathon" in told


def test_what_is_switched_on_is_claimed(tmp_path):
    settings = config.load(tmp_path).model_copy(update={"segmentation": True, "tls_port": 2762})
    told = ihe.statement(settings)
    for claim in ihe.CLAIMS:
        assert claim.part in told
        assert all(proof in told for proof in claim.proofs)
    assert "{{" not in told and "{%" not in told
