"""The errors of fm_keras: each message is one line that says what is wrong, its value, and what would do."""


class FmKerasError(Exception):
    """Base of all errors that fm_keras raises on purpose."""


class InvalidInput(FmKerasError, ValueError):
    """An argument, a file's content or a setting that cannot be used as given."""


class DataNotFound(FmKerasError):
    """A data set that is neither on this machine nor downloadable."""


class CannotCut(FmKerasError):
    """A model, or a layer of it, that cannot be cut into body and probe."""


class CannotFit(FmKerasError):
    """A curve that follows no law of width, or that says too little to tell which."""


class BadActivations(FmKerasError):
    """Activations of a layer that are NaN or infinite."""


class BadRun(FmKerasError):
    """A run folder that is missing, incomplete, corrupt, of another format, or in use."""


class ServerError(FmKerasError):
    """A model server that cannot be reached, or that refuses what is asked of it."""


class ExportFailed(FmKerasError):
    """An export that does not answer as the network does; nothing is left of it."""


class Interrupted(FmKerasError):
    """Work stopped by the user: what was finished is kept, and the same command resumes."""
