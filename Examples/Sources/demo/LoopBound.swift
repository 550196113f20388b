// A loop's things must not leave their loop, and the compiler sees to it: they are not Sendable.
// The room is shared by all loops, so it keeps each loop's members in a box that only that loop
// can open.

import StargateCore

/// A value of one loop, in a box that may be carried anywhere and opened only there.
///
/// `EventLoop` is not Sendable: whoever holds one runs on it. So asking for it at every opening,
/// and comparing its index, is what makes the unchecked promise below true.
struct LoopBound<Value: AnyObject>: @unchecked Sendable {
    private let value: Value
    private let index: Int

    init(_ value: Value, to loop: EventLoop) {
        self.value = value
        self.index = loop.index
    }

    /// The value. Asking for it on another loop than its own is a mistake of the program.
    func open(on loop: EventLoop) -> Value {
        precondition(loop.index == index, "a value of loop \(index) was asked for on \(loop.index)")
        return value
    }
}
