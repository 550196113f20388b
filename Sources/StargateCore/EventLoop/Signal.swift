internal import CUV
internal import Glibc

/// A signal that ends a server in good order.
public struct Signal: RawRepresentable, Hashable, Sendable {
    /// The number.
    public let rawValue: Int32

    /// Any signal's number.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// SIGINT: Ctrl-C.
    public static let interrupt = Signal(rawValue: SIGINT)
    /// SIGTERM: what service managers send.
    public static let terminate = Signal(rawValue: SIGTERM)
}

/// Calls back on a loop when the process receives a signal.
enum SignalWatcher {
    private final class Watch {
        let action: () -> Void
        init(_ action: @escaping () -> Void) { self.action = action }
    }

    /// Has a write to a pipe that nobody reads any more fail, on every thread, instead of ending the
    /// process: the loops are safe from that anyway, what prints elsewhere is not. Leaves alone what
    /// the program has chosen itself.
    static func ignoreBrokenPipes() {
        var current = sigaction()
        guard unsafe sigaction(SIGPIPE, nil, &current) == 0,
            unsafe current.__sigaction_handler.sa_handler == nil
        else { return }
        _ = Glibc.signal(SIGPIPE, SIG_IGN)
    }

    static func start(_ signal: Signal, on eventLoop: EventLoop, _ action: @escaping () -> Void) {
        guard let loop = unsafe eventLoop.uv else { return }
        let handle = UnsafeMutablePointer<uv_signal_t>.allocate(capacity: 1)
        unsafe uv_signal_init(loop, handle)
        let watch = Watch(action)
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(watch).toOpaque()
        unsafe uv_signal_start(
            handle,
            { handle, _ in
                guard let data = unsafe handle?.pointee.data else { return }
                unsafe Unmanaged<Watch>.fromOpaque(data).takeUnretainedValue().action()
            },
            signal.rawValue
        )
        eventLoop.closeOnStop(watch) {
            unsafe uv_close(
                UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)
            ) {
                guard let handle = unsafe $0 else { return }
                if let data = unsafe handle.pointee.data {
                    unsafe Unmanaged<Watch>.fromOpaque(data).release()
                }
                unsafe UnsafeMutableRawPointer(handle).deallocate()
            }
        }
    }
}
