extension Unmanaged {
    /// Lends the object that a handle of libuv points to, without retaining it.
    ///
    /// - Parameters:
    ///   - data: what the handle carries; nothing is called without it. The object must outlive the
    ///     handle.
    ///   - body: is called with the object.
    @inline(__always)
    static func lend(_ data: UnsafeMutableRawPointer?, to body: (Instance) -> Void) {
        guard let data = unsafe data else { return }
        unsafe fromOpaque(data)._withUnsafeGuaranteedRef(body)
    }
}
