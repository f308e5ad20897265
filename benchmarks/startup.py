"""How long `fm-keras --help` takes, against starting Python and against importing Keras."""

import subprocess
import sys

from timing import arguments, medians, show

options = arguments(__doc__)
commands = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "fm-keras --help": [sys.executable, "-m", "fm_keras_cli", "--help"],
    "fm-keras run --help": [sys.executable, "-m", "fm_keras_cli", "run", "--help"],
    "what fm-keras query imports": [
        sys.executable,
        "-c",
        "import fm_keras_cli.query, fm_keras_cli.query_tables, fm_keras.serving.client.client",
    ],
    "import keras": [sys.executable, "-c", "import keras"],
}
tasks = {
    name: (lambda command=command: subprocess.run(command, check=True, capture_output=True))
    for name, command in commands.items()
}
seconds = medians(tasks, repeats=1 if options.quick else 5)
show("Start", seconds, "python -c pass", target="fm-keras --help within 0.3 s, fm-keras query within 0.5 s")
