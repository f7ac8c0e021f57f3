"""What can go wrong when a demo is asked for or run; each message is one sentence and says what to change."""


class DemoError(Exception):
    """Root of every error of this package: a shell catches it once and prints it."""


class UnknownDemoError(DemoError):
    """No demo has this name."""


class BrokenDemoError(DemoError):
    """The source of a demo does not keep the contract of demos/README.md."""


class ParameterError(DemoError):
    """A parameter is unknown, of the wrong type or out of its bounds."""


class DeviceError(DemoError):
    """The device asked for is not there, or unknown."""


class DemoTimeoutError(DemoError):
    """The demo ran longer than its limit; its worker was ended."""


class DemoMemoryError(DemoError):
    """The demo asked for more memory than its limit allows."""


class DemoCrashError(DemoError):
    """The worker process died while the demo ran."""


class DemoFailedError(DemoError):
    """The demo raised an exception of its own."""


class DemoCancelledError(DemoError):
    """The caller cancelled the run; its worker was ended."""
