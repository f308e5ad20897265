"""python -m fm_keras_cli is the command fm-keras."""

import sys

from fm_keras_cli.main import main

sys.exit(main())
