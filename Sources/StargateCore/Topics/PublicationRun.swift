// Publications to one topic, one after the other, whose frames are put together once for all
// subscribers that read: each gets them in one write, from the same memory.

/// What was published to a topic without anything in between.
struct PublicationRun {
    /// A longer run would make a turn of the loop long.
    static let countMax = 1024
    /// As much as is put together; a single publication may be longer, and is not copied at all.
    static let byteCountMax = 64 << 10

    let deliveries: ArraySlice<PublicationDelivery>
    let topic: Topic
    /// The frames of today's protocol, one behind the other.
    let frame: EncodedFrame
    /// Tells this run from others in ``Subscriptions/exceptedRun``.
    let number: UInt64

    /// - Parameters:
    ///   - deliveries: at least one, all to the same topic.
    ///   - number: no other run's.
    ///   - account: of the server, for what is put together here.
    init?(
        _ deliveries: ArraySlice<PublicationDelivery>,
        number: UInt64,
        account: FrameAccount
    ) {
        guard let first = deliveries.first else { return nil }
        self.deliveries = deliveries
        self.number = number
        topic = first.publication.topic
        frame = deliveries.count == 1 ? first.publication.message.plain : Self.join(deliveries)
        frame.charge(to: account)
    }

    var count: Int { deliveries.count }

    private static func join(_ deliveries: ArraySlice<PublicationDelivery>) -> EncodedFrame {
        let byteCount = deliveries.reduce(0) { $0 + $1.publication.message.plain.count }
        return unsafe EncodedFrame(count: byteCount) { target in
            var offset = 0
            for delivery in deliveries {
                let bytes = unsafe delivery.publication.message.plain.bytes
                guard let source = bytes.baseAddress else { continue }
                unsafe (target + offset).copyMemory(from: source, byteCount: bytes.count)
                offset += bytes.count
            }
        }
    }

    /// The publications that have begun, at least one, when so many bytes have left: how many, the
    /// frame of the last, and where it ends. All but that have left.
    func begun(after sent: Int) -> (count: Int, last: EncodedFrame, end: Int) {
        var end = 0
        for (index, delivery) in deliveries.enumerated() {
            let last = delivery.publication.message.plain
            end += last.count
            if end > sent { return (index + 1, last, end) }
        }
        return (count, frame, frame.count)
    }

    /// What the run costs for each subscriber, a write of something short being 1.
    var cost: Int { 1 + count / 16 + frame.count >> 14 }

    /// How many of the next publications make a run of at most that cost.
    static func count(of deliveries: ArraySlice<PublicationDelivery>, costMax: Int) -> Int {
        guard let first = deliveries.first?.publication else { return 0 }
        var count = 1
        var byteCount = first.message.plain.count
        for delivery in deliveries.dropFirst().prefix(countMax - 1) {
            let next = delivery.publication
            byteCount += next.message.plain.count
            guard byteCount <= byteCountMax, 1 + (count + 1) / 16 + byteCount >> 14 <= costMax,
                next.topic == first.topic
            else { break }
            count += 1
        }
        return count
    }
}
