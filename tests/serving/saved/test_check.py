"""An export that says one thing otherwise than Python is found out."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from fm_keras.errors import ExportFailed
from fm_keras.serving.saved.body import Body
from fm_keras.serving.saved.check import check_export
from fm_keras.serving.saved.python_answers import PythonAnswers
from fm_keras.serving.saved.queries import Knowledge
from fm_keras.serving.saved.requests import example_requests
from fm_keras.serving.saved.signatures import make_signatures

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("tensorflow_backend")]


@dataclass
class Unsaved:
    signatures: dict


@pytest.fixture(scope="module")
def asked(tensorflow_backend, measured):
    """Requests, and what the signatures answer."""
    import tensorflow as tf

    body, knowledge = Body(measured.model, measured.analysis), Knowledge(measured.analysis, ("a", "b", "c"))
    made = make_signatures(body, knowledge)
    rng = np.random.default_rng(0)
    requests = example_requests(list(made), body.image_specs(), knowledge.units, 3, rows=6, rng=rng)
    answers = {
        name: signature.function(*[tf.constant(requests[name][spec.name]) for spec in signature.inputs])
        for name, signature in made.items()
    }
    return requests, answers


def tensor(values):
    import tensorflow as tf

    return tf.constant(values)


def check(measured, asked, **changed):
    requests, answers = asked
    answers = answers | {name: answers[name] | outputs for name, outputs in changed.items()}
    signatures = {name: lambda answer=answer, **inputs: answer for name, answer in answers.items()}
    check_export(Unsaved(signatures), requests, PythonAnswers(measured.model, measured.analysis, None))


def test_what_python_says_passes(measured, asked):
    check(measured, asked)


@pytest.mark.parametrize(
    ("signature", "output"),
    [
        ("serving_default", "logits"),
        ("serving_default", "probabilities"),
        ("image_bytes", "probabilities"),
        ("classify", "scores"),
        ("layer_predictions", "logits"),
        ("filter_response", "field"),
        ("filter_field", "field"),
        ("filter_quality", "quality"),
        ("top_filters", "share"),
        ("layer_summary", "cluster_size"),
    ],
)
def test_one_number_that_is_a_little_off_is_found(measured, asked, signature, output):
    values = asked[1][signature][output].numpy()
    values.flat[0] += 1e-4 * max(1, np.abs(values).max())

    with pytest.raises(ExportFailed, match=f"{signature} gives other "):
        check(measured, asked, **{signature: {output: tensor(values)}})


@pytest.mark.parametrize(
    ("signature", "output"),
    [("filter_quality", "signal"), ("filter_quality", "cluster_of"), ("describe", "units"), ("layer_summary", "units")],
)
def test_one_count_that_is_off_is_found(measured, asked, signature, output):
    values = asked[1][signature][output].numpy()
    values.flat[0] += 1

    with pytest.raises(ExportFailed, match=f"{signature} gives other {output}"):
        check(measured, asked, **{signature: {output: tensor(values)}})


def test_a_row_that_is_wrongly_marked_is_found(measured, asked):
    valid = ~asked[1]["filter_field"]["valid"].numpy()

    with pytest.raises(ExportFailed, match="gives other valid"):
        check(measured, asked, filter_field={"valid": tensor(valid)})


def test_a_missing_row_and_a_number_that_is_none_are_found(measured, asked):
    field = asked[1]["filter_field"]["field"].numpy()

    with pytest.raises(ExportFailed, match="gives 5 rows of field for 6"):
        check(measured, asked, filter_field={"field": tensor(field[:5])})
    field[0, 0, 0] = np.nan
    with pytest.raises(ExportFailed, match="NaN or infinite"):
        check(measured, asked, filter_field={"field": tensor(field)})


def test_an_analysis_of_another_probe_is_found(measured, asked):
    conv = measured.analysis.measured[0]
    other = replace(
        measured.analysis, measured=(replace(conv, kernel=conv.kernel * 2), *measured.analysis.measured[1:])
    )
    python = PythonAnswers(measured.model, other, None)
    signatures = {name: lambda answer=answer, **inputs: answer for name, answer in asked[1].items()}

    with pytest.raises(ExportFailed):
        check_export(Unsaved(signatures), asked[0], python)
