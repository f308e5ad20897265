"""Predict, classify and regress on arrays, whichever way a request came: which signature, what it must look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fm_keras.serving.server.servable import DEFAULT_SIGNATURE, Servable, Signature
from fm_keras.serving.server.statuses import Code, RequestError, invalid

CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


def predict(
    servable: Servable, signature: Signature, inputs: Mapping[str, np.ndarray], outputs: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Run a signature of any method.

    Args:
        servable: the version.
        signature: one of its signatures.
        inputs: arrays by name, one for each input.
        outputs: which outputs are asked for (all).

    Returns:
        The outputs by name.

    Raises:
        RequestError: inputs or outputs that the signature does not have, or a failure of the graph.
    """
    if inputs.keys() != signature.inputs.keys():
        extra = sorted(inputs.keys() - signature.inputs.keys())
        missing = sorted(signature.inputs.keys() - inputs.keys())
        raise invalid(
            f"input size does not match signature: {len(inputs)}!={len(signature.inputs)} "
            f"len({{{','.join(sorted(inputs))}}}) != len({{{','.join(signature.inputs)}}}). "
            f"Sent extra: {{{','.join(extra)}}}. Missing but required: {{{','.join(missing)}}}."
        )
    for name in outputs:
        if name not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set "
                f"{{{','.join(signature.outputs)}}}."
            )
    if len(set(outputs)) < len(outputs):
        raise invalid(f"duplicate output tensor alias: {next(name for name in outputs if outputs.count(name) > 1)}")
    return servable.run(signature, inputs, outputs or None)


def predict_signature(servable: Servable, name: str) -> Signature:
    """The signature of a gRPC predict call, which is refused in other words than elsewhere."""
    name = name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise RequestError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    return servable.signatures[name]


def rest_signature(servable: Servable, name: str) -> Signature:
    """The signature of a REST predict call."""
    name = name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise invalid(f'Serving signature name: "{name}" not found in signature def')
    return servable.signatures[name]


def classify(servable: Servable, name: str, examples: Sequence[bytes]) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Run a signature with the classify method.

    Args:
        servable: the version.
        name: of the signature; empty for the default one.
        examples: serialized tf.Examples.

    Returns:
        Labels (N, L) as bytes and scores (N, L); None for the one that the signature does not have.

    Raises:
        RequestError: no such signature, one of another method, or outputs of another shape.
    """
    signature = _of_method(servable, name, CLASSIFY, "classification")
    if len(signature.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if not signature.outputs.keys() & {"classes", "scores"}:
        raise RequestError(
            Code.FAILED_PRECONDITION,
            'Expected classification signature outputs to contain at least one of "classes" or "scores".',
        )
    found = _on_examples(servable, signature, examples)
    labels, scores = found.get("classes"), found.get("scores")
    for name, array, kind in (("classes", labels, "O"), ("scores", scores, "f")):
        if array is None:
            continue
        if array.ndim != 2 or len(array) != len(examples):
            raise invalid(f"Expected {name} of shape [batch_size num_classes] but got {list(array.shape)}")
        if array.dtype.kind != kind:
            raise invalid(f"Expected {name} Tensor of {'DT_STRING' if kind == 'O' else 'DT_FLOAT'}.")
    if labels is not None and scores is not None and labels.shape != scores.shape:
        raise invalid(
            f"Tensors class and score should match in dim_size(1). Got {labels.shape[1]} vs. {scores.shape[1]}"
        )
    return labels, scores


def regress(servable: Servable, name: str, examples: Sequence[bytes]) -> np.ndarray:
    """Run a signature with the regress method.

    Args:
        servable: the version.
        name: of the signature; empty for the default one.
        examples: serialized tf.Examples.

    Returns:
        (N,) float32.

    Raises:
        RequestError: no such signature, one of another method, or an output of another shape.
    """
    signature = _of_method(servable, name, REGRESS, "regression")
    if "outputs" not in signature.outputs:
        raise RequestError(Code.FAILED_PRECONDITION, "No regression outputs found in SignatureDef.")
    values = _on_examples(servable, signature, examples)["outputs"]
    if values.shape not in ((len(examples),), (len(examples), 1)):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{list(values.shape)} for {len(examples)} examples"
        )
    if values.dtype != np.float32:
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {values.dtype}")
    return values.reshape(-1)


def _of_method(servable: Servable, name: str, method: str, kind: str) -> Signature:
    name = name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    signature = servable.signatures[name]
    if signature.method != method:
        raise invalid(f"Expected {kind} signature method_name to be {method}. Was: {signature.method}")
    if list(signature.inputs) != ["inputs"]:
        raise invalid(f"Expected one input Tensor, named inputs. Got: {', '.join(signature.inputs)}")
    return signature


def _on_examples(servable: Servable, signature: Signature, examples: Sequence[bytes]) -> dict[str, np.ndarray]:
    if not examples:
        raise invalid("Input is empty.")
    serialized = np.empty(len(examples), object)
    serialized[:] = examples
    return servable.run(signature, {"inputs": serialized})
