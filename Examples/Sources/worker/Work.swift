import StargateCore

/// Does what a peer asks for, one job after the other.
///
/// A peer that sends faster than the work is done has to wait, and the memory it can fill stays small.
/// Nothing here says so; it is what `for try await` means.
func work(for socket: AsyncWebSocket, duration: Duration) async throws {
    var count = 0
    for try await message in socket.messages {
        try await Task.sleep(for: duration)
        count += 1
        try await socket.send("\(count): \(message.byteCount) bytes")
    }
}
