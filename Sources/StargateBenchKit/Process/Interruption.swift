// Ctrl-C ends a run early, but not without its report.

internal import Glibc

/// Takes SIGINT and SIGTERM out of the hands of the kernel until the run is over.
struct Interruption {
    private var signals = sigset_t()
    private(set) var happened = false

    /// Holds the two signals back, in this thread and in all that it starts from now on.
    init() {
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Whether one of them has come. After the first the next one kills as usual, so that nobody
    /// has to wait for a report.
    mutating func check() -> Bool {
        guard !happened else { return true }
        var nothing = timespec()
        guard sigtimedwait(&signals, nil, &nothing) > 0 else { return false }
        happen()
        return true
    }

    /// Takes one of them that has come, and holds the next one back too.
    mutating func takeSignal() -> Bool {
        var nothing = timespec()
        return sigtimedwait(&signals, nil, &nothing) > 0
    }

    /// Waits until one of them comes.
    mutating func wait() {
        var signal: Int32 = 0
        while !happened {
            if sigwait(&signals, &signal) == 0 { happen() }
        }
    }

    private mutating func happen() {
        happened = true
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
}
