// Where handshakes are written: straight into the memory that goes to the socket. What does not
// fit is not written, and the overflow is remembered, so callers append freely and ask once.

/// A cursor over memory that the caller lends. It never writes past the end.
@safe struct HandshakeWriter {
    private let memory: UnsafeMutableRawBufferPointer
    /// How many bytes have been written.
    private(set) var count = 0
    /// Whether something did not fit; what was written is then worthless.
    private(set) var hasOverflowed = false

    /// - Parameter memory: where to write; 16 KiB and more are enough for every answer to a head of
    ///   16 KiB unless the application adds much of its own. It must outlive the writer.
    init(_ memory: UnsafeMutableRawBufferPointer) {
        unsafe self.memory = memory
    }

    /// Forgets everything behind the first `count` bytes, and the overflow with it.
    mutating func rewind(to count: Int) {
        self.count = min(max(count, 0), self.count)
        hasOverflowed = false
    }

    /// Room for `size` bytes at the end, or nil.
    @inline(__always)
    private mutating func room(_ size: Int) -> UnsafeMutableRawPointer? {
        guard let base = unsafe memory.baseAddress, !hasOverflowed,
            unsafe size <= memory.count &- count
        else {
            hasOverflowed = true
            return nil
        }
        defer { count &+= size }
        return unsafe base + count
    }

    @inline(__always)
    mutating func append(constant text: StaticString) {
        let size = text.utf8CodeUnitCount
        guard let room = unsafe room(size) else { return }
        unsafe room.copyMemory(from: text.utf8Start, byteCount: size)
    }

    mutating func append(_ byte: UInt8) {
        guard let room = unsafe room(1) else { return }
        unsafe room.storeBytes(of: byte, as: UInt8.self)
    }

    mutating func append(_ bytes: ByteView) {
        guard let room = unsafe room(bytes.count), let base = unsafe bytes.buffer.baseAddress
        else { return }
        unsafe room.copyMemory(from: base, byteCount: bytes.count)
    }

    mutating func append(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe append(ByteView($0)) }
    }

    mutating func append(_ text: String) {
        let copied: Void? = unsafe text.utf8.withContiguousStorageIfAvailable {
            unsafe append(ByteView(UnsafeRawBufferPointer($0)))
        }
        if copied == nil { append(Array(text.utf8)) }
    }

    /// Appends the bytes with capital ASCII letters made small.
    mutating func append(lowercased bytes: ByteView) {
        for index in 0..<bytes.count { append(WireByte.lower(bytes[index])) }
    }

    mutating func append(decimal number: UInt64) {
        append(String(number))
    }

    /// Appends one field. Whoever calls has checked that neither part holds CR, LF or NUL.
    mutating func appendField(_ name: String, _ value: String) {
        append(name)
        append(": ")
        append(value)
        append("\r\n")
    }

    /// Lends room for exactly `size` bytes, all of which `fill` must write.
    mutating func append(size: Int, _ fill: (UnsafeMutableRawPointer) -> Void) {
        guard let room = unsafe room(size) else { return }
        unsafe fill(room)
    }

    /// What has been written so far, as it lies. Valid as long as the lent memory is.
    var written: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: memory[0..<count])
    }

    /// What has been written so far, as a copy.
    var bytes: [UInt8] { unsafe Array(written) }
}
