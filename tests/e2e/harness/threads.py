"""Threads of a process that stand still while the others go on, as in an endless loop or a deadlock."""

import contextlib
import ctypes
import os

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_WAIT_FOR_THREADS = 0x40000000  # __WALL

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class CannotTrace(Exception):
    pass


@contextlib.contextmanager
def standing_still(thread):
    """CannotTrace where one process may not trace another."""
    try:
        _trace(_SEIZE, thread)
    except OSError as error:
        raise CannotTrace(str(error)) from error
    _trace(_INTERRUPT, thread)
    os.waitpid(thread, _WAIT_FOR_THREADS)
    try:
        yield
    finally:
        _trace(_DETACH, thread)


def _trace(request, thread):
    if _libc.ptrace(request, thread, None, None) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
