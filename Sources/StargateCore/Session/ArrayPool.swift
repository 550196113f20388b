// Arrays for short messages. To allocate one and to free it again costs four times what it costs to
// fill one that its handler has let go of, and as much as all else that an echo does in user space.

/// The arrays that were handed out last, kept to be filled again.
///
/// An array is a value: what is written to one while somebody else still has it goes to a copy, as
/// everywhere in Swift. So a message that is kept costs what it would without a pool.
@safe
struct ArrayPool: ~Copyable {
    /// So many bytes are nothing to copy, and nothing to keep.
    static let byteCountMax = 120
    /// Lengths between which the allocator makes no difference share their places, so that an array
    /// is neither larger than its message needs, nor too small for the next one: glibc hands out
    /// multiples of 16 bytes less 8, of which 32 are the head of the array.
    private static let granule = 16
    /// For each of those, as many as a read often brings.
    private static let placeCount = 16

    /// For lengths from 1 on, in steps; all arrays are initialized, and empty at first.
    private let places: UnsafeMutablePointer<[UInt8]>
    /// Whose turn it is.
    private var turn = 0

    private static var count: Int { (byteCountMax + 8) / granule * placeCount }

    init() {
        unsafe places = .allocate(capacity: Self.count)
        unsafe places.initialize(repeating: [], count: Self.count)
    }

    deinit {
        unsafe places.deinitialize(count: Self.count)
        unsafe places.deallocate()
    }

    /// Whether a message of this length has an array here.
    @inline(__always)
    static func suits(_ byteCount: Int) -> Bool { byteCount > 0 && byteCount <= byteCountMax }

    /// The bytes in an array of their own. Their number must be suitable.
    @inline(__always)
    mutating func copy(_ bytes: RawSpan) -> [UInt8] {
        let count = bytes.byteCount
        turn = (turn &+ 1) & (Self.placeCount &- 1)
        let granules = (count &+ 7) / Self.granule
        let place = unsafe places + (granules &* Self.placeCount &+ turn)
        if unsafe place.pointee.count != count { unsafe Self.resize(&place.pointee, to: count) }
        unsafe place.pointee.withUnsafeMutableBytes { target in
            unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
        }
        return unsafe place.pointee
    }

    @inline(never)
    private static func resize(_ array: inout [UInt8], to count: Int) {
        if array.count > count {
            array.removeLast(array.count &- count)
        } else {
            array.append(contentsOf: repeatElement(0, count: count &- array.count))
        }
    }
}
