"""Child processes on cores of their own that are read with a time limit and never left behind."""

import ctypes
import os
import selectors
import signal
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Failed(Exception):
    """A program did not do its part; the message says what it said."""


class Child:
    """A program pinned to a core, or to several. It hears no Ctrl-C of the terminal (a session of
    its own) and ends when this process ends, however that happens."""

    def __init__(self, command, cores, talks=True):
        """What a program says that does not `talk` to us is not read while it runs: its complaints
        go to a file, so that it never waits for a reader."""
        self.name = os.path.basename(command[0])
        self._unread = {}
        self._complaints = None if talks else tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if talks else subprocess.DEVNULL,
                stderr=subprocess.PIPE if talks else self._complaints,
                bufsize=0,
                start_new_session=True,
                preexec_fn=lambda: _prepare({cores} if isinstance(cores, int) else cores),
            )
        except OSError as problem:
            raise Failed(f"{self.name} does not start: {problem}") from None

    @property
    def pid(self):
        return self._process.pid

    def read_line(self, stream="stdout", seconds=5.0):
        """The next line of the stream. Raises Failed when it ends or the time is over."""
        pipe = getattr(self._process, stream)
        unread = self._unread.get(stream, b"")
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while b"\n" not in unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise Failed(f"{self.name} said nothing for {seconds:g} s{self._complaint()}")
                chunk = os.read(pipe.fileno(), 65536)
                if not chunk:
                    raise Failed(f"{self.name} ended{self._complaint()}")
                unread += chunk
        line, self._unread[stream] = unread.split(b"\n", 1)
        return line.decode(errors="replace")

    def write_line(self, text=""):
        try:
            self._process.stdin.write(text.encode() + b"\n")
        except BrokenPipeError:
            raise Failed(f"{self.name} ended{self._complaint()}") from None

    def send_signal(self, number):
        self._process.send_signal(number)

    def cpu_ns(self):
        """CPU time of the process so far, by its own clock (clock_getcpuclockid(3))."""
        try:
            return time.clock_gettime_ns((~self.pid << 3) | 2)
        except OSError:
            raise Failed(f"{self.name} ended{self._complaint()}") from None

    def ended(self):
        return self._process.poll() is not None

    def settle(self, seconds=2.0):
        settle(self.cpu_ns, seconds)

    def stop(self, number=signal.SIGTERM, seconds=2.0):
        """Ends the process, the hard way if need be, then what it has forked; its exit status."""
        if self._process.poll() is None:
            self.send_signal(number)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._end_group()
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()
            if self._complaints:
                self._complaints.close()

    def _end_group(self):
        try:
            os.killpg(self.pid, signal.SIGKILL)  # its session is one group that began with it
        except ProcessLookupError:
            pass

    def said(self):
        """What is left to read on standard error, without waiting."""
        if self._complaints:
            self._complaints.seek(0)
            return self._complaints.read().decode(errors="replace").strip()
        os.set_blocking(self._process.stderr.fileno(), False)
        text = self._unread.pop("stderr", b"") + (self._process.stderr.read() or b"")
        return text.decode(errors="replace").strip()

    def ending(self):
        """How it has ended, as words behind “ended”: “ by SIGABRT”. None while it runs."""
        try:
            status = self._process.wait(0.2)  # its connections are closed before it has ended
        except subprocess.TimeoutExpired:
            return None
        return f" with status {status}" if status >= 0 else f" by {_signal_name(-status)}"

    def _complaint(self):
        ending = self.ending() or ""
        text = self.said()
        return ending + (f": {text[-500:]}" if text else "")


def settle(clock, seconds=2.0):
    """Waits until a clock of CPU time has stood still for a moment."""
    deadline = time.monotonic() + seconds
    last, calm = clock(), 0
    while calm < 2 and time.monotonic() < deadline:
        time.sleep(0.003)
        now = clock()
        calm = calm + 1 if now == last else 0
        last = now


def _prepare(cores):
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.sched_setaffinity(0, cores)


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
